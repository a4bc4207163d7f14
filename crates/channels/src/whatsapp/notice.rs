//! What Meta tells about the account, its numbers and its templates, apart from conversations.
//!
//! A [`Notice`] is what happened in fields; [`Notice::text`] says it to a person and [`Notice::severity`] how much it
//! matters. Words that Meta adds later are kept as they came and shown as information, never dropped.

use segue_model::{Timestamp, notice::Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient::{field, integer, list, raw_text, text, timestamp};

/// A template, as the webhooks about it name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTemplate {
    /// Meta's id.
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// Language with an underscore; Meta writes `en-US` and `en_US`.
    pub language: Option<String>,
}

/// A restriction of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// `RESTRICTED_BIZ_INITIATED_MESSAGING` and others.
    pub kind: String,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// How customers take a template has changed.
    TemplateQuality {
        template: NamedTemplate,
        /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
        previous: Option<String>,
        current: String,
    },
    /// A template's category is about to change, or has changed: prices follow the category.
    TemplateCategory {
        template: NamedTemplate,
        /// Until now; told when it has changed.
        previous: Option<String>,
        /// Now.
        current: String,
        /// What it is about to become; told a day ahead.
        next: Option<String>,
        /// When it becomes that.
        changes_at: Option<Timestamp>,
    },
    /// A template's text was changed outside of Segue.
    TemplateText { template: NamedTemplate, body: Option<String>, header: Option<String>, footer: Option<String> },
    /// A number's standing or limit has changed.
    NumberQuality {
        number: Option<String>,
        /// `FLAGGED`, `UNFLAGGED`, `UPGRADE`, `DOWNGRADE`, `ONBOARDING` or `THROUGHPUT_UPGRADE`.
        event: String,
        /// `TIER_2K` and so on.
        previous_limit: Option<String>,
        limit: Option<String>,
    },
    /// What the business may do has changed.
    Capability {
        /// Customers in 24 hours outside of their windows: a tier's word, or a number (-1 is no limit).
        limit: Option<String>,
        /// Numbers the account may have.
        most_numbers: Option<i64>,
    },
    /// Something happened to the account.
    Account {
        /// `ACCOUNT_RESTRICTION`, `DISABLED_UPDATE` and others.
        event: String,
        /// What is restricted.
        restrictions: Vec<Restriction>,
        /// What was violated.
        violation: Option<String>,
        /// `SCHEDULE_FOR_DISABLE`, `DISABLE` or `REINSTATE`.
        ban: Option<String>,
        /// When the ban takes effect, in Meta's words.
        ban_date: Option<String>,
    },
    /// An alert of Meta's about the account, the business or a number.
    Alert {
        /// `CRITICAL`, `WARNING` or `INFORMATIONAL`.
        severity: String,
        kind: String,
        description: Option<String>,
    },
    /// The review of the account has ended.
    Review { decision: String },
    /// The review of a number's display name has ended.
    NumberName { number: Option<String>, decision: String, name: Option<String>, reason: Option<String> },
    /// Somebody touched a number's two-step PIN.
    Security { number: Option<String>, event: String },
    /// A form of the business was published, withdrawn or stopped.
    FormStatus {
        /// Meta's id.
        form: String,
        /// `PUBLISHED`, `DEPRECATED`, `BLOCKED`, `THROTTLED` or `DRAFT`.
        previous: Option<String>,
        current: String,
    },
    /// The business's own username.
    Username { number: Option<String>, username: Option<String>, status: String },
}

impl Notice {
    /// The number of ours that it is about, as Meta shows it; none when it is about a template or the whole account.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        match self {
            Self::NumberQuality { number, .. }
            | Self::NumberName { number, .. }
            | Self::Security { number, .. }
            | Self::Username { number, .. } => number.as_deref(),
            Self::TemplateQuality { .. }
            | Self::TemplateCategory { .. }
            | Self::TemplateText { .. }
            | Self::Capability { .. }
            | Self::Account { .. }
            | Self::Alert { .. }
            | Self::FormStatus { .. }
            | Self::Review { .. } => None,
        }
    }

    /// Reads the value of a webhook field; `None` when the field is none of these or lacks its essential part.
    pub(super) fn of(name: &str, value: &Value) -> Option<Self> {
        let word = |name: &str| text(value, name).map(|word| word.to_ascii_uppercase());
        let number = || text(value, "display_phone_number");
        Some(match name {
            "message_template_quality_update" => Self::TemplateQuality {
                template: template(value)?,
                previous: word("previous_quality_score"),
                current: word("new_quality_score")?,
            },
            "template_category_update" => Self::TemplateCategory {
                template: template(value)?,
                previous: word("previous_category"),
                current: word("new_category")?,
                next: word("correct_category"),
                changes_at: timestamp(value, "category_update_timestamp"),
            },
            "message_template_components_update" => Self::TemplateText {
                template: template(value)?,
                body: text(value, "message_template_element"),
                header: text(value, "message_template_title"),
                footer: text(value, "message_template_footer"),
            },
            "phone_number_quality_update" => Self::NumberQuality {
                number: number(),
                event: word("event")?,
                previous_limit: word("old_limit"),
                limit: word("max_daily_conversations_per_business").or_else(|| word("current_limit")),
            },
            "business_capability_update" => {
                let limit =
                    word("max_daily_conversations_per_business").or_else(|| word("max_daily_conversation_per_phone"));
                let most_numbers = integer(value, "max_phone_numbers_per_waba")
                    .or_else(|| integer(value, "max_phone_numbers_per_business"));
                if limit.is_none() && most_numbers.is_none() {
                    return None;
                }
                Self::Capability { limit, most_numbers }
            }
            "account_update" => account(value)?,
            "account_alerts" => {
                let info = field(value, "alert_info").unwrap_or(value);
                Self::Alert {
                    severity: text(info, "alert_severity").unwrap_or_default().to_ascii_uppercase(),
                    kind: text(info, "alert_type")?,
                    description: text(info, "alert_description"),
                }
            }
            "account_review_update" => Self::Review { decision: word("decision")? },
            "phone_number_name_update" => Self::NumberName {
                number: number(),
                decision: word("decision")?,
                name: text(value, "requested_verified_name"),
                reason: text(value, "rejection_reason").filter(|reason| reason != "NONE"),
            },
            "security" => Self::Security { number: number(), event: word("event")? },
            "flows" if word("event").as_deref() == Some("FLOW_STATUS_CHANGE") => Self::FormStatus {
                form: text(value, "flow_id")?,
                previous: word("old_status"),
                current: word("new_status")?,
            },
            "business_username_updates" => Self::Username {
                number: number(),
                username: text(value, "username"),
                status: raw_text(value, "status")?.to_ascii_lowercase(),
            },
            _ => return None,
        })
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        use Severity::{Critical, Information, Warning};
        match self {
            Self::TemplateQuality { current, .. } => match current.as_str() {
                "RED" | "YELLOW" => Warning,
                _ => Information,
            },
            Self::TemplateCategory { .. } => Warning,
            Self::NumberQuality { event, .. } => match event.as_str() {
                "FLAGGED" | "DOWNGRADE" => Warning,
                _ => Information,
            },
            Self::Account { event, ban, .. } => match event.as_str() {
                "DISABLED_UPDATE" if ban.as_deref() == Some("REINSTATE") => Information,
                "ACCOUNT_DELETED"
                | "ACCOUNT_RESTRICTION"
                | "ACCOUNT_VIOLATION"
                | "DISABLED_UPDATE"
                | "ACCOUNT_OFFBOARDED"
                | "PARTNER_REMOVED" => Critical,
                _ => Information,
            },
            Self::Alert { severity, .. } => match severity.as_str() {
                "CRITICAL" => Critical,
                "WARNING" => Warning,
                _ => Information,
            },
            Self::Review { decision } | Self::NumberName { decision, .. } => match decision.as_str() {
                "REJECTED" => Warning,
                _ => Information,
            },
            Self::Security { .. } => Warning,
            Self::FormStatus { current, .. } => match current.as_str() {
                "DEPRECATED" | "BLOCKED" | "THROTTLED" => Warning,
                _ => Information,
            },
            Self::TemplateText { .. } | Self::Capability { .. } | Self::Username { .. } => Information,
        }
    }

    /// What happened, for a person, with what to do where something can be done.
    #[must_use]
    pub fn text(&self) -> String {
        let of_number =
            |number: &Option<String>| number.as_ref().map_or_else(String::new, |number| format!(" {number}"));
        match self {
            Self::TemplateQuality { template, previous, current } => {
                let name = template.shown();
                let before =
                    previous.as_ref().map_or_else(String::new, |previous| format!(", before it was {previous}"));
                let advice = match current.as_str() {
                    "RED" => " WhatsApp will pause it if this goes on: change its text or send it to fewer people.",
                    "YELLOW" => " Look at who gets it and what they answer.",
                    _ => "",
                };
                format!("The quality of the template {name} is {current}{before}.{advice}")
            }
            Self::TemplateCategory { template, previous: Some(previous), current, .. } => format!(
                "WhatsApp moved the template {} from {previous} to {current}. Its price and the consent it needs follow.",
                template.shown()
            ),
            Self::TemplateCategory { template, current, next: Some(next), .. } => format!(
                "WhatsApp will move the template {} from {current} to {next}. Its price and the consent it needs follow.",
                template.shown()
            ),
            Self::TemplateCategory { template, current, .. } => {
                format!("The template {} is in the category {current}.", template.shown())
            }
            Self::TemplateText { template, .. } => {
                format!("The text of the template {} was changed at WhatsApp.", template.shown())
            }
            Self::NumberQuality { number, event, limit, .. } => {
                let number = of_number(number);
                let limit = limit.as_ref().map_or_else(String::new, |limit| format!(" Its limit is {limit}."));
                match event.as_str() {
                    "FLAGGED" => format!(
                        "The number{number} is flagged: customers block or report it. Pause campaigns and check what \
                         they receive.{limit}"
                    ),
                    "UNFLAGGED" => format!("The number{number} is no longer flagged.{limit}"),
                    "DOWNGRADE" => format!("WhatsApp lowered the limit of the number{number}.{limit}"),
                    "UPGRADE" | "THROUGHPUT_UPGRADE" => {
                        format!("WhatsApp raised what the number{number} may send.{limit}")
                    }
                    other => format!("WhatsApp says {other} about the number{number}.{limit}"),
                }
            }
            Self::Capability { limit, most_numbers } => {
                let limit = limit.as_ref().map(|limit| match limit.as_str() {
                    "-1" | "TIER_UNLIMITED" => "It may start any number of conversations a day.".to_owned(),
                    limit => format!("Its limit of conversations it may start in 24 hours is {limit}."),
                });
                let numbers = most_numbers.map(|most| format!("It may have {most} numbers."));
                let all: Vec<String> = [Some("What the business may do has changed.".to_owned()), limit, numbers]
                    .into_iter()
                    .flatten()
                    .collect();
                all.join(" ")
            }
            Self::Account { event, restrictions, violation, ban, ban_date } => {
                account_text(event, restrictions, violation.as_deref(), ban.as_deref(), ban_date.as_deref())
            }
            Self::Alert { kind, description, .. } => match description {
                Some(description) => format!("WhatsApp alerts ({kind}): {description}"),
                None => format!("WhatsApp alerts: {kind}."),
            },
            Self::Review { decision } => format!("WhatsApp's review of the account ended: {decision}."),
            Self::NumberName { number, decision, name, reason } => {
                let name = name.as_ref().map_or_else(String::new, |name| format!(" \u{201c}{name}\u{201d}"));
                let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" Reason: {reason}."));
                format!("The display name{name} of the number{}: {decision}.{reason}", of_number(number))
            }
            Self::Security { number, event } => {
                let number = of_number(number);
                match event.as_str() {
                    "PIN_CHANGED" => format!("The two-step PIN of the number{number} was changed."),
                    "PIN_RESET_REQUEST" => {
                        format!(
                            "Somebody asked to reset the two-step PIN of the number{number}. If it was not you, act now."
                        )
                    }
                    "PIN_RESET_SUCCESS" => format!("The two-step PIN of the number{number} was reset."),
                    other => format!("WhatsApp says {other} about the security of the number{number}."),
                }
            }
            Self::FormStatus { form, previous, current } => {
                let before =
                    previous.as_ref().map_or_else(String::new, |previous| format!(", before it was {previous}"));
                let advice = match current.as_str() {
                    "PUBLISHED" => " Take the forms over in Setup, Templates, if it is not among them.",
                    _ => " It is not offered; bots go on as if it had not been filled in.",
                };
                format!("The form {form} is {current} at WhatsApp{before}.{advice}")
            }
            Self::Username { number, username, status } => {
                let username = username.as_ref().map_or_else(String::new, |username| format!(" @{username}"));
                format!("The username{username} of the number{}: {status}.", of_number(number))
            }
        }
    }

    /// The template it is about.
    #[must_use]
    pub const fn template(&self) -> Option<&NamedTemplate> {
        match self {
            Self::TemplateQuality { template, .. }
            | Self::TemplateCategory { template, .. }
            | Self::TemplateText { template, .. } => Some(template),
            _ => None,
        }
    }

    /// Whether nothing may be sent from the account any more until an admin acted. What only warns of that does not.
    #[must_use]
    pub fn stops_sending(&self) -> bool {
        let Self::Account { event, ban, .. } = self else { return false };
        match (event.as_str(), ban.as_deref()) {
            ("ACCOUNT_VIOLATION", _) | ("DISABLED_UPDATE", Some("SCHEDULE_FOR_DISABLE")) => false,
            _ => self.severity() == Severity::Critical,
        }
    }

    /// What of the account it tells the standing of: of two about the same, the later one counts.
    #[must_use]
    pub fn standing(&self) -> Option<&'static str> {
        let Self::Account { event, .. } = self else { return None };
        match event.as_str() {
            "DISABLED_UPDATE" => Some("ban"),
            "ACCOUNT_OFFBOARDED" | "ACCOUNT_RECONNECTED" => Some("app"),
            "PARTNER_REMOVED" | "PARTNER_ADDED" => Some("partner"),
            _ => None,
        }
    }
}

impl NamedTemplate {
    fn shown(&self) -> String {
        match &self.language {
            Some(language) => format!("{} ({language})", self.name),
            None => self.name.clone(),
        }
    }
}

pub(super) fn template(value: &Value) -> Option<NamedTemplate> {
    Some(NamedTemplate {
        id: text(value, "message_template_id"),
        name: text(value, "message_template_name")?,
        language: text(value, "message_template_language").map(|language| language.replace('-', "_")),
    })
}

fn account(value: &Value) -> Option<Notice> {
    let ban = field(value, "ban_info");
    Some(Notice::Account {
        event: text(value, "event")?.to_ascii_uppercase(),
        restrictions: list(value, "restriction_info")
            .iter()
            .filter_map(|restriction| {
                let until = timestamp(restriction, "expiration");
                Some(Restriction { kind: text(restriction, "restriction_type")?, until })
            })
            .collect(),
        violation: field(value, "violation_info").and_then(|violation| text(violation, "violation_type")),
        ban: ban.and_then(|ban| text(ban, "waba_ban_state")).map(|state| state.to_ascii_uppercase()),
        ban_date: ban.and_then(|ban| text(ban, "waba_ban_date")),
    })
}

fn account_text(
    event: &str,
    restrictions: &[Restriction],
    violation: Option<&str>,
    ban: Option<&str>,
    ban_date: Option<&str>,
) -> String {
    let what = restrictions.iter().map(|restriction| restriction.kind.as_str()).collect::<Vec<_>>().join(", ");
    let because = violation.map_or_else(String::new, |violation| format!(" Reason: {violation}."));
    match event {
        "ACCOUNT_DELETED" => "The WhatsApp account was deleted.".to_owned(),
        "ACCOUNT_RESTRICTION" if what.is_empty() => {
            format!("WhatsApp restricted the account.{because} See WhatsApp Manager.")
        }
        "ACCOUNT_RESTRICTION" => format!("WhatsApp restricted the account: {what}.{because} See WhatsApp Manager."),
        "ACCOUNT_VIOLATION" => format!("WhatsApp says the account broke a policy.{because}"),
        "DISABLED_UPDATE" => match ban {
            Some("REINSTATE") => "WhatsApp reinstated the account.".to_owned(),
            Some("SCHEDULE_FOR_DISABLE") => {
                let date = ban_date.map_or_else(String::new, |date| format!(" on {date}"));
                format!("WhatsApp will disable the account{date}. Ask for a review in WhatsApp Manager.")
            }
            _ => "WhatsApp disabled the account. Ask for a review in WhatsApp Manager.".to_owned(),
        },
        "ACCOUNT_OFFBOARDED" => "The account was taken off this app.".to_owned(),
        "ACCOUNT_RECONNECTED" => "The account is connected again.".to_owned(),
        "PARTNER_REMOVED" => "The account no longer shares its data with this app.".to_owned(),
        "PARTNER_ADDED" => "The account now shares its data with this app.".to_owned(),
        "VOLUME_BASED_PRICING_TIER_UPDATE" => "The account reached another tier of volume prices.".to_owned(),
        other => format!("WhatsApp says {other} about the account.{because}"),
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
