use super::{Marking, Order};
use crate::explicit::{self, Corner, Plate};
use crate::{Error, decode, encode};
use spec::{FileFormat, Picture, Threads};

/// The explicit label is drawn text, the hidden mark a watermark in the pixels.
impl Marking for Picture {
    fn mark_explicit(&mut self, text: &str) -> Result<(), Error> {
        explicit::draw(self, text, Corner::LowerRight, Plate::WhereNeeded)
    }

    fn mark_hidden(&mut self, key: &watermark::Key, order: &Order, threads: Threads) -> bool {
        let (width, height) = (self.width(), self.height());
        let Some(id) = watermark::Id::new(order.produce_id.mark()) else { return false };
        watermark::embed(self.pixels_mut(), width, height, key, id, threads).is_ok()
    }

    fn encode(&self, format: FileFormat, threads: Threads) -> Result<Vec<u8>, Error> {
        encode::encode(self, format, threads)
    }

    fn reads_back(&self, file: &[u8]) -> Result<bool, Error> {
        decode::decodes_to(file, self.into())
    }
}
