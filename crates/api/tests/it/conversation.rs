//! What a WhatsApp number does by itself, and the words of refusals around the service window.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::{
    sample::sample,
    support::{json as body, servers, with_key},
};

#[tokio::test]
async fn the_settings_of_conversations_are_kept_and_faults_name_their_field() {
    for server in servers().await {
        let own = sample(&server, "a").await;
        let key = &own.key;
        let path = format!("/api/v1/channels/{}/conversation-settings", own.id("chn"));
        let first = server.get(key, &path).await.json();
        assert_eq!(
            (&first["opt_in"]["kind"], &first["messages"]["start"]["enabled"]),
            (&json!("implicit"), &json!(false))
        );
        let put =
            async |settings: &serde_json::Value| server.send(with_key(body(Method::PUT, &path, settings), key)).await;
        let mut settings = first.clone();
        settings["messages"]["start"] = json!({"enabled": true, "text": "Hello {name}", "texts": []});
        settings["idle"] = json!({"warn_minutes": 10, "inactive_minutes": null, "end_minutes": 60});
        settings["hours"] = json!({"time_zone": "Europe/Berlin", "holidays": ["12-25"],
            "spans": [{"days": ["mon"], "start_minute": 540, "end_minute": 1020}]});
        let stored = put(&settings).await;
        assert_eq!(stored.status, StatusCode::OK, "{}", stored.text());
        assert_eq!(server.get(key, &path).await.json(), settings, "{}", server.test.engine);
        for (field, part, value) in [
            ("hours", "/hours/time_zone", json!("Mars")),
            ("messages.start", "/messages/start/text", json!("")),
            ("idle.end_minutes", "/idle/end_minutes", json!(5)),
            ("pending_hours", "/pending_hours", json!(0)),
        ] {
            let mut broken = settings.clone();
            *broken.pointer_mut(part).unwrap() = value;
            let refused = put(&broken).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
            assert_eq!(refused.json()["errors"][0]["field"], json!(field), "{}", refused.text());
        }
        assert_eq!(server.get(key, &path).await.json(), settings, "a refused change changes nothing");
        let agent = server.key_of(server.workspace_id(), Role::Agent).await;
        assert_eq!(
            server.send(with_key(body(Method::PUT, &path, &settings), &agent)).await.status,
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn sessions_are_ordered_by_what_closes_next() {
    for server in servers().await {
        let own = sample(&server, "a").await;
        let listed = server.get(&own.key, "/api/v1/sessions?order=closing").await;
        assert_eq!(listed.status, StatusCode::OK, "{}", listed.text());
        assert_eq!(listed.json()["data"], json!([]), "no window is open");
        let wrong = server.get(&own.key, "/api/v1/sessions?order=closing&cursor=x").await;
        assert_eq!(wrong.json()["errors"][0]["field"], json!("cursor"));
        let replies = server.get(&own.key, &format!("/api/v1/sessions/{}/pending-replies", own.id("ses"))).await.json();
        assert_eq!(replies["data"][0]["text"], json!("B's secret reply"));
        assert_eq!(replies["data"][0]["reason"], json!("window_closed"));
    }
}
