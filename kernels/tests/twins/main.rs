//! Every kernel against its plain scalar twin, at every instruction set that this processor has.
#![expect(clippy::float_cmp, reason = "moved and rounded values are compared bit for bit")]
mod attention;
mod conv;
mod elementwise;
mod gemm;
mod norm;
mod resample;
mod rope;

use kernels::dispatch::{SimdLevel, simd_level};
use std::process::Command;

/// Runs all other tests of this binary in processes that are held to weaker instruction sets.
#[test]
fn levels() {
    for (name, cap) in [("scalar", SimdLevel::Scalar), ("avx2", SimdLevel::Avx2), ("avx512", SimdLevel::Avx512)] {
        if cap >= simd_level() {
            continue;
        }
        let binary = std::env::current_exe().expect("a running test has a binary");
        let run = Command::new(binary).args(["--skip", "levels"]).env("DANQING_SIMD", name).output().expect("the test binary starts");
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && printed.contains("level_in_force"), "at level {name}:\n{printed}");
    }
}

#[test]
fn level_in_force() {
    let cap = match std::env::var("DANQING_SIMD").as_deref() {
        Ok("scalar") => SimdLevel::Scalar,
        Ok("avx2") => SimdLevel::Avx2,
        Ok("avx512") => SimdLevel::Avx512,
        _ => return,
    };
    assert!(simd_level() <= cap);
}
