//! What the platform refuses when a template is created or changed, with the codes it has for it.

use super::error::GraphError;
use super::rendering::variables;
use super::request::{list, text};
use super::templates::Template;
use super::uploads::Uploads;
use serde_json::Value;

fn refused(subcode: i64, title: &str, message: impl Into<String>) -> GraphError {
    GraphError::of_template(subcode, title, message)
}

impl Template {
    /// The rules beyond the form: examples, edges, lengths, buttons.
    pub fn admitted(self, uploads: &Uploads) -> Result<Self, GraphError> {
        if self.category == "AUTHENTICATION" {
            return self.admitted_code();
        }
        self.check_body()?;
        self.check_header_of(self.component("HEADER"), uploads)?;
        if let Some(footer) = self.component("FOOTER").and_then(|footer| text(footer, "text"))
            && (footer.chars().count() > 60 || footer.contains("{{"))
        {
            return Err(refused(
                2_388_040,
                "Footer too long",
                "The footer has at most 60 characters and no variables.",
            ));
        }
        Self::check_buttons_of(self.component("BUTTONS"))?;
        self.check_cards(uploads)?;
        self.check_offer()?;
        Ok(self)
    }

    fn admitted_code(self) -> Result<Self, GraphError> {
        let buttons = list(self.component("BUTTONS").unwrap_or(&Value::Null), "buttons");
        let is_code = |button: &Value| text(button, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("OTP"));
        let has_text = self.component("BODY").and_then(|body| text(body, "text")).is_some();
        if has_text || buttons.len() != 1 || !buttons.iter().all(is_code) || self.component("HEADER").is_some() {
            return Err(GraphError::parameter(
                "An AUTHENTICATION template has no text and one button of the type OTP.",
            ));
        }
        Ok(self)
    }

    fn check_body(&self) -> Result<(), GraphError> {
        let component = self.component("BODY").unwrap_or(&Value::Null);
        let body = text(component, "text").unwrap_or_default();
        self.check_text(component, &body)
    }

    /// Edges, words and examples of a body.
    pub(super) fn check_text(&self, component: &Value, body: &str) -> Result<(), GraphError> {
        let trimmed = body.trim();
        if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
            let message = "Variables can't be at the start or end of the template.";
            return Err(refused(2_388_299, "Variables at the edges", message));
        }
        if body.split("}}").skip(1).any(|between| between.trim_start().starts_with("{{")) {
            return Err(refused(2_388_299, "Variables side by side", "Variables can't stand next to each other."));
        }
        let names = variables(body);
        let words = body.split_whitespace().filter(|word| !word.contains("{{")).count();
        if !names.is_empty() && words < 2 * names.len() {
            let message = "This template contains too many variable parameters relative to the message length.";
            return Err(refused(2_388_293, "Parameters words ratio exceeds limit", message));
        }
        self.check_examples(component, "body_text", &names)
    }

    /// Every variable has an example.
    fn check_examples(&self, component: &Value, key: &str, names: &[String]) -> Result<(), GraphError> {
        let example = component.get("example").unwrap_or(&Value::Null);
        let given = if self.parameter_format == "NAMED" {
            let pairs = list(example, &format!("{key}_named_params"));
            let has = |name: &&String| pairs.iter().any(|pair| text(pair, "param_name").as_ref() == Some(name));
            names.iter().filter(has).count()
        } else {
            let values = list(example, key);
            values.first().and_then(Value::as_array).map_or(values.len(), Vec::len)
        };
        if given < names.len() {
            let message = "Component of type BODY or HEADER is missing expected field(s) (example).";
            return Err(refused(2_388_043, "Message template component missing expected field(s)", message));
        }
        Ok(())
    }

    pub(super) fn check_header_of(&self, header: Option<&Value>, uploads: &Uploads) -> Result<(), GraphError> {
        let Some(header) = header else { return Ok(()) };
        match text(header, "format").unwrap_or_default().to_uppercase().as_str() {
            "TEXT" => {
                let words = text(header, "text").unwrap_or_default();
                if words.is_empty() || words.chars().count() > 60 {
                    return Err(refused(2_388_040, "Header too long", "The header has 1 to 60 characters."));
                }
                if words.contains(['\n', '*', '~', '`']) {
                    let message = "Header can't have new lines, formatting characters, emojis or asterisks.";
                    return Err(refused(2_388_072, "Invalid format of the header", message));
                }
                let names = variables(&words);
                if names.len() > 1 {
                    return Err(refused(2_388_073, "Too many variables", "The header takes one variable at most."));
                }
                self.check_examples(header, "header_text", &names)
            }
            "IMAGE" | "VIDEO" | "GIF" | "DOCUMENT" => {
                let example = header.get("example").unwrap_or(&Value::Null);
                let handle = list(example, "header_handle").first().and_then(Value::as_str).unwrap_or_default();
                if uploads.is_handle(handle) { Ok(()) } else { Err(missing_handle()) }
            }
            "LOCATION" | "PRODUCT" => Ok(()),
            _ => Err(GraphError::parameter(
                "Param format must be one of {TEXT, IMAGE, VIDEO, GIF, DOCUMENT, LOCATION, PRODUCT}.",
            )),
        }
    }

    pub(super) fn check_buttons_of(component: Option<&Value>) -> Result<(), GraphError> {
        let buttons = list(component.unwrap_or(&Value::Null), "buttons");
        let kinds: Vec<String> =
            buttons.iter().map(|button| text(button, "type").unwrap_or_default().to_uppercase()).collect();
        let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
        for (kind, most) in [("URL", 2), ("PHONE_NUMBER", 1), ("COPY_CODE", 1), ("FLOW", 1), ("OTP", 0)] {
            if count(kind) > most {
                return Err(GraphError::parameter(format!(
                    "A template has at most {most} buttons of the type {kind}."
                )));
            }
        }
        let is_reply = |kind: &String| kind == "QUICK_REPLY";
        if kinds.windows(2).filter(|pair| is_reply(&pair[0]) != is_reply(&pair[1])).count() > 1 {
            return Err(GraphError::parameter("Quick reply buttons must be grouped together."));
        }
        for button in buttons {
            if text(button, "text").is_some_and(|words| words.chars().count() > 25) {
                return Err(GraphError::parameter("The text of a button has at most 25 characters."));
            }
            let url = text(button, "url").unwrap_or_default();
            let has_example = !list(button, "example").is_empty() || text(button, "example").is_some();
            if url.contains("{{") && (!url.ends_with("{{1}}") || !has_example) {
                let message = "A link takes one variable at its end, with an example.";
                return Err(refused(2_388_047, "Button URL", message));
            }
        }
        Ok(())
    }
}

fn missing_handle() -> GraphError {
    refused(
        2_388_084,
        "Sample media is missing",
        "The header's example is not the handle of an uploaded file; templates with media need one.",
    )
}
