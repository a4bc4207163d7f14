//! Settings of the server: defaults, then the configuration file, then `SEGUE_*` variables.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use segue_api::{Forwarded, MetricsAccess};
use segue_channels::{
    bucket::{Addressing, BucketConfig},
    clamd::Clamd,
    outgoing::Reach,
};
use serde::Deserialize;

/// Everything `segue serve` can be told. `segue serve --help` lists the variables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// How people and providers reach this server; used in webhooks, links and cookies.
    pub public_url: Option<String>,
    /// Where the embedded database, backups and uploads are.
    pub data_directory: PathBuf,
    /// `postgres://…`; the embedded SQLite is used when it is not set.
    pub database_url: Option<SecretString>,
    /// Start of short links when they have a host of their own.
    pub link_base: Option<String>,
    /// How files are reached when they have a host name of their own: `https://files.example.net`.
    pub files_url: Option<String>,
    /// An S3-compatible service that keeps the files instead of the database: its address, bucket, region and keys.
    pub s3_endpoint: Option<String>,
    pub s3_bucket: Option<String>,
    pub s3_region: String,
    pub s3_access_key: Option<SecretString>,
    pub s3_secret_key: Option<SecretString>,
    /// ClamAV's daemon, which checks files for viruses: `unix:/run/clamav/clamd.ctl` or `host:port`.
    pub clamd: Option<String>,
    /// Whether the bucket is in the `path` or is the `host`.
    pub s3_addressing: Addressing,
    /// Start of WhatsApp links; another one than `https://wa.me` only for the sandbox.
    pub whatsapp_link_base: String,
    /// How far status callbacks to programs may go: `public` or `anywhere`.
    pub callbacks: Reach,
    /// What tells the address of a caller, for limits per address: `peer` or `forwarded`.
    pub caller_address: CallerAddress,
    /// Bearer token of who may read `/metrics`.
    pub metrics_token: Option<SecretString>,
    /// What to log, in the syntax of `tracing`: `info`, `segue=debug,info`.
    pub log: String,
    pub log_format: LogFormat,
    /// The first workspace, administrator and API key of a new installation.
    pub workspace_name: Option<String>,
    pub admin_email: Option<String>,
    pub admin_password: Option<SecretString>,
    pub api_key: Option<SecretString>,
}

/// Shortest token of `/metrics`.
const SHORTEST_TOKEN: usize = 24;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// What tells the address of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallerAddress {
    /// The connection: there is no proxy in front.
    Peer,
    /// The last entry of `X-Forwarded-For`, which the proxy in front writes.
    Forwarded,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            data_directory: PathBuf::from("data"),
            database_url: None,
            link_base: None,
            files_url: None,
            s3_endpoint: None,
            s3_bucket: None,
            s3_region: "us-east-1".to_owned(),
            s3_access_key: None,
            s3_secret_key: None,
            s3_addressing: Addressing::Path,
            clamd: None,
            whatsapp_link_base: "https://wa.me".to_owned(),
            callbacks: Reach::Public,
            caller_address: CallerAddress::Peer,
            metrics_token: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            workspace_name: None,
            admin_email: None,
            admin_password: None,
            api_key: None,
        }
    }
}

/// Settings as `SEGUE_<NAME>`, with what they mean; also the help text of `segue serve`.
pub const VARIABLES: &[(&str, &str)] = &[
    ("SEGUE_LISTEN", "address to listen on (127.0.0.1:8080)"),
    ("SEGUE_PUBLIC_URL", "how people and providers reach this server (http://<listen>)"),
    ("SEGUE_DATA_DIRECTORY", "where the embedded database and backups are (data)"),
    ("SEGUE_DATABASE_URL", "postgres://user:password@host/database instead of the embedded database"),
    ("SEGUE_LINK_BASE", "start of short links, when they have a host of their own (public URL)"),
    ("SEGUE_FILES_URL", "where files are served and nothing else, when they have a host of their own (public URL)"),
    ("SEGUE_S3_ENDPOINT", "address of an S3-compatible service that keeps the files instead of the database"),
    ("SEGUE_S3_BUCKET", "its bucket"),
    ("SEGUE_S3_REGION", "its region (us-east-1)"),
    ("SEGUE_S3_ACCESS_KEY", "the key's id"),
    ("SEGUE_S3_SECRET_KEY", "the key's secret"),
    ("SEGUE_S3_ADDRESSING", "path or host: where the bucket stands in an address (path)"),
    (
        "SEGUE_CLAMD",
        "ClamAV's daemon, which checks files for viruses before anybody can open them: unix:/run/clamav/clamd.ctl or \
         host:port (no check)",
    ),
    ("SEGUE_WHATSAPP_LINK_BASE", "start of WhatsApp links (https://wa.me)"),
    (
        "SEGUE_CALLBACKS",
        "how far callbacks to programs, and channels set in the console, may go: public or anywhere, private networks \
         too (public)",
    ),
    (
        "SEGUE_CALLER_ADDRESS",
        "what tells a caller's address: peer, or behind a proxy forwarded, the last entry of X-Forwarded-For (peer)",
    ),
    (
        "SEGUE_METRICS_TOKEN",
        "bearer token of who may read /metrics, 24 characters or more; without it only a server that listens on loopback \
         and has no public URL shows them",
    ),
    ("SEGUE_LOG", "what to log (info)"),
    ("SEGUE_LOG_FORMAT", "text or json (text)"),
    ("SEGUE_WORKSPACE_NAME", "name of the first workspace"),
    ("SEGUE_ADMIN_EMAIL", "first administrator, created when nobody can sign in yet"),
    ("SEGUE_ADMIN_PASSWORD", "the first administrator's password"),
    ("SEGUE_API_KEY", "first API key with the role admin, 24 characters or more"),
    ("SEGUE_CONFIG", "path of the configuration file"),
];

impl Config {
    /// Reads the file, when there is one, and the variables.
    ///
    /// # Errors
    /// Names the file, the setting and what is wrong with it.
    pub fn load(file: Option<&PathBuf>, variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let mut table = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("The configuration file {} cannot be read", path.display()))?;
                text.parse::<toml::Table>()
                    .with_context(|| format!("The configuration file {} is not valid TOML", path.display()))?
            }
            None => toml::Table::new(),
        };
        let known: BTreeMap<&str, &str> = VARIABLES.iter().copied().collect();
        for (name, value) in variables.filter(|(name, _)| name.starts_with("SEGUE_") && !is_of_a_service(name)) {
            if !known.contains_key(name.as_str()) {
                bail!("The variable {name} is not a setting of Segue. Known are: {}.", names().join(", "));
            }
            let key = name.trim_start_matches("SEGUE_").to_lowercase();
            if key != "config" {
                table.insert(key, toml::Value::String(value));
            }
        }
        let config: Self = toml::Value::Table(table).try_into().context("A setting is not valid")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        for (name, url) in [
            ("public_url", &self.public_url),
            ("link_base", &self.link_base),
            ("files_url", &self.files_url),
            ("s3_endpoint", &self.s3_endpoint),
        ]
        .into_iter()
        .filter_map(pair)
        {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                bail!("{name} must start with http:// or https://, but is '{url}'.");
            }
        }
        if let Some(files) = &self.files_url {
            let name = host_name(files);
            for (setting, url) in [("public_url", self.public_url()), ("link_base", self.link_base())] {
                if host_name(&url).eq_ignore_ascii_case(name) {
                    bail!("files_url needs a host name of its own, but has that of {setting}: '{name}'.");
                }
            }
        }
        let given = [
            self.s3_endpoint.is_some(),
            self.s3_bucket.is_some(),
            self.s3_access_key.is_some(),
            self.s3_secret_key.is_some(),
        ];
        if given.contains(&true) && given.contains(&false) {
            bail!(
                "Set SEGUE_S3_ENDPOINT, SEGUE_S3_BUCKET, SEGUE_S3_ACCESS_KEY and SEGUE_S3_SECRET_KEY, or none of them."
            );
        }
        self.clamd()?;
        if self.metrics_token.as_ref().is_some_and(|token| token.expose_secret().len() < SHORTEST_TOKEN) {
            bail!("SEGUE_METRICS_TOKEN must have {SHORTEST_TOKEN} characters or more.");
        }
        if self.admin_email.is_some() != self.admin_password.is_some() {
            bail!("Set both SEGUE_ADMIN_EMAIL and SEGUE_ADMIN_PASSWORD, or neither.");
        }
        Ok(())
    }

    /// Who may read `/metrics`. A server on loopback that has a public URL is behind a proxy, through which everybody comes
    /// from this machine; so that one needs a token as well.
    #[must_use]
    pub fn metrics(&self) -> MetricsAccess {
        match &self.metrics_token {
            Some(token) => MetricsAccess::Bearer(token.clone()),
            None if self.listen.ip().is_loopback() && self.public_url.is_none() => MetricsAccess::Anybody,
            None => MetricsAccess::Nobody,
        }
    }

    /// Whether to believe what a proxy says of a caller's address.
    #[must_use]
    pub const fn forwarded(&self) -> Forwarded {
        match self.caller_address {
            CallerAddress::Peer => Forwarded::Ignore,
            CallerAddress::Forwarded => Forwarded::TrustLast,
        }
    }

    /// The public URL without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen)).trim_end_matches('/').to_owned()
    }

    /// Start of short links, without a slash at its end.
    #[must_use]
    pub fn link_base(&self) -> String {
        self.link_base.clone().unwrap_or_else(|| self.public_url()).trim_end_matches('/').to_owned()
    }

    /// Origin of the files' own host, without a slash at its end.
    #[must_use]
    pub fn files_origin(&self) -> Option<String> {
        self.files_url.as_ref().map(|url| url.trim_end_matches('/').to_owned())
    }

    /// The bucket that keeps the files, when one is set.
    #[must_use]
    pub fn bucket(&self) -> Option<BucketConfig> {
        let (access_key, secret_key) = (self.s3_access_key.as_ref()?, self.s3_secret_key.as_ref()?);
        Some(BucketConfig {
            endpoint: self.s3_endpoint.clone()?,
            name: self.s3_bucket.clone()?,
            region: self.s3_region.clone(),
            access_key: access_key.expose_secret().to_owned(),
            secret_key: secret_key.expose_secret().to_owned(),
            addressing: self.s3_addressing,
        })
    }

    /// What checks files for viruses, when something is set.
    ///
    /// # Errors
    /// Says how the address is written.
    pub fn clamd(&self) -> anyhow::Result<Option<Clamd>> {
        let Some(address) = self.clamd.as_ref().filter(|address| !address.trim().is_empty()) else { return Ok(None) };
        Clamd::at(address).map(Some).map_err(|why| anyhow::anyhow!("SEGUE_CLAMD: {why}"))
    }

    /// Which database to open.
    #[must_use]
    pub fn engine(&self) -> segue_store::Engine {
        match &self.database_url {
            Some(url) => segue_store::Engine::Postgres(url.expose_secret().to_owned()),
            None => segue_store::Engine::Sqlite(self.data_directory.join("segue.db")),
        }
    }

    /// Where backups go.
    #[must_use]
    pub fn backup_directory(&self) -> PathBuf {
        self.data_directory.join("backups")
    }
}

/// Whether Kubernetes sets this variable, for a service that is named `segue`.
fn is_of_a_service(name: &str) -> bool {
    name == "SEGUE_PORT" || ["SEGUE_PORT_", "SEGUE_SERVICE_"].iter().any(|begin| name.starts_with(begin))
}

fn pair<'a>((name, value): (&'static str, &'a Option<String>)) -> Option<(&'static str, &'a String)> {
    value.as_ref().map(|value| (name, value))
}

/// The host name in an address, without its port.
fn host_name(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(name, _)| name)
}

fn names() -> Vec<&'static str> {
    VARIABLES.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::load(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn variables_beat_the_file_and_the_file_beats_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("segue.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\npublic_url = \"https://a.example\"\n").unwrap();
        let variables = [("SEGUE_LISTEN".to_owned(), "127.0.0.1:2".to_owned()), ("HOME".to_owned(), "/".to_owned())];
        let config = Config::load(Some(&file), variables.into_iter()).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.public_url(), "https://a.example");
        assert_eq!(config.link_base(), "https://a.example");
        assert_eq!(config.whatsapp_link_base, "https://wa.me");
    }

    #[test]
    fn a_service_of_kubernetes_may_have_the_name_of_the_product() {
        let set = ["SEGUE_PORT", "SEGUE_SERVICE_HOST", "SEGUE_SERVICE_PORT_HTTP", "SEGUE_PORT_8080_TCP_ADDR"];
        load(&set.map(|name| (name, "tcp://10.0.0.1:8080"))).unwrap();
        assert!(load(&[("SEGUE_PORTS", "1")]).is_err());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |variables: &[(&str, &str)]| format!("{:#}", load(variables).unwrap_err());
        assert!(error(&[("SEGUE_LISTNE", "x")]).contains("SEGUE_LISTNE"));
        assert!(error(&[("SEGUE_LISTEN", "nowhere")]).contains("listen"));
        assert!(error(&[("SEGUE_PUBLIC_URL", "segue.example")]).contains("http"));
        assert!(error(&[("SEGUE_ADMIN_EMAIL", "a@b.example")]).contains("SEGUE_ADMIN_PASSWORD"));
        assert!(error(&[("SEGUE_CLAMD", "clamd.ctl")]).contains("SEGUE_CLAMD"));
        assert!(error(&[("SEGUE_S3_BUCKET", "files")]).contains("SEGUE_S3_ENDPOINT"));
        let own = [("SEGUE_PUBLIC_URL", "https://a.example"), ("SEGUE_FILES_URL", "https://A.example:8443")];
        assert!(error(&own).contains("host name of its own"));
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_said_to_be_there() {
        let forwarded = |variables: &[(&str, &str)]| load(variables).unwrap().forwarded();
        assert_eq!(forwarded(&[]), Forwarded::Ignore);
        assert_eq!(forwarded(&[("SEGUE_PUBLIC_URL", "https://a.example")]), Forwarded::Ignore);
        assert_eq!(forwarded(&[("SEGUE_CALLER_ADDRESS", "forwarded")]), Forwarded::TrustLast);
        assert!(load(&[("SEGUE_CALLER_ADDRESS", "anything")]).is_err());
    }

    #[test]
    fn metrics_are_for_this_machine_or_for_a_token() {
        let token = ("SEGUE_METRICS_TOKEN", "0123456789abcdef01234567");
        let access = |variables: &[(&str, &str)]| format!("{:?}", load(variables).unwrap().metrics());
        assert_eq!(access(&[]), "Anybody", "loopback, and nothing in front");
        assert_eq!(access(&[("SEGUE_LISTEN", "[::1]:8080")]), "Anybody");
        assert_eq!(access(&[("SEGUE_LISTEN", "0.0.0.0:8080")]), "Nobody");
        assert_eq!(access(&[("SEGUE_PUBLIC_URL", "https://segue.example")]), "Nobody", "a proxy is in front");
        assert_eq!(access(&[token]), "Bearer(redacted)", "what is asked for counts on loopback too");
        assert_eq!(access(&[token, ("SEGUE_LISTEN", "0.0.0.0:8080")]), "Bearer(redacted)");
        assert!(format!("{:#}", load(&[("SEGUE_METRICS_TOKEN", "short")]).unwrap_err()).contains("24 characters"));
    }

    #[test]
    fn secrets_do_not_show_in_debug() {
        let config = load(&[
            ("SEGUE_METRICS_TOKEN", "metrics-secret-0123456789"),
            ("SEGUE_ADMIN_EMAIL", "a@b.example"),
            ("SEGUE_ADMIN_PASSWORD", "hunter2hunter2"),
            ("SEGUE_DATABASE_URL", "postgres://u:secret@h/d"),
            ("SEGUE_S3_ENDPOINT", "https://s3.example"),
            ("SEGUE_S3_BUCKET", "files"),
            ("SEGUE_S3_ACCESS_KEY", "id"),
            ("SEGUE_S3_SECRET_KEY", "secret@"),
        ])
        .unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("metrics-secret"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("secret@"), "{text}");
    }
}
