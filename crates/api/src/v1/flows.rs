//! Flows: the definitions of bots.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::flows::{self, FlowSource};
use segue_flow::Problem as FlowProblem;
use segue_model::FlowId;
use segue_store::flow::FlowView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(publish)))
        .routes(Guard::needs(Permission::ReadSetup).unrecorded().routes(routes!(validate)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(schema)))
}

/// The flows of the workspace.
#[utoipa::path(get, path = "/api/v1/flows", operation_id = "list_flows", tag = "setup",
    responses((status = 200, body = Page<FlowView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<FlowView>>, Problem> {
    Ok(Json(Page::whole(flows::list(&state.store, caller.workspace_id).await?)))
}

/// One flow with its published text.
#[utoipa::path(get, path = "/api/v1/flows/{flow}", operation_id = "get_flow", tag = "setup",
    params(("flow" = FlowId, Path)), responses((status = 200, body = FlowSource)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<FlowId>,
) -> Result<Json<FlowSource>, Problem> {
    Ok(Json(flows::get(&state.store, caller.workspace_id, id).await?))
}

#[derive(Deserialize, ToSchema)]
struct FlowInput {
    /// The definition as YAML.
    source: String,
}

/// Checks a definition and publishes it as the newest version. The same text again makes no new version. Files that it
/// sends have to be uploaded before, and forms that it offers published at each number that uses it; 422 `flow_invalid`
/// names what is missing.
#[utoipa::path(put, path = "/api/v1/flows/{flow}", operation_id = "publish_flow", tag = "setup",
    params(("flow" = String, Path, description = "The flow's slug.")), responses((status = 200, body = FlowView)))]
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    PathId(slug): PathId<String>,
    Json(input): Json<FlowInput>,
) -> Result<Json<FlowView>, Problem> {
    Ok(Json(flows::publish(&state.store, &state.ctx, caller.workspace_id, &slug, input.source).await?))
}

/// One thing that has to change before a flow can be published.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowProblem)]
struct FlowProblemBody {
    /// From 1.
    line: u64,
    /// From 1.
    column: u64,
    /// Place in the definition, such as `steps[2].ask.prompt`.
    path: String,
    message: String,
}

#[derive(Serialize, ToSchema)]
struct FlowCheck {
    valid: bool,
    problems: Vec<FlowProblemBody>,
}

/// What is wrong with a definition, files and forms that are missing included. Changes nothing.
#[utoipa::path(post, path = "/api/v1/flows/validate", operation_id = "validate_flow", tag = "setup",
    responses((status = 200, body = FlowCheck)))]
async fn validate(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<FlowInput>,
) -> Result<Json<FlowCheck>, Problem> {
    let problems: Vec<FlowProblemBody> = flows::validate(&state.store, caller.workspace_id, input.source)
        .await?
        .into_iter()
        .map(|FlowProblem { line, column, path, message }| FlowProblemBody { line, column, path, message })
        .collect();
    Ok(Json(FlowCheck { valid: problems.is_empty(), problems }))
}

/// The JSON Schema of a definition, for editors.
#[utoipa::path(get, path = "/api/v1/flows/schema", operation_id = "get_flow_schema", tag = "setup",
    responses((status = 200, body = Object)))]
async fn schema() -> Json<Value> {
    Json(segue_flow::schema())
}
