//! A campaign's links: what is set about them, their switches, their figures, and their QR code.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;
use segue_access::Permission;
use segue_model::{CampaignId, LinkDomainId, Timestamp};
use segue_outreach::campaign::links::{self, ClickFigures, LinkChange, LinkSwitch, LinksView, NumberedLinks, Stretch};
use segue_store::link::{Landing, LinkSettings, Shorten};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query, changed},
    guard::Guard,
    links::{png, svg},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let (read, run) = (Guard::needs(Permission::ReadCampaigns), Guard::needs(Permission::RunCampaigns));
    OpenApiRouter::new()
        .routes(read.routes(routes!(get)))
        .routes(run.routes(routes!(change)))
        .routes(run.routes(routes!(stop)))
        .routes(run.routes(routes!(allow)))
        .routes(run.routes(routes!(change_one)))
        .routes(read.routes(routes!(figures)))
        .routes(read.routes(routes!(qr)))
}

/// A campaign's links and what is set about them.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/links", operation_id = "get_campaign_links", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = LinksView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<LinksView>, Problem> {
    Ok(Json(links::view(&state.store, &state.links, caller.workspace_id, id).await?))
}

/// What to change of a campaign's links; what is not given stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for the documents; null and absent differ, so it is read as a map")]
struct LinkSettingsChange {
    /// Null means the workspace's default host name.
    domain_id: Option<LinkDomainId>,
    shorten: Option<Shorten>,
    /// Null means 90 days after the campaign's end.
    expires_at: Option<Timestamp>,
    landing: Option<Landing>,
    legal_text: Option<String>,
    consent_wording: Option<String>,
}

/// Changes what is set about a campaign's links. The host name and `shorten` can only be changed in a draft.
#[utoipa::path(patch, path = "/api/v1/campaigns/{id}/links", operation_id = "change_campaign_links",
    tag = "campaigns", params(("id" = CampaignId, Path)), request_body = LinkSettingsChange,
    responses((status = 200, body = LinksView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Json(change): Json<Map<String, Value>>,
) -> Result<Json<LinksView>, Problem> {
    let change = move |known: &LinkSettings| changed::<LinkSettings>(known, &change);
    shown(&state, links::change(&state.store, &state.links, caller.workspace_id, id, &caller.actor, change).await?)
}

/// Turns all links of a campaign off, of a recurring one with those of its runs. From the next moment on they say so
/// instead of leading anywhere.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/links/stop", operation_id = "stop_campaign_links",
    tag = "campaigns", params(("id" = CampaignId, Path)), responses((status = 200, body = LinksView)))]
async fn stop(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<LinksView>, Problem> {
    switch(state, caller, id, LinkSwitch::Stopped).await
}

/// Turns the links of a campaign on again, of a recurring one with those of its runs.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/links/allow", operation_id = "allow_campaign_links",
    tag = "campaigns", params(("id" = CampaignId, Path)), responses((status = 200, body = LinksView)))]
async fn allow(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<LinksView>, Problem> {
    switch(state, caller, id, LinkSwitch::On).await
}

async fn switch(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    wanted: LinkSwitch,
) -> Result<Json<LinksView>, Problem> {
    let changed = links::switch(&state.store, &state.ctx, &state.links, caller.workspace_id, id, wanted).await?;
    shown(&state, changed)
}

/// Changes one link of a campaign: when it ends, whether it may be followed. What a recurring one's runs have sent is
/// turned off and on with it.
#[utoipa::path(patch, path = "/api/v1/campaigns/{id}/links/{link}", operation_id = "change_campaign_link",
    tag = "campaigns", params(("id" = CampaignId, Path), ("link" = u8, Path)),
    responses((status = 200, body = LinksView)))]
async fn change_one(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, link)): Path<(String, String)>,
    Json(change): Json<LinkChange>,
) -> Result<Json<LinksView>, Problem> {
    let id = id
        .parse::<CampaignId>()
        .map_err(|error| Problem::malformed("invalid_id", format!("{error}. Check the address.")))?;
    let link = link.parse().map_err(|_| Problem::not_found("link"))?;
    let changed =
        links::change_link(&state.store, &state.ctx, &state.links, caller.workspace_id, id, link, change).await?;
    shown(&state, changed)
}

/// From now on redirects know of the change.
fn shown(state: &AppState, changed: NumberedLinks) -> Result<Json<LinksView>, Problem> {
    for number in changed.run_numbers.into_iter().chain([changed.campaign_number]) {
        state.redirects.forget(number);
    }
    Ok(Json(changed.view))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FiguresQuery {
    /// How long each stretch of time is. Days are those of UTC.
    #[param(inline)]
    stretch: Option<Stretch>,
}

/// Who followed a campaign's links, when, and on what.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/clicks", operation_id = "get_campaign_clicks", tag = "campaigns",
    params(("id" = CampaignId, Path), FiguresQuery), responses((status = 200, body = ClickFigures)))]
async fn figures(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<ClickFigures>, Problem> {
    let stretch = query.stretch.unwrap_or(Stretch::Hour);
    Ok(Json(links::figures(&state.store, caller.workspace_id, id, stretch).await?))
}

segue_model::text_enum! {
    /// The form of a picture.
    pub enum PictureForm {
        Svg = "svg",
        Png = "png",
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct QrQuery {
    #[param(inline)]
    form: Option<PictureForm>,
    /// The link's number; the chat's when it is not given.
    link: Option<u8>,
}

/// A link of the campaign as a QR code, for paper and screens. It opens what the texts open. Who scans it is counted as
/// such and as nobody's tap, and the chat it opens belongs to the campaign, but to no recipient.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/links/qr", operation_id = "get_campaign_qr_code", tag = "campaigns",
    params(("id" = CampaignId, Path), QrQuery),
    responses((status = 200, description = "The picture.", content_type = "image/svg+xml", body = String)))]
async fn qr(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Query(query): Query<QrQuery>,
) -> Result<Response, Problem> {
    let view = links::view(&state.store, &state.links, caller.workspace_id, id).await?;
    let wanted = query.link.unwrap_or_default();
    let link = view.links.into_iter().find(|link| link.link == wanted).ok_or_else(|| Problem::not_found("link"))?;
    let (kind, name, picture) = match query.form.unwrap_or(PictureForm::Svg) {
        PictureForm::Svg => ("image/svg+xml", "link.svg", svg(&link.qr_link).map(String::into_bytes)),
        PictureForm::Png => ("image/png", "link.png", png(&link.qr_link)),
    };
    let picture = picture.map_err(|error| Problem::invalid("link", error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
    ];
    Ok((headers, picture).into_response())
}
