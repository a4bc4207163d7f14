//! Tells programs what becomes of the messages they sent in Twilio's dialect: signed status callbacks.
//!
//! # Why a crash at each point is safe
//! A wish to be told is a row, and what was told last stands in it. A callback is claimed by moving its time ahead; it is
//! sent, and only then the row says so. A crash in between lets the time pass, and it is told again: programs that listen
//! to Twilio know repeats. Only the newest state is told, so a slow listener never falls behind.

use std::time::Duration;

use segue_access::twilio_account;
use segue_channels::{
    http::{HttpLimits, HttpSetupError},
    outgoing::{OutgoingClient, Reach},
    twilio::signature,
};
use segue_model::{Ctx, delivery::OutboxState, time};
use segue_store::{
    Store, StoreError,
    direct_message::{DirectMessageView, DueCallback},
};

use super::message;

/// Callbacks on their way at once.
const AT_ONCE: u32 = 32;
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
const LIMITS: HttpLimits = HttpLimits { connect: Duration::from_secs(5), request: Duration::from_secs(10) };

/// Sends status callbacks.
pub struct StatusCallbacks {
    store: Store,
    ctx: Ctx,
    client: OutgoingClient,
}

/// A callback with all that it says.
struct Told {
    callback: DueCallback,
    view: DirectMessageView,
    state: OutboxState,
    token: String,
}

impl StatusCallbacks {
    /// `reach` says how far callbacks may go.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(store: Store, ctx: Ctx, reach: Reach) -> Result<Self, HttpSetupError> {
        Ok(Self { store, ctx, client: OutgoingClient::new(LIMITS, reach)? })
    }

    /// Tells what is due now. Gives how many were tried.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let (ctx, now) = (self.ctx.clone(), self.ctx.now());
        // Nothing to do is the usual case: it costs one read.
        let due = self.store.read(move |tx| tx.has_due_callbacks(now)).await?;
        if !due {
            return Ok(0);
        }
        let claimed = self
            .store
            .write(move |tx| {
                let mut all = Vec::new();
                for callback in tx.claim_callbacks(AT_ONCE, now, now.plus(CLAIMED_FOR))? {
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
                Ok::<_, StoreError>(all)
            })
            .await?;
        let count = claimed.len();
        futures::future::join_all(claimed.into_iter().map(|told| self.tell(told))).await;
        Ok(count)
    }

    async fn tell(&self, told: Told) {
        let taken = self.post(&told).await;
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
    }

    /// Whether somebody took it. 5xx, 429 and silence are worth another try; every other answer is one.
    async fn post(&self, told: &Told) -> bool {
        let account_sid = twilio_account::account_sid(told.callback.api_key_id);
        let fields = message::callback_fields(&account_sid, &told.view);
        let signature = signature::sign(&told.token, &told.callback.url, &fields);
        let request = match self.client.post(&told.callback.url) {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(message_id = %told.view.id, %error, "a status callback goes nowhere");
                return true;
            }
        };
        let sent = request
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header(signature::SIGNATURE_HEADER, signature)
            .body(segue_channels::twilio::form_body(&fields))
            .send()
            .await;
        let outcome = match &sent {
            Ok(response) if response.status().is_server_error() || response.status().as_u16() == 429 => "refused",
            Ok(_) => "taken",
            Err(_) => "no_answer",
        };
        metrics::counter!("segue_status_callbacks_total", "outcome" => outcome).increment(1);
        outcome == "taken"
    }
}
