//! The campaign by template of these tests, "Hi …, spring is here.": in the product, and at the sandbox.

use segue_channels::whatsapp::{WebhookItem, parse_webhook};
use segue_delivery::{apply_template_status, notices, reports};
use segue_model::{
    CampaignId, MediaId, MessageId,
    campaign::Footer,
    consent::{ConsentState, Medium, Purpose},
    content::{Content, TemplateHeaderValue},
    delivery::MessageClass,
    template_rules::SessionRule,
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput, CampaignTemplate},
    channel::Channel,
    outbox::NewOutbox,
    template::ListedTemplate,
};
use serde_json::{Value, json};

use crate::bench::Bench;

static RUN: Sql =
    Sql::portable("RUN", "UPDATE campaigns SET state = 'running', planned_all = 1 WHERE workspace_id = $1 AND id = $2");

/// Changes or adds something by the sandbox's own API.
pub async fn at_sandbox(bench: &Bench, path: &str, body: &Value, patch: bool) {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("http://{}/sandbox/v1/{path}", bench.sandbox.http_addr);
    let request = if patch { client.patch(url) } else { client.post(url) };
    let answer = request.json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}: {}", bench.test.engine, answer.text().await.unwrap());
}

/// The template in these languages, in the product and in the sandbox; with a picture above the text, if wanted.
pub async fn templates(
    bench: &Bench,
    channel: &Channel,
    category: &'static str,
    (languages, has_picture): (&[&str], bool),
) {
    let (workspace_id, channel_id, ctx) = (bench.test.workspace_id(), channel.id, bench.test.ctx.clone());
    let body = json!({ "type": "BODY", "text": "Hi {{1}}, spring is here.", "example": { "body_text": [["Ana"]] } });
    let picture = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } });
    let components = if has_picture { json!([picture, body]) } else { json!([body]) };
    let listed = |language: &&str| ListedTemplate {
        name: "spring".to_owned(),
        language: (*language).to_owned(),
        category: category.to_owned(),
        status: "APPROVED".to_owned(),
        components: components.clone(),
        ..ListedTemplate::default()
    };
    let all: Vec<ListedTemplate> = languages.iter().map(listed).collect();
    bench.write(move |tx| tx.replace_templates(workspace_id, channel_id, &all, &ctx)).await;
    for language in languages {
        let body = json!({ "name": "spring", "language": language, "category": category, "components": components });
        at_sandbox(bench, "templates", &body, false).await;
    }
}

/// A running campaign in English: with a file of its own above the text each customer gets it in their language.
pub async fn campaign(bench: &Bench, channel: &Channel, file: Option<MediaId>) -> CampaignId {
    campaign_sparing(bench, channel, file, SessionRule::Any).await
}

/// The same, which leaves some people alone because of a conversation.
pub async fn campaign_sparing(
    bench: &Bench,
    channel: &Channel,
    file: Option<MediaId>,
    sessions: SessionRule,
) -> CampaignId {
    let (workspace_id, id, now) = (bench.test.workspace_id(), bench.test.ctx.id::<CampaignId>(), bench.test.now());
    let input = CampaignInput {
        media: Vec::new(),
        name: "Spring".to_owned(),
        sender_id: None,
        audience: Audience::default(),
        body: String::new(),
        footer: Footer::None,
        whatsapp_channel_id: None,
        prefilled_text: String::new(),
        schedule: Default::default(),
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        texts: Vec::new(),
        template: Some(CampaignTemplate {
            channel_id: channel.id,
            name: "spring".to_owned(),
            language: "en".to_owned(),
            values: vec!["{{ first_name }}".to_owned()],
            buttons: Vec::new(),
            sessions,
            header_media_id: file,
            header_value: String::new(),
            by_language: file.is_some(),
            header_place: None,
            cards: Vec::new(),
            offer_ends_at: None,
        }),
        rules: Default::default(),
    };
    bench.write(move |tx| tx.insert_campaign(workspace_id, id, &input, None, now)).await;
    run(bench, id).await;
    id
}

/// Lets a campaign go on that has ended because all of it had left.
pub async fn run(bench: &Bench, id: CampaignId) {
    let workspace_id = bench.test.workspace_id();
    bench.write(move |tx| tx.execute(&RUN, &[&workspace_id, &id])).await;
}

/// The template filled in.
pub fn content(file: Option<MediaId>, language: &str) -> Content {
    Content::Template {
        header: file.map(|media_id| TemplateHeaderValue::File { media_id }),
        name: "spring".to_owned(),
        language: language.to_owned(),
        parameters: vec!["Ana".to_owned()],
        buttons: Vec::new(),
        cards: Vec::new(),
        offer: None,
        text: "Hi Ana, spring is here.".to_owned(),
    }
}

/// A message of the campaign to somebody who has agreed, in a language, due now.
pub async fn message(
    bench: &Bench,
    channel: &Channel,
    (campaign, file): (CampaignId, Option<MediaId>),
    (address, position, language): (&str, u32, &str),
    class: MessageClass,
) -> MessageId {
    bench.test.set_consent(Medium::WhatsApp, address, Purpose::Marketing, ConsentState::Granted).await;
    let content = content(file, language);
    let message = NewOutbox {
        class,
        campaign: Some((campaign, position)),
        session_id: None,
        ..bench.whatsapp_to(channel, address, bench.test.ctx.id(), &content)
    };
    bench.enqueue(&message).await
}

/// Takes a webhook in as the worker of the inbox does.
pub async fn told(bench: &Bench, channel: &Channel, field: &str, value: Value) {
    told_at(bench, channel, (field, 1_795_453_000), value).await;
}

/// The same, told by WhatsApp at this second.
pub async fn told_at(bench: &Bench, channel: &Channel, (field, second): (&str, i64), mut value: Value) {
    value["metadata"] = json!({ "display_phone_number": "15550783881", "phone_number_id": "106540352242922" });
    let body = json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "time": second, "changes": [{ "field": field, "value": value }] }] });
    let items = parse_webhook(body.to_string().as_bytes()).unwrap();
    let (channel, ctx) = (channel.clone(), bench.test.ctx.clone());
    bench
        .write(move |tx| {
            for item in &items {
                match item {
                    WebhookItem::Status(status) => {
                        reports::apply_status(tx, &ctx, &channel, status)?;
                    }
                    WebhookItem::Notice(notice) => notices::apply(tx, &ctx, &channel, notice, &item.external_id())?,
                    WebhookItem::TemplateStatus(status) => {
                        apply_template_status(tx, &ctx, &channel, status)?;
                    }
                    other => panic!("{other:?}"),
                }
            }
            Ok(())
        })
        .await;
}
