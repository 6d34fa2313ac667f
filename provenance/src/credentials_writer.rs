use crate::{Error, read_labels};
use credentials::{Change, Deed, Ingredient, Relationship, Signer, Source, Statement, TrainingUse};
use spec::ProduceId;

/// Who signs C2PA manifests, and what they permit.
#[derive(Debug, Clone)]
pub(crate) struct CredentialsWriter {
    pub(crate) signer: Signer,
    pub(crate) training_use: TrainingUse,
}

impl CredentialsWriter {
    /// `bytes` with a manifest that covers all of them; last of all, for nothing may change a byte after it. The implicit label must read
    /// as before.
    pub(crate) fn write(&self, bytes: &[u8], produce_id: ProduceId, watermarked: bool) -> Result<Vec<u8>, Error> {
        let deed = Deed::Generated { watermarked, training_use: self.training_use };
        let statement = Statement { produce_id, deed, ingredients: &[] };
        let signed = credentials::embed(bytes, &statement, &self.signer, produce_id.made_at())?;
        check_label(bytes, &signed)?;
        Ok(signed)
    }
}

/// A file that was made from another one, with its manifest.
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    /// The manifest store to lie beside a file that cannot carry it.
    pub(crate) sidecar: Option<Vec<u8>>,
}

/// `bytes` with a manifest that says what was done to `source`, whose own manifest it takes along. Bytes that have no place for one, or
/// a damaged one that cannot be cut out, get it beside them.
pub(crate) fn sign_changed(bytes: &[u8], source: &Source<'_>, changes: &[Change], id: ProduceId, signer: &Signer) -> Result<Signed, Error> {
    let now = id.made_at();
    let parent = Ingredient::read(source, Relationship::Parent, now);
    let statement = Statement { produce_id: id, deed: Deed::Changed(changes), ingredients: std::slice::from_ref(&parent) };
    match credentials::embed(bytes, &statement, signer, now) {
        Err(credentials::Error::CannotEmbed | credentials::Error::AlreadySigned) => {
            let store = credentials::sidecar(bytes, &statement, signer, now)?;
            Ok(Signed { bytes: bytes.to_vec(), sidecar: Some(store) })
        }
        signed => {
            let signed = signed?;
            check_label(bytes, &signed)?;
            if credentials::remove(&signed).as_deref() != Some(bytes) {
                return Err(Error::EmbeddingFailed);
            }
            Ok(Signed { bytes: signed, sidecar: None })
        }
    }
}

fn check_label(before: &[u8], after: &[u8]) -> Result<(), Error> {
    let (before, after) = (read_labels(before), read_labels(after));
    if before == after { Ok(()) } else { Err(Error::ReadBackDiffers { verdict: after.verdict, findings: after.findings }) }
}
