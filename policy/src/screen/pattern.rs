use crate::normalise::{Gap, Normalised, Unit, is_ideographic};
use std::ops::Range;

/// Fewest letters of a term that is found wherever it was cut: shorter ones come about between innocent words (the hero in).
const SHORTEST_CUT: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Term,
    /// A word of the list with this number, counted from 1, that must stand near a term.
    Companion(u8),
    Exception,
}

/// A term or exception of a rule, as one view writes it.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) rule: u32,
    pub(super) role: Role,
    pub(super) spelling: Spelling,
    /// Whether it is written backwards.
    pub(super) reversed: bool,
}

/// How the characters of a match must stand.
#[derive(Debug)]
pub(super) enum Spelling {
    /// Holds an ideograph: whatever stands between its characters is ignored.
    Ideographic { whole_words: bool },
    /// Words of letters. The flags say, for each character, whether its author put something before it.
    Alphabetic { gap_before: Box<[bool]> },
    /// Anywhere, separated as its author did or at every character.
    Anywhere { gap_before: Box<[bool]> },
    /// Syllables.
    Sound(Sound),
    /// First letters of syllables, of which so many must be there as the characters `written`.
    Initials { written: Box<str>, fewest_literal: usize },
}

/// How a term may be found by its sound: never, or with at least so many characters as its author wrote them.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    /// Where some of it is in Latin letters.
    pub(super) pinyin: Option<usize>,
    /// Where all of it is in ideographs.
    pub(super) homophone: Option<usize>,
    /// The characters, where some must be literal.
    pub(super) written: Box<str>,
}

impl Spelling {
    pub(super) fn automatic(term: &Normalised) -> Self {
        if has_ideograph(term) { Self::Ideographic { whole_words: false } } else { Self::Alphabetic { gap_before: gaps_of(term) } }
    }

    pub(super) fn word(term: &Normalised) -> Self {
        if has_ideograph(term) { Self::Ideographic { whole_words: true } } else { Self::Alphabetic { gap_before: gaps_of(term) } }
    }

    pub(super) fn substring(term: &Normalised) -> Self {
        if has_ideograph(term) { Self::Ideographic { whole_words: false } } else { Self::Anywhere { gap_before: gaps_of(term) } }
    }
}

pub(super) fn has_ideograph(term: &Normalised) -> bool {
    term.units.iter().any(|unit| is_ideographic(unit.character))
}

fn gaps_of(term: &Normalised) -> Box<[bool]> {
    term.units.iter().map(|unit| unit.gap != Gap::None).collect()
}

/// The characters around a match.
struct Surroundings<'a> {
    inside: &'a [Unit],
    first: &'a Unit,
    last: &'a Unit,
    glued_before: Option<&'a Unit>,
    glued_after: Option<&'a Unit>,
}

impl Pattern {
    /// Whether [`Self::fits`] may hold where [`Normalised::is_inside_word`] does.
    pub(super) fn may_begin_inside_word(&self) -> bool {
        matches!(self.spelling, Spelling::Anywhere { .. } | Spelling::Sound(_) | Spelling::Initials { .. })
    }

    /// Whether the characters `range` of `text`, which spell this pattern, also stand as it wants them. `plain` is the plain
    /// view of the same text.
    pub(super) fn fits(&self, text: &Normalised, plain: &Normalised, range: &Range<usize>) -> bool {
        let Some(inside) = text.units.get(range.clone()) else { return false };
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return false };
        let before = range.start.checked_sub(1).and_then(|index| text.units.get(index));
        let after = text.units.get(range.end);
        let around = Surroundings {
            inside,
            first,
            last,
            glued_before: before.filter(|_| first.gap == Gap::None),
            glued_after: after.filter(|unit| unit.gap == Gap::None),
        };
        match &self.spelling {
            Spelling::Sound(sound) => around.sounds(sound, plain),
            Spelling::Initials { written, fewest_literal } => around.spells_initials(written, *fewest_literal, plain),
            Spelling::Anywhere { gap_before } => self.spaced(&around, gap_before),
            Spelling::Alphabetic { gap_before } => !around.goes_on_in_letters() && self.spaced(&around, gap_before),
            // Two characters across a comma, each the end of a longer word (水枪、支架), are two words.
            Spelling::Ideographic { whole_words } => {
                let two_words = self.role != Role::Exception
                    && inside.len() == 2
                    && last.gap == Gap::Clause
                    && around.glued_before.is_some()
                    && around.glued_after.is_some();
                !(two_words || around.goes_on_in_letters() || *whole_words && around.goes_on_in_ideographs())
            }
        }
    }

    /// Whether letters stand as written, words run together or apart, every letter apart (p o r n), or a long word cut anywhere (wate rmark).
    fn spaced(&self, around: &Surroundings, gap_before: &[bool]) -> bool {
        let gaps = || around.inside.iter().skip(1).map(|unit| unit.gap);
        let exact = self.role == Role::Exception;
        let as_written =
            gaps().zip(gap_before.iter().skip(1)).all(|(gap, &author)| gap == Gap::None || author && (!exact || gap == Gap::Separator));
        let letters = around.inside.len();
        as_written
            || !exact && letters > 2 && gaps().all(|gap| gap != Gap::None)
            || !exact && letters >= SHORTEST_CUT && gaps().all(|gap| gap != Gap::Clause)
    }
}

impl Surroundings<'_> {
    fn goes_on_in_letters(&self) -> bool {
        let continues =
            |neighbour: Option<&Unit>, edge: char| !is_ideographic(edge) && neighbour.is_some_and(|unit| !is_ideographic(unit.character));
        continues(self.glued_before, self.first.character) || continues(self.glued_after, self.last.character)
    }

    fn goes_on_in_ideographs(&self) -> bool {
        let continues =
            |neighbour: Option<&Unit>, edge: char| is_ideographic(edge) && neighbour.is_some_and(|unit| is_ideographic(unit.character));
        continues(self.glued_before, self.first.character) || continues(self.glued_after, self.last.character)
    }

    fn sounds(&self, sound: &Sound, plain: &Normalised) -> bool {
        let in_latin = self.inside.iter().any(|unit| unit.altered);
        let Some(fewest_literal) = (if in_latin { sound.pinyin } else { sound.homophone }) else { return false };
        let part_of_latin_word =
            |edge: &Unit, neighbour: Option<&Unit>| edge.altered && neighbour.is_some_and(|neighbour| neighbour.altered);
        let literal = || {
            let touching = !in_latin || self.inside.iter().skip(1).all(|unit| unit.gap == Gap::None);
            let is_ai = |unit: &Unit| {
                let (start, end) = unit.source;
                unit.altered && end - start == 2 && plain.written_at(start) == Some('a') && plain.written_at(start + 1) == Some('i')
            };
            touching && self.literal(&sound.written, plain) >= fewest_literal && !self.inside.iter().any(is_ai)
        };
        (fewest_literal == 0 || literal())
            && self.inside.iter().skip(1).all(|unit| unit.gap != Gap::Clause)
            && !part_of_latin_word(self.first, self.glued_before)
            && !part_of_latin_word(self.last, self.glued_after)
    }

    /// How many characters stand as `written` has them.
    fn literal(&self, written: &str, plain: &Normalised) -> usize {
        let same = |(unit, character): &(&Unit, char)| !unit.altered && plain.written_at(unit.source.0) == Some(*character);
        self.inside.iter().zip(written.chars()).filter(same).count()
    }

    fn spells_initials(&self, written: &str, fewest_literal: usize, plain: &Normalised) -> bool {
        let letters = self.inside.iter().filter(|unit| unit.altered).count();
        let literal = self.literal(written, plain);
        letters > 0
            && literal + letters == self.inside.len()
            && literal >= fewest_literal.max(letters)
            && self.inside.iter().skip(1).all(|unit| unit.gap != Gap::Clause)
    }
}
