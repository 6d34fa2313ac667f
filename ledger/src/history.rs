//! What the record says of stops and of accounts. Nothing of it is kept elsewhere, so that a crash cannot part them.

use crate::entry::{STANDING, SWITCH, picture_tag, refusal_tag, standing_tag};
use crate::log::{broken_leaf, read_row};
use crate::{Decision, Entry, Error, Ledger, Personal, Record, Result, Suspension, SuspensionCause};
use spec::{LogStorage, Timestamp};
use std::collections::HashSet;

/// A stop that nobody has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Index of its entry.
    pub index: u64,
    /// When.
    pub since: Timestamp,
    /// Who and why.
    pub decision: Decision,
}

impl From<Halt> for Error {
    fn from(halt: Halt) -> Self {
        Self::Stopped { since: halt.since.to_rfc3339(), officer: halt.decision.officer, reason: halt.decision.reason }
    }
}

/// The stop that is in force, if any. Takes a tenth of a millisecond: work may ask between any two steps.
pub fn halt(storage: &dyn LogStorage) -> Result<Option<Halt>> {
    let Some(entry) = latest(storage, SWITCH, u64::MAX)? else { return Ok(None) };
    Ok(match entry.record {
        Record::Stopped(decision) => Some(Halt { index: entry.index, since: entry.time, decision }),
        _ => None,
    })
}

/// The latest entry with `tag` before index `before`.
pub(crate) fn latest(storage: &dyn LogStorage, tag: &str, before: u64) -> Result<Option<Entry>> {
    let Some(index) = storage.find_tagged_before(tag, before)? else { return Ok(None) };
    let row = storage.leaf(index)?;
    let entry = row.as_deref().and_then(|row| read_row(row, index)).map(|(entry, _)| entry);
    entry.filter(|entry| entry.tags().iter().any(|other| other == tag)).map(Some).ok_or_else(|| broken_leaf(index))
}

/// A recorded refusal, or a withheld picture that counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRefusal {
    /// When.
    pub time: Timestamp,
    /// Whether the account got a picture later.
    pub followed_by_picture: bool,
}

/// What the record says of an account since its last suspension was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// When it was suspended, and why, if it is.
    pub suspended: Option<(Timestamp, Suspension)>,
    /// Its refusals, the oldest first: those after its last picture, and those since the moment that was asked for.
    pub refusals: Vec<PastRefusal>,
}

impl Ledger {
    /// Records that generation stops: from here on no picture, and no file made from another, is recorded.
    pub fn stop(&mut self, decision: Decision) -> Result<u64> {
        self.append_for(Record::Stopped(decision), Personal::default())
    }

    /// Records that it goes on. An error if it was not stopped.
    pub fn resume(&mut self, decision: Decision) -> Result<u64> {
        match self.halt()? {
            Some(_) => self.append_for(Record::Resumed(decision), Personal::default()),
            None => Err(Error::NotStopped),
        }
    }

    /// The stop that is in force.
    pub fn halt(&self) -> Result<Option<Halt>> {
        halt(self.storage.as_ref())
    }

    /// All stops and their ends, the latest first.
    pub fn switches(&self) -> Result<Vec<Entry>> {
        let (mut found, mut before) = (Vec::new(), u64::MAX);
        while let Some(entry) = latest(self.storage.as_ref(), SWITCH, before)? {
            before = entry.index;
            found.push(entry);
        }
        Ok(found)
    }

    /// What is on record of an account, with its refusals since `since`.
    pub fn history(&self, account: &str, since: Timestamp) -> Result<History> {
        let account = self.pseudonym(account)?;
        let storage = self.storage.as_ref();
        let standing = latest(storage, &standing_tag(&account), u64::MAX)?;
        let mut history = History::default();
        let lifted = match standing {
            Some(Entry { record: Record::Suspended(suspension), time, .. }) => {
                history.suspended = Some((time, suspension));
                return Ok(history);
            }
            Some(entry) => Some(entry.index),
            None => None,
        };
        let picture = storage.find_tagged(&picture_tag(&account))?;
        let mut before = u64::MAX;
        while let Some(entry) = latest(storage, &refusal_tag(&account), before)? {
            let followed_by_picture = picture.is_some_and(|picture| picture > entry.index);
            if lifted.is_some_and(|lifted| lifted > entry.index) || (followed_by_picture && entry.time < since) {
                break;
            }
            history.refusals.push(PastRefusal { time: entry.time, followed_by_picture });
            before = entry.index;
        }
        history.refusals.reverse();
        Ok(history)
    }

    /// Records that an account is suspended.
    pub fn suspend(&mut self, account: &str, cause: SuspensionCause) -> Result<u64> {
        self.append_for(Record::Suspended(Suspension { cause }), of(account))
    }

    /// Records that its suspension ends. An error if it is not suspended.
    pub fn lift(&mut self, account: &str, decision: Decision) -> Result<u64> {
        let standing = latest(self.storage.as_ref(), &standing_tag(&self.pseudonym(account)?), u64::MAX)?;
        match standing.map(|entry| entry.record) {
            Some(Record::Suspended(_)) => self.append_for(Record::Lifted(decision), of(account)),
            _ => Err(Error::NotSuspended(account.to_owned())),
        }
    }

    /// The suspensions in force, the latest first; of each the name, unless its record was shredded.
    pub fn suspensions(&self) -> Result<Vec<(Entry, Option<String>)>> {
        let (mut seen, mut found, mut before) = (HashSet::new(), Vec::new(), u64::MAX);
        while let Some(entry) = latest(self.storage.as_ref(), STANDING, before)? {
            before = entry.index;
            let account = entry.personal.as_ref().and_then(|personal| personal.account.clone());
            if seen.insert(account) && matches!(entry.record, Record::Suspended(_)) {
                let name = self.reveal(&entry)?.personal.and_then(|personal| personal.account);
                found.push((entry, name));
            }
        }
        Ok(found)
    }

    fn pseudonym(&self, account: &str) -> Result<String> {
        Ok(self.vault.as_ref().ok_or(Error::NoVault)?.pseudonym(account))
    }
}

fn of(account: &str) -> Personal {
    Personal { account: Some(account.to_owned()), ..Personal::default() }
}
