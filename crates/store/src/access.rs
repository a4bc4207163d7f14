//! Users, their login sessions, API keys and the one-time setup token.

use segue_model::{ApiKeyId, Timestamp, UserId, WorkspaceId, role::Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx};

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub created_at: Timestamp,
    /// Since when the user can no longer sign in.
    pub disabled_at: Option<Timestamp>,
}

/// A user together with what checks the password.
#[derive(Clone)]
pub struct Credentials {
    pub workspace_id: WorkspaceId,
    pub user: User,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Login {
    pub workspace_id: WorkspaceId,
    pub user: User,
    pub expires_at: Timestamp,
}

/// A key for programs, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

crate::sql! {
    INSERT_USER = "INSERT INTO users (workspace_id, id, email, name, role, password_hash, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING";
    USERS = "SELECT id, email, name, role, created_at, disabled_at FROM users WHERE workspace_id = $1 ORDER BY id";
    USER = "SELECT id, email, name, role, created_at, disabled_at FROM users WHERE workspace_id = $1 AND id = $2";
    CREDENTIALS = "SELECT workspace_id, password_hash, id, email, name, role, created_at, disabled_at
        FROM users WHERE email = $1";
    UPDATE_USER = "UPDATE users SET name = $3, role = $4, disabled_at = $5 WHERE workspace_id = $1 AND id = $2";
    SET_PASSWORD = "UPDATE users SET password_hash = $3 WHERE workspace_id = $1 AND id = $2";
    COUNT_USERS = "SELECT COUNT(*) FROM users";
    COUNT_OTHER_ADMINS = "SELECT COUNT(*) FROM users
        WHERE workspace_id = $1 AND id <> $2 AND role = 'admin' AND disabled_at IS NULL";

    INSERT_LOGIN = "INSERT INTO login_sessions (token_hash, workspace_id, user_id, created_at, last_seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $4, $5)";
    LOGIN = "SELECT s.workspace_id, s.expires_at, u.id, u.email, u.name, u.role, u.created_at, u.disabled_at
        FROM login_sessions s JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL";
    DELETE_LOGIN = "DELETE FROM login_sessions WHERE token_hash = $1";
    DELETE_LOGINS_OF = "DELETE FROM login_sessions WHERE workspace_id = $1 AND user_id = $2";
    DELETE_EXPIRED_LOGINS = "DELETE FROM login_sessions WHERE expires_at <= $1";

    INSERT_KEY = "INSERT INTO api_keys (workspace_id, id, name, key_hash, role, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key_hash) DO NOTHING";
    KEYS = "SELECT id, name, role, created_at, last_used_at, revoked_at FROM api_keys
        WHERE workspace_id = $1 ORDER BY id";
    KEY_OF_HASH = "SELECT workspace_id, id, name, role, created_at, last_used_at, revoked_at FROM api_keys
        WHERE key_hash = $1 AND revoked_at IS NULL";
    LIVE_KEY = "SELECT workspace_id, id, name, role, created_at, last_used_at, revoked_at FROM api_keys
        WHERE id = $1 AND revoked_at IS NULL";
    TOUCH_KEY = "UPDATE api_keys SET last_used_at = $3 WHERE workspace_id = $1 AND id = $2
        AND COALESCE(last_used_at, 0) < CAST($3 AS BIGINT) - 60000";
    REVOKE_KEY = "UPDATE api_keys SET revoked_at = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL";

    INSERT_SETUP_TOKEN = "INSERT INTO setup_tokens (token_hash, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE_UNUSED_SETUP_TOKENS = "DELETE FROM setup_tokens WHERE used_at IS NULL AND created_at <= $1";
    IS_SETUP_TOKEN = "SELECT 1 FROM setup_tokens WHERE token_hash = $1 AND used_at IS NULL AND created_at > $2";
    USE_SETUP_TOKEN = "UPDATE setup_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL
        AND created_at > $3";
}

pub(crate) fn read_user(row: &mut Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.next()?,
        email: row.next()?,
        name: row.next()?,
        role: row.word()?,
        created_at: row.next()?,
        disabled_at: row.next()?,
    })
}

fn read_key(row: &mut Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.next()?,
        name: row.next()?,
        role: row.word()?,
        created_at: row.next()?,
        last_used_at: row.next()?,
        revoked_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a user. `false` when the e-mail address is taken, in whichever workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_user(
        &mut self,
        workspace_id: WorkspaceId,
        user: &User,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_USER,
            &[&workspace_id, &user.id, &user.email, &user.name, &user.role.as_str(), &password_hash, &user.created_at],
        )?;
        Ok(written == 1)
    }

    /// The users of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn users(&mut self, workspace_id: WorkspaceId) -> Result<Vec<User>, StoreError> {
        self.query(&USERS, &[&workspace_id], read_user)
    }

    /// One user.
    ///
    /// # Errors
    /// When the store fails.
    pub fn user(&mut self, workspace_id: WorkspaceId, id: UserId) -> Result<Option<User>, StoreError> {
        self.query_opt(&USER, &[&workspace_id, &id], read_user)
    }

    /// The user with this e-mail address (lower case), with the password hash.
    ///
    /// # Errors
    /// When the store fails.
    pub fn credentials(&mut self, email: &str) -> Result<Option<Credentials>, StoreError> {
        self.query_opt(&CREDENTIALS, &[&email], |row| {
            Ok(Credentials { workspace_id: row.next()?, password_hash: row.next()?, user: read_user(row)? })
        })
    }

    /// Stores name, role and whether the user is disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_user(&mut self, workspace_id: WorkspaceId, user: &User) -> Result<bool, StoreError> {
        let changed =
            self.execute(&UPDATE_USER, &[&workspace_id, &user.id, &user.name, &user.role.as_str(), &user.disabled_at])?;
        Ok(changed == 1)
    }

    /// Stores a new password hash and ends all of the user's logins.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_password(
        &mut self,
        workspace_id: WorkspaceId,
        id: UserId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        self.delete_logins_of(workspace_id, id)?;
        Ok(self.execute(&SET_PASSWORD, &[&workspace_id, &id, &password_hash])? == 1)
    }

    /// How many users the installation has; none means it is not set up.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_users(&mut self) -> Result<i64, StoreError> {
        self.query_one(&COUNT_USERS, &[], |row| row.next())
    }

    /// How many enabled admins a workspace has apart from this user.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_other_admins(&mut self, workspace_id: WorkspaceId, id: UserId) -> Result<i64, StoreError> {
        self.query_one(&COUNT_OTHER_ADMINS, &[&workspace_id, &id], |row| row.next())
    }

    /// Stores a login by the hash of its token.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_login(
        &mut self,
        token_hash: &[u8],
        workspace_id: WorkspaceId,
        user_id: UserId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&INSERT_LOGIN, &[&token_hash, &workspace_id, &user_id, &now, &expires_at]).map(|_| ())
    }

    /// Who the token belongs to, when it is still good and the user is not disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub fn login(&mut self, token_hash: &[u8], now: Timestamp) -> Result<Option<Login>, StoreError> {
        self.query_opt(&LOGIN, &[&token_hash, &now], |row| {
            Ok(Login { workspace_id: row.next()?, expires_at: row.next()?, user: read_user(row)? })
        })
    }

    /// Ends one login.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_login(&mut self, token_hash: &[u8]) -> Result<(), StoreError> {
        self.execute(&DELETE_LOGIN, &[&token_hash]).map(|_| ())
    }

    /// Ends all logins of a user.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_logins_of(&mut self, workspace_id: WorkspaceId, user_id: UserId) -> Result<(), StoreError> {
        self.execute(&DELETE_LOGINS_OF, &[&workspace_id, &user_id]).map(|_| ())
    }

    /// Removes logins that have run out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_expired_logins(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_EXPIRED_LOGINS, &[&now])
    }

    /// Adds an API key by the hash of its secret. `false` when this secret is known already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_api_key(
        &mut self,
        workspace_id: WorkspaceId,
        key: &ApiKey,
        key_hash: &[u8],
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_KEY,
            &[&workspace_id, &key.id, &key.name, &key_hash, &key.role.as_str(), &key.created_at],
        )?;
        Ok(written == 1)
    }

    /// The API keys of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_keys(&mut self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, StoreError> {
        self.query(&KEYS, &[&workspace_id], read_key)
    }

    /// The key with this hash, unless it is revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn api_key_of(&mut self, key_hash: &[u8]) -> Result<Option<(WorkspaceId, ApiKey)>, StoreError> {
        self.query_opt(&KEY_OF_HASH, &[&key_hash], |row| Ok((row.next()?, read_key(row)?)))
    }

    /// The key with this id, unless it is revoked. Like [`Tx::api_key_of`] it finds the workspace: what proves the key is
    /// checked by the caller.
    ///
    /// # Errors
    /// When the store fails.
    pub fn live_api_key(&mut self, id: ApiKeyId) -> Result<Option<(WorkspaceId, ApiKey)>, StoreError> {
        self.query_opt(&LIVE_KEY, &[&id], |row| Ok((row.next()?, read_key(row)?)))
    }

    /// Notes that a key was used, at most once a minute.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_api_key(&mut self, workspace_id: WorkspaceId, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(&TOUCH_KEY, &[&workspace_id, &id, &now]).map(|_| ())
    }

    /// Revokes a key for good. `false` when there is no such key or it is revoked already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revoke_api_key(
        &mut self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&REVOKE_KEY, &[&workspace_id, &id, &now])? == 1)
    }

    /// Stores a token that can set up the installation.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_setup_token(&mut self, token_hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
        self.execute(&INSERT_SETUP_TOKEN, &[&token_hash, &now]).map(|_| ())
    }

    /// Ends every setup token made until then that was not used.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_unused_setup_tokens(&mut self, until: Timestamp) -> Result<(), StoreError> {
        self.execute(&DELETE_UNUSED_SETUP_TOKENS, &[&until]).map(|_| ())
    }

    /// Whether a setup token made after `since` can be used.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_setup_token(&mut self, token_hash: &[u8], since: Timestamp) -> Result<bool, StoreError> {
        Ok(self.query_opt(&IS_SETUP_TOKEN, &[&token_hash, &since], |row| row.next::<i64>())?.is_some())
    }

    /// Uses up a setup token made after `since`. `false` when it is unknown, older, or was used.
    ///
    /// # Errors
    /// When the store fails.
    pub fn use_setup_token(&mut self, token_hash: &[u8], since: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(&USE_SETUP_TOKEN, &[&token_hash, &now, &since])? == 1)
    }
}
