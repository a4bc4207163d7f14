//! The service window: until when free text may be sent to a customer.

use crate::{Timestamp, time};

/// WhatsApp's service window opens with each inbound message and lasts this long
/// (WhatsApp Business Platform, "Customer service windows").
pub const SERVICE_WINDOW: i64 = 24 * time::HOUR;

/// Kept free before the end, so that a message on its way cannot arrive after it.
pub const GUARD: i64 = time::MINUTE;

/// A customer who came by an advertisement has to be answered within this time for the free entry point to open
/// (WhatsApp Business Platform, "Free entry point conversations").
pub const REFERRAL_ANSWER: i64 = 24 * time::HOUR;

/// The free entry point opens with that answer and lasts this long. Messages cost nothing in it; free text still needs
/// the service window.
pub const FREE_ENTRY: i64 = 72 * time::HOUR;

/// When the free entry point ends that an answer at `answered_at` opens; `None` when the answer comes too late.
/// `referred_at` is the provider's time of the message that came by the advertisement.
#[must_use]
pub fn free_entry(referred_at: Timestamp, answered_at: Timestamp) -> Option<Timestamp> {
    // The provider's clock may be ahead of ours.
    (answered_at.since(referred_at) < REFERRAL_ANSWER).then(|| answered_at.max(referred_at).plus(FREE_ENTRY))
}

/// When the customer came by an advertisement, as long as no answer has opened a free entry point since: the one that is
/// known, if any, was opened by an answer before that.
#[must_use]
pub fn unanswered(referred_at: Option<Timestamp>, free_entry_until: Option<Timestamp>) -> Option<Timestamp> {
    referred_at.filter(|at| free_entry_until.is_none_or(|until| *at > until.plus(-FREE_ENTRY)))
}

/// When the window that an inbound message opened ends. `provider_time` is the provider's timestamp of the customer's
/// last inbound message, never the time of receipt.
#[must_use]
pub const fn expires_at(provider_time: Timestamp) -> Timestamp {
    provider_time.plus(SERVICE_WINDOW)
}

/// Whether free text may be sent at `now`, the guard included.
#[must_use]
pub fn is_open(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| now.plus(GUARD) < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_closes_the_window_a_minute_early() {
        let end = expires_at(Timestamp(0));
        assert_eq!(end, Timestamp(86_400_000));
        assert!(is_open(Some(end), Timestamp(0)));
        assert!(is_open(Some(end), end.plus(-GUARD - 1)));
        assert!(!is_open(Some(end), end.plus(-GUARD)));
        assert!(!is_open(Some(end), end.plus(1)));
        assert!(!is_open(None, Timestamp(0)));
    }

    #[test]
    fn the_free_entry_point_opens_with_the_answer_and_only_within_a_day() {
        let referred = Timestamp(0);
        assert_eq!(free_entry(referred, Timestamp(0)), Some(Timestamp(259_200_000)));
        assert_eq!(free_entry(Timestamp(5), referred), Some(Timestamp(259_200_005)), "the provider's clock is ahead");
        let late = Timestamp(REFERRAL_ANSWER - 1);
        assert_eq!(free_entry(referred, late), Some(late.plus(FREE_ENTRY)));
        assert_eq!(free_entry(referred, Timestamp(REFERRAL_ANSWER)), None);
    }
}
