//! Which lines of the standard input the built-in lexicon refuses, and by which rule: to try a list of words or prompts on it.
//!
//! `cargo run --release -p policy --example screen_lines < prompts.txt`

use policy::{Field, Gate};
use std::io::{BufRead as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = Gate::builtin()?;
    let mut output = std::io::stdout().lock();
    let (mut lines, mut refused) = (0, 0);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let findings = gate.examine(&line, Field::Prompt);
        lines += 1;
        refused += usize::from(!findings.is_empty());
        for finding in findings {
            writeln!(output, "{line}\t{}\t{}\t{}", finding.rule, finding.view.name(), finding.quote)?;
        }
    }
    eprintln!("{refused} of {lines} lines refused");
    Ok(())
}
