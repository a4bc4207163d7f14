//! What providers tell of a channel's account, its numbers and its templates, for people to read.

use segue_model::{ChannelId, ChannelNoticeId, Timestamp, WorkspaceId, id::Id as _, notice::Severity};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

/// Something a provider told.
#[derive(Debug, Clone)]
pub struct NewChannelNotice<'a> {
    pub id: ChannelNoticeId,
    pub channel_id: ChannelId,
    /// Names the event: told again it makes no second notice.
    pub key: &'a str,
    pub severity: Severity,
    pub text: &'a str,
    /// The provider's time.
    pub at: Timestamp,
}

/// A notice as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ChannelNotice)]
pub struct ChannelNoticeView {
    pub id: ChannelNoticeId,
    pub severity: Severity,
    pub text: String,
    pub at: Timestamp,
}

crate::sql! {
    INSERT_NOTICE = "INSERT INTO channel_notices (workspace_id, id, channel_id, key, severity, text, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, channel_id, key) DO NOTHING";
    NOTICES = "SELECT id, severity, text, at FROM channel_notices
        WHERE workspace_id = $1 AND channel_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    IS_NOTICE_AFTER = "SELECT 1 FROM channel_notices
        WHERE workspace_id = $1 AND channel_id = $2 AND key LIKE CAST($3 AS TEXT) || '%' AND at > $4 LIMIT 1";
}

fn read(row: &mut Row<'_>) -> Result<ChannelNoticeView, StoreError> {
    Ok(ChannelNoticeView { id: row.next()?, severity: row.word()?, text: row.next()?, at: row.next()? })
}

impl Tx<'_> {
    /// Keeps a notice. `false` when it was told before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_channel_notice(
        &mut self,
        workspace_id: WorkspaceId,
        notice: &NewChannelNotice<'_>,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_NOTICE,
            &[
                &workspace_id,
                &notice.id,
                &notice.channel_id,
                &notice.key,
                &notice.severity.as_str(),
                &notice.text,
                &notice.at,
            ],
        )?;
        Ok(written == 1)
    }

    /// Whether a notice whose key begins so is of a later time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_notice_after(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (key, at): (&str, Timestamp),
    ) -> Result<bool, StoreError> {
        let found =
            self.query_opt(&IS_NOTICE_AFTER, &[&workspace_id, &channel_id, &key, &at], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Notices of a channel, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel_notices(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        before: Option<ChannelNoticeId>,
        limit: u32,
    ) -> Result<Vec<ChannelNoticeView>, StoreError> {
        let before = before.unwrap_or_else(|| ChannelNoticeId::from_uuid(Uuid::max()));
        self.query(&NOTICES, &[&workspace_id, &channel_id, &before, &limit], read)
    }
}
