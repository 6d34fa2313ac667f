//! Where a run in 8-bit integers uses them. This is the one place that decides, and it asks the class of a component which of its layers
//! repeat ([`IntegerLayers`]); everything it keeps out runs in bfloat16. A checkpoint whose layers are stored in 8 bits ([`StoredInt8`])
//! has decided already, by measurement ([`decide`]).

mod calibration;
mod integer_layers;
mod samples;
mod stored;
mod stored_convolution;

pub use calibration::{LayerDecision, decide, quantized_tensors};
pub use integer_layers::IntegerLayers;
pub use samples::ActivationSamples;
pub use stored::{StoredInt8, is_quantized_source};
pub use stored_convolution::{ChannelRanges, StoredConvolution};

use spec::RunPrecision;

/// Features of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearSize {
    /// Output features.
    pub outputs: usize,
    /// Input features.
    pub inputs: usize,
}

/// Channels of a convolution, and the side of its square kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionSize {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// Pixels.
    pub kernel: usize,
}

/// The parts of a pipeline that may run in different precisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Prompt → hidden states.
    TextEncoder,
    /// Called in every step.
    Denoiser,
    /// Latents ↔ pictures.
    Autoencoder,
}

/// The precision that a part runs in.
///
/// The text encoder keeps bfloat16: it runs once a prompt, and language models have channels so much larger than the rest that one scale
/// a row loses the others. The autoencoder keeps it unless its checkpoint stores convolutions in 8 bits: their activations need scales
/// that were measured.
pub fn precision_of(part: Part, run: RunPrecision) -> RunPrecision {
    match (part, run) {
        (Part::TextEncoder | Part::Autoencoder, RunPrecision::Int8) => RunPrecision::Bf16,
        _ => run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_denoiser_changes_its_precision() {
        for part in [Part::TextEncoder, Part::Autoencoder] {
            assert_eq!(precision_of(part, RunPrecision::Int8), RunPrecision::Bf16);
            assert_eq!(precision_of(part, RunPrecision::F32), RunPrecision::F32);
        }
        assert_eq!(precision_of(Part::Denoiser, RunPrecision::Int8), RunPrecision::Int8);
    }
}
