//! From the text to the chat: codes, forwarded links, numbers, leads.

use segue_desk::leads::NewLead;
use segue_model::{
    CampaignId, ContactId,
    attribution::Attribution,
    campaign::Footer,
    code::{CodeKey, CodeTarget, POSTER, grouped},
    role::Role,
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput},
    crm::{LeadStatus, LeadView},
    recipient::NewRecipient,
};
use segue_testkit::engines;
use serde_json::json;

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
        media: Vec::new(),
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
        rules: Default::default(),
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
async fn a_chat_from_the_qr_code_belongs_to_the_campaign_and_to_no_recipient() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        let (workspace, id, ctx) = (scene.workspace(), campaign.id, scene.ctx().clone());
        let code = write(scene.store(), move |tx| {
            let number = tx.campaign(workspace, id)?.map(|campaign| campaign.number).unwrap();
            let key = CodeKey::new(tx.secret_or("link_code_key", &ctx.random_bytes::<32>())?.try_into().unwrap());
            Ok(key.encode(CodeTarget::new(number, POSTER).unwrap()))
        })
        .await;
        let tiers = async || {
            let (funnel, tallies, recounted) = write(scene.store(), move |tx| {
                Ok((tx.funnel(workspace, id)?, tx.tallies(workspace, id)?, tx.recount(workspace, id)?))
            })
            .await;
            let chats = |counts: &[(String, i64)]| -> Vec<(String, i64)> {
                counts.iter().filter(|(name, _)| name.starts_with("chats")).cloned().collect()
            };
            assert_eq!(chats(&tallies), chats(&recounted));
            let tiers: Vec<_> = funnel.chats_by_tier.iter().map(|each| (each.tier, each.count)).collect();
            (funnel.chats, tiers)
        };
        for (wamid, at) in [("wamid.1", START), ("wamid.2", START.plus(1_000))] {
            scene.receive(text(phone("15550100002"), wamid, at, &format!("Hi (ref {})", grouped(&code)))).await;
            let session = scene.session().await;
            assert_eq!(session.attribution, Attribution::Qr);
            assert_eq!(session.campaign.map(|campaign| campaign.id), Some(campaign.id));
            assert_ne!(session.customer.contact_id, Some(campaign.contact));
            assert_eq!(scene.lines(session.id).await[0], "customer: Hi");
            assert_eq!(tiers().await, (0, vec![(Attribution::Qr, 1)]), "counted once, and as no recipient's");
        }
        scene.receive(text(phone("15550100002"), "wamid.3", START.plus(2_000), &campaign.reference)).await;
        assert_eq!(scene.session().await.attribution, Attribution::Claimed);
        assert_eq!(tiers().await, (1, vec![(Attribution::Claimed, 1)]), "a recipient's code says more");
        scene
            .receive(text(phone("15550100002"), "wamid.4", START.plus(3_000), &format!("(ref {})", grouped(&code))))
            .await;
        assert_eq!(scene.session().await.attribution, Attribution::Claimed, "what is known stays");
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
async fn a_forwarded_link_is_noticed_when_the_number_becomes_known_by_a_merge() {
    const FRIEND: &str = "15550100002";
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, &campaign.reference)).await;
        let first = scene.session().await;
        assert_eq!(first.customer.contact_id, Some(campaign.contact), "{}", scene.test.engine);
        scene.receive(text(phone(FRIEND), "wamid.2", START.plus(1_000), "Hello")).await;
        let second = scene.sessions().await.into_iter().find(|session| session.id != first.id).unwrap();
        let own = second.customer.contact_id;
        assert!(own.is_some_and(|id| id != campaign.contact), "{}", scene.test.engine);
        let known = segue_channels::whatsapp::Identity { bsuid: Some("US.1".to_owned()), ..phone(FRIEND) };
        scene.receive(text(known, "wamid.3", START.plus(2_000), "Both are me")).await;
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        let session = scene.sessions().await.into_iter().find(|session| session.id == first.id).unwrap();
        assert_eq!(session.customer.contact_id, own, "{}: not the recipient", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_any_more_who_a_customer_is_whom_a_code_has_told() {
    use segue_model::linking::{LinkRules, NoMatch};
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.test.workspace.settings.linking.workspace.rules = LinkRules::default().rules;
        scene.test.workspace.settings.linking.workspace.none = NoMatch::Ask;
        let (agent, campaign) = (scene.agent("Sam").await, campaign(&scene).await);
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let is_asked = async || {
            let panel = segue_desk::panel::get(store, workspace, id, scene.test.now()).await.unwrap();
            panel.link_prompt.is_some()
        };
        assert!(is_asked().await, "{}", scene.test.engine);
        let lead = NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
        segue_desk::leads::create(store, ctx, workspace, &agent, id, lead).await.unwrap();
        assert!(is_asked().await, "{}: a lead of their own does not tell", scene.test.engine);
        scene.receive(text(hidden("US.1"), "wamid.2", START.plus(1_000), &campaign.reference)).await;
        assert_eq!(scene.session().await.customer.contact_id, Some(campaign.contact), "{}", scene.test.engine);
        assert!(!is_asked().await, "{}", scene.test.engine);
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

/// Ana taps the link of the campaign, a minute ago.
async fn tapped(scene: &Scene, campaign: &Campaign) {
    use segue_store::click::{Device, NewClick, Verdict};
    let click = NewClick {
        workspace_id: scene.workspace(),
        campaign_id: campaign.id,
        id: scene.ctx().id(),
        position: 1,
        link: 0,
        verdict: Verdict::Person,
        device: Device::Android,
        user_agent: None,
        at: scene.test.now(),
    };
    write(scene.store(), move |tx| tx.record_clicks(std::slice::from_ref(&click))).await;
    scene.advance(60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_with_one_letter_changed_after_a_tap_is_inferred_and_finds_the_right_contact() {
    const FIRST_LETTER: usize = "(ref ".len();
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        tapped(&scene, &campaign).await;
        let mut changed = campaign.reference.clone();
        let letter = if changed.as_bytes()[FIRST_LETTER].eq_ignore_ascii_case(&b'a') { "B" } else { "A" };
        changed.replace_range(FIRST_LETTER..=FIRST_LETTER, letter);
        scene.receive(ana("wamid.1", scene.test.now(), &format!("I have a question {changed}"))).await;
        let session = scene.session().await;
        assert_eq!(session.attribution, Attribution::Inferred, "{}", scene.test.engine);
        assert_eq!(session.campaign.map(|campaign| campaign.id), Some(campaign.id));
        assert_eq!(session.customer.contact_id, Some(campaign.contact), "{}: by the number", scene.test.engine);
        assert_eq!(scene.count(&CONTACTS).await, 1, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_shortly_before_is_inferred_when_the_code_was_deleted() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        tapped(&scene, &campaign).await;
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

static CAMPAIGN: Sql = Sql::portable(
    "CAMPAIGN",
    "UPDATE outbox SET campaign_id = $3, position = $4, dedupe_key = NULL, state = 'delivered', provider_id = $5,
            submitted_at = $6, accepted_at = $6, session_id = NULL WHERE workspace_id = $1 AND id = $2",
);
static STARTED: Sql =
    Sql::portable("STARTED", "UPDATE campaigns SET started_at = $3 WHERE workspace_id = $1 AND id = $2");

/// A campaign by template whose one message went to this address.
async fn template_sent(scene: &Scene, address: &str, wamid: &'static str, contact: ContactId) -> CampaignId {
    use segue_model::{MessageId, campaign::Footer, delivery::MessageClass, template_rules::SessionRule};
    use segue_store::{
        campaign::{Audience, CampaignInput, CampaignTemplate},
        outbox::{AddressKind, NewOutbox},
        recipient::NewRecipient,
    };
    let (workspace, id, now) = (scene.workspace(), scene.ctx().id::<CampaignId>(), scene.test.now());
    let (message_id, channel_id) = (scene.ctx().id::<MessageId>(), scene.channel.id);
    let input = CampaignInput {
        media: Vec::new(),
        name: "Spring".to_owned(),
        sender_id: None,
        audience: Audience::default(),
        body: String::new(),
        footer: Footer::None,
        whatsapp_channel_id: None,
        prefilled_text: String::new(),
        schedule: Default::default(),
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        texts: Vec::new(),
        rules: Default::default(),
        template: Some(CampaignTemplate {
            channel_id,
            name: "spring".to_owned(),
            language: "en".to_owned(),
            values: Vec::new(),
            buttons: Vec::new(),
            sessions: SessionRule::Any,
            header_media_id: None,
            header_value: String::new(),
            by_language: false,
            header_place: None,
            cards: Vec::new(),
            offer_ends_at: None,
        }),
    };
    let row = NewOutbox {
        id: message_id,
        channel_id,
        class: MessageClass::Marketing,
        dedupe_key: message_id.to_string(),
        address: address.to_owned(),
        address_kind: if address.starts_with('+') { AddressKind::Phone } else { AddressKind::Bsuid },
        payload: serde_json::json!({"text": "Spring"}).into(),
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at: None,
        segments: None,
    };
    write(scene.store(), move |tx| {
        tx.insert_campaign(workspace, id, &input, None, now)?;
        tx.execute(&STARTED, &[&workspace, &id, &now])?;
        tx.enqueue(workspace, &row, now)?;
        tx.execute(&CAMPAIGN, &[&workspace, &message_id, &id, &1_u32, &wamid, &now])?;
        let recipient = NewRecipient {
            position: 1,
            contact_id: contact,
            phone: None,
            rule: "allowed",
            message_id: Some(message_id),
        };
        tx.insert_recipient(workspace, id, &recipient)
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_template_belongs_to_the_campaign_that_sent_it_and_is_counted_by_its_certainty() {
    use segue_model::attribution::Attribution;
    for test in engines().await {
        let scene = Scene::new(test).await;
        let number = format!("+{ANA}");
        let contact = scene.test.contact(&number, "Ana").await;
        let hidden = scene.test.contact("+15550100031", "Bo").await;
        let silent = scene.test.contact("+15550100032", "Cy").await;
        let (store, workspace) = (scene.store(), scene.workspace());
        let funnel = async |id| write(store, move |tx| tx.funnel(workspace, id)).await;
        // A tap on the template's button, and an answer that quotes the message, name it.
        let quoted = template_sent(&scene, &number, "wamid.sent1", contact).await;
        scene.advance(30 * 24 * 3_600_000);
        let at = scene.test.now();
        let button = serde_json::json!({"type": "button", "button": {"payload": "more", "text": "Tell me more"},
            "context": {"from": "15550783881", "id": "wamid.sent1"}});
        scene.receive(message(phone(ANA), "wamid.a1", at, button)).await;
        let session = scene.session().await;
        assert_eq!(session.campaign.as_ref().map(|campaign| campaign.id), Some(quoted), "{}", scene.test.engine);
        assert_eq!((session.attribution, session.customer.contact_id), (Attribution::Certain, Some(contact)));
        let counts = funnel(quoted).await;
        assert_eq!(counts.chats, 1);
        assert_eq!(
            counts.chats_by_tier.iter().map(|each| (each.tier, each.count)).collect::<Vec<_>>(),
            [(Attribution::Certain, 1)]
        );
        // The same in a conversation that is going on, for somebody without a visible number.
        scene.receive(text(hidden_user("US.7"), "wamid.b0", at, "Hi")).await;
        let by_id = template_sent(&scene, "US.7", "wamid.sent2", hidden).await;
        let quote =
            serde_json::json!({"type": "text", "text": {"body": "Yes please"}, "context": {"id": "wamid.sent2"}});
        scene.receive(message(hidden_user("US.7"), "wamid.b1", at.plus(1_000), quote)).await;
        let session = of_campaign(&scene, by_id).await;
        assert_eq!((session.attribution, session.customer.contact_id), (Attribution::Certain, Some(hidden)));
        // Without any reference it is inferred from what went to the number within a day.
        let lately = template_sent(&scene, "+15550100032", "wamid.sent3", silent).await;
        scene.advance(3_600_000);
        scene.receive(text(phone("15550100032"), "wamid.c1", scene.test.now(), "How much is it?")).await;
        let session = of_campaign(&scene, lately).await;
        assert_eq!(session.attribution, Attribution::Inferred);
        let counts = funnel(lately).await;
        assert_eq!(
            counts.chats_by_tier.iter().map(|each| (each.tier, each.count)).collect::<Vec<_>>(),
            [(Attribution::Inferred, 1)]
        );
        let recounted =
            write(store, move |tx| Ok((tx.tallies(workspace, lately)?, tx.recount(workspace, lately)?))).await;
        assert_eq!(
            recounted.0.iter().find(|(name, _)| name == "chats:inferred"),
            recounted.1.iter().find(|(name, _)| name == "chats:inferred")
        );
        // An answer to what no campaign sent names none, and so does one to another number's message.
        scene
            .receive(message(
                phone("15550100040"),
                "wamid.d1",
                scene.test.now(),
                serde_json::json!({"type": "text", "text": {"body": "Hm"}, "context": {"id": "wamid.unknown"}}),
            ))
            .await;
        let all = scene.sessions().await;
        let other = all.iter().find(|session| session.customer.phone == "+15550100040".parse().ok()).unwrap();
        assert_eq!((other.attribution, other.campaign.clone()), (Attribution::None, None));
    }
}

fn hidden_user(bsuid: &str) -> segue_channels::whatsapp::Identity {
    hidden(bsuid)
}

async fn of_campaign(scene: &Scene, id: CampaignId) -> segue_store::session::SessionView {
    let all = scene.sessions().await;
    all.into_iter()
        .find(|session| session.campaign.as_ref().is_some_and(|campaign| campaign.id == id))
        .expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advertisement_is_a_tier_of_its_own_below_every_campaign_and_counts_in_its_own_funnel() {
    use segue_model::attribution::Attribution;
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", segue_model::role::Role::Supervisor).await;
        let by_ad = |digits: &str, wamid: &str, headline: &str| {
            message(
                phone(digits),
                wamid,
                START,
                serde_json::json!({"type": "text", "text": {"body": "Hi"},
                "referral": {"source_type": "ad", "source_id": "ad-1", "headline": headline,
                    "source_url": "https://fb.example/1", "ctwa_clid": format!("click-{digits}")}}),
            )
        };
        scene.receive(by_ad(ANA, "wamid.1", "June offer")).await;
        let session = scene.session().await;
        assert_eq!((session.attribution, session.campaign.clone()), (Attribution::Ad, None), "{}", scene.test.engine);
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let panel = segue_desk::panel::get(store, workspace, session.id, scene.test.now()).await.unwrap();
        let ad = panel.advertisement.expect("it is shown");
        assert_eq!(
            (ad.headline.as_deref(), ad.click_id.as_deref()),
            (Some("June offer"), Some(format!("click-{ANA}").as_str()))
        );
        scene.receive(by_ad("15550100002", "wamid.2", "June offer")).await;
        segue_desk::leads::create(
            store,
            ctx,
            workspace,
            &boss,
            session.id,
            serde_json::from_value(serde_json::json!({"name": "Ana"})).unwrap(),
        )
        .await
        .unwrap();
        let ads = write(store, move |tx| tx.advertisements(workspace, START.plus(-1), 10)).await;
        assert_eq!(ads.len(), 1);
        assert_eq!((ads[0].source_id.as_str(), ads[0].chats, ads[0].leads, ads[0].won), ("ad-1", 2, 1, 0));
        // A campaign that got an answer goes before the advertisement.
        let contact = scene.test.contact("+15550100050", "Di").await;
        let id = template_sent(&scene, "+15550100050", "wamid.sent", contact).await;
        let mut both = serde_json::json!({"type": "text", "text": {"body": "Hi"}, "context": {"id": "wamid.sent"}});
        both["referral"] = serde_json::json!({"source_type": "ad", "source_id": "ad-1"});
        scene.receive(message(phone("15550100050"), "wamid.3", START, both)).await;
        assert_eq!(of_campaign(&scene, id).await.attribution, Attribution::Certain);
        let ads = write(store, move |tx| tx.advertisements(workspace, START.plus(-1), 10)).await;
        assert_eq!(ads[0].chats, 2, "counted where it belongs, once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lead_of_a_customer_stays_theirs_when_the_number_shows_who_they_are() {
    static LEADS: Sql = Sql::portable("LEADS", "SELECT COUNT(*) FROM leads WHERE workspace_id = $1");
    for number in [ANA, "15550100002"] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let agent = scene.user("Kim", segue_model::role::Role::Supervisor).await;
            let campaign = campaign(&scene).await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, &campaign.reference)).await;
            let id = scene.session().await.id;
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let lead = segue_desk::leads::NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
            let lead = segue_desk::leads::create(store, ctx, workspace, &agent, id, lead).await.unwrap();
            let card = serde_json::json!({"type": "contacts", "contacts": [
                {"origin": "contact_request", "phones": [{"phone": format!("+{number}"), "wa_id": number}]}]});
            scene.receive(message(hidden("US.1"), "wamid.2", START.plus(1_000), card)).await;
            let customer = scene.session().await.customer;
            assert_eq!(customer.lead_id, Some(lead.id), "{} {number}", scene.test.engine);
            assert_eq!(customer.contact_id == Some(campaign.contact), number == ANA, "{}", scene.test.engine);
            assert_eq!(scene.count(&LEADS).await, 1, "{}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_tapped_again_in_the_middle_of_a_question_is_no_answer() {
    for test in engines().await {
        let scene = crate::bot::greeted(test).await;
        let campaign = campaign(&scene).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        for number in 2..8 {
            let words = if number % 2 == 0 { "I have a question" } else { "" };
            let words = format!("{words} {}", campaign.reference);
            scene.receive(ana(&format!("wamid.{number}"), START.plus(number * 1_000), &words)).await;
            let session = scene.session().await;
            assert_eq!((session.gathered.len(), session.bot_active), (0, true), "{}", scene.test.engine);
            assert_eq!(scene.lines(id).await.last().unwrap(), "bot: What is your name?", "it is put again");
        }
        assert_eq!(scene.session().await.attribution, Attribution::Certain, "where they came from counts");
        assert_eq!(scene.session().await.customer.name, "Ana");
        scene.receive(ana("wamid.9", START.plus(9_000), "Maria")).await;
        assert_eq!(scene.session().await.gathered[0].value, "Maria", "{}", scene.test.engine);
        assert_eq!(scene.lines(id).await.last().unwrap(), "bot: What is it about?");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_customer_with_a_lead_of_their_own_is_linked_by_what_comes_later() {
    for by_number in [false, true] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let campaign = campaign(&scene).await;
            let sam = scene.agent("Sam").await;
            scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
            let session = scene.session().await;
            let lead = NewLead { name: "Ana".to_owned(), phone: None, email: None, note: None };
            let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
            let lead = segue_desk::leads::create(store, ctx, workspace, &sam, session.id, lead).await.unwrap();
            assert_eq!(scene.session().await.customer.contact_id, None);
            let later = if by_number {
                let known = segue_channels::whatsapp::Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
                text(known, "wamid.2", START.plus(1_000), "Hello?")
            } else {
                text(hidden("US.1"), "wamid.2", START.plus(1_000), &campaign.reference)
            };
            scene.receive(later).await;
            let customer = scene.session().await.customer;
            let linked = (customer.contact_id, customer.lead_id);
            let expected = (Some(campaign.contact), Some(lead.id));
            assert_eq!(linked, expected, "by number: {by_number} on {}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_given_straight_to_an_agent_counts_in_the_funnel() {
    static REACHED: Sql =
        Sql::portable("REACHED", "SELECT COUNT(*) FROM recipients WHERE workspace_id = $1 AND agent_at IS NOT NULL");
    for test in engines().await {
        let scene = Scene::new(test).await;
        let campaign = campaign(&scene).await;
        let (boss, sam) = (scene.user("Boss", Role::Supervisor).await, scene.agent("Sam").await);
        scene.available(&sam).await;
        scene.receive(ana("wamid.1", START, &campaign.reference)).await;
        let id = scene.session().await.id;
        assert_eq!(scene.count(&REACHED).await, 0);
        let to = segue_desk::routing::Target::User(sam.user_id().unwrap());
        segue_desk::routing::transfer(scene.store(), scene.ctx(), scene.workspace(), &boss, id, to).await.unwrap();
        assert_eq!(scene.count(&REACHED).await, 1, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_code_of_a_message_that_is_edited_in_whatever_order_they_come() {
    for order in [[0, 1], [1, 0]] {
        for (words, shown) in [("One more question", "One more question"), ("", "[Opened the chat from the link]")] {
            for test in engines().await {
                let scene = Scene::new(test).await;
                let campaign = campaign(&scene).await;
                let body = format!("{words} {}", campaign.reference);
                let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.1",
                    "message": {"type": "text", "text": {"body": body}}}});
                let items = [
                    ana("wamid.1", START, &format!("I have a question {}", campaign.reference)),
                    message(phone(ANA), "wamid.2", START.plus(10_000), edit),
                ];
                for number in order.map(|number: usize| number) {
                    scene.receive(items[number].clone()).await;
                }
                let session = scene.session().await;
                let entry = scene.transcript(session.id).await.remove(0);
                assert_eq!(entry.text, shown, "{}", scene.test.engine);
                let earlier = entry.details.unwrap_or_default().earlier;
                let earlier: Vec<&str> = earlier.iter().map(|wording| wording.text.as_str()).collect();
                assert_eq!(earlier, ["I have a question"], "{}", scene.test.engine);
                assert_eq!(session.attribution, Attribution::Certain);
                let lines = scene.texts(&CHANGES).await.join("|");
                assert!(!lines.contains("(ref"), "{}: {lines}", scene.test.engine);
            }
        }
    }
}

static CHANGES: Sql =
    Sql::portable("CHANGES", "SELECT COALESCE(text, '') FROM message_changes WHERE workspace_id = $1 ORDER BY at");
