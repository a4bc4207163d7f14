//! Twilio's dialect over HTTP: the webhooks of SMS providers that speak it, and the face for programs that speak it.

mod callbacks;
mod message;
mod server;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

pub use callbacks::StatusCallbacks;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    webhooks::router().merge(server::router())
}
