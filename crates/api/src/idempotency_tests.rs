//! The layer with handlers that are slow, broken or panic.

use std::{
    future::Future,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Body, response::IntoResponse, response::Response, routing::post};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use segue_model::role::Role;
use segue_outreach::{LinkConfig, Links};
use segue_testkit::TestStore;
use tokio::sync::Notify;
use tower::ServiceExt as _;
use utoipa::openapi::path::Paths;

use crate::{AppState, guard::Guard, problem::Problem, state::ApiConfig};

struct Fixture {
    test: TestStore,
    router: Router,
    key: String,
    calls: Arc<AtomicUsize>,
}

impl Fixture {
    async fn new<F, Fut>(test: TestStore, handler: F) -> Self
    where
        F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        let links = Links::load(&test.store, &test.ctx, LinkConfig::new("https://go.test")).await.unwrap();
        let state = AppState::new(test.store.clone(), test.ctx.clone(), test.bus.clone(), links, ApiConfig::default());
        let key = segue_access::create_key(&test.store, &test.ctx, test.workspace_id(), "k", Role::Admin).await;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let method = post(move || handler(counted.fetch_add(1, Ordering::SeqCst)));
        let (_, _, method) = Guard::signed_in().routes((Vec::new(), Paths::new(), method));
        let router = crate::router::layered(Router::new().route("/do", method), state);
        Self { test, router, key: key.unwrap().1, calls }
    }

    fn request(&self, body: &'static str) -> Request<Body> {
        let builder = Request::builder().method("POST").uri("/do").header("idempotency-key", "k-1");
        builder.header("authorization", format!("Bearer {}", self.key)).body(Body::from(body)).unwrap()
    }

    async fn send(&self, body: &'static str) -> (StatusCode, String, bool) {
        let response = self.router.clone().oneshot(self.request(body)).await.unwrap();
        let replayed = response.headers().contains_key(super::REPLAYED_HEADER);
        let status = response.status();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&text).into_owned(), replayed)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// What was written to the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_cause_of_a_failure_stands_in_the_log_with_the_requests_id() {
    let test = segue_testkit::sqlite_store().await;
    let fixture = Fixture::new(test, async |_| {
        tracing::error!("the cause");
        Problem::internal().into_response()
    })
    .await;
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || written.clone()).finish();
    let installed = tracing::subscriber::set_default(log);
    let (status, answer, _) = fixture.send("a").await;
    drop(installed);
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let cause = lines.lines().find(|line| line.contains("the cause")).expect("the cause is in the log");
    assert!(cause.contains(answer["request_id"].as_str().unwrap()), "{lines}");
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_another_body_is_refused() {
    for test in segue_testkit::engines().await {
        let fixture =
            Fixture::new(test, async |call| (StatusCode::CREATED, format!("{{\"call\":{call}}}")).into_response())
                .await;
        let engine = fixture.test.engine;
        assert_eq!(fixture.send("a").await, (StatusCode::CREATED, "{\"call\":0}".to_owned(), false), "{engine}");
        assert_eq!(fixture.send("a").await, (StatusCode::CREATED, "{\"call\":0}".to_owned(), true), "{engine}");
        let (status, text, _) = fixture.send("b").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{engine}");
        assert!(text.contains("idempotency_key_mismatch"), "{text}");
        assert_eq!(fixture.calls(), 1);
        fixture.test.clock.advance(segue_store::idempotency::KEPT + 1);
        assert_eq!(fixture.send("b").await.1, "{\"call\":1}", "a forgotten key is a new one: {engine}");
    }
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let test = segue_testkit::sqlite_store().await;
    let fixture = Fixture::new(test, async |_| Problem::invalid("name", "Give a name.").into_response()).await;
    let (first, second) = (fixture.send("a").await, fixture.send("a").await);
    assert_eq!(
        (first.0, second.0, second.2),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY, true)
    );
    assert_eq!(fixture.calls(), 1);
    let parsed = |text: &str| {
        let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
        assert!(document["request_id"].take().is_string());
        document
    };
    assert_eq!(parsed(&first.1), parsed(&second.1));
}

#[tokio::test]
async fn our_own_faults_and_what_came_too_often_give_the_key_free() {
    for test in segue_testkit::engines().await {
        let fixture = Fixture::new(test, async |call| match call {
            0 => panic!("a defect"),
            1 => Problem::unavailable().into_response(),
            2 => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_often", "Too often.").into_response(),
            _ => (StatusCode::OK, "done").into_response(),
        })
        .await;
        let engine = fixture.test.engine;
        assert_eq!(fixture.send("a").await.0, StatusCode::INTERNAL_SERVER_ERROR, "{engine}");
        assert_eq!(fixture.send("a").await.0, StatusCode::SERVICE_UNAVAILABLE, "{engine}");
        assert_eq!(fixture.send("a").await.0, StatusCode::TOO_MANY_REQUESTS, "{engine}");
        assert_eq!(fixture.send("a").await, (StatusCode::OK, "done".to_owned(), false), "{engine}");
        assert_eq!(fixture.send("a").await, (StatusCode::OK, "done".to_owned(), true), "{engine}");
    }
}

#[tokio::test]
async fn a_repeat_during_the_work_is_told_to_wait_and_a_client_that_leaves_stops_nothing() {
    for test in segue_testkit::engines().await {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
        let fixture = Fixture::new(test, move |_| {
            let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
            async move {
                tell.notify_one();
                wait.notified().await;
                (StatusCode::OK, "done").into_response()
            }
        })
        .await;
        let first = tokio::spawn(fixture.router.clone().oneshot(fixture.request("a")));
        begun.notified().await;
        let (status, text, _) = fixture.send("a").await;
        assert_eq!(status, StatusCode::CONFLICT, "{}", fixture.test.engine);
        assert!(text.contains("idempotency_in_flight"), "{text}");
        first.abort();
        assert!(first.await.is_err_and(|error| error.is_cancelled()));
        go_on.notify_one();
        let finished = async {
            loop {
                let (status, text, replayed) = fixture.send("a").await;
                if status == StatusCode::OK {
                    return (text, replayed);
                }
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        let answer = tokio::time::timeout(patience, finished).await.expect("the work goes on without its client");
        assert_eq!((answer, fixture.calls()), (("done".to_owned(), true), 1), "{}", fixture.test.engine);
    }
}

#[tokio::test]
async fn twenty_at_once_do_it_once() {
    for test in segue_testkit::engines().await {
        let fixture = Fixture::new(test, async |call| (StatusCode::OK, call.to_string()).into_response()).await;
        let answers = futures::future::join_all((0..20).map(|_| fixture.send("a"))).await;
        assert_eq!(fixture.calls(), 1, "{}", fixture.test.engine);
        for (status, text, _) in answers {
            assert!(status == StatusCode::CONFLICT || (status == StatusCode::OK && text == "0"), "{status} {text}");
        }
    }
}
