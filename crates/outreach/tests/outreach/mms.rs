//! Texts with pictures and files: who can get them, from whom, what they cost, and what becomes of the files.

use segue_model::{MediaId, PhoneNumber, consent::ConsentState, mms, route::RouteBy, sender::SenderKind, time};
use segue_outreach::{
    OutreachError,
    campaign::{self, preflight, test_send},
    consent_record,
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text},
    keywords::{self, Handled, InboundSms},
};
use segue_store::{
    Sql,
    campaign::CampaignInput,
    channel::{Channel, ChannelConfig, Repeats, Sender, TwilioConfig},
    media::{FilePresence, NewMedia},
    text_file::NamedFile,
    workspace::CampaignSettings,
};
use serde_json::{Value, json};

use crate::world::{World, phone, worlds};

static PAYLOADS: Sql =
    Sql::portable("PAYLOADS", "SELECT payload, segments FROM outbox WHERE workspace_id = $1 ORDER BY id");
static CHANNELS: Sql = Sql::portable("CHANNELS", "SELECT channel_id FROM outbox WHERE workspace_id = $1 ORDER BY id");

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\npicture";

/// An account in Twilio's dialect with nobody behind it.
async fn dialect(world: &World) -> Channel {
    let config = TwilioConfig {
        base_url: "http://127.0.0.1:9".to_owned(),
        account_sid: "AC00".to_owned(),
        auth_token: "token".to_owned(),
        secondary_auth_token: String::new(),
        messaging_service_sid: String::new(),
        callback_base_url: "https://segue.example.com".to_owned(),
        segments_per_second: 1_000,
        repeats: Repeats::SentAgain,
    };
    world.test.channel("dialect", ChannelConfig::Twilio(config)).await
}

/// A number that carries MMS to everybody in the range for examples and, as a long code of no country, everywhere.
async fn carrier(world: &World) -> Sender {
    let channel = dialect(world).await;
    world.test.sender(channel.id, "+15550100500").await
}

async fn file(world: &World, mime: &str, size: usize) -> MediaId {
    let mut data = PICTURE.to_vec();
    data.resize(size.max(1), 7);
    let media = NewMedia { id: world.test.ctx.id(), mime: mime.to_owned(), file_name: None, data };
    let (ws, now, id) = (world.ws(), world.test.now(), media.id);
    world.write(move |tx| tx.insert_media(ws, &media, now)).await;
    id
}

async fn payloads(world: &World) -> Vec<(Value, Option<i64>)> {
    let ws = world.ws();
    world.write(move |tx| tx.query(&PAYLOADS, &[&ws], |row| Ok((row.json()?, row.next()?)))).await
}

/// Removes what nothing needs, as a day later; gives how much went.
async fn swept(world: &World) -> usize {
    world.test.clock.advance(2 * time::DAY);
    let (ws, now) = (world.ws(), world.test.now());
    world.write(move |tx| tx.remove_unsent_uploads(ws, now, 100, now)).await.1
}

fn with_files(world: &World, sender: &Sender, media: Vec<MediaId>) -> CampaignInput {
    CampaignInput { sender_id: Some(sender.id), media, ..world.input() }
}

fn refused(error: &OutreachError) -> (&'static str, String) {
    (error.field().unwrap_or_default(), error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_pictures_is_one_message_to_each_with_or_without_a_text() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        world.crowd(3).await;
        let files = vec![file(&world, "image/png", 20).await, file(&world, "image/gif", 20).await];
        let long = "A text of more than one segment. ".repeat(9);
        let input = CampaignInput { body: long.clone(), ..with_files(&world, &sender, files.clone()) };
        world.sent(input).await;
        let sent = payloads(&world).await;
        assert_eq!(sent.len(), 3, "{}", world.test.engine);
        for (payload, segments) in &sent {
            assert_eq!(payload["media"], json!(files), "in their order");
            assert!(payload["text"].as_str().unwrap().contains(long.trim()), "{payload}");
            assert_eq!(*segments, Some(1), "one message, as carriers count it");
        }
        let silent = CampaignInput {
            body: String::new(),
            footer: Default::default(),
            ..with_files(&world, &sender, files.clone())
        };
        let silent = CampaignInput { footer: segue_model::campaign::Footer::None, ..silent };
        world.sent(silent).await;
        assert!(
            payloads(&world).await[3..]
                .iter()
                .all(|(payload, _)| payload["text"] == "" && payload["media"] == json!(files))
        );
        let nothing = CampaignInput { media: Vec::new(), body: String::new(), ..world.input() };
        assert_eq!(refused(&world.draft(nothing).await.unwrap_err()).0, "body");
        let plain = world.sent(CampaignInput { sender_id: Some(sender.id), ..world.input() }).await;
        assert!(plain.input.media.is_empty());
        assert!(payloads(&world).await[6..].iter().all(|(payload, _)| payload.get("media").is_none()), "as ever");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_send_files_is_refused_at_once_in_words() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let picture = file(&world, "image/png", 20).await;
        let channel = sender.channel_id;
        let name = world.test.sender_of_kind(channel, SenderKind::Alphanumeric, "ACME").await;
        let german = world.test.sender(channel, "+491701234567").await;
        for other in [&world.sender, &name, &german] {
            let error = world.draft(with_files(&world, other, vec![picture])).await.unwrap_err();
            let (field, words) = refused(&error);
            assert_eq!(field, "media", "{}: {words}", other.address);
            assert!(words.contains("put a link into the text"), "it says what to do: {words}");
            let direct = message(other, vec![picture], &phone(1));
            let error = send(&world, direct).await.unwrap_err();
            assert_eq!(refused(&error).0, "media", "{}", other.address);
        }
        assert!(payloads(&world).await.is_empty());
        let template = json!({ "channel_id": world.whatsapp.id, "name": "hello", "language": "en" });
        let template = CampaignInput {
            template: Some(serde_json::from_value(template).unwrap()),
            ..with_files(&world, &sender, vec![picture])
        };
        assert_eq!(refused(&world.draft(template).await.unwrap_err()).0, "media", "a template has a file of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_carriers_do_not_take_are_refused() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let small = file(&world, "image/png", 20).await;
        let large = file(&world, "image/png", mms::LARGEST as usize - 10).await;
        let page = file(&world, "text/html", 20).await;
        let mut many = Vec::new();
        for _ in 0..11 {
            many.push(file(&world, "image/png", 20).await);
        }
        for (media, words) in [
            (many.clone(), "at most 10 files"),
            (vec![small, large], "at most 5 MB"),
            (vec![page], "do not take this kind"),
            (vec![small, small], "stands twice"),
            (vec![world.test.ctx.id()], "not here"),
        ] {
            let error = world.draft(with_files(&world, &sender, media.clone())).await.unwrap_err();
            assert!(refused(&error).0 == "media" && error.to_string().contains(words), "{error}");
            let error = send(&world, message(&sender, media, &phone(1))).await.unwrap_err();
            assert!(refused(&error).0 == "media" && error.to_string().contains(words), "{error}");
        }
        assert!(world.draft(with_files(&world, &sender, many[..10].to_vec())).await.is_ok());
        assert!(payloads(&world).await.is_empty(), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_files_cannot_reach_is_left_out_with_the_reason_and_each_message_has_its_price() {
    for world in worlds().await {
        let channel = dialect(&world).await;
        let sender = world.test.sender(channel.id, "+14165550100").await;
        world
            .test
            .approve(
                sender.id,
                &[
                    segue_model::registration::RegistrationKind::Brand,
                    segue_model::registration::RegistrationKind::Campaign,
                ],
            )
            .await;
        world.subscriber("+12125550001", "Ana").await;
        world.subscriber("+14165550101", "Bea").await;
        world.subscriber("+525512345678", "Carla").await;
        let picture = file(&world, "image/png", 20).await;
        let film = file(&world, "video/mp4", 700_000).await;
        let draft = world.draft(with_files(&world, &sender, vec![picture, film])).await.unwrap();
        let check = async || {
            preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id).await.unwrap()
        };
        let unpriced = check().await;
        assert_eq!((unpriced.audience, unpriced.sendable), (3, 2), "{}", world.test.engine);
        let left_out = &unpriced.excluded[0];
        assert_eq!((left_out.rule.as_str(), left_out.count), ("sender_not_allowed", 1));
        assert!(left_out.detail.as_ref().unwrap().contains("no pictures or files"), "{left_out:?}");
        let kinds: Vec<_> = unpriced.warnings.iter().map(|warning| warning.kind.as_str()).collect();
        assert!(kinds.contains(&"no_price") && kinds.contains(&"files_risky"), "{kinds:?}");
        let files = unpriced.files.unwrap();
        assert_eq!((files.count, files.risky, files.missing), (2, 1, 0));

        world
            .settings(CampaignSettings {
                mms_price: Some(2_000),
                other_price: Some(750),
                ..CampaignSettings::default()
            })
            .await;
        let priced = check().await;
        assert_eq!((priced.cost.total, priced.cost.max_thousandths), (4, 2_000), "two at two cents each");
        assert_eq!(priced.segments.total, 2);
        let plain = world.draft(CampaignInput { sender_id: Some(sender.id), ..world.input() }).await.unwrap();
        let plain =
            preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), plain.id).await.unwrap();
        assert_eq!((plain.sendable, plain.files), (3, None), "a text reaches Mexico");
        assert!(plain.cost.max_thousandths < 2_000, "and costs what texts cost");

        world.act(draft.id, segue_model::campaign::CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(payloads(&world).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_accounts_files_leave_by_one_that_carries_them() {
    for world in worlds().await {
        let channel = dialect(&world).await;
        let twin = world.test.sender(channel.id, &world.sender.address).await;
        let (ws, id, routes) = (world.ws(), world.sender.id, [world.sender.id, twin.id]);
        world.write(move |tx| tx.set_sender_routes(ws, id, RouteBy::Order, &routes)).await;
        world.subscriber(&phone(1), "Ana").await;
        let picture = file(&world, "image/png", 20).await;
        world.sent(world.input()).await;
        world.sent(with_files(&world, &world.sender, vec![picture])).await;
        let channels: Vec<segue_model::ChannelId> =
            world.write(move |tx| tx.query(&CHANNELS, &[&ws], |row| row.next())).await;
        assert_eq!(
            channels,
            [world.sms.id, channel.id],
            "{}: the text by the first, the picture by the other",
            world.test.engine
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_stay_as_long_as_what_has_them() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        world.subscriber(&phone(1), "Ana").await;
        let [never, dropped, kept, single, tested] = [(); 5].map(|()| "image/png");
        let mut ids = Vec::new();
        for mime in [never, dropped, kept, single, tested] {
            ids.push(file(&world, mime, 20).await);
        }
        let [_, dropped, kept, single, tested] = ids[..] else { unreachable!() };
        let draft = world.draft(with_files(&world, &sender, vec![dropped, tested])).await.unwrap();
        test_send::test_send(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id, (&phone(1), None))
            .await
            .unwrap();
        let campaign = world.sent(with_files(&world, &sender, vec![kept])).await;
        world.set_message_state(&phone(1), "delivered").await;
        send(&world, message(&sender, vec![single], &phone(1))).await.unwrap();
        assert_eq!(swept(&world).await, 1, "{}: the one that was never used", world.test.engine);
        let input = with_files(&world, &sender, vec![tested]);
        campaign::change(
            &world.test.store,
            &world.test.ctx,
            &world.links,
            world.ws(),
            draft.id,
            &segue_model::actor::Actor::System,
            input,
        )
        .await
        .unwrap();
        // The test that was sent still has both.
        assert_eq!(swept(&world).await, 0);
        campaign::delete(&world.test.store, world.ws(), draft.id).await.unwrap();
        assert_eq!(swept(&world).await, 0);
        let ws = world.ws();
        let shown = world.write(move |tx| tx.campaign_media(ws, campaign.id)).await;
        assert_eq!(
            shown.iter().map(|file| (file.id, file.presence)).collect::<Vec<_>>(),
            [(kept, FilePresence::Stored)]
        );
        let copy = campaign::copy::copy(
            &world.test.store,
            &world.test.ctx,
            world.ws(),
            &segue_model::actor::Actor::System,
            campaign.id,
        )
        .await
        .unwrap();
        assert_eq!(copy.input.media, [kept], "a copy has them too");
        campaign::delete(&world.test.store, world.ws(), copy.id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_deleted_leaves_its_files() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let [one, other] = [file(&world, "image/png", 20).await, file(&world, "image/png", 20).await];
        let draft = world.draft(with_files(&world, &sender, vec![one, other])).await.unwrap();
        assert_eq!(swept(&world).await, 0, "{}", world.test.engine);
        let input = with_files(&world, &sender, vec![other]);
        campaign::change(
            &world.test.store,
            &world.test.ctx,
            &world.links,
            world.ws(),
            draft.id,
            &segue_model::actor::Actor::System,
            input,
        )
        .await
        .unwrap();
        assert_eq!(swept(&world).await, 1, "{}: the one that was taken out", world.test.engine);
        campaign::delete(&world.test.store, world.ws(), draft.id).await.unwrap();
        assert_eq!(swept(&world).await, 1, "{}", world.test.engine);
    }
}

fn message(sender: &Sender, media: Vec<MediaId>, to: &str) -> DirectInput {
    DirectInput {
        sender: SenderChoice::Id(sender.id),
        to: Target::Phone(to.to_owned()),
        text: Text::Verbatim(String::new()),
        media,
        media_named: Vec::new(),
        fields: Default::default(),
        class: DirectClass::Service,
        expires_at: None,
        client_reference: None,
        callback: None,
    }
}

async fn send(
    world: &World,
    input: DirectInput,
) -> Result<segue_store::direct_message::DirectMessageView, OutreachError> {
    direct::send(&world.test.store, &world.test.ctx, world.ws(), "test", None, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_message_with_a_picture_keeps_every_rule() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let picture = file(&world, "image/jpeg", 20).await;
        let sent = send(&world, message(&sender, vec![picture], &phone(1))).await.unwrap();
        assert_eq!((sent.media, sent.text.as_deref(), sent.segments), (vec![picture], Some(""), Some(1)));
        let offer = DirectInput { class: DirectClass::Marketing, ..message(&sender, vec![picture], &phone(2)) };
        assert_eq!(send(&world, offer).await.unwrap_err().code(), "no_consent", "{}", world.test.engine);
        let empty = send(&world, message(&sender, Vec::new(), &phone(1))).await.unwrap_err();
        assert_eq!(refused(&empty).0, "text");
    }
}

/// A text with files as it came in.
async fn texted(world: &World, channel: &Channel, from: &str, text: &'static str, urls: &[&str]) -> Handled {
    let files: Vec<_> =
        urls.iter().map(|url| NamedFile { url: (*url).to_owned(), mime: "image/jpeg".to_owned() }).collect();
    let (ctx, workspace, channel, from) =
        (world.test.ctx.clone(), world.test.workspace.clone(), channel.clone(), from.to_owned());
    let (inbox_id, received_at) = (ctx.id(), world.test.now());
    world
        .write(move |tx| {
            let sms = InboundSms {
                inbox_id,
                from: &from,
                is_national: false,
                to: "+15550100500",
                text,
                files: &files,
                received_at,
            };
            keywords::handle(tx, &ctx, &workspace, &channel, &sms)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_a_customer_are_kept_with_the_text_and_a_stop_among_them_counts() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let ws = world.ws();
        let channel = world.write(move |tx| tx.channel(ws, sender.channel_id)).await.unwrap();
        let contact = world.subscriber(&phone(1), "Ana").await;
        let urls = ["http://127.0.0.1:9/ME1", "http://127.0.0.1:9/ME2"];
        texted(&world, &channel, &phone(1), "", &urls).await;
        assert!(matches!(texted(&world, &channel, &phone(1), "STOP", &urls[..1]).await, Handled::Answered(_)));
        let texts = consent_record::texts(&world.test.store, ws, contact, None, 10).await.unwrap();
        let shown: Vec<_> =
            texts.iter().map(|text| (text.text.as_str(), text.outcome.as_str(), text.files.len())).collect();
        assert_eq!(shown, [("STOP", "stop", 1), ("", "none", 2)], "{}", world.test.engine);
        assert!(texts.iter().flat_map(|text| &text.files).all(|file| file.presence == FilePresence::Pending));
        assert_eq!(world.jobs_of("fetch_media").await.len(), 3);
        let address: PhoneNumber = phone(1).parse().unwrap();
        let state = world.write(move |tx| {
            tx.consent_state(
                ws,
                segue_model::consent::Medium::Sms,
                address.as_str(),
                segue_model::consent::Purpose::Marketing,
            )
        });
        assert_eq!(state.await.state, ConsentState::Revoked, "{}", world.test.engine);
        let first = texts[1].files[0].id;
        let from = world.write(move |tx| tx.sender_of_text_file(ws, first)).await;
        assert_eq!(from, Some(phone(1)));
        assert!(!world.write(move |tx| tx.is_media_for_campaigns(ws, first)).await, "nobody sends it to others");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_contact_its_pictures_go_and_its_texts_stay() {
    for world in worlds().await {
        let sender = carrier(&world).await;
        let ws = world.ws();
        let channel = world.write(move |tx| tx.channel(ws, sender.channel_id)).await.unwrap();
        let ids = [
            world.subscriber(&phone(1), "Ana").await,
            world.subscriber(&phone(2), "Bea").await,
            world.subscriber(&phone(3), "Cleo").await,
        ];
        for number in 1..=3 {
            texted(&world, &channel, &phone(number), "look", &["http://127.0.0.1:9/ME1"]).await;
        }
        let mut files = Vec::new();
        for id in ids {
            let texts = consent_record::texts(&world.test.store, ws, id, None, 10).await.unwrap();
            files.push(texts[0].files[0].id);
        }
        for id in files.clone() {
            assert!(world.write(move |tx| tx.store_media(ws, id, "image/jpeg", b"\xff\xd8\xff")).await);
        }
        let (now, ctx) = (world.test.now(), world.test.ctx.clone());
        assert!(world.write(move |tx| tx.delete_contact(ws, ids[0], now)).await, "for good, at once");
        let gone = ids[1];
        world.write(move |tx| tx.delete_contacts(ws, ctx.id(), &[gone], "test", now)).await;
        let here =
            async |id: MediaId| world.write(move |tx| tx.media(ws, id)).await.unwrap().presence == FilePresence::Stored;
        assert!(!here(files[0]).await, "{}", world.test.engine);
        assert!(here(files[1]).await, "it may come back");
        let later = now.plus(90 * time::DAY);
        world.write(move |tx| tx.delete_old_deletions(ws, later)).await;
        assert!(!here(files[1]).await, "{}: now it does not", world.test.engine);
        assert!(here(files[2]).await, "another's stays");
        let texts = world.write(move |tx| tx.texts_from(ws, &phone(1), None, 10)).await;
        assert_eq!(
            (texts[0].text.as_str(), texts[0].files[0].presence),
            ("look", FilePresence::Failed),
            "the proof stays"
        );
    }
}
