//! A second family, in tests alone: what a family needs is a recipe and a row of the registry, and a denoiser whose layers have other
//! names than ERNIE-Image's is quantised like it.

use super::latent_diffusion::{self, Guidance, LatentDiffusion, LatentLayout, Recipe, Sigmas};
use super::registry::{Registration, Role, needed};
use super::{FamilyDefaults, ModelDefaults};
use crate::autoencoders::AutoencoderKlFlux2Config;
use crate::blocks::Projection;
use crate::denoisers::{Denoiser, DenoiserConfig, StepCache, TextCondition};
use crate::error::Result;
use crate::text_encoders::{HiddenStates, Ministral3Config};
use crate::waist::Tensor;
use crate::weights::Loader;
use serde::Deserialize;
use spec::KindOfWork;

pub(super) static TOY: Registration = Registration {
    class_name: "ToyPipeline",
    kind: KindOfWork::Picture,
    components: &[
        needed("scheduler", "diffusers", &["FlowMatchEulerDiscreteScheduler"], Role::Scheduler),
        needed("tokenizer", "transformers", &["PreTrainedTokenizerFast"], Role::Tokenizer),
        needed("text_encoder", "transformers", &["Mistral3Model"], Role::TextEncoder),
        needed("transformer", "diffusers", &["ToyTransformer"], Role::Denoiser),
        needed("vae", "diffusers", &["AutoencoderKLFlux2"], Role::Autoencoder),
    ],
    defaults: FamilyDefaults {
        request: ModelDefaults { width: 32, height: 32, num_inference_steps: 2, guidance_scale: 2.0 },
        sizes: &[[32, 32]],
    },
    open: |opening| Ok(Box::new(LatentDiffusion::open(&RECIPE, opening)?)),
    check: |folder, component| latent_diffusion::check_component(&RECIPE, folder, component),
};

static RECIPE: Recipe = Recipe {
    text_encoder: |file| Ok(Box::new(Ministral3Config::read(&file.section("text_config")?)?)),
    hidden_states: HiddenStates::Last,
    template: "a picture of {}",
    empty_prompt: "bos_token",
    latents: LatentLayout::Patches2x2,
    sigmas: Sigmas::Scheduled,
    timestep_scale: 0.001,
    guidance: Guidance::ClassifierFree,
    denoiser: |file| Ok(Box::new(file.parse_as::<ToyConfig>()?)),
    autoencoder: |file| Ok(Box::new(AutoencoderKlFlux2Config::read(file)?)),
};

#[derive(Clone, Deserialize)]
struct ToyConfig {
    channels: usize,
    text_width: usize,
    width: usize,
    layers: usize,
}

struct Toy {
    input: Projection,
    text: Projection,
    blocks: Vec<Projection>,
    output: Projection,
}

impl DenoiserConfig for ToyConfig {
    fn channels(&self) -> usize {
        self.channels
    }

    fn text_width(&self) -> usize {
        self.text_width
    }

    fn patch_size(&self) -> usize {
        1
    }

    fn values_per_token(&self) -> usize {
        2 * self.width
    }

    fn repeated_layers(&self) -> &'static [&'static str] {
        &["transformer_blocks"]
    }

    fn load(&self, loader: &Loader<'_>) -> Result<Box<dyn Denoiser>> {
        let blocks = loader.child("transformer_blocks");
        let block = |index| Projection::load_unbiased(&blocks.child(index), "proj", self.width, self.width);
        Ok(Box::new(Toy {
            input: Projection::load_unbiased(loader, "proj_in", self.width, self.channels)?,
            text: Projection::load_unbiased(loader, "text_proj", self.width, self.text_width)?,
            blocks: (0..self.layers).map(block).collect::<Result<_>>()?,
            output: Projection::load_unbiased(loader, "proj_out", self.channels, self.width)?,
        }))
    }
}

impl Denoiser for Toy {
    fn predict(&self, latents: &Tensor, timesteps: &[f32], text: TextCondition<'_>, _caches: &mut [StepCache]) -> Result<Tensor> {
        let states = self.text.forward(&text.hidden_states.slice(1, 0, 1)?)?;
        let gate = states.reshape(&[latents.size(0), states.last()])?.scale(timesteps.iter().copied().fold(0.0, f32::max))?;
        let mut x = self.input.forward(latents)?;
        for block in &self.blocks {
            x = block.forward_onto(&x, &x, Some(&gate))?;
        }
        self.output.forward(&x)
    }
}

#[allow(clippy::unwrap_used)]
mod tests {
    use crate::families::{Control, FamilyRequest, Residency, Shortcuts};
    use crate::inspection::inspect;
    use crate::loaded_model::LoadedModel;
    use crate::measure::Measurement;
    use crate::model_folder::ModelFolder;
    use crate::quantization::{ActivationSamples, decide};
    use crate::random::Generator;
    use crate::waist::{Device, Tensor};
    use crate::weights::{SafetensorsSource, TensorBytes, write_safetensors};
    use spec::RunPrecision;
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    const CONFIG: &str = r#"{"channels": CHANNELS, "text_width": TEXT, "width": 64, "layers": 2}"#;

    /// The golden ERNIE-Image pipeline with a denoiser of the other family.
    fn model(folder: &Path) {
        let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines/ernie-image");
        for component in ["scheduler", "tokenizer", "text_encoder", "vae"] {
            fs::create_dir_all(folder.join(component)).unwrap();
            for file in fs::read_dir(golden.join(component)).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), folder.join(component).join(file.file_name())).unwrap();
            }
        }
        let mut index = serde_json::Map::from_iter([("_class_name".to_owned(), super::TOY.class_name.into())]);
        for row in super::TOY.components {
            index.insert(row.folder.to_owned(), serde_json::json!([row.library, row.class_name()]));
        }
        fs::write(folder.join("model_index.json"), serde_json::Value::Object(index).to_string()).unwrap();
        let old: serde_json::Value = serde_json::from_slice(&fs::read(golden.join("transformer/config.json")).unwrap()).unwrap();
        let (channels, text) = (old["in_channels"].as_u64().unwrap() as usize, old["text_in_dim"].as_u64().unwrap() as usize);
        fs::create_dir_all(folder.join("transformer")).unwrap();
        let config = CONFIG.replace("CHANNELS", &channels.to_string()).replace("TEXT", &text.to_string());
        fs::write(folder.join("transformer/config.json"), config).unwrap();
        let device = Device::cpu(RunPrecision::F32);
        let shapes = [
            ("proj_in", [64, channels]),
            ("text_proj", [64, text]),
            ("transformer_blocks.0.proj", [64, 64]),
            ("transformer_blocks.1.proj", [64, 64]),
            ("proj_out", [channels, 64]),
        ];
        let tensors: Vec<(String, Tensor)> = shapes
            .iter()
            .enumerate()
            .map(|(seed, (name, shape))| {
                let values = Generator::seeded(seed as u64).normal_f32(shape[0] * shape[1]);
                let values = values.into_iter().map(|value| value / (shape[1] as f32).sqrt()).collect();
                (format!("{name}.weight"), Tensor::from_f32(values, shape, &device).unwrap())
            })
            .collect();
        let tensors = tensors.iter().map(|(name, tensor)| TensorBytes::from_tensor(name.as_str(), tensor));
        write_safetensors(&folder.join("transformer/diffusion_pytorch_model.safetensors"), tensors, &BTreeMap::new()).unwrap();
    }

    fn request() -> FamilyRequest {
        FamilyRequest {
            prompts: vec!["a cat".into(), "猫".into()],
            negative_prompt: String::new(),
            width: 32,
            height: 32,
            num_inference_steps: 2,
            guidance_scale: 2.0,
            seeds: vec![1, 2],
            shortcuts: Shortcuts::default(),
        }
    }

    fn open(folder: &Path, precision: RunPrecision) -> LoadedModel {
        LoadedModel::open(ModelFolder::open(folder).unwrap(), "toy", precision, Residency::Keep).unwrap()
    }

    fn pictures(model: &mut LoadedModel) -> Vec<Vec<f32>> {
        let pictures = Measurement::of(model).pictures(&request(), &mut |_| Control::Continue).unwrap();
        pictures.iter().map(|picture| picture.f32().unwrap().to_vec()).collect()
    }

    #[test]
    fn a_family_is_a_recipe_and_a_row() {
        let folder = tempfile::tempdir().unwrap();
        model(folder.path());
        let inspection = inspect(&ModelFolder::open(folder.path()).unwrap()).unwrap();
        assert!(inspection.supported, "{:?}", inspection.reasons);
        let found = pictures(&mut open(folder.path(), RunPrecision::F32));
        assert!(found.len() == 2 && found[0] != found[1]);
        assert_eq!(found, pictures(&mut open(folder.path(), RunPrecision::F32)));
    }

    #[test]
    fn layers_of_another_name_run_in_8_bit_integers_and_are_measured() {
        let folder = tempfile::tempdir().unwrap();
        model(folder.path());
        let in_bf16 = pictures(&mut open(folder.path(), RunPrecision::Bf16));
        let in_int8 = pictures(&mut open(folder.path(), RunPrecision::Int8));
        assert!(in_bf16 != in_int8, "a run in 8-bit integers used none");
        let samples = Arc::new(ActivationSamples::new(8));
        let mut watched = open(folder.path(), RunPrecision::Bf16).watched(RunPrecision::Bf16, &samples);
        assert_eq!(pictures(&mut watched), in_bf16);
        assert_eq!(watched.quantizable_components(), ["transformer", "vae"]);
        let source = SafetensorsSource::component(&ModelFolder::open(folder.path()).unwrap(), "transformer").unwrap();
        let decisions = decide(&source, &samples, 0.5, &mut || true).unwrap();
        let layers: Vec<&str> = decisions.iter().map(|decision| decision.layer.as_str()).collect();
        assert_eq!(layers, ["transformer_blocks.0.proj", "transformer_blocks.1.proj"]);
    }
}
