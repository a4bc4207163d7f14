//! Keeps a channel's window full: so many messages on the wire at once, the next ones claimed and at hand.
//!
//! A message that takes long occupies one place and holds nobody else up. Whenever one is settled there may be more to
//! claim: the next of its session, or of a campaign whose share was used up.

use std::{collections::VecDeque, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use segue_model::{time, wake::Wake};
use segue_store::{
    StoreError,
    channel::Channel,
    outbox::{Claim, OutboxMessage},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::supervisor::Env;

/// How long a claimed message may go without an outcome: longer than any provider may take to answer.
pub(crate) const MESSAGE_LEASE: i64 = 2 * time::MINUTE;
/// How long to wait for work without being told of any.
const POLL: Duration = Duration::from_millis(500);

/// What is claimed and has no place on the wire yet: answers of people and bots before the messages of campaigns, which may
/// have been claimed earlier.
#[derive(Default)]
struct AtHand {
    direct: VecDeque<OutboxMessage>,
    of_campaigns: VecDeque<OutboxMessage>,
}

impl AtHand {
    fn len(&self) -> usize {
        self.direct.len() + self.of_campaigns.len()
    }

    fn add(&mut self, claimed: Vec<OutboxMessage>) {
        for message in claimed {
            let lane = if message.campaign_id.is_some() { &mut self.of_campaigns } else { &mut self.direct };
            lane.push_back(message);
        }
    }

    fn next(&mut self) -> Option<OutboxMessage> {
        self.direct.pop_front().or_else(|| self.of_campaigns.pop_front())
    }
}

/// A window onto a channel.
pub(crate) struct Window<'a> {
    pub env: &'a Env,
    pub channel: &'a Channel,
    /// Most messages on the wire.
    pub size: usize,
    /// Whether anything may be sent at the moment.
    pub open: watch::Receiver<bool>,
    pub stop: &'a CancellationToken,
}

impl Window<'_> {
    /// Claims and sends until `stop`; what is on the wire then is settled, what is not is given back.
    pub(crate) async fn run<F: Future<Output = ()>>(mut self, send: impl Fn(OutboxMessage) -> F) {
        let mut listener = self.env.bus.listen();
        let (mut at_hand, mut on_the_wire) = (AtHand::default(), FuturesUnordered::new());
        let (mut look, mut looks, mut told) = (true, 0_usize, false);
        while !self.stop.is_cancelled() {
            if *self.open.borrow_and_update() {
                if look && at_hand.len() < self.size {
                    let limit = 2 * self.size - at_hand.len();
                    let claimed = self.claim(limit, Some(looks)).await;
                    looks = looks.wrapping_add(1);
                    (look, told) = (claimed.len() == limit, false);
                    at_hand.add(claimed);
                } else if told && at_hand.direct.len() < self.size {
                    // What is at hand is a campaign's: an answer does not wait for it.
                    let claimed = self.claim(self.size, None).await;
                    told = false;
                    at_hand.add(claimed);
                }
                while on_the_wire.len() < self.size
                    && let Some(message) = at_hand.next()
                {
                    on_the_wire.push(send(message));
                }
            }
            tokio::select! {
                Some(()) = on_the_wire.next() => look = true,
                () = listener.until(POLL, |wake| wake == Wake::Outbox(self.channel.id)) => (look, told) = (true, true),
                Ok(()) = self.open.changed() => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.give_back(at_hand).await;
        while on_the_wire.next().await.is_some() {}
    }

    /// Claims what is due; without a turn of the campaigns only what is of none.
    async fn claim(&self, limit: usize, turn: Option<usize>) -> Vec<OutboxMessage> {
        let (node, now) = (self.env.node.clone(), self.env.ctx.now());
        let (workspace_id, id) = (self.channel.workspace_id, self.channel.id);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let claimed = self
            .env
            .store
            .write(move |tx| {
                let claim = Claim { owner: &node, limit, lease_until: now.plus(MESSAGE_LEASE), now };
                match turn {
                    Some(turn) => tx.claim_in_turn(workspace_id, id, &claim, turn),
                    None => tx.claim_direct(workspace_id, id, &claim),
                }
            })
            .await;
        claimed.unwrap_or_else(|error: StoreError| {
            tracing::error!(%error, channel_id = %id, "the outbox cannot be read");
            Vec::new()
        })
    }

    async fn give_back(&self, AtHand { direct, of_campaigns }: AtHand) {
        let given_back = self
            .env
            .store
            .write(move |tx| {
                for message in direct.iter().chain(&of_campaigns) {
                    tx.put_back_message(message)?;
                }
                Ok::<_, StoreError>(())
            })
            .await;
        if let Err(error) = given_back {
            // Their claims run out.
            tracing::warn!(%error, channel_id = %self.channel.id, "claimed messages could not be given back");
        }
    }
}
