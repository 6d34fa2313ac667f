use crate::lexicon::{Lexicon, package, signature::Trust};
use crate::{Error, Gate, OnReview};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A gate whose lexicons may change on disk while it is in use. Shareable between threads.
///
/// [`Self::current`] looks at the files' times and sizes, and reads them again when they differ. A set of lexicons that cannot
/// be read, or that nobody who is trusted signed, never replaces one that could: requests go on being read against the last good
/// set, and the error says why. While lexicons are being read again, other threads wait.
#[derive(Debug)]
pub struct LiveGate {
    settings: LiveSettings,
    state: Mutex<State>,
}

/// What a [`LiveGate`] reads and how it answers.
#[derive(Debug, Clone, Default)]
pub struct LiveSettings {
    /// Packages and single TOML files besides the built-in lexicon.
    pub paths: Vec<PathBuf>,
    /// Whose lexicons are accepted.
    pub trust: Trust,
    /// The answer to findings that ask for review.
    pub on_review: OnReview,
    /// Whom refusals send people to.
    pub appeal_contact: Option<String>,
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
    /// Reads the built-in lexicon and those that `settings` name, which must be there and trusted.
    pub fn open(settings: LiveSettings) -> Result<Self, Error> {
        let stamps = stamps(settings.files());
        let gate = Arc::new(settings.gate()?);
        Ok(Self { settings, state: Mutex::new(State { gate, stamps }) })
    }

    /// The gate of the lexicons as they are now, and, where they changed into something that cannot be used, why; the gate is
    /// then the last good one. An error is told once for each change.
    pub fn current(&self) -> (Arc<Gate>, Result<(), Error>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(state.stamps.iter().map(|stamp| stamp.path.clone()));
        if now == state.stamps {
            return (Arc::clone(&state.gate), Ok(()));
        }
        // A new header may name another file.
        state.stamps = stamps(self.settings.files());
        let outcome = self.settings.gate().map(|gate| state.gate = Arc::new(gate));
        (Arc::clone(&state.gate), outcome)
    }
}

impl LiveSettings {
    fn gate(&self) -> Result<Gate, Error> {
        let mut lexicons = vec![Lexicon::builtin()?];
        for path in &self.paths {
            lexicons.push(Lexicon::read_trusting(path, &self.trust)?);
        }
        Ok(Gate::new(&lexicons)?.on_review(self.on_review).appeal_to(self.appeal_contact.clone().unwrap_or_default()))
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.paths.iter().flat_map(|path| package::files(path))
    }
}

fn stamps(files: impl Iterator<Item = PathBuf>) -> Vec<Stamp> {
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
