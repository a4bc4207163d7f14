//! The paths of the Graph face.

use super::{account, blocking, forms, media, messages, number, request, template_edges, uploads};
use crate::core::Core;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::sync::Arc;

/// Documents may have 100 MB; the form around them needs a little more.
const MAX_UPLOAD: usize = 101 * 1024 * 1024;

pub(crate) fn router(core: &Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/{version}/{id}/messages", post(messages::post))
        .route("/{version}/{id}/media", post(media::upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .route("/{version}/{id}/uploads", post(uploads::begin))
        .route("/{version}/{id}/phone_numbers", get(account::phone_numbers))
        .route("/{version}/{id}/register", post(number::register))
        .route("/{version}/{id}/contact_book", get(number::forgotten).delete(number::forget))
        .route("/{version}/{id}/deregister", post(number::deregister))
        .route("/{version}/{id}/request_code", post(number::request_code))
        .route("/{version}/{id}/verify_code", post(number::verify_code))
        .route("/{version}/{id}/whatsapp_business_profile", get(number::profile).post(number::set_profile))
        .route(
            "/{version}/{id}/subscribed_apps",
            get(account::subscriptions).post(account::subscribe).delete(account::unsubscribe),
        )
        .route(
            "/{version}/{id}/message_templates",
            get(account::templates).post(template_edges::create).delete(template_edges::delete),
        )
        .route("/{version}/{id}/flows", get(forms::list))
        .route(
            "/{version}/{id}",
            get(account::object)
                .post(template_edges::edit)
                .layer(DefaultBodyLimit::max(MAX_UPLOAD))
                .delete(media::delete),
        )
        .route("/{version}/{id}/block_users", get(blocking::get).post(blocking::post).delete(blocking::delete))
        .route_layer(from_fn_with_state(core.clone(), request::guard))
        .route("/graph-media/{id}", get(media::download))
}
