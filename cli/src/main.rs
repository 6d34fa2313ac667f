//! `danqing`: generate, train, verify, and look into models, in one binary. Results go to standard output, everything
//! else to standard error. Exit codes are those of `spec::Code`.
mod arguments;
mod closed_output;
mod commands;
mod default_ledger;
mod failure;
mod front;
mod identity;
mod interrupt;
mod made;
mod notes;
mod progress;
mod stop_watch;

use arguments::{Arguments, Command, ModelCommand};
use clap::{CommandFactory as _, FromArgMatches as _, Parser as _};
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    kernels::memory::keep_freed();
    closed_output::end_without_panic();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell if the terminal is gone.
            let _ = error.print();
            if error.use_stderr() {
                eprintln!("命令行参数有误，详见上文；用法请见 --help。");
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    if arguments.quiet {
        notes::be_quiet();
    }
    if let Some(threads) = arguments.threads {
        kernels::pool::set_threads(threads.get());
    }
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code().exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<u8, Failure> {
    let mut configuration = installation::Configuration::load(arguments.config.as_deref())?;
    let mut arguments = arguments;
    if let Some(ledger) = &configuration.ledger {
        // Parsed once more, which cannot fail: the same words, and another default of `--ledger`.
        let command = default_ledger::replace(Arguments::command(), ledger);
        arguments = command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches)).unwrap_or(arguments);
    }
    if arguments.packed_weights.is_some() {
        configuration.packed_weights = arguments.packed_weights;
    }
    match arguments.command {
        Command::Generate(options) => commands::generate::run(&options, &configuration),
        Command::Train(options) => commands::train::run(&options, &configuration),
        Command::Init(options) => commands::init::run(&options),
        Command::Verify(options) => commands::verify::run(&options, &configuration),
        Command::Label(options) => commands::label::run(&options, &configuration),
        Command::Convert(options) => commands::label::convert(&options, &configuration),
        Command::Ledger { command } => commands::ledger::run(&command, &configuration),
        Command::Model { command: ModelCommand::Check(options) } => commands::model::check(&options),
        Command::Model { command: ModelCommand::Inspect(options) } => commands::model::inspect(&options),
        Command::Model { command: ModelCommand::Evaluate(options) } => commands::evaluate::run(&options),
        Command::Model { command: ModelCommand::Quantize(options) } => commands::quantize::run(&options),
        Command::Model { command: ModelCommand::Packed(options) } => commands::packed::run(&options, &configuration),
        Command::Data { command } => commands::data::run(&command),
        Command::Filing { command } => commands::filing::run(&command, &configuration),
        Command::Article9 { command } => commands::article9::run(&command, &configuration),
        Command::Design { command } => commands::design::run(&command, &configuration),
        Command::Policy { command } => commands::policy::run(&command, &configuration),
        Command::Bench(options) => commands::bench::run(&options),
        Command::Completions(options) => commands::manual::completions(&options),
        Command::Man(options) => commands::manual::man_pages(&options),
    }
}
