//! Convolutions and both of their gradients equal plain loops in f64, at strides, paddings and channel counts that tile badly.
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::{Activation, Elements, Precision};
use kernels::gemm::Epilogue;
use kernels::reference::{self, assert_close, rounded, values};
use proptest::prelude::*;

fn check(shape: &ConvShape, precision: Precision) {
    let what = format!("{shape:?} {precision:?}");
    let x = values(shape.batch * shape.height * shape.width * shape.in_channels, 1);
    let weight = values(shape.out_channels * shape.patch(), 2);
    let dy = values(shape.out_pixels() * shape.out_channels, 3);
    let bias = values(shape.out_channels, 4);
    let (wide_x, wide_weight, wide_dy) = (rounded(&x, precision), rounded(&weight, precision), rounded(&dy, precision));

    let filter = PackedFilter::pack(&Elements::F32(&weight), (shape.out_channels, shape.in_channels, shape.kernel), precision);
    let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Silu, ..Epilogue::default() };
    let mut out = vec![f32::NAN; dy.len()];
    conv2d(&x, &filter, shape, &epilogue, &mut out);
    let want = reference::finish(&reference::conv2d(&wide_x, &wide_weight, shape), shape.out_channels, &epilogue, &[]);
    assert_close(&out, &want, 2e-5, &what);

    let mut dx = vec![f32::NAN; x.len()];
    conv2d_input_gradient(&dy, &weight, shape, precision, &mut dx);
    assert_close(&dx, &reference::conv2d_input_gradient(&wide_dy, &wide_weight, shape), 2e-5, &format!("dx of {what}"));

    // The weight gradient adds to what is there.
    let mut dw = values(weight.len(), 5);
    let mut want = reference::conv2d_weight_gradient(&wide_x, &wide_dy, shape);
    want.iter_mut().zip(&dw).for_each(|(want, old)| *want += f64::from(*old));
    conv2d_weight_gradient(&x, &dy, shape, precision, &mut dw);
    assert_close(&dw, &want, 1e-4, &format!("dw of {what}"));
}

fn shape(batch: usize, (height, width): (usize, usize), (inputs, outputs): (usize, usize), kernel: usize, stride: usize) -> ConvShape {
    let side = kernel / 2;
    let padding = Padding { top: side, left: side, bottom: side, right: side };
    ConvShape { batch, height, width, in_channels: inputs, out_channels: outputs, kernel, stride, padding }
}

#[test]
fn shapes_that_bit_others() {
    for precision in [Precision::F32, Precision::Bf16] {
        for case in [
            shape(1, (1, 1), (1, 1), 1, 1),
            shape(1, (1, 1), (1, 1), 3, 1),
            shape(2, (7, 7), (7, 7), 3, 1),
            shape(2, (5, 9), (3, 65), 3, 1),
            shape(1, (13, 11), (17, 5), 1, 1),
            shape(3, (8, 6), (16, 16), 3, 2),
            shape(1, (9, 7), (5, 3), 3, 2),
            shape(1, (6, 6), (4, 130), 1, 2),
            // More pixels than one part of the weight gradient.
            shape(3, (37, 29), (3, 7), 3, 1),
            // The encoder's downsampling: padding on the far sides only.
            ConvShape { padding: Padding { bottom: 1, right: 1, ..Padding::default() }, ..shape(2, (8, 10), (6, 5), 3, 2) },
            ConvShape { padding: Padding::default(), ..shape(1, (5, 6), (2, 3), 3, 1) },
            ConvShape { padding: Padding { top: 2, left: 0, bottom: 1, right: 3 }, ..shape(1, (4, 5), (2, 3), 3, 2) },
        ] {
            check(&case, precision);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_shape(
        batch in 1_usize..4, height in 1_usize..12, width in 1_usize..12, inputs in 1_usize..20, outputs in 1_usize..80,
        kernel in 1_usize..4, stride in 1_usize..3, pads in (0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3), bf16: bool,
    ) {
        let padding = Padding { top: pads.0, left: pads.1, bottom: pads.2, right: pads.3 };
        let shape = ConvShape { batch, height, width, in_channels: inputs, out_channels: outputs, kernel, stride, padding };
        prop_assume!(height + pads.0 + pads.2 >= kernel && width + pads.1 + pads.3 >= kernel);
        check(&shape, if bf16 { Precision::Bf16 } else { Precision::F32 });
    }
}
