//! Requests of the Twilio face and their errors.

use super::face::NewMessage;
use crate::core::Core;
use crate::faults::take_one;
use crate::handset::MediaView;
use crate::ledger::Fact;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;

/// An error as the dialect writes it.
struct Refusal(StatusCode, u32, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let body = Json(json!({
            "code": code,
            "message": message,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status.as_u16(),
        }));
        if status == StatusCode::TOO_MANY_REQUESTS {
            return (status, [(header::RETRY_AFTER, "1")], body).into_response();
        }
        (status, body).into_response()
    }
}

fn bad(code: u32, message: &'static str) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, code, message)
}

fn authorise(core: &Core, account: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let config = &core.config;
    let pair = format!("{}:{}", config.twilio_account_sid, config.twilio_auth_token);
    let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given != Some(expected.as_str()) {
        return Err(Refusal(StatusCode::UNAUTHORIZED, 20003, "Authenticate"));
    }
    if account != config.twilio_account_sid {
        return Err(Refusal(StatusCode::NOT_FOUND, 20404, "The requested resource was not found"));
    }
    Ok(())
}

/// `GET /2010-04-01/Accounts/{sid}.json`.
pub(crate) async fn account(State(core): State<Arc<Core>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let sid = file.strip_suffix(".json").unwrap_or(&file);
    match authorise(&core, sid, &headers) {
        Err(refusal) => refusal.into_response(),
        Ok(()) => {
            Json(json!({"sid": sid, "friendly_name": core.config.business_name, "status": "active"})).into_response()
        }
    }
}

/// `POST /2010-04-01/Accounts/{sid}/Messages.json`.
pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refusal) = authorise(&core, &account, &headers) {
        return refusal.into_response();
    }
    let (hangs, fails) =
        core.with(|state| (take_one(&mut state.faults.twilio_hang), take_one(&mut state.faults.twilio_server_error)));
    if hangs {
        core.shutdown.cancelled().await;
    }
    if hangs || fails {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut read = read(&body);
    if let Ok(message) = &mut read {
        read = fetch_media(&core, std::mem::take(&mut message.media_urls)).await.and_then(|media| {
            let mut message = self::read(&body)?;
            message.media = media;
            Ok(message)
        });
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let accepted = core.with(|state| {
        let fault = state.faults.take_twilio_error();
        let checked = match (fault, read) {
            (Some(code), _) => Err(of_code(code)),
            (None, read) => read,
        };
        let checked = checked.and_then(|message| {
            if state.twilio.has_stopped(&message.from, &message.to) {
                return Err(bad(21610, "Attempt to send to unsubscribed recipient"));
            }
            Ok(message)
        });
        match checked {
            Ok(mut message) => {
                let hangs = take_one(&mut state.faults.twilio_hang_after_accept);
                let fails = take_one(&mut state.faults.twilio_error_after_accept);
                message.answered = !hangs && !fails;
                let shown = (message.from.clone(), message.to.clone(), message.text.clone(), message.media.len());
                let key = key.filter(|_| state.faults.twilio_honours_key);
                let sid = match key.and_then(|key| state.twilio.sid_of(key)) {
                    Some(sid) => sid,
                    None => {
                        let sid = state.accept_twilio(message);
                        if let Some(key) = key {
                            state.twilio.remember(key, &sid);
                        }
                        sid
                    }
                };
                Ok((sid, shown, hangs, fails))
            }
            Err(refusal) => {
                let fields: std::collections::HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                state.record(Fact::SmsRefused { from: field("From"), to: field("To"), code: refusal.1 });
                Err(refusal)
            }
        }
    });
    match accepted {
        Err(refusal) => refusal.into_response(),
        Ok((_, _, hangs, fails)) if hangs || fails => {
            if hangs {
                core.shutdown.cancelled().await;
            }
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Ok((sid, (from, to, text, files), ..)) => {
            let message = json!({
                "sid": sid, "account_sid": account, "from": from, "to": to, "body": text, "status": "queued",
                "direction": "outbound-api", "num_segments": "1", "num_media": files.to_string(), "error_code": null,
                "error_message": null, "price": null, "price_unit": "USD", "api_version": "2010-04-01",
                "uri": format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"),
            });
            (StatusCode::CREATED, Json(message)).into_response()
        }
    }
}

fn of_code(code: u32) -> Refusal {
    match code {
        20429 => Refusal(StatusCode::TOO_MANY_REQUESTS, code, "Too Many Requests"),
        20003 => Refusal(StatusCode::UNAUTHORIZED, code, "Authenticate"),
        code => bad(code, "Refused on purpose"),
    }
}

/// Bytes of all files of a message at most.
const MOST_BYTES: usize = 5 << 20;

/// Fetches what a message names, as the provider does: a HEAD and then a GET, without credentials.
async fn fetch_media(core: &Core, urls: Vec<String>) -> Result<Vec<MediaView>, Refusal> {
    let invalid = || bad(21620, "Invalid media URL(s)");
    let (mut all, mut total) = (Vec::with_capacity(urls.len()), 0);
    for url in urls {
        let head = core.http.head(&url).send().await.map_err(|_| invalid())?;
        let response =
            core.http.get(&url).header("user-agent", "TwilioProxy/1.1").send().await.map_err(|_| invalid())?;
        if !head.status().is_success() || !response.status().is_success() {
            return Err(invalid());
        }
        let mime = response.headers().get(header::CONTENT_TYPE).and_then(|mime| mime.to_str().ok());
        let mime = mime.ok_or_else(invalid)?.to_owned();
        let bytes = response.bytes().await.map_err(|_| invalid())?;
        total += bytes.len();
        if total > MOST_BYTES {
            return Err(bad(30019, "Content size exceeds carrier limit"));
        }
        all.push(core.with(|state| state.keep_media(bytes.to_vec(), mime)));
    }
    Ok(all)
}

/// `GET …/Messages/{sid}/Media/{sid}`: a file that a customer sent, for who has the account's credentials.
pub(crate) async fn media(
    State(core): State<Arc<Core>>,
    Path((account, _, media)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = authorise(&core, &account, &headers) {
        return refusal.into_response();
    }
    if core.with(|state| take_one(&mut state.faults.twilio_media_error)) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    crate::graph::media::serve(&core, &media)
}

/// The checks of the dialect that the product could get wrong.
fn read(body: &[u8]) -> Result<NewMessage, Refusal> {
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| {
        fields.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.clone())
    };
    let to = field("To").ok_or(bad(21604, "A 'To' phone number is required."))?;
    let is_number = |text: &str| {
        text.strip_prefix('+')
            .is_some_and(|digits| (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    if !is_number(&to) {
        return Err(bad(21211, "Invalid 'To' Phone Number"));
    }
    let from = field("From").or_else(|| field("MessagingServiceSid"));
    let from = from.ok_or(bad(21603, "A 'From' phone number is required."))?;
    let media_urls: Vec<String> =
        fields.iter().filter(|(name, _)| name == "MediaUrl").map(|(_, url)| url.clone()).collect();
    let text = match field("Body") {
        Some(text) => text,
        None if !media_urls.is_empty() => String::new(),
        None => return Err(bad(21602, "Message body is required.")),
    };
    if media_urls.len() > 10 {
        return Err(bad(21623, "Number of media files exceeds allowed limit"));
    }
    if text.chars().count() > 1600 {
        return Err(bad(21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    if field("ValidityPeriod").is_some_and(|seconds| !(1..=36_000).contains(&seconds.parse::<u32>().unwrap_or(0))) {
        return Err(bad(21623, "The validity period is invalid"));
    }
    Ok(NewMessage { from, to, text, media_urls, media: Vec::new(), callback: field("StatusCallback"), answered: true })
}
