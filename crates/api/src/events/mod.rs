//! The event stream: the workspace's event log as server-sent events.
//!
//! A stream is a cursor over the log and nothing more, so any node can serve any client and a restart loses nothing.
//! Events are read when the client is ready for more, in batches of bounded size: a slow client falls behind in the log
//! instead of filling memory, and when the log no longer reaches back to it, it is told to `resync`. Sequence numbers of
//! a workspace have no gaps, so a missing one is noticed and never skipped over.
//!
//! Wake-ups make it quick; a poll each second makes it certain.

mod audience;
mod connections;
mod schema;
mod stream;

use std::convert::Infallible;

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event as Frame, Sse},
    },
};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use segue_store::StoreError;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::connections::Client;
use crate::{AppState, caller::Caller, extract::Query, guard::Guard, problem::Problem};

pub(crate) use audience::Rights;
pub(crate) use connections::Connections;
pub(crate) use schema::add_event_schemas;
pub use stream::{HEARTBEAT, POLL};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::signed_in().streaming().routes(routes!(events)))
        .routes(Guard::signed_in().unrecorded().routes(routes!(beat)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// Sequence of the last event that is known. The header `Last-Event-ID` goes before it. Without either the stream
    /// begins now.
    since: Option<i64>,
    /// Whether the client calls `POST /api/v1/events/beat` at least every `heartbeat_ms` and a half while frames come in.
    /// Then its user counts as gone when two heartbeats have passed without a beat, and the grace time after them: the end
    /// of a line that dies silently is not told to the server. Without it the user counts as connected while the stream
    /// is open.
    beats: Option<bool>,
}

/// The events of the workspace that the caller may see, from a sequence on and then as they happen.
///
/// Frames have `id: SEQ`, `event: TYPE` and as data a `LiveEvent`. Control frames: `hello {server_seq, heartbeat_ms, sight}`
/// first (when `sight` is not that of the snapshot the client goes on from, what it may see has changed: load another),
/// `heartbeat {seq}` (everything visible up to `seq` was sent), `resync {reason}` at the end of a stream that
/// cannot go on: load `/api/v1/bootstrap` and start from its `seq`.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "stream_events", tag = "events", params(Since),
    responses((status = 200, content_type = "text/event-stream", body = String),
        (status = 410, description = "The log no longer reaches back to `since`: load a snapshot."),
        (status = 429, description = "The user or API key has as many streams open as it may have: 100.")))]
async fn events(
    State(state): State<AppState>,
    caller: Caller,
    Query(Since { since, beats }): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last_event_id = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let since = match last_event_id.map(str::parse) {
        Some(Ok(seq)) => Some(seq),
        Some(Err(_)) => return Err(Problem::malformed("invalid_cursor", "Last-Event-ID is not a sequence number.")),
        None => since,
    };
    let workspace_id = caller.workspace_id;
    let (oldest, newest) = state.store.read::<_, StoreError, _>(move |tx| tx.event_bounds(workspace_id)).await?;
    let cursor = since.unwrap_or(newest);
    let first_kept = if oldest == 0 { newest + 1 } else { oldest };
    if cursor > newest || cursor + 1 < first_kept {
        return Err(Problem::new(
            StatusCode::GONE,
            "cursor_gone",
            "The event log does not reach back to this sequence. Load /api/v1/bootstrap and start from its seq.",
        ));
    }
    let client = if beats == Some(true) { Client::Beats } else { Client::Listens };
    let stream = stream::EventStream::open(state, caller, client, cursor, newest).await?;
    let frames = futures::stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<Frame, Infallible>(frame), stream))
    });
    let mut response = Sse::new(frames.boxed()).into_response();
    // Proxies that collect answers before they pass them on would hold events back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Says that the client of an event stream with `beats` still hears it. Nothing for an API key, which has no presence.
#[utoipa::path(post, path = "/api/v1/events/beat", operation_id = "beat", tag = "events", responses((status = 204)))]
async fn beat(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, Problem> {
    if let Some(user_id) = caller.user_id() {
        Connections::beat(&state, caller.workspace_id, user_id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
