//! The Twilio face: an SMS provider over HTTP, on the same handsets and in the same ledger as the carrier.
//!
//! What it emulates: `POST …/Messages.json` with Basic authentication and the errors of the dialect, signed status callbacks, inbound
//! texts, pictures and files out (`MediaUrl`, fetched as the provider does) and in (`NumMedia`), and the opt-outs that the provider itself takes.

mod face;
mod messages;

use crate::core::Core;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

pub(crate) use face::{CallbackOrder, Face, configure};

pub(crate) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account}", get(messages::account))
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(messages::send))
        .route("/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}", get(messages::media))
}
