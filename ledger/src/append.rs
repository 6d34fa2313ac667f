//! Recording files: generated, or derived from another file.

use crate::{Account, Copied, Delivery, Error, Ledger, Personal, Produced, Recipient, Record, Recorded, Result};
use spec::stage::{Production, Source, Stored};
use spec::{ScreeningDecision, Verdict};

impl Ledger {
    /// Records a stored file for `account`; when this returns `Ok`, the record is on disk. If it fails, the file is removed, unless
    /// the storage cannot tell whether the record was written: then the next recovery decides. No file is recorded while
    /// generation is stopped, which ends transmission too (生成式人工智能服务管理暂行办法, article 14); and no generated one without an explicit
    /// label unless a [`crate::Article9Grant`] came with it.
    pub fn append<S: Stored>(&mut self, stored: S, account: &Account) -> Result<Recorded<S>> {
        let produce_id = stored.produce_id();
        let record = match stored.labelled().source() {
            Source::Generated(production) => self.generated_record(&stored, production)?,
            Source::Derived(relabelling) => {
                let (release_name, relabelling) = (stored.release_name().to_owned(), relabelling.clone());
                (Record::Relabelled(Box::new(Copied { release_name, relabelling })), None)
            }
        };
        if self.find(produce_id)?.is_some() {
            return Err(Error::AlreadyRecorded(produce_id));
        }
        let (record, recipient) = record;
        let appended = self.append_record(record, Personal { recipient, ..Personal::of(account) });
        if appended.is_ok() || !matches!(self.storage.find(&produce_id.to_string()), Ok(None)) {
            stored.keep();
        }
        let leaf_index = appended?;
        Ok(Recorded { stored, leaf_index, root: self.head().root })
    }

    fn generated_record(&self, stored: &impl Stored, production: Production<'_>) -> Result<(Record, Option<Recipient>)> {
        if !matches!(production.origin.verdict(), Verdict::Pass { .. }) || production.screening.decision == ScreeningDecision::Block {
            return Err(Error::VerdictMismatch);
        }
        let produced = Box::new(Produced::of(stored, production));
        match (production.explicit_label.is_empty(), production.granted) {
            (false, None) => Ok((Record::Produced(produced), None)),
            (true, Some(granted)) => {
                let application = granted.application();
                // Again, so that the copy's own record keeps who got it for a whole term.
                let recipient = self.recipient(application)?;
                let delivery = Delivery { application, approval: granted.approval(), copy_of: granted.copy_of(), picture: produced };
                Ok((Record::Delivered(delivery), Some(recipient)))
            }
            _ => Err(Error::not_granted("it has no explicit label, or a grant that it does not use", "缺少显式标识，或授权与文件不符")),
        }
    }
}
