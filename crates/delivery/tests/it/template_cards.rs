//! Templates with cards and with offers: written and submitted here, and sent as WhatsApp takes them.

use segue_delivery::{Files, sync_templates, template_admin};
use segue_model::{
    MediaId, SessionId,
    content::{Content, TemplateButtonValue, TemplateCardValue, TemplateOfferValue},
    delivery::OutboxState,
    template::{
        ParameterFormat, TemplateButton, TemplateCard, TemplateCategory, TemplateHeader, TemplateOffer, TemplateParts,
    },
    time,
};
use segue_store::{channel::Channel, media::NewMedia, outbox::NewOutbox, template::Template};
use serde_json::{Value, json};

use crate::bench::{Bench, benches};

const CUSTOMER: &str = "+14165559999";

fn text(text: &str) -> String {
    text.to_owned()
}

async fn picture(bench: &Bench) -> MediaId {
    let media = NewMedia {
        id: bench.test.ctx.id(),
        mime: text("image/png"),
        file_name: Some(text("boots.png")),
        data: b"\x89PNG\r\n\x1a\n0123456789".to_vec(),
    };
    let (workspace_id, now, id) = (bench.test.workspace_id(), bench.test.now(), media.id);
    bench.write(move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

fn card(media_id: MediaId, body: &str) -> TemplateCard {
    TemplateCard {
        header: TemplateHeader::Image { media_id: Some(media_id) },
        body: text(body),
        samples: vec![text("89 euros")],
        buttons: vec![
            TemplateButton::QuickReply { text: text("More") },
            TemplateButton::Url {
                text: text("Shop"),
                url: text("https://acme.example/{{1}}"),
                sample: Some(text("https://acme.example/boots")),
            },
        ],
    }
}

fn plain(name: &str) -> TemplateParts {
    TemplateParts {
        name: text(name),
        language: text("en"),
        category: TemplateCategory::Marketing,
        parameter_format: ParameterFormat::Named,
        header: None,
        body: text("Hello {{name}}, these are new in our shop."),
        samples: vec![text("Ana")],
        footer: None,
        buttons: Vec::new(),
        code: None,
        cards: Vec::new(),
        offer: None,
    }
}

/// Writes and submits it; the sandbox's reviewer decides at once.
async fn submitted(bench: &Bench, channel: &Channel, parts: TemplateParts) -> Template {
    let (store, ctx, workspace_id) = (&bench.test.store, &bench.test.ctx, channel.workspace_id);
    let template = Template::drafted(ctx.id(), channel.id, parts);
    let id = template.id;
    assert!(bench.write(move |tx| tx.insert_template(workspace_id, &template)).await);
    let files = Files::in_database(store.clone(), ctx.clone());
    let done = template_admin::submit(&files, ctx, channel, id).await.unwrap();
    assert_eq!(done.status, "APPROVED", "{}", bench.test.engine);
    done
}

fn filled(media_id: MediaId, price: &str, end: &str) -> TemplateCardValue {
    TemplateCardValue {
        media_id,
        parameters: vec![text(price)],
        buttons: vec![TemplateButtonValue { index: 1, text: text(end) }],
        text: text("for people"),
        labels: vec![text("More"), text("Shop")],
    }
}

fn content(name: &str, cards: Vec<TemplateCardValue>, offer: Option<TemplateOfferValue>) -> Content {
    let buttons = match offer {
        Some(_) => vec![TemplateButtonValue { index: 0, text: text("SPRING") }],
        None => Vec::new(),
    };
    Content::Template {
        name: text(name),
        language: text("en"),
        parameters: vec![text("Ana")],
        text: text("Hello Ana, these are new in our shop."),
        header: None,
        buttons,
        cards,
        offer,
    }
}

async fn chat(bench: &Bench) -> Vec<Value> {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("http://{}/sandbox/v1/handsets/{}/chats", bench.sandbox.http_addr, &CUSTOMER[1..]);
    let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
    let all: Value = serde_json::from_slice(&body).unwrap();
    all["chats"][0]["messages"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_submitted_kept_through_a_sync_and_sent_with_one_upload_for_each_file() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (boots, tent) = (picture(&bench).await, picture(&bench).await);
        let cards = vec![
            card(boots, "Boots for {{price}} today."),
            card(tent, "Tents for {{price}} today."),
            card(boots, "Boots again for {{price}} today."),
        ];
        let done = submitted(&bench, &channel, TemplateParts { cards, ..plain("new_boots") }).await;
        assert_eq!(done.card_media, [Some(boots), Some(tent), Some(boots)], "{}", bench.test.engine);
        sync_templates(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        let (workspace_id, id) = (channel.workspace_id, done.id);
        let kept = bench.write(move |tx| tx.template(workspace_id, id)).await.unwrap();
        let parts = kept.parts().unwrap();
        assert_eq!(
            parts.card_files(),
            [Some(boots), Some(tent), Some(boots)],
            "{}: WhatsApp lists none",
            bench.test.engine
        );
        assert_eq!(kept.view().cards[1].header_media_id, Some(tent));
        // A template keeps the files of its cards.
        bench.test.clock.advance(2 * time::DAY);
        let now = bench.test.now();
        assert_eq!(bench.write(move |tx| tx.remove_unsent_uploads(workspace_id, now, 9, now)).await.1, 0);

        let session: SessionId = bench.session(&channel, bench.test.now()).await;
        let cards = vec![filled(boots, "89", "boots"), filled(tent, "45", "tents"), filled(boots, "90", "more")];
        let id =
            bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &content("new_boots", cards, None))).await;
        let few = content("new_boots", vec![filled(boots, "89", "boots")], None);
        let few = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &few)).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        bench.until_state(few, OutboxState::Failed).await;
        assert_eq!(bench.ledger("wa_file_uploaded").await.len(), 2, "{}: once for each file", bench.test.engine);
        assert_eq!(
            bench.ledger("wa_accepted").await.len(),
            1,
            "{}: what would be refused does not leave",
            bench.test.engine
        );
        let shown = chat(&bench).await.pop().unwrap();
        assert_eq!(shown["text"], "Hello Ana, these are new in our shop.");
        assert_eq!(shown["cards"][1]["text"], "Tents for 45 today.", "{}", bench.test.engine);
        assert_eq!(shown["cards"][1]["media"]["mime"], "image/png");
        assert_eq!(shown["cards"][2]["buttons"][1]["url"], "https://acme.example/more");
        assert_eq!(shown["cards"][2]["buttons"][0]["id"], "More (card 3)");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_sent_with_its_end_and_not_after_it() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let parts = TemplateParts {
            offer: Some(TemplateOffer { text: text("A fifth off"), expires: true }),
            buttons: vec![TemplateButton::CopyCode { sample: text("SAVE") }],
            ..plain("spring_week")
        };
        let done = submitted(&bench, &channel, parts).await;
        assert!(done.parts().unwrap().offer.is_some_and(|offer| offer.expires), "{}", bench.test.engine);
        let session: SessionId = bench.session(&channel, bench.test.now()).await;
        // WhatsApp takes no offer that has ended by its own clock.
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let clock = format!("http://{}/sandbox/v1/clock", bench.sandbox.http_addr);
        client.post(clock).json(&json!({ "set": bench.test.now().0 })).send().await.unwrap();
        let ends_at = bench.test.now().plus(time::HOUR);
        let offer = TemplateOfferValue { text: text("A fifth off"), code: None, ends_at: Some(ends_at) };
        let one = bench.whatsapp_to(&channel, CUSTOMER, session, &content("spring_week", Vec::new(), Some(offer)));
        let one = NewOutbox { expires_at: Some(ends_at), ..one };
        let late =
            NewOutbox { id: bench.test.ctx.id(), dedupe_key: text("late"), not_before: ends_at.plus(1), ..one.clone() };
        let (one, late) = (bench.enqueue(&one).await, bench.enqueue(&late).await);
        let running = bench.start("one");
        bench.until_state(one, OutboxState::Accepted).await;
        let shown = chat(&bench).await.pop().unwrap();
        assert_eq!(shown["offer"]["ends_at"], ends_at.0, "{}", bench.test.engine);
        assert_eq!(shown["offer"]["code"], "SPRING");
        bench.test.clock.advance(time::HOUR + 1);
        bench.until_state(late, OutboxState::Expired).await;
        assert_eq!(bench.rule(late).await.as_deref(), Some("expired"), "{}", bench.test.engine);
        assert_eq!(chat(&bench).await.len(), 1, "{}: nothing leaves after it", bench.test.engine);
        running.shutdown().await;
    }
}
