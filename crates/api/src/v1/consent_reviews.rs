//! Messages that may be an opt-out, and how free text is read.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    ConsentReviewId,
    consent::Medium,
    keyword::Keyword,
    revocation::{self, Reading},
};
use segue_outreach::{
    consent_record,
    reviews::{self, ReviewDecision},
};
use segue_store::{
    consent_chain::ChainCheck,
    consent_review::{ReviewState, ReviewView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
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
        .routes(Guard::needs(Permission::RecordConsent).routes(routes!(decide)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(read)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(check)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReviewFilter {
    /// `open` when not given.
    state: Option<ReviewState>,
}

/// Messages that may be an opt-out, newest first. Marketing to their people waits while they are open.
#[utoipa::path(get, path = "/api/v1/consent-reviews", operation_id = "list_consent_reviews", tag = "consent",
    params(ReviewFilter, PageQuery), responses((status = 200, body = Page<ReviewView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<ReviewFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ReviewView>>, Problem> {
    let limit = page.limit();
    let wanted = filter.state.unwrap_or(ReviewState::Open);
    let found = reviews::list(&state.store, caller.workspace_id, wanted, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |review| review.id.to_string())))
}

#[derive(Deserialize, ToSchema)]
struct ReviewDecisionInput {
    decision: ReviewDecision,
}

/// Decides whether a message is an opt-out.
#[utoipa::path(post, path = "/api/v1/consent-reviews/{id}/decide", operation_id = "decide_consent_review",
    tag = "consent", params(("id" = ConsentReviewId, Path)), responses((status = 200, body = ReviewView)))]
async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConsentReviewId>,
    Json(input): Json<ReviewDecisionInput>,
) -> Result<Json<ReviewView>, Problem> {
    let decided =
        reviews::decide(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input.decision).await?;
    Ok(Json(decided))
}

#[derive(Deserialize, ToSchema)]
struct TextToRead {
    text: String,
}

/// How a text would be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct TextReading {
    /// The family that the text is a word of, in a text message.
    keyword: Option<Keyword>,
    /// BCP 47 tag of the word's language.
    language: Option<String>,
    /// What it amounts to as free text, with the words that led to it.
    reading: Reading,
}

/// Reads a text as if a customer had sent it; nothing is recorded.
#[utoipa::path(post, path = "/api/v1/consent-readings", operation_id = "read_consent_text", tag = "consent",
    responses((status = 200, body = TextReading)))]
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<TextToRead>,
) -> Result<(StatusCode, Json<TextReading>), Problem> {
    let workspace = load_workspace(&state, caller.workspace_id).await?;
    let found = Keyword::find(&input.text, Medium::Sms, &workspace.settings.consent.extra_words);
    let (keyword, language) = found.map_or((None, None), |found| (Some(found.keyword), Some(found.language)));
    Ok((StatusCode::OK, Json(TextReading { keyword, language, reading: revocation::read(&input.text) })))
}

/// Whether the workspace's consent ledger is as it was written: recomputes the hash of every entry.
#[utoipa::path(get, path = "/api/v1/consent-ledger/check", operation_id = "check_consent_ledger", tag = "consent",
    responses((status = 200, body = ChainCheck)))]
async fn check(State(state): State<AppState>, caller: Caller) -> Result<Json<ChainCheck>, Problem> {
    Ok(Json(consent_record::check_ledger(&state.store, caller.workspace_id).await?))
}
