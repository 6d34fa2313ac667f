mod options;

pub use options::DataCommand;

use crate::failure::Failure;
use options::{CheckOptions, JudgeOptions, ListOptions, ManifestOptions, RegisterOptions, SampleOptions};
use serde_json::json;
use spec::{Code, Sha256Digest};
use std::path::Path;
use trainer::data::registry::{MANUAL_SAMPLES, Sampling, SamplingMethod, draw_sample, package_files};
use trainer::data::{DataRecipe, Dataset, Registry};

pub fn run(command: &DataCommand) -> Result<u8, Failure> {
    match command {
        DataCommand::Manifest(options) => manifest(options),
        DataCommand::Register(options) => register(options),
        DataCommand::List(options) => list(options),
        DataCommand::Check(options) => check(options),
        DataCommand::Sample(options) => sample(options),
        DataCommand::Judge(options) => judge(options),
    }
}

fn manifest(options: &ManifestOptions) -> Result<u8, Failure> {
    let dataset = Dataset::open(DataRecipe::read(&options.recipe)?, &options.data)?;
    dataset.write_manifest(&options.data, &options.manifest)?;
    println!("{} concepts / 个概念 → {}", dataset.concepts().len(), options.manifest.display());
    Ok(0)
}

fn register(options: &RegisterOptions) -> Result<u8, Failure> {
    let mut registry = if options.registry.exists() { Registry::read(&options.registry)? } else { Registry::empty() };
    let added = registry.register(&DataRecipe::read(&options.recipe)?);
    registry.write(&options.registry)?;
    for id in &added {
        println!("registered / 已登记: {id}");
    }
    println!("{} sources / 个来源 → {}", registry.sources.len(), options.registry.display());
    Ok(0)
}

fn list(options: &ListOptions) -> Result<u8, Failure> {
    let registry = Registry::read(&options.registry)?;
    if options.json {
        println!("{}", json!(registry));
        return Ok(0);
    }
    for source in &registry.sources {
        let refused = source.shortfalls().iter().any(|shortfall| shortfall.refuses);
        let admitted = if refused { "REFUSED / 不可用" } else { "admitted / 可用" };
        println!("{}  {}  {}  {admitted}", source.id, source.kind.chinese(), source.licence);
        for sampling in &source.sampling {
            let method = if sampling.method == SamplingMethod::Manual { "by people / 人工" } else { "technical / 技术" };
            println!("  {} {method}: {} of {} bad / 不良 ({})", sampling.date, sampling.bad, sampling.sampled, sampling.by);
        }
    }
    Ok(0)
}

fn check(options: &CheckOptions) -> Result<u8, Failure> {
    let registry = Registry::read(&options.registry)?;
    let recipe = options.recipe.as_deref().map(DataRecipe::read).transpose()?;
    let shortfalls = registry.shortfalls(recipe.as_ref());
    let refused = shortfalls.iter().any(|shortfall| shortfall.refuses);
    if options.json {
        println!("{}", json!({"admitted": !refused, "complete": shortfalls.is_empty(), "shortfalls": shortfalls}));
    } else {
        for shortfall in &shortfalls {
            let mark = if shortfall.refuses { "REFUSED" } else { "to do  " };
            println!("{mark} {}: {} / {}", shortfall.source, shortfall.english, shortfall.chinese);
        }
        let verdict = if refused {
            "a training run refuses these data / 训练将拒绝使用这些数据"
        } else if shortfalls.is_empty() {
            "admitted, and nothing is missing / 可用于训练，登记完整"
        } else {
            "admitted for training; to do before filing / 可用于训练，备案前尚有待办"
        };
        println!("{verdict}");
    }
    Ok(if shortfalls.is_empty() { 0 } else { Code::CheckFailed.exit_code() })
}

/// First line of a worksheet; the judge fills in the last column.
const WORKSHEET_HEADER: &str = "# danqing.review";

fn sample(options: &SampleOptions) -> Result<u8, Failure> {
    let recipe = DataRecipe::read(&options.recipe)?;
    let files = package_files(&recipe, &options.source, &options.data)?.ok_or_else(|| unknown_source(&options.source))?;
    let population = files.len() as u64;
    let drawn = draw_sample(population, options.count.unwrap_or(MANUAL_SAMPLES), options.seed);
    let seed = options.seed;
    let mut lines = vec![format!("{WORKSHEET_HEADER} source={} population={population} seed={seed}", options.source)];
    lines.push("file,sha256,verdict".to_owned());
    if options.out.exists() {
        let path = options.out.display();
        let message = format!("{path} is there already; name a new folder / {path} 已存在，请另选文件夹");
        return Err(Failure::new(Code::InvalidRequest, message));
    }
    let partial = options.out.with_extension(format!("{}.partial", std::process::id()));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&partial)?;
        for &index in &drawn {
            let Some((name, bytes)) = usize::try_from(index).ok().and_then(|index| files.get(index)) else { continue };
            let flat = name.replace(['/', '\\', ','], "_");
            std::fs::write(partial.join(&flat), bytes)?;
            lines.push(format!("{flat},{},", Sha256Digest::of(bytes)));
        }
        std::fs::write(partial.join("worksheet.csv"), lines.join("\n") + "\n")?;
        std::fs::rename(&partial, &options.out)
    };
    if let Err(error) = { write }() {
        let _ = std::fs::remove_dir_all(&partial);
        return Err(unwritable(&options.out, &error));
    }
    let worksheet = options.out.join("worksheet.csv");
    println!("{} of {population} items / 件 → {}", drawn.len(), worksheet.display());
    println!("write good or bad in the last column, then run danqing data judge / 请在最后一列填 good 或 bad，再运行 danqing data judge");
    Ok(0)
}

fn judge(options: &JudgeOptions) -> Result<u8, Failure> {
    let mut registry = Registry::read(&options.registry)?;
    let bytes = std::fs::read(&options.worksheet).map_err(|error| unreadable(&options.worksheet, &error))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let sheet = Worksheet::parse(&text, &options.worksheet)?;
    let sampling = Sampling {
        date: options.date.unwrap_or_else(super::today).to_string(),
        by: options.by.clone(),
        method: if options.technical { SamplingMethod::Technical } else { SamplingMethod::Manual },
        population: sheet.population,
        sampled: sheet.sampled,
        bad: sheet.bad,
        seed: Some(sheet.seed),
        worksheet_sha256: Some(Sha256Digest::of(&bytes)),
    };
    let source = registry.sources.iter_mut().find(|source| source.id == sheet.source).ok_or_else(|| unknown_source(&sheet.source))?;
    source.sampling.push(sampling);
    registry.write(&options.registry)?;
    println!("{}: {} of {} bad / 不良 → {}", sheet.source, sheet.bad, sheet.sampled, options.registry.display());
    Ok(0)
}

/// What a filled-in worksheet says.
struct Worksheet {
    source: String,
    population: u64,
    seed: u64,
    sampled: u64,
    bad: u64,
}

impl Worksheet {
    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let wrong = |line: usize, english: &str, chinese: &str| {
            Failure::new(Code::DataInvalid, format!("{}:{line}: {english} / {chinese}", path.display()))
        };
        let header = text.lines().next().unwrap_or_default();
        let value = |name: &str| header.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let number = |name: &str| value(name).and_then(|value| value.parse().ok());
        let (Some(source), Some(population), Some(seed), true) =
            (value("source"), number("population"), number("seed"), header.starts_with(WORKSHEET_HEADER))
        else {
            return Err(wrong(1, "this is no worksheet of danqing data sample", "不是 danqing data sample 生成的表"));
        };
        let mut sheet = Self { source: source.to_owned(), population, seed, sampled: 0, bad: 0 };
        for (index, line) in text.lines().enumerate().skip(2).filter(|(_, line)| !line.trim().is_empty()) {
            match line.rsplit(',').next().map(str::trim) {
                Some("good") => {}
                Some("bad") => sheet.bad += 1,
                _ => return Err(wrong(index + 1, "the last column must be good or bad", "最后一列应为 good 或 bad")),
            }
            sheet.sampled += 1;
        }
        if sheet.sampled == 0 || sheet.sampled > sheet.population {
            return Err(wrong(1, "it must judge at least one item and at most the population", "判定件数须至少一件且不超过总数"));
        }
        Ok(sheet)
    }
}

fn unknown_source(id: &str) -> Failure {
    Failure::new(Code::InvalidRequest, format!("{id}: no such source in the recipe or registry / 配方或登记中没有该来源"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::reading(path, error)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::writing(path, error)
}
