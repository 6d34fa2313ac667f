//! What the C library does with freed memory, and how fresh memory is cleared. A forward pass frees and asks for the same sizes thousands
//! of times; by default glibc hands large blocks back to the system each time, which then clears every page anew.

use crate::pool::parallel_chunks_mut;
use std::mem::MaybeUninit;

/// Values that one task clears: from there on it is worth waking another thread.
const CLEARED: usize = 1 << 14;

/// `count` zeros, written by all threads.
pub fn zeros(count: usize) -> Vec<f32> {
    if count < 2 * CLEARED {
        return vec![0.0; count];
    }
    let mut values = Vec::with_capacity(count);
    parallel_chunks_mut(&mut values.spare_capacity_mut()[..count], CLEARED, &|_, part| part.fill(MaybeUninit::new(0.0)));
    // SAFETY: the tasks have written every one of them.
    unsafe { values.set_len(count) };
    values
}

/// Keeps freed blocks of up to 32 MiB, 512 MiB of them in all, for the next request. For a program's first lines; without effect outside
/// glibc.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const TRIM_THRESHOLD: i32 = -1;
        const MMAP_THRESHOLD: i32 = -3;
        // SAFETY: glibc's function, with parameters that its documentation names; it fails by returning 0.
        unsafe {
            mallopt(MMAP_THRESHOLD, 32 << 20);
            mallopt(TRIM_THRESHOLD, 512 << 20);
        }
    }
}

/// Gives what is kept back to the system: for when weights have been dropped. Without effect outside glibc.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: glibc's function, which may be called at any time.
    unsafe {
        malloc_trim(0);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn mallopt(parameter: i32, value: i32) -> i32;
    fn malloc_trim(pad: usize) -> i32;
}
