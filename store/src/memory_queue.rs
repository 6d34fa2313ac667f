use crate::{Error, Result};
use spec::job::{
    Extension, FinishedItem, ItemCounts, ItemState, ItemStatus, Job, JobFailure, JobId, JobItem, JobPage, JobStatus, Lease, LeaseOwner,
    LeaseSpan, LeaseTerms, LeaseToken, LeasedItem, LeasedJob, Put, Retry,
};
use spec::{Clock, JobQueue, PortError, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue in memory, for the work of one process. It ends with the process, which whoever puts a job waits for anyway.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    arrivals: Condvar,
}

#[derive(Default)]
struct State {
    jobs: BTreeMap<JobId, Entry>,
    /// The jobs of which items wait, in turn.
    turns: BTreeMap<Turn, JobId>,
    leases: BTreeMap<u64, Held>,
    puts: u64,
    epochs: u64,
}

/// Priority, then order of putting.
type Turn = (Reverse<i32>, u64);

struct Entry {
    job: Job,
    turn: Turn,
    cancelled: bool,
    waiting: BTreeSet<u32>,
    items: Vec<Item>,
    counts: ItemCounts,
}

struct Item {
    state: ItemState,
    attempts: u32,
    failure: Option<JobFailure>,
    result: Option<String>,
}

struct Held {
    owner: LeaseOwner,
    span: LeaseSpan,
    items: BTreeSet<JobItem>,
}

impl MemoryQueue {
    /// An empty queue whose leases go by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), arrivals: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `change` to every one of `items` that is under `lease`; returns the others.
    fn settle<'a>(
        &self,
        lease: LeaseToken,
        items: impl Iterator<Item = &'a JobItem>,
        mut change: impl FnMut(&mut Entry, u32, usize) -> ItemState,
    ) -> Vec<JobItem> {
        let mut state = self.state();
        let mut lost = Vec::new();
        for (position, &item) in items.enumerate() {
            if !state.release(lease, item) {
                lost.push(item);
                continue;
            }
            if let Some(entry) = state.jobs.get_mut(&item.job) {
                let next = change(entry, item.index, position);
                state.set(item, next);
            }
        }
        drop(state);
        self.arrivals.notify_all();
        lost
    }
}

impl Entry {
    fn item_mut(&mut self, index: u32) -> Option<&mut Item> {
        self.items.get_mut(index as usize)
    }

    /// Counts an attempt in vain.
    fn fail(&mut self, index: u32, failure: &JobFailure, retry: Retry) -> ItemState {
        let (maximum, cancelled) = (self.job.maximum_attempts, self.cancelled);
        let Some(item) = self.item_mut(index) else { return ItemState::Dead };
        item.attempts += 1;
        item.failure = Some(failure.clone());
        ItemState::after_failure(item.attempts, maximum, retry, cancelled)
    }

    fn put_back(&self) -> ItemState {
        if self.cancelled { ItemState::Cancelled } else { ItemState::Waiting }
    }

    fn status(&self) -> JobStatus {
        JobStatus { job: self.job.clone(), counts: self.counts, cancelled: self.cancelled }
    }
}

impl State {
    /// Takes `item` out of `lease`; `false` where it is not under it.
    fn release(&mut self, lease: LeaseToken, item: JobItem) -> bool {
        let Some(held) = self.leases.get_mut(&lease.epoch) else { return false };
        if held.owner != lease.owner || !held.items.remove(&item) {
            return false;
        }
        if held.items.is_empty() {
            self.leases.remove(&lease.epoch);
        }
        true
    }

    /// Moves an item to another state.
    fn set(&mut self, item: JobItem, next: ItemState) {
        let Some(entry) = self.jobs.get_mut(&item.job) else { return };
        let Some(present) = entry.items.get_mut(item.index as usize) else { return };
        *entry.counts.of_mut(present.state) -= 1;
        *entry.counts.of_mut(next) += 1;
        present.state = next;
        if next == ItemState::Waiting {
            entry.waiting.insert(item.index);
        } else {
            entry.waiting.remove(&item.index);
        }
        if entry.waiting.is_empty() {
            self.turns.remove(&entry.turn);
        } else {
            self.turns.insert(entry.turn, item.job);
        }
    }

    /// Puts back what is under leases that are over.
    fn end_leases(&mut self, now: Timestamp) {
        let over: Vec<u64> = self.leases.iter().filter(|(_, held)| held.span.is_over(now)).map(|(&epoch, _)| epoch).collect();
        for epoch in over {
            let items = self.leases.remove(&epoch).map(|held| held.items).unwrap_or_default();
            for item in items {
                if let Some(entry) = self.jobs.get_mut(&item.job) {
                    let next = entry.fail(item.index, &JobFailure::lease_ended(), Retry::Again);
                    self.set(item, next);
                }
            }
        }
    }

    fn lease(&mut self, terms: &LeaseTerms<'_>, now: Timestamp) -> Option<Lease> {
        let first = self.turns.values().filter_map(|id| self.jobs.get(id)).map(|entry| entry.job.shape.as_str());
        let shape = match terms.shape {
            Some(shape) => shape.to_owned(),
            None => first.into_iter().next()?.to_owned(),
        };
        let mut chosen: Vec<JobItem> = Vec::new();
        for entry in self.turns.values().filter_map(|id| self.jobs.get(id)).filter(|entry| entry.job.shape == shape) {
            let left = (terms.most as usize).saturating_sub(chosen.len());
            if left == 0 {
                break;
            }
            chosen.extend(entry.waiting.iter().take(left).map(|&index| JobItem { job: entry.job.id, index }));
        }
        if chosen.is_empty() {
            return None;
        }
        self.epochs += 1;
        let token = LeaseToken { owner: terms.owner, epoch: self.epochs };
        let span = LeaseSpan::new(now, terms.term);
        let mut jobs: Vec<LeasedJob> = Vec::new();
        for &item in &chosen {
            self.set(item, ItemState::Leased);
            let Some(entry) = self.jobs.get(&item.job) else { continue };
            let attempts = entry.items.get(item.index as usize).map_or(0, |item| item.attempts);
            let leased = LeasedItem { index: item.index, attempts };
            match jobs.last_mut() {
                Some(last) if last.job.id == item.job => last.items.push(leased),
                _ => jobs.push(LeasedJob { job: entry.job.clone(), items: vec![leased] }),
            }
        }
        self.leases.insert(token.epoch, Held { owner: terms.owner, span, items: chosen.into_iter().collect() });
        Some(Lease { token, until: span.until, jobs })
    }

    fn put(&mut self, job: &Job) -> Result<Put> {
        if let Some(entry) = self.jobs.get(&job.id) {
            return if entry.job == *job { Ok(Put::Known) } else { Err(Error::JobTaken { id: job.id }) };
        }
        check(job)?;
        self.puts += 1;
        let turn = (Reverse(job.priority.0), self.puts);
        let item = || Item { state: ItemState::Waiting, attempts: 0, failure: None, result: None };
        let entry = Entry {
            job: job.clone(),
            turn,
            cancelled: false,
            waiting: (0..job.items).collect(),
            items: std::iter::repeat_with(item).take(job.items as usize).collect(),
            counts: ItemCounts { waiting: job.items, ..ItemCounts::default() },
        };
        self.turns.insert(turn, job.id);
        self.jobs.insert(job.id, entry);
        Ok(Put::Added)
    }

    /// Moves every item of a job that is in one of `from` to `to`; returns how many.
    fn move_all(&mut self, job: JobId, from: &[ItemState], to: ItemState) -> u32 {
        let Some(entry) = self.jobs.get_mut(&job) else { return 0 };
        let found: Vec<JobItem> =
            entry.job.every_item().zip(&entry.items).filter(|(_, item)| from.contains(&item.state)).map(|(item, _)| item).collect();
        for item in &found {
            self.set(*item, to);
        }
        found.len() as u32
    }
}

/// What a queue refuses to take.
pub fn check(job: &Job) -> Result<()> {
    if job.items == 0 || job.maximum_attempts == 0 { Err(Error::JobEmpty { id: job.id }) } else { Ok(()) }
}

impl JobQueue for MemoryQueue {
    fn put(&self, job: &Job) -> Result<Put, PortError> {
        let put = self.state().put(job)?;
        self.arrivals.notify_all();
        Ok(put)
    }

    fn peek(&self) -> Result<Option<Job>, PortError> {
        let mut state = self.state();
        state.end_leases(self.clock.now());
        Ok(state.turns.values().next().and_then(|id| state.jobs.get(id)).map(|entry| entry.job.clone()))
    }

    fn lease(&self, terms: &LeaseTerms<'_>) -> Result<Option<Lease>, PortError> {
        let now = self.clock.now();
        let mut state = self.state();
        state.end_leases(now);
        Ok(state.lease(terms, now))
    }

    fn extend(&self, lease: LeaseToken, term: Duration) -> Result<Extension, PortError> {
        let span = LeaseSpan::new(self.clock.now(), term);
        let mut state = self.state();
        let Some(held) = state.leases.get_mut(&lease.epoch).filter(|held| held.owner == lease.owner) else { return Ok(Extension::Lost) };
        held.span = span;
        let jobs: BTreeSet<JobId> = held.items.iter().map(|item| item.job).collect();
        let cancelled = jobs.into_iter().filter(|job| state.jobs.get(job).is_some_and(|entry| entry.cancelled)).collect();
        Ok(Extension::Until { until: span.until, cancelled })
    }

    fn finish(&self, lease: LeaseToken, finished: &[FinishedItem]) -> Result<Vec<JobItem>, PortError> {
        Ok(self.settle(lease, finished.iter().map(|finished| &finished.item), |entry, index, position| {
            if let (Some(item), Some(finished)) = (entry.item_mut(index), finished.get(position)) {
                (item.failure, item.result) = (None, Some(finished.result.clone()));
            }
            ItemState::Finished
        }))
    }

    fn fail(&self, lease: LeaseToken, items: &[JobItem], failure: &JobFailure, retry: Retry) -> Result<Vec<JobItem>, PortError> {
        Ok(self.settle(lease, items.iter(), |entry, index, _| entry.fail(index, failure, retry)))
    }

    fn put_back(&self, lease: LeaseToken, items: &[JobItem]) -> Result<Vec<JobItem>, PortError> {
        Ok(self.settle(lease, items.iter(), |entry, _, _| entry.put_back()))
    }

    fn cancel(&self, job: JobId) -> Result<bool, PortError> {
        let mut state = self.state();
        let Some(entry) = state.jobs.get_mut(&job) else { return Ok(false) };
        if entry.counts.state().is_settled() {
            return Ok(false);
        }
        entry.cancelled = true;
        state.move_all(job, &[ItemState::Waiting], ItemState::Cancelled);
        Ok(true)
    }

    fn retry(&self, job: JobId) -> Result<u32, PortError> {
        let mut state = self.state();
        let Some(entry) = state.jobs.get_mut(&job) else { return Ok(0) };
        entry.cancelled = false;
        for item in entry.items.iter_mut().filter(|item| matches!(item.state, ItemState::Dead | ItemState::Cancelled)) {
            item.attempts = 0;
        }
        let retried = state.move_all(job, &[ItemState::Dead, ItemState::Cancelled], ItemState::Waiting);
        drop(state);
        self.arrivals.notify_all();
        Ok(retried)
    }

    fn remove(&self, job: JobId) -> Result<bool, PortError> {
        let mut state = self.state();
        let Some(entry) = state.jobs.remove(&job) else { return Ok(false) };
        state.turns.remove(&entry.turn);
        for held in state.leases.values_mut() {
            held.items.retain(|item| item.job != job);
        }
        state.leases.retain(|_, held| !held.items.is_empty());
        Ok(true)
    }

    fn status(&self, job: JobId) -> Result<Option<JobStatus>, PortError> {
        Ok(self.state().jobs.get(&job).map(Entry::status))
    }

    fn items(&self, job: JobId, range: Range<u32>) -> Result<Vec<ItemStatus>, PortError> {
        let state = self.state();
        let Some(entry) = state.jobs.get(&job) else { return Ok(Vec::new()) };
        let within = entry.job.every_item().zip(&entry.items).filter(|(item, _)| range.contains(&item.index));
        let status = |(item, kept): (JobItem, &Item)| ItemStatus {
            item,
            state: kept.state,
            attempts: kept.attempts,
            failure: kept.failure.clone(),
            result: kept.result.clone(),
        };
        Ok(within.map(status).collect())
    }

    fn list(&self, page: &JobPage<'_>) -> Result<Vec<JobStatus>, PortError> {
        let state = self.state();
        let wanted = |entry: &&Entry| {
            page.account.is_none_or(|account| entry.job.account == account)
                && (!page.dead || entry.counts.dead > 0)
                && page.before.is_none_or(|before| entry.job.id < before)
        };
        Ok(state.jobs.values().rev().filter(wanted).take(page.most as usize).map(Entry::status).collect())
    }

    fn wait(&self, at_most: Duration) {
        let state = self.state();
        if state.turns.is_empty() {
            drop(self.arrivals.wait_timeout(state, at_most));
        }
    }
}
