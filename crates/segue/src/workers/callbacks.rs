//! Tells programs what becomes of the messages they sent. See [`segue_api::StatusCallbacks`] for why a crash is safe.

use std::{sync::Arc, time::Duration};

use segue_api::StatusCallbacks;

use super::{POLL, Wiring};

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let callbacks = match StatusCallbacks::new(wiring.store.clone(), wiring.ctx.clone(), wiring.callbacks) {
        Ok(callbacks) => callbacks,
        Err(error) => {
            tracing::error!(%error, "nobody can be told what becomes of messages");
            return;
        }
    };
    while !wiring.shutdown.is_cancelled() {
        let told = tokio::select! {
            told = callbacks.run_once() => told,
            // What is on its way then is told again: those who listen know repeats.
            () = wiring.shutdown.cancelled() => return,
        };
        let wait = match told {
            Ok(0) => POLL,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(%error, "status callbacks cannot be read");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wiring.shutdown.cancelled() => {}
        }
    }
}
