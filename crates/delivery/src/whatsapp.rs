//! The worker of a WhatsApp number: sends what is due, a customer's messages one after the other.
//!
//! Several nodes may serve one number: each message is claimed by one of them. The claim gives only the oldest message
//! of a session that has not left, so a conversation stays in order.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
use segue_model::{Ctx, JobId, Timestamp, content::Content};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelState, Refusal, RefusedBy, WhatsAppConfig},
    job::NewJob,
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
    DeliveryError, FilesError, alerts, channel_state, client, numbers,
    settle::{Outcome, settle},
    sms::recover,
    submission::{Begin, begin},
    supervisor::Env,
    templates, translate,
    uploads::{self, Reused},
    window::{MESSAGE_LEASE, Window},
};

/// Messages on the wire at once.
const AT_ONCE: usize = 16;
/// How often unfinished messages of nodes that are gone are looked for.
const RECOVER_EVERY: Duration = Duration::from_secs(15);
/// How often the number and its templates are looked at; webhooks tell of changes in between.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
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

/// What this node knows of trouble of the number; the truth is in the store.
#[derive(Default)]
struct Trouble {
    /// Whether a refusal stood in the store when it was last read or written: without one, a message that is taken ends
    /// none, and costs no write.
    is_refused: AtomicBool,
    /// Notices that are kept already.
    told: Mutex<BTreeSet<String>>,
}

impl Trouble {
    /// Stores that a message was refused for a reason that lies with the account, and shows it.
    async fn refused(&self, env: &Env, channel: &Channel, (reason, at): (String, Timestamp)) {
        self.is_refused.store(true, Ordering::Release);
        let (ctx, own) = (env.ctx.clone(), channel.clone());
        let refusal = Refusal { reason, at, by: RefusedBy::Answer };
        let stored = env.store.write(move |tx| channel_state::refuse_in(tx, &ctx, &own, &refusal)).await;
        log_unstored(channel, stored);
    }

    /// A message was taken that was begun then: what was met in answers before it is over. That it is taken says nothing
    /// of what reports told of, for those come after it.
    async fn taken(&self, env: &Env, channel: &Channel, begun_at: Timestamp) {
        if !self.is_refused.swap(false, Ordering::AcqRel) {
            return;
        }
        let (ctx, own) = (env.ctx.clone(), channel.clone());
        let met = (begun_at, Some(RefusedBy::Answer));
        let stored = env.store.write(move |tx| channel_state::end_refusal_in(tx, &ctx, &own, met)).await;
        if stored.is_err() {
            self.is_refused.store(true, Ordering::Release);
        }
        log_unstored(channel, stored);
    }

    /// Reads whether a refusal stands: a webhook or another node may have begun or ended it. `true` when one stands that
    /// is to be looked at, for nobody has met it again for long.
    async fn refresh(&self, env: &Env, channel: &Channel) -> bool {
        let (workspace_id, id) = (channel.workspace_id, channel.id);
        match env.store.read(move |tx| tx.channel(workspace_id, id)).await {
            Ok(stored) => {
                let refusal = stored.and_then(|channel| channel.refusal);
                self.is_refused.store(refusal.is_some(), Ordering::Release);
                refusal.is_some_and(|refusal| !alerts::stands(refusal.at, env.ctx.now()))
            }
            Err(error) => {
                tracing::warn!(%error, channel_id = %id, "the state of a channel could not be read");
                false
            }
        }
    }

    /// Keeps the notice of a refusal that an admin has to hear of, once.
    async fn tell(&self, env: &Env, channel: &Channel, failure: &Failure) {
        let Some((code, _)) = alerts::alert(failure) else { return };
        let key = alerts::key(code, env.ctx.now());
        if !self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return;
        }
        let (ctx, own, failure) = (env.ctx.clone(), channel.clone(), failure.clone());
        let kept = env.store.write(move |tx| alerts::note(tx, &ctx, &own, &failure, ctx.now())).await;
        if let Err(error) = kept {
            tracing::warn!(%error, channel_id = %channel.id, "the notice of a refusal could not be kept");
            self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
    }
}

fn log_unstored(channel: &Channel, stored: Result<(), StoreError>) {
    if let Err(error) = stored {
        tracing::error!(%error, channel_id = %channel.id, "whether a number is refused could not be stored");
    }
}

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

/// Looks at a number without an answer. Who did not answer is asked again soon, for people look at the screen until he does,
/// and less and less often the longer that lasts.
#[derive(Default)]
struct Silence {
    /// How many looks in a row had no answer.
    looks: u32,
    /// When the last one ended.
    since: Option<Instant>,
}

impl Silence {
    fn looked(&mut self, is_answered: bool) {
        self.looks = if is_answered { 0 } else { self.looks.saturating_add(1) };
        self.since = Some(Instant::now());
    }

    /// How long nobody is asked again; `None` when there was an answer.
    fn wait(&self) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(self.looks.checked_sub(1)?);
        Some(RECOVER_EVERY.saturating_mul(doubled).min(LOOK_EVERY))
    }

    fn is_to_be_broken(&self) -> bool {
        // Who asks comes by every so often: what is due before the next time is due now.
        self.wait().zip(self.since).is_some_and(|(wait, since)| since.elapsed() + RECOVER_EVERY / 2 >= wait)
    }
}

/// Whether a failed look had no answer that can be read. A refusal is one: the same question brings the same again.
fn is_no_answer(error: &GraphFailure) -> bool {
    error.class() == ErrorClass::ProviderDown
}

/// Asks WhatsApp about the number, stores what it says as the channel's state, and takes the templates over. A number that
/// answers is not well for that: what its messages are refused for counts on. `false` when there was no answer.
async fn look(env: &Env, channel: &Channel, (client, pace): (&GraphClient, &Mutex<SendPace>)) -> bool {
    let asked = client.phone_number().await;
    let is_answered = !asked.as_ref().is_err_and(is_no_answer);
    let found = match asked {
        Ok(number) => {
            locked(pace).set_rate(pace::rate_of(number.throughput.as_deref()), Instant::now());
            numbers::looked_at(env, channel, number.clone()).await;
            if let Err(error) = templates::sync(&env.store, &env.ctx, channel).await {
                tracing::warn!(%error, channel_id = %channel.id, "the templates could not be read");
            }
            match alerts::cannot_send(&number) {
                Some(reason) => (ChannelState::Error, Some(reason)),
                None => (ChannelState::Connected, None),
            }
        }
        Err(error) if error.act() == Act::Alert => (ChannelState::Error, Some(error.to_string())),
        // Asked too often, for one: that says nothing of the number, and what is known of it stands.
        Err(error) if is_answered && matches!(error.act(), Act::Retry | Act::Later) => {
            tracing::warn!(%error, channel_id = %channel.id, "the number could not be looked at");
            return is_answered;
        }
        Err(error) => (ChannelState::Disconnected, Some(error.to_string())),
    };
    let (ctx, own) = (env.ctx.clone(), channel.clone());
    let stored = env.store.write(move |tx| looked(tx, &ctx, &own, &found)).await;
    log_unstored(channel, stored);
    is_answered
}

/// Stores what a look found. A refusal that still counts is what people have to know; an old one is over.
fn looked(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    found: &(ChannelState, Option<String>),
) -> Result<(), StoreError> {
    channel_state::lock(tx, channel)?;
    let refusal = tx.channel(channel.workspace_id, channel.id)?.and_then(|stored| stored.refusal);
    match refusal {
        Some(refusal) if !alerts::stands(refusal.at, ctx.now()) => {
            tx.end_refusal(channel.workspace_id, channel.id, (refusal.at, None))?;
        }
        Some(refusal) if found.0 == ChannelState::Connected => {
            let detail = alerts::until_sent(&refusal.reason);
            return channel_state::set_in(tx, ctx, channel, ChannelState::Error, Some(&detail));
        }
        _ => {}
    }
    channel_state::set_in(tx, ctx, channel, found.0, found.1.as_deref())
}

/// What is ready to leave: prepared before the decision, so that its failure is certainly a failure.
struct Prepared {
    recipient: Recipient,
    outbound: Outbound,
    /// Files that are sent by the id of an earlier upload.
    reused: Vec<Reused>,
}

fn locked(pace: &Mutex<SendPace>) -> std::sync::MutexGuard<'_, SendPace> {
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

/// Keeps the id that WhatsApp has for the number, where it is another one. When it is another customer's, a job looks
/// whether the two are one. A loss costs nothing: the next answer says it
/// again.
async fn learn_wa_id(env: &Env, message: &OutboxMessage, sent: &SendOutcome) {
    let SendOutcome::Accepted { wa_id: Some(wa_id), .. } = sent else { return };
    let Some(session_id) = message.session_id else { return };
    if message.address_kind != AddressKind::Phone || message.address.trim_start_matches('+') == wa_id {
        return;
    }
    let (workspace_id, channel_id, wa_id) = (message.workspace_id, message.channel_id, wa_id.clone());
    let id: JobId = env.ctx.id();
    let now = env.ctx.now();
    let learned = env
        .store
        .write(move |tx| {
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
    async fn who_does_not_answer_is_asked_again_soon_and_then_less_and_less_often() {
        let mut silence = Silence::default();
        assert!(!silence.is_to_be_broken(), "not asked yet");
        let mut waits = Vec::new();
        for _ in 0..10 {
            silence.looked(false);
            let before = Instant::now();
            while !silence.is_to_be_broken() {
                tokio::time::advance(RECOVER_EVERY).await;
            }
            waits.push(before.elapsed().as_secs());
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        silence.looked(true);
        tokio::time::advance(LOOK_EVERY).await;
        assert!(!silence.is_to_be_broken(), "the next look comes by itself");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_that_ends_while_a_refusal_is_told_does_not_hide_it() {
        for test in segue_testkit::engines().await {
            let channel = test.whatsapp_channel("shop", "http://127.0.0.1:1").await;
            let (told, is_told) = std::sync::mpsc::channel();
            let (own, ctx) = (channel.clone(), test.ctx.clone());
            let refusal = Refusal { reason: "Nobody pays.".to_owned(), at: test.now(), by: RefusedBy::Report };
            let telling = test.store.write::<_, StoreError, _>(move |tx| {
                channel_state::refuse_in(tx, &ctx, &own, &refusal)?;
                told.send(()).expect("somebody waits for it");
                std::thread::sleep(Duration::from_millis(300));
                Ok(())
            });
            let (own, ctx, store) = (channel.clone(), test.ctx.clone(), test.store.clone());
            let looking = tokio::spawn(async move {
                tokio::task::block_in_place(|| is_told.recv().expect("it is told"));
                store.write(move |tx| looked(tx, &ctx, &own, &(ChannelState::Connected, None))).await
            });
            telling.await.unwrap();
            looking.await.unwrap().unwrap();
            let read = test.store.read::<_, StoreError, _>(move |tx| tx.channel(channel.workspace_id, channel.id));
            let seen = read.await.unwrap().unwrap();
            assert_eq!(seen.state, ChannelState::Error, "{}", test.engine);
            assert_eq!(seen.state_detail, Some(alerts::until_sent("Nobody pays.")), "{}", test.engine);
        }
    }

    #[test]
    fn a_refusal_is_an_answer_and_silence_is_none() {
        let refused = |status: u16, code: i64| GraphFailure::Refused {
            status,
            error: segue_channels::whatsapp::GraphError { code: Some(code), ..Default::default() },
        };
        assert!(is_no_answer(&GraphFailure::NoAnswer("timed out".to_owned())));
        assert!(is_no_answer(&GraphFailure::Unreadable { status: 502 }));
        assert!(is_no_answer(&refused(503, 2)));
        for (status, code) in [(400, 100), (400, 803), (400, 4), (400, 17), (400, 80_007), (401, 190)] {
            assert!(!is_no_answer(&refused(status, code)), "{code}");
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
