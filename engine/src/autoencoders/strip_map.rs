use crate::error::{Error, Result};
use crate::waist::Tensor;

/// A feature map of one picture in strips: consecutive rows, top first, `[1, rows, width, channels]` each.
#[derive(Default)]
pub struct StripMap(Vec<Option<Tensor>>);

impl StripMap {
    /// Number of strips, those that were released included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds rows below.
    pub fn push(&mut self, strip: Tensor) {
        self.0.push(Some(strip));
    }

    /// A strip that was not released.
    pub fn strip(&self, index: usize) -> Result<&Tensor> {
        let strip = self.0.get(index).and_then(Option::as_ref);
        strip.ok_or_else(|| Error::Shape { operation: "strip", detail: format!("strip {index} of {} is gone", self.0.len()) })
    }

    /// All strips that were not released.
    pub fn strips(&self) -> Vec<&Tensor> {
        self.0.iter().flatten().collect()
    }

    /// Lets the strips above `index` go.
    pub fn release_above(&mut self, index: usize) {
        self.0.iter_mut().take(index).for_each(|strip| *strip = None);
    }

    /// This map in strips of at most `rows` rows; copies one strip at a time.
    pub fn split(self, rows: usize) -> Result<Self> {
        let mut thin = Self::default();
        for strip in self.0.into_iter().flatten() {
            let height = strip.size(1);
            if height <= rows {
                thin.push(strip);
                continue;
            }
            for first in (0..height).step_by(rows) {
                thin.push(strip.slice(1, first, rows.min(height - first))?);
            }
        }
        Ok(thin)
    }

    /// The map in one piece.
    pub fn whole(&self) -> Result<Tensor> {
        Tensor::concat(&self.strips(), 1)
    }
}
