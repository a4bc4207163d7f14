//! What agents send.

use segue_desk::{
    DeskError,
    messages::{Draft, NewReply, send},
};
use segue_model::{
    Ctx, TemplateId,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, Medium, Purpose, Scope},
    role::Role,
    time,
};
use segue_store::{
    consent::{ConsentError, ConsentExtent, NewConsentEvent},
    message::{MessageKind, MessageState, MessageView},
    template::ListedTemplate,
};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

async fn reply(scene: &Scene, actor: &Actor, client_id: &str, draft: Draft) -> Result<MessageView, DeskError> {
    let id = scene.session().await.id;
    let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
    send(scene.store(), scene.ctx(), scene.workspace(), actor, id, reply).await
}

fn code(result: Result<MessageView, DeskError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_sent_once_however_often_the_console_asks() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.accepted(&agent).await;
        let sends = (0..8).map(|_| reply(&scene, &agent, "tab-1", text_draft("Hi Ana")));
        let sent = futures::future::join_all(sends).await;
        let first = sent[0].as_ref().unwrap();
        assert!(sent.iter().all(|again| again.as_ref().unwrap().id == first.id));
        assert_eq!(first.state, Some(MessageState::Pending));
        assert_eq!((first.author.name.as_deref(), first.client_id.as_deref()), (Some("Sam"), Some("tab-1")));
        let keys = scene.texts(&OUTBOX).await;
        assert_eq!(keys.iter().filter(|key| key.starts_with("agent:")).count(), 1);
        assert_eq!(scene.session().await.last_message.unwrap().text, "Hi Ana");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sessions_agent_replies_and_only_while_it_is_open() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let boss = scene.user("Boss", Role::Supervisor).await;
        scene.accepted(&sam).await;
        assert_eq!(code(reply(&scene, &kim, "1", text_draft("Hi")).await), "not_owner");
        assert_eq!(code(reply(&scene, &boss, "2", text_draft("Hi")).await), "not_owner");
        let note = reply(&scene, &boss, "3", Draft::Note { text: "Offer a refund".to_owned() }).await.unwrap();
        assert_eq!((note.kind, note.state), (MessageKind::Note, None), "a note goes nowhere");
        assert_eq!(scene.session().await.unread_count, 1, "{}: Sam has not read it", scene.test.engine);
        assert_eq!(code(reply(&scene, &kim, "4", Draft::Note { text: "Hm".to_owned() }).await), "not_owner");
        assert_eq!(code(reply(&scene, &sam, "4a", Draft::Note { text: "I do".to_owned() }).await), "sent");
        assert_eq!(scene.session().await.unread_count, 0, "the agent's own says that it is read");
        let id = scene.session().await.id;
        segue_desk::routing::take_over(scene.store(), scene.ctx(), scene.workspace(), &boss, id).await.unwrap();
        assert_eq!(code(reply(&scene, &sam, "5", text_draft("Hi")).await), "not_owner");
        assert_eq!(code(reply(&scene, &boss, "6", text_draft("Hi")).await), "sent");
        let end = segue_desk::closing::EndSession {
            case: segue_desk::closing::CaseFate::KeepOpen,
            outcome: segue_store::session::SessionOutcome::None,
            reason: None,
        };
        segue_desk::closing::end(scene.store(), scene.ctx(), scene.workspace(), &boss, id, end).await.unwrap();
        assert_eq!(code(reply(&scene, &boss, "7", text_draft("Hi")).await), "session_ended");
        assert_eq!(code(reply(&scene, &boss, "6", text_draft("Hi")).await), "sent", "a repeat still gets its answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_only_an_approved_template_goes() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.accepted(&agent).await;
        let (approved, paused) = templates(&scene, &scene.ctx().clone()).await;
        scene.advance(24 * time::HOUR + 1);
        assert_eq!(code(reply(&scene, &agent, "1", text_draft("Hi")).await), "window_closed");
        let template = |template_id, parameters: &[&str]| Draft::Template {
            template_id,
            parameters: parameters.iter().map(|value| (*value).to_owned()).collect(),
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer_ends_at: None,
        };
        assert_eq!(code(reply(&scene, &agent, "2", template(approved, &[])).await), "template_parameters");
        assert_eq!(code(reply(&scene, &agent, "2", template(approved, &["Ana", " "])).await), "template_parameters");
        assert_eq!(code(reply(&scene, &agent, "3", template(paused, &[])).await), "template_not_approved");
        let unknown = scene.ctx().id();
        assert_eq!(code(reply(&scene, &agent, "4", template(unknown, &[])).await), "template_unknown");
        // The customer says no to it, which the agent learns before anything is written.
        let (workspace_id, ctx) = (scene.workspace(), scene.ctx().clone());
        let say = async |action: ConsentAction, method: ConsentMethod| {
            scene.advance(1);
            let (ctx, now) = (ctx.clone(), scene.test.now());
            let event = NewConsentEvent {
                medium: Medium::WhatsApp,
                address: format!("+{ANA}"),
                purpose: Purpose::Service,
                action,
                method,
                wording: Some("No more of these".to_owned()),
                proof: None,
                actor: "test".to_owned(),
                occurred_at: now,
            };
            let extent = ConsentExtent::of(Scope::Template("ready".to_owned()));
            let recorded = scene.store().write::<_, ConsentError, _>(move |tx| {
                tx.record_consent_within(workspace_id, &event, &extent, &ctx).map(drop)
            });
            recorded.await.unwrap();
        };
        say(ConsentAction::Revoke, ConsentMethod::Agent).await;
        assert_eq!(code(reply(&scene, &agent, "5", template(approved, &["Ana", "42"])).await), "template_refused");
        say(ConsentAction::Grant, ConsentMethod::InChat).await;
        let sent = reply(&scene, &agent, "5", template(approved, &["Ana", "42"])).await.unwrap();
        assert_eq!(sent.text, "Hi Ana, order 42 is ready.");
        assert_eq!(sent.template.unwrap().parameters, ["Ana", "42"]);
        // The session is quiet until the customer writes again; the agent keeps it.
        let (ctx, workspace_id) = (scene.ctx().clone(), scene.workspace());
        let quiet =
            scene.store().write(move |tx| segue_desk::sessions::go_quiet(tx, &ctx, workspace_id)).await.unwrap();
        assert_eq!((quiet, scene.session().await.state.as_str()), (1, "inactive"));
        scene.receive(ana("wamid.2", scene.test.now(), "Thanks")).await;
        assert_eq!(scene.session().await.state.as_str(), "active");
        assert_eq!(code(reply(&scene, &agent, "6", text_draft("Hi")).await), "sent");
    }
}

pub async fn templates(scene: &Scene, ctx: &Ctx) -> (TemplateId, TemplateId) {
    let listed = |name: &str, status: &str, body: &str| ListedTemplate {
        name: name.to_owned(),
        language: "en".to_owned(),
        category: "UTILITY".to_owned(),
        status: status.to_owned(),
        components: json!([{ "type": "BODY", "text": body }]),
        ..ListedTemplate::default()
    };
    let all = [listed("ready", "APPROVED", "Hi {{1}}, order {{2}} is ready."), listed("old", "PAUSED", "We miss you.")];
    let (workspace_id, channel_id, ctx) = (scene.workspace(), scene.channel.id, ctx.clone());
    write(scene.store(), move |tx| {
        tx.replace_templates(workspace_id, channel_id, &all, &ctx)?;
        let known = tx.templates(workspace_id)?;
        let of = |name: &str| known.iter().find(|template| template.name == name).map(|template| template.id).unwrap();
        Ok((of("ready"), of("old")))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_channel_would_refuse_is_refused_here() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.accepted(&agent).await;
        assert_eq!(code(reply(&scene, &agent, "1", text_draft(&"x".repeat(4_097))).await), "text_too_long");
        assert_eq!(code(reply(&scene, &agent, "1", text_draft("  ")).await), "invalid_content");
        let image = Draft::Image { media_id: scene.ctx().id(), caption: None };
        assert_eq!(code(reply(&scene, &agent, "1", image).await), "not_found");
        let buttons = Draft::Buttons { text: "Well?".to_owned(), buttons: Vec::new(), header: None, footer: None };
        assert_eq!(code(reply(&scene, &agent, "1", buttons).await), "invalid_content");
        assert_eq!(code(reply(&scene, &agent, "", text_draft("Hi")).await), "invalid_field");
        assert_eq!(scene.texts(&OUTBOX).await.len(), 1, "nothing but the opt-in message");
        assert_eq!(code(reply(&scene, &agent, "1", text_draft(&"x".repeat(4_096))).await), "sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_nobody_has_read_yet_holds_the_next_one_back() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        let session = scene.accepted(&sam).await;
        let workspace_id = scene.workspace();
        let seen = write(scene.store(), move |tx| Ok(tx.event_bounds(workspace_id)?.1)).await;
        let send_seen = |actor: Actor, client_id: &str| {
            let reply = NewReply { client_id: client_id.to_owned(), draft: text_draft("Hi"), seen_seq: Some(seen) };
            let (store, ctx) = (scene.store().clone(), scene.ctx().clone());
            async move { code(send(&store, &ctx, workspace_id, &actor, session.id, reply).await) }
        };
        assert_eq!(send_seen(sam.clone(), "1").await, "sent");
        assert_eq!(send_seen(sam, "2").await, "sent", "one's own are no surprise");
        segue_desk::routing::take_over(scene.store(), scene.ctx(), workspace_id, &boss, session.id).await.unwrap();
        assert_eq!(send_seen(boss, "3").await, "newer_reply");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_cards_links_requests_and_reactions_are_sent_and_shown_in_their_parts() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let id = scene.accepted(&agent).await.id;
        let entries = scene.transcript(id).await;
        let theirs = entries.iter().find(|entry| entry.text == "Hello").unwrap().id;
        let draft = |value: serde_json::Value| serde_json::from_value::<Draft>(value).unwrap();
        let place = draft(json!({"kind": "place", "latitude": "52.52", "longitude": "13.4", "name": "Shop"}));
        let sent = reply(&scene, &agent, "1", place).await.unwrap();
        let details = sent.details.unwrap();
        assert_eq!((sent.kind, details.place.map(|place| place.latitude)), (MessageKind::Location, Some(52.52)));
        let card = draft(json!({"kind": "card", "name": "Ana Lopez", "phones": ["+15550100001"]}));
        let sent = reply(&scene, &agent, "2", card).await.unwrap();
        assert_eq!((sent.kind, sent.details.unwrap().cards.len()), (MessageKind::Contacts, 1));
        let link = draft(json!({"kind": "link", "text": "Look", "label": "Open", "url": "https://example.com"}));
        let sent = reply(&scene, &agent, "3", link).await.unwrap();
        assert_eq!((sent.text.as_str(), sent.details.unwrap().link.unwrap().label.as_str()), ("Look", "Open"));
        let asks = draft(json!({"kind": "request_contact", "text": "May we have your number?"}));
        let sent = reply(&scene, &agent, "4", asks).await.unwrap();
        assert_eq!(sent.details.unwrap().asks_for.map(|asked| asked.as_str()), Some("phone"));
        let asks = draft(json!({"kind": "request_place", "text": "Where are you?"}));
        assert!(reply(&scene, &agent, "5", asks.clone()).await.is_ok());
        let answered = scene.session().await.numbers.agent_messages;
        let reaction = draft(json!({"kind": "reaction", "message_id": theirs, "emoji": "👍"}));
        let sent = reply(&scene, &agent, "6", reaction).await.unwrap();
        assert_eq!((sent.kind, sent.reply_to, sent.text.as_str()), (MessageKind::Reaction, Some(theirs), "👍"));
        assert_eq!(scene.session().await.numbers.agent_messages, answered, "a reaction is no answer");

        for (client_id, broken) in [
            ("a", json!({"kind": "place", "latitude": "north", "longitude": "13.4"})),
            ("b", json!({"kind": "card", "name": " "})),
            ("c", json!({"kind": "link", "text": "Look", "label": "Open", "url": "example.com"})),
            ("d", json!({"kind": "reaction", "message_id": theirs, "emoji": "ok"})),
        ] {
            assert_eq!(code(reply(&scene, &agent, client_id, draft(broken)).await), "invalid_content", "{client_id}");
        }
        let ours = json!({"kind": "reaction", "message_id": sent.id, "emoji": "👍"});
        assert_eq!(code(reply(&scene, &agent, "e", draft(ours)).await), "not_found", "only to what a customer wrote");
        scene.advance(24 * time::HOUR + 1);
        assert_eq!(code(reply(&scene, &agent, "f", asks).await), "window_closed");
    }
}
