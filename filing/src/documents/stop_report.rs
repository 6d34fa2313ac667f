//! The report on a stop (生成式人工智能服务管理暂行办法, article 14), from the ledger alone.

use super::kinds;
use crate::document::GAP;
use crate::records::{beijing_time, file_name};
use crate::{Document, Error};
use ledger::{Decision, Entry, Ledger, Record};
use spec::{KindOfWork, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is looked at before the stop, in milliseconds.
const DAY: u64 = 86_400_000;

/// What the report is made from.
pub struct Stop<'a> {
    /// The ledger that holds the stop.
    pub ledger: &'a Ledger,
    /// Its file, for naming it.
    pub path: &'a Path,
    /// Files that were recorded but not released.
    pub hidden_files: usize,
}

/// What happened in a part of the ledger.
#[derive(Default)]
struct Counts {
    labelled: BTreeMap<KindOfWork, u64>,
    unlabelled: u64,
    refusals: u64,
    withheld: u64,
    derived: u64,
    accounts: BTreeSet<String>,
    models: BTreeMap<String, u64>,
    refused_classes: BTreeMap<String, u64>,
    withheld_classes: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, entry: &Entry) {
        let account = entry.personal.as_ref().and_then(|personal| personal.account.clone());
        match &entry.record {
            Record::Produced(produced) => {
                *self.labelled.entry(produced.request.asked.kind()).or_default() += 1;
                *self.models.entry(format!("{}（{}）", produced.model.name, produced.model.sha256)).or_default() += 1;
            }
            Record::Delivered(_) => self.unlabelled += 1,
            Record::Refused(refused) => {
                self.refusals += 1;
                if let Verdict::Refuse { reasons, .. } = &refused.verdict {
                    for class in reasons.iter().map(|reason| &reason.class).collect::<BTreeSet<_>>() {
                        *self.refused_classes.entry(class.clone()).or_default() += 1;
                    }
                }
            }
            Record::Withheld(withheld) => {
                self.withheld += 1;
                for class in withheld.screening.blocking_classes() {
                    *self.withheld_classes.entry(class.to_owned()).or_default() += 1;
                }
            }
            Record::Relabelled(_) => self.derived += 1,
            _ => return,
        }
        self.accounts.extend(account);
    }
}

/// A stop and what belongs to it.
struct Episode {
    /// The entry that began it.
    first: Entry,
    /// Stops and the end, the earliest first.
    switches: Vec<Entry>,
    /// The day before it.
    before: Counts,
    /// From its beginning to its end, or to the last entry.
    during: Counts,
    /// The last file before it.
    last_file: Option<String>,
}

impl Episode {
    fn read(ledger: &Ledger) -> Result<Self, Error> {
        let all = ledger.switches()?;
        let first = first_of_latest(&all).ok_or(Error::NeverStopped)?.clone();
        let mut switches: Vec<Entry> = all.into_iter().filter(|entry| entry.index >= first.index).collect();
        switches.reverse();
        let mut episode = Self { first, switches, before: Counts::default(), during: Counts::default(), last_file: None };
        for index in (0..episode.first.index).rev() {
            let Some(entry) = ledger.entry(index)? else { break };
            if entry.time.0.saturating_add(DAY) < episode.first.time.0 {
                break;
            }
            if let (None, Some(picture)) = (&episode.last_file, entry.produced()) {
                let (id, time) = (picture.produce_id, beijing_time(entry.time));
                episode.last_file = Some(format!("{id}（账本条目 {}，{time}）", entry.index));
            }
            episode.before.add(&entry);
        }
        let end = episode.end().map_or(ledger.length()?, |entry| entry.index);
        for index in episode.first.index..end {
            if let Some(entry) = ledger.entry(index)? {
                episode.during.add(&entry);
            }
        }
        Ok(episode)
    }

    fn end(&self) -> Option<&Entry> {
        self.switches.iter().find(|entry| matches!(entry.record, Record::Resumed(_)))
    }
}

/// The report on the latest stop; an error where there was none.
pub fn stop_report(stop: &Stop<'_>) -> Result<Document, Error> {
    let episode = Episode::read(stop.ledger)?;
    let document = Document::new("", "停用处置报告", "生成服务停用处置报告")
        .subtitle(beijing_time(episode.first.time))
        .text("本报告由丹青自账本记录自动生成，供《生成式人工智能服务管理暂行办法》第十四条所要求的处置与报告使用；未经核对法规原文，不构成合规声明。标【待补】的事项不在系统记录之内，须由责任人补充。")
        .heading("基本情况")
        .table(&[("事项", 30), ("内容", 70)], basics(stop, &episode))
        .heading("处置经过")
        .table(&[("时间", 30), ("账本条目", 12), ("处置", 10), ("决定人", 16), ("原因", 32)], course(&episode))
        .heading("影响范围（停用前 24 小时）")
        .table(&[("事项", 75), ("数量", 25)], extent(&episode.before))
        .text(match &episode.last_file {
            Some(picture) => format!("停用前最后一个文件：{picture}。"),
            None => "停用前 24 小时内无生成记录。".to_owned(),
        })
        .heading("停用效果")
        .table(&[("事项", 75), ("数量", 25)], effect(&episode.during, stop.hidden_files))
        .heading("已采取的措施");
    let first = format!("自账本条目 {} 起停止生成、停止转换与传播、停止放行；账本拒绝在停用期间登记任何文件。", episode.first.index);
    let measures = episode.switches.iter().flat_map(|entry| &decision(entry).measures).map(|measure| measure.replace('\n', " "));
    let measures = std::iter::once(first).chain(measures).zip(1..).map(|(measure, number)| format!("{number}. {measure}"));
    let proof = format!("账本的校验命令为 danqing ledger verify；停用记录的证明由 danqing ledger prove {} 出具。", episode.first.index);
    Ok(measures
        .fold(document, Document::text)
        .heading("待补事项")
        .table(&[("事项", 46), ("依据", 32), ("内容", 22)], open_questions())
        .heading("核验方法")
        .text(proof))
}

fn basics(stop: &Stop<'_>, episode: &Episode) -> Vec<Vec<String>> {
    let decision = decision(&episode.first);
    let head = stop.ledger.head();
    let state = episode.end().map_or_else(|| "停用中".to_owned(), |entry| format!("已于 {} 恢复", beijing_time(entry.time)));
    lines([
        ("停用时间", beijing_time(episode.first.time)),
        ("决定人", decision.officer.clone()),
        ("停用原因", decision.reason.clone()),
        ("当前状态", state),
        ("账本", file_name(stop.path)),
        ("账本检查点", format!("共 {} 条，树根 {}", head.size, head.root)),
    ])
}

fn course(episode: &Episode) -> Vec<Vec<String>> {
    let line = |entry: &Entry| {
        let what = if matches!(entry.record, Record::Stopped(_)) { "停用" } else { "恢复" };
        let Decision { officer, reason, .. } = decision(entry);
        vec![beijing_time(entry.time), entry.index.to_string(), what.to_owned(), officer.clone(), reason.clone()]
    };
    episode.switches.iter().map(line).collect()
}

fn extent(counts: &Counts) -> Vec<Vec<String>> {
    let mut rows = lines([
        ("已生成并带标识的文件", counts.labelled.values().sum()),
        ("依申请提供的不含显式标识副本", counts.unlabelled),
        ("转换或传播的文件", counts.derived),
        ("被拒绝的请求", counts.refusals),
        ("被审核拦截的文件", counts.withheld),
        ("涉及账户（按假名去重）", counts.accounts.len() as u64),
    ]);
    rows.extend(counts.labelled.iter().map(|(kind, count)| vec![format!("其中：{}", kind.chinese()), count.to_string()]));
    rows.extend(counts.models.iter().map(|(model, count)| vec![format!("模型 {model}"), count.to_string()]));
    let classes = |what: &str, counts: &BTreeMap<String, u64>| -> Vec<Vec<String>> {
        counts.iter().map(|(class, count)| vec![format!("{what}类别 {}", kinds::risk(class)), count.to_string()]).collect()
    };
    rows.extend(classes("拒绝", &counts.refused_classes));
    rows.extend(classes("拦截", &counts.withheld_classes));
    rows
}

fn effect(counts: &Counts, hidden_files: usize) -> Vec<Vec<String>> {
    lines([
        ("停用期间记录的文件", counts.labelled.values().sum::<u64>() + counts.unlabelled),
        ("停用期间转换或传播的文件", counts.derived),
        ("停用期间记录的拒绝", counts.refusals),
        ("已记录但未放行（隐藏）的文件", hidden_files as u64),
    ])
}

fn open_questions() -> Vec<Vec<String>> {
    let rows = [
        ("违法内容的认定及涉及的内容编号", "暂行办法第十四条第一款"),
        ("停止传输、消除的完成情况", "暂行办法第十四条第一款"),
        ("模型优化训练等整改措施及完成时间", "暂行办法第十四条第一款"),
        ("向有关主管部门报告的机关、时间、方式", "暂行办法第十四条"),
        ("对违法使用者的警示、限制、暂停或终止服务", "暂行办法第十四条第二款"),
    ];
    rows.map(|(item, clause)| vec![item.to_owned(), clause.to_owned(), GAP.to_owned()]).to_vec()
}

fn lines<T: ToString, const N: usize>(rows: [(&str, T); N]) -> Vec<Vec<String>> {
    rows.map(|(item, value)| vec![item.to_owned(), value.to_string()]).to_vec()
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
