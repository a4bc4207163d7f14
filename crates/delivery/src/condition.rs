//! How a WhatsApp number does: what its messages are refused for, and what WhatsApp says when it is asked about the number.

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
    whatsapp::{GraphClient, GraphFailure, SendPace, errors::Act, pace},
};
use segue_model::{Ctx, Timestamp};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelState, Refusal, RefusedBy},
    submission::Failure,
};
use tokio::time::Instant;

use crate::{alerts, channel_state, numbers, supervisor::Env, templates, whatsapp};

/// How often unfinished messages of nodes that are gone are looked for.
pub(crate) const RECOVER_EVERY: Duration = Duration::from_secs(15);
/// How often the number and its templates are looked at; webhooks tell of changes in between.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// What this node knows of trouble of the number; the truth is in the store.
#[derive(Default)]
pub(crate) struct Trouble {
    /// Whether a refusal stood in the store when it was last read or written: without one, a message that is taken ends
    /// none, and costs no write.
    is_refused: AtomicBool,
    /// Notices that are kept already.
    told: Mutex<BTreeSet<String>>,
}

impl Trouble {
    /// Stores that a message was refused for a reason that lies with the account, and shows it.
    pub(crate) async fn refused(&self, env: &Env, channel: &Channel, (reason, at): (String, Timestamp)) {
        self.is_refused.store(true, Ordering::Release);
        let (ctx, own) = (env.ctx.clone(), channel.clone());
        let refusal = Refusal { reason, at, by: RefusedBy::Answer };
        let stored = env.store.write(move |tx| channel_state::refuse_in(tx, &ctx, &own, &refusal)).await;
        log_unstored(channel, stored);
    }

    /// A message was taken that was begun then: what was met in answers before it is over. That it is taken says nothing
    /// of what reports told of, for those come after it.
    pub(crate) async fn taken(&self, env: &Env, channel: &Channel, begun_at: Timestamp) {
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
    pub(crate) async fn refresh(&self, env: &Env, channel: &Channel) -> bool {
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
    pub(crate) async fn tell(&self, env: &Env, channel: &Channel, failure: &Failure) {
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

/// Looks at a number without an answer. Who did not answer is asked again soon, for people look at the screen until he does,
/// and less and less often the longer that lasts.
#[derive(Default)]
pub(crate) struct Silence {
    /// How many looks in a row had no answer.
    looks: u32,
    /// When the last one ended.
    since: Option<Instant>,
}

impl Silence {
    pub(crate) fn looked(&mut self, is_answered: bool) {
        self.looks = if is_answered { 0 } else { self.looks.saturating_add(1) };
        self.since = Some(Instant::now());
    }

    /// How long nobody is asked again; `None` when there was an answer.
    fn wait(&self) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(self.looks.checked_sub(1)?);
        Some(RECOVER_EVERY.saturating_mul(doubled).min(LOOK_EVERY))
    }

    pub(crate) fn is_to_be_broken(&self) -> bool {
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
pub(crate) async fn look(env: &Env, channel: &Channel, (client, pace): (&GraphClient, &Mutex<SendPace>)) -> bool {
    let asked_at = env.ctx.now();
    let asked = client.phone_number().await;
    let is_answered = !asked.as_ref().is_err_and(is_no_answer);
    let found = match asked {
        Ok(number) => {
            whatsapp::locked(pace).set_rate(pace::rate_of(number.throughput.as_deref()), Instant::now());
            numbers::looked_at(env, channel, (number.clone(), asked_at)).await;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
