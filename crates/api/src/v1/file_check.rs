//! Whether files are checked for viruses, and which ones wait for it.

use axum::extract::State;
use segue_access::Permission;
use segue_store::{StoreError, media::CheckCounts};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

/// Files that are checked again at once.
const AT_ONCE: u32 = 500;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(again)))
}

segue_model::text_enum! {
    /// How the virus check is.
    pub enum FileCheckState {
        Off = "off",
        Working = "working",
        Failing = "failing",
    }
}

/// The virus check of files.
#[derive(Serialize, ToSchema)]
struct FileCheck {
    state: FileCheckState,
    /// Where the checker is; null when files are not checked.
    address: Option<String>,
    /// The checker's version, when it answers.
    version: Option<String>,
    /// Why it does not answer, and what to do.
    problem: Option<String>,
    /// Files that nobody can open because of it.
    files: CheckCounts,
    /// Why the newest file that waits could not be checked.
    last_problem: Option<String>,
}

/// Whether files are checked for viruses, whether the checker answers now, and how many files wait for it.
#[utoipa::path(get, path = "/api/v1/file-check", operation_id = "get_file_check", tag = "setup",
    responses((status = 200, body = FileCheck)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<FileCheck>, Problem> {
    let workspace_id = caller.workspace_id;
    let read = state.store.read::<_, StoreError, _>(move |tx| {
        Ok((tx.media_check_counts(workspace_id)?, tx.why_not_checked(workspace_id)?))
    });
    let (files, last_problem) = read.await?;
    let checker = state.files.checker();
    let answer = match checker {
        Some(checker) => Some(checker.version().await),
        None => None,
    };
    let (condition, version, problem) = match answer {
        None => (FileCheckState::Off, None, None),
        Some(Ok(version)) => (FileCheckState::Working, Some(version), None),
        Some(Err(error)) => (FileCheckState::Failing, None, Some(error.to_string())),
    };
    let address = checker.map(ToString::to_string);
    Ok(Json(FileCheck { state: condition, address, version, problem, files, last_problem }))
}

/// How many files are checked again.
#[derive(Serialize, ToSchema)]
struct CheckedAgain {
    files: usize,
}

/// Checks files again that could not be checked, the oldest 500 of them.
#[utoipa::path(post, path = "/api/v1/file-check/again", operation_id = "check_files_again", tag = "setup",
    responses((status = 200, body = CheckedAgain)))]
async fn again(State(state): State<AppState>, caller: Caller) -> Result<Json<CheckedAgain>, Problem> {
    let (workspace_id, ctx) = (caller.workspace_id, state.ctx.clone());
    let planned =
        state.store.write::<_, StoreError, _>(move |tx| tx.check_all_media_again(workspace_id, AT_ONCE, &ctx));
    Ok(Json(CheckedAgain { files: planned.await? }))
}
