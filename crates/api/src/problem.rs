//! Answers that say what went wrong: `application/problem+json` (RFC 9457) with a stable code for programs and plain
//! words for people.
//!
//! A problem travels as a response extension until the outermost layer writes it out, because only there the request's
//! id is known. Causes inside the product (a statement that failed, a panic) are logged and never shown.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What is wrong with one field of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field, such as `audience.list_id`.
    pub field: String,
    /// What is wrong and what is expected.
    pub message: String,
}

/// The document that a refused or failed request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `urn:segue:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short words for the kind of problem.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, why, and what to do.
    pub detail: String,
    /// Stable code for programs.
    pub code: String,
    /// The fields that need another look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Names the request in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A refused or failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem with its words. `detail` says what happened, why, and what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// The same, naming a field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { field: field.into(), message: message.into() });
        self
    }

    /// The same with its fields being parts of another field.
    #[must_use]
    pub(crate) fn inside(mut self, outer: &str) -> Self {
        for error in &mut self.errors {
            error.field = if error.field == "body" { outer.to_owned() } else { format!("{outer}.{}", error.field) };
        }
        self
    }

    /// The same, telling when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404 for a thing that is not there, or not in this workspace; the two look the same.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}. It may have been deleted; reload the list."),
        )
    }

    /// 422: one field needs another look.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message.clone()).with_field(field, message)
    }

    /// 500 without a word about the cause.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "Segue could not do this because of a fault of its own. Try again; if it stays, give your administrator \
             the request id.",
        )
    }

    /// 503: the database or another part is not there now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The database does not answer, so nothing was changed. Try again in a few seconds.",
        )
        .retry_after(5)
    }

    /// 503: there is no space left.
    #[must_use]
    pub fn disk_full() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "disk_full",
            "The disk that holds the database is full, so nothing was changed, and campaigns stand still. Free some \
             space on it; Segue then goes on by itself.",
        )
        .retry_after(30)
    }

    /// HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The document as it is sent.
    #[must_use]
    pub fn document(&self, request_id: Option<&str>) -> ProblemDocument {
        ProblemDocument {
            kind: format!("urn:segue:problem:{}", self.code),
            title: title(self.status).to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.clone().into_owned(),
            errors: self.errors.clone(),
            request_id: request_id.map(str::to_owned),
        }
    }

    /// The problem that a stored document stands for; the request's id of then is dropped.
    #[must_use]
    pub fn of_document(document: ProblemDocument) -> Self {
        Self {
            status: StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: document.code.into(),
            detail: document.detail,
            errors: document.errors,
            retry_after_seconds: None,
        }
    }

    /// Writes the response with the request's id in it.
    #[must_use]
    pub fn respond(&self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.respond(None);
        response.extensions_mut().insert(self);
        response
    }
}

/// Short words for a status.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request cannot be read",
        401 => "You are not signed in",
        403 => "Your role does not allow this",
        404 => "Not found",
        405 => "This address does not take this method",
        409 => "The current state does not allow this",
        410 => "This is gone",
        413 => "Too large",
        415 => "This kind of content is not taken",
        422 => "Some fields need another look",
        429 => "Too many requests",
        502 => "The provider refused",
        503 => "Not available now",
        code if code >= 500 => "Segue could not do this",
        _ => "The request was refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_survives_being_stored_and_read_back() {
        let problem = Problem::new(StatusCode::CONFLICT, "campaign_state", "It runs already.").with_field("id", "No.");
        let text = serde_json::to_string(&problem.document(Some("abc"))).unwrap();
        assert_eq!(
            text,
            r#"{"type":"urn:segue:problem:campaign_state","title":"The current state does not allow this","status":409,"detail":"It runs already.","code":"campaign_state","errors":[{"field":"id","message":"No."}],"request_id":"abc"}"#
        );
        assert_eq!(Problem::of_document(serde_json::from_str(&text).unwrap()), problem);
    }
}
