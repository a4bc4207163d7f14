//! The whole product in this process, its carriers and phones in the sandbox, and one hand on both clocks.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use segue::{commands::apply::apply_manifest, config::Config, manifest::LoadedManifest, server::Server};
use segue_channels::http::{HttpLimits, http_client};
use segue_model::{Ctx, ManualClock};
use segue_sandbox::{Sandbox, SandboxClock, SandboxConfig};
use segue_testkit::NOON;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The business number of the sandbox.
pub const BUSINESS: &str = "15550783881";
const PASSWORD: &str = "a password for tests";
const API_KEY: &str = "an-api-key-for-the-story-tests";

/// Everything that runs.
pub struct World {
    pub engine: &'static str,
    pub server: Option<Server>,
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    pub ctx: Ctx,
    pub config: Config,
    http: reqwest::Client,
    _directory: TempDir,
}

/// A world for each engine.
pub async fn worlds() -> Vec<World> {
    let mut worlds = vec![World::start("sqlite", None).await];
    // The launcher talks to the server in its own blocking way.
    if let Some(url) = tokio::task::spawn_blocking(segue_testkit::postgres_database).await.unwrap() {
        worlds.push(World::start("postgres", Some(url)).await);
    }
    worlds
}

impl World {
    async fn start(engine: &'static str, database_url: Option<String>) -> Self {
        segue::install_crypto();
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(NOON);
        let ctx = Ctx::seeded(clock.clone(), 7);
        let sandbox =
            Sandbox::start(SandboxConfig { clock: SandboxClock::Virtual(NOON.0), ..Default::default() }).await.unwrap();
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data_directory: directory.path().to_path_buf(),
            database_url: database_url.map(Into::into),
            whatsapp_link_base: sandbox.whatsapp_link_base.clone(),
            workspace_name: Some("Acme Outdoor".to_owned()),
            admin_email: Some("root@acme.example".to_owned()),
            admin_password: Some(PASSWORD.to_owned().into()),
            api_key: Some(API_KEY.to_owned().into()),
            // The providers of the sandbox are on loopback.
            callbacks: segue_channels::outgoing::Reach::Anywhere,
            ..Config::default()
        };
        let http = http_client(HttpLimits::default()).unwrap();
        let server = Server::start(config.clone(), ctx.clone()).await.unwrap();
        let mut world = Self { engine, server: Some(server), sandbox, clock, ctx, config, http, _directory: directory };
        world.set_up().await;
        world
    }

    /// Applies the workspace and waits until the carrier is connected.
    async fn set_up(&mut self) {
        let manifest = self.manifest();
        let store = self.server().store().clone();
        apply_manifest(&store, &self.ctx, &manifest).await.unwrap();
        self.subscribe_webhook().await;
        self.eventually("the templates are taken over", async |world: &Self| {
            world.get("/templates").await["data"].as_array().is_some_and(|rows| !rows.is_empty())
        })
        .await;
        self.eventually("the carrier is connected", async |world: &Self| {
            let status = world.sandbox_get("/status").await;
            status["smpp"]["binds"].as_u64().unwrap_or(0) > 0 || !status["smpp"]["binds"][0].is_null()
        })
        .await;
    }

    fn manifest(&self) -> LoadedManifest {
        let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../demo");
        let text = std::fs::read_to_string(demo.join("workspace.yaml"))
            .unwrap()
            .replace("${DEMO_PASSWORD}", PASSWORD)
            .replace("${DEMO_GRAPH_URL}", &self.sandbox.graph_base_url)
            .replace("${DEMO_SMPP_HOST}", &self.sandbox.smpp_addr.ip().to_string())
            .replace("${DEMO_SMPP_PORT}", &self.sandbox.smpp_addr.port().to_string())
            .replace("slug: demo", "slug: main");
        let open = |file: &std::path::Path| Ok(std::fs::read_to_string(demo.join(file))?);
        LoadedManifest::parse(&text, "workspace.yaml", open).unwrap()
    }

    async fn subscribe_webhook(&self) {
        let channels = self.get("/setup-status").await["channels"].clone();
        let channel = find(&channels, |row| row["kind"] == "whatsapp");
        let url = format!("{}{}", self.url(), channel["webhook_path"].as_str().unwrap());
        self.sandbox_post("/webhook", json!({ "url": url, "verify_token": "sandbox-verify" })).await;
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server().address())
    }

    /// Stops the server as an operator would, then starts it again on the same data.
    pub async fn restart(&mut self) {
        self.server.take().unwrap().shutdown().await;
        self.server = Some(Server::start(self.config.clone(), self.ctx.clone()).await.unwrap());
        self.subscribe_webhook().await;
    }

    /// Moves both clocks.
    pub async fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.clock.advance(millis);
        self.sandbox_post("/clock", json!({ "advance_ms": millis })).await;
    }

    /// Waits until `look` is true; the wait is for a condition, so a slow machine only takes longer.
    pub async fn eventually(&self, what: &str, look: impl AsyncFn(&Self) -> bool) {
        let started = Instant::now();
        while !look(self).await {
            assert!(started.elapsed() < Duration::from_secs(30), "waited too long for: {what} (on {})", self.engine);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    // The product's API ------------------------------------------------------------------------------------------

    /// A call with the API key of an administrator, or with another one. Gives the status and the body.
    pub async fn call(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.url())).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(API_KEY, "GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(API_KEY, "POST", path, Some(body)).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// Uploads a file; gives what is told of it.
    pub async fn upload(&self, path: &str, name: &str, data: &[u8]) -> Value {
        let part = reqwest::multipart::Part::bytes(data.to_vec()).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.http.post(format!("{}/api/v1{path}", self.url())).bearer_auth(API_KEY).multipart(form);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "POST {path}: {}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    /// A call that must be refused: gives the status and the problem's code.
    pub async fn refused(&self, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.call(API_KEY, "POST", path, Some(body)).await;
        assert!(status >= 400, "POST {path} was accepted: {answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.len() > 10, "a refusal says why: {answer}");
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Signs a user in and gives a way to act as them.
    pub async fn sign_in(&self, email: &str) -> Person<'_> {
        let url = format!("{}/api/v1/login", self.url());
        let body = json!({ "email": email, "password": PASSWORD });
        let response = self.http.post(url).header("x-segue-csrf", "1").json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{email} cannot sign in");
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Person { world: self, cookie }
    }

    // The sandbox ------------------------------------------------------------------------------------------------

    pub async fn sandbox_get(&self, path: &str) -> Value {
        let url = format!("http://{}/sandbox/v1{path}", self.sandbox.http_addr);
        let response = self.http.get(url).send().await.unwrap();
        assert!(response.status().is_success(), "sandbox GET {path}: {}", response.status());
        response.json().await.unwrap()
    }

    pub async fn sandbox_bytes(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}/sandbox/v1{path}", self.sandbox.http_addr);
        self.http.get(url).send().await.unwrap().bytes().await.unwrap().to_vec()
    }

    pub async fn sandbox_post(&self, path: &str, body: Value) -> Value {
        self.sandbox_call(reqwest::Method::POST, path, body).await
    }

    pub async fn sandbox_put(&self, path: &str, body: Value) -> Value {
        self.sandbox_call(reqwest::Method::PUT, path, body).await
    }

    async fn sandbox_call(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let url = format!("http://{}/sandbox/v1{path}", self.sandbox.http_addr);
        let response = self.http.request(method, url).json(&body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "sandbox {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Entries of the ledger of one kind.
    pub async fn ledger(&self, kind: &str) -> Vec<Value> {
        let all = self.sandbox_get("/ledger").await;
        all["entries"].as_array().unwrap().iter().filter(|entry| entry["kind"] == kind).cloned().collect()
    }

    /// SMS on a handset that came from the product.
    pub async fn texts(&self, handset: &str) -> Vec<Value> {
        let known = self.sandbox_get("/handsets").await;
        if !known["handsets"].as_array().unwrap().iter().any(|row| row["id"] == handset) {
            return Vec::new();
        }
        let all = self.sandbox_get(&format!("/handsets/{handset}/sms")).await;
        all["messages"].as_array().unwrap().iter().filter(|message| message["direction"] == "in").cloned().collect()
    }

    /// Taps the link of a handset's last SMS and gives what WhatsApp would prefill.
    pub async fn tap(&self, handset: &str, sms: &Value) -> String {
        let url = sms["links"][0].as_str().unwrap();
        let answer = self.sandbox_post(&format!("/handsets/{handset}/tap"), json!({ "url": url })).await;
        answer["prefilled"]["text"].as_str().unwrap_or_else(|| panic!("no chat behind the link: {answer}")).to_owned()
    }

    /// The customer writes in the chat.
    pub async fn chat(&self, handset: &str, text: &str) {
        self.customer_sends(handset, json!({ "type": "text", "text": text })).await;
    }

    pub async fn customer_sends(&self, handset: &str, message: Value) {
        self.sandbox_post(&format!("/handsets/{handset}/chats/{BUSINESS}/messages"), message).await;
    }

    /// What the customer sees in the chat, oldest first.
    pub async fn chat_of(&self, handset: &str) -> Vec<Value> {
        let all = self.sandbox_get(&format!("/handsets/{handset}/chats")).await;
        all["chats"][0]["messages"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the business has said something with these words in the chat.
    pub async fn hears(&self, handset: &str, words: &str) -> Value {
        self.eventually(&format!("{handset} reads '{words}'"), async |world: &Self| {
            world.chat_of(handset).await.iter().any(|message| said(message, words))
        })
        .await;
        self.chat_of(handset).await.into_iter().rfind(|message| said(message, words)).unwrap()
    }

    // The story's people -------------------------------------------------------------------------------------------

    /// Adds a contact, with an SMS opt-in or without.
    pub async fn contact(&self, phone: &str, first_name: &str, opted_in: OptedIn) -> Value {
        let contact = self.post("/contacts", json!({ "phone": phone, "first_name": first_name })).await;
        if opted_in == OptedIn::Yes {
            let path = format!("/contacts/{}/consent-events", contact["id"].as_str().unwrap());
            let grant = json!({
                "channel": "sms", "purpose": "marketing", "action": "grant", "method": "web_form",
                "wording": "Yes, text me offers.", "proof": "form 17",
            });
            self.post(&path, grant).await;
        }
        contact
    }

    /// Adds a campaign to everybody.
    pub async fn campaign(&self, name: &str) -> String {
        let status = self.get("/setup-status").await;
        let whatsapp = find(&status["channels"], |row| row["kind"] == "whatsapp")["id"].clone();
        let input = json!({
            "name": name,
            "sender_id": status["senders"][0]["id"],
            "audience": { "list_id": null, "filter": null },
            "body": "Hi {{ first_name }}, June offer: 20% off tents.",
            "footer": "tracked",
            "whatsapp_channel_id": whatsapp,
            "prefilled_text": "Hi! I have a question about the June offer",
        });
        self.post("/campaigns", input).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn start_campaign(&self, id: &str) {
        self.post(&format!("/campaigns/{id}/start"), json!({})).await;
    }

    /// The funnel's number of one step.
    pub async fn funnel(&self, campaign: &str, step: &str) -> i64 {
        let funnel = self.get(&format!("/campaigns/{campaign}/funnel")).await;
        funnel[step].as_i64().unwrap_or_else(|| panic!("no step {step} in {funnel}"))
    }

    /// All sessions.
    pub async fn sessions(&self) -> Vec<Value> {
        self.get("/sessions?view=all").await["data"].as_array().unwrap().clone()
    }

    /// The transcript of a session.
    pub async fn transcript(&self, session: &str) -> Vec<Value> {
        self.get(&format!("/sessions/{session}/messages?limit=100")).await["data"].as_array().unwrap().clone()
    }

    /// Plays the bot's part until it hands over.
    pub async fn through_the_bot(&self, handset: &str, opening: &str) {
        self.chat(handset, opening).await;
        self.hears(handset, "call you").await;
        self.chat(handset, "Maria").await;
        let question = self.hears_with_buttons(handset, "Order").await;
        let button = find(&question["buttons"], |row| row["title"].as_str().unwrap_or_default().contains("Order"));
        self.customer_sends(handset, json!({ "type": "button_reply", "reply_to": question["id"], "id": button["id"] }))
            .await;
        self.hears(handset, "order number").await;
        self.chat(handset, "ab-123456").await;
        self.eventually("the session waits for an agent", async |world: &Self| {
            world.sessions().await.iter().any(|session| {
                session["state"] == "waiting" || session["state"] == "active" && session["bot_active"] == false
            })
        })
        .await;
    }

    async fn hears_with_buttons(&self, handset: &str, title: &str) -> Value {
        let has = |message: &Value| {
            message["buttons"].as_array().is_some_and(|buttons| {
                buttons.iter().any(|button| button["title"].as_str().unwrap_or_default().contains(title))
            })
        };
        self.eventually(&format!("{handset} sees the button '{title}'"), async |world: &Self| {
            world.chat_of(handset).await.iter().any(has)
        })
        .await;
        self.chat_of(handset).await.into_iter().rfind(|message| has(message)).unwrap()
    }
}

/// Somebody who is signed in.
pub struct Person<'w> {
    world: &'w World,
    cookie: String,
}

impl Person<'_> {
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/api/v1{path}", self.world.url());
        let mut request =
            self.world.http.request(method, url).header("cookie", &self.cookie).header("x-segue-csrf", "1");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(body)).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("PUT", path, Some(body)).await;
        assert!((200..300).contains(&status), "PUT {path}: {status} {answer}");
        answer
    }

    /// Opens the event stream, as a console's tab does; dropping it closes the tab.
    pub async fn open_tab(&self) -> reqwest::Response {
        let url = format!("{}/api/v1/events?since=0", self.world.url());
        let limits = HttpLimits { request: Duration::from_secs(600), ..HttpLimits::default() };
        let client = http_client(limits).unwrap();
        let response = client.get(url).header("cookie", &self.cookie).send().await.unwrap();
        assert_eq!(response.status(), 200, "the event stream opens");
        response
    }

    /// Waits for an offer and gives it.
    pub async fn offer(&self) -> Value {
        let started = Instant::now();
        loop {
            let offers = self.get("/bootstrap").await["offers"].clone();
            if let Some(offer) = offers.as_array().and_then(|offers| offers.first()) {
                return offer.clone();
            }
            assert!(started.elapsed() < Duration::from_secs(30), "no offer on {}", self.world.engine);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn has_offer(&self) -> bool {
        !self.get("/bootstrap").await["offers"].as_array().unwrap().is_empty()
    }
}

/// Whether a contact gets an SMS opt-in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OptedIn {
    Yes,
    No,
}

/// The first row for which `wanted` is true.
pub fn find(rows: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    rows.as_array()
        .unwrap_or_else(|| panic!("not a list: {rows}"))
        .iter()
        .find(|row| wanted(row))
        .unwrap_or_else(|| panic!("nothing fits in {rows}"))
        .clone()
}

fn said(message: &Value, words: &str) -> bool {
    message["direction"] == "in" && message["text"].as_str().unwrap_or_default().contains(words)
}

impl World {
    /// Compares a campaign's recipients with what the carrier accepted: the same people, none missing, none twice.
    pub async fn agrees_with_the_ledger(&self, campaign: &str) {
        let mut recipients = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/campaigns/{campaign}/recipients?limit=100{cursor}")).await;
            recipients.extend(page["data"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut left: Vec<String> = recipients
            .iter()
            .filter(|row| ["sent", "delivered"].contains(&row["state"].as_str().unwrap_or_default()))
            .map(|row| digits(&row["phone"]))
            .collect();
        let mut accepted: Vec<String> = self
            .ledger("sms_accepted")
            .await
            .iter()
            .filter(|entry| entry["text"].as_str().unwrap_or_default().contains("June offer"))
            .map(|entry| digits(&entry["to"]))
            .collect();
        left.sort();
        accepted.sort();
        assert_eq!(left, accepted, "the database and the carrier tell the same on {}", self.engine);
        accepted.dedup();
        assert_eq!(left.len(), accepted.len(), "nobody got it twice");
    }
}

fn digits(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect()
}
