//! What a command that generates shows of its work: a bar, a line for each file, and what was withheld.

use crate::{interrupt, notes, progress};
use engine::Warning;
use engine::families::{Control, Progress};
use indicatif::ProgressBar;
use ledger::SuspensionCause;
use pipeline::{Error, Refused, Released, Settled, Watcher, Withheld};
use serde_json::json;
use spec::ScreeningDecision;
use spec::job::{JobId, JobItem};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches a worker for one person at one terminal.
pub struct Front {
    bar: ProgressBar,
    as_json: bool,
    /// How many artifacts were asked for.
    count: u32,
    settled: u32,
    withheld: u32,
    refused: bool,
    failure: Option<Error>,
    warnings: Vec<Warning>,
    interrupt: Arc<AtomicBool>,
    /// Whether a file without the invisible watermark is worth a word: a key for it is configured.
    pub wants_watermark: bool,
}

/// How a request ended.
#[derive(Debug, Default)]
pub struct Outcome {
    pub settled: u32,
    pub withheld: u32,
    pub refused: bool,
    pub failure: Option<Error>,
}

impl Front {
    /// For `count` artifacts; `interrupt` is what Ctrl-C sets.
    pub fn new(count: u32, as_json: bool, interrupt: Arc<AtomicBool>) -> Self {
        Self {
            bar: progress::steps(0),
            as_json,
            count,
            settled: 0,
            withheld: 0,
            refused: false,
            failure: None,
            warnings: Vec::new(),
            interrupt,
            wants_watermark: false,
        }
    }

    /// Takes the bar away and says how it ended.
    pub fn finish(self) -> Outcome {
        self.bar.finish_and_clear();
        Outcome { settled: self.settled, withheld: self.withheld, refused: self.refused, failure: self.failure }
    }

    fn which(&self) -> String {
        if self.count == 1 { String::new() } else { format!(" {} of {}", self.settled + 1, self.count) }
    }

    fn tell(&self, released: &Released) {
        if self.as_json {
            let mut line = json!(released);
            if !self.warnings.is_empty() {
                line["warnings"] = json!(self.warnings);
            }
            println!("{line}");
        } else {
            println!("{}", released.path.display());
            eprintln!(
                "  seed / 种子 {}  ProduceID {}  ledger entry / 账本条目 {}",
                released.seed, released.produce_id, released.ledger_index
            );
        }
        if self.wants_watermark && !released.watermarked {
            eprintln!(
                "  no invisible watermark: too small (below 128 pixels) or too busy for it, or not pixels / 未加隐形水印：图片过小（不足 128 像素）、过于繁杂，或不是图片: {}",
                released.path.display()
            );
        }
        if released.screening.decision == ScreeningDecision::Review {
            eprintln!("  a person should look at this / 建议人工复核: {}", released.path.display());
        }
    }

    fn tell_withheld(&self, withheld: &Withheld) {
        if self.as_json {
            println!("{}", json!({"withheld": withheld}));
        }
        eprintln!("{}\n{}", withheld.chinese, withheld.english);
        eprintln!("  seed / 种子 {}  ledger entry / 账本条目 {}", withheld.seed, withheld.ledger_index);
        tell_suspended(withheld.suspended);
    }
}

impl Watcher for Front {
    fn progress(&mut self, progress: Progress) -> Control {
        match progress {
            Progress::Loading(component) => self.bar.set_message(format!("loading {component} / 加载中")),
            Progress::Encoding => self.bar.set_message("encoding / 编码提示词"),
            Progress::Step { done, total } => {
                self.bar.set_message(format!("generating{} / 生成", self.which()));
                self.bar.set_length(total as u64);
                self.bar.set_position(done as u64);
            }
            Progress::Decoding => self.bar.set_message("decoding / 解码"),
            _ => {}
        }
        // The first Ctrl-C lets what is mostly done be finished; the second ends the process.
        let mostly_done = match progress {
            Progress::Step { done, total } => 2 * done >= total,
            Progress::Decoding => true,
            _ => false,
        };
        let stops = interrupt::is_final(&self.interrupt) || (self.interrupt.load(Ordering::SeqCst) && !mostly_done);
        if stops { Control::Stop } else { Control::Continue }
    }

    fn goes_on(&mut self) -> bool {
        self.failure.is_none() && !self.interrupt.load(Ordering::SeqCst)
    }

    fn warned(&mut self, _: JobId, warnings: &[Warning]) {
        // Each batch of a job has the same.
        if self.warnings.is_empty() {
            self.bar.suspend(|| warnings.iter().for_each(|warning| notes::warn(warning.code(), warning)));
            self.warnings = warnings.to_vec();
        }
    }

    fn settled(&mut self, _: JobItem, settled: &Settled) {
        self.bar.suspend(|| match settled {
            Settled::Released(released) => self.tell(released),
            Settled::Withheld(withheld) => self.tell_withheld(withheld),
            Settled::AlreadyRecorded(id) => eprintln!("recorded before / 先前已记录: {id}"),
        });
        self.settled += 1;
        self.withheld += u32::from(matches!(settled, Settled::Withheld(_)));
    }

    fn refused(&mut self, _: JobId, refused: &Refused) {
        self.bar.suspend(|| tell_refused(refused, self.as_json));
        self.refused = true;
    }

    fn failed(&mut self, _: JobId, error: Error) {
        self.failure = Some(error);
    }
}

/// Says why a request was refused.
pub fn tell_refused(refused: &Refused, as_json: bool) {
    let refusal = &refused.refusal;
    if as_json {
        println!(
            "{}",
            json!({"refused": refusal.verdict, "english": refusal.english, "chinese": refusal.chinese, "ledger_index": refused.ledger_index, "suspended": refused.suspended})
        );
    }
    eprintln!("{}\n{}", refusal.chinese, refusal.english);
    tell_suspended(refused.suspended);
}

fn tell_suspended(suspended: Option<SuspensionCause>) {
    if suspended.is_some() {
        eprintln!("the account is suspended from now on / 该账户自此暂停使用");
    }
}
