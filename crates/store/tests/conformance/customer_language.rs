//! The language of a customer through merges.

use segue_model::MessagingUserId;
use segue_store::{
    Tx,
    customer_language::LanguageBy,
    messaging_user::{LinkedBy, MessagingUser},
    template_consent::TemplateKind,
};
use segue_testkit::engines;

use crate::write;

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_customers_language_goes_along_unless_the_kept_one_has_its_own() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("one", "http://127.0.0.1:1").await;
        let ids: [MessagingUserId; 3] = std::array::from_fn(|_| test.ctx.id());
        let [kept, first, second] = ids;
        let languages = write(&test, move |tx: &mut Tx<'_>| {
            for id in ids {
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
                tx.insert_messaging_user(workspace_id, &user)?;
            }
            tx.say_customer_language(workspace_id, first, "de", now)?;
            tx.detect_customer_language(workspace_id, second, ("fr", 99), now)?;
            tx.merge_messaging_users(workspace_id, first, kept)?;
            let after_first = tx.customer_language(workspace_id, kept)?;
            tx.merge_messaging_users(workspace_id, second, kept)?;
            let after_second = tx.customer_language(workspace_id, kept)?;
            Ok([after_first, after_second, tx.customer_language(workspace_id, second)?])
        });
        let [after_first, after_second, gone] = languages.await;
        let after_first = after_first.unwrap();
        assert_eq!((after_first.language.as_str(), after_first.by), ("de", LanguageBy::Person), "{}", test.engine);
        assert_eq!(after_second.unwrap().language, "de", "{}", test.engine);
        assert_eq!(gone, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_comes_along_when_a_campaign_looks_at_a_customer() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("one", "http://127.0.0.1:1").await;
        let contact = test.contact("+15550100001", "Ana").await;
        let user = MessagingUser {
            id: test.ctx.id(),
            channel_id: channel.id,
            profile_name: None,
            username: None,
            contact_id: Some(contact),
            lead_id: None,
            linked_by: Some(LinkedBy::Agent),
            last_inbound_at: None,
            blocked_at: None,
            created_at: now,
            version: 1,
        };
        let looks = write(&test, move |tx: &mut Tx<'_>| {
            tx.insert_messaging_user(workspace_id, &user)?;
            let look = |tx: &mut Tx<'_>| {
                let kind = TemplateKind { name: "news", category: "MARKETING" };
                let found =
                    tx.template_recipient(workspace_id, channel.id, (contact, Some("+15550100001")), (kind, now))?;
                Ok::<_, segue_store::StoreError>(found.expect("there is a number"))
            };
            let before = look(tx)?;
            tx.detect_customer_language(workspace_id, user.id, ("fr", 99), now)?;
            Ok([before, look(tx)?])
        });
        let [before, after] = looks.await;
        assert_eq!((before.user_id.is_some(), before.language), (true, None), "{}", test.engine);
        let known = after.language.expect("it was detected");
        let expected = ("fr", LanguageBy::Detected, Some(99), now);
        assert_eq!((known.language.as_str(), known.by, known.certainty, known.at), expected, "{}", test.engine);
    }
}
