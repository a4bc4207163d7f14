//! The event log: what happened, in commit order, for screens, webhooks and statistics.
//!
//! Events are collected in the transaction and appended at its very end, so that on PostgreSQL the row that hands out
//! the sequence is locked for the shortest time. Because that lock is held until the commit, a lower number is always
//! visible before a higher one: a reader that has seen `seq` has seen everything up to it.
//!
//! What a customer writes changes a conversation with every message, and most of it is never looked at by anyone who
//! watches events. So events of conversations only name the session and the message ([`NewEvent::of_session`],
//! [`NewEvent::of_message`]); what screens show of them is read when somebody watches ([`Tx::complete`]). That is then the
//! newest state, never an older one than that of the event, and nothing personal is in the log. So it is with offers, which
//! are shown while they are open.

use std::collections::{HashMap, hash_map::Entry};

use segue_model::{MessageId, OfferId, SessionId, Timestamp, UserId, WorkspaceId, routing::OfferState, wake::Wake};
use serde_json::{Value, json};

use crate::{REMOVED_AT_ONCE, StoreError, Tx, built::Dialect, tx::json_text};

/// An event to append.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Such as `message.created`.
    pub kind: &'static str,
    /// Such as `session`.
    pub entity: &'static str,
    /// The entity's id in its shown form.
    pub entity_id: String,
    /// Only this user sees it; everyone who may see the entity when `None`.
    pub audience: Option<UserId>,
    pub data: Value,
    pub at: Timestamp,
}

impl NewEvent {
    /// Something happened to a conversation.
    #[must_use]
    pub fn of_session(kind: &'static str, id: SessionId, at: Timestamp) -> Self {
        Self { kind, entity: "session", entity_id: id.to_string(), audience: None, data: json!({}), at }
    }

    /// A new entry in a conversation.
    #[must_use]
    pub fn of_message(session_id: SessionId, id: MessageId, at: Timestamp) -> Self {
        Self { data: json!({ "message_id": id }), ..Self::of_session("message.created", session_id, at) }
    }

    /// An entry of a conversation says something else now.
    #[must_use]
    pub fn of_changed_message(session_id: SessionId, id: MessageId, at: Timestamp) -> Self {
        Self { data: json!({ "message_id": id }), ..Self::of_session("message.updated", session_id, at) }
    }
}

/// What events of conversations were completed with, for the events of one batch.
pub type Sessions = HashMap<SessionId, Value>;

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub seq: i64,
    pub kind: String,
    pub entity: String,
    pub entity_id: String,
    pub audience: Option<UserId>,
    pub data: Value,
    pub at: Timestamp,
}

crate::sql! {
    TAKE_SEQUENCE = "UPDATE event_sequences SET seq = seq + $2 WHERE workspace_id = $1 RETURNING seq";
    ADD_TO_SEQUENCE = "UPDATE event_sequences SET seq = seq + $2 WHERE workspace_id = $1";
    SEQUENCE = "SELECT seq FROM event_sequences WHERE workspace_id = $1";
    INSERT_EVENT = "INSERT INTO events (workspace_id, seq, kind, entity, entity_id, audience, data, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    EVENTS_SINCE = "SELECT seq, kind, entity, entity_id, audience, data, at FROM events
        WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    EVENT_BOUNDS = "SELECT COALESCE((SELECT MIN(seq) FROM events WHERE workspace_id = $1), 0), seq
        FROM event_sequences WHERE workspace_id = $1";
    /// From the first one on: those that are kept are not looked at.
    DELETE_EVENTS_BEFORE = "DELETE FROM events WHERE workspace_id = $1 AND at < $2 AND seq IN (
        SELECT e.seq FROM events e WHERE e.workspace_id = $1 ORDER BY e.seq LIMIT $3)";
}

/// Writes what the transaction collected: events, tallies and volumes. Called by the executors just before the commit.
pub(crate) fn append(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    crate::tally::write(tx)?;
    crate::volume::write(tx)?;
    let mut events = std::mem::take(&mut tx.events);
    // One order for all transactions, so that two of them cannot wait for each other's workspaces.
    events.sort_by_key(|(workspace_id, _)| *workspace_id);
    for group in events.chunk_by(|a, b| a.0 == b.0) {
        let workspace_id = group[0].0;
        let count = group.len() as i64;
        let last = take_sequence(tx, workspace_id, count)?
            .ok_or_else(|| StoreError::Statement("an event for a workspace that does not exist".to_owned()))?;
        for (offset, (_, event)) in (0_i64..).zip(group) {
            let seq = last - count + 1 + offset;
            let data = json_text(&event.data)?;
            tx.execute(
                &INSERT_EVENT,
                &[&workspace_id, &seq, &event.kind, &event.entity, &event.entity_id, &event.audience, &data, &event.at],
            )?;
        }
        tx.wake(Wake::Events(workspace_id));
    }
    Ok(())
}

/// The number of the last of `count` more events; `None` when there is no such workspace.
fn take_sequence(tx: &mut Tx<'_>, workspace_id: WorkspaceId, count: i64) -> Result<Option<i64>, StoreError> {
    if tx.dialect() == Dialect::Postgres {
        return tx.query_opt(&TAKE_SEQUENCE, &[&workspace_id, &count], |row| row.next());
    }
    // Nobody else writes meanwhile, and SQLite makes a table of what is given back each time (`docs/adr/0008`).
    tx.execute(&ADD_TO_SEQUENCE, &[&workspace_id, &count])?;
    tx.query_opt(&SEQUENCE, &[&workspace_id], |row| row.next())
}

impl Tx<'_> {
    /// Events after `seq`, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn events_since(&mut self, workspace_id: WorkspaceId, seq: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
        self.query(&EVENTS_SINCE, &[&workspace_id, &seq, &limit], |row| {
            Ok(Event {
                seq: row.next()?,
                kind: row.next()?,
                entity: row.next()?,
                entity_id: row.next()?,
                audience: row.next()?,
                data: row.json()?,
                at: row.next()?,
            })
        })
    }

    /// Adds to an event of a conversation what screens show: `session`, and the `message` of a new entry; to that of an
    /// offer the `offer`. `false` when the conversation or the entry is gone, or the offer no longer open. Other events are
    /// complete.
    ///
    /// # Errors
    /// When the store fails.
    pub fn complete(
        &mut self,
        workspace_id: WorkspaceId,
        event: &mut Event,
        sessions: &mut Sessions,
    ) -> Result<bool, StoreError> {
        if event.kind == "offer.created" && event.data.get("offer").is_none() {
            return self.complete_offer(workspace_id, event);
        }
        let is_named =
            matches!(event.kind.as_str(), "message.created" | "message.updated") || event.kind.starts_with("session.");
        let is_whole = event.data.get("session").is_some();
        let (Ok(session_id), true) = (event.entity_id.parse::<SessionId>(), is_named && !is_whole) else {
            return Ok(true);
        };
        let session = match sessions.entry(session_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let Some(session) = self.session_view(workspace_id, session_id)? else { return Ok(false) };
                place.insert(json!(session))
            }
        };
        event.data = match event.data["message_id"].as_str().map(str::parse::<MessageId>) {
            None => json!({ "session": session }),
            Some(message_id) => {
                let Ok(message_id) = message_id else { return Ok(false) };
                let Some(message) = self.message_view(workspace_id, session_id, message_id)? else { return Ok(false) };
                json!({ "message": message, "session": session })
            }
        };
        Ok(true)
    }

    fn complete_offer(&mut self, workspace_id: WorkspaceId, event: &mut Event) -> Result<bool, StoreError> {
        let Ok(id) = event.entity_id.parse::<OfferId>() else { return Ok(false) };
        let offer = self.offer(workspace_id, id)?.filter(|offer| offer.state == OfferState::Pending);
        let Some(offer) = offer else { return Ok(false) };
        let Some(view) = self.offer_view(workspace_id, offer)? else { return Ok(false) };
        event.data = json!({ "offer": view });
        Ok(true)
    }

    /// The oldest sequence still in the log (0 when it is empty) and the newest one given out.
    ///
    /// # Errors
    /// When the store fails or there is no such workspace.
    pub fn event_bounds(&mut self, workspace_id: WorkspaceId) -> Result<(i64, i64), StoreError> {
        self.query_one(&EVENT_BOUNDS, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))
    }

    /// Removes events older than `before`, at most [`REMOVED_AT_ONCE`]; clients that are further back are asked to start afresh.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_events_before(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_EVENTS_BEFORE, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }
}
