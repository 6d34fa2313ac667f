//! Danqing's side of `cargo xtask bench`: loads what it is told to and times it when it is told to, so that the conductor can alternate
//! it with its peers. The peers speak the same protocol (`benches/protocol.py`).
//!
//! # Contract
//! One JSON object a line on standard input, one a line on standard output:
//! * `{"do": "about"}` → threads, instruction set and the precisions this build runs in.
//! * `{"do": "load", "name", "kind", …}` → `{"seconds"}`: everything before the first timed run, one untimed run included.
//! * `{"do": "run", "name", "threads", "repeat", "index"}` → `{"seconds"}` of one repetition on average. `index` differs between runs, so
//!   that nothing can be answered from the run before.
//! * `{"do": "clear"}` drops all that was loaded.
//!
//! A failure is `{"error"}`; the worker goes on.
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::Instant;

mod ceilings;
mod kernel_rows;
mod models;
mod options;

/// One repetition; the argument is the run's index.
type Work = Box<dyn FnMut(u64) -> Result<()>>;

fn main() -> Result<()> {
    kernels::memory::keep_freed();
    let mut loaded: HashMap<String, Work> = HashMap::new();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?).map_err(Into::into).and_then(|order: Value| obey(&order, &mut loaded));
        let answer = answer.unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn obey(order: &Value, loaded: &mut HashMap<String, Work>) -> Result<Value> {
    match options::text(order, "do")? {
        "about" => Ok(json!({
            "threads": kernels::pool::threads(),
            "simd": format!("{:?}", kernels::dispatch::simd_level()),
            "dtypes": models::precisions(),
            "ceilings": ceilings::names(),
        })),
        "load" => {
            let start = Instant::now();
            let mut work = load(order)?;
            // Distinct from every index of a timed run.
            work(u64::MAX)?;
            loaded.insert(options::text(order, "name")?.to_owned(), work);
            Ok(json!({"seconds": start.elapsed().as_secs_f64()}))
        }
        "run" => {
            kernels::pool::set_threads(options::number(order, "threads")?);
            let work = loaded.get_mut(options::text(order, "name")?).context("nothing is loaded under that name")?;
            let (repeat, index) = (options::number(order, "repeat")?.max(1), options::number(order, "index")? as u64);
            let start = Instant::now();
            for _ in 0..repeat {
                work(index)?;
            }
            Ok(json!({"seconds": start.elapsed().as_secs_f64() / repeat as f64}))
        }
        "clear" => {
            loaded.clear();
            Ok(json!({}))
        }
        other => bail!("unknown order {other}"),
    }
}

fn load(order: &Value) -> Result<Work> {
    match options::text(order, "kind")? {
        "ceiling" => ceilings::load(order),
        "gemm" => kernel_rows::gemm(order),
        "conv" => kernel_rows::conv(order),
        "attention" => kernel_rows::attention(order),
        "silu" => kernel_rows::silu(order),
        "block" => models::block(order),
        "picture" => models::picture(order),
        other => bail!("unknown kind {other}"),
    }
}
