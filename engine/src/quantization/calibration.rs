//! Which layers bear 8-bit integers: measured on the activations of real prompts.

use super::StoredInt8;
use crate::weights::{TensorBytes, TensorSource};
use crate::{Device, Result, WeightKind};
use kernels::element::Precision;
use kernels::gemm::{Epilogue, gemm};
use kernels::int8::{self, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Groups that are tried, the widest that divides the inputs first.
const GROUPS: [usize; 3] = [256, 64, 16];
/// A rotation costs time in every call: it has to take off this share of the error.
const WORTHWHILE: f64 = 0.9;

/// Rows of what went into the layers that might be quantised, by full weight name.
#[derive(Debug)]
pub struct ActivationSamples {
    rows_a_call: usize,
    rows: Mutex<BTreeMap<String, (WeightKind, Vec<f32>)>>,
}

impl ActivationSamples {
    /// None yet; every call of a layer gives up to so many rows, evenly spaced.
    pub fn new(rows_a_call: usize) -> Self {
        Self { rows_a_call: rows_a_call.max(1), rows: Mutex::default() }
    }

    /// Takes rows of `x [rows, inputs]`.
    pub(crate) fn take(&self, name: &str, kind: WeightKind, x: &[f32], inputs: usize) {
        let rows = x.len() / inputs.max(1);
        let step = rows.div_ceil(self.rows_a_call).max(1);
        let mut samples = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, kept) = samples.entry(name.to_owned()).or_insert_with(|| (kind, Vec::new()));
        x.chunks_exact(inputs.max(1)).step_by(step).for_each(|row| kept.extend_from_slice(row));
    }

    /// The layers seen.
    pub fn layers(&self) -> usize {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// What was measured of a layer, and decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerDecision {
    /// Full name without `.weight`.
    pub layer: String,
    /// Output features.
    pub outputs: usize,
    /// Input features.
    pub inputs: usize,
    /// Error of the layer's output in 8-bit integers, relative to its size (root of the sums of squares).
    pub error: f64,
    /// The same with rotated inputs.
    pub error_rotated: Option<f64>,
    /// Inputs of a rotated group, where rotation was chosen.
    pub rotation: Option<usize>,
    /// Whether the layer is stored in 8-bit integers; otherwise it keeps its precision.
    pub int8: bool,
}

/// Measures every layer that `samples` saw and decides: the better of both ways if its error is at most `largest_error`. Calls
/// `goes_on` before each; once that is false, the rest is left out.
pub fn decide(
    source: &dyn TensorSource,
    samples: &ActivationSamples,
    largest_error: f64,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<LayerDecision>> {
    let samples = std::mem::take(&mut *samples.rows.lock().unwrap_or_else(PoisonError::into_inner));
    let device = Device::cpu(spec::RunPrecision::F32);
    let mut decisions = Vec::new();
    for (name, (kind, rows)) in samples {
        let WeightKind::Linear { outputs, inputs } = kind else { continue };
        if !goes_on() {
            break;
        }
        let tensor = source.tensor(&name, &device)?.to_f32();
        source.release(&name);
        let (weight, count) = (tensor.f32()?, rows.len() / inputs);
        let columns = MatrixView::new(weight, outputs, inputs).transposed();
        let mut wanted = vec![0.0; count * outputs];
        gemm(&MatrixView::new(&rows, count, inputs), &PackedMatrix::pack(&columns, Precision::F32), &Epilogue::default(), &mut wanted);
        let group = GROUPS.into_iter().find(|group| inputs.is_multiple_of(*group));
        let measure = |rotation| {
            let stored = StoredInt8::round(weight, inputs, rotation);
            relative_error(&stored, &rows, (inputs, outputs), &wanted)
        };
        let (error, error_rotated) = (measure(None), group.map(|group| measure(Some(group))));
        let rotation = group.filter(|_| error_rotated.is_some_and(|rotated| rotated < WORTHWHILE * error));
        let best = if rotation.is_some() { error_rotated.unwrap_or(error) } else { error };
        let layer = name.strip_suffix(".weight").unwrap_or(&name).to_owned();
        decisions.push(LayerDecision { layer, outputs, inputs, error, error_rotated, rotation, int8: best <= largest_error });
    }
    Ok(decisions)
}

fn relative_error(stored: &StoredInt8, rows: &[f32], (inputs, outputs): (usize, usize), wanted: &[f32]) -> f64 {
    let matrix = QuantizedMatrix::from_rows(&stored.values, (inputs, outputs), &stored.scales);
    let mut rows = rows.to_vec();
    if let Some(group) = stored.rotation {
        int8::rotate_rows(&mut rows, inputs, group);
    }
    let mut found = vec![0.0; wanted.len()];
    int8::gemm(&MatrixView::new(&rows, rows.len() / inputs, inputs), &matrix, &Epilogue::default(), &mut found);
    let square = |value: f64| value * value;
    let off: f64 = found.iter().zip(wanted).map(|(found, wanted)| square(f64::from(*found) - f64::from(*wanted))).sum();
    let size: f64 = wanted.iter().map(|wanted| square(f64::from(*wanted))).sum();
    if off == 0.0 { 0.0 } else { (off / size).sqrt() }
}

/// The tensors of `source` with the chosen layers in 8-bit integers and everything else as it is.
pub fn quantized_tensors<'a>(source: &'a dyn TensorSource, decisions: &[LayerDecision]) -> Result<Vec<TensorBytes<'a>>> {
    let device = Device::cpu(spec::RunPrecision::F32);
    let chosen: BTreeMap<String, &LayerDecision> =
        decisions.iter().filter(|decision| decision.int8).map(|decision| (format!("{}.weight", decision.layer), decision)).collect();
    let mut tensors = Vec::new();
    for name in source.names() {
        if let Some(decision) = chosen.get(&name) {
            let tensor = source.tensor(&name, &device)?.to_f32();
            source.release(&name);
            tensors.extend(StoredInt8::round(tensor.f32()?, decision.inputs, decision.rotation).to_tensors(&decision.layer));
        } else if let (Some((element_type, bytes)), Some(shape)) = (source.bytes(&name), source.shape(&name)) {
            tensors.push(TensorBytes { name, element_type, shape, bytes: bytes.into() });
        }
    }
    Ok(tensors)
}
