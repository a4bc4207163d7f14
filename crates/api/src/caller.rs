//! Who makes a request: the cookie of a login or an API key.

use axum::extract::FromRequestParts;
use http::{HeaderMap, StatusCode, header, request::Parts};
use segue_access::{AccessError, Permission, SignedIn};
use segue_model::{UserId, WorkspaceId, actor::Actor};
use segue_store::access::User;

use crate::{AppState, problem::Problem};

/// Name of the cookie of a login.
pub const COOKIE: &str = "segue_session";

/// Header in which the console names the user it shows. A browser has one login for all its tabs; what a tab of an earlier
/// user still sends is then refused, and never done in the name of the one who is signed in now.
pub const USER_HEADER: &str = "x-segue-user";

/// What the request brought to prove who it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    Cookie(String),
    Key(String),
}

/// Who makes the request. Handlers take it as an argument; the route's guard has put it there.
#[derive(Clone)]
pub struct Caller {
    pub workspace_id: WorkspaceId,
    pub actor: Actor,
    /// The user as stored; `None` for an API key.
    pub user: Option<User>,
    pub(crate) credential: Credential,
}

impl Caller {
    /// The user, where only a person makes sense.
    ///
    /// # Errors
    /// 403 for an API key.
    pub fn person(&self) -> Result<&User, Problem> {
        self.user.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::FORBIDDEN,
                "person_required",
                "This is for people who are signed in; an API key has no presence and no inbox.",
            )
        })
    }

    /// The id of the user, when it is one.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.actor.user_id()
    }

    /// Whether the caller's role has a permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        segue_access::permission::allows(self.actor.role(), permission)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

/// 401.
#[must_use]
pub(crate) fn not_signed_in() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", AccessError::NotSignedIn.to_string())
}

/// Refuses what was meant to be done by another user than the one who is signed in.
///
/// # Errors
/// 401.
pub(crate) fn check_user(headers: &HeaderMap, caller: &Caller) -> Result<(), Problem> {
    let is_another = |named: &http::HeaderValue| {
        caller.user.as_ref().is_some_and(|user| named.as_bytes() != user.id.to_string().as_bytes())
    };
    if headers.get(USER_HEADER).is_some_and(is_another) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "signed_in_as_another",
            "This browser is signed in as somebody else now. Nothing was done; load the page again.",
        ));
    }
    Ok(())
}

/// What a request brought; a key goes before a cookie.
pub(crate) fn credential(headers: &HeaderMap) -> Option<Credential> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().ok()?;
        let (scheme, key) = text.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Credential::Key(key.trim().to_owned()));
    }
    let jar = axum_extra::extract::CookieJar::from_headers(headers);
    jar.get(COOKIE).map(|cookie| Credential::Cookie(cookie.value().to_owned()))
}

/// Finds out who a credential belongs to.
///
/// # Errors
/// 401 when it is not good (any more), 503 when the store does not answer.
pub(crate) async fn authenticate(state: &AppState, credential: &Credential) -> Result<Caller, Problem> {
    match credential {
        Credential::Cookie(text) => {
            let signed_in = segue_access::authenticate_session(&state.store, &state.ctx, text).await?;
            let actor = signed_in.actor();
            let SignedIn { workspace_id, user, .. } = signed_in;
            Ok(Caller { workspace_id, actor, user: Some(user), credential: credential.clone() })
        }
        Credential::Key(text) => {
            let (workspace_id, actor) = segue_access::authenticate_key(&state.store, &state.ctx, text).await?;
            Ok(Caller { workspace_id, actor, user: None, credential: credential.clone() })
        }
    }
}
