//! Files: uploaded by agents, received from customers.
//!
//! The kind of a file is what its bytes say, never its name or what the browser claims; kinds that a browser could run
//! (HTML, SVG, scripts) are not taken. Who may read the conversation of a file may read the file. Where files have a host
//! name of their own, they are served there alone, and this address leads to it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use segue_access::Permission;
use segue_channels::whatsapp::{MediaKind, media::media_limit};
use segue_delivery::file_address::{FileAddress, FilePurpose};
use segue_model::{
    MediaId, WorkspaceId,
    file_type::{is_animated, is_opus_mono, sniff},
};
use segue_store::{
    StoreError,
    media::{FilePresence, Media, NewMedia},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Form, Json, PathId, Query, Upload},
    files_host,
    guard::Guard,
    problem::Problem,
    serve_file::{Disposition, serve},
};

/// Bytes of a file at most: what WhatsApp takes of documents. Where the database keeps files it is less, see
/// `segue_delivery::Files::most`.
pub const LARGEST_FILE: usize = 100 << 20;
/// What the form around a file takes.
pub(super) const FORM: usize = 16 << 10;
/// Bytes of a sticker that does not move.
const STILL_STICKER: usize = 100 << 10;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Converse).patient().body_limit(LARGEST_FILE + FORM).routes(routes!(upload)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(download)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(fetch)))
}

/// An uploaded file.
#[derive(Serialize, ToSchema)]
#[schema(as = Media)]
pub(super) struct MediaBody {
    pub(super) id: MediaId,
    mime: String,
    /// In bytes.
    size: usize,
    file_name: Option<String>,
    /// Whether it can be sent as a voice message.
    voice: bool,
}

/// Takes a file in the kinds and sizes of WhatsApp: JPEG and PNG up to 5 MB; MP4, 3GPP, OGG with Opus, MP3, M4A, AAC and
/// AMR up to 16 MB; WebP as a sticker up to 100 KB, 500 KB when it moves; PDF, text and office documents up to 100 MB, or
/// 16 MB where the database keeps the files.
#[utoipa::path(post, path = "/api/v1/media", operation_id = "upload_media", tag = "inbox",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = MediaBody)))]
async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    form: Form,
) -> Result<(StatusCode, Json<MediaBody>), Problem> {
    take(&state, &caller, form).await
}

/// Checks and stores an uploaded file.
pub(super) async fn take(
    state: &AppState,
    caller: &Caller,
    form: Form,
) -> Result<(StatusCode, Json<MediaBody>), Problem> {
    let part = form.into_file()?;
    if part.data.is_empty() {
        return Err(Problem::invalid("file", "The file is empty."));
    }
    let mime = taken(&part.data, part.file_name.as_deref(), state.files.most())?;
    let media = NewMedia {
        id: state.ctx.id(),
        mime: mime.to_owned(),
        file_name: part.file_name.filter(|name| !name.is_empty()),
        // The same bytes, not another copy of them.
        data: part.data.into(),
    };
    let body = MediaBody {
        id: media.id,
        mime: media.mime.clone(),
        size: media.data.len(),
        file_name: media.file_name.clone(),
        voice: mime == "audio/ogg",
    };
    state.files.add(caller.workspace_id, media).await?;
    Ok((StatusCode::CREATED, Json(body)))
}

/// The type of a file that can be sent.
fn taken(data: &[u8], name: Option<&str>, most: u64) -> Result<&'static str, Problem> {
    let unsupported = |words: &str| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_file", format!("WhatsApp does not take {words}"))
    };
    let too_large = |bytes: u64| {
        let size = if bytes >= 1 << 20 { format!("{} MB", bytes >> 20) } else { format!("{} KB", bytes >> 10) };
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("A file of this kind has at most {size}."))
    };
    // Nothing larger is taken of any kind: it is not even looked at.
    if data.len() as u64 > most {
        return Err(too_large(most));
    }
    let mime = sniff(data, name).ok_or_else(|| {
        unsupported(
            "this kind of file. Send a picture (JPEG, PNG), a film (MP4), sound (OGG, MP3, M4A), PDF, text or an office \
             document.",
        )
    })?;
    let (kind, limit) = media_limit(mime).ok_or_else(|| unsupported("this kind of file."))?;
    match (kind, mime) {
        (MediaKind::Document, "image/gif") => {
            return Err(unsupported("GIF. Send a picture as JPEG or PNG, or a film as MP4."));
        }
        (MediaKind::Audio, "audio/ogg") if !is_opus_mono(data) => {
            return Err(unsupported("this OGG file: it has to hold Opus in one channel. Send it as MP3 instead."));
        }
        _ => {}
    }
    let limit = if kind == MediaKind::Sticker && !is_animated(data) { STILL_STICKER as u64 } else { limit };
    if data.len() as u64 > limit { Err(too_large(limit)) } else { Ok(mime) }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DownloadQuery {
    /// `1` for a file to be saved, whatever it is.
    download: Option<u8>,
}

/// The bytes of a file, or the part that a `Range` header asks for. One that is still on its way from the provider is
/// answered 409 `media_pending`. Where files have a host name of their own, the answer leads there by an address that
/// works for some minutes.
#[utoipa::path(get, path = "/api/v1/media/{id}", operation_id = "download_media", tag = "inbox",
    params(("id" = MediaId, Path), DownloadQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, description = "The part that was asked for"),
        (status = 302, description = "It is served under another host name")))]
async fn download(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MediaId>,
    Query(query): Query<DownloadQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await?;
    let media = found.ok_or_else(|| Problem::not_found("file"))?;
    sight::file_readable(&state, &caller, id).await?;
    unavailable(&media)?;
    let disposition = if query.download == Some(1) { Disposition::Save } else { Disposition::ByKind };
    hand_out(&state, workspace_id, &media, disposition, &headers).await
}

/// Refuses a file that is not here (yet), with the reason.
pub(super) fn unavailable(media: &Media) -> Result<(), Problem> {
    match media.presence {
        FilePresence::Stored => Ok(()),
        FilePresence::Failed => Err(Problem::new(
            StatusCode::GONE,
            "media_failed",
            "The file could not be fetched from the provider. Ask the customer to send it again.",
        )),
        FilePresence::Infected => {
            let found = media.check_detail.as_deref().unwrap_or("unknown");
            let words = format!("The file held a virus ({found}) and was removed. Nobody can open it.");
            Err(Problem::new(StatusCode::GONE, "media_infected", words))
        }
        FilePresence::Checking => {
            let words = "The file is being checked for viruses. Try again in a moment.";
            Err(Problem::new(StatusCode::CONFLICT, "media_checking", words).retry_after(2))
        }
        FilePresence::Unchecked => {
            let words = "The file could not be checked for viruses, so nobody can open it. An administrator sees why in \
                         Setup, Files.";
            Err(Problem::new(StatusCode::CONFLICT, "media_unchecked", words))
        }
        FilePresence::Pending => Err(Problem::new(
            StatusCode::CONFLICT,
            "media_pending",
            "The file is still being fetched. Try again in a moment.",
        )
        .retry_after(2)),
    }
}

/// Answers with a file, or with where it is when files have a host name of their own.
pub(super) async fn hand_out(
    state: &AppState,
    workspace_id: WorkspaceId,
    media: &Media,
    disposition: Disposition,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let purpose = if disposition == Disposition::Save { FilePurpose::Save } else { FilePurpose::Show };
    let address = FileAddress { workspace_id, media_id: media.id, purpose };
    if let Some(url) = files_host::signed(state, address).await? {
        let location = HeaderValue::from_str(&url).map_err(|_| Problem::internal())?;
        let no_store = HeaderValue::from_static("no-store");
        return Ok(
            (StatusCode::FOUND, [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)]).into_response()
        );
    }
    serve(state, workspace_id, media, disposition, headers).await
}

/// Fetches a file once more that could not be had from the provider, or checks one again that could not be checked for
/// viruses. Does nothing when it is here or on its way.
#[utoipa::path(post, path = "/api/v1/media/{id}/fetch", operation_id = "fetch_media", tag = "inbox",
    params(("id" = MediaId, Path)), responses((status = 204)))]
async fn fetch(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MediaId>,
) -> Result<StatusCode, Problem> {
    let (workspace_id, ctx) = (caller.workspace_id, state.ctx.clone());
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await?;
    found.ok_or_else(|| Problem::not_found("file"))?;
    sight::file_readable(&state, &caller, id).await?;
    state.store.write::<_, StoreError, _>(move |tx| tx.want_media(workspace_id, id, &ctx).map(drop)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(problem: &Problem) -> String {
        problem.document(None).detail
    }

    #[test]
    fn each_kind_has_its_limit_and_one_byte_more_is_refused_in_words() {
        const MIB: usize = 1 << 20;
        let opus = b"OggS\0\x02____________________OpusHead\x01\x01".as_slice();
        let cases: [(&[u8], usize, &str); 9] = [
            (b"\xff\xd8\xff", 5 * MIB, "5 MB"),
            (b"\x89PNG\r\n\x1a\n", 5 * MIB, "5 MB"),
            (b"\0\0\0\x18ftypmp42", 16 * MIB, "16 MB"),
            (b"\0\0\0\x18ftyp3gp5", 16 * MIB, "16 MB"),
            (opus, 16 * MIB, "16 MB"),
            (b"ID3", 16 * MIB, "16 MB"),
            (b"%PDF-1.7", 32 * MIB, "32 MB"),
            (b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0", 100 << 10, "100 KB"),
            (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", 500 << 10, "500 KB"),
        ];
        for (start, most, words) in cases {
            let mut data = start.to_vec();
            data.resize(most, 0);
            assert!(taken(&data, None, 32 << 20).is_ok(), "{words}");
            data.push(0);
            let refused = taken(&data, None, 32 << 20).unwrap_err();
            assert_eq!((refused.status(), refused.code()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"), "{words}");
            assert!(detail(&refused).contains(words), "{}", detail(&refused));
        }
    }

    #[test]
    fn what_whatsapp_does_not_take_is_refused_in_words() {
        for (data, words) in [
            (b"GIF89a".as_slice(), "GIF"),
            (b"OggS\0\x02____________________\x01vorbis", "Opus in one channel"),
            (b"OggS\0\x02____________________OpusHead\x01\x02", "Opus in one channel"),
            (b"<html>", "this kind of file"),
            (b"PK\x03\x04", "this kind of file"),
        ] {
            let refused = taken(data, None, 1 << 20).unwrap_err();
            assert_eq!(refused.code(), "unsupported_file");
            assert!(detail(&refused).contains(words), "{}", detail(&refused));
        }
    }
}
