//! API keys.

use segue_model::{ApiKeyId, Ctx, WorkspaceId, actor::Actor, role::Role};
use segue_store::{Store, access::ApiKey};

use crate::{AccessError, token};

const PREFIX: &str = "sk_";
const SHORTEST: usize = 24;

/// Makes a key. Its text is given this once and never again.
///
/// # Errors
/// [`AccessError::InvalidName`] or the store's.
pub async fn create_key(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    name: &str,
    role: Role,
) -> Result<(ApiKey, String), AccessError> {
    let (text, key_hash) = token::fresh(ctx, PREFIX);
    let key = new_key(ctx, name, role)?;
    let stored = key.clone();
    store.write(move |tx| Ok::<_, AccessError>(tx.insert_api_key(workspace_id, &stored, &key_hash)?)).await?;
    Ok((key, text))
}

/// Makes sure that a key with this text exists, for keys given by configuration.
///
/// # Errors
/// [`AccessError::WeakKey`] when it is short enough to guess, or the store's.
pub async fn ensure_key(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    name: &str,
    role: Role,
    text: &str,
) -> Result<(), AccessError> {
    if text.len() < SHORTEST {
        return Err(AccessError::WeakKey);
    }
    let (key, key_hash) = (new_key(ctx, name, role)?, token::hash(text));
    store.write(move |tx| Ok::<_, AccessError>(tx.insert_api_key(workspace_id, &key, &key_hash)?)).await?;
    Ok(())
}

fn new_key(ctx: &Ctx, name: &str, role: Role) -> Result<ApiKey, AccessError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(AccessError::InvalidName);
    }
    Ok(ApiKey {
        id: ctx.id(),
        name: name.to_owned(),
        role,
        created_at: ctx.now(),
        last_used_at: None,
        revoked_at: None,
    })
}

/// Which workspace and actor a key stands for.
///
/// # Errors
/// [`AccessError::NotSignedIn`] when it is unknown or revoked.
pub async fn authenticate_key(store: &Store, ctx: &Ctx, text: &str) -> Result<(WorkspaceId, Actor), AccessError> {
    let (key_hash, now) = (token::hash(text), ctx.now());
    let found = store.read(move |tx| Ok::<_, AccessError>(tx.api_key_of(&key_hash)?)).await?;
    let (workspace_id, key) = found.ok_or(AccessError::NotSignedIn)?;
    let id = key.id;
    if key.last_used_at.is_none_or(|used| now.since(used) > segue_model::time::MINUTE) {
        let noted = store.write(move |tx| Ok::<_, AccessError>(tx.touch_api_key(workspace_id, id, now)?)).await;
        // With a full disk nothing can be noted; what the key asks for may still be done.
        if let Err(error) = noted {
            tracing::warn!(%id, %error, "that an API key was used could not be noted");
        }
    }
    Ok((workspace_id, Actor::ApiKey { id, name: key.name, role: key.role }))
}

/// The keys of a workspace.
///
/// # Errors
/// When the store fails.
pub async fn list_keys(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, AccessError> {
    store.read(move |tx| Ok(tx.api_keys(workspace_id)?)).await
}

/// Revokes a key.
///
/// # Errors
/// [`AccessError::NoSuchKey`] or the store's.
pub async fn revoke_key(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, id: ApiKeyId) -> Result<(), AccessError> {
    let now = ctx.now();
    let revoked = store.write(move |tx| Ok::<_, AccessError>(tx.revoke_api_key(workspace_id, id, now)?)).await?;
    if revoked { Ok(()) } else { Err(AccessError::NoSuchKey) }
}
