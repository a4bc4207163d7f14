//! The binary's parts: configuration, the wiring of workers, and the commands.
//!
//! [`server::Server::start`] runs the whole product in the calling process; the story tests use it with a clock that
//! they move themselves.

pub mod commands;
pub mod config;
mod connections;
pub mod manifest;
mod node;
pub mod server;
pub mod shutdown;
pub mod telemetry;
mod workers;

/// Chooses the TLS implementation of the process. A second call changes nothing.
pub fn install_crypto() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the TLS implementation was chosen before");
    }
}
