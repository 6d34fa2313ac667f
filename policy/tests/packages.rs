//! Packages: signed, checked, trusted or not, and replaced while in use.

use policy::{
    Field, Gate, ImportFormat, ImportOptions, Lexicon, LiveGate, LiveSettings, MatchType, Origin, Package, SecretKey, Severity, Trust,
    import,
};
use std::path::Path;

fn write(folder: &Path, version: &str, terms: &str) {
    let options = ImportOptions {
        format: ImportFormat::Text,
        class: "A3.a".parse().ok(),
        severity: Severity::Refuse,
        match_type: MatchType::Automatic,
        views: None,
        fields: Field::ALL.to_vec(),
    };
    let rules = import(terms.as_bytes(), "terms.txt", &options).unwrap().rules;
    Package { name: "店铺".into(), version: version.into(), created: "2026-11-23".parse().unwrap(), rules }.write(folder).unwrap();
}

fn refuses(gate: &Gate, text: &str) -> bool {
    gate.refuses(&gate.examine(text, Field::Prompt))
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", "某某可乐\nsome brand\n");
    let lexicon = Lexicon::read(folder.path()).unwrap();
    assert_eq!((lexicon.to_string().as_str(), lexicon.origin()), ("店铺@1", &Origin::Unsigned));
    assert_eq!(lexicon.rules().len(), 2);
    assert_eq!(lexicon.created().unwrap().to_string(), "2026-11-23");
}

#[test]
fn any_change_after_signing_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", "某某可乐\n");
    let key = SecretKey::generate().unwrap();
    policy::sign_package(folder.path(), &key).unwrap();
    assert_eq!(Lexicon::read(folder.path()).unwrap().origin(), &Origin::Signed(key.public()));
    let header = folder.path().join("package.toml");
    let terms = folder.path().join("terms.jsonl");
    for (file, from, to) in [
        (&terms, "可乐", "可口"),
        (&terms, "A3.a", "A3.b"),
        (&header, "店铺", "铺店"),
        (&header, "version = \"1\"", "version = \"2\""),
        (&header, "2026-11-23", "2027-11-23"),
        (&header, "value = \"", "value = \"0"),
    ] {
        let sound = std::fs::read_to_string(file).unwrap();
        assert!(sound.contains(from), "{sound}");
        std::fs::write(file, sound.replace(from, to)).unwrap();
        assert!(Lexicon::read(folder.path()).is_err(), "{from} → {to}");
        std::fs::write(file, sound).unwrap();
    }
    let another = SecretKey::generate().unwrap().public().to_string();
    let sound = std::fs::read_to_string(&header).unwrap();
    std::fs::write(&header, sound.replace(&key.public().to_string(), &another)).unwrap();
    assert!(Lexicon::read(folder.path()).is_err(), "another key");
    std::fs::write(&header, sound).unwrap();
    assert!(Lexicon::read(folder.path()).is_ok());
}

#[test]
fn only_trusted_keys_count_where_keys_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", "某某可乐\n");
    let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let trust = Trust::Keys(vec![key.public()]);
    assert!(Lexicon::read_trusting(folder.path(), &trust).unwrap_err().to_string().contains("not signed"));
    policy::sign_package(folder.path(), &other).unwrap();
    assert!(Lexicon::read_trusting(folder.path(), &trust).unwrap_err().to_string().contains(&other.public().to_string()));
    policy::sign_package(folder.path(), &key).unwrap();
    assert!(Lexicon::read_trusting(folder.path(), &trust).is_ok());
    let single = folder.path().join("own.toml");
    std::fs::write(&single, "format = 1\nname = \"a\"\nversion = \"1\"\n").unwrap();
    assert!(Lexicon::read_trusting(&single, &trust).is_err(), "a single file is never signed");
}

#[test]
fn a_secret_key_is_not_printed_by_accident() {
    let key = SecretKey::generate().unwrap();
    assert!(!format!("{key:?}").contains(&key.to_hexadecimal()));
    assert_eq!(key.to_hexadecimal().parse::<SecretKey>().unwrap().public(), key.public());
}

#[test]
fn a_live_gate_follows_its_files_and_keeps_the_last_good_ones() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    write(folder.path(), "1", "某某可乐\n");
    policy::sign_package(folder.path(), &key).unwrap();
    let live = LiveGate::open(LiveSettings {
        paths: vec![folder.path().to_owned()],
        trust: Trust::Keys(vec![key.public()]),
        ..LiveSettings::default()
    })
    .unwrap();
    let (gate, outcome) = live.current();
    assert!(outcome.is_ok() && refuses(&gate, "某某可乐") && !refuses(&gate, "另一品牌"));
    write(folder.path(), "2", "另一品牌\n第三品牌\n");
    let (gate, outcome) = live.current();
    assert!(outcome.unwrap_err().to_string().contains("not signed"));
    assert!(refuses(&gate, "某某可乐") && !refuses(&gate, "另一品牌"));
    assert!(live.current().1.is_ok(), "an error is told once");
    policy::sign_package(folder.path(), &key).unwrap();
    let (gate, outcome) = live.current();
    assert!(outcome.is_ok() && !refuses(&gate, "某某可乐") && refuses(&gate, "另一品牌"));
    assert_eq!(gate.lexicons()[1], "店铺@2");
    std::fs::remove_file(folder.path().join("terms.jsonl")).unwrap();
    let (gate, outcome) = live.current();
    assert!(outcome.is_err() && refuses(&gate, "另一品牌"));
}

#[test]
fn a_header_cannot_reach_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", "某某可乐\n");
    let header = folder.path().join("package.toml");
    let sound = std::fs::read_to_string(&header).unwrap();
    for name in ["../terms.jsonl", "/etc/passwd", "", "..", "sub/terms.jsonl"] {
        std::fs::write(&header, sound.replace("terms.jsonl", name)).unwrap();
        let error = Lexicon::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("name of a file"), "{name}: {error}");
    }
}

#[test]
fn errors_in_the_terms_name_the_line() {
    let folder = tempfile::tempdir().unwrap();
    for (line, words) in [
        ("{\"id\":\"b\",\"class\":\"A9.a\",\"terms\":[\"x\"]}", "31 risks"),
        ("{\"id\":\"a\",\"class\":\"A1.a\",\"terms\":[\"x\"]}", "same id"),
        ("{\"id\":\"b\",\"class\":\"A1.a\",\"terms\":[]}", "must not be empty"),
        ("{\"id\":\"b\",\"class\":\"A1.a\",\"terms\":[\"…\"]}", "at least one letter"),
        ("{\"id\":\"b\",\"class\":\"A1.a\",\"term\":[\"x\"]}", "unknown field"),
        ("nonsense", "line 1"),
    ] {
        let text = format!("{{\"id\":\"a\",\"class\":\"A1.a\",\"terms\":[\"y\"]}}\n{line}\n");
        std::fs::write(folder.path().join("terms.jsonl"), &text).unwrap();
        let digest = spec::Sha256Digest::of(text.as_bytes()).to_string();
        let header = format!(
            "format = 2\nname = \"a\"\nversion = \"1\"\ncreated = \"2026-01-01\"\nterms = \"terms.jsonl\"\nsha256 = \"{digest}\"\n"
        );
        std::fs::write(folder.path().join("package.toml"), header).unwrap();
        let error = Lexicon::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("terms.jsonl:2: ") && error.contains(words), "{error}");
    }
}
