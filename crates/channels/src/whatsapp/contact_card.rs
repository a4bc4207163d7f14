//! Contact cards on their way out.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::outbound::{OutboundError, check, check_optional, set};

/// A contact card.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactCard {
    /// The name as shown.
    pub name: String,
    /// First name; it or the last name must be there.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone numbers.
    pub phones: Vec<CardPhone>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Web addresses.
    pub urls: Vec<String>,
    /// The company.
    pub company: Option<String>,
    /// The position in it.
    pub title: Option<String>,
}

/// A phone number on a card.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardPhone {
    /// As people write it.
    pub phone: String,
    /// The number's WhatsApp id: the card then has a button to write to it.
    pub wa_id: Option<String>,
    /// `CELL`, `HOME`, `WORK` and so on.
    pub kind: Option<String>,
}

crate::debug::redacted_debug!(ContactCard, CardPhone);

impl ContactCard {
    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        check("card's name", &self.name, 256)?;
        if self.first_name.is_none() && self.last_name.is_none() {
            return Err(OutboundError::Empty { part: "card's first or last name" });
        }
        check_optional("card's first name", self.first_name.as_ref(), 256)?;
        check_optional("card's last name", self.last_name.as_ref(), 256)?;
        self.phones.iter().try_for_each(|phone| check("card's phone number", &phone.phone, 64))?;
        self.emails.iter().try_for_each(|email| check("card's e-mail address", email, 254))?;
        self.urls.iter().try_for_each(|url| check("card's web address", url, 2_000))
    }

    pub(super) fn to_json(&self) -> Value {
        let mut name = json!({"formatted_name": self.name});
        set(&mut name, "first_name", self.first_name.as_deref());
        set(&mut name, "last_name", self.last_name.as_deref());
        let mut card = json!({"name": name});
        let list = |values: Vec<Value>| (!values.is_empty()).then_some(Value::Array(values));
        let phones = self.phones.iter().map(|phone| {
            let mut object = json!({"phone": phone.phone});
            set(&mut object, "wa_id", phone.wa_id.as_deref());
            set(&mut object, "type", phone.kind.as_deref());
            object
        });
        let mut org = json!({});
        set(&mut org, "company", self.company.as_deref());
        set(&mut org, "title", self.title.as_deref());
        let has_org = self.company.is_some() || self.title.is_some();
        for (part, value) in [
            ("phones", list(phones.collect())),
            ("emails", list(self.emails.iter().map(|email| json!({"email": email})).collect())),
            ("urls", list(self.urls.iter().map(|url| json!({"url": url})).collect())),
            ("org", has_org.then_some(org)),
        ] {
            if let Some(value) = value {
                card[part] = value;
            }
        }
        card
    }
}
