use spec::Code;
use std::fmt::Display;

/// Why a command ended without its result: a code, and a text that says what was wrong, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn print(&self) {
        eprintln!("error[{}]: {} / {}\n  {}", self.code.name(), self.code.english(), self.code.chinese(), self.message);
    }
}

macro_rules! from_crate_errors {
    ($($error:ty),* $(,)?) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.code(), with_sources(&error))
            }
        }
    )* };
}

from_crate_errors!(
    credentials::Error,
    engine::Error,
    filing::Error,
    ledger::Error,
    pipeline::Error,
    policy::Error,
    provenance::Error,
    store::Error,
    trainer::Error,
    trainer::data::Error
);

/// The error and what caused it, each cause once: many errors already quote theirs.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
