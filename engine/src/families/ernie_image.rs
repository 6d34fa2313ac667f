use super::prompt_cache::PromptCache;
use super::{Control, Observer, PipelineRequest, Progress, Residency, Slot, device_for};
use crate::autoencoders::{AutoencoderKlFlux2, AutoencoderKlFlux2Config, unpatchify};
use crate::cpu::CpuExecutor;
use crate::denoisers::{ErnieImageConfig, ErnieImageTransformer2DModel, StepCache, TextCondition};
use crate::model_folder::{JsonFile, ModelFolder, ModelIndex};
use crate::quantization::{ActivationSamples, Part, is_quantized_source, precision_of};
use crate::random::Generator;
use crate::schedulers::{FlowMatchEulerDiscrete, Steps, linspace};
use crate::text_encoders::{Ministral3, Ministral3Config};
use crate::tokenizer::Tokenizer;
use crate::weights::{Loader, PackedComponent, PackedFolder, PackedKey, SafetensorsSource};
use crate::{Device, Error, Result, Tensor};
use spec::{RunPrecision, Sha256Digest};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Names under which transformers saves the language model of a `Mistral3Model` or of a bare text model.
const LANGUAGE_MODEL_PREFIXES: [&str; 5] = ["language_model.model", "model.language_model", "language_model", "model", ""];
/// Parts of a `Mistral3Model` that no prompt reaches.
const UNUSED_PARTS: [&str; 6] =
    ["vision_tower", "multi_modal_projector", "model.vision_tower", "model.multi_modal_projector", "lm_head", "language_model.lm_head"];
/// Memory that the activations of pictures denoised together may take. A few pictures fill the matrix kernels; more only cost memory.
const ACTIVATION_BYTES: usize = 1 << 28;

/// Tokens of pictures up to which the two branches of guidance are denoised as one batch.
const TOKENS_TOGETHER: usize = 128;

/// `ErnieImagePipeline` of diffusers: Ministral 3 text encoder, single-stream transformer, FLUX.2 autoencoder, flow matching.
pub struct ErnieImagePipeline {
    folder: ModelFolder,
    text_device: Device,
    device: Device,
    autoencoder_device: Device,
    residency: Residency,
    tokenizer: Tokenizer,
    scheduler: FlowMatchEulerDiscrete,
    text_encoder_config: Ministral3Config,
    denoiser_config: ErnieImageConfig,
    autoencoder_config: AutoencoderKlFlux2Config,
    prompts: PromptCache,
    text_encoder: Slot<Ministral3>,
    denoiser: Slot<ErnieImageTransformer2DModel>,
    autoencoder: Slot<AutoencoderKlFlux2>,
    packed: Option<(PackedFolder, Sha256Digest)>,
}

/// Hidden states of prompts, padded to the longest.
struct Condition {
    hidden_states: Tensor,
    lengths: Vec<usize>,
}

impl ErnieImagePipeline {
    /// Reads configs, tokenizer and scheduler; weights are read when they are first needed.
    pub fn open(folder: ModelFolder, precision: RunPrecision, residency: Residency) -> Result<Self> {
        let index = ModelIndex::read(&folder)?;
        for (name, classes) in [
            ("transformer", &["ErnieImageTransformer2DModel"][..]),
            ("vae", &["AutoencoderKLFlux2"]),
            ("text_encoder", &["Mistral3Model", "Ministral3Model", "MistralModel"]),
            ("scheduler", &["FlowMatchEulerDiscreteScheduler"]),
        ] {
            let component = index.component(name).ok_or_else(|| Error::InvalidFile {
                path: folder.place(crate::model_folder::MODEL_INDEX),
                detail: format!("component {name:?} is missing"),
            })?;
            if !classes.contains(&component.class_name.as_str()) {
                return Err(Error::Unsupported(format!("{name} of class {}; {} is supported", component.class_name, classes.join(", "))));
            }
        }
        let device_of = |component: &str, part| -> Result<Device> {
            let is_stored = precision == RunPrecision::Int8 && is_quantized_source(&SafetensorsSource::component(&folder, component)?);
            Ok(if is_stored { Device::new(CpuExecutor::for_stored_integers()) } else { device_for(part, precision) })
        };
        let (device, autoencoder_device) = (device_of("transformer", Part::Denoiser)?, device_of("vae", Part::Autoencoder)?);
        let text_config = JsonFile::component(&folder, "text_encoder")?;
        let text_config = if text_config.has("text_config") { text_config.section("text_config")? } else { text_config };
        Ok(Self {
            tokenizer: Tokenizer::load(&folder, "tokenizer")?,
            scheduler: FlowMatchEulerDiscrete::load(&folder, "scheduler")?,
            text_encoder_config: text_config.parse_as()?,
            denoiser_config: JsonFile::component(&folder, "transformer")?.parse_as()?,
            autoencoder_config: JsonFile::component(&folder, "vae")?.parse_as()?,
            folder,
            text_device: device_for(Part::TextEncoder, precision),
            device,
            autoencoder_device,
            residency,
            prompts: PromptCache::default(),
            text_encoder: Slot::empty(),
            denoiser: Slot::empty(),
            autoencoder: Slot::empty(),
            packed: None,
        })
    }

    /// Keeps packed weights in a folder, under the digest of the model.
    pub fn keep_packed(&mut self, folder: PackedFolder, model: Sha256Digest) {
        self.packed = Some((folder, model));
    }

    /// Gives part of what enters the layers of denoiser and autoencoder to `samples`.
    pub fn watch(&mut self, precision: RunPrecision, samples: &Arc<ActivationSamples>) {
        let watching = |part| Device::new(CpuExecutor::watching(precision_of(part, precision), Arc::clone(samples)));
        (self.device, self.autoencoder_device) = (watching(Part::Denoiser), watching(Part::Autoencoder));
        (self.denoiser, self.autoencoder) = (Slot::empty(), Slot::empty());
    }

    /// Pixels of a token's side: sizes must be multiples of it.
    pub fn scale_factor(&self) -> usize {
        1 << self.autoencoder_config.block_out_channels.len()
    }

    /// How many pictures of this request are denoised together.
    pub fn batch_size(&self, request: &PipelineRequest) -> usize {
        let config = &self.denoiser_config;
        let tokens = request.width / self.scale_factor() * (request.height / self.scale_factor());
        let branches = if request.guidance_scale > 1.0 && branches_together(tokens) { 2 } else { 1 };
        // About six buffers of the hidden width and three of the unit's are alive inside a layer.
        let bytes = tokens * branches * 4 * (6 * config.hidden_size + 3 * config.ffn_hidden_size);
        // Decoding together holds about four maps as large as the largest of each picture; large pictures are decoded one by one.
        let autoencoder = &self.autoencoder_config;
        let (height, width) = (request.height / autoencoder.scale_factor(), request.width / autoencoder.scale_factor());
        let decoding = if autoencoder.decodes_in_strips(height, width) { 0 } else { 4 * autoencoder.largest_map(height, width) };
        (ACTIVATION_BYTES / bytes.max(decoding).max(1)).max(1)
    }

    /// Pictures, `[height, width, 3]` each, 0..1.
    pub fn generate(&mut self, request: &PipelineRequest, observer: &mut Observer<'_>) -> Result<Vec<Tensor>> {
        self.check(request)?;
        let guided = request.guidance_scale > 1.0;
        let condition = self.encode(request, guided, observer)?;
        let latents = self.denoise(request, &condition, observer)?;
        self.decode(&latents, observer)
    }

    fn check(&self, request: &PipelineRequest) -> Result<()> {
        let factor = self.scale_factor();
        let PipelineRequest { width, height, .. } = *request;
        if width == 0 || height == 0 || !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(Error::InvalidRequest(format!(
                "width and height must be multiples of {factor}, not {width}×{height} / 宽和高必须是 {factor} 的倍数，而不是 {width}×{height}"
            )));
        }
        if request.num_inference_steps == 0 {
            return Err(Error::InvalidRequest("at least one step is needed / 步数至少为 1".into()));
        }
        if request.prompts.len() != request.seeds.len() || request.prompts.is_empty() {
            return Err(Error::InvalidRequest(format!("{} prompts, {} seeds", request.prompts.len(), request.seeds.len())));
        }
        Ok(())
    }

    /// The unconditional branch's prompts come first, as in diffusers.
    fn encode(&mut self, request: &PipelineRequest, guided: bool, observer: &mut Observer<'_>) -> Result<Condition> {
        let mut texts: Vec<&str> = if guided { vec![&request.negative_prompt; request.prompts.len()] } else { Vec::new() };
        texts.extend(request.prompts.iter().map(String::as_str));
        // Each different text is encoded once: pictures of one request usually share theirs.
        let distinct: Vec<&str> = texts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let Self { prompts, text_encoder, tokenizer, folder, text_device, text_encoder_config, packed, .. } = self;
        let encoded = prompts.states(&distinct, |missing| {
            if text_encoder.loaded.is_none() {
                report(observer, Progress::Loading("text_encoder"))?;
            }
            let load = |loader: &Loader<'_>| load_text_encoder(loader, text_encoder_config);
            let encoder = text_encoder.get(|| load_component((folder, "text_encoder"), text_device, packed.as_ref(), load))?;
            report(observer, Progress::Encoding)?;
            missing.iter().map(|text| encoder.encode(&[tokens(tokenizer, text)?])).collect()
        })?;
        self.text_encoder.leave(self.residency);
        let longest = encoded.iter().map(|states| states.size(1)).max().unwrap_or(0);
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        for text in texts {
            let place = distinct.binary_search(&text).unwrap_or(0);
            let states = &encoded[place];
            let mut values = states.f32()?.to_vec();
            values.resize(longest * states.last(), 0.0);
            rows.extend_from_slice(&values);
            lengths.push(states.size(1));
        }
        let shape = [lengths.len(), longest, self.text_encoder_config.hidden_size];
        Ok(Condition { hidden_states: Tensor::from_f32(rows, &shape, &self.device)?, lengths })
    }

    fn denoise(&mut self, request: &PipelineRequest, condition: &Condition, observer: &mut Observer<'_>) -> Result<Tensor> {
        let factor = self.scale_factor();
        let (rows, columns, channels) = (request.height / factor, request.width / factor, self.denoiser_config.in_channels);
        let (count, size) = (request.seeds.len(), rows * columns * channels);
        let noise = request.seeds.iter().flat_map(|seed| Generator::seeded(*seed).normal_f32(size)).collect();
        let mut latents = Tensor::from_f32(noise, &[count, channels, rows, columns], &self.device)?.permute(&[0, 2, 3, 1])?;
        let sigmas: Vec<f32> = linspace(1.0, 0.0, request.num_inference_steps + 1)
            .into_iter()
            .take(request.num_inference_steps)
            .map(|sigma| sigma as f32)
            .collect();
        let mu = self.scheduler.configuration().dynamic_shift.map(|_| self.scheduler.dynamic_mu(rows * columns));
        let schedule = self.scheduler.set_timesteps(Steps::Sigmas(&sigmas), mu)?;
        if schedule.needs_noise() {
            return Err(Error::Unsupported("stochastic_sampling in an ERNIE-Image scheduler".into()));
        }
        if self.denoiser.loaded.is_none() {
            report(observer, Progress::Loading("transformer"))?;
        }
        let denoiser = self.denoiser.get(|| {
            load_component((&self.folder, "transformer"), &self.device, self.packed.as_ref(), |loader| {
                ErnieImageTransformer2DModel::load(&self.denoiser_config, loader)
            })
        })?;
        let branches = condition.lengths.len() / count;
        let together = branches_together(count * rows * columns);
        let mut caches: Vec<StepCache> =
            request.shortcuts.step_cache.map(|policy| vec![StepCache::new(policy); branches * count]).unwrap_or_default();
        for (index, timestep) in schedule.timesteps().iter().enumerate() {
            report(observer, Progress::Step { done: index, total: schedule.steps() })?;
            let guided = branches == 2 && request.shortcuts.guides(timestep / 1000.0);
            // The unconditional branch comes first.
            let first = if branches == 2 && !guided { count } else { 0 };
            let end = condition.lengths.len();
            let mut predict = |rows: Range<usize>| {
                let lengths = &condition.lengths[rows.clone()];
                let longest = lengths.iter().copied().max().unwrap_or(0);
                let hidden_states = condition.hidden_states.slice(0, rows.start, rows.len())?.slice(1, 0, longest)?;
                let text = TextCondition { hidden_states: &hidden_states, lengths };
                let input = if rows.len() > count { Tensor::concat(&[&latents, &latents], 0)? } else { latents.clone() };
                let timesteps = vec![*timestep; rows.len()];
                match caches.get_mut(rows) {
                    Some(caches) if !caches.is_empty() => denoiser.forward_cached(&input, &timesteps, text, caches),
                    _ => denoiser.forward(&input, &timesteps, text),
                }
            };
            let mut predicted = match guided && !together {
                true => Tensor::concat(&[&predict(0..count)?, &predict(count..end)?], 0)?,
                false => predict(first..end)?,
            };
            if guided {
                let unconditional = predicted.slice(0, 0, count)?;
                let direction = predicted.slice(0, count, count)?.subtract(&unconditional)?;
                predicted = unconditional.add(&direction.scale(request.guidance_scale)?)?;
            }
            latents = schedule.step(index, &predicted, &latents, None)?;
        }
        report(observer, Progress::Step { done: schedule.steps(), total: schedule.steps() })?;
        self.denoiser.leave(self.residency);
        Ok(latents)
    }

    fn decode(&mut self, latents: &Tensor, observer: &mut Observer<'_>) -> Result<Vec<Tensor>> {
        report(observer, Progress::Decoding)?;
        let autoencoder = self.autoencoder.get(|| {
            load_component((&self.folder, "vae"), &self.autoencoder_device, self.packed.as_ref(), |loader| {
                AutoencoderKlFlux2::load(&self.autoencoder_config, loader)
            })
        })?;
        let latents = latents.to_device(&self.autoencoder_device);
        let decoded = autoencoder.decode(&unpatchify(&autoencoder.denormalise(&latents)?)?)?;
        self.autoencoder.leave(self.residency);
        // As diffusers' image processor: from -1..1 to 0..1, clamped.
        let pictures =
            decoded.unary(crate::Unary::Affine { factor: 0.5, offset: 0.5 })?.unary(crate::Unary::Clamp { low: 0.0, high: 1.0 })?;
        let shape = &pictures.shape()[1..];
        (0..pictures.size(0)).map(|index| pictures.slice(0, index, 1)?.with_shape(shape)).collect()
    }
}

/// Whether both branches of guidance run as one batch, for `tokens` tokens of pictures: few fill the matrix kernels better together;
/// of many, the branch with the shorter text is not filled up to the longer one's. Bits are the same.
fn branches_together(tokens: usize) -> bool {
    tokens <= TOKENS_TOGETHER
}

fn tokens(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
    let ids = tokenizer.encode(text)?;
    if ids.is_empty() {
        return Ok(vec![tokenizer.special_token_id("bos_token").unwrap_or(0)]);
    }
    Ok(ids)
}

fn report(observer: &mut Observer<'_>, progress: Progress) -> Result<()> {
    match observer(progress) {
        Control::Continue => Ok(()),
        Control::Stop => Err(Error::Interrupted),
    }
}

/// Loads a component and fails if its files hold tensors that it does not know.
fn load_component<T>(
    (folder, component): (&ModelFolder, &str),
    device: &Device,
    packed: Option<&(PackedFolder, Sha256Digest)>,
    load: impl FnOnce(&Loader<'_>) -> Result<T>,
) -> Result<T> {
    let source = SafetensorsSource::component(folder, component)?;
    let elements: usize = source.tensors().map(|tensor| tensor.shape.iter().product::<usize>()).sum();
    let kept = packed.filter(|(packed, _)| elements >= packed.smallest()).and_then(|(packed, model)| {
        let key = PackedKey { model: *model, component: component.to_owned(), form: device.packed_form()? };
        Some(PackedComponent::open(packed, &key))
    });
    let taken = RefCell::new(BTreeSet::new());
    let loader = Loader::new(&source, device, &taken).with_packed(kept.as_ref());
    let loaded = load(&loader)?;
    loader.finish()?;
    if let Some(kept) = kept {
        kept.finish();
    }
    Ok(loaded)
}

fn load_text_encoder(root: &Loader<'_>, config: &Ministral3Config) -> Result<Ministral3> {
    let prefix = LANGUAGE_MODEL_PREFIXES.iter().find(|prefix| root.child(prefix).has("embed_tokens.weight"));
    let prefix = prefix.ok_or_else(|| Error::MissingTensor { name: "language_model.embed_tokens.weight".into(), place: root.place() })?;
    let model = Ministral3::load_encoder(config, &root.child(prefix))?;
    for part in UNUSED_PARTS {
        root.ignore(part);
    }
    Ok(model)
}
