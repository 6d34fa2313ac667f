//! The values of a packed operand: its own, or part of bytes that somebody else owns, such as a mapped file.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that stay where they are while anybody holds them.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

mod sealed {
    /// Without padding, and any bits are a value.
    pub trait Plain: Copy {}
    impl Plain for u32 {}
    impl Plain for i32 {}
    impl Plain for f32 {}
    impl Plain for [i8; 4] {}
}
use sealed::Plain;

/// Values that are owned, or borrowed from [`SharedBytes`].
#[derive(Clone)]
pub struct Storage<T>(Kind<T>);

#[derive(Clone)]
enum Kind<T> {
    Owned(Vec<T>),
    Shared(SharedBytes, Range<usize>),
}

impl<T: Plain> Storage<T> {
    /// The values whose native bytes are `range` of `bytes`; `None` if they lie outside, are not aligned or not whole.
    pub fn shared(bytes: SharedBytes, range: Range<usize>) -> Option<Self> {
        let slice = (*bytes).as_ref().get(range.clone())?;
        // SAFETY: any bits are a `T`.
        let (head, _, tail) = unsafe { slice.align_to::<T>() };
        (head.is_empty() && tail.is_empty()).then(|| Self(Kind::Shared(bytes, range)))
    }

    /// The native bytes of the values.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: a `T` has no padding, and any bits are a u8.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), std::mem::size_of_val::<[T]>(self)) }
    }

    /// The values to write to; borrowed ones are replaced by none.
    pub(crate) fn own(&mut self) -> &mut Vec<T> {
        if let Kind::Shared(..) = self.0 {
            self.0 = Kind::Owned(Vec::new());
        }
        match &mut self.0 {
            Kind::Owned(values) => values,
            Kind::Shared(..) => unreachable!("replaced above"),
        }
    }
}

impl<T: Plain> Deref for Storage<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Kind::Owned(values) => values,
            // SAFETY: any bits are a `T`; `shared` has seen that nothing is left over on either side.
            Kind::Shared(bytes, range) => unsafe { (**bytes).as_ref()[range.clone()].align_to::<T>().1 },
        }
    }
}

impl<T> From<Vec<T>> for Storage<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Kind::Owned(values))
    }
}

impl<T: Plain> fmt::Debug for Storage<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} values", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{SharedBytes, Storage};
    use std::sync::Arc;

    #[test]
    fn shared_values_must_be_inside_aligned_and_whole() {
        let owned = Storage::from(vec![1_u32, 2, 3]);
        // Vectors of bytes may start anywhere: find where words may.
        let mut bytes = vec![0_u8; 32];
        let start = bytes.as_ptr().align_offset(4);
        bytes[start..start + 12].copy_from_slice(owned.bytes());
        let bytes: SharedBytes = Arc::new(bytes);
        let shared = Storage::<u32>::shared(Arc::clone(&bytes), start..start + 12).unwrap();
        assert_eq!((*shared).len(), 3);
        assert_eq!(*shared, *owned);
        for range in [start + 1..start + 5, start..start + 3, 0..33, start + 8..start + 4] {
            assert!(Storage::<u32>::shared(Arc::clone(&bytes), range.clone()).is_none(), "{range:?}");
        }
    }
}
