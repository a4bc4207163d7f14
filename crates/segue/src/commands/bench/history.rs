//! Conversations of the past for `segue bench webhooks --stored`, and what it costs to look into them.
//!
//! They are written straight into the store, many in a transaction, since only what comes after them is measured: a
//! hundred messages a conversation, three conversations a customer, over the last year. Their words are made up of a
//! vocabulary in which, as in a language, few words are very common. The search is filled by the worker that always does.

use std::time::{Duration, Instant};

use anyhow::bail;
use segue_channels::http::{HttpLimits, http_client};
use segue_model::{
    Ctx, MessageId, MessagingUserId, SessionId, Timestamp, WorkspaceId, role::Role, session::SessionState, time,
};
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    message::{AuthorKind, Direction, MessageContent, MessageKind, NewMessage},
    messaging_user::{Identifier, IdentifierKind, MessagingUser},
};

use super::{poster::quantile, setup::rounded};
use crate::server::Server;

const MESSAGES_OF_SESSION: u64 = 100;
const SESSIONS_OF_CUSTOMER: u64 = 3;
/// Conversations written in one transaction.
const SESSIONS_TOGETHER: u64 = 20;
/// Different words.
const WORDS: u64 = 4_096;
const WORDS_OF_MESSAGE: u64 = 8;
/// Most pages of conversations that are read: one for five messages.
const PAGES: u64 = 2_000;
/// Most searches: one for ten messages.
const SEARCHES: u64 = 400;
/// How long the search may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What looking into the past took, over HTTP, one request after the other.
#[derive(Debug, serde::Serialize)]
pub(super) struct Looks {
    /// Messages that were there before.
    stored_before: u64,
    page_p50_ms: f64,
    page_p99_ms: f64,
    search_p50_ms: f64,
    search_p99_ms: f64,
}

impl std::fmt::Display for Looks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "beside {} messages of the past: a page within {:.2} ms (half) and {:.2} ms (99 of 100), a search within {:.2} \
             and {:.2} ms",
            self.stored_before, self.page_p50_ms, self.page_p99_ms, self.search_p50_ms, self.search_p99_ms
        )
    }
}

/// The past that was written.
pub(super) struct History {
    sessions: Vec<SessionId>,
    messages: u64,
}

impl History {
    /// How many of its messages came from customers.
    pub(super) const fn inbound(&self) -> u64 {
        self.messages / 2
    }
}

/// Writes `messages` messages and waits until the search has them.
///
/// # Errors
/// When the store fails, or the search does not get on.
pub(super) async fn fill(server: &Server, ctx: &Ctx, channel: &Channel, messages: u64) -> anyhow::Result<History> {
    let sessions = messages.div_ceil(MESSAGES_OF_SESSION);
    let mut history = History { sessions: Vec::new(), messages: sessions * MESSAGES_OF_SESSION };
    let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
    let now = ctx.now();
    for first in (0..sessions).step_by(usize::try_from(SESSIONS_TOGETHER)?) {
        let ids: Vec<SessionId> = (first..sessions.min(first + SESSIONS_TOGETHER)).map(|_| ctx.id()).collect();
        history.sessions.extend(&ids);
        let ctx = ctx.clone();
        server
            .store()
            .write::<_, StoreError, _>(move |tx| {
                for (number, id) in (first..).zip(&ids) {
                    let age = time::DAY * 365 * (sessions - number) as i64 / sessions as i64;
                    let place = Conversation { workspace_id, channel_id, number, id: *id, at: now.plus(-age) };
                    place.write(tx, &ctx)?;
                }
                Ok(())
            })
            .await?;
    }
    server.store().write::<_, StoreError, _>(move |tx| tx.add_all_to_search(workspace_id)).await?;
    let (mut left, mut changed) = (u64::MAX, Instant::now());
    loop {
        let tasks = server.store().read::<_, StoreError, _>(move |tx| tx.count_search_tasks(workspace_id)).await?;
        if tasks == 0 {
            return Ok(history);
        }
        if tasks != left {
            (left, changed) = (tasks, Instant::now());
        }
        if changed.elapsed() > PATIENCE {
            bail!("{tasks} conversations are not in the search and none is added any more");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Reads pages of conversations and searches, as an administrator's program does.
///
/// # Errors
/// When a request is refused.
pub(super) async fn look(server: &Server, ctx: &Ctx, channel: &Channel, history: &History) -> anyhow::Result<Looks> {
    let (_, key) =
        segue_access::create_key(server.store(), ctx, channel.workspace_id, "Benchmark", Role::Admin).await?;
    let (client, base) = (http_client(HttpLimits::default())?, format!("http://{}/api/v1", server.address()));
    let get = async |path: String| {
        let started = Instant::now();
        let answer = client.get(format!("{base}{path}")).bearer_auth(&key).send().await?.error_for_status()?;
        let body: serde_json::Value = answer.json().await?;
        let took = started.elapsed();
        Ok::<_, reqwest::Error>((took, body["data"].as_array().map_or(0, Vec::len)))
    };
    let mut chance = Chance(0x5eed);
    let (mut pages, mut searches) = (Vec::new(), Vec::new());
    for _ in 0..PAGES.min(history.messages / 5) {
        let session = history.sessions[usize::try_from(chance.next() % history.sessions.len() as u64)?];
        let (took, found) = get(format!("/sessions/{session}/messages")).await?;
        if found == 0 {
            bail!("a conversation without messages");
        }
        pages.push(took);
    }
    let mut hits = 0;
    for _ in 0..SEARCHES.min(history.messages / 10) {
        // One word, or two; the last one not always finished.
        let words = [chance.word(), chance.word()];
        let text = if chance.next().is_multiple_of(2) { words.join("%20") } else { words[0].clone() };
        let end = if chance.next().is_multiple_of(2) { text.len() } else { text.len() - 1 };
        let (took, found) = get(format!("/message-search?q={}", &text[..end])).await?;
        hits += found;
        searches.push(took);
    }
    if hits == 0 {
        bail!("the search finds nothing");
    }
    pages.sort_unstable();
    searches.sort_unstable();
    let milliseconds = |waits: &[Duration], part| rounded(quantile(waits, part).as_secs_f64() * 1e3);
    Ok(Looks {
        stored_before: history.messages,
        page_p50_ms: milliseconds(&pages, 0.5),
        page_p99_ms: milliseconds(&pages, 0.99),
        search_p50_ms: milliseconds(&searches, 0.5),
        search_p99_ms: milliseconds(&searches, 0.99),
    })
}

/// A conversation of the past.
struct Conversation {
    workspace_id: WorkspaceId,
    channel_id: segue_model::ChannelId,
    number: u64,
    id: SessionId,
    at: Timestamp,
}

impl Conversation {
    fn write(&self, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), StoreError> {
        let mut chance = Chance(self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let user_id = self.customer(tx, ctx)?;
        tx.open_session(self.workspace_id, self.id, self.channel_id, user_id, self.at)?;
        for number in 0..MESSAGES_OF_SESSION {
            let is_inbound = number.is_multiple_of(2);
            let message = NewMessage {
                id: ctx.id::<MessageId>(),
                session_id: self.id,
                channel_id: self.channel_id,
                direction: if is_inbound { Direction::Inbound } else { Direction::Outbound },
                author: if is_inbound { AuthorKind::Customer } else { AuthorKind::Bot },
                author_id: None,
                kind: MessageKind::Text,
                content: MessageContent::default(),
                text: (0..WORDS_OF_MESSAGE).map(|_| chance.word()).collect::<Vec<_>>().join(" "),
                provider_id: Some(format!("wamid.PAST{:016X}{number:04X}", self.number)),
                client_id: None,
                at: self.at.plus(number as i64 * time::MINUTE),
            };
            tx.insert_message(self.workspace_id, &message)?;
        }
        let mut session = tx
            .session_to_change(self.workspace_id, self.id)?
            .ok_or_else(|| StoreError::Corrupt("a conversation that was just written is gone".to_owned()))?;
        session.state = SessionState::Ended;
        session.last_at = self.at.plus(MESSAGES_OF_SESSION as i64 * time::MINUTE);
        session.ended_at = Some(session.last_at);
        tx.save_session(self.workspace_id, &mut session)
    }

    fn customer(&self, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<MessagingUserId, StoreError> {
        let digits = (15_560_000_000 + self.number / SESSIONS_OF_CUSTOMER).to_string();
        let identifier = Identifier { kind: IdentifierKind::WaId, value: digits };
        if let Some(known) = tx.messaging_user_of(self.workspace_id, self.channel_id, &identifier)? {
            return Ok(known);
        }
        let user = MessagingUser {
            id: ctx.id(),
            channel_id: self.channel_id,
            profile_name: Some("Sheena Nelson".to_owned()),
            username: None,
            contact_id: None,
            lead_id: None,
            linked_by: None,
            last_inbound_at: Some(self.at),
            blocked_at: None,
            created_at: self.at,
            version: 1,
        };
        tx.insert_messaging_user(self.workspace_id, &user)?;
        tx.insert_identifier(self.workspace_id, self.channel_id, &identifier, user.id)?;
        Ok(user.id)
    }
}

/// Chance that is the same in every run (xorshift64*, Vigna 2016).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A word; the first of the vocabulary are far more common than the last.
    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] =
            ["ba", "co", "di", "fu", "ga", "ho", "ji", "ku", "la", "mo", "ni", "pu", "ra", "so", "ti", "vu"];
        let (a, b) = (self.next() % WORDS, self.next() % WORDS);
        let number = usize::try_from(a * b / WORDS).unwrap_or_default();
        [number / 256, number / 16 % 16, number % 16].map(|syllable| SYLLABLES[syllable % 16]).concat()
    }
}
