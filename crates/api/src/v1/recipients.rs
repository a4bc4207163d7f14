//! Recipients of a campaign: one row each, with what was decided and what happened.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use segue_access::Permission;
use segue_model::CampaignId;
use segue_outreach::campaign::{self, export};
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
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(export)))
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

/// Rows per read of an export.
const EXPORT_PAGE: i64 = 2_000;

/// Where an export has come to.
enum Export {
    Header,
    After(u32),
    Done,
}

/// The recipients with what became of them, as CSV, in the order of the plan. No cell can act as a formula.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/recipients.csv", operation_id = "export_recipients",
    tag = "campaigns", params(("id" = CampaignId, Path), RecipientFilter),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn export(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Query(filter): Query<RecipientFilter>,
) -> Result<Response, Problem> {
    campaign::get(&state.store, caller.workspace_id, id).await?;
    let query = RecipientQuery { state: filter.state, search: filter.search, after: 0, limit: EXPORT_PAGE };
    // Page by page, so that an export of a million recipients is never in memory as a whole.
    let pages = futures::stream::unfold(Export::Header, move |at| {
        let (state, query) = (state.clone(), query.clone());
        async move {
            let after = match at {
                Export::Header => return Some((Ok(export::header()), Export::After(0))),
                Export::Done => return None,
                Export::After(after) => after,
            };
            let query = RecipientQuery { after, ..query };
            match campaign::recipients(&state.store, &state.ctx, caller.workspace_id, id, query).await {
                Ok(page) => {
                    let next = match page.last() {
                        Some(last) if page.len() as i64 == EXPORT_PAGE => Export::After(last.position),
                        _ => Export::Done,
                    };
                    Some((Ok(export::lines(&page)), next))
                }
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => Some((Err(std::io::Error::other(error.to_string())), Export::Done)),
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"recipients.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}
