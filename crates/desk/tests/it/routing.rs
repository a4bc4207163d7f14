//! Offers, presence, capacity, transfer.

use segue_desk::{
    queues::{self, QueuePatch},
    routing::{Target, release_stranded, take_over, transfer},
};
use segue_model::{role::Role, routing::PresenceStatus, session::SessionState, time};
use segue_store::{Sql, access::User, event::Sessions};
use segue_testkit::engines;

use crate::scene::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_to_one_offer_one_wins() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        scene.available(&sam).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(scene.sweep().await.offered, 1);
        let offer = scene.offers(&sam).await[0];
        let answers = futures::future::join_all((0..6).map(|_| scene.accept(&sam, offer))).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|error| error.code() == "offer_gone"));
        let session = scene.session().await;
        assert_eq!(session.agent.map(|agent| agent.name).as_deref(), Some("Sam"));
        assert_eq!(session.state, SessionState::Active);
        assert_eq!(scene.load(&sam).await, 1_000);
        let events = scene.texts(&EVENTS).await;
        for kind in ["offer.created", "offer.ended"] {
            assert_eq!(events.iter().filter(|event| *event == kind).count(), 1, "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_the_agents_own_and_ends_with_its_time() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        scene.available(&sam).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let swept = scene.sweep().await;
        assert_eq!(swept.next_at, Some(scene.test.now().plus(30_000)), "when the offer runs out");
        let offer = scene.offers(&sam).await[0];
        assert_eq!(scene.accept(&kim, offer).await.unwrap_err().code(), "offer_gone");
        scene.advance(30_000);
        assert_eq!(scene.accept(&sam, offer).await.unwrap_err().code(), "offer_gone", "the sweep need not have come");
        scene.available(&kim).await;
        let swept = scene.sweep().await;
        assert_eq!((swept.given_back, swept.offered), (1, 1));
        assert_eq!((scene.load(&sam).await, scene.load(&kim).await), (0, 1_000), "somebody else is asked first");
        assert_eq!(scene.decline(&sam, offer).await.unwrap_err().code(), "offer_gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_one_agent_does_not_starve() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        scene.available(&sam).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        for _ in 0..3 {
            assert_eq!(scene.sweep().await.offered, 1);
            let offer = scene.offers(&sam).await[0];
            scene.decline(&sam, offer).await.unwrap();
            let swept = scene.sweep().await;
            assert_eq!(swept.offered, 0, "not at once again");
            assert_eq!(swept.next_at, Some(scene.test.now().plus(30_000)));
            scene.advance(30_000);
        }
        assert_eq!(scene.sweep().await.offered, 1);
        let offer = scene.offers(&sam).await[0];
        assert!(scene.accept(&sam, offer).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_gives_open_offers_back_at_once_and_keeps_what_he_took() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        scene.accepted(&sam).await;
        for status in [PresenceStatus::Busy, PresenceStatus::Away, PresenceStatus::Offline] {
            scene.presence(&sam, PresenceStatus::Available).await;
            let number = status as usize;
            let other = text(phone(&format!("1555010010{number}")), &format!("wamid.o{number}"), START, "Hi");
            scene.receive(other).await;
            scene.sweep().await;
            assert!(!scene.offers(&sam).await.is_empty());
            scene.presence(&sam, status).await;
            assert!(scene.offers(&sam).await.is_empty(), "{status}");
            assert_eq!(scene.load(&sam).await, 1_000);
        }
        scene.available(&kim).await;
        assert_eq!(scene.sweep().await.offered, 3);
        assert_eq!(scene.load(&kim).await, 3_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_counts_after_the_grace_time() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        scene.accepted(&sam).await;
        scene.receive(text(phone("15550100002"), "wamid.2", START, "Hi")).await;
        scene.sweep().await;
        let id = sam.user_id().unwrap();
        let far = scene.ctx().now().plus(1_000_000_000);
        let (store, workspace) = (scene.store(), scene.workspace());
        segue_desk::routing::seen(store, scene.ctx(), workspace, id, far).await.unwrap();
        // Another node has seen him for longer than the one that lost him: he is there.
        segue_desk::routing::left(store, scene.ctx(), workspace, id, far.plus(-1)).await.unwrap();
        scene.advance(10_000);
        assert_eq!(scene.sweep().await.given_back, 0, "{}: connected elsewhere", scene.test.engine);
        segue_desk::routing::left(store, scene.ctx(), workspace, id, far).await.unwrap();
        scene.advance(9_000);
        assert_eq!(scene.sweep().await.given_back, 0, "still within the grace time");
        scene.advance(1_000);
        assert_eq!(scene.sweep().await.given_back, 1);
        assert_eq!(scene.load(&sam).await, 1_000, "what he accepted stays with him");
        let presence = segue_desk::routing::presence(scene.store(), scene.ctx(), scene.workspace(), id).await.unwrap();
        assert_eq!(presence.status, PresenceStatus::Offline);
        // Connected again, he is not available by himself.
        let until = scene.test.now().plus(60_000);
        segue_desk::routing::seen(scene.store(), scene.ctx(), scene.workspace(), id, until).await.unwrap();
        assert_eq!(scene.sweep().await.offered, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_is_never_exceeded_by_any_way() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let boss = scene.user("Boss", Role::Supervisor).await;
        scene.available(&sam).await;
        for number in 0..8 {
            let customer = phone(&format!("1555010000{number}"));
            scene.receive(text(customer, &format!("wamid.{number}"), START, "Hi")).await;
        }
        let sweeps = (0..4).map(|_| scene.sweep());
        let offered: usize = futures::future::join_all(sweeps).await.iter().map(|swept| swept.offered).sum();
        assert_eq!(offered, 5);
        assert_eq!(scene.load(&sam).await, 5_000);
        let waiting: Vec<_> =
            scene.sessions().await.into_iter().filter(|session| session.agent.is_none()).map(|it| it.id).collect();
        let target = Target::User(sam.user_id().unwrap());
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        for offer in scene.offers(&sam).await {
            scene.accept(&sam, offer).await.unwrap();
        }
        let mine: Vec<_> = scene.sessions().await.into_iter().filter(|it| it.agent.is_some()).map(|it| it.id).collect();
        let other = *waiting.iter().find(|id| !mine.contains(id)).unwrap();
        let refused = transfer(store, ctx, workspace, &boss, other, target).await;
        assert_eq!(refused.unwrap_err().code(), "at_capacity");
        for (count, id) in mine.iter().enumerate() {
            take_over(store, ctx, workspace, &boss, *id).await.unwrap();
            assert_eq!(scene.load(&boss).await, 1_000 * (count as u32 + 1));
        }
        assert_eq!(scene.load(&sam).await, 0);
        assert_eq!(take_over(store, ctx, workspace, &boss, other).await.unwrap_err().code(), "at_capacity");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_move_between_agents_and_queues() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let to_kim = Target::User(kim.user_id().unwrap());
        let offline = transfer(store, ctx, workspace, &sam, id, to_kim).await;
        assert_eq!(offline.unwrap_err().code(), "agent_offline");
        scene.available(&kim).await;
        let moved = transfer(store, ctx, workspace, &sam, id, to_kim).await.unwrap();
        assert_eq!(moved.agent.map(|agent| agent.name).as_deref(), Some("Kim"));
        assert_eq!((scene.load(&sam).await, scene.load(&kim).await), (0, 1_000));
        let refused = transfer(store, ctx, workspace, &sam, id, Target::Queue(scene.queue)).await;
        assert_eq!(refused.unwrap_err().code(), "not_owner");
        assert_eq!(take_over(store, ctx, workspace, &sam, id).await.unwrap_err().code(), "forbidden");
        let back = transfer(store, ctx, workspace, &kim, id, Target::Queue(scene.queue)).await.unwrap();
        assert_eq!((back.state, back.agent), (SessionState::Waiting, None));
        scene.sweep().await;
        assert_eq!((scene.load(&sam).await, scene.load(&kim).await), (1_000, 0), "not back to who gave it away");
        let lines = scene.lines(id).await;
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "system: Sam took the session.",
                "system: Sam gave the session to Kim.",
                "system: Kim moved the session to Help.",
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_has_whose_account_is_switched_off_goes_to_another() {
    goes_to_another(|user| user.disabled_at = Some(START)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_has_whose_role_has_no_conversations_any_more_goes_to_another() {
    goes_to_another(|user| user.role = Role::Marketer).await;
}

static LOG: Sql = Sql::portable("LOG", "SELECT data FROM events WHERE workspace_id = $1 ORDER BY seq");

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_events_holds_no_word_of_a_customer_and_an_open_offer_shows_them() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        scene.available(&sam).await;
        scene.receive(ana("wamid.1", START, "My marker")).await;
        scene.sweep().await;
        let id = scene.session().await.id;
        let (store, ctx, workspace_id) = (scene.store(), scene.ctx(), scene.workspace());
        let offer = scene.offers(&sam).await[0];
        let shown = async || {
            let events = write(store, move |tx| tx.events_since(workspace_id, 0, 1_000)).await;
            let event = events.into_iter().find(|event| event.kind == "offer.created").unwrap();
            let shown = write(store, move |tx| {
                let mut event = event.clone();
                Ok(tx.complete(workspace_id, &mut event, &mut Sessions::new())?.then_some(event.data))
            });
            shown.await
        };
        let data = shown().await.expect("it is open");
        assert_eq!(data["offer"]["id"], offer.to_string(), "{}", scene.test.engine);
        assert_eq!(data["offer"]["session"]["id"], id.to_string(), "{}", scene.test.engine);
        scene.accept(&sam, offer).await.unwrap();
        assert_eq!(shown().await, None, "{}: what is no offer any more shows nothing", scene.test.engine);
        segue_desk::cases::create(store, ctx, workspace_id, &sam, id, "My marker".to_owned()).await.unwrap();
        let log = scene.texts(&LOG).await;
        assert!(!log.iter().any(|data| data.contains("marker")), "{}: {log:?}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_a_queue_at_once_none_is_lost() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (store, ctx, workspace_id, id) = (scene.store(), scene.ctx(), scene.workspace(), scene.queue);
        for round in 0..20 {
            let (name, seconds) = (format!("Help {round}"), 10 + round);
            let renamed = QueuePatch { name: Some(name.clone()), ..QueuePatch::default() };
            let slower = QueuePatch { offer_seconds: Some(seconds), ..QueuePatch::default() };
            let (first, second) = tokio::join!(
                queues::update(store, ctx, workspace_id, id, renamed),
                queues::update(store, ctx, workspace_id, id, slower)
            );
            first.unwrap();
            second.unwrap();
            let queue = write(store, move |tx| tx.queue(workspace_id, id)).await.unwrap();
            assert_eq!((queue.name, queue.offer_seconds), (name, seconds), "{}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_converse_is_offered_and_given_nothing() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&kim).await.id;
        scene.available(&sam).await;
        let (workspace_id, user_id) = (scene.workspace(), sam.user_id().unwrap());
        write(scene.store(), move |tx| {
            let mut user = tx.user(workspace_id, user_id)?.unwrap();
            user.role = Role::Marketer;
            tx.update_user(workspace_id, &user).map(|_| ())
        })
        .await;
        let to_sam = Target::User(user_id);
        let refused = transfer(scene.store(), scene.ctx(), workspace_id, &kim, id, to_sam).await;
        assert_eq!(refused.unwrap_err().code(), "not_found", "{}", scene.test.engine);
        scene.presence(&kim, PresenceStatus::Away).await;
        scene.receive(text(phone("15550100002"), "wamid.2", START, "Hi")).await;
        assert_eq!(scene.sweep().await.offered, 0, "{}", scene.test.engine);
        scene.presence(&kim, PresenceStatus::Available).await;
        assert_eq!(scene.sweep().await.offered, 1, "{}", scene.test.engine);
    }
}

async fn goes_to_another(change: fn(&mut User)) {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        let (store, ctx, workspace_id) = (scene.store(), scene.ctx(), scene.workspace());
        assert_eq!(release_stranded(store, ctx, workspace_id).await.unwrap(), 0, "who may converse keeps theirs");
        let user_id = sam.user_id().unwrap();
        write(store, move |tx| {
            let mut user = tx.user(workspace_id, user_id)?.unwrap();
            change(&mut user);
            tx.update_user(workspace_id, &user).map(|_| ())
        })
        .await;
        assert_eq!(release_stranded(store, ctx, workspace_id).await.unwrap(), 1);
        assert_eq!(release_stranded(store, ctx, workspace_id).await.unwrap(), 0, "none is left");
        assert_eq!(scene.load(&sam).await, 0);
        scene.available(&kim).await;
        assert_eq!(scene.sweep().await.offered, 1);
        let offer = scene.offers(&kim).await[0];
        scene.accept(&kim, offer).await.unwrap();
        let lines = scene.lines(id).await;
        let told = "system: Sam may no longer talk to customers, so the session waits for a colleague.";
        assert!(lines.iter().any(|line| line == told), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_waiting_goes_first() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let (workspace_id, user_id, now) = (scene.workspace(), sam.user_id().unwrap(), scene.test.now());
        write(scene.store(), move |tx| {
            tx.presence(workspace_id, user_id, now)?;
            tx.set_presence_capacity(workspace_id, user_id, 1_000, now)
        })
        .await;
        let mut order = Vec::new();
        for number in 0..3 {
            scene.advance(1_000);
            let customer = phone(&format!("1555010000{number}"));
            scene.receive(text(customer, &format!("wamid.{number}"), scene.test.now(), "Hi")).await;
            order.push(scene.sessions().await[0].id);
        }
        scene.available(&sam).await;
        for id in order {
            scene.sweep().await;
            let offers = scene.offers(&sam).await;
            assert_eq!(offers.len(), 1, "one at a time fits");
            assert_eq!(scene.accept(&sam, offers[0]).await.unwrap().id, id);
            let end = segue_desk::closing::EndSession {
                case: segue_desk::closing::CaseFate::KeepOpen,
                outcome: segue_store::session::SessionOutcome::None,
                reason: None,
            };
            segue_desk::closing::end(scene.store(), scene.ctx(), workspace_id, &sam, id, end).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_takes_a_session_that_nobody_has() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.channel.queue_slug = Some("closed-long-ago".to_owned());
        let boss = scene.user("Boss", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        assert_eq!(session.state, SessionState::Error);
        let taken = take_over(scene.store(), scene.ctx(), scene.workspace(), &boss, session.id).await.unwrap();
        assert_eq!((taken.state, scene.load(&boss).await), (SessionState::Active, 1_000));
        let again = take_over(scene.store(), scene.ctx(), scene.workspace(), &boss, session.id).await.unwrap();
        assert_eq!((again.version, scene.load(&boss).await), (taken.version, 1_000), "his already");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_moves_on_is_not_offered_to_the_agent_of_before_first() {
    for was_accepted in [false, true] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.set(|settings| settings.return_minutes = 60).await;
            let boss = scene.user("Boss", Role::Supervisor).await;
            let (sam, kim, lee) = (scene.agent("Sam").await, scene.agent("Kim").await, scene.agent("Lee").await);
            let sales = scene.queue("sales").await;
            let (store, ctx, workspace, lee_id) =
                (scene.store(), scene.ctx(), scene.workspace(), lee.user_id().unwrap());
            write(store, move |tx| tx.set_queue_members(workspace, sales, &[lee_id])).await;
            let first = scene.accepted(&sam).await.id;
            scene.end(&sam, first).await;
            scene.advance(time::MINUTE);
            scene.receive(ana("wamid.2", scene.test.now(), "One more question")).await;
            let second = scene.sessions().await.remove(0).id;
            if was_accepted {
                scene.sweep().await;
                let offer = scene.offers(&sam).await[0];
                scene.decline(&sam, offer).await.unwrap();
                scene.available(&kim).await;
                scene.sweep().await;
                let offer = scene.offers(&kim).await[0];
                scene.accept(&kim, offer).await.unwrap();
            }
            transfer(store, ctx, workspace, &boss, second, Target::Queue(sales)).await.unwrap();
            scene.available(&lee).await;
            scene.sweep().await;
            let offered = (scene.offers(&sam).await.len(), scene.offers(&lee).await.len());
            assert_eq!(offered, (0, 1), "accepted before: {was_accepted} on {}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_again_with_the_time_it_has_waited_and_not_that_of_the_conversation() {
    for is_given in [false, true] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
            let boss = scene.user("Boss", Role::Supervisor).await;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let longest = async || {
                let now = scene.test.now();
                write(store, move |tx| tx.queue_views(workspace, now)).await[0].longest_wait_seconds
            };
            scene.receive(ana("wamid.1", START, "Hello")).await;
            let id = scene.session().await.id;
            scene.available(&sam).await;
            scene.advance(10 * time::MINUTE);
            assert_eq!(longest().await, Some(600));
            if is_given {
                let to = Target::User(sam.user_id().unwrap());
                transfer(store, ctx, workspace, &boss, id, to).await.unwrap();
            } else {
                scene.sweep().await;
                let offer = scene.offers(&sam).await[0];
                scene.accept(&sam, offer).await.unwrap();
            }
            scene.advance(time::HOUR);
            scene.available(&kim).await;
            let to_kim = Target::User(kim.user_id().unwrap());
            transfer(store, ctx, workspace, &sam, id, to_kim).await.unwrap();
            scene.advance(time::HOUR);
            transfer(store, ctx, workspace, &kim, id, Target::Queue(scene.queue)).await.unwrap();
            assert_eq!(longest().await, Some(600), "given: {is_given} on {}", scene.test.engine);
            scene.advance(5 * time::MINUTE);
            assert_eq!(longest().await, Some(900), "{}", scene.test.engine);
        }
    }
}
