//! Webhooks of SMS providers that speak Twilio's dialect: status callbacks and inbound texts.
//!
//! # Why nothing is lost and nothing forged gets in
//! The raw bytes are read (at most 256 KiB) and the signature is checked with the channel's auth token before anything
//! is parsed; a channel without a token does not exist for this address. An accepted webhook becomes an inbox row, and
//! only its commit is answered 200: a crash before it makes the provider try again, a crash after it makes a repeat,
//! which the inbox's unique key swallows.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header, request::Parts};
use segue_channels::twilio::{
    self, EMPTY_TWIML, TwilioItem, UnreadableCallback, form_fields,
    signature::{SIGNATURE_HEADER, Signed, is_form},
};
use segue_model::ChannelId;
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, TwilioConfig},
    inbox::{InboxKind, NewInbox},
    outbox::Payload,
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, extract::PathId, guard::Guard, problem::Problem};

/// A text of 1,600 characters and all that is told about it is far below this.
const BODY_LIMIT: usize = 256 << 10;

pub(super) fn router() -> OpenApiRouter<AppState> {
    let guard = Guard::anybody().body_limit(BODY_LIMIT);
    OpenApiRouter::new().routes(guard.routes(routes!(receive_status))).routes(guard.routes(routes!(receive_text)))
}

/// Takes a status callback. 200 means that it is on disk.
#[utoipa::path(post, path = "/webhooks/twilio/{channel_id}/status", operation_id = "receive_twilio_status",
    tag = "webhooks",
    params(("channel_id" = ChannelId, Path), ("x-twilio-signature" = String, Header)),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "It is on disk.", body = String, content_type = "text/xml")))]
async fn receive_status(
    State(state): State<AppState>,
    PathId(channel_id): PathId<ChannelId>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    receive(&state, channel_id, request, |fields, query| twilio::read_status(fields, query).map(TwilioItem::Status))
        .await
}

/// Takes a text of a customer. 200 means that it is on disk.
#[utoipa::path(post, path = "/webhooks/twilio/{channel_id}/inbound", operation_id = "receive_twilio_text",
    tag = "webhooks",
    params(("channel_id" = ChannelId, Path), ("x-twilio-signature" = String, Header)),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "It is on disk.", body = String, content_type = "text/xml")))]
async fn receive_text(
    State(state): State<AppState>,
    PathId(channel_id): PathId<ChannelId>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    receive(&state, channel_id, request, |fields, _| twilio::read_inbound(fields).map(TwilioItem::Text)).await
}

/// Fields of a form or a query.
type Fields = [(String, String)];

async fn receive(
    state: &AppState,
    channel_id: ChannelId,
    request: Request<Body>,
    read: impl FnOnce(&Fields, &Fields) -> Result<TwilioItem, UnreadableCallback>,
) -> Result<Response, Problem> {
    let (channel, config) = channel(state, channel_id).await?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "A webhook is at most 256 KiB. Nothing was stored.")
    })?;
    check(&config, &parts, &body).map_err(|error| {
        metrics::counter!("segue_webhooks_refused_total").increment(1);
        tracing::warn!(%channel_id, %error, "a webhook was refused");
        Problem::new(StatusCode::FORBIDDEN, "invalid_signature", error.to_string())
    })?;
    let query = form_fields(parts.uri.query().unwrap_or_default().as_bytes());
    let item = read(&fields(&parts, &body), &query)
        .map_err(|error| Problem::malformed("unreadable_webhook", format!("{error} Nothing was stored.")))?;
    store(state, &channel, &item).await?;
    Ok(([(header::CONTENT_TYPE, "text/xml")], EMPTY_TWIML).into_response())
}

/// The fields of a form, or of a JSON object of the same names: read as what the signature took it for.
fn fields(parts: &Parts, body: &Bytes) -> Vec<(String, String)> {
    if is_form(content_type(parts)) {
        return form_fields(body);
    }
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |value| if let Value::String(text) = value { text } else { value.to_string() };
    object.into_iter().map(|(name, value)| (name, text(value))).collect()
}

fn content_type(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

fn check(config: &TwilioConfig, parts: &Parts, body: &[u8]) -> Result<(), twilio::signature::SignatureError> {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", config.callback_base_url.trim_end_matches('/'));
    let values = parts.headers.get_all(SIGNATURE_HEADER).iter().map(http::HeaderValue::as_bytes);
    twilio::signature::verify(&config.tokens(), values, &Signed { url: &url, content_type: content_type(parts), body })
}

async fn store(state: &AppState, channel: &Channel, item: &TwilioItem) -> Result<(), Problem> {
    let payload = Payload::of(item)?;
    let row = NewInbox {
        id: state.ctx.id(),
        channel_id: channel.id,
        kind: InboxKind::Twilio,
        external_id: item.external_id(),
        subject: item.subject().to_owned(),
        payload,
    };
    let (workspace_id, channel_id, now) = (channel.workspace_id, channel.id, state.ctx.now());
    let stored = state.store.write::<_, StoreError, _>(move |tx| {
        tx.receive(workspace_id, &row, now)?;
        tx.touch_channel(workspace_id, channel_id, now)
    });
    stored.await.map_err(|error| {
        tracing::error!(%channel_id, %error, "a webhook could not be stored; the provider delivers it again");
        Problem::unavailable()
    })?;
    metrics::counter!("segue_webhook_items_total").increment(1);
    Ok(())
}

/// The channel of this address, when it has a token to check signatures with. Everything else does not exist.
async fn channel(state: &AppState, id: ChannelId) -> Result<(Channel, TwilioConfig), Problem> {
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.channel_of_webhook(id)).await?;
    let channel = found.ok_or_else(|| Problem::not_found("channel"))?;
    match &channel.config {
        ChannelConfig::Twilio(config) if config.tokens().iter().any(|token| !token.is_empty()) => {
            let config = config.clone();
            Ok((channel, config))
        }
        ChannelConfig::Twilio(_) => {
            tracing::warn!(channel_id = %id, "a webhook came to a channel without an auth token");
            Err(Problem::not_found("channel"))
        }
        ChannelConfig::WhatsApp(_) | ChannelConfig::Smpp(_) => Err(Problem::not_found("channel")),
    }
}
