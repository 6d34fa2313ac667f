use crate::lexicon::{Field, Lexicon};
use crate::normalise::{Gap, Normalised, is_ideographic};
use crate::{Error, RiskClass};
use aho_corasick::AhoCorasick;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// All lexicons in one automaton.
#[derive(Debug)]
pub(crate) struct Screen {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    rules: Vec<RuleEntry>,
}

/// What a match needs to know of its rule.
#[derive(Debug)]
pub(crate) struct RuleEntry {
    pub(crate) id: String,
    pub(crate) class: RiskClass,
    pub(crate) lexicon: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Term,
    Exception,
}

#[derive(Debug)]
struct Pattern {
    rule: usize,
    role: Role,
    spelling: Spelling,
}

#[derive(Debug)]
enum Spelling {
    /// Holds an ideograph: whatever stands between its characters is ignored.
    Ideographic,
    /// Words of letters. The flags say, for each character, whether its author put something before it.
    Alphabetic { gap_before: Vec<bool> },
}

/// A rule and the user's words that met it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) rule: usize,
    pub(crate) span: (usize, usize),
}

impl Screen {
    pub(crate) fn new(lexicons: &[Lexicon]) -> Result<Self, Error> {
        let mut rules = Vec::new();
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for lexicon in lexicons {
            for rule in lexicon.rules() {
                let terms = rule.terms.iter().map(|text| (text, Role::Term));
                let exceptions = rule.exceptions.iter().map(|text| (text, Role::Exception));
                for (text, role) in terms.chain(exceptions) {
                    let normalised = Normalised::new(text);
                    patterns.push(Pattern { rule: rules.len(), role, spelling: Spelling::of(&normalised) });
                    texts.push(normalised.text);
                }
                rules.push(RuleEntry { id: rule.id.clone(), class: rule.class, lexicon: lexicon.to_string(), fields: rule.fields.clone() });
            }
        }
        Ok(Self { automaton: AhoCorasick::new(&texts)?, patterns, rules })
    }

    pub(crate) fn rule(&self, index: usize) -> Option<&RuleEntry> {
        self.rules.get(index)
    }

    /// All objections to `text` in the order of its bytes, each (rule, span) once.
    pub(crate) fn read(&self, text: &str, field: Field) -> Vec<Objection> {
        let normalised = Normalised::new(text);
        let mut matches: Vec<(usize, Range<usize>)> = Vec::new();
        let mut excused: HashMap<usize, Excuses> = HashMap::new();
        for found in self.automaton.find_overlapping_iter(&normalised.text) {
            let Some(pattern) = self.patterns.get(found.pattern().as_usize()) else {
                continue;
            };
            let applies = self.rules.get(pattern.rule).is_some_and(|rule| rule.fields.contains(&field));
            let range = normalised.units_of(found.start(), found.end());
            if !applies || !pattern.fits(&normalised, &range) {
                continue;
            }
            match pattern.role {
                Role::Term => matches.push((pattern.rule, range)),
                Role::Exception => excused.entry(pattern.rule).or_default().add(range),
            }
        }
        excused.values_mut().for_each(Excuses::prepare);
        let mut seen = HashSet::new();
        let mut objections: Vec<Objection> = matches
            .into_iter()
            .filter(|(rule, range)| !excused.get(rule).is_some_and(|excuses| excuses.cover(range)))
            .filter_map(|(rule, range)| {
                let first = normalised.units.get(range.start)?;
                let last = normalised.units.get(range.end.checked_sub(1)?)?;
                Some(Objection { rule, span: (first.source.0, last.source.1) })
            })
            .filter(|objection| seen.insert((objection.rule, objection.span)))
            .collect();
        objections.sort_by_key(|objection| (objection.span, objection.rule));
        objections
    }
}

impl Spelling {
    fn of(term: &Normalised) -> Self {
        if term.units.iter().any(|unit| is_ideographic(unit.character)) {
            Self::Ideographic
        } else {
            Self::Alphabetic { gap_before: term.units.iter().map(|unit| unit.gap != Gap::None).collect() }
        }
    }
}

impl Pattern {
    /// Whether the characters `range` of `text`, which spell this pattern, also stand as it wants them.
    fn fits(&self, text: &Normalised, range: &Range<usize>) -> bool {
        let Some(inside) = text.units.get(range.clone()) else {
            return false;
        };
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            return false;
        };
        let before = range.start.checked_sub(1).and_then(|index| text.units.get(index));
        let after = text.units.get(range.end);
        let glued_before = before.filter(|_| first.gap == Gap::None);
        let glued_after = after.filter(|unit| unit.gap == Gap::None);
        let continues = |neighbour: Option<&crate::normalise::Unit>, edge: char| {
            !is_ideographic(edge) && neighbour.is_some_and(|unit| !is_ideographic(unit.character))
        };
        if continues(glued_before, first.character) || continues(glued_after, last.character) {
            return false;
        }
        let gaps = || inside.iter().skip(1).map(|unit| unit.gap);
        match &self.spelling {
            // Two characters across a comma, each the end of a longer word (水枪、支架), are two words.
            Spelling::Ideographic => {
                self.role == Role::Exception
                    || inside.len() != 2
                    || last.gap != Gap::Clause
                    || glued_before.is_none()
                    || glued_after.is_none()
            }
            // As written, words run together or apart, or every letter apart (p o r n).
            Spelling::Alphabetic { gap_before } => {
                let as_written = gaps()
                    .zip(gap_before.iter().skip(1))
                    .all(|(gap, &author)| gap == Gap::None || author && (self.role == Role::Term || gap == Gap::Separator));
                as_written || self.role == Role::Term && inside.len() > 2 && gaps().all(|gap| gap != Gap::None)
            }
        }
    }
}

/// Where a rule's exceptions stand in the text. After [`Self::prepare`], a look-up is logarithmic.
#[derive(Debug, Default)]
struct Excuses {
    ranges: Vec<Range<usize>>,
    furthest_end: Vec<usize>,
}

impl Excuses {
    fn add(&mut self, range: Range<usize>) {
        self.ranges.push(range);
    }

    fn prepare(&mut self) {
        self.ranges.sort_by_key(|range| range.start);
        self.furthest_end = self
            .ranges
            .iter()
            .scan(0, |furthest, range| {
                *furthest = range.end.max(*furthest);
                Some(*furthest)
            })
            .collect();
    }

    fn cover(&self, range: &Range<usize>) -> bool {
        let starting_no_later = self.ranges.partition_point(|excuse| excuse.start <= range.start);
        starting_no_later.checked_sub(1).and_then(|index| self.furthest_end.get(index)).is_some_and(|&end| end >= range.end)
    }
}
