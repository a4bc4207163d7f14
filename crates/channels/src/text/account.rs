//! The segments of a text on one account: what the plan, the check, the limits and the wire all count.

use segue_model::sms_writing::{LongSms, SmsAlphabet, SmsWriting};

use super::{Encoding, ReferenceWidth, Segmentation, segment_as, segment_with};

/// The width of the reference that parts leave room for.
#[must_use]
pub const fn reference_width(long_messages: LongSms) -> ReferenceWidth {
    match long_messages {
        LongSms::Header16 => ReferenceWidth::Sixteen,
        LongSms::Header8 | LongSms::Sar | LongSms::Payload => ReferenceWidth::Eight,
    }
}

/// Cuts `text` as an account that writes like this sends it: in UCS-2 where the account's alphabet lacks a character, or
/// is UCS-2.
#[must_use]
pub fn segment_on(text: &str, writing: SmsWriting) -> Segmentation {
    let width = reference_width(writing.long_messages);
    let cut = segment_with(text, width);
    let is_plain = cut.encoding == Encoding::Gsm7
        && match writing.alphabet {
            SmsAlphabet::Gsm | SmsAlphabet::GsmPacked => true,
            SmsAlphabet::Latin1 => text.chars().all(|character| u32::from(character) <= 0xFF),
            SmsAlphabet::Ucs2 => false,
        };
    if is_plain || cut.encoding == Encoding::Ucs2 {
        return cut;
    }
    segment_as(text, Encoding::Ucs2, width)
}

/// How many segments a text takes on an account; an empty one leaves as one, too.
#[must_use]
pub fn segments_on(text: &str, writing: SmsWriting) -> usize {
    // No text of 70 octets needs more than one in any alphabet.
    if text.len() <= Encoding::Ucs2.single() { 1 } else { segment_on(text, writing).segments.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_as_many_segments_as_its_account_needs() {
        use LongSms::{Header8, Header16};
        use SmsAlphabet::{Gsm, Latin1, Ucs2};
        let letters = "a".repeat(700);
        for (text, alphabet, long_messages, segments) in [
            (letters.as_str(), Gsm, Header8, 5),
            (&letters, Ucs2, Header8, 11),
            (&letters, Latin1, Header8, 5),
            (&"a".repeat(306), Gsm, Header8, 2),
            (&"a".repeat(306), Gsm, Header16, 3),
            (&"a".repeat(134), Ucs2, Header8, 2),
            (&"a".repeat(134), Ucs2, Header16, 3),
            // The GSM alphabet has the euro and Greek capitals, Latin-1 has neither.
            (&format!("{}€", "a".repeat(80)), Gsm, Header8, 1),
            (&format!("{}€", "a".repeat(80)), Latin1, Header8, 2),
            (&format!("{}Ω", "a".repeat(80)), Latin1, Header8, 2),
            (&"я".repeat(80), Gsm, Header8, 2),
            ("", Ucs2, Header8, 0),
        ] {
            let cut = segment_on(text, SmsWriting { alphabet, long_messages });
            assert_eq!(cut.segments.len(), segments, "{} {alphabet} {long_messages}", text.len());
            assert_eq!(segments_on(text, SmsWriting { alphabet, long_messages }), segments.max(1));
        }
    }
}
