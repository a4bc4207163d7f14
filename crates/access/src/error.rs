//! What can go wrong around access.

use segue_model::role::Role;
use segue_store::StoreError;

use crate::Permission;

/// Why access was refused or could not be changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    #[error("E-mail address or password is wrong.")]
    WrongCredentials,
    #[error("Too many failed attempts. Wait a minute, then try again.")]
    TooManyAttempts,
    #[error("Too many people sign in at this moment, so your password was not looked at. Try again in a few seconds.")]
    Busy,
    #[error("You are not signed in, or your session has ended. Sign in again.")]
    NotSignedIn,
    #[error("Your role ({role}) does not allow this ({permission}). Ask an administrator.")]
    Forbidden { role: Role, permission: Permission },
    #[error("{0}")]
    InvalidPassword(&'static str),
    #[error("This is not an e-mail address.")]
    InvalidEmail,
    #[error("Give a name.")]
    InvalidName,
    #[error("A user with this e-mail address exists already.")]
    EmailTaken,
    #[error("There is no such user.")]
    NoSuchUser,
    #[error("There is no such API key, or it is revoked already.")]
    NoSuchKey,
    #[error("This is the last administrator. Make somebody else an administrator first.")]
    LastAdmin,
    #[error("An API key needs at least 24 characters.")]
    WeakKey,
    #[error(
        "This setup link was used already, is too old or not known, or somebody can sign in by now. If nobody can, restart Segue to get a new one."
    )]
    InvalidSetupToken,
    #[error("A workspace with this name exists already.")]
    WorkspaceTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessError {
    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyAttempts => "too_many_attempts",
            Self::Busy => "busy",
            Self::NotSignedIn => "not_signed_in",
            Self::Forbidden { .. } => "forbidden",
            Self::InvalidPassword(_) => "invalid_password",
            Self::InvalidEmail => "invalid_email",
            Self::InvalidName => "invalid_name",
            Self::EmailTaken => "email_taken",
            Self::NoSuchUser => "user_not_found",
            Self::NoSuchKey => "api_key_not_found",
            Self::LastAdmin => "last_admin",
            Self::WeakKey => "weak_key",
            Self::InvalidSetupToken => "invalid_setup_token",
            Self::WorkspaceTaken => "workspace_taken",
            Self::Store(_) => "store",
        }
    }
}
