use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;

/// Traditional characters and their simplified forms; the file's head names its source and licence.
const TRADITIONAL: &str = include_str!("../../data/traditional.tsv");

/// Blocks whose letters are drawn like Latin ones and are written left to right: Latin, Greek, Cyrillic, Armenian, Cherokee,
/// Coptic, Lisu. Folding others (Arabic alef is drawn like an l) would garble words that nobody disguised.
const LOOKALIKE_BLOCKS: &[std::ops::RangeInclusive<u32>] =
    &[0x80..=0x58F, 0x13A0..=0x13FF, 0x1D00..=0x1DBF, 0x1E00..=0x1FFF, 0x2C60..=0x2DFF, 0xA4D0..=0xA4FF, 0xA640..=0xA7FF, 0xAB30..=0xABBF];

/// The white-on-black letters A (🅐, 🅰), which Unicode does not decompose; the others of the alphabet follow them.
const SQUARED_AND_CIRCLED: [u32; 2] = [0x1_F150, 0x1_F170];

/// Size of the basic plane, which is looked up by index; the few folded characters beyond it are in a map.
const BASIC_PLANE: usize = 0x1_0000;

struct Table {
    basic: Box<[char]>,
    beyond: HashMap<char, char>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        basic: (0..BASIC_PLANE as u32).map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        beyond: HashMap::new(),
    };
    for code in LOOKALIKE_BLOCKS.iter().cloned().flatten() {
        if let Some((character, letter)) = char::from_u32(code).and_then(|character| Some((character, lookalike(character)?))) {
            table.set(character, letter);
        }
    }
    for first in SQUARED_AND_CIRCLED {
        for letter in 'a'..='z' {
            if let Some(drawn) = char::from_u32(first + u32::from(letter) - u32::from('a')) {
                table.set(drawn, letter);
            }
        }
    }
    for line in TRADITIONAL.lines().filter(|line| !line.starts_with('#')) {
        let mut characters = line.chars();
        if let (Some(traditional), Some('\t'), Some(simplified)) = (characters.next(), characters.next(), characters.next()) {
            table.set(traditional, simplified);
        }
    }
    table
});

impl Table {
    fn set(&mut self, from: char, to: char) {
        match self.basic.get_mut(from as usize) {
            Some(entry) => *entry = to,
            None => {
                self.beyond.insert(from, to);
            }
        }
    }
}

/// The simplified form of a traditional character, the ASCII letter that a letter of another alphabet is drawn like, and any
/// other character as it is. Where one simplified character stands for several (发: 發, 髮), each leads to it.
pub(super) fn fold(character: char) -> char {
    match TABLE.basic.get(character as usize) {
        Some(&folded) => folded,
        None => TABLE.beyond.get(&character).copied().unwrap_or(character),
    }
}

/// The lower-case ASCII letter or digit that `character`, or else its capital, is drawn like (UTS #39).
fn lookalike(character: char) -> Option<char> {
    if !character.is_alphanumeric() || character.is_ascii() {
        return None;
    }
    let capital = || character.to_uppercase().next().filter(|&capital| capital != character);
    prototype(character).or_else(|| prototype(capital()?))
}

fn prototype(character: char) -> Option<char> {
    let written = character.to_string();
    let drawn: String = unicode_security::confusable_detection::skeleton(&written).nfkd().filter(|&part| !super::is_accent(part)).collect();
    let mut parts = drawn.chars();
    match (parts.next(), parts.next(), parts.next()) {
        // UTS #39 does not tell a capital I from a small l.
        (Some('l'), None, _) if character.is_uppercase() => Some('i'),
        (Some(letter), None, _) if letter.is_ascii_alphanumeric() => Some(letter.to_ascii_lowercase()),
        // UTS #39 writes m as rn.
        (Some('r'), Some('n'), None) => Some('m'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{TRADITIONAL, fold};

    #[test]
    fn the_table_is_sorted_and_leads_out_of_itself() {
        let pairs: Vec<(&str, &str)> =
            TRADITIONAL.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t')).collect();
        assert!(pairs.len() > 3_000);
        assert!(pairs.is_sorted_by(|left, right| left.0 < right.0));
        for (traditional, simplified) in pairs {
            let simplified = simplified.chars().next().unwrap();
            assert_eq!(fold(traditional.chars().next().unwrap()), simplified);
            assert_eq!(fold(simplified), simplified);
        }
        for (written, read) in [('槍', '枪'), ('後', '后'), ('裡', '里'), ('A', 'A'), ('王', '王')] {
            assert_eq!(fold(written), read);
        }
    }

    #[test]
    fn letters_of_other_alphabets_become_the_ones_they_look_like() {
        for (written, read) in
            [('а', 'a'), ('о', 'o'), ('р', 'p'), ('Н', 'h'), ('м', 'm'), ('Ι', 'i'), ('І', 'i'), ('η', 'n'), ('ο', 'o'), ('Ꭺ', 'a')]
        {
            assert_eq!(fold(written), read, "{written}");
        }
        for kept in ['ж', 'ا', 'ア'] {
            assert_eq!(fold(kept), kept);
        }
    }
}
