use std::ops::Range;

/// Where a rule's exceptions stand in the user's text. After [`Self::prepare`], a look-up is logarithmic.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    ranges: Vec<Range<usize>>,
    furthest_end: Vec<usize>,
}

impl Excuses {
    pub(super) fn add(&mut self, range: Range<usize>) {
        self.ranges.push(range);
    }

    pub(super) fn prepare(&mut self) {
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

    pub(super) fn cover(&self, range: &Range<usize>) -> bool {
        let starting_no_later = self.ranges.partition_point(|excuse| excuse.start <= range.start);
        starting_no_later.checked_sub(1).and_then(|index| self.furthest_end.get(index)).is_some_and(|&end| end >= range.end)
    }
}
