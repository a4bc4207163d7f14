//! A host name of its own for files: it serves files and nothing else, and no cookie of the console ever goes there.
//!
//! What a customer sends is then never under the address of the console, whatever a browser makes of it. A file is asked
//! for at the console's address, where the caller's right to it is checked; the answer leads to this host by an address
//! that names one file, is signed, and works for some minutes. Here no login counts, neither a cookie nor a key.
//!
//! Providers fetch the files of an MMS by such an address too, which works for hours ([`segue_delivery::file_address`]).
//! Where files have no host of their own, only those addresses are answered, under the address of the webhooks.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use segue_delivery::file_address::{self, FileAddress, FilePurpose, PATH};
use segue_store::{StoreError, media::FilePresence};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    AppState,
    link_host::{self, host_of},
    observe,
    problem::Problem,
    serve_file::{Disposition, serve},
};

/// The address of a file on the files' own host; `None` when there is no such host. It is the same for some minutes, so
/// that browsers do not load a picture again and again.
///
/// # Errors
/// When the store fails.
pub(crate) async fn signed(state: &AppState, address: FileAddress) -> Result<Option<String>, Problem> {
    let Some(origin) = &state.config.files_origin else { return Ok(None) };
    Ok(Some(address.under(origin, key(state).await?, state.ctx.now())))
}

/// The installation's own secret, the same on every node.
async fn key(state: &AppState) -> Result<&[u8], Problem> {
    let key = state.file_key.get_or_try_init(|| file_address::key(&state.store, &state.ctx));
    Ok(key.await?.as_slice())
}

/// Where there is no host for files: those that a provider fetches to send them, under the address that it calls with its
/// webhooks. Nothing else is served there, and no login counts.
pub(crate) fn for_carriers(state: AppState) -> Router {
    Router::new()
        .route(&format!("{PATH}{{token}}"), get(carried))
        .layer(middleware::from_fn_with_state(state.clone(), link_host::restrict))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .with_state(state)
}

async fn carried(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    finished(&state, &parts, answer(&state, &parts, Served::ToCarriers).await)
}

/// Answers everything on the files' own host, and lets everything else pass. Outside of all other layers.
pub(crate) async fn separate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_on_it = state.config.files_host().is_some_and(|host| host_of(&request).eq_ignore_ascii_case(host));
    if !is_on_it {
        return next.run(request).await;
    }
    // Neither a body nor a login counts here.
    let (parts, _) = request.into_parts();
    finished(&state, &parts, answer(&state, &parts, Served::All).await)
}

/// Which addresses are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    All,
    /// Those that a provider was given.
    ToCarriers,
}

/// An answer with what keeps a file from doing anything.
fn finished(state: &AppState, parts: &Parts, answer: Result<Response, Problem>) -> Response {
    let mut response = answer.unwrap_or_else(|problem| {
        // No details: whoever asks has no login here.
        let status =
            if problem.status().is_server_error() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NOT_FOUND };
        (status, "There is nothing here, or not any more.\n").into_response()
    });
    if parts.method == Method::HEAD {
        *response.body_mut() = axum::body::Body::empty();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, crate::serve_file::SANDBOX),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The console shows it, and is another site.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if state.config.files_origin.as_deref().is_some_and(|origin| origin.starts_with("https://")) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

async fn answer(state: &AppState, request: &Parts, served: Served) -> Result<Response, Problem> {
    let nothing = || Problem::not_found("file");
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(nothing());
    }
    let token = request.uri.path().strip_prefix(PATH).ok_or_else(nothing)?;
    let (address, left) = FileAddress::read(token, key(state).await?, state.ctx.now()).ok_or_else(nothing)?;
    let FileAddress { workspace_id, media_id, purpose } = address;
    let disposition = match (purpose, served) {
        (FilePurpose::Carrier, _) | (FilePurpose::Show, Served::All) => Disposition::ByKind,
        (FilePurpose::Save, Served::All) => Disposition::Save,
        (FilePurpose::Show | FilePurpose::Save, Served::ToCarriers) => return Err(nothing()),
    };
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, media_id)).await?;
    let media = found.filter(|media| media.presence == FilePresence::Stored).ok_or_else(nothing)?;
    let mut response = serve(state, workspace_id, &media, disposition, &request.headers).await?;
    // Not longer than the address works: what was taken back is not in a browser's memory for a day.
    if let Ok(value) = HeaderValue::from_str(&format!("private, max-age={left}")) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    Ok(response)
}
