//! The client of the REST API.

use std::{fmt, sync::Mutex, time::Duration};

use reqwest::{Method, RequestBuilder, Response, Url, header::HeaderMap};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};

use super::send::SendOutcome;
use crate::{
    ErrorClass,
    http::{HttpLimits, HttpSetupError, http_client},
    smpp::pace::Pace,
    text::segment,
};

const VERSION: &str = "2010-04-01";
/// Longest answer read.
const LONGEST_ANSWER: usize = 1 << 20;
/// Longest text the provider takes, in characters (error 21617).
const LONGEST_TEXT: usize = 1_600;
/// Longest validity the provider takes (`ValidityPeriod`, 1 to 36,000 seconds); it is also what it assumes.
const LONGEST_VALIDITY: u64 = 36_000;

/// Settings of an account. The token never shows in `Debug`.
#[derive(Clone)]
pub struct TwilioConfig {
    /// `https://api.twilio.com`, or what stands in for it.
    pub base_url: String,
    /// `AC…`.
    pub account_sid: String,
    /// The secret of the account.
    pub auth_token: String,
    /// `MG…`: the provider then chooses the sender of the service when a message names none of its own.
    pub messaging_service_sid: Option<String>,
    /// Most segments per second.
    pub segments_per_second: u32,
    /// Time limits.
    pub limits: HttpLimits,
}

impl fmt::Debug for TwilioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioConfig")
            .field("base_url", &self.base_url)
            .field("account_sid", &self.account_sid)
            .field("auth_token", &"redacted")
            .finish_non_exhaustive()
    }
}

/// A text to send.
#[derive(Clone, PartialEq, Eq)]
pub struct TextMessage {
    /// E.164.
    pub to: String,
    /// A number, short code or name, or the SID of a messaging service (`MG…`).
    pub from: String,
    /// What to say; may be empty beside files.
    pub text: String,
    /// Where the provider fetches the files of an MMS, in their order.
    pub media: Vec<String>,
    /// Where its statuses are reported; with our own id in the query.
    pub status_callback: Option<String>,
    /// How long the provider may try.
    pub validity: Option<Duration>,
    /// The same for every attempt at this message, for a provider that sends it once then.
    pub key: Option<String>,
}

crate::debug::redacted_debug!(TextMessage);

/// What the provider says of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// The account's name at the provider.
    pub name: String,
    /// `active`, `suspended` or `closed`.
    pub status: String,
}

/// The account could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountFailure {
    /// No answer.
    #[error("The provider cannot be reached. Check the API address of the channel.")]
    NoAnswer,
    /// It said no.
    #[error("The provider does not accept the account SID and auth token (HTTP {0}).")]
    Denied(u16),
    /// Something else answered.
    #[error("The answer cannot be read (HTTP {0}). Check the API address of the channel.")]
    Unreadable(u16),
}

/// A client of one account.
pub struct TwilioClient {
    http: reqwest::Client,
    config: TwilioConfig,
    pace: Mutex<Pace>,
    /// How many messages of no campaign wait for their turn.
    ahead: watch::Sender<usize>,
}

/// A place before the campaigns, until it is dropped.
struct Ahead<'a>(&'a watch::Sender<usize>);

impl<'a> Ahead<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|count| *count += 1);
        Self(waiting)
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl TwilioClient {
    /// A client with connections and a pace of its own.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: TwilioConfig) -> Result<Self, HttpSetupError> {
        let pace = Mutex::new(Pace::new(config.segments_per_second, Instant::now()));
        Ok(Self { http: http_client(config.limits)?, config, pace, ahead: watch::Sender::new(0) })
    }

    /// Waits for the turn of so many segments at the account's pace. To be called before anything is on record: while it
    /// waits, the message can still be stopped. A message of several goes when one may, and the next waits for all of them.
    /// One of a campaign lets everybody else go first.
    pub async fn turn(&self, segments: u32, is_of_campaign: bool) {
        let _place = (!is_of_campaign).then(|| Ahead::new(&self.ahead));
        let mut ahead = self.ahead.subscribe();
        loop {
            if is_of_campaign {
                // The sender lives as long as the client.
                let _ = ahead.wait_for(|waiting| *waiting == 0).await;
            }
            let Some(at) = self.not_before(segments) else { return };
            tokio::time::sleep_until(at).await;
        }
    }

    /// Gives a turn back, of a message that does not leave after all.
    pub fn give_back(&self, segments: u32) {
        self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).give_back(segments);
    }

    /// How many segments a text takes. Files are one message, however long their text is.
    #[must_use]
    pub fn turns(text: &str, has_media: bool) -> u32 {
        let segments = if has_media { 1 } else { segment(text).segments.len().max(1) };
        u32::try_from(segments).unwrap_or(u32::MAX)
    }

    /// Sends a text that had its [`turn`](Self::turn). What the provider would refuse for certain is refused without a
    /// request.
    pub async fn send(&self, message: &TextMessage) -> SendOutcome {
        let refused = |reason: &str| SendOutcome::Refused {
            class: ErrorClass::ContentInvalid,
            code: None,
            reason: reason.to_owned(),
        };
        if message.text.chars().count() > LONGEST_TEXT {
            return refused("The text is longer than the 1,600 characters that the provider takes.");
        }
        let Some(request) = self.request(Method::POST, &["Messages.json"]) else {
            return refused("The API address or the account SID of the channel is not valid.");
        };
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(self.form(message));
        let request = match &message.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return SendOutcome::of_transport(&error),
        };
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        // The status alone settles a refusal; a success without its id does not.
        let body = read_limited(response).await.unwrap_or_default();
        let outcome = SendOutcome::of_answer(status, retry_after, &body);
        if matches!(&outcome, SendOutcome::NotSent { class: ErrorClass::Throttled, .. })
            && let Ok(mut pace) = self.pace.lock()
        {
            pace.slow_down(Instant::now());
        }
        outcome
    }

    /// Asks for the account: whether address and credentials are right.
    ///
    /// # Errors
    /// When they are not, in words.
    pub async fn account(&self) -> Result<AccountInfo, AccountFailure> {
        let request = self.request(Method::GET, &[]).ok_or(AccountFailure::Unreadable(0))?;
        let response = request.send().await.map_err(|_| AccountFailure::NoAnswer)?;
        let status = response.status();
        if matches!(status.as_u16(), 401 | 403 | 404) {
            return Err(AccountFailure::Denied(status.as_u16()));
        }
        let body = read_limited(response).await.ok_or(AccountFailure::NoAnswer)?;
        let unreadable = AccountFailure::Unreadable(status.as_u16());
        let answer: Value = serde_json::from_slice(&body).map_err(|_| unreadable.clone())?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        match (status.is_success(), text("status")) {
            (true, Some(status)) => Ok(AccountInfo { name: text("friendly_name").unwrap_or_default(), status }),
            _ => Err(unreadable),
        }
    }

    /// A request below the account with its credentials; `None` when the settings make no address.
    fn request(&self, method: Method, path: &[&str]) -> Option<RequestBuilder> {
        let sid = self.config.account_sid.as_str();
        if sid.is_empty() || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let mut url = Url::parse(&self.config.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let account = if path.is_empty() { format!("{sid}.json") } else { sid.to_owned() };
        url.path_segments_mut().ok()?.pop_if_empty().extend([VERSION, "Accounts", &account]).extend(path);
        Some(self.http.request(method, url).basic_auth(sid, Some(&self.config.auth_token)))
    }

    pub(super) const fn config(&self) -> &TwilioConfig {
        &self.config
    }

    /// A request for something at an address of the provider, with the credentials of the account. Whose address it is is
    /// for the caller to know.
    pub(super) fn with_credentials(&self, url: &Url) -> RequestBuilder {
        self.http.get(url.clone()).basic_auth(&self.config.account_sid, Some(&self.config.auth_token))
    }

    fn form(&self, message: &TextMessage) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", &message.to);
        if message.media.is_empty() || !message.text.is_empty() {
            form.append_pair("Body", &message.text);
        }
        for url in &message.media {
            form.append_pair("MediaUrl", url);
        }
        let names_service = message.from.len() == 34 && message.from.starts_with("MG");
        if names_service {
            form.append_pair("MessagingServiceSid", &message.from);
        } else {
            form.append_pair("From", &message.from);
            if let Some(service) = &self.config.messaging_service_sid {
                form.append_pair("MessagingServiceSid", service);
            }
        }
        if let Some(url) = &message.status_callback {
            form.append_pair("StatusCallback", url);
        }
        if let Some(seconds) = message.validity.map(|validity| validity.as_secs()).filter(|s| *s < LONGEST_VALIDITY) {
            form.append_pair("ValidityPeriod", &seconds.max(1).to_string());
        }
        form.finish()
    }

    fn not_before(&self, segments: u32) -> Option<Instant> {
        let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        pace.take(segments, Instant::now()).err()
    }
}

/// The body, when it came whole and is not too long.
async fn read_limited(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(None) => return Some(body),
            Ok(Some(_)) | Err(_) => return None,
        }
    }
}

/// `Retry-After` in whole seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::twilio::form_fields;

    fn client(service: Option<&str>) -> TwilioClient {
        TwilioClient::new(TwilioConfig {
            base_url: "http://127.0.0.1:1/".to_owned(),
            account_sid: "AC00".to_owned(),
            auth_token: "secret".to_owned(),
            messaging_service_sid: service.map(str::to_owned),
            segments_per_second: 100,
            limits: HttpLimits::default(),
        })
        .unwrap()
    }

    fn message(from: &str, validity: Option<u64>) -> TextMessage {
        TextMessage {
            to: "+15550110001".to_owned(),
            from: from.to_owned(),
            text: "Hi & bye + 100 % ü".to_owned(),
            media: Vec::new(),
            status_callback: Some("https://segue.example/s?message_id=msg_1".to_owned()),
            validity: validity.map(Duration::from_secs),
            key: None,
        }
    }

    fn names(form: &str) -> Vec<String> {
        form_fields(form.as_bytes()).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_form_says_what_the_dialect_wants() {
        let form = client(None).form(&message("+15550100999", Some(600)));
        assert_eq!(names(&form), ["To", "Body", "From", "StatusCallback", "ValidityPeriod"]);
        let fields = form_fields(form.as_bytes());
        assert_eq!(fields[1].1, "Hi & bye + 100 % ü");
        assert_eq!(fields[4].1, "600");
        let service = format!("MG{}", "0".repeat(32));
        assert_eq!(names(&client(None).form(&message(&service, None)))[2], "MessagingServiceSid");
        let both = client(Some(&service)).form(&message("+15550100999", None));
        assert_eq!(names(&both)[2..4], ["From", "MessagingServiceSid"]);
        assert_eq!(names(&client(None).form(&message("ACME", Some(36_000)))).len(), 4, "longer than it takes");
        assert!(client(None).form(&message("ACME", Some(0))).ends_with("ValidityPeriod=1"));
    }

    #[test]
    fn files_are_named_in_their_order_and_need_no_text() {
        let media = vec!["https://f.example/f/a".to_owned(), "https://f.example/f/b".to_owned()];
        let form = client(None).form(&TextMessage { media: media.clone(), ..message("+15550100999", None) });
        assert_eq!(names(&form), ["To", "Body", "MediaUrl", "MediaUrl", "From", "StatusCallback"]);
        let fields = form_fields(form.as_bytes());
        assert_eq!([&fields[2].1, &fields[3].1], [&media[0], &media[1]]);
        let silent = TextMessage { media, text: String::new(), ..message("+15550100999", None) };
        assert_eq!(names(&client(None).form(&silent))[..3], ["To", "MediaUrl", "MediaUrl"]);
        assert_eq!(names(&client(None).form(&TextMessage { text: String::new(), ..message("+1", None) }))[1], "Body");
    }

    #[tokio::test]
    async fn nobody_there_is_not_sent_and_a_long_text_never_asked() {
        let outcome = client(None).send(&message("ACME", None)).await;
        assert!(matches!(outcome, SendOutcome::NotSent { class: ErrorClass::ProviderDown, code: None, .. }));
        let long = TextMessage { text: "x".repeat(1_601), ..message("ACME", None) };
        assert!(matches!(client(None).send(&long).await, SendOutcome::Refused { code: None, .. }));
        assert_eq!(client(None).account().await, Err(AccountFailure::NoAnswer));
        assert!(!format!("{:?}", client(None).config).contains("secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_of_no_campaign_has_the_next_turn() {
        let client = Arc::new(
            TwilioClient::new(TwilioConfig {
                base_url: "http://127.0.0.1:1".to_owned(),
                account_sid: "AC00".to_owned(),
                auth_token: "secret".to_owned(),
                messaging_service_sid: None,
                segments_per_second: 1,
                limits: HttpLimits::default(),
            })
            .unwrap(),
        );
        client.turn(1, false).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for (name, is_of_campaign) in
            [("campaign", true), ("campaign", true), ("campaign", true), ("answer", false), ("answer", false)]
        {
            let (client, order) = (client.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                client.turn(1, is_of_campaign).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        // An answer that is given up keeps nobody waiting.
        let given_up = tokio::time::timeout(Duration::from_millis(1), client.turn(1, false)).await;
        assert!(given_up.is_err());
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["answer", "answer", "campaign", "campaign", "campaign"]);
    }
}
