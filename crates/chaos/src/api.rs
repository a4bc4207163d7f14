//! The product's public API, as any program would use it.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use segue_channels::http::{HttpLimits, http_client};
use serde_json::Value;

use crate::books::Recipients;

/// Key of the first start.
pub const KEY: &str = "an-api-key-for-the-chaos-suites";

/// See the module documentation.
#[derive(Debug, Clone)]
pub struct Api {
    pub client: reqwest::Client,
    pub url: String,
}

impl Api {
    /// # Errors
    /// When no client can be made.
    pub fn new(url: String) -> anyhow::Result<Self> {
        Ok(Self { client: http_client(HttpLimits::default())?, url })
    }

    /// # Errors
    /// When there is no answer, or it is not a success.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        read(path, self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY)).await
    }

    /// # Errors
    /// As [`Api::get`].
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        read(path, self.client.post(format!("{}{path}", self.url)).bearer_auth(KEY).json(body)).await
    }

    /// The status and text of the readiness check; `None` without an answer.
    pub async fn readiness(&self) -> Option<(u16, String)> {
        let response = self.client.get(format!("{}/readyz", self.url)).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.text().await.unwrap_or_default()))
    }

    /// Waits until the product is ready.
    ///
    /// # Errors
    /// After `patience`.
    pub async fn wait_until_ready(&self, patience: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let seen = self.readiness().await;
            if matches!(seen, Some((200, _))) {
                return Ok(());
            }
            if started.elapsed() > patience {
                bail!("Segue is not ready after {} s: {seen:?}", patience.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What the product says of each recipient.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn recipients(&self, campaign: &str) -> anyhow::Result<Recipients> {
        let mut recipients = Recipients::new();
        for row in self.recipient_rows(campaign).await? {
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            recipients
                .insert(text("phone").context("a recipient without a number")?, text("state").unwrap_or_default());
        }
        Ok(recipients)
    }

    /// The recipients as the API shows them.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn recipient_rows(&self, campaign: &str) -> anyhow::Result<Vec<Value>> {
        self.pages(&format!("/api/v1/campaigns/{campaign}/recipients?limit=200")).await
    }

    /// How many recipients are in a state.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn count(&self, campaign: &str, state: &str) -> anyhow::Result<usize> {
        let rows = self.pages(&format!("/api/v1/campaigns/{campaign}/recipients?limit=200&state={state}")).await?;
        Ok(rows.len())
    }

    /// Whether a recipient is in one of these states.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn any(&self, campaign: &str, states: &[&str]) -> anyhow::Result<bool> {
        for state in states {
            let path = format!("/api/v1/campaigns/{campaign}/recipients?limit=1&state={state}");
            if self.get(&path).await?["data"].as_array().is_none_or(|rows| !rows.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All rows of a list. `path` has a query already.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn pages(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{cursor}")).await?;
            rows.extend(page["data"].as_array().context("a page has data")?.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }

    /// How many recipients the plan of a campaign has so far.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn planned(&self, campaign: &str) -> anyhow::Result<usize> {
        let counts = self.get(&format!("/api/v1/campaigns/{campaign}/funnel")).await?;
        Ok(usize::try_from(counts["planned"].as_u64().context("a funnel counts")?)?)
    }
}

async fn read(path: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.with_context(|| format!("{path} gave no answer"))?;
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{path} answered {status}: {text}");
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}
