//! By what two contacts are taken to be one person, perhaps.

use crate::contact::ContactFields;

/// Attributes that strangers of one name rarely share.
const TELLING: &[&str] = &[
    "birthday",
    "birth_date",
    "birthdate",
    "date_of_birth",
    "geburtsdatum",
    "zip",
    "zip_code",
    "postal_code",
    "postcode",
    "plz",
    "street",
    "address",
    "customer_number",
    "customer_id",
    "loyalty_number",
];
/// Digits at the end of two phone numbers that are the same when only the area or country was written otherwise.
const LAST_DIGITS: usize = 7;

/// What two writings of one phone number have in common. `None` when there is one way of writing it only, so that
/// nothing can be found by it: numbers are unique.
#[must_use]
pub fn line_key(fields: &ContactFields) -> Option<String> {
    let phone = fields.phone.as_ref()?;
    (phone.writings().len() > 1).then(|| phone.line_key())
}

/// What two writings of one e-mail address have in common: upper and lower case are the same, dots and a `+tag` before
/// the `@` of Gmail count for nothing.
#[must_use]
pub fn email_key(fields: &ContactFields) -> Option<String> {
    let email = fields.email.as_deref()?.trim().to_lowercase();
    let (user, host) = email.split_once('@')?;
    if user.is_empty() || host.is_empty() {
        return None;
    }
    let host = if host == "googlemail.com" { "gmail.com" } else { host };
    if host != "gmail.com" {
        return Some(format!("{user}@{host}"));
    }
    let user: String = user.split('+').next().unwrap_or(user).chars().filter(|letter| *letter != '.').collect();
    Some(format!("{user}@{host}"))
}

/// A full name with something that strangers rarely share, one key for each such thing.
#[must_use]
pub fn name_keys(fields: &ContactFields) -> Vec<String> {
    let (Some(first), Some(last)) = (plain(fields.first_name.as_deref()), plain(fields.last_name.as_deref())) else {
        return Vec::new();
    };
    // "Ana Lima" and "Lima, Ana" are the same.
    let mut words: Vec<&str> = first.split(' ').chain(last.split(' ')).collect();
    words.sort_unstable();
    let name = words.join(" ");
    let mut keys = Vec::new();
    if let Some(phone) = &fields.phone {
        let digits = phone.digits();
        keys.push(format!("{name}|phone|{}", &digits[digits.len().saturating_sub(LAST_DIGITS)..]));
    }
    for attribute in TELLING {
        if let Some(value) = plain(fields.attributes.get(*attribute).map(String::as_str)) {
            keys.push(format!("{name}|{attribute}|{value}"));
        }
    }
    keys
}

/// Lower-case letters and digits, with single blanks between words.
fn plain(text: Option<&str>) -> Option<String> {
    let text: String =
        text?.to_lowercase().chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhoneNumber;

    fn fields(phone: &str, first: &str, last: &str, email: &str) -> ContactFields {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ContactFields {
            phone: PhoneNumber::parse(phone, None).ok(),
            first_name: text(first),
            last_name: text(last),
            email: text(email),
            ..ContactFields::default()
        }
    }

    #[test]
    fn writings_of_one_line() {
        let short = line_key(&fields("+551187654321", "", "", ""));
        assert!(short.is_some());
        assert_eq!(short, line_key(&fields("+5511987654321", "", "", "")));
        assert_eq!(line_key(&fields("+15550100123", "", "", "")), None);
    }

    #[test]
    fn writings_of_one_mailbox() {
        let key = |email: &str| email_key(&fields("", "", "", email));
        assert_eq!(key("Ana.Lima+shop@Gmail.com"), key("analima@googlemail.com"));
        assert_eq!(key("Ana@Example.com "), Some("ana@example.com".to_owned()));
        assert_ne!(key("ana.lima@example.com"), key("analima@example.com"));
        assert_eq!(key("nobody"), None);
    }

    #[test]
    fn a_name_alone_is_not_enough() {
        assert!(name_keys(&fields("", "Ana", "Lima", "ana@example.com")).is_empty());
        assert!(name_keys(&fields("+15550100123", "Ana", "", "")).is_empty());
        let one = name_keys(&fields("+12125550100", "Ana", "Lima", ""));
        assert_eq!(one, name_keys(&fields("+442125550100", "lima", "Ana.", "")));
        let mut with_zip = fields("", "Ana", "Lima", "");
        with_zip.attributes.insert("zip".to_owned(), "10115".to_owned());
        assert_eq!(name_keys(&with_zip), ["ana lima|zip|10115"]);
    }
}
