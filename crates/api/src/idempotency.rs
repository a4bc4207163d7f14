//! POST requests that are done once however often they are sent.
//!
//! A request with an `Idempotency-Key` begins by writing the key with a hash of the request; its answer is stored under
//! the key and given again to every repeat for seven days, problems included. A request that failed by a fault of ours
//! (5xx or a panic), or that came too often (429), gives the key free: nothing was decided, so it may be tried again.
//!
//! Why a crash is safe: before the key is written nothing has happened; between the work and the storing of the answer a
//! crash leaves the key open, repeats are told `idempotency_in_flight`, and after the store's `ABANDONED` time the same
//! request may run again, guarded by the unique keys and versions of the thing it changes.

use std::{future::Future, panic::AssertUnwindSafe};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest as _, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, StatusCode, header};
use segue_model::{Timestamp, WorkspaceId};
use segue_store::{StoreError, idempotency::Begun};
use sha2::{Digest, Sha256};

use crate::{
    AppState,
    caller::Caller,
    extract::unreadable,
    problem::{Problem, ProblemDocument},
};

/// The client's key for the request.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer is that of an earlier request.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 255;
/// Answers larger than this are not JSON documents of ours.
const LARGEST_ANSWER: usize = 4 << 20;

/// Runs a request under its key, or just runs it when it has none. It counts as abandoned `after` so many milliseconds.
pub(crate) async fn run(state: &AppState, caller: &Caller, after: i64, request: Request, next: Next) -> Response {
    match prepare(state, caller, after, request).await {
        Ok(Prepared::WithoutKey(request)) => next.run(request).await,
        Ok(Prepared::Begun(begun, request)) => begun.run(next.run(request)).await,
        Ok(Prepared::Answered(response)) => response,
        Err(problem) => problem.into_response(),
    }
}

enum Prepared {
    WithoutKey(Request),
    Begun(Box<Open>, Request),
    Answered(Response),
}

async fn prepare(state: &AppState, caller: &Caller, after: i64, request: Request) -> Result<Prepared, Problem> {
    let Some(value) = request.headers().get(KEY_HEADER) else { return Ok(Prepared::WithoutKey(request)) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let key = key.map(str::to_owned).ok_or_else(|| {
        Problem::malformed("invalid_idempotency_key", "An Idempotency-Key is 1 to 255 visible ASCII characters.")
    })?;
    let (parts, body) = request.into_parts();
    // Within the limit of the route, which stands in its extensions.
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let body = body.map_err(|rejection| unreadable(rejection.status()))?;
    let boundary = parts.headers.get(header::CONTENT_TYPE).and_then(boundary);
    let hash = hash(parts.method.as_str(), parts.uri.path_and_query().map_or("", |uri| uri.as_str()), boundary, &body);
    let open = Open {
        begun_at: state.ctx.now(),
        state: state.clone(),
        workspace_id: caller.workspace_id,
        actor: caller.actor.reference(),
        key,
    };
    match open.begin(hash, after).await? {
        Begun::Fresh => Ok(Prepared::Begun(Box::new(open), Request::from_parts(parts, Body::from(body)))),
        Begun::Repeat { status, body } => Ok(Prepared::Answered(replay(status, body))),
        Begun::InFlight => Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_in_flight",
            "The same request is being worked on. Ask again in a moment.",
        )
        .retry_after(1)),
        Begun::Mismatch => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_mismatch",
            "This Idempotency-Key was used for another request. Use a new one for each new request.",
        )),
    }
}

/// A key that was begun.
struct Open {
    state: AppState,
    workspace_id: WorkspaceId,
    actor: String,
    key: String,
    begun_at: Timestamp,
}

impl Open {
    async fn begin(&self, hash: [u8; 32], after: i64) -> Result<Begun, Problem> {
        let (workspace_id, actor, key, now) = (self.workspace_id, self.actor.clone(), self.key.clone(), self.begun_at);
        let begun = self
            .state
            .store
            .write::<_, StoreError, _>(move |tx| tx.begin_request_for(workspace_id, &actor, &key, &hash, now, after));
        Ok(begun.await?)
    }

    async fn run(self, work: impl Future<Output = Response>) -> Response {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(response) if may_be_tried_again(response.status()) => {
                self.give_free().await;
                response
            }
            Ok(response) => self.finish(response).await,
            Err(panic) => {
                self.give_free().await;
                std::panic::resume_unwind(panic)
            }
        }
    }

    async fn finish(self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, LARGEST_ANSWER).await else {
            tracing::error!("an answer was too large to be kept for a repeat");
            self.give_free().await;
            return Problem::internal().into_response();
        };
        let stored = match parts.extensions.get::<Problem>() {
            Some(problem) => serde_json::to_string(&problem.document(None)).unwrap_or_default(),
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        let (workspace_id, actor, key) = (self.workspace_id, self.actor.clone(), self.key.clone());
        let (begun_at, status) = (self.begun_at, parts.status.as_u16());
        let finished = self.state.store.write::<_, StoreError, _>(move |tx| {
            tx.finish_request(workspace_id, &actor, &key, begun_at, (status, stored.as_str()))
        });
        if let Err(error) = finished.await {
            // The work is done: the answer is right, and a repeat is told that it is in flight until the key is abandoned.
            tracing::warn!(%error, "the answer to an idempotent request could not be stored");
        }
        Response::from_parts(parts, Body::from(body))
    }

    async fn give_free(&self) {
        let (workspace_id, actor, key, begun_at) =
            (self.workspace_id, self.actor.clone(), self.key.clone(), self.begun_at);
        let freed = self
            .state
            .store
            .write::<_, StoreError, _>(move |tx| tx.abandon_request(workspace_id, &actor, &key, begun_at));
        if let Err(error) = freed.await {
            tracing::warn!(%error, "an idempotency key could not be given free");
        }
    }
}

/// Whether an answer is about this moment and decides nothing.
fn may_be_tried_again(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn replay(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let problem = (status.is_client_error() || status.is_redirection())
        .then(|| serde_json::from_str::<ProblemDocument>(&body).ok())
        .flatten();
    let mut response = match problem {
        Some(document) => Problem::of_document(document).into_response(),
        None if body.is_empty() => status.into_response(),
        None => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
    };
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    response
}

/// What makes two requests the same: method, address and body. Every sending of a form has another boundary between its
/// parts, so the boundary does not count.
fn hash(method: &str, address: &str, boundary: Option<&str>, body: &Bytes) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(format!("{method} {address}\n"));
    let boundary = boundary.map(str::as_bytes).filter(|boundary| !boundary.is_empty());
    let mut rest: &[u8] = body;
    while let Some(found) = boundary.and_then(|boundary| find(rest, boundary)) {
        hasher.update(&rest[..found]);
        hasher.update([0]);
        rest = &rest[found + boundary.map_or(0, <[u8]>::len)..];
    }
    hasher.update(rest);
    hasher.finalize().into()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(offset) = text[from..].iter().position(|byte| *byte == first) {
        let start = from + offset;
        if text[start..].starts_with(wanted) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

fn boundary(content_type: &HeaderValue) -> Option<&str> {
    let text = content_type.to_str().ok()?;
    let (kind, rest) = text.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod layer_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_form_with_another_boundary_is_the_same_request() {
        let form = |boundary: &str, text: &str| Bytes::from(format!("--{boundary}\r\n\r\n{text}\r\n--{boundary}--"));
        let of = |boundary: &str, text: &str| hash("POST", "/x", Some(boundary), &form(boundary, text));
        assert_eq!(of("aaa1", "one"), of("bbb2", "one"));
        assert_ne!(of("aaa1", "one"), of("aaa1", "two"));
        assert_ne!(hash("POST", "/x", None, &Bytes::new()), hash("POST", "/y", None, &Bytes::new()));
        let value = HeaderValue::from_static("multipart/form-data; boundary=\"x y\"");
        assert_eq!(boundary(&value), Some("x y"));
        assert_eq!(boundary(&HeaderValue::from_static("application/json; boundary=x")), None);
    }

    #[test]
    fn a_replayed_problem_keeps_its_shape() {
        let problem = Problem::not_found("campaign");
        let body = serde_json::to_string(&problem.document(Some("gone"))).unwrap();
        let response = replay(404, body);
        assert_eq!(response.extensions().get::<Problem>(), Some(&problem));
        assert_eq!(response.headers()[REPLAYED_HEADER], "true");
    }
}
