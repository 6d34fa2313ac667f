use super::dictionary::Dictionary;
use super::pattern::{Pattern, Role, Sound, Spelling, has_ideograph};
use crate::View;
use crate::lexicon::{MatchType, Rule};
use crate::normalise::{self, Normalised};

/// Fewest letters of a term that is read as leet without its rule asking for it, and fewest letters left as letters in a
/// match: shorter ones are met in model numbers (A55, 5S).
const SHORTEST_LEET: usize = 4;
const FEWEST_LETTERS_IN_LEET: usize = 2;
/// Fewest syllables of a term that is found by its sound alone without its rule asking for it. Two or three syllables are
/// shared by many innocent words; Latin letters that spell them are rarer.
const FEWEST_SYLLABLES_IN_PINYIN: usize = 3;
const FEWEST_SYLLABLES_IN_HOMOPHONE: usize = 4;
/// Fewest syllables of any term that is found by sound: one syllable alone means nothing.
const FEWEST_SYLLABLES: usize = 2;
/// Fewest characters of a term that is found by first letters: letters beside two characters are met in A字裙 and Q版.
const FEWEST_INITIALS: usize = 3;
/// Fewest characters of a term alone that is found backwards: two are a word of their own too often (蜜蜂).
const FEWEST_REVERSED_IDEOGRAPHS: usize = 3;
const FEWEST_REVERSED_LETTERS: usize = 5;
/// Fewest numerals in a term of numerals only that is read in the other figures without its rule asking for it: 六四 must not
/// refuse 64 GB.
const FEWEST_NUMERALS: usize = 4;

/// A text that layers are searched in. Homophones and pinyin share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Plain,
    Leet,
    Numeral,
    Split,
    Sound,
    Emoji,
    Initials,
}

impl Reading {
    pub(super) const ALL: [Reading; 7] =
        [Reading::Plain, Reading::Leet, Reading::Numeral, Reading::Split, Reading::Sound, Reading::Emoji, Reading::Initials];

    /// The text as this reading has it; none where it would only repeat the plain one.
    pub(super) fn of(self, text: &str, plain: &Normalised) -> Option<Normalised> {
        match self {
            Self::Plain => None,
            Self::Leet => normalise::leet(text),
            Self::Numeral => normalise::numerals(plain),
            Self::Split => normalise::split(plain),
            Self::Sound => Some(normalise::sound(plain)),
            Self::Emoji => normalise::emoji(text, plain),
            Self::Initials => normalise::initials(plain),
        }
    }
}

/// The terms and exceptions that a reading is asked for.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) reading: Reading,
    dictionary: Dictionary,
    pub(super) patterns: Vec<Pattern>,
    /// Whether a pattern may begin inside a word of letters; where none does, such places are not looked up.
    inside_words: bool,
}

impl Layer {
    /// Indices of the patterns that may stand at the character `at`, and their lengths in bytes.
    pub(super) fn patterns_at(&self, text: &Normalised, at: usize) -> impl Iterator<Item = (usize, usize)> {
        let here = text.units.get(at).filter(|_| self.inside_words || !text.is_inside_word(at));
        let rest = here.and_then(|unit| text.text.get(unit.offset..));
        rest.map(|rest| self.dictionary.beginnings(rest)).into_iter().flatten()
    }

    pub(super) fn view(&self, pattern: &Pattern, text: &Normalised, range: &std::ops::Range<usize>) -> Option<View> {
        let inside = text.units.get(range.clone())?;
        let altered = inside.iter().filter(|unit| unit.altered).count();
        match self.reading {
            Reading::Plain => Some(if pattern.reversed { View::Reversed } else { View::Plain }),
            Reading::Leet if altered > 0 && inside.len() - altered >= FEWEST_LETTERS_IN_LEET => Some(View::Leet),
            Reading::Numeral if altered > 0 => Some(View::Numeral),
            Reading::Split if altered > 0 => Some(View::Split),
            Reading::Sound if altered > 0 => Some(View::Pinyin),
            Reading::Sound => Some(View::Homophone),
            Reading::Emoji if altered > 0 => Some(View::Emoji),
            Reading::Initials if altered > 0 => Some(View::Initial),
            _ => None,
        }
    }
}

fn letters(term: &Normalised) -> usize {
    term.units.iter().filter(|unit| unit.character.is_alphabetic()).count()
}

/// A word that a rule looks for.
pub(super) struct Word<'a> {
    pub(super) role: Role,
    pub(super) written: &'a str,
    pub(super) normalised: Normalised,
    /// Whether its lexicon is small enough to be looked for in every view.
    pub(super) closely: bool,
}

impl Word<'_> {
    /// Whether it is looked for backwards where its rule does not say. Among companions a short one is enough: all of them
    /// must run backwards.
    fn is_found_backwards(&self, rule: &Rule) -> bool {
        let fewest = match (rule.companions.is_some(), has_ideograph(&self.normalised)) {
            (true, true) => FEWEST_SYLLABLES,
            (false, true) => FEWEST_REVERSED_IDEOGRAPHS,
            (_, false) => FEWEST_REVERSED_LETTERS,
        };
        self.closely && self.normalised.units.len() >= fewest
    }

    /// How many characters must be as written where it is found by its sound; nothing where it is not looked for so.
    fn fewest_literal(&self, rule: &Rule, view: View, syllables: usize) -> Option<usize> {
        if syllables < FEWEST_SYLLABLES {
            return None;
        }
        if let Some(views) = &rule.views {
            return views.contains(&view).then_some(0);
        }
        match (view, rule.match_type, rule.companions.is_some()) {
            (View::Pinyin, MatchType::Pinyin, _) | (View::Pinyin, _, true) => Some(0),
            (_, MatchType::Pinyin, _) => None,
            (View::Pinyin, ..) if syllables >= FEWEST_SYLLABLES_IN_PINYIN => Some(0),
            (View::Pinyin, ..) => self.closely.then_some(1),
            _ if syllables >= FEWEST_SYLLABLES_IN_HOMOPHONE => Some(0),
            // Half of the word gives it away where another word stands by.
            (_, _, true) => Some(syllables.div_ceil(2)),
            _ if self.closely && syllables + 1 == FEWEST_SYLLABLES_IN_HOMOPHONE => Some(syllables - 1),
            _ => None,
        }
    }
}

/// Collects the patterns of one layer.
pub(super) struct LayerBuilder {
    reading: Reading,
    texts: Vec<String>,
    patterns: Vec<Pattern>,
    words: usize,
}

impl LayerBuilder {
    pub(super) fn new(reading: Reading) -> Self {
        Self { reading, texts: Vec::new(), patterns: Vec::new(), words: 0 }
    }

    /// Adds the words of a rule that this layer is for, and its exceptions if there are any such words; the exceptions of an
    /// expression are read as plain ones. Returns the number of words added.
    pub(super) fn add(&mut self, index: u32, rule: &Rule, words: &[Word]) -> usize {
        let before = self.words;
        for word in words {
            self.add_word(index, rule, word);
        }
        let added = self.words - before;
        if added > 0 || self.reading == Reading::Plain && rule.match_type == MatchType::Regex {
            self.add_exceptions(index, rule, words);
        }
        added
    }

    fn add_exceptions(&mut self, index: u32, rule: &Rule, words: &[Word]) {
        for exception in &rule.exceptions {
            let plain = Normalised::new(exception);
            let pattern = |spelling| Pattern { rule: index, role: Role::Exception, spelling, reversed: false };
            match self.reading {
                Reading::Plain | Reading::Split | Reading::Emoji => {
                    self.push(plain.text.clone(), pattern(Spelling::automatic(&plain)));
                }
                Reading::Leet => {
                    let read = normalise::leet_term(exception);
                    self.push(read.text.clone(), pattern(Spelling::automatic(&read)));
                }
                Reading::Numeral => {
                    let read = normalise::numerals(&plain).unwrap_or_else(|| plain.clone());
                    self.push(read.text, pattern(Spelling::automatic(&plain)));
                }
                // One that only sounds like a term (人神共嫉, 人身攻击) excuses itself as it is written, and not what sounds so.
                Reading::Sound if !words.iter().any(|word| plain.text.contains(&word.normalised.text)) => {}
                Reading::Sound => {
                    for (way, _) in normalise::sound_of_term(&plain) {
                        let sound = Sound { pinyin: Some(0), homophone: Some(0), written: Box::default() };
                        self.push(way, pattern(Spelling::Sound(sound)));
                    }
                }
                // Letters beside characters are rare enough that no innocent longer word has them.
                Reading::Initials => {}
            }
        }
    }

    fn add_word(&mut self, index: u32, rule: &Rule, word: &Word) {
        let (written, term) = (word.written, &word.normalised);
        let asked = |view: View| rule.views.as_ref().map(|views| views.contains(&view));
        let wanted = |view: View, by_default: bool| asked(view).unwrap_or(by_default);
        let pattern = |spelling| Pattern { rule: index, role: word.role, spelling, reversed: false };
        let spelling = |term: &Normalised| match rule.match_type {
            MatchType::Substring => Spelling::substring(term),
            MatchType::Word => Spelling::word(term),
            _ => Spelling::automatic(term),
        };
        let spelled = !matches!(rule.match_type, MatchType::Pinyin | MatchType::Regex);
        match self.reading {
            Reading::Plain if spelled => {
                if wanted(View::Plain, true) {
                    self.push(term.text.clone(), pattern(spelling(term)));
                }
                if wanted(View::Reversed, word.is_found_backwards(rule)) {
                    let reversed = term.reversed();
                    if reversed.text != term.text {
                        let pattern = Pattern { reversed: true, ..pattern(spelling(&reversed)) };
                        self.push(reversed.text, pattern);
                    }
                }
            }
            Reading::Leet if spelled && !has_ideograph(term) && wanted(View::Leet, letters(term) >= SHORTEST_LEET) => {
                let read = normalise::leet_term(written);
                let spelling = spelling(&read);
                self.push(read.text, pattern(spelling));
            }
            Reading::Numeral if spelled && has_ideograph(term) => {
                let numerals = term.units.iter().filter(|unit| normalise::digit(unit.character).is_some()).count();
                let tellable = numerals < term.units.len() || numerals >= FEWEST_NUMERALS;
                if let Some(read) = normalise::numerals(term).filter(|_| numerals > 0 && wanted(View::Numeral, tellable)) {
                    self.push(read.text, pattern(spelling(term)));
                }
            }
            Reading::Split if spelled && normalise::has_splittable(term) && wanted(View::Split, true) => {
                self.push(term.text.clone(), pattern(spelling(term)));
            }
            Reading::Emoji if spelled && wanted(View::Emoji, true) && normalise::has_pictured(term) => {
                self.push(term.text.clone(), pattern(spelling(term)));
            }
            Reading::Initials if spelled => {
                let fewest = if rule.companions.is_some() { FEWEST_SYLLABLES } else { FEWEST_INITIALS };
                let letters =
                    normalise::initials_of_term(term).filter(|_| wanted(View::Initial, word.closely && term.units.len() >= fewest));
                if let Some(letters) = letters.filter(|_| term.units.len() >= FEWEST_SYLLABLES) {
                    let spelling = Spelling::Initials { written: term.text.as_str().into(), fewest_literal: fewest - 1 };
                    self.push(letters, pattern(spelling));
                }
            }
            Reading::Sound => self.add_sound(index, rule, word),
            _ => {}
        }
    }

    fn add_sound(&mut self, index: u32, rule: &Rule, word: &Word) {
        let term = &word.normalised;
        let by_sound_only = rule.match_type == MatchType::Pinyin;
        // A term of letters sounds like nothing unless its rule says that it is pinyin.
        if rule.match_type == MatchType::Regex || term.units.len() < FEWEST_SYLLABLES || !by_sound_only && !has_ideograph(term) {
            return;
        }
        let fewest_literal = |view: View, syllables: usize| word.fewest_literal(rule, view, syllables);
        let possible =
            by_sound_only || [View::Pinyin, View::Homophone].iter().any(|&view| fewest_literal(view, term.units.len()).is_some());
        if !possible {
            return;
        }
        for (way, syllables) in normalise::sound_of_term(term) {
            let sound = Sound {
                pinyin: fewest_literal(View::Pinyin, syllables),
                homophone: fewest_literal(View::Homophone, syllables),
                written: Box::default(),
            };
            let needs_written = [sound.pinyin, sound.homophone].into_iter().flatten().any(|fewest| fewest > 0);
            if sound.pinyin.is_none() && sound.homophone.is_none() || needs_written && syllables != term.units.len() {
                continue;
            }
            let written = if needs_written { term.text.as_str().into() } else { Box::default() };
            let spelling = Spelling::Sound(Sound { written, ..sound });
            self.push(way, Pattern { rule: index, role: word.role, spelling, reversed: false });
        }
    }

    fn push(&mut self, text: String, pattern: Pattern) {
        self.words += usize::from(pattern.role != Role::Exception);
        self.texts.push(text);
        self.patterns.push(pattern);
    }

    pub(super) fn build(self) -> Layer {
        let mut pairs: Vec<(String, Pattern)> = self.texts.into_iter().zip(self.patterns).collect();
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        let (texts, patterns): (Vec<String>, Vec<Pattern>) = pairs.into_iter().unzip();
        let inside_words = patterns.iter().any(Pattern::may_begin_inside_word);
        Layer { reading: self.reading, dictionary: Dictionary::new(texts), patterns, inside_words }
    }
}
