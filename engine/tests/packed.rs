//! Packed weights that are kept in a folder: a second start gives the same pictures without packing, and no state of the folder, however
//! damaged, gives anything else.

use engine::LoadedModel;
use engine::families::{Control, Residency};
use engine::measure::{FamilyRequest, Measurement, Shortcuts};
use engine::model_folder::ModelFolder;
use engine::weights::PackedFolder;
use spec::{RunPrecision, Sha256Digest};
use std::fs;
use std::path::{Path, PathBuf};

const LIMIT: u64 = 1 << 30;

type Damage = fn(&mut Vec<u8>);

fn model() -> ModelFolder {
    ModelFolder::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/goldens/pipelines/ernie-image")).unwrap()
}

fn packed(folder: &Path) -> PackedFolder {
    PackedFolder::new(folder, LIMIT).with_smallest(0)
}

/// The bits of a small picture.
fn picture(packed: Option<PackedFolder>, precision: RunPrecision, identity: Sha256Digest) -> Vec<u32> {
    let mut model = LoadedModel::open(model(), "golden", precision, Residency::OneAtATime).unwrap();
    let mut pipeline = Measurement::of(&mut model);
    if let Some(packed) = packed {
        pipeline.keep_packed(packed, identity);
    }
    let request = FamilyRequest {
        prompts: vec!["a cat".into()],
        negative_prompt: String::new(),
        width: 32,
        height: 32,
        num_inference_steps: 2,
        guidance_scale: 4.0,
        seeds: vec![1],
        shortcuts: Shortcuts::default(),
    };
    let pictures = pipeline.pictures(&request, &mut |_| Control::Continue).unwrap();
    pictures[0].f32().unwrap().iter().map(|value| value.to_bits()).collect()
}

fn identity() -> Sha256Digest {
    model().identity("test").unwrap().sha256
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_second_start_gives_the_same_picture_from_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    for precision in [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8] {
        let plain = picture(None, precision, identity());
        let first = picture(Some(packed(folder.path())), precision, identity());
        let written = files(folder.path());
        let second = picture(Some(packed(folder.path())), precision, identity());
        assert!(plain == first && plain == second, "{precision:?}");
        assert!(written == files(folder.path()), "{precision:?}: the files were written again");
    }
    // Text encoder, denoiser and autoencoder; int8 shares the first and the last with bf16.
    let entries = packed(folder.path()).entries().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(packed(folder.path()).clear().unwrap().len(), 7);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn weights_come_from_the_file() {
    // Another model under the first one's digest: only the file can give the first one's picture.
    let folder = tempfile::tempdir().unwrap();
    let first = picture(Some(packed(folder.path())), RunPrecision::Bf16, identity());
    let other = Sha256Digest([7; 32]);
    for (path, _) in files(folder.path()) {
        let name = path.file_name().unwrap().to_str().unwrap().replace(&identity().to_string(), &other.to_string());
        fs::copy(&path, path.with_file_name(name)).unwrap();
    }
    // The name alone does not make a file another model's.
    assert_eq!(picture(Some(packed(folder.path())), RunPrecision::Bf16, other), first);
    let renewed = files(folder.path());
    let of =
        |digest: Sha256Digest| renewed.iter().filter(|(path, _)| path.to_string_lossy().contains(&digest.to_string())).collect::<Vec<_>>();
    assert!(of(identity()).iter().zip(of(other)).all(|(a, b)| a.1 != b.1), "a foreign file was taken");
}

#[test]
fn damage_anywhere_is_found_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let expected = picture(Some(packed(folder.path())), RunPrecision::Bf16, identity());
    let whole = files(folder.path());
    let damages: [(&str, Damage); 12] = [
        ("empty", Vec::clear),
        ("one byte", |bytes| bytes.truncate(1)),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("without its last byte", |bytes| bytes.truncate(bytes.len() - 1)),
        ("with a byte more", |bytes| bytes.push(0)),
        ("magic", |bytes| bytes[0] ^= 1),
        ("version", |bytes| bytes[8] += 1),
        ("the first weight", |bytes| bytes[64] ^= 0x10),
        ("a weight in the middle", |bytes| {
            // Not between weights, where zeros are nobody's.
            let place = (bytes.len() / 3..bytes.len()).find(|place| bytes[*place] != 0).unwrap();
            bytes[place] ^= 0x80;
        }),
        ("the index", |bytes| {
            let place = bytes.len() - 100;
            bytes[place] ^= 1;
        }),
        ("where the index is", |bytes| {
            let place = bytes.len() - 48;
            bytes[place..place + 16].fill(0xff);
        }),
        ("its digest", |bytes| {
            let place = bytes.len() - 1;
            bytes[place] ^= 1;
        }),
    ];
    for (what, damage) in damages {
        for (path, bytes) in &whole {
            let mut bytes = bytes.clone();
            damage(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
        assert_eq!(picture(Some(packed(folder.path())), RunPrecision::Bf16, identity()), expected, "{what}");
        assert!(files(folder.path()) == whole, "{what}: not mended");
    }
}

#[test]
fn an_index_that_promises_too_much_is_refused() {
    use sha2::{Digest as _, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let expected = picture(Some(packed(folder.path())), RunPrecision::Bf16, identity());
    let whole = files(folder.path());
    let edits: [fn(&mut serde_json::Value); 5] = [
        |entry| entry["parts"][0][0] = u64::MAX.into(),
        |entry| entry["parts"][0][1] = u64::MAX.into(),
        |entry| entry["parts"] = serde_json::json!([]),
        |entry| entry["form"] = "unknown".into(),
        |entry| entry["shape"] = serde_json::json!([1, 1]),
    ];
    for edit in edits {
        for (path, bytes) in &whole {
            let end = bytes.len() - 48;
            let place = u64::from_le_bytes(bytes[end..end + 8].try_into().unwrap()) as usize;
            let mut index: serde_json::Value = serde_json::from_slice(&bytes[place..end]).unwrap();
            index["weights"].as_object_mut().unwrap().values_mut().for_each(edit);
            let json = serde_json::to_vec(&index).unwrap();
            let mut forged = bytes[..place].to_vec();
            forged.extend_from_slice(&json);
            forged.extend_from_slice(&(place as u64).to_le_bytes());
            forged.extend_from_slice(&(json.len() as u64).to_le_bytes());
            forged.extend_from_slice(&Sha256::digest(&json));
            fs::write(path, forged).unwrap();
        }
        assert_eq!(picture(Some(packed(folder.path())), RunPrecision::Bf16, identity()), expected);
        // A file without a weight that is wanted is removed, and written at the next start.
        assert_eq!(picture(Some(packed(folder.path())), RunPrecision::Bf16, identity()), expected);
        assert!(files(folder.path()) == whole);
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "not a folder").unwrap();
    let plain = picture(None, RunPrecision::Bf16, identity());
    assert_eq!(picture(Some(packed(&file)), RunPrecision::Bf16, identity()), plain);
    assert_eq!(fs::read(&file).unwrap(), b"not a folder");
}

#[test]
fn the_folder_stays_within_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let plain = picture(Some(packed(folder.path())), RunPrecision::Bf16, identity());
    let sizes: Vec<u64> = packed(folder.path()).entries().unwrap().iter().map(|entry| entry.bytes).collect();
    let largest = *sizes.iter().max().unwrap();
    packed(folder.path()).clear().unwrap();
    // Room for the largest alone, and for none of the largest's size.
    for limit in [largest, largest - 1] {
        let limited = PackedFolder::new(folder.path(), limit).with_smallest(0);
        assert_eq!(picture(Some(limited.clone()), RunPrecision::Bf16, identity()), plain);
        let entries = limited.entries().unwrap();
        assert!(!entries.is_empty() && entries.iter().map(|entry| entry.bytes).sum::<u64>() <= limit);
        assert!(entries.iter().all(|entry| entry.name.ends_with(".packed")), "{entries:?}");
    }
    // Components that are packed in no time are not kept.
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(picture(Some(PackedFolder::new(empty.path(), LIMIT)), RunPrecision::Bf16, identity()), plain);
    assert!(files(empty.path()).is_empty());
}

#[test]
fn processes_that_start_together_agree() {
    let folder = tempfile::tempdir().unwrap();
    let plain = picture(None, RunPrecision::Bf16, identity());
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| picture(Some(packed(folder.path())), RunPrecision::Bf16, identity()))).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), plain);
        }
    });
    assert_eq!(picture(Some(packed(folder.path())), RunPrecision::Bf16, identity()), plain);
    assert!(files(folder.path()).iter().all(|(path, _)| path.extension().unwrap() == "packed"));
}
