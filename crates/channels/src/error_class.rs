//! Why a message did not go out, in words shared by all providers.

segue_model::text_enum! {
    /// The kind of a failure. Stored by its word, so a word never changes once released.
    pub enum ErrorClass {
        /// The number does not exist, is not on the channel, or cannot receive.
        InvalidRecipient = "invalid_recipient",
        /// The recipient has stopped messages of this kind at the provider.
        OptedOut = "opted_out",
        /// The sender (number, name, display name) is not registered or approved for this traffic.
        SenderNotRegistered = "sender_not_registered",
        /// The provider or a carrier filtered the message: spam, policy, country rule, experiment.
        Filtered = "filtered",
        /// Too fast: the provider asks to slow down. Nothing was sent; send it again later.
        Throttled = "throttled",
        /// The 24-hour service window is closed; only a template may go out.
        WindowClosed = "window_closed",
        /// The template is missing, not approved, paused or disabled.
        TemplateUnavailable = "template_unavailable",
        /// The content breaks a rule of the channel: length, parameters, file type, encoding.
        ContentInvalid = "content_invalid",
        /// The validity ended before delivery.
        Expired = "expired",
        /// Credentials, permissions or certificates are wrong. An admin must act.
        Authentication = "authentication",
        /// The account is locked, restricted, unpaid or not set up. An admin must act.
        AccountBlocked = "account_blocked",
        /// The provider cannot be reached, is down or in maintenance.
        ProviderDown = "provider_down",
        /// The provider refuses the operation itself: a feature not offered for this account or recipient.
        NotSupported = "not_supported",
        /// The provider gave no usable reason.
        Unknown = "unknown",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ErrorClass;

    #[test]
    fn stored_form_round_trips_and_is_unique() {
        let texts: BTreeSet<_> = ErrorClass::ALL.iter().map(|class| class.as_str()).collect();
        assert_eq!(texts.len(), ErrorClass::ALL.len());
        for &class in ErrorClass::ALL {
            assert_eq!(ErrorClass::parse(class.as_str()), Ok(class));
            let json = serde_json::to_string(&class).unwrap();
            assert_eq!(serde_json::from_str::<ErrorClass>(&json).unwrap(), class);
        }
        assert!(ErrorClass::parse("Throttled").is_err());
        assert!(serde_json::from_str::<ErrorClass>("\"nonsense\"").is_err());
    }
}
