//! Convolutions of 8-bit integers are those of the scalar twin bit for bit, with every instruction set, number of threads and
//! neighbours, and however the picture is cut.
use kernels::conv::{ConvShape, Padding};
use kernels::dispatch::{Int8Level, int8_level};
use kernels::element::Activation;
use kernels::gemm::{Accumulate, Epilogue};
use kernels::int8::{ChannelSteps, QuantizedFilter, conv2d, conv2d_at};
use kernels::pool::{set_threads, threads};
use kernels::reference::{IntegerFilter, quantized_convolution, values};
use proptest::prelude::*;

const LEVELS: [Int8Level; 3] = [Int8Level::Scalar, Int8Level::Avx2, Int8Level::Avx512Vnni];

fn levels() -> impl Iterator<Item = Int8Level> {
    LEVELS.into_iter().filter(|level| *level <= int8_level())
}

fn bits(values: &[f32]) -> Vec<u32> {
    // A sum of zero may have either sign, depending on how many zeros were added.
    values.iter().map(|value| if *value == 0.0 { 0 } else { value.to_bits() }).collect()
}

/// A bank of filters and what it is packed from.
struct Bank {
    integers: Vec<i8>,
    scales: Vec<f32>,
    steps: ChannelSteps,
    packed: QuantizedFilter,
}

impl Bank {
    /// Factors reach from those that saturate most activations to those that round all to zero.
    fn new(shape: &ConvShape, seed: u64) -> Self {
        let (outputs, inputs, kernel) = (shape.out_channels, shape.in_channels, shape.kernel);
        let integers: Vec<i8> =
            values(outputs * inputs * kernel * kernel, seed).iter().map(|value| (value * 127.0).round() as i8).collect();
        let scales: Vec<f32> = values(outputs, seed + 1).iter().map(|value| value * 1e-3).collect();
        let factors: Vec<f32> = (0..inputs).map(|input| [127.0, 60.5, 900.0, 0.1, 254.0][input % 5]).collect();
        let zeros = (0..inputs).map(|input| [128, 15, 0, 255][(input + seed as usize) % 4]).collect();
        let steps = ChannelSteps { factors, zeros };
        let packed = QuantizedFilter::from_integers(&integers, (outputs, inputs, kernel), &scales, &steps);
        Self { integers, scales, steps, packed }
    }

    fn twin(&self, x: &[f32], shape: &ConvShape) -> Vec<f32> {
        quantized_convolution(x, &IntegerFilter { values: &self.integers, scales: &self.scales, steps: &self.steps }, shape)
    }
}

fn shape(
    (batch, height, width): (usize, usize, usize),
    (inputs, outputs): (usize, usize),
    kernel: usize,
    stride: usize,
    padding: usize,
) -> ConvShape {
    let padding = Padding { top: padding, left: padding, bottom: padding, right: padding };
    ConvShape { batch, height, width, in_channels: inputs, out_channels: outputs, kernel, stride, padding }
}

fn input(shape: &ConvShape, seed: u64) -> Vec<f32> {
    let mut x = values(shape.batch * shape.height * shape.width * shape.in_channels, seed);
    // Halves of integers after the first factor: ties.
    x.iter_mut().step_by(3).for_each(|value| *value = (*value * 254.0).round() / 254.0);
    x
}

fn check(shape: &ConvShape, seed: u64) {
    let (bank, x) = (Bank::new(shape, seed), input(shape, seed + 7));
    let plain = bank.twin(&x, shape);
    let count = plain.len();
    let (bias, residual, old) = (values(shape.out_channels, seed + 3), values(count, seed + 4), values(count, seed + 5));
    let full = Epilogue {
        bias: Some(&bias),
        activation: Activation::Identity,
        gate: None,
        residual: Some(&residual),
        accumulate: if seed.is_multiple_of(2) { Accumulate::Add } else { Accumulate::Replace },
    };
    let with_all = |index: usize, value: f32| {
        let value = value + bias[index % shape.out_channels] + residual[index];
        if seed.is_multiple_of(2) { value + old[index] } else { value }
    };
    let complete: Vec<f32> = plain.iter().enumerate().map(|(index, value)| with_all(index, *value)).collect();
    for level in levels() {
        for (epilogue, expected) in [(Epilogue::default(), &plain), (full, &complete)] {
            let mut out = old.clone();
            conv2d_at(level, &x, &bank.packed, shape, &epilogue, &mut out);
            assert!(bits(&out) == bits(expected), "{shape:?}, {level:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_instruction_set_gives_the_bits_of_the_twin(
        size in (1_usize..3, 1_usize..12, 1_usize..30),
        channels in (1_usize..20, 1_usize..70),
        kernel in 1_usize..4,
        stride in 1_usize..3,
        padding in 0_usize..3,
        seed in 0_u64..1000,
    ) {
        let shape = shape(size, channels, kernel, stride, padding);
        prop_assume!(size.1 + 2 * padding >= kernel && size.2 + 2 * padding >= kernel);
        check(&shape, seed);
    }
}

#[test]
fn awkward_shapes() {
    for (size, channels, kernel, stride, padding) in [
        ((1, 1, 1), (1, 1), 1, 1, 0),
        ((1, 1, 1), (1, 1), 3, 1, 1),
        ((2, 1, 1), (5, 3), 3, 2, 1),
        ((3, 3, 3), (3, 3), 3, 1, 1),
        ((1, 4, 4), (4, 4), 3, 1, 1),
        ((1, 5, 700), (3, 2), 3, 1, 1),
        ((1, 40, 37), (17, 130), 3, 1, 1),
        ((1, 9, 9), (7, 65), 3, 2, 0),
        ((2, 2, 3), (6, 200), 2, 1, 3),
        ((1, 33, 16), (64, 48), 1, 1, 0),
    ] {
        check(&shape(size, channels, kernel, stride, padding), size.2 as u64);
    }
    let mut halving = shape((1, 8, 10), (9, 20), 3, 2, 0);
    halving.padding = Padding { top: 0, left: 0, bottom: 1, right: 1 };
    check(&halving, 4);
}

#[test]
fn without_pixels_or_outputs() {
    let bank = Bank::new(&shape((1, 4, 4), (3, 0), 3, 1, 1), 1);
    conv2d(&[1.0; 48], &bank.packed, &shape((1, 4, 4), (3, 0), 3, 1, 1), &Epilogue::default(), &mut []);
    let none = shape((0, 4, 4), (3, 2), 3, 1, 1);
    conv2d(&[], &Bank::new(&none, 1).packed, &none, &Epilogue::default(), &mut []);
}

#[test]
fn neither_threads_nor_neighbours_nor_cuts_change_a_bit() {
    let default = threads();
    let whole = shape((3, 45, 40), (21, 100), 3, 1, 1);
    let (bank, x) = (Bank::new(&whole, 1), input(&whole, 2));
    let run = |x: &[f32], shape: &ConvShape| {
        let mut out = vec![0.0; shape.out_pixels() * shape.out_channels];
        conv2d(x, &bank.packed, shape, &Epilogue::default(), &mut out);
        bits(&out)
    };
    set_threads(1);
    let alone = run(&x, &whole);
    for count in [2, 3, 7] {
        set_threads(count);
        assert!(run(&x, &whole) == alone, "{count} threads give other bits than one");
    }
    let (row, out_row) = (40 * 21, 40 * 100);
    for picture in 0..3 {
        let (of_one, out) = (&x[picture * 45 * row..][..45 * row], &alone[picture * 45 * out_row..][..45 * out_row]);
        assert!(run(of_one, &ConvShape { batch: 1, ..whole }) == out, "picture {picture} alone");
        // Rows 10 to 30 with a row of each neighbour in place of the padding.
        let strip = ConvShape { batch: 1, height: 22, padding: Padding { top: 0, bottom: 0, ..whole.padding }, ..whole };
        assert!(run(&of_one[9 * row..31 * row], &strip) == out[10 * out_row..30 * out_row], "a strip of picture {picture}");
    }
    set_threads(default);
}

#[test]
fn what_is_not_a_number_reaches_the_rows_whose_taps_it_meets() {
    let shape = shape((2, 30, 40), (5, 3), 3, 1, 1);
    let (bank, mut x) = (Bank::new(&shape, 1), input(&shape, 2));
    x[(7 * 40 + 3) * 5] = f32::NAN;
    x[((30 + 29) * 40 + 39) * 5 + 4] = f32::NEG_INFINITY;
    for level in levels() {
        let mut out = vec![0.0; shape.out_pixels() * 3];
        conv2d_at(level, &x, &bank.packed, &shape, &Epilogue::default(), &mut out);
        for (index, value) in out.iter().enumerate() {
            let row = index / (40 * 3);
            assert_eq!(value.is_nan(), [6, 7, 8, 58, 59].contains(&row), "{level:?}: row {row} holds {value}");
        }
    }
}
