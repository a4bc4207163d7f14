//! A transcript as a page to read and print. It needs nothing from the network and runs nothing.

use std::fmt::Write as _;

use segue_store::message::{Direction, MessageKind, MessageView};

use super::{Chapter, Head, words};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;\
     color:CanvasText;background:Canvas;color-scheme:light dark}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem;\
     border-top:1px solid;padding-top:1rem}ol{list-style:none;padding:0}li{margin:.75rem 0;padding:.5rem .75rem;\
     border-left:3px solid #8a8f98}li.outbound{border-color:#0b6b4f}li.system{border-color:#b07b00}\
     p{margin:.15rem 0;white-space:pre-wrap;overflow-wrap:anywhere}.meta{font-size:.85rem;opacity:.8}";

/// Text that stands in a page as it is.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// What stands above the conversations.
pub(super) fn head(head: &Head) -> String {
    let inside = if head.include_notes {
        "Notes and lines of the product are in it; they are for colleagues alone."
    } else {
        "Notes for colleagues are left out."
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Transcript</title><style>{STYLE}</style></head><body>\
         <h1>Transcript of {}</h1><p>Taken out by {} on {}.</p><p>Times are of {}, with their distance from UTC. {inside}</p>\n",
        plain(&head.workspace),
        plain(&head.actor),
        head.zone.show(head.at),
        plain(&head.zone.name),
    )
}

/// A page of entries; with the heading of the conversation when they are the first, and its end when they are the last.
pub(super) fn entries(head: &Head, chapter: &Chapter, entries: &[MessageView], first: bool, last: bool) -> String {
    let mut out = String::new();
    let session = &chapter.session;
    if first {
        let known = [session.customer.phone.as_ref().map(ToString::to_string), session.customer.username.clone()];
        let known: Vec<String> = known.into_iter().flatten().collect();
        let _ = writeln!(
            out,
            "<section><h2>{}</h2><p class=\"meta\">{} · {} · began {}{} · {}</p><ol>",
            plain(&session.customer.name),
            plain(&chapter.channel),
            plain(&known.join(" · ")),
            head.zone.show(session.started_at),
            session.ended_at.map(|at| format!(" · ended {}", head.zone.show(at))).unwrap_or_default(),
            session.id,
        );
    }
    for entry in entries {
        out.push_str(&item(head, chapter, entry));
    }
    if last {
        out.push_str("</ol></section>\n");
    }
    out
}

fn item(head: &Head, chapter: &Chapter, entry: &MessageView) -> String {
    let class = match entry.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
        Direction::System => "system",
    };
    let kind = match entry.kind {
        MessageKind::Text | MessageKind::System => String::new(),
        kind => format!(" · {kind}"),
    };
    let (state, reason) = words::state(entry);
    let state = if state.is_empty() { state } else { format!(" · {state}") };
    let mut out = format!(
        "<li class=\"{class}\" id=\"{}\"><p class=\"meta\"><time datetime=\"{}\">{}</time> · <strong>{}</strong>{kind}{state}</p>",
        entry.id,
        entry.at.to_rfc3339(),
        head.zone.show(entry.at),
        plain(&words::author(&chapter.session, entry)),
    );
    if !entry.text.trim().is_empty() {
        let _ = write!(out, "<p>{}</p>", plain(&entry.text));
    }
    if let Some(file) = words::file(entry) {
        let _ = write!(out, "<p>File: {}</p>", plain(&file));
    }
    for line in words::lines(entry) {
        let _ = write!(out, "<p class=\"meta\">{}</p>", plain(&line));
    }
    if !reason.is_empty() {
        let _ = write!(out, "<p class=\"meta\">{}</p>", plain(&reason));
    }
    out.push_str("</li>\n");
    out
}

/// The end, with how many conversations were left out.
pub(super) fn foot(hidden: usize) -> String {
    let left_out = match hidden {
        0 => String::new(),
        1 => "<p>One conversation is left out: whoever took this out may not read it.</p>".to_owned(),
        count => format!("<p>{count} conversations are left out: whoever took this out may not read them.</p>"),
    };
    format!("{left_out}</body></html>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_a_tag() {
        assert_eq!(plain("<b a=\"1\">'&'</b>"), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;");
    }
}
