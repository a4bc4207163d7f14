//! Agents who write first.

use segue_desk::{
    DeskError,
    messages::{Draft, NewReply},
};
use segue_model::{ContactId, TemplateId, actor::Actor, contact::ContactFields, session::OptIn};
use segue_store::session::SessionView;
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
