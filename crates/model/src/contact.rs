//! Contacts: names and the fields a text may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PhoneNumber;

/// Most attributes of one contact that somebody writes. Merges may come to more, which can be changed then.
pub const MOST_ATTRIBUTES: usize = 100;

/// What is known of a person; the same shape is used for creating and for reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactFields {
    /// E.164; at most one contact of a workspace has it.
    pub phone: Option<PhoneNumber>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    /// BCP 47 language tag.
    pub locale: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// The person's key in another system, as it is written there; at most one contact of a workspace has it.
    pub external_key: Option<String>,
    /// Anything else, as text by name.
    pub attributes: BTreeMap<String, String>,
}

impl ContactFields {
    /// First and last name as far as known.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        let name = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
        (!name.is_empty()).then(|| name.join(" "))
    }

    /// The value a merge field or filter named `field` stands for.
    #[must_use]
    pub fn field(&self, field: &str) -> Option<&str> {
        match field {
            "phone" => self.phone.as_ref().map(PhoneNumber::as_str),
            "first_name" => self.first_name.as_deref(),
            "last_name" => self.last_name.as_deref(),
            "email" => self.email.as_deref(),
            "locale" => self.locale.as_deref(),
            "time_zone" => self.time_zone.as_deref(),
            "external_key" => self.external_key.as_deref(),
            other => self.attributes.get(other).map(String::as_str),
        }
    }
}

/// What became of fields: the value before and the value after, by the name of the field or attribute. `None` is no value.
pub type FieldChanges = BTreeMap<String, (Option<String>, Option<String>)>;

impl ContactFields {
    /// Sets one field or attribute; `None` clears it. A phone number is taken only in E.164, else the field is left.
    pub fn set_field(&mut self, field: &str, value: Option<String>) {
        match field {
            "phone" => match value.map(|text| PhoneNumber::parse(&text, None)) {
                None => self.phone = None,
                Some(Ok(phone)) => self.phone = Some(phone),
                Some(Err(_)) => {}
            },
            "first_name" => self.first_name = value,
            "last_name" => self.last_name = value,
            "email" => self.email = value,
            "locale" => self.locale = value,
            "time_zone" => self.time_zone = value,
            "external_key" => self.external_key = value,
            other => match value {
                Some(text) => {
                    self.attributes.insert(other.to_owned(), text);
                }
                None => {
                    self.attributes.remove(other);
                }
            },
        }
    }

    /// How `after` differs from these fields.
    #[must_use]
    pub fn changes_to(&self, after: &Self) -> FieldChanges {
        let names = STANDARD_FIELDS.iter().copied();
        let names = names.chain(self.attributes.keys().map(String::as_str));
        let names = names.chain(after.attributes.keys().map(String::as_str));
        let mut changes = FieldChanges::new();
        for name in names {
            let (old, new) = (self.field(name), after.field(name));
            if old != new {
                changes.insert(name.to_owned(), (old.map(str::to_owned), new.map(str::to_owned)));
            }
        }
        changes
    }

    /// These fields with changes taken back, each only where its value is still the one that was set.
    #[must_use]
    pub fn without(&self, changes: &FieldChanges) -> Self {
        let mut fields = self.clone();
        for (name, (before, after)) in changes {
            if self.field(name) == after.as_deref() {
                fields.set_field(name, before.clone());
            }
        }
        fields
    }
}

/// Names of the fields every contact has, apart from its attributes.
pub const STANDARD_FIELDS: &[&str] =
    &["phone", "first_name", "last_name", "email", "locale", "time_zone", "external_key"];

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(first_name: &str, city: Option<&str>) -> ContactFields {
        let attributes = city.map(|city| ("city".to_owned(), city.to_owned())).into_iter().collect();
        ContactFields { first_name: Some(first_name.to_owned()), attributes, ..ContactFields::default() }
    }

    #[test]
    fn changes_are_taken_back_only_where_nobody_changed_the_field_since() {
        let (before, after) = (fields("Ana", None), fields("Anna", Some("Rome")));
        let changes = before.changes_to(&after);
        assert_eq!(changes.len(), 2);
        assert_eq!(after.without(&changes), before);
        assert_eq!(fields("Annie", Some("Rome")).without(&changes), fields("Annie", None));
        assert_eq!(fields("Anna", Some("Oslo")).without(&changes), fields("Ana", Some("Oslo")));
        assert!(before.changes_to(&before).is_empty());
    }
}
