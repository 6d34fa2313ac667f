//! The prompt enhancer of ERNIE-Image: a small language model in the checkpoint that rewrites a short prompt into a detailed one.

mod chat_template;
mod sampling;

pub use sampling::Decoding;

use crate::error::{Error, Result};
use crate::families::registry::{ERNIE_IMAGE, Role};
use crate::model_folder::{JsonFile, ModelFolder, ModelIndex};
use crate::text_encoders::{Ministral3, Ministral3Config};
use crate::tokenizer::Tokenizer;
use crate::waist::{Device, Linear, Weight};
use crate::weights::{Loader, SafetensorsSource, check_weights};
use chat_template::{ChatTemplate, is_python_space};
use sampling::Chooser;
use std::cell::RefCell;
use std::collections::BTreeSet;

const MODEL: &str = "pe";
const TOKENIZER: &str = "pe_tokenizer";

/// A loaded prompt enhancer.
pub struct PromptEnhancer {
    tokenizer: Tokenizer,
    template: ChatTemplate,
    model: Ministral3,
    output: Weight,
    end_of_sequence: Option<u32>,
    /// Tokens of prompt and answer together.
    context: usize,
}

/// The language model and its output projection.
struct Network {
    model: Ministral3,
    output: Weight,
}

impl Network {
    fn load(config: &Ministral3Config, loader: &Loader<'_>) -> Result<Self> {
        let output = match config.tie_word_embeddings {
            true => {
                loader.ignore("lm_head");
                loader.linear("model.embed_tokens", config.vocab_size, config.hidden_size)?
            }
            false => loader.linear("lm_head", config.vocab_size, config.hidden_size)?,
        };
        Ok(Self { model: Ministral3::load(config, &loader.child("model"))?, output })
    }
}

impl PromptEnhancer {
    /// The components `pe` and `pe_tokenizer`; `None` for a model that has none.
    pub fn load(folder: &ModelFolder, device: &Device) -> Result<Option<Self>> {
        let index = ModelIndex::read(folder)?;
        let (Some(component), Some(_)) = (index.component(MODEL), index.component(TOKENIZER)) else { return Ok(None) };
        if !ERNIE_IMAGE.role(Role::PromptEnhancer).is_some_and(|row| row.runs(&component.class_name)) {
            return Err(Error::Unsupported(format!("{MODEL} of class {} / 不支持的提示词增强模型", component.class_name)));
        }
        let tokenizer = Tokenizer::load(folder, TOKENIZER)?;
        let template = ChatTemplate::load(folder, TOKENIZER, tokenizer.config())?;
        let file = JsonFile::component(folder, MODEL)?;
        let config = Ministral3Config::read(&file)?;
        let source = SafetensorsSource::component(folder, MODEL)?;
        let taken = RefCell::new(BTreeSet::new());
        let loader = Loader::new(&source, device, &taken);
        let Network { model, output } = Network::load(&config, &loader)?;
        loader.finish()?;
        Ok(Some(Self {
            end_of_sequence: tokenizer.special_token_id("eos_token"),
            context: file.required("max_position_embeddings")?,
            tokenizer,
            template,
            model,
            output,
        }))
    }

    /// Fails where [`Self::load`] would, but for the values of the weights, which are not read.
    pub(crate) fn check(folder: &ModelFolder) -> Result<()> {
        let tokenizer = Tokenizer::load(folder, TOKENIZER)?;
        ChatTemplate::load(folder, TOKENIZER, tokenizer.config())?;
        let file = JsonFile::component(folder, MODEL)?;
        let config = Ministral3Config::read(&file)?;
        file.required::<usize>("max_position_embeddings")?;
        check_weights(folder, MODEL, |loader| Network::load(&config, loader).map(drop))
    }

    /// `prompt`, rewritten for a picture of `width` × `height` pixels. `should_stop` is asked before each token; if it says
    /// so, the result is [`Error::Interrupted`]. A prompt that leaves no room for an answer is [`Error::InvalidRequest`].
    pub fn enhance(
        &self,
        prompt: &str,
        (width, height): (usize, usize),
        decoding: Decoding,
        should_stop: &mut dyn FnMut() -> bool,
    ) -> Result<String> {
        let ids = self.tokenizer.encode(&self.input_text(prompt, width, height)?)?;
        let limit = self.tokenizer.model_max_length().unwrap_or(self.context).min(self.context);
        // The tokenizer cuts at its limit, so text of just that length may have lost its end.
        if ids.len() >= limit {
            return Err(Error::InvalidRequest(format!(
                "the prompt is too long for the prompt enhancer: {limit} tokens or more / 提示词过长，提示词增强模型最多 {limit} 个词元"
            )));
        }
        let answer = self.generate(&ids, limit.min(self.context - ids.len()), decoding, should_stop)?;
        Ok(self.tokenizer.decode(&answer)?.trim_matches(is_python_space).to_owned())
    }

    /// What the language model is given: the chat template's text of a JSON object with prompt and size.
    pub fn input_text(&self, prompt: &str, width: usize, height: usize) -> Result<String> {
        // Python's json.dumps puts spaces after separators; strings are escaped alike.
        let prompt = serde_json::Value::from(prompt);
        self.template.render(&format!(r#"{{"prompt": {prompt}, "width": {width}, "height": {height}}}"#))
    }

    /// Up to `max_new_tokens` ids that continue `ids`; an end-of-sequence token ends them and is the last.
    pub fn generate(
        &self,
        ids: &[u32],
        max_new_tokens: usize,
        decoding: Decoding,
        should_stop: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<u32>> {
        if let Decoding::Sampled { temperature, top_p, .. } = decoding
            && !(temperature > 0.0 && temperature.is_finite() && (0.0..=1.0).contains(&top_p))
        {
            return Err(Error::InvalidRequest(format!(
                "temperature {temperature} must be above 0 and top_p {top_p} in 0..1 / temperature 必须大于 0，top_p 必须在 0 到 1 之间"
            )));
        }
        let mut chooser = Chooser::new(decoding);
        let mut caches = vec![None; self.model.layer_count()];
        let mut answer = Vec::new();
        let (mut next, mut first) = (ids.to_vec(), 0);
        while answer.len() < max_new_tokens && !next.is_empty() {
            if should_stop() {
                return Err(Error::Interrupted);
            }
            let hidden = self.model.continue_from(&next, first, &mut caches)?;
            let logits = hidden.slice(1, next.len() - 1, 1)?.linear(&Linear::new(&self.output))?;
            first += next.len();
            let id = chooser.choose(logits.f32()?);
            answer.push(id);
            if Some(id) == self.end_of_sequence {
                break;
            }
            next = vec![id];
        }
        Ok(answer)
    }
}
