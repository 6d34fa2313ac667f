//! Recording files: made by a model, or from another file.

use crate::{Account, Copied, Delivery, Error, Ledger, Personal, Produced, Recipient, Record, Recorded, RecordedCopy, Result};
use spec::stage::{Stored, StoredCopy};
use spec::{ScreeningDecision, Verdict};

impl Ledger {
    /// Records a stored picture for `account`; when this returns `Ok`, the record is on disk. If it fails, the picture is removed, unless
    /// the storage cannot tell whether the record was written: then the next recovery decides. No picture is recorded while
    /// generation is stopped, and none without an explicit label unless a [`crate::Article9Grant`] came with it.
    pub fn append<S: Stored>(&mut self, stored: S, account: &Account) -> Result<Recorded<S>> {
        let labelled = stored.labelled();
        if !matches!(labelled.origin().verdict(), Verdict::Pass { .. }) || labelled.screening().decision == ScreeningDecision::Block {
            return Err(Error::VerdictMismatch);
        }
        let produce_id = stored.produce_id();
        let key = produce_id.to_string();
        if self.find(produce_id)?.is_some() {
            return Err(Error::AlreadyRecorded(produce_id));
        }
        let record = self.picture_record(&stored);
        let appended = record.and_then(|(record, recipient)| self.append_record(record, Personal { recipient, ..Personal::of(account) }));
        if appended.is_ok() || !matches!(self.storage.find(&key), Ok(None)) {
            stored.keep();
        }
        let leaf_index = appended?;
        Ok(Recorded { stored, leaf_index, root: self.head().root })
    }

    /// Records a stored file that was made from another one, by the rules of [`Self::append`]. A stop ends transmission too
    /// (生成式人工智能服务管理暂行办法, article 14).
    pub fn append_copy<S: StoredCopy>(&mut self, stored: S, account: &Account) -> Result<RecordedCopy<S>> {
        let relabelling = stored.relabelling().clone();
        let key = relabelling.id.to_string();
        if self.find(relabelling.id)?.is_some() {
            return Err(Error::AlreadyRecorded(relabelling.id));
        }
        let record = Record::Relabelled(Box::new(Copied { release_name: stored.release_name().to_owned(), relabelling }));
        let appended = self.append_record(record, Personal::of(account));
        if appended.is_ok() || !matches!(self.storage.find(&key), Ok(None)) {
            stored.keep();
        }
        Ok(RecordedCopy { stored, leaf_index: appended? })
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
}
