//! An SMS account's stored settings as the session with the carrier takes them.

use std::time::Duration;

use segue_channels::{
    ErrorClass,
    smpp::{
        AddressPlan, BindKind, Display, FixedField, NumberingPlan, SmppConfig as Account, SubmitForm, Tls, TlsError,
        Trust,
    },
    text::Charset,
};
use segue_model::delivery::MessageClass;
use segue_store::{
    channel::{BindMode, Channel, ChannelConfig, ResendUnknown, SmppConfig, SmsAlphabet, SmsDisplay, TlsMode},
    submission::{Cost, Failure},
};

use crate::settle::Outcome;

/// The account of these settings.
///
/// # Errors
/// When the TLS settings cannot be used.
pub(crate) fn account(config: &SmppConfig) -> Result<Account, TlsError> {
    let mut account = Account::new(&config.host, config.port, &config.system_id, &config.password);
    account.system_type.clone_from(&config.system_type);
    account.tls = tls(config)?;
    account.bind = match config.bind {
        BindMode::Transceiver => BindKind::Transceiver,
        BindMode::Pair => BindKind::Pair,
        BindMode::Transmitter => BindKind::Transmitter,
        BindMode::Receiver => BindKind::Receiver,
    };
    account.binds = usize::from(config.binds.max(1));
    account.window = usize::from(config.window.max(1));
    account.per_second = config.segments_per_second.max(1);
    account.enquire_link = Duration::from_secs(config.enquire_link_seconds.max(1).into());
    account.response_timeout = Duration::from_secs(config.response_seconds.max(1).into());
    account.receipt_offset_minutes = config.receipt_clock_minutes;
    account.default_charset = match (config.alphabet, config.plain_coding) {
        (SmsAlphabet::GsmPacked, _) => Charset::Gsm7Packed,
        // An account that sends Latin-1 as the carrier's default alphabet receives it as that, too.
        (SmsAlphabet::Latin1, Some(0)) => Charset::Latin1,
        (SmsAlphabet::Gsm | SmsAlphabet::Latin1 | SmsAlphabet::Ucs2, _) => Charset::Gsm7,
    };
    account.form = form(config);
    Ok(account)
}

fn tls(config: &SmppConfig) -> Result<Option<Tls>, TlsError> {
    let trust = match config.tls {
        TlsMode::Off => return Ok(None),
        TlsMode::Public => Trust::Public,
        TlsMode::Authority => Trust::Authority(config.tls_authority.clone()),
        TlsMode::Pinned => Trust::Pinned(config.tls_fingerprint.clone()),
    };
    let name = Some(config.tls_server_name.trim()).filter(|name| !name.is_empty()).unwrap_or(&config.host);
    Tls::new(name, &trust).map(Some)
}

fn form(config: &SmppConfig) -> SubmitForm {
    let usual = AddressPlan::default().international;
    let plan = |ton: Option<u8>, npi: Option<u8>| {
        (ton.is_some() || npi.is_some())
            .then(|| NumberingPlan { ton: ton.unwrap_or(usual.ton), npi: npi.unwrap_or(usual.npi) })
    };
    let coding = match config.alphabet {
        SmsAlphabet::Gsm | SmsAlphabet::GsmPacked | SmsAlphabet::Ucs2 => 0x00,
        SmsAlphabet::Latin1 => 0x03,
    };
    SubmitForm {
        service_type: config.service_type.clone(),
        protocol_id: config.protocol_id,
        priority: config.priority,
        registered_delivery: config.registered_delivery,
        source_plan: plan(config.source_ton, config.source_npi),
        destination_plan: plan(config.destination_ton, config.destination_npi),
        alphabet: config.alphabet,
        plain_coding: config.plain_coding.unwrap_or(coding),
        ucs2_coding: config.ucs2_coding,
        display: match config.display {
            SmsDisplay::Stored => Display::Stored,
            SmsDisplay::Flash => Display::Flash,
        },
        long_messages: config.long_messages,
        fixed_fields: config
            .fields
            .iter()
            .filter_map(|field| Some(FixedField { tag: field.tag, value: field.octets()? }))
            .collect(),
        ..SubmitForm::default()
    }
}

/// Most messages of the account on the wire at once, over all of its binds.
pub(crate) fn window(config: &SmppConfig) -> usize {
    usize::from(config.window.max(1)) * usize::from(config.binds.max(1))
}

/// Whether a message of this class is sent again when nobody can say whether it went out: the account's owner has then
/// chosen that nobody misses it over nobody getting it twice.
const fn resends_unknown(config: &SmppConfig, class: MessageClass) -> bool {
    match config.resend_unknown {
        ResendUnknown::Never => false,
        ResendUnknown::Service => matches!(class, MessageClass::Service),
        ResendUnknown::All => true,
    }
}

/// What becomes of a message about which nobody can say whether it went out. When the account sends such messages again,
/// it is put back like one that did not leave, uses up an attempt, and goes out unless its validity has ended or its
/// contact was deleted meanwhile; then, and when parts of it certainly left, it stays in doubt.
pub(crate) fn of_doubt(channel: &Channel, class: MessageClass, outcome: Outcome) -> Outcome {
    match (&channel.config, outcome) {
        (ChannelConfig::Smpp(config), Outcome::Unknown { reason, provider_ids })
            if provider_ids.is_empty() && resends_unknown(config, class) =>
        {
            let failure = Failure { class: ErrorClass::Unknown.as_str().to_owned(), code: None, reason };
            Outcome::NotSent { failure, wait: None, cost: Cost::Doubt }
        }
        (_, outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use segue_store::channel::LongSms;

    use super::*;

    #[test]
    fn settings_reach_the_session() {
        let mut config = SmppConfig::new("smsc.example", 3550, "s", "p");
        config.bind = BindMode::Pair;
        config.binds = 3;
        config.tls = TlsMode::Public;
        config.alphabet = SmsAlphabet::Latin1;
        config.source_ton = Some(5);
        config.long_messages = LongSms::Payload;
        config.fields = vec![segue_store::channel::SmppField { tag: 0x1400, text: Some("1".to_owned()), hex: None }];
        let account = account(&config).unwrap();
        assert_eq!((account.bind, account.binds, account.tls.is_some()), (BindKind::Pair, 3, true));
        assert_eq!((account.form.alphabet, account.form.plain_coding), (SmsAlphabet::Latin1, 3));
        assert_eq!(account.form.source_plan, Some(NumberingPlan { ton: 5, npi: 1 }));
        assert_eq!(account.form.destination_plan, None);
        assert_eq!(account.form.long_messages, LongSms::Payload);
        assert_eq!(account.form.fixed_fields, [FixedField { tag: 0x1400, value: b"1\0".to_vec() }]);
        config.tls = TlsMode::Authority;
        config.tls_authority = "-----BEGIN CERTIFICATE-----\nnonsense".to_owned();
        assert!(super::account(&config).is_err());
    }

    #[test]
    fn only_what_was_chosen_is_sent_again() {
        let mut config = SmppConfig::new("h", 1, "s", "p");
        assert!(!resends_unknown(&config, MessageClass::Service));
        config.resend_unknown = ResendUnknown::Service;
        assert!(resends_unknown(&config, MessageClass::Service));
        assert!(!resends_unknown(&config, MessageClass::Marketing));
        config.resend_unknown = ResendUnknown::All;
        assert!(resends_unknown(&config, MessageClass::Marketing));
    }
}
