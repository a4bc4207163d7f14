//! Which time zones a phone number may be in.
//!
//! A number says little: mobile numbers move with their owners. So the answer is every zone the numbering plan allows,
//! and quiet hours must be over in all of them. Whoever knows a contact's own zone uses that instead.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::PhoneNumber;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../data/time_zones.txt")));

/// The data file, read once.
struct Table {
    /// By the digits a number begins with.
    prefixes: HashMap<String, Vec<&'static str>>,
    /// By ISO 3166 country.
    countries: HashMap<&'static str, Vec<&'static str>>,
    longest_prefix: usize,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { prefixes: HashMap::new(), countries: HashMap::new(), longest_prefix: 0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((key, zones)) = line.split_once(':') else { continue };
            let zones = zones.split_whitespace().collect::<Vec<_>>();
            let Some(digits) = key.strip_prefix('+') else {
                table.countries.insert(key, zones);
                continue;
            };
            let (code, areas) = digits.split_once(' ').unwrap_or((digits, ""));
            let areas = if areas.is_empty() { vec![""] } else { areas.split_whitespace().collect() };
            for area in areas {
                let prefix = format!("{code}{area}");
                table.longest_prefix = table.longest_prefix.max(prefix.len());
                table.prefixes.insert(prefix, zones.clone());
            }
        }
        table
    }

    fn by_prefix(&self, digits: &str) -> Option<&[&'static str]> {
        (1..=self.longest_prefix.min(digits.len()))
            .rev()
            .find_map(|length| self.prefixes.get(&digits[..length]))
            .map(Vec::as_slice)
    }

    /// Zones of all countries that share the number's calling code.
    fn by_country(&self, digits: &str) -> Vec<&'static str> {
        let regions = (1..=3).find_map(|length| {
            let code = digits.get(..length)?.parse().ok()?;
            PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code)
        });
        regions
            .into_iter()
            .flatten()
            .flat_map(|region| self.countries.get(format!("{region:?}").as_str()).into_iter().flatten().copied())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

/// The IANA zones the number's owner may be in, by area code where the plan has geographic ones, else by country. Empty
/// when the number belongs to no country, such as a satellite phone's.
#[must_use]
pub fn zones_for_phone(phone: &PhoneNumber) -> Vec<String> {
    let digits = phone.digits();
    let zones = TABLE.by_prefix(digits).map_or_else(|| TABLE.by_country(digits), <[_]>::to_vec);
    zones.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(phone: &str) -> Vec<String> {
        zones_for_phone(&phone.parse().unwrap())
    }

    #[test]
    fn golden_numbers() {
        for (phone, expected) in [
            ("+12125550123", &["America/New_York"][..]),
            ("+13125550123", &["America/Chicago"]),
            ("+18505550123", &["America/New_York", "America/Chicago"]),
            ("+16025550123", &["America/Phoenix"]),
            ("+18085550123", &["Pacific/Honolulu"]),
            ("+14165550123", &["America/Toronto"]),
            ("+17875550123", &["America/Puerto_Rico"]),
            ("+5511999990000", &["America/Sao_Paulo"]),
            ("+5568999990000", &["America/Rio_Branco"]),
            ("+491701234567", &["Europe/Berlin"]),
            ("+919876543210", &["Asia/Kolkata"]),
            ("+77011234567", &["Asia/Almaty"]),
            ("+34600000000", &["Atlantic/Canary", "Europe/Madrid"]),
            ("+6281234567890", &["Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar"]),
        ] {
            assert_eq!(zones(phone), expected, "{phone}");
        }
        assert_eq!(zones("+15550100123").len(), 4, "the range for examples");
        assert!(zones("+18005550123").contains(&"Pacific/Honolulu".to_owned()), "toll-free: anywhere in the plan");
        assert!(zones("+79161234567").len() >= 10, "a Russian mobile number may be in any of Russia's zones");
        assert!(zones("+881612345678").is_empty(), "a satellite phone is nowhere");
    }

    #[test]
    fn every_zone_of_the_table_is_known_and_every_country_has_one() {
        let all = TABLE.prefixes.values().chain(TABLE.countries.values());
        for name in all.flatten() {
            assert!(crate::quiet_hours::zone(name).is_some(), "{name}");
        }
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region).unwrap();
            let digits = format!("{code}999999999");
            let found = TABLE.by_prefix(&digits).map_or_else(|| TABLE.by_country(&digits), <[_]>::to_vec);
            assert!(!found.is_empty(), "{region:?} +{code}");
        }
    }
}
