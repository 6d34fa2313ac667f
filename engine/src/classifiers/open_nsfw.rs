//! Yahoo's open_nsfw (2016): a ResNet-50 with half the filters (He et al., "Deep Residual Learning", 2015), whose batch norms
//! `testkit/scripts/convert_open_nsfw.py` found folded into the convolutions.

use super::input;
use super::resize::{Filter, crop, resize};
use crate::blocks::Projection;
use crate::error::Result;
use crate::waist::{Conv, Device, Padding, Tensor, Unary, Weight};
use crate::weights::Loader;
use spec::Picture;

/// Side to which every picture is brought, whatever its aspect, and side of the middle that the network sees; the original's numbers.
const RESIZED: u32 = 256;
const CROPPED: u32 = 224;
/// Mean colour of the training pictures, blue, green, red.
const MEAN: [f32; 3] = [104.0, 117.0, 123.0];
/// Channels behind the first convolution.
const STEM: usize = 64;
/// Blocks and output channels of each stage.
const STAGES: [(usize, usize); 4] = [(3, 128), (4, 256), (6, 512), (3, 1024)];
/// A block is this many times narrower inside.
const BOTTLENECK: usize = 4;

pub struct OpenNsfw {
    stem: Convolution,
    blocks: Vec<Block>,
    classifier: Projection,
}

struct Convolution {
    weight: Weight,
    bias: Tensor,
    kernel: usize,
}

struct Block {
    shortcut: Option<Convolution>,
    branch: [Convolution; 3],
    stride: usize,
}

impl OpenNsfw {
    pub fn load(loader: &Loader<'_>, labels: usize) -> Result<Self> {
        let stem = Convolution::load(loader, "stem", Channels { outputs: STEM, inputs: 3 }, 7)?;
        let (mut blocks, mut inputs) = (Vec::new(), STEM);
        for (stage, (count, outputs)) in STAGES.into_iter().enumerate() {
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Block::load(&loader.child("stages").child(stage).child(block), Channels { outputs, inputs }, stride)?);
                inputs = outputs;
            }
        }
        Ok(Self { stem, blocks, classifier: Projection::load(loader, "classifier", labels, inputs)? })
    }

    pub fn logits(&self, picture: &Picture, device: &Device) -> Result<Vec<f32>> {
        let seen = crop(&resize(picture, (RESIZED, RESIZED), Filter::Bilinear), CROPPED);
        let x = input(&seen, [2, 1, 0], MEAN, [1.0; 3], device)?;
        let mut x = max_pool(&relu(&self.stem.forward(&x, 2, None)?)?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        Ok(self.classifier.forward(&mean_of_pixels(&x)?)?.f32()?.to_vec())
    }
}

/// Of a block or of a convolution.
#[derive(Clone, Copy)]
struct Channels {
    outputs: usize,
    inputs: usize,
}

impl Block {
    fn load(loader: &Loader<'_>, channels: Channels, stride: usize) -> Result<Self> {
        let Channels { outputs, inputs } = channels;
        let inner = outputs / BOTTLENECK;
        let has_shortcut = inputs != outputs;
        Ok(Self {
            shortcut: has_shortcut.then(|| Convolution::load(loader, "shortcut", channels, 1)).transpose()?,
            branch: [
                Convolution::load(loader, "branch2a", Channels { outputs: inner, inputs }, 1)?,
                Convolution::load(loader, "branch2b", Channels { outputs: inner, inputs: inner }, 3)?,
                Convolution::load(loader, "branch2c", Channels { outputs, inputs: inner }, 1)?,
            ],
            stride,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second, third] = &self.branch;
        let shortcut = self.shortcut.as_ref().map(|shortcut| shortcut.forward(x, self.stride, None)).transpose()?;
        let y = relu(&first.forward(x, self.stride, None)?)?;
        let y = relu(&second.forward(&y, 1, None)?)?;
        relu(&third.forward(&y, 1, Some(shortcut.as_ref().unwrap_or(x)))?)
    }
}

impl Convolution {
    fn load(loader: &Loader<'_>, name: &str, channels: Channels, kernel: usize) -> Result<Self> {
        let Channels { outputs, inputs } = channels;
        let weight = loader.conv(name, outputs, inputs, kernel)?;
        Ok(Self { weight, bias: loader.parameter(&format!("{name}.bias"), &[outputs])?, kernel })
    }

    fn forward(&self, x: &Tensor, stride: usize, residual: Option<&Tensor>) -> Result<Tensor> {
        let padding = Padding::same(self.kernel / 2);
        x.conv2d(&Conv { weight: &self.weight, bias: Some(&self.bias), stride, padding, residual })
    }
}

fn relu(x: &Tensor) -> Result<Tensor> {
    x.unary(Unary::Clamp { low: 0.0, high: f32::MAX })
}

/// The largest of 3 × 3 pixels at every other one, padded below and to the right with zeros, which never exceed what a rectifier
/// leaves. `[1, height, width, channels]` → half as high and wide. On the host: no other model pools.
fn max_pool(x: &Tensor) -> Result<Tensor> {
    let (height, width, channels) = (x.size(1), x.size(2), x.size(3));
    let values = x.f32()?;
    let mut out = vec![0.0_f32; (height / 2) * (width / 2) * channels];
    for (index, out) in out.chunks_exact_mut(channels).enumerate() {
        let (row, column) = (index / (width / 2) * 2, index % (width / 2) * 2);
        for y in row..(row + 3).min(height) {
            for x in column..(column + 3).min(width) {
                let pixel = &values[(y * width + x) * channels..][..channels];
                out.iter_mut().zip(pixel).for_each(|(largest, value)| *largest = largest.max(*value));
            }
        }
    }
    Tensor::from_f32(out, &[1, height / 2, width / 2, channels], x.device())
}

/// `[1, height, width, channels]` → `[1, channels]`.
fn mean_of_pixels(x: &Tensor) -> Result<Tensor> {
    let channels = x.last();
    let mut sums = vec![0.0_f32; channels];
    for pixel in x.f32()?.chunks_exact(channels) {
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
    }
    let count = (x.size(1) * x.size(2)) as f32;
    Tensor::from_f32(sums.iter().map(|sum| sum / count).collect(), &[1, channels], x.device())
}
