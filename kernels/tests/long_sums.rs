//! Sums that are longer than a panel are interrupted and go on in the same order; results do not change with how they are cut.
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::{Activation, Elements, Precision};
use kernels::gemm::{Accumulate, Epilogue, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::pool::set_threads;
use kernels::reference::{self, assert_close, dense, values};

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|index| values[index % rows * columns + index / rows]).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn products_with_a_long_inner_dimension() {
    for (m, k, n) in [(101, 4_501, 70), (7, 2_050, 600), (1, 3_000, 17), (13, 2_049, 30)] {
        let (a, b, old) = (values(m * k, 1), values(k * n, 2), values(m * n, 3));
        let a_transposed = transposed(&a, m, k);
        for precision in PRECISIONS {
            let view = MatrixView::new(&a, m, k);
            let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), precision);
            let epilogue = Epilogue { activation: Activation::Silu, accumulate: Accumulate::Add, ..Epilogue::default() };
            let mut out = old.clone();
            gemm(&view, &packed, &epilogue, &mut out);
            let sums = reference::matmul(&dense(&view, precision), &dense(&MatrixView::new(&b, k, n), precision), (m, k, n));
            assert_close(&out, &reference::finish(&sums, n, &epilogue, &old), 2e-4, &format!("{m}×{k}×{n} {precision:?}"));

            let mut again = old.clone();
            gemm(&MatrixView::new(&a_transposed, k, m).transposed(), &packed, &epilogue, &mut again);
            assert_eq!(bits(&out), bits(&again), "{m}×{k}×{n} {precision:?}: a transposed view");

            let row = m / 2;
            let mut alone = old[row * n..(row + 1) * n].to_vec();
            gemm(&MatrixView::new(&a[row * k..(row + 1) * k], 1, k), &packed, &epilogue, &mut alone);
            assert_eq!(bits(&out[row * n..(row + 1) * n]), bits(&alone), "{m}×{k}×{n} {precision:?}: a row alone");

            let column = PackedMatrix::pack(&MatrixView::strided(Elements::F32(&b[n - 1..]), (k, 1), (n, 1)), precision);
            let mut alone: Vec<f32> = old.chunks_exact(n).map(|row| row[n - 1]).collect();
            gemm(&view, &column, &epilogue, &mut alone);
            let last: Vec<f32> = out.chunks_exact(n).map(|row| row[n - 1]).collect();
            assert_eq!(bits(&last), bits(&alone), "{m}×{k}×{n} {precision:?}: a column alone");
        }
    }
}

#[test]
fn convolutions_of_many_bands() {
    for (channels, stride) in [((3, 16), 1), ((16, 20), 2), ((70, 68), 1)] {
        let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
        let (inputs, outputs) = channels;
        let shape = ConvShape { batch: 3, height: 37, width: 45, in_channels: inputs, out_channels: outputs, kernel: 3, stride, padding };
        let x = values(shape.batch * shape.height * shape.width * inputs, 1);
        let (weight, dy) = (values(outputs * shape.patch(), 2), values(shape.out_pixels() * outputs, 3));
        for precision in PRECISIONS {
            let run = |threads: usize, shape: &ConvShape, x: &[f32], dy: &[f32]| {
                set_threads(threads);
                let filter = PackedFilter::pack(&Elements::F32(&weight), (outputs, inputs, 3), precision);
                let (mut out, mut dx, mut dw) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()], vec![0.0; weight.len()]);
                conv2d(x, &filter, shape, &Epilogue::default(), &mut out);
                conv2d_input_gradient(dy, &weight, shape, precision, &mut dx);
                conv2d_weight_gradient(x, dy, shape, precision, &mut dw);
                [bits(&out), bits(&dx), bits(&dw)]
            };
            let all = run(1, &shape, &x, &dy);
            assert_eq!(all, run(2, &shape, &x, &dy), "two threads");
            assert_eq!(all, run(5, &shape, &x, &dy), "five threads");
            let (one_x, one_dy) = (x.len() / shape.batch, dy.len() / shape.batch);
            let alone = run(3, &ConvShape { batch: 1, ..shape }, &x[one_x..2 * one_x], &dy[one_dy..2 * one_dy]);
            assert_eq!(all[0][one_dy..2 * one_dy], alone[0], "a picture alone");
            assert_eq!(all[1][one_x..2 * one_x], alone[1], "a picture's gradient alone");
        }
    }
}
