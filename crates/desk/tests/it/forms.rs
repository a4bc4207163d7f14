//! Forms that agents offer, and what stands above and below a text.

use segue_desk::{
    DeskError,
    messages::{Draft, NewReply, send},
};
use segue_model::FormId;
use segue_store::{
    form::ListedForm,
    message::{AuthorKind, MessageView},
};
use segue_testkit::engines;
use serde_json::{Value, json};

use crate::scene::*;

async fn form(scene: &Scene, name: &str) -> FormId {
    let workspace_id = scene.workspace();
    let forms = write(scene.store(), move |tx| tx.forms(workspace_id)).await;
    forms.iter().find(|form| form.name == name).unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_form_of_the_number_is_offered_and_its_answers_are_shown_by_field() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let id = scene.accepted(&agent).await.id;
        let other = scene.test.whatsapp_channel("other", "http://127.0.0.1:1").await;
        let listed = |name: &str, status: &str| ListedForm {
            provider_id: format!("id of {name}"),
            name: name.to_owned(),
            status: status.to_owned(),
            categories: Vec::new(),
        };
        let (workspace_id, channel_id, ctx) = (scene.workspace(), scene.channel.id, scene.ctx().clone());
        let (own, theirs) =
            ([listed("visit", "PUBLISHED"), listed("unready", "DRAFT")], [listed("elsewhere", "PUBLISHED")]);
        write(scene.store(), move |tx| {
            tx.replace_forms(workspace_id, channel_id, &own, &ctx)?;
            tx.replace_forms(workspace_id, other.id, &theirs, &ctx)
        })
        .await;
        let reply = async |client_id: &str, draft: Value| -> Result<MessageView, DeskError> {
            let draft: Draft = serde_json::from_value(draft).unwrap();
            let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
            send(scene.store(), scene.ctx(), scene.workspace(), &agent, id, reply).await
        };
        let offer = |form_id: FormId, label: &str| {
            json!({"kind": "form", "form_id": form_id, "text": "When do you come?", "label": label,
                "header": "A visit", "footer": " "})
        };
        let (visit, unready, elsewhere) =
            (form(&scene, "visit").await, form(&scene, "unready").await, form(&scene, "elsewhere").await);
        for (client_id, draft, code) in [
            ("a", offer(unready, "Book"), "invalid_content"),
            ("b", offer(elsewhere, "Book"), "not_found"),
            ("c", offer(visit, "A label of far too many letters"), "invalid_content"),
            ("d", offer(visit, " "), "invalid_content"),
            (
                "e",
                json!({"kind": "buttons", "text": "Well?", "buttons": [{"id": "y", "title": "Yes"}],
                "footer": "x".repeat(61)}),
                "invalid_content",
            ),
        ] {
            assert_eq!(reply(client_id, draft).await.unwrap_err().code(), code, "{client_id}");
        }
        let sent = reply("1", offer(visit, "Book")).await.unwrap();
        let details = sent.details.unwrap();
        assert_eq!(details.offers.map(|form| (form.name, form.label)), Some(("visit".to_owned(), "Book".to_owned())));
        assert_eq!((details.header.as_deref(), details.footer), (Some("A visit"), None), "a blank one is none");
        assert_eq!(sent.text, "When do you come?");
        let buttons = json!({"kind": "buttons", "text": "Well?", "buttons": [{"id": "y", "title": "Yes"}],
            "footer": "Until Friday"});
        let framed = reply("2", buttons).await.unwrap();
        assert_eq!(framed.details.unwrap().footer.as_deref(), Some("Until Friday"));

        let answer = json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow",
            "body": "Sent", "response_json": format!("{{\"day\":\"2026-12-01\",\"flow_token\":\"{}\"}}", sent.id)}}});
        scene.receive(message(phone(ANA), "wamid.form", START.plus(9_000), answer)).await;
        let entries = scene.transcript(id).await;
        let answered = entries.iter().rev().find(|entry| entry.author.kind == AuthorKind::Customer).unwrap();
        let form = answered.details.as_ref().unwrap().form.clone();
        assert_eq!(form.len(), 1, "{}: the token is nobody's answer", scene.test.engine);
        assert_eq!((form[0].field.as_str(), form[0].answer.as_str()), ("day", "2026-12-01"));
    }
}
