//! Customers who stopped marketing at the platform, as the refusal of one message tells it (131050).
//!
//! It is an entry of the consent ledger with a method of its own, apart from what customers say to us: the same that the
//! platform's own notice of the stop becomes.

use segue_model::{
    Ctx, PhoneNumber, WorkspaceId,
    consent::{ConsentMethod, Medium},
};
use segue_store::{StoreError, Tx, consent::ConsentError, opt_out::OptOut, outbox::OutboxMessage, submission::Failure};

/// The platform's code for a customer who stopped marketing.
const STOPPED: &str = "131050";

/// Records the stop when this failure tells of one.
pub(crate) fn note_failure(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: &OutboxMessage,
    failure: &Failure,
) -> Result<(), StoreError> {
    if failure.code.as_deref() == Some(STOPPED) {
        record(tx, ctx, message.workspace_id, &message.address)?;
    }
    Ok(())
}

/// Records that whoever has this address stopped marketing.
pub(crate) fn record(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
    let phone = PhoneNumber::parse(address, None).ok().filter(|_| address.starts_with('+'));
    let no = OptOut {
        said_on: Medium::WhatsApp,
        phones: phone.iter().flat_map(PhoneNumber::writings).map(|phone| phone.to_string()).collect(),
        hidden: phone.is_none().then(|| address.to_owned()),
        sender: None,
        method: ConsentMethod::MetaUserPreferences,
        wording: None,
        proof: Some(format!("whatsapp error {STOPPED}")),
        actor: "customer".to_owned(),
        occurred_at: ctx.now(),
    };
    tx.opt_out(workspace_id, workspace.settings.consent.opt_out_scope, &no, ctx).map_err(|error| match error {
        ConsentError::Store(error) => error,
        other => StoreError::Corrupt(other.to_string()),
    })
}
