use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment so much later; the end of time where there is none.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// RFC 3339 text in UTC with milliseconds, for example `2026-11-23T04:05:06.789Z`. Moments behind the year 9999, which that
    /// format cannot write, give its last one.
    pub fn to_rfc3339(self) -> String {
        let moment = i64::try_from(self.0).ok().and_then(|milliseconds| jiff::Timestamp::from_millisecond(milliseconds).ok());
        format!("{:.3}", moment.unwrap_or(jiff::Timestamp::MAX))
    }
}

/// The time of day, as a port: tests give a fixed one.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(since_epoch.as_millis() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn writes_rfc3339() {
        assert_eq!(Timestamp(0).to_rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(951_782_400_123).to_rfc3339(), "2000-02-29T00:00:00.123Z");
        assert_eq!(Timestamp(4_102_444_799_999).to_rfc3339(), "2099-12-31T23:59:59.999Z");
        assert!(Timestamp(u64::MAX).to_rfc3339().starts_with("9999-12-"));
        assert_eq!(Timestamp(1_795_392_000_000).to_rfc3339(), "2026-11-23T00:00:00.000Z");
    }
}
