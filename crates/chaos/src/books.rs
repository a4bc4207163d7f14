//! The balance of a campaign: what the product says of each recipient against what the carrier's ledger says.

use std::collections::BTreeMap;

/// How often the carrier accepted the campaign's message for each number, and for which it reached the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    pub accepted: BTreeMap<String, usize>,
    pub delivered: BTreeMap<String, usize>,
}

/// The words of the API for the recipients of a campaign, by number.
pub type Recipients = BTreeMap<String, String>;

/// What comes of comparing the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balance {
    /// Who should have got a message.
    pub recipients: usize,
    /// Messages the carrier accepted.
    pub sent: usize,
    /// Recipients shown as delivered who have it.
    pub delivered: usize,
    /// Recipients shown as failed who have nothing.
    pub failed: usize,
    /// Recipients that the product will not send to or ask about any more, for it thinks they are served, or it has
    /// forgotten them.
    pub lost: usize,
    /// Messages beyond the first of a recipient.
    pub doubled: usize,
    /// Recipients of whom the product says that nothing left, or that it was not delivered, when it was.
    pub wrong: usize,
    /// Recipients shown as unknown.
    pub unknown: usize,
    /// Recipients shown as unknown who have it: a receipt must still settle them.
    pub unknown_sent: usize,
    /// Recipients whom a rule excluded or a cancellation spared, and who have nothing.
    pub spared: usize,
}

impl Balance {
    /// Compares. `audience` are the numbers that should get a message.
    pub fn of(audience: &[String], recipients: &Recipients, ledger: &Ledger) -> Self {
        let mut balance = Self {
            recipients: audience.len(),
            sent: ledger.accepted.values().sum(),
            doubled: ledger.accepted.values().map(|times| times.saturating_sub(1)).sum(),
            ..Self::default()
        };
        for number in audience {
            let accepted = ledger.accepted.get(number).copied().unwrap_or_default() > 0;
            let arrived = ledger.delivered.get(number).copied().unwrap_or_default() > 0;
            match (recipients.get(number).map(String::as_str), accepted) {
                (Some("unknown"), _) => {
                    balance.unknown += 1;
                    balance.unknown_sent += usize::from(accepted);
                }
                (Some("delivered"), true) if arrived => balance.delivered += 1,
                (Some("failed"), true) if !arrived => balance.failed += 1,
                (Some("failed"), false) => balance.failed += 1,
                (Some("excluded" | "canceled"), false) => balance.spared += 1,
                (_, false) => balance.lost += 1,
                (_, true) => balance.wrong += 1,
            }
        }
        balance
    }

    /// Whether nobody is lost, nobody has it twice, and nothing else is wrong.
    pub const fn is_exact(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.wrong == 0 && self.unknown_sent == 0
    }

    /// How many recipients' end is shown.
    pub const fn settled(&self) -> usize {
        self.delivered + self.failed + self.spared + self.unknown - self.unknown_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(state: &str, accepted: usize, delivered: usize) -> Balance {
        let number = "+15550200001".to_owned();
        let recipients = if state.is_empty() { Recipients::new() } else { [(number.clone(), state.to_owned())].into() };
        let counted = |times: usize| if times > 0 { [(number.clone(), times)].into() } else { BTreeMap::new() };
        let ledger = Ledger { accepted: counted(accepted), delivered: counted(delivered) };
        Balance::of(std::slice::from_ref(&number), &recipients, &ledger)
    }

    #[test]
    fn books_that_agree_are_exact() {
        for (state, accepted, delivered) in
            [("delivered", 1, 1), ("failed", 0, 0), ("failed", 1, 0), ("unknown", 0, 0), ("excluded", 0, 0)]
        {
            let balance = balance(state, accepted, delivered);
            assert!(balance.is_exact() && balance.settled() == 1, "{state}: {balance:?}");
        }
    }

    #[test]
    fn every_kind_of_fault_has_its_column() {
        assert_eq!(balance("sent", 0, 0).lost, 1, "called sent and never was");
        assert_eq!(balance("delivered", 0, 0).lost, 1, "called delivered and never was sent");
        assert_eq!(balance("queued", 0, 0).lost, 1, "left lying");
        assert_eq!(balance("", 0, 0).lost, 1, "forgotten");
        assert_eq!(balance("delivered", 2, 2).doubled, 1);
        assert_eq!(balance("unknown", 2, 2).doubled, 1);
        assert_eq!(balance("failed", 1, 1).wrong, 1, "called failed and arrived");
        assert_eq!(balance("delivered", 1, 0).wrong, 1, "called delivered and did not arrive");
        assert_eq!(balance("canceled", 1, 1).wrong, 1);
        assert_eq!(balance("unknown", 1, 1).unknown_sent, 1, "a receipt is due");
        assert!(!balance("unknown", 1, 1).is_exact());
    }
}
