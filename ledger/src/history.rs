//! What the record says of stops and of accounts. Nothing of it is kept elsewhere, so that a crash cannot part them.

use crate::index::Trail;
use crate::log::broken_leaf;
use crate::{Account, Decision, Entry, Error, Ledger, Personal, Record, Result, Suspension, SuspensionCause};
use spec::Timestamp;
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
        self.append_record(Record::Stopped(decision), Personal::default())
    }

    /// Records that it goes on. An error if it was not stopped.
    pub fn resume(&mut self, decision: Decision) -> Result<u64> {
        match self.halt()? {
            Some(_) => self.append_record(Record::Resumed(decision), Personal::default()),
            None => Err(Error::NotStopped),
        }
    }

    /// The stop that is in force, as the leaves say. A handle that is kept open answers in microseconds: work may ask between any two
    /// steps.
    pub fn halt(&self) -> Result<Option<Halt>> {
        let latest = self.indexed(|index| index.switches().last().copied())?;
        let Some(entry) = latest.map(|index| self.known(index)).transpose()? else { return Ok(None) };
        Ok(match entry.record {
            Record::Stopped(decision) => Some(Halt { index: entry.index, since: entry.time, decision }),
            _ => None,
        })
    }

    /// All stops and their ends, the latest first.
    pub fn switches(&self) -> Result<Vec<Entry>> {
        let places = self.indexed(|index| index.switches().to_vec())?;
        places.into_iter().rev().map(|index| self.known(index)).collect()
    }

    /// What is on record of an account, with its refusals since `since`.
    pub fn history(&self, account: &Account, since: Timestamp) -> Result<History> {
        let pseudonym = self.pseudonym(account)?;
        let latest = self.indexed(|index| index.trail(&pseudonym).and_then(|trail| trail.latest_standing))?;
        if let Some(Entry { record: Record::Suspended(suspension), time, .. }) = latest.map(|index| self.known(index)).transpose()? {
            return Ok(History { suspended: Some((time, suspension)), refusals: Vec::new() });
        }
        let refusals = self.indexed(|index| index.trail(&pseudonym).map(|trail| refusals(trail, since)).unwrap_or_default())?;
        Ok(History { suspended: None, refusals })
    }

    /// An entry that the index names, and that therefore is there.
    pub(crate) fn known(&self, index: u64) -> Result<Entry> {
        self.entry(index)?.ok_or_else(|| broken_leaf(index))
    }

    /// Records that an account is suspended.
    pub fn suspend(&mut self, account: &Account, cause: SuspensionCause) -> Result<u64> {
        self.append_record(Record::Suspended(Suspension { cause }), Personal::of(account))
    }

    /// Records that its suspension ends. An error if it is not suspended.
    pub fn lift(&mut self, account: &Account, decision: Decision) -> Result<u64> {
        match self.history(account, Timestamp(u64::MAX))?.suspended {
            Some(_) => self.append_record(Record::Lifted(decision), Personal::of(account)),
            None => Err(Error::NotSuspended(account.to_string())),
        }
    }

    /// The suspensions in force, the latest first; of each the name, unless its record was shredded.
    pub fn suspensions(&self) -> Result<Vec<(Entry, Option<String>)>> {
        let places = self.indexed(|index| index.standings().to_vec())?;
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        for index in places.into_iter().rev() {
            let entry = self.known(index)?;
            let account = entry.personal.as_ref().and_then(|personal| personal.account.clone());
            if seen.insert(account) && matches!(entry.record, Record::Suspended(_)) {
                let name = self.reveal(&entry)?.personal.and_then(|personal| personal.account);
                found.push((entry, name));
            }
        }
        Ok(found)
    }

    /// The indices of the account's entries, in order.
    pub fn entries_of(&self, account: &Account) -> Result<Vec<u64>> {
        let pseudonym = self.pseudonym(account)?;
        self.indexed(|index| index.trail(&pseudonym).map(|trail| trail.entries.clone()).unwrap_or_default())
    }

    fn pseudonym(&self, account: &Account) -> Result<String> {
        Ok(self.vault.as_ref().ok_or(Error::NoVault)?.pseudonym(account.as_str()))
    }
}

/// The refusals of an account since its suspension was lifted: those after its latest file, and those since `since`.
fn refusals(trail: &Trail, since: Timestamp) -> Vec<PastRefusal> {
    let mut refusals = Vec::new();
    for refusal in trail.refusals.iter().rev() {
        let followed_by_picture = trail.latest_file.is_some_and(|file| file > refusal.index);
        let lifted = trail.latest_standing.is_some_and(|lifted| lifted > refusal.index);
        if lifted || (followed_by_picture && refusal.time < since) {
            break;
        }
        refusals.push(PastRefusal { time: refusal.time, followed_by_picture });
    }
    refusals.reverse();
    refusals
}
