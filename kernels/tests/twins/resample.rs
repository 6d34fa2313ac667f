//! Upsampling, its transpose, and permutations move every value where they should.
use kernels::reference::values;
use kernels::resample::{permute, upsample_nearest_2x, upsample_nearest_2x_backward};
use proptest::prelude::*;

#[test]
fn upsampling_and_its_transpose() {
    for (batch, height, width, channels) in [(1, 1, 1, 1), (2, 3, 5, 7), (3, 3, 3, 3), (1, 4, 2, 16)] {
        let x = values(batch * height * width * channels, 1);
        let mut out = vec![f32::NAN; 4 * x.len()];
        upsample_nearest_2x(&x, (batch, height, width, channels), &mut out);
        let source = |index: usize| {
            let (channel, pixel) = (index % channels, index / channels);
            let (column, line) = (pixel % (2 * width), pixel / (2 * width));
            let (row, picture) = (line % (2 * height), line / (2 * height));
            ((picture * height + row / 2) * width + column / 2) * channels + channel
        };
        for (index, value) in out.iter().enumerate() {
            assert_eq!(*value, x[source(index)]);
        }
        let dy = values(out.len(), 2);
        let mut want = vec![0.0_f64; x.len()];
        dy.iter().enumerate().for_each(|(index, dy)| want[source(index)] += f64::from(*dy));
        let mut dx = vec![f32::NAN; x.len()];
        upsample_nearest_2x_backward(&dy, (batch, height, width, channels), &mut dx);
        kernels::reference::assert_close(&dx, &want, 1e-6, "transpose of upsampling");
    }
}

proptest! {
    #[test]
    fn permutations(shape in proptest::collection::vec(1_usize..6, 1..6), seed: u64) {
        let mut order: Vec<usize> = (0..shape.len()).collect();
        let mut state = seed;
        for i in (1..order.len()).rev() {
            order.swap(i, (state % (i as u64 + 1)) as usize);
            state /= 7;
        }
        let count: usize = shape.iter().product();
        let x = values(count, seed);
        let mut out = vec![f32::NAN; count];
        permute(&x, &shape, &order, &mut out);
        let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        for (index, value) in out.iter().enumerate() {
            let mut position = vec![0; shape.len()];
            let mut rest = index;
            for axis in (0..shape.len()).rev() {
                position[order[axis]] = rest % sizes[axis];
                rest /= sizes[axis];
            }
            let source = position.iter().zip(&shape).fold(0, |at, (position, size)| at * size + position);
            prop_assert_eq!(*value, x[source]);
        }
    }
}

#[test]
fn a_permutation_of_nothing() {
    permute(&[], &[0, 3], &[1, 0], &mut []);
    let mut out = [0.0];
    permute(&[5.0], &[], &[], &mut out);
    assert_eq!(out, [5.0]);
}
