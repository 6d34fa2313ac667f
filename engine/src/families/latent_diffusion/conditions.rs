//! From prompts to what the denoiser is told.

use super::LatentDiffusion;
use crate::error::Result;
use crate::families::progress::report;
use crate::families::{FamilyRequest, Observer, Progress};
use crate::tokenizer::Tokenizer;
use crate::waist::Tensor;
use std::collections::BTreeSet;

/// Hidden states of the prompts of all branches, `[rows, longest, hidden]`, padded to the longest.
pub(super) struct Conditions {
    pub hidden_states: Tensor,
    /// Tokens of each row.
    pub lengths: Vec<usize>,
}

impl LatentDiffusion {
    /// The unconditional branch's prompts come first, as in diffusers.
    pub(super) fn encode(&mut self, request: &FamilyRequest, observer: &mut Observer<'_>) -> Result<Conditions> {
        let is_guided = self.recipe.guidance.is_on(request.guidance_scale);
        let mut texts: Vec<&str> = if is_guided { vec![&request.negative_prompt; request.prompts.len()] } else { Vec::new() };
        texts.extend(request.prompts.iter().map(String::as_str));
        // Each different text is encoded once: pictures of one request usually share theirs.
        let distinct: Vec<&str> = texts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let Self { prompts, text_encoder, tokenizer, files, configs, recipe, .. } = self;
        let component = text_encoder.component();
        let encoded = prompts.states(&distinct, |missing| {
            let encoder = text_encoder.get(files, observer, |loader| configs.text_encoder.load(recipe.hidden_states, loader))?;
            report(observer, Progress::Encoding)?;
            let encode = |text: &&str| -> Result<Tensor> {
                let states = encoder.encode(&[tokens(tokenizer, &recipe.prompt(text), recipe.empty_prompt)?])?;
                files.require_finite(&states, component, "the hidden states of a prompt / 提示词的隐藏状态")?;
                Ok(states)
            };
            missing.iter().map(encode).collect()
        })?;
        self.text_encoder.leave(&self.files);
        let longest = encoded.iter().map(|states| states.size(1)).max().unwrap_or(0);
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        for text in texts {
            let place = distinct.binary_search(&text).unwrap_or(0);
            let states = &encoded[place];
            let mut values = states.f32()?.to_vec();
            values.resize(longest * states.last(), 0.0);
            rows.extend_from_slice(&values);
            lengths.push(states.size(1));
        }
        let shape = [lengths.len(), longest, self.configs.text_encoder.hidden_size()];
        Ok(Conditions { hidden_states: Tensor::from_f32(rows, &shape, self.denoiser.device())?, lengths })
    }
}

fn tokens(tokenizer: &Tokenizer, text: &str, empty_prompt: &str) -> Result<Vec<u32>> {
    let ids = tokenizer.encode(text)?;
    Ok(if ids.is_empty() { vec![tokenizer.special_token_id(empty_prompt).unwrap_or(0)] } else { ids })
}
