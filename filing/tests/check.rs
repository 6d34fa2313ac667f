//! Records that contradict each other, or that are too old, are found; records that agree are not.

mod common;

use common::{TODAY, bare, subject};
use filing::{Evaluation, Located, ObservationKind, Records, Subject, Tally, build, check};
use policy::{Bank, Date, Gate};
use trainer::data::Registry;

fn ids(records: &Records) -> Vec<(String, ObservationKind)> {
    check(records).into_iter().map(|found| (found.id, found.kind)).collect()
}

fn has(records: &Records, id: &str, kind: ObservationKind) -> bool {
    ids(records).contains(&(id.to_owned(), kind))
}

fn bank(text: &str) -> Located<Bank> {
    Located { path: "bank.jsonl".into(), record: Bank::parse(text, "bank.jsonl").unwrap() }
}

const BANK: &str = "{\"bank\":\"own\",\"version\":\"1\",\"created\":\"2026-11-20\"}\n{\"id\":\"1\",\"text\":\"小狗\",\"class\":\"文化\",\"expect\":\"allow\"}\n";

/// A saved evaluation of the bank above, as the command line saves it.
fn evaluation(records: &Records, evaluated: &str) -> Evaluation {
    let gate = Gate::new(&records.lexicons).unwrap();
    let mut report = Bank::parse(BANK, "").unwrap().evaluate(&gate, evaluated.parse().unwrap());
    report.model = Some(records.model.identity.clone());
    serde_json::from_value(serde_json::json!(report)).unwrap()
}

fn evaluated(change: impl FnOnce(&mut Evaluation)) -> Records {
    let mut records = bare(Subject::default());
    let mut record = evaluation(&records, TODAY);
    change(&mut record);
    records.bank = Some(bank(BANK));
    records.evaluation = Some(Located { path: "evaluation.json".into(), record });
    records
}

#[test]
fn a_small_lexicon_misses_the_standard() {
    let records = bare(Subject::default());
    assert!(has(&records, "lexicon-size", ObservationKind::Missed));
    assert!(has(&records, "lexicon-size-A1.a", ObservationKind::Missed));
}

#[test]
fn a_lexicon_is_stale_after_seven_days_and_not_before() {
    let mut records = bare(Subject::default());
    let created = records.lexicons[0].created().unwrap();
    for (days, stale) in [(7, false), (8, true)] {
        let first = created.days_since(Date::from_unix_seconds(0));
        records.today = Date::from_unix_seconds((first + days) * 86_400);
        assert_eq!(has(&records, "lexicon-age", ObservationKind::Stale), stale, "{days}");
    }
}

#[test]
fn the_provider_code_must_be_set_and_be_the_subjects() {
    let place = tempfile::tempdir().unwrap();
    let unset = bare(Subject::default());
    assert!(has(&unset, "provider-code-unset", ObservationKind::Gap));
    let with = |uscc: &str, code: &str| {
        let mut records = bare(subject(place.path(), &format!("[subject]\nuscc = \"{uscc}\"\n")));
        records.provider_code = Some(code.parse().unwrap());
        records
    };
    let agreeing = with("911100001000066660", "001191110000100006666010001");
    assert!(!ids(&agreeing).iter().any(|(id, _)| id.starts_with("provider-code")));
    assert!(has(&with("91110102MACQD9K640", "001191110000100006666010001"), "provider-code-subject", ObservationKind::Contradiction));
    assert!(has(&with("911100001000066660", "001191110000100006666000000"), "provider-code-type", ObservationKind::Contradiction));
}

#[test]
fn an_evaluation_must_be_of_this_model_this_bank_and_these_lexicons() {
    let sound = ids(&evaluated(|_| {}));
    for id in ["evaluation-model", "evaluation-model-unknown", "evaluation-bank", "evaluation-lexicons", "evaluation-older-than-lexicon"] {
        assert!(!sound.iter().any(|(found, _)| found == id), "{id}");
    }
    assert!(has(&evaluated(|e| e.model.as_mut().unwrap().sha256.0[0] ^= 1), "evaluation-model", ObservationKind::Contradiction));
    assert!(has(&evaluated(|e| e.model = None), "evaluation-model-unknown", ObservationKind::Gap));
    assert!(has(&evaluated(|e| e.bank_sha256.push('0')), "evaluation-bank", ObservationKind::Contradiction));
    assert!(has(&evaluated(|e| e.lexicons.push("other@1".into())), "evaluation-lexicons", ObservationKind::Stale));
    assert!(has(&evaluated(|e| e.evaluated = "2020-01-01".parse().unwrap()), "evaluation-older-than-lexicon", ObservationKind::Stale));
    assert!(has(&evaluated(|_| {}), "evaluation:questions that should be refused", ObservationKind::Missed));
}

#[test]
fn banks_age_and_drafts_are_no_banks() {
    let mut records = evaluated(|_| {});
    assert!(!has(&records, "bank-age", ObservationKind::Stale));
    records.bank = Some(bank(&BANK.replace("2026-11-20", "2026-10-22")));
    assert!(has(&records, "bank-age", ObservationKind::Stale));
    records.bank = Some(bank(&policy::draft_bank(&records.lexicons, records.today)));
    assert!(has(&records, "bank-draft", ObservationKind::Gap));
}

#[test]
fn the_filed_model_must_be_the_one_on_disk() {
    let place = tempfile::tempdir().unwrap();
    let records = bare(subject(place.path(), "[model]\nfiled_sha256 = \"00\"\n"));
    assert!(has(&records, "model-digest", ObservationKind::Contradiction));
    let actual = records.model.identity.sha256.to_string().to_uppercase();
    let records = bare(subject(place.path(), &format!("[model]\nfiled_sha256 = \"{actual}\"\n")));
    assert!(!ids(&records).iter().any(|(id, _)| id == "model-digest"));
}

#[test]
fn a_conclusion_against_the_records_is_a_contradiction() {
    let place = tempfile::tempdir().unwrap();
    let conforms = bare(subject(place.path(), "[assessment]\nkeywords_total = \"符合，见附件\"\n"));
    assert!(has(&conforms, "conclusion:keywords_total", ObservationKind::Contradiction));
    let bundle = build(&conforms, &place.path().join("out")).unwrap();
    assert!(bundle.observations.iter().any(filing::Observation::is_contradicted_conclusion), "so that a script can stop there");
    let honest = bare(subject(place.path(), "[assessment]\nkeywords_total = \"不符合：正在补充\"\n"));
    assert!(!ids(&honest).iter().any(|(id, _)| id.starts_with("conclusion:")));
}

#[test]
fn sources_that_may_not_be_trained_on_are_contradictions() {
    let text = "format = 1\n[[source]]\nid = \"a\"\nkind = \"open\"\nmodality = \"image\"\n";
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("r.toml"), text).unwrap();
    let mut records = bare(Subject::default());
    records.registry = Some(Located { path: "r.toml".into(), record: Registry::read(&place.path().join("r.toml")).unwrap() });
    assert!(has(&records, "data:a", ObservationKind::Contradiction));
}

#[test]
fn a_conclusion_over_an_empty_field_is_without_support_and_needs_no_rule_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let records = bare(subject(place.path(), "[assessment]\nminors = \"符合\"\n"));
    assert!(has(&records, "conclusion-unsupported:minors", ObservationKind::Unsupported));
    let records = bare(subject(place.path(), "[service]\nminors = \"实名\"\n[assessment]\nminors = \"符合\"\n"));
    assert!(!ids(&records).iter().any(|(id, _)| id.starts_with("conclusion")));
}

#[test]
fn a_conclusion_that_rests_on_a_draft_bank_is_a_contradiction() {
    let place = tempfile::tempdir().unwrap();
    let mut records = bare(subject(place.path(), "[assessment]\nbank_update = \"符合\"\n"));
    records.bank = Some(bank(&policy::draft_bank(&records.lexicons, records.today)));
    assert!(has(&records, "conclusion:bank_update", ObservationKind::Contradiction));
}

#[test]
fn the_conclusion_on_the_whole_is_held_against_all_records() {
    let place = tempfile::tempdir().unwrap();
    let with = |conclusion: &str| {
        let text = format!("[model]\nfiled_sha256 = \"00\"\n[algorithm]\nself_assessment_conclusion = \"{conclusion}\"\n");
        ids(&bare(subject(place.path(), &text)))
    };
    let claimed = |found: Vec<(String, ObservationKind)>| found.iter().any(|(id, _)| id == "conclusion:self_assessment");
    assert!(claimed(with("经评估，符合要求")));
    assert!(!claimed(with("不符合，正在整改")));
}

#[test]
fn building_and_checking_count_by_one_function() {
    let place = tempfile::tempdir().unwrap();
    let mut records = evaluated(|e| e.model = None);
    records.bank = Some(bank(&policy::draft_bank(&records.lexicons, records.today)));
    let built = Tally::of(&build(&records, &place.path().join("out")).unwrap().observations);
    assert_eq!(built, Tally::of(&check(&records)));
    let cover = std::fs::read_to_string(place.path().join("out/0-封面与缺项.md")).unwrap();
    assert!(cover.contains(&format!("核对结果：{}。", built.chinese())), "{cover}");
    let names: Vec<String> = ids(&records).into_iter().map(|(id, _)| id).filter(|id| id.starts_with("gap:")).collect();
    let distinct: std::collections::HashSet<&String> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "each gap is counted once");
}
