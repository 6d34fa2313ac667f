//! What a package ships beside the binary: completions for shells, and man pages.

use crate::arguments::{Arguments, CompletionsOptions, ManOptions};
use crate::failure::Failure;
use clap::CommandFactory as _;
use clap_mangen::Man;

#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub fn completions(options: &CompletionsOptions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "danqing", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(0)
}

/// One page for each command and each of its own: `danqing.1`, `danqing-ledger.1`, `danqing-ledger-verify.1`.
pub fn man_pages(options: &ManOptions) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::writing(&options.folder, &error);
    std::fs::create_dir_all(&options.folder).map_err(failed)?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut pages = 0_usize;
    let mut left = vec![command];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
        Man::new(command).generate_to(&options.folder).map_err(failed)?;
        pages += 1;
    }
    println!("{pages} pages / 页 → {}", options.folder.display());
    Ok(0)
}
