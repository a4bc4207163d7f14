//! Hard bounces: failures that say the number itself cannot be reached, and how many of them take it off the air.
//!
//! One failure is not enough by default: a carrier's UNDELIV also stands for a phone that was away. What counts is the
//! class `invalid_recipient`, which every provider's codes are translated into, and carriers' own codes as a workspace
//! knows them.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, time};

/// Class of failures that count: the number does not exist or cannot receive.
pub const HARD_CLASS: &str = "invalid_recipient";

/// When a number is put on the suppression list by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BounceRules {
    /// After how many hard bounces; 0 is never.
    pub after: u32,
    /// Days within which they have to fall.
    pub within_days: u32,
    /// Providers' codes that count whatever their class.
    pub hard_codes: Vec<String>,
    /// Providers' codes that never count, such as that of a phone that is switched off.
    pub soft_codes: Vec<String>,
}

impl Default for BounceRules {
    fn default() -> Self {
        Self { after: 3, within_days: 30, hard_codes: Vec::new(), soft_codes: Vec::new() }
    }
}

impl BounceRules {
    /// Whether a failure of this class and code is a hard bounce.
    #[must_use]
    pub fn is_hard(&self, class: &str, code: Option<&str>) -> bool {
        let has =
            |codes: &[String]| code.is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)));
        !has(&self.soft_codes) && (class == HARD_CLASS || has(&self.hard_codes))
    }

    /// After how many bounces; `None` when never.
    #[must_use]
    pub fn after(&self) -> Option<u32> {
        (self.after > 0).then_some(self.after)
    }

    /// Bounces before this are forgotten.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> Timestamp {
        now.plus(-i64::from(self.within_days) * time::DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_codes_that_count() {
        let rules = BounceRules {
            hard_codes: vec!["00A".to_owned()],
            soft_codes: vec!["27".to_owned()],
            ..BounceRules::default()
        };
        for (class, code, expected) in [
            ("invalid_recipient", None, true),
            ("invalid_recipient", Some("1"), true),
            ("invalid_recipient", Some("27"), false),
            ("expired", Some("00a"), true),
            ("expired", Some("9"), false),
            ("filtered", None, false),
        ] {
            assert_eq!(rules.is_hard(class, code), expected, "{class} {code:?}");
        }
        assert_eq!(BounceRules { after: 0, ..rules }.after(), None);
    }
}
