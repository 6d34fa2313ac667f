use crate::arguments::GenerateOptions;
use crate::failure::Failure;
use crate::{identity, interrupt, progress, stop_watch};
use engine::families::{Control, Progress, Residency};
use engine::{LoadedModel, ModelDefaults};
use installation::Configuration;
use ledger::SuspensionCause;
use pipeline::{Delivery, Names, Outcome, RecordOptions, Refused, Released, Studio, StudioOptions, Switch, Withheld};
use serde_json::json;
use spec::{Asked, Code, FileFormat, KindOfWork, PictureRequest, Request, Run, ScreeningDecision, Texts};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Existing;

/// Folder of pictures and ledger when `--out` is not given.
const DEFAULT_FOLDER: &str = "danqing-out";

pub fn run(options: &GenerateOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let prompt = options
        .prompt
        .to_str()
        .ok_or_else(|| Failure::new(Code::InvalidRequest, "the prompt is not valid UTF-8 / 提示词不是有效的 UTF-8 文本"))?;
    let folder = installation::find_model(&options.model)?;
    let defaults = ModelDefaults::read(&folder)?;
    let target = Target::choose(options)?;
    let request = Request {
        model: options.model.clone(),
        texts: Texts { prompt: prompt.to_owned(), negative_prompt: options.negative_prompt.clone(), ..Texts::default() },
        seed: match options.seed {
            Some(seed) => seed,
            None => pipeline::random_seed()?,
        },
        count: options.count,
        run: Run { dtype: options.dtype, speed: options.speed },
        asked: Asked::Picture(PictureRequest {
            width: options.width.unwrap_or(defaults.width),
            height: options.height.unwrap_or(defaults.height),
            num_inference_steps: options.steps.unwrap_or(defaults.num_inference_steps),
            guidance_scale: options.guidance_scale.unwrap_or(defaults.guidance_scale),
            guidance_interval: options.guidance_interval,
            format: target.format,
        }),
    };
    let ledger = target.folder.join(pipeline::LEDGER_FILE);
    let mut studio = Studio::open(StudioOptions {
        folder: &target.folder,
        existing: if options.force { Existing::Replace } else { Existing::Refuse },
        labeller: configuration.labeller(&target.folder)?,
        policy: configuration.policy()?,
        image_gate: configuration.image_gate(),
        strikes: configuration.image_safety.strikes,
        record: RecordOptions {
            account: options.account.clone().unwrap_or_else(identity::system_user),
            vault: configuration.vault(&ledger)?,
            stop_file: configuration.stop_file().to_owned(),
        },
    })?;
    for notice in studio.notices() {
        eprintln!("note / 提示: {notice}");
    }
    for left in &studio.recovery().left {
        eprintln!("left hidden / 未能处理的遗留文件: {}: {}", left.path.display(), left.reason);
    }
    for path in &studio.recovery().released {
        eprintln!("released after an interrupted run / 已放行上次中断的图片: {}", path.display());
    }
    let flag = interrupt::flag();
    stop_watch::start(Switch::of(&ledger, configuration.stop_file()), Arc::clone(&flag));
    let outcome = if options.enhance_prompt {
        studio.clear_enhanced(request, &folder, &mut || flag.load(Ordering::SeqCst))?
    } else {
        studio.clear(request)?
    };
    let cleared = match outcome {
        Outcome::Cleared(cleared) => cleared,
        Outcome::Refused(refused) => return Ok(refuse(&refused, options)),
    };
    for warning in studio.warnings() {
        eprintln!("warning / 警告: {warning}");
    }
    if options.enhance_prompt {
        eprintln!("enhanced prompt / 增强后的提示词: {}", spec::stage::Cleared::request(&*cleared).texts.prompt);
    }
    let model = LoadedModel::open(folder, &options.model, options.dtype, residency(options.count))?;
    let mut model = model.with_packed_weights(configuration.packed_folder());
    let bar = progress::steps(0);
    let mut observe = |now: Progress| {
        match now {
            Progress::Loading(component) => bar.set_message(format!("loading {component} / 加载中")),
            Progress::Encoding => bar.set_message("encoding / 编码提示词"),
            Progress::Step { done, total } => {
                bar.set_message("drawing / 绘制");
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            Progress::Decoding => bar.set_message("decoding / 解码"),
            _ => {}
        }
        if flag.load(Ordering::SeqCst) { Control::Stop } else { Control::Continue }
    };
    let mut withheld = 0_u32;
    let mut deliver = |delivery: Delivery| {
        bar.suspend(|| match &delivery {
            Delivery::Released(released) => tell(released, options),
            Delivery::Withheld(one) => tell_withheld(one, options),
        });
        withheld += u32::from(matches!(delivery, Delivery::Withheld(_)));
    };
    let result = studio.render(&mut model, &cleared, &target.names, &mut observe, &mut deliver);
    bar.finish_and_clear();
    result?;
    if withheld > 0 {
        eprintln!(
            "{withheld} of {} pictures withheld and not saved / {} 张图片中有 {withheld} 张被拦截，未保存",
            options.count, options.count
        );
        return Ok(Code::Refused.exit_code());
    }
    Ok(0)
}

/// Components stay in memory when several batches need them.
fn residency(count: u32) -> Residency {
    if count > 1 { Residency::Keep } else { Residency::OneAtATime }
}

fn tell(released: &Released, options: &GenerateOptions) {
    if options.json {
        println!("{}", json!(released));
    } else {
        println!("{}", released.path.display());
        eprintln!("  seed / 种子 {}  ProduceID {}  ledger entry / 账本条目 {}", released.seed, released.produce_id, released.ledger_index);
    }
    if released.screening.decision == ScreeningDecision::Review {
        eprintln!("  a person should look at this picture / 建议人工复核: {}", released.path.display());
    }
}

fn tell_withheld(withheld: &Withheld, options: &GenerateOptions) {
    if options.json {
        println!("{}", json!({"withheld": withheld}));
    }
    eprintln!("{}\n{}", withheld.chinese, withheld.english);
    eprintln!("  seed / 种子 {}  ledger entry / 账本条目 {}", withheld.seed, withheld.ledger_index);
    tell_suspended(withheld.suspended);
}

fn tell_suspended(suspended: Option<SuspensionCause>) {
    if suspended.is_some() {
        eprintln!("the account is suspended from now on / 该账户自此暂停使用");
    }
}

fn refuse(refused: &Refused, options: &GenerateOptions) -> u8 {
    let refusal = &refused.refusal;
    if options.json {
        println!(
            "{}",
            json!({"refused": refusal.verdict, "english": refusal.english, "chinese": refusal.chinese, "ledger_index": refused.ledger_index, "suspended": refused.suspended})
        );
    }
    eprintln!("{}\n{}", refusal.chinese, refusal.english);
    tell_suspended(refused.suspended);
    Code::Refused.exit_code()
}

/// Where pictures go.
struct Target {
    folder: PathBuf,
    names: Names,
    format: FileFormat,
}

impl Target {
    fn choose(options: &GenerateOptions) -> Result<Self, Failure> {
        let Some(out) = &options.out else {
            return Ok(Self {
                folder: DEFAULT_FOLDER.into(),
                names: Names::ByProduceId,
                format: options.format.unwrap_or(FileFormat::Png),
            });
        };
        let ending = out.extension().and_then(|ending| ending.to_str()).and_then(|ending| KindOfWork::Picture.format(ending).ok());
        if out.is_dir() || ending.is_none() {
            return Ok(Self { folder: out.clone(), names: Names::ByProduceId, format: options.format.unwrap_or(FileFormat::Png) });
        }
        if options.count > 1 {
            let message = "--count above 1 needs a folder for --out / 多张图片时 --out 应为文件夹";
            return Err(Failure::new(Code::InvalidRequest, message));
        }
        let name = out.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::new(Code::InvalidRequest, "--out is not a valid file name / --out 不是有效的文件名"))?;
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let format = options.format.or(ending).unwrap_or(FileFormat::Png);
        if ending != Some(format) {
            let message = format!("--out ends in another format than --format {format} / --out 的扩展名与 --format {format} 不一致");
            return Err(Failure::new(Code::InvalidRequest, message));
        }
        Ok(Self { folder: folder.to_owned(), names: Names::Given(name.to_owned()), format })
    }
}
