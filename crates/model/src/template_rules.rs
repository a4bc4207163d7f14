//! What decides about a promotional template beside what decides about every message: the template, the number that sends
//! it, how many customers may still be written to, and what the customer is doing.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    policy::{Approval, Known, Rule},
    time,
};

crate::text_enum! {
    /// Whom a campaign leaves alone because a conversation is going on.
    #[derive(Default)]
    pub enum SessionRule {
        /// Nobody.
        #[default]
        Any = "any",
        /// Whoever has an open conversation.
        NoOpenSession = "no_open_session",
        /// Whoever an agent talks with, or will.
        NoAgent = "no_agent",
    }
}

crate::text_enum! {
    /// Whether a conversation with the customer is going on.
    pub enum Conversation {
        None = "none",
        /// With the bot, or nobody has taken it yet.
        Open = "open",
        WithAgent = "with_agent",
    }
}

impl SessionRule {
    /// Whether the customer is left alone.
    #[must_use]
    pub const fn spares(self, conversation: Conversation) -> bool {
        match self {
            Self::Any => false,
            Self::NoOpenSession => !matches!(conversation, Conversation::None),
            Self::NoAgent => matches!(conversation, Conversation::WithAgent),
        }
    }
}

/// How long the platform counts a customer whom the business wrote to first.
pub const LIMIT_WINDOW: i64 = time::DAY;

/// How long nothing promotional goes to a customer for whom the platform has held a promotion back.
pub const MARKETING_REST: i64 = time::DAY;

/// How many customers may be written to first in 24 hours, and how many have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub most: u32,
    pub used: u32,
    /// When the first of those who count drops out.
    pub room_at: Timestamp,
}

impl Budget {
    /// How many customers more.
    #[must_use]
    pub const fn left(self) -> u32 {
        self.most.saturating_sub(self.used)
    }
}

/// Whether a template of this status is not sent any more, by the platform's word. A paused one may be sent again, and so
/// may one that is being looked at.
#[must_use]
pub fn is_over(status: &str) -> bool {
    matches!(status, "REJECTED" | "DISABLED" | "DELETED" | "PENDING_DELETION")
}

/// What decides about a campaign's template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateFacts {
    pub template: Approval,
    /// Whether it is a translation that is not sent any more. The campaign's own language holds the campaign instead, and
    /// a person decides.
    pub is_over: Known,
    /// Whether the platform takes no marketing to the recipient's country.
    pub not_taken: Known,
    /// Whether marketing from this number or with this template is stopped for its quality.
    pub braked: Known,
    pub sessions: SessionRule,
    pub conversation: Conversation,
    /// Whether the customer has agreed to anything on this medium; asked of what is no marketing.
    pub opted_in: Known,
    /// `None` when there is no limit, none is known, or the customer is counted already or wrote himself.
    pub budget: Option<Budget>,
    /// Until when nothing promotional goes to the customer, for whom the platform has held a promotion back; it may be
    /// over. `None` while the service window is open: what leaves then is not held back.
    pub rests_until: Option<Timestamp>,
}

impl TemplateFacts {
    /// What holds the whole campaign now, and until when where that is known.
    #[must_use]
    pub const fn hold(&self, is_marketing: bool) -> Option<(Rule, Option<Timestamp>)> {
        if matches!(self.template, Approval::NotApproved) {
            return Some((Rule::TemplatePaused, None));
        }
        if is_marketing && matches!(self.braked, Known::Yes) {
            return Some((Rule::QualityBrake, None));
        }
        match self.budget {
            Some(budget) if budget.left() == 0 => Some((Rule::MessagingLimit, Some(budget.room_at))),
            _ => None,
        }
    }
}

/// The limit that a word of the platform means: `TIER_2K`, a number, or -1. The outer `None` when it says nothing.
#[must_use]
pub fn limit_of(word: &str) -> Option<Option<u32>> {
    let word = word.trim().to_ascii_uppercase();
    let tier = word.strip_prefix("TIER_").unwrap_or(&word);
    match tier {
        "UNLIMITED" | "-1" => return Some(None),
        "NOT_SET" | "" => return None,
        _ => {}
    }
    let (digits, times) = match tier.strip_suffix('K') {
        Some(digits) => (digits, 1_000),
        None => (tier, 1),
    };
    digits.parse::<u32>().ok().and_then(|number| number.checked_mul(times)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_in_every_writing() {
        for (word, limit) in [
            ("TIER_250", Some(Some(250))),
            ("TIER_1K", Some(Some(1_000))),
            ("tier_100k", Some(Some(100_000))),
            ("2000", Some(Some(2_000))),
            ("TIER_UNLIMITED", Some(None)),
            ("-1", Some(None)),
            ("TIER_NOT_SET", None),
            ("TIER_BRAND_NEW", None),
            ("", None),
        ] {
            assert_eq!(limit_of(word), limit, "{word}");
        }
    }

    #[test]
    fn what_is_over_and_what_may_come_back() {
        let over = ["REJECTED", "DISABLED", "DELETED", "PENDING_DELETION"];
        assert!(over.into_iter().all(is_over));
        let others = ["APPROVED", "PAUSED", "PENDING", "IN_APPEAL", "FLAGGED", "ARCHIVED", "A_NEW_WORD"];
        assert!(!others.into_iter().any(is_over));
    }

    #[test]
    fn who_is_left_alone() {
        use Conversation::{None, Open, WithAgent};
        for (rule, spared) in [
            (SessionRule::Any, [false, false, false]),
            (SessionRule::NoOpenSession, [false, true, true]),
            (SessionRule::NoAgent, [false, false, true]),
        ] {
            assert_eq!([None, Open, WithAgent].map(|now| rule.spares(now)), spared, "{rule}");
        }
    }

    #[test]
    fn the_brake_stops_marketing_alone_and_the_template_stops_all() {
        let facts = TemplateFacts {
            template: Approval::Approved,
            is_over: Known::No,
            not_taken: Known::No,
            braked: Known::Yes,
            sessions: SessionRule::Any,
            conversation: Conversation::None,
            opted_in: Known::Yes,
            budget: Some(Budget { most: 2, used: 1, room_at: Timestamp(5) }),
            rests_until: None,
        };
        assert_eq!(facts.hold(true), Some((Rule::QualityBrake, None)));
        assert_eq!(facts.hold(false), None);
        let full = TemplateFacts { budget: facts.budget.map(|budget| Budget { used: 2, ..budget }), ..facts };
        assert_eq!(full.hold(false), Some((Rule::MessagingLimit, Some(Timestamp(5)))));
        let paused = TemplateFacts { template: Approval::NotApproved, ..facts };
        assert_eq!(paused.hold(false), Some((Rule::TemplatePaused, None)));
    }
}
