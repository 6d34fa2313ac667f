//! Shapes that do not fit end in `Error::Shape`, never in a panic.
use super::{packed, random};
use engine::{
    Activation, Attention, AttentionMask, Conv, Device, Error, GroupNorm, Linear, Modulation, Norm, NormKind, Padding, Result, Tensor,
    WeightKind,
};

/// Every operation refuses operands that do not fit.
pub fn check_misfits(device: &Device) {
    let tensor = |shape: &[usize]| random(shape, 1, device);
    let matrix = packed(WeightKind::Linear { outputs: 4, inputs: 3 }, 2, device);
    let filter = packed(WeightKind::Conv { outputs: 4, inputs: 3, kernel: 3 }, 2, device);
    let (five, three) = (tensor(&[5]), tensor(&[3]));
    let picture = tensor(&[1, 2, 2, 3]);
    let conv = Conv { weight: &filter, bias: None, stride: 1, padding: Padding::same(1), residual: None };
    let norm = Norm { kind: NormKind::Rms, weight: None, bias: None, modulation: None, epsilon: 1e-6 };
    let group = GroupNorm { groups: 2, weight: &three, bias: &three, epsilon: 1e-6, activation: Activation::Identity };
    let heads = tensor(&[1, 2, 3, 4]);
    let attend = |mask| Attention { scale: 1.0, mask };
    let refused: Vec<(&str, Result<Tensor>)> = vec![
        ("inputs", tensor(&[2, 5]).linear(&Linear::new(&matrix))),
        ("a filter for a matrix", tensor(&[2, 3]).linear(&Linear::new(&filter))),
        ("bias", tensor(&[2, 3]).linear(&Linear { bias: Some(&five), ..Linear::new(&matrix) })),
        ("gate", tensor(&[2, 3]).linear(&Linear { gate: Some(&five), ..Linear::new(&matrix) })),
        ("residual", tensor(&[2, 3]).linear(&Linear { residual: Some(&five), ..Linear::new(&matrix) })),
        ("a kernel larger than the picture", picture.conv2d(&Conv { padding: Padding::same(0), ..conv })),
        ("stride 0", picture.conv2d(&Conv { stride: 0, ..conv })),
        ("axes", tensor(&[2, 2, 3]).conv2d(&conv)),
        ("norm weight", tensor(&[2, 3]).norm(&Norm { weight: Some(&five), ..norm })),
        ("modulation", tensor(&[2, 3]).norm(&Norm { modulation: Some(Modulation { scale: &three, shift: None }), ..norm })),
        ("groups", picture.group_norm(&group)),
        ("no groups", picture.group_norm(&GroupNorm { groups: 0, ..group })),
        ("heads", heads.attention(&tensor(&[1, 2, 2, 4]), &tensor(&[1, 2, 2, 4]), &attend(AttentionMask::None))),
        ("lengths", heads.attention(&heads, &heads, &attend(AttentionMask::KeyLengths(&[3])))),
        ("number of lengths", heads.attention(&heads, &heads, &attend(AttentionMask::KeyLengths(&[1, 1])))),
        ("tables", heads.rotate_half(&tensor(&[3, 4]), &tensor(&[3, 4]))),
        ("odd tables", heads.rotate_half(&tensor(&[2, 3]), &tensor(&[2, 3]))),
        ("add", three.add(&five)),
        ("gated_unit", three.gated_unit(&five, Activation::Silu)),
        ("affine_channels", three.affine_channels(&five, &five)),
        ("id", tensor(&[3, 2]).embedding(&[3])),
        ("concat", Tensor::concat(&[&tensor(&[2, 3]), &tensor(&[3, 2])], 0)),
        ("concat axis", Tensor::concat(&[&three], 1)),
        ("slice", three.slice(0, 2, 2)),
        ("slice overflow", three.slice(0, 2, usize::MAX)),
        ("reshape", three.reshape(&[2, 2])),
        ("reshape overflow", three.reshape(&[usize::MAX, 5])),
        ("permute", tensor(&[2, 3]).permute(&[0, 0])),
        ("upsample", three.upsample_nearest_2x()),
        ("mean", tensor(&[0]).mean()),
        ("bf16 activations", three.to_bf16().add(&three)),
    ];
    for (what, result) in refused {
        assert!(matches!(result, Err(Error::Shape { .. })), "{what}: {result:?}");
    }
    let wrong = device.weight(device, "layer.weight", WeightKind::Linear { outputs: 2, inputs: 2 }, &three);
    assert!(matches!(wrong, Err(Error::TensorShape { name, .. }) if name == "layer.weight"));
}
