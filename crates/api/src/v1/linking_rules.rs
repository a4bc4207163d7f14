//! How customers who write are linked to contacts and leads.

use axum::extract::State;
use segue_access::Permission;
use segue_model::linking::{LinkRules, LinkingSettings};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
}

/// The rules of the workspace, and those of channels that have their own.
#[utoipa::path(get, path = "/api/v1/linking-rules", operation_id = "get_linking_rules", tag = "inbox",
    responses((status = 200, body = LinkingSettings)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<LinkingSettings>, Problem> {
    Ok(Json(load_workspace(&state, caller.workspace_id).await?.settings.into_inner().linking))
}

/// Replaces the rules. They hold from the next message on; who is linked stays linked.
#[utoipa::path(put, path = "/api/v1/linking-rules", operation_id = "change_linking_rules", tag = "inbox",
    responses((status = 200, body = LinkingSettings)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<LinkingSettings>,
) -> Result<Json<LinkingSettings>, Problem> {
    check("workspace", &input.workspace)?;
    for rules in input.channels.values() {
        check("channels", rules)?;
    }
    let (workspace_id, new) = (caller.workspace_id, input.clone());
    state
        .store
        .write::<_, Problem, _>(move |tx| {
            tx.lock("workspace", &workspace_id)?;
            for channel_id in new.channels.keys() {
                if tx.channel(workspace_id, *channel_id)?.is_none() {
                    return Err(Problem::invalid("channels", "There is no such channel. Choose one of the list."));
                }
            }
            let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
            workspace.settings.linking.clone_from(&new);
            tx.update_workspace(&workspace)?;
            Ok(())
        })
        .await?;
    Ok(Json(input))
}

fn check(field: &'static str, rules: &LinkRules) -> Result<(), Problem> {
    rules.check().map_err(|error| Problem::invalid(field, error.to_string()))
}
