//! A row's bits depend on that row alone: not on its batch, its neighbours, the padding behind it, or the number of threads.
use kernels::attention::{AttentionOperands, AttentionShape, Mask, attention, attention_backward};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d, conv2d_input_gradient, conv2d_weight_gradient};
use kernels::element::{Activation, Elements, Precision};
use kernels::elementwise;
use kernels::gemm::{Epilogue, gemm};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::norm::{GroupNorm, Modulation, Norm, NormGradients, NormKind, group_norm, group_norm_backward, norm, norm_backward};
use kernels::pool::{set_threads, threads};
use kernels::reference::values;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_row_of_a_product_alone() {
    for (m, k, n) in [(1, 7, 64), (203, 77, 130), (96, 64, 16), (14, 1, 65)] {
        for precision in PRECISIONS {
            let (a, b, bias) = (values(m * k, 1), values(k * n, 2), values(n, 3));
            let packed = PackedMatrix::pack(&MatrixView::new(&b, k, n), precision);
            let epilogue = Epilogue { bias: Some(&bias), activation: Activation::GeluTanh, ..Epilogue::default() };
            let mut whole = vec![0.0; m * n];
            gemm(&MatrixView::new(&a, m, k), &packed, &epilogue, &mut whole);
            for first in 0..m {
                for rows in [1, 2, 7, 9] {
                    if first + rows > m {
                        continue;
                    }
                    let mut alone = vec![0.0; rows * n];
                    gemm(&MatrixView::new(&a[first * k..][..rows * k], rows, k), &packed, &epilogue, &mut alone);
                    assert_eq!(bits(&whole[first * n..][..rows * n]), bits(&alone), "rows {first}..+{rows} of {m}×{k}×{n} {precision:?}");
                }
            }
            // The same values behind other strides.
            let transposed: Vec<f32> =
                (0..k).flat_map(|inner| (0..m).map(move |row| (row, inner))).map(|(row, inner)| a[row * k + inner]).collect();
            let mut other = vec![0.0; m * n];
            gemm(&MatrixView::new(&transposed, k, m).transposed(), &packed, &epilogue, &mut other);
            assert_eq!(bits(&whole), bits(&other), "transposed view of {m}×{k}×{n} {precision:?}");
        }
    }
}

#[test]
fn keys_behind_the_padding() {
    let (heads, width, queries) = (3, 40, 101);
    for precision in PRECISIONS {
        for length in [1, 2, 15, 16, 17, 63, 64, 77] {
            let scale = 0.158;
            let lengths = [length];
            let shape = |key_length| AttentionShape {
                batch: 1,
                heads,
                key_value_heads: heads,
                query_length: queries,
                key_length,
                head_dimension: width,
                scale,
                mask: Mask::KeyLengths(&lengths),
            };
            let (q, k, v) =
                (values(queries * heads * width, 1), values((length + 27) * heads * width, 2), values((length + 27) * heads * width, 3));
            let (short_k, short_v) = (&k[..length * heads * width], &v[..length * heads * width]);
            let (mut short, mut long, mut plain) = (vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; q.len()]);
            attention(&q, short_k, short_v, (&shape(length), precision), &mut short);
            attention(&q, &k, &v, (&shape(length + 27), precision), &mut long);
            attention(&q, short_k, short_v, (&AttentionShape { mask: Mask::None, ..shape(length) }, precision), &mut plain);
            assert_eq!(bits(&short), bits(&long), "{length} keys {precision:?}");
            assert_eq!(bits(&short), bits(&plain), "{length} keys without a mask {precision:?}");
            let gradients = |k: &[f32], v: &[f32], shape: &AttentionShape<'_>| {
                let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
                attention_backward(&AttentionOperands { q: &q, k, v }, &q, (shape, precision), (&mut dq, &mut dk, &mut dv));
                (bits(&dq), bits(&dk), bits(&dv))
            };
            let (short, mut long) = (gradients(short_k, short_v, &shape(length)), gradients(&k, &v, &shape(length + 27)));
            assert!(long.1.split_off(short_k.len()).iter().chain(&long.2.split_off(short_k.len())).all(|bits| *bits == 0));
            assert_eq!(short, long, "gradients with {length} keys {precision:?}");
        }
    }
}

#[test]
fn queries_alone() {
    let (heads, width) = (2, 24);
    for (precision, tokens) in PRECISIONS.into_iter().flat_map(|precision| [(precision, 131), (precision, 1_100)]) {
        let shape = AttentionShape {
            batch: 1,
            heads,
            key_value_heads: 1,
            query_length: tokens,
            key_length: tokens,
            head_dimension: width,
            scale: 0.2,
            mask: Mask::Causal { offset: 0 },
        };
        let (q, k, v) = (values(tokens * heads * width, 1), values(tokens * width, 2), values(tokens * width, 3));
        let mut whole = vec![0.0; q.len()];
        attention(&q, &k, &v, (&shape, precision), &mut whole);
        for query in [0, 1, 63, 64, 95, 96, 130, 192, 511, 512, 513, 1_030, 1_099].into_iter().filter(|query| *query < tokens) {
            // One query after `query` tokens, over the keys that exist by then.
            let step = AttentionShape { query_length: 1, key_length: query + 1, mask: Mask::Causal { offset: query }, ..shape };
            let mut alone = vec![0.0; heads * width];
            let keys = (query + 1) * width;
            attention(&q[query * heads * width..][..heads * width], &k[..keys], &v[..keys], (&step, precision), &mut alone);
            assert_eq!(bits(&whole[query * heads * width..][..heads * width]), bits(&alone), "query {query} {precision:?}");
        }
    }
}

#[test]
fn neighbours_in_the_batch() {
    let (batch, side, channels) = (3, 9, 20);
    let picture = side * side * channels;
    let x = values(batch * picture, 1);
    let shape = |batch| ConvShape {
        batch,
        height: side,
        width: side,
        in_channels: channels,
        out_channels: channels,
        kernel: 3,
        stride: 1,
        padding: Padding { top: 1, left: 1, bottom: 1, right: 1 },
    };
    let (weight, bias) = (values(channels * channels * 9, 2), values(channels, 3));
    for precision in PRECISIONS {
        let filter = PackedFilter::pack(&Elements::F32(&weight), (channels, channels, 3), precision);
        let run = |x: &[f32], batch: usize| {
            let (mut conv, mut dx, mut normed) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; x.len()]);
            conv2d(x, &filter, &shape(batch), &Epilogue { bias: Some(&bias), ..Epilogue::default() }, &mut conv);
            conv2d_input_gradient(x, &weight, &shape(batch), precision, &mut dx);
            let layer = GroupNorm { batch, groups: 4, weight: &bias, bias: &bias, epsilon: 1e-5, activation: Activation::Silu };
            group_norm(x, &layer, &mut normed);
            [bits(&conv), bits(&dx), bits(&normed)]
        };
        let whole = run(&x, batch);
        for index in 0..batch {
            let alone = run(&x[index * picture..][..picture], 1);
            for (whole, alone) in whole.iter().zip(alone) {
                assert_eq!(whole[index * picture..][..picture], alone, "picture {index}, {precision:?}");
            }
        }
    }
}

/// The bits of everything that sums across tasks.
fn everything() -> Vec<Vec<u32>> {
    let mut results = Vec::new();
    let mut keep = |values: &[f32]| results.push(bits(values));
    for precision in PRECISIONS {
        let (m, k, n) = (205, 90, 140);
        let (a, b) = (values(m * k, 1), values(k * n, 2));
        let mut out = vec![0.0; m * n];
        gemm(&MatrixView::new(&a, m, k), &PackedMatrix::pack(&MatrixView::new(&b, k, n), precision), &Epilogue::default(), &mut out);
        keep(&out);

        let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
        let shape = ConvShape { batch: 2, height: 50, width: 47, in_channels: 5, out_channels: 6, kernel: 3, stride: 1, padding };
        let (x, dy, weight) = (values(2 * 50 * 47 * 5, 1), values(shape.out_pixels() * 6, 2), values(5 * 6 * 9, 3));
        let filter = PackedFilter::pack(&Elements::F32(&weight), (6, 5, 3), precision);
        let (mut out, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; weight.len()]);
        conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
        conv2d_input_gradient(&dy, &weight, &shape, precision, &mut dx);
        conv2d_weight_gradient(&x, &dy, &shape, precision, &mut dw);
        for values in [out, dx, dw] {
            keep(&values);
        }

        let shape = AttentionShape {
            batch: 3,
            heads: 4,
            key_value_heads: 2,
            query_length: 110,
            key_length: 71,
            head_dimension: 24,
            scale: 0.2,
            mask: Mask::KeyLengths(&[71, 3, 40]),
        };
        let (q, k, v) = (values(3 * 110 * 4 * 24, 1), values(3 * 71 * 2 * 24, 2), values(3 * 71 * 2 * 24, 3));
        let (mut out, mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        attention(&q, &k, &v, (&shape, precision), &mut out);
        attention_backward(&AttentionOperands { q: &q, k: &k, v: &v }, &out, (&shape, precision), (&mut dq, &mut dk, &mut dv));
        for values in [out, dq, dk, dv] {
            keep(&values);
        }
    }
    let (rows, channels) = (650, 48);
    let (x, dy, weight, scale) = (values(rows * channels, 1), values(rows * channels, 2), values(channels, 3), values(2 * channels, 4));
    let modulation = Modulation { scale: &scale, shift: Some(&scale), rows_per_group: rows / 2 };
    let layer =
        Norm { kind: NormKind::Layer, channels, weight: Some(&weight), bias: Some(&weight), modulation: Some(modulation), epsilon: 1e-6 };
    let (mut out, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut sums: [Vec<f32>; 4] = [vec![0.0; channels], vec![0.0; channels], vec![0.0; 2 * channels], vec![0.0; 2 * channels]];
    norm(&x, &layer, &mut out);
    let [d_weight, d_bias, d_scale, d_shift] = &mut sums;
    let gradients = NormGradients { weight: Some(d_weight), bias: Some(d_bias), scale: Some(d_scale), shift: Some(d_shift) };
    norm_backward(&x, &layer, &dy, &mut dx, gradients);
    [&out, &dx].into_iter().chain(&sums).for_each(|values| keep(values));

    let layer = GroupNorm { batch: 2, groups: 8, weight: &weight, bias: &weight, epsilon: 1e-5, activation: Activation::Silu };
    let (mut d_weight, mut d_bias) = (vec![0.0; channels], vec![0.0; channels]);
    group_norm(&x, &layer, &mut out);
    group_norm_backward(&x, &layer, &dy, &mut dx, (&mut d_weight, &mut d_bias));
    for values in [&out, &dx, &d_weight, &d_bias] {
        keep(values);
    }
    keep(&[elementwise::total(&x) as f32, elementwise::sum_of_squares(&x) as f32]);
    results
}

#[test]
fn number_of_threads() {
    let default = threads();
    set_threads(1);
    let alone = everything();
    for count in [2, 3, 7] {
        set_threads(count);
        assert!(everything() == alone, "{count} threads give other bits than one");
    }
    set_threads(default);
    assert!(everything() == alone);
}
