//! Webhooks of the WhatsApp Cloud API.
//!
//! # Why nothing is lost and nothing forged gets in
//! The raw bytes are read (at most 3 MiB) and their signature is checked with the channel's app secrets before anything
//! is parsed; a channel without a secret does not exist for this address. Every element of an accepted body becomes an
//! inbox row, all in one transaction, and only its commit is answered 200: a crash before it makes Meta deliver again,
//! a crash after it makes Meta deliver a repeat, which the inbox's unique key swallows. A body that is signed but not
//! JSON is kept as well, as one row that a person can look at.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use segue_channels::whatsapp::{
    self, WebhookItem,
    signature::{SIGNATURE_HEADER, SignatureError},
};
use segue_model::{ChannelId, Ctx};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, WhatsAppConfig},
    inbox::{InboxKind, NewInbox},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    extract::{PathId, Query},
    guard::Guard,
    problem::Problem,
};

/// Meta's limit of a webhook's body (Cloud API, "Webhooks": payloads can be up to 3 MB).
pub const BODY_LIMIT: usize = 3 << 20;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::anybody().body_limit(BODY_LIMIT).routes(routes!(verify, receive)))
}

/// What Meta asks when the address is registered.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Challenge {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    verify_token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// Answers Meta's question whether this address is ours.
#[utoipa::path(get, path = "/webhooks/whatsapp/{channel_id}", operation_id = "verify_webhook", tag = "webhooks",
    params(("channel_id" = ChannelId, Path), Challenge),
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn verify(
    State(state): State<AppState>,
    PathId(channel_id): PathId<ChannelId>,
    Query(asked): Query<Challenge>,
) -> Result<Response, Problem> {
    let (_, config) = channel(&state, channel_id).await?;
    let given = asked.verify_token.unwrap_or_default();
    let right = !config.verify_token.is_empty() && same_secret(&given, &config.verify_token);
    match asked.challenge.filter(|_| right && asked.mode.as_deref() == Some("subscribe")) {
        Some(challenge) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response()),
        None => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "verification_refused",
            "The verify token is not the one of this channel. Copy it from the channel's settings.",
        )),
    }
}

/// Takes a webhook. 200 means that it is on disk.
#[utoipa::path(post, path = "/webhooks/whatsapp/{channel_id}", operation_id = "receive_webhook", tag = "webhooks",
    params(("channel_id" = ChannelId, Path), ("x-hub-signature-256" = String, Header)),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "Every element is on disk.")))]
async fn receive(
    State(state): State<AppState>,
    PathId(channel_id): PathId<ChannelId>,
    request: Request<Body>,
) -> Result<StatusCode, Problem> {
    let (channel, config) = channel(&state, channel_id).await?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "A webhook is at most 3 MiB. Nothing was stored.")
    })?;
    check(&config, &parts.headers, &body).map_err(|error| {
        metrics::counter!("segue_webhooks_refused_total").increment(1);
        tracing::warn!(%channel_id, %error, "a webhook was refused");
        Problem::new(StatusCode::UNAUTHORIZED, "invalid_signature", error.to_string())
    })?;
    let items = whatsapp::parse_webhook(&body).unwrap_or_else(|_| {
        vec![WebhookItem::Unknown {
            waba_id: None,
            field: "unreadable".to_owned(),
            time: None,
            raw: String::from_utf8_lossy(&body).into(),
        }]
    });
    let siblings = siblings(&state, &channel, &parts.headers, &body, &items).await?;
    let rows: Vec<NewInbox> = items
        .iter()
        .map(|item| {
            let number = item.phone_number_id();
            let owner = siblings.iter().find(|(id, _)| Some(id.as_str()) == number).map_or(channel.id, |(_, id)| *id);
            row(&state.ctx, owner, item)
        })
        .collect::<Result<_, _>>()?;
    let count = rows.len() as u64;
    let (workspace_id, now) = (channel.workspace_id, state.ctx.now());
    let stored = state.store.write::<_, StoreError, _>(move |tx| {
        for row in &rows {
            tx.receive(workspace_id, row, now)?;
        }
        tx.touch_channel(workspace_id, channel.id, now)
    });
    stored.await.map_err(|error| {
        tracing::error!(%channel_id, %error, "a webhook could not be stored; the provider delivers it again");
        Problem::unavailable()
    })?;
    metrics::counter!("segue_webhook_items_total").increment(count);
    Ok(StatusCode::OK)
}

/// The WhatsApp channel of this address, when it has a secret to check signatures with. Everything else does not exist.
async fn channel(state: &AppState, id: ChannelId) -> Result<(Channel, WhatsAppConfig), Problem> {
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.channel_of_webhook(id)).await?;
    let channel = found.ok_or_else(|| Problem::not_found("channel"))?;
    match &channel.config {
        ChannelConfig::WhatsApp(config) if config.app_secrets.iter().any(|secret| !secret.is_empty()) => {
            let config = config.clone();
            Ok((channel, config))
        }
        ChannelConfig::WhatsApp(_) => {
            tracing::warn!(channel_id = %id, "a webhook came to a channel without an app secret");
            Err(Problem::not_found("channel"))
        }
        ChannelConfig::Smpp(_) | ChannelConfig::Twilio(_) => Err(Problem::not_found("channel")),
    }
}

fn check(config: &WhatsAppConfig, headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
    let values = headers.get_all(SIGNATURE_HEADER).iter().map(http::HeaderValue::as_bytes);
    whatsapp::verify_signature(&config.app_secrets, values, body)
}

/// Numbers of the same workspace that other elements of the body came to. One Meta app has one address for all its
/// numbers; a number counts only when the signature is good for its own channel, too.
async fn siblings(
    state: &AppState,
    channel: &Channel,
    headers: &HeaderMap,
    body: &[u8],
    items: &[WebhookItem],
) -> Result<Vec<(String, ChannelId)>, Problem> {
    let ChannelConfig::WhatsApp(own) = &channel.config else { return Ok(Vec::new()) };
    if items.iter().filter_map(WebhookItem::phone_number_id).all(|number| number == own.phone_number_id) {
        return Ok(Vec::new());
    }
    let workspace_id = channel.workspace_id;
    let channels = state.store.read::<_, StoreError, _>(move |tx| tx.channels(workspace_id)).await?;
    let numbers = channels.into_iter().filter_map(|sibling| match sibling.config {
        ChannelConfig::WhatsApp(config) if check(&config, headers, body).is_ok() => {
            Some((config.phone_number_id, sibling.id))
        }
        _ => None,
    });
    Ok(numbers.collect())
}

fn row(ctx: &Ctx, channel_id: ChannelId, item: &WebhookItem) -> Result<NewInbox, Problem> {
    let payload = serde_json::to_value(item).map_err(|error| {
        tracing::error!(%error, "an element of a webhook has no JSON form");
        Problem::internal()
    })?;
    Ok(NewInbox {
        id: ctx.id(),
        channel_id,
        kind: InboxKind::WhatsApp,
        external_id: item.external_id(),
        subject: item.subject(),
        payload,
    })
}

/// Compares digests, so that the time says nothing about where the texts differ.
fn same_secret(given: &str, expected: &str) -> bool {
    Sha256::digest(given.as_bytes()) == Sha256::digest(expected.as_bytes())
}
