//! One tile of at most 6 × 64 sums: A as words `[rows, groups]`, broadcast one by one; B as words `[groups, 64]`.

use crate::dispatch::{SimdLevel, simd_level};
use crate::element::Precision;
use crate::matrix::BLOCK_COLUMNS;

type Sums = [[f32; BLOCK_COLUMNS]; 6];

/// Adds nothing to `sums`: it replaces the first rows and at least `columns` columns.
#[inline]
pub fn tile(a: &[u32], length: usize, b: &[u32], precision: Precision, columns: usize, sums: &mut Sums) {
    if length == 0 {
        return;
    }
    assert!(b.len() >= length * BLOCK_COLUMNS && a.len() <= 6 * length);
    #[cfg(target_arch = "x86_64")]
    {
        let level = simd_level();
        // SAFETY: the level says that the processor has these instructions; the assertion above bounds what they read.
        unsafe {
            match precision {
                Precision::F32 if level >= SimdLevel::Avx512 => return avx512::f32_tile(a, length, b, columns, sums),
                Precision::Bf16 if level >= SimdLevel::Avx512Bf16 => return avx512::bf16_tile(a, length, b, columns, sums),
                _ if level >= SimdLevel::Avx2 => return avx2_tile(a, length, b, precision, sums),
                _ => {}
            }
        }
    }
    portable_tile(a, length, b, precision, sums);
}

/// The same loops, compiled for AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2_tile(a: &[u32], length: usize, b: &[u32], precision: Precision, sums: &mut Sums) {
    portable_tile(a, length, b, precision, sums);
}

#[inline(always)]
fn portable_tile(a: &[u32], length: usize, b: &[u32], precision: Precision, sums: &mut Sums) {
    for (a, sums) in a.chunks_exact(length).zip(sums.iter_mut()) {
        *sums = [0.0; BLOCK_COLUMNS];
        for (&a, b) in a.iter().zip(b.chunks_exact(BLOCK_COLUMNS)) {
            match precision {
                Precision::F32 => {
                    for (sum, &b) in sums.iter_mut().zip(b) {
                        *sum = f32::from_bits(a).mul_add(f32::from_bits(b), *sum);
                    }
                }
                Precision::Bf16 => {
                    for (sum, &b) in sums.iter_mut().zip(b) {
                        let low = f32::from_bits(a << 16).mul_add(f32::from_bits(b << 16), *sum);
                        *sum = f32::from_bits(a & 0xffff_0000).mul_add(f32::from_bits(b & 0xffff_0000), low);
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::Sums;
    use std::arch::x86_64::{
        __m512, __m512bh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps,
    };

    macro_rules! tiles {
        ($name:ident, $inner:ident, $features:literal, $load:expr, $broadcast:expr, $multiply:expr) => {
            #[target_feature(enable = $features)]
            pub fn $name(a: &[u32], length: usize, b: &[u32], columns: usize, sums: &mut Sums) {
                let rows = a.len() / length;
                match (rows, columns.div_ceil(16)) {
                    (6, 4) => $inner::<6, 4>(a, length, b, sums),
                    (6, 3) => $inner::<6, 3>(a, length, b, sums),
                    (6, 2) => $inner::<6, 2>(a, length, b, sums),
                    (6, _) => $inner::<6, 1>(a, length, b, sums),
                    (5, 4) => $inner::<5, 4>(a, length, b, sums),
                    (5, 3) => $inner::<5, 3>(a, length, b, sums),
                    (5, 2) => $inner::<5, 2>(a, length, b, sums),
                    (5, _) => $inner::<5, 1>(a, length, b, sums),
                    (4, 4) => $inner::<4, 4>(a, length, b, sums),
                    (4, 3) => $inner::<4, 3>(a, length, b, sums),
                    (4, 2) => $inner::<4, 2>(a, length, b, sums),
                    (4, _) => $inner::<4, 1>(a, length, b, sums),
                    (3, 4) => $inner::<3, 4>(a, length, b, sums),
                    (3, 3) => $inner::<3, 3>(a, length, b, sums),
                    (3, 2) => $inner::<3, 2>(a, length, b, sums),
                    (3, _) => $inner::<3, 1>(a, length, b, sums),
                    (2, 4) => $inner::<2, 4>(a, length, b, sums),
                    (2, 3) => $inner::<2, 3>(a, length, b, sums),
                    (2, 2) => $inner::<2, 2>(a, length, b, sums),
                    (2, _) => $inner::<2, 1>(a, length, b, sums),
                    (_, 4) => $inner::<1, 4>(a, length, b, sums),
                    (_, 3) => $inner::<1, 3>(a, length, b, sums),
                    (_, 2) => $inner::<1, 2>(a, length, b, sums),
                    _ => $inner::<1, 1>(a, length, b, sums),
                }
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn $inner<const ROWS: usize, const VECTORS: usize>(a: &[u32], length: usize, b: &[u32], sums: &mut Sums) {
                let mut registers: [[__m512; VECTORS]; ROWS] = [[_mm512_setzero_ps(); VECTORS]; ROWS];
                for group in 0..length {
                    // SAFETY: `tile` asserted that b holds 64 words for each group and a holds `length` words for each row.
                    unsafe {
                        let b = b.as_ptr().add(group * 64);
                        let mut columns = [$load(b); VECTORS];
                        for vector in 1..VECTORS {
                            columns[vector] = $load(b.add(vector * 16));
                        }
                        for row in 0..ROWS {
                            let value = $broadcast(*a.as_ptr().add(row * length + group));
                            for vector in 0..VECTORS {
                                registers[row][vector] = $multiply(registers[row][vector], value, columns[vector]);
                            }
                        }
                    }
                }
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        // SAFETY: a row of sums holds 64 values, VECTORS is at most 4.
                        unsafe { _mm512_storeu_ps(sums[row].as_mut_ptr().add(vector * 16), registers[row][vector]) };
                    }
                }
            }
        };
    }

    tiles!(
        f32_tile,
        f32_inner,
        "avx512f",
        |p: *const u32| _mm512_loadu_ps(p.cast()),
        |w: u32| _mm512_set1_ps(f32::from_bits(w)),
        |s, a, b| _mm512_fmadd_ps(a, b, s)
    );
    tiles!(
        bf16_tile,
        bf16_inner,
        "avx512f,avx512bf16",
        |p: *const u32| std::mem::transmute::<_, __m512bh>(_mm512_loadu_si512(p.cast())),
        |w: u32| std::mem::transmute::<_, __m512bh>(_mm512_set1_epi32(w.cast_signed())),
        |s, a, b| _mm512_dpbf16_ps(s, a, b)
    );
}
