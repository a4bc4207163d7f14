//! Short links: `/l/{code}` sends a customer into the WhatsApp chat, or to an address of the text, and counts the tap.
//!
//! The target is made from the channel's own number or was stored with the campaign, never taken from the request, so
//! this cannot be used to send people anywhere else. Every request is counted; whether it was a person is decided by what
//! it looks like (a HEAD request or a preview never is). Nothing about the customer is in the address but the code.
//!
//! These routes stand beside the layers that all others pass, because a redirect is little more than a look into memory:
//! a line in the log, a request id and headers for the console's pages would cost more than the work itself. What they
//! need of those layers they do themselves ([`finish`]).

mod landing;
mod misses;
mod pages;
mod qr;

use axum::{
    Form,
    extract::{DefaultBodyLimit, Path, Request, State},
    middleware,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use segue_outreach::{
    domains,
    redirect::{self, LandingPage, LinkRequest, Opened, Tick},
};
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, client_address, guard::Guard, link_host, observe};

pub(crate) use misses::MissLimiter;
pub(crate) use pages::unknown as unknown_page;
pub(crate) use qr::{png, svg};

/// Bytes of the form on the page before the chat.
const FORM_LIMIT: usize = 1_024;

/// The routes, with their documentation. They need no other layer than [`finish`].
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::anybody().documented(routes!(open, enter)))
        .routes(Guard::anybody().documented(routes!(qr_code)))
        .routes(Guard::anybody().documented(routes!(check_host)))
        .route("/l/page.css", axum::routing::get(style))
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
}

/// The routes as they are served.
pub(crate) fn served(state: AppState) -> axum::Router {
    let (router, _) = router().split_for_parts();
    router
        .layer(middleware::from_fn_with_state(state.clone(), finish))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .with_state(state)
}

/// Query of a link that leads straight into the chat and counts nothing: the tap that led to its QR code is counted.
const TO_CHAT: &str = "chat";

/// Follows a link from a text.
#[utoipa::path(get, path = "/l/{code}", operation_id = "open_link", tag = "links",
    params(("code" = String, Path)),
    responses((status = 302, description = "Into the WhatsApp chat, or to the address of the text."),
        (status = 200, content_type = "text/html", description = "The page before the chat.", body = String),
        (status = 404, content_type = "text/html", body = String),
        (status = 410, content_type = "text/html", body = String)))]
async fn open(State(state): State<AppState>, request: Request) -> Response {
    let code = request.uri().path().strip_prefix("/l/").unwrap_or_default();
    if request.uri().query() == Some(TO_CHAT)
        && let Ok(Opened::Redirect(target)) = state.redirects.enter(code, Tick::Empty).await
    {
        return redirect(target);
    }
    match state.redirects.open(code, link_request(request.method(), request.headers())).await {
        Ok(Opened::Redirect(target)) => redirect(target),
        Ok(other) => answer(&state, &request, other),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize, ToSchema)]
struct Entry {
    /// `yes` when the box was ticked.
    #[serde(default)]
    consent: Option<String>,
}

/// Goes on from the page before the chat. A ticked box is recorded in the consent ledger with the words beside it.
#[utoipa::path(post, path = "/l/{code}", operation_id = "enter_chat", tag = "links",
    params(("code" = String, Path)),
    request_body(content = Entry, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Into the WhatsApp chat."),
        (status = 404, content_type = "text/html", body = String),
        (status = 410, content_type = "text/html", body = String)))]
async fn enter(
    State(state): State<AppState>,
    Path(code): Path<String>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Response {
    let ticked = if entry.consent.as_deref() == Some("yes") { Tick::Ticked } else { Tick::Empty };
    match state.redirects.enter(&code, ticked).await {
        Ok(Opened::Redirect(target)) => {
            let mut response = redirect(target);
            *response.status_mut() = StatusCode::SEE_OTHER;
            response
        }
        Ok(other) => {
            let mut request = Request::new(axum::body::Body::empty());
            *request.headers_mut() = headers;
            answer(&state, &request, other)
        }
        Err(error) => failed(&error),
    }
}

/// The link as a QR code, for the page before the chat.
#[utoipa::path(get, path = "/l/{code}/qr.svg", operation_id = "link_qr_code", tag = "links",
    params(("code" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml", body = String),
        (status = 404, content_type = "text/html", body = String)))]
async fn qr_code(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    let code = path.strip_prefix("/l/").and_then(|rest| rest.strip_suffix("/qr.svg")).unwrap_or_default();
    match state.redirects.landing(code).await {
        // The code of the chat itself: the phone that reads it is the customer's, and his tap is counted already.
        // With a long text in another script the chat's own link is too long to be drawn.
        Ok(Opened::Landing(page)) => svg(&page.chat)
            .or_else(|_| svg(&format!("{}/l/{}?{TO_CHAT}", state.links.config().link_base, page.code)))
            .map_or_else(|_| pages::unavailable(), qr::svg_response),
        Ok(Opened::Redirect(_)) => answer(&state, &request, Opened::NotFound),
        Ok(other) => answer(&state, &request, other),
        Err(error) => failed(&error),
    }
}

/// Shows that a host name leads here: whoever opens this address under it has verified it.
#[utoipa::path(get, path = "/l/check/{token}", operation_id = "verify_link_domain", tag = "links",
    params(("token" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 404, content_type = "text/html", body = String)))]
async fn check_host(State(state): State<AppState>, Path(token): Path<String>, request: Request) -> Response {
    let host = link_host::host_of(&request);
    match domains::verify(&state.store, &state.ctx, &token, host).await {
        Ok(true) => {
            state.read_link_domains().await;
            pages::verified()
        }
        Ok(false) => answer(&state, &request, Opened::NotFound),
        Err(error) => failed(&error),
    }
}

fn answer(state: &AppState, request: &Request, opened: Opened) -> Response {
    match opened {
        Opened::Redirect(target) => redirect(target),
        Opened::Landing(page) => show(&page, request.headers()),
        Opened::Expired => pages::expired(),
        Opened::Stopped => pages::stopped(),
        Opened::NotFound => {
            let address = client_address::of(&state.config, request.headers(), request.extensions());
            match state.misses.count(address, state.ctx.now()) {
                misses::Miss::WithinLimit => pages::unknown(),
                misses::Miss::TooMany => pages::too_many(),
            }
        }
    }
}

fn show(page: &LandingPage, headers: &HeaderMap) -> Response {
    landing::page(page, text(headers, "accept-language").as_deref().unwrap_or_default())
}

fn failed(error: &segue_outreach::OutreachError) -> Response {
    tracing::error!(%error, "a short link could not be opened");
    pages::unavailable()
}

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, pages::STYLE).into_response()
}

fn redirect(target: String) -> Response {
    let Ok(location) = HeaderValue::try_from(target) else {
        tracing::error!("a link's target cannot stand in a header");
        return pages::unavailable();
    };
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn link_request(method: &Method, headers: &HeaderMap) -> LinkRequest {
    LinkRequest {
        method: if method == Method::HEAD { redirect::Method::Head } else { redirect::Method::Get },
        user_agent: text(headers, "user-agent"),
        purpose: ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().find_map(|name| text(headers, name)),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Adds what every answer has, and counts it.
async fn finish(State(state): State<AppState>, request: Request, next: middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let answer = match response.status() {
        StatusCode::FOUND | StatusCode::SEE_OTHER => "redirect",
        StatusCode::OK => "page",
        StatusCode::GONE => "gone",
        StatusCode::NOT_FOUND => "unknown",
        StatusCode::TOO_MANY_REQUESTS => "too_many",
        _ => "failed",
    };
    metrics::counter!("segue_link_requests_total", "answer" => answer).increment(1);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if answer != "redirect" {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(pages::POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if state.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
