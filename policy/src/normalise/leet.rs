//! Digits and symbols that stand for letters (`p0rn`, `n@ked`).
use super::{Normalised, Written, is_ideographic, is_kept};

/// What a digit or symbol stands for inside a word. One and l are both drawn like i, so that the three become one letter.
fn letter(character: char) -> Option<char> {
    Some(match character {
        '0' => 'o',
        '1' | '!' | '|' | '¡' => 'i',
        '2' => 'z',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => return None,
    })
}

/// Reads digits and symbols as letters; nothing when the text has none.
pub(crate) fn leet(text: &str) -> Option<Normalised> {
    // A character outside ASCII and the ideographs may decompose to a digit.
    let suspicious = |character: char| letter(character).is_some() || !character.is_ascii() && !is_ideographic(character);
    if !text.chars().any(suspicious) {
        return None;
    }
    Some(leet_term(text)).filter(|read| read.units.iter().any(|unit| unit.altered))
}

/// Reads a term as leet, whether or not it has a digit.
pub(crate) fn leet_term(text: &str) -> Normalised {
    Normalised::build(text, |character| match (letter(character), character) {
        (Some(letter), _) => Some(Written { character: letter, altered: true }),
        (None, 'l') => Some(Written { character: 'i', altered: false }),
        (None, other) => is_kept(other).then_some(Written { character: other, altered: false }),
    })
}
