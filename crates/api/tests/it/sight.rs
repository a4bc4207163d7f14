//! Which conversations an agent can read.

use http::{Method, StatusCode};
use segue_model::{ChannelId, MessagingUserId, QueueId, SessionId, UserId, role::Role, session::SessionState};
use segue_store::{StoreError, messaging_user::MessagingUser, routing::Queue};
use serde_json::{Value, json};

use crate::support::{Server, get, json as body, servers, with_cookie};

/// A customer of its own with a conversation in this state.
pub async fn conversation(
    server: &Server,
    customer: Option<MessagingUserId>,
    state: SessionState,
    agent: Option<UserId>,
    queue: Option<QueueId>,
) -> (SessionId, MessagingUserId) {
    let (workspace_id, now) = (server.workspace_id(), server.test.now());
    let (id, fresh): (SessionId, MessagingUserId) = (server.test.ctx.id(), server.test.ctx.id());
    let channel_id = ChannelId(uuid::Uuid::from_u128(7));
    let stored = server.test.store.write::<_, StoreError, _>(move |tx| {
        let customer = customer.unwrap_or(fresh);
        if customer == fresh {
            let user = MessagingUser {
                id: fresh,
                channel_id,
                profile_name: Some("Bea".to_owned()),
                username: None,
                contact_id: None,
                lead_id: None,
                linked_by: None,
                last_inbound_at: None,
                blocked_at: None,
                created_at: now,
                version: 1,
            };
            tx.insert_messaging_user(workspace_id, &user)?;
        }
        assert!(tx.open_session(workspace_id, id, channel_id, customer, now)?);
        let mut session = tx.session_to_change(workspace_id, id)?.unwrap();
        (session.state, session.agent_id, session.queue_id) = (state, agent, queue);
        session.ended_at = (state == SessionState::Ended).then_some(now);
        tx.save_session(workspace_id, &mut session)?;
        Ok(customer)
    });
    (id, stored.await.unwrap())
}

#[tokio::test]
async fn agents_read_what_concerns_them_and_supervisors_everything() {
    for server in servers().await {
        let (ann, bob) = (server.user("ann", Role::Agent).await, server.user("bob", Role::Agent).await);
        let boss = server.user("boss", Role::Supervisor).await;
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
        let (earlier, bea) = conversation(&server, None, SessionState::Ended, Some(bob.id), Some(queue.id)).await;
        let (own, _) = conversation(&server, Some(bea), SessionState::Active, Some(ann.id), Some(queue.id)).await;
        let (waiting, _) = conversation(&server, None, SessionState::Waiting, None, Some(queue.id)).await;
        let (with_bot, _) = conversation(&server, None, SessionState::Active, None, Some(queue.id)).await;
        let (elsewhere, _) = conversation(&server, None, SessionState::Waiting, None, None).await;
        let (of_bob, _) = conversation(&server, None, SessionState::Active, Some(bob.id), Some(queue.id)).await;
        let (ok, no) = (StatusCode::OK, StatusCode::FORBIDDEN);
        let table = [
            ("own", own, [ok, no, ok]),
            ("what the same customer wrote before", earlier, [ok, ok, ok]),
            ("waiting in Ann's queue", waiting, [ok, no, ok]),
            ("with the bot", with_bot, [no, no, ok]),
            ("waiting elsewhere", elsewhere, [no, no, ok]),
            ("Bob's", of_bob, [no, ok, ok]),
        ];
        let cookies = [server.sign_in(&ann).await, server.sign_in(&bob).await, server.sign_in(&boss).await];
        for (what, id, expected) in table {
            for path in ["", "/messages", "/panel"] {
                for (cookie, (who, status)) in cookies.iter().zip(["Ann", "Bob", "the supervisor"].iter().zip(expected))
                {
                    let address = format!("/api/v1/sessions/{id}{path}");
                    let answer = server.send(with_cookie(get(&address), cookie)).await;
                    assert_eq!(answer.status, status, "{} {what}{path} for {who}", server.test.engine);
                }
            }
        }
        for (path, input) in
            [("link", json!({"create": true})), ("leads", json!({"name": "X"})), ("cases", json!({"subject": "X"}))]
        {
            let address = format!("/api/v1/sessions/{of_bob}/{path}");
            let answer = server.send(with_cookie(body(Method::POST, &address, &input), &cookies[0])).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
        let listed: Vec<Value> = server.send(with_cookie(get("/api/v1/sessions?view=open"), &cookies[0])).await.json()
            ["data"]
            .as_array()
            .unwrap()
            .clone();
        let mut listed: Vec<&str> = listed.iter().filter_map(|session| session["id"].as_str()).collect();
        listed.sort_unstable();
        let (own, waiting) = (own.to_string(), waiting.to_string());
        let mut expected = [own.as_str(), waiting.as_str()];
        expected.sort_unstable();
        assert_eq!(listed, expected, "{}: her own and what waits in her queue", server.test.engine);
        // What is listed can be read, in each view, and a program with an agent's role has nothing to read.
        let key = server.key(Role::Agent).await;
        for view in ["open", "all", "waiting", "mine", "ended", "open&order=closing"] {
            let address = format!("/api/v1/sessions?view={view}");
            for cookie in &cookies[..2] {
                let page = server.send(with_cookie(get(&address), cookie)).await.json();
                for session in page["data"].as_array().unwrap() {
                    let one = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
                    let answer = server.send(with_cookie(get(&one), cookie)).await;
                    assert_eq!(answer.status, StatusCode::OK, "{} {view}", server.test.engine);
                }
            }
            let page = server.get(&key, &address).await.json();
            assert_eq!(page["data"], json!([]), "{} {view}", server.test.engine);
        }
    }
}

#[tokio::test]
async fn the_first_snapshot_of_a_marketer_has_no_conversations() {
    let server = crate::support::server().await;
    conversation(&server, None, SessionState::Active, None, None).await;
    let (marketer, boss) = (server.key(Role::Marketer).await, server.key(Role::Supervisor).await);
    let count = async |key: &str| {
        let snapshot = server.get(key, "/api/v1/bootstrap").await.json();
        assert!(snapshot["seq"].is_i64() && snapshot["workspace"]["id"].is_string(), "{snapshot}");
        snapshot["sessions"].as_array().unwrap().len()
    };
    assert_eq!((count(&marketer).await, count(&boss).await), (0, 1));
}
