//! Pools of senders: one sender for a number, whoever asks, and a no that covers the pool.

use segue_model::{
    SenderId, SenderPoolId,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, OptOutScope, Purpose},
};
use segue_store::{StoreError, consent::NewConsentEvent, opt_out::OptOut};
use segue_testkit::{TestStore, engines};

use super::write;

const CUSTOMER: &str = "+12125550199";

async fn pool(test: &TestStore, senders: &[SenderId]) -> SenderPoolId {
    let (workspace_id, id, now, senders) =
        (test.workspace_id(), test.ctx.id::<SenderPoolId>(), test.now(), senders.to_vec());
    write(test, move |tx| {
        assert!(tx.insert_sender_pool(workspace_id, id, "Spring", now)?);
        assert!(!tx.insert_sender_pool(workspace_id, id, "Spring", now)?, "the name is taken");
        tx.set_pool_members(workspace_id, id, &senders)
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_choose_at_once_all_get_the_same_sender() {
    for test in engines().await {
        let (workspace_id, now, channel) = (test.workspace_id(), test.now(), test.sms_channel("carrier").await);
        let mut senders = Vec::new();
        for number in 0..8 {
            senders.push(test.sender(channel.id, &format!("+1555000000{number}")).await.id);
        }
        let pool_id = pool(&test, &senders).await;
        let mut tries = tokio::task::JoinSet::new();
        for sender in senders.clone() {
            let store = test.store.clone();
            tries.spawn(async move {
                let kept = store
                    .write::<_, StoreError, _>(move |tx| tx.keep_sender(workspace_id, pool_id, CUSTOMER, sender, now));
                kept.await.expect("the store works")
            });
        }
        let mut kept = tries.join_all().await;
        kept.dedup();
        assert_eq!(kept.len(), 1, "{}", test.engine);
        let known = write(&test, move |tx| tx.kept_sender(workspace_id, pool_id, CUSTOMER)).await;
        assert_eq!(known, kept.pop(), "{}", test.engine);

        // What a transaction chose goes with it.
        let lost = test.store.write::<(), StoreError, _>(move |tx| {
            tx.keep_sender(workspace_id, pool_id, "+12125550198", senders[0], now)?;
            Err(StoreError::Unavailable("the node dies here".to_owned()))
        });
        lost.await.expect_err("it was rolled back");
        let none = write(&test, move |tx| tx.kept_sender(workspace_id, pool_id, "+12125550198")).await;
        assert_eq!(none, None, "{}", test.engine);
        assert_eq!(write(&test, move |tx| tx.sender_pools(workspace_id)).await[0].numbers, 1);
        assert!(write(&test, move |tx| tx.delete_sender_pool(workspace_id, pool_id)).await);
        assert_eq!(write(&test, move |tx| tx.kept_sender(workspace_id, pool_id, CUSTOMER)).await, None);
        assert_eq!(write(&test, move |tx| tx.pool_members(workspace_id, pool_id)).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_one_sender_is_a_no_to_its_pool_and_to_nobody_else() {
    for test in engines().await {
        let (workspace_id, channel) = (test.workspace_id(), test.sms_channel("carrier").await);
        let one = test.sender(channel.id, "+15550000001").await;
        let two = test.sender(channel.id, "+15550000002").await;
        // The no comes in on another account of the same number, which is in no pool.
        let other = test.sms_channel("other").await;
        let twin = test.sender(other.id, "+15550000001").await;
        test.sender(channel.id, "+15550000003").await;
        let pool_id = pool(&test, &[one.id, two.id]).await;
        test.set_consent(Medium::Sms, CUSTOMER, Purpose::Marketing, ConsentState::Granted).await;
        let granted = NewConsentEvent {
            medium: Medium::Sms,
            address: CUSTOMER.to_owned(),
            purpose: Purpose::Marketing,
            action: ConsentAction::Grant,
            method: ConsentMethod::Keyword,
            wording: Some("yes".to_owned()),
            proof: None,
            actor: "customer".to_owned(),
            occurred_at: test.now(),
        };
        let no = OptOut {
            said_on: Medium::Sms,
            phones: vec![CUSTOMER.to_owned()],
            hidden: Default::default(),
            sender: Some(twin.id),
            method: ConsentMethod::Keyword,
            wording: Some("STOP".to_owned()),
            proof: None,
            actor: "customer".to_owned(),
            occurred_at: test.now(),
        };
        let ctx = test.ctx.clone();
        let recorded = test.store.write::<_, segue_store::consent::ConsentError, _>(move |tx| {
            tx.record_consent(workspace_id, &granted, &ctx)?;
            tx.opt_out(workspace_id, OptOutScope::Sender, &no, &ctx)
        });
        recorded.await.expect("the no is recorded");
        let said = async |source: &'static str| {
            let state = write(&test, move |tx| {
                tx.consent_state_from(workspace_id, Medium::Sms, CUSTOMER, Purpose::Marketing, source)
            });
            state.await.state
        };
        assert_eq!(said("+15550000001").await, ConsentState::Revoked, "{}", test.engine);
        assert_eq!(said("+15550000002").await, ConsentState::Revoked, "the pool: {}", test.engine);
        assert_eq!(said("+15550000003").await, ConsentState::Granted, "{}", test.engine);
        let refused = write(&test, move |tx| tx.refused_senders(workspace_id, CUSTOMER, one.id)).await;
        let has = |id: SenderId| refused.iter().any(|(refused, _)| *refused == id);
        assert!(refused.len() == 2 && has(two.id) && has(twin.id), "one no for each number: {}", test.engine);
        // A pool that loses the number does not begin to text whoever said no to it.
        write(&test, move |tx| tx.set_pool_members(workspace_id, pool_id, &[two.id])).await;
        assert_eq!(said("+15550000002").await, ConsentState::Revoked, "it was the pool's: {}", test.engine);
        assert!(write(&test, move |tx| tx.delete_sender_pool(workspace_id, pool_id)).await);
        for number in ["+15550000001", "+15550000002"] {
            assert_eq!(said(number).await, ConsentState::Revoked, "{number} without the pool: {}", test.engine);
        }
        assert_eq!(said("+15550000003").await, ConsentState::Granted, "{}", test.engine);
    }
}
