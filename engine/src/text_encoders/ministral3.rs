use super::{HiddenStates, TextEncoder, TextEncoderConfig};
use crate::blocks::{KeyValueCache, RopeParameters, TransformerLayer, TransformerSize};
use crate::error::{Error, Result};
use crate::model_folder::{COUNTS, ConfigFault, JsonFile, VOCABULARIES, WIDTHS};
use crate::waist::{Norm, NormKind, Tensor};
use crate::weights::Loader;
use serde::Deserialize;

/// Names under which transformers saves the language model of a `Mistral3Model` or of a bare text model.
const LANGUAGE_MODEL_PREFIXES: [&str; 5] = ["language_model.model", "model.language_model", "language_model", "model", ""];
/// Parts of a `Mistral3Model` that no prompt reaches.
const UNUSED_PARTS: [&str; 6] =
    ["vision_tower", "multi_modal_projector", "model.vision_tower", "model.multi_modal_projector", "lm_head", "language_model.lm_head"];

/// `config.json` of the language model (`text_config` of a `Mistral3Model`).
#[derive(Debug, Clone, Deserialize)]
pub struct Ministral3Config {
    /// Entries of the embedding table.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the gated feed-forward unit.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; as many as query heads when absent.
    pub num_key_value_heads: Option<usize>,
    /// Values of a head; `hidden_size / num_attention_heads` when absent.
    pub head_dim: Option<usize>,
    /// Epsilon of the norms.
    #[serde(default = "default_epsilon")]
    pub rms_norm_eps: f32,
    /// Positions.
    #[serde(alias = "rope_scaling")]
    pub rope_parameters: Option<RopeParameters>,
    /// Base frequency where `rope_parameters` is absent.
    pub rope_theta: Option<f64>,
    /// Must be absent or null.
    pub sliding_window: Option<usize>,
    /// `silu`.
    pub hidden_act: Option<String>,
    /// Whether the output projection is the embedding table.
    #[serde(default)]
    pub tie_word_embeddings: bool,
}

fn default_epsilon() -> f32 {
    1e-5
}

impl Ministral3Config {
    /// Reads and checks the config of a bare language model, or that section of a larger one's.
    pub fn read(file: &JsonFile) -> Result<Self> {
        let config: Self = file.parse_as()?;
        config.check_sizes().map_err(|fault| fault.in_file(file))?;
        config.check_support()?;
        Ok(config)
    }

    fn size(&self) -> TransformerSize {
        TransformerSize {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            heads: self.num_attention_heads,
            key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dimension: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            epsilon: self.rms_norm_eps,
        }
    }

    fn rope(&self) -> Result<RopeParameters> {
        match (&self.rope_parameters, self.rope_theta) {
            (Some(parameters), _) => Ok(parameters.clone()),
            (None, Some(theta)) => Ok(RopeParameters::plain(theta)),
            (None, None) => Err(Error::Unsupported("a language model config without rope_parameters or rope_theta".into())),
        }
    }

    fn check_sizes(&self) -> Result<(), ConfigFault> {
        let size = self.size();
        ConfigFault::unless_in("vocab_size", self.vocab_size, VOCABULARIES)?;
        ConfigFault::unless_in("hidden_size", size.hidden, WIDTHS)?;
        ConfigFault::unless_in("intermediate_size", size.intermediate, WIDTHS)?;
        ConfigFault::unless_in("num_hidden_layers", self.num_hidden_layers, COUNTS)?;
        ConfigFault::unless_in("num_attention_heads", size.heads, COUNTS)?;
        ConfigFault::unless_in("num_key_value_heads", size.key_value_heads, COUNTS)?;
        ConfigFault::unless("num_key_value_heads", size.heads.is_multiple_of(size.key_value_heads), || {
            format!("{} does not divide {} heads / 不能整除注意力头数", size.key_value_heads, size.heads)
        })?;
        ConfigFault::unless_in("head_dim", size.head_dimension, WIDTHS)?;
        ConfigFault::unless("head_dim", size.head_dimension.is_multiple_of(2), || format!("{} is odd / 不是偶数", size.head_dimension))?;
        ConfigFault::unless_epsilon("rms_norm_eps", size.epsilon)?;
        let theta = self.rope_parameters.as_ref().map(|rope| rope.rope_theta).or(self.rope_theta);
        if let Some(theta) = theta {
            ConfigFault::unless("rope_theta", (1.0..=1e12).contains(&theta), || {
                format!("{theta} is not in 1..=1e12 / 不在 1 到 1e12 之间")
            })?;
        }
        self.rope_parameters.as_ref().map_or(Ok(()), RopeParameters::check)
    }

    fn check_support(&self) -> Result<()> {
        self.rope()?.check_support(self.size().head_dimension)?;
        if self.sliding_window.is_some() {
            return Err(Error::Unsupported("sliding_window attention in the text encoder".into()));
        }
        match self.hidden_act.as_deref() {
            None | Some("silu") => Ok(()),
            Some(other) => Err(Error::Unsupported(format!("hidden_act {other:?} in the text encoder; silu is supported"))),
        }
    }
}

/// The Ministral 3 language model: embedding, causal layers, final norm. As a text encoder it returns the second-to-last hidden
/// state, which needs neither the last layer nor the final norm.
pub struct Ministral3 {
    rope: RopeParameters,
    size: TransformerSize,
    vocabulary: usize,
    embedding: Tensor,
    layers: Vec<TransformerLayer>,
    final_norm: Option<Tensor>,
}

impl Ministral3 {
    /// All layers but the last, from the loader's `embed_tokens`, `layers.N`; the rest is marked as not needed.
    pub fn load_encoder(config: &Ministral3Config, loader: &Loader<'_>) -> Result<Self> {
        let last = config.num_hidden_layers.saturating_sub(1);
        let model = Self::load_layers(config, loader, last)?;
        loader.child("layers").ignore(&last.to_string());
        loader.ignore("norm");
        Ok(model)
    }

    /// The whole model with its final norm.
    pub fn load(config: &Ministral3Config, loader: &Loader<'_>) -> Result<Self> {
        let model = Self::load_layers(config, loader, config.num_hidden_layers)?;
        Ok(Self { final_norm: Some(loader.parameter("norm.weight", &[config.hidden_size])?), ..model })
    }

    fn load_layers(config: &Ministral3Config, loader: &Loader<'_>, count: usize) -> Result<Self> {
        config.check_sizes().map_err(|fault| fault.of("text encoder"))?;
        config.check_support()?;
        let layers = loader.child("layers");
        Ok(Self {
            rope: config.rope()?,
            size: config.size(),
            vocabulary: config.vocab_size,
            embedding: loader.table("embed_tokens.weight", &[config.vocab_size, config.hidden_size])?,
            layers: (0..count).map(|index| TransformerLayer::load(config.size(), &layers.child(index))).collect::<Result<_>>()?,
            final_norm: None,
        })
    }

    /// Hidden states of each prompt, `[prompts, longest, hidden]`; rows past a prompt's end mean nothing. A prompt's rows do not
    /// depend on the others: attention is causal.
    pub fn encode(&self, prompts: &[Vec<u32>]) -> Result<Tensor> {
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
        let ids: Vec<u32> = prompts.iter().flat_map(|ids| ids.iter().copied().chain(std::iter::repeat_n(0, longest - ids.len()))).collect();
        let mut x = self.embed(&ids)?.reshape(&[prompts.len(), longest, self.size.hidden])?;
        let tables = self.rope.tables(self.size.head_dimension, 0, longest, x.device())?;
        for layer in &self.layers {
            x = layer.forward(&x, &tables, None)?;
        }
        if self.final_norm.is_some() { self.normed(&x) } else { Ok(x) }
    }

    /// Final hidden states of `ids`, `[1, ids, hidden]`, which continue the tokens in `caches` (one for each layer).
    pub fn continue_from(&self, ids: &[u32], first: usize, caches: &mut [Option<KeyValueCache>]) -> Result<Tensor> {
        let mut x = self.embed(ids)?.reshape(&[1, ids.len(), self.size.hidden])?;
        let tables = self.rope.tables(self.size.head_dimension, first, ids.len(), x.device())?;
        for (layer, cache) in self.layers.iter().zip(caches) {
            x = layer.forward(&x, &tables, Some(cache))?;
        }
        self.normed(&x)
    }

    fn normed(&self, x: &Tensor) -> Result<Tensor> {
        x.norm(&Norm { kind: NormKind::Rms, weight: self.final_norm.as_ref(), bias: None, modulation: None, epsilon: self.size.epsilon })
    }

    /// Layers that a cache is needed for.
    pub fn layer_count(&self) -> usize {
        self.layers.len()
    }

    fn embed(&self, ids: &[u32]) -> Result<Tensor> {
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.vocabulary) {
            let detail = format!("the tokenizer gives id {id}, the text encoder has {} embeddings", self.vocabulary);
            return Err(Error::Shape { operation: "embedding", detail });
        }
        self.embedding.embedding(ids)
    }
}

impl TextEncoderConfig for Ministral3Config {
    fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    fn load(&self, hidden_states: HiddenStates, root: &Loader<'_>) -> Result<Box<dyn TextEncoder>> {
        let prefix = LANGUAGE_MODEL_PREFIXES.iter().find(|prefix| root.child(prefix).has("embed_tokens.weight"));
        let prefix =
            prefix.ok_or_else(|| Error::MissingTensor { name: "language_model.embed_tokens.weight".into(), place: root.place() })?;
        let loader = root.child(prefix);
        let model = match hidden_states {
            HiddenStates::Last => Ministral3::load(self, &loader)?,
            HiddenStates::SecondToLast => Ministral3::load_encoder(self, &loader)?,
        };
        for part in UNUSED_PARTS {
            root.ignore(part);
        }
        Ok(Box::new(model))
    }
}

impl TextEncoder for Ministral3 {
    fn encode(&self, prompts: &[Vec<u32>]) -> Result<Tensor> {
        Self::encode(self, prompts)
    }
}
