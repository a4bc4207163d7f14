//! JSON bodies, in and out.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// A JSON body. As an extractor it answers 415 for another content type, 400 for text that is not JSON and 422, naming
/// the field, for JSON that is not what the route takes. Names `Json` so that the OpenAPI derivation knows it.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(rejection.status()))?;
        read(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer has no JSON form");
                Problem::internal().into_response()
            }
        }
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "This address takes JSON. Send the header Content-Type: application/json.",
    ))
}

/// The problem of a body that could not be received.
pub(crate) fn unreadable(status: StatusCode) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(status, "too_large", "The request is larger than this address takes. Send less at once.")
    } else {
        Problem::malformed("body_unreadable", "The request's body did not arrive completely. Send it again.")
    }
}

/// Reads JSON text that stood inside a field of the request, so that problems name the whole path.
///
/// # Errors
/// Like [`read`].
pub(crate) fn read_inside<T: DeserializeOwned>(outer: &str, text: &[u8]) -> Result<T, Problem> {
    read(text).map_err(|problem| problem.inside(outer))
}

/// Reads JSON text.
///
/// # Errors
/// 400 when it is not JSON, 422 naming the field when it is not a `T`.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut *deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            serde_json::error::Category::Data => wrong_field(&path, &cause.to_string()),
            _ => not_json(&cause),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// What is known with the fields that a client gives anew; what it does not give stays.
///
/// # Errors
/// 422 naming the field when the outcome is not a `T`.
pub(crate) fn changed<T: Serialize + DeserializeOwned>(known: &T, change: &Map<String, Value>) -> Result<T, Problem> {
    let mut whole = serde_json::to_value(known).map_err(|_| Problem::internal())?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(change.clone());
    }
    read(&serde_json::to_vec(&whole).map_err(|_| Problem::internal())?)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(
        "invalid_json",
        format!("The body is not JSON: something is wrong at line {}, column {}.", error.line(), error.column()),
    )
}

/// `message` is the JSON library's: `missing field `name` at line 1 column 2`.
fn wrong_field(path: &str, message: &str) -> Problem {
    let message = message.rsplit_once(" at line ").map_or(message, |(words, _)| words);
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))
        .and_then(|rest| rest.split('`').next());
    let parent = if path == "." { "" } else { path };
    let field = match named {
        Some(name) if parent.is_empty() => name.to_owned(),
        Some(name) if parent == name || parent.ends_with(&format!(".{name}")) => parent.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None if parent.is_empty() => "body".to_owned(),
        None => parent.to_owned(),
    };
    let words = if message.starts_with("missing field") {
        "This field is required.".to_owned()
    } else if message.starts_with("unknown field") {
        "This field is not known here.".to_owned()
    } else {
        sentence(message)
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        format!("The field '{field}' needs another look. {words}"),
    )
    .with_field(field, words)
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let mut text: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    text.push_str(letters.as_str());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use segue_model::{ListId, PhoneNumber};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading it matters")]
    struct Audience {
        list_id: ListId,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading it matters")]
    struct Input {
        name: String,
        phone: Option<PhoneNumber>,
        audience: Audience,
    }

    fn field_of(body: &str) -> (u16, String, String) {
        let document = read::<Input>(body.as_bytes()).unwrap_err().document(None);
        let first = document.errors.first().cloned();
        (
            document.status,
            first.as_ref().map(|e| e.field.clone()).unwrap_or_default(),
            first.map(|e| e.message).unwrap_or_default(),
        )
    }

    #[test]
    fn the_field_is_named_whatever_is_wrong_with_it() {
        assert_eq!(field_of(r#"{"name":"a"}"#), (422, "audience".to_owned(), "This field is required.".to_owned()));
        assert_eq!(
            field_of(r#"{"name":"a","audience":{}}"#),
            (422, "audience.list_id".to_owned(), "This field is required.".to_owned())
        );
        assert_eq!(field_of(r#"{"name":"a","audience":{"list_id":"lst_1"}}"#).1, "audience.list_id");
        assert_eq!(
            field_of(r#"{"name":"a","audience":{"list":1}}"#),
            (422, "audience.list".to_owned(), "This field is not known here.".to_owned())
        );
        let (status, field, message) = field_of(r#"{"name":"a","phone":"12","audience":{}}"#);
        assert_eq!((status, field.as_str()), (422, "phone"));
        assert!(message.starts_with("The number has no country code"), "{message}");
        assert_eq!(field_of(r#"{"name":7}"#).1, "name");
        assert_eq!(field_of("[]").1, "body");
    }

    #[test]
    fn text_that_is_not_json_is_400() {
        for body in ["", "{", "{\"name\":}", "{}x", "\u{feff}{}"] {
            let status = read::<serde_json::Value>(body.as_bytes()).unwrap_err().status();
            assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        }
    }
}
