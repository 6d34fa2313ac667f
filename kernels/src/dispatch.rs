//! What this processor can do, found at run time, and its denormal mode.

use std::sync::OnceLock;

/// Instruction sets that kernels exist for, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// Portable Rust.
    Scalar,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512 F/BW/DQ/VL.
    Avx512,
    /// AVX-512 with BF16 dot products.
    Avx512Bf16,
}

/// The level in use: the processor's, or less if the environment variable `DANQING_SIMD` (`scalar`, `avx2`, `avx512`) caps it.
pub fn simd_level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let cap = match std::env::var("DANQING_SIMD").as_deref() {
            Ok("scalar") => SimdLevel::Scalar,
            Ok("avx2") => SimdLevel::Avx2,
            Ok("avx512") => SimdLevel::Avx512,
            _ => SimdLevel::Avx512Bf16,
        };
        detected().min(cap)
    })
}

/// Runs `work` compiled for AVX2 where the processor has it: for plain loops of other crates, with the same bits everywhere, since
/// nothing fuses a product and a sum unasked. What `work` calls must be inlined to gain.
#[inline]
pub fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if simd_level() >= SimdLevel::Avx2 {
            // SAFETY: the level says that the processor has these instructions.
            return unsafe { avx2(work) };
        }
    }
    work()
}

/// Instruction sets that products of 8-bit integers exist for, weakest first. All give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Int8Level {
    /// Portable Rust.
    Scalar,
    /// AVX2: pairs of 16-bit products.
    Avx2,
    /// AVX-512 with VNNI: fours of 8-bit products.
    Avx512Vnni,
}

/// The level in use for products of 8-bit integers: the processor's, or less if `DANQING_SIMD` caps it.
pub fn int8_level() -> Int8Level {
    static LEVEL: OnceLock<Int8Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        if simd_level() >= SimdLevel::Avx512
            && std::env::var("DANQING_SIMD").as_deref() != Ok("avx512")
            && is_x86_feature_detected!("avx512vnni")
        {
            return Int8Level::Avx512Vnni;
        }
        if simd_level() >= SimdLevel::Avx2 { Int8Level::Avx2 } else { Int8Level::Scalar }
    })
}

/// Whether products of bfloat16 values are faster by f32 multiply-adds: everywhere but where `vdpbf16ps` runs at their rate, as on
/// AMD's processors. Both ways give the same bits; `DANQING_BF16` (`dot`, `f32`) chooses, to measure.
pub fn bf16_by_f32() -> bool {
    static CHOICE: OnceLock<bool> = OnceLock::new();
    *CHOICE.get_or_init(|| match (simd_level(), std::env::var("DANQING_BF16").as_deref()) {
        (SimdLevel::Scalar, _) | (SimdLevel::Avx512Bf16, Ok("dot")) => false,
        (SimdLevel::Avx2 | SimdLevel::Avx512, _) | (SimdLevel::Avx512Bf16, Ok("f32")) => true,
        (SimdLevel::Avx512Bf16, _) => made_by_intel(),
    })
}

#[cfg(target_arch = "x86_64")]
fn made_by_intel() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn made_by_intel() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn detected() -> SimdLevel {
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if avx512 && is_x86_feature_detected!("avx512bf16") {
        SimdLevel::Avx512Bf16
    } else if avx512 {
        SimdLevel::Avx512
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        SimdLevel::Avx2
    } else {
        SimdLevel::Scalar
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> SimdLevel {
    SimdLevel::Scalar
}

/// Makes this thread flush denormal results to zero and read denormal operands as zero: a picture must not slow down a
/// hundredfold where its values fade out.
pub fn set_flush_to_zero() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO: u32 = (1 << 15) | (1 << 6);
        let mut control = 0_u32;
        // SAFETY: every x86-64 processor has the MXCSR register; only the two denormal bits change.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
            control |= FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, readonly));
        }
    }
}
