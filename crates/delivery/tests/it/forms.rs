//! Forms: taken over from WhatsApp, and offered there.

use segue_delivery::sync_forms;
use segue_model::{
    content::{Content, OfferedForm},
    delivery::OutboxState,
    time,
};
use serde_json::{Value, json};

use crate::bench::benches;

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
