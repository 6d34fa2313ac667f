//! A mutable slice that tasks of one job write disjoint parts of.

use std::marker::PhantomData;

/// Hands out parts of a mutable slice to tasks on several threads.
pub struct SharedSlice<'a, T> {
    start: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through `range`, whose callers promise disjoint parts.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    /// Borrows `slice` for as long as tasks write to it.
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), lifetime: PhantomData }
    }

    /// `length` values from `first`; panics outside the slice.
    ///
    /// # Safety
    /// No two parts that are alive at the same time may overlap.
    #[expect(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    pub unsafe fn range(&self, first: usize, length: usize) -> &mut [T] {
        assert!(first.checked_add(length).is_some_and(|end| end <= self.length), "part outside the slice");
        // SAFETY: inside the slice, and nobody else has this part.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), length) }
    }
}
