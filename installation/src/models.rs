use crate::Result;
use engine::model_folder::ModelFolder;
use std::path::Path;

/// Name of the solver of engineering designs, which is built in.
pub const SOLVER: &str = "simp";
/// Name of the embedded default checkpoint, 丹青·小品.
pub const DEFAULT_MODEL: &str = "xiaopin";

macro_rules! embed {
    ($($file:literal),* $(,)?) => { &[$(($file, include_bytes!(concat!("../../models/xiaopin/", $file)))),*] };
}

/// The files of `models/xiaopin/` that loading reads.
const XIAOPIN: &[(&str, &[u8])] = embed!(
    "danqing.json",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
);

/// The embedded model of that name, or the folder at that path.
pub fn find_model(name_or_folder: &str) -> Result<ModelFolder> {
    if name_or_folder == DEFAULT_MODEL && !Path::new(name_or_folder).is_dir() {
        return Ok(ModelFolder::Embedded(XIAOPIN));
    }
    Ok(ModelFolder::open(name_or_folder)?)
}
