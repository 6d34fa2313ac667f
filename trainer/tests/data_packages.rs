//! Only the pinned bytes are read, and hostile ones are errors: other bytes, cut-off archives, absurd sizes, recipes nobody can mean.

mod packages;

use packages::{integrity, package, write_packages};
use std::io::{Read as _, Write as _};
use std::path::Path;
use trainer::data::{DataRecipe, Dataset, Error};

const PICTURES: &str = "pictures-1.0.0.tgz";

/// Opens the data set with `bytes` in place of the pictures, pinned as if they were the right ones.
fn open_with(bytes: &[u8]) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let mut recipe = write_packages(folder.path());
    std::fs::write(folder.path().join(PICTURES), bytes).unwrap();
    recipe.pictures.package.integrity = integrity(bytes);
    Dataset::open(recipe, folder.path()).err().unwrap()
}

fn assert_damaged(bytes: &[u8], expected: &str) {
    let error = open_with(bytes);
    assert!(matches!(error, Error::Package { .. }) && error.to_string().contains(expected), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn header(name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn other_bytes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    let path = folder.path().join(PICTURES);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(Dataset::open(recipe, folder.path()), Err(Error::Integrity { .. })));
}

#[test]
fn a_missing_package_says_how_to_fetch_it() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = write_packages(folder.path());
    std::fs::remove_file(folder.path().join("scope-names-2.0.0.tgz")).unwrap();
    let missing = Dataset::open(recipe, folder.path()).err().unwrap().to_string();
    assert!(missing.contains("npm pack @scope/names@2.0.0") && missing.contains("缺少"), "{missing}");
}

#[test]
fn cut_off_archives_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    write_packages(folder.path());
    let whole = std::fs::read(folder.path().join(PICTURES)).unwrap();
    for length in [0, 1, 10, whole.len() / 2, whole.len() - 40] {
        assert!(matches!(open_with(&whole[..length]), Error::Package { .. }), "{length} of {} bytes", whole.len());
    }
    // The compressed stream is whole, what it holds is not.
    let mut short = header("package/assets/1f34e.webp", 5_000);
    short.extend_from_slice(&[7; 700]);
    assert_damaged(&gzip(&short), "cut off after 700 of 5000 bytes");
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    assert_damaged(&gzip(&header("package/assets/1f34e.webp", 7 << 30)), "larger than any file");
    // A long name is read whole by the archive's reader: only the limit on the stream stops it.
    let mut bomb = tar::Header::new_gnu();
    bomb.set_entry_type(tar::EntryType::GNULongName);
    bomb.set_size(7 << 30);
    bomb.set_cksum();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut bomb.as_bytes().chain(std::io::repeat(b'a').take(300 << 20)), &mut encoder).unwrap();
    assert_damaged(&encoder.finish().unwrap(), "unpacks to more than");
}

#[test]
fn pictures_that_do_not_decode_are_named() {
    let mut files: Vec<(String, Vec<u8>)> =
        ["1f34e", "1f431"].map(|code| (format!("assets/{code}.webp"), packages::picture([1, 2, 3]))).into();
    files[1].1.truncate(40);
    assert_damaged(&package(&files), "1f431.webp");
    // A header that states 16,384 × 16,384 pixels in a few bytes.
    files[1].1 = b"RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0".to_vec();
    assert_damaged(&package(&files), "1f431.webp");
}

fn read_changed(from: &str, to: &str) -> Result<DataRecipe, Error> {
    let folder = tempfile::tempdir().unwrap();
    write_packages(folder.path());
    let path = folder.path().join("recipe.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    DataRecipe::read(&path)
}

#[test]
fn recipes_that_nobody_can_mean_are_refused() {
    for (from, to, expected) in [
        ("format = 1", "format = 2", "format 2"),
        ("several = 0.3", "several = 0.9", "composition.several + composition.pair"),
        ("english = 0.0", "english = nan", "captions.english"),
        ("white = 0.3", "white = -0.1", "composition.white"),
        ("integrity = \"sha512-", "integrity = \"sha1-", "sha512-"),
        ("version = \"1.0.0\"", "version = \"../1.0.0\"", "not a name and a version"),
        ("[captions.measure_words]", "[captions.names]\n\"1F431\" = { zh = [] }\n[captions.measure_words]", "captions.names.1F431"),
        ("style = 0.1", "styl = 0.1", "styl"),
    ] {
        let error = read_changed(from, to).err().unwrap();
        assert!(matches!(error, Error::Recipe { .. }) && error.to_string().contains(expected), "{to}: {error}");
    }
    assert!(read_changed("white = 0.3", "white = 1.0").is_ok());
    assert!(DataRecipe::read(Path::new("no such recipe.toml")).is_err());
}
