//! What bots send: which files stay, and what becomes of forms.

use segue_model::{FlowVersionId, MediaId, SessionId, time};
use segue_store::{
    flow::{FlowRun, NewVersion, RunStatus},
    form::ListedForm,
    media::NewMedia,
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::write;

async fn upload(test: &TestStore) -> MediaId {
    let media = NewMedia { id: test.ctx.id(), mime: "image/png".to_owned(), file_name: None, data: vec![7; 10] };
    let (workspace_id, now, id) = (test.workspace_id(), test.now(), media.id);
    write(test, move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

async fn publish(test: &TestStore, source: &'static str, files: &[MediaId]) -> FlowVersionId {
    let (ws, now, fresh, files) = (test.workspace_id(), test.now(), (test.ctx.id(), test.ctx.id()), files.to_vec());
    write(test, move |tx| {
        let version = NewVersion { slug: "bot", name: "Bot", source, files: &files };
        tx.publish_flow(ws, version, fresh, now)?;
        Ok(tx.published_flow_of_slug(ws, "bot")?.unwrap().id)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_bot_stays_until_no_conversation_can_get_it_any_more() {
    for test in engines().await {
        let test = &test;
        let (ws, old, new) = (test.workspace_id(), upload(test).await, upload(test).await);
        let first = publish(test, "one", &[old, new]).await;
        assert_eq!(publish(test, "one", &[old, new]).await, first, "{}: the same text again", test.engine);
        let removed = async || {
            test.clock.advance(time::DAY);
            let now = test.now();
            write(test, move |tx| tx.remove_unsent_uploads(ws, now, 9, now)).await.1
        };
        assert_eq!(removed().await, 0, "{}: it is published", test.engine);
        let (session, now): (SessionId, _) = (test.ctx.id(), test.now());
        let run = FlowRun { flow_version_id: first, state: json!({}), status: RunStatus::Waiting, turn: 0 };
        assert!(write(test, move |tx| tx.insert_flow_run(ws, session, &run, now)).await);
        publish(test, "two", &[new]).await;
        assert_eq!(removed().await, 0, "{}: a conversation still follows the old version", test.engine);
        assert!(write(test, move |tx| tx.end_flow_run(ws, session, RunStatus::Ended, now)).await);
        assert_eq!(removed().await, 1, "{}", test.engine);
        assert_eq!(write(test, move |tx| tx.media(ws, old)).await, None);
        assert!(write(test, move |tx| tx.media(ws, new)).await.is_some(), "{}", test.engine);
        // A message with it goes; the bot still sends it.
        assert!(!write(test, move |tx| tx.let_go_of_media(ws, new, "gone", now)).await, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_found_by_its_name_at_the_number_while_it_is_published() {
    for test in engines().await {
        let test = &test;
        let (ws, ctx) = (test.workspace_id(), test.ctx.clone());
        let one = test.whatsapp_channel("one", "http://127.0.0.1:1").await.id;
        let other = test.whatsapp_channel("other", "http://127.0.0.1:1").await.id;
        let listed = |provider_id: &str, name: &str, status: &str| ListedForm {
            provider_id: provider_id.to_owned(),
            name: name.to_owned(),
            status: status.to_owned(),
            categories: Vec::new(),
        };
        let forms =
            [listed("1", "visit", "DEPRECATED"), listed("2", "visit", "PUBLISHED"), listed("3", "new", "DRAFT")];
        write(test, move |tx| tx.replace_forms(ws, one, &forms, &ctx)).await;
        let found = async |channel, name: &'static str| {
            write(test, move |tx| tx.published_form(ws, channel, name)).await.map(|form| form.provider_id)
        };
        assert_eq!(found(one, "visit").await.as_deref(), Some("2"), "{}", test.engine);
        assert_eq!(found(one, "new").await, None, "{}: a draft", test.engine);
        assert_eq!(found(other, "visit").await, None, "{}: forms are of a number", test.engine);
        let now = test.now();
        let told = async |status: &'static str, after: i64| {
            write(test, move |tx| tx.set_form_status(ws, "2", status, now.plus(after))).await;
        };
        told("BLOCKED", -1).await;
        assert!(found(one, "visit").await.is_some(), "{}: the list is newer", test.engine);
        told("BLOCKED", 20).await;
        told("PUBLISHED", 10).await;
        assert_eq!(found(one, "visit").await, None, "{}: what came late is older", test.engine);
        told("PUBLISHED", 30).await;
        assert!(found(one, "visit").await.is_some(), "{}", test.engine);
    }
}
