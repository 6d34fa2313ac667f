//! What stands in the way of filing: gaps, old or missed numbers, records against each other, conclusions against records.

mod conclusions;
mod rules;

use crate::document::Mark;
use crate::documents::{self, gaps};
use crate::{Document, Records};
use serde::Serialize;

/// What kind of observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservationKind {
    /// Nobody supplied it.
    Gap,
    /// It is older than the standard allows, or than what it speaks of.
    Stale,
    /// A number of the standard is missed.
    Missed,
    /// A conclusion that nothing on record supports.
    Unsupported,
    /// Two records say different things.
    Contradiction,
    /// Worth knowing; no duty.
    Note,
}

impl ObservationKind {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 6] = [Self::Gap, Self::Stale, Self::Missed, Self::Unsupported, Self::Contradiction, Self::Note];

    /// Name in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Gap => "缺项",
            Self::Stale => "过期",
            Self::Missed => "未达标",
            Self::Unsupported => "无佐证",
            Self::Contradiction => "矛盾",
            Self::Note => "提示",
        }
    }

    /// Name in English, for many of them.
    pub fn english(self) -> &'static str {
        match self {
            Self::Gap => "gaps",
            Self::Stale => "out of date",
            Self::Missed => "numbers missed",
            Self::Unsupported => "conclusions without support",
            Self::Contradiction => "contradictions",
            Self::Note => "notes",
        }
    }
}

/// Something that stands in the way of filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// Stable name, for scripts.
    pub id: String,
    /// What kind.
    pub kind: ObservationKind,
    /// The clause that it belongs to.
    pub clause: String,
    /// In English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
}

impl Observation {
    /// Whether it says that a conclusion of people contradicts the records.
    pub fn is_contradicted_conclusion(&self) -> bool {
        self.id.starts_with(conclusions::CONTRADICTED)
    }
}

/// How many observations there are of each kind: the one count that every command and the cover give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally([usize; ObservationKind::ALL.len()]);

impl Tally {
    /// Counts them.
    pub fn of(observations: &[Observation]) -> Self {
        Self(ObservationKind::ALL.map(|kind| observations.iter().filter(|observation| observation.kind == kind).count()))
    }

    /// How many of a kind.
    pub fn count(self, kind: ObservationKind) -> usize {
        ObservationKind::ALL.iter().zip(self.0).find_map(|(of, count)| (*of == kind).then_some(count)).unwrap_or_default()
    }

    /// All but notes.
    pub fn blocking(self) -> usize {
        self.0.iter().sum::<usize>() - self.count(ObservationKind::Note)
    }

    /// `12 gaps, 1 out of date, …`.
    pub fn english(self) -> String {
        let parts: Vec<String> =
            ObservationKind::ALL.iter().zip(self.0).map(|(kind, count)| format!("{count} {}", kind.english())).collect();
        parts.join(", ")
    }

    /// `缺项 12，过期 1，…`.
    pub fn chinese(self) -> String {
        let parts: Vec<String> =
            ObservationKind::ALL.iter().zip(self.0).map(|(kind, count)| format!("{} {count}", kind.chinese())).collect();
        parts.join("，")
    }
}

/// All observations: of records, then of conclusions, then the gaps of the forms.
pub fn check(records: &Records) -> Vec<Observation> {
    of_documents(records, &documents::all(records))
}

/// What [`check`] finds, of `documents` that were made from the records already.
pub(crate) fn of_documents(records: &Records, documents: &[Document]) -> Vec<Observation> {
    let mut list = of_records(records);
    conclusions::apply(records, &mut list);
    for gap in gaps(documents) {
        let (item, supply) = (gap.item, gap.supply);
        let english = format!("nobody supplied {item:?}; supply it by {supply}");
        list.add(&gap.id, ObservationKind::Gap, &gap.clause, english, format!("“{item}”未提供；补充方式：{supply}"));
    }
    list.0
}

/// What must stand before the officer's conclusion on the whole.
pub(crate) fn mark_of_whole(records: &Records) -> Option<Mark> {
    conclusions::of_whole(records, &of_records(records))
}

fn of_records(records: &Records) -> List {
    let mut list = List(Vec::new());
    rules::apply(records, &mut list);
    list
}

pub(crate) struct List(Vec<Observation>);

impl List {
    fn add(&mut self, id: &str, kind: ObservationKind, clause: &str, english: impl Into<String>, chinese: impl Into<String>) {
        self.0.push(Observation { id: id.to_owned(), kind, clause: clause.to_owned(), english: english.into(), chinese: chinese.into() });
    }
}
