//! Delivery receipts: the text of SMPP 3.4 appendix B and the state codes of section 5.2.28.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// State code of the TLV message_state for the word in the receipt text.
pub(crate) fn state_code(state: &str) -> u8 {
    match state {
        "ENROUTE" => 1,
        "DELIVRD" => 2,
        "EXPIRED" => 3,
        "DELETED" => 4,
        "UNDELIV" => 5,
        "ACCEPTD" => 6,
        "REJECTD" => 8,
        _ => 7,
    }
}

/// The receipt text. Times are UTC; `text` are the first characters of the message.
pub(crate) fn body(message_id: &str, submitted_at: i64, done_at: i64, state: &str, text: &str) -> String {
    let delivered = if state == "DELIVRD" { "001" } else { "000" };
    let error = if state == "DELIVRD" { "000" } else { "011" };
    let excerpt: String =
        text.chars().take(20).map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect();
    format!(
        "id:{message_id} sub:001 dlvrd:{delivered} submit date:{} done date:{} stat:{state} err:{error} text:{excerpt}",
        minute(submitted_at),
        minute(done_at),
    )
}

/// `YYMMDDhhmm`.
pub(super) fn minute(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(TimeZone::UTC);
    at.strftime("%y%m%d%H%M").to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn appendix_b() {
        assert_eq!(
            super::body("42", 1_795_000_000_000, 1_795_000_060_000, "DELIVRD", "Hello über the top of it all"),
            "id:42 sub:001 dlvrd:001 submit date:2611181106 done date:2611181107 stat:DELIVRD err:000 text:Hello ?ber the top o"
        );
    }
}
