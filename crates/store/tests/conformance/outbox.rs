//! The outbox: claimed once, in order, never by two, and never again once it may have left.

use segue_model::{
    CampaignId,
    consent::Medium,
    delivery::{MessageClass, OutboxState, Report},
    policy::Rule,
};
use segue_store::{
    Sql, StoreError,
    failover::Fallback,
    outbox::{Abandoned, OutboxMessage},
    report::{ProviderReport, ReportTarget},
    submission::{Cost, Failure},
};
use segue_testkit::{TestStore, engines};

use super::{claim, enqueue, message, permit, state, submit, write};

fn failure() -> Failure {
    Failure { class: "provider_down".to_owned(), code: Some("8".to_owned()), reason: "busy".to_owned() }
}

fn ids(messages: &[OutboxMessage]) -> Vec<segue_model::MessageId> {
    messages.iter().map(|message| message.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn doing_the_cause_twice_queues_once() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let first = message(&test, &channel, "+15550101");
        let mut second = message(&test, &channel, "+15550101");
        second.dedupe_key.clone_from(&first.dedupe_key);
        assert!(enqueue(&test, &first).await);
        assert!(!enqueue(&test, &second).await);
        assert_eq!(ids(&claim(&test, &channel, "a", 9).await), [first.id], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_due_on_this_channel_is_claimed_and_only_once() {
    for test in engines().await {
        let (channel, other) = (test.sms_channel("sms").await, test.sms_channel("other").await);
        let due = message(&test, &channel, "+15550101");
        let mut later = message(&test, &channel, "+15550102");
        later.not_before = test.now().plus(1_000);
        let elsewhere = message(&test, &other, "+15550103");
        for new in [&due, &later, &elsewhere] {
            enqueue(&test, new).await;
        }
        assert_eq!(ids(&claim(&test, &channel, "a", 9).await), [due.id], "{}", test.engine);
        assert!(claim(&test, &channel, "b", 9).await.is_empty());
        test.clock.advance(1_000);
        assert_eq!(ids(&claim(&test, &channel, "b", 9).await), [later.id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_session_leave_one_after_the_other() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let session = test.ctx.id();
        let queued: Vec<_> = (0..3)
            .map(|_| {
                let mut message = message(&test, &channel, "+15550101");
                message.session_id = Some(session);
                message
            })
            .collect();
        for new in &queued {
            enqueue(&test, new).await;
        }
        let first = submit(&test, &channel, "a").await;
        assert_eq!(first.id, queued[0].id, "{}", test.engine);
        assert!(claim(&test, &channel, "b", 9).await.is_empty(), "the second waits for the first to be settled");
        // "Not now" for the first must not let the second overtake it.
        let (copy, now) = (first.clone(), test.now());
        write(&test, move |tx| tx.requeue_message(&copy, now.plus(5_000), Cost::Attempt, &failure(), now)).await;
        assert!(claim(&test, &channel, "b", 9).await.is_empty());
        test.clock.advance(5_000);
        let again = submit(&test, &channel, "a").await;
        assert_eq!((again.id, again.attempts), (queued[0].id, 1));
        let (copy, ctx) = (again.clone(), test.ctx.clone());
        write(&test, move |tx| tx.mark_accepted(&copy, &["wamid.1".to_owned()], &ctx)).await;
        assert_eq!(ids(&claim(&test, &channel, "b", 9).await), [queued[1].id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_holds_back_keeps_no_answer_of_its_session_waiting() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let session = test.ctx.id();
        let mut promotion = message(&test, &channel, "+15550101");
        promotion.session_id = Some(session);
        enqueue(&test, &promotion).await;
        let claimed = claim(&test, &channel, "a", 9).await.remove(0);
        let now = test.now();
        write(&test, move |tx| tx.hold_message(&claimed, now.plus(60_000), Rule::QuietHours, now)).await;
        let mut answer = message(&test, &channel, "+15550101");
        answer.session_id = Some(session);
        enqueue(&test, &answer).await;
        assert_eq!(ids(&claim(&test, &channel, "a", 9).await), [answer.id], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_unsent_after_a_cancel_does_not_wait_for_ever() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let running = campaign(&test, sender, 1, "running").await;
        let mut new = message(&test, &channel, "+15550101");
        new.campaign = Some((running, 1));
        enqueue(&test, &new).await;
        let on_the_wire = submit(&test, &channel, "a").await;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        write(&test, move |tx| {
            tx.execute(&SET_CAMPAIGN, &[&workspace_id, &running, &"canceled"])?;
            tx.cancel_campaign_messages(workspace_id, running)?;
            tx.requeue_message(&on_the_wire, now, Cost::Free, &failure(), now)
        })
        .await;
        assert_eq!(state(&test, new.id).await, OutboxState::Queued);
        assert_eq!(write(&test, move |tx| tx.cancel_left_behind(workspace_id, now)).await, 1, "{}", test.engine);
        assert_eq!(state(&test, new.id).await, OutboxState::Canceled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_left_is_in_doubt_when_it_is_canceled_and_a_receipt_resolves_it() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let running = campaign(&test, sender, 1, "running").await;
        let (workspace_id, now, ctx) = (test.workspace_id(), test.now(), test.ctx.clone());
        let mut ids = Vec::new();
        for (number, address) in ["+15550101", "+15550102", "+15550103"].into_iter().enumerate() {
            let mut new = message(&test, &channel, address);
            new.class = MessageClass::Marketing;
            new.campaign = (number < 2).then_some((running, u32::try_from(number).expect("it is small") + 1));
            enqueue(&test, &new).await;
            let sent = submit(&test, &channel, "a").await;
            assert!(write(&test, move |tx| tx.requeue_message(&sent, now.plus(1), Cost::Doubt, &failure(), now)).await);
            ids.push(new.id);
        }
        // A no, a cancel of the campaign, and the contact's deletion or a no outside of campaigns.
        write(&test, move |tx| tx.cancel_waiting_marketing(workspace_id, "+15550101", "opted_out")).await;
        write(&test, move |tx| tx.cancel_campaign_messages(workspace_id, running)).await;
        write(&test, move |tx| tx.cancel_waiting_marketing(workspace_id, "+15550103", "opted_out")).await;
        for id in ids.clone() {
            assert_eq!(state(&test, id).await, OutboxState::Unknown, "{}", test.engine);
        }
        let (kept, counted) =
            write(&test, move |tx| Ok((tx.tallies(workspace_id, running)?, tx.recount(workspace_id, running)?))).await;
        let kept: Vec<_> = kept.into_iter().filter(|(bucket, _)| bucket == "unknown").collect();
        assert_eq!((kept, counted), (vec![("unknown".to_owned(), 2)], vec![("unknown".to_owned(), 2)]));
        let report = ProviderReport { report: Report::Delivered, at: now, failure: None };
        let target = ReportTarget {
            provider_ids: vec!["77".to_owned()],
            message_id: None,
            recipient: Some("+15550102".to_owned()),
            is_by_looks: false,
        };
        let channel_id = channel.id;
        write(&test, move |tx| tx.apply_reports(workspace_id, channel_id, &[(target.clone(), report.clone())], &ctx))
            .await;
        assert_eq!(state(&test, ids[1]).await, OutboxState::Delivered, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_campaign_is_canceled_part_by_part() {
    use segue_store::campaign::CANCELED_AT_ONCE;
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let large = campaign(&test, sender, 1, "running").await;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let all: Vec<_> = (1..=CANCELED_AT_ONCE + 10)
            .map(|position| {
                let mut new = message(&test, &channel, &format!("+1555{position:06}"));
                new.campaign = Some((large, position));
                new
            })
            .collect();
        write(&test, move |tx| all.iter().try_for_each(|new| tx.enqueue(workspace_id, new, now).map(|_| ()))).await;
        let canceled = write(&test, move |tx| {
            tx.execute(&SET_CAMPAIGN, &[&workspace_id, &large, &"canceled"])?;
            tx.cancel_campaign_messages(workspace_id, large)
        })
        .await;
        assert_eq!(canceled, u64::from(CANCELED_AT_ONCE), "{}: the request is short", test.engine);
        assert!(claim(&test, &channel, "a", 9).await.is_empty(), "{}: the rest leaves no more", test.engine);
        for ended in [10, 0] {
            assert_eq!(write(&test, move |tx| tx.cancel_left_behind(workspace_id, now)).await, ended);
        }
        let (kept, counted) =
            write(&test, move |tx| Ok((tx.tallies(workspace_id, large)?, tx.recount(workspace_id, large)?))).await;
        assert_eq!(kept, counted, "{}", test.engine);
    }
}

static INSERT_CAMPAIGN: Sql = Sql::portable(
    "INSERT_CAMPAIGN",
    "INSERT INTO campaigns (workspace_id, id, number, name, state, sender_id, audience, body, footer, prefilled_text,
            created_at, version)
        VALUES ($1, $2, $3, 'Sale', $4, $5, '{}', 'Hi', 'none', '', 0, 1)",
);
static SET_CAMPAIGN: Sql =
    Sql::portable("SET_CAMPAIGN", "UPDATE campaigns SET state = $3 WHERE workspace_id = $1 AND id = $2");

pub(crate) async fn campaign(
    test: &TestStore,
    sender: segue_model::SenderId,
    number: i64,
    state: &'static str,
) -> CampaignId {
    let (workspace_id, id) = (test.workspace_id(), test.ctx.id());
    write(test, move |tx| tx.execute(&INSERT_CAMPAIGN, &[&workspace_id, &id, &number, &state, &sender])).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn running_campaigns_share_what_answers_leave_and_paused_ones_get_nothing() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let large = campaign(&test, sender, 1, "running").await;
        let small = campaign(&test, sender, 2, "planning").await;
        let paused = campaign(&test, sender, 3, "paused").await;
        for (campaign_id, count) in [(paused, 10), (large, 30), (small, 3)] {
            for position in 0..count {
                let mut message = message(&test, &channel, &format!("+1555{position:04}"));
                message.campaign = Some((campaign_id, position));
                enqueue(&test, &message).await;
            }
        }
        let answer = message(&test, &channel, "+15550102");
        enqueue(&test, &answer).await;

        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let due = write(&test, move |tx| tx.due_outbox(workspace_id, (channel_id, Medium::Sms), 11, now)).await;
        let due: Vec<_> = due.into_iter().map(|due| due.message).collect();
        let claimed = claim(&test, &channel, "a", 11).await;
        assert_eq!(claimed[0].id, answer.id, "{}: answers go first", test.engine);
        let sorted = |messages: &[OutboxMessage]| {
            let mut ids: Vec<_> = messages.iter().map(|message| message.id).collect();
            ids.sort();
            ids
        };
        assert_eq!(sorted(&due), sorted(&claimed), "{}: with and without a claim the same", test.engine);
        let of = |id| claimed.iter().filter(|message| message.campaign_id == Some(id)).count();
        assert_eq!(claimed.len(), 11);
        assert_eq!((of(large), of(small), of(paused)), (7, 3, 0), "{}", test.engine);

        write(&test, move |tx| tx.execute(&SET_CAMPAIGN, &[&workspace_id, &paused, &"running"])).await;
        assert!(claim(&test, &channel, "a", 9).await.iter().any(|message| message.campaign_id == Some(paused)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_few_are_taken_at_a_time_each_campaign_has_its_turn() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let (older, newer) = (campaign(&test, sender, 1, "running").await, campaign(&test, sender, 2, "running").await);
        for (campaign_id, position) in [(older, 0), (older, 1), (older, 2), (newer, 0), (newer, 1), (newer, 2)] {
            let mut message = message(&test, &channel, &format!("+1555{position:04}"));
            message.campaign = Some((campaign_id, position));
            enqueue(&test, &message).await;
        }
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let mut taken = Vec::new();
        for turn in 0..3 {
            let due = write(&test, move |tx| {
                let due = tx.due_in_turn(workspace_id, (channel_id, Medium::Sms), (1, turn), now)?.remove(0).message;
                tx.submit_due(vec![(due, permit(now), 1)], "a", now.plus(30_000))
            });
            taken.extend(due.await.into_iter().flatten().map(|message| message.campaign_id));
        }
        for turn in 3..6 {
            let claim = segue_store::outbox::Claim { owner: "a", limit: 1, lease_until: now.plus(30_000), now };
            let claimed = write(&test, move |tx| tx.claim_in_turn(workspace_id, channel_id, &claim, turn)).await;
            taken.extend(claimed.into_iter().map(|message| message.campaign_id));
        }
        let [older, newer] = [Some(older), Some(newer)];
        assert_eq!(taken, [older, newer, older, newer, older, newer], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_queues_what_was_claimed_and_never_what_may_have_left() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for address in ["+15550101", "+15550102"] {
            enqueue(&test, &message(&test, &channel, address)).await;
        }
        let submitting = submit(&test, &channel, "gone").await;
        let claimed = claim(&test, &channel, "gone", 1).await.pop().unwrap();
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let recover = |abandoned: Abandoned<'static>| {
            let (test, ctx) = (&test, test.ctx.clone());
            async move { write(test, move |tx| tx.recover_outbox(workspace_id, channel_id, abandoned, &ctx)).await }
        };
        assert_eq!(recover(Abandoned::Expired).await, (0, 0), "{}: their leases run", test.engine);
        assert_eq!(recover(Abandoned::OwnedBy("other")).await, (0, 0));
        assert_eq!(recover(Abandoned::OwnedBy("gone")).await, (1, 1));
        assert_eq!(state(&test, submitting.id).await, OutboxState::Unknown);
        assert_eq!(state(&test, claimed.id).await, OutboxState::Queued);
        test.clock.advance(3_600_000);
        assert_eq!(ids(&claim(&test, &channel, "new", 9).await), [claimed.id], "the unknown one is never sent again");
        test.clock.advance(30_000);
        assert_eq!(recover(Abandoned::Expired).await, (1, 0), "a lease that ran out is enough");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_can_do_nothing_but_tell_that_it_was_accepted() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        enqueue(&test, &message(&test, &channel, "+15550101")).await;
        let stale = claim(&test, &channel, "slow", 1).await.pop().unwrap();
        test.clock.advance(30_000);
        let (workspace_id, channel_id, ctx) = (test.workspace_id(), channel.id, test.ctx.clone());
        let recovering = ctx.clone();
        write(&test, move |tx| tx.recover_outbox(workspace_id, channel_id, Abandoned::Expired, &recovering)).await;
        let now = test.now();
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.mark_submitting(&copy, permit(now), now.plus(1))).await, "{}", test.engine);
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.hold_message(&copy, now, Rule::QuietHours, now)).await);
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.suppress_message(&copy, Rule::OptedOut, now)).await);
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.put_back_message(&copy)).await);

        let fresh = submit(&test, &channel, "quick").await;
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.mark_failed(&copy, &failure(), now)).await);
        let copy = stale.clone();
        assert!(!write(&test, move |tx| tx.requeue_message(&copy, now, Cost::Free, &failure(), now)).await);
        let (copy, unknown) = (stale.clone(), ctx.clone());
        assert!(!write(&test, move |tx| tx.mark_unknown(&copy, &[], "?", &unknown)).await);
        assert_eq!(state(&test, fresh.id).await, OutboxState::Submitting);

        test.clock.advance(30_000);
        let recovering = ctx.clone();
        write(&test, move |tx| tx.recover_outbox(workspace_id, channel_id, Abandoned::Expired, &recovering)).await;
        assert_eq!(state(&test, fresh.id).await, OutboxState::Unknown);
        write(&test, move |tx| tx.mark_accepted(&fresh, &["77".to_owned()], &ctx)).await;
        assert_eq!(state(&test, stale.id).await, OutboxState::Accepted, "a late answer is still the truth");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_at_once_claim_each_message_once() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for number in 0..120 {
            enqueue(&test, &message(&test, &channel, &format!("+1555{number:04}"))).await;
        }
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    let mut all = Vec::new();
                    loop {
                        let claim =
                            segue_store::outbox::Claim { owner: "w", limit: 7, lease_until: now.plus(1_000), now };
                        let messages = store
                            .write::<_, StoreError, _>(move |tx| tx.claim_outbox(workspace_id, channel_id, &claim))
                            .await
                            .unwrap();
                        if messages.is_empty() {
                            return all;
                        }
                        all.extend(ids(&messages));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        // A worker that finds all due rows locked by others may end early; what is left is claimed here.
        all.extend(ids(&claim(&test, &channel, "rest", 200).await));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), count), (120, 120), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_nobody_can_send_fails_with_a_dead_letter_and_can_be_replayed() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        enqueue(&test, &message(&test, &channel, "+15550101")).await;
        let claimed = claim(&test, &channel, "a", 1).await.pop().unwrap();
        let (copy, ctx) = (claimed.clone(), test.ctx.clone());
        assert!(write(&test, move |tx| tx.reject_payload(&copy, "It is not JSON of a message.", &ctx)).await);
        assert_eq!(state(&test, claimed.id).await, OutboxState::Failed, "{}", test.engine);
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let letter = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 9)).await.pop().unwrap();
        assert_eq!(letter.source_id, claimed.id.to_string());
        let decision = segue_store::dead_letter::Decision {
            resolution: segue_store::dead_letter::Resolution::Replayed,
            reason: "again".to_owned(),
            actor: "usr_1".to_owned(),
        };
        write(&test, move |tx| tx.resolve_dead_letter(workspace_id, letter.id, &decision, now)).await;
        assert_eq!(ids(&claim(&test, &channel, "a", 1).await), [claimed.id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_message_of_a_campaign_that_has_ended_stays_dead() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let ended = campaign(&test, sender, 1, "running").await;
        let mut new = message(&test, &channel, "+15550101");
        new.campaign = Some((ended, 0));
        enqueue(&test, &new).await;
        let claimed = claim(&test, &channel, "a", 1).await.pop().unwrap();
        let ctx = test.ctx.clone();
        write(&test, move |tx| tx.reject_payload(&claimed, "It is not JSON of a message.", &ctx)).await;
        let (workspace_id, now) = (test.workspace_id(), test.now());
        write(&test, move |tx| tx.execute(&SET_CAMPAIGN, &[&workspace_id, &ended, &"finished"])).await;
        let letter = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 9)).await.pop().unwrap();
        let decision = segue_store::dead_letter::Decision {
            resolution: segue_store::dead_letter::Resolution::Replayed,
            reason: "again".to_owned(),
            actor: "usr_1".to_owned(),
        };
        assert!(!write(&test, move |tx| tx.resolve_dead_letter(workspace_id, letter.id, &decision, now)).await);
        // In the queue nobody would ever take it again.
        assert_eq!(state(&test, new.id).await, OutboxState::Failed, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_left_never_moves_to_a_second_way_and_does_not_simply_fail() {
    for test in engines().await {
        let (channel, other) = (test.sms_channel("sms").await, test.sms_channel("other").await);
        let from = test.sender(channel.id, "+15550100").await.id;
        let fallback = Fallback { from, to: test.sender(other.id, "+15550101").await, after: 0 };
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        for (attempts, crashed, may_move) in [
            (&[Cost::Attempt, Cost::Free][..], false, true),
            // What came of later attempts does not take the doubt away.
            (&[Cost::Doubt, Cost::Free], false, false),
            (&[], true, false),
        ] {
            let new = message(&test, &channel, "+15550102");
            enqueue(&test, &new).await;
            for cost in attempts {
                let (sent, cost, now) = (submit(&test, &channel, "a").await, *cost, test.now());
                write(&test, move |tx| tx.requeue_message(&sent, now, cost, &failure(), now)).await;
            }
            if crashed {
                submit(&test, &channel, "a").await;
                let now = test.now();
                let gone = Abandoned::OwnedBy("a");
                assert_eq!(write(&test, move |tx| tx.repeat_submitting(workspace_id, channel_id, gone, now)).await, 1);
            }
            let (now, fallback) = (test.now(), fallback.clone());
            let moved = write(&test, move |tx| {
                let due = tx.due_outbox(workspace_id, (channel_id, Medium::Sms), 1, now)?.remove(0).message;
                tx.fail_over(&due, OutboxState::Queued, (&fallback, &due.content().unwrap()), "down", now)
            });
            assert_eq!(moved.await, may_move, "{}: {attempts:?} {crashed}", test.engine);
            if may_move {
                continue;
            }
            let (sent, now) = (submit(&test, &channel, "a").await, test.now());
            write(&test, move |tx| tx.mark_failed(&sent, &failure(), now)).await;
            assert_eq!(state(&test, new.id).await, OutboxState::Unknown, "{}: {attempts:?} {crashed}", test.engine);
        }
        let certain = message(&test, &channel, "+15550103");
        enqueue(&test, &certain).await;
        let (sent, now) = (submit(&test, &channel, "a").await, test.now());
        write(&test, move |tx| tx.mark_failed(&sent, &failure(), now)).await;
        assert_eq!(state(&test, certain.id).await, OutboxState::Failed, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_ends_after_an_attempt_in_doubt_stays_in_doubt() {
    static REASON: Sql = Sql::portable("REASON", "SELECT error_reason FROM outbox WHERE workspace_id = $1 AND id = $2");
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let workspace_id = test.workspace_id();
        for (cost, rule, ends_as, says) in [
            (Cost::Doubt, Rule::OptedOut, OutboxState::Unknown, "may have left"),
            (Cost::Doubt, Rule::Expired, OutboxState::Unknown, "may have left"),
            (Cost::Attempt, Rule::OptedOut, OutboxState::Suppressed, ""),
            (Cost::Attempt, Rule::Expired, OutboxState::Expired, ""),
        ] {
            let new = message(&test, &channel, "+15550101");
            enqueue(&test, &new).await;
            let (sent, now) = (submit(&test, &channel, "a").await, test.now());
            write(&test, move |tx| tx.requeue_message(&sent, now, cost, &failure(), now)).await;
            let again = claim(&test, &channel, "a", 1).await.pop().unwrap();
            assert!(write(&test, move |tx| tx.suppress_message(&again, rule, now)).await);
            assert_eq!(state(&test, new.id).await, ends_as, "{}: {cost} {rule}", test.engine);
            let id = new.id;
            let reason: Option<String> =
                write(&test, move |tx| tx.query_one(&REASON, &[&workspace_id, &id], |row| row.next())).await;
            let reason = reason.unwrap_or_default();
            assert!(reason.contains(says), "{}: {reason}", test.engine);
            assert_eq!(reason.contains(rule.label()), cost == Cost::Doubt, "{}: {reason}", test.engine);
        }
    }
}
