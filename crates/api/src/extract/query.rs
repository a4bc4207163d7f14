//! Query strings.

use axum::extract::{FromRequestParts, rejection::QueryRejection};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::json::sentence;
use crate::problem::Problem;

/// The query string. Names `Query` so that the OpenAPI derivation knows it.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Query(value) = axum::extract::Query::from_request_parts(parts, state)
            .await
            .map_err(|rejection: QueryRejection| wrong(&rejection.body_text()))?;
        Ok(Self(value))
    }
}

/// The library's text is `Failed to deserialize query string: limit: invalid digit found in string`.
fn wrong(text: &str) -> Problem {
    let words = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let problem = Problem::malformed("invalid_query", format!("The address cannot be read: {}", sentence(words)));
    match words.split_once(": ") {
        Some((field, message)) if !field.contains(' ') => problem.with_field(field, sentence(message)),
        _ => problem,
    }
}
