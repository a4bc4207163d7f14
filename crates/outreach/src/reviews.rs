//! What people decide about messages that may be an opt-out.

use std::collections::BTreeSet;

use segue_model::{
    ConsentReviewId, Ctx, WorkspaceId,
    actor::Actor,
    consent::{ConsentMethod, Medium},
};
use segue_store::{
    Store,
    consent_review::{ReviewState, ReviewView},
    opt_out::OptOut,
};

use crate::OutreachError;

segue_model::text_enum! {
    /// What a person says about a message.
    pub enum ReviewDecision {
        /// It takes consent back.
        Revoke = "revoke",
        /// It does not; marketing goes on.
        Keep = "keep",
    }
}

/// Reviews in a state, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    state: ReviewState,
    before: Option<ConsentReviewId>,
    limit: i64,
) -> Result<Vec<ReviewView>, OutreachError> {
    store.read(move |tx| Ok(tx.reviews(workspace_id, state, before, limit)?)).await
}

/// Decides a review: an opt-out is recorded as the workspace's setting says, and marketing is let go again otherwise.
///
/// # Errors
/// When there is no such review, or it has been decided already.
pub async fn decide(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: ConsentReviewId,
    decision: ReviewDecision,
) -> Result<ReviewView, OutreachError> {
    let (ctx, actor) = (ctx.clone(), actor.reference());
    store
        .write(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            let review = tx.review(workspace_id, id)?.ok_or(OutreachError::NotFound("consent review"))?;
            let state = match decision {
                ReviewDecision::Revoke => ReviewState::Revoked,
                ReviewDecision::Keep => ReviewState::Kept,
            };
            let Some(held) = tx.decide_review(workspace_id, id, state, &actor, ctx.now())? else {
                return Err(OutreachError::ReviewDecided);
            };
            if decision == ReviewDecision::Revoke {
                let (phones, hidden): (BTreeSet<_>, BTreeSet<_>) =
                    held.into_iter().partition(|address| address.starts_with('+'));
                let senders = tx.senders(workspace_id)?;
                let written = review.sender.trim_start_matches('+');
                let sender = senders
                    .iter()
                    .find(|sender| review.medium == Medium::Sms && sender.address.trim_start_matches('+') == written);
                let no = OptOut {
                    said_on: review.medium,
                    phones: phones.into_iter().collect(),
                    hidden,
                    sender: sender.map(|sender| sender.id),
                    method: ConsentMethod::FreeText,
                    wording: Some(review.text.clone()),
                    proof: Some(format!("{} ({id})", review.proof)),
                    actor: actor.clone(),
                    occurred_at: review.created_at,
                };
                tx.opt_out(workspace_id, workspace.settings.consent.opt_out_scope, &no, &ctx)?;
            }
            tx.review(workspace_id, id)?.ok_or(OutreachError::NotFound("consent review"))
        })
        .await
}
