//! Campaigns by template with a file above the text, in the language of each contact.

use std::collections::BTreeMap;

use segue_model::{
    MediaId, MessagingUserId,
    campaign::CampaignAction,
    consent::ConsentState,
    contact::ContactFields,
    content::{Content, TemplateHeaderValue},
    template_rules::SessionRule,
    time,
};
use segue_outreach::{OutreachError, campaign::preflight::WarningKind};
use segue_store::{
    Sql,
    campaign::{CampaignButton, CampaignTemplate},
    media::NewMedia,
    template::ListedTemplate,
};
use serde_json::{Value, json};

use crate::{
    template_campaign::{agree, by, check, contact, customer, planned},
    world::{World, canadian as phone, worlds},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

static USER: Sql = Sql::portable("USER", "SELECT id FROM messaging_users WHERE workspace_id = $1 AND contact_id = $2");

pub(crate) async fn upload(world: &World, mime: &str) -> MediaId {
    let media = NewMedia {
        id: world.test.ctx.id(),
        mime: mime.to_owned(),
        file_name: Some("a".to_owned()),
        data: PNG.to_vec(),
    };
    let (ws, now, id) = (world.ws(), world.test.now(), media.id);
    world.write(move |tx| tx.insert_media(ws, &media, now)).await;
    id
}

fn listed(language: &str, status: &str, components: Value) -> ListedTemplate {
    ListedTemplate {
        name: "spring".to_owned(),
        language: language.to_owned(),
        category: "MARKETING".to_owned(),
        status: status.to_owned(),
        components,
        parameter_format: Some("NAMED".to_owned()),
        ..ListedTemplate::default()
    }
}

fn parts(text: &str) -> Value {
    json!([
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } },
        { "type": "BODY", "text": text },
        { "type": "BUTTONS", "buttons": [{ "type": "COPY_CODE", "example": "SAVE" }] },
    ])
}

async fn templates(world: &World, all: Vec<ListedTemplate>) {
    let (ws, channel_id, ctx) = (world.ws(), world.whatsapp.id, world.test.ctx.clone());
    world.write(move |tx| tx.replace_templates(ws, channel_id, &all, &ctx)).await;
}

fn wanted(world: &World, file: Option<MediaId>) -> CampaignTemplate {
    CampaignTemplate {
        channel_id: world.whatsapp.id,
        name: "spring".to_owned(),
        language: "en".to_owned(),
        values: vec!["{{ first_name }}".to_owned(), "ten per cent".to_owned()],
        buttons: vec![CampaignButton { index: 0, value: "SPRING".to_owned(), target: None }],
        sessions: SessionRule::Any,
        header_media_id: file,
        header_value: String::new(),
        by_language: true,
        header_place: None,
        cards: Vec::new(),
        offer_ends_at: None,
    }
}

/// Somebody who agreed, with this locale.
pub(crate) async fn speaker(world: &World, number: u32, name: &str, locale: Option<&str>) -> segue_model::ContactId {
    let id = contact(world, Some(&phone(number)), name, None).await;
    let fields = ContactFields {
        phone: Some(phone(number).parse().unwrap()),
        first_name: Some(name.to_owned()),
        locale: locale.map(str::to_owned),
        ..ContactFields::default()
    };
    let (ws, now) = (world.ws(), world.test.now());
    world.write(move |tx| tx.update_contact(ws, id, &fields, now)).await;
    agree(world, &phone(number), ConsentState::Granted).await;
    id
}

pub(crate) fn invalid(error: OutreachError) -> String {
    match error {
        OutreachError::Invalid { message, .. } => message,
        other => panic!("{other}"),
    }
}

/// Language, text and file of each planned message, by address.
async fn messages(world: &World) -> BTreeMap<String, (String, String, Option<MediaId>)> {
    let rows = planned(world).await.into_iter().map(|row| {
        let Content::Template { language, text, header, buttons, .. } = row.content else { panic!() };
        assert_eq!(buttons[0].text, "SPRING");
        let file = match header {
            Some(TemplateHeaderValue::File { media_id }) => Some(media_id),
            _ => None,
        };
        (row.address, (language, text, file))
    });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_gets_the_approved_translation_with_its_values_and_the_picture() {
    for world in worlds().await {
        let file = upload(&world, "image/png").await;
        let all = vec![
            listed("en", "APPROVED", parts("Hi {{name}}, {{offer}} off.")),
            // The same values in another order.
            listed("de", "APPROVED", parts("{{offer}} Rabatt, {{name}}!")),
            listed("fr", "PAUSED", parts("{{name}}: {{offer}}.")),
        ];
        templates(&world, all).await;
        for (number, name, locale) in
            [(1, "Ana", None), (2, "Bea", Some("de-AT")), (3, "Chloé", Some("fr")), (4, "Dan", Some("en-GB"))]
        {
            speaker(&world, number, name, locale).await;
        }
        // No locale, but German was detected; and a person said English of one with a German locale.
        let (ws, now) = (world.ws(), world.test.now());
        for (number, locale, said) in [(5, None, false), (6, Some("de"), true)] {
            let id = speaker(&world, number, "Eva", locale).await;
            customer(&world, id, ("wa_id", &phone(number)[1..]), now.plus(-time::HOUR), None).await;
            world
                .write(move |tx| {
                    let user: MessagingUserId = tx.query_one(&USER, &[&ws, &id], |row| row.next())?;
                    match said {
                        true => tx.say_customer_language(ws, user, "en", now),
                        false => tx.detect_customer_language(ws, user, ("de", 99), now),
                    }
                })
                .await;
        }
        let draft = world.draft(by(&world, wanted(&world, Some(file)))).await.unwrap();
        let seen = check(&world, draft.id).await;
        let languages: Vec<_> = seen.languages.iter().map(|it| (it.language.as_str(), it.messages)).collect();
        assert_eq!(languages, [("en", 4), ("de", 2)], "{}", world.test.engine);
        let waiting = seen.warnings.iter().find(|it| it.kind == WarningKind::TranslationNotApproved).unwrap();
        assert!(waiting.message.contains("in fr is paused"), "{}", waiting.message);

        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let sent = messages(&world).await;
        let of = |number: u32| {
            let (language, text, sent_file) = &sent[&phone(number)];
            assert_eq!(*sent_file, Some(file), "{}: {number}", world.test.engine);
            (language.as_str(), text.as_str())
        };
        assert_eq!(of(1), ("en", "Hi Ana, ten per cent off."));
        assert_eq!(of(2), ("de", "ten per cent Rabatt, Bea!"));
        assert_eq!(of(3), ("en", "Hi Chloé, ten per cent off."), "the French one is not approved");
        assert_eq!(of(4), ("en", "Hi Dan, ten per cent off."));
        assert_eq!(of(5).0, "de", "{}: as detected", world.test.engine);
        assert_eq!(of(6).0, "en", "{}: as a person said", world.test.engine);
        // The file stays for as long as the campaign goes on.
        world.test.clock.advance(2 * time::DAY);
        let later = world.test.now();
        assert_eq!(world.write(move |tx| tx.remove_unsent_uploads(ws, later, 9, later)).await, (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_with_other_values_is_told_by_the_check_and_refuses_the_start() {
    for world in worlds().await {
        let file = upload(&world, "image/png").await;
        speaker(&world, 1, "Ana", Some("de")).await;
        let own = || listed("en", "APPROVED", parts("Hi {{name}}, {{offer}} off."));
        let without_header = json!([{ "type": "BODY", "text": "{{name}}: {{offer}}." },
            { "type": "BUTTONS", "buttons": [{ "type": "COPY_CODE", "example": "SAVE" }] }]);
        let without_button = json!([{ "type": "HEADER", "format": "IMAGE" },
            { "type": "BODY", "text": "{{name}}: {{offer}}." }]);
        let utility = ListedTemplate {
            category: "UTILITY".to_owned(),
            ..listed("de", "APPROVED", parts("{{name}}: {{offer}}."))
        };
        let cases = [
            (listed("de", "APPROVED", parts("Nur {{name}}.")), "takes 1 values and the other's 2"),
            (listed("de", "APPROVED", parts("{{name}}: {{preis}}.")), "the value {{preis}}, which the other has not"),
            (listed("de", "APPROVED", without_header), "of the kind none and the other's image"),
            (listed("de", "APPROVED", without_button), "heading, offer or buttons take other values"),
            (utility, "takes it as utility and the other as marketing"),
        ];
        for (other, words) in cases {
            templates(&world, vec![own(), other.clone()]).await;
            let draft = world.draft(by(&world, wanted(&world, Some(file)))).await.unwrap();
            let seen = check(&world, draft.id).await;
            let told = seen.warnings.iter().find(|it| it.kind == WarningKind::TranslationDiffers).unwrap();
            assert!(told.message.contains(words), "{}: {}", world.test.engine, told.message);
            let refused = invalid(world.act(draft.id, CampaignAction::Start).await.unwrap_err());
            assert_eq!(refused, told.message);
            // One that is not approved does no harm, and neither does one language for all.
            templates(&world, vec![own(), ListedTemplate { status: "REJECTED".to_owned(), ..other.clone() }]).await;
            let seen = check(&world, draft.id).await;
            assert!(!seen.warnings.iter().any(|it| it.kind == WarningKind::TranslationDiffers));
            templates(&world, vec![own(), other]).await;
            let one = CampaignTemplate { by_language: false, ..wanted(&world, Some(file)) };
            let draft = world.draft(by(&world, one)).await.unwrap();
            assert!(check(&world, draft.id).await.languages.is_empty());
            world.act(draft.id, CampaignAction::Start).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_needs_a_file_of_its_kind_that_is_here_and_nobody_elses() {
    for world in worlds().await {
        let (picture, film) = (upload(&world, "image/png").await, upload(&world, "video/mp4").await);
        speaker(&world, 1, "Ana", None).await;
        templates(&world, vec![listed("en", "APPROVED", parts("Hi {{name}}, {{offer}} off."))]).await;
        let refused = async |file: Option<MediaId>| {
            invalid(world.draft(by(&world, wanted(&world, file))).await.expect_err("it was taken"))
        };
        assert_eq!(refused(None).await, "Choose the picture that stands above the text.", "{}", world.test.engine);
        assert!(refused(Some(film)).await.contains("of the kind image; video/mp4 is none"));
        assert!(refused(Some(world.test.ctx.id())).await.contains("not here any more"));
        // What a customer sent.
        let (ws, ctx, channel_id, theirs) =
            (world.ws(), world.test.ctx.clone(), world.whatsapp.id, world.test.ctx.id::<MediaId>());
        world
            .write(move |tx| {
                let media = segue_store::media::RemoteMedia {
                    id: theirs,
                    channel_id,
                    provider_id: "1".to_owned(),
                    mime: "image/png".to_owned(),
                    file_name: None,
                    sha256: Vec::new(),
                };
                tx.insert_remote_media(ws, &media, &ctx)?;
                tx.store_media(ws, theirs, "image/png", PNG)
            })
            .await;
        assert!(refused(Some(theirs)).await.contains("not here any more"), "{}", world.test.engine);

        // The template's own file, when it has one and nothing else is chosen.
        world
            .write(move |tx| {
                let mut template = tx.template_by_name(ws, channel_id, "spring", "en")?.unwrap();
                template.media_id = Some(picture);
                tx.save_template(ws, &template)
            })
            .await;
        let draft = world.draft(by(&world, wanted(&world, None))).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        assert_eq!(messages(&world).await[&phone(1)].2, Some(picture), "{}", world.test.engine);
        // And a template without a header takes none.
        templates(
            &world,
            vec![ListedTemplate {
                components: json!([{ "type": "BODY", "text": "Hi {{name}}, {{offer}} off." },
                { "type": "BUTTONS", "buttons": [{ "type": "COPY_CODE", "example": "SAVE" }] }]),
                ..listed("en", "APPROVED", json!([]))
            }],
        )
        .await;
        assert!(refused(Some(picture)).await.contains("No file stands above"));
        let titled = CampaignTemplate { header_value: "x".to_owned(), ..wanted(&world, None) };
        assert!(invalid(world.draft(by(&world, titled)).await.unwrap_err()).contains("takes no value"));
    }
}
