//! Recipients as CSV, for spreadsheets: every cell quoted, and none can act as a formula.

use segue_model::{Timestamp, spreadsheet::row};
use segue_store::recipient::RecipientView;

/// Names of the columns.
const COLUMNS: [&str; 15] = [
    "position",
    "contact_id",
    "name",
    "phone",
    "state",
    "rule",
    "reason",
    "text",
    "segments",
    "sent_at",
    "delivered_at",
    "first_tap_at",
    "session_id",
    "first_tap_device",
    "first_tap_link",
];

/// The first line.
#[must_use]
pub fn header() -> String {
    line(COLUMNS.into_iter().map(ToOwned::to_owned))
}

/// One line per recipient.
#[must_use]
pub fn lines(recipients: &[RecipientView]) -> String {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let recipients = recipients.iter().map(|recipient| {
        line([
            recipient.position.to_string(),
            recipient.contact_id.to_string(),
            recipient.name.clone().unwrap_or_default(),
            recipient.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
            recipient.state.to_string(),
            recipient.rule.clone().unwrap_or_default(),
            recipient.reason.clone().unwrap_or_default(),
            recipient.text.clone().unwrap_or_default(),
            recipient.segments.map(|segments| segments.to_string()).unwrap_or_default(),
            time(recipient.sent_at),
            time(recipient.delivered_at),
            time(recipient.first_tap_at),
            recipient.session_id.map(|id| id.to_string()).unwrap_or_default(),
            recipient.first_tap_device.map(|device| device.to_string()).unwrap_or_default(),
            recipient.first_tap_link.map(|link| link.to_string()).unwrap_or_default(),
        ])
    });
    recipients.collect()
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    row(cells.iter().map(String::as_str))
}
