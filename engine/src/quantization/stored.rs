//! 8-bit weights in a checkpoint: the `int8_tensorwise` layout with `convrot` that ComfyUI, stable-diffusion.cpp and SGLang read.
//!
//! A linear layer `M` has `M.weight`, I8 `[outputs, inputs]`; `M.weight_scale`, a number for each output (`[outputs, 1]`, `[outputs]`) or
//! one for all; and `M.comfy_quant`, U8, which spells `{"format": "int8_tensorwise", "convrot": true, "convrot_groupsize": 256}`. With
//! `convrot` every group of so many inputs was rotated before rounding ([`kernels::int8::rotate_rows`]), and inputs are rotated likewise.

use super::LinearSize;
use crate::error::{Error, Result};
use crate::waist::{Device, WeightKind};
use crate::weights::{ElementType, TensorBytes, TensorSource};
use kernels::int8;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;

/// Last part of the name of the tensor that marks a quantised layer.
const MARK: &str = "comfy_quant";
/// Last part of the name of the tensor of a quantised layer's scales.
const SCALE: &str = "weight_scale";
const FORMAT: &str = "int8_tensorwise";
const USUAL_GROUP: usize = 256;
/// A mark is a line of JSON. More is not read.
const LONGEST_MARK: usize = 4_096;
const NOT_FINITE: &str = "holds values that are not finite";

#[derive(Serialize, Deserialize)]
struct Mark {
    format: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    convrot: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    convrot_groupsize: Option<usize>,
}

/// The tensors that spell a quantised layer.
pub(super) struct Parts<'a>(pub &'a dyn TensorSource);

impl<'a> Parts<'a> {
    pub fn invalid(&self, name: &str, detail: &str) -> Error {
        Error::InvalidFile { path: PathBuf::from(self.0.place()), detail: format!("tensor {name:?} {detail}") }
    }

    pub fn missing(&self, name: &str) -> Error {
        Error::MissingTensor { name: name.to_owned(), place: self.0.place() }
    }

    /// The bytes of a tensor of that type.
    fn typed(&self, name: &str, wanted: ElementType) -> Result<&'a [u8]> {
        match self.0.bytes(name) {
            Some((found, bytes)) if found == wanted => Ok(bytes),
            Some((found, _)) => Err(self.invalid(name, &format!("holds {found}, not {wanted}"))),
            None => Err(self.missing(name)),
        }
    }

    /// The bytes of a tensor of that type and shape.
    pub fn bytes(&self, name: &str, wanted: ElementType, shape: &[usize]) -> Result<&'a [u8]> {
        let bytes = self.typed(name, wanted)?;
        match self.0.shape(name) {
            Some(found) if found == shape => Ok(bytes),
            found => Err(Error::TensorShape { name: name.to_owned(), found: found.unwrap_or_default(), expected: shape.to_vec() }),
        }
    }

    /// F32 values of that shape, none of them infinite or NaN.
    pub fn finite(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let bytes = self.bytes(name, ElementType::F32, shape)?;
        let values: Vec<f32> = bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(self.invalid(name, NOT_FINITE));
        }
        Ok(values)
    }

    /// What a mark says.
    pub fn description<T: DeserializeOwned>(&self, mark: &str) -> Result<T> {
        let text = self.typed(mark, ElementType::U8)?;
        let parsed = if text.len() <= LONGEST_MARK { serde_json::from_slice(text).ok() } else { None };
        parsed.ok_or_else(|| self.invalid(mark, "is not a quantisation's description in JSON"))
    }
}

/// The weight of a linear layer as a checkpoint stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredInt8 {
    /// `[outputs, inputs]`.
    pub values: Vec<i8>,
    /// What one step stands for, `[outputs]`.
    pub scales: Vec<f32>,
    /// Inputs of a rotated group.
    pub rotation: Option<usize>,
}

/// Whether a component's layers are quantised already.
pub fn is_quantized_source(source: &dyn TensorSource) -> bool {
    source.names().iter().any(|name| name.rsplit('.').next().is_some_and(|part| [MARK, super::stored_convolution::MARK].contains(&part)))
}

impl StoredInt8 {
    /// Whether layer `module` of the source is stored like that.
    pub fn is_at(source: &dyn TensorSource, module: &str) -> bool {
        source.shape(&format!("{module}.{MARK}")).is_some()
    }

    /// The names of the tensors of a layer.
    pub fn names(module: &str) -> [String; 3] {
        ["weight", SCALE, MARK].map(|part| format!("{module}.{part}"))
    }

    /// Checks layer `module` of this size without reading its values; fails, naming the tensor, if one of the three is not
    /// what the layout says.
    pub fn check(source: &dyn TensorSource, module: &str, size: LinearSize) -> Result<()> {
        Described::of(source, module, size).map(drop)
    }

    /// Reads layer `module` of this size; fails, naming the tensor, if one of the three is not what the layout says.
    pub fn read(source: &dyn TensorSource, module: &str, size: LinearSize, device: &Device) -> Result<Self> {
        let Described { values, rotation } = Described::of(source, module, size)?;
        let [_, scale, _] = Self::names(module);
        let tensor = source.tensor(&scale, device)?.to_f32();
        let scales = match tensor.f32()? {
            [one] => vec![*one; size.outputs],
            all => all.to_vec(),
        };
        if scales.iter().any(|value| !value.is_finite()) {
            return Err(Parts(source).invalid(&scale, NOT_FINITE));
        }
        Ok(Self { values: values.iter().map(|byte| byte.cast_signed()).collect(), scales, rotation })
    }

    /// Rounds `weight [outputs, inputs]`, rotated first where a group is given.
    pub fn round(weight: &[f32], inputs: usize, rotation: Option<usize>) -> Self {
        let mut rotated = Cow::Borrowed(weight);
        if let Some(group) = rotation {
            int8::rotate_rows(rotated.to_mut(), inputs, group);
        }
        let (values, scales) = int8::quantize_rows(&rotated, inputs);
        Self { values, scales, rotation }
    }

    /// The weight that it stands for, `[outputs, inputs]`, rotated back.
    pub fn restored(&self, kind: WeightKind) -> Vec<f32> {
        let inputs = kind.shape().get(1).copied().unwrap_or(1).max(1);
        let rows = self.values.chunks_exact(inputs).zip(&self.scales);
        let mut values: Vec<f32> = rows.flat_map(|(row, scale)| row.iter().map(move |value| f32::from(*value) * scale)).collect();
        if let Some(group) = self.rotation {
            int8::rotate_rows(&mut values, inputs, group);
        }
        values
    }

    /// The tensors of layer `module`.
    pub fn to_tensors(&self, module: &str) -> Vec<TensorBytes<'static>> {
        let [weight, scale, mark] = Self::names(module);
        let outputs = self.scales.len();
        let text = Mark { format: FORMAT.into(), convrot: self.rotation.is_some(), convrot_groupsize: self.rotation };
        let text = serde_json::to_vec(&text).unwrap_or_default();
        let tensor =
            |name: String, element_type, shape: Vec<usize>, bytes: Vec<u8>| TensorBytes { name, element_type, shape, bytes: bytes.into() };
        vec![
            tensor(
                weight,
                ElementType::I8,
                vec![outputs, self.values.len() / outputs.max(1)],
                self.values.iter().map(|value| value.cast_unsigned()).collect(),
            ),
            tensor(scale, ElementType::F32, vec![outputs, 1], self.scales.iter().flat_map(|value| value.to_le_bytes()).collect()),
            tensor(mark, ElementType::U8, vec![text.len()], text),
        ]
    }
}

/// A layer that is what the layout says, before its values are read.
struct Described<'a> {
    /// `[outputs, inputs]`.
    values: &'a [u8],
    /// Inputs of a rotated group.
    rotation: Option<usize>,
}

impl<'a> Described<'a> {
    fn of(source: &'a dyn TensorSource, module: &str, size: LinearSize) -> Result<Self> {
        let LinearSize { outputs, inputs } = size;
        let [weight, scale, mark] = StoredInt8::names(module);
        let parts = Parts(source);
        let parsed = parts.description::<Mark>(&mark)?;
        if parsed.format != FORMAT {
            return Err(Error::Unsupported(format!("{mark}: format {:?}; {FORMAT} is supported", parsed.format)));
        }
        let rotation = parsed.convrot.then(|| parsed.convrot_groupsize.unwrap_or(USUAL_GROUP));
        if let Some(group) = rotation
            && !(int8::is_rotation(group) && inputs.is_multiple_of(group))
        {
            return Err(parts.invalid(&mark, &format!("has groups of {group}: not a power of four that divides {inputs} inputs")));
        }
        let values = parts.bytes(&weight, ElementType::I8, &[outputs, inputs])?;
        if inputs > int8::MAX_K {
            return Err(parts.invalid(&weight, "has sums that are too long for 8-bit integers"));
        }
        match source.shape(&scale) {
            Some(shape) if [1, outputs].contains(&shape.iter().product()) => source.check_type(&scale)?,
            Some(found) => return Err(Error::TensorShape { name: scale, found, expected: vec![outputs, 1] }),
            None => return Err(parts.missing(&scale)),
        }
        Ok(Self { values, rotation })
    }
}
