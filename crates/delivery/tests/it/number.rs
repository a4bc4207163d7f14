//! A number at WhatsApp, the portfolio of its account, and what is removed of a person there and here.

use segue_channels::whatsapp::number::{BusinessProfile, CodeMethod};
use segue_delivery::{Files, check_channel, erasure, number_settings};
use segue_model::{
    ContactId, CustomerMergeId, DeletionId, FlowVersionId, MediaId, MessagingUserId, SessionId, contact::ContactFields,
    content::Content, delivery::OutboxState,
};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig},
    crm::{CaseState, CaseView},
    flow::{FlowRun, RunStatus},
    idempotency::Begun,
    inbox::{InboxKind, NewInbox},
    media::NewMedia,
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageCursor, MessageKind, NewMessage},
    message_details::CameFrom,
    messaging_user::{Identifier, IdentifierKind},
    outbox::{Claim, OutboxMessage, Payload},
};
use segue_testkit::bucket::BucketServer;
use serde_json::Value;

use crate::bench::{Bench, benches};

static LINKED: Sql =
    Sql::portable("LINKED", "UPDATE messaging_users SET contact_id = $3 WHERE workspace_id = $1 AND id = $2");
static USER_OF: Sql =
    Sql::portable("USER_OF", "SELECT messaging_user_id FROM sessions WHERE workspace_id = $1 AND id = $2");

#[tokio::test(flavor = "multi_thread")]
async fn what_customers_see_of_the_number_is_read_and_changed_there() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, ctx) = (bench.test.workspace_id(), bench.test.ctx.clone());
        let picture: MediaId = ctx.id();
        let (bucket, in_database) = (BucketServer::start().await, Files::in_database(bench.test.store.clone(), ctx));
        let in_bucket = crate::files::files(&bench.test, &bucket);
        let file = NewMedia {
            id: picture,
            mime: "image/jpeg".to_owned(),
            file_name: Some("shop.jpg".to_owned()),
            data: vec![0xff, 0xd8, 0xff],
        };
        in_bucket.add(workspace_id, file).await.unwrap();
        assert_eq!(bucket.keys().len(), 1, "the picture lies in the bucket");
        let wanted = BusinessProfile {
            about: "Open every day".to_owned(),
            address: "Main St 1".to_owned(),
            description: "Lamps".to_owned(),
            email: "shop@example.com".to_owned(),
            websites: vec!["https://shop.example.com".to_owned()],
            vertical: "RETAIL".to_owned(),
            picture_url: None,
        };
        let lost = number_settings::set_profile(&in_database, &channel, &wanted, Some(picture)).await.unwrap_err();
        assert_eq!(lost.code(), "files", "{}: the bucket is not configured any more", bench.test.engine);
        number_settings::set_profile(&in_bucket, &channel, &wanted, Some(picture)).await.unwrap();
        let now = number_settings::get(&channel).await.unwrap();
        assert!(now.profile.picture_url.is_some(), "{}", bench.test.engine);
        assert_eq!(BusinessProfile { picture_url: None, ..now.profile }, wanted);
        assert_eq!(now.info.name_status.as_deref(), Some("APPROVED"));
        let refused = BusinessProfile { vertical: "NONSENSE".to_owned(), ..wanted.clone() };
        let refused = number_settings::set_profile(&in_bucket, &channel, &refused, None).await.unwrap_err();
        assert_eq!(refused.code(), "whatsapp_refused");

        number_settings::register(&channel, "123456").await.unwrap();
        number_settings::register(&channel, "123456").await.unwrap();
        assert!(number_settings::register(&channel, "654321").await.is_err(), "another PIN than the one that is set");
        number_settings::set_pin(&channel, "654321").await.unwrap();
        number_settings::register(&channel, "654321").await.unwrap();
        number_settings::request_code(&channel, CodeMethod::Sms, "en_US").await.unwrap();
        assert!(number_settings::verify_code(&channel, "000000").await.is_err());
        number_settings::verify_code(&channel, "123456").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_portfolio_share_the_limit_once_it_is_known() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
        let mut second = bench.test.whatsapp_channel("second", &bench.sandbox.graph_base_url).await;
        let ChannelConfig::WhatsApp(config) = &mut second.config else { panic!("WhatsApp") };
        "another account".clone_into(&mut config.waba_id);
        let (row, first) = (second.clone(), channel.clone());
        let portfolio = |channel: &Channel| match &channel.config {
            ChannelConfig::WhatsApp(config) => config.portfolio().to_owned(),
            _ => panic!("WhatsApp"),
        };
        let (own, other) = (portfolio(&first), portfolio(&second));
        assert_ne!(own, other, "as long as nothing is known");
        let id = bench.test.ctx.id();
        bench
            .write(move |tx| {
                tx.upsert_channel(&row)?;
                for (portfolio, address) in [(&own, "+1"), (&own, "+2"), (&other, "+2"), (&other, "+3")] {
                    tx.set_messaging_limit(workspace_id, portfolio, Some(250), (now, now))?;
                    tx.count_initiated_chat(workspace_id, (portfolio, address), id, now)?;
                }
                Ok(())
            })
            .await;
        let told = check_channel(&channel).await.unwrap();
        let told = told.portfolio_id.expect("WhatsApp tells it");
        let (ids, id) = ([channel.id, second.id], told.clone());
        let both = bench
            .write(move |tx| {
                for channel in ids {
                    assert!(tx.set_portfolio(workspace_id, channel, &id)?);
                    assert!(!tx.set_portfolio(workspace_id, channel, &id)?, "it is known then");
                }
                Ok((tx.channel(workspace_id, ids[0])?.unwrap(), tx.channel(workspace_id, ids[1])?.unwrap()))
            })
            .await;
        assert_eq!((portfolio(&both.0), portfolio(&both.1)), (told.clone(), told.clone()), "{}", bench.test.engine);
        let limit = bench.write(move |tx| tx.messaging_limit_now(workspace_id, &told, now)).await;
        assert_eq!((limit.most, limit.used), (Some(250), 3), "each customer once");
    }
}

/// A customer with a contact, a conversation with words and a file, and an answer on its way.
async fn customer(bench: &Bench, channel: &Channel, bsuid: &'static str) -> (ContactId, SessionId, MediaId) {
    let session = bench.session(channel, bench.test.now().plus(3_600_000)).await;
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let (contact, media): (ContactId, MediaId) = (bench.test.ctx.id(), bench.test.ctx.id());
    let id = bench.test.ctx.id();
    bench
        .write(move |tx| {
            let user: MessagingUserId = tx.query_one(&USER_OF, &[&workspace_id, &session], |row| row.next())?;
            tx.insert_contact(workspace_id, contact, &ContactFields::default(), now)?;
            tx.execute(&LINKED, &[&workspace_id, &user, &contact])?;
            let identifier = Identifier { kind: IdentifierKind::Bsuid, value: bsuid.to_owned() };
            tx.insert_identifier(workspace_id, channel_id, &identifier, user)?;
            let file = NewMedia { id: media, mime: "image/png".to_owned(), file_name: None, data: vec![1, 2, 3] };
            tx.insert_media(workspace_id, &file, now)?;
            let reference = MediaReference { id: media, mime: "image/png".to_owned(), file_name: None };
            let entry = NewMessage {
                id,
                session_id: session,
                channel_id,
                direction: Direction::Inbound,
                author: AuthorKind::Customer,
                author_id: None,
                kind: MessageKind::Image,
                content: MessageContent { media: Some(reference), ..MessageContent::default() },
                text: "My secret".to_owned(),
                provider_id: Some(format!("wamid.{bsuid}")),
                client_id: None,
                at: now,
            };
            tx.insert_message(workspace_id, &entry)?;
            Ok(())
        })
        .await;
    (contact, session, media)
}

/// What is known of a conversation beside what was written: a bot that remembers, a case, an advertisement.
async fn known_beside(bench: &Bench, session: SessionId) {
    let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
    let (version, case) = (bench.test.ctx.id::<FlowVersionId>(), bench.test.ctx.id());
    bench
        .write(move |tx| {
            let run = FlowRun {
                flow_version_id: version,
                state: serde_json::json!({ "variables": { "contact.first_name": "Secret" } }),
                status: RunStatus::Waiting,
                turn: 1,
            };
            assert!(tx.insert_flow_run(workspace_id, session, &run, now)?);
            let case = CaseView {
                id: case,
                number: 0,
                subject: "WhatsApp conversation with Secret".to_owned(),
                state: CaseState::Open,
                session_id: Some(session),
                contact_id: None,
                created_at: now,
                closed_at: None,
            };
            tx.insert_case(workspace_id, &case, None)?;
            let came_from = CameFrom {
                kind: Some("ad".to_owned()),
                headline: Some("Lamps".to_owned()),
                click_id: Some("Secret".to_owned()),
                ..CameFrom::default()
            };
            tx.put_ad(workspace_id, session, &came_from, now)
        })
        .await;
}

static RUN_STATE: Sql =
    Sql::portable("RUN_STATE", "SELECT state FROM flow_runs WHERE workspace_id = $1 AND session_id = $2");
static CASE_SUBJECT: Sql =
    Sql::portable("CASE_SUBJECT", "SELECT subject FROM cases WHERE workspace_id = $1 AND session_id = $2");
static AD: Sql = Sql::portable("AD", "SELECT came_from FROM session_ads WHERE workspace_id = $1 AND session_id = $2");

async fn forgotten(bench: &Bench) -> Value {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("{}/v26.0/106540352242922/contact_book", bench.sandbox.graph_base_url);
    client.get(url).bearer_auth("sandbox-token").send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_gone_for_good_is_forgotten_at_whatsapp_and_its_conversations_emptied_where_that_is_wanted() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, store) = (bench.test.workspace_id(), bench.test.store.clone());
        for (wanted, bsuid) in [(false, "US.101"), (true, "US.102")] {
            let mut workspace = bench.test.workspace.clone();
            workspace.settings.erase_transcripts = wanted;
            bench.write(move |tx| tx.update_workspace(&workspace)).await;
            let (contact, session, media) = customer(&bench, &channel, bsuid).await;
            known_beside(&bench, session).await;
            let answer =
                bench.whatsapp_to(&channel, "+15550199", session, &Content::Text { text: "Secret".to_owned() });
            let answer = bench.enqueue(&answer).await;
            let (deletion, now) = (bench.test.ctx.id::<DeletionId>(), bench.test.now());
            bench.write(move |tx| tx.delete_contacts(workspace_id, deletion, &[contact], "system", now)).await;
            assert_eq!(
                erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(),
                0,
                "it can still be brought back"
            );
            assert_eq!(bench.state(answer).await, segue_model::delivery::OutboxState::Queued);
            let later = now.plus(1);
            bench.write(move |tx| tx.delete_old_deletions(workspace_id, later)).await;
            assert_eq!(
                bench.state(answer).await,
                segue_model::delivery::OutboxState::Canceled,
                "{}",
                bench.test.engine
            );
            // The customer writes again before anything is emptied.
            let (later_at, late) = (later.plus(60_000), bench.test.ctx.id::<segue_model::MessageId>());
            let words = NewMessage {
                id: late,
                session_id: session,
                channel_id: channel.id,
                direction: Direction::Inbound,
                author: AuthorKind::Customer,
                author_id: None,
                kind: MessageKind::Text,
                content: MessageContent::default(),
                text: "Hello again".to_owned(),
                provider_id: Some(format!("wamid.late.{bsuid}")),
                client_id: None,
                at: later_at,
            };
            bench.write(move |tx| tx.insert_message(workspace_id, &words)).await;
            assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 1, "{}", bench.test.engine);
            let kept = bench.write(move |tx| tx.message_view(workspace_id, session, late)).await.unwrap();
            assert_eq!(kept.text, "Hello again", "{}: what comes after is a new matter", bench.test.engine);
            assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 0, "once");
            let shown = bench
                .write(move |tx| tx.messages_before(workspace_id, session, MessageCursor::END, 10))
                .await
                .into_iter()
                .find(|entry| entry.id != late)
                .unwrap();
            let data = bench.write(move |tx| tx.media_data(workspace_id, media)).await;
            if wanted {
                assert_eq!((shown.text.as_str(), shown.media.is_none(), data), ("", true, None));
                assert_eq!(shown.author.kind, AuthorKind::Customer, "that there was something stays");
            } else {
                assert_eq!((shown.text.as_str(), data.is_some()), ("My secret", true));
            }
            for sql in [&RUN_STATE, &CASE_SUBJECT, &AD] {
                let kept =
                    bench.write(move |tx| tx.query_one(sql, &[&workspace_id, &session], |row| row.next::<String>()));
                let kept = kept.await;
                assert_ne!(kept.contains("Secret"), wanted, "{}: {kept}", bench.test.engine);
            }
            let run =
                bench.write(move |tx| tx.flow_run(workspace_id, session)).await.expect("that there was a bot stays");
            assert_ne!(run.status.is_active(), wanted, "{}", bench.test.engine);
        }
        assert_eq!(forgotten(&bench).await["forgotten"], serde_json::json!(["US.101", "US.102"]));
    }
}

/// Sets where the channel's WhatsApp is and the token for it.
async fn reached_at(bench: &Bench, channel: &Channel, base_url: &str, token: &str) {
    let mut channel = channel.clone();
    let ChannelConfig::WhatsApp(config) = &mut channel.config else { panic!("WhatsApp") };
    base_url.clone_into(&mut config.base_url);
    token.clone_into(&mut config.access_token);
    bench.write(move |tx| tx.upsert_channel(&channel)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_is_told_when_an_outage_is_over_and_what_is_given_up_is_said() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, store) = (bench.test.workspace_id(), bench.test.store.clone());
        let (ctx, clock, engine) = (&bench.test.ctx, &bench.test.clock, bench.test.engine);
        let gone = async |bsuid: &'static str| {
            let (contact, _, _) = customer(&bench, &channel, bsuid).await;
            let now = bench.test.now();
            assert!(bench.write(move |tx| tx.delete_contact(workspace_id, contact, now)).await);
        };
        let due = async || bench.write(move |tx| tx.erasures(workspace_id, None, 9)).await;
        let round = async || erasure::run(&store, ctx, workspace_id).await.unwrap();
        let notices = async || {
            let told = bench.write(move |tx| tx.channel_notices(workspace_id, channel.id, None, 9)).await;
            told.iter().filter(|notice| notice.text.contains("contact book")).count()
        };

        // A token that has run out is no attempt, for however long.
        gone("US.401").await;
        gone("US.402").await;
        reached_at(&bench, &channel, &bench.sandbox.graph_base_url, "expired").await;
        for _ in 0..60 {
            assert_eq!(round().await, 0, "{engine}");
            clock.advance(3_600_001);
        }
        let waiting: Vec<u32> = due().await.iter().map(|erasure| erasure.attempts).collect();
        assert_eq!(waiting, [0, 0], "{engine}");
        reached_at(&bench, &channel, &bench.sandbox.graph_base_url, "sandbox-token").await;
        assert_eq!(round().await, 2, "{engine}: at once, since nothing is waited for any more");
        let told = forgotten(&bench).await["forgotten"].to_string();
        assert!(told.contains("US.401") && told.contains("US.402"), "{engine}: {told}");

        // Nobody answers for a day: growing waits, and it is told then.
        gone("US.403").await;
        reached_at(&bench, &channel, "http://127.0.0.1:1", "sandbox-token").await;
        for _ in 0..3 * 24 {
            assert_eq!(round().await, 0, "{engine}");
            clock.advance(20 * 60_000);
        }
        assert_eq!(due().await[0].attempts, 4, "{engine}: after ten minutes, one hour and six");
        reached_at(&bench, &channel, &bench.sandbox.graph_base_url, "sandbox-token").await;
        assert_eq!(round().await, 0, "{engine}: not yet");
        clock.advance(24 * 3_600_000);
        assert_eq!((round().await, notices().await), (1, 0), "{engine}");

        // Nobody answers for longer than a month.
        gone("US.404").await;
        reached_at(&bench, &channel, "http://127.0.0.1:1", "sandbox-token").await;
        let mut done = 0;
        for _ in 0..34 {
            done += round().await;
            clock.advance(24 * 3_600_000);
        }
        assert_eq!((done, due().await.len(), notices().await), (1, 0, 1), "{engine}: it is said on the channel");
    }
}

static COPIES: Sql = Sql::portable(
    "COPIES",
    "SELECT payload FROM inbox WHERE workspace_id = $1 UNION ALL
        SELECT body FROM idempotency_keys WHERE workspace_id = $1 ORDER BY 1",
);

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_and_answers_to_requests_hold_no_word_of_a_conversation_that_was_emptied() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, store) = (bench.test.workspace_id(), bench.test.store.clone());
        let mut workspace = bench.test.workspace.clone();
        workspace.settings.erase_transcripts = true;
        bench.write(move |tx| tx.update_workspace(&workspace)).await;
        let (ana, of_ana, _) = customer(&bench, &channel, "US.301").await;
        let (_, of_ben, _) = customer(&bench, &channel, "US.302").await;
        let other = bench.sms().await;
        let (channel_id, other_id, ctx) = (channel.id, other.id, bench.test.ctx.clone());
        bench
            .write(move |tx| {
                let now = ctx.now();
                for (channel_id, kind, subject, words, at) in [
                    (channel_id, InboxKind::WhatsApp, "106540352242922:US.301", "Ana's", now),
                    (channel_id, InboxKind::WhatsApp, "106540352242922:US.302", "Ben's", now),
                    (channel_id, InboxKind::WhatsApp, "106540352242922:US.301", "Later", now.plus(60_000)),
                    (other_id, InboxKind::WhatsApp, "1:US.301", "Elsewhere", now),
                ] {
                    let row = NewInbox {
                        id: ctx.id(),
                        channel_id,
                        kind,
                        external_id: words.to_owned(),
                        subject: subject.to_owned(),
                        payload: Payload::of(&serde_json::json!({ "text": words }))?,
                    };
                    assert!(tx.receive_to_work_on(workspace_id, &row, at)?);
                }
                for (key, session) in [("ana", of_ana), ("ben", of_ben)] {
                    assert_eq!(tx.begin_request(workspace_id, "user", key, b"hash", now)?, Begun::Fresh);
                    let answer = format!(r#"{{"session_id":"{session}","text":"To {key}"}}"#);
                    tx.finish_request(workspace_id, "user", key, now, (201, answer.as_str()))?;
                }
                Ok(())
            })
            .await;
        let (deletion, now) = (bench.test.ctx.id::<DeletionId>(), bench.test.now());
        bench.write(move |tx| tx.delete_contacts(workspace_id, deletion, &[ana], "system", now)).await;
        bench.write(move |tx| tx.delete_old_deletions(workspace_id, now.plus(1))).await;
        assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 1, "{}", bench.test.engine);
        let left = bench.write(move |tx| tx.query(&COPIES, &[&workspace_id], |row| row.next::<String>())).await;
        let to_ben = format!(r#"{{"session_id":"{of_ben}","text":"To ben"}}"#);
        let wanted = ["", &to_ben, r#"{"text":"Ben's"}"#, r#"{"text":"Elsewhere"}"#, r#"{"text":"Later"}"#, "{}"];
        let mut wanted: Vec<&str> = wanted.to_vec();
        let mut left: Vec<&str> = left.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        left.sort_unstable();
        assert_eq!(left, wanted, "{}", bench.test.engine);
        // A repeat is still one: it is answered without the words.
        let again = bench.write(move |tx| tx.begin_request(workspace_id, "user", "ana", b"hash", now)).await;
        assert_eq!(again, Begun::Repeat { status: 201, body: String::new() }, "{}", bench.test.engine);
    }
}

static PAYLOAD: Sql = Sql::portable("PAYLOAD", "SELECT payload FROM outbox WHERE workspace_id = $1 AND id = $2");

/// An agent's answer in the transcript and on its way, claimed by a worker.
async fn claimed(bench: &Bench, channel: &Channel, session: SessionId) -> OutboxMessage {
    let answer = bench.whatsapp_to(channel, "+15550199", session, &Content::Text { text: "Secret".to_owned() });
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let entry = NewMessage {
        id: answer.id,
        session_id: session,
        channel_id,
        direction: Direction::Outbound,
        author: AuthorKind::Agent,
        author_id: None,
        kind: MessageKind::Text,
        content: MessageContent::default(),
        text: "Secret".to_owned(),
        provider_id: None,
        client_id: None,
        at: now,
    };
    bench.write(move |tx| tx.insert_message(workspace_id, &entry)).await;
    bench.enqueue(&answer).await;
    let claim = bench.write(move |tx| {
        let claim = Claim { owner: "worker", limit: 1, lease_until: now.plus(60_000), now };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    });
    claim.await.pop().expect("it is due")
}

async fn begin(bench: &Bench, channel: &Channel, message: &OutboxMessage) -> segue_delivery::Begin {
    let (ctx, channel, message) = (bench.test.ctx.clone(), channel.clone(), message.clone());
    bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &message, ctx.now().plus(60_000))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_wire_is_emptied_when_it_has_its_end_and_what_is_claimed_does_not_leave() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, store) = (bench.test.workspace_id(), bench.test.store.clone());
        let mut workspace = bench.test.workspace.clone();
        workspace.settings.erase_transcripts = true;
        bench.write(move |tx| tx.update_workspace(&workspace)).await;
        let (ana, of_ana, _) = customer(&bench, &channel, "US.201").await;
        let (ben, of_ben, _) = customer(&bench, &channel, "US.202").await;
        let on_the_wire = claimed(&bench, &channel, of_ana).await;
        assert_eq!(begin(&bench, &channel, &on_the_wire).await, segue_delivery::Begin::Go);
        let held = claimed(&bench, &channel, of_ben).await;
        let words = async |id: segue_model::MessageId| {
            bench.write(move |tx| tx.query_one(&PAYLOAD, &[&workspace_id, &id], |row| row.next::<String>())).await
        };

        let (deletion, now) = (bench.test.ctx.id::<DeletionId>(), bench.test.now());
        bench.write(move |tx| tx.delete_contacts(workspace_id, deletion, &[ana, ben], "system", now)).await;
        bench.write(move |tx| tx.delete_old_deletions(workspace_id, now.plus(1))).await;
        assert_eq!(bench.state(held.id).await, OutboxState::Canceled, "{}", bench.test.engine);
        assert_eq!(bench.rule(held.id).await.as_deref(), Some("contact_deleted"));
        assert!(!words(held.id).await.contains("Secret"), "{}", bench.test.engine);
        assert_ne!(begin(&bench, &channel, &held).await, segue_delivery::Begin::Go, "the claim is worth nothing");

        assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 1, "{}: Ben", bench.test.engine);
        assert!(words(on_the_wire.id).await.contains("Secret"), "its worker still needs it");
        let (ctx, row) = (bench.test.ctx.clone(), on_the_wire.clone());
        bench.write(move |tx| tx.mark_accepted(&row, &["wamid.out".to_owned()], &ctx)).await;
        assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 1, "{}: Ana", bench.test.engine);
        assert!(!words(on_the_wire.id).await.contains("Secret"), "{}", bench.test.engine);
        assert_eq!(erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap(), 0);

        // WhatsApp refuses it afterwards because the window is closed: nothing of it waits for the customer.
        let refused = serde_json::json!({ "id": "wamid.out", "status": "failed", "timestamp": "1795453200",
            "errors": [{ "code": 131_047, "title": "Re-engagement message" }] });
        crate::whatsapp::status(&bench, &channel, refused).await;
        assert_eq!(bench.state(on_the_wire.id).await, OutboxState::Failed);
        let waiting = bench.write(move |tx| tx.pending_replies(workspace_id, of_ana)).await;
        assert!(waiting.is_empty(), "{}", bench.test.engine);
    }
}

static ENDED: Sql = Sql::portable("ENDED", "UPDATE sessions SET state = 'ended' WHERE workspace_id = $1 AND id = $2");
static UNLINKED: Sql =
    Sql::portable("UNLINKED", "UPDATE messaging_users SET contact_id = NULL WHERE workspace_id = $1 AND id = $2");

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_wrote_who_became_part_of_another_one_goes_with_their_contact() {
    // Whether the erasure was asked for before the merge, and whether the other one is a contact's.
    for (asked_before, is_somebodys) in [(false, true), (true, true), (false, false), (true, false)] {
        for bench in benches().await {
            let channel = bench.whatsapp().await;
            let (workspace_id, store) = (bench.test.workspace_id(), bench.test.store.clone());
            let mut workspace = bench.test.workspace.clone();
            workspace.settings.erase_transcripts = true;
            bench.write(move |tx| tx.update_workspace(&workspace)).await;
            let (ana, of_ana, _) = customer(&bench, &channel, "US.301").await;
            bench.write(move |tx| tx.execute(&ENDED, &[&workspace_id, &of_ana])).await;
            let (_, of_ben, _) = customer(&bench, &channel, "US.302").await;
            let (deletion, now) = (bench.test.ctx.id::<DeletionId>(), bench.test.now());
            let merge: CustomerMergeId = bench.test.ctx.id();
            bench
                .write(move |tx| {
                    let of = |tx: &mut segue_store::Tx<'_>, session: SessionId| {
                        tx.query_one(&USER_OF, &[&workspace_id, &session], |row| row.next::<MessagingUserId>())
                    };
                    let (from, into) = (of(tx, of_ana)?, of(tx, of_ben)?);
                    if !is_somebodys {
                        tx.execute(&UNLINKED, &[&workspace_id, &into])?;
                    }
                    if asked_before {
                        assert!(tx.delete_contact(workspace_id, ana, now)?);
                    } else {
                        tx.delete_contacts(workspace_id, deletion, &[ana], "system", now)?;
                    }
                    tx.record_customer_merge(workspace_id, merge, (from, into), "system", now)?;
                    tx.merge_messaging_users(workspace_id, from, into)?;
                    tx.delete_old_deletions(workspace_id, now.plus(1))
                })
                .await;
            erasure::run(&store, &bench.test.ctx, workspace_id).await.unwrap();
            let words = async |session: SessionId| {
                let page =
                    bench.write(move |tx| tx.messages_before(workspace_id, session, MessageCursor::END, 10)).await;
                page[0].text.clone()
            };
            let case = format!("{}, {asked_before}, {is_somebodys}", bench.test.engine);
            assert_eq!(words(of_ana).await, "", "{case}");
            assert_eq!(words(of_ben).await, if is_somebodys { "My secret" } else { "" }, "{case}");
            assert_eq!(bench.write(move |tx| tx.erasures(workspace_id, None, 9)).await, [], "{case}");
        }
    }
}
