//! Two who change one customer's link at the same time.

use std::sync::{Arc, Mutex, mpsc};

use segue_model::{ContactId, MessagingUserId, Timestamp, contact::ContactFields};
use segue_store::{
    StoreError, Tx,
    customer_link::LinkState,
    messaging_user::{LinkedBy, MessagingUser},
};
use segue_testkit::{TestStore, engines, postgres_store};

use crate::write;

/// A customer, and two contacts that it may be linked to.
async fn customer(test: &TestStore) -> (MessagingUserId, [ContactId; 2]) {
    let (workspace_id, now) = (test.workspace_id(), test.now());
    let channel = test.whatsapp_channel("one", "http://127.0.0.1:1").await;
    let id: MessagingUserId = test.ctx.id();
    let contacts: [ContactId; 2] = std::array::from_fn(|_| test.ctx.id());
    write(test, move |tx: &mut Tx<'_>| {
        for contact_id in contacts {
            tx.insert_contact(workspace_id, contact_id, &ContactFields::default(), now)?;
        }
        let user = MessagingUser {
            id,
            channel_id: channel.id,
            profile_name: None,
            username: None,
            contact_id: None,
            lead_id: None,
            linked_by: None,
            last_inbound_at: None,
            blocked_at: None,
            created_at: now,
            version: 1,
        };
        tx.insert_messaging_user(workspace_id, &user)
    })
    .await;
    (id, contacts)
}

async fn read(test: &TestStore, id: MessagingUserId) -> MessagingUser {
    let workspace_id = test.workspace_id();
    write(test, move |tx: &mut Tx<'_>| Ok(tx.messaging_user(workspace_id, id)?.unwrap())).await
}

async fn link(test: &TestStore, user: &MessagingUser, to: ContactId, by: LinkedBy) -> Result<(), StoreError> {
    let (workspace_id, before) = (test.workspace_id(), LinkState::of(user));
    let linked = MessagingUser { contact_id: Some(to), linked_by: Some(by), ..user.clone() };
    test.store.write(move |tx: &mut Tx<'_>| tx.link_messaging_user(workspace_id, &linked, before)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_decided_on_what_is_no_more_is_not_stored() {
    for test in engines().await {
        let (id, [first, second]) = customer(&test).await;
        let workspace_id = test.workspace_id();
        let stale = read(&test, id).await;
        link(&test, &stale, first, LinkedBy::Agent).await.unwrap();
        let refused = link(&test, &stale, second, LinkedBy::Phone).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{}: {refused:?}", test.engine);
        let heard = MessagingUser { profile_name: Some("Ana".to_owned()), contact_id: Some(second), ..stale.clone() };
        let (row, before) = (heard.clone(), LinkState::of(&stale));
        let refused = test.store.write(move |tx: &mut Tx<'_>| tx.save_messaging_user(workspace_id, &row, before)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{}: {refused:?}", test.engine);
        // Names and time are stored whatever the link is, and leave it alone.
        let row = MessagingUser { last_inbound_at: Some(Timestamp(1)), ..heard };
        write(&test, move |tx: &mut Tx<'_>| tx.hear_messaging_user(workspace_id, &row)).await;
        let now = read(&test, id).await;
        assert_eq!((now.contact_id, now.linked_by), (Some(first), Some(LinkedBy::Agent)), "{}", test.engine);
        assert_eq!((now.profile_name.as_deref(), now.last_inbound_at), (Some("Ana"), Some(Timestamp(1))));
        link(&test, &now, second, LinkedBy::Phone).await.unwrap();
        assert_eq!(read(&test, id).await.contact_id, Some(second), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_that_link_one_customer_the_later_one_begins_anew() {
    // SQLite has one writer; there the second one reads what the first one wrote.
    let Some(test) = postgres_store().await else { return };
    let (id, [first, second]) = customer(&test).await;
    let workspace_id = test.workspace_id();
    let ((has_read, is_read), (let_go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (has_read, may_go) = (Mutex::new(has_read), Mutex::new(may_go));
    let (store, seen) = (test.store.clone(), Arc::new(Mutex::new(Vec::new())));
    let own = Arc::clone(&seen);
    let message = tokio::spawn(async move {
        store
            .write(move |tx: &mut Tx<'_>| {
                let mut user = tx.messaging_user(workspace_id, id)?.expect("the customer is there");
                let before = LinkState::of(&user);
                own.lock().unwrap().push(user.contact_id);
                has_read.lock().unwrap().send(()).expect("the test waits");
                may_go.lock().unwrap().recv().expect("the test says when");
                (user.contact_id, user.linked_by) = (Some(second), Some(LinkedBy::Phone));
                tx.save_messaging_user(workspace_id, &user, before)
            })
            .await
    });
    tokio::task::spawn_blocking(move || is_read.recv()).await.unwrap().unwrap();
    let unlinked = read(&test, id).await;
    link(&test, &unlinked, first, LinkedBy::Agent).await.unwrap();
    let_go.send(()).unwrap();
    // Were it run again by itself, it would have to ask once more.
    drop(let_go);
    let refused = message.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(*seen.lock().unwrap(), [None]);
    let now = read(&test, id).await;
    assert_eq!((now.contact_id, now.linked_by), (Some(first), Some(LinkedBy::Agent)), "the agent's link stays");
}
