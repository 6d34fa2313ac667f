use clap::Command;
use std::path::Path;

/// The name of the option, in every command that has it.
const OPTION: &str = "ledger";

/// The commands with the configured ledger in place of their default one; those without a default look for it themselves.
pub fn replace(mut command: Command, ledger: &Path) -> Command {
    let has_default = |argument: &clap::Arg| argument.get_id() == OPTION && !argument.get_default_values().is_empty();
    if command.get_arguments().any(has_default) {
        command = command.mut_arg(OPTION, |argument| argument.default_value(ledger.as_os_str().to_owned()));
    }
    command.mut_subcommands(|subcommand| replace(subcommand, ledger))
}
