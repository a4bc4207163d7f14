//! Linking a customer to the CRM by hand. What an agent decided here, nothing automatic changes.

use segue_model::{ContactId, Ctx, SessionId, WorkspaceId, actor::Actor, contact::ContactFields};
use segue_store::{Store, messaging_user::LinkedBy, session::SessionView};

use crate::{DeskError, inbound::name_contact, leads::phone_of, notice::Notices, sessions};

/// What a customer is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTo {
    Contact(ContactId),
    /// A new contact with the customer's number and profile name.
    NewContact,
    /// Nobody.
    Nobody,
}

/// Links the session's customer, or takes the link away.
///
/// # Errors
/// When there is no such session or contact, or when a contact with the customer's number exists already
/// ([`DeskError::InvalidField`]).
pub async fn link(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    _actor: &Actor,
    session_id: SessionId,
    to: LinkTo,
) -> Result<SessionView, DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let session = sessions::to_change(tx, workspace_id, session_id)?;
            let mut user =
                tx.messaging_user(workspace_id, session.messaging_user_id)?.ok_or(DeskError::NotFound("customer"))?;
            let contact_id = match to {
                LinkTo::Contact(id) => Some(tx.contact(workspace_id, id)?.ok_or(DeskError::NotFound("contact"))?.id),
                LinkTo::NewContact => {
                    let phone = phone_of(tx, workspace_id, &session)?;
                    let mut fields = ContactFields { phone, ..ContactFields::default() };
                    name_contact(&mut fields, user.profile_name.as_deref());
                    let id: ContactId = ctx.id();
                    if !tx.insert_contact(workspace_id, id, &fields, ctx.now())? {
                        let message = "A contact with this phone number exists. Link that one.".to_owned();
                        return Err(DeskError::InvalidField { field: "create", message });
                    }
                    Some(id)
                }
                LinkTo::Nobody => None,
            };
            (user.contact_id, user.linked_by) = (contact_id, Some(LinkedBy::Agent));
            if to == LinkTo::Nobody {
                user.lead_id = None;
            }
            tx.save_messaging_user(workspace_id, &user)?;
            let mut notices = Notices::new(workspace_id);
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}
