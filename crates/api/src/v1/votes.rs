//! How votes by text stand, and ready-made answers to words.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use segue_access::Permission;
use segue_model::{
    KeywordId,
    keyword_template::{KeywordTemplate, keyword_templates},
};
use segue_outreach::votes::{self, VoteTally};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

/// Rows per read of an export.
const EXPORT_PAGE: i64 = 2_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(tally)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(export)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(templates)))
}

/// How the vote of a word stands.
#[utoipa::path(get, path = "/api/v1/keywords/{id}/votes", operation_id = "get_votes", tag = "consent",
    params(("id" = KeywordId, Path)), responses((status = 200, body = VoteTally)))]
async fn tally(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<KeywordId>,
) -> Result<Json<VoteTally>, Problem> {
    Ok(Json(votes::tally(&state.store, state.ctx.now(), caller.workspace_id, id).await?))
}

/// Where an export has come to.
enum Export {
    Header,
    After(String),
    Done,
}

/// Every vote of a word with its number, as CSV. No cell can act as a formula.
#[utoipa::path(get, path = "/api/v1/keywords/{id}/votes.csv", operation_id = "export_votes", tag = "consent",
    params(("id" = KeywordId, Path)), responses((status = 200, content_type = "text/csv", body = String)))]
async fn export(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<KeywordId>,
) -> Result<Response, Problem> {
    votes::tally(&state.store, state.ctx.now(), caller.workspace_id, id).await?;
    let pages = futures::stream::unfold(Export::Header, move |at| {
        let state = state.clone();
        async move {
            let after = match at {
                Export::Header => return Some((Ok(votes::header()), Export::After(String::new()))),
                Export::Done => return None,
                Export::After(after) => after,
            };
            match votes::export(&state.store, caller.workspace_id, id, after, EXPORT_PAGE).await {
                Ok((lines, next)) => Some((Ok(lines), next.map_or(Export::Done, Export::After))),
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => Some((Err(std::io::Error::other(error.to_string())), Export::Done)),
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"votes.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// Ready-made answers to begin a new word from.
#[utoipa::path(get, path = "/api/v1/keyword-templates", operation_id = "list_keyword_templates", tag = "consent",
    responses((status = 200, body = Page<KeywordTemplate>)))]
async fn templates(_caller: Caller) -> Json<Page<KeywordTemplate>> {
    Json(Page::whole(keyword_templates()))
}
