//! Pictures and files of texts: who uploads them, who reads them, and what a provider gets without a login.

use http::{Method, StatusCode};
use segue_api::ApiConfig;
use segue_delivery::file_address::{FileAddress, FilePurpose, key};
use segue_model::{ContactId, MediaId, role::Role};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, TwilioConfig},
    inbound_text::NewInboundText,
    text_file::NamedFile,
};
use serde_json::{Value, json};

use crate::support::{Server, form, get, request, servers, with, with_key};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const FROM: &str = "+15550100999";
const TO: &str = "+15550110001";

/// An account in Twilio's dialect with a number that carries files; gives the sender's id.
pub async fn carrier(server: &Server) -> (Channel, Value) {
    let config = TwilioConfig {
        base_url: "http://127.0.0.1:1".to_owned(),
        account_sid: "AC1".to_owned(),
        auth_token: "token".to_owned(),
        secondary_auth_token: String::new(),
        messaging_service_sid: String::new(),
        callback_base_url: "https://segue.example.com".to_owned(),
        segments_per_second: 1,
        repeats: segue_store::channel::Repeats::SentAgain,
    };
    let channel = server.test.channel("http", ChannelConfig::Twilio(config)).await;
    let sender = server.test.sender(channel.id, FROM).await;
    (channel, json!(sender.id))
}

async fn upload(server: &Server, key: &str, name: &str, data: &[u8]) -> crate::support::Answer {
    server.send(with_key(form("/api/v1/text-files", name, data, "xyz"), key)).await
}

async fn uploaded(server: &Server, key: &str) -> Value {
    let answer = upload(server, key, "a.png", PNG).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].clone()
}

#[tokio::test]
async fn a_marketer_sends_a_picture_and_sees_it_again() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let (_, sender) = carrier(&server).await;
        let file = uploaded(&server, &key).await;
        let message = json!({ "sender_id": sender, "phone": TO, "media": [file] });
        let sent = server.post(&key, "/api/v1/messages", &message).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
        assert_eq!(sent.json()["media"], json!([file]), "{}", server.test.engine);
        let draft = json!({ "name": "Spring", "sender_id": sender, "audience": {}, "footer": "none", "media": [file] });
        let made = server.post(&key, "/api/v1/campaigns", &draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let one = format!("/api/v1/campaigns/{}", made.json()["id"].as_str().unwrap());
        let listed = server.get(&key, &format!("{one}/media")).await.json();
        assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["mime"]), (&file, &json!("image/png")));
        let path = format!("/api/v1/text-files/{}", file.as_str().unwrap());
        let seen = server.get(&key, &path).await;
        assert_eq!((seen.status, seen.body.as_slice()), (StatusCode::OK, PNG));
        assert!(seen.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        let cleared = server.patch(&key, &one, &json!({ "media": [], "body": "Text" })).await;
        assert_eq!(cleared.json()["media"], json!([]), "{}", cleared.text());

        let agent = server.key(Role::Agent).await;
        assert_eq!(upload(&server, &agent, "a.png", PNG).await.status, StatusCode::FORBIDDEN);
        for path in [&path, &format!("{one}/media")] {
            assert_eq!(server.get(&agent, path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        // A file of conversations is none of a marketer's business.
        let of_agent =
            server.send(with_key(form("/api/v1/media", "a.png", PNG, "xyz"), &agent)).await.json()["id"].clone();
        let stolen = json!({ "sender_id": sender, "phone": TO, "media": [of_agent] });
        assert_eq!(server.post(&key, "/api/v1/messages", &stolen).await.code(), "not_visible");
        let stolen = server.patch(&key, &one, &json!({ "media": [of_agent] })).await;
        assert_eq!(stolen.code(), "not_visible", "{}", server.test.engine);
        let path = format!("/api/v1/text-files/{}", of_agent.as_str().unwrap());
        assert_eq!(server.get(&key, &path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn what_carriers_do_not_take_is_refused_in_words() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let mut large = PNG.to_vec();
        large.resize((5 << 20) + 1, 0);
        for (name, data, code) in [
            ("a.png", b"".as_slice(), "invalid"),
            ("a.png", b"<svg onload=alert(1)>", "unsupported_file"),
            ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "unsupported_file"),
            ("a.png", &large, "too_large"),
        ] {
            let refused = upload(&server, &key, name, data).await;
            assert!(refused.status.is_client_error(), "{code}: {}", refused.status);
            assert_eq!(refused.code(), code, "{}: {}", server.test.engine, refused.text());
        }
        assert_eq!(upload(&server, &key, "a.gif", b"GIF89a").await.json()["mime"], "image/gif", "unlike WhatsApp");
    }
}

/// A text with one file from `phone`; gives the file's id.
async fn texted(server: &Server, channel: &Channel, phone: &'static str) -> MediaId {
    let (ws, ctx, channel_id) = (server.workspace_id(), server.test.ctx.clone(), channel.id);
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
        let text = NewInboundText {
            id: ctx.id(),
            channel_id,
            sender: FROM,
            address: phone,
            text: "look",
            outcome: "none",
            received_at: ctx.now(),
            files: 1,
        };
        tx.keep_text(ws, &text)?;
        let file = NamedFile { url: "http://127.0.0.1:1/ME1".to_owned(), mime: "image/png".to_owned() };
        tx.receive_text_files(ws, (text.id, channel_id), &[file], &ctx)?;
        Ok(tx.texts_from(ws, phone, None, 1)?[0].files[0].id)
    });
    stored.await.unwrap()
}

#[tokio::test]
async fn who_reads_a_contact_reads_the_pictures_it_texted_and_no_others() {
    for server in servers().await {
        let (channel, _) = carrier(&server).await;
        let (ann, bob): (ContactId, ContactId) =
            (server.test.contact(TO, "Ann").await, server.test.contact("+15550110002", "Bob").await);
        let file = texted(&server, &channel, TO).await;
        let key = server.key(Role::Agent).await;
        let texts = server.get(&key, &format!("/api/v1/contacts/{ann}/texts")).await.json();
        assert_eq!(texts["data"][0]["files"][0]["presence"], "pending", "{texts}");
        let path = format!("/api/v1/contacts/{ann}/text-files/{file}");
        assert_eq!(server.get(&key, &path).await.code(), "media_pending");
        let ws = server.workspace_id();
        let write =
            |change: fn(&mut segue_store::Tx<'_>, segue_model::WorkspaceId, MediaId) -> Result<(), StoreError>| {
                server.test.store.write::<_, StoreError, _>(move |tx| change(tx, ws, file))
            };
        write(|tx, ws, file| tx.fail_media(ws, file, "The provider could not be reached.")).await.unwrap();
        assert_eq!(server.get(&key, &path).await.code(), "media_failed");
        let again = server.send(with_key(request(Method::POST, &format!("{path}/fetch")), &key)).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT, "{}", again.text());
        assert_eq!(server.get(&key, &path).await.code(), "media_pending", "it is asked for once more");
        write(|tx, ws, file| tx.store_media(ws, file, "image/png", PNG).map(drop)).await.unwrap();
        let seen = server.get(&key, &path).await;
        assert_eq!((seen.status, seen.body.as_slice()), (StatusCode::OK, PNG), "{}", server.test.engine);
        assert!(seen.header("content-security-policy").starts_with("sandbox; default-src 'none'"));

        let marketer = server.key(Role::Marketer).await;
        let (_, sender) = (1, server.get(&marketer, "/api/v1/senders").await.json()["data"][0]["id"].clone());
        let passed_on = json!({ "sender_id": sender, "phone": TO, "media": [file] });
        assert_eq!(server.post(&marketer, "/api/v1/messages", &passed_on).await.code(), "not_visible");
        let b = crate::sample::sample(&server, "b").await;
        for (who, path) in [
            (&key, format!("/api/v1/contacts/{bob}/text-files/{file}")),
            (&marketer, format!("/api/v1/text-files/{file}")),
            (&b.key, path.clone()),
            (&b.key, format!("/api/v1/text-files/{file}")),
        ] {
            assert_eq!(server.get(who, &path).await.status, StatusCode::NOT_FOUND, "{}: {path}", server.test.engine);
        }
        let foreign = server.send(with_key(request(Method::POST, &format!("{path}/fetch")), &b.key)).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);

        // Who has the number next is not shown it.
        let (deletion, now) = (server.test.ctx.id(), server.test.now());
        let gone = server
            .test
            .store
            .write::<_, StoreError, _>(move |tx| tx.delete_contacts(ws, deletion, &[ann], "system", now));
        assert_eq!(gone.await.unwrap().deleted, 1);
        let next: ContactId = server.test.contact(TO, "Cem").await;
        let path = format!("/api/v1/contacts/{next}/text-files/{file}");
        assert_eq!(server.get(&key, &path).await.status, StatusCode::NOT_FOUND, "{}", server.test.engine);
    }
}

async fn address(server: &Server, file: &Value, purpose: FilePurpose) -> String {
    let secret = key(&server.test.store, &server.test.ctx).await.unwrap();
    let media_id = file.as_str().unwrap().parse().unwrap();
    let address = FileAddress { workspace_id: server.workspace_id(), media_id, purpose };
    address.under("", &secret, server.test.now())
}

#[tokio::test]
async fn without_a_host_for_files_a_provider_gets_what_it_sends_and_nothing_else() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let file = uploaded(&server, &key).await;
        let path = address(&server, &file, FilePurpose::Carrier).await;
        for method in [Method::HEAD, Method::GET] {
            let got = server.send(request(method.clone(), &path)).await;
            assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "image/png"), "{method}");
            assert_eq!(got.body.as_slice(), if method == Method::GET { PNG } else { b"" });
            assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            assert_eq!((got.header("x-robots-tag"), got.header("x-content-type-options")), ("noindex", "nosniff"));
        }
        for (what, path) in [
            ("a browser's address", address(&server, &file, FilePurpose::Show).await),
            ("a browser's address", address(&server, &file, FilePurpose::Save).await),
            ("nothing signed", "/f/AAAA".to_owned()),
            ("a list", "/f/".to_owned()),
            ("an id", format!("/f/{}", file.as_str().unwrap())),
            ("another file", address(&server, &json!("med_00000000000000000000000001"), FilePurpose::Carrier).await),
        ] {
            let refused = server.send(get(&path)).await;
            assert_ne!(refused.body.as_slice(), PNG, "{what}: {path}");
            assert!(
                refused.status == StatusCode::NOT_FOUND || refused.header("content-type").starts_with("text/html"),
                "{what}"
            );
        }
        for at in [3, 20, path.len() / 2, path.len() - 2] {
            let mut other = path.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let changed = server.send(get(std::str::from_utf8(&other).unwrap())).await;
            assert_eq!(changed.status, StatusCode::NOT_FOUND, "{at}");
        }
        assert_eq!(server.send(request(Method::POST, &path)).await.status, StatusCode::METHOD_NOT_ALLOWED);
        server.test.clock.advance(10 * 3_600_000);
        assert_eq!(server.send(get(&path)).await.status, StatusCode::OK, "as long as a provider may try");
        server.test.clock.advance(3 * 3_600_000);
        assert_eq!(server.send(get(&path)).await.status, StatusCode::NOT_FOUND, "and then no more");
    }
}

#[tokio::test]
async fn with_a_host_for_files_a_provider_fetches_them_there_alone() {
    for test in segue_testkit::engines().await {
        let config = ApiConfig { files_origin: Some("https://files.segue.test".to_owned()), ..ApiConfig::default() };
        let server = Server::configured(test, config).await;
        let key = server.key(Role::Marketer).await;
        let file = uploaded(&server, &key).await;
        let path = address(&server, &file, FilePurpose::Carrier).await;
        let there = server.send(with(get(&path), "host", "files.segue.test")).await;
        assert_eq!((there.status, there.body.as_slice()), (StatusCode::OK, PNG));
        let here = server.send(with(get(&path), "host", "segue.test")).await;
        assert_ne!(here.body.as_slice(), PNG, "{}: not under the console's address", server.test.engine);
        let led = server.get(&key, &format!("/api/v1/text-files/{}", file.as_str().unwrap())).await;
        assert_eq!((led.status, led.body.len()), (StatusCode::FOUND, 0));
        assert!(led.header("location").starts_with("https://files.segue.test/f/"));
    }
}
