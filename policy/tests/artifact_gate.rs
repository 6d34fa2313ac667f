//! Every kind of work has an examiner or a stated rule; scores of pictures against thresholds; what follows when a classifier gives no
//! usable answer.
use policy::{
    Answer, ArtifactGate, DESIGNS_BY_RULE, Examined, Examiner as _, ImageClassifier, ImageRule, OnFailure, PICTURES_SWITCHED_OFF,
    PictureExaminer, StatedRule,
};
use spec::stage::{Generated, Origin, Screened as _};
use spec::{
    Artifact, Asked, Design, FileFormat, KindOfWork, ModelIdentity, Picture, PictureRequest, Request, Run, RunPrecision, Screening,
    ScreeningDecision, Sha256Digest, Surface, Texts, Verdict,
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

fn examiner(on_failure: OnFailure, answer: Result<Vec<(&'static str, f32)>, &'static str>) -> PictureExaminer {
    PictureExaminer::new(on_failure).with(Box::new(Says("c", answer)), vec![rule("nsfw", 0.8, Some(0.5))]).unwrap()
}

fn gate(examiner: PictureExaminer) -> ArtifactGate {
    ArtifactGate::new(vec![Box::new(examiner), Box::new(DESIGNS_BY_RULE)])
}

fn design() -> Artifact {
    let drawing = picture();
    Artifact::Design(Box::new(Design { drawing, surface: Surface::default(), compliance: 1.0, volume_fraction: 0.5, iterations: 1 }))
}

fn decision(answer: Result<Vec<(&'static str, f32)>, &'static str>) -> ScreeningDecision {
    examiner(OnFailure::Block, answer).look(&picture()).decision
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
        PictureExaminer::new(OnFailure::Block).with(Box::new(Says("c", Ok(vec![("nsfw", 0.0)]))), vec![rule("nsfw", 0.0, None)]).unwrap();
    assert_eq!(always.look(&picture()).decision, Block);
}

#[test]
fn the_strictest_of_all_classifiers_counts() {
    let examiner = examiner(OnFailure::Block, Ok(vec![("nsfw", 0.1)]))
        .with(Box::new(Says("d", Ok(vec![("gore", 0.9), ("art", 1.0)]))), vec![rule("gore", 0.9, None), rule("art", 1.0, None)])
        .unwrap();
    let screening = examiner.look(&picture());
    assert_eq!(screening.decision, ScreeningDecision::Block);
    let rules: Vec<_> =
        screening.results.iter().flat_map(|result| &result.scores).map(|score| (score.rule.as_str(), score.score)).collect();
    assert_eq!(rules, [("c.nsfw", 0.1), ("d.gore", 0.9), ("d.art", 1.0)]);
    assert_eq!(screening.results[1].version, "7");
    let (english, chinese) = gate(examiner).appeal_to("safety@example.com").wording(&screening);
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
        Ok(vec![("nsfw", 0.9), ("nsfw", 0.1)]),
        Ok(vec![("nsfw", 0.1), ("nsfw", 0.1)]),
        Ok(vec![("nsfw", 0.1), ("art", f32::NAN)]),
    ];
    for answer in unusable {
        let closed = gate(examiner(OnFailure::Block, answer.clone()));
        let screening = closed.examine(&Artifact::Picture(picture()));
        assert_eq!(screening.decision, ScreeningDecision::Block, "{answer:?}");
        assert!(screening.results[0].failure.is_some() && screening.results[0].scores.is_empty());
        assert!(closed.wording(&screening).0.contains("gave no usable answer"));
        let screening = examiner(OnFailure::Review, answer).look(&picture());
        assert_eq!(screening.decision, ScreeningDecision::Review, "it is recorded, and somebody should look");
        assert!(screening.results[0].failure.is_some());
    }
    // Another classifier's good answer does not make up for it.
    let one_down =
        examiner(OnFailure::Block, Ok(vec![("nsfw", 0.0)])).with(Box::new(Says("d", Err("down"))), vec![rule("x", 1.0, None)]).unwrap();
    assert_eq!(one_down.look(&picture()).decision, ScreeningDecision::Block);
}

#[test]
fn rules_that_contradict_themselves_are_errors() {
    let with = |name: &'static str, rules: Vec<ImageRule>| {
        examiner(OnFailure::Block, Ok(vec![])).with(Box::new(Says(name, Ok(vec![]))), rules).map(|examiner| examiner.classifiers().len())
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
    match gate(examiner(OnFailure::Block, Ok(vec![("nsfw", 0.6)]))).screen(fake()) {
        Examined::Screened(screened) => {
            assert_eq!(screened.screening().decision, ScreeningDecision::Review);
            assert_eq!(screened.generated().artifact(), &Artifact::Picture(picture()));
        }
        Examined::Withheld(_) => panic!("withheld"),
    }
    match gate(examiner(OnFailure::Block, Ok(vec![("nsfw", 0.9)]))).screen(fake()) {
        Examined::Withheld(withheld) => {
            assert_eq!((withheld.origin().seed(), withheld.screening().decision), (42, ScreeningDecision::Block));
            assert!(withheld.english.contains("c.nsfw") && withheld.chinese.contains("申诉"));
        }
        Examined::Screened(_) => panic!("not withheld"),
    }
}

#[test]
fn nothing_passes_in_silence() {
    let off = ArtifactGate::new(vec![Box::new(PICTURES_SWITCHED_OFF), Box::new(DESIGNS_BY_RULE)]);
    match off.screen(fake()) {
        Examined::Screened(screened) => assert_eq!(screened.screening(), &Screening::by_rule("pictures-off-v1")),
        Examined::Withheld(_) => panic!("withheld"),
    }
    let by_rule = off.examine(&design());
    assert_eq!((by_rule.decision, by_rule.rule.as_deref(), by_rule.results.len()), (ScreeningDecision::Pass, Some("design-v1"), 0));
    assert_eq!(StatedRule::of_id("design-v1"), Some(DESIGNS_BY_RULE));
    assert!(off.classifiers(KindOfWork::Picture).is_empty() && off.classifiers(KindOfWork::Design).is_empty());
    // A kind that nobody was named for, and an examiner without a classifier.
    let nobody = ArtifactGate::new(Vec::new());
    for (gate, artifact) in [(&nobody, design()), (&nobody, Artifact::Picture(picture()))] {
        let screening = gate.examine(&artifact);
        assert_eq!(screening.decision, ScreeningDecision::Block);
        let (english, chinese) = gate.wording(&screening);
        assert!(english.contains("nobody is named to examine it") && chinese.contains("未配置"), "{english}{chinese}");
    }
    assert_eq!(PictureExaminer::new(OnFailure::Review).look(&picture()).decision, ScreeningDecision::Block);
    let pictures_only = ArtifactGate::new(vec![Box::new(examiner(OnFailure::Block, Ok(vec![("nsfw", 0.0)])))]);
    assert_eq!(pictures_only.examine(&design()).decision, ScreeningDecision::Block);
}
