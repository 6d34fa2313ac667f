//! One request, from which tests change what they are about.

use spec::{Asked, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts};

/// The model that tests name where no model is opened: the name of the embedded one.
pub const MODEL: &str = "xiaopin";

/// What is asked of pictures in [`picture`]: 128 × 128 pixels, one step without guidance, as PNG.
pub const PICTURE: PictureRequest = PictureRequest {
    width: 128,
    height: 128,
    num_inference_steps: 1,
    guidance_scale: 1.0,
    guidance_interval: None,
    format: FileFormat::Png,
};

/// A request of one small picture of seed 0, exact in f32. Tests change it by struct update, or by [`Request::with_picture`].
pub fn picture(prompt: &str) -> Request {
    Request { run: Run::exact(RunPrecision::F32), ..Request::of(MODEL, Texts::of(prompt), Asked::Picture(PICTURE)) }
}
