//! Delivery of one outbound message: its states and the fold of what the provider reports.
//!
//! Providers report late, twice and in any order, so the shown state is the maximum over what was ever seen and never
//! depends on the order of arrival. `failed` is shown only while nothing at or above `delivered` was seen.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

crate::text_enum! {
    /// Where an outbound message is.
    pub enum OutboxState {
        /// May be claimed from `not_before` on.
        Queued = "queued",
        /// Reserved by a worker; nothing has left.
        Claimed = "claimed",
        /// Bytes may have left: after a crash this becomes `unknown`, never a second send.
        Submitting = "submitting",
        /// The provider took it and gave an id.
        Accepted = "accepted",
        /// On the recipient's device.
        Delivered = "delivered",
        /// Seen by the recipient.
        Read = "read",
        /// Will not arrive; the reason is stored.
        Failed = "failed",
        /// The provider may or may not have it; a later receipt resolves it.
        Unknown = "unknown",
        /// The policy engine refused it; the rule is stored.
        Suppressed = "suppressed",
        /// Ended by a person before it left.
        Canceled = "canceled",
        /// Its time ran out before it left.
        Expired = "expired",
    }
}

impl OutboxState {
    /// Whether a receipt or status may still change it.
    #[must_use]
    pub const fn awaits_reports(self) -> bool {
        matches!(self, Self::Submitting | Self::Accepted | Self::Delivered | Self::Read | Self::Unknown | Self::Failed)
    }

    /// Whether nothing has left and nothing will without a new decision.
    #[must_use]
    pub const fn never_left(self) -> bool {
        matches!(self, Self::Queued | Self::Claimed | Self::Suppressed | Self::Canceled | Self::Expired)
    }
}

crate::text_enum! {
    /// What a provider reported of a message.
    pub enum Report {
        Accepted = "accepted",
        Delivered = "delivered",
        Read = "read",
        /// A voice message was listened to; it was read then.
        Played = "played",
        Failed = "failed",
    }
}

/// When each report was first true, by the provider's time. The whole delivery history of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    pub accepted_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub played_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
}

impl Reports {
    /// Takes one report in. Commutative and idempotent: the earliest time of each kind is kept.
    #[must_use]
    pub fn with(mut self, report: Report, at: Timestamp) -> Self {
        let slot = match report {
            Report::Accepted => &mut self.accepted_at,
            Report::Delivered => &mut self.delivered_at,
            Report::Read => &mut self.read_at,
            Report::Played => &mut self.played_at,
            Report::Failed => &mut self.failed_at,
        };
        *slot = Some(slot.map_or(at, |seen| seen.min(at)));
        self
    }

    /// The state these reports amount to; `None` when nothing was reported.
    #[must_use]
    pub fn state(self) -> Option<OutboxState> {
        if self.read_at.is_some() || self.played_at.is_some() {
            Some(OutboxState::Read)
        } else if self.delivered_at.is_some() {
            Some(OutboxState::Delivered)
        } else if self.failed_at.is_some() {
            Some(OutboxState::Failed)
        } else {
            self.accepted_at.map(|_| OutboxState::Accepted)
        }
    }
}

crate::text_enum! {
    /// Why a message is sent; decides consent, quiet hours and what an unclear outcome means.
    pub enum MessageClass {
        /// Campaigns: consent and quiet hours apply; never sent twice.
        Marketing = "marketing",
        /// Answers inside a conversation the customer opened.
        Service = "service",
        /// The one confirmation of a STOP, HELP or START.
        Keyword = "keyword",
        /// A marketer's test to a number they typed.
        Test = "test",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fold(reports: &[(Report, i64)]) -> Reports {
        reports.iter().fold(Reports::default(), |all, &(report, at)| all.with(report, Timestamp(at)))
    }

    proptest! {
        #[test]
        fn order_and_duplicates_do_not_matter(
            reports in prop::collection::vec((prop::sample::select(Report::ALL), 0i64..50), 0..12),
            seed in prop::collection::vec(0usize..64, 0..12),
        ) {
            let mut shuffled = reports.clone();
            for (from, to) in seed.iter().enumerate() {
                if !shuffled.is_empty() {
                    let (from, to) = (from % shuffled.len(), to % shuffled.len());
                    shuffled.swap(from, to);
                    shuffled.push(shuffled[to]);
                }
            }
            prop_assert_eq!(fold(&reports), fold(&shuffled));
        }

        #[test]
        fn the_rank_never_falls(
            reports in prop::collection::vec((prop::sample::select(Report::ALL), 0i64..50), 1..12),
        ) {
            let rank = |state: Option<OutboxState>| match state {
                None => 0,
                Some(OutboxState::Accepted) => 1,
                Some(OutboxState::Failed) => 2,
                Some(OutboxState::Delivered) => 3,
                Some(_) => 4,
            };
            let mut seen = Reports::default();
            for &(report, at) in &reports {
                let next = seen.with(report, Timestamp(at));
                prop_assert!(rank(next.state()) >= rank(seen.state()));
                seen = next;
            }
        }
    }

    #[test]
    fn golden_cases() {
        use Report::{Accepted, Delivered, Failed, Read};
        let state = |reports: &[Report]| fold(&reports.iter().map(|&r| (r, 1)).collect::<Vec<_>>()).state();
        assert_eq!(state(&[]), None);
        assert_eq!(state(&[Read]), Some(OutboxState::Read), "read without delivered");
        assert_eq!(state(&[Delivered, Accepted]), Some(OutboxState::Delivered), "late acceptance");
        assert_eq!(state(&[Failed, Accepted]), Some(OutboxState::Failed));
        assert_eq!(state(&[Failed, Delivered]), Some(OutboxState::Delivered), "one of two devices failed");
    }
}
