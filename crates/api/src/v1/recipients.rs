//! Recipients of a campaign: one row each, with what was decided and what happened.

use axum::extract::State;
use segue_access::Permission;
use segue_model::CampaignId;
use segue_outreach::campaign;
use segue_store::recipient::{RecipientQuery, RecipientState, RecipientView};
use serde::Deserialize;
use utoipa::IntoParams;
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
    OpenApiRouter::new().routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RecipientFilter {
    state: Option<RecipientState>,
    /// Part of a name or phone number.
    #[serde(default)]
    search: String,
}

/// The recipients in the order of the plan.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/recipients", operation_id = "list_recipients",
    tag = "campaigns", params(("id" = CampaignId, Path), RecipientFilter, PageQuery),
    responses((status = 200, body = Page<RecipientView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Query(filter): Query<RecipientFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RecipientView>>, Problem> {
    let limit = page.limit();
    let query = RecipientQuery {
        state: filter.state,
        search: filter.search,
        after: page.after()?.unwrap_or(0),
        limit: i64::from(limit) + 1,
    };
    let found = campaign::recipients(&state.store, &state.ctx, caller.workspace_id, id, query).await?;
    Ok(Json(Page::cut(found, limit, |recipient| recipient.position.to_string())))
}
