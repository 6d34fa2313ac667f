use super::{Marking, Order};
use crate::{Error, stl};
use spec::{Design, FileFormat, Threads};

/// A design on its way to a file. As a PNG file it is its drawing, marked as pictures are; as an STL file its surface, whose name carries the explicit
/// words. Triangles have no room for a hidden mark.
pub(crate) struct MarkedDesign {
    design: Design,
    /// The explicit words, once they were put there.
    words: Option<String>,
}

impl MarkedDesign {
    pub(crate) fn new(design: &Design) -> Self {
        Self { design: design.clone(), words: None }
    }
}

impl Marking for MarkedDesign {
    fn mark_explicit(&mut self, text: &str) -> Result<(), Error> {
        self.words = Some(text.to_owned());
        self.design.drawing.mark_explicit(text)
    }

    fn mark_hidden(&mut self, key: &watermark::Key, order: &Order, threads: Threads) -> bool {
        order.format == FileFormat::Png && self.design.drawing.mark_hidden(key, order, threads)
    }

    fn encode(&self, format: FileFormat, threads: Threads) -> Result<Vec<u8>, Error> {
        match format {
            FileFormat::Png => self.design.drawing.encode(format, threads),
            FileFormat::Stl => Ok(stl::write(&self.design.surface, self.words.as_deref())),
            other => Err(Error::NotADesignFormat(other)),
        }
    }

    fn reads_back(&self, file: &[u8]) -> Result<bool, Error> {
        if file.starts_with(b"solid") {
            return Ok(stl::read(file).is_some_and(|corners| corners == stl::corners(&self.design.surface)));
        }
        self.design.drawing.reads_back(file)
    }
}
