//! What speaks of a contact goes with it, and follows it into another one and back.

use segue_model::{
    ChannelId, ContactId, CustomerLinkId, CustomerMergeId, DeletionId, MergeId, MessagingUserId, SessionId, Timestamp,
    UserId, contact::ContactFields, linking::MatchBy,
};
use segue_store::{
    Sql,
    contact_deletion::{FORGOTTEN_AT_ONCE, Left},
    contact_merge::{NewMerge, Unmerged},
    customer_link::{Candidate, LinkAction, LinkEntry, LinkPrompt, LinkState},
    customer_merge::Parted,
    mention::Mention,
    messaging_user::{LinkedBy, MessagingUser},
};
use segue_testkit::{TestStore, engines};

use super::write;

static MENTIONS: Sql = Sql::portable("MENTIONS", "SELECT COUNT(*) FROM mentions WHERE workspace_id = $1");
static RECORD: Sql = Sql::portable("RECORD", "SELECT record FROM messaging_user_merges WHERE workspace_id = $1");

async fn customer(test: &TestStore, channel_id: ChannelId, contact_id: Option<ContactId>) -> MessagingUserId {
    let user = MessagingUser {
        id: test.ctx.id(),
        channel_id,
        profile_name: Some("Ana Silva".to_owned()),
        username: None,
        contact_id,
        lead_id: None,
        linked_by: contact_id.map(|_| LinkedBy::Agent),
        last_inbound_at: None,
        blocked_at: None,
        created_at: test.now(),
        version: 1,
    };
    let (workspace_id, id) = (test.workspace_id(), user.id);
    write(test, move |tx| tx.insert_messaging_user(workspace_id, &user)).await;
    id
}

static DELETIONS: Sql = Sql::portable("DELETIONS", "SELECT records FROM contact_deletions WHERE workspace_id = $1");

/// Forgets all deletions from before `before`, part by part. Gives how many parts there were.
async fn forget_all(test: &TestStore, before: Timestamp) -> usize {
    let (ws, mut parts) = (test.workspace_id(), 0);
    while write(test, move |tx| tx.delete_old_deletions(ws, before)).await == Left::More {
        parts += 1;
    }
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_were_deleted_together_are_forgotten_part_by_part() {
    for test in engines().await {
        let (test, ws, now) = (&test, test.workspace_id(), test.now());
        for deletion in 0..3_u32 {
            let ids: Vec<ContactId> = (0..200).map(|_| test.ctx.id()).collect();
            let id: DeletionId = test.ctx.id();
            write(test, move |tx| {
                for contact in &ids {
                    assert!(tx.insert_contact(ws, *contact, &ContactFields::default(), now)?);
                }
                tx.delete_contacts(ws, id, &ids, "system", now.plus(i64::from(deletion)))
            })
            .await;
        }
        let left = async || {
            let read = |row: &mut segue_store::Row<'_>| Ok(row.json::<Vec<serde_json::Value>>()?.len());
            write(test, move |tx| tx.query(&DELETIONS, &[&ws], read)).await.into_iter().sum::<usize>()
        };
        let before = now.plus(10);
        let (mut known, mut parts) = (left().await, Vec::new());
        assert_eq!(known, 600, "{}", test.engine);
        while write(test, move |tx| tx.delete_old_deletions(ws, before)).await == Left::More {
            let now_left = left().await;
            parts.push(known - now_left);
            known = now_left;
        }
        assert_eq!(parts, [FORGOTTEN_AT_ONCE; 6], "{}", test.engine);
        assert_eq!(known, 0, "{}", test.engine);
    }
}

async fn link(test: &TestStore, user: MessagingUserId, before: Option<ContactId>, after: Option<ContactId>) {
    let state = |contact_id: Option<ContactId>| LinkState {
        contact_id,
        lead_id: None,
        linked_by: contact_id.map(|_| LinkedBy::Agent),
    };
    let entry = LinkEntry {
        id: test.ctx.id::<CustomerLinkId>(),
        messaging_user_id: user,
        session_id: None,
        action: LinkAction::Linked,
        reason: "agent".to_owned(),
        note: Some("She said she is Ana".to_owned()),
        before: state(before),
        after: state(after),
        undoes_id: None,
        actor: "system".to_owned(),
        actor_name: None,
        at: test.now(),
    };
    let workspace_id = test.workspace_id();
    assert!(write(test, move |tx| tx.insert_link(workspace_id, &entry)).await);
}

fn candidate(contact_id: ContactId, by: MatchBy) -> Candidate {
    Candidate { contact_id: Some(contact_id), lead_id: None, by: vec![by] }
}

async fn ask(test: &TestStore, user: MessagingUserId, candidates: Vec<Candidate>) {
    let prompt = LinkPrompt { session_id: test.ctx.id(), candidates, asked_at: test.now(), postponed_at: None };
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.save_prompt(workspace_id, user, &prompt)).await;
}

async fn asked(test: &TestStore, user: MessagingUserId) -> Option<Vec<Candidate>> {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.prompt(workspace_id, user)).await.map(|prompt| prompt.candidates)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_leaves_no_words_about_its_customers() {
    for at_once in [true, false] {
        for test in engines().await {
            let test = &test;
            let (ws, now) = (test.workspace_id(), test.now());
            let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
            let ana = test.contact("+15550100001", "Ana").await;
            let ben = test.contact("+15550100002", "Ben").await;
            let user = customer(test, channel, Some(ana)).await;
            let other = customer(test, channel, Some(ben)).await;
            let merged: MessagingUserId = customer(test, channel, None).await;
            for (user, contact) in [(user, ana), (other, ben)] {
                link(test, user, None, Some(contact)).await;
                write(test, move |tx| tx.block_customer(ws, user, channel, "Ana was rude", "system", now)).await;
            }
            let merge: CustomerMergeId = test.ctx.id();
            write(test, move |tx| tx.record_customer_merge(ws, merge, (merged, user), "system", now)).await;
            for user in [user, other] {
                let (session, mention) = (
                    test.ctx.id(),
                    Mention {
                        id: test.ctx.id(),
                        user_id: UserId(uuid::Uuid::from_u128(7)),
                        session_id: SessionId(uuid::Uuid::nil()),
                        message_id: test.ctx.id(),
                        author_id: None,
                        at: now,
                        read_at: None,
                    },
                );
                let mention = Mention { session_id: session, ..mention };
                write(test, move |tx| {
                    assert!(tx.open_session(ws, session, channel, user, now)?);
                    tx.insert_mention(ws, &mention)
                })
                .await;
            }
            let (both, alone) = (customer(test, channel, None).await, customer(test, channel, None).await);
            ask(test, both, vec![candidate(ana, MatchBy::Email), candidate(ben, MatchBy::Phone)]).await;
            ask(test, alone, vec![candidate(ana, MatchBy::Email)]).await;
            if at_once {
                assert!(write(test, move |tx| tx.delete_contact(ws, ana, now)).await);
            } else {
                let deletion = test.ctx.id();
                write(test, move |tx| tx.delete_contacts(ws, deletion, &[ana], "system", now)).await;
                let kept = write(test, move |tx| tx.links_of(ws, user, 10)).await;
                assert!(kept[0].note.is_some(), "it can be brought back: {}", test.engine);
            }
            assert_eq!(asked(test, both).await, Some(vec![candidate(ben, MatchBy::Phone)]), "{}", test.engine);
            assert_eq!(asked(test, alone).await, None, "nobody is left to ask about: {}", test.engine);
            if !at_once {
                write(test, move |tx| tx.delete_old_deletions(ws, now.plus(1))).await;
            }
            let links = write(test, move |tx| tx.links_of(ws, user, 10)).await;
            assert_eq!(links.len(), 1, "that there was a link stays");
            assert_eq!(links[0].note, None, "{}", test.engine);
            let block = write(test, move |tx| tx.block_of(ws, user)).await.expect("the block holds");
            assert_eq!(block.reason, "", "{}", test.engine);
            let mentions = write(test, move |tx| tx.query_one(&MENTIONS, &[&ws], |row| row.next::<i64>())).await;
            assert_eq!(mentions, 1, "only that of another contact's customer stays: {}", test.engine);
            let view = write(test, move |tx| tx.customer_merge(ws, merge)).await.unwrap();
            assert_eq!((view.kept_name.clone(), view.merged_name.clone()), (None, None), "{}", test.engine);
            let record = write(test, move |tx| tx.query_one(&RECORD, &[&ws], |row| row.next::<String>())).await;
            assert_eq!(record, "null");
            let parted = write(test, move |tx| tx.part_customers(ws, &view, "system", now)).await;
            assert_eq!(parted, Parted::Emptied);
            let links = write(test, move |tx| tx.links_of(ws, other, 10)).await;
            assert!(links[0].note.is_some(), "another contact's customer");
            let block = write(test, move |tx| tx.block_of(ws, other)).await.unwrap();
            assert_eq!(block.reason, "Ana was rude");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_questions_follow_a_merged_contact_and_come_back() {
    for test in engines().await {
        let test = &test;
        let (ws, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let ana = test.contact("+15550100001", "Ana").await;
        let anna = test.contact("+15550100002", "Anna").await;
        let user = customer(test, channel, Some(anna)).await;
        link(test, user, None, Some(anna)).await;
        link(test, user, Some(anna), None).await;
        let unknown = customer(test, channel, None).await;
        let before = vec![candidate(ana, MatchBy::Phone), candidate(anna, MatchBy::Email)];
        ask(test, unknown, before.clone()).await;
        let ends = async move || {
            let links = write(test, move |tx| tx.links_of(ws, user, 10)).await;
            (links[1].after.contact_id, links[0].before.contact_id)
        };
        let id: MergeId = test.ctx.id();
        let merged = write(test, move |tx| {
            let fields = tx.contact_row(ws, ana)?.expect("a contact").fields;
            let merge = NewMerge { id, kept_id: ana, merged_id: anna, fields, actor: "system".to_owned() };
            tx.merge_contacts(ws, &merge, now)
        });
        let merge = merged.await.expect("both are there");
        assert_eq!(ends().await, (Some(ana), Some(ana)), "{}", test.engine);
        let one = Candidate { by: vec![MatchBy::Phone, MatchBy::Email], ..candidate(ana, MatchBy::Phone) };
        assert_eq!(asked(test, unknown).await, Some(vec![one]), "{}", test.engine);
        let parted = write(test, move |tx| {
            let record = tx.merge_record(ws, id)?.expect("a record");
            tx.unmerge_contacts(ws, &merge, &record, "system", now)
        });
        assert_eq!(parted.await, Unmerged::Done);
        assert_eq!(ends().await, (Some(anna), Some(anna)), "{}", test.engine);
        assert_eq!(asked(test, unknown).await, Some(before), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_could_not_be_brought_back_can_be_later_or_is_forgotten_in_its_time() {
    for test in engines().await {
        let test = &test;
        let (ws, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let ana = test.contact("+15550100001", "Ana").await;
        let ben = test.contact("+15550100002", "Ben").await;
        let user = customer(test, channel, Some(ben)).await;
        let deletion: DeletionId = test.ctx.id();
        let deleted = write(test, move |tx| tx.delete_contacts(ws, deletion, &[ana, ben], "system", now)).await;
        assert_eq!(deleted.deleted, 2);
        let restore = async || write(test, move |tx| tx.restore_contacts(ws, deletion, now)).await;

        // His number is another contact's by now.
        let other = test.contact("+15550100002", "Bob").await;
        assert_eq!(restore().await, Some(1), "{}: Ana", test.engine);
        assert_eq!(restore().await, Some(0), "{}: still another's", test.engine);
        assert!(write(test, move |tx| tx.delete_contact(ws, other, now)).await);
        assert_eq!(restore().await, Some(1), "{}: Ben", test.engine);
        assert_eq!(restore().await, None, "{}: nobody is left", test.engine);

        let again: DeletionId = test.ctx.id();
        write(test, move |tx| tx.delete_contacts(ws, again, &[ana, ben], "system", now)).await;
        test.contact("+15550100002", "Bob").await;
        assert_eq!(write(test, move |tx| tx.restore_contacts(ws, again, now)).await, Some(1), "{}", test.engine);
        let parts = forget_all(test, now.plus(1)).await;
        assert_eq!(parts, 1, "{}: the one of which something is left", test.engine);
        let erasures = write(test, move |tx| tx.erasures(ws, None, 10)).await;
        let of: Vec<_> = erasures.iter().map(|erasure| erasure.messaging_user_id).collect();
        assert_eq!(of, [user], "{}: what Ben wrote goes", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_brought_back_has_its_customers_in_the_way_they_came() {
    use segue_store::template_consent::TemplateKind;

    static FORGET: Sql = Sql::portable(
        "FORGET",
        "UPDATE contact_deletions SET records = REPLACE(records, '\"linked_by\"', '\"unknown\"') WHERE workspace_id = $1",
    );
    static USER: Sql =
        Sql::portable("USER", "UPDATE messaging_users SET linked_by = $3 WHERE workspace_id = $1 AND id = $2");
    for test in engines().await {
        let test = &test;
        let (ws, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let ana = test.contact("+15550100001", "Ana").await;
        let user = customer(test, channel, Some(ana)).await;
        let restored = async |linked_by: LinkedBy, is_old: bool| {
            let deletion: DeletionId = test.ctx.id();
            write(test, move |tx| {
                tx.execute(&USER, &[&ws, &user, &linked_by.as_str()])?;
                tx.delete_contacts(ws, deletion, &[ana], "system", now)?;
                if is_old {
                    tx.execute(&FORGET, &[&ws])?;
                }
                assert_eq!(tx.restore_contacts(ws, deletion, now)?, Some(1));
                let template = TemplateKind { name: "hello", category: "UTILITY" };
                let recipient = tx.template_recipient(ws, channel, (ana, Some("+15550100001")), (template, now))?;
                let user = tx.messaging_user(ws, user)?.expect("it stays");
                assert_eq!(user.contact_id, Some(ana));
                Ok((user.linked_by, recipient.and_then(|recipient| recipient.user_id)))
            })
            .await
        };
        let engine = test.engine;
        assert_eq!(restored(LinkedBy::Email, false).await, (Some(LinkedBy::Email), None), "{engine}");
        assert_eq!(restored(LinkedBy::Agent, false).await, (Some(LinkedBy::Agent), Some(user)), "{engine}");
        assert_eq!(restored(LinkedBy::Agent, true).await.0, Some(LinkedBy::Email), "{engine}: a record of before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_a_merge_had_narrowed_is_of_all_when_the_next_contact_goes() {
    static LINK: Sql =
        Sql::portable("LINK", "UPDATE messaging_users SET contact_id = $3 WHERE workspace_id = $1 AND id = $2");
    for test in engines().await {
        let test = &test;
        let (ws, now) = (test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let first = test.contact("+15550100001", "Ana").await;
        let second = test.contact("+15550100002", "Ana Silva").await;
        let (kept, other) = (customer(test, channel, Some(first)).await, customer(test, channel, None).await);
        let sessions = async || {
            let due = write(test, move |tx| tx.erasures(ws, None, 10)).await;
            due.into_iter().find(|erasure| erasure.messaging_user_id == kept).map(|erasure| erasure.sessions)
        };
        assert!(write(test, move |tx| tx.delete_contact(ws, first, now)).await);
        assert_eq!(sessions().await, Some(None), "{}: all", test.engine);
        // The person is known again, and turns out to have another address.
        write(test, move |tx| {
            tx.execute(&LINK, &[&ws, &kept, &second])?;
            tx.merge_messaging_users(ws, other, kept)
        })
        .await;
        assert_eq!(sessions().await, Some(Some(Vec::new())), "{}: what there was before", test.engine);
        assert!(write(test, move |tx| tx.delete_contact(ws, second, now)).await);
        assert_eq!(sessions().await, Some(None), "{}: all again", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_asked_for_again_goes_on_with_what_was_written_since() {
    static LINK: Sql =
        Sql::portable("LINK", "UPDATE messaging_users SET contact_id = $3 WHERE workspace_id = $1 AND id = $2");
    for test in engines().await {
        let (test, ws, now) = (&test, test.workspace_id(), test.now());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let first = test.contact("+15550100001", "Ana").await;
        let second = test.contact("+15550100002", "Ana Silva").await;
        let user = customer(test, channel, Some(first)).await;
        let again_at = now.plus(60_000);
        let (before, after) = write(test, move |tx| {
            assert!(tx.delete_contact(ws, first, now)?);
            tx.emptied(ws, user, now)?;
            tx.tried_erasure(ws, (user, now), 3, now.plus(600_000))?;
            let before = tx.erasures(ws, None, 10)?.remove(0);
            tx.execute(&LINK, &[&ws, &user, &second])?;
            assert!(tx.delete_contact(ws, second, again_at)?);
            // What was worked on meanwhile was the first one.
            tx.emptied(ws, user, now)?;
            tx.tried_erasure(ws, (user, now), 4, now.plus(600_000))?;
            assert!(!tx.end_erasure(ws, (user, now))?, "there is more to remove by now");
            Ok((before, tx.erasures(ws, None, 10)?.remove(0)))
        })
        .await;
        assert_eq!((before.asked_at, before.is_emptied, before.attempts), (now, true, 3), "{}", test.engine);
        assert_eq!((after.asked_at, after.is_emptied, after.attempts), (again_at, false, 0), "{}", test.engine);
        let ended = write(test, move |tx| {
            assert!(!tx.end_erasure(ws, (user, again_at))?, "nothing is emptied yet");
            tx.emptied(ws, user, again_at)?;
            tx.end_erasure(ws, (user, again_at))
        });
        assert!(ended.await, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_with_a_further_number_come_back_with_the_contact_unless_it_is_somebody_elses_by_then() {
    use segue_store::{
        contact_address::{AddressKind, ContactAddress},
        inbound_text::NewInboundText,
    };
    const OWN: &str = "+15550100001";
    const FREE: &str = "+15550100002";
    const TAKEN: &str = "+15550100003";
    for test in engines().await {
        let (test, ws, now) = (&test, test.workspace_id(), test.now());
        let channel_id = test.sms_channel("carrier").await.id;
        let ana = test.contact(OWN, "Ana").await;
        let ctx = test.ctx.clone();
        write(test, move |tx| {
            for (address, priority) in [(FREE, 1), (TAKEN, 2)] {
                let further =
                    ContactAddress { kind: AddressKind::Phone, address: address.to_owned(), priority, added_at: now };
                assert!(tx.insert_contact_address(ws, ana, &further)?);
            }
            for address in [OWN, FREE, TAKEN] {
                let (id, sender, text) = (ctx.id(), "+15550100000", "Hello");
                let received_at = now;
                let text =
                    NewInboundText { id, channel_id, sender, address, text, outcome: "none", received_at, files: 0 };
                tx.keep_text(ws, &text)?;
            }
            Ok(())
        })
        .await;
        let shown = async || {
            write(test, move |tx| {
                let mut shown = [0; 3];
                for (count, address) in shown.iter_mut().zip([OWN, FREE, TAKEN]) {
                    *count = tx.texts_of_holder(ws, address, None, 10)?.len();
                }
                Ok(shown)
            })
            .await
        };
        assert_eq!(shown().await, [1, 1, 1], "{}", test.engine);
        let deletion: DeletionId = test.ctx.id();
        write(test, move |tx| tx.delete_contacts(ws, deletion, &[ana], "system", now)).await;
        assert_eq!(shown().await, [0, 0, 0], "{}", test.engine);
        test.contact(TAKEN, "Ben").await;
        assert_eq!(write(test, move |tx| tx.restore_contacts(ws, deletion, now)).await, Some(1), "{}", test.engine);
        assert_eq!(shown().await, [1, 1, 0], "{}: not with Ben", test.engine);
    }
}
