//! WhatsApp message templates.

use axum::extract::State;
use segue_access::Permission;
use segue_model::ChannelId;
use segue_store::{
    StoreError,
    template::{Template, TemplateView},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, Query},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TemplateQuery {
    /// Only those of this channel.
    channel_id: Option<ChannelId>,
}

/// The templates that exist at the provider, whatever their status.
#[utoipa::path(get, path = "/api/v1/templates", operation_id = "list_templates", tag = "setup",
    params(TemplateQuery), responses((status = 200, body = Page<TemplateView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<TemplateQuery>,
) -> Result<Json<Page<TemplateView>>, Problem> {
    let workspace_id = caller.workspace_id;
    let templates = state.store.read::<_, StoreError, _>(move |tx| tx.templates(workspace_id)).await?;
    let wanted = templates.iter().filter(|template| query.channel_id.is_none_or(|id| id == template.channel_id));
    Ok(Json(Page::whole(wanted.map(Template::view).collect())))
}
