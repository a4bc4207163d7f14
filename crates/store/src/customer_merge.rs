//! Customers that are one person, and parting them again.
//!
//! # Why a crash at each point is safe
//! A merge with its record is one transaction, and so is taking it back, which `unmerged_at` makes possible once.
//!
//! # What parts again
//! The identifiers and sessions that the merged customer had, and its row as it was. What came since the merge stays with
//! the customer it came to. Only a block that was made since holds for both. One who had several addresses of its own has
//! them again, in the order of their use. When each wrote last is told by the use of its own addresses since the merge, else
//! by what was known before it, so that nobody has the service window of the other.

use segue_model::{
    ChannelId, CustomerMergeId, MessagingUserId, SessionId, Timestamp, WorkspaceId, actor::Actor, window,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Row, StoreError, Tx,
    customer_block::Parting,
    customer_link::LinkState,
    messaging_user::{Identifier, IdentifierKind, LinkedBy, MessagingUser},
    session::step,
    tx::json_text,
};

/// Everything that a merge changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    merged: Was,
    /// What the kept customer was before.
    kept: Was,
    sessions: Vec<SessionId>,
}

impl Record {
    /// Whether each had a business-scoped id of its own, by which WhatsApp tells them apart again.
    fn had_two_ids(&self) -> bool {
        let ids = |was: &Was| -> Vec<String> {
            let own = was.identifiers.iter().filter(|(kind, _)| *kind == IdentifierKind::Bsuid);
            own.map(|(_, value)| value.clone()).collect()
        };
        let (kept, merged) = (ids(&self.kept), ids(&self.merged));
        !kept.is_empty() && !merged.is_empty() && !merged.iter().any(|id| kept.contains(id))
    }
}

/// A customer as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Was {
    id: MessagingUserId,
    channel_id: ChannelId,
    profile_name: Option<String>,
    username: Option<String>,
    contact_id: Option<segue_model::ContactId>,
    lead_id: Option<segue_model::LeadId>,
    linked_by: Option<LinkedBy>,
    last_inbound_at: Option<Timestamp>,
    created_at: Timestamp,
    blocked_at: Option<Timestamp>,
    identifiers: Vec<(IdentifierKind, String)>,
    /// When each of the identifiers was last used; empty in records of before.
    #[serde(default)]
    used_at: Vec<Timestamp>,
}

impl Was {
    fn of(user: &MessagingUser, identifiers: &[(Identifier, Timestamp)]) -> Self {
        Self {
            id: user.id,
            channel_id: user.channel_id,
            profile_name: user.profile_name.clone(),
            username: user.username.clone(),
            contact_id: user.contact_id,
            lead_id: user.lead_id,
            linked_by: user.linked_by,
            last_inbound_at: user.last_inbound_at,
            created_at: user.created_at,
            blocked_at: user.blocked_at,
            identifiers: identifiers.iter().map(|(each, _)| (each.kind, each.value.clone())).collect(),
            used_at: identifiers.iter().map(|(_, used_at)| *used_at).collect(),
        }
    }

    /// The identifiers with the time of their last use.
    fn used_identifiers(&self) -> impl Iterator<Item = (Identifier, Timestamp)> {
        let used_at = self.used_at.iter().copied().chain(std::iter::repeat(Timestamp(0)));
        let identifiers = self.identifiers.iter().cloned();
        identifiers.map(|(kind, value)| Identifier { kind, value }).zip(used_at)
    }

    const fn link(&self) -> LinkState {
        LinkState { contact_id: self.contact_id, lead_id: self.lead_id, linked_by: self.linked_by }
    }

    fn has(&self, identifier: &Identifier) -> bool {
        self.identifiers.iter().any(|(kind, value)| *kind == identifier.kind && *value == identifier.value)
    }

    fn user(&self) -> MessagingUser {
        MessagingUser {
            id: self.id,
            channel_id: self.channel_id,
            profile_name: self.profile_name.clone(),
            username: self.username.clone(),
            contact_id: self.contact_id,
            lead_id: self.lead_id,
            linked_by: self.linked_by,
            last_inbound_at: self.last_inbound_at,
            blocked_at: self.blocked_at,
            created_at: self.created_at,
            version: 1,
        }
    }
}

/// A merge of two customers as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerMerge)]
pub struct CustomerMergeView {
    pub id: CustomerMergeId,
    pub kept_id: MessagingUserId,
    /// The one that is no more.
    pub merged_id: MessagingUserId,
    pub kept_name: Option<String>,
    pub merged_name: Option<String>,
    /// Who did it: the id of a user or an API key, or `system` when WhatsApp told that they are one.
    pub actor: String,
    pub merged_at: Timestamp,
    pub unmerged_at: Option<Timestamp>,
    /// Whether they can be parted. Not when it was done, when what is needed for it was deleted with the contact, and when
    /// WhatsApp told that they are one and their next message would tell it again.
    pub can_part: bool,
}

/// What became of parting two customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parted {
    Done {
        /// The sessions that are the merged customer's again.
        sessions: Vec<SessionId>,
        /// Those in which the other one had opened the service window.
        narrowed: Vec<SessionId>,
        /// Of whose block the provider is to be told.
        to_tell: Vec<MessagingUserId>,
    },
    Already,
    /// The kept customer was itself merged or erased.
    KeptIsGone,
    /// The contact of one of them was deleted, and with it what is needed to part them.
    Emptied,
}

crate::sql! {
    INSERT_MERGE = "INSERT INTO messaging_user_merges (workspace_id, id, kept_id, merged_id, kept_name, merged_name,
            record, actor, merged_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    CUSTOMER_MERGE = "SELECT id, kept_id, merged_id, kept_name, merged_name, actor, merged_at, unmerged_at, record
        FROM messaging_user_merges WHERE workspace_id = $1 AND id = $2";
    MERGES_INTO = "SELECT id, kept_id, merged_id, kept_name, merged_name, actor, merged_at, unmerged_at, record
        FROM messaging_user_merges WHERE workspace_id = $1 AND kept_id = $2 ORDER BY id DESC LIMIT $3";
    RECORD = "SELECT record FROM messaging_user_merges WHERE workspace_id = $1 AND id = $2";
    MERGED_INTO = "SELECT kept_id, record FROM messaging_user_merges
        WHERE workspace_id = $1 AND merged_id = $2 AND unmerged_at IS NULL ORDER BY id DESC LIMIT 1";
    END_CUSTOMER_MERGE = "UPDATE messaging_user_merges SET unmerged_at = $3, unmerged_by = $4
        WHERE workspace_id = $1 AND id = $2 AND unmerged_at IS NULL";
    BEGIN_USE = "UPDATE messaging_identifiers SET used_at = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND used_at = 0";
    END_USE = "UPDATE messaging_identifiers SET used_at = 0 WHERE workspace_id = $1 AND messaging_user_id = $2";
    MOVE_IDENTIFIER_BACK = "UPDATE messaging_identifiers SET messaging_user_id = $6, used_at = used_at * $7
        WHERE workspace_id = $1 AND channel_id = $2 AND kind = $3 AND value = $4 AND messaging_user_id = $5";
    RESTORE_IDENTIFIER = "INSERT INTO messaging_identifiers (workspace_id, channel_id, kind, value, messaging_user_id, used_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    MOVE_SESSION_BACK = "UPDATE sessions SET messaging_user_id = $4, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND messaging_user_id = $3";
    /// Of the conversations that the customer wrote in: one that was begun from here has the window of before.
    LATEST_WINDOW = "SELECT MAX(s.window_expires_at) FROM sessions s WHERE s.workspace_id = $1
            AND s.messaging_user_id = $2 AND s.customer_messages > 0";
    /// Of the conversations since the merge, in which both may have written.
    NARROW_WINDOWS = "UPDATE sessions SET window_expires_at = $3, window_step = $4, version = version + 1
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND window_expires_at IS NOT NULL
            AND (CAST($3 AS BIGINT) IS NULL OR window_expires_at > $3) AND last_at >= $5
        RETURNING id";
    HEARD = "UPDATE messaging_users SET last_inbound_at = $3 WHERE workspace_id = $1 AND id = $2";
    /// Those that left several addresses side by side: said by a person of this customer, or of one that is part of it.
    OPEN_MERGES = "SELECT COUNT(*) FROM messaging_user_merges m
        WHERE m.workspace_id = $1 AND m.unmerged_at IS NULL AND m.actor <> $3 AND (m.kept_id = $2 OR m.kept_id IN (
            SELECT p.merged_id FROM messaging_user_merges p
            WHERE p.workspace_id = $1 AND p.kept_id = $2 AND p.unmerged_at IS NULL))";
}

fn read(row: &mut Row<'_>) -> Result<CustomerMergeView, StoreError> {
    let mut view = CustomerMergeView {
        id: row.next()?,
        kept_id: row.next()?,
        merged_id: row.next()?,
        kept_name: row.next()?,
        merged_name: row.next()?,
        actor: row.next()?,
        merged_at: row.next()?,
        unmerged_at: row.next()?,
        can_part: false,
    };
    let record: Option<Record> = row.json()?;
    let by_hand = view.actor != Actor::System.reference();
    view.can_part = view.unmerged_at.is_none() && record.is_some_and(|record| by_hand || record.had_two_ids());
    Ok(view)
}

impl Tx<'_> {
    /// Writes down what a merge is about to change. To be called in its transaction, before anything of the two changes.
    ///
    /// # Errors
    /// When the store fails or one of them does not exist.
    pub fn record_customer_merge(
        &mut self,
        workspace_id: WorkspaceId,
        id: CustomerMergeId,
        (merged_id, kept_id): (MessagingUserId, MessagingUserId),
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let gone = || StoreError::Unavailable("one of the customers was merged meanwhile".to_owned());
        let merged = self.messaging_user(workspace_id, merged_id)?.ok_or_else(gone)?;
        let kept = self.messaging_user(workspace_id, kept_id)?.ok_or_else(gone)?;
        let record = Record {
            merged: Was::of(&merged, &self.used_identifiers_of(workspace_id, merged_id)?),
            kept: Was::of(&kept, &self.used_identifiers_of(workspace_id, kept_id)?),
            sessions: self.session_ids_of(workspace_id, merged_id)?,
        };
        let name = |user: MessagingUser| user.profile_name.or(user.username);
        let text = json_text(&record)?;
        let (kept_name, merged_name) = (name(kept), name(merged));
        let params: [&dyn crate::Bind; 9] =
            [&workspace_id, &id, &kept_id, &merged_id, &kept_name, &merged_name, &text, &actor, &now];
        self.execute(&INSERT_MERGE, &params).map(|_| ())
    }

    /// Notes when the identifiers of a customer who is to have several of one kind were last used, so that they can stand
    /// side by side. What is known already stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_use(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&BEGIN_USE, &[&workspace_id, &user_id, &at]).map(|_| ())
    }

    /// One merge of customers.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_merge(
        &mut self,
        workspace_id: WorkspaceId,
        id: CustomerMergeId,
    ) -> Result<Option<CustomerMergeView>, StoreError> {
        self.query_opt(&CUSTOMER_MERGE, &[&workspace_id, &id], read)
    }

    /// The merges into a customer, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_merges(
        &mut self,
        workspace_id: WorkspaceId,
        kept_id: MessagingUserId,
        limit: u32,
    ) -> Result<Vec<CustomerMergeView>, StoreError> {
        self.query(&MERGES_INTO, &[&workspace_id, &kept_id, &limit], read)
    }

    /// Whose part a customer is who was merged, and the sessions that the merge brought: none when its record was emptied.
    pub(crate) fn merged_into(
        &mut self,
        workspace_id: WorkspaceId,
        merged_id: MessagingUserId,
    ) -> Result<Option<(MessagingUserId, Vec<SessionId>)>, StoreError> {
        self.query_opt(&MERGED_INTO, &[&workspace_id, &merged_id], |row| {
            let (kept_id, record): (_, Option<Record>) = (row.next()?, row.json()?);
            Ok((kept_id, record.map(|record| record.sessions).unwrap_or_default()))
        })
    }

    /// Parts two customers again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn part_customers(
        &mut self,
        workspace_id: WorkspaceId,
        merge: &CustomerMergeView,
        actor: &str,
        now: Timestamp,
    ) -> Result<Parted, StoreError> {
        let record = self.query_opt(&RECORD, &[&workspace_id, &merge.id], |row| row.json::<Option<Record>>())?;
        let Some(record) = record else { return Ok(Parted::KeptIsGone) };
        let Some(mut record) = record else { return Ok(Parted::Emptied) };
        for was in [&mut record.merged, &mut record.kept] {
            // A contact that is gone meanwhile is not linked to again.
            if let Some(id) = was.contact_id
                && self.contact(workspace_id, id)?.is_none()
            {
                was.contact_id = None;
            }
        }
        let Some(mut kept) = self.messaging_user(workspace_id, merge.kept_id)? else { return Ok(Parted::KeptIsGone) };
        let link = LinkState::of(&kept);
        if self.execute(&END_CUSTOMER_MERGE, &[&workspace_id, &merge.id, &now, &actor])? == 0 {
            return Ok(Parted::Already);
        }
        let merged = record.merged.user();
        self.insert_messaging_user(workspace_id, &merged)?;
        // Before the identifiers are parted: of one that is alone again no use is noted.
        let used = self.used_identifiers_of(workspace_id, merge.kept_id)?;
        let wrote_at = |is_own: &dyn Fn(&Identifier) -> bool| {
            let since = used.iter().filter(|(one, used_at)| *used_at > merge.merged_at && is_own(one));
            since.map(|(_, used_at)| *used_at).max()
        };
        let kept_wrote = record.kept.last_inbound_at.max(wrote_at(&|one| !record.merged.has(one)));
        let merged_wrote = record.merged.last_inbound_at.max(wrote_at(&|one| record.merged.has(one)));
        self.part_identifiers(workspace_id, &record)?;
        let mut moved = Vec::new();
        for id in &record.sessions {
            let params: [&dyn crate::Bind; 4] = [&workspace_id, id, &merge.kept_id, &merged.id];
            if self.execute(&MOVE_SESSION_BACK, &params)? == 1 {
                self.find_by_customer_again(workspace_id, *id)?;
                moved.push(*id);
            }
        }
        let mut narrowed = self.narrow_windows(workspace_id, merge, (merge.kept_id, kept_wrote))?;
        narrowed.extend(self.narrow_windows(workspace_id, merge, (merged.id, merged_wrote))?);
        // What the kept one took over from the other goes, where nobody changed it since.
        let took = |now: &Option<String>, was: &Option<String>, other: &Option<String>| was.is_none() && now == other;
        if took(&kept.profile_name, &record.kept.profile_name, &record.merged.profile_name) {
            kept.profile_name = None;
        }
        if took(&kept.username, &record.kept.username, &record.merged.username) {
            kept.username = None;
        }
        let (was, other) = (record.kept.link(), record.merged.link());
        let took_link = !was.is_linked() || was.merged_with(other) == other;
        if took_link && (kept.contact_id, kept.lead_id) == (other.contact_id, other.lead_id) {
            (kept.contact_id, kept.lead_id, kept.linked_by) = (was.contact_id, was.lead_id, was.linked_by);
        }
        kept.last_inbound_at = self.heard_of(workspace_id, &record.kept)?;
        self.save_messaging_user(workspace_id, &kept, link)?;
        let heard = self.heard_of(workspace_id, &record.merged)?;
        self.execute(&HEARD, &[&workspace_id, &merged.id, &heard])?;
        let of_people: &[&dyn crate::Bind] = &[&workspace_id, &merge.kept_id, &Actor::System.reference()];
        let others = self.query_one(&OPEN_MERGES, of_people, |row| row.next::<i64>())?;
        if others == 0 {
            self.execute(&END_USE, &[&workspace_id, &merge.kept_id])?;
        }
        let parting = |was: &Was| Parting { id: was.id, was_blocked: was.blocked_at.is_some() };
        let customers = (parting(&record.kept), parting(&record.merged));
        let to_tell = self.part_blocks(workspace_id, customers, merge.merged_at)?;
        Ok(Parted::Done { sessions: moved, narrowed, to_tell })
    }

    /// Closes the service windows of a parted customer's conversations as its own last message tells. Gives those it changed.
    fn narrow_windows(
        &mut self,
        workspace_id: WorkspaceId,
        merge: &CustomerMergeView,
        (id, wrote_at): (MessagingUserId, Option<Timestamp>),
    ) -> Result<Vec<SessionId>, StoreError> {
        let until = wrote_at.map(window::expires_at);
        let params: [&dyn crate::Bind; 5] = [&workspace_id, &id, &until, &until.map(step), &merge.merged_at];
        self.query(&NARROW_WINDOWS, &params, |row| row.next())
    }

    /// When a customer who is parted from another wrote last: before the two were merged, or since then in a conversation
    /// that is its own, as the service window there tells, which is its own again.
    fn heard_of(&mut self, workspace_id: WorkspaceId, was: &Was) -> Result<Option<Timestamp>, StoreError> {
        let latest = self
            .query_one(&LATEST_WINDOW, &[&workspace_id, &was.id], |row| row.next::<Option<Timestamp>>())?
            .map(|expires_at| expires_at.plus(-window::SERVICE_WINDOW));
        Ok(was.last_inbound_at.max(latest))
    }

    /// Gives each of two customers its identifiers again. What gave way to another one of the two since is back as well,
    /// unless somebody has it.
    fn part_identifiers(&mut self, workspace_id: WorkspaceId, record: &Record) -> Result<(), StoreError> {
        let (kept, merged) = (&record.kept, &record.merged);
        for (Identifier { kind, value }, used_at) in merged.used_identifiers() {
            // One that was alone in its kind is alone again; of several the order of their use holds.
            let stays_used = i64::from(used_at > Timestamp(0));
            let params: [&dyn crate::Bind; 7] =
                [&workspace_id, &merged.channel_id, &kind.as_str(), &value, &kept.id, &merged.id, &stays_used];
            if self.execute(&MOVE_IDENTIFIER_BACK, &params)? == 0 {
                self.restore_identifier(workspace_id, merged, (kind, &value), used_at)?;
            }
        }
        let left = self.identifiers_of(workspace_id, kept.id)?;
        for (Identifier { kind, value }, used_at) in kept.used_identifiers() {
            if left.iter().all(|identifier| identifier.kind != kind) {
                self.restore_identifier(workspace_id, kept, (kind, &value), used_at)?;
            }
        }
        Ok(())
    }

    fn restore_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        of: &Was,
        (kind, value): (IdentifierKind, &String),
        used_at: Timestamp,
    ) -> Result<(), StoreError> {
        let params: [&dyn crate::Bind; 6] = [&workspace_id, &of.channel_id, &kind.as_str(), value, &of.id, &used_at];
        self.execute(&RESTORE_IDENTIFIER, &params).map(|_| ())
    }
}
