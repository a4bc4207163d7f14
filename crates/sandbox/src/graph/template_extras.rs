//! Cards to swipe through and offers for a time: what the platform refuses when they are created, and how a send request
//! fills them.

use super::error::GraphError;
use super::rendering::{Rendered, RenderedCard, parameters};
use super::request::{list, member, text};
use super::templates::Template;
use super::uploads::Uploads;
use crate::handset::Offer;
use serde_json::Value;

const CARD_BUTTONS: [&str; 3] = ["QUICK_REPLY", "URL", "PHONE_NUMBER"];

fn word(value: &Value, name: &str) -> String {
    text(value, name).unwrap_or_default().to_uppercase()
}

fn part<'a>(components: &'a [Value], kind: &str) -> Option<&'a Value> {
    components.iter().find(|component| word(component, "type") == kind)
}

/// What a card is made of, to compare cards: format, whether it has a text, kinds of buttons.
fn shape(components: &[Value]) -> (String, bool, Vec<String>) {
    let format = part(components, "HEADER").map(|header| word(header, "format")).unwrap_or_default();
    let buttons = list(part(components, "BUTTONS").unwrap_or(&Value::Null), "buttons");
    (format, part(components, "BODY").is_some(), buttons.iter().map(|button| word(button, "type")).collect())
}

impl Template {
    fn cards(&self) -> &[Value] {
        self.component("CAROUSEL").map_or(&[], |carousel| list(carousel, "cards"))
    }

    pub(super) fn check_cards(&self, uploads: &Uploads) -> Result<(), GraphError> {
        if self.component("CAROUSEL").is_none() {
            return Ok(());
        }
        let refuse = |message: String| Err(GraphError::parameter(message));
        if self.category != "MARKETING" {
            return refuse("A CAROUSEL is for templates of the category MARKETING.".to_owned());
        }
        for other in ["HEADER", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER"] {
            if self.component(other).is_some() {
                return refuse(format!("A template with a CAROUSEL has no component of the type {other}."));
            }
        }
        let cards = self.cards();
        if !(2..=10).contains(&cards.len()) {
            return refuse("A CAROUSEL has 2 to 10 cards.".to_owned());
        }
        let first = shape(list(&cards[0], "components"));
        for (index, card) in cards.iter().enumerate() {
            let components = list(card, "components");
            let (format, _, buttons) = shape(components);
            if shape(components) != first {
                return refuse(format!("cards[{index}]: all cards must have the same components."));
            }
            if !["IMAGE", "VIDEO"].contains(&format.as_str()) {
                return refuse(format!("cards[{index}]: the header must be of the format IMAGE or VIDEO."));
            }
            if !(1..=2).contains(&buttons.len()) || !buttons.iter().all(|kind| CARD_BUTTONS.contains(&kind.as_str())) {
                return refuse(format!("cards[{index}]: a card has 1 or 2 buttons: {}.", CARD_BUTTONS.join(", ")));
            }
            self.check_header_of(part(components, "HEADER"), uploads)?;
            if let Some(body) = part(components, "BODY") {
                let words = text(body, "text").unwrap_or_default();
                if words.is_empty() || words.chars().count() > 160 || words.matches('\n').count() > 2 {
                    return refuse(format!(
                        "cards[{index}]: the body has 1 to 160 characters and up to 2 line breaks."
                    ));
                }
                self.check_text(body, &words)?;
            }
            Self::check_buttons_of(part(components, "BUTTONS"))?;
        }
        Ok(())
    }

    pub(super) fn check_offer(&self) -> Result<(), GraphError> {
        let Some(component) = self.component("LIMITED_TIME_OFFER") else { return Ok(()) };
        let refuse = |message: &str| Err(GraphError::parameter(message));
        if self.category != "MARKETING" {
            return refuse("A LIMITED_TIME_OFFER is for templates of the category MARKETING.");
        }
        let offer = member(component, "limited_time_offer").unwrap_or(&Value::Null);
        let words = text(offer, "text").unwrap_or_default();
        if words.is_empty() || words.chars().count() > 16 || words.contains("{{") {
            return refuse("Param limited_time_offer['text'] has 1 to 16 characters and no variables.");
        }
        if self.component("FOOTER").is_some() {
            return refuse("Footer components are not supported for limited-time offers.");
        }
        let format = self.component("HEADER").map(|header| word(header, "format"));
        if format.is_some_and(|format| !["IMAGE", "VIDEO"].contains(&format.as_str())) {
            return refuse("The header of a limited-time offer must be of the format IMAGE or VIDEO.");
        }
        let body = self.component("BODY").and_then(|body| text(body, "text")).unwrap_or_default();
        if body.chars().count() > 600 {
            return refuse("The body of a limited-time offer has at most 600 characters.");
        }
        let buttons = list(self.component("BUTTONS").unwrap_or(&Value::Null), "buttons");
        let kinds: Vec<String> = buttons.iter().map(|button| word(button, "type")).collect();
        if kinds.iter().any(|kind| !["COPY_CODE", "URL"].contains(&kind.as_str())) {
            return refuse("The buttons of a limited-time offer are of the types COPY_CODE and URL.");
        }
        match kinds.iter().position(|kind| kind == "COPY_CODE") {
            None if self.offer_expires() => refuse("With has_expiration a COPY_CODE button is required."),
            Some(place) if place > 0 => refuse("The COPY_CODE button must come first."),
            _ => Ok(()),
        }
    }

    fn offer_expires(&self) -> bool {
        let offer = self.component("LIMITED_TIME_OFFER").and_then(|component| member(component, "limited_time_offer"));
        offer.and_then(|offer| offer.get("has_expiration")?.as_bool()).unwrap_or_default()
    }

    /// The cards with their parameters filled in.
    pub(super) fn render_cards(&self, given: &[Value]) -> Result<Vec<RenderedCard>, GraphError> {
        let wanted = self.cards();
        let carousel = given.iter().find(|component| word(component, "type") == "CAROUSEL");
        let cards = carousel.map_or(&[][..], |carousel| list(carousel, "cards"));
        if cards.len() != wanted.len() {
            return Err(GraphError::new(
                132000,
                format!(
                    "carousel: number of cards ({}) does not match the expected number of cards ({})",
                    cards.len(),
                    wanted.len()
                ),
            ));
        }
        let of = |index: usize| {
            let found = cards.iter().find(|card| text(card, "card_index").is_some_and(|at| at == index.to_string()));
            found.ok_or_else(|| GraphError::new(131008, format!("carousel: card_index {index} is missing")))
        };
        let mut rendered = Vec::with_capacity(wanted.len());
        for (index, card) in wanted.iter().enumerate() {
            let place = format!("cards[{index}]: ");
            let (components, given) = (list(card, "components"), list(of(index)?, "components"));
            let format = part(components, "HEADER").map(|header| word(header, "format")).unwrap_or_default();
            let format = format.to_lowercase();
            let media = parameters(part(given, "HEADER")).first().and_then(|parameter| member(parameter, &format));
            let wrong = || GraphError::new(132012, format!("{place}header: Format mismatch, expected {format}"));
            let media = (format.clone(), media.cloned().ok_or_else(wrong)?);
            let words = part(components, "BODY").and_then(|body| text(body, "text")).unwrap_or_default();
            let body = self.fill(&format!("{place}body"), &words, parameters(part(given, "BODY")))?;
            let buttons = Self::render_buttons(&place, part(components, "BUTTONS"), given)?;
            rendered.push(RenderedCard { body, media, buttons });
        }
        Ok(rendered)
    }

    /// The offer with its end.
    pub(super) fn render_offer(&self, given: &[Value]) -> Result<Option<Offer>, GraphError> {
        let Some(component) = self.component("LIMITED_TIME_OFFER") else { return Ok(None) };
        let words = member(component, "limited_time_offer").and_then(|offer| text(offer, "text")).unwrap_or_default();
        let parameter =
            parameters(given.iter().find(|component| word(component, "type") == "LIMITED_TIME_OFFER")).first();
        let ends_at = match (self.offer_expires(), parameter) {
            (false, None) => None,
            (false, Some(_)) => {
                return Err(GraphError::new(132000, "limited_time_offer: the template's offer does not expire"));
            }
            (true, None) => {
                let words = "limited_time_offer: number of params (0) does not match the expected number of params (1)";
                return Err(GraphError::new(132000, words));
            }
            (true, Some(parameter)) => {
                let at = member(parameter, "limited_time_offer")
                    .and_then(|offer| member(offer, "expiration_time_ms"))
                    .and_then(Value::as_i64);
                let wrong =
                    || GraphError::new(132012, "limited_time_offer: expiration_time_ms must be a time in milliseconds");
                Some(at.ok_or_else(wrong)?)
            }
        };
        let code = given.iter().find(|component| word(component, "sub_type") == "COPY_CODE");
        let code = parameters(code).first().and_then(|parameter| text(parameter, "coupon_code"));
        Ok(Some(Offer { text: words, ends_at, code }))
    }

    /// Cards and offer of a template that is filled in.
    pub(super) fn with_extras(&self, given: &[Value], rendered: Rendered) -> Result<Rendered, GraphError> {
        Ok(Rendered { cards: self.render_cards(given)?, offer: self.render_offer(given)?, ..rendered })
    }
}
