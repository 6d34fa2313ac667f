//! Runs the kernels that carry the work, on one thread, for `cargo xtask instructions` to count their instructions.
//!
//! `hot_kernels list` prints `name TAB units TAB unit` of each; `hot_kernels NAME COUNT` runs one so many times inside [`measured`], after
//! a run that makes the buffers which a thread keeps.
use kernels::attention::{AttentionShape, Mask, attention};
use kernels::conv::{ConvShape, PackedFilter, Padding, conv2d};
use kernels::element::{Activation, Elements, Precision};
use kernels::elementwise;
use kernels::gemm::{Epilogue, gemm};
use kernels::int8::{self, ChannelSteps, QuantizedFilter, QuantizedMatrix};
use kernels::matrix::{MatrixView, PackedMatrix};
use kernels::norm::{GroupNorm, Norm, NormKind, group_norm, norm};
use std::hint::black_box;

/// A kernel with operands that are ready.
struct Kernel {
    name: String,
    /// What its instructions are divided by.
    units: usize,
    unit: &'static str,
    run: Box<dyn FnMut()>,
}

fn main() {
    kernels::pool::set_threads(1);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut kernels = kernels();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => kernels.iter().for_each(|kernel| println!("{}\t{}\t{}", kernel.name, kernel.units, kernel.unit)),
        [name, count] => {
            let kernel = kernels.iter_mut().find(|kernel| kernel.name == name).expect("a name of the list");
            (kernel.run)();
            for _ in 0..count.parse().expect("a number of runs") {
                measured(&mut *kernel.run);
            }
        }
        _ => panic!("usage: hot_kernels list | NAME COUNT"),
    }
}

/// What a counter starts and stops at.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    black_box(run)();
    // Not a jump into the kernel: the counter must see this function return.
    black_box(());
}

/// Values without structure and without denormals, -1 to 1.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 7919 % 1009) as f32 - 504.0) / 504.0).collect()
}

fn kernel(name: impl Into<String>, units: usize, unit: &'static str, run: impl FnMut() + 'static) -> Kernel {
    Kernel { name: name.into(), units, unit, run: Box::new(run) }
}

/// Small, because a counting processor is fifty times slower; large enough that what happens once is nothing beside the loops.
fn kernels() -> Vec<Kernel> {
    let mut kernels = Vec::new();
    let (m, k, n) = (96, 320, 128);
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16)] {
        let (a, mut out) = (values(m * k), vec![0.0; m * n]);
        let b = PackedMatrix::pack(&MatrixView::new(&values(k * n), k, n), precision);
        kernels.push(kernel(format!("gemm-{name}"), m * k * n, "multiply-add", move || {
            gemm(&MatrixView::new(&a, m, k), &b, &Epilogue::default(), &mut out);
        }));
    }
    let (a, mut out) = (values(m * k), vec![0.0; m * n]);
    let b = QuantizedMatrix::quantize(&MatrixView::new(&values(k * n), k, n));
    kernels.push(kernel("gemm-int8", m * k * n, "multiply-add", move || {
        int8::gemm(&MatrixView::new(&a, m, k), &b, &Epilogue::default(), &mut out);
    }));
    let (side, channels) = (16, 64);
    let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
    let shape =
        ConvShape { batch: 1, height: side, width: side, in_channels: channels, out_channels: channels, kernel: 3, stride: 1, padding };
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16)] {
        let filter = PackedFilter::pack(&Elements::F32(&values(channels * channels * 9)), (channels, channels, 3), precision);
        let (x, mut out) = (values(side * side * channels), vec![0.0; side * side * channels]);
        kernels.push(kernel(format!("conv-{name}"), side * side * channels * channels * 9, "multiply-add", move || {
            conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
        }));
    }
    let (x, mut out) = (values(side * side * channels), vec![0.0; side * side * channels]);
    let integers: Vec<i8> = values(channels * channels * 9).iter().map(|value| (value * 127.0) as i8).collect();
    let steps = ChannelSteps { factors: vec![100.0; channels], zeros: vec![128; channels] };
    let filter = QuantizedFilter::from_integers(&integers, (channels, channels, 3), &vec![1e-4; channels], &steps);
    kernels.push(kernel("conv-int8", side * side * channels * channels * 9, "multiply-add", move || {
        int8::conv2d(&x, &filter, &shape, &Epilogue::default(), &mut out);
    }));
    let (heads, tokens, width) = (2, 192, 64);
    for (name, precision) in [("f32", Precision::F32), ("bf16", Precision::Bf16)] {
        let (q, mut out) = (values(heads * tokens * width), vec![0.0; heads * tokens * width]);
        kernels.push(kernel(format!("attention-{name}"), 2 * heads * tokens * tokens * width, "multiply-add", move || {
            let shape = AttentionShape {
                batch: 1,
                heads,
                key_value_heads: heads,
                query_length: tokens,
                key_length: tokens,
                head_dimension: width,
                scale: 0.125,
                mask: Mask::None,
            };
            attention(&q, &q, &q, (&shape, precision), &mut out);
        }));
    }
    let count = 1 << 15;
    for (name, activation) in [("silu", Activation::Silu), ("gelu-tanh", Activation::GeluTanh), ("gelu-erf", Activation::GeluErf)] {
        let (x, mut out) = (values(count), vec![0.0; count]);
        kernels.push(kernel(name, count, "value", move || elementwise::activation(&x, activation, &mut out)));
    }
    let (x, mut out) = (values(count), vec![0.0; count]);
    kernels.push(kernel("exponential", count, "value", move || elementwise::exponential(&x, &mut out)));
    let (x, mut out) = (values(count), vec![0.0; count]);
    kernels.push(kernel("layer-norm", count, "value", move || {
        let settings = Norm { kind: NormKind::Layer, channels: 256, weight: None, bias: None, modulation: None, epsilon: 1e-6 };
        norm(&x, &settings, &mut out);
    }));
    let (x, mut out, ones) = (values(count), vec![0.0; count], vec![1.0; 64]);
    kernels.push(kernel("group-norm-silu", count, "value", move || {
        let settings = GroupNorm { batch: 1, groups: 32, weight: &ones, bias: &ones, epsilon: 1e-6, activation: Activation::Silu };
        group_norm(&x, &settings, &mut out);
    }));
    kernels
}
