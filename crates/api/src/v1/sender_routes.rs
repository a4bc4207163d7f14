//! Routes of a sender: the accounts on which the same number or name can send, and what decides among them.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{SenderId, WorkspaceId, route::RouteBy};
use segue_store::{Tx, channel::Sender};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::senders::{SenderDetail, one};
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    problem::Problem,
};

/// Most accounts of one sender.
const MOST: usize = 8;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ManageSetup).routes(routes!(set_routes)))
}

#[derive(Deserialize, ToSchema)]
struct SenderRoutes {
    /// `order` when not given.
    by: Option<RouteBy>,
    /// Senders with the same number or name, each on an account of its own, in their order; the sender itself is one of
    /// them. Empty: it leaves by its own account alone.
    sender_ids: Vec<SenderId>,
}

/// Names the accounts that texts of a sender can leave by, and what decides among them: their order, the lowest price of
/// the recipient's country, or the largest share that was delivered in the last 24 hours. A message gets its account when
/// it is written, so it waits for one account and leaves once. What waits already stays where it is.
#[utoipa::path(put, path = "/api/v1/senders/{id}/routes", operation_id = "set_sender_routes", tag = "setup",
    params(("id" = SenderId, Path)), responses((status = 200, body = SenderDetail)))]
async fn set_routes(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderId>,
    Json(input): Json<SenderRoutes>,
) -> Result<Json<SenderDetail>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("sender", &id)?;
        let sender = tx.sender(workspace_id, id)?.ok_or_else(|| Problem::not_found("sender"))?;
        check(tx, workspace_id, &sender, &input.sender_ids)?;
        tx.set_sender_routes(workspace_id, id, input.by.unwrap_or(RouteBy::Order), &input.sender_ids)?;
        one(tx, workspace_id, id, now)
    });
    Ok(Json(changed.await?))
}

/// Refuses routes that people would see as another sender, or that lead to one account twice.
fn check(tx: &mut Tx<'_>, workspace_id: WorkspaceId, sender: &Sender, ids: &[SenderId]) -> Result<(), Problem> {
    let wrong = |words: &str| Err(Problem::invalid("sender_ids", words));
    if ids.is_empty() {
        return Ok(());
    }
    if ids.len() > MOST {
        return wrong("A sender has at most 8 routes.");
    }
    if !ids.contains(&sender.id) {
        return wrong("The sender itself has to be one of its routes.");
    }
    let mut channels = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(route) = tx.sender(workspace_id, *id)? else {
            return wrong("There is no such sender. Choose from the list.");
        };
        if route.address != sender.address || route.kind != sender.kind {
            return wrong("A route is the same number or name on another account: people have to see one sender.");
        }
        if channels.contains(&route.channel_id) {
            return wrong("A route stands twice in the list.");
        }
        channels.push(route.channel_id);
    }
    Ok(())
}
