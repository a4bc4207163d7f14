//! The worker of an SMS account: holds the session with the carrier, and sends what is due.
//!
//! One node holds a channel's session at a time, by a lease with an epoch. At most the window's number of messages are
//! `submitting` at once, so at most that many can be in doubt after a crash.

use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng};
use segue_channels::{
    ErrorClass,
    smpp::{SessionState, SmppSession, SubmitOutcome},
};
use segue_model::{ChannelId, Timestamp, time};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelState, SmppConfig},
    outbox::{Abandoned, OutboxMessage},
    report::ParkedSweep,
    submission::Failure,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{account, account_health, channel_state, failover, settle::Outcome, supervisor::Env, turns::Turns};

/// How long a node may be silent before another one takes its channel over.
const CHANNEL_LEASE: i64 = 30 * time::SECOND;
/// How often the lease is renewed.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How long to wait before trying again to become the holder of a channel.
pub(crate) const STANDBY: Duration = Duration::from_secs(2);

/// How long nothing is sent after an answer that refuses the account or the connection.
const ALARM_PAUSE: Duration = Duration::from_secs(30);
/// How long a session that carries nothing has to stand before such an answer is forgiven: where another account sends
/// meanwhile, no message would ever find out that the carrier takes them again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// Runs until `stop`.
pub(crate) async fn run(env: Env, channel: Channel, config: SmppConfig, stop: CancellationToken) {
    // It outlives a session: what refused messages stands until the carrier takes one, or a session stands for a while.
    let (trouble, _) = watch::channel(None);
    while !stop.is_cancelled() {
        match lease(&env, &channel).await {
            Ok(true) => hold(&env, &channel, (&config, &trouble), &stop).await,
            Ok(false) => tracing::debug!(channel_id = %channel.id, "another node holds the channel"),
            Err(error) => tracing::error!(%error, channel_id = %channel.id, "the lease of a channel cannot be taken"),
        }
        tokio::select! {
            () = tokio::time::sleep(STANDBY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Takes or renews the right to serve a channel. `false` when another node has it.
pub(crate) async fn lease(env: &Env, channel: &Channel) -> Result<bool, StoreError> {
    let (node, now, workspace_id, id) = (env.node.clone(), env.ctx.now(), channel.workspace_id, channel.id);
    let epoch =
        env.store.write(move |tx| tx.lease_channel(workspace_id, id, &node, now.plus(CHANNEL_LEASE), now)).await?;
    Ok(epoch.is_some())
}

/// Holds the session for as long as the lease is ours. A carrier that refuses the account or the connection gets a new
/// connection after a while.
async fn hold(
    env: &Env,
    channel: &Channel,
    (config, trouble): (&SmppConfig, &watch::Sender<Option<String>>),
    stop: &CancellationToken,
) {
    recover(env, channel, Some(&env.node)).await;
    let account = match account::account(config) {
        Ok(account) => account,
        Err(error) => {
            channel_state::set(env, channel, ChannelState::Error, Some(error.to_string())).await;
            // Nothing changes before the settings do, and then this worker is replaced.
            return stop.cancelled().await;
        }
    };
    let (session, deliveries) = SmppSession::spawn(account, StdRng::from_seed(env.ctx.random_bytes()));
    let lost = stop.child_token();
    let keeper = tokio::spawn(keep(env.clone(), channel.clone(), session.clone(), lost.clone()));
    let (bound, open) = watch::channel(false);
    let watched = Health { bound, trouble: trouble.subscribe(), forgive: trouble.clone(), lost: lost.clone() };
    let health = tokio::spawn(watch_health(env.clone(), channel.clone(), session.state(), watched));

    let window = account::window(config);
    Turns { env, channel, session: &session, window, open, stop: &lost, trouble, deliveries }.run().await;

    session.shutdown().await;
    lost.cancel();
    for task in [keeper, health] {
        if let Err(error) = task.await {
            tracing::error!(%error, channel_id = %channel.id, "a task of a channel ended by a panic");
        }
    }
}

/// Renews the lease, and cancels `lost` when it is gone. What workers left behind is taken back by the turns, which know
/// what is their own.
async fn keep(env: Env, channel: Channel, session: SmppSession, lost: CancellationToken) {
    let mut sweep = failover::Sweep::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(RENEW_EVERY) => {}
            () = lost.cancelled() => return,
        }
        account_health::publish(&channel, &session.stats());
        match lease(&env, &channel).await {
            Ok(true) => {
                sweep.next(&env, &channel).await;
            }
            Ok(false) => {
                tracing::warn!(channel_id = %channel.id, "another node has taken the channel over");
                lost.cancel();
            }
            // The database is away: without it nothing is claimed, so the session may stay.
            Err(error) => tracing::error!(%error, channel_id = %channel.id, "a lease could not be renewed"),
        }
    }
}

/// Takes back what was claimed and not finished: everything of `owner`, who has just started, or what ran out.
pub(crate) async fn recover(env: &Env, channel: &Channel, owner: Option<&str>) {
    let (ctx, workspace_id, id) = (env.ctx.clone(), channel.workspace_id, channel.id);
    let owner = owner.map(str::to_owned);
    let recovered = env
        .store
        .write(move |tx| {
            let abandoned = owner.as_deref().map_or(Abandoned::Expired, Abandoned::OwnedBy);
            let counts = tx.recover_outbox(workspace_id, id, abandoned, &ctx)?;
            tx.match_parked_reports(workspace_id, id, ParkedSweep::default(), &ctx)?;
            Ok::<_, StoreError>(counts)
        })
        .await;
    self::recovered(id, recovered);
}

/// Tells of what was taken back.
pub(crate) fn recovered(id: ChannelId, counts: Result<(usize, usize), StoreError>) {
    match counts {
        Ok((0, 0)) => {}
        Ok((queued, unknown)) => tracing::info!(channel_id = %id, queued, unknown, "took back unfinished messages"),
        Err(error) => tracing::error!(%error, channel_id = %id, "unfinished messages could not be taken back"),
    }
}

/// What the health of a session is told by and acts on.
struct Health {
    /// Whether the sender may send.
    bound: watch::Sender<bool>,
    /// Why the carrier refuses the account, as the sender learns it.
    trouble: watch::Receiver<Option<String>>,
    /// Where that is forgotten.
    forgive: watch::Sender<Option<String>>,
    /// Ends the session.
    lost: CancellationToken,
}

/// Follows the session: `bound` tells the sender, the channel's state tells people. When the carrier refuses the account,
/// nothing leaves for a while, and then over a new connection.
async fn watch_health(env: Env, channel: Channel, mut states: watch::Receiver<SessionState>, mut health: Health) {
    loop {
        // One look for both: a change between two looks would be seen by one of them and announced to none.
        let seen = states.borrow_and_update().clone();
        health.bound.send_replace(seen == SessionState::Bound);
        let trouble = health.trouble.borrow().clone();
        let may_forgive = seen == SessionState::Bound && trouble.is_some();
        let (state, detail) = match (&seen, trouble) {
            (SessionState::BackingOff { class: ErrorClass::Authentication, reason, .. }, _) => {
                (ChannelState::Error, Some(reason.clone()))
            }
            (SessionState::BackingOff { reason, .. }, _) => (ChannelState::Disconnected, Some(reason.clone())),
            (SessionState::Draining, None) => (ChannelState::Disconnected, Some("Segue is shutting down.".to_owned())),
            (SessionState::Closed, _) => return,
            (_, Some(reason)) => (ChannelState::Error, Some(reason)),
            (SessionState::Connecting, None) => (ChannelState::Connecting, None),
            (SessionState::Bound, None) => (ChannelState::Connected, None),
        };
        channel_state::set(&env, &channel, state, detail).await;
        tokio::select! {
            changed = states.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(FORGIVEN_AFTER), if may_forgive => {
                health.forgive.send_if_modified(|trouble| trouble.take().is_some());
            }
            Ok(()) = health.trouble.changed() => {
                let refused = health.trouble.borrow_and_update().clone();
                let Some(reason) = refused else { continue };
                health.bound.send_replace(false);
                channel_state::set(&env, &channel, ChannelState::Error, Some(reason)).await;
                tokio::select! {
                    () = tokio::time::sleep(ALARM_PAUSE) => health.lost.cancel(),
                    () = health.lost.cancelled() => {}
                }
                return;
            }
        }
    }
}

/// How long the carrier may try, when the message has an end.
pub(crate) fn validity(expires_at: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    expires_at.map(|end| Duration::from_millis(u64::try_from(end.since(now)).unwrap_or_default()))
}

/// A number that repeats rarely for one recipient, for joining the parts of a long text.
pub(crate) fn reference(message: &OutboxMessage) -> u16 {
    let bits = message.id.0.as_u128();
    u16::try_from((bits ^ (bits >> 64)) & 0xFFFF).unwrap_or_default()
}

pub(crate) fn outcome(outcome: SubmitOutcome) -> Outcome {
    let failure = |class: ErrorClass, code: Option<u32>, reason: String| Failure {
        class: class.as_str().to_owned(),
        code: code.map(|code| format!("{code:#x}")),
        reason,
    };
    match outcome {
        SubmitOutcome::Accepted { message_ids } => Outcome::Accepted(message_ids),
        SubmitOutcome::NotSent { class, code, reason } => Outcome::not_sent(failure(class, code, reason), class, None),
        SubmitOutcome::Refused { class, code, reason } => Outcome::Refused(failure(class, code, reason)),
        SubmitOutcome::Unknown { reason, message_ids } => Outcome::Unknown { reason, provider_ids: message_ids },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use segue_store::channel::ChannelConfig;
    use segue_testkit::TestStore;

    use super::*;
    use crate::Files;

    fn env(test: &TestStore) -> Env {
        Env {
            store: test.store.clone(),
            bus: test.bus.clone(),
            ctx: test.ctx.clone(),
            node: "one".into(),
            files: Files::in_database(test.store.clone(), test.ctx.clone()),
            files_origin: None,
            file_key: Arc::default(),
            uploads: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    async fn until_shown(test: &TestStore, channel: &Channel, wanted: ChannelState) {
        let (workspace_id, id) = (channel.workspace_id, channel.id);
        for _ in 0..1_000 {
            let found = test.store.read(move |tx| tx.channel(workspace_id, id)).await.unwrap().unwrap();
            if found.state == wanted {
                // The watcher goes on to wait.
                return tokio::time::sleep(Duration::from_millis(50)).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the channel never was {wanted}");
    }

    #[tokio::test]
    async fn a_refused_account_is_forgiven_when_its_session_has_stood_for_a_while_without_messages() {
        for test in segue_testkit::engines().await {
            let config = SmppConfig::new("127.0.0.1", 1, "segue", "secret");
            let channel = test.channel("smpp", ChannelConfig::Smpp(config)).await;
            let trouble = watch::Sender::new(Some("The carrier refused the password.".to_owned()));
            let states = watch::Sender::new(SessionState::Connecting);
            let (bound, lost) = (watch::Sender::new(false), CancellationToken::new());
            let health = Health { bound, trouble: trouble.subscribe(), forgive: trouble.clone(), lost: lost.clone() };
            let watcher = tokio::spawn(watch_health(env(&test), channel.clone(), states.subscribe(), health));
            until_shown(&test, &channel, ChannelState::Error).await;
            let wait = async |time: Duration| {
                tokio::time::pause();
                tokio::time::advance(time).await;
                tokio::time::resume();
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            wait(2 * FORGIVEN_AFTER).await;
            assert!(trouble.borrow().is_some(), "{}: not while it is not connected", test.engine);
            states.send_replace(SessionState::Bound);
            tokio::time::sleep(Duration::from_millis(200)).await;
            wait(FORGIVEN_AFTER / 2).await;
            assert!(trouble.borrow().is_some(), "{}: not at once", test.engine);
            wait(FORGIVEN_AFTER / 2).await;
            assert_eq!(*trouble.borrow(), None, "{}", test.engine);
            until_shown(&test, &channel, ChannelState::Connected).await;
            assert!(!lost.is_cancelled(), "{}: the session stays", test.engine);
            states.send_replace(SessionState::Closed);
            watcher.await.unwrap();
        }
    }
}
