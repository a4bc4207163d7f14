//! Messages that programs send to one person.

use std::collections::BTreeMap;

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use segue_access::Permission;
use segue_model::{ContactId, MediaId, MessageId, SenderId, SenderPoolId, Timestamp, mms::MOST_FILES};
use segue_outreach::direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text};
use segue_store::direct_message::DirectMessageView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    idempotency::KEY_HEADER,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(send)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(get)))
}

/// A text to one person: a contact or a phone number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DirectMessageInput {
    /// Either this or `sender`.
    sender_id: Option<SenderId>,
    /// The sender's number or name, as an alternative to its id.
    sender: Option<String>,
    /// A pool, as an alternative to both: the number keeps one of its senders.
    pool_id: Option<SenderPoolId>,
    /// Either this or `phone`.
    contact_id: Option<ContactId>,
    /// In any writing; a national one is read in the workspace's country.
    phone: Option<String>,
    /// The text; merge fields are written `{{ first_name }}`. May be left out beside `media`.
    #[serde(default)]
    text: String,
    /// Pictures and other files, which make it an MMS: ids from `/api/v1/text-files`, at most ten, 5 MB together.
    #[serde(default)]
    media: Vec<MediaId>,
    /// Values of merge fields; they go before what is known of the contact.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// `service` when it is left out. `marketing` needs an opt-in and keeps quiet hours.
    class: Option<DirectClass>,
    /// After this moment it is not sent any more.
    expires_at: Option<Timestamp>,
    /// Your own name of this message; a second one with it is not sent, the first is given again.
    client_reference: Option<String>,
}

/// Sends a text to one person. 202 says that it is queued: consent, quiet hours and all other rules are asked again when
/// it leaves, and `GET /api/v1/messages/{id}` tells what became of it. What is certain at once (no opt-in, opted out,
/// suppressed) is refused with the rule as code.
#[utoipa::path(post, path = "/api/v1/messages", operation_id = "send_direct_message", tag = "messages",
    responses((status = 202, body = DirectMessageView)))]
async fn send(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Json(input): Json<DirectMessageInput>,
) -> Result<(StatusCode, Json<DirectMessageView>), Problem> {
    let to = match (input.contact_id, input.phone) {
        (Some(id), None) => Target::Contact(id),
        (None, Some(phone)) => Target::Phone(phone),
        _ => return Err(Problem::invalid("phone", "Give either a contact_id or a phone.")),
    };
    // More than a message can have is refused with the message.
    let files = input.media.iter().copied().take(MOST_FILES).collect();
    sight::files_for_campaign(&state, &caller, files).await?;
    let message = DirectInput {
        sender: sender(input.sender_id, input.sender, input.pool_id)?,
        to,
        text: Text::Template(input.text),
        media: input.media,
        media_named: Vec::new(),
        fields: input.fields,
        class: input.class.unwrap_or(DirectClass::Service),
        expires_at: input.expires_at,
        client_reference: input.client_reference,
        callback: None,
    };
    let (actor, key) = (caller.actor.reference(), request_key(&headers));
    let sent = direct::send(&state.store, &state.ctx, caller.workspace_id, &actor, key, message).await?;
    Ok((StatusCode::ACCEPTED, Json(sent)))
}

/// A message with what became of it.
#[utoipa::path(get, path = "/api/v1/messages/{id}", operation_id = "get_direct_message", tag = "messages",
    params(("id" = MessageId, Path)), responses((status = 200, body = DirectMessageView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
) -> Result<Json<DirectMessageView>, Problem> {
    Ok(Json(direct::get(&state.store, caller.workspace_id, id).await?))
}

/// The sender that a request names, in one of three ways.
pub(super) fn sender(
    id: Option<SenderId>,
    address: Option<String>,
    pool: Option<SenderPoolId>,
) -> Result<SenderChoice, Problem> {
    match (id, address, pool) {
        (Some(id), None, None) => Ok(SenderChoice::Id(id)),
        (None, Some(address), None) => Ok(SenderChoice::Address(address)),
        (None, None, Some(pool)) => Ok(SenderChoice::Pool(pool)),
        _ => Err(Problem::invalid("sender", "Give a sender_id, a sender (the number or name itself) or a pool_id.")),
    }
}

/// The key that makes a repeat of the request the same wish, even after a crash between work and answer.
pub(super) fn request_key(headers: &HeaderMap) -> Option<&str> {
    headers.get(KEY_HEADER).and_then(|value| value.to_str().ok())
}
