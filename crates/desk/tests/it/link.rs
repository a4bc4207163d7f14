//! From the text to the chat: codes, forwarded links, numbers, leads.

use segue_model::{
    CampaignId, ContactId,
    attribution::Attribution,
    campaign::Footer,
    code::{CodeKey, CodeTarget, grouped},
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput},
    crm::{LeadStatus, LeadView},
    recipient::NewRecipient,
};
use segue_testkit::engines;

use crate::scene::*;

struct Campaign {
    id: CampaignId,
    contact: ContactId,
    /// `(ref ABCD-…)` of the one recipient, Ana.
    reference: String,
}

async fn campaign(scene: &Scene) -> Campaign {
    let sms = scene.test.sms_channel("carrier").await;
    let sender = scene.test.sender(sms.id, "+15550199999").await;
    let contact = scene.test.contact(&format!("+{ANA}"), "Ana").await;
    let (workspace_id, now, id, ctx) = (scene.workspace(), scene.test.now(), scene.ctx().id(), scene.ctx().clone());
    let input = CampaignInput {
        name: "June".to_owned(),
        sender_id: Some(sender.id),
        audience: Audience::default(),
        body: "Hi".to_owned(),
        footer: Footer::Tracked,
        whatsapp_channel_id: None,
        prefilled_text: String::new(),
        schedule: Default::default(),
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        texts: Vec::new(),
        template: None,
    };
    let recipient = NewRecipient {
        position: 1,
        contact_id: contact,
        phone: Some(format!("+{ANA}").parse().unwrap()),
        rule: "allowed",
        message_id: None,
    };
    let (number, secret) = write(scene.store(), move |tx| {
        tx.insert_campaign(workspace_id, id, &input, None, now)?;
        tx.insert_recipient(workspace_id, id, &recipient)?;
        let number = tx.campaign(workspace_id, id)?.map(|campaign| campaign.number).unwrap();
        Ok((number, tx.secret_or("link_code_key", &ctx.random_bytes::<32>())?))
    })
    .await;
    let key = CodeKey::new(secret.try_into().unwrap());
    let code = key.encode(CodeTarget::new(number, 1).unwrap());
    Campaign { id, contact, reference: format!("(ref {})", grouped(&code)) }
}

static CHATS: Sql = Sql::portable(
    "CHATS",
    "SELECT COUNT(*) FROM recipients WHERE workspace_id = $1 AND chat_at IS NOT NULL AND session_id IS NOT NULL",
);

#[tokio::test(flavor = "multi_thread")]
async fn the_own_code_is_certain_and_nobody_sees_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        scene.receive(ana("wamid.1", START, &format!("I have a question {}", campaign.reference))).await;
        let session = scene.session().await;
        assert_eq!(session.attribution, Attribution::Certain);
        assert_eq!(session.campaign.map(|campaign| campaign.id), Some(campaign.id));
        assert_eq!(session.customer.contact_id, Some(campaign.contact));
        assert_eq!(session.customer.name, "Ana");
        assert_eq!(scene.lines(session.id).await[0], "customer: I have a question");
        assert_eq!(scene.count(&CHATS).await, 1);
        assert_eq!(scene.count(&CONTACTS).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_link_is_claimed_and_the_friend_is_not_taken_for_the_recipient() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        let friend = phone("15550100002");
        scene.receive(text(friend, "wamid.1", START, &campaign.reference)).await;
        let session = scene.session().await;
        assert_eq!(session.attribution, Attribution::Claimed);
        assert_eq!(session.campaign.map(|campaign| campaign.id), Some(campaign.id));
        assert_ne!(session.customer.contact_id, Some(campaign.contact));
        assert!(session.customer.contact_id.is_some(), "the friend's own contact was created");
        assert_eq!(scene.lines(session.id).await[0], "customer: [Opened the chat from the link]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_number_is_claimed_until_it_is_known() {
    for (number, certainty) in [(ANA, Attribution::Certain), ("15550100002", Attribution::Claimed)] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let campaign = campaign(&scene).await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, &campaign.reference)).await;
            let session = scene.session().await;
            assert_eq!(session.attribution, Attribution::Claimed);
            assert_eq!(session.customer.contact_id, Some(campaign.contact));
            let known = segue_channels::whatsapp::Identity { bsuid: Some("US.1".to_owned()), ..phone(number) };
            scene.receive(text(known, "wamid.2", START.plus(1_000), "Hello")).await;
            let session = scene.session().await;
            assert_eq!(session.attribution, certainty);
            let is_ana = session.customer.contact_id == Some(campaign.contact);
            assert_eq!(is_ana, number == ANA, "a number that is another one unlinks the recipient");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_finds_contact_or_lead_in_any_writing_and_else_makes_a_contact() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let contact = scene.test.contact("+5511999990000", "Bia").await;
        let (workspace_id, lead_id) = (scene.workspace(), scene.ctx().id());
        let lead = LeadView {
            id: lead_id,
            name: "Carl".to_owned(),
            phone: Some("+15550100003".parse().unwrap()),
            email: None,
            note: None,
            status: LeadStatus::New,
            campaign_id: None,
            session_id: None,
            contact_id: None,
            created_at: START,
        };
        write(scene.store(), move |tx| tx.insert_lead(workspace_id, &lead, None)).await;
        scene.receive(text(phone("551199990000"), "wamid.1", START, "Oi")).await;
        scene.advance(1_000);
        scene.receive(text(phone("15550100003"), "wamid.2", START.plus(1_000), "Hi")).await;
        scene.advance(1_000);
        scene.receive(text(phone("15550100004"), "wamid.3", START.plus(2_000), "Hi")).await;
        let sessions = scene.sessions().await;
        let [created, of_lead, of_contact] = &sessions[..] else { panic!("three sessions") };
        assert_eq!(of_contact.customer.contact_id, Some(contact), "Brazil's ninth digit");
        assert_eq!(of_contact.customer.phone, Some("+551199990000".parse().unwrap()), "kept as WhatsApp knows it");
        assert_eq!((of_lead.customer.lead_id, of_lead.customer.contact_id), (Some(lead_id), None));
        assert_eq!(of_lead.customer.name, "Carl");
        assert_eq!(created.customer.name, "Ana Lopez", "the name of the profile");
        assert!(created.customer.contact_id.is_some_and(|id| id != contact));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_linked_stays() {
    use segue_desk::linking::{LinkTo, link};
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let other = scene.test.contact("+15550100007", "Ana").await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        let panel = segue_desk::panel::get(scene.store(), scene.workspace(), id, scene.test.now()).await.unwrap();
        assert!(panel.contact.is_none() && panel.candidates.is_empty(), "nobody has this name");
        let (store, workspace) = (scene.store(), scene.workspace());
        let linked = link(store, scene.ctx(), workspace, &agent, id, LinkTo::Contact(other), None).await.unwrap();
        assert_eq!(linked.customer.contact_id, Some(other));
        let known = segue_channels::whatsapp::Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.receive(text(known, "wamid.2", START.plus(1_000), "Hello")).await;
        assert_eq!(scene.session().await.customer.contact_id, Some(other));
        link(store, scene.ctx(), workspace, &agent, id, LinkTo::Nobody, None).await.unwrap();
        scene.receive(ana("wamid.3", START.plus(2_000), "Hello")).await;
        assert_eq!(scene.session().await.customer.contact_id, None, "nobody again until an agent says so");
        let created = link(store, scene.ctx(), workspace, &agent, id, LinkTo::NewContact, None).await.unwrap();
        assert_eq!(created.customer.name, "Ana Lopez");
        let again = link(store, scene.ctx(), workspace, &agent, id, LinkTo::NewContact, None).await;
        assert_eq!(again.unwrap_err().code(), "invalid_field", "a second contact with the number");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_shortly_before_is_inferred_when_the_code_was_deleted() {
    use segue_store::click::{Device, NewClick, Verdict};
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        let (workspace_id, now) = (scene.workspace(), scene.test.now());
        let click = NewClick {
            workspace_id,
            campaign_id: campaign.id,
            id: scene.ctx().id(),
            position: 1,
            link: 0,
            verdict: Verdict::Person,
            device: Device::Android,
            user_agent: None,
            at: now,
        };
        write(scene.store(), move |tx| tx.record_clicks(std::slice::from_ref(&click))).await;
        scene.advance(60_000);
        scene.receive(ana("wamid.1", scene.test.now(), "I have a question")).await;
        let session = scene.session().await;
        assert_eq!(session.attribution, Attribution::Inferred);
        assert_eq!(session.customer.contact_id, Some(campaign.contact), "by the number");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_is_in_the_funnel() {
    use segue_desk::{cases, closing, leads};
    use segue_store::session::SessionOutcome;
    const FLOW: &str = "flow: hello\nname: Hello\nagent: {queue: help}\nsteps:\n  - id: over\n    handover: {}\n";
    for test in engines().await {
        let scene = Scene::with_flow(test, Some("hello")).await;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::flows::publish(store, ctx, workspace, "hello", FLOW.to_owned()).await.unwrap();
        let campaign = campaign(&scene).await;
        let agent = scene.agent("Sam").await;
        scene.available(&agent).await;
        scene.receive(ana("wamid.1", START, &format!("Hi {}", campaign.reference))).await;
        scene.sweep().await;
        let offer = scene.offers(&agent).await[0];
        let id = scene.accept(&agent, offer).await.unwrap().id;
        cases::create(store, ctx, workspace, &agent, id, "Lamp".to_owned()).await.unwrap();
        let lead = leads::NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
        let lead = leads::create(store, ctx, workspace, &agent, id, lead).await.unwrap();
        assert_eq!(lead.campaign_id, Some(campaign.id));
        let before = write(store, move |tx| tx.funnel(workspace, campaign.id)).await;
        let steps = |funnel: &segue_store::recipient::Funnel| {
            [funnel.chats, funnel.bot_finished, funnel.agent, funnel.cases, funnel.leads, funnel.won]
        };
        assert_eq!(steps(&before), [1, 1, 1, 1, 1, 0]);
        let request =
            closing::EndSession { case: closing::CaseFate::Close, outcome: SessionOutcome::Won, reason: None };
        closing::end(store, ctx, workspace, &agent, id, request).await.unwrap();
        let after = write(store, move |tx| tx.funnel(workspace, campaign.id)).await;
        assert_eq!(steps(&after), [1; 6]);
        let panel = segue_desk::panel::get(store, workspace, id, scene.test.now()).await.unwrap();
        assert_eq!(panel.recipient.map(|recipient| recipient.session_id), Some(Some(id)));
    }
}
