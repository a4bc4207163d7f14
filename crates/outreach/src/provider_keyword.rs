//! An opt-out that the SMS provider took for us and tells of with a refusal (Twilio's 21610): it blocks our messages
//! already, so only the ledger is left to write. What it tells of with the text itself goes through
//! [`crate::keywords::handle_answered`].
//!
//! Runs in the transaction that marks the inbox row as done. The no means the person, on every medium: which sender it was
//! said to is not told.

use segue_model::{
    Ctx, InboxId, PhoneNumber, Timestamp,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
};
use segue_store::{
    StoreError, Tx,
    consent::{ConsentError, NewConsentEvent},
    workspace::Workspace,
};

/// What the provider told.
#[derive(Debug, Clone, Copy)]
pub struct ProviderOptOut<'a> {
    /// The proof.
    pub inbox_id: InboxId,
    /// The customer's number, E.164 with or without plus sign.
    pub phone: &'a str,
    /// When it came in, which is when it counts from.
    pub received_at: Timestamp,
}

/// Writes it into the ledger. `false` when there is nothing new: the number is none, or had opted out already.
///
/// # Errors
/// When the store fails.
pub fn record(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    told: &ProviderOptOut<'_>,
) -> Result<bool, StoreError> {
    let digits = told.phone.trim().trim_start_matches('+');
    let Ok(phone) = PhoneNumber::from_digits(digits) else { return Ok(false) };
    let mut is_news = false;
    for writing in phone.writings() {
        for medium in [Medium::Sms, Medium::WhatsApp] {
            let known = tx.consent_state(workspace.id, medium, writing.as_str(), Purpose::Marketing)?;
            // Every further message to the number is refused again; that says nothing new. Where the no was said at
            // another number of the contact, it is news: the two may part again.
            if known.state == ConsentState::Revoked
                && tx.said_no(workspace.id, medium, writing.as_str(), Purpose::Marketing)?
            {
                continue;
            }
            append(tx, ctx, workspace, &writing, medium, told)?;
            is_news = true;
        }
    }
    Ok(is_news)
}

fn append(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    phone: &PhoneNumber,
    medium: Medium,
    told: &ProviderOptOut<'_>,
) -> Result<(), StoreError> {
    let event = NewConsentEvent {
        medium,
        address: phone.to_string(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Revoke,
        method: ConsentMethod::CarrierReport,
        wording: None,
        proof: Some(told.inbox_id.to_string()),
        actor: "system".to_owned(),
        occurred_at: told.received_at,
    };
    match tx.record_consent(workspace.id, &event, ctx) {
        Ok(_) => Ok(()),
        Err(ConsentError::Store(error)) => Err(error),
        // Both are about a yes.
        Err(error @ (ConsentError::EvidenceRequired | ConsentError::OptedOut)) => {
            Err(StoreError::Corrupt(error.to_string()))
        }
    }
}
