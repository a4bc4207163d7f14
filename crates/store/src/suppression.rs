//! The suppression list: addresses to which nothing is sent but answers to their own keywords, why, and who put them there.
//!
//! Each change appends to a history that is never changed. Whether a message may leave asks [`Tx::is_suppressed`] in the
//! transaction that sends it, so an entry stops what waits; adding one ends it at once.
//!
//! Numbers that messages could not be delivered to are counted as bounces in the transaction that records the failure;
//! [`Tx::suppress_bounced`], which is called from time to time, puts those on the list that bounced often enough. A crash
//! between the two delays that by one call.

use segue_model::{MessageId, PhoneNumber, Timestamp, WorkspaceId, bounce::BounceRules};
use serde::Serialize;

use crate::{
    Row, StoreError, Tx,
    contact::{like_pattern, number_pattern},
    submission::Failure,
};

segue_model::text_enum! {
    /// Where an entry of the suppression list comes from.
    pub enum SuppressionSource {
        /// A person or program put it there.
        Manual = "manual",
        /// A file of numbers.
        File = "file",
        /// Messages could not be delivered because of the number itself.
        Bounce = "bounce",
        /// A carrier's file says that the number was given up.
        Deactivated = "deactivated",
    }
}

segue_model::text_enum! {
    /// What was done to the list.
    pub enum SuppressionAction {
        Added = "added",
        Removed = "removed",
    }
}

/// An address to which nothing is sent but answers to its own keywords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Suppression {
    /// E.164 with plus sign, or a business-scoped id.
    pub address: String,
    /// Why, in words.
    pub reason: String,
    pub source: SuppressionSource,
    /// Who put it there.
    pub actor: Option<String>,
    pub created_at: Timestamp,
}

/// One change of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SuppressionEvent {
    pub action: SuppressionAction,
    pub source: SuppressionSource,
    pub reason: String,
    pub actor: String,
    pub at: Timestamp,
}

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct SuppressionQuery {
    /// Part of an address or of a reason.
    pub search: String,
    pub source: Option<SuppressionSource>,
    /// The address after which to go on.
    pub after: String,
    pub limit: i64,
}

crate::sql! {
    /// An entry stays as it is, except that one which an opt-in may lift gives way to one which it may not.
    PUT_SUPPRESSION = "INSERT INTO suppressions (workspace_id, address, reason, created_at, source, actor)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, address) DO UPDATE SET reason = excluded.reason, created_at = excluded.created_at,
            source = excluded.source, actor = excluded.actor
        WHERE suppressions.source = 'deactivated' AND excluded.source <> 'deactivated'";
    DELETE_SUPPRESSION = "DELETE FROM suppressions WHERE workspace_id = $1 AND address = $2 RETURNING source";
    LIFT_DEACTIVATION = "DELETE FROM suppressions
        WHERE workspace_id = $1 AND address = $2 AND source = 'deactivated'";
    SOURCE_OF = "SELECT source FROM suppressions WHERE workspace_id = $1 AND address = $2";
    NOTE_CHANGE = "INSERT INTO suppression_events (workspace_id, address, at, action, source, reason, actor)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, address, at, action) DO NOTHING";
    SUPPRESSIONS = "SELECT address, reason, source, actor, created_at FROM suppressions
        WHERE workspace_id = $1 AND address > $2 AND (address LIKE $3 ESCAPE '\\' OR address LIKE $6 ESCAPE '\\'
                OR LOWER(reason) LIKE $3 ESCAPE '\\')
            AND (CAST($4 AS TEXT) IS NULL OR source = $4) ORDER BY address LIMIT $5";
    SUPPRESSION_EVENTS = "SELECT action, source, reason, actor, at FROM suppression_events
        WHERE workspace_id = $1 AND address = $2 ORDER BY at DESC LIMIT 200";
    SMS_NUMBER_OF = "SELECT o.address FROM outbox o
        JOIN channels c ON c.workspace_id = o.workspace_id AND c.id = o.channel_id
        WHERE o.workspace_id = $1 AND o.id = $2 AND o.address_kind = 'phone' AND c.kind <> 'whatsapp'";
    NOTE_BOUNCE = "INSERT INTO bounces (workspace_id, address, count, first_at, last_at, code, reason)
        VALUES ($1, $2, 1, $3, $3, $4, $5)
        ON CONFLICT (workspace_id, address) DO UPDATE SET
            count = CASE WHEN bounces.first_at < $6 THEN 1 ELSE bounces.count + 1 END,
            first_at = CASE WHEN bounces.first_at < $6 THEN excluded.first_at ELSE bounces.first_at END,
            last_at = excluded.last_at, code = excluded.code, reason = excluded.reason";
    BOUNCED = "SELECT b.address, b.count, b.reason FROM bounces b WHERE b.workspace_id = $1 AND b.count >= $2
        AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.workspace_id = b.workspace_id AND s.address = b.address)
        ORDER BY b.address LIMIT 500";
    FORGET_BOUNCES = "DELETE FROM bounces WHERE workspace_id = $1 AND address = $2";
}

fn read(row: &mut Row<'_>) -> Result<Suppression, StoreError> {
    Ok(Suppression {
        address: row.next()?,
        reason: row.next()?,
        source: row.word()?,
        actor: row.next()?,
        created_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Puts an entry on the list and ends promotional messages that wait for its address. `false` when the address was on
    /// it: the earlier entry stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_suppression(&mut self, workspace_id: WorkspaceId, entry: &Suppression) -> Result<bool, StoreError> {
        self.lock_consents(workspace_id)?;
        let Suppression { address, reason, source, actor, created_at } = entry;
        let added = self
            .execute(&PUT_SUPPRESSION, &[&workspace_id, address, reason, created_at, &source.as_str(), actor])?
            == 1;
        if added {
            self.note_suppression(workspace_id, entry, SuppressionAction::Added)?;
        }
        self.cancel_waiting_marketing(workspace_id, address, "suppressed")?;
        Ok(added)
    }

    /// Takes an address off the list, and forgets that it bounced. `false` when it was not on it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_suppression(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.lock_consents(workspace_id)?;
        let source = self.query_opt(&DELETE_SUPPRESSION, &[&workspace_id, &address], |row| row.word())?;
        let Some(source) = source else { return Ok(false) };
        let change = Suppression {
            address: address.to_owned(),
            reason: reason.to_owned(),
            source,
            actor: Some(actor.to_owned()),
            created_at: now,
        };
        self.note_suppression(workspace_id, &change, SuppressionAction::Removed)?;
        self.execute(&FORGET_BOUNCES, &[&workspace_id, &address])?;
        Ok(true)
    }

    fn note_suppression(
        &mut self,
        workspace_id: WorkspaceId,
        change: &Suppression,
        action: SuppressionAction,
    ) -> Result<(), StoreError> {
        let actor = change.actor.as_deref().unwrap_or("system");
        let Suppression { address, reason, source, created_at, .. } = change;
        let values: &[&dyn crate::Bind] =
            &[&workspace_id, address, created_at, &action.as_str(), &source.as_str(), reason, &actor];
        self.execute(&NOTE_CHANGE, values).map(|_| ())
    }

    /// Where the entry of an address comes from; `None` when it is not on the list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppression_source(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Option<SuppressionSource>, StoreError> {
        self.query_opt(&SOURCE_OF, &[&workspace_id, &address], |row| row.word())
    }

    /// Takes a number off the list that was given up, in every writing, because its new owner has said yes.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn lift_deactivation(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for address in PhoneNumber::writings_of(address) {
            if self.execute(&LIFT_DEACTIVATION, &[&workspace_id, &address])? == 0 {
                continue;
            }
            let change = Suppression {
                address,
                reason: "The number's new owner has opted in.".to_owned(),
                source: SuppressionSource::Deactivated,
                actor: None,
                created_at: now,
            };
            self.note_suppression(workspace_id, &change, SuppressionAction::Removed)?;
        }
        Ok(())
    }

    /// Entries in the order of their addresses.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppressions(
        &mut self,
        workspace_id: WorkspaceId,
        query: &SuppressionQuery,
    ) -> Result<Vec<Suppression>, StoreError> {
        let source = query.source.map(SuppressionSource::as_str);
        let (pattern, number) = (like_pattern(&query.search), number_pattern(&query.search));
        self.query(&SUPPRESSIONS, &[&workspace_id, &query.after, &pattern, &source, &query.limit, &number], read)
    }

    /// What was done about an address, newest first, at most 200.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppression_events(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<SuppressionEvent>, StoreError> {
        self.query(&SUPPRESSION_EVENTS, &[&workspace_id, &address], |row| {
            Ok(SuppressionEvent {
                action: row.word()?,
                source: row.word()?,
                reason: row.next()?,
                actor: row.next()?,
                at: row.next()?,
            })
        })
    }

    /// Counts a failed text as a bounce of its number, when by the workspace's rules it is one.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn note_bounce(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let rules = self.bounce_rules(workspace_id)?;
        if !rules.is_hard(&failure.class, failure.code.as_deref()) {
            return Ok(());
        }
        let number = self.query_opt(&SMS_NUMBER_OF, &[&workspace_id, &id], |row| row.next::<String>())?;
        let Some(number) = number else { return Ok(()) };
        let since = rules.since(now);
        self.execute(&NOTE_BOUNCE, &[&workspace_id, &number, &now, &failure.code, &failure.reason, &since]).map(|_| ())
    }

    fn bounce_rules(&mut self, workspace_id: WorkspaceId) -> Result<BounceRules, StoreError> {
        Ok(self.workspace(workspace_id)?.map(|workspace| workspace.settings.bounces.clone()).unwrap_or_default())
    }

    /// Puts numbers on the list that bounced as often as the rules say. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppress_bounced(
        &mut self,
        workspace_id: WorkspaceId,
        rules: &BounceRules,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let Some(after) = rules.after() else { return Ok(0) };
        let bounced = self.query(&BOUNCED, &[&workspace_id, &after], |row| {
            Ok((row.next::<String>()?, row.next::<i64>()?, row.next::<Option<String>>()?))
        })?;
        for (address, count, why) in &bounced {
            let why = why.as_deref().unwrap_or("The provider gave no reason.");
            let entry = Suppression {
                address: address.clone(),
                reason: format!("{count} messages could not be delivered. {why}"),
                source: SuppressionSource::Bounce,
                actor: None,
                created_at: now,
            };
            self.put_suppression(workspace_id, &entry)?;
        }
        Ok(bounced.len())
    }
}
