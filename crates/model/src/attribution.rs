//! How surely a conversation belongs to a campaign's recipient.

crate::text_enum! {
    /// Certainty that a chat came from a recipient's link.
    pub enum Attribution {
        /// The recipient's own code, from the recipient's own phone number.
        Certain = "certain",
        /// The code, from another or an unknown number: forwarded, or a customer without a visible number.
        Claimed = "claimed",
        /// No code, but the phone number tapped its link shortly before.
        Inferred = "inferred",
        /// Nothing points to a campaign.
        None = "none",
    }
}
