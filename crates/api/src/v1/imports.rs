//! Imports of contacts from CSV and XLSX files: upload, dry run, import, undo.
//!
//! The uploaded file is written to disk without a name while it comes in, read from there once, and kept in the store;
//! a job does the work, and `import.progress` events tell how far it is.

use axum::{
    body::{Body, Bytes},
    extract::{Multipart, State},
    response::{IntoResponse, Response},
};
use futures::stream;
use http::{StatusCode, header};
use segue_access::Permission;
use segue_model::{ImportFileId, ImportId};
use segue_outreach::import::{self, ImportFileView, ImportOptions, ImportRequest, Runner, errors_page, undo};
use segue_store::import::{ImportMode, ImportView, UndoCounts};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query, Upload, spool},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

/// Bytes of a file at most.
const LARGEST_FILE: usize = 512 << 20;

pub(super) fn router() -> OpenApiRouter<AppState> {
    let import = Guard::needs(Permission::ImportContacts);
    let read = Guard::needs(Permission::ReadContacts);
    OpenApiRouter::new()
        // Not recorded: an upload that is sent again is another file, which nobody imports and which goes by itself.
        .routes(import.patient().body_limit(LARGEST_FILE).spooled().unrecorded().routes(routes!(upload)))
        .routes(import.routes(routes!(file)))
        .routes(import.routes(routes!(create)))
        .routes(read.routes(routes!(list)))
        .routes(read.routes(routes!(get)))
        .routes(read.routes(routes!(errors)))
        .routes(import.routes(routes!(stop)))
        .routes(import.patient().routes(routes!(look_at_undo)))
        .routes(import.routes(routes!(begin_undo)))
}

/// Takes a CSV or XLSX file of up to 512 MiB in, and says what its columns hold and may be. Nothing is imported yet; a
/// file that is not imported goes after three days.
#[utoipa::path(post, path = "/api/v1/import-files", operation_id = "upload_import_file", tag = "contacts",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = ImportFileView)))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<(StatusCode, Json<ImportFileView>), Problem> {
    let form = form.map_err(|_| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "This address takes a form with a file (multipart/form-data).",
        )
    })?;
    let directory = state.config.upload_directory.clone().unwrap_or_else(std::env::temp_dir);
    let spooled = spool(form, &directory).await?;
    let name = spooled.file_name.unwrap_or_else(|| "contacts.csv".to_owned());
    let file = import::take_in(&state.store, &state.ctx, caller.workspace_id, &name, spooled.file).await?;
    Ok((StatusCode::CREATED, Json(file)))
}

/// An uploaded file.
#[utoipa::path(get, path = "/api/v1/import-files/{id}", operation_id = "get_import_file", tag = "contacts",
    params(("id" = ImportFileId, Path)), responses((status = 200, body = ImportFileView)))]
async fn file(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportFileId>,
) -> Result<Json<ImportFileView>, Problem> {
    Ok(Json(import::file(&state.store, caller.workspace_id, id).await?))
}

/// An uploaded file and what is to be done with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportInput {
    file_id: ImportFileId,
    /// `dry_run` changes nothing and counts what would come of it.
    #[serde(default = "import_mode")]
    mode: ImportMode,
    options: ImportOptions,
}

const fn import_mode() -> ImportMode {
    ImportMode::Import
}

/// Imports an uploaded file, or tries it out. The answer comes before the work is done.
#[utoipa::path(post, path = "/api/v1/imports", operation_id = "create_import", tag = "contacts",
    request_body = ImportInput, responses((status = 202, body = ImportView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ImportInput>,
) -> Result<(StatusCode, Json<ImportView>), Problem> {
    let ImportInput { file_id, mode, options } = input;
    let request = ImportRequest { file_id, mode, options };
    let (store, ctx) = (&state.store, &state.ctx);
    let begun = import::begin(store, ctx, caller.workspace_id, &caller.actor, request, Runner::Worker).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// Imports without dry runs, newest first.
#[utoipa::path(get, path = "/api/v1/imports", operation_id = "list_imports", tag = "contacts",
    params(PageQuery), responses((status = 200, body = Page<ImportView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ImportView>>, Problem> {
    let limit = page.limit();
    let found = import::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |import| import.id.to_string())))
}

/// One import or dry run.
#[utoipa::path(get, path = "/api/v1/imports/{id}", operation_id = "get_import", tag = "contacts",
    params(("id" = ImportId, Path)), responses((status = 200, body = ImportView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(import::get(&state.store, caller.workspace_id, id).await?))
}

/// The refused rows with the reasons, as CSV that can be imported again once it is corrected. No cell can act as a
/// formula.
#[utoipa::path(get, path = "/api/v1/imports/{id}/errors.csv", operation_id = "download_import_errors",
    tag = "contacts", params(("id" = ImportId, Path)),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn errors(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let (first, after) = errors_page(&state.store, workspace_id, id, 0).await?;
    let rest = stream::unfold(after, move |after| {
        let store = state.store.clone();
        async move {
            match errors_page(&store, workspace_id, id, after?).await {
                Ok((text, next)) => Some((Ok(Bytes::from(text)), next)),
                // The download breaks off, so nobody takes the part for the whole.
                Err(error) => Some((Err(error), None)),
            }
        }
    });
    let first = stream::once(async move { Ok(Bytes::from(first)) });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"import-errors.csv\""),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(first, rest))).into_response())
}

/// Stops a running import or dry run. The rows that it has read stay imported.
#[utoipa::path(post, path = "/api/v1/imports/{id}/stop", operation_id = "stop_import", tag = "contacts",
    params(("id" = ImportId, Path)), responses((status = 200, body = ImportView)))]
async fn stop(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(import::stop(&state.store, &state.ctx, caller.workspace_id, id).await?))
}

/// What undoing an import would come to now. Changes nothing.
#[utoipa::path(get, path = "/api/v1/imports/{id}/undo", operation_id = "preview_import_undo", tag = "contacts",
    params(("id" = ImportId, Path)), responses((status = 200, body = UndoCounts)))]
async fn look_at_undo(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Json<UndoCounts>, Problem> {
    Ok(Json(undo::look(&state.store, &state.ctx, caller.workspace_id, id).await?))
}

/// Undoes an import: contacts that it created and nobody uses are deleted, changed values come back, list members and
/// opt-ins are taken back. The answer comes before the work is done.
#[utoipa::path(post, path = "/api/v1/imports/{id}/undo", operation_id = "undo_import", tag = "contacts",
    params(("id" = ImportId, Path)), responses((status = 202, body = ImportView)))]
async fn begin_undo(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<(StatusCode, Json<ImportView>), Problem> {
    let begun = undo::begin(&state.store, &state.ctx, caller.workspace_id, id).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
