//! What happens to an account that keeps asking for what is refused.
//!
//! Three refused requests in a row, or five in a day, suspend it. The day is any 24 hours, which is never laxer than a calendar
//! day. A suspension ends when a person ends it.

use crate::lexicon::signature::hexadecimal;
use crate::{Error, standard};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const SECONDS_IN_DAY: i64 = 86_400;

/// Refused requests that suspend an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrikeLimits {
    /// One after the other.
    pub in_a_row: u32,
    /// Within 24 hours.
    pub in_a_day: u32,
}

impl Default for StrikeLimits {
    /// Those of the standard.
    fn default() -> Self {
        Self { in_a_row: standard::STRIKES_IN_A_ROW.value, in_a_day: standard::STRIKES_IN_A_DAY.value }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The gate cleared it.
    Cleared,
    /// The gate refused it.
    Refused,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    /// [`StrikeLimits::in_a_row`].
    InARow,
    /// [`StrikeLimits::in_a_day`].
    InADay,
}

/// A suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Unix time in seconds.
    pub since: i64,
    /// The limit.
    pub cause: SuspensionCause,
}

/// Whether an account may ask for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Good {
        /// Refused requests in a row.
        in_a_row: u32,
        /// Refused requests within 24 hours.
        in_a_day: u32,
    },
    /// It may not, until a person lifts it.
    Suspended(Suspension),
}

/// What is kept of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    in_a_row: u32,
    /// Unix times in seconds of refused requests within the last 24 hours.
    refused_at: Vec<i64>,
    suspended: Option<Suspension>,
}

impl Account {
    /// Counts a request at Unix time `now`. One of a suspended account changes nothing.
    pub fn record(&mut self, attempt: Attempt, now: i64, limits: StrikeLimits) -> Standing {
        if self.suspended.is_none() {
            match attempt {
                Attempt::Cleared => self.in_a_row = 0,
                Attempt::Refused => {
                    self.in_a_row += 1;
                    self.refused_at.retain(|&time| now.saturating_sub(time) < SECONDS_IN_DAY);
                    self.refused_at.push(now);
                    let cause = if self.in_a_row >= limits.in_a_row {
                        Some(SuspensionCause::InARow)
                    } else if self.refused_at.len() >= limits.in_a_day as usize {
                        Some(SuspensionCause::InADay)
                    } else {
                        None
                    };
                    self.suspended = cause.map(|cause| Suspension { since: now, cause });
                }
            }
        }
        self.standing(now)
    }

    /// Whether the account may ask for pictures at Unix time `now`.
    pub fn standing(&self, now: i64) -> Standing {
        let in_a_day = self.refused_at.iter().filter(|&&time| now.saturating_sub(time) < SECONDS_IN_DAY).count() as u32;
        self.suspended.map_or(Standing::Good { in_a_row: self.in_a_row, in_a_day }, Standing::Suspended)
    }

    /// Ends a suspension and forgets what led to it.
    pub fn reinstate(&mut self) {
        *self = Self::default();
    }
}

/// Where accounts are kept. An adapter must run `change` and keep its result as one step: two requests of one account at once
/// count as two.
pub trait StrikeStorage {
    /// Changes an account, which begins as [`Account::default`].
    fn update(&self, account: &str, change: &mut dyn FnMut(&mut Account)) -> Result<(), Error>;
}

/// Accounts in memory, for one process as long as it runs.
#[derive(Debug, Default)]
pub struct MemoryStrikes(Mutex<HashMap<String, Account>>);

impl StrikeStorage for MemoryStrikes {
    fn update(&self, account: &str, change: &mut dyn FnMut(&mut Account)) -> Result<(), Error> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(accounts.entry(account.to_owned()).or_default());
        Ok(())
    }
}

/// Accounts in a folder, one small file each, for several processes on one machine. File names are digests of the accounts' names.
#[derive(Debug, Clone)]
pub struct FileStrikes {
    folder: PathBuf,
}

impl FileStrikes {
    /// Keeps accounts in `folder`, which is made if it is not there.
    pub fn open(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder).map_err(unavailable)?;
        Ok(Self { folder })
    }
}

impl StrikeStorage for FileStrikes {
    fn update(&self, account: &str, change: &mut dyn FnMut(&mut Account)) -> Result<(), Error> {
        // The lock is on a file that is never replaced, and ends when the file is closed.
        let lock = std::fs::File::create(self.folder.join("lock")).map_err(unavailable)?;
        lock.lock().map_err(unavailable)?;
        let path = self.folder.join(format!("{}.json", hexadecimal(&Sha256::digest(account.as_bytes()))));
        let mut kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(unavailable)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Account::default(),
            Err(error) => return Err(unavailable(error)),
        };
        let before = kept.clone();
        change(&mut kept);
        if kept != before {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(unavailable)?;
            serde_json::to_writer(&mut file, &kept).map_err(unavailable)?;
            file.as_file().sync_all().map_err(unavailable)?;
            file.persist(&path).map_err(unavailable)?;
        }
        Ok(())
    }
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::StrikesUnavailable(error.to_string())
}

/// The rule over a storage.
#[derive(Debug)]
pub struct Strikes<S> {
    storage: S,
    limits: StrikeLimits,
}

impl<S: StrikeStorage> Strikes<S> {
    /// With the limits of the standard, or stricter ones.
    pub fn new(storage: S, limits: StrikeLimits) -> Self {
        Self { storage, limits }
    }

    /// Whether `account` may ask for pictures at Unix time `now`.
    pub fn standing(&self, account: &str, now: i64) -> Result<Standing, Error> {
        self.with(account, |kept| kept.standing(now))
    }

    /// Counts a request of `account`.
    pub fn record(&self, account: &str, attempt: Attempt, now: i64) -> Result<Standing, Error> {
        self.with(account, |kept| kept.record(attempt, now, self.limits))
    }

    /// Ends a suspension. Whoever decides that should be on record elsewhere.
    pub fn reinstate(&self, account: &str) -> Result<(), Error> {
        self.with(account, Account::reinstate)
    }

    fn with<T>(&self, account: &str, mut step: impl FnMut(&mut Account) -> T) -> Result<T, Error> {
        let mut outcome = None;
        self.storage.update(account, &mut |kept| outcome = Some(step(kept)))?;
        outcome.ok_or_else(|| Error::StrikesUnavailable("the storage did not run the change".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, FileStrikes, MemoryStrikes, Standing, StrikeLimits, Strikes, SuspensionCause};

    const DAY: i64 = 86_400;

    fn play(attempts: &[(char, i64)]) -> (Standing, Strikes<MemoryStrikes>) {
        let strikes = Strikes::new(MemoryStrikes::default(), StrikeLimits::default());
        let mut standing = Standing::Good { in_a_row: 0, in_a_day: 0 };
        for &(attempt, now) in attempts {
            let attempt = if attempt == 'x' { Attempt::Refused } else { Attempt::Cleared };
            standing = strikes.record("甲", attempt, now).unwrap();
        }
        (standing, strikes)
    }

    #[test]
    fn three_in_a_row_suspend() {
        let (standing, strikes) = play(&[('x', 0), ('x', 10 * DAY), ('x', 20 * DAY)]);
        assert!(matches!(standing, Standing::Suspended(suspension) if suspension.cause == SuspensionCause::InARow));
        assert_eq!(strikes.record("甲", Attempt::Cleared, 99 * DAY).unwrap(), standing, "time does not lift it");
        assert_eq!(strikes.standing("乙", 0).unwrap(), Standing::Good { in_a_row: 0, in_a_day: 0 });
        strikes.reinstate("甲").unwrap();
        assert_eq!(strikes.standing("甲", 20 * DAY).unwrap(), Standing::Good { in_a_row: 0, in_a_day: 0 });
    }

    #[test]
    fn a_cleared_request_breaks_the_row_but_not_the_day() {
        let four = [('x', 0), ('x', 1), ('o', 2), ('x', 3), ('x', 4), ('o', 5)];
        assert_eq!(play(&four).0, Standing::Good { in_a_row: 0, in_a_day: 4 });
        let five = [four.as_slice(), &[('x', DAY - 1)]].concat();
        assert!(matches!(play(&five).0, Standing::Suspended(suspension) if suspension.cause == SuspensionCause::InADay));
        let next_day = [four.as_slice(), &[('x', DAY)]].concat();
        assert_eq!(play(&next_day).0, Standing::Good { in_a_row: 1, in_a_day: 4 });
    }

    #[test]
    fn files_count_every_request_of_several_writers() {
        let folder = tempfile::tempdir().unwrap();
        let limits = StrikeLimits { in_a_row: 100, in_a_day: 100 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let strikes = Strikes::new(FileStrikes::open(folder.path().to_owned()).unwrap(), limits);
                    for _ in 0..5 {
                        strikes.record("甲", Attempt::Refused, 0).unwrap();
                    }
                });
            }
        });
        let strikes = Strikes::new(FileStrikes::open(folder.path().to_owned()).unwrap(), limits);
        assert_eq!(strikes.standing("甲", 0).unwrap(), Standing::Good { in_a_row: 20, in_a_day: 20 });
    }

    #[test]
    fn a_clock_that_goes_back_forgets_nothing() {
        let (standing, _) = play(&[('x', 5 * DAY), ('x', 0), ('x', 0)]);
        assert!(matches!(standing, Standing::Suspended(_)));
    }
}
