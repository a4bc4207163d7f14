//! Hours that a sender keeps beside those of its workspace, by the clock on the recipient's wall.
//!
//! They can only make the workspace's hours stricter: a message leaves when both are open.

use serde::{Deserialize, Serialize};

use crate::{
    quiet_hours::QuietHours,
    week_hours::{QuietSpan, WeekHours},
};

/// When nothing promotional leaves from a sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SenderHours {
    /// Every night.
    pub quiet_hours: QuietHours,
    /// On certain weekdays.
    pub quiet_spans: Vec<QuietSpan>,
}

impl Default for SenderHours {
    fn default() -> Self {
        Self { quiet_hours: QuietHours::NONE, quiet_spans: Vec::new() }
    }
}

impl SenderHours {
    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.week().is_always()
    }

    /// The hours in which it sends.
    #[must_use]
    pub fn week(&self) -> WeekHours {
        WeekHours::of_workspace(self.quiet_hours, &self.quiet_spans)
    }
}
