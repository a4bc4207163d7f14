//! Pools of senders: several numbers that share the texts, each person keeping the one he was first texted from.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{SenderId, SenderPoolId, WorkspaceId};
use segue_outreach::OutreachError;
use segue_store::{StoreError, Tx, sender_pool::SenderPoolView};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

/// Most senders of a pool.
const MOST_SENDERS: usize = 100;
/// Entries of the consent ledger in one transaction.
const NOES_AT_ONCE: usize = 1_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(delete)))
}

/// The pools of the workspace.
#[utoipa::path(get, path = "/api/v1/sender-pools", operation_id = "list_sender_pools", tag = "setup",
    responses((status = 200, body = Page<SenderPoolView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<SenderPoolView>>, Problem> {
    let workspace_id = caller.workspace_id;
    let pools = state.store.read::<_, StoreError, _>(move |tx| tx.sender_pools(workspace_id)).await?;
    Ok(Json(Page::whole(pools)))
}

#[derive(Deserialize, ToSchema)]
struct SenderPoolInput {
    /// 1 to 100 characters, once in the workspace.
    name: String,
    /// 1 to 100 senders.
    sender_ids: Vec<SenderId>,
}

/// Makes a pool. A campaign or message that names it goes to each number from the sender that number keeps: the one it
/// was first texted from, while that may send to it.
#[utoipa::path(post, path = "/api/v1/sender-pools", operation_id = "create_sender_pool", tag = "setup",
    responses((status = 201, body = SenderPoolView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SenderPoolInput>,
) -> Result<(StatusCode, Json<SenderPoolView>), Problem> {
    let (name, sender_ids) = (name(&input.name)?, input.sender_ids);
    let (workspace_id, id, now) = (caller.workspace_id, state.ctx.id::<SenderPoolId>(), state.ctx.now());
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        check_senders(tx, workspace_id, &sender_ids)?;
        if !tx.insert_sender_pool(workspace_id, id, &name, now)? {
            return Err(taken());
        }
        tx.set_pool_members(workspace_id, id, &sender_ids)?;
        found(tx, workspace_id, id)
    });
    Ok((StatusCode::CREATED, Json(stored.await?)))
}

/// Records the noes that count by the pool alone ([`segue_store::Tx::keep_noes_of_pool`]) in parts, so that nobody waits for
/// all of them; the few that come meanwhile are for the transaction that changes the pool. When that does not come, nothing
/// more counts than did before.
async fn keep_noes(state: &AppState, workspace_id: WorkspaceId, id: SenderPoolId) -> Result<(), Problem> {
    loop {
        let ctx = state.ctx.clone();
        let kept = state.store.write_bulk::<_, Problem, _>(move |tx| {
            Ok(tx.keep_noes_of_pool(workspace_id, id, &ctx, NOES_AT_ONCE).map_err(OutreachError::from)?)
        });
        if kept.await? < NOES_AT_ONCE {
            return Ok(());
        }
    }
}

#[derive(Deserialize, ToSchema)]
struct SenderPoolChange {
    name: Option<String>,
    sender_ids: Option<Vec<SenderId>>,
}

/// Changes what is given and leaves the rest. Numbers whose sender stays in the pool keep it.
#[utoipa::path(patch, path = "/api/v1/sender-pools/{id}", operation_id = "change_sender_pool", tag = "setup",
    params(("id" = SenderPoolId, Path)), responses((status = 200, body = SenderPoolView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderPoolId>,
    Json(change): Json<SenderPoolChange>,
) -> Result<Json<SenderPoolView>, Problem> {
    let new_name = change.name.as_deref().map(name).transpose()?;
    let workspace_id = caller.workspace_id;
    if let Some(sender_ids) = &change.sender_ids {
        let before = state.store.read::<_, Problem, _>(move |tx| found(tx, workspace_id, id)).await?;
        if before.sender_ids.iter().any(|sender| !sender_ids.contains(sender)) {
            keep_noes(&state, workspace_id, id).await?;
        }
    }
    let ctx = state.ctx.clone();
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("sender_pool", &id)?;
        let before = found(tx, workspace_id, id)?;
        if let Some(name) = &new_name
            && !tx.rename_sender_pool(workspace_id, id, name)?
        {
            return Err(taken());
        }
        if let Some(sender_ids) = &change.sender_ids {
            check_senders(tx, workspace_id, sender_ids)?;
            if before.sender_ids.iter().any(|sender| !sender_ids.contains(sender)) {
                tx.keep_noes_of_pool(workspace_id, id, &ctx, usize::MAX).map_err(OutreachError::from)?;
            }
            tx.set_pool_members(workspace_id, id, sender_ids)?;
            if tx.pool_lost_named_sender(workspace_id, id)? {
                let words = "A campaign that has not ended names a sender that would leave the pool. End it first.";
                return Err(Problem::new(StatusCode::CONFLICT, "sender_pool_in_use", words));
            }
        }
        found(tx, workspace_id, id)
    });
    Ok(Json(changed.await?))
}

/// Deletes a pool that no campaign uses any more. Which sender a number kept in it is forgotten.
#[utoipa::path(delete, path = "/api/v1/sender-pools/{id}", operation_id = "delete_sender_pool", tag = "setup",
    params(("id" = SenderPoolId, Path)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderPoolId>,
) -> Result<StatusCode, Problem> {
    keep_noes(&state, caller.workspace_id, id).await?;
    let (workspace_id, ctx) = (caller.workspace_id, state.ctx.clone());
    let deleted = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("sender_pool", &id)?;
        found(tx, workspace_id, id)?;
        tx.keep_noes_of_pool(workspace_id, id, &ctx, usize::MAX).map_err(OutreachError::from)?;
        if !tx.delete_sender_pool(workspace_id, id)? {
            let words = "A campaign or batch that has not ended uses this pool. End it or choose another sender for it \
                         first.";
            return Err(Problem::new(StatusCode::CONFLICT, "sender_pool_in_use", words));
        }
        Ok(())
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SenderPoolId) -> Result<SenderPoolView, Problem> {
    let pools = tx.sender_pools(workspace_id)?;
    pools.into_iter().find(|pool| pool.id == id).ok_or_else(|| Problem::not_found("sender pool"))
}

fn check_senders(tx: &mut Tx<'_>, workspace_id: WorkspaceId, ids: &[SenderId]) -> Result<(), Problem> {
    if ids.is_empty() || ids.len() > MOST_SENDERS {
        return Err(Problem::invalid("sender_ids", format!("Choose 1 to {MOST_SENDERS} senders.")));
    }
    for id in ids {
        if tx.sender(workspace_id, *id)?.is_none() {
            return Err(Problem::invalid("sender_ids", "There is no such sender. Choose from the list."));
        }
    }
    Ok(())
}

fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 {
        return Err(Problem::invalid("name", "Give a name of 1 to 100 characters."));
    }
    Ok(text.to_owned())
}

fn taken() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "sender_pool_taken",
        "A pool with this name exists already. Choose another name.",
    )
}
