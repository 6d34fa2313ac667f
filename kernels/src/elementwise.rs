//! Elementwise functions and ordered sums. Every function splits its work over the pool at fixed boundaries.

use crate::element::Activation;
use crate::pool::parallel_for;
use crate::shared::SharedSlice;
use crate::vectorise::vectorised;

/// Values of one task: large enough to outweigh handing it out, small enough to stay in L2.
pub(crate) const CHUNK: usize = 16_384;
/// Partial sums that are added separately, so that the compiler may vectorise without reordering anything at run time.
const LANES: usize = 16;

/// Calls `task(first, length)` on the pool for consecutive parts of `count` values.
pub(crate) fn parallel_parts(count: usize, part: usize, task: &(dyn Fn(usize, usize) + Sync)) {
    parallel_for(count.div_ceil(part), &|index| task(index * part, part.min(count - index * part)));
}

/// Sum of `values` in a fixed order: sixteen lanes, then the lanes.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    sum_by(values, |value| value)
}

/// Sum of `term(value)` in a fixed order.
#[inline(always)]
pub(crate) fn sum_by(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += term(*value);
    }
    lanes.iter().sum()
}

/// Sum of `a · b` in a fixed order.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (left, right) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (left_rest, right_rest) = (left.remainder(), right.remainder());
    for (a, b) in left.zip(right) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane += a * b;
    }
    lanes.iter().sum()
}

vectorised! {
    pub(crate) fn map_activation(x: &[f32], activation: Activation, out: &mut [f32]) {
        match activation {
            Activation::Identity => out.copy_from_slice(x),
            Activation::Silu => for (out, x) in out.iter_mut().zip(x) { *out = Activation::Silu.apply(*x); },
            Activation::GeluErf => for (out, x) in out.iter_mut().zip(x) { *out = Activation::GeluErf.apply(*x); },
            Activation::GeluTanh => for (out, x) in out.iter_mut().zip(x) { *out = Activation::GeluTanh.apply(*x); },
        }
    }

    pub(crate) fn map_activation_backward(x: &[f32], dy: &[f32], activation: Activation, dx: &mut [f32]) {
        match activation {
            Activation::Identity => dx.copy_from_slice(dy),
            Activation::Silu => for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) { *dx = dy * Activation::Silu.derivative(*x); },
            Activation::GeluErf => for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) { *dx = dy * Activation::GeluErf.derivative(*x); },
            Activation::GeluTanh => for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) { *dx = dy * Activation::GeluTanh.derivative(*x); },
        }
    }

    fn map_exponential(x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) { *out = crate::element::exponential(*x); }
    }

    /// Adds whole or partial repetitions of columns.
    pub(crate) fn add_columns(x: &[f32], sums: &mut [f32]) {
        for x in x.chunks(sums.len()) { for (sum, x) in sums.iter_mut().zip(x) { *sum += x; } }
    }

    fn add_column_products(x: &[f32], y: &[f32], sums: &mut [f32]) {
        for (x, y) in x.chunks(sums.len()).zip(y.chunks(sums.len())) { for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) { *sum += x * y; } }
    }

    fn part_sum_of_squares(x: &[f32]) -> f32 { sum_by(x, |value| value * value) }

    fn part_sum(x: &[f32]) -> f32 { sum(x) }
}

/// Shared by the one- and two-operand loops below.
fn map_parts(out: &mut [f32], task: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    let count = out.len();
    let shared = SharedSlice::new(out);
    parallel_parts(count, CHUNK, &|first, length| {
        // SAFETY: parts are disjoint.
        task(first, unsafe { shared.range(first, length) });
    });
}

/// `out = activation(x)`.
pub fn activation(x: &[f32], activation: Activation, out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    map_parts(out, &|first, out| map_activation(&x[first..first + out.len()], activation, out));
}

/// `dx = dy * activation'(x)`.
pub fn activation_backward(x: &[f32], dy: &[f32], activation: Activation, dx: &mut [f32]) {
    assert!(x.len() == dx.len() && dy.len() == dx.len());
    map_parts(dx, &|first, dx| {
        let range = first..first + dx.len();
        map_activation_backward(&x[range.clone()], &dy[range], activation, dx);
    });
}

/// `out = activation(gate) * up`.
pub fn gated_unit(gate: &[f32], up: &[f32], activation: Activation, out: &mut [f32]) {
    assert!(gate.len() == out.len() && up.len() == out.len());
    map_parts(out, &|first, out| {
        let range = first..first + out.len();
        map_activation(&gate[range.clone()], activation, out);
        for (out, up) in out.iter_mut().zip(&up[range]) {
            *out *= up;
        }
    });
}

/// Gradients of [`gated_unit`]: `d_gate = dy * up * activation'(gate)`, `d_up = dy * activation(gate)`.
pub fn gated_unit_backward(gate: &[f32], up: &[f32], dy: &[f32], activation: Activation, (d_gate, d_up): (&mut [f32], &mut [f32])) {
    assert!(gate.len() == dy.len() && up.len() == dy.len() && d_up.len() == dy.len() && d_gate.len() == dy.len());
    let shared = SharedSlice::new(d_up);
    map_parts(d_gate, &|first, d_gate| {
        let range = first..first + d_gate.len();
        let (gate, up, dy) = (&gate[range.clone()], &up[range.clone()], &dy[range]);
        // SAFETY: the same disjoint parts as of `d_gate`.
        let d_up = unsafe { shared.range(first, dy.len()) };
        map_activation_backward(gate, dy, activation, d_gate);
        for (d_gate, up) in d_gate.iter_mut().zip(up) {
            *d_gate *= up;
        }
        map_activation(gate, activation, d_up);
        for (d_up, dy) in d_up.iter_mut().zip(dy) {
            *d_up *= dy;
        }
    });
}

/// `out = exp(x)`, clamped to what f32 can hold.
pub fn exponential(x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    map_parts(out, &|first, out| map_exponential(&x[first..first + out.len()], out));
}

/// `out = function(x)`, for functions of a few arithmetic operations.
pub fn map(x: &[f32], out: &mut [f32], function: impl Fn(f32) -> f32 + Sync) {
    assert_eq!(x.len(), out.len());
    map_parts(out, &|first, out| {
        for (out, x) in out.iter_mut().zip(&x[first..]) {
            *out = function(*x);
        }
    });
}

/// `out = function(a, b)`, for functions of a few arithmetic operations.
pub fn zip_map(a: &[f32], b: &[f32], out: &mut [f32], function: impl Fn(f32, f32) -> f32 + Sync) {
    assert!(a.len() == out.len() && b.len() == out.len());
    map_parts(out, &|first, out| {
        for ((out, a), b) in out.iter_mut().zip(&a[first..]).zip(&b[first..]) {
            *out = function(*a, *b);
        }
    });
}

/// `y += factor * x`.
pub fn add_scaled(y: &mut [f32], factor: f32, x: &[f32]) {
    assert_eq!(x.len(), y.len());
    map_parts(y, &|first, y| {
        for (y, x) in y.iter_mut().zip(&x[first..]) {
            *y += factor * x;
        }
    });
}

/// Sum of squares in a fixed order, in f64 across parts.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    ordered_sum(x, part_sum_of_squares)
}

/// Sum in a fixed order, in f64 across parts.
pub fn total(x: &[f32]) -> f64 {
    ordered_sum(x, part_sum)
}

fn ordered_sum(x: &[f32], part: fn(&[f32]) -> f32) -> f64 {
    let mut sums = vec![0.0_f32; x.len().div_ceil(CHUNK)];
    let shared = SharedSlice::new(&mut sums);
    parallel_parts(x.len(), CHUNK, &|first, length| {
        // SAFETY: one value for each part.
        let slot = unsafe { shared.range(first / CHUNK, 1) };
        slot[0] = part(&x[first..first + length]);
    });
    sums.iter().map(|sum| f64::from(*sum)).sum()
}

/// `out[r, c] = x[r, c] * factors[r / rows_per_group, c]`; `x [rows, columns]`, `factors [groups, columns]`.
pub fn multiply_by_group(x: &[f32], factors: &[f32], (columns, rows_per_group): (usize, usize), out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    let rows = x.len() / columns.max(1);
    let shared = SharedSlice::new(out);
    parallel_parts(rows, (CHUNK / columns.max(1)).max(1), &|first, count| {
        for row in first..first + count {
            // SAFETY: rows are disjoint.
            let out = unsafe { shared.range(row * columns, columns) };
            let factors = &factors[row / rows_per_group * columns..][..columns];
            for ((out, x), factor) in out.iter_mut().zip(&x[row * columns..]).zip(factors) {
                *out = x * factor;
            }
        }
    });
}

/// Adds to `out [groups, columns]` what `add(first value, values, sums)` makes of each part of a group's rows. One group of many rows is
/// split at fixed boundaries; `sums` repeats the columns so that loops over few of them are long.
fn reduce_rows(rows: usize, (columns, rows_per_group): (usize, usize), out: &mut [f32], add: &(dyn Fn(usize, usize, &mut [f32]) + Sync)) {
    const PART_ROWS: usize = 64;
    if rows == 0 || columns == 0 {
        return;
    }
    let parts_per_group = rows_per_group.div_ceil(PART_ROWS);
    let groups = rows.div_ceil(rows_per_group);
    let mut partial = vec![0.0_f32; groups * parts_per_group * columns];
    let shared = SharedSlice::new(&mut partial);
    parallel_for(groups * parts_per_group, &|part| {
        let first = part / parts_per_group * rows_per_group + part % parts_per_group * PART_ROWS;
        let end = (first + PART_ROWS).min((part / parts_per_group + 1) * rows_per_group).min(rows);
        // SAFETY: parts are disjoint.
        let target = unsafe { shared.range(part * columns, columns) };
        if first < end {
            let mut sums = vec![0.0; columns * repeats(columns)];
            add(first * columns, (end - first) * columns, &mut sums);
            target.copy_from_slice(&fold(&sums, columns));
        }
    });
    for (part, sums) in partial.chunks_exact(columns).enumerate() {
        for (out, sum) in out[part / parts_per_group * columns..].iter_mut().zip(sums) {
            *out += sum;
        }
    }
}

/// How often a row of `columns` values is repeated, so that one step covers whole vectors of sixteen and pays for its ends.
pub(crate) fn repeats(columns: usize) -> usize {
    const STEP: usize = 128;
    let vectors = 16 >> columns.trailing_zeros().min(4);
    STEP.div_ceil(columns * vectors) * vectors
}

/// Sums of the columns that `sums` repeats.
pub(crate) fn fold(sums: &[f32], columns: usize) -> Vec<f32> {
    let mut folded = vec![0.0; columns];
    for sums in sums.chunks_exact(columns) {
        folded.iter_mut().zip(sums).for_each(|(folded, sum)| *folded += sum);
    }
    folded
}

/// Adds to `out [groups, columns]` the sum over each group's rows of `x [rows, columns]`.
pub fn sum_rows(x: &[f32], size: (usize, usize), out: &mut [f32]) {
    reduce_rows(x.len() / size.0.max(1), size, out, &|first, length, sums| add_columns(&x[first..][..length], sums));
}

/// Adds to `out [groups, columns]` the sum over each group's rows of `x * y`.
pub fn sum_row_products(x: &[f32], y: &[f32], size: (usize, usize), out: &mut [f32]) {
    reduce_rows(x.len() / size.0.max(1), size, out, &|first, length, sums| {
        add_column_products(&x[first..][..length], &y[first..][..length], sums);
    });
}
