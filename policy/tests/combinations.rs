//! Rules that need several words: each word does its part, in the usual disguises, and no word does it alone.

use policy::{Companions, Field, Gate, Lexicon, Rule, normalise::is_ideographic};

fn combinations(lexicon: &Lexicon) -> impl Iterator<Item = (&Rule, &Companions)> {
    lexicon.rules().iter().filter_map(|rule| Some((rule, rule.companions.as_ref()?)))
}

/// A term with the first companion of every list, and the first term with each companion.
fn phrases(rule: &Rule, companions: &Companions) -> Vec<String> {
    let first = |list: &Vec<String>| list[0].clone();
    let of_terms = rule.terms.iter().map(|term| {
        let words: Vec<String> = std::iter::once(term.clone()).chain(companions.lists.iter().map(first)).collect();
        words.join(" ")
    });
    let of_companions = companions.lists.iter().enumerate().flat_map(|(place, list)| {
        list.iter().map(move |word| {
            let others = companions.lists.iter().enumerate().map(|(index, list)| if index == place { word } else { &list[0] });
            let words: Vec<&str> = std::iter::once(rule.terms[0].as_str()).chain(others.map(String::as_str)).collect();
            words.join(" ")
        })
    });
    of_terms.chain(of_companions).collect()
}

fn full_width(text: &str) -> String {
    text.chars()
        .map(|character| char::from_u32(character as u32 + 0xFEE0).filter(|_| matches!(character, '!'..='~')).unwrap_or(character))
        .collect()
}

fn apart(text: &str, between: &str) -> String {
    text.chars().map(|character| if is_ideographic(character) { format!("{character}{between}") } else { character.to_string() }).collect()
}

#[test]
fn every_word_does_its_part_in_every_disguise() {
    let (gate, lexicon) = (Gate::builtin().unwrap(), Lexicon::builtin().unwrap());
    let (mut checked, mut missed) = (0, Vec::new());
    for (rule, companions) in combinations(&lexicon) {
        for phrase in phrases(rule, companions) {
            let hidden = [phrase.clone(), phrase.to_uppercase(), full_width(&phrase), apart(&phrase, "\u{200b}"), apart(&phrase, "·")];
            for text in hidden.iter().chain([&format!("请画：{phrase}，谢谢"), &format!("please, {phrase}!")]) {
                checked += 1;
                let findings = gate.examine(text, Field::Prompt);
                let met = findings.iter().any(|finding| finding.rule == rule.id && text[finding.span.0..finding.span.1] == finding.quote);
                if !met {
                    missed.push(format!("{}: {text}", rule.id));
                }
            }
        }
    }
    println!("{checked} phrases");
    assert!(missed.is_empty(), "{} of {checked} missed\n{}", missed.len(), missed.join("\n"));
    assert!(checked > 5_000);
}

#[test]
fn no_word_does_it_alone() {
    let (gate, lexicon) = (Gate::builtin().unwrap(), Lexicon::builtin().unwrap());
    for (rule, companions) in combinations(&lexicon) {
        for word in rule.terms.iter().chain(companions.lists.iter().flatten()) {
            let alone = gate.examine(word, Field::Prompt);
            assert!(alone.iter().all(|finding| finding.rule != rule.id), "{}: {word}", rule.id);
        }
    }
}

#[test]
fn companions_are_checked_when_a_lexicon_is_read() {
    let read = |settings: &str| {
        let text = format!(
            "format = 1\nname = \"own\"\nversion = \"1\"\n[[rule]]\nid = \"a\"\nclass = \"A1.h\"\nterms = [\"去掉\"]\n{settings}\n"
        );
        Lexicon::parse(&text, "own.toml").map(|lexicon| lexicon.rules()[0].companions.clone())
    };
    let companions = read("with = [[\"水印\"], [\"右下角\"]]\nwithin = 3\norder = \"term_first\"").unwrap().unwrap();
    assert_eq!((companions.lists.len(), companions.within, companions.order), (2, 3, policy::Order::TermFirst));
    assert_eq!(read("").unwrap(), None);
    for wrong in [
        "with = []",
        "with = [[]]",
        "with = [[\"…\"]]",
        "with = [[\"a\"], [\"b\"], [\"c\"], [\"d\"]]",
        "with = [[\"a\"]]\nwithin = 41",
        "match = \"regex\"\nwith = [[\"a\"]]",
        "with = [[\"a\"]]\norder = \"backwards\"",
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.starts_with("own.toml:"), "{error}");
    }
}

#[test]
fn a_package_keeps_companions() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Lexicon::builtin().unwrap().rules().to_vec();
    policy::Package { name: "again".into(), version: "1".into(), created: "2026-12-01".parse().unwrap(), rules: rules.clone() }
        .write(folder.path())
        .unwrap();
    assert_eq!(Lexicon::read(folder.path()).unwrap().rules(), rules);
}
