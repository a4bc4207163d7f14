//! Short links: `/l/{code}` sends a customer into the WhatsApp chat and notes the tap.
//!
//! The target is made from the channel's own number, never from the request, so this cannot be used to send people
//! anywhere else. Every request is stored; whether it was a person is decided by what it looks like (a HEAD request or
//! a preview never is). Nothing about the customer is in the address but the code.

mod misses;
mod pages;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use segue_outreach::link::{self, LinkRequest, Opened};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, client_address::ClientAddress, guard::Guard};

pub(crate) use misses::MissLimiter;
pub(crate) use pages::unknown as unknown_page;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::anybody().routes(routes!(open))).route("/l/page.css", axum::routing::get(style))
}

/// Follows a link from a text.
#[utoipa::path(get, path = "/l/{code}", operation_id = "open_link", tag = "links",
    params(("code" = String, Path)),
    responses((status = 302, description = "Into the WhatsApp chat."),
        (status = 404, content_type = "text/html", body = String),
        (status = 410, content_type = "text/html", body = String)))]
async fn open(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Path(code): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let request = LinkRequest {
        method: if method == Method::HEAD { link::Method::Head } else { link::Method::Get },
        user_agent: text(&headers, "user-agent"),
        purpose: ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().find_map(|name| text(&headers, name)),
    };
    match link::open(&state.store, &state.ctx, &state.links, &code, &request).await {
        Ok(Opened::Redirect(target)) => redirect(&target),
        Ok(Opened::Expired) => pages::expired(),
        Ok(Opened::NotFound) => match state.misses.count(address, state.ctx.now()) {
            misses::Miss::WithinLimit => pages::unknown(),
            misses::Miss::TooMany => pages::too_many(),
        },
        Err(error) => {
            tracing::error!(%error, "a short link could not be opened");
            pages::unavailable()
        }
    }
}

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, pages::STYLE).into_response()
}

fn redirect(target: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(target) else {
        tracing::error!("a link's target cannot stand in a header");
        return pages::unavailable();
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::FOUND, headers).into_response()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
