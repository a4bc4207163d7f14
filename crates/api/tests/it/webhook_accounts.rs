//! What Meta tells of templates, accounts and numbers: it reaches the channels whose business it is, and no others.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_channels::whatsapp::signature::sign;
use segue_model::{MessageId, delivery::MessageClass};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, ChannelState},
    outbox::{AddressKind, NewOutbox},
    template::{APPROVED, ListedTemplate},
};
use serde_json::{Value, json};

use crate::support::{Server, servers};

const ACCOUNT: &str = "102290129340398";
const OTHER_ACCOUNT: &str = "200000000000002";

/// A webhook of an account, with Meta's time of it in seconds.
fn told(account: &str, time: i64, field: &str, value: &Value) -> Vec<u8> {
    let entry = json!({"id": account, "time": time, "changes": [{"field": field, "value": value}]});
    serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [entry]})).unwrap()
}

fn template_status(account: &str, time: i64, event: &str) -> Vec<u8> {
    let value = json!({"event": event, "message_template_id": 7, "message_template_name": "spring",
        "message_template_language": "en"});
    told(account, time, "message_template_status_update", &value)
}

async fn deliver(server: &Server, channel: &Channel, body: &[u8]) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/webhooks/whatsapp/{}", channel.id))
        .header("x-hub-signature-256", sign(b"app-secret", body))
        .body(Body::from(body.to_vec()))
        .unwrap();
    assert_eq!(server.send(request).await.status, StatusCode::OK);
}

/// A server that works on webhooks at once, with three numbers behind one app: two of one account, one of another. Each
/// has the approved template `spring`.
async fn scene(mut server: Server) -> (Server, [Channel; 3]) {
    server.state = server.state.clone().working_at_once_from(server.test.ctx.now());
    server.router = segue_api::router(server.state.clone());
    let first = server.test.whatsapp_channel("one", "http://127.0.0.1:1").await;
    let ChannelConfig::WhatsApp(config) = first.config.clone() else { panic!() };
    let mut channels = vec![first];
    for (slug, account, number) in [("two", ACCOUNT, "15550100222"), ("three", OTHER_ACCOUNT, "15550100333")] {
        let mut config = config.clone();
        account.clone_into(&mut config.waba_id);
        config.phone_number_id = format!("id of {number}");
        number.clone_into(&mut config.display_phone_number);
        channels.push(server.test.channel(slug, ChannelConfig::WhatsApp(config)).await);
    }
    for channel in &channels {
        let (workspace_id, channel_id, ctx) = (channel.workspace_id, channel.id, server.test.ctx.clone());
        let listed = ListedTemplate {
            name: "spring".to_owned(),
            language: "en".to_owned(),
            category: "MARKETING".to_owned(),
            status: APPROVED.to_owned(),
            components: json!([{"type": "BODY", "text": "Spring is here"}]),
            ..ListedTemplate::default()
        };
        let write = server.test.store.write::<_, StoreError, _>(move |tx| {
            tx.replace_templates(workspace_id, channel_id, std::slice::from_ref(&listed), &ctx)
        });
        write.await.unwrap();
    }
    (server, channels.try_into().unwrap())
}

/// State of the template at each channel.
async fn statuses(server: &Server, channels: &[Channel; 3]) -> Vec<String> {
    let (workspace_id, ids) = (server.workspace_id(), channels.each_ref().map(|channel| channel.id));
    let read = server.test.store.read::<_, StoreError, _>(move |tx| tx.templates(workspace_id)).await.unwrap();
    let of = |id| read.iter().find(|template| template.channel_id == id).unwrap().status.clone();
    ids.into_iter().map(of).collect()
}

async fn notices(server: &Server, channel: &Channel) -> Vec<String> {
    let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
    let read =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.channel_notices(workspace_id, channel_id, None, 50));
    read.await.unwrap().into_iter().map(|notice| notice.text).collect()
}

#[tokio::test]
async fn a_template_may_be_paused_and_approved_any_number_of_times() {
    for server in servers().await {
        let (server, channels) = scene(server).await;
        let decisions = [(1, "APPROVED"), (2, "PAUSED"), (3, "APPROVED"), (4, "PAUSED"), (4, "PAUSED")];
        for (time, event) in decisions {
            deliver(&server, &channels[0], &template_status(ACCOUNT, time, event)).await;
            assert_eq!(statuses(&server, &channels).await[0], event, "{} {time}", server.test.engine);
        }
    }
}

#[tokio::test]
async fn a_decision_holds_at_every_number_of_its_account_and_at_no_other() {
    for server in servers().await {
        let (server, channels) = scene(server).await;
        deliver(&server, &channels[0], &template_status(ACCOUNT, 1, "PAUSED")).await;
        assert_eq!(statuses(&server, &channels).await, ["PAUSED", "PAUSED", "APPROVED"], "{}", server.test.engine);
        // The app has one address; what it tells of another account comes there, too.
        deliver(&server, &channels[0], &template_status(OTHER_ACCOUNT, 2, "DISABLED")).await;
        assert_eq!(statuses(&server, &channels).await, ["PAUSED", "PAUSED", "DISABLED"], "{}", server.test.engine);
        deliver(&server, &channels[0], &template_status("9", 3, "APPROVED")).await;
        assert_eq!(statuses(&server, &channels).await, ["PAUSED", "PAUSED", "DISABLED"], "{}", server.test.engine);
        let told = notices(&server, &channels[0]).await;
        assert!(told.iter().any(|text| text.contains("business account 9")), "{told:?}");
    }
}

#[tokio::test]
async fn a_ban_stops_the_numbers_of_its_account_and_a_flag_one_number() {
    for server in servers().await {
        let (server, channels) = scene(server).await;
        let workspace_id = server.workspace_id();
        let flagged = json!({"display_phone_number": "+1 555-010-0222", "event": "FLAGGED"});
        deliver(&server, &channels[0], &told(ACCOUNT, 1, "phone_number_quality_update", &flagged)).await;
        let ids = channels.each_ref().map(|channel| channel.id);
        let braked = server.test.store.read::<_, StoreError, _>(move |tx| {
            ids.into_iter().map(|id| Ok(!tx.brakes(workspace_id, id)?.is_empty())).collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(braked.await.unwrap(), [false, true, false], "{}", server.test.engine);
        assert!(notices(&server, &channels[0]).await.is_empty(), "{}", server.test.engine);

        let ban = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}});
        let second = server.test.now().0 / 1_000;
        deliver(&server, &channels[2], &told(ACCOUNT, second, "account_update", &ban)).await;
        let read = server.test.store.read::<_, StoreError, _>(move |tx| tx.channels(workspace_id)).await.unwrap();
        let broken = |channel: &Channel| read.iter().any(|c| c.id == channel.id && c.state.as_str() == "error");
        assert_eq!(channels.each_ref().map(broken), [true, true, false], "{}", server.test.engine);
    }
}

#[tokio::test]
async fn a_refusal_and_its_end_in_one_webhook_leave_the_channel_well() {
    for server in servers().await {
        let (server, [channel, ..]) = scene(server).await;
        let (workspace_id, channel_id, now) = (server.workspace_id(), channel.id, server.test.now());
        let id: MessageId = server.test.ctx.id();
        let message = NewOutbox {
            id,
            channel_id,
            class: MessageClass::Service,
            dedupe_key: id.to_string(),
            address: "+12125550177".to_owned(),
            address_kind: AddressKind::Phone,
            payload: json!({ "type": "text", "text": "Hello" }).into(),
            campaign: None,
            session_id: None,
            not_before: now,
            expires_at: None,
            segments: None,
        };
        let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
            tx.set_channel_state(workspace_id, channel_id, ChannelState::Connected, None)?;
            tx.enqueue(workspace_id, &message, now)
        });
        assert!(stored.await.unwrap());
        let second = now.0 / 1_000;
        let failed = |second: i64| {
            json!({"id": "wamid.1", "status": "failed", "timestamp": second.to_string(), "recipient_id": "12125550177",
                "biz_opaque_callback_data": id.to_string(), "errors": [{"code": 131_042}]})
        };
        let sent = |second: i64| json!({"id": "wamid.2", "status": "sent", "timestamp": second.to_string(), "recipient_id": "12125550178"});
        let of = |statuses: &[Value]| {
            let number = json!({"display_phone_number": "15550783881", "phone_number_id": "106540352242922"});
            told(ACCOUNT, second, "messages", &json!({"metadata": number, "statuses": statuses}))
        };
        let seen = async || {
            let read = server.test.store.read::<_, StoreError, _>(move |tx| tx.channel(workspace_id, channel_id));
            let channel = read.await.unwrap().unwrap();
            (channel.state, channel.refusal.is_some())
        };
        deliver(&server, &channel, &of(&[failed(second)])).await;
        assert_eq!(seen().await, (ChannelState::Error, true), "{}", server.test.engine);
        deliver(&server, &channel, &of(&[sent(second + 1)])).await;
        assert_eq!(seen().await, (ChannelState::Connected, false), "{}", server.test.engine);
        // Others than before: what came already is a repeat.
        let (mut again, mut other) = (failed(second + 2), sent(second + 7));
        (again["id"], other["id"]) = (json!("wamid.3"), json!("wamid.4"));
        deliver(&server, &channel, &of(&[again, other])).await;
        assert_eq!(seen().await, (ChannelState::Connected, false), "{}", server.test.engine);
    }
}
