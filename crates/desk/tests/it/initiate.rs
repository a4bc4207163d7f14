//! Agents who write first.

use segue_channels::whatsapp::Identity;
use segue_desk::{
    DeskError, blocks, customers,
    linking::{self, LinkTo},
    messages::{Draft, NewReply},
};
use segue_model::{ContactId, TemplateId, actor::Actor, contact::ContactFields, role::Role, session::OptIn, time};
use segue_store::{
    Sql,
    session::SessionView,
    thread::{JoinCustomers, Learned},
};
use segue_testkit::engines;

use crate::{replies::templates, scene::*};

async fn contact(scene: &Scene, phone: Option<&str>) -> ContactId {
    let id: ContactId = scene.ctx().id();
    let phone = phone.map(|phone| phone.parse().unwrap());
    let fields = ContactFields { first_name: Some("Ana".to_owned()), phone, ..ContactFields::default() };
    let (workspace_id, now) = (scene.workspace(), scene.test.now());
    write(scene.store(), move |tx| tx.insert_contact(workspace_id, id, &fields, now)).await;
    id
}

fn template(template_id: TemplateId) -> Draft {
    Draft::Template {
        template_id,
        parameters: vec!["Ana".to_owned(), "42".to_owned()],
        header: None,
        buttons: Vec::new(),
        cards: Vec::new(),
        offer_ends_at: None,
    }
}

async fn start(
    scene: &Scene,
    actor: &Actor,
    contact: ContactId,
    client_id: &str,
    draft: Draft,
) -> Result<SessionView, DeskError> {
    let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
    let whom = (contact, scene.channel.id);
    segue_desk::initiate::start(scene.store(), scene.ctx(), scene.workspace(), actor, whom, reply).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_begins_with_a_template_and_the_answer_comes_to_him() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        let ana_id = contact(&scene, Some("+15550100001")).await;
        let (approved, _) = templates(&scene, scene.ctx()).await;
        let refused = start(&scene, &agent, ana_id, "1", text_draft("Hi")).await.unwrap_err();
        assert_eq!(refused.code(), "window_closed", "no window, no free text");
        assert_eq!(scene.sessions().await.len(), 0, "a refused attempt leaves nothing");
        assert_eq!(scene.load(&agent).await, 0);
        let begun = start(&scene, &agent, ana_id, "1", template(approved)).await.unwrap();
        assert_eq!((begun.origin.as_str(), begun.state.as_str()), ("agent", "active"));
        assert_eq!(begun.agent.as_ref().unwrap().name, "Sam");
        assert_eq!((begun.customer.contact_id, begun.opt_in.state), (Some(ana_id), OptIn::Asked));
        assert_eq!((begun.numbers.waits_since, begun.numbers.agent_messages), (None, 1));
        let panel = segue_desk::panel::get(scene.store(), scene.workspace(), begun.id, scene.test.now()).await.unwrap();
        assert_eq!(panel.link_history[0].actor_name.as_deref(), Some("Sam"), "{}", scene.test.engine);
        assert_eq!(panel.undoable_link, Some(panel.link_history[0].id), "the link can be taken back");
        let again = start(&scene, &agent, ana_id, "1", template(approved)).await.unwrap();
        assert_eq!((again.id, again.numbers.agent_messages), (begun.id, 1), "asked twice, sent once");
        scene.advance(60_000);
        scene.receive(ana("wamid.1", scene.test.now(), "Thanks")).await;
        let session = scene.session().await;
        assert_eq!((session.state.as_str(), session.opt_in.state), ("active", OptIn::Granted));
        assert_eq!(scene.lines(session.id).await.last().unwrap(), "customer: Thanks", "no bot and no queue");
        scene.reply(&agent, session.id, "2", "You are welcome").await.unwrap();
        assert_eq!(scene.load(&agent).await, 1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_begin_at_once_make_one_conversation() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let ana_id = contact(&scene, Some("+15550100001")).await;
        let (approved, paused) = templates(&scene, scene.ctx()).await;
        let starts = [(&sam, "s"), (&kim, "k"), (&sam, "s"), (&kim, "k")]
            .map(|(who, client_id)| start(&scene, who, ana_id, client_id, template(approved)));
        let results = futures::future::join_all(starts).await;
        let owner = scene.session().await.agent.unwrap().id;
        for (result, who) in results.iter().zip([&sam, &kim, &sam, &kim]) {
            let won = who.user_id() == Some(owner);
            assert_eq!(result.as_ref().err().map(DeskError::code), (!won).then_some("conversation_open"));
        }
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        assert_eq!(scene.texts(&OUTBOX).await.len(), 1, "one message");
        let nobody = contact(&scene, None).await;
        assert_eq!(start(&scene, &sam, nobody, "9", template(approved)).await.unwrap_err().code(), "no_address");
        let other = contact(&scene, Some("+15550100002")).await;
        assert_eq!(
            start(&scene, &sam, other, "9", template(paused)).await.unwrap_err().code(),
            "template_not_approved"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_begins_with_the_customer_whose_number_is_written_another_way() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(text(phone("551199990000"), "wamid.1", START, "Oi")).await;
        let before = scene.session().await;
        // The contact has the ninth digit that WhatsApp leaves out.
        let id = contact(&scene, Some("+5511999990000")).await;
        let (approved, _) = templates(&scene, scene.ctx()).await;
        let open = start(&scene, &boss, id, "1", template(approved)).await.unwrap_err();
        assert_eq!(open.code(), "conversation_open", "{}", scene.test.engine);
        scene.end(&boss, before.id).await;
        let begun = start(&scene, &boss, id, "2", template(approved)).await.unwrap();
        assert_eq!(begun.customer.messaging_user_id, before.customer.messaging_user_id, "{}", scene.test.engine);
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        assert_eq!(scene.texts(&SENT_TO).await.last().unwrap(), "+551199990000", "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_begins_with_a_customer_of_the_contact_who_hides_the_number() {
    for number in [Some("+15550100001"), None] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let boss = scene.user("Kim", Role::Supervisor).await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
            let before = scene.session().await;
            let id = contact(&scene, number).await;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            linking::link(store, ctx, workspace, &boss, before.id, LinkTo::Contact(id), None).await.unwrap();
            scene.end(&boss, before.id).await;
            let (approved, _) = templates(&scene, scene.ctx()).await;
            let begun = start(&scene, &boss, id, "1", template(approved)).await.unwrap();
            assert_eq!(begun.customer.messaging_user_id, before.customer.messaging_user_id, "{}", scene.test.engine);
            assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
            assert_eq!(scene.texts(&SENT_TO).await.last().unwrap(), "US.1", "{}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_a_conversation_with_a_blocked_customer() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Spam")).await;
        let before = scene.session().await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        blocks::block(store, ctx, workspace, &boss, before.id, "Spam").await.unwrap();
        let id = before.customer.contact_id.unwrap();
        let (approved, _) = templates(&scene, scene.ctx()).await;
        let refused = start(&scene, &boss, id, "1", template(approved)).await.unwrap_err();
        assert_eq!(refused.code(), "customer_blocked", "{}", scene.test.engine);
        assert_eq!(scene.sessions().await.len(), 1, "{}: nothing was opened", scene.test.engine);
        blocks::unblock(store, ctx, workspace, &boss, before.customer.messaging_user_id).await.unwrap();
        start(&scene, &boss, id, "2", template(approved)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_names_another_customer_joins_them_unless_they_are_two_people() {
    for are_two in [false, true] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let agent = scene.agent("Sam").await;
            scene.available(&agent).await;
            let (dialled, known) = ("15550100088", "15550100077");
            let known_as = Identity { bsuid: Some("US.1".to_owned()), ..phone(known) };
            scene.receive(text(known_as, "wamid.1", START, "Hello")).await;
            let other = scene.session().await;
            scene.advance(60_000);
            let id = contact(&scene, Some(&format!("+{dialled}"))).await;
            let (approved, _) = templates(&scene, scene.ctx()).await;
            let begun = start(&scene, &agent, id, "1", template(approved)).await.unwrap();
            if are_two {
                let own = Identity { bsuid: Some("US.2".to_owned()), ..phone(dialled) };
                scene.receive(text(own, "wamid.2", scene.test.now(), "Somebody else")).await;
            }
            let (workspace, channel, session_id) = (scene.workspace(), scene.channel.id, begun.id);
            let learned = write(scene.store(), move |tx| tx.learn_wa_id(workspace, channel, session_id, known)).await;
            let owner = other.customer.messaging_user_id;
            assert_eq!(learned, Learned::Another(owner), "{}", scene.test.engine);
            let told = JoinCustomers { session_id, messaging_user_id: owner };
            for _ in 0..2 {
                let (ctx, told) = (scene.ctx().clone(), told.clone());
                scene.store().write(move |tx| customers::join(tx, &ctx, workspace, &told)).await.unwrap();
            }
            let count = scene.count(&USERS).await;
            assert_eq!(count, if are_two { 2 } else { 1 }, "{} {are_two}", scene.test.engine);
            let open = scene.sessions().await.into_iter().filter(|session| session.ended_at.is_none());
            let open: Vec<_> = open.map(|session| session.id).collect();
            if are_two {
                assert_eq!(open.len(), 2, "{}", scene.test.engine);
            } else {
                assert_eq!(open, [begun.id], "{}: the agent's goes on", scene.test.engine);
                let again = start(&scene, &agent, id, "2", template(approved)).await.unwrap();
                assert_eq!(again.id, begun.id, "{}: found by the number that is dialled", scene.test.engine);
                scene.receive(text(phone(known), "wamid.3", scene.test.now(), "It is me")).await;
                scene.reply(&agent, begun.id, "3", "Hello").await.unwrap();
                assert_eq!(scene.texts(&SENT_TO).await.last().unwrap(), &format!("+{known}"));
            }
        }
    }
}

static SENT_TO: Sql = Sql::portable("SENT_TO", "SELECT address FROM outbox WHERE workspace_id = $1 ORDER BY id");

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_anew_with_a_customer_who_said_no_until_they_write_again() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        let id = contact(&scene, Some("+15550100001")).await;
        scene.receive(ana("wamid.1", START, "STOP")).await;
        assert_eq!(scene.session().await.state.as_str(), "ended", "{}", scene.test.engine);
        scene.advance(60_000);
        let (approved, _) = templates(&scene, scene.ctx()).await;
        for draft in [text_draft("But look at this"), template(approved)] {
            let refused = start(&scene, &agent, id, "1", draft).await.map(|_| ()).unwrap_err();
            assert_eq!(refused.code(), "opted_out", "{}", scene.test.engine);
        }
        assert_eq!(scene.sessions().await.len(), 1, "a refused attempt leaves nothing");
        scene.receive(ana("wamid.2", START.plus(60_000), "I have a question")).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        let again = scene.sessions().await.remove(0);
        scene.end(&boss, again.id).await;
        start(&scene, &agent, id, "2", text_draft("You had a question?")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_of_the_channel_breaks_into_a_conversation_that_an_agent_has() {
    use segue_model::conversation::OptInKind;
    for kind in [OptInKind::Explicit, OptInKind::Double] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            let agent = scene.agent("Sam").await;
            scene.available(&agent).await;
            let ana_id = contact(&scene, Some("+15550100001")).await;
            let (approved, _) = templates(&scene, scene.ctx()).await;
            let begun = start(&scene, &agent, ana_id, "1", template(approved)).await.unwrap();
            let said = scene.texts(&OUTBOX).await;
            scene.advance(25 * time::HOUR);
            for (wamid, words) in [("wamid.1", "Hello"), ("wamid.2", "yes")] {
                scene.receive(ana(wamid, scene.test.now(), words)).await;
                assert_eq!(scene.texts(&OUTBOX).await, said, "{kind} on {}: {words}", scene.test.engine);
                assert_eq!(scene.session().await.opt_in.state, OptIn::Asked, "{kind} on {}", scene.test.engine);
            }
            assert!(scene.session().await.numbers.waits_since.is_some(), "the agent is to answer");
            scene.receive(ana("wamid.3", scene.test.now(), "STOP")).await;
            assert_eq!(scene.session().await.opt_in.state, OptIn::Declined, "{kind} on {}", scene.test.engine);
            assert_eq!(scene.session().await.id, begun.id);
        }
    }
}
