//! Clocks that go as a test says.

use spec::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2026-11-23: the present of tests that need one.
pub const PRESENT: Timestamp = Timestamp(1_795_392_000_000);
/// 2020-01-01: terms of a few years from then are over by the machine's clock too.
pub const LONG_AGO: Timestamp = Timestamp(1_577_836_800_000);

/// A clock that stands still until a test moves it. Clones are one clock.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// A clock that shows `time`.
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(time.0)))
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::SeqCst);
    }

    /// Moves it forwards.
    pub fn pass(&self, duration: Duration) {
        self.set(self.now().after(duration));
    }

    /// Moves it forwards by whole days.
    pub fn pass_days(&self, days: u64) {
        self.pass(Duration::from_secs(days * 86_400));
    }

    /// Moves it backwards.
    pub fn turn_back(&self, duration: Duration) {
        self.set(Timestamp(self.now().0.saturating_sub(duration.as_millis() as u64)));
    }

    /// This clock, for whoever shares ownership of one.
    pub fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that jumps to and fro: each reading is the start plus the next of its jumps, which come round again.
#[derive(Debug)]
pub struct JumpingClock {
    start: Timestamp,
    jumps: Vec<i64>,
    readings: AtomicU64,
}

impl JumpingClock {
    /// Readings are `start` plus each of `jumps` in turn, in milliseconds.
    pub fn new(start: Timestamp, jumps: &[i64]) -> Self {
        assert!(!jumps.is_empty(), "a jumping clock needs a jump");
        Self { start, jumps: jumps.to_vec(), readings: AtomicU64::new(0) }
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let reading = self.readings.fetch_add(1, Ordering::SeqCst) as usize;
        Timestamp(self.start.0.saturating_add_signed(self.jumps[reading % self.jumps.len()]))
    }
}
