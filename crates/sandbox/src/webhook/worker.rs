//! Posts the queued webhooks, one after the other unless a fault knob allows more at a time.

use super::queue::{Attempt, Outcome, Pick, Target};
use super::wire;
use crate::core::Core;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How long webhooks are gathered before a random one is chosen, when they are to be reordered (machine time).
const GATHER: Duration = Duration::from_millis(30);

/// Runs until shutdown.
pub(crate) async fn run(core: Arc<Core>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        let next_due = loop {
            let (limit, taken) = core.with(|state| {
                let limit = usize::from(state.faults.webhook_concurrency.max(1));
                let attempt = (under_way.len() < limit).then(|| state.take_webhook(Pick::Due)).flatten();
                (limit, attempt)
            });
            match taken {
                Some(attempt) => under_way.push(attempt_and_settle(core.clone(), attempt)),
                None => {
                    break core.with(|state| {
                        let waits = state.clock.is_real() && !state.faults.webhook_hold;
                        let due = state.webhooks.next_due().filter(|_| waits && under_way.len() < limit)?;
                        u64::try_from(due - state.now()).ok()
                    });
                }
            }
        };
        let timer = async {
            match next_due {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms.max(1))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = core.shutdown.cancelled() => return,
            Some(_) = under_way.next(), if !under_way.is_empty() => {}
            () = timer => {}
            () = core.webhook_wake.notified() => {
                if under_way.is_empty() && core.with(|state| state.faults.webhook_reorder) {
                    tokio::time::sleep(GATHER).await;
                }
            }
        }
    }
}

/// Delivers everything that is queued or held now, each once. Returns how many were acknowledged and how many were not.
pub(crate) async fn flush(core: &Arc<Core>) -> (u64, u64) {
    let mut tried = HashSet::new();
    let (mut delivered, mut failed) = (0, 0);
    loop {
        if let Some(attempt) = core.with(|state| state.take_webhook(Pick::AllBut(&tried))) {
            tried.extend(attempt.ids.iter().copied());
            let count = attempt.ids.len() as u64;
            match attempt_and_settle(core.clone(), attempt).await {
                Outcome::Acknowledged => delivered += count,
                Outcome::Failed => failed += count,
            }
        } else if core.with(|state| state.webhooks.in_flight() == 0) {
            return (delivered, failed);
        } else {
            // The worker has one under way; its end is announced, and looked for again in any case.
            let _ = tokio::time::timeout(Duration::from_millis(20), core.webhook_settled.notified()).await;
        }
    }
}

/// Waits until these webhooks are acknowledged, at most `limit`.
pub(crate) async fn acknowledged(core: &Core, ids: &[u64], limit: Duration) {
    let all = async {
        while core.with(|state| ids.iter().any(|id| state.webhooks.contains(*id))) {
            let _ = tokio::time::timeout(Duration::from_millis(20), core.webhook_settled.notified()).await;
        }
    };
    // After the limit the answer leaves anyway: a receiver that is down must not hold up the sender for ever.
    let _ = tokio::time::timeout(limit, all).await;
}

async fn attempt_and_settle(core: Arc<Core>, attempt: Attempt) -> Outcome {
    let outcome = if attempt.lost {
        Outcome::Failed
    } else {
        let right = match attempt.target {
            Target::Graph | Target::Number => &core.config.app_secret,
            Target::Twilio(_) => &core.config.twilio_auth_token,
        };
        let secret = if attempt.wrong_signature { "not-the-secret" } else { right };
        let body = attempt.body.to_string();
        let answered = match attempt.target {
            Target::Graph | Target::Number => {
                let signature = wire::signature(secret, body.as_bytes());
                post(&core, &attempt.url, body, Some(signature)).await
            }
            Target::Twilio(_) => post_form(&core, &attempt.url, body, secret).await,
        };
        match answered {
            Some(200) => Outcome::Acknowledged,
            _ => Outcome::Failed,
        }
    };
    core.with(|state| attempt.ids.iter().for_each(|id| state.settle_webhook(*id, outcome)));
    core.webhook_settled.notify_waiters();
    outcome
}

/// Posts a body as the platform does. `None` when there was no answer.
pub(crate) async fn post(core: &Core, url: &str, body: String, signature: Option<String>) -> Option<u16> {
    let mut request = core
        .http
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "facebookexternalua")
        .body(body);
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    answered(request).await
}

/// Posts a form as Twilio does.
async fn post_form(core: &Core, url: &str, body: String, token: &str) -> Option<u16> {
    let signature = wire::form_signature(token, url, body.as_bytes());
    let request = core
        .http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("user-agent", "TwilioProxy/1.1")
        .header("x-twilio-signature", signature)
        .body(body);
    answered(request).await
}

async fn answered(request: reqwest::RequestBuilder) -> Option<u16> {
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            // Reading to the end lets the connection be used again.
            let _ = response.bytes().await;
            Some(status)
        }
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "a webhook was not answered");
            None
        }
    }
}
