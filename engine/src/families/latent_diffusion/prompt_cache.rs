use crate::error::Result;
use crate::waist::Tensor;
use std::collections::VecDeque;

/// Encoded prompts of one model, the most recently used last.
#[derive(Default)]
pub(super) struct PromptCache {
    entries: VecDeque<(String, Tensor)>,
}

/// Most bytes of hidden states that are kept: some hundred prompts of a large encoder, thousands of a small one.
const CAPACITY: usize = 64 << 20;

impl PromptCache {
    /// The hidden states of `text`, `[1, tokens, hidden]`, if they are known.
    pub fn get(&mut self, text: &str) -> Option<Tensor> {
        let place = self.entries.iter().position(|(known, _)| known == text)?;
        let entry = self.entries.remove(place)?;
        let states = entry.1.clone();
        self.entries.push_back(entry);
        Some(states)
    }

    /// Keeps the hidden states of `text`; the least recently used leave.
    pub fn insert(&mut self, text: &str, states: &Tensor) {
        self.entries.push_back((text.to_owned(), states.clone()));
        while self.bytes() > CAPACITY {
            self.entries.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(text, states)| text.len() + 4 * states.elements()).sum()
    }

    /// The states of all `texts`, in their order; `encode` makes those of the texts, each once, that are not known.
    pub fn states(&mut self, texts: &[&str], encode: impl FnOnce(&[&str]) -> Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
        let known: Vec<Option<Tensor>> = texts.iter().map(|text| self.get(text)).collect();
        let missing: Vec<&str> = texts.iter().zip(&known).filter(|(_, states)| states.is_none()).map(|(text, _)| *text).collect();
        let mut made = if missing.is_empty() { Vec::new() } else { encode(&missing)? }.into_iter();
        let mut all = Vec::with_capacity(texts.len());
        for (text, states) in texts.iter().zip(known) {
            let states = match states {
                Some(states) => Some(states),
                None => made.next().inspect(|states| self.insert(text, states)),
            };
            all.extend(states);
        }
        Ok(all)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{CAPACITY, PromptCache};
    use crate::waist::{Device, Tensor};
    use spec::RunPrecision;

    fn states(value: f32, count: usize) -> Tensor {
        Tensor::from_f32(vec![value; count], &[1, 1, count], &Device::cpu(RunPrecision::F32)).unwrap()
    }

    #[test]
    fn a_text_is_encoded_once_and_the_longest_unused_leaves() {
        let mut cache = PromptCache::default();
        let large = CAPACITY / 4 / 3 + 1;
        let mut encoded = Vec::new();
        for texts in [vec!["a", "b"], vec!["b", "a"], vec!["c", "a"], vec!["a", "b", "c"]] {
            let all = cache
                .states(&texts, |missing| {
                    encoded.push(missing.join(""));
                    Ok(missing.iter().map(|text| states(f32::from(text.as_bytes()[0]), large)).collect())
                })
                .unwrap();
            let values: Vec<u8> = all.iter().map(|states| states.f32().unwrap()[0] as u8).collect();
            assert_eq!(values, texts.concat().as_bytes());
        }
        // Two of these fit: "b" had left when "c" came.
        assert_eq!(encoded, ["ab", "c", "b"]);
    }
}
