//! A server in process, and what is needed to talk to it.

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use segue_access::NewUser;
use segue_api::{ApiConfig, AppState};
use segue_model::{WorkspaceId, role::Role};
use segue_outreach::{LinkConfig, Links};
use segue_store::access::User;
use segue_testkit::TestStore;
use serde_json::Value;
use tower::ServiceExt as _;

/// Good enough for the rules of passwords.
pub const PASSWORD: &str = "correct horse battery staple";

pub struct Server {
    pub test: TestStore,
    pub state: AppState,
    pub router: Router,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The stable code of a problem; empty when it is none.
    pub fn code(&self) -> String {
        serde_json::from_slice::<Value>(&self.body)
            .ok()
            .and_then(|body| body["code"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A server on each engine.
pub async fn servers() -> Vec<Server> {
    let mut all = Vec::new();
    for test in segue_testkit::engines().await {
        all.push(Server::start(test).await);
    }
    all
}

/// A server on SQLite, for what does not depend on the engine.
pub async fn server() -> Server {
    Server::start(segue_testkit::sqlite_store().await).await
}

impl Server {
    pub async fn start(test: TestStore) -> Self {
        Self::configured(test, ApiConfig::default()).await
    }

    pub async fn configured(test: TestStore, config: ApiConfig) -> Self {
        let link_config = LinkConfig::new("https://go.segue.test");
        let links = Links::load(&test.store, &test.ctx, link_config).await.unwrap();
        let state = AppState::new(test.store.clone(), test.ctx.clone(), test.bus.clone(), links, config);
        let router = segue_api::router(state.clone());
        Self { test, state, router }
    }

    pub fn workspace_id(&self) -> WorkspaceId {
        self.test.workspace_id()
    }

    /// A key of the test's workspace.
    pub async fn key(&self, role: Role) -> String {
        self.key_of(self.workspace_id(), role).await
    }

    pub async fn key_of(&self, workspace_id: WorkspaceId, role: Role) -> String {
        let made = segue_access::create_key(&self.test.store, &self.test.ctx, workspace_id, "test", role).await;
        made.unwrap().1
    }

    /// A user who can sign in with [`PASSWORD`].
    pub async fn user(&self, name: &str, role: Role) -> User {
        let new =
            NewUser { email: format!("{name}@segue.test"), name: name.to_owned(), role, password: PASSWORD.to_owned() };
        segue_access::create_user(&self.test.store, &self.test.ctx, self.workspace_id(), &new).await.unwrap()
    }

    /// Signs a user in and gives the cookie's value.
    pub async fn sign_in(&self, user: &User) -> String {
        let body = serde_json::json!({ "email": user.email, "password": PASSWORD });
        let answer = self.send(json(Method::POST, "/api/v1/login", &body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Answer { status, headers, body }
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(with_key(get(path), key)).await
    }

    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(with_key(json(Method::POST, path, body), key)).await
    }

    pub async fn patch(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(with_key(json(Method::PATCH, path, body), key)).await
    }
}

pub fn get(path: &str) -> Request<Body> {
    request(Method::GET, path)
}

pub fn request(method: Method, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).unwrap()
}

pub fn json(method: Method, path: &str, body: &Value) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

pub fn with_key(request: Request<Body>, key: &str) -> Request<Body> {
    with(request, "authorization", &format!("Bearer {key}"))
}

/// With the login's cookie, as the console sends it.
pub fn with_cookie(request: Request<Body>, cookie: &str) -> Request<Body> {
    with(with(request, "cookie", cookie), "x-segue-csrf", "1")
}

pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// A form with one file.
pub fn form(path: &str, file_name: &str, data: &[u8], boundary: &str) -> Request<Body> {
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(data);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
}
