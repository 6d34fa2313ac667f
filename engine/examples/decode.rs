//! Time and peak memory of decoding one picture with the full autoencoder of FLUX.2 and ERNIE-Image in random weights.
//!
//! usage: `cargo run --release -p engine --example decode -- SIDE [whole|strips|auto] [f32|bf16|int8] [STRIP_MIB]`
//!
//! With int8, convolutions are first measured on a small picture and stored as `danqing model quantize` does.
use engine::autoencoders::{AutoencoderConfig as _, AutoencoderKlConfig, AutoencoderKlFlux2, AutoencoderKlFlux2Config, Decoding};
use engine::cpu::CpuExecutor;
use engine::quantization::{ActivationSamples, decide, quantized_tensors};
use engine::random::Generator;
use engine::weights::{ElementType, Loader, SafetensorsSource, TensorBytes, TensorSource, write_safetensors};
use engine::{Device, Error, Result, Tensor};
use sha2::{Digest as _, Sha256};
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Values that depend on the name alone, made when they are asked for.
struct RandomSource(Vec<(String, Vec<usize>)>);

impl TensorSource for RandomSource {
    fn place(&self) -> String {
        "random".into()
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, shape)| shape.clone())
    }

    fn tensor(&self, name: &str, device: &Device) -> Result<Tensor> {
        let shape = self.shape(name).ok_or_else(|| Error::MissingTensor { name: name.into(), place: self.place() })?;
        let seed = name.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let fan_in: usize = shape[1..].iter().product();
        // Biases are small, norm weights and variances near one, and other weights keep the variance.
        let (spread, centre) = match (shape.len(), name.ends_with("bias") || name.ends_with("mean")) {
            (1, true) => (0.02, 0.0),
            (1, false) => (0.02, 1.0),
            _ => ((fan_in as f32).powf(-0.5), 0.0),
        };
        let mut generator = Generator::seeded(seed);
        let values = generator.normal_f32(shape.iter().product::<usize>().next_multiple_of(16));
        let values = values.into_iter().take(shape.iter().product()).map(|value| value * spread + centre).collect();
        Tensor::from_f32(values, &shape, device)
    }

    fn release(&self, _name: &str) {}
}

fn names(config: &AutoencoderKlConfig) -> Vec<(String, Vec<usize>)> {
    let mut names = Vec::new();
    let conv = |names: &mut Vec<_>, name: String, outputs: usize, inputs: usize, kernel: usize| {
        names.push((format!("{name}.weight"), vec![outputs, inputs, kernel, kernel]));
        names.push((format!("{name}.bias"), vec![outputs]));
    };
    let norm = |names: &mut Vec<_>, name: String, channels: usize| {
        names.push((format!("{name}.weight"), vec![channels]));
        names.push((format!("{name}.bias"), vec![channels]));
    };
    let resnet = |names: &mut Vec<_>, name: String, outputs: usize, inputs: usize| {
        norm(names, format!("{name}.norm1"), inputs);
        conv(names, format!("{name}.conv1"), outputs, inputs, 3);
        norm(names, format!("{name}.norm2"), outputs);
        conv(names, format!("{name}.conv2"), outputs, outputs, 3);
        if inputs != outputs {
            conv(names, format!("{name}.conv_shortcut"), outputs, inputs, 1);
        }
    };
    let (channels, latent) = (&config.block_out_channels, config.latent_channels);
    let (first, last) = (channels[0], channels[channels.len() - 1]);
    for (part, input, output) in [("encoder", (first, config.in_channels), (2 * latent, last)), ("decoder", (last, latent), (3, first))] {
        conv(&mut names, format!("{part}.conv_in"), input.0, input.1, 3);
        conv(&mut names, format!("{part}.conv_out"), output.0, output.1, 3);
        norm(&mut names, format!("{part}.conv_norm_out"), output.1);
        for index in 0..2 {
            resnet(&mut names, format!("{part}.mid_block.resnets.{index}"), last, last);
        }
        let attention = format!("{part}.mid_block.attentions.0");
        norm(&mut names, format!("{attention}.group_norm"), last);
        for projection in ["to_q", "to_k", "to_v", "to_out.0"] {
            names.push((format!("{attention}.{projection}.weight"), vec![last, last]));
            names.push((format!("{attention}.{projection}.bias"), vec![last]));
        }
        let is_decoder = part == "decoder";
        let levels: Vec<usize> = if is_decoder { channels.iter().rev().copied().collect() } else { channels.clone() };
        let mut inputs = if is_decoder { last } else { first };
        for (level, &outputs) in levels.iter().enumerate() {
            let block = format!("{part}.{}_blocks.{level}", if is_decoder { "up" } else { "down" });
            for index in 0..config.layers_per_block + usize::from(is_decoder) {
                resnet(&mut names, format!("{block}.resnets.{index}"), outputs, inputs);
                inputs = outputs;
            }
            if level + 1 < levels.len() {
                conv(&mut names, format!("{block}.{}samplers.0.conv", if is_decoder { "up" } else { "down" }), outputs, outputs, 3);
            }
        }
    }
    conv(&mut names, "quant_conv".into(), 2 * latent, 2 * latent, 1);
    conv(&mut names, "post_quant_conv".into(), latent, latent, 1);
    names.extend(["bn.running_mean", "bn.running_var"].map(|name| (name.to_owned(), vec![4 * latent])));
    names
}

/// A field of `/proc/self/status` in MiB, where there is one.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_matches([':', '\t', ' '])
        .split(' ')
        .next()
        .and_then(|kibibytes| kibibytes.parse().ok())
        .map_or(f64::NAN, |kibibytes: f64| kibibytes / 1024.0)
}

fn load(config: &AutoencoderKlFlux2Config, source: &dyn TensorSource, device: &Device) -> Result<AutoencoderKlFlux2> {
    let taken = RefCell::new(BTreeSet::new());
    let loader = Loader::new(source, device, &taken);
    let model = AutoencoderKlFlux2::load(config, &loader)?;
    loader.finish()?;
    Ok(model)
}

fn latents(config: &AutoencoderKlFlux2Config, side: usize, seed: u64, device: &Device) -> Result<Tensor> {
    let size = side / config.scale_factor();
    let values = Generator::seeded(seed).normal_f32(size * size * config.latent_channels());
    Tensor::from_f32(values, &[1, size, size, config.latent_channels()], device)
}

/// These weights, with those convolutions in 8 bits that measurement on a picture of 256 × 256 allows.
fn quantized(config: &AutoencoderKlFlux2Config, random: &RandomSource, folder: &Path) -> Result<SafetensorsSource> {
    let samples = Arc::new(ActivationSamples::new(1));
    let watching =
        Device::new(CpuExecutor::new(RunPrecision::Bf16).with_integer_layers(config.integer_layers()).watching(Arc::clone(&samples)));
    let tensor = |name: String| -> Result<TensorBytes<'static>> {
        let tensor = random.tensor(&name, &watching)?;
        let bytes: Vec<u8> = tensor.f32()?.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(TensorBytes { name, element_type: ElementType::F32, shape: tensor.shape().to_vec(), bytes: bytes.into() })
    };
    let paths = ["as-it-was.safetensors", "quantized.safetensors"].map(|name| folder.join(name));
    write_safetensors(&paths[0], random.names().into_iter().map(tensor).collect::<Result<Vec<_>>>()?, &BTreeMap::new())?;
    let source = SafetensorsSource::open(&paths[0])?;
    load(config, &source, &watching)?.decode(&latents(config, 256, 1, &watching)?)?;
    let decisions = decide(&source, &samples, 0.02, &mut || true)?;
    for decision in &decisions {
        println!("{} {}×{}: error {:.5}, int8 {}", decision.layer, decision.outputs, decision.inputs, decision.error, decision.int8);
    }
    write_safetensors(&paths[1], quantized_tensors(&source, &decisions)?, &BTreeMap::new())?;
    SafetensorsSource::open(&paths[1])
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |index: usize| arguments.get(index).map(String::as_str);
    let side: usize = word(0).and_then(|side| side.parse().ok()).unwrap_or(512);
    let precision = match word(2) {
        Some("f32") => RunPrecision::F32,
        Some("int8") => RunPrecision::Int8,
        _ => RunPrecision::Bf16,
    };
    let bytes = word(3).and_then(|mebibytes| mebibytes.parse().ok()).unwrap_or(16_usize) << 20;
    let config = AutoencoderKlFlux2Config::default();
    let random = RandomSource(names(&config.kl));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stored = if precision == RunPrecision::Int8 { Some(quantized(&config, &random, folder.path())?) } else { None };
    let source: &dyn TensorSource = stored.as_ref().map_or(&random, |stored| stored);
    let device = if stored.is_some() { Device::new(CpuExecutor::for_stored_integers()) } else { Device::cpu(precision) };
    let model = load(&config, source, &device)?;
    let latents = latents(&config, side, 0, &device)?;
    let before = memory("VmRSS");
    let start = Instant::now();
    let picture = match word(1) {
        Some("whole") => model.decode_as(&latents, Decoding::Whole)?,
        Some("strips") => model.decode_as(&latents, Decoding::Strips { bytes })?,
        _ => model.decode(&latents)?,
    };
    let seconds = start.elapsed().as_secs_f64();
    let mut hash = Sha256::new();
    picture.f32()?.iter().for_each(|value| hash.update(value.to_le_bytes()));
    let digest = spec::Sha256Digest(hash.finalize().into()).to_string();
    println!(
        "{side}×{side} {precision:?} {}: {seconds:.2} s, {before:.0} MiB before, peak {:.0} MiB, picture {digest:.16}",
        word(1).unwrap_or("auto"),
        memory("VmHWM")
    );
    Ok(())
}
