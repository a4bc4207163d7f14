//! `docs/reliability.md`, written from the lines of `docs/reliability.jsonl`.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;

use crate::line::{self, Line};

const LINES: &str = "reliability.jsonl";
const PAGE: &str = "reliability.md";

const HEAD: &str = "\
# What happens when things break

This page is written by `cargo xtask chaos --report` from the results in `reliability.jsonl`; do not edit it by hand.

Every run drives the real binary on a data directory of its own, and speaks to it by its public API. The carrier is the
sandbox, outside of the process that is killed: its ledger has every message that was really accepted and every receipt,
and it is the only judge. The check compares it with what the API says of each recipient.

| column | meaning |
|---|---|
| lost | recipients who got nothing, and whom the product does not show as unknown, failed or excluded |
| doubled | messages beyond the first that a recipient got |
| wrong | recipients of whom the product says something else than the ledger, beyond these two |
| unknown | recipients of whom the product says that it cannot know, before receipts; in brackets the most allowed |
| resolved | of these, made certain by a receipt |
| left | unknown in the end; none of them was sent, or the run does not pass |

A **control** is the same run with the protection taken away from outside: by a change in the database between a kill
and the restart, or by a carrier that breaks its word. It shows that the check would notice; it passes when it does.

Run it yourself: `cargo xtask chaos` (small sizes, also part of `cargo xtask test`), `cargo xtask chaos --size large`, one
suite with `cargo xtask chaos kill`; with `--keep` the results go into `reliability.jsonl` and this page.
";

/// What a suite promises and how it is broken.
struct Chapter {
    suite: &'static str,
    title: &'static str,
    promise: &'static str,
    how: &'static str,
}

const CHAPTERS: &[Chapter] = &[
    Chapter {
        suite: "kill",
        title: "kill -9 in a campaign",
        promise: "Nobody is lost and nobody gets it twice. Whoever may have got it when the server died is shown as \
                  unknown, at most a window of messages per kill, and a receipt makes certain whoever did get it.",
        how: "The server is killed with SIGKILL at random points of a campaign, during planning, sending, and the \
              recovery from the kill before, and started again on the same data. In every second round the carrier has \
              accepted what was on its way and withholds its receipts until the end.",
    },
    Chapter {
        suite: "keyed",
        title: "kill -9 with a provider that honours a key",
        promise: "Nobody is lost, nobody gets it twice, and nobody is unknown: what was being sent when the server died is \
                  sent again under its key.",
        how: "The channel speaks Twilio's dialect to a provider that sends a request with a known `Idempotency-Key` once \
              (the channel's setting `repeats: sent_once`; Twilio itself does not do that). Before each kill it takes some \
              messages and keeps its answers to itself.",
    },
    Chapter {
        suite: "stop",
        title: "a storm of STOPs in a campaign",
        promise: "No message of a campaign begins to leave for a number after that number's STOP has been recorded, and \
                  every STOP is answered once.",
        how: "While a campaign is being sent, the numbers whose turn is next text STOP, so that many race with their own \
              message. By the ledger, no message may follow the confirmation of its own number's STOP, which is queued \
              in the transaction that records the STOP. By the API, no message may have begun after the moment its STOP \
              was recorded; both moments are taken under the lock that orders the two transactions.",
    },
    Chapter {
        suite: "clock",
        title: "quiet hours in every time zone, daylight saving time, jumps of the clock",
        promise: "Nobody is texted between 21:00 and 8:00 of his own clock, and everybody is texted once when the night \
                  is over.",
        how: "One contact lives in each zone of the IANA database. A campaign begins an hour before a change of daylight \
              saving time; time then goes on in steps of half an hour, each once to the last millisecond before and once \
              to the moment itself. In one run the product's clock leaps into the next night, and is set back later. The \
              real binary has no way to move its clock, so here the same server runs in the test's process. The large \
              size runs every change of every zone within a year.",
    },
    Chapter {
        suite: "disk",
        title: "the disk full, and space again",
        promise: "Nothing is lost, doubled or damaged. The campaign holds and the health check names the disk; texts of \
                  customers wait at the carrier; with space again everything goes on without anybody's hand.",
        how: "The data directory is a file system of 64 MiB. In the middle of a campaign its last octet is taken, \
              customers text STOP meanwhile, and the space is given back. In the end SQLite's own check reads the \
              database. On PostgreSQL the disk is the database server's.",
    },
    Chapter {
        suite: "carriers",
        title: "carriers that misbehave",
        promise: "The books are exact in the end: nobody is lost or doubled, what the receipts said is what is shown, and \
                  nobody is left as unknown but those whom a cut connection kept from reaching the carrier.",
        how: "In the middle of a campaign the carrier begins to misbehave in one way.",
    },
    Chapter {
        suite: "webhooks",
        title: "a storm of webhooks, and kill -9 in the middle of it",
        promise: "What customers wrote is in their conversations once, nothing that is not signed gets in, and each \
                  customer is greeted once.",
        how: "Each message is delivered five times, shuffled, with forged ones and garbage in between; what has no answer \
              is delivered again, as Meta does. The server is killed with SIGKILL at random points. In this table \
              recipients are messages, sent are deliveries, and delivered are messages that are in their conversation \
              once, by the API.",
    },
];

/// Writes the page.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(directory: &Path) -> anyhow::Result<()> {
    let page = directory.join(PAGE);
    std::fs::write(&page, render(&line::read(&directory.join(LINES))?))
        .with_context(|| format!("{} cannot be written", page.display()))
}

fn render(lines: &[Line]) -> String {
    let mut page = HEAD.to_owned();
    for chapter in CHAPTERS {
        let own: Vec<&Line> = lines.iter().filter(|line| line.suite == chapter.suite).collect();
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {}: {}\n\n", chapter.suite, chapter.title);
        let _ = write!(page, "**Promise.** {}\n\n**How.** {}\n\n", chapter.promise, chapter.how);
        page.push_str(&table(&own));
    }
    page
}

fn table(lines: &[&Line]) -> String {
    if lines.is_empty() {
        return "No results yet.\n".to_owned();
    }
    let mut table =
        "| run | recipients | kills | sent | delivered | failed | lost | doubled | wrong | unknown | resolved \
                     | left | further figures | result | s |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\
                     ---:|---|---|---:|\n"
            .to_owned();
    for line in lines {
        let _ = writeln!(table, "{}", row(line));
    }
    let mut machines: Vec<String> = lines.iter().map(|line| format!("{} ({})", line.date, line.machine)).collect();
    machines.sort();
    machines.dedup();
    let _ = write!(table, "\nRun on {}.\n", machines.join("; "));
    table
}

fn row(line: &Line) -> String {
    let mut run = format!("{}, {}", line.engine, line.size);
    if let Some(case) = &line.case {
        let _ = write!(run, ", {case}");
    }
    if let Some(control) = &line.control {
        let _ = write!(run, "; **control:** {control}");
    }
    let unknown = line.bound.map_or_else(|| line.unknown.to_string(), |bound| format!("{} ({bound})", line.unknown));
    let figures: Vec<String> = line
        .figures
        .iter()
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), value.to_string().trim_matches('"')))
        .collect();
    let result = match (line.control.is_some(), line.passed) {
        (false, true) => "held",
        (false, false) => "**BROKEN**",
        (true, true) => "noticed",
        (true, false) => "**NOT NOTICED**",
    };
    let counts =
        [line.recipients, line.kills, line.sent, line.delivered, line.failed, line.lost, line.doubled, line.wrong];
    let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
    format!(
        "| {run} | {} | {unknown} | {} | {} | {} | {result} | {} |",
        counts.join(" | "),
        line.resolved,
        line.unknown_left,
        figures.join(", "),
        line.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
    }

    #[test]
    fn the_page_says_what_the_lines_say() {
        let lines = line::read(&docs().join(LINES)).unwrap();
        let page = std::fs::read_to_string(docs().join(PAGE)).unwrap();
        assert_eq!(page, render(&lines), "docs/{PAGE} is out of date; run `cargo xtask chaos --report`");
    }

    #[test]
    fn every_published_run_passed_and_every_suite_has_a_control() {
        let lines = line::read(&docs().join(LINES)).unwrap();
        for line in &lines {
            assert!(line.passed, "{}", line.title());
            assert!(CHAPTERS.iter().any(|chapter| chapter.suite == line.suite), "{}", line.title());
        }
        for chapter in CHAPTERS {
            let own = || lines.iter().filter(|line| line.suite == chapter.suite);
            assert!(own().any(|line| line.control.is_none()), "{} was run", chapter.suite);
            assert!(own().any(|line| line.control.is_some()), "{} has a control", chapter.suite);
        }
        assert_eq!(CHAPTERS.iter().map(|chapter| chapter.suite).collect::<Vec<_>>(), crate::suites::NAMES);
    }
}
