use super::{chain, speeds};
use crate::arguments::BenchOptions;
use crate::failure::Failure;
use engine::families::Residency;
use engine::measure::Measurement;
use engine::{LoadedModel, ModelDefaults};
use kernels::attention::{AttentionShape, Mask, attention};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d};
use kernels::element::{Elements, Precision};
use kernels::gemm::{Epilogue, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};
use serde_json::{Value, json};
use spec::{Request, Run};
use std::time::Instant;

/// Timed runs of a row, after one that warms up; the best and the median are shown.
const RUNS: usize = 7;
/// Seed of the end-to-end picture.
const SEED: u64 = 7;
const PROMPT: &str = "一只小猫";

/// One row of the table.
struct Row {
    name: String,
    best_seconds: f64,
    median_seconds: f64,
    /// Floating-point operations of one run; `None` for whole pictures.
    operations: Option<f64>,
}

pub fn run(options: &BenchOptions) -> Result<u8, Failure> {
    if options.speeds {
        return speeds::run(options);
    }
    if options.chain {
        return chain::run(options);
    }
    let mut rows = Vec::new();
    for precision in [Precision::Bf16, Precision::F32] {
        rows.extend(products(precision));
        rows.push(convolution(precision));
        rows.push(attention_row(precision));
    }
    rows.push(picture(options)?);
    let machine = machine();
    if options.json {
        let rows: Vec<Value> = rows.iter().map(Row::to_json).collect();
        println!("{}", json!({"machine": machine, "threads": kernels::pool::threads(), "rows": rows}));
        return Ok(0);
    }
    println!("{machine}, {} threads / 线程, {:?}", kernels::pool::threads(), kernels::dispatch::simd_level());
    println!("{:<44} {:>10} {:>10} {:>12}", "", "best ms", "median ms", "GFLOP/s");
    for row in &rows {
        let speed = row.operations.map_or_else(String::new, |operations| format!("{:.1}", operations / row.best_seconds / 1e9));
        println!("{:<44} {:>10.2} {:>10.2} {:>12}", row.name, row.best_seconds * 1e3, row.median_seconds * 1e3, speed);
    }
    Ok(0)
}

impl Row {
    fn measure(name: String, operations: Option<f64>, mut run: impl FnMut()) -> Self {
        run();
        let mut seconds: Vec<f64> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        Self { name, best_seconds: seconds[0], median_seconds: seconds[RUNS / 2], operations }
    }

    fn to_json(&self) -> Value {
        let speed = self.operations.map(|operations| operations / self.best_seconds / 1e9);
        json!({"name": self.name, "best_ms": self.best_seconds * 1e3, "median_ms": self.median_seconds * 1e3, "gflops": speed})
    }
}

/// Values without structure and without denormals.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}

fn products(precision: Precision) -> Vec<Row> {
    [(256, 2048, 2048), (1024, 2048, 2048), (1024, 3072, 8192)]
        .into_iter()
        .map(|(m, k, n)| {
            let (a, b, mut out) = (values(m * k), values(k * n), vec![0.0; m * n]);
            let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), precision);
            let operations = 2.0 * (m * k * n) as f64;
            Row::measure(format!("gemm {m}×{k}×{n} {precision:?}"), Some(operations), || {
                gemm(&MatrixView::new(&a, m, k), &packed, &Epilogue::default(), &mut out);
            })
        })
        .collect()
}

fn convolution(precision: Precision) -> Row {
    let (side, channels) = (64, 128);
    let shape = ConvShape {
        batch: 1,
        height: side,
        width: side,
        in_channels: channels,
        out_channels: channels,
        kernel: 3,
        stride: 1,
        padding: Padding { top: 1, left: 1, bottom: 1, right: 1 },
    };
    let weight = values(channels * channels * 9);
    let filter = PackedFilter::pack(&Elements::F32(&weight), (channels, channels, 3), precision);
    let (x, mut out) = (values(side * side * channels), vec![0.0; side * side * channels]);
    let operations = 2.0 * 9.0 * (side * side * channels * channels) as f64;
    Row::measure(format!("conv 3×3 {side}×{side}×{channels} {precision:?}"), Some(operations), || {
        conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
    })
}

fn attention_row(precision: Precision) -> Row {
    let (heads, tokens, width) = (16, 1024, 64);
    let shape = AttentionShape {
        batch: 1,
        heads,
        key_value_heads: heads,
        query_length: tokens,
        key_length: tokens,
        head_dimension: width,
        scale: 0.125,
        mask: Mask::None,
    };
    let (q, mut out) = (values(heads * tokens * width), vec![0.0; heads * tokens * width]);
    let operations = 4.0 * (heads * tokens * tokens * width) as f64;
    Row::measure(format!("attention {heads} heads × {tokens} × {width} {precision:?}"), Some(operations), || {
        attention(&q, &q, &q, (&shape, precision), &mut out);
    })
}

fn picture(options: &BenchOptions) -> Result<Row, Failure> {
    let folder = installation::find_model(&options.model)?;
    let defaults = ModelDefaults::read(&folder)?;
    let mut model = LoadedModel::open(folder, &options.model, options.dtype, Residency::Keep)?;
    let request = Request { seed: SEED, run: Run::exact(options.dtype), ..defaults.request(&options.model, PROMPT) };
    Measurement::of(&mut model).picture(&request)?;
    let ((width, height), steps) = (request.picture_size(), request.picture_steps());
    let name = format!("{} {width}×{height}, {steps} steps, {}", options.model, options.dtype);
    let mut failed = None;
    let row = Row::measure(name, None, || {
        if let Err(error) = Measurement::of(&mut model).picture(&request) {
            failed = Some(error);
        }
    });
    failed.map_or(Ok(row), |error| Err(error.into()))
}

pub fn machine() -> String {
    let name = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned()))
    });
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
