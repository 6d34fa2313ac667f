//! No bit of a sample depends on its neighbours or on the number of threads.
use super::{packed, random};
use engine::{
    Activation, Attention, AttentionMask, Conv, Device, GroupNorm, Linear, Modulation, Norm, NormKind, Padding, Result, Tensor, WeightKind,
};
use std::ops::Range;

const SAMPLES: usize = 5;
/// Enough rows for several tiles, panels and tasks, and a ragged end.
const TOKENS: usize = 103;
const WIDTH: usize = 72;

/// One operation on the samples of a range; operands that belong to samples are cut to the range.
type Operation = fn(&Device, Range<usize>) -> Result<Tensor>;

const OPERATIONS: &[(&str, Operation)] = &[
    ("linear", |device, range| {
        let weight = packed(WeightKind::Linear { outputs: 70, inputs: WIDTH }, 1, device);
        let bias = random(&[70], 2, device);
        let (gate, residual) = (samples(&[70], 3, &range, device)?, samples(&[TOKENS, 70], 4, &range, device)?);
        let linear =
            Linear { weight: &weight, bias: Some(&bias), activation: Activation::Silu, gate: Some(&gate), residual: Some(&residual) };
        samples(&[TOKENS, WIDTH], 5, &range, device)?.linear(&linear)
    }),
    ("conv2d", |device, range| {
        let weight = packed(WeightKind::Conv { outputs: 40, inputs: 24, kernel: 3 }, 1, device);
        let conv = Conv { weight: &weight, bias: None, stride: 1, padding: Padding::same(1), residual: None };
        samples(&[13, 11, 24], 2, &range, device)?.conv2d(&conv)
    }),
    ("norm", |device, range| {
        let (scale, shift) = (samples(&[WIDTH], 1, &range, device)?, samples(&[WIDTH], 2, &range, device)?);
        let modulation = Some(Modulation { scale: &scale, shift: Some(&shift) });
        let norm = Norm { kind: NormKind::Layer, weight: None, bias: None, modulation, epsilon: 1e-6 };
        samples(&[TOKENS, WIDTH], 3, &range, device)?.norm(&norm)
    }),
    ("group_norm", |device, range| {
        let (weight, bias) = (random(&[24], 1, device), random(&[24], 2, device));
        let norm = GroupNorm { groups: 6, weight: &weight, bias: &bias, epsilon: 1e-6, activation: Activation::Silu };
        samples(&[13, 11, 24], 3, &range, device)?.group_norm(&norm)
    }),
    ("attention", |device, range| {
        let lengths: Vec<usize> = range.clone().map(|sample| TOKENS - 7 * sample).collect();
        let query = samples(&[TOKENS, 4, 18], 1, &range, device)?;
        let (key, value) = (samples(&[TOKENS, 2, 18], 2, &range, device)?, samples(&[TOKENS, 2, 18], 3, &range, device)?);
        query.attention(&key, &value, &Attention { scale: 0.25, mask: AttentionMask::KeyLengths(&lengths) })
    }),
    ("rotate_half", |device, range| {
        let (cos, sin) = (random(&[TOKENS, 18], 1, device), random(&[TOKENS, 18], 2, device));
        samples(&[TOKENS, 4, 18], 3, &range, device)?.rotate_half(&cos, &sin)
    }),
    ("elementwise", |device, range| {
        let (a, b) = (samples(&[TOKENS, WIDTH], 1, &range, device)?, samples(&[TOKENS, WIDTH], 2, &range, device)?);
        a.gated_unit(&b, Activation::GeluErf)?.add(&a)?.multiply(&b)?.activate(Activation::GeluTanh)
    }),
    ("movement", |device, range| samples(&[9, 7, 6], 1, &range, device)?.upsample_nearest_2x()?.permute(&[0, 3, 1, 2])?.slice(2, 1, 5)),
];

/// A batch gives each sample the bits that it has alone.
pub fn check_batches(device: &Device) {
    for (name, operation) in OPERATIONS {
        let together = operation(device, 0..SAMPLES).unwrap();
        for sample in 0..SAMPLES {
            let alone = operation(device, sample..sample + 1).unwrap();
            let length = alone.elements();
            let within = &together.f32().unwrap()[sample * length..(sample + 1) * length];
            assert!(same_bits(within, alone.f32().unwrap()), "{name}: sample {sample} depends on its batch");
        }
    }
    padding_does_not_matter(device);
}

/// One thread gives the bits that two and three give.
pub fn check_threads(device: &Device) {
    let before = kernels::pool::threads();
    for (name, operation) in OPERATIONS {
        let mut results = [1, 2, 3].map(|threads| {
            kernels::pool::set_threads(threads);
            operation(device, 0..SAMPLES).unwrap()
        });
        let [one, others @ ..] = &mut results;
        for other in others {
            assert!(same_bits(one.f32().unwrap(), other.f32().unwrap()), "{name} depends on the number of threads");
        }
    }
    kernels::pool::set_threads(before);
}

/// Keys that are masked may hold anything finite and be any number.
fn padding_does_not_matter(device: &Device) {
    for length in [1, 6, 64, 65] {
        let query = random(&[1, 31, 4, 18], 1, device);
        let run = |keys: usize| {
            let (key, value) = (random(&[1, keys, 2, 18], 2, device), random(&[1, keys, 2, 18], 3, device));
            query.attention(&key, &value, &Attention { scale: 0.25, mask: AttentionMask::KeyLengths(&[length]) }).unwrap()
        };
        let exact = run(length);
        for padded in [length + 1, length + 40] {
            assert!(same_bits(exact.f32().unwrap(), run(padded).f32().unwrap()), "attention depends on {padded} - {length} padded keys");
        }
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// The samples of `range` out of [`SAMPLES`] reproducible ones.
fn samples(shape: &[usize], seed: u64, range: &Range<usize>, device: &Device) -> Result<Tensor> {
    let shape: Vec<usize> = std::iter::once(SAMPLES).chain(shape.iter().copied()).collect();
    random(&shape, seed, device).slice(0, range.start, range.len())
}
