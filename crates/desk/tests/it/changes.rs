//! What customers change of what they wrote.

use segue_model::{
    consent::{ConsentState, Medium, Purpose},
    session::{OptIn, SessionState},
};
use segue_store::{Sql, message::MessageView};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

static TOLD: Sql =
    Sql::portable("TOLD", "SELECT COUNT(*) FROM events WHERE workspace_id = $1 AND kind = 'message.updated'");
static WORDS: Sql =
    Sql::portable("WORDS", "SELECT COALESCE(text, '') FROM message_changes WHERE workspace_id = $1 ORDER BY at");

fn edit(wamid: &str, seconds: i64, original: &str, body: &str) -> segue_channels::whatsapp::InboundMessage {
    let content = json!({"type": "edit", "edit": {"original_message_id": original,
        "message": {"type": "text", "text": {"body": body}}}});
    message(phone(ANA), wamid, START.plus(seconds * 1_000), content)
}

fn revoke(wamid: &str, seconds: i64, original: &str) -> segue_channels::whatsapp::InboundMessage {
    let content = json!({"type": "revoke", "revoke": {"original_message_id": original}});
    message(phone(ANA), wamid, START.plus(seconds * 1_000), content)
}

async fn first(scene: &Scene) -> MessageView {
    scene.transcript(scene.session().await.id).await.remove(0)
}

fn earlier(entry: &MessageView) -> Vec<String> {
    let details = entry.details.clone().unwrap_or_default();
    details.earlier.into_iter().map(|wording| wording.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_in_the_message_and_the_earlier_words_can_be_seen_in_whatever_order_they_come() {
    for order in [[0, 1], [1, 0]] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            scene.receive(ana("wamid.1", START, "At one")).await;
            let before = scene.transcript(scene.session().await.id).await.len();
            let edits = [("wamid.2", 10, "At two"), ("wamid.3", 20, "At three")];
            for (wamid, seconds, body) in order.map(|number: usize| edits[number]) {
                scene.receive(edit(wamid, seconds, "wamid.1", body)).await;
                scene.receive(edit(wamid, seconds, "wamid.1", body)).await;
            }
            let entry = first(&scene).await;
            assert_eq!(entry.text, "At three", "{}", scene.test.engine);
            assert_eq!(earlier(&entry), ["At one", "At two"]);
            assert!(entry.details.unwrap().edited);
            let session = scene.session().await;
            assert_eq!(scene.transcript(session.id).await.len(), before, "no entry beside it");
            assert_eq!(scene.count(&TOLD).await, 2, "told to the screens once each");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_unless_the_channel_keeps_it() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.receive(ana("wamid.1", START, "My secret")).await;
        scene.receive(edit("wamid.2", 10, "wamid.1", "My other secret")).await;
        scene.receive(revoke("wamid.3", 20, "wamid.1")).await;
        // An edit that was on its way comes later and brings nothing back.
        scene.receive(edit("wamid.4", 15, "wamid.1", "My third secret")).await;
        let entry = first(&scene).await;
        let details = entry.details.clone().unwrap();
        assert_eq!((entry.text.as_str(), details.deleted_at), ("", Some(START.plus(20_000))), "{}", scene.test.engine);
        assert!(details.earlier.is_empty());
        let words = scene.texts(&WORDS).await;
        assert_eq!(words.len(), 4, "that it was changed is recorded: {words:?}");
        assert!(words.iter().all(String::is_empty), "{words:?}");
        let lines = scene.lines(scene.session().await.id).await.join("|");
        assert!(!lines.contains("secret"), "{lines}");

        scene.set(|settings| settings.keep_deleted = true).await;
        scene.receive(ana("wamid.5", START.plus(30_000), "Kept")).await;
        scene.receive(revoke("wamid.6", 40, "wamid.5")).await;
        let session = scene.session().await;
        let kept = scene.transcript(session.id).await.into_iter().find(|entry| entry.text == "Kept").unwrap();
        assert_eq!(kept.details.unwrap().deleted_at, Some(START.plus(40_000)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_what_others_wrote_and_a_no_in_new_words_is_obeyed() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let stranger = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}});
        scene.receive(message(phone("15550100002"), "wamid.2", START.plus(1_000), stranger)).await;
        let session = scene.sessions().await.into_iter().find(|session| session.customer.name == "Ana Lopez").unwrap();
        let entry = scene.transcript(session.id).await.remove(0);
        assert_eq!(entry.text, "Hello", "{}", scene.test.engine);
        scene.receive(edit("wamid.3", 10, "wamid.1", "STOP")).await;
        let (workspace, address) = (scene.workspace(), format!("+{ANA}"));
        let consent =
            write(scene.store(), move |tx| tx.consent_state(workspace, Medium::WhatsApp, &address, Purpose::Marketing));
        assert_eq!(consent.await.state, ConsentState::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_comes_before_its_message_is_heard_as_that_message() {
    for test in engines().await {
        let scene = crate::bot::greeted(test).await;
        let asked = async |id| scene.lines(id).await.into_iter().rfind(|line| line.starts_with("bot: ")).unwrap();
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        assert_eq!(asked(id).await, "bot: What is your name?");
        scene.advance(2_000);
        scene.receive(edit("wamid.3", 2, "wamid.2", "Maria")).await;
        assert_eq!(asked(id).await, "bot: What is it about?", "{}", scene.test.engine);
        scene.advance(2_000);
        scene.receive(edit("wamid.5", 4, "wamid.4", "STOP")).await;
        let session = scene.session().await;
        assert_eq!((session.state, session.opt_in.state), (SessionState::Ended, OptIn::Declined));
        let (workspace, address) = (scene.workspace(), format!("+{ANA}"));
        let consent =
            write(scene.store(), move |tx| tx.consent_state(workspace, Medium::WhatsApp, &address, Purpose::Marketing));
        assert_eq!(consent.await.state, ConsentState::Revoked, "{}", scene.test.engine);
    }
}

static FILES: Sql =
    Sql::portable("FILES", "SELECT COUNT(*) FROM messages WHERE workspace_id = $1 AND media_id IS NOT NULL");

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_picture_is_in_no_list_of_files() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let picture = json!({"type": "image", "image": {"id": "77", "mime_type": "image/jpeg", "sha256": "00"}});
        scene.receive(message(phone(ANA), "wamid.1", START, picture)).await;
        assert_eq!(scene.count(&FILES).await, 1, "{}", scene.test.engine);
        scene.receive(revoke("wamid.2", 10, "wamid.1")).await;
        assert_eq!(scene.count(&FILES).await, 0, "{}", scene.test.engine);
    }
}

/// All orders of what came.
fn orders<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for (place, first) in all.iter().enumerate() {
        let mut rest = all.to_vec();
        rest.remove(place);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            found.push(order);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_its_message_ends_as_if_it_had_come_after_it() {
    let said = ana("wamid.1", START, "At one");
    let picture =
        json!({"type": "image", "image": {"id": "77", "mime_type": "image/jpeg", "sha256": "00", "caption": "One"}});
    let picture = message(phone(ANA), "wamid.1", START, picture);
    let (two, three) = (edit("wamid.2", 10, "wamid.1", "At two"), edit("wamid.3", 20, "wamid.1", "At three"));
    let gone = revoke("wamid.4", 30, "wamid.1");
    let cases: [(Vec<_>, &str, &[&str], bool, i64); 5] = [
        (vec![said.clone(), two.clone()], "At two", &["At one"], false, 0),
        (vec![said.clone(), two.clone(), three], "At three", &["At one", "At two"], false, 0),
        (vec![said.clone(), gone.clone()], "", &[], true, 0),
        (vec![picture.clone(), two.clone()], "At two", &["One"], false, 1),
        (vec![picture, two, gone], "", &[], true, 0),
    ];
    for (all, text, before, is_deleted, files) in cases {
        for order in orders(&all) {
            for test in engines().await {
                let scene = Scene::new(test).await;
                let names: Vec<String> = order.iter().map(|one| one.wamid.clone()).collect();
                for one in &order {
                    scene.receive(one.clone()).await;
                    scene.receive(one.clone()).await;
                }
                let session = scene.session().await;
                let mut entries = scene.transcript(session.id).await;
                entries.retain(|entry| entry.author.kind == segue_store::message::AuthorKind::Customer);
                let what = format!("{} {names:?}", scene.test.engine);
                assert_eq!(entries.len(), 1, "{what}: one entry");
                let entry = entries.remove(0);
                assert_eq!(
                    (entry.text.as_str(), earlier(&entry)),
                    (text, before.iter().map(|one| (*one).to_owned()).collect()),
                    "{what}"
                );
                let details = entry.details.unwrap();
                assert_eq!((details.deleted_at.is_some(), details.edited), (is_deleted, !is_deleted), "{what}");
                assert_eq!(scene.count(&FILES).await, files, "{what}");
                assert_eq!(scene.count(&EARLY).await, 0, "{what}: nothing is remembered any more");
            }
        }
    }
}

static EARLY: Sql = Sql::portable("EARLY", "SELECT COUNT(*) FROM early_deletions WHERE workspace_id = $1");

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_touches_nobody_elses_message_and_is_forgotten_after_a_while() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let stranger = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.1"}});
        scene.receive(message(phone("15550100002"), "wamid.2", START, stranger)).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(first(&scene).await.text, "Hello", "{}", scene.test.engine);
        assert_eq!(scene.count(&EARLY).await, 1);
        let (workspace, now) = (scene.workspace(), scene.test.now());
        write(scene.store(), move |tx| tx.delete_old_early_deletions(workspace, now)).await;
        assert_eq!(scene.count(&EARLY).await, 1, "{}: it may still come", scene.test.engine);
        write(scene.store(), move |tx| tx.delete_old_early_deletions(workspace, now.plus(1))).await;
        assert_eq!(scene.count(&EARLY).await, 0);
        // A no that was written first and edited away is obeyed, too.
        scene.receive(edit("wamid.6", 40, "wamid.5", "Go on")).await;
        scene.receive(ana("wamid.5", START.plus(30_000), "STOP")).await;
        let address = format!("+{ANA}");
        let consent =
            write(scene.store(), move |tx| tx.consent_state(workspace, Medium::WhatsApp, &address, Purpose::Marketing));
        assert_eq!(consent.await.state, ConsentState::Revoked, "{}", scene.test.engine);
    }
}
