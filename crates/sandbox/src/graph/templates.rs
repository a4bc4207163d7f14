//! Message templates: the book of them, and their rules at creation.

use super::error::GraphError;
use super::rendering::variables;
use super::request::{list, text};
use super::uploads;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

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
    /// `{"score": …}`.
    pub quality_score: Value,
    /// `NONE` when it was not.
    pub rejected_reason: String,
    /// When it was changed while it was approved.
    #[serde(skip)]
    pub edits: Vec<i64>,
    /// How often it was paused.
    #[serde(skip)]
    pub pauses: u8,
}

/// All templates of the account.
pub(crate) struct TemplateBook {
    templates: Vec<Template>,
    next_id: u64,
    /// Names of deleted templates, and until when they cannot be used.
    reserved: HashMap<String, i64>,
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
        let mut book = Self { templates: Vec::new(), next_id: 1_000_000_000_000_001, reserved: HashMap::new() };
        // As on the platform, a text with variables carries an example of each.
        let body =
            |text: &str, example: &[&str]| json!({"type": "BODY", "text": text, "example": {"body_text": [example]}});
        for (name, category, language, status, components) in [
            (
                "order_update",
                "UTILITY",
                "en_US",
                "APPROVED",
                vec![body("Hi {{1}}, there is news about your order {{2}}.", &["Ada", "1017"])],
            ),
            (
                "we_are_back",
                "UTILITY",
                "en",
                "APPROVED",
                vec![
                    body(
                        "Hello {{1}}, our team can continue your conversation. Reply to this message to go on.",
                        &["Ada"],
                    ),
                    json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Continue"}]}),
                ],
            ),
            (
                "spring_offer",
                "MARKETING",
                "en",
                "PAUSED",
                vec![
                    body("Spring is here, {{1}}! Everything for the trail is 20% off this week.", &["Ada"]),
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
                ..Template::empty()
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

    /// Removes by name (all languages) or by id; returns what was removed.
    pub fn remove(&mut self, name: Option<&str>, id: Option<&str>) -> Vec<Template> {
        let is_meant = |template: &mut Template| match (name, id) {
            (_, Some(id)) => template.id == id,
            (Some(name), None) => template.name == name,
            (None, None) => false,
        };
        self.templates.extract_if(.., is_meant).collect()
    }

    /// Keeps a name from being used again until then.
    pub fn reserve(&mut self, name: &str, until: i64) {
        self.reserved.insert(name.to_owned(), until);
    }

    /// Whether a name cannot be used now.
    pub fn is_reserved(&self, name: &str, now: i64) -> bool {
        self.reserved.get(name).is_some_and(|until| now < *until)
    }

    /// The template when it may be sent now.
    pub fn sendable(&self, name: &str, language: &str) -> Result<&Template, GraphError> {
        let template = self
            .find(name, language)
            .ok_or_else(|| GraphError::new(132001, format!("template name ({name}) does not exist in {language}")))?;
        match template.status.as_str() {
            "APPROVED" => Ok(template),
            "PAUSED" => Err(GraphError::plain(132015)),
            "DISABLED" => Err(GraphError::plain(132016)),
            status => Err(GraphError::new(132001, format!("template {name} in {language} is {status}, not APPROVED"))),
        }
    }
}

impl Template {
    fn empty() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            language: String::new(),
            category: String::new(),
            status: "PENDING".to_owned(),
            parameter_format: String::new(),
            components: Vec::new(),
            // With the date of the score, as the platform has it: client libraries read it.
            quality_score: json!({"score": "UNKNOWN", "date": 1_767_225_600}),
            rejected_reason: "NONE".to_owned(),
            edits: Vec::new(),
            pauses: 0,
        }
    }

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
            ..Self::empty()
        };
        template.checked()
    }

    fn checked(mut self) -> Result<Self, GraphError> {
        if self.parameter_format != "NAMED" {
            "POSITIONAL".clone_into(&mut self.parameter_format);
        }
        if self.category == "AUTHENTICATION" {
            return Ok(self);
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
            return Err(GraphError::of_template(
                2_388_299,
                "Variables at the edges",
                "Variables can't be at the start or end of the template.",
            ));
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

    /// As the platform lists it.
    pub fn listed(&self) -> Value {
        let mut listed = json!(self);
        listed["components"] = self.components.iter().cloned().map(uploads::listed).collect();
        listed
    }

    pub fn component(&self, kind: &str) -> Option<&Value> {
        self.components
            .iter()
            .find(|component| text(component, "type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_first_templates_have_an_example_of_each_variable() {
        for template in TemplateBook::seeded().iter() {
            let body = template.component("BODY").expect("a body");
            let examples = body["example"]["body_text"][0].as_array().expect("examples");
            assert_eq!(examples.len(), variables(&text(body, "text").expect("a text")).len(), "{}", template.name);
        }
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
