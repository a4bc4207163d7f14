//! Telling how a channel is doing.

use segue_store::{
    StoreError,
    channel::{Channel, ChannelState},
    event::NewEvent,
};
use serde_json::json;

use crate::supervisor::Env;

/// Stores the state, and tells the screens when it changed. A failure is logged: health is worth no retry, the next
/// change brings the truth.
pub(crate) async fn set(env: &Env, channel: &Channel, state: ChannelState, detail: Option<String>) {
    let (workspace_id, id, now) = (channel.workspace_id, channel.id, env.ctx.now());
    let stored = env
        .store
        .write(move |tx| {
            if tx.set_channel_state(workspace_id, id, state, detail.as_deref())? {
                tx.note_connection(workspace_id, id, state, now)?;
                let event = NewEvent {
                    kind: "channel.updated",
                    entity: "channel",
                    entity_id: id.to_string(),
                    audience: None,
                    data: json!({ "channel_id": id }),
                    at: now,
                };
                tx.emit(workspace_id, event);
            }
            Ok::<_, StoreError>(())
        })
        .await;
    if let Err(error) = stored {
        tracing::error!(%error, channel_id = %id, "the state of a channel could not be stored");
    }
}
