//! Writes a checkpoint whose layers are in 8-bit integers where measurement allows it.

use super::speeds::PROMPTS;
use crate::arguments::QuantizeOptions;
use crate::failure::Failure;
use crate::{interrupt, progress};
use engine::families::{Control, Progress, Residency};
use engine::measure::Measurement;
use engine::metrics::PictureSize;
use engine::model_folder::{MODEL_INDEX, ModelFolder, ModelIndex};
use engine::quantization::{ActivationSamples, LayerDecision, decide, is_quantized_source, quantized_tensors};
use engine::weights::{SafetensorsSource, write_safetensors};
use engine::{LoadedModel, ModelDefaults, metrics};
use serde_json::{Value, json};
use spec::{Asked, Code, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Seed of the first picture.
const SEED: u64 = 7;
/// Rows of activations that are kept of every layer, over all calls.
const ROWS: usize = 256;
/// Pictures made together.
const BATCH: usize = 4;

/// A folder that is being written; removed unless it got its name.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // The first error has been reported; what is left is hidden.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

pub fn run(options: &QuantizeOptions) -> Result<u8, Failure> {
    let stop = interrupt::flag();
    let folder = installation::find_model(&options.model)?;
    if options.out.exists() {
        let message = format!("{} exists; name a new folder / 已存在，请指定新文件夹", options.out.display());
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let model = LoadedModel::open(folder.clone(), &options.model, RunPrecision::Bf16, Residency::OneAtATime)?;
    let components = model.quantizable_components();
    let sources = components.iter().map(|component| SafetensorsSource::component(&folder, component)).collect::<Result<Vec<_>, _>>()?;
    if sources.iter().any(|source| is_quantized_source(source)) {
        let message = format!("{}: its layers are in 8-bit integers already / 已是 8 位整数模型", options.model);
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let prompts = prompts(options)?;
    let request = request(options, ModelDefaults::read(&folder)?);
    let work = Work { options, prompts: &prompts, request: &request, stop: &stop, bar: progress::steps(0) };
    let calls = work.batches(&model) * request.picture_steps() as usize;
    work.bar.set_length((calls * if options.no_comparison { 1 } else { 4 }) as u64);

    let identity = model.identity().sha256;
    let samples = Arc::new(ActivationSamples::new(ROWS.div_ceil(calls)));
    let watched = model.watched(RunPrecision::Bf16, &samples);
    let in_bf16 = work.draw(watched, "drawing in bf16 / 以 bf16 绘图", RunPrecision::Bf16).map_err(nothing_written)?;
    work.bar.set_message("measuring layers / 逐层测量");
    let decide = |source| decide(source, &samples, options.max_error, &mut || !stop.load(Ordering::SeqCst));
    let decisions = sources.iter().map(|source| decide(source)).collect::<Result<Vec<_>, _>>()?;
    check(&stop)?;
    let all = decisions.iter().flatten();
    if !all.clone().any(|decision| decision.int8) {
        let message = format!(
            "none of {} layers errs by at most {}; raise --max-error / {} 层中没有误差不超过 {} 的层，请调高 --max-error",
            all.clone().count(),
            options.max_error,
            all.count(),
            options.max_error
        );
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    work.bar.set_message("writing / 写入");
    let choice = |decisions: &[LayerDecision]| {
        json!({
            "source_sha256": identity,
            "prompts": prompts,
            "seed": SEED,
            "width": request.picture_size().0,
            "height": request.picture_size().1,
            "num_inference_steps": request.picture_steps(),
            "max_error": options.max_error,
            "layers": decisions,
        })
    };
    let measured = components.into_iter().zip(&sources).zip(&decisions);
    let measured = measured.map(|((name, source), decisions)| Measured { name, source, decisions, choice: choice(decisions) });
    let out = write(&folder, &measured.collect::<Vec<_>>(), options, &stop)?;
    let likeness = if options.no_comparison { Ok(Vec::new()) } else { work.compare(folder, out, &in_bf16) };
    work.bar.finish_and_clear();
    let empty = Vec::new();
    report(options, &decisions.concat(), likeness.as_ref().unwrap_or(&empty));
    likeness.map_err(|failure| match failure.code() {
        Code::Interrupted => {
            let message = format!("{} is whole; the comparison was left out / 已完整写入，仅未做对比", options.out.display());
            Failure::new(Code::Interrupted, message)
        }
        _ => failure,
    })?;
    Ok(0)
}

/// What is drawn, and who wants to know how far it is.
struct Work<'a> {
    options: &'a QuantizeOptions,
    prompts: &'a [String],
    request: &'a Request,
    stop: &'a AtomicBool,
    /// Counts denoising steps of batches.
    bar: indicatif::ProgressBar,
}

impl Work<'_> {
    fn open(&self, folder: ModelFolder, dtype: RunPrecision) -> Result<LoadedModel, Failure> {
        Ok(LoadedModel::open(folder, &self.options.model, dtype, Residency::OneAtATime)?)
    }

    fn batches(&self, model: &LoadedModel) -> usize {
        self.prompts.len().div_ceil(self.batch(model))
    }

    fn batch(&self, model: &LoadedModel) -> usize {
        model.batch_size(self.request).clamp(1, BATCH)
    }

    /// The pictures of all prompts. Stops between two steps if it is asked to.
    fn draw(&self, mut model: LoadedModel, message: &'static str, dtype: RunPrecision) -> Result<Vec<Vec<u8>>, Failure> {
        self.bar.set_message(message);
        let request = Request { run: Run::exact(dtype), ..self.request.clone() };
        let mut pictures = Vec::new();
        for prompts in self.prompts.chunks(self.batch(&model)) {
            let seed = SEED + pictures.len() as u64;
            pictures.extend(Measurement::of(&mut model).pixels(&request, prompts, seed, &mut |progress| {
                if matches!(progress, Progress::Step { done, .. } if done > 0) {
                    self.bar.inc(1);
                }
                if self.stop.load(Ordering::SeqCst) { Control::Stop } else { Control::Continue }
            })?);
        }
        Ok(pictures)
    }

    fn compare(&self, original: ModelFolder, quantised: ModelFolder, in_bf16: &[Vec<u8>]) -> Result<Vec<Likeness>, Failure> {
        let draw = |folder, message, dtype| self.draw(self.open(folder, dtype)?, message, dtype);
        let in_f32 = draw(original.clone(), "comparing: f32 / 对比：f32", RunPrecision::F32)?;
        let at_load = draw(original, "comparing: int8 / 对比：int8", RunPrecision::Int8)?;
        let as_stored = draw(quantised, "comparing: as quantised / 对比：量化后", RunPrecision::Int8)?;
        let (width, height) = self.request.picture_size();
        let size = PictureSize { height: height as usize, width: width as usize };
        let ways = [("bf16", in_bf16), ("int8, rounded at load", &at_load), ("int8, as quantised", &as_stored)];
        let likeness =
            |(name, pictures)| Likeness { name, to_bf16: compare(pictures, in_bf16, size), to_f32: compare(pictures, &in_f32, size) };
        Ok(ways.map(likeness).into())
    }
}

/// An interruption before the folder is there.
fn nothing_written(failure: Failure) -> Failure {
    if failure.code() == Code::Interrupted { interrupted() } else { failure }
}

fn interrupted() -> Failure {
    Failure::new(Code::Interrupted, "nothing was written / 未写入任何文件")
}

fn check(stop: &AtomicBool) -> Result<(), Failure> {
    if stop.load(Ordering::SeqCst) {
        return Err(interrupted());
    }
    Ok(())
}

fn prompts(options: &QuantizeOptions) -> Result<Vec<String>, Failure> {
    let Some(path) = &options.prompts else { return Ok(PROMPTS.map(str::to_owned).to_vec()) };
    let unreadable = |error| Failure::new(Code::DataInvalid, format!("{}: {error} / 无法读取提示词文件", path.display()));
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let prompts: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if prompts.is_empty() {
        return Err(Failure::new(
            Code::DataInvalid,
            format!("{}: holds no prompt, one a line is expected / 没有提示词，每行应有一条", path.display()),
        ));
    }
    Ok(prompts)
}

fn request(options: &QuantizeOptions, defaults: ModelDefaults) -> Request {
    Request {
        model: options.model.clone(),
        texts: Texts::of(String::new()),
        seed: SEED,
        count: 1,
        run: Run::exact(RunPrecision::Bf16),
        asked: Asked::Picture(PictureRequest {
            width: options.width.unwrap_or(defaults.width),
            height: options.height.unwrap_or(defaults.height),
            num_inference_steps: options.steps.unwrap_or(defaults.num_inference_steps),
            guidance_scale: defaults.guidance_scale,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    }
}

/// A component and what was decided of its layers.
struct Measured<'a> {
    name: &'static str,
    source: &'a SafetensorsSource,
    decisions: &'a [LayerDecision],
    /// Goes with the weights, as metadata.
    choice: Value,
}

impl Measured<'_> {
    fn changes(&self) -> bool {
        self.decisions.iter().any(|decision| decision.int8)
    }

    fn write(&self, folder: &Path) -> Result<(), Failure> {
        let choice = ("danqing.quantization".to_owned(), self.choice.to_string());
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned()), choice]);
        let path = folder.join(self.name).join("diffusion_pytorch_model.safetensors");
        Ok(write_safetensors(&path, quantized_tensors(self.source, self.decisions)?, &metadata)?)
    }
}

/// Writes the folder under a hidden name first.
fn write(folder: &ModelFolder, measured: &[Measured<'_>], options: &QuantizeOptions, stop: &AtomicBool) -> Result<ModelFolder, Failure> {
    let name = options.out.file_name().ok_or_else(|| Failure::new(Code::InvalidRequest, "--out names no folder / --out 不是文件夹名"))?;
    let hidden = options.out.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let failed = |path: &Path, error: std::io::Error| Failure::new(Code::StorageFailed, format!("{}: {error} / 写入失败", path.display()));
    let mut unfinished = Unfinished(Some(hidden.clone()));
    let copy = |relative: &str| -> Result<(), Failure> {
        let path = hidden.join(relative);
        fs::write(&path, &folder.read(relative)?[..]).map_err(|error| failed(&path, error))
    };
    fs::create_dir_all(&hidden).map_err(|error| failed(&hidden, error))?;
    for file in folder.list("")? {
        copy(&file)?;
    }
    debug_assert!(folder.exists(MODEL_INDEX), "every model has its index");
    for component in ModelIndex::read(folder)?.components {
        let path = hidden.join(&component.name);
        fs::create_dir_all(&path).map_err(|error| failed(&path, error))?;
        for file in folder.list(&component.name)? {
            let is_rewritten = measured.iter().any(|measured| measured.name == component.name && measured.changes());
            let is_weight = is_rewritten && (file.ends_with(".safetensors") || file.ends_with(".safetensors.index.json"));
            if !is_weight {
                check(stop)?;
                copy(&format!("{}/{file}", component.name))?;
            }
        }
    }
    for measured in measured.iter().filter(|measured| measured.changes()) {
        measured.write(&hidden)?;
        check(stop)?;
    }
    fs::rename(&hidden, &options.out).map_err(|error| failed(&options.out, error))?;
    unfinished.0 = None;
    Ok(ModelFolder::open(&options.out)?)
}

/// Mean and worst PSNR in dB, mean and worst SSIM.
type Measures = [f64; 4];

struct Likeness {
    name: &'static str,
    to_bf16: Measures,
    to_f32: Measures,
}

fn compare(pictures: &[Vec<u8>], references: &[Vec<u8>], size: PictureSize) -> Measures {
    let values = |picture: &[u8]| picture.iter().map(|value| f32::from(*value) / 255.0).collect::<Vec<f32>>();
    let (mut psnr, mut ssim) = (Vec::new(), Vec::new());
    for (picture, reference) in pictures.iter().zip(references) {
        let (picture, reference) = (values(picture), values(reference));
        // Equal pictures have no noise; 99 dB stands for that, as is usual.
        psnr.push(metrics::psnr(&picture, &reference).min(99.0));
        ssim.push(metrics::ssim(&picture, &reference, size));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let worst = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    [mean(&psnr), worst(&psnr), mean(&ssim), worst(&ssim)]
}

fn report(options: &QuantizeOptions, decisions: &[LayerDecision], likeness: &[Likeness]) {
    let chosen = decisions.iter().filter(|decision| decision.int8);
    let rotated = chosen.clone().filter(|decision| decision.rotation.is_some()).count();
    let chosen = chosen.count();
    if options.json {
        let measures = |[psnr, worst_psnr, ssim, worst_ssim]: Measures| json!({"psnr_db": psnr, "worst_psnr_db": worst_psnr, "ssim": ssim, "worst_ssim": worst_ssim});
        let likeness: Vec<Value> = likeness
            .iter()
            .map(|each| json!({"way": each.name, "to_bf16": measures(each.to_bf16), "to_f32": measures(each.to_f32)}))
            .collect();
        println!("{}", json!({"out": options.out, "layers": decisions, "int8": chosen, "rotated": rotated, "likeness": likeness}));
        return;
    }
    println!("{:<48} {:>13} {:>9} {:>9}  stored as / 存储", "layer / 层", "size / 尺寸", "error", "rotated");
    for decision in decisions {
        let stored = match (decision.int8, decision.rotation) {
            (true, Some(group)) => format!("int8, rotated by {group}"),
            (true, None) => "int8".to_owned(),
            (false, _) => "as it was / 保持原精度".to_owned(),
        };
        let error_rotated = decision.error_rotated.map_or_else(|| "-".to_owned(), |error| format!("{error:.5}"));
        let kernel = decision.kernel.map_or_else(String::new, |kernel| format!("×{kernel}×{kernel}"));
        let size = format!("{}×{}{kernel}", decision.outputs, decision.inputs);
        println!("{:<48} {size:>13} {:>9.5} {error_rotated:>9}  {stored}", decision.layer, decision.error);
    }
    println!(
        "\n{chosen} of {} layers in int8, {rotated} of them rotated → {} / 量化 {chosen} 层，其中旋转 {rotated} 层",
        decisions.len(),
        options.out.display()
    );
    if likeness.is_empty() {
        return;
    }
    println!("\n| | PSNR to bf16, mean (worst) dB | SSIM | PSNR to f32, mean (worst) dB | SSIM |\n|---|---|---|---|---|");
    for Likeness { name, to_bf16: [a, b, c, d], to_f32: [e, f, g, h] } in likeness {
        println!("| {name} | {a:.1} ({b:.1}) | {c:.4} ({d:.4}) | {e:.1} ({f:.1}) | {g:.4} ({h:.4}) |");
    }
}
