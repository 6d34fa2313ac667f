//! The documents of the bundle, one file for each group.

mod algorithm;
pub(crate) mod assessment;
mod cover;
mod kinds;
pub(crate) mod labels;
mod model_card;
mod service;
mod stop_report;
mod store;

pub(crate) use algorithm::CONCLUSION;
pub use service::keywords_csv;
pub use stop_report::{Stop, stop_report};

use crate::{Content, Document, Observation, Records};

/// All documents but the cover, in the order of the bundle.
pub fn all(records: &Records) -> Vec<Document> {
    let mut documents = algorithm::documents(records);
    documents.extend(service::documents(records));
    documents.push(store::document(records));
    documents.push(model_card::document(records));
    let subject = records.subject.value("subject.name").unwrap_or(crate::document::GAP);
    let date = records.today.to_string();
    let subtitle = match date.split('-').map(|part| part.trim_start_matches('0')).collect::<Vec<_>>().as_slice() {
        [year, month, day] => format!("{subject}　{year}年{month}月{day}日"),
        _ => format!("{subject}　{date}"),
    };
    documents.into_iter().map(|document| document.subtitle(subtitle.clone())).collect()
}

/// What nobody supplied, once, with all places that ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Stable name.
    pub id: String,
    /// The clause that asks for it first.
    pub clause: String,
    /// What the form calls it.
    pub item: String,
    /// How to supply it.
    pub supply: String,
    /// Documents that it is missing from.
    pub places: Vec<String>,
}

/// The gaps of all `documents`, in their order.
pub fn gaps(documents: &[Document]) -> Vec<Gap> {
    let mut found: Vec<Gap> = Vec::new();
    for document in documents {
        for row in document.rows() {
            for (item, content) in row.answers() {
                let Content::Gap { id, supply } = content else { continue };
                let place = document.place();
                match found.iter_mut().find(|gap| gap.id == *id) {
                    Some(gap) if gap.places.contains(&place) => {}
                    Some(gap) => gap.places.push(place),
                    None => {
                        found.push(Gap { id: id.clone(), clause: row.clause.clone(), item, supply: supply.clone(), places: vec![place] });
                    }
                }
            }
        }
    }
    found
}

/// The cover, which lists the gaps of the others and what [`crate::check`] found.
pub fn cover(records: &Records, documents: &[Document], observations: &[Observation]) -> Document {
    cover::document(records, documents, observations)
}
