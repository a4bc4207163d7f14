//! References that join the parts of long messages: two messages to one number within a day must not share one, or the
//! phone mixes their parts.
//!
//! Kept in memory: after a restart a number's references go on from another start, which meets an old one of the same
//! day about once in as many restarts as there are references.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

/// Numbers remembered; beyond that all are forgotten and start anew.
const MOST_NUMBERS: usize = 200_000;

/// The last reference of each number that got a long message.
#[derive(Debug, Default)]
pub(super) struct References {
    last: Mutex<HashMap<u64, u16>>,
    hasher: RandomState,
}

impl References {
    /// The next reference for `recipient`: one more than the last, `start` for the first. Counting up makes the low eight
    /// bits, which are all that an 8-bit header has, as different as they can be.
    pub fn next(&self, recipient: &str, start: u16) -> u16 {
        let key = self.hasher.hash_one(recipient);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= MOST_NUMBERS && !last.contains_key(&key) {
            last.clear();
        }
        *last.entry(key).and_modify(|reference| *reference = reference.wrapping_add(1)).or_insert(start)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_messages_to_a_number_share_one() {
        let references = References::default();
        // Whatever the messages themselves would have: here always the same.
        let of_one: BTreeSet<u16> = (0..300).map(|_| references.next("+15550100", 65_500)).collect();
        assert_eq!(of_one.len(), 300);
        assert_eq!(references.next("+15550101", 9), 9, "another number starts by itself");
        let low: BTreeSet<u8> = (0..256).map(|_| references.next("+15550102", 7).to_be_bytes()[1]).collect();
        assert_eq!(low.len(), 256, "256 in a row with an 8-bit header");
    }
}
