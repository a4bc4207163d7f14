//! Where a campaign's sender may send: said before the start, and decided at planning.

use segue_model::{campaign::CampaignAction, registration::RegistrationKind, sender::SenderKind};
use segue_outreach::{
    OutreachError,
    campaign::preflight::{self, Preflight, WarningKind},
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text},
};
use segue_store::campaign::{CampaignInput, CampaignView};

use crate::world::{World, worlds};

const NEW_YORK: &str = "+12125550001";
const MUNICH: &str = "+498912345678";

async fn looked(world: &World, draft: &CampaignView) -> Preflight {
    preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_says_what_a_sender_lacks_and_planning_leaves_those_people_out() {
    for world in worlds().await {
        world.subscriber(NEW_YORK, "Ann").await;
        world.subscriber(MUNICH, "Ben").await;
        let sender = world.test.sender_of_kind(world.sms.id, SenderKind::TollFree, "+18005550100").await;
        let draft = world.draft(CampaignInput { sender_id: sender.id, ..world.input() }).await.unwrap();
        let before = looked(&world, &draft).await;
        assert_eq!((before.audience, before.sendable), (2, 1), "{}", world.test.engine);
        let [excluded] = before.excluded.as_slice() else { panic!("{:?}", before.excluded) };
        assert_eq!((excluded.rule.as_str(), excluded.count), ("registration_missing", 1));
        let detail = excluded.detail.as_deref().unwrap();
        assert!(detail.contains("toll-free verification is missing") && detail.contains("Setup, Senders"), "{detail}");
        let warned = before.warnings.iter().find(|warning| warning.kind == WarningKind::SenderNotCleared).unwrap();
        assert!(warned.message.contains(detail), "{}", warned.message);

        world.test.approve(sender.id, &[RegistrationKind::TollFree]).await;
        let after = looked(&world, &draft).await;
        assert_eq!((after.sendable, after.excluded.len()), (2, 0), "{}", world.test.engine);
        assert!(after.warnings.iter().all(|warning| warning.kind != WarningKind::SenderNotCleared));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_name_cannot_reach_is_left_out_with_the_rule() {
    for world in worlds().await {
        world.subscriber(NEW_YORK, "Ann").await;
        world.subscriber(MUNICH, "Ben").await;
        let name = world.test.sender_of_kind(world.sms.id, SenderKind::Alphanumeric, "ACME").await;
        let draft = world.draft(CampaignInput { sender_id: name.id, ..world.input() }).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        world.plan(draft.id).await;
        let to: Vec<_> = world.messages().await.into_iter().map(|message| message.address).collect();
        assert_eq!(to, [MUNICH], "{}", world.test.engine);
        let (ws, id) = (world.ws(), draft.id);
        let query = segue_store::recipient::RecipientQuery { limit: 9, ..Default::default() };
        let now = world.test.now();
        let recipients = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
        let left_out = recipients.iter().find(|recipient| recipient.name.as_deref() == Some("Ann")).unwrap();
        assert_eq!(left_out.rule.as_deref(), Some("sender_not_allowed"), "{}", world.test.engine);
        assert_eq!(left_out.reason.as_deref(), Some("The sender cannot send to this country"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_at_once_what_its_sender_lacks() {
    for world in worlds().await {
        let sender = world.test.sender_of_kind(world.sms.id, SenderKind::TenDlc, "+13055550100").await;
        let input = DirectInput {
            sender: SenderChoice::Id(sender.id),
            to: Target::Phone(NEW_YORK.to_owned()),
            text: Text::Verbatim("Your code is 1".to_owned()),
            fields: Default::default(),
            class: DirectClass::Service,
            expires_at: None,
            client_reference: None,
            callback: None,
        };
        let send =
            async || direct::send(&world.test.store, &world.test.ctx, world.ws(), "test", None, input.clone()).await;
        let refused = send().await.unwrap_err();
        assert!(matches!(refused, OutreachError::NotCleared(_)), "{refused}");
        assert_eq!((refused.code(), refused.field()), ("registration_missing", Some("sender_id")));
        world.test.approve(sender.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        send().await.unwrap_or_else(|error| panic!("{}: {error}", world.test.engine));
    }
}
