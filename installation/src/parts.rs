//! Everything between a request and a released file, built from the configuration.

use crate::{Configuration, Result, find_model};
use engine::LoadedModel;
use engine::families::Residency;
use pipeline::{Admission, Chain, ChainOptions, SharedLedger, Worker};
use spec::{JobQueue, KindOfWork, Request, SystemClock};
use std::path::Path;
use std::sync::Arc;
use store::{Existing, MemoryQueue};

/// Admission, queue, worker and chain over one folder and its ledger.
pub struct Parts {
    /// The ledger that the others share.
    pub ledger: Arc<SharedLedger>,
    /// The door.
    pub admission: Arc<Admission>,
    /// Where work waits; it lives as long as the process.
    pub queue: Arc<dyn JobQueue>,
    /// What follows the model.
    pub chain: Arc<Chain>,
    /// What owns the models.
    pub worker: Worker,
}

/// Where the parts work, and how.
#[derive(Debug, Clone, Copy)]
pub struct PartsOptions<'a> {
    /// Where files come out; made where it is missing.
    pub folder: &'a Path,
    /// The ledger's file.
    pub ledger: &'a Path,
    /// What to do about files that already have an artifact's name.
    pub existing: Existing,
    /// Whether a model's components stay in memory between batches.
    pub residency: Residency,
}

impl Configuration {
    /// Builds the parts for a folder. An error while generation is stopped.
    pub fn parts(&self, options: PartsOptions<'_>) -> Result<Parts> {
        let folder = options.folder;
        let policy = self.policy()?;
        store::prepare_folder(folder)?;
        let labeller = self.labeller(folder)?;
        // Before the outbox: while generation is stopped, what a crash left hidden stays so.
        let ledger = Arc::new(SharedLedger::open(&self.record_options(options.ledger)?)?);
        let queue: Arc<dyn JobQueue> = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
        let admission = Arc::new(Admission::new(policy, labeller.clone(), Arc::clone(&ledger), Arc::clone(&queue))?);
        let (existing, strikes) = (options.existing, self.image_safety.strikes);
        let chain = ChainOptions { folder, existing, labeller, examiner: self.image_gate(), strikes };
        let chain = Arc::new(Chain::open(chain, Arc::clone(&ledger))?);
        let (residency, packed) = (options.residency, self.packed_folder());
        let open = move |request: &Request| {
            if request.asked.kind() == KindOfWork::Design {
                return Ok(LoadedModel::simp());
            }
            let folder = find_model(&request.model)?;
            let model = LoadedModel::open(folder, &request.model, request.run.dtype, residency)?;
            Ok(model.with_packed_weights(packed.clone()))
        };
        let worker = Worker::new(Arc::clone(&admission), Arc::clone(&chain), Arc::clone(&ledger), Arc::clone(&queue), Box::new(open))?;
        Ok(Parts { ledger, admission, queue, chain, worker })
    }
}
