//! A campaign to everybody: its audience, its start, and the wait for its end.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;

use crate::{api::Api, books::Balance, carrier::Carrier};

/// The text of the campaign; the ledger is read by it.
pub const TEXT: &str = "June offer: 20% off tents.";
/// How often the product and the carrier are looked at while a condition is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// `count` numbers in a row, of a country whose law does not limit the hours: the suites run at any hour.
pub fn audience(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("+44770{:07}", 900_000 + number)).collect()
}

/// The contacts as a file to import.
pub fn csv(audience: &[String]) -> String {
    let mut csv = "phone,first_name\n".to_owned();
    for number in audience {
        csv.push_str(number);
        csv.push_str(",Customer\n");
    }
    csv
}

/// Writes a campaign and starts it. Gives its id.
///
/// # Errors
/// When the API refuses.
pub async fn start(api: &Api) -> anyhow::Result<String> {
    let status = api.get("/api/v1/setup-status").await?;
    let input = json!({
        "name": "June offer",
        "sender_id": status["senders"][0]["id"],
        "audience": { "list_id": null, "filter": null },
        "body": TEXT,
        "footer": "none",
        "whatsapp_channel_id": null,
        "prefilled_text": "",
    });
    let campaign = api.post("/api/v1/campaigns", &input).await?;
    let id = campaign["id"].as_str().context("a campaign has an id")?.to_owned();
    api.post(&format!("/api/v1/campaigns/{id}/start"), &json!({})).await?;
    Ok(id)
}

/// Waits until nothing of the campaign is on its way any more. Gives how many recipients are unknown then.
///
/// # Errors
/// After `patience`.
pub async fn wait_until_sent(
    api: &Api,
    campaign: &str,
    recipients: usize,
    patience: Duration,
) -> anyhow::Result<usize> {
    let started = Instant::now();
    loop {
        if api.planned(campaign).await? == recipients
            && !api.any(campaign, &["planned", "queued", "held", "submitting"]).await?
        {
            return api.count(campaign, "unknown").await;
        }
        if started.elapsed() > patience {
            bail!("The campaign is not through after {} s.", patience.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the books are exact and every end is shown, or `patience` is over. The balance says which it is.
///
/// # Errors
/// When the product or the carrier gives no answer.
pub async fn wait_for_balance(
    api: &Api,
    carrier: &Carrier,
    campaign: &str,
    audience: &[String],
    patience: Duration,
) -> anyhow::Result<Balance> {
    let started = Instant::now();
    loop {
        let pending = carrier.pending().await?;
        let balance = Balance::of(audience, &api.recipients(campaign).await?, &carrier.ledger(TEXT).await?);
        if pending == 0 && balance.is_exact() && balance.settled() == audience.len() || started.elapsed() > patience {
            return Ok(balance);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until the carrier has accepted so many messages.
///
/// # Errors
/// After two minutes without a further one.
pub async fn wait_until_accepted(carrier: &Carrier, count: usize) -> anyhow::Result<()> {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let accepted = usize::try_from(carrier.counters().sms_accepted)?;
        if accepted >= count {
            return Ok(());
        }
        if accepted > seen {
            (seen, since) = (accepted, Instant::now());
        }
        if since.elapsed() > Duration::from_secs(120) {
            bail!("The campaign stands still: {accepted} of {count} were sent.");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
