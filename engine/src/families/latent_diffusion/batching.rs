//! How many pictures are made together. Bits do not depend on it.

use super::configs::Configs;
use super::recipe::Recipe;
use crate::families::FamilyRequest;

/// Memory that the activations of pictures denoised together may take. A few pictures fill the matrix kernels; more only cost memory.
const ACTIVATION_BYTES: usize = 1 << 28;
/// Tokens of pictures up to which the two branches of guidance are denoised as one batch.
const TOKENS_TOGETHER: usize = 128;

/// Whether both branches of guidance run as one batch, for `tokens` tokens of pictures: few fill the matrix kernels better together;
/// of many, the branch with the shorter text is not filled up to the longer one's.
pub(super) fn branches_together(tokens: usize) -> bool {
    tokens <= TOKENS_TOGETHER
}

/// How many pictures of a request are made together.
pub(super) fn batch_size(recipe: &Recipe, configs: &Configs, request: &FamilyRequest, pixels_per_token: usize) -> usize {
    let pixels = pixels_per_token.max(1);
    let tokens = request.width / pixels * (request.height / pixels);
    let branches = if recipe.guidance.is_on(request.guidance_scale) && branches_together(tokens) { 2 } else { 1 };
    let denoising = tokens * branches * 4 * configs.denoiser.values_per_token();
    // Decoding together holds about four maps as large as the largest of each picture; large pictures are decoded one by one.
    let factor = configs.autoencoder.scale_factor().max(1);
    let decoding = configs.autoencoder.bytes_decoding_together(request.height / factor, request.width / factor);
    (ACTIVATION_BYTES / denoising.max(decoding).max(1)).max(1)
}
