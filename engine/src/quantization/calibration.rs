//! Which layers bear 8-bit integers: measured on the activations of real prompts.

use super::samples::Seen;
use super::{ActivationSamples, ChannelRanges, ConvolutionSize, LinearSize, StoredConvolution, StoredInt8};
use crate::error::Result;
use crate::waist::{Device, WeightKind};
use crate::weights::{TensorBytes, TensorSource};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d};
use kernels::element::{Elements, Precision};
use kernels::gemm::{Epilogue, gemm};
use kernels::int8::{self, QuantizedFilter, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use serde::Serialize;
use std::collections::BTreeMap;

/// Groups that are tried, the widest that divides the inputs first.
const GROUPS: [usize; 3] = [256, 64, 16];
/// A rotation costs time in every call: it has to take off this share of the error.
const WORTHWHILE: f64 = 0.9;

/// What was measured of a layer, and decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerDecision {
    /// Full name without `.weight`.
    pub layer: String,
    /// Output features or channels.
    pub outputs: usize,
    /// Input features or channels.
    pub inputs: usize,
    /// Side of a convolution's kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<usize>,
    /// Error of the layer's output in 8-bit integers, relative to its size (root of the sums of squares).
    pub error: f64,
    /// The error with rotated inputs; `None` where they cannot be rotated.
    pub error_rotated: Option<f64>,
    /// Inputs of a rotated group, where rotation was chosen.
    pub rotation: Option<usize>,
    /// Whether the layer is stored in 8-bit integers; otherwise it keeps its precision.
    pub int8: bool,
    /// Of a convolution's inputs. What follows from them is stored with the layer.
    #[serde(skip)]
    pub ranges: ChannelRanges,
}

/// Measures every layer of `source` that `samples` saw and decides: in 8 bits, the better way, if its error is at most `largest_error`.
/// Calls `goes_on` before each; once that is false, the rest is left out.
pub fn decide(
    source: &dyn TensorSource,
    samples: &ActivationSamples,
    largest_error: f64,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<LayerDecision>> {
    let device = Device::cpu(spec::RunPrecision::F32);
    let mut decisions = Vec::new();
    for (name, seen) in samples.remove(|name| source.shape(name).is_some()) {
        if !goes_on() {
            break;
        }
        let tensor = source.tensor(&name, &device)?.to_f32();
        source.release(&name);
        let layer = name.strip_suffix(".weight").unwrap_or(&name).to_owned();
        decisions.push(match seen.kind {
            WeightKind::Linear { outputs, inputs } => {
                linear(layer, LinearSize { outputs, inputs }, tensor.f32()?, &seen.rows, largest_error)
            }
            WeightKind::Conv { outputs, inputs, kernel } => {
                convolution(layer, ConvolutionSize { outputs, inputs, kernel }, tensor.f32()?, seen, largest_error)
            }
        });
    }
    Ok(decisions)
}

fn linear(layer: String, size: LinearSize, weight: &[f32], rows: &[f32], largest_error: f64) -> LayerDecision {
    let LinearSize { outputs, inputs } = size;
    let count = rows.len() / inputs;
    let columns = MatrixView::new(weight, outputs, inputs).transposed();
    let mut wanted = vec![0.0; count * outputs];
    gemm(&MatrixView::new(rows, count, inputs), &PackedMatrix::pack(&columns, Precision::F32), &Epilogue::default(), &mut wanted);
    let group = GROUPS.into_iter().find(|group| inputs.is_multiple_of(*group));
    let measure = |rotation| {
        let stored = StoredInt8::round(weight, inputs, rotation);
        let matrix = QuantizedMatrix::from_rows(&stored.values, (inputs, outputs), &stored.scales);
        let mut rows = rows.to_vec();
        if let Some(group) = stored.rotation {
            int8::rotate_rows(&mut rows, inputs, group);
        }
        let mut found = vec![0.0; wanted.len()];
        int8::gemm(&MatrixView::new(&rows, count, inputs), &matrix, &Epilogue::default(), &mut found);
        relative_error(&found, &wanted)
    };
    let (error, error_rotated) = (measure(None), group.map(|group| measure(Some(group))));
    let rotation = group.filter(|_| error_rotated.is_some_and(|rotated| rotated < WORTHWHILE * error));
    let best = if rotation.is_some() { error_rotated.unwrap_or(error) } else { error };
    let ranges = ChannelRanges::default();
    LayerDecision { layer, outputs, inputs, kernel: None, error, error_rotated, rotation, int8: best <= largest_error, ranges }
}

fn convolution(layer: String, size: ConvolutionSize, weight: &[f32], seen: Seen, largest_error: f64) -> LayerDecision {
    let ConvolutionSize { outputs, inputs, kernel } = size;
    let filter_size = (outputs, inputs, kernel);
    // Every patch is a picture that the kernel covers whole.
    let batch = seen.rows.len() / (kernel * kernel * inputs).max(1);
    let (channels, padding) = ((inputs, outputs), Padding::default());
    let shape =
        ConvShape { batch, height: kernel, width: kernel, in_channels: channels.0, out_channels: channels.1, kernel, stride: 1, padding };
    let (mut wanted, mut found) = (vec![0.0; batch * outputs], vec![0.0; batch * outputs]);
    conv2d(&seen.rows, &PackedFilter::pack(&Elements::F32(weight), filter_size, Precision::F32), &shape, &Epilogue::default(), &mut wanted);
    let stored = StoredConvolution::round(weight, size, &seen.ranges);
    let filter = QuantizedFilter::from_integers(&stored.values, filter_size, &stored.scales, &stored.steps);
    int8::conv2d(&seen.rows, &filter, &shape, &Epilogue::default(), &mut found);
    let error = relative_error(&found, &wanted);
    let (rotation, error_rotated) = (None, None);
    let int8 = error <= largest_error;
    LayerDecision { layer, outputs, inputs, kernel: Some(kernel), error, error_rotated, rotation, int8, ranges: seen.ranges }
}

/// Root of the sum of squares of what is off, over that of what is wanted.
fn relative_error(found: &[f32], wanted: &[f32]) -> f64 {
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
            tensors.extend(match decision.kernel {
                None => StoredInt8::round(tensor.f32()?, decision.inputs, decision.rotation).to_tensors(&decision.layer),
                Some(kernel) => {
                    let size = ConvolutionSize { outputs: decision.outputs, inputs: decision.inputs, kernel };
                    let stored = StoredConvolution::round(tensor.f32()?, size, &decision.ranges);
                    stored.to_tensors(&decision.layer, kernel)
                }
            });
        } else if let (Some((element_type, bytes)), Some(shape)) = (source.bytes(&name), source.shape(&name)) {
            tensors.push(TensorBytes { name, element_type, shape, bytes: bytes.into() });
        }
    }
    Ok(tensors)
}
