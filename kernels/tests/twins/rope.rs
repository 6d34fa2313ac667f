//! Rotary embeddings equal their formula; the backward pass equals central differences, also where the halves of the tables differ.
use kernels::reference::{self, assert_close, inner_product, numeric_gradient, values, wide};
use kernels::rope::{RopeShape, rotate_half, rotate_half_backward};

#[test]
fn rotation_and_its_transpose() {
    for (rows, table_rows, heads, dimension, rotary) in
        [(1, 1, 1, 2, 2), (6, 3, 2, 8, 8), (4, 4, 3, 10, 6), (35, 35, 1, 5, 2), (2, 1, 2, 3, 0), (33, 11, 2, 80, 80)]
    {
        let shape = RopeShape { rows, table_rows, heads, dimension, rotary };
        let (x, dy) = (values(rows * heads * dimension, 1), values(rows * heads * dimension, 2));
        let (cos, sin) = (values(table_rows * rotary, 3), values(table_rows * rotary, 4));
        let (wide_cos, wide_sin, wide_dy) = (wide(&cos), wide(&sin), wide(&dy));
        let forward = |x: &[f64]| reference::rotate_half(x, &wide_cos, &wide_sin, &shape);
        let mut out = vec![f32::NAN; x.len()];
        rotate_half(&x, &cos, &sin, &shape, &mut out);
        assert_close(&out, &forward(&wide(&x)), 1e-6, &format!("{shape:?}"));
        let mut dx = vec![f32::NAN; x.len()];
        rotate_half_backward(&dy, &cos, &sin, &shape, &mut dx);
        if x.len() > 1000 {
            // ⟨forward(x), dy⟩ = ⟨x, backward(dy)⟩.
            let difference = inner_product(&forward(&wide(&x)), &wide_dy) - inner_product(&wide(&x), &wide(&dx));
            assert!(difference.abs() < 1e-4, "{shape:?}: off by {difference}");
            continue;
        }
        let want = numeric_gradient(&wide(&x), |x| inner_product(&forward(x), &wide_dy));
        assert_close(&dx, &want, 1e-6, &format!("gradient of {shape:?}"));
    }
}
