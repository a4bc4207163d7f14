//! The suppression list: addresses to which nothing promotional is ever sent, whatever their consent says.

use axum::extract::State;
use segue_access::Permission;
use segue_model::bounce::BounceRules;
use segue_outreach::suppressions::{
    self, DeactivationInput, NumbersDeactivated, SuppressionInput, SuppressionRemoval, SuppressionsChanged,
};
use segue_store::suppression::{Suppression, SuppressionEvent, SuppressionQuery, SuppressionSource};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let (read, record) = (Guard::needs(Permission::ReadContacts), Guard::needs(Permission::RecordConsent));
    OpenApiRouter::new()
        .routes(read.routes(routes!(list)))
        .routes(record.routes(routes!(add)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(remove)))
        .routes(read.routes(routes!(history)))
        .routes(record.routes(routes!(deactivate)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(rules)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change_rules)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SuppressionFilter {
    /// Part of an address or of a reason.
    #[serde(default)]
    search: String,
    source: Option<SuppressionSource>,
}

/// Entries in the order of their addresses.
#[utoipa::path(get, path = "/api/v1/suppressions", operation_id = "list_suppressions", tag = "consent",
    params(SuppressionFilter, PageQuery), responses((status = 200, body = Page<Suppression>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<SuppressionFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Suppression>>, Problem> {
    let limit = page.limit();
    let query = SuppressionQuery {
        search: filter.search,
        source: filter.source,
        after: page.after::<String>()?.unwrap_or_default(),
        limit: i64::from(limit) + 1,
    };
    let found = suppressions::list(&state.store, caller.workspace_id, query).await?;
    Ok(Json(Page::cut(found, limit, |entry| entry.address.clone())))
}

/// Puts numbers on the list and ends promotional messages that wait for them. Those that are no phone numbers are told
/// and change nothing.
#[utoipa::path(post, path = "/api/v1/suppressions", operation_id = "add_suppressions", tag = "consent",
    responses((status = 200, body = SuppressionsChanged)))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SuppressionInput>,
) -> Result<Json<SuppressionsChanged>, Problem> {
    Ok(Json(suppressions::add(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?))
}

/// Takes addresses off the list, with the reason. Their consent stays as it was: whoever had opted out still has.
#[utoipa::path(post, path = "/api/v1/suppression-removals", operation_id = "remove_suppressions", tag = "consent",
    responses((status = 200, body = SuppressionsChanged)))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SuppressionRemoval>,
) -> Result<Json<SuppressionsChanged>, Problem> {
    Ok(Json(suppressions::remove(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// As the list shows it.
    #[serde(default)]
    address: String,
}

/// When and why an address was put on the list and taken off it, newest first.
#[utoipa::path(get, path = "/api/v1/suppression-events", operation_id = "list_suppression_events", tag = "consent",
    params(HistoryQuery), responses((status = 200, body = Page<SuppressionEvent>)))]
async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<SuppressionEvent>>, Problem> {
    Ok(Json(Page::whole(suppressions::history(&state.store, caller.workspace_id, query.address).await?)))
}

/// Takes numbers out of use that a carrier's file says were given up: their consents end, and they are on the list until
/// their new owner opts in. A yes from after that day is left.
#[utoipa::path(post, path = "/api/v1/number-deactivations", operation_id = "deactivate_numbers", tag = "consent",
    responses((status = 200, body = NumbersDeactivated)))]
async fn deactivate(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<DeactivationInput>,
) -> Result<Json<NumbersDeactivated>, Problem> {
    Ok(Json(suppressions::deactivate(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?))
}

/// When a number that bounces is put on the list by itself.
#[utoipa::path(get, path = "/api/v1/bounce-rules", operation_id = "get_bounce_rules", tag = "consent",
    responses((status = 200, body = BounceRules)))]
async fn rules(State(state): State<AppState>, caller: Caller) -> Result<Json<BounceRules>, Problem> {
    Ok(Json(load_workspace(&state, caller.workspace_id).await?.settings.into_inner().bounces))
}

/// Changes when a number that bounces is put on the list; all of it is given anew.
#[utoipa::path(put, path = "/api/v1/bounce-rules", operation_id = "change_bounce_rules", tag = "consent",
    responses((status = 200, body = BounceRules)))]
async fn change_rules(
    State(state): State<AppState>,
    caller: Caller,
    Json(rules): Json<BounceRules>,
) -> Result<Json<BounceRules>, Problem> {
    suppressions::check_rules(&rules)?;
    let (workspace_id, new) = (caller.workspace_id, rules.clone());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("workspace", &workspace_id)?;
        let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
        workspace.settings.bounces.clone_from(&new);
        tx.update_workspace(&workspace)?;
        Ok(())
    });
    changed.await?;
    Ok(Json(rules))
}
