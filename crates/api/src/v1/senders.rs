//! Senders: the numbers and names that SMS goes out from.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ChannelId, SenderId, consent::Medium};
use segue_store::{
    StoreError,
    channel::{Registration, Sender, SenderKind},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, caller::Caller, extract::Json, guard::Guard, page::Page, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
}

/// A number or name that SMS goes out from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Sender)]
pub(super) struct SenderBody {
    id: SenderId,
    channel_id: ChannelId,
    address: String,
    kind: SenderKind,
    registration: Registration,
}

impl From<Sender> for SenderBody {
    fn from(sender: Sender) -> Self {
        let Sender { id, channel_id, address, kind, registration, created_at: _ } = sender;
        Self { id, channel_id, address, kind, registration }
    }
}

/// The senders of the workspace.
#[utoipa::path(get, path = "/api/v1/senders", operation_id = "list_senders", tag = "setup",
    responses((status = 200, body = Page<SenderBody>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<SenderBody>>, Problem> {
    let workspace_id = caller.workspace_id;
    let senders = state.store.read::<_, StoreError, _>(move |tx| tx.senders(workspace_id)).await?;
    Ok(Json(Page::whole(senders).map(SenderBody::from)))
}

#[derive(Deserialize, ToSchema)]
struct SenderInput {
    channel_id: ChannelId,
    /// A number with country code, a short code, or up to 11 letters and digits.
    address: String,
    kind: SenderKind,
    /// `active` when not given.
    registration: Option<Registration>,
}

/// Adds a sender, or changes the registration of the one with this address.
#[utoipa::path(post, path = "/api/v1/senders", operation_id = "create_sender", tag = "setup",
    responses((status = 201, body = SenderBody)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SenderInput>,
) -> Result<(StatusCode, Json<SenderBody>), Problem> {
    let sender = Sender {
        id: state.ctx.id(),
        channel_id: input.channel_id,
        address: address(input.kind, &input.address)?,
        kind: input.kind,
        registration: input.registration.unwrap_or(Registration::Active),
        created_at: state.ctx.now(),
    };
    let workspace_id = caller.workspace_id;
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let channel = tx.channel(workspace_id, sender.channel_id)?.ok_or_else(|| Problem::not_found("channel"))?;
        if channel.config.kind().medium() != Medium::Sms {
            return Err(Problem::invalid("channel_id", "Choose an SMS channel; WhatsApp numbers need no sender."));
        }
        let id = tx.upsert_sender(workspace_id, &sender)?;
        tx.sender(workspace_id, id)?.ok_or_else(|| Problem::not_found("sender"))
    });
    Ok((StatusCode::CREATED, Json(stored.await?.into())))
}

/// The address in the form in which the carrier knows it.
fn address(kind: SenderKind, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let problem = |words: &str| Err(Problem::invalid("address", words));
    match kind {
        SenderKind::LongCode | SenderKind::TollFree => segue_model::PhoneNumber::parse(text, None)
            .map(|number| number.as_str().to_owned())
            .map_err(|error| Problem::invalid("address", error.to_string())),
        SenderKind::ShortCode if (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(text.to_owned())
        }
        SenderKind::ShortCode => problem("A short code has 3 to 8 digits."),
        SenderKind::Alphanumeric => {
            let fits = (1..=11).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
                && text.bytes().any(|byte| byte.is_ascii_alphabetic());
            if fits {
                Ok(text.to_owned())
            } else {
                problem("A name has 1 to 11 letters and digits, at least one letter.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fit_their_kind() {
        assert_eq!(address(SenderKind::LongCode, "+1 555 010 0999").unwrap(), "+15550100999");
        assert!(address(SenderKind::LongCode, "ACME").is_err());
        assert_eq!(address(SenderKind::ShortCode, "12345").unwrap(), "12345");
        assert!(address(SenderKind::ShortCode, "123456789").is_err());
        assert_eq!(address(SenderKind::Alphanumeric, " ACME ").unwrap(), "ACME");
        for text in ["", "123", "ABCDEFGHIJKL", "A\u{e9}"] {
            assert!(address(SenderKind::Alphanumeric, text).is_err(), "{text}");
        }
    }
}
