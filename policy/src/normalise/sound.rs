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
/// Longest Latin run that is tried; longer ones are no pinyin.
const LONGEST_RUN: usize = 64;
const LETTERS: usize = 26;
const DIGITS: [&str; 10] = ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"];

struct Table {
    /// Letters to syllables; the first node is the root.
    trie: Vec<Node>,
    /// Letters of each syllable, by its number.
    letters: Vec<String>,
    ideographs: Vec<char>,
}

/// A prefix of a syllable's letters.
#[derive(Clone, Default)]
struct Node {
    /// Index of the node for each next letter; 0 where there is none.
    next: [u16; LETTERS],
    syllable: Option<char>,
}

impl Table {
    fn add(&mut self, letters: &str, syllable: char) {
        let mut at = 0;
        for letter in letters.bytes() {
            let index = usize::from(letter.wrapping_sub(b'a'));
            let fresh = self.trie.len();
            let Some(next) = self.trie.get_mut(at).and_then(|node| node.next.get_mut(index)) else { return };
            if *next == 0 {
                *next = fresh as u16;
                self.trie.push(Node::default());
            }
            at = usize::from(self.trie.get(at).and_then(|node| node.next.get(index)).copied().unwrap_or_default());
        }
        if let Some(node) = self.trie.get_mut(at) {
            node.syllable = Some(syllable);
        }
    }

    /// The syllables that `letters` begins with, shortest first, with their lengths.
    fn prefixes(&self, letters: &[u8]) -> impl Iterator<Item = (usize, char)> {
        let mut at = Some(0);
        letters
            .iter()
            .enumerate()
            .map_while(move |(index, letter)| {
                let next = self.trie.get(at?)?.next.get(usize::from(letter.wrapping_sub(b'a'))).copied().filter(|&next| next != 0)?;
                at = Some(usize::from(next));
                Some((index + 1, self.trie.get(usize::from(next))?.syllable))
            })
            .filter_map(|(length, syllable)| Some((length, syllable?)))
    }
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { trie: vec![Node::default()], letters: Vec::new(), ideographs: Vec::new() };
    let mut known: HashMap<String, char> = HashMap::new();
    for code in FIRST_IDEOGRAPH..=LAST_IDEOGRAPH {
        let reading = char::from_u32(code).and_then(|character| character.to_pinyin()).map(|reading| reading.plain().replace('ü', "u"));
        // Readings without a vowel (hm, ng) are interjections; in Latin letters they would cut English words to pieces.
        let syllable = reading.filter(|reading| reading.is_ascii() && reading.contains(['a', 'e', 'i', 'o', 'u'])).and_then(|reading| {
            if let Some(&syllable) = known.get(&reading) {
                return Some(syllable);
            }
            let new = char::from_u32(FIRST_SYLLABLE + table.letters.len() as u32)?;
            known.insert(reading.clone(), new);
            table.add(&reading, new);
            table.letters.push(reading);
            Some(new)
        });
        table.ideographs.push(syllable.unwrap_or(BARRIER));
    }
    for (typed, written) in [("lv", "lu"), ("nv", "nu"), ("lve", "lue"), ("nve", "nue")] {
        if let Some(&syllable) = known.get(written) {
            table.add(typed, syllable);
        }
    }
    table
});

fn syllable(letters: &str) -> Option<char> {
    TABLE.prefixes(letters.as_bytes()).find(|&(length, _)| length == letters.len()).map(|(_, syllable)| syllable)
}

fn reading(character: char) -> char {
    if let Some(digit) = character.to_digit(10) {
        return DIGITS.get(digit as usize).and_then(|letters| syllable(letters)).unwrap_or(BARRIER);
    }
    // 两 stands for two and is never read as 二.
    let spoken = numeral::digit(character)
        .filter(|_| character != '两')
        .and_then(|digit| DIGITS.get(digit.to_digit(10)? as usize))
        .and_then(|letters| syllable(letters));
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

/// The ways a term sounds, each with its number of syllables: by its characters, and, where joined pinyin reads differently
/// (fang'an, fan'gan), by its letters. None when a part of it has no syllable.
pub(crate) fn sound_of_term(plain: &Normalised) -> Vec<(String, usize)> {
    let by_character = sound(plain);
    if by_character.text.contains(BARRIER) || by_character.units.is_empty() {
        return Vec::new();
    }
    let letters = |unit: &Unit| TABLE.letters.get((unit.character as u32).checked_sub(FIRST_SYLLABLE)? as usize);
    let joined: String = by_character.units.iter().filter_map(letters).map(String::as_str).collect();
    let by_letters = segment(&joined).unwrap_or_default();
    let read: String = by_letters.iter().map(|(syllable, _)| *syllable).collect();
    let differs = !read.is_empty() && read != by_character.text;
    let mut ways = vec![(by_character.text, by_character.units.len())];
    ways.extend(differs.then_some((read, by_letters.len())));
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
    // `steps[i]`: the syllable that starts at i and where it ends, if the rest of the word comes out.
    let letters = word.as_bytes();
    let mut steps: [Option<(char, usize)>; LONGEST_RUN] = [None; LONGEST_RUN];
    for start in (0..letters.len()).rev() {
        let rest_comes_out = |end: usize| end == letters.len() || steps.get(end).is_some_and(Option::is_some);
        let ahead = letters.get(start..).unwrap_or_default();
        let longest =
            TABLE.prefixes(ahead).map(|(length, syllable)| (syllable, start + length)).filter(|&(_, end)| rest_comes_out(end)).last();
        if let Some(step) = steps.get_mut(start) {
            *step = longest;
        }
    }
    let mut parts = Vec::new();
    let mut start = 0;
    while start < letters.len() {
        let (syllable, end) = steps.get(start).copied().flatten()?;
        parts.push((syllable, (start, end)));
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
        assert!((350..500).contains(&TABLE.letters.len()), "{}", TABLE.letters.len());
        assert!(FIRST_SYLLABLE as usize + TABLE.letters.len() < 0x7FF);
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
