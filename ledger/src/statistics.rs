use crate::{Entry, Record, Result, Snapshot, SuspensionCause};
use spec::{KindOfWork, Sha256Digest, Timestamp, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Counts over a ledger, for reports: how much was made, refused and withheld, by which models, under which labels. Nothing of it is
/// sealed: classes and rules stand in the leaves in clear text, however prompts are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Entries.
    pub entries: u64,
    /// Root over them.
    pub root: Option<Sha256Digest>,
    /// Entries of each kind of record, for example `produced`.
    pub kinds: BTreeMap<String, u64>,
    /// Files that models made, by what was asked for: labelled ones, and unlabelled copies.
    pub generated_by_kind: BTreeMap<KindOfWork, u64>,
    /// Refused requests, by what was asked for.
    pub refused_by_kind: BTreeMap<KindOfWork, u64>,
    /// What was withheld, by what was asked for.
    pub withheld_by_kind: BTreeMap<KindOfWork, u64>,
    /// Refused requests in which a rule of the risk class objected; one request may count for several.
    pub refusals_by_class: BTreeMap<String, u64>,
    /// Withheld pictures in which a score of the risk class reached its threshold; one picture may count for several.
    pub withheld_by_class: BTreeMap<String, u64>,
    /// Pictures withheld only because a classifier gave no usable answer.
    pub withheld_unanswered: u64,
    /// Withheld pictures that count against an account.
    pub withheld_strikes: u64,
    /// Suspensions of accounts by the limit that was reached.
    pub suspensions_by_cause: BTreeMap<SuspensionCause, u64>,
    /// Index of the latest suspension.
    pub latest_suspension: Option<u64>,
    /// Accounts that are suspended after the last entry.
    pub suspended_accounts: u64,
    /// Pictures by the digest of the model that made them, with the name it was chosen by.
    pub pictures_by_model: BTreeMap<String, (String, u64)>,
    /// Pictures by the text of their explicit label.
    pub explicit_labels: BTreeMap<String, u64>,
    /// Pictures that carry an invisible watermark.
    pub watermarked: u64,
    /// Time of the first entry.
    pub first: Option<Timestamp>,
    /// Time of the last entry.
    pub last: Option<Timestamp>,
}

impl Statistics {
    /// Reads every leaf of a ledger that verified.
    pub fn read(snapshot: &Snapshot<'_>) -> Result<Self> {
        let mut counts = Self { root: Some(snapshot.checkpoint().root), ..Self::default() };
        let mut suspended = BTreeSet::new();
        for index in 0..snapshot.checkpoint().size {
            // A snapshot has only leaves that this reads.
            let Some(entry) = snapshot.leaf(index)?.as_deref().and_then(Entry::from_leaf) else { continue };
            counts.count(&entry);
            let account = entry.personal.as_ref().and_then(|personal| personal.account.clone());
            match &entry.record {
                Record::Suspended(_) => suspended.insert(account),
                Record::Lifted(_) => suspended.remove(&account),
                _ => false,
            };
        }
        counts.suspended_accounts = suspended.len() as u64;
        Ok(counts)
    }

    fn count(&mut self, entry: &Entry) {
        self.entries += 1;
        self.first = self.first.or(Some(entry.time));
        self.last = Some(entry.time);
        *self.kinds.entry(entry.record.kind().to_owned()).or_default() += 1;
        match &entry.record {
            Record::Delivered(delivery) => {
                *self.generated_by_kind.entry(delivery.picture.request.asked.kind()).or_default() += 1;
            }
            Record::Produced(produced) => {
                *self.generated_by_kind.entry(produced.request.asked.kind()).or_default() += 1;
                let model = self.pictures_by_model.entry(produced.model.sha256.to_string()).or_default();
                *model = (produced.model.name.clone(), model.1 + 1);
                *self.explicit_labels.entry(produced.explicit_label.clone()).or_default() += 1;
                self.watermarked += u64::from(produced.watermarked);
            }
            Record::Refused(refused) => {
                *self.refused_by_kind.entry(refused.request.asked.kind()).or_default() += 1;
                if let Verdict::Refuse { reasons, .. } = &refused.verdict {
                    let classes: BTreeSet<&str> = reasons.iter().map(|reason| reason.class.as_str()).collect();
                    increase(&mut self.refusals_by_class, classes);
                }
            }
            Record::Withheld(withheld) => {
                *self.withheld_by_kind.entry(withheld.request.asked.kind()).or_default() += 1;
                let classes = withheld.screening.blocking_classes();
                self.withheld_unanswered += u64::from(classes.is_empty());
                self.withheld_strikes += u64::from(withheld.strike);
                increase(&mut self.withheld_by_class, classes);
            }
            Record::Suspended(suspension) => {
                *self.suspensions_by_cause.entry(suspension.cause).or_default() += 1;
                self.latest_suspension = Some(entry.index);
            }
            _ => {}
        }
    }
}

fn increase(counts: &mut BTreeMap<String, u64>, classes: BTreeSet<&str>) {
    for class in classes {
        *counts.entry(class.to_owned()).or_default() += 1;
    }
}
