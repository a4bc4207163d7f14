use segue_store::form::ListedForm;
use segue_testkit::{TestStore, engines};

use super::*;

const FLOW: &str = "
flow: booking
name: Booking
agent: {queue: sales}
steps:
  - id: visit
    ask: {type: form, form: visit, prompt: 'When?', on_fail: over}
  - id: over
    handover: {}
";

/// A file with these numbers, all of which the flow leads.
fn file(source: &str, numbers: &[&str]) -> LoadedManifest {
    let mut text = "workspace: { slug: test, name: Test, time_zone: America/New_York, country: US }\n\
        flows: [{ slug: booking, file: booking.yaml }]\nchannels:\n"
        .to_owned();
    for (index, slug) in numbers.iter().enumerate() {
        text += &format!(
            "  - slug: {slug}\n    name: {slug}\n    flow: booking\n    config: {{ kind: whatsapp, base_url: 'http://127.0.0.1:1', \
             graph_version: v26.0, waba_id: '1', phone_number_id: '{index}', display_phone_number: '1555078388{index}', \
             access_token: t, app_secrets: [s], verify_token: v }}\n"
        );
    }
    LoadedManifest::parse(&text, "workspace.yaml", |_| Ok(source.to_owned())).unwrap()
}

/// What WhatsApp lists for a number.
async fn list(test: &TestStore, slug: &'static str, statuses: &[&str]) {
    let listed: Vec<ListedForm> = statuses
        .iter()
        .map(|status| ListedForm {
            provider_id: format!("{slug} visit"),
            name: "visit".to_owned(),
            status: (*status).to_owned(),
            categories: Vec::new(),
        })
        .collect();
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    let stored = test.store.write::<_, StoreError, _>(move |tx| {
        let channel = tx.channels(workspace_id)?.into_iter().find(|channel| channel.slug == slug).unwrap();
        tx.replace_forms(workspace_id, channel.id, &listed, &ctx)
    });
    stored.await.unwrap();
}

async fn numbers(test: &TestStore) -> usize {
    let workspace_id = test.workspace_id();
    test.store.read::<_, StoreError, _>(move |tx| tx.channels(workspace_id)).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_and_its_flow_with_a_form_are_applied_at_once() {
    for test in engines().await {
        let (store, ctx) = (&test.store, &test.ctx);
        let manifest = file(FLOW, &["first"]);
        rehearse(store, ctx, &manifest).await.unwrap();
        assert_eq!(numbers(&test).await, 0, "{}: a look changes nothing", test.engine);
        apply_manifest(store, ctx, &manifest).await.unwrap();
        assert_eq!(differences(store, &manifest).await.unwrap(), [], "{}", test.engine);
        // A second number beside it, while the first has its forms.
        list(&test, "first", &["PUBLISHED"]).await;
        let manifest = file(&FLOW.replace("When?", "At what time?"), &["first", "second"]);
        rehearse(store, ctx, &manifest).await.unwrap();
        apply_manifest(store, ctx, &manifest).await.unwrap();
        assert_eq!(numbers(&test).await, 2, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_flow_needs_its_forms_and_one_that_is_unchanged_does_not() {
    for test in engines().await {
        let (store, ctx) = (&test.store, &test.ctx);
        apply_manifest(store, ctx, &file(FLOW, &["first"])).await.unwrap();
        list(&test, "first", &["DEPRECATED"]).await;
        // Something else changes.
        let mut manifest = file(FLOW, &["first"]);
        manifest.manifest.channels[0].name = "Front desk".to_owned();
        rehearse(store, ctx, &manifest).await.unwrap();
        apply_manifest(store, ctx, &manifest).await.unwrap();
        assert_eq!(differences(store, &manifest).await.unwrap(), [], "{}", test.engine);
        // The flow does.
        let changed = file(&FLOW.replace("When?", "At what time?"), &["first"]);
        for refused in
            [rehearse(store, ctx, &changed).await.unwrap_err(), apply_manifest(store, ctx, &changed).await.unwrap_err()]
        {
            assert!(format!("{refused:#}").contains("published form named 'visit'"), "{refused:#}");
        }
        list(&test, "first", &["PUBLISHED"]).await;
        rehearse(store, ctx, &changed).await.unwrap();
        apply_manifest(store, ctx, &changed).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_does_not_mention_stays() {
    const FULL: &str = "
workspace:
  slug: test
  name: Test
  time_zone: America/New_York
  country: US
  quiet_hours: { start: '20:00', end: '09:00' }
  settings: { brand: Acme, policy: { at_cap: suppress }, erase_transcripts: true }
users: [{ email: amy@acme.example, name: Amy, role: agent, password: a password for tests }]
queues: [{ slug: sales, name: Sales, offer_seconds: 45, members: [amy@acme.example] }]
flows: [{ slug: booking, file: booking.yaml }]
channels:
  - { slug: first, name: First, flow: booking, queue: sales, CONFIG }
  - { slug: carrier, name: Carrier, CARRIER }
senders: [{ channel: carrier, address: '+15550100', kind: long_code, registration: pending }]
";
    const SHORT: &str = "
workspace: { slug: test, name: Test, time_zone: America/New_York, country: US, settings: { policy: {}, CHANGE } }
queues: [{ slug: sales, name: Sales }]
channels:
  - { slug: first, name: First, CONFIG }
  - { slug: carrier, name: Carrier, CARRIER }
senders: [{ channel: carrier, address: '+15550100', kind: long_code }]
";
    let read = |text: &str, change: &str| {
        let text = text
            .replace("CHANGE", change)
            .replace(
                "CONFIG",
                "config: { kind: whatsapp, base_url: 'http://127.0.0.1:1', graph_version: v26.0, waba_id: '1', \
                 phone_number_id: '0', display_phone_number: '15550783880', access_token: t, app_secrets: [s], \
                 verify_token: v }",
            )
            .replace(
                "CARRIER",
                "config: { kind: smpp, host: 127.0.0.1, port: 1, system_id: segue, password: sandbox, window: 10, \
                 segments_per_second: 100 }",
            );
        let flow = "flow: booking\nname: Booking\nagent: {queue: sales}\nsteps:\n  - id: over\n    handover: {}\n";
        LoadedManifest::parse(&text, "workspace.yaml", |_| Ok(flow.to_owned())).unwrap()
    };
    for test in engines().await {
        let (store, ctx) = (&test.store, &test.ctx);
        let full = read(FULL, "");
        apply_manifest(store, ctx, &full).await.unwrap();
        let short = read(SHORT, "");
        assert_eq!(differences(store, &short).await.unwrap(), [], "{}", test.engine);
        apply_manifest(store, ctx, &short).await.unwrap();
        assert_eq!(differences(store, &full).await.unwrap(), [], "{}: everything stayed", test.engine);

        let changed = read(SHORT, "brand: Other");
        let differences = differences(store, &changed).await.unwrap();
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].detail.ends_with("sets brand"), "{differences:?}");
        apply_manifest(store, ctx, &changed).await.unwrap();
        let workspace_id = test.workspace_id();
        let stored = store.read(move |tx| tx.workspace(workspace_id)).await.unwrap().unwrap();
        assert_eq!((stored.settings.brand.as_str(), stored.settings.erase_transcripts), ("Other", true));
    }
}
