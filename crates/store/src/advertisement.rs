//! Advertisements that brought customers, and what became of them.
//!
//! A row stands for a session and names the advertisement that the customer came by last; it is written in the transaction
//! that takes the message in, so what is told twice is written once.

use segue_model::{SessionId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{StoreError, Tx, message_details::CameFrom, tx::json_text};

/// What one advertisement brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Advertisement)]
pub struct AdvertisementView {
    /// The platform's id of it; empty for all of which it told none.
    pub source_id: String,
    /// `ad` or `post`.
    pub kind: Option<String>,
    pub headline: Option<String>,
    pub url: Option<String>,
    /// Chats that came by it and by no campaign of ours.
    pub chats: i64,
    /// Those among them that an agent had.
    pub agent: i64,
    pub cases: i64,
    pub leads: i64,
    pub won: i64,
    /// When the last one came.
    pub last_at: Timestamp,
}

crate::sql! {
    PUT_AD = "INSERT INTO session_ads (workspace_id, session_id, source_id, came_from, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, session_id) DO UPDATE SET source_id = EXCLUDED.source_id,
            came_from = EXCLUDED.came_from, at = EXCLUDED.at";
    AD_OF_SESSION = "SELECT came_from FROM session_ads WHERE workspace_id = $1 AND session_id = $2";
    ADS = "SELECT a.source_id, MAX(a.came_from), COUNT(DISTINCT a.session_id),
            COUNT(DISTINCT CASE WHEN s.agent_id IS NOT NULL THEN s.id END), COUNT(DISTINCT s.case_id),
            COUNT(DISTINCT l.id), COUNT(DISTINCT CASE WHEN l.status = 'won' THEN l.id END), MAX(a.at)
        FROM session_ads a
        JOIN sessions s ON s.workspace_id = a.workspace_id AND s.id = a.session_id AND s.attribution = 'ad'
        LEFT JOIN leads l ON l.workspace_id = a.workspace_id AND l.session_id = a.session_id AND l.session_id IS NOT NULL
        WHERE a.workspace_id = $1 AND a.at >= $2
        GROUP BY a.source_id ORDER BY MAX(a.at) DESC, a.source_id LIMIT $3";
}

impl Tx<'_> {
    /// Notes the advertisement that a session's customer came by.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_ad(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        came_from: &CameFrom,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let source_id = came_from.source_id.as_deref().unwrap_or_default();
        let text = json_text(came_from)?;
        self.execute(&PUT_AD, &[&workspace_id, &session_id, &source_id, &text, &at]).map(|_| ())
    }

    /// The advertisement that a session's customer came by.
    ///
    /// # Errors
    /// When the store fails.
    pub fn ad_of_session(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Option<CameFrom>, StoreError> {
        self.query_opt(&AD_OF_SESSION, &[&workspace_id, &session_id], |row| row.json())
    }

    /// What advertisements brought since a time, those that brought something last first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advertisements(
        &mut self,
        workspace_id: WorkspaceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<AdvertisementView>, StoreError> {
        self.query(&ADS, &[&workspace_id, &since, &limit], |row| {
            let source_id = row.next()?;
            let CameFrom { kind, headline, url, .. } = row.json()?;
            Ok(AdvertisementView {
                source_id,
                kind,
                headline,
                url,
                chats: row.next()?,
                agent: row.next()?,
                cases: row.next()?,
                leads: row.next()?,
                won: row.next()?,
                last_at: row.next()?,
            })
        })
    }
}
