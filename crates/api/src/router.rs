//! The whole HTTP interface in one router.

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{AppState, console, events, files_host, headers, link_host, links, observe, ops, twilio, v1, webhooks};

/// Every documented route but those of short links and WhatsApp's webhooks, without its state.
pub(crate) fn api_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(ops::router()).merge(v1::router()).merge(events::router()).merge(twilio::router())
}

/// The HTTP interface. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that limits per address
/// know the addresses.
pub fn router(state: AppState) -> Router {
    let (router, _) = api_router().split_for_parts();
    let router = layered(router.fallback(console::serve), state.clone())
        .merge(links::served(state.clone()))
        .merge(webhooks::served(state.clone()));
    if state.config.files_origin.is_none() {
        return router.merge(files_host::for_carriers(state));
    }
    router.layer(middleware::from_fn_with_state(state, files_host::separate))
}

/// Routes within the layers that almost every request passes, outermost last.
pub(crate) fn layered(router: Router<AppState>, state: AppState) -> Router {
    router
        .layer(middleware::from_fn_with_state(state.clone(), link_host::restrict))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), headers::secure))
        .layer(middleware::from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}
