use crate::Result;
use crate::checkpoint::{head_text, parse_head};
use crate::entry::{Entry, open_row};
use crate::merkle::Frontier;
use spec::{LogStorage, Sha256Digest};
use std::fmt;

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
    /// It is not found by its key or a tag.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl Report {
    /// Whether the ledger verifies.
    pub fn is_sound(&self) -> bool {
        self.fault.is_none() && matches!(self.head, Head::Matches | Head::Behind { .. })
    }
}

/// Recomputes every leaf, key and hash of the log in `storage` and compares the saved head. Writes nothing. An error only
/// if the storage cannot be read.
pub fn verify(storage: &dyn LogStorage) -> Result<Report> {
    walk(storage, &mut |_| {})
}

/// [`verify`], which also shows the hash of each leaf in order.
pub(crate) fn walk(storage: &dyn LogStorage, seen: &mut dyn FnMut(Sha256Digest)) -> Result<Report> {
    // Head first: leaves that another process appends meanwhile then only make it look behind.
    let text = storage.head()?;
    let length = storage.length()?;
    let saved = text.as_deref().map(parse_head);
    let saved_size = saved.as_ref().and_then(Option::as_ref).map(Frontier::size);
    let mut frontier = Frontier::default();
    let mut at_saved = (saved_size == Some(0)).then(|| head_text(&frontier));
    let mut fault = None;
    while frontier.size() < length && fault.is_none() {
        match check_leaf(storage, frontier.size())? {
            Ok(hash) => {
                frontier.push(hash);
                seen(hash);
            }
            Err(problem) => fault = Some(LeafFault { index: frontier.size(), problem }),
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
    Ok(Report { length, checked: frontier.size(), fault, head, root: frontier.root() })
}

fn check_leaf(storage: &dyn LogStorage, index: u64) -> Result<Result<Sha256Digest, Problem>> {
    let Some(row) = storage.leaf(index)? else { return Ok(Err(Problem::Missing)) };
    let Some((hash, leaf)) = open_row(&row) else { return Ok(Err(Problem::Hash)) };
    let Some(entry) = Entry::from_leaf(leaf) else { return Ok(Err(Problem::Json)) };
    if entry.index != index {
        return Ok(Err(Problem::Index));
    }
    if storage.find(&entry.key(hash))? != Some(index) {
        return Ok(Err(Problem::Key));
    }
    for tag in entry.tags() {
        let found = storage.find_tagged(&tag)?;
        if found != Some(index) && !has_tag(storage, found, &tag)? {
            return Ok(Err(Problem::Key));
        }
    }
    Ok(Ok(hash))
}

/// Whether a leaf that is found by `tag` is one that has it: a later leaf may share the tag of an earlier one.
fn has_tag(storage: &dyn LogStorage, found: Option<u64>, tag: &str) -> Result<bool> {
    let row = found.map(|index| storage.leaf(index)).transpose()?.flatten();
    let entry = row.as_deref().and_then(open_row).and_then(|(_, leaf)| Entry::from_leaf(leaf));
    Ok(entry.is_some_and(|entry| entry.tags().iter().any(|other| other == tag)))
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "is missing / 缺失",
            Self::Hash => "was changed: its bytes do not have the recorded hash / 被改动：内容与所记哈希不符",
            Self::Json => "is not a leaf of this format / 不符合叶的格式",
            Self::Index => "says that it belongs elsewhere / 所记序号不符",
            Self::Key => "is not found by its key or a tag / 无法按键或标签查到",
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
        match self.fault {
            Some(LeafFault { index, problem }) => write!(formatter, "; leaf {index} / 第 {index} 叶: {problem}"),
            None => Ok(()),
        }
    }
}
