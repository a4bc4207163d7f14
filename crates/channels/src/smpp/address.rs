//! Type of number and numbering plan of an address, by what kind of address it is.

use serde::{Deserialize, Serialize};

/// The two octets SMPP puts before an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberingPlan {
    /// Type of number: 1 international, 3 network specific, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 1 for telephone numbers, 0 unknown.
    pub npi: u8,
}

/// What an account wants for each kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressPlan {
    /// Full numbers with country code.
    pub international: NumberingPlan,
    /// Short codes: up to six digits.
    pub short_code: NumberingPlan,
    /// Names.
    pub alphanumeric: NumberingPlan,
}

impl Default for AddressPlan {
    fn default() -> Self {
        Self {
            international: NumberingPlan { ton: 1, npi: 1 },
            short_code: NumberingPlan { ton: 3, npi: 0 },
            alphanumeric: NumberingPlan { ton: 5, npi: 0 },
        }
    }
}

/// Longest short code in digits.
const SHORT_CODE: usize = 6;
/// Longest address SMPP 3.4 carries, in octets.
const LONGEST: usize = 20;

/// An address ready for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireAddress<'a> {
    pub plan: NumberingPlan,
    pub text: &'a str,
}

impl AddressPlan {
    /// The plan for `address`, and the address without its `+`. `None` when SMPP cannot carry it.
    pub(super) fn wire<'a>(&self, address: &'a str) -> Option<WireAddress<'a>> {
        let digits = address.strip_prefix('+').unwrap_or(address);
        if digits.is_empty() || digits.len() > LONGEST || !address.is_ascii() || address.contains('\0') {
            return None;
        }
        let all_digits = digits.bytes().all(|octet| octet.is_ascii_digit());
        let plan = match (all_digits, address.starts_with('+')) {
            (true, false) if digits.len() <= SHORT_CODE => self.short_code,
            (true, _) => self.international,
            (false, false) => self.alphanumeric,
            (false, true) => return None,
        };
        Some(WireAddress { plan, text: digits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_address_decides() {
        let wire = |address: &str| {
            AddressPlan::default().wire(address).map(|wire| (wire.plan.ton, wire.plan.npi, wire.text.to_owned()))
        };
        assert_eq!(wire("+4915112345678"), Some((1, 1, "4915112345678".to_owned())));
        assert_eq!(wire("15550783881"), Some((1, 1, "15550783881".to_owned())));
        assert_eq!(wire("34567"), Some((3, 0, "34567".to_owned())));
        assert_eq!(wire("Acme Shop"), Some((5, 0, "Acme Shop".to_owned())));
        assert_eq!(wire(""), None);
        assert_eq!(wire("+"), None);
        assert_eq!(wire("+49abc"), None);
        assert_eq!(wire("Bäcker"), None);
        assert_eq!(wire("123456789012345678901"), None);
        assert_eq!(wire("A\0B"), None);
    }
}
