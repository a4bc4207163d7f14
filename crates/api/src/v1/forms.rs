//! Forms of the business at WhatsApp: taken over, listed, and offered in a conversation.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{ChannelId, SessionId};
use segue_store::form::FormView;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{channel_actions, sight};
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).patient().routes(routes!(sync)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(of_session)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormQuery {
    /// Only those of this channel.
    channel_id: Option<ChannelId>,
}

/// The forms that WhatsApp listed last, whatever their status.
#[utoipa::path(get, path = "/api/v1/forms", operation_id = "list_forms", tag = "setup",
    params(FormQuery), responses((status = 200, body = Page<FormView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<FormQuery>,
) -> Result<Json<Page<FormView>>, Problem> {
    let workspace_id = caller.workspace_id;
    let mut forms = state.store.read::<_, Problem, _>(move |tx| Ok(tx.forms(workspace_id)?)).await?;
    forms.retain(|form| query.channel_id.is_none_or(|id| id == form.channel_id));
    Ok(Json(Page::whole(forms)))
}

#[derive(Serialize, ToSchema)]
struct FormCount {
    /// Forms that WhatsApp lists.
    count: usize,
}

/// Takes over the forms as WhatsApp lists them now.
#[utoipa::path(post, path = "/api/v1/channels/{id}/sync-forms", operation_id = "sync_forms", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = FormCount)))]
async fn sync(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<FormCount>, Problem> {
    let channel = channel_actions::load(&state, &caller, id).await?;
    let count = segue_delivery::sync_forms(&state.store, &state.ctx, &channel).await?;
    Ok(Json(FormCount { count }))
}

/// The published forms of a session's number: what can be sent to its customer now.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/forms", operation_id = "list_session_forms", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Page<FormView>)))]
async fn of_session(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Page<FormView>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, Problem, _>(move |tx| {
        let session = tx.session(workspace_id, id)?.ok_or_else(|| Problem::not_found("session"))?;
        let mut forms = tx.forms(workspace_id)?;
        forms.retain(|form| form.channel_id == session.channel_id && form.is_published());
        Ok(forms)
    });
    Ok(Json(Page::whole(found.await?)))
}
