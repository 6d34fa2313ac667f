//! Scores against thresholds, and what follows when a classifier gives no usable answer.
use policy::{Answer, ImageClassifier, ImageDecision, ImageGate, ImageRule, OnFailure};
use spec::stage::{Generated, Origin, Screened as _};
use spec::{
    Artifact, Asked, FileFormat, ModelIdentity, Picture, PictureRequest, Request, Run, RunPrecision, ScreeningDecision, Sha256Digest,
    Texts, Verdict,
};

struct Says(&'static str, Result<Vec<(&'static str, f32)>, &'static str>);

impl ImageClassifier for Says {
    fn name(&self) -> &str {
        self.0
    }

    fn look(&self, _: &Picture) -> Result<Answer, String> {
        let scores = self.1.clone().map_err(str::to_owned)?;
        Ok(Answer { version: "7".into(), scores: scores.into_iter().map(|(label, score)| (label.to_owned(), score)).collect() })
    }
}

fn rule(label: &str, block: f32, review: Option<f32>) -> ImageRule {
    ImageRule { label: label.into(), class: "A1.f".parse().unwrap(), block, review }
}

fn picture() -> Picture {
    Picture::new(2, 1, vec![0; 6]).unwrap()
}

fn gate(on_failure: OnFailure, answer: Result<Vec<(&'static str, f32)>, &'static str>) -> ImageGate {
    ImageGate::new(on_failure).with(Box::new(Says("c", answer)), vec![rule("nsfw", 0.8, Some(0.5))]).unwrap()
}

fn decision(answer: Result<Vec<(&'static str, f32)>, &'static str>) -> ScreeningDecision {
    gate(OnFailure::Block, answer).examine(&picture()).decision
}

#[test]
fn thresholds_are_reached_at_their_own_value() {
    use ScreeningDecision::{Block, Pass, Review};
    for (score, expected) in
        [(0.0, Pass), (0.4999, Pass), (0.5, Review), (0.7999, Review), (0.8, Block), (1.0, Block), (0.799_96, Block), (0.499_94, Pass)]
    {
        assert_eq!(decision(Ok(vec![("nsfw", score)])), expected, "{score}");
    }
    assert_eq!(decision(Ok(vec![("other", 1.0), ("nsfw", 0.1)])), Pass, "a label without a rule does not count");
    let always =
        ImageGate::new(OnFailure::Block).with(Box::new(Says("c", Ok(vec![("nsfw", 0.0)]))), vec![rule("nsfw", 0.0, None)]).unwrap();
    assert_eq!(always.examine(&picture()).decision, Block);
}

#[test]
fn the_strictest_of_all_classifiers_counts() {
    let gate = gate(OnFailure::Block, Ok(vec![("nsfw", 0.1)]))
        .with(Box::new(Says("d", Ok(vec![("gore", 0.9), ("art", 1.0)]))), vec![rule("gore", 0.9, None), rule("art", 1.0, None)])
        .unwrap();
    let screening = gate.examine(&picture());
    assert_eq!(screening.decision, ScreeningDecision::Block);
    let rules: Vec<_> =
        screening.results.iter().flat_map(|result| &result.scores).map(|score| (score.rule.as_str(), score.score)).collect();
    assert_eq!(rules, [("c.nsfw", 0.1), ("d.gore", 0.9), ("d.art", 1.0)]);
    assert_eq!(screening.results[1].version, "7");
    let (english, chinese) = gate.appeal_to("safety@example.com").wording(&screening);
    for text in [&english, &chinese] {
        assert!(text.contains("d.gore = 0.9") && text.contains("A1.f") && text.contains("safety@example.com"), "{text}");
        assert!(!text.contains("c.nsfw"), "only what blocks is told: {text}");
    }
}

#[test]
fn no_usable_answer_blocks_unless_told_otherwise() {
    let unusable = [
        Err("timeout"),
        Ok(vec![]),
        Ok(vec![("sfw", 0.9)]),
        Ok(vec![("nsfw", f32::NAN)]),
        Ok(vec![("nsfw", -0.1)]),
        Ok(vec![("nsfw", 1.1)]),
        Ok(vec![("nsfw", f32::INFINITY)]),
    ];
    for answer in unusable {
        let closed = gate(OnFailure::Block, answer.clone());
        let screening = closed.examine(&picture());
        assert_eq!(screening.decision, ScreeningDecision::Block, "{answer:?}");
        assert!(screening.results[0].failure.is_some() && screening.results[0].scores.is_empty());
        assert!(closed.wording(&screening).0.contains("gave no usable answer"));
        let screening = gate(OnFailure::Review, answer).examine(&picture());
        assert_eq!(screening.decision, ScreeningDecision::Review, "it is recorded, and somebody should look");
        assert!(screening.results[0].failure.is_some());
    }
    // Another classifier's good answer does not make up for it.
    let one_down =
        gate(OnFailure::Block, Ok(vec![("nsfw", 0.0)])).with(Box::new(Says("d", Err("down"))), vec![rule("x", 1.0, None)]).unwrap();
    assert_eq!(one_down.examine(&picture()).decision, ScreeningDecision::Block);
}

#[test]
fn rules_that_contradict_themselves_are_errors() {
    let with = |name: &'static str, rules: Vec<ImageRule>| {
        gate(OnFailure::Block, Ok(vec![])).with(Box::new(Says(name, Ok(vec![]))), rules).map(|gate| gate.classifiers().len())
    };
    assert_eq!(with("d", vec![rule("x", 0.5, Some(0.5))]).unwrap(), 2);
    let wrong = [(1.01, None), (-0.01, None), (f32::NAN, None), (0.5, Some(0.6)), (0.5, Some(-0.1)), (0.5, Some(f32::NAN))];
    for (block, review) in wrong {
        assert!(with("d", vec![rule("x", block, review)]).is_err(), "{block} {review:?}");
    }
    assert!(with("c", vec![rule("x", 0.5, None)]).is_err(), "a name that is taken");
    assert!(with("", vec![rule("x", 0.5, None)]).is_err() && with("d", vec![]).is_err());
}

struct Fake(Request, Verdict, ModelIdentity, Artifact);

impl Origin for Fake {
    fn request(&self) -> &Request {
        &self.0
    }
    fn verdict(&self) -> &Verdict {
        &self.1
    }
    fn model(&self) -> &ModelIdentity {
        &self.2
    }
    fn seed(&self) -> u64 {
        42
    }
}

impl Generated for Fake {
    fn artifact(&self) -> &Artifact {
        &self.3
    }
}

fn fake() -> Fake {
    let request = Request {
        model: "m".into(),
        texts: Texts::of("猫"),
        seed: 42,
        count: 1,
        run: Run::exact(RunPrecision::F32),
        asked: Asked::Picture(PictureRequest {
            width: 2,
            height: 1,
            num_inference_steps: 1,
            guidance_scale: 1.0,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    };
    let model = ModelIdentity { name: "m".into(), family: "f".into(), sha256: Sha256Digest::of(b"") };
    Fake(request, Verdict::Pass { lexicons: vec![], reviews: vec![] }, model, Artifact::Picture(picture()))
}

#[test]
fn a_picture_goes_on_only_with_its_screening() {
    match gate(OnFailure::Block, Ok(vec![("nsfw", 0.6)])).screen(fake()) {
        ImageDecision::Screened(screened) => {
            assert_eq!(screened.screening().decision, ScreeningDecision::Review);
            assert_eq!(screened.generated().artifact(), &Artifact::Picture(picture()));
        }
        ImageDecision::Withheld(_) => panic!("withheld"),
    }
    match gate(OnFailure::Block, Ok(vec![("nsfw", 0.9)])).screen(fake()) {
        ImageDecision::Withheld(withheld) => {
            assert_eq!((withheld.origin().seed(), withheld.screening().decision), (42, ScreeningDecision::Block));
            assert!(withheld.english.contains("c.nsfw") && withheld.chinese.contains("申诉"));
        }
        ImageDecision::Screened(_) => panic!("not withheld"),
    }
    match ImageGate::new(OnFailure::Block).screen(fake()) {
        ImageDecision::Screened(screened) => assert_eq!(screened.screening(), &spec::Screening::none(), "screening is off, and says so"),
        ImageDecision::Withheld(_) => panic!("withheld"),
    }
}
