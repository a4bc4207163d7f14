//! Colleagues who are spoken to in notes.
//!
//! A note names a colleague as `<@usr_…>`, by id and never by name. When it is written, each becomes `@` and the name of
//! the time, so that search, lists and transcripts can be read, and the id stays with its place in the text. Who cannot
//! see the conversation cannot be called to it: the note is refused and says who that is.
//!
//! Note, mentions and the events to the colleagues are one transaction, so a crash leaves all of them or none. The events
//! hold ids alone; what a list shows of a note is read when it is asked for, and only of conversations that the reader may
//! see at that moment.

use std::collections::BTreeMap;

use segue_model::{
    ChannelId, Ctx, MentionId, MessageId, SessionId, Timestamp, UserId, WorkspaceId, actor::Actor, role::Role,
};
use segue_store::{
    Store, Tx,
    access::User,
    mention::Mention,
    message::{NewMessage, NoteMention},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    DeskError,
    notice::Notices,
    sessions::{self, Page},
    sight::Sight,
};

/// Most colleagues one note speaks to.
const MOST: usize = 20;
/// Longest excerpt of a note.
const EXCERPT: usize = 200;

/// A colleague who can be spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Colleague {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    /// Whether the colleague may see the conversation. Who may not cannot be mentioned in it.
    pub can_see: bool,
}

/// A mention as its colleague sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Mention)]
pub struct MentionView {
    pub id: MentionId,
    pub session_id: SessionId,
    pub message_id: MessageId,
    /// Who wrote the note.
    pub author: Option<String>,
    pub at: Timestamp,
    pub read_at: Option<Timestamp>,
    /// What it is about; null when the conversation is none of the colleague's business any more.
    pub about: Option<MentionAbout>,
}

/// The conversation of a mention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MentionAbout {
    pub channel_id: ChannelId,
    /// The customer's name.
    pub customer: String,
    /// The begin of the note.
    pub excerpt: String,
}

/// A note's text as people read it, and whom it speaks to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Addressed {
    pub text: String,
    pub mentions: Vec<NoteMention>,
}

/// A piece of a note as it was written.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    User(UserId),
}

/// Parts a text into words and colleagues. What only looks like one stays text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut from, mut at) = (Vec::new(), 0, 0);
    while let Some(begin) = text[at..].find("<@").map(|place| at + place) {
        let named = text[begin..].find('>').map(|length| (begin + length, &text[begin + 2..begin + length]));
        match named.and_then(|(end, id)| Some((end, id.parse::<UserId>().ok()?))) {
            Some((end, id)) => {
                found.push(Piece::Text(&text[from..begin]));
                found.push(Piece::User(id));
                (from, at) = (end + 1, end + 1);
            }
            None => at = begin + 2,
        }
    }
    found.push(Piece::Text(&text[from..]));
    found.retain(|piece| !matches!(piece, Piece::Text("")));
    found
}

/// Reads a note of a session.
///
/// # Errors
/// [`DeskError::MentionHidden`] for a colleague who may not see the session, [`DeskError::InvalidField`] for one who does
/// not exist.
pub(crate) fn read(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    text: &str,
) -> Result<Addressed, DeskError> {
    let pieces = pieces(text);
    let mut addressed = Addressed::default();
    let mut known: BTreeMap<UserId, User> = BTreeMap::new();
    if pieces.iter().any(|piece| matches!(piece, Piece::User(_))) {
        let session = sessions::view(tx, workspace_id, session_id)?;
        let sight = Sight::of(tx, workspace_id, &session)?;
        for piece in &pieces {
            let Piece::User(id) = piece else { continue };
            let user = tx.user(workspace_id, *id)?.filter(|user| user.disabled_at.is_none());
            let Some(user) = user else {
                let message = "A colleague in the note does not work here any more. Take the name out.".to_owned();
                return Err(DeskError::InvalidField { field: "text", message });
            };
            if !sight.includes(user.role, Some(user.id)) {
                return Err(DeskError::MentionHidden { name: user.name });
            }
            known.insert(*id, user);
        }
    }
    if known.len() > MOST {
        let message = format!("A note speaks to at most {MOST} colleagues.");
        return Err(DeskError::InvalidField { field: "text", message });
    }
    let mut length: u32 = 0;
    for piece in pieces {
        let words = match piece {
            Piece::Text(words) => words.to_owned(),
            Piece::User(id) => {
                let words = format!("@{}", known.get(&id).map_or("", |user| user.name.as_str()));
                let mention = NoteMention { user_id: id, start: length, length: characters(&words) };
                addressed.mentions.push(mention);
                words
            }
        };
        length += characters(&words);
        addressed.text.push_str(&words);
    }
    Ok(addressed)
}

fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Calls the colleagues of a note that was written. Nobody calls himself.
pub(crate) fn call(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    note: &NewMessage,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    for user_id in note.content.mentions.iter().map(|mention| mention.user_id) {
        if Some(user_id) == note.author_id {
            continue;
        }
        let mention = Mention {
            id: ctx.id(),
            user_id,
            session_id: note.session_id,
            message_id: note.id,
            author_id: note.author_id,
            at: note.at,
            read_at: None,
        };
        if tx.insert_mention(workspace_id, &mention)? {
            notices.mentioned(mention);
        }
    }
    Ok(())
}

/// The users who can be spoken to in a session, by name; those who may not see it are in the list and say so.
///
/// # Errors
/// When there is no such session.
pub async fn colleagues(
    store: &Store,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<Vec<Colleague>, DeskError> {
    store
        .read(move |tx| {
            let session = sessions::view(tx, workspace_id, session_id)?;
            let sight = Sight::of(tx, workspace_id, &session)?;
            let users = tx.users(workspace_id)?.into_iter().filter(|user| user.disabled_at.is_none());
            let mut all: Vec<Colleague> = users
                .map(|User { id, name, role, .. }| Colleague {
                    id,
                    name,
                    role,
                    can_see: sight.includes(role, Some(id)),
                })
                .collect();
            all.sort_by_key(|colleague| (!colleague.can_see, colleague.name.to_lowercase()));
            Ok(all)
        })
        .await
}

/// One page of the actor's mentions, newest first; a program has none.
///
/// # Errors
/// When the cursor is not one.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
    unread_only: bool,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<MentionView>, DeskError> {
    let before: Option<MentionId> = cursor.map(|text| text.parse()).transpose().map_err(|_| {
        DeskError::InvalidField { field: "cursor", message: "This is not a cursor of a previous page.".to_owned() }
    })?;
    let Some(me) = actor.user_id() else { return Ok(Page { data: Vec::new(), next_cursor: None }) };
    let (role, limit) = (actor.role(), limit.clamp(1, sessions::PAGE_LIMIT));
    store
        .read(move |tx| {
            let mut found = tx.mentions_of(workspace_id, me, before, unread_only, limit + 1)?;
            let has_more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let next_cursor = found.last().filter(|_| has_more).map(|last| last.id.to_string());
            let data = found.into_iter().map(|mention| shown(tx, workspace_id, role, mention));
            Ok(Page { data: data.collect::<Result<_, DeskError>>()?, next_cursor })
        })
        .await
}

fn shown(tx: &mut Tx<'_>, workspace_id: WorkspaceId, role: Role, mention: Mention) -> Result<MentionView, DeskError> {
    let author = match mention.author_id {
        Some(id) => tx.user(workspace_id, id)?.map(|user| user.name),
        None => None,
    };
    let mut about = None;
    if let Some(session) = tx.session_view(workspace_id, mention.session_id)?
        && Sight::of(tx, workspace_id, &session)?.includes(role, Some(mention.user_id))
        && let Some(note) = tx.message_view(workspace_id, mention.session_id, mention.message_id)?
    {
        about = Some(MentionAbout {
            channel_id: session.channel_id,
            customer: session.customer.name,
            excerpt: note.text.chars().take(EXCERPT).collect(),
        });
    }
    let Mention { id, session_id, message_id, at, read_at, .. } = mention;
    Ok(MentionView { id, session_id, message_id, author, at, read_at, about })
}

/// The actor has read a mention, or all of them without an id. Gives how many are unread now.
///
/// # Errors
/// When there is no such mention of the actor.
pub async fn mark_read(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    id: Option<MentionId>,
) -> Result<i64, DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            if let Some(id) = id {
                tx.mention(workspace_id, user_id, id)?.ok_or(DeskError::NotFound("mention"))?;
            }
            if tx.read_mentions(workspace_id, user_id, id, ctx.now())? > 0 {
                let mut notices = Notices::new(workspace_id);
                notices.mentions_read(user_id);
                notices.tell(tx, ctx.now())?;
            }
            Ok(tx.unread_mentions(workspace_id, user_id)?)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_ids_are_colleagues() {
        let id = UserId(uuid::Uuid::from_u128(7));
        let text = format!("Hi <@{id}>, <@usr_1> a <@ b> é<@{id}>");
        let expected = vec![Piece::Text("Hi "), Piece::User(id), Piece::Text(", <@usr_1> a <@ b> é"), Piece::User(id)];
        assert_eq!(pieces(&text), expected);
        assert_eq!(pieces("<@<@"), vec![Piece::Text("<@<@")]);
        assert_eq!(pieces(""), Vec::new());
    }
}
