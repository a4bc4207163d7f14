//! Queues and their members.

use segue_model::{Ctx, QueueId, UserId, WorkspaceId};
use segue_store::{
    Store, Tx,
    routing::{Queue, QueueView},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::DeskError;

/// How long an offer stands unless set otherwise.
pub const OFFER_SECONDS: u32 = 30;
/// Shortest and longest time an offer may stand.
const OFFER_RANGE: std::ops::RangeInclusive<u32> = 5..=3_600;

/// A queue to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewQueue {
    pub name: String,
    /// Made from the name when not given.
    #[serde(default)]
    pub slug: Option<String>,
    #[serde(default)]
    pub offer_seconds: Option<u32>,
    #[serde(default)]
    pub member_ids: Vec<UserId>,
}

/// What of a queue is to change.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct QueuePatch {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub offer_seconds: Option<u32>,
    #[serde(default)]
    pub member_ids: Option<Vec<UserId>>,
}

/// The queues with their members and waits.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<Vec<QueueView>, DeskError> {
    let now = ctx.now();
    store.read(move |tx| tx.queue_views(workspace_id, now).map_err(DeskError::from)).await
}

/// Creates a queue.
///
/// # Errors
/// [`DeskError::QueueTaken`], or [`DeskError::InvalidField`].
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    request: NewQueue,
) -> Result<QueueView, DeskError> {
    let queue = Queue {
        id: ctx.id(),
        slug: slug(request.slug.as_deref().unwrap_or(&request.name))?,
        name: name(&request.name)?,
        offer_seconds: offer_seconds(request.offer_seconds.unwrap_or(OFFER_SECONDS))?,
        created_at: ctx.now(),
    };
    let now = ctx.now();
    store
        .write(move |tx| {
            if !tx.insert_queue(workspace_id, &queue)? {
                return Err(DeskError::QueueTaken);
            }
            members(tx, workspace_id, queue.id, &request.member_ids)?;
            view(tx, workspace_id, queue.id, now)
        })
        .await
}

/// Changes a queue.
///
/// # Errors
/// [`DeskError::InvalidField`], or when there is no such queue or member.
pub async fn update(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: QueueId,
    patch: QueuePatch,
) -> Result<QueueView, DeskError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.lock("queue", &id)?;
            let mut queue = tx.queue(workspace_id, id)?.ok_or(DeskError::NotFound("queue"))?;
            if let Some(text) = &patch.name {
                queue.name = name(text)?;
            }
            if let Some(seconds) = patch.offer_seconds {
                queue.offer_seconds = offer_seconds(seconds)?;
            }
            tx.update_queue(workspace_id, &queue)?;
            if let Some(ids) = &patch.member_ids {
                members(tx, workspace_id, id, ids)?;
            }
            view(tx, workspace_id, id, now)
        })
        .await
}

fn members(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: QueueId, user_ids: &[UserId]) -> Result<(), DeskError> {
    for user_id in user_ids {
        if tx.user(workspace_id, *user_id)?.is_none() {
            let message = format!("There is no user {user_id}.");
            return Err(DeskError::InvalidField { field: "member_ids", message });
        }
    }
    tx.set_queue_members(workspace_id, id, user_ids)?;
    Ok(())
}

fn view(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: QueueId,
    now: segue_model::Timestamp,
) -> Result<QueueView, DeskError> {
    tx.queue_views(workspace_id, now)?.into_iter().find(|queue| queue.id == id).ok_or(DeskError::NotFound("queue"))
}

fn name(text: &str) -> Result<String, DeskError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 80 {
        let message = "The name must have 1 to 80 characters.".to_owned();
        return Err(DeskError::InvalidField { field: "name", message });
    }
    Ok(name.to_owned())
}

/// Lower-case letters and digits with hyphens between.
fn slug(text: &str) -> Result<String, DeskError> {
    let words = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>();
    if words.is_empty() {
        let message = "The short name needs a letter or digit of the English alphabet.".to_owned();
        return Err(DeskError::InvalidField { field: "slug", message });
    }
    Ok(words.join("-"))
}

fn offer_seconds(seconds: u32) -> Result<u32, DeskError> {
    if OFFER_RANGE.contains(&seconds) {
        return Ok(seconds);
    }
    let message = format!("An offer can stand {} to {} seconds.", OFFER_RANGE.start(), OFFER_RANGE.end());
    Err(DeskError::InvalidField { field: "offer_seconds", message })
}
