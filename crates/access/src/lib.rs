//! Who may do what: users, passwords, login sessions, API keys and the one table of permissions.
//!
//! - Passwords are stored as Argon2id (RFC 9106) in PHC form. Tokens and keys are 256 random bits and stored as SHA-256:
//!   a stolen database signs nobody in.
//! - What a role may do stands in [`permission`] and nowhere else.
//! - An unknown e-mail address costs the same time as a wrong password, so that the answer does not tell which it was.

mod error;
mod keys;
mod login;
pub mod password;
pub mod permission;
mod setup;
mod token;
pub mod twilio_account;
mod users;

pub use error::AccessError;
pub use keys::{authenticate_key, create_key, ensure_key, list_keys, revoke_key};
pub use login::{LOGIN_LIFETIME, LoginThrottle, SignedIn, authenticate_session, login, logout};
pub use permission::{Permission, require};
pub use setup::{NewWorkspace, create_workspace, issue_setup_token, set_up};
pub use twilio_account::{TwilioAccount, authenticate_twilio, twilio_account};
pub use users::{Disabled, NewUser, UserChange, change_user, create_first_user, create_user, list_users};
