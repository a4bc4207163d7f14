//! Files that campaigns send above their template: uploaded by who runs campaigns, seen by who reads them.
//!
//! Who writes campaigns need not be able to read conversations, so these files have addresses of their own: one is read
//! through its campaign alone. The other way round a campaign takes these files, those of campaigns and templates, and
//! of conversations only what is chosen by who may read them all ([`super::sight`]).

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use segue_access::Permission;
use segue_model::CampaignId;
use segue_store::{StoreError, media::FilePresence};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::media::{FORM, LARGEST_FILE, MediaBody, hand_out, take};
use crate::{
    AppState,
    caller::Caller,
    extract::{Form, Json, PathId, Upload},
    guard::Guard,
    problem::Problem,
    serve_file::Disposition,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let run = Guard::needs(Permission::RunCampaigns).patient().body_limit(LARGEST_FILE + FORM);
    OpenApiRouter::new()
        .routes(run.routes(routes!(upload)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(show)))
}

/// Takes a file that a campaign is to send above its template, in the kinds and sizes of `/api/v1/media`. Name it in the
/// campaign as `template.header_media_id`; one that no campaign names is removed after a day.
#[utoipa::path(post, path = "/api/v1/campaign-files", operation_id = "upload_campaign_file", tag = "campaigns",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = MediaBody)))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    form: Form,
) -> Result<(StatusCode, Json<MediaBody>), Problem> {
    let (status, Json(body)) = take(&state, &caller, form).await?;
    // A crash before this leaves a file that nobody can choose; it goes after a day.
    let (workspace_id, id) = (caller.workspace_id, body.id);
    state.store.write::<_, StoreError, _>(move |tx| tx.note_campaign_upload(workspace_id, id)).await?;
    Ok((status, Json(body)))
}

/// The file above a campaign's template: the chosen one, else the template's own. 404 when there is none.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/file", operation_id = "get_campaign_file", tag = "campaigns",
    params(("id" = CampaignId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn show(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state
        .store
        .read::<_, StoreError, _>(move |tx| {
            let Some(wanted) = tx.campaign(workspace_id, id)?.and_then(|campaign| campaign.input.template) else {
                return Ok(None);
            };
            let own = match wanted.header_media_id {
                Some(chosen) => Some(chosen),
                None => tx
                    .template_by_name(workspace_id, wanted.channel_id, &wanted.name, &wanted.language)?
                    .and_then(|template| template.media_id),
            };
            own.map_or(Ok(None), |media_id| tx.media(workspace_id, media_id))
        })
        .await?;
    let media = found
        .filter(|media| media.presence == FilePresence::Stored && media.channel_id.is_none())
        .ok_or_else(|| Problem::not_found("file"))?;
    hand_out(&state, workspace_id, &media, Disposition::ByKind, &headers).await
}
