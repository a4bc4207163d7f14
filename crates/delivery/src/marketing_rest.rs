//! Customers for whom WhatsApp holds marketing back (131049), as the answer to a message or a later status tells it: they
//! get nothing promotional of a campaign for a day.

use segue_model::{MessageId, Timestamp, WorkspaceId, template_rules::MARKETING_REST};
use segue_store::{StoreError, Tx, submission::Failure};

/// The platform's code for a customer who gets enough marketing.
const ENOUGH: &str = "131049";

/// Notes it when this failure of a message tells so.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    message_id: MessageId,
    failure: &Failure,
    (told_at, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let ends_at = told_at.min(now).plus(MARKETING_REST);
    if failure.code.as_deref() != Some(ENOUGH) || ends_at <= now {
        return Ok(());
    }
    tx.rest_marketing(workspace_id, message_id, ends_at)
}
