//! Pictures as the earlier rooms would hand them over.
#![allow(dead_code, reason = "each test binary uses its own part")]

use ledger::{Account, Decision, MINIMUM_RETENTION_DAYS, PromptStorage, Recipient, VaultSettings};
use spec::stage::{Granted, Labelled, Origin, Production, Source, Stored};
use spec::{
    Asked, ClassifierResult, Clock, FileFormat, ImageScore, ImplicitLabel, LabelKind, ModelIdentity, PictureRequest, ProduceId, Reason,
    Request, Run, RunPrecision, Screening, Sha256Digest, Texts, Timestamp, Verdict,
};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

pub struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_392_000_000)
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock)
}

pub fn request() -> Request {
    Request {
        model: "xiaopin".into(),
        texts: Texts::of("白色背景上的红色高跟鞋，\"3D\" 风格\n"),
        seed: u64::MAX,
        count: 1,
        run: Run::exact(RunPrecision::F32),
        asked: Asked::Picture(PictureRequest {
            width: 128,
            height: 96,
            num_inference_steps: 20,
            guidance_scale: 4.1,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    }
}

pub fn pass() -> Verdict {
    Verdict::Pass { lexicons: vec!["builtin 1".into()], reviews: Vec::new() }
}

pub fn refusal() -> Verdict {
    let reason = Reason {
        class: "A1.a".into(),
        rule: "r7".into(),
        lexicon: "builtin 1".into(),
        field: "prompt".into(),
        quote: "词".into(),
        span: (0, 3),
    };
    Verdict::Refuse { lexicons: vec!["builtin 1".into()], reasons: vec![reason] }
}

/// What a classifier would say that is sure of `score`.
pub fn screening(score: f32) -> Screening {
    let score = ImageScore { rule: "c.nsfw".into(), class: "A1.f".into(), score, block: 0.8, review: Some(0.5) };
    let result = ClassifierResult { classifier: "c".into(), version: "1".into(), scores: vec![score], failure: None };
    let decision = result.scores[0].decision();
    Screening { decision, results: vec![result], rule: None }
}

pub fn id(number: u32) -> ProduceId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    ProduceId::new(Timestamp(1_795_392_000_000), random)
}

pub struct Rendering {
    request: Request,
    verdict: Verdict,
    model: ModelIdentity,
}

impl Origin for Rendering {
    fn request(&self) -> &Request {
        &self.request
    }
    fn verdict(&self) -> &Verdict {
        &self.verdict
    }
    fn model(&self) -> &ModelIdentity {
        &self.model
    }
    fn seed(&self) -> u64 {
        42
    }
}

pub struct File {
    pub rendering: Rendering,
    pub screening: Screening,
    label: ImplicitLabel,
    bytes: Vec<u8>,
    explicit_label: &'static str,
    grant: Option<Box<dyn Granted>>,
}

impl File {
    pub fn new(number: u32) -> Self {
        Self::of(number, request(), pass())
    }

    pub fn of(number: u32, request: Request, verdict: Verdict) -> Self {
        let model = ModelIdentity { name: "xiaopin".into(), family: "ErnieImagePipeline".into(), sha256: Sha256Digest::of(b"model") };
        let label = ImplicitLabel {
            label: LabelKind::Generated,
            content_producer: String::new(),
            produce_id: id(number),
            reserved_code_1: String::new(),
            content_propagator: String::new(),
            propagate_id: String::new(),
            reserved_code_2: String::new(),
        };
        let rendering = Rendering { request, verdict, model };
        Self { rendering, screening: screening(0.1234), label, bytes: content(number), explicit_label: "AI生成", grant: None }
    }

    pub fn without_explicit_label(self, grant: Option<ledger::Article9Grant>) -> Self {
        let grant = grant.map(|grant| -> Box<dyn Granted> { Box::new(grant) });
        Self { explicit_label: "", grant, ..self }
    }

    pub fn with_grant(self, grant: ledger::Article9Grant) -> Self {
        Self { grant: Some(Box::new(grant)), ..self }
    }
}

pub fn content(number: u32) -> Vec<u8> {
    format!("picture {number}").repeat(100).into_bytes()
}

pub fn name(number: u32) -> String {
    format!("{number}.png")
}

impl Labelled for File {
    fn id(&self) -> ProduceId {
        self.label.produce_id
    }
    fn source(&self) -> Source<'_> {
        Source::Generated(Production {
            origin: &self.rendering,
            screening: &self.screening,
            label: &self.label,
            explicit_label: self.explicit_label,
            granted: self.grant.as_deref(),
            watermarked: false,
        })
    }
    fn sidecar(&self) -> Option<&[u8]> {
        None
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn format(&self) -> FileFormat {
        FileFormat::Png
    }
    fn content_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.bytes)
    }
}

/// A stored file that touches no disk and shows whether it was kept.
pub struct Held {
    pub file: File,
    pub name: String,
    pub kept: Rc<Cell<bool>>,
}

pub fn held(number: u32) -> Held {
    Held { file: File::new(number), name: name(number), kept: Rc::default() }
}

impl Stored for Held {
    fn produce_id(&self) -> ProduceId {
        self.file.label.produce_id
    }
    fn labelled(&self) -> &dyn Labelled {
        &self.file
    }
    fn release_name(&self) -> &str {
        &self.name
    }
    fn keep(&self) {
        self.kept.set(true);
    }
}

/// A clock that a test sets.
pub struct SetClock(pub AtomicU64);

impl SetClock {
    pub fn at(milliseconds: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(milliseconds)))
    }

    pub fn pass_days(&self, days: u64) {
        self.0.fetch_add(days * 86_400_000, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// 2020-01-01, so that terms are over by the machine's clock too.
pub const LONG_AGO: u64 = 1_577_836_800_000;

pub fn settings(folder: &Path, prompts: PromptStorage) -> VaultSettings {
    VaultSettings { key: folder.join("record.key"), prompts, retention_days: MINIMUM_RETENTION_DAYS }
}

pub fn recipient() -> Recipient {
    Recipient { name: "某某出版社".into(), identity: "USCC 91110000100006666X".into(), purpose: "印刷样张".into() }
}

pub fn account() -> Account {
    Account::new("甲").expect("a name")
}

pub fn decision() -> Decision {
    Decision { officer: "张三".into(), reason: "收到投诉".into(), measures: vec!["下架".into()] }
}
