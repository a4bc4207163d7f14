//! What went wrong in the crates below, as problems.

use http::StatusCode;
use segue_access::AccessError;
use segue_delivery::{DeliveryError, FilesError, template_admin::TemplateError};
use segue_desk::DeskError;
use segue_outreach::OutreachError;
use segue_store::{StoreError, consent::ConsentError};

use crate::{caller::not_signed_in, problem::Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store is not available");
                if error.is_disk_full() { Self::disk_full() } else { Self::unavailable() }
            }
            _ => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        use AccessError as E;
        let (code, words) = (error.code(), error.to_string());
        match error {
            E::Store(error) => error.into(),
            E::WrongCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", words),
            E::NotSignedIn => not_signed_in(),
            E::TooManyAttempts => Self::new(StatusCode::TOO_MANY_REQUESTS, code, words).retry_after(60),
            E::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, code, words).retry_after(5),
            E::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, code, words),
            E::InvalidPassword(_) => field(code, "password", words),
            E::InvalidEmail => field(code, "email", words),
            E::InvalidName => field(code, "name", words),
            E::EmailTaken => Self::new(StatusCode::CONFLICT, code, words.clone()).with_field("email", words),
            E::WorkspaceTaken => {
                Self::new(StatusCode::CONFLICT, code, words.clone()).with_field("workspace_name", words)
            }
            E::NoSuchUser | E::NoSuchKey => Self::new(StatusCode::NOT_FOUND, "not_found", words),
            E::LastAdmin => Self::new(StatusCode::CONFLICT, code, words),
            E::WeakKey => field(code, "key", words),
            E::InvalidSetupToken => Self::new(StatusCode::GONE, code, words),
        }
    }
}

/// 422 with the words at the field.
pub(crate) fn field(code: &'static str, field: &str, words: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, words.clone()).with_field(field, words)
}

impl From<OutreachError> for Problem {
    fn from(error: OutreachError) -> Self {
        use segue_outreach::Problem as Kind;
        let store = match &error {
            OutreachError::Store(error) => Some(error),
            OutreachError::Consent(ConsentError::Store(error)) => Some(error),
            _ => None,
        };
        if let Some(store) = store {
            return store.clone().into();
        }
        let status = match error.problem() {
            Kind::Missing => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut problem = Self::new(status, error.code(), error.to_string());
        if let OutreachError::AskedRecently { seconds, .. } = &error {
            problem = problem.retry_after(*seconds);
        }
        match error.field() {
            Some(field) => problem.with_field(field, error.to_string()),
            None => problem,
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        use DeskError as E;
        let (code, words) = (error.code(), error.to_string());
        let conflict = |words| Self::new(StatusCode::CONFLICT, code, words);
        let invalid = |words| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, words);
        match error {
            E::Store(error) | E::Consent(ConsentError::Store(error)) => error.into(),
            E::NotFound(_) => Self::new(StatusCode::NOT_FOUND, code, words),
            E::ExportGone => Self::new(StatusCode::GONE, code, words),
            E::NotOwner | E::NotSupervisor | E::NotVisible => Self::new(StatusCode::FORBIDDEN, code, words),
            E::WindowClosed
            | E::WindowOpen
            | E::PendingChanged
            | E::ConversationOpen
            | E::CustomerBlocked
            | E::SessionEnded
            | E::NewerReply
            | E::OptedOut
            | E::NoAddress
            | E::OfferGone
            | E::AtCapacity
            | E::AgentOffline
            | E::NoQueue
            | E::Consent(ConsentError::OptedOut)
            | E::TemplateNotApproved { .. }
            | E::TemplateRefused
            | E::LinkChanged
            | E::CaseExists { .. } => conflict(words),
            E::QueueTaken => conflict(words.clone()).with_field("name", words),
            E::TextTooLong { .. } | E::MentionHidden { .. } => invalid(words.clone()).with_field("text", words),
            E::TemplateUnknown => invalid(words.clone()).with_field("template_id", words),
            E::TemplateParameters { .. } => invalid(words.clone()).with_field("parameters", words),
            E::InvalidField { field, .. } => invalid(words.clone()).with_field(field, words),
            E::InvalidContent(_) | E::Consent(ConsentError::EvidenceRequired) => invalid(words),
            E::FlowInvalid(problems) => problems.into_iter().fold(invalid(words), |problem, found| {
                let place = format!("source:{}:{}", found.line, found.column);
                problem.with_field(place, found.message)
            }),
        }
    }
}

impl From<DeliveryError> for Problem {
    fn from(error: DeliveryError) -> Self {
        use DeliveryError as E;
        let (code, words) = (error.code(), error.to_string());
        match error {
            E::Store(error) => error.into(),
            E::NotWhatsApp | E::NeedsPhone | E::TemplateValues { .. } | E::TemplateCards { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, words)
            }
            E::NoSuchMedia | E::NoSuchChannel => Self::new(StatusCode::NOT_FOUND, "not_found", words),
            // The provider's answer, not a fault of ours and not of the request's form.
            E::Graph(_) | E::Media(_) | E::TextFile(_) | E::Upload(_) | E::BeingUploaded | E::StoredMeanwhile => {
                Self::new(StatusCode::BAD_GATEWAY, code, words)
            }
            E::Files(error) => error.into(),
            E::Client(error) => {
                tracing::error!(%error, "no HTTP client could be made");
                Self::internal()
            }
        }
    }
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Store(error) => error.into(),
            error @ FilesError::Infected(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "file_infected", error.to_string())
            }
            FilesError::NotChecked(why) if !why.may_pass() => {
                let words = "The file is larger than what the virus checker takes, so it was not taken. Send a smaller \
                             one, or tell an administrator.";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "file_not_checked", words)
            }
            FilesError::NotChecked(why) => {
                tracing::warn!(%why, "an uploaded file could not be checked for viruses");
                let words = "The file could not be checked for viruses, so it was not taken. Try again in a moment; an \
                             administrator sees why in Setup, Files.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "file_not_checked", words).retry_after(10)
            }
            error => {
                tracing::error!(%error, "a file could not be stored or read");
                let words = "The storage of the files does not answer. Try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "file_storage", words).retry_after(5)
            }
        }
    }
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        use TemplateError as E;
        let (code, words) = (error.code(), error.to_string());
        match error {
            E::Store(error) => error.into(),
            E::Delivery(error) => error.into(),
            E::Unknown => Self::not_found("template"),
            E::Busy | E::Unchanged | E::NotEditable(_) => Self::new(StatusCode::CONFLICT, code, words),
            E::FileGone => field(code, "parts.header", words),
            E::Findings(findings) => {
                findings.into_iter().fold(Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, words), |problem, found| {
                    problem.with_field(format!("parts.{}", found.field), found.message)
                })
            }
            // The provider's answer, not a fault of ours.
            E::Refused(_) | E::InDoubt => Self::new(StatusCode::BAD_GATEWAY, code, words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_too_often_says_when_to_come_back() {
        let asked = OutreachError::AskedRecently { until: segue_model::Timestamp(90_000), seconds: 90 };
        let response = Problem::from(asked).respond(None);
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[http::header::RETRY_AFTER], "90");
    }

    #[test]
    fn a_full_disk_is_named_and_other_trouble_is_not_called_that() {
        let problem = |why: &str| Problem::from(StoreError::Unavailable(why.to_owned()));
        let full = problem("the disk is full (database or disk is full)");
        assert_eq!((full.status(), full.code()), (StatusCode::SERVICE_UNAVAILABLE, "disk_full"));
        let lost = problem("connection closed");
        assert_eq!((lost.status(), lost.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    }
}
