//! Templates follow what Meta tells.

use segue_model::ChannelId;
use segue_store::template::{APPROVED, DELETED, ListedTemplate, TemplateOperation};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::write;

fn listed(name: &str, language: &str, status: &str) -> ListedTemplate {
    ListedTemplate {
        name: name.to_owned(),
        language: language.to_owned(),
        category: "UTILITY".to_owned(),
        status: status.to_owned(),
        components: json!([{"type": "BODY", "text": "Hi {{1}}"}]),
        ..ListedTemplate::default()
    }
}

async fn replace(test: &TestStore, channel_id: ChannelId, all: Vec<ListedTemplate>) {
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    write(test, move |tx| tx.replace_templates(workspace_id, channel_id, &all, &ctx)).await;
}

async fn statuses(test: &TestStore) -> Vec<(String, String, String)> {
    let workspace_id = test.workspace_id();
    let all = write(test, move |tx| tx.templates(workspace_id)).await;
    all.into_iter().map(|template| (template.name, template.language, template.status)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_adds_changes_and_removes_and_keeps_ids() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        replace(&test, channel.id, vec![listed("a", "en_US", APPROVED), listed("b", "en_US", "PENDING")]).await;
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "a", "en_US");
        let first = write(&test, find).await.unwrap();
        assert_eq!(first.view().body, "Hi {{1}}");
        test.clock.advance(1);
        replace(&test, channel.id, vec![listed("a", "en_US", "PAUSED"), listed("c", "de", APPROVED)]).await;
        let shown = statuses(&test).await;
        let shown: Vec<_> = shown.iter().map(|(name, _, status)| (name.as_str(), status.as_str())).collect();
        assert_eq!(shown, [("a", "PAUSED"), ("c", APPROVED)], "{}", test.engine);
        assert_eq!(write(&test, find).await.unwrap().id, first.id);
        let gone = write(&test, move |tx| tx.template_by_name(workspace_id, channel_id, "b", "en_US")).await;
        assert_eq!(gone.unwrap().status, DELETED, "kept for what was sent with it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_meta_changes_one_language_or_all_and_tells_once() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        replace(&test, channel.id, vec![listed("a", "de", APPROVED), listed("a", "en", APPROVED)]).await;
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        let test = &test;
        let set = async move |language: Option<&'static str>, status: &'static str| {
            write(test, move |tx| {
                tx.set_template_status(workspace_id, channel_id, ("a", language), (status, None), (None, now))
            })
            .await
        };
        assert!(set(Some("de"), "PAUSED").await);
        assert!(!set(Some("de"), "PAUSED").await, "nothing changed, so nothing is told");
        assert!(set(None, "DISABLED").await);
        assert!(!set(Some("fr"), "DISABLED").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_asked_for_before_something_was_finished_here_does_not_undo_it() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id, ctx) = (test.workspace_id(), channel.id, test.ctx.clone());
        replace(&test, channel_id, vec![listed("a", "en", APPROVED)]).await;
        let asked_at = test.now();
        test.clock.advance(1_000);
        // An edit and a new template are finished while the list is on its way.
        let finished = test.now();
        let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "a", "en");
        let mut edited = write(&test, find).await.unwrap();
        let new = ListedTemplate {
            components: json!([{"type": "BODY", "text": "Hello {{1}}"}]),
            ..listed("a", "en", "PENDING")
        };
        edited.settle(new, (finished, finished));
        let added = listed("b", "en", "PENDING");
        let making = test.ctx.clone();
        write(&test, move |tx| {
            tx.save_template(workspace_id, &edited)?;
            tx.replace_templates_as_of(
                workspace_id,
                channel_id,
                &[listed("a", "en", "PENDING"), added.clone()],
                finished,
                &making,
            )?;
            tx.save_template(workspace_id, &edited)
        })
        .await;
        let old = [listed("a", "en", APPROVED)];
        write(&test, move |tx| tx.replace_templates_as_of(workspace_id, channel_id, &old, asked_at, &ctx)).await;
        let now = write(&test, find).await.unwrap();
        assert_eq!((now.view().body.as_str(), now.status.as_str()), ("Hello {{1}}", "PENDING"), "{}", test.engine);
        let states = statuses(&test).await;
        assert!(states.iter().any(|(name, _, status)| name == "b" && status == "PENDING"), "{states:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_or_quality_that_comes_late_changes_nothing() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        replace(&test, channel_id, vec![listed("a", "de", APPROVED), listed("a", "en", APPROVED)]).await;
        let test = &test;
        // The newest repeats what is known, of one language; an older one of all comes after it.
        let told = async |language: Option<&'static str>,
                          (category, quality): (&'static str, &'static str),
                          at: i64| {
            write(test, move |tx| {
                let named = ("a", language);
                let category =
                    tx.set_template_category(workspace_id, channel_id, named, category, (now.plus(at), now))?;
                let quality = tx.set_template_quality(workspace_id, channel_id, named, quality, (now.plus(at), now))?;
                Ok((category, quality))
            })
            .await
        };
        assert_eq!(told(None, ("UTILITY", "GREEN"), 1_000).await, (false, true), "{}", test.engine);
        assert_eq!(told(Some("en"), ("UTILITY", "GREEN"), 3_000).await, (false, false), "{}", test.engine);
        assert_eq!(told(None, ("MARKETING", "RED"), 2_000).await, (true, true), "{}: of the other", test.engine);
        let of = async |language: &'static str| {
            let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "a", language);
            let template = write(test, find).await.unwrap();
            (template.category, template.quality.unwrap())
        };
        assert_eq!(of("en").await, ("UTILITY".to_owned(), "GREEN".to_owned()), "{}", test.engine);
        assert_eq!(of("de").await, ("MARKETING".to_owned(), "RED".to_owned()), "{}", test.engine);
        assert_eq!(told(Some("en"), ("MARKETING", "RED"), 4_000).await, (true, true), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_is_undone_by_no_older_decision_and_by_no_list_that_was_asked_for_before() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
        replace(&test, channel_id, vec![listed("a", "en", APPROVED)]).await;
        test.clock.advance(60_000);
        let told = now.plus(10_000);
        write(&test, move |tx| {
            tx.set_template_category(workspace_id, channel_id, ("a", Some("en")), "MARKETING", (told, told))?;
            tx.set_template_quality(workspace_id, channel_id, ("a", Some("en")), "RED", (told, told))
        })
        .await;
        let test = &test;
        let seen = async || {
            let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "a", "en");
            let template = write(test, find).await.unwrap();
            [template.status, template.category, template.quality.unwrap_or_default()]
        };
        let decided = async |status: &'static str, category: Option<&'static str>, at: i64| {
            let named = ("a", Some("en"));
            write(test, move |tx| {
                let at = now.plus(at);
                tx.set_template_status(workspace_id, channel_id, named, (status, category), (Some(at), at))
            })
            .await
        };
        // An older decision: what it says of the status counts, as nothing newer was told of that.
        assert!(decided("PAUSED", Some("UTILITY"), 5_000).await, "{}", test.engine);
        assert_eq!(seen().await, ["PAUSED", "MARKETING", "RED"], "{}", test.engine);
        assert!(!decided("PAUSED", Some("UTILITY"), 6_000).await, "{}: nothing changed", test.engine);
        // A list that was asked for before it was told, and one that was asked for after.
        let list = async |asked_at: segue_model::Timestamp| {
            let all = vec![ListedTemplate { quality: Some("GREEN".to_owned()), ..listed("a", "en", APPROVED) }];
            let ctx = test.ctx.clone();
            write(test, move |tx| tx.replace_templates_as_of(workspace_id, channel_id, &all, asked_at, &ctx)).await;
        };
        list(now.plus(9_000)).await;
        assert_eq!(seen().await[1..], ["MARKETING", "RED"], "{}", test.engine);
        list(test.now()).await;
        assert_eq!(seen().await, [APPROVED, "UTILITY", "GREEN"], "{}", test.engine);
        // What a newer decision says of the category is not undone by an older word about it either.
        assert!(decided(APPROVED, Some("MARKETING"), 70_000).await, "{}", test.engine);
        assert!(!decided(APPROVED, Some("MARKETING"), 80_000).await, "{}", test.engine);
        let late = write(test, move |tx| {
            let told = now.plus(75_000);
            tx.set_template_category(workspace_id, channel_id, ("a", None), "UTILITY", (told, told))
        });
        assert!(!late.await, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_that_was_told_is_undone_by_no_older_word_about_an_operation_under_way() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let test = &test;
        for by_list in [true, false] {
            replace(test, channel_id, vec![listed("a", "en", APPROVED)]).await;
            test.clock.advance(1_000);
            let find = move |tx: &mut segue_store::Tx<'_>| tx.template_by_name(workspace_id, channel_id, "a", "en");
            let begun_at = test.now();
            let ctx = test.ctx.clone();
            write(test, move |tx| {
                let mut template = find(tx)?.unwrap();
                tx.begin_template_operation(workspace_id, &mut template, TemplateOperation::Edit, &ctx)
            })
            .await;
            // Meta moves it while it is being asked about.
            test.clock.advance(10_000);
            let told = test.now();
            write(test, move |tx| {
                tx.set_template_category(workspace_id, channel_id, ("a", Some("en")), "MARKETING", (told, told))?;
                tx.set_template_quality(workspace_id, channel_id, ("a", Some("en")), "RED", (told, told))
            })
            .await;
            test.clock.advance(10_000);
            let settle = async |asked_at: segue_model::Timestamp| {
                let found = ListedTemplate { quality: Some("GREEN".to_owned()), ..listed("a", "en", APPROVED) };
                let ctx = test.ctx.clone();
                write(test, move |tx| {
                    if by_list {
                        return tx.replace_templates_as_of(
                            workspace_id,
                            channel_id,
                            std::slice::from_ref(&found),
                            asked_at,
                            &ctx,
                        );
                    }
                    let mut template = find(tx)?.unwrap();
                    tx.settle_template(workspace_id, &mut template, Some(found.clone()), (asked_at, ctx.now()))
                })
                .await;
                let template = write(test, find).await.unwrap();
                (template.operation, template.category, template.quality.unwrap_or_default())
            };
            let seen = settle(begun_at.plus(5_000)).await;
            assert_eq!(seen, (None, "MARKETING".to_owned(), "RED".to_owned()), "{} {by_list}", test.engine);
            let ctx = test.ctx.clone();
            write(test, move |tx| {
                let mut template = find(tx)?.unwrap();
                tx.begin_template_operation(workspace_id, &mut template, TemplateOperation::Edit, &ctx)
            })
            .await;
            test.clock.advance(10_000);
            let seen = settle(test.now()).await;
            assert_eq!(seen, (None, "UTILITY".to_owned(), "GREEN".to_owned()), "{} {by_list}", test.engine);
            test.clock.advance(1_000);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_may_be_older_than_what_is_known_is_left_out_and_that_is_told() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (workspace_id, channel_id) = (test.workspace_id(), channel.id);
        let before = test.now();
        test.clock.advance(1_000);
        replace(&test, channel_id, vec![listed("a", "en", APPROVED)]).await;
        let take = async |status: &'static str, asked_at| {
            let ctx = test.ctx.clone();
            write(&test, move |tx| {
                let one = listed("a", "en", status);
                tx.take_template_as_of(workspace_id, channel_id, (&one, asked_at), &ctx)
            })
            .await
        };
        assert!(!take("PAUSED", before).await, "{}", test.engine);
        assert_eq!(statuses(&test).await[0].2, APPROVED, "{}", test.engine);
        assert!(take("PAUSED", test.now()).await, "{}", test.engine);
        assert_eq!(statuses(&test).await[0].2, "PAUSED", "{}", test.engine);
        // What is begun here is settled by what is asked for after that.
        let asked_at = test.now();
        test.clock.advance(1_000);
        let ctx = test.ctx.clone();
        write(&test, move |tx| {
            let mut template = tx.template_by_name(workspace_id, channel_id, "a", "en")?.unwrap();
            tx.begin_template_operation(workspace_id, &mut template, TemplateOperation::Edit, &ctx)
        })
        .await;
        assert!(!take(APPROVED, asked_at).await, "{}", test.engine);
        assert!(take(APPROVED, test.now()).await, "{}", test.engine);
    }
}
