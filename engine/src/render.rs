use crate::families::{Control, ErnieImagePipeline, Observer, PipelineRequest, Progress, Residency, Shortcuts};
use crate::model_folder::{JsonFile, ModelFolder, ModelIndex};
use crate::quantization::ActivationSamples;
use crate::weights::PackedFolder;
use crate::{Error, Result, Tensor};
use serde::Deserialize;
use spec::stage::{self, Cleared};
use spec::{Artifact, Asked, ModelIdentity, Picture, PictureRequest, Request, RunPrecision, Verdict};
use std::ops::Range;
use std::sync::Arc;

/// File beside `model_index.json` with a model's own defaults; diffusers does not read it.
const DEFAULTS_FILE: &str = "danqing.json";

/// What a request gets where it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelDefaults {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Denoising steps.
    pub num_inference_steps: u32,
    /// Classifier-free guidance.
    pub guidance_scale: f32,
}

impl Default for ModelDefaults {
    /// Those of ERNIE-Image's model card.
    fn default() -> Self {
        Self { width: 1024, height: 1024, num_inference_steps: 50, guidance_scale: 4.0 }
    }
}

impl ModelDefaults {
    /// Reads the defaults of a model.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        if folder.exists(DEFAULTS_FILE) { JsonFile::read(folder, DEFAULTS_FILE)?.parse_as() } else { Ok(Self::default()) }
    }
}

/// A model ready to generate.
pub struct LoadedModel {
    identity: ModelIdentity,
    pipeline: ErnieImagePipeline,
}

impl LoadedModel {
    /// Opens the model in `folder`, whose digest is computed here; `name` is how the user called it.
    pub fn open(folder: ModelFolder, name: &str, precision: RunPrecision, residency: Residency) -> Result<Self> {
        let index = ModelIndex::read(&folder)?;
        if index.class_name != "ErnieImagePipeline" {
            return Err(Error::Unsupported(format!("pipeline {}; ErnieImagePipeline is supported", index.class_name)));
        }
        Ok(Self { identity: folder.identity(name)?, pipeline: ErnieImagePipeline::open(folder, precision, residency)? })
    }

    /// The same model, which keeps packed weights in a folder and maps them at its next start.
    #[must_use]
    pub fn with_packed_weights(mut self, folder: Option<PackedFolder>) -> Self {
        if let Some(folder) = folder {
            self.pipeline.keep_packed(folder, self.identity.sha256);
        }
        self
    }

    /// The same model, which gives part of what enters the layers of its denoiser and autoencoder to `samples`, to measure what they bear.
    #[must_use]
    pub fn watched(mut self, precision: RunPrecision, samples: &Arc<ActivationSamples>) -> Self {
        self.pipeline.watch(precision, samples);
        self
    }

    /// Which weights these are.
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// How many pictures of `request` are made together.
    pub fn batch_size(&self, request: &Request) -> usize {
        pipeline_request(request, 0..1).map_or(1, |request| self.pipeline.batch_size(&request))
    }

    /// The picture of `request` as floating-point values, `[height, width, 3]`, 0..1, for comparing with a reference.
    pub fn picture_for_comparison(&mut self, request: &Request) -> Result<Tensor> {
        let pictures = self.pipeline.generate(&pipeline_request(request, 0..1)?, &mut |_| Control::Continue)?;
        pictures.into_iter().next().ok_or_else(|| Error::InvalidRequest("no picture was asked for / 未请求图片".into()))
    }
}

impl LoadedModel {
    /// The pixels, `[height, width, 3]`, of pictures for `prompts`, the first with `seed`, sized and stepped as `request` says; for
    /// measuring a model in this process. They carry no label: nothing may write them anywhere.
    pub fn pictures_for_measurement(&mut self, request: &Request, prompts: &[String], seed: u64) -> Result<Vec<Vec<u8>>> {
        self.pictures_for_measurement_observed(request, prompts, seed, &mut |_| Control::Continue)
    }

    /// [`Self::pictures_for_measurement`], which tells `observer` how far it is and stops if that says so.
    pub fn pictures_for_measurement_observed(
        &mut self,
        request: &Request,
        prompts: &[String],
        seed: u64,
        observer: &mut Observer<'_>,
    ) -> Result<Vec<Vec<u8>>> {
        let request = PipelineRequest {
            prompts: prompts.to_vec(),
            seeds: (0..prompts.len() as u64).map(|index| seed.wrapping_add(index)).collect(),
            ..pipeline_request(request, 0..0)?
        };
        let pictures = self.pipeline.generate(&request, observer)?;
        pictures.iter().map(|picture| Ok(to_bytes(picture)?.pixels().to_vec())).collect()
    }
}

/// What a model made. Only [`generate`] makes one.
pub struct Generated {
    cleared: Arc<dyn Cleared + Send + Sync>,
    model: ModelIdentity,
    seed: u64,
    artifact: Artifact,
}

impl stage::Origin for Generated {
    fn request(&self) -> &Request {
        self.cleared.request()
    }

    fn verdict(&self) -> &Verdict {
        self.cleared.verdict()
    }

    fn model(&self) -> &ModelIdentity {
        &self.model
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl stage::Generated for Generated {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }
}

/// Generates pictures `range` of a cleared request. Picture `i` has seed `request.seed + i` (wrapping) and is the same, bit for bit,
/// whichever others it is generated with.
pub fn generate<C: Cleared + Send + Sync + 'static>(
    model: &mut LoadedModel,
    cleared: &Arc<C>,
    range: Range<u32>,
    observer: &mut dyn FnMut(Progress) -> Control,
) -> Result<Vec<Generated>> {
    let request = cleared.request();
    let observer: &mut Observer<'_> = observer;
    let pictures = model.pipeline.generate(&pipeline_request(request, range.clone())?, observer)?;
    let seeds = range.map(|index| request.seed.wrapping_add(u64::from(index)));
    pictures
        .iter()
        .zip(seeds)
        .map(|(picture, seed)| {
            let cleared: Arc<dyn Cleared + Send + Sync> = Arc::<C>::clone(cleared);
            Ok(Generated { cleared, model: model.identity.clone(), seed, artifact: Artifact::Picture(to_bytes(picture)?) })
        })
        .collect()
}

fn pipeline_request(request: &Request, range: Range<u32>) -> Result<PipelineRequest> {
    let asked = picture_of(request)?;
    Ok(PipelineRequest {
        prompts: range.clone().map(|_| request.texts.prompt.clone()).collect(),
        negative_prompt: request.texts.negative_prompt.clone(),
        width: asked.width as usize,
        height: asked.height as usize,
        num_inference_steps: asked.num_inference_steps as usize,
        guidance_scale: asked.guidance_scale,
        seeds: range.map(|index| request.seed.wrapping_add(u64::from(index))).collect(),
        shortcuts: Shortcuts { guidance_interval: asked.guidance_interval.map(|[low, high]| low..=high), ..request.run.speed.into() },
    })
}

fn picture_of(request: &Request) -> Result<&PictureRequest> {
    match &request.asked {
        Asked::Picture(picture) => Ok(picture),
        other @ Asked::Design(_) => Err(Error::InvalidRequest(format!(
            "model {} makes pictures, not a {} / 模型 {} 生成图片，而不是{}",
            request.model,
            other.kind(),
            request.model,
            other.kind().chinese()
        ))),
    }
}

/// 8-bit sRGB as diffusers rounds it.
fn to_bytes(picture: &Tensor) -> Result<Picture> {
    let pixels = picture.f32()?.iter().map(|value| (value * 255.0).round_ties_even() as u8).collect();
    Picture::new(picture.size(1) as u32, picture.size(0) as u32, pixels)
        .map_err(|error| Error::Shape { operation: "picture", detail: error.to_string() })
}
