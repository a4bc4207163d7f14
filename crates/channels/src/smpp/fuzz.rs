//! What must hold for any octets of a carrier; see [`crate::fuzz`].

use super::{
    config::SmppConfig,
    deliver::{self, Inbound},
    form::{Alphabet, LongMessages},
    frame::{Frame, HEADER, OptionalFields, command},
    receipt::{Receipt, id_candidates},
    submit::SubmitSms,
};

pub(crate) fn stream(octets: &[u8]) {
    let config = SmppConfig::new("h", 1, "s", "p");
    let mut rest = octets;
    while let Ok(Some((frame, after))) = Frame::cut(rest) {
        assert_eq!(rest.len() - after.len(), HEADER + frame.body.len(), "octets are lost between PDUs");
        rest = after;
        for command_id in [command::DELIVER_SM, command::DATA_SM] {
            match deliver::read(&Frame { command_id, ..frame }, &config) {
                Inbound::Receipt(receipt) => check(&receipt),
                Inbound::Message(message) => {
                    assert!((1..=message.part.total).contains(&message.part.number), "a part outside its message");
                    assert!(!message.fingerprint().is_empty());
                }
            }
        }
    }
}

pub(crate) fn receipt(octets: &[u8]) {
    let text: String = octets.iter().copied().map(char::from).collect();
    let config = SmppConfig::new("h", 1, "s", "p");
    let read = Receipt::read(text.clone(), &OptionalFields::default(), String::new(), String::new(), &config);
    assert_eq!(read.raw, text);
    check(&read);
    super::receipt::check_short_way(&text);
}

fn check(receipt: &Receipt) {
    if let Some(id) = &receipt.message_id {
        let candidates = id_candidates(id);
        assert!(id.trim().is_empty() || candidates.first().is_some_and(|first| first == id.trim()));
    }
    assert!(receipt.external_id().starts_with("receipt:"));
}

pub(crate) fn submits(sms: &SubmitSms, config: &SmppConfig) {
    let mut config = config.clone();
    for alphabet in [Alphabet::Gsm, Alphabet::GsmPacked, Alphabet::Latin1, Alphabet::Ucs2] {
        for long_messages in [LongMessages::Header8, LongMessages::Header16, LongMessages::Sar, LongMessages::Payload] {
            config.form.alphabet = alphabet;
            config.form.long_messages = long_messages;
            let Ok(encoded) = sms.pdus(&config) else { continue };
            for index in 0..encoded.len() {
                let cut = Frame::cut(encoded.pdu(index));
                let Ok(Some((frame, []))) = cut else { panic!("a PDU of ours is not whole") };
                assert_eq!(frame.command_id, command::SUBMIT_SM);
            }
        }
    }
}
