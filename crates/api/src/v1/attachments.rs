//! The files of a conversation, a case, a customer or a contact, in a list.

use axum::extract::State;
use segue_access::{Permission, permission};
use segue_model::{CaseId, ContactId, MessagingUserId, SessionId};
use segue_store::{
    StoreError,
    attachment::{AttachmentQuery, AttachmentScope, AttachmentView},
    message::MessageCursor,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, Query},
    guard::Guard,
    page::{Page, PageQuery, invalid_cursor},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Converse).routes(routes!(list)))
}

/// Whose files; give one of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Whose {
    session_id: Option<SessionId>,
    /// Those of the conversation that the case was opened in.
    case_id: Option<CaseId>,
    /// Those of all conversations with this customer that the caller may read.
    messaging_user_id: Option<MessagingUserId>,
    /// Those of all conversations with this contact that the caller may read.
    contact_id: Option<ContactId>,
}

/// Files that came and went in conversations, the latest first.
#[utoipa::path(get, path = "/api/v1/attachments", operation_id = "list_attachments", tag = "inbox",
    params(Whose, PageQuery), responses((status = 200, body = Page<AttachmentView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(whose): Query<Whose>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AttachmentView>>, Problem> {
    let empty = Page { data: Vec::new(), next_cursor: None };
    let workspace_id = caller.workspace_id;
    let before = match page.cursor.as_deref() {
        None => MessageCursor::END,
        Some(text) => MessageCursor::parse(text).ok_or_else(invalid_cursor)?,
    };
    let scope = match whose {
        Whose { session_id: Some(id), case_id: None, messaging_user_id: None, contact_id: None } => {
            sight::readable(&state, &caller, id).await?;
            AttachmentScope::Session(id)
        }
        Whose { session_id: None, case_id: Some(id), messaging_user_id: None, contact_id: None } => {
            let found = state.store.read::<_, StoreError, _>(move |tx| tx.session_of_case(workspace_id, id)).await?;
            let Some(session_id) = found.ok_or_else(|| Problem::not_found("case"))? else { return Ok(Json(empty)) };
            sight::readable(&state, &caller, session_id).await?;
            AttachmentScope::Session(session_id)
        }
        Whose { session_id: None, case_id: None, messaging_user_id: Some(id), contact_id: None } => {
            let customers = state
                .store
                .read::<_, StoreError, _>(move |tx| tx.with_merged_customers(workspace_id, vec![id]))
                .await?;
            AttachmentScope::Customers(customers)
        }
        Whose { session_id: None, case_id: None, messaging_user_id: None, contact_id: Some(id) } => {
            let customers =
                state.store.read::<_, StoreError, _>(move |tx| tx.customers_of_contact(workspace_id, id)).await?;
            AttachmentScope::Customers(customers)
        }
        _ => return Err(Problem::invalid("session_id", "Name one conversation, case, customer or contact.")),
    };
    let sees_all = permission::allows(caller.actor.role(), Permission::Supervise);
    if !sees_all && caller.user_id().is_none() && !matches!(scope, AttachmentScope::Session(_)) {
        return Ok(Json(empty));
    }
    let viewer = caller.user_id().filter(|_| !sees_all);
    let limit = page.limit();
    let query = AttachmentQuery { scope, viewer, before, limit: limit + 1 };
    let mut data = state.store.read::<_, StoreError, _>(move |tx| tx.attachments(workspace_id, &query)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let next_cursor =
        data.last().filter(|_| has_more).map(|last| MessageCursor { at: last.at, id: last.message_id }.to_string());
    Ok(Json(Page { data, next_cursor }))
}
