//! The first workspace and its first administrator: from configuration, or through a one-time link.

use segue_model::{Ctx, Timestamp, WorkspaceId, opt_out_line::OptOutLineWhen, policy::QuietHours, role::Role, time};
use segue_store::{
    Store,
    access::User,
    workspace::{Workspace, WorkspaceSettings},
};

use crate::{AccessError, NewUser, token, users};

/// A workspace to create.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    pub name: String,
    /// Stable name in configuration files.
    pub slug: String,
    pub time_zone: String,
    pub country: String,
}

/// Quiet hours of a new workspace: 21:00 to 8:00 at the recipient (47 CFR 64.1200(c)(1)).
const QUIET_HOURS: QuietHours = QuietHours { start_minute: 21 * 60, end_minute: 8 * 60 };

/// How long a setup link is good for, in milliseconds.
const LINK_LIFETIME: i64 = 7 * time::DAY;

/// So long a link stays good beside a newer one: another node that started at the same time printed it.
const BESIDE_NEWER: i64 = time::MINUTE;

/// A workspace with the usual settings, which adds the opt-out line to these texts.
fn workspace(ctx: &Ctx, new: &NewWorkspace, opt_out_line: OptOutLineWhen) -> Result<Workspace, AccessError> {
    let name = new.name.trim();
    if name.is_empty() {
        return Err(AccessError::InvalidName);
    }
    let mut settings = WorkspaceSettings { brand: name.to_owned(), ..WorkspaceSettings::default() };
    settings.campaigns.opt_out_line.when = opt_out_line;
    Ok(Workspace {
        id: ctx.id(),
        name: name.to_owned(),
        slug: new.slug.clone(),
        time_zone: new.time_zone.clone(),
        country: new.country.clone(),
        quiet_hours: QUIET_HOURS,
        settings: settings.into(),
        created_at: ctx.now(),
    })
}

/// Creates a workspace, or gives the one with this slug. Whoever writes its file says what is added to its texts.
///
/// # Errors
/// [`AccessError::InvalidName`] or the store's.
pub async fn create_workspace(store: &Store, ctx: &Ctx, new: &NewWorkspace) -> Result<Workspace, AccessError> {
    let fresh = workspace(ctx, new, OptOutLineWhen::Never)?;
    store
        .write(move |tx| {
            tx.insert_workspace(&fresh)?;
            tx.workspace_by_slug(&fresh.slug)?.ok_or(AccessError::WorkspaceTaken)
        })
        .await
}

/// When nobody can sign in yet, a fresh token for the setup link. Older ones stop working, but for those of the last
/// minute: of several nodes that start together each prints one. Once somebody can sign in, none works any more.
///
/// # Errors
/// When the store fails.
pub async fn issue_setup_token(store: &Store, ctx: &Ctx) -> Result<Option<String>, AccessError> {
    let (text, token_hash) = token::fresh(ctx, "");
    let now = ctx.now();
    store
        .write(move |tx| {
            users::lock_setup(tx)?;
            if tx.count_users()? > 0 {
                tx.delete_unused_setup_tokens(Timestamp(i64::MAX))?;
                return Ok(None);
            }
            tx.delete_unused_setup_tokens(now.plus(-BESIDE_NEWER))?;
            tx.insert_setup_token(&token_hash, now)?;
            Ok::<_, AccessError>(Some(text.clone()))
        })
        .await
}

/// Uses the setup link: creates the workspace and its administrator in one transaction with using up the token. It is good
/// for a week, and only while nobody can sign in: whoever finds an old one becomes no administrator.
///
/// # Errors
/// [`AccessError::InvalidSetupToken`] or what is wrong with the input.
pub async fn set_up(
    store: &Store,
    ctx: &Ctx,
    setup_token: &str,
    new_workspace: &NewWorkspace,
    admin: &NewUser,
) -> Result<(WorkspaceId, User), AccessError> {
    // Whoever begins in the browser may not know that the law wants such a line.
    let fresh = workspace(ctx, new_workspace, OptOutLineWhen::First)?;
    let admin = NewUser { role: Role::Admin, ..admin.clone() };
    let (token_hash, now) = (token::hash(setup_token), ctx.now());
    let since = now.plus(-LINK_LIFETIME);
    // Before the password is hashed, which takes long: anybody can ask.
    let is_good = store.read(move |tx| Ok::<_, AccessError>(tx.is_setup_token(&token_hash, since)?)).await?;
    if !is_good {
        return Err(AccessError::InvalidSetupToken);
    }
    let (user, password_hash) = users::prepare(ctx, &admin).await?;
    store
        .write(move |tx| {
            users::lock_setup(tx)?;
            if tx.count_users()? > 0 || !tx.use_setup_token(&token_hash, since, now)? {
                return Err(AccessError::InvalidSetupToken);
            }
            tx.insert_workspace(&fresh)?;
            let stored = tx.workspace_by_slug(&fresh.slug)?.ok_or(AccessError::WorkspaceTaken)?;
            if !tx.insert_user(stored.id, &user, &password_hash)? {
                return Err(AccessError::EmailTaken);
            }
            Ok((stored.id, user.clone()))
        })
        .await
}
