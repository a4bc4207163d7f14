//! Two addresses of one person, and customers that are blocked.

use segue_channels::whatsapp::Identity;
use segue_desk::{
    blocks, customers,
    messages::NewReply,
    sessions::{self, ListSessions},
};
use segue_model::consent::{ConsentState, Medium, Purpose};
use segue_model::{MessagingUserId, role::Role};
use segue_store::{
    Sql,
    customer_block::{BeginTelling, BlockState},
    outbox::AddressKind,
    session::{SessionFilter, SessionOrder, SessionView},
    thread::Learned,
};
use segue_testkit::engines;

use crate::scene::*;

const SECOND: &str = "15550100009";

static END: Sql = Sql::portable("END", "UPDATE sessions SET state = 'ended' WHERE workspace_id = $1 AND id = $2");
static DELIVERED: Sql = Sql::portable(
    "DELIVERED",
    "SELECT address FROM outbox WHERE workspace_id = $1 AND dedupe_key LIKE 'pending:%' ORDER BY id",
);
static JOBS: Sql = Sql::portable("JOBS", "SELECT COUNT(*) FROM jobs WHERE workspace_id = $1 AND kind = 'tell_block'");

async fn address(scene: &Scene, id: MessagingUserId) -> Option<(AddressKind, String)> {
    let workspace = scene.workspace();
    write(scene.store(), move |tx| tx.address_of(workspace, id)).await
}

fn of(sessions: &[SessionView], phone: &str) -> SessionView {
    let number = phone.parse().ok();
    sessions.iter().find(|session| session.customer.phone == number).cloned().expect("a session of this number")
}

/// The number that the conversation shows, and the one that stands among the addresses of its contact.
async fn shown(scene: &Scene, session: &SessionView) -> [String; 2] {
    let (workspace, id, nobody) = (scene.workspace(), session.id, scene.ctx().id());
    let (view, others) = write(scene.store(), move |tx| {
        let view = tx.session_view(workspace, id)?.expect("the session is there");
        let contact_id = view.customer.contact_id.expect("the customer has a contact");
        let others = tx.other_addresses(workspace, contact_id, nobody, 10)?;
        Ok((view, others))
    })
    .await;
    let digits = |phone: Option<segue_model::PhoneNumber>| phone.expect("a number").digits().to_owned();
    let other = others.into_iter().find(|other| other.messaging_user_id == view.customer.messaging_user_id);
    [digits(view.customer.phone), digits(other.expect("it is among them").phone)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_loses_no_session_after_one_that_was_emptied() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        for number in 0..3 {
            scene.receive(text(phone(&format!("1555010010{number}")), &format!("wamid.{number}"), START, "Hi")).await;
        }
        // The oldest one has the latest entry.
        scene.advance(60_000);
        let late = START.plus(60_000);
        scene.receive(text(phone("15550100100"), "wamid.9", late, "One more thing")).await;
        let (workspace, newest) = (scene.workspace(), scene.sessions().await[0].id);
        let until = scene.test.now();
        write(scene.store(), move |tx| tx.empty_transcript(workspace, newest, until)).await;

        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let request = ListSessions {
                view: SessionFilter::All,
                order: SessionOrder::Latest,
                closing_within: None,
                search: None,
                cursor,
                limit: 1,
            };
            let page = sessions::list(scene.store(), workspace, &boss, scene.test.now(), request).await.unwrap();
            found.extend(page.data.into_iter().map(|session| session.id));
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let all: Vec<_> = scene.sessions().await.into_iter().map(|session| session.id).collect();
        assert_eq!((found, all.len()), (all.clone(), 3), "{}", scene.test.engine);
    }
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
        assert_eq!(shown(&scene, &own).await, [SECOND; 2], "{}: the screen says so", scene.test.engine);

        // Both addresses stay, whichever they write from, and answers go to the one used last.
        scene.advance(60_000);
        scene.receive(ana("wamid.3", START.plus(120_000), "Home again")).await;
        assert_eq!(address(&scene, own_id).await.unwrap().1, format!("+{ANA}"));
        assert_eq!(shown(&scene, &own).await, [ANA; 2], "{}", scene.test.engine);
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
        assert_eq!((merges[0].actor.as_str(), merges[0].can_part), ("system", false));
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
        assert_eq!(write(scene.store(), learn).await, Learned::Kept);
        assert_eq!(write(scene.store(), learn).await, Learned::Nothing, "once");
        let user = session.customer.messaging_user_id;
        assert_eq!(address(&scene, user).await.unwrap().1, "+551199990000", "{}", scene.test.engine);
        let by_id = Identity { wa_id: Some("551199990000".to_owned()), ..Identity::default() };
        scene.receive(text(by_id, "wamid.2", START.plus(1_000), "Oi")).await;
        assert_eq!(scene.count(&USERS).await, 1, "the same customer");
    }
}

static LEAD_EVENTS: Sql =
    Sql::portable("LEAD_EVENTS", "SELECT COUNT(*) FROM events WHERE workspace_id = $1 AND kind = 'lead.created'");

/// Ana on two phones: the conversation of each, and a supervisor.
async fn two_phones(scene: &Scene) -> (segue_model::actor::Actor, SessionView, SessionView) {
    let boss = scene.user("Kim", Role::Supervisor).await;
    scene.receive(ana("wamid.1", START, "From my own phone")).await;
    scene.advance(60_000);
    scene.receive(text(phone(SECOND), "wamid.2", START.plus(60_000), "From the phone at work")).await;
    scene.advance(60_000);
    let all = scene.sessions().await;
    (boss, of(&all, &format!("+{ANA}")), of(&all, &format!("+{SECOND}")))
}

async fn merged(scene: &Scene, boss: &segue_model::actor::Actor, into: &SessionView, other: &SessionView) {
    let other = other.customer.messaging_user_id;
    customers::merge(scene.store(), scene.ctx(), scene.workspace(), boss, into.id, other).await.unwrap();
    scene.advance(60_000);
}

async fn parted(scene: &Scene, boss: &segue_model::actor::Actor, session: &SessionView) {
    let (store, workspace) = (scene.store(), scene.workspace());
    let merge = customers::merges(store, workspace, session.id).await.unwrap().remove(0);
    customers::part(store, scene.ctx(), workspace, boss, session.id, merge.id).await.unwrap();
}

/// What the rows of both say: state, and whether the customer itself is marked.
async fn block(scene: &Scene, id: MessagingUserId) -> (Option<BlockState>, bool) {
    let workspace = scene.workspace();
    write(scene.store(), move |tx| {
        let marked = tx.messaging_user(workspace, id)?.is_some_and(|user| user.blocked_at.is_some());
        Ok((tx.block_of(workspace, id)?.map(|block| block.state), marked))
    })
    .await
}

/// Tells WhatsApp, as the job does, and gives the addresses that it was told of.
async fn tell(scene: &Scene, id: MessagingUserId) -> Vec<String> {
    let (workspace, now) = (scene.workspace(), scene.test.now());
    write(scene.store(), move |tx| {
        let begun = tx.begin_telling(workspace, id, now, now.plus(1))?;
        let BeginTelling::Tell(telling) = begun else { return Ok(Vec::new()) };
        tx.settle_block(workspace, id, &telling, None)?;
        Ok(telling.addresses.into_iter().map(|(_, address)| address).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_that_whatsapp_refuses_is_no_block_and_can_be_tried_again() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let (id, engine) = (session.customer.messaging_user_id, scene.test.engine);
        blocks::block(store, ctx, workspace, &agent, session.id, "Spam").await.unwrap();
        tell(&scene, id).await;
        blocks::unblock(store, ctx, workspace, &agent, id).await.unwrap();
        let now = scene.test.now();
        write(store, move |tx| {
            let BeginTelling::Tell(telling) = tx.begin_telling(workspace, id, now, now.plus(1))? else {
                panic!("a word")
            };
            tx.settle_block(workspace, id, &telling, Some("Not now."))
        })
        .await;
        assert_eq!(block(&scene, id).await, (Some(BlockState::UnblockFailed), false), "{engine}");
        assert_eq!(tell(&scene, id).await, Vec::<String>::new(), "{engine}: nothing by itself");
        let shown = blocks::list(store, workspace, None, 10).await.unwrap().data.remove(0);
        assert_eq!(shown.failure.as_deref(), Some("Not now."), "{engine}");
        // Unblocked once more, and blocked once more.
        blocks::unblock(store, ctx, workspace, &agent, id).await.unwrap();
        assert_eq!(block(&scene, id).await, (Some(BlockState::Unblocking), false), "{engine}");
        blocks::block(store, ctx, workspace, &agent, session.id, "Spam").await.unwrap();
        assert_eq!(block(&scene, id).await, (Some(BlockState::Blocking), true), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_before_a_merge_is_theirs_who_had_it_when_they_part() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, own, other) = two_phones(&scene).await;
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        blocks::block(store, ctx, workspace, &boss, other.id, "Spam").await.unwrap();
        assert_eq!(tell(&scene, other_id).await, [format!("+{SECOND}")]);
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(block(&scene, own_id).await, (Some(BlockState::Blocked), true), "{}", scene.test.engine);
        parted(&scene, &boss, &own).await;
        assert_eq!(block(&scene, other_id).await, (Some(BlockState::Blocked), true), "{}", scene.test.engine);
        assert_eq!(block(&scene, own_id).await, (None, false));
        // It can be taken back, at the address that was blocked.
        blocks::unblock(store, ctx, workspace, &boss, other_id).await.unwrap();
        assert_eq!(tell(&scene, other_id).await, [format!("+{SECOND}")]);
        assert_eq!(block(&scene, other_id).await, (None, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_made_of_both_holds_for_both_when_they_part() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, own, other) = two_phones(&scene).await;
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        merged(&scene, &boss, &own, &other).await;
        blocks::block(store, ctx, workspace, &boss, own.id, "Threats").await.unwrap();
        assert_eq!(tell(&scene, own_id).await, [format!("+{SECOND}")], "where they wrote last");
        let jobs = scene.count(&JOBS).await;
        parted(&scene, &boss, &own).await;
        assert_eq!(block(&scene, other_id).await, (Some(BlockState::Blocked), true), "{}", scene.test.engine);
        assert_eq!(block(&scene, own_id).await, (Some(BlockState::Blocking), true));
        assert_eq!(scene.count(&JOBS).await, jobs + 1, "WhatsApp is told of the other address");
        assert_eq!(tell(&scene, own_id).await, [format!("+{ANA}")]);
        // Taken back before they part, it holds for nobody.
        let scene = Scene::new(segue_testkit::sqlite_store().await).await;
        let (boss, own, other) = two_phones(&scene).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        blocks::block(store, ctx, workspace, &boss, other.id, "Spam").await.unwrap();
        tell(&scene, other_id).await;
        merged(&scene, &boss, &own, &other).await;
        blocks::unblock(store, ctx, workspace, &boss, own_id).await.unwrap();
        parted(&scene, &boss, &own).await;
        assert_eq!(block(&scene, other_id).await, (None, false));
        assert_eq!(block(&scene, own_id).await, (Some(BlockState::Unblocking), false));
        assert_eq!(tell(&scene, own_id).await, [format!("+{SECOND}")], "the address that was blocked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_told_of_a_block_goes_on_with_the_one_that_stays() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, own, other) = two_phones(&scene).await;
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        blocks::block(store, ctx, workspace, &boss, other.id, "Spam").await.unwrap();
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(scene.count(&JOBS).await, 2, "{}: one for the one that stays", scene.test.engine);
        assert!(tell(&scene, other_id).await.is_empty(), "that one is no more");
        assert_eq!(tell(&scene, own_id).await, [format!("+{SECOND}")]);
        parted(&scene, &boss, &own).await;
        // The same while the unblock is being told.
        blocks::unblock(store, ctx, workspace, &boss, other_id).await.unwrap();
        scene.advance(60_000);
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(block(&scene, own_id).await, (Some(BlockState::Unblocking), false));
        assert_eq!(tell(&scene, own_id).await, [format!("+{SECOND}")]);
        assert_eq!(block(&scene, own_id).await, (None, false));
        parted(&scene, &boss, &own).await;
        // Both are blocked: WhatsApp knows of both addresses, and is told of both when it ends.
        scene.advance(60_000);
        for session in [&own, &other] {
            blocks::block(store, ctx, workspace, &boss, session.id, "Spam").await.unwrap();
            tell(&scene, session.customer.messaging_user_id).await;
        }
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(block(&scene, own_id).await, (Some(BlockState::Blocked), true));
        blocks::unblock(store, ctx, workspace, &boss, own_id).await.unwrap();
        assert_eq!(tell(&scene, own_id).await, [format!("+{ANA}"), format!("+{SECOND}")], "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_told_late_does_not_undo_the_unblock() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let (id, now) = (session.customer.messaging_user_id, scene.test.now());
        blocks::block(store, ctx, workspace, &agent, session.id, "Spam").await.unwrap();
        let begin = move |tx: &mut segue_store::Tx<'_>| tx.begin_telling(workspace, id, now, now.plus(60_000));
        let BeginTelling::Tell(first) = write(store, begin).await else { panic!("it is to be told") };
        blocks::unblock(store, ctx, workspace, &agent, id).await.unwrap();
        assert!(write(store, begin).await == BeginTelling::Busy, "{}: the first one still speaks", scene.test.engine);
        write(store, move |tx| tx.settle_block(workspace, id, &first, None)).await;
        let BeginTelling::Tell(second) = write(store, begin).await else { panic!("the unblock is to be told") };
        assert_eq!(second.state, BlockState::Unblocking);
        // Who took the row and is gone keeps nobody waiting for ever.
        let later =
            move |tx: &mut segue_store::Tx<'_>| tx.begin_telling(workspace, id, now.plus(60_000), now.plus(90_000));
        assert!(matches!(write(store, later).await, BeginTelling::Tell(_)));
        write(store, move |tx| tx.settle_block(workspace, id, &second, None)).await;
        assert_eq!(block(&scene, id).await, (None, false));
        // The customer has another number by the time of the unblock: the one that was blocked is meant.
        blocks::block(store, ctx, workspace, &agent, session.id, "Spam").await.unwrap();
        tell(&scene, id).await;
        let moved = serde_json::json!({ "type": "system", "system": { "type": "user_changed_number",
            "wa_id": "15550100077", "body": "Ana changed the number" } });
        scene.receive(message(phone(ANA), "wamid.moved", START.plus(1_000), moved)).await;
        assert_eq!(address(&scene, id).await.unwrap().1, "+15550100077");
        blocks::unblock(store, ctx, workspace, &agent, id).await.unwrap();
        assert_eq!(tell(&scene, id).await, [format!("+{ANA}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_merges_a_customer_whose_conversation_is_not_theirs_to_see() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let own = scene.accepted(&sam).await;
        scene.presence(&sam, segue_model::routing::PresenceStatus::Away).await;
        let max = scene.agent("Max").await;
        scene.available(&max).await;
        scene.receive(text(phone(SECOND), "wamid.2", START.plus(60_000), "For Max")).await;
        scene.sweep().await;
        let offer = scene.offers(&max).await.remove(0);
        let other = scene.accept(&max, offer).await.unwrap();
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let other_id = other.customer.messaging_user_id;
        let refused = customers::merge(store, ctx, workspace, &sam, own.id, other_id).await.unwrap_err();
        assert_eq!(refused.code(), "not_owner", "{}", scene.test.engine);
        assert_eq!(scene.count(&USERS).await, 2);
        let boss = scene.user("Kim", Role::Supervisor).await;
        customers::merge(store, ctx, workspace, &boss, own.id, other_id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_of_somebody_with_two_is_the_one_that_is_written_to() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, own, other) = two_phones(&scene).await;
        merged(&scene, &boss, &own, &other).await;
        let id = own.customer.messaging_user_id;
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"));
        let moved = serde_json::json!({ "type": "system", "system": { "type": "user_changed_number",
            "wa_id": "15550100077", "body": "Ana changed the number" } });
        scene.receive(message(phone(ANA), "wamid.moved", scene.test.now(), moved)).await;
        assert_eq!(address(&scene, id).await.unwrap().1, "+15550100077", "{}", scene.test.engine);
        scene.advance(60_000);
        scene.receive(text(phone(SECOND), "wamid.5", scene.test.now(), "From work")).await;
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "until another one is used");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_made_by_linking_is_told_to_the_other_screens() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let to = segue_desk::linking::LinkTo::NewLead;
        segue_desk::linking::link(store, ctx, workspace, &boss, session.id, to, None).await.unwrap();
        assert_eq!(scene.count(&LEAD_EVENTS).await, 1, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_the_hidden_address_when_the_customer_wrote_from_it_last() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "From my phone")).await;
        scene.advance(60_000);
        scene.receive(text(hidden("US.1"), "wamid.2", START.plus(60_000), "By my user name")).await;
        scene.advance(60_000);
        let all = scene.sessions().await;
        let own = of(&all, &format!("+{ANA}"));
        let other = all.into_iter().find(|session| session.id != own.id).unwrap();
        merged(&scene, &boss, &own, &other).await;
        let id = own.customer.messaging_user_id;
        let (by_id, by_phone) = ((AddressKind::Bsuid, "US.1".to_owned()), (AddressKind::Phone, format!("+{ANA}")));
        assert_eq!(address(&scene, id).await.unwrap(), by_id, "{}: where they wrote last", scene.test.engine);
        scene.receive(ana("wamid.3", scene.test.now(), "On the phone again")).await;
        assert_eq!(address(&scene, id).await.unwrap(), by_phone, "{}", scene.test.engine);
        scene.advance(60_000);
        scene.receive(text(hidden("US.1"), "wamid.4", scene.test.now(), "By my user name again")).await;
        assert_eq!(address(&scene, id).await.unwrap(), by_id, "{}", scene.test.engine);
        scene.advance(60_000);
        // One message names both: a number always works.
        let both = Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.receive(text(both, "wamid.5", scene.test.now(), "It is all me")).await;
        assert_eq!(address(&scene, id).await.unwrap(), by_phone, "{}", scene.test.engine);
    }
}

const THIRD: &str = "15550100005";

/// The conversation of Ana's third phone.
async fn third_phone(scene: &Scene) -> SessionView {
    scene.receive(text(phone(THIRD), "wamid.3", scene.test.now(), "From the phone of the office")).await;
    scene.advance(60_000);
    of_number(&scene.sessions().await, THIRD)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_merge_leaves_the_order_in_which_the_addresses_were_used() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        // The younger number is the later one in the order of digits.
        let (boss, first, own) = two_phones(&scene).await;
        let other = third_phone(&scene).await;
        merged(&scene, &boss, &own, &first).await;
        let id = own.customer.messaging_user_id;
        scene.receive(text(phone(SECOND), "wamid.4", scene.test.now(), "At work")).await;
        scene.advance(60_000);
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "{}", scene.test.engine);
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "{}: still", scene.test.engine);
        parted(&scene, &boss, &own).await;
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "{}: still", scene.test.engine);
        scene.receive(ana("wamid.5", scene.test.now(), "At home")).await;
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{ANA}"), "{}", scene.test.engine);
        assert_eq!(scene.count(&USERS).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_of_several_addresses_has_them_again_when_parted_from_another() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, first, own) = two_phones(&scene).await;
        let other = third_phone(&scene).await;
        merged(&scene, &boss, &own, &first).await;
        merged(&scene, &boss, &other, &own).await;
        parted(&scene, &boss, &other).await;
        let (id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "{}", scene.test.engine);
        assert_eq!(address(&scene, other_id).await.unwrap().1, format!("+{THIRD}"), "{}", scene.test.engine);
        // Each of the two addresses still is the customer's, in any order.
        for (number, digits) in [(4, ANA), (5, SECOND), (6, ANA)] {
            scene.receive(text(phone(digits), &format!("wamid.{number}"), scene.test.now(), "Me again")).await;
            scene.advance(60_000);
            assert_eq!(scene.count(&USERS).await, 2, "{} {digits}", scene.test.engine);
            assert_eq!(address(&scene, id).await.unwrap().1, format!("+{digits}"), "{}", scene.test.engine);
        }
        assert_eq!(address(&scene, other_id).await.unwrap().1, format!("+{THIRD}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_whatsapp_joined_before_has_one_address_again_when_parted() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let both = |digits: &str| Identity { bsuid: Some("US.1".to_owned()), ..phone(digits) };
        scene.receive(text(hidden("US.1"), "wamid.a", START, "Hi")).await;
        let (boss, own, other) = two_phones(&scene).await;
        scene.receive(text(both(ANA), "wamid.b", scene.test.now(), "It is me")).await;
        scene.advance(60_000);
        assert_eq!(scene.count(&USERS).await, 2, "{}: told by WhatsApp", scene.test.engine);
        merged(&scene, &boss, &own, &other).await;
        parted(&scene, &boss, &own).await;
        scene.receive(text(both(THIRD), "wamid.c", scene.test.now(), "My new number")).await;
        scene.receive(ana("wamid.d", scene.test.now(), "Somebody else has the old one")).await;
        assert_eq!(scene.count(&USERS).await, 3, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_with_ids_of_their_own_that_whatsapp_joined_can_be_parted() {
    use segue_channels::whatsapp::{WebhookItem, webhook::UserIdUpdate};
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        let named = |bsuid: &str, digits: &str| Identity { bsuid: Some(bsuid.to_owned()), ..phone(digits) };
        scene.receive(text(named("US.1", ANA), "wamid.1", START, "Hello")).await;
        scene.advance(1_000);
        let own = scene.session().await;
        scene.receive(text(named("US.2", SECOND), "wamid.2", START.plus(1_000), "Hi")).await;
        scene.advance(1_000);
        let other = of_number(&scene.sessions().await, SECOND);
        let update = UserIdUpdate {
            waba_id: "1".to_owned(),
            phone_number_id: "2".to_owned(),
            wa_id: None,
            previous: Some("US.1".to_owned()),
            current: "US.2".to_owned(),
            current_parent: None,
            at: None,
        };
        scene.try_receive(WebhookItem::UserIdUpdate(update)).await.unwrap();
        let (id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{SECOND}"), "the number of now");
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let merge = customers::merges(store, workspace, own.id).await.unwrap().remove(0);
        assert!(merge.can_part, "{}", scene.test.engine);
        customers::part(store, ctx, workspace, &boss, own.id, merge.id).await.unwrap();
        assert!(!customers::merges(store, workspace, own.id).await.unwrap()[0].can_part, "once");
        for (number, identity) in [(3, named("US.1", ANA)), (4, named("US.2", SECOND)), (5, named("US.1", ANA))] {
            scene.receive(text(identity, &format!("wamid.{number}"), scene.test.now(), "Me again")).await;
        }
        assert_eq!(scene.count(&USERS).await, 2, "{}: they stay two", scene.test.engine);
        assert_eq!(address(&scene, id).await.unwrap().1, format!("+{ANA}"), "{}", scene.test.engine);
        assert_eq!(address(&scene, other_id).await.unwrap().1, format!("+{SECOND}"), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_parted_has_no_service_window_of_the_other() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, workspace) = (scene.user("Kim", Role::Supervisor).await, scene.workspace());
        scene.receive(ana("wamid.1", START, "A week before")).await;
        let week = 7 * 24 * 60 * 60_000;
        scene.advance(week);
        scene.receive(text(phone(SECOND), "wamid.2", START.plus(week), "Just now")).await;
        let before = scene.sessions().await;
        let (own, other) = (of(&before, &format!("+{ANA}")), of(&before, &format!("+{SECOND}")));
        let (own_id, other_id) = (own.customer.messaging_user_id, other.customer.messaging_user_id);
        let heard = async |id: MessagingUserId| {
            let user = write(scene.store(), move |tx| tx.messaging_user(workspace, id)).await;
            user.expect("the customer is there").last_inbound_at
        };
        let (own_heard, other_heard) = (heard(own_id).await, heard(other_id).await);
        assert!(own_heard < other_heard);

        customers::merge(scene.store(), scene.ctx(), workspace, &boss, own.id, other_id).await.unwrap();
        assert_eq!(heard(own_id).await, other_heard, "{}: one person", scene.test.engine);
        parted(&scene, &boss, &own).await;
        assert_eq!((heard(own_id).await, heard(other_id).await), (own_heard, other_heard), "{}", scene.test.engine);

        // A conversation that was begun from here while they were one has the window of the other.
        let other = of(&scene.sessions().await, &format!("+{SECOND}"));
        merged(&scene, &boss, &own, &other).await;
        let (channel, now, fresh) = (scene.channel.id, scene.ctx().now(), scene.ctx().id());
        write(scene.store(), move |tx| {
            for id in tx.session_ids_of(workspace, own_id)? {
                tx.execute(&END, &[&workspace, &id])?;
            }
            tx.open_session(workspace, fresh, channel, own_id, now)?;
            let mut begun = tx.open_session_to_change(workspace, channel, own_id)?.expect("it was opened");
            begun.window_expires_at = other_heard.map(segue_model::window::expires_at);
            tx.save_session(workspace, &mut begun)
        })
        .await;
        parted(&scene, &boss, &own).await;
        assert_eq!(heard(own_id).await, own_heard, "{}: they wrote nothing in it", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_one_wrote_opens_no_window_once_they_are_parted() {
    const HOUR: i64 = segue_model::time::HOUR;
    for (wrote_too, expected) in [(false, Err("window_closed")), (true, Ok(()))] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let (boss, agent) = (scene.user("Kim", Role::Supervisor).await, scene.agent("Sam").await);
            let own = scene.accepted(&agent).await;
            scene.advance(23 * HOUR);
            scene.receive(text(phone(SECOND), "wamid.2", scene.test.now(), "From work")).await;
            let other = of_number(&scene.sessions().await, SECOND);
            merged(&scene, &boss, &own, &other).await;
            scene.receive(text(phone(SECOND), "wamid.3", scene.test.now(), "Still at work")).await;
            scene.advance(60_000);
            if wrote_too {
                scene.receive(ana("wamid.4", scene.test.now(), "At home")).await;
            }
            scene.advance(2 * HOUR);
            scene.reply(&agent, own.id, "1", "To one person").await.unwrap();
            parted(&scene, &boss, &own).await;
            let answer = scene.reply(&agent, own.id, "2", "To one of two").await;
            let answer = answer.map(|_| ()).map_err(|error| error.code());
            assert_eq!(answer, expected, "{}", scene.test.engine);
            let (workspace, id) = (scene.workspace(), own.customer.messaging_user_id);
            let user = write(scene.store(), move |tx| tx.messaging_user(workspace, id)).await.unwrap();
            let is_heard = user.last_inbound_at.is_some_and(|at| at > START);
            assert_eq!(is_heard, wrote_too, "{}: nor when one is begun anew", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_one_of_two_conversations_goes_on_in_the_other() {
    use segue_model::{session::SessionState, time, window};
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, agent) = (scene.user("Kim", Role::Supervisor).await, scene.agent("Sam").await);
        let own = scene.accepted(&agent).await;
        scene.reply(&agent, own.id, "1", "Hi").await.unwrap();
        scene.advance(25 * time::HOUR);
        scene.time_passes().await;
        let reply = NewReply { client_id: "2".to_owned(), draft: text_draft("Later"), seen_seq: None };
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::pending::keep(store, ctx, workspace, &agent, own.id, reply).await.unwrap();
        let wrote_at = scene.test.now();
        scene.receive(text(phone(SECOND), "wamid.2", wrote_at, "Are you there?")).await;
        let other = of_number(&scene.sessions().await, SECOND);
        scene.advance(60_000);
        merged(&scene, &boss, &own, &other).await;

        let session = scene.sessions().await.into_iter().find(|session| session.id == own.id).unwrap();
        let engine = scene.test.engine;
        assert_eq!(session.state, SessionState::Active, "{engine}");
        assert_eq!(session.window_expires_at, Some(window::expires_at(wrote_at)), "{engine}");
        assert_eq!((session.unread_count, session.pending_count), (1, 0), "{engine}");
        assert_eq!(session.numbers.waits_since, Some(wrote_at), "{engine}: the question is to be answered");
        assert!(scene.lines(own.id).await.contains(&"agent: Later".to_owned()), "{engine}");
        assert_eq!(scene.texts(&DELIVERED).await, [format!("+{SECOND}")], "{engine}: where they wrote last");
        scene.reply(&agent, own.id, "3", "Here I am").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_decided_about_the_link_stands_when_customers_are_merged_and_parted() {
    use segue_desk::{
        linking::{self, LinkTo},
        panel,
    };
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (boss, own, other) = two_phones(&scene).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let engine = scene.test.engine;
        let chosen = scene.test.contact("+15550100007", "Zoe").await;
        linking::link(store, ctx, workspace, &boss, other.id, LinkTo::Contact(chosen), None).await.unwrap();
        let told = async || {
            let panel = panel::get(store, workspace, own.id, scene.test.now()).await.unwrap();
            let reason = panel.link_history.first().map(|entry| entry.reason.clone());
            (panel.contact.map(|contact| contact.id), reason.unwrap_or_default())
        };
        let (before, _) = told().await;
        assert!(before.is_some_and(|id| id != chosen), "{engine}: by the number");

        merged(&scene, &boss, &own, &other).await;
        assert_eq!(told().await, (Some(chosen), "merge".to_owned()), "{engine}");
        parted(&scene, &boss, &own).await;
        assert_eq!(told().await, (before, "part".to_owned()), "{engine}: what it had");

        linking::link(store, ctx, workspace, &boss, own.id, LinkTo::Nobody, None).await.unwrap();
        scene.advance(60_000);
        merged(&scene, &boss, &own, &other).await;
        assert_eq!(told().await, (None, "agent".to_owned()), "{engine}: nobody, since an agent said so");
    }
}
