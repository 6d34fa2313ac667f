//! The executor that records for training keeps the waist's contract: the conformance suite of every executor.

#[allow(unused_imports, reason = "the recorder has no strips")]
#[path = "../../engine/tests/conformance/suite/mod.rs"]
mod suite;

use spec::RunPrecision;
use trainer::autodiff::Recorder;

#[test]
fn every_operation_agrees_with_plain_loops() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16] {
        suite::check_values(&Recorder::new(precision).device(), precision);
    }
}

#[test]
fn a_batch_equals_single_runs_bit_for_bit() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16] {
        suite::check_batches(&Recorder::new(precision).device());
    }
}

#[test]
fn two_threads_equal_one_bit_for_bit() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16] {
        suite::check_threads(&Recorder::new(precision).device());
    }
}

#[test]
fn misfits_are_errors() {
    suite::check_misfits(&Recorder::new(RunPrecision::F32).device());
}
