//! Messaging Users: one customer identity on one channel, under all the identifiers the provider ever gave for it.
//!
//! An identifier belongs to one Messaging User for good, unless two of them turn out to be one person and are merged, or a
//! phone number passes to somebody else.

use std::cmp::Reverse;

use segue_model::{ChannelId, ContactId, LeadId, MessagingUserId, Timestamp, WorkspaceId};

use crate::{Row, StoreError, Tx, customer_link::LinkState, outbox::AddressKind, tx::optional_word};

segue_model::text_enum! {
    /// What kind of name an identifier is.
    pub enum IdentifierKind {
        /// Business-scoped user id.
        Bsuid = "bsuid",
        /// The same in a parent portfolio.
        ParentBsuid = "parent_bsuid",
        /// WhatsApp id, verbatim.
        WaId = "wa_id",
        /// E.164.
        Phone = "phone",
    }
}

segue_model::text_enum! {
    /// How a Messaging User came to its contact or lead.
    pub enum LinkedBy {
        /// The code in the customer's message is that of the contact's text.
        Code = "code",
        /// The phone numbers are the same.
        Phone = "phone",
        /// The contact was created for it.
        Created = "created",
        /// The same WhatsApp user is linked on another channel.
        Identifier = "identifier",
        /// The e-mail address that the bot asked for is the same.
        Email = "email",
        Agent = "agent",
    }
}

/// A name that the provider gives a customer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    pub kind: IdentifierKind,
    pub value: String,
}

impl Identifier {
    /// The address that it is, and the place of its kind among those that were used at the same time; none for a
    /// WhatsApp id that is no number.
    #[must_use]
    pub fn address(&self) -> Option<(u8, AddressKind, String)> {
        match self.kind {
            IdentifierKind::WaId => {
                let is_number = self.value.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| (0, AddressKind::Phone, format!("+{}", self.value)))
            }
            IdentifierKind::Phone => Some((1, AddressKind::Phone, self.value.clone())),
            IdentifierKind::Bsuid => Some((2, AddressKind::Bsuid, self.value.clone())),
            IdentifierKind::ParentBsuid => Some((3, AddressKind::Bsuid, self.value.clone())),
        }
    }
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)
    }
}

/// A Messaging User with all identifiers and when each was last used.
pub type Found = (MessagingUser, Vec<(Identifier, Timestamp)>);

/// One customer identity on one channel.
#[derive(Clone, PartialEq, Eq)]
pub struct MessagingUser {
    pub id: MessagingUserId,
    pub channel_id: ChannelId,
    pub profile_name: Option<String>,
    pub username: Option<String>,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    pub linked_by: Option<LinkedBy>,
    /// The provider's time of the customer's last message.
    pub last_inbound_at: Option<Timestamp>,
    /// Since when the business wants no messages of it.
    pub blocked_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub version: i64,
}

impl MessagingUser {
    /// The contact, as far as the customer is surely that person: anybody can type an e-mail address. Nobody else's data is
    /// said to them, and theirs are not written into it.
    #[must_use]
    pub fn sure_contact(&self) -> Option<ContactId> {
        self.contact_id.filter(|_| self.linked_by != Some(LinkedBy::Email))
    }
}

crate::sql! {
    INSERT_USER = "INSERT INTO messaging_users (workspace_id, id, channel_id, profile_name, username, contact_id, lead_id,
            linked_by, last_inbound_at, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)";
    USER = "SELECT id, channel_id, profile_name, username, contact_id, lead_id, linked_by, last_inbound_at, blocked_at,
            created_at, version
        FROM messaging_users WHERE workspace_id = $1 AND id = $2";
    HEAR_USER = "UPDATE messaging_users SET profile_name = $3, username = $4, last_inbound_at = $5, version = version + 1
        WHERE workspace_id = $1 AND id = $2";
    SAVE_USER = "UPDATE messaging_users SET profile_name = $3, username = $4, last_inbound_at = $5, contact_id = $6,
            lead_id = $7, linked_by = $8, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND contact_id IS NOT DISTINCT FROM $9 AND lead_id IS NOT DISTINCT FROM $10
            AND linked_by IS NOT DISTINCT FROM $11";
    LINK_USER = "UPDATE messaging_users SET contact_id = $3, lead_id = $4, linked_by = $5, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND contact_id IS NOT DISTINCT FROM $6 AND lead_id IS NOT DISTINCT FROM $7
            AND linked_by IS NOT DISTINCT FROM $8";
    INSERT_IDENTIFIER = "INSERT INTO messaging_identifiers (workspace_id, channel_id, kind, value, messaging_user_id)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    USER_OF_IDENTIFIER = "SELECT messaging_user_id FROM messaging_identifiers
        WHERE workspace_id = $1 AND channel_id = $2 AND kind = $3 AND value = $4";
    IDENTIFIERS = "SELECT kind, value, used_at FROM messaging_identifiers
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    CUSTOMER = "SELECT i.kind, i.value, i.used_at, u.id, u.channel_id, u.profile_name, u.username, u.contact_id, u.lead_id,
            u.linked_by, u.last_inbound_at, u.blocked_at, u.created_at, u.version
        FROM messaging_identifiers f
        JOIN messaging_users u ON u.workspace_id = f.workspace_id AND u.id = f.messaging_user_id
        JOIN messaging_identifiers i ON i.workspace_id = f.workspace_id AND i.messaging_user_id = f.messaging_user_id
        WHERE f.workspace_id = $1 AND f.channel_id = $2 AND f.kind = $3 AND f.value = $4";
    REMOVE_IDENTIFIERS = "DELETE FROM messaging_identifiers
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND kind = $3 AND used_at = 0";
    REMOVE_IDENTIFIER = "DELETE FROM messaging_identifiers
        WHERE workspace_id = $1 AND channel_id = $2 AND kind = $3 AND value = $4";
    USE_IDENTIFIER = "UPDATE messaging_identifiers SET used_at = $5
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND kind = $3 AND value = $4 AND used_at < $5
            AND EXISTS (SELECT 1 FROM messaging_identifiers o WHERE o.workspace_id = $1 AND o.messaging_user_id = $2
                AND o.used_at > 0)";
    MOVE_IDENTIFIERS = "UPDATE messaging_identifiers SET messaging_user_id = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    MOVE_SESSIONS = "UPDATE sessions SET messaging_user_id = $3, version = version + 1
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    DELETE_USER = "DELETE FROM messaging_users WHERE workspace_id = $1 AND id = $2";
}

fn read(row: &mut Row<'_>) -> Result<MessagingUser, StoreError> {
    Ok(MessagingUser {
        id: row.next()?,
        channel_id: row.next()?,
        profile_name: row.next()?,
        username: row.next()?,
        contact_id: row.next()?,
        lead_id: row.next()?,
        linked_by: row.optional_word()?,
        last_inbound_at: row.next()?,
        blocked_at: row.next()?,
        created_at: row.next()?,
        version: row.next()?,
    })
}

fn read_used(row: &mut Row<'_>) -> Result<(Identifier, Timestamp), StoreError> {
    Ok((Identifier { kind: row.word()?, value: row.next()? }, row.next()?))
}

/// Of each kind the one used last first. Sorting a few rows in the database costs more than finding them.
fn sort_used(all: &mut [(Identifier, Timestamp)]) {
    all.sort_by(|(a, a_used), (b, b_used)| {
        (a.kind.as_str(), b_used, &a.value).cmp(&(b.kind.as_str(), a_used, &b.value))
    });
}

fn one_linked(written: u64) -> Result<(), StoreError> {
    match written {
        0 => Err(StoreError::Unavailable("the customer was linked to somebody at the same time".to_owned())),
        _ => Ok(()),
    }
}

impl Tx<'_> {
    /// Adds a Messaging User; its identifiers are added apart.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_messaging_user(&mut self, workspace_id: WorkspaceId, user: &MessagingUser) -> Result<(), StoreError> {
        self.execute(
            &INSERT_USER,
            &[
                &workspace_id,
                &user.id,
                &user.channel_id,
                &user.profile_name,
                &user.username,
                &user.contact_id,
                &user.lead_id,
                &optional_word(user.linked_by),
                &user.last_inbound_at,
                &user.created_at,
            ],
        )
        .map(|_| ())
    }

    /// One Messaging User.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messaging_user(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
    ) -> Result<Option<MessagingUser>, StoreError> {
        self.query_opt(&USER, &[&workspace_id, &id], read)
    }

    /// Stores names and time of the last message, and leaves the link as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hear_messaging_user(&mut self, workspace_id: WorkspaceId, user: &MessagingUser) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 5] =
            [&workspace_id, &user.id, &user.profile_name, &user.username, &user.last_inbound_at];
        self.execute(&HEAR_USER, &params).map(|_| ())
    }

    /// Stores names, time of the last message, and the link, which was `before` when it was decided what it is to be. A link
    /// answers the question of who this is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when somebody else changed the link meanwhile, which only PostgreSQL lets happen: what
    /// was decided without it is not stored, and the next attempt sees it. Else when the store fails.
    pub fn save_messaging_user(
        &mut self,
        workspace_id: WorkspaceId,
        user: &MessagingUser,
        before: LinkState,
    ) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 11] = [
            &workspace_id,
            &user.id,
            &user.profile_name,
            &user.username,
            &user.last_inbound_at,
            &user.contact_id,
            &user.lead_id,
            &optional_word(user.linked_by),
            &before.contact_id,
            &before.lead_id,
            &optional_word(before.linked_by),
        ];
        let written = self.execute(&SAVE_USER, &params)?;
        one_linked(written)?;
        self.answer_prompt(workspace_id, user, before)
    }

    /// Stores the link alone, which was `before` when it was decided what it is to be, as [`Tx::save_messaging_user`] does.
    ///
    /// # Errors
    /// As [`Tx::save_messaging_user`].
    pub fn link_messaging_user(
        &mut self,
        workspace_id: WorkspaceId,
        user: &MessagingUser,
        before: LinkState,
    ) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 8] = [
            &workspace_id,
            &user.id,
            &user.contact_id,
            &user.lead_id,
            &optional_word(user.linked_by),
            &before.contact_id,
            &before.lead_id,
            &optional_word(before.linked_by),
        ];
        let written = self.execute(&LINK_USER, &params)?;
        one_linked(written)?;
        self.answer_prompt(workspace_id, user, before)
    }

    /// Whoever is linked now need not be asked about any more. A lead that was only added does not tell who somebody is.
    fn answer_prompt(
        &mut self,
        workspace_id: WorkspaceId,
        user: &MessagingUser,
        before: LinkState,
    ) -> Result<(), StoreError> {
        let is_told = user.linked_by.is_some() && LinkState::of(user).is_linked();
        if is_told && (user.contact_id, user.linked_by) != (before.contact_id, before.linked_by) {
            self.end_prompt(workspace_id, user.id)?;
        }
        Ok(())
    }

    /// Gives a Messaging User one more identifier. `false` when somebody has it already, this user perhaps.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        identifier: &Identifier,
        id: MessagingUserId,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_IDENTIFIER,
            &[&workspace_id, &channel_id, &identifier.kind.as_str(), &identifier.value, &id],
        )?;
        Ok(written == 1)
    }

    /// Notes that a customer who was merged by hand, and so has several addresses, used this one now: answers go to the one
    /// used last. Of everybody else nothing is noted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn use_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
        identifier: &Identifier,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 5] = [&workspace_id, &id, &identifier.kind.as_str(), &identifier.value, &at];
        self.execute(&USE_IDENTIFIER, &params).map(|_| ())
    }

    /// Takes the identifiers of one kind from a Messaging User that gets a new one in their place. Those of a customer
    /// who was merged by hand stay: the person has several.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_identifiers_of_kind(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
        kind: IdentifierKind,
    ) -> Result<(), StoreError> {
        self.execute(&REMOVE_IDENTIFIERS, &[&workspace_id, &id, &kind.as_str()]).map(|_| ())
    }

    /// Takes one identifier away from whoever has it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        identifier: &Identifier,
    ) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 4] = [&workspace_id, &channel_id, &identifier.kind.as_str(), &identifier.value];
        self.execute(&REMOVE_IDENTIFIER, &params).map(|_| ())
    }

    /// The Messaging User that has an identifier, and all that it has, as [`Tx::used_identifiers_of`] gives them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        identifier: &Identifier,
    ) -> Result<Option<Found>, StoreError> {
        let mut user = None;
        let params: [&dyn crate::Bind; 4] = [&workspace_id, &channel_id, &identifier.kind.as_str(), &identifier.value];
        let mut used = self.query(&CUSTOMER, &params, |row| {
            let one = read_used(row)?;
            if user.is_none() {
                user = Some(read(row)?);
            }
            Ok(one)
        })?;
        sort_used(&mut used);
        Ok(user.map(|user| (user, used)))
    }

    /// Whose identifier it is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messaging_user_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        identifier: &Identifier,
    ) -> Result<Option<MessagingUserId>, StoreError> {
        self.query_opt(
            &USER_OF_IDENTIFIER,
            &[&workspace_id, &channel_id, &identifier.kind.as_str(), &identifier.value],
            |row| row.next(),
        )
    }

    /// All identifiers of a Messaging User; of each kind the one used last first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn identifiers_of(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
    ) -> Result<Vec<Identifier>, StoreError> {
        let all = self.used_identifiers_of(workspace_id, id)?;
        Ok(all.into_iter().map(|(identifier, _)| identifier).collect())
    }

    /// All identifiers of a Messaging User and when each was last used, which is 0 for one who has one address; of each
    /// kind the one used last first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn used_identifiers_of(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
    ) -> Result<Vec<(Identifier, Timestamp)>, StoreError> {
        let mut all = self.query(&IDENTIFIERS, &[&workspace_id, &id], read_used)?;
        sort_used(&mut all);
        Ok(all)
    }

    /// Where messages to a customer go: of several addresses the one used last. Of one address it is the phone number when
    /// one is known, since that always works, else the business-scoped user id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn address_of(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessagingUserId,
    ) -> Result<Option<(AddressKind, String)>, StoreError> {
        let mut best: Option<(Timestamp, Reverse<u8>, AddressKind, String)> = None;
        for (identifier, used_at) in self.used_identifiers_of(workspace_id, id)? {
            let Some((rank, kind, address)) = identifier.address() else { continue };
            let is_better = best.as_ref().is_none_or(|(used, than, ..)| (used_at, Reverse(rank)) > (*used, *than));
            if is_better {
                best = Some((used_at, Reverse(rank), kind, address));
            }
        }
        Ok(best.map(|(_, _, kind, address)| (kind, address)))
    }

    /// Makes `from` part of `into`: identifiers and sessions move, `from` is gone. At most one of the two may have an
    /// open session.
    ///
    /// # Errors
    /// When the store fails, or when both have an open session.
    pub fn merge_messaging_users(
        &mut self,
        workspace_id: WorkspaceId,
        from: MessagingUserId,
        into: MessagingUserId,
    ) -> Result<(), StoreError> {
        self.merge_erasures(workspace_id, from, into)?;
        self.execute(&MOVE_IDENTIFIERS, &[&workspace_id, &from, &into])?;
        self.execute(&MOVE_SESSIONS, &[&workspace_id, &from, &into])?;
        self.move_customer_language(workspace_id, from, into)?;
        self.execute(&DELETE_USER, &[&workspace_id, &from]).map(|_| ())
    }
}
