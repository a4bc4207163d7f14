//! Conversations as files.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures::stream;
use http::{StatusCode, header};
use segue_access::Permission;
use segue_desk::{
    DeskError,
    transcript::{self, ExportView, NewExport},
};
use segue_model::TranscriptExportId;
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
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Supervise).routes(routes!(list)))
        .routes(converse.routes(routes!(begin)))
        .routes(converse.routes(routes!(file)))
}

/// Which transcripts were taken out, by whom, newest first.
#[utoipa::path(get, path = "/api/v1/transcript-exports", operation_id = "list_transcript_exports", tag = "inbox",
    params(PageQuery), responses((status = 200, body = Page<ExportView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ExportView>>, Problem> {
    let limit = page.limit();
    let found = transcript::list(&state.store, caller.workspace_id, page.cursor, limit).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

/// Takes a transcript out: of one conversation, or of everything with a customer or contact that the caller may read. It is
/// noted who did it; the file is then at `file_url` for an hour.
#[utoipa::path(post, path = "/api/v1/transcript-exports", operation_id = "export_transcript", tag = "inbox",
    responses((status = 201, body = ExportView)))]
async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    Json(request): Json<NewExport>,
) -> Result<(StatusCode, Json<ExportView>), Problem> {
    let made = transcript::begin(&state.store, &state.ctx, caller.workspace_id, &caller.actor, request).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The file, for whoever took the transcript out. A page to read, or a table in which no cell can act as a formula.
#[utoipa::path(get, path = "/api/v1/transcript-exports/{id}/file", operation_id = "download_transcript", tag = "inbox",
    params(("id" = TranscriptExportId, Path)),
    responses((status = 200, content_type = "text/html", body = String)))]
async fn file(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TranscriptExportId>,
) -> Result<Response, Problem> {
    let opened = transcript::open(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    let headers = [
        (header::CONTENT_TYPE, opened.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", opened.file_name())),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let pieces = stream::unfold(Some(opened), |opened| async move {
        let mut opened = opened?;
        match opened.next().await {
            Ok(Some(piece)) => Some((Ok::<_, DeskError>(Bytes::from(piece)), Some(opened))),
            Ok(None) => None,
            // The download breaks off, so nobody takes the part for the whole.
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}
