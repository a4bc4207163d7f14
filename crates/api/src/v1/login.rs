//! Signing in and out, and the first administrator.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use segue_access::{LOGIN_LIFETIME, NewUser, NewWorkspace};
use segue_model::{role::Role, time};
use segue_store::access::User;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::{WorkspaceBody, load_workspace};
use crate::{
    AppState,
    caller::{COOKIE, Caller, Credential},
    client_address::CountedAddress,
    extract::Json,
    guard::Guard,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::anybody().routes(routes!(login)))
        .routes(Guard::signed_in().unrecorded().routes(routes!(logout)))
        .routes(Guard::signed_in().routes(routes!(me)))
        .routes(Guard::anybody().routes(routes!(setup)))
}

#[derive(Deserialize, ToSchema)]
struct LoginInput {
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
struct LoginAnswer {
    user: User,
}

/// Signs in. The answer sets the cookie `segue_session`.
#[utoipa::path(post, path = "/api/v1/login", tag = "access", responses((status = 200, body = LoginAnswer)))]
async fn login(
    State(state): State<AppState>,
    CountedAddress(address): CountedAddress,
    Json(input): Json<LoginInput>,
) -> Result<Response, Problem> {
    let LoginInput { email, password } = input;
    let (signed_in, token) =
        segue_access::login(&state.store, &state.ctx, &state.throttle, address, &email, &password).await?;
    let cookie = cookie(&state, &token, LOGIN_LIFETIME / time::SECOND);
    Ok(([(header::SET_COOKIE, cookie)], Json(LoginAnswer { user: signed_in.user })).into_response())
}

/// Ends the login of the cookie; it is good for nothing any more, wherever it was copied to.
#[utoipa::path(post, path = "/api/v1/logout", tag = "access", responses((status = 204)))]
async fn logout(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    if let Credential::Cookie(token) = &caller.credential {
        segue_access::logout(&state.store, token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(&state, "", 0))]).into_response())
}

#[derive(Serialize, ToSchema)]
struct Me {
    /// Null for an API key.
    user: Option<User>,
    workspace: WorkspaceBody,
}

/// Who is signed in, and where.
#[utoipa::path(get, path = "/api/v1/me", tag = "access", responses((status = 200, body = Me)))]
async fn me(State(state): State<AppState>, caller: Caller) -> Result<Json<Me>, Problem> {
    let workspace = load_workspace(&state, caller.workspace_id).await?;
    Ok(Json(Me { user: caller.user, workspace: workspace.into() }))
}

#[derive(Deserialize, ToSchema)]
struct SetupInput {
    /// From the link that the server prints at its first start.
    token: String,
    name: String,
    email: String,
    password: String,
    workspace_name: String,
    /// IANA zone; UTC when not given.
    time_zone: Option<String>,
    /// ISO 3166 code; US when not given.
    country: Option<String>,
}

/// Creates the workspace and its first administrator with the one-time link, and signs the administrator in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "access", responses((status = 200, body = LoginAnswer)))]
async fn setup(
    State(state): State<AppState>,
    CountedAddress(address): CountedAddress,
    Json(input): Json<SetupInput>,
) -> Result<Response, Problem> {
    let workspace = NewWorkspace {
        slug: slug(&input.workspace_name),
        name: input.workspace_name,
        time_zone: super::workspace::time_zone(input.time_zone.as_deref().unwrap_or("UTC"))?,
        country: super::workspace::country(input.country.as_deref().unwrap_or("US"))?,
    };
    let admin =
        NewUser { email: input.email.clone(), name: input.name, role: Role::Admin, password: input.password.clone() };
    segue_access::set_up(&state.store, &state.ctx, &input.token, &workspace, &admin).await.map_err(|error| {
        let names_workspace =
            matches!(error, segue_access::AccessError::InvalidName) && workspace.name.trim().is_empty();
        if names_workspace {
            crate::errors::field(error.code(), "workspace_name", error.to_string())
        } else {
            error.into()
        }
    })?;
    let credentials = LoginInput { email: input.email, password: input.password };
    login(State(state), CountedAddress(address), Json(credentials)).await
}

/// A name in configuration files: letters, digits and single dashes.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "main".to_owned() } else { slug.chars().take(60).collect() }
}

/// The cookie of a login. Its token is base64url, so it needs no escaping.
fn cookie(state: &AppState, token: &str, seconds: i64) -> String {
    let secure = if state.config.is_https() { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("  Müller & Söhne GmbH "), "m-ller-s-hne-gmbh");
        assert_eq!(slug("日本"), "main");
    }
}
