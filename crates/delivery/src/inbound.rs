//! What a carrier delivers over SMPP: on disk first, acknowledged then.
//!
//! A message of a customer goes into the inbox, whose worker handles it. A receipt is folded into its message at once:
//! the fold does not mind repetition or order, so it needs no row of its own. When that fails, for whatever reason, the
//! receipts go into the inbox as well, where each is tried by itself and a broken one ends as a dead letter.
//!
//! A crash before the commit leaves the delivery unacknowledged, and the carrier delivers it again; a crash between the
//! commit and the acknowledgement makes it come twice, which the inbox's unique key and the fold make harmless.
//!
//! Texts have no id, so the key of one is what it says and the minute. Somebody can say the same twice in a minute and
//! mean it, with something else in between (STOP, START, STOP), or because we asked the next question and its answer has the
//! same words: such a text is a repeat only when nothing else came from its sender since and nothing was asked, or when a
//! connection came or went since, after which carriers deliver again what they had no answer to.
//! So that goes for what comes within an hour, in whichever minute, when it came in the ten minutes before a connection was
//! made or lost: an old START delivered again undoes no later STOP. A no and HELP pass there: twice they do no harm.

use std::{sync::Arc, time::Duration};

use crate::{
    reports::{apply_receipt, plain_report_of},
    supervisor::Env,
};
use segue_channels::smpp::{Acknowledgement, Delivery as SmppDelivery, Inbound, MobileOriginated};
use segue_model::{
    Ctx, PhoneNumber, Timestamp,
    consent::Medium,
    keyword::Keyword,
    revocation::{self, RevocationVerdict},
    time,
};
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    inbox::{InboxKind, NewInbox},
    outbox::Payload,
};

/// For how many minutes a carrier may deliver again what it had no answer to.
const AGAIN_WITHIN: i64 = 60;
/// So long before a connection came or went something must have come to have been without an answer then.
const UNANSWERED: i64 = 10 * time::MINUTE;

/// Nobody reads a question and answers it sooner; what comes sooner was delivered twice.
const READS_FOR: i64 = 3 * time::SECOND;

/// What arrived together, with the duty to answer.
#[derive(Default)]
pub(crate) struct Arrived {
    items: Arc<Items>,
    acknowledgements: Vec<Acknowledgement>,
}

/// What arrived together.
#[derive(Default)]
pub(crate) struct Items {
    pub inbound: Vec<Inbound>,
    /// For how long no connection has come or gone.
    steady_for: Duration,
}

/// How an item is stored, with the time for which no connection has come or gone.
type How = fn(&mut Tx<'_>, &Ctx, &Channel, (&Inbound, Duration)) -> Result<(), StoreError>;

impl Arrived {
    /// Everything of some deliveries.
    pub fn of(deliveries: impl IntoIterator<Item = SmppDelivery>) -> Self {
        let (mut items, mut acknowledgements) = (Items::default(), Vec::new());
        for SmppDelivery { inbound, acknowledgement, steady_for } in deliveries {
            items.steady_for = if items.inbound.is_empty() { steady_for } else { steady_for.min(items.steady_for) };
            items.inbound.extend(inbound);
            acknowledgements.push(acknowledgement);
        }
        Self { items: Arc::new(items), acknowledgements }
    }

    pub fn is_empty(&self) -> bool {
        self.items.inbound.is_empty()
    }

    /// What arrived, to be stored in a transaction.
    pub fn items(&self) -> Arc<Items> {
        Arc::clone(&self.items)
    }

    /// Tells the carrier that everything is on disk.
    pub fn acknowledge(self) {
        self.acknowledgements.into_iter().for_each(Acknowledgement::ack);
    }

    /// Stores everything in transactions of their own, after one together with other work has failed, and answers.
    pub async fn store_alone(self, env: &Env, channel: &Channel) {
        let attempt = |how: How| {
            let (ctx, channel, items) = (env.ctx.clone(), channel.clone(), self.items());
            env.store.write(move |tx| {
                items.inbound.iter().try_for_each(|item| how(tx, &ctx, &channel, (item, items.steady_for)))
            })
        };
        let stored = match attempt(fold_or_receive).await {
            Err(StoreError::Unavailable(why)) => Err(StoreError::Unavailable(why)),
            Err(error) => {
                tracing::warn!(%error, "receipts could not be applied; they go through the inbox");
                attempt(receive).await
            }
            Ok(()) => Ok(()),
        };
        match stored {
            Ok(()) => self.acknowledge(),
            Err(error) => {
                tracing::error!(%error, "deliveries could not be stored; the carrier is asked to deliver them again");
                self.acknowledgements.into_iter().for_each(Acknowledgement::reject_temporarily);
            }
        }
    }
}

/// Stores what arrived, in the running transaction.
///
/// # Errors
/// When the store fails.
pub(crate) fn take_in(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, items: &Items) -> Result<(), StoreError> {
    if items.inbound.is_empty() {
        return Ok(());
    }
    // All writings of an id are worked out only where the carrier's own finds nothing plain.
    let (receipts, reports): (Vec<_>, Vec<_>) = items
        .inbound
        .iter()
        .filter_map(|item| match item {
            Inbound::Receipt(receipt) => Some((receipt, plain_report_of(receipt, ctx)?)),
            Inbound::Message(_) => None,
        })
        .unzip();
    for index in tx.apply_usual_reports(channel.workspace_id, channel.id, &reports)? {
        apply_receipt(tx, ctx, channel, receipts[index])?;
    }
    for message in items.inbound.iter().filter(|item| matches!(item, Inbound::Message(_))) {
        receive(tx, ctx, channel, (message, items.steady_for))?;
    }
    tx.touch_channel(channel.workspace_id, channel.id, ctx.now())
}

fn fold_or_receive(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (item, steady_for): (&Inbound, Duration),
) -> Result<(), StoreError> {
    match item {
        Inbound::Receipt(receipt) => apply_receipt(tx, ctx, channel, receipt).map(|_| ()),
        Inbound::Message(_) => receive(tx, ctx, channel, (item, steady_for)),
    }
}

/// Puts an item into the inbox, unless it came before.
fn receive(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (item, steady_for): (&Inbound, Duration),
) -> Result<(), StoreError> {
    let Ok(payload) = Payload::of(item) else {
        // It cannot be helped by delivering it again.
        tracing::error!("a delivery has no JSON form and is dropped");
        return Ok(());
    };
    let now = ctx.now();
    let since = now.plus(-i64::try_from(steady_for.as_millis()).unwrap_or(i64::MAX));
    if is_delivered_again(tx, channel, (item, now), since)? {
        return Ok(());
    }
    let mut row = NewInbox {
        id: ctx.id(),
        channel_id: channel.id,
        kind: match item {
            Inbound::Receipt(_) => InboxKind::SmsReceipt,
            Inbound::Message(_) => InboxKind::Sms,
        },
        external_id: item.external_id(now),
        subject: item.subject().to_owned(),
        payload,
    };
    if tx.receive(channel.workspace_id, &row, now)? {
        return Ok(());
    }
    let Inbound::Message(message) = item else { return Ok(()) };
    if !is_said_again(tx, channel, (message, &row.external_id), since)?
        && !is_next_answer(tx, channel, (message, &row.external_id), (since, now))?
    {
        return Ok(());
    }
    row.external_id = format!("{}:{}", row.external_id, row.id);
    tx.receive(channel.workspace_id, &row, now).map(|_| ())
}

/// Whether this text came in an earlier minute, shortly before a connection came or went at `since`. Its sender may have
/// said the same again and meant it, which nobody can tell; a no is obeyed and HELP is answered either way.
fn is_delivered_again(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (item, now): (&Inbound, Timestamp),
    since: Timestamp,
) -> Result<bool, StoreError> {
    let Inbound::Message(message) = item else { return Ok(false) };
    if since <= now.plus(-AGAIN_WITHIN * time::MINUTE) || message.text.as_deref().is_some_and(is_no_or_help) {
        return Ok(false);
    }
    let keys: Vec<_> = (1..=AGAIN_WITHIN).map(|ago| item.external_id(now.plus(-ago * time::MINUTE))).collect();
    tx.came_between(channel.workspace_id, channel.id, &keys, (since.plus(-UNANSWERED), since))
}

/// Whether a text that is there already under this key answers another question: it came on connections that have stood
/// `since` then, and its sender was asked something in answer to it, or after it.
fn is_next_answer(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (message, key): (&MobileOriginated, &str),
    (since, now): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    if message.concatenation.is_some() {
        return Ok(false);
    }
    let last = tx.last_of_key(channel.workspace_id, channel.id, key)?;
    let Some(last) = last.filter(|last| *last >= since) else { return Ok(false) };
    let Some(workspace) = tx.workspace(channel.workspace_id)? else { return Ok(false) };
    let Ok(phone) = PhoneNumber::of_handset(&message.from, message.is_national, &workspace.country) else {
        return Ok(false);
    };
    let written = message.to.trim().trim_start_matches('+');
    for sender in tx.senders(workspace.id)? {
        if sender.channel_id == channel.id && sender.address.trim_start_matches('+').eq_ignore_ascii_case(written) {
            let asked = tx.dialogue(workspace.id, sender.id, phone.as_str(), now)?;
            let is_answered = |asked: Timestamp| asked >= last && now.since(asked) >= READS_FOR;
            return Ok(asked.is_some_and(|question| is_answered(question.asked_at())));
        }
    }
    Ok(false)
}

/// Whether a text that is there already under this key was sent once more: it is a no, it came on connections that have stood
/// `since` then, and its sender wrote something else after it. Only a no, because a carrier may deliver again what was
/// answered late: an old yes must not undo a no. Parts of long texts have a number of their own, so theirs is a repeat.
fn is_said_again(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (message, key): (&MobileOriginated, &str),
    since: Timestamp,
) -> Result<bool, StoreError> {
    if message.concatenation.is_some() || !message.text.as_deref().is_some_and(is_no) {
        return Ok(false);
    }
    let Some((received_at, newest)) = tx.newest_since(channel.workspace_id, channel.id, key)? else { return Ok(false) };
    Ok(received_at >= since && !newest.contains(&message.fingerprint()))
}

fn is_no_or_help(text: &str) -> bool {
    Keyword::read(text, Medium::Sms) == Some(Keyword::Help) || is_no(text)
}

fn is_no(text: &str) -> bool {
    Keyword::read(text, Medium::Sms) == Some(Keyword::Stop)
        || revocation::read(text).verdict == RevocationVerdict::Revoke
}

/// Reads the payload of an inbox row that came over SMPP.
///
/// # Errors
/// When it is none.
pub fn read_inbound(payload: &Payload) -> Result<Inbound, serde_json::Error> {
    payload.read()
}

#[cfg(test)]
mod tests {
    use segue_channels::text::{Charset, Concatenation, ReceivedPart, ReferenceWidth};
    use segue_model::programme::KeywordAction;
    use segue_store::{programme::KeywordView, subscription::Dialogue};
    use segue_testkit::{TestStore, engines};

    use super::*;

    fn part(text: &str, concatenation: Option<Concatenation>) -> Inbound {
        let (total, number) = concatenation.map_or((1, 1), |part| (part.total, part.number));
        Inbound::Message(MobileOriginated {
            from: "15550199".to_owned(),
            is_national: false,
            to: "15550100".to_owned(),
            text: Some(text.to_owned()),
            part: ReceivedPart { total, number, charset: Charset::Gsm7, octets: text.as_bytes().to_vec() },
            concatenation,
            data_coding: 0,
        })
    }

    async fn came(test: &TestStore, channel: &Channel, item: Inbound, steady_for: Duration) {
        let (ctx, channel) = (test.ctx.clone(), channel.clone());
        let items = Items { inbound: vec![item], steady_for };
        test.store.write::<_, StoreError, _>(move |tx| take_in(tx, &ctx, &channel, &items)).await.expect("it works");
    }

    async fn rows(test: &TestStore) -> u64 {
        let workspace_id = test.workspace_id();
        test.store.read::<_, StoreError, _>(move |tx| tx.inbox_counts(workspace_id)).await.expect("it works").all()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_text_counts_again_only_after_another_one_on_the_same_connections() {
        const LONG: Duration = Duration::from_secs(3_600);
        for test in engines().await {
            let channel = test.sms_channel("sms").await;
            // Each is repeated by the carrier at once.
            for (text, stored) in [("STOP", 1), ("STOP", 1), ("START", 2), ("START", 2), ("STOP", 3), ("STOP", 3)] {
                came(&test, &channel, part(text, None), LONG).await;
                assert_eq!(rows(&test).await, stored, "{}: {text}", test.engine);
                test.clock.advance(100);
            }
            // An old yes that is delivered again undoes no no.
            came(&test, &channel, part("START", None), LONG).await;
            assert_eq!(rows(&test).await, 3, "{}", test.engine);
            // After a connection was lost, what came on it comes again.
            test.clock.advance(1_000);
            for text in ["STOP", "START", "STOP"] {
                came(&test, &channel, part(text, None), Duration::from_millis(500)).await;
                assert_eq!(rows(&test).await, 3, "{}: {text}", test.engine);
            }
            // Parts of a long text that come again are repeats, whatever came between them.
            let long = |number| Concatenation { reference: 7, width: ReferenceWidth::Eight, total: 2, number };
            for number in [1, 2, 1, 2] {
                came(&test, &channel, part("long", Some(long(number))), LONG).await;
            }
            assert_eq!(rows(&test).await, 5, "{}", test.engine);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_answer_to_the_next_question_counts() {
        const LONG: Duration = Duration::from_secs(3_600);
        for test in engines().await {
            let channel = test.sms_channel("sms").await;
            let sender = test.sender(channel.id, "+15550100").await;
            let workspace_id = test.workspace_id();
            let word = KeywordView {
                id: test.ctx.id(),
                sender_id: sender.id,
                word: "TRIP".to_owned(),
                action: KeywordAction::Reply {
                    text: "How many adults?".to_owned(),
                    questions: Vec::new(),
                    closing: None,
                    next_keyword: None,
                },
                valid_from: None,
                valid_until: None,
                created_at: test.now(),
            };
            let keyword_id = word.id;
            test.store
                .write::<_, StoreError, _>(move |tx| tx.insert_keyword(workspace_id, &word))
                .await
                .expect("it works");
            // What the worker does with an answer.
            let ask = async |question| {
                let expires_at = test.now().plus(Dialogue::ANSWER_WITHIN);
                let next = Dialogue { keyword_id, question, tries: 0, expires_at };
                let asked = test
                    .store
                    .write::<_, StoreError, _>(move |tx| tx.put_dialogue(workspace_id, sender.id, "+15550199", &next));
                asked.await.expect("it works");
            };
            // At the begin of a minute of the clock.
            test.clock.advance(time::MINUTE - test.now().0.rem_euclid(time::MINUTE));
            ask(0).await;
            test.clock.advance(1_000);
            came(&test, &channel, part("2", None), LONG).await;
            ask(1).await;
            // The carrier delivers it twice.
            test.clock.advance(1_000);
            came(&test, &channel, part("2", None), LONG).await;
            assert_eq!(rows(&test).await, 1, "{}", test.engine);
            test.clock.advance(19_000);
            came(&test, &channel, part("2", None), Duration::from_secs(5)).await;
            assert_eq!(rows(&test).await, 1, "{}: a connection came since", test.engine);
            came(&test, &channel, part("2", None), LONG).await;
            assert_eq!(rows(&test).await, 2, "{}: the number of children", test.engine);
            // Nothing was asked after it.
            test.clock.advance(10_000);
            came(&test, &channel, part("2", None), LONG).await;
            assert_eq!(rows(&test).await, 2, "{}", test.engine);
            ask(2).await;
            test.clock.advance(10_000);
            came(&test, &channel, part("2", None), LONG).await;
            assert_eq!(rows(&test).await, 3, "{}: a third question", test.engine);
            // It was worked on late, and the question was asked a second before it is delivered again.
            test.clock.advance(10_000);
            ask(3).await;
            test.clock.advance(1_000);
            came(&test, &channel, part("2", None), LONG).await;
            assert_eq!(rows(&test).await, 3, "{}: nobody reads that fast", test.engine);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_came_before_a_connection_was_lost_is_a_repeat_in_a_later_minute_too() {
        const LONG: Duration = Duration::from_secs(7_200);
        const SHORT: Duration = Duration::from_secs(5);
        for test in engines().await {
            let channel = test.sms_channel("sms").await;
            came(&test, &channel, part("START", None), LONG).await;
            test.clock.advance(40_000);
            came(&test, &channel, part("STOP", None), LONG).await;
            test.clock.advance(40_000);
            // The connection was lost before the first was answered.
            came(&test, &channel, part("START", None), SHORT).await;
            assert_eq!(rows(&test).await, 2, "{}: the old yes undoes no no", test.engine);
            came(&test, &channel, part("STOP", None), SHORT).await;
            assert_eq!(rows(&test).await, 3, "{}: a no is never lost", test.engine);
            // What is said on a connection that stands is said again, and so is what was said long ago.
            came(&test, &channel, part("START", None), LONG).await;
            assert_eq!(rows(&test).await, 4, "{}", test.engine);
            test.clock.advance(61 * 60_000);
            came(&test, &channel, part("START", None), SHORT).await;
            assert_eq!(rows(&test).await, 5, "{}", test.engine);
            // What had its answer long before a connection went is no repeat, and HELP is answered each time.
            test.clock.advance(12 * 60_000);
            came(&test, &channel, part("START", None), SHORT).await;
            assert_eq!(rows(&test).await, 6, "{}: it came 12 minutes before", test.engine);
            came(&test, &channel, part("HELP", None), LONG).await;
            test.clock.advance(90_000);
            came(&test, &channel, part("HELP", None), SHORT).await;
            assert_eq!(rows(&test).await, 8, "{}", test.engine);
        }
    }
}
