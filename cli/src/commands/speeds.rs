//! What each way to a faster picture costs in likeness, beside the plainest one: fewer steps.

use super::bench::machine;
use crate::arguments::BenchOptions;
use crate::failure::Failure;
use engine::families::{Control, Residency};
use engine::measure::Measurement;
use engine::metrics::PictureSize;
use engine::{LoadedModel, ModelDefaults, metrics};
use serde_json::json;
use spec::{Request, Run, RunPrecision, Speed};
use std::time::Instant;

/// Prompts that are drawn in each way, together in one batch.
pub const PROMPTS: [&str; 16] = [
    "一只小猫",
    "小狗，蓝色背景",
    "高跟鞋，白色背景",
    "黄色背景上的香蕉",
    "熊猫",
    "粉色背景上的生日蛋糕",
    "向日葵，绿色背景",
    "红色背景，汽车",
    "a car on a white background",
    "panda",
    "火箭，蓝色背景",
    "西瓜",
    "蘑菇，灰色背景",
    "口红",
    "吉他，紫色背景",
    "雪人",
];
/// Seed of the first picture.
const SEED: u64 = 7;
/// Rounds, each of which draws in every way once; the median counts.
const ROUNDS: usize = 3;
/// Shares of the steps that are tried for comparison.
const FEWER_STEPS: [f64; 4] = [0.8, 0.7, 0.6, 0.5];

/// One way to draw, and what came of it.
struct Way {
    name: String,
    request: Request,
    seconds: Vec<f64>,
    pictures: Vec<Vec<f32>>,
}

pub fn run(options: &BenchOptions) -> Result<u8, Failure> {
    let mut ways = ways(options)?;
    let mut models = Vec::new();
    for precision in precisions(options.dtype) {
        let folder = installation::find_model(&options.model)?;
        models.push((precision, LoadedModel::open(folder, &options.model, precision, Residency::Keep)?));
    }
    let prompts = PROMPTS.map(str::to_owned);
    // The first round warms up and makes the pictures that are compared.
    for round in 0..=ROUNDS {
        for way in &mut ways {
            let Some((_, model)) = models.iter_mut().find(|(precision, _)| *precision == way.request.run.dtype) else { continue };
            let start = Instant::now();
            let pictures = Measurement::of(model).pixels(&way.request, &prompts, SEED, &mut |_| Control::Continue)?;
            if round == 0 {
                way.pictures = pictures.iter().map(|picture| picture.iter().map(|value| f32::from(*value) / 255.0).collect()).collect();
            } else {
                way.seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    report(options, &ways);
    Ok(0)
}

/// The asked-for precision, which the likeness refers to, first.
fn precisions(first: RunPrecision) -> Vec<RunPrecision> {
    let all = [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8];
    std::iter::once(first).chain(all.into_iter().filter(|precision| *precision != first)).collect()
}

fn ways(options: &BenchOptions) -> Result<Vec<Way>, Failure> {
    let defaults = ModelDefaults::read(&installation::find_model(&options.model)?)?;
    let exact = Request { seed: SEED, run: Run::exact(options.dtype), ..defaults.request(&options.model, "") };
    let way = |name: String, request: Request| Way { name, request, seconds: Vec::new(), pictures: Vec::new() };
    let mut ways: Vec<Way> = [Speed::Exact, Speed::Balanced, Speed::Fast]
        .map(|speed| way(format!("{speed}, {}", options.dtype), Request { run: Run { dtype: options.dtype, speed }, ..exact.clone() }))
        .into();
    for share in FEWER_STEPS {
        let steps = (f64::from(exact.picture_steps()) * share).round().max(1.0) as u32;
        ways.push(way(format!("exact, {steps} steps"), exact.clone().with_picture(|picture| picture.num_inference_steps = steps)));
    }
    ways.push(way("exact, guidance from 0.1".into(), exact.clone().with_picture(|picture| picture.guidance_interval = Some([0.1, 1.0]))));
    for dtype in precisions(options.dtype).into_iter().skip(1) {
        ways.push(way(format!("exact, {dtype}"), Request { run: Run::exact(dtype), ..exact.clone() }));
    }
    Ok(ways)
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(options: &BenchOptions, ways: &[Way]) {
    let [exact, ..] = ways else { return };
    let (width, height) = exact.request.picture_size();
    let size = PictureSize { height: height as usize, width: width as usize };
    if !options.json {
        let num_inference_steps = exact.request.picture_steps();
        println!(
            "{}, {} threads / 线程; {} {width}×{height}, {num_inference_steps} steps, {} prompts",
            machine(),
            kernels::pool::threads(),
            options.model,
            PROMPTS.len()
        );
        println!("| | s a picture | faster | PSNR mean (worst) dB | SSIM mean (worst) |\n|---|---|---|---|---|");
    }
    for way in ways {
        let seconds = median(&way.seconds) / PROMPTS.len() as f64;
        let faster = median(&exact.seconds) / median(&way.seconds);
        let pairs = || way.pictures.iter().zip(&exact.pictures);
        // Equal pictures have no noise; 99 dB stands for that, as is usual.
        let psnr: Vec<f64> = pairs().map(|(picture, exact)| metrics::psnr(picture, exact).min(99.0)).collect();
        let ssim: Vec<f64> = pairs().map(|(picture, exact)| metrics::ssim(picture, exact, size)).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let worst = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let (psnr, ssim) = ((mean(&psnr), worst(&psnr)), (mean(&ssim), worst(&ssim)));
        if options.json {
            println!(
                "{}",
                json!({"name": way.name, "seconds_a_picture": seconds, "faster": faster, "psnr_db": [psnr.0, psnr.1], "ssim": [ssim.0, ssim.1]})
            );
        } else {
            println!("| {} | {seconds:.3} | {faster:.2}× | {:.1} ({:.1}) | {:.4} ({:.4}) |", way.name, psnr.0, psnr.1, ssim.0, ssim.1);
        }
    }
}
