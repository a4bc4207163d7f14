//! One client's cursor over the event log.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use axum::response::sse::Event as Frame;
use segue_bus::Listener;
use segue_model::wake::Wake;
use segue_store::{
    StoreError,
    event::{Event, Sessions},
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    audience::{Changes, Rights, Viewer, Visible},
    connections::{Client, Connected, Place},
};
use crate::{
    AppState,
    caller::{self, Caller},
    problem::Problem,
};

/// How often a quiet stream says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a lost wake-up can delay an event.
pub const POLL: Duration = Duration::from_secs(1);
/// How often the login and what the user may see are looked at again.
const CHECK: Duration = Duration::from_secs(5);
/// Events read at once; what a stream holds in memory at most.
const BATCH: i64 = 256;

/// One client's stream. Dropping it, which happens when the client goes away, ends its presence.
pub(super) struct EventStream {
    state: AppState,
    caller: Caller,
    viewer: Viewer,
    listener: Listener,
    cursor: i64,
    frames: VecDeque<Frame>,
    last_frame: Instant,
    checked: Instant,
    is_over: bool,
    _connected: Option<Connected>,
    _place: Place,
}

/// What one look at the log gave.
struct Batch {
    visible: Vec<Visible>,
    cursor: i64,
    changes: Changes,
    is_complete: Completeness,
}

#[derive(PartialEq, Eq)]
enum Completeness {
    Complete,
    /// Events after the cursor are no longer in the log.
    Gap,
}

impl EventStream {
    pub(super) async fn open(
        state: AppState,
        caller: Caller,
        client: Client,
        cursor: i64,
        newest: i64,
    ) -> Result<Self, Problem> {
        let place = state.connections.place(caller.workspace_id, caller.actor.reference())?;
        // Listens before it reads, so that nothing can happen in between unnoticed.
        let listener = state.bus.listen();
        let viewer = Viewer::load(&state, &caller).await?;
        let connected = match caller.user_id() {
            Some(user_id) => Some(state.connections.open(&state, caller.workspace_id, user_id, client).await?),
            None => None,
        };
        let heartbeat = u64::try_from(HEARTBEAT.as_millis()).unwrap_or(0);
        let hello = json!({ "server_seq": newest, "heartbeat_ms": heartbeat, "sight": viewer.rights.sight() });
        let now = Instant::now();
        Ok(Self {
            state,
            caller,
            viewer,
            listener,
            cursor,
            frames: VecDeque::from([control("hello", &hello)]),
            last_frame: now,
            checked: now,
            is_over: false,
            _connected: connected,
            _place: place,
        })
    }

    /// The next frame; waits for one. `None` when the stream is over.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                self.last_frame = Instant::now();
                return Some(frame);
            }
            if self.is_over || self.state.shutdown.is_cancelled() {
                return None;
            }
            if self.checked.elapsed() >= CHECK {
                self.check_again().await?;
                continue;
            }
            if !self.read().await? && self.frames.is_empty() {
                self.wait().await;
            }
        }
    }

    /// Whether this is still the same login with the same rights.
    async fn check_again(&mut self) -> Option<()> {
        self.checked = Instant::now();
        // A login that has ended closes the stream; the client learns why when it connects again.
        let caller = caller::authenticate(&self.state, &self.caller.credential).await.ok()?;
        let rights = Rights::load(&self.state, &caller).await.ok()?;
        if rights != *self.viewer.rights {
            self.resync("permissions");
        }
        Some(())
    }

    fn resync(&mut self, reason: &str) {
        self.frames.push_back(control("resync", &json!({ "reason": reason })));
        self.is_over = true;
    }

    /// Reads the next events. `false` when there were none; `None` when the log cannot be read.
    async fn read(&mut self) -> Option<bool> {
        let (workspace_id, cursor, viewer) = (self.caller.workspace_id, self.cursor, self.viewer.clone());
        let read = self.state.store.read::<_, StoreError, _>(move |tx| {
            let mut events = tx.events_since(workspace_id, cursor, BATCH)?;
            let whole = events.iter().zip(cursor + 1..).all(|(event, expected)| event.seq == expected);
            let is_complete = if whole { Completeness::Complete } else { Completeness::Gap };
            let reached = events.last().map_or(cursor, |event| event.seq);
            coalesce(&mut events);
            let mut viewer = viewer.clone();
            let mut visible = Vec::new();
            let mut sessions = Sessions::new();
            for event in events {
                visible.extend(viewer.look(tx, workspace_id, event, &mut sessions)?);
            }
            Ok(Batch { visible, cursor: reached, changes: viewer.changed(), is_complete })
        });
        let batch = match read.await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(%error, "an event stream ends: the log cannot be read");
                return None;
            }
        };
        if batch.is_complete == Completeness::Gap {
            self.resync("retention");
            return Some(true);
        }
        let moved = batch.cursor > self.cursor;
        self.cursor = batch.cursor;
        self.viewer.keep(batch.changes);
        self.frames.extend(batch.visible.iter().map(frame));
        Some(moved)
    }

    /// Waits for a wake-up, the poll interval or the shutdown, and adds a heartbeat when it is time for one.
    async fn wait(&mut self) {
        if self.last_frame.elapsed() >= HEARTBEAT {
            self.frames.push_back(control("heartbeat", &json!({ "seq": self.cursor })));
            return;
        }
        let workspace_id = self.caller.workspace_id;
        let wanted = move |wake| wake == Wake::Events(workspace_id);
        tokio::select! {
            () = self.listener.until(POLL, wanted) => {}
            () = self.state.shutdown.cancelled() => {}
        }
    }
}

/// Progress that a later event of the batch overtakes is left out: the client asks for the figures anyway. So is what
/// changed about a conversation before, since each event shows its newest state.
fn coalesce(events: &mut Vec<Event>) {
    let mut latest = HashSet::new();
    let mut kept: Vec<Event> = Vec::with_capacity(events.len());
    for event in events.drain(..).rev() {
        let is_overtaken = matches!(event.kind.as_str(), "campaign.progress" | "import.progress" | "session.updated");
        if !is_overtaken || latest.insert((event.kind.clone(), event.entity_id.clone())) {
            kept.push(event);
        }
    }
    kept.reverse();
    *events = kept;
}

fn frame(visible: &Visible) -> Frame {
    let Visible(event) = visible;
    let data = json!({
        "seq": event.seq,
        "type": event.kind,
        "at": event.at,
        "entity": event.entity,
        "entity_id": event.entity_id,
        "data": event.data,
    });
    Frame::default().id(event.seq.to_string()).event(&event.kind).data(data.to_string())
}

fn control(name: &str, data: &serde_json::Value) -> Frame {
    Frame::default().event(name).data(data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_model::Timestamp;

    fn event(seq: i64, kind: &str, entity_id: &str) -> Event {
        Event {
            seq,
            kind: kind.to_owned(),
            entity: "campaign".to_owned(),
            entity_id: entity_id.to_owned(),
            audience: None,
            data: json!({}),
            at: Timestamp(0),
        }
    }

    #[test]
    fn only_progress_is_coalesced_and_the_latest_stays() {
        let mut events = vec![
            event(1, "campaign.progress", "a"),
            event(2, "campaign.updated", "a"),
            event(3, "campaign.progress", "b"),
            event(4, "campaign.updated", "a"),
            event(5, "campaign.progress", "a"),
        ];
        coalesce(&mut events);
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }
}
