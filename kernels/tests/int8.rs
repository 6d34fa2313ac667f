//! Products of 8-bit integers are those of the scalar twin bit for bit, with every instruction set, number of threads and neighbours.
use kernels::dispatch::{Int8Level, int8_level};
use kernels::element::{Activation, Elements};
use kernels::gemm::{Accumulate, Epilogue, Gate};
use kernels::int8::{MAX_K, QuantizedMatrix, gemm, gemm_at};
use kernels::matrix::MatrixView;
use kernels::pool::{set_threads, threads};
use kernels::reference::{self, values};
use proptest::prelude::*;

const LEVELS: [Int8Level; 3] = [Int8Level::Scalar, Int8Level::Avx2, Int8Level::Avx512Vnni];
const ACTIVATIONS: [Activation; 4] = [Activation::Identity, Activation::Silu, Activation::GeluErf, Activation::GeluTanh];

fn levels() -> impl Iterator<Item = Int8Level> {
    LEVELS.into_iter().filter(|level| *level <= int8_level())
}

fn bits(values: &[f32]) -> Vec<u32> {
    // A sum of zero may have either sign, depending on how many zeros were added.
    values.iter().map(|value| if *value == 0.0 { 0 } else { value.to_bits() }).collect()
}

/// `columns` holds the columns one after the other, as a linear layer stores them.
fn packed(columns: &[f32], (k, n): (usize, usize)) -> QuantizedMatrix {
    QuantizedMatrix::quantize(&MatrixView::new(columns, n, k).transposed())
}

/// Rows of very different magnitudes, with ties between integers among their values.
fn rows(m: usize, k: usize, seed: u64) -> Vec<f32> {
    let mut rows = values(m * k, seed);
    for (index, row) in rows.chunks_exact_mut(k.max(1)).enumerate() {
        let magnitude = [1.0, 1e-4, 3e5][index % 3];
        for value in row.iter_mut() {
            *value *= magnitude;
        }
        if index % 4 == 1 {
            for value in row.iter_mut() {
                *value = (*value / magnitude * 254.0).round() * 0.5;
            }
            row[0] = 127.0;
        }
    }
    rows
}

fn check(m: usize, k: usize, n: usize, seed: u64) {
    let (a, columns, old) = (rows(m, k, seed), rows(n, k, seed + 1), values(m * n, seed + 2));
    let (bias, residual) = (values(n, seed + 3), values(m * n, seed + 4));
    let rows_per_group = 1 + seed as usize % 5;
    let gate = values(m.div_ceil(rows_per_group) * n, seed + 5);
    let b = packed(&columns, (k, n));
    let full = Epilogue {
        bias: Some(&bias),
        activation: ACTIVATIONS[seed as usize % 4],
        gate: Some(Gate { values: &gate, rows_per_group }),
        residual: Some(&residual),
        accumulate: if seed.is_multiple_of(2) { Accumulate::Add } else { Accumulate::Replace },
    };
    for epilogue in [Epilogue::default(), full] {
        let expected = bits(&reference::quantized_product(&a, &columns, k, &epilogue, &old));
        for level in levels() {
            let mut out = old.clone();
            gemm_at(level, &MatrixView::new(&a, m, k), &b, &epilogue, &mut out);
            assert!(bits(&out) == expected, "{m}×{k}×{n}, {level:?}, {epilogue:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_instruction_set_gives_the_bits_of_the_twin(m in 1_usize..60, k in 1_usize..300, n in 1_usize..150, seed in 0_u64..1000) {
        check(m, k, n, seed);
    }

    #[test]
    fn rows_round_as_the_twin_does(count in 1_usize..200, magnitude in -45_i32..38, seed in 0_u64..1000) {
        let row: Vec<f32> = values(count, seed).iter().map(|value| value * 10_f32.powi(magnitude)).collect();
        let (integers, scale) = reference::quantize(&row);
        // Times the identity, a row gives its own integers.
        let identity: Vec<f32> = (0..count * count).map(|index| f32::from(u8::from(index % (count + 1) == 0))).collect();
        let mut out = vec![0.0; count];
        gemm(&MatrixView::new(&row, 1, count), &packed(&identity, (count, count)), &Epilogue::default(), &mut out);
        let expected: Vec<f32> = integers.iter().map(|integer| (integer * 127) as f32 * (1.0 / 127.0) * scale).collect();
        prop_assert_eq!(bits(&out), bits(&expected));
        for (value, back) in row.iter().zip(&out) {
            prop_assert!((value - back).abs() <= scale * 0.5001 + 1e-30, "{} became {}, a step is {}", value, back, scale);
        }
    }
}

#[test]
fn awkward_shapes() {
    for (m, k, n) in [
        (1, 1, 1),
        (1, 1, 200),
        (5, 1, 3),
        (1, 300, 64),
        (7, 4, 16),
        (13, 65, 33),
        (192, 9, 65),
        (193, 64, 64),
        (401, 66, 130),
        (1, 4_096, 70),
        (9, 4_097, 70),
        (200, 8_199, 85),
        (14, 12_300, 600),
    ] {
        check(m, k, n, (m + k + n) as u64);
    }
}

#[test]
fn the_longest_sum_of_the_largest_integers() {
    let (ones, minus) = (vec![1.0; MAX_K], vec![-1.0; MAX_K]);
    let (a, columns) = ([&ones[..], &minus].concat(), [&minus[..], &ones, &ones].concat());
    let expected = reference::quantized_product(&a, &columns, MAX_K, &Epilogue::default(), &[0.0; 6]);
    for level in levels() {
        let mut out = [0.0; 6];
        gemm_at(level, &MatrixView::new(&a, 2, MAX_K), &packed(&columns, (MAX_K, 3)), &Epilogue::default(), &mut out);
        assert_eq!(bits(&out), bits(&expected), "{level:?}");
        assert!((out[1] / MAX_K as f32 - 1.0).abs() < 1e-6 && bits(&[out[0]]) == bits(&[-out[1]]));
    }
}

#[test]
fn empty_operands() {
    let mut out = [1.0; 6];
    gemm(&MatrixView::new(&[], 2, 0), &packed(&[], (0, 3)), &Epilogue { bias: Some(&[1.0, 2.0, 3.0]), ..Epilogue::default() }, &mut out);
    assert_eq!(bits(&out), bits(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]));
    gemm(&MatrixView::new(&[], 0, 4), &packed(&[1.0; 12], (4, 3)), &Epilogue::default(), &mut []);
    gemm(&MatrixView::new(&[1.0; 8], 2, 4), &packed(&[], (4, 0)), &Epilogue::default(), &mut []);
}

#[test]
fn what_is_not_a_number_stays_in_its_row_and_column() {
    let (m, k, n) = (7, 21, 19);
    let (mut a, mut columns) = (values(m * k, 1), values(n * k, 2));
    (a[2 * k + 20], a[5 * k], columns[3 * k + 7]) = (f32::NAN, f32::NEG_INFINITY, f32::NAN);
    a[6 * k..].fill(0.0);
    for level in levels() {
        let mut out = vec![0.0; m * n];
        gemm_at(level, &MatrixView::new(&a, m, k), &packed(&columns, (k, n)), &Epilogue::default(), &mut out);
        for (index, value) in out.iter().enumerate() {
            assert_eq!(value.is_nan(), [2, 5].contains(&(index / n)) || index % n == 3, "{level:?}: value {index} is {value}");
        }
        assert!(out[6 * n..6 * n + 3].iter().all(|value| *value == 0.0));
    }
}

#[test]
fn neither_threads_nor_neighbours_nor_strides_change_a_bit() {
    let default = threads();
    for (m, k, n) in [(403, 77, 400), (20, 4_200, 300), (197, 1_301, 600), (3, 64, 900)] {
        let (a, columns, bias) = (rows(m, k, 1), rows(n, k, 2), values(n, 3));
        let b = packed(&columns, (k, n));
        let epilogue = Epilogue { bias: Some(&bias), activation: Activation::GeluTanh, ..Epilogue::default() };
        let run = |a: &MatrixView<'_>| {
            let mut out = vec![0.0; a.rows * n];
            gemm(a, &b, &epilogue, &mut out);
            bits(&out)
        };
        set_threads(1);
        let alone = run(&MatrixView::new(&a, m, k));
        for count in [2, 3, 7] {
            set_threads(count);
            assert!(run(&MatrixView::new(&a, m, k)) == alone, "{m}×{k}×{n}: {count} threads give other bits than one");
            assert_eq!(packed(&columns, (k, n)).scales(), b.scales());
        }
        for first in (0..m).step_by(37) {
            let count = (1 + first % 9).min(m - first);
            let some = run(&MatrixView::new(&a[first * k..][..count * k], count, k));
            assert!(some == alone[first * n..][..count * n], "{m}×{k}×{n}: rows {first}..+{count}");
        }
        let transposed: Vec<f32> = (0..k * m).map(|index| a[index % m * k + index / m]).collect();
        assert!(run(&MatrixView::new(&transposed, k, m).transposed()) == alone, "{m}×{k}×{n}: other strides");
    }
    set_threads(default);
}

#[test]
fn a_bf16_weight_gives_what_its_f32_values_give() {
    let (k, n) = (130, 70);
    let stored: Vec<half::bf16> = values(k * n, 1).into_iter().map(half::bf16::from_f32).collect();
    let widened: Vec<f32> = stored.iter().map(|value| value.to_f32()).collect();
    let a = values(5 * k, 2);
    let run = |b: &QuantizedMatrix| {
        let mut out = vec![0.0; 5 * n];
        gemm(&MatrixView::new(&a, 5, k), b, &Epilogue::default(), &mut out);
        bits(&out)
    };
    let narrow = QuantizedMatrix::quantize(&MatrixView::from_elements(Elements::Bf16(&stored), n, k).transposed());
    assert_eq!(run(&narrow), run(&packed(&widened, (k, n))));
    assert_eq!(narrow.bytes(), 132 * 80 + 2 * 4 * 128);
}
