//! SMS over HTTP in Twilio's REST dialect: sending, status callbacks, inbound texts, and the signature that proves them.
//!
//! The dialect has no idempotency key, so a request without an answer is [`SendOutcome::Unknown`] and never repeated. The
//! caller puts its own id into the address of the status callback: the callback then resolves what became of it.

mod callback;
mod client;
pub mod codes;
mod media;
mod send;
pub mod signature;

pub use callback::{
    InboundFile, InboundText, OptOutType, StatusCallback, TwilioItem, UnreadableCallback, read_inbound, read_status,
};
pub use client::{AccountFailure, AccountInfo, TextMessage, TwilioClient, TwilioConfig};
pub use codes::{Act, Meaning, meaning};
pub use media::FileFailure;
pub use send::SendOutcome;

/// The parameter of our own in the address of a status callback: which message it is about.
pub const MESSAGE_ID_PARAMETER: &str = "message_id";
/// The answer to a webhook that wants nothing said.
pub const EMPTY_TWIML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

/// The fields of a form body or a query, decoded, in their order.
#[must_use]
pub fn form_fields(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// A form body of these fields.
#[must_use]
pub fn form_body(fields: &[(String, String)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}
