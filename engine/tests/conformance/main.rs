//! The CPU executor does what the waist says, against plain loops in f64; and no result depends, in any bit, on its
//! neighbours in the batch or on the number of threads.

mod suite;

use engine::Device;
use spec::RunPrecision;

#[test]
fn every_operation_agrees_with_plain_loops() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8] {
        suite::check_values(&Device::cpu(precision), precision);
    }
}

#[test]
fn a_batch_equals_single_runs_bit_for_bit() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8] {
        suite::check_batches(&Device::cpu(precision));
    }
}

#[test]
fn two_threads_equal_one_bit_for_bit() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16, RunPrecision::Int8] {
        suite::check_threads(&Device::cpu(precision));
    }
}

#[test]
fn misfits_are_errors() {
    suite::check_misfits(&Device::cpu(RunPrecision::F32));
}

#[test]
fn strips_equal_the_whole_map_bit_for_bit() {
    for precision in [RunPrecision::F32, RunPrecision::Bf16] {
        suite::check_strips(&Device::cpu(precision));
    }
}
