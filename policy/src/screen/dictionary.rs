//! Finds which of many texts another one begins with.
use std::iter::successors;

/// Texts in order. All that a text begins with are the last one that is not greater than it, or texts that this one begins
/// with: whatever stands between begins like both. So one search by halves finds them, and nothing needs to be built for it.
#[derive(Debug)]
pub(super) struct Dictionary {
    texts: Vec<String>,
    entries: Vec<Entry>,
    /// For each [`bucket`] up to the greatest that has texts, the number of texts in lesser ones.
    starts: Vec<u32>,
}

/// What most look-ups need to know of a text, so that they stay in the cache.
#[derive(Debug)]
struct Entry {
    head: u64,
    length: u32,
    /// How far before it stands the longest other text that it begins with; 0 where it begins with none. Of equal texts, each
    /// begins with the one before.
    back: u32,
}

impl Dictionary {
    /// `texts` are in order, and none holds U+0000.
    pub(super) fn new(texts: Vec<String>) -> Self {
        let mut entries = Vec::with_capacity(texts.len());
        let mut open: Vec<(usize, &String)> = Vec::new();
        let mut starts = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            while open.last().is_some_and(|(_, begun)| !text.starts_with(begun.as_str())) {
                open.pop();
            }
            let back = open.last().map_or(0, |(begun, _)| (index - begun) as u32);
            entries.push(Entry { head: head(text), length: text.len() as u32, back });
            open.push((index, text));
            starts.resize(starts.len().max(bucket(text) + 1), index as u32);
        }
        Self { texts, entries, starts }
    }

    /// Indices of the texts that `text` begins with, the longest first, and their lengths in bytes.
    pub(super) fn beginnings(&self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        let head = head(text);
        let nearest = self.last_up_to(text, head);
        let shared = nearest.map_or(0, |nearest| self.shared(nearest, text, head));
        let entry = |index: usize| Some((index, self.entries.get(index)?));
        let shorter = move |&(index, Entry { back, .. }): &(usize, &Entry)| entry(index - *back as usize).filter(|_| *back > 0);
        successors(nearest.and_then(entry), shorter)
            .map(|(index, entry)| (index, entry.length as usize))
            .skip_while(move |&(_, length)| length > shared)
    }

    /// The last text that is not greater than `text`.
    fn last_up_to(&self, text: &str, head: u64) -> Option<usize> {
        let bucket = bucket(text);
        let start_of = |bucket: usize| self.starts.get(bucket).map_or(self.texts.len(), |&start| start as usize);
        let (start, end) = (start_of(bucket), start_of(bucket + 1));
        let mut count = start + self.entries.get(start..end)?.partition_point(|entry| entry.head < head);
        if self.entries.get(count).is_some_and(|entry| entry.head == head) {
            let same = self.entries.get(count..end)?.partition_point(|entry| entry.head == head);
            count += self.texts.get(count..count + same)?.partition_point(|other| other.as_str() <= text);
        }
        count.checked_sub(1)
    }

    /// How many bytes `text` begins with that the text at `index` begins with too.
    fn shared(&self, index: usize, text: &str, head: u64) -> usize {
        let (Some(other), Some(entry)) = (self.texts.get(index), self.entries.get(index)) else { return 0 };
        match (entry.head ^ head).leading_zeros() as usize / 8 {
            HEAD => other.bytes().zip(text.bytes()).take_while(|(left, right)| left == right).count(),
            fewer => fewer,
        }
    }
}

/// Bytes of a head.
const HEAD: usize = size_of::<u64>();

fn head(text: &str) -> u64 {
    let mut bytes = [0; HEAD];
    match text.as_bytes().first_chunk() {
        Some(chunk) => bytes = *chunk,
        None => bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from),
    }
    u64::from_be_bytes(bytes)
}

/// A number of the same order as the texts: the first character, of ASCII the first two bytes.
fn bucket(text: &str) -> usize {
    match text.as_bytes() {
        [] => 0,
        &[first @ ..0x80] => first as usize * 256,
        &[first @ ..0x80, second, ..] => first as usize * 256 + second as usize,
        _ => 0x8000 + text.chars().next().unwrap_or_default() as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::Dictionary;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_that_a_text_begins_with_are_found(mut texts in prop::collection::vec("[ab枪支]{0,12}", 0..60), text in "[ab枪支木]{0,16}") {
            texts.sort();
            let begins = |index: &usize| text.starts_with(texts[*index].as_str());
            let expected: Vec<(usize, usize)> = (0..texts.len()).rev().filter(begins).map(|index| (index, texts[index].len())).collect();
            let found: Vec<(usize, usize)> = Dictionary::new(texts.clone()).beginnings(&text).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
