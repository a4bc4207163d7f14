//! Where a phone number belongs: its country, and in North America its state or province.

use std::{collections::HashMap, sync::LazyLock};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberUtil};

use crate::PhoneNumber;

/// Where a number belongs, by its numbering plan. People move and keep their numbers; the law still presumes that the
/// owner is where the number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// ISO 3166-1, such as `US`.
    pub country: &'static str,
    /// ISO 3166-2, such as `US-FL`, where the numbering plan tells it.
    pub region: Option<&'static str>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../data/phone_places.txt")));

struct Table {
    /// Area codes of the North American plan.
    area_codes: HashMap<u16, Place>,
    /// Calling codes of one to three digits.
    calling_codes: HashMap<u16, &'static str>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut area_codes = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((place, codes)) = line.split_once(": ") else { continue };
            let place = match place.split_once('-') {
                Some((country, _)) => Place { country, region: Some(place) },
                None => Place { country: place, region: None },
            };
            area_codes.extend(codes.split(' ').filter_map(|code| Some((code.parse().ok()?, place))));
        }
        // The Caribbean members of the plan have area codes of their own; what is left is toll-free or new.
        for code in (200..1_000).filter(|code| !area_codes.contains_key(code)).collect::<Vec<u16>>() {
            area_codes
                .insert(code, Place { country: caribbean(&PHONE_NUMBER_UTIL, code).unwrap_or("US"), region: None });
        }
        let calling_codes = (1..1_000_u16).filter_map(|code| {
            let region = PHONE_NUMBER_UTIL.get_region_for_country_code(i32::from(code))?;
            let name = format!("{region:?}");
            // Satellite phones and the like have no country.
            (name.len() == 2).then(|| (code, &*name.leak()))
        });
        Self { area_codes, calling_codes: calling_codes.collect() }
    }
}

fn caribbean(util: &PhoneNumberUtil, area_code: u16) -> Option<&'static str> {
    let number = util.parse(format!("+1{area_code}2345678"), None).ok()?;
    let region = format!("{:?}", util.get_region_for_number(&number)?);
    (region.len() == 2 && region != "US" && region != "CA").then(|| &*region.leak())
}

/// Where the number belongs. `None` for numbers of no country, such as satellite phones, and for the North American
/// area code 555, which is nobody's: it is kept for examples and tests.
#[must_use]
pub fn place_of_phone(phone: &PhoneNumber) -> Option<Place> {
    let digits = phone.digits();
    if let Some(rest) = digits.strip_prefix('1') {
        let area_code = rest.get(..3)?.parse().ok()?;
        return if area_code == 555 { None } else { TABLE.area_codes.get(&area_code).copied() };
    }
    // Kazakhstan shares +7 with Russia.
    if digits.starts_with("76") || digits.starts_with("77") {
        return Some(Place { country: "KZ", region: None });
    }
    let country = (1..=3).find_map(|length| TABLE.calling_codes.get(&digits.get(..length)?.parse().ok()?))?;
    Some(Place { country, region: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_numbers() {
        for (phone, country, region) in [
            ("+13055550123", "US", Some("US-FL")),
            ("+14055550123", "US", Some("US-OK")),
            ("+12065550123", "US", Some("US-WA")),
            ("+12145550123", "US", Some("US-TX")),
            ("+14105550123", "US", Some("US-MD")),
            ("+12035550123", "US", Some("US-CT")),
            ("+13105550123", "US", Some("US-CA")),
            ("+14165550123", "CA", Some("CA-ON")),
            ("+19055550123", "CA", Some("CA-ON")),
            ("+19025550123", "CA", None),
            ("+12425550123", "BS", None),
            ("+18095550123", "DO", None),
            ("+17875550123", "PR", None),
            ("+18005550123", "US", None),
            ("+491701234567", "DE", None),
            ("+33612345678", "FR", None),
            ("+447400123456", "GB", None),
            ("+919876543210", "IN", None),
            ("+77011234567", "KZ", None),
            ("+79161234567", "RU", None),
            ("+5511999990000", "BR", None),
            ("+61412345678", "AU", None),
        ] {
            assert_eq!(place_of_phone(&phone.parse().unwrap()), Some(Place { country, region }), "{phone}");
        }
        for nobody in ["+15550100123", "+881612345678"] {
            assert_eq!(place_of_phone(&nobody.parse().unwrap()), None, "{nobody}");
        }
    }

    #[test]
    fn every_state_has_an_area_code() {
        let states: std::collections::HashSet<_> = TABLE
            .area_codes
            .values()
            .filter_map(|place| place.region)
            .filter(|region| region.starts_with("US-"))
            .collect();
        assert_eq!(states.len(), 51, "50 states and the District of Columbia: {states:?}");
    }
}
