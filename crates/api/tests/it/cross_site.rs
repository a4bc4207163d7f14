//! Requests that another site makes in a signed-in person's browser.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::support::{get, json as body, server, with, with_cookie, with_key};

/// Who asks, with which headers, and what the answer is.
type Case = (&'static str, &'static [(&'static str, &'static str)], StatusCode, &'static str);

#[tokio::test]
async fn only_our_own_pages_can_change_anything_with_a_cookie() {
    let server = server().await;
    let user = server.user("ann", Role::Admin).await;
    let cookie = server.sign_in(&user).await;
    let change = || body(Method::POST, "/api/v1/lists", &json!({"name": format!("list {}", server.test.ctx.uuid())}));
    let created = StatusCode::CREATED;
    let cases: &[Case] = &[
        ("the console", &[("x-segue-csrf", "1"), ("sec-fetch-site", "same-origin")], created, ""),
        ("an older browser", &[("x-segue-csrf", "1"), ("host", "a.test"), ("origin", "http://a.test")], created, ""),
        ("a tool", &[("x-segue-csrf", "1")], created, ""),
        ("a form of another site", &[("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN, "cross_origin"),
        (
            "a script of another site",
            &[("x-segue-csrf", "1"), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
            StatusCode::FORBIDDEN,
            "cross_origin",
        ),
        (
            "a neighbour on the same domain",
            &[("x-segue-csrf", "1"), ("sec-fetch-site", "same-site")],
            StatusCode::FORBIDDEN,
            "cross_origin",
        ),
        (
            "an older browser on another site",
            &[("x-segue-csrf", "1"), ("host", "a.test"), ("origin", "https://evil.test")],
            StatusCode::FORBIDDEN,
            "cross_origin",
        ),
        ("no header", &[], StatusCode::FORBIDDEN, "csrf_header_missing"),
        ("another value", &[("x-segue-csrf", "true")], StatusCode::FORBIDDEN, "csrf_header_missing"),
    ];
    for (who, headers, status, code) in cases {
        let mut request = with(change(), "cookie", &cookie);
        for (name, value) in *headers {
            request = with(request, name, value);
        }
        let answer = server.send(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{who}");
    }
}

/// A browser has one login for all its tabs; a tab of the user before must not act as the one who signed in since.
#[tokio::test]
async fn what_a_tab_of_another_user_sends_is_refused() {
    let server = server().await;
    let (ann, bob) = (server.user("ann", Role::Admin).await, server.user("bob", Role::Admin).await);
    let cookie = server.sign_in(&bob).await;
    for (named, status, code) in [
        (bob.id.to_string(), StatusCode::CREATED, ""),
        (ann.id.to_string(), StatusCode::UNAUTHORIZED, "signed_in_as_another"),
        (String::new(), StatusCode::UNAUTHORIZED, "signed_in_as_another"),
    ] {
        let change = body(Method::POST, "/api/v1/lists", &json!({"name": format!("list {}", server.test.ctx.uuid())}));
        let answer = server.send(with(with_cookie(change, &cookie), "x-segue-user", &named)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{named}");
    }
    let read = with(with_cookie(get("/api/v1/me"), &cookie), "x-segue-user", &ann.id.to_string());
    assert_eq!(server.send(read).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_needs_no_mark_and_beats_a_cookie() {
    let server = server().await;
    let marketer = server.key(Role::Marketer).await;
    let admin = server.user("ann", Role::Admin).await;
    let cookie = server.sign_in(&admin).await;
    let list = body(Method::POST, "/api/v1/lists", &json!({"name": "one"}));
    assert_eq!(server.send(with_key(list, &marketer)).await.status, StatusCode::CREATED);
    let users = with_key(with_cookie(crate::support::get("/api/v1/users"), &cookie), &marketer);
    assert_eq!(server.send(users).await.status, StatusCode::FORBIDDEN, "the key's role counts");
}

#[tokio::test]
async fn another_site_cannot_sign_somebody_in() {
    let server = server().await;
    let input = json!({"email": "a@b.test", "password": "x"});
    let request = with(body(Method::POST, "/api/v1/login", &input), "sec-fetch-site", "cross-site");
    assert_eq!(server.send(request).await.code(), "cross_origin");
}
