//! `danqing design`: engineering designs.

mod options;

pub use options::DesignCommand;

use crate::commands::generate::{Asking, Target, generate};
use crate::failure::Failure;
use engine::families::Residency;
use installation::{Configuration, SOLVER};
use options::SolveOptions;
use spec::{Asked, Code, DesignRequest, KindOfWork, Request, Texts};

/// Longest problem file that is read; the solver's own bound is the same.
const MOST_PROBLEM_BYTES: u64 = 1 << 20;

pub fn run(command: &DesignCommand, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        DesignCommand::Solve(options) => solve(options, configuration),
    }
}

fn solve(options: &SolveOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let target = Target::choose(KindOfWork::Design, options.out.as_deref(), options.format, 1)?;
    let bytes = pipeline::read_user_file(&options.problem, MOST_PROBLEM_BYTES)?;
    let path = options.problem.display();
    let problem = String::from_utf8(bytes)
        .map_err(|_| Failure::new(Code::InvalidRequest, format!("{path} is not text in UTF-8 / {path} 不是 UTF-8 文本")))?;
    let asked = Asked::Design(DesignRequest { problem, format: target.format });
    let request = Request::of(SOLVER, Texts::default(), asked);
    let residency = Residency::OneAtATime;
    let asking = Asking { target: &target, force: options.force, account: options.account.as_deref(), as_json: options.json, residency };
    generate(configuration, &asking, |_, _, _| Ok(Ok(request)))
}
