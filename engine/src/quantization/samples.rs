//! Part of what enters layers in a run.

use super::ChannelRanges;
use crate::waist::WeightKind;
use kernels::conv::ConvShape;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Patches that are kept of a convolution in each call, and over all calls: a map has many, and each is nine pixels large.
const PATCHES: (usize, usize) = (32, 256);

/// What went into a layer.
#[derive(Debug)]
pub(super) struct Seen {
    pub kind: WeightKind,
    /// Of a linear layer `[rows, inputs]`; of a convolution patches `[patches, kernel, kernel, inputs]`.
    pub rows: Vec<f32>,
    /// Of a convolution's inputs, in all pixels.
    pub ranges: ChannelRanges,
}

/// Part of what went into the layers that might be quantised, by full weight name.
#[derive(Debug)]
pub struct ActivationSamples {
    rows_a_call: usize,
    seen: Mutex<BTreeMap<String, Seen>>,
}

impl ActivationSamples {
    /// None yet; every call of a linear layer gives up to so many rows, evenly spaced.
    pub fn new(rows_a_call: usize) -> Self {
        Self { rows_a_call: rows_a_call.max(1), seen: Mutex::default() }
    }

    /// Takes rows of `x [rows, inputs]`.
    pub(crate) fn take(&self, name: &str, kind: WeightKind, x: &[f32], inputs: usize) {
        let rows = x.len() / inputs.max(1);
        let step = rows.div_ceil(self.rows_a_call).max(1);
        self.add(name, kind, |seen| x.chunks_exact(inputs.max(1)).step_by(step).for_each(|row| seen.rows.extend_from_slice(row)));
    }

    /// Takes patches of `x [batch, height, width, inputs]`, and the range of every channel.
    pub(crate) fn take_patches(&self, name: &str, kind: WeightKind, x: &[f32], shape: &ConvShape) {
        let (pixels, patch) = (shape.out_pixels(), shape.patch());
        self.add(name, kind, |seen| {
            seen.ranges.include(x, shape.in_channels);
            let room = PATCHES.1.saturating_sub(seen.rows.len() / patch.max(1));
            let step = pixels.div_ceil(PATCHES.0).max(1);
            (0..pixels).step_by(step).take(room).for_each(|pixel| extend_by_patch(&mut seen.rows, x, shape, pixel));
        });
    }

    fn add(&self, name: &str, kind: WeightKind, add: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        add(seen.entry(name.to_owned()).or_insert_with(|| Seen { kind, rows: Vec::new(), ranges: ChannelRanges::default() }));
    }

    /// What was seen of the layers for which `is_wanted`; forgets it.
    pub(super) fn remove(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (wanted, others) = std::mem::take(&mut *seen).into_iter().partition(|(name, _)| is_wanted(name));
        *seen = others;
        wanted
    }

    /// The layers seen.
    pub fn layers(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// What the kernel covers for an output pixel; zeros outside the picture.
fn extend_by_patch(rows: &mut Vec<f32>, x: &[f32], shape: &ConvShape, pixel: usize) {
    let ConvShape { height, width, in_channels: channels, kernel, stride, padding, .. } = *shape;
    let (column, row) = (pixel % shape.out_width(), pixel / shape.out_width() % shape.out_height());
    let picture = pixel / shape.out_width() / shape.out_height();
    for tap in 0..kernel * kernel {
        let y = (row * stride + tap / kernel).checked_sub(padding.top).filter(|y| *y < height);
        let column = (column * stride + tap % kernel).checked_sub(padding.left).filter(|column| *column < width);
        match (y, column) {
            (Some(y), Some(column)) => rows.extend_from_slice(&x[((picture * height + y) * width + column) * channels..][..channels]),
            _ => rows.resize(rows.len() + channels, 0.0),
        }
    }
}
