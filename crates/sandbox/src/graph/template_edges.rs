//! Creating, changing and deleting templates, and the reviewer who decides about them.
//!
//! The reviewer decides at once by rules, or leaves every template `PENDING` until somebody decides through the headless
//! API (`PATCH /sandbox/v1/templates/{id}`).

use super::account::account;
use super::error::{Access, GraphError, success};
use super::number;
use super::request::{list, text};
use super::templates::{STATUSES, Template};
use super::uploads;
use crate::core::Core;
use crate::ledger::Fact;
use crate::state::State as SandboxState;
use crate::webhook::payload;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

type Answer = Result<Json<Value>, GraphError>;
type Params = Query<HashMap<String, String>>;
type Ids = Path<(String, String)>;

const DAY_MS: i64 = 24 * 3_600_000;
/// Changes of an approved template: one in a day, ten in thirty days.
const EDITS_PER_DAY: usize = 1;
const EDITS_PER_MONTH: usize = 10;
/// How long the name of a deleted approved template cannot be used again.
const NAME_RESERVED_MS: i64 = 30 * DAY_MS;

/// When the reviewer decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reviewer {
    /// At once, by rules.
    #[default]
    Automatic,
    /// When somebody says so.
    Manual,
}

/// A decision or observation about a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    status: Option<String>,
    /// `INVALID_FORMAT` and others, for rejections and pauses.
    reason: Option<String>,
    category: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    quality: Option<String>,
    /// A new text, as if it was changed in WhatsApp Manager.
    body: Option<String>,
}

/// Words for which the reviewer rejects, with the reason.
const REJECTED: [(&str, &str); 6] = [
    ("casino", "ABUSIVE_CONTENT"),
    ("weapon", "ABUSIVE_CONTENT"),
    ("tobacco", "ABUSIVE_CONTENT"),
    ("you have won", "SCAM"),
    ("verification code", "INCORRECT_CATEGORY"),
    ("one-time code", "INCORRECT_CATEGORY"),
];

/// Words that make a utility template a marketing one.
const PROMOTIONAL: [&str; 6] = ["% off", "sale", "discount", "offer", "promo", "deal"];

impl Template {
    /// Everything that is written in it, on cards too.
    fn words(&self) -> String {
        let own = self.component("BODY").and_then(|body| text(body, "text"));
        let cards = self.component("CAROUSEL").map_or(&[][..], |carousel| list(carousel, "cards"));
        let on_cards = cards.iter().flat_map(|card| list(card, "components")).filter_map(|part| text(part, "text"));
        own.into_iter().chain(on_cards).collect::<Vec<_>>().join("\n")
    }

    /// What the reviewer decides by its rules.
    pub fn review(&mut self) {
        let body = self.words().to_lowercase();
        if self.category == "UTILITY" && PROMOTIONAL.iter().any(|word| body.contains(word)) {
            "MARKETING".clone_into(&mut self.category);
        }
        let found = REJECTED.iter().find(|(word, _)| body.contains(word));
        let (status, reason) = found.map_or(("APPROVED", "NONE"), |(_, reason)| ("REJECTED", *reason));
        status.clone_into(&mut self.status);
        reason.clone_into(&mut self.rejected_reason);
    }

    /// WhatsApp writes the text of one-time codes itself.
    fn with_own_text(mut self) -> Self {
        if self.category != "AUTHENTICATION" {
            return self;
        }
        for component in &mut self.components {
            if text(component, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("BODY")) {
                let advice = component.get("add_security_recommendation").and_then(Value::as_bool).unwrap_or_default();
                let advice = if advice { " For your security, do not share this code." } else { "" };
                component["text"] = json!(format!("*{{{{1}}}}* is your verification code.{advice}"));
                component["example"] = json!({"body_text": [["123456"]]});
            }
        }
        self
    }
}

fn read(body: &[u8]) -> Result<Value, GraphError> {
    serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request body is not valid JSON."))
}

/// `POST /{version}/{waba}/message_templates`: answered with PENDING; the decision comes as a webhook.
pub(crate) async fn create(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    account(&core, &id, Access::Write)?;
    let body = read(&body)?;
    core.with(|state| {
        let template = Template::parse(&body)?.admitted(&state.uploads)?.with_own_text();
        if state.templates.find(&template.name, &template.language).is_some() {
            return Err(GraphError::of_template(
                2_388_024,
                "Content in this language already exists",
                "There is already content in this language for this template. Create a new template and try again.",
            ));
        }
        let now = state.now();
        if state.templates.is_reserved(&template.name, now) {
            return Err(GraphError::of_template(
                2_388_023,
                "Message template language is being deleted",
                "A template of this name was deleted less than 30 days ago; its name cannot be used yet.",
            ));
        }
        let mut reviewed = template;
        let is_pending = state.reviewer == Reviewer::Manual;
        if !is_pending {
            reviewed.review();
        }
        let reviewed = state.templates.add(reviewed).clone();
        if !is_pending {
            state.announce_template(&reviewed, None);
        }
        state.answer_template()?;
        Ok(Json(json!({"id": reviewed.id, "status": "PENDING", "category": reviewed.category})))
    })
}

/// `POST /{version}/{template_id}`: new components, reviewed again. `POST /{version}/upload:…` continues an upload.
pub(crate) async fn edit(State(core): State<Arc<Core>>, Path((_, id)): Ids, headers: HeaderMap, body: Bytes) -> Answer {
    if id.starts_with("upload:") {
        return uploads::append(&core, &id, &headers, &body).map(Json);
    }
    if id == core.config.phone_number_id {
        return number::change(&core, &body).await;
    }
    let body = read(&body)?;
    core.with(|state| {
        let now = state.now();
        let known = state.templates.get(&id).ok_or_else(|| GraphError::no_object(&id, Access::Write))?.clone();
        let mut edited = known.clone();
        if body.get("components").is_some() {
            edited.components = list(&body, "components").to_vec();
        }
        if let Some(category) = text(&body, "category").map(|category| category.to_uppercase()) {
            if known.status == "APPROVED" && category != known.category {
                return Err(GraphError::parameter("The category of an approved template cannot be edited."));
            }
            edited.category = category;
        }
        match known.status.as_str() {
            "PENDING" => {
                return Err(GraphError::of_template(
                    2_388_039,
                    "Template is in review",
                    "The template is being reviewed and cannot be edited now.",
                ));
            }
            "APPROVED" => {
                let within = |span: i64| known.edits.iter().filter(|at| now - **at < span).count();
                if within(DAY_MS) >= EDITS_PER_DAY || within(30 * DAY_MS) >= EDITS_PER_MONTH {
                    return Err(GraphError::of_template(
                        2_388_019,
                        "Edit limit reached",
                        "An approved template can be edited once in 24 hours and ten times in 30 days.",
                    ));
                }
                edited.edits.push(now);
            }
            "DISABLED" | "PENDING_DELETION" => {
                return Err(GraphError::parameter("A template in this status cannot be edited."));
            }
            _ => {}
        }
        let checked = Template::parse(&json!(edited))?.admitted(&state.uploads)?.with_own_text();
        let mut edited = Template { id: known.id.clone(), edits: edited.edits, pauses: known.pauses, ..checked };
        let is_pending = state.reviewer == Reviewer::Manual;
        if !is_pending {
            edited.review();
        }
        if let Some(template) = state.templates.get_mut(&id) {
            *template = edited.clone();
        }
        if !is_pending {
            state.announce_template(&edited, None);
        }
        state.answer_template()?;
        Ok(Json(success()))
    })
}

/// `DELETE /{version}/{waba}/message_templates?name=` or `&hsm_id=`
pub(crate) async fn delete(State(core): State<Arc<Core>>, Path((_, id)): Ids, Query(query): Params) -> Answer {
    account(&core, &id, Access::Write)?;
    let (name, hsm) = (query.get("name").map(String::as_str), query.get("hsm_id").map(String::as_str));
    core.with(|state| {
        let now = state.now();
        let removed = state.templates.remove(name, hsm);
        if removed.is_empty() {
            return Err(GraphError::parameter("The template does not exist."));
        }
        for template in removed {
            if template.status == "APPROVED" && hsm.is_none() {
                state.templates.reserve(&template.name, now + NAME_RESERVED_MS);
            }
        }
        Ok(Json(success()))
    })
}

impl SandboxState {
    /// The fault of an answer that is lost after the work was done.
    fn answer_template(&mut self) -> Result<(), GraphError> {
        let left = &mut self.faults.template_error_after_accept;
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(GraphError::plain(1))
    }

    /// Tells the product the status of a template; `before` is the one it had, unless it is new or was edited.
    pub fn announce_template(&mut self, template: &Template, before: Option<&str>) {
        let entry = self.record(Fact::TemplateStatus {
            name: template.name.clone(),
            language: template.language.clone(),
            status: template.status.clone(),
        });
        let body = payload::template_status(&self.config, self.now(), template, before);
        self.queue_webhook(&body, Some(entry));
    }

    /// Decides about a template as the platform would; each part of it is told by its own webhook.
    pub fn decide_template(&mut self, id: &str, decision: &Decision) -> Result<(), &'static str> {
        let now = self.now();
        let template = self.templates.get_mut(id).ok_or("there is no such template")?;
        let before = template.clone();
        if let Some(category) = decision.category.as_ref().map(|category| category.to_uppercase()) {
            if !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&category.as_str()) {
                return Err("there is no such category");
            }
            template.category = category;
        }
        if let Some(quality) = decision.quality.as_ref().map(|quality| quality.to_uppercase()) {
            if !["GREEN", "YELLOW", "RED", "UNKNOWN"].contains(&quality.as_str()) {
                return Err("there is no such quality");
            }
            template.quality_score = json!({"score": quality, "date": now / 1000});
        }
        if let Some(status) = decision.status.as_ref().map(|status| status.to_uppercase()) {
            if !STATUSES.contains(&status.as_str()) {
                return Err("there is no such template status");
            }
            template.status = status;
            template.rejected_reason = match (template.status.as_str(), &decision.reason) {
                (_, Some(reason)) => reason.to_uppercase(),
                ("REJECTED", None) => "INVALID_FORMAT".to_owned(),
                _ => "NONE".to_owned(),
            };
            if template.status == "PAUSED" {
                template.pauses += 1;
                // The third pause is the end.
                if template.pauses >= 3 {
                    "DISABLED".clone_into(&mut template.status);
                }
            }
        }
        if let Some(body) = &decision.body {
            for component in &mut template.components {
                if text(component, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("BODY")) {
                    component["text"] = json!(body);
                }
            }
        }
        let after = template.clone();
        if after.category != before.category {
            let body = payload::template_category(&self.config, now, &after, &before.category);
            self.queue_webhook(&body, None);
        }
        if after.quality_score != before.quality_score {
            let previous = text(&before.quality_score, "score").unwrap_or_else(|| "UNKNOWN".to_owned());
            let body = payload::template_quality(&self.config, now, &after, &previous);
            self.queue_webhook(&body, None);
        }
        if decision.body.is_some() {
            let body = payload::template_components(&self.config, now, &after);
            self.queue_webhook(&body, None);
        }
        if decision.status.is_some() {
            self.announce_template(&after, Some(&before.status));
        }
        Ok(())
    }
}
