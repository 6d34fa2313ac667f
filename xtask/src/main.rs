//! Developers' commands. `cargo xtask check` asserts what the compiler cannot: which crate may see which, that each
//! stage of the sentence is earned in one place, that every dependency is explained and licensed as `deny.toml` asks, that unsafe code stays at
//! home, that unlabelled pixels are seen by listed files alone, that paths named in Markdown are there, and that common words are spelled right. `cargo xtask bench` makes the tables of
//! BENCHMARKS.md, `cargo xtask instructions` holds the hot kernels to their budgets, and `cargo xtask dist` packs a release.
use anyhow::{Result, bail};
use std::path::PathBuf;

mod arrows;
mod bench;
mod dependencies;
mod dist;
mod instructions;
mod licences;
mod measurement;
mod named_paths;
mod officers_table;
mod repository;
mod sheet;
mod stages;
mod typos;
mod unsafe_code;

fn main() -> Result<()> {
    let command = std::env::args().nth(1).unwrap_or_default();
    match command.as_str() {
        "bench" => bench::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        "check" => check(),
        "dist" => dist::run(),
        "instructions" => instructions::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        "sheet" => sheet::make(&std::env::args().skip(2).collect::<Vec<_>>()),
        _ => bail!("usage: cargo xtask check | bench [--help] | dist | instructions [--table] | sheet OUT.png PICTURE…"),
    }
}

fn check() -> Result<()> {
    let root = workspace_root();
    let metadata = arrows::metadata(&root)?;
    let mut faults = arrows::faults(&metadata);
    faults.extend(stages::faults(&root)?);
    faults.extend(officers_table::faults(&root)?);
    faults.extend(dependencies::faults(&root, &metadata)?);
    let rooms: Vec<String> = arrows::members(&metadata).into_iter().map(|(name, _)| name).filter(|name| name != "xtask").collect();
    faults.extend(unsafe_code::faults(&root, &rooms)?);
    faults.extend(licences::faults(&root)?);
    faults.extend(named_paths::faults(&root)?);
    faults.extend(typos::faults(&root)?);
    faults.extend(measurement::faults(&root, &rooms)?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} fault(s)", faults.len());
    }
    println!(
        "arrows, stages, dependencies and their licences, the officer's table, homes of unsafe code, callers of the measurement, named paths and spelling hold"
    );
    Ok(())
}

fn workspace_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}
