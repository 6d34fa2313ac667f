//! Products equal plain loops in f64 over ragged sizes, strides, offsets, operand types and epilogues.
use half::bf16;
use kernels::element::{Activation, Elements, Precision};
use kernels::gemm::{Accumulate, Epilogue, Gate, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::reference::{self, assert_close, dense, values};
use proptest::prelude::*;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// How an operand lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    Plain,
    Transposed,
    /// Rows further apart than they are long, from an offset.
    Padded,
    /// Columns apart as well.
    Spread,
    TransposedPadded,
}

const LAYOUTS: [Layout; 5] = [Layout::Plain, Layout::Transposed, Layout::Padded, Layout::Spread, Layout::TransposedPadded];

fn strides(layout: Layout, rows: usize, columns: usize) -> (usize, usize, usize) {
    match layout {
        Layout::Plain => (0, columns, 1),
        Layout::Transposed => (0, 1, rows),
        Layout::Padded => (5, columns + 3, 1),
        Layout::Spread => (2, 3 * columns + 1, 3),
        Layout::TransposedPadded => (7, 1, rows + 2),
    }
}

struct Operand {
    single: Vec<f32>,
    half: Vec<bf16>,
    strides: (usize, usize, usize),
    size: (usize, usize),
}

impl Operand {
    fn new((rows, columns): (usize, usize), layout: Layout, seed: u64) -> Self {
        let strides = strides(layout, rows, columns);
        let single = values(strides.0 + rows * strides.1 + columns * strides.2 + 1, seed);
        let half = single.iter().map(|value| bf16::from_f32(*value)).collect();
        Self { single, half, strides, size: (rows, columns) }
    }

    fn view(&self, half: bool) -> MatrixView<'_> {
        let (offset, row, column) = self.strides;
        let elements = if half { Elements::Bf16(&self.half[offset..]) } else { Elements::F32(&self.single[offset..]) };
        MatrixView::strided(elements, self.size, (row, column))
    }
}

fn check((m, k, n): (usize, usize, usize), layouts: (Layout, Layout), half: (bool, bool), precision: Precision) {
    let (a, b) = (Operand::new((m, k), layouts.0, 1), Operand::new((k, n), layouts.1, 2));
    let (a, b) = (a.view(half.0), b.view(half.1));
    let mut out = vec![f32::NAN; m * n];
    gemm(&a, &PackedMatrix::pack(&b, precision), &Epilogue::default(), &mut out);
    let want = reference::matmul(&dense(&a, precision), &dense(&b, precision), (m, k, n));
    assert_close(&out, &want, 2e-5, &format!("{m}×{k}×{n} {layouts:?} {half:?} {precision:?}"));
}

#[test]
fn sizes_that_tile_badly() {
    for precision in PRECISIONS {
        for m in [1, 2, 5, 6, 7, 13, 97] {
            for k in [0, 1, 2, 3, 31, 64] {
                for n in [1, 15, 16, 17, 33, 63, 64, 65, 130] {
                    check((m, k, n), (Layout::Plain, Layout::Plain), (false, false), precision);
                }
            }
        }
        check((0, 3, 4), (Layout::Plain, Layout::Plain), (false, false), precision);
        check((3, 4, 0), (Layout::Plain, Layout::Plain), (false, false), precision);
        check((203, 301, 211), (Layout::Plain, Layout::Plain), (false, false), precision);
    }
}

#[test]
fn every_layout_and_operand_type() {
    for precision in PRECISIONS {
        for a in LAYOUTS {
            for b in LAYOUTS {
                for half in [(false, false), (true, false), (false, true), (true, true)] {
                    check((37, 35, 71), (a, b), half, precision);
                    check((1, 1, 1), (a, b), half, precision);
                }
            }
        }
    }
}

#[test]
fn every_epilogue() {
    let (m, k, n) = (23, 19, 70);
    let (a, b) = (values(m * k, 1), values(k * n, 2));
    let (bias, gate, residual, old) = (values(n, 3), values(4 * n, 4), values(m * n, 5), values(m * n, 6));
    for precision in PRECISIONS {
        let (a, b) = (MatrixView::new(&a, m, k), MatrixView::new(&b, k, n));
        let packed = PackedMatrix::pack(&b, precision);
        let sums = reference::matmul(&dense(&a, precision), &dense(&b, precision), (m, k, n));
        for activation in [Activation::Identity, Activation::Silu, Activation::GeluErf, Activation::GeluTanh] {
            for set in 0..16_u32 {
                let epilogue = Epilogue {
                    bias: (set & 1 != 0).then_some(&bias),
                    activation,
                    gate: (set & 2 != 0).then_some(Gate { values: &gate, rows_per_group: 6 }),
                    residual: (set & 4 != 0).then_some(&residual),
                    accumulate: if set & 8 != 0 { Accumulate::Add } else { Accumulate::Replace },
                };
                let mut out = if epilogue.accumulate == Accumulate::Add { old.clone() } else { vec![f32::NAN; m * n] };
                gemm(&a, &packed, &epilogue, &mut out);
                assert_close(&out, &reference::finish(&sums, n, &epilogue, &old), 1e-5, &format!("{activation:?} {set:04b} {precision:?}"));
            }
        }
    }
}

#[test]
fn packing_again_forgets_what_was_there() {
    for precision in PRECISIONS {
        let (first, second, a) = (values(70 * 90, 1), values(7 * 5, 2), values(3 * 7, 3));
        let mut packed = PackedMatrix::pack(&MatrixView::new(&first, 70, 90), precision);
        packed.pack_into(&MatrixView::new(&second, 7, 5));
        let mut out = vec![f32::NAN; 15];
        gemm(&MatrixView::new(&a, 3, 7), &packed, &Epilogue::default(), &mut out);
        let (a, b) = (MatrixView::new(&a, 3, 7), MatrixView::new(&second, 7, 5));
        assert_close(&out, &reference::matmul(&dense(&a, precision), &dense(&b, precision), (3, 7, 5)), 1e-5, "packed again");
    }
}

#[test]
fn bfloat16_rounds_to_nearest_even_and_keeps_what_is_not_finite() {
    let cases = [1.0_f32, 1.003_906_3, 1.011_718_8, 3.4e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -0.0, 1e-45, 65_535.0];
    for value in cases {
        let packed = PackedMatrix::pack(&MatrixView::new(&[value], 1, 1), Precision::Bf16);
        let mut out = [0.0];
        gemm(&MatrixView::new(&[1.0], 1, 1), &packed, &Epilogue::default(), &mut out);
        let want = bf16::from_f32(value).to_f32();
        let flushed = if want.is_subnormal() { 0.0 } else { want };
        assert!(out[0] == flushed || (out[0].is_nan() && want.is_nan()), "{value}: {} is not {want}", out[0]);
    }
}

#[test]
#[should_panic(expected = "inner dimensions differ")]
fn sizes_that_contradict_panic() {
    let b = PackedMatrix::pack(&MatrixView::new(&[1.0; 6], 3, 2), Precision::F32);
    gemm(&MatrixView::new(&[1.0; 4], 2, 2), &b, &Epilogue::default(), &mut [0.0; 4]);
}

#[test]
#[should_panic(expected = "reaches past")]
fn a_view_outside_its_values_panics() {
    let _ = MatrixView::strided(Elements::F32(&[0.0; 11]), (3, 4), (4, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_size(m in 1_usize..120, k in 0_usize..90, n in 1_usize..150, a in 0_usize..5, b in 0_usize..5, bits in 0_u8..8) {
        let precision = PRECISIONS[usize::from(bits & 1)];
        check((m, k, n), (LAYOUTS[a], LAYOUTS[b]), (bits & 2 != 0, bits & 4 != 0), precision);
    }
}

/// Whatever instructions a processor has, the bits are those of one chain of multiply-adds, the second value of a pair first.
#[test]
fn bf16_products_are_one_chain() {
    let rounded = |values: Vec<f32>| -> Vec<f32> { values.into_iter().map(|value| bf16::from_f32(value).to_f32()).collect() };
    for (m, k, n) in [(1, 9, 70), (5, 64, 16), (6, 33, 64), (101, 130, 81), (7, 2_100, 130)] {
        let (a, b) = (rounded(values(m * k, 1)), rounded(values(k * n, 2)));
        let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), Precision::Bf16);
        let mut out = vec![f32::NAN; m * n];
        gemm(&MatrixView::new(&a, m, k), &packed, &Epilogue::default(), &mut out);
        for (index, value) in out.iter().enumerate() {
            let (row, column) = (index / n, index % n);
            let mut sum = 0.0_f32;
            for pair in (0..k).step_by(2) {
                if pair + 1 < k {
                    sum = a[row * k + pair + 1].mul_add(b[(pair + 1) * n + column], sum);
                }
                sum = a[row * k + pair].mul_add(b[pair * n + column], sum);
            }
            assert_eq!(value.to_bits(), sum.to_bits(), "({row}, {column}) of {m}×{k}×{n}: {value} and {sum}");
        }
    }
}
