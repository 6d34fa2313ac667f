//! Text encoder, denoiser and autoencoder compute what transformers and diffusers do: goldens by
//! `testkit/scripts/make_parity_pipelines.py`.

use engine::autoencoders::{AutoencoderKlConfig, AutoencoderKlFlux2, Decoding};
use engine::denoisers::{ErnieImageTransformer2DModel, TextCondition};
use engine::model_folder::{JsonFile, ModelFolder};
use engine::random::Generator;
use engine::text_encoders::Ministral3;
use engine::tokenizer::Tokenizer;
use engine::weights::{Loader, SafetensorsSource, TensorSource as _};
use engine::{Device, Result, Tensor};
use safetensors::SafeTensors;
use spec::RunPrecision;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Of the largest value of a golden.
const RELATIVE_TOLERANCE: f32 = 1e-4;

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines")
}

fn folder() -> ModelFolder {
    ModelFolder::open(goldens().join("ernie-image")).unwrap()
}

fn golden_file() -> SafetensorsSource {
    SafetensorsSource::open(&goldens().join("ernie-image-goldens/components.safetensors")).unwrap()
}

fn golden(name: &str) -> Tensor {
    golden_file().tensor(name, &Device::cpu(RunPrecision::F32)).unwrap()
}

fn golden_integers(name: &str) -> Vec<usize> {
    let bytes = std::fs::read(goldens().join("ernie-image-goldens/components.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let words = file.tensor(name).unwrap().data().as_chunks::<4>().0.to_vec();
    words.into_iter().map(|word| u32::from_le_bytes(word) as usize).collect()
}

fn load<T>(component: &str, build: impl FnOnce(&JsonFile, &Loader<'_>) -> Result<T>) -> T {
    load_as(RunPrecision::F32, component, build)
}

fn load_as<T>(precision: RunPrecision, component: &str, build: impl FnOnce(&JsonFile, &Loader<'_>) -> Result<T>) -> T {
    let (folder, device) = (folder(), Device::cpu(precision));
    let source = SafetensorsSource::component(&folder, component).unwrap();
    let taken = RefCell::new(BTreeSet::new());
    build(&JsonFile::component(&folder, component).unwrap(), &Loader::new(&source, &device, &taken)).unwrap()
}

/// Diffusers' `[batch, channels, height, width]` as the engine's `[batch, height, width, channels]`.
fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute(&[0, 2, 3, 1]).unwrap()
}

fn assert_close(name: &str, ours: &Tensor, reference: &Tensor) {
    assert_eq!(ours.shape(), reference.shape(), "{name}");
    let (ours, reference) = (ours.f32().unwrap(), reference.f32().unwrap());
    let largest = reference.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let difference = ours.iter().zip(reference).fold(0.0_f32, |worst, (a, b)| if a.is_nan() { f32::NAN } else { worst.max((a - b).abs()) });
    println!("{name}: differs by up to {difference:e}, values up to {largest}");
    assert!(difference <= RELATIVE_TOLERANCE * largest, "{name}: differs by up to {difference:e}, values up to {largest}");
}

#[test]
fn prompts_are_encoded_as_by_transformers() {
    let tokenizer = Tokenizer::load(&folder(), "tokenizer").unwrap();
    let encoder = load("text_encoder", |config, loader| {
        Ministral3::load_encoder(&config.section("text_config")?.parse_as()?, &loader.child("language_model.model"))
    });
    let ids = ["long", "short"].map(|name| {
        let ids = tokenizer.encode(&golden_file().metadata()[&format!("text/{name}")]).unwrap();
        assert_eq!(ids.iter().map(|id| *id as usize).collect::<Vec<_>>(), golden_integers(&format!("text/{name}/ids")));
        ids
    });
    // In one batch: the short one is padded.
    let encoded = encoder.encode(&ids).unwrap();
    for (index, name) in ["long", "short"].into_iter().enumerate() {
        let rows = encoded.slice(0, index, 1).unwrap().slice(1, 0, ids[index].len()).unwrap();
        assert_close(name, &rows.with_shape(&rows.shape()[1..]).unwrap(), &golden(&format!("text/{name}")));
    }
}

#[test]
fn the_denoiser_predicts_as_that_of_diffusers() {
    let denoiser = load("transformer", |config, loader| ErnieImageTransformer2DModel::load(&config.parse_as()?, loader));
    let (text, lengths) = (golden("denoiser/text"), golden_integers("denoiser/lengths"));
    let text = TextCondition { hidden_states: &text, lengths: &lengths };
    let timesteps = golden("denoiser/timesteps").f32().unwrap().to_vec();
    let ours = denoiser.forward(&channels_last(&golden("denoiser/latents")), &timesteps, text).unwrap();
    assert_close("denoiser", &ours, &channels_last(&golden("denoiser/output")));
}

#[test]
fn the_autoencoder_encodes_and_decodes_as_that_of_diffusers() {
    let autoencoder = load("vae", |config, loader| AutoencoderKlFlux2::load(&config.parse_as()?, loader));
    let (mean, log_variance) = autoencoder.encode(&channels_last(&golden("vae/picture"))).unwrap();
    assert_close("mean", &mean, &channels_last(&golden("vae/mean")));
    assert_close("log-variance", &log_variance, &channels_last(&golden("vae/logvar")));
    let decoded = autoencoder.decode(&channels_last(&golden("vae/latents"))).unwrap();
    assert_close("decoded", &decoded, &channels_last(&golden("vae/decoded")));
}

#[test]
fn decoding_in_strips_gives_the_same_bits() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16] {
        let autoencoder = load_as(precision, "vae", |config, loader| AutoencoderKlFlux2::load(&config.parse_as()?, loader));
        for (batch, height, width) in [(1, 1, 1), (2, 5, 7), (1, 12, 3)] {
            let channels = autoencoder.config().kl.latent_channels;
            let mut values = Generator::seeded(7).normal_f32((batch * height * width * channels).next_multiple_of(16));
            values.truncate(batch * height * width * channels);
            let latents = Tensor::from_f32(values, &[batch, height, width, channels], &Device::cpu(precision)).unwrap();
            let whole = autoencoder.decode_as(&latents, Decoding::Whole).unwrap();
            // From one row a strip to all rows in one.
            for bytes in [1, 3_000, 40_000, 1 << 30] {
                let strips = autoencoder.decode_as(&latents, Decoding::Strips { bytes }).unwrap();
                assert_eq!(strips.shape(), [batch, 8 * height, 8 * width, 3]);
                let same = whole.f32().unwrap().iter().zip(strips.f32().unwrap()).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{height}×{width} in strips of {bytes} bytes, {precision:?}");
            }
        }
    }
}

#[test]
fn large_pictures_are_decoded_in_strips() {
    let config = AutoencoderKlConfig::default();
    // The last level reads 256 channels of the full size.
    assert_eq!(config.largest_map(128, 128), 4 * 256 * 1024 * 1024);
    assert!(!config.decodes_in_strips(32, 32) && config.decodes_in_strips(64, 64) && config.decodes_in_strips(256, 256));
}
