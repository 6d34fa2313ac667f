//! Stand-ins for what the rooms before the tested one would hand over.
//!
//! Their fields are open, and they earn nothing: with one of them a test may store a file that nobody labelled. That is what only tests may
//! do, and why no room depends on this crate but for them.

use spec::stage::{Cleared, Generated, Granted, Labelled, Origin, Production, Recorded, Screened, Source, Stored};
use spec::{
    Artifact, ClassifierResult, FileFormat, ImageScore, ImplicitLabel, LabelKind, ModelIdentity, Picture, ProduceId, Reason, Request,
    Screening, Sha256Digest, Timestamp, Verdict,
};
use std::cell::Cell;
use std::rc::Rc;

use crate::clock::PRESENT;
use crate::requests;

/// The verdict of a gate that found nothing.
pub fn pass() -> Verdict {
    Verdict::Pass { lexicons: vec!["builtin 1".into()], reviews: Vec::new() }
}

/// The verdict of a gate that found one word.
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

/// What one classifier would say that is sure of `score`: withheld from 0.8 on, to be reviewed from 0.5 on.
pub fn screening(score: f32) -> Screening {
    let score = ImageScore { rule: "c.nsfw".into(), class: "A1.f".into(), score, block: 0.8, review: Some(0.5) };
    let decision = score.decision();
    let result = ClassifierResult { classifier: "c".into(), version: "1".into(), scores: vec![score], failure: None };
    Screening { decision, results: vec![result], rule: None }
}

/// The identity of a model that nobody opened.
pub fn model() -> ModelIdentity {
    ModelIdentity { name: requests::MODEL.into(), family: "ErnieImagePipeline".into(), sha256: Sha256Digest::of(b"model") }
}

/// An id of [`PRESENT`]; another one for every number.
pub fn produce_id(number: u32) -> ProduceId {
    produce_id_at(PRESENT, number)
}

/// An id of a moment.
pub fn produce_id_at(time: Timestamp, number: u32) -> ProduceId {
    let mut random = [0; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    ProduceId::new(time, random)
}

/// A request that passed a gate, what a model made of it, and what was said of that: [`Cleared`], [`Origin`], [`Generated`] and [`Screened`].
#[derive(Debug, Clone)]
pub struct Made {
    /// The request.
    pub request: Request,
    /// The gate's verdict.
    pub verdict: Verdict,
    /// The model.
    pub model: ModelIdentity,
    /// The artifact's own seed.
    pub seed: u64,
    /// The artifact.
    pub artifact: Artifact,
    /// What was said of it.
    pub screening: Screening,
}

impl Made {
    /// This picture, asked for in its own size and in `format`, with nothing said of it.
    pub fn picture(picture: Picture, format: FileFormat) -> Self {
        let size = (picture.width(), picture.height());
        let request = requests::picture("红色高跟鞋").with_picture(|asked| {
            (asked.width, asked.height) = size;
            asked.format = format;
        });
        let seed = request.seed;
        Self {
            request,
            verdict: pass(),
            model: model(),
            seed,
            artifact: Artifact::Picture(picture),
            screening: Screening { decision: spec::ScreeningDecision::Pass, results: Vec::new(), rule: None },
        }
    }

    /// One grey pixel that `request` is said to have asked for: for rooms that do not look at pixels.
    pub fn of(request: Request) -> Self {
        let pixel = Picture::new(1, 1, vec![128; 3]).expect("one pixel has three bytes");
        let seed = request.seed;
        Self { request, seed, ..Self::picture(pixel, FileFormat::Png) }
    }
}

impl Cleared for Made {
    fn request(&self) -> &Request {
        &self.request
    }
    fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

impl Origin for Made {
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
        self.seed
    }
}

impl Generated for Made {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }
}

impl Screened for Made {
    fn generated(&self) -> &dyn Generated {
        self
    }
    fn screening(&self) -> &Screening {
        &self.screening
    }
}

/// Bytes that pass for a labelled file.
pub struct LabelledFile {
    /// How it came to be.
    pub made: Made,
    /// Its implicit label.
    pub label: ImplicitLabel,
    /// Text of its explicit label.
    pub explicit_label: String,
    /// What allowed it to go without one.
    pub grant: Option<Box<dyn Granted>>,
    /// The file.
    pub bytes: Vec<u8>,
}

impl LabelledFile {
    /// A file with the id and the content of `number`.
    pub fn new(number: u32) -> Self {
        Self::of(Made { screening: screening(0.1234), ..Made::of(requests::picture("一只小猫")) }, number)
    }

    /// The file of something made, with the id and the content of `number`.
    pub fn of(made: Made, number: u32) -> Self {
        let label = ImplicitLabel {
            label: LabelKind::Generated,
            content_producer: String::new(),
            produce_id: produce_id(number),
            reserved_code_1: String::new(),
            content_propagator: String::new(),
            propagate_id: String::new(),
            reserved_code_2: String::new(),
        };
        let bytes = format!("picture {number}").repeat(100).into_bytes();
        Self { made, label, explicit_label: "AI生成".into(), grant: None, bytes }
    }
}

impl Labelled for LabelledFile {
    fn id(&self) -> ProduceId {
        self.label.produce_id
    }
    fn source(&self) -> Source<'_> {
        Source::Generated(Production {
            origin: &self.made,
            screening: &self.made.screening,
            label: &self.label,
            explicit_label: &self.explicit_label,
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
        self.made.request.asked.format()
    }
    fn content_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.bytes)
    }
}

/// A stored file that touches no disk and shows whether the ledger told it to stay.
pub struct StoredFile {
    /// The labelled file.
    pub labelled: LabelledFile,
    /// The name that it will be released under.
    pub name: String,
    /// Set by [`Stored::keep`].
    pub kept: Rc<Cell<bool>>,
}

impl StoredFile {
    /// [`LabelledFile::new`], to be released as `<number>.png`.
    pub fn new(number: u32) -> Self {
        Self { labelled: LabelledFile::new(number), name: format!("{number}.png"), kept: Rc::default() }
    }
}

impl Stored for StoredFile {
    fn produce_id(&self) -> ProduceId {
        self.labelled.label.produce_id
    }
    fn labelled(&self) -> &dyn Labelled {
        &self.labelled
    }
    fn release_name(&self) -> &str {
        &self.name
    }
    fn keep(&self) {
        self.kept.set(true);
    }
}

/// A stored file, of which a ledger is said to know.
pub struct RecordedFile<S> {
    /// The stored file.
    pub stored: S,
    /// Index of its leaf.
    pub leaf_index: u64,
}

impl<S: Stored> Recorded for RecordedFile<S> {
    fn stored(&self) -> &dyn Stored {
        &self.stored
    }
    fn leaf_index(&self) -> u64 {
        self.leaf_index
    }
    fn root(&self) -> Sha256Digest {
        Sha256Digest::of(b"root")
    }
}
