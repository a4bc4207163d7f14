//! Simple messages from what people write: the same for the check while they write and for what leaves.

use segue_model::content::{Card, OfferedForm, Place};

use super::{
    contact_card::{CardPhone, ContactCard},
    interactive::{FlowAction, FlowReference, Header},
    outbound::Outbound,
};

/// A place. Degrees that cannot be read are none, which [`Outbound::validate`] refuses.
#[must_use]
pub fn place(place: &Place) -> Outbound {
    let degrees = |text: &str| text.trim().parse().unwrap_or(f64::NAN);
    Outbound::Location {
        latitude: degrees(&place.latitude),
        longitude: degrees(&place.longitude),
        name: place.name.clone(),
        address: place.address.clone(),
    }
}

/// A contact card. The first word of the name is the first name, which WhatsApp asks for.
#[must_use]
pub fn card(card: Card) -> Outbound {
    let mut words = card.name.split_whitespace().map(str::to_owned);
    let first_name = words.next();
    let last_name = Some(words.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty());
    let phone = |phone: String| CardPhone {
        // With it the card has a button to write to the number.
        wa_id: phone.strip_prefix('+').map(|digits| digits.chars().filter(char::is_ascii_digit).collect()),
        kind: None,
        phone,
    };
    Outbound::Contacts {
        cards: vec![ContactCard {
            first_name,
            last_name,
            name: card.name,
            phones: card.phones.into_iter().map(phone).collect(),
            emails: card.emails,
            urls: Vec::new(),
            company: card.organisation,
            title: None,
        }],
    }
}

/// A button that opens a page, with what stands above and below the text.
#[must_use]
pub fn link(text: String, label: String, url: String, (header, footer): (Option<String>, Option<String>)) -> Outbound {
    Outbound::Link { header: header.map(Header::Text), body: text, footer, label, url }
}

/// A button that opens a form. `token` comes back with the answers.
#[must_use]
pub fn form(form: OfferedForm, token: String) -> Outbound {
    Outbound::Flow {
        header: form.header.map(Header::Text),
        body: form.text,
        footer: form.footer,
        flow: FlowReference::Id(form.provider_id),
        label: form.label,
        token,
        // Its first screen is the form's own.
        action: FlowAction::Navigate { screen: None, data: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_becomes_a_message_or_is_refused_in_words() {
        let at = |latitude: &str, longitude: &str| {
            let (latitude, longitude) = (latitude.to_owned(), longitude.to_owned());
            place(&Place { latitude, longitude, name: None, address: None }).validate()
        };
        assert_eq!(at("52.52", " 13.4 "), Ok(()));
        for (latitude, longitude) in [("91", "0"), ("north", "0"), ("", ""), ("0", "181"), ("NaN", "0")] {
            assert!(at(latitude, longitude).is_err(), "{latitude} {longitude}");
        }
        let of = |name: &str| Card {
            name: name.to_owned(),
            phones: vec!["+1 555 010 0001".to_owned()],
            emails: Vec::new(),
            organisation: None,
        };
        let Outbound::Contacts { cards } = card(of("Ana Maria Lopez")) else { panic!("a card") };
        assert_eq!((cards[0].first_name.as_deref(), cards[0].last_name.as_deref()), (Some("Ana"), Some("Maria Lopez")));
        assert_eq!(cards[0].phones[0].wa_id.as_deref(), Some("15550100001"));
        assert!(card(of(" ")).validate().is_err());
        let link =
            |label: &str, url: &str| link("Look".to_owned(), label.to_owned(), url.to_owned(), (None, None)).validate();
        let form = |label: &str| {
            let of = OfferedForm {
                text: "When?".to_owned(),
                label: label.to_owned(),
                form_id: segue_model::Ctx::system().id(),
                provider_id: "77".to_owned(),
                name: "visit".to_owned(),
                header: None,
                footer: None,
            };
            form(of, "msg_1".to_owned()).validate()
        };
        assert_eq!(form("Book"), Ok(()));
        assert!(form("A label of far too many letters").is_err());
        assert_eq!(link("Open", "https://example.com"), Ok(()));
        assert!(link("Open", "example.com").is_err());
        assert!(link("A label of far too many letters", "https://example.com").is_err());
    }
}
