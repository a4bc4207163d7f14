//! Pools of senders: who of a pool texts a number.
//!
//! A number keeps the sender it was first texted from; that is a row of the store. For a number without one, [`choose`]
//! gives each sender of the pool an equal share, by the number alone: two who choose at once choose the same, no counter
//! is kept, and a sender that joins or leaves moves nobody who has a sender.

use crate::{SenderId, id::Id as _};

/// The sender for a number that has none: of those given, the one with the highest weight for this number. `None` when
/// there is none to choose from.
#[must_use]
pub fn choose(address: &str, senders: impl IntoIterator<Item = SenderId>) -> Option<SenderId> {
    senders.into_iter().max_by_key(|sender| (weight(address, *sender), *sender))
}

/// A number that is as good as random for each pair of number and sender.
fn weight(address: &str, sender: SenderId) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in address.bytes().chain(sender.uuid().into_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The last bytes have hardly reached the upper bits yet.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn senders(count: u128) -> Vec<SenderId> {
        (1..=count).map(|n| SenderId(uuid::Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 | n))).collect()
    }

    fn numbers() -> impl Iterator<Item = String> {
        (0..9_000).map(|n| format!("+1212555{n:04}"))
    }

    #[test]
    fn each_sender_gets_an_equal_share() {
        let senders = senders(3);
        let mut shares: HashMap<SenderId, u32> = HashMap::new();
        for number in numbers() {
            *shares.entry(choose(&number, senders.clone()).unwrap()).or_default() += 1;
        }
        assert_eq!(shares.len(), 3);
        assert!(shares.values().all(|share| (2_700..3_300).contains(share)), "{shares:?}");
    }

    #[test]
    fn the_order_does_not_matter_and_a_newcomer_takes_only_its_own_share() {
        let four = senders(4);
        let (three, mut backwards) = (four[..3].to_vec(), four.clone());
        backwards.reverse();
        let mut moved = 0;
        for number in numbers() {
            let (before, after) = (choose(&number, three.clone()), choose(&number, four.clone()));
            assert_eq!(after, choose(&number, backwards.clone()));
            if before != after {
                assert_eq!(after, Some(four[3]));
                moved += 1;
            }
        }
        assert!((1_900..2_600).contains(&moved), "{moved}");
        assert_eq!(choose("+12125550100", []), None);
    }
}
