//! Where a campaign's sender may send: said before the start, and decided at planning. Who of a pool texts whom.

use std::collections::BTreeMap;

use segue_model::{
    MessageId, SenderId, SenderPoolId,
    campaign::CampaignAction,
    opt_out_line::OptOutLineWhen,
    registration::RegistrationKind,
    sender::{SenderAlphabet, SenderKind},
    sms_writing::LongSms,
};
use segue_outreach::{
    OutreachError,
    campaign::{
        preflight::{self, Preflight, WarningKind},
        preview::{self, TextInput},
    },
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text, batch},
};
use segue_store::{
    StoreError,
    campaign::{CampaignInput, CampaignView},
    channel::{ChannelConfig, Sender, SmppConfig},
    direct_message::NewDirectMessage,
};

use crate::world::{World, worlds};

const NEW_YORK: &str = "+12125550001";
const MUNICH: &str = "+498912345678";

async fn looked(world: &World, draft: &CampaignView) -> Preflight {
    preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_says_what_a_sender_lacks_and_planning_leaves_those_people_out() {
    for world in worlds().await {
        world.subscriber(NEW_YORK, "Ann").await;
        world.subscriber(MUNICH, "Ben").await;
        let sender = world.test.sender_of_kind(world.sms.id, SenderKind::TollFree, "+18005550100").await;
        let draft = world.draft(CampaignInput { sender_id: Some(sender.id), ..world.input() }).await.unwrap();
        let before = looked(&world, &draft).await;
        assert_eq!((before.audience, before.sendable), (2, 1), "{}", world.test.engine);
        let [excluded] = before.excluded.as_slice() else { panic!("{:?}", before.excluded) };
        assert_eq!((excluded.rule.as_str(), excluded.count), ("registration_missing", 1));
        let detail = excluded.detail.as_deref().unwrap();
        assert!(detail.contains("toll-free verification is missing") && detail.contains("Setup, Senders"), "{detail}");
        let warned = before.warnings.iter().find(|warning| warning.kind == WarningKind::SenderNotCleared).unwrap();
        assert!(warned.message.contains(detail), "{}", warned.message);

        world.test.approve(sender.id, &[RegistrationKind::TollFree]).await;
        let after = looked(&world, &draft).await;
        assert_eq!((after.sendable, after.excluded.len()), (2, 0), "{}", world.test.engine);
        assert!(after.warnings.iter().all(|warning| warning.kind != WarningKind::SenderNotCleared));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_name_cannot_reach_is_left_out_with_the_rule() {
    for world in worlds().await {
        world.subscriber(NEW_YORK, "Ann").await;
        world.subscriber(MUNICH, "Ben").await;
        let name = world.test.sender_of_kind(world.sms.id, SenderKind::Alphanumeric, "ACME").await;
        let draft = world.draft(CampaignInput { sender_id: Some(name.id), ..world.input() }).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let to: Vec<_> = world.messages().await.into_iter().map(|message| message.address).collect();
        assert_eq!(to, [MUNICH], "{}", world.test.engine);
        let (ws, id) = (world.ws(), draft.id);
        let query = segue_store::recipient::RecipientQuery { limit: 9, ..Default::default() };
        let now = world.test.now();
        let recipients = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
        let left_out = recipients.iter().find(|recipient| recipient.name.as_deref() == Some("Ann")).unwrap();
        assert_eq!(left_out.rule.as_deref(), Some("sender_not_allowed"), "{}", world.test.engine);
        assert_eq!(left_out.reason.as_deref(), Some("The sender cannot send to this country"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_at_once_what_its_sender_lacks() {
    for world in worlds().await {
        let sender = world.test.sender_of_kind(world.sms.id, SenderKind::TenDlc, "+13055550100").await;
        let input = DirectInput {
            media: Vec::new(),
            media_named: Vec::new(),
            sender: SenderChoice::Id(sender.id),
            to: Target::Phone(NEW_YORK.to_owned()),
            text: Text::Verbatim("Your code is 1".to_owned()),
            fields: Default::default(),
            class: DirectClass::Service,
            expires_at: None,
            client_reference: None,
            callback: None,
        };
        let send =
            async || direct::send(&world.test.store, &world.test.ctx, world.ws(), "test", None, input.clone()).await;
        let refused = send().await.unwrap_err();
        assert!(matches!(refused, OutreachError::NotCleared(_)), "{refused}");
        assert_eq!((refused.code(), refused.field()), ("registration_missing", Some("sender_id")));
        world.test.approve(sender.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        send().await.unwrap_or_else(|error| panic!("{}: {error}", world.test.engine));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_wishes_at_once_with_one_reference_are_one_message() {
    for world in worlds().await {
        let (store, ctx, ws, now) = (&world.test.store, &world.test.ctx, world.ws(), world.test.now());
        // Another request has written its wishes and not ended yet.
        let first: MessageId = ctx.id();
        let (written, is_written) = std::sync::mpsc::channel();
        let (holding, ids) = (store.clone(), [(first, "order 1"), (ctx.id(), "order 2")]);
        let other = tokio::spawn(async move {
            let held = holding.write::<_, StoreError, _>(move |tx| {
                for (id, reference) in ids {
                    let message = NewDirectMessage {
                        id,
                        batch: None,
                        key: format!("reference:test:{reference}"),
                        actor: "test".to_owned(),
                        client_reference: Some(reference.to_owned()),
                        address: NEW_YORK.to_owned(),
                        fields: serde_json::json!({}),
                        problem: None,
                    };
                    assert!(tx.insert_direct_message(ws, &message, now)?);
                }
                let _ = written.send(());
                std::thread::sleep(std::time::Duration::from_millis(500));
                Ok(())
            });
            held.await.unwrap();
        });
        tokio::task::block_in_place(|| is_written.recv().unwrap());
        let input = DirectInput {
            media: Vec::new(),
            media_named: Vec::new(),
            sender: SenderChoice::Id(world.sender.id),
            to: Target::Phone(NEW_YORK.to_owned()),
            text: Text::Verbatim("Your code is 1".to_owned()),
            fields: Default::default(),
            class: DirectClass::Service,
            expires_at: None,
            client_reference: Some("order 1".to_owned()),
            callback: None,
        };
        let recipient = |phone: &str, reference: Option<&str>| batch::Recipient {
            phone: phone.to_owned(),
            fields: Default::default(),
            client_reference: reference.map(str::to_owned),
        };
        let many = batch::BatchInput {
            sender: SenderChoice::Id(world.sender.id),
            body: "Your parcel comes".to_owned(),
            class: DirectClass::Service,
            expires_at: None,
            recipients: batch::Recipients::Given(vec![
                recipient(NEW_YORK, Some("order 2")),
                recipient("+12125550002", None),
            ]),
        };
        let (sent, begun) = tokio::join!(
            direct::send(store, ctx, ws, "test", None, input),
            batch::begin(store, ctx, ws, "test", None, many)
        );
        other.await.unwrap();
        let sent = sent.unwrap_or_else(|error| panic!("{}: {error}", world.test.engine));
        assert_eq!(sent.id, first, "{}: the same message", world.test.engine);
        assert!(world.messages().await.is_empty(), "{}: it leaves once", world.test.engine);
        let begun = begun.unwrap();
        assert_eq!((begun.total, begun.counts["rejected"]), (2, 1), "{}: nobody is forgotten", world.test.engine);
        let of_batch = batch::messages(store, ws, begun.id, 0, 10).await.unwrap();
        assert_eq!(of_batch[0].rule.as_deref(), Some("client_reference_taken"), "{}", world.test.engine);
    }
}

/// A pool of these senders.
async fn pool(world: &World, name: &'static str, senders: &[SenderId]) -> SenderPoolId {
    let (ws, id, now, senders) = (world.ws(), world.test.ctx.id::<SenderPoolId>(), world.test.now(), senders.to_vec());
    world
        .write(move |tx| {
            assert!(tx.insert_sender_pool(ws, id, name, now)?);
            tx.set_pool_members(ws, id, &senders)
        })
        .await;
    id
}

async fn members(world: &World, id: SenderPoolId, senders: &[SenderId]) {
    let (ws, senders) = (world.ws(), senders.to_vec());
    world.write(move |tx| tx.set_pool_members(ws, id, &senders)).await;
}

/// Sends a campaign and gives from which sender each number gets it.
async fn sent(world: &World, input: CampaignInput) -> BTreeMap<String, String> {
    let before = world.messages().await.len();
    let draft = world.draft(input).await.unwrap();
    world.act(draft.id, CampaignAction::Start).await.unwrap();
    world.plan(draft.id).await;
    world.messages().await.split_off(before).into_iter().map(|message| (message.address, message.source)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_keeps_the_sender_it_was_first_texted_from_and_new_ones_are_shared_out() {
    for world in worlds().await {
        let engine = world.test.engine;
        world.crowd(60).await;
        let one = world.test.sender(world.sms.id, "+15550000001").await;
        let two = world.test.sender(world.sms.id, "+15550000002").await;
        let three = world.test.sender(world.sms.id, "+15550000003").await;
        let pool_id = pool(&world, "Spring", &[one.id, two.id]).await;
        let input = || CampaignInput { sender_id: Some(one.id), pool_id: Some(pool_id), ..world.input() };
        let first = sent(&world, input()).await;
        let from = |all: &BTreeMap<String, String>, sender: &Sender| {
            all.iter().filter(|(_, source)| **source == sender.address).map(|(to, _)| to.clone()).collect::<Vec<_>>()
        };
        assert_eq!(first.len(), 60, "{engine}");
        let (ones, twos) = (from(&first, &one), from(&first, &two));
        assert!(ones.len() >= 15 && twos.len() >= 15 && ones.len() + twos.len() == 60, "{engine}: {}", ones.len());

        members(&world, pool_id, &[one.id, two.id, three.id]).await;
        assert_eq!(sent(&world, input()).await, first, "a newcomer moves nobody: {engine}");

        // The second sender leaves: its numbers get others, and keep those when it comes back.
        members(&world, pool_id, &[one.id, three.id]).await;
        let after = sent(&world, input()).await;
        assert!(ones.iter().all(|number| after[number] == one.address), "{engine}");
        assert!(from(&after, &two).is_empty() && !from(&after, &three).is_empty(), "{engine}");
        members(&world, pool_id, &[one.id, two.id, three.id]).await;
        assert_eq!(sent(&world, input()).await, after, "{engine}");

        // A program that names the pool texts from the same sender.
        let to = from(&after, &three)[0].clone();
        let input = DirectInput {
            media: Vec::new(),
            media_named: Vec::new(),
            sender: SenderChoice::Pool(pool_id),
            to: Target::Phone(to.clone()),
            text: Text::Verbatim("Your order is on its way".to_owned()),
            fields: Default::default(),
            class: DirectClass::Service,
            expires_at: None,
            client_reference: None,
            callback: None,
        };
        direct::send(&world.test.store, &world.test.ctx, world.ws(), "test", None, input).await.unwrap();
        let last = world.messages().await.pop().unwrap();
        assert_eq!((last.address, last.source), (to, three.address), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_texts_each_country_from_a_sender_that_may_send_there() {
    for world in worlds().await {
        for number in 0..20 {
            world.subscriber(&crate::world::phone(number), "Ann").await;
            world.subscriber(&format!("+4989123456{number:02}"), "Ben").await;
        }
        let name = world.test.sender_of_kind(world.sms.id, SenderKind::Alphanumeric, "ACME").await;
        let toll_free = world.test.sender_of_kind(world.sms.id, SenderKind::TollFree, "+18005550100").await;
        let pool_id = pool(&world, "World", &[name.id, toll_free.id]).await;
        let ws = world.ws();
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.unwrap();
                workspace.settings.campaigns.opt_out_line.when = OptOutLineWhen::Every;
                tx.update_workspace(&workspace)
            })
            .await;
        let input = || CampaignInput { sender_id: Some(name.id), pool_id: Some(pool_id), ..world.input() };
        let draft = world.draft(input()).await.unwrap();
        let before = looked(&world, &draft).await;
        assert_eq!((before.sendable, before.excluded[0].rule.as_str()), (20, "sender_not_allowed"));

        world.test.approve(toll_free.id, &[RegistrationKind::TollFree]).await;
        assert_eq!(looked(&world, &draft).await.sendable, 40, "{}", world.test.engine);
        let sent = sent(&world, input()).await;
        assert_eq!(sent.len(), 40, "{}", world.test.engine);
        let to_america = sent.iter().filter(|(to, _)| to.starts_with("+1"));
        assert!(to_america.clone().count() == 20 && to_america.clone().all(|(_, from)| *from == toll_free.address));
        assert!(sent.iter().any(|(to, from)| to.starts_with("+49") && from == "ACME"));
        // Nobody can answer a name: only the number's texts say that one can.
        for message in world.messages().await {
            let from_name = sent.iter().any(|(to, from)| *to == message.address && from == "ACME");
            assert_ne!(message.text.contains("Reply STOP"), from_name, "{}: {}", world.test.engine, message.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_names_a_pool_that_its_sender_belongs_to() {
    for world in worlds().await {
        let other = world.test.sender(world.sms.id, "+15550000001").await;
        let pool_id = pool(&world, "Spring", &[other.id]).await;
        let stranger = CampaignInput { pool_id: Some(pool_id), ..world.input() };
        assert_eq!(world.draft(stranger).await.unwrap_err().field(), Some("sender_id"));
        let unknown = CampaignInput { pool_id: Some(world.test.ctx.id()), ..world.input() };
        assert_eq!(world.draft(unknown).await.unwrap_err().field(), Some("pool_id"));
        let draft =
            world.draft(CampaignInput { sender_id: Some(other.id), pool_id: Some(pool_id), ..world.input() }).await;
        assert_eq!(draft.unwrap().input.pool_id, Some(pool_id), "{}", world.test.engine);
        let ws = world.ws();
        assert!(!world.write(move |tx| tx.delete_sender_pool(ws, pool_id)).await, "a draft uses it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_a_sender_of_the_pool_cannot_write_leaves_from_one_that_can_and_numbers_keep_theirs() {
    for world in worlds().await {
        let (engine, ws) = (world.test.engine, world.ws());
        world.crowd(12).await;
        let plain = world.test.sender(world.sms.id, "+15550000001").await;
        let any = world.test.sender(world.sms.id, "+15550000002").await;
        assert!(world.write(move |tx| tx.set_sender_alphabet(ws, plain.id, SenderAlphabet::GsmRefuse)).await);
        let pool_id = pool(&world, "Numbers", &[plain.id, any.id]).await;
        let of = |body: &str| CampaignInput {
            body: body.to_owned(),
            sender_id: Some(plain.id),
            pool_id: Some(pool_id),
            ..world.input()
        };
        let first = sent(&world, of("Sale today")).await;
        assert!(first.values().any(|source| *source == plain.address), "{engine}: {first:?}");
        let other = sent(&world, of("Wyprzeda\u{17c} dzi\u{15b}")).await;
        assert_eq!(other.len(), 12, "{engine}: nobody is left out");
        assert!(other.values().all(|source| *source == any.address), "{engine}: {other:?}");
        assert_eq!(sent(&world, of("Sale tomorrow")).await, first, "{engine}: numbers keep their sender");
        let draft = world.draft(of("Wyprzeda\u{17c} jutro")).await.unwrap();
        let before = looked(&world, &draft).await;
        assert_eq!((before.sendable, before.excluded.len()), (12, 0), "{engine}: the check says so, too");
        // A message by a program goes the same way.
        let kept = first.iter().find(|(_, source)| **source == plain.address).unwrap().0.clone();
        let input = DirectInput {
            media: Vec::new(),
            media_named: Vec::new(),
            sender: SenderChoice::Pool(pool_id),
            to: Target::Phone(kept.clone()),
            text: Text::Verbatim("Tw\u{f3}j kod: \u{17c}1".to_owned()),
            fields: Default::default(),
            class: DirectClass::Service,
            expires_at: None,
            client_reference: None,
            callback: None,
        };
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let direct = direct::send(store, ctx, ws, "test", None, input).await.unwrap();
        assert_eq!(direct.from.as_deref(), Some(any.address.as_str()), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_counts_a_text_as_the_sender_of_the_pool_that_takes_it_writes() {
    for world in worlds().await {
        let ws = world.ws();
        let plain = world.test.sender(world.sms.id, "+15550000001").await;
        let mut config = SmppConfig::new("127.0.0.1", 1, "s", "p");
        config.long_messages = LongSms::Header16;
        let wide = world.test.channel("wide", ChannelConfig::Smpp(config)).await;
        let any = world.test.sender(wide.id, "+15550000002").await;
        assert!(world.write(move |tx| tx.set_sender_alphabet(ws, plain.id, SenderAlphabet::GsmRefuse)).await);
        let pool_id = pool(&world, "Numbers", &[plain.id, any.id]).await;
        let segments = async |body: &str, pool_id: Option<SenderPoolId>| {
            let input: TextInput = serde_json::from_value(serde_json::json!({ "body": body, "footer": "none",
                "sender_id": plain.id, "pool_id": pool_id }))
            .unwrap();
            preview::preview_text(&world.test.store, &world.links, ws, input).await.unwrap().segments
        };
        // On an account with a 16-bit reference a part has room for one character less.
        let text = "\u{17c}".repeat(134);
        assert_eq!(segments(&text, Some(pool_id)).await, 3, "{}", world.test.engine);
        assert_eq!(segments(&text, None).await, 2, "{}", world.test.engine);
        assert_eq!(segments(&"a".repeat(306), Some(pool_id)).await, 2, "{}: the one that is named", world.test.engine);
    }
}
