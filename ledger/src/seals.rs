//! Checking the keys of sealed records against the leaves that refer to them.

use crate::vault::{MINIMUM_RETENTION_DAYS, Vault, digits};
use crate::{Discrepancy, Entry, Record, Result, Sealed};
use spec::{LogStorage, Secret, SecretId, Timestamp};
use std::collections::HashMap;

/// Milliseconds between the making of a record's key and its leaf: an append may wait for the disk and for other processes, minutes at the
/// worst.
const LONGEST_APPEND: u64 = 10 * 60_000;
const MINIMUM_TERM: u64 = MINIMUM_RETENTION_DAYS as u64 * 86_400_000;

/// The secrets of a ledger, looked up leaf by leaf.
pub struct Seals<'a> {
    storage: &'a dyn LogStorage,
    vault: Option<&'a Vault>,
    secrets: HashMap<SecretId, Secret>,
    missing: Vec<Missing>,
    shreddings: Vec<Shredded>,
    found: Vec<Discrepancy>,
    opened: u64,
}

struct Missing {
    index: u64,
    time: Timestamp,
}

struct Shredded {
    index: u64,
    before: Timestamp,
}

impl<'a> Seals<'a> {
    /// Of the secrets in `storage`; with a vault they are opened too.
    pub fn read(storage: &'a dyn LogStorage, vault: Option<&'a Vault>) -> Result<Self> {
        let mut secrets = HashMap::new();
        storage.visit_secrets(&mut |secret| {
            secrets.insert(secret.id, secret.clone());
        })?;
        Ok(Self { storage, vault, secrets, missing: Vec::new(), shreddings: Vec::new(), found: Vec::new(), opened: 0 })
    }

    /// Looks at the next entry.
    pub fn check(&mut self, entry: &Entry) {
        if let Record::Shredded(shredding) = &entry.record {
            self.shreddings.push(Shredded { index: entry.index, before: shredding.before });
        }
        if let Some(sealed) = &entry.personal {
            self.check_sealed(entry, sealed);
        }
    }

    fn check_sealed(&mut self, entry: &Entry, sealed: &Sealed) {
        let index = entry.index;
        let Some(secret) = digits(&sealed.key).and_then(|id| self.secrets.get(&id)) else {
            self.missing.push(Missing { index, time: entry.time });
            return;
        };
        let is_of_time = secret.time.0.abs_diff(entry.time.0) <= LONGEST_APPEND;
        if !is_of_time || secret.keep_until.0 < secret.time.0.saturating_add(MINIMUM_TERM) {
            self.found.push(Discrepancy::SecretTerm { index });
        }
        let Some(vault) = self.vault else { return };
        match vault.unseal(self.storage, sealed) {
            Ok(Some(personal)) if personal.account.as_deref().map(|account| vault.pseudonym(account)) == sealed.account => self.opened += 1,
            _ => self.found.push(Discrepancy::SecretChanged { index }),
        }
    }

    /// Sealed records that opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// What was found, now that every shredding is known.
    pub fn finish(self) -> Vec<Discrepancy> {
        let is_explained = |missing: &Missing| {
            let destroys =
                |shredded: &Shredded| shredded.index > missing.index && shredded.before.0.saturating_add(LONGEST_APPEND) > missing.time.0;
            self.shreddings.iter().any(destroys)
        };
        let missing = self.missing.iter().filter(|missing| !is_explained(missing));
        let mut found: Vec<_> = missing.map(|missing| Discrepancy::SecretMissing { index: missing.index }).collect();
        found.extend(self.found);
        found
    }
}
