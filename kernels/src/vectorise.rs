//! Compiles one loop for several instruction sets.

/// Defines functions whose bodies are compiled for AVX-512, for AVX2 with FMA, and portably, and chosen at run time. The body must
/// be plain loops over slices that the compiler can vectorise; sums go through lanes ([`sum`](crate::elementwise)), because
/// the compiler may not reorder them.
macro_rules! vectorised {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => { $(
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn portable($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2")]
            fn avx512($($argument: $type),*) $(-> $result)? { portable($($argument),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) $(-> $result)? { portable($($argument),*) }
            #[cfg(target_arch = "x86_64")]
            {
                let level = $crate::dispatch::simd_level();
                if level >= $crate::dispatch::SimdLevel::Avx512 {
                    // SAFETY: the level says that the processor has these instructions.
                    return unsafe { avx512($($argument),*) };
                }
                if level >= $crate::dispatch::SimdLevel::Avx2 {
                    // SAFETY: the level says that the processor has these instructions.
                    return unsafe { avx2($($argument),*) };
                }
            }
            portable($($argument),*)
        }
    )* };
}
pub(crate) use vectorised;
