//! A process killed at any step between generation and release: after the next start each picture is recorded and present, or absent.

use crate::{
    Admission, Chain, ChainOptions, Error, JobTerms, Names, Order, RecordOptions, Refused, Settled, SharedLedger, Submission, Watcher,
    Worker,
};
use engine::LoadedModel;
use engine::families::{Control, Progress, Residency};
use engine::model_folder::ModelFolder;
use ledger::{Account, Entry, Head, PromptStorage, VaultSettings, verify};
use policy::{ArtifactGate, PICTURES_SWITCHED_OFF};
use provenance::Labeller;
use spec::job::{JobId, JobItem, JobState, Priority};
use spec::{Asked, FileFormat, JobQueue, LogStorage as _, PictureRequest, Request, Run, RunPrecision, Sha256Digest, SystemClock, Texts};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use store::{Existing, MemoryQueue, SqliteLog};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/xiaopin");
const FOLDER: &str = "DANQING_KILL_TEST_FOLDER";
const STEP: &str = "DANQING_KILL_TEST_STEP";
/// Where the process dies with its second picture in hand, and how many are on record after the next start.
const STEPS: [(&str, usize); 6] = [("drawing", 1), ("drawn", 1), ("labelled", 1), ("stored", 1), ("recorded", 2), ("released", 2)];

thread_local! {
    static RELEASED: Cell<usize> = const { Cell::new(0) };
    static STOP_WHEN_RECORDED: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Kills the process, by no signal that it could catch, if this is the step and one picture is out. Or stops generation.
pub fn failpoint(step: &str) {
    if step == "recorded"
        && let Some(stop_file) = STOP_WHEN_RECORDED.take()
    {
        std::fs::write(stop_file, "{}").unwrap();
    }
    let chosen = std::env::var(STEP).is_ok_and(|chosen| chosen == step);
    if chosen && RELEASED.get() == 1 {
        std::process::abort();
    }
}

fn request(seed: u64) -> Request {
    Request {
        model: "xiaopin".into(),
        texts: Texts::of("一只小猫"),
        seed,
        count: 1,
        run: Run::exact(RunPrecision::Bf16),
        asked: Asked::Picture(PictureRequest {
            width: 128,
            height: 128,
            num_inference_steps: 1,
            guidance_scale: 1.0,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    }
}

fn model() -> LoadedModel {
    let folder = ModelFolder::open(MODEL).unwrap();
    LoadedModel::open(folder, "xiaopin", RunPrecision::Bf16, Residency::Keep).unwrap()
}

/// Admission, chain and worker over one folder.
struct House {
    admission: Arc<Admission>,
    chain: Arc<Chain>,
    queue: Arc<MemoryQueue>,
    worker: Worker,
    account: Account,
}

fn open(folder: &Path) -> House {
    let vault = VaultSettings { key: folder.join("danqing-ledger.record-key"), prompts: PromptStorage::Encrypted, retention_days: 184 };
    let record = RecordOptions { ledger: folder.join(crate::LEDGER_FILE), ledger_key: None, vault, stop_file: folder.join("stopped") };
    let ledger = Arc::new(SharedLedger::open(&record).unwrap());
    let labeller = Labeller::new(None).unwrap();
    let queue = Arc::new(MemoryQueue::new(Arc::new(SystemClock)));
    let port: Arc<dyn JobQueue> = Arc::<MemoryQueue>::clone(&queue);
    let admission = Admission::new(policy::LiveSettings::default(), labeller.clone(), Arc::clone(&ledger), Arc::clone(&port)).unwrap();
    let admission = Arc::new(admission);
    let examiner = Box::new(|| Ok(ArtifactGate::new(vec![Box::new(PICTURES_SWITCHED_OFF)])));
    let options = ChainOptions { folder, existing: Existing::Refuse, labeller, examiner, strikes: true };
    let chain = Arc::new(Chain::open(options, Arc::clone(&ledger)).unwrap());
    let open_model = Box::new(|_: &Request| Ok(model()));
    let worker = Worker::new(Arc::clone(&admission), Arc::clone(&chain), ledger, port, open_model).unwrap();
    House { admission, chain, queue, worker, account: Account::new("甲").unwrap() }
}

impl House {
    fn submit(&self, request: Request) -> JobId {
        let order = Order { request, names: Names::ByProduceId };
        let terms = JobTerms { priority: Priority::INTERACTIVE, maximum_attempts: 1 };
        match self.admission.submit(&self.account, &order, terms).unwrap() {
            Submission::Queued(job) => job,
            Submission::Refused(_) => panic!("refused"),
        }
    }
}

/// Counts what is released, and does something at every step.
struct Counting<F: FnMut()> {
    at_step: F,
    failures: Vec<String>,
}

fn counting<F: FnMut()>(at_step: F) -> Counting<F> {
    Counting { at_step, failures: Vec::new() }
}

impl<F: FnMut()> Watcher for Counting<F> {
    fn progress(&mut self, _: Progress) -> Control {
        (self.at_step)();
        Control::Continue
    }

    fn goes_on(&mut self) -> bool {
        true
    }

    fn settled(&mut self, _: JobItem, _: &Settled) {
        RELEASED.set(RELEASED.get() + 1);
    }

    fn refused(&mut self, _: JobId, refused: &Refused) {
        panic!("refused: {}", refused.refusal.english);
    }

    fn failed(&mut self, _: JobId, error: Error) {
        self.failures.push(error.to_string());
    }
}

fn work(folder: &Path, pictures: u64) {
    let mut house = open(folder);
    for seed in 0..pictures {
        house.submit(request(seed));
        let mut watcher = counting(|| ());
        house.worker.run(&mut watcher).unwrap();
        assert_eq!(watcher.failures, Vec::<String>::new());
    }
}

/// The process that is killed: does nothing unless [`killed_at_every_step`] started it.
#[test]
fn child() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        work(Path::new(&folder), 3);
    }
}

/// Every visible picture is recorded with just these bytes, every recorded one is visible, and nothing is hidden.
fn check(folder: &Path, pictures: usize, step: &str) {
    let log = SqliteLog::open_existing(&folder.join(crate::LEDGER_FILE)).unwrap();
    let report = verify(&log).unwrap();
    assert!(report.is_sound() && report.head == Head::Matches, "{step}: {report}");
    let entry = |index| Entry::from_leaf(&log.leaf(index).unwrap().unwrap()[32..]).unwrap();
    let recorded: Vec<_> = (0..report.length).filter_map(|index| entry(index).produced().cloned()).collect();
    let ids: HashSet<_> = recorded.iter().map(|produced| produced.produce_id).collect();
    assert_eq!((recorded.len(), ids.len()), (pictures, pictures), "{step}");
    for produced in &recorded {
        let bytes = std::fs::read(folder.join(&produced.release_name)).unwrap_or_default();
        assert_eq!(Sha256Digest::of(&bytes), produced.content_sha256, "{step}: {}", produced.release_name);
    }
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let others: Vec<_> = names.filter(|name| !name.starts_with("danqing-")).collect();
    assert_eq!(others.len(), pictures, "{step}: {others:?}");
}

#[test]
fn killed_at_every_step() {
    for (step, pictures) in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child"])
            .envs([(FOLDER, folder.path().as_os_str()), (STEP, step.as_ref())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "{step}: the process was not killed");
        let recovered = open(folder.path()).chain.recovery().clone();
        assert_eq!(recovered.released.len(), usize::from(step == "recorded"), "{step}");
        assert_eq!(recovered.removed.len(), usize::from(step == "stored"), "{step}");
        check(folder.path(), pictures, step);
        if step == "recorded" {
            work(folder.path(), 1);
            check(folder.path(), pictures + 1, step);
        }
    }
}

#[test]
fn a_stop_while_generating_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = open(folder.path());
    house.submit(request(1));
    let stop_file = folder.path().join("stopped");
    let mut watcher = counting(|| std::fs::write(&stop_file, "{}").unwrap());
    let error = house.worker.run(&mut watcher).unwrap_err();
    assert_eq!(error.code(), spec::Code::Stopped, "{error}");
    assert!(house.admission.clear(&house.account, request(2)).is_err(), "nothing is cleared while generation is stopped");
    std::fs::remove_file(&stop_file).unwrap();
    drop(house);
    open(folder.path());
    check(folder.path(), 0, "stopped while generating");
}

#[test]
fn a_stop_between_record_and_release_keeps_the_file_hidden_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = open(folder.path());
    house.submit(request(1));
    let stop_file = folder.path().join("stopped");
    STOP_WHEN_RECORDED.set(Some(stop_file.clone()));
    let error = house.worker.run(&mut counting(|| ())).unwrap_err();
    assert_eq!(error.code(), spec::Code::Stopped, "{error}");
    drop(house);
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().all(|name| !name.contains(".png")), "a picture is visible while generation is stopped");
    std::fs::remove_file(&stop_file).unwrap();
    assert_eq!(open(folder.path()).chain.recovery().released.len(), 1);
    check(folder.path(), 1, "stopped before release");
}

#[test]
fn a_panic_ends_its_job_and_the_worker_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = open(folder.path());
    let (first, second) = (house.submit(request(1)), house.submit(request(2)));
    let mut steps = 0;
    let mut watcher = counting(|| {
        steps += 1;
        assert!(steps > 1, "a defect");
    });
    house.worker.run(&mut watcher).unwrap();
    assert!(matches!(&watcher.failures[..], [one] if one.contains("a defect")), "{:?}", watcher.failures);
    let state = |job| house.queue.status(job).unwrap().unwrap().state();
    assert_eq!((state(first), state(second)), (JobState::Dead, JobState::Finished));
    check(folder.path(), 1, "after a panic");
}

#[test]
fn an_item_that_is_on_record_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = open(folder.path());
    let job = house.submit(request(1));
    let waiting = house.queue.status(job).unwrap().unwrap().job;
    house.worker.run(&mut counting(|| ())).unwrap();
    // A queue that lost what its worker said last.
    assert!(house.queue.remove(job).unwrap());
    house.queue.put(&waiting).unwrap();
    house.worker.run(&mut counting(|| panic!("it is made again"))).unwrap();
    assert_eq!(house.queue.status(job).unwrap().unwrap().state(), JobState::Finished);
    check(folder.path(), 1, "put twice");
}
