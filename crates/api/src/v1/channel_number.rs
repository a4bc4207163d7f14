//! A WhatsApp number at WhatsApp: its name and registration, its own webhook address, the profile that customers see.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_channels::whatsapp::number::{BusinessProfile, CodeMethod};
use segue_delivery::number_settings::{self, NumberSettings};
use segue_model::{ChannelId, MediaId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::channel_actions::load;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    problem::Problem,
};

/// Longest texts that WhatsApp takes, in characters.
const LIMITS: [(&str, usize); 4] = [("about", 139), ("address", 256), ("description", 512), ("email", 128)];
const MOST_WEBSITES: usize = 2;
const LONGEST_WEBSITE: usize = 256;
/// Lines of business that WhatsApp knows.
const VERTICALS: [&str; 19] = [
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "NOT_A_BIZ",
    "UNDEFINED",
];

pub(super) fn router() -> OpenApiRouter<AppState> {
    // Nothing of a PIN or a code is to be stored, so no answer is recorded; each request sets a state.
    let manage = Guard::needs(Permission::ManageSetup).patient().unrecorded();
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).patient().routes(routes!(get)))
        .routes(manage.routes(routes!(set_profile)))
        .routes(manage.routes(routes!(register)))
        .routes(manage.routes(routes!(set_pin)))
        .routes(manage.routes(routes!(request_code)))
        .routes(manage.routes(routes!(verify_code)))
        .routes(manage.routes(routes!(set_webhook)))
}

/// What customers see of the business.
#[derive(Debug, Serialize, ToSchema)]
struct ProfileView {
    about: String,
    address: String,
    description: String,
    email: String,
    websites: Vec<String>,
    /// The line of business, such as `RETAIL`; empty when there is none.
    vertical: String,
    /// Where the picture is at WhatsApp, for a while.
    picture_url: Option<String>,
}

/// A number as WhatsApp has it now.
#[derive(Debug, Serialize, ToSchema)]
struct ChannelNumber {
    display_phone_number: Option<String>,
    /// The name that customers see.
    verified_name: Option<String>,
    /// Review of the name: `APPROVED`, `PENDING_REVIEW`, `DECLINED` and others.
    name_status: Option<String>,
    /// `CONNECTED` and others.
    status: Option<String>,
    /// Whether the number was proven to be yours: `VERIFIED`, `NOT_VERIFIED` or `EXPIRED`.
    code_status: Option<String>,
    quality: Option<String>,
    /// Customers who may be written to first in 24 hours, in WhatsApp's words.
    messaging_limit: Option<String>,
    /// The number's own webhook address, which goes before the account's.
    webhook: Option<String>,
    /// That of the account.
    account_webhook: Option<String>,
    /// Where this server takes webhooks of the channel; null when its public address is not known.
    own_address: Option<String>,
    profile: ProfileView,
}

fn own_address(state: &AppState, id: ChannelId) -> Option<String> {
    let origin = state.config.public_origin.as_deref()?;
    Some(format!("{}/webhooks/whatsapp/{id}", origin.trim_end_matches('/')))
}

/// The number as WhatsApp has it now.
#[utoipa::path(get, path = "/api/v1/channels/{id}/number", operation_id = "get_channel_number", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = ChannelNumber)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelNumber>, Problem> {
    let channel = load(&state, &caller, id).await?;
    let NumberSettings { info, profile } = number_settings::get(&channel).await?;
    let webhooks = info.webhooks();
    let BusinessProfile { about, address, description, email, websites, vertical, picture_url } = profile;
    Ok(Json(ChannelNumber {
        display_phone_number: info.display_phone_number,
        verified_name: info.verified_name,
        name_status: info.name_status,
        status: info.status,
        code_status: info.code_status,
        quality: info.quality_rating,
        messaging_limit: info.messaging_limit,
        webhook: webhooks.number,
        account_webhook: webhooks.account.or(webhooks.app),
        own_address: own_address(&state, id),
        profile: ProfileView { about, address, description, email, websites, vertical, picture_url },
    }))
}

/// What customers are to see of the business.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileInput {
    /// At most 139 characters; it cannot be taken away, only changed.
    about: String,
    /// At most 256 characters.
    address: String,
    /// At most 512 characters.
    description: String,
    /// At most 128 characters.
    email: String,
    /// At most two.
    websites: Vec<String>,
    /// A line of business that WhatsApp knows, or empty.
    vertical: String,
    /// An uploaded picture to show from now on; the one that is there stays without it.
    picture_media_id: Option<MediaId>,
}

impl ProfileInput {
    fn check(&self) -> Result<(), Problem> {
        let invalid = |field: &str, words: String| Err(Problem::invalid(field, words));
        let texts = [&self.about, &self.address, &self.description, &self.email];
        for ((name, longest), text) in LIMITS.iter().zip(texts) {
            if text.chars().count() > *longest {
                return invalid(name, format!("WhatsApp takes at most {longest} characters here."));
            }
        }
        if !self.email.is_empty() && !self.email.contains('@') {
            return invalid("email", "This is not an e-mail address.".to_owned());
        }
        if self.websites.len() > MOST_WEBSITES {
            return invalid("websites", format!("WhatsApp shows at most {MOST_WEBSITES} websites."));
        }
        let is_site = |site: &String| {
            (site.starts_with("https://") || site.starts_with("http://")) && site.chars().count() <= LONGEST_WEBSITE
        };
        if !self.websites.iter().all(is_site) {
            return invalid("websites", "A website begins with https:// and has at most 256 characters.".to_owned());
        }
        if !self.vertical.is_empty() && !VERTICALS.contains(&self.vertical.as_str()) {
            return invalid("vertical", format!("Choose one of {}.", VERTICALS.join(", ")));
        }
        Ok(())
    }
}

/// Changes what customers see of the business.
#[utoipa::path(put, path = "/api/v1/channels/{id}/number/profile", operation_id = "set_channel_profile", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn set_profile(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<ProfileInput>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    input.check()?;
    let ProfileInput { about, address, description, email, websites, vertical, picture_media_id } = input;
    let profile = BusinessProfile { about, address, description, email, websites, vertical, picture_url: None };
    number_settings::set_profile(&state.files, &channel, &profile, picture_media_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The PIN of two-step verification.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PinInput {
    /// Six digits.
    pin: String,
}

fn digits(field: &'static str, text: &str, lengths: std::ops::RangeInclusive<usize>) -> Result<(), Problem> {
    if lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::invalid(field, "Give the digits alone."))
}

/// Registers the number for the Cloud API with the PIN of two-step verification, which is set when there is none.
#[utoipa::path(post, path = "/api/v1/channels/{id}/number/register", operation_id = "register_channel_number",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn register(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<PinInput>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    digits("pin", &input.pin, 6..=6)?;
    number_settings::register(&channel, &input.pin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the PIN of two-step verification.
#[utoipa::path(put, path = "/api/v1/channels/{id}/number/pin", operation_id = "set_channel_pin", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn set_pin(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<PinInput>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    digits("pin", &input.pin, 6..=6)?;
    number_settings::set_pin(&channel, &input.pin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a code comes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CodeBy {
    Sms,
    Voice,
}

/// A code to ask for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeRequest {
    by: CodeBy,
    /// Such as `en_US`.
    language: String,
}

/// Asks WhatsApp to send a code to the number, to prove that it is yours.
#[utoipa::path(post, path = "/api/v1/channels/{id}/number/request-code", operation_id = "request_channel_code",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn request_code(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<CodeRequest>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    let method = match input.by {
        CodeBy::Sms => CodeMethod::Sms,
        CodeBy::Voice => CodeMethod::Voice,
    };
    number_settings::request_code(&channel, method, &input.language).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The code that came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeInput {
    code: String,
}

/// Proves with the code that the number is yours.
#[utoipa::path(post, path = "/api/v1/channels/{id}/number/verify-code", operation_id = "verify_channel_code",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn verify_code(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<CodeInput>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    let code: String = input.code.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    digits("code", &code, 4..=8)?;
    number_settings::verify_code(&channel, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the number has a webhook address of its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NumberWebhookInput {
    /// `true`: its messages come to this server, whatever the account's address is.
    own: bool,
}

/// Lets the number's messages come to this server whatever the account's address is, or takes that away.
#[utoipa::path(put, path = "/api/v1/channels/{id}/number/webhook", operation_id = "set_channel_number_webhook",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 204)))]
async fn set_webhook(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<NumberWebhookInput>,
) -> Result<StatusCode, Problem> {
    let channel = load(&state, &caller, id).await?;
    let url = if input.own {
        let missing = || {
            let words = "The public address of this server is not known. Set public_url, then try again.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_public_address", words)
        };
        Some(own_address(&state, id).ok_or_else(missing)?)
    } else {
        None
    };
    number_settings::set_webhook(&channel, url.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
