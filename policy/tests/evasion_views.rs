//! Disguises made from every entry of the built-in lexicon for the views beyond the plain one: look-alike letters, leet, numerals,
//! split characters, pinyin, homophones.

use pinyin::ToPinyin as _;
use policy::{
    Field, Gate, Lexicon, MatchType, Rule,
    normalise::{Normalised, is_ideographic},
};
use std::collections::HashMap;

fn swap(term: &str, pairs: &[(char, char)]) -> String {
    term.chars().map(|character| pairs.iter().find(|pair| pair.0 == character).map_or(character, |pair| pair.1)).collect()
}

fn ideographs(term: &str) -> usize {
    term.chars().filter(|&character| is_ideographic(character)).count()
}

fn spell(term: &str, between: &str) -> Option<String> {
    let syllables: Option<Vec<&str>> = term.chars().map(|character| character.to_pinyin().map(pinyin::Pinyin::plain)).collect();
    Some(syllables?.join(between).replace('ü', "v"))
}

/// Runs `hide` over every entry and returns how many disguises it made; each must meet its rule.
fn every_entry(what: &str, hide: impl Fn(&str) -> Vec<String>) -> usize {
    let gate = Gate::builtin().unwrap();
    let lexicon = Lexicon::builtin().unwrap();
    let mut checked = 0;
    let mut missed = Vec::new();
    let alone = |rule: &&Rule| rule.match_type == MatchType::Automatic && rule.companions.is_none() && rule.views.is_none();
    for rule in lexicon.rules().iter().filter(alone) {
        for (term, hidden) in rule.terms.iter().flat_map(|term| hide(term).into_iter().map(move |hidden| (term, hidden))) {
            if hidden == *term || rule.exceptions.contains(&hidden) {
                continue;
            }
            checked += 1;
            for text in [hidden.clone(), format!("请画：{hidden} 的海报"), format!("a picture, {hidden} !")] {
                let findings = gate.examine(&text, Field::Prompt);
                let met = findings.iter().any(|finding| finding.rule == rule.id && text[finding.span.0..finding.span.1] == finding.quote);
                if !met {
                    missed.push(format!("{} {term}: {text}", rule.id));
                }
            }
        }
    }
    println!("{what}: {checked} disguises");
    assert!(missed.is_empty(), "{what}: {} missed\n{}", missed.len(), missed.join("\n"));
    checked
}

#[test]
fn look_alike_letters() {
    let cyrillic = [('a', 'а'), ('c', 'с'), ('e', 'е'), ('i', 'і'), ('o', 'о'), ('p', 'р'), ('s', 'ѕ'), ('x', 'х'), ('y', 'у')];
    let greek = [('o', 'ο'), ('v', 'ν'), ('i', 'ι'), ('a', 'α'), ('p', 'ρ')];
    let capitals = [('a', 'Α'), ('b', 'В'), ('e', 'Ε'), ('h', 'Н'), ('i', 'Ι'), ('k', 'Κ'), ('m', 'М'), ('n', 'Ν'), ('o', 'О'), ('t', 'Τ')];
    let checked = every_entry("look-alikes", |term| vec![swap(term, &cyrillic), swap(term, &greek), swap(term, &capitals)]);
    assert!(checked > 500);
}

#[test]
fn digits_for_letters() {
    let checked = every_entry("leet", |term| {
        let word = term.chars().filter(char::is_ascii_alphabetic).count();
        if ideographs(term) > 0 || word < 4 {
            return Vec::new();
        }
        [&[('o', '0'), ('i', '1')] as &[_], &[('e', '3'), ('a', '4')], &[('s', '$'), ('a', '@'), ('l', '1')]]
            .map(|pairs| swap(term, pairs))
            .into()
    });
    assert!(checked > 300);
}

#[test]
fn other_numerals() {
    let checked = every_entry("numerals", |term| {
        let digits = [('一', '1'), ('二', '2'), ('三', '3'), ('六', '6'), ('八', '8'), ('九', '9')];
        let formal = [('一', '壹'), ('二', '贰'), ('三', '叁'), ('六', '陆')];
        if ideographs(term) == 0 { Vec::new() } else { vec![swap(term, &digits), swap(term, &formal)] }
    });
    assert!(checked > 0);
}

#[test]
fn split_characters() {
    let parts = [
        ("枪", "木仓"),
        ("博", "十尃"),
        ("毒", "毒"),
        ("诈", "讠乍"),
        ("诈", "言乍"),
        ("裸", "衤果"),
        ("体", "亻本"),
        ("炸", "火 乍"),
        ("弹", "弓单"),
        ("假", "亻叚"),
        ("贩", "贝-反"),
    ];
    let checked = every_entry("split", |term| parts.iter().map(|(whole, parts)| term.replace(whole, parts)).collect());
    assert!(checked > 50);
}

#[test]
fn pinyin_of_three_syllables_or_more() {
    let checked = every_entry("pinyin", |term| {
        let count = term.chars().count();
        if count < 3 || ideographs(term) < count {
            return Vec::new();
        }
        let half: String = term.chars().take(count / 2).collect();
        let rest: String = term.chars().skip(count / 2).collect();
        let mixed = spell(&half, "").map(|half| format!("{half}{rest}"));
        [spell(term, ""), spell(term, " "), spell(term, "-"), spell(term, "").map(|joined| joined.to_uppercase()), mixed]
            .into_iter()
            .flatten()
            .collect()
    });
    assert!(checked > 500);
}

#[test]
fn homophones_of_four_syllables_or_more() {
    let mut by_sound: HashMap<&str, Vec<char>> = HashMap::new();
    let simplified = |character: &char| Normalised::new(&character.to_string()).text.starts_with(*character);
    for character in ('\u{4E00}'..='\u{9FA5}').filter(simplified) {
        if let Some(reading) = character.to_pinyin() {
            by_sound.entry(reading.plain()).or_default().push(character);
        }
    }
    let checked = every_entry("homophones", |term| {
        let count = term.chars().count();
        if count < 4 || ideographs(term) < count {
            return Vec::new();
        }
        // Another character with the same sound; traditional forms are read as the simplified character, which may sound otherwise.
        let other = |character: char, skip: usize| {
            let alike = character.to_pinyin().and_then(|reading| by_sound.get(reading.plain())).map(Vec::as_slice).unwrap_or_default();
            alike.iter().copied().filter(|&alike| alike != character).nth(skip).unwrap_or(character)
        };
        (0..3)
            .map(|skip| term.chars().enumerate().map(|(index, c)| if index % 2 == skip % 2 { other(c, skip) } else { c }).collect())
            .collect()
    });
    assert!(checked > 500);
}

#[test]
fn written_backwards() {
    let checked = every_entry("backwards", |term| {
        let enough =
            if ideographs(term) > 0 { term.chars().count() >= 3 } else { term.chars().filter(|c| c.is_alphanumeric()).count() >= 5 };
        if enough { vec![term.chars().rev().collect()] } else { Vec::new() }
    });
    assert!(checked > 1_000);
}

#[test]
fn a_letter_for_a_syllable() {
    let checked = every_entry("initials", |term| {
        let characters: Vec<char> = term.chars().collect();
        if characters.len() < 3 || ideographs(term) < characters.len() {
            return Vec::new();
        }
        let letter = |at: usize| characters[at].to_pinyin().and_then(|reading| reading.plain().chars().next());
        let hidden = |at: usize| {
            let letter = letter(at)?;
            Some(characters.iter().enumerate().map(|(index, &c)| if index == at { letter } else { c }).collect::<String>())
        };
        (1..characters.len()).filter_map(hidden).collect()
    });
    assert!(checked > 1_000);
}

#[test]
fn one_homophone_in_three_syllables_and_half_pinyin_in_two() {
    let homophones = every_entry("one homophone", |term| {
        let pairs = [('水', '睡'), ('印', '音'), ('平', '瓶'), ('场', '厂'), ('假', '甲'), ('恐', '孔')];
        if term.chars().count() == 3 && ideographs(term) == 3 {
            pairs
                .iter()
                .filter(|(from, _)| term.matches(*from).count() == 1)
                .map(|(from, to)| term.replace(*from, &to.to_string()))
                .collect()
        } else {
            Vec::new()
        }
    });
    let halves = every_entry("half pinyin", |term| {
        let characters: Vec<char> = term.chars().collect();
        if characters.len() != 2 || ideographs(term) != 2 {
            return Vec::new();
        }
        let halves = [
            spell(&term[3..], "").map(|last| format!("{}{last}", characters[0])),
            spell(&term[..3], "").map(|first| format!("{first}{}", characters[1])),
        ];
        halves.into_iter().flatten().filter(|half| !half.contains("ai")).collect()
    });
    assert!(homophones > 5 && halves > 100);
}
