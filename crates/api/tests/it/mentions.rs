//! Mentions over HTTP and in the event stream.

use http::{Method, StatusCode};
use segue_model::{role::Role, session::SessionState};
use serde_json::json;

use crate::{
    sight::conversation,
    stream::Stream,
    support::{get, json as body, request, servers, with_cookie},
};

#[tokio::test]
async fn a_colleague_hears_of_a_mention_at_once_and_marks_it_as_read() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let boss = server.user("boss", Role::Supervisor).await;
        let (cookie, of_boss, of_bob) =
            (server.sign_in(&ann).await, server.sign_in(&boss).await, server.sign_in(&bob).await);
        let (id, _) = conversation(&server, None, SessionState::Active, Some(ann.id), None).await;
        let mut stream = Stream::open(&server, with_cookie(get("/api/v1/events"), &of_boss)).await.unwrap();
        let mut strangers = Stream::open(&server, with_cookie(get("/api/v1/events"), &of_bob)).await.unwrap();
        let address = format!("/api/v1/sessions/{id}/messages");
        let note = |to: &segue_store::access::User, client_id: &str| {
            let input = json!({"client_id": client_id, "kind": "note", "text": format!("Ask <@{}> please", to.id)});
            with_cookie(body(Method::POST, &address, &input), &cookie)
        };
        let refused = server.send(note(&bob, "1")).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "mention_hidden"));
        let sent = server.send(note(&boss, "2")).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
        assert_eq!(sent.json()["text"], "Ask @boss please");
        assert_eq!(sent.json()["mentions"], json!([{"user_id": boss.id, "start": 4, "length": 5}]));
        let event = loop {
            let frame = stream.next_event().await;
            if frame.event == "mention.created" {
                break frame.data;
            }
        };
        assert_eq!((&event["data"]["session_id"], &event["data"]["unread_count"]), (&json!(id), &json!(1)));
        assert!(!event.to_string().contains("please"), "no words in events of mentions: {event}");

        let snapshot = server.send(with_cookie(get("/api/v1/bootstrap"), &of_boss)).await.json();
        assert_eq!(snapshot["unread_mentions"], 1, "{}", server.test.engine);
        let listed = server.send(with_cookie(get("/api/v1/mentions?unread=true"), &of_boss)).await.json();
        assert_eq!(listed["data"][0]["about"]["excerpt"], "Ask @boss please");
        let one = format!("/api/v1/mentions/{}/read", listed["data"][0]["id"].as_str().unwrap());
        let foreign = server.send(with_cookie(request(Method::POST, &one), &of_bob)).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "it is not Bob's");
        let read = server.send(with_cookie(request(Method::POST, &one), &of_boss)).await;
        assert_eq!(read.json(), json!({"unread_count": 0}));
        let listed = server.send(with_cookie(get("/api/v1/mentions?unread=true"), &of_boss)).await.json();
        assert_eq!(listed["data"], json!([]));
        let key = server.key(Role::Supervisor).await;
        assert_eq!(server.get(&key, "/api/v1/mentions").await.json()["data"], json!([]), "a program has none");

        // Something that everybody hears comes after it: nothing of the mention came to Bob before.
        let told = server.send(with_cookie(request(Method::GET, "/api/v1/presence"), &of_bob)).await;
        assert_eq!(told.status, StatusCode::OK);
        let busy = body(Method::PUT, "/api/v1/presence", &json!({"status": "busy"}));
        server.send(with_cookie(busy, &of_bob)).await;
        loop {
            let frame = strangers.next_event().await;
            assert!(!frame.event.starts_with("mention."), "{frame:?}");
            if frame.event == "presence.updated" && frame.data["data"]["presence"]["status"] == "busy" {
                break;
            }
        }
    }
}
