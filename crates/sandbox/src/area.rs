//! Whether a number is of the United States: to those the platform delivers no marketing templates.

/// From when: 2025-04-01T00:00Z.
const NO_MARKETING_FROM_MS: i64 = 1_743_465_600_000;

/// Area codes of the country code 1 that are Canada's.
const CANADA: &[u16] = &[
    204, 226, 236, 249, 250, 257, 263, 289, 306, 343, 354, 365, 367, 368, 382, 387, 403, 416, 418, 428, 431, 437, 438,
    450, 460, 468, 474, 506, 514, 519, 537, 548, 568, 579, 581, 584, 587, 604, 613, 639, 647, 672, 683, 705, 709, 742,
    753, 778, 780, 782, 807, 819, 825, 867, 873, 879, 902, 905, 942,
];
/// Those of islands.
const ISLANDS: &[u16] = &[
    242, 246, 264, 268, 284, 340, 345, 441, 473, 649, 658, 664, 670, 671, 684, 721, 758, 767, 784, 787, 809, 829, 849,
    868, 869, 876, 939,
];
/// Those of no place.
const NOWHERE: &[u16] =
    &[500, 521, 522, 533, 544, 555, 566, 577, 588, 600, 622, 700, 710, 800, 833, 844, 855, 866, 877, 888, 900];

/// Whether the platform delivers no marketing to this number then; digits only.
pub(crate) fn takes_no_marketing(digits: &str, now: i64) -> bool {
    let rest = digits.strip_prefix('1').filter(|rest| rest.len() == 10);
    let Some(area_code) = rest.and_then(|rest| rest.get(..3)?.parse::<u16>().ok()) else { return false };
    let is_elsewhere = [CANADA, ISLANDS, NOWHERE].iter().any(|codes| codes.contains(&area_code));
    now >= NO_MARKETING_FROM_MS && area_code >= 200 && !is_elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_united_states_since_april_2025() {
        let now = NO_MARKETING_FROM_MS;
        assert!(takes_no_marketing("12125550123", now) && !takes_no_marketing("12125550123", now - 1));
        for other in ["14165550123", "18765550123", "15555550123", "15550123", "4915112345678", ""] {
            assert!(!takes_no_marketing(other, now), "{other}");
        }
    }
}
