//! The worker of a WhatsApp number: sends what is due, a customer's messages one after the other.
//!
//! Several nodes may serve one number: each message is claimed by one of them. The claim gives only the oldest message
//! of a session that has not left, so a conversation stays in order.

use std::time::Duration;

use segue_channels::{
    ErrorClass,
    http::HttpSetupError,
    whatsapp::{GraphClient, GraphFailure, Outbound, Recipient, SendMeta, SendOutcome, errors::Act},
};
use segue_model::content::Content;
use segue_store::{
    channel::{Channel, ChannelState, WhatsAppConfig},
    outbox::OutboxMessage,
    submission::{Cost, Failure},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    channel_state, client,
    settle::{Outcome, settle},
    sms::recover,
    submission::{Begin, begin},
    supervisor::Env,
    templates, translate,
    window::{MESSAGE_LEASE, Window},
};

/// Messages on the wire at once.
const AT_ONCE: usize = 16;
/// How often unfinished messages of nodes that are gone are looked for.
const RECOVER_EVERY: Duration = Duration::from_secs(15);
/// How often the number and its templates are looked at; webhooks tell of changes in between.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// How long nothing is sent after an answer that needs an administrator.
const ALARM_PAUSE: Duration = Duration::from_secs(30);

/// Runs until `stop`.
pub(crate) async fn run(env: Env, channel: Channel, config: WhatsAppConfig, stop: CancellationToken) {
    let client = match client::client(&config) {
        Ok(client) => client,
        Err(error) => {
            let error: HttpSetupError = error;
            channel_state::set(&env, &channel, ChannelState::Error, Some(error.to_string())).await;
            return;
        }
    };
    recover(&env, &channel, Some(&env.node)).await;
    let (gate, open) = watch::channel(true);
    let (alarm, mut alarms) = mpsc::channel(1);
    let window = Window { env: &env, channel: &channel, size: AT_ONCE, open, stop: &stop };
    let sending = window.run(|message| {
        let (alarm, sent) = (alarm.clone(), send(&env, &channel, &client, message));
        async move {
            if sent.await {
                // One alarm is enough; a full channel holds one.
                let _ = alarm.try_send(());
            }
        }
    });
    let watching = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut recovery = tokio::time::interval(RECOVER_EVERY);
        loop {
            tokio::select! {
                _ = looks.tick() => look(&env, &channel, &client).await,
                _ = recovery.tick() => recover(&env, &channel, None).await,
                Some(()) = alarms.recv() => {
                    gate.send_replace(false);
                    tokio::time::sleep(ALARM_PAUSE).await;
                    look(&env, &channel, &client).await;
                    gate.send_replace(true);
                }
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = watching => {}
    }
}

/// Asks WhatsApp about the number, stores what it says as the channel's state, and takes the templates over.
async fn look(env: &Env, channel: &Channel, client: &GraphClient) {
    let (state, detail) = match client.phone_number().await {
        Ok(_) => {
            if let Err(error) = templates::sync(&env.store, &env.ctx, channel).await {
                tracing::warn!(%error, channel_id = %channel.id, "the templates could not be read");
            }
            (ChannelState::Connected, None)
        }
        Err(error) if error.act() == Act::Alert => (ChannelState::Error, Some(error.to_string())),
        Err(error) => (ChannelState::Disconnected, Some(error.to_string())),
    };
    channel_state::set(env, channel, state, detail).await;
}

/// What is ready to leave: prepared before the decision, so that its failure is certainly a failure.
struct Prepared {
    recipient: Recipient,
    outbound: Outbound,
}

/// Sends one message. `true` when the answer needs an administrator and sending should pause.
async fn send(env: &Env, channel: &Channel, client: &GraphClient, message: OutboxMessage) -> bool {
    let prepared = prepare(env, client, &message).await;
    let (ctx, own_channel, own) = (env.ctx.clone(), channel.clone(), message.clone());
    let begun = env.store.write(move |tx| begin(tx, &ctx, &own_channel, &own, ctx.now().plus(MESSAGE_LEASE))).await;
    match begun {
        Ok(Begin::Go) => {}
        Ok(Begin::No) => return false,
        Err(error) => {
            // Nothing has left; the claim runs out and the message is queued again.
            tracing::error!(%error, message_id = %message.id, "a message could not be begun");
            return false;
        }
    }
    let (outcome, alarm) = match prepared {
        Ok(Prepared { recipient, outbound }) => {
            let meta = SendMeta { reply_to: None, callback_data: Some(message.id.to_string()) };
            outcome(client.send(&recipient, &outbound, &meta).await)
        }
        Err(failed) => (failed, false),
    };
    metrics::counter!("segue_submissions_total", "kind" => "whatsapp").increment(1);
    settle(env, &message, outcome).await;
    alarm
}

async fn prepare(env: &Env, client: &GraphClient, message: &OutboxMessage) -> Result<Prepared, Outcome> {
    let refused = |class: ErrorClass, reason: String| {
        Outcome::Refused(Failure { class: class.as_str().to_owned(), code: None, reason })
    };
    let content: Content = message.content().map_err(|_| {
        refused(ErrorClass::ContentInvalid, "The message cannot be read, so nothing was sent.".to_owned())
    })?;
    let recipient =
        translate::recipient(message).map_err(|error| refused(ErrorClass::InvalidRecipient, error.to_string()))?;
    let outbound = translate::outbound(env, client, message, content).await.map_err(|error| {
        let failure = Failure { class: "content_invalid".to_owned(), code: None, reason: error.to_string() };
        match &error {
            crate::DeliveryError::Store(_) | crate::DeliveryError::Graph(GraphFailure::NoAnswer(_)) => {
                Outcome::not_sent(failure, ErrorClass::ProviderDown, None)
            }
            // An answer: it may be another one later, but a file that WhatsApp never takes must not be sent every second.
            crate::DeliveryError::Graph(_) => Outcome::NotSent { failure, wait: None, cost: Cost::Attempt },
            _ => Outcome::Refused(failure),
        }
    })?;
    outbound.validate().map_err(|error| refused(ErrorClass::ContentInvalid, error.to_string()))?;
    Ok(Prepared { recipient, outbound })
}

fn outcome(outcome: SendOutcome) -> (Outcome, bool) {
    let failure = |class: ErrorClass, code: Option<i64>, reason: String| Failure {
        class: class.as_str().to_owned(),
        code: code.map(|code| code.to_string()),
        reason,
    };
    match outcome {
        SendOutcome::Accepted { wamid, .. } => (Outcome::Accepted(vec![wamid]), false),
        SendOutcome::NotSent { class, code, act, retry_after, reason } => {
            (Outcome::not_sent(failure(class, code, reason), class, retry_after), act == Act::Alert)
        }
        SendOutcome::Refused { class, code, reason } => (Outcome::Refused(failure(class, code, reason)), false),
        SendOutcome::Unknown { reason } => (Outcome::Unknown { reason, provider_ids: Vec::new() }, false),
    }
}
