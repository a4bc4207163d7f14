//! The service window as a list shows it.

use segue_desk::sessions::{ListSessions, list};
use segue_model::{actor::Actor, role::Role, time};
use segue_store::session::{SessionFilter, SessionOrder};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

async fn closing(scene: &Scene, actor: &Actor, within: Option<u32>) -> Vec<String> {
    listed(scene, actor, SessionOrder::Closing, within).await
}

async fn listed(scene: &Scene, actor: &Actor, order: SessionOrder, within: Option<u32>) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let request =
            ListSessions { view: SessionFilter::Open, order, closing_within: within, search: None, cursor, limit: 2 };
        let page = list(scene.store(), scene.workspace(), actor, scene.test.now(), request).await.unwrap();
        assert!(page.data.len() <= 2);
        found.extend(page.data.into_iter().filter_map(|session| session.customer.phone).map(|phone| phone.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_by_what_closes_next_page_by_page() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        let agent = scene.agent("Sam").await;
        // The second one wrote first; the fourth one long ago.
        for (number, hours) in [("15550100011", 5), ("15550100012", 1), ("15550100013", 3), ("15550100014", -30)] {
            scene.receive(text(phone(number), number, START.plus(hours * time::HOUR), "Hi")).await;
        }
        scene.advance(6 * time::HOUR);
        let all = ["+15550100012", "+15550100013", "+15550100011"];
        assert_eq!(closing(&scene, &boss, None).await, all, "only open windows, in their order");
        assert_eq!(closing(&scene, &boss, Some(20 * 60)).await, all[..1], "24 hours after its last message");
        assert_eq!(closing(&scene, &agent, None).await, [""; 0], "none is the agent's");
        scene.advance(19 * time::HOUR);
        assert_eq!(closing(&scene, &boss, None).await, all[1..], "a closed window is not about to close");
    }
}

/// Indexes know times to ten seconds; the order is exact all the same.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_differ_by_seconds_stand_in_their_order() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        let [a, b, c, d, e] = ["15550100011", "15550100012", "15550100013", "15550100014", "15550100015"];
        // Two write again: one in the same ten seconds, the other in the next.
        let mut passed = 0;
        for (number, seconds) in [(a, 0), (d, 3), (b, 4), (b, 8), (e, 11), (c, 12), (a, 13)] {
            scene.advance((seconds - passed) * time::SECOND);
            passed = seconds;
            let id = format!("{number}-{seconds}");
            scene.receive(text(phone(number), &id, scene.test.now(), "Hi")).await;
        }
        let expected = [d, b, e, c, a].map(|number| format!("+{number}"));
        assert_eq!(closing(&scene, &boss, None).await, expected, "{}", scene.test.engine);
        let mut newest = listed(&scene, &boss, SessionOrder::Latest, None).await;
        newest.reverse();
        assert_eq!(newest, expected, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advertisement_opens_the_free_entry_point_with_the_first_answer() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        let ad = json!({ "type": "text", "text": { "body": "Is it there?" },
            "referral": { "source_type": "ad", "source_id": "1", "source_url": "https://fb.me/x", "headline": "Tents" } });
        scene.receive(message(phone(ANA), "wamid.1", START, ad)).await;
        let session = scene.session().await;
        let answered = scene.test.now();
        assert_eq!(session.free_entry_until, Some(answered.plus(72 * time::HOUR)), "the opt-in message answered it");
        scene.advance(25 * time::HOUR);
        scene.available(&agent).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        scene.accept(&agent, offer).await.unwrap();
        let refused = scene.reply(&agent, session.id, "1", "Yes").await.unwrap_err();
        assert_eq!(refused.code(), "window_closed", "free of charge is not free text");
        scene.receive(ana("wamid.2", scene.test.now(), "Hello?")).await;
        assert_eq!(scene.session().await.free_entry_until, session.free_entry_until, "it is not prolonged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_advertisement_ends_no_free_entry_point_and_its_answer_prolongs_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        let ad = |wamid: &str, at| {
            let referral = json!({ "source_type": "ad", "source_id": "1", "source_url": "https://fb.me/x" });
            message(phone(ANA), wamid, at, json!({ "type": "text", "text": { "body": "Hi" }, "referral": referral }))
        };
        scene.receive(ad("wamid.1", START)).await;
        let first = scene.session().await.free_entry_until;
        assert!(first.is_some(), "{}", scene.test.engine);
        scene.receive(ana("wamid.2", START.plus(1_000), "Hello?")).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        scene.accept(&agent, offer).await.unwrap();
        scene.advance(time::HOUR);
        let came = scene.test.now();
        scene.receive(ad("wamid.3", came)).await;
        let session = scene.session().await;
        assert_eq!(session.free_entry_until, first, "{}: it stays open", scene.test.engine);
        scene.advance(time::MINUTE);
        scene.reply(&agent, session.id, "1", "Yes").await.unwrap();
        let longer = Some(scene.test.now().plus(72 * time::HOUR));
        assert_eq!(scene.session().await.free_entry_until, longer, "{}", scene.test.engine);
        // What comes late was answered long ago.
        scene.advance(time::MINUTE);
        scene.receive(ad("wamid.4", came.plus(-time::MINUTE))).await;
        scene.reply(&agent, session.id, "2", "Still yes").await.unwrap();
        assert_eq!(scene.session().await.free_entry_until, longer, "{}: nothing new", scene.test.engine);
    }
}
