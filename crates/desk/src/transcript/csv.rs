//! A transcript as a table, one row for each entry. No cell can act as a formula.

use segue_model::spreadsheet::row;
use segue_store::message::MessageView;

use super::{Chapter, Head, words};

/// The row of names.
pub(super) fn head() -> String {
    row([
        "time",
        "time_zone",
        "conversation",
        "channel",
        "customer",
        "direction",
        "author_kind",
        "author",
        "kind",
        "text",
        "details",
        "file",
        "state",
        "reason",
        "entry",
    ])
}

/// The rows of a page.
pub(super) fn entries(head: &Head, chapter: &Chapter, entries: &[MessageView]) -> String {
    let session = &chapter.session;
    let mut out = String::new();
    for entry in entries {
        let (state, reason) = words::state(entry);
        out.push_str(&row([
            head.zone.show(entry.at).as_str(),
            &head.zone.name,
            &session.id.to_string(),
            &chapter.channel,
            &session.customer.name,
            entry.direction.as_str(),
            entry.author.kind.as_str(),
            &words::author(session, entry),
            entry.kind.as_str(),
            &entry.text,
            &words::lines(entry).join("\n"),
            &words::file(entry).unwrap_or_default(),
            &state,
            &reason,
            &entry.id.to_string(),
        ]));
    }
    out
}
