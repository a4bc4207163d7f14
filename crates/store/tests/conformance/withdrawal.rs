//! What is on the wire when its contact is deleted: it does not leave again, whichever way it comes back.

use segue_model::{
    CampaignId, MessageId, MessagingUserId, SessionId,
    delivery::{MessageClass, OutboxState},
};
use segue_store::{
    Sql,
    dead_letter::{Decision, Resolution},
    failover::Fallback,
    messaging_user::{Identifier, IdentifierKind, LinkedBy, MessagingUser},
    outbox::{Abandoned, OutboxMessage},
    submission::{Cost, Failure},
};
use segue_testkit::{TestStore, engines};

use super::{message, state, submit, write};

static ROW: Sql = Sql::portable("ROW", "SELECT rule, payload FROM outbox WHERE workspace_id = $1 AND id = $2");

fn busy() -> Failure {
    Failure { class: "provider_down".to_owned(), code: Some("8".to_owned()), reason: "busy".to_owned() }
}

/// The rule that ended a message, and whether its words are still there.
async fn rule_and_words(test: &TestStore, id: MessageId) -> (Option<String>, bool) {
    let workspace_id = test.workspace_id();
    let read = move |tx: &mut segue_store::Tx<'_>| {
        tx.query_one(&ROW, &[&workspace_id, &id], |row| Ok((row.next()?, row.next::<String>()?)))
    };
    let (rule, payload) = write(test, read).await;
    (rule, payload.contains("Hello"))
}

/// A message on the wire.
async fn on_the_wire(
    test: &TestStore,
    channel: &segue_store::channel::Channel,
    (address, class): (&str, MessageClass),
    campaign: Option<(CampaignId, u32)>,
    session_id: Option<SessionId>,
) -> OutboxMessage {
    let mut new = message(test, channel, address);
    (new.class, new.campaign, new.session_id) = (class, campaign, session_id);
    assert!(super::enqueue(test, &new).await);
    let held = submit(test, channel, "worker").await;
    assert_eq!(held.id, new.id);
    held
}

async fn requeue(test: &TestStore, held: &OutboxMessage) {
    let (held, now) = (held.clone(), test.now());
    assert!(write(test, move |tx| tx.requeue_message(&held, now, Cost::Free, &busy(), now)).await);
}

/// A message that nobody could send, and that waits for a person.
async fn dead_letter(
    test: &TestStore,
    channel: &segue_store::channel::Channel,
    (address, class): (&str, MessageClass),
    session_id: Option<SessionId>,
) -> MessageId {
    let mut new = message(test, channel, address);
    (new.class, new.session_id) = (class, session_id);
    assert!(super::enqueue(test, &new).await);
    let (held, ctx) = (super::claim(test, channel, "worker", 1).await.pop().expect("it is due"), test.ctx.clone());
    assert!(write(test, move |tx| tx.reject_payload(&held, "It is not JSON of a message.", &ctx)).await);
    new.id
}

/// A person has it sent again.
async fn replay(test: &TestStore, of: MessageId) -> bool {
    let (workspace_id, now, of) = (test.workspace_id(), test.now(), of.to_string());
    let letters = write(test, move |tx| tx.open_dead_letters(workspace_id, None, 9)).await;
    let letter = letters.into_iter().find(|letter| letter.source_id == of).expect("it waits for a person").id;
    let decision = Decision { resolution: Resolution::Replayed, reason: "again".to_owned(), actor: "usr_1".to_owned() };
    write(test, move |tx| tx.resolve_dead_letter(workspace_id, letter, &decision, now)).await
}

const MARKETING: MessageClass = MessageClass::Marketing;

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_unsent_ends_with_its_contact_and_nobody_elses_does() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let campaign = crate::outbox::campaign(test, sender, 1, "running").await;
        let ana = test.contact("+15550100001", "Ana").await;
        test.contact("+15550100002", "Ben").await;
        let direct = on_the_wire(test, &channel, ("+15550100001", MARKETING), None, None).await;
        let of_campaign = on_the_wire(test, &channel, ("+15550100001", MARKETING), Some((campaign, 1)), None).await;
        let service = on_the_wire(test, &channel, ("+15550100001", MessageClass::Service), None, None).await;
        let stop = on_the_wire(test, &channel, ("+15550100001", MessageClass::Keyword), None, None).await;
        let of_ben = on_the_wire(test, &channel, ("+15550100002", MARKETING), Some((campaign, 2)), None).await;
        assert!(write(test, move |tx| tx.delete_contact(workspace_id, ana, now)).await);
        for held in [&direct, &of_campaign, &service, &stop, &of_ben] {
            assert_eq!(state(test, held.id).await, OutboxState::Submitting, "{}: nothing calls it back", test.engine);
            requeue(test, held).await;
        }
        for held in [&direct, &of_campaign, &service] {
            assert_eq!(state(test, held.id).await, OutboxState::Canceled, "{}", test.engine);
            assert_eq!(rule_and_words(test, held.id).await, (Some("contact_deleted".to_owned()), false));
        }
        for held in [&stop, &of_ben] {
            assert_eq!(state(test, held.id).await, OutboxState::Queued, "{}", test.engine);
            assert_eq!(rule_and_words(test, held.id).await, (None, true));
        }
        let counts =
            write(test, move |tx| Ok((tx.tallies(workspace_id, campaign)?, tx.recount(workspace_id, campaign)?)));
        let (kept, counted) = counts.await;
        assert_eq!(kept, counted, "{}", test.engine);
        assert!(kept.contains(&("canceled".to_owned(), 1)), "{kept:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_message_outside_conversations_that_waits_ends_with_its_contact() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let campaign = crate::outbox::campaign(test, sender, 1, "running").await;
        let ana = test.contact("+15550100001", "Ana").await;
        let service = MessageClass::Service;
        let dead = dead_letter(test, &channel, ("+15550100003", service), None).await;
        let mut ids = Vec::new();
        for (address, class, of) in [
            ("+15550100001", service, None),
            ("+15550100001", service, Some((campaign, 1))),
            ("+15550100001", MessageClass::Keyword, None),
            ("+15550100002", service, None),
        ] {
            let mut new = message(test, &channel, address);
            (new.class, new.campaign) = (class, of);
            assert!(super::enqueue(test, &new).await);
            ids.push(new.id);
        }
        let cem = test.contact("+15550100003", "Cem").await;
        for contact in [ana, cem] {
            assert!(write(test, move |tx| tx.delete_contact(workspace_id, contact, now)).await);
        }
        let mut states = Vec::new();
        for id in &ids {
            states.push(state(test, *id).await);
        }
        use OutboxState::{Canceled, Queued};
        assert_eq!(states, [Canceled, Canceled, Queued, Queued], "{}", test.engine);
        assert_eq!(rule_and_words(test, ids[0]).await.0.as_deref(), Some("contact_deleted"), "{}", test.engine);
        assert!(!replay(test, dead).await, "{}: nor by a person's hand", test.engine);
        let counts =
            write(test, move |tx| Ok((tx.tallies(workspace_id, campaign)?, tx.recount(workspace_id, campaign)?)));
        let (kept, counted) = counts.await;
        assert_eq!(kept, counted, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_back_unsent_ends_with_its_customer_before_the_next_round() {
    for test in engines().await {
        let test = &test;
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let ana = test.contact("+15550100001", "Ana").await;
        let user = MessagingUser {
            id: test.ctx.id::<MessagingUserId>(),
            channel_id,
            profile_name: None,
            username: None,
            contact_id: Some(ana),
            lead_id: None,
            linked_by: Some(LinkedBy::Agent),
            last_inbound_at: None,
            blocked_at: None,
            created_at: now,
            version: 1,
        };
        let (session, user_id) = (test.ctx.id::<SessionId>(), user.id);
        write(test, move |tx| {
            tx.insert_messaging_user(workspace_id, &user)?;
            tx.open_session(workspace_id, session, channel_id, user_id, now)
        })
        .await;
        let service = MessageClass::Service;
        let dead = dead_letter(test, &channel, ("+15550100001", service), Some(session)).await;
        let answer = on_the_wire(test, &channel, ("+15550100001", service), None, Some(session)).await;
        assert!(write(test, move |tx| tx.delete_contact(workspace_id, ana, now)).await);
        requeue(test, &answer).await;
        assert_eq!(state(test, answer.id).await, OutboxState::Canceled, "{}", test.engine);
        assert_eq!(rule_and_words(test, answer.id).await, (Some("contact_deleted".to_owned()), false));

        assert!(!replay(test, dead).await, "{}", test.engine);
        assert_eq!(state(test, dead).await, OutboxState::Failed, "{}", test.engine);

        // What is said after that is a new matter.
        test.clock.advance(1);
        let later = on_the_wire(test, &channel, ("+15550100001", service), None, Some(session)).await;
        requeue(test, &later).await;
        assert_eq!(state(test, later.id).await, OutboxState::Queued, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_repeat_after_a_crash_nor_a_second_way_sends_what_was_withdrawn() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let other = test.sms_channel("other").await;
        let from = test.sender(channel.id, "+15550100").await;
        let to = test.sender(other.id, "+15550200").await;
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let ana = test.contact("+15550100001", "Ana").await;
        let held = on_the_wire(test, &channel, ("+15550100001", MARKETING), None, None).await;
        let of_ben = on_the_wire(test, &channel, ("+15550100002", MARKETING), None, None).await;
        assert!(write(test, move |tx| tx.delete_contact(workspace_id, ana, now)).await);

        let (fallback, copy) = (Fallback { from: from.id, to, after: 0 }, held.clone());
        let moved = write(test, move |tx| {
            tx.fail_over(&copy, OutboxState::Submitting, (&fallback, &copy.content().unwrap()), "refused", now)
        });
        assert!(!moved.await, "{}", test.engine);
        assert_eq!(state(test, held.id).await, OutboxState::Submitting);

        let gone = Abandoned::OwnedBy("worker");
        let repeated = write(test, move |tx| tx.repeat_submitting(workspace_id, channel_id, gone, now));
        repeated.await;
        assert_eq!(state(test, held.id).await, OutboxState::Unknown, "{}: it may have left", test.engine);
        assert_eq!(state(test, of_ben.id).await, OutboxState::Queued, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_not_sent_again_after_its_contact_was_deleted() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let ana = test.contact("+15550100001", "Ana").await;
        test.contact("+15550100002", "Ben").await;
        let of_ana = dead_letter(test, &channel, ("+15550100001", MARKETING), None).await;
        let of_ben = dead_letter(test, &channel, ("+15550100002", MARKETING), None).await;
        assert!(write(test, move |tx| tx.delete_contact(workspace_id, ana, now)).await);
        assert!(!replay(test, of_ana).await, "{}", test.engine);
        assert_eq!(state(test, of_ana).await, OutboxState::Failed, "{}", test.engine);
        assert!(!replay(test, of_ana).await, "{}: it stays open, to be discarded", test.engine);
        assert!(replay(test, of_ben).await, "{}", test.engine);
        assert_eq!(state(test, of_ben).await, OutboxState::Queued, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_and_would_be_sent_again_stays_in_doubt_when_its_contact_was_deleted() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let campaign = crate::outbox::campaign(test, sender, 1, "running").await;
        let ana = test.contact("+15550100001", "Ana").await;
        let of_ana = on_the_wire(test, &channel, ("+15550100001", MARKETING), Some((campaign, 1)), None).await;
        let of_ben = on_the_wire(test, &channel, ("+15550100002", MARKETING), Some((campaign, 2)), None).await;
        assert!(write(test, move |tx| tx.delete_contact(workspace_id, ana, now)).await);
        for held in [&of_ana, &of_ben] {
            let (address, id) = (held.address.clone(), held.id);
            let rules = segue_model::series::CampaignRules::default();
            write(test, move |tx| tx.count_in_series(workspace_id, &address, id, &rules, now)).await;
            let (held, doubt) = (held.clone(), Failure { class: "unknown".to_owned(), ..busy() });
            assert!(write(test, move |tx| tx.requeue_message(&held, now, Cost::Doubt, &doubt, now)).await);
        }
        assert_eq!(state(test, of_ana.id).await, OutboxState::Unknown, "{}: it may have left", test.engine);
        assert_eq!(rule_and_words(test, of_ana.id).await, (None, false), "{}", test.engine);
        assert_eq!(state(test, of_ben.id).await, OutboxState::Queued, "{}", test.engine);
        for held in [&of_ana, &of_ben] {
            let (address, before) = (held.address.clone(), now.plus(-1));
            let counted = write(test, move |tx| tx.marketing_sends(workspace_id, &address, before, None, 9)).await;
            assert_eq!(counted.len(), 1, "{}: what may have left counts for the caps", test.engine);
        }
        let counts =
            write(test, move |tx| Ok((tx.tallies(workspace_id, campaign)?, tx.recount(workspace_id, campaign)?)));
        let (kept, counted) = counts.await;
        assert_eq!(kept, counted, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_another_address_of_its_customer_ends_with_the_contact() {
    for at_once in [true, false] {
        for test in engines().await {
            let test = &test;
            let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
            let sms = test.sms_channel("sms").await;
            let sender = test.sender(sms.id, "+15550100").await.id;
            let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
            let campaign = crate::outbox::campaign(test, sender, 1, "running").await;
            let bia = test.contact("+5511999990000", "Bia").await;
            // The same line in another writing, but a contact of its own.
            test.contact("+551188880000", "Caio").await;
            let further = test.contact("+5511988880000", "Caio Souza").await;
            let typed = [(IdentifierKind::Bsuid, "US.9")];
            // WhatsApp leaves the ninth digit out.
            let own = [(IdentifierKind::Bsuid, "US.1"), (IdentifierKind::WaId, "551199990000")];
            for (linked_by, identifiers) in [(LinkedBy::Agent, &own[..]), (LinkedBy::Email, &typed[..])] {
                let user = MessagingUser {
                    id: test.ctx.id::<MessagingUserId>(),
                    channel_id,
                    profile_name: None,
                    username: None,
                    contact_id: Some(bia),
                    lead_id: None,
                    linked_by: Some(linked_by),
                    last_inbound_at: None,
                    blocked_at: None,
                    created_at: now,
                    version: 1,
                };
                let identifiers: Vec<Identifier> = identifiers
                    .iter()
                    .map(|(kind, value)| Identifier { kind: *kind, value: (*value).to_owned() })
                    .collect();
                write(test, move |tx| {
                    tx.insert_messaging_user(workspace_id, &user)?;
                    for identifier in &identifiers {
                        assert!(tx.insert_identifier(workspace_id, channel_id, identifier, user.id)?);
                    }
                    Ok(())
                })
                .await;
            }
            let mut ids = Vec::new();
            let addresses = ["US.1", "+551199990000", "+5511999990000", "+551188880000", "+15550100009", "US.9"];
            for (position, address) in (1..).zip(addresses) {
                let mut new = message(test, &channel, address);
                (new.class, new.campaign) = (MARKETING, Some((campaign, position)));
                assert!(super::enqueue(test, &new).await);
                ids.push(new.id);
            }
            for contact in [bia, further] {
                if at_once {
                    assert!(write(test, move |tx| tx.delete_contact(workspace_id, contact, now)).await);
                } else {
                    let deletion = test.ctx.id();
                    write(test, move |tx| tx.delete_contacts(workspace_id, deletion, &[contact], "system", now)).await;
                }
            }
            let mut canceled = Vec::new();
            for (id, address) in ids.iter().zip(addresses) {
                if state(test, *id).await == OutboxState::Canceled {
                    assert_eq!(rule_and_words(test, *id).await, (Some("contact_deleted".to_owned()), !at_once));
                    canceled.push(address);
                }
            }
            // Of one who is gone for good what waits for somebody who typed the e-mail address goes as well.
            let expected = if at_once { vec![0, 1, 2, 5] } else { vec![0, 1, 2] };
            let expected: Vec<&str> = expected.into_iter().map(|place: usize| addresses[place]).collect();
            assert_eq!(canceled, expected, "{}, at once: {at_once}", test.engine);
        }
    }
}
