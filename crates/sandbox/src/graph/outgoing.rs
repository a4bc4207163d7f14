//! Reading a send request: who it goes to, what it shows on the handset, and the limits of each type.

use super::error::GraphError;
use super::forms::{FormBook, Offered};
use super::rendering::{Rendered, RenderedCard};
use super::request::{list, member, text};
use super::templates::TemplateBook;
use crate::config::digits;
use crate::handset::{Button, MediaView, Offer, Row, Section, TemplateName};
use serde_json::Value;

/// A checked send request.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub kind: String,
    pub target: Target,
    /// The address as it was given.
    pub input: String,
    pub context_id: Option<String>,
    pub opaque: Option<String>,
    pub shown: Shown,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Digits, from `to`.
    Phone(String),
    /// From `recipient`.
    User(String),
    /// A user id in `to`: accepted and lost, as on the platform.
    Misplaced,
}

/// What the handset shows of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub text: String,
    pub header: Option<String>,
    pub footer: Option<String>,
    pub buttons: Vec<Button>,
    pub list_button: Option<String>,
    pub sections: Vec<Section>,
    pub template: Option<TemplateName>,
    /// Category of the template, `None` for service messages.
    pub category: Option<String>,
    pub media: Option<MediaSource>,
    pub cards: Vec<ShownCard>,
    pub offer: Option<Offer>,
    /// The form behind the button.
    pub form: Option<Offered>,
}

/// A card of a carousel.
#[derive(Clone, Debug)]
pub(crate) struct ShownCard {
    pub text: String,
    pub media: MediaSource,
    pub buttons: Vec<Button>,
}

/// Media by id, or by a link that the platform fetches.
#[derive(Clone, Debug)]
pub(crate) enum MediaSource {
    Id(MediaView),
    Link { url: String, caption: Option<String>, filename: Option<String>, voice: bool },
}

impl Outgoing {
    /// Reads and checks a request; templates are looked up in `book`, forms in `forms`.
    pub fn parse(body: &Value, book: &TemplateBook, forms: &FormBook) -> Result<Self, GraphError> {
        if text(body, "messaging_product").as_deref() != Some("whatsapp") {
            return Err(GraphError::parameter("The parameter messaging_product is required."));
        }
        let (target, input) = target(body)?;
        let kind = text(body, "type").unwrap_or_else(|| "text".to_owned()).to_lowercase();
        let opaque = text(body, "biz_opaque_callback_data");
        at_most(opaque.as_deref(), 512, "biz_opaque_callback_data")?;
        let content = member(body, &kind)
            .ok_or_else(|| GraphError::new(131008, format!("Parameter of type {kind} is missing: '{kind}'")))?;
        let shown = match kind.as_str() {
            "text" => text_message(content)?,
            "image" | "video" | "audio" | "document" | "sticker" => media_message(content, &kind)?,
            "interactive" => interactive(content, forms)?,
            "template" => template(content, book)?,
            "reaction" => reaction(content)?,
            "location" => Shown { text: location(content)?, ..Shown::default() },
            "contacts" => Shown { text: contacts(content)?, ..Shown::default() },
            _ => {
                return Err(GraphError::parameter(format!(
                    "Param type must be one of the message types - got \"{kind}\"."
                )));
            }
        };
        let context_id = body
            .get("context")
            .and_then(|context| text(context, "message_id"))
            .or_else(|| (kind == "reaction").then(|| text(content, "message_id")).flatten());
        Ok(Self { kind, target, input, context_id, opaque, shown })
    }
}

fn target(body: &Value) -> Result<(Target, String), GraphError> {
    if let Some(to) = text(body, "to").filter(|to| !to.trim().is_empty()) {
        if is_user_id(&to) {
            return Ok((Target::Misplaced, to));
        }
        let number = digits(&to);
        let only_number = to.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c));
        if !only_number || !(7..=15).contains(&number.len()) {
            return Err(GraphError::new(131009, "Parameter value is not valid: 'to' is not a phone number."));
        }
        return Ok((Target::Phone(number), to));
    }
    match text(body, "recipient") {
        Some(user) if is_user_id(&user) => Ok((Target::User(user.clone()), user)),
        Some(_) => Err(GraphError::new(131009, "Parameter value is not valid: 'recipient' is not a user id.")),
        None => Err(GraphError::parameter("The parameter to is required.")),
    }
}

/// `CC.` or `CC.ENT.` and letters or digits.
pub(crate) fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn at_most(value: Option<&str>, limit: usize, name: &str) -> Result<(), GraphError> {
    match value {
        Some(value) if value.chars().count() > limit => {
            Err(GraphError::parameter(format!("Param {name} must be at most {limit} characters long.")))
        }
        _ => Ok(()),
    }
}

fn required(value: &Value, name: &str, path: &str, limit: usize) -> Result<String, GraphError> {
    let found = text(value, name).filter(|text| !text.is_empty());
    let found = found.ok_or_else(|| GraphError::parameter(format!("The parameter {path} is required.")))?;
    at_most(Some(&found), limit, path)?;
    Ok(found)
}

fn text_message(content: &Value) -> Result<Shown, GraphError> {
    Ok(Shown { text: required(content, "body", "text['body']", 4096)?, ..Shown::default() })
}

fn media_message(content: &Value, kind: &str) -> Result<Shown, GraphError> {
    let caption = text(content, "caption");
    at_most(caption.as_deref(), 1024, &format!("{kind}['caption']"))?;
    let filename = text(content, "filename");
    let voice = kind == "audio" && member(content, "voice") == Some(&Value::Bool(true));
    let media = match (text(content, "id"), text(content, "link")) {
        (Some(id), None) => {
            MediaSource::Id(MediaView { id, mime: String::new(), caption: caption.clone(), filename, voice })
        }
        (None, Some(url)) => MediaSource::Link { url, caption: caption.clone(), filename, voice },
        (None, None) => {
            return Err(GraphError::parameter(format!("The parameter {kind}['id'] or {kind}['link'] is required.")));
        }
        (Some(_), Some(_)) => {
            return Err(GraphError::parameter(format!("Only one of {kind}['id'] and {kind}['link'] is allowed.")));
        }
    };
    Ok(Shown { text: caption.unwrap_or_default(), media: Some(media), ..Shown::default() })
}

fn interactive(content: &Value, forms: &FormBook) -> Result<Shown, GraphError> {
    let kind = required(content, "type", "interactive['type']", 64)?.to_lowercase();
    let body_limit = if kind == "list" { 4096 } else { 1024 };
    let body = member(content, "body")
        .ok_or_else(|| GraphError::parameter("The parameter interactive['body'] is required."))?;
    let mut shown =
        Shown { text: required(body, "text", "interactive['body']['text']", body_limit)?, ..Shown::default() };
    if let Some(header) = member(content, "header") {
        match text(header, "type").as_deref() {
            Some("text") => shown.header = Some(required(header, "text", "interactive['header']['text']", 60)?),
            Some(media @ ("image" | "video" | "document")) => {
                let source = member(header, media).ok_or_else(|| {
                    GraphError::parameter(format!("The parameter interactive['header']['{media}'] is required."))
                })?;
                shown.media = media_message(source, media)?.media;
            }
            _ => return Err(GraphError::parameter("Param interactive['header']['type'] is not valid.")),
        }
    }
    if let Some(footer) = member(content, "footer") {
        shown.footer = Some(required(footer, "text", "interactive['footer']['text']", 60)?);
    }
    let missing = || GraphError::parameter("The parameter interactive['action'] is required.");
    let action = member(content, "action").ok_or_else(missing)?;
    match kind.as_str() {
        "button" => shown.buttons = reply_buttons(action)?,
        "list" => {
            shown.list_button = Some(required(action, "button", "interactive['action']['button']", 20)?);
            shown.sections = list_sections(action)?;
        }
        "cta_url" => {
            let parameters = member(action, "parameters").ok_or_else(missing)?;
            shown.buttons = vec![Button {
                id: "url".to_owned(),
                title: required(parameters, "display_text", "parameters['display_text']", 20)?,
                kind: "url",
                url: Some(required(parameters, "url", "parameters['url']", 2000)?),
            }];
        }
        "flow" => shown.form = Some(forms.offered(action)?),
        "location_request_message" => shown.buttons = vec![asking("share_place", "Send location")],
        "request_contact_info" => shown.buttons = vec![asking("share_number", "Share phone number")],
        "product" | "product_list" | "catalog_message" | "call_permission_request" | "address_message" => {}
        other => {
            return Err(GraphError::parameter(format!("Param interactive['type'] is not valid - got \"{other}\".")));
        }
    }
    Ok(shown)
}

/// The button of a request: what is asked for, and its label on the handset.
pub(super) fn asking(kind: &'static str, title: &str) -> Button {
    Button { id: kind.to_owned(), title: title.to_owned(), kind, url: None }
}

fn reply_buttons(action: &Value) -> Result<Vec<Button>, GraphError> {
    let given = list(action, "buttons");
    if !(1..=3).contains(&given.len()) {
        return Err(GraphError::parameter("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
    }
    let mut buttons: Vec<Button> = Vec::new();
    for button in given {
        let reply = member(button, "reply")
            .ok_or_else(|| GraphError::parameter("The parameter buttons['reply'] is required."))?;
        let id = required(reply, "id", "buttons['reply']['id']", 256)?;
        let title = required(reply, "title", "buttons['reply']['title']", 20)?;
        if buttons.iter().any(|other| other.id == id || other.title == title) {
            return Err(GraphError::new(131009, "Duplicated button id or title."));
        }
        buttons.push(Button { id, title, kind: "reply", url: None });
    }
    Ok(buttons)
}

fn list_sections(action: &Value) -> Result<Vec<Section>, GraphError> {
    let given = list(action, "sections");
    if !(1..=10).contains(&given.len()) {
        return Err(GraphError::parameter("Invalid sections count. Min allowed sections: 1, Max allowed sections: 10"));
    }
    let mut sections: Vec<Section> = Vec::new();
    for section in given {
        let title = text(section, "title").unwrap_or_default();
        at_most(Some(&title), 24, "sections['title']")?;
        if title.is_empty() && given.len() > 1 {
            return Err(GraphError::new(131009, "Section title is required when there is more than one section."));
        }
        let mut rows = Vec::new();
        for row in list(section, "rows") {
            let id = required(row, "id", "rows['id']", 200)?;
            if sections.iter().flat_map(|s| &s.rows).chain(&rows).any(|other: &Row| other.id == id) {
                return Err(GraphError::new(131009, "Duplicated row id."));
            }
            let description = text(row, "description").unwrap_or_default();
            at_most(Some(&description), 72, "rows['description']")?;
            rows.push(Row { id, title: required(row, "title", "rows['title']", 24)?, description });
        }
        sections.push(Section { title, rows });
    }
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    if !(1..=10).contains(&rows) {
        return Err(GraphError::new(131009, "Total row count exceed max allowed count: 10"));
    }
    Ok(sections)
}

fn template(content: &Value, book: &TemplateBook) -> Result<Shown, GraphError> {
    let name = required(content, "name", "template['name']", 512)?;
    let language = member(content, "language")
        .ok_or_else(|| GraphError::new(131008, "Parameter 'template.language' is missing."))?;
    let language = required(language, "code", "template['language']['code']", 15)?;
    let template = book.sendable(&name, &language)?;
    let Rendered { header, header_media, body, footer, buttons, cards, offer } =
        template.render(list(content, "components"))?;
    let source = |(kind, value): (String, Value)| {
        let missing = || GraphError::parameter(format!("The parameter {kind} is required."));
        media_message(&value, &kind)?.media.ok_or_else(missing)
    };
    let card =
        |card: RenderedCard| Ok(ShownCard { text: card.body, media: source(card.media)?, buttons: card.buttons });
    Ok(Shown {
        text: body,
        header,
        footer,
        buttons,
        template: Some(TemplateName { name: template.name.clone(), language: template.language.clone() }),
        category: Some(template.category.clone()),
        media: header_media.map(source).transpose()?,
        cards: cards.into_iter().map(card).collect::<Result<_, GraphError>>()?,
        offer,
        ..Shown::default()
    })
}

fn reaction(content: &Value) -> Result<Shown, GraphError> {
    required(content, "message_id", "reaction['message_id']", 128)?;
    Ok(Shown { text: text(content, "emoji").unwrap_or_default(), ..Shown::default() })
}

fn location(content: &Value) -> Result<String, GraphError> {
    let latitude = required(content, "latitude", "location['latitude']", 32)?;
    let longitude = required(content, "longitude", "location['longitude']", 32)?;
    let place = [text(content, "name"), text(content, "address"), Some(format!("{latitude}, {longitude}"))];
    Ok(place.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

fn contacts(content: &Value) -> Result<String, GraphError> {
    let cards = content.as_array().filter(|cards| !cards.is_empty() && cards.len() <= 257);
    let cards = cards.ok_or_else(|| GraphError::parameter("Param contacts must be an array of 1 to 257 cards."))?;
    let name = |card: &Value| {
        let name = member(card, "name").and_then(|name| text(name, "formatted_name"));
        name.ok_or_else(|| GraphError::new(131008, "Parameter 'contacts.name.formatted_name' is missing."))
    };
    Ok(cards.iter().map(name).collect::<Result<Vec<_>, _>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(body: Value) -> Result<Outgoing, i64> {
        Outgoing::parse(&body, &TemplateBook::seeded(), &FormBook::seeded()).map_err(|error| error.code)
    }

    fn with(kind: &str, content: Value) -> Value {
        json!({"messaging_product": "whatsapp", "to": "+1 (650) 555-1234", "type": kind, kind: content})
    }

    #[test]
    fn addresses() {
        assert_eq!(
            parse(with("text", json!({"body": "x"}))).map(|o| o.target),
            Ok(Target::Phone("16505551234".to_owned()))
        );
        let to = |field: &str, value: &str| {
            parse(json!({"messaging_product": "whatsapp", field: value, "text": {"body": "x"}}))
        };
        assert_eq!(to("to", "US.13491208655302741918").map(|o| o.target), Ok(Target::Misplaced));
        let user = "DE.ENT.1a2b".to_owned();
        assert_eq!(to("recipient", &user).map(|o| o.target), Ok(Target::User(user)));
        assert_eq!(to("recipient", "16505551234").map(|o| o.target), Err(131009));
        assert_eq!(to("other", "16505551234").map(|o| o.target), Err(100));
    }

    #[test]
    fn limits_are_refused_one_beyond_and_accepted_at_the_edge() {
        let buttons = |n: usize, title: usize| {
            let buttons: Vec<_> = (0..n)
                .map(|i| json!({"type": "reply", "reply": {"id": format!("b{i}"), "title": format!("{i}{}", "t".repeat(title - 1))}}))
                .collect();
            with("interactive", json!({"type": "button", "body": {"text": "?"}, "action": {"buttons": buttons}}))
        };
        let rows = |n: usize| {
            let rows: Vec<_> = (0..n).map(|i| json!({"id": format!("r{i}"), "title": "row"})).collect();
            with(
                "interactive",
                json!({"type": "list", "body": {"text": "?"}, "action": {"button": "Open", "sections": [{"rows": rows}]}}),
            )
        };
        for (body, expected) in [
            (with("text", json!({"body": "ä".repeat(4096)})), Ok(())),
            (with("text", json!({"body": "ä".repeat(4097)})), Err(100)),
            (with("text", json!({"body": ""})), Err(100)),
            (buttons(3, 20), Ok(())),
            (buttons(4, 20), Err(100)),
            (buttons(1, 21), Err(100)),
            (buttons(0, 1), Err(100)),
            (rows(10), Ok(())),
            (rows(11), Err(131009)),
            (with("image", json!({"id": "1", "caption": "c".repeat(1024)})), Ok(())),
            (with("image", json!({"id": "1", "caption": "c".repeat(1025)})), Err(100)),
            (with("image", json!({})), Err(100)),
            (with("poem", json!({"body": "x"})), Err(100)),
        ] {
            assert_eq!(parse(body.clone()).map(|_| ()), expected, "{body}");
        }
    }
}
