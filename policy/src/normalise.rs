//! One form for all the ways to write a text, with the way back to the user's own bytes.
//!
//! Each character is decomposed by compatibility (NFKD, so full width, half width, ligatures, circled and mathematical
//! letters become plain), replaced by the Latin letter that it is drawn like, lower-cased, stripped of accents, and mapped
//! from traditional to simplified. Because lexicon terms pass through the same function, NFKD here matches whatever NFKC
//! would, and accents put on to evade do not help. What remains is letters and digits; everything visible in between is kept
//! only as a [`Gap`].
//!
//! That is the plain view. The others are made from it, or beside it, and are read only where a rule says so, because they
//! hold less of what the user meant: digits as letters, numerals as digits, split characters put together, pictographs as
//! words, sounds, and single letters for syllables.

mod emoji;
mod fold;
mod initial;
mod leet;
mod numeral;
mod sound;
mod split;

pub(crate) use emoji::{emoji, has_pictured};
pub(crate) use initial::{initials, initials_of_term};
pub(crate) use leet::{leet, leet_term};
pub(crate) use numeral::{digit, numerals};
pub(crate) use sound::{sound, sound_of_term};
pub(crate) use split::{has_splittable, split};

use unicode_normalization::UnicodeNormalization as _;

/// What stood between a kept character and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing, or only invisible characters.
    None,
    /// Spaces, symbols or punctuation within a clause.
    Separator,
    /// Punctuation that ends a clause, or a line end.
    Clause,
}

/// A character of the normalised text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Letter or digit; in the sound view, a syllable.
    pub character: char,
    /// Byte offset in [`Normalised::text`].
    pub offset: usize,
    /// Byte range of what it came from, in the user's text.
    pub source: (usize, usize),
    /// What stood before it.
    pub gap: Gap,
    /// Whether the view made it out of something else: a digit, parts of a character, Latin letters that spell a syllable.
    pub altered: bool,
}

/// A normalised text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// Letters and digits only.
    pub text: String,
    /// Its characters, in order.
    pub units: Vec<Unit>,
}

/// What a view writes for a character.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    character: char,
    altered: bool,
}

impl Normalised {
    /// The plain view of `text`, in linear time.
    pub fn new(text: &str) -> Self {
        Self::build(text, |character| is_kept(character).then_some(Written { character, altered: false }))
    }

    /// `write` says what stands for a folded, lower-case character, and nothing where it only separates.
    fn build(text: &str, write: impl Fn(char) -> Option<Written>) -> Self {
        let mut normalised = Self::with_capacity(text.len());
        let mut gap = Gap::None;
        for (start, original) in text.char_indices() {
            if is_invisible(original) {
                continue;
            }
            let source = (start, start + original.len_utf8());
            let mut take = |character: char| match write(character) {
                Some(written) => {
                    normalised.push(written.character, source, gap, written.altered);
                    gap = Gap::None;
                }
                None => gap = gap.max(if ends_clause(character) { Gap::Clause } else { Gap::Separator }),
            };
            // Most characters are of these two kinds, which have no decomposition.
            if original.is_ascii() {
                take(original.to_ascii_lowercase());
            } else if is_common_ideograph(original) {
                take(fold::fold(original));
            } else {
                for part in std::iter::once(original).nfkd() {
                    for character in fold::fold(part).to_lowercase() {
                        if !is_accent(character) && !is_invisible(character) {
                            take(fold::fold(character));
                        }
                    }
                }
            }
        }
        normalised
    }

    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), units: Vec::with_capacity(bytes / 2) }
    }

    fn push(&mut self, character: char, source: (usize, usize), gap: Gap, altered: bool) {
        let offset = self.text.len();
        self.text.push(character);
        self.units.push(Unit { character, offset, source, gap, altered });
    }

    /// Whether the character `at` goes on a word of a script that puts spaces between words.
    pub(crate) fn is_inside_word(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.units.get(before));
        let goes_on = |unit: &Unit| unit.gap == Gap::None && !is_ideographic(unit.character);
        self.units.get(at).is_some_and(goes_on) && before.is_some_and(|unit| !is_ideographic(unit.character))
    }

    /// The character that was written at byte `source` of the user's text, in logarithmic time.
    pub(crate) fn written_at(&self, source: usize) -> Option<char> {
        let index = self.units.partition_point(|unit| unit.source.0 < source);
        self.units.get(index).filter(|unit| unit.source.0 == source).map(|unit| unit.character)
    }

    /// Whether one of `words`, in their plain form, stands right before what was written at byte `source` of the user's text.
    pub(crate) fn follows(&self, source: usize, words: &[String]) -> bool {
        if words.is_empty() {
            return false;
        }
        let index = self.units.partition_point(|unit| unit.source.0 < source);
        let Some(unit) = self.units.get(index).filter(|unit| unit.gap != Gap::Clause) else { return false };
        let before = self.text.get(..unit.offset).unwrap_or_default();
        words.iter().any(|word| {
            let starts = |start: usize| !self.is_inside_word(self.units.partition_point(|unit| unit.offset < start));
            before.ends_with(word.as_str()) && starts(before.len() - word.len())
        })
    }

    /// Its characters from the last to the first, with gaps where they were.
    pub(crate) fn reversed(&self) -> Self {
        let mut reversed = Self::with_capacity(self.text.len());
        let mut gap = Gap::None;
        for unit in self.units.iter().rev() {
            reversed.push(unit.character, unit.source, gap, unit.altered);
            gap = unit.gap;
        }
        reversed
    }

    /// Indices of the characters that the byte range `start..end` of `text` covers, in logarithmic time.
    pub fn units_of(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        let unit_at = |byte: usize| self.units.partition_point(|unit| unit.offset < byte);
        unit_at(start)..unit_at(end)
    }
}

/// The block that nearly all Chinese is written in.
fn is_common_ideograph(character: char) -> bool {
    matches!(character, '\u{4E00}'..='\u{9FFF}')
}

/// Letters and digits. The table of Unicode is slow for ideographs, all of which are letters.
fn is_kept(character: char) -> bool {
    is_common_ideograph(character) || character.is_alphanumeric()
}

/// Whether a character belongs to a script that does not put spaces between words: Chinese, Japanese, Korean.
pub fn is_ideographic(character: char) -> bool {
    matches!(u32::from(character),
        0x1100..=0x11FF | 0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3040..=0x318F | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// Characters with no ink of their own (Default_Ignorable_Code_Point of Unicode, and what shares its purpose): zero-width
/// spaces and joiners, direction marks, soft hyphens, fillers, variation selectors, tags.
pub fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
        | 0x1_BCA0..=0x1_BCA3 | 0x1_D173..=0x1_D17A | 0xE_0000..=0xE_0FFF)
}

/// Combining marks of Latin, Greek and Cyrillic and those around symbols. Vowel signs of other scripts carry meaning and stay.
fn is_accent(character: char) -> bool {
    matches!(u32::from(character),
        0x300..=0x36F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// Full-width forms have become ASCII here. The ASCII dot is not one: it rarely ends a Chinese clause and often splits a word.
fn ends_clause(character: char) -> bool {
    matches!(character, ',' | ';' | ':' | '!' | '?' | '\n' | '\r' | '、' | '。')
}

#[cfg(test)]
mod tests {
    use super::{Gap, Normalised};

    #[test]
    fn one_form_for_many_spellings() {
        for (written, normal) in [
            ("ＮＵＤＥ", "nude"),
            ("nu\u{200b}d\u{fe0f}e", "nude"),
            ("ｎú𝓭ⓔ", "nude"),
            ("ﬁne STRASSE", "finestrasse"),
            ("İ", "i"),
            ("槍 支", "枪支"),
            ("ｱﾆﾒ", "アニメ"),
            ("һеrоіn", "heroin"),
            ("ΝUDΕ", "nude"),
            ("妳後來", "你后来"),
        ] {
            assert_eq!(Normalised::new(written).text, normal, "{written:?}");
        }
    }

    #[test]
    fn offsets_lead_back_to_the_users_bytes() {
        let written = "画\u{200b}Ａ，é！";
        let normalised = Normalised::new(written);
        let sources: Vec<_> = normalised.units.iter().map(|unit| (&written[unit.source.0..unit.source.1], unit.gap)).collect();
        assert_eq!(sources, [("画", Gap::None), ("Ａ", Gap::None), ("é", Gap::Clause)]);
        assert_eq!(normalised.units_of(3, 5), 1..3);
    }
}
