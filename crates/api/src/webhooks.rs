//! Webhooks of the WhatsApp Cloud API.
//!
//! # Why nothing is lost and nothing forged gets in
//! The raw bytes are read (at most 3 MiB) and their signature is checked with the channel's app secrets before anything
//! is parsed; a channel without a secret does not exist for this address. Every element of an accepted body becomes an
//! inbox row, all in one transaction ([`crate::arrivals`]), and only its commit is answered 200: a crash before it makes
//! Meta deliver again, a crash after it makes Meta deliver a repeat, which the inbox's unique key swallows. The same
//! transaction makes sure that the secret the signature was checked with is still the channel's. A body that is signed but
//! not JSON is kept as well, as one row that a person can look at.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use segue_channels::whatsapp::{
    self, WebhookItem,
    signature::{SIGNATURE_HEADER, SignatureError},
};
use segue_delivery::notices::{is_of_account, is_of_number};
use segue_model::ChannelId;
use segue_store::{
    StoreError,
    channel::{ChannelConfig, WhatsAppConfig},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    arrivals::{Arrival, Arrivals, Element, Stored},
    extract::{PathId, Query},
    guard::Guard,
    link_host, observe,
    problem::Problem,
    webhook_channels::Known,
};

/// Meta's limit of a webhook's body (Cloud API, "Webhooks": payloads can be up to 3 MB).
pub const BODY_LIMIT: usize = 3 << 20;

/// How long Meta may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::anybody().documented(routes!(verify, receive)))
}

/// The routes as they are served: beside the layers of the API, since Meta sends more requests than everybody else
/// together, and who it is only the signature tells.
pub(crate) fn served(state: AppState) -> axum::Router {
    let (router, _) = router().split_for_parts();
    router
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
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
    request: Request<Body>,
) -> Result<Response, Problem> {
    not_on_link_host(&state, &request)?;
    let known = state.webhook_channels.read(&state, channel_id).await?;
    let given = asked.verify_token.unwrap_or_default();
    let expected = &known.config.verify_token;
    let right = !expected.is_empty() && same_secret(&given, expected);
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
    not_on_link_host(&state, &request)?;
    let mut known = state.webhook_channels.get(&state, channel_id).await?;
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_LIMIT)).await.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The body did not come within 30 seconds. Nothing was stored.",
        )
    })?;
    let body = body.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "A webhook is at most 3 MiB. Nothing was stored.")
    })?;
    // What is known of a channel may be older than its configuration; then the new one decides.
    loop {
        if let Err(error) = check(&known.config, &parts.headers, &body) {
            let Some(newer) = state.webhook_channels.newer(&state, &known).await? else {
                metrics::counter!("segue_webhooks_refused_total").increment(1);
                tracing::warn!(%channel_id, %error, "a webhook was refused");
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_signature", error.to_string()));
            };
            known = newer;
            continue;
        }
        if store(&state, &known, &parts.headers, &body).await? == Stored::Yes {
            return Ok(StatusCode::OK);
        }
        known = state.webhook_channels.read(&state, channel_id).await?;
    }
}

/// Puts every element of a body with a good signature into the inbox.
async fn store(state: &AppState, known: &Arc<Known>, headers: &HeaderMap, body: &[u8]) -> Result<Stored, Problem> {
    let items = whatsapp::parse_webhook(body).unwrap_or_else(|_| {
        vec![WebhookItem::Unknown {
            waba_id: None,
            field: "unreadable".to_owned(),
            time: None,
            raw: String::from_utf8_lossy(body).into(),
        }]
    });
    let siblings = siblings(state, known, headers, body, &items).await?;
    let channel_id = known.channel_id;
    let mut elements = Vec::with_capacity(items.len());
    for item in items {
        let (first, others) = owners(channel_id, &siblings, &item);
        elements.extend(others.into_iter().map(|owner| Element::new(owner, item.clone())));
        elements.push(Element::new(first, item));
    }
    let count = elements.len() as u64;
    let stored = Arrivals::store(state, Arrival { known: Arc::clone(known), elements });
    let stored = stored.await.map_err(|error| {
        tracing::error!(%channel_id, %error, "a webhook could not be stored; the provider delivers it again");
        Problem::unavailable()
    })?;
    if stored == Stored::Yes {
        metrics::counter!("segue_webhook_items_total").increment(count);
    }
    Ok(stored)
}

fn check(config: &WhatsAppConfig, headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
    let values = headers.get_all(SIGNATURE_HEADER).iter().map(http::HeaderValue::as_bytes);
    whatsapp::verify_signature(&config.app_secrets, values, body)
}

/// The channels whose business an element is: the one of its number; for a notice about a number the one of that number;
/// for what concerns an account all of its numbers. What is nobody else's is the channel's at whose address it came.
fn owners(
    channel_id: ChannelId,
    siblings: &[(ChannelId, WhatsAppConfig)],
    item: &WebhookItem,
) -> (ChannelId, Vec<ChannelId>) {
    let of = |is_its: &dyn Fn(&WhatsAppConfig) -> bool| -> Vec<ChannelId> {
        siblings.iter().filter(|(_, config)| is_its(config)).map(|(id, _)| *id).collect()
    };
    let mut found = match item {
        WebhookItem::Notice(notice) => {
            let of_number = of(&|config| is_of_account(config, item) && is_of_number(config, &notice.notice));
            if of_number.is_empty() { of(&|config| is_of_account(config, item)) } else { of_number }
        }
        WebhookItem::TemplateStatus(_) => of(&|config| is_of_account(config, item)),
        _ => item.phone_number_id().map_or_else(Vec::new, |number| of(&|config| config.phone_number_id == number)),
    };
    (found.pop().unwrap_or(channel_id), found)
}

/// The workspace's channels that elements of the body may belong to, when that may be another than the one at whose
/// address it came. One Meta app has one address for all its numbers and accounts; a channel counts only when the
/// signature is good for it, too.
async fn siblings(
    state: &AppState,
    known: &Known,
    headers: &HeaderMap,
    body: &[u8],
    items: &[WebhookItem],
) -> Result<Vec<(ChannelId, WhatsAppConfig)>, Problem> {
    let own = &known.config.phone_number_id;
    let is_own = |item: &WebhookItem| match item {
        WebhookItem::Notice(_) | WebhookItem::TemplateStatus(_) => false,
        _ => item.phone_number_id().is_none_or(|number| number == own),
    };
    if items.iter().all(is_own) {
        return Ok(Vec::new());
    }
    let workspace_id = known.workspace_id;
    let channels = state.store.read::<_, StoreError, _>(move |tx| tx.channels(workspace_id)).await?;
    let good = channels.into_iter().filter_map(|sibling| match sibling.config {
        ChannelConfig::WhatsApp(config) if check(&config, headers, body).is_ok() => Some((sibling.id, config)),
        _ => None,
    });
    Ok(good.collect())
}

/// The host name of short links serves nothing else.
fn not_on_link_host(state: &AppState, request: &Request<Body>) -> Result<(), Problem> {
    if link_host::is_on_it(&state.config, request) { Err(Problem::not_found("address")) } else { Ok(()) }
}

/// Compares digests, so that the time says nothing about where the texts differ.
fn same_secret(given: &str, expected: &str) -> bool {
    Sha256::digest(given.as_bytes()) == Sha256::digest(expected.as_bytes())
}
