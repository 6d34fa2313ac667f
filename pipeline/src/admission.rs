use crate::outcome::{Clearance, Refused};
use crate::{Error, JobTerms, Order, Result, SharedLedger, limits, new_job_id, strikes};
use engine::Device;
use engine::model_folder::ModelFolder;
use engine::prompt_enhancer::{Decoding, PromptEnhancer};
use ledger::Account;
use policy::{LiveGate, LiveSettings};
use provenance::{Labeller, Warning};
use spec::job::JobId;
use spec::{Asked, JobQueue, Request, Texts};
use std::sync::Arc;

/// Sampling of the prompt enhancer, as ERNIE-Image's pipeline sets it.
const TEMPERATURE: f32 = 0.6;
/// Share of probability that the prompt enhancer samples from, as ERNIE-Image's pipeline sets it.
const TOP_P: f32 = 0.95;

/// The door: limits, the account's standing, the gate, the queue. Shared by every front; while one thread's artifacts are made, all others
/// can still be answered.
pub struct Admission {
    gate: LiveGate,
    labeller: Labeller,
    ledger: Arc<SharedLedger>,
    queue: Arc<dyn JobQueue>,
}

/// What became of an order.
#[derive(Debug)]
pub enum Submission {
    /// It is in the queue under this id.
    Queued(JobId),
    /// Recorded; nothing follows.
    Refused(Box<Refused>),
}

impl Admission {
    /// Reads the lexicons. `labeller` says which sizes have room for the label.
    pub fn new(policy: LiveSettings, labeller: Labeller, ledger: Arc<SharedLedger>, queue: Arc<dyn JobQueue>) -> Result<Self> {
        Ok(Self { gate: LiveGate::open(policy)?, labeller, ledger, queue })
    }

    /// What the user should be told before anything is made.
    pub fn warnings(&self) -> Vec<Warning> {
        self.labeller.warnings()
    }

    /// Clears an order and puts it in the queue.
    pub fn submit(&self, account: &Account, order: &Order, terms: JobTerms) -> Result<Submission> {
        match self.clear(account, order.request.clone())? {
            Clearance::Refused(refused) => Ok(Submission::Refused(refused)),
            Clearance::Cleared(_) => {
                let id = new_job_id(self.ledger.clock())?;
                self.queue.put(&order.job(id, account.as_str(), terms)?)?;
                Ok(Submission::Queued(id))
            }
        }
    }

    /// Checks a request and puts it before the gate; a refusal is recorded, and counts against the account. Lexicons that changed on
    /// disk into something that cannot be used are an error: whoever changed them should not think that they are in force.
    pub fn clear(&self, account: &Account, request: Request) -> Result<Clearance> {
        limits::check(&request)?;
        self.ledger.check_running()?;
        self.ledger.read(|ledger| strikes::check(ledger, account))?;
        if let Asked::Picture(picture) = &request.asked {
            self.labeller.check_size(picture.width, picture.height)?;
        }
        let (gate, reloaded) = self.gate.current();
        reloaded?;
        match gate.clear(request) {
            policy::Clearance::Cleared(cleared) => Ok(Clearance::Cleared(Arc::new(cleared))),
            policy::Clearance::Refused(refusal) => {
                let now = self.ledger.now();
                let (ledger_index, suspended) = self.ledger.write(|ledger| {
                    let index = ledger.append_refusal(&refusal.request, &refusal.verdict, account)?;
                    Ok::<_, Error>((index, strikes::count(ledger, account, now)?))
                })?;
                Ok(Clearance::Refused(Box::new(Refused { refusal, ledger_index, suspended })))
            }
        }
    }

    /// The request with its prompt rewritten by the model's prompt enhancer, once it is clear that the user may ask for it. The gate has yet
    /// to read what comes out; the record will hold both texts. `Err` holds a refusal.
    pub fn enhance(
        &self,
        account: &Account,
        request: Request,
        folder: &ModelFolder,
        should_stop: &mut dyn FnMut() -> bool,
    ) -> Result<Result<Request, Box<Refused>>> {
        if let Clearance::Refused(refused) = self.clear(account, request.clone())? {
            return Ok(Err(refused));
        }
        let enhancer = PromptEnhancer::load(folder, &Device::cpu(request.run.dtype))?
            .ok_or_else(|| Error::InvalidRequest("this model has no prompt enhancer / 该模型没有提示词增强组件".into()))?;
        let (width, height) = request.picture_size();
        let decoding = Decoding::Sampled { temperature: TEMPERATURE, top_p: TOP_P, seed: request.seed };
        let prompt = enhancer.enhance(&request.texts.prompt, (width as usize, height as usize), decoding, should_stop)?;
        let texts = Texts { original_prompt: Some(request.texts.prompt), prompt, negative_prompt: request.texts.negative_prompt };
        Ok(Ok(Request { texts, ..request }))
    }
}
