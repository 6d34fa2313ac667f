use crate::{Error, LabelVerdict, read_labels};
use credentials::{Signer, Statement, TrainingUse};
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
        let statement = Statement { produce_id, watermarked, training_use: self.training_use, ingredients: &[] };
        let signed = credentials::embed(bytes, &statement, &self.signer, produce_id.made_at())?;
        let (before, after) = (read_labels(bytes), read_labels(&signed));
        if before != after {
            let verdict: LabelVerdict = after.verdict;
            return Err(Error::ReadBackDiffers { verdict, findings: after.findings });
        }
        Ok(signed)
    }
}
