//! Denoisers and whole pipelines.
use crate::{Work, options};
use anyhow::{Context, Result};
use engine::cpu::CpuExecutor;
use engine::denoisers::{DenoiserConfig as _, ErnieImageConfig, ErnieImageTransformer2DModel, TextCondition};
use engine::families::{Control, Residency};
use engine::measure::Measurement;
use engine::model_folder::{JsonFile, ModelFolder};
use engine::weights::{Loader, SafetensorsSource};
use engine::{Device, LoadedModel, Tensor};
use serde_json::Value;
use spec::{Asked, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// All that a build may know.
const PRECISIONS: [&str; 3] = ["f32", "bf16", "int8"];
/// As the pipeline's default in diffusers for the middle of a run.
const TIMESTEP: f32 = 500.0;

/// Those of [`PRECISIONS`] that this build knows.
pub fn precisions() -> Vec<&'static str> {
    PRECISIONS.into_iter().filter(|name| precision(name).is_ok()).collect()
}

pub fn precision(name: &str) -> Result<RunPrecision> {
    name.parse().with_context(|| format!("this build does not run in {name}"))
}

/// One forward pass of the first `layers` layers of `folder`'s transformer over `side`² picture and `text` text tokens.
pub fn block(order: &Value) -> Result<Work> {
    let folder = ModelFolder::open(options::text(order, "folder")?)?;
    let config = ErnieImageConfig::read(&JsonFile::component(&folder, "transformer")?)?;
    let config = ErnieImageConfig { num_layers: options::number(order, "layers")?, ..config };
    let executor = CpuExecutor::new(precision(options::text(order, "dtype")?)?).with_integer_layers(config.integer_layers());
    let device = Device::new(executor);
    let source = SafetensorsSource::component(&folder, "transformer")?;
    let taken = RefCell::new(BTreeSet::new());
    let model = ErnieImageTransformer2DModel::load(&config, &Loader::new(&source, &device, &taken))?;
    let (side, text) = (options::number(order, "side")?, options::number(order, "text")?);
    let latents = Tensor::from_f32(options::values(side * side * config.in_channels), &[1, side, side, config.in_channels], &device)?;
    let states = Tensor::from_f32(options::values(text * config.text_in_dim), &[1, text, config.text_in_dim], &device)?;
    Ok(Box::new(move |_| {
        let condition = TextCondition { hidden_states: &states, lengths: &[text] };
        Ok(model.forward(&latents, &[TIMESTEP], condition).map(drop)?)
    }))
}

/// `count` pictures of one prompt, seeds from 0, as 8-bit pixels. The run's index is part of the prompt, so that every run encodes it.
pub fn picture(order: &Value) -> Result<Work> {
    let name = options::text(order, "model")?.to_owned();
    let dtype = precision(options::text(order, "dtype")?)?;
    let mut model = LoadedModel::open(installation::find_model(&name)?, &name, dtype, Residency::Keep)?;
    let request = Request {
        model: name,
        texts: Texts::of(options::text(order, "prompt")?.to_owned()),
        seed: 0,
        count: options::number(order, "count")? as u32,
        run: Run::exact(dtype),
        asked: Asked::Picture(PictureRequest {
            width: options::number(order, "width")? as u32,
            height: options::number(order, "height")? as u32,
            num_inference_steps: options::number(order, "steps")? as u32,
            guidance_scale: order["guidance_scale"].as_f64().context("guidance_scale is missing")? as f32,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    };
    Ok(Box::new(move |index| {
        // The untimed first run loads the weights; one step is enough for that.
        let warming = index == u64::MAX;
        let texts = Texts::of(format!("{} {:02}", request.texts.prompt, if warming { 0 } else { index + 1 }));
        let request = Request { texts, ..request.clone() };
        let request = if warming { request.with_picture(|picture| picture.num_inference_steps = 1) } else { request };
        let batch = model.batch_size(&request).max(1) as u32;
        let mut first = 0;
        while first < request.count {
            let together = batch.min(request.count - first) as usize;
            let prompts = vec![request.texts.prompt.clone(); together];
            Measurement::of(&mut model).pixels(&request, &prompts, u64::from(first), &mut |_| Control::Continue)?;
            first += together as u32;
        }
        Ok(())
    }))
}
