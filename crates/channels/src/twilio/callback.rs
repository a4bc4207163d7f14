//! What the provider calls us with: status callbacks and inbound texts.

use segue_model::{MessageId, delivery::Report, mms::MOST_FILES};
use serde::{Deserialize, Serialize};

use super::{MESSAGE_ID_PARAMETER, codes};
use crate::debug::redacted_debug;

/// Something that came by webhook, as it is kept in the inbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TwilioItem {
    /// What became of a message of ours.
    Status(StatusCallback),
    /// A text of a customer.
    Text(InboundText),
}

/// What became of a message of ours. They come in any order and more than once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCallback {
    /// The provider's id, `SM…`; empty when the request was refused before there was one.
    pub sid: String,
    /// The provider's word: `queued`, `sent`, `delivered`, `undelivered`, `failed` …
    pub status: String,
    /// Why, for `undelivered` and `failed`.
    pub error_code: Option<i64>,
    /// The recipient, E.164.
    pub to: Option<String>,
    /// Our own id, from the address of the callback.
    pub message_id: Option<MessageId>,
}

/// A text of a customer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundText {
    /// The provider's id.
    pub sid: String,
    /// The customer, E.164.
    pub from: String,
    /// Our number.
    pub to: String,
    /// What was written.
    pub text: String,
    /// Set when the provider took it for a keyword and has answered it already (Advanced Opt-Out).
    pub opt_out: Option<OptOutType>,
    /// Its files, where it is an MMS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<InboundFile>,
}

/// A file of an inbound MMS, still at the provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundFile {
    /// Where the provider has it. Whether it is the provider's address is for whoever fetches it to check.
    pub url: String,
    /// As the provider says.
    pub mime: String,
}

redacted_debug!(TwilioItem, StatusCallback, InboundText, InboundFile);

segue_model::text_enum! {
    /// What the provider took an inbound text for.
    pub enum OptOutType {
        Stop = "STOP",
        Start = "START",
        Help = "HELP",
    }
}

/// A callback lacks what it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The webhook has no {0}.")]
pub struct UnreadableCallback(&'static str);

impl TwilioItem {
    /// The same for every repeat of the same news.
    #[must_use]
    pub fn external_id(&self) -> String {
        match self {
            Self::Status(status) => {
                let code = status.error_code.map(|code| code.to_string()).unwrap_or_default();
                let own = status.message_id.map(|id| id.to_string()).unwrap_or_default();
                let id = if status.sid.is_empty() { &own } else { &status.sid };
                format!("status:{id}:{}:{code}", status.status)
            }
            Self::Text(text) => format!("text:{}", text.sid),
        }
    }

    /// What must stay in order: the texts of one customer; the news of one message.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::Status(status) => &status.sid,
            Self::Text(text) => &text.from,
        }
    }
}

impl StatusCallback {
    /// The report it amounts to. `None` for words that say nothing new.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        match self.status.as_str() {
            "accepted" | "scheduled" | "queued" | "sending" | "sent" => Some(Report::Accepted),
            "delivered" => Some(Report::Delivered),
            "read" => Some(Report::Read),
            "undelivered" | "failed" | "canceled" => Some(Report::Failed),
            _ => None,
        }
    }

    /// Whether it says that the recipient has stopped our messages.
    #[must_use]
    pub fn is_opt_out(&self) -> bool {
        self.error_code == Some(codes::OPTED_OUT)
    }
}

/// Reads a status callback: the form, and the query of the address it came to.
///
/// # Errors
/// When it names no message or no status.
pub fn read_status(
    fields: &[(String, String)],
    query: &[(String, String)],
) -> Result<StatusCallback, UnreadableCallback> {
    let sid = field(fields, "MessageSid").or_else(|| field(fields, "SmsSid"));
    let status = field(fields, "MessageStatus").or_else(|| field(fields, "SmsStatus"));
    Ok(StatusCallback {
        sid: sid.ok_or(UnreadableCallback("MessageSid"))?.to_owned(),
        status: status.ok_or(UnreadableCallback("MessageStatus"))?.to_ascii_lowercase(),
        error_code: field(fields, "ErrorCode").and_then(|code| code.trim().parse().ok()),
        to: field(fields, "To").map(str::to_owned),
        message_id: field(query, MESSAGE_ID_PARAMETER).and_then(|id| id.parse().ok()),
    })
}

/// Reads an inbound text.
///
/// # Errors
/// When it names no message, no sender or no recipient.
pub fn read_inbound(fields: &[(String, String)]) -> Result<InboundText, UnreadableCallback> {
    let sid = field(fields, "MessageSid").or_else(|| field(fields, "SmsMessageSid"));
    Ok(InboundText {
        sid: sid.ok_or(UnreadableCallback("MessageSid"))?.to_owned(),
        from: field(fields, "From").ok_or(UnreadableCallback("From"))?.to_owned(),
        to: field(fields, "To").ok_or(UnreadableCallback("To"))?.to_owned(),
        text: fields.iter().find(|(name, _)| name == "Body").map(|(_, text)| text.clone()).unwrap_or_default(),
        opt_out: field(fields, "OptOutType").and_then(|word| OptOutType::parse(&word.to_ascii_uppercase()).ok()),
        media: inbound_files(fields),
    })
}

/// The files that a webhook names, `MediaUrl0` and those that follow: as many as it says, and as a message can have.
fn inbound_files(fields: &[(String, String)]) -> Vec<InboundFile> {
    let count = field(fields, "NumMedia").and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or_default();
    (0..count.min(MOST_FILES))
        .filter_map(|place| {
            let url = field(fields, &format!("MediaUrl{place}"))?;
            let mime = field(fields, &format!("MediaContentType{place}")).unwrap_or("application/octet-stream");
            Some(InboundFile { url: url.to_owned(), mime: mime.to_owned() })
        })
        .collect()
}

/// The first field with this name that is not empty.
fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::form_fields;

    #[test]
    fn a_status_callback_as_the_provider_sends_it() {
        let body = b"SmsSid=SM1&SmsStatus=undelivered&MessageStatus=undelivered&To=%2B15550110001&MessageSid=SM1\
            &AccountSid=AC1&From=%2B15550100999&ApiVersion=2010-04-01&ErrorCode=30003";
        let own: MessageId = "msg_00000000000000000000000007".parse().unwrap();
        let query = vec![(MESSAGE_ID_PARAMETER.to_owned(), own.to_string())];
        let status = read_status(&form_fields(body), &query).unwrap();
        assert_eq!((status.sid.as_str(), status.status.as_str()), ("SM1", "undelivered"));
        assert_eq!((status.error_code, status.message_id), (Some(30_003), Some(own)));
        assert_eq!(status.report(), Some(Report::Failed));
        assert!(!status.is_opt_out());
        assert_eq!(TwilioItem::Status(status).external_id(), "status:SM1:undelivered:30003");
        assert!(read_status(&form_fields(b"MessageSid=SM1"), &[]).is_err());
        assert!(read_status(&form_fields(b"MessageStatus=sent&MessageSid="), &[]).is_err());
    }

    #[test]
    fn an_inbound_text_keeps_its_spaces_and_says_what_the_provider_took_it_for() {
        let body = b"MessageSid=SM2&From=%2B15550110001&To=%2B15550100999&Body=%20stop%20it&OptOutType=STOP&NumMedia=0";
        let text = read_inbound(&form_fields(body)).unwrap();
        assert_eq!((text.text.as_str(), text.opt_out), (" stop it", Some(OptOutType::Stop)));
        let without = read_inbound(&form_fields(b"MessageSid=SM2&From=%2B1&To=%2B2")).unwrap();
        assert_eq!((without.text.as_str(), without.opt_out), ("", None));
        assert!(read_inbound(&form_fields(b"MessageSid=SM2&To=%2B2")).is_err());
    }

    #[test]
    fn an_inbound_text_names_its_files_and_never_more_than_it_may_have() {
        let body = b"MessageSid=MM2&From=%2B15550110001&To=%2B15550100999&Body=&NumMedia=2\
            &MediaUrl0=https%3A%2F%2Fapi.example%2FME1&MediaContentType0=image%2Fjpeg&MediaUrl1=https%3A%2F%2Fapi.example%2FME2\
            &MediaUrl2=https%3A%2F%2Fapi.example%2FME3";
        let text = read_inbound(&form_fields(body)).unwrap();
        let read: Vec<_> = text.media.iter().map(|file| (file.url.as_str(), file.mime.as_str())).collect();
        let expected =
            [("https://api.example/ME1", "image/jpeg"), ("https://api.example/ME2", "application/octet-stream")];
        assert_eq!(read, expected, "as many as NumMedia says");
        assert_eq!(serde_json::from_str::<InboundText>(&serde_json::to_string(&text).unwrap()).unwrap(), text);
        let many: String = (0..30).map(|place| format!("&MediaUrl{place}=https%3A%2F%2Fx")).collect();
        let many = format!("MessageSid=MM2&From=%2B1&To=%2B2&NumMedia=4000000000{many}");
        assert_eq!(read_inbound(&form_fields(many.as_bytes())).unwrap().media.len(), MOST_FILES);
    }

    #[test]
    fn words_and_what_they_amount_to() {
        let report = |word: &str| {
            let status = StatusCallback {
                sid: "SM1".to_owned(),
                status: word.to_owned(),
                error_code: None,
                to: None,
                message_id: None,
            };
            status.report()
        };
        for word in ["accepted", "scheduled", "queued", "sending", "sent"] {
            assert_eq!(report(word), Some(Report::Accepted), "{word}");
        }
        assert_eq!(report("delivered"), Some(Report::Delivered));
        assert_eq!(report("read"), Some(Report::Read));
        assert_eq!(report("failed"), Some(Report::Failed));
        assert_eq!(report("receiving"), None);
    }
}
