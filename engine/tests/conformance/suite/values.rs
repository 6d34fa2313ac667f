//! Every operation against plain loops, with sizes that no tile divides.
use super::naive::{self, rounded, widened};
use super::{packed, random, random_weight};
use engine::{
    Activation, Attention, AttentionMask, Conv, Device, GroupNorm, Linear, Modulation, Norm, NormKind, Padding, Tensor, Unary, WeightKind,
};
use spec::RunPrecision;

const ACTIVATIONS: [Activation; 4] = [Activation::Identity, Activation::Silu, Activation::GeluErf, Activation::GeluTanh];
/// Sums of a few hundred products of unit variance in f32, and the fast exponential.
const TOLERANCE: f64 = 3e-5;
/// Softmax weights are rounded to bfloat16 (2⁻⁹ relative) before the second product.
const BF16_ATTENTION_TOLERANCE: f64 = 1e-2;

type PlainFunction = fn(f64) -> f64;

/// Checks every operation's values.
pub fn check_values(device: &Device, precision: RunPrecision) {
    linear(device, precision);
    conv2d(device, precision);
    norm(device);
    group_norm(device);
    attention(device, precision);
    rotate_half(device);
    elementwise(device);
    movement(device);
}

fn compare(what: &str, found: &Tensor, shape: &[usize], expected: &[f64], tolerance: f64) {
    assert_eq!(found.shape(), shape, "{what}: shape");
    assert_eq!(expected.len(), found.elements(), "{what}: the plain loop is wrong");
    for (index, (found, expected)) in found.f32().unwrap().iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference <= tolerance * (1.0 + expected.abs()), "{what}: value {index} is {found}, expected {expected}");
    }
}

fn linear(device: &Device, precision: RunPrecision) {
    for (batch, tokens, inputs, outputs) in [(1, 1, 1, 1), (2, 7, 65, 66), (3, 5, 130, 63), (1, 101, 17, 200)] {
        let kind = WeightKind::Linear { outputs, inputs };
        let (x, weight) = (random(&[batch, tokens, inputs], 1, device), random_weight(kind, 2, device));
        let (bias, gate) = (random(&[outputs], 3, device), random(&[batch, outputs], 4, device));
        let residual = random(&[batch, tokens, outputs], 5, device);
        let product = naive::linear(&rounded(x.f32().unwrap(), precision), &rounded(weight.f32().unwrap(), precision), (inputs, outputs));
        let packed = packed(kind, 2, device);
        let shape = [batch, tokens, outputs];
        let plain = x.linear(&Linear::new(&packed)).unwrap();
        compare("linear", &plain, &shape, &product, TOLERANCE);
        let stored_as_bf16 = device.weight(device, "weight", kind, &weight.to_bf16()).unwrap();
        if precision == RunPrecision::Bf16 {
            assert_eq!(x.linear(&Linear::new(&stored_as_bf16)).unwrap().f32().unwrap(), plain.f32().unwrap(), "bf16 checkpoint");
        }
        for activation in ACTIVATIONS {
            let full = Linear { weight: &packed, bias: Some(&bias), activation, gate: Some(&gate), residual: Some(&residual) };
            let finish = |(index, sum): (usize, &f64)| {
                let (sample, column) = (index / (tokens * outputs), index % outputs);
                let activated = naive::activation(activation, sum + f64::from(bias.f32().unwrap()[column]));
                f64::from(residual.f32().unwrap()[index]) + f64::from(gate.f32().unwrap()[sample * outputs + column]) * activated
            };
            let expected: Vec<f64> = product.iter().enumerate().map(finish).collect();
            compare("linear with everything behind it", &x.linear(&full).unwrap(), &shape, &expected, TOLERANCE);
        }
    }
}

fn conv2d(device: &Device, precision: RunPrecision) {
    let corner = Padding { top: 0, left: 0, bottom: 1, right: 1 };
    let cases = [
        ((1, 1, 1, 1), (1, 1, 1), Padding::same(0)),
        ((2, 5, 7, 3), (65, 3, 1), Padding::same(1)),
        ((1, 8, 6, 33), (5, 3, 2), corner),
        ((2, 3, 3, 3), (3, 3, 1), Padding::same(1)),
        ((1, 4, 9, 17), (31, 1, 1), Padding::same(0)),
        ((1, 6, 6, 2), (4, 2, 2), Padding::same(0)),
    ];
    for (size, (outputs, kernel, stride), padding) in cases {
        let (batch, height, width, inputs) = size;
        let kind = WeightKind::Conv { outputs, inputs, kernel };
        let (x, weight) = (random(&[batch, height, width, inputs], 1, device), random_weight(kind, 2, device));
        let operands = (rounded(x.f32().unwrap(), precision), rounded(weight.f32().unwrap(), precision));
        let sums = naive::conv2d(&operands.0, &operands.1, size, (outputs, kernel, stride), padding);
        let packed = packed(kind, 2, device);
        let plain = Conv { weight: &packed, bias: None, stride, padding, residual: None };
        let found = x.conv2d(&plain).unwrap();
        let shape = found.shape().to_vec();
        assert_eq!((shape[0], shape[3]), (batch, outputs));
        compare("conv2d", &found, &shape, &sums, TOLERANCE);
        let (bias, residual) = (random(&[outputs], 3, device), random(&shape, 4, device));
        let full = Conv { bias: Some(&bias), residual: Some(&residual), ..plain };
        let (bias, residual) = (widened(bias.f32().unwrap()), widened(residual.f32().unwrap()));
        let expected: Vec<f64> = sums.iter().enumerate().map(|(index, sum)| sum + bias[index % outputs] + residual[index]).collect();
        compare("conv2d with bias and residual", &x.conv2d(&full).unwrap(), &shape, &expected, TOLERANCE);
    }
}

fn norm(device: &Device) {
    for (batch, tokens, channels) in [(1, 1, 1), (2, 3, 7), (2, 19, 96)] {
        let shape = [batch, tokens, channels];
        let x = random(&shape, 1, device).unary(Unary::Affine { factor: 2.0, offset: 0.7 }).unwrap();
        let (weight, bias) = (random(&[channels], 2, device), random(&[channels], 3, device));
        let (scale, shift) = (random(&[batch, channels], 4, device), random(&[batch, channels], 5, device));
        for kind in [NormKind::Rms, NormKind::Layer] {
            let rows = widened(x.f32().unwrap());
            let base: Vec<f64> = rows.chunks(channels).flat_map(|row| naive::normalised(row, kind == NormKind::Layer, 1e-6)).collect();
            let plain = Norm { kind, weight: None, bias: None, modulation: None, epsilon: 1e-6 };
            compare("norm", &x.norm(&plain).unwrap(), &shape, &base, TOLERANCE);
            let modulation = Some(Modulation { scale: &scale, shift: Some(&shift) });
            let full = Norm { weight: Some(&weight), bias: Some(&bias), modulation, ..plain };
            let finish = |(index, value): (usize, &f64)| {
                let (column, of_sample) = (index % channels, index / (tokens * channels) * channels + index % channels);
                let at = |tensor: &Tensor, index: usize| f64::from(tensor.f32().unwrap()[index]);
                (value * at(&weight, column) + at(&bias, column)) * (1.0 + at(&scale, of_sample)) + at(&shift, of_sample)
            };
            let expected: Vec<f64> = base.iter().enumerate().map(finish).collect();
            compare("modulated norm", &x.norm(&full).unwrap(), &shape, &expected, TOLERANCE);
        }
    }
}

fn group_norm(device: &Device) {
    for ((batch, height, width, channels), groups) in [((1, 1, 3, 2), 1), ((2, 5, 3, 12), 4), ((1, 9, 8, 32), 32), ((2, 2, 2, 2), 2)] {
        let shape = [batch, height, width, channels];
        let x = random(&shape, 1, device);
        let (weight, bias) = (random(&[channels], 2, device), random(&[channels], 3, device));
        for activation in [Activation::Identity, Activation::Silu] {
            let values = widened(x.f32().unwrap());
            let (pixels, width) = (shape[1] * shape[2], channels / groups);
            let mut expected = vec![0.0; values.len()];
            for (sample, group) in (0..batch * groups).map(|index| (index / groups, index % groups)) {
                let place = |index: usize| (sample * pixels + index / width) * channels + group * width + index % width;
                let members: Vec<f64> = (0..pixels * width).map(|index| values[place(index)]).collect();
                for (index, value) in naive::normalised(&members, true, 1e-6).into_iter().enumerate() {
                    let channel = place(index) % channels;
                    let scaled = value * f64::from(weight.f32().unwrap()[channel]) + f64::from(bias.f32().unwrap()[channel]);
                    expected[place(index)] = naive::activation(activation, scaled);
                }
            }
            let norm = GroupNorm { groups, weight: &weight, bias: &bias, epsilon: 1e-6, activation };
            compare("group_norm", &x.group_norm(&norm).unwrap(), &shape, &expected, TOLERANCE);
        }
    }
}

fn attention(device: &Device, precision: RunPrecision) {
    let tolerance = if precision == RunPrecision::F32 { TOLERANCE } else { BF16_ATTENTION_TOLERANCE };
    for (batch, queries, keys, heads, key_heads, width) in
        [(1, 1, 1, 1, 1, 2), (2, 7, 11, 4, 2, 10), (2, 99, 101, 3, 3, 16), (1, 5, 5, 6, 1, 66)]
    {
        let query = random(&[batch, queries, heads, width], 1, device);
        let (key, value) = (random(&[batch, keys, key_heads, width], 2, device), random(&[batch, keys, key_heads, width], 3, device));
        let lengths: Vec<usize> = (0..batch).map(|sample| keys - sample.min(keys - 1)).collect();
        let offset = keys.saturating_sub(queries);
        for mask in [AttentionMask::None, AttentionMask::Causal { offset }, AttentionMask::KeyLengths(&lengths)] {
            let scale = 1.0 / (width as f32).sqrt();
            let found = query.attention(&key, &value, &Attention { scale, mask }).unwrap();
            let mut expected = vec![0.0; found.elements()];
            for (sample, head) in (0..batch * heads).map(|index| (index / heads, index % heads)) {
                let head_of = |tensor: &Tensor, head: usize| -> Vec<f64> {
                    let per_sample = tensor.shape()[1..].iter().product::<usize>();
                    let values = rounded(&tensor.f32().unwrap()[sample * per_sample..][..per_sample], precision);
                    values.chunks(tensor.shape()[2] * width).flat_map(|token| token[head * width..][..width].to_vec()).collect()
                };
                let shared = head * key_heads / heads;
                let visible = |query: usize| match mask {
                    AttentionMask::None => keys,
                    AttentionMask::Causal { offset } => (query + offset + 1).min(keys),
                    AttentionMask::KeyLengths(lengths) => lengths[sample],
                };
                let result = naive::attention(
                    &head_of(&query, head),
                    &head_of(&key, shared),
                    &head_of(&value, shared),
                    width,
                    f64::from(scale),
                    visible,
                );
                for (index, value) in result.into_iter().enumerate() {
                    expected[((sample * queries + index / width) * heads + head) * width + index % width] = value;
                }
            }
            compare("attention", &found, query.shape(), &expected, tolerance);
        }
    }
}

fn rotate_half(device: &Device) {
    let (batch, tokens, heads, dimension) = (2, 5, 3, 10);
    let x = random(&[batch, tokens, heads, dimension], 1, device);
    for (rotary, own) in [(10, false), (6, true), (0, false)] {
        let shape = if own { vec![batch, tokens, rotary] } else { vec![tokens, rotary] };
        let (cos, sin) = (random(&shape, 2, device), random(&shape, 3, device));
        let (values, cosines, sines) = (widened(x.f32().unwrap()), widened(cos.f32().unwrap()), widened(sin.f32().unwrap()));
        let rotated = |(index, value): (usize, &f64)| {
            let d = index % dimension;
            if d >= rotary {
                return *value;
            }
            let row = index / (heads * dimension);
            let row = if own { row } else { row % tokens };
            let partner = if d < rotary / 2 { -values[index + rotary / 2] } else { values[index - rotary / 2] };
            value * cosines[row * rotary + d] + partner * sines[row * rotary + d]
        };
        let expected: Vec<f64> = values.iter().enumerate().map(rotated).collect();
        compare("rotate_half", &x.rotate_half(&cos, &sin).unwrap(), x.shape(), &expected, TOLERANCE);
    }
}

fn elementwise(device: &Device) {
    let shape = [3, 5, 7];
    let (a, b) = (random(&shape, 1, device), random(&shape, 2, device));
    let (left, right) = (widened(a.f32().unwrap()), widened(b.f32().unwrap()));
    let zip = |function: fn(f64, f64) -> f64| -> Vec<f64> { left.iter().zip(&right).map(|(a, b)| function(*a, *b)).collect() };
    compare("add", &a.add(&b).unwrap(), &shape, &zip(|a, b| a + b), TOLERANCE);
    compare("subtract", &a.subtract(&b).unwrap(), &shape, &zip(|a, b| a - b), TOLERANCE);
    compare("multiply", &a.multiply(&b).unwrap(), &shape, &zip(|a, b| a * b), TOLERANCE);
    for activation in ACTIVATIONS {
        let expected: Vec<f64> = left.iter().zip(&right).map(|(a, b)| naive::activation(activation, *a) * b).collect();
        compare("gated_unit", &a.gated_unit(&b, activation).unwrap(), &shape, &expected, TOLERANCE);
        let expected: Vec<f64> = left.iter().map(|a| naive::activation(activation, *a)).collect();
        compare("activation", &a.activate(activation).unwrap(), &shape, &expected, TOLERANCE);
    }
    let functions: [(Unary, PlainFunction); 5] = [
        (Unary::Affine { factor: 1.5, offset: -0.25 }, |x| x * 1.5 - 0.25),
        (Unary::Exponential, f64::exp),
        (Unary::Absolute, f64::abs),
        (Unary::Square, |x| x * x),
        (Unary::Clamp { low: -0.5, high: 0.75 }, |x| x.clamp(-0.5, 0.75)),
    ];
    for (function, plain) in functions {
        let expected: Vec<f64> = left.iter().map(|x| plain(*x)).collect();
        compare(&format!("{function:?}"), &a.unary(function).unwrap(), &shape, &expected, TOLERANCE);
    }
    let (scale, shift) = (random(&[7], 3, device), random(&[7], 4, device));
    let at = |tensor: &Tensor, index: usize| f64::from(tensor.f32().unwrap()[index % 7]);
    let expected: Vec<f64> = left.iter().enumerate().map(|(index, x)| x * at(&scale, index) + at(&shift, index)).collect();
    compare("affine_channels", &a.affine_channels(&scale, &shift).unwrap(), &shape, &expected, TOLERANCE);
    compare("mean", &a.mean().unwrap(), &[1], &[left.iter().sum::<f64>() / left.len() as f64], TOLERANCE);
}

fn movement(device: &Device) {
    let shape = [2, 3, 4, 5];
    let x = random(&shape, 1, device);
    let values = widened(x.f32().unwrap());
    let at = |index: [usize; 4]| values[((index[0] * 3 + index[1]) * 4 + index[2]) * 5 + index[3]];
    let every = |sizes: [usize; 4], read: &dyn Fn([usize; 4]) -> f64| -> Vec<f64> {
        let count = sizes.iter().product::<usize>();
        let split = |index: usize| {
            [
                index / (sizes[1] * sizes[2] * sizes[3]),
                index / (sizes[2] * sizes[3]) % sizes[1],
                index / sizes[3] % sizes[2],
                index % sizes[3],
            ]
        };
        (0..count).map(|index| read(split(index))).collect()
    };
    for order in [[0, 2, 1, 3], [3, 1, 2, 0], [0, 3, 1, 2], [1, 0, 3, 2], [0, 1, 2, 3]] {
        let sizes = order.map(|axis| shape[axis]);
        let expected = every(sizes, &|place| {
            let mut source = [0; 4];
            order.iter().zip(place).for_each(|(axis, index)| source[*axis] = index);
            at(source)
        });
        compare("permute", &x.permute(&order).unwrap(), &sizes, &expected, 0.0);
    }
    for axis in 0..4 {
        let sliced = x.slice(axis, 1, shape[axis] - 1).unwrap();
        let mut sizes = shape;
        sizes[axis] -= 1;
        let shifted = |mut place: [usize; 4]| {
            place[axis] += 1;
            at(place)
        };
        compare("slice", &sliced, &sizes, &every(sizes, &shifted), 0.0);
        let head = x.slice(axis, 0, 1).unwrap();
        compare("concat", &Tensor::concat(&[&head, &sliced], axis).unwrap(), &shape, &values, 0.0);
    }
    compare("reshape", &x.reshape(&[6, 20]).unwrap(), &[6, 20], &values, 0.0);
    let doubled = [2, 6, 8, 5];
    let expected = every(doubled, &|place| at([place[0], place[1] / 2, place[2] / 2, place[3]]));
    compare("upsample_nearest_2x", &x.upsample_nearest_2x().unwrap(), &doubled, &expected, 0.0);
    let table = random(&[9, 4], 2, device);
    let expected: Vec<f64> = [8, 0, 8].iter().flat_map(|id| widened(&table.f32().unwrap()[id * 4..][..4])).collect();
    compare("embedding", &table.embedding(&[8, 0, 8]).unwrap(), &[3, 4], &expected, 0.0);
}
