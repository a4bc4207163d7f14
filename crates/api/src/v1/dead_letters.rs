//! Dead letters: what could not be processed and waits for a person.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::DeadLetterId;
use segue_store::{
    StoreError,
    dead_letter::{DeadLetterView, Decision, Resolution},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
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
        .routes(Guard::needs(Permission::ManageDeadLetters).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageDeadLetters).routes(routes!(replay)))
        .routes(Guard::needs(Permission::ManageDeadLetters).routes(routes!(discard)))
}

segue_model::text_enum! {
    /// Which dead letters are meant.
    pub enum Which {
        /// Those that wait for a decision.
        Open = "open",
        /// Those that were decided, too.
        All = "all",
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeadLetterQuery {
    /// All of them when left out.
    #[param(inline)]
    state: Option<Which>,
}

/// Dead letters, newest first.
#[utoipa::path(get, path = "/api/v1/dead-letters", operation_id = "list_dead_letters", tag = "operations",
    params(DeadLetterQuery, PageQuery), responses((status = 200, body = Page<DeadLetterView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(DeadLetterQuery { state: which }): Query<DeadLetterQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeadLetterView>>, Problem> {
    let (workspace_id, before, limit) = (caller.workspace_id, page.after()?, page.limit());
    let letters = state.store.read::<_, StoreError, _>(move |tx| match which.unwrap_or(Which::All) {
        Which::Open => tx.open_dead_letters(workspace_id, before, limit + 1),
        Which::All => tx.dead_letters(workspace_id, before, limit + 1),
    });
    let letters = letters.await?;
    Ok(Json(Page::cut(letters, limit, |letter| letter.id.to_string())))
}

#[derive(Deserialize, ToSchema)]
struct DecisionInput {
    /// Why, for whoever asks later.
    reason: String,
}

/// Processes it once more.
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/replay", operation_id = "replay_dead_letter",
    tag = "operations", params(("id" = DeadLetterId, Path)), responses((status = 204)))]
async fn replay(
    state: State<AppState>,
    caller: Caller,
    id: PathId<DeadLetterId>,
    input: Json<DecisionInput>,
) -> Result<StatusCode, Problem> {
    resolve(state, caller, id, input, Resolution::Replayed).await
}

/// Lets it go.
#[utoipa::path(post, path = "/api/v1/dead-letters/{id}/discard", operation_id = "discard_dead_letter",
    tag = "operations", params(("id" = DeadLetterId, Path)), responses((status = 204)))]
async fn discard(
    state: State<AppState>,
    caller: Caller,
    id: PathId<DeadLetterId>,
    input: Json<DecisionInput>,
) -> Result<StatusCode, Problem> {
    resolve(state, caller, id, input, Resolution::Discarded).await
}

async fn resolve(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeadLetterId>,
    Json(input): Json<DecisionInput>,
    resolution: Resolution,
) -> Result<StatusCode, Problem> {
    let reason = input.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Problem::invalid("reason", "Say why; whoever looks later will want to know."));
    }
    let decision = Decision { resolution, reason, actor: caller.actor.reference() };
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let resolved =
        state.store.write::<_, StoreError, _>(move |tx| tx.resolve_dead_letter(workspace_id, id, &decision, now));
    if resolved.await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(match resolution {
        Resolution::Replayed => "dead letter that is open and can still be replayed",
        Resolution::Discarded => "dead letter that is still open",
    }))
}
