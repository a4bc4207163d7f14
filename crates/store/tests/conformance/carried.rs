//! What a restored database takes over from the one that it replaces.

use segue_model::{
    InboxId, Timestamp,
    consent::{ConsentAction, ConsentMethod, Medium, Purpose},
    time,
};
use segue_store::{
    Sql,
    carried::Carried,
    consent::NewConsentEvent,
    dead_letter::Source,
    inbound_part::{InboundPart, InboundTextKey},
    inbox::{InboxKind, NewInbox},
};
use segue_testkit::{TestStore, engines, sqlite_store};
use serde_json::json;

use super::write;

static USER: Sql = Sql::portable(
    "USER",
    "INSERT INTO messaging_users (workspace_id, id, channel_id, created_at, version) VALUES ($1, $2, $3, $4, 1)",
);
static IDENTIFIER: Sql = Sql::portable(
    "IDENTIFIER",
    "INSERT INTO messaging_identifiers (workspace_id, channel_id, kind, value, messaging_user_id) VALUES ($1, $2, $3, $4, $5)",
);
static SESSION: Sql = Sql::portable(
    "SESSION",
    "INSERT INTO sessions (workspace_id, id, channel_id, messaging_user_id, state, attribution, opt_in, opt_in_at, gathered,
            last_at, started_at, version)
        VALUES ($1, $2, $3, $4, 'active', 'none', 'granted', $5, '[]', $5, $5, 1)",
);
static OPT_INS: Sql = Sql::portable(
    "OPT_INS",
    "SELECT i.value || ' ' || s.opt_in FROM sessions s JOIN messaging_identifiers i ON i.workspace_id = s.workspace_id
            AND i.messaging_user_id = s.messaging_user_id
        WHERE s.workspace_id = $1",
);

async fn say(test: &TestStore, address: &'static str, action: ConsentAction, (at, proof): (Timestamp, &'static str)) {
    let event = NewConsentEvent {
        medium: Medium::WhatsApp,
        address: address.to_owned(),
        purpose: Purpose::Marketing,
        action,
        method: ConsentMethod::Keyword,
        wording: Some("STOP".to_owned()),
        proof: Some(proof.to_owned()),
        actor: "customer".to_owned(),
        occurred_at: at,
    };
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    test.clock.advance(1);
    let said = write(test, move |tx| {
        tx.record_consent(workspace_id, &event, &ctx).unwrap();
        Ok(())
    });
    said.await;
}

/// Carries over what the replaced database has.
async fn carry(replaced: &TestStore, copy: &TestStore) -> Carried {
    let workspace_id = copy.workspace_id();
    assert_eq!(replaced.workspace_id(), workspace_id, "both are seeded alike");
    let said = write(replaced, move |tx| tx.said_since(workspace_id, Timestamp(0))).await;
    let ctx = copy.ctx_of_node(1);
    write(copy, move |tx| tx.carry_over(&said, &ctx)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_a_chat_since_counts_in_the_open_conversation_too() {
    for copy in engines().await {
        let replaced = sqlite_store().await;
        let (workspace_id, now) = (copy.workspace_id(), copy.now());
        let channel_id = copy.whatsapp_channel("shop", "http://127.0.0.1:1").await.id;
        let customers = [
            ("phone", "+15550200001", -time::DAY),
            ("wa_id", "15550200002", -time::DAY),
            ("phone", "+15550200003", -time::DAY),
            ("phone", "+15550200004", time::DAY),
            ("bsuid", "US.5", -time::DAY),
        ];
        for (kind, value, agreed) in customers {
            let (user, session, agreed_at) = (copy.ctx.uuid(), copy.ctx.uuid(), now.plus(agreed));
            write(&copy, move |tx| {
                tx.execute(&USER, &[&workspace_id, &user, &channel_id, &now])?;
                tx.execute(&IDENTIFIER, &[&workspace_id, &channel_id, &kind, &value, &user])?;
                tx.execute(&SESSION, &[&workspace_id, &session, &channel_id, &user, &agreed_at])
            })
            .await;
        }
        let (chat, text) = ("whatsapp message wamid.1", "sms ibx_1");
        for (address, action, said) in [
            ("+15550200001", ConsentAction::Revoke, (now, chat)),
            // Taken back in the chat.
            ("+15550200002", ConsentAction::Revoke, (now, chat)),
            ("+15550200002", ConsentAction::Grant, (now.plus(1), chat)),
            // Said by text: the conversation is another matter.
            ("+15550200003", ConsentAction::Revoke, (now, text)),
            // The copy knows of something later.
            ("+15550200004", ConsentAction::Revoke, (now, chat)),
            ("US.5", ConsentAction::Revoke, (now, chat)),
        ] {
            say(&replaced, address, action, said).await;
        }
        assert_eq!(carry(&replaced, &copy).await.entries, 6, "{}", copy.engine);
        let mut opt_ins: Vec<String> =
            write(&copy, move |tx| tx.query(&OPT_INS, &[&workspace_id], |row| row.next())).await;
        opt_ins.sort();
        let expected = [
            "+15550200001 declined",
            "+15550200003 granted",
            "+15550200004 granted",
            "15550200002 granted",
            "US.5 declined",
        ];
        assert_eq!(opt_ins, expected, "{}", copy.engine);
    }
}

fn arrived(test: &TestStore, external_id: &str) -> NewInbox {
    let id: InboxId = test.ctx.id();
    NewInbox {
        id,
        channel_id: test.ctx.id(),
        kind: InboxKind::Sms,
        external_id: external_id.to_owned(),
        subject: "+1".to_owned(),
        payload: json!({ "text": "STOP" }).into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_and_nobody_worked_on_is_a_dead_letter_of_the_copy() {
    for copy in engines().await {
        let replaced = sqlite_store().await;
        let (workspace_id, now) = (copy.workspace_id(), copy.now());
        let [waits, known, done, part] =
            ["waits", "known", "done", "part"].map(|external_id| arrived(&replaced, external_id));
        let (also, part_id, channel_id) = (known.clone(), part.id, part.channel_id);
        write(&copy, move |tx| tx.receive(workspace_id, &also, now)).await;
        write(&replaced, move |tx| {
            for item in [&waits, &known] {
                assert!(tx.receive(workspace_id, item, now)?);
            }
            for item in [&done, &part] {
                assert!(tx.receive_to_work_on(workspace_id, item, now)?);
            }
            let key = InboundTextKey {
                channel_id,
                sender: "+1".to_owned(),
                recipient: "+2".to_owned(),
                reference: 1,
                total: 2,
            };
            let part =
                InboundPart { number: 1, part: "{}".to_owned(), inbox_id: part_id, received_at: now, read_at: None };
            tx.keep_inbound_part(workspace_id, &key, &part)
        })
        .await;
        assert_eq!(carry(&replaced, &copy).await.arrivals, 2, "{}: what waits, and the part", copy.engine);
        assert_eq!(carry(&replaced, &copy).await.arrivals, 0, "{}: once", copy.engine);
        let counts = write(&copy, move |tx| tx.inbox_counts(workspace_id)).await;
        assert_eq!((counts.pending, counts.done, counts.dead), (1, 0, 2), "{}", copy.engine);
        let letters = write(&copy, move |tx| tx.open_dead_letters(workspace_id, None, 10)).await;
        let sources: Vec<Source> = letters.iter().map(|letter| letter.source).collect();
        assert_eq!(sources, [Source::Inbox, Source::Inbox], "{}", copy.engine);
        assert!(letters.iter().any(|letter| letter.source_id == part_id.to_string()), "{}", copy.engine);
    }
}
