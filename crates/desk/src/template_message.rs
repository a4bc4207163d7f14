//! A template with its values, checked before anything of it leaves.

use segue_model::{
    ChannelId, TemplateId, Timestamp, WorkspaceId,
    content::{Content, TemplateButtonValue, TemplateCardValue, TemplateHeaderValue, TemplateOfferValue},
    delivery::MessageClass,
    template::{TemplateButton, TemplateParts, filled},
    template_file::refusal,
    template_values::{SlotKind, TemplateSlot, slots},
};
use segue_store::{
    Tx,
    template::{APPROVED, Template},
    template_consent::TemplateKind,
};

use crate::{DeskError, messages::DraftCard};

/// Longest text of a card with its values, in characters.
const LONGEST_CARD: usize = 160;

/// What somebody filled in.
pub(crate) struct Given {
    pub parameters: Vec<String>,
    pub header: Option<TemplateHeaderValue>,
    pub buttons: Vec<TemplateButtonValue>,
    pub cards: Vec<DraftCard>,
    pub offer_ends_at: Option<Timestamp>,
}

/// The content and its class, when the template may be sent with these values to whoever has this address.
pub(crate) fn content(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    id: TemplateId,
    (to, now): (Option<&str>, Timestamp),
    given: Given,
) -> Result<(Content, MessageClass), DeskError> {
    let template = tx
        .template(workspace_id, id)?
        .filter(|template| template.channel_id == channel_id)
        .ok_or(DeskError::TemplateUnknown)?;
    if template.status != APPROVED {
        return Err(DeskError::TemplateNotApproved { status: template.status.to_lowercase() });
    }
    if let Some(address) = to {
        // The submission asks again; the agent learns it before anything is written.
        let kind = TemplateKind { name: &template.name, category: &template.category };
        if tx.template_consent_of_customer(workspace_id, (channel_id, address), kind, now)?.is_refused {
            return Err(DeskError::TemplateRefused);
        }
    }
    let Given { parameters, header, buttons, cards, offer_ends_at } = given;
    let expected = template.parameter_count();
    if parameters.len() != expected || parameters.iter().any(|value| value.trim().is_empty()) {
        let given = parameters.iter().filter(|value| !value.trim().is_empty()).count();
        return Err(DeskError::TemplateParameters { expected, given });
    }
    let Some(parts) = template.parts() else {
        let message = "This template has parts that cannot be filled in here, such as products. Choose another one.";
        return Err(DeskError::InvalidContent(message.to_owned()));
    };
    let header = checked_header(tx, workspace_id, &template, &parts, header)?;
    check_buttons(("buttons", ""), &slots(&parts), &buttons)?;
    let offer = checked_offer(&parts, &buttons, (offer_ends_at, now))?;
    let cards = checked_cards(tx, workspace_id, &parts, cards)?;
    let is_marketing = template.category.eq_ignore_ascii_case("marketing");
    let class = if is_marketing { MessageClass::Marketing } else { MessageClass::Service };
    let text = template.rendered(&parameters);
    Ok((
        Content::Template {
            name: template.name,
            language: template.language,
            parameters,
            text,
            header,
            buttons,
            cards,
            offer,
        },
        class,
    ))
}

fn header_error(message: impl Into<String>) -> DeskError {
    DeskError::InvalidField { field: "header", message: message.into() }
}

fn checked_header(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    template: &Template,
    parts: &TemplateParts,
    given: Option<TemplateHeaderValue>,
) -> Result<Option<TemplateHeaderValue>, DeskError> {
    let wanted = slots(parts).into_iter().find(|slot| slot.key == "header").map(|slot| slot.kind);
    match (wanted, given) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(header_error("Nothing has to be filled in above this template's text.")),
        (Some(SlotKind::Text), Some(TemplateHeaderValue::Text { text })) if !text.trim().is_empty() => {
            Ok(Some(TemplateHeaderValue::Text { text }))
        }
        (Some(SlotKind::Text), _) => Err(header_error("Give the value of the heading.")),
        (Some(SlotKind::Place), Some(TemplateHeaderValue::Place { latitude, longitude, name, address })) => {
            let within = |text: &str, most: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
            if !within(&latitude, 90.0) || !within(&longitude, 180.0) {
                return Err(header_error("Give the place in degrees: latitude to 90, longitude to 180."));
            }
            if name.trim().is_empty() || address.trim().is_empty() {
                return Err(header_error("Give the name and the address of the place."));
            }
            Ok(Some(TemplateHeaderValue::Place { latitude, longitude, name, address }))
        }
        (Some(SlotKind::Place), _) => Err(header_error("Give the place.")),
        (Some(_), given) => {
            let chosen = match given {
                Some(TemplateHeaderValue::File { media_id }) => Some(media_id),
                None => template.media_id,
                Some(_) => None,
            };
            let media_id = chosen.ok_or_else(|| header_error("Choose the file that stands above the text."))?;
            let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
            let refusal = parts.header.as_ref().and_then(|header| refusal(header, &media.mime, media.size));
            if let Some(refusal) = refusal {
                return Err(header_error(refusal));
            }
            Ok(Some(TemplateHeaderValue::File { media_id }))
        }
    }
}

/// Values for the buttons; `place` is what their keys begin with.
fn check_buttons(
    (field, place): (&'static str, &str),
    slots: &[TemplateSlot],
    given: &[TemplateButtonValue],
) -> Result<(), DeskError> {
    let error = |message: String| Err(DeskError::InvalidField { field, message });
    let start = format!("{place}button.");
    let wanted: Vec<_> = slots.iter().filter(|slot| slot.key.starts_with(&start)).collect();
    for slot in &wanted {
        let value = given.iter().find(|value| slot.key == format!("{start}{}", value.index));
        let most = if slot.kind == SlotKind::Code { 15 } else { 2_000 };
        match value.map(|value| value.text.trim()) {
            None | Some("") => return error(format!("Give a value: {}.", slot.label)),
            Some(text) if text.chars().count() > most || text.contains(char::is_whitespace) => {
                return error(format!("{} takes up to {most} characters without spaces.", slot.label));
            }
            Some(_) => {}
        }
    }
    if given.len() > wanted.len() {
        return error("There is a value for a button that takes none.".to_owned());
    }
    Ok(())
}

/// The offer with its end, which is still to come.
fn checked_offer(
    parts: &TemplateParts,
    buttons: &[TemplateButtonValue],
    (ends_at, now): (Option<Timestamp>, Timestamp),
) -> Result<Option<TemplateOfferValue>, DeskError> {
    let error = |message: &str| DeskError::InvalidField { field: "offer_ends_at", message: message.to_owned() };
    let expires = parts.offer.as_ref().is_some_and(|offer| offer.expires);
    match ends_at {
        None if expires => return Err(error("Say when the offer ends.")),
        Some(_) if !expires => return Err(error("This template has no offer that ends.")),
        Some(ends_at) if ends_at <= now => {
            return Err(error("The offer would have ended already. Choose a moment that is still to come."));
        }
        _ => {}
    }
    let Some(offer) = &parts.offer else { return Ok(None) };
    let place = parts.buttons.iter().position(|button| matches!(button, TemplateButton::CopyCode { .. }));
    let code = buttons.iter().find(|value| place == Some(usize::from(value.index))).map(|value| value.text.clone());
    Ok(Some(TemplateOfferValue { text: offer.text.clone(), code, ends_at }))
}

fn checked_cards(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    parts: &TemplateParts,
    mut given: Vec<DraftCard>,
) -> Result<Vec<TemplateCardValue>, DeskError> {
    let error = |message: String| DeskError::InvalidField { field: "cards", message };
    if given.is_empty() {
        // Cards that take nothing but their own files need not be named.
        given.resize_with(parts.cards.len(), DraftCard::default);
    }
    if given.len() != parts.cards.len() {
        let (wanted, there) = (parts.cards.len(), given.len());
        return Err(error(format!("The template has {wanted} cards; there are values for {there}.")));
    }
    let slots = slots(parts);
    let mut cards = Vec::with_capacity(given.len());
    for (index, (card, given)) in parts.cards.iter().zip(given).enumerate() {
        let number = index + 1;
        let DraftCard { media_id, parameters, buttons } = given;
        let expected = card.variables().len();
        if parameters.len() != expected || parameters.iter().any(|value| value.trim().is_empty()) {
            return Err(error(format!("Card {number} takes {expected} values. Give each of them.")));
        }
        check_buttons(("cards", &format!("card.{index}.")), &slots, &buttons)?;
        let chosen = media_id.or_else(|| card.header.media_id());
        let media_id = chosen.ok_or_else(|| error(format!("Choose the file of card {number}.")))?;
        let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
        if let Some(refusal) = refusal(&card.header, &media.mime, media.size) {
            return Err(error(format!("Card {number}: {refusal}")));
        }
        let text = filled(&card.body, &parameters);
        if text.chars().count() > LONGEST_CARD {
            return Err(error(format!(
                "With its values the text of card {number} is longer than {LONGEST_CARD} characters."
            )));
        }
        let labels = card.buttons.iter().filter_map(TemplateButton::text).map(str::to_owned).collect();
        cards.push(TemplateCardValue { media_id, parameters, buttons, text, labels });
    }
    Ok(cards)
}
