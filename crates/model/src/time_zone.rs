//! Which time zones a phone number may be in.
//!
//! A number says little: mobile numbers move with their owners. So the answer is every zone the numbering plan allows,
//! and a message waits until it may be sent in all of them. Whoever knows a contact's own zone uses that instead.
//!
//! The table is generated: `cargo xtask phone-data`.

use std::{collections::HashMap, sync::LazyLock};

use crate::PhoneNumber;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../data/phone_zones.txt")));

/// The data file, read once.
struct Table {
    /// By the digits a number begins with.
    prefixes: HashMap<&'static str, usize>,
    lists: Vec<Vec<&'static str>>,
    longest_prefix: usize,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { prefixes: HashMap::new(), lists: Vec::new(), longest_prefix: 0 };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((zones, prefixes)) = line.split_once(": ") else { continue };
            for prefix in prefixes.split(' ') {
                table.longest_prefix = table.longest_prefix.max(prefix.len());
                table.prefixes.insert(prefix, table.lists.len());
            }
            table.lists.push(zones.split(' ').collect());
        }
        table
    }

    fn by_prefix(&self, digits: &str) -> &[&'static str] {
        (1..=self.longest_prefix.min(digits.len()))
            .rev()
            .find_map(|length| self.prefixes.get(&digits[..length]))
            .map_or(&[], |list| &self.lists[*list])
    }
}

/// The IANA zones the number's owner may be in: the longest prefix of the table that fits. Empty when the number belongs
/// to no country, such as a satellite phone's.
#[must_use]
pub fn zones_for_phone(phone: &PhoneNumber) -> Vec<String> {
    TABLE.by_prefix(phone.digits()).iter().map(|&zone| zone.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::PHONE_NUMBER_UTIL;

    use super::*;

    fn zones(phone: &str) -> Vec<String> {
        zones_for_phone(&phone.parse().unwrap())
    }

    #[test]
    fn golden_numbers() {
        for (phone, expected) in [
            ("+12125550123", &["America/New_York"][..]),
            ("+13125550123", &["America/Chicago"]),
            ("+18505550123", &["America/Chicago", "America/New_York"]),
            ("+12705550123", &["America/Chicago", "America/New_York"]),
            ("+12085550123", &["America/Boise", "America/Denver", "America/Los_Angeles"]),
            ("+19285550123", &["America/Denver", "America/Phoenix"]),
            ("+16025550123", &["America/Phoenix"]),
            ("+18085550123", &["Pacific/Honolulu"]),
            ("+14165550123", &["America/Toronto"]),
            ("+17875550123", &["America/Puerto_Rico"]),
            ("+447400123456", &["Europe/Guernsey", "Europe/Isle_of_Man", "Europe/London"]),
            ("+5511999990000", &["America/Sao_Paulo"]),
            ("+5568999990000", &["America/Rio_Branco"]),
            ("+491701234567", &["Europe/Berlin"]),
            ("+919876543210", &["Asia/Calcutta"]),
            ("+61282345678", &["Australia/Sydney"]),
            ("+34600000000", &["Atlantic/Canary", "Europe/Madrid"]),
            ("+6281234567890", &["Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar"]),
        ] {
            assert_eq!(zones(phone), expected, "{phone}");
        }
        assert_eq!(zones("+15550100123").len(), 4, "the range for examples");
        let toll_free = zones("+18005550123");
        assert!(toll_free.len() >= 40, "toll-free: anywhere in the plan");
        for zone in ["America/St_Johns", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Guam"]
        {
            assert!(toll_free.contains(&zone.to_owned()), "{zone}");
        }
        assert!(zones("+79161234567").len() >= 9, "a Russian mobile number may be in any of Russia's zones");
        assert!(zones("+61412345678").contains(&"Australia/Perth".to_owned()), "an Australian mobile may be anywhere");
        assert!(zones("+881612345678").is_empty(), "a satellite phone is nowhere");
    }

    #[test]
    fn every_zone_of_the_table_is_known_and_every_country_has_one() {
        assert!(TABLE.prefixes.len() > 1_500, "{}", TABLE.prefixes.len());
        for name in TABLE.lists.iter().flatten() {
            assert!(crate::quiet_hours::zone(name).is_some(), "{name}");
        }
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region).unwrap();
            assert!(!TABLE.by_prefix(&format!("{code}999999999")).is_empty(), "{region:?} +{code}");
        }
    }
}
