//! Every adjoint agrees with central differences of the operation it belongs to.

use engine::{
    Activation, Attention, AttentionMask, Conv, Device, GroupNorm, Linear, Modulation, Norm, NormKind, Padding, Result, Tensor, Unary,
    Weight, WeightKind,
};
use spec::RunPrecision;
use trainer::autodiff::Recorder;
use trainer::random::Random;

enum Leaf {
    Tensor(Tensor),
    Weight(Weight),
}

impl Leaf {
    fn tensor(&self) -> &Tensor {
        match self {
            Self::Tensor(tensor) => tensor,
            Self::Weight(_) => panic!("a weight"),
        }
    }

    fn weight(&self) -> &Weight {
        match self {
            Self::Weight(weight) => weight,
            Self::Tensor(_) => panic!("a tensor"),
        }
    }
}

#[derive(Clone)]
enum Shape {
    Tensor(Vec<usize>),
    Weight(WeightKind),
}

fn tensor(shape: &[usize]) -> Shape {
    Shape::Tensor(shape.to_vec())
}

type Operation<'a> = &'a dyn Fn(&[Leaf]) -> Result<Tensor>;

/// Half of the distance between the two points of a central difference: rounding and curvature errors are both small there.
const HALF_STEP: f32 = 4e-3;
/// Coordinates checked per operand.
const COORDINATES: usize = 10;

/// Loss: the mean of the result times fixed random factors, so that every element of the gradient is different.
fn loss(device: &Device, shapes: &[Shape], values: &[Vec<f32>], operation: Operation<'_>) -> Result<Tensor> {
    let leaves: Vec<Leaf> = shapes
        .iter()
        .zip(values)
        .enumerate()
        .map(|(index, (shape, values))| {
            let name = format!("leaf{index}");
            Ok(match shape {
                Shape::Tensor(shape) => Leaf::Tensor(device.parameter(&name, Tensor::from_f32(values.clone(), shape, device)?)?),
                Shape::Weight(kind) => {
                    let tensor = Tensor::from_f32(values.clone(), &kind.shape(), device)?;
                    Leaf::Weight(device.weight(device, &name, *kind, &tensor)?)
                }
            })
        })
        .collect::<Result<_>>()?;
    let result = operation(&leaves)?;
    let factors = Tensor::from_f32(Random::at(9, 9, 9).normals(result.elements()), result.shape(), device)?;
    result.multiply(&factors)?.mean()
}

fn check(name: &str, shapes: &[Shape], operation: Operation<'_>) {
    check_around(name, shapes, |value| value, operation);
}

fn check_around(name: &str, shapes: &[Shape], place: impl Fn(f32) -> f32, operation: Operation<'_>) {
    let recorder = Recorder::new(RunPrecision::F32);
    let device = recorder.device();
    let values: Vec<Vec<f32>> = shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| {
            let count = match shape {
                Shape::Tensor(shape) => shape.iter().product(),
                Shape::Weight(kind) => kind.shape().iter().product(),
            };
            Random::at(7, 7, index as u64).normals(count).into_iter().map(&place).collect()
        })
        .collect();
    let value = loss(&device, shapes, &values, operation).unwrap();
    let gradients = recorder.backward(&value).unwrap();
    let cpu = Device::cpu(RunPrecision::F32);
    let at = |values: &[Vec<f32>]| f64::from(loss(&cpu, shapes, values, operation).unwrap().f32().unwrap()[0]);
    for index in 0..shapes.len() {
        let gradient = gradients.get(&format!("leaf{index}")).unwrap_or_else(|| panic!("{name}: operand {index} has no gradient"));
        assert_eq!(gradient.len(), values[index].len(), "{name}: operand {index}");
        let largest = gradient.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert!(largest > 0.0, "{name}: the gradient of operand {index} is zero");
        for coordinate in (0..values[index].len()).step_by(values[index].len().div_ceil(COORDINATES)) {
            let mut moved = values.clone();
            moved[index][coordinate] += HALF_STEP;
            let above = at(&moved);
            moved[index][coordinate] -= 2.0 * HALF_STEP;
            let difference = ((above - at(&moved)) / f64::from(2.0 * HALF_STEP)) as f32;
            let error = (difference - gradient[coordinate]).abs();
            assert!(
                error <= 0.01 * largest + 2e-5,
                "{name}: operand {index} at {coordinate}: adjoint {}, difference {difference}, largest {largest}",
                gradient[coordinate]
            );
        }
    }
}

#[test]
fn linear_with_every_epilogue() {
    let weight = Shape::Weight(WeightKind::Linear { outputs: 9, inputs: 7 });
    check("linear", &[tensor(&[2, 5, 7]), weight.clone()], &|leaves| leaves[0].tensor().linear(&Linear::new(leaves[1].weight())));
    check("linear, bias, residual", &[tensor(&[2, 5, 7]), weight.clone(), tensor(&[9]), tensor(&[2, 5, 9])], &|leaves| {
        leaves[0].tensor().linear(&Linear {
            bias: Some(leaves[2].tensor()),
            residual: Some(leaves[3].tensor()),
            ..Linear::new(leaves[1].weight())
        })
    });
    for activation in [Activation::Silu, Activation::GeluErf, Activation::GeluTanh] {
        let shapes = [tensor(&[2, 5, 7]), weight.clone(), tensor(&[9]), tensor(&[2, 9]), tensor(&[2, 5, 9])];
        check("linear, bias, activation, gate, residual", &shapes, &|leaves| {
            leaves[0].tensor().linear(&Linear {
                weight: leaves[1].weight(),
                bias: Some(leaves[2].tensor()),
                activation,
                gate: Some(leaves[3].tensor()),
                residual: Some(leaves[4].tensor()),
            })
        });
    }
}

#[test]
fn convolutions() {
    let cases = [(1, 1, Padding::same(0)), (3, 1, Padding::same(1)), (3, 2, Padding { top: 0, left: 0, bottom: 1, right: 1 })];
    for (kernel, stride, padding) in cases {
        let weight = Shape::Weight(WeightKind::Conv { outputs: 4, inputs: 3, kernel });
        let side = 6 / stride;
        let shapes = [tensor(&[2, 6, 6, 3]), weight, tensor(&[4]), tensor(&[2, side, side, 4])];
        check("conv2d", &shapes, &|leaves| {
            leaves[0].tensor().conv2d(&Conv {
                weight: leaves[1].weight(),
                bias: Some(leaves[2].tensor()),
                stride,
                padding,
                residual: Some(leaves[3].tensor()),
            })
        });
    }
}

#[test]
fn norms() {
    for kind in [NormKind::Rms, NormKind::Layer] {
        let shapes = [tensor(&[2, 3, 8]), tensor(&[8]), tensor(&[8]), tensor(&[2, 8]), tensor(&[2, 8])];
        check("norm", &shapes, &|leaves| {
            leaves[0].tensor().norm(&Norm {
                kind,
                weight: Some(leaves[1].tensor()),
                bias: Some(leaves[2].tensor()),
                modulation: Some(Modulation { scale: leaves[3].tensor(), shift: Some(leaves[4].tensor()) }),
                epsilon: 1e-6,
            })
        });
        check("plain norm", &[tensor(&[4, 8])], &|leaves| {
            leaves[0].tensor().norm(&Norm { kind, weight: None, bias: None, modulation: None, epsilon: 1e-6 })
        });
    }
    for activation in [Activation::Identity, Activation::Silu] {
        check("group norm", &[tensor(&[2, 3, 3, 8]), tensor(&[8]), tensor(&[8])], &|leaves| {
            leaves[0].tensor().group_norm(&GroupNorm {
                groups: 4,
                weight: leaves[1].tensor(),
                bias: leaves[2].tensor(),
                epsilon: 1e-6,
                activation,
            })
        });
    }
}

#[test]
fn attention_with_every_mask() {
    let lengths = [3, 5];
    for mask in [AttentionMask::None, AttentionMask::Causal { offset: 0 }, AttentionMask::KeyLengths(&lengths)] {
        let shapes = [tensor(&[2, 5, 4, 8]), tensor(&[2, 5, 2, 8]), tensor(&[2, 5, 2, 8])];
        check("attention", &shapes, &|leaves| {
            leaves[0].tensor().attention(leaves[1].tensor(), leaves[2].tensor(), &Attention { scale: 0.35, mask })
        });
    }
}

#[test]
fn rotary_embedding() {
    for table in [vec![3, 4], vec![2, 3, 4]] {
        check("rotate_half", &[tensor(&[2, 3, 2, 6])], &|leaves| {
            let x = leaves[0].tensor();
            let count = table.iter().product();
            let cos = Tensor::from_f32(Random::at(1, 1, 1).normals(count), &table, x.device())?;
            let sin = Tensor::from_f32(Random::at(2, 2, 2).normals(count), &table, x.device())?;
            x.rotate_half(&cos, &sin)
        });
    }
}

#[test]
fn elementwise_functions() {
    let functions = [
        Unary::Activation(Activation::Silu),
        Unary::Activation(Activation::GeluErf),
        Unary::Activation(Activation::GeluTanh),
        Unary::Affine { factor: -1.5, offset: 0.5 },
        Unary::Exponential,
        Unary::Square,
    ];
    for function in functions {
        check("unary", &[tensor(&[3, 5])], &|leaves| leaves[0].tensor().unary(function));
    }
    // Away from the corners, where no derivative exists; the clamp cuts the values beyond 1.
    let apart = |value: f32| if value.abs() > 1.0 { 1.5 * value } else { 0.5 * value + 0.1_f32.copysign(value) };
    for function in [Unary::Absolute, Unary::Clamp { low: -1.0, high: 1.0 }] {
        check_around("unary", &[tensor(&[3, 5])], apart, &|leaves| leaves[0].tensor().unary(function));
    }
    check("gated unit", &[tensor(&[3, 5]), tensor(&[3, 5])], &|leaves| {
        leaves[0].tensor().gated_unit(leaves[1].tensor(), Activation::GeluErf)
    });
    check("add", &[tensor(&[3, 5]), tensor(&[3, 5])], &|leaves| leaves[0].tensor().add(leaves[1].tensor()));
    check("subtract", &[tensor(&[3, 5]), tensor(&[3, 5])], &|leaves| leaves[0].tensor().subtract(leaves[1].tensor()));
    check("multiply", &[tensor(&[3, 5]), tensor(&[3, 5])], &|leaves| leaves[0].tensor().multiply(leaves[1].tensor()));
    check("a value used twice", &[tensor(&[3, 5])], &|leaves| leaves[0].tensor().multiply(leaves[0].tensor()));
    check("affine_channels", &[tensor(&[3, 5])], &|leaves| {
        let x = leaves[0].tensor();
        let scale = Tensor::from_f32(vec![1.0, -2.0, 3.0, 0.5, 0.1], &[5], x.device())?;
        x.affine_channels(&scale, &scale)
    });
}

#[test]
fn movements() {
    check("embedding", &[tensor(&[4, 5])], &|leaves| leaves[0].tensor().embedding(&[2, 0, 2, 3, 1]));
    check("concat", &[tensor(&[2, 3, 4]), tensor(&[2, 1, 4])], &|leaves| Tensor::concat(&[leaves[0].tensor(), leaves[1].tensor()], 1));
    for axis in 0..3 {
        check("slice", &[tensor(&[3, 4, 5])], &|leaves| leaves[0].tensor().slice(axis, 1, 2));
    }
    check("reshape", &[tensor(&[3, 4])], &|leaves| leaves[0].tensor().reshape(&[2, 6]));
    check("permute", &[tensor(&[2, 3, 4, 5])], &|leaves| leaves[0].tensor().permute(&[0, 2, 3, 1]));
    check("upsample", &[tensor(&[2, 3, 3, 4])], &|leaves| leaves[0].tensor().upsample_nearest_2x());
    check("mean", &[tensor(&[2, 3])], &|leaves| leaves[0].tensor().mean());
}

#[test]
fn constants_are_not_recorded_and_a_recording_ends() {
    let recorder = Recorder::new(RunPrecision::F32);
    let device = recorder.device();
    let constant = Tensor::from_f32(vec![1.0, 2.0], &[2], &device).unwrap();
    let sum = constant.add(&constant).unwrap().mean().unwrap();
    assert!(sum.node().is_none());
    assert!(recorder.backward(&sum).is_err());
    let leaf = device.parameter("leaf", constant).unwrap();
    let loss = leaf.mean().unwrap();
    assert!(recorder.backward(&loss).is_ok());
    assert!(recorder.backward(&loss).is_err(), "the tape was consumed");
}
