//! Bots that send files and offer forms.

use segue_desk::DeskError;
use segue_model::{ChannelId, FormId, MediaId, MessageId, session::SessionState};
use segue_store::{
    Sql, StoreError,
    flow::FlowView,
    form::{ListedForm, RefusedForm},
    media::NewMedia,
    message::{AuthorKind, MessageKind, MessageView},
};
use segue_testkit::{TestStore, engines};
use serde_json::{Value, json};

use crate::scene::*;

const FLOW: &str = r#"
flow: greeter
name: Greeter
agent: {queue: help, keywords: [agent], message: "One moment.", apology: "Sorry."}
steps:
  - id: picture
    send: {file: PICTURE, caption: "For you, {{ first_name }}"}
  - id: prices
    send: {file: PRICES}
  - id: visit
    ask:
      type: form
      form: book_a_visit
      prompt: "When do you come?"
      button: Book
      retry: ["Please tap the button."]
      max_tries: 3
      on_fail: plain
      fields:
        - {name: day, into: visit_day, label: Day}
        - {name: name, into: called, save: contact.first_name}
  - id: out
    handover: {message: "See you on {{ visit_day }}.", summary: "A visit on {{ visit_day }}"}
  - id: plain
    ask: {type: text, into: visit_day, prompt: "Which day suits you?", on_fail: out}
    goto: out
"#;

static KINDS: Sql = Sql::portable(
    "KINDS",
    "SELECT payload FROM outbox WHERE workspace_id = $1 AND dedupe_key LIKE 'flow:%' ORDER BY id",
);
static EMPTY: Sql =
    Sql::portable("EMPTY", "UPDATE media SET data = NULL, failure = 'gone' WHERE workspace_id = $1 AND id = $2");

struct Offers {
    scene: Scene,
    picture: MediaId,
    source: String,
}

impl Offers {
    async fn new(test: TestStore) -> Self {
        let scene = Scene::with_flow(test, Some("greeter")).await;
        let picture = upload(&scene, "image/png", "a.png").await;
        let prices = upload(&scene, "application/pdf", "prices.pdf").await;
        list(&scene, scene.channel.id, &[("book_a_visit", "PUBLISHED"), ("unready", "DRAFT")]).await;
        let source = FLOW.replace("PICTURE", &picture.to_string()).replace("PRICES", &prices.to_string());
        Self { scene, picture, source }
    }

    async fn published(test: TestStore) -> Self {
        let this = Self::new(test).await;
        publish(&this.scene, &this.source).await.unwrap();
        this
    }

    /// What the bot has sent since the conversation began, without the opt-in message.
    async fn sent(&self) -> Vec<MessageView> {
        let id = self.scene.sessions().await[0].id;
        let entries = self.scene.transcript(id).await;
        entries.into_iter().filter(|entry| entry.author.kind == AuthorKind::Bot).skip(1).collect()
    }

    async fn offered(&self) -> MessageId {
        let sent = self.sent().await;
        sent.iter().rev().find(|entry| entry.details.as_ref().is_some_and(|it| it.offers.is_some())).unwrap().id
    }

    async fn fill(&self, wamid: &str, seconds: i64, answers: Value) {
        let body = json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow",
            "body": "Sent", "response_json": answers.to_string()}}});
        self.scene.receive(message(phone(ANA), wamid, START.plus(seconds * 1_000), body)).await;
    }

    async fn refuse(&self, message_id: MessageId) {
        let (ctx, workspace) = (self.scene.ctx().clone(), self.scene.test.workspace.clone());
        let session_id = self.scene.sessions().await[0].id;
        let refused = RefusedForm { session_id, message_id, form: "book_a_visit".to_owned() };
        let payload = serde_json::to_value(refused).unwrap();
        let told = move |tx: &mut segue_store::Tx<'_>| segue_desk::bot::on_form_refused(tx, &ctx, &workspace, &payload);
        self.scene.store().write(told).await.unwrap();
    }
}

async fn upload(scene: &Scene, mime: &str, name: &str) -> MediaId {
    let (id, workspace_id, now) = (scene.ctx().id(), scene.workspace(), scene.test.now());
    let media = NewMedia { id, mime: mime.to_owned(), file_name: Some(name.to_owned()), data: vec![1; 10] };
    write(scene.store(), move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

async fn list(scene: &Scene, channel: ChannelId, forms: &[(&str, &str)]) {
    let (workspace_id, ctx) = (scene.workspace(), scene.ctx().clone());
    let listed: Vec<ListedForm> = forms
        .iter()
        .map(|(name, status)| ListedForm {
            provider_id: format!("id of {name}"),
            name: (*name).to_owned(),
            status: (*status).to_owned(),
            categories: Vec::new(),
        })
        .collect();
    write(scene.store(), move |tx| tx.replace_forms(workspace_id, channel, &listed, &ctx)).await;
}

async fn publish(scene: &Scene, source: &str) -> Result<FlowView, DeskError> {
    segue_desk::flows::publish(scene.store(), scene.ctx(), scene.workspace(), "greeter", source.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_as_what_they_are_and_the_answers_of_a_form_become_variables() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let (scene, engine) = (&offers.scene, offers.scene.test.engine);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let sent = offers.sent().await;
        let [picture, prices, form] = &sent[..] else { panic!("{engine}: {sent:#?}") };
        assert_eq!((picture.kind, picture.text.as_str()), (MessageKind::Image, "For you, Ana"), "{engine}");
        let file = prices.media.as_ref().unwrap();
        assert_eq!((prices.kind, file.file_name.as_deref()), (MessageKind::Document, Some("prices.pdf")));
        let button = form.details.as_ref().unwrap().offers.as_ref().unwrap();
        assert_eq!((form.text.as_str(), button.label.as_str()), ("When do you come?", "Book"));
        let payloads: Vec<Value> =
            scene.texts(&KINDS).await.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(payloads[2]["provider_id"], "id of book_a_visit", "{engine}");

        offers.fill("wamid.2", 1, json!({"day": "2026-12-01", "name": "Maria", "flow_token": form.id})).await;
        offers.fill("wamid.2", 1, json!({"day": "2026-12-01", "name": "Maria", "flow_token": form.id})).await;
        let session = scene.session().await;
        assert_eq!(session.state, SessionState::Waiting);
        let gathered: Vec<_> = session.gathered.iter().map(|it| (it.label.as_str(), it.value.as_str())).collect();
        assert_eq!(gathered, [("Day", "2026-12-01"), ("Called", "Maria")], "{engine}");
        assert_eq!(session.customer.name, "Maria Lopez", "{engine}: saved into the contact");
        let lines = scene.lines(session.id).await;
        assert!(lines.contains(&"bot: See you on 2026-12-01.".to_owned()), "{lines:?}");
        assert_eq!(offers.sent().await.len(), 4, "{engine}: once, however often the answers come");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_in_place_of_the_form_are_answers_that_do_not_fit() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let (scene, engine) = (&offers.scene, offers.scene.test.engine);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let first = offers.offered().await;
        scene.receive(ana("wamid.2", START.plus(1_000), "On Monday")).await;
        assert_eq!(offers.sent().await.last().unwrap().text, "Please tap the button.", "{engine}");
        // What was filled in elsewhere is none of its answers: a token of nobody here, and a body that cannot be read.
        let stranger: MessageId = scene.ctx().id();
        offers.fill("wamid.3", 20, json!({"day": "2026-12-02", "flow_token": stranger})).await;
        assert_eq!(offers.sent().await.len(), 5, "{engine}: it is offered again");
        assert!(scene.session().await.gathered.is_empty());
        offers.fill("wamid.4", 40, json!("broken")).await;
        assert_eq!(offers.sent().await.last().unwrap().text, "Which day suits you?", "{engine}: the third");
        // The form of the question that was left.
        offers.fill("wamid.5", 60, json!({"day": "2026-12-02", "flow_token": first})).await;
        let last = offers.sent().await.last().unwrap().text.clone();
        assert!(last.contains("earlier question") && last.ends_with("Which day suits you?"), "{engine}: {last}");
        assert!(scene.session().await.gathered.is_empty(), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_published_only_with_what_is_here_and_where_it_is_used() {
    for test in engines().await {
        let offers = Offers::new(test).await;
        let (scene, engine) = (&offers.scene, offers.scene.test.engine);
        let sound = upload(scene, "audio/mpeg", "a.mp3").await;
        let moving = upload(scene, "image/gif", "a.gif").await;
        let nobody: MediaId = scene.ctx().id();
        let picture = offers.picture.to_string();
        let file = |id: MediaId| offers.source.replace(&picture, &id.to_string());
        for (source, line, part) in [
            (file(nobody), 7, "no file med_"),
            (file(sound), 7, "no text below sound"),
            (file(moving), 7, "not image/gif"),
            (
                file(sound).replace(", caption: \"For you, {{ first_name }}\"", ", voice: true"),
                7,
                "has to be OGG with Opus",
            ),
            (
                offers.source.replace("form: book_a_visit", "form: unready"),
                13,
                "'shop' has no published form named 'unready'",
            ),
            (offers.source.replace("form: book_a_visit", "form: gone"), 13, "named 'gone'"),
        ] {
            let source = source.trim_start();
            let problems = match publish(scene, source).await {
                Err(DeskError::FlowInvalid(problems)) => problems,
                other => panic!("{engine}: {part}: {other:?}"),
            };
            let checked = segue_desk::flows::validate(scene.store(), scene.workspace(), source.to_owned()).await;
            assert_eq!(checked.unwrap(), problems, "{engine}: the check says the same");
            assert_eq!(problems.len(), 1, "{engine}: {problems:#?}");
            assert_eq!(problems[0].line, line - 1, "{engine}: {part}: {problems:#?}");
            assert!(problems[0].message.contains(part), "{engine}: {problems:#?}");
        }
        publish(scene, &offers.source).await.unwrap();
        // A flow that is used nowhere needs its form at any number.
        let (store, workspace_id) = (scene.store(), scene.workspace());
        let elsewhere = offers.source.replace("flow: greeter", "flow: other");
        let checked = segue_desk::flows::validate(store, workspace_id, elsewhere.clone()).await.unwrap();
        assert_eq!(checked, [], "{engine}");
        let gone = elsewhere.replace("form: book_a_visit", "form: gone");
        let checked = segue_desk::flows::validate(store, workspace_id, gone).await.unwrap();
        assert!(checked[0].message.starts_with("No number has a published form"), "{engine}: {checked:#?}");
        let (own, other) = (scene.channel.id, scene.test.whatsapp_channel("other", "http://127.0.0.1:1").await.id);
        let missing = async |channel| {
            write(store, move |tx| segue_desk::flows::form_missing_at(tx, workspace_id, channel, "greeter")).await
        };
        assert_eq!(missing(own).await, None, "{engine}");
        assert_eq!(missing(other).await.as_deref(), Some("book_a_visit"), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_withdrawn_or_refused_leads_on_as_a_question_without_an_answer() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let (scene, engine) = (&offers.scene, offers.scene.test.engine);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let form = offers.offered().await;
        let nobody: MessageId = scene.ctx().id();
        offers.refuse(nobody).await;
        assert_eq!(offers.sent().await.len(), 3, "{engine}: a message that is not the bot's");
        for _ in 0..2 {
            offers.refuse(form).await;
        }
        let sent = offers.sent().await;
        assert_eq!(sent.len(), 4, "{engine}: once");
        assert_eq!(sent[3].text, "Which day suits you?", "{engine}");
        scene.receive(ana("wamid.2", START.plus(1_000), "Monday")).await;
        assert_eq!(scene.session().await.gathered[0].value, "Monday", "{engine}");
        offers.refuse(form).await;
        assert_eq!(offers.sent().await.len(), 5, "{engine}: a person has the conversation");
    }
    for test in engines().await {
        // Withdrawn before anybody was asked.
        let offers = Offers::published(test).await;
        let scene = &offers.scene;
        list(scene, scene.channel.id, &[("book_a_visit", "DEPRECATED")]).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(offers.sent().await[2].text, "Which day suits you?", "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_calls_a_person() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let (scene, picture) = (&offers.scene, offers.picture);
        let workspace_id = scene.workspace();
        write(scene.store(), move |tx| tx.execute(&EMPTY, &[&workspace_id, &picture])).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        assert_eq!(session.state, SessionState::Waiting, "{}", scene.test.engine);
        let texts: Vec<String> = offers.sent().await.into_iter().map(|entry| entry.text).collect();
        assert_eq!(texts, ["Sorry."], "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_turn_that_takes_the_answers_leaves_none_of_it() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let (scene, engine) = (&offers.scene, offers.scene.test.engine);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let form = offers.offered().await;
        let answers = json!({"day": "2026-12-01", "flow_token": form}).to_string();
        let body = json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow",
            "body": "Sent", "response_json": answers}}});
        let filled = message(phone(ANA), "wamid.2", START.plus(1_000), body);
        let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(filled));
        let (ctx, workspace, channel) = (scene.ctx().clone(), scene.test.workspace.clone(), scene.channel.clone());
        let own = item.clone();
        let died = scene
            .store()
            .write::<(), StoreError, _>(move |tx| {
                segue_desk::inbound::handle(tx, &ctx, &workspace, &channel, &own).unwrap();
                panic!("the power is gone")
            })
            .await;
        assert!(matches!(died, Err(StoreError::Panicked(_))));
        assert!(scene.session().await.gathered.is_empty(), "{engine}");
        for _ in 0..2 {
            scene.try_receive(item.clone()).await.unwrap();
        }
        assert_eq!(scene.session().await.gathered[0].value, "2026-12-01", "{engine}");
        assert_eq!(offers.sent().await.len(), 4, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_a_form_is_not_needed_to_tell_forms_apart() {
    for test in engines().await {
        let offers = Offers::published(test).await;
        let scene = &offers.scene;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let workspace_id = scene.workspace();
        let forms: Vec<FormId> =
            write(scene.store(), move |tx| tx.forms(workspace_id)).await.into_iter().map(|form| form.id).collect();
        // WhatsApp's list comes again with other ids: the form that was offered before is still the same by its name.
        list(scene, scene.channel.id, &[]).await;
        list(scene, scene.channel.id, &[("book_a_visit", "PUBLISHED")]).await;
        let now = write(scene.store(), move |tx| tx.forms(workspace_id)).await;
        assert!(!forms.contains(&now[0].id));
        offers.fill("wamid.2", 1, json!({"day": "2026-12-01", "flow_token": offers.offered().await})).await;
        assert_eq!(scene.session().await.gathered.len(), 1, "{}", scene.test.engine);
    }
}
