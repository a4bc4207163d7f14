//! Setting up: channels, queues, flows, and what is shown of them.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::support::{get, json as body, server, servers, with_cookie, with_key};

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
