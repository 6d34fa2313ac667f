//! What each fuzz target does with its bytes. None may panic, hang, or take memory out of proportion to them.

use credentials::{Anchors, verify, verify_sidecar, verify_time_stamp};
use engine::model_folder::{JsonFile, ModelFolder};
use engine::tokenizer::Tokenizer;
use engine::weights::{FileBytes, SafetensorsSource};
use ledger::{Checkpoint, Entry, InclusionProof, SignedCheckpoint, TimestampResponse, VerifierKey};
use policy::{Bank, ImportOptions, Lexicon};
use spec::Timestamp;
use std::path::Path;
use trainer::data::{DataRecipe, Registry};

/// When certificates are looked at.
const NOW: Timestamp = Timestamp(1_800_000_000_000);
/// The key that signed the checkpoint among the seeds.
const KEY: &str = "danqing.ledger.v1+436853fb+ATBoKGhVMszmFZ80yt2kR68UI/P2pK6i5od38CSbiSv0";

/// The header of a weight file.
pub fn safetensors(bytes: &[u8]) {
    with_file("model.safetensors", bytes, |path| {
        if let Ok(file) = FileBytes::map(path).and_then(|bytes| SafetensorsSource::from_bytes(path.to_owned(), bytes)) {
            file.tensors().for_each(drop);
        }
    });
}

/// `config.json` of a model's component.
pub fn config_json(bytes: &[u8]) {
    if let Ok(file) = JsonFile::parse(Path::new("config.json"), bytes) {
        let _ = file.required::<usize>("hidden_size");
        let _ = file.section("rope_parameters");
    }
}

/// `tokenizer.json` in a model's folder.
pub fn tokenizer_json(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let inner = folder.path().join("tokenizer");
    if std::fs::create_dir(&inner).and_then(|()| std::fs::write(inner.join("tokenizer.json"), bytes)).is_err() {
        return;
    }
    if let Ok(tokenizer) = Tokenizer::load(&ModelFolder::Directory(folder.path().to_owned()), "tokenizer") {
        let _ = tokenizer.encode("一只小猫 and a dog");
    }
}

/// Labels in a file of any format.
pub fn containers(bytes: &[u8]) {
    let _ = provenance::read_labels(bytes);
}

/// An XMP packet, in the smallest file that carries one.
pub fn xmp(bytes: &[u8]) {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let padding: &[u8] = if bytes.len() % 2 == 1 { &[0] } else { &[] };
    let body = [&b"WEBPVP8X\x0a\0\0\0\x04\0\0\0\0\0\0\0\0\0XMP "[..], &length(bytes), bytes, padding].concat();
    containers(&[&b"RIFF"[..], &length(&body), &body].concat());
}

/// A picture that somebody supplies.
pub fn picture(bytes: &[u8]) {
    let _ = installation::read_picture(bytes);
}

/// C2PA manifests in a file.
pub fn c2pa_file(bytes: &[u8]) {
    let _ = verify(bytes, &Anchors::default(), NOW);
}

/// A C2PA manifest store.
pub fn c2pa_store(bytes: &[u8]) {
    let _ = verify_sidecar(b"", bytes, &Anchors::default(), NOW);
}

/// A response of a time-stamp authority.
pub fn time_stamp(bytes: &[u8]) {
    let _ = verify_time_stamp(bytes, &Anchors::default());
    let _ = TimestampResponse::read(bytes);
}

/// A leaf of the ledger, which must come back as it was read.
pub fn ledger_leaf(bytes: &[u8]) {
    if let Some(entry) = Entry::from_leaf(bytes) {
        let _ = entry.to_leaf();
    }
}

/// Signed checkpoints, keys and proofs.
pub fn note(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = text.parse::<Checkpoint>();
    let _ = text.parse::<VerifierKey>();
    if let Ok(key) = KEY.parse::<VerifierKey>() {
        let _ = SignedCheckpoint::open(&text, &key);
        if let Ok(proof) = InclusionProof::from_json(&text) {
            let _ = proof.verify(&key);
        }
    }
}

/// A lexicon file.
pub fn lexicon(bytes: &[u8]) {
    let _ = Lexicon::parse(&String::from_utf8_lossy(bytes), "lexicon.toml");
}

/// A list of words to import.
pub fn lexicon_import(bytes: &[u8]) {
    let _ = policy::import(bytes, "words.txt", &ImportOptions::default());
}

/// A bank of questions.
pub fn question_bank(bytes: &[u8]) {
    let _ = Bank::parse(&String::from_utf8_lossy(bytes), "bank.jsonl");
}

/// What filing reads: the subject file, a saved evaluation, a data manifest.
pub fn subject(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = filing::Subject::parse(&text, Path::new("filing.toml"));
    let _ = serde_json::from_str::<filing::Evaluation>(&text);
    let _ = filing::ManifestSummary::parse(&text, Path::new("manifest.jsonl"));
}

/// What training reads.
pub fn recipes(bytes: &[u8]) {
    with_file("a.toml", bytes, |path| {
        let _ = DataRecipe::read(path);
        let _ = Registry::read(path);
        let _ = trainer::recipe::Recipe::read(path);
    });
}

fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join(name);
    if std::fs::write(&path, bytes).is_ok() {
        read(&path);
    }
}
