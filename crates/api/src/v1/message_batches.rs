//! Messages that programs send to many people at once.

use std::collections::BTreeMap;

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use segue_access::Permission;
use segue_model::{BatchId, ListId, SenderId, SenderPoolId, Timestamp};
use segue_outreach::direct::{
    DirectClass,
    batch::{self, BatchInput, BatchView, Recipient, Recipients},
};
use segue_store::direct_message::DirectMessageView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::direct_messages::{request_key, sender};
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

/// 10,000 recipients with their fields.
const BODY_LIMIT: usize = 8 << 20;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::RunCampaigns).body_limit(BODY_LIMIT).routes(routes!(begin)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(get)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(messages)))
}

/// One recipient of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchRecipient {
    /// In any writing; a national one is read in the workspace's country.
    phone: String,
    /// Values of merge fields for this recipient.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Your own name of this message; a second one with it is not sent.
    client_reference: Option<String>,
}

/// A text to many people: up to 10,000 recipients, or a list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MessageBatchInput {
    /// Either this or `sender`.
    sender_id: Option<SenderId>,
    /// The sender's number or name, as an alternative to its id.
    sender: Option<String>,
    /// A pool, as an alternative to both: each number keeps one of its senders.
    pool_id: Option<SenderPoolId>,
    /// The text; merge fields are written `{{ first_name }}`.
    text: String,
    /// `service` when it is left out. `marketing` needs an opt-in and keeps quiet hours.
    class: Option<DirectClass>,
    /// After this moment nothing of it is sent any more.
    expires_at: Option<Timestamp>,
    /// Either this or `list_id`.
    #[schema(max_items = 10_000)]
    recipients: Option<Vec<BatchRecipient>>,
    list_id: Option<ListId>,
}

/// Sends a text to many people. The answer's `id` is the token to ask with. A number that comes twice gets the text once;
/// a recipient that is not valid is rejected by itself, with the reason, and keeps no other from getting it.
#[utoipa::path(post, path = "/api/v1/message-batches", operation_id = "create_message_batch", tag = "messages",
    responses((status = 202, body = BatchView)))]
async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Json(input): Json<MessageBatchInput>,
) -> Result<(StatusCode, Json<BatchView>), Problem> {
    let recipients = match (input.recipients, input.list_id) {
        (Some(recipients), None) => Recipients::Given(recipients.into_iter().map(Recipient::from).collect()),
        (None, Some(list_id)) => Recipients::List(list_id),
        _ => return Err(Problem::invalid("recipients", "Give either recipients or a list_id.")),
    };
    let wanted = BatchInput {
        sender: sender(input.sender_id, input.sender, input.pool_id)?,
        body: input.text,
        class: input.class.unwrap_or(DirectClass::Service),
        expires_at: input.expires_at,
        recipients,
    };
    let (actor, key) = (caller.actor.reference(), request_key(&headers));
    let begun = batch::begin(&state.store, &state.ctx, caller.workspace_id, &actor, key, wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

impl From<BatchRecipient> for Recipient {
    fn from(recipient: BatchRecipient) -> Self {
        let BatchRecipient { phone, fields, client_reference } = recipient;
        Self { phone, fields, client_reference }
    }
}

/// A batch with how many of its messages are in each state.
#[utoipa::path(get, path = "/api/v1/message-batches/{id}", operation_id = "get_message_batch", tag = "messages",
    params(("id" = BatchId, Path)), responses((status = 200, body = BatchView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<BatchId>,
) -> Result<Json<BatchView>, Problem> {
    Ok(Json(batch::get(&state.store, caller.workspace_id, id).await?))
}

/// The messages of a batch in the order of their recipients, each with its state and why.
#[utoipa::path(get, path = "/api/v1/message-batches/{id}/messages", operation_id = "list_batch_messages",
    tag = "messages", params(("id" = BatchId, Path), PageQuery),
    responses((status = 200, body = Page<DirectMessageView>)))]
async fn messages(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<BatchId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DirectMessageView>>, Problem> {
    let (limit, after) = (page.limit(), page.after()?.unwrap_or(0));
    let found = batch::messages(&state.store, caller.workspace_id, id, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |message| message.position.unwrap_or_default().to_string())))
}
