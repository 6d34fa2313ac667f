//! Rules that need several words near each other: a verb and its object, a group of people and an insult.

use crate::View;
use crate::lexicon::{Companions, Order};
use crate::normalise::{Normalised, is_ideographic};
use std::ops::Range;

/// One word of such a rule, where it stands in the user's text.
#[derive(Debug)]
pub(super) struct Occurrence {
    /// 0 is a term, 1 and on are the lists of companions.
    pub(super) list: usize,
    pub(super) span: Range<usize>,
    pub(super) view: View,
}

/// How far the words of a rule may stand from each other.
#[derive(Debug)]
pub(super) struct Nearness {
    lists: usize,
    within: usize,
    order: Order,
}

impl Nearness {
    pub(super) fn of(companions: &Companions) -> Self {
        Self { lists: companions.lists.len(), within: companions.within, order: companions.order }
    }

    /// Whether there is a term and a word of every list, wherever they stand.
    pub(super) fn has_every_list(&self, occurrences: &[Occurrence]) -> bool {
        (0..=self.lists).all(|list| occurrences.iter().any(|occurrence| occurrence.list == list))
    }

    /// The stretches of text that hold a term and one word of every list, none of them inside another.
    pub(super) fn stretches(&self, mut occurrences: Vec<Occurrence>, steps: &Steps) -> Vec<(Range<usize>, View)> {
        occurrences.sort_by_key(|other| other.span.start);
        let lists: Vec<Vec<&Occurrence>> =
            (0..=self.lists).map(|list| occurrences.iter().filter(|other| other.list == list).collect()).collect();
        let Some((terms, companions)) = lists.split_first() else { return Vec::new() };
        let mut stretches: Vec<(Range<usize>, View)> = terms.iter().filter_map(|term| self.around(term, companions, steps)).collect();
        stretches.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        stretches.retain(|(span, _)| {
            let new = span.end > end;
            end = end.max(span.end);
            new
        });
        stretches
    }

    fn around(&self, term: &Occurrence, companions: &[Vec<&Occurrence>], steps: &Steps) -> Option<(Range<usize>, View)> {
        let mut span = term.span.clone();
        let mut view = term.view;
        for list in companions {
            let companion = self.nearest(term, list, steps)?;
            span = span.start.min(companion.span.start)..span.end.max(companion.span.end);
            view = if view == View::Plain { companion.view } else { view };
        }
        Some((span, view))
    }

    fn nearest<'a>(&self, term: &Occurrence, list: &[&'a Occurrence], steps: &Steps) -> Option<&'a Occurrence> {
        let reversed = term.view == View::Reversed;
        // Text that runs backwards is only a disguise where all of it does.
        let same_direction = |other: &&&Occurrence| (other.view == View::Reversed) == reversed;
        let split = list.partition_point(|other| other.span.start < term.span.end);
        let behind = || {
            let candidates = list.get(split..).unwrap_or_default().iter();
            candidates.take(CANDIDATES).filter(same_direction).find(|other| steps.joined(&term.span, &other.span, self.within))
        };
        let before = || {
            let candidates = list.get(..split).unwrap_or_default().iter().rev().take(CANDIDATES).filter(same_direction);
            candidates.filter(|other| other.span.end <= term.span.start).find(|other| steps.led_to(&other.span, &term.span, self.within))
        };
        match (self.order, reversed) {
            (Order::Any, _) => behind().or_else(before),
            (Order::TermFirst, false) => behind(),
            (Order::TermFirst, true) => before(),
        }
        .copied()
    }
}

/// Companions that are tried on each side of a term. The nearest nearly always decides; a few more stand for words found in
/// several views.
const CANDIDATES: usize = 8;

/// Where words and sentences begin in the user's text.
#[derive(Debug)]
pub(super) struct Steps {
    words: Vec<usize>,
    ends: Vec<usize>,
    length: usize,
}

impl Steps {
    pub(super) fn new(text: &str, plain: &Normalised) -> Self {
        let begins = |&(at, unit): &(usize, &crate::normalise::Unit)| is_ideographic(unit.character) || !plain.is_inside_word(at);
        let words = plain.units.iter().enumerate().filter(begins).map(|(_, unit)| unit.source.0).collect();
        let mut ends = Vec::new();
        let mut characters = text.char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            let mut follows_space = || characters.peek().is_none_or(|(_, next)| next.is_whitespace());
            // Neither 、 nor a colon is one: what follows them still belongs to the verb before.
            let ends_clause = match character {
                ',' | '，' | '。' | ';' | '；' | '!' | '！' | '?' | '？' | '\n' | '\r' => true,
                '.' => follows_space(),
                _ => false,
            };
            if ends_clause {
                ends.push(offset);
            }
        }
        Self { words, ends, length: text.len() }
    }

    /// Words and ideographs that begin between two bytes.
    fn between(&self, from: usize, to: usize) -> usize {
        let words_before = |byte: usize| self.words.partition_point(|&start| start < byte);
        words_before(to).saturating_sub(words_before(from))
    }

    fn clause_ends_between(&self, from: usize, to: usize) -> bool {
        let index = self.ends.partition_point(|&end| end < from);
        self.ends.get(index).is_some_and(|&end| end < to)
    }

    /// Whether `second`, a companion, belongs to `first`: in its clause, or right behind it whatever stands between.
    fn joined(&self, first: &Range<usize>, second: &Range<usize>, within: usize) -> bool {
        let between = self.between(first.end, second.start);
        between <= within && (between == 0 || !self.clause_ends_between(first.end, second.start))
    }

    /// Whether `first`, a companion, leads to `second`, a term: in its clause, or right before it where the term has nothing
    /// else behind it (水印，去掉).
    fn led_to(&self, first: &Range<usize>, second: &Range<usize>, within: usize) -> bool {
        let between = self.between(first.end, second.start);
        let nothing_behind = || {
            let clause = self.ends.get(self.ends.partition_point(|&end| end < second.end)).copied().unwrap_or(self.length);
            self.between(second.end, clause) == 0
        };
        between <= within && (!self.clause_ends_between(first.end, second.start) || between == 0 && nothing_behind())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Field, Gate, Lexicon};

    fn quotes(order: &str, within: usize, text: &str) -> Vec<String> {
        let lexicon = format!(
            "format = 1\nname = \"own\"\nversion = \"1\"\n[[rule]]\nid = \"a\"\nclass = \"A1.h\"\nterms = [\"去掉\", \"remove\"]\n\
             with = [[\"水印\", \"watermark\"]]\nwithin = {within}\norder = \"{order}\"\nexceptions = [\"水印纸\"]\n"
        );
        let gate = Gate::new(&[Lexicon::parse(&lexicon, "own.toml").unwrap()]).unwrap();
        gate.examine(text, Field::Prompt).into_iter().map(|finding| finding.quote).collect()
    }

    #[test]
    fn both_words_must_stand_near_in_one_clause() {
        for (text, quote) in [
            ("请去掉右下角的水印吧", "去掉右下角的水印"),
            ("remove the small watermark", "remove the small watermark"),
            ("去掉watermark", "去掉watermark"),
            ("remove 水印", "remove 水印"),
            ("水印去掉", "水印去掉"),
            ("清晰，水印，去掉！", "水印，去掉"),
            ("去掉：水印", "去掉：水印"),
            ("去掉文字、水印", "去掉文字、水印"),
        ] {
            assert_eq!(quotes("any", 6, text), [quote], "{text}");
        }
        for text in ["去掉背景", "水印", "清晰的水印，去掉背景", "去掉背景。水印图案", "去掉这一二三四五六七水印", "去掉旁边的水印纸"]
        {
            assert_eq!(quotes("any", 6, text), [""; 0], "{text}");
        }
        assert_eq!(quotes("term_first", 6, "水印去掉"), [""; 0]);
        assert_eq!(quotes("term_first", 0, "去掉水印"), ["去掉水印"]);
        assert_eq!(quotes("any", 6, "去掉水印，去掉watermark").len(), 2);
    }
}
