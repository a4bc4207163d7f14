//! Registrations and the senders they belong to.

use segue_model::{
    RegistrationId, SenderId,
    registration::{RegistrationKind, RegistrationState},
    sender::SenderKind,
};
use segue_store::{
    channel::Registration,
    registration::{RegistrationInput, RegistrationStep},
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::write;

async fn registration(test: &TestStore, kind: RegistrationKind, parent_id: Option<RegistrationId>) -> RegistrationId {
    let input = RegistrationInput {
        name: "Acme".to_owned(),
        country: None,
        parent_id,
        reference: None,
        details: json!({ "use_case": "marketing" }),
        expires_at: None,
    };
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    write(test, move |tx| tx.insert_registration(workspace_id, kind, &input, "user:x", &ctx)).await
}

async fn step(test: &TestStore, id: RegistrationId, from: RegistrationState, to: RegistrationState) -> bool {
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    let step =
        RegistrationStep { from, to, note: Some("noted".to_owned()), expires_at: None, actor: "user:x".to_owned() };
    write(test, move |tx| tx.step_registration(workspace_id, id, &step, &ctx)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_taken_once_and_kept_in_the_history() {
    use RegistrationState::{Approved, Draft, InReview, Submitted};
    for test in engines().await {
        let (workspace_id, id) = (test.workspace_id(), registration(&test, RegistrationKind::Brand, None).await);
        assert!(step(&test, id, Draft, Submitted).await, "{}", test.engine);
        assert!(!step(&test, id, Draft, Submitted).await, "somebody was first");
        test.clock.advance(1_000);
        assert!(step(&test, id, Submitted, InReview).await);
        assert!(step(&test, id, InReview, Approved).await);
        let known = write(&test, move |tx| tx.registration(workspace_id, id)).await.unwrap();
        assert_eq!((known.state, known.note.as_deref()), (Approved, Some("noted")));
        assert_eq!(known.submitted_at, Some(test.now().plus(-1_000)));
        assert_eq!(known.decided_at, Some(test.now()));
        let history = write(&test, move |tx| tx.registration_events(workspace_id, id)).await;
        let states: Vec<_> = history.iter().map(|event| event.state).collect();
        assert_eq!(states, [Draft, Submitted, InReview, Approved], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_runs_out_is_recorded_once_and_a_renewal_has_no_end_of_its_own() {
    use RegistrationState::{Approved, Draft, Expired, Submitted};
    for test in engines().await {
        let (workspace_id, id) = (test.workspace_id(), registration(&test, RegistrationKind::TollFree, None).await);
        assert!(step(&test, id, Draft, Submitted).await);
        let approved = RegistrationStep {
            from: Submitted,
            to: Approved,
            note: None,
            expires_at: Some(test.now().plus(1_000)),
            actor: "user:x".to_owned(),
        };
        let ctx = test.ctx.clone();
        assert!(write(&test, move |tx| tx.step_registration(workspace_id, id, &approved, &ctx)).await);
        let look = async || {
            let ctx = test.ctx.clone();
            write(&test, move |tx| tx.expire_registrations(workspace_id, &ctx)).await;
            let history = write(&test, move |tx| tx.registration_events(workspace_id, id)).await;
            let known = write(&test, move |tx| tx.registration(workspace_id, id)).await.unwrap();
            (known.state, known.expires_at.is_some(), history.len())
        };
        assert_eq!(look().await, (Approved, true, 3), "{}", test.engine);
        test.clock.advance(1_000);
        assert_eq!(look().await, (Expired, true, 4), "{}", test.engine);
        assert_eq!(look().await, (Expired, true, 4), "not twice");
        assert!(step(&test, id, Expired, Submitted).await);
        assert!(step(&test, id, Submitted, Approved).await);
        assert_eq!(look().await, (Approved, false, 6), "the old end is not that of the renewal: {}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_has_what_is_registered_for_it_and_the_brand_behind_it() {
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let channel = test.sms_channel("carrier").await;
        let sender = test.sender(channel.id, "+13055550100").await;
        let brand = registration(&test, RegistrationKind::Brand, None).await;
        let campaign = registration(&test, RegistrationKind::Campaign, Some(brand)).await;
        let id: SenderId = sender.id;
        write(&test, move |tx| tx.link_sender(workspace_id, id, &[campaign, campaign])).await;
        assert!(
            write(&test, move |tx| tx.set_sender(workspace_id, id, Registration::Active, &["US".to_owned()])).await
        );
        let channel_id = channel.id;
        let (state, facts) =
            write(&test, move |tx| tx.sender_facts(workspace_id, channel_id, "+13055550100")).await.unwrap();
        assert_eq!((state, facts.kind), (Registration::Active, SenderKind::LongCode));
        assert_eq!((facts.home.as_deref(), facts.countries.as_slice()), (Some("US"), &["US".to_owned()][..]));
        let mut kinds: Vec<_> = facts.registrations.iter().map(|known| known.kind).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [RegistrationKind::Brand, RegistrationKind::Campaign], "{}", test.engine);
        write(&test, move |tx| tx.link_sender(workspace_id, id, &[])).await;
        assert!(write(&test, move |tx| tx.registered_for(workspace_id, id)).await.is_empty());
        assert!(write(&test, move |tx| tx.sender_facts(workspace_id, channel_id, "nobody")).await.is_none());
    }
}
