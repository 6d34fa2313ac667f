use spec::{Asked, FileFormat, PictureRequest, Request, Texts};

/// What a request gets where it does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelDefaults {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Denoising steps.
    pub num_inference_steps: u32,
    /// Classifier-free guidance.
    pub guidance_scale: f32,
}

impl ModelDefaults {
    /// A request for one PNG of `prompt` with these defaults, seed 0, exact bf16; struct update changes the rest.
    pub fn request(&self, model: &str, prompt: &str) -> Request {
        let asked = PictureRequest {
            width: self.width,
            height: self.height,
            num_inference_steps: self.num_inference_steps,
            guidance_scale: self.guidance_scale,
            guidance_interval: None,
            format: FileFormat::Png,
        };
        Request::of(model, Texts::of(prompt), Asked::Picture(asked))
    }
}

/// What holds for models of a family whose folder says nothing else.
#[derive(Debug, Clone, Copy)]
pub struct FamilyDefaults {
    /// Of a request.
    pub request: ModelDefaults,
    /// Widths and heights that its published model was trained at.
    pub sizes: &'static [[u32; 2]],
}
