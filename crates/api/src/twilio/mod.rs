//! Twilio's dialect over HTTP: the webhooks of SMS providers that speak it.

mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    webhooks::router()
}
