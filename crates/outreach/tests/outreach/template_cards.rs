//! Campaigns by templates with cards to swipe through, with an offer for a time, and with a place above the text.

use segue_model::{
    MediaId, Timestamp,
    campaign::CampaignAction,
    content::{Content, TemplateCardValue, TemplateHeaderValue, TemplateOfferValue},
    schedule::{Frequency, Repeat, Schedule},
    template_rules::SessionRule,
    time,
};
use segue_outreach::campaign::{copy, preflight::WarningKind};
use segue_store::{
    Sql,
    campaign::{CampaignButton, CampaignCard, CampaignPlace, CampaignTemplate},
    template::ListedTemplate,
};
use serde_json::{Value, json};

use crate::{
    template_campaign::{by, check, planned},
    template_files::{invalid, speaker, upload},
    world::{World, worlds},
};

static EXPIRIES: Sql =
    Sql::portable("EXPIRIES", "SELECT expires_at FROM outbox WHERE workspace_id = $1 ORDER BY address");
static RULES: Sql = Sql::portable("RULES", "SELECT rule FROM recipients WHERE workspace_id = $1 AND campaign_id = $2");

fn listed(language: &str, components: Value) -> ListedTemplate {
    ListedTemplate {
        name: "boots".to_owned(),
        language: language.to_owned(),
        category: "MARKETING".to_owned(),
        status: "APPROVED".to_owned(),
        components,
        parameter_format: Some("NAMED".to_owned()),
        ..ListedTemplate::default()
    }
}

fn card(body: &str) -> Value {
    json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } },
        { "type": "BODY", "text": body },
        { "type": "BUTTONS", "buttons": [
            { "type": "QUICK_REPLY", "text": "More" },
            { "type": "URL", "text": "Shop", "url": "https://go.example.com/l/{{1}}" }] },
    ] })
}

fn carousel(body: &str, cards: &[&str]) -> Value {
    let cards: Vec<Value> = cards.iter().map(|body| card(body)).collect();
    json!([{ "type": "BODY", "text": body }, { "type": "CAROUSEL", "cards": cards }])
}

fn offer() -> Value {
    json!([
        { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "A fifth off", "has_expiration": true } },
        { "type": "BODY", "text": "Hi {{name}}, only these days." },
        { "type": "BUTTONS", "buttons": [{ "type": "COPY_CODE", "example": "SAVE" }] },
    ])
}

async fn templates(world: &World, all: Vec<ListedTemplate>) {
    let (ws, channel_id, ctx) = (world.ws(), world.whatsapp.id, world.test.ctx.clone());
    world.write(move |tx| tx.replace_templates(ws, channel_id, &all, &ctx)).await;
}

fn wanted(world: &World) -> CampaignTemplate {
    CampaignTemplate {
        channel_id: world.whatsapp.id,
        name: "boots".to_owned(),
        language: "en".to_owned(),
        values: vec!["{{ first_name }}".to_owned()],
        buttons: Vec::new(),
        sessions: SessionRule::Any,
        header_media_id: None,
        header_value: String::new(),
        by_language: false,
        header_place: None,
        cards: Vec::new(),
        offer_ends_at: None,
    }
}

fn filled(media_id: MediaId, values: &[&str], target: &str) -> CampaignCard {
    CampaignCard {
        media_id: Some(media_id),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        buttons: vec![CampaignButton { index: 1, value: String::new(), target: Some(target.to_owned()) }],
    }
}

async fn refused(world: &World, template: CampaignTemplate) -> String {
    invalid(world.draft(by(world, template)).await.expect_err("it was taken"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_gets_the_cards_with_their_values_files_and_links_in_their_language() {
    for world in worlds().await {
        let (boots, tent) = (upload(&world, "image/png").await, upload(&world, "image/png").await);
        let zelt = upload(&world, "image/png").await;
        templates(
            &world,
            vec![
                listed("en", carousel("Hi {{name}}, this is new.", &["Boots for {{who}}, {{price}}.", "A tent."])),
                // The same values in another order.
                listed("de", carousel("Hallo {{name}}, das ist neu.", &["{{price}}: Schuhe, {{who}}!", "Ein Zelt."])),
            ],
        )
        .await;
        let (ws, channel_id) = (world.ws(), world.whatsapp.id);
        world
            .write(move |tx| {
                let mut german = tx.template_by_name(ws, channel_id, "boots", "de")?.unwrap();
                german.card_media = vec![None, Some(zelt)];
                tx.save_template(ws, &german)
            })
            .await;
        speaker(&world, 1, "Ana", None).await;
        speaker(&world, 2, "Bea", Some("de")).await;
        let own_tent = CampaignCard { media_id: None, ..filled(tent, &[], "https://shop.example.com/tent") };
        let cards = vec![
            filled(boots, &["{{ first_name }}", "89 euros"], "https://shop.example.com/boots"),
            filled(tent, &[], "https://shop.example.com/tent"),
        ];
        let whole = CampaignTemplate { cards: cards.clone(), by_language: true, ..wanted(&world) };

        let words = refused(&world, CampaignTemplate { cards: cards[..1].to_vec(), ..whole.clone() }).await;
        assert_eq!(words, "The template has 2 cards; there are values for 1.", "{}", world.test.engine);
        let words =
            refused(&world, CampaignTemplate { cards: vec![cards[0].clone(), own_tent.clone()], ..whole.clone() });
        assert_eq!(words.await, "Choose the picture of card 2.");
        let film = upload(&world, "video/mp4").await;
        let with_film = vec![cards[0].clone(), filled(film, &[], "https://shop.example.com/tent")];
        let words = refused(&world, CampaignTemplate { cards: with_film, ..whole.clone() }).await;
        assert!(words.starts_with("Card 2: ") && words.contains("video/mp4 is none"), "{words}");
        let few = vec![filled(boots, &["x"], "https://shop.example.com/boots"), cards[1].clone()];
        let words = refused(&world, CampaignTemplate { cards: few, ..whole.clone() }).await;
        assert_eq!(words, "Card 1 takes 2 values; there are 1.");
        let unled = CampaignCard { buttons: Vec::new(), ..cards[1].clone() };
        let words = refused(&world, CampaignTemplate { cards: vec![cards[0].clone(), unled], ..whole.clone() }).await;
        assert_eq!(words, "Say once what the address of button 2 of card 2 ends in.");

        let draft = world.draft(by(&world, whole.clone())).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let sent: Vec<Vec<TemplateCardValue>> = planned(&world)
            .await
            .into_iter()
            .map(|row| match row.content {
                Content::Template { cards, .. } => cards,
                other => panic!("{other:?}"),
            })
            .collect();
        let texts = |row: usize| sent[row].iter().map(|card| card.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts(0), ["Boots for Ana, 89 euros.", "A tent."], "{}", world.test.engine);
        assert_eq!(texts(1), ["89 euros: Schuhe, Bea!", "Ein Zelt."], "{}", world.test.engine);
        assert_eq!(sent[1][0].parameters, ["89 euros", "Bea"], "in the order of the translation");
        let files = |row: usize| sent[row].iter().map(|card| card.media_id).collect::<Vec<_>>();
        assert_eq!((files(0), files(1)), (vec![boots, tent], vec![boots, tent]), "what is chosen is sent to all");
        assert_eq!(sent[0][0].labels, ["More", "Shop"]);
        let codes: Vec<&str> = sent.iter().flatten().map(|card| card.buttons[0].text.as_str()).collect();
        assert!(codes.iter().all(|code| !code.is_empty()) && codes[0] != codes[1] && codes[0] != codes[2], "{codes:?}");
        // All files stay for as long as the campaign goes on.
        world.test.clock.advance(2 * time::DAY);
        let later = world.test.now();
        let (_, removed) = world.write(move |tx| tx.remove_unsent_uploads(ws, later, 9, later)).await;
        assert_eq!(removed, 1, "{}: the film alone", world.test.engine);

        // The translation's own file, where none is chosen.
        world
            .write(move |tx| {
                let mut english = tx.template_by_name(ws, channel_id, "boots", "en")?.unwrap();
                english.card_media = vec![None, Some(tent)];
                tx.save_template(ws, &english)
            })
            .await;
        let own = CampaignTemplate { cards: vec![cards[0].clone(), own_tent], ..whole };
        let draft = world.draft(by(&world, own)).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let last: Vec<MediaId> = planned(&world)
            .await
            .into_iter()
            .filter_map(|row| match row.content {
                Content::Template { language, cards, .. } if language == "de" => cards.last().map(|card| card.media_id),
                _ => None,
            })
            .collect();
        assert!(last.contains(&zelt), "{}: {last:?}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_with_other_cards_is_told() {
    for world in worlds().await {
        let boots = upload(&world, "image/png").await;
        speaker(&world, 1, "Ana", Some("de")).await;
        let film = json!({ "components": [
            { "type": "HEADER", "format": "VIDEO" },
            { "type": "BODY", "text": "B." },
            { "type": "BUTTONS", "buttons": [
                { "type": "QUICK_REPLY", "text": "More" },
                { "type": "URL", "text": "Shop", "url": "https://go.example.com/l/{{1}}" }] },
        ] });
        let films = json!([{ "type": "BODY", "text": "Hallo {{name}}." },
            { "type": "CAROUSEL", "cards": [card("{{price}}."), film] }]);
        for (other, words) in [
            (carousel("Hallo {{name}}.", &["{{price}}.", "B.", "C."]), "it has 3 cards and the other 2"),
            (
                carousel("Hallo {{name}}.", &["{{preis}}.", "B."]),
                "card 1 has the value {{preis}}, which the other has not",
            ),
            (
                carousel("Hallo {{name}}.", &["{{price}}.", "{{b}}."]),
                "text of its card 2 takes 1 values and the other's 0",
            ),
            (films, "card 2 stands a file of the kind video and on the other's image"),
        ] {
            let own = carousel("Hi {{name}}.", &["Now {{price}}.", "B."]);
            templates(&world, vec![listed("en", own), listed("de", other)]).await;
            let target = "https://shop.example.com/";
            let cards = vec![filled(boots, &["89"], target), filled(boots, &[], target)];
            let template = CampaignTemplate { cards, by_language: true, ..wanted(&world) };
            let draft = world.draft(by(&world, template)).await.unwrap();
            let seen = check(&world, draft.id).await;
            let told = seen.warnings.iter().find(|it| it.kind == WarningKind::TranslationDiffers).unwrap();
            assert!(told.message.contains(words), "{}: {}", world.test.engine, told.message);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_says_when_it_ends_and_nothing_is_planned_after_it() {
    for world in worlds().await {
        templates(&world, vec![listed("en", offer())]).await;
        speaker(&world, 1, "Ana", None).await;
        let ends_at = world.test.now().plus(6 * time::HOUR);
        let code = vec![CampaignButton { index: 0, value: "SPRING".to_owned(), target: None }];
        let until = |ends_at: Option<Timestamp>| CampaignTemplate {
            buttons: code.clone(),
            offer_ends_at: ends_at,
            ..wanted(&world)
        };
        assert!(refused(&world, until(None)).await.starts_with("Say when the offer ends."), "{}", world.test.engine);
        let start = async |template: CampaignTemplate, schedule: Schedule| {
            let input = segue_store::campaign::CampaignInput { schedule, ..by(&world, template) };
            let draft = world.draft(input).await.unwrap();
            (draft.id, world.act(draft.id, CampaignAction::Start).await)
        };
        let now = Schedule::default;
        let (_, late) = start(until(Some(world.test.now())), now()).await;
        let words = "The offer ends before the campaign would begin. Choose a later moment.";
        assert_eq!(invalid(late.unwrap_err()), words, "{}", world.test.engine);
        let tomorrow = Schedule { starts_at: Some("2027-06-01T10:00".parse().unwrap()), ..now() };
        let (_, later) = start(until(Some(ends_at)), tomorrow).await;
        assert_eq!(invalid(later.unwrap_err()), words, "{}: it is scheduled for later", world.test.engine);
        let daily = Schedule {
            repeat: Some(Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None }),
            ..tomorrow
        };
        let (_, again) = start(until(Some(ends_at)), daily).await;
        assert!(invalid(again.unwrap_err()).starts_with("Every run of a recurring campaign"), "{}", world.test.engine);

        // It expires with the offer, also where the campaign gives it longer.
        let long = Schedule { expires_hours: Some(48), ..now() };
        let (id, started) = start(until(Some(ends_at)), long).await;
        started.unwrap();
        world.plan(id).await;
        let row = planned(&world).await.remove(0);
        let Content::Template { offer, .. } = row.content else { panic!() };
        let text = "A fifth off".to_owned();
        assert_eq!(offer, Some(TemplateOfferValue { text, code: Some("SPRING".to_owned()), ends_at: Some(ends_at) }));
        let ws = world.ws();
        let expiries: Vec<Option<Timestamp>> =
            world.write(move |tx| tx.query(&EXPIRIES, &[&ws], |row| row.next())).await;
        assert_eq!(expiries, [Some(ends_at)], "{}", world.test.engine);
        let (id, started) = start(until(Some(ends_at)), Schedule { expires_hours: Some(1), ..now() }).await;
        started.unwrap();
        // Planned only when it has ended: nobody gets it, and the plan says why.
        world.test.clock.advance(6 * time::HOUR + 1);
        world.plan(id).await;
        let rules: Vec<String> = world.write(move |tx| tx.query(&RULES, &[&ws, &id], |row| row.next())).await;
        assert_eq!(rules, ["expired"], "{}", world.test.engine);

        let copied =
            copy::copy(&world.test.store, &world.test.ctx, ws, &segue_model::actor::Actor::System, id).await.unwrap();
        assert_eq!(copied.input.template.unwrap().offer_ends_at, None, "a moment that has passed is not copied");
        // A template without such an end takes none.
        let endless = json!([
            { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "A fifth off" } },
            { "type": "BODY", "text": "Hi {{name}}, only these days." },
        ]);
        templates(&world, vec![listed("en", endless)]).await;
        let endless = CampaignTemplate { offer_ends_at: Some(ends_at), ..wanted(&world) };
        assert!(refused(&world, endless).await.contains("no offer that ends"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_stands_above_the_text_of_all() {
    for world in worlds().await {
        let components =
            json!([{ "type": "HEADER", "format": "LOCATION" }, { "type": "BODY", "text": "Hi {{name}}, come." }]);
        templates(&world, vec![listed("en", components)]).await;
        speaker(&world, 1, "Ana", None).await;
        let place = |latitude: &str, name: &str| CampaignTemplate {
            header_place: Some(CampaignPlace {
                latitude: latitude.to_owned(),
                longitude: " 13.4".to_owned(),
                name: name.to_owned(),
                address: "Road 1, Berlin".to_owned(),
            }),
            ..wanted(&world)
        };
        for (template, words) in [
            (wanted(&world), "Give the place that stands above the text."),
            (place("91", "Shop"), "in degrees"),
            (place("north", "Shop"), "in degrees"),
            (place("52.5", " "), "the name and the address"),
        ] {
            let told = refused(&world, template).await;
            assert!(told.contains(words), "{}: {told}", world.test.engine);
        }
        let draft = world.draft(by(&world, place("52.5", "Shop"))).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let Content::Template { header, .. } = planned(&world).await.remove(0).content else { panic!() };
        let (latitude, longitude) = ("52.5".to_owned(), "13.4".to_owned());
        let (name, address) = ("Shop".to_owned(), "Road 1, Berlin".to_owned());
        let expected = TemplateHeaderValue::Place { latitude, longitude, name, address };
        assert_eq!(header, Some(expected), "{}", world.test.engine);
        templates(&world, vec![listed("en", json!([{ "type": "BODY", "text": "Hi {{name}}, come." }]))]).await;
        assert!(refused(&world, place("52.5", "Shop")).await.starts_with("No place stands"));
    }
}
