//! Moving pixels: nearest upsampling and permutations.

use crate::elementwise::parallel_parts;
use crate::shared::SharedSlice;

/// Each pixel of `x [batch, height, width, channels]` twice in both directions.
pub fn upsample_nearest_2x(x: &[f32], (batch, height, width, channels): (usize, usize, usize, usize), out: &mut [f32]) {
    assert!(x.len() == batch * height * width * channels && out.len() == 4 * x.len());
    let shared = SharedSlice::new(out);
    parallel_parts(batch * height, 1, &|row, _| {
        // SAFETY: two output rows for each input row.
        let out = unsafe { shared.range(row * 4 * width * channels, 4 * width * channels) };
        let (upper, lower) = out.split_at_mut(2 * width * channels);
        double_row(&x[row * width * channels..][..width * channels], channels, upper);
        lower.copy_from_slice(upper);
    });
}

/// Each pixel of a row of `channels` values a pixel twice.
pub fn double_row(x: &[f32], channels: usize, out: &mut [f32]) {
    assert!(out.len() == 2 * x.len() && x.len().is_multiple_of(channels.max(1)));
    for (pixel, pair) in x.chunks_exact(channels).zip(out.chunks_exact_mut(2 * channels)) {
        pair[..channels].copy_from_slice(pixel);
        pair[channels..].copy_from_slice(pixel);
    }
}

/// The transpose of [`upsample_nearest_2x`]: sums of 2 × 2 pixels. The sizes are those of the small picture.
pub fn upsample_nearest_2x_backward(dy: &[f32], (batch, height, width, channels): (usize, usize, usize, usize), dx: &mut [f32]) {
    assert!(dx.len() == batch * height * width * channels && dy.len() == 4 * dx.len());
    let shared = SharedSlice::new(dx);
    parallel_parts(batch * height, 1, &|row, _| {
        // SAFETY: rows are disjoint.
        let dx = unsafe { shared.range(row * width * channels, width * channels) };
        let (upper, lower) = dy[row * 4 * width * channels..][..4 * width * channels].split_at(2 * width * channels);
        for (column, pixel) in dx.chunks_exact_mut(channels).enumerate() {
            let pair = column * 2 * channels;
            for (channel, value) in pixel.iter_mut().enumerate() {
                let (left, right) = (pair + channel, pair + channels + channel);
                *value = upper[left] + upper[right] + lower[left] + lower[right];
            }
        }
    });
}

/// Axis `i` of the result is axis `order[i]` of `x`, whose sizes are `shape`. Runs that stay together are copied whole.
pub fn permute(x: &[f32], shape: &[usize], order: &[usize], out: &mut [f32]) {
    assert!(shape.len() == order.len() && x.len() == shape.iter().product::<usize>() && out.len() == x.len());
    if x.is_empty() || shape.is_empty() {
        out.copy_from_slice(x);
        return;
    }
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len() - 1).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    // The trailing axes that keep their place form one run.
    let mut kept = shape.len();
    while kept > 0 && order[kept - 1] == kept - 1 {
        kept -= 1;
    }
    let run: usize = shape[kept..].iter().product();
    let (inner, inner_step) = if kept == 0 { (1, 0) } else { (sizes[kept - 1], steps[kept - 1]) };
    let outer = &sizes[..kept.saturating_sub(1)];
    let shared = SharedSlice::new(out);
    let part = (crate::elementwise::CHUNK / (inner * run).max(1)).max(1);
    parallel_parts(outer.iter().product(), part, &|first, count| {
        for index in first..first + count {
            let (mut rest, mut source) = (index, 0);
            for (size, step) in outer.iter().zip(&steps).rev() {
                source += rest % size * step;
                rest /= size;
            }
            // SAFETY: outer positions are disjoint in the output.
            let out = unsafe { shared.range(index * inner * run, inner * run) };
            if run == 1 {
                for (position, out) in out.iter_mut().enumerate() {
                    *out = x[source + position * inner_step];
                }
            } else {
                for (position, out) in out.chunks_exact_mut(run).enumerate() {
                    let source = source + position * inner_step;
                    out.copy_from_slice(&x[source..source + run]);
                }
            }
        }
    });
}
