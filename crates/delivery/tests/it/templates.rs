//! Templates that are written here: submitted, judged, changed and deleted, with every answer that can be lost.

use segue_channels::whatsapp::{WebhookItem, parse_webhook};
use segue_delivery::{
    DeliveryError, Files, apply_template_status, sync_templates,
    template_admin::{Extent, TemplateError, delete, settle},
};
use segue_model::{
    Ctx, ManualClock, MediaId, TemplateId,
    template::{ParameterFormat, TemplateButton, TemplateCategory, TemplateHeader, TemplateParts},
    time,
};
use segue_sandbox::Faults;
use segue_store::{
    Store,
    channel::Channel,
    media::NewMedia,
    template::{DELETED, DRAFT, READ_TEMPLATE, Template, TemplateOperation},
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, benches},
    spring,
};

/// Submits with files that are in the database.
async fn submit(store: &Store, ctx: &Ctx, channel: &Channel, id: TemplateId) -> Result<Template, TemplateError> {
    let files = Files::in_database(store.clone(), ctx.clone());
    segue_delivery::template_admin::submit(&files, ctx, channel, id).await
}

fn parts(name: &str, body: &str) -> TemplateParts {
    TemplateParts {
        name: name.to_owned(),
        language: "en_US".to_owned(),
        category: TemplateCategory::Utility,
        parameter_format: ParameterFormat::Positional,
        header: None,
        body: body.to_owned(),
        samples: vec!["Ana".to_owned()],
        footer: None,
        buttons: vec![TemplateButton::QuickReply { text: "Thanks".to_owned() }],
        code: None,
        cards: Vec::new(),
        offer: None,
    }
}

async fn draft(bench: &Bench, channel: &Channel, parts: TemplateParts) -> TemplateId {
    let workspace_id = channel.workspace_id;
    let template = Template::drafted(bench.test.ctx.id(), channel.id, parts);
    let id = template.id;
    assert!(bench.write(move |tx| tx.insert_template(workspace_id, &template)).await);
    id
}

async fn rewrite(bench: &Bench, channel: &Channel, id: TemplateId, parts: TemplateParts) {
    let workspace_id = channel.workspace_id;
    bench
        .write(move |tx| {
            let mut template = tx.template(workspace_id, id)?.unwrap();
            template.write(parts.clone());
            tx.save_template(workspace_id, &template)
        })
        .await;
}

async fn stored(bench: &Bench, channel: &Channel, id: TemplateId) -> Template {
    let workspace_id = channel.workspace_id;
    bench.write(move |tx| tx.template(workspace_id, id)).await.unwrap()
}

async fn notices(bench: &Bench, channel: &Channel) -> Vec<String> {
    let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
    let all = bench.write(move |tx| tx.channel_notices(workspace_id, channel_id, None, 20)).await;
    all.into_iter().map(|notice| notice.text).collect()
}

/// Takes in a decision as its webhook tells it.
async fn told(bench: &Bench, channel: &Channel, value: Value) {
    told_at(bench, channel, 1, value).await;
}

/// As one of WhatsApp's own time.
async fn told_at(bench: &Bench, channel: &Channel, seconds: i64, value: Value) {
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "time": seconds, "changes":
        [{"field": "message_template_status_update", "value": value}]}]});
    for item in parse_webhook(body.to_string().as_bytes()).unwrap() {
        let WebhookItem::TemplateStatus(status) = item else { panic!("a status") };
        let (ctx, channel) = (bench.test.ctx.clone(), channel.clone());
        bench.write(move |tx| apply_template_status(tx, &ctx, &channel, &status)).await;
    }
}

fn decision(event: &str, reason: &str) -> Value {
    json!({"event": event, "message_template_id": 7, "message_template_name": "ready",
           "message_template_language": "en-US", "reason": reason})
}

const BODY: &str = "Hello {{1}}, your order is ready in our shop.";

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_submitted_judged_changed_and_deleted() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (store, ctx) = (&bench.test.store, &bench.test.ctx);
        let id = draft(&bench, &channel, parts("ready", BODY)).await;
        assert_eq!(stored(&bench, &channel, id).await.status, DRAFT);
        let submitted = submit(store, ctx, &channel, id).await.unwrap();
        // The sandbox's reviewer decides at once.
        assert_eq!((submitted.status.as_str(), submitted.category.as_str()), ("APPROVED", "UTILITY"));
        assert_eq!((submitted.operation, submitted.draft.is_none()), (None, true), "{}", bench.test.engine);
        assert_eq!(submitted.parts().unwrap().buttons.len(), 1);
        assert!(matches!(submit(store, ctx, &channel, id).await, Err(TemplateError::Unchanged)));
        assert!(notices(&bench, &channel).await.is_empty(), "it was taken as it was asked for");

        rewrite(&bench, &channel, id, parts("ready", "Hello {{1}}, your order waits for you in our shop.")).await;
        let changed = submit(store, ctx, &channel, id).await.unwrap();
        assert_eq!(changed.body(), "Hello {{1}}, your order waits for you in our shop.");
        // The second change on a day is refused, and the draft stays to be submitted tomorrow.
        rewrite(&bench, &channel, id, parts("ready", BODY)).await;
        let Err(TemplateError::Refused(failure)) = submit(store, ctx, &channel, id).await else { panic!("refused") };
        assert!(failure.to_string().contains("once in 24 hours"), "{failure}");
        let kept = stored(&bench, &channel, id).await;
        assert_eq!((kept.operation, kept.draft.is_some()), (None, true));
        assert!(kept.failure.unwrap().contains("once in 24 hours"));

        delete(store, ctx, &channel, id, Extent::Language).await.unwrap();
        assert_eq!(stored(&bench, &channel, id).await.status, DELETED);
        assert_eq!(sync_templates(store, ctx, &channel).await.unwrap(), 3, "the sandbox has its own three");
        assert!(matches!(submit(store, ctx, &channel, id).await, Err(TemplateError::Unknown)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_late_does_not_undo_a_newer_one() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let id = draft(&bench, &channel, parts("ready", BODY)).await;
        submit(&bench.test.store, &bench.test.ctx, &channel, id).await.unwrap();
        let standing = async || {
            let template = stored(&bench, &channel, id).await;
            (template.status, template.reason)
        };
        let disabled = ("DISABLED".to_owned(), Some("SCAM".to_owned()));
        told_at(&bench, &channel, 20, decision("DISABLED", "SCAM")).await;
        told_at(&bench, &channel, 10, decision("APPROVED", "NONE")).await;
        assert_eq!(standing().await, disabled, "{}", bench.test.engine);
        // One that says what was known already is the newest all the same.
        told_at(&bench, &channel, 40, decision("DISABLED", "SCAM")).await;
        told_at(&bench, &channel, 30, decision("REINSTATED", "NONE")).await;
        assert_eq!(standing().await, disabled, "{}", bench.test.engine);
        told_at(&bench, &channel, 50, decision("REINSTATED", "NONE")).await;
        assert_eq!(standing().await, ("APPROVED".to_owned(), None), "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_taken_as_marketing_is_shown_as_such_and_told_once() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (store, ctx) = (&bench.test.store, &bench.test.ctx);
        let sale = "Hello {{1}}, our summer sale has begun in our shop.";
        let id = draft(&bench, &channel, parts("sale_now", sale)).await;
        let submitted = submit(store, ctx, &channel, id).await.unwrap();
        assert_eq!((submitted.category.as_str(), submitted.asked_category.as_deref()), ("MARKETING", Some("UTILITY")));
        assert_eq!(submitted.view().asked_category.as_deref(), Some("UTILITY"));
        for _ in 0..2 {
            sync_templates(store, ctx, &channel).await.unwrap();
        }
        let told = notices(&bench, &channel).await;
        assert_eq!(told.len(), 1, "{}: {told:?}", bench.test.engine);
        assert!(told[0].contains("submitted as UTILITY and WhatsApp took it as MARKETING"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_would_refuse_does_not_leave() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (store, ctx) = (&bench.test.store, &bench.test.ctx);
        let id = draft(&bench, &channel, parts("bad", "{{1}}, your order is ready in our shop.")).await;
        let Err(TemplateError::Findings(findings)) = submit(store, ctx, &channel, id).await else { panic!("findings") };
        assert_eq!(findings[0].field, "body");
        assert_eq!(stored(&bench, &channel, id).await.operation, None);
        let gone: MediaId = ctx.id();
        let header = Some(TemplateHeader::Image { media_id: Some(gone) });
        let id = draft(&bench, &channel, TemplateParts { header, ..parts("no_file", BODY) }).await;
        assert!(matches!(submit(store, ctx, &channel, id).await, Err(TemplateError::FileGone)));
        assert_eq!(stored(&bench, &channel, id).await.operation, None);
        assert_eq!(sync_templates(store, ctx, &channel).await.unwrap(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_with_a_picture_is_uploaded_and_keeps_its_file() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let media = NewMedia {
            id: bench.test.ctx.id(),
            mime: "image/png".to_owned(),
            file_name: Some("tent.png".to_owned()),
            data: b"\x89PNG\r\n\x1a\nnot really".to_vec(),
        };
        let (workspace_id, now, media_id) = (channel.workspace_id, bench.test.now(), media.id);
        bench.write(move |tx| tx.insert_media(workspace_id, &media, now)).await;
        let header = Some(TemplateHeader::Image { media_id: Some(media_id) });
        let id = draft(&bench, &channel, TemplateParts { header, ..parts("picture", BODY) }).await;
        submit(&bench.test.store, &bench.test.ctx, &channel, id).await.unwrap();
        sync_templates(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        let kept = stored(&bench, &channel, id).await;
        assert_eq!((kept.status.as_str(), kept.media_id), ("APPROVED", Some(media_id)), "{}", bench.test.engine);
        assert_eq!(kept.parts().unwrap().header, Some(TemplateHeader::Image { media_id: Some(media_id) }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_settled_by_name_and_language_and_nothing_is_created_twice() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (store, ctx, workspace_id) = (&bench.test.store, &bench.test.ctx, channel.workspace_id);
        for by_sync in [false, true] {
            let name = if by_sync { "by_sync" } else { "by_job" };
            let id = draft(&bench, &channel, parts(name, BODY)).await;
            bench.sandbox.set_faults(Faults { template_error_after_accept: 1, ..Faults::default() });
            assert!(matches!(submit(store, ctx, &channel, id).await, Err(TemplateError::InDoubt)));
            let open = stored(&bench, &channel, id).await;
            assert_eq!((open.operation, open.status.as_str()), (Some(TemplateOperation::Create), DRAFT));
            assert!(matches!(submit(store, ctx, &channel, id).await, Err(TemplateError::Busy)), "not once more");
            if by_sync {
                sync_templates(store, ctx, &channel).await.unwrap();
            } else {
                settle(store, ctx, workspace_id, id).await.unwrap();
            }
            let done = stored(&bench, &channel, id).await;
            assert_eq!((done.operation, done.status.as_str(), done.draft), (None, "APPROVED", None), "{name}");
            assert_eq!(done.asked_category.as_deref(), Some("UTILITY"));
        }
        // A node that stopped before it asked: WhatsApp has nothing, and the draft can be submitted again.
        let id = draft(&bench, &channel, parts("stopped", BODY)).await;
        let begin_ctx = ctx.clone();
        bench
            .write(move |tx| {
                let mut template = tx.template(workspace_id, id)?.unwrap();
                tx.begin_template_operation(workspace_id, &mut template, TemplateOperation::Create, &begin_ctx)
            })
            .await;
        sync_templates(store, ctx, &channel).await.unwrap();
        assert!(stored(&bench, &channel, id).await.operation.is_some(), "it may be under way");
        bench.test.clock.advance(2 * time::MINUTE);
        sync_templates(store, ctx, &channel).await.unwrap();
        let kept = stored(&bench, &channel, id).await;
        assert_eq!((kept.operation, kept.status.as_str(), kept.draft.is_some()), (None, DRAFT, true));
        assert!(kept.failure.is_some());
        assert_eq!(submit(store, ctx, &channel, id).await.unwrap().status, "APPROVED", "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_before_the_answer_outlives_it() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (ctx, workspace_id) = (bench.test.ctx.clone(), channel.workspace_id);
        let id = draft(&bench, &channel, parts("ready", BODY)).await;
        bench
            .write(move |tx| {
                let mut template = tx.template(workspace_id, id)?.unwrap();
                tx.begin_template_operation(workspace_id, &mut template, TemplateOperation::Create, &ctx)
            })
            .await;
        told(&bench, &channel, decision("REJECTED", "ABUSIVE_CONTENT")).await;
        let now = bench.test.now();
        bench
            .write(move |tx| {
                let mut template = tx.template(workspace_id, id)?.unwrap();
                let parts = template.draft.clone().unwrap();
                let listed = segue_store::template::ListedTemplate {
                    name: parts.name.clone(),
                    language: parts.language.clone(),
                    category: "UTILITY".to_owned(),
                    status: "PENDING".to_owned(),
                    components: parts.components(&Default::default()).into(),
                    ..Default::default()
                };
                template.settle(listed, (now, now));
                tx.save_template(workspace_id, &template)
            })
            .await;
        let rejected = stored(&bench, &channel, id).await;
        assert_eq!(rejected.status, "REJECTED", "{}", bench.test.engine);
        assert_eq!(rejected.reason.as_deref(), Some("ABUSIVE_CONTENT"));
        assert_eq!(rejected.provider_id.as_deref(), Some("7"));
        told(&bench, &channel, decision("APPROVED", "NONE")).await;
        assert_eq!(stored(&bench, &channel, id).await.reason, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_whose_text_was_changed_at_whatsapp_is_read_again_at_once() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id, engine) = (channel.workspace_id, channel.id, bench.test.engine);
        spring::templates(&bench, &channel, "MARKETING", (&["en", "de"], false)).await;
        let text = "Hi {{1}}, {{2}} is here.";
        let body = json!({ "type": "BODY", "text": text, "example": { "body_text": [["Ana", "spring"]] } });
        let changed = json!({ "name": "spring", "language": "en", "category": "MARKETING", "components": [body] });
        spring::at_sandbox(&bench, "templates", &changed, false).await;
        let notice = json!({ "message_template_id": 1, "message_template_name": "spring",
            "message_template_language": "en", "message_template_element": text });
        for _ in 0..2 {
            spring::told(&bench, &channel, "message_template_components_update", notice.clone()).await;
        }
        let ctx = bench.test.ctx.clone();
        let jobs = bench.write(move |tx| tx.claim_jobs("one", 10, ctx.now().plus(30_000), &ctx)).await;
        let kinds: Vec<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
        assert_eq!(kinds, [READ_TEMPLATE], "{engine}: this language, and once");
        let id: TemplateId = serde_json::from_value(jobs[0].payload["template_id"].clone()).unwrap();
        assert_eq!(stored(&bench, &channel, id).await.parameter_count(), 1, "{engine}");
        let (store, ctx) = (&bench.test.store, &bench.test.ctx);
        segue_delivery::read_template_again(store, ctx, workspace_id, id).await.unwrap();
        let seen = stored(&bench, &channel, id).await;
        assert_eq!((seen.language.as_str(), seen.parameter_count()), ("en", 2), "{engine}");
        let other = bench.write(move |tx| tx.template_by_name(workspace_id, channel_id, "spring", "de")).await.unwrap();
        assert_eq!((other.status.as_str(), other.parameter_count()), ("APPROVED", 1), "{engine}: the others stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_stored_while_a_template_is_read_again_keeps_nobody_from_its_new_text() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id, engine) = (channel.workspace_id, channel.id, bench.test.engine);
        spring::templates(&bench, &channel, "MARKETING", (&["en"], false)).await;
        let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "spring", "en");
        let known = bench.write(find).await.unwrap();
        let body =
            json!({ "type": "BODY", "text": "Hi {{1}}, {{2}} is here.", "example": { "body_text": [["A", "b"]] } });
        let changed = json!({ "name": "spring", "language": "en", "category": "MARKETING", "components": [body] });
        spring::at_sandbox(&bench, "templates", &changed, false).await;
        // A list from before the change is stored after it was asked for the template alone.
        let (asked_at, id) = (bench.test.now(), known.id);
        bench.test.clock.advance(1_000);
        let (old, stored_at) = (known.clone(), bench.test.now());
        bench.write(move |tx| tx.save_template(workspace_id, &Template { synced_at: stored_at, ..old.clone() })).await;
        let store = &bench.test.store;
        let early = Ctx::seeded(ManualClock::at(asked_at), 77);
        let read = segue_delivery::read_template_again(store, &early, workspace_id, id).await;
        assert!(matches!(read, Err(DeliveryError::StoredMeanwhile)), "{engine}: {read:?}");
        assert_eq!(bench.write(find).await.unwrap().parameter_count(), 1, "{engine}");
        segue_delivery::read_template_again(store, &bench.test.ctx, workspace_id, id).await.unwrap();
        assert_eq!(bench.write(find).await.unwrap().parameter_count(), 2, "{engine}: the next attempt has it");
    }
}
