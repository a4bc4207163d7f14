//! Filling in a template: counting and checking the parameters of a send request, and what the handset shows.

use super::error::GraphError;
use super::outgoing::asking;
use super::request::{list, member, text};
use super::templates::Template;
use crate::handset::{Button, Offer};
use serde_json::Value;
use std::collections::BTreeSet;

/// A template with its parameters filled in.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub header: Option<String>,
    /// Media type and object of a media header.
    pub header_media: Option<(String, Value)>,
    pub body: String,
    pub footer: Option<String>,
    pub buttons: Vec<Button>,
    pub cards: Vec<RenderedCard>,
    pub offer: Option<Offer>,
}

/// A card with its parameters filled in.
#[derive(Debug)]
pub(crate) struct RenderedCard {
    pub body: String,
    /// Media type and object of its header.
    pub media: (String, Value),
    pub buttons: Vec<Button>,
}

impl Template {
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
            } else if format == "location" {
                header = Some(place(parameters(of_kind("header")).first())?);
            }
        }
        let rendered = Rendered {
            header,
            header_media,
            body,
            footer: self.component("FOOTER").and_then(|footer| text(footer, "text")),
            buttons: Self::render_buttons("", self.component("BUTTONS"), given)?,
            cards: Vec::new(),
            offer: None,
        };
        self.with_extras(given, rendered)
    }

    /// The buttons with their parameters; `place` says where they stand.
    pub(super) fn render_buttons(
        place: &str,
        component: Option<&Value>,
        given: &[Value],
    ) -> Result<Vec<Button>, GraphError> {
        let Some(component) = component else { return Ok(Vec::new()) };
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
                                format!("{place}buttons: Button at index {index} of type Url requires a parameter"),
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
                "COPY_CODE" => {
                    let code = parameter(index).and_then(|parameter| text(parameter, "coupon_code"));
                    if code.is_none_or(|code| code.is_empty() || code.chars().count() > 15) {
                        let words = format!(
                            "{place}buttons: Button at index {index} of type CopyCode requires a coupon_code of 1 to 15 characters"
                        );
                        return Err(GraphError::new(131008, words));
                    }
                    Button { id: format!("copy-{index}"), title: "Copy code".to_owned(), kind: "copy", url: None }
                }
                "REQUEST_CONTACT_INFO" => {
                    asking("share_number", if title.is_empty() { "Share phone number" } else { &title })
                }
                "OTP" => Button { id: format!("copy-{index}"), title, kind: "copy", url: None },
                _ => {
                    let payload = parameter(index).and_then(|parameter| text(parameter, "payload"));
                    Button { id: payload.unwrap_or_else(|| title.clone()), title, kind: "quick_reply", url: None }
                }
            });
        }
        Ok(buttons)
    }

    pub(super) fn fill(&self, part: &str, template: &str, given: &[Value]) -> Result<String, GraphError> {
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

pub(super) fn parameters(component: Option<&Value>) -> &[Value] {
    component.map_or(&[], |component| list(component, "parameters"))
}

/// A place above the text, as the handset shows it.
fn place(parameter: Option<&Value>) -> Result<String, GraphError> {
    let place = parameter.and_then(|parameter| member(parameter, "location"));
    let wrong = || GraphError::new(132012, "header: Format mismatch, expected location");
    let place = place.ok_or_else(wrong)?;
    let part = |name: &str| {
        let missing = || GraphError::new(131008, format!("header: location['{name}'] is missing"));
        text(place, name).filter(|text| !text.is_empty()).ok_or_else(missing)
    };
    part("latitude")?;
    part("longitude")?;
    Ok(format!("{}\n{}", part("name")?, part("address")?))
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
pub(crate) fn variables(template: &str) -> Vec<String> {
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
    use super::super::templates::TemplateBook;
    use super::*;
    use serde_json::json;

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
}
