//! What the platform allows a number, and how good it thinks the number is: kept, and acted on.
//!
//! A red number, or one that is flagged, stops marketing from it by itself; a red template stops marketing with it. Service
//! messages go on. It ends when the quality is back, if the workspace wants that, or when an admin lets it.

use segue_channels::whatsapp::{Notice, management::PhoneNumberInfo};
use segue_model::{Timestamp, template_rules::limit_of};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig},
    workspace::BrakeEnd,
};

use crate::supervisor::Env;

/// Takes in what the platform says of a number when it is asked, and when that was. A failure is logged: the next look brings the same.
pub(crate) async fn looked_at(env: &Env, channel: &Channel, (number, asked_at): (PhoneNumberInfo, Timestamp)) {
    let (own, ctx) = (channel.clone(), env.ctx.clone());
    let stored = env.store.write::<_, StoreError, _>(move |tx| seen(tx, &own, &number, (asked_at, ctx.now())));
    if let Err(error) = stored.await {
        tracing::warn!(%error, channel_id = %channel.id, "what WhatsApp says of the number could not be stored");
    }
}

/// A flagged number is one whose quality was bad long enough, whatever its quality is at the moment. What a person let go on
/// stays so for as long as a look finds the same.
fn seen(
    tx: &mut Tx<'_>,
    channel: &Channel,
    number: &PhoneNumberInfo,
    (asked_at, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    if let Some(limit) = number.messaging_limit.as_deref() {
        limit_told(tx, channel, limit, (asked_at, now))?;
    }
    match (number.status.as_deref(), number.quality_rating.as_deref()) {
        (Some("FLAGGED"), _) => stop(tx, channel, ("", NUMBER_IS_FLAGGED), None, now),
        (_, Some("RED")) => stop(tx, channel, ("", NUMBER_IS_RED), None, now),
        (_, Some("GREEN" | "YELLOW")) => quality_is_back(tx, channel, "", now),
        _ => Ok(()),
    }
}

const NUMBER_IS_FLAGGED: &str = "WhatsApp flagged the number: customers block or report it.";
const NUMBER_IS_RED: &str = "The quality of the number is RED: customers block or report it.";

/// Takes in what a notice says of limits and quality.
///
/// # Errors
/// When the store fails.
pub(crate) fn told(
    tx: &mut Tx<'_>,
    channel: &Channel,
    notice: &Notice,
    (told_at, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    match notice {
        Notice::Capability { limit: Some(limit), .. } => limit_told(tx, channel, limit, (told_at, now)),
        Notice::NumberQuality { event, limit, .. } => {
            if let Some(limit) = limit {
                limit_told(tx, channel, limit, (told_at, now))?;
            }
            let is_of_quality = matches!(event.as_str(), "FLAGGED" | "UNFLAGGED");
            if !is_of_quality || !tx.note_number_quality(channel.workspace_id, channel.id, told_at)? {
                return Ok(());
            }
            match event.as_str() {
                "FLAGGED" => stop(tx, channel, ("", NUMBER_IS_FLAGGED), Some(told_at), now),
                "UNFLAGGED" => quality_is_back(tx, channel, "", now),
                _ => Ok(()),
            }
        }
        Notice::TemplateQuality { template, current, .. } => {
            // What is stored is the newest of each language; the notice may be an old one, or of another language.
            let known = tx.is_template_red(channel.workspace_id, channel.id, &template.name)?;
            match (known.unwrap_or(current == "RED"), current.as_str()) {
                (true, "RED") => {
                    let reason = format!("The quality of the template {} is RED.", template.name);
                    stop(tx, channel, (&template.name, &reason), Some(told_at), now)
                }
                (false, "GREEN" | "YELLOW") => quality_is_back(tx, channel, &template.name, now),
                // Another language is red still; what a person decided about that stands.
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn limit_told(tx: &mut Tx<'_>, channel: &Channel, word: &str, times: (Timestamp, Timestamp)) -> Result<(), StoreError> {
    let ChannelConfig::WhatsApp(config) = &channel.config else { return Ok(()) };
    match limit_of(word) {
        Some(most) => tx.set_messaging_limit(channel.workspace_id, config.portfolio(), most, times).map(|_| ()),
        None => Ok(()),
    }
}

/// Stops marketing. What a person let go on is stopped again only by what was told since.
fn stop(
    tx: &mut Tx<'_>,
    channel: &Channel,
    what: (&str, &str),
    told_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.put_brake(channel.workspace_id, channel.id, what, now)?;
    if let Some(told_at) = told_at {
        tx.brake_again(channel.workspace_id, channel.id, what, (told_at, now))?;
    }
    Ok(())
}

fn quality_is_back(tx: &mut Tx<'_>, channel: &Channel, template: &str, now: Timestamp) -> Result<(), StoreError> {
    let Some(workspace) = tx.workspace(channel.workspace_id)? else { return Ok(()) };
    let ends = workspace.settings.campaigns.brake_ends == BrakeEnd::Quality;
    tx.note_quality_is_back(channel.workspace_id, channel.id, (template, ends), now)
}

#[cfg(test)]
#[path = "numbers_tests.rs"]
mod tests;
