//! The pages for people: the phone page, the controls, and the page that asks to continue to the chat. Static files, no inline script or style.

use crate::api::{decode, encode};
use crate::config::digits;
use crate::core::Core;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use std::sync::Arc;

const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'self'";

const HTML: &str = "text/html; charset=utf-8";

/// The files of the page by name.
const FILES: [(&str, &str, &str); 12] = [
    ("phone.css", "text/css; charset=utf-8", include_str!("../phone/phone.css")),
    ("chat.css", "text/css; charset=utf-8", include_str!("../phone/chat.css")),
    ("phone.js", "text/javascript; charset=utf-8", include_str!("../phone/phone.js")),
    ("api.js", "text/javascript; charset=utf-8", include_str!("../phone/api.js")),
    ("dom.js", "text/javascript; charset=utf-8", include_str!("../phone/dom.js")),
    ("sms.js", "text/javascript; charset=utf-8", include_str!("../phone/sms.js")),
    ("controls.css", "text/css; charset=utf-8", include_str!("../phone/controls.css")),
    ("controls.js", "text/javascript; charset=utf-8", include_str!("../phone/controls.js")),
    ("chat.js", "text/javascript; charset=utf-8", include_str!("../phone/chat.js")),
    ("sheet.js", "text/javascript; charset=utf-8", include_str!("../phone/sheet.js")),
    ("actions.js", "text/javascript; charset=utf-8", include_str!("../phone/actions.js")),
    ("icon.svg", "image/svg+xml", include_str!("../phone/icon.svg")),
];

pub(crate) fn router() -> Router<Arc<Core>> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/phone") }))
        .route("/phone", get(|| async { page(HTML, include_str!("../phone/index.html").to_owned()) }))
        .route("/controls", get(|| async { page(HTML, include_str!("../phone/controls.html").to_owned()) }))
        .route("/phone/{file}", get(file))
        .route("/favicon.ico", get(|| async { Redirect::permanent("/phone/icon.svg") }))
        .route("/wa.me/{digits}", get(wa_me))
        .route("/send", get(send))
}

fn page(content_type: &'static str, body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, body).into_response()
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, content_type, body)) => page(content_type, (*body).to_owned()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).next()
}

async fn wa_me(
    State(core): State<Arc<Core>>,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    interstitial(&core, &number, query.as_deref(), &headers)
}

async fn send(State(core): State<Arc<Core>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let number = parameter(query.as_deref(), "phone").unwrap_or_default();
    interstitial(&core, &number, query.as_deref(), &headers)
}

/// "Continue to chat": leads to the chat app of the handset that is named in the query or was used last (cookie).
fn interstitial(core: &Core, number: &str, query: Option<&str>, headers: &HeaderMap) -> Response {
    let number = digits(number);
    let text = parameter(query, "text").unwrap_or_default();
    let handset = parameter(query, "handset").or_else(|| cookie(headers, "sandbox_handset")).map(|id| digits(&id));
    let mut target = format!("/phone?chat={number}&text={}", encode(&text));
    if let Some(handset) = handset.filter(|id| !id.is_empty()) {
        target.push_str("&handset=");
        target.push_str(&handset);
    }
    let known = number == core.config.business_digits();
    let name = if known { core.config.business_name.clone() } else { format!("+{number}") };
    let body = include_str!("../phone/interstitial.html")
        .replace("{name}", &html(&name))
        .replace("{number}", &html(&format!("+{number}")))
        .replace("{preview}", if text.is_empty() { "hidden" } else { "" })
        .replace("{href}", &html(&target))
        .replace("{text}", &html(&text));
    page(HTML, body)
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get(COOKIE)?.to_str().ok()?;
    all.split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Escapes for text and attribute values.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
