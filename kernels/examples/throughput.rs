//! Prints GFLOP/s of the kernels that carry the work.
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::{Elements, Precision};
use kernels::gemm::{Epilogue, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};
use std::time::Instant;

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}

fn report(name: &str, flops: f64, mut run: impl FnMut()) {
    run();
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<44} {:>8.1} GFLOP/s {:>8.2} ms", flops / best / 1e9, best * 1e3);
}

fn main() {
    for (m, k, n) in [(1024, 2048, 2048), (5632, 320, 1280), (5632, 1280, 320)] {
        let (a, b, mut out) = (values(m * k), values(k * n), vec![0.0; m * n]);
        for precision in [Precision::Bf16, Precision::F32] {
            let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), precision);
            let flops = 2.0 * m as f64 * k as f64 * n as f64;
            report(&format!("gemm {m}x{k}x{n} {precision:?}"), flops, || {
                gemm(&MatrixView::new(&a, m, k), &packed, &Epilogue::default(), &mut out)
            });
        }
    }
    let (rows, inputs, outputs) = (5632, 320, 1280);
    let (x, dy, mut dw) = (values(rows * inputs), values(rows * outputs), vec![0.0; inputs * outputs]);
    report("weight gradient 1280x320, k=5632, with packing", 2.0 * (rows * inputs * outputs) as f64, || {
        let packed = PackedMatrix::pack(&MatrixView::new(&x, rows, inputs), Precision::Bf16);
        gemm(&MatrixView::new(&dy, rows, outputs).transposed(), &packed, &Epilogue::default(), &mut dw);
    });
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
        report("  input gradient", flops, || conv2d_input_gradient(&dy, &weight, &shape, Precision::Bf16, &mut out));
        report("  weight gradient", flops, || conv2d_weight_gradient(&x, &dy, &shape, Precision::Bf16, &mut dw));
    }
}
