//! A contact's consent as a whole, its proof, and what the contact texted.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use segue_access::Permission;
use segue_model::ContactId;
use segue_outreach::consent_record::{self, ConsentProof, ContactConsent};
use segue_store::inbound_text::InboundTextView;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(get)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(proof)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(texts)))
}

/// Where a contact's consent stands on each channel, for each purpose and in each programme, and why.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/consent", operation_id = "get_contact_consent", tag = "consent",
    params(("id" = ContactId, Path)), responses((status = 200, body = ContactConsent)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
) -> Result<Json<ContactConsent>, Problem> {
    Ok(Json(consent_record::of_contact(&state.store, caller.workspace_id, id).await?))
}

/// The form of a proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProofFormat {
    #[default]
    Json,
    Csv,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ProofQuery {
    /// `json` when not given.
    #[serde(default)]
    #[param(inline)]
    format: ProofFormat,
}

/// Everything that proves a contact's consent, to hand over: the whole ledger with wordings, their hashes and proofs, and
/// whether the ledger is as it was written. As CSV: the ledger.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/consent-proof", operation_id = "get_consent_proof", tag = "consent",
    params(("id" = ContactId, Path), ProofQuery), responses((status = 200, body = ConsentProof)))]
async fn proof(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Query(query): Query<ProofQuery>,
) -> Result<Response, Problem> {
    let proof = consent_record::proof(&state.store, caller.workspace_id, id, state.ctx.now()).await?;
    let name = match query.format {
        ProofFormat::Json => "attachment; filename=\"consent-proof.json\"",
        ProofFormat::Csv => "attachment; filename=\"consent-proof.csv\"",
    };
    let disposition = [(header::CONTENT_DISPOSITION, name)];
    Ok(match query.format {
        ProofFormat::Json => (disposition, Json(proof)).into_response(),
        ProofFormat::Csv => {
            (disposition, [(header::CONTENT_TYPE, "text/csv; charset=utf-8")], proof.to_csv()?).into_response()
        }
    })
}

/// What a contact texted, in full, newest first.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/texts", operation_id = "list_contact_texts", tag = "consent",
    params(("id" = ContactId, Path), PageQuery), responses((status = 200, body = Page<InboundTextView>)))]
async fn texts(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<InboundTextView>>, Problem> {
    let limit = page.limit();
    let texts =
        consent_record::texts(&state.store, caller.workspace_id, id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(texts, limit, |text| text.id.to_string())))
}
