//! The event stream: nothing missed, nothing twice, nothing that is none of the reader's business.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use http::{Method, Request, StatusCode};
use segue_model::{
    QueueId, SessionId, UserId, WorkspaceId, role::Role, routing::PresenceStatus, session::SessionState,
};
use segue_store::{
    StoreError,
    event::NewEvent,
    message::{AuthorKind, Direction, MessageContent, MessageKind, NewMessage},
    routing::Queue,
    session::Gathered,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::sight::conversation;
use crate::support::{Server, get, json as body, request, server, servers, with, with_cookie, with_key};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: Option<i64>,
    pub event: String,
    pub data: Value,
}

pub struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    pub async fn open(server: &Server, request: Request<Body>) -> Result<Self, StatusCode> {
        let response = server.router.clone().oneshot(request).await.unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Self { body: response.into_body().into_data_stream(), text: String::new() })
    }

    /// The next frame; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let frame = parse(frame);
                self.text = rest.to_owned();
                return Some(frame);
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next frame that says more than that the stream is alive.
    async fn next_but_heartbeats(&mut self) -> Option<Frame> {
        loop {
            match self.next().await {
                Some(frame) if frame.event == "heartbeat" => {}
                other => return other,
            }
        }
    }

    /// The next frame that is no control frame.
    pub async fn next_event(&mut self) -> Frame {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.next()).await.expect("a frame comes in time");
            let frame = frame.expect("the stream goes on");
            if frame.id.is_some() {
                return frame;
            }
        }
    }
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame { id: None, event: String::new(), data: Value::Null };
    for line in text.lines() {
        match line.split_once(": ").unwrap_or((line, "")) {
            ("id", id) => frame.id = id.parse().ok(),
            ("event", event) => frame.event = event.to_owned(),
            ("data", data) => frame.data = serde_json::from_str(data).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    frame
}

async fn emit(server: &Server, kind: &'static str, entity_id: String, audience: Option<UserId>, data: Value) {
    let (workspace_id, at) = (server.workspace_id(), server.test.now());
    let event = NewEvent { kind, entity: "thing", entity_id, audience, data, at };
    let emitted = server.test.store.write::<_, StoreError, _>(move |tx| {
        tx.emit(workspace_id, event.clone());
        Ok(())
    });
    emitted.await.unwrap();
}

async fn newest(server: &Server) -> i64 {
    let workspace_id = server.workspace_id();
    server.test.store.read::<_, StoreError, _>(move |tx| tx.event_bounds(workspace_id)).await.unwrap().1
}

#[tokio::test]
async fn a_user_or_key_has_a_bounded_number_of_streams_and_gets_another_when_one_ends() {
    let server = server().await;
    let (key, other) = (server.key(Role::Admin).await, server.key(Role::Admin).await);
    let open = async |key: &str| Stream::open(&server, with_key(get("/api/v1/events"), key)).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(open(&key).await.unwrap());
    }
    let one_more = server.send(with_key(get("/api/v1/events"), &key));
    let refused = tokio::time::timeout(PATIENCE, one_more).await.expect("it is refused and not opened");
    assert_eq!((refused.status, refused.code()), (StatusCode::TOO_MANY_REQUESTS, "too_many_streams".to_owned()));
    assert_eq!(refused.header("retry-after"), "30");
    assert!(open(&other).await.is_ok(), "each has its own");
    drop(streams.pop());
    assert!(open(&key).await.is_ok());
    assert!(open(&key).await.is_ok(), "a stream that ended gives its place back");
}

fn since(seq: i64) -> Request<Body> {
    get(&format!("/api/v1/events?since={seq}"))
}

#[tokio::test]
async fn a_client_that_is_cut_off_anywhere_misses_nothing_and_gets_nothing_twice() {
    const EVENTS: i64 = 300;
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let mut cursor = newest(&server).await;
        let first = cursor + 1;
        let writer = async {
            for number in 0..EVENTS {
                emit(&server, "contact.updated", format!("con_{number}"), None, json!({"contact_id": number})).await;
            }
        };
        let reader = async {
            let mut seen = Vec::new();
            while (seen.len() as i64) < EVENTS {
                let random = u64::from_be_bytes(server.test.ctx.random_bytes());
                // By query or by header, as an EventSource does.
                let request =
                    if random & 1 == 0 { since(cursor) } else { with(since(0), "last-event-id", &cursor.to_string()) };
                let mut stream = Stream::open(&server, with_key(request, &key)).await.unwrap();
                assert_eq!(tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap().event, "hello");
                for _ in 0..=(random >> 8) % 40 {
                    if seen.len() as i64 == EVENTS {
                        break;
                    }
                    let frame = stream.next_event().await;
                    assert_eq!(frame.data["seq"], json!(frame.id));
                    assert_eq!(
                        (frame.event.as_str(), &frame.data["type"]),
                        ("contact.updated", &json!("contact.updated"))
                    );
                    cursor = frame.id.unwrap();
                    seen.push(cursor);
                }
            }
            seen
        };
        let ((), seen) = tokio::join!(writer, reader);
        assert_eq!(seen, (first..first + EVENTS).collect::<Vec<_>>(), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn a_cursor_that_the_log_does_not_reach_is_gone() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        for number in 0..5 {
            emit(&server, "contact.updated", format!("con_{number}"), None, json!({"contact_id": number})).await;
        }
        let (workspace_id, head) = (server.workspace_id(), newest(&server).await);
        let open = async |seq| Stream::open(&server, with_key(since(seq), &key)).await.map(drop);
        assert_eq!(open(head - 5).await, Ok(()));
        assert_eq!(open(head + 1).await, Err(StatusCode::GONE), "ahead of the log: another database");
        assert_eq!(open(-1).await, Err(StatusCode::GONE));
        let later = server.test.now().plus(1);
        server
            .test
            .store
            .write::<_, StoreError, _>(move |tx| tx.delete_events_before(workspace_id, later))
            .await
            .unwrap();
        assert_eq!(open(head - 5).await, Err(StatusCode::GONE), "{}", server.test.engine);
        assert_eq!(open(head).await, Ok(()), "who has seen all misses nothing");
        let bad = with(with_key(since(0), &key), "last-event-id", "abc");
        assert_eq!(Stream::open(&server, bad).await.map(drop), Err(StatusCode::BAD_REQUEST));
    }
}

#[tokio::test]
async fn a_stream_whose_log_is_cut_away_is_told_to_start_afresh() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    // More than one batch, so that some is still unread when the log is cut.
    for number in 0..300 {
        emit(&server, "contact.updated", format!("con_{number}"), None, json!({"contact_id": number})).await;
    }
    let head = newest(&server).await;
    let mut stream = Stream::open(&server, with_key(since(head - 300), &key)).await.unwrap();
    stream.next_event().await;
    let (workspace_id, later) = (server.workspace_id(), server.test.now().plus(1));
    server.test.store.write::<_, StoreError, _>(move |tx| tx.delete_events_before(workspace_id, later)).await.unwrap();
    server.test.clock.advance(10);
    emit(&server, "contact.updated", "con_x".to_owned(), None, json!({"contact_id": "x"})).await;
    let mut last = 0;
    loop {
        let frame = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
        if frame.event == "resync" {
            assert_eq!(frame.data["reason"], "retention");
            break;
        }
        last = frame.id.unwrap();
    }
    assert!(last < head, "the gap is not jumped over");
    assert_eq!(tokio::time::timeout(PATIENCE, stream.next()).await.unwrap(), None);
}

/// Puts a conversation somewhere.
async fn place(server: &Server, id: SessionId, state: SessionState, agent: Option<UserId>, queue: Option<QueueId>) {
    let workspace_id = server.workspace_id();
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
        let mut session = tx.session_to_change(workspace_id, id)?.unwrap();
        (session.state, session.agent_id, session.queue_id) = (state, agent, queue);
        session.gathered =
            vec![Gathered { name: "order".to_owned(), label: "Order".to_owned(), value: "A-17-Z".to_owned() }];
        (session.last_text, session.unread) = (Some("private words".to_owned()), 3);
        tx.save_session(workspace_id, &mut session)
    });
    stored.await.unwrap();
}

/// Tells of a conversation as the desk does; with an entry of the customer, when there is to be one.
async fn tell(server: &Server, kind: &'static str, id: SessionId) {
    let (workspace_id, now, ctx) = (server.workspace_id(), server.test.now(), server.test.ctx.clone());
    let told = server.test.store.write::<_, StoreError, _>(move |tx| {
        if kind != "message.created" {
            tx.emit(workspace_id, NewEvent::of_session(kind, id, now));
            return Ok(());
        }
        let message = NewMessage {
            id: ctx.id(),
            session_id: id,
            channel_id: tx.session(workspace_id, id)?.unwrap().channel_id,
            direction: Direction::Inbound,
            author: AuthorKind::Customer,
            author_id: None,
            kind: MessageKind::Text,
            content: MessageContent::default(),
            text: "private words".to_owned(),
            provider_id: None,
            client_id: None,
            at: now,
        };
        assert!(tx.insert_message(workspace_id, &message)?);
        tx.emit(workspace_id, NewEvent::of_message(id, message.id, now));
        Ok(())
    });
    told.await.unwrap();
}

/// What each stream says until it has passed a mark that everybody sees, and the frames themselves.
async fn heard(server: &Server, streams: &mut [Stream]) -> (Vec<Vec<String>>, Vec<Vec<Frame>>) {
    emit(server, "contact.updated", "mark".to_owned(), None, json!({"contact_id": "x"})).await;
    let (mut names, mut frames) = (Vec::new(), Vec::new());
    for stream in streams {
        let mut all = Vec::new();
        loop {
            let frame = stream.next_event().await;
            if frame.data["entity_id"] == "mark" {
                break;
            }
            all.push(frame);
        }
        names.push(all.iter().map(|frame| frame.event.clone()).collect());
        frames.push(all);
    }
    (names, frames)
}

#[tokio::test]
async fn everybody_sees_what_is_theirs_to_see() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let boss = server.user("boss", Role::Supervisor).await;
        let queue = queue(&server, ann.id).await.id;
        let cookies = [server.sign_in(&ann).await, server.sign_in(&bob).await, server.sign_in(&boss).await];
        let start = newest(&server).await;
        let mut streams = Vec::new();
        for cookie in &cookies {
            streams.push(Stream::open(&server, with_cookie(since(start), cookie)).await.unwrap());
        }
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().event, "hello");
        }
        let engine = server.test.engine;
        let none: Vec<String> = Vec::new();
        let (waiting, active) = (SessionState::Waiting, SessionState::Active);

        // A customer waits in Ann's queue; Ann takes it; it is given to Bob.
        let (id, _) = conversation(&server, None, waiting, None, Some(queue)).await;
        tell(&server, "session.created", id).await;
        let (said, _) = heard(&server, &mut streams).await;
        assert_eq!(said, [vec!["session.created".to_owned()], none.clone(), vec!["session.created".to_owned()]]);
        place(&server, id, active, Some(ann.id), Some(queue)).await;
        tell(&server, "message.created", id).await;
        let (said, frames) = heard(&server, &mut streams).await;
        assert_eq!(said, [vec!["message.created".to_owned()], none.clone(), vec!["message.created".to_owned()]]);
        let shown = &frames[0][0].data["data"];
        assert_eq!(shown["message"]["text"], "private words", "{engine}: {shown}");
        assert_eq!(
            (&shown["session"]["customer"]["name"], &shown["session"]["unread_count"]),
            (&json!("Bea"), &json!(3))
        );
        place(&server, id, active, Some(bob.id), Some(queue)).await;
        // A receipt that is told first shows nothing and must not use up what Ann still has to hear.
        let receipt = json!({"session_id": id, "message_id": "msg_x", "state": "read"});
        emit(&server, "message.status", id.to_string(), None, receipt).await;
        tell(&server, "session.updated", id).await;
        let (mut said, mut frames) = heard(&server, &mut streams).await;
        for (said, frames) in said.iter_mut().zip(&mut frames) {
            said.retain(|event| event != "message.status");
            frames.retain(|frame| frame.event != "message.status");
        }
        assert_eq!(
            said,
            [["session.updated".to_owned()], ["session.updated".to_owned()], ["session.updated".to_owned()]]
        );
        let farewell = &frames[0][0].data["data"]["session"];
        assert_eq!(farewell["agent"]["id"], json!(bob.id), "Ann learns where it went");
        assert!(!farewell.to_string().contains("private") && !farewell.to_string().contains("Bea"), "{farewell}");
        assert!(!farewell.to_string().contains("A-17-Z"), "{farewell}");
        assert_eq!(frames[1][0].data["data"]["session"]["gathered"][0]["value"], "A-17-Z", "Bob sees it whole");
        tell(&server, "message.created", id).await;
        let (said, _) = heard(&server, &mut streams).await;
        assert_eq!(said, [none.clone(), vec!["message.created".to_owned()], vec!["message.created".to_owned()]]);

        // Nobody's yet; something for Bob alone; a conversation that is gone by the time it is looked at.
        let (other, _) = conversation(&server, None, SessionState::New, None, None).await;
        tell(&server, "session.created", other).await;
        emit(&server, "offer.created", "ofr_x".to_owned(), Some(bob.id), json!({"offer": {}})).await;
        tell(&server, "session.updated", server.test.ctx.id()).await;
        let (said, _) = heard(&server, &mut streams).await;
        assert_eq!(
            said,
            [none.clone(), vec!["offer.created".to_owned()], vec!["session.created".to_owned()]],
            "{engine}"
        );
    }
}

#[tokio::test]
async fn what_was_in_sight_before_the_stream_began_is_let_go_of_when_it_leaves() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let queue = queue(&server, ann.id).await.id;
        let (active, waiting) = (SessionState::Active, SessionState::Waiting);
        let (own, _) = conversation(&server, None, active, Some(ann.id), Some(queue)).await;
        let (queued, _) = conversation(&server, None, waiting, None, Some(queue)).await;
        let (strange, _) = conversation(&server, None, active, Some(bob.id), None).await;
        // The snapshot has the first two; no event since then tells of them.
        let cookie = server.sign_in(&ann).await;
        let start = newest(&server).await;
        let mut streams = vec![Stream::open(&server, with_cookie(since(start), &cookie)).await.unwrap()];
        assert_eq!(streams[0].next().await.unwrap().event, "hello");
        for id in [own, queued, strange] {
            place(&server, id, active, Some(bob.id), Some(queue)).await;
            tell(&server, "session.updated", id).await;
        }
        let (_, frames) = heard(&server, &mut streams).await;
        let told: Vec<_> = frames[0].iter().map(|frame| &frame.data["data"]).collect();
        let engine = server.test.engine;
        assert_eq!(told.len(), 2, "{engine}: both and not the one that never was in sight: {told:?}");
        for (data, id) in told.iter().zip([own, queued]) {
            assert_eq!(data["session"]["id"], json!(id), "{engine}");
            assert_eq!(data["taken_away"], json!(true), "{engine}");
            assert!(!data.to_string().contains("private"), "{engine}: {data}");
        }
    }
}

#[tokio::test]
async fn rights_that_change_while_nobody_looks_are_told_at_the_next_hello() {
    for server in servers().await {
        let ann = server.user("ann", Role::Agent).await;
        // A change of the role ends the login; the screen of the browser is still there at the next one.
        let sight = async || {
            let cookie = server.sign_in(&ann).await;
            let mut stream = Stream::open(&server, with_cookie(get("/api/v1/events"), &cookie)).await.unwrap();
            let hello = stream.next().await.unwrap().data["sight"].clone();
            let snapshot = server.send(with_cookie(get("/api/v1/bootstrap"), &cookie)).await.json();
            assert_eq!(hello, snapshot["sight"], "{}", server.test.engine);
            hello.as_str().unwrap().to_owned()
        };
        let first = sight().await;
        assert_eq!(sight().await, first, "nothing has changed");
        queue(&server, ann.id).await;
        let second = sight().await;
        assert_ne!(second, first, "a queue more");
        let admin = server.key(Role::Admin).await;
        server.patch(&admin, &format!("/api/v1/users/{}", ann.id), &json!({"role": "supervisor"})).await;
        assert_ne!(sight().await, second, "another role");
    }
}

#[tokio::test]
async fn a_marketer_hears_of_campaigns_and_not_of_conversations() {
    for server in servers().await {
        let marketer = server.key(Role::Marketer).await;
        let start = newest(&server).await;
        let mut streams = vec![Stream::open(&server, with_key(since(start), &marketer)).await.unwrap()];
        assert_eq!(streams[0].next().await.unwrap().event, "hello");
        let (id, _) = conversation(&server, None, SessionState::Waiting, None, None).await;
        tell(&server, "session.created", id).await;
        tell(&server, "message.created", id).await;
        emit(&server, "campaign.updated", "cmp_x".to_owned(), None, json!({"campaign": {}})).await;
        let (said, _) = heard(&server, &mut streams).await;
        assert_eq!(said, [["campaign.updated"]], "{}", server.test.engine);
    }
}

async fn queue(server: &Server, member: UserId) -> Queue {
    let queue = Queue {
        id: server.test.ctx.id(),
        slug: "sales".to_owned(),
        name: "Sales".to_owned(),
        offer_seconds: 30,
        created_at: server.test.now(),
    };
    let (workspace_id, row) = (server.workspace_id(), queue.clone());
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
        tx.insert_queue(workspace_id, &row)?;
        tx.set_queue_members(workspace_id, row.id, &[member])
    });
    stored.await.unwrap();
    queue
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_alive_and_how_far_it_is() {
    let server = server().await;
    let key = server.key(Role::Marketer).await;
    let start = newest(&server).await;
    let mut stream = Stream::open(&server, with_key(since(start), &key)).await.unwrap();
    let hello = stream.next().await.unwrap();
    let snapshot = server.get(&key, "/api/v1/bootstrap").await.json();
    let expected = json!({"server_seq": start, "heartbeat_ms": 15_000, "sight": snapshot["sight"]});
    assert_eq!((hello.event.as_str(), &hello.data), ("hello", &expected));
    // Not for a marketer's eyes, but the cursor moves over it.
    emit(&server, "message.status", "ses_x".to_owned(), None, json!({"session_id": "ses_x"})).await;
    tokio::time::pause();
    let beat = stream.next().await.unwrap();
    assert_eq!((beat.event.as_str(), beat.id, &beat.data["seq"]), ("heartbeat", None, &json!(start + 1)));
}

#[tokio::test]
async fn a_login_that_ends_and_a_role_that_changes_end_the_stream() {
    let server = server().await;
    let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
    let mut streams = Vec::new();
    for user in [&ann, &bob] {
        let cookie = server.sign_in(user).await;
        let mut stream = Stream::open(&server, with_cookie(get("/api/v1/events"), &cookie)).await.unwrap();
        assert_eq!(stream.next().await.unwrap().event, "hello");
        streams.push(stream);
    }
    let admin = server.key(Role::Admin).await;
    server.patch(&admin, &format!("/api/v1/users/{}", ann.id), &json!({"disabled": true})).await;
    queue(&server, bob.id).await;
    tokio::time::pause();
    assert_eq!(streams[0].next_but_heartbeats().await, None, "the login is gone");
    let told = streams[1].next_but_heartbeats().await.unwrap();
    assert_eq!((told.event.as_str(), &told.data["reason"]), ("resync", &json!("permissions")));
    assert_eq!(streams[1].next().await, None);
}

async fn seen_until(server: &Server, workspace_id: WorkspaceId, user_id: UserId) -> i64 {
    let known = server.test.store.read::<_, StoreError, _>(move |tx| tx.known_presence(workspace_id, user_id));
    known.await.unwrap().map_or(0, |presence| presence.seen_until.0)
}

#[tokio::test]
async fn who_has_a_stream_open_is_connected_and_gone_a_grace_time_after_the_last_one() {
    for server in servers().await {
        let ann = server.user("ann", Role::Agent).await;
        let cookie = server.sign_in(&ann).await;
        let open = async || Stream::open(&server, with_cookie(get("/api/v1/events"), &cookie)).await.unwrap();
        let (first, second) = (open().await, open().await);
        let (workspace_id, now) = (server.workspace_id(), server.test.now().0);
        assert_eq!(server.state.connected_users(), 1);
        assert_eq!(seen_until(&server, workspace_id, ann.id).await, now + 16_000, "{}", server.test.engine);
        drop(first);
        assert_eq!(server.state.connected_users(), 1, "the other one is still open");
        drop(second);
        assert_eq!(server.state.connected_users(), 0);
        let gone = async {
            while seen_until(&server, workspace_id, ann.id).await != now + 10_000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the grace time begins when the last stream has ended");
    }
}

#[tokio::test]
async fn who_is_no_longer_heard_is_gone_though_the_line_was_never_closed() {
    const BEATEN: i64 = 30_000 + 10_000;
    let server = server().await;
    let workspace_id = server.workspace_id();
    let mut agents = Vec::new();
    for name in ["ann", "bob"] {
        let user = server.user(name, Role::Agent).await;
        let cookie = server.sign_in(&user).await;
        let stream = Stream::open(&server, with_cookie(get("/api/v1/events?beats=true"), &cookie)).await.unwrap();
        let chosen = body(Method::PUT, "/api/v1/presence", &json!({"status": "available"}));
        assert_eq!(server.send(with_cookie(chosen, &cookie)).await.status, StatusCode::OK);
        assert_eq!(seen_until(&server, workspace_id, user.id).await, server.test.now().0 + BEATEN);
        agents.push((user.id, cookie, stream));
    }
    let beat = || with_cookie(request(Method::POST, "/api/v1/events/beat"), &agents[1].1);
    for _ in 0..3 {
        server.test.clock.advance(15_000);
        // Longer than the task that looks after streams takes to come round.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(15)).await;
        tokio::time::resume();
        assert_eq!(server.send(beat()).await.status, StatusCode::NO_CONTENT);
    }
    let ctx = server.test.ctx.clone();
    let swept =
        server.test.store.write::<_, StoreError, _>(move |tx| segue_desk::routing::sweep(tx, &ctx, workspace_id));
    swept.await.unwrap();
    let mut left = Vec::new();
    for (user_id, _, _) in &agents {
        let user_id = *user_id;
        let known = server.test.store.read::<_, StoreError, _>(move |tx| tx.known_presence(workspace_id, user_id));
        left.push(known.await.unwrap().unwrap().status);
    }
    assert_eq!(server.state.connected_users(), 2, "both lines are open");
    assert_eq!(left, [PresenceStatus::Offline, PresenceStatus::Available]);
    assert_eq!(seen_until(&server, workspace_id, agents[1].0).await, server.test.now().0 + BEATEN);
}

#[tokio::test]
async fn a_shutdown_ends_streams() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    let mut stream = Stream::open(&server, with_key(get("/api/v1/events"), &key)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().event, "hello");
    server.state.shutdown.cancel();
    assert_eq!(tokio::time::timeout(PATIENCE, stream.next()).await.unwrap(), None);
}

#[tokio::test]
async fn a_client_whose_connection_breaks_is_noticed() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let server = server().await;
    let ann = server.user("ann", Role::Agent).await;
    let cookie = server.sign_in(&ann).await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = server.router.clone().into_make_service_with_connect_info::<std::net::SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains("event: hello") {
        let mut chunk = [0; 4_096];
        let length = tokio::time::timeout(PATIENCE, connection.read(&mut chunk)).await.unwrap().unwrap();
        assert_ne!(length, 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..length]));
    }
    assert_eq!(server.state.connected_users(), 1);
    drop(connection);
    let noticed = async {
        while server.state.connected_users() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.expect("nobody is connected any more");
    serving.abort();
}
