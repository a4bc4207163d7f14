use segue_model::{
    InboxId,
    consent::{ConsentAction, ConsentState, Medium, Purpose},
    keyword::Keyword,
    time,
};
use segue_outreach::keywords::{Handled, InboundSms, handle};

use crate::world::{World, phone, worlds};

async fn receive(world: &World, inbox_id: InboxId, from: &str, text: &str) -> Handled {
    let (ctx, workspace, channel) = (world.test.ctx.clone(), world.test.workspace.clone(), world.sms.clone());
    let (from, text) = (from.to_owned(), text.to_owned());
    world
        .write(move |tx| {
            let sms = InboundSms { inbox_id, from: &from, to: "15550000000", text: &text };
            handle(tx, &ctx, &workspace, &channel, &sms)
        })
        .await
}

async fn text(world: &World, from: &str, text: &str) -> Handled {
    let id = world.test.ctx.id();
    receive(world, id, from, text).await
}

async fn consents(world: &World, address: &str) -> [ConsentState; 2] {
    let (ws, address) = (world.ws(), address.to_owned());
    world
        .write(move |tx| {
            let mut state = |medium| tx.consent_state(ws, medium, &address, Purpose::Marketing).map(|it| it.state);
            Ok([state(Medium::Sms)?, state(Medium::WhatsApp)?])
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_start_and_help() {
    use ConsentState::{Granted, None as Nothing, Revoked};
    for world in worlds().await {
        let ana = phone(1);
        world.subscriber(&ana, "Ana").await;
        let campaign = world.sent(world.input()).await;
        assert_eq!(world.in_state("queued").await, 1);
        world.test.clock.advance(time::MINUTE);

        assert_eq!(text(&world, ana.trim_start_matches('+'), " stop. ").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, &ana).await, [Revoked, Revoked], "no means no everywhere");
        let messages = world.messages().await;
        assert_eq!(messages[0].state, "canceled");
        let reply = &messages[1];
        assert_eq!((reply.class.as_str(), reply.state.as_str()), ("keyword", "queued"));
        assert_eq!((reply.address.as_str(), reply.source.as_str()), (ana.as_str(), "+15550000000"));
        assert!(reply.text.contains("Our team") && !reply.text.contains('{'), "{}", reply.text);
        let ws = world.ws();
        let address = ana.clone();
        let ledger = world.write(move |tx| tx.consent_events(ws, &address, None, 10)).await;
        assert!(ledger.iter().take(2).all(|event| {
            event.wording.as_deref() == Some("stop.") && event.proof.as_deref().is_some_and(|it| it.starts_with("inb_"))
        }));

        // Again within a day: obeyed, not answered. After a day: answered.
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Repeated(Keyword::Stop));
        assert_eq!(world.messages().await.len(), 2);
        world.test.clock.advance(time::DAY);
        assert_eq!(text(&world, &ana, "STOP").await, Handled::Answered(Keyword::Stop));

        world.test.clock.advance(1);
        assert_eq!(text(&world, &ana, "START").await, Handled::Answered(Keyword::Start));
        assert_eq!(consents(&world, &ana).await, [Granted, Revoked]);
        assert_eq!(text(&world, &ana, "HELP").await, Handled::Answered(Keyword::Help));
        assert_eq!(text(&world, &ana, "How much is it?").await, Handled::NoKeyword);
        assert_eq!(text(&world, "12345", "STOP").await, Handled::NoKeyword, "a short code has no consent");
        // A stop after a start is news, and is answered.
        world.test.clock.advance(1);
        assert_eq!(text(&world, &ana, "Stop").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, &ana).await, [Revoked, Revoked]);

        assert_eq!(text(&world, &phone(9), "stop").await, Handled::Answered(Keyword::Stop), "nobody we know");
        assert_eq!(consents(&world, &phone(8)).await, [Nothing, Nothing]);
        let funnel = segue_outreach::campaign::funnel(&world.test.store, ws, campaign.id).await.unwrap();
        assert_eq!((funnel.planned, funnel.canceled, funnel.queued), (1, 1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inbox_row_worked_on_again_answers_once() {
    for world in worlds().await {
        let row = world.test.ctx.id();
        for keyword in ["HELP", "HELP", "HELP"] {
            receive(&world, row, &phone(1), keyword).await;
        }
        assert_eq!(world.messages().await.len(), 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_by_hand_is_still_answered_when_the_person_texts_it() {
    for world in worlds().await {
        world.consent(&phone(1), ConsentAction::Revoke).await;
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Answered(Keyword::Stop));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_a_number_in_national_writing_counts() {
    for world in worlds().await {
        assert_eq!(text(&world, "(555) 013-0001", "STOP").await, Handled::Answered(Keyword::Stop));
        assert_eq!(consents(&world, "+15550130001").await[0], ConsentState::Revoked, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_counts_for_every_writing_of_the_number() {
    for world in worlds().await {
        text(&world, "5511999990000", "STOP").await;
        for address in ["+5511999990000", "+551199990000"] {
            assert_eq!(
                consents(&world, address).await,
                [ConsentState::Revoked; 2],
                "{address} on {}",
                world.test.engine
            );
        }
    }
}
