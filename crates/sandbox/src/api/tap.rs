//! Tapping a link: follows redirects as a phone's browser does, until the page that asks to continue to the chat.

use super::problem::Problem;
use crate::config::digits;
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const MAX_HOPS: usize = 10;
const PHONE_BROWSER: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
                             Chrome/141.0.0.0 Mobile Safari/537.36";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    url: String,
    user_agent: Option<String>,
}

pub(crate) async fn tap(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(tap): Json<Tap>,
) -> Result<Json<Value>, Problem> {
    if !core.with(|state| state.handsets.contains_key(&id)) {
        return Err(Problem::no_handset());
    }
    let agent = tap.user_agent.as_deref().unwrap_or(PHONE_BROWSER);
    let mut url = parse(&tap.url)?;
    let mut hops = Vec::new();
    let mut status = None;
    loop {
        hops.push(url.to_string());
        let prefilled = prefilled(&core, &url);
        // The real interstitial is not ours to load; ours is.
        if prefilled.is_some() && !is_own(&core, &url) {
            return Ok(Json(
                json!({"status": status.unwrap_or(200), "final_url": url.as_str(), "hops": hops, "prefilled": prefilled}),
            ));
        }
        let request = core.http.get(url.clone()).header("user-agent", agent).header("accept", "text/html,*/*;q=0.8");
        let response = request.send().await.map_err(|error| {
            Problem::new(StatusCode::BAD_GATEWAY, format!("the link cannot be opened: {}", error.without_url()))
        })?;
        let answered = response.status().as_u16();
        status = Some(answered);
        let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
        match target.filter(|_| (300..400).contains(&answered)) {
            Some(target) if prefilled.is_none() && hops.len() < MAX_HOPS => {
                url = url
                    .join(target)
                    .map_err(|_| Problem::new(StatusCode::BAD_GATEWAY, "the link redirects to no URL"))?;
            }
            _ => {
                return Ok(Json(
                    json!({"status": answered, "final_url": url.as_str(), "hops": hops, "prefilled": prefilled}),
                ));
            }
        }
    }
}

fn parse(url: &str) -> Result<Url, Problem> {
    let url = Url::parse(url).map_err(|_| Problem::bad("url is not an absolute URL"))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(Problem::bad("url is not http or https")) }
}

/// The sandbox's own pages, by its public address.
fn is_own(core: &Core, url: &Url) -> bool {
    let origin = |url: &Url| {
        (
            url.host_str().map(|host| if host == "localhost" { "127.0.0.1" } else { host }.to_owned()),
            url.port_or_known_default(),
        )
    };
    Url::parse(&core.public_url).is_ok_and(|own| origin(&own) == origin(url))
}

/// Number and text of an interstitial URL: `wa.me/<digits>` or `.../send?phone=`.
fn prefilled(core: &Core, url: &Url) -> Option<Value> {
    let path = url.path().trim_end_matches('/');
    let parameter = |name: &str| {
        let pairs = url.query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| decode(value))
    };
    let number = match url.host_str()? {
        _ if is_own(core, url) && path.starts_with("/wa.me/") => path["/wa.me/".len()..].to_owned(),
        _ if is_own(core, url) && path == "/send" => parameter("phone")?,
        "wa.me" => path.trim_start_matches('/').to_owned(),
        "api.whatsapp.com" | "web.whatsapp.com" if path == "/send" => parameter("phone")?,
        _ => return None,
    };
    let business = digits(&number);
    (!business.is_empty()).then(|| json!({"business": business, "text": parameter("text").unwrap_or_default()}))
}

/// Percent-decoding of a query value. A `+` stays a `+`: that is how the chat app shows it.
pub(crate) fn decode(value: &str) -> String {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let coded = (*first == b'%').then(|| tail.get(..2)).flatten();
        let octet =
            coded.and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match octet {
            Some(octet) => {
                octets.push(octet);
                rest = &tail[2..];
            }
            None => {
                octets.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// Percent-encoding for a query value: everything but unreserved characters.
pub(crate) fn encode(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut out, octet| {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([octet]));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_round_trip_and_plus_stays_plus() {
        let text = "Hi! June offer? (ref K7Q-2MX) é 😀 100% + \n";
        assert_eq!(decode(&encode(text)), text);
        assert_eq!(decode("a+b%20c%zz%"), "a+b c%zz%");
    }
}
