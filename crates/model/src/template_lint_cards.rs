//! Cards to swipe through and offers for a time: what they are made of, and what else the template may have then.

use super::{Findings, TemplateRule, buttons, length, words};
use crate::template::{TemplateButton, TemplateCard, TemplateCategory, TemplateHeader, TemplateParts};

/// WhatsApp's limits.
const FEWEST_CARDS: usize = 2;
const MOST_CARDS: usize = 10;
/// In characters.
const CARD_BODY: usize = 160;
const CARD_LINE_BREAKS: usize = 2;
const CARD_BUTTONS: usize = 2;
/// In characters.
const OFFER_TEXT: usize = 16;
/// In characters.
const OFFER_BODY: usize = 600;

fn marketing_only(what: &str, parts: &TemplateParts, found: &mut Findings) {
    if parts.category != TemplateCategory::Marketing {
        let message = format!("WhatsApp takes {what} in the category Marketing only.");
        found.add(TemplateRule::MarketingOnly, "category", message);
    }
}

pub(super) fn cards(parts: &TemplateParts, found: &mut Findings) {
    let Some(first) = parts.cards.first() else { return };
    let count = parts.cards.len();
    marketing_only("cards", parts, found);
    if !(FEWEST_CARDS..=MOST_CARDS).contains(&count) {
        let message = format!("There are {FEWEST_CARDS} to {MOST_CARDS} cards; this template has {count}.");
        found.add(TemplateRule::CardCount, "cards", message);
    }
    for (field, is_there, what) in [
        ("header.text", parts.header.is_some(), "heading or file above its text"),
        ("footer", parts.footer.is_some(), "footer"),
        ("buttons", !parts.buttons.is_empty(), "buttons of its own"),
    ] {
        if is_there {
            let message =
                format!("A template with cards has no {what}: WhatsApp shows its text and the cards. Take it out.");
            found.add(TemplateRule::CardForm, field, message);
        }
    }
    for (index, card) in parts.cards.iter().enumerate() {
        let place = format!("cards.{index}.");
        one_card((&place, card), parts, found);
        if index > 0 {
            like_the_first((&place, card), first, found);
        }
    }
}

fn one_card((place, card): (&str, &TemplateCard), parts: &TemplateParts, found: &mut Findings) {
    let field = |name: &str| format!("{place}{name}");
    match &card.header {
        TemplateHeader::Image { media_id } | TemplateHeader::Video { media_id } => {
            if media_id.is_none() {
                let message = "Choose an example for each card: WhatsApp reviews the template with it.";
                found.add(TemplateRule::HeaderFile, field("header.media_id"), message);
            }
        }
        _ => found.add(TemplateRule::CardForm, field("header"), "On a card stands a picture or a video, nothing else."),
    }
    if length(&card.body) > CARD_BODY {
        let message =
            format!("The text of a card has at most {CARD_BODY} characters; this one has {}.", length(&card.body));
        found.add(TemplateRule::CardLength, field("body"), message);
    }
    if card.body.matches('\n').count() > CARD_LINE_BREAKS {
        let message = format!("The text of a card has at most {CARD_LINE_BREAKS} line breaks.");
        found.add(TemplateRule::CardLength, field("body"), message);
    }
    if !card.body.trim().is_empty() {
        words((place, &card.body, &card.samples), parts.parameter_format, found);
    }
    let count = card.buttons.len();
    if !(1..=CARD_BUTTONS).contains(&count) {
        let message = format!("A card has 1 to {CARD_BUTTONS} buttons; this one has {count}.");
        found.add(TemplateRule::ButtonCount, field("buttons"), message);
    }
    let is_taken = |button: &TemplateButton| {
        use TemplateButton::{PhoneNumber, QuickReply, Url};
        matches!(button, QuickReply { .. } | Url { .. } | PhoneNumber { .. })
    };
    if !card.buttons.iter().all(is_taken) {
        let message = "The buttons of a card are quick replies, links and phone numbers, nothing else.";
        found.add(TemplateRule::CardForm, field("buttons"), message);
    }
    buttons(place, &card.buttons, found);
}

/// All cards of a template are made of the same parts.
fn like_the_first((place, card): (&str, &TemplateCard), first: &TemplateCard, found: &mut Findings) {
    let field = |name: &str| format!("{place}{name}");
    if card.header.format() != first.header.format() {
        let message = "All cards have pictures, or all have videos; this one differs from the first.";
        found.add(TemplateRule::CardForm, field("header"), message);
    }
    if card.body.trim().is_empty() != first.body.trim().is_empty() {
        let message = "All cards have a text, or none has one; this one differs from the first.";
        found.add(TemplateRule::CardForm, field("body"), message);
    }
    let kinds = |card: &TemplateCard| card.buttons.iter().map(std::mem::discriminant).collect::<Vec<_>>();
    if kinds(card) != kinds(first) {
        let message = "All cards have the same kinds of buttons in the same order; this one differs from the first.";
        found.add(TemplateRule::CardForm, field("buttons"), message);
    }
}

pub(super) fn offer(parts: &TemplateParts, found: &mut Findings) {
    let Some(offer) = &parts.offer else { return };
    let form = TemplateRule::OfferForm;
    marketing_only("an offer for a time", parts, found);
    if offer.text.trim().is_empty() || length(&offer.text) > OFFER_TEXT {
        let message = format!("What is offered has 1 to {OFFER_TEXT} characters; here are {}.", length(&offer.text));
        found.add(TemplateRule::OfferLength, "offer.text", message);
    }
    if offer.text.contains("{{") || offer.text.contains('\n') {
        found.add(form, "offer.text", "What is offered takes no variables and no line breaks.");
    }
    if length(&parts.body) > OFFER_BODY {
        let message = format!(
            "Beside an offer the text has at most {OFFER_BODY} characters; this one has {}.",
            length(&parts.body)
        );
        found.add(TemplateRule::OfferLength, "body", message);
    }
    if !matches!(parts.header, None | Some(TemplateHeader::Image { .. } | TemplateHeader::Video { .. })) {
        found.add(form, "header.text", "Above an offer stands a picture, a video or nothing.");
    }
    if parts.footer.is_some() {
        found.add(form, "footer", "WhatsApp takes no footer beside an offer. Take it out.");
    }
    if !parts.cards.is_empty() {
        found.add(form, "cards", "A template has cards or an offer, not both.");
    }
    let is_code = |button: &TemplateButton| matches!(button, TemplateButton::CopyCode { .. });
    let is_taken = |button: &TemplateButton| is_code(button) || matches!(button, TemplateButton::Url { .. });
    if !parts.buttons.iter().all(is_taken) {
        found.add(form, "buttons", "The buttons of an offer copy its code or open a link, nothing else.");
    }
    let place = parts.buttons.iter().position(is_code);
    if offer.expires && place.is_none() {
        let message = "An offer that ends needs a button that copies its code: WhatsApp takes it in no other way.";
        found.add(form, "buttons", message);
    }
    if place.is_some_and(|place| place > 0) {
        found.add(form, "buttons", "The button that copies the code comes first.");
    }
}

#[cfg(test)]
#[path = "template_lint_cards_tests.rs"]
mod tests;
