//! Imports of contacts from CSV files.
//!
//! The file is written to a temporary file and read from there by a task; the answer comes before the work is done, and
//! `import.progress` events tell how far it is. A crash in between leaves the rows that were read so far; the import is
//! ended as failed and the same file can be imported again.

use std::path::{Path, PathBuf};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use segue_access::Permission;
use segue_model::ImportId;
use segue_outreach::import::{self, ImportOptions, ImportPreview, ImportTask, errors_csv};
use segue_store::import::ImportView;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
use crate::{
    AppState,
    caller::Caller,
    extract::{self, Form, Json, PathId, Query, Upload},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

/// Bytes of a file at most.
const LARGEST_FILE: usize = 64 << 20;

pub(super) fn router() -> OpenApiRouter<AppState> {
    let import = Guard::needs(Permission::ImportContacts).patient();
    OpenApiRouter::new()
        .routes(import.body_limit(LARGEST_FILE).routes(routes!(create)))
        .routes(import.body_limit(LARGEST_FILE).unrecorded().routes(routes!(look)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(list)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(get)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(errors)))
}

/// A CSV file with what is to be done with it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form for the documents; the form is read part by part")]
struct ImportForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// JSON.
    options: ImportOptions,
}

/// Imports a file of up to 64 MiB. The answer comes before the work is done.
#[utoipa::path(post, path = "/api/v1/imports", operation_id = "create_import", tag = "contacts",
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 202, body = ImportView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    form: Form,
) -> Result<(StatusCode, Json<ImportView>), Problem> {
    let file = form.file()?;
    let options =
        form.field("options").ok_or_else(|| Problem::invalid("options", "Say how the file is to be read."))?;
    let options: ImportOptions = extract::read_inside("options", options)?;
    let file_name = file.file_name.clone().unwrap_or_else(|| "contacts.csv".to_owned());
    let path = store_file(&state, &file.data).await?;
    let begun = import::begin(&state.store, &state.ctx, caller.workspace_id, &caller.actor, &file_name, &options).await;
    let begun = match begun {
        Ok(begun) => begun,
        Err(error) => {
            remove(&path).await;
            return Err(error.into());
        }
    };
    let task =
        ImportTask { workspace_id: caller.workspace_id, import_id: begun.id, actor: caller.actor, path, options };
    tokio::spawn(async move {
        if let Err(error) = import::run(&state.store, &state.ctx, &task, |_| {}).await {
            tracing::error!(import_id = %task.import_id, %error, "an import could not be finished");
        }
        remove(&task.path).await;
    });
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// What a file holds, and what its columns may be. Changes nothing.
#[utoipa::path(post, path = "/api/v1/imports/preview", operation_id = "preview_import", tag = "contacts",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 200, body = ImportPreview)))]
async fn look(State(state): State<AppState>, caller: Caller, form: Form) -> Result<Json<ImportPreview>, Problem> {
    let file = form.file()?;
    let country = load_workspace(&state, caller.workspace_id).await?.country;
    let path = store_file(&state, &file.data).await?;
    let looked_at = path.clone();
    let looked = tokio::task::spawn_blocking(move || import::preview(&looked_at, &country)).await;
    remove(&path).await;
    Ok(Json(looked.map_err(|_| Problem::internal())??))
}

async fn store_file(state: &AppState, data: &[u8]) -> Result<PathBuf, Problem> {
    let directory = state.config.upload_directory.clone().unwrap_or_else(std::env::temp_dir);
    let path = directory.join(format!("segue-import-{}.csv", state.ctx.uuid().simple()));
    let written = async {
        tokio::fs::create_dir_all(&directory).await?;
        tokio::fs::write(&path, data).await
    };
    written.await.map_err(|error| {
        tracing::error!(%error, "an uploaded file could not be written");
        Problem::unavailable()
    })?;
    Ok(path)
}

async fn remove(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await {
        tracing::warn!(%error, "a temporary file could not be removed");
    }
}

/// Imports, newest first.
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

/// One import.
#[utoipa::path(get, path = "/api/v1/imports/{id}", operation_id = "get_import", tag = "contacts",
    params(("id" = ImportId, Path)), responses((status = 200, body = ImportView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    Ok(Json(import::get(&state.store, caller.workspace_id, id).await?))
}

/// The refused rows with the reasons, as CSV. No cell can act as a formula.
#[utoipa::path(get, path = "/api/v1/imports/{id}/errors.csv", operation_id = "download_import_errors",
    tag = "contacts", params(("id" = ImportId, Path)),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn errors(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ImportId>,
) -> Result<Response, Problem> {
    let csv = errors_csv(&state.store, caller.workspace_id, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"import-errors.csv\""),
    ];
    Ok((headers, csv).into_response())
}
