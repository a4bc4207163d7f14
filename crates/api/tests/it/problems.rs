//! Refusals have one shape, a stable code, and name the field.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::support::{get, json as body, request, server, with, with_key};

#[tokio::test]
async fn every_refusal_is_a_problem_document_with_the_requests_id() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    let keyed = |request| with_key(request, &key);
    let text = |content_type: &str, text: &str| {
        let builder = Request::builder().method(Method::POST).uri("/api/v1/lists").header("content-type", content_type);
        builder.body(Body::from(text.to_owned())).unwrap()
    };
    let large = json!({"name": "x".repeat(2 << 20)});
    let cases = [
        (get("/api/v1/me"), 401, "unauthenticated"),
        (with(get("/api/v1/me"), "authorization", "Basic abc"), 401, "unauthenticated"),
        (keyed(get("/api/v1/nothing")), 404, "not_found"),
        (keyed(get("/api/v1/contacts/con_00000000000000000000000001")), 404, "not_found"),
        (keyed(get("/api/v1/contacts/ses_00000000000000000000000001")), 400, "invalid_id"),
        (keyed(get("/api/v1/contacts/1%20OR%201=1")), 400, "invalid_id"),
        (keyed(get("/api/v1/contacts?limit=many")), 400, "invalid_query"),
        (keyed(get("/api/v1/contacts?cursor=xyz")), 400, "invalid_cursor"),
        (keyed(request(Method::PUT, "/api/v1/contacts")), 405, "method_not_allowed"),
        (keyed(text("text/plain", "{}")), 415, "unsupported_media_type"),
        (keyed(text("application/json", "{")), 400, "invalid_json"),
        (keyed(text("application/json", "{}")), 422, "invalid"),
        (keyed(body(Method::POST, "/api/v1/lists", &large)), 413, "too_large"),
        (
            keyed(with(body(Method::POST, "/api/v1/lists", &json!({"name": "a"})), "idempotency-key", "a b")),
            400,
            "invalid_idempotency_key",
        ),
    ];
    for (request, status, code) in cases {
        let address = format!("{} {}", request.method(), request.uri());
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{address}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{address}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{address}");
        assert_eq!(problem["type"], format!("urn:segue:problem:{code}"), "{address}");
        assert_eq!(problem["request_id"], answer.header("x-request-id"), "{address}");
        assert!(problem["detail"].as_str().unwrap().len() > 15, "{address}: {problem}");
    }
}

#[tokio::test]
async fn the_field_is_named() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    let cases = [
        ("/api/v1/lists", json!({}), "name"),
        ("/api/v1/contacts", json!({"phone": "12"}), "phone"),
        ("/api/v1/contacts", json!({"email": "nobody"}), "email"),
        (
            "/api/v1/users",
            json!({"email": "x", "name": "X", "role": "agent", "password": "long enough to be one"}),
            "email",
        ),
        ("/api/v1/users", json!({"email": "x@y.test", "name": "X", "role": "agent", "password": "short"}), "password"),
        ("/api/v1/users", json!({"email": "x@y.test", "name": "X", "role": "boss", "password": "short"}), "role"),
        ("/api/v1/channels", json!({"kind": "smpp", "name": "SMS", "config": {"port": 1}}), "config.host"),
    ];
    for (path, input, field) in cases {
        let answer = server.post(&key, path, &input).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {input}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path} {input}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_says_when_to_come_back() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    server.test.store.close();
    let answer = server.get(&key, "/api/v1/contacts").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert!(!answer.text().to_lowercase().contains("thread"), "no inner words: {}", answer.text());
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_do() {
    let server = server().await;
    for path in ["/", "/livez", "/api/v1/me", "/l/unknown", "/assets/none.js"] {
        let answer = server.send(get(path)).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    assert_eq!(server.send(get("/api/v1/me")).await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_plain_request_id_of_the_proxy_is_kept_and_anything_else_is_not() {
    let server = server().await;
    let kept = server.send(with(get("/livez"), "x-request-id", "abc-12345678")).await;
    assert_eq!(kept.header("x-request-id"), "abc-12345678");
    let replaced = server.send(with(get("/livez"), "x-request-id", "a b<script>")).await;
    assert!(!replaced.header("x-request-id").contains('<'));
}
