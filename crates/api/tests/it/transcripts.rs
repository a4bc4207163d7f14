//! Transcripts over HTTP.

use http::StatusCode;
use segue_model::{role::Role, session::SessionState};
use serde_json::json;

use crate::{
    sight::conversation,
    support::{get, servers, with_key},
};

#[tokio::test]
async fn a_transcript_is_noted_and_fetched_as_a_file() {
    for server in servers().await {
        let (id, customer) = conversation(&server, None, SessionState::Active, None, None).await;
        let (boss, agent) = (server.key(Role::Supervisor).await, server.key(Role::Agent).await);
        let input = |format: &str| json!({"of": {"kind": "session", "session_id": id}, "format": format});
        let refused = server.post(&agent, "/api/v1/transcript-exports", &input("csv")).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "not_visible"));
        for (format, kind) in [("csv", "text/csv; charset=utf-8"), ("html", "text/html; charset=utf-8")] {
            let made = server.post(&boss, "/api/v1/transcript-exports", &input(format)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
            let url = made.json()["file_url"].as_str().unwrap().to_owned();
            let file = server.send(with_key(get(&url), &boss)).await;
            assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind));
            let disposition = file.header("content-disposition");
            assert!(disposition.starts_with("attachment; filename=\"transcript-tre_"), "{disposition}");
            assert_eq!(file.header("cache-control"), "no-store");
            assert!(file.text().contains(if format == "csv" { "\"time_zone\"" } else { "Bea" }), "{}", file.text());
            assert_eq!(server.send(with_key(get(&url), &agent)).await.status, StatusCode::NOT_FOUND);
        }
        let of = json!({"of": {"kind": "customer", "messaging_user_id": customer}, "format": "html"});
        assert_eq!(server.post(&boss, "/api/v1/transcript-exports", &of).await.status, StatusCode::CREATED);
        let noted = server.get(&boss, "/api/v1/transcript-exports").await.json();
        assert_eq!(noted["data"].as_array().unwrap().len(), 3, "{}", server.test.engine);
        assert_eq!(server.get(&agent, "/api/v1/transcript-exports").await.status, StatusCode::FORBIDDEN);
        let unknown = server
            .post(
                &boss,
                "/api/v1/transcript-exports",
                &json!({"of": {"kind": "session",
            "session_id": id}, "format": "pdf"}),
            )
            .await;
        assert!(unknown.status.is_client_error(), "{}", unknown.status);
    }
}
