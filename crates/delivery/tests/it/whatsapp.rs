//! WhatsApp from the outbox to the Graph API, and what its statuses make of it.

use segue_channels::whatsapp::{WebhookItem, parse_webhook};
use segue_delivery::{check_channel, reports, sync_templates};
use segue_model::{
    ChannelId, MessageId, SessionId, Timestamp,
    content::Content,
    delivery::{MessageClass, OutboxState},
    time,
};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig, ChannelState},
    message::{AuthorKind, Direction, MessageContent, MessageKind, NewMessage},
    shown::{ShowCustomer, Shown},
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, benches, until},
    spring::{self, at_sandbox},
};

const CUSTOMER: &str = "+15550199";

fn text(text: &str) -> Content {
    Content::Text { text: text.to_owned() }
}

/// Opens the sandbox's service window for the customer: a message from the handset.
async fn customer_writes(bench: &Bench) {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let base = format!("http://{}/sandbox/v1/handsets", bench.sandbox.http_addr);
    client.post(&base).json(&json!({ "phone": CUSTOMER, "name": "Ann" })).send().await.unwrap();
    let url = format!("{base}/{}/chats/15550783881/messages", &CUSTOMER[1..]);
    let answer = client.post(url).json(&json!({ "type": "text", "text": "hi" })).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// Applies a status as a webhook of Meta's brings it.
pub async fn status(bench: &Bench, channel: &Channel, status: Value) {
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "statuses": [status],
        },
    }] }] });
    let items = parse_webhook(body.to_string().as_bytes()).unwrap();
    let (channel, ctx) = (channel.clone(), bench.test.ctx.clone());
    bench
        .write(move |tx| {
            for item in &items {
                let WebhookItem::Status(status) = item else { panic!("a status") };
                reports::apply_status(tx, &ctx, &channel, status)?;
            }
            Ok(())
        })
        .await;
}

async fn wamid_of(bench: &Bench, id: MessageId) -> String {
    let entries = bench.ledger("wa_accepted").await;
    let own = entries.iter().find(|entry| entry["biz_opaque_callback_data"] == json!(id.to_string()));
    own.expect("it was accepted")["wamid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_session_arrive_in_order_and_statuses_follow() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let wanted: Vec<String> = (0..12).map(|number| format!("part {number}")).collect();
        let mut ids = Vec::new();
        for part in &wanted {
            ids.push(bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text(part))).await);
        }
        let running = bench.start("one");
        bench.until_state(ids[11], OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, wanted, "{}", bench.test.engine);

        let wamid = wamid_of(&bench, ids[0]).await;
        for word in ["read", "delivered", "sent"] {
            status(&bench, &channel, json!({ "id": wamid, "status": word, "timestamp": "1795453300" })).await;
        }
        assert_eq!(bench.state(ids[0]).await, OutboxState::Read, "whatever comes last");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_uses_up_nothing_of_the_pace() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        // More than a customer may get at once, none of which may leave.
        let closed = bench.session(&channel, bench.test.now()).await;
        let mut last = None;
        for _ in 0..60 {
            last = Some(bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, closed, &text("late"))).await);
        }
        let running = bench.start("one");
        bench.until_state(last.unwrap(), OutboxState::Suppressed).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("in time"))).await;
        bench.until_state(id, OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, ["in time"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_answer_holds_up_no_other_customer() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let window = bench.test.now().plus(time::DAY);
        bench.faults(json!({ "graph_hang_after_accept": 1 })).await;
        let running = bench.start("one");
        let slow = bench.session(&channel, window).await;
        let slow = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, slow, &text("slow"))).await;
        bench.until_state(slow, OutboxState::Submitting).await;
        until("it has arrived", async || bench.whatsapp_texts().await == ["slow"]).await;
        let session = bench.session(&channel, window).await;
        for number in 0..40 {
            let content = text(&format!("quick {number}"));
            bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &content)).await;
        }
        until("the others go out", async || bench.whatsapp_texts().await.len() == 41).await;
        assert_eq!(bench.state(slow).await, OutboxState::Submitting, "{}: still waiting", bench.test.engine);
        // Its answer never comes; its status, with our own id, does.
        let wamid = wamid_of(&bench, slow).await;
        let callback = slow.to_string();
        let delivered = json!({ "id": wamid, "status": "delivered", "timestamp": "1795453300",
            "biz_opaque_callback_data": callback });
        status(&bench, &channel, delivered).await;
        assert_eq!(bench.state(slow).await, OutboxState::Delivered);
        drop(running);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_leaves_doubt_is_unknown_never_repeated_and_resolved_by_a_status() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        bench.faults(json!({ "graph_error_after_accept": 1 })).await;
        let doubtful = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("doubtful"))).await;
        let next = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("next"))).await;
        let running = bench.start("one");
        bench.until_state(next, OutboxState::Accepted).await;
        assert_eq!(bench.state(doubtful).await, OutboxState::Unknown, "{}", bench.test.engine);
        bench.test.clock.advance(time::HOUR);
        let last = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("last"))).await;
        bench.until_state(last, OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, ["doubtful", "next", "last"]);
        let wamid = wamid_of(&bench, doubtful).await;
        let read = json!({ "id": wamid, "status": "read", "timestamp": "1795453300",
            "biz_opaque_callback_data": doubtful.to_string() });
        status(&bench, &channel, read).await;
        assert_eq!(bench.state(doubtful).await, OutboxState::Read);
        running.shutdown().await;
    }
}

fn written_by_an_agent(id: MessageId, session_id: SessionId, channel_id: ChannelId, at: Timestamp) -> NewMessage {
    NewMessage {
        id,
        session_id,
        channel_id,
        direction: Direction::Outbound,
        author: AuthorKind::Agent,
        author_id: None,
        kind: MessageKind::Text,
        content: MessageContent::default(),
        text: "late".to_owned(),
        provider_id: None,
        client_id: None,
        at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapp_saying_the_window_is_closed_closes_it_here_unless_the_customer_wrote_since() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let (workspace_id, sent_at) = (bench.test.workspace_id(), bench.test.now());
        let closed = |id: MessageId| {
            json!({ "id": format!("wamid.{id}"), "status": "failed", "timestamp": "1795453300",
                "biz_opaque_callback_data": id.to_string(),
                "errors": [{ "code": 131_047, "title": "Re-engagement message" }] })
        };
        let running = bench.start("one");
        for (window, stays_open) in [
            (sent_at.plus(time::HOUR), false),
            // The window of a message that came after ours left.
            (sent_at.plus(time::DAY + time::MINUTE), true),
        ] {
            let session = bench.session(&channel, window).await;
            let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("late"))).await;
            let entry = written_by_an_agent(id, session, channel.id, sent_at);
            bench.write(move |tx| tx.insert_message(workspace_id, &entry)).await;
            bench.until_state(id, OutboxState::Accepted).await;
            status(&bench, &channel, closed(id)).await;
            status(&bench, &channel, closed(id)).await;
            assert_eq!(bench.state(id).await, OutboxState::Failed);
            let kept = bench.write(move |tx| tx.pending_replies(workspace_id, session)).await;
            assert_eq!(kept.iter().map(|reply| reply.content.text()).collect::<Vec<_>>(), ["late"], "it waits once");
            let reply = kept[0].id;
            assert!(bench.write(move |tx| tx.delete_pending_reply(workspace_id, reply)).await);
            status(&bench, &channel, closed(id)).await;
            let again = bench.write(move |tx| tx.pending_replies(workspace_id, session)).await;
            assert_eq!(again, [], "what was sent or discarded does not come back");
            assert_eq!(bench.failure(id).await, (Some("window_closed".to_owned()), Some("131047".to_owned())));
            let stored = bench.write(move |tx| tx.session_window(workspace_id, session)).await.unwrap();
            assert_eq!(stored > sent_at, stays_open, "{}", bench.test.engine);
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_taken_over_and_sent_with_their_values_and_an_image_is_uploaded() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        assert!(check_channel(&channel).await.unwrap().ok);
        let count = sync_templates(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        assert_eq!(count, 3, "{}", bench.test.engine);
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let template = Content::Template {
            name: "order_update".to_owned(),
            language: "en_US".to_owned(),
            parameters: vec!["Ann".to_owned(), "77".to_owned()],
            text: "Hi Ann, there is news about your order 77.".to_owned(),
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: None,
        };
        let media = segue_store::media::NewMedia {
            id: bench.test.ctx.id(),
            mime: "image/png".to_owned(),
            file_name: None,
            data: b"\x89PNG\r\n\x1a\nnot really".to_vec(),
        };
        let image = Content::Image { media_id: media.id, caption: Some("Look".to_owned()) };
        let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
        bench.write(move |tx| tx.insert_media(workspace_id, &media, now)).await;
        let running = bench.start("one");
        for content in [template, image] {
            let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &content)).await;
            bench.until_state(id, OutboxState::Accepted).await;
        }
        let kinds: Vec<Value> =
            bench.ledger("wa_accepted").await.into_iter().map(|entry| entry["type"].clone()).collect();
        assert_eq!(kinds, [json!("template"), json!("image")]);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_file_is_fetched_once_and_a_changed_one_is_refused() {
    use segue_channels::whatsapp::{GraphClient, GraphConfig};
    use segue_store::media::{FilePresence, RemoteMedia, fingerprint};
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let mut config = GraphConfig::new("v26.0", "sandbox-token", "106540352242922", "102290129340398");
        config.base_url.clone_from(&bench.sandbox.graph_base_url);
        let file = b"\x89PNG\r\n\x1a\nnot really".to_vec();
        let provider_id =
            GraphClient::new(config).unwrap().upload_media("image/png", "cat.png", file.clone()).await.unwrap();
        let workspace_id = bench.test.workspace_id();
        let receive = async |sha256: Vec<u8>| {
            let media = RemoteMedia {
                id: bench.test.ctx.id(),
                channel_id: channel.id,
                provider_id: provider_id.clone(),
                mime: "image/png".to_owned(),
                file_name: None,
                sha256,
            };
            let (ctx, id) = (bench.test.ctx.clone(), media.id);
            bench.write(move |tx| tx.insert_remote_media(workspace_id, &media, &ctx)).await;
            id
        };
        let files = &segue_delivery::Files::in_database(bench.test.store.clone(), bench.test.ctx.clone());
        let good = receive(fingerprint(&file)).await;
        for _ in 0..2 {
            segue_delivery::fetch_media(files, workspace_id, good).await.unwrap();
        }
        let data = bench.write(move |tx| tx.media_data(workspace_id, good)).await;
        assert_eq!(data.as_deref(), Some(file.as_slice()), "{}", bench.test.engine);

        let changed = receive(fingerprint(b"another")).await;
        let refused = segue_delivery::fetch_media(files, workspace_id, changed).await.unwrap_err();
        assert_eq!(refused.code(), "media_failed");
        let media = bench.write(move |tx| tx.media(workspace_id, changed)).await.unwrap();
        assert_eq!(media.presence, FilePresence::Failed, "{}", bench.test.engine);
        assert!(media.failure.unwrap().contains("checksum"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_writing_are_shown_to_the_customer() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let wamid = bench.ledger("wa_inbound").await[0]["wamid"].as_str().unwrap().to_owned();
        segue_delivery::mark_read(&channel, &wamid, segue_delivery::Typing::Show).await.unwrap();
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let url = format!("http://{}/sandbox/v1/handsets/{}/chats", bench.sandbox.http_addr, &CUSTOMER[1..]);
        let chats: Value = client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(chats["chats"][0]["typing"], json!(true), "{}", bench.test.engine);
        let sms = bench.sms().await;
        let refused = segue_delivery::mark_read(&sms, &wamid, segue_delivery::Typing::Hide).await.unwrap_err();
        assert_eq!(refused.code(), "not_whatsapp");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_in_an_answer_is_kept_of_who_was_answered_and_of_who_got_a_campaign() {
    static IDS: Sql = Sql::portable(
        "IDS",
        "SELECT value FROM messaging_identifiers WHERE workspace_id = $1 AND kind = 'wa_id' ORDER BY value",
    );
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        // WhatsApp has both numbers without the nine.
        for known in ["+551199990000", "+552199990000"] {
            at_sandbox(&bench, "handsets", &json!({ "phone": known }), false).await;
        }
        let message = json!({ "type": "text", "text": "Oi" });
        at_sandbox(&bench, "handsets/551199990000/chats/15550783881/messages", &message, false).await;
        let (answered, reached) = ("+5511999990000", "+5521999990000");
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        bench.known_at(session, answered).await;
        let other = bench.session(&channel, bench.test.now()).await;
        bench.known_at(other, reached).await;

        let running = bench.start("one");
        let id = bench.enqueue(&bench.whatsapp_to(&channel, answered, session, &text("Olá"))).await;
        bench.until_state(id, OutboxState::Accepted).await;
        spring::templates(&bench, &channel, "UTILITY", (&["en"], false)).await;
        let campaign = spring::campaign(&bench, &channel, None).await;
        let id = spring::message(&bench, &channel, (campaign, None), (reached, 1, "en"), MessageClass::Service).await;
        bench.until_state(id, OutboxState::Accepted).await;
        let workspace_id = bench.test.workspace_id();
        let ids: Vec<String> = bench.write(move |tx| tx.query(&IDS, &[&workspace_id], |row| row.next())).await;
        assert_eq!(ids, ["551199990000", "552199990000"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_has_read_is_shown_to_the_customer_unless_it_is_long_ago() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let wamid = bench.ledger("wa_inbound").await[0]["wamid"].as_str().unwrap().to_owned();
        let session_id = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let (workspace_id, message_id, now) = (bench.test.workspace_id(), bench.test.ctx.id(), bench.test.now());
        let heard = NewMessage {
            direction: Direction::Inbound,
            author: AuthorKind::Customer,
            provider_id: Some(wamid.clone()),
            ..written_by_an_agent(message_id, session_id, channel.id, now)
        };
        bench.write(move |tx| tx.insert_message(workspace_id, &heard)).await;
        let show = async |shown, until| {
            let wanted = ShowCustomer { session_id, message_id, shown, until };
            segue_delivery::show_customer(&bench.test.store, &bench.test.ctx, workspace_id, wanted).await
        };
        show(Shown::Read, now.plus(-1)).await.unwrap();
        assert!(bench.ledger("wa_read").await.is_empty(), "{}: too late", bench.test.engine);
        show(Shown::Read, now).await.unwrap();
        let told = bench.ledger("wa_read").await;
        assert_eq!(told.len(), 1, "{}", bench.test.engine);
        assert_eq!(told[0]["wamid"], json!(wamid), "{}", bench.test.engine);
        assert_eq!(chat(&bench).await["typing"], json!(false), "{}", bench.test.engine);
        show(Shown::Typing, now).await.unwrap();
        assert_eq!(chat(&bench).await["typing"], json!(true), "{}", bench.test.engine);
    }
}

/// The customer's chat with the business, as the phone shows it.
async fn chat(bench: &Bench) -> Value {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("http://{}/sandbox/v1/handsets/{}/chats", bench.sandbox.http_addr, &CUSTOMER[1..]);
    let chats: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    chats["chats"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_would_refuse_for_certain_is_refused_here_in_words() {
    use segue_store::{outbox::AddressKind, template::ListedTemplate};
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        sync_templates(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let (workspace_id, channel_id, ctx) = (bench.test.workspace_id(), channel.id, bench.test.ctx.clone());
        let code = ListedTemplate {
            name: "one_time_code".to_owned(),
            language: "en_US".to_owned(),
            category: "AUTHENTICATION".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([{ "type": "BODY", "text": "Your code is {{1}}." }]),
            ..ListedTemplate::default()
        };
        let running = bench.start("one");
        // The number's worker takes the templates over once when it starts; this one is added after that.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        bench.write(move |tx| tx.replace_templates(workspace_id, channel_id, std::slice::from_ref(&code), &ctx)).await;
        let template = |parameters: &[&str]| Content::Template {
            name: "one_time_code".to_owned(),
            language: "en_US".to_owned(),
            parameters: parameters.iter().map(|value| (*value).to_owned()).collect(),
            text: "Your code is 1.".to_owned(),
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: None,
        };
        let mut hidden = bench.whatsapp_to(&channel, "US.13491208655302741918", session, &template(&["1"]));
        hidden.address_kind = AddressKind::Bsuid;
        let short = bench.whatsapp_to(&channel, CUSTOMER, session, &template(&[]));
        for (message, words) in
            [(hidden, "Ask the customer for the phone number."), (short, "takes 1 values and 0 were given")]
        {
            let id = bench.enqueue(&message).await;
            bench.until_state(id, OutboxState::Failed).await;
            let reason = bench.write(move |tx| {
                static REASON: segue_store::Sql = segue_store::Sql::portable(
                    "REASON",
                    "SELECT error_reason FROM outbox WHERE workspace_id = $1 AND id = $2",
                );
                tx.query_one(&REASON, &[&workspace_id, &id], |row| row.next::<String>())
            });
            let reason = reason.await;
            assert!(reason.contains(words), "{}: {reason}", bench.test.engine);
        }
        assert!(bench.ledger("wa_accepted").await.is_empty(), "nothing was sent");
        running.shutdown().await;
    }
}

/// The channel with another token from now on.
async fn with_token(bench: &Bench, channel: &Channel, token: &str) -> Channel {
    let mut changed = channel.clone();
    let ChannelConfig::WhatsApp(config) = &mut changed.config else { panic!("a number of WhatsApp") };
    config.access_token = token.to_owned();
    let row = changed.clone();
    bench.write(move |tx| tx.upsert_channel(&row)).await;
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_valid_stops_the_channel_tells_why_and_keeps_the_queue() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let channel = with_token(&bench, &channel, "expired-token").await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let wanted: Vec<String> = (0..20).map(|number| format!("kept {number}")).collect();
        let mut ids = Vec::new();
        for words in &wanted {
            ids.push(bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text(words))).await);
        }
        let (workspace_id, channel_id, engine) = (bench.test.workspace_id(), channel.id, bench.test.engine);
        let state = async || bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();

        let running = bench.start("one");
        until("the channel is broken", async || state().await.state == ChannelState::Error).await;
        until("one was refused", async || bench.failure(ids[0]).await.0.is_some()).await;
        assert_eq!(
            bench.failure(ids[0]).await,
            (Some("authentication".to_owned()), Some("190".to_owned())),
            "{engine}"
        );
        running.shutdown().await;
        let detail = state().await.state_detail.unwrap();
        assert!(detail.starts_with("The access token") && !detail.contains("expired-token"), "{detail}");
        let events = bench.write(move |tx| tx.events_since(workspace_id, 0, 1_000)).await;
        assert!(events.iter().any(|event| event.kind == "channel.updated"), "{engine}: the screens are told");
        for id in &ids {
            assert_eq!(bench.state(*id).await, OutboxState::Queued, "{engine}");
        }
        assert_eq!(bench.failure(ids[19]).await, (None, None), "{engine}: not even tried");
        assert_eq!(bench.whatsapp_texts().await, Vec::<String>::new());

        with_token(&bench, &channel, "sandbox-token").await;
        bench.test.clock.advance(time::HOUR);
        let running = bench.start("two");
        bench.until_state(ids[19], OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, wanted, "{engine}: everything once, in order");
        until("the channel is well", async || state().await.state == ChannelState::Connected).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_told_to_slow_down_loses_nothing_and_sends_nothing_twice() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let window = bench.test.now().plus(time::DAY);
        bench.faults(json!({ "graph_error": { "code": 130_429, "times": 25 } })).await;
        let mut ids = Vec::new();
        let mut wanted = Vec::new();
        for customer in 0..30 {
            let session = bench.session(&channel, window).await;
            let address = format!("+1555019{customer:02}");
            for part in 0..4 {
                wanted.push(format!("{address} part {part}"));
                let content = text(wanted.last().unwrap());
                ids.push(bench.enqueue(&bench.whatsapp_to(&channel, &address, session, &content)).await);
            }
        }
        let running = bench.start("one");
        until("all have gone out", async || {
            // The waits are by this clock; in small steps, so that no lease runs out under a request.
            bench.test.clock.advance(500);
            bench.ledger("wa_accepted").await.len() >= wanted.len()
        })
        .await;
        for id in &ids {
            bench.until_state(*id, OutboxState::Accepted).await;
        }
        let texts = bench.whatsapp_texts().await;
        for customer in wanted.chunks(4) {
            let of_customer: Vec<_> = texts.iter().filter(|words| words.starts_with(&customer[0][..10])).collect();
            assert_eq!(of_customer, customer.iter().collect::<Vec<_>>(), "{}: once, in order", bench.test.engine);
        }
        assert_eq!(texts.len(), wanted.len());
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_a_message_that_is_not_ours_is_kept_and_changes_nothing() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        customer_writes(&bench).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let id = bench.enqueue(&bench.whatsapp_to(&channel, CUSTOMER, session, &text("ours"))).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        let (workspace_id, channel_id, engine) = (bench.test.workspace_id(), channel.id, bench.test.engine);
        // That the channel is well is told on its own, and on PostgreSQL perhaps later than everything else.
        until("the channel is well", async || {
            let found = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await;
            found.is_some_and(|found| found.state == ChannelState::Connected)
        })
        .await;
        running.shutdown().await;
        let newest = async || bench.write(move |tx| tx.event_bounds(workspace_id)).await.1;
        let before = newest().await;
        for word in ["sent", "delivered", "read", "failed", "failed"] {
            // Of another program on the same number, to the same customer.
            let mut strange = json!({ "id": "wamid.strange", "status": word, "timestamp": "1795453300",
                "recipient_id": &CUSTOMER[1..], "biz_opaque_callback_data": "order 77" });
            if word == "failed" {
                strange["errors"] = json!([{ "code": 131_026, "title": "Undeliverable" }]);
            }
            status(&bench, &channel, strange).await;
        }
        assert_eq!(bench.state(id).await, OutboxState::Accepted, "{engine}");
        assert_eq!(bench.failure(id).await, (None, None), "{engine}");
        let heard = bench.write(move |tx| tx.events_since(workspace_id, before, 10)).await;
        let heard: Vec<_> = heard.iter().map(|event| (&event.kind, &event.data)).collect();
        assert!(heard.is_empty(), "{engine}: no screen hears of it: {heard:?}");
        let parked = async || bench.write(move |tx| tx.count_parked_reports(workspace_id, channel_id)).await;
        assert!(parked().await > 0, "{engine}: kept, in case its answer is still on the way");
        // Ours goes on as if nothing had been.
        let wamid = wamid_of(&bench, id).await;
        status(&bench, &channel, json!({ "id": wamid, "status": "read", "timestamp": "1795453301" })).await;
        assert_eq!(bench.state(id).await, OutboxState::Read, "{engine}");
        let later = bench.test.now().plus(time::DAY * 30);
        bench.write(move |tx| tx.delete_parked_reports(workspace_id, later)).await;
        assert_eq!(parked().await, 0, "{engine}: and after its time it goes");
    }
}
