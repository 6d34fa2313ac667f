//! The marks that a kind of work carries, and their order, written once.
//!
//! ```text
//! explicit label → invisible watermark → encode → implicit label, read back → C2PA manifest → the artifact, read back
//! ```
//!
//! The watermark comes last in the artifact itself, so that it fits what a copy will show; the manifest comes last in the file, for it covers
//! every other byte. What is handed out was read back.

mod design;
mod picture;

pub(crate) use design::MarkedDesign;

use crate::{Error, Labeller, container, value};
use spec::{FileFormat, ImplicitLabel, ProduceId, Threads};

/// What a kind of work does for each mark. A kind that has no place for one says so by its answer, never by leaving a step out.
pub(crate) trait Marking {
    /// Puts the explicit label where whoever looks at the artifact sees it.
    fn mark_explicit(&mut self, text: &str) -> Result<(), Error>;

    /// Hides the mark of the ProduceID; `false` where the artifact cannot carry it, and stays as it is: the labels do not depend on it.
    fn mark_hidden(&mut self, key: &watermark::Key, order: &Order, threads: Threads) -> bool;

    /// The file, without implicit label.
    fn encode(&self, format: FileFormat, threads: Threads) -> Result<Vec<u8>, Error>;

    /// Whether the finished file holds this artifact.
    fn reads_back(&self, file: &[u8]) -> Result<bool, Error>;
}

/// A step of marking, named after what was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Explicit,
    Hidden,
    Encode,
    Implicit,
    ReadLabels,
    Manifest,
    ReadBack,
}

/// What is to be made of an artifact.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) format: FileFormat,
    pub(crate) produce_id: ProduceId,
    /// Whether the explicit label is drawn; only a grant of article 9 leaves it out.
    pub(crate) explicit: Explicit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explicit {
    Drawn,
    Granted,
}

/// A file with all its marks.
pub(crate) struct Marked {
    pub(crate) bytes: Vec<u8>,
    pub(crate) label: ImplicitLabel,
    pub(crate) watermarked: bool,
}

impl Labeller {
    /// All marks, in their order; `observe` is told of every step when it is done.
    pub(crate) fn mark(&self, mut artifact: impl Marking, order: Order, observe: &mut dyn FnMut(Step)) -> Result<Marked, Error> {
        let Order { format, produce_id, explicit } = order;
        if explicit == Explicit::Drawn {
            artifact.mark_explicit(&self.explicit_text)?;
            observe(Step::Explicit);
        }
        let mut watermarked = false;
        if let Some(key) = &self.watermark {
            watermarked = artifact.mark_hidden(key, &order, self.threads);
            observe(Step::Hidden);
        }
        let encoded = artifact.encode(format, self.threads)?;
        observe(Step::Encode);
        let (mut bytes, label) = self.write_implicit(&encoded, format, produce_id, observe)?;
        // What has no place for a manifest goes without: a record of its digest binds it.
        if let Some(credentials) = self.credentials.as_ref().filter(|_| format != FileFormat::Stl) {
            bytes = credentials.write(&bytes, produce_id, watermarked)?;
            observe(Step::Manifest);
        }
        if !artifact.reads_back(&bytes)? {
            return Err(Error::EmbeddingFailed);
        }
        observe(Step::ReadBack);
        Ok(Marked { bytes, label, watermarked })
    }

    /// An encoded file with its implicit label, read back as written.
    pub(crate) fn write_implicit(
        &self,
        encoded: &[u8],
        format: FileFormat,
        produce_id: ProduceId,
        observe: &mut dyn FnMut(Step),
    ) -> Result<(Vec<u8>, ImplicitLabel), Error> {
        let label = self.implicit_label(produce_id);
        let text = value::write(&label).ok_or(Error::EmbeddingFailed)?;
        let bytes = container::write(format, encoded, &text).map_err(|_| Error::EmbeddingFailed)?;
        observe(Step::Implicit);
        self.check_read_back(&bytes, format, &label, &text)?;
        observe(Step::ReadLabels);
        Ok((bytes, label))
    }
}
