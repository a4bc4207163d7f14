//! The rule who may read a conversation stands in Rust, for one conversation and for events, and in SQL, for lists. Here
//! all are asked about every kind of conversation there is, so neither can be changed alone.

use std::collections::BTreeSet;

use segue_desk::{
    sessions::{ListSessions, list},
    sight::Sight,
};
use segue_model::{
    MessagingUserId, QueueId, SessionId, UserId, actor::Actor, role::Role, session::SessionState, sight::Concern,
};
use segue_store::{
    Sql,
    messaging_user::MessagingUser,
    routing::Queue,
    session::{SessionFilter, SessionOrder, SessionView},
};
use segue_testkit::engines;

use crate::scene::*;

static PLACE: Sql = Sql::portable(
    "PLACE",
    "UPDATE sessions SET state = $3, agent_id = $4, queue_id = $5 WHERE workspace_id = $1 AND id = $2",
);

const STATES: [SessionState; 6] = [
    SessionState::New,
    SessionState::Waiting,
    SessionState::Active,
    SessionState::Inactive,
    SessionState::Ended,
    SessionState::Error,
];

/// A conversation of a customer of its own in each state, with each agent or none, in each queue or none.
async fn all_kinds(scene: &Scene, agents: [UserId; 2], queues: [QueueId; 2]) {
    let (workspace_id, channel_id, now) = (scene.workspace(), scene.channel.id, scene.test.now());
    let agents = [None, Some(agents[0]), Some(agents[1])];
    let queues = [None, Some(queues[0]), Some(queues[1])];
    for state in STATES {
        for agent in agents {
            for queue in queues {
                let user = MessagingUser {
                    id: scene.ctx().id::<MessagingUserId>(),
                    channel_id,
                    profile_name: None,
                    username: None,
                    contact_id: None,
                    lead_id: None,
                    linked_by: None,
                    last_inbound_at: None,
                    blocked_at: None,
                    created_at: now,
                    version: 1,
                };
                let (id, user_id) = (scene.ctx().id::<SessionId>(), user.id);
                write(scene.store(), move |tx| {
                    tx.insert_messaging_user(workspace_id, &user)?;
                    assert!(tx.open_session(workspace_id, id, channel_id, user_id, now)?);
                    tx.execute(&PLACE, &[&workspace_id, &id, &state.as_str(), &agent, &queue])
                })
                .await;
            }
        }
    }
}

async fn listed(scene: &Scene, actor: &Actor, view: SessionFilter) -> BTreeSet<SessionId> {
    let order = SessionOrder::Latest;
    let request = ListSessions { view, order, closing_within: None, search: None, cursor: None, limit: 100 };
    let page = list(scene.store(), scene.workspace(), actor, scene.test.now(), request).await.unwrap();
    assert_eq!(page.next_cursor, None, "all of them are on one page");
    page.data.into_iter().map(|session| session.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_single_conversations_follow_one_rule() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.user("Kim", Role::Agent).await);
        let (supervisor, workspace_id) = (scene.user("Sue", Role::Supervisor).await, scene.workspace());
        let (me, kims) = (sam.user_id().unwrap(), kim.user_id().unwrap());
        let (id, created_at) = (scene.ctx().id::<QueueId>(), scene.test.now());
        let foreign = Queue { id, slug: "other".to_owned(), name: "Other".to_owned(), offer_seconds: 30, created_at };
        write(scene.store(), move |tx| {
            tx.upsert_queue(workspace_id, &foreign)?;
            tx.set_queue_members(workspace_id, id, &[kims])
        })
        .await;
        all_kinds(&scene, [me, kims], [scene.queue, id]).await;
        let all = scene.sessions().await;
        assert_eq!(all.len(), 54);
        let mut read: Vec<(SessionView, bool)> = Vec::new();
        for session in all {
            let (look, id) = (session.clone(), session.id);
            let sight = write(scene.store(), move |tx| Sight::of(tx, workspace_id, &look)).await;
            let may_read = sight.includes(Role::Agent, Some(me));
            let agent = session.agent.as_ref().map(|agent| agent.id);
            let concern = Concern::of(session.state, agent, session.queue_id);
            let streamed = concern.includes(Some(me), |queue| queue == scene.queue);
            assert_eq!(streamed, may_read, "{id}: what the stream of events tells");
            assert!(sight.includes(Role::Supervisor, None) && !sight.includes(Role::Marketer, Some(me)), "{id}");
            assert!(!sight.includes(Role::Agent, None), "a program has the role of nobody in particular");
            read.push((session, may_read));
        }
        let readable = |wanted: &dyn Fn(&SessionView) -> bool| -> BTreeSet<SessionId> {
            let found = read.iter().filter(|(session, may_read)| *may_read && wanted(session));
            found.map(|(session, _)| session.id).collect()
        };
        let (is_open, engine) = (|session: &SessionView| session.state != SessionState::Ended, scene.test.engine);
        let mine = |session: &SessionView| session.agent.as_ref().is_some_and(|agent| agent.id == me);
        let open = readable(&is_open);
        assert_eq!(open.len(), 17, "{engine}: fifteen of mine, and two that wait in my queue");
        let in_sight = write(scene.store(), move |tx| tx.sessions_in_sight(workspace_id, me)).await;
        assert_eq!(in_sight.into_iter().collect::<BTreeSet<_>>(), open, "{engine}: what the stream begins with");
        assert_eq!(listed(&scene, &sam, SessionFilter::Open).await, open, "{engine}");
        assert_eq!(listed(&scene, &sam, SessionFilter::All).await, readable(&|_| true), "{engine}");
        let waiting = readable(&|session| session.agent.is_none());
        assert_eq!(listed(&scene, &sam, SessionFilter::Waiting).await, waiting, "{engine}");
        let of_mine = readable(&|session| is_open(session) && mine(session));
        assert_eq!(listed(&scene, &sam, SessionFilter::Mine).await, of_mine, "{engine}");
        let ended = readable(&|session| !is_open(session));
        assert_eq!(listed(&scene, &sam, SessionFilter::Ended).await, ended, "{engine}");
        assert_eq!(listed(&scene, &supervisor, SessionFilter::All).await.len(), 54, "{engine}");
    }
}
