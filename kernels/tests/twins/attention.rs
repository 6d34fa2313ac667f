//! Attention equals a plain softmax in f64, and its backward pass equals central differences of that.
use kernels::attention::{AttentionOperands, AttentionShape, Mask, attention, attention_backward};
use kernels::element::Precision;
use kernels::reference::{self, assert_close, inner_product, numeric_gradient, rounded, values, wide};

fn shape(
    batch: usize,
    (heads, key_value_heads): (usize, usize),
    (query_length, key_length): (usize, usize),
    width: usize,
) -> AttentionShape<'static> {
    let scale = 1.0 / (width as f32).sqrt();
    AttentionShape { batch, heads, key_value_heads, query_length, key_length, head_dimension: width, scale, mask: Mask::None }
}

fn operands(shape: &AttentionShape<'_>) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let queries = shape.batch * shape.query_length * shape.heads * shape.head_dimension;
    let keys = shape.batch * shape.key_length * shape.key_value_heads * shape.head_dimension;
    // Wider than a unit range, so that the softmax is far from flat.
    let spread = |values: Vec<f32>| values.into_iter().map(|value| value * 3.0).collect();
    (spread(values(queries, 1)), spread(values(keys, 2)), values(keys, 3))
}

fn check(shape: &AttentionShape<'_>) {
    let (q, k, v) = operands(shape);
    for (precision, tolerance) in [(Precision::F32, 1e-5), (Precision::Bf16, 6e-3)] {
        let mut out = vec![f32::NAN; q.len()];
        attention(&q, &k, &v, (shape, precision), &mut out);
        let want = reference::attention(&rounded(&q, precision), &rounded(&k, precision), &rounded(&v, precision), shape, precision);
        assert_close(&out, &want, tolerance, &format!("{shape:?} {precision:?}"));
    }
}

#[test]
fn every_width_mask_and_head_grouping() {
    for width in [1, 8, 40, 64, 80] {
        for (heads, lengths) in [((1, 1), (1, 1)), ((2, 2), (7, 13)), ((6, 2), (97, 101)), ((4, 1), (3, 64))] {
            let plain = shape(2, heads, lengths, width);
            check(&plain);
            check(&AttentionShape { mask: Mask::Causal { offset: 0 }, ..plain });
            check(&AttentionShape { mask: Mask::Causal { offset: lengths.1.saturating_sub(lengths.0) }, ..plain });
            check(&AttentionShape { mask: Mask::KeyLengths(&[lengths.1, lengths.1 / 2]), ..plain });
            check(&AttentionShape { mask: Mask::KeyLengths(&[0, 1]), ..plain });
        }
    }
}

/// More keys than one chunk of the forward pass, the largest logits first, last and in between.
#[test]
fn many_keys() {
    for (queries, keys, width) in [(5, 1_100, 40), (700, 700, 8)] {
        let plain = shape(2, (2, 1), (queries, keys), width);
        check(&plain);
        check(&AttentionShape { mask: Mask::Causal { offset: keys - queries }, ..plain });
        check(&AttentionShape { mask: Mask::KeyLengths(&[513, 512]), ..plain });
        let (q, mut k, v) = operands(&plain);
        for key in 0..2 * keys {
            let size = 1.0 + 4.0 * (key % keys) as f32 / keys as f32;
            k[key * width..(key + 1) * width].iter_mut().for_each(|value| *value *= size);
        }
        let (mut out, precision) = (vec![f32::NAN; q.len()], Precision::F32);
        attention(&q, &k, &v, (&plain, precision), &mut out);
        assert_close(&out, &reference::attention(&wide(&q), &wide(&k), &wide(&v), &plain, precision), 1e-5, "growing logits");
    }
}

#[test]
fn no_keys_give_zeros() {
    let shape = shape(1, (2, 1), (3, 0), 8);
    let q = values(48, 1);
    let mut out = vec![f32::NAN; 48];
    attention(&q, &[], &[], (&shape, Precision::Bf16), &mut out);
    assert!(out.iter().all(|value| *value == 0.0));
    let mut dq = vec![f32::NAN; 48];
    attention_backward(&AttentionOperands { q: &q, k: &[], v: &[] }, &q, (&shape, Precision::F32), (&mut dq, &mut [], &mut []));
    assert!(dq.iter().all(|value| *value == 0.0));
}

#[test]
fn masked_keys_may_hold_anything() {
    let shape = AttentionShape { mask: Mask::KeyLengths(&[3, 0]), ..shape(2, (2, 1), (5, 6), 8) };
    let (q, mut k, mut v) = operands(&shape);
    for sample in 0..2 {
        let seen = [3, 0][sample];
        k[(sample * 6 + seen) * 8..(sample + 1) * 48].fill(f32::NAN);
        v[(sample * 6 + seen) * 8..(sample + 1) * 48].fill(f32::INFINITY);
    }
    let mut out = vec![0.0; q.len()];
    attention(&q, &k, &v, (&shape, Precision::Bf16), &mut out);
    assert!(out.iter().all(|value| value.is_finite()));
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    attention_backward(&AttentionOperands { q: &q, k: &k, v: &v }, &q, (&shape, Precision::Bf16), (&mut dq, &mut dk, &mut dv));
    assert!(dq.iter().chain(&dk).chain(&dv).all(|value| value.is_finite()));
}

#[test]
fn gradients_equal_central_differences() {
    for width in [1, 8, 5] {
        for (heads, lengths) in [((1, 1), (1, 1)), ((2, 2), (4, 7)), ((4, 2), (6, 5))] {
            let plain = shape(2, heads, lengths, width);
            for mask in [
                Mask::None,
                Mask::Causal { offset: 0 },
                Mask::Causal { offset: 2 },
                Mask::KeyLengths(&[lengths.1, 0]),
                Mask::KeyLengths(&[1, lengths.1 / 2]),
            ] {
                let shape = AttentionShape { mask, ..plain };
                let (q, k, v) = operands(&shape);
                let dy = values(q.len(), 4);
                let (wide_q, wide_k, wide_v, wide_dy) = (wide(&q), wide(&k), wide(&v), wide(&dy));
                let loss =
                    |q: &[f64], k: &[f64], v: &[f64]| inner_product(&reference::attention(q, k, v, &shape, Precision::F32), &wide_dy);
                for (precision, tolerance) in [(Precision::F32, 2e-5), (Precision::Bf16, 4e-2)] {
                    let (mut dq, mut dk, mut dv) = (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; v.len()]);
                    attention_backward(&AttentionOperands { q: &q, k: &k, v: &v }, &dy, (&shape, precision), (&mut dq, &mut dk, &mut dv));
                    let what = format!("{shape:?} {precision:?}");
                    assert_close(&dq, &numeric_gradient(&wide_q, |q| loss(q, &wide_k, &wide_v)), tolerance, &format!("dq {what}"));
                    assert_close(&dk, &numeric_gradient(&wide_k, |k| loss(&wide_q, k, &wide_v)), tolerance, &format!("dk {what}"));
                    assert_close(&dv, &numeric_gradient(&wide_v, |v| loss(&wide_q, &wide_k, v)), tolerance, &format!("dv {what}"));
                }
            }
        }
    }
}
