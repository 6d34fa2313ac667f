//! A map in strips gives the bits of the whole map, wherever it is cut.
use super::{packed, random};
use engine::{Activation, Conv, Device, Error, GroupNorm, Padding, Prologue, StripConv, Tensor, WeightKind};

/// Height, width, channels; some whose parts for statistics end inside a row and inside a strip.
const MAPS: [(usize, usize, usize); 4] = [(1, 1, 4), (7, 5, 12), (24, 31, 8), (19, 300, 4)];
/// Rows of the strips, repeated until the map ends.
const CUTS: [&[usize]; 4] = [&[1], &[2, 3, 1], &[16], &[usize::MAX]];

/// Checks an executor that works in strips.
pub fn check_strips(device: &Device) {
    for (height, width, channels) in MAPS {
        let map = random(&[1, height, width, channels], 1, device);
        let (weight, bias) = (random(&[channels], 2, device), random(&[channels], 3, device));
        for activation in [Activation::Identity, Activation::Silu] {
            let norm = GroupNorm { groups: channels / 4, weight: &weight, bias: &bias, epsilon: 1e-6, activation };
            let normed = map.group_norm(&norm).unwrap();
            for kernel in [1, 3, 5] {
                for cuts in CUTS.iter().filter(|cuts| cuts.iter().all(|rows| *rows >= kernel / 2)) {
                    let strips = cut(&map, cuts);
                    let strips: Vec<&Tensor> = strips.iter().collect();
                    let (scale, shift) = device.strips().unwrap().group_norm_columns(&strips, &norm).unwrap();
                    let prologue = Prologue::Normalise { scale: &scale, shift: &shift, activation };
                    compare(device, &normed, &strips, prologue, kernel);
                }
            }
        }
        let doubled = map.upsample_nearest_2x().unwrap();
        for cuts in CUTS {
            let strips = cut(&map, cuts);
            compare(device, &doubled, &strips.iter().collect::<Vec<_>>(), Prologue::UpsampleNearest2x, 3);
        }
    }
    misfits(device);
}

/// Convolves the strips, and the whole map behind the prologue, onto a residual.
fn compare(device: &Device, whole: &Tensor, strips: &[&Tensor], prologue: Prologue<'_>, kernel: usize) {
    let outputs = 9;
    let filter = packed(WeightKind::Conv { outputs, inputs: whole.last(), kernel }, 4, device);
    let bias = random(&[outputs], 5, device);
    let residual = random(&[1, whole.size(1), whole.size(2), outputs], 6, device);
    let conv = Conv { weight: &filter, bias: Some(&bias), stride: 1, padding: Padding::same(kernel / 2), residual: None };
    let expected = whole.conv2d(&Conv { residual: Some(&residual), ..conv }).unwrap();
    let factor = whole.size(1) / strips.iter().map(|strip| strip.size(1)).sum::<usize>();
    let mut first = 0;
    let mut results = Vec::new();
    for (index, strip) in strips.iter().enumerate() {
        let rows = factor * strip.size(1);
        let residual = residual.slice(1, first, rows).unwrap();
        let conv = StripConv {
            above: index.checked_sub(1).map(|above| strips[above]),
            below: strips.get(index + 1).copied(),
            prologue,
            conv: Conv { residual: Some(&residual), ..conv },
        };
        results.push(device.strips().unwrap().conv2d_strip(strip, &conv).unwrap());
        first += rows;
    }
    let found = Tensor::concat(&results.iter().collect::<Vec<_>>(), 1).unwrap();
    assert_eq!(found.shape(), expected.shape());
    let bits = |tensor: &Tensor| tensor.f32().unwrap().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert!(bits(&found) == bits(&expected), "{:?} in {} strips, kernel {kernel}", whole.shape(), strips.len());
}

fn cut(map: &Tensor, cuts: &[usize]) -> Vec<Tensor> {
    let (mut strips, mut first) = (Vec::new(), 0);
    for rows in cuts.iter().cycle() {
        let rows = (*rows).min(map.size(1) - first);
        strips.push(map.slice(1, first, rows).unwrap());
        first += rows;
        if first == map.size(1) {
            return strips;
        }
    }
    strips
}

fn misfits(device: &Device) {
    let executor = device.strips().unwrap();
    let strip = random(&[1, 4, 6, 8], 1, device);
    let (narrow, flat, batch) = (random(&[1, 4, 5, 8], 1, device), random(&[1, 1, 6, 8], 1, device), random(&[2, 4, 6, 8], 1, device));
    let (eight, four) = (random(&[8], 2, device), random(&[4], 2, device));
    let filter = |kernel| packed(WeightKind::Conv { outputs: 8, inputs: 8, kernel }, 3, device);
    let (two, three, five) = (filter(2), filter(3), filter(5));
    let conv = Conv { weight: &three, bias: None, stride: 1, padding: Padding::same(1), residual: None };
    let good = StripConv { above: None, below: Some(&strip), prologue: Prologue::UpsampleNearest2x, conv };
    let normalise = Prologue::Normalise { scale: &eight, shift: &four, activation: Activation::Silu };
    assert!(executor.conv2d_strip(&strip, &good).is_ok());
    for (what, strip, conv) in [
        ("several pictures", &batch, good),
        ("a narrow neighbour", &strip, StripConv { below: Some(&narrow), ..good }),
        (
            "a neighbour of too few rows",
            &strip,
            StripConv {
                above: Some(&flat),
                prologue: Prologue::Normalise { scale: &eight, shift: &eight, activation: Activation::Silu },
                conv: Conv { weight: &five, padding: Padding::same(2), ..conv },
                ..good
            },
        ),
        ("an even kernel", &strip, StripConv { conv: Conv { weight: &two, ..conv }, ..good }),
        ("stride", &strip, StripConv { conv: Conv { stride: 2, ..conv }, ..good }),
        ("padding", &strip, StripConv { conv: Conv { padding: Padding::same(0), ..conv }, ..good }),
        ("shift", &strip, StripConv { prologue: normalise, ..good }),
        ("residual", &strip, StripConv { conv: Conv { residual: Some(&eight), ..conv }, ..good }),
    ] {
        assert!(matches!(executor.conv2d_strip(strip, &conv), Err(Error::Shape { .. })), "{what}");
    }
    let norm = GroupNorm { groups: 2, weight: &eight, bias: &eight, epsilon: 1e-6, activation: Activation::Identity };
    for (what, strips) in [("no strips", &[][..]), ("widths", &[&strip, &narrow]), ("several pictures", &[&batch])] {
        assert!(matches!(executor.group_norm_columns(strips, &norm), Err(Error::Shape { .. })), "{what}");
    }
}
