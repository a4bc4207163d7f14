//! Messages with files: what may leave at the last look, where the provider finds the files, and files that come in.

use segue_delivery::{
    DeliveryError, Files, fetch_media,
    file_address::{FileAddress, FilePurpose, key},
};
use segue_model::{MediaId, MessageId, content::SmsContent, delivery::OutboxState, sender::SenderKind};
use segue_store::{
    channel::{Channel, ChannelConfig, Repeats},
    media::{FilePresence, NewMedia, RemoteMedia},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    bench::{Bench, SENDER, benches, until},
    twilio::config,
};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\npicture";

/// A host that gives a picture to everybody, and notes what was asked for.
async fn host() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (told, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                PICTURE.len()
            );
            let is_get = request.starts_with("GET ");
            let _ = told.send(request);
            let _ = stream.write_all(head.as_bytes()).await;
            if is_get {
                let _ = stream.write_all(PICTURE).await;
            }
        }
    });
    (origin, asked)
}

/// An account at the sandbox whose webhooks come in at `origin`.
async fn account(bench: &Bench, origin: &str) -> Channel {
    let config = segue_store::channel::TwilioConfig {
        callback_base_url: origin.to_owned(),
        ..config(bench, Repeats::SentAgain)
    };
    let channel = bench.test.channel("http", ChannelConfig::Twilio(config)).await;
    bench.test.sender(channel.id, SENDER).await;
    channel
}

async fn picture(bench: &Bench) -> MediaId {
    let media =
        NewMedia { id: bench.test.ctx.id(), mime: "image/png".to_owned(), file_name: None, data: PICTURE.to_vec() };
    let (ws, now, id) = (bench.test.workspace_id(), bench.test.now(), media.id);
    bench.write(move |tx| tx.insert_media(ws, &media, now)).await;
    id
}

async fn enqueue(bench: &Bench, channel: &Channel, source: &str, address: &str, media: Vec<MediaId>) -> MessageId {
    let content = SmsContent { source: source.to_owned(), text: "Look".to_owned(), media };
    let payload = serde_json::to_value(content).unwrap();
    let message = segue_store::outbox::NewOutbox { payload: payload.into(), ..bench.sms_to(channel, address, "Look") };
    bench.enqueue(&message).await
}

async fn texts(bench: &Bench, handset: &str) -> Vec<Value> {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("http://{}/sandbox/v1/handsets/{handset}/sms", bench.sandbox.http_addr);
    let answer: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    answer["messages"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_gets_an_address_for_each_file_that_names_it_alone_and_ends() {
    for bench in benches().await {
        let (origin, mut asked) = host().await;
        let channel = account(&bench, &format!("{origin}/")).await;
        let files = vec![picture(&bench).await, picture(&bench).await];
        let id = enqueue(&bench, &channel, SENDER, "+15550110199", files.clone()).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        let arrived = texts(&bench, "15550110199").await;
        assert_eq!((arrived[0]["media"].as_array().map(Vec::len), &arrived[0]["text"]), (Some(2), &json!("Look")));
        let secret = key(&bench.test.store, &bench.test.ctx).await.unwrap();
        let mut named = Vec::new();
        while let Ok(request) = asked.try_recv() {
            assert!(!request.to_ascii_lowercase().contains("authorization"), "nothing secret goes to a file's host");
            let path = request.split(' ').nth(1).unwrap().to_owned();
            if path.starts_with("/webhooks/") {
                continue;
            }
            let token = path.strip_prefix("/f/").unwrap_or_else(|| panic!("no address of a file: {path}"));
            let now = bench.test.now();
            let (address, left) = FileAddress::read(token, &secret, now).expect("signed here");
            assert_eq!((address.workspace_id, address.purpose), (bench.test.workspace_id(), FilePurpose::Carrier));
            assert!((10 * 3_600..=12 * 3_600).contains(&left), "for as long as the provider may try: {left}");
            if request.starts_with("GET ") {
                named.push(address.media_id);
            }
        }
        assert_eq!(named, files, "{}: in their order", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_no_answer_is_unknown_with_files_too_and_never_repeated() {
    for bench in benches().await {
        let (origin, _asked) = host().await;
        let channel = account(&bench, &origin).await;
        bench.faults(json!({ "twilio_error_after_accept": 1 })).await;
        let file = picture(&bench).await;
        let id = enqueue(&bench, &channel, SENDER, "+15550110199", vec![file]).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Unknown).await;
        let after = enqueue(&bench, &channel, SENDER, "+15550110198", vec![file]).await;
        bench.until_state(after, OutboxState::Accepted).await;
        assert_eq!(texts(&bench, "15550110199").await.len(), 1, "{}: once", bench.test.engine);
        assert_eq!(bench.state(id).await, OutboxState::Unknown);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_look_lets_no_file_leave_where_it_cannot() {
    for bench in benches().await {
        let (origin, _asked) = host().await;
        let channel = account(&bench, &origin).await;
        let texts_alone = bench.sms().await;
        bench.faults(json!({ "receipts": "none" })).await;
        let name = bench.test.sender_of_kind(channel.id, SenderKind::Alphanumeric, "ACME").await.address;
        let german = bench.test.sender(channel.id, "+491701234567").await.address;
        let file = picture(&bench).await;
        let gone = picture(&bench).await;
        let ws = bench.test.workspace_id();
        bench.write(move |tx| tx.empty_media(ws, gone, "It was removed.")).await;
        let mut held = Vec::new();
        for (channel, source, to, media) in [
            (&texts_alone, SENDER, "+15550110101", vec![file]),
            (&channel, name.as_str(), "+491701234568", vec![file]),
            (&channel, german.as_str(), "+491701234569", vec![file]),
            (&channel, SENDER, "+15550110104", vec![file, gone]),
            (&channel, SENDER, "+15550110105", vec![bench.test.ctx.id()]),
        ] {
            held.push((to, enqueue(&bench, channel, source, to, media).await));
        }
        // A text from the same number does go there.
        let text = bench.enqueue(&bench.sms_to(&texts_alone, "+15550110101", "Hello")).await;
        let running = bench.start("one");
        bench.until_state(text, OutboxState::Accepted).await;
        for (to, id) in held {
            bench.until_state(id, OutboxState::Suppressed).await;
            assert_eq!(bench.rule(id).await.as_deref(), Some("sender_not_allowed"), "{}: {to}", bench.test.engine);
        }
        assert_eq!(bench.sms_texts().await, ["Hello"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_files_takes_no_second_way_that_carries_texts_alone() {
    for bench in benches().await {
        let (origin, _asked) = host().await;
        let channel = account(&bench, &origin).await;
        let texts_alone = bench.sms().await;
        let ws = bench.test.workspace_id();
        let second = bench.test.sender(texts_alone.id, "+15550102").await;
        let (first, to) = (channel.id, second.id);
        let linked = bench.write(move |tx| {
            let senders = tx.senders(ws)?;
            let from = senders.iter().find(|sender| sender.channel_id == first).unwrap().id;
            tx.set_fallback(ws, from, Some(to), Some(60))
        });
        assert!(linked.await);
        bench.faults(json!({ "receipts": "none", "twilio_error": { "code": 21606, "times": 2 } })).await;
        let file = picture(&bench).await;
        let with_file = enqueue(&bench, &channel, SENDER, "+15550110101", vec![file]).await;
        let running = bench.start("one");
        bench.until_state(with_file, OutboxState::Failed).await;
        let text = bench.enqueue(&bench.sms_to(&channel, "+15550110102", "moved")).await;
        bench.until_state(text, OutboxState::Accepted).await;
        assert_eq!(bench.sms_texts().await, ["moved"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

async fn named(bench: &Bench, channel: &Channel, url: &str) -> MediaId {
    let media = RemoteMedia {
        id: bench.test.ctx.id(),
        channel_id: channel.id,
        provider_id: url.to_owned(),
        // What the provider claims counts for nothing.
        mime: "text/html".to_owned(),
        file_name: None,
        sha256: Vec::new(),
    };
    let (ctx, ws, id) = (bench.test.ctx.clone(), channel.workspace_id, media.id);
    bench.write(move |tx| tx.insert_remote_media(ws, &media, &ctx)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_came_in_is_fetched_from_the_provider_alone_and_again_when_it_fails() {
    for bench in benches().await {
        let channel = account(&bench, "http://127.0.0.1:9").await;
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let sandbox = format!("http://{}", bench.sandbox.http_addr);
        // The number has to have sent something before the sandbox knows where its texts go.
        let (origin, mut asked) = host().await;
        let (ws, files) = (channel.workspace_id, Files::in_database(bench.test.store.clone(), bench.test.ctx.clone()));
        let stolen = named(&bench, &channel, &format!("{origin}/ME1")).await;
        let refused = fetch_media(&files, ws, stolen).await.unwrap_err();
        assert!(matches!(refused, DeliveryError::TextFile(_)), "{refused}");
        assert!(asked.try_recv().is_err(), "the account's token went nowhere else");
        let media = bench.write(move |tx| tx.media(ws, stolen)).await.unwrap();
        assert_eq!(media.presence, FilePresence::Failed);
        assert!(media.failure.unwrap().contains("own address"), "{}", bench.test.engine);

        let text = bench.enqueue(&bench.sms_to(&channel, "+15550110150", "Hi")).await;
        let running = bench.start("one");
        bench.until_state(text, OutboxState::Accepted).await;
        let inbound = json!({ "inbound_url": "http://127.0.0.1:9/inbound" });
        client.post(format!("{sandbox}/sandbox/v1/twilio")).json(&inbound).send().await.unwrap();
        use base64::Engine as _;
        let picture = base64::engine::general_purpose::STANDARD.encode(PICTURE);
        let sms = json!({ "to": SENDER, "media": [{ "mime": "image/png", "media_base64": picture }] });
        let sent =
            client.post(format!("{sandbox}/sandbox/v1/handsets/15550110150/sms")).json(&sms).send().await.unwrap();
        assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
        until("the phone shows it", async || texts(&bench, "15550110150").await.len() == 2).await;
        let shown = texts(&bench, "15550110150").await;
        let at = shown[1]["media"][0]["id"].as_str().unwrap();
        let url = format!("{sandbox}/2010-04-01/Accounts/AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d/Messages/MM1/Media/{at}");
        let file = named(&bench, &channel, &url).await;
        bench.faults(json!({ "twilio_media_error": 1 })).await;
        assert!(fetch_media(&files, ws, file).await.is_err());
        assert_eq!(bench.write(move |tx| tx.media(ws, file)).await.unwrap().presence, FilePresence::Failed);
        for _ in 0..2 {
            fetch_media(&files, ws, file).await.unwrap();
        }
        let (stored, bytes) = files.read(ws, file).await.unwrap().expect("it is here");
        assert_eq!(
            (stored.mime.as_str(), bytes.as_slice()),
            ("image/png", PICTURE),
            "{}: by its bytes",
            bench.test.engine
        );
        running.shutdown().await;
    }
}
