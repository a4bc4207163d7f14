use bytes::BytesMut;
use rusmpp::{Pdu, pdus::SubmitSm, tlvs::TlvValue, tokio_codec::CommandCodec, values::DataCoding};
use tokio_util::codec::Decoder;

use super::*;
use crate::{
    smpp::{
        address::NumberingPlan,
        form::{Display, FixedField},
    },
    text::{Charset, ReceivedPart, assemble, decode, split_header},
};

fn sms(text: &str) -> SubmitSms {
    SubmitSms {
        source: "Acme".to_owned(),
        destination: "+4915112345678".to_owned(),
        text: text.to_owned(),
        validity: None,
        reference: 0x1234,
    }
}

fn config() -> SmppConfig {
    SmppConfig::new("h", 1, "s", "p")
}

/// Reads what we write with a library that has never seen our writer.
fn read(sms: &SubmitSms, config: &SmppConfig) -> Vec<SubmitSm> {
    let encoded = sms.pdus(config).unwrap();
    (0..encoded.len())
        .map(|index| {
            let mut wire = Vec::new();
            let sequence = u32::try_from(index).unwrap() + 77;
            encode::copy_with_sequence(&mut wire, encoded.pdu(index), sequence);
            let mut wire = BytesMut::from(&wire[..]);
            let command = CommandCodec::new().decode(&mut wire).unwrap().unwrap();
            assert!(wire.is_empty());
            assert_eq!(command.sequence_number(), sequence);
            match command.pdu() {
                Some(Pdu::SubmitSm(submit)) => submit.clone(),
                other => panic!("{other:?}"),
            }
        })
        .collect()
}

#[test]
fn one_part_has_no_header() {
    let pdus = read(&sms("Price: 5€"), &config());
    assert_eq!(pdus.len(), 1);
    assert_eq!(u8::from(pdus[0].esm_class), 0x00);
    assert_eq!(u8::from(pdus[0].registered_delivery), 1);
    assert_eq!(pdus[0].data_coding, DataCoding::McSpecific);
    assert_eq!(pdus[0].short_message().as_ref(), b"Price: 5\x1B\x65");
    assert_eq!(pdus[0].destination_addr.to_string().trim_end_matches('\0'), "4915112345678");
    assert_eq!((u8::from(pdus[0].source_addr_ton), u8::from(pdus[0].dest_addr_ton)), (5, 1));
}

#[test]
fn parts_share_a_reference_and_fit_140_octets() {
    let pdus = read(&sms(&"я".repeat(140)), &config());
    assert_eq!(pdus.len(), 3);
    for (index, pdu) in pdus.iter().enumerate() {
        let content = pdu.short_message().as_ref();
        assert_eq!(content[..6], [5, 0, 3, 0x34, 3, u8::try_from(index + 1).unwrap()]);
        assert!(content.len() <= 140);
        assert_eq!((u8::from(pdu.esm_class), pdu.data_coding), (0x40, DataCoding::Ucs2));
    }
    let mut wide = config();
    wide.form.long_messages = LongMessages::Header16;
    wide.form.user_reference = UserReference::Send;
    let pdus = read(&sms(&"a".repeat(200)), &wide);
    assert_eq!(pdus[1].short_message().as_ref()[..7], [6, 8, 4, 0x12, 0x34, 2, 2]);
    assert_eq!(pdus[0].tlvs().len(), 1);
}

/// What the phone shows: parts joined by header or by optional fields, or the payload.
fn shown(pdus: &[SubmitSm], charset: Charset) -> String {
    let octet = |pdu: &SubmitSm, wanted: fn(&TlvValue) -> Option<u8>| {
        pdu.tlvs().iter().find_map(|tlv| tlv.value().and_then(wanted))
    };
    let parts: Vec<ReceivedPart> = pdus
        .iter()
        .map(|pdu| {
            let payload = pdu.tlvs().iter().find_map(|tlv| match tlv.value() {
                Some(TlvValue::MessagePayload(payload)) => Some(payload.value.to_vec()),
                _ => None,
            });
            let content = payload.unwrap_or_else(|| pdu.short_message().as_ref().to_vec());
            if u8::from(pdu.esm_class) & 0x40 != 0 {
                let (concatenation, octets) = split_header(&content);
                let concatenation = concatenation.unwrap();
                let octets = match charset {
                    Charset::Gsm7Packed => gsm::unpack(octets, gsm::fill_bits(content.len() - octets.len())),
                    _ => octets.to_vec(),
                };
                let charset = if charset == Charset::Gsm7Packed { Charset::Gsm7 } else { charset };
                return ReceivedPart { total: concatenation.total, number: concatenation.number, charset, octets };
            }
            let total = octet(pdu, |value| match value {
                TlvValue::SarTotalSegments(n) => Some(*n),
                _ => None,
            });
            let number = octet(pdu, |value| match value {
                TlvValue::SarSegmentSeqnum(n) => Some(*n),
                _ => None,
            });
            ReceivedPart { total: total.unwrap_or(1), number: number.unwrap_or(1), charset, octets: content }
        })
        .collect();
    assemble(&parts).unwrap()
}

#[test]
fn every_way_of_long_messages_shows_the_text() {
    let text = "Grüße {aus} Köln für 5 € ".repeat(12);
    for (long_messages, pdus) in
        [(LongMessages::Header8, 3), (LongMessages::Header16, 3), (LongMessages::Sar, 3), (LongMessages::Payload, 1)]
    {
        for (alphabet, charset) in [(Alphabet::Gsm, Charset::Gsm7), (Alphabet::GsmPacked, Charset::Gsm7Packed)] {
            let mut config = config();
            config.form.long_messages = long_messages;
            config.form.alphabet = alphabet;
            let written = read(&sms(&text), &config);
            assert_eq!(written.len(), pdus, "{long_messages:?}");
            if long_messages != LongMessages::Payload {
                assert!(written.iter().all(|pdu| pdu.short_message().as_ref().len() <= 160));
            }
            if alphabet == Alphabet::GsmPacked && long_messages == LongMessages::Sar {
                // Each part is packed by itself, so it is read by itself.
                let whole: String = written
                    .iter()
                    .map(|pdu| decode(pdu.short_message().as_ref(), Charset::Gsm7Packed).unwrap())
                    .collect();
                assert_eq!(whole, text);
                continue;
            }
            assert_eq!(shown(&written, charset), text, "{long_messages:?} {alphabet:?}");
        }
    }
}

#[test]
fn a_payload_counts_as_the_segments_it_becomes() {
    let mut config = config();
    config.form.long_messages = LongMessages::Payload;
    assert_eq!(sms(&"a".repeat(400)).pdus(&config).unwrap().segments, 3);
    assert_eq!(sms("a").pdus(&config).unwrap().segments, 1);
}

#[test]
fn alphabets_and_codes_of_the_account() {
    let coded = |alphabet, coding, text: &str| {
        let mut config = config();
        config.form.alphabet = alphabet;
        config.form.plain_coding = coding;
        let pdu = read(&sms(text), &config).remove(0);
        (u8::from(pdu.data_coding), pdu.short_message().as_ref().to_vec())
    };
    assert_eq!(coded(Alphabet::Gsm, 0, "@ü"), (0, vec![0x00, 0x7E]));
    assert_eq!(coded(Alphabet::Gsm, 0xF1, "@"), (0xF1, vec![0x00]));
    assert_eq!(coded(Alphabet::Latin1, 3, "@ü"), (3, vec![0x40, 0xFC]));
    assert_eq!(coded(Alphabet::Latin1, 0, "5€"), (8, vec![0, 0x35, 0x20, 0xAC]), "Latin-1 has no euro");
    assert_eq!(coded(Alphabet::GsmPacked, 0, "hellohello"), (0, hex::decode("e8329bfd4697d9ec37").unwrap()));
    assert_eq!(coded(Alphabet::Ucs2, 0, "a"), (8, vec![0, 0x61]));
    let mut flash = config();
    flash.form.display = Display::Flash;
    assert_eq!(u8::from(read(&sms("a"), &flash)[0].data_coding), 0x10);
    assert_eq!(u8::from(read(&sms("я"), &flash)[0].data_coding), 0x18);
}

#[test]
fn fixed_fields_and_overrides_of_the_account() {
    let mut config = config();
    config.form.fixed_fields = vec![
        FixedField { tag: 0x1400, value: b"1101234567890\0".to_vec() },
        FixedField { tag: 0x1401, value: vec![0, 9] },
    ];
    config.form.service_type = "CMT".to_owned();
    config.form.protocol_id = 0x41;
    config.form.priority = 2;
    config.form.registered_delivery = 0x11;
    config.form.source_plan = Some(NumberingPlan { ton: 0, npi: 9 });
    config.form.destination_plan = Some(NumberingPlan { ton: 2, npi: 8 });
    let encoded = sms("hi").pdus(&config).unwrap();
    let octets = encoded.pdu(0);
    assert!(octets.ends_with(b"\x14\x00\x00\x0E1101234567890\0\x14\x01\x00\x02\x00\x09"));
    let pdu = read(&sms("hi"), &config).remove(0);
    assert!(pdu.service_type.value().as_ref().starts_with(b"CMT"));
    assert_eq!((pdu.protocol_id, u8::from(pdu.priority_flag), u8::from(pdu.registered_delivery)), (0x41, 2, 0x11));
    assert_eq!((u8::from(pdu.source_addr_ton), u8::from(pdu.source_addr_npi)), (0, 9));
    assert_eq!((u8::from(pdu.dest_addr_ton), u8::from(pdu.dest_addr_npi)), (2, 8));
    // Every part has them.
    assert!(read(&sms(&"a".repeat(400)), &config).iter().all(|pdu| pdu.tlvs().len() == 2));
}

#[test]
fn validity_is_relative() {
    let text = |seconds| {
        let mut sms = sms("hi");
        sms.validity = Some(Duration::from_secs(seconds));
        read(&sms, &config())[0].validity_period.to_string().trim_end_matches('\0').to_owned()
    };
    assert_eq!(text(90_061), "000001010101000R");
    assert_eq!(text(0), "000000000001000R");
    assert_eq!(text(90 * 86_400), "000030000000000R");
    assert!(read(&sms("hi"), &config())[0].validity_period.as_str().trim_end_matches('\0').is_empty());
}

#[test]
fn what_cannot_go_out_is_told_before_sending() {
    let error = |sms: &SubmitSms| sms.pdus(&config()).unwrap_err();
    assert_eq!(error(&sms("")), SubmitError::Empty);
    assert_eq!(error(&sms(&"a".repeat(1_531))), SubmitError::TooLong { parts: 11 });
    assert_eq!(sms(&"a".repeat(1_530)).pdus(&config()).unwrap().len(), 10);
    let mut to_name = sms("hi");
    to_name.destination = "Acme".to_owned();
    assert_eq!(error(&to_name), SubmitError::Destination);
    let mut from_long = sms("hi");
    from_long.source = "A very long company name".to_owned();
    assert_eq!(error(&from_long), SubmitError::Source);
}
