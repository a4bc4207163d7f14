//! `segue sandbox`: the emulated carriers and phones alone, for trying out any product that speaks their protocols.

use std::{net::SocketAddr, process::ExitCode};

use segue_sandbox::{Sandbox, SandboxConfig};

/// Where to listen and whom to call.
#[derive(clap::Args)]
pub struct Arguments {
    /// Address of the Graph API, the phone page and the JSON API.
    #[arg(long, default_value = "127.0.0.1:8481")]
    listen: SocketAddr,
    /// Address of the SMPP server.
    #[arg(long, default_value = "127.0.0.1:2775")]
    smpp: SocketAddr,
    /// Where webhooks go.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Print the addresses and accounts as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the sandbox until it is interrupted.
///
/// # Errors
/// When an address is taken.
pub async fn sandbox(arguments: Arguments) -> anyhow::Result<ExitCode> {
    crate::telemetry::start_logging(&crate::config::Config::default());
    let config = SandboxConfig {
        http_bind: arguments.listen,
        smpp_bind: arguments.smpp,
        webhook_url: arguments.webhook,
        ..SandboxConfig::default()
    };
    let shown = config.clone();
    let sandbox = Sandbox::start(config).await?;
    if arguments.json {
        let line = serde_json::json!({
            "phone_url": sandbox.phone_url,
            "graph_base_url": sandbox.graph_base_url,
            "whatsapp_link_base": sandbox.whatsapp_link_base,
            "smpp": sandbox.smpp_addr.to_string(),
            "smpp_system_id": shown.smpp_system_id,
            "smpp_password": shown.smpp_password,
            "access_token": shown.access_token,
            "app_secret": shown.app_secret,
            "verify_token": shown.verify_token,
            "phone_number_id": shown.phone_number_id,
            "display_phone_number": shown.display_phone_number,
            "waba_id": shown.waba_id,
        });
        println!("{line}");
    } else {
        println!("The sandbox is running. Everything it knows is forgotten when it ends.\n");
        println!("  Phones to click     {}", sandbox.phone_url);
        println!("  Graph API           {}   token {}", sandbox.graph_base_url, shown.access_token);
        println!(
            "  WhatsApp number     {}   phone number id {}, account id {}",
            shown.display_phone_number, shown.phone_number_id, shown.waba_id
        );
        println!("  Webhook secrets     app secret {}, verify token {}", shown.app_secret, shown.verify_token);
        println!(
            "  SMPP                {}   system id {}, password {}",
            sandbox.smpp_addr, shown.smpp_system_id, shown.smpp_password
        );
        println!("  WhatsApp links      {}", sandbox.whatsapp_link_base);
        println!("\nPress Ctrl+C to end it.");
    }
    crate::shutdown::requested().await;
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
