//! `danqing generate`: pictures from a prompt.

mod options;
mod target;

pub use options::{Options, picture_format};
pub use target::Target;

use crate::failure::Failure;
use crate::front::{Front, tell_refused};
use crate::made::tell_made;
use crate::{identity, interrupt, notes, stop_watch};
use engine::ModelDefaults;
use engine::families::Residency;
use installation::{Configuration, FirstUse, Parts, PartsOptions};
use ledger::Account;
use pipeline::{JobTerms, Order, Submission, Switch};
use spec::job::Priority;
use spec::{Asked, Code, KindOfWork, PictureRequest, Request, Run, Texts};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store::Existing;

pub fn run(options: &Options, configuration: &Configuration) -> Result<u8, Failure> {
    let target = Target::choose(KindOfWork::Picture, options.out.as_deref(), options.format, options.count)?;
    let request = request(options, &target)?;
    let residency = residency(options.count);
    generate(
        configuration,
        &Asking { target: &target, force: options.force, account: options.account.as_deref(), as_json: options.json, residency },
        |parts, account, stop| {
            if !options.enhance_prompt {
                return Ok(Ok(request));
            }
            let folder = installation::find_model(&options.model)?;
            let enhanced = parts.admission.enhance(account, request, &folder, stop)?;
            if let Ok(request) = &enhanced {
                eprintln!("enhanced prompt / 增强后的提示词: {}", request.texts.prompt);
            }
            Ok(enhanced)
        },
    )
}

/// For whom a command generates, and where to.
pub struct Asking<'a> {
    pub target: &'a Target,
    pub force: bool,
    pub account: Option<&'a str>,
    pub as_json: bool,
    pub residency: Residency,
}

/// Puts a request through admission, queue, worker and chain in this process, and shows what becomes of it. `prepare` has the last word on
/// the request, or hands back its refusal.
pub fn generate(
    configuration: &Configuration,
    asking: &Asking<'_>,
    prepare: impl FnOnce(&Parts, &Account, &mut dyn FnMut() -> bool) -> Result<Result<Request, Box<pipeline::Refused>>, Failure>,
) -> Result<u8, Failure> {
    let target = asking.target;
    let account = Account::new(&asking.account.map_or_else(identity::system_user, str::to_owned))?;
    let mut first_use = FirstUse::of(configuration, &target.folder)?;
    let existing = if asking.force { Existing::Replace } else { Existing::Refuse };
    let ledger = configuration.ledger_of(&target.folder);
    let options = PartsOptions { folder: &target.folder, ledger: &ledger, existing, residency: asking.residency };
    let mut parts = configuration.parts(options)?;
    tell_made(&mut first_use);
    for path in &parts.chain.recovery().released {
        eprintln!("released after an interrupted run / 已放行上次中断的文件: {}", path.display());
    }
    for left in &parts.chain.recovery().left {
        eprintln!("left hidden / 未能处理的遗留文件: {}: {}", left.path.display(), left.reason);
    }
    for notice in parts.ledger.notices() {
        notes::note(notice);
    }
    parts.chain.check_names(&target.names, target.format)?;
    let flag = interrupt::flag();
    stop_watch::start(Switch::of(&ledger, configuration.stop_file()), Arc::clone(&flag));
    let request = match prepare(&parts, &account, &mut || flag.load(Ordering::SeqCst))? {
        Ok(request) => request,
        Err(refused) => {
            tell_refused(&refused, asking.as_json);
            return Ok(Code::Refused.exit_code());
        }
    };
    let (count, kind) = (request.count, request.asked.kind());
    // Somebody waits; what fails once fails for a reason that another attempt does not mend.
    let terms = JobTerms { priority: Priority::INTERACTIVE, maximum_attempts: 1 };
    let order = Order { request, names: target.names.clone() };
    if let Submission::Refused(refused) = parts.admission.submit(&account, &order, terms)? {
        tell_refused(&refused, asking.as_json);
        return Ok(Code::Refused.exit_code());
    }
    for warning in parts.admission.warnings() {
        notes::warn(warning.code(), warning);
    }
    let mut front = Front::new(count, asking.as_json, flag);
    front.wants_watermark = configuration.watermark_key.is_some();
    let worked = parts.worker.run(&mut front);
    let outcome = front.finish();
    worked?;
    if let Some(error) = outcome.failure {
        return Err(error.into());
    }
    if outcome.refused {
        return Ok(Code::Refused.exit_code());
    }
    if outcome.settled < count {
        let done = outcome.settled;
        let message = format!("{done} of {count} are finished and kept / 共 {count} 个，已完成并保留 {done} 个");
        return Err(Failure::new(Code::Interrupted, message));
    }
    if outcome.withheld > 0 {
        let withheld = outcome.withheld;
        eprintln!("{withheld} of {count} {kind}s withheld and not saved / {count} 个{}中有 {withheld} 个被拦截，未保存", kind.chinese());
        return Ok(Code::Refused.exit_code());
    }
    Ok(0)
}

fn request(options: &Options, target: &Target) -> Result<Request, Failure> {
    let folder = installation::find_model(&options.model)?;
    let defaults = ModelDefaults::read(&folder)?;
    Ok(Request {
        model: options.model.clone(),
        texts: Texts { prompt: prompt(&options.prompt)?, negative_prompt: options.negative_prompt.clone(), ..Texts::default() },
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
    })
}

/// The prompt as given, from standard input (`-`), or from a file (`@FILE`); without the line's end that editors leave.
fn prompt(given: &std::ffi::OsStr) -> Result<String, Failure> {
    let text =
        given.to_str().ok_or_else(|| Failure::new(Code::InvalidRequest, "the prompt is not valid UTF-8 / 提示词不是有效的 UTF-8 文本"))?;
    let read = match (text, text.strip_prefix('@')) {
        ("-", _) => {
            let mut read = String::new();
            std::io::stdin().read_to_string(&mut read).map_err(|error| Failure::reading(Path::new("-"), &error))?;
            read
        }
        (_, Some(path)) if !path.is_empty() => {
            let bytes = pipeline::read_user_file(Path::new(path), MOST_PROMPT_BYTES)?;
            String::from_utf8(bytes)
                .map_err(|_| Failure::new(Code::InvalidRequest, format!("{path} is not text in UTF-8 / {path} 不是 UTF-8 文本")))?
        }
        _ => return Ok(text.to_owned()),
    };
    Ok(read.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']).to_owned())
}

/// Longest file of a prompt: far above the 2,000 characters that are accepted, in any script.
const MOST_PROMPT_BYTES: u64 = 64 << 10;

/// Components stay in memory when several batches need them.
fn residency(count: u32) -> Residency {
    if count > 1 { Residency::Keep } else { Residency::OneAtATime }
}
