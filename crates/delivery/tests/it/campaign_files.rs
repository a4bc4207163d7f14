//! Files above the templates of campaigns on their way out: uploaded once, and again when WhatsApp has forgotten them.

use segue_model::{
    CampaignId, MediaId, MessageId,
    content::Content,
    delivery::{MessageClass, OutboxState},
    time,
};
use segue_store::{channel::Channel, media::NewMedia};
use serde_json::json;

use crate::{
    bench::{Bench, benches, until},
    spring::{self, told},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

/// WhatsApp loses a file.
async fn lose(bench: &Bench, media_id: &str) {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    let url = format!("{}/v26.0/{media_id}", bench.sandbox.graph_base_url);
    let answer = client.delete(url).bearer_auth("sandbox-token").send().await.unwrap();
    assert!(answer.status().is_success(), "{}: {}", bench.test.engine, answer.text().await.unwrap());
}

/// The template with a picture in both languages, in the product and in the sandbox.
async fn templates(bench: &Bench, channel: &Channel) {
    spring::templates(bench, channel, "MARKETING", (&["en", "de"], true)).await;
}

async fn picture(bench: &Bench) -> MediaId {
    let media = NewMedia {
        id: bench.test.ctx.id(),
        mime: "image/png".to_owned(),
        file_name: Some("spring.png".to_owned()),
        data: PNG.to_vec(),
    };
    let (workspace_id, now, id) = (bench.test.workspace_id(), bench.test.now(), media.id);
    bench.write(move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

async fn campaign(bench: &Bench, channel: &Channel, file: MediaId) -> CampaignId {
    spring::campaign(bench, channel, Some(file)).await
}

/// One message of a campaign in a language.
async fn message(
    bench: &Bench,
    channel: &Channel,
    (id, file): (CampaignId, MediaId),
    (number, language): (u32, &str),
) -> MessageId {
    let address = format!("+141655502{number:02}");
    let to = (address.as_str(), number, language);
    let message_id = spring::message(bench, channel, (id, Some(file)), to, MessageClass::Marketing).await;
    spring::run(bench, id).await;
    message_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaigns_picture_is_uploaded_once_and_again_when_whatsapp_has_forgotten_it() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let id = campaign(&bench, &channel, file).await;
        let uploads = async || bench.ledger("wa_file_uploaded").await;
        let mut waiting = Vec::new();
        for number in 1..=20 {
            waiting.push(message(&bench, &channel, (id, file), (number, "en")).await);
        }
        let running = bench.start("one");
        for message in waiting {
            bench.until_state(message, OutboxState::Accepted).await;
        }
        assert_eq!(uploads().await.len(), 1, "{}: once for all, not once for each", bench.test.engine);
        running.shutdown().await;

        // WhatsApp loses it, which it may after a while.
        let first = uploads().await[0]["media_id"].as_str().unwrap().to_owned();
        lose(&bench, &first).await;
        bench.test.clock.advance(time::DAY);
        let running = bench.start("one");
        for number in 21..=23 {
            let message = message(&bench, &channel, (id, file), (number, "en")).await;
            until("the refused one is tried again", async || {
                // Not so fast that what is claimed runs out.
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                bench.test.clock.advance(10 * time::SECOND);
                bench.state(message).await == OutboxState::Accepted
            })
            .await;
        }
        assert_eq!(uploads().await.len(), 2, "{}: once more", bench.test.engine);
        assert_eq!(bench.ledger("wa_accepted").await.len(), 23, "{}: each once", bench.test.engine);
        // An id is not used for longer than WhatsApp keeps the file.
        running.shutdown().await;
        bench.test.clock.advance(28 * time::DAY);
        let running = bench.start("one");
        let late = message(&bench, &channel, (id, file), (24, "en")).await;
        bench.until_state(late, OutboxState::Accepted).await;
        assert_eq!(uploads().await.len(), 3, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_long_keeps_nobody_else_waiting() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let id = campaign(&bench, &channel, file).await;
        bench.faults(json!({ "upload_delay_ms": 8_000 })).await;
        let mut waiting = Vec::new();
        for number in 1..=40 {
            waiting.push(message(&bench, &channel, (id, file), (number, "en")).await);
        }
        let running = bench.start("one");
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let content = Content::Text { text: "Of course".to_owned() };
        let answer = bench.enqueue(&bench.whatsapp_to(&channel, "+14165559999", session, &content)).await;
        bench.until_state(answer, OutboxState::Accepted).await;
        assert!(bench.ledger("wa_file_uploaded").await.is_empty(), "{}: it is still on its way", bench.test.engine);
        until("all have it", async || {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            bench.test.clock.advance(time::SECOND);
            bench.ledger("wa_accepted").await.len() == waiting.len() + 1
        })
        .await;
        assert_eq!(bench.ledger("wa_file_uploaded").await.len(), 1, "{}: once for all", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_whatsapp_refuses_is_not_uploaded_for_each_recipient() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let id = campaign(&bench, &channel, file).await;
        bench.faults(json!({ "upload_error": { "code": 100, "times": 100 } })).await;
        let mut refused = Vec::new();
        for number in 1..=20 {
            refused.push(message(&bench, &channel, (id, file), (number, "en")).await);
        }
        let running = bench.start("one");
        for message in refused {
            bench.until_state(message, OutboxState::Failed).await;
        }
        let uploads = bench.ledger("graph_refused").await.len();
        assert_eq!(uploads, 1, "{}: nothing is gained by a second transfer", bench.test.engine);

        // Half a minute later it is tried again; what passes by itself costs no message.
        bench.faults(json!({ "upload_error": { "code": 131_000, "times": 1 } })).await;
        bench.test.clock.advance(time::MINUTE);
        let mut late = Vec::new();
        for number in 21..=30 {
            late.push(message(&bench, &channel, (id, file), (number, "en")).await);
        }
        until("the file is taken", async || {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            bench.test.clock.advance(10 * time::SECOND);
            bench.ledger("wa_accepted").await.len() == late.len()
        })
        .await;
        assert_eq!(bench.ledger("graph_refused").await.len(), 2, "{}", bench.test.engine);
        assert_eq!(bench.ledger("wa_file_uploaded").await.len(), 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_whatsapp_cannot_send_is_uploaded_anew_for_the_next_recipient() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let id = campaign(&bench, &channel, file).await;
        let uploads = async || bench.ledger("wa_file_uploaded").await.len();
        let running = bench.start("one");
        // Told by a status of a message that was taken, and by the answer to another.
        for (round, by_status) in [(1, true), (2, false)] {
            let first = message(&bench, &channel, (id, file), (round * 10, "en")).await;
            bench.until_state(first, OutboxState::Accepted).await;
            assert_eq!(uploads().await, round as usize, "{}", bench.test.engine);
            if by_status {
                let wamid = bench.ledger("wa_accepted").await[0]["wamid"].clone();
                let status = json!({ "statuses": [{ "id": wamid, "status": "failed", "timestamp": "1795453300",
                    "errors": [{ "code": 131_053 }] }] });
                told(&bench, &channel, "messages", status).await;
                assert_eq!(bench.state(first).await, OutboxState::Failed, "{}", bench.test.engine);
                // Not within a minute of the last upload: the file itself may be bad.
                let soon = message(&bench, &channel, (id, file), (round * 10 + 1, "en")).await;
                bench.until_state(soon, OutboxState::Accepted).await;
                assert_eq!(uploads().await, round as usize, "{}", bench.test.engine);
            } else {
                bench.faults(json!({ "graph_error": { "code": 131_053, "times": 1 } })).await;
                let refused = message(&bench, &channel, (id, file), (round * 10 + 1, "en")).await;
                bench.until_state(refused, OutboxState::Failed).await;
            }
            bench.test.clock.advance(2 * time::MINUTE);
        }
        let last = message(&bench, &channel, (id, file), (30, "en")).await;
        bench.until_state(last, OutboxState::Accepted).await;
        assert_eq!(uploads().await, 3, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_that_is_paused_waits_and_the_other_languages_go_on() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let id = campaign(&bench, &channel, file).await;
        let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
        let set = async |status: &'static str| {
            bench
                .write(move |tx| {
                    tx.set_template_status(
                        workspace_id,
                        channel_id,
                        ("spring", Some("de")),
                        (status, None),
                        (None, now),
                    )
                })
                .await
        };
        let running = bench.start("one");
        until("the number was looked at", async || {
            bench
                .write(move |tx| tx.channel(workspace_id, channel_id))
                .await
                .is_some_and(|channel| channel.state == segue_store::channel::ChannelState::Connected)
        })
        .await;
        // WhatsApp refuses before it tells why: what else waits in that language is kept back by that alone.
        bench.faults(json!({ "graph_error": { "code": 132_015, "times": 1 } })).await;
        let first = message(&bench, &channel, (id, file), (3, "de")).await;
        until("the language is known to be paused", async || {
            let found = bench.write(move |tx| tx.template_by_name(workspace_id, channel_id, "spring", "de")).await;
            found.is_some_and(|template| template.status == "PAUSED")
        })
        .await;
        assert_ne!(bench.state(first).await, OutboxState::Failed, "{}", bench.test.engine);
        let german = message(&bench, &channel, (id, file), (1, "de")).await;
        let english = message(&bench, &channel, (id, file), (2, "en")).await;
        bench.until_state(english, OutboxState::Accepted).await;
        until("the German one waits", async || bench.rule(german).await.as_deref() == Some("template_paused")).await;
        assert_eq!(bench.state(german).await, OutboxState::Queued, "{}", bench.test.engine);
        let hold = bench.write(move |tx| tx.campaign_hold(workspace_id, id)).await;
        assert_eq!(hold, None, "{}: nothing holds the campaign", bench.test.engine);
        let languages = async || bench.write(move |tx| tx.language_holds(workspace_id, id)).await;
        let waiting = languages().await;
        assert_eq!(waiting.len(), 1, "{}: the page tells of it", bench.test.engine);
        assert!(waiting[0].waits && waiting[0].reason.starts_with("WhatsApp has paused the translation in de"));
        let why = bench.write(move |tx| tx.decision(workspace_id, german)).await.expect("it is kept");
        assert_eq!(why.explanation.detail.as_deref(), Some("WhatsApp has paused the translation in de."));
        set("APPROVED").await;
        // Without waiting for the next look.
        bench.until_state(german, OutboxState::Accepted).await;
        assert_eq!(languages().await, [], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_that_is_over_ends_its_messages_with_the_reason_and_the_campaign_with_them() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        templates(&bench, &channel).await;
        let file = picture(&bench).await;
        let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
        let set = async |status: &'static str| {
            let named = ("spring", Some("de"));
            bench
                .write(move |tx| tx.set_template_status(workspace_id, channel_id, named, (status, None), (None, now)))
                .await
        };
        let running = bench.start("one");
        until("the number was looked at", async || {
            bench
                .write(move |tx| tx.channel(workspace_id, channel_id))
                .await
                .is_some_and(|channel| channel.state == segue_store::channel::ChannelState::Connected)
        })
        .await;
        for (number, status, words) in [(1, "REJECTED", "has rejected"), (3, "DISABLED", "has disabled")] {
            set("PAUSED").await;
            let id = campaign(&bench, &channel, file).await;
            let german = message(&bench, &channel, (id, file), (number, "de")).await;
            until("it waits", async || bench.rule(german).await.as_deref() == Some("template_paused")).await;
            set(status).await;
            // At once, and not an hour later.
            bench.until_state(german, OutboxState::Suppressed).await;
            assert_eq!(bench.rule(german).await.as_deref(), Some("template_not_approved"), "{}", bench.test.engine);
            let (seen, why) =
                bench.write(move |tx| Ok((tx.funnel(workspace_id, id)?, tx.decision(workspace_id, german)?))).await;
            let why = why.expect("it is kept").explanation.detail.expect("in words");
            assert_eq!(why, format!("WhatsApp {words} the translation in de."), "{}", bench.test.engine);
            assert_eq!((seen.queued, seen.excluded), (0, 1), "{}", bench.test.engine);
            assert_eq!(seen.languages.len(), 1, "{}", bench.test.engine);
            assert!(!seen.languages[0].waits && seen.languages[0].reason.starts_with(&why), "{:?}", seen.languages);
            // The campaign's own language goes on.
            let english = message(&bench, &channel, (id, file), (number + 1, "en")).await;
            bench.until_state(english, OutboxState::Accepted).await;
        }
        // WhatsApp refuses before it tells why.
        set("APPROVED").await;
        bench.faults(json!({ "graph_error": { "code": 132_016, "times": 1 } })).await;
        let id = campaign(&bench, &channel, file).await;
        let refused = message(&bench, &channel, (id, file), (5, "de")).await;
        bench.until_state(refused, OutboxState::Suppressed).await;
        running.shutdown().await;
    }
}
