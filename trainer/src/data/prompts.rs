use super::captions::chinese_background_name;
use super::{Background, BackgroundKind, Dataset, PALETTE};
use crate::random::Random;

/// A prompt for one concept.
#[derive(Debug, Clone)]
pub struct ConceptPrompt {
    /// In Chinese.
    pub prompt: String,
    /// Index of the concept.
    pub concept: usize,
}

/// A prompt that names a plain background's colour.
#[derive(Debug, Clone)]
pub struct BackgroundPrompt {
    /// In Chinese.
    pub prompt: String,
    /// Index of the colour in [`PALETTE`].
    pub colour: usize,
}

const STREAM_CONCEPTS: u64 = 0xe7a1;
const STREAM_BACKGROUNDS: u64 = 0xe7a2;

impl Dataset {
    /// `count` prompts that are Chinese names of concepts in random order: each concept's first name, then, once all were asked for,
    /// its next.
    pub fn concept_prompts(&self, seed: u64, count: usize) -> Vec<ConceptPrompt> {
        let mut random = Random::at(seed, STREAM_CONCEPTS, 0);
        let mut order: Vec<usize> = (0..self.concepts.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        let prompt = |index: usize| {
            let concept = order[index % order.len()];
            let names = &self.concepts[concept].chinese;
            ConceptPrompt { prompt: names[index / order.len() % names.len()].clone(), concept }
        };
        (0..count).map(prompt).collect()
    }

    /// `count` prompts of the form `猫，蓝色背景`, over the palette in turn.
    pub fn background_prompts(&self, seed: u64, count: usize) -> Vec<BackgroundPrompt> {
        let mut random = Random::at(seed, STREAM_BACKGROUNDS, 0);
        (0..count)
            .map(|index| {
                let colour = index % PALETTE.len();
                let concept = &self.concepts[random.below(self.concepts.len())];
                let background = chinese_background_name(Background { colour, kind: BackgroundKind::Plain });
                BackgroundPrompt { prompt: format!("{}，{background}", concept.chinese[0]), colour }
            })
            .collect()
    }
}
