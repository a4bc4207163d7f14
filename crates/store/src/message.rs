//! Transcripts: every entry of a session, inbound, outbound, note or system line.
//!
//! `messages_provider` makes a message that is delivered twice one row, `messages_client` does the same for a message
//! that the console sends twice. What became of an outbound entry is in the outbox row with the same id.

use segue_model::{
    ChannelId, MediaId, MessageId, SessionId, Timestamp, UserId, WorkspaceId,
    content::{Choice, Section},
    delivery::OutboxState,
    policy::Rule,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, media::FilePresence, message_details::MessageDetails, tx::json_text};

segue_model::text_enum! {
    /// Which way an entry went.
    pub enum Direction {
        Inbound = "inbound",
        Outbound = "outbound",
        /// Notes and lines of the product itself; never sent to anyone.
        System = "system",
    }
}

segue_model::text_enum! {
    /// What kind of author an entry has.
    pub enum AuthorKind {
        Customer = "customer",
        Bot = "bot",
        Agent = "agent",
        System = "system",
    }
}

segue_model::text_enum! {
    /// What an entry is.
    pub enum MessageKind {
        Text = "text",
        Image = "image",
        Buttons = "buttons",
        List = "list",
        Template = "template",
        /// The customer tapped a button or list row.
        Reply = "reply",
        Audio = "audio",
        Video = "video",
        Document = "document",
        Sticker = "sticker",
        Location = "location",
        Contacts = "contacts",
        Reaction = "reaction",
        Order = "order",
        /// Something the provider does not pass on.
        Unsupported = "unsupported",
        /// For colleagues only.
        Note = "note",
        System = "system",
    }
}

segue_model::text_enum! {
    /// Where an outbound entry is, as people see it.
    pub enum MessageState {
        Pending = "pending",
        Sending = "sending",
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        /// A voice message was listened to.
        Played = "played",
        Failed = "failed",
        /// The provider may or may not have it.
        Unknown = "unknown",
    }
}

impl MessageState {
    /// The shown state of an outbox row.
    #[must_use]
    pub const fn of(state: OutboxState) -> Self {
        match state {
            OutboxState::Queued | OutboxState::Claimed => Self::Pending,
            OutboxState::Submitting => Self::Sending,
            OutboxState::Accepted => Self::Sent,
            OutboxState::Delivered => Self::Delivered,
            OutboxState::Read => Self::Read,
            OutboxState::Unknown => Self::Unknown,
            OutboxState::Failed | OutboxState::Suppressed | OutboxState::Canceled | OutboxState::Expired => {
                Self::Failed
            }
        }
    }
}

/// A file of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaReference {
    pub id: MediaId,
    pub mime: String,
    #[serde(default)]
    pub file_name: Option<String>,
}

/// A template as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentTemplate {
    pub name: String,
    pub language: String,
    pub parameters: Vec<String>,
}

/// A place in a note's text that speaks to a colleague.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoteMention {
    pub user_id: UserId,
    /// Where it begins, in characters (Unicode code points).
    pub start: u32,
    /// How many characters it has, `@` included.
    pub length: u32,
}

/// What an entry says apart from its text; the JSON of the column `content`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageContent {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Choice>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<SentTemplate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// What else the provider told: coordinates, shared contacts, order lines, the id of a tapped button.
    #[serde(skip_serializing_if = "MessageDetails::is_empty")]
    pub details: MessageDetails,
    /// Whom a note speaks to, in the order of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<NoteMention>,
}

/// An entry to write.
#[derive(Debug, Clone)]
pub struct NewMessage {
    pub id: MessageId,
    pub session_id: SessionId,
    pub channel_id: ChannelId,
    pub direction: Direction,
    pub author: AuthorKind,
    pub author_id: Option<UserId>,
    pub kind: MessageKind,
    pub content: MessageContent,
    pub text: String,
    pub provider_id: Option<String>,
    pub client_id: Option<String>,
    pub at: Timestamp,
}

/// Who wrote an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuthorView {
    pub kind: AuthorKind,
    /// The agent's name.
    pub name: Option<String>,
}

/// A file as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MediaView {
    pub id: MediaId,
    pub mime: String,
    pub file_name: Option<String>,
    /// Where it can be read, relative to the product's address.
    pub url: String,
    /// Bytes; null while the file is still at the provider.
    pub size: Option<u64>,
    /// Whether the file is here.
    pub presence: FilePresence,
}

impl MediaView {
    /// A file as the row of its message tells it.
    pub(crate) fn new(
        reference: MediaReference,
        (mime, size): (Option<String>, Option<u64>),
        presence: Option<FilePresence>,
    ) -> Self {
        let presence = presence.unwrap_or(FilePresence::Failed);
        Self {
            url: format!("/api/v1/media/{}", reference.id),
            id: reference.id,
            mime: mime.unwrap_or(reference.mime),
            file_name: reference.file_name,
            size: size.filter(|_| presence == FilePresence::Stored),
            presence,
        }
    }
}

/// Why an outbound entry did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageError {
    /// The provider's code, or the product's rule.
    pub code: String,
    pub reason: String,
    /// What to do about it.
    pub advice: String,
}

impl MessageError {
    /// The failure of an outbox row in words; `None` when the message did not fail. `rule` is the policy rule that
    /// refused it, the rest is the provider's failure as the outbox stores it.
    #[must_use]
    pub fn of(
        state: OutboxState,
        rule: Option<&str>,
        class: Option<&str>,
        code: Option<&str>,
        reason: Option<&str>,
    ) -> Option<Self> {
        if !matches!(MessageState::of(state), MessageState::Failed | MessageState::Unknown) {
            return None;
        }
        let refused = rule.filter(|_| state == OutboxState::Suppressed).and_then(|rule| Rule::parse(rule).ok());
        let word = refused.map(Rule::as_str).or(class).unwrap_or(state.as_str());
        let reason = refused.map(Rule::label).or(reason).unwrap_or(match state {
            OutboxState::Canceled => "It was canceled before it left.",
            OutboxState::Expired => "Its time ran out before it left.",
            OutboxState::Unknown => "The connection broke while it was being sent; WhatsApp may or may not have it.",
            _ => "WhatsApp gave no reason.",
        });
        Some(Self {
            code: refused.map(Rule::as_str).or(code).unwrap_or(word).to_owned(),
            reason: reason.to_owned(),
            advice: advice(word).to_owned(),
        })
    }
}

/// What an agent can do about a failure, by the policy rule, the class of the provider's failure, or the state.
fn advice(word: &str) -> &'static str {
    match word {
        "window_closed" => "Send an approved template, or wait until the customer writes.",
        "template_not_approved" | "template_unavailable" => {
            "Choose another template, or ask an admin to check this one."
        }
        "no_consent" | "consent_expired" | "opted_out" => "Do not send it again; the customer has to agree first.",
        "suppressed" => "The address is blocked. Ask an admin if that is a mistake.",
        "quiet_hours" => "It is night at the customer. Send it in the morning.",
        "sender_hours" | "hours_discarded" => "It fell into quiet hours. Send it when they are over.",
        "legal_hours" => "Promotions may not be sent to the customer at this hour. Send it later.",
        "frequency_cap" | "legal_frequency" | "series_cap" => {
            "The customer has got enough promotions lately. Send it another day."
        }
        "rate_limit" => "It leaves by itself as soon as the limit has room.",
        "no_address" | "invalid_recipient" => "Ask the customer for another way to reach them.",
        "throttled" | "provider_down" => "Send it again in a few minutes.",
        "content_invalid" => "Change the text or the file and send it again.",
        "registration_missing" | "sender_not_allowed" => "Tell an admin: the sender needs attention in Setup, Senders.",
        "authentication" | "account_blocked" | "sender_not_registered" | "sender_not_active" => {
            "Tell an admin: the WhatsApp account needs attention."
        }
        "expired" | "canceled" => "Send it again if it is still needed.",
        "unknown" => "Wait for a receipt, or ask the customer before you send it again.",
        _ => "Try again, and tell an admin if it fails again.",
    }
}

/// An entry as screens and events show it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    pub id: MessageId,
    pub session_id: SessionId,
    pub direction: Direction,
    pub author: AuthorView,
    pub kind: MessageKind,
    pub text: String,
    pub buttons: Vec<Choice>,
    pub sections: Vec<Section>,
    pub media: Option<MediaView>,
    pub template: Option<SentTemplate>,
    /// What it says apart from its text; null when that is all.
    pub details: Option<MessageDetails>,
    /// The entry this one answers or reacts to.
    pub reply_to: Option<MessageId>,
    /// Whom a note speaks to, in the order of its text.
    pub mentions: Vec<NoteMention>,
    /// Only outbound entries have one.
    pub state: Option<MessageState>,
    pub error: Option<MessageError>,
    /// The provider's time for inbound entries, ours for all others.
    pub at: Timestamp,
    pub client_id: Option<String>,
}

/// Where a page of a transcript began: its oldest entry. Shown as `<milliseconds>.<message id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCursor {
    pub at: Timestamp,
    pub id: MessageId,
}

impl MessageCursor {
    /// After every entry.
    pub const END: Self = Self { at: Timestamp(i64::MAX), id: MessageId(Uuid::max()) };

    /// Before every entry.
    pub const BEGIN: Self = Self { at: Timestamp(i64::MIN), id: MessageId(Uuid::nil()) };

    /// Reads the shown form; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self { at: Timestamp(at.parse().ok()?), id: id.parse().ok()? })
    }
}

impl std::fmt::Display for MessageCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.0, self.id)
    }
}

/// A message of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    pub id: MessageId,
    pub at: Timestamp,
    pub is_file: bool,
}

crate::sql! {
    COUNT_INBOUND = "SELECT COUNT(*) FROM messages WHERE workspace_id = $1 AND direction = 'inbound'";
    INSERT_MESSAGE = "INSERT INTO messages (workspace_id, session_id, id, channel_id, direction, author, author_id, kind,
            content, text, provider_id, client_id, at, media_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
    INSERT_CARD_FILE = "INSERT INTO card_files (workspace_id, media_id, session_id, message_id) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    MESSAGE_OF_PROVIDER = "SELECT session_id, id FROM messages
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3";
    MESSAGE_OF_OUTBOX = "SELECT session_id, id FROM outbox
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3 AND session_id IS NOT NULL
        ORDER BY id DESC LIMIT 1";
    IS_SUBMITTING = "SELECT 1 FROM outbox WHERE workspace_id = $1 AND session_id = $2 AND state = 'submitting'
            AND (state = 'queued' OR state = 'claimed' OR state = 'submitting')
        LIMIT 1";
    PROVIDER_ID_OF = "SELECT provider_id FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND id = $3 AND direction = 'inbound' AND provider_id IS NOT NULL";
    MESSAGE_OF_CLIENT = "SELECT v.* FROM message_details v JOIN messages m ON m.workspace_id = v.workspace_id
            AND m.session_id = v.session_id AND m.id = v.id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.client_id = $3";
    MESSAGE_VIEW = "SELECT v.* FROM message_details v
        WHERE v.workspace_id = $1 AND v.session_id = $2 AND v.id = $3";
    MESSAGES_BEFORE = "SELECT v.* FROM message_details v
        WHERE v.workspace_id = $1 AND v.session_id = $2 AND (v.at, v.id) < ($3, $4)
        ORDER BY v.at DESC, v.id DESC LIMIT $5";
    LAST_HEARD = "SELECT id, at, media_id IS NOT NULL FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND direction = 'inbound' AND kind <> 'reaction'
        ORDER BY at DESC, id DESC LIMIT $3";
    MESSAGES_AFTER = "SELECT v.* FROM message_details v
        WHERE v.workspace_id = $1 AND v.session_id = $2 AND (v.at, v.id) > ($3, $4)
        ORDER BY v.at, v.id LIMIT $5";
    EVENTS_OF_SESSION_SINCE = "SELECT data FROM events
        WHERE workspace_id = $1 AND seq > $2 AND kind = 'message.created' AND entity_id = $3";
    AUTHOR = "SELECT direction, author, author_id FROM messages WHERE workspace_id = $1 AND session_id = $2 AND id = $3";
}

fn read_view(row: &mut Row<'_>) -> Result<MessageView, StoreError> {
    let _workspace_id: WorkspaceId = row.next()?;
    let (session_id, id, direction) = (row.next()?, row.next()?, row.word()?);
    let author = AuthorView { kind: row.word()?, name: row.next()? };
    let (kind, text) = (row.word()?, row.next()?);
    let content: MessageContent = row.json()?;
    let state: Option<OutboxState> = row.optional_word()?;
    let (rule, class): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let (code, reason): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let (at, client_id) = (row.next()?, row.next()?);
    let about = (row.next()?, row.next()?);
    let presence: Option<FilePresence> = row.optional_word()?;
    let played: Option<Timestamp> = row.next()?;
    Ok(MessageView {
        id,
        session_id,
        direction,
        author,
        kind,
        text,
        buttons: content.buttons,
        sections: content.sections,
        media: content.media.map(|media| MediaView::new(media, about, presence)),
        template: content.template,
        details: Some(content.details).filter(|details| !details.is_empty()),
        reply_to: content.reply_to,
        mentions: content.mentions,
        state: state.map(|state| if played.is_some() { MessageState::Played } else { MessageState::of(state) }),
        error: state.and_then(|state| {
            MessageError::of(state, rule.as_deref(), class.as_deref(), code.as_deref(), reason.as_deref())
        }),
        at,
        client_id,
    })
}

impl Tx<'_> {
    /// How many messages of customers the transcripts of a workspace hold. It reads each of them: for benchmarks and
    /// checks, not for what is asked often.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_inbound(&mut self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        self.query_one(&COUNT_INBOUND, &[&workspace_id], |row| row.next())
    }

    /// Writes an entry. `false` when the provider's or the console's id of it is known already; nothing is changed then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_message(&mut self, workspace_id: WorkspaceId, message: &NewMessage) -> Result<bool, StoreError> {
        let content = json_text(&message.content)?;
        let written = self.execute(
            &INSERT_MESSAGE,
            &[
                &workspace_id,
                &message.session_id,
                &message.id,
                &message.channel_id,
                &message.direction.as_str(),
                &message.author.as_str(),
                &message.author_id,
                &message.kind.as_str(),
                &content,
                &message.text,
                &message.provider_id,
                &message.client_id,
                &message.at,
                &message.content.media.as_ref().map(|media| media.id),
            ],
        )?;
        if written == 1 {
            for card in &message.content.details.template_cards {
                let row: [&dyn crate::Bind; 4] = [&workspace_id, &card.media_id, &message.session_id, &message.id];
                self.execute(&INSERT_CARD_FILE, &row)?;
            }
        }
        Ok(written == 1)
    }

    /// The entry with this provider's id, whichever way it went.
    ///
    /// # Errors
    /// When the store fails.
    pub fn message_of_provider(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<Option<(SessionId, MessageId)>, StoreError> {
        for sql in [&MESSAGE_OF_PROVIDER, &MESSAGE_OF_OUTBOX] {
            let found =
                self.query_opt(sql, &[&workspace_id, &channel_id, &provider_id], |row| Ok((row.next()?, row.next()?)))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether a message of the session is on the wire.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_submitting(&mut self, workspace_id: WorkspaceId, session_id: SessionId) -> Result<bool, StoreError> {
        let found = self.query_opt(&IS_SUBMITTING, &[&workspace_id, &session_id], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Whether an entry is what a customer wrote.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_of_customer(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<bool, StoreError> {
        let author = self.query_opt(&AUTHOR, &[&workspace_id, &session_id, &id], |row| row.word::<Direction>())?;
        Ok(author == Some(Direction::Inbound))
    }

    /// Whether an entry with this provider's id is there already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_in_transcript(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<bool, StoreError> {
        let found = self.query_opt(&MESSAGE_OF_PROVIDER, &[&workspace_id, &channel_id, &provider_id], |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// The provider's id of something the customer wrote.
    ///
    /// # Errors
    /// When the store fails.
    pub fn provider_id_of(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<Option<String>, StoreError> {
        self.query_opt(&PROVIDER_ID_OF, &[&workspace_id, &session_id, &id], |row| row.next())
    }

    /// The entry that the console sent under this id of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn message_of_client(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        client_id: &str,
    ) -> Result<Option<MessageView>, StoreError> {
        self.query_opt(&MESSAGE_OF_CLIENT, &[&workspace_id, &session_id, &client_id], read_view)
    }

    /// One entry as screens show it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn message_view(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<Option<MessageView>, StoreError> {
        self.query_opt(&MESSAGE_VIEW, &[&workspace_id, &session_id, &id], read_view)
    }

    /// The entries before a point, oldest first, at most `limit` of the latest ones.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messages_before(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        before: MessageCursor,
        limit: u32,
    ) -> Result<Vec<MessageView>, StoreError> {
        let mut page =
            self.query(&MESSAGES_BEFORE, &[&workspace_id, &session_id, &before.at, &before.id, &limit], read_view)?;
        page.reverse();
        Ok(page)
    }

    /// What a customer sent last in a conversation, in the order in which it came.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_heard(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        limit: u32,
    ) -> Result<Vec<Heard>, StoreError> {
        let mut all = self.query(&LAST_HEARD, &[&workspace_id, &session_id, &limit], |row| {
            Ok(Heard { id: row.next()?, at: row.next()?, is_file: row.next()? })
        })?;
        all.sort_by_key(|heard| heard.id);
        Ok(all)
    }

    /// The entries after a point, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messages_after(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        after: MessageCursor,
        limit: u32,
    ) -> Result<Vec<MessageView>, StoreError> {
        self.query(&MESSAGES_AFTER, &[&workspace_id, &session_id, &after.at, &after.id, &limit], read_view)
    }

    /// How many replies others than `user_id` (the bot or colleagues) sent in a session after event `seq`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn replies_of_others_since(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        seq: i64,
        user_id: UserId,
    ) -> Result<usize, StoreError> {
        #[derive(Deserialize)]
        struct Created {
            message_id: Option<MessageId>,
        }
        let entity_id = session_id.to_string();
        let created: Vec<Created> =
            self.query(&EVENTS_OF_SESSION_SINCE, &[&workspace_id, &seq, &entity_id], |row| row.json())?;
        let mut count = 0;
        for message_id in created.into_iter().filter_map(|created| created.message_id) {
            let author = self.query_opt(&AUTHOR, &[&workspace_id, &session_id, &message_id], |row| {
                Ok((row.word::<Direction>()?, row.word::<AuthorKind>()?, row.next::<Option<UserId>>()?))
            })?;
            let by_other = matches!(author, Some((Direction::Outbound, AuthorKind::Bot | AuthorKind::Agent, who))
                if who != Some(user_id));
            count += usize::from(by_other);
        }
        Ok(count)
    }
}
