use crate::lexicon::{Lexicon, package, signature::Trust};
use crate::{Error, Gate, OnReview};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A gate whose lexicons may change on disk while it is in use. Shareable between threads.
///
/// [`Self::current`] looks at the files' times and sizes, and reads them again when they differ. A set of lexicons that cannot
/// be read, or that nobody who is trusted signed, never replaces one that could: requests go on being read against the last good
/// set, and the error says why.
#[derive(Debug)]
pub struct LiveGate {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Settings {
    paths: Vec<PathBuf>,
    trust: Trust,
    on_review: OnReview,
    appeal: Option<String>,
}

#[derive(Debug)]
struct State {
    gate: Arc<Gate>,
    /// Of the files as they were last tried, successfully or not.
    stamps: Vec<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: Option<u64>,
}

impl LiveGate {
    /// Reads the built-in lexicon and those at `paths`, which must be there and trusted.
    pub fn open(paths: Vec<PathBuf>, trust: Trust) -> Result<Self, Error> {
        let settings = Settings { paths, trust, on_review: OnReview::default(), appeal: None };
        let stamps = settings.stamps();
        let gate = Arc::new(settings.gate()?);
        Ok(Self { settings, state: Mutex::new(State { gate, stamps }) })
    }

    /// The same with another answer to findings that ask for review and a contact for appeals.
    pub fn with(mut self, on_review: OnReview, appeal: Option<String>) -> Result<Self, Error> {
        self.settings.on_review = on_review;
        self.settings.appeal = appeal;
        let gate = Arc::new(self.settings.gate()?);
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).gate = gate;
        Ok(self)
    }

    /// The gate of the lexicons as they are now, and, where they changed into something that cannot be used, why; the gate is
    /// then the last good one. An error is told once for each change.
    pub fn current(&self) -> (Arc<Gate>, Result<(), Error>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.settings.stamps();
        if stamps == state.stamps {
            return (Arc::clone(&state.gate), Ok(()));
        }
        state.stamps = stamps;
        let outcome = self.settings.gate().map(|gate| state.gate = Arc::new(gate));
        (Arc::clone(&state.gate), outcome)
    }
}

impl Settings {
    fn gate(&self) -> Result<Gate, Error> {
        let mut lexicons = vec![Lexicon::builtin()?];
        for path in &self.paths {
            lexicons.push(Lexicon::read_trusting(path, &self.trust)?);
        }
        Ok(Gate::new(&lexicons)?.on_review(self.on_review).appeal_to(self.appeal.clone().unwrap_or_default()))
    }

    fn stamps(&self) -> Vec<Stamp> {
        let files = self.paths.iter().flat_map(|path| package::files(path));
        files
            .map(|path| {
                let metadata = std::fs::metadata(&path).ok();
                Stamp {
                    modified: metadata.as_ref().and_then(|metadata| metadata.modified().ok()),
                    length: metadata.map(|metadata| metadata.len()),
                    path,
                }
            })
            .collect()
    }
}
