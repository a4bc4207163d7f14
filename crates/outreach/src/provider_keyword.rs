//! An opt-out or opt-in that the SMS provider took for us: it has answered the customer and blocks our messages already,
//! so only the ledger is left to write. Providers tell of it with an inbound text (`OptOutType`) or with a refusal
//! (Twilio's 21610).
//!
//! Runs in the transaction that marks the inbox row as done. A STOP means the person, as in [`crate::keywords`]; a START
//! is a grant of its own, with the text as its proof.

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
pub struct ProviderKeyword<'a> {
    /// The proof.
    pub inbox_id: InboxId,
    /// The customer's number, E.164 with or without plus sign.
    pub phone: &'a str,
    pub action: ConsentAction,
    /// What the customer wrote, when that is known.
    pub wording: Option<&'a str>,
    /// When it came in, which is when it counts from.
    pub received_at: Timestamp,
    /// [`ConsentMethod::Keyword`] for a text, [`ConsentMethod::CarrierReport`] for a refusal.
    pub method: ConsentMethod,
}

/// Writes it into the ledger. `false` when there is nothing new: the number is none, or had opted out already.
///
/// # Errors
/// When the store fails.
pub fn record(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    keyword: &ProviderKeyword<'_>,
) -> Result<bool, StoreError> {
    let digits = keyword.phone.trim().trim_start_matches('+');
    let Ok(phone) = PhoneNumber::from_digits(digits) else { return Ok(false) };
    if keyword.action == ConsentAction::Grant {
        append(tx, ctx, workspace, &phone, Medium::Sms, keyword)?;
        return Ok(true);
    }
    let mut is_news = false;
    for writing in phone.writings() {
        for medium in [Medium::Sms, Medium::WhatsApp] {
            let known = tx.consent_state(workspace.id, medium, writing.as_str(), Purpose::Marketing)?;
            // Every further message to the number is refused again; that says nothing new.
            if known.state == ConsentState::Revoked && keyword.method == ConsentMethod::CarrierReport {
                continue;
            }
            append(tx, ctx, workspace, &writing, medium, keyword)?;
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
    keyword: &ProviderKeyword<'_>,
) -> Result<(), StoreError> {
    let event = NewConsentEvent {
        medium,
        address: phone.to_string(),
        purpose: Purpose::Marketing,
        action: keyword.action,
        method: keyword.method,
        wording: keyword.wording.map(|wording| wording.trim().to_owned()),
        proof: Some(keyword.inbox_id.to_string()),
        actor: "system".to_owned(),
        occurred_at: keyword.received_at,
    };
    match tx.record_consent(workspace.id, &event, ctx) {
        Ok(_) => Ok(()),
        Err(ConsentError::Store(error)) => Err(error),
        // The proof is always given above, and a START that the provider took is the person's own text.
        Err(error @ (ConsentError::EvidenceRequired | ConsentError::OptedOut)) => {
            Err(StoreError::Corrupt(error.to_string()))
        }
    }
}
