//! Senders: the numbers and names that SMS goes out from, what each kind can do where, and what has to be approved before
//! it may.

use serde::{Deserialize, Serialize};

use crate::{
    PhoneNumber, Place, SenderId, Timestamp,
    capability::{CapabilityTable, MmsCapability, SenderDelivery, capability, carries_mms},
    id::Id as _,
    place_of_phone,
    policy::Rule,
    rate::{RateLimit, RateWindow},
    registration::Registered,
    sender_hours::SenderHours,
};

crate::text_enum! {
    /// What kind of address a sender is.
    pub enum SenderKind {
        /// A number of ten digits registered for campaigns in the United States.
        TenDlc = "10dlc",
        /// An ordinary mobile or fixed number.
        LongCode = "long_code",
        ShortCode = "short_code",
        TollFree = "toll_free",
        /// A name.
        Alphanumeric = "alphanumeric",
    }
}

crate::text_enum! {
    /// Which characters may leave from a sender.
    pub enum SenderAlphabet {
        /// All of them.
        Any = "any",
        /// Those of the GSM alphabet; what reads the same in it is replaced, and what does not is not sent.
        GsmReplace = "gsm_replace",
        /// Those of the GSM alphabet; a text with any other is not sent.
        GsmRefuse = "gsm_refuse",
    }
}

/// The address is not one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSender {
    #[error("Write the number with its country code, for example +1 555 010 0100.")]
    NotANumber,
    #[error("A 10DLC number begins with +1 and has ten digits after it.")]
    NotTenDlc,
    #[error("A toll-free number begins with +1 800, 833, 844, 855, 866, 877 or 888, or belongs to another country.")]
    NotTollFree,
    #[error("A short code has 3 to 8 digits.")]
    NotAShortCode,
    #[error("A name has 3 to 11 letters, digits and spaces, at least one letter, and no space at its ends.")]
    NotAName,
}

/// Area codes of toll-free numbers in North America.
const TOLL_FREE: [&str; 7] = ["1800", "1833", "1844", "1855", "1866", "1877", "1888"];

impl SenderKind {
    /// The address in the form in which the carrier knows it.
    ///
    /// # Errors
    /// When the text is no address of this kind, with what one looks like.
    pub fn address(self, text: &str) -> Result<String, InvalidSender> {
        let text = text.trim();
        let number = || PhoneNumber::parse(text, None).map_err(|_| InvalidSender::NotANumber);
        match self {
            Self::LongCode => number().map(|number| number.as_str().to_owned()),
            Self::TenDlc => match number()? {
                number if number.digits().len() == 11 && number.digits().starts_with('1') => {
                    Ok(number.as_str().to_owned())
                }
                _ => Err(InvalidSender::NotTenDlc),
            },
            Self::TollFree => match number()? {
                number
                    if number.digits().starts_with('1')
                        && !TOLL_FREE.iter().any(|code| number.digits().starts_with(code))
                        && !number.digits().starts_with("1555") =>
                {
                    Err(InvalidSender::NotTollFree)
                }
                number => Ok(number.as_str().to_owned()),
            },
            Self::ShortCode if (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(text.to_owned())
            }
            Self::ShortCode => Err(InvalidSender::NotAShortCode),
            Self::Alphanumeric => {
                let fits = (3..=11).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
                    && text.bytes().any(|byte| byte.is_ascii_alphabetic());
                if fits { Ok(text.to_owned()) } else { Err(InvalidSender::NotAName) }
            }
        }
    }

    /// Whether its addresses are phone numbers, which belong to a country.
    #[must_use]
    pub const fn is_phone_number(self) -> bool {
        matches!(self, Self::TenDlc | Self::LongCode | Self::TollFree)
    }

    /// Whether people can answer to it at all. To a name they cannot: a text from one needs another way to opt out.
    #[must_use]
    pub const fn is_two_way(self) -> bool {
        !matches!(self, Self::Alphanumeric)
    }
}

/// What decides whether a sender may send, without the recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderFacts {
    pub kind: SenderKind,
    /// Country (ISO 3166-1) its own number belongs to.
    pub home: Option<String>,
    /// Countries (ISO 3166-1) it may send to; none: all.
    pub countries: Vec<String>,
    /// What is registered for it, brands of its campaigns included.
    pub registrations: Vec<Registered>,
    /// Most segments of its own in a second.
    pub own_limit: Option<RateLimit>,
    /// Hours it keeps beside the workspace's.
    #[serde(default)]
    pub hours: Option<SenderHours>,
    /// Which characters may leave from it.
    #[serde(default = "any")]
    pub alphabet: SenderAlphabet,
}

const fn any() -> SenderAlphabet {
    SenderAlphabet::Any
}

impl SenderFacts {
    /// Of a sender with this address.
    #[must_use]
    pub fn new(kind: SenderKind, address: &str, countries: Vec<String>, registrations: Vec<Registered>) -> Self {
        let place = PhoneNumber::parse(address, None).ok().and_then(|number| place_of_phone(&number));
        Self {
            kind,
            home: place.map(|place| place.country.to_owned()),
            countries,
            registrations,
            own_limit: None,
            hours: None,
            alphabet: any(),
        }
    }

    /// The same with a limit of its own.
    #[must_use]
    pub fn at_most(self, sender: SenderId, segments_per_second: Option<u32>) -> Self {
        let segments = segments_per_second.filter(|segments| *segments > 0);
        let of = sender.uuid();
        let own_limit = segments.map(|segments| RateLimit { of, window: RateWindow::Second, segments });
        Self { own_limit, ..self }
    }

    /// The same with hours of its own.
    #[must_use]
    pub fn within(self, hours: Option<SenderHours>) -> Self {
        Self { hours: hours.filter(|hours| !hours.is_empty()), ..self }
    }

    /// The same with these characters.
    #[must_use]
    pub fn writing(self, alphabet: SenderAlphabet) -> Self {
        Self { alphabet, ..self }
    }

    /// Every limit that counts what it sends; the order is that in which room is taken, the same for all.
    #[must_use]
    pub fn limits(&self) -> Vec<RateLimit> {
        let mut limits: Vec<_> =
            self.own_limit.into_iter().chain(self.registrations.iter().flat_map(Registered::limits)).collect();
        limits.sort_by_key(|limit| (limit.of, limit.window));
        limits
    }

    /// Whether any limit counts what it sends.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.own_limit.is_some() || self.registrations.iter().any(|known| known.limits().next().is_some())
    }

    /// Whether no country needs to be looked at: a number of no country without a list of its own.
    #[must_use]
    pub fn goes_everywhere(&self) -> bool {
        self.kind.is_phone_number() && self.home.is_none() && self.countries.is_empty()
    }
}

/// Why a sender may not send to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCleared {
    /// Nobody can send there from such a sender, or this one is not meant to.
    Closed { why: String },
    /// Something is not approved (yet, or any more).
    Missing { why: String },
}

impl NotCleared {
    /// The reason in words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Closed { why } | Self::Missing { why } => why,
        }
    }

    /// The rule of the policy that it is.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self {
            Self::Closed { .. } => Rule::SenderNotAllowed,
            Self::Missing { .. } => Rule::RegistrationMissing,
        }
    }
}

/// Whether the sender may send to a place now: its countries, the kind's route, and what has to be approved for it.
/// Numbers of no country are no matter of registration.
///
/// # Errors
/// With the reason in words: what is missing and what to do.
pub fn clear(sender: &SenderFacts, place: Option<Place>, now: Timestamp) -> Result<(), NotCleared> {
    place.map_or(Ok(()), |place| clear_for(sender, place.country, now))
}

/// [`clear`] for a country (ISO 3166-1).
///
/// # Errors
/// As [`clear`].
pub fn clear_for(sender: &SenderFacts, country: &str, now: Timestamp) -> Result<(), NotCleared> {
    if !sender.countries.is_empty() && !sender.countries.iter().any(|allowed| allowed == country) {
        let why = format!("This sender is set up for {} and not for {country}.", sender.countries.join(", "));
        return Err(NotCleared::Closed { why });
    }
    let Some(rule) = capability(sender.kind, sender.home.as_deref(), country) else { return Ok(()) };
    if rule.delivery == SenderDelivery::Refused {
        return Err(NotCleared::Closed { why: format!("{} ({country})", rule.note) });
    }
    for kind in &rule.needs {
        let found = sender.registrations.iter().filter(|known| known.kind == *kind && known.covers(country));
        // The best of several counts: an old one that was rejected does no harm.
        let best = found.map(|known| (known.state_at(now), known)).max_by_key(|(state, _)| state.rank());
        let why = match best {
            Some((state, _)) if state.is_approved() => continue,
            Some((state, known)) => format!(
                "{} “{}” is {}: sending to {country} needs it approved. {}",
                kind.label(),
                known.name,
                state.label(),
                state.advice()
            ),
            None => format!("{} is missing: sending to {country} needs it. {}", kind.label(), kind.advice()),
        };
        return Err(NotCleared::Missing { why });
    }
    Ok(())
}

/// Whether carriers take a message with files from the sender to a place, beside what [`clear`] asks. Numbers of no
/// country, such as the range for examples, take everything.
///
/// # Errors
/// With the reason in words.
pub fn clear_files(sender: &SenderFacts, place: Option<Place>) -> Result<(), NotCleared> {
    let Some(Place { country, .. }) = place else { return Ok(()) };
    if carries_mms(sender.kind, sender.home.as_deref(), country) {
        return Ok(());
    }
    let why = format!(
        "Carriers take no pictures or files from this kind of sender to {country}. Use a number that can send MMS there, or \
         put a link into the text."
    );
    Err(NotCleared::Closed { why })
}

/// Whether carriers take messages with files from the sender to any place at all.
#[must_use]
pub fn sends_files(sender: &SenderFacts) -> bool {
    let rules = &CapabilityTable::of_build().mms;
    let from = |rule: &MmsCapability| {
        rule.from.is_empty() || sender.home.as_ref().is_some_and(|home| rule.from.contains(home))
    };
    (sender.kind.is_phone_number() && sender.home.is_none())
        || rules.iter().any(|rule| rule.kind == sender.kind && from(rule))
}

/// What people should know of a sender that may send to a country: that its name is replaced there.
#[must_use]
pub fn caution(sender: &SenderFacts, country: &str) -> Option<&'static str> {
    let rule = capability(sender.kind, sender.home.as_deref(), country)?;
    (rule.delivery == SenderDelivery::Replaced).then_some(rule.note.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RegistrationId,
        registration::{RegistrationKind, RegistrationState},
    };

    const NOW: Timestamp = Timestamp(1_795_453_200_000);
    const FLORIDA: Option<Place> = Some(Place { country: "US", region: Some("US-FL") });

    fn facts(kind: SenderKind, registrations: &[(RegistrationKind, RegistrationState)]) -> SenderFacts {
        let registrations = registrations.iter().map(|(kind, state)| Registered {
            kind: *kind,
            name: "Acme".to_owned(),
            country: None,
            state: *state,
            expires_at: None,
            id: RegistrationId(uuid::Uuid::nil()),
            rates: crate::registration::Rates::default(),
        });
        let home = Some("US".to_owned());
        SenderFacts {
            kind,
            home,
            countries: Vec::new(),
            registrations: registrations.collect(),
            own_limit: None,
            hours: None,
            alphabet: any(),
        }
    }

    #[test]
    fn addresses_fit_their_kind() {
        assert_eq!(SenderKind::LongCode.address("+1 555 010 0999").unwrap(), "+15550100999");
        assert_eq!(SenderKind::LongCode.address("+49 170 1234567").unwrap(), "+491701234567");
        assert!(SenderKind::LongCode.address("ACME").is_err());
        assert_eq!(SenderKind::TenDlc.address("+1 305 555 0100").unwrap(), "+13055550100");
        assert_eq!(SenderKind::TenDlc.address("+491701234567"), Err(InvalidSender::NotTenDlc));
        assert_eq!(SenderKind::TollFree.address("+1 800 555 0100").unwrap(), "+18005550100");
        assert_eq!(SenderKind::TollFree.address("+1 305 555 0100"), Err(InvalidSender::NotTollFree));
        assert_eq!(SenderKind::ShortCode.address("12345").unwrap(), "12345");
        assert!(SenderKind::ShortCode.address("123456789").is_err() && SenderKind::ShortCode.address("12a45").is_err());
        assert_eq!(SenderKind::Alphanumeric.address(" ACME 24 ").unwrap(), "ACME 24");
        for text in ["", "AB", "12345", "ABCDEFGHIJKL", "ACM\u{c9}", "A-B-C"] {
            assert_eq!(SenderKind::Alphanumeric.address(text), Err(InvalidSender::NotAName), "{text}");
        }
        assert!(!SenderKind::Alphanumeric.is_two_way() && SenderKind::TollFree.is_two_way());
    }

    #[test]
    fn a_name_reaches_neither_the_united_states_nor_canada() {
        let name = facts(SenderKind::Alphanumeric, &[]);
        for country in ["US", "CA"] {
            let cleared = clear(&name, Some(Place { country, region: None }), NOW);
            assert!(matches!(cleared, Err(NotCleared::Closed { .. })), "{country}");
        }
        assert_eq!(clear(&name, Some(Place { country: "DE", region: None }), NOW), Ok(()));
        let india = clear(&name, Some(Place { country: "IN", region: None }), NOW);
        assert!(matches!(india, Err(NotCleared::Missing { .. })));
    }

    #[test]
    fn what_a_kind_needs_must_be_approved() {
        use RegistrationKind::{Brand, Campaign, ShortCode, TollFree};
        use RegistrationState::{Approved, Draft, Expired, InReview, Rejected, Submitted};
        for (kind, registrations, clear_to_send) in [
            (SenderKind::TenDlc, &[][..], false),
            (SenderKind::TenDlc, &[(Brand, Approved)], false),
            (SenderKind::TenDlc, &[(Brand, Approved), (Campaign, InReview)], false),
            (SenderKind::TenDlc, &[(Brand, Expired), (Campaign, Approved)], false),
            (SenderKind::TenDlc, &[(Brand, Approved), (Campaign, Approved)], true),
            (SenderKind::TenDlc, &[(Brand, Approved), (Campaign, Rejected), (Campaign, Approved)], true),
            (SenderKind::LongCode, &[], false),
            (SenderKind::TollFree, &[], false),
            (SenderKind::TollFree, &[(TollFree, Submitted)], false),
            (SenderKind::TollFree, &[(TollFree, Approved)], true),
            (SenderKind::ShortCode, &[(ShortCode, Draft)], false),
            (SenderKind::ShortCode, &[(ShortCode, Approved)], true),
        ] {
            let cleared = clear(&facts(kind, registrations), FLORIDA, NOW);
            assert_eq!(cleared.is_ok(), clear_to_send, "{kind} {registrations:?}: {cleared:?}");
        }
        let abroad = clear(&facts(SenderKind::LongCode, &[]), Some(Place { country: "DE", region: None }), NOW);
        assert_eq!(abroad, Ok(()));
        assert_eq!(clear(&facts(SenderKind::TenDlc, &[]), None, NOW), Ok(()), "to the range for examples");
        let example = SenderFacts { home: None, ..facts(SenderKind::LongCode, &[]) };
        assert_eq!(clear(&example, FLORIDA, NOW), Ok(()), "from the range for examples");
        let british = SenderFacts { home: Some("GB".to_owned()), ..facts(SenderKind::LongCode, &[]) };
        assert!(matches!(clear(&british, FLORIDA, NOW), Err(NotCleared::Closed { .. })), "no numbers from abroad");
    }

    #[test]
    fn an_approval_ends_on_its_day_and_holds_in_its_country() {
        let mut short_code =
            facts(SenderKind::ShortCode, &[(RegistrationKind::ShortCode, RegistrationState::Approved)]);
        short_code.registrations[0].country = Some("US".to_owned());
        short_code.registrations[0].expires_at = Some(NOW);
        assert_eq!(clear(&short_code, FLORIDA, NOW.plus(-1)), Ok(()));
        let Err(NotCleared::Missing { why }) = clear(&short_code, FLORIDA, NOW) else { panic!() };
        assert!(why.contains("expired"), "{why}");
        let canada = clear(&short_code, Some(Place { country: "CA", region: None }), NOW.plus(-1));
        assert!(matches!(canada, Err(NotCleared::Missing { .. })), "approved for the United States only");
    }

    #[test]
    fn a_name_that_is_replaced_is_said_to_be() {
        let name = facts(SenderKind::Alphanumeric, &[]);
        assert!(caution(&name, "BR").is_some_and(|words| words.contains("replaced")));
        assert_eq!(clear_for(&name, "BR", NOW), Ok(()));
        assert_eq!(caution(&name, "DE"), None);
    }

    #[test]
    fn what_is_missing_says_what_to_do() {
        use RegistrationKind::TollFree;
        let words = |registrations: &[(RegistrationKind, RegistrationState)]| {
            let cleared = clear_for(&facts(SenderKind::TollFree, registrations), "US", NOW);
            cleared.unwrap_err().words().to_owned()
        };
        assert!(words(&[]).contains("Add it under Setup, Senders"));
        assert!(words(&[(TollFree, RegistrationState::Rejected)]).contains("submit it again"));
        assert!(words(&[(TollFree, RegistrationState::Expired)]).contains("Renew it"));
        assert!(words(&[(TollFree, RegistrationState::InReview)]).contains("Nothing to do"));
    }

    #[test]
    fn a_sender_stays_in_its_countries() {
        let mut long_code = facts(SenderKind::LongCode, &[]);
        long_code.countries = vec!["DE".to_owned(), "AT".to_owned()];
        assert_eq!(clear(&long_code, Some(Place { country: "AT", region: None }), NOW), Ok(()));
        let Err(NotCleared::Closed { why }) = clear(&long_code, Some(Place { country: "CH", region: None }), NOW)
        else {
            panic!()
        };
        assert_eq!(why, "This sender is set up for DE, AT and not for CH.");
    }
}
