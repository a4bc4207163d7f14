//! Works through the traffic of an SMS account in turns, with its window kept full.
//!
//! A turn is one transaction: it records the outcomes that came in since the last one, takes in what the carrier has
//! delivered, and begins as many due messages as the window has room for then. Only when it has committed do the new ones
//! go out, and is the carrier told that its deliveries are on disk. So a message costs three changes of its row after it
//! was planned, whatever the load; a turn is as large as what gathered during the one before it; never are more messages
//! `submitting` than the window holds, or than leave within a moment by the account's rate ([`Room`]); and a receipt that came
//! right after its answer finds its message.
//!
//! However long a message waits for its turn by the rate or for the carrier's answer, it is not taken for one that a worker
//! left behind: before what was left behind is looked for, the leases of what is on the wire are renewed, in the same
//! transaction.
//!
//! # Why a crash at each point is safe
//! - Before the commit of a turn: its outcomes are not recorded, so those messages become `unknown` when the node starts
//!   again, and their receipts resolve them. Deliveries were not acknowledged, and come again. Nothing new has been begun.
//! - After the commit, before the bytes: what was begun becomes `unknown` too. It is never sent again by itself.
//! - When the database fails a turn, its outcomes and its deliveries are stored by themselves, each as far as it can be,
//!   and nothing is begun meanwhile.

use std::{collections::HashMap, sync::Arc, time::Duration};

use segue_channels::{
    ErrorClass,
    smpp::{Delivery, Settled, SmppSession, Submission, SubmitSms},
};
use segue_model::{Timestamp, wake::Wake};
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    outbox::{Abandoned, OutboxMessage},
    report::ParkedSweep,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    account::of_doubt,
    inbound::{Arrived, take_in},
    room::{Load, Room, Size},
    settle::{Outcome, record_all, settle_all},
    sms::{outcome, recovered, reference, validity},
    submission::{Beginning, Begun, Due, begin_due},
    supervisor::Env,
    window::MESSAGE_LEASE,
};

/// How long to wait for work without being told of any.
const POLL: Duration = Duration::from_millis(500);
/// How long the first outcome of a turn waits for others, while there are fewer than [`Turns::enough`].
const GATHER: Duration = Duration::from_millis(2);
/// How often what workers left behind is looked for.
const RECOVER_EVERY: Duration = Duration::from_secs(5);
/// Most messages of which a turn waits for all outcomes: each turn costs a wait for the disk, however small it is.
const WHOLE_WINDOW: usize = 64;

/// The sending side of an account.
pub(crate) struct Turns<'a> {
    pub env: &'a Env,
    pub channel: &'a Channel,
    pub session: &'a SmppSession,
    /// Most messages on the wire.
    pub window: usize,
    /// Whether anything may be sent at the moment.
    pub open: watch::Receiver<bool>,
    pub stop: &'a CancellationToken,
    /// Why the carrier refuses to take anything of this account, from the last answer of its own; nothing once it took a message.
    pub trouble: &'a watch::Sender<Option<String>>,
    /// What the carrier delivers.
    pub deliveries: mpsc::UnboundedReceiver<Delivery>,
}

/// What came in for the next turn.
#[derive(Default)]
struct Came {
    answers: Vec<Settled>,
    deliveries: Vec<Delivery>,
}

impl Came {
    /// Takes in what there is, and waits a little for more while there are fewer than `enough` answers. Deliveries
    /// first: so the answer to a message is never left behind by its receipt.
    async fn gather(
        &mut self,
        enough: usize,
        settled: &mut mpsc::UnboundedReceiver<Vec<Settled>>,
        deliveries: &mut mpsc::UnboundedReceiver<Delivery>,
    ) {
        let until = tokio::time::Instant::now() + GATHER;
        loop {
            while let Ok(delivery) = deliveries.try_recv() {
                self.deliveries.push(delivery);
            }
            while let Ok(batch) = settled.try_recv() {
                self.answers.extend(batch);
            }
            if (self.answers.is_empty() && self.deliveries.is_empty()) || self.answers.len() >= enough {
                return;
            }
            match tokio::time::timeout_at(until, settled.recv()).await {
                Ok(Some(batch)) => self.answers.extend(batch),
                Ok(None) | Err(_) => return,
            }
        }
    }
}

/// A message that waits in the session or for the carrier's answer.
struct OnTheWay {
    message: OutboxMessage,
    size: Size,
    lease_until: Timestamp,
}

impl OnTheWay {
    /// Whether its lease is to be renewed: half of one is left at least at the next look.
    fn is_old(&self, now: Timestamp) -> bool {
        self.lease_until < now.plus(MESSAGE_LEASE / 2)
    }
}

/// What is on the wire, by the names their outcomes come under.
type OnTheWire = HashMap<u128, OnTheWay>;

impl Turns<'_> {
    /// Works until `stop`; what is on the wire then is settled.
    pub async fn run(mut self) {
        let (outcomes, mut settled) = mpsc::unbounded_channel();
        let mut listener = self.env.bus.listen();
        let mut on_the_wire = OnTheWire::with_capacity(self.window);
        let mut came = Came::default();
        let mut room = Room::of(self.window);
        let mut recovered_at = tokio::time::Instant::now();
        let mut parked = ParkedSweep::default();
        let (mut look, mut looks) = (true, 0_usize);
        loop {
            let stopping = self.stop.is_cancelled();
            if stopping && on_the_wire.is_empty() {
                break;
            }
            if recovered_at.elapsed() >= RECOVER_EVERY {
                self.recover(&mut on_the_wire, &mut parked).await;
                recovered_at = tokio::time::Instant::now();
            }
            let open = *self.open.borrow_and_update();
            if !(open && !stopping && look && room.left(self.load()) > 0) {
                tokio::select! {
                    Some(batch) = settled.recv() => came.answers.extend(batch),
                    Some(delivery) = self.deliveries.recv() => came.deliveries.push(delivery),
                    () = listener.until(POLL, |wake| wake == Wake::Outbox(self.channel.id)) => look = true,
                    Ok(()) = self.open.changed() => continue,
                    () = self.stop.cancelled(), if !stopping => continue,
                }
            }
            came.gather(self.enough(on_the_wire.len()), &mut settled, &mut self.deliveries).await;
            let done: Vec<_> = came
                .answers
                .drain(..)
                .filter_map(|answer| {
                    let OnTheWay { message, size, .. } = on_the_wire.remove(&answer.tag)?;
                    room.ended(size);
                    let outcome = of_doubt(self.channel, message.class, outcome(answer.outcome));
                    self.notice(&outcome);
                    Some((message, outcome))
                })
                .collect();
            // With an answer there is room again, and perhaps a further message of a campaign whose share was used up.
            look |= !done.is_empty();
            let most = if open && !stopping && look { room.left(self.load()) } else { 0 };
            let arrived = Arrived::of(came.deliveries.drain(..));
            if done.is_empty() && arrived.is_empty() && most == 0 {
                continue;
            }
            let beginning = self.turn(done, arrived, (most, looks)).await;
            if most > 0 {
                looks = looks.wrapping_add(1);
                look = beginning.looked_at == most;
            }
            self.submit(beginning, (&mut on_the_wire, &mut room), &outcomes);
        }
        // The carrier is asked to deliver again what comes from here on, to whoever holds the channel next.
    }

    /// Keeps what an answer says of the account.
    fn notice(&self, outcome: &Outcome) {
        match outcome {
            Outcome::NotSent { failure, .. }
                if failure.code.is_some() && failure.class == ErrorClass::Authentication.as_str() =>
            {
                self.trouble.send_replace(Some(failure.reason.clone()));
            }
            Outcome::Accepted(_) => {
                self.trouble.send_if_modified(|trouble| trouble.take().is_some());
            }
            _ => {}
        }
    }

    fn load(&self) -> Load {
        let (with_carrier, rate) = self.session.load();
        Load { with_carrier, rate }
    }

    /// Takes back what workers left behind, which nothing that is on the wire here is.
    async fn recover(&self, on_the_wire: &mut OnTheWire, parked: &mut ParkedSweep) {
        let (ctx, workspace_id, id) = (self.env.ctx.clone(), self.channel.workspace_id, self.channel.id);
        let now = ctx.now();
        let lease_until = now.plus(MESSAGE_LEASE);
        let old: Vec<_> = on_the_wire.values().filter(|it| it.is_old(now)).map(|it| it.message.clone()).collect();
        let from = *parked;
        let recovery = self.env.store.write(move |tx| {
            tx.extend_claims(&old, lease_until)?;
            let counts = tx.recover_outbox(workspace_id, id, Abandoned::Expired, &ctx)?;
            let (_, parked) = tx.match_parked_reports(workspace_id, id, from, &ctx)?;
            Ok::<_, StoreError>((counts, parked))
        });
        let recovery = recovery.await;
        if let Ok((_, next)) = &recovery {
            *parked = *next;
            on_the_wire.values_mut().filter(|it| it.is_old(now)).for_each(|it| it.lease_until = lease_until);
        }
        recovered(id, recovery.map(|(counts, _)| counts));
    }

    /// For how many outcomes a turn waits a little: all that are to come, or half of a large window, so that the carrier
    /// has work while they are recorded.
    fn enough(&self, on_the_wire: usize) -> usize {
        on_the_wire.min(WHOLE_WINDOW.max(self.window / 2))
    }

    /// Records outcomes, takes deliveries in and begins up to `room` messages, in one transaction.
    async fn turn(
        &self,
        done: Vec<(OutboxMessage, Outcome)>,
        arrived: Arrived,
        (room, turn): (usize, usize),
    ) -> Beginning {
        let (ctx, channel, node) = (self.env.ctx.clone(), self.channel.clone(), self.env.node.clone());
        let (done, limit) = (Arc::new(done), u32::try_from(room).unwrap_or(u32::MAX));
        let (own, items) = (Arc::clone(&done), arrived.items());
        let is_large = room.max(done.len()).max(items.inbound.len()) > WHOLE_WINDOW;
        let work = move |tx: &mut Tx<'_>| {
            // The locks in the order in which everybody takes them: consents before rows.
            if limit > 0 {
                tx.hold_consents(channel.workspace_id)?;
            }
            record_all(tx, &ctx, &own)?;
            take_in(tx, &ctx, &channel, &items)?;
            if limit == 0 {
                return Ok(Beginning::default());
            }
            let due = Due { limit, turn, owner: &node, lease_until: ctx.now().plus(MESSAGE_LEASE) };
            begin_due(tx, &ctx, &channel, &due)
        };
        // Conversations do not wait for the many of a campaign.
        let store = &self.env.store;
        let turned = if is_large { store.write_bulk(work).await } else { store.write(work).await };
        match turned {
            Ok(beginning) => {
                arrived.acknowledge();
                beginning
            }
            Err(error) => {
                let error: StoreError = error;
                tracing::error!(%error, channel_id = %self.channel.id, "a turn failed; its parts are stored one by one");
                settle_all(self.env, Arc::unwrap_or_clone(done)).await;
                arrived.store_alone(self.env, self.channel).await;
                Beginning::default()
            }
        }
    }

    fn submit(
        &self,
        Beginning { begun, lease_until, .. }: Beginning,
        (on_the_wire, room): (&mut OnTheWire, &mut Room),
        outcomes: &mpsc::UnboundedSender<Vec<Settled>>,
    ) {
        if begun.is_empty() {
            return;
        }
        let now = self.env.ctx.now();
        metrics::counter!("segue_submissions_total", "kind" => "sms").increment(begun.len() as u64);
        let batch: Vec<_> = begun
            .into_iter()
            .map(|Begun { message, content, segments }| {
                let size = Size { parts: self.channel.config.writing().parts(segments), segments };
                room.begun(size);
                let sms = SubmitSms {
                    source: content.source,
                    destination: message.address.clone(),
                    text: content.text,
                    validity: validity(message.expires_at, now),
                    reference: reference(&message),
                };
                let tag = message.id.0.as_u128();
                on_the_wire.insert(tag, OnTheWay { message, size, lease_until });
                Submission { tag, sms }
            })
            .collect();
        self.session.submit_all(batch, outcomes);
    }
}
