//! What a channel does by itself: automatic messages, silence, the way back to the agent, opt-in, and the numbers kept.

use segue_desk::messages::{Draft, NewReply};
use segue_model::{
    conversation::{BusinessHours, IdleRules, Occasion, OpenSpan, OptInKind},
    language::LocaleText,
    role::Role,
    session::OptIn,
    time,
    week_hours::Day,
};
use segue_store::Sql;
use segue_testkit::engines;

use crate::{replies::templates, scene::*};

/// Lines that the channel said by itself or its bot.
async fn said(scene: &Scene) -> Vec<String> {
    let mut all = Vec::new();
    for session in scene.sessions().await {
        all.extend(
            scene.lines(session.id).await.into_iter().filter_map(|line| line.strip_prefix("bot: ").map(str::to_owned)),
        );
    }
    all.retain(|line| !line.starts_with("Thanks for writing"));
    all
}

fn days(start_minute: u16, end_minute: u16) -> BusinessHours {
    let spans = vec![OpenSpan { days: Day::ALL.to_vec(), start_minute, end_minute }];
    BusinessHours { time_zone: "UTC".to_owned(), spans, holidays: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_that_was_not_switched_on() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        scene.end(&agent, session.id).await;
        assert_eq!(said(&scene).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn start_waiting_and_end_are_each_said_once_in_a_session() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::Start, "Hello {name}, this is {brand}.").await;
        scene.say(Occasion::Waiting, "One moment.").await;
        scene.say(Occasion::End, "Goodbye.").await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        scene.receive(ana("wamid.2", scene.test.now(), "Hello?")).await;
        assert_eq!(said(&scene).await, ["Hello Ana, this is Our team.", "One moment."]);
        scene.end(&agent, session.id).await;
        scene.end(&agent, session.id).await;
        assert_eq!(said(&scene).await.last().unwrap(), "Goodbye.");
        assert_eq!(said(&scene).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_wait_is_told_why() {
    // It is five in the afternoon.
    for (hours, nobody_there, expected) in [
        (Some(days(540, 1_000)), true, "We are closed."),
        (Some(days(540, 1_140)), true, "All are busy."),
        (None, false, "One moment."),
    ] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.say(Occasion::Waiting, "One moment.").await;
            scene.say(Occasion::NoAgent, "All are busy.").await;
            scene.say(Occasion::OutsideHours, "We are closed.").await;
            scene.set(|settings| settings.hours = hours.clone()).await;
            let agent = scene.agent("Sam").await;
            if !nobody_there {
                scene.available(&agent).await;
            }
            scene.receive(ana("wamid.1", START, "Hello")).await;
            scene.receive(ana("wamid.2", START.plus(1_000), "Hello?")).await;
            assert_eq!(said(&scene).await, [expected]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contacts_language_decides_and_a_closed_window_silences() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::End, "Goodbye.").await;
        scene
            .set(|settings| {
                let german = LocaleText { locale: "de".to_owned(), body: "Auf Wiedersehen.".to_owned() };
                settings.messages.get_mut(&Occasion::End).unwrap().texts.push(german);
            })
            .await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        let workspace_id = scene.workspace();
        let contact_id = session.customer.contact_id.unwrap();
        let now = scene.test.now();
        write(scene.store(), move |tx| {
            let mut fields = tx.contact_for_update(workspace_id, contact_id)?.unwrap();
            fields.locale = Some("de-AT".to_owned());
            tx.update_contact(workspace_id, contact_id, &fields, now)
        })
        .await;
        scene.end(&agent, session.id).await;
        assert_eq!(said(&scene).await, ["Auf Wiedersehen."]);
        scene.receive(ana("wamid.2", scene.test.now(), "One more thing")).await;
        let second = scene.sessions().await.remove(0).id;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        scene.accept(&agent, offer).await.unwrap();
        scene.advance(25 * time::HOUR);
        scene.end(&agent, second).await;
        assert_eq!(said(&scene).await.len(), 1, "nothing outside the window");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_asked_about_then_inactive_then_the_end() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::Inactivity, "Still there?").await;
        scene.say(Occasion::End, "Goodbye.").await;
        let idle = IdleRules { warn_minutes: Some(10), inactive_minutes: Some(20), end_minutes: Some(60) };
        scene.set(|settings| settings.idle = idle).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        scene.reply(&agent, session.id, "0", "Hi").await.unwrap();
        scene.advance(3 * time::HOUR);
        scene.time_passes().await;
        assert_eq!(scene.session().await.state.as_str(), "ended", "the agent was never answered");
        assert_eq!(scene.session().await.ended_by.unwrap().as_str(), "system");

        scene.receive(ana("wamid.2", scene.test.now(), "Back")).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        let second = scene.accept(&agent, offer).await.unwrap().id;
        assert_ne!(second, session.id);
        scene.receive(ana("wamid.3", scene.test.now(), "And now?")).await;
        scene.advance(3 * time::HOUR);
        scene.time_passes().await;
        assert_eq!(scene.sessions().await[0].state.as_str(), "active", "it is the agent who is silent");
        scene.reply(&agent, second, "1", "Sorry, now.").await.unwrap();
        scene.advance(10 * time::MINUTE);
        for _ in 0..3 {
            scene.time_passes().await;
        }
        let asked = |lines: Vec<String>| lines.iter().filter(|line| *line == "Still there?").count();
        assert_eq!(asked(said(&scene).await), 1, "once in a silence");
        scene.advance(10 * time::MINUTE);
        scene.time_passes().await;
        assert_eq!(scene.sessions().await[0].state.as_str(), "inactive");
        scene.receive(ana("wamid.4", scene.test.now(), "Yes")).await;
        let back = scene.sessions().await.remove(0);
        assert_eq!(
            (back.state.as_str(), back.agent.unwrap().name.as_str()),
            ("active", "Sam"),
            "the same agent has it"
        );
        scene.reply(&agent, second, "2", "Good.").await.unwrap();
        scene.advance(61 * time::MINUTE);
        scene.time_passes().await;
        assert_eq!(asked(said(&scene).await), 1, "what ends is not asked");
        let ended = scene.sessions().await.remove(0);
        assert_eq!((ended.state.as_str(), ended.ended_by.unwrap().as_str()), ("ended", "system"));
        assert_eq!(said(&scene).await.iter().filter(|line| *line == "Goodbye.").count(), 2);
        assert_eq!(scene.load(&agent).await, 0, "the agent is free");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_person_is_not_silent() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::Accepted, "{agent} is now with you.").await;
        scene.say(Occasion::Inactivity, "Still there?").await;
        scene.say(Occasion::End, "Goodbye.").await;
        let idle = IdleRules { warn_minutes: Some(10), inactive_minutes: Some(20), end_minutes: Some(30) };
        scene.set(|settings| settings.idle = idle).await;
        let agent = scene.agent("Sam").await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.advance(40 * time::MINUTE);
        scene.time_passes().await;
        scene.available(&agent).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        let id = scene.accept(&agent, offer).await.unwrap().id;
        for _ in 0..2 {
            scene.time_passes().await;
            assert_eq!(scene.session().await.state.as_str(), "active", "{}", scene.test.engine);
            assert_eq!(said(&scene).await, ["Sam is now with you."], "{}", scene.test.engine);
            scene.advance(40 * time::MINUTE);
        }
        scene.reply(&agent, id, "1", "Sorry, how can I help?").await.unwrap();
        scene.advance(31 * time::MINUTE);
        scene.time_passes().await;
        assert_eq!(scene.session().await.state.as_str(), "ended", "{}: now it is the customer", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_which_a_reply_waits_does_not_end_by_itself() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        let idle = IdleRules { end_minutes: Some(60), ..IdleRules::default() };
        scene.set(|settings| settings.idle = idle).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        scene.reply(&agent, session.id, "1", "Hi").await.unwrap();
        scene.advance(24 * time::HOUR);
        let reply = NewReply { client_id: "2".to_owned(), draft: text_draft("Later"), seen_seq: None };
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::pending::keep(store, ctx, workspace, &agent, session.id, reply).await.unwrap();
        scene.time_passes().await;
        assert_eq!(scene.session().await.state.as_str(), "inactive", "its window is closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_soon_is_offered_to_the_same_agent_first_and_else_to_the_queue() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.return_minutes = 60).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let session = scene.accepted(&sam).await;
        scene.available(&kim).await;
        scene.end(&sam, session.id).await;
        scene.advance(60 * time::MINUTE);
        scene.receive(ana("wamid.2", scene.test.now(), "One more question")).await;
        scene.sweep().await;
        // Kim was offered nothing yet, so without the preference it would be her turn.
        assert_eq!((scene.offers(&sam).await.len(), scene.offers(&kim).await.len()), (1, 0));
        let offer = scene.offers(&sam).await[0];
        scene.decline(&sam, offer).await.unwrap();
        scene.sweep().await;
        assert_eq!((scene.offers(&sam).await.len(), scene.offers(&kim).await.len()), (0, 1), "then the queue");
        let offer = scene.offers(&kim).await[0];
        let second = scene.accept(&kim, offer).await.unwrap().id;
        scene.end(&kim, second).await;
        scene.advance(60 * time::MINUTE + 1);
        scene.receive(ana("wamid.3", scene.test.now(), "Much later")).await;
        let third = scene.sessions().await.remove(0);
        assert!(!scene.lines(third.id).await.iter().any(|line| line.contains("is asked first")), "too late for that");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_not_offered_to_an_agent_who_left_that_queue() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.return_minutes = 60).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let session = scene.accepted(&sam).await;
        scene.available(&kim).await;
        scene.end(&sam, session.id).await;
        let (help, sales) = (scene.queue, scene.queue("sales").await);
        let (workspace_id, sam_id, kim_id) = (scene.workspace(), sam.user_id().unwrap(), kim.user_id().unwrap());
        write(scene.store(), move |tx| {
            tx.set_queue_members(workspace_id, help, &[kim_id])?;
            tx.set_queue_members(workspace_id, sales, &[sam_id])
        })
        .await;
        scene.advance(time::MINUTE);
        scene.receive(ana("wamid.2", scene.test.now(), "One more question")).await;
        scene.sweep().await;
        let offers = (scene.offers(&sam).await.len(), scene.offers(&kim).await.len());
        assert_eq!(offers, (0, 1), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_session_are_kept_while_it_runs() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let waits_since = Some(scene.test.now());
        let session = scene.accepted(&agent).await;
        assert_eq!(session.origin.as_str(), "customer");
        assert_eq!((session.numbers.customer_messages, session.numbers.bot_messages), (1, 1));
        assert_eq!((session.numbers.waits_since, session.numbers.first_response), (waits_since, None));
        scene.advance(30_000);
        scene.reply(&agent, session.id, "1", "Hi").await.unwrap();
        scene.reply(&agent, session.id, "2", "How can I help?").await.unwrap();
        let draft = Draft::Note { text: "A note is no answer".to_owned() };
        let note = NewReply { client_id: "3".to_owned(), draft, seen_seq: None };
        segue_desk::messages::send(scene.store(), scene.ctx(), scene.workspace(), &agent, session.id, note)
            .await
            .unwrap();
        let numbers = scene.session().await.numbers;
        assert_eq!((numbers.agent_messages, numbers.first_response), (2, Some(30_000)));
        assert_eq!((numbers.average_response, numbers.waits_since), (Some(30_000), None));
        scene.receive(ana("wamid.2", scene.test.now(), "Like this")).await;
        scene.advance(10_000);
        scene.reply(&agent, session.id, "4", "Done").await.unwrap();
        let numbers = scene.session().await.numbers;
        assert_eq!((numbers.average_response, numbers.first_response), (Some(20_000), Some(30_000)));
        assert_eq!((numbers.customer_messages, numbers.agent_messages), (2, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explicit_opt_in_waits_for_the_word_and_keeps_what_is_written_before() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.opt_in.kind = OptInKind::Explicit).await;
        scene.say(Occasion::Waiting, "One moment.").await;
        scene.receive(ana("wamid.1", START, "Yes")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "I have a question")).await;
        let session = scene.session().await;
        assert_eq!((session.opt_in.state, session.state.as_str()), (OptIn::Asked, "new"));
        assert_eq!(session.unread_count, 2, "what came is there");
        let lines = scene.lines(session.id).await;
        assert_eq!(lines.iter().filter(|line| line.starts_with("bot: ")).count(), 1, "asked once: {lines:?}");
        assert_eq!(scene.count(&WORK_ITEMS).await, 0);
        scene.receive(ana("wamid.3", START.plus(2_000), " yes! ")).await;
        let session = scene.session().await;
        assert_eq!((session.opt_in.state, session.state.as_str()), (OptIn::Granted, "waiting"));
        assert_eq!(scene.lines(session.id).await.last().unwrap(), "bot: One moment.");
        assert_eq!(consents(&scene).await, 0, "no broader consent comes of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_opt_in_asks_twice_and_a_stop_begins_it_anew() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.opt_in.kind = OptInKind::Double).await;
        let state = async |scene: &Scene| scene.sessions().await[0].opt_in.state;
        let second = |count: i64| START.plus(count * 1_000);
        scene.receive(ana("wamid.1", second(0), "Hello")).await;
        scene.receive(ana("wamid.2", second(1), "yes")).await;
        assert_eq!(state(&scene).await, OptIn::Confirming);
        scene.receive(ana("wamid.3", second(2), "what?")).await;
        assert_eq!(state(&scene).await, OptIn::Confirming);
        scene.receive(ana("wamid.4", second(3), "Sí")).await;
        assert_eq!(state(&scene).await, OptIn::Granted);
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        scene.receive(ana("wamid.5", second(4), "STOP")).await;
        assert_eq!(state(&scene).await, OptIn::Declined);
        scene.advance(60_000);
        scene.receive(ana("wamid.6", second(60), "Hello again")).await;
        let asked = said(&scene).await;
        assert_eq!(asked.iter().filter(|line| **line == asked[0]).count(), 2, "it is asked anew: {asked:?}");
        assert_eq!(state(&scene).await, OptIn::Declined, "the no holds until then");
        scene.receive(ana("wamid.7", second(61), "yes")).await;
        assert_eq!(state(&scene).await, OptIn::Declined, "the second word is asked for, too");
        scene.receive(ana("wamid.8", second(62), "yes")).await;
        assert_eq!(state(&scene).await, OptIn::Granted);
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
    }
}

static WAITED_FOR: Sql =
    Sql::portable("WAITED_FOR", "SELECT COUNT(*) FROM sessions WHERE workspace_id = $1 AND waits_since IS NOT NULL");

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_days_after_a_no_is_asked_once_and_keeps_no_agent_waiting() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.opt_in.kind = OptInKind::Explicit).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        let says = async |scene: &Scene, number: i64, words: &str| {
            scene.advance(5_000);
            scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
        };
        says(&scene, 1, "Hello").await;
        says(&scene, 2, "yes").await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        let id = scene.accept(&agent, offer).await.unwrap().id;
        scene.reply(&agent, id, "1", "Hi").await.unwrap();
        says(&scene, 3, "STOP").await;
        let before = said(&scene).await.len();
        scene.advance(4 * segue_model::time::DAY);
        says(&scene, 4, "Hello?").await;
        says(&scene, 5, "What does it cost?").await;
        assert_eq!(said(&scene).await.len(), before + 1, "one question on {}", scene.test.engine);
        assert_eq!(scene.count(&WAITED_FOR).await, 0, "no agent can answer, so none is waited for");
        says(&scene, 6, "yes").await;
        assert_eq!(scene.count(&WAITED_FOR).await, 1, "from the word on somebody is");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_an_agent_holds_until_the_word_that_is_asked_for() {
    for kind in [OptInKind::Explicit, OptInKind::Double] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            let agent = scene.agent("Sam").await;
            scene.available(&agent).await;
            let (what, is_double) = (format!("{kind} on {}", scene.test.engine), kind == OptInKind::Double);
            let says = async |scene: &Scene, number: i64, words: &str| {
                scene.advance(5_000);
                scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
                scene.session().await.opt_in.state
            };
            for (number, words) in [(1, "Hello"), (2, "yes"), (3, "yes")] {
                says(&scene, number, words).await;
            }
            scene.sweep().await;
            let offer = scene.offers(&agent).await[0];
            let id = scene.accept(&agent, offer).await.unwrap().id;
            scene.reply(&agent, id, "1", "Hi").await.unwrap();
            assert_eq!(says(&scene, 4, "STOP").await, OptIn::Declined, "{what}");
            let before = said(&scene).await.len();
            for (number, words) in [(5, "hm"), (6, "what?")] {
                assert_eq!(says(&scene, number, words).await, OptIn::Declined, "{what}");
                assert_eq!(said(&scene).await.len(), before + 1, "{what}: asked, once");
                let refused = scene.reply(&agent, id, words, "But look").await.unwrap_err();
                assert_eq!(refused.code(), "opted_out", "{what}");
            }
            if is_double {
                assert_eq!(says(&scene, 7, "yes").await, OptIn::Declined, "{what}: the second word is asked for");
                assert_eq!(said(&scene).await.len(), before + 2, "{what}");
            }
            assert_eq!(says(&scene, 8, "yes").await, OptIn::Granted, "{what}");
            scene.reply(&agent, id, "2", "Here I am").await.unwrap();
            assert_eq!((scene.count(&WORK_ITEMS).await, scene.session().await.id), (1, id), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agrees_while_a_queue_has_the_session_stays_there() {
    for kind in [OptInKind::Explicit, OptInKind::Double] {
        for test in engines().await {
            let mut scene = crate::bot::greeted(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            scene.say(Occasion::Start, "Welcome.").await;
            let boss = scene.user("Boss", Role::Supervisor).await;
            let sales = scene.queue("sales").await;
            scene.receive(ana("wamid.1", START, "Hello")).await;
            let id = scene.session().await.id;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let to = segue_desk::routing::Target::Queue(sales);
            segue_desk::routing::transfer(store, ctx, workspace, &boss, id, to).await.unwrap();
            scene.receive(ana("wamid.2", START.plus(1_000), "yes")).await;
            scene.receive(ana("wamid.3", START.plus(2_000), "yes")).await;
            let session = scene.session().await;
            assert_eq!((session.opt_in.state, session.state.as_str()), (OptIn::Granted, "waiting"));
            assert_eq!((session.queue_id, session.bot_active), (Some(sales), false), "{}", scene.test.engine);
            let lines = said(&scene).await;
            assert!(!lines.iter().any(|line| line == "Welcome." || line == "What is your name?"), "{lines:?}");
            assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_answers_the_question_begins_the_conversation() {
    for kind in [OptInKind::Explicit, OptInKind::Double] {
        for test in engines().await {
            let mut scene = crate::bot::greeted(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            let what = format!("{kind} on {}", scene.test.engine);
            let words = ["Hello", "yes", "yes", "STOP", "Hi", "START"];
            for (number, words) in words.iter().enumerate() {
                scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
                scene.advance(5_000);
            }
            let session = scene.sessions().await.remove(0);
            assert_eq!((session.opt_in.state, session.bot_active), (OptIn::Granted, true), "{what}");
            let lines = scene.lines(session.id).await;
            assert_eq!(lines.last().unwrap(), "bot: What is your name?", "{what}: {lines:?}");
            assert_eq!(scene.sessions().await.len(), 2, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_gave_the_word_is_asked_again_after_a_day() {
    for kind in [OptInKind::Explicit, OptInKind::Double] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            let send = async |scene: &Scene, number: u32, words: &str| {
                scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
                said(scene).await.len()
            };
            assert_eq!(send(&scene, 1, "Hello").await, 1);
            scene.advance(23 * time::HOUR);
            assert_eq!(send(&scene, 2, "Hello?").await, 1, "the question stands");
            scene.advance(30 * time::DAY);
            assert_eq!(send(&scene, 3, "Hello again").await, 2, "{kind} on {}", scene.test.engine);
            assert_eq!(scene.session().await.opt_in.state, OptIn::Asked);
            scene.advance(time::MINUTE);
            assert_eq!(send(&scene, 4, "What?").await, 2, "once a day");
            send(&scene, 5, "yes").await;
            if kind == OptInKind::Double {
                assert_eq!(scene.session().await.opt_in.state, OptIn::Confirming);
                scene.advance(2 * time::DAY);
                assert_eq!(send(&scene, 6, "Hello?").await, 4, "the second question again");
                assert_eq!(scene.session().await.opt_in.state, OptIn::Confirming);
                send(&scene, 7, "yes").await;
            }
            let session = scene.session().await;
            assert_eq!((session.opt_in.state, session.state.as_str()), (OptIn::Granted, "waiting"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_gave_the_word_has_a_session_that_ends_without_a_word() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.opt_in.kind = OptInKind::Explicit).await;
        scene.say(Occasion::Inactivity, "Still there?").await;
        scene.say(Occasion::End, "Goodbye.").await;
        let idle = IdleRules { warn_minutes: Some(10), inactive_minutes: Some(20), end_minutes: Some(60) };
        scene.set(|settings| settings.idle = idle).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.advance(50 * time::MINUTE);
        scene.receive(ana("wamid.2", scene.test.now(), "I have a question")).await;
        scene.advance(50 * time::MINUTE);
        scene.time_passes().await;
        assert_eq!(scene.session().await.state.as_str(), "new", "{}: not so long yet", scene.test.engine);
        scene.advance(10 * time::MINUTE);
        scene.time_passes().await;
        let ended = scene.session().await;
        assert_eq!((ended.state.as_str(), ended.ended_by.unwrap().as_str()), ("ended", "system"));
        assert_eq!(said(&scene).await.len(), 1, "nothing but the question: {}", scene.test.engine);
        scene.receive(ana("wamid.3", scene.test.now(), "Hello again")).await;
        assert_eq!((scene.sessions().await.len(), said(&scene).await.len()), (2, 2), "it is asked anew");
    }
}

async fn consents(scene: &Scene) -> i64 {
    static CONSENTS: segue_store::Sql =
        segue_store::Sql::portable("CONSENTS", "SELECT COUNT(*) FROM consents WHERE workspace_id = $1");
    scene.count(&CONSENTS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_answered_and_the_conversation_goes_on() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let help = "Our team: reply STOP to end messages. Message and data rates may apply.";
        scene.receive(ana("wamid.1", START, "HELP")).await;
        assert_eq!(said(&scene).await, [help]);
        assert_eq!(scene.count(&WORK_ITEMS).await, 1, "who opens a chat with it is served");
        scene.receive(ana("wamid.2", START.plus(1_000), "AYUDA")).await;
        assert!(said(&scene).await.last().unwrap().contains("responde STOP"), "in the word's language");
        assert_eq!(said(&scene).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_stops_has_ended_the_session() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.channel.queue_slug = None;
        let _ = templates(&scene, scene.ctx()).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "STOP")).await;
        assert_eq!(scene.session().await.ended_by.unwrap().as_str(), "customer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_is_told_who_takes_the_session_once_for_each() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::Accepted, "{agent} is now with you, {name}.").await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        assert_eq!(said(&scene).await, ["Sam is now with you, Ana."]);
        scene.available(&kim).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let to = |actor: &segue_model::actor::Actor| segue_desk::routing::Target::User(actor.user_id().unwrap());
        segue_desk::routing::transfer(store, ctx, workspace, &sam, id, to(&kim)).await.unwrap();
        segue_desk::routing::transfer(store, ctx, workspace, &kim, id, to(&sam)).await.unwrap();
        assert_eq!(said(&scene).await, ["Sam is now with you, Ana.", "Kim is now with you, Ana."], "nobody twice");
        let numbers = scene.session().await.numbers;
        assert_eq!((numbers.agent_messages, numbers.first_response), (0, None), "it is no answer of a person");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_wait_for_the_opening_when_the_number_says_so() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        // It is 17 o'clock there: people work from 18 o'clock on.
        scene.set(|settings| settings.hours = Some(days(18 * 60, 23 * 60))).await;
        scene.available(&agent).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        scene.set(|settings| settings.offer_outside_hours = false).await;
        let swept = scene.sweep().await;
        assert_eq!((swept.offered, scene.offers(&agent).await.len()), (0, 0), "{}", scene.test.engine);
        assert!(swept.next_at.is_some_and(|at| at <= START.plus(time::HOUR)), "{:?}", swept.next_at);
        // Another number that is open is not held up by it.
        let (mut open, other) = (scene.channel.clone(), scene.ctx().id());
        (open.id, open.slug) = (other, "other".to_owned());
        open.conversation = segue_store::shared::Shared::default();
        let row = open.clone();
        write(scene.store(), move |tx| tx.upsert_channel(&row)).await;
        let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(text(
            phone("15550100002"),
            "wamid.2",
            START,
            "Hi",
        )));
        receive_in(scene.store(), scene.ctx(), &scene.test.workspace, &open, item).await.unwrap();
        assert_eq!(scene.sweep().await.offered, 1, "{}", scene.test.engine);
        let offer = scene.offers(&agent).await[0];
        assert_eq!(scene.accept(&agent, offer).await.unwrap().channel_id, other);
        scene.advance(time::HOUR);
        assert_eq!(scene.sweep().await.offered, 1, "at opening: {}", scene.test.engine);
        assert_eq!(scene.offers(&agent).await.len(), 1);
    }
}

static WAITING: Sql = Sql::portable(
    "WAITING",
    "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND CAST($1 AS UUID) IS NOT NULL
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_by_itself_waits_for_no_other_one_while_it_keeps_routing_waiting() {
    use std::{
        sync::{Mutex, mpsc},
        time::Duration,
    };

    // On SQLite one waits for the other before it reads anything.
    let Some(test) = segue_testkit::postgres_store().await else { return };
    let mut scene = Scene::new(test).await;
    let idle = IdleRules { end_minutes: Some(10), ..IdleRules::default() };
    scene.set(|settings| settings.idle = idle).await;
    let agent = scene.agent("Sam").await;
    let first = scene.accepted(&agent).await.id;
    scene.reply(&agent, first, "0", "Hi").await.unwrap();
    scene.advance(1_000);
    scene.receive(text(phone("15550100177"), "wamid.b", scene.test.now(), "Hello")).await;
    scene.sweep().await;
    let offer = scene.offers(&agent).await[0];
    let second = scene.accept(&agent, offer).await.unwrap().id;
    scene.reply(&agent, second, "1", "Hi").await.unwrap();
    scene.advance(11 * time::MINUTE);

    // Somebody has the later one's lock, and takes that of routing then, as an agent does who ends it.
    let ((held, is_held), (let_go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (held, may_go) = (Mutex::new(held), Mutex::new(may_go));
    let (store, workspace_id) = (scene.store().clone(), scene.workspace());
    let other = tokio::spawn(async move {
        write(&store, move |tx| {
            tx.session_to_change(workspace_id, second)?;
            held.lock().unwrap().send(()).expect("the test waits");
            may_go.lock().unwrap().recv().expect("the test says when");
            tx.lock("routing", &workspace_id)
        })
        .await;
    });
    tokio::task::spawn_blocking(move || is_held.recv()).await.unwrap().unwrap();
    let (store, ctx) = (scene.store().clone(), scene.ctx().clone());
    let sweep = tokio::spawn(async move { segue_desk::idle::sweep(&store, &ctx, workspace_id).await });
    while scene.count(&WAITING).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = async |id| scene.sessions().await.into_iter().any(|it| it.id == id && it.ended_at.is_some());
    let is_done = ended(first).await;
    let_go.send(()).unwrap();
    other.await.unwrap();
    assert!(is_done, "the first one is done, and routing free, before the second one is waited for");
    assert_eq!(sweep.await.unwrap().unwrap(), 2);
    assert!(ended(second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_which_something_goes_wrong_keeps_no_other_from_being_asked() {
    static BREAK: Sql = Sql::portable(
        "BREAK",
        "UPDATE messaging_users SET linked_by = 'nobody' WHERE workspace_id = $1 AND id IN (
            SELECT s.messaging_user_id FROM sessions s WHERE s.workspace_id = $1 AND s.id = $2)",
    );
    static ASKED: Sql = Sql::portable("ASKED", "SELECT id FROM sessions WHERE workspace_id = $1 AND idle_warned = 1");
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.say(Occasion::Inactivity, "Still there?").await;
        scene.set(|settings| settings.idle = IdleRules { warn_minutes: Some(10), ..IdleRules::default() }).await;
        let agent = scene.agent("Sam").await;
        let first = scene.accepted(&agent).await.id;
        scene.reply(&agent, first, "0", "Hi").await.unwrap();
        scene.advance(1_000);
        scene.receive(text(phone("15550100177"), "wamid.b", scene.test.now(), "Hello")).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        let second = scene.accept(&agent, offer).await.unwrap().id;
        scene.reply(&agent, second, "1", "Hi").await.unwrap();
        scene.advance(11 * time::MINUTE);

        let workspace_id = scene.workspace();
        let broken = write(scene.store(), move |tx| tx.execute(&BREAK, &[&workspace_id, &first])).await;
        assert_eq!(broken, 1, "{}", scene.test.engine);
        for expected in [1, 0] {
            let changed = segue_desk::idle::sweep(scene.store(), scene.ctx(), workspace_id).await.unwrap();
            assert_eq!(changed, expected, "{}", scene.test.engine);
        }
        let asked: Vec<segue_model::SessionId> =
            write(scene.store(), move |tx| tx.query(&ASKED, &[&workspace_id], |row| row.next())).await;
        assert_eq!(asked, [second], "{}", scene.test.engine);
    }
}
