use super::Run;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::networks;
use crate::networks::Place;
use crate::optimiser::OptimiserState;
use crate::parameters::{Layout, Parameters};
use crate::recipe::Recipe;
use crate::vocabulary;
use engine::autoencoders::{LATENT_STATISTICS_EPSILON, patchify};
use engine::weights::{ElementType, SafetensorsSource, TensorBytes, TensorSource as _, write_safetensors};
use engine::{Device, Tensor};
use half::bf16;
use kernels::element::Elements;
use serde_json::Value;
use spec::{RunPrecision, Sha256Digest};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

/// First index of the samples that latents are made from: the autoencoder's crops use the indices below.
pub(super) const FIRST_SAMPLE: u64 = 1 << 32;
/// Captions that the vocabulary is counted over: enough that every concept appears many times.
const VOCABULARY_SAMPLES: u64 = 60_000;

/// Encoded training samples: normalised latents in two bytes a value, and their captions.
pub(super) struct LatentCache {
    values: Tensor,
    captions: Vec<String>,
}

impl LatentCache {
    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        self.captions.len()
    }

    /// The latents of one sample, `[side, side, patch_channels]`, appended to `out`.
    pub(super) fn extend(&self, index: usize, out: &mut Vec<f32>) {
        let size = self.values.elements() / self.len().max(1);
        match self.values.as_elements() {
            Elements::Bf16(values) => out.extend(values[index * size..(index + 1) * size].iter().map(|value| value.to_f32())),
            Elements::F32(values) => out.extend_from_slice(&values[index * size..(index + 1) * size]),
        }
    }

    /// The caption of one sample.
    pub(super) fn caption(&self, index: usize) -> &str {
        &self.captions[index]
    }
}

/// The tokenizer of the captions that the run will see; `first` is that of the model that the run starts from, whose ids stay.
pub(super) fn make_tokenizer(recipe: &Recipe, dataset: &Dataset, first: Option<Value>) -> Value {
    let captions = dataset.captions(recipe.seed, FIRST_SAMPLE, VOCABULARY_SAMPLES);
    let (captions, minimum_count) = (captions.iter().map(String::as_str), recipe.text_encoder.minimum_count);
    let Some(mut tokenizer) = first else { return vocabulary::tokenizer_json(captions, minimum_count) };
    vocabulary::extend(&mut tokenizer, captions, minimum_count);
    tokenizer
}

/// Reads the cache, or encodes the samples and writes it. Sets the autoencoder's latent statistics.
pub(super) fn prepare(run: &Run<'_>, autoencoder: &mut OptimiserState) -> Result<LatentCache> {
    let recipe = run.recipe;
    let path = run.options.output.join("latents.safetensors");
    let layout = networks::autoencoder_layout(recipe);
    // The cache belongs to these weights and these samples; others make another.
    let digest = cache_digest(recipe, &layout, &autoencoder.average);
    if path.exists() {
        let source = SafetensorsSource::open(&path)?;
        if source.metadata().get("digest") == Some(&digest.to_string()) {
            let device = Device::cpu(RunPrecision::F32);
            set_statistics(&layout, autoencoder, source.tensor("mean", &device)?.f32()?, source.tensor("variance", &device)?.f32()?);
            let captions = read_captions(&run.options.output.join("captions.jsonl"))?;
            let values = source.tensor("latents", &device)?;
            if values.size(0) != captions.len() {
                return Err(Error::checkpoint(&path, format!("{} latents and {} captions", values.size(0), captions.len())));
            }
            return Ok(LatentCache { values, captions });
        }
    }
    let (mut values, captions) = encode_all(run, &layout, &autoencoder.average)?;
    let channels = recipe.patch_channels();
    let (mean, variance) = statistics(&values, channels);
    for token in values.chunks_exact_mut(channels) {
        for ((value, mean), variance) in token.iter_mut().zip(&mean).zip(&variance) {
            *value = (*value - mean) / (variance + LATENT_STATISTICS_EPSILON).sqrt();
        }
    }
    set_statistics(&layout, autoencoder, &mean, &variance);
    let side = recipe.latent_size();
    let rounded: Vec<bf16> = values.iter().map(|value| bf16::from_f32(*value)).collect();
    let vector = |name: &str, values: &[f32]| TensorBytes {
        name: name.into(),
        element_type: ElementType::F32,
        shape: vec![values.len()],
        bytes: Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    };
    let shape = [captions.len(), side, side, channels];
    let latents = TensorBytes {
        name: "latents".into(),
        element_type: ElementType::Bf16,
        shape: shape.to_vec(),
        bytes: Cow::Owned(rounded.iter().flat_map(|value| value.to_le_bytes()).collect()),
    };
    write_captions(&run.options.output.join("captions.jsonl"), &captions)?;
    let metadata = BTreeMap::from([("digest".to_owned(), digest.to_string())]);
    write_safetensors(&path, [latents, vector("mean", &mean), vector("variance", &variance)], &metadata)?;
    let values = Tensor::from_bf16(rounded, &shape, &Device::cpu(RunPrecision::F32))?;
    Ok(LatentCache { values, captions })
}

fn encode_all(run: &Run<'_>, layout: &Layout, weights: &[f32]) -> Result<(Vec<f32>, Vec<String>)> {
    let recipe = run.recipe;
    let device = Device::cpu(networks::run_precision(recipe));
    let model = networks::load_autoencoder(recipe, Parameters { layout, values: weights }, Place { device: &device, recorder: None })?;
    let side = recipe.data.image_size;
    let (mut values, mut captions) = (Vec::new(), Vec::new());
    let started = Instant::now();
    let mut printed = Instant::now();
    while captions.len() < recipe.latents.samples {
        if run.should_stop() {
            return Err(Error::Interrupted);
        }
        let count = recipe.latents.batch_size.min(recipe.latents.samples - captions.len());
        let (pictures, texts) = run.samples(FIRST_SAMPLE + captions.len() as u64, count);
        let pictures = Tensor::from_f32(pictures, &[count, side, side, 3], &device)?;
        let (mean, _) = model.encode(&pictures)?;
        values.extend_from_slice(patchify(&mean)?.f32()?);
        captions.extend(texts);
        let interval = if std::io::stderr().is_terminal() { 1 } else { 30 };
        if printed.elapsed().as_secs() >= interval || captions.len() == recipe.latents.samples {
            printed = Instant::now();
            let speed = captions.len() as f32 / started.elapsed().as_secs_f32();
            eprintln!("latents {}/{}  {speed:.1} images/s", captions.len(), recipe.latents.samples);
        }
    }
    Ok((values, captions))
}

/// Mean and variance of each channel.
fn statistics(values: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut sums, mut squares) = (vec![0.0_f64; channels], vec![0.0_f64; channels]);
    for token in values.chunks_exact(channels) {
        for ((value, sum), square) in token.iter().zip(&mut sums).zip(&mut squares) {
            *sum += f64::from(*value);
            *square += f64::from(*value) * f64::from(*value);
        }
    }
    let count = (values.len() / channels).max(1) as f64;
    // Rounded as the exported file will hold them, so that training sees what inference will.
    let rounded = |value: f64| bf16::from_f64(value).to_f32();
    let mean: Vec<f32> = sums.iter().map(|sum| rounded(sum / count)).collect();
    let variance = squares.iter().zip(&sums).map(|(square, sum)| rounded(square / count - (sum / count).powi(2))).collect();
    (mean, variance)
}

fn set_statistics(layout: &Layout, autoencoder: &mut OptimiserState, mean: &[f32], variance: &[f32]) {
    for (name, values) in [(networks::LATENT_MEAN, mean), (networks::LATENT_VARIANCE, variance)] {
        if let Some(slot) = layout.slots().get(name).filter(|slot| slot.range.len() == values.len()) {
            autoencoder.values[slot.range.clone()].copy_from_slice(values);
            autoencoder.average[slot.range.clone()].copy_from_slice(values);
        }
    }
}

fn cache_digest(recipe: &Recipe, layout: &Layout, weights: &[f32]) -> Sha256Digest {
    // The statistics are made from the cache, so it cannot depend on them.
    let trained = layout.slots().iter().filter(|(name, _)| ![networks::LATENT_MEAN, networks::LATENT_VARIANCE].contains(&name.as_str()));
    let values = trained.flat_map(|(_, slot)| &weights[slot.range.clone()]);
    let mut bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    bytes.extend_from_slice(format!("{} {} {}", recipe.latents.samples, recipe.seed, recipe.data.image_size).as_bytes());
    Sha256Digest::of(&bytes)
}

fn write_captions(path: &Path, captions: &[String]) -> Result<()> {
    let lines: Vec<String> = captions.iter().map(|caption| Value::from(caption.as_str()).to_string()).collect();
    std::fs::write(path, lines.join("\n") + "\n").map_err(|source| Error::io(path, source))
}

fn read_captions(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| Error::checkpoint(path, error.to_string()))).collect()
}
