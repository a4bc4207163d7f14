//! Finding what was written, and what became of each message.

use segue_desk::{
    DeskError, flight,
    flight::HopStep,
    messages::{self, NewReply},
    search::{self, Request, SearchHit},
};
use segue_model::{Timestamp, actor::Actor, role::Role};
use segue_store::{Sql, StoreError};
use segue_testkit::engines;

use crate::scene::*;

static ENTRIES: Sql = Sql::portable("ENTRIES", "SELECT COUNT(*) FROM search_entries WHERE workspace_id = $1");
static FORGET_MARK: Sql = Sql::portable("FORGET_MARK", "DELETE FROM search_marks WHERE workspace_id = $1");

impl Scene {
    /// Brings the search up to date, as the worker does.
    async fn index(&self) {
        let workspace = self.workspace();
        loop {
            let batch = self.store().read::<_, StoreError, _>(move |tx| tx.search_batch(workspace)).await.unwrap();
            if let Some(batch) = batch {
                write(self.store(), move |tx| tx.apply_search_batch(workspace, &batch)).await;
                continue;
            }
            let task = self.store().read::<_, StoreError, _>(move |tx| tx.search_task(workspace)).await.unwrap();
            let Some(task) = task else { break };
            write(self.store(), move |tx| tx.apply_search_task(workspace, &task)).await;
        }
    }

    async fn find(&self, actor: &Actor, text: &str) -> Vec<SearchHit> {
        let request = Request { text: text.to_owned(), limit: 50, ..Request::default() };
        search::messages(self.store(), self.workspace(), actor, request).await.unwrap().data
    }

    async fn found(&self, actor: &Actor, text: &str) -> Vec<String> {
        let hits = self.find(actor, text).await;
        hits.iter().map(|hit| hit.excerpt.iter().map(|piece| piece.text.as_str()).collect()).collect()
    }
}

fn other(wamid: &str, at: Timestamp, body: &str) -> segue_channels::whatsapp::InboundMessage {
    text(phone("15550100002"), wamid, at, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn words_find_messages_the_latest_first_with_the_words_marked() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Where is my blue lamp?")).await;
        scene.advance(60_000);
        scene.receive(other("wamid.2", START.plus(60_000), "The Lámp is broken, it was blue")).await;
        assert!(scene.find(&boss, "lamp").await.is_empty(), "it is filled behind the messages");
        scene.index().await;
        let hits = scene.find(&boss, "lamp").await;
        let texts: Vec<String> =
            hits.iter().map(|hit| hit.excerpt.iter().map(|piece| piece.text.as_str()).collect()).collect();
        assert_eq!(texts, ["The Lámp is broken, it was blue", "Where is my blue lamp?"], "{}", scene.test.engine);
        let marked: Vec<&str> =
            hits[0].excerpt.iter().filter(|piece| piece.hit).map(|piece| piece.text.as_str()).collect();
        assert_eq!(marked, ["Lámp"]);
        assert_eq!(hits[0].customer, "Ana Lopez");
        assert_eq!(scene.found(&boss, "blue broken").await.len(), 1, "all words have to be there");
        assert_eq!(scene.found(&boss, "bro").await.len(), 1, "the last word may be unfinished");
        assert!(scene.found(&boss, "bro ").await.is_empty());
        assert!(scene.found(&boss, "agree").await.iter().all(|text| text.contains("agree")), "what the bot wrote, too");
        assert!(scene.found(&boss, "handed").await.is_empty(), "lines of the product are not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_filters_narrow_what_is_found() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        for number in 0..7_i64 {
            let at = START.plus(number * 60_000);
            scene.receive(ana(&format!("wamid.{number}"), at, &format!("order number{number}"))).await;
            scene.advance(60_000);
        }
        scene.receive(other("wamid.x", scene.test.now(), "order of another")).await;
        scene.index().await;
        let (store, workspace) = (scene.store(), scene.workspace());
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let request = Request { text: "order".to_owned(), cursor, limit: 3, ..Request::default() };
            let page = search::messages(store, workspace, &boss, request).await.unwrap();
            assert!(page.data.len() <= 3);
            all.extend(page.data.into_iter().map(|hit| hit.at));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(all.len(), 8, "{}", scene.test.engine);
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "the latest first: {all:?}");

        let ana_hit = scene.find(&boss, "number3").await.remove(0);
        let count = |request: Request| {
            let boss = &boss;
            async move {
                let request = Request { text: "order".to_owned(), limit: 50, ..request };
                search::messages(store, workspace, boss, request).await.unwrap().data.len()
            }
        };
        let customer = Some(ana_hit.messaging_user_id);
        assert_eq!(count(Request { messaging_user_id: customer, ..Request::default() }).await, 7);
        let from = Some(START.plus(2 * 60_000));
        let until = Some(START.plus(4 * 60_000));
        assert_eq!(count(Request { from, until, ..Request::default() }).await, 2);
        assert_eq!(count(Request { channel_id: Some(scene.channel.id), ..Request::default() }).await, 8);
        assert_eq!(count(Request { channel_id: Some(scene.ctx().id()), ..Request::default() }).await, 0);
        let agent_id = scene.agent("Sam").await.user_id();
        assert_eq!(count(Request { agent_id, ..Request::default() }).await, 0);
        let nothing = Request { text: " …!".to_owned(), limit: 5, ..Request::default() };
        let refused = search::messages(store, workspace, &boss, nothing).await.unwrap_err();
        assert!(matches!(refused, DeskError::InvalidField { field: "q", .. }));
        let all_of_ana = Request { messaging_user_id: customer, limit: 50, ..Request::default() };
        let all_of_ana = search::messages(store, workspace, &boss, all_of_ana).await.unwrap().data;
        assert!(all_of_ana.len() > 7, "without words everything of the customer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_finds_only_what_an_agent_may_read() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, lee) = (scene.agent("Sam").await, scene.user("Lee", Role::Admin).await);
        scene.accepted(&sam).await;
        scene.presence(&sam, segue_model::routing::PresenceStatus::Away).await;
        scene.receive(other("wamid.2", START.plus(1_000), "Hello from another")).await;
        scene.index().await;
        assert_eq!(scene.find(&lee, "hello").await.len(), 2);
        let waiting = scene.find(&sam, "hello").await;
        assert_eq!(waiting.len(), 2, "what waits in the agent's queue counts");
        let (workspace, queue) = (scene.workspace(), scene.queue);
        write(scene.store(), move |tx| tx.set_queue_members(workspace, queue, &[])).await;
        let own = scene.found(&sam, "hello").await;
        assert_eq!(own, ["Hello"], "{}", scene.test.engine);
        let stranger = scene.user("Max", Role::Agent).await;
        write(scene.store(), move |tx| tx.set_queue_members(workspace, queue, &[])).await;
        assert!(scene.find(&stranger, "hello").await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contacts_words_are_gone_at_once_and_come_back_with_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "My secret is rosebud")).await;
        scene.index().await;
        assert_eq!(scene.find(&boss, "rosebud").await.len(), 1);
        let before = scene.count(&ENTRIES).await;
        let contact = scene.session().await.customer.contact_id.unwrap();
        let (store, workspace, id, now) = (scene.store(), scene.workspace(), scene.ctx().id(), scene.test.now());
        write(store, move |tx| tx.delete_contacts(workspace, id, &[contact], "system", now)).await;
        assert!(scene.find(&boss, "rosebud").await.is_empty(), "before the worker has come by");
        scene.index().await;
        assert!(scene.count(&ENTRIES).await < before, "the words are taken out of the index");
        assert!(scene.find(&boss, "rosebud").await.is_empty(), "{}", scene.test.engine);
        write(store, move |tx| tx.restore_contacts(workspace, id, now)).await;
        scene.index().await;
        assert_eq!(scene.find(&boss, "rosebud").await.len(), 1);
        assert_eq!(scene.count(&ENTRIES).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_added_once_and_a_gap_in_the_log_is_made_up_for() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "first of all")).await;
        let (store, workspace) = (scene.store(), scene.workspace());
        let batch = store.read::<_, StoreError, _>(move |tx| tx.search_batch(workspace)).await.unwrap().unwrap();
        let again = store.read::<_, StoreError, _>(move |tx| tx.search_batch(workspace)).await.unwrap().unwrap();
        assert!(write(store, move |tx| tx.apply_search_batch(workspace, &batch)).await);
        assert!(!write(store, move |tx| tx.apply_search_batch(workspace, &again)).await, "two nodes at once");
        let entries = scene.count(&ENTRIES).await;
        // The log was emptied before the search had read it; and a read from the begin adds nothing twice.
        scene.receive(ana("wamid.2", START.plus(1_000), "second of all")).await;
        let later = scene.test.now().plus(1);
        write(store, move |tx| {
            tx.delete_events_before(workspace, later)?;
            tx.execute(&FORGET_MARK, &[&workspace])
        })
        .await;
        scene.advance(60_000);
        scene.receive(ana("wamid.3", START.plus(60_000), "third of all")).await;
        scene.index().await;
        assert_eq!(scene.found(&boss, "all").await.len(), 3, "{}", scene.test.engine);
        assert_eq!(scene.count(&ENTRIES).await, entries + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_deleted_while_a_batch_waits_are_not_added() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "My secret number")).await;
        let (store, workspace) = (scene.store(), scene.workspace());
        let batch = store.read::<_, StoreError, _>(move |tx| tx.search_batch(workspace)).await.unwrap().unwrap();
        let content = serde_json::json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}});
        scene.receive(message(phone(ANA), "wamid.2", START.plus(1_000), content)).await;
        assert!(write(store, move |tx| tx.apply_search_batch(workspace, &batch)).await);
        scene.index().await;
        assert!(scene.found(&boss, "secret ").await.is_empty(), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_of_one_moment_are_all_found() {
    const MANY: usize = 2_300;
    let scene = Scene::new(segue_testkit::sqlite_store().await).await;
    let boss = scene.user("Kim", Role::Supervisor).await;
    for number in 0..MANY {
        scene.receive(ana(&format!("wamid.{number}"), START, &format!("Question n{number}x"))).await;
    }
    scene.index().await;
    for number in [0, 1, MANY / 2, MANY - 1] {
        assert_eq!(scene.found(&boss, &format!("n{number}x ")).await.len(), 1, "{number}");
    }
    assert!(scene.count(&ENTRIES).await >= MANY as i64, "each has a place, though a millisecond has few");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flight_of_a_message_names_its_hops_in_their_order() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let session = scene.accepted(&sam).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let inbound = scene.transcript(session.id).await.into_iter().find(|entry| entry.text == "Hello").unwrap();
        let steps = |flight: &flight::Flight| flight.hops.iter().map(|hop| hop.step).collect::<Vec<_>>();
        let came = flight::get(store, workspace, session.id, inbound.id).await.unwrap();
        assert_eq!(steps(&came), [HopStep::SentByCustomer, HopStep::WebhookStored, HopStep::Processed]);
        assert_eq!(came.hops[1].at, came.hops[2].at, "without a row of its own it was stored where it stands");
        assert_eq!(came.provider_id.as_deref(), Some("wamid.1"));
        assert_eq!(came.hops[0].at, Some(START));
        let reply: NewReply =
            serde_json::from_value(serde_json::json!({"kind": "text", "text": "Hi Ana", "client_id": "c1"})).unwrap();
        let sent = messages::send(store, ctx, workspace, &sam, session.id, reply).await.unwrap();
        let left = flight::get(store, workspace, session.id, sent.id).await.unwrap();
        assert_eq!(steps(&left), [HopStep::Created]);
        assert_eq!(left.hops[0].at, Some(scene.test.now()));
        let missing = flight::get(store, workspace, session.id, ctx.id()).await.unwrap_err();
        assert_eq!(missing.code(), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_log_does_not_bring_back_what_a_deleted_contact_wrote() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "My secret is rosebud")).await;
        scene.receive(other("wamid.2", START, "No secret here")).await;
        scene.index().await;
        let sessions = scene.sessions().await;
        let number = format!("+{ANA}").parse().ok();
        let session = sessions.iter().find(|session| session.customer.phone == number);
        let contact = session.unwrap().customer.contact_id.unwrap();
        let (store, workspace, id, now) = (scene.store(), scene.workspace(), scene.ctx().id(), scene.test.now());
        write(store, move |tx| tx.delete_contacts(workspace, id, &[contact], "system", now)).await;
        scene.index().await;
        scene.advance(60_000);
        scene.receive(ana("wamid.3", START.plus(60_000), "Another secret")).await;
        let later = scene.test.now().plus(1);
        write(store, move |tx| {
            tx.delete_events_before(workspace, later)?;
            tx.execute(&FORGET_MARK, &[&workspace])
        })
        .await;
        scene.advance(60_000);
        scene.receive(other("wamid.4", START.plus(120_000), "Still no secret")).await;
        scene.index().await;
        let mut found = scene.found(&boss, "secret").await;
        found.sort();
        assert_eq!(found, ["Another secret", "No secret here", "Still no secret"], "{}", scene.test.engine);
        // Whoever is brought back is found again.
        write(store, move |tx| tx.restore_contacts(workspace, id, now)).await;
        scene.index().await;
        assert_eq!(scene.found(&boss, "rosebud").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_parted_customer_wrote_is_no_longer_among_the_others() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "a lamp at home")).await;
        scene.advance(60_000);
        scene.receive(other("wamid.2", START.plus(60_000), "a lamp at work")).await;
        scene.index().await;
        let hits = scene.find(&boss, "lamp").await;
        let (work, home) = (&hits[0], &hits[1]);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let count = async || {
            let messaging_user_id = Some(home.messaging_user_id);
            let request = Request { text: "lamp".to_owned(), messaging_user_id, limit: 9, ..Request::default() };
            search::messages(store, workspace, &boss, request).await.unwrap().data.len()
        };
        assert_eq!(count().await, 1);
        let id = home.session_id;
        segue_desk::customers::merge(store, ctx, workspace, &boss, id, work.messaging_user_id).await.unwrap();
        assert_eq!(count().await, 2, "{}", scene.test.engine);
        let merge = segue_desk::customers::merges(store, workspace, id).await.unwrap().remove(0);
        segue_desk::customers::part(store, ctx, workspace, &boss, id, merge.id).await.unwrap();
        assert_eq!(count().await, 1, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_while_two_were_one_is_found_by_whose_it_is_when_they_are_parted() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "a lamp at home")).await;
        scene.advance(60_000);
        scene.receive(other("wamid.2", START.plus(60_000), "a lamp at work")).await;
        scene.index().await;
        let hits = scene.find(&boss, "lamp").await;
        let (work, home) = (&hits[0], &hits[1]);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let texts = async |hit: &SearchHit| {
            let messaging_user_id = Some(hit.messaging_user_id);
            let request = Request { text: "lamp".to_owned(), messaging_user_id, limit: 9, ..Request::default() };
            let hits = search::messages(store, workspace, &boss, request).await.unwrap().data;
            let text = |hit: &SearchHit| hit.excerpt.iter().map(|piece| piece.text.as_str()).collect::<String>();
            hits.iter().map(text).collect::<Vec<String>>()
        };
        // The older conversation, of the one that is no more, goes on.
        let id = work.session_id;
        segue_desk::customers::merge(store, ctx, workspace, &boss, id, home.messaging_user_id).await.unwrap();
        scene.advance(60_000);
        scene.receive(ana("wamid.3", START.plus(120_000), "a lamp in the garden")).await;
        scene.index().await;
        assert_eq!(texts(work).await, ["a lamp in the garden", "a lamp at work", "a lamp at home"]);
        let merge = segue_desk::customers::merges(store, workspace, id).await.unwrap().remove(0);
        segue_desk::customers::part(store, ctx, workspace, &boss, id, merge.id).await.unwrap();
        let engine = scene.test.engine;
        assert_eq!(texts(work).await, ["a lamp at work"], "{engine}: at once");
        scene.index().await;
        assert_eq!(texts(work).await, ["a lamp at work"], "{engine}");
        assert_eq!(texts(home).await, ["a lamp in the garden", "a lamp at home"], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_changed_is_found_by_its_new_words_and_what_was_deleted_by_none() {
    use serde_json::json;
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        let change = |wamid: &str, seconds: i64, body: serde_json::Value| {
            message(phone(ANA), wamid, START.plus(seconds * 1_000), body)
        };
        let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.1",
            "message": {"type": "text", "text": {"body": "A green lamp"}}}});
        let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}});
        scene.receive(ana("wamid.1", START, "A blue lamp")).await;
        scene.index().await;
        scene.receive(change("wamid.2", 10, edit)).await;
        assert!(scene.find(&boss, "blue").await.is_empty(), "{}: at once", scene.test.engine);
        assert_eq!(scene.found(&boss, "green").await, ["A green lamp"]);
        scene.index().await;
        assert_eq!(scene.find(&boss, "lamp").await.len(), 1);
        scene.receive(change("wamid.3", 20, revoke)).await;
        scene.index().await;
        assert!(scene.find(&boss, "lamp").await.is_empty(), "{}", scene.test.engine);
    }
}
