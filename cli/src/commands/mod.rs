pub mod article9;
pub mod bench;
pub mod chain;
pub mod data;
pub mod design;
pub mod evaluate;
pub mod filing;
pub mod generate;
pub mod init;
pub mod label;
pub mod ledger;
pub mod manual;
pub mod model;
pub mod packed;
pub mod policy;
pub mod quantize;
pub mod speeds;
pub mod train;
pub mod verify;

use ::policy::Date;
use std::time::SystemTime;

/// The day, in UTC.
pub fn today() -> Date {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Date::from_unix_seconds(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
}
