//! The bot through the database: a whole conversation, failures, timers, a crash between turns.

use segue_model::session::SessionState;
use segue_store::{
    Sql, StoreError,
    contact_view::{AttributeDefinition, AttributeKind},
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use crate::scene::*;

const FLOW: &str = r#"
flow: greeter
name: Greeter
agent: {queue: help, keywords: [agent], message: "One moment.", apology: "Sorry."}
steps:
  - id: who
    ask: {type: text, prompt: "What is your name?", into: name, label: "Name", on_fail: out, save: contact.first_name}
  - id: topic
    ask:
      type: choice
      prompt: "What is it about?"
      into: topic
      label: "Topic"
      on_fail: out
      options:
        - {id: order, label: Order}
        - {id: other, label: Other, goto: bye}
      no_input: {after_minutes: 10, max: 1, goto: out}
  - id: out
    handover: {message: "Somebody will answer soon.", summary: "{{ name }} asks about {{ topic }}"}
  - id: bye
    end: {message: "Goodbye {{ name }}"}
"#;

pub async fn greeted(test: TestStore) -> Scene {
    let scene = Scene::with_flow(test, Some("greeter")).await;
    publish(&scene, FLOW).await;
    scene
}

async fn publish(scene: &Scene, source: &str) -> segue_store::flow::FlowView {
    segue_desk::flows::publish(scene.store(), scene.ctx(), scene.workspace(), "greeter", source.to_owned())
        .await
        .unwrap()
}

fn bot_lines(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("bot: ")).collect()
}

fn tap(wamid: &str, seconds: i64, id: &str, title: &str) -> segue_channels::whatsapp::InboundMessage {
    let body = json!({"type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": id, "title": title}}});
    message(phone(ANA), wamid, START.plus(seconds * 1_000), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_until_the_agent() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        assert!(session.bot_active);
        assert_eq!(session.state, SessionState::Active);
        let lines = scene.lines(session.id).await;
        assert_eq!(bot_lines(&lines).len(), 2, "the opt-in message first, then the question: {lines:?}");
        assert_eq!(bot_lines(&lines)[1], "What is your name?");
        assert_eq!(scene.count(&WORK_ITEMS).await, 0);

        scene.advance(2_000);
        scene.receive(ana("wamid.2", START.plus(2_000), "Maria")).await;
        scene.receive(ana("wamid.2", START.plus(2_000), "Maria")).await;
        let lines = scene.lines(session.id).await;
        assert_eq!(bot_lines(&lines)[2..], ["What is it about?"], "asked once, however often the answer comes");

        scene.advance(2_000);
        scene.receive(tap("wamid.3", 4, "order", "Order")).await;
        let session = scene.session().await;
        assert!(!session.bot_active);
        assert_eq!(session.state, SessionState::Waiting);
        assert_eq!(session.queue_id, Some(scene.queue));
        let gathered: Vec<_> = session.gathered.iter().map(|it| (it.label.as_str(), it.value.as_str())).collect();
        assert_eq!(gathered, [("Name", "Maria"), ("Topic", "Order")]);
        assert_eq!(session.customer.name, "Maria Lopez", "saved into the contact");
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        let lines = scene.lines(session.id).await;
        assert_eq!(bot_lines(&lines).last(), Some(&"Somebody will answer soon."));
        assert!(lines.iter().any(|line| line.starts_with("system: Maria asks about")), "{lines:?}");

        scene.receive(ana("wamid.4", START.plus(5_000), "Hello?")).await;
        let after = scene.lines(session.id).await;
        assert_eq!(bot_lines(&after), bot_lines(&lines), "after the hand-over the bot is silent");
        let keys = scene.texts(&OUTBOX).await;
        let turns: Vec<_> = keys.iter().filter(|key| key.starts_with(&format!("flow:{}:", session.id))).collect();
        assert_eq!(turns.len(), 3, "{keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_can_end_the_session_and_the_next_message_begins_anew() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        scene.receive(tap("wamid.3", 2, "other", "Other")).await;
        let ended = scene.session().await;
        assert_eq!((ended.state, ended.ended_by.map(|by| by.as_str())), (SessionState::Ended, Some("bot")));
        scene.advance(10_000);
        scene.receive(ana("wamid.4", START.plus(10_000), "Hello again")).await;
        let sessions = scene.sessions().await;
        assert_eq!(sessions.len(), 2);
        assert!(sessions[0].bot_active && sessions[0].id != ended.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_turns_neither_loses_nor_doubles_a_prompt() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let (ctx, workspace, channel) = (scene.ctx().clone(), scene.test.workspace.clone(), scene.channel.clone());
        let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(ana("wamid.2", START.plus(1_000), "Maria")));
        // The transaction dies after everything was done and before it is committed.
        let died = {
            let (ctx, workspace, channel, item) = (ctx.clone(), workspace.clone(), channel.clone(), item.clone());
            scene
                .store()
                .write::<(), StoreError, _>(move |tx| {
                    segue_desk::inbound::handle(tx, &ctx, &workspace, &channel, &item).unwrap();
                    panic!("the power is gone")
                })
                .await
        };
        assert!(matches!(died, Err(StoreError::Panicked(_))));
        let id = scene.session().await.id;
        assert_eq!(bot_lines(&scene.lines(id).await).len(), 2, "nothing of the turn is left");
        // After the restart the inbox gives the row again, and once more because its lease ran out.
        let again = scene.test.open_again().await;
        let restarted = scene.test.ctx_of_node(1);
        for _ in 0..2 {
            receive_in(&again, &restarted, &workspace, &channel, item.clone()).await.unwrap();
        }
        again.close();
        let lines = scene.lines(id).await;
        assert_eq!(bot_lines(&lines)[2..], ["What is it about?"]);
        scene.receive(tap("wamid.3", 2, "order", "Order")).await;
        assert_eq!(scene.session().await.state, SessionState::Waiting, "the conversation goes on where it was");
    }
}

static TIMERS: Sql =
    Sql::portable("TIMERS", "SELECT payload FROM jobs WHERE workspace_id = $1 AND kind = 'bot_timer' ORDER BY id");

async fn fire(scene: &Scene, payload: &str) {
    let (ctx, workspace) = (scene.ctx().clone(), scene.test.workspace.clone());
    let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
    let fired = scene.store().write(move |tx| segue_desk::bot::on_timer(tx, &ctx, &workspace, &payload)).await;
    fired.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_leads_on_and_an_old_timer_does_nothing() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        let timers = scene.texts(&TIMERS).await;
        assert_eq!(timers.len(), 1);
        scene.advance(600_000);
        fire(&scene, &timers[0]).await;
        let id = scene.session().await.id;
        let lines = scene.lines(id).await;
        fire(&scene, &timers[0]).await;
        assert_eq!(scene.lines(id).await, lines, "the same timer again");
        for timer in scene.texts(&TIMERS).await.iter().skip(1) {
            scene.advance(600_000);
            fire(&scene, timer).await;
        }
        assert_eq!(scene.session().await.state, SessionState::Waiting, "a person takes over from the silence");
        let lines = scene.lines(id).await;
        for timer in scene.texts(&TIMERS).await {
            fire(&scene, &timer).await;
        }
        assert_eq!(scene.lines(id).await, lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_bot_ends_with_a_person() {
    static BREAK: Sql = Sql::portable("BREAK", "UPDATE flow_runs SET state = '{}' WHERE workspace_id = $1");
    static UNREADABLE: Sql =
        Sql::portable("UNREADABLE", "UPDATE flow_versions SET source = 'x' WHERE workspace_id = $1");
    for test in engines().await {
        let scene = greeted(test).await;
        let workspace_id = scene.workspace();
        scene.receive(ana("wamid.1", START, "Hello")).await;
        write(scene.store(), move |tx| tx.execute(&BREAK, &[&workspace_id])).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        let session = scene.session().await;
        assert_eq!((session.state, session.bot_active), (SessionState::Waiting, false));
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        let said = scene.lines(session.id).await;
        assert!(said.contains(&"system: The bot failed; a person has to answer.".to_owned()), "{said:?}");
    }
    for test in engines().await {
        // A version that was never parsed in this process and cannot be.
        let scene = greeted(test).await;
        let workspace_id = scene.workspace();
        write(scene.store(), move |tx| tx.execute(&UNREADABLE, &[&workspace_id])).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(scene.session().await.state, SessionState::Waiting);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_keeps_its_version() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let same = publish(&scene, FLOW).await;
        assert_eq!(same.published_version, Some(1), "the same text is no new version");
        let new = publish(&scene, &FLOW.replace("What is it about?", "Which topic?")).await;
        assert_eq!(new.published_version, Some(2));
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        let lines = scene.lines(scene.session().await.id).await;
        assert_eq!(bot_lines(&lines).last(), Some(&"What is it about?"));
        scene.receive(text(phone("15550100002"), "wamid.3", START.plus(2_000), "Hi")).await;
        scene.receive(text(phone("15550100002"), "wamid.4", START.plus(3_000), "Bo")).await;
        let newest = scene.sessions().await.into_iter().max_by_key(|session| session.id).unwrap();
        assert_eq!(bot_lines(&scene.lines(newest.id).await).last(), Some(&"Which topic?"));
        let refused =
            segue_desk::flows::publish(scene.store(), scene.ctx(), scene.workspace(), "greeter", "flow: x".to_owned())
                .await;
        assert_eq!(refused.unwrap_err().code(), "flow_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_does_not_reach_the_bot_and_silences_it() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        let timers = scene.texts(&TIMERS).await;
        scene.receive(ana("wamid.3", START.plus(2_000), "STOP")).await;
        let session = scene.session().await;
        assert_eq!((session.state, session.bot_active), (SessionState::Ended, false));
        let lines = scene.lines(session.id).await;
        assert!(bot_lines(&lines)[3].contains("you are unsubscribed"), "{lines:?}");
        scene.advance(600_000);
        fire(&scene, &timers[0]).await;
        assert_eq!(scene.lines(session.id).await, lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_is_one_answer_to_the_bot() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        for number in 0..3 {
            let image = json!({"type": "image", "image": {"id": number, "mime_type": "image/jpeg"}});
            scene.receive(message(phone(ANA), &format!("wamid.i{number}"), START.plus(2_000), image)).await;
        }
        let lines = scene.lines(scene.session().await.id).await;
        assert_eq!(bot_lines(&lines).len(), 3, "one question, one repetition of it: {lines:?}");
    }
}

fn picture(number: usize, at: segue_model::Timestamp) -> segue_channels::whatsapp::InboundMessage {
    let image = json!({"type": "image", "image": {"id": number, "mime_type": "image/jpeg"}});
    message(phone(ANA), &format!("wamid.i{number}"), at, image)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_that_opens_the_conversation_is_no_answer_to_the_bot() {
    for test in engines().await {
        let scene = greeted(test).await;
        for number in 0..3 {
            scene.receive(picture(number, START)).await;
        }
        scene.advance(1_000);
        scene.receive(picture(3, START.plus(1_000))).await;
        let id = scene.session().await.id;
        let lines = scene.lines(id).await;
        assert_eq!(bot_lines(&lines).len(), 2, "{}: the question, once: {lines:?}", scene.test.engine);
        scene.advance(11_000);
        scene.receive(picture(4, START.plus(12_000))).await;
        let lines = scene.lines(id).await;
        assert_eq!(bot_lines(&lines).len(), 3, "{}: another one is an answer: {lines:?}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_is_one_answer_at_whatever_time_it_comes() {
    for test in engines().await {
        let scene = greeted(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        // A later one overtakes the first.
        for (number, seconds) in [(0, 10), (1, 9), (2, 11), (3, 14)] {
            scene.receive(picture(number, START.plus(seconds * 1_000))).await;
        }
        let lines = scene.lines(scene.session().await.id).await;
        assert_eq!(bot_lines(&lines).len(), 3, "{}: one repetition: {lines:?}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_takes_over_from_the_bot_and_it_is_silent() {
    for test in engines().await {
        let scene = greeted(test).await;
        let boss = scene.user("Boss", segue_model::role::Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        let taken = segue_desk::routing::take_over(scene.store(), scene.ctx(), scene.workspace(), &boss, id).await;
        let taken = taken.unwrap();
        assert_eq!((taken.state, taken.bot_active), (SessionState::Active, false));
        let before = bot_lines(&scene.lines(id).await).len();
        scene.receive(ana("wamid.2", START.plus(1_000), "Maria")).await;
        assert_eq!(bot_lines(&scene.lines(id).await).len(), before);
        assert_eq!(scene.offers(&boss).await.len(), 0);
    }
}

const TYPED: &str = r#"
flow: greeter
name: Greeter
agent: {queue: help, keywords: [agent], message: "One moment.", apology: "Sorry."}
steps:
  - id: points
    ask: {type: text, prompt: "How many points?", into: points, on_fail: out, save: contact.points, retry: ["A number, please."]}
  - id: tier
    ask:
      type: choice
      prompt: "Which tier?"
      into: tier
      on_fail: out
      save: contact.tier
      options: [{id: gold, label: "The golden one"}, {id: tin, label: Tin}]
  - id: news
    ask: {type: yes_no, prompt: "News?", into: news, on_fail: out, save: contact.news}
  - id: note
    update: {contact.since: "never", contact.free: "as it is"}
  - id: bye
    end: {message: "Thanks"}
  - id: out
    handover: {message: "Somebody will answer soon.", summary: "Points, tier and news"}
"#;

/// An answer is kept in the form of its attribute's kind; one that does not fit is asked for again and never saved.
#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_the_kind_of_the_attribute_they_are_saved_in() {
    for test in engines().await {
        let scene = Scene::with_flow(test, Some("greeter")).await;
        publish(&scene, TYPED).await;
        let (ws, now) = (scene.workspace(), scene.test.now());
        let kinds = [
            ("points", AttributeKind::Number),
            ("tier", AttributeKind::Choice),
            ("news", AttributeKind::Boolean),
            ("since", AttributeKind::Date),
        ];
        scene
            .store()
            .write::<_, StoreError, _>(move |tx| {
                for (name, kind) in kinds {
                    let definition = AttributeDefinition {
                        name: name.to_owned(),
                        label: name.to_owned(),
                        kind,
                        choices: vec!["Gold".to_owned(), "Silver".to_owned()],
                        created_at: now,
                    };
                    tx.put_attribute_definition(ws, &definition)?;
                }
                Ok(())
            })
            .await
            .unwrap();
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        scene.receive(ana("wamid.2", START.plus(1_000), "quite a few")).await;
        assert_eq!(bot_lines(&scene.lines(id).await).last(), Some(&"A number, please."), "{}", scene.test.engine);
        scene.receive(ana("wamid.3", START.plus(2_000), "1,5")).await;
        scene.receive(tap("wamid.4", 3, "tier.gold", "The golden one")).await;
        scene.receive(ana("wamid.5", START.plus(4_000), "ja")).await;
        let number: segue_model::PhoneNumber = format!("+{ANA}").parse().unwrap();
        let contact = scene
            .store()
            .read::<_, StoreError, _>(move |tx| tx.contact_by_phone(ws, &number))
            .await
            .unwrap()
            .expect("a contact");
        let kept: Vec<_> = contact.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [("free", "as it is"), ("news", "true"), ("points", "1.5"), ("tier", "Gold")];
        assert_eq!(kept, expected, "{}", scene.test.engine);
    }
}

/// A number is kept in one form, however it was typed, and what is none is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_a_lead_is_read_again_whatever_its_writing() {
    const FLOW: &str = "flow: greeter\nname: Greeter\nagent: {queue: help}\nsteps:\n  \
        - id: number\n    ask: {type: text, prompt: \"Your number?\", save: lead.phone, on_fail: bye}\n  \
        - id: bye\n    end: {}\n";
    for test in engines().await {
        let scene = Scene::with_flow(test, Some("greeter")).await;
        publish(&scene, FLOW).await;
        let words = ["Hello", "call me", "Hello again", "+1 (202) 555-0101", "One more thing"];
        for (number, words) in words.iter().enumerate() {
            scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
            scene.advance(5_000);
        }
        let engine = scene.test.engine;
        assert_eq!(scene.sessions().await.len(), 3, "{engine}: each conversation goes on to the next");
        let page = segue_desk::leads::list(scene.store(), scene.workspace(), None, 10).await.unwrap();
        let numbers: Vec<_> = page.data.iter().map(|lead| lead.phone.as_ref().map(ToString::to_string)).collect();
        assert_eq!(numbers, [Some("+12025550101".to_owned())], "{engine}");
    }
}
