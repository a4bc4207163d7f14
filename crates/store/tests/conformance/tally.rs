//! The tallies of a campaign are what counting its rows gives, whatever happened to its messages.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use segue_model::{
    CampaignId, ContactId, MessageId,
    consent::Medium,
    delivery::{MessageClass, Report},
    policy::Rule,
};
use segue_store::{
    outbox::{Abandoned, DueMessage},
    recipient::{NewRecipient, Stamp},
    report::{ProviderReport, ReportTarget},
    submission::{Cost, Failure},
};
use segue_testkit::engines;

use super::*;

async fn compare(test: &TestStore, campaign_id: CampaignId, step: &str) {
    let workspace_id = test.workspace_id();
    let (kept, counted) =
        write(test, move |tx| Ok((tx.tallies(workspace_id, campaign_id)?, tx.recount(workspace_id, campaign_id)?)))
            .await;
    assert_eq!(kept, counted, "{} after {step}", test.engine);
}

fn failure() -> Failure {
    Failure { class: "content_invalid".to_owned(), code: Some("0x1".to_owned()), reason: "no".to_owned() }
}

/// One random thing that can happen to a campaign's messages, in words.
async fn something(test: &TestStore, channel: &Channel, campaign_id: CampaignId, rng: &mut impl Rng) -> String {
    let (workspace_id, channel_id, ctx, now) = (test.workspace_id(), channel.id, test.ctx.clone(), test.now());
    let dice = rng.random_range(0..14);
    let address = format!("+1555{:04}", rng.random_range(0..60));
    let provider_id = format!("p{}", rng.random_range(0..60));
    match dice {
        0 => {
            write(test, move |tx| tx.cancel_waiting_marketing(workspace_id, &address, "opted_out").map(|_| ())).await;
        }
        1 => {
            let report = *[Report::Accepted, Report::Delivered, Report::Failed, Report::Read]
                .get(rng.random_range(0..4))
                .expect("one of four");
            let target =
                ReportTarget { provider_ids: vec![provider_id], message_id: None, recipient: None, is_by_looks: false };
            let failure = (report == Report::Failed).then(failure);
            let report = ProviderReport { report, at: now, failure };
            // Up to three times in one transaction: what a carrier repeats counts once.
            let reports = vec![(target, report); rng.random_range(1..4)];
            write(test, move |tx| tx.apply_reports(workspace_id, channel_id, &reports, &ctx)).await;
        }
        2 => {
            let position = rng.random_range(0..70);
            let stamp = *[Stamp::FirstTap, Stamp::Agent, Stamp::Won].get(rng.random_range(0..3)).expect("one of three");
            write(test, move |tx| tx.stamp_recipient(workspace_id, campaign_id, position, stamp, now).map(|_| ()))
                .await;
        }
        3 => {
            write(test, move |tx| {
                tx.recover_outbox(workspace_id, channel_id, Abandoned::OwnedBy("worker"), &ctx).map(|_| ())
            })
            .await;
        }
        _ => {
            let fate = rng.random_range(0..10);
            write(test, move |tx| {
                let due = tx.due_outbox(workspace_id, (channel_id, Medium::Sms), 1, now)?.pop();
                let Some(DueMessage { message: due, .. }) = due else { return Ok(()) };
                match fate {
                    0 => return tx.suppress_message(&due, Rule::OptedOut, now).map(|_| ()),
                    1 => return tx.suppress_message(&due, Rule::Expired, now).map(|_| ()),
                    2 => return tx.reject_payload(&due, "broken", &ctx).map(|_| ()),
                    _ => {}
                }
                let sent = tx.submit_due(vec![(due, permit(now), 1)], "worker", now.plus(30_000))?;
                let sent = sent.into_iter().next().flatten().expect("it was due");
                match fate {
                    3 => tx.mark_failed(&sent, &failure(), now).map(|_| ()),
                    4 => tx.mark_unknown(&sent, &[], "silence", &ctx).map(|_| ()),
                    5 => tx.requeue_message(&sent, now, Cost::Free, &failure(), now).map(|_| ()),
                    9 => tx.requeue_message(&sent, now, Cost::Doubt, &failure(), now).map(|_| ()),
                    6 => Ok(()),
                    _ => tx.mark_accepted(&sent, std::slice::from_ref(&provider_id), &ctx),
                }
            })
            .await;
        }
    }
    format!("step {dice}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tallies_are_the_counts_of_the_rows() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let campaign_id = crate::outbox::campaign(&test, sender, 1, "running").await;
        let workspace_id = test.workspace_id();
        for position in 0..70_u32 {
            let mut message = message(&test, &channel, &format!("+1555{position:04}"));
            message.class = MessageClass::Marketing;
            message.campaign = Some((campaign_id, position));
            let planned = position < 60;
            if planned {
                assert!(enqueue(&test, &message).await);
            }
            let recipient = NewRecipient {
                position,
                contact_id: test.ctx.id::<ContactId>(),
                phone: None,
                rule: if planned { "allowed" } else { "no_consent" },
                message_id: planned.then_some(message.id).map(|id: MessageId| id),
            };
            write(&test, move |tx| tx.insert_recipient(workspace_id, campaign_id, &recipient).map(|_| ())).await;
        }
        compare(&test, campaign_id, "planning").await;
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..150 {
            let step = something(&test, &channel, campaign_id, &mut rng).await;
            compare(&test, campaign_id, &step).await;
        }
        write(&test, move |tx| tx.cancel_campaign_messages(workspace_id, campaign_id)).await;
        compare(&test, campaign_id, "a cancel").await;
        write(&test, move |tx| tx.rebuild_tallies(workspace_id, campaign_id)).await;
        compare(&test, campaign_id, "writing them anew").await;
        let funnel = write(&test, move |tx| tx.funnel(workspace_id, campaign_id)).await;
        assert_eq!(funnel.planned, 70);
        let places = [funnel.excluded, funnel.queued, funnel.sent, funnel.failed, funnel.unknown, funnel.canceled];
        assert_eq!(places.iter().sum::<i64>(), 70, "{}: each recipient is in one place", test.engine);
    }
}
