//! Tables beside the contacts, and their rows.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures::stream;
use http::{StatusCode, header};
use segue_access::Permission;
use segue_model::{ContactId, TableId};
use segue_outreach::tables::{
    self, TableChange, TableInput,
    rows::{self, Known, RowsDeleted, RowsWanted, RowsWritten},
};
use segue_store::{
    table::DataTable,
    table_page::{RowValues, TableRow},
    table_row::RowFields,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
    problem::Problem,
};

/// Bytes of a request with rows at most.
const LARGEST_BATCH: usize = 32 << 20;

pub(super) fn router() -> OpenApiRouter<AppState> {
    let (read, write) = (Guard::needs(Permission::ReadContacts), Guard::needs(Permission::WriteContacts));
    let define = Guard::needs(Permission::ImportContacts);
    OpenApiRouter::new()
        .routes(read.routes(routes!(list)))
        .routes(define.routes(routes!(create)))
        .routes(read.routes(routes!(get)))
        .routes(define.patient().routes(routes!(change)))
        .routes(Guard::needs(Permission::DeleteContacts).patient().routes(routes!(remove)))
        .routes(read.patient().routes(routes!(list_rows)))
        .routes(write.patient().body_limit(LARGEST_BATCH).routes(routes!(write_rows)))
        .routes(write.routes(routes!(write_row)))
        .routes(define.patient().body_limit(LARGEST_BATCH).routes(routes!(delete_rows)))
        .routes(read.routes(routes!(export)))
}

/// The tables of the workspace, by their names.
#[utoipa::path(get, path = "/api/v1/tables", operation_id = "list_tables", tag = "contacts",
    responses((status = 200, body = Page<DataTable>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<DataTable>>, Problem> {
    Ok(Json(Page::whole(tables::list(&state.store, caller.workspace_id).await?)))
}

/// Adds a table.
#[utoipa::path(post, path = "/api/v1/tables", operation_id = "create_table", tag = "contacts",
    request_body = TableInput, responses((status = 201, body = DataTable)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<TableInput>,
) -> Result<(StatusCode, Json<DataTable>), Problem> {
    let table = tables::create(&state.store, &state.ctx, caller.workspace_id, input).await?;
    Ok((StatusCode::CREATED, Json(table)))
}

/// One table.
#[utoipa::path(get, path = "/api/v1/tables/{id}", operation_id = "get_table", tag = "contacts",
    params(("id" = TableId, Path)), responses((status = 200, body = DataTable)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
) -> Result<Json<DataTable>, Problem> {
    Ok(Json(tables::get(&state.store, caller.workspace_id, id).await?))
}

/// Changes a table. While it has rows, its key stays and columns can become text alone; what a column held that is left
/// out is removed, and a change of the link links all rows anew.
#[utoipa::path(patch, path = "/api/v1/tables/{id}", operation_id = "change_table", tag = "contacts",
    params(("id" = TableId, Path)), request_body = TableChange, responses((status = 200, body = DataTable)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
    Json(input): Json<TableChange>,
) -> Result<Json<DataTable>, Problem> {
    Ok(Json(tables::change(&state.store, &state.ctx, caller.workspace_id, id, input).await?))
}

/// Deletes a table with all its rows, when no segment, text or campaign asks for it.
#[utoipa::path(delete, path = "/api/v1/tables/{id}", operation_id = "delete_table", tag = "contacts",
    params(("id" = TableId, Path)), responses((status = 204)))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
) -> Result<StatusCode, Problem> {
    tables::delete(&state.store, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which rows are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowQuery {
    /// Rows per page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// A condition over the columns: `row.status == "open" && double(row.total) >= 100`.
    condition: Option<String>,
    /// Rows of this contact alone.
    contact_id: Option<ContactId>,
}

/// The rows of a table in the order of their keys. With a condition that few rows meet, a page may be short and have a
/// next one.
#[utoipa::path(get, path = "/api/v1/tables/{id}/rows", operation_id = "list_table_rows", tag = "contacts",
    params(("id" = TableId, Path), RowQuery), responses((status = 200, body = Page<TableRow>)))]
async fn list_rows(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
    Query(query): Query<RowQuery>,
) -> Result<Json<Page<TableRow>>, Problem> {
    let wanted = RowsWanted {
        after: query.cursor,
        condition: query.condition,
        contact_id: query.contact_id,
        limit: i64::from(query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)),
    };
    let (data, next_cursor) = rows::list(&state.store, &state.ctx, caller.workspace_id, id, wanted).await?;
    Ok(Json(Page { data, next_cursor }))
}

/// Rows to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RowsInput {
    /// At most 10,000; values by the names of their columns. What is not named stays, an empty text takes a value away.
    #[schema(value_type = Vec<RowValues>)]
    rows: Vec<RowFields>,
}

/// Writes rows, each anew or over the one with its key. Rows that are refused are told with the reason; the others are
/// written, and sending the same again does no harm.
#[utoipa::path(post, path = "/api/v1/tables/{id}/rows", operation_id = "write_table_rows", tag = "contacts",
    params(("id" = TableId, Path)), request_body = RowsInput, responses((status = 200, body = RowsWritten)))]
async fn write_rows(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
    Json(input): Json<RowsInput>,
) -> Result<Json<RowsWritten>, Problem> {
    Ok(Json(rows::write(&state.store, &state.ctx, caller.workspace_id, id, input.rows).await?))
}

/// One row to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RowInput {
    #[schema(value_type = RowValues)]
    fields: RowFields,
    /// Whether it is refused with `row_taken` when there is a row with its key.
    #[serde(default)]
    create_only: bool,
}

/// Writes one row, anew or over the one with its key; with `create_only`, anew alone.
#[utoipa::path(put, path = "/api/v1/tables/{id}/row", operation_id = "write_table_row", tag = "contacts",
    params(("id" = TableId, Path)), request_body = RowInput, responses((status = 200, body = TableRow)))]
async fn write_row(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
    Json(input): Json<RowInput>,
) -> Result<Json<TableRow>, Problem> {
    let known = if input.create_only { Known::Left } else { Known::Changed };
    let row = rows::write_one(&state.store, &state.ctx, caller.workspace_id, id, (input.fields, known)).await?;
    Ok(Json(row))
}

/// Rows to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RowKeys {
    /// At most 10,000; each the values of the key columns, in their order.
    keys: Vec<Vec<String>>,
}

/// Deletes rows by their keys, and tells which were not there.
#[utoipa::path(post, path = "/api/v1/tables/{id}/row-deletions", operation_id = "delete_table_rows", tag = "contacts",
    params(("id" = TableId, Path)), request_body = RowKeys, responses((status = 200, body = RowsDeleted)))]
async fn delete_rows(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
    Json(input): Json<RowKeys>,
) -> Result<Json<RowsDeleted>, Problem> {
    Ok(Json(rows::delete(&state.store, &state.ctx, caller.workspace_id, id, input.keys).await?))
}

/// All rows of a table as CSV, which can be imported again. No cell can act as a formula.
#[utoipa::path(get, path = "/api/v1/tables/{id}/rows.csv", operation_id = "export_table_rows", tag = "contacts",
    params(("id" = TableId, Path)), responses((status = 200, content_type = "text/csv", body = String)))]
async fn export(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TableId>,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let table = tables::get(&state.store, workspace_id, id).await?;
    let (first, after) = rows::export(&state.store, workspace_id, id, None).await?;
    let rest = stream::unfold(after, move |after| {
        let store = state.store.clone();
        async move {
            match rows::export(&store, workspace_id, id, Some(after?)).await {
                Ok((text, next)) => Some((Ok(Bytes::from(text)), next)),
                // The download breaks off, so nobody takes the part for the whole.
                Err(error) => Some((Err(error), None)),
            }
        }
    });
    let first = stream::once(async move { Ok(Bytes::from(first)) });
    let name: String = table.name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = if name.is_empty() { "table".to_owned() } else { name };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(first, rest))).into_response())
}
