//! A visible name always stands for a whole file, and nobody's file is overwritten unasked.
use spec::stage::{Labelled, Recorded, Source, Stored as _};
use spec::{Code, FileFormat, ImplicitLabel, LabelKind, ProduceId, Sha256Digest, Timestamp};
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use store::{Error, Existing, Outbox, Stored, write_output};

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct File {
    label: ImplicitLabel,
    bytes: Vec<u8>,
}

impl Labelled for File {
    fn id(&self) -> ProduceId {
        self.label.produce_id
    }
    fn source(&self) -> Source<'_> {
        unreachable!("the store does not look at the source")
    }
    fn sidecar(&self) -> Option<&[u8]> {
        None
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn format(&self) -> FileFormat {
        FileFormat::Png
    }
    fn content_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&self.bytes)
    }
}

/// What the ledger makes of a stored file.
struct Known(Stored);

impl Recorded for Known {
    fn stored(&self) -> &dyn spec::stage::Stored {
        &self.0
    }
    fn leaf_index(&self) -> u64 {
        0
    }
    fn root(&self) -> Sha256Digest {
        Sha256Digest::of(b"")
    }
}

fn known(stored: Stored) -> Known {
    stored.keep();
    Known(stored)
}

fn id(number: u8) -> ProduceId {
    ProduceId::new(Timestamp(1_795_392_000_000), [number; 10])
}

fn file(number: u8, bytes: &[u8]) -> File {
    let empty = String::new;
    let label = ImplicitLabel {
        label: LabelKind::Generated,
        content_producer: empty(),
        produce_id: id(number),
        reserved_code_1: empty(),
        content_propagator: empty(),
        propagate_id: empty(),
        reserved_code_2: empty(),
    };
    File { label, bytes: bytes.to_vec() }
}

fn open(folder: &Path, existing: Existing) -> Result<Outbox, Error> {
    Outbox::open(folder, existing, |_| Ok::<_, Infallible>(None))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_hidden_until_released() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Refuse)?;
    let stored = outbox.put(file(1, b"picture"), "猫.png")?;
    assert_eq!((stored.produce_id(), stored.release_name()), (id(1), "猫.png"));
    assert_eq!(names(folder.path()), [format!(".danqing-{}.part", id(1))]);
    let path = outbox.release(&known(stored))?;
    assert_eq!((names(folder.path()), fs::read(path)?), (vec!["猫.png".to_owned()], b"picture".to_vec()));
    Ok(())
}

#[test]
fn a_file_that_is_dropped_unrecorded_is_removed_and_a_kept_one_stays() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Refuse)?;
    drop(outbox.put(file(1, b"a"), "a.png")?);
    assert!(names(folder.path()).is_empty());
    drop(known(outbox.put(file(2, b"b"), "b.png")?));
    assert_eq!(names(folder.path()).len(), 1);
    Ok(())
}

#[test]
fn an_existing_file_is_replaced_only_on_request() -> Outcome {
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("a.png");
    let refusing = open(folder.path(), Existing::Refuse)?;
    let early = known(refusing.put(file(1, b"early"), "a.png")?);
    fs::write(&target, "mine")?;
    let error = refusing.put(file(2, b"late"), "a.png").err().expect("the name is taken");
    assert!(matches!(error, Error::NameTaken { .. }) && error.code() == Code::InvalidRequest, "{error}");

    let beside = refusing.release(&early)?;
    assert_eq!(beside, folder.path().join(format!("a.{}.png", id(1))));
    assert_eq!((fs::read(&beside)?, fs::read(&target)?), (b"early".to_vec(), b"mine".to_vec()));

    let replacing = open(folder.path(), Existing::Replace)?;
    assert_eq!(replacing.release(&known(replacing.put(file(3, b"new"), "a.png")?))?, target);
    assert_eq!(fs::read(&target)?, b"new");
    Ok(())
}

#[test]
fn names_that_leave_the_folder_or_hide_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Refuse)?;
    for name in ["", ".", "..", "../a.png", "/a.png", "b/a.png", "a.png/", ".a.png", "a\0.png"] {
        let refused = outbox.put(file(1, b"x"), name);
        assert!(matches!(refused, Err(Error::NameInvalid { .. })), "{name:?}");
    }
    assert!(names(folder.path()).is_empty());
    Ok(())
}

#[test]
fn nothing_replaces_a_ledger_or_a_key_whatever_is_asked() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Replace)?;
    for name in ["danqing-ledger.sqlite", "danqing-ledger.record-key", "danqing-ledger.key.checkpoint", "danqing.toml", "x.sqlite-wal"] {
        fs::write(folder.path().join(name), "precious")?;
        let refused = outbox.put(file(1, b"x"), name);
        assert!(matches!(refused, Err(Error::NameReserved { .. })), "{name}");
        assert!(matches!(write_output(&folder.path().join(name), b"x"), Err(Error::NameReserved { .. })), "{name}");
        assert_eq!(fs::read(folder.path().join(name))?, b"precious", "{name}");
    }
    assert!(matches!(outbox.put(file(1, b"x"), "x.jpg"), Err(Error::NameOfAnotherFormat { .. })));
    Ok(())
}

#[test]
fn six_writers_of_the_longest_name_all_release() -> Outcome {
    let folder = tempfile::tempdir()?;
    let longest = format!("{}.png", "a".repeat(209));
    let outboxes: Vec<Outbox> = (0..6).map(|_| open(folder.path(), Existing::Refuse)).collect::<Result<_, _>>()?;
    let stored = (0..).zip(&outboxes).map(|(number, outbox)| outbox.put(file(number, &[number]), &longest).map(known));
    let stored: Vec<Known> = stored.collect::<Result<_, _>>()?;
    for (outbox, recorded) in outboxes.iter().zip(&stored) {
        outbox.release(recorded)?;
    }
    assert_eq!(names(folder.path()).iter().filter(|name| !name.starts_with('.')).count(), 6);
    for too_long in [format!("a{longest}"), "a".repeat(240) + ".png", "丹".repeat(90) + ".png"] {
        assert!(matches!(outboxes[0].check_name(&too_long, FileFormat::Png), Err(Error::NameTooLong { .. })), "{too_long}");
    }
    Ok(())
}

#[test]
fn a_recorded_name_that_no_file_can_have_blocks_nobody() -> Outcome {
    let folder = tempfile::tempdir()?;
    let recorded = ["丹".repeat(90) + ".png", "a".repeat(240) + ".png", "danqing-ledger.sqlite".into(), "../4.png".into()];
    fs::write(folder.path().join("a".repeat(240) + ".png"), "mine")?;
    for number in 1..=4 {
        fs::write(folder.path().join(format!(".danqing-{}.part", id(number))), [number])?;
    }
    // A folder in the way of a hidden file can be neither opened nor removed.
    fs::create_dir(folder.path().join(format!(".danqing-{}.part", id(5))))?;
    let outbox = Outbox::open(folder.path(), Existing::Refuse, |asked| {
        Ok::<_, Infallible>((1..=4).find(|&number| id(number) == asked).map(|number| recorded[usize::from(number) - 1].clone()))
    })?;
    let released = &outbox.recovery().released;
    assert_eq!(released.len(), 4, "{released:?}");
    for (number, path) in (1..).zip(released) {
        let ending = if number == 3 { "" } else { ".png" };
        assert_eq!((path, fs::read(path)?), (&folder.path().join(format!("{}{ending}", id(number))), vec![number]));
    }
    assert_eq!(outbox.recovery().left.len(), 1, "{:?}", outbox.recovery().left);
    outbox.release(&known(outbox.put(file(9, b"goes on"), "9.png")?))?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_commands_write_is_for_the_owner_and_the_group() -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    let (report, ledger) = (folder.path().join("proof.json"), folder.path().join("danqing-ledger.sqlite"));
    write_output(&report, b"{}")?;
    drop(store::SqliteLog::open(&ledger)?);
    for path in [report, ledger] {
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o137, 0, "{}", path.display());
    }
    Ok(())
}

#[test]
fn opening_settles_what_a_crash_left() -> Outcome {
    let folder = tempfile::tempdir()?;
    let left = |number: u8, bytes: &str| fs::write(folder.path().join(format!(".danqing-{}.part", id(number))), bytes);
    left(1, "unrecorded")?;
    left(2, "recorded")?;
    left(3, "released but for the hidden name")?;
    fs::write(folder.path().join("3.png"), "released but for the hidden name")?;
    left(4, "its name was taken")?;
    fs::write(folder.path().join("4.png"), "mine")?;
    let outbox = Outbox::open(folder.path(), Existing::Replace, |asked| {
        Ok::<_, Infallible>((2..=4).find(|&number| id(number) == asked).map(|number| format!("{number}.png")))
    })?;
    let spare = format!("4.{}.png", id(4));
    assert_eq!(names(folder.path()), ["2.png", "3.png", spare.as_str(), "4.png"]);
    assert_eq!(fs::read(folder.path().join("4.png"))?, b"mine");
    assert_eq!(outbox.recovery().released, [folder.path().join("2.png"), folder.path().join(spare)]);
    assert_eq!(outbox.recovery().removed.len(), 1);
    Ok(())
}

#[test]
fn recovery_leaves_a_living_owner_and_a_silent_ledger_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Refuse)?;
    let stored = outbox.put(file(1, b"in work"), "a.png")?;
    let second = Outbox::open(folder.path(), Existing::Refuse, |_| Err::<_, String>("must not be asked".into()))?;
    assert_eq!((second.recovery().released.len(), second.recovery().removed.len()), (0, 0));
    outbox.release(&known(stored))?;

    let part = folder.path().join(format!(".danqing-{}.part", id(2)));
    fs::write(&part, "left")?;
    let error = Outbox::open(folder.path(), Existing::Refuse, |_| Err::<_, String>("the ledger is away".into())).err();
    assert!(matches!(error, Some(Error::Lookup { .. })), "{error:?}");
    assert!(part.exists(), "a file was removed though the ledger could not be asked");
    Ok(())
}

#[test]
fn folders_that_cannot_be_used_are_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let occupied = folder.path().join("file");
    fs::write(&occupied, "")?;
    for path in [folder.path().join("absent/out"), occupied.clone(), occupied.join("out")] {
        let error = open(&path, Existing::Refuse).expect_err("must be refused");
        assert_eq!(error.code(), Code::StorageFailed);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    let made = folder.path().join("made");
    open(&made, Existing::Refuse)?;
    assert!(names(&made).is_empty(), "the probe stayed");
    Ok(())
}

#[test]
fn a_vanished_file_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let outbox = open(folder.path(), Existing::Refuse)?;
    let recorded = known(outbox.put(file(1, b"a"), "a.png")?);
    outbox.release(&recorded)?;
    assert!(matches!(outbox.release(&recorded), Err(Error::PartMissing { .. })));
    Ok(())
}
