//! Elementwise functions, their gradients, and the ordered sums.
use kernels::element::Activation;
use kernels::elementwise::{self, activation, activation_backward, gated_unit, gated_unit_backward};
use kernels::reference::{self, assert_close, numeric_gradient, values, wide};

const ACTIVATIONS: [Activation; 4] = [Activation::Identity, Activation::Silu, Activation::GeluErf, Activation::GeluTanh];

/// Every size class: nothing, one, tails, more than one part.
const SIZES: [usize; 5] = [0, 1, 37, 16_384, 40_007];

fn spread(count: usize, seed: u64) -> Vec<f32> {
    values(count, seed).iter().map(|value| value * 9.0).collect()
}

fn slope(function: Activation, x: f64) -> f64 {
    numeric_gradient(&[x], |x| reference::activation(function, x[0]))[0]
}

#[test]
fn activations_and_slopes() {
    for function in ACTIVATIONS {
        for size in SIZES {
            let (x, dy) = (spread(size, 1), values(size, 2));
            let (mut out, mut dx) = (vec![f32::NAN; size], vec![f32::NAN; size]);
            activation(&x, function, &mut out);
            let want: Vec<f64> = wide(&x).iter().map(|x| reference::activation(function, *x)).collect();
            assert_close(&out, &want, 2e-6, &format!("{function:?}"));
            activation_backward(&x, &dy, function, &mut dx);
            let want: Vec<f64> = wide(&x).iter().zip(&dy).map(|(x, dy)| slope(function, *x) * f64::from(*dy)).collect();
            assert_close(&dx, &want, 4e-6, &format!("slope of {function:?}"));
        }
    }
}

#[test]
fn activations_far_out_stay_finite() {
    let x = [-1e30_f32, -200.0, -88.0, -30.0, 30.0, 88.0, 200.0, 1e30];
    for function in ACTIVATIONS {
        let (mut out, mut dx) = ([f32::NAN; 8], [f32::NAN; 8]);
        activation(&x, function, &mut out);
        activation_backward(&x, &[1.0; 8], function, &mut dx);
        for (x, out) in x.iter().zip(out) {
            let want = if function == Activation::Identity || *x > 0.0 { *x } else { 0.0 };
            assert!((out - want).abs() <= 1e-6 * (1.0 + want.abs()), "{function:?}({x}) = {out}");
        }
        assert!(dx.iter().all(|slope| slope.is_finite()), "{function:?}: {dx:?}");
    }
}

#[test]
fn gated_units() {
    for function in ACTIVATIONS {
        for size in SIZES {
            let (gate, up, dy) = (spread(size, 1), values(size, 2), values(size, 3));
            let (mut out, mut d_gate, mut d_up) = (vec![f32::NAN; size], vec![f32::NAN; size], vec![f32::NAN; size]);
            gated_unit(&gate, &up, function, &mut out);
            gated_unit_backward(&gate, &up, &dy, function, (&mut d_gate, &mut d_up));
            let (gate, up, dy) = (wide(&gate), wide(&up), wide(&dy));
            let each = |term: &dyn Fn(usize) -> f64| (0..size).map(term).collect::<Vec<_>>();
            assert_close(&out, &each(&|i| reference::activation(function, gate[i]) * up[i]), 2e-6, "gated unit");
            assert_close(&d_gate, &each(&|i| dy[i] * up[i] * slope(function, gate[i])), 4e-6, "gradient of the gate");
            assert_close(&d_up, &each(&|i| dy[i] * reference::activation(function, gate[i])), 2e-6, "gradient of the value");
        }
    }
}

#[test]
fn exponential_is_exact_to_single_precision() {
    let x: Vec<f32> = (-870..=880).map(|i| i as f32 / 10.0).collect();
    let mut out = vec![0.0; x.len()];
    elementwise::exponential(&x, &mut out);
    for (x, out) in x.iter().zip(out) {
        let want = f64::from(*x).exp();
        assert!((f64::from(out) / want - 1.0).abs() < 3e-7, "exp({x}) = {out}, not {want}");
    }
}

#[test]
fn maps_and_sums() {
    for size in SIZES {
        let (x, y) = (values(size, 1), values(size, 2));
        let (wide_x, wide_y) = (wide(&x), wide(&y));
        let mut out = vec![f32::NAN; size];
        elementwise::map(&x, &mut out, |x| x * 2.0 + 1.0);
        assert_close(&out, &wide_x.iter().map(|x| x * 2.0 + 1.0).collect::<Vec<_>>(), 1e-6, "map");
        elementwise::zip_map(&x, &y, &mut out, |x, y| x - y);
        assert_close(&out, &wide_x.iter().zip(&wide_y).map(|(x, y)| x - y).collect::<Vec<_>>(), 1e-6, "zip_map");
        let mut sum = x.clone();
        elementwise::add_scaled(&mut sum, 0.5, &y);
        assert_close(&sum, &wide_x.iter().zip(&wide_y).map(|(x, y)| x + 0.5 * y).collect::<Vec<_>>(), 1e-6, "add_scaled");
        let (total, squares) = (wide_x.iter().sum::<f64>(), wide_x.iter().map(|x| x * x).sum::<f64>());
        assert!((elementwise::total(&x) - total).abs() < 1e-5 * (1.0 + size as f64).sqrt(), "total");
        assert!((elementwise::sum_of_squares(&x) - squares).abs() < 1e-6 * (1.0 + squares), "sum of squares");
    }
}

#[test]
fn rows_and_groups() {
    for (rows, columns, rows_per_group) in [(1_usize, 1, 1), (6, 5, 3), (7, 33, 7), (200, 3, 100), (64, 65, 64), (130, 2, 65)] {
        let groups = rows.div_ceil(rows_per_group);
        let (x, y, factors, old) =
            (values(rows * columns, 1), values(rows * columns, 2), values(groups * columns, 3), values(groups * columns, 4));
        let mut out = vec![f32::NAN; x.len()];
        elementwise::multiply_by_group(&x, &factors, (columns, rows_per_group), &mut out);
        let factor = |i: usize| f64::from(factors[i / columns / rows_per_group * columns + i % columns]);
        assert_close(&out, &(0..x.len()).map(|i| f64::from(x[i]) * factor(i)).collect::<Vec<_>>(), 1e-6, "multiply_by_group");

        let grouped = |term: &dyn Fn(usize) -> f64| {
            let mut sums = wide(&old);
            (0..x.len()).for_each(|i| sums[i / columns / rows_per_group * columns + i % columns] += term(i));
            sums
        };
        let mut sums = old.clone();
        elementwise::sum_rows(&x, (columns, rows_per_group), &mut sums);
        assert_close(&sums, &grouped(&|i| f64::from(x[i])), 1e-5, "sum_rows");
        sums.copy_from_slice(&old);
        elementwise::sum_row_products(&x, &y, (columns, rows_per_group), &mut sums);
        assert_close(&sums, &grouped(&|i| f64::from(x[i]) * f64::from(y[i])), 1e-5, "sum_row_products");
    }
}
