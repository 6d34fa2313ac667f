use crate::checkpoint::{head_text, parse_head};
use crate::entry::{Entry, open_row};
use crate::findable::Findable;
use crate::log::check_continues;
use crate::merkle::Frontier;
use crate::seals::Seals;
use crate::vault::Vault;
use crate::{Checkpoint, Discrepancy, Error, KeyFiles, Result};
use spec::{LogStorage, Sha256Digest};
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

/// Discrepancies that a report's text names one by one; after a change to many rows the first say enough.
const NAMED: usize = 8;

/// What is wrong with a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is none at this index.
    Missing,
    /// Its bytes do not have the hash kept beside them.
    Hash,
    /// Its hash is right but it is not the JSON that this ledger writes.
    Json,
    /// It says that it belongs elsewhere.
    Index,
    /// The storage keeps it under another key.
    Key,
}

/// The first faulty leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafFault {
    /// Its index.
    pub index: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// How the saved head stands to the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Head {
    /// It covers all leaves and agrees with them.
    Matches,
    /// It agrees with the first `size` leaves. A crash between a leaf and its head leaves this; opening the ledger mends it.
    Behind {
        /// Leaves that it covers.
        size: u64,
    },
    /// It covers more leaves than there are: the last ones were removed.
    Ahead {
        /// Leaves that it covers.
        size: u64,
    },
    /// Its root is not that of the leaves: it, or a leaf together with its hash, was changed.
    Differs,
    /// It is not a head that this ledger writes.
    Damaged,
    /// There are leaves, but no head.
    Missing,
    /// Not compared, because a leaf before its end is faulty.
    Unchecked,
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Number of leaves in the storage.
    pub length: u64,
    /// Leaves from the beginning on that are in order.
    pub checked: u64,
    /// The first leaf that is not.
    pub fault: Option<LeafFault>,
    /// The saved head.
    pub head: Head,
    /// Root over the `checked` leaves.
    pub root: Sha256Digest,
    /// What lies beside the leaves and does not agree with them.
    pub discrepancies: Vec<Discrepancy>,
    /// Size of the last signed checkpoint, where one lay beside the key and the leaves continue it.
    pub continues: Option<u64>,
    /// Sealed records that were opened with the record key.
    pub opened: u64,
}

/// What lies beside a ledger and speaks of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// The file of the record key: every sealed field is opened with it.
    pub record_key: Option<&'a Path>,
    /// Where the signing key and the checkpoint that it signed last lie: the ledger must continue that one.
    pub keys: Option<&'a KeyFiles>,
}

impl Report {
    /// Whether the ledger verifies.
    pub fn is_sound(&self) -> bool {
        self.fault.is_none() && matches!(self.head, Head::Matches | Head::Behind { .. }) && self.discrepancies.is_empty()
    }
}

/// Recomputes every leaf and hash of the log in `storage`, and compares with them the saved head, keys and tags row by row, the keys of
/// sealed records, and the storage's own guards. Writes nothing. An error only if the storage cannot be read.
pub fn verify(storage: &dyn LogStorage) -> Result<Report> {
    verify_with(storage, None)
}

/// Does what [`verify`] does, and compares what lies beside the ledger as well.
pub fn verify_against(storage: &dyn LogStorage, evidence: Evidence<'_>) -> Result<Report> {
    let vault = evidence.record_key.map(|path| Vault::to_read(storage, path)).transpose();
    let (vault, foreign) = match vault {
        Ok(vault) => (vault, None),
        Err(Error::RecordKeyOfAnother { key }) => (None, Some(Discrepancy::RecordKeyForeign { key })),
        Err(error) => return Err(error),
    };
    let mut hashes = Vec::new();
    let mut report = walk(storage, vault.as_ref(), &mut |hash| hashes.push(hash))?;
    report.discrepancies.extend(foreign);
    let last = evidence.keys.map(KeyFiles::last_signed).transpose();
    match last.map(Option::flatten) {
        Ok(Some(old)) => match check_continues(&hashes, old, Checkpoint { size: report.checked, root: report.root }) {
            Ok(()) => report.continues = Some(old.size),
            // A leaf that was changed is told already, and hides what comes after it.
            Err(_) if report.fault.is_some() => {}
            Err(error) => report.discrepancies.push(Discrepancy::Signed(error.to_string())),
        },
        Ok(None) => {}
        Err(error @ Error::File { .. }) => return Err(error),
        Err(error) => report.discrepancies.push(Discrepancy::Signed(error.to_string())),
    }
    Ok(report)
}

pub(crate) fn verify_with(storage: &dyn LogStorage, vault: Option<&Vault>) -> Result<Report> {
    walk(storage, vault, &mut |_| {})
}

/// Verifies, and shows the hash of each leaf in order.
pub(crate) fn walk(storage: &dyn LogStorage, vault: Option<&Vault>, seen: &mut dyn FnMut(Sha256Digest)) -> Result<Report> {
    // Head first: leaves that another process appends meanwhile then only make it look behind.
    let text = storage.head()?;
    let length = storage.length()?;
    let saved = text.as_deref().map(parse_head);
    let saved_size = saved.as_ref().and_then(Option::as_ref).map(Frontier::size);
    let mut seals = Seals::read(storage, vault)?;
    let mut tags = HashSet::new();
    let mut frontier = Frontier::default();
    let mut at_saved = (saved_size == Some(0)).then(|| head_text(&frontier));
    let mut fault = None;
    while frontier.size() < length && fault.is_none() {
        let index = frontier.size();
        match check_leaf(storage, index)? {
            Ok(Leaf { hash, entry, tags: own }) => {
                frontier.push(hash);
                seen(hash);
                seals.check(&entry);
                tags.extend(own.into_iter().map(|tag| (tag, index)));
            }
            Err(problem) => fault = Some(LeafFault { index, problem }),
        }
        if fault.is_none() && saved_size == Some(frontier.size()) {
            at_saved = Some(head_text(&frontier));
        }
    }
    let head = match (saved, saved_size) {
        (None, _) if length == 0 => Head::Matches,
        (None, _) => Head::Missing,
        (Some(_), None) => Head::Damaged,
        (Some(_), Some(size)) if size > length => Head::Ahead { size },
        (Some(_), Some(size)) => match at_saved {
            None => Head::Unchecked,
            Some(_) if at_saved != text => Head::Differs,
            Some(_) if size < length => Head::Behind { size },
            Some(_) => Head::Matches,
        },
    };
    let mut discrepancies: Vec<_> = storage.faults()?.into_iter().map(Discrepancy::Storage).collect();
    // What belongs to the leaves after a faulty one is not known.
    let mut opened = 0;
    if fault.is_none() {
        compare_tags(storage, tags, length, &mut discrepancies)?;
        opened = seals.opened();
        discrepancies.extend(seals.finish());
    }
    let (checked, root) = (frontier.size(), frontier.root());
    Ok(Report { length, checked, fault, head, root, discrepancies, continues: None, opened })
}

/// A leaf that is in order.
struct Leaf {
    hash: Sha256Digest,
    entry: Entry,
    tags: Vec<String>,
}

fn check_leaf(storage: &dyn LogStorage, index: u64) -> Result<Result<Leaf, Problem>> {
    let Some(row) = storage.leaf(index)? else { return Ok(Err(Problem::Missing)) };
    let Some((hash, leaf)) = open_row(&row) else { return Ok(Err(Problem::Hash)) };
    let (Some(entry), Some(findable)) = (Entry::from_leaf(leaf), Findable::read(leaf)) else { return Ok(Err(Problem::Json)) };
    if entry.index != index {
        return Ok(Err(Problem::Index));
    }
    let key = findable.key();
    // Both ways: an index of the storage may disagree with its own rows.
    if storage.find(&key)? != Some(index) || storage.key(index)?.as_ref() != Some(&key) {
        return Ok(Err(Problem::Key));
    }
    Ok(Ok(Leaf { hash, entry, tags: findable.tags() }))
}

/// The storage's tags must be those of the leaves, no fewer and no more.
fn compare_tags(
    storage: &dyn LogStorage,
    mut expected: HashSet<(String, u64)>,
    length: u64,
    discrepancies: &mut Vec<Discrepancy>,
) -> Result<()> {
    let mut foreign = Vec::new();
    storage.visit_tags(&mut |tag, index| {
        let row = (tag.to_owned(), index);
        if !expected.remove(&row) {
            foreign.push(row);
        }
    })?;
    // Those of leaves that another process appended meanwhile are not known here.
    let now = storage.length()?;
    foreign.retain(|(_, index)| *index < length || *index >= now);
    let mut missing: Vec<_> = expected.into_iter().collect();
    missing.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    discrepancies.extend(missing.into_iter().map(|(tag, index)| Discrepancy::TagMissing { tag, index }));
    discrepancies.extend(foreign.into_iter().map(|(tag, index)| Discrepancy::TagForeign { tag, index }));
    Ok(())
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "is missing / 缺失",
            Self::Hash => "was changed: its bytes do not have the recorded hash / 被改动：内容与所记哈希不符",
            Self::Json => "is not a leaf of this format / 不符合叶的格式",
            Self::Index => "says that it belongs elsewhere / 所记序号不符",
            Self::Key => "is kept under another key / 存储所用的键不符",
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matches => formatter.write_str("the head matches / 树头相符"),
            Self::Behind { size } => write!(formatter, "the head matches the first {size} leaves / 树头与前 {size} 叶相符"),
            Self::Ahead { size } => {
                write!(formatter, "the head covers {size} leaves: the last ones were removed / 树头覆盖 {size} 叶：末尾的叶被删除")
            }
            Self::Differs => formatter.write_str("the head does not match the leaves / 树头与叶不符"),
            Self::Damaged => formatter.write_str("the head is damaged / 树头已损坏"),
            Self::Missing => formatter.write_str("the head is missing / 缺少树头"),
            Self::Unchecked => formatter.write_str("the head was not compared / 树头未核对"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} of {} leaves verified / 已校验 {}/{} 叶; {}",
            self.checked, self.length, self.checked, self.length, self.head
        )?;
        if let Some(LeafFault { index, problem }) = self.fault {
            write!(formatter, "; leaf {index} / 第 {index} 叶: {problem}")?;
        }
        if let Some(size) = self.continues {
            write!(formatter, "; they continue the checkpoint of {size} leaves signed last / 延续了最近签名的 {size} 叶检查点")?;
        }
        for discrepancy in self.discrepancies.iter().take(NAMED) {
            write!(formatter, "\n  {discrepancy}")?;
        }
        match self.discrepancies.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more of them / 另有 {more} 处"),
        }
    }
}
