//! Damaged weight files are errors that say what is wrong: never a panic, never an allocation beyond the file's size.

use engine::weights::{FileBytes, SafetensorsSource, TensorBytes, TensorSource, write_safetensors};
use engine::{Device, Error, Tensor};
use proptest::prelude::*;
use spec::RunPrecision;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn open(bytes: Vec<u8>) -> engine::Result<SafetensorsSource> {
    // Leaked because embedded files live as long as the program; a test's are small.
    SafetensorsSource::from_bytes(PathBuf::from("hostile.safetensors"), FileBytes::embedded(bytes.leak()))
}

fn file(json: &str, values: usize) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(json.as_bytes());
    bytes.extend(std::iter::repeat_n(0, values));
    bytes
}

#[test]
fn each_kind_of_damage_has_its_message() {
    let entry = |name: &str, dtype: &str, shape: &str, offsets: &str| {
        format!(r#""{name}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}}}"#)
    };
    let good = entry("a", "F32", "[2]", "[0, 8]");
    assert!(open(file(&format!("{{{good}}}"), 8)).is_ok());
    let huge_length = [u64::MAX.to_le_bytes().to_vec(), b"{}".to_vec()].concat();
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("shorter than a safetensors header", vec![]),
        ("shorter than a safetensors header", vec![1, 2, 3]),
        ("more than the format allows", huge_length),
        ("truncated", [99_u64.to_le_bytes().to_vec(), b"{}".to_vec()].concat()),
        ("not a JSON object", file("", 0)),
        ("not a JSON object", file("[1]", 0)),
        ("cannot be read", file("{\"a\":", 0)),
        ("cannot be read", file("{}x", 0)),
        ("cannot be read", file(&deep, 0)),
        ("\"a\" occurs twice", file(&format!("{{{good}, {good}}}"), 8)),
        ("__metadata__ occurs twice", file(r#"{"__metadata__": {}, "__metadata__": {}}"#, 0)),
        ("\"a\"", file(&format!("{{{}}}", entry("a", "Q4", "[2]", "[0, 8]")), 8)),
        ("larger than any memory", file(&format!("{{{}}}", entry("a", "F32", "[4294967296, 4294967296]", "[0, 8]")), 8)),
        ("do not hold", file(&format!("{{{}}}", entry("a", "F32", "[1000000000000]", "[0, 8]")), 8)),
        ("axes", file(&format!("{{{}}}", entry("a", "F32", "[1,1,1,1,1,1,1,1,1,2]", "[0, 8]")), 8)),
        ("\"a\"", file(&format!("{{{}}}", entry("a", "F32", "[-2]", "[0, 8]")), 8)),
        ("do not hold", file(&format!("{{{}}}", entry("a", "F32", "[2]", "[8, 0]")), 8)),
        ("beyond the end", file(&format!("{{{good}}}"), 7)),
        ("beyond the end", file(&format!("{{{}}}", entry("a", "F32", "[2]", "[18446744073709551607, 18446744073709551615]")), 8)),
        ("at the end belong to no tensor", file(&format!("{{{good}}}"), 9)),
        ("before it belong to no tensor", file(&format!("{{{}}}", entry("a", "F32", "[2]", "[4, 12]")), 12)),
        ("overlap", file(&format!("{{{good}, {}}}", entry("b", "F32", "[2]", "[4, 12]")), 12)),
    ];
    for (expected, bytes) in cases {
        match open(bytes) {
            Err(Error::InvalidFile { path, detail }) => {
                assert_eq!(path, PathBuf::from("hostile.safetensors"));
                assert!(detail.contains(expected), "expected {expected:?} in {detail:?}");
            }
            Err(other) => panic!("{expected}: {other}"),
            Ok(_) => panic!("{expected}: opened"),
        }
    }
}

fn small_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.safetensors");
    let device = Device::cpu(RunPrecision::F32);
    let tensor = |shape: &[usize]| Tensor::from_f32(vec![1.0; shape.iter().product()], shape, &device).unwrap();
    let tensors = [TensorBytes::from_tensor("a.weight", &tensor(&[2, 3])), TensorBytes::from_tensor("b.bias", &tensor(&[5]).to_bf16())];
    write_safetensors(&path, tensors, &BTreeMap::from([("k".to_owned(), "v".to_owned())])).unwrap();
    std::fs::read(path).unwrap()
}

/// Opens and reads everything; the outcome does not matter, that there is one does.
fn read_all(bytes: Vec<u8>) {
    let device = Device::cpu(RunPrecision::F32);
    let length = bytes.len();
    if let Ok(source) = open(bytes) {
        for name in source.names() {
            if let Ok(tensor) = source.tensor(&name, &device) {
                assert!(tensor.elements() <= length, "{name} is larger than its file");
            }
            source.release(&name);
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = small_file();
    assert!(open(bytes.clone()).is_ok());
    for length in 0..bytes.len() {
        assert!(open(bytes[..length].to_vec()).is_err(), "cut at {length}");
    }
}

#[test]
fn every_flipped_bit_has_an_outcome() {
    let bytes = small_file();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << bit;
            read_all(damaged);
        }
    }
}

proptest! {
    #[test]
    fn scrambled_files_have_an_outcome(changes in prop::collection::vec((0_usize..400, any::<u8>()), 1..12)) {
        let mut bytes = small_file();
        for (position, value) in changes {
            let position = position % bytes.len();
            bytes[position] = value;
        }
        read_all(bytes);
    }

    #[test]
    fn arbitrary_headers_have_an_outcome(json in "\\{(\"[ab]\":\\{\"dtype\":\"(F32|BF16|I64)\",\"shape\":\\[[0-9]{1,20}\\],\"data_offsets\":\\[[0-9]{1,20},[0-9]{1,20}\\]\\},?){0,3}\\}", values in 0_usize..32) {
        read_all(file(&json, values));
    }
}
