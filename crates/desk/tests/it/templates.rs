//! Templates an agent chooses: the language, what is filled in already, and what is checked before it leaves.

use segue_desk::{
    DeskError,
    messages::{Draft, DraftCard, NewReply, send},
    template_choice,
};
use segue_model::{
    MediaId, TemplateId, Timestamp,
    content::{Content, TemplateButtonValue, TemplateHeaderValue},
    template_values::TemplateDefault,
};
use segue_store::{Sql, media::NewMedia, message::MessageView, template::ListedTemplate};
use segue_testkit::engines;
use serde_json::{Value, json};

use crate::scene::*;

static SET_CONTACTS: Sql = Sql::portable(
    "SET_CONTACTS",
    "UPDATE contacts SET locale = $2, first_name = $3, attributes = '{\"shop\":\"Berlin\"}' WHERE workspace_id = $1",
);
static PAYLOADS: Sql = Sql::portable(
    "PAYLOADS",
    "SELECT payload FROM outbox WHERE workspace_id = $1 AND dedupe_key LIKE 'agent:%' ORDER BY id",
);

static EXPIRIES: Sql = Sql::portable(
    "EXPIRIES",
    "SELECT expires_at FROM outbox WHERE workspace_id = $1 AND dedupe_key LIKE 'agent:%' ORDER BY id",
);

fn listed(name: &str, language: &str, components: Value) -> ListedTemplate {
    ListedTemplate {
        name: name.to_owned(),
        language: language.to_owned(),
        category: "UTILITY".to_owned(),
        status: "APPROVED".to_owned(),
        components,
        ..ListedTemplate::default()
    }
}

fn hello(language: &str) -> ListedTemplate {
    listed("hello", language, json!([{"type": "BODY", "text": "Hello {{1}}, shop {{2}}, case {{3}} is open."}]))
}

async fn with_templates(scene: &Scene, all: Vec<ListedTemplate>) {
    let (workspace_id, channel_id, ctx) = (scene.workspace(), scene.channel.id, scene.ctx().clone());
    write(scene.store(), move |tx| tx.replace_templates(workspace_id, channel_id, &all, &ctx)).await;
}

async fn know(scene: &Scene, locale: Option<&'static str>, first_name: Option<&'static str>) {
    let workspace_id = scene.workspace();
    write(scene.store(), move |tx| tx.execute(&SET_CONTACTS, &[&workspace_id, &locale, &first_name]).map(|_| ())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_gets_their_language_else_the_workspaces_else_one_there_is() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await.id;
        let language = async |workspace_language: &'static str, locale: Option<&'static str>| {
            let workspace_id = scene.workspace();
            know(&scene, locale, Some("Ana")).await;
            write(scene.store(), move |tx| {
                let mut workspace = tx.workspace(workspace_id)?.unwrap();
                workspace_language.clone_into(&mut workspace.settings.language);
                tx.update_workspace(&workspace)
            })
            .await;
            let choices = template_choice::of_session(scene.store(), workspace_id, &agent, session).await.unwrap();
            assert_eq!(choices.len(), 1, "a name is one choice");
            choices[0].language.clone()
        };
        with_templates(&scene, vec![hello("de"), hello("es"), hello("pt_BR")]).await;
        for (workspace_language, locale, expected) in [
            ("es", Some("de-AT"), "de"),
            ("es", Some("fr"), "es"),
            ("es", None, "es"),
            ("pt_PT", None, "pt_BR"),
            ("ja", Some("fr"), "de"),
        ] {
            assert_eq!(language(workspace_language, locale).await, expected, "{}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_from_contact_and_case_and_a_fallback_stands_where_there_is_none() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await.id;
        with_templates(&scene, vec![hello("en")]).await;
        let workspace_id = scene.workspace();
        let default = |slot: &str, source: &str, fallback: &str| TemplateDefault {
            slot: slot.to_owned(),
            source: source.to_owned(),
            fallback: fallback.to_owned(),
        };
        let defaults = vec![
            default("body.1", "contact.first_name", "there"),
            default("body.2", "contact.attributes.shop", "online"),
            default("body.3", "case.number", "none"),
        ];
        write(scene.store(), move |tx| {
            let mut template = tx.templates(workspace_id)?.remove(0);
            template.defaults.clone_from(&defaults);
            tx.save_template(workspace_id, &template)
        })
        .await;
        let values = async || {
            let choices = template_choice::of_session(scene.store(), workspace_id, &agent, session).await.unwrap();
            let values = choices[0].languages[0].values.clone();
            ["body.1", "body.2", "body.3"].map(|slot| values.get(slot).cloned().unwrap_or_default())
        };
        know(&scene, None, Some("Ana")).await;
        assert_eq!(values().await, ["Ana", "Berlin", "none"], "{}", scene.test.engine);
        segue_desk::cases::create(scene.store(), scene.ctx(), workspace_id, &agent, session, "A tent".to_owned())
            .await
            .unwrap();
        know(&scene, None, Some(" ")).await;
        assert_eq!(values().await, ["there", "Berlin", "1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_typed_the_address_of_another_is_not_called_by_their_name() {
    static BY_EMAIL: Sql =
        Sql::portable("BY_EMAIL", "UPDATE messaging_users SET linked_by = 'email' WHERE workspace_id = $1");
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await.id;
        with_templates(&scene, vec![hello("en")]).await;
        know(&scene, Some("de"), Some("Zenobia")).await;
        let workspace_id = scene.workspace();
        let filled = async || {
            let choices = template_choice::of_session(scene.store(), workspace_id, &agent, session).await.unwrap();
            choices[0].languages[0].values.get("body.1").cloned()
        };
        assert_eq!(filled().await.as_deref(), Some("Zenobia"), "{}", scene.test.engine);
        write(scene.store(), move |tx| tx.execute(&BY_EMAIL, &[&workspace_id]).map(|_| ())).await;
        assert_eq!(filled().await.as_deref(), Some("Ana"), "{}: their own profile", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_buttons_are_checked_and_go_along() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await.id;
        let (workspace_id, now) = (scene.workspace(), scene.ctx().now());
        let file = async |mime: &str| -> MediaId {
            let media = NewMedia { id: scene.ctx().id(), mime: mime.to_owned(), file_name: None, data: b"x".to_vec() };
            let id = media.id;
            write(scene.store(), move |tx| tx.insert_media(workspace_id, &media, now)).await;
            id
        };
        let (picture, film) = (file("image/png").await, file("video/mp4").await);
        let body = json!({"type": "BODY", "text": "Your tent is on its way."});
        let buttons = json!({"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Thanks"},
            {"type": "URL", "text": "Track", "url": "https://acme.example/{{1}}", "example": ["https://acme.example/1"]},
        ]});
        with_templates(
            &scene,
            vec![
                listed("picture", "en", json!([{"type": "HEADER", "format": "IMAGE"}, body, buttons])),
                listed("heading", "en", json!([{"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, body])),
                listed("place", "en", json!([{"type": "HEADER", "format": "LOCATION"}, body])),
                listed("cards", "en", json!([body, {"type": "CAROUSEL", "cards": []}])),
            ],
        )
        .await;
        let ids = write(scene.store(), move |tx| tx.templates(workspace_id)).await;
        let of = |name: &str| ids.iter().find(|template| template.name == name).map(|template| template.id).unwrap();
        let (scene, agent) = (&scene, &agent);
        let attempt = async move |client_id: &str,
                                  template_id: TemplateId,
                                  header: Option<TemplateHeaderValue>,
                                  ends: &[(u8, &str)]|
                    -> Result<MessageView, DeskError> {
            let buttons = ends.iter().map(|&(index, text)| TemplateButtonValue { index, text: text.to_owned() });
            let (cards, offer_ends_at) = (Vec::new(), None);
            let buttons = buttons.collect();
            let draft = Draft::Template { template_id, parameters: vec![], header, buttons, cards, offer_ends_at };
            let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
            send(scene.store(), scene.ctx(), workspace_id, agent, session, reply).await
        };
        let media = |media_id| Some(TemplateHeaderValue::File { media_id });
        let heading = |text: &str| Some(TemplateHeaderValue::Text { text: text.to_owned() });
        let place = |latitude: &str| {
            let (latitude, longitude) = (latitude.to_owned(), "13.4".to_owned());
            Some(TemplateHeaderValue::Place {
                latitude,
                longitude,
                name: "Shop".to_owned(),
                address: "Road 1".to_owned(),
            })
        };
        for (name, header, ends, code) in [
            ("picture", None, &[(1, "x")][..], "invalid_field"),
            ("picture", media(film), &[(1, "x")], "invalid_field"),
            ("picture", heading("x"), &[(1, "x")], "invalid_field"),
            ("picture", media(scene.ctx().id()), &[(1, "x")], "not_found"),
            ("picture", media(picture), &[], "invalid_field"),
            ("picture", media(picture), &[(0, "x")], "invalid_field"),
            ("picture", media(picture), &[(1, "a b")], "invalid_field"),
            ("picture", media(picture), &[(1, "x"), (0, "y")], "invalid_field"),
            ("heading", None, &[], "invalid_field"),
            ("heading", heading(" "), &[], "invalid_field"),
            ("place", place("91"), &[], "invalid_field"),
            ("cards", None, &[], "invalid_content"),
        ] {
            let refused = attempt("refused", of(name), header, ends).await.map(|_| ()).unwrap_err();
            assert_eq!(refused.code(), code, "{name}: {refused}");
        }
        attempt("1", of("picture"), media(picture), &[(1, "17")]).await.unwrap();
        attempt("2", of("heading"), heading("17"), &[]).await.unwrap();
        attempt("3", of("place"), place("52.5"), &[]).await.unwrap();
        let sent: Vec<Content> =
            scene.texts(&PAYLOADS).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let headers: Vec<_> = sent
            .iter()
            .map(|content| match content {
                Content::Template { header, .. } => header.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(headers, [media(picture), heading("17"), place("52.5")], "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_and_offers_are_checked_and_go_along() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await.id;
        let (workspace_id, now) = (scene.workspace(), scene.ctx().now());
        let file = async |mime: &str| -> MediaId {
            let media = NewMedia { id: scene.ctx().id(), mime: mime.to_owned(), file_name: None, data: b"x".to_vec() };
            let id = media.id;
            write(scene.store(), move |tx| tx.insert_media(workspace_id, &media, now)).await;
            id
        };
        let (picture, other, film) = (file("image/png").await, file("image/png").await, file("video/mp4").await);
        let card = |body: &str| {
            json!({"components": [
                {"type": "HEADER", "format": "IMAGE"},
                {"type": "BODY", "text": body},
                {"type": "BUTTONS", "buttons": [
                    {"type": "QUICK_REPLY", "text": "More"},
                    {"type": "URL", "text": "Shop", "url": "https://acme.example/{{1}}"}]},
            ]})
        };
        let body = json!({"type": "BODY", "text": "This is new in our shop."});
        let cards = [card("Boots for {{1}} today."), card("Tents for {{1}} today.")];
        with_templates(
            &scene,
            vec![
                listed("cards", "en", json!([body, {"type": "CAROUSEL", "cards": cards}])),
                listed(
                    "offer",
                    "en",
                    json!([
                        {"type": "LIMITED_TIME_OFFER",
                         "limited_time_offer": {"text": "A fifth off", "has_expiration": true}},
                        body,
                        {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "SAVE"}]},
                    ]),
                ),
            ],
        )
        .await;
        let all = write(scene.store(), move |tx| tx.templates(workspace_id)).await;
        let of = |name: &str| all.iter().find(|template| template.name == name).map(|template| template.id).unwrap();
        // The template has a file of its own on its second card.
        let carousel = of("cards");
        write(scene.store(), move |tx| {
            let mut template = tx.template(workspace_id, carousel)?.unwrap();
            template.card_media = vec![None, Some(other)];
            tx.save_template(workspace_id, &template)
        })
        .await;
        let (scene, agent) = (&scene, &agent);
        let attempt = async move |client_id: &str,
                                  template_id: TemplateId,
                                  cards: Vec<DraftCard>,
                                  (code, offer_ends_at): (Option<&str>, Option<Timestamp>)|
                    -> Result<MessageView, DeskError> {
            let text = |code: &str| TemplateButtonValue { index: 0, text: code.to_owned() };
            let (buttons, parameters, header) = (code.map(text).into_iter().collect(), Vec::new(), None);
            let draft = Draft::Template { template_id, parameters, header, buttons, cards, offer_ends_at };
            let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
            send(scene.store(), scene.ctx(), workspace_id, agent, session, reply).await
        };
        let card = |media_id: Option<MediaId>, price: &str, end: &str| DraftCard {
            media_id,
            parameters: vec![price.to_owned()],
            buttons: vec![TemplateButtonValue { index: 1, text: end.to_owned() }],
        };
        let tents = || card(None, "45", "tents");
        let none = (None, None);
        for (cards, words) in [
            (vec![], "Card 1 takes 1 values"),
            (vec![card(Some(picture), "89", "boots")], "has 2 cards; there are values for 1"),
            (vec![card(None, "89", "boots"), tents()], "Choose the file of card 1"),
            (vec![card(Some(film), "89", "boots"), tents()], "Card 1: Above this template stands"),
            (vec![card(Some(picture), " ", "boots"), tents()], "Card 1 takes 1 values"),
            (vec![card(Some(picture), "89", "a b"), tents()], "End of the link \u{201c}Shop\u{201d} on card 1"),
            (vec![card(Some(picture), "89", ""), tents()], "Give a value: End of the link"),
            (vec![card(Some(picture), &"9".repeat(160), "boots"), tents()], "card 1 is longer than 160"),
        ] {
            let refused = attempt("refused", carousel, cards, none).await.map(|_| ()).unwrap_err();
            assert_eq!(refused.code(), "invalid_field", "{refused}");
            assert!(refused.to_string().contains(words), "{}: {refused}", scene.test.engine);
        }
        let (soon, code) = (now.plus(segue_model::time::HOUR), Some("SPRING"));
        for (name, end, words) in [
            ("offer", None, "Say when the offer ends"),
            ("offer", Some(now), "have ended already"),
            ("cards", Some(soon), "no offer that ends"),
        ] {
            let cards = if name == "cards" { vec![card(Some(picture), "89", "boots"), tents()] } else { vec![] };
            let code = if name == "cards" { None } else { code };
            let refused = attempt("refused", of(name), cards, (code, end)).await.map(|_| ()).unwrap_err();
            assert!(refused.to_string().contains(words), "{}: {refused}", scene.test.engine);
        }
        let sent = attempt("1", carousel, vec![card(Some(picture), "89", "boots"), tents()], none).await.unwrap();
        let shown = &sent.details.as_ref().unwrap().template_cards;
        assert_eq!(
            shown.iter().map(|card| card.text.as_str()).collect::<Vec<_>>(),
            ["Boots for 89 today.", "Tents for 45 today."]
        );
        assert_eq!((shown[1].media_id, shown[1].media_kind.as_str()), (other, "image"), "the template's own");
        assert_eq!(shown[0].buttons, ["More", "Shop"]);
        let sent = attempt("2", of("offer"), vec![], (code, Some(soon))).await.unwrap();
        let offer = sent.details.unwrap().offer.unwrap();
        assert_eq!((offer.text.as_str(), offer.code.as_deref(), offer.ends_at), ("A fifth off", code, Some(soon)));
        let ends: Vec<Option<Timestamp>> =
            write(scene.store(), move |tx| tx.query(&EXPIRIES, &[&workspace_id], |row| row.next())).await;
        assert_eq!(ends, [None, Some(soon)], "{}: nothing leaves after the offer's end", scene.test.engine);

        // What was chosen for one message stays with it, and goes with it.
        let later = now.plus(2 * segue_model::time::DAY);
        let are_there = async || {
            write(scene.store(), move |tx| {
                let mut there = Vec::new();
                for id in [picture, other, film] {
                    there.push(tx.media_data(workspace_id, id)?.is_some());
                }
                Ok(there)
            })
            .await
        };
        // Nothing is on its way any more.
        write(scene.store(), move |tx| {
            tx.stop_sending(workspace_id, session, later)?;
            tx.remove_unsent_uploads(workspace_id, later, 100, later)
        })
        .await;
        assert_eq!(are_there().await, [true, true, false], "{}: nobody sent the film", scene.test.engine);
        write(scene.store(), move |tx| tx.empty_transcript(workspace_id, session, later)).await;
        assert_eq!(are_there().await, [false, true, false], "{}: the template's own stays", scene.test.engine);
    }
}
