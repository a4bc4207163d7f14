//! What must hold for any octets from outside. Each function takes octets, and panics when something does not hold: the
//! tests call them with mutated samples, and the targets below `fuzz/` call the same ones under a coverage-guided fuzzer.

use crate::{
    smpp::{SmppConfig, SubmitSms, fuzz as smpp},
    text::{self, Charset, Encoding, ReferenceWidth, gsm},
    whatsapp::fuzz as whatsapp,
};

/// The body of a signed webhook of WhatsApp: nothing of it is lost, and each element survives storage with its keys.
///
/// # Panics
/// When a property does not hold.
pub fn webhook(octets: &[u8]) {
    whatsapp::webhook(octets);
}

/// An answer of the Graph API: what became of the request is never guessed, and no error has the token in it.
///
/// # Panics
/// When a property does not hold.
pub fn graph_answer(octets: &[u8]) {
    whatsapp::graph_answer(octets);
}

/// A carrier's stream: cut into PDUs, every delivery read, receipts both ways.
///
/// # Panics
/// When a property does not hold.
pub fn smpp_stream(octets: &[u8]) {
    smpp::stream(octets);
}

/// A receipt's text, whatever it says.
///
/// # Panics
/// When a property does not hold.
pub fn receipt(octets: &[u8]) {
    smpp::receipt(octets);
}

/// The GSM alphabet: what was read and can be written reads the same again, packed or not.
///
/// # Panics
/// When a property does not hold.
pub fn gsm_alphabet(octets: &[u8]) {
    let read = gsm::decode(octets);
    if let Ok(written) = gsm::encode(&read) {
        assert_eq!(gsm::decode(&written), read, "what was written reads differently");
        for fill in [0, 1] {
            let unpacked = gsm::unpack(&gsm::pack(&written, fill), fill);
            let ambiguous = matches!(written.last(), Some(0 | b'\r'));
            assert!(unpacked == written || ambiguous, "packing loses septets");
        }
    }
    let unpacked = gsm::unpack(octets, 0);
    assert!(unpacked.len() <= octets.len() * 8 / 7 && unpacked.iter().all(|septet| *septet < 0x80));
    for coding in 0..=u8::MAX {
        let charset = Charset::of_data_coding(coding, Charset::Gsm7Packed);
        let _ = text::decode_lossy(octets.get(..16).unwrap_or(octets), charset);
    }
    let (concatenation, rest) = text::split_header(octets);
    assert!(rest.len() <= octets.len());
    assert!(concatenation.is_none_or(|part| (1..=part.total).contains(&part.number)));
}

/// A message's text: its parts join to it, none is longer than the air carries, and every form of it can be sent.
///
/// # Panics
/// When a property does not hold.
pub fn message_text(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    for width in [ReferenceWidth::Eight, ReferenceWidth::Sixteen] {
        let cut = text::segment_with(&text, width);
        let joined: String = cut.segments.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(joined, text, "parts join to another text");
        let most = match (cut.segments.len(), cut.encoding) {
            (0 | 1, encoding) => encoding.single(),
            (_, encoding) => encoding.per_part(width),
        };
        assert!(cut.segments.iter().all(|part| part.units <= most), "a part is too long");
        assert_eq!(cut.encoding == Encoding::Gsm7, gsm::encode(&text).is_ok());
    }
    if let Some((plain, _)) = text::smart_encode(&text) {
        assert!(gsm::encode(&plain).is_ok(), "smart encoding leaves the alphabet");
    }
    let sms = SubmitSms {
        source: "Acme".to_owned(),
        destination: "+15550100".to_owned(),
        text: text.into_owned(),
        validity: None,
        reference: 7,
    };
    smpp::submits(&sms, &SmppConfig::new("h", 1, "s", "p"));
}
