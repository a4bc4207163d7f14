//! The product: the real binary as a child process on a data directory of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use segue_testkit::Port;

use crate::{
    api::{Api, KEY},
    carrier::Carrier,
    engine::{Database, Engine},
    lab::Lab,
};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(180);

/// What a workspace is set up with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Most submits without an answer.
    pub window: usize,
    /// Most segments per second.
    pub per_second: u32,
    /// Local times between which nobody is texted; the same twice for none.
    pub quiet_hours: (&'static str, &'static str),
    pub carrier: Kind,
    /// Whether there is a WhatsApp number beside the carrier, whose conversations wait in a queue.
    pub has_chat: bool,
}

/// Which protocol the carrier speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Smpp,
    /// Twilio's dialect, by a provider that sends a repeated request once, or says so.
    Keyed,
}

impl Default for Setup {
    fn default() -> Self {
        Self { window: 10, per_second: 300, quiet_hours: ("00:00", "00:00"), carrier: Kind::Smpp, has_chat: false }
    }
}

/// Address of the sender in every suite.
pub const SENDER: &str = "+15550100001";

/// What the chat's webhooks are signed with.
pub const APP_SECRET: &str = "sandbox-app-secret";
/// The chat's number.
pub const PHONE_NUMBER_ID: &str = "106540352242922";

/// See the module documentation.
pub struct Product {
    binary: PathBuf,
    /// Its data.
    pub directory: PathBuf,
    /// What stands before the binary on the command line.
    prefix: Vec<String>,
    database: Database,
    link_base: String,
    /// Where it listens, the same after each start: providers call it there.
    port: Port,
    child: Option<Child>,
    api: Option<Api>,
}

impl Drop for Product {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Product {
    /// A product that does not run yet. `prefix` are words of a program that starts the binary in another surrounding.
    ///
    /// # Errors
    /// When no database can be made, or no port is free.
    pub async fn new(
        lab: &Lab,
        engine: &Engine,
        directory: &Path,
        prefix: Vec<String>,
        carrier: &Carrier,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            binary: lab.binary.clone(),
            directory: directory.to_path_buf(),
            prefix,
            database: engine.fresh().await?,
            link_base: carrier.whatsapp_link_base().to_owned(),
            port: Port::reserve()?,
            child: None,
            api: None,
        })
    }

    /// The API of the running product.
    ///
    /// # Panics
    /// When it does not run.
    pub fn api(&self) -> &Api {
        self.api.as_ref().expect("it runs")
    }

    /// The address of its database, when that is not a file.
    pub fn database_url(&self) -> Option<String> {
        match &self.database {
            Database::Sqlite => None,
            Database::Postgres { url } => Some(url.clone()),
        }
    }

    /// Changes the database while the product does not run.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn tamper(&self, sql: &'static str) -> anyhow::Result<()> {
        self.database.tamper(&self.directory, sql).await
    }

    /// Writes a workspace and its contacts with the command line, as an operator would. `csv` has a head.
    ///
    /// # Errors
    /// With what the command says.
    pub async fn set_up(&self, carrier: &Carrier, setup: &Setup, csv: &str) -> anyhow::Result<()> {
        let files = tempfile::tempdir()?;
        let (workspace, contacts) = (files.path().join("workspace.yaml"), files.path().join("contacts.csv"));
        std::fs::write(&workspace, manifest(carrier, self.port.number(), setup))?;
        std::fs::write(&contacts, csv)?;
        let shown = |path: &Path| path.display().to_string();
        self.command_line(&["apply", "--yes", "--json", "--file", &shown(&workspace)]).await?;
        let consent = ["--consent-wording", "Yes, text me offers.", "--consent-method", "web_form", "--json"];
        let import = ["import", "contacts", "--list", "Everyone"];
        self.command_line(&[&import[..], &consent, &[&shown(&contacts)]].concat()).await?;
        Ok(())
    }

    /// Other runs go on meanwhile.
    async fn command_line(&self, words: &[&str]) -> anyhow::Result<()> {
        let output = tokio::process::Command::from(self.command(words)).output().await?;
        if !output.status.success() {
            bail!("segue {} failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.prefix.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        command.args(words).env("SEGUE_DATA_DIRECTORY", &self.directory).stdin(Stdio::null());
        if let Database::Postgres { url } = &self.database {
            command.env("SEGUE_DATABASE_URL", url);
        }
        command
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; the text ends with what it wrote.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let port = self.port.number();
        let log = self.log_file();
        let mut command = self.command(&["serve"]);
        command
            .env("SEGUE_LISTEN", format!("127.0.0.1:{port}"))
            .env("SEGUE_API_KEY", KEY)
            .env("SEGUE_WORKSPACE_NAME", "Acme Outdoor")
            .env("SEGUE_WHATSAPP_LINK_BASE", &self.link_base)
            .env("SEGUE_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(std::fs::File::options().create(true).append(true).open(&log)?);
        self.child = Some(command.spawn().context("segue cannot be started")?);
        let api = Api::new(format!("http://127.0.0.1:{port}"))?;
        let ready = api.wait_until_ready(START).await;
        self.api = Some(api);
        ready.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// What it writes, outside of its data directory.
    fn log_file(&self) -> PathBuf {
        self.directory.with_extension("log")
    }

    /// Makes the next start one after a proper end, so that it works on webhooks in the transaction that stores them.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget_bad_end(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.directory.join("last-run"))?)
    }

    /// SIGKILL: the process has no chance to finish anything.
    ///
    /// # Errors
    /// When there is no process.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("it runs")?;
        self.api = None;
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

fn manifest(carrier: &Carrier, port: u16, setup: &Setup) -> String {
    let (start, end) = setup.quiet_hours;
    let smpp = carrier.smpp();
    let config = match setup.carrier {
        Kind::Smpp => format!(
            "{{ kind: smpp, host: \"{}\", port: {}, system_id: segue, password: sandbox, window: {} }}",
            smpp.ip(),
            smpp.port(),
            setup.window
        ),
        Kind::Keyed => format!(
            "{{ kind: twilio, base_url: \"{}\", account_sid: AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d,
        auth_token: sandbox-auth-token, callback_base_url: \"http://127.0.0.1:{port}\", repeats: sent_once }}",
            carrier.http()
        ),
    };
    // The braces of the settings stay open for the rate.
    let config = config.trim_end_matches('}').to_owned() + &format!(", segments_per_second: {} }}", setup.per_second);
    let (queues, chat) = if setup.has_chat { chat(carrier) } else { (String::new(), String::new()) };
    format!(
        "workspace:
  slug: main
  name: Acme Outdoor
  time_zone: UTC
  country: US
  quiet_hours: {{ start: \"{start}\", end: \"{end}\" }}
  settings: {{ brand: Acme Outdoor }}
{queues}channels:
{chat}  - slug: carrier
    name: Carrier
    config: {config}
senders:
  - {{ channel: carrier, address: \"{SENDER}\", kind: long_code }}
"
    )
}

/// The queue and the channel of a chat.
fn chat(carrier: &Carrier) -> (String, String) {
    let queues = "queues:\n  - { slug: desk, name: Desk, offer_seconds: 45, members: [] }\n".to_owned();
    let channel = format!(
        "  - slug: chat
    name: Chat
    queue: desk
    config: {{ kind: whatsapp, base_url: \"{}\", graph_version: v26.0, waba_id: \"102290129340398\",
      phone_number_id: \"{PHONE_NUMBER_ID}\", display_phone_number: \"15550783881\", access_token: sandbox-token,
      app_secrets: [{APP_SECRET}], verify_token: sandbox-verify }}
",
        carrier.graph()
    );
    (queues, channel)
}
