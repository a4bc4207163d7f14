//! Replies that wait until the customer answers.

use segue_desk::{
    DeskError,
    messages::{Draft, NewReply},
    pending,
};
use segue_model::{MessageId, SessionId, actor::Actor, delivery::Report, policy::Rule, role::Role, time};
use segue_store::{
    Sql,
    outbox::Claim,
    pending_reply::PendingReplyView,
    report::{ProviderReport, ReportTarget},
    session::SessionView,
    submission::Failure,
};
use segue_testkit::engines;

use crate::{replies::templates, scene::*};

static ACCEPTED: Sql = Sql::portable(
    "ACCEPTED",
    "UPDATE outbox SET state = 'accepted', submitted_at = $3, accepted_at = $3 WHERE workspace_id = $1 AND id = $2",
);

async fn keep(scene: &Scene, actor: &Actor, client_id: &str, draft: Draft) -> Result<PendingReplyView, DeskError> {
    let id = scene.session().await.id;
    let reply = NewReply { client_id: client_id.to_owned(), draft, seen_seq: None };
    pending::keep(scene.store(), scene.ctx(), scene.workspace(), actor, id, reply).await
}

async fn waiting(scene: &Scene, id: SessionId) -> Vec<String> {
    let all = pending::list(scene.store(), scene.workspace(), id).await.unwrap();
    all.into_iter().map(|reply| reply.text).collect()
}

fn code<T>(result: Result<T, DeskError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "done")
}

/// An agent's session whose window has closed.
async fn closed(scene: &Scene, agent: &Actor) -> SessionView {
    let session = scene.accepted(agent).await;
    scene.advance(24 * time::HOUR + time::MINUTE);
    scene.time_passes().await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_waits_for_the_customer_and_is_sent_once_in_order() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        let first = keep(&scene, &agent, "1", text_draft("First")).await.unwrap();
        scene.advance(1);
        keep(&scene, &agent, "2", text_draft("Second")).await.unwrap();
        assert_eq!(keep(&scene, &agent, "1", text_draft("First")).await.unwrap().id, first.id, "kept once");
        assert_eq!(scene.session().await.pending_count, 2);
        assert_eq!(waiting(&scene, session.id).await, ["First", "Second"]);
        assert!(!scene.texts(&OUTBOX).await.iter().any(|key| key.starts_with("pending:")), "nothing leaves yet");
        let (approved, _) = templates(&scene, scene.ctx()).await;
        let template = Draft::Template {
            template_id: approved,
            parameters: vec!["Ana".to_owned(), "42".to_owned()],
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer_ends_at: None,
        };
        assert_eq!(
            code(keep(&scene, &agent, "3", template.clone()).await),
            "invalid_content",
            "a template does not wait"
        );
        let reply = NewReply { client_id: "3".to_owned(), draft: template, seen_seq: None };
        segue_desk::messages::send(scene.store(), scene.ctx(), scene.workspace(), &agent, session.id, reply)
            .await
            .unwrap();
        assert_eq!(scene.session().await.pending_count, 2, "only the customer opens the window");

        scene.advance(time::HOUR);
        let answer = ana("wamid.2", scene.test.now(), "Here I am");
        scene.receive(answer.clone()).await;
        scene.receive(answer).await;
        let lines = scene.lines(session.id).await;
        let tail: Vec<&str> = lines.iter().rev().take(3).rev().map(String::as_str).collect();
        assert_eq!(tail, ["customer: Here I am", "agent: First", "agent: Second"]);
        assert_eq!(scene.session().await.pending_count, 0);
        scene.receive(ana("wamid.3", scene.test.now(), "And more")).await;
        let keys = scene.texts(&OUTBOX).await;
        assert_eq!(keys.iter().filter(|key| key.starts_with("pending:")).count(), 2, "each once: {keys:?}");
        assert_eq!(code(keep(&scene, &agent, "1", text_draft("First")).await), "window_open", "it was sent");
    }
}

/// A program that names its replies may keep and send one under the same name; the customer's message must still get in.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_under_the_same_name_meanwhile_is_not_sent_again() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        keep(&scene, &agent, "1", text_draft("Once")).await.unwrap();
        // The window is open again by what WhatsApp told and not by a message.
        let (workspace, id, until) = (scene.workspace(), session.id, scene.test.now().plus(time::HOUR));
        write(scene.store(), move |tx| {
            let mut session = tx.session_to_change(workspace, id)?.unwrap();
            session.window_expires_at = Some(until);
            tx.save_session(workspace, &mut session)
        })
        .await;
        let reply = NewReply { client_id: "1".to_owned(), draft: text_draft("Once"), seen_seq: None };
        segue_desk::messages::send(scene.store(), scene.ctx(), workspace, &agent, session.id, reply).await.unwrap();
        scene.receive(ana("wamid.2", scene.test.now(), "Here I am")).await;
        let lines = scene.lines(session.id).await;
        assert_eq!(lines.iter().filter(|line| *line == "agent: Once").count(), 1, "{}", scene.test.engine);
        assert!(lines.contains(&"customer: Here I am".to_owned()), "{lines:?}");
        assert_eq!(scene.session().await.pending_count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_old_opens_nothing_and_delivers_nothing() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        keep(&scene, &agent, "1", text_draft("Later")).await.unwrap();
        scene.receive(ana("wamid.2", START.plus(time::MINUTE), "Written long ago, told late")).await;
        assert_eq!(waiting(&scene, session.id).await, ["Later"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_changed_and_discarded_by_its_people_only_and_not_behind_their_back() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (agent, other) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let boss = scene.user("Boss", Role::Supervisor).await;
        assert_eq!(scene.sessions().await.len(), 0);
        let session = scene.accepted(&agent).await;
        assert_eq!(code(keep(&scene, &agent, "0", text_draft("Hi")).await), "window_open");
        scene.advance(25 * time::HOUR);
        assert_eq!(code(keep(&scene, &other, "1", text_draft("Hi")).await), "not_owner");
        assert_eq!(code(keep(&scene, &agent, "1", text_draft(" ")).await), "invalid_content");
        let kept = keep(&scene, &agent, "1", text_draft("Hi")).await.unwrap();
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        let edit = |actor: Actor, version, text: &str| {
            let change = (version, text.to_owned());
            async move { pending::edit(store, ctx, workspace, &actor, kept.id, change).await }
        };
        assert_eq!(code(edit(other.clone(), kept.version, "No").await), "not_owner");
        assert_eq!(edit(agent.clone(), kept.version, "Hello").await.unwrap().text, "Hello");
        assert_eq!(code(edit(boss.clone(), kept.version, "Boss was here").await), "pending_changed");
        assert_eq!(code(edit(boss.clone(), kept.version + 1, "").await), "invalid_content");
        assert_eq!(code(pending::send_now(store, ctx, workspace, &agent, kept.id).await), "window_closed");
        assert_eq!(waiting(&scene, session.id).await, ["Hello"], "a refused attempt leaves it");
        assert_eq!(code(pending::discard(store, ctx, workspace, &boss, kept.id).await), "done");
        assert_eq!(code(pending::discard(store, ctx, workspace, &boss, kept.id).await), "not_found");
        assert_eq!(scene.session().await.pending_count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_up_in_time_and_dropped_with_a_stop_or_the_end() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.pending_hours = 2).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        keep(&scene, &agent, "1", text_draft("Too late")).await.unwrap();
        scene.advance(2 * time::HOUR - 1);
        scene.time_passes().await;
        assert_eq!(waiting(&scene, session.id).await, ["Too late"]);
        scene.advance(1);
        scene.time_passes().await;
        assert_eq!(scene.session().await.pending_count, 0);
        assert!(scene.lines(session.id).await.last().unwrap().ends_with("was given up: Too late"));

        keep(&scene, &agent, "2", text_draft("Never")).await.unwrap();
        scene.receive(ana("wamid.2", scene.test.now(), "STOP")).await;
        assert_eq!(scene.session().await.pending_count, 0);
        assert!(!scene.lines(session.id).await.iter().any(|line| line == "agent: Never"));
        assert!(scene.lines(session.id).await.iter().any(|line| line.ends_with("was not sent: Never")));

        scene.receive(ana("wamid.3", scene.test.now(), "Well, go on")).await;
        scene.advance(25 * time::HOUR);
        keep(&scene, &agent, "3", text_draft("Not this either")).await.unwrap();
        scene.end(&agent, session.id).await;
        let ended = scene.session().await;
        assert_eq!((ended.pending_count, ended.state.as_str()), (0, "ended"));
        assert_eq!(code(keep(&scene, &agent, "4", text_draft("Hi")).await), "session_ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_too_late_for_the_window_waits_and_goes_out_with_the_next_message() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        let sent = scene.reply(&agent, session.id, "1", "Just in time?").await.unwrap();
        let (workspace_id, channel_id, now) = (scene.workspace(), scene.channel.id, scene.test.now());
        write(scene.store(), move |tx| {
            let until = now.plus(time::MINUTE);
            for _ in 0..4 {
                // Of a session only the oldest message that has not left is claimed; the bot's go first.
                let claim = Claim { owner: "n", limit: 10, lease_until: until, now };
                for message in tx.claim_outbox(workspace_id, channel_id, &claim)? {
                    tx.suppress_message(&message, Rule::WindowClosed, now)?;
                }
            }
            Ok(())
        })
        .await;
        let waiting = pending::list(scene.store(), workspace_id, session.id).await.unwrap();
        assert_eq!(waiting.len(), 1, "the agent's, not the bot's: {waiting:?}");
        assert_eq!((waiting[0].text.as_str(), waiting[0].reason.as_str()), ("Just in time?", "refused"));
        assert_eq!(scene.session().await.pending_count, 1);
        scene.advance(time::MINUTE);
        scene.receive(ana("wamid.2", scene.test.now(), "Hello?")).await;
        let lines = scene.lines(session.id).await;
        assert_eq!(lines.last().unwrap(), "agent: Just in time?");
        assert_eq!(scene.session().await.pending_count, 0);
        assert_ne!(scene.transcript(session.id).await.last().unwrap().id, sent.id, "as a message of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_keeps_the_order_it_was_written_in_however_late_refusals_are_told() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = scene.accepted(&agent).await;
        let (workspace_id, channel_id) = (scene.workspace(), scene.channel.id);
        let mut ids = Vec::new();
        for words in ["First", "Second"] {
            scene.advance(1_000);
            ids.push(scene.reply(&agent, session.id, words, words).await.unwrap().id);
        }
        scene.advance(24 * time::HOUR + time::MINUTE);
        scene.time_passes().await;
        keep(&scene, &agent, "3", text_draft("Third")).await.unwrap();
        // WhatsApp tells of the second one first, and of both after the third was written.
        scene.advance(time::MINUTE);
        let refuse = async |id: MessageId| {
            let (ctx, at) = (scene.ctx().clone(), scene.test.now());
            let failure = Failure { class: "window_closed".to_owned(), code: None, reason: "Too late".to_owned() };
            let report = ProviderReport { report: Report::Failed, at, failure: Some(failure) };
            let target =
                ReportTarget { provider_ids: Vec::new(), message_id: Some(id), recipient: None, is_by_looks: false };
            write(scene.store(), move |tx| {
                tx.execute(&ACCEPTED, &[&workspace_id, &id, &START])?;
                tx.apply_report(workspace_id, channel_id, &target, &report, &ctx)
            })
            .await;
        };
        refuse(ids[1]).await;
        scene.advance(1_000);
        refuse(ids[0]).await;
        assert_eq!(waiting(&scene, session.id).await, ["First", "Second", "Third"], "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_delivers_what_waits_as_any_other_message_does() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        keep(&scene, &agent, "1", text_draft("About your order")).await.unwrap();
        scene.receive(ana("wamid.2", scene.test.now(), "HELP")).await;
        assert!(waiting(&scene, session.id).await.is_empty(), "{}", scene.test.engine);
        assert!(scene.lines(session.id).await.contains(&"agent: About your order".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_nothing_that_waited_is_sent_and_nobody_is_asked_for_having_been_silent() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.set(|settings| settings.idle.warn_minutes = Some(30)).await;
        let agent = scene.agent("Sam").await;
        let session = closed(&scene, &agent).await;
        keep(&scene, &agent, "1", text_draft("First")).await.unwrap();
        let (ctx, workspace) = (scene.ctx().clone(), scene.workspace());
        let given_up = write(scene.store(), move |tx| {
            tx.hold_restored(&[], &ctx)?;
            pending::give_up_restored(tx, &ctx, workspace)
        })
        .await;
        assert_eq!((given_up, scene.session().await.pending_count), (1, 0), "{}", scene.test.engine);
        let before = scene.texts(&OUTBOX).await.len();
        scene.advance(time::HOUR);
        scene.time_passes().await;
        scene.receive(ana("wamid.2", scene.test.now(), "Hello again")).await;
        assert_eq!(scene.texts(&OUTBOX).await.len(), before, "{}: nothing leaves by itself", scene.test.engine);
        let lines = scene.lines(session.id).await;
        assert!(lines.iter().any(|line| line.contains("restored") && line.contains("First")), "{lines:?}");
    }
}
