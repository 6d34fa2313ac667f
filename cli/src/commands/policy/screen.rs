use super::options::ScreenOptions;
use crate::failure::Failure;
use installation::Configuration;
use policy::ArtifactGate;
use serde_json::json;
use spec::{Artifact, Code, KindOfWork, Screening, ScreeningDecision};
use std::path::Path;

pub fn run(options: &ScreenOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let gate = configuration.screening().gate()?;
    if gate.classifiers(KindOfWork::Picture).is_empty() {
        return Err(Failure::new(
            Code::ConfigurationInvalid,
            "no classifier is configured: see [image_safety] / 未启用任何图片分类器：见 [image_safety]",
        ));
    }
    let mut worst = 0;
    for file in &options.files {
        match screen(file, &gate) {
            Ok(screening) => {
                tell(file, &screening, &gate, options.json);
                if screening.decision == ScreeningDecision::Block && worst == 0 {
                    worst = Code::Refused.exit_code();
                }
            }
            // The other files are worth an answer too; a file that nobody could look at is not one that passed.
            Err(failure) => {
                if options.json {
                    println!("{}", json!({"file": file.display().to_string(), "error": failure.code().name()}));
                }
                failure.print();
                worst = failure.code().exit_code();
            }
        }
    }
    Ok(worst)
}

fn screen(file: &Path, gate: &ArtifactGate) -> Result<Screening, Failure> {
    let bytes = pipeline::read_user_file(file, pipeline::MOST_FILE_BYTES)?;
    let picture = installation::read_picture(&bytes).map_err(|error| Failure::new(error.code(), format!("{}: {error}", file.display())))?;
    Ok(gate.examine(&Artifact::Picture(picture)))
}

fn tell(file: &Path, screening: &Screening, gate: &ArtifactGate, as_json: bool) {
    let (english, chinese) = gate.wording(screening);
    let is_blocked = screening.decision == ScreeningDecision::Block;
    if as_json {
        let mut answer = json!({"file": file.display().to_string(), "screening": screening});
        if let (true, Some(answer)) = (is_blocked, answer.as_object_mut()) {
            answer.insert("english".to_owned(), english.into());
            answer.insert("chinese".to_owned(), chinese.into());
        }
        println!("{answer}");
        return;
    }
    let decision = match screening.decision {
        ScreeningDecision::Pass => "pass / 通过",
        ScreeningDecision::Review => "review / 建议人工复核",
        ScreeningDecision::Block => "block / 拦截",
    };
    println!("{}: {decision}", file.display());
    for result in &screening.results {
        for score in &result.scores {
            println!("  {} = {} ({})", score.rule, score.score, score.class);
        }
    }
    if is_blocked {
        println!("{chinese}\n{english}");
    }
}
