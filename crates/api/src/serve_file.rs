//! The answer that holds the bytes of a file.
//!
//! Nothing in a file may run, load or be framed, whatever it is: its type is told by its bytes, browsers are told not to
//! guess, and a page that opens one has no right at all. Pictures, sound and films are shown; everything else is saved.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use segue_delivery::FilesError;
use segue_model::{
    WorkspaceId,
    file_type::{HEAD, is_text_head, sniff_head},
};
use segue_store::media::Media;

use crate::{AppState, problem::Problem};

/// Nothing in a file may run, load or be framed.
pub(crate) const SANDBOX: &str =
    "sandbox; default-src 'none'; img-src 'self'; style-src 'none'; frame-ancestors 'none'";

/// What a browser does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Pictures, sound and films are shown, everything else is saved.
    ByKind,
    Save,
}

/// Answers with a stored file, or the part of it that was asked for.
pub(crate) async fn serve(
    state: &AppState,
    workspace_id: WorkspaceId,
    media: &Media,
    disposition: Disposition,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    let mime = type_of(state, workspace_id, media).await?;
    let etag = format!("\"{}\"", hex(&media.sha256));
    let has = |name: header::HeaderName| {
        asked.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(&etag))
    };
    let mut response = Response::new(Body::empty());
    let is_known = has(header::IF_NONE_MATCH);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let may_be_part = !asked.contains_key(header::IF_RANGE) || has(header::IF_RANGE);
        let range = asked.get(header::RANGE).filter(|_| may_be_part).and_then(|value| value.to_str().ok());
        let (from, length) = match range.map_or(Wanted::All, |range| wanted(range, media.size)) {
            Wanted::All => (0, media.size),
            Wanted::Part { from, length } => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let part = format!("bytes {from}-{}/{}", from + length - 1, media.size);
                insert(&mut response, header::CONTENT_RANGE, &part);
                (from, length)
            }
            Wanted::Nothing => {
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", media.size));
                return Ok(response);
            }
        };
        let bytes = state.files.part(workspace_id, media, from, length).await?;
        *response.body_mut() = Body::from_stream(bytes.ok_or_else(|| Problem::not_found("file"))?);
        insert(&mut response, header::CONTENT_LENGTH, &length.to_string());
    }
    let is_shown = ["image/", "audio/", "video/"].iter().any(|kind| mime.starts_with(kind));
    let word = if is_shown && disposition == Disposition::ByKind { "inline" } else { "attachment" };
    let name = encoded(media.file_name.as_deref().unwrap_or("file"));
    for (header, value) in [
        (header::CONTENT_TYPE, mime.as_str()),
        (header::CONTENT_DISPOSITION, &format!("{word}; filename*=UTF-8''{name}")),
        (header::ETAG, &etag),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A browser asks each time whether it may still show what it has: the login may have ended, the file be gone.
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        insert(&mut response, header, value);
    }
    Ok(response)
}

/// What the provider claimed about a received file counts as little as what a browser claims: the bytes say it. Those in
/// a bucket said it when they were stored.
async fn type_of(state: &AppState, workspace_id: WorkspaceId, media: &Media) -> Result<String, FilesError> {
    if media.object.is_some() {
        return Ok(media.mime.clone());
    }
    let (id, length) = (media.id, HEAD as u64);
    let head = state
        .store
        .read::<_, segue_store::StoreError, _>(move |tx| tx.media_part(workspace_id, id, 0, length))
        .await?
        .unwrap_or_default();
    let plain = is_text_head(&head).then_some("text/plain");
    Ok(sniff_head(&head).or(plain).unwrap_or("application/octet-stream").to_owned())
}

/// The part of a file that was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part {
        from: u64,
        length: u64,
    },
    /// None of it is there.
    Nothing,
}

/// Reads a `Range` header. What is not one range of bytes is answered with the whole file, as RFC 9110 allows.
fn wanted(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number =
        |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None };
    let (from, last) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Some(first), None) if last.is_empty() => (first, size.saturating_sub(1)),
        (None, Some(0)) if first.is_empty() => return Wanted::Nothing,
        (None, Some(count)) if first.is_empty() => (size.saturating_sub(count), size.saturating_sub(1)),
        _ => return Wanted::All,
    };
    if from >= size { Wanted::Nothing } else { Wanted::Part { from, length: last - from + 1 } }
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
    use super::*;

    #[test]
    fn names_in_headers_hold_nothing_but_plain_characters() {
        assert_eq!(encoded("a b\"\r\nX: ü.png"), "a%20b%22%0D%0AX%3A%20%C3%BC.png");
    }

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        let part = |from, length| Wanted::Part { from, length };
        for (range, expected) in [
            ("bytes=0-", part(0, 10)),
            ("bytes=0-0", part(0, 1)),
            ("bytes=3-5", part(3, 3)),
            ("bytes=3-500", part(3, 7)),
            ("bytes=-4", part(6, 4)),
            ("bytes=-40", part(0, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-3", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=-", Wanted::All),
            ("items=0-1", Wanted::All),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }
}
