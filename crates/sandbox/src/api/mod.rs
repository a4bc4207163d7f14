//! The headless API `/sandbox/v1`: everything a person can do on the phone page, and the controls of the sandbox itself.

mod chats;
mod coexistence;
mod control;
mod forms;
mod handsets;
mod notices;
mod problem;
mod tap;
mod texts;
mod webhooks;

use crate::core::Core;
use axum::Router;
use axum::routing::{delete, get, patch, post};
use std::sync::Arc;

pub(crate) use tap::{decode, encode};

pub(crate) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/status", get(control::status))
        .route("/clock", get(control::clock).post(control::move_clock))
        .route("/faults", get(control::faults).put(control::set_faults))
        .route("/limits", get(control::limits).put(control::set_limits))
        .route("/ledger", get(control::ledger))
        .route("/events", get(control::events))
        .route("/state", delete(control::reset))
        .route("/media/{id}", get(control::media))
        .route("/templates", get(control::templates).post(control::add_template))
        .route("/templates/reviewer", get(control::reviewer).put(control::set_reviewer))
        .route("/templates/{id}", patch(control::change_template))
        .route("/forms", get(forms::list).post(forms::add))
        .route("/forms/{id}", patch(forms::change))
        .route("/notices", get(notices::list).post(notices::send))
        .route("/twilio", post(crate::twilio::configure))
        .route("/webhook", post(webhooks::subscribe))
        .route("/webhook/flush", post(webhooks::flush))
        .route("/webhook/raw", post(webhooks::raw))
        .route("/handsets", get(handsets::list).post(handsets::add))
        .route("/handsets/{id}", get(handsets::one).patch(handsets::change))
        .route("/handsets/{id}/number", post(handsets::change_number))
        .route("/handsets/{id}/report", post(notices::report))
        .route("/handsets/{id}/echoes", post(coexistence::write))
        .route("/handsets/{id}/history", post(coexistence::share))
        .route("/handsets/{id}/sms", get(texts::list).post(texts::send))
        .route("/handsets/{id}/sms/open", post(texts::open))
        .route("/handsets/{id}/tap", post(tap::tap))
        .route("/handsets/{id}/chats", get(chats::list))
        .route("/handsets/{id}/chats/{business}/open", post(chats::open))
        .route("/handsets/{id}/chats/{business}/messages", post(chats::send))
        .route("/handsets/{id}/chats/{business}/messages/{wamid}/play", post(chats::play))
}
