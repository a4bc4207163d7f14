//! Conversations as files: one conversation, or all of a customer.
//!
//! Taking one out is a row of its own, written before any word is given: who, of whom, when, in which form. The file is
//! made while it is sent, a page of entries at a time, so the longest history needs no more memory than a short one, and
//! nothing of it is kept. A download that breaks off is fetched again within the hour; it shows the conversations as they
//! are then. Each conversation is given only when whoever asked may read it at that moment.

mod csv;
mod html;
mod words;

use std::collections::VecDeque;

use segue_model::{
    ChannelId, Ctx, SessionId, Timestamp, TranscriptExportId, UserId, WorkspaceId, actor::Actor, quiet_hours,
    role::Role, time,
};
use segue_store::{
    Store, Tx,
    message::{Direction, MessageCursor, MessageView},
    session::SessionView,
    transcript_export::{ExportFormat, ExportRow, ExportSubject},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    DeskError,
    sessions::{self, Page},
    sight::Sight,
};

/// Entries of one read.
const PAGE: u32 = 200;
/// How long the file can be fetched.
const FETCHED_WITHIN: i64 = time::HOUR;

/// What is to be taken out.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewExport {
    pub of: ExportSubject,
    pub format: ExportFormat,
    /// With notes and the lines of the product, which are for colleagues alone.
    #[serde(default)]
    pub include_notes: bool,
    /// IANA zone of the times; the workspace's when there is none.
    #[serde(default)]
    pub time_zone: Option<String>,
}

/// A transcript that was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TranscriptExport)]
pub struct ExportView {
    pub id: TranscriptExportId,
    pub of: ExportSubject,
    pub format: ExportFormat,
    pub include_notes: bool,
    pub time_zone: String,
    /// The id of the user or API key.
    pub actor: String,
    /// The user's name.
    pub actor_name: Option<String>,
    pub at: Timestamp,
    /// Where whoever took it out fetches the file, within an hour; relative to the product's address.
    pub file_url: String,
}

/// Who reads.
#[derive(Debug, Clone, Copy)]
struct Viewer {
    role: Role,
    user_id: Option<UserId>,
}

impl Viewer {
    fn of(actor: &Actor) -> Self {
        Self { role: actor.role(), user_id: actor.user_id() }
    }
}

/// The conversations of a subject, the oldest first.
fn sessions_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    subject: ExportSubject,
) -> Result<Vec<SessionId>, DeskError> {
    let customers = match subject {
        ExportSubject::Session { session_id } => {
            sessions::view(tx, workspace_id, session_id)?;
            return Ok(vec![session_id]);
        }
        ExportSubject::Customer { messaging_user_id: id } => {
            tx.messaging_user(workspace_id, id)?.ok_or(DeskError::NotFound("customer"))?;
            vec![id]
        }
        ExportSubject::Contact { contact_id } => {
            tx.contact(workspace_id, contact_id)?.ok_or(DeskError::NotFound("contact"))?;
            tx.customers_of_contact(workspace_id, contact_id)?
        }
    };
    let mut all = Vec::new();
    for customer in customers {
        all.extend(tx.session_ids_of(workspace_id, customer)?);
    }
    // Ids rise with time.
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Notes that a transcript is taken out, so that its file can be fetched.
///
/// # Errors
/// [`DeskError::NotVisible`] when none of it may be read, [`DeskError::InvalidField`] for an unknown time zone, or when
/// there is no such conversation, customer or contact.
pub async fn begin(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    request: NewExport,
) -> Result<ExportView, DeskError> {
    let (ctx, viewer, actor) = (ctx.clone(), Viewer::of(actor), actor.clone());
    store
        .write(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(DeskError::NotFound("workspace"))?;
            let time_zone = request.time_zone.clone().unwrap_or(workspace.time_zone);
            if quiet_hours::zone(&time_zone).is_none() {
                let message = format!("'{time_zone}' is no time zone. Write it like Europe/Berlin.");
                return Err(DeskError::InvalidField { field: "time_zone", message });
            }
            let mut is_visible = false;
            for id in sessions_of(tx, workspace_id, request.of)? {
                let session = sessions::view(tx, workspace_id, id)?;
                if Sight::of(tx, workspace_id, &session)?.includes(viewer.role, viewer.user_id) {
                    is_visible = true;
                    break;
                }
            }
            if !is_visible {
                return Err(DeskError::NotVisible);
            }
            let row = ExportRow {
                id: ctx.id(),
                subject: request.of,
                format: request.format,
                include_notes: request.include_notes,
                time_zone,
                actor: actor.reference(),
                at: ctx.now(),
            };
            tx.insert_transcript_export(workspace_id, &row)?;
            shown(tx, workspace_id, row)
        })
        .await
}

fn shown(tx: &mut Tx<'_>, workspace_id: WorkspaceId, row: ExportRow) -> Result<ExportView, DeskError> {
    let actor_name = match row.actor.parse::<UserId>() {
        Ok(id) => tx.user(workspace_id, id)?.map(|user| user.name),
        Err(_) => None,
    };
    Ok(ExportView {
        id: row.id,
        of: row.subject,
        format: row.format,
        include_notes: row.include_notes,
        time_zone: row.time_zone,
        actor: row.actor,
        actor_name,
        at: row.at,
        file_url: format!("/api/v1/transcript-exports/{}/file", row.id),
    })
}

/// What was taken out, newest first; the cursor is the id of the last one.
///
/// # Errors
/// When the cursor is not one.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<ExportView>, DeskError> {
    let before = cursor.map(|text| text.parse()).transpose().map_err(|_| DeskError::InvalidField {
        field: "cursor",
        message: "This is not a cursor of a previous page.".to_owned(),
    })?;
    let limit = limit.clamp(1, sessions::PAGE_LIMIT);
    store
        .read(move |tx| {
            let mut rows = tx.transcript_exports(workspace_id, before, limit + 1)?;
            let has_more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            let next_cursor = rows.last().filter(|_| has_more).map(|last| last.id.to_string());
            let data = rows.into_iter().map(|row| shown(tx, workspace_id, row));
            Ok(Page { data: data.collect::<Result<_, DeskError>>()?, next_cursor })
        })
        .await
}

/// What stands above a transcript.
#[derive(Debug, Clone)]
struct Head {
    workspace: String,
    actor: String,
    at: Timestamp,
    include_notes: bool,
    zone: Zone,
}

/// The zone of the times in a file.
#[derive(Debug, Clone)]
struct Zone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl Zone {
    /// `2026-11-27 09:30:05 +01:00`.
    fn show(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// A conversation above its entries.
struct Chapter {
    session: SessionView,
    channel: String,
}

/// What one read gave.
enum Part {
    /// Whoever asked may not read this conversation, or it is gone.
    Hidden,
    Entries {
        chapter: Box<Chapter>,
        entries: Vec<MessageView>,
        next: Option<MessageCursor>,
    },
}

enum Stage {
    Head,
    Body,
    Done,
}

/// A file in the making.
pub struct Transcript {
    store: Store,
    workspace_id: WorkspaceId,
    viewer: Viewer,
    id: TranscriptExportId,
    format: ExportFormat,
    head: Head,
    waiting: VecDeque<SessionId>,
    current: Option<(SessionId, MessageCursor)>,
    hidden: usize,
    stage: Stage,
}

/// Begins to make the file of a transcript.
///
/// # Errors
/// [`DeskError::NotFound`] when there is none or somebody else took it out, [`DeskError::ExportGone`] after an hour.
pub async fn open(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: TranscriptExportId,
) -> Result<Transcript, DeskError> {
    let (now, viewer, actor) = (ctx.now(), Viewer::of(actor), actor.clone());
    let read = store.read(move |tx| {
        let row = tx.transcript_export(workspace_id, id)?.filter(|row| row.actor == actor.reference());
        let row = row.ok_or(DeskError::NotFound("transcript"))?;
        if now.since(row.at) > FETCHED_WITHIN {
            return Err(DeskError::ExportGone);
        }
        let workspace = tx.workspace(workspace_id)?.ok_or(DeskError::NotFound("workspace"))?;
        let zone = quiet_hours::zone(&row.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let head = Head {
            workspace: workspace.name,
            actor: sessions::name(&actor).to_owned(),
            at: now,
            include_notes: row.include_notes,
            zone: Zone { name: row.time_zone, zone },
        };
        Ok((row.format, head, VecDeque::from(sessions_of(tx, workspace_id, row.subject)?)))
    });
    let (format, head, waiting) = read.await?;
    let (store, stage) = (store.clone(), Stage::Head);
    Ok(Transcript { store, workspace_id, viewer, id, format, head, waiting, current: None, hidden: 0, stage })
}

impl Transcript {
    /// The name of the file; it names nobody.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("transcript-{}.{}", self.id, self.format)
    }

    /// What the file is.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.format {
            ExportFormat::Html => "text/html; charset=utf-8",
            ExportFormat::Csv => "text/csv; charset=utf-8",
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the store fails. What was given is then not the whole.
    pub async fn next(&mut self) -> Result<Option<String>, DeskError> {
        match self.stage {
            Stage::Head => {
                self.stage = Stage::Body;
                return Ok(Some(match self.format {
                    ExportFormat::Html => html::head(&self.head),
                    ExportFormat::Csv => csv::head(),
                }));
            }
            Stage::Done => return Ok(None),
            Stage::Body => {}
        }
        loop {
            let at = self.current.take();
            let Some((id, after)) = at.or_else(|| Some((self.waiting.pop_front()?, MessageCursor::BEGIN))) else {
                self.stage = Stage::Done;
                return Ok(Some(match self.format {
                    ExportFormat::Html => html::foot(self.hidden),
                    ExportFormat::Csv => String::new(),
                }));
            };
            let (workspace_id, viewer) = (self.workspace_id, self.viewer);
            match self.store.read(move |tx| part(tx, workspace_id, viewer, id, after)).await? {
                Part::Hidden => self.hidden += 1,
                Part::Entries { chapter, mut entries, next } => {
                    self.current = next.map(|next| (id, next));
                    if !self.head.include_notes {
                        entries.retain(|entry| entry.direction != Direction::System);
                    }
                    let (first, last) = (after == MessageCursor::BEGIN, next.is_none());
                    return Ok(Some(match self.format {
                        ExportFormat::Html => html::entries(&self.head, &chapter, &entries, first, last),
                        ExportFormat::Csv => csv::entries(&self.head, &chapter, &entries),
                    }));
                }
            }
        }
    }
}

fn part(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    viewer: Viewer,
    id: SessionId,
    after: MessageCursor,
) -> Result<Part, DeskError> {
    let Some(session) = tx.session_view(workspace_id, id)? else { return Ok(Part::Hidden) };
    if !Sight::of(tx, workspace_id, &session)?.includes(viewer.role, viewer.user_id) {
        return Ok(Part::Hidden);
    }
    let entries = tx.messages_after(workspace_id, id, after, PAGE)?;
    let last = entries.last().filter(|_| entries.len() == PAGE as usize);
    let next = last.map(|last| MessageCursor { at: last.at, id: last.id });
    let channel = channel_name(tx, workspace_id, session.channel_id)?;
    Ok(Part::Entries { chapter: Box::new(Chapter { session, channel }), entries, next })
}

fn channel_name(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: ChannelId) -> Result<String, DeskError> {
    Ok(tx.channel(workspace_id, id)?.map(|channel| channel.name).unwrap_or_default())
}
