//! Convolutions in 8 bits in a checkpoint. No layout for them is published that we know of, so this one is Danqing's own.
//!
//! A convolution `M` has `M.weight`, I8 `[outputs, inputs, kernel, kernel]`; `M.weight_scale`, F32 `[outputs]`; `M.input_factor`, F32
//! `[inputs]`, and `M.input_zero`, U8 `[inputs]`; and `M.danqing_quant`, U8, which spells `{"format": "int8_conv", "version": 1}`. A value
//! `x` of input channel `c` is multiplied as `round(x * input_factor[c])`, kept within `-input_zero[c]..=255 - input_zero[c]`, and the
//! weight that integer `w` stands for is `w * weight_scale[o] * input_factor[c]`.

use super::ConvolutionSize;
use super::stored::Parts;
use crate::error::{Error, Result};
use crate::waist::WeightKind;
use crate::weights::{ElementType, TensorBytes, TensorSource};
use kernels::int8::{self, ChannelSteps};
use serde::{Deserialize, Serialize};

/// Last part of the name of the tensor that marks such a convolution.
pub(super) const MARK: &str = "danqing_quant";
const FORMAT: &str = "int8_conv";
const VERSION: u32 = 1;
/// Share of a channel's range, as a power, that is moved into the weight (SmoothQuant, Xiao et al. 2023). Measured on trained and random
/// autoencoders: weights are rounded by output, activations by the widest channel, so most of it is.
const MIGRATED: f32 = 0.75;
/// Channels that stay below this share of the widest count as so wide: another picture may have more in them.
const SMALLEST_SHARE: f32 = 1e-3;
/// Layers that stay below count as this wide: their factors would come near the largest f32.
const SMALLEST_RANGE: f32 = 1e-9;

#[derive(Serialize, Deserialize)]
struct Mark {
    format: String,
    version: u32,
}

/// The weight of a convolution as a checkpoint stores it, and what its activations become.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConvolution {
    /// `[outputs, inputs, kernel, kernel]`.
    pub values: Vec<i8>,
    /// What one step stands for, `[outputs]`.
    pub scales: Vec<f32>,
    /// Of the inputs.
    pub steps: ChannelSteps,
}

/// The smallest and the largest value of each channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChannelRanges {
    /// No more than zero.
    pub low: Vec<f32>,
    /// No less than zero.
    pub high: Vec<f32>,
}

impl ChannelRanges {
    /// Widens them by `pixels [.., channels]`.
    pub fn include(&mut self, pixels: &[f32], channels: usize) {
        self.low.resize(channels, 0.0);
        self.high.resize(channels, 0.0);
        for pixel in pixels.chunks_exact(channels.max(1)) {
            for ((low, high), value) in self.low.iter_mut().zip(&mut self.high).zip(pixel) {
                (*low, *high) = (low.min(*value), high.max(*value));
            }
        }
    }

    /// What makes the most of a byte for a bank of filters `[outputs, inputs, taps]`.
    fn steps(&self, weight: &[f32], taps: usize) -> ChannelSteps {
        let inputs = self.low.len();
        let mut largest = vec![0.0_f32; inputs];
        for (index, filter) in weight.chunks_exact(taps.max(1)).enumerate() {
            let largest = &mut largest[index % inputs];
            *largest = filter.iter().fold(*largest, |largest, value| largest.max(value.abs()));
        }
        let widths: Vec<f32> = self.low.iter().zip(&self.high).map(|(low, high)| high.max(-low)).collect();
        let most = |values: &[f32]| values.iter().fold(SMALLEST_RANGE, |most, value| most.max(*value));
        let (widest, heaviest) = (SMALLEST_SHARE * most(&widths), SMALLEST_SHARE * most(&largest));
        let divisors: Vec<f32> = widths
            .iter()
            .zip(&largest)
            .map(|(width, largest)| width.max(widest).powf(MIGRATED) / largest.max(heaviest).powf(1.0 - MIGRATED))
            .collect();
        let extreme =
            |values: &[f32]| values.iter().zip(&divisors).fold(0.0_f32, |most, (value, divisor)| most.max((value / divisor).abs()));
        let (below, above) = (extreme(&self.low), extreme(&self.high));
        let factor = 255.0 / (below + above).max(SMALLEST_RANGE);
        let zero = (below * factor).round().clamp(0.0, 255.0) as u8;
        ChannelSteps { factors: divisors.iter().map(|divisor| factor / divisor).collect(), zeros: vec![zero; inputs] }
    }
}

impl StoredConvolution {
    /// Whether layer `module` of the source is stored like that.
    pub fn is_at(source: &dyn TensorSource, module: &str) -> bool {
        source.shape(&format!("{module}.{MARK}")).is_some()
    }

    /// The names of the tensors of a layer.
    pub fn names(module: &str) -> [String; 5] {
        ["weight", "weight_scale", "input_factor", "input_zero", MARK].map(|part| format!("{module}.{part}"))
    }

    /// Reads layer `module`; fails, naming the tensor, if one of the five is not what the layout says.
    pub fn read(source: &dyn TensorSource, module: &str, size: ConvolutionSize) -> Result<Self> {
        let ConvolutionSize { outputs, inputs, kernel } = size;
        let [weight, scale, factor, zero, mark] = Self::names(module);
        let parts = Parts(source);
        let parsed = parts.description::<Mark>(&mark)?;
        if (parsed.format.as_str(), parsed.version) != (FORMAT, VERSION) {
            let found = format!("{:?}, version {}", parsed.format, parsed.version);
            return Err(Error::Unsupported(format!("{mark}: format {found}; {FORMAT}, version {VERSION} is supported / 不支持的量化格式")));
        }
        let shape = [outputs, inputs, kernel, kernel];
        let values = parts.bytes(&weight, ElementType::I8, &shape)?;
        if kernel * kernel * inputs.next_multiple_of(4) > int8::MAX_CONVOLUTION_K {
            return Err(parts.invalid(&weight, "has sums that are too long for 8-bit integers / 求和过长"));
        }
        let scales = parts.finite(&scale, &[outputs])?;
        let factors = parts.finite(&factor, &[inputs])?;
        if factors.iter().any(|factor| *factor <= 0.0) {
            return Err(parts.invalid(&factor, "holds values that are not positive / 含非正数"));
        }
        let zeros = parts.bytes(&zero, ElementType::U8, &[inputs])?.to_vec();
        Ok(Self { values: values.iter().map(|byte| byte.cast_signed()).collect(), scales, steps: ChannelSteps { factors, zeros } })
    }

    /// Rounds `weight [outputs, inputs, kernel, kernel]` for inputs of such ranges.
    pub fn round(weight: &[f32], size: ConvolutionSize, ranges: &ChannelRanges) -> Self {
        let ConvolutionSize { inputs, kernel, .. } = size;
        let taps = kernel * kernel;
        let steps = ranges.steps(weight, taps);
        let divided: Vec<f32> = weight.iter().enumerate().map(|(index, value)| value / steps.factors[index / taps % inputs]).collect();
        let (values, scales) = int8::quantize_rows(&divided, inputs * taps);
        Self { values, scales, steps }
    }

    /// The weight that it stands for.
    pub fn restored(&self, kind: WeightKind) -> Vec<f32> {
        let shape = kind.shape();
        let taps: usize = shape.iter().skip(2).product();
        let (taps, inputs) = (taps.max(1), self.steps.factors.len().max(1));
        let value = |(index, value): (usize, &i8)| {
            f32::from(*value) * self.scales[index / taps / inputs] * self.steps.factors[index / taps % inputs]
        };
        self.values.iter().enumerate().map(value).collect()
    }

    /// The tensors of layer `module`.
    pub fn to_tensors(&self, module: &str, kernel: usize) -> Vec<TensorBytes<'static>> {
        let [weight, scale, factor, zero, mark] = Self::names(module);
        let (outputs, inputs) = (self.scales.len(), self.steps.factors.len());
        let text = serde_json::to_vec(&Mark { format: FORMAT.into(), version: VERSION }).unwrap_or_default();
        let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let integers = self.values.iter().map(|value| value.cast_unsigned()).collect::<Vec<u8>>();
        [
            (weight, ElementType::I8, vec![outputs, inputs, kernel, kernel], integers),
            (scale, ElementType::F32, vec![outputs], floats(&self.scales)),
            (factor, ElementType::F32, vec![inputs], floats(&self.steps.factors)),
            (zero, ElementType::U8, vec![inputs], self.steps.zeros.clone()),
            (mark, ElementType::U8, vec![text.len()], text),
        ]
        .map(|(name, element_type, shape, bytes)| TensorBytes { name, element_type, shape, bytes: bytes.into() })
        .into()
    }
}
