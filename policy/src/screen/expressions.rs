use crate::Error;
use crate::lexicon::{MatchType, Rule};
use crate::normalise::{Gap, Normalised};
use regex::{Regex, RegexBuilder};
use std::ops::Range;

/// Bytes that one compiled expression may take: ample for words and alternatives, and too little for a repetition of a
/// repetition that would fill the memory.
const LARGEST_EXPRESSION: usize = 1 << 20;

/// The regular expressions of all rules. They run in linear time, one after the other.
#[derive(Debug, Default)]
pub(super) struct Expressions(Vec<(u32, Regex)>);

impl Expressions {
    pub(super) fn add(&mut self, index: u32, rule: &Rule) -> Result<(), Error> {
        if rule.match_type != MatchType::Regex {
            return Ok(());
        }
        for term in &rule.terms {
            let expression = RegexBuilder::new(term)
                .size_limit(LARGEST_EXPRESSION)
                .build()
                .map_err(|error| Error::ExpressionInvalid { rule: rule.id.clone(), message: error.to_string() })?;
            if expression.is_match("") {
                return Err(Error::RuleUseless {
                    rule: rule.id.clone(),
                    english: "the regular expression matches the empty text, and so everything".to_owned(),
                    chinese: "正则表达式能匹配空文本，会命中一切".to_owned(),
                });
            }
            self.0.push((index, expression));
        }
        Ok(())
    }

    /// Rules that are met, and the characters of `plain` that meet them.
    pub(super) fn read(&self, plain: &Normalised) -> Vec<(u32, Range<usize>)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut spaced = String::with_capacity(plain.text.len() * 2);
        let mut starts = Vec::with_capacity(plain.units.len());
        for unit in &plain.units {
            match unit.gap {
                Gap::None => {}
                Gap::Separator => spaced.push(' '),
                Gap::Clause => spaced.push('\n'),
            }
            starts.push(spaced.len());
            spaced.push(unit.character);
        }
        let unit_at = |byte: usize| starts.partition_point(|&start| start < byte);
        let found = |(index, expression): &(u32, Regex)| {
            let ranges = expression.find_iter(&spaced).map(|found| (*index, unit_at(found.start())..unit_at(found.end())));
            ranges.collect::<Vec<_>>()
        };
        self.0.iter().flat_map(found).filter(|(_, range)| !range.is_empty()).collect()
    }
}
