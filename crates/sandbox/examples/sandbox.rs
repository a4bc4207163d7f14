//! Starts a sandbox on given ports: `cargo run -p segue-sandbox --example sandbox -- [http port] [smpp port] [virtual]`.

use segue_sandbox::{Sandbox, SandboxClock, SandboxConfig};
use std::net::{Ipv4Addr, SocketAddr};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = |index: usize, otherwise: u16| arguments.get(index).map_or(Ok(otherwise), |given| given.parse());
    let clock = if arguments.iter().any(|argument| argument == "virtual") {
        SandboxClock::Virtual(1_795_000_000_000)
    } else {
        SandboxClock::Real
    };
    let sandbox = Sandbox::start(SandboxConfig {
        http_bind: SocketAddr::from((Ipv4Addr::LOCALHOST, port(0, 8090)?)),
        smpp_bind: SocketAddr::from((Ipv4Addr::LOCALHOST, port(1, 2775)?)),
        clock,
        ..SandboxConfig::default()
    })
    .await?;
    println!("phone page  {}", sandbox.phone_url);
    println!("graph API   {}", sandbox.graph_base_url);
    println!("SMPP        {}", sandbox.smpp_addr);
    tokio::signal::ctrl_c().await?;
    sandbox.shutdown().await;
    Ok(())
}
