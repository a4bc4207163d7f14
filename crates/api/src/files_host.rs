//! A host name of its own for files: it serves files and nothing else, and no cookie of the console ever goes there.
//!
//! What a customer sends is then never under the address of the console, whatever a browser makes of it. A file is asked
//! for at the console's address, where the caller's right to it is checked; the answer leads to this host by an address
//! that names one file, is signed, and works for some minutes. Here no login counts, neither a cookie nor a key.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use segue_model::{MediaId, WorkspaceId, id::Id as _};
use segue_store::{StoreError, media::FilePresence};
use sha2::Sha256;
use uuid::Uuid;

use crate::{
    AppState,
    link_host::host_of,
    problem::Problem,
    serve_file::{Disposition, serve},
};

/// Seconds that an address works at least, and half of what it works at most.
const WORKS_FOR: i64 = 600;
/// Path of files on their host.
const PATH: &str = "/f/";
/// Bytes of what is signed: workspace, file, end, disposition.
const SIGNED: usize = 16 + 16 + 8 + 1;

/// What an address gives: one file of one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileAddress {
    pub workspace_id: WorkspaceId,
    pub media_id: MediaId,
    pub disposition: Disposition,
}

impl FileAddress {
    /// The address on the files' own host; `None` when there is no such host.
    ///
    /// It is the same for some minutes, so that browsers do not load a picture again and again.
    pub async fn signed(&self, state: &AppState) -> Result<Option<String>, Problem> {
        let Some(origin) = &state.config.files_origin else { return Ok(None) };
        let now = state.ctx.now().0.div_euclid(1_000);
        let ends = (now.div_euclid(WORKS_FOR) + 2) * WORKS_FOR;
        let mut token = self.bytes(ends);
        let signature = signer(state).await?.chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&signature);
        Ok(Some(format!("{origin}{PATH}{}", URL_SAFE_NO_PAD.encode(token))))
    }

    fn bytes(&self, ends: i64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIGNED + 32);
        bytes.extend_from_slice(self.workspace_id.uuid().as_bytes());
        bytes.extend_from_slice(self.media_id.uuid().as_bytes());
        bytes.extend_from_slice(&ends.to_be_bytes());
        bytes.push(u8::from(self.disposition == Disposition::Save));
        bytes
    }

    /// Reads what was signed, with the seconds that are left of it. `None` when it was not signed here, or is over.
    async fn read(state: &AppState, token: &str) -> Result<Option<(Self, i64)>, Problem> {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return Ok(None) };
        let Some((signed, signature)) = bytes.split_at_checked(SIGNED) else { return Ok(None) };
        if signer(state).await?.chain_update(signed).verify_slice(signature).is_err() {
            return Ok(None);
        }
        let uuid = |at: usize| Uuid::from_slice(&signed[at..at + 16]).unwrap_or_default();
        let ends = i64::from_be_bytes(signed[32..40].try_into().unwrap_or_default());
        let left = ends - state.ctx.now().0.div_euclid(1_000);
        if left <= 0 {
            return Ok(None);
        }
        let disposition = if signed[40] == 1 { Disposition::Save } else { Disposition::ByKind };
        let (workspace_id, media_id) = (WorkspaceId::from_uuid(uuid(0)), MediaId::from_uuid(uuid(16)));
        Ok(Some((Self { workspace_id, media_id, disposition }, left)))
    }
}

/// Signs with the installation's own secret, the same on every node.
async fn signer(state: &AppState) -> Result<Hmac<Sha256>, Problem> {
    let key = state.file_key.get_or_try_init(|| async {
        let fresh = state.ctx.random_bytes::<32>();
        state.store.write::<_, StoreError, _>(move |tx| tx.secret_or("file_address_key", &fresh)).await
    });
    Hmac::new_from_slice(key.await?).map_err(|_| Problem::internal())
}

/// Answers everything on the files' own host, and lets everything else pass. Outside of all other layers.
pub(crate) async fn separate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_on_it = state.config.files_host().is_some_and(|host| host_of(&request).eq_ignore_ascii_case(host));
    if !is_on_it {
        return next.run(request).await;
    }
    // Neither a body nor a login counts here.
    let (parts, _) = request.into_parts();
    let mut response = answer(&state, &parts).await.unwrap_or_else(|problem| {
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

async fn answer(state: &AppState, request: &Parts) -> Result<Response, Problem> {
    let nothing = || Problem::not_found("file");
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(nothing());
    }
    let token = request.uri.path().strip_prefix(PATH).ok_or_else(nothing)?;
    let (address, left) = FileAddress::read(state, token).await?.ok_or_else(nothing)?;
    let FileAddress { workspace_id, media_id, disposition } = address;
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, media_id)).await?;
    let media = found.filter(|media| media.presence == FilePresence::Stored).ok_or_else(nothing)?;
    let mut response = serve(state, workspace_id, &media, disposition, &request.headers).await?;
    // Not longer than the address works: what was taken back is not in a browser's memory for a day.
    if let Ok(value) = HeaderValue::from_str(&format!("private, max-age={left}")) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    Ok(response)
}
