use super::Shortcuts;

/// What a family is asked for. Pictures differ in prompt and seed only.
#[derive(Debug, Clone)]
pub struct FamilyRequest {
    /// One for each picture.
    pub prompts: Vec<String>,
    /// For all pictures; counts when guidance is on.
    pub negative_prompt: String,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Denoising steps.
    pub num_inference_steps: usize,
    /// Classifier-free guidance; 1 or less turns it off.
    pub guidance_scale: f32,
    /// One for each picture: its noise is what `torch.Generator("cpu").manual_seed(seed)` draws first.
    pub seeds: Vec<u64>,
    /// Work that may be left out.
    pub shortcuts: Shortcuts,
}
