//! Norms equal their formulas in f64; their gradients equal central differences of those.
use kernels::element::Activation;
use kernels::norm::{GroupNorm, Modulation, Norm, NormGradients, NormKind, group_norm, group_norm_backward, norm, norm_backward};
use kernels::reference::{self, GroupNormParameters, NormParameters, assert_close, inner_product, numeric_gradient, values, wide};

const EPSILON: f32 = 1e-5;

/// Which of a norm's optional parameters are present.
const PRESENT: [[bool; 4]; 6] = [
    [false, false, false, false],
    [true, false, false, false],
    [true, true, false, false],
    [false, false, true, true],
    [true, true, true, false],
    [true, true, true, true],
];

#[test]
fn rows_with_every_set_of_parameters() {
    for kind in [NormKind::Rms, NormKind::Layer] {
        for (rows, channels, rows_per_group) in [(1, 1, 1), (3, 7, 1), (6, 16, 3), (5, 33, 2), (140, 5, 70)] {
            for present in PRESENT {
                rows_with(kind, (rows, channels, rows_per_group), present);
            }
        }
    }
}

fn rows_with(kind: NormKind, (rows, channels, rows_per_group): (usize, usize, usize), present: [bool; 4]) {
    let what = format!("{kind:?} [{rows}, {channels}] by {rows_per_group}, {present:?}");
    let groups = rows.div_ceil(rows_per_group);
    let sizes = [channels, channels, groups * channels, groups * channels];
    let neutral = [1.0, 0.0, 0.0, 0.0];
    let parameters: [Vec<f32>; 4] =
        std::array::from_fn(|i| if present[i] { values(sizes[i], i as u64 + 10) } else { vec![neutral[i]; sizes[i]] });
    let [weight, bias, scale, shift] = &parameters;
    let (x, dy) = (values(rows * channels, 1), values(rows * channels, 2));
    let modulation = present[2].then_some(Modulation { scale, shift: present[3].then_some(shift), rows_per_group });
    let layer =
        Norm { kind, channels, weight: present[0].then_some(weight), bias: present[1].then_some(bias), modulation, epsilon: EPSILON };
    let wide_parameters = parameters.each_ref().map(|values| wide(values));
    let (wide_x, wide_dy) = (wide(&x), wide(&dy));
    let forward = |x: &[f64], parameters: &[Vec<f64>; 4]| {
        let [weight, bias, scale, shift] = parameters;
        reference::norm(x, &NormParameters { kind, weight, bias, scale, shift, rows_per_group, epsilon: f64::from(EPSILON) })
    };
    let mut out = vec![f32::NAN; x.len()];
    norm(&x, &layer, &mut out);
    assert_close(&out, &forward(&wide_x, &wide_parameters), 1e-5, &what);

    // Gradients of parameters add to what is there.
    let old: [Vec<f32>; 4] = std::array::from_fn(|i| values(sizes[i], i as u64 + 20));
    let mut sums = old.clone();
    let mut dx = vec![f32::NAN; x.len()];
    let [d_weight, d_bias, d_scale, d_shift] = &mut sums;
    norm_backward(
        &x,
        &layer,
        &dy,
        &mut dx,
        NormGradients { weight: Some(d_weight), bias: Some(d_bias), scale: Some(d_scale), shift: Some(d_shift) },
    );
    let want = numeric_gradient(&wide_x, |x| inner_product(&forward(x, &wide_parameters), &wide_dy));
    // One value alone has no deviation but epsilon: its slope is a difference of huge numbers.
    assert_close(&dx, &want, if channels == 1 { 2e-3 } else { 1e-4 }, &format!("dx {what}"));
    for index in 0..4 {
        if index >= 2 && !present[2] {
            continue;
        }
        let mut want = numeric_gradient(&wide_parameters[index], |values| {
            let mut parameters = wide_parameters.clone();
            parameters[index] = values.to_vec();
            inner_product(&forward(&wide_x, &parameters), &wide_dy)
        });
        want.iter_mut().zip(&old[index]).for_each(|(want, old)| *want += f64::from(*old));
        assert_close(&sums[index], &want, 1e-4, &format!("parameter {index} of {what}"));
    }
}

#[test]
fn groups_of_channels() {
    for (batch, pixels, channels, groups) in [
        (1, 1, 4, 2),
        (2, 9, 6, 3),
        (3, 5, 32, 8),
        (1, 300, 3, 1),
        (2, 16, 16, 16),
        (2, 16, 16, 1),
        (1, 7, 7, 7),
        (1, 4, 72, 8),
        (2, 270, 1, 1),
    ] {
        for activation in [Activation::Identity, Activation::Silu] {
            groups_with((batch, pixels, channels, groups), activation);
        }
    }
}

fn groups_with((batch, pixels, channels, groups): (usize, usize, usize, usize), activation: Activation) {
    let what = format!("[{batch}, {pixels}, {channels}] in {groups} groups, {activation:?}");
    let (weight, bias) = (values(channels, 1), values(channels, 2));
    // Off centre, so that a wrong mean shows.
    let x: Vec<f32> = values(batch * pixels * channels, 3).iter().map(|value| value * 2.0 + 0.7).collect();
    let dy = values(x.len(), 4);
    let layer = GroupNorm { batch, groups, weight: &weight, bias: &bias, epsilon: EPSILON, activation };
    let (wide_x, wide_weight, wide_bias, wide_dy) = (wide(&x), wide(&weight), wide(&bias), wide(&dy));
    let forward = |x: &[f64], weight: &[f64], bias: &[f64]| {
        reference::group_norm(x, &GroupNormParameters { batch, groups, weight, bias, epsilon: f64::from(EPSILON), activation })
    };
    let mut out = vec![f32::NAN; x.len()];
    group_norm(&x, &layer, &mut out);
    assert_close(&out, &forward(&wide_x, &wide_weight, &wide_bias), 2e-5, &what);

    let (old_weight, old_bias) = (values(channels, 5), values(channels, 6));
    let (mut d_weight, mut d_bias, mut dx) = (old_weight.clone(), old_bias.clone(), vec![f32::NAN; x.len()]);
    group_norm_backward(&x, &layer, &dy, &mut dx, (&mut d_weight, &mut d_bias));
    let with_old = |gradient: Vec<f64>, old: &[f32]| gradient.iter().zip(old).map(|(new, old)| new + f64::from(*old)).collect::<Vec<_>>();
    let want = numeric_gradient(&wide_weight, |weight| inner_product(&forward(&wide_x, weight, &wide_bias), &wide_dy));
    assert_close(&d_weight, &with_old(want, &old_weight), 1e-4, &format!("d_weight {what}"));
    let want = numeric_gradient(&wide_bias, |bias| inner_product(&forward(&wide_x, &wide_weight, bias), &wide_dy));
    assert_close(&d_bias, &with_old(want, &old_bias), 1e-4, &format!("d_bias {what}"));
    let want = numeric_gradient(&wide_x, |x| inner_product(&forward(x, &wide_weight, &wide_bias), &wide_dy));
    assert_close(&dx, &want, if pixels * channels / groups < 4 { 5e-3 } else { 1e-4 }, &format!("dx {what}"));
}
