use crate::Timestamp;
use crate::hexadecimal::serde_as_text;
use jiff::civil;
use std::fmt;
use std::str::FromStr;

/// Characters of a day: `2026-11-23`.
const LENGTH: usize = 10;
/// Seconds of a day.
const SECONDS_IN_DAY: i64 = 86_400;

/// A day of the Gregorian calendar, written `2026-11-23`. Longer texts that begin so (RFC 3339) are read as their day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date such as 2026-11-23 / {0:?} 不是日期（应如 2026-11-23）")]
pub struct NotADate(String);

impl Date {
    /// The day, in UTC, of a Unix time in seconds. Times outside the years -9999 to 9999 give the nearest day inside.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        let nearest = if seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or(nearest);
        Self(jiff::tz::Offset::UTC.to_datetime(moment).date())
    }

    /// The day, in UTC, of a moment.
    pub fn of(moment: Timestamp) -> Self {
        Self::from_unix_seconds(i64::try_from(moment.0 / 1_000).unwrap_or(i64::MAX))
    }

    /// Days from `earlier` to this day.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.duration_since(earlier.0).as_secs() / SECONDS_IN_DAY
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let day = text.get(..LENGTH).and_then(|head| {
            // Other forms of ISO 8601 come back as another text.
            head.parse().ok().map(Self).filter(|day| day.to_string() == head)
        });
        let ends_there = matches!(text.as_bytes().get(LENGTH), None | Some(b'T' | b' '));
        day.filter(|_| ends_there).ok_or_else(|| NotADate(text.to_owned()))
    }
}

serde_as_text!(Date);

#[cfg(test)]
mod tests {
    use super::Date;
    use crate::Timestamp;

    fn day(text: &str) -> Date {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn days_are_read_written_and_counted() {
        for text in ["1970-01-01", "2000-02-29", "2024-12-31", "2026-11-23"] {
            assert_eq!(day(text).to_string(), text);
        }
        assert_eq!(Date::from_unix_seconds(1_795_392_000).to_string(), "2026-11-23");
        assert_eq!(Date::of(Timestamp(1_795_478_399_999)), day("2026-11-23"));
        assert_eq!(Date::from_unix_seconds(-1), day("1969-12-31"));
        assert_eq!(day("2026-03-01T08:00:00+08:00").days_since(day("2026-02-28")), 1);
        assert_eq!(day("2024-03-01").days_since(day("2024-02-28")), 2);
        assert_eq!(day("2024-02-28").days_since(day("2024-03-01")), -2);
        assert_eq!(day("2100-01-01").days_since(day("1970-01-01")), 47_482);
        assert!(day("2026-11-23") < day("2026-12-01"));
        let _ = (Date::from_unix_seconds(i64::MIN), Date::from_unix_seconds(i64::MAX), Date::of(Timestamp(u64::MAX)));
    }

    #[test]
    fn other_texts_are_no_days() {
        for text in [
            "",
            "2026",
            "2026-2-28",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "2026-11-23x",
            "+026-11-23",
            "２０２６-11-23",
            "2026/11/23",
            "20261123T0",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
