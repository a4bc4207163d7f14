//! Numbers that were given up, and what brings them back.

use segue_model::{
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
    time,
};
use segue_outreach::suppressions::{self, DeactivatedNumber, DeactivationInput, NumbersDeactivated, SuppressionInput};

use crate::world::{World, phone, worlds};

impl World {
    pub async fn given_up(&self, numbers: &[(String, Option<&str>)]) -> NumbersDeactivated {
        let numbers = numbers
            .iter()
            .map(|(phone, on)| DeactivatedNumber { phone: phone.clone(), on: on.map(|day| day.parse().unwrap()) });
        let input = DeactivationInput { numbers: numbers.collect(), source: "the carrier's file".to_owned() };
        suppressions::deactivate(&self.test.store, &self.test.ctx, self.ws(), &Actor::System, input).await.unwrap()
    }

    async fn standing(&self, number: u32) -> (ConsentState, bool) {
        let (ws, phone) = (self.ws(), phone(number));
        self.write(move |tx| {
            let consent = tx.consent_state(ws, Medium::Sms, &phone, Purpose::Marketing)?;
            Ok((consent.state, tx.is_suppressed(ws, &phone)?))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_given_up_loses_its_consent_until_its_new_owner_opts_in() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        world.subscriber(&phone(2), "Ben").await;
        world.sent(world.input()).await;
        world.test.clock.advance(time::DAY);
        // The clock of the tests stands on 23 November 2026 at its start.
        let numbers = [(phone(1), None), (phone(2), Some("2026-11-20")), (phone(3), None), ("12".to_owned(), None)];
        let done = world.given_up(&numbers).await;
        assert_eq!((done.consents_ended, done.suppressed, done.kept), (1, 2, 1), "{}: {done:?}", world.test.engine);
        assert_eq!(done.rejected.iter().map(|rejected| rejected.line).collect::<Vec<_>>(), [4]);
        assert_eq!(world.standing(1).await, (ConsentState::None, true), "{}", world.test.engine);
        assert_eq!(world.standing(2).await, (ConsentState::Granted, false), "Ben said yes after that day");
        let states: Vec<_> = world.messages().await.iter().map(|m| (m.address.clone(), m.state.clone())).collect();
        assert_eq!(states, [(phone(1), "canceled".to_owned()), (phone(2), "queued".to_owned())]);
        let again = world.given_up(&numbers).await;
        assert_eq!((again.consents_ended, again.suppressed), (0, 0), "{}: {again:?}", world.test.engine);

        world.test.clock.advance(1);
        world.consent(&phone(1), ConsentAction::Grant).await;
        assert!(world.standing(1).await.1, "{}: somebody's claim may be about the former owner", world.test.engine);
        let mut own = world.said(&phone(1), ConsentAction::Grant);
        own.method = ConsentMethod::Keyword;
        let (ctx, ws) = (world.test.ctx.clone(), world.ws());
        world.test.store.write(move |tx| tx.record_consent(ws, &own, &ctx)).await.unwrap();
        assert_eq!(world.standing(1).await, (ConsentState::Granted, false), "{}: the new owner", world.test.engine);

        // What a person puts there stands, also where the number was given up before.
        let input = SuppressionInput { numbers: vec![phone(3)], reason: "Complaint".to_owned(), source: None };
        let added = suppressions::add(&world.test.store, &world.test.ctx, world.ws(), &Actor::System, input).await;
        assert_eq!(added.unwrap().changed, 1, "{}", world.test.engine);
        let mut own = world.said(&phone(3), ConsentAction::Grant);
        own.method = ConsentMethod::Keyword;
        let (ctx, ws) = (world.test.ctx.clone(), world.ws());
        world.test.store.write(move |tx| tx.record_consent(ws, &own, &ctx)).await.unwrap();
        assert_eq!(world.standing(3).await, (ConsentState::Granted, true), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_does_not_take_a_number_off_the_list_that_a_person_put_there() {
    for world in worlds().await {
        let input = SuppressionInput {
            numbers: vec![phone(1), phone(1), "x".to_owned()],
            reason: "Asked by phone".to_owned(),
            source: None,
        };
        let (store, ctx) = (&world.test.store, &world.test.ctx);
        let added = suppressions::add(store, ctx, world.ws(), &Actor::System, input).await.unwrap();
        assert_eq!((added.changed, added.unchanged, added.rejected.len()), (1, 1, 1), "{}", world.test.engine);
        world.consent(&phone(1), ConsentAction::Grant).await;
        assert_eq!(world.standing(1).await, (ConsentState::Granted, true), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_and_a_no_by_hand_have_every_writing_of_a_line() {
    let (with_nine, without) = ("+5511999990000", "+551199990000");
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let listed = async || {
            world.write(move |tx| Ok([tx.is_suppressed(ws, with_nine)?, tx.is_suppressed(ws, without)?])).await
        };
        let numbers = vec![with_nine.to_owned(), without.to_owned()];
        let input = SuppressionInput { numbers, reason: "Complaint".to_owned(), source: None };
        let added = suppressions::add(store, ctx, ws, &Actor::System, input).await.unwrap();
        assert_eq!((added.changed, added.unchanged), (1, 1), "{engine}: one line");
        assert_eq!(listed().await, [true, true], "{engine}");
        let removal =
            suppressions::SuppressionRemoval { addresses: vec![without.to_owned()], reason: "A mistake".to_owned() };
        let removed = suppressions::remove(store, ctx, ws, &Actor::System, removal).await.unwrap();
        assert_eq!((removed.changed, listed().await), (1, [false, false]), "{engine}");

        let ana = world.subscriber(with_nine, "Ana").await;
        world.consent(without, ConsentAction::Grant).await;
        world.test.clock.advance(1_000);
        let no =
            serde_json::json!({ "channel": "sms", "purpose": "marketing", "action": "revoke", "method": "verbal" });
        let no = serde_json::from_value(no).unwrap();
        segue_outreach::contacts::record_consent(store, ctx, ws, &Actor::System, ana, no).await.unwrap();
        for address in [with_nine, without] {
            let state = crate::keyword::consents(&world, address).await[0];
            assert_eq!(state, ConsentState::Revoked, "{engine} {address}");
        }

        // One that was given up is so however it is written, until its new owner says yes.
        let done = world.given_up(&[(without.to_owned(), None)]).await;
        assert_eq!((done.consents_ended, done.suppressed), (1, 1), "{engine}: {done:?}");
        assert_eq!(listed().await, [true, true], "{engine}");
        world.test.clock.advance(1_000);
        crate::keyword::text(&world, with_nine, "START").await;
        assert_eq!(listed().await, [false, false], "{engine}");
    }
}
