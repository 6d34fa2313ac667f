use crate::{Error, Result};
use spec::{Beside, LogStorage, PortError, Secret, SecretId, StorageFault, Timestamp};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A log in memory, for tests. Clones share their contents, as two connections to one database do.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    leaves: Vec<Leaf>,
    head: Option<String>,
    secrets: Vec<Secret>,
}

#[derive(Debug)]
struct Leaf {
    key: String,
    tags: Vec<String>,
    bytes: Vec<u8>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_append(&self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<()> {
        let mut state = self.state();
        let length = state.leaves.len() as u64;
        if index != length {
            return Err(Error::OutOfTurn { index, length });
        }
        if state.leaves.iter().any(|other| other.key == key) {
            return Err(Error::KeyTaken { key: key.to_owned() });
        }
        if let Some(secret) = beside.secret {
            if state.secrets.iter().any(|other| other.id == secret.id) {
                return Err(Error::SecretTaken);
            }
            state.secrets.push(secret.clone());
        }
        if let Some(head) = beside.head {
            state.head = Some(head.to_owned());
        }
        state.leaves.push(Leaf { key: key.to_owned(), tags: tags.to_vec(), bytes: leaf.to_vec() });
        Ok(())
    }
}

impl LogStorage for MemoryLog {
    fn length(&self) -> Result<u64, PortError> {
        Ok(self.state().leaves.len() as u64)
    }

    fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, PortError> {
        let state = self.state();
        let leaf = usize::try_from(index).ok().and_then(|index| state.leaves.get(index));
        Ok(leaf.map(|leaf| leaf.bytes.clone()))
    }

    fn visit_leaves(&self, from: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), PortError> {
        let state = self.state();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let _ = state.leaves.iter().enumerate().skip(from).all(|(index, leaf)| visit(index as u64, &leaf.bytes));
        Ok(())
    }

    fn append(&mut self, index: u64, key: &str, tags: &[String], leaf: &[u8], beside: Beside<'_>) -> Result<(), PortError> {
        Ok(self.try_append(index, key, tags, leaf, beside)?)
    }

    fn find(&self, key: &str) -> Result<Option<u64>, PortError> {
        Ok(self.state().leaves.iter().position(|leaf| leaf.key == key).map(|index| index as u64))
    }

    fn key(&self, index: u64) -> Result<Option<String>, PortError> {
        let state = self.state();
        Ok(usize::try_from(index).ok().and_then(|index| state.leaves.get(index)).map(|leaf| leaf.key.clone()))
    }

    fn visit_tags(&self, visit: &mut dyn FnMut(&str, u64)) -> Result<(), PortError> {
        for (index, leaf) in self.state().leaves.iter().enumerate() {
            for tag in leaf.tags.iter().collect::<BTreeSet<_>>() {
                visit(tag, index as u64);
            }
        }
        Ok(())
    }

    fn find_tagged(&self, tag: &str) -> Result<Option<u64>, PortError> {
        Ok(self.state().leaves.iter().rposition(|leaf| leaf.tags.iter().any(|other| other == tag)).map(|index| index as u64))
    }

    fn find_tagged_before(&self, tag: &str, before: u64) -> Result<Option<u64>, PortError> {
        let state = self.state();
        let before = usize::try_from(before).unwrap_or(usize::MAX).min(state.leaves.len());
        let found = state.leaves[..before].iter().rposition(|leaf| leaf.tags.iter().any(|other| other == tag));
        Ok(found.map(|index| index as u64))
    }

    fn keep_secret(&mut self, secret: &Secret) -> Result<bool, PortError> {
        let mut state = self.state();
        let fresh = state.secrets.iter().all(|other| other.id != secret.id);
        if fresh {
            state.secrets.push(secret.clone());
        }
        Ok(fresh)
    }

    fn secret(&self, id: SecretId) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.state().secrets.iter().find(|secret| secret.id == id).map(|secret| secret.content.clone()))
    }

    fn visit_secrets(&self, visit: &mut dyn FnMut(&Secret)) -> Result<(), PortError> {
        self.state().secrets.iter().for_each(visit);
        Ok(())
    }

    fn secrets_before(&self, time: Timestamp) -> Result<(u64, Option<Timestamp>), PortError> {
        let state = self.state();
        let terms: Vec<Timestamp> = state.secrets.iter().filter(|secret| secret.time < time).map(|secret| secret.keep_until).collect();
        Ok((terms.len() as u64, terms.into_iter().max()))
    }

    fn remove_secrets(&mut self, time: Timestamp, now: Timestamp) -> Result<u64, PortError> {
        let mut state = self.state();
        let before = state.secrets.len();
        state.secrets.retain(|secret| secret.time >= time || secret.keep_until > now);
        Ok((before - state.secrets.len()) as u64)
    }

    fn head(&self) -> Result<Option<String>, PortError> {
        Ok(self.state().head.clone())
    }

    fn set_head(&mut self, head: &str) -> Result<(), PortError> {
        self.state().head = Some(head.to_owned());
        Ok(())
    }

    fn faults(&self) -> Result<Vec<StorageFault>, PortError> {
        Ok(Vec::new())
    }

    fn restored(&self) -> &[String] {
        &[]
    }
}
