//! The result of one run, as a line of JSON.

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{books::Balance, engine::Engine, lab::Lab, machine};

/// See the module documentation. Counts are messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Name of the suite.
    pub suite: String,
    /// What was different in this run, when the suite has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Which protection was taken away, in a control. The check has to notice that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    pub engine: String,
    pub size: String,
    pub recipients: usize,
    pub kills: usize,
    /// Accepted by the carrier.
    pub sent: usize,
    pub delivered: usize,
    pub failed: usize,
    pub lost: usize,
    pub doubled: usize,
    /// The product says something else than the ledger, beyond lost and doubled.
    pub wrong: usize,
    /// Before the receipts came.
    pub unknown: usize,
    /// Made certain by receipts.
    pub resolved: usize,
    /// In the end. None of them was sent, or the run did not pass.
    pub unknown_left: usize,
    /// Most that may be unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<usize>,
    /// Figures of this suite alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Value>,
    /// The promise held; of a control: its check noticed.
    pub passed: bool,
    pub seconds: f64,
    pub date: String,
    pub machine: String,
}

impl Line {
    /// What a reader calls this run.
    pub fn title(&self) -> String {
        let mut title = format!("{} on {} ({})", self.suite, self.engine, self.size);
        for part in [&self.case, &self.control].into_iter().flatten() {
            title.push_str(", ");
            title.push_str(part);
        }
        title
    }

    /// Whether the other line is of the same run at another time.
    pub fn is_repeated_by(&self, other: &Self) -> bool {
        let key = |line: &Self| {
            let Self { suite, case, control, engine, size, .. } = line.clone();
            (suite, case, control, engine, size)
        };
        key(self) == key(other)
    }

    /// Adds the counts of another run under the same name. Figures that begin with `most_` are a maximum.
    pub fn add(&mut self, other: &Self) {
        self.recipients += other.recipients;
        self.kills += other.kills;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
        self.unknown += other.unknown;
        self.resolved += other.resolved;
        self.unknown_left += other.unknown_left;
        self.passed &= other.passed;
        self.seconds += other.seconds;
        for (name, value) in &other.figures {
            let (Some(new), Some(old)) = (value.as_i64(), self.figures.get(name).and_then(Value::as_i64)) else {
                continue;
            };
            let joined = if name.starts_with("most_") { old.max(new) } else { old + new };
            self.figures.insert(name.clone(), joined.into());
        }
    }

    /// A figure of this suite.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(name.to_owned(), value.into());
        self
    }
}

/// Begins a line: what is known before the run.
pub struct Begun<'a> {
    lab: &'a Lab,
    suite: &'static str,
    engine: &'static str,
    started: Instant,
}

impl<'a> Begun<'a> {
    /// Starts the watch.
    pub fn new(lab: &'a Lab, suite: &'static str, engine: &Engine) -> Self {
        Self { lab, suite, engine: engine.name(), started: Instant::now() }
    }

    /// The line of a balance. `passed` is set by the caller.
    pub fn line(&self, balance: &Balance) -> Line {
        Line {
            suite: self.suite.to_owned(),
            case: None,
            control: None,
            engine: self.engine.to_owned(),
            size: self.lab.size.as_str().to_owned(),
            recipients: balance.recipients,
            kills: 0,
            sent: balance.sent,
            delivered: balance.delivered,
            failed: balance.failed,
            lost: balance.lost,
            doubled: balance.doubled,
            wrong: balance.wrong,
            unknown: balance.unknown,
            resolved: 0,
            unknown_left: balance.unknown,
            bound: None,
            figures: BTreeMap::new(),
            passed: false,
            seconds: (self.started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            machine: machine::note(),
        }
    }
}

/// Reads the lines of a file, one each. A file that is not there has none.
///
/// # Errors
/// Names the line that cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    numbered
        .map(|(index, line)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), index + 1))
        })
        .collect()
}

/// Puts a line into a file, in place of an older one of the same run.
///
/// # Errors
/// When the file cannot be read or written.
pub fn keep(path: &Path, line: &Line) -> anyhow::Result<()> {
    let mut lines = read(path)?;
    match lines.iter_mut().find(|kept| kept.is_repeated_by(line)) {
        Some(kept) => *kept = line.clone(),
        None => lines.push(line.clone()),
    }
    let texts = lines.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    std::fs::write(path, texts.join("\n") + "\n").with_context(|| format!("{} cannot be written", path.display()))
}
