use super::dictionary::Dictionary;
use super::pattern::{Pattern, Role, Spelling, has_ideograph};
use crate::View;
use crate::lexicon::{MatchType, Rule};
use crate::normalise::{self, Normalised};

/// Fewest characters of a term that is read as leet without its rule asking for it, and fewest letters left as letters in a
/// match: shorter ones are met in model numbers (A55, 5S).
const SHORTEST_LEET: usize = 4;
const FEWEST_LETTERS_IN_LEET: usize = 2;
/// Fewest syllables of a term that is found by its sound without its rule asking for it. Two or three syllables are shared by
/// many innocent words; Latin letters that spell them are rarer.
const FEWEST_SYLLABLES_IN_PINYIN: usize = 3;
const FEWEST_SYLLABLES_IN_HOMOPHONE: usize = 4;
/// Fewest syllables where the rule asks for it: one syllable alone means nothing.
const FEWEST_SYLLABLES_ASKED_FOR: usize = 2;
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
}

impl Reading {
    pub(super) const ALL: [Reading; 5] = [Reading::Plain, Reading::Leet, Reading::Numeral, Reading::Split, Reading::Sound];

    /// The text as this reading has it; none where it would only repeat the plain one.
    pub(super) fn of(self, text: &str, plain: &Normalised) -> Option<Normalised> {
        match self {
            Self::Plain => None,
            Self::Leet => normalise::leet(text),
            Self::Numeral => normalise::numerals(plain),
            Self::Split => normalise::split(plain),
            Self::Sound => Some(normalise::sound(plain)),
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

    pub(super) fn view(&self, text: &Normalised, range: &std::ops::Range<usize>) -> Option<View> {
        let inside = text.units.get(range.clone())?;
        let altered = inside.iter().filter(|unit| unit.altered).count();
        match self.reading {
            Reading::Plain => Some(View::Plain),
            Reading::Leet if altered > 0 && inside.len() - altered >= FEWEST_LETTERS_IN_LEET => Some(View::Leet),
            Reading::Numeral if altered > 0 => Some(View::Numeral),
            Reading::Split if altered > 0 => Some(View::Split),
            Reading::Sound if altered > 0 => Some(View::Pinyin),
            Reading::Sound => Some(View::Homophone),
            _ => None,
        }
    }
}

/// Collects the patterns of one layer.
pub(super) struct LayerBuilder {
    reading: Reading,
    texts: Vec<String>,
    patterns: Vec<Pattern>,
    terms: usize,
}

impl LayerBuilder {
    pub(super) fn new(reading: Reading) -> Self {
        Self { reading, texts: Vec::new(), patterns: Vec::new(), terms: 0 }
    }

    /// Adds the terms of a rule that this layer is for, and its exceptions if there are any such terms; the exceptions of an
    /// expression are read as plain ones. Returns the number of terms added.
    pub(super) fn add(&mut self, index: u32, rule: &Rule, terms: &[Normalised]) -> usize {
        let before = self.terms;
        for (written, term) in rule.terms.iter().zip(terms) {
            self.add_term(index, rule, written, term);
        }
        let added = self.terms - before;
        if added > 0 || self.reading == Reading::Plain && rule.match_type == MatchType::Regex {
            self.add_exceptions(index, rule);
        }
        added
    }

    fn add_exceptions(&mut self, index: u32, rule: &Rule) {
        for exception in &rule.exceptions {
            let plain = Normalised::new(exception);
            let pattern = |spelling| Pattern { rule: index, role: Role::Exception, spelling };
            match self.reading {
                Reading::Plain | Reading::Split => self.push(plain.text.clone(), pattern(Spelling::automatic(&plain))),
                Reading::Leet => {
                    let read = normalise::leet_term(exception);
                    self.push(read.text.clone(), pattern(Spelling::automatic(&read)));
                }
                Reading::Numeral => {
                    let read = normalise::numerals(&plain).unwrap_or_else(|| plain.clone());
                    self.push(read.text, pattern(Spelling::automatic(&plain)));
                }
                Reading::Sound => {
                    for (way, _) in normalise::sound_of_term(&plain) {
                        self.push(way, pattern(Spelling::Sound { pinyin: true, homophone: true }));
                    }
                }
            }
        }
    }

    fn add_term(&mut self, index: u32, rule: &Rule, written: &str, term: &Normalised) {
        let asked = |view: View| rule.views.as_ref().map(|views| views.contains(&view));
        let wanted = |view: View, by_default: bool| asked(view).unwrap_or(by_default);
        let pattern = |spelling| Pattern { rule: index, role: Role::Term, spelling };
        let spelling = |term: &Normalised| match rule.match_type {
            MatchType::Substring => Spelling::substring(term),
            MatchType::Word => Spelling::word(term),
            _ => Spelling::automatic(term),
        };
        let spelled = !matches!(rule.match_type, MatchType::Pinyin | MatchType::Regex);
        match self.reading {
            Reading::Plain if spelled && wanted(View::Plain, true) => self.push(term.text.clone(), pattern(spelling(term))),
            Reading::Leet if spelled && !has_ideograph(term) && wanted(View::Leet, term.units.len() >= SHORTEST_LEET) => {
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
            Reading::Sound => self.add_sound(index, rule, term),
            _ => {}
        }
    }

    fn add_sound(&mut self, index: u32, rule: &Rule, term: &Normalised) {
        let by_sound_only = rule.match_type == MatchType::Pinyin;
        // A term of letters sounds like nothing unless its rule says that it is pinyin.
        if rule.match_type == MatchType::Regex || !by_sound_only && !has_ideograph(term) {
            return;
        }
        let wanted = |view: View, fewest: usize, syllables: usize| match &rule.views {
            Some(views) => views.contains(&view) && syllables >= FEWEST_SYLLABLES_ASKED_FOR,
            None if by_sound_only => view == View::Pinyin && syllables >= FEWEST_SYLLABLES_ASKED_FOR,
            None => syllables >= fewest,
        };
        let syllables = term.units.len();
        let possible = by_sound_only
            || wanted(View::Pinyin, FEWEST_SYLLABLES_IN_PINYIN, syllables)
            || wanted(View::Homophone, FEWEST_SYLLABLES_IN_HOMOPHONE, syllables);
        if !possible {
            return;
        }
        for (way, syllables) in normalise::sound_of_term(term) {
            let pinyin = wanted(View::Pinyin, FEWEST_SYLLABLES_IN_PINYIN, syllables);
            let homophone = wanted(View::Homophone, FEWEST_SYLLABLES_IN_HOMOPHONE, syllables);
            if pinyin || homophone {
                self.push(way, Pattern { rule: index, role: Role::Term, spelling: Spelling::Sound { pinyin, homophone } });
            }
        }
    }

    fn push(&mut self, text: String, pattern: Pattern) {
        self.terms += usize::from(pattern.role == Role::Term);
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
