//! Forms as the platform lists them.

use segue_store::form::ListedForm;
use segue_testkit::engines;

use crate::write;

fn listed(provider_id: &str, name: &str, status: &str) -> ListedForm {
    ListedForm {
        provider_id: provider_id.to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        categories: vec!["SURVEY".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_replaces_the_one_before_and_leaves_other_numbers_alone() {
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let (one, other) = (
            test.whatsapp_channel("one", "http://127.0.0.1:1").await,
            test.whatsapp_channel("other", "http://127.0.0.1:1").await,
        );
        let ctx = test.ctx.clone();
        let first = write(&test, move |tx| {
            tx.replace_forms(
                workspace_id,
                one.id,
                &[listed("1", "visit", "PUBLISHED"), listed("2", "old", "PUBLISHED")],
                &ctx,
            )?;
            tx.replace_forms(workspace_id, other.id, &[listed("1", "theirs", "PUBLISHED")], &ctx)?;
            tx.forms(workspace_id)
        });
        let first = first.await;
        assert_eq!(first.len(), 3, "{}: ids of the platform are of a number", test.engine);
        let ctx = test.ctx.clone();
        let second = write(&test, move |tx| {
            tx.replace_forms(
                workspace_id,
                one.id,
                &[listed("1", "visit us", "DEPRECATED"), listed("3", "new", "DRAFT")],
                &ctx,
            )?;
            tx.forms(workspace_id)
        });
        let second = second.await;
        let of = |provider_id: &str| {
            let found = second.iter().find(|form| form.channel_id == one.id && form.provider_id == provider_id);
            found.map(|form| (form.name.as_str(), form.status.as_str(), form.is_published()))
        };
        assert_eq!(of("1"), Some(("visit us", "DEPRECATED", false)));
        assert_eq!(of("3"), Some(("new", "DRAFT", false)));
        assert_eq!(of("2"), None, "{}: what is not listed any more is gone", test.engine);
        assert!(second.iter().any(|form| form.name == "theirs"), "{}", test.engine);
        let kept = first.iter().find(|form| form.channel_id == one.id && form.provider_id == "1").unwrap();
        assert!(second.iter().any(|form| form.id == kept.id), "{}: it keeps its id", test.engine);
    }
}
