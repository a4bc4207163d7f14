//! Texts that agents insert with `/`.

use axum::extract::State;
use segue_access::Permission;
use segue_store::workspace::QuickReply;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Converse).routes(routes!(list)))
}

/// A text that agents insert by its title.
#[derive(Serialize, ToSchema)]
#[schema(as = QuickReply)]
struct QuickReplyBody {
    id: String,
    title: String,
    text: String,
}

/// The quick replies of the workspace.
#[utoipa::path(get, path = "/api/v1/quick-replies", operation_id = "list_quick_replies", tag = "inbox",
    responses((status = 200, body = Vec<QuickReplyBody>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Vec<QuickReplyBody>>, Problem> {
    let workspace = load_workspace(&state, caller.workspace_id).await?;
    let replies = workspace.settings.into_inner().quick_replies.into_iter();
    Ok(Json(replies.map(|QuickReply { id, title, text }| QuickReplyBody { id, title, text }).collect()))
}
