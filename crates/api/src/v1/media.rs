//! Files: uploaded by agents, received from customers.
//!
//! The kind of a file is what its bytes say, never its name or what the browser claims; kinds that a browser could run
//! (HTML, SVG, scripts) are not taken. Files are served in a sandbox without any right, and only pictures inline.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use segue_access::Permission;
use segue_model::MediaId;
use segue_store::{
    StoreError,
    media::{NewMedia, Presence},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Form, Json, PathId, Upload},
    guard::Guard,
    problem::Problem,
    sniff::sniff,
};

/// Bytes of a file at most (WhatsApp Cloud API, "Media": 16 MB for video and audio).
pub const LARGEST_FILE: usize = 16 << 20;
/// What the form around a file takes.
const FORM: usize = 16 << 10;
/// Nothing in a file may run, load or be framed.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src 'self'; style-src 'none'; frame-ancestors 'none'";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Converse).patient().body_limit(LARGEST_FILE + FORM).routes(routes!(upload)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(download)))
}

/// An uploaded file.
#[derive(Serialize, ToSchema)]
#[schema(as = Media)]
struct MediaBody {
    id: MediaId,
    mime: String,
    /// In bytes.
    size: usize,
    file_name: Option<String>,
}

/// Takes a file of up to 16 MiB: JPEG, PNG, WebP, PDF, MP4, 3GPP, OGG, MP3, AAC, AMR, or plain text.
#[utoipa::path(post, path = "/api/v1/media", operation_id = "upload_media", tag = "inbox",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = MediaBody)))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    form: Form,
) -> Result<(StatusCode, Json<MediaBody>), Problem> {
    let part = form.file()?;
    if part.data.is_empty() {
        return Err(Problem::invalid("file", "The file is empty."));
    }
    if part.data.len() > LARGEST_FILE {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "A file has at most 16 MiB."));
    }
    let mime = sniff(&part.data).ok_or_else(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_file",
            "WhatsApp does not take this kind of file. Send a picture (JPEG, PNG, WebP), PDF, MP4, OGG, MP3 or text.",
        )
    })?;
    let media = NewMedia {
        id: state.ctx.id(),
        mime: mime.to_owned(),
        file_name: part.file_name.clone().filter(|name| !name.is_empty()),
        data: part.data.to_vec(),
    };
    let body = MediaBody {
        id: media.id,
        mime: media.mime.clone(),
        size: media.data.len(),
        file_name: media.file_name.clone(),
    };
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    state.store.write::<_, StoreError, _>(move |tx| tx.insert_media(workspace_id, &media, now)).await?;
    Ok((StatusCode::CREATED, Json(body)))
}

/// The bytes of a file. One that is still on its way from the provider is answered 409 `media_pending`.
#[utoipa::path(get, path = "/api/v1/media/{id}", operation_id = "download_media", tag = "inbox",
    params(("id" = MediaId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn download(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MediaId>,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| {
        let Some(media) = tx.media(workspace_id, id)? else { return Ok(None) };
        Ok(Some((media, tx.media_data(workspace_id, id)?)))
    });
    let (media, data) = found.await?.ok_or_else(|| Problem::not_found("file"))?;
    let Some(data) = data else {
        return Err(match media.presence {
            Presence::Failed => Problem::new(
                StatusCode::GONE,
                "media_failed",
                "The file could not be fetched from the provider. Ask the customer to send it again.",
            ),
            Presence::Pending | Presence::Stored => Problem::new(
                StatusCode::CONFLICT,
                "media_pending",
                "The file is still being fetched. Try again in a moment.",
            )
            .retry_after(2),
        });
    };
    // What the provider claimed about a received file counts as little as what a browser claims.
    let mime = sniff(&data).unwrap_or("application/octet-stream");
    let disposition = if mime.starts_with("image/") { "inline" } else { "attachment" };
    let name = encoded(media.file_name.as_deref().unwrap_or("file"));
    let mut response = Body::from(data).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    if let Ok(value) = HeaderValue::from_str(&format!("{disposition}; filename*=UTF-8''{name}")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A file name as RFC 8187 writes it in a header.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn names_in_headers_hold_nothing_but_plain_characters() {
        assert_eq!(encoded("a b\"\r\nX: ü.png"), "a%20b%22%0D%0AX%3A%20%C3%BC.png");
    }
}
