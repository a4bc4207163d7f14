//! Routing under any sequence of what agents, customers and time can do.
//!
//! After every step: an agent's load is the sum of the weights of what is offered to or accepted by him and within his
//! capacity; every open session is waiting, offered, accepted or ended, and nothing in between; one agent per session;
//! no pending offer of somebody who does not take any.

use proptest::prelude::*;
use segue_desk::{
    closing::{CaseFate, EndSession, end},
    routing::{Target, left, seen, take_over, transfer},
};
use segue_model::{actor::Actor, role::Role, routing::PresenceStatus};
use segue_store::{Sql, session::SessionOutcome};
use segue_testkit::{TestStore, postgres_store, sqlite_store};

use crate::scene::*;

#[derive(Debug, Clone, Copy)]
enum Act {
    Write { customer: usize },
    Sweep,
    Accept { agent: usize },
    Decline { agent: usize },
    Presence { agent: usize, status: PresenceStatus },
    Connect { agent: usize },
    Disconnect { agent: usize },
    Wait { seconds: i64 },
    End { session: usize },
    ToQueue { session: usize },
    ToAgent { session: usize, agent: usize },
    TakeOver { session: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..6usize).prop_map(|customer| Act::Write { customer }),
        5 => Just(Act::Sweep),
        4 => (0..3usize).prop_map(|agent| Act::Accept { agent }),
        2 => (0..3usize).prop_map(|agent| Act::Decline { agent }),
        3 => (0..3usize, prop::sample::select(PresenceStatus::ALL))
            .prop_map(|(agent, status)| Act::Presence { agent, status }),
        2 => (0..3usize).prop_map(|agent| Act::Connect { agent }),
        1 => (0..3usize).prop_map(|agent| Act::Disconnect { agent }),
        2 => (1..40i64).prop_map(|seconds| Act::Wait { seconds }),
        2 => (0..6usize).prop_map(|session| Act::End { session }),
        1 => (0..6usize).prop_map(|session| Act::ToQueue { session }),
        1 => (0..6usize, 0..3usize).prop_map(|(session, agent)| Act::ToAgent { session, agent }),
        1 => (0..6usize).prop_map(|session| Act::TakeOver { session }),
    ];
    prop::collection::vec(act, 1..60)
}

static LOADS: Sql = Sql::portable(
    "LOADS",
    "SELECT p.load, p.capacity, CAST(COALESCE((SELECT SUM(w.weight) FROM work_items w WHERE w.workspace_id = p.workspace_id
        AND w.agent_id = p.user_id AND w.state IN ('offered', 'accepted')), 0) AS BIGINT)
     FROM presences p WHERE p.workspace_id = $1",
);
/// Open sessions by session state, work item state, whether there is an offer, whether item and session name one agent.
static STATES: Sql = Sql::portable(
    "STATES",
    "SELECT s.state, COALESCE(w.state, 'none'),
        (SELECT COUNT(*) FROM offers o WHERE o.workspace_id = s.workspace_id AND o.work_item_id = w.id
            AND o.state = 'pending' AND o.user_id = w.agent_id),
        CASE WHEN s.agent_id IS NULL THEN 0 ELSE 1 END,
        CASE WHEN s.agent_id = w.agent_id THEN 1 ELSE 0 END
     FROM sessions s LEFT JOIN work_items w ON w.workspace_id = s.workspace_id AND w.session_id = s.id
        AND w.state <> 'closed'
     WHERE s.workspace_id = $1",
);
static STRAY_OFFERS: Sql = Sql::portable(
    "STRAY_OFFERS",
    "SELECT COUNT(*) FROM offers o WHERE o.workspace_id = $1 AND o.state = 'pending' AND NOT EXISTS (
        SELECT 1 FROM work_items w JOIN presences p ON p.workspace_id = w.workspace_id AND p.user_id = w.agent_id
        WHERE w.workspace_id = o.workspace_id AND w.id = o.work_item_id AND w.state = 'offered'
            AND w.agent_id = o.user_id AND p.status = 'available')",
);

async fn check(scene: &Scene) {
    let workspace_id = scene.workspace();
    let loads = write(scene.store(), move |tx| {
        tx.query(&LOADS, &[&workspace_id], |row| Ok((row.next::<i64>()?, row.next::<i64>()?, row.next::<i64>()?)))
    })
    .await;
    for (load, capacity, sum) in loads {
        assert_eq!(load, sum, "load is what he carries");
        assert!(load <= capacity);
    }
    let states = write(scene.store(), move |tx| {
        tx.query(&STATES, &[&workspace_id], |row| {
            let (session, item): (String, String) = (row.next()?, row.next()?);
            let (offers, has_agent, same): (i64, i64, i64) = (row.next()?, row.next()?, row.next()?);
            Ok((session, item, offers, has_agent, same))
        })
    })
    .await;
    for (session, item, offers, has_agent, same) in states {
        let state = (session.as_str(), item.as_str(), offers, has_agent, same);
        assert!(
            matches!(
                state,
                ("waiting", "waiting", 0, 0, 0)
                    | ("waiting", "offered", 1, 0, 0)
                    | ("active", "accepted", 0, 1, 1)
                    | ("ended", "none", 0, _, 0)
            ),
            "in limbo: {state:?}"
        );
    }
    assert_eq!(scene.count(&STRAY_OFFERS).await, 0);
}

async fn play(test: TestStore, acts: Vec<Act>) {
    let scene = Scene::new(test).await;
    let mut agents = Vec::new();
    for name in ["Sam", "Kim", "Lee"] {
        agents.push(scene.agent(name).await);
    }
    let boss = scene.user("Boss", Role::Supervisor).await;
    let workspace_id = scene.workspace();
    for (number, actor) in agents.iter().chain([&boss]).enumerate() {
        let (id, now) = (actor.user_id().unwrap(), scene.test.now());
        write(scene.store(), move |tx| {
            tx.presence(workspace_id, id, now)?;
            tx.set_presence_capacity(workspace_id, id, 1_000 * (number as u32 + 1), now)
        })
        .await;
    }
    scene.available(&agents[0]).await;
    for (number, act) in acts.into_iter().enumerate() {
        scene.advance(1_000);
        carry_out(&scene, &agents, &boss, number, act).await;
        check(&scene).await;
    }
    // Whatever happened: when everybody is there and takes what is offered, nothing waits beside free capacity. The
    // second round asks those again who had declined.
    for agent in &agents {
        scene.available(agent).await;
    }
    for _ in 0..2 {
        scene.advance(31_000);
        scene.sweep().await;
        for agent in &agents {
            for offer in scene.offers(agent).await {
                scene.accept(agent, offer).await.unwrap();
            }
        }
        check(&scene).await;
    }
    let mut free = 0;
    for (number, agent) in agents.iter().enumerate() {
        free += 1_000 * (number as u32 + 1) - scene.load(agent).await;
    }
    let unoffered = write(scene.store(), move |tx| {
        let queue = tx.queue_of_slug(workspace_id, "help")?.unwrap();
        tx.waiting_work_items(workspace_id, queue.id, 100)
    })
    .await;
    assert!(unoffered.is_empty() || free == 0, "{} wait while {free} thousandths are free", unoffered.len());
}

async fn carry_out(scene: &Scene, agents: &[Actor], boss: &Actor, number: usize, act: Act) {
    let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
    let session = async |index: usize| scene.sessions().await.get(index).map(|session| session.id);
    // Refusals are part of the game; what counts is what is true afterwards.
    match act {
        Act::Write { customer } => {
            let from = phone(&format!("1555010000{customer}"));
            scene.receive(text(from, &format!("wamid.{number}"), scene.test.now(), "Hi")).await;
        }
        Act::Sweep => drop(scene.sweep().await),
        Act::Accept { agent } | Act::Decline { agent } => {
            let Some(offer) = scene.offers(&agents[agent]).await.first().copied() else { return };
            if matches!(act, Act::Accept { .. }) {
                let _ = scene.accept(&agents[agent], offer).await;
            } else {
                let _ = scene.decline(&agents[agent], offer).await;
            }
        }
        Act::Presence { agent, status } => scene.presence(&agents[agent], status).await,
        Act::Connect { agent } => {
            let until = scene.test.now().plus(60_000);
            seen(store, ctx, workspace, agents[agent].user_id().unwrap(), until).await.unwrap();
        }
        Act::Disconnect { agent } => {
            left(store, ctx, workspace, agents[agent].user_id().unwrap(), segue_model::Timestamp(i64::MAX))
                .await
                .unwrap();
        }
        Act::Wait { seconds } => scene.advance(seconds * 1_000),
        Act::End { session: index } => {
            let Some(id) = session(index).await else { return };
            let request = EndSession { case: CaseFate::Close, outcome: SessionOutcome::Won, reason: None };
            let _ = end(store, ctx, workspace, boss, id, request).await;
        }
        Act::ToQueue { session: index } => {
            let Some(id) = session(index).await else { return };
            let _ = transfer(store, ctx, workspace, boss, id, Target::Queue(scene.queue)).await;
        }
        Act::ToAgent { session: index, agent } => {
            let Some(id) = session(index).await else { return };
            let target = Target::User(agents[agent].user_id().unwrap());
            let _ = transfer(store, ctx, workspace, boss, id, target).await;
        }
        Act::TakeOver { session: index } => {
            let Some(id) = session(index).await else { return };
            let _ = take_over(store, ctx, workspace, boss, id).await;
        }
    }
}

fn play_on(acts: Vec<Act>, open: impl Future<Output = Option<TestStore>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if let Some(test) = open.await {
            play(test, acts).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_overbooked_or_lost(acts in acts()) {
        play_on(acts, async { Some(sqlite_store().await) });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn nor_on_postgres(acts in acts()) {
        play_on(acts, postgres_store());
    }
}

/// Everybody at once on a real pool of writers: the same invariants, whatever the interleaving.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overbooked_when_all_act_at_once() {
    for test in segue_testkit::engines().await {
        let scene = Scene::new(test).await;
        let mut agents = Vec::new();
        for name in ["Sam", "Kim", "Lee"] {
            let agent = scene.agent(name).await;
            scene.available(&agent).await;
            agents.push(agent);
        }
        let boss = scene.user("Boss", Role::Supervisor).await;
        let round = |number: usize| {
            let acts: Vec<Act> = (0..3)
                .flat_map(|agent| {
                    [
                        Act::Write { customer: (number + agent) % 6 },
                        Act::Sweep,
                        Act::Accept { agent },
                        Act::Sweep,
                        Act::Decline { agent },
                        Act::Presence { agent, status: PresenceStatus::ALL[(number + agent) % 2] },
                        Act::End { session: (number + agent) % 4 },
                        Act::ToQueue { session: (number + agent) % 5 },
                        Act::TakeOver { session: agent },
                    ]
                })
                .collect();
            let (scene, agents, boss) = (&scene, &agents, &boss);
            let all = acts
                .into_iter()
                .enumerate()
                .map(move |(place, act)| carry_out(scene, agents, boss, number * 100 + place, act));
            futures::future::join_all(all)
        };
        for number in 0..15 {
            scene.advance(1_000);
            round(number).await;
            check(&scene).await;
        }
    }
}
