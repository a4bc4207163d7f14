//! Which conversations a person may read, as answers: 404 when there is none, 403 when it is none of the caller's business.

use segue_access::{Permission, permission};
use segue_desk::{DeskError, sight::Sight};
use segue_model::{MediaId, SessionId, role::Role};
use segue_store::{StoreError, session::SessionView};

use crate::{AppState, caller::Caller, problem::Problem};

/// The conversation, when the caller may read it ([`segue_desk::sight`]).
///
/// # Errors
/// 404 when there is none, 403 when it is none of the caller's business.
pub(super) async fn readable(state: &AppState, caller: &Caller, id: SessionId) -> Result<SessionView, Problem> {
    let (workspace_id, role, user_id) = (caller.workspace_id, caller.actor.role(), caller.user_id());
    let read = state.store.read::<_, Problem, _>(move |tx| {
        let session = tx.session_view(workspace_id, id)?.ok_or_else(|| Problem::not_found("session"))?;
        let sight = Sight::of(tx, workspace_id, &session)?;
        if sight.includes(role, user_id) { Ok(session) } else { Err(DeskError::NotVisible.into()) }
    });
    read.await
}

/// Passes when the caller may read a conversation that the file belongs to. One that belongs to none was uploaded and not
/// sent yet, or is the example of a template.
///
/// # Errors
/// 403 when it is in none of the caller's conversations.
pub(super) async fn file_readable(state: &AppState, caller: &Caller, id: MediaId) -> Result<(), Problem> {
    if permission::allows(caller.actor.role(), Permission::Supervise) {
        return Ok(());
    }
    let (workspace_id, role, user_id) = (caller.workspace_id, caller.actor.role(), caller.user_id());
    let read = state.store.read::<_, StoreError, _>(move |tx| match (role, user_id) {
        (Role::Agent, Some(user_id)) if tx.is_media_in_sight(workspace_id, id, user_id)? => Ok(true),
        _ => Ok(!tx.is_media_in_a_message(workspace_id, id)?),
    });
    if read.await? { Ok(()) } else { Err(DeskError::NotVisible.into()) }
}

/// Passes when the caller may send each of the files to a customer: one they may read, or one above a template or of a campaign.
/// Whoever sends a file can read it from then on, and so can the customer.
///
/// # Errors
/// 403 when it is in none of the caller's conversations.
pub(super) async fn files_sendable(state: &AppState, caller: &Caller, files: Vec<MediaId>) -> Result<(), Problem> {
    for id in files {
        if let Err(refused) = file_readable(state, caller, id).await {
            let workspace_id = caller.workspace_id;
            let is_common = state.store.read::<_, StoreError, _>(move |tx| tx.is_media_for_campaigns(workspace_id, id));
            if !is_common.await? {
                return Err(refused);
            }
        }
    }
    Ok(())
}

/// Passes when the caller may send these files in the template of a campaign: each was uploaded for campaigns, or stands in
/// one or in a template. The files of conversations are for those alone who may read every conversation. One that does
/// not exist passes too; the check of the campaign tells so.
///
/// # Errors
/// 403 when one is none of the caller's business.
pub(super) async fn files_for_campaign(state: &AppState, caller: &Caller, files: Vec<MediaId>) -> Result<(), Problem> {
    if permission::allows(caller.actor.role(), Permission::Supervise) {
        return Ok(());
    }
    let workspace_id = caller.workspace_id;
    let read = state.store.read::<_, StoreError, _>(move |tx| {
        for id in &files {
            if tx.media(workspace_id, *id)?.is_some() && !tx.is_media_for_campaigns(workspace_id, *id)? {
                return Ok(false);
            }
        }
        Ok(true)
    });
    if read.await? { Ok(()) } else { Err(DeskError::NotVisible.into()) }
}
