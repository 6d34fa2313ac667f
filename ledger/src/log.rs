use crate::checkpoint::{head_text, parse_head};
use crate::entry::{open_row, to_row};
use crate::findable::Findable;
use crate::index::Index;
use crate::merkle::Frontier;
use crate::vault::{Vault, VaultSettings};
use crate::{Account, Checkpoint, Entry, Error, KeyFiles, Notice, Personal, Record, Refused, Report, Result, Version};
use crate::{consistency_proof, inclusion_proof, report, verify_consistency};
use spec::stage::Origin;
use spec::{Beside, Clock, LogStorage, ProduceId, Request, Screening, ScreeningDecision, Sha256Digest, Timestamp, Verdict};
use std::cell::RefCell;
use std::sync::Arc;

/// How many turns in a row an append may lose. Each lost turn means that another process appended, so only a starved one
/// comes this far.
const TURNS: u32 = 1_000;

/// The ledger: see the crate's contract.
pub struct Ledger {
    pub(crate) storage: Box<dyn LogStorage>,
    clock: Arc<dyn Clock>,
    index: RefCell<Index>,
    pub(crate) vault: Option<Vault>,
    notices: Vec<Notice>,
}

impl Ledger {
    /// Opens the ledger in `storage`; an empty storage becomes an empty ledger. Reads every leaf once: an error if one was changed, if
    /// leaves are missing, or if the saved head does not agree with them. [`crate::verify`] then says where.
    pub fn open(mut storage: Box<dyn LogStorage>, clock: Arc<dyn Clock>) -> Result<Self> {
        let text = match storage.head()? {
            None if storage.length()? == 0 => {
                storage.set_head(&head_text(&Frontier::default()))?;
                head_text(&Frontier::default())
            }
            // Another process made the ledger, and appended, between our two looks.
            None => storage.head()?.ok_or_else(|| Error::broken("its head is missing", "缺少树头"))?,
            Some(text) => text,
        };
        let saved = parse_head(&text).ok_or_else(|| Error::broken("its head is damaged", "树头已损坏"))?;
        let notices = storage.restored().iter().cloned().map(Notice::Restored).collect();
        let mut ledger = Self { storage, clock, index: RefCell::default(), vault: None, notices };
        let at_saved = ledger.catch_up_noting(saved.size())?;
        let size = ledger.index.get_mut().size();
        if size < saved.size() {
            return Err(missing(saved.size(), size));
        }
        if at_saved.is_none_or(|frontier| frontier != saved) {
            return Err(Error::broken("its head does not match the leaves", "树头与叶不符"));
        }
        if size > saved.size() {
            ledger.save_head()?;
        }
        Ok(ledger)
    }

    /// Adds the vault, which seals the personal fields of every entry from here on and opens those of earlier ones. Makes its key where
    /// the ledger never had one, and says so in [`Self::notices`].
    pub fn with_vault(mut self, settings: &VaultSettings) -> Result<Self> {
        let (vault, made) = Vault::open(self.storage.as_mut(), settings)?;
        self.vault = Some(vault);
        self.notices.extend(made.then(|| Notice::RecordKeyMade(settings.key.clone())));
        Ok(self)
    }

    /// Adds the vault if its key is there, can be read, and is this ledger's; otherwise sealed fields stay sealed, and the error says
    /// why. Writes nothing.
    pub fn with_vault_if_readable(mut self, settings: &VaultSettings) -> (Self, Option<Error>) {
        match Vault::to_read(self.storage.as_ref(), &settings.key) {
            Ok(vault) => {
                self.vault = Some(vault);
                (self, None)
            }
            Err(error) => (self, Some(error)),
        }
    }

    /// What the user should be told about opening.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The present moment, by the ledger's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Number of entries.
    pub fn length(&self) -> Result<u64> {
        Ok(self.storage.length()?)
    }

    /// Size and root as of this handle's last look at the storage: opening, appending, or finding something.
    pub fn head(&self) -> Checkpoint {
        self.index.borrow().checkpoint()
    }

    /// Records a refused request; returns the index of its entry.
    pub fn append_refusal(&mut self, request: &Request, verdict: &Verdict, account: &Account) -> Result<u64> {
        if !matches!(verdict, Verdict::Refuse { .. }) {
            return Err(Error::VerdictMismatch);
        }
        let record = Record::Refused(Refused { request: request.clone(), verdict: verdict.clone() });
        self.append_record(record, Personal::of(account))
    }

    /// Records a picture that the image gate withheld, and whether it counts against the account as a refusal does; returns the index of
    /// its entry.
    pub fn append_withheld(&mut self, origin: &dyn Origin, screening: &Screening, strike: bool, account: &Account) -> Result<u64> {
        if screening.decision != ScreeningDecision::Block {
            return Err(Error::VerdictMismatch);
        }
        self.append_record(Record::withheld(origin, screening, strike), Personal::of(account))
    }

    /// The entry of the file with this id.
    pub fn find(&self, produce_id: ProduceId) -> Result<Option<Entry>> {
        self.found(|index| index.file(produce_id))
    }

    /// The latest entry of a file that has this digest.
    pub fn find_by_content(&self, content_sha256: Sha256Digest) -> Result<Option<Entry>> {
        self.found(|index| index.content(content_sha256))
    }

    /// The latest entry of a watermarked picture whose id has this `ProduceId::mark`.
    pub fn find_by_mark(&self, mark: u64) -> Result<Option<Entry>> {
        self.found(|index| index.mark(mark))
    }

    fn found(&self, place: impl FnOnce(&Index) -> Option<u64>) -> Result<Option<Entry>> {
        match self.indexed(place)? {
            Some(index) => self.entry(index),
            None => Ok(None),
        }
    }

    /// The entry at `index`, checked against the hash that it had when it was read first; `None` past the end.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>> {
        let known = self.indexed(|known| known.hash(index))?;
        match (self.storage.leaf(index)?, known) {
            (Some(row), Some(known)) => {
                let leaf = open_row(&row).filter(|(hash, _)| *hash == known);
                let entry = leaf.and_then(|(_, leaf)| Entry::from_leaf(leaf));
                entry.map(Some).ok_or_else(|| broken_leaf(index))
            }
            (None, None) => Ok(None),
            _ => Err(broken_leaf(index)),
        }
    }

    /// A proof that the entry at `index` is under [`Self::head`], for [`crate::verify_inclusion`].
    pub fn prove_inclusion(&self, index: u64) -> Result<Option<Vec<Sha256Digest>>> {
        let known = self.index.borrow();
        Ok(usize::try_from(index).ok().and_then(|index| inclusion_proof(known.hashes(), index)))
    }

    /// A proof that an earlier checkpoint of `old_size` leaves is a beginning of [`Self::head`], for
    /// [`crate::verify_consistency`].
    pub fn prove_consistency(&self, old_size: u64) -> Result<Option<Vec<Sha256Digest>>> {
        let known = self.index.borrow();
        Ok(usize::try_from(old_size).ok().and_then(|old_size| consistency_proof(known.hashes(), old_size)))
    }

    /// An error unless this ledger continues the one that had the checkpoint `old`: nothing behind it was taken back.
    pub fn check_continues(&self, old: Checkpoint) -> Result<()> {
        self.indexed(|known| check_continues(known.hashes(), old, known.checkpoint()))?
    }

    /// An error unless this ledger continues the checkpoint that its key signed last. Where that lies beyond this user's reach, nothing is
    /// compared.
    pub fn check_last_signed(&self, keys: &KeyFiles) -> Result<()> {
        match keys.last_signed() {
            Ok(Some(last)) => self.check_continues(last),
            Ok(None) | Err(Error::File { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Recomputes everything: see [`crate::verify`]. With a vault, sealed fields are opened too.
    pub fn verify(&self) -> Result<Report> {
        report::verify_with(self.storage.as_ref(), self.vault.as_ref())
    }

    /// Seals the personal fields, where there is a vault, and appends.
    pub(crate) fn append_record(&mut self, mut record: Record, personal: Personal) -> Result<u64> {
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
            let index = self.index.get_mut().size();
            let entry = Entry { version: Version::V3, index, time: self.now(), record: record.clone(), personal: personal.clone() };
            let leaf = entry.to_leaf()?;
            let unreadable = || Error::Unrecordable("the entry does not read back / 条目无法读回".to_owned());
            let findable = Findable::read(&leaf).ok_or_else(unreadable)?;
            let row = to_row(findable.hash, &leaf);
            let mut frontier = self.index.get_mut().frontier().clone();
            frontier.push(findable.hash);
            let head = head_text(&frontier);
            let beside = Beside { secret: secret.as_ref(), head: Some(&head) };
            match self.storage.append(index, &findable.key(), &findable.tags(), &row, beside) {
                Ok(()) => {}
                // The storage may report a failure of a write that reached the disk all the same.
                Err(_) if self.storage.leaf(index)?.as_ref() == Some(&row) => {}
                Err(_) if self.storage.length()? > index => continue,
                Err(error) => return Err(error.into()),
            }
            self.index.get_mut().push(&findable);
            return Ok(index);
        }
        Err(Error::Contended)
    }

    pub(crate) fn check_running(&self) -> Result<()> {
        match self.halt()? {
            Some(halt) => Err(halt.into()),
            None => Ok(()),
        }
    }

    /// What `read` takes from the index over all leaves that the storage has now. It sees nothing but the index, which is lent for no
    /// longer.
    pub(crate) fn indexed<T>(&self, read: impl FnOnce(&Index) -> T) -> Result<T> {
        self.catch_up()?;
        Ok(read(&self.index.borrow()))
    }

    fn catch_up(&self) -> Result<()> {
        self.catch_up_noting(u64::MAX).map(drop)
    }

    /// Takes in what was appended since the last look, by whichever process; gives the tree as it was at `size` leaves, if it came by.
    fn catch_up_noting(&self, size: u64) -> Result<Option<Frontier>> {
        let length = self.storage.length()?;
        let mut index = self.index.borrow_mut();
        if length < index.size() {
            return Err(missing(index.size(), length));
        }
        let mut noted = (index.size() == size).then(|| index.frontier().clone());
        if length == index.size() {
            return Ok(noted);
        }
        let mut whole = true;
        self.storage.visit_leaves(index.size(), &mut |place, row| {
            let leaf = open_row(row).filter(|_| place == index.size());
            whole = leaf.and_then(|(_, leaf)| Findable::read(leaf)).is_some_and(|leaf| index.push(&leaf));
            if whole && index.size() == size {
                noted = Some(index.frontier().clone());
            }
            whole
        })?;
        // More than `length` if another process appended meanwhile.
        match whole && index.size() >= length {
            true => Ok(noted),
            false => Err(broken_leaf(index.size())),
        }
    }

    /// Saves the head, unless another process already saved a later one.
    fn save_head(&mut self) -> Result<()> {
        let saved = self.storage.head()?.as_deref().and_then(parse_head).map_or(0, |frontier| frontier.size());
        let index = self.index.get_mut();
        if index.size() > saved {
            self.storage.set_head(&head_text(index.frontier()))?;
        }
        Ok(())
    }
}

/// An error unless the leaves with these hashes, whose head is `new`, continue those that had the head `old`.
pub fn check_continues(hashes: &[Sha256Digest], old: Checkpoint, new: Checkpoint) -> Result<()> {
    if old.size > new.size {
        return Err(Error::Shortened { old: old.size, new: new.size });
    }
    let size = usize::try_from(old.size).unwrap_or(usize::MAX);
    let proof = consistency_proof(hashes, size).unwrap_or_default();
    match verify_consistency(old.size, new.size, old.root, new.root, &proof) {
        true => Ok(()),
        false => Err(Error::Rewritten { old: old.size }),
    }
}

fn missing(size: u64, length: u64) -> Error {
    let missing = size - length;
    Error::broken(format!("of {size} leaves the last {missing} are missing"), format!("共 {size} 叶，末尾缺失 {missing} 叶"))
}

pub fn broken_leaf(index: u64) -> Error {
    Error::broken(format!("leaf {index} is missing or was changed"), format!("第 {index} 叶缺失或被改动"))
}
