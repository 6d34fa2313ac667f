//! Picture classifiers: a picture in, a probability for each label out. They run in f32 on any device of the waist.
//!
//! ```text
//! folder/config.json        {"architectures": ["OpenNsfw" | "ViTForImageClassification"], "id2label": {"0": …}, …}
//!       /model.safetensors  or shards with an index, as transformers writes them
//!       /preprocessor_config.json   how pictures are read, for architectures that leave it open
//! ```

mod open_nsfw;
mod resize;
mod vit;

use crate::error::{Error, Result};
use crate::model_folder::{JsonFile, ModelFolder};
use crate::waist::{Device, Tensor};
use crate::weights::{Loader, SafetensorsSource};
use open_nsfw::OpenNsfw;
use spec::{Picture, RunPrecision, Sha256Digest};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use vit::Vit;

const CONFIG: &str = "config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";

/// A classifier ready to look at pictures. Shareable between threads.
pub struct ImageClassifier {
    network: Network,
    labels: Vec<String>,
    sha256: Sha256Digest,
    device: Device,
}

enum Network {
    OpenNsfw(Box<OpenNsfw>),
    Vit(Box<Vit>),
}

impl ImageClassifier {
    /// Loads the classifier in `folder`.
    pub fn open(folder: &ModelFolder) -> Result<Self> {
        let config = JsonFile::read(folder, CONFIG)?;
        let labels = labels(&config)?;
        let device = Device::cpu(RunPrecision::F32);
        let source = SafetensorsSource::component(folder, "")?;
        let taken = RefCell::new(BTreeSet::new());
        let loader = Loader::new(&source, &device, &taken);
        let architectures: Vec<String> = config.or("architectures", Vec::new())?;
        let network = match architectures.first().map(String::as_str) {
            Some("OpenNsfw") => Network::OpenNsfw(Box::new(OpenNsfw::load(&loader, labels.len())?)),
            Some("ViTForImageClassification") => {
                let preprocessor = if folder.exists(PREPROCESSOR) { Some(JsonFile::read(folder, PREPROCESSOR)?) } else { None };
                Network::Vit(Box::new(Vit::load(&config, preprocessor.as_ref(), &loader, labels.len())?))
            }
            other => {
                let name = other.unwrap_or("without a name / 未命名");
                return Err(Error::Unsupported(format!(
                    "picture classifier {name}; OpenNsfw and ViTForImageClassification are supported / 图片分类器 {name}"
                )));
            }
        };
        loader.finish()?;
        Ok(Self { network, labels, sha256: folder.flat_digest()?, device })
    }

    /// Names of what it tells apart, in the order of [`Self::probabilities`].
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Which weights and settings these are.
    pub fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    /// A probability for each label; they sum to 1. An error where the weights give none.
    pub fn probabilities(&self, picture: &Picture) -> Result<Vec<f32>> {
        let logits = match &self.network {
            Network::OpenNsfw(network) => network.logits(picture, &self.device)?,
            Network::Vit(network) => network.logits(picture, &self.device)?,
        };
        softmax(&logits)
    }
}

/// `id2label` as a list.
fn labels(config: &JsonFile) -> Result<Vec<String>> {
    let by_id: BTreeMap<String, String> = config.required("id2label")?;
    let names: Option<Vec<String>> = (0..by_id.len()).map(|id| by_id.get(&id.to_string()).cloned()).collect();
    let names = names.filter(|names| names.len() > 1 && names.iter().collect::<BTreeSet<_>>().len() == names.len());
    names.ok_or_else(|| config.invalid("id2label", "two or more different labels, numbered from 0, are expected"))
}

fn softmax(logits: &[f32]) -> Result<Vec<f32>> {
    if !logits.iter().all(|logit| logit.is_finite()) {
        return Err(Error::Shape { operation: "softmax", detail: "the classifier's weights give values that are not finite".into() });
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f32 = powers.iter().sum();
    Ok(powers.iter().map(|power| power / total).collect())
}

/// `[1, height, width, 3]` of values `scale[c] * (pixel[order[c]] - mean[c])`.
fn input(picture: &Picture, order: [usize; 3], mean: [f32; 3], scale: [f32; 3], device: &Device) -> Result<Tensor> {
    let (pixels, _) = picture.pixels().as_chunks::<3>();
    let values =
        pixels.iter().flat_map(|pixel| [0, 1, 2].map(|channel| scale[channel] * (f32::from(pixel[order[channel]]) - mean[channel])));
    Tensor::from_f32(values.collect(), &[1, picture.height() as usize, picture.width() as usize, 3], device)
}
