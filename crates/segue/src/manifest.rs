//! A workspace as YAML: `segue apply -f FILE` compares it with the database, shows what would change, and changes it.
//!
//! Things are matched by their stable names (slug, address, e-mail), so applying the same file twice changes nothing.
//! What the file does not mention stays as it is, each setting by itself; nothing is ever deleted. `${NAME}` in a value is
//! replaced by the environment variable, so that secrets need not stand in the file; whatever it holds, it stays one value.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use segue_model::{policy::QuietHours, registration::RegistrationKind, role::Role};
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
    pub quiet_hours: Option<QuietHoursPart>,
    /// Those of [`WorkspaceSettings`] that the file sets, and of its groups.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

/// Local times as `HH:MM`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursPart {
    pub start: String,
    pub end: String,
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
    /// Without it what is set stays; of a new queue [`OFFER_SECONDS`].
    pub offer_seconds: Option<u32>,
    /// E-mail addresses of the users who get its work.
    pub members: Option<Vec<String>>,
}

/// How long a new queue offers a conversation, when the file does not say.
pub const OFFER_SECONDS: u32 = 30;

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
    /// Slug of the flow that greets new sessions; `null` takes it away.
    #[serde(default, deserialize_with = "mentioned")]
    pub flow: Option<Option<String>>,
    /// Slug of the queue that gets sessions which no flow takes; `null` takes it away.
    #[serde(default, deserialize_with = "mentioned")]
    pub queue: Option<Option<String>>,
}

/// Tells `null` from what the file does not mention.
fn mentioned<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderPart {
    /// Slug of its channel.
    pub channel: String,
    pub address: String,
    pub kind: SenderKind,
    /// Without it what is set stays; a new sender is active.
    pub registration: Option<Registration>,
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
            if queue.offer_seconds == Some(0) {
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
        self.workspace.quiet()?;
        self.workspace.settings_over(&WorkspaceSettings::default())?;
        Ok(())
    }
}

impl WorkspacePart {
    /// The quiet hours that the file sets.
    ///
    /// # Errors
    /// When a time is not `HH:MM`.
    pub fn quiet(&self) -> anyhow::Result<Option<QuietHours>> {
        let Some(hours) = &self.quiet_hours else { return Ok(None) };
        Ok(Some(QuietHours { start_minute: minutes(&hours.start)?, end_minute: minutes(&hours.end)? }))
    }

    /// These settings with those of the file in their place; in a group of settings, what the file does not mention stays.
    ///
    /// # Errors
    /// When there is no such setting, or its value does not fit.
    pub fn settings_over(&self, present: &WorkspaceSettings) -> anyhow::Result<WorkspaceSettings> {
        let Value::Object(mut all) = serde_json::to_value(present)? else { bail!("the settings cannot be read") };
        for (name, value) in &self.settings {
            let Some(old) = all.get_mut(name) else {
                let known: Vec<&str> = all.keys().map(String::as_str).collect();
                bail!("The workspace has no setting '{name}'. Known are: {}.", known.join(", "));
            };
            match (old, value) {
                (Value::Object(old), Value::Object(new)) => {
                    old.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                (old, new) => *old = new.clone(),
            }
        }
        serde_json::from_value(Value::Object(all)).context("The settings of the workspace do not fit")
    }
}

/// Names of the settings that differ, those of groups as `group.setting`.
///
/// # Errors
/// When they have no JSON form, which is a defect.
pub fn changed_settings(old: &WorkspaceSettings, new: &WorkspaceSettings) -> anyhow::Result<Vec<String>> {
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for (name, value) in &new {
        match (old.get(name), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                let all = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
                names.extend(all.filter(|part| old.get(*part) != new.get(*part)).map(|part| format!("{name}.{part}")));
            }
            _ => names.push(name.clone()),
        }
    }
    Ok(names)
}

fn minutes(text: &str) -> anyhow::Result<u16> {
    let parsed = text.split_once(':').and_then(|(hour, minute)| {
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    });
    parsed.with_context(|| format!("'{text}' is not a time of day; write it as HH:MM, for example \"21:00\""))
}

/// In what a variable stands, which says how its value has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Plain,
    SingleQuotes,
    DoubleQuotes,
    Comment,
}

/// Replaces `${NAME}` by the variable's value, written so that it is one value of YAML whatever it holds.
fn with_variables(text: &str, value: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut within = Within::Plain;
    // Whether a value may begin here: only then does a quotation mark quote.
    let mut begins = true;
    // How deep in lists and maps on one line, within which a comma ends a value.
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if within != Within::Comment
            && let Some((name, after)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}'))
        {
            let Some(found) = value(name) else { bail!("it names the variable {name}, which is not set") };
            result.push_str(&written(name, &found, within)?);
            (rest, begins) = (after, false);
            continue;
        }
        within = match (within, letter) {
            (Within::Plain, '"') if begins => Within::DoubleQuotes,
            (Within::Plain, '\'') if begins => Within::SingleQuotes,
            (Within::Plain, '#') if result.is_empty() || result.ends_with(char::is_whitespace) => Within::Comment,
            (Within::DoubleQuotes, '"') | (Within::SingleQuotes, '\'') | (Within::Comment, '\n') => Within::Plain,
            (within, _) => within,
        };
        begins = match letter {
            '[' | '{' if within == Within::Plain && (begins || depth > 0) => {
                depth += 1;
                true
            }
            ']' | '}' if within == Within::Plain => {
                depth = depth.saturating_sub(1);
                false
            }
            ',' => depth > 0,
            '\n' => true,
            ' ' => begins || result.ends_with([':', '-', '?']),
            '-' | '?' => begins && rest[1..].starts_with(' '),
            _ => false,
        };
        let mut taken = letter.len_utf8();
        if within == Within::DoubleQuotes && letter == '\\' {
            taken += rest[1..].chars().next().map_or(0, char::len_utf8);
        }
        result.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    Ok(result)
}

/// A value as it has to be written there.
fn written(name: &str, value: &str, within: Within) -> anyhow::Result<String> {
    let is_simple = |letter: char| letter.is_ascii_alphanumeric() || "_./:@+=-".contains(letter);
    match within {
        // Every string of JSON is one of YAML.
        Within::DoubleQuotes => {
            let quoted = serde_json::to_string(value)?;
            Ok(quoted[1..quoted.len() - 1].to_owned())
        }
        Within::SingleQuotes if !value.contains(['\n', '\r']) => Ok(value.replace('\'', "''")),
        Within::Plain | Within::Comment
            if value.chars().all(is_simple)
                && value.starts_with(|first: char| first.is_ascii_alphanumeric() || "/+.".contains(first))
                && !value.ends_with(':') =>
        {
            Ok(value.to_owned())
        }
        _ => bail!(
            "the variable {name} holds signs that mean something in YAML. Write \"${{{name}}}\" in double quotation marks"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_missing_ones_named() {
        let value = |name: &str| (name == "SECRET").then(|| "s3".to_owned());
        assert_eq!(with_variables("a: ${SECRET}, b: $5", value).unwrap(), "a: s3, b: $5");
        assert!(with_variables("a: ${OTHER}", value).unwrap_err().to_string().contains("OTHER"));
        assert_eq!(with_variables("# ${OTHER}\na: ${SECRET}", value).unwrap(), "# ${OTHER}\na: s3");
        // An apostrophe after a comma of plain words quotes nothing.
        let odd = |_: &str| Some("a\\tb\"c".to_owned());
        let text = with_variables("name: Salt, 'n Pepper\npassword: \"${X}\"\nlist: [a, '${X}']", odd).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!((&read["password"], &read["list"][1]), (&"a\\tb\"c".into(), &"a\\tb\"c".into()), "{text}");
    }

    #[test]
    fn whatever_a_variable_holds_is_one_value() {
        const VALUES: [&str; 6] = ["a\"b\\c", "it's: #1", "x\nrole: admin", "", "{}", "\""];
        for secret in VALUES {
            let value = |_: &str| Some(secret.to_owned());
            let lines = ["a: \"${X}\" # don't", "b: [it's, '${X}']", "c: {d: \"\\\"${X}\"}"];
            for line in lines {
                let replaced = match with_variables(line, value) {
                    Ok(replaced) => replaced,
                    Err(error) => {
                        assert!(line.contains('\'') && secret.contains('\n'), "{line}: {error}");
                        continue;
                    }
                };
                let read: Value = serde_saphyr::from_str(&replaced).unwrap();
                let found = [&read["a"], &read["b"][1], &read["c"]["d"]].into_iter().find_map(Value::as_str);
                let begin = if line.starts_with('c') { "\"" } else { "" };
                assert_eq!(found, Some(format!("{begin}{secret}").as_str()), "{replaced}");
            }
            assert!(
                with_variables("port: ${X}", value).unwrap_err().to_string().contains("double quotation"),
                "{secret}"
            );
        }
        let port = with_variables("port: ${X}", |_| Some("2775".to_owned())).unwrap();
        assert_eq!(serde_saphyr::from_str::<Value>(&port).unwrap()["port"], 2775);
    }

    #[test]
    fn a_setting_that_does_not_exist_is_named() {
        for (settings, named) in [("{brnad: A}", "brnad"), ("{policy: {quiet: 1}}", "quiet"), ("{brand: 1}", "fit")] {
            let text = format!("workspace: {{slug: m, name: A, time_zone: UTC, country: US, settings: {settings}}}");
            let error = LoadedManifest::parse(&text, "file.yaml", |_| Ok(String::new())).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
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
