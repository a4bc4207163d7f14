//! `POST /{version}/{phone_number_id}/messages`: send, or mark as read.

use super::error::{Access, GraphError, success};
use super::outgoing::{MediaSource, Outgoing};
use super::request::{member, text};
use super::sending::{Accepted, Answer, Contact, Media};
use super::statuses::Typing;
use crate::config::digits;
use crate::core::Core;
use crate::faults::take_one;
use crate::handset::{ChatCard, MediaView};
use crate::ledger::Fact;
use crate::state::State as SandboxState;
use crate::webhook::worker;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use rand::RngExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer waits for its statuses when it is to come after them.
const STATUSES_FIRST: Duration = Duration::from_secs(3);

pub(crate) async fn post(
    State(core): State<Arc<Core>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    match answer(&core, &id, &body).await {
        Ok(response) => response,
        Err(error) => {
            core.with(|state| state.record(Fact::GraphRefused { code: error.code }));
            error.into_response()
        }
    }
}

async fn answer(core: &Core, id: &str, body: &[u8]) -> Result<Response, GraphError> {
    if id != core.config.phone_number_id {
        return Err(GraphError::no_object(id, Access::Write));
    }
    let body: Value =
        serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request body is not valid JSON."))?;
    if text(&body, "status").as_deref() == Some("read") {
        return mark_read(core, &body);
    }
    if !core.with(|state| state.number.registered) {
        return Err(GraphError::plain(133_010));
    }
    if core.with(|state| take_one(&mut state.faults.graph_hang)) {
        core.shutdown.cancelled().await;
    }
    if let Some(code) = core.with(|state| refusal(state, &body)) {
        return Err(match code {
            190 => GraphError::token(190),
            code => GraphError::plain(code),
        });
    }
    let outgoing = core.with(|state| Outgoing::parse(&body, &state.templates, &state.forms))?;
    let mut media = match &outgoing.shown.media {
        Some(source) => found(core, source).await?,
        None => Media::None,
    };
    let mut cards = Vec::with_capacity(outgoing.shown.cards.len());
    for card in &outgoing.shown.cards {
        match found(core, &card.media).await? {
            Media::Stored(view) => {
                cards.push(ChatCard { text: card.text.clone(), media: view, buttons: card.buttons.clone() });
            }
            Media::None | Media::Unavailable => media = Media::Unavailable,
        }
    }
    let accepted = core.with(|state| state.send(&outgoing, media, cards))?;
    match accepted.answer {
        Answer::Given => {}
        Answer::AfterStatuses => worker::acknowledged(core, &accepted.webhooks, STATUSES_FIRST).await,
        Answer::Hangs => core.shutdown.cancelled().await,
        Answer::ServerError => return Ok(GraphError::plain(131000).into_response()),
    }
    Ok(axum::Json(response(&outgoing, &accepted)).into_response())
}

/// The code of the fault that is meant for this send.
fn refusal(state: &mut SandboxState, body: &Value) -> Option<i64> {
    let user = || state.handset_by_bsuid(&text(body, "recipient")?).map(|handset| handset.id.clone());
    let to = text(body, "to").map(|to| digits(&to)).or_else(user);
    let template = member(body, "template").and_then(|template| text(template, "name"));
    let by_chance = state.faults.graph_error.as_ref().is_some_and(|fault| fault.percent.is_some());
    let chance = if by_chance { state.rng.random_range(0..100) } else { 0 };
    state.faults.take_graph_error(to.as_deref(), template.as_deref(), chance)
}

/// Media by id is looked up, by link it is fetched.
async fn found(core: &Core, source: &MediaSource) -> Result<Media, GraphError> {
    Ok(match source {
        MediaSource::Link { url, caption, filename, voice } => {
            match super::media::fetch(core, url, filename.clone()).await {
                Some((id, mime)) => Media::Stored(MediaView {
                    id,
                    mime,
                    caption: caption.clone(),
                    filename: filename.clone(),
                    voice: *voice,
                }),
                None => Media::Unavailable,
            }
        }
        MediaSource::Id(view) => Media::Stored(core.with(|state| state.media_view(view))?),
    })
}

fn response(outgoing: &Outgoing, accepted: &Accepted) -> Value {
    let mut contact = json!({"input": outgoing.input});
    match &accepted.contact {
        Contact::Number(number) => contact["wa_id"] = json!(number),
        Contact::User(user) => contact["user_id"] = json!(user),
    }
    let mut message = json!({"id": accepted.wamid});
    if outgoing.shown.template.is_some() {
        message["message_status"] = json!(if accepted.held { "held_for_quality_assessment" } else { "accepted" });
    }
    json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})
}

fn mark_read(core: &Core, body: &Value) -> Result<Response, GraphError> {
    let wamid =
        text(body, "message_id").ok_or_else(|| GraphError::parameter("The parameter message_id is required."))?;
    let typing = if member(body, "typing_indicator").is_some() { Typing::Shown } else { Typing::Left };
    core.with(|state| state.business_read(&wamid, typing))
        .ok_or_else(|| GraphError::new(131009, "Parameter value is not valid: message_id is not known."))?;
    Ok(axum::Json(success()).into_response())
}
