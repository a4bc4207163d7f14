//! Pictures and other files of texts (MMS): uploaded for campaigns and single messages, received from customers.
//!
//! What a file is, its bytes say. Who reads campaigns reads the files that go out; who reads contacts reads what they
//! texted, each file through its text. They are served like those of conversations ([`super::media`]).

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use segue_access::Permission;
use segue_model::{
    CampaignId, ContactId, MediaId, WorkspaceId,
    file_type::sniff,
    mms::{self, MmsFile, MmsProblem},
};
use segue_store::{
    StoreError, Tx,
    media::{FilePresence, Media, NewMedia},
    text_file::TextFile,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::media::{FORM, hand_out, unavailable};
use crate::{
    AppState,
    caller::Caller,
    extract::{Form, Json, PathId, PathIds, Upload},
    guard::Guard,
    page::Page,
    problem::Problem,
    serve_file::Disposition,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let run = Guard::needs(Permission::RunCampaigns).patient().body_limit(mms::LARGEST as usize + FORM);
    OpenApiRouter::new()
        .routes(run.routes(routes!(upload)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(download)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(of_campaign)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(received)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(fetch)))
}

/// Takes a picture (JPEG, PNG, GIF), film (MP4, 3GPP), sound (MP3, M4A, AMR, OGG), PDF or plain text of up to 5 MB that a
/// text is to have. Name it in the `media` of a campaign or message; one that is named nowhere is removed after a day.
#[utoipa::path(post, path = "/api/v1/text-files", operation_id = "upload_text_file", tag = "messages",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = TextFile)))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    form: Form,
) -> Result<(StatusCode, Json<TextFile>), Problem> {
    let part = form.into_file()?;
    let stored = keep(&state, caller.workspace_id, part.data.into(), part.file_name).await?;
    Ok((StatusCode::CREATED, Json(stored)))
}

/// Checks and stores a file that a text is to have.
pub(crate) async fn keep(
    state: &AppState,
    workspace_id: WorkspaceId,
    data: Vec<u8>,
    file_name: Option<String>,
) -> Result<TextFile, Problem> {
    let size = data.len() as u64;
    let mime = sniff(&data, file_name.as_deref()).unwrap_or("application/octet-stream");
    MmsFile { mime, size }.check().map_err(refused)?;
    let media = NewMedia {
        id: state.ctx.id(),
        mime: mime.to_owned(),
        file_name: file_name.filter(|name| !name.is_empty()),
        data,
    };
    let stored = TextFile {
        id: media.id,
        mime: media.mime.clone(),
        size,
        file_name: media.file_name.clone(),
        presence: FilePresence::Stored,
        failure: None,
    };
    state.files.add(workspace_id, media).await?;
    // A crash before this leaves a file that nobody can choose; it goes after a day.
    let id = stored.id;
    state.store.write::<_, StoreError, _>(move |tx| tx.note_campaign_upload(workspace_id, id)).await?;
    Ok(stored)
}

fn refused(problem: MmsProblem) -> Problem {
    let words = problem.to_string();
    match problem {
        MmsProblem::TooLarge => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words),
        MmsProblem::Kind => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_file", words),
        MmsProblem::Empty | MmsProblem::TooMany | MmsProblem::Twice => Problem::invalid("file", words),
    }
}

/// A file that goes out with texts: uploaded for them, or of a campaign or a message.
#[utoipa::path(get, path = "/api/v1/text-files/{id}", operation_id = "download_text_file", tag = "messages",
    params(("id" = MediaId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 302, description = "It is served under another host name")))]
async fn download(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MediaId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| {
        Ok(if tx.is_media_for_campaigns(workspace_id, id)? { tx.media(workspace_id, id)? } else { None })
    });
    let media = found.await?.ok_or_else(|| Problem::not_found("file"))?;
    unavailable(&media)?;
    hand_out(&state, workspace_id, &media, Disposition::ByKind, &headers).await
}

/// The files of a campaign's texts, in their order.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/media", operation_id = "list_campaign_media", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = Page<TextFile>)))]
async fn of_campaign(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<Page<TextFile>>, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, Problem, _>(move |tx| {
        tx.campaign(workspace_id, id)?.ok_or_else(|| Problem::not_found("campaign"))?;
        Ok(tx.campaign_media(workspace_id, id)?)
    });
    Ok(Json(Page::whole(found.await?)))
}

/// A file that came with a text of this contact. One that is still on its way from the provider is answered 409
/// `media_pending`.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/text-files/{file_id}", operation_id = "download_received_file",
    tag = "consent", params(("id" = ContactId, Path), ("file_id" = MediaId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 302, description = "It is served under another host name")))]
async fn received(
    State(state): State<AppState>,
    caller: Caller,
    PathIds((contact_id, file_id)): PathIds<ContactId, MediaId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let media = state.store.read(move |tx| file_of(tx, workspace_id, (contact_id, file_id))).await?;
    unavailable(&media)?;
    hand_out(&state, workspace_id, &media, Disposition::ByKind, &headers).await
}

/// Fetches a file once more that could not be had from the provider. Does nothing when it is here or on its way.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/text-files/{file_id}/fetch", operation_id = "fetch_received_file",
    tag = "consent", params(("id" = ContactId, Path), ("file_id" = MediaId, Path)), responses((status = 204)))]
async fn fetch(
    State(state): State<AppState>,
    caller: Caller,
    PathIds((contact_id, file_id)): PathIds<ContactId, MediaId>,
) -> Result<StatusCode, Problem> {
    let (workspace_id, ctx) = (caller.workspace_id, state.ctx.clone());
    let wanted = state.store.write::<_, Problem, _>(move |tx| {
        file_of(tx, workspace_id, (contact_id, file_id))?;
        Ok(tx.want_media(workspace_id, file_id, &ctx).map(drop)?)
    });
    wanted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file, when it came with a text of this contact.
fn file_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    (contact_id, file_id): (ContactId, MediaId),
) -> Result<Media, Problem> {
    let nothing = || Problem::not_found("file");
    let from = tx.sender_of_text_file(workspace_id, file_id)?.ok_or_else(nothing)?;
    let numbers = tx.phones_of_contact(workspace_id, contact_id)?;
    let media = tx.media(workspace_id, file_id)?;
    media.filter(|_| numbers.iter().any(|(number, _)| *number == from)).ok_or_else(nothing)
}
