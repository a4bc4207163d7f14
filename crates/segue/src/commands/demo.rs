//! `segue demo`: the product, the sandbox and demo data in one process, and the story to play.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use segue_access::create_key;
use segue_channels::http::{HttpLimits, http_client};
use segue_model::{Ctx, WorkspaceId, role::Role};
use segue_sandbox::{Sandbox, SandboxConfig};

use crate::{
    commands::apply::apply_manifest,
    config::Config,
    manifest::LoadedManifest,
    server::{self, Server},
    telemetry,
};

const WORKSPACE: &str = include_str!("../../../../demo/workspace.yaml");
const WELCOME: &str = include_str!("../../../../demo/flows/welcome.yaml");
const CONTACTS: &str = include_str!("../../../../demo/contacts.csv");
/// Everybody's password. The demo listens on loopback only and its data are made up.
const PASSWORD: &str = "segue-demo";

/// Where the demo listens and keeps its data.
#[derive(clap::Args)]
pub struct Arguments {
    /// Address of the product; a free port is taken when this one is in use.
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Address of the phones and the emulated WhatsApp platform.
    #[arg(long, default_value = "127.0.0.1:8481")]
    sandbox: SocketAddr,
    /// Address of the emulated SMS carrier.
    #[arg(long, default_value = "127.0.0.1:2775")]
    smpp: SocketAddr,
    /// Keep the data in this directory; without it they are new at every start and removed at the end.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Use this PostgreSQL database instead of the embedded one.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Serve files under this host name and nothing else, such as `files.localhost`.
    #[arg(long, value_name = "NAME")]
    files_host: Option<String>,

    /// ClamAV's daemon, which checks files for viruses: `unix:/run/clamav/clamd.ctl` or `host:port`.
    #[arg(long)]
    clamd: Option<String>,
    /// Print addresses and sign-in data as one line of JSON.
    #[arg(long)]
    json: bool,
    /// What to log, such as `info` or `segue=debug`.
    #[arg(long, default_value = "warn")]
    log: String,
}

/// Runs the demo until it is interrupted.
///
/// # Errors
/// When something cannot be started.
pub async fn demo(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut config = Config {
        log: arguments.log.clone(),
        listen: free(arguments.listen)?,
        database_url: arguments.database_url.clone().map(Into::into),
        clamd: arguments.clamd.clone(),
        // Programs that try the demo listen on this machine.
        callbacks: segue_channels::outgoing::Reach::Anywhere,
        ..Config::default()
    };
    if let Some(name) = &arguments.files_host {
        // The port is in the address, so it has to be known before the server listens.
        config.listen = TcpListener::bind(config.listen)?.local_addr()?;
        config.files_url = Some(format!("http://{name}:{}", config.listen.port()));
    }
    telemetry::start_logging(&config);
    // Removed with everything in it when the demo ends.
    let fresh = tempfile::Builder::new().prefix("segue-demo-").tempdir()?;
    config.data_directory = arguments.data.clone().unwrap_or_else(|| fresh.path().to_path_buf());
    let sandbox = Sandbox::start(SandboxConfig {
        http_bind: free(arguments.sandbox)?,
        smpp_bind: free(arguments.smpp)?,
        ..SandboxConfig::default()
    })
    .await
    .context("The sandbox cannot be started")?;
    config.whatsapp_link_base.clone_from(&sandbox.whatsapp_link_base);

    let ctx = Ctx::system();
    let server = Server::start(config, ctx.clone()).await?;
    let api_key = fill(&server, &ctx, &sandbox).await?;
    print(&server, &sandbox, &api_key, arguments.json);
    crate::shutdown::requested().await;
    server.shutdown().await;
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Applies the workspace, imports the contacts and connects the channels. Gives an API key for programs.
async fn fill(server: &Server, ctx: &Ctx, sandbox: &Sandbox) -> anyhow::Result<String> {
    let text = WORKSPACE
        .replace("${DEMO_PASSWORD}", PASSWORD)
        .replace("${DEMO_GRAPH_URL}", &sandbox.graph_base_url)
        .replace("${DEMO_SMPP_HOST}", &sandbox.smpp_addr.ip().to_string())
        .replace("${DEMO_SMPP_PORT}", &sandbox.smpp_addr.port().to_string());
    let manifest = LoadedManifest::parse(&text, "demo/workspace.yaml", |file| {
        anyhow::ensure!(file == Path::new("flows/welcome.yaml"), "there is no {}", file.display());
        Ok(WELCOME.to_owned())
    })?;
    let store = server.store();
    let workspace_id = apply_manifest(store, ctx, &manifest).await?;
    import_contacts(server, ctx, workspace_id).await?;
    add_handsets(sandbox).await?;
    server::connect_whatsapp(store, ctx, workspace_id, &server.public_url()).await?;
    let (_, secret) = create_key(store, ctx, workspace_id, "Demo", Role::Admin).await?;
    Ok(secret)
}

async fn import_contacts(server: &Server, ctx: &Ctx, workspace_id: WorkspaceId) -> anyhow::Result<()> {
    let mut file = tempfile::Builder::new().prefix("contacts-").suffix(".csv").tempfile()?;
    file.write_all(CONTACTS.as_bytes())?;
    super::import::import_demo(server.store(), ctx, workspace_id, file.path()).await
}

/// Gives the contacts of the demo phones under their own names.
async fn add_handsets(sandbox: &Sandbox) -> anyhow::Result<()> {
    let client = http_client(HttpLimits::default())?;
    for line in CONTACTS.lines().skip(1) {
        let mut cells = line.split(',');
        let (Some(first), Some(last), Some(phone)) = (cells.next(), cells.next(), cells.next()) else { continue };
        if phone.starts_with('+') {
            let handset = serde_json::json!({ "phone": phone, "name": format!("{first} {last}") });
            let url = format!("{}/sandbox/v1/handsets", sandbox.graph_base_url);
            client.post(url).json(&handset).send().await?.error_for_status()?;
        }
    }
    Ok(())
}

/// The address, or the same with a free port when it is in use.
fn free(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    if TcpListener::bind(address).is_ok() {
        return Ok(address);
    }
    let any = SocketAddr::new(address.ip(), 0);
    TcpListener::bind(any).with_context(|| format!("nothing can listen on {}", address.ip()))?;
    Ok(any)
}

fn print(server: &Server, sandbox: &Sandbox, api_key: &str, json: bool) {
    let (url, phone) = (server.public_url(), &sandbox.phone_url);
    let controls = format!("{}/controls", sandbox.graph_base_url);
    if json {
        let line = serde_json::json!({
            "url": url,
            "phone_url": phone,
            "controls_url": controls,
            "sandbox_url": sandbox.graph_base_url,
            "password": PASSWORD,
            "api_key": api_key,
        });
        println!("{line}");
        return;
    }
    println!(
        "
Segue is running with demo data and a sandbox. Nothing leaves this machine.

  Console   {url}
  Phones    {phone}
  Controls  {controls}
            What WhatsApp decides and does wrong. Try this: let its reviewer wait for you, submit a template in
            Setup, Templates, and refuse it there.

  Sign in with the password {PASSWORD} as
    mark@acme.example   marketer       amy@acme.example    agent
    sam@acme.example    supervisor     admin@acme.example  administrator

Play the story, best with two windows side by side:
   1. Sign in as mark, open Campaigns, make a new one for the list \"Demo customers\", and start it.
   2. On the phones page choose Maria (+15550110001), open Messages, and tap the link.
   3. Choose \"Continue to chat\",
   4. and send the prefilled text.
   5.-7. The opt-in message comes first; the chat is linked to Maria and has its own opt-in.
   8. Answer the bot: name, topic, order number (such as AB-123456).
   9. In another browser or a private window sign in as amy, become available, and accept the offer.
  10. Talk. Ticks turn blue when the phone shows the chat; the service window counts down in the header.
  11. Create a lead, then end case and session in one act.
 Back at the campaign the funnel shows every step.

  API       {url}/api/openapi.json   key {api_key}

Press Ctrl+C to end it."
    );
}
