//! Twilio's dialect as a server: official client libraries send through Segue by changing the address they call.
//!
//! An API key is an account (`segue_access::twilio_account`). A message goes into the outbox as every other; its SID is
//! `SM` and the message's id in hexadecimal. Without the parameter `MessageClass=marketing` a message counts as `service`.
//! A message with `MediaUrl` is an MMS: its files are fetched when the request comes in, kept, and shown below it.
//! These routes speak the dialect's own errors instead of ours, so they stand outside of the API's document.

use std::time::Duration;

use axum::{
    Form, Json,
    extract::{DefaultBodyLimit, FromRequest as _, Path, Query, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use segue_access::{AccessError, Permission, authenticate_twilio, permission, twilio_account};
use segue_channels::{
    http::HttpLimits,
    outgoing::{self, OutgoingClient},
    twilio::form_body,
};
use segue_model::{
    ApiKeyId, MediaId, Timestamp, WorkspaceId,
    actor::Actor,
    mms::{self, MOST_FILES},
    time,
};
use segue_outreach::{
    OutreachError,
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text},
};
use segue_store::{
    StoreError,
    direct_message::{DirectMessageView, DirectQuery},
    media::FilePresence,
    text_file::TextFile,
};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use super::message::{self, VERSION, code_of_rule};
use crate::{
    AppState,
    problem::Problem,
    serve_file::{Disposition, serve},
    v1::text_files,
};

/// Longest text, in characters, as in the dialect.
const LONGEST_TEXT: usize = 1_600;
const BODY_LIMIT: usize = 64 << 10;
const MAX_PAGE: u32 = 1_000;
/// How long all files that a request names may take together.
const MEDIA_WITHIN: Duration = Duration::from_secs(25);
/// How long each of them may take.
const MEDIA_LIMITS: HttpLimits = HttpLimits { connect: Duration::from_secs(5), request: Duration::from_secs(15) };

pub(super) fn router() -> OpenApiRouter<AppState> {
    let messages = get(list).post(create).layer(DefaultBodyLimit::max(BODY_LIMIT));
    OpenApiRouter::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", messages)
        .route("/2010-04-01/Accounts/{account}/Messages/{file}", get(fetch))
        .route("/2010-04-01/Accounts/{account}/Messages/{file}/Media.json", get(list_media))
        .route("/2010-04-01/Accounts/{account}/Messages/{file}/Media/{media}", get(fetch_media))
        .route("/2010-04-01/Accounts/{file}", get(account))
}

/// An error as the dialect writes it.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn unauthenticated() -> Self {
        let message = "Authenticate".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, code: 20003, message }
    }

    fn unavailable() -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: 20503, message: "Service unavailable".to_owned() }
    }

    fn not_found() -> Self {
        let message = "The requested resource was not found".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: 20404, message }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Basic realm=\"Segue\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// A failure of the product in the words of the dialect.
impl From<OutreachError> for Refusal {
    fn from(error: OutreachError) -> Self {
        let words = error.to_string();
        match error {
            OutreachError::NotFound("message") => Self::not_found(),
            OutreachError::Refused(rule) => Self::bad(code_of_rule(rule), words),
            OutreachError::SenderNotActive => Self::bad(21606, words),
            OutreachError::KeyReused => Self::bad(20001, words),
            OutreachError::Invalid { field: "sender", .. } => {
                Self::bad(21606, "The 'From' number is not a sender of this account that can send texts.")
            }
            OutreachError::Invalid { field: "phone", .. } => {
                Self::bad(21211, format!("Invalid 'To' Phone Number. {words}"))
            }
            OutreachError::Invalid { field: "text", .. } => Self::bad(21602, "Message body is required."),
            OutreachError::TextTooLong { .. } => Self::bad(21617, words),
            OutreachError::Store(error) => {
                tracing::error!(%error, "a request in Twilio's dialect failed");
                Self::unavailable()
            }
            OutreachError::Invalid { field: "media", .. } => Self::bad(21620, words),
            other => Self::bad(21619, other.to_string()),
        }
    }
}

/// Who asks, for the account that the address names.
struct Account {
    workspace_id: WorkspaceId,
    actor: Actor,
    id: ApiKeyId,
}

impl Account {
    fn sid(&self) -> String {
        twilio_account::account_sid(self.id)
    }
}

async fn authorise(state: &AppState, headers: &HeaderMap, sid: &str, needed: Permission) -> Result<Account, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (user, password) = value.and_then(basic).ok_or_else(Refusal::unauthenticated)?;
    let known = authenticate_twilio(&state.store, &state.ctx, &user, &password).await;
    let (workspace_id, actor) = known.map_err(|error| match error {
        AccessError::Store(error) => {
            tracing::error!(%error, "the credentials of a request in Twilio's dialect could not be looked at");
            Refusal::unavailable()
        }
        _ => Refusal::unauthenticated(),
    })?;
    let Actor::ApiKey { id, .. } = &actor else { return Err(Refusal::unauthenticated()) };
    let id = *id;
    if twilio_account::account_sid(id) != sid {
        return Err(Refusal::not_found());
    }
    if !permission::allows(actor.role(), needed) {
        let message = "The role of this API key does not allow this.".to_owned();
        return Err(Refusal { status: StatusCode::FORBIDDEN, code: 20403, message });
    }
    Ok(Account { workspace_id, actor, id })
}

/// User and password of Basic authentication.
fn basic(value: &str) -> Option<(String, String)> {
    use base64::Engine as _;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// `GET /2010-04-01/Accounts/{sid}.json`: whether the credentials are good.
async fn account(
    State(state): State<AppState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let sid = file.strip_suffix(".json").ok_or_else(Refusal::not_found)?;
    let account = authorise(&state, &headers, sid, Permission::ReadCampaigns).await?;
    let Actor::ApiKey { name, .. } = &account.actor else { return Err(Refusal::not_found()) };
    let body = json!({"sid": account.sid(), "friendly_name": name, "status": "active", "type": "Full"});
    Ok(Json(body).into_response())
}

/// The parameters of a message, as far as they mean something here.
#[derive(Default)]
struct Parameters {
    to: Option<String>,
    from: Option<String>,
    body: Option<String>,
    status_callback: Option<String>,
    validity_seconds: Option<String>,
    class: Option<String>,
    media_urls: Vec<String>,
}

impl Parameters {
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut all = Self::default();
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            let place = match name.as_str() {
                "To" => &mut all.to,
                "From" => &mut all.from,
                "MessagingServiceSid" if all.from.is_none() => &mut all.from,
                "Body" => &mut all.body,
                "StatusCallback" => &mut all.status_callback,
                "ValidityPeriod" => &mut all.validity_seconds,
                "MessageClass" => &mut all.class,
                "MediaUrl" => {
                    all.media_urls.push(value);
                    continue;
                }
                _ => continue,
            };
            *place = Some(value);
        }
        all
    }

    fn input(self, state: &AppState, account: &Account) -> Result<(DirectInput, Vec<String>), Refusal> {
        let to = self.to.ok_or_else(|| Refusal::bad(21604, "A 'To' phone number is required."))?;
        let text = match self.body {
            Some(text) => text,
            None if !self.media_urls.is_empty() => String::new(),
            None => return Err(Refusal::bad(21602, "Message body is required.")),
        };
        if self.media_urls.len() > MOST_FILES {
            return Err(Refusal::bad(21623, "Number of media files exceeds allowed limit: a message has at most 10."));
        }
        for url in &self.media_urls {
            outgoing::check(url, state.config.callbacks)
                .map_err(|error| Refusal::bad(21620, format!("Invalid media URL(s). {error}")))?;
        }
        let from = self.from.ok_or_else(|| Refusal::bad(21603, "A 'From' phone number is required."))?;
        if text.chars().count() > LONGEST_TEXT {
            let words = "The concatenated message body exceeds the 1600 character limit";
            return Err(Refusal::bad(21617, words));
        }
        let class = match self.class.as_deref() {
            None => DirectClass::Service,
            Some(word) => DirectClass::parse(word)
                .map_err(|_| Refusal::bad(21619, "MessageClass is 'service' or 'marketing'."))?,
        };
        let expires_at = match self.validity_seconds {
            None => None,
            Some(text) => {
                let seconds = text.parse::<i64>().ok().filter(|seconds| (1..=36_000).contains(seconds));
                let seconds = seconds.ok_or_else(|| Refusal::bad(21623, "ValidityPeriod is 1 to 36000 seconds."))?;
                Some(state.ctx.now().plus(seconds * 1_000))
            }
        };
        if let Some(url) = &self.status_callback {
            outgoing::check(url, state.config.callbacks)
                .map_err(|error| Refusal::bad(21609, format!("Invalid 'StatusCallback' URL. {error}")))?;
        }
        // The dialect wants E.164, and a short national number may be a typing error.
        if !to.starts_with('+') {
            return Err(Refusal::bad(21211, "Invalid 'To' Phone Number. Write it with + and country code."));
        }
        let input = DirectInput {
            media: Vec::new(),
            media_named: self.media_urls.clone(),
            sender: SenderChoice::Address(from),
            to: Target::Phone(to),
            text: Text::Verbatim(text),
            fields: std::collections::BTreeMap::new(),
            class,
            expires_at,
            client_reference: None,
            callback: self.status_callback.map(|url| (account.id, url)),
        };
        Ok((input, self.media_urls))
    }
}

/// Fetches the files that a request names, and keeps them: what is sent is what was there when the request was made. Each
/// address is called like that of a callback, never into a private network.
async fn fetched(state: &AppState, account: &Account, urls: &[String]) -> Result<Vec<MediaId>, Refusal> {
    let mut files = Vec::with_capacity(urls.len());
    if urls.is_empty() {
        return Ok(files);
    }
    let invalid = |words: String| Refusal::bad(21620, format!("Invalid media URL(s). {words}"));
    let client = OutgoingClient::new(MEDIA_LIMITS, state.config.callbacks).map_err(|_| Refusal::unavailable())?;
    let mut left = mms::LARGEST;
    for url in urls {
        let data = client.fetch(url, left).await.map_err(|error| invalid(error.to_string()))?;
        left = left.saturating_sub(data.len() as u64);
        let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
        let name = name.filter(|name| name.contains('.')).map(|name| name.chars().take(100).collect());
        let kept = text_files::keep(state, account.workspace_id, data, name).await;
        files.push(kept.map_err(|problem| refused_file(&problem))?.id);
    }
    Ok(files)
}

fn refused_file(problem: &Problem) -> Refusal {
    if problem.status().is_server_error() {
        return Refusal::unavailable();
    }
    Refusal::bad(21620, format!("Invalid media URL(s). {}", problem.document(None).detail))
}

/// `POST …/Messages.json`. Twilio's `I-Twilio-Idempotency-Token` makes a repeat the first message.
async fn create(
    State(state): State<AppState>,
    Path(sid): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let account = authorise(&state, &headers, &sid, Permission::RunCampaigns).await?;
    // Not before: strangers have nothing to send here.
    let fields = match Form::<Vec<(String, String)>>::from_request(request, &state).await {
        Ok(Form(fields)) => fields,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let (mut input, urls) = Parameters::of(fields).input(&state, &account)?;
    let token = headers.get("i-twilio-idempotency-token").and_then(|value| value.to_str().ok());
    let token = token.filter(|token| (1..=255).contains(&token.len()));
    let actor = account.actor.reference();
    if let Some(token) = token {
        // Before its files are fetched: they may be gone, and would be others to us.
        let (store, now, workspace_id) = (&state.store, state.ctx.now(), account.workspace_id);
        if let Some(known) = direct::sent_before(store, now, workspace_id, &actor, token, input.clone()).await? {
            return Ok((StatusCode::CREATED, Json(message::body(&account.sid(), &known))).into_response());
        }
    }
    let files = tokio::time::timeout(MEDIA_WITHIN, fetched(&state, &account, &urls)).await;
    input.media = files.map_err(|_| Refusal::bad(21620, "Invalid media URL(s). They took too long."))??;
    let sent = direct::send(&state.store, &state.ctx, account.workspace_id, &actor, token, input).await?;
    Ok((StatusCode::CREATED, Json(message::body(&account.sid(), &sent))).into_response())
}

/// `GET …/Messages/{sid}.json`.
async fn fetch(
    State(state): State<AppState>,
    Path((sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = authorise(&state, &headers, &sid, Permission::ReadCampaigns).await?;
    let id = file.strip_suffix(".json").and_then(message::id_of_sid).ok_or_else(Refusal::not_found)?;
    let found = direct::get(&state.store, account.workspace_id, id).await?;
    Ok(Json(message::body(&account.sid(), &found)).into_response())
}

/// `GET …/Messages/{sid}/Media.json`: the files of a message.
async fn list_media(
    State(state): State<AppState>,
    Path((sid, message)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = authorise(&state, &headers, &sid, Permission::ReadCampaigns).await?;
    let (view, files) = files_of(&state, &account, &message).await?;
    let uri = format!("/{VERSION}/Accounts/{sid}/Messages/{}/Media.json", message::sid_of_view(&view));
    let media: Vec<_> = files.iter().map(|file| message::media_body(&account.sid(), &view, file)).collect();
    let body = json!({
        "media_list": media,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": media.len().saturating_sub(1),
        "first_page_uri": format!("{uri}?PageSize=50&Page=0"),
        "next_page_uri": null,
        "previous_page_uri": null,
        "uri": format!("{uri}?PageSize=50&Page=0"),
    });
    Ok(Json(body).into_response())
}

/// `GET …/Messages/{sid}/Media/{sid}`: a file, and with `.json` what it is.
async fn fetch_media(
    State(state): State<AppState>,
    Path((sid, message, media)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = authorise(&state, &headers, &sid, Permission::ReadCampaigns).await?;
    let (view, files) = files_of(&state, &account, &message).await?;
    let named = media.strip_suffix(".json");
    let id = message::media_of_sid(named.unwrap_or(&media)).ok_or_else(Refusal::not_found)?;
    let file = files.iter().find(|file| file.id == id).ok_or_else(Refusal::not_found)?;
    if named.is_some() {
        return Ok(Json(message::media_body(&account.sid(), &view, file)).into_response());
    }
    let workspace_id = account.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await;
    let found = found.map_err(|_| Refusal::unavailable())?.filter(|media| media.presence == FilePresence::Stored);
    let stored = found.ok_or_else(Refusal::not_found)?;
    serve(&state, workspace_id, &stored, Disposition::ByKind, &headers).await.map_err(|_| Refusal::unavailable())
}

/// A message with its files.
async fn files_of(
    state: &AppState,
    account: &Account,
    sid: &str,
) -> Result<(DirectMessageView, Vec<TextFile>), Refusal> {
    let id = message::id_of_sid(sid).ok_or_else(Refusal::not_found)?;
    let (view, workspace_id) = (direct::get(&state.store, account.workspace_id, id).await?, account.workspace_id);
    let files = state.store.read::<_, StoreError, _>(move |tx| tx.message_media(workspace_id, id)).await;
    Ok((view, files.map_err(|_| Refusal::unavailable())?))
}

/// Which page of the list is wanted.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListQuery {
    page_size: Option<u32>,
    page: Option<u32>,
    page_token: Option<String>,
}

/// Which messages of the list are wanted.
#[derive(Default)]
struct Filters {
    to: Option<String>,
    from: Option<String>,
    sent_from: Option<Timestamp>,
    sent_before: Option<Timestamp>,
    /// As they were given, for the addresses of further pages.
    given: Vec<(String, String)>,
}

impl Filters {
    /// Reads what the official client libraries write. What cannot be read, and what is no filter here, is refused: whoever
    /// asks for it would take the whole list for what it lets through.
    fn of(parameters: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut all = Self::default();
        for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "To" => all.to = Some(value.clone()),
                "From" => all.from = Some(value.clone()),
                // The whole day; the others mean this moment, which of a date alone is the midnight it begins with.
                "DateSent" => {
                    let at = moment(&name, &value)?.0;
                    let day = Timestamp(at - at.rem_euclid(time::DAY));
                    all.sent_from = all.sent_from.max(Some(day));
                    all.send_before(day.plus(time::DAY));
                }
                "DateSent>" => all.sent_from = all.sent_from.max(Some(moment(&name, &value)?)),
                // Times of the dialect have whole seconds.
                "DateSent<" => all.send_before(moment(&name, &value)?.plus(time::SECOND)),
                other if other.starts_with("DateSent") => {
                    let words =
                        format!("There is no filter '{other}'. Filter by 'DateSent', 'DateSent<' or 'DateSent>'.");
                    return Err(Refusal::bad(20001, words));
                }
                _ => continue,
            }
            all.given.push((name, value));
        }
        Ok(all)
    }

    fn send_before(&mut self, at: Timestamp) {
        self.sent_before = Some(self.sent_before.map_or(at, |known| known.min(at)));
    }

    /// What follows the other parameters of a page's address.
    fn query(&self) -> String {
        if self.given.is_empty() { String::new() } else { format!("&{}", form_body(&self.given)) }
    }
}

/// A moment as a filter names it: a date, or a date and a time, both in UTC.
fn moment(name: &str, value: &str) -> Result<Timestamp, Refusal> {
    let of_date = |date: jiff::civil::Date| date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let at = match value.len() {
        10 => value.parse().ok().and_then(of_date),
        _ => value.parse::<jiff::Timestamp>().ok(),
    };
    at.map(|at| Timestamp(at.as_millisecond())).ok_or_else(|| {
        let words = format!("'{name}' is no date. Write it as YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ, in UTC.");
        Refusal::bad(20001, words)
    })
}

/// `GET …/Messages.json`, newest first. The pages hang together by `PageToken`, as in `next_page_uri`.
async fn list(
    State(state): State<AppState>,
    Path(sid): Path<String>,
    Query(query): Query<ListQuery>,
    Query(parameters): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = authorise(&state, &headers, &sid, Permission::ReadCampaigns).await?;
    let filters = Filters::of(parameters)?;
    let size = query.page_size.unwrap_or(50).clamp(1, MAX_PAGE);
    let before = match &query.page_token {
        None => None,
        Some(token) => {
            let id = token.strip_prefix("PA").and_then(message::id_of_sid);
            Some(id.ok_or_else(|| Refusal::bad(20001, "Invalid PageToken."))?)
        }
    };
    let wanted = DirectQuery {
        actor: account.actor.reference(),
        to: filters.to.clone(),
        from: filters.from.clone(),
        sent_from: filters.sent_from,
        sent_before: filters.sent_before,
        before,
        limit: i64::from(size) + 1,
    };
    let mut found = direct::list(&state.store, account.workspace_id, wanted).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let (page, base) = (query.page.unwrap_or(0), format!("/{VERSION}/Accounts/{sid}/Messages.json"));
    let filters = filters.query();
    let next = found.last().filter(|_| more).map(|last| {
        let token = message::sid_of(last.id);
        format!("{base}?PageSize={size}&Page={}&PageToken=PA{token}{filters}", page + 1)
    });
    let start = u64::from(page) * u64::from(size);
    let messages: Vec<_> = found.iter().map(|view| message::body(&account.sid(), view)).collect();
    let body = json!({
        "messages": messages,
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + (messages.len() as u64).saturating_sub(1),
        "first_page_uri": format!("{base}?PageSize={size}&Page=0{filters}"),
        "next_page_uri": next,
        "previous_page_uri": null,
        "uri": format!("{base}?PageSize={size}&Page={page}{filters}"),
    });
    Ok(Json(body).into_response())
}
