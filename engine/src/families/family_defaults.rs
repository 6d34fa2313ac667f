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

/// What holds for models of a family whose folder says nothing else.
#[derive(Debug, Clone, Copy)]
pub struct FamilyDefaults {
    /// Of a request.
    pub request: ModelDefaults,
    /// Widths and heights that its published model was trained at.
    pub sizes: &'static [[u32; 2]],
}
