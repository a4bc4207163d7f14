//! Elements of WhatsApp webhooks on their way into the store: many webhooks in one transaction, and each element worked
//! on in the transaction that stores it, where that can be.
//!
//! A webhook that came waits here until the writer has time for it; the transaction then takes all that wait. So under
//! load the cost of a transaction is shared, and a webhook that is alone waits for nobody.
//!
//! An element is worked on at once ([`AppState::working_at_once_from`]) unless an earlier one of the same customer still
//! waits in the inbox, or its webhook holds so many that others would wait for it. It is then stored as `pending`, and the
//! worker of the inbox takes it.
//!
//! A message that is worked on at once leaves no row in the inbox: it stands in the conversation with all that it says, and a
//! repeat is found out by its id there. Everything else leaves one, which is `done`: statuses, notices, reactions, and what
//! the product does not understand.
//!
//! # The order of one customer's messages
//! When the transaction of many fails, its webhooks are written one by one, in the order in which they came. Until the
//! last of them has its end, no other transaction takes what came after them ([`Turn`]): a later message of a customer
//! would otherwise be in the conversation before an earlier one that is still being tried. What is left to the inbox
//! makes all that follows of its customer wait in the inbox, too. And when one cannot even be stored, so that its
//! provider has to deliver it again, later ones of the same customers in that batch are not stored either: the provider
//! delivers those again as well, and nothing overtakes.
//!
//! # Why a crash at each point is safe
//! - Before the commit nothing is there: neither row nor conversation. The provider was told nothing and delivers again.
//! - After it everything is there. The repeat is swallowed by the unique key of the row, which is `done`, or of the message.
//! - When work on one of them fails, the transaction leaves nothing, and each webhook gets one of its own. What fails again
//!   is stored as `pending` and worked on as often as any row of the inbox, until it is given up before a person's eyes.
//! - An element that ends the whole process would do so at each delivery. So after an end that was not a proper one the
//!   node stores elements first for as long as Meta repeats deliveries, and the worker counts its attempts.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use segue_channels::whatsapp::WebhookItem;
use segue_desk::inbound::Kept;
use segue_model::{ChannelId, Ctx, Timestamp, WorkspaceId};
use segue_store::{
    StoreError, Tx,
    inbox::{InboxKind, NewInbox},
    outbox::Payload,
};
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    AppState,
    webhook_channels::Known,
    whatsapp_items::{self, ItemError, Places},
};

/// Most elements in one transaction; a single webhook may hold more.
const MOST_TOGETHER: usize = 128;
/// Most elements of one webhook that are worked on while it waits for its answer.
const MOST_AT_ONCE: usize = 32;

/// Whether a webhook is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// Nothing is: the channel is no longer what the signature was checked with.
    ChannelChanged,
}

/// A webhook with a good signature.
pub(crate) struct Arrival {
    /// What the signature was checked with.
    pub known: Arc<Known>,
    pub elements: Vec<Element>,
}

impl Arrival {
    /// Whose messages it holds.
    fn customers(&self) -> impl Iterator<Item = (ChannelId, &str)> {
        self.elements.iter().map(|element| (element.channel_id, element.subject.as_str()))
    }
}

/// One element of a webhook.
pub(crate) struct Element {
    channel_id: ChannelId,
    external_id: String,
    subject: String,
    item: WebhookItem,
}

impl Element {
    pub(crate) fn new(channel_id: ChannelId, item: WebhookItem) -> Self {
        Self { channel_id, external_id: item.external_id(), subject: item.subject(), item }
    }

    /// The row that it becomes, when it becomes one: most messages do not.
    fn row(&self, ctx: &Ctx) -> Result<NewInbox, StoreError> {
        Ok(NewInbox {
            id: ctx.id(),
            channel_id: self.channel_id,
            kind: InboxKind::WhatsApp,
            external_id: self.external_id.clone(),
            subject: self.subject.clone(),
            payload: Payload::of(&self.item)?,
        })
    }
}

struct Waiter {
    arrival: Arc<Arrival>,
    answer: oneshot::Sender<Result<Stored, StoreError>>,
}

/// The webhooks that wait for the writer.
#[derive(Default)]
pub(crate) struct Arrivals(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    waiters: VecDeque<Waiter>,
    /// A transaction that will take them is on its way.
    is_called: bool,
    /// Transactions that failed and whose webhooks are written one by one. Nobody is taken until there is none.
    settling: u32,
}

impl Arrivals {
    /// Puts a webhook on disk.
    ///
    /// # Errors
    /// When the store fails; the provider must then not be told that it was received.
    pub(crate) async fn store(state: &AppState, arrival: Arrival) -> Result<Stored, StoreError> {
        let (answer, answered) = oneshot::channel();
        let is_called = {
            let mut waiting = state.arrivals.waiting();
            waiting.waiters.push_back(Waiter { arrival: Arc::new(arrival), answer });
            std::mem::replace(&mut waiting.is_called, true)
        };
        if !is_called {
            // Of its own: the connection that called it may be cut, and others wait for it as well.
            call(state.clone(), &Handle::current());
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the server ends".to_owned())))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting().waiters.len()
    }

    /// The oldest that wait, and whether there are more.
    fn take(&self) -> (Vec<Waiter>, bool) {
        let mut waiting = self.waiting();
        if waiting.settling > 0 {
            // Whoever ends the last of them calls.
            return (Vec::new(), false);
        }
        let mut elements = 0;
        let fits = waiting.waiters.iter().take_while(|waiter| {
            let is_first = elements == 0;
            elements += waiter.arrival.elements.len().max(1);
            is_first || elements <= MOST_TOGETHER
        });
        let fitting = fits.count();
        let taken = waiting.waiters.drain(..fitting).collect();
        waiting.is_called = !waiting.waiters.is_empty();
        (taken, waiting.is_called)
    }
}

/// The turn of one transaction, which is held beyond its end when it fails: until its webhooks are written one by one.
struct Turn {
    state: AppState,
    /// The last to let go of it may be a thread of the store.
    runtime: Handle,
    is_held: Mutex<bool>,
}

impl Turn {
    fn new(state: &AppState) -> Self {
        Self { state: state.clone(), runtime: Handle::current(), is_held: Mutex::new(false) }
    }

    /// Lets nobody else be taken. By the transaction itself: the next one may be waiting for the writer already.
    fn hold(&self) {
        let mut is_held = self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *is_held, true) {
            self.state.arrivals.waiting().settling += 1;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !*self.is_held.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        let mut waiting = self.state.arrivals.waiting();
        waiting.settling -= 1;
        if waiting.settling == 0 {
            waiting.is_called = !waiting.waiters.is_empty();
            if waiting.is_called {
                call(self.state.clone(), &self.runtime);
            }
        }
    }
}

/// Holds the turn unless the work comes to a good end, however else it ends.
struct HeldUnlessDone<'a>(Option<&'a Turn>);

impl Drop for HeldUnlessDone<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.0 {
            turn.hold();
        }
    }
}

/// Calls for a transaction that takes what waits.
fn call(state: AppState, runtime: &Handle) {
    runtime.spawn(write(state));
}

/// Writes what waits. The writer itself takes it, at the moment it begins.
async fn write(state: AppState) {
    let taken = Arc::new(Mutex::new(None::<Vec<Waiter>>));
    let turn = Arc::new(Turn::new(&state));
    let (slot, owned, runtime, held) = (Arc::clone(&taken), state.clone(), Handle::current(), Arc::clone(&turn));
    let written = state.store.write(move |tx| {
        let arrivals: Vec<Arc<Arrival>> = {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            // A transaction that the engine runs again is about the same ones.
            let waiters = slot.get_or_insert_with(|| {
                let (waiters, has_more) = owned.arrivals.take();
                if has_more {
                    call(owned.clone(), &runtime);
                }
                waiters
            });
            waiters.iter().map(|waiter| Arc::clone(&waiter.arrival)).collect()
        };
        let mut unless_done = HeldUnlessDone(Some(&held));
        let mut round = Round::new(&owned, Manner::AtOnce);
        let stored = arrivals.iter().map(|arrival| round.store(tx, arrival)).collect::<Result<Vec<_>, _>>()?;
        unless_done.0 = None;
        Ok::<_, ItemError>((stored, round.done))
    });
    let written = written.await;
    let waiters = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    // The writer did not get to it; whoever waits beyond these gets a transaction of their own.
    let waiters = waiters.unwrap_or_else(|| {
        let (waiters, has_more) = state.arrivals.take();
        if has_more {
            call(state.clone(), &Handle::current());
        }
        waiters
    });
    match written {
        Ok((stored, done)) => {
            count(done);
            waiters.into_iter().zip(stored).for_each(|(waiter, stored)| waiter.answer(Ok(stored)));
        }
        Err(ItemError::Store(error @ StoreError::Unavailable(_))) => {
            waiters.into_iter().for_each(|waiter| waiter.answer(Err(error.clone())));
        }
        Err(error) => {
            tracing::debug!(%error, "webhooks are stored one by one");
            let mut refused = HashSet::new();
            for waiter in waiters {
                let stored = if waiter
                    .arrival
                    .customers()
                    .any(|customer| refused.contains(&(customer.0, customer.1.to_owned())))
                {
                    Err(StoreError::Unavailable("an earlier webhook of the same customer was not stored".to_owned()))
                } else {
                    alone(&state, &waiter.arrival).await
                };
                if stored.is_err() {
                    refused.extend(waiter.arrival.customers().map(|(channel_id, who)| (channel_id, who.to_owned())));
                }
                waiter.answer(stored);
            }
        }
    }
    drop(turn);
}

/// Writes one webhook in a transaction of its own, and leaves the work on it to the inbox when that fails.
async fn alone(state: &AppState, arrival: &Arc<Arrival>) -> Result<Stored, StoreError> {
    let write = async |manner: Manner| {
        let (owned, arrival) = (state.clone(), Arc::clone(arrival));
        let written = state.store.write(move |tx| {
            let mut round = Round::new(&owned, manner);
            round.store(tx, &arrival).map(|stored| (stored, round.done))
        });
        written.await.map(|(stored, done)| {
            count(done);
            stored
        })
    };
    let written = match write(Manner::AtOnce).await {
        Err(ItemError::Store(error @ StoreError::Unavailable(_))) => return Err(error),
        Err(error) => {
            tracing::info!(channel_id = %arrival.known.channel_id, %error, "a webhook is left to the inbox");
            write(Manner::Later).await
        }
        stored => stored,
    };
    written.map_err(|error| match error {
        ItemError::Store(error) => error,
        ItemError::Hopeless(why) | ItemError::Failed(why) | ItemError::NotYet(why) => StoreError::Unavailable(why),
    })
}

/// Counts elements that were worked on, as the worker of the inbox counts its own.
fn count(done: u64) {
    metrics::counter!("segue_inbox_items_total", "kind" => InboxKind::WhatsApp.as_str()).increment(done);
}

impl Waiter {
    fn answer(self, stored: Result<Stored, StoreError>) {
        // Whoever asked may be gone; what is stored stands.
        let _ = self.answer.send(stored);
    }
}

/// Whether elements are worked on in the transaction that stores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    AtOnce,
    Later,
}

/// What one transaction knows.
struct Round<'a> {
    state: &'a AppState,
    now: Timestamp,
    manner: Manner,
    places: Places,
    /// What signatures were checked with, and whether that is still the channel's.
    current: Vec<(Arc<Known>, bool)>,
    /// Channels of which nothing waits in the inbox.
    idle: HashSet<(WorkspaceId, ChannelId)>,
    /// Elements worked on.
    done: u64,
}

impl<'a> Round<'a> {
    fn new(state: &'a AppState, manner: Manner) -> Self {
        let now = state.ctx.now();
        let is_at_once = state.at_once_from.is_some_and(|from| now >= from);
        let manner = if is_at_once { manner } else { Manner::Later };
        Self { state, now, manner, places: Places::default(), current: Vec::new(), idle: HashSet::new(), done: 0 }
    }

    fn store(&mut self, tx: &mut Tx<'_>, arrival: &Arrival) -> Result<Stored, ItemError> {
        let known = &arrival.known;
        if !self.is_current(tx, known)? {
            return Ok(Stored::ChannelChanged);
        }
        let is_at_once = self.manner == Manner::AtOnce && arrival.elements.len() <= MOST_AT_ONCE;
        for element in &arrival.elements {
            // What was written elsewhere may have to wait, and nobody waits for it.
            let is_recorded = matches!(element.item, WebhookItem::Recorded(_));
            if is_at_once && !is_recorded && !self.is_subject_pending(tx, known.workspace_id, element)? {
                self.work_on(tx, known.workspace_id, element)?;
            } else {
                tx.receive(known.workspace_id, &element.row(&self.state.ctx)?, self.now)?;
                self.idle.remove(&(known.workspace_id, element.channel_id));
            }
        }
        Ok(Stored::Yes)
    }

    /// Works on an element that nothing waits for, unless it was received before.
    fn work_on(&mut self, tx: &mut Tx<'_>, workspace_id: WorkspaceId, element: &Element) -> Result<(), ItemError> {
        let Element { channel_id, external_id, item, .. } = element;
        let place = (workspace_id, *channel_id);
        let ctx = &self.state.ctx;
        if matches!(item, WebhookItem::Message(_)) {
            if tx.is_received(workspace_id, *channel_id, external_id)? {
                return Ok(());
            }
            let kept = whatsapp_items::work_on(tx, ctx, &mut self.places, place, item)?;
            if kept == Kept::Elsewhere {
                tx.receive_to_work_on(workspace_id, &element.row(ctx)?, self.now)?;
            }
        } else {
            if !tx.receive_to_work_on(workspace_id, &element.row(ctx)?, self.now)? {
                return Ok(());
            }
            whatsapp_items::work_on(tx, ctx, &mut self.places, place, item)?;
        }
        self.done += 1;
        if matches!(item, WebhookItem::Notice(_)) {
            // It may change the channel.
            self.current.clear();
        }
        Ok(())
    }

    /// Whether an earlier element of the same customer waits in the inbox. Mostly nobody's does, which is asked once.
    fn is_subject_pending(
        &mut self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        element: &Element,
    ) -> Result<bool, StoreError> {
        let channel = (workspace_id, element.channel_id);
        if self.idle.contains(&channel) {
            return Ok(false);
        }
        if !tx.is_any_pending(workspace_id, element.channel_id)? {
            self.idle.insert(channel);
            return Ok(false);
        }
        tx.is_subject_pending(workspace_id, element.channel_id, &element.subject)
    }

    fn is_current(&mut self, tx: &mut Tx<'_>, known: &Arc<Known>) -> Result<bool, StoreError> {
        if let Some((_, is_current)) = self.current.iter().find(|(other, _)| Arc::ptr_eq(other, known)) {
            return Ok(*is_current);
        }
        let is_current = known.is_current(tx)?;
        if is_current {
            tx.touch_channel(known.workspace_id, known.channel_id, self.now)?;
        }
        self.current.push((Arc::clone(known), is_current));
        Ok(is_current)
    }
}
