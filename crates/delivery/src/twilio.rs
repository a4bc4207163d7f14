//! The worker of an SMS account that speaks Twilio's REST dialect.
//!
//! One node serves an account at a time, by a lease: the pace is the account's, however many nodes there are. The address
//! of the status callback carries our own id, so a callback resolves a message whose answer was lost, whether its SID is
//! known or not.
//!
//! A provider that sends a repeated request once ([`Repeats::SentOnce`]) gets our own id as the key of every attempt. Then
//! what was being sent when a node ended, and what had no answer, is decided and sent again under its key, and never by
//! another account: to that one the key says nothing.
//!
//! The turn at the account's pace comes before the last look: a STOP, a pause or a cancel while a message waits for it
//! still stops the message.
//!
//! A refusal that says the recipient has stopped our messages is written into the inbox before the message's outcome is
//! settled: whoever works on the inbox feeds it into the consent ledger. A crash in between leaves the message `unknown`
//! and the opt-out recorded, never the other way round.

use std::time::Duration;

use segue_channels::{
    ErrorClass,
    http::{HttpLimits, HttpSetupError},
    twilio::{
        Act, MESSAGE_ID_PARAMETER, SendOutcome, StatusCallback, TextMessage, TwilioClient,
        TwilioConfig as ClientConfig, TwilioItem, codes,
    },
};
use segue_model::{Timestamp, content::SmsContent};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelState, Repeats, TwilioConfig},
    inbox::{InboxKind, NewInbox},
    outbox::{Abandoned, OutboxMessage, Payload},
    submission::{Cost, Failure},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    channel_state,
    check::Check,
    failover,
    file_address::{self, FileAddress, FilePurpose},
    settle::{Outcome, settle},
    sms::{RENEW_EVERY, STANDBY, lease, recover, validity},
    submission::begin_text,
    supervisor::Env,
    window::{MESSAGE_LEASE, Window},
};

/// Requests on the wire at once, at most.
const AT_ONCE: u32 = 32;
/// How often unfinished messages of nodes that are gone are looked for.
const RECOVER_EVERY: Duration = Duration::from_secs(15);
/// How often the account is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// How long nothing is sent after an answer that needs an administrator.
const ALARM_PAUSE: Duration = Duration::from_secs(30);
/// How long nothing is sent when the provider asks to slow down without saying for how long.
const SLOW_DOWN_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause that a provider can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// When sending goes on. What is asked for while it pauses makes the pause longer where it ends later, and no second one.
#[derive(Debug, Default)]
struct Rest {
    until: Option<Instant>,
}

impl Rest {
    fn at_least(&mut self, wait: Duration, now: Instant) {
        let until = now + wait;
        self.until = Some(self.until.map_or(until, |other| other.max(until)));
    }

    /// Waits for its end, and for ever when there is none.
    async fn over(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

/// Why sending pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// The provider asks to slow down.
    For(Duration),
    /// It cannot be reached.
    Down,
    /// Nothing works until an administrator acts.
    Alarm,
}

impl Pause {
    const fn time(self) -> Duration {
        match self {
            Self::For(time) => time,
            Self::Down => SLOW_DOWN_PAUSE,
            Self::Alarm => ALARM_PAUSE,
        }
    }
}

/// Runs until `stop`.
pub(crate) async fn run(env: Env, channel: Channel, config: TwilioConfig, stop: CancellationToken) {
    let client = match client(&config) {
        Ok(client) => client,
        Err(error) => {
            channel_state::set(&env, &channel, ChannelState::Error, Some(error.to_string())).await;
            return;
        }
    };
    while !stop.is_cancelled() {
        match lease(&env, &channel).await {
            Ok(true) => serve(&env, &channel, &config, &client, &stop).await,
            Ok(false) => tracing::debug!(channel_id = %channel.id, "another node serves the channel"),
            Err(error) => tracing::error!(%error, channel_id = %channel.id, "the lease of a channel cannot be taken"),
        }
        tokio::select! {
            () = tokio::time::sleep(STANDBY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Renews the lease, and cancels `lost` when it is gone.
async fn keep(env: &Env, channel: &Channel, lost: &CancellationToken) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match lease(env, channel).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(channel_id = %channel.id, "another node has taken the channel over");
                lost.cancel();
            }
            // The database is away: without it nothing is claimed.
            Err(error) => tracing::error!(%error, channel_id = %channel.id, "a lease could not be renewed"),
        }
    }
}

/// Serves the account for as long as the lease is ours.
async fn serve(env: &Env, channel: &Channel, config: &TwilioConfig, client: &TwilioClient, stop: &CancellationToken) {
    let lost = stop.child_token();
    take_back(env, channel, config.repeats, Some(&env.node)).await;
    let (gate, open) = watch::channel(true);
    let (pause, mut pauses) = mpsc::channel(AT_ONCE as usize);
    // The pace is waited for inside the claim: fewer at once for a slow account keep the wait within the lease.
    let size = usize::try_from(config.segments_per_second.clamp(1, AT_ONCE)).unwrap_or(1);
    let window = Window { env, channel, size, open, stop: &lost };
    let sending = window.run(|message| {
        let (pause, sent) = (pause.clone(), send(env, channel, config, client, message));
        async move {
            if let Some(reason) = sent.await {
                // As many as can be on the wire at once are enough.
                let _ = pause.try_send(reason);
            }
        }
    });
    let watching = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut recovery = tokio::time::interval(RECOVER_EVERY);
        let mut sweep = failover::Sweep::new();
        let mut is_connected = true;
        // Since when nothing leaves because the provider could not be reached.
        let mut shut_since: Option<Instant> = None;
        let mut rest = Rest::default();
        loop {
            tokio::select! {
                _ = looks.tick() => is_connected = look(env, channel, client).await,
                _ = recovery.tick() => {
                    // Before the sweep: what is well again keeps its messages.
                    if !is_connected {
                        is_connected = look(env, channel, client).await;
                    }
                    // Some providers take messages and show no account: they are tried now and then.
                    if shut_since.is_some_and(|since| is_connected || since.elapsed() >= ALARM_PAUSE) {
                        shut_since = None;
                        gate.send_replace(rest.until.is_none());
                    }
                    take_back(env, channel, config.repeats, None).await;
                    sweep.next(env, channel).await;
                }
                Some(first) = pauses.recv() => {
                    gate.send_replace(false);
                    // What was on the wire together says the same.
                    let mut asked = vec![first];
                    while let Ok(more) = pauses.try_recv() {
                        asked.push(more);
                    }
                    let is_down = asked.contains(&Pause::Down);
                    if asked.contains(&Pause::Alarm) || (is_down && is_connected) {
                        is_connected = look(env, channel, client).await;
                    }
                    if is_down && !is_connected {
                        shut_since.get_or_insert_with(Instant::now);
                    }
                    let now = Instant::now();
                    asked.into_iter().for_each(|pause| rest.at_least(pause.time(), now));
                }
                () = rest.over(), if rest.until.is_some() => {
                    rest.until = None;
                    gate.send_replace(shut_since.is_none());
                }
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = watching => {}
        () = keep(env, channel, &lost) => {}
    }
}

pub(crate) fn client(config: &TwilioConfig) -> Result<TwilioClient, HttpSetupError> {
    let service = config.messaging_service_sid.as_str();
    TwilioClient::new(ClientConfig {
        base_url: config.base_url.clone(),
        account_sid: config.account_sid.clone(),
        auth_token: config.auth_token.clone(),
        messaging_service_sid: (!service.is_empty()).then(|| service.to_owned()),
        segments_per_second: config.segments_per_second,
        limits: HttpLimits::default(),
    })
}

/// Asks the provider whether address and credentials are right.
pub(crate) async fn check(config: &TwilioConfig) -> Result<Check, HttpSetupError> {
    Ok(match client(config)?.account().await {
        Ok(account) if account.status == "active" => {
            Check::of(true, format!("The provider answers: account {}, active.", account.name))
        }
        Ok(account) => Check::of(
            false,
            format!("The account at the provider is {}; it sends nothing until it is active.", account.status),
        ),
        Err(error) => Check::of(false, error.to_string()),
    })
}

/// Looks at the account, and stores what it says as the channel's state. `true` when it can send.
async fn look(env: &Env, channel: &Channel, client: &TwilioClient) -> bool {
    use segue_channels::twilio::AccountFailure;
    let (state, detail) = match client.account().await {
        Ok(account) if account.status == "active" => (ChannelState::Connected, None),
        Ok(account) => (ChannelState::Error, Some(format!("The account at the provider is {}.", account.status))),
        Err(error @ AccountFailure::Denied(_)) => (ChannelState::Error, Some(error.to_string())),
        Err(error) => (ChannelState::Disconnected, Some(error.to_string())),
    };
    channel_state::set(env, channel, state, detail).await;
    state == ChannelState::Connected
}

/// Sends one message, and says when sending should pause.
async fn send(
    env: &Env,
    channel: &Channel,
    config: &TwilioConfig,
    client: &TwilioClient,
    message: OutboxMessage,
) -> Option<Pause> {
    let (ctx, own_channel, own) = (env.ctx.clone(), channel.clone(), message.clone());
    // Before anything is on record: what cannot be addressed has not left.
    let media = match addresses_of_files(env, config, &message).await {
        Ok(media) => media,
        Err(error) => {
            tracing::error!(%error, message_id = %message.id, "the files of a message have no address now");
            return None;
        }
    };
    let turns =
        message.content::<SmsContent>().map_or(1, |content| TwilioClient::turns(&content.text, content.is_mms()));
    client.turn(turns, message.campaign_id.is_some()).await;
    let begun =
        env.store.write(move |tx| begin_text(tx, &ctx, &own_channel, &own, ctx.now().plus(MESSAGE_LEASE))).await;
    if !matches!(begun, Ok(Some(_))) {
        // Nothing leaves: the turn is the next one's.
        client.give_back(turns);
    }
    let (content, until) = match begun {
        Ok(Some(begun)) => begun,
        Ok(None) => return None,
        Err(error) => {
            // Nothing has left; the claim runs out and the message is queued again.
            tracing::error!(%error, message_id = %message.id, "a message could not be begun");
            return None;
        }
    };
    let text = text_message(config, &message, (content, media), until, env.ctx.now());
    let sent = client.send(&text).await;
    metrics::counter!("segue_submissions_total", "kind" => "twilio").increment(1);
    if let SendOutcome::Refused { code: Some(codes::OPTED_OUT), .. } = &sent {
        note_opt_out(env, channel, &message).await;
    }
    let (outcome, pause) = outcome(sent);
    let outcome = match config.repeats {
        Repeats::SentAgain => outcome,
        Repeats::SentOnce => repeated(outcome),
    };
    settle(env, &message, outcome).await;
    pause
}

/// Takes back what workers left behind. What was being sent is sent again where that is harmless, else it is unknown.
async fn take_back(env: &Env, channel: &Channel, repeats: Repeats, owner: Option<&str>) {
    if repeats == Repeats::SentOnce {
        let (workspace_id, id, now) = (channel.workspace_id, channel.id, env.ctx.now());
        let owner = owner.map(str::to_owned);
        let repeated = env
            .store
            .write(move |tx| {
                let abandoned = owner.as_deref().map_or(Abandoned::Expired, Abandoned::OwnedBy);
                tx.repeat_submitting(workspace_id, id, abandoned, now)
            })
            .await;
        if let Err(error) = repeated {
            let error: StoreError = error;
            // They stay as they are until the next look; nothing may call them unknown before.
            tracing::error!(%error, channel_id = %channel.id, "unfinished messages could not be taken back");
            return;
        }
    }
    recover(env, channel, owner).await;
}

/// A repeat under the same key does no harm here, so what had no answer is sent again. It may have left all the same: it
/// uses up an attempt, and no other account takes it over.
fn repeated(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown { reason, .. } => {
            let failure = Failure { class: ErrorClass::Unknown.as_str().to_owned(), code: None, reason };
            Outcome::NotSent { failure, wait: None, cost: Cost::Doubt }
        }
        other => other,
    }
}

/// Where the provider fetches the files of a message: an address for each, which works for some hours.
async fn addresses_of_files(
    env: &Env,
    config: &TwilioConfig,
    message: &OutboxMessage,
) -> Result<Vec<String>, StoreError> {
    let Some(content) = message.content::<SmsContent>().ok().filter(SmsContent::is_mms) else {
        return Ok(Vec::new());
    };
    let key = env.file_key.get_or_try_init(|| file_address::key(&env.store, &env.ctx)).await?;
    let origin = env.files_origin.as_deref().unwrap_or_else(|| config.callback_base_url.trim_end_matches('/'));
    let address =
        |media_id| FileAddress { workspace_id: message.workspace_id, media_id, purpose: FilePurpose::Carrier };
    Ok(content.media.iter().map(|id| address(*id).under(origin, key, env.ctx.now())).collect())
}

/// What the provider is asked to send: it may try until the hours close where the recipient is, or the message expires.
fn text_message(
    config: &TwilioConfig,
    message: &OutboxMessage,
    (content, media): (SmsContent, Vec<String>),
    until: Option<Timestamp>,
    now: Timestamp,
) -> TextMessage {
    TextMessage {
        to: message.address.clone(),
        from: content.source,
        text: content.text,
        media,
        status_callback: Some(status_callback(config, message)),
        validity: validity(until, now),
        key: (config.repeats == Repeats::SentOnce).then(|| message.id.to_string()),
    }
}

/// Where the provider reports what becomes of the message.
fn status_callback(config: &TwilioConfig, message: &OutboxMessage) -> String {
    let base = config.callback_base_url.trim_end_matches('/');
    format!("{base}/webhooks/twilio/{}/status?{MESSAGE_ID_PARAMETER}={}", message.channel_id, message.id)
}

/// Puts the refusal into the inbox as if it had come by callback.
async fn note_opt_out(env: &Env, channel: &Channel, message: &OutboxMessage) {
    let item = TwilioItem::Status(StatusCallback {
        sid: String::new(),
        status: "failed".to_owned(),
        error_code: Some(codes::OPTED_OUT),
        to: Some(message.address.clone()),
        message_id: Some(message.id),
    });
    let Ok(payload) = Payload::of(&item) else { return };
    let row = NewInbox {
        id: env.ctx.id(),
        channel_id: channel.id,
        kind: InboxKind::Twilio,
        external_id: item.external_id(),
        subject: message.address.clone(),
        payload,
    };
    let (workspace_id, now) = (channel.workspace_id, env.ctx.now());
    let stored = env.store.write(move |tx| tx.receive(workspace_id, &row, now)).await;
    if let Err(error) = stored {
        let error: StoreError = error;
        // The next message to this recipient is refused in the same way, and noted then.
        tracing::error!(%error, message_id = %message.id, "an opt-out at the provider could not be noted");
    }
}

fn outcome(outcome: SendOutcome) -> (Outcome, Option<Pause>) {
    let failure = |class: ErrorClass, code: Option<i64>, reason: String| Failure {
        class: class.as_str().to_owned(),
        code: code.map(|code| code.to_string()),
        reason,
    };
    match outcome {
        SendOutcome::Accepted { sid } => (Outcome::Accepted(vec![sid]), None),
        SendOutcome::NotSent { class, code, act, retry_after, reason } => {
            let pause = match act {
                Act::Alert => Pause::Alarm,
                Act::SlowDown if class == ErrorClass::ProviderDown && code.is_none() => Pause::Down,
                Act::SlowDown | Act::Final => Pause::For(retry_after.unwrap_or(SLOW_DOWN_PAUSE).min(LONGEST_PAUSE)),
            };
            let outcome = match act {
                // Nothing works until an administrator acts, which says nothing about this message.
                Act::Alert => {
                    Outcome::NotSent { failure: failure(class, code, reason), wait: retry_after, cost: Cost::Free }
                }
                Act::SlowDown | Act::Final => Outcome::not_sent(failure(class, code, reason), class, retry_after),
            };
            (outcome, Some(pause))
        }
        SendOutcome::Refused { class, code, reason } => (Outcome::Refused(failure(class, code, reason)), None),
        SendOutcome::Unknown { reason } => (Outcome::Unknown { reason, provider_ids: Vec::new() }, None),
    }
}

#[cfg(test)]
mod tests {
    use segue_model::{
        MessageId,
        consent::{ConsentState, Medium, Purpose},
        delivery::MessageClass,
        time,
    };
    use segue_store::{
        channel::ChannelConfig,
        outbox::{AddressKind, Claim, NewOutbox},
    };

    use super::*;

    const CUSTOMER: &str = "+12125550199";

    #[test]
    fn what_needs_an_administrator_uses_up_no_attempt_of_a_message() {
        for code in [20_003, 20_005, 20_008, 20_404, 30_002] {
            let meaning = codes::meaning(code);
            let (outcome, pause) = outcome(SendOutcome::NotSent {
                class: meaning.class,
                code: Some(code),
                act: meaning.act,
                retry_after: None,
                reason: meaning.reason.to_owned(),
            });
            assert!(matches!(outcome, Outcome::NotSent { cost: Cost::Free, .. }), "{code}: {outcome:?}");
            assert!(matches!(pause, Some(Pause::Alarm)), "{code}: {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_in_a_pause_makes_it_longer_and_no_second_one() {
        let (began, mut rest) = (Instant::now(), Rest::default());
        let ms = Duration::from_millis;
        rest.at_least(ms(1_000), began);
        // What was on the wire together is refused a little later.
        rest.at_least(ms(1_000), began + ms(200));
        rest.at_least(ms(500), began + ms(300));
        rest.over().await;
        assert_eq!(began.elapsed(), ms(1_200));
        assert!(tokio::time::timeout(ms(5_000), Rest::default().over()).await.is_err(), "without one nothing ends");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_provider_may_try_until_the_hours_close_or_the_message_expires() {
        for test in segue_testkit::engines().await {
            let config = TwilioConfig {
                base_url: "http://127.0.0.1:1".to_owned(),
                account_sid: "AC00".to_owned(),
                auth_token: "secret".to_owned(),
                secondary_auth_token: String::new(),
                messaging_service_sid: String::new(),
                callback_base_url: "http://127.0.0.1:1".to_owned(),
                segments_per_second: 1,
                repeats: Repeats::SentAgain,
            };
            let channel = test.channel("http", ChannelConfig::Twilio(config.clone())).await;
            let source = test.sender(channel.id, "+15550100").await.address;
            test.set_consent(Medium::Sms, CUSTOMER, Purpose::Marketing, ConsentState::Granted).await;
            let (workspace_id, now) = (test.workspace_id(), test.now());
            // It is noon in New York: by law and by the workspace's own hours the day ends at nine in the evening.
            for (class, expires_after, hours) in [
                (MessageClass::Marketing, None, Some(9)),
                (MessageClass::Marketing, Some(time::HOUR), Some(1)),
                (MessageClass::Marketing, Some(time::DAY), Some(9)),
                (MessageClass::Service, None, None),
            ] {
                let id: MessageId = test.ctx.id();
                let content = SmsContent::of_text(source.clone(), "Sale".to_owned());
                let new = NewOutbox {
                    id,
                    channel_id: channel.id,
                    class,
                    dedupe_key: id.to_string(),
                    address: CUSTOMER.to_owned(),
                    address_kind: AddressKind::Phone,
                    payload: Payload::of(&content).expect("it has a JSON form"),
                    campaign: None,
                    session_id: None,
                    not_before: now,
                    expires_at: expires_after.map(|after| now.plus(after)),
                    segments: Some(1),
                };
                let (ctx, own) = (test.ctx.clone(), channel.clone());
                let begun = test.store.write::<_, StoreError, _>(move |tx| {
                    tx.enqueue(workspace_id, &new, now)?;
                    let until = now.plus(time::MINUTE);
                    let claim = Claim { owner: "test", limit: 1, lease_until: until, now };
                    let message = tx.claim_outbox(workspace_id, own.id, &claim)?.remove(0);
                    Ok((begin_text(tx, &ctx, &own, &message, until)?, message))
                });
                let (begun, message) = begun.await.expect("the store works");
                let (content, until) = begun.expect("it may leave");
                let text = text_message(&config, &message, (content, Vec::new()), until, now);
                let expected = hours.map(|hours| Duration::from_secs(hours * 3_600));
                assert_eq!(text.validity, expected, "{} {class}", test.engine);
            }
        }
    }
}
