//! Cases.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::cases;
use segue_model::SessionId;
use segue_store::crm::CaseView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::WriteCrm).routes(routes!(list)))
        .routes(Guard::needs(Permission::WriteCrm).routes(routes!(create)))
}

/// Cases, newest first.
#[utoipa::path(get, path = "/api/v1/cases", operation_id = "list_cases", tag = "crm",
    params(PageQuery), responses((status = 200, body = Page<CaseView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CaseView>>, Problem> {
    let limit = page.limit();
    let found = cases::list(&state.store, caller.workspace_id, page.cursor, limit).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

#[derive(Deserialize, ToSchema)]
struct CaseInput {
    subject: String,
}

/// Opens a case in the session; a session has one open case at most.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/cases", operation_id = "create_case", tag = "crm",
    params(("id" = SessionId, Path)), responses((status = 201, body = CaseView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<CaseInput>,
) -> Result<(StatusCode, Json<CaseView>), Problem> {
    sight::readable(&state, &caller, id).await?;
    let case = cases::create(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input.subject).await?;
    Ok((StatusCode::CREATED, Json(case)))
}
