//! The documents of the bundle, one file for each group.

mod algorithm;
pub(crate) mod assessment;
mod cover;
mod model_card;
mod service;
mod store;

pub use service::keywords_csv;

use crate::{Document, Records};

/// All documents but the cover, in the order of the bundle.
pub fn all(records: &Records) -> Vec<Document> {
    let mut documents = algorithm::documents(records);
    documents.extend(service::documents(records));
    documents.push(store::document(records));
    documents.push(model_card::document(records));
    documents
}

/// The cover, which lists the gaps of the others and what [`crate::check`] found.
pub fn cover(records: &Records, documents: &[Document]) -> Document {
    cover::document(records, documents)
}
