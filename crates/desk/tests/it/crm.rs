//! Ending, leads, cases, the panel, lists.

use segue_desk::{
    cases, closing,
    closing::{CaseFate, EndSession},
    leads,
    sessions::{self, ListSessions},
};
use segue_model::{role::Role, session::SessionState};
use segue_store::{
    crm::{CaseState, LeadStatus},
    session::{SessionFilter, SessionOrder, SessionOutcome},
};
use segue_testkit::engines;

use crate::scene::*;

fn won() -> EndSession {
    EndSession { case: CaseFate::Close, outcome: SessionOutcome::Won, reason: Some("Bought it".to_owned()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_act_ends_case_lead_and_session_and_twice_is_harmless() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let case = cases::create(store, ctx, workspace, &sam, id, "Broken lamp".to_owned()).await.unwrap();
        assert_eq!((case.number, case.state), (1, CaseState::Open));
        let second = cases::create(store, ctx, workspace, &sam, id, "Another".to_owned()).await;
        assert_eq!(second.unwrap_err().code(), "case_exists");
        let request = leads::NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
        let lead = leads::create(store, ctx, workspace, &sam, id, request).await.unwrap();
        assert_eq!(lead.phone, Some(format!("+{ANA}").parse().unwrap()), "filled in from the customer");
        assert_eq!(scene.load(&sam).await, 1_000);

        let refused = closing::end(store, ctx, workspace, &kim, id, won()).await;
        assert_eq!(refused.unwrap_err().code(), "not_owner");
        let ends = (0..4).map(|_| closing::end(store, ctx, workspace, &sam, id, won()));
        for ended in futures::future::join_all(ends).await {
            let ended = ended.unwrap();
            assert_eq!((ended.state, ended.ended_by.map(|by| by.as_str())), (SessionState::Ended, Some("agent")));
        }
        assert_eq!(scene.load(&sam).await, 0, "capacity is freed once");
        let panel = segue_desk::panel::get(store, workspace, id, scene.test.now()).await.unwrap();
        assert_eq!(panel.case.map(|case| case.state), Some(CaseState::Closed));
        assert_eq!(panel.lead.map(|lead| lead.status), Some(LeadStatus::Won));
        let ended = scene.lines(id).await.into_iter().filter(|line| line.contains("ended the session"));
        assert_eq!(ended.collect::<Vec<_>>(), ["system: Sam ended the session: won. Bought it"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_conversation_is_a_new_session_with_the_old_one_in_the_panel() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let id = scene.accepted(&sam).await.id;
        let (store, workspace) = (scene.store(), scene.workspace());
        closing::end(store, scene.ctx(), workspace, &sam, id, won()).await.unwrap();
        scene.advance(60_000);
        scene.receive(ana("wamid.2", START.plus(60_000), "One more thing")).await;
        let sessions = scene.sessions().await;
        assert_eq!(sessions.len(), 2);
        let panel = segue_desk::panel::get(store, workspace, sessions[0].id, scene.test.now()).await.unwrap();
        assert_eq!(panel.previous_sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [id]);
        assert_eq!(panel.contact.unwrap().first_name.as_deref(), Some("Ana"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_the_role_may_see_page_by_page() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        scene.accepted(&sam).await;
        scene.presence(&sam, segue_model::routing::PresenceStatus::Busy).await;
        for number in 2..7 {
            scene.advance(1_000);
            let customer = phone(&format!("1555010000{number}"));
            scene.receive(text(customer, &format!("wamid.{number}"), scene.test.now(), "Hi")).await;
        }
        let list = |actor, view, search: Option<&str>, cursor, limit| {
            let order = SessionOrder::Latest;
            let search = search.map(str::to_owned);
            let request = ListSessions { view, order, closing_within: None, search, cursor, limit };
            sessions::list(scene.store(), scene.workspace(), actor, scene.test.now(), request)
        };
        let count = async |actor, view| list(actor, view, None, None, 50).await.unwrap().data.len();
        assert_eq!(count(&sam, SessionFilter::Mine).await, 1);
        assert_eq!(count(&sam, SessionFilter::Waiting).await, 5);
        assert_eq!(count(&sam, SessionFilter::Open).await, 6, "their own, and what waits in their queues");
        assert_eq!(count(&boss, SessionFilter::Open).await, 6);
        assert_eq!(count(&boss, SessionFilter::Ended).await, 0);
        let found = list(&boss, SessionFilter::All, Some("0100003"), None, 50).await.unwrap();
        assert_eq!(found.data.len(), 1);
        let found = list(&boss, SessionFilter::All, Some("ANA L"), None, 50).await.unwrap();
        assert_eq!(found.data.len(), 6);
        let found = list(&boss, SessionFilter::All, Some("%"), None, 50).await.unwrap();
        assert_eq!(found.data.len(), 0, "a percent sign is a percent sign");

        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(&boss, SessionFilter::All, None, cursor, 4).await.unwrap();
            pages.extend(page.data.into_iter().map(|session| session.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let all: Vec<_> = scene.sessions().await.into_iter().map(|session| session.id).collect();
        assert_eq!(pages, all);
        let wrong = list(&boss, SessionFilter::All, None, Some("x".to_owned()), 4).await;
        assert_eq!(wrong.unwrap_err().code(), "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_come_page_by_page_from_the_end() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        for number in 0..7 {
            scene.receive(ana(&format!("wamid.{number}"), START.plus(number * 1_000), "Hi")).await;
        }
        let id = scene.session().await.id;
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = sessions::messages(scene.store(), scene.workspace(), id, before, 3).await.unwrap();
            all.splice(0..0, page.data);
            before = page.next_cursor;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(all, scene.transcript(id).await);
        assert_eq!(all.len(), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_begins_with_what_concerns_the_agent() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let id = scene.accepted(&sam).await.id;
        scene.receive(text(phone("15550100002"), "wamid.2", START, "Hi")).await;
        scene.sweep().await;
        let begin =
            segue_desk::bootstrap::bootstrap(scene.store(), scene.ctx(), scene.workspace(), &sam).await.unwrap();
        assert_eq!(begin.sessions.len(), 2);
        assert_eq!(begin.offers.len(), 1);
        assert_eq!(begin.queues[0].waiting, 1);
        let presence = begin.presence.unwrap();
        assert_eq!((presence.load, presence.capacity), (2, 5), "in conversations");
        assert_eq!(begin.agents[0].name, "Sam");
        let workspace_id = scene.workspace();
        let (_, seq) = write(scene.store(), move |tx| tx.event_bounds(workspace_id)).await;
        assert_eq!(begin.seq, seq);
        let read = sessions::read(scene.store(), scene.ctx(), scene.workspace(), &sam, id).await.unwrap();
        assert_eq!(read.unread_count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisors_console_begins_with_their_own_and_who_waits_longest_however_many_are_newer() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        for number in 0..205 {
            scene.advance(1_000);
            let customer = phone(&format!("1555020{number:04}"));
            scene.receive(text(customer, &format!("wamid.{number}"), scene.test.now(), "Hi")).await;
        }
        let oldest: Vec<_> = scene.sessions().await.into_iter().rev().take(2).map(|session| session.id).collect();
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::routing::take_over(store, ctx, workspace, &boss, oldest[0]).await.unwrap();
        // What was taken over is the newest again by the line that says so; 201 others move past it.
        for number in 1..205 {
            scene.advance(1_000);
            let customer = phone(&format!("1555020{number:04}"));
            scene.receive(text(customer, &format!("wamid.again.{number}"), scene.test.now(), "Hello?")).await;
        }
        let begin = segue_desk::bootstrap::bootstrap(store, ctx, workspace, &boss).await.unwrap();
        let ids: Vec<_> = begin.sessions.iter().map(|session| session.id).collect();
        assert_eq!(ids[0], oldest[0], "{}: their own", scene.test.engine);
        assert_eq!(ids[1], oldest[1], "{}: who waits longest", scene.test.engine);
        assert_eq!(ids.len(), 205, "{}: each once", scene.test.engine);
    }
}
