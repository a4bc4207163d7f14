//! Variants of a campaign's text and the group that gets none: who gets which, and which one won.
//!
//! A recipient's group follows from his position in the plan alone. Positions are dealt out to a hundred buckets by a
//! stride that has no common divisor with a hundred, so that any hundred neighbours fill each bucket once: the groups have
//! the weights that were asked for to within one in a hundred recipients, the same after a crash, and the database can
//! compute them too.

use serde::{Deserialize, Serialize};

use crate::language::LocaleText;

/// Buckets that the weights are shares of.
pub const BUCKETS: u32 = 100;
/// Steps between neighbours.
pub const STRIDE: u32 = 61;
/// Most variants of one campaign.
pub const MOST_VARIANTS: usize = 8;
/// Most of the audience that may be held out, in percent.
pub const MOST_HELD_OUT: u32 = 50;

/// One text of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Such as `A`.
    pub name: String,
    /// Share among the variants.
    pub weight: u32,
    /// Text with merge fields, without the footer.
    pub body: String,
    /// The same in other languages.
    #[serde(default)]
    pub texts: Vec<LocaleText>,
}

/// Which group a recipient is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The variant at this place; 0 when there is one text.
    Variant(usize),
    /// Gets nothing, and is counted.
    HeldOut,
}

/// The bucket of a position.
#[must_use]
pub const fn bucket(position: u32) -> u32 {
    ((position as u64 * STRIDE as u64) % BUCKETS as u64) as u32
}

/// The group of a bucket: the last buckets are held out, the others are shared by weight.
#[must_use]
pub fn group_of_bucket(bucket: u32, weights: &[u32], held_out_percent: u32) -> Group {
    let sent = BUCKETS.saturating_sub(held_out_percent.min(MOST_HELD_OUT));
    if bucket >= sent {
        return Group::HeldOut;
    }
    let total: u64 = weights.iter().copied().map(u64::from).sum();
    let mut border = 0_u64;
    for (place, weight) in weights.iter().enumerate() {
        border += u64::from(*weight);
        // The bucket's middle, so that rounding falls to either side alike.
        if (2 * u64::from(bucket) + 1) * total < 2 * border * u64::from(sent) {
            return Group::Variant(place);
        }
    }
    Group::Variant(weights.len().saturating_sub(1))
}

/// The group of a recipient.
#[must_use]
pub fn group_of(position: u32, weights: &[u32], held_out_percent: u32) -> Group {
    group_of_bucket(bucket(position), weights, held_out_percent)
}

/// How sure it is that the better of two shares is better: the two-sided probability, in thousandths, that a difference as
/// large as this does not come from chance (test of two proportions with pooled variance). Nothing when there is too little
/// to say: fewer than 30 people in either group, or fewer than 5 on either side of the question.
#[must_use]
pub fn confidence(better: (i64, i64), other: (i64, i64)) -> Option<u32> {
    let ((a, of_a), (b, of_b)) = (better, other);
    let (yes, all) = (a + b, of_a + of_b);
    if of_a < 30 || of_b < 30 || yes < 5 || all - yes < 5 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of people")]
    let (a, of_a, b, of_b, yes, all) = (a as f64, of_a as f64, b as f64, of_b as f64, yes as f64, all as f64);
    let share = yes / all;
    let deviation = (share * (1.0 - share) * (1.0 / of_a + 1.0 / of_b)).sqrt();
    let z = ((a / of_a) - (b / of_b)).abs() / deviation;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (within(z) * 1_000.0).floor() as u32;
    Some(thousandths.min(999))
}

/// Share of a normal distribution within `z` deviations on both sides (Abramowitz and Stegun 7.1.26; error below 2e-7).
fn within(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    1.0 - poly * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &[u32], held_out: u32, count: u32) -> (Vec<u32>, u32) {
        let (mut variants, mut out) = (vec![0; weights.len()], 0);
        for position in 1..=count {
            match group_of(position, weights, held_out) {
                Group::Variant(place) => variants[place] += 1,
                Group::HeldOut => out += 1,
            }
        }
        (variants, out)
    }

    #[test]
    fn groups_have_the_weights_that_were_asked_for() {
        assert_eq!(shares(&[1, 1], 0, 1_000), (vec![500, 500], 0));
        assert_eq!(shares(&[1, 1], 10, 1_000), (vec![450, 450], 100));
        assert_eq!(shares(&[70, 20, 10], 0, 1_000), (vec![700, 200, 100], 0));
        assert_eq!(shares(&[1], 0, 7), (vec![7], 0));
        let (thirds, out) = shares(&[1, 1, 1], 5, 10_000);
        assert_eq!(out, 500);
        assert!(thirds.iter().all(|share| (3_100..=3_230).contains(share)), "{thirds:?}");
    }

    #[test]
    fn any_hundred_neighbours_fill_each_bucket_once() {
        for start in [1, 77, 4_000_000_000] {
            let mut seen: Vec<u32> = (start..start + BUCKETS).map(bucket).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..BUCKETS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn confidence_is_that_of_the_textbook_and_absent_when_there_is_too_little() {
        // 200 of 1000 against 250 of 1000: z = 2.68, p = 0.0074.
        assert_eq!(confidence((250, 1_000), (200, 1_000)), Some(992));
        // 10 % against 11 % of 500: z = 0.516, p = 0.6060.
        assert_eq!(confidence((55, 500), (50, 500)), Some(393));
        assert_eq!(confidence((100, 1_000), (100, 1_000)), Some(0));
        assert_eq!(confidence((20, 29), (1, 500)), None);
        assert_eq!(confidence((2, 500), (1, 500)), None);
        assert_eq!(confidence((0, 0), (0, 0)), None);
    }
}
