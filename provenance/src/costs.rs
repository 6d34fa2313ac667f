use crate::explicit::{Corner, Plate};
use crate::labeller::hide;
use crate::{Error, Labeller, container, encode, explicit, read_labels, value};
use spec::{FileFormat, Picture, ProduceId};
use std::time::{Duration, Instant};

impl Labeller {
    /// How long each step of labelling takes, by name, on the pixels of a labelled file; the result is thrown away, nothing is handed
    /// out.
    pub fn costs(&self, file: &[u8], format: FileFormat, produce_id: ProduceId) -> Result<Vec<(&'static str, Duration)>, Error> {
        let pixels = encode::decode(file).ok_or(Error::EmbeddingFailed)?;
        let (width, height) = pixels.dimensions();
        let Ok(picture) = Picture::new(width, height, pixels.into_raw()) else { return Err(Error::EmbeddingFailed) };
        let mut costs = Vec::new();
        let mut started = Instant::now();
        let mut step = |name| {
            costs.push((name, started.elapsed()));
            started = Instant::now();
        };
        let mut picture = picture.clone();
        step("copy");
        explicit::draw(&mut picture, &self.explicit_text, Corner::LowerRight, Plate::WhereNeeded)?;
        step("explicit label");
        if let Some(key) = &self.watermark {
            hide(&mut picture, key, produce_id, self.threads);
            step("invisible watermark");
        }
        let encoded = encode::encode(&picture, format, self.threads)?;
        step("encode");
        let text = value::write(&self.implicit_label(produce_id)).ok_or(Error::EmbeddingFailed)?;
        let mut bytes = container::write(format, &encoded, &text).map_err(|_| Error::EmbeddingFailed)?;
        step("implicit label (XMP)");
        if let Some(credentials) = &self.credentials {
            bytes = credentials.write(&bytes, produce_id, self.watermark.is_some())?;
            step("C2PA manifest, read back");
        }
        read_labels(&bytes);
        step("read labels back");
        encode::decodes_to(&bytes, &picture, format)?;
        step("read pixels back");
        Ok(costs)
    }
}
