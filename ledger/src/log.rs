use crate::checkpoint::{head_text, parse_head};
use crate::entry::{content_tag, mark_tag, open_row, to_row};
use crate::history::halt;
use crate::merkle::{Frontier, leaf_hash};
use crate::vault::Vault;
use crate::{
    Checkpoint, Copied, Delivery, Entry, Error, Personal, Produced, Recipient, Record, Recorded, RecordedCopy, Refused, Report, Result,
};
use crate::{VaultSettings, Version, consistency_proof, inclusion_proof, verify};
use spec::stage::{Origin, Stored, StoredCopy};
use spec::{Beside, Clock, LogStorage, ProduceId, Request, Screening, ScreeningDecision, Sha256Digest, Timestamp, Verdict};
use std::sync::Arc;

/// How many turns in a row an append may lose. Each lost turn means that another process appended, so only a starved one
/// comes this far.
const TURNS: u32 = 1_000;

/// The ledger: see the crate's contract.
pub struct Ledger {
    pub(crate) storage: Box<dyn LogStorage>,
    clock: Arc<dyn Clock>,
    frontier: Frontier,
    pub(crate) vault: Option<Vault>,
    account: Option<String>,
}

impl Ledger {
    /// Opens the ledger in `storage`; an empty storage becomes an empty ledger. An error if the saved head contradicts
    /// itself or more leaves are missing or unsaved than a crash explains; [`verify`] then says where.
    pub fn open(mut storage: Box<dyn LogStorage>, clock: Arc<dyn Clock>) -> Result<Self> {
        let head = storage.head()?;
        let frontier = match &head {
            None if storage.length()? == 0 => {
                storage.set_head(&head_text(&Frontier::default()))?;
                Frontier::default()
            }
            // Another process made the ledger, and appended, between our two looks.
            None => storage.head()?.as_deref().and_then(parse_head).ok_or_else(|| Error::broken("its head is missing", "缺少树头"))?,
            Some(text) => parse_head(text).ok_or_else(|| Error::broken("its head is damaged", "树头已损坏"))?,
        };
        let mut ledger = Self { storage, clock, frontier, vault: None, account: None };
        let saved = ledger.frontier.size();
        ledger.catch_up()?;
        if ledger.frontier.size() > saved {
            ledger.save_head()?;
        }
        Ok(ledger)
    }

    /// The same, with the personal fields of every entry sealed. Makes the vault's key where there is none.
    pub fn with_vault(mut self, settings: &VaultSettings) -> Result<Self> {
        self.vault = Some(Vault::open(self.storage.as_mut(), settings)?);
        Ok(self)
    }

    /// The same, with what is recorded from now on as this account's. Needs a vault, which seals the name.
    pub fn on_behalf_of(mut self, account: &str) -> Result<Self> {
        if self.vault.is_none() {
            return Err(Error::NoVault);
        }
        if account.trim().is_empty() || account.contains(char::is_control) {
            return Err(Error::AccountInvalid);
        }
        self.account = Some(account.to_owned());
        Ok(self)
    }

    /// The account of [`Self::on_behalf_of`].
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The present moment, by the ledger's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Number of entries.
    pub fn length(&self) -> Result<u64> {
        Ok(self.storage.length()?)
    }

    /// Size and root as of this handle's last append or opening.
    pub fn head(&self) -> Checkpoint {
        Checkpoint { size: self.frontier.size(), root: self.frontier.root() }
    }

    /// Records a stored picture; when this returns `Ok`, the record is on disk. If it fails, the picture is removed, unless
    /// the storage cannot tell whether the record was written: then the next recovery decides. No picture is recorded while
    /// generation is stopped, and none without an explicit label unless a [`crate::Article9Grant`] came with it.
    pub fn append<S: Stored>(&mut self, stored: S) -> Result<Recorded<S>> {
        let labelled = stored.labelled();
        if !matches!(labelled.origin().verdict(), Verdict::Pass { .. }) || labelled.screening().decision == ScreeningDecision::Block {
            return Err(Error::VerdictMismatch);
        }
        let produce_id = stored.produce_id();
        let key = produce_id.to_string();
        if self.storage.find(&key)?.is_some() {
            return Err(Error::AlreadyRecorded(produce_id));
        }
        let appended = self.picture_record(&stored).and_then(|(record, recipient)| self.append_for(record, self.personal(recipient)));
        if appended.is_ok() || !matches!(self.storage.find(&key), Ok(None)) {
            stored.keep();
        }
        let leaf_index = appended?;
        Ok(Recorded { stored, leaf_index, root: self.frontier.root() })
    }

    /// As [`Self::append`], of a file made from another one. None is recorded while generation is stopped: a stop ends transmission too
    /// (生成式人工智能服务管理暂行办法, article 14).
    pub fn append_copy<S: StoredCopy>(&mut self, stored: S) -> Result<RecordedCopy<S>> {
        let relabelling = stored.relabelling().clone();
        let key = relabelling.id.to_string();
        if self.storage.find(&key)?.is_some() {
            return Err(Error::AlreadyRecorded(relabelling.id));
        }
        let record = Record::Relabelled(Box::new(Copied { release_name: stored.release_name().to_owned(), relabelling }));
        let appended = self.append_for(record, self.personal(None));
        if appended.is_ok() || !matches!(self.storage.find(&key), Ok(None)) {
            stored.keep();
        }
        Ok(RecordedCopy { stored, leaf_index: appended? })
    }

    /// Records a refused request; returns the index of its entry.
    pub fn append_refusal(&mut self, request: &Request, verdict: &Verdict) -> Result<u64> {
        if !matches!(verdict, Verdict::Refuse { .. }) {
            return Err(Error::VerdictMismatch);
        }
        let record = Record::Refused(Refused { request: request.clone(), verdict: verdict.clone() });
        self.append_for(record, self.personal(None))
    }

    fn personal(&self, recipient: Option<Recipient>) -> Personal {
        Personal { account: self.account.clone(), recipient, ..Personal::default() }
    }

    fn picture_record(&self, stored: &impl Stored) -> Result<(Record, Option<Recipient>)> {
        let labelled = stored.labelled();
        match (labelled.explicit_label().is_empty(), labelled.granted()) {
            (false, None) => Ok((Record::produced(stored), None)),
            (true, Some(granted)) => {
                let application = granted.application();
                // Again, so that the copy's own record keeps who got it for a whole term.
                let recipient = self.recipient(application)?;
                let picture = Box::new(Produced::of(stored));
                let delivery = Delivery { application, approval: granted.approval(), copy_of: granted.copy_of(), picture };
                Ok((Record::Delivered(delivery), Some(recipient)))
            }
            _ => Err(Error::not_granted("it has no explicit label, or a grant that it does not use", "缺少显式标识，或授权与文件不符")),
        }
    }

    /// Records a picture that the image gate withheld, and whether it counts against the account as a refusal does; returns the index of
    /// its entry.
    pub fn append_withheld(&mut self, origin: &dyn Origin, screening: &Screening, strike: bool) -> Result<u64> {
        if screening.decision != ScreeningDecision::Block {
            return Err(Error::VerdictMismatch);
        }
        self.append_for(Record::withheld(origin, screening, strike), self.personal(None))
    }

    /// The entry of the file with this id.
    pub fn find(&self, produce_id: ProduceId) -> Result<Option<Entry>> {
        let Some(index) = self.storage.find(&produce_id.to_string())? else { return Ok(None) };
        let entry = self.entry(index)?.filter(|entry| entry.id() == Some(produce_id));
        entry.map(Some).ok_or_else(|| broken_leaf(index))
    }

    /// The latest entry of a file that has this digest.
    pub fn find_by_content(&self, content_sha256: Sha256Digest) -> Result<Option<Entry>> {
        self.find_tagged(&content_tag(content_sha256))
    }

    /// The latest entry of a watermarked picture whose id has this `ProduceId::mark`.
    pub fn find_by_mark(&self, mark: u64) -> Result<Option<Entry>> {
        self.find_tagged(&mark_tag(mark))
    }

    fn find_tagged(&self, tag: &str) -> Result<Option<Entry>> {
        let Some(index) = self.storage.find_tagged(tag)? else { return Ok(None) };
        let entry = self.entry(index)?.filter(|entry| entry.tags().iter().any(|other| other == tag));
        entry.map(Some).ok_or_else(|| broken_leaf(index))
    }

    /// The entry at `index`, checked against its own hash; `None` past the end.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>> {
        match self.storage.leaf(index)? {
            Some(row) => read_row(&row, index).map(|(entry, _)| Some(entry)).ok_or_else(|| broken_leaf(index)),
            None if index < self.storage.length()? => Err(broken_leaf(index)),
            None => Ok(None),
        }
    }

    /// A proof that the entry at `index` is under [`Self::head`], for [`crate::verify_inclusion`]. Reads all leaves.
    pub fn prove_inclusion(&self, index: u64) -> Result<Option<Vec<Sha256Digest>>> {
        let hashes = self.hashes()?;
        Ok(usize::try_from(index).ok().and_then(|index| inclusion_proof(&hashes, index)))
    }

    /// A proof that an earlier checkpoint of `old_size` leaves is a beginning of [`Self::head`], for
    /// [`crate::verify_consistency`]. Reads all leaves.
    pub fn prove_consistency(&self, old_size: u64) -> Result<Option<Vec<Sha256Digest>>> {
        let hashes = self.hashes()?;
        Ok(usize::try_from(old_size).ok().and_then(|old_size| consistency_proof(&hashes, old_size)))
    }

    fn hashes(&self) -> Result<Vec<Sha256Digest>> {
        (0..self.frontier.size())
            .map(|index| self.storage.leaf(index)?.as_deref().and_then(open_row).map(|(hash, _)| hash).ok_or_else(|| broken_leaf(index)))
            .collect()
    }

    /// Recomputes everything: see [`verify`].
    pub fn verify(&self) -> Result<Report> {
        verify(self.storage.as_ref())
    }

    /// Seals the personal fields, where there is a vault, and appends.
    pub(crate) fn append_for(&mut self, mut record: Record, personal: Personal) -> Result<u64> {
        let releases_file = matches!(record, Record::Produced(_) | Record::Delivered(_) | Record::Relabelled(_));
        if releases_file {
            self.check_running()?;
        }
        let now = self.now();
        let sealed = self.vault.as_ref().map(|vault| vault.seal(&mut record, personal, now)).transpose()?;
        let (personal, secret) = sealed.unzip();
        for _ in 0..TURNS {
            self.catch_up()?;
            if releases_file {
                // All leaves before this one are known: a stop among them keeps the file out.
                self.check_running()?;
            }
            let index = self.frontier.size();
            let entry = Entry { version: Version::V2, index, time: self.now(), record: record.clone(), personal: personal.clone() };
            let leaf = entry.to_leaf()?;
            let hash = leaf_hash(&leaf);
            let row = to_row(hash, &leaf);
            let mut frontier = self.frontier.clone();
            frontier.push(hash);
            let head = head_text(&frontier);
            let beside = Beside { secret: secret.as_ref(), head: Some(&head) };
            match self.storage.append(index, &entry.key(hash), &entry.tags(), &row, beside) {
                Ok(()) => {}
                // The storage may report a failure of a write that reached the disk all the same.
                Err(_) if self.storage.leaf(index)?.as_ref() == Some(&row) => {}
                Err(_) if self.storage.length()? > index => continue,
                Err(error) => return Err(error.into()),
            }
            self.frontier = frontier;
            return Ok(index);
        }
        Err(Error::Contended)
    }

    fn check_running(&self) -> Result<()> {
        match halt(self.storage.as_ref())? {
            Some(halt) => Err(halt.into()),
            None => Ok(()),
        }
    }

    /// Takes in what other processes appended.
    fn catch_up(&mut self) -> Result<()> {
        let length = self.storage.length()?;
        if length < self.frontier.size() {
            let (size, missing) = (self.frontier.size(), self.frontier.size() - length);
            return Err(Error::broken(
                format!("of {size} leaves the last {missing} are missing"),
                format!("共 {size} 叶，末尾缺失 {missing} 叶"),
            ));
        }
        for index in self.frontier.size()..length {
            let row = self.storage.leaf(index)?;
            let (_, hash) = row.as_deref().and_then(|row| read_row(row, index)).ok_or_else(|| broken_leaf(index))?;
            self.frontier.push(hash);
        }
        Ok(())
    }

    /// Saves the head, unless another process already saved a later one.
    fn save_head(&mut self) -> Result<()> {
        let saved = self.storage.head()?.as_deref().and_then(parse_head).map_or(0, |frontier| frontier.size());
        if self.frontier.size() > saved {
            self.storage.set_head(&head_text(&self.frontier))?;
        }
        Ok(())
    }
}

pub fn read_row(row: &[u8], index: u64) -> Option<(Entry, Sha256Digest)> {
    let (hash, leaf) = open_row(row)?;
    let entry = Entry::from_leaf(leaf).filter(|entry| entry.index == index)?;
    Some((entry, hash))
}

pub fn broken_leaf(index: u64) -> Error {
    Error::broken(format!("leaf {index} is missing or was changed"), format!("第 {index} 叶缺失或被改动"))
}
