use segue_model::{
    InboxId, Timestamp,
    consent::{ConsentAction, ConsentState, Medium, Purpose},
    content::SmsContent,
    delivery::MessageClass,
    keyword::{ExtraWord, Keyword},
    time,
};
use segue_outreach::{
    consent_record,
    keywords::{Handled, InboundSms, handle, handle_answered},
};
use segue_store::{
    Sql,
    channel::{Channel, SenderKind},
    consent_settings::ConsentSettings,
    direct_message::NewDirectMessage,
    outbox::{AddressKind, NewOutbox, Payload},
};

use crate::world::{World, phone, worlds};

pub async fn receive(world: &World, inbox_id: InboxId, from: &str, text: &str) -> Handled {
    receive_on(world, world.sms.clone(), inbox_id, (from, text)).await
}

/// A text to the number of the world's sender, on this account.
pub async fn receive_on(world: &World, channel: Channel, inbox_id: InboxId, said: (&str, &str)) -> Handled {
    let now = world.test.now();
    receive_late(world, channel, (inbox_id, now), said, None).await
}

/// A text to the world's sender that the provider took for a keyword and has answered.
pub async fn taken(world: &World, keyword: Keyword, from: &str, text: &str) -> Handled {
    let came = (world.test.ctx.id(), world.test.now());
    receive_late(world, world.sms.clone(), came, (from, text), Some(keyword)).await
}

/// A text to the world's sender that came in before it is worked on.
pub async fn text_of(world: &World, received_at: Timestamp, from: &str, text: &str) -> Handled {
    let came = (world.test.ctx.id(), received_at);
    receive_late(world, world.sms.clone(), came, (from, text), None).await
}

/// A text that came in before it is worked on.
async fn receive_late(
    world: &World,
    channel: Channel,
    (inbox_id, received_at): (InboxId, Timestamp),
    (from, text): (&str, &str),
    answered: Option<Keyword>,
) -> Handled {
    let (ctx, ws) = (world.test.ctx.clone(), world.ws());
    let (from, text) = (from.to_owned(), text.to_owned());
    world
        .write(move |tx| {
            let workspace = tx.workspace(ws)?.unwrap();
            let sms = InboundSms {
                inbox_id,
                from: &from,
                is_national: false,
                to: "15550000000",
                text: &text,
                files: &[],
                received_at,
            };
            match answered {
                Some(keyword) => handle_answered(tx, &ctx, &workspace, &channel, &sms, keyword),
                None => handle(tx, &ctx, &workspace, &channel, &sms),
            }
        })
        .await
}

/// A text to the world's sender.
pub async fn text(world: &World, from: &str, text: &str) -> Handled {
    let id = world.test.ctx.id();
    receive(world, id, from, text).await
}

/// A text to this number of ours.
pub async fn text_to(world: &World, to: &str, from: &str, text: &str) -> Handled {
    let (ctx, ws, channel, inbox_id) = (world.test.ctx.clone(), world.ws(), world.sms.clone(), world.test.ctx.id());
    let (to, from, text, received_at) = (to.to_owned(), from.to_owned(), text.to_owned(), world.test.now());
    world
        .write(move |tx| {
            let workspace = tx.workspace(ws)?.unwrap();
            let (from, to, text) = (from.as_str(), to.as_str(), text.as_str());
            let sms = InboundSms { inbox_id, from, is_national: false, to, text, files: &[], received_at };
            handle(tx, &ctx, &workspace, &channel, &sms)
        })
        .await
}

/// Consent to promotional SMS and WhatsApp messages.
pub async fn consents(world: &World, address: &str) -> [ConsentState; 2] {
    let (ws, address) = (world.ws(), address.to_owned());
    world
        .write(move |tx| {
            let mut state = |medium| tx.consent_state(ws, medium, &address, Purpose::Marketing).map(|it| it.state);
            Ok([state(Medium::Sms)?, state(Medium::WhatsApp)?])
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_start_and_help() {
    use ConsentState::{Granted, None as Nothing, Revoked};
    for world in worlds().await {
        let ana = phone(1);
        world.subscriber(&ana, "Ana").await;
        let campaign = world.sent(world.input()).await;
        assert_eq!(world.in_state("queued").await, 1);
        world.test.clock.advance(time::MINUTE);

        assert_eq!(text(&world, ana.trim_start_matches('+'), " stop. ").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, &ana).await, [Revoked, Revoked], "no means no everywhere");
        let messages = world.messages().await;
        assert_eq!(messages[0].state, "canceled");
        let reply = &messages[1];
        assert_eq!((reply.class.as_str(), reply.state.as_str()), ("keyword", "queued"));
        assert_eq!((reply.address.as_str(), reply.source.as_str()), (ana.as_str(), "+15550000000"));
        assert!(reply.text.contains("Our team") && !reply.text.contains('{'), "{}", reply.text);
        let ws = world.ws();
        let address = ana.clone();
        let ledger = world.write(move |tx| tx.consent_events(ws, &address, None, 10)).await;
        assert!(ledger.iter().take(2).all(|event| {
            event.wording.as_deref() == Some("stop.") && event.proof.as_deref().is_some_and(|it| it.starts_with("inb_"))
        }));

        // Again: obeyed, not answered, however much later.
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Repeated(Keyword::Stop));
        assert_eq!(world.messages().await.len(), 2);
        world.test.clock.advance(time::DAY);
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Repeated(Keyword::Stop));

        world.test.clock.advance(1);
        assert_eq!(text(&world, &ana, "START").await, Handled::Answered(Keyword::Start));
        assert_eq!(consents(&world, &ana).await, [Granted, Revoked]);
        assert_eq!(text(&world, &ana, "HELP").await, Handled::Answered(Keyword::Help));
        assert_eq!(text(&world, &ana, "How much is it?").await, Handled::NoKeyword);
        assert_eq!(text(&world, "12345", "STOP").await, Handled::NoKeyword, "a short code has no consent");
        // A stop after a start is news, and is answered.
        world.test.clock.advance(1);
        assert_eq!(text(&world, &ana, "Stop").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, &ana).await, [Revoked, Revoked]);

        assert_eq!(text(&world, &phone(9), "stop").await, Handled::Answered(Keyword::Stop), "nobody we know");
        assert_eq!(consents(&world, &phone(8)).await, [Nothing, Nothing]);
        let funnel = segue_outreach::campaign::funnel(&world.test.store, ws, campaign.id).await.unwrap();
        assert_eq!((funnel.planned, funnel.canceled, funnel.queued), (1, 1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inbox_row_worked_on_again_answers_once() {
    for world in worlds().await {
        let row = world.test.ctx.id();
        for keyword in ["HELP", "HELP", "HELP"] {
            receive(&world, row, &phone(1), keyword).await;
        }
        assert_eq!(world.messages().await.len(), 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_by_hand_is_still_answered_when_the_person_texts_it() {
    for world in worlds().await {
        world.consent(&phone(1), ConsentAction::Revoke).await;
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Answered(Keyword::Stop));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_a_number_in_national_writing_counts() {
    for world in worlds().await {
        assert_eq!(text(&world, "(555) 013-0001", "STOP").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, "+15550130001").await[0], ConsentState::Revoked, "{}", world.test.engine);
        // Read as an international number it would be somebody's in another country.
        assert_eq!(text(&world, "2125550199", "STOP").await, Handled::Answered(Keyword::Stop));
        for (address, state) in [("+12125550199", ConsentState::Revoked), ("+2125550199", ConsentState::None)] {
            assert_eq!(consents(&world, address).await[0], state, "{address} on {}", world.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_counts_for_every_writing_of_the_number() {
    for world in worlds().await {
        text(&world, "5511999990000", "STOP").await;
        for address in ["+5511999990000", "+551199990000"] {
            assert_eq!(
                consents(&world, address).await,
                [ConsentState::Revoked; 2],
                "{address} on {}",
                world.test.engine
            );
        }
    }
}

/// Changes the workspace's settings of consent.
pub async fn settings(world: &World, change: impl Fn(&mut ConsentSettings) + Send + 'static) {
    let ws = world.ws();
    world
        .write(move |tx| {
            let mut workspace = tx.workspace(ws)?.unwrap();
            change(&mut workspace.settings.consent);
            tx.update_workspace(&workspace)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_leaves_within_five_minutes_or_not_at_all_and_in_the_words_language() {
    for world in worlds().await {
        world.test.clock.advance(time::MINUTE);
        text(&world, &phone(1), "¡BAJA!").await;
        text(&world, &phone(2), "stop").await;
        let messages = world.messages().await;
        assert!(messages[0].text.starts_with("Our team: te has dado de baja"), "{}", messages[0].text);
        assert!(messages[1].text.contains("you are unsubscribed"), "{}", messages[1].text);
        let ws = world.ws();
        static EXPIRY: Sql =
            Sql::portable("EXPIRY", "SELECT expires_at FROM outbox WHERE workspace_id = $1 ORDER BY id");
        let expiry: Vec<Timestamp> = world.write(move |tx| tx.query(&EXPIRY, &[&ws], |row| row.next())).await;
        assert_eq!(expiry, [world.test.now().plus(5 * time::MINUTE); 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_confirmation_of_a_stop_names_the_brand_and_the_way_back() {
    let replies = ConsentSettings::default().replies;
    assert_eq!(replies.len(), 11, "and English, which is the workspace's own");
    for (language, replies) in replies {
        assert!(replies.stop.contains("{brand}") && replies.stop.contains("START"), "{language}");
        assert!(replies.help.contains("{brand}") && replies.help.contains("STOP"), "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_adds_words_and_keeps_silent_where_it_wants() {
    for world in worlds().await {
        settings(&world, |settings| {
            settings.extra_words =
                vec![ExtraWord { language: "sv".to_owned(), keyword: Keyword::Stop, word: "Sluta".to_owned() }];
            settings.silent = vec![Keyword::Help];
        })
        .await;
        assert_eq!(text(&world, &phone(1), "sluta!").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, &phone(1)).await, [ConsentState::Revoked; 2]);
        assert_eq!(text(&world, &phone(1), "HELP").await, Handled::Silent(Keyword::Help));
        assert_eq!(world.messages().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_of_a_toll_free_number_answers_stop_itself() {
    for world in worlds().await {
        let (ws, mut sender) = (world.ws(), world.sender.clone());
        sender.kind = SenderKind::TollFree;
        world.write(move |tx| tx.upsert_sender(ws, &sender)).await;
        assert_eq!(text(&world, &phone(1), "HELP").await, Handled::Answered(Keyword::Help));
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Silent(Keyword::Stop));
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Revoked);
        assert_eq!(text(&world, &phone(1), "HELP").await, Handled::Silent(Keyword::Help), "it would be blocked");
        assert_eq!(world.messages().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_kept_in_full_with_what_was_done() {
    for world in worlds().await {
        let long = "word ".repeat(500);
        for said in ["STOP", long.as_str(), "HELP"] {
            text(&world, &phone(1), said).await;
        }
        let ws = world.ws();
        let kept = world.write(move |tx| tx.texts_from(ws, &phone(1), None, 10)).await;
        let kept: Vec<_> = kept.iter().rev().map(|text| (text.text.as_str(), text.outcome.as_str())).collect();
        assert_eq!(kept, [("STOP", "stop"), (long.as_str(), "none"), ("HELP", "help")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worked_on_late_counts_from_when_it_came_in() {
    use ConsentState::{Granted, Revoked};
    for world in worlds().await {
        let ana = phone(1);
        world.subscriber(&ana, "Ana").await;
        world.test.clock.advance(time::MINUTE);
        // START could not be worked on, STOP was obeyed, and then somebody replays the START.
        let (dead, came_in) = (world.test.ctx.id(), world.test.now());
        world.test.clock.advance(time::HOUR);
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Answered(Keyword::Stop));
        world.test.clock.advance(time::DAY);
        receive_late(&world, world.sms.clone(), (dead, came_in), (&ana, "START"), None).await;
        assert_eq!(consents(&world, &ana).await, [Revoked, Revoked], "{}", world.test.engine);
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Repeated(Keyword::Stop), "they are still out");

        // The other way round the later yes stands.
        let (dead, came_in) = (world.test.ctx.id(), world.test.now());
        world.test.clock.advance(time::HOUR);
        text(&world, &ana, "START").await;
        world.test.clock.advance(time::HOUR);
        receive_late(&world, world.sms.clone(), (dead, came_in), (&ana, "STOP"), None).await;
        assert_eq!(consents(&world, &ana).await, [Granted, Revoked], "{}", world.test.engine);

        // So it is with what the provider took for us.
        let ben = phone(2);
        for (keyword, hours_ago) in [(Keyword::Stop, 1), (Keyword::Start, 2)] {
            let came = (world.test.ctx.id(), world.test.now().plus(-hours_ago * time::HOUR));
            receive_late(&world, world.sms.clone(), came, (&ben, "a word"), Some(keyword)).await;
        }
        assert_eq!(consents(&world, &ben).await, [Revoked, Revoked], "{}", world.test.engine);
    }
}

static WORDS: Sql =
    Sql::portable("WORDS", "SELECT payload FROM outbox WHERE workspace_id = $1 AND address = $2 ORDER BY id");
static FIELDS: Sql =
    Sql::portable("FIELDS", "SELECT fields FROM direct_messages WHERE workspace_id = $1 AND address = $2");

#[tokio::test(flavor = "multi_thread")]
async fn with_a_contact_that_is_gone_for_good_the_words_of_its_texts_go_where_that_is_wanted() {
    for world in worlds().await {
        for (wanted, at_once) in [(false, true), (true, true), (true, false)] {
            let ws = world.ws();
            let mut workspace = world.test.workspace.clone();
            workspace.settings.erase_transcripts = wanted;
            world.write(move |tx| tx.update_workspace(&workspace)).await;
            let number = 100 + 2 * u32::from(wanted) + u32::from(at_once);
            let (address, id) = (phone(number), world.subscriber(&phone(number), "Ana").await);
            text(&world, &address, "My secret").await;
            world.sent(world.input()).await;
            let (ctx, channel_id, to) = (world.test.ctx.clone(), world.sender.channel_id, address.clone());
            world
                .write(move |tx| {
                    let (id, now) = (ctx.id(), ctx.now());
                    let direct = NewDirectMessage {
                        id,
                        batch: None,
                        key: id.to_string(),
                        actor: "system".to_owned(),
                        client_reference: None,
                        address: to.clone(),
                        fields: serde_json::json!({ "code": "4711" }),
                        problem: None,
                    };
                    tx.insert_direct_message(ws, &direct, now)?;
                    let content = SmsContent::of_text("+15550000000".to_owned(), "Ana's code is 4711".to_owned());
                    let new = NewOutbox {
                        id,
                        channel_id,
                        class: MessageClass::Service,
                        dedupe_key: id.to_string(),
                        address: to.clone(),
                        address_kind: AddressKind::Phone,
                        payload: Payload::of(&content).unwrap(),
                        campaign: None,
                        session_id: None,
                        not_before: now,
                        expires_at: None,
                        segments: None,
                    };
                    tx.enqueue(ws, &new, now)
                })
                .await;
            world.set_message_state(&address, "delivered").await;
            world.test.clock.advance(1_000);
            let (now, deletion) = (world.test.now(), world.test.ctx.id());
            let words = async || {
                let to = address.clone();
                world
                    .write(move |tx| {
                        let mut all = tx.query(&WORDS, &[&ws, &to], |row| row.next::<String>())?;
                        all.extend(tx.query(&FIELDS, &[&ws, &to], |row| row.next::<String>())?);
                        all.extend(tx.texts_from(ws, &to, None, 9)?.into_iter().map(|text| text.text));
                        Ok(all.concat())
                    })
                    .await
            };
            if at_once {
                assert!(world.write(move |tx| tx.delete_contact(ws, id, now)).await);
            } else {
                world.write(move |tx| tx.delete_contacts(ws, deletion, &[id], "test", now)).await;
                assert!(words().await.contains("My secret"), "{}: it may come back", world.test.engine);
                // The number has somebody else meanwhile, who is shown nothing of it.
                world.test.clock.advance(1_000);
                let other = world.subscriber(&address, "Bea").await;
                text(&world, &address, "Hello from Bea").await;
                let shown = consent_record::texts(&world.test.store, ws, other, None, 10).await.unwrap();
                let shown: Vec<_> = shown.iter().map(|text| text.text.as_str()).collect();
                assert_eq!(shown, ["Hello from Bea"], "{}", world.test.engine);
                world.write(move |tx| tx.delete_old_deletions(ws, now.plus(1))).await;
                assert!(words().await.contains("Hello from Bea"), "{}: hers stay", world.test.engine);
            }
            let left = words().await;
            for secret in ["My secret", "4711", "Ana's code"] {
                assert_eq!(left.contains(secret), !wanted, "{} {wanted} {at_once}: {left}", world.test.engine);
            }
            assert_eq!(left.contains("Hi Ana"), !wanted, "{} {wanted} {at_once}: {left}", world.test.engine);
            let to = address.clone();
            let texts = world.write(move |tx| tx.texts_from(ws, &to, None, 9)).await;
            assert_eq!(texts.last().map(|text| text.outcome.as_str()), Some("none"), "the proof stays");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_number_of_a_deleted_contact_is_never_shown_what_that_one_texted() {
    for world in worlds().await {
        let ws = world.ws();
        let shown = async |id| {
            let texts = consent_record::texts(&world.test.store, ws, id, None, 10).await.unwrap();
            texts.into_iter().map(|text| text.text).collect::<Vec<_>>()
        };
        for at_once in [true, false] {
            let address = phone(200 + u32::from(at_once));
            let ana = world.subscriber(&address, "Ana").await;
            text(&world, &address, "from Ana").await;
            world.test.clock.advance(1_000);
            let (now, deletion) = (world.test.now(), world.test.ctx.id());
            if at_once {
                assert!(world.write(move |tx| tx.delete_contact(ws, ana, now)).await);
            } else {
                world.write(move |tx| tx.delete_contacts(ws, deletion, &[ana], "test", now)).await;
                world.write(move |tx| tx.delete_old_deletions(ws, now.plus(1))).await;
            }
            world.test.clock.advance(1_000);
            let bea = world.subscriber(&address, "Bea").await;
            assert_eq!(shown(bea).await, Vec::<String>::new(), "{} {at_once}", world.test.engine);
            text(&world, &address, "from Bea").await;
            assert_eq!(shown(bea).await, ["from Bea"], "{} {at_once}", world.test.engine);

            // A deletion that is taken back: hers again, and what came before stays another's.
            world.test.clock.advance(1_000);
            let (now, deletion) = (world.test.now(), world.test.ctx.id());
            world.write(move |tx| tx.delete_contacts(ws, deletion, &[bea], "test", now)).await;
            assert_eq!(world.write(move |tx| tx.restore_contacts(ws, deletion, now)).await, Some(1));
            assert_eq!(shown(bea).await, ["from Bea"], "{} {at_once}", world.test.engine);
            let to = address.clone();
            assert_eq!(world.write(move |tx| tx.texts_from(ws, &to, None, 9)).await.len(), 2, "the proof stays");
        }
    }
}
