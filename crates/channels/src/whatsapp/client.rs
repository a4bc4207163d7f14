//! The Graph API client.

use std::{fmt, time::Duration};

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header::HeaderMap};
use serde_json::{Value, json};

use super::{
    errors::Act,
    lenient::field,
    outbound::Outbound,
    recipient::Recipient,
    send::{SendMeta, SendOutcome},
    status::GraphError,
};
use crate::{
    ErrorClass,
    http::{HttpLimits, HttpSetupError, http_client},
};

/// Longest JSON answer read.
const LONGEST_ANSWER: usize = 8 << 20;
/// Longest callback data WhatsApp takes, in characters.
const LONGEST_CALLBACK_DATA: usize = 512;

/// Settings of one WhatsApp number. The token never shows in `Debug`.
#[derive(Clone)]
pub struct GraphConfig {
    /// `https://graph.facebook.com`, or what stands in for it.
    pub base_url: String,
    /// API version, `v26.0`. Versions die after about two years.
    pub version: String,
    /// Access token.
    pub access_token: String,
    /// The number messages go out from.
    pub phone_number_id: String,
    /// The business account.
    pub waba_id: String,
    /// Hosts besides the Graph API's own that may see the token when media is downloaded, always over HTTPS.
    pub media_hosts: Vec<String>,
    /// Time limits.
    pub limits: HttpLimits,
}

impl GraphConfig {
    /// A number at Meta's own servers.
    #[must_use]
    pub fn new(version: &str, access_token: &str, phone_number_id: &str, waba_id: &str) -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            version: version.to_owned(),
            access_token: access_token.to_owned(),
            phone_number_id: phone_number_id.to_owned(),
            waba_id: waba_id.to_owned(),
            media_hosts: vec!["lookaside.fbsbx.com".to_owned()],
            limits: HttpLimits::default(),
        }
    }
}

impl fmt::Debug for GraphConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphConfig")
            .field("base_url", &self.base_url)
            .field("version", &self.version)
            .field("access_token", &"redacted")
            .field("phone_number_id", &self.phone_number_id)
            .field("waba_id", &self.waba_id)
            .finish_non_exhaustive()
    }
}

/// Whether the customer sees that an answer is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Until the answer, at most 25 seconds.
    Show,
    /// Not.
    Hide,
}

/// A request that is not a send failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphFailure {
    /// No answer. Whether the request was carried out is not known.
    #[error("WhatsApp did not answer: {0}")]
    NoAnswer(String),
    /// WhatsApp refused.
    #[error("{}", .error.reason())]
    Refused {
        /// HTTP status.
        status: u16,
        /// What WhatsApp says.
        error: GraphError,
    },
    /// The answer is not what was expected.
    #[error("WhatsApp's answer cannot be read (HTTP {status}). Check the address and version of the channel.")]
    Unreadable {
        /// HTTP status.
        status: u16,
    },
    /// An id or address cannot be part of a request.
    #[error("The {0} is not valid.")]
    Invalid(&'static str),
}

impl GraphFailure {
    /// The kind of failure.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoAnswer(_) | Self::Unreadable { .. } => ErrorClass::ProviderDown,
            Self::Refused { error, .. } => error.meaning().class,
            Self::Invalid(_) => ErrorClass::ContentInvalid,
        }
    }

    /// Whether the same request may be tried again by itself.
    #[must_use]
    pub fn act(&self) -> Act {
        match self {
            Self::NoAnswer(_) | Self::Unreadable { .. } => Act::Retry,
            Self::Refused { error, .. } => error.act(),
            Self::Invalid(_) => Act::Final,
        }
    }
}

/// A client for one WhatsApp number. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GraphClient {
    http: reqwest::Client,
    pub(super) config: GraphConfig,
}

impl GraphClient {
    /// A client with connections of its own.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: GraphConfig) -> Result<Self, HttpSetupError> {
        Ok(Self { http: http_client(config.limits)?, config })
    }

    /// WhatsApp's id of the number that it sends from.
    #[must_use]
    pub fn number_id(&self) -> &str {
        &self.config.phone_number_id
    }

    /// A client that shares the connections of another number.
    #[must_use]
    pub fn sharing(&self, config: GraphConfig) -> Self {
        Self { http: self.http.clone(), config }
    }

    /// Sends a message. Checks WhatsApp's limits first; what breaks one is refused without a request.
    pub async fn send(&self, recipient: &Recipient, message: &Outbound, meta: &SendMeta) -> SendOutcome {
        let refused = |reason: String| SendOutcome::Refused { class: ErrorClass::ContentInvalid, code: None, reason };
        if let Err(error) = message.validate() {
            return refused(error.to_string());
        }
        if meta.callback_data.as_ref().is_some_and(|data| data.chars().count() > LONGEST_CALLBACK_DATA) {
            return refused("The callback data is longer than 512 characters.".to_owned());
        }
        let request = match self.request(Method::POST, &[&self.config.phone_number_id, "messages"]) {
            Ok(request) => request.json(&message.to_json(recipient, meta)),
            Err(error) => return refused(error.to_string()),
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return SendOutcome::of_transport(&error),
        };
        warn_of_old_version(response.headers());
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        match read_limited(response, LONGEST_ANSWER).await {
            Ok(body) => SendOutcome::of_answer(status, retry_after, &parsed(&body, &self.config.access_token)),
            // The status alone settles a refusal; a success without its ids does not.
            Err(_) => SendOutcome::of_answer(status, retry_after, &Value::Null),
        }
    }

    /// Marks a customer's message and all before it as read.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer; repeating it does no harm.
    pub async fn mark_read(&self, wamid: &str, typing: Typing) -> Result<(), GraphFailure> {
        let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": wamid});
        if typing == Typing::Show {
            body["typing_indicator"] = json!({"type": "text"});
        }
        let request = self.request(Method::POST, &[&self.config.phone_number_id, "messages"])?.json(&body);
        self.call(request).await.map(drop)
    }

    /// A request with the token, to `{base}/{version}/{path…}`.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, GraphFailure> {
        self.request_with(method, path, &[])
    }

    /// A request with the token and a query.
    pub(super) fn request_with(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, GraphFailure> {
        let mut url = Url::parse(&self.config.base_url).map_err(|_| GraphFailure::Invalid("channel's base URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(GraphFailure::Invalid("channel's base URL"));
        }
        // Ids come from webhooks and settings; nothing in them may leave its place in the path.
        let is_plain = |part: &&str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.'))
        };
        if ![self.config.version.as_str()].iter().chain(path).all(is_plain) {
            return Err(GraphFailure::Invalid("id or version in the request"));
        }
        url.path_segments_mut()
            .map_err(|()| GraphFailure::Invalid("channel's base URL"))?
            .pop_if_empty()
            .push(&self.config.version)
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.http.request(method, url).bearer_auth(&self.config.access_token))
    }

    /// A request to a full address, without the token unless the caller adds it.
    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }

    /// A request to a full address that the caller has checked, without the token unless the caller adds it.
    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.http.post(url)
    }

    /// Sends a request and reads its JSON.
    pub(super) async fn call(&self, request: RequestBuilder) -> Result<Value, GraphFailure> {
        let response = request.send().await.map_err(|error| GraphFailure::NoAnswer(plain(&error).to_owned()))?;
        warn_of_old_version(response.headers());
        let status = response.status();
        let body = read_limited(response, LONGEST_ANSWER).await?;
        read_answer(status, &body, &self.config.access_token)
    }
}

/// The JSON of an answer without the token, which WhatsApp repeats in its words about a token that is not valid; null when
/// it is no JSON. What WhatsApp says is stored, shown and logged, and the token must be in none of that.
pub(super) fn parsed(body: &[u8], token: &str) -> Value {
    let mut value = serde_json::from_slice(body).unwrap_or_default();
    if !token.is_empty() {
        hide(&mut value, token);
    }
    value
}

fn hide(value: &mut Value, token: &str) {
    match value {
        Value::String(text) if text.contains(token) => *text = text.replace(token, "…"),
        Value::Array(elements) => elements.iter_mut().for_each(|element| hide(element, token)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide(field, token)),
        _ => {}
    }
}

/// JSON of a successful answer, or why there is none.
pub(super) fn read_answer(status: StatusCode, body: &[u8], token: &str) -> Result<Value, GraphFailure> {
    let unreadable = GraphFailure::Unreadable { status: status.as_u16() };
    let value = match parsed(body, token) {
        Value::Null => return Err(unreadable),
        value => value,
    };
    match field(&value, "error") {
        Some(error) => Err(GraphFailure::Refused { status: status.as_u16(), error: GraphError::of(error) }),
        None if status.is_success() => Ok(value),
        None => Err(unreadable),
    }
}

/// Reads a body up to `most` octets.
pub(super) async fn read_limited(mut response: Response, most: usize) -> Result<Vec<u8>, GraphFailure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(GraphFailure::Unreadable { status: response.status().as_u16() }),
            Ok(None) => return Ok(body),
            Err(error) => return Err(GraphFailure::NoAnswer(plain(&error).to_owned())),
        }
    }
}

/// What went wrong, without the address: it may hold ids.
pub(super) fn plain(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the time limit passed"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection was cut"
    }
}

/// `Retry-After` in whole seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn warn_of_old_version(headers: &HeaderMap) {
    if let Some(warning) = headers.get("x-ad-api-version-warning").and_then(|warning| warning.to_str().ok()) {
        tracing::warn!(warning, "WhatsApp warns about the API version");
    }
}
