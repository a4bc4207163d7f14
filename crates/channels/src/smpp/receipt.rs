//! Delivery receipts (SMPP 3.4, appendix B), read as tolerantly as carriers write them.
//!
//! The text form is `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`. Carriers change the case, the
//! order, the separators and the date form, leave fields out, or put the facts only into optional fields; where an
//! optional field says the same thing as the text, it wins.

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    config::SmppConfig,
    frame::{OptionalFields, tag},
};
use crate::ErrorClass;

segue_model::text_enum! {
    /// What became of a message (SMPP 3.4, 5.2.28; `scheduled` and `skipped` from 5.0).
    pub enum ReceiptState {
        /// Waits for its time.
        Scheduled = "scheduled",
        /// On its way.
        Enroute = "enroute",
        /// Taken by someone who does not report further.
        Accepted = "accepted",
        /// On the handset.
        Delivered = "delivered",
        /// The validity ended first.
        Expired = "expired",
        /// Deleted at the carrier.
        Deleted = "deleted",
        /// Cannot be delivered.
        Undeliverable = "undeliverable",
        /// Refused by the carrier.
        Rejected = "rejected",
        /// Skipped by the carrier.
        Skipped = "skipped",
        /// The carrier does not know.
        Unknown = "unknown",
    }
}

impl ReceiptState {
    /// Whether nothing further is expected.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped
        )
    }

    /// The kind of failure a final state stands for; `None` for success and for what is still open.
    #[must_use]
    pub const fn error_class(self) -> Option<ErrorClass> {
        match self {
            Self::Expired => Some(ErrorClass::Expired),
            Self::Undeliverable => Some(ErrorClass::InvalidRecipient),
            Self::Rejected => Some(ErrorClass::Filtered),
            Self::Deleted | Self::Skipped => Some(ErrorClass::Unknown),
            Self::Scheduled | Self::Enroute | Self::Accepted | Self::Delivered | Self::Unknown => None,
        }
    }

    const fn of_number(number: u32) -> Self {
        match number {
            0 => Self::Scheduled,
            1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            8 => Self::Rejected,
            9 => Self::Skipped,
            _ => Self::Unknown,
        }
    }

    /// Reads the word of a receipt's text by its beginning: carriers cut and lengthen the seven letters.
    fn of_word(word: &str) -> Self {
        const BEGINNINGS: [(&str, ReceiptState); 18] = [
            ("DELIV", ReceiptState::Delivered),
            ("EXPIR", ReceiptState::Expired),
            ("DELET", ReceiptState::Deleted),
            ("UNDEL", ReceiptState::Undeliverable),
            ("FAIL", ReceiptState::Undeliverable),
            ("ACCEP", ReceiptState::Accepted),
            ("ACKED", ReceiptState::Accepted),
            ("REJ", ReceiptState::Rejected),
            ("ENR", ReceiptState::Enroute),
            ("BUFF", ReceiptState::Enroute),
            ("PEND", ReceiptState::Enroute),
            ("QUEUE", ReceiptState::Enroute),
            ("SENT", ReceiptState::Enroute),
            ("SUBMIT", ReceiptState::Enroute),
            ("SKIP", ReceiptState::Skipped),
            ("SCHED", ReceiptState::Scheduled),
            ("BLOCK", ReceiptState::Rejected),
            ("UNKN", ReceiptState::Unknown),
        ];
        if let Ok(number) = word.parse() {
            return Self::of_number(number);
        }
        let word = word.to_ascii_uppercase();
        BEGINNINGS.iter().find(|(start, _)| word.starts_with(start)).map_or(Self::Unknown, |(_, state)| *state)
    }

    /// Whether carriers write the word for a state.
    fn is_word(word: &str) -> bool {
        Self::of_word(word) != Self::Unknown || word.to_ascii_uppercase().starts_with("UNKN") || word == "7"
    }
}

/// A receipt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The carrier's id as the receipt writes it. Match it with [`id_candidates`].
    pub message_id: Option<String>,
    /// What became of the message.
    pub state: ReceiptState,
    /// The network's or carrier's error code, as written; `000` means none.
    pub error: Option<String>,
    /// When the carrier took the message, by its clock.
    pub submitted_at: Option<Timestamp>,
    /// When the state was reached, by the carrier's clock.
    pub done_at: Option<Timestamp>,
    /// Our reference, when the carrier repeats it.
    pub user_reference: Option<u16>,
    /// The message's recipient: the receipt's source address.
    pub recipient: String,
    /// The message's sender: the receipt's destination address.
    pub sender: String,
    /// Whether nothing but the looks of the text says that it is a receipt: anybody can write such a text.
    #[serde(default)]
    pub is_by_looks: bool,
    /// The whole text, kept to explain a receipt nobody could match.
    pub raw: String,
}

crate::debug::redacted_debug!(Receipt);

impl Receipt {
    /// Key against duplicates: the same state of the same message.
    #[must_use]
    pub fn external_id(&self) -> String {
        let id = self.message_id.as_deref().unwrap_or(&self.raw);
        format!("receipt:{id}:{}:{}:{}", self.state, self.done_at.map_or(0, |at| at.0), self.recipient)
    }

    /// Whether a text looks like a receipt although its class does not say so. A customer can write of an id and a stat.,
    /// too: only a word for a state makes it one.
    pub(super) fn is_likely(text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        lower.trim_start().starts_with("id:")
            && lower.contains("stat:")
            && Written::tolerant(text).state.is_some_and(ReceiptState::is_word)
    }

    /// Reads text and optional fields.
    pub(super) fn read(
        raw: String,
        optional: &OptionalFields<'_>,
        recipient: String,
        sender: String,
        config: &SmppConfig,
    ) -> Self {
        let written = Written::standard(&raw).unwrap_or_else(|| Written::tolerant(&raw));
        let date = |text: Option<&str>| text.and_then(|text| parse_date(text, config.receipt_offset_minutes));
        let network_error = optional.get(tag::NETWORK_ERROR_CODE).and_then(|value| match value {
            [_, high, low] => Some(format!("{:03}", u16::from_be_bytes([*high, *low]))),
            _ => None,
        });
        let state = match optional.number(tag::MESSAGE_STATE) {
            Some(number) => ReceiptState::of_number(number),
            None => written.state.map_or(ReceiptState::Unknown, ReceiptState::of_word),
        };
        Self {
            message_id: optional
                .text(tag::RECEIPTED_MESSAGE_ID)
                .filter(|id| !id.is_empty())
                .or_else(|| written.id.map(str::to_owned)),
            state,
            error: network_error.or_else(|| written.error.map(str::to_owned)),
            submitted_at: date(written.submit_date),
            done_at: date(written.done_date),
            user_reference: optional
                .number(tag::USER_MESSAGE_REFERENCE)
                .and_then(|reference| u16::try_from(reference).ok()),
            recipient,
            sender,
            is_by_looks: false,
            raw,
        }
    }
}

/// What a receipt's text says, still as written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written<'a> {
    id: Option<&'a str>,
    submit_date: Option<&'a str>,
    done_date: Option<&'a str>,
    state: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// The text exactly as the standard's appendix shows it, which most carriers write: read in one pass. `None` at the
    /// first thing that is different.
    fn standard(text: &'a str) -> Option<Self> {
        let mut rest = text;
        let mut field = |name: &str| {
            let (value, after) = rest.strip_prefix(name)?.split_once(' ')?;
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
            rest = after;
            (!value.is_empty() && value.bytes().all(plain)).then_some(value)
        };
        let id = field("id:")?;
        let (_submitted, _delivered) = (field("sub:")?, field("dlvrd:")?);
        let (submit_date, done_date) = (field("submit date:")?, field("done date:")?);
        let (state, error) = (field("stat:")?, field("err:")?);
        rest.get(..5).filter(|name| name.eq_ignore_ascii_case("text:"))?;
        Some(Self {
            id: Some(id),
            submit_date: Some(submit_date),
            done_date: Some(done_date),
            state: Some(state),
            error: Some(error),
        })
    }

    /// Any other text.
    fn tolerant(text: &'a str) -> Self {
        let fields = TextFields::new(text);
        Self {
            id: fields.get(&["id", "msgid", "messageid"]),
            submit_date: fields.get(&["submitdate", "submit_date", "submit date"]),
            done_date: fields.get(&["donedate", "done_date", "done date"]),
            state: fields.get(&["stat", "status", "state"]),
            error: fields.get(&["err", "error"]),
        }
    }
}

/// Both ways of reading a text agree where the short one reads it.
///
/// # Panics
/// When they do not.
pub(super) fn check_short_way(text: &str) {
    if let Some(written) = Written::standard(text) {
        assert_eq!(written, Written::tolerant(text), "the two ways of reading a receipt differ");
    }
}

/// Finds `name:value` in a receipt's text.
struct TextFields<'a> {
    text: &'a str,
    lower: String,
}

impl<'a> TextFields<'a> {
    fn new(text: &'a str) -> Self {
        // ASCII lower case keeps every position.
        Self { text, lower: text.to_ascii_lowercase() }
    }

    /// Where the copy of the message begins; names inside it are the customer's words.
    fn end(&self) -> usize {
        match self.position("text") {
            // A message's own text put first hides nothing: then the whole text is searched.
            Some(start) if start > 4 => start,
            _ => self.text.len(),
        }
    }

    /// Position after `name`, where it stands as a whole word before a colon or equals sign.
    fn position(&self, name: &str) -> Option<usize> {
        self.lower.match_indices(name).find_map(|(start, _)| {
            let before = self.lower[..start].chars().next_back();
            let after = self.lower[start + name.len()..].trim_start();
            let whole = before.is_none_or(|character| !character.is_ascii_alphanumeric() && character != '_');
            (whole && after.starts_with([':', '='])).then_some(start + name.len())
        })
    }

    /// The value of the first of `names` that is there and not empty.
    fn get(&self, names: &[&str]) -> Option<&'a str> {
        let end = self.end();
        names.iter().find_map(|name| {
            let start = self.position(name).filter(|start| *start < end)?;
            let rest = self.text[start..end].trim_start().trim_start_matches([':', '=']).trim_start_matches(' ');
            let value = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).next().unwrap_or("");
            // "id: sub:001": the next name is not a value.
            (!value.is_empty() && !value.contains(':')).then_some(value)
        })
    }
}

/// Reads `YYMMDDhhmm[ss]` or the same with a four-digit year, written in a clock `offset_minutes` east of UTC.
fn parse_date(text: &str, offset_minutes: i32) -> Option<Timestamp> {
    if !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let short = || civil(text, 2);
    let long = || civil(text, 4);
    let at = match text.len() {
        10 => short(),
        12 => short().or_else(long),
        14 => long(),
        _ => None,
    }?;
    let utc = jiff::tz::Offset::UTC.to_timestamp(at).ok()?.as_millisecond();
    Some(Timestamp(utc).plus(-i64::from(offset_minutes) * segue_model::time::MINUTE))
}

/// A date with a year of `width` digits; two digits mean this century.
fn civil(text: &str, width: usize) -> Option<jiff::civil::DateTime> {
    let year: i16 = text.get(..width)?.parse().ok()?;
    let two = |index: usize| -> Option<i8> {
        let start = width + 2 * index;
        match text.get(start..start + 2) {
            Some(digits) => digits.parse().ok(),
            None => Some(0),
        }
    };
    let year = if width == 2 { 2000 + year } else { year };
    jiff::civil::DateTime::new(year, two(0)?, two(1)?, two(2)?, two(3)?, two(4)?, 0).ok()
}

/// The ways the id of a receipt may have been written in the answer to the submit: as it is, in the other case, without
/// leading zeros, and between hexadecimal and decimal. The likeliest first; each once.
#[must_use]
pub fn id_candidates(id: &str) -> Vec<String> {
    let id = id.trim();
    let mut candidates: Vec<String> = Vec::new();
    let mut add = |candidate: String| {
        if !candidate.is_empty() && !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    };
    add(id.to_owned());
    let trimmed = id.trim_start_matches('0');
    add(trimmed.to_owned());
    add(id.to_ascii_lowercase());
    add(id.to_ascii_uppercase());
    add(trimmed.to_ascii_lowercase());
    add(trimmed.to_ascii_uppercase());
    // A sign is no digit, though the parsers would take it.
    if trimmed.bytes().all(|octet| octet.is_ascii_digit())
        && let Ok(number) = trimmed.parse::<u128>()
    {
        for form in [format!("{number:x}"), format!("{number:X}"), format!("{number:08x}"), format!("{number:08X}")] {
            add(form);
        }
        add(format!("{number:010}"));
    }
    if trimmed.bytes().all(|octet| octet.is_ascii_hexdigit())
        && let Ok(number) = u128::from_str_radix(trimmed, 16)
    {
        add(number.to_string());
        add(format!("{number:010}"));
    }
    candidates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::smpp::frame::Fields;

    fn read_with(text: &str, optional: &[u8], offset_minutes: i32) -> Receipt {
        let mut config = SmppConfig::new("h", 1, "s", "p");
        config.receipt_offset_minutes = offset_minutes;
        let optional = Fields(optional).optional();
        Receipt::read(text.to_owned(), &optional, "15550001111".to_owned(), "Acme".to_owned(), &config)
    }

    /// Text, id, state, error, done date (UTC milliseconds; 0 for none).
    type Sample = (&'static str, Option<&'static str>, ReceiptState, Option<&'static str>, i64);

    /// Texts as carriers write them.
    const SAMPLES: &[Sample] = {
        use ReceiptState as S;
        const DONE: i64 = 1_795_428_060_000; // 2026-11-23T10:01:00Z
        &[
            (
                "id:0123456789 sub:001 dlvrd:001 submit date:2611231000 done date:2611231001 stat:DELIVRD err:000 text:Hello there",
                Some("0123456789"),
                S::Delivered,
                Some("000"),
                DONE,
            ),
            (
                "id:0123456789 sub:001 dlvrd:001 submit date:261123100000 done date:261123100100 stat:DELIVRD err:000 text:Hi",
                Some("0123456789"),
                S::Delivered,
                Some("000"),
                DONE,
            ),
            (
                "id:a1b2 sub:001 dlvrd:000 submit date:2611231000 done date:2611231001 stat:UNDELIV err:11B text:",
                Some("a1b2"),
                S::Undeliverable,
                Some("11B"),
                DONE,
            ),
            (
                "ID:A1B2 SUB:001 DLVRD:001 SUBMIT DATE:2611231000 DONE DATE:2611231001 STAT:DELIVRD ERR:000 TEXT:HI",
                Some("A1B2"),
                S::Delivered,
                Some("000"),
                DONE,
            ),
            (
                "id:5 sub:1 dlvrd:1 submit date:2611231000 done date:2611231001 stat:EXPIRED err:27 Text:Hi",
                Some("5"),
                S::Expired,
                Some("27"),
                DONE,
            ),
            ("id:5 stat:REJECTD err:8", Some("5"), S::Rejected, Some("8"), 0),
            ("id:5 stat:DELETED", Some("5"), S::Deleted, None, 0),
            ("id:5 stat:ACCEPTD", Some("5"), S::Accepted, None, 0),
            ("id:5 stat:ENROUTE", Some("5"), S::Enroute, None, 0),
            ("id:5 stat:UNKNOWN", Some("5"), S::Unknown, None, 0),
            ("id:5 stat:SKIPPED", Some("5"), S::Skipped, None, 0),
            ("id:5 stat:SCHEDULED", Some("5"), S::Scheduled, None, 0),
            ("stat:DELIVRD id:77 err:000 done date:2611231001", Some("77"), S::Delivered, Some("000"), DONE),
            (
                "id:77,sub:001,dlvrd:001,submit date:2611231000,done date:2611231001,stat:DELIVRD,err:000,text:Hi",
                Some("77"),
                S::Delivered,
                Some("000"),
                DONE,
            ),
            ("id:77;stat:DELIVRD;err:0", Some("77"), S::Delivered, Some("0"), 0),
            ("id:77 submitdate:2611231000 donedate:2611231001 stat:DELIVRD", Some("77"), S::Delivered, None, DONE),
            (
                "id:77 submit_date:2611231000 done_date:20261123100100 stat:DELIVRD",
                Some("77"),
                S::Delivered,
                None,
                DONE,
            ),
            ("id:77 done date:202611231001 stat:DELIVRD", Some("77"), S::Delivered, None, DONE),
            (
                "id: 77 sub: 001 done date: 2611231001 stat: DELIVRD err: 000",
                Some("77"),
                S::Delivered,
                Some("000"),
                DONE,
            ),
            ("id=77 stat=DELIVRD err=000", Some("77"), S::Delivered, Some("000"), 0),
            ("id:77 stat:DELIVERED", Some("77"), S::Delivered, None, 0),
            ("id:77 stat:UNDELIVERABLE", Some("77"), S::Undeliverable, None, 0),
            ("id:77 stat:UNDELIVERED", Some("77"), S::Undeliverable, None, 0),
            ("id:77 stat:FAILED", Some("77"), S::Undeliverable, None, 0),
            ("id:77 stat:REJECTED", Some("77"), S::Rejected, None, 0),
            ("id:77 stat:ACCEPTED", Some("77"), S::Accepted, None, 0),
            ("id:77 stat:BUFFERED", Some("77"), S::Enroute, None, 0),
            ("id:77 stat:BUFFRED", Some("77"), S::Enroute, None, 0),
            ("id:77 stat:delivrd", Some("77"), S::Delivered, None, 0),
            ("id:77 stat:2", Some("77"), S::Delivered, None, 0),
            ("id:77 stat:5 err:1", Some("77"), S::Undeliverable, Some("1"), 0),
            ("id:77 status:DELIVRD", Some("77"), S::Delivered, None, 0),
            (
                "id:550e8400-e29b-41d4-a716-446655440000 stat:DELIVRD",
                Some("550e8400-e29b-41d4-a716-446655440000"),
                S::Delivered,
                None,
                0,
            ),
            ("id:77 done date:2613991001 stat:DELIVRD", Some("77"), S::Delivered, None, 0),
            ("id:77 done date:yesterday stat:DELIVRD", Some("77"), S::Delivered, None, 0),
            ("id:77 stat:DELIVRD err:000 text:id:99 stat:UNDELIV", Some("77"), S::Delivered, Some("000"), 0),
            ("id:77 stat:DELIVRD err:", Some("77"), S::Delivered, None, 0),
            ("id: sub:001 stat:DELIVRD", None, S::Delivered, None, 0),
            ("sub:001 dlvrd:001", None, S::Unknown, None, 0),
            ("", None, S::Unknown, None, 0),
            ("Ihre Nachricht wurde zugestellt", None, S::Unknown, None, 0),
            ("  id:77   sub:001\r\nstat:DELIVRD\terr:000", Some("77"), S::Delivered, Some("000"), 0),
            ("msgid:77 stat:DELIVRD", Some("77"), S::Delivered, None, 0),
            ("id:77 stat:WHATEVER", Some("77"), S::Unknown, None, 0),
        ]
    };

    #[test]
    fn texts_of_many_carriers() {
        assert!(SAMPLES.len() >= 40);
        for (text, id, state, error, done) in SAMPLES {
            let receipt = read_with(text, &[], 0);
            let found = (
                receipt.message_id.as_deref(),
                receipt.state,
                receipt.error.as_deref(),
                receipt.done_at.map_or(0, |at| at.0),
            );
            assert_eq!(found, (*id, *state, *error, *done), "{text}");
        }
    }

    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        let quick: Vec<_> =
            SAMPLES.iter().filter_map(|sample| Some((sample.0, Written::standard(sample.0)?))).collect();
        assert!(quick.len() >= 3, "the standard's own form is read in one pass");
        for (text, written) in quick {
            assert_eq!(written, Written::tolerant(text), "{text}");
        }
    }

    #[test]
    fn optional_fields_win() {
        let optional = [
            &[0x00, 0x1E, 0, 5][..],
            b"beef\0",
            &[0x04, 0x27, 0, 1, 2],
            &[0x04, 0x23, 0, 3, 3, 0, 27],
            &[0x02, 0x04, 0, 2, 1, 2],
        ]
        .concat();
        let receipt = read_with("id:77 stat:UNDELIV err:999", &optional, 0);
        assert_eq!(receipt.message_id.as_deref(), Some("beef"));
        assert_eq!(receipt.state, ReceiptState::Delivered);
        assert_eq!(receipt.error.as_deref(), Some("027"));
        assert_eq!(receipt.user_reference, Some(0x0102));
    }

    #[test]
    fn the_carriers_clock_is_turned_to_utc() {
        let at = |offset| read_with("id:1 done date:2611231001 stat:DELIVRD", &[], offset).done_at.unwrap();
        assert_eq!(at(0).to_rfc3339(), "2026-11-23T10:01:00.000Z");
        assert_eq!(at(120).to_rfc3339(), "2026-11-23T08:01:00.000Z");
        assert_eq!(at(-300).to_rfc3339(), "2026-11-23T15:01:00.000Z");
    }

    #[test]
    fn ids_in_every_form() {
        let has = |id: &str, other: &str| id_candidates(id).iter().any(|candidate| candidate == other);
        assert_eq!(id_candidates("0913121205")[..2], ["0913121205", "913121205"]);
        assert!(has("913121205", "0913121205"), "padded to ten digits");
        assert!(has("255", "ff") && has("255", "FF") && has("255", "000000ff"));
        assert!(has("ff", "255") && has("FF", "ff") && has("000000FF", "255"));
        assert!(has("3E8", "1000") && has("1000", "3e8"));
        assert!(!has("550e8400-e29b", "0"));
        assert_eq!(id_candidates(""), Vec::<String>::new());
        assert_eq!(id_candidates("+5"), ["+5"]);
    }

    #[test]
    fn finals_and_classes() {
        use ReceiptState as S;
        let finals: Vec<_> = S::ALL.iter().copied().filter(|state| state.is_final()).collect();
        assert_eq!(finals, [S::Delivered, S::Expired, S::Deleted, S::Undeliverable, S::Rejected, S::Skipped]);
        assert_eq!(S::Delivered.error_class(), None);
        for state in finals.into_iter().filter(|state| *state != S::Delivered) {
            assert!(state.error_class().is_some(), "{state}");
        }
        for number in 0..=9 {
            assert_eq!(S::of_number(number) == S::Unknown, number == 7, "{number}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_never_reads_anything_else(
            text in "id:[0-9a-f:,=-]{0,8} sub:[0-9]{0,3} dlvrd:[0-9]{0,3} submit date:[0-9 ]{0,12} done date:[0-9]{0,12} \
                stat:[A-Z:;]{0,7} err:[0-9A-Z=]{0,3} ?[tT]?ext:[ -~]{0,20}"
        ) {
            if let Some(written) = Written::standard(&text) {
                prop_assert_eq!(written, Written::tolerant(&text));
            }
        }

        #[test]
        fn any_text_is_read(text in "(id|stat|done date|text|err|[:= ,;0-9a-zé]){0,40}") {
            let receipt = read_with(&text, &[], 0);
            prop_assert_eq!(&receipt.raw, &text);
            let json = serde_json::to_string(&receipt).unwrap();
            prop_assert!(serde_json::from_str::<Receipt>(&json).unwrap() == receipt);
        }
    }
}
