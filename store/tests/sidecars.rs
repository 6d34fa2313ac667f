//! What lies beside a file shares its fate: hidden with it, released before it, removed with it.
use spec::stage::{Labelled, Recorded, Source, Stored as _};
use spec::{FileFormat, Operation, ProduceId, Relabelling, Sha256Digest, Timestamp};
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use store::{Error, Existing, Outbox, Stored};

struct Derived {
    relabelling: Relabelling,
    sidecar: Option<&'static [u8]>,
}

impl Labelled for Derived {
    fn id(&self) -> ProduceId {
        self.relabelling.id
    }
    fn source(&self) -> Source<'_> {
        Source::Derived(&self.relabelling)
    }
    fn format(&self) -> FileFormat {
        FileFormat::Svg
    }
    fn content_sha256(&self) -> Sha256Digest {
        self.relabelling.content_sha256
    }
    fn bytes(&self) -> &[u8] {
        b"file"
    }
    fn sidecar(&self) -> Option<&[u8]> {
        self.sidecar
    }
}

struct Known(Stored);

impl Recorded for Known {
    fn stored(&self) -> &dyn spec::stage::Stored {
        &self.0
    }
    fn root(&self) -> Sha256Digest {
        Sha256Digest::of(b"")
    }
    fn leaf_index(&self) -> u64 {
        0
    }
}

fn derived(number: u8, sidecar: Option<&'static [u8]>) -> Derived {
    let relabelling = Relabelling {
        id: ProduceId::new(Timestamp(1), [number; 10]),
        operation: Operation::PassedOn,
        source_sha256: Sha256Digest::of(b"source"),
        content_sha256: Sha256Digest::of(b"file"),
        byte_length: 4,
        format: "svg".to_owned(),
        source_label: None,
        label: String::new(),
        explicit_label: None,
    };
    Derived { relabelling, sidecar }
}

fn open(folder: &Path, existing: Existing) -> Outbox {
    Outbox::open(folder, existing, |_| Ok::<_, Infallible>(None)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_are_released() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), Existing::Refuse);
    let stored = outbox.put(derived(1, Some(b"beside")), "a.svg").unwrap();
    assert!(names(folder.path()).iter().all(|name| name.starts_with('.')));
    stored.keep();
    let path = outbox.release(&Known(stored)).unwrap();
    assert_eq!(names(folder.path()), ["a.svg", "a.svg.c2pa"]);
    assert_eq!((fs::read(store::sidecar(&path)).unwrap(), fs::read(&path).unwrap()), (b"beside".to_vec(), b"file".to_vec()));
}

#[test]
fn both_are_removed_unrecorded_and_both_come_back_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), Existing::Refuse);
    drop(outbox.put(derived(1, Some(b"beside")), "a.svg").unwrap());
    assert_eq!(names(folder.path()), Vec::<String>::new());
    // As a crash leaves them.
    for number in [2, 3] {
        let stored = outbox.put(derived(number, Some(b"beside")), "a.svg").unwrap();
        stored.keep();
    }
    let known = derived(2, None).relabelling.id;
    let is_recorded = |id| Ok::<_, Infallible>((id == known).then(|| "a.svg".to_owned()));
    let outbox = Outbox::open(folder.path(), Existing::Refuse, is_recorded).unwrap();
    assert_eq!((outbox.recovery().released.len(), outbox.recovery().removed.len()), (1, 1));
    assert_eq!(names(folder.path()), ["a.svg", "a.svg.c2pa"]);
}

#[test]
fn neither_is_put_over_anothers() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.svg.c2pa"), b"other").unwrap();
    let outbox = open(folder.path(), Existing::Refuse);
    let refused = outbox.put(derived(1, Some(b"beside")), "a.svg");
    assert!(matches!(refused, Err(Error::NameTaken { .. })));
    assert_eq!(names(folder.path()), ["a.svg.c2pa"]);
    // Taken only after it was put: both go to the spare name.
    fs::remove_file(folder.path().join("a.svg.c2pa")).unwrap();
    let stored = outbox.put(derived(1, Some(b"beside")), "a.svg").unwrap();
    stored.keep();
    fs::write(folder.path().join("a.svg"), b"other").unwrap();
    let path = outbox.release(&Known(stored)).unwrap();
    assert_eq!(names(folder.path()).len(), 3);
    assert_eq!(
        (fs::read(store::sidecar(&path)).unwrap(), fs::read(folder.path().join("a.svg")).unwrap()),
        (b"beside".to_vec(), b"other".to_vec())
    );
    // Replacing a file takes what spoke of it away.
    fs::write(folder.path().join("a.svg.c2pa"), b"other").unwrap();
    let outbox = open(folder.path(), Existing::Replace);
    let stored = outbox.put(derived(2, None), "a.svg").unwrap();
    stored.keep();
    outbox.release(&Known(stored)).unwrap();
    assert!(!folder.path().join("a.svg.c2pa").exists());
}
