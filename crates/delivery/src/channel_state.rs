//! Telling how a channel is doing.

use segue_model::{Ctx, Timestamp};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelState, Refusal, RefusedBy},
    event::NewEvent,
};
use serde_json::json;

use crate::{alerts, supervisor::Env};

/// Stores the state, and tells the screens when it changed. A failure is logged: health is worth no retry, the next
/// change brings the truth.
pub(crate) async fn set(env: &Env, channel: &Channel, state: ChannelState, detail: Option<String>) {
    let (own, ctx) = (channel.clone(), env.ctx.clone());
    let stored = env.store.write(move |tx| set_in(tx, &ctx, &own, state, detail.as_deref())).await;
    if let Err(error) = stored {
        tracing::error!(%error, channel_id = %channel.id, "the state of a channel could not be stored");
    }
}

/// The same within a transaction.
pub(crate) fn set_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    state: ChannelState,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    lock(tx, channel)?;
    if tx.set_channel_state(channel.workspace_id, channel.id, state, detail)? {
        tx.note_connection(channel.workspace_id, channel.id, state, ctx.now())?;
        tell(tx, ctx, channel);
    }
    Ok(())
}

/// Makes whoever else changes this channel's state or what it is refused for wait. Take it before reading what the change
/// depends on.
pub(crate) fn lock(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), StoreError> {
    tx.lock("channel_state", &channel.id)
}

/// Notes that the provider refuses the channel's messages, and shows it.
pub(crate) fn refuse_in(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, refusal: &Refusal) -> Result<(), StoreError> {
    lock(tx, channel)?;
    if tx.refuse_channel(channel.workspace_id, channel.id, refusal)? {
        set_in(tx, ctx, channel, ChannelState::Error, Some(&alerts::until_sent(&refusal.reason)))?;
    }
    Ok(())
}

/// Ends the refusal that was met until then, and there, when that is told. The channel is well again, unless its state says
/// something else by now.
pub(crate) fn end_refusal_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    met: (Timestamp, Option<RefusedBy>),
) -> Result<(), StoreError> {
    lock(tx, channel)?;
    let Some(stored) = tx.channel(channel.workspace_id, channel.id)? else { return Ok(()) };
    let told = stored.refusal.map(|refusal| alerts::until_sent(&refusal.reason));
    if tx.end_refusal(channel.workspace_id, channel.id, met)?
        && (stored.state, stored.state_detail) == (ChannelState::Error, told)
    {
        set_in(tx, ctx, channel, ChannelState::Connected, None)?;
    }
    Ok(())
}

/// Tells the screens that something about the channel is new.
pub(crate) fn tell(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel) {
    let event = NewEvent {
        kind: "channel.updated",
        entity: "channel",
        entity_id: channel.id.to_string(),
        audience: None,
        data: json!({ "channel_id": channel.id }),
        at: ctx.now(),
    };
    tx.emit(channel.workspace_id, event);
}
