//! Two addresses of one person, and customers that are blocked.

use segue_channels::whatsapp::Identity;
use segue_desk::{blocks, customers};
use segue_model::consent::{ConsentState, Medium, Purpose};
use segue_model::{MessagingUserId, role::Role};
use segue_store::{Sql, customer_block::BlockState, outbox::AddressKind, session::SessionView};
use segue_testkit::engines;

use crate::scene::*;

const SECOND: &str = "15550100009";

static JOBS: Sql = Sql::portable("JOBS", "SELECT COUNT(*) FROM jobs WHERE workspace_id = $1 AND kind = 'tell_block'");

async fn address(scene: &Scene, id: MessagingUserId) -> Option<(AddressKind, String)> {
    let workspace = scene.workspace();
    write(scene.store(), move |tx| tx.address_of(workspace, id)).await
}

fn of(sessions: &[SessionView], phone: &str) -> SessionView {
    let number = phone.parse().ok();
    sessions.iter().find(|session| session.customer.phone == number).cloned().expect("a session of this number")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_addresses_become_one_customer_and_part_again() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "From my own phone")).await;
        scene.advance(60_000);
        scene.receive(text(phone(SECOND), "wamid.2", START.plus(60_000), "From the phone at work")).await;
        let before = scene.sessions().await;
        let (own, other) = (of(&before, &format!("+{ANA}")), of(&before, &format!("+{SECOND}")));
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());

        let same = customers::merge(store, ctx, workspace, &boss, own.id, own_id).await.unwrap_err();
        assert_eq!(same.code(), "invalid_field");
        let stranger = scene.agent("Max").await;
        let refused = customers::merge(store, ctx, workspace, &stranger, own.id, other_id).await.unwrap_err();
        assert_eq!(refused.code(), "not_owner");

        customers::merge(store, ctx, workspace, &boss, own.id, other_id).await.unwrap();
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        let merged = scene.sessions().await;
        assert!(merged.iter().all(|session| session.customer.messaging_user_id == own_id));
        assert_eq!(merged.iter().filter(|session| session.ended_at.is_none()).count(), 1);
        assert_eq!(address(&scene, own_id).await.unwrap().1, format!("+{SECOND}"), "where they wrote last");

        // Both addresses stay, whichever they write from, and answers go to the one used last.
        scene.advance(60_000);
        scene.receive(ana("wamid.3", START.plus(120_000), "Home again")).await;
        assert_eq!(address(&scene, own_id).await.unwrap().1, format!("+{ANA}"));
        scene.advance(60_000);
        scene.receive(text(phone(SECOND), "wamid.4", START.plus(180_000), "At work again")).await;
        assert_eq!(address(&scene, own_id).await.unwrap().1, format!("+{SECOND}"));
        assert_eq!(scene.count(&USERS).await, 1);

        let merges = customers::merges(store, workspace, own.id).await.unwrap();
        let [merge] = &merges[..] else { panic!("{merges:?}") };
        assert_eq!((merge.merged_id, merge.actor.clone()), (other_id, boss.user_id().unwrap().to_string()));
        customers::part(store, ctx, workspace, &boss, own.id, merge.id).await.unwrap();
        let after = scene.sessions().await;
        let back = after.iter().find(|session| session.id == other.id).unwrap();
        assert_eq!(back.customer, other.customer, "as it was");
        let stays = after.iter().find(|session| session.id == own.id).unwrap();
        assert_eq!(stays.customer.messaging_user_id, own_id);
        assert_eq!(address(&scene, own_id).await.unwrap().1, format!("+{ANA}"));
        assert_eq!(address(&scene, other_id).await.unwrap().1, format!("+{SECOND}"));
        let again = customers::part(store, ctx, workspace, &boss, own.id, merge.id).await.unwrap_err();
        assert_eq!(again.code(), "link_changed");
        scene.advance(60_000);
        scene.receive(text(phone(SECOND), "wamid.5", START.plus(240_000), "Another matter")).await;
        assert!(
            scene
                .sessions()
                .await
                .iter()
                .any(|session| { session.ended_at.is_none() && session.customer.messaging_user_id == other_id })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_joined_is_written_down_and_cannot_be_parted() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hi")).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Hi")).await;
        let both = Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.receive(text(both, "wamid.3", START.plus(2_000), "It is me")).await;
        assert_eq!(scene.count(&USERS).await, 1);
        let session = scene.sessions().await.remove(0);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let merges = customers::merges(store, workspace, session.id).await.unwrap();
        assert_eq!(merges.len(), 1, "{}", scene.test.engine);
        assert_eq!(merges[0].actor, "system");
        let refused = customers::part(store, ctx, workspace, &boss, session.id, merges[0].id).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_field");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_customer_wakes_nobody_until_unblocked() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let id = session.customer.messaging_user_id;
        let nothing = blocks::block(store, ctx, workspace, &agent, session.id, "  ").await.unwrap_err();
        assert_eq!(nothing.code(), "invalid_field");
        let other = scene.agent("Max").await;
        let refused = blocks::block(store, ctx, workspace, &other, session.id, "Spam").await.unwrap_err();
        assert_eq!(refused.code(), "not_owner");

        let ended = blocks::block(store, ctx, workspace, &agent, session.id, "Threats").await.unwrap();
        assert!(ended.ended_at.is_some(), "{}", scene.test.engine);
        assert_eq!(scene.count(&JOBS).await, 1, "WhatsApp is to be told");
        let block = blocks::list(store, workspace, None, 10).await.unwrap().data.remove(0);
        assert_eq!(
            (block.messaging_user_id, block.state, block.reason.as_str()),
            (id, BlockState::Blocking, "Threats")
        );

        let (work, outbox) = (scene.count(&WORK_ITEMS).await, scene.texts(&OUTBOX).await.len());
        scene.advance(60_000);
        scene.receive(ana("wamid.9", START.plus(60_000), "You will hear from me")).await;
        let session_now = scene.session().await;
        assert_eq!((session_now.id, session_now.unread_count), (session.id, 0), "no new session, nothing unread");
        assert_eq!((scene.count(&WORK_ITEMS).await, scene.texts(&OUTBOX).await.len()), (work, outbox));
        assert!(scene.lines(session.id).await.contains(&"customer: You will hear from me".to_owned()), "it is kept");

        // A no is obeyed all the same, and not answered.
        scene.receive(ana("wamid.stop", START.plus(61_000), "STOP")).await;
        let address = format!("+{ANA}");
        let consent =
            write(store, move |tx| tx.consent_state(workspace, Medium::WhatsApp, &address, Purpose::Marketing));
        assert_eq!(consent.await.state, ConsentState::Revoked);
        assert_eq!(scene.texts(&OUTBOX).await.len(), outbox);

        blocks::unblock(store, ctx, workspace, &agent, id).await.unwrap();
        assert_eq!(scene.count(&JOBS).await, 2);
        let state = blocks::list(store, workspace, None, 10).await.unwrap().data[0].state;
        assert_eq!(state, BlockState::Unblocking);
        scene.advance(60_000);
        scene.receive(ana("wamid.10", START.plus(120_000), "Sorry")).await;
        assert_eq!(scene.sessions().await.len(), 2, "a conversation as any other");
        let unknown = blocks::unblock(store, ctx, workspace, &agent, ctx.id()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_survives_that_two_customers_turn_out_to_be_one() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hi")).await;
        scene.advance(1_000);
        scene.receive(ana("wamid.2", START.plus(1_000), "Hi")).await;
        let session = of(&scene.sessions().await, &format!("+{ANA}"));
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        blocks::block(store, ctx, workspace, &boss, session.id, "Spam").await.unwrap();
        let both = Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.receive(text(both, "wamid.3", START.plus(2_000), "It is me")).await;
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        assert_eq!(blocks::list(store, workspace, None, 10).await.unwrap().data.len(), 1);
        let open = scene.sessions().await.into_iter().filter(|session| session.ended_at.is_none());
        assert!(open.into_iter().all(|session| session.unread_count <= 1), "the last message woke nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conversation_goes_back_through_the_sessions_before() {
    use segue_desk::{closing, sessions};
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        for number in 0..3_i64 {
            scene
                .receive(ana(&format!("wamid.{number}"), START.plus(number * 60_000), &format!("Matter {number}")))
                .await;
            if number < 2 {
                let open = scene.sessions().await.into_iter().find(|session| session.ended_at.is_none()).unwrap();
                let end = closing::EndSession {
                    case: closing::CaseFate::KeepOpen,
                    outcome: segue_store::session::SessionOutcome::None,
                    reason: None,
                };
                closing::end(store, ctx, workspace, &boss, open.id, end).await.unwrap();
            }
            scene.advance(60_000);
        }
        let own = scene.sessions().await.into_iter().find(|session| session.ended_at.is_none()).unwrap();
        let (mut cursor, mut said, mut of) = (None, Vec::new(), std::collections::BTreeSet::new());
        loop {
            let part = sessions::earlier(store, workspace, own.id, cursor, 2).await.unwrap();
            of.extend(part.session.map(|session| session.id));
            said.extend(part.data.into_iter().rev().map(|entry| entry.text).filter(|text| text.starts_with("Matter")));
            cursor = part.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(said, ["Matter 1", "Matter 0"], "{}", scene.test.engine);
        assert_eq!(of.len(), 2);
        scene.receive(text(phone(SECOND), "wamid.9", scene.test.now(), "Hi")).await;
        let foreign = of_number(&scene.sessions().await, SECOND);
        let wrong = sessions::earlier(store, workspace, own.id, Some(format!("{}:", foreign.id)), 5).await;
        assert_eq!(wrong.unwrap_err().code(), "invalid_field", "not another customer's");
    }
}

fn of_number(sessions: &[SessionView], digits: &str) -> SessionView {
    of(sessions, &format!("+{digits}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_whatsapp_has_for_a_number_is_kept_and_found_again() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(phone("5511999990000"), "wamid.1", START, "Oi")).await;
        let session = scene.session().await;
        let (workspace, channel, id) = (scene.workspace(), scene.channel.id, session.id);
        let learn = move |tx: &mut segue_store::Tx<'_>| tx.learn_wa_id(workspace, channel, id, "551199990000");
        assert!(write(scene.store(), learn).await);
        assert!(!write(scene.store(), learn).await, "once");
        let user = session.customer.messaging_user_id;
        assert_eq!(address(&scene, user).await.unwrap().1, "+551199990000", "{}", scene.test.engine);
        let by_id = Identity { wa_id: Some("551199990000".to_owned()), ..Identity::default() };
        scene.receive(text(by_id, "wamid.2", START.plus(1_000), "Oi")).await;
        assert_eq!(scene.count(&USERS).await, 1, "the same customer");
    }
}
