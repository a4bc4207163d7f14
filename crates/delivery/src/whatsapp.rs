//! The worker of a WhatsApp number: sends what is due, a customer's messages one after the other.
//!
//! Several nodes may serve one number: each message is claimed by one of them. The claim gives only the oldest message
//! of a session that has not left, so a conversation stays in order.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use segue_channels::{
    ErrorClass,
    bucket::BucketError,
    http::HttpSetupError,
    whatsapp::{
        GraphClient, GraphFailure, MediaError, Outbound, Recipient, SendMeta, SendOutcome, SendPace,
        errors::{Act, Again, again},
        pace,
    },
};
use segue_model::{ChannelId, JobId, SessionId, WorkspaceId, content::Content};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelState, WhatsAppConfig},
    job::NewJob,
    messaging_user::{Identifier, IdentifierKind},
    outbox::{AddressKind, OutboxMessage},
    submission::{Cost, Failure},
    thread::{JOIN_CUSTOMERS, JoinCustomers, Learned},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    DeliveryError, FilesError, alerts, channel_state, client,
    condition::{LOOK_EVERY, RECOVER_EVERY, Silence, Trouble, look},
    settle::{Outcome, settle},
    sms::recover,
    submission::{Begin, begin},
    supervisor::Env,
    translate,
    uploads::{self, Reused},
    window::{MESSAGE_LEASE, Window},
};

/// Messages on the wire at once.
const AT_ONCE: usize = 16;
/// Longest wait for a customer's turn that occupies a place in the window; who waits longer is queued for that time.
const SHORT_WAIT: Duration = Duration::from_secs(10);
/// WhatsApp's code for too many messages to one customer.
const PAIR_LIMIT: i64 = 131_056;
/// WhatsApp's code for too many messages of the number.
const NUMBER_LIMIT: i64 = 130_429;
/// How long nothing is sent after an answer that needs an administrator.
const ALARM_PAUSE: Duration = Duration::from_secs(30);
/// When a message is tried again that had to wait for another one's upload.
const AFTER_UPLOAD: Duration = Duration::from_secs(2);

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
    let own_pace = Mutex::new(SendPace::new(pace::STANDARD, Instant::now()));
    let (gate, open) = watch::channel(true);
    let (alarm, mut alarms) = mpsc::channel(1);
    let trouble = Trouble::default();
    // Before the first message leaves, so that it can end what an earlier process met.
    trouble.refresh(&env, &channel).await;
    let window = Window { env: &env, channel: &channel, size: AT_ONCE, open, stop: &stop };
    let sending = window.run(|message| {
        let (alarm, sent) = (alarm.clone(), send(&env, &channel, (&client, &own_pace, &trouble), message));
        let (gate, ctx) = (&gate, &env.ctx);
        async move {
            if let Some(reason) = sent.await {
                // Nothing more leaves from now on, whatever the watcher is about. It is closed before the alarm is given,
                // so that whoever takes the alarm opens it after this.
                gate.send_replace(false);
                // One alarm is enough; a full channel holds one.
                let _ = alarm.try_send((reason, ctx.now()));
            }
        }
    });
    let watching = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut recovery = tokio::time::interval(RECOVER_EVERY);
        let mut silence = Silence::default();
        loop {
            tokio::select! {
                _ = looks.tick() => silence.looked(look(&env, &channel, (&client, &own_pace)).await),
                _ = recovery.tick() => {
                    recover(&env, &channel, None).await;
                    if trouble.refresh(&env, &channel).await || silence.is_to_be_broken() {
                        silence.looked(look(&env, &channel, (&client, &own_pace)).await);
                    }
                }
                Some(refused) = alarms.recv() => {
                    gate.send_replace(false);
                    trouble.refused(&env, &channel, refused).await;
                    tokio::time::sleep(ALARM_PAUSE).await;
                    silence.looked(look(&env, &channel, (&client, &own_pace)).await);
                    // What was on the wire when it began says nothing new.
                    while alarms.try_recv().is_ok() {}
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

/// What is ready to leave: prepared before the decision, so that its failure is certainly a failure.
struct Prepared {
    recipient: Recipient,
    outbound: Outbound,
    /// Files that are sent by the id of an earlier upload.
    reused: Vec<Reused>,
}

pub(crate) fn locked(pace: &Mutex<SendPace>) -> std::sync::MutexGuard<'_, SendPace> {
    pace.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the number's and the customer's turn. What is left of the wait when it is a long one; nothing is taken then.
async fn turn(pace: &Mutex<SendPace>, to: &str) -> Result<(), Duration> {
    loop {
        let now = Instant::now();
        let Err(at) = locked(pace).take(to, now) else { return Ok(()) };
        let wait = at.saturating_duration_since(now);
        if wait > SHORT_WAIT {
            return Err(wait);
        }
        tokio::time::sleep_until(at).await;
    }
}

/// Sends one message. Why sending should pause, when the answer needs an administrator.
async fn send(
    env: &Env,
    channel: &Channel,
    (client, pace, trouble): (&GraphClient, &Mutex<SendPace>, &Trouble),
    message: OutboxMessage,
) -> Option<String> {
    let turn = turn(pace, &message.address).await;
    let prepared = match turn {
        Ok(()) => prepare(env, client, &message).await,
        Err(wait) => Err((too_fast(wait), false)),
    };
    let (ctx, own_channel, own) = (env.ctx.clone(), channel.clone(), message.clone());
    let begun_at = env.ctx.now();
    let begun = env.store.write(move |tx| begin(tx, &ctx, &own_channel, &own, ctx.now().plus(MESSAGE_LEASE))).await;
    if turn.is_ok() && (prepared.is_err() || !matches!(begun, Ok(Begin::Go))) {
        // Nothing leaves: the place is the next one's.
        locked(pace).give_back(&message.address);
    }
    match begun {
        Ok(Begin::Go) => {}
        Ok(Begin::No) => return None,
        Err(error) => {
            // Nothing has left; the claim runs out and the message is queued again.
            tracing::error!(%error, message_id = %message.id, "a message could not be begun");
            return None;
        }
    }
    let (outcome, alarm) = match prepared {
        Ok(Prepared { recipient, outbound, reused }) => {
            let meta = SendMeta { reply_to: None, callback_data: Some(message.id.to_string()) };
            let sent = client.send(&recipient, &outbound, &meta).await;
            let asked = learn(pace, &message.address, &sent);
            learn_wa_id(env, &message, &sent).await;
            if uploads::forgotten(env, &message, &sent, &reused).await {
                (file_forgotten(), false)
            } else {
                outcome(sent, asked, message.attempts)
            }
        }
        Err(failed) => failed,
    };
    metrics::counter!("segue_submissions_total", "kind" => "whatsapp").increment(1);
    let refusal = match &outcome {
        Outcome::NotSent { failure, .. } | Outcome::Refused(failure) => Some(failure.clone()),
        _ => None,
    };
    let is_taken = matches!(outcome, Outcome::Accepted(_) | Outcome::Assessed(_));
    settle(env, &message, outcome).await;
    if is_taken {
        trouble.taken(env, channel, begun_at).await;
    }
    if let Some(failure) = &refusal {
        trouble.tell(env, channel, failure).await;
    }
    refusal.filter(|_| alarm).map(|failure| failure.reason)
}

/// The request of a message. What stands in the way, with `true` as [`send`] says it.
async fn prepare(env: &Env, client: &GraphClient, message: &OutboxMessage) -> Result<Prepared, (Outcome, bool)> {
    let refused = |class: ErrorClass, reason: String| {
        (Outcome::Refused(Failure { class: class.as_str().to_owned(), code: None, reason }), false)
    };
    let content: Content = message.content().map_err(|_| {
        refused(ErrorClass::ContentInvalid, "The message cannot be read, so nothing was sent.".to_owned())
    })?;
    let recipient =
        translate::recipient(message).map_err(|error| refused(ErrorClass::InvalidRecipient, error.to_string()))?;
    let mut reused = Vec::new();
    let outbound = translate::outbound(env, client, message, content, &mut reused).await;
    let outbound = outbound.map_err(|error| unprepared(&error, message.attempts))?;
    outbound.validate().map_err(|error| refused(ErrorClass::ContentInvalid, error.to_string()))?;
    Ok(Prepared { recipient, outbound, reused })
}

/// What becomes of a message whose request could not be made; nothing of it has left.
fn unprepared(error: &DeliveryError, attempts: u32) -> (Outcome, bool) {
    let failure =
        |class: ErrorClass| Failure { class: class.as_str().to_owned(), code: None, reason: error.to_string() };
    let refused = || (Outcome::Refused(failure(ErrorClass::ContentInvalid)), false);
    // A transfer costs too much for a second one in the next second.
    let later =
        || (Outcome::NotSent { failure: failure(ErrorClass::ProviderDown), wait: None, cost: Cost::Attempt }, false);
    match error {
        DeliveryError::Upload(error) => unprepared(error, attempts),
        DeliveryError::BeingUploaded => {
            let failure = failure(ErrorClass::Throttled);
            (Outcome::NotSent { failure, wait: Some(AFTER_UPLOAD), cost: Cost::Free }, false)
        }
        DeliveryError::Store(_) | DeliveryError::Files(FilesError::Store(_)) => {
            (Outcome::not_sent(failure(ErrorClass::ProviderDown), ErrorClass::ProviderDown, None), false)
        }
        DeliveryError::Files(FilesError::Bucket(BucketError::NoAnswer(_) | BucketError::Refused(500..))) => later(),
        DeliveryError::Graph(graph) | DeliveryError::Media(MediaError::Graph(graph)) => match graph {
            GraphFailure::NoAnswer(_) | GraphFailure::Unreadable { .. } => later(),
            GraphFailure::Refused { error, .. } if graph.act() != Act::Final => {
                let (class, code, act) = (graph.class(), error.code, graph.act());
                let reason = graph.to_string();
                outcome(SendOutcome::NotSent { class, code, act, retry_after: None, reason }, None, attempts)
            }
            GraphFailure::Refused { .. } | GraphFailure::Invalid(_) => refused(),
        },
        _ => refused(),
    }
}

/// WhatsApp has forgotten a file: the next attempt uploads it.
fn file_forgotten() -> Outcome {
    let failure = Failure {
        class: ErrorClass::ContentInvalid.as_str().to_owned(),
        code: None,
        reason: "WhatsApp no longer had the file; it is uploaded again.".to_owned(),
    };
    Outcome::NotSent { failure, wait: None, cost: Cost::Attempt }
}

/// The customer's turn is far off: WhatsApp has complained about messages to them before.
fn too_fast(wait: Duration) -> Outcome {
    let failure = Failure {
        class: ErrorClass::Throttled.as_str().to_owned(),
        code: Some(PAIR_LIMIT.to_string()),
        reason: "Too many messages to this customer in a short time.".to_owned(),
    };
    Outcome::not_sent(failure, ErrorClass::Throttled, Some(wait))
}

/// Takes what WhatsApp says of the speed into account. The wait it wants for this customer.
fn learn(pace: &Mutex<SendPace>, to: &str, outcome: &SendOutcome) -> Option<Duration> {
    let mut pace = locked(pace);
    match outcome {
        SendOutcome::Accepted { .. } => pace.accepted(to),
        SendOutcome::NotSent { code: Some(PAIR_LIMIT), .. } => return Some(pace.pair_refused(to, Instant::now())),
        SendOutcome::NotSent { code: Some(NUMBER_LIMIT), .. } => pace.number_refused(Instant::now()),
        _ => {}
    }
    None
}

/// Keeps the id that WhatsApp has for the number, where it is another one; what a campaign sends tells it of the customer
/// who is known at that number. When it is another customer's, a job looks whether the two are one. A loss costs nothing:
/// the next answer says it again.
async fn learn_wa_id(env: &Env, message: &OutboxMessage, sent: &SendOutcome) {
    let SendOutcome::Accepted { wa_id: Some(wa_id), .. } = sent else { return };
    if message.address_kind != AddressKind::Phone || message.address.trim_start_matches('+') == wa_id {
        return;
    }
    let (workspace_id, channel_id, wa_id) = (message.workspace_id, message.channel_id, wa_id.clone());
    let (session_id, address) = (message.session_id, message.address.clone());
    if session_id.is_none() && !is_news(env, message, &wa_id).await {
        return;
    }
    let id: JobId = env.ctx.id();
    let now = env.ctx.now();
    let learned = env
        .store
        .write(move |tx| {
            let session_id = match session_id {
                Some(session_id) => Some(session_id),
                None => latest_session(tx, (workspace_id, channel_id), &address)?,
            };
            let Some(session_id) = session_id else { return Ok(()) };
            let learned = tx.learn_wa_id(workspace_id, channel_id, session_id, &wa_id)?;
            if let Learned::Another(messaging_user_id) = learned {
                let payload = JoinCustomers { session_id, messaging_user_id };
                let job = NewJob {
                    id,
                    kind: JOIN_CUSTOMERS,
                    dedupe_key: format!("{session_id}:{messaging_user_id}"),
                    payload: serde_json::json!(payload),
                    run_at: now,
                };
                tx.schedule(workspace_id, &job, now)?;
            }
            Ok::<_, StoreError>(())
        })
        .await;
    if let Err(error) = learned {
        tracing::warn!(%error, message_id = %message.id, "the WhatsApp id of a customer could not be kept");
    }
}

/// Whether the customer at a campaign's address is known and has not this id yet. Most are strangers, or have it, and a
/// campaign should not write for each of them.
async fn is_news(env: &Env, message: &OutboxMessage, wa_id: &str) -> bool {
    let (workspace_id, channel_id, address) = (message.workspace_id, message.channel_id, message.address.clone());
    let id = Identifier { kind: IdentifierKind::WaId, value: wa_id.to_owned() };
    let looked = env.store.read::<_, StoreError, _>(move |tx| {
        let Some(user) = tx.customer_at(workspace_id, channel_id, &address)? else { return Ok(false) };
        Ok(tx.messaging_user_of(workspace_id, channel_id, &id)? != Some(user))
    });
    looked.await.unwrap_or(false)
}

/// The latest session of the customer who is known at this address, when there is one.
fn latest_session(
    tx: &mut Tx<'_>,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    address: &str,
) -> Result<Option<SessionId>, StoreError> {
    let Some(user_id) = tx.customer_at(workspace_id, channel_id, address)? else { return Ok(None) };
    Ok(tx.session_ids_of(workspace_id, user_id)?.pop())
}

fn outcome(outcome: SendOutcome, asked: Option<Duration>, attempts: u32) -> (Outcome, bool) {
    let failure = |class: ErrorClass, code: Option<i64>, reason: String| Failure {
        class: class.as_str().to_owned(),
        code: code.map(|code| code.to_string()),
        reason,
    };
    match outcome {
        SendOutcome::Accepted { wamid, held: Some(_), .. } => (Outcome::Assessed(vec![wamid]), false),
        SendOutcome::Accepted { wamid, .. } => (Outcome::Accepted(vec![wamid]), false),
        SendOutcome::NotSent { class, code, act, retry_after, reason } => {
            let failure = failure(class, code, reason);
            let wait = match code.map(|code| again(code, attempts)) {
                // Said to be transient by the answer itself, whatever its code means.
                Some(Again::Never) if act == Act::Retry => None,
                Some(Again::Never) => return (Outcome::Refused(failure), act == Act::Alert),
                Some(Again::After(wait)) => Some(wait),
                None => None,
            };
            let wait = [wait, asked, retry_after].into_iter().flatten().max();
            let alarm = act == Act::Alert && alerts::stops_number(&failure);
            let outcome = match act {
                // Nothing works until an administrator acts, which says nothing about this message.
                Act::Alert => Outcome::NotSent { failure, wait, cost: Cost::Free },
                Act::Retry | Act::Later | Act::Final => Outcome::not_sent(failure, class, wait),
            };
            (outcome, alarm)
        }
        SendOutcome::Refused { class, code, reason } => (Outcome::Refused(failure(class, code, reason)), false),
        SendOutcome::Unknown { reason } => (Outcome::Unknown { reason, provider_ids: Vec::new() }, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_sent(code: i64, act: Act) -> SendOutcome {
        let class = segue_channels::whatsapp::errors::meaning(code).class;
        SendOutcome::NotSent { class, code: Some(code), act, retry_after: None, reason: "no".to_owned() }
    }

    fn wait_of((outcome, _): (Outcome, bool)) -> Option<u64> {
        match outcome {
            Outcome::NotSent { wait, .. } => Some(wait.unwrap_or_default().as_secs()),
            Outcome::Refused(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refusals_wait_as_their_code_says_or_end() {
        for (code, act, attempts, expected) in [
            (131_049, Act::Later, 0, None),
            (132_015, Act::Later, 0, Some(3 * 3_600)),
            (132_015, Act::Later, 1, Some(6 * 3_600)),
            (132_015, Act::Later, 2, None),
            (131_057, Act::Retry, 0, Some(60)),
            (130_429, Act::Retry, 9, Some(0)),
            (100, Act::Retry, 0, Some(0)),
        ] {
            assert_eq!(wait_of(outcome(not_sent(code, act), None, attempts)), expected, "{code} after {attempts}");
        }
        assert!(outcome(not_sent(190, Act::Alert), None, 0).1, "an admin hears of it");
    }

    #[test]
    fn what_needs_an_administrator_uses_up_no_attempt_of_a_message() {
        for code in [131_042, 131_031, 368, 133_010, 131_037, 131_045, 131_063, 190, 131_044, 134_011] {
            for attempts in 0..=6 {
                let (outcome, pauses) = outcome(not_sent(code, Act::Alert), None, attempts);
                assert!(matches!(outcome, Outcome::NotSent { cost: Cost::Free, .. }), "{code}: {outcome:?}");
                // Everything but marketing goes on without it.
                assert_eq!(pauses, code != 131_063, "{code}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_that_whatsapp_complained_about_waits_four_times_longer_each_time() {
        let pace = Mutex::new(SendPace::new(pace::STANDARD, Instant::now()));
        let mut waits = Vec::new();
        for _ in 0..4 {
            let refused = not_sent(PAIR_LIMIT, Act::Retry);
            let asked = learn(&pace, "+1", &refused);
            waits.push(wait_of(outcome(refused, asked, 0)).unwrap());
        }
        assert_eq!(waits, [1, 4, 16, 64]);
        // A long wait takes up no place; a short one is waited for.
        assert!(turn(&pace, "+1").await.is_err());
        assert_eq!(turn(&pace, "+2").await, Ok(()));
        tokio::time::advance(Duration::from_secs(60)).await;
        let before = Instant::now();
        assert_eq!(turn(&pace, "+1").await, Ok(()));
        assert_eq!(before.elapsed().as_secs(), 4);
        let accepted = SendOutcome::Accepted { wamid: "w".to_owned(), wa_id: None, user_id: None, held: None };
        assert_eq!(learn(&pace, "+1", &accepted), None);
        assert_eq!(learn(&pace, "+1", &not_sent(PAIR_LIMIT, Act::Retry)), Some(Duration::from_secs(1)));
    }
}
