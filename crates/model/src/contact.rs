//! Contacts: names and the fields a text may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PhoneNumber;

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
            other => self.attributes.get(other).map(String::as_str),
        }
    }
}

/// Names of the fields every contact has, apart from its attributes.
pub const STANDARD_FIELDS: &[&str] = &["phone", "first_name", "last_name", "email", "locale", "time_zone"];
