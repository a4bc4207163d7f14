//! A customer's conversation across sessions, and the other addresses of the same person.

use segue_model::{ChannelId, ContactId, MessagingUserId, PhoneNumber, SessionId, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    StoreError, Tx,
    messaging_user::{Identifier, IdentifierKind},
};

/// Kind of the jobs that look whether two customers are one.
pub const JOIN_CUSTOMERS: &str = "join_customers";

/// Payload of these jobs: the provider's answer to a message of the session named the id of another customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JoinCustomers {
    pub session_id: SessionId,
    pub messaging_user_id: MessagingUserId,
}

/// What the id in a provider's answer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// A new id of the customer.
    Kept,
    /// It was known, or the session is gone.
    Nothing,
    /// It is the id of this other customer.
    Another(MessagingUserId),
}

/// Another customer identity that is linked to the same contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OtherAddress {
    pub messaging_user_id: MessagingUserId,
    pub channel_id: ChannelId,
    pub name: Option<String>,
    pub username: Option<String>,
    pub phone: Option<PhoneNumber>,
    /// Its latest session.
    pub session_id: Option<SessionId>,
}

crate::sql! {
    SESSION_BEFORE = "SELECT o.id FROM sessions s JOIN sessions o ON o.workspace_id = s.workspace_id
            AND o.messaging_user_id = s.messaging_user_id AND (o.started_at, o.id) < (s.started_at, s.id)
        WHERE s.workspace_id = $1 AND s.id = $2 ORDER BY o.started_at DESC, o.id DESC LIMIT 1";
    OTHER_ADDRESSES = "SELECT u.id, u.channel_id, u.profile_name, u.username,
            (SELECT i.value FROM messaging_identifiers i
                WHERE i.workspace_id = u.workspace_id AND i.messaging_user_id = u.id AND i.kind = 'phone'
                ORDER BY i.used_at DESC, i.value LIMIT 1),
            (SELECT s.id FROM sessions s WHERE s.workspace_id = u.workspace_id AND s.messaging_user_id = u.id
                ORDER BY s.started_at DESC LIMIT 1)
        FROM messaging_users u WHERE u.workspace_id = $1 AND u.contact_id = $2 AND u.id <> $3 ORDER BY u.id LIMIT $4";
    USER_OF_SESSION = "SELECT messaging_user_id FROM sessions WHERE workspace_id = $1 AND id = $2";
}

impl Tx<'_> {
    /// The same customer's session before this one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_before(
        &mut self,
        workspace_id: WorkspaceId,
        id: SessionId,
    ) -> Result<Option<SessionId>, StoreError> {
        self.query_opt(&SESSION_BEFORE, &[&workspace_id, &id], |row| row.next())
    }

    /// Other customer identities that are linked to a contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn other_addresses(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
        except: MessagingUserId,
        limit: u32,
    ) -> Result<Vec<OtherAddress>, StoreError> {
        self.query(&OTHER_ADDRESSES, &[&workspace_id, &contact_id, &except, &limit], |row| {
            Ok(OtherAddress {
                messaging_user_id: row.next()?,
                channel_id: row.next()?,
                name: row.next()?,
                username: row.next()?,
                phone: row.next()?,
                session_id: row.next()?,
            })
        })
    }

    /// Keeps the WhatsApp id that the provider's answer named for a session's customer, when it is not the number that
    /// was dialled: what comes back carries that id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn learn_wa_id(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        session_id: SessionId,
        wa_id: &str,
    ) -> Result<Learned, StoreError> {
        let user_id = self.query_opt(&USER_OF_SESSION, &[&workspace_id, &session_id], |row| row.next())?;
        let Some(user_id): Option<MessagingUserId> = user_id else { return Ok(Learned::Nothing) };
        let identifier = Identifier { kind: IdentifierKind::WaId, value: wa_id.to_owned() };
        match self.messaging_user_of(workspace_id, channel_id, &identifier)? {
            Some(owner) if owner == user_id => return Ok(Learned::Nothing),
            Some(owner) => return Ok(Learned::Another(owner)),
            None => {}
        }
        self.remove_identifiers_of_kind(workspace_id, user_id, IdentifierKind::WaId)?;
        let kept = self.insert_identifier(workspace_id, channel_id, &identifier, user_id)?;
        Ok(if kept { Learned::Kept } else { Learned::Nothing })
    }
}
