//! What this machine can do at most: multiply-adds on registers alone, and a copy of memory. Every thread runs the same loop.
use crate::{Work, options};
use anyhow::{Result, bail};
use serde_json::Value;
use std::hint::black_box;

/// Rounds of a register loop in one repetition: tens of milliseconds, long against the waking of a thread.
const ROUNDS: usize = 4_000_000;

/// A register loop: `rounds` rounds, and the operations (two a multiply-add) of one.
#[derive(Clone, Copy)]
struct Loop {
    name: &'static str,
    run: fn(usize),
    operations: usize,
}

/// The names of [`loops`] with the operations of one repetition on one thread.
pub fn names() -> Value {
    loops().iter().map(|each| (each.name.to_owned(), Value::from(each.operations * ROUNDS))).collect::<serde_json::Map<_, _>>().into()
}

/// `which`: a name of [`names`], on `threads` threads; or `copy` of `bytes` bytes.
pub fn load(order: &Value) -> Result<Work> {
    let which = options::text(order, "which")?;
    if which == "copy" {
        let bytes = options::number(order, "bytes")?;
        let (source, mut target) = (options::values(bytes / 4), vec![0.0; bytes / 4]);
        return Ok(Box::new(move |_| {
            let part = source.len().div_ceil(kernels::pool::threads());
            kernels::pool::parallel_chunks_mut(&mut target, part, &|index, target| {
                target.copy_from_slice(&source[index * part..][..target.len()]);
            });
            Ok(())
        }));
    }
    let Some(found) = loops().into_iter().find(|each| each.name == which) else { bail!("this processor has no ceiling {which}") };
    Ok(Box::new(move |_| {
        kernels::pool::parallel_for(kernels::pool::threads(), &|_| (found.run)(black_box(ROUNDS)));
        Ok(())
    }))
}

/// The fastest loop for each kind of product that this processor has instructions for.
#[cfg(target_arch = "x86_64")]
fn loops() -> Vec<Loop> {
    let mut found = Vec::new();
    if is_x86_feature_detected!("avx512f") {
        found.push(Loop { name: "f32", run: x86::multiply_add_512, operations: x86::ACCUMULATORS * 16 * 2 });
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        found.push(Loop { name: "f32", run: x86::multiply_add_256, operations: x86::ACCUMULATORS_256 * 8 * 2 });
    }
    // Where f32 multiply-adds are the faster way to a product of bfloat16 values, theirs is the ceiling.
    if is_x86_feature_detected!("avx512bf16") && !kernels::dispatch::bf16_by_f32() {
        found.push(Loop { name: "bf16", run: x86::dot_bf16, operations: x86::ACCUMULATORS * 32 * 2 });
    }
    if is_x86_feature_detected!("avx512vnni") {
        found.push(Loop { name: "int8", run: x86::dot_int8, operations: x86::ACCUMULATORS * 64 * 2 });
    } else if is_x86_feature_detected!("avx2") {
        // The instruction that multiplies bytes saturates: exact sums are of pairs of 16 bits.
        found.push(Loop { name: "int8", run: x86::multiply_pairs, operations: x86::ACCUMULATORS_256 * 16 * 2 });
    }
    found
}

#[cfg(not(target_arch = "x86_64"))]
fn loops() -> Vec<Loop> {
    Vec::new()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_fmadd_ps, _mm256_set1_epi16, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
        _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_set1_epi8, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_setzero_si512,
    };
    use std::hint::black_box;

    /// More than latency × throughput of any multiply-add so far, and with two operands within the 32 registers.
    pub const ACCUMULATORS: usize = 24;
    /// The same within the 16 registers of AVX2.
    pub const ACCUMULATORS_256: usize = 12;

    macro_rules! register_loop {
        ($name:ident, $body:ident, $features:literal, $count:ident, $zero:expr, $operand:expr, $step:expr) => {
            pub fn $name(rounds: usize) {
                // SAFETY: the table of loops names this one only if the processor has its features.
                unsafe { $body(rounds) }
            }

            #[target_feature(enable = $features)]
            fn $body(rounds: usize) {
                let (a, b) = (black_box($operand), black_box($operand));
                let mut sums = [$zero; $count];
                for _ in 0..rounds {
                    for sum in &mut sums {
                        *sum = $step(*sum, a, b);
                    }
                }
                black_box(sums);
            }
        };
    }

    register_loop!(
        multiply_add_512,
        multiply_add_512_body,
        "avx512f",
        ACCUMULATORS,
        _mm512_setzero_ps(),
        _mm512_set1_ps(0.5),
        |sum, a, b| { _mm512_fmadd_ps(a, b, sum) }
    );
    register_loop!(
        multiply_add_256,
        multiply_add_256_body,
        "avx2,fma",
        ACCUMULATORS_256,
        _mm256_setzero_ps(),
        _mm256_set1_ps(0.5),
        |sum, a, b| _mm256_fmadd_ps(a, b, sum)
    );
    register_loop!(
        multiply_pairs,
        multiply_pairs_body,
        "avx2",
        ACCUMULATORS_256,
        _mm256_setzero_si256(),
        _mm256_set1_epi16(1),
        |sum, a: __m256i, b: __m256i| {
            let products: __m256i;
            // Written out, because a compiler would compute a product of constants once.
            // SAFETY: it reads two registers and writes a third.
            unsafe { std::arch::asm!("vpmaddwd {}, {}, {}", out(ymm_reg) products, in(ymm_reg) a, in(ymm_reg) b, options(nomem, nostack)) };
            _mm256_add_epi32(sum, products)
        }
    );
    register_loop!(
        dot_bf16,
        dot_bf16_body,
        "avx512f,avx512bf16",
        ACCUMULATORS,
        _mm512_setzero_ps(),
        _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5), _mm512_set1_ps(0.5)),
        |sum, a, b| _mm512_dpbf16_ps(sum, a, b)
    );
    register_loop!(
        dot_int8,
        dot_int8_body,
        "avx512f,avx512vnni",
        ACCUMULATORS,
        _mm512_setzero_si512(),
        _mm512_set1_epi8(1),
        |sum, a, b| _mm512_dpbusd_epi32(sum, a, b)
    );
}
