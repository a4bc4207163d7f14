//! The number in the WhatsApp Business app: what somebody writes there, and history.

use super::problem::Problem;
use crate::core::Core;
use crate::handset::{ChatMessage, Direction};
use crate::ledger::Fact;
use crate::state::State as SandboxState;
use crate::webhook::coexistence::{Past, echo, history};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Most messages of one history.
const MOST: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Author {
    Business,
    Customer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastMessage {
    from: Author,
    text: String,
    /// How long ago it was written, in minutes.
    minutes_ago: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    messages: Vec<PastMessage>,
}

/// Somebody at the business writes to the customer in the app; the product is told by an echo.
pub(crate) async fn write(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(written): Json<Written>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if written.text.trim().is_empty() || written.text.chars().count() > 4096 {
        return Err(Problem::bad("text has 1 to 4096 characters"));
    }
    core.with(|state| {
        let now = state.now();
        let wamid = put(state, &id, &written.text, Author::Business, now)?;
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        let body = echo(&state.config.clone(), now, handset, &wamid, &written.text);
        state.record(Fact::WaEcho { wamid: wamid.clone(), handset_id: id.clone(), text: written.text.clone() });
        state.queue_webhook(&body, None);
        state.page(Some(&id), "chat");
        Ok((StatusCode::CREATED, Json(json!({"wamid": wamid}))))
    })
}

/// Shares what was written before the number was connected, as the platform does once after that.
pub(crate) async fn share(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(shared): Json<History>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if shared.messages.is_empty() || shared.messages.len() > MOST {
        return Err(Problem::bad("messages has 1 to 500 entries"));
    }
    core.with(|state| {
        let now = state.now();
        let mut past = Vec::new();
        for message in &shared.messages {
            let at = now - i64::from(message.minutes_ago) * 60_000;
            past.push((put(state, &id, &message.text, message.from, at)?, message, at));
        }
        past.sort_by_key(|(_, _, at)| *at);
        let handset = state.handsets.get_mut(&id).ok_or_else(Problem::no_handset)?;
        handset.chat.messages.sort_by_key(|message| message.at);
        let told: Vec<Past<'_>> = past
            .iter()
            .map(|(wamid, message, at)| Past {
                wamid,
                by_business: message.from == Author::Business,
                text: &message.text,
                timestamp: at / 1000,
            })
            .collect();
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        let body = history(&state.config.clone(), now, handset, &told);
        state.queue_webhook(&body, None);
        state.page(Some(&id), "chat");
        let wamids: Vec<&String> = past.iter().map(|(wamid, ..)| wamid).collect();
        Ok((StatusCode::CREATED, Json(json!({"wamids": wamids}))))
    })
}

/// Puts a message into the chat. It opens no window and has no status: the platform does not deliver it.
fn put(state: &mut SandboxState, id: &str, text: &str, author: Author, at: i64) -> Result<String, Problem> {
    if !state.handsets.contains_key(id) {
        return Err(Problem::no_handset());
    }
    let (direction, side) = match author {
        Author::Business => (Direction::In, 0x11),
        Author::Customer => (Direction::Out, 0x12),
    };
    let wamid = state.new_wamid(id, side);
    let message = ChatMessage {
        id: wamid.clone(),
        direction,
        kind: "text".to_owned(),
        text: text.to_owned(),
        header: None,
        footer: None,
        buttons: Vec::new(),
        list_button: None,
        sections: Vec::new(),
        form: None,
        template: None,
        cards: Vec::new(),
        offer: None,
        media: None,
        status: None,
        at,
        context_id: None,
        mark: None,
        outbound: None,
    };
    state.chat_of.insert(wamid.clone(), id.to_owned());
    let handset = state.handsets.get_mut(id).ok_or_else(Problem::no_handset)?;
    handset.chat.messages.push(message);
    Ok(wamid)
}
