//! What customers texted, in full, and what was done about it.
//!
//! Where the workspace wants the conversations of contacts emptied that are gone for good, the words of their texts go too,
//! those that came and those that went outside conversations. That there was a text, when, and what was done about it stays:
//! it proves what the consent ledger says.
//!
//! What was texted with the numbers of a contact until it was deleted is marked as that contact's, and shown with no other
//! one that has a number later. The mark stays as long as the text, and goes when the contact is brought back.

use segue_model::{ChannelId, ContactId, InboundTextId, PhoneNumber, Timestamp, WorkspaceId, id::Id as _};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, Sql, StoreError, Tx, text_file::TextFile};

/// A text of a customer.
#[derive(Debug, Clone)]
pub struct NewInboundText<'a> {
    pub id: InboundTextId,
    pub channel_id: ChannelId,
    /// The number of ours it was sent to.
    pub sender: &'a str,
    /// E.164, or as the carrier gave it.
    pub address: &'a str,
    pub text: &'a str,
    /// What was done about it, in one word.
    pub outcome: &'a str,
    pub received_at: Timestamp,
    /// How many files came with it ([`Tx::receive_text_files`]).
    pub files: usize,
}

/// A text as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InboundText)]
pub struct InboundTextView {
    pub id: InboundTextId,
    pub sender: String,
    /// As it came in, whatever its length.
    pub text: String,
    /// `stop`, `start`, `help`, `keyword`, `opt_in`, `answer`, `revoked`, `review`, or `none` when nothing was done.
    pub outcome: String,
    pub received_at: Timestamp,
    /// Pictures and other files that came with it, in their order.
    pub files: Vec<TextFile>,
}

crate::sql! {
    INSERT_TEXT = "INSERT INTO inbound_texts (workspace_id, id, channel_id, sender, address, text, outcome, received_at,
            files)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    EMPTY_TEXTS = "UPDATE inbound_texts SET text = '' WHERE workspace_id = $1 AND address = $2 AND received_at <= $3";
    /// The index of a campaign's addresses finds each.
    EMPTY_TEXTS_OF_CAMPAIGNS = "UPDATE outbox SET payload = '{\"text\":\"\"}'
        WHERE workspace_id = $1 AND campaign_id IS NOT NULL AND address = $2
            AND campaign_id IN (SELECT c.id FROM campaigns c WHERE c.workspace_id = $1)
            AND created_at <= $3 AND state NOT IN ('queued', 'claimed', 'submitting')";
    EMPTY_DIRECT_TEXTS = "UPDATE outbox SET payload = '{\"text\":\"\"}' WHERE workspace_id = $1 AND id IN (
            SELECT d.id FROM direct_messages d
            WHERE d.workspace_id = $1 AND d.address = $2 AND d.created_at <= $3)
        AND state NOT IN ('queued', 'claimed', 'submitting')";
    EMPTY_FIELDS = "UPDATE direct_messages SET fields = '{}'
        WHERE workspace_id = $1 AND address = $2 AND created_at <= $3";
    TEXTS = "SELECT id, sender, text, outcome, received_at, files FROM inbound_texts
        WHERE workspace_id = $1 AND address = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    TEXTS_OF_HOLDER = "SELECT id, sender, text, outcome, received_at, files FROM inbound_texts
        WHERE workspace_id = $1 AND address = $2 AND id < $3 AND gone_contact_id IS NULL ORDER BY id DESC LIMIT $4";
    /// What an earlier one texted that is gone stays its own.
    MARK_TEXTS = "UPDATE inbound_texts SET gone_contact_id = $3
        WHERE workspace_id = $1 AND address = $2 AND gone_contact_id IS NULL AND received_at <= $4";
    UNMARK_TEXTS = "UPDATE inbound_texts SET gone_contact_id = NULL
        WHERE workspace_id = $1 AND address = $2 AND gone_contact_id = $3";
}

/// A text with how many files it has.
fn read_text(row: &mut Row<'_>) -> Result<(InboundTextView, i64), StoreError> {
    let text = InboundTextView {
        id: row.next()?,
        sender: row.next()?,
        text: row.next()?,
        outcome: row.next()?,
        received_at: row.next()?,
        files: Vec::new(),
    };
    Ok((text, row.next()?))
}

impl Tx<'_> {
    /// Keeps a text.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_text(&mut self, workspace_id: WorkspaceId, text: &NewInboundText<'_>) -> Result<(), StoreError> {
        self.execute(
            &INSERT_TEXT,
            &[
                &workspace_id,
                &text.id,
                &text.channel_id,
                &text.sender,
                &text.address,
                &text.text,
                &text.outcome,
                &text.received_at,
                &(text.files as i64),
            ],
        )
        .map(|_| ())
    }

    /// Removes the words of what was texted with a number until then, where the workspace wants that of contacts that are gone
    /// for good.
    pub(crate) fn forget_texts(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.workspace(workspace_id)?.is_some_and(|workspace| workspace.settings.erase_transcripts) {
            return Ok(());
        }
        for address in phone.writings() {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &address.as_str(), &until];
            for empty in [&EMPTY_TEXTS, &EMPTY_TEXTS_OF_CAMPAIGNS, &EMPTY_DIRECT_TEXTS, &EMPTY_FIELDS] {
                self.execute(empty, keys)?;
            }
        }
        Ok(())
    }

    /// Marks what was texted with a number until now as that of a contact that is being deleted.
    pub(crate) fn mark_texts(
        &mut self,
        workspace_id: WorkspaceId,
        (phone, gone): (&PhoneNumber, ContactId),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for address in phone.writings() {
            self.execute(&MARK_TEXTS, &[&workspace_id, &address.as_str(), &gone, &now])?;
        }
        Ok(())
    }

    /// Takes the mark off what was texted with a number of a contact that is back.
    pub(crate) fn unmark_texts(
        &mut self,
        workspace_id: WorkspaceId,
        (phone, back): (&PhoneNumber, ContactId),
    ) -> Result<(), StoreError> {
        for address in phone.writings() {
            self.execute(&UNMARK_TEXTS, &[&workspace_id, &address.as_str(), &back])?;
        }
        Ok(())
    }

    /// Texts from an address, newest first, from before `before` on, whoever had the number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn texts_from(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        before: Option<InboundTextId>,
        limit: i64,
    ) -> Result<Vec<InboundTextView>, StoreError> {
        self.texts_by(&TEXTS, workspace_id, address, (before, limit))
    }

    /// [`Tx::texts_from`], but for those of contacts that had the number and were deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn texts_of_holder(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        before: Option<InboundTextId>,
        limit: i64,
    ) -> Result<Vec<InboundTextView>, StoreError> {
        self.texts_by(&TEXTS_OF_HOLDER, workspace_id, address, (before, limit))
    }

    fn texts_by(
        &mut self,
        sql: &'static Sql,
        workspace_id: WorkspaceId,
        address: &str,
        (before, limit): (Option<InboundTextId>, i64),
    ) -> Result<Vec<InboundTextView>, StoreError> {
        let before = before.unwrap_or_else(|| InboundTextId::from_uuid(Uuid::max()));
        let found = self.query(sql, &[&workspace_id, &address, &before, &limit], read_text)?;
        let mut texts = Vec::with_capacity(found.len());
        for (mut text, files) in found {
            // Few have any.
            if files > 0 {
                text.files = self.text_files(workspace_id, text.id.uuid())?;
            }
            texts.push(text);
        }
        Ok(texts)
    }
}
