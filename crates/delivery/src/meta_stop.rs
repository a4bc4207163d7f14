//! Customers who stopped marketing at the platform, as the refusal of one message tells it (131050).
//!
//! It is an entry of the consent ledger with a method of its own, apart from what customers say to us: the same that the
//! platform's own notice of the stop becomes.

use segue_model::{
    ChannelId, Ctx, Timestamp, WorkspaceId,
    consent::{ConsentMethod, Medium},
};
use segue_store::{
    StoreError, Tx, consent::ConsentError, customer_address::CustomerAddresses, opt_out::OptOut, outbox::OutboxMessage,
    submission::Failure,
};

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
        record(tx, ctx, (message.workspace_id, message.channel_id), &message.address, ctx.now())?;
    }
    Ok(())
}

/// Records that whoever has this address had stopped marketing by then, at all addresses of theirs.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    address: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
    let mut all = match tx.customer_at(workspace_id, channel_id, address)? {
        Some(user_id) => tx.addresses_of_customer(workspace_id, user_id)?,
        None => CustomerAddresses::default(),
    };
    if address.starts_with('+') {
        all.add_phone(address);
    } else {
        all.hidden.insert(address.to_owned());
    }
    let no = OptOut {
        said_on: Medium::WhatsApp,
        phones: all.phones.into_iter().collect(),
        hidden: all.hidden,
        sender: None,
        method: ConsentMethod::MetaUserPreferences,
        wording: None,
        proof: Some(format!("whatsapp error {STOPPED}")),
        actor: "customer".to_owned(),
        occurred_at: at.min(ctx.now()),
    };
    tx.opt_out(workspace_id, workspace.settings.consent.opt_out_scope, &no, ctx).map_err(|error| match error {
        ConsentError::Store(error) => error,
        other => StoreError::Corrupt(other.to_string()),
    })
}
