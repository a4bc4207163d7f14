//! Rules of linking, the question to the agent, and taking links back.

use segue_desk::{
    leads::NewLead,
    linking::{self, LinkTo},
    panel::{self, CandidateReason, Panel},
};
use segue_model::{
    ContactId,
    actor::Actor,
    contact::ContactFields,
    linking::{LinkObject, LinkRule, LinkRules, ManyMatches, MatchBy, NoMatch, OneMatch},
};
use segue_store::{Sql, customer_link::LinkAction, session::SessionView};
use segue_testkit::{TestStore, engines};

use crate::scene::*;

static LEADS: Sql = Sql::portable("LEADS", "SELECT COUNT(*) FROM leads WHERE workspace_id = $1");

const fn rule(by: MatchBy, one: OneMatch, many: ManyMatches) -> LinkRule {
    LinkRule { by, object: LinkObject::Contact, one, many }
}

async fn scene(test: TestStore, rules: &[LinkRule], none: NoMatch) -> Scene {
    let mut scene = Scene::new(test).await;
    scene.test.workspace.settings.linking.workspace = LinkRules { rules: rules.to_vec(), none };
    let workspace = scene.test.workspace.clone();
    write(scene.store(), move |tx| tx.update_workspace(&workspace)).await;
    scene
}

async fn look(scene: &Scene, session: &SessionView) -> Panel {
    panel::get(scene.store(), scene.workspace(), session.id, scene.test.now()).await.unwrap()
}

async fn with_email(scene: &Scene, email: &str, name: &str) -> ContactId {
    let (workspace_id, id, now) = (scene.workspace(), scene.ctx().id(), scene.test.now());
    let fields =
        ContactFields { email: Some(email.to_owned()), first_name: Some(name.to_owned()), ..ContactFields::default() };
    write(scene.store(), move |tx| tx.insert_contact(workspace_id, id, &fields, now)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_with_writings_of_one_number_are_asked_about_and_the_choice_is_taken_back() {
    for test in engines().await {
        let rules = [rule(MatchBy::PhoneVariant, OneMatch::Link, ManyMatches::Ask)];
        let ask = [LinkRule { by: MatchBy::Phone, ..rules[0] }, rules[0]];
        let ask = [LinkRule { one: OneMatch::Ask, ..ask[0] }, ask[1]];
        let scene = scene(test, &ask, NoMatch::Nothing).await;
        let agent = scene.agent("Sam").await;
        let new = scene.test.contact("+5511999990000", "Bia").await;
        let old = scene.test.contact("+551199990000", "Beatriz").await;
        scene.receive(text(phone("5511999990000"), "wamid.1", START, "Oi")).await;
        let session = scene.session().await;
        assert_eq!(session.customer.contact_id, None, "{}", scene.test.engine);
        let panel = look(&scene, &session).await;
        let prompt = panel.link_prompt.expect("the agent is asked");
        assert_eq!(prompt.postponed_at, None);
        let reasons = |id: ContactId| {
            let of = |each: &&panel::PanelCandidate| each.contact.as_ref().is_some_and(|contact| contact.id == id);
            panel.candidates.iter().find(of).map(|each| each.reasons.clone())
        };
        assert_eq!(reasons(new), Some(vec![CandidateReason::Phone]));
        assert_eq!(reasons(old), Some(vec![CandidateReason::PhoneVariant]));

        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let note = Some("She told her name".to_owned());
        let linked =
            linking::link(store, ctx, workspace, &agent, session.id, LinkTo::Contact(old), note).await.unwrap();
        assert_eq!(linked.customer.contact_id, Some(old));
        let panel = look(&scene, &session).await;
        assert!(panel.link_prompt.is_none() && panel.candidates.is_empty());
        let [linked, asked] = &panel.link_history[..] else { panic!("{:?}", panel.link_history) };
        assert_eq!((asked.action, asked.actor.as_str()), (LinkAction::Asked, "system"));
        assert_eq!((linked.action, linked.actor_name.as_deref()), (LinkAction::Linked, Some("Sam")));
        assert_eq!(linked.note.as_deref(), Some("She told her name"));
        let link_id = panel.undoable_link.expect("it can be taken back");

        let undone = linking::undo(store, ctx, workspace, &agent, session.id, link_id).await.unwrap();
        assert_eq!(undone.customer.contact_id, None);
        let again = linking::undo(store, ctx, workspace, &agent, session.id, link_id).await.unwrap_err();
        assert_eq!(again.code(), "link_changed");
        let panel = look(&scene, &session).await;
        assert_eq!(panel.link_history[0].undoes_id, Some(link_id));
        assert_eq!(panel.undoable_link, None);
        scene.receive(text(phone("5511999990000"), "wamid.2", START.plus(1_000), "Oi")).await;
        assert_eq!(scene.session().await.customer.contact_id, None, "a person has looked at it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_rules_is_taken_back_to_what_was_there() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let contact = scene.test.contact(&format!("+{ANA}"), "Ana").await;
        let other = scene.test.contact("+15550100007", "Ben").await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        assert_eq!(session.customer.contact_id, Some(contact));
        let panel = look(&scene, &session).await;
        assert_eq!(panel.link_history.len(), 1);
        assert_eq!(panel.link_history[0].reason, "phone");
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let link = |to| linking::link(store, ctx, workspace, &agent, session.id, to, None);
        link(LinkTo::Contact(other)).await.unwrap();
        let first = panel.undoable_link.unwrap();
        let refused = linking::undo(store, ctx, workspace, &agent, session.id, first).await.unwrap_err();
        assert_eq!(refused.code(), "link_changed", "a later link stands");
        let latest = look(&scene, &session).await.undoable_link.unwrap();
        let back = linking::undo(store, ctx, workspace, &agent, session.id, latest).await.unwrap();
        assert_eq!(back.customer.contact_id, Some(contact));
        link(LinkTo::Contact(other)).await.unwrap();
        let latest = look(&scene, &session).await.undoable_link.unwrap();
        write(store, move |tx| tx.delete_contact(workspace, contact, START)).await;
        let gone = linking::undo(store, ctx, workspace, &agent, session.id, latest).await.unwrap_err();
        assert_eq!(gone.code(), "link_changed", "what was there is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn not_now_puts_the_question_away_and_it_is_kept() {
    for test in engines().await {
        let scene = scene(test, &[], NoMatch::Ask).await;
        let agent = scene.agent("Sam").await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        assert!(look(&scene, &session).await.link_prompt.is_some_and(|prompt| prompt.postponed_at.is_none()));
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        linking::postpone(store, ctx, workspace, &agent, session.id).await.unwrap();
        let panel = look(&scene, &session).await;
        assert!(panel.link_prompt.is_some_and(|prompt| prompt.postponed_at.is_some()));
        assert_eq!(panel.link_history[0].action, LinkAction::Postponed);
        assert_eq!(scene.count(&CONTACTS).await, 0, "nothing was created");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_matches_makes_what_the_setting_says() {
    for (none, contacts, leads) in
        [(NoMatch::CreateContact, 1, 0), (NoMatch::CreateLead, 0, 1), (NoMatch::Nothing, 0, 0)]
    {
        for test in engines().await {
            let scene = scene(test, &LinkRules::default().rules, none).await;
            scene.receive(ana("wamid.1", START, "Hello")).await;
            let made = (scene.count(&CONTACTS).await, scene.count(&LEADS).await);
            assert_eq!(made, (contacts, leads), "{none} {}", scene.test.engine);
            let customer = scene.session().await.customer;
            assert_eq!((customer.contact_id.is_some(), customer.lead_id.is_some()), (contacts == 1, leads == 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_can_have_rules_of_its_own() {
    for test in engines().await {
        let mut scene = scene(test, &[], NoMatch::Nothing).await;
        let own = LinkRules { rules: Vec::new(), none: NoMatch::CreateLead };
        scene.test.workspace.settings.linking.channels.insert(scene.channel.id, own);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(scene.count(&LEADS).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_user_on_another_number_of_ours_is_known() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let contact = scene.test.contact("+15550100007", "Ana").await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
        let first = scene.session().await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        linking::link(store, ctx, workspace, &agent, first.id, LinkTo::Contact(contact), None).await.unwrap();
        let second = scene.test.whatsapp_channel("second", "http://127.0.0.1:1").await;
        let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(text(
            hidden("US.1"),
            "wamid.2",
            START.plus(1_000),
            "Hello there",
        )));
        receive_in(store, ctx, &scene.test.workspace, &second, item).await.unwrap();
        let other = scene.sessions().await.into_iter().find(|session| session.channel_id == second.id).unwrap();
        assert_eq!(other.customer.contact_id, Some(contact), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_the_bot_asked_for_is_asked_about_or_links_as_the_rule_says() {
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  \
        - id: mail\n    ask: {type: email, prompt: \"Your e-mail?\", into: email, label: \"E-mail\", on_fail: over}\n  \
        - id: over\n    handover: {}\n";
    for one in [OneMatch::Ask, OneMatch::Link] {
        for test in engines().await {
            let mut scene = Scene::with_flow(test, Some("hello")).await;
            scene.test.workspace.settings.linking.workspace =
                LinkRules { rules: vec![rule(MatchBy::Email, one, ManyMatches::Ask)], none: NoMatch::CreateContact };
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
            let known = with_email(&scene, "Ana.Lopez@Example.com", "Ana").await;
            scene.receive(ana("wamid.1", START, "Hello")).await;
            let created = scene.session().await.customer.contact_id;
            assert!(created.is_some_and(|id| id != known));
            scene.advance(5_000);
            scene.receive(ana("wamid.2", START.plus(5_000), "ana.lopez@example.com")).await;
            let session = scene.session().await;
            let panel = look(&scene, &session).await;
            if one == OneMatch::Link {
                assert_eq!(session.customer.contact_id, Some(known), "{}", scene.test.engine);
                assert!(panel.link_prompt.is_none());
            } else {
                assert_eq!(session.customer.contact_id, created, "{}", scene.test.engine);
                assert!(panel.link_prompt.is_some());
                let candidate = panel.candidates[0].contact.as_ref().map(|contact| contact.id);
                assert_eq!((panel.candidates.len(), candidate), (1, Some(known)));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_that_was_gathered_first_is_no_e_mail_address() {
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  \
        - id: handle\n    ask: {type: text, prompt: \"Your handle?\", into: handle, label: \"Handle\", on_fail: over}\n  \
        - id: mail\n    ask: {type: email, prompt: \"Your e-mail?\", into: email, label: \"E-mail\", on_fail: over}\n  \
        - id: over\n    handover: {}\n";
    for test in engines().await {
        let mut scene = Scene::with_flow(test, Some("hello")).await;
        scene.test.workspace.settings.linking.workspace =
            LinkRules { rules: vec![rule(MatchBy::Email, OneMatch::Ask, ManyMatches::Ask)], none: NoMatch::Nothing };
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
        let known = with_email(&scene, "ana.lopez@example.com", "Ana").await;
        for (number, words) in ["Hello", "@ana.b", "ana.lopez@example.com"].iter().enumerate() {
            scene.receive(ana(&format!("wamid.{number}"), scene.test.now(), words)).await;
            scene.advance(5_000);
        }
        let session = scene.session().await;
        assert_eq!(session.gathered.len(), 2, "{}", scene.test.engine);
        let panel = look(&scene, &session).await;
        assert!(panel.link_prompt.is_some(), "{}", scene.test.engine);
        let candidate = panel.candidates[0].contact.as_ref().map(|contact| contact.id);
        assert_eq!(candidate, Some(known), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_types_the_address_of_another_is_told_nothing_of_them_and_changes_nothing() {
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  \
        - id: hi\n    say: {text: \"Hello{% if first_name %} {{ first_name }}{% endif %}!\"}\n  \
        - id: mail\n    ask: {type: email, prompt: \"Your e-mail?\", into: email, label: \"E-mail\", on_fail: over}\n  \
        - id: name\n    ask: {type: text, prompt: \"Your name?\", into: name, on_fail: over, save: contact.last_name}\n  \
        - id: over\n    end: {}\n";
    for test in engines().await {
        let mut scene = Scene::with_flow(test, Some("hello")).await;
        scene.test.workspace.settings.linking.workspace =
            LinkRules { rules: vec![rule(MatchBy::Email, OneMatch::Link, ManyMatches::Ask)], none: NoMatch::Nothing };
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
        let known = with_email(&scene, "ana.lopez@example.com", "Zenobia").await;
        for (number, words) in ["Hello", "ana.lopez@example.com", "Mallory", "Hello again"].iter().enumerate() {
            let at = START.plus(5_000 * i64::try_from(number).unwrap());
            let message = text(hidden("US.1"), &format!("wamid.{number}"), at, words);
            scene.receive(message).await;
            scene.advance(5_000);
        }
        let sessions = scene.sessions().await;
        assert_eq!(sessions.len(), 2, "{}", scene.test.engine);
        assert_eq!(sessions[0].customer.contact_id, Some(known), "{}: the rule says so", scene.test.engine);
        for session in &sessions {
            let lines = scene.lines(session.id).await;
            assert!(lines.iter().any(|line| line.starts_with("bot: Hello")), "{lines:?}");
            assert!(!lines.iter().any(|line| line.contains("Zenobia")), "{}: {lines:?}", scene.test.engine);
        }
        let fields = write(store, move |tx| Ok(tx.contact(workspace, known)?.unwrap().fields())).await;
        assert_eq!(fields.last_name, None, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_typed_the_address_of_another_is_not_surely_that_one_on_another_number_of_ours() {
    static BY_EMAIL: Sql =
        Sql::portable("BY_EMAIL", "UPDATE messaging_users SET linked_by = 'email' WHERE workspace_id = $1");
    let by_id = |object| LinkRule { object, ..rule(MatchBy::Identifier, OneMatch::Link, ManyMatches::Ask) };
    for object in [LinkObject::Contact, LinkObject::Lead] {
        for test in engines().await {
            let scene = scene(test, &[by_id(object)], NoMatch::Nothing).await;
            let agent = scene.agent("Sam").await;
            let contact = scene.test.contact("+15550100007", "Zenobia").await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
            let first = scene.session().await;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let to = if object == LinkObject::Contact { LinkTo::Contact(contact) } else { LinkTo::NewLead };
            linking::link(store, ctx, workspace, &agent, first.id, to, None).await.unwrap();
            write(store, move |tx| tx.execute(&BY_EMAIL, &[&workspace]).map(|_| ())).await;
            let second = scene.test.whatsapp_channel("second", "http://127.0.0.1:1").await;
            let message = text(hidden("US.1"), "wamid.2", START.plus(1_000), "Hello there");
            let item = segue_channels::whatsapp::WebhookItem::Message(Box::new(message));
            receive_in(store, ctx, &scene.test.workspace, &second, item).await.unwrap();
            let other = scene.sessions().await.into_iter().find(|session| session.channel_id == second.id).unwrap();
            let linked = (other.customer.contact_id, other.customer.lead_id);
            assert_eq!(linked, (None, None), "{object} on {}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_types_the_address_of_anothers_lead_writes_nothing_into_it() {
    use segue_store::crm::{LeadStatus, LeadView};
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  \
        - id: mail\n    ask: {type: email, prompt: \"Your e-mail?\", into: email, label: \"E-mail\", on_fail: over}\n  \
        - id: wish\n    ask: {type: text, prompt: \"Your wish?\", into: wish, on_fail: over, save: lead.note}\n  \
        - id: name\n    ask: {type: text, prompt: \"Your name?\", into: name, on_fail: over, save: lead.name}\n  \
        - id: over\n    end: {}\n";
    for test in engines().await {
        let mut scene = Scene::with_flow(test, Some("hello")).await;
        let by_email = rule(MatchBy::Email, OneMatch::Link, ManyMatches::Ask);
        scene.test.workspace.settings.linking.workspace =
            LinkRules { rules: vec![LinkRule { object: LinkObject::Lead, ..by_email }], none: NoMatch::Nothing };
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
        let known = LeadView {
            id: ctx.id(),
            name: "Zenobia".to_owned(),
            phone: None,
            email: Some("ana.lopez@example.com".to_owned()),
            note: None,
            status: LeadStatus::New,
            campaign_id: None,
            session_id: None,
            contact_id: None,
            created_at: scene.test.now(),
        };
        let row = known.clone();
        write(store, move |tx| tx.insert_lead(workspace, &row, None)).await;
        for (number, words) in ["Hello", "ana.lopez@example.com", "A lamp", "Mallory"].iter().enumerate() {
            scene.receive(text(hidden("US.1"), &format!("wamid.{number}"), scene.test.now(), words)).await;
            let customer = scene.session().await.customer;
            match number {
                1 => assert_eq!(customer.lead_id, Some(known.id), "{}", scene.test.engine),
                2 => assert_eq!(customer.name, "Ana Lopez", "{}: their own profile", scene.test.engine),
                _ => {}
            }
            scene.advance(5_000);
        }
        let id = known.id;
        let stored = write(store, move |tx| tx.lead(workspace, id)).await;
        assert_eq!(stored, Some(known), "{}", scene.test.engine);
        assert_eq!(scene.count(&LEADS).await, 2, "{}: one of their own, once", scene.test.engine);
        let own = scene.session().await.customer.lead_id.expect("a lead");
        let own = write(store, move |tx| Ok(tx.lead(workspace, own)?.unwrap())).await;
        assert_eq!((own.name.as_str(), own.note.as_deref()), ("Mallory", Some("A lamp")), "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rule_changes_what_another_actor_decided_before() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let program = Actor::System;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let lead = linking::link(store, ctx, workspace, &program, id, LinkTo::NewLead, None).await.unwrap();
        assert!(lead.customer.lead_id.is_some() && lead.customer.contact_id.is_some());
        let long = linking::link(store, ctx, workspace, &program, id, LinkTo::Nobody, Some("x".repeat(501))).await;
        assert_eq!(long.unwrap_err().code(), "invalid_field");
    }
}

static WAITING: Sql =
    Sql::portable("WAITING", "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND CAST($1 AS UUID) IS NOT NULL");

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_link_outlasts_a_message_that_comes_at_the_same_moment() {
    use segue_channels::whatsapp::{Identity, WebhookItem};
    use segue_desk::{DeskError, inbound::InboundError};
    use segue_store::{StoreError, customer_link::LinkState, messaging_user::LinkedBy};
    use std::{
        sync::{Mutex, mpsc},
        time::Duration,
    };

    // On SQLite one waits for the other before it reads anything.
    let Some(test) = segue_testkit::postgres_store().await else { return };
    let scene = scene(test, &[], NoMatch::CreateContact).await;
    scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
    let session = scene.session().await;
    assert_eq!(session.customer.contact_id, None);
    let (workspace_id, id, user_id) = (scene.workspace(), session.id, session.customer.messaging_user_id);
    let (contact_id, now): (ContactId, _) = (scene.ctx().id(), scene.test.now());
    let fields = ContactFields { first_name: Some("Ana".to_owned()), ..ContactFields::default() };
    write(scene.store(), move |tx| tx.insert_contact(workspace_id, contact_id, &fields, now)).await;

    let ((linked, is_linked), (let_go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (linked, may_go, store) = (Mutex::new(linked), Mutex::new(may_go), scene.store().clone());
    let agent = tokio::spawn(async move {
        write(&store, move |tx| {
            tx.session_to_change(workspace_id, id)?;
            let mut user = tx.messaging_user(workspace_id, user_id)?.expect("the customer is there");
            let before = LinkState::of(&user);
            (user.contact_id, user.linked_by) = (Some(contact_id), Some(LinkedBy::Agent));
            tx.link_messaging_user(workspace_id, &user, before)?;
            linked.lock().unwrap().send(()).expect("the test waits");
            may_go.lock().unwrap().recv().expect("the test says when");
            Ok(())
        })
        .await;
    });
    tokio::task::spawn_blocking(move || is_linked.recv()).await.unwrap().unwrap();
    // The message tells the number, for which the rules would make a contact.
    let told = || {
        let both = Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        WebhookItem::Message(Box::new(text(both, "wamid.2", START.plus(1_000), "It is me")))
    };
    let message = scene.try_receive(told());
    let go = async {
        while scene.count(&WAITING).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let_go.send(()).unwrap();
    };
    let (first, ()) = tokio::join!(message, go);
    agent.await.unwrap();
    if let Err(error) = first {
        assert!(matches!(error, InboundError::Desk(DeskError::Store(StoreError::Unavailable(_)))), "{error:?}");
        scene.try_receive(told()).await.unwrap();
    }
    let user = write(scene.store(), move |tx| Ok(tx.messaging_user(workspace_id, user_id)?.unwrap())).await;
    assert_eq!((user.contact_id, user.linked_by), (Some(contact_id), Some(LinkedBy::Agent)));
    assert_eq!(scene.lines(id).await.last().unwrap(), "customer: It is me");
    assert_eq!(scene.count(&CONTACTS).await, 1, "and no contact was made beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_the_link_can_be_taken_back() {
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  \
        - id: wish\n    ask: {type: text, prompt: \"What do you need?\", save: lead.note, on_fail: over}\n  \
        - id: over\n    handover: {}\n";
    for by_bot in [false, true] {
        for test in engines().await {
            let scene = Scene::with_flow(test, by_bot.then_some("hello")).await;
            let agent = scene.agent("Sam").await;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            if by_bot {
                segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
            }
            scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
            let session = scene.session().await;
            if by_bot {
                scene.receive(text(hidden("US.1"), "wamid.2", START.plus(1_000), "A lamp")).await;
            } else {
                let lead = NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
                segue_desk::leads::create(store, ctx, workspace, &agent, session.id, lead).await.unwrap();
            }
            assert!(scene.session().await.customer.lead_id.is_some(), "{}", scene.test.engine);
            let panel = look(&scene, &session).await;
            let made = &panel.link_history[0];
            assert_eq!(
                (made.action, made.reason.as_str()),
                (LinkAction::Created, if by_bot { "bot" } else { "agent" })
            );
            let link_id = panel.undoable_link.expect("it can be taken back");
            let back = linking::undo(store, ctx, workspace, &agent, session.id, link_id).await.unwrap();
            assert_eq!(back.customer.lead_id, None, "by a bot: {by_bot} on {}", scene.test.engine);
            assert_eq!(scene.count(&LEADS).await, 1, "the lead stays");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_of_ones_own_stays_as_it_is_when_the_rules_find_nobody() {
    for none in [NoMatch::Nothing, NoMatch::CreateLead] {
        for test in engines().await {
            let scene = scene(test, &LinkRules::default().rules, none).await;
            let agent = scene.agent("Sam").await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
            let session = scene.session().await;
            let lead = NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let lead = segue_desk::leads::create(store, ctx, workspace, &agent, session.id, lead).await.unwrap();
            let before = look(&scene, &session).await;
            let known = segue_channels::whatsapp::Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
            scene.receive(text(known, "wamid.2", START.plus(1_000), "Hello?")).await;
            assert_eq!(scene.session().await.customer.lead_id, Some(lead.id));
            let after = look(&scene, &session).await;
            assert_eq!(after.link_history, before.link_history, "{none} on {}", scene.test.engine);
            assert_eq!(scene.count(&LEADS).await, 1);
        }
    }
}
