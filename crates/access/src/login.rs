//! Signing in and out with server-side sessions.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use segue_model::{Ctx, Timestamp, WorkspaceId, actor::Actor, time};
use segue_store::{Store, access::User};

use crate::{AccessError, password, token};

/// How long a login is good for, in milliseconds: a working day and the night after it.
pub const LOGIN_LIFETIME: i64 = 24 * time::HOUR;

/// Failed attempts per e-mail address within [`THROTTLE_PERIOD`] after which further ones are not even checked.
const THROTTLE_LIMIT: u32 = 10;
const THROTTLE_PERIOD: i64 = time::MINUTE;
/// Addresses remembered at most; beyond that the oldest period is forgotten.
const THROTTLE_SIZE: usize = 10_000;

/// Slows down guessing of passwords.
#[derive(Default)]
pub struct LoginThrottle {
    failures: Mutex<HashMap<String, (Timestamp, u32)>>,
}

impl LoginThrottle {
    fn check(&self, email: &str, now: Timestamp) -> Result<(), AccessError> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(email) {
            Some((since, count)) if now.since(*since) < THROTTLE_PERIOD && *count >= THROTTLE_LIMIT => {
                Err(AccessError::TooManyAttempts)
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, email: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= THROTTLE_SIZE {
            failures.retain(|_, (since, _)| now.since(*since) < THROTTLE_PERIOD);
        }
        let entry = failures.entry(email.to_owned()).or_insert((now, 0));
        if now.since(entry.0) >= THROTTLE_PERIOD {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

/// Somebody who has just signed in, or whose token was accepted.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub workspace_id: WorkspaceId,
    pub user: User,
    pub expires_at: Timestamp,
}

impl SignedIn {
    /// The user as the one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.user.id, name: self.user.name.clone(), role: self.user.role }
    }
}

/// Checks e-mail address and password and gives a token for the cookie.
///
/// # Errors
/// [`AccessError::WrongCredentials`], [`AccessError::TooManyAttempts`], or the store's.
pub async fn login(
    store: &Store,
    ctx: &Ctx,
    throttle: &LoginThrottle,
    email: &str,
    password: &str,
) -> Result<(SignedIn, String), AccessError> {
    let email = email.trim().to_lowercase();
    let now = ctx.now();
    throttle.check(&email, now)?;
    let address = email.clone();
    let found = store.read(move |tx| Ok::<_, AccessError>(tx.credentials(&address)?)).await?;
    let hash = found.as_ref().map(|credentials| credentials.password_hash.clone());
    let given = password.to_owned();
    let right = tokio::task::spawn_blocking(move || password::verify(&given, hash.as_deref())).await.unwrap_or(false);
    let Some(credentials) = found.filter(|credentials| right && credentials.user.disabled_at.is_none()) else {
        throttle.failed(&email, now);
        return Err(AccessError::WrongCredentials);
    };
    let (text, token_hash) = token::fresh(ctx, "");
    let expires_at = now.plus(LOGIN_LIFETIME);
    let (workspace_id, user_id) = (credentials.workspace_id, credentials.user.id);
    store
        .write(move |tx| {
            tx.delete_expired_logins(now)?;
            tx.insert_login(&token_hash, workspace_id, user_id, now, expires_at)?;
            Ok::<_, AccessError>(())
        })
        .await?;
    Ok((SignedIn { workspace_id, user: credentials.user, expires_at }, text))
}

/// Who the cookie's token belongs to.
///
/// # Errors
/// [`AccessError::NotSignedIn`] when it is not good (any more).
pub async fn authenticate_session(store: &Store, ctx: &Ctx, text: &str) -> Result<SignedIn, AccessError> {
    let (token_hash, now) = (token::hash(text), ctx.now());
    let login = store.read(move |tx| Ok::<_, AccessError>(tx.login(&token_hash, now)?)).await?;
    let login = login.ok_or(AccessError::NotSignedIn)?;
    Ok(SignedIn { workspace_id: login.workspace_id, user: login.user, expires_at: login.expires_at })
}

/// Ends the login of the cookie's token. Ending it twice is harmless.
///
/// # Errors
/// When the store fails.
pub async fn logout(store: &Store, text: &str) -> Result<(), AccessError> {
    let token_hash = token::hash(text);
    store.write(move |tx| Ok(tx.delete_login(&token_hash)?)).await
}
