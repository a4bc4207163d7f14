//! What a channel does with cases by itself.

use segue_desk::closing::{CaseFate, EndSession};
use segue_model::{
    CaseId, SessionId,
    conversation::{CaseChoice, CaseEnd, CaseMoment, CaseRules, IdleRules},
    time,
};
use segue_store::{
    crm::{CaseState, CaseView},
    session::SessionOutcome,
};
use segue_testkit::engines;

use crate::scene::*;

async fn all(scene: &Scene) -> Vec<CaseView> {
    let workspace = scene.workspace();
    let mut all = write(scene.store(), move |tx| tx.cases_before(workspace, CaseId(uuid::Uuid::max()), 50)).await;
    all.reverse();
    all
}

async fn case_of(scene: &Scene, id: SessionId) -> Option<CaseId> {
    scene.sessions().await.into_iter().find(|session| session.id == id).unwrap().case_id
}

async fn rules(scene: &mut Scene, moment: CaseMoment, choice: CaseChoice, change: impl Fn(&mut CaseRules)) {
    scene
        .set(|settings| {
            settings.cases = CaseRules { moment, choice, ..CaseRules::default() };
            change(&mut settings.cases);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_opened_that_was_not_asked_for() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let id = scene.accepted(&sam).await.id;
        scene.end(&sam, id).await;
        assert_eq!(all(&scene).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_gets_a_case_when_it_begins_or_when_people_get_it() {
    for (moment, with_bot, expected) in
        [(CaseMoment::Start, true, 1), (CaseMoment::People, true, 0), (CaseMoment::People, false, 1)]
    {
        for test in engines().await {
            let mut scene = if with_bot { crate::bot::greeted(test).await } else { Scene::new(test).await };
            rules(&mut scene, moment, CaseChoice::Create, |rules| rules.subject = "{name} wrote".to_owned()).await;
            scene.receive(ana("wamid.1", START, "Hello")).await;
            let cases = all(&scene).await;
            assert_eq!(cases.len(), expected, "{moment} with a bot: {with_bot} on {}", scene.test.engine);
            let session = scene.session().await;
            assert_eq!(session.case_id, cases.first().map(|case| case.id));
            if let Some(case) = cases.first() {
                assert_eq!((case.subject.as_str(), case.session_id), ("Ana Lopez wrote", Some(session.id)));
                assert!(case.contact_id.is_some());
            }
            scene.receive(ana("wamid.2", START.plus(1_000), "Hello?")).await;
            assert_eq!(all(&scene).await.len(), expected, "once");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_case_of_the_contact_is_taken_and_shared_cases_stay_open() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        rules(&mut scene, CaseMoment::Start, CaseChoice::Attach, |_| {}).await;
        let sam = scene.agent("Sam").await;
        let first = scene.accepted(&sam).await.id;
        assert_eq!(all(&scene).await, [], "there is none to take");
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let case = segue_desk::cases::create(store, ctx, workspace, &sam, first, "Lamp".to_owned()).await.unwrap();
        scene.end(&sam, first).await;
        scene.advance(60_000);
        scene.receive(ana("wamid.2", scene.test.now(), "And again")).await;
        let second = scene.sessions().await[0].id;
        assert_ne!(second, first);
        assert_eq!(case_of(&scene, second).await, Some(case.id), "{}", scene.test.engine);
        assert!(
            scene.lines(second).await.contains(&"system: The session belongs to case 1, which is open.".to_owned())
        );
        assert_eq!(all(&scene).await.len(), 1);

        // The customer's session on another number has the case too: it is not closed with the first of them.
        rules(&mut scene, CaseMoment::Start, CaseChoice::AttachOrCreate, |rules| rules.end = CaseEnd::Close).await;
        scene.set(|settings| settings.idle = IdleRules { end_minutes: Some(10), ..IdleRules::default() }).await;
        let mut other = scene.channel.clone();
        (other.id, other.slug) = (scene.ctx().id(), "other".to_owned());
        other.conversation.idle = IdleRules::default();
        let row = other.clone();
        write(scene.store(), move |tx| {
            tx.upsert_channel(&row)?;
            tx.set_conversation_settings(row.workspace_id, row.id, &row.conversation)
        })
        .await;
        let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(ana("wamid.3", scene.test.now(), "Here")));
        receive_in(scene.store(), scene.ctx(), &scene.test.workspace, &other, item).await.unwrap();
        let third = scene.sessions().await.into_iter().find(|session| session.channel_id == other.id).unwrap();
        assert_eq!(third.case_id, Some(case.id), "{}", scene.test.engine);
        scene.available(&sam).await;
        scene.sweep().await;
        for offer in scene.offers(&sam).await {
            let session = scene.accept(&sam, offer).await.unwrap();
            if session.id == second {
                scene.reply(&sam, second, "r1", "Anything else?").await.unwrap();
            }
        }
        scene.advance(11 * time::MINUTE);
        scene.time_passes().await;
        let ended = scene.sessions().await.into_iter().find(|session| session.id == second).unwrap();
        assert!(ended.ended_at.is_some(), "{}", scene.test.engine);
        assert_eq!(all(&scene).await[0].state, CaseState::Open, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_closed_with_a_session_that_ends_by_itself_and_an_agent_decides_otherwise() {
    for (end, expected) in [(CaseEnd::Keep, CaseState::Open), (CaseEnd::Close, CaseState::Closed)] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            rules(&mut scene, CaseMoment::People, CaseChoice::Create, |rules| rules.end = end).await;
            scene.set(|settings| settings.idle = IdleRules { end_minutes: Some(10), ..IdleRules::default() }).await;
            let sam = scene.agent("Sam").await;
            let id = scene.accepted(&sam).await.id;
            scene.reply(&sam, id, "r1", "Anything else?").await.unwrap();
            scene.advance(11 * time::MINUTE);
            scene.time_passes().await;
            assert!(scene.session().await.ended_at.is_some());
            assert_eq!(all(&scene).await[0].state, expected, "{end} on {}", scene.test.engine);

            scene.receive(ana("wamid.9", scene.test.now(), "Still here")).await;
            scene.sweep().await;
            let offer = scene.offers(&sam).await[0];
            let second = scene.accept(&sam, offer).await.unwrap().id;
            scene.end(&sam, second).await;
            assert_eq!(all(&scene).await[1].state, CaseState::Open, "the agent said to keep it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_soon_after_the_end_opens_the_case_again_and_a_late_one_does_not() {
    for (days, expected) in [(3, CaseState::Open), (8, CaseState::Closed)] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            rules(&mut scene, CaseMoment::Start, CaseChoice::Create, |rules| rules.reopen_days = 7).await;
            let sam = scene.agent("Sam").await;
            let first = scene.accepted(&sam).await.id;
            let end = EndSession { case: CaseFate::Close, outcome: SessionOutcome::None, reason: None };
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            segue_desk::closing::end(store, ctx, workspace, &sam, first, end).await.unwrap();
            assert_eq!(all(&scene).await[0].state, CaseState::Closed);
            scene.advance(days * time::DAY);
            scene.receive(ana("wamid.2", scene.test.now(), "It is broken again")).await;
            let second = scene.sessions().await[0].clone();
            let cases = all(&scene).await;
            assert_eq!(cases[0].state, expected, "{days} days on {}", scene.test.engine);
            assert_eq!(cases[0].closed_at.is_none(), expected == CaseState::Open);
            assert_eq!(second.case_id == Some(cases[0].id), expected == CaseState::Open);
            assert_eq!(cases.len(), if expected == CaseState::Open { 1 } else { 2 }, "else a new one");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_neither_opens_a_case_nor_opens_one_again() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        rules(&mut scene, CaseMoment::Start, CaseChoice::AttachOrCreate, |rules| rules.reopen_days = 7).await;
        scene.receive(ana("wamid.1", START, "STOP")).await;
        assert_eq!(all(&scene).await, [], "{}", scene.test.engine);
        let sam = scene.agent("Sam").await;
        let other = phone("15550100002");
        scene.available(&sam).await;
        scene.receive(text(other.clone(), "wamid.2", START, "My lamp is broken")).await;
        scene.sweep().await;
        let offer = scene.offers(&sam).await[0];
        let id = scene.accept(&sam, offer).await.unwrap().id;
        let end = EndSession { case: CaseFate::Close, outcome: SessionOutcome::None, reason: None };
        segue_desk::closing::end(scene.store(), scene.ctx(), scene.workspace(), &sam, id, end).await.unwrap();
        scene.advance(time::DAY);
        for (number, words, state) in [(3, "STOP", CaseState::Closed), (4, "It is broken again", CaseState::Open)] {
            scene.receive(text(other.clone(), &format!("wamid.{number}"), scene.test.now(), words)).await;
            let cases = all(&scene).await;
            assert_eq!((cases.len(), cases[0].state), (1, state), "{words} on {}", scene.test.engine);
            scene.advance(time::MINUTE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_case_stays_closed_while_the_contact_has_an_open_one() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        rules(&mut scene, CaseMoment::Start, CaseChoice::Create, |rules| rules.reopen_days = 7).await;
        let sam = scene.agent("Sam").await;
        let first = scene.accepted(&sam).await.id;
        scene.end(&sam, first).await;
        scene.receive(ana("wamid.2", scene.test.now(), "Something else")).await;
        scene.sweep().await;
        let offer = scene.offers(&sam).await[0];
        let second = scene.accept(&sam, offer).await.unwrap().id;
        let end = EndSession { case: CaseFate::Close, outcome: SessionOutcome::None, reason: None };
        segue_desk::closing::end(scene.store(), scene.ctx(), scene.workspace(), &sam, second, end).await.unwrap();
        rules(&mut scene, CaseMoment::Start, CaseChoice::AttachOrCreate, |rules| rules.reopen_days = 7).await;
        scene.advance(time::DAY);
        scene.receive(ana("wamid.3", scene.test.now(), "And the first thing?")).await;
        let cases = all(&scene).await;
        let states: Vec<CaseState> = cases.iter().map(|case| case.state).collect();
        assert_eq!(states, [CaseState::Open, CaseState::Closed], "{}", scene.test.engine);
        assert_eq!(scene.sessions().await[0].case_id, Some(cases[0].id), "{}", scene.test.engine);
    }
}
