//! The vision transformer (Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020) as transformers stores it under
//! `ViTForImageClassification`, the commonest form of published picture classifiers.

use super::input;
use super::resize::{Filter, resize};
use crate::blocks::Projection;
use crate::error::{Error, Result};
use crate::model_folder::JsonFile;
use crate::waist::{Attention, AttentionMask, Conv, Device, Norm, NormKind, Padding, Tensor, Weight};
use crate::weights::Loader;
use kernels::element::Activation;
use serde::Deserialize;
use serde_json::Value;
use spec::Picture;

/// `config.json`; what is absent has the value that transformers gives it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    layer_norm_eps: f32,
    image_size: usize,
    patch_size: usize,
    num_channels: usize,
    qkv_bias: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: "gelu".to_owned(),
            layer_norm_eps: 1e-12,
            image_size: 224,
            patch_size: 16,
            num_channels: 3,
            qkv_bias: true,
        }
    }
}

pub struct Vit {
    config: Config,
    reading: Reading,
    patches: Patches,
    class_token: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    classifier: Projection,
}

struct Patches {
    weight: Weight,
    bias: Tensor,
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f32,
}

struct Layer {
    before: LayerNorm,
    query: Projection,
    key: Projection,
    value: Projection,
    output: Projection,
    after: LayerNorm,
    widen: Projection,
    narrow: Projection,
    activation: Activation,
}

/// How a picture becomes values: `scale * (pixel - mean)` after resizing.
struct Reading {
    side: u32,
    filter: Filter,
    mean: [f32; 3],
    scale: [f32; 3],
}

impl Vit {
    pub fn load(config: &JsonFile, preprocessor: Option<&JsonFile>, loader: &Loader<'_>, labels: usize) -> Result<Self> {
        let sizes: Config = config.parse_as()?;
        sizes.check(config)?;
        let reading = Reading::new(preprocessor, sizes.image_size)?;
        let activation = match sizes.hidden_act.as_str() {
            "gelu" => Activation::GeluErf,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            other => {
                return Err(Error::Unsupported(format!("hidden_act {other:?} in a ViT; gelu is supported / ViT 的 hidden_act {other:?}")));
            }
        };
        let (hidden, patch) = (sizes.hidden_size, sizes.patch_size);
        let tokens = (sizes.image_size / patch).pow(2) + 1;
        let vit = loader.child("vit");
        let embeddings = vit.child("embeddings");
        embeddings.ignore("mask_token");
        let projection = embeddings.child("patch_embeddings");
        let layers = (0..sizes.num_hidden_layers)
            .map(|layer| Layer::load(&vit.child("encoder").child("layer").child(layer), &sizes, activation))
            .collect::<Result<_>>()?;
        Ok(Self {
            reading,
            patches: Patches {
                weight: projection.conv("projection", hidden, sizes.num_channels, patch)?,
                bias: projection.parameter("projection.bias", &[hidden])?,
            },
            class_token: embeddings.parameter("cls_token", &[1, 1, hidden])?,
            positions: embeddings.parameter("position_embeddings", &[1, tokens, hidden])?,
            layers,
            norm: LayerNorm::load(&vit, "layernorm", &sizes)?,
            classifier: Projection::load(loader, "classifier", labels, hidden)?,
            config: sizes,
        })
    }

    pub fn logits(&self, picture: &Picture, device: &Device) -> Result<Vec<f32>> {
        let Reading { side, filter, mean, scale } = self.reading;
        let x = input(&resize(picture, (side, side), filter), [0, 1, 2], mean, scale, device)?;
        let (hidden, patch) = (self.config.hidden_size, self.config.patch_size);
        let conv =
            Conv { weight: &self.patches.weight, bias: Some(&self.patches.bias), stride: patch, padding: Padding::same(0), residual: None };
        let patches = x.conv2d(&conv)?.reshape(&[1, self.positions.size(1) - 1, hidden])?;
        let mut x = Tensor::concat(&[&self.class_token, &patches], 1)?.add(&self.positions)?;
        for layer in &self.layers {
            x = layer.forward(&x, self.config.num_attention_heads)?;
        }
        let class = self.norm.forward(&x.slice(1, 0, 1)?)?;
        Ok(self.classifier.forward(&class)?.f32()?.to_vec())
    }
}

impl Config {
    fn check(&self, file: &JsonFile) -> Result<()> {
        let divides = |part: usize, whole: usize| part > 0 && whole > 0 && whole.is_multiple_of(part);
        if !divides(self.patch_size, self.image_size) || self.image_size > 4096 {
            return Err(file.invalid("patch_size", "must divide image_size, which is at most 4096"));
        }
        if !divides(self.num_attention_heads, self.hidden_size) {
            return Err(file.invalid("num_attention_heads", "must divide hidden_size"));
        }
        if self.num_channels != 3 {
            return Err(file.invalid("num_channels", "pictures have 3 channels"));
        }
        Ok(())
    }
}

impl Reading {
    /// From `preprocessor_config.json` of a `ViTImageProcessor`.
    fn new(file: Option<&JsonFile>, image_size: usize) -> Result<Self> {
        let (mut filter, mut factor, mut mean, mut deviation) = (Filter::Bilinear, 1.0 / 255.0, [0.5; 3], [0.5; 3]);
        if let Some(file) = file {
            file.expect("do_resize", &true)?;
            file.expect("do_rescale", &true)?;
            file.expect("do_center_crop", &false)?;
            let size = file.or("size", Value::from(image_size))?;
            let sides = [size.get("height").unwrap_or(&size).as_u64(), size.get("width").unwrap_or(&size).as_u64()];
            if sides != [Some(image_size as u64); 2] {
                return Err(file.invalid("size", format!("{size} is not the model's image_size {image_size}")));
            }
            filter = match file.or("resample", 2)? {
                2 => Filter::Bilinear,
                3 => Filter::Bicubic,
                other => return Err(file.invalid("resample", format!("{other}; 2 (bilinear) and 3 (bicubic) are supported"))),
            };
            factor = file.or("rescale_factor", factor)?;
            if file.or("do_normalize", true)? {
                mean = file.or("image_mean", mean)?;
                deviation = file.or("image_std", deviation)?;
            } else {
                (mean, deviation) = ([0.0; 3], [1.0; 3]);
            }
        }
        Ok(Self {
            side: image_size as u32,
            filter,
            mean: mean.map(|mean| mean / factor),
            scale: deviation.map(|deviation| factor / deviation),
        })
    }
}

impl LayerNorm {
    fn load(loader: &Loader<'_>, name: &str, config: &Config) -> Result<Self> {
        let parameter = |part: &str| loader.parameter(&format!("{name}.{part}"), &[config.hidden_size]);
        Ok(Self { weight: parameter("weight")?, bias: parameter("bias")?, epsilon: config.layer_norm_eps })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        x.norm(&Norm { kind: NormKind::Layer, weight, bias, modulation: None, epsilon: self.epsilon })
    }
}

impl Layer {
    fn load(loader: &Loader<'_>, config: &Config, activation: Activation) -> Result<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let attention = loader.child("attention").child("attention");
        let head = |name: &str| match config.qkv_bias {
            true => Projection::load(&attention, name, hidden, hidden),
            false => Projection::load_unbiased(&attention, name, hidden, hidden),
        };
        Ok(Self {
            before: LayerNorm::load(loader, "layernorm_before", config)?,
            query: head("query")?,
            key: head("key")?,
            value: head("value")?,
            output: Projection::load(loader, "attention.output.dense", hidden, hidden)?,
            after: LayerNorm::load(loader, "layernorm_after", config)?,
            widen: Projection::load(loader, "intermediate.dense", wide, hidden)?,
            narrow: Projection::load(loader, "output.dense", hidden, wide)?,
            activation,
        })
    }

    /// `[1, tokens, hidden]`.
    fn forward(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let (tokens, hidden) = (x.size(1), x.last());
        let split = [1, tokens, heads, hidden / heads];
        let seen = self.before.forward(x)?;
        let [query, key, value] =
            [&self.query, &self.key, &self.value].map(|projection| projection.forward(&seen).and_then(|part| part.reshape(&split)));
        let attention = Attention { scale: ((hidden / heads) as f32).powf(-0.5), mask: AttentionMask::None };
        let mixed = query?.attention(&key?, &value?, &attention)?.reshape(&[1, tokens, hidden])?;
        let x = self.output.forward_onto(&mixed, x, None)?;
        let wide = self.widen.forward_activated(&self.after.forward(&x)?, self.activation)?;
        self.narrow.forward_onto(&wide, &x, None)
    }
}
