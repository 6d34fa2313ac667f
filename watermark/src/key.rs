use crate::polar::MESSAGE_BITS;
use sha2::{Digest, Sha256};
use std::fmt;

/// The secret that places the mark. Who holds it can find, forge and remove marks.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Thirty-two random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The message of an identifier: its bits, and above them a keyed check of 32 bits.
    pub(crate) fn seal(&self, id: Id) -> u128 {
        let digest = self.digest(*b"check", id.0);
        let check = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        u128::from(check) << Id::BITS | u128::from(id.0)
    }

    /// The identifier of a message whose check holds.
    pub(crate) fn open(&self, message: u128) -> Option<Id> {
        let id = Id((message & u128::from(Id::MOST)) as u64);
        (self.seal(id) == message).then_some(id)
    }

    /// Endless keyed numbers for one purpose.
    pub(crate) fn stream(&self, purpose: [u8; 5]) -> impl FnMut() -> u32 + '_ {
        let mut counter = 0;
        let mut block = [0; 32];
        move || {
            let at = counter as usize % 8 * 4;
            if at == 0 {
                block = self.digest(purpose, counter);
            }
            counter += 1;
            u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        }
    }

    fn digest(&self, purpose: [u8; 5], number: u64) -> [u8; 32] {
        // Every field has one length, so that no two inputs run together.
        Sha256::new().chain_update(self.0).chain_update(purpose).chain_update(number.to_le_bytes()).finalize().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

/// What the mark says: 48 bits, random, that a ledger resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

impl Id {
    /// Bits of an identifier.
    pub const BITS: u32 = 48;
    const MOST: u64 = (1 << Self::BITS) - 1;

    /// None if `value` has more than [`Self::BITS`] bits.
    pub fn new(value: u64) -> Option<Self> {
        (value <= Self::MOST).then_some(Self(value))
    }

    /// As given to [`Self::new`].
    pub fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:012x}", self.0)
    }
}

const _: () = assert!(Id::BITS as usize + 32 == MESSAGE_BITS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_opens_only_unaltered_and_under_its_key() {
        let key = Key::from_bytes([7; 32]);
        let id = Id::new(0x1234_5678_9abc).unwrap();
        let message = key.seal(id);
        assert_eq!(key.open(message), Some(id));
        assert_eq!(Key::from_bytes([8; 32]).open(message), None);
        assert!((0..MESSAGE_BITS).all(|bit| key.open(message ^ 1 << bit).is_none()));
        assert_eq!(Id::new(1 << 48), None);
        assert_eq!(id.to_string(), "123456789abc");
        assert_eq!(format!("{key:?}"), "Key(…)");
    }
}
