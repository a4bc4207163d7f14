//! From what a message says to what WhatsApp takes.

use segue_channels::whatsapp::{
    GraphClient, Outbound, Recipient, RecipientError, TemplateButton, TemplateCard, TemplateHeader, TemplateMessage,
    TemplateParameter,
    interactive::Header,
    outbound::{LinkPreview, ListRow, ListSection, ReplyButton},
    simple as translated,
};
use segue_model::{
    content::{Choice, Content, Section, TemplateButtonValue, TemplateCardValue, TemplateHeaderValue},
    template::{
        ParameterFormat, TemplateButton as ButtonPart, TemplateCard as CardPart, TemplateHeader as HeaderPart,
        placeholders,
    },
};
use segue_store::{
    StoreError,
    outbox::{AddressKind, OutboxMessage},
    template::Template,
};

use crate::{
    DeliveryError,
    supervisor::Env,
    uploads::{Reused, Uploaded, uploaded},
};

/// The recipient in the field that its kind of address belongs to.
pub(crate) fn recipient(message: &OutboxMessage) -> Result<Recipient, RecipientError> {
    match message.address_kind {
        AddressKind::Phone => Recipient::phone(&message.address),
        AddressKind::Bsuid => Recipient::bsuid(&message.address),
    }
}

/// What to send. A file is uploaded first, so that nothing of the message itself has left when that fails.
pub(crate) async fn outbound(
    env: &Env,
    client: &GraphClient,
    message: &OutboxMessage,
    content: Content,
    reused: &mut Vec<Reused>,
) -> Result<Outbound, DeliveryError> {
    Ok(match content {
        Content::Text { text } => {
            let preview = if text.contains("https://") { LinkPreview::Show } else { LinkPreview::Hide };
            Outbound::Text { body: text, preview }
        }
        Content::Image { media_id, caption } => {
            let Uploaded { source, .. } = uploaded(env, client, message, media_id, reused).await?;
            Outbound::Image { source, caption }
        }
        Content::Video { media_id, caption } => {
            let Uploaded { source, .. } = uploaded(env, client, message, media_id, reused).await?;
            Outbound::Video { source, caption }
        }
        Content::Audio { media_id, voice } => {
            let Uploaded { source, .. } = uploaded(env, client, message, media_id, reused).await?;
            Outbound::Audio { source, voice }
        }
        Content::Document { media_id, caption } => {
            let Uploaded { source, file_name: filename, .. } = uploaded(env, client, message, media_id, reused).await?;
            Outbound::Document { source, caption, filename }
        }
        Content::Sticker { media_id } => {
            let Uploaded { source, .. } = uploaded(env, client, message, media_id, reused).await?;
            Outbound::Sticker { source }
        }
        Content::Buttons { text, buttons, header, footer } => Outbound::Buttons {
            header: header.map(Header::Text),
            body: text,
            footer,
            buttons: buttons.into_iter().map(|Choice { id, title, .. }| ReplyButton { id, title }).collect(),
        },
        Content::List { text, button, sections, header, footer } => Outbound::List {
            header,
            body: text,
            footer,
            button,
            sections: sections.into_iter().map(list_section).collect(),
        },
        Content::Place(place) => translated::place(&place),
        Content::Card(card) => translated::card(card),
        Content::Link { text, label, url, header, footer } => translated::link(text, label, url, (header, footer)),
        // The answers come back with the id of the message that offered the form.
        Content::Form(form) => translated::form(form, message.id.to_string()),
        Content::RequestPlace { text } => Outbound::RequestLocation { body: text },
        Content::RequestContact { text } => Outbound::RequestContact { body: text },
        Content::Reaction { provider_id, emoji, .. } => Outbound::Reaction { message_id: provider_id, emoji },
        Content::Template { name, language, parameters, header, buttons, cards, offer, .. } => {
            let (workspace_id, channel_id) = (message.workspace_id, message.channel_id);
            let (wanted, wanted_language) = (name.clone(), language.clone());
            let template = env
                .store
                .read(move |tx| tx.template_by_name(workspace_id, channel_id, &wanted, &wanted_language))
                .await
                .map_err(|error: StoreError| error)?;
            if let Some(template) = &template {
                check_template(message, template, parameters.len(), &cards)?;
            }
            let header = match header {
                Some(header) => Some(template_header(env, client, message, template.as_ref(), header, reused).await?),
                None => None,
            };
            let cards = template_cards(env, client, message, template.as_ref(), cards, reused).await?;
            let buttons = template_buttons(message, template.as_ref(), &parameters, &buttons);
            let offer_ends_at = offer.and_then(|offer| offer.ends_at);
            // Named placeholders are sent with their names, numbered ones by their order alone.
            let names = template.and_then(|template| template.parameter_names()).unwrap_or_default();
            let mut names = names.into_iter().map(Some).chain(std::iter::repeat(None));
            let body = parameters.into_iter().map(|text| TemplateParameter::text(names.next().flatten(), text));
            let message = TemplateMessage::new(name, language);
            Outbound::Template(TemplateMessage {
                header,
                body: body.collect(),
                buttons,
                cards,
                offer_ends_at,
                ..message
            })
        }
    })
}

async fn template_header(
    env: &Env,
    client: &GraphClient,
    message: &OutboxMessage,
    template: Option<&Template>,
    value: TemplateHeaderValue,
    reused: &mut Vec<Reused>,
) -> Result<TemplateHeader, DeliveryError> {
    Ok(match value {
        TemplateHeaderValue::Text { text } => {
            let parts = template.and_then(Template::parts);
            let is_named = parts.as_ref().is_some_and(|parts| parts.parameter_format == ParameterFormat::Named);
            let name = match parts.and_then(|parts| parts.header) {
                Some(HeaderPart::Text { text, .. }) if is_named => placeholders(&text).into_iter().next(),
                _ => None,
            };
            TemplateHeader::Text { parameter: TemplateParameter::text(name, text) }
        }
        TemplateHeaderValue::File { media_id } => {
            let Uploaded { mime, file_name, source } = uploaded(env, client, message, media_id, reused).await?;
            match mime.split('/').next() {
                Some("image") => TemplateHeader::Image { source },
                Some("video") => TemplateHeader::Video { source },
                _ => TemplateHeader::Document { source, filename: file_name },
            }
        }
        TemplateHeaderValue::Place { latitude, longitude, name, address } => {
            TemplateHeader::Location { latitude, longitude, name, address }
        }
    })
}

/// The cards, each with its file. A quick reply of a card comes back with its own words and the number of the card, which
/// the words alone would not tell.
async fn template_cards(
    env: &Env,
    client: &GraphClient,
    message: &OutboxMessage,
    template: Option<&Template>,
    given: Vec<TemplateCardValue>,
    reused: &mut Vec<Reused>,
) -> Result<Vec<TemplateCard>, DeliveryError> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let parts = template.and_then(Template::parts);
    let is_named = parts.as_ref().is_some_and(|parts| parts.parameter_format == ParameterFormat::Named);
    let mut parts = parts.into_iter().flat_map(|parts| parts.cards);
    let mut cards = Vec::with_capacity(given.len());
    for (index, card) in given.into_iter().enumerate() {
        let part = parts.next();
        let Uploaded { mime, source, .. } = uploaded(env, client, message, card.media_id, reused).await?;
        let header = match mime.starts_with("video/") {
            true => TemplateHeader::Video { source },
            false => TemplateHeader::Image { source },
        };
        let names = part.as_ref().filter(|_| is_named).map(CardPart::variables).unwrap_or_default();
        let mut names = names.into_iter().map(Some).chain(std::iter::repeat(None));
        let body = card.parameters.into_iter().map(|text| TemplateParameter::text(names.next().flatten(), text));
        let buttons = card_buttons(index + 1, part.as_ref(), &card.buttons);
        cards.push(TemplateCard { header, body: body.collect(), buttons });
    }
    Ok(cards)
}

fn card_buttons(number: usize, part: Option<&CardPart>, given: &[TemplateButtonValue]) -> Vec<TemplateButton> {
    let Some(part) = part else { return given.iter().map(address_end).collect() };
    let needed = part.buttons.iter().zip(0_u8..).filter_map(|(button, index)| match button {
        ButtonPart::Url { .. } => given.iter().find(|value| value.index == index).map(address_end),
        ButtonPart::QuickReply { text } => {
            Some(TemplateButton::QuickReply { index, payload: format!("{text} (card {number})") })
        }
        _ => None,
    });
    needed.collect()
}

fn address_end(value: &TemplateButtonValue) -> TemplateButton {
    TemplateButton::Url { index: value.index, text: value.text.clone() }
}

/// What the buttons need: given values by the kind of their button, the code of a one-time code again, and a token for
/// a form. The values of a template that is not known here are taken as ends of addresses.
fn template_buttons(
    message: &OutboxMessage,
    template: Option<&Template>,
    parameters: &[String],
    given: &[TemplateButtonValue],
) -> Vec<TemplateButton> {
    let Some(template) = template else {
        return given.iter().map(address_end).collect();
    };
    let buttons = template.buttons();
    let needed = buttons.iter().zip(0_u8..).filter_map(|(button, index)| {
        let value = || given.iter().find(|value| value.index == index).map(|value| value.text.clone());
        match button {
            ButtonPart::Url { .. } => value().map(|text| TemplateButton::Url { index, text }),
            ButtonPart::CopyCode { .. } => value().map(|code| TemplateButton::CopyCode { index, code }),
            ButtonPart::OneTimeCode { .. } => {
                parameters.first().map(|code| TemplateButton::Url { index, text: code.clone() })
            }
            ButtonPart::Flow { .. } => Some(TemplateButton::Flow { index, token: message.id.to_string() }),
            _ => None,
        }
    });
    needed.collect()
}

/// What WhatsApp would refuse for certain is told before anything is sent.
fn check_template(
    message: &OutboxMessage,
    template: &Template,
    values: usize,
    cards: &[TemplateCardValue],
) -> Result<(), DeliveryError> {
    // One-time codes go to phone numbers only (131062).
    if template.category == "AUTHENTICATION" && message.address_kind == AddressKind::Bsuid {
        return Err(DeliveryError::NeedsPhone);
    }
    let wanted = template.parameter_count();
    if wanted != values {
        return Err(DeliveryError::TemplateValues { wanted, given: values });
    }
    // Of a template with parts that cannot be read here, WhatsApp alone knows the cards.
    let Some(parts) = template.parts() else { return Ok(()) };
    if parts.cards.len() != cards.len() {
        return Err(DeliveryError::TemplateCards { wanted: parts.cards.len(), given: cards.len() });
    }
    for (part, card) in parts.cards.iter().zip(cards) {
        let wanted = part.variables().len();
        if wanted != card.parameters.len() {
            return Err(DeliveryError::TemplateValues { wanted, given: card.parameters.len() });
        }
    }
    Ok(())
}

fn list_section(section: Section) -> ListSection {
    let rows =
        section.rows.into_iter().map(|Choice { id, title, description }| ListRow { id, title, description }).collect();
    ListSection { title: (!section.title.is_empty()).then_some(section.title), rows }
}

#[cfg(test)]
mod tests {
    use segue_model::{ChannelId, MessageId, TemplateId, Timestamp, WorkspaceId, delivery::MessageClass};
    use segue_store::outbox::Hold;
    use serde_json::json;

    use super::*;

    fn message() -> OutboxMessage {
        OutboxMessage {
            workspace_id: WorkspaceId(uuid::Uuid::nil()),
            id: MessageId(uuid::Uuid::nil()),
            channel_id: ChannelId(uuid::Uuid::nil()),
            class: MessageClass::Marketing,
            address: "+15550100001".to_owned(),
            address_kind: AddressKind::Phone,
            payload: String::new(),
            campaign_id: None,
            session_id: None,
            not_before: Timestamp(0),
            expires_at: None,
            attempts: 0,
            epoch: 1,
            rule: None,
            hold: Hold::Claimed,
        }
    }

    #[test]
    fn values_of_buttons_are_sent_also_of_templates_that_cannot_be_written_here() {
        let text = "Hi";
        let components = json!([
            { "type": "PRODUCTS" },
            { "type": "BODY", "text": text },
            { "type": "BUTTONS", "buttons": [
                { "type": "COPY_CODE", "example": "SAVE" },
                { "type": "URL", "text": "Shop", "url": "https://shop.example.com/{{1}}" },
            ] },
        ]);
        let mut parts = segue_model::template::TemplateParts::of(
            "offer",
            "en",
            "MARKETING",
            false,
            &json!([
                { "type": "BODY", "text": text },
            ]),
        );
        let mut template =
            Template::drafted(TemplateId(uuid::Uuid::nil()), message().channel_id, parts.take().unwrap());
        template.components = components;
        assert!(template.parts().is_none(), "it has a part that is not known");
        let given =
            [(0, "SPRING"), (1, "spring")].map(|(index, text)| TemplateButtonValue { index, text: text.to_owned() });
        let sent = template_buttons(&message(), Some(&template), &[], &given);
        assert_eq!(
            sent,
            [
                TemplateButton::CopyCode { index: 0, code: "SPRING".to_owned() },
                TemplateButton::Url { index: 1, text: "spring".to_owned() },
            ]
        );
        let unknown = template_buttons(&message(), None, &[], &given[1..]);
        assert_eq!(unknown, [TemplateButton::Url { index: 1, text: "spring".to_owned() }]);
    }

    #[test]
    fn buttons_of_cards_have_the_ends_of_their_links_and_come_back_with_the_number_of_their_card() {
        let part = CardPart {
            header: HeaderPart::Image { media_id: None },
            body: String::new(),
            samples: Vec::new(),
            buttons: vec![
                ButtonPart::QuickReply { text: "More".to_owned() },
                ButtonPart::Url { text: "Shop".to_owned(), url: "https://a.example/{{1}}".to_owned(), sample: None },
            ],
        };
        let given = [TemplateButtonValue { index: 1, text: "boots".to_owned() }];
        let link = TemplateButton::Url { index: 1, text: "boots".to_owned() };
        let more = TemplateButton::QuickReply { index: 0, payload: "More (card 2)".to_owned() };
        assert_eq!(card_buttons(2, Some(&part), &given), [more, link.clone()]);
        assert_eq!(card_buttons(2, None, &given), [link]);
    }
}
