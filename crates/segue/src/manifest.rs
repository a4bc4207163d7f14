//! A workspace as YAML: `segue apply -f FILE` compares it with the database, shows what would change, and changes it.
//!
//! Things are matched by their stable names (slug, address, e-mail), so applying the same file twice changes nothing.
//! What the file does not mention stays as it is; nothing is ever deleted. `${NAME}` in a value is replaced by the
//! environment variable, so that secrets need not stand in the file.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use segue_model::{registration::RegistrationKind, role::Role};
use segue_store::{
    channel::{ChannelConfig, Registration, SenderKind},
    workspace::WorkspaceSettings,
};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub workspace: WorkspacePart,
    #[serde(default)]
    pub users: Vec<UserPart>,
    #[serde(default)]
    pub queues: Vec<QueuePart>,
    #[serde(default)]
    pub flows: Vec<FlowPart>,
    #[serde(default)]
    pub channels: Vec<ChannelPart>,
    #[serde(default)]
    pub senders: Vec<SenderPart>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspacePart {
    pub slug: String,
    pub name: String,
    pub time_zone: String,
    pub country: String,
    #[serde(default = "default_quiet_hours")]
    pub quiet_hours: QuietHoursPart,
    #[serde(default)]
    pub settings: WorkspaceSettings,
}

/// Local times as `HH:MM`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursPart {
    pub start: String,
    pub end: String,
}

fn default_quiet_hours() -> QuietHoursPart {
    QuietHoursPart { start: "21:00".to_owned(), end: "08:00".to_owned() }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserPart {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Used only when the user is created.
    pub password: String,
}

impl std::fmt::Debug for UserPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserPart({})", self.role)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueuePart {
    pub slug: String,
    pub name: String,
    #[serde(default = "default_offer_seconds")]
    pub offer_seconds: u32,
    /// E-mail addresses of the users who get its work.
    #[serde(default)]
    pub members: Vec<String>,
}

const fn default_offer_seconds() -> u32 {
    30
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowPart {
    pub slug: String,
    /// Path of the definition, relative to the manifest.
    pub file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPart {
    pub slug: String,
    pub name: String,
    pub config: ChannelConfig,
    /// Slug of the flow that greets new sessions.
    pub flow: Option<String>,
    /// Slug of the queue that gets sessions which no flow takes.
    pub queue: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderPart {
    /// Slug of its channel.
    pub channel: String,
    pub address: String,
    pub kind: SenderKind,
    #[serde(default = "default_registration")]
    pub registration: Registration,
    /// What registries have approved for it already. Each is recorded once, and nothing is taken back by leaving it out.
    #[serde(default)]
    pub registered: Vec<RegistrationPart>,
}

/// A registration that has been approved.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationPart {
    pub kind: RegistrationKind,
    pub name: String,
}

const fn default_registration() -> Registration {
    Registration::Active
}

/// A manifest together with the texts of its flows.
#[derive(Debug, Clone)]
pub struct LoadedManifest {
    pub manifest: Manifest,
    /// Source of each flow, in the order of `manifest.flows`.
    pub flow_sources: Vec<String>,
}

impl LoadedManifest {
    /// Reads a manifest and the flows it names.
    ///
    /// # Errors
    /// Names the file, the line and what is wrong.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse(&text, &path.display().to_string(), |file| {
            let file = directory.join(file);
            std::fs::read_to_string(&file).with_context(|| format!("The flow {} cannot be read", file.display()))
        })
    }

    /// Reads a manifest's text; `open` gives the text of a flow's file.
    ///
    /// # Errors
    /// Names the line and what is wrong.
    pub fn parse(text: &str, name: &str, open: impl Fn(&Path) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        let text = with_variables(text, |variable| std::env::var(variable).ok())
            .with_context(|| format!("{name} cannot be used"))?;
        let manifest: Manifest = serde_saphyr::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("{name} is not a valid workspace file"))?;
        manifest.check().with_context(|| format!("{name} is not consistent"))?;
        let flow_sources = manifest.flows.iter().map(|flow| open(&flow.file)).collect::<anyhow::Result<_>>()?;
        Ok(Self { manifest, flow_sources })
    }
}

impl Manifest {
    fn check(&self) -> anyhow::Result<()> {
        for queue in &self.queues {
            if queue.offer_seconds == 0 {
                bail!("The queue '{}' needs offer_seconds of at least 1.", queue.slug);
            }
        }
        for channel in &self.channels {
            if let ChannelConfig::WhatsApp(config) = &channel.config
                && config.app_secrets.iter().all(String::is_empty)
            {
                bail!("The channel '{}' needs an app secret; without it no webhook could be trusted.", channel.slug);
            }
            if let ChannelConfig::Twilio(config) = &channel.config
                && (config.auth_token.is_empty() || !config.callback_base_url.starts_with("http"))
            {
                bail!(
                    "The channel '{}' needs an auth_token, and a callback_base_url such as https://segue.example.com \
                     at which the provider reaches this server.",
                    channel.slug
                );
            }
            if let ChannelConfig::Smpp(config) = &channel.config
                && let Some((field, words)) = config.fault()
            {
                bail!("The channel '{}' cannot work with its setting {field}: {words}", channel.slug);
            }
        }
        self.workspace.quiet_minutes()?;
        Ok(())
    }
}

impl WorkspacePart {
    /// Start and end of the quiet hours in minutes after midnight.
    ///
    /// # Errors
    /// When a time is not `HH:MM`.
    pub fn quiet_minutes(&self) -> anyhow::Result<(u16, u16)> {
        Ok((minutes(&self.quiet_hours.start)?, minutes(&self.quiet_hours.end)?))
    }
}

fn minutes(text: &str) -> anyhow::Result<u16> {
    let parsed = text.split_once(':').and_then(|(hour, minute)| {
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    });
    parsed.with_context(|| format!("'{text}' is not a time of day; write it as HH:MM, for example \"21:00\""))
}

/// Replaces `${NAME}` by the variable's value.
fn with_variables(text: &str, value: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, after) = rest.split_at(start);
        let Some(end) = after.find('}') else { break };
        let name = &after[2..end];
        let Some(found) = value(name) else { bail!("it names the variable {name}, which is not set") };
        result.push_str(before);
        result.push_str(&found);
        rest = &after[end + 1..];
    }
    result.push_str(rest);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_missing_ones_named() {
        let value = |name: &str| (name == "SECRET").then(|| "s3".to_owned());
        assert_eq!(with_variables("a: ${SECRET}, b: $5", value).unwrap(), "a: s3, b: $5");
        assert!(with_variables("a: ${OTHER}", value).unwrap_err().to_string().contains("OTHER"));
    }

    #[test]
    fn mistakes_name_the_line() {
        let text = "workspace:\n  slug: main\n  name: Acme\n  time_zone: UTC\n  country: US\nchanels: []\n";
        let error = LoadedManifest::parse(text, "file.yaml", |_| Ok(String::new())).unwrap_err();
        let shown = format!("{error:#}");
        assert!(shown.contains("chanels") && shown.contains("line 6"), "{shown}");
    }

    #[test]
    fn times_of_day() {
        assert_eq!(minutes("21:30").unwrap(), 21 * 60 + 30);
        for wrong in ["24:00", "7", "x:1", "12:60", ""] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }
}
