//! What has to be filled in when a template is sent, and where it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::template::{TemplateButton, TemplateCategory, TemplateHeader, TemplateParts, placeholders};

crate::text_enum! {
    /// What a slot takes.
    pub enum SlotKind {
        Text = "text",
        /// A picture, film or document of the header.
        File = "file",
        /// A place of the header.
        Place = "place",
        /// The end of a link.
        UrlEnd = "url_end",
        /// A code to copy.
        Code = "code",
        /// The moment at which an offer ends.
        Moment = "moment",
    }
}

/// Something to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateSlot {
    /// `header`, `body.1`, `body.first_name` or `button.0`; on a card `card.0.header` and so on; `offer`.
    pub key: String,
    pub kind: SlotKind,
    /// What it is called on the screen.
    pub label: String,
    pub sample: Option<String>,
}

/// What fills a slot when nobody types anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateDefault {
    /// Key of the slot.
    pub slot: String,
    /// A field such as `contact.first_name` or `case.number`; empty for the fallback alone.
    pub source: String,
    /// Stands where the field is empty.
    #[serde(default)]
    pub fallback: String,
}

/// The fields that can fill a slot, beside `contact.attributes.` and the name of an attribute.
pub const SOURCES: &[&str] = &[
    "contact.first_name",
    "contact.last_name",
    "contact.email",
    "contact.phone",
    "contact.external_key",
    "case.number",
    "case.subject",
    "agent.name",
    "workspace.brand",
];

/// Whether there is such a field.
#[must_use]
pub fn is_source(source: &str) -> bool {
    SOURCES.contains(&source)
        || source.strip_prefix("contact.attributes.").is_some_and(|name| !name.is_empty() && name.len() <= 100)
}

/// What has to be filled in, from top to bottom.
#[must_use]
pub fn slots(parts: &TemplateParts) -> Vec<TemplateSlot> {
    let slot = |key: String, kind, label: String, sample: Option<String>| TemplateSlot { key, kind, label, sample };
    if parts.category == TemplateCategory::Authentication {
        return vec![slot("body.1".to_owned(), SlotKind::Code, "The code".to_owned(), None)];
    }
    let mut slots = Vec::new();
    match &parts.header {
        Some(TemplateHeader::Text { text, sample }) => {
            let names = placeholders(text);
            slots.extend(names.first().map(|name| {
                slot("header".to_owned(), SlotKind::Text, format!("{{{{{name}}}}} in the heading"), sample.clone())
            }));
        }
        Some(TemplateHeader::Location) => {
            slots.push(slot("header".to_owned(), SlotKind::Place, "Place".to_owned(), None));
        }
        Some(header) => {
            let label = match header.format() {
                "image" => "Picture",
                "video" => "Video",
                _ => "Document",
            };
            slots.push(slot("header".to_owned(), SlotKind::File, label.to_owned(), None));
        }
        None => {}
    }
    if parts.offer.as_ref().is_some_and(|offer| offer.expires) {
        slots.push(slot("offer".to_owned(), SlotKind::Moment, "When the offer ends".to_owned(), None));
    }
    text_slots(("", ""), &parts.body, &parts.samples, &mut slots);
    button_slots(("", ""), &parts.buttons, &mut slots);
    for (index, card) in parts.cards.iter().enumerate() {
        let (place, on) = (format!("card.{index}."), format!(" on card {}", index + 1));
        let what = if matches!(card.header, TemplateHeader::Video { .. }) { "Video" } else { "Picture" };
        slots.push(slot(format!("{place}header"), SlotKind::File, format!("{what}{on}"), None));
        text_slots((&place, &on), &card.body, &card.samples, &mut slots);
        button_slots((&place, &on), &card.buttons, &mut slots);
    }
    slots
}

/// The variables of a text; `place` begins the key, `on` ends the label.
fn text_slots((place, on): (&str, &str), body: &str, samples: &[String], slots: &mut Vec<TemplateSlot>) {
    for (index, name) in placeholders(body).iter().enumerate() {
        let sample = samples.get(index).filter(|sample| !sample.is_empty()).cloned();
        slots.push(TemplateSlot {
            key: format!("{place}body.{name}"),
            kind: SlotKind::Text,
            label: format!("{{{{{name}}}}}{on}"),
            sample,
        });
    }
}

fn button_slots((place, on): (&str, &str), buttons: &[TemplateButton], slots: &mut Vec<TemplateSlot>) {
    for (index, button) in buttons.iter().enumerate() {
        let key = format!("{place}button.{index}");
        match button {
            TemplateButton::Url { text, url, sample } if !placeholders(url).is_empty() => {
                let stem = url.trim_end_matches("{{1}}");
                let sample = sample.as_ref().and_then(|sample| sample.strip_prefix(stem)).map(str::to_owned);
                let label = format!("End of the link \u{201c}{text}\u{201d}{on}");
                slots.push(TemplateSlot { key, kind: SlotKind::UrlEnd, label, sample });
            }
            TemplateButton::CopyCode { sample } => {
                let (label, sample) = (format!("Code to copy{on}"), Some(sample.clone()));
                slots.push(TemplateSlot { key, kind: SlotKind::Code, label, sample });
            }
            _ => {}
        }
    }
}

/// What is wrong with these defaults: the place in the list, and why. `None` when nothing is.
#[must_use]
pub fn fault(parts: &TemplateParts, defaults: &[TemplateDefault]) -> Option<(usize, String)> {
    let slots = slots(parts);
    defaults.iter().enumerate().find_map(|(index, default)| {
        let slot = slots.iter().find(|slot| slot.key == default.slot);
        let is_typed =
            slot.is_some_and(|slot| !matches!(slot.kind, SlotKind::File | SlotKind::Place | SlotKind::Moment));
        if !is_typed {
            return Some((index, format!("The template has no variable \u{201c}{}\u{201d}.", default.slot)));
        }
        if defaults[..index].iter().any(|other| other.slot == default.slot) {
            return Some((index, format!("\u{201c}{}\u{201d} is filled twice.", default.slot)));
        }
        if !default.source.is_empty() && !is_source(&default.source) {
            return Some((index, format!("There is no field \u{201c}{}\u{201d}.", default.source)));
        }
        (default.fallback.chars().count() > 1024).then(|| (index, "A fallback has at most 1024 characters.".to_owned()))
    })
}

/// The values of the slots that have one, by key. WhatsApp takes no line breaks, tabs or rows of spaces in a value.
#[must_use]
pub fn prefilled(defaults: &[TemplateDefault], fields: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let value = |default: &TemplateDefault| {
        let field = fields.get(&default.source).map(|value| plain(value)).filter(|value| !value.is_empty());
        field.unwrap_or_else(|| plain(&default.fallback))
    };
    let all = defaults.iter().map(|default| (default.slot.clone(), value(default)));
    all.filter(|(_, value)| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{ParameterFormat, TemplateCard, TemplateOffer};

    fn parts() -> TemplateParts {
        TemplateParts {
            name: "a".to_owned(),
            language: "en".to_owned(),
            category: TemplateCategory::Utility,
            parameter_format: ParameterFormat::Named,
            header: Some(TemplateHeader::Image { media_id: None }),
            body: "Hi {{name}}, order {{order}} is ready.".to_owned(),
            samples: vec!["Ana".to_owned()],
            footer: None,
            buttons: vec![
                TemplateButton::QuickReply { text: "Yes".to_owned() },
                TemplateButton::Url {
                    text: "Track".to_owned(),
                    url: "https://a.example/{{1}}".to_owned(),
                    sample: Some("https://a.example/17".to_owned()),
                },
            ],
            code: None,
            cards: Vec::new(),
            offer: None,
        }
    }

    fn default(slot: &str, source: &str, fallback: &str) -> TemplateDefault {
        TemplateDefault { slot: slot.to_owned(), source: source.to_owned(), fallback: fallback.to_owned() }
    }

    #[test]
    fn whatever_a_sender_must_give_is_a_slot() {
        let slots = slots(&parts());
        let shown: Vec<_> = slots.iter().map(|slot| (slot.key.as_str(), slot.kind, slot.sample.as_deref())).collect();
        assert_eq!(
            shown,
            [
                ("header", SlotKind::File, None),
                ("body.name", SlotKind::Text, Some("Ana")),
                ("body.order", SlotKind::Text, None),
                ("button.1", SlotKind::UrlEnd, Some("17")),
            ]
        );
    }

    #[test]
    fn cards_and_offers_have_slots_of_their_own() {
        let card = TemplateCard {
            header: TemplateHeader::Video { media_id: None },
            body: "Only {{price}} today.".to_owned(),
            samples: vec!["89".to_owned()],
            buttons: parts().buttons,
        };
        let offer = Some(TemplateOffer { text: "Ends soon".to_owned(), expires: true });
        let parts =
            TemplateParts { header: None, buttons: Vec::new(), cards: vec![card.clone(), card], offer, ..parts() };
        let keys: Vec<_> = slots(&parts).into_iter().map(|slot| (slot.key, slot.kind, slot.label)).collect();
        let shown: Vec<_> = keys.iter().map(|(key, kind, label)| (key.as_str(), *kind, label.as_str())).collect();
        assert_eq!(shown[..3].iter().map(|slot| slot.0).collect::<Vec<_>>(), ["offer", "body.name", "body.order"]);
        assert_eq!(
            shown[6..],
            [
                ("card.1.header", SlotKind::File, "Video on card 2"),
                ("card.1.body.price", SlotKind::Text, "{{price}} on card 2"),
                ("card.1.button.1", SlotKind::UrlEnd, "End of the link \u{201c}Track\u{201d} on card 2"),
            ]
        );
        assert_eq!(
            fault(&parts, &[default("card.1.body.price", "", "89"), default("card.0.button.1", "case.number", "")]),
            None
        );
        for untyped in ["offer", "card.0.header", "card.2.body.price"] {
            assert!(fault(&parts, &[default(untyped, "", "x")]).is_some(), "{untyped}");
        }
        let endless = TemplateParts { offer: Some(TemplateOffer { text: "Now".to_owned(), expires: false }), ..parts };
        assert!(slots(&endless).iter().all(|slot| slot.kind != SlotKind::Moment));
    }

    #[test]
    fn a_field_fills_its_slot_and_a_fallback_what_is_empty() {
        let defaults = [
            default("body.name", "contact.first_name", "there"),
            default("body.order", "case.number", ""),
            default("button.1", "", "home"),
        ];
        let fields = |name: &str| BTreeMap::from([("contact.first_name".to_owned(), name.to_owned())]);
        let filled = |name: &str| prefilled(&defaults, &fields(name)).get("body.name").cloned();
        assert_eq!(filled("Ana"), Some("Ana".to_owned()));
        assert_eq!(filled("Ana\n\tMaria"), Some("Ana Maria".to_owned()));
        assert_eq!(filled("  "), Some("there".to_owned()));
        let all = prefilled(&defaults, &fields("Ana"));
        assert_eq!(all.get("body.order"), None, "nothing is invented");
        assert_eq!(all["button.1"], "home");
    }

    #[test]
    fn defaults_name_slots_and_fields_that_exist() {
        let good = [default("body.name", "contact.attributes.nick_name", ""), default("button.1", "case.number", "")];
        assert_eq!(fault(&parts(), &good), None);
        for bad in [default("body.2", "", "x"), default("header", "", "x"), default("body.name", "contact.ssn", "")] {
            assert_eq!(fault(&parts(), &[good[1].clone(), bad]).map(|(index, _)| index), Some(1));
        }
        assert!(fault(&parts(), &[good[0].clone(), good[0].clone()]).is_some());
    }
}
