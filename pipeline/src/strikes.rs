//! The strike rule over what is on record: a suspension is computed from recorded refusals, and is itself recorded.

use crate::{Error, Result};
use ledger::{Account, Ledger, SuspensionCause};
use policy::{Attempt, Standing, StrikeLimits};
use spec::Timestamp;

const DAY: u64 = 86_400_000;

/// An error if the account is suspended.
pub fn check(ledger: &Ledger, account: &Account) -> Result<()> {
    match ledger.history(account, Timestamp(u64::MAX))?.suspended {
        Some((since, suspension)) => Err(suspended(account, since, suspension.cause)),
        None => Ok(()),
    }
}

/// After a refusal, or a withheld picture that counts as one, was recorded: suspends the account if those on record reach a limit. Returns
/// why.
pub fn count(ledger: &mut Ledger, account: &Account, now: Timestamp) -> Result<Option<SuspensionCause>> {
    let history = ledger.history(account, Timestamp(now.0.saturating_sub(DAY)))?;
    if history.suspended.is_some() {
        return Ok(None);
    }
    let seconds = |time: Timestamp| (time.0 / 1_000) as i64;
    let (mut kept, limits) = (policy::Account::default(), StrikeLimits::default());
    for refusal in &history.refusals {
        kept.record(Attempt::Refused, seconds(refusal.time), limits);
        if refusal.followed_by_picture {
            kept.record(Attempt::Cleared, seconds(refusal.time), limits);
        }
    }
    let cause = match kept.standing(seconds(now)) {
        Standing::Suspended(suspension) => match suspension.cause {
            policy::SuspensionCause::InARow => SuspensionCause::InARow,
            policy::SuspensionCause::InADay => SuspensionCause::InADay,
        },
        Standing::Good { .. } => return Ok(None),
    };
    ledger.suspend(account, cause)?;
    Ok(Some(cause))
}

fn suspended(account: &Account, since: Timestamp, cause: SuspensionCause) -> Error {
    let (english, chinese) = match cause {
        SuspensionCause::InARow => ("three requests in a row that were refused or withheld", "连续三次请求被拒绝或拦截"),
        SuspensionCause::InADay => ("five requests in a day that were refused or withheld", "一天内五次请求被拒绝或拦截"),
    };
    Error::Suspended { account: account.to_string(), since: since.to_rfc3339(), english, chinese }
}
