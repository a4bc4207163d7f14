//! What operators ask.

use http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use segue_api::{ApiConfig, MetricsAccess};
use segue_model::role::Role;
use segue_store::StoreError;

use crate::support::{Server, get, server, servers, with, with_key};

#[tokio::test]
async fn ready_means_that_the_database_takes_writes() {
    for server in servers().await {
        assert_eq!(server.send(get("/livez")).await.status, StatusCode::OK);
        let ready = server.send(get("/readyz")).await;
        assert_eq!((ready.status, ready.json()["status"].clone()), (StatusCode::OK, "ok".into()));
        let probed =
            async || server.test.store.write::<_, StoreError, _>(|tx| tx.secret_or("readiness_probe", &[])).await;
        let first = probed().await.unwrap();
        assert_eq!(server.send(get("/readyz")).await.status, StatusCode::OK);
        assert_eq!(probed().await.unwrap(), first, "once a second is enough: {}", server.test.engine);
        server.test.clock.advance(1_000);
        assert_eq!(server.send(get("/readyz")).await.status, StatusCode::OK);
        assert_ne!(probed().await.unwrap(), first, "each look changes something: {}", server.test.engine);
        server.test.clock.advance(1_000);
        server.test.store.close();
        assert_eq!(server.send(get("/readyz")).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(server.send(get("/livez")).await.status, StatusCode::OK, "alive without a database");
    }
}

#[tokio::test]
async fn a_server_that_shuts_down_is_not_ready() {
    let server = server().await;
    server.state.shutdown.cancel();
    assert_eq!(server.send(get("/readyz")).await.code(), "shutting_down");
}

/// A server whose metrics these may read, with one request counted.
async fn measured(access: MetricsAccess) -> (Server, PrometheusRecorder) {
    let config = ApiConfig { metrics: access, ..ApiConfig::default() };
    let Server { test, state, .. } = Server::configured(segue_testkit::sqlite_store().await, config).await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let state = state.with_metrics(recorder.handle());
    (Server { router: segue_api::router(state.clone()), test, state }, recorder)
}

#[tokio::test]
async fn metrics_are_shown_by_route_and_hold_no_ids() {
    let (server, recorder) = measured(MetricsAccess::Anybody).await;
    let _installed = metrics::set_default_local_recorder(&recorder);
    server.send(get("/api/v1/contacts/con_00000000000000000000000001")).await;
    let text = server.send(get("/metrics")).await.text();
    assert!(text.contains("segue_http_request_seconds"), "{text}");
    assert!(text.contains("/api/v1/contacts/{id}") && !text.contains("con_0000"), "{text}");
}

#[tokio::test]
async fn invented_methods_are_one_series() {
    let (server, recorder) = measured(MetricsAccess::Anybody).await;
    let _installed = metrics::set_default_local_recorder(&recorder);
    for number in 0..100 {
        let mut request = get("/livez");
        *request.method_mut() = format!("INVENTED{number}").parse().unwrap();
        server.send(request).await;
    }
    let text = server.send(get("/metrics")).await.text();
    let counted = text.lines().filter(|line| line.starts_with("segue_http_request_seconds_count")).count();
    assert_eq!(counted, 1, "{text}");
    assert!(text.contains("method=\"other\"") && !text.contains("INVENTED"), "{text}");
}

#[tokio::test]
async fn metrics_are_for_who_has_their_token_and_for_nobody_else() {
    const TOKEN: &str = "0123456789abcdef01234567";
    let (server, _recorder) = measured(MetricsAccess::Bearer(TOKEN.into())).await;
    let admin = server.key(Role::Admin).await;
    let refused = [
        get("/metrics"),
        with(get("/metrics"), "authorization", "Bearer 0123456789abcdef01234568"),
        with(get("/metrics"), "authorization", "Bearer 0123456789abcdef0123456"),
        with(get("/metrics"), "authorization", "Bearer "),
        with(get("/metrics"), "authorization", TOKEN),
        with(get("/metrics"), "authorization", "Basic 0123456789abcdef01234567"),
        with(get("/metrics?token=0123456789abcdef01234567"), "x-forwarded-for", "127.0.0.1"),
        // What is for one workspace is not for the server.
        with_key(get("/metrics"), &admin),
    ];
    for request in refused {
        let answer = server.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!answer.text().contains("segue_"), "{}", answer.text());
    }
    let shown = server.send(with(get("/metrics"), "authorization", &format!("bearer {TOKEN}"))).await;
    assert_eq!(shown.status, StatusCode::OK);
    // The token opens nothing else.
    let other = server.send(with(get("/api/v1/me"), "authorization", &format!("Bearer {TOKEN}"))).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn metrics_that_are_for_nobody_do_not_exist() {
    let (server, _recorder) = measured(MetricsAccess::Nobody).await;
    assert_eq!(server.send(get("/metrics")).await.status, StatusCode::NOT_FOUND);
    let guess = with(get("/metrics"), "authorization", "Bearer 0123456789abcdef01234567");
    assert_eq!(server.send(guess).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_metrics_the_address_does_not_exist() {
    assert_eq!(server().await.send(get("/metrics")).await.status, StatusCode::NOT_FOUND);
}
