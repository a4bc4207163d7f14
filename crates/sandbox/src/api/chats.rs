//! The chat app of a handset.

use super::problem::Problem;
use crate::core::Core;
use crate::graph::inbound::{InboundError, InboundMessage};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// There is one business; a handset has a chat with it as soon as there is a message.
pub(crate) async fn list(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    core.with(|state| {
        let now = state.now();
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        let messages: Vec<_> = handset.chat.visible().collect();
        let chats = if messages.is_empty() && handset.chat.typing_until <= now {
            Vec::new()
        } else {
            vec![json!({
                "business": core.config.business_digits(),
                "name": core.config.business_name,
                "messages": messages,
                "typing": handset.chat.typing_until > now,
                "unread": handset.chat.unread,
            })]
        };
        Ok(Json(json!({"chats": chats})))
    })
}

fn known_business(core: &Core, business: &str) -> Result<(), Problem> {
    if business == core.config.business_digits() {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::NOT_FOUND, "there is no business with this number"))
    }
}

pub(crate) async fn open(
    State(core): State<Arc<Core>>,
    Path((id, business)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    known_business(&core, &business)?;
    core.with(|state| {
        if !state.handsets.contains_key(&id) {
            return Err(Problem::no_handset());
        }
        state.open_chat(&id);
        Ok(StatusCode::NO_CONTENT)
    })
}

pub(crate) async fn play(
    State(core): State<Arc<Core>>,
    Path((id, business, wamid)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    known_business(&core, &business)?;
    let played = core.with(|state| state.play(&id, &wamid));
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "there is no message with this id on the handset");
    played.map(|()| StatusCode::NO_CONTENT).ok_or_else(nothing)
}

pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Path((id, business)): Path<(String, String)>,
    Json(message): Json<InboundMessage>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    known_business(&core, &business)?;
    let sent = core.with(|state| state.message_from_handset(&id, message));
    sent.map(|wamid| (StatusCode::CREATED, Json(json!({"wamid": wamid})))).map_err(|error| {
        let status = match error {
            InboundError::NoHandset => StatusCode::NOT_FOUND,
            InboundError::Offline | InboundError::NotOnWhatsApp | InboundError::Blocked => StatusCode::CONFLICT,
            InboundError::NoTarget | InboundError::NotOwn | InboundError::BadMedia | InboundError::Unanswered(_) => {
                StatusCode::BAD_REQUEST
            }
        };
        Problem::new(status, error.to_string())
    })
}
