//! What happens to an account that keeps asking for what is refused.
//!
//! Three refused requests in a row, or five in a day, suspend it; one of which a picture was withheld may count as refused. The day is any 24 hours, which is never laxer than a calendar
//! day. A suspension ends when a person ends it.

use crate::standard;

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
    /// The gate refused it, or a picture of it was withheld.
    Refused,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspensionCause {
    /// [`StrikeLimits::in_a_row`].
    InARow,
    /// [`StrikeLimits::in_a_day`].
    InADay,
}

/// A suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What counts of an account's requests. It is computed from the record of them, which is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
}

#[cfg(test)]
mod tests {
    use super::{Account, Attempt, Standing, StrikeLimits, SuspensionCause};

    const DAY: i64 = 86_400;

    fn play(attempts: &[(char, i64)]) -> (Standing, Account) {
        let mut account = Account::default();
        let mut standing = account.standing(0);
        for &(attempt, now) in attempts {
            let attempt = if attempt == 'x' { Attempt::Refused } else { Attempt::Cleared };
            standing = account.record(attempt, now, StrikeLimits::default());
        }
        (standing, account)
    }

    #[test]
    fn three_in_a_row_suspend() {
        let (standing, mut account) = play(&[('x', 0), ('x', 10 * DAY), ('x', 20 * DAY)]);
        assert!(matches!(standing, Standing::Suspended(suspension) if suspension.cause == SuspensionCause::InARow));
        assert_eq!(account.record(Attempt::Cleared, 99 * DAY, StrikeLimits::default()), standing, "time does not lift it");
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
    fn a_clock_that_goes_back_forgets_nothing() {
        let (standing, _) = play(&[('x', 5 * DAY), ('x', 0), ('x', 0)]);
        assert!(matches!(standing, Standing::Suspended(_)));
    }
}
