//! The forms of the account, which the Graph API calls flows: listed there, offered by a message, filled in on a handset.
//!
//! A form of the sandbox is one screen of fields. That is what the product and its tests need of it; the JSON of screens that
//! authors of forms write is not read.

use super::account::account;
use super::error::{Access, GraphError};
use super::request::{member, text};
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The states a form can be in.
pub(crate) const STATUSES: [&str; 5] = ["DRAFT", "PUBLISHED", "DEPRECATED", "BLOCKED", "THROTTLED"];

/// A form of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(default = "Form::published")]
    pub status: String,
    #[serde(default)]
    pub categories: Vec<String>,
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    /// Its name in the answers.
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub kind: FieldKind,
    #[serde(default)]
    pub required: bool,
    /// Of a choice.
    #[serde(default)]
    pub options: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldKind {
    #[default]
    Text,
    Date,
    Choice,
    Check,
}

/// A form as it is offered in a chat.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Offered {
    pub id: String,
    pub name: String,
    pub label: String,
    /// Comes back with the answers.
    #[serde(skip)]
    pub token: String,
    pub fields: Vec<Field>,
}

/// All forms of the account.
pub(crate) struct FormBook {
    forms: Vec<Form>,
    next_id: u64,
}

impl Form {
    fn published() -> String {
        "PUBLISHED".to_owned()
    }

    /// The answers as the platform hands them on, or the field that is missing or wrong.
    pub fn answers(offered: &Offered, given: &Map<String, Value>) -> Result<String, String> {
        let mut answers = Map::new();
        for field in &offered.fields {
            let answer = given.get(&field.name).filter(|answer| !answer.is_null() && **answer != json!(""));
            match answer {
                None if field.required => return Err(field.name.clone()),
                None => {}
                Some(answer) if field.kind == FieldKind::Choice => {
                    let is_offered =
                        answer.as_str().is_some_and(|chosen| field.options.iter().any(|one| one == chosen));
                    if !is_offered {
                        return Err(field.name.clone());
                    }
                    answers.insert(field.name.clone(), answer.clone());
                }
                Some(answer) => drop(answers.insert(field.name.clone(), answer.clone())),
            }
        }
        if let Some(unknown) = given.keys().find(|name| !offered.fields.iter().any(|field| field.name == **name)) {
            return Err(unknown.clone());
        }
        answers.insert("flow_token".to_owned(), json!(offered.token));
        Ok(Value::Object(answers).to_string())
    }
}

impl FormBook {
    /// The forms every sandbox starts with.
    pub fn seeded() -> Self {
        let field = |name: &str, label: &str, kind: FieldKind, required: bool, options: &[&str]| Field {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            required,
            options: options.iter().map(|one| (*one).to_owned()).collect(),
        };
        let form = |name: &str, status: &str, category: &str, fields: Vec<Field>| Form {
            id: String::new(),
            name: name.to_owned(),
            status: status.to_owned(),
            categories: vec![category.to_owned()],
            fields,
        };
        let mut book = Self { forms: Vec::new(), next_id: 770_000_000_000_001 };
        book.add(form(
            "book_a_visit",
            "PUBLISHED",
            "APPOINTMENT_BOOKING",
            vec![
                field("full_name", "Your name", FieldKind::Text, true, &[]),
                field("day", "Day", FieldKind::Date, true, &[]),
                field("topic", "What is it about?", FieldKind::Choice, true, &["Buying", "Repair", "Something else"]),
                field("remind_me", "Remind me the day before", FieldKind::Check, false, &[]),
            ],
        ));
        book.add(form(
            "rate_our_service",
            "DRAFT",
            "SURVEY",
            vec![field("stars", "How was it?", FieldKind::Choice, true, &["1", "2", "3", "4", "5"])],
        ));
        book
    }

    pub fn iter(&self) -> impl Iterator<Item = &Form> {
        self.forms.iter()
    }

    /// Adds a form, or replaces the one of the same name.
    pub fn add(&mut self, mut form: Form) -> &Form {
        if let Some(index) = self.forms.iter().position(|other| other.name == form.name) {
            form.id = self.forms[index].id.clone();
            self.forms[index] = form;
            return &self.forms[index];
        }
        form.id = self.next_id.to_string();
        self.next_id += 1;
        self.forms.push(form);
        &self.forms[self.forms.len() - 1]
    }

    /// Puts the form with this id or name into a state, as its author or the platform does.
    pub fn set_status(&mut self, id: &str, status: &str) -> Option<&Form> {
        let form = self.forms.iter_mut().find(|form| form.id == id || form.name == id)?;
        status.clone_into(&mut form.status);
        Some(form)
    }

    /// Reads the action of a message that offers a form.
    pub fn offered(&self, action: &Value) -> Result<Offered, GraphError> {
        let missing = |what: &str| GraphError::parameter(format!("The parameter parameters['{what}'] is required."));
        let parameters = member(action, "parameters").ok_or_else(|| missing("flow_id"))?;
        let need = |what: &str, most: usize| {
            let found = text(parameters, what).filter(|value| !value.is_empty()).ok_or_else(|| missing(what))?;
            if found.chars().count() > most {
                return Err(GraphError::parameter(format!("Param {what} must be at most {most} characters long.")));
            }
            Ok(found)
        };
        if need("flow_message_version", 8)? != "3" {
            return Err(GraphError::new(131009, "Parameter value is not valid: flow_message_version must be 3."));
        }
        let label = need("flow_cta", 20)?;
        let token = need("flow_token", 512)?;
        let (id, name) = (text(parameters, "flow_id"), text(parameters, "flow_name"));
        if id.is_some() == name.is_some() {
            return Err(GraphError::parameter("Exactly one of flow_id and flow_name is required."));
        }
        let found = self.forms.iter().find(|form| id.as_ref() == Some(&form.id) || name.as_ref() == Some(&form.name));
        let form =
            found.ok_or_else(|| GraphError::new(131009, "Parameter value is not valid: there is no such flow."))?;
        let is_draft = text(parameters, "mode").as_deref() == Some("draft");
        match form.status.as_str() {
            "PUBLISHED" if !is_draft => {}
            "DRAFT" if is_draft => {}
            "BLOCKED" => return Err(GraphError::plain(132_068)),
            "THROTTLED" => return Err(GraphError::plain(132_069)),
            status => {
                let details = format!("Parameter value is not valid: the flow is {status}.");
                return Err(GraphError::new(131009, details));
            }
        }
        Ok(Offered { id: form.id.clone(), name: form.name.clone(), label, token, fields: form.fields.clone() })
    }
}

/// `GET /{version}/{waba}/flows`, in pages.
pub(crate) async fn list(
    State(core): State<Arc<Core>>,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, GraphError> {
    account(&core, &id, Access::Read)?;
    let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(25).clamp(1, 100);
    let after: usize = query.get("after").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    core.with(|state| {
        let all: Vec<&Form> = state.forms.iter().collect();
        let page: Vec<Value> = all
            .iter()
            .skip(after)
            .take(limit)
            .map(|form| {
                json!({"id": form.id, "name": form.name, "status": form.status, "categories": form.categories,
                       "validation_errors": []})
            })
            .collect();
        let end = after + page.len();
        let mut paging = json!({"cursors": {"before": after.to_string(), "after": end.to_string()}});
        if end < all.len() {
            paging["next"] = json!(format!("{}/v26.0/{id}/flows?limit={limit}&after={end}", core.public_url));
        }
        Ok(Json(json!({"data": page, "paging": paging})))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(change: impl FnOnce(&mut Value)) -> Value {
        let mut action = json!({"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "Book",
            "flow_token": "msg_1", "flow_id": "770000000000001", "flow_action": "navigate"}});
        change(&mut action["parameters"]);
        action
    }

    #[test]
    fn only_what_the_platform_takes_is_offered() {
        let mut book = FormBook::seeded();
        let code =
            |book: &FormBook, change: fn(&mut Value)| book.offered(&action(change)).map(|_| ()).map_err(|e| e.code);
        assert_eq!(code(&book, |_| ()), Ok(()));
        assert_eq!(code(&book, |p| p["flow_cta"] = json!("x".repeat(21))), Err(100));
        assert_eq!(code(&book, |p| p["flow_token"] = json!("")), Err(100));
        assert_eq!(code(&book, |p| p["flow_message_version"] = json!("2")), Err(131_009));
        assert_eq!(code(&book, |p| p["flow_name"] = json!("book_a_visit")), Err(100), "both");
        assert_eq!(code(&book, |p| p["flow_id"] = json!("1")), Err(131_009));
        assert_eq!(code(&book, |p| p["mode"] = json!("draft")), Err(131_009), "a published one is no draft");
        for (status, expected) in [("DEPRECATED", 131_009), ("BLOCKED", 132_068), ("THROTTLED", 132_069)] {
            book.set_status("book_a_visit", status).expect("seeded");
            assert_eq!(code(&book, |_| ()), Err(expected), "{status}");
        }
    }

    #[test]
    fn answers_fit_the_form_and_carry_its_token() {
        let offered = FormBook::seeded().offered(&action(|_| ())).expect("published");
        let given = |value: Value| Form::answers(&offered, value.as_object().expect("an object"));
        let full = given(json!({"full_name": "Ada", "day": "2026-12-01", "topic": "Repair"})).expect("complete");
        let full: Value = serde_json::from_str(&full).expect("JSON");
        assert_eq!(full, json!({"full_name": "Ada", "day": "2026-12-01", "topic": "Repair", "flow_token": "msg_1"}));
        assert_eq!(given(json!({"full_name": "Ada", "day": "2026-12-01"})), Err("topic".to_owned()));
        assert_eq!(given(json!({"full_name": "A", "day": "d", "topic": "Cars"})), Err("topic".to_owned()));
        let unknown = json!({"full_name": "A", "day": "d", "topic": "Repair", "x": 1});
        assert_eq!(given(unknown), Err("x".to_owned()));
    }
}
