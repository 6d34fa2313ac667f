//! Reading sealed fields, and destroying their keys.

use crate::{Entry, Error, Ledger, Personal, Record, Result, Shredding};
use spec::Timestamp;

/// An entry with what its vault could open.
#[derive(Debug, Clone, PartialEq)]
pub struct Revealed {
    /// The entry, its prompts and quotes put back where they were encrypted.
    pub entry: Entry,
    /// Its personal fields; `None` if it has none, was shredded, or there is no vault.
    pub personal: Option<Personal>,
}

impl Ledger {
    /// Opens the personal fields of an entry, as far as that is possible.
    pub fn reveal(&self, entry: &Entry) -> Result<Revealed> {
        let mut revealed = Revealed { entry: entry.clone(), personal: None };
        if let (Some(vault), Some(sealed)) = (&self.vault, &entry.personal) {
            revealed.personal = vault.unseal(self.storage.as_ref(), sealed)?;
        }
        if let Some(personal) = &revealed.personal {
            for (place, text) in revealed.entry.record.texts().into_iter().zip(&personal.texts) {
                text.clone_into(place);
            }
        }
        Ok(revealed)
    }

    /// Whether `text` is a prompt, or a quote of one, whose digest the entry keeps; `None` where it keeps none, was shredded, or there is
    /// no vault.
    pub fn holds_text(&self, entry: &Entry, text: &str) -> Result<Option<bool>> {
        match (&self.vault, &entry.personal) {
            (Some(vault), Some(sealed)) if !sealed.digests.is_empty() => vault.holds(self.storage.as_ref(), sealed, text),
            _ => Ok(None),
        }
    }

    /// The entries in which somebody wrote `text`: it, where the record can be read, and exactly it, where the record keeps digests alone.
    pub fn entries_with_text(&self, text: &str) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        for index in 0..self.length()? {
            let Some(entry) = self.entry(index)? else { continue };
            let by_digest = self.holds_text(&entry, text)? == Some(true);
            let mut revealed = self.reveal(&entry)?.entry;
            if by_digest || revealed.record.texts().iter().any(|written| written.contains(text)) {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// Destroys the keys of all records before `before`: what was sealed in them is then noise, while every leaf, hash and proof stays.
    /// Refuses, and destroys nothing, while one of them is inside its term. The destruction is recorded first; returns how many keys.
    pub fn shred(&mut self, before: Timestamp, officer: &str) -> Result<u64> {
        let vault = self.vault.as_ref().ok_or(Error::NoVault)?;
        let now = self.now();
        let (keys, until) = self.storage.secrets_before(before)?;
        // A record is as old as its leaf says, and is kept as long as the present term asks, even if it was made under a shorter one.
        let until = until.max(Some(vault.keep_until(before)));
        if let Some(until) = until.filter(|until| *until > now) {
            return Err(Error::InsideTerm { before: before.to_rfc3339(), until: until.to_rfc3339() });
        }
        if keys == 0 {
            return Ok(0);
        }
        let shredding = Shredding { before, keys, officer: officer.to_owned() };
        self.append_record(Record::Shredded(shredding), Personal::default())?;
        Ok(self.storage.remove_secrets(before, now)?)
    }
}
