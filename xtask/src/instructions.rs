//! `cargo xtask instructions`: how many instructions the hot kernels take for one unit of work, against budgets. Time on a shared machine
//! says little; a helper that is no longer inlined, or a loop that is no longer vectorised, multiplies the count.
//!
//! Callgrind counts what runs on AVX2 and on portable code, because it knows no AVX-512; where `perf` can count instructions, it counts
//! what this processor runs on its own, which must stay within the AVX2 budgets at least. What cannot be counted here is said and skipped.
use crate::workspace_root;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a count may exceed its measured value by: compilers differ a little, faults by factors.
const SLACK: f64 = 1.15;
/// Runs that `perf` counts, less those of a second count, so that what happens once does not count.
const RUNS: [u32; 2] = [2, 22];
/// Instructions for one unit, measured: kernel, AVX2, portable.
const MEASURED: &[(&str, f64, f64)] = &[
    ("gemm-f32", 0.2845, 2.0491),
    ("gemm-bf16", 0.3234, 1.7524),
    ("gemm-int8", 0.2295, 3.9222),
    ("conv-f32", 0.2704, 2.0299),
    ("conv-bf16", 0.2786, 1.7163),
    ("conv-int8", 0.2129, 3.8787),
    ("attention-f32", 0.3585, 3.2211),
    ("attention-bf16", 0.4134, 3.0176),
    ("silu", 3.5099, 124.2588),
    ("gelu-tanh", 4.3849, 125.7588),
    ("gelu-erf", 7.2597, 132.7588),
    ("exponential", 2.6339, 121.0072),
    ("layer-norm", 2.5089, 5.8449),
    ("group-norm-silu", 6.9455, 131.3559),
];

struct Kernel {
    name: String,
    units: f64,
    unit: String,
}

pub fn run(arguments: &[String]) -> Result<()> {
    let shows_table = match arguments {
        [] => false,
        [table] if table == "--table" => true,
        _ => bail!(
            "usage: cargo xtask instructions [--table]\n\
             Counts the instructions of the hot kernels with callgrind and perf, where they are, and holds them against budgets.\n\
             --table prints the counts as the table of budgets in xtask/src/instructions.rs."
        ),
    };
    let program = build()?;
    let kernels = list(&program)?;
    let mut faults = Vec::new();
    let mut columns = Vec::new();
    if is_there("valgrind") {
        for (level, budget) in [("avx2", 0), ("scalar", 1)] {
            let counts = callgrind(&program, level, &kernels)?;
            faults.extend(compare(&kernels, &counts, level, budget));
            columns.push(counts);
        }
    } else {
        println!("instructions: skipped on AVX2 and portable code, because there is no valgrind");
    }
    match perf(&program, &kernels)? {
        Some(counts) => faults.extend(compare(&kernels, &counts, "this processor", 0)),
        None => println!("instructions: skipped on this processor's own instructions, because perf cannot count them here"),
    }
    if shows_table {
        for (index, kernel) in kernels.iter().enumerate() {
            let counts: Vec<String> = columns.iter().map(|counts| format!("{:.4}", counts[index] / kernel.units)).collect();
            println!("    ({:?}, {}),", kernel.name, counts.join(", "));
        }
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} kernel(s) over their budget of instructions", faults.len());
    }
    println!("instructions: {} kernels within their budgets", kernels.len());
    Ok(())
}

fn build() -> Result<PathBuf> {
    let root = workspace_root();
    let arguments = ["build", "--quiet", "--release", "--locked", "-p", "kernels", "--example", "hot_kernels"];
    // Callgrind finds where to count by the name of a function.
    let status = Command::new(env!("CARGO")).args(arguments).env("CARGO_PROFILE_RELEASE_STRIP", "none").current_dir(&root).status()?;
    if !status.success() {
        bail!("the example hot_kernels does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/examples/hot_kernels"))
}

fn list(program: &Path) -> Result<Vec<Kernel>> {
    let output = Command::new(program).arg("list").output()?;
    let text = String::from_utf8(output.stdout)?;
    let kernel = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let (name, units, unit) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
        Some(Kernel { name, units, unit })
    };
    text.lines().map(|line| kernel(line).with_context(|| format!("hot_kernels list: {line:?}"))).collect()
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Counts of all kernels: callgrind starts and stops at the function `measured`.
fn callgrind(program: &Path, level: &str, kernels: &[Kernel]) -> Result<Vec<f64>> {
    let count = |kernel: &Kernel| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*hot_kernels*measured*"])
            .arg(program)
            .args([kernel.name.as_str(), "1"])
            .env("DANQING_SIMD", level)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
        // Nothing is counted where the function was not found.
        collected.filter(|count| *count > 0.0).with_context(|| format!("callgrind counted nothing of {} on {level}: {said}", kernel.name))
    };
    kernels.iter().map(count).collect()
}

/// Counts of all kernels by the processor itself, if it lets us.
fn perf(program: &Path, kernels: &[Kernel]) -> Result<Option<Vec<f64>>> {
    if !is_there("perf") {
        return Ok(None);
    }
    let count = |kernel: &Kernel, runs: u32| -> Result<Option<f64>> {
        let output = Command::new("perf")
            .args(["stat", "--field-separator", ",", "--event", "instructions:u", "--"])
            .arg(program)
            .args([kernel.name.clone(), runs.to_string()])
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(text.lines().find(|line| line.contains("instructions")).and_then(|line| line.split(',').next()?.parse().ok()))
    };
    let mut counts = Vec::new();
    for kernel in kernels {
        let (Some(few), Some(many)) = (count(kernel, RUNS[0])?, count(kernel, RUNS[1])?) else { return Ok(None) };
        counts.push((many - few) / f64::from(RUNS[1] - RUNS[0]));
    }
    Ok(Some(counts))
}

fn compare(kernels: &[Kernel], counts: &[f64], level: &str, column: usize) -> Vec<String> {
    let fault = |(kernel, count): (&Kernel, &f64)| {
        let found = count / kernel.units;
        let Some((_, avx2, portable)) = MEASURED.iter().find(|(name, ..)| *name == kernel.name) else {
            return Some(format!(
                "{}: no budget in xtask/src/instructions.rs; {found:.4} instructions a {} on {level}",
                kernel.name, kernel.unit
            ));
        };
        let budget = [avx2, portable][column] * SLACK;
        (found > budget)
            .then(|| format!("{} on {level}: {found:.4} instructions a {}, the budget is {budget:.4}", kernel.name, kernel.unit))
    };
    kernels.iter().zip(counts).filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kernel, MEASURED, SLACK, compare};

    #[test]
    fn more_than_the_slack_and_an_unknown_kernel_are_faults() {
        let (name, avx2, portable) = MEASURED[0];
        let kernel = |name: &str| Kernel { name: name.to_owned(), units: 1000.0, unit: "multiply-add".to_owned() };
        let faults = |name: &str, count: f64, column: usize| compare(&[kernel(name)], &[count * 1000.0], "a level", column).len();
        for (column, measured) in [(0, avx2), (1, portable)] {
            assert_eq!(faults(name, measured, column), 0);
            assert_eq!(faults(name, measured * (SLACK - 0.01), column), 0);
            assert_eq!(faults(name, measured * (SLACK + 0.01), column), 1);
        }
        assert_eq!(faults("unknown", 0.0, 0), 1);
    }
}
