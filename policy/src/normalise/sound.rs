//! What a text sounds like: one private character for each toneless Mandarin syllable.
//!
//! An ideograph has one reading here, its commonest, on both sides; a term whose other reading is meant is missed. Latin
//! letters count where a whole word is made of syllables, digits as they are read out. Anything else is a barrier that no
//! term holds.
use super::{Normalised, Unit, numeral};
use pinyin::ToPinyin as _;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Stands for what has no syllable.
const BARRIER: char = '\u{1}';
/// The syllables, some four hundred, are numbered from here: all have two bytes in UTF-8.
const FIRST_SYLLABLE: u32 = 0xA0;
const FIRST_IDEOGRAPH: u32 = 0x4E00;
const LAST_IDEOGRAPH: u32 = 0x9FFF;
/// zhuang, chuang, shuang.
const LONGEST_SYLLABLE: usize = 6;
/// Longest Latin run that is tried; longer ones are no pinyin.
const LONGEST_RUN: usize = 64;
const DIGITS: [&str; 10] = ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"];

struct Table {
    syllables: HashMap<String, char>,
    /// Letters of each syllable, by its number.
    letters: Vec<String>,
    ideographs: Vec<char>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { syllables: HashMap::new(), letters: Vec::new(), ideographs: Vec::new() };
    for code in FIRST_IDEOGRAPH..=LAST_IDEOGRAPH {
        let reading = char::from_u32(code).and_then(|character| character.to_pinyin()).map(|reading| reading.plain().replace('ü', "u"));
        // Readings without a vowel (hm, ng) are interjections; in Latin letters they would cut English words to pieces.
        let syllable = reading.filter(|reading| reading.is_ascii() && reading.contains(['a', 'e', 'i', 'o', 'u'])).and_then(|reading| {
            if let Some(&known) = table.syllables.get(&reading) {
                return Some(known);
            }
            let new = char::from_u32(FIRST_SYLLABLE + table.letters.len() as u32)?;
            table.syllables.insert(reading.clone(), new);
            table.letters.push(reading);
            Some(new)
        });
        table.ideographs.push(syllable.unwrap_or(BARRIER));
    }
    for (typed, written) in [("lv", "lu"), ("nv", "nu")] {
        if let Some(&syllable) = table.syllables.get(written) {
            table.syllables.insert(typed.to_owned(), syllable);
        }
    }
    table
});

fn syllable(letters: &str) -> Option<char> {
    TABLE.syllables.get(letters).copied()
}

fn reading(character: char) -> char {
    if let Some(digit) = character.to_digit(10) {
        return DIGITS.get(digit as usize).and_then(|letters| syllable(letters)).unwrap_or(BARRIER);
    }
    let spoken = numeral::digit(character).and_then(|digit| DIGITS.get(digit.to_digit(10)? as usize)).and_then(|letters| syllable(letters));
    spoken.unwrap_or_else(|| {
        (character as u32).checked_sub(FIRST_IDEOGRAPH).and_then(|index| TABLE.ideographs.get(index as usize)).copied().unwrap_or(BARRIER)
    })
}

/// The sound of a text. Syllables that were written in Latin letters are marked as altered.
pub(crate) fn sound(plain: &Normalised) -> Normalised {
    let mut heard = Normalised::with_capacity(plain.units.len() * 2);
    let mut rest = plain.units.as_slice();
    while let Some(first) = rest.first() {
        if !first.character.is_ascii_lowercase() {
            heard.push(reading(first.character), first.source, first.gap, false);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let length = run_length(rest);
        let (run, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let word: String = run.iter().map(|unit| unit.character).collect();
        let last = run.last().unwrap_or(first);
        match segment(&word) {
            Some(parts) => {
                for (syllable, range) in parts {
                    if let (Some(head), Some(tail)) = (run.get(range.0), run.get(range.1.wrapping_sub(1))) {
                        heard.push(syllable, (head.source.0, tail.source.1), head.gap, true);
                    }
                }
            }
            None => heard.push(BARRIER, (first.source.0, last.source.1), first.gap, true),
        }
        rest = after;
    }
    heard
}

/// The ways a term sounds: by its characters, and, where joined pinyin reads differently (fang'an, fan'gan), by its letters.
/// None when a part of it has no syllable.
pub(crate) fn sound_of_term(plain: &Normalised) -> Vec<Normalised> {
    let by_character = sound(plain);
    if by_character.text.contains(BARRIER) || by_character.units.is_empty() {
        return Vec::new();
    }
    let letters = |unit: &Unit| TABLE.letters.get((unit.character as u32).checked_sub(FIRST_SYLLABLE)? as usize);
    let joined: String = by_character.units.iter().filter_map(letters).map(String::as_str).collect();
    let by_letters = sound(&Normalised::new(&joined));
    let differs = by_letters.text != by_character.text && !by_letters.text.contains(BARRIER);
    let mut ways = vec![by_character];
    ways.extend(differs.then_some(by_letters));
    ways
}

/// Length of the Latin word at the start: letters that touch, or single letters set apart (s e q i n g).
fn run_length(units: &[Unit]) -> usize {
    let latin = |unit: &&Unit| unit.character.is_ascii_lowercase();
    let touching = 1 + units.iter().skip(1).take_while(|unit| latin(unit) && unit.gap == super::Gap::None).count();
    if touching > 1 {
        return touching;
    }
    let apart = 1 + units.iter().skip(1).take_while(|unit| latin(unit) && unit.gap == super::Gap::Separator).count();
    // The last of them may begin a word of its own.
    let ends_in_word = units.get(apart).is_some_and(|unit| unit.character.is_ascii_lowercase() && unit.gap == super::Gap::None);
    match apart - usize::from(ends_in_word) {
        length @ 3.. => length,
        _ => 1,
    }
}

/// Syllables of a whole word with their letters, the longest first wherever the rest still comes out.
fn segment(word: &str) -> Option<Vec<(char, (usize, usize))>> {
    if word.len() > LONGEST_RUN || !word.is_ascii() {
        return None;
    }
    // `ends[i]`: where the syllable that starts at i ends, if the rest of the word comes out.
    let mut ends: Vec<Option<usize>> = vec![None; word.len() + 1];
    ends[word.len()] = Some(word.len());
    for start in (0..word.len()).rev() {
        let furthest = word.len().min(start + LONGEST_SYLLABLE);
        ends[start] = (start + 1..=furthest)
            .rev()
            .find(|&end| ends[end].is_some() && word.get(start..end).is_some_and(|letters| syllable(letters).is_some()));
    }
    let mut parts = Vec::new();
    let mut start = 0;
    while start < word.len() {
        let end = ends[start]?;
        parts.push((syllable(word.get(start..end)?)?, (start, end)));
        start = end;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::{BARRIER, FIRST_SYLLABLE, TABLE, sound, sound_of_term};
    use crate::normalise::Normalised;

    fn heard(text: &str) -> String {
        sound(&Normalised::new(text)).text
    }

    #[test]
    fn what_sounds_alike_reads_alike() {
        assert!((350..500).contains(&TABLE.syllables.len()), "{}", TABLE.syllables.len());
        assert!(FIRST_SYLLABLE as usize + TABLE.syllables.len() < 0x7FF);
        for written in ["se情", "瑟晴", "seqing", "sè qíng", "s e q i n g", "色 qing"] {
            assert_eq!(heard(written), heard("色情"), "{written}");
        }
        assert_eq!(heard("64"), heard("六四"));
        assert_eq!(heard("绿"), heard("lv"));
        assert_eq!(heard("heroine"), BARRIER.to_string());
        assert_eq!(sound_of_term(&Normalised::new("西安")).len(), 2);
        assert!(sound_of_term(&Normalised::new("deepfake")).is_empty());
    }
}
