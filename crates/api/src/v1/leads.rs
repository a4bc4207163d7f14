//! Leads: sales inquiries.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::leads::{self, NewLead};
use segue_model::{LeadId, SessionId};
use segue_store::crm::{LeadStatus, LeadView};
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
    let write = Guard::needs(Permission::WriteCrm);
    OpenApiRouter::new()
        .routes(write.routes(routes!(list)))
        .routes(write.routes(routes!(create)))
        .routes(write.routes(routes!(change)))
}

/// Leads, newest first.
#[utoipa::path(get, path = "/api/v1/leads", operation_id = "list_leads", tag = "crm",
    params(PageQuery), responses((status = 200, body = Page<LeadView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LeadView>>, Problem> {
    let limit = page.limit();
    let found = leads::list(&state.store, caller.workspace_id, page.cursor, limit).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

/// Makes the session's customer a lead.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/leads", operation_id = "create_lead", tag = "crm",
    params(("id" = SessionId, Path)), responses((status = 201, body = LeadView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<NewLead>,
) -> Result<(StatusCode, Json<LeadView>), Problem> {
    sight::readable(&state, &caller, id).await?;
    let lead = leads::create(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input).await?;
    Ok((StatusCode::CREATED, Json(lead)))
}

#[derive(Deserialize, ToSchema)]
struct LeadChange {
    status: LeadStatus,
}

/// Changes where the lead stands; a won one counts in the funnel of its campaign.
#[utoipa::path(patch, path = "/api/v1/leads/{id}", operation_id = "change_lead", tag = "crm",
    params(("id" = LeadId, Path)), responses((status = 200, body = LeadView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<LeadId>,
    Json(input): Json<LeadChange>,
) -> Result<Json<LeadView>, Problem> {
    Ok(Json(leads::set_status(&state.store, &state.ctx, caller.workspace_id, id, input.status).await?))
}
