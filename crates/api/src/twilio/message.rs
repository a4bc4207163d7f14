//! A message as Twilio's dialect shows it, in answers and in status callbacks.

use segue_model::{MediaId, MessageId, Timestamp, id::Id as _, policy::Rule};
use segue_store::{
    direct_message::{DirectMessageView, DirectState},
    text_file::TextFile,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The version of the dialect.
pub(crate) const VERSION: &str = "2010-04-01";

/// The SID of a message: its id in hexadecimal, so the one can be read from the other.
pub(crate) fn sid_of(id: MessageId) -> String {
    format!("SM{}", id.uuid().simple())
}

/// The SID of a message with what it is: `MM` with files, else `SM`.
pub(crate) fn sid_of_view(view: &DirectMessageView) -> String {
    let sid = sid_of(view.id);
    if view.media.is_empty() { sid } else { sid.replacen("SM", "MM", 1) }
}

/// The SID of a file.
fn media_sid(id: MediaId) -> String {
    format!("ME{}", id.uuid().simple())
}

/// The file of a SID.
pub(crate) fn media_of_sid(sid: &str) -> Option<MediaId> {
    let digits = sid.strip_prefix("ME").filter(|digits| digits.len() == 32)?;
    Uuid::try_parse(digits).ok().map(MediaId)
}

/// A file of a message.
pub(crate) fn media_body(account_sid: &str, view: &DirectMessageView, file: &TextFile) -> Value {
    let (parent, sid) = (sid_of_view(view), media_sid(file.id));
    let created = rfc2822(view.created_at);
    json!({
        "sid": sid,
        "account_sid": account_sid,
        "parent_sid": parent,
        "content_type": file.mime,
        "date_created": created,
        "date_updated": created,
        "uri": format!("/{VERSION}/Accounts/{account_sid}/Messages/{parent}/Media/{sid}.json"),
    })
}

/// The message of a SID.
pub(crate) fn id_of_sid(sid: &str) -> Option<MessageId> {
    let digits = sid.strip_prefix("SM").or_else(|| sid.strip_prefix("MM")).filter(|digits| digits.len() == 32)?;
    Uuid::try_parse(digits).ok().map(MessageId)
}

/// The dialect's code of a message that a rule forbids. 21610 tells programs that the person unsubscribed, so that they write
/// to them no more: only what the person said, or did not say, has it.
pub(crate) const fn code_of_rule(rule: Rule) -> u32 {
    match rule {
        Rule::OptedOut | Rule::NoConsent | Rule::ConsentExpired | Rule::RevocationInReview | Rule::Suppressed => 21_610,
        Rule::SenderNotActive => 21_606,
        _ => 21_612,
    }
}

/// The state in the dialect's words, with its error code. It has no word for "nobody can say": such a message is `sent`
/// until a report tells.
pub(crate) fn status(view: &DirectMessageView) -> (&'static str, Option<u32>) {
    let own =
        view.error_code.as_deref().and_then(|code| code.parse().ok()).filter(|code| (20_000..40_000).contains(code));
    match view.state {
        DirectState::Waiting => ("accepted", None),
        DirectState::Queued => ("queued", None),
        DirectState::Sending => ("sending", None),
        DirectState::Sent | DirectState::Unknown => ("sent", None),
        DirectState::Delivered => ("delivered", None),
        DirectState::Read => ("read", None),
        // What had been taken and did not arrive is undelivered; what never left has failed.
        DirectState::Failed if view.sent_at.is_some() => ("undelivered", Some(own.unwrap_or(30_008))),
        DirectState::Failed => ("failed", Some(own.unwrap_or(30_008))),
        DirectState::Suppressed => {
            let rule = view.rule.as_deref().and_then(|rule| Rule::parse(rule).ok());
            ("failed", Some(rule.map_or(21_612, code_of_rule)))
        }
        DirectState::Canceled => ("canceled", None),
        DirectState::Expired => ("failed", Some(30_036)),
        DirectState::Rejected => ("failed", Some(21_211)),
    }
}

/// The resource.
pub(crate) fn body(account_sid: &str, view: &DirectMessageView) -> Value {
    let (status, error_code) = status(view);
    let sid = sid_of_view(view);
    let uri = format!("/{VERSION}/Accounts/{account_sid}/Messages/{sid}");
    json!({
        "sid": sid,
        "account_sid": account_sid,
        "messaging_service_sid": null,
        "to": view.to,
        "from": view.from,
        "body": view.text,
        "status": status,
        "direction": "outbound-api",
        "num_segments": view.segments.unwrap_or(1).to_string(),
        "num_media": view.media.len().to_string(),
        "price": null,
        "price_unit": "USD",
        "error_code": error_code,
        "error_message": error_code.and(view.reason.as_deref()),
        "date_created": rfc2822(view.created_at),
        "date_sent": view.sent_at.map(rfc2822),
        "date_updated": rfc2822(view.delivered_at.or(view.sent_at).unwrap_or(view.created_at)),
        "api_version": VERSION,
        "uri": format!("{uri}.json"),
        "subresource_uris": {"media": format!("{uri}/Media.json")},
    })
}

/// The fields of a status callback.
pub(crate) fn callback_fields(account_sid: &str, view: &DirectMessageView) -> Vec<(String, String)> {
    let (status, error_code) = status(view);
    let sid = sid_of_view(view);
    let mut fields = vec![
        ("MessageSid", sid.clone()),
        ("SmsSid", sid),
        ("AccountSid", account_sid.to_owned()),
        ("MessageStatus", status.to_owned()),
        ("SmsStatus", status.to_owned()),
        ("To", view.to.clone()),
        ("From", view.from.clone().unwrap_or_default()),
        ("ApiVersion", VERSION.to_owned()),
    ];
    fields.extend(error_code.map(|code| ("ErrorCode", code.to_string())));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether nothing more will be told of it.
pub(crate) const fn is_final(state: DirectState) -> bool {
    matches!(
        state,
        DirectState::Delivered
            | DirectState::Read
            | DirectState::Suppressed
            | DirectState::Canceled
            | DirectState::Expired
            | DirectState::Rejected
    )
}

/// A time as in mails, which is the dialect's form.
fn rfc2822(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .ok()
        .and_then(|at| jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_can_be_read_back() {
        let id = MessageId(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(sid_of(id), "SM0123456789abcdef0123456789abcdef");
        assert_eq!(id_of_sid(&sid_of(id)), Some(id));
        assert_eq!(id_of_sid("MM0123456789abcdef0123456789abcdef"), Some(id));
        for wrong in ["", "SM", "SM12", "XX0123456789abcdef0123456789abcdef", "SM0123456789abcdef0123456789abcdeg"] {
            assert_eq!(id_of_sid(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_in_mails() {
        assert_eq!(rfc2822(Timestamp(1_795_453_200_000)), "Mon, 23 Nov 2026 17:00:00 +0000");
    }
}
