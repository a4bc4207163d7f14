//! Settings of an account at an SMS carrier, as they are stored, applied from YAML and edited in the console.
//!
//! Everything but the address and the credentials has a default that suits most carriers.

use segue_model::sms_writing::SmsWriting;
pub use segue_model::sms_writing::{LongSms, SmsAlphabet};
use serde::{Deserialize, Serialize};

segue_model::text_enum! {
    /// What the connections of an account may do.
    pub enum BindMode {
        /// Send and receive on one connection.
        Transceiver = "transceiver",
        /// One connection to send and one to receive.
        Pair = "pair",
        /// Send only.
        Transmitter = "transmitter",
        /// Receive only.
        Receiver = "receiver",
    }
}

segue_model::text_enum! {
    /// Whether the connection is encrypted, and whom it trusts then.
    pub enum TlsMode {
        /// Not encrypted.
        Off = "off",
        /// A certificate that a public authority signed.
        Public = "public",
        /// A certificate signed by the authority given in `tls_authority`.
        Authority = "authority",
        /// The certificate with the fingerprint given in `tls_fingerprint`.
        Pinned = "pinned",
    }
}

segue_model::text_enum! {
    /// How the phone shows a message.
    pub enum SmsDisplay {
        /// Into the inbox.
        Stored = "stored",
        /// Straight onto the screen.
        Flash = "flash",
    }
}

segue_model::text_enum! {
    /// Which messages are sent again when nobody can say whether they went out.
    pub enum ResendUnknown {
        /// None: nobody gets a message twice, and some may get none.
        Never = "never",
        /// Those of a conversation, not of campaigns.
        Service = "service",
        /// All: nobody misses a message, and some may get it twice.
        All = "all",
    }
}

/// An optional field that goes out with every message of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppField {
    /// Its tag, such as 5120 (0x1400).
    pub tag: u16,
    /// A text, which goes out with a NUL at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Octets in hexadecimal digits, for fields that are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

impl SmppField {
    /// Its octets. `None` when neither or both forms are given, or the digits are none.
    #[must_use]
    pub fn octets(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.hex) {
            (Some(text), None) if !text.contains('\0') => Some([text.as_bytes(), b"\0"].concat()),
            (None, Some(digits)) => hex::decode(digits).ok(),
            _ => None,
        }
    }
}

/// An account at an SMS carrier.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppConfig {
    pub host: String,
    pub port: u16,
    pub system_id: String,
    pub password: String,
    #[serde(default)]
    pub system_type: String,
    #[serde(default = "transceiver")]
    pub bind: BindMode,
    /// How many binds are held at once; a pair counts as one.
    #[serde(default = "one")]
    pub binds: u8,
    /// Most submits without an answer, for each bind.
    #[serde(default = "ten")]
    pub window: u16,
    /// Most segments per second of the whole account.
    #[serde(default = "hundred")]
    pub segments_per_second: u32,
    #[serde(default = "no_tls")]
    pub tls: TlsMode,
    /// The name in the carrier's certificate; the host's when it is empty.
    #[serde(default)]
    pub tls_server_name: String,
    /// Certificates of the authority in PEM form, for [`TlsMode::Authority`].
    #[serde(default)]
    pub tls_authority: String,
    /// SHA-256 of the certificate in hexadecimal digits, for [`TlsMode::Pinned`].
    #[serde(default)]
    pub tls_fingerprint: String,
    /// A silent connection is probed after this many seconds.
    #[serde(default = "thirty")]
    pub enquire_link_seconds: u16,
    /// A submit without an answer for this many seconds is in doubt.
    #[serde(default = "thirty")]
    pub response_seconds: u16,
    #[serde(default = "gsm")]
    pub alphabet: SmsAlphabet,
    /// `data_coding` of texts of that alphabet; without one 3 for Latin-1 and 0 otherwise.
    #[serde(default)]
    pub plain_coding: Option<u8>,
    /// `data_coding` of other texts.
    #[serde(default = "ucs2_coding")]
    pub ucs2_coding: u8,
    #[serde(default = "stored")]
    pub display: SmsDisplay,
    #[serde(default = "header8")]
    pub long_messages: LongSms,
    /// `service_type`, at most five characters.
    #[serde(default)]
    pub service_type: String,
    #[serde(default)]
    pub protocol_id: u8,
    /// `priority_flag`, 0 to 3.
    #[serde(default)]
    pub priority: u8,
    /// `registered_delivery`: 1 for receipts of success and failure, 2 of failure only, 0 for none.
    #[serde(default = "one")]
    pub registered_delivery: u8,
    /// Type and plan of every sender, instead of those of its kind.
    #[serde(default)]
    pub source_ton: Option<u8>,
    #[serde(default)]
    pub source_npi: Option<u8>,
    /// Type and plan of every recipient.
    #[serde(default)]
    pub destination_ton: Option<u8>,
    #[serde(default)]
    pub destination_npi: Option<u8>,
    /// The carrier's clock in receipts, in minutes east of UTC.
    #[serde(default)]
    pub receipt_clock_minutes: i32,
    /// Optional fields of every message.
    #[serde(default)]
    pub fields: Vec<SmppField>,
    #[serde(default = "never")]
    pub resend_unknown: ResendUnknown,
}

const fn transceiver() -> BindMode {
    BindMode::Transceiver
}
const fn one() -> u8 {
    1
}
const fn ten() -> u16 {
    10
}
const fn thirty() -> u16 {
    30
}
const fn hundred() -> u32 {
    100
}
const fn no_tls() -> TlsMode {
    TlsMode::Off
}
const fn gsm() -> SmsAlphabet {
    SmsAlphabet::Gsm
}
const fn ucs2_coding() -> u8 {
    0x08
}
const fn stored() -> SmsDisplay {
    SmsDisplay::Stored
}
const fn header8() -> LongSms {
    LongSms::Header8
}
const fn never() -> ResendUnknown {
    ResendUnknown::Never
}

impl SmppConfig {
    /// What decides into how many segments its texts are cut.
    #[must_use]
    pub const fn writing(&self) -> SmsWriting {
        SmsWriting { alphabet: self.alphabet, long_messages: self.long_messages }
    }

    /// An account with the usual settings.
    #[must_use]
    pub fn new(host: &str, port: u16, system_id: &str, password: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            system_type: String::new(),
            bind: transceiver(),
            binds: one(),
            window: ten(),
            segments_per_second: hundred(),
            tls: no_tls(),
            tls_server_name: String::new(),
            tls_authority: String::new(),
            tls_fingerprint: String::new(),
            enquire_link_seconds: thirty(),
            response_seconds: thirty(),
            alphabet: gsm(),
            plain_coding: None,
            ucs2_coding: ucs2_coding(),
            display: stored(),
            long_messages: header8(),
            service_type: String::new(),
            protocol_id: 0,
            priority: 0,
            registered_delivery: one(),
            source_ton: None,
            source_npi: None,
            destination_ton: None,
            destination_npi: None,
            receipt_clock_minutes: 0,
            fields: Vec::new(),
            resend_unknown: never(),
        }
    }

    /// The first setting that no carrier could work with: its name, and what to do about it.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        /// A setting, when it is wrong, and what to do about it.
        type Rule = (&'static str, fn(&SmppConfig) -> bool, &'static str);
        const RULES: &[Rule] = &[
            ("host", |c| c.host.trim().is_empty(), "Give the carrier's host name."),
            ("window", |c| c.window == 0, "At least 1 message has to be on its way."),
            ("segments_per_second", |c| c.segments_per_second == 0, "At least 1 segment per second has to go out."),
            ("binds", |c| !(1..=32).contains(&c.binds), "Hold between 1 and 32 connections."),
            (
                "enquire_link_seconds",
                |c| !(1..=3_600).contains(&c.enquire_link_seconds),
                "Probe after 1 second to 1 hour.",
            ),
            ("response_seconds", |c| !(1..=90).contains(&c.response_seconds), "Wait 1 to 90 seconds for an answer."),
            (
                "tls_authority",
                |c| c.tls == TlsMode::Authority && !c.tls_authority.contains("-----BEGIN CERTIFICATE-----"),
                "Paste the authority's certificate; it begins with -----BEGIN CERTIFICATE-----.",
            ),
            (
                "tls_fingerprint",
                |c| {
                    let digits = || c.tls_fingerprint.chars().filter(|each| !matches!(each, ':' | ' '));
                    c.tls == TlsMode::Pinned
                        && !(digits().count() == 64 && digits().all(|each| each.is_ascii_hexdigit()))
                },
                "Give the certificate's SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.",
            ),
            ("service_type", |c| c.service_type.len() > 5, "The service type has at most 5 characters."),
            ("priority", |c| c.priority > 3, "The priority is 0 to 3."),
            (
                "receipt_clock_minutes",
                |c| !(-840..=840).contains(&c.receipt_clock_minutes),
                "The carrier's clock is at most 14 hours (840 minutes) away from UTC.",
            ),
            (
                "fields",
                |c| c.fields.iter().any(|field| field.octets().is_none_or(|octets| octets.len() > 254)),
                "Each optional field needs a tag and either a text or hexadecimal digits, of at most 254 octets.",
            ),
        ];
        RULES.iter().find(|(_, broken, _)| broken(self)).map(|(field, _, words)| (*field, *words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_from_before_these_settings_reads_as_the_usual_one() {
        let old = r#"{"host":"h","port":2775,"system_id":"s","password":"p"}"#;
        let read: SmppConfig = serde_json::from_str(old).unwrap();
        assert!(read == SmppConfig::new("h", 2775, "s", "p"));
        assert_eq!(read.fault(), None);
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let fault = |change: fn(&mut SmppConfig)| {
            let mut config = SmppConfig::new("h", 2775, "s", "p");
            change(&mut config);
            config.fault().map(|(field, _)| field)
        };
        assert_eq!(fault(|c| c.host.clear()), Some("host"));
        assert_eq!(fault(|c| c.window = 0), Some("window"));
        assert_eq!(fault(|c| c.segments_per_second = 0), Some("segments_per_second"));
        assert_eq!(fault(|c| c.binds = 0), Some("binds"));
        assert_eq!(fault(|c| c.tls = TlsMode::Authority), Some("tls_authority"));
        assert_eq!(fault(|c| c.tls = TlsMode::Pinned), Some("tls_fingerprint"));
        assert_eq!(fault(|c| c.response_seconds = 91), Some("response_seconds"));
        assert_eq!(fault(|c| c.priority = 4), Some("priority"));
        let field = |text: Option<&str>, hex: Option<&str>| SmppField {
            tag: 0x1400,
            text: text.map(str::to_owned),
            hex: hex.map(str::to_owned),
        };
        for wrong in [field(None, None), field(Some("a"), Some("00")), field(None, Some("0g"))] {
            let mut config = SmppConfig::new("h", 2775, "s", "p");
            config.fields = vec![wrong];
            assert_eq!(config.fault().map(|(field, _)| field), Some("fields"));
        }
        assert_eq!(field(Some("110"), None).octets().unwrap(), b"110\0");
        assert_eq!(field(None, Some("0a0B")).octets().unwrap(), [0x0A, 0x0B]);
    }
}
