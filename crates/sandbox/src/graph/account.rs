//! The account around the messages: numbers, profile, webhook subscription, templates.

use super::error::{Access, GraphError, success};
use super::media;
use super::request::text;
use super::templates::Template;
use super::uploads;
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

type Answer = Result<Json<Value>, GraphError>;
type Params = Query<HashMap<String, String>>;
type Ids = Path<(String, String)>;

/// How many templates an account that is not verified may have, each language counted. It is told, not enforced.
const TEMPLATE_LIMIT: u32 = 250;

fn phone_number(core: &Core) -> Value {
    let config = &core.config;
    let (faults, number, level, own, account) = core.with(|state| {
        let urls = (state.webhooks.number_url().map(str::to_owned), state.webhooks.url().map(str::to_owned));
        (state.faults.clone(), state.number.clone(), state.limits.level(), urls.0, urls.1)
    });
    let mut webhooks = json!({"whatsapp_business_account": account});
    if let Some(own) = own {
        webhooks["phone_number"] = json!(own);
    }
    json!({
        "id": config.phone_number_id,
        "display_phone_number": config.display_phone_number,
        "verified_name": config.business_name,
        "quality_rating": faults.quality_rating.as_deref().unwrap_or("GREEN"),
        "status": if number.registered { "CONNECTED" } else { "DISCONNECTED" },
        "name_status": "APPROVED",
        "code_verification_status": if number.verified { "VERIFIED" } else { "NOT_VERIFIED" },
        "account_mode": "SANDBOX",
        "platform_type": "CLOUD_API",
        "is_official_business_account": false,
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": match faults.messaging_limit {
            0 => "TIER_UNLIMITED".to_owned(),
            most => format!("TIER_{most}"),
        },
        "webhook_configuration": webhooks,
    })
}

/// Keeps `id` and the fields asked for; `throughput{level}` counts as `throughput`.
fn select(object: Value, fields: Option<&String>) -> Value {
    let Some(fields) = fields else { return object };
    let wanted: Vec<&str> =
        fields.split(',').map(|field| field.split(['{', '.']).next().unwrap_or_default().trim()).collect();
    match object {
        Value::Object(members) => Value::Object(
            members.into_iter().filter(|(name, _)| name == "id" || wanted.contains(&name.as_str())).collect(),
        ),
        other => other,
    }
}

/// `GET /{version}/{id}`: a number, the account, media or a template.
pub(crate) async fn object(State(core): State<Arc<Core>>, Path((_, id)): Ids, Query(query): Params) -> Answer {
    let fields = query.get("fields");
    if id == "debug_token" {
        return Ok(Json(uploads::debug_token(&core, &query)));
    }
    if id.starts_with("upload:") {
        return uploads::describe(&core, &id).map(Json).ok_or_else(|| GraphError::no_object(&id, Access::Read));
    }
    if id == core.config.phone_number_id {
        return Ok(Json(select(phone_number(&core), fields)));
    }
    if id == core.config.waba_id {
        let account = json!({"id": id, "name": core.config.business_name, "currency": "USD", "timezone_id": "1",
                             "message_template_namespace": "sandbox",
                             "owner_business_info": {"id": "506914307656634", "name": core.config.business_name}});
        return Ok(Json(select(account, fields)));
    }
    if let Some(media) = media::describe(&core, &id) {
        return Ok(Json(media));
    }
    let template = core.with(|state| state.templates.get(&id).map(Template::listed));
    template.map(|template| Json(select(template, fields))).ok_or_else(|| GraphError::no_object(&id, Access::Read))
}

/// `GET /{version}/{waba}/phone_numbers`
pub(crate) async fn phone_numbers(State(core): State<Arc<Core>>, Path((_, id)): Ids, Query(query): Params) -> Answer {
    account(&core, &id, Access::Read)?;
    let number = select(phone_number(&core), query.get("fields"));
    Ok(Json(json!({"data": [number], "paging": {"cursors": {"before": "QVFI", "after": "QVFI"}}})))
}

pub(super) fn account(core: &Core, id: &str, access: Access) -> Result<(), GraphError> {
    if id == core.config.waba_id { Ok(()) } else { Err(GraphError::no_object(id, access)) }
}

/// JSON body and query parameters together; SDKs use either.
fn merged(query: HashMap<String, String>, body: &[u8]) -> Value {
    let mut merged: serde_json::Map<String, Value> = query.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
    if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
        merged.extend(members);
    }
    Value::Object(merged)
}

/// `POST /{version}/{waba}/subscribed_apps`: with an override URL, that is verified by the handshake first.
pub(crate) async fn subscribe(
    State(core): State<Arc<Core>>,
    Path((_, id)): Ids,
    Query(query): Params,
    body: Bytes,
) -> Answer {
    account(&core, &id, Access::Write)?;
    let request = merged(query, &body);
    if let Some(url) = text(&request, "override_callback_uri").filter(|url| !url.is_empty()) {
        let token = text(&request, "verify_token").unwrap_or_else(|| core.config.verify_token.clone());
        verify(&core, &url, &token).await?;
        core.with(|state| state.subscribe_webhook(Some(url)));
    }
    Ok(Json(success()))
}

/// The verification handshake: the URL must answer 200 with exactly the challenge.
pub(crate) async fn verify(core: &Core, url: &str, token: &str) -> Result<(), GraphError> {
    let failed =
        |why: String| GraphError::new(2200, format!("Callback verification failed with the following errors: {why}"));
    let challenge =
        core.with(|state| u32::from_str_radix(&state.random_hex(7), 16).unwrap_or(1_158_201_444)).to_string();
    let mut url = reqwest::Url::parse(url).map_err(|error| failed(error.to_string()))?;
    url.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", &challenge)
        .append_pair("hub.verify_token", token);
    let response = core
        .http
        .get(url)
        .timeout(Duration::from_secs(10))
        .send()
        .await
        .map_err(|error| failed(format!("Couldn't connect: {}", error.without_url())))?;
    let status = response.status();
    let answer = response.text().await.map_err(|error| failed(error.without_url().to_string()))?;
    if status != 200 {
        return Err(failed(format!("HTTP Status Code = {}; HTTP Message = {status}", status.as_u16())));
    }
    if answer == challenge { Ok(()) } else { Err(failed("The challenge was not echoed.".to_owned())) }
}

/// `GET /{version}/{waba}/subscribed_apps`
pub(crate) async fn subscriptions(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    account(&core, &id, Access::Read)?;
    let url = core.with(|state| state.webhooks.url().map(str::to_owned));
    let data: Vec<Value> = url
        .into_iter()
        .map(|url| {
            json!({
                "whatsapp_business_api_data": {"id": "634974688087057", "name": core.config.business_name, "link": core.public_url},
                "override_callback_uri": url,
            })
        })
        .collect();
    Ok(Json(json!({"data": data})))
}

/// `DELETE /{version}/{waba}/subscribed_apps`
pub(crate) async fn unsubscribe(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    account(&core, &id, Access::Write)?;
    core.with(|state| state.subscribe_webhook(None));
    Ok(Json(success()))
}

/// `GET /{version}/{waba}/message_templates`, with filters, paging by offset cursors, and the `summary` that is asked for.
pub(crate) async fn templates(State(core): State<Arc<Core>>, Path((_, id)): Ids, Query(query): Params) -> Answer {
    account(&core, &id, Access::Read)?;
    let wanted = |field: &str, value: &str| {
        query.get(field).is_none_or(|asked| asked.split(',').any(|one| one.trim().eq_ignore_ascii_case(value)))
    };
    let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(25).clamp(1, 1000);
    let after: usize = query.get("after").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    core.with(|state| {
        let matching: Vec<&Template> = state
            .templates
            .iter()
            .filter(|t| {
                wanted("name", &t.name)
                    && wanted("status", &t.status)
                    && wanted("category", &t.category)
                    && wanted("language", &t.language)
            })
            .collect();
        let page: Vec<Value> = matching
            .iter()
            .skip(after)
            .take(limit)
            .map(|template| select(template.listed(), query.get("fields")))
            .collect();
        let end = after + page.len();
        let mut paging = json!({"cursors": {"before": after.to_string(), "after": end.to_string()}});
        if end < matching.len() {
            let version = "v26.0";
            paging["next"] = json!(format!(
                "{}/{version}/{}/message_templates?limit={limit}&after={end}",
                core.public_url, core.config.waba_id
            ));
        }
        let mut answer = json!({"data": page, "paging": paging});
        if let Some(asked) = query.get("summary") {
            let summary = json!({
                "total_count": matching.len(),
                "message_template_count": state.templates.iter().count(),
                "message_template_limit": TEMPLATE_LIMIT,
                "are_translations_complete": true,
            });
            answer["summary"] = select(summary, Some(asked));
        }
        Ok(Json(answer))
    })
}
