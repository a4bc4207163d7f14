//! Users.

use segue_model::{Ctx, UserId, WorkspaceId, role::Role};
use segue_store::{Store, StoreError, Tx, access::User};

use crate::{AccessError, login::LONGEST_EMAIL, password};

/// A user to create.
#[derive(Clone)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password: String,
}

/// What to change; `None` leaves it.
#[derive(Clone, Default)]
pub struct UserChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<Disabled>,
    pub password: Option<String>,
}

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    Yes,
    No,
}

/// Checks and prepares a user for storing.
pub(crate) async fn prepare(ctx: &Ctx, new: &NewUser) -> Result<(User, String), AccessError> {
    let email = new.email.trim().to_lowercase();
    let plausible = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    if !plausible || email.len() > LONGEST_EMAIL || email.chars().any(char::is_whitespace) {
        return Err(AccessError::InvalidEmail);
    }
    let name = checked_name(&new.name)?;
    let password_hash = hash_in_background(ctx, &new.password).await?;
    let user = User { id: ctx.id(), email, name, role: new.role, created_at: ctx.now(), disabled_at: None };
    Ok((user, password_hash))
}

fn checked_name(name: &str) -> Result<String, AccessError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 { Err(AccessError::InvalidName) } else { Ok(name.to_owned()) }
}

async fn hash_in_background(ctx: &Ctx, password: &str) -> Result<String, AccessError> {
    let (ctx, password) = (ctx.clone(), password.to_owned());
    tokio::task::spawn_blocking(move || password::hash(&password, &ctx))
        .await
        .unwrap_or(Err(AccessError::InvalidPassword("The password could not be stored. Try again.")))
}

/// Creates a user.
///
/// # Errors
/// Says which part is wrong, or that the address is taken.
pub async fn create_user(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    new: &NewUser,
) -> Result<User, AccessError> {
    let (user, password_hash) = prepare(ctx, new).await?;
    let stored = user.clone();
    let added =
        store.write(move |tx| Ok::<_, AccessError>(tx.insert_user(workspace_id, &stored, &password_hash)?)).await?;
    if added { Ok(user) } else { Err(AccessError::EmailTaken) }
}

/// Creates the first user of the installation, unless there is one. Of several nodes that start together on one database,
/// one creates it. Whether it was created.
///
/// # Errors
/// Says which part is wrong.
pub async fn create_first_user(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    new: &NewUser,
) -> Result<bool, AccessError> {
    // Before the password is hashed, which takes long.
    if store.read(|tx| Ok::<_, AccessError>(tx.count_users()?)).await? > 0 {
        return Ok(false);
    }
    let (user, password_hash) = prepare(ctx, new).await?;
    store
        .write(move |tx| {
            lock_setup(tx)?;
            Ok(tx.count_users()? == 0 && tx.insert_user(workspace_id, &user, &password_hash)?)
        })
        .await
}

/// Makes whoever may create the first user, or make the link with which somebody does, wait for each other.
pub(crate) fn lock_setup(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.lock("setup", &"")
}

/// The users of a workspace.
///
/// # Errors
/// When the store fails.
pub async fn list_users(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<User>, AccessError> {
    store.read(move |tx| Ok(tx.users(workspace_id)?)).await
}

/// Changes a user. A new password, a new role or disabling ends all of the user's logins at once. The last
/// administrator stays one.
///
/// # Errors
/// Says which part is wrong.
pub async fn change_user(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: UserId,
    change: UserChange,
) -> Result<User, AccessError> {
    let name = change.name.as_deref().map(checked_name).transpose()?;
    let password_hash = match &change.password {
        Some(password) => Some(hash_in_background(ctx, password).await?),
        None => None,
    };
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.lock("users", &workspace_id)?;
            let mut user = tx.user(workspace_id, id)?.ok_or(AccessError::NoSuchUser)?;
            let before = user.clone();
            if let Some(name) = &name {
                user.name.clone_from(name);
            }
            user.role = change.role.unwrap_or(user.role);
            user.disabled_at = match change.disabled {
                Some(Disabled::Yes) => user.disabled_at.or(Some(now)),
                Some(Disabled::No) => None,
                None => user.disabled_at,
            };
            let was_admin = before.role == Role::Admin && before.disabled_at.is_none();
            let stays_admin = user.role == Role::Admin && user.disabled_at.is_none();
            if was_admin && !stays_admin && tx.count_other_admins(workspace_id, id)? == 0 {
                return Err(AccessError::LastAdmin);
            }
            tx.update_user(workspace_id, &user)?;
            if let Some(password_hash) = &password_hash {
                tx.set_password(workspace_id, id, password_hash)?;
            }
            if user.role != before.role || user.disabled_at != before.disabled_at {
                tx.delete_logins_of(workspace_id, id)?;
            }
            Ok(user)
        })
        .await
}
