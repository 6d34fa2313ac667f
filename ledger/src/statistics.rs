use crate::{Result, Snapshot};
use serde_json::Value;
use spec::{Sha256Digest, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Counts over a ledger, for reports: how much was made and refused, by which models, under which labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Entries.
    pub entries: u64,
    /// Root over them.
    pub root: Option<Sha256Digest>,
    /// Entries of each kind of record, for example `produced`.
    pub kinds: BTreeMap<String, u64>,
    /// Refused requests in which a rule of the risk class objected; one request may count for several.
    pub refusals_by_class: BTreeMap<String, u64>,
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
    /// Reads every leaf of a ledger that verified. Records of kinds that are not counted here count as entries of their kind.
    pub fn read(snapshot: &Snapshot<'_>) -> Result<Self> {
        let mut counts = Self { root: Some(snapshot.checkpoint().root), ..Self::default() };
        for index in 0..snapshot.checkpoint().size {
            let leaf = snapshot.leaf(index)?.unwrap_or_default();
            counts.count(&serde_json::from_slice(&leaf).unwrap_or_default());
        }
        Ok(counts)
    }

    fn count(&mut self, entry: &Value) {
        let record = &entry["record"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let time = entry["time"].as_u64().map(Timestamp);
        self.entries += 1;
        self.first = self.first.or(time);
        self.last = time.or(self.last);
        *self.kinds.entry(text(&record["kind"])).or_default() += 1;
        match record["kind"].as_str() {
            Some("produced") => {
                let model = self.pictures_by_model.entry(text(&record["model"]["sha256"])).or_default();
                *model = (text(&record["model"]["name"]), model.1 + 1);
                *self.explicit_labels.entry(text(&record["explicit_label"])).or_default() += 1;
                self.watermarked += u64::from(record["watermarked"].as_bool().unwrap_or_default());
            }
            Some("refused") => {
                let reasons = record["verdict"]["reasons"].as_array();
                let classes: BTreeSet<String> = reasons.into_iter().flatten().map(|reason| text(&reason["class"])).collect();
                for class in classes {
                    *self.refusals_by_class.entry(class).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}
