//! Prints GFLOP/s and milliseconds of the kernels that carry the work: `throughput [part of a name] [repetitions]`. Times are the
//! best of the repetitions.
use kernels::attention::{AttentionOperands, AttentionShape, Mask, attention, attention_backward};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::{Activation, Elements, Precision};
use kernels::gemm::{Epilogue, gemm};
use kernels::int8::{self, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::norm::{GroupNorm, Norm, NormGradients, NormKind, group_norm, group_norm_backward, norm, norm_backward};
use std::hint::black_box;
use std::time::Instant;

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}

fn report(name: &str, flops: f64, mut run: impl FnMut()) {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_some_and(|part| !name.contains(&part)) {
        return;
    }
    let repetitions = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(8);
    run();
    let mut best = f64::INFINITY;
    for _ in 0..repetitions {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<48} {:>8.1} GFLOP/s {:>8.3} ms", flops / best / 1e9, best * 1e3);
}

fn main() {
    println!("{:?}, {:?}, {} threads", kernels::dispatch::simd_level(), kernels::dispatch::int8_level(), kernels::pool::threads());
    products();
    linear_layers();
    convolutions();
    attentions();
    norms();
}

fn products() {
    for (m, k, n) in [(1024, 2048, 2048), (5632, 320, 1280), (5632, 1280, 320), (1, 2048, 2048), (8, 2048, 2048)] {
        let (a, b, mut out) = (values(m * k), values(k * n), vec![0.0; m * n]);
        for precision in [Precision::Bf16, Precision::F32] {
            let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), precision);
            let flops = 2.0 * m as f64 * k as f64 * n as f64;
            report(&format!("gemm {m}x{k}x{n} {precision:?}"), flops, || {
                gemm(&MatrixView::new(&a, m, k), &packed, &Epilogue::default(), &mut out);
            });
        }
    }
    let (rows, inputs, outputs) = (5632, 320, 1280);
    let (x, dy, mut dw) = (values(rows * inputs), values(rows * outputs), vec![0.0; inputs * outputs]);
    report("weight gradient 1280x320, k=5632, with packing", 2.0 * (rows * inputs * outputs) as f64, || {
        let packed = PackedMatrix::pack(&MatrixView::new(&x, rows, inputs), Precision::Bf16);
        gemm(&MatrixView::new(&dy, rows, outputs).transposed(), &packed, &Epilogue::default(), &mut dw);
    });
    let weight = values(1280 * 320);
    for precision in [Precision::Bf16, Precision::F32] {
        let mut packed = PackedMatrix::pack(&MatrixView::new(&weight, 1280, 320), precision);
        report(&format!("pack 1280x320 {precision:?}"), 0.0, || packed.pack_into(&MatrixView::new(&weight, 1280, 320)));
        report(&format!("pack 1280x320 transposed {precision:?}"), 0.0, || {
            packed.pack_into(&MatrixView::new(&weight, 1280, 320).transposed());
        });
    }
}

/// Linear layers of a diffusion transformer, in bfloat16 and in 8-bit integers.
fn linear_layers() {
    for (m, k, n) in [
        (1280, 3072, 3072),
        (1280, 3072, 8192),
        (1280, 8192, 3072),
        (4608, 3072, 3072),
        (4608, 3072, 8192),
        (2816, 320, 960),
        (2816, 960, 320),
        (77, 3072, 3072),
        (1, 3072, 18432),
    ] {
        let (a, weight, mut out) = (values(m * k), values(k * n), vec![0.0; m * n]);
        let (a, weight) = (MatrixView::new(&a, m, k), MatrixView::new(&weight, n, k).transposed());
        let flops = 2.0 * (m * k * n) as f64;
        let packed = PackedMatrix::pack(&weight, Precision::Bf16);
        report(&format!("linear {m}x{k}x{n} Bf16"), flops, || gemm(&a, &packed, &Epilogue::default(), &mut out));
        let quantized = QuantizedMatrix::quantize(&weight);
        report(&format!("linear {m}x{k}x{n} int8"), flops, || int8::gemm(&a, &quantized, &Epilogue::default(), &mut out));
        if m == 1 {
            report(&format!("pack {k}x{n} as linear, Bf16"), 0.0, || drop(PackedMatrix::pack(&weight, Precision::Bf16)));
            report(&format!("pack {k}x{n} as linear, int8"), 0.0, || drop(QuantizedMatrix::quantize(&weight)));
        }
    }
}

fn convolutions() {
    for channels in [16, 32, 64] {
        let shape = ConvShape {
            batch: 16,
            height: 64,
            width: 64,
            in_channels: channels,
            out_channels: channels,
            kernel: 3,
            stride: 1,
            padding: Padding { top: 1, left: 1, bottom: 1, right: 1 },
        };
        let count = 16 * 64 * 64 * channels;
        let (x, dy, weight) = (values(count), values(count), values(channels * channels * 9));
        let (mut out, mut dw) = (vec![0.0; count], vec![0.0; channels * channels * 9]);
        let filter = PackedFilter::pack(&Elements::F32(&weight), (channels, channels, 3), Precision::Bf16);
        let flops = 2.0 * 9.0 * (count * channels) as f64;
        report(&format!("conv 3x3 16x64x64x{channels} bf16"), flops, || conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out));
        report(&format!("conv input gradient {channels}"), flops, || {
            conv2d_input_gradient(&dy, &weight, &shape, Precision::Bf16, &mut out);
        });
        report(&format!("conv weight gradient {channels}"), flops, || conv2d_weight_gradient(&x, &dy, &shape, Precision::Bf16, &mut dw));
        let (scale, shift) = (values(channels), values(channels));
        let layer = GroupNorm { batch: 16, groups: 8, weight: &scale, bias: &shift, epsilon: 1e-5, activation: Activation::Silu };
        report(&format!("group norm, SiLU {channels}"), 0.0, || group_norm(&x, &layer, &mut out));
        let (mut d_weight, mut d_bias) = (vec![0.0; channels], vec![0.0; channels]);
        report(&format!("group norm, SiLU, backward {channels}"), 0.0, || {
            group_norm_backward(&x, &layer, &dy, &mut out, (&mut d_weight, &mut d_bias));
        });
    }
}

fn attentions() {
    for (batch, heads, tokens, head_dimension) in [(16, 5, 352, 64), (1, 8, 1024, 64)] {
        let shape = AttentionShape {
            batch,
            heads,
            key_value_heads: heads,
            query_length: tokens,
            key_length: tokens,
            head_dimension,
            scale: 0.125,
            mask: Mask::None,
        };
        let count = batch * tokens * heads * head_dimension;
        let (q, k, v, mut out) = (values(count), values(count), values(count), vec![0.0; count]);
        let flops = 4.0 * (count * tokens) as f64;
        report(&format!("attention {batch}x{heads}x{tokens}x{head_dimension} bf16"), flops, || {
            attention(&q, &k, &v, (&shape, Precision::Bf16), &mut out);
        });
        let (mut dq, mut dk, mut dv) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        report(&format!("attention backward {batch}x{heads}x{tokens}"), 2.5 * flops, || {
            let operands = AttentionOperands { q: &q, k: &k, v: &v };
            attention_backward(&operands, &out, (&shape, Precision::Bf16), (&mut dq, &mut dk, &mut dv));
        });
        black_box((&dq, &dk, &dv));
    }
}

fn norms() {
    let (rows, channels) = (5632, 320);
    let (x, dy, weight) = (values(rows * channels), values(rows * channels), values(channels));
    let (mut out, mut d_weight) = (vec![0.0; x.len()], vec![0.0; channels]);
    let layer = Norm { kind: NormKind::Rms, channels, weight: Some(&weight), bias: None, modulation: None, epsilon: 1e-6 };
    report("RMS norm 5632x320", 0.0, || norm(&x, &layer, &mut out));
    report("RMS norm backward", 0.0, || {
        norm_backward(&x, &layer, &dy, &mut out, NormGradients { weight: Some(&mut d_weight), ..NormGradients::default() });
    });
    report("SiLU 5632x320", 0.0, || kernels::elementwise::activation(&x, Activation::Silu, &mut out));
    report("gated unit 5632x320", 0.0, || kernels::elementwise::gated_unit(&x, &dy, Activation::Silu, &mut out));
}
