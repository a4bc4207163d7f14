//! Forms: taken over from WhatsApp, and offered there.

use segue_channels::whatsapp::{AccountNotice, Notice};
use segue_delivery::sync_forms;
use segue_model::{
    content::{Content, OfferedForm},
    delivery::OutboxState,
    time,
};
use segue_store::{Sql, form::FORM_REFUSED};
use serde_json::{Value, json};

use crate::{bench::benches, whatsapp::status};

const CUSTOMER: &str = "+15550199";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_taken_over_offered_and_answered_with_the_messages_own_token() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let workspace_id = bench.test.workspace_id();
        assert_eq!(sync_forms(&bench.test.store, &bench.test.ctx, &channel).await.unwrap(), 2);
        let forms = bench.write(move |tx| tx.forms(workspace_id)).await;
        let form = forms.iter().find(|form| form.name == "book_a_visit").unwrap();
        assert!(form.is_published() && !forms.iter().all(|form| form.is_published()), "{}", bench.test.engine);

        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let base = format!("http://{}/sandbox/v1/handsets", bench.sandbox.http_addr);
        client.post(&base).json(&json!({ "phone": CUSTOMER, "name": "Ann" })).send().await.unwrap();
        let chat = format!("{base}/{}/chats/15550783881/messages", &CUSTOMER[1..]);
        client.post(&chat).json(&json!({ "type": "text", "text": "hi" })).send().await.unwrap();
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let offered = Content::Form(OfferedForm {
            text: "When do you come?".to_owned(),
            label: "Book".to_owned(),
            form_id: form.id,
            provider_id: form.provider_id.clone(),
            name: form.name.clone(),
            header: Some("A visit".to_owned()),
            footer: Some("Takes a minute".to_owned()),
        });
        let running = bench.start("one");
        let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &offered)).await;
        bench.until_state(id, OutboxState::Accepted).await;
        let shown: Value =
            client.get(format!("{base}/{}/chats", &CUSTOMER[1..])).send().await.unwrap().json().await.unwrap();
        let message = shown["chats"][0]["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&message["header"], &message["footer"]), (&json!("A visit"), &json!("Takes a minute")));
        assert_eq!(message["form"]["label"], "Book");
        let answers = json!({ "type": "form_reply", "reply_to": message["id"],
            "answers": { "full_name": "Ann", "day": "2026-12-01", "topic": "Repair" } });
        assert!(client.post(&chat).json(&answers).send().await.unwrap().status().is_success());
        // The ledger has the text alone; the token is in what the platform hands on.
        assert_eq!(bench.ledger("wa_inbound").await.len(), 2, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

static TOLD: Sql = Sql::portable("TOLD", "SELECT payload FROM jobs WHERE workspace_id = $1 AND kind = $2 ORDER BY id");

/// A form that WhatsApp no longer takes keeps nothing else from leaving, and the bot that waits for it hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_whatsapp_refuses_is_told_and_blocks_nothing() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let workspace_id = bench.test.workspace_id();
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let base = format!("http://{}/sandbox/v1/handsets", bench.sandbox.http_addr);
        client.post(&base).json(&json!({ "phone": CUSTOMER, "name": "Ann" })).send().await.unwrap();
        let chat = format!("{base}/{}/chats/15550783881/messages", &CUSTOMER[1..]);
        client.post(&chat).json(&json!({ "type": "text", "text": "hi" })).send().await.unwrap();
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let offered = Content::Form(OfferedForm {
            text: "When do you come?".to_owned(),
            label: "Book".to_owned(),
            form_id: bench.test.ctx.id(),
            provider_id: "999".to_owned(),
            name: "withdrawn".to_owned(),
            header: None,
            footer: None,
        });
        let running = bench.start("one");
        let form = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &offered)).await;
        let text = Content::Text { text: "Until then".to_owned() };
        let after = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text)).await;
        bench.until_state(form, OutboxState::Failed).await;
        bench.until_state(after, OutboxState::Accepted).await;
        let told: Vec<Value> =
            bench.write(move |tx| tx.query(&TOLD, &[&workspace_id, &FORM_REFUSED], |row| row.json())).await;
        let refused = json!({ "session_id": session, "message_id": form, "form": "withdrawn" });
        assert_eq!(told, [refused], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_fails_after_whatsapp_took_it_is_told_once() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let workspace_id = bench.test.workspace_id();
        sync_forms(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let base = format!("http://{}/sandbox/v1/handsets", bench.sandbox.http_addr);
        client.post(&base).json(&json!({ "phone": CUSTOMER, "name": "Ann" })).send().await.unwrap();
        let chat = format!("{base}/{}/chats/15550783881/messages", &CUSTOMER[1..]);
        client.post(&chat).json(&json!({ "type": "text", "text": "hi" })).send().await.unwrap();
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let forms = bench.write(move |tx| tx.forms(workspace_id)).await;
        let form = forms.iter().find(|form| form.name == "book_a_visit").unwrap();
        let offered = Content::Form(OfferedForm {
            text: "When do you come?".to_owned(),
            label: "Book".to_owned(),
            form_id: form.id,
            provider_id: form.provider_id.clone(),
            name: form.name.clone(),
            header: None,
            footer: None,
        });
        let running = bench.start("one");
        let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &offered)).await;
        let text = Content::Text { text: "Until then".to_owned() };
        let other = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text)).await;
        bench.until_state(other, OutboxState::Accepted).await;
        for id in [id, id, other] {
            let failed = json!({ "id": format!("wamid.{id}"), "status": "failed", "timestamp": "1795453300",
                "biz_opaque_callback_data": id.to_string(), "errors": [{ "code": 131_026, "title": "Undeliverable" }] });
            status(&bench, &channel, failed).await;
        }
        let told: Vec<Value> =
            bench.write(move |tx| tx.query(&TOLD, &[&workspace_id, &FORM_REFUSED], |row| row.json())).await;
        let refused = json!({ "session_id": session, "message_id": id, "form": "book_a_visit" });
        assert_eq!(told, [refused], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_whatsapp_withdraws_is_not_offered_from_then_on() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        sync_forms(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        let offered = async || bench.write(move |tx| tx.published_form(workspace_id, channel_id, "book_a_visit")).await;
        let form = offered().await.unwrap().provider_id;
        let notice = AccountNotice {
            waba_id: "1".to_owned(),
            at: Some(bench.test.now().plus(time::SECOND)),
            notice: Notice::FormStatus { form, previous: None, current: "DEPRECATED".to_owned() },
        };
        let ctx = bench.test.ctx.clone();
        bench.write(move |tx| segue_delivery::notices::apply(tx, &ctx, &channel, &notice, "one")).await;
        assert_eq!(offered().await, None, "{}", bench.test.engine);
    }
}
