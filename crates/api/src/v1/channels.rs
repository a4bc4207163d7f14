//! Channels: WhatsApp numbers and SMS accounts.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_channels::outgoing::{self, Reach};
use segue_model::{ChannelId, Timestamp};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, ChannelKind, ChannelState, TwilioConfig, WhatsAppConfig},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{self, Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
}

/// A configured WhatsApp number or SMS account. Secrets are never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelBody {
    id: ChannelId,
    kind: ChannelKind,
    name: String,
    state: ChannelState,
    /// Why, in words.
    state_detail: Option<String>,
    /// Its number or host.
    display: String,
    /// Where the provider sends webhooks to, below the product's address.
    webhook_path: Option<String>,
    last_inbound_at: Option<Timestamp>,
    /// Slug of the bot that greets new sessions.
    flow: Option<String>,
    /// Slug of the queue that gets sessions which no bot takes.
    queue: Option<String>,
    /// Settings without secrets.
    #[schema(value_type = Object)]
    config: Value,
}

/// Settings that go in and never come out.
const SECRETS: [&str; 6] =
    ["access_token", "app_secrets", "verify_token", "password", "auth_token", "secondary_auth_token"];

impl From<Channel> for ChannelBody {
    fn from(channel: Channel) -> Self {
        let kind = channel.config.kind();
        let mut config = serde_json::to_value(&channel.config).unwrap_or_default();
        if let Some(fields) = config.as_object_mut() {
            fields.remove("kind");
            for secret in SECRETS {
                fields.remove(secret);
            }
        }
        Self {
            id: channel.id,
            kind,
            name: channel.name,
            state: channel.state,
            state_detail: channel.state_detail,
            display: channel.config.display(),
            webhook_path: match kind {
                ChannelKind::WhatsApp => Some(format!("/webhooks/whatsapp/{}", channel.id)),
                // Statuses name their address with each message; this one is for inbound texts.
                ChannelKind::Twilio => Some(format!("/webhooks/twilio/{}/inbound", channel.id)),
                ChannelKind::Smpp => None,
            },
            last_inbound_at: channel.last_inbound_at,
            flow: channel.flow_slug,
            queue: channel.queue_slug,
            config,
        }
    }
}

/// The channels of the workspace.
#[utoipa::path(get, path = "/api/v1/channels", operation_id = "list_channels", tag = "setup",
    responses((status = 200, body = Page<ChannelBody>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<ChannelBody>>, Problem> {
    let workspace_id = caller.workspace_id;
    let channels = state.store.read::<_, StoreError, _>(move |tx| tx.channels(workspace_id)).await?;
    Ok(Json(Page::whole(channels).map(ChannelBody::from)))
}

#[derive(Deserialize, ToSchema)]
struct ChannelInput {
    kind: ChannelKind,
    name: String,
    /// Slug of the bot that greets new sessions.
    flow: Option<String>,
    /// Slug of the queue that gets sessions which no bot takes.
    queue: Option<String>,
    /// Settings, secrets included.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
}

/// Adds a channel; it connects by itself.
#[utoipa::path(post, path = "/api/v1/channels", operation_id = "create_channel", tag = "setup",
    responses((status = 201, body = ChannelBody)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ChannelInput>,
) -> Result<(StatusCode, Json<ChannelBody>), Problem> {
    let config = config(input.kind, input.config)?;
    if let ChannelConfig::WhatsApp(WhatsAppConfig { base_url, .. })
    | ChannelConfig::Twilio(TwilioConfig { base_url, .. }) = &config
    {
        check_reach(base_url, state.config.callbacks)?;
    }
    let channel = Channel {
        workspace_id: caller.workspace_id,
        id: state.ctx.id(),
        slug: super::login::slug(&input.name),
        name: name(&input.name)?,
        config,
        flow_slug: chosen(input.flow),
        queue_slug: chosen(input.queue),
        state: ChannelState::Connecting,
        state_detail: None,
        refusal: None,
        last_inbound_at: None,
        created_at: state.ctx.now(),
        conversation: segue_store::shared::Shared::default(),
    };
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("channels", &channel.workspace_id)?;
        if tx.channels(channel.workspace_id)?.iter().any(|other| other.slug == channel.slug) {
            return Err(taken());
        }
        check_routes(tx, &channel)?;
        check_forms(tx, &channel)?;
        tx.upsert_channel(&channel)?;
        Ok(channel.clone())
    });
    Ok((StatusCode::CREATED, Json(stored.await?.into())))
}

fn taken() -> Problem {
    let words = "There is a channel with this name already. Choose another one.";
    Problem::new(StatusCode::CONFLICT, "channel_taken", words).with_field("name", words)
}

#[derive(Deserialize, ToSchema)]
struct ChannelChange {
    name: Option<String>,
    /// An empty text takes the bot away.
    flow: Option<String>,
    /// An empty text takes the queue away.
    queue: Option<String>,
    /// Settings to change; those that are not given stay, secrets included. With another address of the provider its
    /// secret has to be given again.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
}

/// Changes what is given; the channel connects anew when its settings changed.
#[utoipa::path(patch, path = "/api/v1/channels/{id}", operation_id = "change_channel", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = ChannelBody)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(input): Json<ChannelChange>,
) -> Result<Json<ChannelBody>, Problem> {
    let new_name = input.name.as_deref().map(name).transpose()?;
    let (workspace_id, reach) = (caller.workspace_id, state.config.callbacks);
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("channels", &workspace_id)?;
        let mut channel = tx.channel(workspace_id, id)?.ok_or_else(|| Problem::not_found("channel"))?;
        if let Some(name) = &new_name {
            channel.name.clone_from(name);
        }
        if let Some(flow) = &input.flow {
            let chosen = chosen(Some(flow.clone()));
            if chosen != channel.flow_slug {
                channel.flow_slug = chosen;
                check_forms(tx, &channel)?;
            }
        }
        if let Some(queue) = &input.queue {
            channel.queue_slug = chosen(Some(queue.clone()));
        }
        if let Some(fields) = &input.config {
            channel.config = merged(&channel.config, fields, reach)?;
        }
        check_routes(tx, &channel)?;
        tx.upsert_channel(&channel)?;
        Ok(channel)
    });
    Ok(Json(changed.await?.into()))
}

/// A form sends an empty text for "none".
fn chosen(slug: Option<String>) -> Option<String> {
    slug.filter(|slug| !slug.is_empty())
}

/// The bot and the queue that a channel names exist.
fn check_routes(tx: &mut segue_store::Tx<'_>, channel: &Channel) -> Result<(), Problem> {
    if let Some(slug) = &channel.flow_slug
        && tx.flow_of_slug(channel.workspace_id, slug)?.is_none()
    {
        return Err(Problem::invalid("flow", format!("There is no flow named '{slug}'. Publish it first.")));
    }
    if let Some(slug) = &channel.queue_slug
        && tx.queue_of_slug(channel.workspace_id, slug)?.is_none()
    {
        return Err(Problem::invalid("queue", format!("There is no queue named '{slug}'. Create it first.")));
    }
    Ok(())
}

/// The number has published every form that its bot offers. Asked when a bot is chosen and not later: a form can be
/// withdrawn at any time, and the bot knows a way on.
fn check_forms(tx: &mut segue_store::Tx<'_>, channel: &Channel) -> Result<(), Problem> {
    let Some(slug) = &channel.flow_slug else { return Ok(()) };
    let missing = segue_desk::flows::form_missing_at(tx, channel.workspace_id, channel.id, slug)?;
    missing.map_or(Ok(()), |form| {
        let words = format!(
            "The flow '{slug}' offers the form '{form}', which is not published at this number. Publish it at WhatsApp \
             and take the forms over in Setup, Templates; then choose the flow."
        );
        Err(Problem::invalid("flow", words))
    })
}

fn name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name", "Give a name of 1 to 200 characters."));
    }
    Ok(name.to_owned())
}

/// Settings as stored, from settings as given.
fn config(kind: ChannelKind, mut fields: Map<String, Value>) -> Result<ChannelConfig, Problem> {
    fields.insert("kind".to_owned(), json!(kind));
    let text = serde_json::to_vec(&fields).map_err(|_| Problem::internal())?;
    let config: ChannelConfig = extract::read_inside("config", &text)?;
    match &config {
        ChannelConfig::WhatsApp(settings) => {
            if settings.app_secrets.iter().all(|secret| secret.trim().is_empty()) {
                return Err(Problem::invalid(
                    "config.app_secrets",
                    "Give the app secret; without it no webhook could be trusted, so none would be taken.",
                ));
            }
            if !settings.base_url.starts_with("https://") && !settings.base_url.starts_with("http://") {
                return Err(Problem::invalid(
                    "config.base_url",
                    "Write it with https://, such as https://graph.facebook.com.",
                ));
            }
        }
        ChannelConfig::Twilio(settings) => check_twilio(settings)?,
        ChannelConfig::Smpp(settings) => {
            if let Some((field, words)) = settings.fault() {
                return Err(Problem::invalid(format!("config.{field}"), words));
            }
        }
    }
    Ok(config)
}

fn check_twilio(settings: &TwilioConfig) -> Result<(), Problem> {
    let is_address = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if settings.account_sid.trim().is_empty() {
        return Err(Problem::invalid("config.account_sid", "Give the account SID, AC and 32 characters."));
    }
    if settings.auth_token.trim().is_empty() {
        return Err(Problem::invalid(
            "config.auth_token",
            "Give the auth token; without it nothing can be sent and no webhook could be trusted.",
        ));
    }
    if !is_address(&settings.base_url) {
        return Err(Problem::invalid("config.base_url", "Write it with https://, such as https://api.twilio.com."));
    }
    if !is_address(&settings.callback_base_url) {
        return Err(Problem::invalid(
            "config.callback_base_url",
            "Give the address at which the provider reaches Segue, such as https://segue.example.com.",
        ));
    }
    if settings.segments_per_second == 0 {
        return Err(Problem::invalid("config.segments_per_second", "Segments per second are at least 1."));
    }
    Ok(())
}

fn merged(known: &ChannelConfig, change: &Map<String, Value>, reach: Reach) -> Result<ChannelConfig, Problem> {
    let mut fields = match serde_json::to_value(known) {
        Ok(Value::Object(fields)) => fields,
        _ => return Err(Problem::internal()),
    };
    for (name, value) in change {
        // A form sends secrets back empty when nobody typed a new one.
        let untouched = SECRETS.contains(&name.as_str()) && (value.is_null() || value == "" || *value == json!([]));
        if !untouched {
            fields.insert(name.clone(), value.clone());
        }
    }
    let new = config(known.kind(), fields)?;
    check_place(known, &new, change, reach)?;
    Ok(new)
}

/// A secret is for the address that it was given with: it goes to another one only when it is given again, so that
/// nobody who may not see it can have it sent elsewhere.
fn check_place(
    known: &ChannelConfig,
    new: &ChannelConfig,
    change: &Map<String, Value>,
    reach: Reach,
) -> Result<(), Problem> {
    let origin = |url: &str| outgoing::check(url, Reach::Anywhere).ok().map(|url| url.origin());
    let secret = match (known, new) {
        (ChannelConfig::WhatsApp(known), ChannelConfig::WhatsApp(new)) => {
            if origin(&known.base_url) == origin(&new.base_url) {
                return Ok(());
            }
            check_reach(&new.base_url, reach)?;
            "access_token"
        }
        (ChannelConfig::Twilio(known), ChannelConfig::Twilio(new)) => {
            if origin(&known.base_url) == origin(&new.base_url) {
                return Ok(());
            }
            check_reach(&new.base_url, reach)?;
            "auth_token"
        }
        (ChannelConfig::Smpp(known), ChannelConfig::Smpp(new)) => {
            let is_same_place = known.host.eq_ignore_ascii_case(&new.host) && known.port == new.port;
            if (is_same_place && known.tls == new.tls) || known.password.is_empty() {
                return Ok(());
            }
            "password"
        }
        _ => return Ok(()),
    };
    if change.get(secret).and_then(Value::as_str).is_some_and(|given| !given.trim().is_empty()) {
        return Ok(());
    }
    let words = "The secret that is stored was given for the address before and is not sent to another one. Give it \
                 again with the new address.";
    Err(Problem::invalid(format!("config.{secret}"), words))
}

/// Whether this installation calls an address.
fn check_reach(base_url: &str, reach: Reach) -> Result<(), Problem> {
    outgoing::check(base_url, reach).map(drop).map_err(|why| {
        let words = format!("{why} Segue calls such an address only when its settings say SEGUE_CALLBACKS=anywhere.");
        Problem::invalid("config.base_url", words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whatsapp() -> ChannelConfig {
        let fields = json!({
            "base_url": "https://graph.facebook.com", "graph_version": "v26.0", "waba_id": "1", "phone_number_id": "2",
            "display_phone_number": "15550100", "access_token": "very-secret-token", "app_secrets": ["very-secret-app"],
            "verify_token": "very-secret-verify",
        });
        config(ChannelKind::WhatsApp, fields.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn secrets_go_in_and_never_come_out() {
        let channel = Channel {
            workspace_id: segue_model::WorkspaceId(uuid::Uuid::nil()),
            id: ChannelId(uuid::Uuid::nil()),
            slug: "wa".to_owned(),
            name: "WA".to_owned(),
            config: whatsapp(),
            flow_slug: None,
            queue_slug: None,
            state: ChannelState::Connected,
            state_detail: None,
            refusal: None,
            last_inbound_at: None,
            created_at: Timestamp(0),
            conversation: segue_store::shared::Shared::default(),
        };
        let text = serde_json::to_string(&ChannelBody::from(channel)).unwrap();
        assert!(!text.contains("very-secret"), "{text}");
        assert!(text.contains("phone_number_id"), "{text}");
    }

    #[test]
    fn an_empty_secret_keeps_the_old_one_and_no_secret_at_all_is_refused() {
        let known = whatsapp();
        let change = json!({"access_token": "", "app_secrets": [], "waba_id": "9"});
        let ChannelConfig::WhatsApp(changed) = merged(&known, change.as_object().unwrap(), Reach::Public).unwrap()
        else {
            panic!()
        };
        assert_eq!((changed.access_token.as_str(), changed.waba_id.as_str()), ("very-secret-token", "9"));
        assert_eq!(changed.app_secrets, ["very-secret-app"]);
        let change = json!({"app_secrets": [" "]});
        assert!(merged(&known, change.as_object().unwrap(), Reach::Public).is_err());
        let problem = merged(&known, json!({"colour": 1}).as_object().unwrap(), Reach::Public).unwrap_err();
        assert_eq!(problem.document(None).errors[0].field, "config.colour");
    }

    /// The field that a change is refused for; empty when it is taken.
    fn refused(known: &ChannelConfig, change: &Value, reach: Reach) -> String {
        let merged = merged(known, change.as_object().unwrap(), reach);
        merged.err().map(|problem| problem.document(None).errors[0].field.clone()).unwrap_or_default()
    }

    #[test]
    fn a_stored_secret_goes_to_no_other_address() {
        let token = "config.access_token";
        for (change, expected) in [
            (json!({"base_url": "https://graph.facebook.com/"}), ""),
            (json!({"base_url": "https://graph.facebook.com:443/proxy"}), ""),
            (json!({"base_url": "https://attacker.example"}), token),
            (json!({"base_url": "http://graph.facebook.com"}), token),
            (json!({"base_url": "https://graph.facebook.com:8443"}), token),
            (
                json!({"base_url": "https://graph.facebook.com@attacker.example", "access_token": "new"}),
                "config.base_url",
            ),
            (json!({"base_url": "https://proxy.example", "access_token": " "}), token),
            (json!({"base_url": "https://proxy.example", "access_token": "new"}), ""),
            (json!({"base_url": "http://127.0.0.1", "access_token": "new"}), "config.base_url"),
        ] {
            assert_eq!(refused(&whatsapp(), &change, Reach::Public), expected, "{change}");
        }
        let sandbox = json!({"base_url": "http://127.0.0.1:4010", "access_token": "new"});
        assert_eq!(refused(&whatsapp(), &sandbox, Reach::Anywhere), "");

        let fields = json!({"account_sid": "AC1", "auth_token": "t", "callback_base_url": "https://segue.test"});
        let twilio = config(ChannelKind::Twilio, fields.as_object().unwrap().clone()).unwrap();
        let moved = json!({"base_url": "https://attacker.example"});
        assert_eq!(refused(&twilio, &moved, Reach::Public), "config.auth_token");

        let fields = json!({"host": "smpp.example", "port": 2775, "system_id": "s", "password": "p"});
        let smpp = config(ChannelKind::Smpp, fields.as_object().unwrap().clone()).unwrap();
        for (change, expected) in [
            (json!({"host": "SMPP.example", "port": 2775, "window": 5}), ""),
            (json!({"host": "attacker.example"}), "config.password"),
            (json!({"port": 2776}), "config.password"),
            (json!({"port": 2776, "password": "again"}), ""),
        ] {
            assert_eq!(refused(&smpp, &change, Reach::Public), expected, "{change}");
        }
    }
}
