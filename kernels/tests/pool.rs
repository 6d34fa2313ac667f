//! The pool runs every task once, whatever happens around it, and costs nothing while idle. One test: the pool is shared.
use kernels::pool::{parallel_for, set_threads, threads};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

fn every_task_once(count: usize) {
    let calls: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
    parallel_for(count, &|index| {
        calls[index].fetch_add(1, Ordering::Relaxed);
    });
    assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1), "a task of {count} ran not once");
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().unwrap_or_default()
}

fn panics_reach_the_caller() {
    for threads in [1, 4] {
        set_threads(threads);
        for failing in [0, 50, 99] {
            let result = catch_unwind(AssertUnwindSafe(|| parallel_for(100, &|index| assert!(index != failing, "task failed"))));
            assert_eq!(message(&*result.expect_err("the panic is lost")), "task failed");
            every_task_once(100);
        }
        // From a call inside a task.
        let result = catch_unwind(AssertUnwindSafe(|| parallel_for(3, &|_| parallel_for(3, &|index| assert!(index != 1, "inner")))));
        assert_eq!(message(&*result.expect_err("the panic is lost")), "inner");
        every_task_once(10);
    }
}

fn calls_inside_tasks() {
    let total = AtomicUsize::new(0);
    parallel_for(8, &|_| {
        parallel_for(8, &|_| {
            parallel_for(8, &|_| {
                total.fetch_add(1, Ordering::Relaxed);
            });
        });
    });
    assert_eq!(total.into_inner(), 512);
}

fn concurrent_callers() {
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| (0..200).for_each(|round| every_task_once(round % 37)));
        }
    });
}

fn up_and_down() {
    for count in [1, 5, 2, 8, 1, 3, 0, 2] {
        set_threads(count);
        assert_eq!(threads(), count.max(1));
        (0..50).for_each(|_| every_task_once(64));
        // No more threads take part than were asked for.
        let seen = Mutex::new(std::collections::HashSet::new());
        parallel_for(64, &|_| {
            seen.lock().expect("no task panics").insert(std::thread::current().id());
            std::thread::sleep(Duration::from_micros(200));
        });
        assert!(seen.into_inner().expect("no task panics").len() <= count.max(1));
    }
}

/// Processor time of this process so far.
#[cfg(target_os = "linux")]
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is mounted");
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
}

#[cfg(target_os = "linux")]
fn idle_workers_park() {
    set_threads(4);
    every_task_once(64);
    std::thread::sleep(Duration::from_millis(200));
    let before = processor_ticks();
    std::thread::sleep(Duration::from_millis(500));
    // Three spinning workers would take some 100 ticks of 10 ms on two cores.
    let burnt = processor_ticks() - before;
    assert!(burnt <= 3, "idle workers took {burnt} ticks in half a second");
    every_task_once(64);
}

#[test]
fn the_pool() {
    assert!(threads() >= 1);
    assert!(threads() <= std::thread::available_parallelism().map_or(1, usize::from));
    every_task_once(0);
    every_task_once(1);
    every_task_once(1000);
    panics_reach_the_caller();
    set_threads(3);
    calls_inside_tasks();
    concurrent_callers();
    up_and_down();
    #[cfg(target_os = "linux")]
    idle_workers_park();
}
