//! Saying something in a session: the transcript entry and, for what goes to the customer, the outbox row, always both
//! in one transaction and under the same id.

use segue_model::{
    Ctx, MediaId, MessageId, Timestamp, UserId, WorkspaceId,
    content::{Content, TemplateCardValue},
    delivery::MessageClass,
    window,
};
use segue_store::{
    StoreError, Tx,
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageKind, NewMessage, SentTemplate},
    message_details::{AskedFor, FormButton, LinkButton, MessageDetails, SentTemplateCard, SharedCard, SharedPlace},
    outbox::{NewOutbox, Payload},
    session::Session,
};

use crate::{DeskError, notice::Notices};

/// Longest excerpt that lists show.
const EXCERPT: usize = 200;

/// Something for the customer.
pub(crate) struct Outgoing<'a> {
    pub content: &'a Content,
    pub author: AuthorKind,
    pub author_id: Option<UserId>,
    pub class: MessageClass,
    /// Names the cause, so that doing it twice sends once.
    pub dedupe_key: String,
    pub client_id: Option<String>,
}

/// Sends to the customer. `None` when this cause was said before.
///
/// The one place where what goes to a customer meets the service window: an agent's free text is refused here when it is
/// closed. A bot's is queued all the same, so that the transcript shows what it wanted to say; delivery asks the same rule
/// again before anything leaves. Free text is given the end of the window as its own end, so that nothing can leave after
/// it however long it was queued; a template with an offer is given the end of the offer.
///
/// The first answer to a customer who came by an advertisement opens the free entry point.
pub(crate) fn say(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    outgoing: Outgoing<'_>,
    notices: &mut Notices,
) -> Result<Option<MessageId>, DeskError> {
    let now = ctx.now();
    let (address_kind, address) =
        tx.address_of(workspace_id, session.messaging_user_id)?.ok_or(DeskError::NoAddress)?;
    let id: MessageId = ctx.id();
    let is_template = matches!(outgoing.content, Content::Template { .. });
    if outgoing.author == AuthorKind::Agent && !is_template && !window::is_open(session.window_expires_at, now) {
        return Err(DeskError::WindowClosed);
    }
    let outbox = NewOutbox {
        id,
        channel_id: session.channel_id,
        class: outgoing.class,
        dedupe_key: outgoing.dedupe_key,
        address,
        address_kind,
        payload: Payload::of(&outgoing.content)?,
        campaign: None,
        session_id: Some(session.id),
        not_before: now,
        expires_at: if is_template { outgoing.content.offer_ends_at() } else { session.window_expires_at },
        segments: None,
    };
    if !tx.enqueue(workspace_id, &outbox, now)? {
        return Ok(None);
    }
    if let Some(referred_at) = window::unanswered(session.referred_at, session.free_entry_until) {
        session.free_entry_until = window::free_entry(referred_at, now).or(session.free_entry_until);
    }
    let (kind, content) = entry(tx, workspace_id, outgoing.content)?;
    let message = NewMessage {
        id,
        session_id: session.id,
        channel_id: session.channel_id,
        direction: Direction::Outbound,
        author: outgoing.author,
        author_id: outgoing.author_id,
        kind,
        content,
        text: outgoing.content.text().to_owned(),
        provider_id: None,
        client_id: outgoing.client_id,
        at: after_last(session, now),
    };
    note(tx, workspace_id, session, &message, notices)?;
    Ok(Some(id))
}

/// A line of the product itself, for agents only.
pub(crate) fn system_line(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    text: String,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    let message = NewMessage {
        id: ctx.id(),
        session_id: session.id,
        channel_id: session.channel_id,
        direction: Direction::System,
        author: AuthorKind::System,
        author_id: None,
        kind: MessageKind::System,
        content: MessageContent::default(),
        text,
        provider_id: None,
        client_id: None,
        at: after_last(session, ctx.now()),
    };
    tx.insert_message(workspace_id, &message)?;
    session.last_at = message.at;
    notices.message_created(session.id, message.id);
    Ok(())
}

/// Writes an entry and makes it the session's latest one. The caller saves the session.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &mut Session,
    message: &NewMessage,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    if !tx.insert_message(workspace_id, message)? {
        return Err(StoreError::Unavailable("the same message is being written by somebody else".to_owned()));
    }
    if message.at >= session.last_at || session.last_text.is_none() {
        session.last_text = Some(excerpt(message));
        session.last_direction = Some(message.direction);
        session.last_at = message.at.max(session.last_at);
    }
    match (message.direction, message.author) {
        (Direction::Inbound, _) if message.kind != MessageKind::Reaction => session.numbers.customer_wrote(),
        // A reaction says nothing that could be waited for.
        (Direction::Outbound, AuthorKind::Agent) if message.kind == MessageKind::Reaction => {}
        (Direction::Outbound, AuthorKind::Agent) => session.numbers.agent_wrote(message.at),
        (Direction::Outbound, _) => session.numbers.bot_wrote(message.at),
        _ => {}
    }
    notices.message_created(session.id, message.id);
    Ok(())
}

/// Now, but never before what is in the session already: an answer stands below what it answers even when the
/// provider's clock is ahead of ours.
pub(crate) fn after_last(session: &Session, now: Timestamp) -> Timestamp {
    now.max(session.last_at.plus(1))
}

fn excerpt(message: &NewMessage) -> String {
    let text = if message.text.trim().is_empty() { format!("[{}]", message.kind) } else { message.text.clone() };
    shortened(&text)
}

/// The begin of a text, as lists show it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}

fn detailed(details: MessageDetails) -> MessageContent {
    MessageContent { details, ..MessageContent::default() }
}

fn framed(header: Option<String>, footer: Option<String>) -> MessageContent {
    detailed(MessageDetails { header, footer, ..MessageDetails::default() })
}

fn asks(asked: AskedFor) -> MessageContent {
    detailed(MessageDetails { asks_for: Some(asked), ..MessageDetails::default() })
}

fn entry(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    content: &Content,
) -> Result<(MessageKind, MessageContent), DeskError> {
    let empty = MessageContent::default();
    Ok(match content.clone() {
        Content::Text { .. } => (MessageKind::Text, empty),
        Content::Image { media_id, .. } => (MessageKind::Image, with_file(tx, workspace_id, media_id)?),
        Content::Video { media_id, .. } => (MessageKind::Video, with_file(tx, workspace_id, media_id)?),
        Content::Audio { media_id, voice } => {
            let details = MessageDetails { voice, ..MessageDetails::default() };
            (MessageKind::Audio, MessageContent { details, ..with_file(tx, workspace_id, media_id)? })
        }
        Content::Document { media_id, .. } => (MessageKind::Document, with_file(tx, workspace_id, media_id)?),
        Content::Sticker { media_id } => (MessageKind::Sticker, with_file(tx, workspace_id, media_id)?),
        Content::Buttons { buttons, header, footer, .. } => {
            (MessageKind::Buttons, MessageContent { buttons, ..framed(header, footer) })
        }
        Content::List { sections, header, footer, .. } => {
            (MessageKind::List, MessageContent { sections, ..framed(header, footer) })
        }
        Content::Place(place) => {
            let degrees = |text: &str| text.trim().parse().unwrap_or_default();
            let place = SharedPlace {
                latitude: degrees(&place.latitude),
                longitude: degrees(&place.longitude),
                name: place.name,
                address: place.address,
            };
            (MessageKind::Location, detailed(MessageDetails { place: Some(place), ..MessageDetails::default() }))
        }
        Content::Card(card) => {
            let card = SharedCard {
                name: Some(card.name),
                phones: card.phones,
                emails: card.emails,
                organisation: card.organisation,
                own: false,
            };
            (MessageKind::Contacts, detailed(MessageDetails { cards: vec![card], ..MessageDetails::default() }))
        }
        Content::Link { label, url, header, footer, .. } => {
            let link = Some(LinkButton { label, url });
            (MessageKind::Text, detailed(MessageDetails { link, header, footer, ..MessageDetails::default() }))
        }
        Content::Form(form) => {
            let offers = Some(FormButton { label: form.label, name: form.name });
            let (header, footer) = (form.header, form.footer);
            (MessageKind::Text, detailed(MessageDetails { offers, header, footer, ..MessageDetails::default() }))
        }
        Content::RequestPlace { .. } => (MessageKind::Text, asks(AskedFor::Place)),
        Content::RequestContact { .. } => (MessageKind::Text, asks(AskedFor::Phone)),
        Content::Reaction { message_id, .. } => {
            (MessageKind::Reaction, MessageContent { reply_to: Some(message_id), ..empty })
        }
        Content::Template { name, language, parameters, cards, offer, .. } => {
            let template = SentTemplate { name, language, parameters };
            let template_cards =
                cards.into_iter().map(|card| sent_card(tx, workspace_id, card)).collect::<Result<Vec<_>, _>>()?;
            let details = MessageDetails { template_cards, offer, ..MessageDetails::default() };
            (MessageKind::Template, MessageContent { template: Some(template), ..detailed(details) })
        }
    })
}

fn sent_card(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    card: TemplateCardValue,
) -> Result<SentTemplateCard, DeskError> {
    let TemplateCardValue { media_id, text, labels: buttons, .. } = card;
    let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
    let media_kind = if media.mime.starts_with("video/") { "video" } else { "image" }.to_owned();
    Ok(SentTemplateCard { media_id, media_kind, text, buttons })
}

fn with_file(tx: &mut Tx<'_>, workspace_id: WorkspaceId, media_id: MediaId) -> Result<MessageContent, DeskError> {
    let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
    let media = MediaReference { id: media_id, mime: media.mime, file_name: media.file_name };
    Ok(MessageContent { media: Some(media), ..MessageContent::default() })
}
