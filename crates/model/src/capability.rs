//! What each kind of sender can do in which country, as versioned data of the build.
//!
//! The file is `data/sender_capabilities.toml`; each rule of it names its source. A change is a new `version`. Of the
//! rules that fit a kind, a country and where the sender's own number belongs, the first counts; where none fits,
//! carriers take the sender as it is.

use std::{collections::HashMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{registration::RegistrationKind, sender::SenderKind};

static TABLE: LazyLock<CapabilityTable> = LazyLock::new(|| {
    CapabilityTable::parse(include_str!("../data/sender_capabilities.toml"))
        .unwrap_or_else(|error| panic!("the capabilities of this build: {error}"))
});

static BY_KIND: LazyLock<HashMap<SenderKind, Vec<&'static Capability>>> = LazyLock::new(|| {
    let mut by_kind: HashMap<_, Vec<_>> = HashMap::new();
    for rule in &TABLE.rules {
        by_kind.entry(rule.kind).or_default().push(rule);
    }
    by_kind
});

crate::text_enum! {
    /// What carriers of a country do with a kind of sender.
    pub enum SenderDelivery {
        /// People see the sender as it is.
        AsIs = "as_is",
        /// The text arrives, from another sender.
        Replaced = "replaced",
        /// The text does not arrive.
        Refused = "refused",
    }
}

/// The table of what senders can do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityTable {
    pub name: String,
    pub title: String,
    /// Names this content; changes whenever a rule does.
    pub version: String,
    pub rules: Vec<Capability>,
    /// From where to where messages with files go.
    pub mms: Vec<MmsCapability>,
}

/// Which kind of sender carries messages with files, from where to where. Where no rule fits, carriers do not take them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MmsCapability {
    /// Stable name, such as `us.10dlc.mms`.
    pub id: String,
    pub kind: SenderKind,
    /// ISO 3166-1 codes of the countries they arrive in.
    pub countries: Vec<String>,
    /// Countries (ISO 3166-1) that the sender's own number belongs to; empty: every one.
    #[serde(default)]
    pub from: Vec<String>,
    /// The rule in words.
    pub note: String,
    /// Where the rule stands.
    pub source: String,
}

/// What one kind of sender can do in some countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SenderCapability)]
pub struct Capability {
    /// Stable name, such as `us.10dlc`.
    pub id: String,
    pub kind: SenderKind,
    /// ISO 3166-1 codes, or `*` for every country.
    pub countries: Vec<String>,
    /// Countries (ISO 3166-1) that the sender's own number belongs to; empty: every one.
    #[serde(default)]
    pub from: Vec<String>,
    pub delivery: SenderDelivery,
    /// Whether people can answer.
    pub two_way: bool,
    /// What must be approved first.
    #[serde(default)]
    pub needs: Vec<RegistrationKind>,
    /// The rule in words.
    pub note: String,
    /// Where the rule stands.
    pub source: String,
}

impl Capability {
    fn fits(&self, home: Option<&str>, country: &str) -> bool {
        fits((&self.countries, &self.from), home, country)
    }
}

fn fits((countries, from): (&[String], &[String]), home: Option<&str>, country: &str) -> bool {
    let has = |list: &[String], code: &str| list.iter().any(|each| each == code || each == "*");
    has(countries, country) && (from.is_empty() || home.is_some_and(|home| has(from, home)))
}

impl CapabilityTable {
    /// The table of this build.
    #[must_use]
    pub fn of_build() -> &'static Self {
        &TABLE
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let rules = table.rules.iter().map(|rule| (&rule.id, &rule.source, &rule.countries));
        let mms = table.mms.iter().map(|rule| (&rule.id, &rule.source, &rule.countries));
        match rules.chain(mms).find(|(_, source, countries)| source.trim().is_empty() || countries.is_empty()) {
            Some((id, ..)) => Err(format!("rule {id} has no source or no country")),
            None => Ok(table),
        }
    }
}

/// What a sender of this kind, whose own number belongs to `home`, can do in a country (ISO 3166-1). `None` when no rule
/// says anything: carriers take it as it is. So it always is for numbers of no country, such as the range for examples.
#[must_use]
pub fn capability(kind: SenderKind, home: Option<&str>, country: &str) -> Option<&'static Capability> {
    if kind.is_phone_number() && home.is_none() {
        return None;
    }
    BY_KIND.get(&kind)?.iter().find(|rule| rule.fits(home, country)).copied()
}

/// The rule by which a sender of this kind carries messages with files to a country (ISO 3166-1). `None` where carriers do
/// not take them. For numbers of no country ask nothing: see [`carries_mms`].
#[must_use]
pub fn mms_capability(kind: SenderKind, home: Option<&str>, country: &str) -> Option<&'static MmsCapability> {
    TABLE.mms.iter().find(|rule| rule.kind == kind && fits((&rule.countries, &rule.from), home, country))
}

/// Whether a sender of this kind carries messages with files to a country. Numbers of no country, such as the range for
/// examples, carry everything.
#[must_use]
pub fn carries_mms(kind: SenderKind, home: Option<&str>, country: &str) -> bool {
    (kind.is_phone_number() && home.is_none()) || mms_capability(kind, home, country).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_where_a_rule_says_and_nowhere_else() {
        for (kind, home, country, rule) in [
            (SenderKind::TenDlc, Some("US"), "US", Some("us_ca.10dlc.mms")),
            (SenderKind::TenDlc, Some("US"), "CA", Some("us_ca.10dlc.mms")),
            (SenderKind::TenDlc, Some("US"), "MX", None),
            (SenderKind::LongCode, Some("CA"), "US", Some("us_ca.long_code.mms")),
            (SenderKind::LongCode, Some("GB"), "US", None),
            (SenderKind::LongCode, Some("DE"), "DE", None),
            (SenderKind::LongCode, Some("AU"), "AU", Some("au.long_code.mms")),
            (SenderKind::LongCode, Some("AU"), "US", None),
            (SenderKind::TollFree, Some("US"), "CA", Some("us_ca.toll_free.mms")),
            (SenderKind::TollFree, Some("GB"), "US", None),
            (SenderKind::ShortCode, None, "US", Some("us.short_code.mms")),
            (SenderKind::ShortCode, None, "CA", None),
            (SenderKind::Alphanumeric, None, "US", None),
            (SenderKind::Alphanumeric, None, "DE", None),
        ] {
            let found = mms_capability(kind, home, country).map(|found| found.id.as_str());
            assert_eq!(found, rule, "{kind} from {home:?} to {country}");
            assert_eq!(carries_mms(kind, home, country), rule.is_some(), "{kind} from {home:?} to {country}");
        }
        assert!(carries_mms(SenderKind::LongCode, None, "US"), "the range for examples");
        assert!(!carries_mms(SenderKind::Alphanumeric, None, "US"), "a name is no number of no country");
        let text = include_str!("../data/sender_capabilities.toml");
        let (rules, mms) = text.split_once("[[mms]]").unwrap();
        let no_source = format!("{rules}[[mms]]{}", mms.replacen("source = \"", "source = \"\" # \"", 1));
        assert!(CapabilityTable::parse(&no_source).unwrap_err().contains("us_ca.10dlc.mms"));
    }

    #[test]
    fn the_table_reads_and_every_rule_has_its_own_id_and_a_source() {
        let table = CapabilityTable::of_build();
        let ids: std::collections::BTreeSet<_> = table.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids.len(), table.rules.len());
        assert!(table.version.len() == "2026-11-26".len() && table.rules.len() >= 10);
        for rule in &table.rules {
            assert!(rule.countries.iter().all(|code| code == "*" || code.len() == 2), "{}", rule.id);
            assert!(rule.note.ends_with('.') && rule.delivery != SenderDelivery::Refused || rule.needs.is_empty());
        }
        let no_source =
            include_str!("../data/sender_capabilities.toml").replacen("source = \"The", "source = \"\" # \"", 1);
        assert!(CapabilityTable::parse(&no_source).unwrap_err().contains("us.10dlc"));
    }

    #[test]
    fn golden_rules() {
        for (kind, home, country, rule) in [
            (SenderKind::TenDlc, Some("US"), "US", Some("us.10dlc")),
            (SenderKind::TenDlc, Some("US"), "CA", None),
            (SenderKind::LongCode, Some("US"), "US", Some("us.long_code")),
            (SenderKind::LongCode, Some("CA"), "US", Some("us.long_code")),
            (SenderKind::LongCode, Some("GB"), "US", Some("us.long_code.foreign")),
            (SenderKind::LongCode, None, "US", None),
            (SenderKind::LongCode, Some("DE"), "DE", None),
            (SenderKind::TollFree, Some("US"), "CA", Some("us.toll_free")),
            (SenderKind::TollFree, Some("GB"), "US", Some("us.toll_free.foreign")),
            (SenderKind::TollFree, Some("GB"), "GB", None),
            (SenderKind::ShortCode, None, "US", Some("world.short_code")),
            (SenderKind::Alphanumeric, None, "US", Some("us.alphanumeric")),
            (SenderKind::Alphanumeric, None, "IN", Some("registered.alphanumeric")),
            (SenderKind::Alphanumeric, None, "BR", Some("br.alphanumeric")),
            (SenderKind::Alphanumeric, None, "DE", Some("world.alphanumeric")),
        ] {
            let found = capability(kind, home, country).map(|rule| rule.id.as_str());
            assert_eq!(found, rule, "{kind} from {home:?} to {country}");
        }
        assert!(!capability(SenderKind::Alphanumeric, None, "DE").unwrap().two_way, "a name takes no answers anywhere");
    }
}
