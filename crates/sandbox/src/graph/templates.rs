//! Message templates: the book of them, their rules at creation, and how one is filled in.

use super::error::GraphError;
use super::request::{list, member, text};
use crate::handset::Button;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A template in one language.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Template {
    pub id: String,
    pub name: String,
    pub language: String,
    pub category: String,
    pub status: String,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: String,
    pub components: Vec<Value>,
}

/// A template with its parameters filled in.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub header: Option<String>,
    /// Media type and object of a media header.
    pub header_media: Option<(String, Value)>,
    pub body: String,
    pub footer: Option<String>,
    pub buttons: Vec<Button>,
}

/// All templates of the account.
pub(crate) struct TemplateBook {
    templates: Vec<Template>,
    next_id: u64,
}

/// The states a template can be put into.
pub(crate) const STATUSES: [&str; 8] =
    ["PENDING", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "FLAGGED", "ARCHIVED", "PENDING_DELETION"];

/// `en-US` and `en_US` are the same language.
fn same_language(one: &str, other: &str) -> bool {
    one.replace('-', "_").eq_ignore_ascii_case(&other.replace('-', "_"))
}

impl TemplateBook {
    /// The templates every sandbox starts with.
    pub fn seeded() -> Self {
        let mut book = Self { templates: Vec::new(), next_id: 1_000_000_000_000_001 };
        let body = |text: &str| json!({"type": "BODY", "text": text});
        for (name, category, language, status, components) in [
            (
                "order_update",
                "UTILITY",
                "en_US",
                "APPROVED",
                vec![body("Hi {{1}}, there is news about your order {{2}}.")],
            ),
            (
                "we_are_back",
                "UTILITY",
                "en",
                "APPROVED",
                vec![
                    body("Hello {{1}}, our team can continue your conversation. Reply to this message to go on."),
                    json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Continue"}]}),
                ],
            ),
            (
                "spring_offer",
                "MARKETING",
                "en",
                "PAUSED",
                vec![
                    body("Spring is here, {{1}}! Everything for the trail is 20% off this week."),
                    json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Tell me more"}]}),
                ],
            ),
        ] {
            book.add(Template {
                id: String::new(),
                name: name.to_owned(),
                language: language.to_owned(),
                category: category.to_owned(),
                status: status.to_owned(),
                parameter_format: "POSITIONAL".to_owned(),
                components,
            });
        }
        book
    }

    pub fn iter(&self) -> impl Iterator<Item = &Template> {
        self.templates.iter()
    }

    pub fn get(&self, id: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.id == id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Template> {
        self.templates.iter_mut().find(|template| template.id == id)
    }

    pub fn find(&self, name: &str, language: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == name && same_language(&template.language, language))
    }

    /// Adds or replaces (name, language); returns it with its id.
    pub fn add(&mut self, mut template: Template) -> &Template {
        if let Some(index) = self
            .templates
            .iter()
            .position(|other| other.name == template.name && same_language(&other.language, &template.language))
        {
            template.id = self.templates[index].id.clone();
            self.templates[index] = template;
            return &self.templates[index];
        }
        template.id = self.next_id.to_string();
        self.next_id += 1;
        self.templates.push(template);
        &self.templates[self.templates.len() - 1]
    }

    /// Removes by name (all languages) or by id; returns how many.
    pub fn remove(&mut self, name: Option<&str>, id: Option<&str>) -> usize {
        let before = self.templates.len();
        self.templates.retain(|template| match (name, id) {
            (_, Some(id)) => template.id != id,
            (Some(name), None) => template.name != name,
            (None, None) => true,
        });
        before - self.templates.len()
    }

    /// The template when it may be sent now.
    pub fn sendable(&self, name: &str, language: &str) -> Result<&Template, GraphError> {
        let template = self
            .find(name, language)
            .ok_or_else(|| GraphError::new(132001, format!("template name ({name}) does not exist in {language}")))?;
        match template.status.as_str() {
            "APPROVED" | "FLAGGED" => Ok(template),
            "PAUSED" => Err(GraphError::plain(132015)),
            "DISABLED" => Err(GraphError::plain(132016)),
            status => Err(GraphError::new(132001, format!("template {name} in {language} is {status}, not APPROVED"))),
        }
    }
}

impl Template {
    /// Reads and checks a template as it is created.
    pub fn parse(body: &Value) -> Result<Self, GraphError> {
        let need = |field: &str| {
            text(body, field)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| GraphError::parameter(format!("The parameter {field} is required.")))
        };
        let name = need("name")?;
        if name.len() > 512 || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(GraphError::parameter(
                "Param name must be at most 512 lower-case letters, digits and underscores.",
            ));
        }
        let category = need("category")?.to_uppercase();
        if !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&category.as_str()) {
            return Err(GraphError::parameter("Param category must be one of {UTILITY, MARKETING, AUTHENTICATION}."));
        }
        let template = Self {
            id: String::new(),
            name,
            language: need("language")?,
            category,
            status: "PENDING".to_owned(),
            parameter_format: text(body, "parameter_format").unwrap_or_default().to_uppercase(),
            components: list(body, "components").to_vec(),
        };
        template.checked()
    }

    fn checked(mut self) -> Result<Self, GraphError> {
        if self.parameter_format != "NAMED" {
            "POSITIONAL".clone_into(&mut self.parameter_format);
        }
        let body = self.component("BODY").and_then(|body| text(body, "text")).unwrap_or_default();
        if body.is_empty() || body.chars().count() > 1024 {
            return Err(GraphError::parameter("A template needs a BODY of 1 to 1024 characters."));
        }
        let variables = variables(&body);
        if let (Some(first), Some(last)) = (variables.first(), variables.last())
            && (body.trim().starts_with(&format!("{{{{{first}}}}}"))
                || body.trim().ends_with(&format!("{{{{{last}}}}}")))
        {
            return Err(GraphError::parameter("Variables can't be at the start or end of the template."));
        }
        let positional = self.parameter_format == "POSITIONAL";
        if positional && variables.iter().enumerate().any(|(i, name)| *name != (i + 1).to_string()) {
            return Err(GraphError::parameter("The template contains variable parameters with incorrect formatting."));
        }
        if list(self.component("BUTTONS").unwrap_or(&Value::Null), "buttons").len() > 10 {
            return Err(GraphError::parameter("A template has at most 10 buttons."));
        }
        Ok(self)
    }

    /// What the emulated reviewer decides: promotional words make a utility template a marketing one.
    pub fn review(&mut self) {
        let body = self.component("BODY").and_then(|body| text(body, "text")).unwrap_or_default().to_lowercase();
        let promotional = ["% off", "sale", "discount", "offer", "promo", "deal"];
        if self.category == "UTILITY" && promotional.iter().any(|word| body.contains(word)) {
            "MARKETING".clone_into(&mut self.category);
        }
        "APPROVED".clone_into(&mut self.status);
    }

    fn component(&self, kind: &str) -> Option<&Value> {
        self.components
            .iter()
            .find(|component| text(component, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
    }

    /// Fills in the parameters of a send request.
    pub fn render(&self, given: &[Value]) -> Result<Rendered, GraphError> {
        let of_kind = |kind: &str| {
            given.iter().find(|component| text(component, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
        };
        let body_text = self.component("BODY").and_then(|body| text(body, "text")).unwrap_or_default();
        let body = self.fill("body", &body_text, parameters(of_kind("body")))?;
        if body.chars().count() > 1024 {
            return Err(GraphError::new(132005, "body: hydrated text is longer than 1024 characters"));
        }
        let (mut header, mut header_media) = (None, None);
        if let Some(component) = self.component("HEADER") {
            let format = text(component, "format").unwrap_or_default().to_lowercase();
            if format == "text" {
                let header_text = text(component, "text").unwrap_or_default();
                header = Some(self.fill("header", &header_text, parameters(of_kind("header")))?);
            } else if ["image", "video", "document"].contains(&format.as_str()) {
                let parameter = parameters(of_kind("header")).first();
                let media = parameter.and_then(|parameter| member(parameter, &format)).cloned();
                let wrong = || GraphError::new(132012, format!("header: Format mismatch, expected {format}"));
                header_media = Some((format.clone(), media.ok_or_else(wrong)?));
            }
        }
        Ok(Rendered {
            header,
            header_media,
            body,
            footer: self.component("FOOTER").and_then(|footer| text(footer, "text")),
            buttons: self.render_buttons(given)?,
        })
    }

    fn render_buttons(&self, given: &[Value]) -> Result<Vec<Button>, GraphError> {
        let Some(component) = self.component("BUTTONS") else { return Ok(Vec::new()) };
        let parameter = |index: usize| {
            let found = given.iter().find(|component| {
                text(component, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("button"))
                    && text(component, "index").is_some_and(|at| at == index.to_string())
            });
            parameters(found).first()
        };
        let mut buttons = Vec::new();
        for (index, button) in list(component, "buttons").iter().enumerate() {
            let title = text(button, "text").unwrap_or_default();
            let kind = text(button, "type").unwrap_or_default().to_uppercase();
            buttons.push(match kind.as_str() {
                "URL" => {
                    let mut url = text(button, "url").unwrap_or_default();
                    if !variables(&url).is_empty() {
                        let missing = || {
                            GraphError::new(
                                131008,
                                format!("buttons: Button at index {index} of type Url requires a parameter"),
                            )
                        };
                        let value =
                            parameter(index).and_then(|parameter| text(parameter, "text")).ok_or_else(missing)?;
                        url = substitute(&url, |_| Some(value.clone()));
                    }
                    Button { id: format!("url-{index}"), title, kind: "url", url: Some(url) }
                }
                "PHONE_NUMBER" => Button {
                    id: format!("phone-{index}"),
                    title,
                    kind: "phone",
                    url: text(button, "phone_number").map(|number| format!("tel:{number}")),
                },
                "COPY_CODE" | "OTP" => Button { id: format!("copy-{index}"), title, kind: "copy", url: None },
                _ => {
                    let payload = parameter(index).and_then(|parameter| text(parameter, "payload"));
                    Button { id: payload.unwrap_or_else(|| title.clone()), title, kind: "quick_reply", url: None }
                }
            });
        }
        Ok(buttons)
    }

    fn fill(&self, part: &str, template: &str, given: &[Value]) -> Result<String, GraphError> {
        let expected = variables(template);
        if expected.len() != given.len() {
            return Err(GraphError::new(
                132000,
                format!(
                    "{part}: number of localizable_params ({}) does not match the expected number of params ({})",
                    given.len(),
                    expected.len()
                ),
            ));
        }
        let mut values = Vec::new();
        for (index, parameter) in given.iter().enumerate() {
            let value = parameter_text(parameter).ok_or_else(|| {
                GraphError::new(
                    132012,
                    format!("{part}: Parameter of type text is missing text value at index {index}"),
                )
            })?;
            if value.contains(['\n', '\t']) || value.contains("     ") {
                return Err(GraphError::new(
                    132018,
                    "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
                ));
            }
            let name = text(parameter, "parameter_name");
            if self.parameter_format == "NAMED" && name.is_none() {
                return Err(GraphError::parameter(format!("{part}: Parameter name is missing or empty")));
            }
            values.push((name, value));
        }
        let missing = std::cell::Cell::new(false);
        let filled = substitute(template, |variable| {
            let found = if self.parameter_format == "NAMED" {
                values.iter().find(|(name, _)| name.as_deref() == Some(variable))
            } else {
                expected.iter().position(|name| name == variable).and_then(|index| values.get(index))
            };
            missing.set(missing.get() || found.is_none());
            found.map(|(_, value)| value.clone())
        });
        if missing.get() {
            return Err(GraphError::new(132000, format!("{part}: a named parameter of the template is missing")));
        }
        Ok(filled)
    }
}

fn parameters(component: Option<&Value>) -> &[Value] {
    component.map_or(&[], |component| list(component, "parameters"))
}

fn parameter_text(parameter: &Value) -> Option<String> {
    let kind = text(parameter, "type").unwrap_or_else(|| "text".to_owned()).to_lowercase();
    match kind.as_str() {
        "text" => text(parameter, "text").filter(|value| !value.is_empty()),
        "currency" | "date_time" => parameter.get(&kind).and_then(|value| text(value, "fallback_value")),
        _ => None,
    }
}

/// The distinct variables of a text, in order of appearance.
fn variables(template: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        if seen.insert(name.trim().to_owned()) {
            found.push(name.trim().to_owned());
        }
        rest = tail;
    }
    found
}

fn substitute(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(&value(name.trim()).unwrap_or_default());
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(parameters: Value) -> Vec<Value> {
        vec![json!({"type": "BODY", "parameters": parameters})]
    }

    #[test]
    fn parameters_are_counted_and_filled_in() {
        let book = TemplateBook::seeded();
        let template = book.sendable("order_update", "en-US").expect("approved");
        let two = body(json!([{"type": "text", "text": "Ada"}, {"type": "text", "text": "{{2}} #7"}]));
        assert_eq!(template.render(&two).expect("filled").body, "Hi Ada, there is news about your order {{2}} #7.");
        let code = |components: &[Value]| template.render(components).expect_err("refused").code;
        assert_eq!(code(&body(json!([{"type": "text", "text": "Ada"}]))), 132000);
        assert_eq!(code(&[]), 132000);
        assert_eq!(code(&body(json!([{"type": "text", "text": "a\nb"}, {"type": "text", "text": "7"}]))), 132018);
        assert_eq!(
            code(&body(json!([{"type": "image", "image": {"id": "1"}}, {"type": "text", "text": "7"}]))),
            132012
        );
    }

    #[test]
    fn only_approved_templates_are_sendable() {
        let mut book = TemplateBook::seeded();
        let code = |book: &TemplateBook, name: &str, language: &str| {
            book.sendable(name, language).map(|_| ()).map_err(|e| e.code)
        };
        assert_eq!(code(&book, "spring_offer", "en"), Err(132015));
        assert_eq!(code(&book, "order_update", "de"), Err(132001));
        assert_eq!(code(&book, "nothing", "en"), Err(132001));
        let id = book.find("spring_offer", "en").expect("seeded").id.clone();
        for (status, expected) in [("DISABLED", Err(132016)), ("PENDING", Err(132001)), ("APPROVED", Ok(()))] {
            book.get_mut(&id).expect("seeded").status = status.to_owned();
            assert_eq!(code(&book, "spring_offer", "en"), expected);
        }
    }

    #[test]
    fn named_parameters_and_url_buttons() {
        let template = Template::parse(&json!({
            "name": "ship", "category": "utility", "language": "en", "parameter_format": "named",
            "components": [
                {"type": "body", "text": "Hi {{who}}, parcel {{nr}} is on its way."},
                {"type": "buttons", "buttons": [{"type": "url", "text": "Track", "url": "https://t.test/{{1}}"}]},
            ],
        }))
        .expect("valid");
        let named = json!([{"type": "text", "parameter_name": "nr", "text": "9"}, {"type": "text", "parameter_name": "who", "text": "Bo"}]);
        let mut components = body(named);
        assert_eq!(template.render(&components).expect_err("no url parameter").code, 131008);
        components.push(
            json!({"type": "BUTTON", "sub_type": "URL", "index": 0, "parameters": [{"type": "text", "text": "abc"}]}),
        );
        let rendered = template.render(&components).expect("filled");
        assert_eq!(rendered.body, "Hi Bo, parcel 9 is on its way.");
        assert_eq!(rendered.buttons[0].url.as_deref(), Some("https://t.test/abc"));
    }

    #[test]
    fn bad_templates_are_refused_and_promotion_becomes_marketing() {
        let with_body = |text: &str| {
            Template::parse(
                &json!({"name": "x", "category": "UTILITY", "language": "en", "components": [{"type": "BODY", "text": text}]}),
            )
        };
        for text in ["{{1}} starts", "ends {{1}}", "skips {{2}} here", ""] {
            assert!(with_body(text).is_err(), "{text}");
        }
        let mut sale = with_body("Hi {{1}}, our summer sale is on.").expect("valid");
        sale.review();
        assert_eq!((sale.category.as_str(), sale.status.as_str()), ("MARKETING", "APPROVED"));
    }
}
