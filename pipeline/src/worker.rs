use crate::chain::Taking;
use crate::ids::fill_random;
use crate::outcome::{Clearance, Refused, Settled, UnlabelledCopy};
use crate::{Admission, Chain, Error, Names, Order, Result, SharedLedger, failpoint, new_id};
use engine::LoadedModel;
use engine::families::{Control, Progress};
use ledger::{Account, Article9Grant};
use policy::Cleared;
use spec::job::{Extension, FinishedItem, JobFailure, JobId, JobItem, Lease, LeaseOwner, LeaseTerms, LeasedJob, Retry};
use spec::stage::{Cleared as _, Granted as _};
use spec::{Code, JobQueue, ModelIdentity, Request, RunPrecision};
use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a lease holds unless it is extended: a worker that dies keeps its items from others for no longer.
const TERM: Duration = Duration::from_mins(1);
/// How often a lease is extended: two calls may be lost before it ends.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Opens the model that a request names.
pub type OpenModel = Box<dyn FnMut(&Request) -> Result<LoadedModel> + Send>;

/// One thread that owns the models: leases work of equal shape, has it cleared under the lexicons of that moment, makes it, and takes it down
/// the chain. A panic ends the job, not the worker.
pub struct Worker {
    admission: Arc<Admission>,
    chain: Arc<Chain>,
    ledger: Arc<SharedLedger>,
    queue: Arc<dyn JobQueue>,
    owner: LeaseOwner,
    open: OpenModel,
    model: Option<(String, RunPrecision, LoadedModel)>,
    /// Jobs of which a withheld artifact has counted against the account: what people ask for counts, and not how many pictures of it.
    struck: HashSet<JobId>,
}

/// Whom a worker tells how far it is.
pub trait Watcher {
    /// Before each step of each batch: whether to go on. Progress is that of the batch.
    fn progress(&mut self, progress: Progress) -> Control;
    /// Whether to lease more; what is leased is made all the same.
    fn goes_on(&mut self) -> bool;
    /// What a user should know of a job that is made all the same; before each batch.
    fn warned(&mut self, _job: JobId, _warnings: &[engine::Warning]) {}
    /// One item is settled.
    fn settled(&mut self, item: JobItem, settled: &Settled);
    /// A job that was cleared when it came is refused now; recorded.
    fn refused(&mut self, job: JobId, refused: &Refused);
    /// Items of a job failed. The worker goes on with other jobs.
    fn failed(&mut self, job: JobId, error: Error);
}

impl Worker {
    /// A worker that opens models by `open` and keeps the latest.
    pub fn new(
        admission: Arc<Admission>,
        chain: Arc<Chain>,
        ledger: Arc<SharedLedger>,
        queue: Arc<dyn JobQueue>,
        open: OpenModel,
    ) -> Result<Self> {
        let mut owner = [0; 16];
        fill_random(&mut owner)?;
        Ok(Self { admission, chain, ledger, queue, owner: LeaseOwner(owner), open, model: None, struck: HashSet::new() })
    }

    /// Works until nothing waits, or the watcher says that it is enough.
    pub fn run(&mut self, watcher: &mut dyn Watcher) -> Result<()> {
        while watcher.goes_on() {
            let Some(next) = self.queue.peek()? else { return Ok(()) };
            // What is wrong with an order or its model is found again, and settled, where its items are leased.
            let most = Order::of(&next).and_then(|order| self.batch_size(&order.request)).unwrap_or(1);
            let terms = LeaseTerms { owner: self.owner, shape: Some(&next.shape), most, term: TERM };
            let Some(lease) = self.queue.lease(&terms)? else { continue };
            self.work(&lease, watcher)?;
        }
        Ok(())
    }

    /// All items of a lease, job by job. An interruption puts back what is not done.
    fn work(&mut self, lease: &Lease, watcher: &mut dyn Watcher) -> Result<()> {
        let standing = Standing::default();
        let queue = Arc::clone(&self.queue);
        std::thread::scope(|scope| {
            let (done, over) = mpsc::channel::<()>();
            let standing = &standing;
            scope.spawn(move || {
                // Ends with the channel, which closes when the work is done.
                while over.recv_timeout(HEARTBEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                    match queue.extend(lease.token, TERM) {
                        Ok(Extension::Lost) => standing.lost.store(true, Ordering::Relaxed),
                        Ok(Extension::Until { cancelled, .. }) => standing.cancel(cancelled),
                        // The next beat tries again; the lease ends by itself.
                        Err(_) => {}
                    }
                }
            });
            let mut outcome = Ok(());
            for leased in &lease.jobs {
                outcome = self.settle_job(lease, leased, standing, watcher);
                if outcome.is_err() {
                    break;
                }
            }
            drop(done);
            outcome
        })
    }

    fn settle_job(&mut self, lease: &Lease, leased: &LeasedJob, standing: &Standing, watcher: &mut dyn Watcher) -> Result<()> {
        let job = leased.job.id;
        let mut finished: HashSet<u32> = HashSet::new();
        let made = {
            let queue = Arc::clone(&self.queue);
            let mut settle = |watcher: &mut dyn Watcher, item: JobItem, settled: &Settled| {
                finished.insert(item.index);
                watcher.settled(item, settled);
                let result = match settled {
                    Settled::Released(released) => released.produce_id.to_string(),
                    Settled::Withheld(withheld) => format!("withheld {}", withheld.ledger_index),
                    Settled::AlreadyRecorded(id) => id.to_string(),
                };
                queue.finish(lease.token, &[FinishedItem { item, result }]).map(drop).map_err(Error::from)
            };
            // What a panic leaves half-way is the model's buffers alone: it is dropped below.
            catch_unwind(AssertUnwindSafe(|| self.make(leased, standing, watcher, &mut settle)))
                .unwrap_or_else(|panic| Err(Error::Panicked(message_of(panic.as_ref()))))
        };
        let rest = || lease.items().filter(|item| item.job == job && !finished.contains(&item.index)).collect::<Vec<_>>();
        match made {
            Ok(None) => Ok(()),
            Ok(Some(refused)) => {
                watcher.refused(job, &refused);
                let failure =
                    JobFailure { code: Code::Refused, message: format!("{} / {}", refused.refusal.english, refused.refusal.chinese) };
                self.queue.fail(lease.token, &rest(), &failure, Retry::Never)?;
                Ok(())
            }
            // Others have the items now, or nobody wants them: no fault of this worker, which goes on.
            Err(error) if error.code() == Code::Interrupted && standing.is_over(job) => {
                self.queue.put_back(lease.token, &rest())?;
                Ok(())
            }
            Err(error) if matches!(error.code(), Code::Interrupted | Code::Stopped) => {
                let others = lease.items().filter(|item| item.job != job || !finished.contains(&item.index)).collect::<Vec<_>>();
                self.queue.put_back(lease.token, &others)?;
                Err(error)
            }
            Err(error) => {
                if matches!(error, Error::Panicked(_)) {
                    self.model = None;
                }
                let failure = JobFailure { code: error.code(), message: error.to_string() };
                self.queue.fail(lease.token, &rest(), &failure, retry(error.code()))?;
                watcher.failed(job, error);
                Ok(())
            }
        }
    }

    /// clear → generate → the chain, for the leased items of one job. Returns the refusal where the gate has one now.
    fn make(
        &mut self,
        leased: &LeasedJob,
        standing: &Standing,
        watcher: &mut dyn Watcher,
        settle: &mut dyn FnMut(&mut dyn Watcher, JobItem, &Settled) -> Result<()>,
    ) -> Result<Option<Box<Refused>>> {
        let order = Order::of(&leased.job)?;
        let account = Account::new(&leased.job.account)?;
        self.chain.check_names(&order.names, order.request.asked.format())?;
        self.chain.prepare()?;
        let cleared = match self.admission.clear(&account, order.request)? {
            Clearance::Cleared(cleared) => cleared,
            Clearance::Refused(refused) => return Ok(Some(refused)),
        };
        for range in leased.ranges() {
            let items = range.clone().map(|index| JobItem { job: leased.job.id, index });
            let mut waiting = Vec::new();
            for item in items {
                let id = item.produce_id();
                match self.ledger.read(|ledger| ledger.find(id))? {
                    Some(_) => settle(watcher, item, &Settled::AlreadyRecorded(id))?,
                    None => waiting.push(item),
                }
            }
            let (Some(first), Some(last)) = (waiting.first(), waiting.last()) else { continue };
            let warnings = self.model(cleared.request())?.warnings(cleared.request())?;
            if !warnings.is_empty() {
                watcher.warned(leased.job.id, &warnings);
            }
            let generated = self.generate(&cleared, first.index..last.index + 1, &mut |progress| {
                if standing.is_over(leased.job.id) { Control::Stop } else { watcher.progress(progress) }
            })?;
            for (index, generated) in (first.index..=last.index).zip(generated) {
                let item = JobItem { job: leased.job.id, index };
                if !waiting.contains(&item) {
                    continue;
                }
                let may_strike = self.chain.counts_strikes() && !self.struck.contains(&item.job);
                let taking = Taking { account: &account, produce_id: item.produce_id(), names: &order.names, grant: None, may_strike };
                let settled = self.chain.take(generated, taking)?;
                if matches!(&settled, Settled::Withheld(withheld) if withheld.strike) {
                    self.struck.insert(item.job);
                }
                settle(watcher, item, &settled)?;
            }
        }
        Ok(None)
    }

    /// Model → sampler → decode, for as long as generation is not stopped.
    fn generate(
        &mut self,
        cleared: &Arc<Cleared>,
        range: std::ops::Range<u32>,
        observer: &mut dyn FnMut(Progress) -> Control,
    ) -> Result<Vec<engine::Generated>> {
        let ledger = Arc::clone(&self.ledger);
        let mut stopped = None;
        let model = self.model(cleared.request())?;
        let generated = engine::generate(model, cleared, range, &mut |progress| {
            failpoint("drawing");
            stopped = ledger.check_running().err();
            if stopped.is_some() { Control::Stop } else { observer(progress) }
        });
        match stopped {
            Some(error) => Err(error),
            None => Ok(generated?),
        }
    }

    /// The one picture that `grant` is for, generated again and taken out without its explicit label. The request passes the gate anew, and
    /// the weights must be those of the record.
    pub fn unlabelled_copy(
        &mut self,
        grant: Article9Grant,
        account: &Account,
        name: &str,
        observer: &mut dyn FnMut(Progress) -> Control,
    ) -> Result<UnlabelledCopy> {
        let names = Names::Given(name.to_owned());
        let request = grant.request().clone();
        self.chain.check_names(&names, request.asked.format())?;
        self.chain.prepare()?;
        self.check_weights(&request, grant.model())?;
        let cleared = match self.admission.clear(account, request)? {
            Clearance::Cleared(cleared) => cleared,
            Clearance::Refused(refused) => return Ok(UnlabelledCopy::Refused(refused)),
        };
        let generated = self.generate(&cleared, 0..1, observer)?.pop();
        let generated = generated.ok_or_else(|| Error::InvalidRequest("no picture was generated / 未生成图片".into()))?;
        let produce_id = new_id(self.ledger.clock())?;
        // Nobody asked for anything new.
        let taking = Taking { account, produce_id, names: &names, grant: Some(grant), may_strike: false };
        Ok(match self.chain.take(generated, taking)? {
            Settled::Released(released) => UnlabelledCopy::Released(released),
            Settled::Withheld(withheld) => UnlabelledCopy::Withheld(withheld),
            Settled::AlreadyRecorded(id) => return Err(ledger::Error::AlreadyRecorded(id).into()),
        })
    }

    fn check_weights(&mut self, request: &Request, recorded: &ModelIdentity) -> Result<()> {
        let (recorded, present) = (recorded.sha256, self.model(request)?.identity().sha256);
        if recorded == present {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!(
            "the picture was made by model {recorded}, not by {present} / 该图片由模型 {recorded} 生成，而不是 {present}"
        )))
    }

    fn batch_size(&mut self, request: &Request) -> Result<u32> {
        let batch = self.model(request)?.batch_size(request);
        Ok(u32::try_from(batch).unwrap_or(u32::MAX).max(1))
    }

    fn model(&mut self, request: &Request) -> Result<&mut LoadedModel> {
        let is_there = self.model.as_ref().is_some_and(|(name, dtype, _)| *name == request.model && *dtype == request.run.dtype);
        if !is_there {
            // First out, so that two models never share the memory of one.
            self.model = None;
            let opened = (self.open)(request)?;
            return Ok(&mut self.model.insert((request.model.clone(), request.run.dtype, opened)).2);
        }
        match &mut self.model {
            Some((_, _, model)) => Ok(model),
            None => Err(Error::InvalidRequest("no model is loaded / 未加载模型".into())),
        }
    }
}

/// Whether a lease, and each of its jobs, still stand: what its heartbeat learns from the queue.
#[derive(Default)]
struct Standing {
    lost: AtomicBool,
    cancelled: Mutex<Vec<JobId>>,
}

impl Standing {
    fn cancel(&self, jobs: Vec<JobId>) {
        *self.cancelled.lock().unwrap_or_else(PoisonError::into_inner) = jobs;
    }

    fn is_over(&self, job: JobId) -> bool {
        self.lost.load(Ordering::Relaxed) || self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).contains(&job)
    }
}

/// Whether another attempt can help: not where request, model or configuration are at fault.
fn retry(code: Code) -> Retry {
    match code {
        Code::StorageFailed | Code::Internal | Code::Suspended => Retry::Again,
        _ => Retry::Never,
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}
