//! Setting up: channels, queues, flows, and what is shown of them.

use http::{Method, StatusCode};
use segue_api::ApiConfig;
use segue_channels::outgoing::Reach;
use segue_model::{ChannelId, role::Role};
use segue_store::{StoreError, form::ListedForm};
use serde_json::json;

use crate::support::{Server, form, get, json as body, server, servers, with_cookie, with_key};

const FLOW: &str = include_str!("../../../../demo/flows/welcome.yaml");

#[tokio::test]
async fn a_channel_is_set_up_and_its_secrets_stay_inside() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let settings = json!({"base_url": "https://graph.facebook.com", "graph_version": "v26.0", "waba_id": "1",
            "phone_number_id": "2", "display_phone_number": "15550100100", "access_token": "planted-token",
            "app_secrets": ["planted-secret"], "verify_token": "planted-verify"});
        let input = json!({"kind": "whatsapp", "name": "Sales chat", "flow": "", "queue": "", "config": settings});
        let made = server.post(&key, "/api/v1/channels", &input).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let channel = made.json();
        let id = channel["id"].as_str().unwrap();
        assert_eq!(channel["webhook_path"], format!("/webhooks/whatsapp/{id}"));
        assert_eq!((&channel["display"], &channel["state"]), (&json!("+15550100100"), &json!("connecting")));
        let again = server.post(&key, "/api/v1/channels", &input).await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "channel_taken"));
        let path = format!("/api/v1/channels/{id}");
        let missing = server.patch(&key, &path, &json!({"queue": "nowhere"})).await;
        assert_eq!(missing.json()["errors"][0]["field"], "queue");
        server.post(&key, "/api/v1/queues", &json!({"name": "Sales"})).await;
        let changed = server.patch(&key, &path, &json!({"queue": "sales", "config": {"waba_id": "7"}})).await;
        assert_eq!((&changed.json()["queue"], &changed.json()["config"]["waba_id"]), (&json!("sales"), &json!("7")));
        for path in ["/api/v1/channels", "/api/v1/setup-status"] {
            assert!(!server.get(&key, path).await.text().contains("planted"), "{path}");
        }
        assert!(!made.text().contains("planted") && !changed.text().contains("planted"));
        for (config, field) in [
            (json!({"base_url": "https://attacker.example"}), "config.access_token"),
            (json!({"base_url": "http://127.0.0.1", "access_token": "new"}), "config.base_url"),
        ] {
            let moved = server.patch(&key, &path, &json!({ "config": config })).await;
            assert_eq!((moved.status.as_u16(), &moved.json()["errors"][0]["field"]), (422, &json!(field)));
        }
        let mut inside = input.clone();
        (inside["name"], inside["config"]["base_url"]) = (json!("Inside"), json!("http://10.0.0.1"));
        let refused = server.post(&key, "/api/v1/channels", &inside).await;
        assert_eq!(refused.json()["errors"][0]["field"], "config.base_url", "{}", refused.text());
    }
}

#[tokio::test]
async fn a_flow_is_checked_before_it_is_published() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let put = |source: &str| with_key(body(Method::PUT, "/api/v1/flows/welcome", &json!({"source": source})), &key);
        let broken = FLOW.replace("goto: order_number", "goto: nowhere");
        let checked = server.post(&key, "/api/v1/flows/validate", &json!({"source": broken})).await.json();
        assert_eq!(checked["valid"], false);
        assert!(checked["problems"][0]["line"].as_u64().unwrap() > 1, "{checked}");
        let refused = server.send(put(&broken)).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "flow_invalid"), "{}", refused.text());
        let published = server.send(put(FLOW)).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.text());
        assert_eq!(published.json()["published_version"], 1);
        let path = format!("/api/v1/flows/{}", published.json()["id"].as_str().unwrap());
        assert_eq!(server.get(&key, &path).await.json()["source"], FLOW);
        assert!(server.get(&key, "/api/v1/flows/schema").await.json()["properties"].is_object());
    }
}

const OFFERS: &str = r#"flow: offers
name: Offers
agent: {queue: sales}
steps:
  - id: leaflet
    send: {file: FILE}
  - id: visit
    ask: {type: form, form: book_a_visit, prompt: "When?", on_fail: over}
  - id: over
    handover: {}
"#;

#[tokio::test]
async fn a_flow_names_files_that_are_here_and_forms_that_are_published_where_it_is_used() {
    for test in segue_testkit::engines().await {
        let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
        let key = server.key(Role::Admin).await;
        let put = |source: &str| with_key(body(Method::PUT, "/api/v1/flows/offers", &json!({"source": source})), &key);
        let png = b"\x89PNG\r\n\x1a\n0123456789";
        let media = server.send(with_key(form("/api/v1/media", "a.png", png, "xyz"), &key)).await.json();
        let source = OFFERS.replace("FILE", media["id"].as_str().unwrap());
        let stranger = OFFERS.replace("FILE", "med_01hzy8vbk0e7m9qz3v5c6d7f8g");
        let checked = server.post(&key, "/api/v1/flows/validate", &json!({"source": stranger})).await.json();
        let lines: Vec<_> = checked["problems"].as_array().unwrap().iter().map(|it| it["line"].clone()).collect();
        assert_eq!(lines, [json!(6), json!(8)], "the file and the form: {checked}");
        let refused = server.send(put(&stranger)).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "flow_invalid"), "{}", refused.text());
        assert!(refused.text().contains("no file med_01hzy8vbk0e7m9qz3v5c6d7f8g"), "{}", refused.text());

        let settings = |number: &str| {
            json!({"base_url": "http://127.0.0.1:1", "graph_version": "v26.0", "waba_id": "1",
                "phone_number_id": number, "display_phone_number": "15550100100", "access_token": "t",
                "app_secrets": ["s"], "verify_token": "v"})
        };
        let mut channels = Vec::new();
        for name in ["One", "Two"] {
            let input = json!({"kind": "whatsapp", "name": name, "config": settings(name)});
            channels.push(server.post(&key, "/api/v1/channels", &input).await.json()["id"].clone());
        }
        let one: ChannelId = channels[0].as_str().unwrap().parse().unwrap();
        let (workspace_id, ctx) = (server.workspace_id(), server.test.ctx.clone());
        let listed = ListedForm {
            provider_id: "1".to_owned(),
            name: "book_a_visit".to_owned(),
            status: "PUBLISHED".to_owned(),
            categories: Vec::new(),
        };
        let store = &server.test.store;
        let list = move |tx: &mut segue_store::Tx<'_>| {
            tx.replace_forms(workspace_id, one, std::slice::from_ref(&listed), &ctx)
        };
        store.write::<_, StoreError, _>(list).await.unwrap();
        let published = server.send(put(&source)).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.text());
        let choose = async |channel: &serde_json::Value, change: serde_json::Value| {
            server.patch(&key, &format!("/api/v1/channels/{}", channel.as_str().unwrap()), &change).await
        };
        let without = choose(&channels[1], json!({"flow": "offers"})).await;
        assert_eq!(without.json()["errors"][0]["field"], "flow", "{}", without.text());
        assert!(without.text().contains("'book_a_visit'"), "{}", without.text());
        let input = json!({"kind": "whatsapp", "name": "New", "flow": "offers", "config": settings("New")});
        assert_eq!(server.post(&key, "/api/v1/channels", &input).await.json()["errors"][0]["field"], "flow");
        assert_eq!(choose(&channels[0], json!({"flow": "offers"})).await.json()["flow"], "offers");
        // A form that was withdrawn keeps nobody from changing anything else.
        let (workspace_id, ctx) = (server.workspace_id(), server.test.ctx.clone());
        store.write::<_, StoreError, _>(move |tx| tx.replace_forms(workspace_id, one, &[], &ctx)).await.unwrap();
        let renamed = choose(&channels[0], json!({"name": "First", "flow": "offers"})).await;
        assert_eq!(renamed.json()["name"], "First", "{}", renamed.text());
    }
}

#[tokio::test]
async fn who_does_not_manage_access_sees_only_themselves_among_users() {
    let server = server().await;
    server.user("boss", Role::Admin).await;
    let ann = server.user("ann", Role::Agent).await;
    let cookie = server.sign_in(&ann).await;
    let seen = server.send(with_cookie(get("/api/v1/setup-status"), &cookie)).await.json();
    let names: Vec<&str> =
        seen["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ann"]);
    assert_eq!(seen["checklist"].as_array().unwrap().len(), 8);
    let admin = server.key(Role::Admin).await;
    let all = server.get(&admin, "/api/v1/setup-status").await.json();
    assert_eq!(all["users"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_workspace_changes_what_is_given_and_nothing_else() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let change = json!({"quiet_hours": {"start": "20:30", "end": "09:00"}});
        let changed = server.patch(&key, "/api/v1/workspace", &change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        let workspace = server.get(&key, "/api/v1/me").await.json()["workspace"].clone();
        assert_eq!(workspace["quiet_hours"], change["quiet_hours"]);
        assert_eq!(workspace["time_zone"], "America/New_York");
        for (change, field) in [
            (json!({"time_zone": "Mars/Base"}), "time_zone"),
            (json!({"country": "USA"}), "country"),
            (json!({"quiet_hours": {"start": "25:00", "end": "08:00"}}), "quiet_hours.start"),
            (json!({"name": " "}), "name"),
        ] {
            assert_eq!(server.patch(&key, "/api/v1/workspace", &change).await.json()["errors"][0]["field"], field);
        }
    }
}
