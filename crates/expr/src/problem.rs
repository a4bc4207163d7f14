//! Why a condition cannot be read, in words and with its place.

use serde::Serialize;

/// Where in the text something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// Why a condition cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, thiserror::Error)]
#[error("{message}{}", .place.map(|place| format!(" (line {}, column {})", place.line, place.column)).unwrap_or_default())]
pub struct ReadProblem {
    /// What is wrong and what to write instead.
    pub message: String,
    /// Where, when the text has a place for it.
    pub place: Option<Place>,
}

impl ReadProblem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None }
    }

    pub(crate) fn at(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { message: message.into(), place }
    }
}
