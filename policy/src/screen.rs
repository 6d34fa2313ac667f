//! All lexicons against one text: a dictionary for each reading of it.

mod combination;
mod dictionary;
mod excuses;
mod expressions;
mod layer;
mod pattern;

use crate::lexicon::{Field, Lexicon, MatchType, Rule, Severity};
use crate::normalise::Normalised;
use crate::{Error, RiskClass, View};
use combination::{Nearness, Occurrence, Steps};
use excuses::Excuses;
use expressions::Expressions;
use layer::{Layer, LayerBuilder, Reading, Word};
use pattern::{Pattern, Role};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Most terms of a lexicon that is looked for backwards, by first letters, and by half of a short word where its rules do not say:
/// a longer one would take a second to load and meet innocent words.
const LARGEST_READ_CLOSELY: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Screen {
    layers: Vec<Layer>,
    expressions: Expressions,
    rules: Vec<RuleEntry>,
}

/// What a match needs to know of its rule.
#[derive(Debug)]
pub(crate) struct RuleEntry {
    pub(crate) id: String,
    pub(crate) class: RiskClass,
    pub(crate) lexicon: Arc<str>,
    pub(crate) severity: Severity,
    in_prompt: bool,
    in_negative_prompt: bool,
    /// In their plain form.
    unless_after: Vec<String>,
    /// Of a rule that needs companions.
    nearness: Option<Nearness>,
}

/// A rule and the user's words that met it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) rule: u32,
    pub(crate) span: (usize, usize),
    pub(crate) view: View,
}

impl Screen {
    pub(crate) fn new(lexicons: &[Lexicon]) -> Result<Self, Error> {
        let mut rules = Vec::new();
        let mut expressions = Expressions::default();
        let mut builders = Reading::ALL.map(LayerBuilder::new);
        for lexicon in lexicons {
            let name: Arc<str> = lexicon.to_string().into();
            let closely = lexicon.rules().iter().map(|rule| rule.terms.len()).sum::<usize>() <= LARGEST_READ_CLOSELY;
            for rule in lexicon.rules() {
                let index = rules.len() as u32;
                expressions.add(index, rule)?;
                let words = words(rule, closely);
                let added: usize = builders.iter_mut().map(|builder| builder.add(index, rule, &words)).sum();
                if added == 0 && rule.match_type != MatchType::Regex {
                    return Err(Error::RuleUseless {
                        rule: rule.id.clone(),
                        english: "none of its terms can be found in the views that it asks for".to_owned(),
                        chinese: "所列词条在其指定的视图中都无法命中".to_owned(),
                    });
                }
                rules.push(RuleEntry {
                    id: rule.id.clone(),
                    class: rule.class,
                    lexicon: Arc::clone(&name),
                    severity: rule.severity,
                    in_prompt: rule.fields.contains(&Field::Prompt),
                    in_negative_prompt: rule.fields.contains(&Field::NegativePrompt),
                    unless_after: rule.unless_after.iter().map(|word| Normalised::new(word).text).collect(),
                    nearness: rule.companions.as_ref().map(Nearness::of),
                });
            }
        }
        let layers = builders.into_iter().map(LayerBuilder::build).filter(|layer| !layer.patterns.is_empty()).collect();
        Ok(Self { layers, expressions, rules })
    }

    pub(crate) fn rule(&self, index: u32) -> Option<&RuleEntry> {
        self.rules.get(index as usize)
    }

    /// All objections to `text` in the order of its bytes, each (rule, span) once.
    pub(crate) fn read(&self, text: &str, field: Field) -> Vec<Objection> {
        let plain = Normalised::new(text);
        let mut found = Found::default();
        for layer in &self.layers {
            if layer.reading == Reading::Plain {
                self.read_layer(layer, Texts { read: &plain, plain: &plain }, field, &mut found);
            } else if let Some(read) = layer.reading.of(text, &plain) {
                self.read_layer(layer, Texts { read: &read, plain: &plain }, field, &mut found);
            }
        }
        for (rule, range) in self.expressions.read(&plain) {
            if let Some(span) = span_of(&plain, &range).filter(|_| self.applies(rule, field)) {
                found.matches.push(Objection { rule, span, view: View::Plain });
            }
        }
        found.excused.values_mut().for_each(Excuses::prepare);
        self.combine(text, &plain, &mut found);
        found.objections()
    }

    fn read_layer(&self, layer: &Layer, texts: Texts, field: Field, found: &mut Found) {
        let text = texts.read;
        for (at, unit) in text.units.iter().enumerate() {
            for (index, length) in layer.patterns_at(text, at) {
                let Some(pattern) = layer.patterns.get(index) else { continue };
                let range = text.units_of(unit.offset, unit.offset + length);
                if !self.applies(pattern.rule, field) || !pattern.fits(text, texts.plain, &range) {
                    continue;
                }
                let Some(rule) = self.rule(pattern.rule) else { continue };
                if pattern.role == Role::Term && texts.plain.follows(unit.source.0, &rule.unless_after) {
                    continue;
                }
                found.add(pattern, layer, text, &Match { range, alone: rule.nearness.is_none() });
            }
        }
    }

    /// Makes objections of the words of rules that need several.
    fn combine(&self, text: &str, plain: &Normalised, found: &mut Found) {
        // Most prompts have a word of such a rule and not the others: they are done here.
        let could_meet = |rule: u32, occurrences: &[Occurrence]| {
            self.rule(rule).and_then(|rule| rule.nearness.as_ref()).is_some_and(|nearness| nearness.has_every_list(occurrences))
        };
        found.occurrences.retain(|&rule, occurrences| could_meet(rule, occurrences));
        if found.occurrences.is_empty() {
            return;
        }
        let steps = Steps::new(text, plain);
        for (rule, mut occurrences) in std::mem::take(&mut found.occurrences) {
            let Some(nearness) = self.rule(rule).and_then(|rule| rule.nearness.as_ref()) else { continue };
            if let Some(excuses) = found.excused.get(&rule) {
                occurrences.retain(|occurrence| !excuses.cover(&occurrence.span, occurrence.view));
            }
            let stretches = nearness.stretches(occurrences, &steps);
            found.matches.extend(stretches.into_iter().map(|(span, view)| Objection { rule, span: (span.start, span.end), view }));
        }
    }

    fn applies(&self, rule: u32, field: Field) -> bool {
        self.rule(rule).is_some_and(|rule| match field {
            // What a problem file says is asked for, as a prompt is.
            Field::Prompt | Field::Problem => rule.in_prompt,
            Field::NegativePrompt => rule.in_negative_prompt,
        })
    }
}

/// The terms of a rule and their companions.
fn words(rule: &Rule, closely: bool) -> Vec<Word<'_>> {
    let word = |role, written| Word { role, written, normalised: Normalised::new(written), closely };
    let lists = rule.companions.iter().flat_map(|companions| &companions.lists).zip(1..);
    let companions = lists.flat_map(|(list, number)| list.iter().map(move |written| word(Role::Companion(number), written)));
    rule.terms.iter().map(|written| word(Role::Term, written)).chain(companions).collect()
}

/// A text as a layer reads it, and in the plain view.
#[derive(Clone, Copy)]
struct Texts<'a> {
    read: &'a Normalised,
    plain: &'a Normalised,
}

/// Characters that spell a pattern, and whether it meets its rule alone.
struct Match {
    range: Range<usize>,
    alone: bool,
}

/// Where the characters `range` of `text` stand in the user's text.
fn span_of(text: &Normalised, range: &Range<usize>) -> Option<(usize, usize)> {
    let inside = text.units.get(range.clone())?;
    Some((inside.first()?.source.0, inside.last()?.source.1))
}

#[derive(Default)]
struct Found {
    matches: Vec<Objection>,
    occurrences: BTreeMap<u32, Vec<Occurrence>>,
    excused: HashMap<u32, Excuses>,
}

impl Found {
    fn add(&mut self, pattern: &Pattern, layer: &Layer, text: &Normalised, found: &Match) {
        let Some(span) = span_of(text, &found.range) else { return };
        let rule = pattern.rule;
        let list = match pattern.role {
            Role::Exception => return self.excused.entry(rule).or_default().add(span.0..span.1, layer.reading == Reading::Sound),
            Role::Term => 0,
            Role::Companion(list) => usize::from(list),
        };
        let Some(view) = layer.view(pattern, text, &found.range) else { return };
        if found.alone {
            self.matches.push(Objection { rule, span, view });
        } else {
            self.occurrences.entry(rule).or_default().push(Occurrence { list, span: span.0..span.1, view });
        }
    }

    fn objections(self) -> Vec<Objection> {
        let mut seen = HashSet::new();
        // The plain view comes first, so that what it finds is not said again in another.
        let mut objections: Vec<Objection> = self
            .matches
            .into_iter()
            .filter(|found| !self.excused.get(&found.rule).is_some_and(|excuses| excuses.cover(&(found.span.0..found.span.1), found.view)))
            .filter(|found| seen.insert((found.rule, found.span)))
            .collect();
        objections.sort_by_key(|found| (found.span, found.rule));
        objections
    }
}
