//! Media: upload, the short-lived download URL, download with the token, deletion.

use super::error::{Access, GraphError, success};
use crate::core::Core;
use crate::faults::take_one;
use crate::handset::MediaView;
use crate::ledger::Fact;
use crate::state::State;
use axum::body::Body;
use axum::extract::{Multipart, Path, Query, Request, State as Extract};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a download URL works.
const URL_MS: i64 = 5 * 60_000;

/// One uploaded or received file.
pub(crate) struct StoredMedia {
    pub bytes: Bytes,
    pub mime: String,
    pub filename: Option<String>,
    pub sha256: [u8; 32],
    expires_at: i64,
}

impl StoredMedia {
    /// Uploaded by the business: kept for 30 days.
    fn uploaded(bytes: Bytes, mime: String, filename: Option<String>, now: i64) -> Self {
        Self { sha256: Sha256::digest(&bytes).into(), bytes, mime, filename, expires_at: now + 30 * DAY_MS }
    }

    /// Sent by a customer: kept for 7 days.
    pub fn received(bytes: Vec<u8>, mime: String, now: i64) -> Self {
        let bytes = Bytes::from(bytes);
        Self { sha256: Sha256::digest(&bytes).into(), bytes, mime, filename: None, expires_at: now + 7 * DAY_MS }
    }
}

/// All media by id.
#[derive(Default)]
pub(crate) struct MediaStore {
    media: HashMap<String, StoredMedia>,
    next: u64,
}

impl MediaStore {
    pub fn put(&mut self, media: StoredMedia) -> String {
        // The expiry makes ids of different runs of the sandbox differ.
        let id = format!("{}{:05}", media.expires_at / 1000, self.next);
        self.next += 1;
        self.media.insert(id.clone(), media);
        id
    }

    pub fn get(&self, id: &str, now: i64) -> Option<&StoredMedia> {
        self.media.get(id).filter(|media| now < media.expires_at)
    }

    fn remove(&mut self, id: &str) -> bool {
        self.media.remove(id).is_some()
    }
}

impl State {
    /// Keeps a file of a text message, out or in.
    pub fn keep_media(&mut self, bytes: Vec<u8>, mime: String) -> MediaView {
        let now = self.now();
        let id = self.media.put(StoredMedia::received(bytes, mime.clone(), now));
        MediaView { id, mime, caption: None, filename: None, voice: false }
    }
}

/// Greatest size of a type in octets; `None` for types that are not taken.
fn limit(mime: &str) -> Option<usize> {
    const MB: usize = 1024 * 1024;
    let mime = mime.split(';').next().unwrap_or_default().trim();
    match mime {
        "image/jpeg" | "image/png" => Some(5 * MB),
        "video/mp4" | "video/3gpp" | "video/3gp" => Some(16 * MB),
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" => Some(16 * MB),
        "image/webp" => Some(500 * 1024),
        "text/plain" | "application/pdf" => Some(100 * MB),
        mime if mime.starts_with("application/") => Some(100 * MB),
        _ => None,
    }
}

fn check(mime: &str, size: usize) -> Result<(), GraphError> {
    match limit(mime) {
        None => Err(GraphError::parameter(format!(
            "Param file must be a file with one of the supported types - got {mime}."
        ))),
        Some(limit) if size > limit => Err(GraphError::new(131053, "Media file size is too big for its type.")),
        Some(_) => Ok(()),
    }
}

/// `POST /{version}/{phone_number_id}/media`: `messaging_product` and `type` stand in the form or in the query, as everywhere on the
/// platform; client libraries use either.
pub(crate) async fn upload(
    Extract(core): Extract<Arc<Core>>,
    Path((_, id)): Path<(String, String)>,
    Query(mut query): Query<HashMap<String, String>>,
    mut form: Multipart,
) -> Result<axum::Json<Value>, GraphError> {
    if id != core.config.phone_number_id {
        return Err(GraphError::no_object(&id, Access::Write));
    }
    let broken = |_| GraphError::parameter("The request is not a valid multipart form.");
    let (mut product, mut given_type, mut file) = (query.remove("messaging_product"), query.remove("type"), None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "messaging_product" => product = Some(field.text().await.map_err(broken)?),
            "type" => given_type = Some(field.text().await.map_err(broken)?),
            "file" => {
                let (mime, name) = (field.content_type().map(str::to_owned), field.file_name().map(str::to_owned));
                file = Some((mime, name, field.bytes().await.map_err(broken)?));
            }
            _ => {}
        }
    }
    if product.as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter("The parameter messaging_product is required."));
    }
    let (mime, name, bytes) = file.ok_or_else(|| GraphError::parameter("The parameter file is required."))?;
    let mime = mime.or(given_type).unwrap_or_else(|| "application/octet-stream".to_owned());
    check(&mime, bytes.len())?;
    let delay = core.with(|state| state.faults.upload_delay_ms);
    if delay > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
    }
    let fault = core.with(|state| {
        let code = state.faults.take_upload_error();
        if let Some(code) = code {
            state.record(Fact::GraphRefused { code });
        }
        code
    });
    if let Some(code) = fault {
        return Err(if code == 190 { GraphError::token(190) } else { GraphError::plain(code) });
    }
    let id = core.with(|state| {
        let now = state.now();
        let id = state.media.put(StoredMedia::uploaded(bytes, mime.clone(), name, now));
        state.record(Fact::WaFileUploaded { media_id: id.clone(), mime });
        id
    });
    Ok(axum::Json(json!({"id": id})))
}

/// What `GET /{version}/{media_id}` answers, when there is such media.
pub(crate) fn describe(core: &Core, id: &str) -> Option<Value> {
    core.with(|state| {
        let now = state.now();
        state.media.get(id, now)?;
        let works_for = if take_one(&mut state.faults.media_urls_expired) { 0 } else { URL_MS };
        let media = state.media.get(id, now)?;
        Some(json!({
            "messaging_product": "whatsapp",
            "url": format!("{}/graph-media/{id}?oe={}", core.public_url, now + works_for),
            "mime_type": media.mime,
            "sha256": hex::encode(media.sha256),
            "file_size": media.bytes.len(),
            "id": id,
        }))
    })
}

/// `DELETE /{version}/{media_id}`
pub(crate) async fn delete(
    Extract(core): Extract<Arc<Core>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<axum::Json<Value>, GraphError> {
    if core.with(|state| state.media.remove(&id)) {
        Ok(axum::Json(success()))
    } else {
        Err(GraphError::no_object(&id, Access::Write))
    }
}

#[derive(Deserialize)]
pub(crate) struct DownloadQuery {
    oe: Option<i64>,
}

/// `GET /graph-media/{id}`: needs the token; 404 when the URL has expired.
pub(crate) async fn download(
    Extract(core): Extract<Arc<Core>>,
    Path(id): Path<String>,
    Query(query): Query<DownloadQuery>,
    request: Request<Body>,
) -> Response {
    if let Err(error) = super::request::authorise(&core, &request) {
        return error.into_response();
    }
    let fresh =
        core.with(|state| query.oe.is_some_and(|expiry| state.now() < expiry && expiry <= state.now() + URL_MS));
    if fresh { serve(&core, &id) } else { StatusCode::NOT_FOUND.into_response() }
}

/// The bytes of media, also for the phone page.
pub(crate) fn serve(core: &Core, id: &str) -> Response {
    let found =
        core.with(|state| state.media.get(id, state.now()).map(|media| (media.mime.clone(), media.bytes.clone())));
    match found {
        Some((mime, bytes)) => {
            // WhatsApp takes no GIF; a text message does.
            let safe = if limit(&mime).is_some() || mime == "image/gif" {
                mime
            } else {
                "application/octet-stream".to_owned()
            };
            ([(CONTENT_TYPE, safe.as_str()), (X_CONTENT_TYPE_OPTIONS, "nosniff")], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Fetches media that a send names by link, as the platform does. Returns its id and type.
pub(crate) async fn fetch(core: &Core, url: &str, filename: Option<String>) -> Option<(String, String)> {
    let response = core.http.get(url).header("user-agent", "WhatsApp/2.0 Media").send().await.ok()?;
    if !response.status().is_success() {
        return None;
    }
    let mime = response.headers().get(CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let bytes = response.bytes().await.ok()?;
    check(&mime, bytes.len()).ok()?;
    let id = core.with(|state| {
        let now = state.now();
        state.media.put(StoredMedia::uploaded(bytes, mime.clone(), filename, now))
    });
    Some((id, mime))
}
