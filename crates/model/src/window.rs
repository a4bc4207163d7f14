//! The service window: until when free text may be sent to a customer.

use crate::{Timestamp, time};

/// WhatsApp's service window opens with each inbound message and lasts this long
/// (WhatsApp Business Platform, "Customer service windows").
pub const SERVICE_WINDOW: i64 = 24 * time::HOUR;

/// Kept free before the end, so that a message on its way cannot arrive after it.
pub const GUARD: i64 = time::MINUTE;

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
}
