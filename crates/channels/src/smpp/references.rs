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

/// Numbers remembered; beyond that the half that got a long message longest ago is forgotten and starts anew.
const MOST_NUMBERS: usize = 200_000;

/// The last reference of each number that got a long message.
#[derive(Debug, Default)]
pub(super) struct References {
    kept: Mutex<Kept>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Kept {
    last: HashMap<u64, Last>,
    /// How many long messages there were.
    count: u64,
}

#[derive(Debug)]
struct Last {
    reference: u16,
    /// Which of all long messages it was of.
    used: u64,
}

impl References {
    /// The next reference for `recipient`: one more than the last, `start` for the first. Counting up makes the low eight
    /// bits, which are all that an 8-bit header has, as different as they can be.
    pub fn next(&self, recipient: &str, start: u16) -> u16 {
        let key = self.hasher.hash_one(recipient);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { last, count } = &mut *kept;
        if last.len() >= MOST_NUMBERS && !last.contains_key(&key) {
            forget_older_half(last);
        }
        *count += 1;
        let known = last
            .entry(key)
            .and_modify(|known| known.reference = known.reference.wrapping_add(1))
            .or_insert(Last { reference: start, used: *count });
        known.used = *count;
        known.reference
    }
}

fn forget_older_half(last: &mut HashMap<u64, Last>) {
    let mut used: Vec<u64> = last.values().map(|known| known.used).collect();
    used.sort_unstable();
    let middle = used.get(used.len() / 2).copied().unwrap_or_default();
    last.retain(|_, known| known.used >= middle);
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

    #[test]
    fn of_too_many_numbers_those_used_lately_are_remembered() {
        let references = References::default();
        references.next("+15550100", 7);
        for number in 1..MOST_NUMBERS {
            references.next(&number.to_string(), 0);
        }
        assert_eq!(references.next("+15550100", 7), 8);
        references.next("one more", 0);
        assert_eq!(references.next("+15550100", 7), 9, "it goes on counting");
        assert_eq!(references.next(&(MOST_NUMBERS - 1).to_string(), 0), 1);
        assert_eq!(references.next("1", 0), 0, "one of long ago starts anew");
    }
}
