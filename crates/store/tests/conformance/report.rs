//! Reports find their message whatever comes first, and the state never falls.

use segue_model::{
    MessageId,
    consent::Medium,
    delivery::{OutboxState, Report},
    time,
};
use segue_store::{
    Sql,
    channel::Channel,
    outbox::{Abandoned, OutboxMessage},
    report::{Matched, ParkedSweep, ProviderReport, ReportTarget},
    submission::{Cost, Failure},
};
use segue_testkit::{TestStore, engines};

use super::{enqueue, message, permit, state, submit, write};

async fn apply(test: &TestStore, channel: &Channel, target: ReportTarget, report: Report) -> Matched {
    let (workspace_id, channel_id, ctx) = (test.workspace_id(), channel.id, test.ctx.clone());
    let failure = (report == Report::Failed).then(|| Failure {
        class: "invalid_recipient".to_owned(),
        code: Some("131026".to_owned()),
        reason: "Not on WhatsApp.".to_owned(),
    });
    let report = ProviderReport { report, at: test.now(), failure };
    write(test, move |tx| tx.apply_report(workspace_id, channel_id, &target, &report, &ctx)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_one_turn_find_each_its_message_whatever_is_repeated_among_them() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let first = submitted(&test, &channel, "+15550101").await;
        accepted(&test, &first, &["1"]).await;
        let second = submitted(&test, &channel, "+15550102").await;
        accepted(&test, &second, &["2"]).await;
        let long = submitted(&test, &channel, "+15550103").await;
        accepted(&test, &long, &["3", "4"]).await;
        let (workspace_id, channel_id, ctx, now) = (test.workspace_id(), channel.id, test.ctx.clone(), test.now());
        let delivered =
            |ids: &[&str]| (by_id(ids), ProviderReport { report: Report::Delivered, at: now, failure: None });
        // The second one writes its id in another way first; of the long one only a part has arrived; one is nobody's.
        let reports =
            [delivered(&["1"]), delivered(&["1"]), delivered(&["0x2", "2"]), delivered(&["3"]), delivered(&["9"])];
        write(&test, move |tx| tx.apply_reports(workspace_id, channel_id, &reports, &ctx)).await;
        for (message, expected) in
            [(&first, OutboxState::Delivered), (&second, OutboxState::Delivered), (&long, OutboxState::Accepted)]
        {
            assert_eq!(state(&test, message.id).await, expected, "{}", test.engine);
        }
        assert_eq!(parked(&test, &channel).await, 1, "{}", test.engine);
    }
}

fn by_id(ids: &[&str]) -> ReportTarget {
    ReportTarget { provider_ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..ReportTarget::default() }
}

async fn submitted(test: &TestStore, channel: &Channel, address: &str) -> OutboxMessage {
    enqueue(test, &message(test, channel, address)).await;
    submit(test, channel, "worker").await
}

async fn accepted(test: &TestStore, message: &OutboxMessage, ids: &[&str]) {
    let (message, ctx) = (message.clone(), test.ctx.clone());
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    write(test, move |tx| tx.mark_accepted(&message, &ids, &ctx)).await;
}

async fn parked(test: &TestStore, channel: &Channel) -> u64 {
    let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
    write(test, move |tx| tx.count_parked_reports(workspace_id, channel_id)).await
}

async fn make_unknown(test: &TestStore, channel: &Channel) {
    let (workspace_id, channel_id, ctx) = (test.workspace_id(), channel.id, test.ctx.clone());
    write(test, move |tx| tx.recover_outbox(workspace_id, channel_id, Abandoned::OwnedBy("worker"), &ctx).map(|_| ()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_raise_the_state_and_never_lower_it() {
    use OutboxState::{Accepted, Delivered, Failed, Read};
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for (id, (reports, end)) in [
            (&[Report::Delivered, Report::Read][..], Read),
            (&[Report::Read, Report::Delivered, Report::Accepted], Read),
            (&[Report::Failed], Failed),
            (&[Report::Failed, Report::Accepted], Failed),
            (&[Report::Failed, Report::Delivered], Delivered),
            (&[Report::Delivered, Report::Failed], Delivered),
            (&[Report::Accepted], Accepted),
        ]
        .iter()
        .enumerate()
        {
            let sent = submitted(&test, &channel, "+15550101").await;
            let provider_id = format!("id-{id}");
            accepted(&test, &sent, &[&provider_id]).await;
            for report in *reports {
                let matched = apply(&test, &channel, by_id(&[&provider_id]), *report).await;
                assert_eq!(matched, Matched::Message(sent.id), "{}", test.engine);
            }
            assert_eq!(state(&test, sent.id).await, *end, "{}: {reports:?}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_played_voice_message_is_read_and_told_as_played() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for (id, reports) in [
            &[Report::Played][..],
            &[Report::Read, Report::Played, Report::Played],
            &[Report::Played, Report::Read, Report::Delivered, Report::Accepted],
        ]
        .iter()
        .enumerate()
        {
            let outbox = segue_store::outbox::NewOutbox {
                session_id: Some(test.ctx.id()),
                ..message(&test, &channel, &format!("+155501{id:02}"))
            };
            enqueue(&test, &outbox).await;
            let sent = submit(&test, &channel, "worker").await;
            accepted(&test, &sent, &[&format!("id-{id}")]).await;
            for report in *reports {
                apply(&test, &channel, by_id(&[&format!("id-{id}")]), *report).await;
            }
            assert_eq!(state(&test, sent.id).await, OutboxState::Read, "{}: {reports:?}", test.engine);
            let (workspace_id, entity_id) = (test.workspace_id(), sent.id.to_string());
            let events = write(&test, move |tx| tx.events_since(workspace_id, 0, 500)).await;
            let told = events.iter().filter(|event| event.entity_id == entity_id && event.data["state"] == "played");
            assert_eq!(told.count(), 1, "{}: {reports:?}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_before_its_id_is_parked_and_applied_when_the_id_is_stored() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        // The carrier writes the id of the receipt in another way than the id of its answer.
        assert_eq!(apply(&test, &channel, by_id(&["00AB", "AB", "171"]), Report::Delivered).await, Matched::Parked);
        assert_eq!(parked(&test, &channel).await, 1, "{}", test.engine);
        accepted(&test, &sent, &["171"]).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);
        assert_eq!(parked(&test, &channel).await, 0, "in all its forms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_crossed_with_its_id_is_found_later() {
    static LINK: Sql = Sql::portable(
        "LINK",
        "INSERT INTO provider_messages (workspace_id, channel_id, provider_id, message_id) VALUES ($1, $2, $3, $4)",
    );
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        accepted(&test, &sent, &[]).await;
        apply(&test, &channel, by_id(&["9", "x9"]), Report::Delivered).await;
        let (workspace_id, channel_id, id) = (test.workspace_id(), channel.id, sent.id);
        // The id as another transaction stored it that did not see the parked report yet.
        write(&test, move |tx| tx.execute(&LINK, &[&workspace_id, &channel_id, &"x9", &id])).await;
        let ctx = test.ctx.clone();
        let found =
            write(&test, move |tx| tx.match_parked_reports(workspace_id, channel_id, ParkedSweep::default(), &ctx))
                .await
                .0;
        assert_eq!((found, parked(&test, &channel).await), (1, 0), "{}", test.engine);
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_is_delivered_when_all_its_parts_are() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        apply(&test, &channel, by_id(&["p2"]), Report::Delivered).await;
        accepted(&test, &sent, &["p1", "p2", "p3"]).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Accepted, "{}: one part is not enough", test.engine);
        apply(&test, &channel, by_id(&["p1"]), Report::Delivered).await;
        apply(&test, &channel, by_id(&["p1"]), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Accepted, "one part twice is still one");
        apply(&test, &channel, by_id(&["p3"]), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered);

        let broken = submitted(&test, &channel, "+15550102").await;
        accepted(&test, &broken, &["q1", "q2"]).await;
        apply(&test, &channel, by_id(&["q1"]), Report::Delivered).await;
        apply(&test, &channel, by_id(&["q2"]), Report::Failed).await;
        assert_eq!(state(&test, broken.id).await, OutboxState::Failed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_a_carrier_uses_again_are_those_of_the_newer_message() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for address in ["+15550101", "+15550102"] {
            let long = submitted(&test, &channel, address).await;
            accepted(&test, &long, &["11", "12"]).await;
            apply(&test, &channel, by_id(&["11"]), Report::Delivered).await;
            assert_eq!(state(&test, long.id).await, OutboxState::Accepted, "{} {address}: one part", test.engine);
            apply(&test, &channel, by_id(&["12"]), Report::Delivered).await;
            assert_eq!(state(&test, long.id).await, OutboxState::Delivered, "{} {address}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_report_counts_for_messages_to_its_own_number() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let looks = |id: &str, from: &str| ReportTarget {
            provider_ids: vec![id.to_owned()],
            message_id: None,
            recipient: Some(from.to_owned()),
            is_by_looks: true,
        };
        let sent = submitted(&test, &channel, "+12125550101").await;
        // It comes before the id is known, and after.
        let early = looks("11", "+12125550199");
        assert_eq!(apply(&test, &channel, early.clone(), Report::Delivered).await, Matched::Parked);
        accepted(&test, &sent, &["11"]).await;
        for from in ["+12125550199", "+0", ""] {
            assert_eq!(apply(&test, &channel, looks("11", from), Report::Failed).await, Matched::Parked, "{from}");
        }
        let (workspace_id, channel_id, ctx) = (test.workspace_id(), channel.id, test.ctx.clone());
        let reports = vec![(early, ProviderReport { report: Report::Delivered, at: test.now(), failure: None })];
        write(&test, move |tx| tx.apply_reports(workspace_id, channel_id, &reports, &ctx)).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Accepted, "{}: somebody else's text", test.engine);
        // Without the country code, as some carriers write it.
        apply(&test, &channel, looks("11", "+2125550101"), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_id_in_a_report_resolves_an_unknown_message() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        make_unknown(&test, &channel).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Unknown);
        let target = ReportTarget { message_id: Some(sent.id), ..by_id(&["wamid.1"]) };
        assert_eq!(apply(&test, &channel, target, Report::Delivered).await, Matched::Message(sent.id));
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);
        // From now on its id is known.
        apply(&test, &channel, by_id(&["wamid.1"]), Report::Read).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Read);
        let foreign = ReportTarget { message_id: Some(test.ctx.id()), ..by_id(&["wamid.2"]) };
        assert_eq!(apply(&test, &channel, foreign, Report::Read).await, Matched::Parked, "not ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_receipt_resolves_an_unknown_sms_by_its_recipient_when_there_is_no_doubt() {
    let to = |recipient: &str, id: &str| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[id]) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let late = submitted(&test, &channel, "+15550101").await;
        make_unknown(&test, &channel).await;
        apply(&test, &channel, to("+15550101", "1"), Report::Delivered).await;
        assert_eq!(state(&test, late.id).await, OutboxState::Delivered, "{}", test.engine);

        // The receipt came while nobody had noticed yet that the worker was gone.
        let early = submitted(&test, &channel, "+15550102").await;
        assert_eq!(apply(&test, &channel, to("+15550102", "2"), Report::Delivered).await, Matched::Parked);
        make_unknown(&test, &channel).await;
        assert_eq!(state(&test, early.id).await, OutboxState::Delivered);
        assert_eq!(parked(&test, &channel).await, 0);

        let twins = [submitted(&test, &channel, "+15550103").await, submitted(&test, &channel, "+15550103").await];
        make_unknown(&test, &channel).await;
        assert_eq!(apply(&test, &channel, to("+15550103", "3"), Report::Delivered).await, Matched::Parked);
        for twin in &twins {
            assert_eq!(state(&test, twin.id).await, OutboxState::Unknown, "nobody can say which");
        }
        assert_eq!(apply(&test, &channel, to("+15550199", "4"), Report::Delivered).await, Matched::Parked);
        let (workspace_id, now) = (test.workspace_id(), test.now());
        assert_eq!(write(&test, move |tx| tx.delete_parked_reports(workspace_id, now.plus(1))).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_queued_message_keeps_it_from_being_sent_again() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let queued = message(&test, &channel, "+15550101");
        enqueue(&test, &queued).await;
        let target = |id: MessageId| ReportTarget { message_id: Some(id), ..by_id(&["wamid.1"]) };
        apply(&test, &channel, target(queued.id), Report::Failed).await;
        assert_eq!(state(&test, queued.id).await, OutboxState::Queued, "{}: a failure says nothing", test.engine);
        apply(&test, &channel, target(queued.id), Report::Delivered).await;
        assert_eq!(state(&test, queued.id).await, OutboxState::Delivered, "it did leave");
        assert!(super::claim(&test, &channel, "a", 9).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_while_submitting_stands_when_the_answer_comes() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        let target = ReportTarget { message_id: Some(sent.id), ..by_id(&["wamid.1"]) };
        apply(&test, &channel, target, Report::Read).await;
        accepted(&test, &sent, &["wamid.1"]).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Read, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_crossed_with_the_recovery_of_its_message_is_found_later() {
    static FORGET: Sql =
        Sql::portable("FORGET", "UPDATE outbox SET state = 'unknown' WHERE workspace_id = $1 AND id = $2");
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let sent = submitted(&test, &channel, "+15550101").await;
        let target = ReportTarget { recipient: Some("+15550101".to_owned()), ..by_id(&["9"]) };
        assert_eq!(apply(&test, &channel, target, Report::Delivered).await, Matched::Parked);
        let (workspace_id, channel_id, id) = (test.workspace_id(), channel.id, sent.id);
        // The row as a recovery left it that did not see the parked report yet.
        write(&test, move |tx| tx.execute(&FORGET, &[&workspace_id, &id])).await;
        let ctx = test.ctx.clone();
        let found =
            write(&test, move |tx| tx.match_parked_reports(workspace_id, channel_id, ParkedSweep::default(), &ctx))
                .await
                .0;
        assert_eq!((found, parked(&test, &channel).await), (1, 0), "{}", test.engine);
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_another_writing_finds_no_message_to_somebody_else() {
    let to = |recipient: &str, ids: &[&str]| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(ids) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let own = submitted(&test, &channel, "+15550101").await;
        accepted(&test, &own, &["100"]).await;
        let long = submitted(&test, &channel, "+15550102").await;
        accepted(&test, &long, &["200", "201"]).await;
        // 256 is 100 in hexadecimal, and 513 is 201; of neither does anybody know, and both went to somebody else.
        assert_eq!(apply(&test, &channel, to("+15550109", &["256", "100"]), Report::Failed).await, Matched::Parked);
        assert_eq!(apply(&test, &channel, to("+15550109", &["513", "201"]), Report::Failed).await, Matched::Parked);
        for message in [&own, &long] {
            assert_eq!(state(&test, message.id).await, OutboxState::Accepted, "{}", test.engine);
        }
        // Nor does it when the id is stored after the report.
        assert_eq!(apply(&test, &channel, to("+15550109", &["768", "300"]), Report::Failed).await, Matched::Parked);
        let late = submitted(&test, &channel, "+15550103").await;
        accepted(&test, &late, &["300"]).await;
        assert_eq!(state(&test, late.id).await, OutboxState::Accepted, "{}", test.engine);
        // To the recipient it is the message's, and zeros in front are no other writing.
        let matched = apply(&test, &channel, to("+15550101", &["256", "100"]), Report::Delivered).await;
        assert_eq!(matched, Matched::Message(own.id), "{}", test.engine);
        let matched = apply(&test, &channel, to("15550103", &["00300", "300"]), Report::Delivered).await;
        assert_eq!(matched, Matched::Message(late.id), "{}", test.engine);
        let matched = apply(&test, &channel, to("+15550102", &["513", "201"]), Report::Failed).await;
        assert_eq!(matched, Matched::Message(long.id), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_id_in_two_writings_the_one_of_a_message_to_the_recipient_counts() {
    const ANA: &str = "+15550101";
    const BOB: &str = "+15550102";
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for at_once in [false, true] {
            // 4096 is 1000 in hexadecimal; both are ids of messages here.
            let ana = submitted(&test, &channel, ANA).await;
            accepted(&test, &ana, &["1000"]).await;
            let bob = submitted(&test, &channel, BOB).await;
            accepted(&test, &bob, &["4096"]).await;
            let to =
                |recipient: &str, ids: &[&str]| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(ids) };
            let target = to(ANA, &["4096", "1000"]);
            if at_once {
                let (workspace_id, channel_id, ctx, now) =
                    (test.workspace_id(), channel.id, test.ctx.clone(), test.now());
                let reports = [(target, ProviderReport { report: Report::Delivered, at: now, failure: None })];
                write(&test, move |tx| tx.apply_reports(workspace_id, channel_id, &reports, &ctx)).await;
            } else {
                let matched = apply(&test, &channel, target, Report::Delivered).await;
                assert_eq!(matched, Matched::Message(ana.id), "{}", test.engine);
            }
            assert_eq!(state(&test, ana.id).await, OutboxState::Delivered, "{} {at_once}", test.engine);
            assert_eq!(state(&test, bob.id).await, OutboxState::Accepted, "{} {at_once}", test.engine);
            // A carrier that leaves out the country code is believed as before.
            let (workspace_id, channel_id, ctx, now) = (test.workspace_id(), channel.id, test.ctx.clone(), test.now());
            let report = ProviderReport { report: Report::Delivered, at: now, failure: None };
            let reports = [(to("+05550102", &["4096", "1000"]), report)];
            write(&test, move |tx| tx.apply_reports(workspace_id, channel_id, &reports, &ctx)).await;
            assert_eq!(state(&test, bob.id).await, OutboxState::Delivered, "{} {at_once}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_arrived_ends_what_waits_to_be_sent_again_and_a_failure_does_not() {
    let to = |recipient: &str, id: &str| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[id]) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for (report, is_early, end) in [
            (Report::Delivered, true, OutboxState::Delivered),
            (Report::Delivered, false, OutboxState::Delivered),
            (Report::Failed, true, OutboxState::Queued),
            (Report::Failed, false, OutboxState::Queued),
        ] {
            let address = format!("+1555010{}", u8::from(is_early) + 2 * u8::from(report == Report::Failed));
            let sent = submitted(&test, &channel, &address).await;
            if is_early {
                assert_eq!(apply(&test, &channel, to(&address, &address), report).await, Matched::Parked);
            }
            let (copy, ctx, now) = (sent.clone(), test.ctx.clone(), test.now());
            write(&test, move |tx| {
                let failure = Failure { class: "unknown".to_owned(), code: None, reason: "No answer.".to_owned() };
                tx.requeue_message(&copy, now.plus(60_000), Cost::Doubt, &failure, now)?;
                tx.match_parked_by_recipient(copy.workspace_id, copy.channel_id, copy.id, &ctx)
            })
            .await;
            if !is_early {
                assert_eq!(state(&test, sent.id).await, OutboxState::Queued, "{}", test.engine);
                apply(&test, &channel, to(&address, &address), report).await;
            }
            assert_eq!(state(&test, sent.id).await, end, "{} {report:?} {is_early}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_before_a_message_left_and_of_one_part_does_not_end_what_waits() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let to = |recipient: &str, id: &str| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[id]) };
        let requeue = async |sent: &OutboxMessage| {
            let (copy, ctx, now) = (sent.clone(), test.ctx.clone(), test.now());
            write(&test, move |tx| {
                let failure = Failure { class: "unknown".to_owned(), code: None, reason: "No answer.".to_owned() };
                tx.requeue_message(&copy, now.plus(60_000), Cost::Doubt, &failure, now)?;
                tx.match_parked_by_recipient(copy.workspace_id, copy.channel_id, copy.id, &ctx)
            })
            .await;
        };
        // Of an earlier message, whose attempt nobody knows any more.
        assert_eq!(apply(&test, &channel, to("+15550101", "old"), Report::Delivered).await, Matched::Parked);
        test.clock.advance(time::HOUR);
        let sent = submitted(&test, &channel, "+15550101").await;
        requeue(&sent).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Queued, "{}", test.engine);

        let long = in_parts(&test, &channel, "+15550102", 3).await;
        requeue(&long).await;
        assert_eq!(apply(&test, &channel, to("+15550102", "one"), Report::Delivered).await, Matched::Parked);
        assert_eq!(state(&test, long.id).await, OutboxState::Queued, "{}: two parts may be missing", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_find_no_message_keep_none_behind_them_waiting() {
    let to = |recipient: &str, id: String| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[&id]) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        // Of two to the same number nobody can say which is meant.
        submitted(&test, &channel, "+15550101").await;
        submitted(&test, &channel, "+15550101").await;
        make_unknown(&test, &channel).await;
        for number in 0..200 {
            let report = to("+15550101", format!("x{number}"));
            assert_eq!(apply(&test, &channel, report, Report::Delivered).await, Matched::Parked);
        }
        let sent = submitted(&test, &channel, "+15550102").await;
        apply(&test, &channel, to("+15550102", "y".to_owned()), Report::Delivered).await;
        let (copy, ctx) = (sent.clone(), test.ctx.clone());
        write(&test, move |tx| tx.mark_unknown(&copy, &[], "cut", &ctx)).await;
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let look = async |sweep: ParkedSweep| {
            let ctx = test.ctx.clone();
            write(&test, move |tx| tx.match_parked_reports(workspace_id, channel_id, sweep, &ctx)).await
        };
        let (found, sweep) = look(ParkedSweep::default()).await;
        assert_eq!(found, 0, "{}", test.engine);
        assert_eq!(look(sweep).await, (1, ParkedSweep::default()), "{}", test.engine);
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);
    }
}

/// A message of several parts on its way, as the worker of an account begins it.
async fn in_parts(test: &TestStore, channel: &Channel, address: &str, parts: usize) -> OutboxMessage {
    enqueue(test, &message(test, channel, address)).await;
    let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
    let mut begun = write(test, move |tx| {
        let due = tx.due_outbox(workspace_id, (channel_id, Medium::Sms), 1, now)?.remove(0).message;
        tx.submit_due(vec![(due, permit(now), parts)], "worker", now.plus(30_000))
    })
    .await;
    begun.remove(0).expect("it is due")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_wholly_in_doubt_is_delivered_when_all_its_parts_are() {
    let to = |recipient: &str, id: &str| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[id]) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let told = in_parts(&test, &channel, "+15550101", 3).await;
        let (copy, ctx) = (told.clone(), test.ctx.clone());
        write(&test, move |tx| tx.mark_unknown(&copy, &[], "cut", &ctx)).await;
        let left_behind = in_parts(&test, &channel, "+15550102", 3).await;
        make_unknown(&test, &channel).await;
        for (sent, name) in [(&told, "a"), (&left_behind, "b")] {
            for (part, state_then) in
                [(1, OutboxState::Unknown), (2, OutboxState::Unknown), (3, OutboxState::Delivered)]
            {
                for _ in 0..2 {
                    let target = to(&sent.address, &format!("{name}{part}"));
                    let matched = apply(&test, &channel, target, Report::Delivered).await;
                    assert_eq!(matched, Matched::Message(sent.id), "{}: {name}{part}", test.engine);
                    assert_eq!(state(&test, sent.id).await, state_then, "{}: {name}{part}", test.engine);
                }
            }
        }
        // The carrier's answer comes all the same, and has its way of counting: it has the whole.
        let late = in_parts(&test, &channel, "+15550103", 3).await;
        make_unknown(&test, &channel).await;
        accepted(&test, &late, &["same", "same", "same"]).await;
        assert_eq!(state(&test, late.id).await, OutboxState::Accepted, "{}", test.engine);
        apply(&test, &channel, by_id(&["same"]), Report::Delivered).await;
        assert_eq!(state(&test, late.id).await, OutboxState::Delivered, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_of_which_a_part_is_unknown_is_not_delivered_when_the_others_are() {
    let to = |recipient: &str, id: &str| ReportTarget { recipient: Some(recipient.to_owned()), ..by_id(&[id]) };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let unknown = async |address: &str, ids: &[&str], parts: usize| {
            let (sent, ctx) = (in_parts(&test, &channel, address, parts).await, test.ctx.clone());
            let (copy, ids) = (sent.clone(), ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
            write(&test, move |tx| tx.mark_unknown(&copy, &ids, "cut", &ctx)).await;
            sent
        };
        let sent = unknown("+15550101", &["p1"], 2).await;
        for report in [Report::Accepted, Report::Delivered, Report::Delivered] {
            assert_eq!(apply(&test, &channel, by_id(&["p1"]), report).await, Matched::Message(sent.id));
            assert_eq!(state(&test, sent.id).await, OutboxState::Unknown, "{}: {report:?}", test.engine);
        }
        // Of the other part nobody has an id; its recipient finds it.
        let matched = apply(&test, &channel, to("+15550101", "p2"), Report::Delivered).await;
        assert_eq!(matched, Matched::Message(sent.id), "{}", test.engine);
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);

        let sent = unknown("+15550102", &["q1", "q2"], 3).await;
        apply(&test, &channel, to("+15550102", "q3"), Report::Delivered).await;
        apply(&test, &channel, by_id(&["q1"]), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Accepted, "{}: all are known by now", test.engine);
        apply(&test, &channel, by_id(&["q2"]), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Delivered, "{}", test.engine);

        // A part that the network could not deliver makes the whole a failed one, and no other part undoes that.
        let sent = unknown("+15550103", &["r1", "r2"], 3).await;
        apply(&test, &channel, by_id(&["r1"]), Report::Failed).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Failed, "{}", test.engine);
        apply(&test, &channel, by_id(&["r2"]), Report::Delivered).await;
        assert_eq!(state(&test, sent.id).await, OutboxState::Failed, "{}", test.engine);
        assert_eq!(write(&test, move |tx| tx.count_parked_reports(workspace_id, channel_id)).await, 0);
    }
}
