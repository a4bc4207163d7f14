//! Files in and out.

use http::{Method, StatusCode};
use segue_api::ApiConfig;
use segue_model::{ChannelId, MediaId, MessageId, SessionId, role::Role, session::SessionState};
use segue_store::{
    StoreError,
    media::NewMedia,
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageKind, NewMessage},
    routing::Queue,
};

use serde_json::json;

use crate::{
    sight::conversation,
    support::{Server, form, get, json as body, request, server, servers, with, with_cookie, with_key},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const PDF: &[u8] = b"%PDF-1.7 0123456789";

#[tokio::test]
async fn a_file_comes_back_as_what_it_is_and_in_a_sandbox() {
    for server in servers().await {
        let key = server.key(Role::Agent).await;
        for (data, name, mime, disposition) in [
            (PNG, "a.html", "image/png", "inline; filename*=UTF-8''a.html"),
            (PDF, "ü \".pdf", "application/pdf", "attachment; filename*=UTF-8''%C3%BC%20%22.pdf"),
        ] {
            let name = name.replace('"', "%22");
            let uploaded = server.send(with_key(form("/api/v1/media", &name, data, "xyz"), &key)).await;
            assert_eq!(uploaded.status, StatusCode::CREATED, "{}", uploaded.text());
            let media = uploaded.json();
            assert_eq!((&media["mime"], &media["size"]), (&mime.into(), &data.len().into()));
            let got = server.get(&key, &format!("/api/v1/media/{}", media["id"].as_str().unwrap())).await;
            assert_eq!((got.body.as_slice(), got.header("content-type")), (data, mime));
            assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            let expected = disposition.replace("%22.pdf", if name.contains("%22") { "%2522.pdf" } else { "%22.pdf" });
            assert!(
                [disposition, expected.as_str()].contains(&got.header("content-disposition")),
                "{}",
                got.header("content-disposition")
            );
        }
    }
}

#[tokio::test]
async fn what_a_browser_could_run_and_what_is_too_large_is_refused() {
    let server = server().await;
    let key = server.key(Role::Agent).await;
    let large = vec![b'a'; (16 << 20) + (17 << 10)];
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("picture.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "unsupported_file"),
        ("photo.jpg", b"<!doctype html><script>alert(1)</script>", 415, "unsupported_file"),
        ("photo.jpg", b"\x7fELF\x02\x01", 415, "unsupported_file"),
        ("photo.jpg", b"PK\x03\x04", 415, "unsupported_file"),
        ("empty.png", b"", 422, "invalid"),
        ("large.txt", &large, 413, "too_large"),
    ];
    for (name, data, status, code) in cases {
        let answer = server.send(with_key(form("/api/v1/media", name, data, "xyz"), &key)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_same_upload_sent_twice_is_one_file() {
    let server = server().await;
    let key = server.key(Role::Agent).await;
    let upload =
        |boundary| with(with_key(form("/api/v1/media", "a.png", PNG, boundary), &key), "idempotency-key", "k1");
    let (first, second) = (server.send(upload("one")).await, server.send(upload("two")).await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("idempotency-replayed"), "true");
}

/// A stored file as a customer sent it: whatever the provider said it is.
async fn received(server: &Server, mime: &str, data: &[u8]) -> MediaId {
    let (workspace_id, now) = (server.workspace_id(), server.test.now());
    let media = NewMedia { id: server.test.ctx.id(), mime: mime.to_owned(), file_name: None, data: data.to_vec() };
    let id = media.id;
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| tx.insert_media(workspace_id, &media, now));
    stored.await.unwrap();
    id
}

/// A message of the customer with a file.
async fn message_with(server: &Server, session_id: SessionId, media_id: MediaId, at: i64) -> MessageId {
    let (workspace_id, id) = (server.workspace_id(), server.test.ctx.id());
    let message = NewMessage {
        id,
        session_id,
        channel_id: ChannelId(uuid::Uuid::from_u128(7)),
        direction: Direction::Inbound,
        author: AuthorKind::Customer,
        author_id: None,
        kind: MessageKind::Image,
        content: MessageContent {
            media: Some(MediaReference { id: media_id, mime: "image/png".to_owned(), file_name: None }),
            ..MessageContent::default()
        },
        text: String::new(),
        provider_id: None,
        client_id: None,
        at: server.test.now().plus(at),
    };
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| tx.insert_message(workspace_id, &message));
    assert!(stored.await.unwrap());
    id
}

#[tokio::test]
async fn what_the_provider_says_of_a_file_is_not_believed() {
    for server in servers().await {
        let key = server.key(Role::Agent).await;
        for (claimed, data, mime, disposition) in [
            ("image/png", b"<html><script>alert(1)</script>".as_slice(), "application/octet-stream", "attachment"),
            ("text/html", PNG, "image/png", "inline"),
            ("image/svg+xml", b"<svg onload='alert(1)'/>", "application/octet-stream", "attachment"),
            ("video/mp4", b"hello", "text/plain", "attachment"),
        ] {
            let id = received(&server, claimed, data).await;
            let got = server.get(&key, &format!("/api/v1/media/{id}")).await;
            assert_eq!(got.header("cache-control"), "private, no-cache", "it may be gone the next time");
            assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, mime), "{claimed}");
            assert!(got.header("content-disposition").starts_with(disposition), "{claimed}");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            let saved = server.get(&key, &format!("/api/v1/media/{id}?download=1")).await;
            assert!(saved.header("content-disposition").starts_with("attachment"), "{claimed}");
        }
    }
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for_and_what_is_known_is_not_sent_again() {
    for server in servers().await {
        let key = server.key(Role::Agent).await;
        let id = received(&server, "image/png", PNG).await;
        let address = format!("/api/v1/media/{id}");
        let ask = async |headers: &[(&'static str, &str)]| {
            let request =
                headers.iter().fold(with_key(get(&address), &key), |request, (name, value)| with(request, name, value));
            server.send(request).await
        };
        let whole = ask(&[]).await;
        assert_eq!((whole.header("accept-ranges"), whole.header("content-length")), ("bytes", "18"));
        for (range, part, told) in [
            ("bytes=0-7", &PNG[..8], "bytes 0-7/18"),
            ("bytes=8-", &PNG[8..], "bytes 8-17/18"),
            ("bytes=-2", &PNG[16..], "bytes 16-17/18"),
        ] {
            let got = ask(&[("range", range)]).await;
            assert_eq!((got.status, got.body.as_slice()), (StatusCode::PARTIAL_CONTENT, part), "{range}");
            assert_eq!((got.header("content-range"), got.header("content-type")), (told, "image/png"), "{range}");
        }
        let beyond = ask(&[("range", "bytes=18-")]).await;
        assert_eq!((beyond.status, beyond.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */18"));
        let etag = whole.header("etag").to_owned();
        assert_eq!(ask(&[("if-none-match", &etag)]).await.status, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(&[("range", "bytes=0-1"), ("if-range", &etag)]).await.body.len(), 2);
        assert_eq!(ask(&[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await.body, PNG, "it is another file now");
    }
}

#[tokio::test]
async fn a_file_is_read_by_those_who_may_read_its_conversation() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let boss = server.user("boss", Role::Supervisor).await;
        let (session, _) = conversation(&server, None, SessionState::Active, Some(ann.id), None).await;
        let id = received(&server, "image/png", PNG).await;
        message_with(&server, session, id, 0).await;
        for (user, status) in [(&ann, StatusCode::OK), (&bob, StatusCode::FORBIDDEN), (&boss, StatusCode::OK)] {
            let cookie = server.sign_in(user).await;
            for (method, path) in [(Method::GET, ""), (Method::POST, "/fetch")] {
                let address = format!("/api/v1/media/{id}{path}");
                let answer = server.send(with_cookie(request(method.clone(), &address), &cookie)).await;
                let expected =
                    if status == StatusCode::OK && method == Method::POST { StatusCode::NO_CONTENT } else { status };
                assert_eq!(answer.status, expected, "{} {} {address}", server.test.engine, user.name);
            }
        }
    }
}

/// Whoever sends a file can read it from then on, so what one may not read one may not send either.
#[tokio::test]
async fn a_file_is_sent_by_those_who_may_read_it() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let (of_ann, _) = conversation(&server, None, SessionState::Active, Some(ann.id), None).await;
        let (of_bob, _) = conversation(&server, None, SessionState::Active, Some(bob.id), None).await;
        let id = received(&server, "image/png", PNG).await;
        message_with(&server, of_ann, id, 0).await;
        let send = async |user, session: SessionId, way: &str, media_id: MediaId| {
            let cookie = server.sign_in(user).await;
            let reply = json!({"client_id": server.test.ctx.uuid(), "kind": "image", "media_id": media_id});
            let path = format!("/api/v1/sessions/{session}/{way}");
            let answer = server.send(with_cookie(body(Method::POST, &path, &reply), &cookie)).await;
            (answer.status, answer.code())
        };
        let refused = (StatusCode::FORBIDDEN, "not_visible".to_owned());
        for way in ["messages", "pending-replies"] {
            assert_eq!(send(&bob, of_bob, way, id).await, refused, "{} {way}", server.test.engine);
            assert_ne!(send(&ann, of_ann, way, id).await, refused, "{} {way}", server.test.engine);
            let uploaded = received(&server, "image/png", PNG).await;
            assert_ne!(send(&bob, of_bob, way, uploaded).await, refused, "{} {way}", server.test.engine);
        }
    }
}

#[tokio::test]
async fn a_file_of_very_many_conversations_is_read_by_whoever_may_read_one_of_them() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let carol = server.user("carol", Role::Agent).await;
        let id = received(&server, "application/pdf", PDF).await;
        for number in 0..60 {
            let (session, _) = conversation(&server, None, SessionState::Active, Some(bob.id), None).await;
            message_with(&server, session, id, number).await;
        }
        // Ann's are the last by every order: one of her own now, and what the same customer wrote before.
        let (before, bea) = conversation(&server, None, SessionState::Ended, Some(bob.id), None).await;
        message_with(&server, before, id, 100).await;
        conversation(&server, Some(bea), SessionState::Active, Some(ann.id), None).await;
        for (user, status) in [(&ann, StatusCode::OK), (&bob, StatusCode::OK), (&carol, StatusCode::FORBIDDEN)] {
            let cookie = server.sign_in(user).await;
            let answer = server.send(with_cookie(get(&format!("/api/v1/media/{id}")), &cookie)).await;
            assert_eq!(answer.status, status, "{} {}", server.test.engine, user.name);
        }
    }
}

#[tokio::test]
async fn a_file_that_waits_in_a_queue_is_read_by_the_members_of_the_queue() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let queue = Queue {
            id: server.test.ctx.id(),
            slug: "sales".to_owned(),
            name: "Sales".to_owned(),
            offer_seconds: 30,
            created_at: server.test.now(),
        };
        let (workspace_id, row, member) = (server.workspace_id(), queue.clone(), ann.id);
        let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
            tx.insert_queue(workspace_id, &row)?;
            tx.set_queue_members(workspace_id, row.id, &[member])
        });
        stored.await.unwrap();
        for (state, expected) in
            [(SessionState::Waiting, StatusCode::OK), (SessionState::Active, StatusCode::FORBIDDEN)]
        {
            let (session, _) = conversation(&server, None, state, None, Some(queue.id)).await;
            let id = received(&server, "image/png", PNG).await;
            message_with(&server, session, id, 0).await;
            for (user, status) in [(&ann, expected), (&bob, StatusCode::FORBIDDEN)] {
                let cookie = server.sign_in(user).await;
                let answer = server.send(with_cookie(get(&format!("/api/v1/media/{id}")), &cookie)).await;
                assert_eq!(answer.status, status, "{} {} {state}", server.test.engine, user.name);
            }
        }
    }
}

const FILES: &str = "files.segue.test";

async fn with_host(test: segue_testkit::TestStore) -> Server {
    let config = ApiConfig {
        public_origin: Some("https://segue.test".to_owned()),
        files_origin: Some(format!("https://{FILES}")),
        ..ApiConfig::default()
    };
    Server::configured(test, config).await
}

#[tokio::test]
async fn files_with_a_host_of_their_own_are_served_there_alone_by_addresses_that_end() {
    for test in segue_testkit::engines().await {
        let server = with_host(test).await;
        let key = server.key(Role::Agent).await;
        let id = received(&server, "image/png", PNG).await;
        let led = server.get(&key, &format!("/api/v1/media/{id}")).await;
        assert_eq!((led.status, led.body.len()), (StatusCode::FOUND, 0), "no byte of it under the console's address");
        assert_eq!(led.header("cache-control"), "no-store");
        let path = led.header("location").strip_prefix(&format!("https://{FILES}")).unwrap().to_owned();
        let on = |host: &str, path: &str| with(get(path), "host", host);

        let got = server.send(on(FILES, &path)).await;
        assert_eq!((got.status, got.body.as_slice()), (StatusCode::OK, PNG));
        assert_eq!((got.header("content-type"), got.header("x-content-type-options")), ("image/png", "nosniff"));
        assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(got.header("cross-origin-resource-policy"), "cross-origin");
        assert!(got.headers.get("set-cookie").is_none());
        let part = server.send(with(on("FILES.segue.test:443", &path), "range", "bytes=0-7")).await;
        assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &PNG[..8]));
        assert_ne!(server.send(on("segue.test", &path)).await.body, PNG, "not under the console's address");

        // Every changed letter of the address makes it worthless.
        for at in [3, 20, path.len() / 2, path.len() - 2] {
            let mut other = path.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let changed = server.send(on(FILES, std::str::from_utf8(&other).unwrap())).await;
            assert_eq!(changed.status, StatusCode::NOT_FOUND, "{at}");
        }
        server.test.clock.advance(9 * 60_000);
        assert_eq!(server.send(on(FILES, &path)).await.status, StatusCode::OK, "it works for some minutes");
        server.test.clock.advance(12 * 60_000);
        assert_eq!(server.send(on(FILES, &path)).await.status, StatusCode::NOT_FOUND, "and then no more");
    }
}

#[tokio::test]
async fn the_host_of_files_serves_nothing_else_and_knows_no_login() {
    let server = with_host(segue_testkit::sqlite_store().await).await;
    let admin = server.user("ann", Role::Admin).await;
    let (cookie, key) = (server.sign_in(&admin).await, server.key(Role::Admin).await);
    let id = received(&server, "image/png", PNG).await;
    for path in [
        "/",
        "/api/v1/me",
        &format!("/api/v1/media/{id}"),
        "/livez",
        "/metrics",
        "/assets/a.js",
        "/webhooks/whatsapp/chn_00000000000000000000000001",
        "/Ab1cdef",
        "/f/",
        "/f/AAAA",
    ] {
        for request in [with_cookie(get(path), &cookie), with_key(get(path), &key), request(Method::POST, path)] {
            let answer = server.send(with(request, "host", FILES)).await;
            assert_eq!((answer.status, answer.headers.get("set-cookie")), (StatusCode::NOT_FOUND, None), "{path}");
        }
    }
    let page = server.send(with(get("/livez"), "host", "segue.test")).await;
    let policy = page.header("content-security-policy");
    for part in
        ["img-src 'self' data: blob: https://files.segue.test;", "media-src 'self' blob: https://files.segue.test;"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
}

#[tokio::test]
async fn attachments_come_in_pages_to_those_who_may_read_their_conversations() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let boss = server.user("boss", Role::Supervisor).await;
        let (earlier, bea) = conversation(&server, None, SessionState::Ended, Some(bob.id), None).await;
        let (own, _) = conversation(&server, Some(bea), SessionState::Active, Some(ann.id), None).await;
        let (of_bob, other) = conversation(&server, None, SessionState::Active, Some(bob.id), None).await;
        let mut files = Vec::new();
        for (session, at) in [(earlier, 1), (own, 2), (own, 3), (own, 4), (of_bob, 5)] {
            let media = received(&server, "image/png", PNG).await;
            files.push(message_with(&server, session, media, at).await);
        }
        let cookies = [server.sign_in(&ann).await, server.sign_in(&bob).await, server.sign_in(&boss).await];
        let list = async |cookie: &str, query: &str| {
            let (mut all, mut cursor) = (Vec::new(), String::new());
            loop {
                let answer = server
                    .send(with_cookie(get(&format!("/api/v1/attachments?{query}&limit=2{cursor}")), cookie))
                    .await;
                if answer.status != StatusCode::OK {
                    return Err(answer.status);
                }
                let page = answer.json();
                for file in page["data"].as_array().unwrap() {
                    assert_eq!((&file["media"]["presence"], &file["media"]["size"]), (&"stored".into(), &18.into()));
                    all.push(file["message_id"].as_str().unwrap().to_owned());
                }
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return Ok(all),
                }
            }
        };
        let named = |which: &[usize]| Ok(which.iter().map(|at| files[*at].to_string()).collect::<Vec<_>>());
        let no = || Err(StatusCode::FORBIDDEN);
        let cases = [
            (format!("session_id={own}"), [named(&[3, 2, 1]), no(), named(&[3, 2, 1])]),
            (format!("session_id={of_bob}"), [no(), named(&[4]), named(&[4])]),
            (format!("messaging_user_id={bea}"), [named(&[3, 2, 1, 0]), named(&[0]), named(&[3, 2, 1, 0])]),
            (format!("messaging_user_id={other}"), [named(&[]), named(&[4]), named(&[4])]),
        ];
        for (query, expected) in cases {
            for (cookie, expected) in cookies.iter().zip(expected) {
                assert_eq!(list(cookie, &query).await, expected, "{} {query}", server.test.engine);
            }
        }
        for query in ["", &format!("session_id={own}&messaging_user_id={bea}")] {
            assert_eq!(list(&cookies[2], query).await, Err(StatusCode::UNPROCESSABLE_ENTITY), "{query}");
        }
    }
}
