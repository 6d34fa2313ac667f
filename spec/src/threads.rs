use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many threads a piece of work may keep busy, the caller's included. What comes out must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// The calling thread alone.
    pub const ONE: Self = Self(NonZeroUsize::MIN);

    /// That many, and one where `count` is 0.
    pub fn new(count: usize) -> Self {
        Self(NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
    }

    /// As many as the cores that affinity and cgroup quota leave this process.
    pub fn available() -> Self {
        thread::available_parallelism().map_or(Self::ONE, Self)
    }

    /// The number.
    pub fn count(self) -> usize {
        self.0.get()
    }

    /// Does every job once, in no particular order, and returns when all are done. A thread that the system refuses is done without.
    pub fn each<J: Send>(self, jobs: Vec<J>, work: impl Fn(J) + Sync) {
        let helpers = self.count().min(jobs.len()).saturating_sub(1);
        if helpers == 0 {
            return jobs.into_iter().for_each(work);
        }
        let queue = Mutex::new(jobs.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let pull = || {
            while let Some(job) = next() {
                work(job);
            }
        };
        thread::scope(|scope| {
            for _ in 0..helpers {
                if thread::Builder::new().spawn_scoped(scope, pull).is_err() {
                    break;
                }
            }
            pull();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn every_job_is_done_once_whatever_the_number_of_threads() {
        for threads in [Threads::ONE, Threads::new(0), Threads::new(3), Threads::new(64), Threads::available()] {
            let mut counts = [0u32; 17];
            threads.each(counts.iter_mut().enumerate().collect(), |(index, count)| *count += 1 + index as u32);
            assert!(counts.iter().enumerate().all(|(index, count)| *count == 1 + index as u32), "{threads:?}");
            threads.each(Vec::<u32>::new(), |_| unreachable!());
        }
    }
}
