//! The report on a stop (生成式人工智能服务管理暂行办法, article 14), from the ledger alone.

use crate::failure::Failure;
use ledger::{Decision, Entry, Ledger, Record};
use spec::{Code, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// What is looked at before the stop.
const DAY: u64 = 86_400_000;
/// China Standard Time.
const EIGHT_HOURS: u64 = 8 * 3_600_000;

/// What happened in a part of the ledger.
#[derive(Default)]
struct Counts {
    pictures: u64,
    unlabelled: u64,
    refusals: u64,
    withheld: u64,
    copies: u64,
    accounts: BTreeSet<String>,
    models: BTreeMap<String, u64>,
    classes: BTreeMap<String, u64>,
    withheld_classes: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, entry: &Entry) {
        let account = entry.personal.as_ref().and_then(|personal| personal.account.clone());
        match &entry.record {
            Record::Produced(produced) => {
                self.pictures += 1;
                *self.models.entry(format!("{}（{}）", produced.model.name, produced.model.sha256)).or_default() += 1;
            }
            Record::Delivered(_) => self.unlabelled += 1,
            Record::Refused(refused) => {
                self.refusals += 1;
                if let spec::Verdict::Refuse { reasons, .. } = &refused.verdict {
                    for class in reasons.iter().map(|reason| &reason.class).collect::<BTreeSet<_>>() {
                        *self.classes.entry(class.clone()).or_default() += 1;
                    }
                }
            }
            Record::Withheld(withheld) => {
                self.withheld += 1;
                for class in withheld.screening.blocking_classes() {
                    *self.withheld_classes.entry(class.to_owned()).or_default() += 1;
                }
            }
            Record::Relabelled(_) => self.copies += 1,
            _ => return,
        }
        self.accounts.extend(account);
    }
}

/// The report on the latest stop of the ledger in the file `path`.
pub fn write(ledger: &Ledger, path: &Path) -> Result<String, Failure> {
    let switches = ledger.switches()?;
    let Some(first) = first_of_latest(&switches) else {
        return Err(Failure::new(Code::InvalidRequest, "generation was never stopped / 生成服务从未停用"));
    };
    let mut episode: Vec<&Entry> = switches.iter().filter(|entry| entry.index >= first.index).collect();
    episode.reverse();
    let ended = episode.iter().find(|entry| matches!(entry.record, Record::Resumed(_)));
    let length = ledger.length()?;
    let (mut before, mut after, mut last) = (Counts::default(), Counts::default(), None);
    for index in (0..first.index).rev() {
        let Some(entry) = ledger.entry(index)? else { break };
        if entry.time.0.saturating_add(DAY) < first.time.0 {
            break;
        }
        last = last.or_else(|| entry.produced().map(|produced| (produced.produce_id, entry.index, entry.time)));
        before.add(&entry);
    }
    let end = ended.map_or(length, |entry| entry.index);
    for index in first.index..end {
        if let Some(entry) = ledger.entry(index)? {
            after.add(&entry);
        }
    }
    let hidden = hidden_files(path);
    let head = ledger.head();
    let decision = decision(first);

    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").map_err(|error| Failure::new(Code::Internal, error));
    line(format_args!("# 生成服务停用处置报告\n"))?;
    line(format_args!(
        "本报告由丹青自账本记录自动生成，供《生成式人工智能服务管理暂行办法》第十四条所要求的处置与报告使用；未经核对法规原文，不构成合规声明。标注“待填写”的事项不在系统记录之内，须由责任人补充。\n"
    ))?;
    line(format_args!("## 一、基本情况\n\n| 事项 | 内容 |\n|---|---|"))?;
    line(format_args!("| 停用时间 | {} |", both(first.time)))?;
    line(format_args!("| 决定人 | {} |", cell(&decision.officer)))?;
    line(format_args!("| 停用原因 | {} |", cell(&decision.reason)))?;
    match ended {
        Some(entry) => line(format_args!("| 当前状态 | 已于 {} 恢复 |", both(entry.time)))?,
        None => line(format_args!("| 当前状态 | 停用中 |"))?,
    }
    line(format_args!("| 账本 | {} |", cell(&path.display().to_string())))?;
    line(format_args!("| 账本检查点 | 共 {} 条，树根 {} |", head.size, head.root))?;
    line(format_args!("\n## 二、处置经过\n\n| 时间 | 账本条目 | 处置 | 决定人 | 原因 |\n|---|---|---|---|---|"))?;
    for entry in &episode {
        let (what, decision) = (if matches!(entry.record, Record::Stopped(_)) { "停用" } else { "恢复" }, self::decision(entry));
        let (time, officer, reason) = (both(entry.time), cell(&decision.officer), cell(&decision.reason));
        line(format_args!("| {time} | {} | {what} | {officer} | {reason} |", entry.index))?;
    }
    line(format_args!("\n## 三、影响范围（停用前 24 小时）\n\n| 事项 | 数量 |\n|---|---|"))?;
    line(format_args!("| 已生成并带标识的图片 | {} |", before.pictures))?;
    line(format_args!("| 依申请提供的不含显式标识副本 | {} |", before.unlabelled))?;
    line(format_args!("| 转换或传播的文件 | {} |", before.copies))?;
    line(format_args!("| 被拒绝的请求 | {} |", before.refusals))?;
    line(format_args!("| 被图片审核拦截的图片 | {} |", before.withheld))?;
    line(format_args!("| 涉及账户（按假名去重） | {} |", before.accounts.len()))?;
    for (model, count) in &before.models {
        line(format_args!("| 模型 {} | {count} |", cell(model)))?;
    }
    for (class, count) in &before.classes {
        line(format_args!("| 拒绝类别 {} | {count} |", cell(class)))?;
    }
    for (class, count) in &before.withheld_classes {
        line(format_args!("| 拦截类别 {} | {count} |", cell(class)))?;
    }
    match last {
        Some((id, index, time)) => line(format_args!("\n停用前最后一张图片：{id}（账本条目 {index}，{}）。", both(time)))?,
        None => line(format_args!("\n停用前 24 小时内无图片记录。"))?,
    }
    line(format_args!("\n## 四、停用效果\n\n| 事项 | 数量 |\n|---|---|"))?;
    line(format_args!("| 停用期间记录的图片 | {} |", after.pictures + after.unlabelled))?;
    line(format_args!("| 停用期间转换或传播的文件 | {} |", after.copies))?;
    line(format_args!("| 停用期间记录的拒绝 | {} |", after.refusals))?;
    line(format_args!("| 已记录但未放行（隐藏）的文件 | {hidden} |"))?;
    line(format_args!("\n## 五、已采取的措施\n"))?;
    line(format_args!("1. 自账本条目 {} 起停止生成、停止转换与传播、停止放行；账本拒绝在停用期间登记任何图片。", first.index))?;
    let measures = episode.iter().flat_map(|entry| &self::decision(entry).measures);
    for (number, measure) in (2..).zip(measures) {
        line(format_args!("{number}. {}", measure.replace('\n', " ")))?;
    }
    line(format_args!("\n## 六、待填写事项\n\n| 事项 | 依据 | 内容 |\n|---|---|---|"))?;
    line(format_args!("| 违法内容的认定及涉及的图片编号 | 暂行办法第十四条第一款 | 待填写 |"))?;
    line(format_args!("| 停止传输、消除的完成情况 | 暂行办法第十四条第一款 | 待填写 |"))?;
    line(format_args!("| 模型优化训练等整改措施及完成时间 | 暂行办法第十四条第一款 | 待填写 |"))?;
    line(format_args!("| 向有关主管部门报告的机关、时间、方式 | 暂行办法第十四条 | 待填写 |"))?;
    line(format_args!("| 对违法使用者的警示、限制、暂停或终止服务 | 暂行办法第十四条第二款 | 待填写 |"))?;
    line(format_args!(
        "\n## 七、核验方法\n\n`danqing ledger verify` 校验账本；`danqing ledger prove {}` 出具停用记录的证明。",
        first.index
    ))?;
    Ok(text)
}

/// The stop that began the latest episode: the first after the latest end before it. `switches` has the latest first.
fn first_of_latest(switches: &[Entry]) -> Option<&Entry> {
    let stops = switches.iter().skip_while(|entry| matches!(entry.record, Record::Resumed(_)));
    stops.take_while(|entry| matches!(entry.record, Record::Stopped(_))).last()
}

fn decision(entry: &Entry) -> &Decision {
    static NONE: Decision = Decision { officer: String::new(), reason: String::new(), measures: Vec::new() };
    match &entry.record {
        Record::Stopped(decision) | Record::Resumed(decision) => decision,
        _ => &NONE,
    }
}

fn hidden_files(ledger: &Path) -> usize {
    let folder = ledger.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.strip_suffix(".part").is_some_and(|stem| stem.starts_with(".danqing-"))).count()
}

/// UTC and Beijing time.
fn both(time: Timestamp) -> String {
    let local = Timestamp(time.0.saturating_add(EIGHT_HOURS)).to_rfc3339();
    format!("{}（北京时间 {}）", time.to_rfc3339(), local.get(..19).unwrap_or_default().replace('T', " "))
}

/// A text as a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}
