//! Transcripts that somebody took out: who, of whom, when and in which form. Only ever added to.

use segue_model::{ContactId, MessagingUserId, SessionId, Timestamp, TranscriptExportId, WorkspaceId, id::Id as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

segue_model::text_enum! {
    /// The form of a transcript.
    pub enum ExportFormat {
        /// A page to read and print.
        Html = "html",
        /// A table, one row for each entry.
        Csv = "csv",
    }
}

/// Of what a transcript is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportSubject {
    /// One conversation.
    Session { session_id: SessionId },
    /// Everything with a customer on one channel.
    Customer { messaging_user_id: MessagingUserId },
    /// Everything with a contact, on all channels.
    Contact { contact_id: ContactId },
}

impl ExportSubject {
    const fn word(self) -> &'static str {
        match self {
            Self::Session { .. } => "session",
            Self::Customer { .. } => "customer",
            Self::Contact { .. } => "contact",
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Session { session_id } => session_id.uuid(),
            Self::Customer { messaging_user_id } => messaging_user_id.uuid(),
            Self::Contact { contact_id } => contact_id.uuid(),
        }
    }

    fn of(word: &str, id: Uuid) -> Result<Self, StoreError> {
        match word {
            "session" => Ok(Self::Session { session_id: SessionId(id) }),
            "customer" => Ok(Self::Customer { messaging_user_id: MessagingUserId(id) }),
            "contact" => Ok(Self::Contact { contact_id: ContactId(id) }),
            other => Err(StoreError::Corrupt(format!("'{other}' is nothing a transcript is taken out of"))),
        }
    }
}

/// A transcript that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    pub id: TranscriptExportId,
    pub subject: ExportSubject,
    pub format: ExportFormat,
    /// With what is for colleagues alone.
    pub include_notes: bool,
    /// IANA zone of the times in it.
    pub time_zone: String,
    /// Who did it: the id of a user or an API key.
    pub actor: String,
    pub at: Timestamp,
}

crate::sql! {
    INSERT_EXPORT = "INSERT INTO transcript_exports (workspace_id, id, subject, subject_id, format, notes, time_zone, actor, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    EXPORT = "SELECT id, subject, subject_id, format, notes, time_zone, actor, at FROM transcript_exports
        WHERE workspace_id = $1 AND id = $2";
    EXPORTS = "SELECT id, subject, subject_id, format, notes, time_zone, actor, at FROM transcript_exports
        WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
}

fn read(row: &mut Row<'_>) -> Result<ExportRow, StoreError> {
    Ok(ExportRow {
        id: row.next()?,
        subject: {
            let (word, id): (String, Uuid) = (row.next()?, row.next()?);
            ExportSubject::of(&word, id)?
        },
        format: row.word()?,
        include_notes: row.next::<i64>()? != 0,
        time_zone: row.next()?,
        actor: row.next()?,
        at: row.next()?,
    })
}

impl Tx<'_> {
    /// Notes that a transcript is taken out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_transcript_export(
        &mut self,
        workspace_id: WorkspaceId,
        export: &ExportRow,
    ) -> Result<(), StoreError> {
        let (word, id, notes) = (export.subject.word(), export.subject.id(), i64::from(export.include_notes));
        self.execute(
            &INSERT_EXPORT,
            &[
                &workspace_id,
                &export.id,
                &word,
                &id,
                &export.format.as_str(),
                &notes,
                &export.time_zone,
                &export.actor,
                &export.at,
            ],
        )
        .map(|_| ())
    }

    /// One transcript that was taken out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn transcript_export(
        &mut self,
        workspace_id: WorkspaceId,
        id: TranscriptExportId,
    ) -> Result<Option<ExportRow>, StoreError> {
        self.query_opt(&EXPORT, &[&workspace_id, &id], read)
    }

    /// Transcripts that were taken out before `before`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn transcript_exports(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<TranscriptExportId>,
        limit: u32,
    ) -> Result<Vec<ExportRow>, StoreError> {
        let before = before.unwrap_or(TranscriptExportId(Uuid::max()));
        self.query(&EXPORTS, &[&workspace_id, &before, &limit], read)
    }
}
