use super::JsonFile;
use crate::error::Error;
use std::ops::RangeInclusive;

/// Widths and channels: wider than any model by an order of magnitude, and the product of any three stays far below `usize::MAX`.
pub(crate) const WIDTHS: RangeInclusive<usize> = 1..=1 << 18;
/// Layers and heads: more than any model has, and few enough to count.
pub(crate) const COUNTS: RangeInclusive<usize> = 1..=1 << 12;
/// Entries of a vocabulary: sixteen times the largest.
pub(crate) const VOCABULARIES: RangeInclusive<usize> = 1..=1 << 22;

/// A value of a config that no model can have.
#[derive(Debug)]
pub(crate) struct ConfigFault {
    field: &'static str,
    problem: String,
}

impl ConfigFault {
    /// Fails, with what is wrong with `field`, unless it `holds`.
    pub fn unless(field: &'static str, holds: bool, problem: impl FnOnce() -> String) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self { field, problem: problem() }) }
    }

    /// Fails unless `value` is in `range`.
    pub fn unless_in(field: &'static str, value: usize, range: RangeInclusive<usize>) -> Result<(), Self> {
        let (low, high) = (*range.start(), *range.end());
        Self::unless(field, range.contains(&value), || format!("{value} is not in {low}..={high} / 不在 {low} 到 {high} 之间"))
    }

    /// Fails unless the epsilon of a norm keeps its divisor above zero and changes nothing else.
    pub fn unless_epsilon(field: &'static str, value: f32) -> Result<(), Self> {
        Self::unless(field, (f32::MIN_POSITIVE..=1.0).contains(&value), || format!("{value} is not between 0 and 1 / 不在 0 与 1 之间"))
    }

    /// The error about a file.
    pub fn in_file(self, file: &JsonFile) -> Error {
        file.invalid(self.field, self.problem)
    }

    /// The error about a config that came from no file.
    pub fn of(self, component: &str) -> Error {
        Error::Unsupported(format!("{component} config: {}: {}", self.field, self.problem))
    }
}
