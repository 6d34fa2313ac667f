//! A process killed at any step between render and release: after the next start each picture is recorded and present, or absent.

use crate::{Names, Outcome, RecordOptions, Studio, StudioOptions};
use engine::LoadedModel;
use engine::families::{Control, Residency};
use engine::model_folder::ModelFolder;
use ledger::{Entry, Head, PromptStorage, VaultSettings, verify};
use policy::{ImageGate, OnFailure};
use provenance::Labeller;
use spec::{Asked, FileFormat, LogStorage as _, PictureRequest, Request, Run, RunPrecision, Sha256Digest, Texts};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use store::{Existing, SqliteLog};

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

fn open(folder: &Path) -> Studio {
    let vault = VaultSettings { key: folder.join("danqing-ledger.record-key"), prompts: PromptStorage::Encrypted, retention_days: 184 };
    Studio::open(StudioOptions {
        folder,
        existing: Existing::Refuse,
        labeller: Labeller::new(None).unwrap(),
        image_gate: Box::new(|| Ok(ImageGate::new(OnFailure::Block))),
        strikes: true,
        policy: policy::LiveSettings::default(),
        record: RecordOptions { account: "甲".into(), vault, stop_file: folder.join("stopped") },
    })
    .unwrap()
}

fn work(folder: &Path, pictures: u64) {
    let mut studio = open(folder);
    let mut model = model();
    for seed in 0..pictures {
        let Outcome::Cleared(cleared) = studio.clear(request(seed)).unwrap() else { panic!("refused") };
        let mut deliver = |_| RELEASED.set(RELEASED.get() + 1);
        studio.render(&mut model, &cleared, &Names::ByProduceId, &mut |_| Control::Continue, &mut deliver).unwrap();
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
        let recovered = open(folder.path()).recovery().clone();
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
fn a_stop_while_drawing_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = open(folder.path());
    let mut model = model();
    let Outcome::Cleared(cleared) = studio.clear(request(1)).unwrap() else { panic!("refused") };
    let stop_file = folder.path().join("stopped");
    let mut stop = |_| {
        std::fs::write(&stop_file, "{}").unwrap();
        Control::Continue
    };
    let error = studio.render(&mut model, &cleared, &Names::ByProduceId, &mut stop, &mut |_| panic!("released")).unwrap_err();
    assert_eq!(error.code(), spec::Code::Stopped, "{error}");
    assert!(studio.clear(request(2)).is_err(), "nothing is cleared while generation is stopped");
    std::fs::remove_file(&stop_file).unwrap();
    drop((studio, Arc::into_inner(cleared)));
    open(folder.path());
    check(folder.path(), 0, "stopped while drawing");
}

#[test]
fn a_stop_between_record_and_release_keeps_the_file_hidden_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut studio = open(folder.path());
    let mut model = model();
    let Outcome::Cleared(cleared) = studio.clear(request(1)).unwrap() else { panic!("refused") };
    let stop_file = folder.path().join("stopped");
    STOP_WHEN_RECORDED.set(Some(stop_file.clone()));
    let mut go_on = |_| Control::Continue;
    let error = studio.render(&mut model, &cleared, &Names::ByProduceId, &mut go_on, &mut |_| panic!("released")).unwrap_err();
    assert_eq!(error.code(), spec::Code::Stopped, "{error}");
    drop(studio);
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().all(|name| !name.contains(".png")), "a picture is visible while generation is stopped");
    std::fs::remove_file(&stop_file).unwrap();
    assert_eq!(open(folder.path()).recovery().released.len(), 1);
    check(folder.path(), 1, "stopped before release");
}
