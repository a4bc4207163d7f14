//! The carrier: the sandbox, its faults, its clock, and its ledger, which is the only judge of what was sent.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use segue_channels::http::{HttpLimits, http_client};
use segue_sandbox::{Counters, Sandbox, SandboxConfig};
use serde_json::{Value, json};

use crate::books::Ledger;

/// See the module documentation.
pub struct Carrier {
    sandbox: Sandbox,
    client: reqwest::Client,
    entries: Mutex<Vec<Value>>,
}

impl Carrier {
    /// # Errors
    /// When it cannot listen.
    pub async fn start(config: SandboxConfig) -> anyhow::Result<Self> {
        let sandbox = Sandbox::start(config).await?;
        Ok(Self { sandbox, client: http_client(HttpLimits::default())?, entries: Mutex::new(Vec::new()) })
    }

    /// Where it listens for SMPP.
    pub fn smpp(&self) -> std::net::SocketAddr {
        self.sandbox.smpp_addr
    }

    /// Where it listens for HTTP.
    pub fn http(&self) -> String {
        format!("http://{}", self.sandbox.http_addr)
    }

    /// Where the Graph API is.
    pub fn graph(&self) -> &str {
        &self.sandbox.graph_base_url
    }

    /// Where WhatsApp links lead.
    pub fn whatsapp_link_base(&self) -> &str {
        &self.sandbox.whatsapp_link_base
    }

    /// What has happened so far, in numbers.
    pub fn counters(&self) -> Counters {
        self.sandbox.counters()
    }

    /// Replaces all faults.
    ///
    /// # Errors
    /// When they are not valid.
    pub async fn set_faults(&self, faults: &Value) -> anyhow::Result<()> {
        self.call(self.client.put(self.address("/faults")).json(faults)).await.map(drop)
    }

    /// Changes the clock: `{"mode": …, "set": …, "advance_ms": …}`.
    ///
    /// # Errors
    /// When the change is not valid.
    pub async fn move_clock(&self, change: &Value) -> anyhow::Result<()> {
        self.call(self.client.post(self.address("/clock")).json(change)).await.map(drop)
    }

    /// Lets a customer text the business.
    ///
    /// # Errors
    /// When the phone is not known.
    pub async fn text_from(&self, number: &str, to: &str, text: &str) -> anyhow::Result<()> {
        let digits = number.trim_start_matches('+');
        let body = json!({ "to": to, "text": text });
        self.call(self.client.post(self.address(&format!("/handsets/{digits}/sms"))).json(&body)).await.map(drop)
    }

    /// Adds a phone.
    ///
    /// # Errors
    /// When the number is not valid.
    pub async fn add_phone(&self, number: &str) -> anyhow::Result<()> {
        self.call(self.client.post(self.address("/handsets")).json(&json!({ "phone": number }))).await.map(drop)
    }

    /// How many receipts and texts the product has not acknowledged yet.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn pending(&self) -> anyhow::Result<u64> {
        let status = self.call(self.client.get(self.address("/status"))).await?;
        status["smpp"]["pending_deliveries"].as_u64().context("the status has a count")
    }

    /// Every entry of the ledger. Only what is new is fetched; `acked` is therefore not to be relied on.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn entries(&self) -> anyhow::Result<Vec<Value>> {
        loop {
            let known = self.entries.lock().unwrap_or_else(PoisonError::into_inner).len();
            let new = self.call(self.client.get(self.address(&format!("/ledger?after={known}&limit=5000")))).await?;
            let new = new["entries"].as_array().context("the ledger has entries")?;
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.len() == known {
                entries.extend(new.iter().cloned());
            }
            if new.is_empty() {
                return Ok(entries.clone());
            }
        }
    }

    /// The messages with this text, by number. Each counts once, however many parts it has.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn ledger(&self, text: &str) -> anyhow::Result<Ledger> {
        let mut ledger = Ledger::default();
        for entry in self.entries().await? {
            let (Some(kind), Some(to)) = (entry["kind"].as_str(), entry["to"].as_str()) else { continue };
            if entry["text"] != text {
                continue;
            }
            let side = match kind {
                "sms_accepted" => &mut ledger.accepted,
                "sms_delivered" => &mut ledger.delivered,
                _ => continue,
            };
            *side.entry(to.to_owned()).or_default() += 1;
        }
        Ok(ledger)
    }

    /// Ends it.
    pub async fn shutdown(self) {
        self.sandbox.shutdown().await;
    }

    fn address(&self, path: &str) -> String {
        format!("http://{}/sandbox/v1{path}", self.sandbox.http_addr)
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.send().await?;
        let (status, url) = (response.status(), response.url().path().to_owned());
        let text = response.text().await?;
        if !status.is_success() {
            bail!("the sandbox answered {url} with {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
