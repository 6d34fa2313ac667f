//! The stages between the words of the sentence.
//!
//! Each trait says what the next word may read. Each has exactly one implementation outside tests, on a struct with private
//! fields, in the crate named in its doc; `cargo xtask check` asserts that.

use crate::{Artifact, FileFormat, ImplicitLabel, ModelIdentity, ProduceId, Relabelling, Request, Screening, Sha256Digest, Verdict};

/// A request that passed the gate. Earned in `policy`.
pub trait Cleared {
    /// The request as it passed.
    fn request(&self) -> &Request;
    /// The gate's verdict: always [`Verdict::Pass`].
    fn verdict(&self) -> &Verdict;
}

/// How an artifact came to be: what every later stage may know of it.
pub trait Origin {
    /// The request that asked for it.
    fn request(&self) -> &Request;
    /// The gate's verdict on it.
    fn verdict(&self) -> &Verdict;
    /// The weights that made it.
    fn model(&self) -> &ModelIdentity;
    /// This artifact's own seed.
    fn seed(&self) -> u64;
}

/// What a model made. Earned in `engine`. It cannot leave: only `policy` and `provenance` read it, and no later stage can.
pub trait Generated: Origin {
    /// The unlabelled artifact.
    fn artifact(&self) -> &Artifact;
}

/// An artifact that the examiner of its kind of work let pass. Earned in `policy`; only this can be labelled.
pub trait Screened {
    /// The artifact.
    fn generated(&self) -> &dyn Generated;
    /// What was said of it.
    fn screening(&self) -> &Screening;
}

/// The right to one copy of one recorded picture without explicit label (标识办法 article 9): the agreement was accepted, somebody applied,
/// the recipient was identified, and all of it is on record. Earned in `ledger`.
pub trait Granted: Send {
    /// Index of the application in the ledger.
    fn application(&self) -> u64;
    /// Index of its approval.
    fn approval(&self) -> u64;
    /// The recorded picture.
    fn copy_of(&self) -> ProduceId;
    /// What draws it again: the recorded request, for this one picture alone.
    fn request(&self) -> &Request;
    /// The weights that made it.
    fn model(&self) -> &ModelIdentity;
}

/// Where a labelled file comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A model made its artifact.
    Generated(Production<'a>),
    /// It was made from another file: passed on, or converted.
    Derived(&'a Relabelling),
}

/// What the record keeps of a generated file.
#[derive(Clone, Copy)]
pub struct Production<'a> {
    /// How the artifact came to be.
    pub origin: &'a dyn Origin,
    /// What its examiner said of it.
    pub screening: &'a Screening,
    /// The implicit label as it was read back from the bytes.
    pub label: &'a ImplicitLabel,
    /// Text of the explicit label as drawn, for example `AI生成`; empty in an unlabelled copy, which was granted.
    pub explicit_label: &'a str,
    /// What allowed this file to go without an explicit label; `None` for every file that has one.
    pub granted: Option<&'a dyn Granted>,
    /// Whether the pixels carry an invisible watermark with the id's [`ProduceId::mark`].
    pub watermarked: bool,
}

/// An encoded file that carries its labels: the implicit one always, the explicit one unless its absence was granted. Earned in `provenance`.
pub trait Labelled {
    /// The id under which it is recorded: the one in a generated file's label, a new one of a derived file.
    fn id(&self) -> ProduceId;
    /// Where it comes from.
    fn source(&self) -> Source<'_>;
    /// The whole file.
    fn bytes(&self) -> &[u8];
    /// The C2PA manifest store that goes beside it, for a file that carries none inside.
    fn sidecar(&self) -> Option<&[u8]>;
    /// Its format.
    fn format(&self) -> FileFormat;
    /// SHA-256 of [`Self::bytes`].
    fn content_sha256(&self) -> Sha256Digest;
}

/// A labelled file that is on disk under a name that nobody sees yet. Earned in `store`.
pub trait Stored {
    /// The id under which it is recorded.
    fn produce_id(&self) -> ProduceId;
    /// The labelled file.
    fn labelled(&self) -> &dyn Labelled;
    /// The name under which it will be released, relative to the ledger's folder where possible.
    fn release_name(&self) -> &str;
    /// Tells the file that the ledger knows it. A file whose owner drops it before this call is removed from disk; from
    /// this call on it stays, so that recovery can release what a crash left behind. Only the ledger calls it.
    fn keep(&self);
}

/// A stored file that the ledger knows. Earned in `ledger`; only this can be released to a user.
pub trait Recorded {
    /// The stored file.
    fn stored(&self) -> &dyn Stored;
    /// Index of its leaf in the ledger.
    fn leaf_index(&self) -> u64;
    /// Root of the ledger's tree just after that leaf.
    fn root(&self) -> Sha256Digest;
}
