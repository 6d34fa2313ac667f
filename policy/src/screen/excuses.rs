use crate::View;
use std::ops::Range;

/// Where a rule's exceptions stand in the user's text. After [`Self::prepare`], a look-up is logarithmic.
///
/// An exception that is only heard excuses what is only heard: 玻璃水印 does not excuse 剥离水印, which sounds the same.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    written: Stretches,
    heard: Stretches,
}

impl Excuses {
    pub(super) fn add(&mut self, range: Range<usize>, heard: bool) {
        if heard { &mut self.heard } else { &mut self.written }.ranges.push(range);
    }

    pub(super) fn prepare(&mut self) {
        self.written.prepare();
        self.heard.prepare();
    }

    /// Whether an exception covers what was found in `view`.
    pub(super) fn cover(&self, range: &Range<usize>, view: View) -> bool {
        let is_heard = matches!(view, View::Pinyin | View::Homophone | View::Initial);
        self.written.cover(range) || is_heard && self.heard.cover(range)
    }
}

#[derive(Debug, Default)]
struct Stretches {
    ranges: Vec<Range<usize>>,
    furthest_end: Vec<usize>,
}

impl Stretches {
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
