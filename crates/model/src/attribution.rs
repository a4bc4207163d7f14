//! How surely a conversation belongs to a campaign's recipient.

use crate::{PhoneNumber, Timestamp, time};

crate::text_enum! {
    /// Certainty that a chat came from a recipient's message.
    pub enum Attribution {
        /// The recipient's own code, from the recipient's own phone number; or an answer to the very message, which only
        /// whoever got it can give.
        Certain = "certain",
        /// The code, from another or an unknown number: forwarded, or a customer without a visible number.
        Claimed = "claimed",
        /// No code, but the phone number tapped its link, or got its template, shortly before.
        Inferred = "inferred",
        /// The campaign's QR code: the campaign is known, and not whether the customer is one of its recipients.
        Qr = "qr",
        /// An advertisement brought the customer, and no campaign did.
        Ad = "ad",
        /// Nothing points to a campaign.
        None = "none",
    }
}

/// How long after a tap a chat without a code is still taken to come from it.
pub const INFERENCE_WINDOW: i64 = 24 * time::HOUR;

/// The recipient a code in the message belongs to.
#[derive(Debug, Clone, Copy)]
pub struct CodeOwner<'a, R> {
    /// Whatever the caller knows a recipient by.
    pub recipient: R,
    pub phone: &'a PhoneNumber,
}

/// A filtered tap (people, not link scanners) on a recipient's link, or a template that was sent to the number.
#[derive(Debug, Clone, Copy)]
pub struct RecentTap<'a, R> {
    pub recipient: R,
    pub phone: &'a PhoneNumber,
    pub tapped_at: Timestamp,
}

/// Whom a conversation is attributed to, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributed<R> {
    pub certainty: Attribution,
    /// `None` exactly when the certainty is `none`, `ad` or `qr`.
    pub recipient: Option<R>,
}

/// Attributes a conversation by a message at `now`. An answer to a campaign's message beats a code, and a code a tap; of
/// several taps of the same phone the last within [`INFERENCE_WINDOW`] counts.
#[must_use]
pub fn attribute<R: Copy>(
    answered: Option<R>,
    code: Option<CodeOwner<'_, R>>,
    inbound: Option<&PhoneNumber>,
    taps: &[RecentTap<'_, R>],
    now: Timestamp,
) -> Attributed<R> {
    if let Some(recipient) = answered {
        return Attributed { certainty: Attribution::Certain, recipient: Some(recipient) };
    }
    if let Some(owner) = code {
        let own = inbound.is_some_and(|phone| phone.is_same_line(owner.phone));
        let certainty = if own { Attribution::Certain } else { Attribution::Claimed };
        return Attributed { certainty, recipient: Some(owner.recipient) };
    }
    let tap = taps
        .iter()
        .filter(|tap| inbound.is_some_and(|phone| phone.is_same_line(tap.phone)))
        .filter(|tap| (0..=INFERENCE_WINDOW).contains(&now.since(tap.tapped_at)))
        .max_by_key(|tap| tap.tapped_at);
    match tap {
        Some(tap) => Attributed { certainty: Attribution::Inferred, recipient: Some(tap.recipient) },
        None => Attributed { certainty: Attribution::None, recipient: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn phone(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    fn check(code: Option<&str>, inbound: Option<&str>, taps: &[(u8, &str, i64)]) -> (Attribution, Option<u8>) {
        let (code, inbound) = (code.map(phone), inbound.map(phone));
        let phones = taps.iter().map(|tap| phone(tap.1)).collect::<Vec<_>>();
        let taps = taps
            .iter()
            .zip(&phones)
            .map(|(tap, phone)| RecentTap { recipient: tap.0, phone, tapped_at: NOW.plus(tap.2) })
            .collect::<Vec<_>>();
        let owner = code.as_ref().map(|phone| CodeOwner { recipient: 9, phone });
        let found = attribute(None, owner, inbound.as_ref(), &taps, NOW);
        (found.certainty, found.recipient)
    }

    #[test]
    fn an_answer_to_the_message_is_certain_whatever_else_is_said() {
        let ben = phone("+15550100002");
        let owner = CodeOwner { recipient: 9, phone: &ben };
        let found = attribute(Some(4), Some(owner), Some(&ben), &[], NOW);
        assert_eq!((found.certainty, found.recipient), (Attribution::Certain, Some(4)));
        let hidden = attribute(Some(4), None, None, &[], NOW);
        assert_eq!((hidden.certainty, hidden.recipient), (Attribution::Certain, Some(4)), "without a visible number");
    }

    #[test]
    fn tiers() {
        use Attribution::{Certain, Claimed, Inferred, None as Nothing};
        let (ana, ben) = ("+15550100001", "+15550100002");
        assert_eq!(check(Some(ana), Some(ana), &[]), (Certain, Some(9)));
        assert_eq!(check(Some(ana), Some(ben), &[]), (Claimed, Some(9)), "forwarded");
        assert_eq!(check(Some(ana), None, &[]), (Claimed, Some(9)), "no visible number");
        assert_eq!(check(Some(ana), Some(ben), &[(1, ben, -1)]), (Claimed, Some(9)), "a code beats a tap");
        assert_eq!(check(None, Some(ana), &[(1, ana, -1000)]), (Inferred, Some(1)));
        assert_eq!(check(None, Some(ana), &[(1, ana, -2000), (2, ana, -1000), (3, ben, -1)]), (Inferred, Some(2)));
        assert_eq!(check(None, Some(ana), &[(1, ana, -INFERENCE_WINDOW)]), (Inferred, Some(1)));
        assert_eq!(check(None, Some(ana), &[(1, ana, -INFERENCE_WINDOW - 1)]), (Nothing, None), "too long ago");
        assert_eq!(check(None, Some(ana), &[(1, ana, 1)]), (Nothing, None), "after the message");
        assert_eq!(check(None, Some(ana), &[(1, ben, -1)]), (Nothing, None));
        assert_eq!(check(None, None, &[(1, ana, -1)]), (Nothing, None), "an unknown number infers nothing");
        assert_eq!(
            check(Some("+5511999990000"), Some("+551199990000"), &[]),
            (Certain, Some(9)),
            "Brazil's ninth digit"
        );
    }
}
