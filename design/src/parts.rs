//! Cutting vectors into parts for threads, so that no number depends on the cut.
use kernels::pool;

/// Values in a part: enough work to hide handing it to a thread, and a part of each operand fits in a level-2 cache.
const PART: usize = 16_384;

/// Layers of nodes in a part, where a layer holds `layer` values: a function of the problem alone.
pub(crate) fn layers_in_part(layer: usize) -> usize {
    PART.div_ceil(layer.max(1))
}

/// Calls `task(first, part)` for parts of `target`, `first` being the place of the part's first value; a part is a whole number of `unit`s.
pub(crate) fn each_part(target: &mut [f64], unit: usize, task: &(dyn Fn(usize, &mut [f64]) + Sync)) {
    let length = layers_in_part(unit) * unit;
    pool::parallel_chunks_mut(target, length.max(1), &|index, part| task(index * length, part));
}

/// Sum of products of two vectors, in one order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = vec![0.0; a.len().div_ceil(PART)];
    pool::parallel_chunks_mut(&mut sums, 1, &|index, sum| {
        let range = index * PART..a.len().min((index + 1) * PART);
        sum[0] = kernels::dispatch::vectorised(
            #[inline(always)]
            || dot_part(&a[range.clone()], &b[range.clone()]),
        );
    });
    sums.iter().sum()
}

/// Sixteen running sums, so that additions need not wait for each other.
#[inline(always)]
fn dot_part(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 16];
    let (chunks_a, rest_a) = a.as_chunks::<16>();
    let (chunks_b, rest_b) = b.as_chunks::<16>();
    for (x, y) in chunks_a.iter().zip(chunks_b) {
        for lane in 0..16 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

/// `target[i] = function(target[i], source[i])`.
pub(crate) fn combine(target: &mut [f64], source: &[f64], function: impl Fn(f64, f64) -> f64 + Sync) {
    each_part(target, 1, &|first, part| {
        let source = &source[first..first + part.len()];
        kernels::dispatch::vectorised(
            #[inline(always)]
            || {
                part.iter_mut().zip(source).for_each(
                    #[inline(always)]
                    |(value, other)| *value = function(*value, *other),
                );
            },
        );
    });
}
