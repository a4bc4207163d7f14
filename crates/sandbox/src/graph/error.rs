//! Graph errors: the envelope and the codes that the sandbox itself produces.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

/// A refusal of the Graph API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GraphError {
    pub code: i64,
    subcode: Option<i64>,
    kind: &'static str,
    message: String,
    details: Option<String>,
    /// Title and words for people; the endpoints of templates have them.
    user: Option<Box<(String, String)>>,
}

impl GraphError {
    /// An error with the documented title of its code, and what exactly is wrong.
    pub fn new(code: i64, details: impl Into<String>) -> Self {
        let (title, _) = describe(code);
        Self {
            code,
            subcode: None,
            kind: "OAuthException",
            message: format!("(#{code}) {title}"),
            details: Some(details.into()),
            user: None,
        }
    }

    /// An error with the documented title and details of its code.
    pub fn plain(code: i64) -> Self {
        Self::new(code, describe(code).1)
    }

    /// Code 100: the message itself says which parameter is wrong.
    pub fn parameter(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code: 100,
            subcode: None,
            kind: "OAuthException",
            message: format!("(#100) {message}"),
            details: Some(message),
            user: None,
        }
    }

    /// Code 100 with a subcode: how the endpoints of templates refuse. `error_data` is a plain text there.
    pub fn of_template(subcode: i64, title: &str, message: impl Into<String>) -> Self {
        Self {
            code: 100,
            subcode: Some(subcode),
            kind: "OAuthException",
            message: "Invalid parameter".to_owned(),
            details: None,
            user: Some(Box::new((title.to_owned(), message.into()))),
        }
    }

    /// Code 190, or 104 without any token.
    pub fn token(code: i64) -> Self {
        let message = if code == 104 {
            "An access token is required to request this resource."
        } else {
            "Invalid OAuth access token - Cannot parse access token"
        };
        Self { code, subcode: None, kind: "OAuthException", message: message.to_owned(), details: None, user: None }
    }

    /// The object does not exist: 803 when it was read, 100 with subcode 33 when it was written.
    pub fn no_object(id: &str, written: Access) -> Self {
        let (code, subcode, message) = match written {
            Access::Read => (803, None, format!("(#803) Some of the aliases you requested do not exist: {id}")),
            Access::Write => (
                100,
                Some(33),
                format!(
                    "Unsupported post request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
                     or does not support this operation"
                ),
            ),
        };
        Self { code, subcode, kind: "GraphMethodException", message, details: None, user: None }
    }

    /// The path names no endpoint.
    pub fn unknown_path(path: &str) -> Self {
        Self {
            code: 2500,
            subcode: None,
            kind: "OAuthException",
            message: format!("Unknown path components: {path}"),
            details: None,
            user: None,
        }
    }

    /// A version of the API that has ended, or never was.
    pub fn dead_version(version: &str) -> Self {
        Self {
            code: 2635,
            subcode: None,
            kind: "OAuthException",
            message: format!(
                "(#2635) You are calling a deprecated version of the Graph API ({version}). Please update to the latest version: v26.0."
            ),
            details: None,
            user: None,
        }
    }

    fn http_status(&self) -> StatusCode {
        match self.code {
            104 | 190 => StatusCode::UNAUTHORIZED,
            3 | 10 | 200..=299 | 131005 => StatusCode::FORBIDDEN,
            803 | 132001 => StatusCode::NOT_FOUND,
            4 | 17 | 80007 | 130429 => StatusCode::TOO_MANY_REQUESTS,
            1 | 131000 => StatusCode::INTERNAL_SERVER_ERROR,
            2 | 131016 | 133004 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Whether an object was to be read or changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            "fbtrace_id": trace_id(),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(details) = &self.details {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        if let Some((title, message)) = self.user.as_deref() {
            error["error_user_title"] = json!(title);
            error["error_user_msg"] = json!(message);
            error["error_data"] = json!(message);
        }
        if matches!(self.code, 1 | 2 | 131000 | 131016) {
            error["is_transient"] = json!(true);
        }
        (self.http_status(), axum::Json(json!({"error": error}))).into_response()
    }
}

/// An id as support asks for: different for each answer.
fn trace_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let hash = Sha256::digest(n.to_be_bytes());
    format!("A{}", URL_SAFE_NO_PAD.encode(&hash[..16]))
}

/// `{"success": true}`.
pub(crate) fn success() -> Value {
    json!({"success": true})
}

/// Title and details of an error code.
pub(crate) fn describe(code: i64) -> (&'static str, &'static str) {
    match code {
        1 => ("API Unknown", "Invalid request or possible server error."),
        2 => ("API Service", "Temporary due to downtime or due to being overloaded."),
        4 => ("API Too Many Calls", "The app has reached its API call rate limit."),
        3 => ("API Method", "Capability or permissions issue."),
        17 => ("API User Too Many Calls", "The user has reached the API call rate limit."),
        33 => ("Parameter value is not valid", "The business phone number has been deleted."),
        10 => ("Permission Denied", "Permission is either not granted or has been removed."),
        100 => ("Invalid parameter", "The request included one or more unsupported or misspelled parameters."),
        368 => {
            ("Temporarily blocked for policies violations", "The account has been restricted for a policy violation.")
        }
        80007 => ("Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
        130403 => ("User is blocked", "The business has blocked this user."),
        130429 => ("Rate limit hit", "Cloud API message throughput has been reached."),
        130472 => ("User's number is part of an experiment", "Message was not sent as part of an experiment."),
        131000 => ("Something went wrong", "Message failed to send due to an unknown error."),
        131005 => ("Access denied", "Permission is either not granted or has been removed."),
        131008 => ("Required parameter is missing", "The request is missing a required parameter."),
        131009 => ("Parameter value is not valid", "One or more parameter values are invalid."),
        131016 => ("Service unavailable", "A service is temporarily unavailable."),
        131021 => ("Recipient cannot be sender", "Sender and recipient phone number is the same."),
        131026 => ("Message undeliverable", "Message undeliverable."),
        131030 => (
            "Recipient phone number not in allowed list",
            "Add the recipient phone number to the recipient list and try again.",
        ),
        131031 => ("Account has been locked", "The account has been restricted or disabled."),
        131047 => (
            "Re-engagement message",
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
        ),
        131048 => {
            ("Spam rate limit hit", "There are restrictions on how many messages can be sent from this phone number.")
        }
        131049 => (
            "This message was not delivered to maintain healthy ecosystem engagement.",
            "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        ),
        131050 => (
            "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
            "The recipient has stopped marketing messages.",
        ),
        131042 => ("Business eligibility payment issue", "There was an error related to the payment method."),
        131045 => ("Incorrect certificate", "Message failed to send due to a phone number registration error."),
        131051 => ("Unsupported message type", "Unsupported message type."),
        131062 => (
            "Business-scoped user ids are not supported for this message",
            "Messages with a code for signing in go to a phone number, not to a user id.",
        ),
        131053 => ("Media upload error", "Unable to upload the media used in the message."),
        131057 => {
            ("Account in maintenance mode", "The account is in maintenance mode, perhaps for a throughput upgrade.")
        }
        131056 => (
            "(Business Account, Consumer Account) pair rate limit hit",
            "Too many messages sent from this phone number to the same recipient in a short period of time.",
        ),
        132000 => (
            "Number of parameters does not match the expected number of params",
            "The number of variable parameter values in the request did not match the template.",
        ),
        132001 => (
            "Template name does not exist in the translation",
            "The template does not exist in the language or is not approved.",
        ),
        132005 => ("Translated text too long", "The translated text is too long."),
        132012 => (
            "Parameter format does not match format in the created template",
            "Variable parameter values are formatted incorrectly.",
        ),
        132015 => {
            ("Template is paused", "Template is paused due to low quality so it cannot be sent in a template message.")
        }
        132016 => (
            "Template is disabled",
            "Template has been paused too many times due to low quality and is now permanently disabled.",
        ),
        132018 => (
            "There's an issue with the parameters in your template",
            "A parameter holds a new line, a tab or more than four spaces.",
        ),
        132_068 => ("Flow is blocked", "Flow is in blocked state."),
        132_069 => (
            "Flow is throttled",
            "Flow is in throttled state and 10 messages using this flow were already sent in the last hour.",
        ),
        133010 => ("Phone number not registered", "Phone number is not registered on the WhatsApp Business Platform."),
        _ => ("Something went wrong", "The request failed."),
    }
}
