//! Signing in and out, keys, the first administrator.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::{Method, Request, StatusCode};
use segue_model::{role::Role, time};
use segue_store::{Sql, StoreError};
use serde_json::json;

use crate::support::{PASSWORD, Server, get, json as body, request, servers, with, with_cookie, with_key};

#[tokio::test]
async fn a_login_opens_and_closes_the_door() {
    for server in servers().await {
        let user = server.user("ann", Role::Agent).await;
        let cookie = server.sign_in(&user).await;
        let me = server.send(with_cookie(get("/api/v1/me"), &cookie)).await;
        assert_eq!(me.json()["user"]["email"], "ann@segue.test");
        assert_eq!(me.json()["workspace"]["quiet_hours"], json!({"start": "21:00", "end": "08:00"}));

        let out = server.send(with_cookie(request(Method::POST, "/api/v1/logout"), &cookie)).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT);
        assert!(out.header("set-cookie").contains("Max-Age=0"));
        let after = server.send(with_cookie(get("/api/v1/me"), &cookie)).await;
        assert_eq!((after.status, after.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    }
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
    let server = crate::support::server().await;
    server.user("ann", Role::Agent).await;
    let input = json!({"email": "ann@segue.test", "password": PASSWORD});
    let answer = server.send(body(Method::POST, "/api/v1/login", &input)).await;
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http has no secure cookies: {cookie}");

    let config = segue_api::ApiConfig {
        public_origin: Some("https://segue.example".to_owned()),
        ..segue_api::ApiConfig::default()
    };
    let server = Server::configured(segue_testkit::sqlite_store().await, config).await;
    server.user("ann", Role::Agent).await;
    let answer = server.send(body(Method::POST, "/api/v1/login", &input)).await;
    assert!(answer.header("set-cookie").contains("; Secure"), "{}", answer.header("set-cookie"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_look_the_same_and_are_slowed_down() {
    let server = crate::support::server().await;
    server.user("ann", Role::Agent).await;
    let attempt = async |email: &str| {
        let input = json!({"email": email, "password": "wrong wrong wrong wrong"});
        server.send(body(Method::POST, "/api/v1/login", &input)).await
    };
    let (wrong, unknown) = (attempt("ann@segue.test").await, attempt("bob@segue.test").await);
    assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_credentials"));
    assert_eq!((unknown.status, unknown.json()["detail"].clone()), (wrong.status, wrong.json()["detail"].clone()));
    for _ in 0..9 {
        attempt("ann@segue.test").await;
    }
    let slowed = attempt("ann@segue.test").await;
    assert_eq!((slowed.status, slowed.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "60"));
}

/// A try to sign in from an address.
fn attempt_from(address: [u8; 4], email: &str, password: &str) -> Request<Body> {
    let mut request = body(Method::POST, "/api/v1/login", &json!({"email": email, "password": password}));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4_711))));
    request
}

#[tokio::test]
async fn of_many_tries_at_once_only_ten_are_looked_at_and_the_owner_gets_in_from_elsewhere() {
    const STRANGER: [u8; 4] = [203, 0, 113, 9];
    for server in servers().await {
        server.user("ann", Role::Agent).await;
        let tries = (0..50).map(|_| server.send(attempt_from(STRANGER, "ann@segue.test", "wrong wrong wrong")));
        let answers = futures::future::join_all(tries).await;
        let looked_at = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
        let refused = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
        assert_eq!((looked_at, refused), (10, 40), "{}", server.test.engine);
        let stranger = server.send(attempt_from(STRANGER, "ann@segue.test", PASSWORD)).await;
        assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS, "even the right password waits");
        let owner = server.send(attempt_from([192, 0, 2, 1], "ann@segue.test", PASSWORD)).await;
        assert_eq!(owner.status, StatusCode::OK, "{}", owner.text());
    }
}

#[tokio::test]
async fn an_endless_email_is_no_email() {
    let server = crate::support::server().await;
    let endless = format!("{}@segue.test", "x".repeat(1 << 19));
    let refused = server.send(attempt_from([203, 0, 113, 9], &endless, PASSWORD)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_email"));
}

#[tokio::test]
async fn a_login_ends_with_its_time_a_new_role_and_a_new_password() {
    for server in servers().await {
        let admin = server.key(Role::Admin).await;
        let user = server.user("ann", Role::Agent).await;
        let path = format!("/api/v1/users/{}", user.id);
        for change in
            [json!({"role": "supervisor"}), json!({"password": "another long password"}), json!({"disabled": true})]
        {
            let cookie = match segue_access::login(
                &server.test.store,
                &server.test.ctx,
                &segue_access::LoginThrottle::default(),
                Some(std::net::Ipv4Addr::LOCALHOST.into()),
                &user.email,
                if change["disabled"] == true { "another long password" } else { PASSWORD },
            )
            .await
            {
                Ok((_, token)) => format!("segue_session={token}"),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(server.send(with_cookie(get("/api/v1/me"), &cookie)).await.status, StatusCode::OK);
            assert_eq!(server.patch(&admin, &path, &change).await.status, StatusCode::OK);
            let after = server.send(with_cookie(get("/api/v1/me"), &cookie)).await;
            assert_eq!(after.status, StatusCode::UNAUTHORIZED, "{change}");
        }
        let other = server.user("bob", Role::Agent).await;
        let cookie = server.sign_in(&other).await;
        server.test.clock.advance(25 * time::HOUR);
        assert_eq!(server.send(with_cookie(get("/api/v1/me"), &cookie)).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_can_be_revoked() {
    for server in servers().await {
        let admin = server.key(Role::Admin).await;
        let made = server.post(&admin, "/api/v1/api-keys", &json!({"name": "crm", "role": "marketer"})).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let (secret, id) = (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["api_key"]["id"].clone());
        assert!(!server.get(&admin, "/api/v1/api-keys").await.text().contains(&secret));
        assert_eq!(server.get(&secret, "/api/v1/contacts").await.status, StatusCode::OK);
        let path = format!("/api/v1/api-keys/{}", id.as_str().unwrap());
        let revoked = server.send(with_key(request(Method::DELETE, &path), &admin)).await;
        assert_eq!(revoked.status, StatusCode::NO_CONTENT);
        assert_eq!(server.get(&secret, "/api/v1/contacts").await.status, StatusCode::UNAUTHORIZED);
        let again = server.send(with_key(request(Method::DELETE, &path), &admin)).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn of_a_request_with_a_password_nothing_is_kept() {
    static KEPT: Sql = Sql::portable("KEPT", "SELECT COUNT(*) FROM idempotency_keys WHERE workspace_id = $1");
    for server in servers().await {
        let (admin, workspace_id) = (server.key(Role::Admin).await, server.workspace_id());
        let input = json!({"email": "bob@segue.test", "name": "Bob", "role": "agent", "password": PASSWORD});
        let create = || {
            let request = with_key(body(Method::POST, "/api/v1/users", &input), &admin);
            server.send(with(request, "idempotency-key", "k-1"))
        };
        assert_eq!(create().await.status, StatusCode::CREATED, "{}", server.test.engine);
        let read = server
            .test
            .store
            .read::<_, StoreError, _>(move |tx| tx.query_one(&KEPT, &[&workspace_id], |row| row.next::<i64>()));
        assert_eq!(read.await.unwrap(), 0, "{}", server.test.engine);
        assert_eq!(create().await.status, StatusCode::CONFLICT, "a repeat makes no second user");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = crate::support::server().await;
    let (key, user) = (server.key(Role::Admin).await, server.user("ann", Role::Admin).await);
    let path = format!("/api/v1/users/{}", user.id);
    let answer = server.patch(&key, &path, &json!({"disabled": true})).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "last_admin"));
}

#[tokio::test]
async fn the_setup_link_works_once_and_signs_in() {
    for server in servers().await {
        let token = segue_access::issue_setup_token(&server.test.store, &server.test.ctx).await.unwrap().unwrap();
        let input = |token: &str, email: &str| json!({"token": token, "name": "Ann", "email": email, "password": PASSWORD, "workspace_name": "Acme"});
        let wrong = server.send(body(Method::POST, "/api/v1/setup", &input("nonsense", "ann@acme.test"))).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (StatusCode::GONE, "invalid_setup_token"));
        let done = server.send(body(Method::POST, "/api/v1/setup", &input(&token, "ann@acme.test"))).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let cookie = done.header("set-cookie").split(';').next().unwrap().to_owned();
        let me = server.send(with_cookie(get("/api/v1/me"), &cookie)).await.json();
        assert_eq!((&me["user"]["role"], &me["workspace"]["name"]), (&json!("admin"), &json!("Acme")));
        let again = server.send(body(Method::POST, "/api/v1/setup", &input(&token, "bob@acme.test"))).await;
        assert_eq!(again.status, StatusCode::GONE);
    }
}
