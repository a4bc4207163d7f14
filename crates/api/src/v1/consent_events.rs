//! What a contact said about being messaged.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::ContactId;
use segue_outreach::contacts::{self, ConsentInput};
use segue_store::consent::ConsentEventView;
use utoipa_axum::{router::OpenApiRouter, routes};

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
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(list)))
        .routes(Guard::needs(Permission::RecordConsent).routes(routes!(record)))
}

/// The ledger of a contact, newest first.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/consent-events", operation_id = "list_consent_events",
    tag = "contacts", params(("id" = ContactId, Path), PageQuery),
    responses((status = 200, body = Page<ConsentEventView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ConsentEventView>>, Problem> {
    let limit = page.limit();
    let events =
        contacts::consent_events(&state.store, caller.workspace_id, id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(events, limit, |event| event.id.to_string())))
}

/// Adds to the ledger. A grant needs its wording or another proof.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/consent-events", operation_id = "record_consent",
    tag = "contacts", params(("id" = ContactId, Path)), responses((status = 201, body = ConsentEventView)))]
async fn record(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Json(input): Json<ConsentInput>,
) -> Result<(StatusCode, Json<ConsentEventView>), Problem> {
    let recorded =
        contacts::record_consent(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input).await?;
    Ok((StatusCode::CREATED, Json(recorded)))
}
