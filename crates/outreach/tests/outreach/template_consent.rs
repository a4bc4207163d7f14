//! Consent to one template or one category: who gets a campaign by template, and what is on record.

use segue_model::{
    ContactId,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    template::TemplateCategory,
    time,
};
use segue_outreach::{
    OutreachError, consent_record,
    contacts::{self, ConsentInput},
};
use segue_store::{consent::ConsentContext, template_consent::TemplateKind};

use crate::{
    keyword::text,
    template_campaign::{agree, by, check, contact, customer, planned, rules, start, template, templates},
    world::{World, canadian as phone, worlds},
};

fn said(action: ConsentAction, scope: &str) -> ConsentInput {
    let is_promotion = ["category:marketing", "template:spring"].contains(&scope);
    ConsentInput {
        medium: Medium::WhatsApp,
        purpose: if is_promotion { Purpose::Marketing } else { Purpose::Service },
        action,
        method: ConsentMethod::WebForm,
        wording: Some("As I have ticked".to_owned()),
        proof: None,
        occurred_at: None,
        expires_at: None,
        scope: Some(scope.to_owned()),
        context: ConsentContext::default(),
        address: None,
    }
}

async fn record(world: &World, id: ContactId, input: ConsentInput) -> Result<(), OutreachError> {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    contacts::record_consent(store, ctx, world.ws(), &Actor::System, id, input).await.map(|_| ())
}

async fn standing(world: &World, id: ContactId, scope: &str) -> Option<ConsentState> {
    let shown = consent_record::of_contact(&world.test.store, world.ws(), id).await.unwrap();
    shown.standings.iter().find(|standing| standing.scope.to_string() == scope).map(|standing| standing.state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_reaches_those_who_agreed_to_its_template_or_category_and_spares_those_who_refused_it() {
    use ConsentAction::{Grant, Revoke};
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        for (number, name, general, scopes) in [
            (1, "Everything", ConsentState::Granted, vec![]),
            (2, "Not this one", ConsentState::Granted, vec![(Revoke, "template:spring")]),
            (3, "No offers", ConsentState::Granted, vec![(Revoke, "category:marketing")]),
            (4, "Offers only", ConsentState::None, vec![(Grant, "category:marketing")]),
            (5, "Orders only", ConsentState::None, vec![(Grant, "category:utility")]),
            (6, "This one only", ConsentState::None, vec![(Grant, "template:spring")]),
            (7, "No to all, then a part", ConsentState::Revoked, vec![(Grant, "category:utility")]),
            (
                8,
                "Offers but not this",
                ConsentState::None,
                vec![(Grant, "category:marketing"), (Revoke, "template:spring")],
            ),
            (9, "Another one", ConsentState::Granted, vec![(Revoke, "template:news")]),
        ] {
            let id = contact(&world, Some(&phone(number)), name, Some("gold")).await;
            if general != ConsentState::None {
                agree(&world, &phone(number), general).await;
            }
            for (action, scope) in scopes {
                record(&world, id, said(action, scope)).await.unwrap();
            }
        }
        for (name, expected, left_out) in [
            ("spring", vec![1, 4, 6, 9], [("no_consent", 2), ("opted_out", 1), ("template_refused", 2)].as_slice()),
            // What is no promotion needs any agreement that reaches it.
            ("news", vec![1, 2, 3, 5, 7], [("no_consent", 3), ("template_refused", 1)].as_slice()),
        ] {
            let mut wanted = template(&world, name);
            if name == "news" {
                wanted.buttons[0].target = None;
                wanted.buttons[0].value = "spring".to_owned();
            }
            let before = planned(&world).await.len();
            let draft = world.draft(by(&world, wanted.clone())).await.unwrap();
            let seen = check(&world, draft.id).await;
            let left_out: Vec<_> = left_out.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect();
            let mut shown: Vec<_> = seen.excluded.iter().map(|rule| (rule.rule.clone(), rule.count)).collect();
            shown.sort_unstable();
            assert_eq!(shown, left_out, "the check of {name} on {}", world.test.engine);
            let campaign = start(&world, by(&world, wanted)).await;
            assert_eq!(rules(&world, campaign.id).await, left_out, "{name} on {}", world.test.engine);
            let mut sent: Vec<_> = planned(&world).await.into_iter().map(|row| row.address).collect();
            sent.sort_unstable();
            let mut all: Vec<_> = expected.iter().map(|number| phone(*number)).collect();
            all.sort_unstable();
            if before == 0 {
                assert_eq!(sent, all, "{name} on {}", world.test.engine);
            } else {
                assert_eq!(sent.len() - before, all.len(), "{name} on {}", world.test.engine);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_at_either_address_of_a_customer_counts_at_both() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let id = contact(&world, Some(&phone(1)), "Bo", Some("gold")).await;
        customer(&world, id, ("bsuid", "US.1"), world.test.now().plus(-3 * time::DAY), None).await;
        agree(&world, "US.1", ConsentState::Granted).await;
        let campaign = start(&world, by(&world, template(&world, "spring"))).await;
        assert_eq!(rules(&world, campaign.id).await, [], "{}", world.test.engine);
        // What is recorded by hand is recorded for the contact's phone number.
        record(&world, id, said(ConsentAction::Revoke, "category:marketing")).await.unwrap();
        let campaign = start(&world, by(&world, template(&world, "spring"))).await;
        assert_eq!(rules(&world, campaign.id).await, [("template_refused".to_owned(), 1)], "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_template_is_on_record_with_its_proof_and_follows_the_rules_of_consent() {
    for world in worlds().await {
        let (ws, now) = (world.ws(), world.test.now());
        let id = contact(&world, Some(&phone(1)), "Ana", None).await;
        for (scope, medium, purpose, field) in [
            ("category:offers", Medium::WhatsApp, Purpose::Marketing, "scope"),
            ("template:Spring Sale", Medium::WhatsApp, Purpose::Marketing, "scope"),
            ("snd_00000000000000000000000001", Medium::WhatsApp, Purpose::Marketing, "scope"),
            ("category:marketing", Medium::Sms, Purpose::Marketing, "scope"),
            ("category:utility", Medium::WhatsApp, Purpose::Marketing, "purpose"),
        ] {
            let input = ConsentInput { medium, purpose, ..said(ConsentAction::Grant, scope) };
            assert_eq!(record(&world, id, input).await.unwrap_err().field(), Some(field), "{scope}");
        }
        let bare = ConsentInput { wording: None, ..said(ConsentAction::Grant, "category:utility") };
        assert_eq!(record(&world, id, bare).await.unwrap_err().code(), "consent_evidence_required");

        record(&world, id, said(ConsentAction::Grant, "template:spring")).await.unwrap();
        assert_eq!(standing(&world, id, "template:spring").await, Some(ConsentState::Granted), "{}", world.test.engine);
        assert_eq!(standing(&world, id, "all").await, Some(ConsentState::None), "it is good for nothing else");
        world.test.clock.advance(1);
        record(&world, id, said(ConsentAction::Revoke, "template:spring")).await.unwrap();
        world.test.clock.advance(1);
        // Nobody brings a person back by claiming something.
        let again = record(&world, id, said(ConsentAction::Grant, "template:spring")).await;
        assert_eq!(again.unwrap_err().code(), "opted_out_by_person", "{}", world.test.engine);
        assert_eq!(standing(&world, id, "template:spring").await, Some(ConsentState::Revoked), "{}", world.test.engine);
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(standing(&world, id, "template:spring").await, Some(ConsentState::Revoked), "from the ledger alone");

        let for_a_while = ConsentInput {
            expires_at: Some(world.test.now().plus(time::HOUR)),
            ..said(ConsentAction::Grant, "category:utility")
        };
        record(&world, id, for_a_while).await.unwrap();
        let agrees = async || {
            let now = world.test.now();
            let kind = TemplateKind { name: "news", category: "UTILITY" };
            world.write(move |tx| tx.template_consent(ws, &phone(1), kind, now)).await.agrees()
        };
        assert!(agrees().await, "{}", world.test.engine);
        world.test.clock.advance(time::HOUR);
        assert!(!agrees().await, "over, though its end is not recorded yet: {}", world.test.engine);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(
            standing(&world, id, "category:utility").await,
            Some(ConsentState::Expired),
            "{}",
            world.test.engine
        );

        let proof = consent_record::proof(&world.test.store, ws, id, now).await.unwrap();
        let scopes: Vec<_> = proof.events.iter().map(|event| event.scope.clone()).collect();
        let (spring, utility) = (Scope::Template("spring".to_owned()), Scope::Category(TemplateCategory::Utility));
        assert_eq!(scopes, [spring.clone(), spring, utility.clone(), utility], "{}", world.test.engine);
        assert!(proof.to_csv().unwrap().contains("template:spring") && proof.ledger.broken_at.is_none());

        // A new owner of the number has said nothing.
        let handed_on =
            ConsentInput { scope: None, action: ConsentAction::Reassign, ..said(ConsentAction::Reassign, "all") };
        record(&world, id, said(ConsentAction::Grant, "category:authentication")).await.unwrap();
        assert_eq!(standing(&world, id, "category:authentication").await, Some(ConsentState::Granted));
        world.test.clock.advance(1);
        record(&world, id, handed_on).await.unwrap();
        assert_ne!(standing(&world, id, "category:authentication").await, Some(ConsentState::Granted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_to_everything_stands_above_a_yes_to_a_part() {
    for world in worlds().await {
        templates(&world, ("MARKETING", "APPROVED")).await;
        let id = contact(&world, Some(&phone(1)), "Ana", Some("gold")).await;
        record(&world, id, said(ConsentAction::Grant, "category:marketing")).await.unwrap();
        let campaign = start(&world, by(&world, template(&world, "spring"))).await;
        assert_eq!(rules(&world, campaign.id).await, [], "{}", world.test.engine);
        world.test.clock.advance(1);
        text(&world, &phone(1), "STOP").await;
        let campaign = start(&world, by(&world, template(&world, "spring"))).await;
        assert_eq!(rules(&world, campaign.id).await, [("opted_out".to_owned(), 1)], "{}", world.test.engine);
    }
}
