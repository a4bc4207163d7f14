//! What the policy's decisions leave behind: their explanations, what counts against frequency caps, and which rule
//! books were in force when.
//!
//! # Why the count is exact
//! The count is read and written in the transaction that records `submitting`, under a lock on the address
//! ([`Tx::lock_address_sends`]): two messages to one person decide one after the other, whichever node or channel they
//! leave by. A crash before the commit leaves neither the count nor the message; after it both.
//! A message that certainly did not leave is taken out of the count again ([`Tx::uncount_marketing`]) in the transaction
//! that records so.

use segue_model::{
    MessageId, Timestamp, WorkspaceId,
    policy::{Explanation, Rule},
    rule_book::RuleBook,
};

use crate::{REMOVED_AT_ONCE, StoreError, Tx, tx::json_text};

crate::sql! {
    PUT_DECISION = "INSERT INTO decisions (workspace_id, message_id, rule, explanation, decided_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, message_id) DO UPDATE SET rule = excluded.rule, explanation = excluded.explanation,
            decided_at = excluded.decided_at";
    DECISION = "SELECT rule, explanation, decided_at FROM decisions WHERE workspace_id = $1 AND message_id = $2";
    NOTE_RULE_BOOK = "INSERT INTO rule_books (name, version, since) VALUES ($1, $2, $3)
        ON CONFLICT (name, version) DO NOTHING";
    RULE_BOOKS = "SELECT name, version, since FROM rule_books ORDER BY since DESC, name";
    SENDS = "SELECT sent_at FROM marketing_sends
        WHERE workspace_id = $1 AND address = $2 AND sent_at > $3 AND message_id <> $4
        ORDER BY sent_at DESC LIMIT $5";
    UNCOUNT_SEND = "DELETE FROM marketing_sends WHERE workspace_id = $1 AND address = $2 AND message_id = $3";
    DELETE_OLD_SENDS = "DELETE FROM marketing_sends WHERE workspace_id = $1 AND (address, sent_at, message_id) IN (
        SELECT m.address, m.sent_at, m.message_id FROM marketing_sends m WHERE m.workspace_id = $1 AND m.sent_at < $2
        ORDER BY m.sent_at LIMIT $3)";
    DELETE_OLD_DECISIONS = "DELETE FROM decisions WHERE workspace_id = $1 AND message_id IN (SELECT d.message_id
        FROM decisions d WHERE d.workspace_id = $1 AND d.decided_at < $2 ORDER BY d.decided_at LIMIT $3)";
}

/// A version of a rule book and when it began to decide in this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleBookSince {
    pub name: String,
    pub version: String,
    pub since: Timestamp,
}

/// A decision with what explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedDecision {
    pub rule: Rule,
    pub explanation: Explanation,
    pub decided_at: Timestamp,
}

impl Tx<'_> {
    /// Keeps why a message was held or refused; a later decision about it replaces an earlier one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_decision(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
        rule: Rule,
        explanation: &Explanation,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let text = json_text(explanation)?;
        self.execute(&PUT_DECISION, &[&workspace_id, &message_id, &rule.as_str(), &text, &now]).map(|_| ())
    }

    /// Why a message was last held or refused, when that needs more than its rule.
    ///
    /// # Errors
    /// When the store fails.
    pub fn decision(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
    ) -> Result<Option<ExplainedDecision>, StoreError> {
        self.query_opt(&DECISION, &[&workspace_id, &message_id], |row| {
            Ok(ExplainedDecision { rule: row.word()?, explanation: row.json()?, decided_at: row.next()? })
        })
    }

    /// Notes the versions of the rule books of this build, once each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_rule_books(&mut self, books: &[RuleBook], now: Timestamp) -> Result<(), StoreError> {
        for book in books {
            self.execute(&NOTE_RULE_BOOK, &[&book.name, &book.version, &now])?;
        }
        Ok(())
    }

    /// Every version that has decided in this installation, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rule_books_since(&mut self) -> Result<Vec<RuleBookSince>, StoreError> {
        self.query(&RULE_BOOKS, &[], |row| {
            Ok(RuleBookSince { name: row.next()?, version: row.next()?, since: row.next()? })
        })
    }

    /// Makes every other decision that counts messages to this address wait until this transaction has ended.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_address_sends(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        self.lock("marketing_sends", &format_args!("{workspace_id}:{address}"))
    }

    /// When promotional messages other than `except` were sent to an address after a moment, newest first, at most
    /// `limit` of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn marketing_sends(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        after: Timestamp,
        except: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let except = except.unwrap_or(MessageId(uuid::Uuid::nil()));
        self.query(&SENDS, &[&workspace_id, &address, &after, &except, &limit], |row| row.next())
    }

    /// Takes a message that certainly did not leave out of the count.
    ///
    /// # Errors
    /// When the store fails.
    pub fn uncount_marketing(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        message_id: MessageId,
    ) -> Result<(), StoreError> {
        self.execute(&UNCOUNT_SEND, &[&workspace_id, &address, &message_id]).map(|_| ())
    }

    /// Removes counts that no cap looks back at any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_marketing_sends(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_SENDS, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }

    /// Removes old explanations.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_decisions(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_DECISIONS, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }
}
