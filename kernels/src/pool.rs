//! The thread pool: tasks of one job at a time, pulled from an atomic counter, by the caller and its workers.
//!
//! Workers spin for a moment after a job, so that operations that follow each other find them awake, and park after that. A call
//! from inside a task runs inline; concurrent callers take turns. A panic in a task reaches the caller.

use crate::dispatch::set_flush_to_zero;
use crate::shared::SharedSlice;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;

/// Spins before a worker parks: longer than the gaps between operations of one forward pass, far below a millisecond of idling.
const SPINS_BEFORE_PARKING: u32 = 20_000;

thread_local! { static INSIDE: Cell<bool> = const { Cell::new(false) }; }

type Panic = Box<dyn std::any::Any + Send>;

struct Job {
    task: *const (dyn Fn(usize) + Sync),
    count: usize,
    next: AtomicUsize,
    running: AtomicUsize,
    panic: Mutex<Option<Panic>>,
}
// SAFETY: `task` is only called while the submitting thread waits in `parallel_for`, which keeps the closure alive; the closure is Sync.
unsafe impl Send for Job {}
// SAFETY: as above; all other fields are atomics or locks.
unsafe impl Sync for Job {}

#[derive(Default)]
struct Board {
    job: Option<Arc<Job>>,
    workers: usize,
}

struct Pool {
    generation: AtomicUsize,
    board: Mutex<Board>,
    wake: Condvar,
    turn: Mutex<()>,
    threads: AtomicUsize,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool {
        generation: AtomicUsize::new(0),
        board: Mutex::new(Board::default()),
        wake: Condvar::new(),
        turn: Mutex::new(()),
        threads: AtomicUsize::new(thread::available_parallelism().map_or(1, usize::from)),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Sets the number of threads, the caller's included; at least 1. Takes effect with the next job.
pub fn set_threads(count: usize) {
    pool().threads.store(count.max(1), Ordering::Relaxed);
}

/// Number of threads, the caller's included; by default the cores that this process may use (affinity and cgroup quota).
pub fn threads() -> usize {
    pool().threads.load(Ordering::Relaxed)
}

/// Threads that a call from here would run on: one inside a task.
pub(crate) fn width() -> usize {
    if INSIDE.get() { 1 } else { threads() }
}

/// Calls `task(i)` once for every `i` below `count`, on the pool and the calling thread, and returns when all are done.
pub fn parallel_for(count: usize, task: &(dyn Fn(usize) + Sync)) {
    set_flush_to_zero();
    let pool = pool();
    let threads = threads().min(count);
    if threads <= 1 || INSIDE.get() {
        (0..count).for_each(task);
        return;
    }
    let turn = lock(&pool.turn);
    // SAFETY: only the lifetime changes; the wait for `running` below ends when no worker is in the job any more.
    #[expect(clippy::transmute_ptr_to_ptr, reason = "a cast cannot lengthen the lifetime inside a trait object")]
    let task: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(std::ptr::from_ref(task)) };
    let job = Arc::new(Job { task, count, next: AtomicUsize::new(0), running: AtomicUsize::new(0), panic: Mutex::new(None) });
    {
        let mut board = lock(&pool.board);
        while board.workers + 1 < threads {
            board.workers += 1;
            let index = board.workers;
            thread::Builder::new().name(format!("kernels-{index}")).spawn(move || work(index)).expect("spawning a worker thread");
        }
        board.job = Some(Arc::clone(&job));
        pool.generation.fetch_add(1, Ordering::Release);
    }
    pool.wake.notify_all();
    INSIDE.set(true);
    run(&job);
    INSIDE.set(false);
    lock(&pool.board).job = None;
    let mut spins = 0;
    while job.running.load(Ordering::Acquire) != 0 {
        std::hint::spin_loop();
        spins += 1;
        if spins > SPINS_BEFORE_PARKING {
            // The worker has lost its core to another program, which may be waiting for this one.
            thread::yield_now();
        }
    }
    drop(turn);
    let panic = lock(&job.panic).take();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

/// Calls `task(index, part)` for each part of `length` values of `data`, the last maybe shorter, on the pool.
pub fn parallel_chunks_mut<T: Send>(data: &mut [T], length: usize, task: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let total = data.len();
    let shared = SharedSlice::new(data);
    parallel_for(total.div_ceil(length), &|index| {
        let first = index * length;
        // SAFETY: parts are disjoint.
        task(index, unsafe { shared.range(first, length.min(total - first)) });
    });
}

fn run(job: &Job) {
    loop {
        let index = job.next.fetch_add(1, Ordering::Relaxed);
        if index >= job.count {
            return;
        }
        // SAFETY: the submitter waits for `running` to reach zero, or is this very thread.
        let task = unsafe { &*job.task };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(index))) {
            job.next.store(job.count, Ordering::Relaxed);
            *lock(&job.panic) = Some(panic);
        }
    }
}

fn work(index: usize) {
    set_flush_to_zero();
    INSIDE.set(true);
    let pool = pool();
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while pool.generation.load(Ordering::Acquire) == seen && spins < SPINS_BEFORE_PARKING {
            std::hint::spin_loop();
            spins += 1;
        }
        let job = {
            let mut board = lock(&pool.board);
            while pool.generation.load(Ordering::Acquire) == seen {
                board = pool.wake.wait(board).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            seen = pool.generation.load(Ordering::Acquire);
            let job = if index < threads() { board.job.clone() } else { None };
            // Counted under the lock, so that the submitter, which clears the board under it, sees every worker that got the job.
            if let Some(job) = &job {
                job.running.fetch_add(1, Ordering::AcqRel);
            }
            job
        };
        if let Some(job) = job {
            run(&job);
            job.running.fetch_sub(1, Ordering::Release);
        }
    }
}
