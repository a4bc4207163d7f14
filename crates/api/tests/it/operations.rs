//! What operators ask.

use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{Server, get, server, servers};

#[tokio::test]
async fn ready_means_that_the_database_takes_writes() {
    for server in servers().await {
        assert_eq!(server.send(get("/livez")).await.status, StatusCode::OK);
        let ready = server.send(get("/readyz")).await;
        assert_eq!((ready.status, ready.json()["status"].clone()), (StatusCode::OK, "ok".into()));
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

#[tokio::test]
async fn metrics_are_shown_by_route_and_hold_no_ids() {
    let Server { test, state, .. } = server().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let state = state.with_metrics(recorder.handle());
    let server = Server { router: segue_api::router(state.clone()), test, state };
    let _installed = metrics::set_default_local_recorder(&recorder);
    server.send(get("/api/v1/contacts/con_00000000000000000000000001")).await;
    let text = server.send(get("/metrics")).await.text();
    assert!(text.contains("segue_http_request_seconds"), "{text}");
    assert!(text.contains("/api/v1/contacts/{id}") && !text.contains("con_0000"), "{text}");
}

#[tokio::test]
async fn without_metrics_the_address_does_not_exist() {
    assert_eq!(server().await.send(get("/metrics")).await.status, StatusCode::NOT_FOUND);
}
