use super::bench::machine;
use crate::arguments::BenchOptions;
use crate::failure::Failure;
use engine::ModelDefaults;
use engine::families::{Control, Progress, Residency};
use installation::{Configuration, PartsOptions};
use ledger::Account;
use pipeline::{JobTerms, Names, Order, Refused, Released, Settled, Submission, Watcher};
use policy::{Field, Gate, Lexicon};
use provenance::Labeller;
use serde_json::{Value, json};
use spec::job::{JobId, JobItem, Priority};
use spec::{Asked, Code, FileFormat, PictureRequest, Request, Run, Texts};
use std::time::{Duration, Instant};
use store::Existing;

/// Pictures of each size; the median is shown.
const PICTURES: u32 = 5;
/// Steps of a picture: what comes after the model takes as long for a bad one, and a step costs much at 1024×1024.
const STEPS: u32 = 1;
const PROMPT: &str = "白色背景上的红色高跟鞋，3D 风格";
const SEED: u64 = 7;
/// Well-formed, of nobody: the code that the documents use as an example.
const PROVIDER_CODE: &str = "001191110000100006666010001";

/// Times everything around the model for one picture of 128×128 and one of 1024×1024, in a folder that is removed afterwards: the true
/// chain of `danqing generate` with a watermark key, a provider code and a test certificate, and the steps inside its label by themselves.
pub fn run(options: &BenchOptions) -> Result<u8, Failure> {
    let gate = gate_time()?;
    let mut sizes = Vec::new();
    for side in [128, 1024] {
        sizes.push(size(options, side)?);
    }
    if options.json {
        let sizes: Vec<Value> = sizes.iter().map(Size::to_json).collect();
        println!("{}", json!({"machine": machine(), "pictures": PICTURES, "gate_ms": milliseconds(gate), "sizes": sizes}));
        return Ok(0);
    }
    println!("{}, PNG, median of {PICTURES} / 中位数, ms", machine());
    print!("{:<44}", "");
    for size in &sizes {
        print!(" {:>12}", format!("{0}×{0}", size.side));
    }
    println!();
    let line = |name: &str, value: &dyn Fn(&Size) -> Option<Duration>| {
        print!("{name:<44}");
        for size in &sizes {
            print!(" {:>12}", value(size).map_or_else(|| "-".to_owned(), |time| format!("{:.3}", milliseconds(time))));
        }
        println!();
    };
    line("policy gate: prompt / 安全闸", &|_| Some(gate));
    line("label / 标识", &|size| Some(size.label));
    let names: Vec<&str> = sizes.iter().flat_map(|size| size.steps.iter().map(|(name, _)| *name)).collect();
    let mut shown = Vec::new();
    for name in names {
        if !shown.contains(&name) {
            shown.push(name);
            line(&format!("  {name}"), &|size| size.steps.iter().find(|(of, _)| *of == name).map(|(_, time)| *time));
        }
    }
    line("store: write, fsync / 存储", &|size| Some(size.store));
    line("ledger: append, fsync / 账本", &|size| Some(size.record));
    line("release: rename / 放行", &|size| Some(size.release));
    line("all / 合计", &|size| Some(gate + size.label + size.store + size.record + size.release));
    print!("{:<44}", "file, KiB / 文件");
    for size in &sizes {
        print!(" {:>12}", size.file_bytes / 1024);
    }
    println!();
    // A model run, whose cost is of another kind.
    line("image gate, not in the sum / 图片审核，不计入", &|size| Some(size.screen));
    Ok(0)
}

/// Medians of one size.
struct Size {
    side: u32,
    screen: Duration,
    label: Duration,
    store: Duration,
    record: Duration,
    release: Duration,
    /// Length of the file.
    file_bytes: u64,
    /// Steps inside `label`, timed by themselves on the last picture's pixels.
    steps: Vec<(&'static str, Duration)>,
}

impl Size {
    fn to_json(&self) -> Value {
        let steps: serde_json::Map<String, Value> =
            self.steps.iter().map(|(name, time)| ((*name).to_owned(), json!(milliseconds(*time)))).collect();
        json!({
            "side": self.side,
            "image_gate_ms": milliseconds(self.screen),
            "label_ms": milliseconds(self.label),
            "store_ms": milliseconds(self.store),
            "ledger_ms": milliseconds(self.record),
            "release_ms": milliseconds(self.release),
            "file_bytes": self.file_bytes,
            "label_steps_ms": steps,
        })
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn gate_time() -> Result<Duration, Failure> {
    let gate = Gate::new(&[Lexicon::builtin()?])?;
    let times = (0..1_000).map(|_| {
        let started = Instant::now();
        let _ = std::hint::black_box(gate.examine(PROMPT, Field::Prompt));
        started.elapsed()
    });
    Ok(median(times.collect()))
}

fn size(options: &BenchOptions, side: u32) -> Result<Size, Failure> {
    // In the current folder, as `generate` would: a folder for temporary files may lie in memory, where fsync costs nothing.
    let place = tempfile::Builder::new().prefix(".danqing-bench-").tempdir_in(".");
    let place =
        place.map_err(|error| Failure::new(Code::StorageFailed, format!("cannot make a folder here: {error} / 无法在此建立文件夹")))?;
    let pictures = place.path().join("pictures");
    let mut configuration = Configuration::default();
    configuration.provider_code = Some(PROVIDER_CODE.to_owned());
    configuration.key_folder = Some(place.path().to_owned());
    configuration.watermark_key = Some(place.path().join("watermark.key"));
    configuration.record_key = Some(place.path().join("record.key"));
    configuration.stop_file = Some(place.path().join("stopped"));
    let labeller = configuration.labeller(place.path())?;
    let ledger = place.path().join(pipeline::LEDGER_FILE);
    let (existing, residency) = (Existing::Refuse, Residency::Keep);
    let mut parts = configuration.parts(PartsOptions { folder: &pictures, ledger: &ledger, existing, residency })?;
    let folder = installation::find_model(&options.model)?;
    let defaults = ModelDefaults::read(&folder)?;
    let request = Request {
        model: options.model.clone(),
        texts: Texts::of(PROMPT.to_owned()),
        seed: SEED,
        count: PICTURES,
        run: Run::exact(options.dtype),
        asked: Asked::Picture(PictureRequest {
            width: side,
            height: side,
            num_inference_steps: STEPS,
            guidance_scale: defaults.guidance_scale,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    };
    let account = Account::new("bench")?;
    let terms = JobTerms { priority: Priority::INTERACTIVE, maximum_attempts: 1 };
    let order = Order { request, names: Names::ByProduceId };
    let Submission::Queued(_) = parts.admission.submit(&account, &order, terms)? else {
        return Err(Failure::new(Code::Refused, "the benchmark's own prompt was refused / 测试用提示词被拒绝"));
    };
    let mut collector = Collector::default();
    parts.worker.run(&mut collector)?;
    if let Some(error) = collector.failure {
        return Err(error.into());
    }
    let released = collector.released;
    let of = |part: &dyn Fn(&Released) -> Duration| median(released.iter().map(part).collect());
    let steps = steps(&labeller, &released)?;
    let mut lengths: Vec<u64> = released.iter().filter_map(|one| std::fs::metadata(&one.path).ok()).map(|file| file.len()).collect();
    lengths.sort_unstable();
    Ok(Size {
        side,
        screen: of(&|one| one.timing.screen),
        label: of(&|one| one.timing.label),
        store: of(&|one| one.timing.store),
        record: of(&|one| one.timing.record),
        release: of(&|one| one.timing.release),
        file_bytes: lengths.get(lengths.len() / 2).copied().unwrap_or_default(),
        steps,
    })
}

/// Keeps what is released.
#[derive(Default)]
struct Collector {
    released: Vec<Released>,
    failure: Option<pipeline::Error>,
}

impl Watcher for Collector {
    fn progress(&mut self, _: Progress) -> Control {
        Control::Continue
    }

    fn goes_on(&mut self) -> bool {
        self.failure.is_none()
    }

    fn settled(&mut self, _: JobItem, settled: &Settled) {
        if let Settled::Released(one) = settled {
            self.released.push((**one).clone());
        }
    }

    fn refused(&mut self, _: JobId, _: &Refused) {}

    fn failed(&mut self, _: JobId, error: pipeline::Error) {
        self.failure = Some(error);
    }
}

/// Medians of the steps inside a label, over the pictures.
fn steps(labeller: &Labeller, released: &[Released]) -> Result<Vec<(&'static str, Duration)>, Failure> {
    let mut runs: Vec<Vec<(&'static str, Duration)>> = Vec::new();
    for one in released {
        let path = one.path.display();
        let unreadable = |error| Failure::new(Code::StorageFailed, format!("cannot read {path}: {error} / 无法读取 {path}"));
        let file = std::fs::read(&one.path).map_err(unreadable)?;
        runs.push(labeller.costs(&file, FileFormat::Png, one.produce_id)?);
    }
    let names: Vec<&'static str> = runs.first().into_iter().flatten().map(|(name, _)| *name).collect();
    let of = |index: usize| median(runs.iter().filter_map(|run| run.get(index).map(|(_, time)| *time)).collect());
    Ok(names.into_iter().enumerate().map(|(index, name)| (name, of(index))).collect())
}
