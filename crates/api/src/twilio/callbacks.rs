//! Tells programs what becomes of the messages they sent in Twilio's dialect: signed status callbacks.
//!
//! # Why a crash at each point is safe
//! A wish to be told is a row, and what was told last stands in it. A callback is claimed by moving its time ahead; it is
//! sent, and only then the row says so. A crash in between lets the time pass, and it is told again: programs that listen
//! to Twilio know repeats. Only the newest state is told, so a slow listener never falls behind.
//!
//! A listener that is slow, or does not answer, keeps nobody else waiting: few callbacks of one key are on their way to one
//! place at once, and what is due there rests for a while after one that had no answer.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use segue_access::twilio_account;
use segue_channels::{
    http::{HttpLimits, HttpSetupError},
    outgoing::{OutgoingClient, Reach},
    twilio::signature,
};
use segue_model::{ApiKeyId, Ctx, WorkspaceId, delivery::OutboxState, time};
use segue_store::{
    Store, StoreError,
    direct_message::{DirectMessageView, DueCallback},
};

use tokio::time::MissedTickBehavior;

use super::message;

/// Callbacks on their way at once.
const AT_ONCE: usize = 64;
/// Of those, to one place.
const TO_ONE_PLACE: usize = 4;
/// Callbacks that wait in memory for one place; more are put off.
const WAITING: usize = 64;
/// How long the more are put off.
const PUT_OFF: i64 = time::SECOND;
/// How long what is due at an address rests after one that had no answer.
const REST: i64 = 30 * time::SECOND;
/// How soon it is looked for more while callbacks are on their way.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a callback may take before it is tried again.
const CLAIMED_FOR: i64 = time::MINUTE;
/// Milliseconds before a callback that nobody took is tried again. After the last it is given up.
const TRY_AGAIN: &[i64] = &[
    time::SECOND,
    5 * time::SECOND,
    30 * time::SECOND,
    2 * time::MINUTE,
    10 * time::MINUTE,
    time::HOUR,
    6 * time::HOUR,
];
/// A callback has ended by then.
const MOST_TIME: i64 = 20 * time::SECOND;
const LIMITS: HttpLimits = HttpLimits { connect: Duration::from_secs(5), request: Duration::from_secs(10) };

/// Sends status callbacks.
pub struct StatusCallbacks {
    store: Store,
    ctx: Ctx,
    client: OutgoingClient,
}

/// The workspace, the key that asked, and the beginning of the address, as far as the host and port.
type Place = (WorkspaceId, ApiKeyId, String);

/// What came of a callback.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    Refused,
    NoAnswer,
}

/// What one listener has and gets.
#[derive(Default)]
struct Listener {
    on_the_way: usize,
    waiting: VecDeque<Told>,
}

/// A callback with all that it says.
struct Told {
    callback: DueCallback,
    view: DirectMessageView,
    state: OutboxState,
    token: String,
}

impl Told {
    fn place(&self) -> Place {
        let host: Vec<_> = self.callback.url.splitn(4, '/').take(3).collect();
        (self.callback.workspace_id, self.callback.api_key_id, host.join("/"))
    }
}

impl StatusCallbacks {
    /// `reach` says how far callbacks may go.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(store: Store, ctx: Ctx, reach: Reach) -> Result<Self, HttpSetupError> {
        Ok(Self { store, ctx, client: OutgoingClient::new(LIMITS, reach)? })
    }

    /// Tells what is due, and what becomes due meanwhile, until nothing is on its way. Gives how many were claimed. To be
    /// given up at any point does no harm.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let mut listeners: HashMap<Place, Listener> = HashMap::new();
        let (mut on_the_way, mut count) = (FuturesUnordered::new(), 0);
        // Whether there may be more that is due, and whether it is time to look all the same.
        let (mut more, mut look) = (true, true);
        let mut looks = tokio::time::interval(LOOK_AGAIN);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let waiting: usize = listeners.values().map(|listener| listener.waiting.len()).sum();
            if on_the_way.len() < AT_ONCE && (look || (more && waiting < AT_ONCE)) {
                let claimed = self.claim().await?;
                count += claimed.len();
                (more, look) = (claimed.len() == AT_ONCE, false);
                let mut too_many = Vec::new();
                for told in claimed {
                    let listener = listeners.entry(told.place()).or_default();
                    if listener.waiting.len() < WAITING {
                        listener.waiting.push_back(told);
                    } else {
                        too_many.push(told.callback);
                    }
                }
                self.put_off(too_many, PUT_OFF).await?;
            }
            let now = self.ctx.now();
            for (place, listener) in &mut listeners {
                while listener.on_the_way < TO_ONE_PLACE
                    && on_the_way.len() < AT_ONCE
                    && let Some(told) = listener.waiting.pop_front()
                {
                    // One that has waited until its claim is about to end is due again soon.
                    if now.plus(MOST_TIME) < told.callback.next_at {
                        listener.on_the_way += 1;
                        let place = place.clone();
                        on_the_way.push(async move { (place, self.tell(told).await) });
                    }
                }
            }
            tokio::select! {
                ended = on_the_way.next() => {
                    let Some((place, outcome)) = ended else {
                        if more {
                            continue;
                        }
                        return Ok(count);
                    };
                    let Some(listener) = listeners.get_mut(&place) else { continue };
                    listener.on_the_way -= 1;
                    if let Some(url) = outcome {
                        let waiting = listener.waiting.drain(..).map(|told| told.callback).collect();
                        self.put_off(waiting, REST).await?;
                        self.rest(place, url).await?;
                    }
                    listeners.retain(|_, listener| listener.on_the_way > 0 || !listener.waiting.is_empty());
                }
                _ = looks.tick() => look = true,
            }
        }
    }

    /// Claims what is due now.
    async fn claim(&self) -> Result<Vec<Told>, StoreError> {
        let (ctx, now) = (self.ctx.clone(), self.ctx.now());
        // Nothing to do is the usual case: it costs one read.
        if !self.store.read(move |tx| tx.has_due_callbacks(now)).await? {
            return Ok(Vec::new());
        }
        let limit = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        self.store
            .write(move |tx| {
                let mut all = Vec::new();
                for callback in tx.claim_callbacks(limit, now, now.plus(CLAIMED_FOR))? {
                    let view = tx.direct_message(callback.workspace_id, callback.message_id)?;
                    let state = tx.outbox_state(callback.workspace_id, callback.message_id)?;
                    let is_live = tx.live_api_key(callback.api_key_id)?.is_some();
                    match (view, state) {
                        (Some(view), Some(state)) if is_live => {
                            let token = twilio_account::auth_token(tx, &ctx, callback.api_key_id)?;
                            all.push(Told { callback, view, state, token });
                        }
                        // The key is revoked: nobody may be told any more.
                        _ => tx.end_callback(callback.workspace_id, callback.message_id)?,
                    }
                }
                Ok(all)
            })
            .await
    }

    async fn put_off(&self, callbacks: Vec<DueCallback>, by: i64) -> Result<(), StoreError> {
        if callbacks.is_empty() {
            return Ok(());
        }
        let now = self.ctx.now();
        self.store.write(move |tx| tx.put_off_callbacks(&callbacks, now, now.plus(by))).await
    }

    async fn rest(&self, (workspace_id, api_key_id, _): Place, url: String) -> Result<(), StoreError> {
        let now = self.ctx.now();
        self.store.write(move |tx| tx.put_off_address(workspace_id, (api_key_id, &url), now, now.plus(REST))).await
    }

    /// Gives the address back when nobody answered there.
    async fn tell(&self, told: Told) -> Option<String> {
        let outcome = self.post(&told).await;
        let taken = outcome == Outcome::Taken;
        let silent = (outcome == Outcome::NoAnswer).then(|| told.callback.url.clone());
        let (callback, state, now) = (told.callback, told.state, self.ctx.now());
        let is_last = message::is_final(told.view.state);
        let noted = self
            .store
            .write(move |tx| match (taken, TRY_AGAIN.get(callback.attempts as usize)) {
                (true, _) if is_last => tx.end_callback(callback.workspace_id, callback.message_id),
                (true, _) => tx.callback_told(&callback, state, now),
                (false, Some(delay)) => tx.callback_later(&callback, now.plus(*delay)),
                (false, None) => tx.end_callback(callback.workspace_id, callback.message_id),
            })
            .await;
        if let Err(error) = noted {
            let error: StoreError = error;
            tracing::error!(%error, "a status callback could not be noted; it is told again");
        }
        silent
    }

    /// What came of it. 5xx, 429 and silence are worth another try; every other answer is one.
    async fn post(&self, told: &Told) -> Outcome {
        let account_sid = twilio_account::account_sid(told.callback.api_key_id);
        let fields = message::callback_fields(&account_sid, &told.view);
        let signature = signature::sign(&told.token, &told.callback.url, &fields);
        let request = match self.client.post(&told.callback.url) {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(message_id = %told.view.id, %error, "a status callback goes nowhere");
                return Outcome::Taken;
            }
        };
        let sent = request
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header(signature::SIGNATURE_HEADER, signature)
            .body(segue_channels::twilio::form_body(&fields))
            .send()
            .await;
        let (outcome, word) = match &sent {
            Ok(response) if response.status().is_server_error() || response.status().as_u16() == 429 => {
                (Outcome::Refused, "refused")
            }
            Ok(_) => (Outcome::Taken, "taken"),
            Err(_) => (Outcome::NoAnswer, "no_answer"),
        };
        metrics::counter!("segue_status_callbacks_total", "outcome" => word).increment(1);
        outcome
    }
}
