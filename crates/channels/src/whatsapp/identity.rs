//! Who a customer is, as far as one webhook says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lenient::{field, text};

/// Longest name that is taken, in characters. WhatsApp's own limits are 25 for names and 35 for user names; a longer one would
/// only harm the screens it is shown on.
const LONGEST_NAME: usize = 128;

/// The names one event gives a customer. All optional: a customer with a username may come without any phone number.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// WhatsApp id, verbatim. May differ from the number that was dialled (Brazil, Mexico, Argentina).
    pub wa_id: Option<String>,
    /// Business-scoped user id.
    pub bsuid: Option<String>,
    /// The same in an enrolled parent portfolio.
    pub parent_bsuid: Option<String>,
    /// Phone number with `+`; a WhatsApp id is one without it.
    pub phone: Option<String>,
    /// The customer's chosen WhatsApp name.
    pub username: Option<String>,
    /// The name on the profile.
    pub profile_name: Option<String>,
}

crate::debug::redacted_debug!(Identity);

impl Identity {
    /// From the ids of a message or status.
    pub(super) fn of_ids(wa_id: Option<String>, bsuid: Option<String>, parent_bsuid: Option<String>) -> Self {
        let phone = wa_id.as_deref().and_then(phone_of);
        Self { wa_id, bsuid, parent_bsuid, phone, username: None, profile_name: None }
    }

    /// From an element of `contacts`.
    pub(super) fn of_contact(contact: &Value) -> Self {
        let mut identity =
            Self::of_ids(text(contact, "wa_id"), text(contact, "user_id"), text(contact, "parent_user_id"));
        if let Some(profile) = field(contact, "profile") {
            identity.profile_name = text(profile, "name").map(cut);
            identity.username = text(profile, "username").map(cut);
        }
        identity
    }

    /// Fills what is missing from what another part of the same event says.
    pub(super) fn fill(&mut self, other: Self) {
        let fill = |mine: &mut Option<String>, theirs: Option<String>| {
            if mine.is_none() {
                *mine = theirs;
            }
        };
        fill(&mut self.wa_id, other.wa_id);
        fill(&mut self.bsuid, other.bsuid);
        fill(&mut self.parent_bsuid, other.parent_bsuid);
        fill(&mut self.phone, other.phone);
        fill(&mut self.username, other.username);
        fill(&mut self.profile_name, other.profile_name);
    }

    /// Whether both name an id of the same kind and it is the same.
    pub(super) fn shares_id_with(&self, other: &Self) -> bool {
        let same = |mine: &Option<String>, theirs: &Option<String>| mine.is_some() && mine == theirs;
        same(&self.wa_id, &other.wa_id)
            || same(&self.bsuid, &other.bsuid)
            || same(&self.parent_bsuid, &other.parent_bsuid)
    }

    /// Whether no id is known.
    pub(super) fn is_nameless(&self) -> bool {
        self.wa_id.is_none() && self.bsuid.is_none() && self.parent_bsuid.is_none()
    }

    /// One key for the customer: the BSUID, which every current webhook carries, else the WhatsApp id.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.bsuid.as_deref().or(self.wa_id.as_deref()).or(self.parent_bsuid.as_deref())
    }
}

fn cut(name: String) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => name[..end].to_owned(),
        None => name,
    }
}

/// The phone number a WhatsApp id stands for: it is one already, without the `+`.
fn phone_of(wa_id: &str) -> Option<String> {
    let is_number = (7..=15).contains(&wa_id.len()) && wa_id.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| format!("+{wa_id}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whatsapp_id_is_a_phone_number_and_a_bsuid_is_not() {
        assert_eq!(phone_of("16505551234").as_deref(), Some("+16505551234"));
        for other in ["US.13491208655302741918", "", "123", "+16505551234", "1234567890123456"] {
            assert_eq!(phone_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_cut_between_letters_and_a_usual_one_is_not() {
        let contact = |name: &str| Identity::of_contact(&json!({"profile": {"name": name, "username": name}}));
        let long = contact(&"ü😀".repeat(40_000));
        assert_eq!(long.profile_name.as_deref().map(|name| name.chars().count()), Some(LONGEST_NAME));
        assert_eq!(long.username, long.profile_name);
        let usual = "ü".repeat(LONGEST_NAME);
        assert_eq!(contact(&usual).profile_name, Some(usual));
    }
}
