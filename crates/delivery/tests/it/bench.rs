//! A database, a sandbox and what lies between them.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use segue_bus::Bus;
use segue_channels::{http::http_client, smpp::Inbound};
use segue_delivery::{Delivery, DeliveryConfig, Files, read_inbound, reports};
use segue_model::{
    Ctx, MessageId, SessionId, Timestamp,
    content::{Content, SmsContent},
    delivery::{MessageClass, OutboxState},
};
use segue_sandbox::{Sandbox, SandboxConfig};
use segue_store::{
    Sql, Store, StoreError, Tx,
    channel::{Channel, ChannelConfig, SmppConfig, WhatsAppConfig},
    outbox::{AddressKind, NewOutbox},
};
use segue_testkit::{TestStore, engines};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The number SMS go out from.
pub const SENDER: &str = "+15550100";

pub struct Bench {
    pub test: TestStore,
    pub sandbox: Sandbox,
}

/// One bench for each database.
pub async fn benches() -> Vec<Bench> {
    let mut all = Vec::new();
    for test in engines().await {
        // An unanswered receipt comes again soon: nodes die in these tests.
        let config = SandboxConfig { smpp_response_timeout: Duration::from_secs(1), ..SandboxConfig::default() };
        let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
        all.push(Bench { test, sandbox });
    }
    all
}

static STATE: Sql = Sql::portable("STATE", "SELECT state FROM outbox WHERE workspace_id = $1 AND id = $2");
static RULE: Sql = Sql::portable("RULE", "SELECT rule FROM outbox WHERE workspace_id = $1 AND id = $2");
static FAILURE: Sql =
    Sql::portable("FAILURE", "SELECT error_class, error_code FROM outbox WHERE workspace_id = $1 AND id = $2");
static PAYLOADS: Sql =
    Sql::portable("PAYLOADS", "SELECT payload FROM inbox WHERE workspace_id = $1 AND kind = $2 ORDER BY id");
static INSERT_USER: Sql = Sql::portable(
    "INSERT_USER",
    "INSERT INTO messaging_users (workspace_id, id, channel_id, created_at, version) VALUES ($1, $2, $3, $4, 1)",
);
static INSERT_SESSION: Sql = Sql::portable(
    "INSERT_SESSION",
    "INSERT INTO sessions (workspace_id, id, channel_id, messaging_user_id, state, attribution, opt_in,
            window_expires_at, gathered, last_at, started_at, version)
        VALUES ($1, $2, $3, $4, 'active', 'none', 'none', $5, '[]', $6, $6, 1)",
);
static INSERT_NUMBER: Sql = Sql::portable(
    "INSERT_NUMBER",
    "INSERT INTO messaging_identifiers (workspace_id, channel_id, kind, value, messaging_user_id)
        SELECT workspace_id, channel_id, 'phone', CAST($3 AS TEXT), messaging_user_id FROM sessions
        WHERE workspace_id = $1 AND id = $2",
);

impl Bench {
    pub async fn write<T: Send + 'static>(
        &self,
        command: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.test.store.write(command).await.unwrap_or_else(|error| panic!("{}: {error}", self.test.engine))
    }

    /// An SMS account at the sandbox, with a registered sender.
    pub async fn sms(&self) -> Channel {
        let config = SmppConfig {
            segments_per_second: 1_000,
            ..SmppConfig::new("127.0.0.1", self.sandbox.smpp_addr.port(), "segue", "sandbox")
        };
        let channel = self.test.channel("sms", ChannelConfig::Smpp(config)).await;
        self.test.sender(channel.id, SENDER).await;
        channel
    }

    /// The WhatsApp number of the sandbox.
    pub async fn whatsapp(&self) -> Channel {
        let config = WhatsAppConfig {
            base_url: self.sandbox.graph_base_url.clone(),
            graph_version: "v26.0".to_owned(),
            waba_id: "102290129340398".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            display_phone_number: "15550783881".to_owned(),
            access_token: "sandbox-token".to_owned(),
            app_secrets: vec!["sandbox-app-secret".to_owned()],
            verify_token: "sandbox-verify".to_owned(),
            portfolio_id: String::new(),
        };
        self.test.channel("wa", ChannelConfig::WhatsApp(config)).await
    }

    /// A session whose service window ends at `window`.
    pub async fn session(&self, channel: &Channel, window: Timestamp) -> SessionId {
        let (workspace_id, channel_id, now) = (self.test.workspace_id(), channel.id, self.test.now());
        let (user, session) = (self.test.ctx.uuid(), self.test.ctx.id::<SessionId>());
        self.write(move |tx| {
            tx.execute(&INSERT_USER, &[&workspace_id, &user, &channel_id, &now])?;
            tx.execute(&INSERT_SESSION, &[&workspace_id, &session, &channel_id, &user, &window, &now])
        })
        .await;
        session
    }

    /// The customer of a session is known at this number.
    pub async fn known_at(&self, session: SessionId, address: &str) {
        let (workspace_id, address) = (self.test.workspace_id(), address.to_owned());
        self.write(move |tx| tx.execute(&INSERT_NUMBER, &[&workspace_id, &session, &address])).await;
    }

    /// An SMS that is due now.
    pub fn sms_to(&self, channel: &Channel, address: &str, text: &str) -> NewOutbox {
        let content = SmsContent::of_text(SENDER.to_owned(), text.to_owned());
        self.new_outbox(channel, address, serde_json::to_value(content).expect("JSON"))
    }

    /// A WhatsApp message of a session that is due now.
    pub fn whatsapp_to(&self, channel: &Channel, address: &str, session: SessionId, content: &Content) -> NewOutbox {
        let payload = serde_json::to_value(content).expect("JSON");
        NewOutbox { session_id: Some(session), ..self.new_outbox(channel, address, payload) }
    }

    fn new_outbox(&self, channel: &Channel, address: &str, payload: Value) -> NewOutbox {
        let id: MessageId = self.test.ctx.id();
        NewOutbox {
            id,
            channel_id: channel.id,
            class: MessageClass::Service,
            dedupe_key: id.to_string(),
            address: address.to_owned(),
            address_kind: AddressKind::Phone,
            payload: payload.into(),
            campaign: None,
            session_id: None,
            not_before: self.test.now(),
            expires_at: None,
            segments: None,
        }
    }

    pub async fn enqueue(&self, message: &NewOutbox) -> MessageId {
        let (workspace_id, row, now) = (self.test.workspace_id(), message.clone(), self.test.now());
        assert!(self.write(move |tx| tx.enqueue(workspace_id, &row, now)).await);
        message.id
    }

    /// Starts delivery, and the worker that applies receipts.
    pub fn start(&self, node: &str) -> Running {
        let (store, ctx) = (self.test.store.clone(), self.test.ctx.clone());
        Running::start(store, self.test.bus.clone(), ctx, node)
    }

    pub async fn state(&self, id: MessageId) -> OutboxState {
        let workspace_id = self.test.workspace_id();
        self.write(move |tx| tx.query_one(&STATE, &[&workspace_id, &id], |row| row.word())).await
    }

    /// The rule that held or refused a message.
    pub async fn rule(&self, id: MessageId) -> Option<String> {
        let workspace_id = self.test.workspace_id();
        self.write(move |tx| tx.query_one(&RULE, &[&workspace_id, &id], |row| row.next())).await
    }

    /// Class and code of a message's failure.
    pub async fn failure(&self, id: MessageId) -> (Option<String>, Option<String>) {
        let workspace_id = self.test.workspace_id();
        self.write(move |tx| tx.query_one(&FAILURE, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))).await
    }

    /// Waits until the message is in this state.
    pub async fn until_state(&self, id: MessageId, wanted: OutboxState) {
        let what = format!("{}: {id} becomes {wanted}", self.test.engine);
        until(&what, async || self.state(id).await == wanted).await;
    }

    /// Sets the sandbox's faults.
    pub async fn faults(&self, faults: Value) {
        self.put("faults", faults).await;
    }

    /// Sets the limits of the sandbox's WhatsApp number.
    pub async fn limits(&self, limits: Value) {
        self.put("limits", limits).await;
    }

    async fn put(&self, what: &str, value: Value) {
        let client = http_client(segue_channels::http::HttpLimits::default()).expect("a client");
        let url = format!("http://{}/sandbox/v1/{what}", self.sandbox.http_addr);
        let answer = client.put(url).json(&value).send().await.expect("the sandbox answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// Entries of one kind in the sandbox's ledger: what really happened.
    pub async fn ledger(&self, kind: &str) -> Vec<Value> {
        let client = http_client(segue_channels::http::HttpLimits::default()).expect("a client");
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let url = format!("http://{}/sandbox/v1/ledger?after={after}", self.sandbox.http_addr);
            let answer = client.get(url).send().await.expect("the sandbox answers");
            let page: Value = answer.json().await.expect("JSON");
            let entries = page["entries"].as_array().cloned().unwrap_or_default();
            let Some(last) = entries.last().and_then(|entry| entry["n"].as_u64()) else { return all };
            after = last;
            all.extend(entries.into_iter().filter(|entry| entry["kind"] == json!(kind)));
        }
    }

    /// What lies in the inbox of one kind, oldest first.
    pub async fn inbox_payloads(&self, kind: &'static str) -> Vec<Value> {
        let workspace_id = self.test.workspace_id();
        self.write(move |tx| tx.query(&PAYLOADS, &[&workspace_id, &kind], |row| row.json())).await
    }

    /// The texts that arrived at the carrier, in order.
    pub async fn sms_texts(&self) -> Vec<String> {
        texts(&self.ledger("sms_accepted").await)
    }

    /// The texts that arrived at WhatsApp, in order.
    pub async fn whatsapp_texts(&self) -> Vec<String> {
        texts(&self.ledger("wa_accepted").await)
    }
}

fn texts(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits for something that must happen.
///
/// # Panics
/// When it does not.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Running delivery together with the worker that takes receipts from the inbox.
pub struct Running {
    delivery: Delivery,
    receipts: JoinHandle<()>,
}

impl Running {
    pub fn start(store: Store, bus: Bus, ctx: Ctx, node: &str) -> Self {
        let receipts = tokio::spawn(take_receipts(store.clone(), ctx.clone()));
        let files = Files::in_database(store.clone(), ctx.clone());
        let delivery =
            Delivery::start(store, bus, ctx, DeliveryConfig { node: node.to_owned(), files, files_origin: None });
        Self { delivery, receipts }
    }

    pub async fn shutdown(self) {
        self.delivery.shutdown().await;
        self.receipts.abort();
    }
}

async fn take_receipts(store: Store, ctx: Ctx) {
    loop {
        let claiming = ctx.clone();
        let claimed = store
            .write::<_, StoreError, _>(move |tx| tx.claim_inbox("receipts", 50, claiming.now().plus(2_000), &claiming))
            .await;
        for item in claimed.unwrap_or_default() {
            let ctx = ctx.clone();
            let applied = store.write::<_, StoreError, _>(move |tx| {
                if let Some(channel) = tx.channel(item.workspace_id, item.channel_id)?
                    && let Ok(Inbound::Receipt(receipt)) = read_inbound(&item.payload)
                {
                    reports::apply_receipt(tx, &ctx, &channel, &receipt)?;
                }
                tx.inbox_done(std::slice::from_ref(&item))
            });
            // What fails is claimed again.
            let _ = applied.await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
