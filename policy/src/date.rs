use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar, written `2026-11-23`. Longer texts that begin so (RFC 3339) are read as their day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    days_since_1970: i64,
}

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date such as 2026-11-23 / {0:?} 不是日期（应如 2026-11-23）")]
pub struct NotADate(String);

/// Days of a cycle of 400 years.
const DAYS_IN_ERA: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;
/// Seconds of a day.
const SECONDS_IN_DAY: i64 = 86_400;

impl Date {
    /// The day, in UTC, of a Unix time in seconds.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self { days_since_1970: seconds.div_euclid(SECONDS_IN_DAY) }
    }

    /// Days from `earlier` to this day.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.days_since_1970 - earlier.days_since_1970
    }

    fn year_month_day(self) -> (i64, i64, i64) {
        // The year is counted from March, so that the leap day is its last.
        let days = self.days_since_1970 + DAYS_BEFORE_1970;
        let era = days.div_euclid(DAYS_IN_ERA);
        let day_of_era = days.rem_euclid(DAYS_IN_ERA);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let calendar_month = if month < 10 { month + 3 } else { month - 9 };
        (era * 400 + year_of_era + i64::from(calendar_month <= 2), calendar_month, day)
    }

    fn from_year_month_day(year: i64, month: i64, day: i64) -> Self {
        let year = year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self { days_since_1970: era * DAYS_IN_ERA + day_of_era - DAYS_BEFORE_1970 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let wrong = || NotADate(text.to_owned());
        let head = text.get(..10).ok_or_else(wrong)?;
        let mut parts = head.split('-').map(|part| part.parse::<i64>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())));
        let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let date = Self::from_year_month_day(year, month, day);
        // A day that the month does not have comes back as another.
        if !(1..=12).contains(&month) || date.to_string() != head || !matches!(text.as_bytes().get(10), None | Some(b'T' | b' ')) {
            return Err(wrong());
        }
        Ok(date)
    }
}

impl TryFrom<String> for Date {
    type Error = NotADate;

    fn try_from(text: String) -> Result<Self, NotADate> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_are_read_written_and_counted() {
        for day in ["1970-01-01", "2000-02-29", "2024-12-31", "2026-11-23"] {
            assert_eq!(day.parse::<Date>().unwrap().to_string(), day);
        }
        assert_eq!(Date::from_unix_seconds(1_795_392_000).to_string(), "2026-11-23");
        let days = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(days("2026-03-01T08:00:00+08:00").days_since(days("2026-02-28")), 1);
        assert_eq!(days("2024-03-01").days_since(days("2024-02-28")), 2);
        for wrong in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-01", "", "2026-01-01x", "+026-01-01"] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }
}
