//! An inbound message as an entry of the transcript, and as an event for the bot.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use segue_channels::{
    ErrorClass,
    whatsapp::{Content, GraphError, InboundMessage, MediaKind},
};
use segue_flow::{Event, EventKind};
use segue_model::{MediaId, MessageId, Timestamp, time};
use segue_store::{
    StoreError, Tx,
    media::RemoteMedia,
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageKind, NewMessage},
    message_details::{CameFrom, FormAnswer, MessageDetails, OrderedProduct, SharedCard, SharedPlace, TappedChoice},
    session::Session,
};
use serde_json::Value;

use super::Desk;
use crate::bot::BEGAN;

/// What the transcript shows of a message that consisted of nothing but the code of its link.
const ONLY_A_CODE: &str = "[Opened the chat from the link]";

/// What the transcript shows of a message without its content, when no more is known.
const NOT_PASSED_ON: &str = "A message that WhatsApp does not pass on.";

/// WhatsApp's code for a message of a type that it does not pass on.
const TYPE_NOT_PASSED_ON: i64 = 131_051;

/// Pictures of one album come as messages of their own; to the bot, files sent within this time of the first are one answer.
const ALBUM: i64 = 10 * time::SECOND;
/// So many of the customer's last messages are looked at for the first of an album.
const ALBUM_SIZE: u32 = 100;

/// Builds the entry; a file in it is noted to be fetched. `words` replaces the text when a code was taken out of it.
pub(super) fn write(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    words: Option<&str>,
    session: &Session,
    at: Timestamp,
) -> Result<NewMessage, StoreError> {
    let kind = kind(content);
    let reply_to = match refers_to(message, content) {
        Some(provider_id) => tx.message_of_provider(desk.workspace_id(), desk.channel.id, &provider_id)?,
        None => None,
    };
    let entry = MessageContent {
        media: remote_media(tx, desk, content)?,
        reply_to: reply_to.filter(|(session_id, _)| *session_id == session.id).map(|(_, id)| id),
        details: MessageDetails { prefilled: words.is_some(), ..details(message, content) },
        ..MessageContent::default()
    };
    let text = shown(content, words);
    let is_system = kind == MessageKind::System;
    Ok(NewMessage {
        id: desk.ctx.id(),
        session_id: session.id,
        channel_id: desk.channel.id,
        direction: if is_system { Direction::System } else { Direction::Inbound },
        author: if is_system { AuthorKind::System } else { AuthorKind::Customer },
        author_id: None,
        kind,
        content: entry,
        text,
        provider_id: Some(message.wamid.clone()),
        client_id: None,
        at,
    })
}

const fn kind(content: &Content) -> MessageKind {
    match content {
        Content::Text { .. } | Content::Edit { .. } => MessageKind::Text,
        Content::Media { media, .. } => match media {
            MediaKind::Image => MessageKind::Image,
            MediaKind::Video => MessageKind::Video,
            MediaKind::Audio => MessageKind::Audio,
            MediaKind::Document => MessageKind::Document,
            MediaKind::Sticker => MessageKind::Sticker,
        },
        Content::Location { .. } => MessageKind::Location,
        Content::Contacts { .. } => MessageKind::Contacts,
        Content::Button { .. }
        | Content::ButtonReply { .. }
        | Content::ListReply { .. }
        | Content::FlowReply { .. }
        | Content::CallPermission { automatic: false, .. } => MessageKind::Reply,
        Content::Reaction { .. } => MessageKind::Reaction,
        Content::Order { .. } => MessageKind::Order,
        Content::System { .. }
        | Content::Revoke { .. }
        | Content::RequestWelcome
        | Content::Call { .. }
        | Content::CallPermission { automatic: true, .. } => MessageKind::System,
        Content::Unsupported { .. } | Content::Other { .. } => MessageKind::Unsupported,
    }
}

/// What the customer says with it: of an edit, what the message says now.
pub(super) fn said(content: &Content) -> &Content {
    match content {
        Content::Edit { content, .. } => content,
        other => other,
    }
}

/// What a person reads of it; `words` is its text when a code was taken out of it.
pub(super) fn shown(content: &Content, words: Option<&str>) -> String {
    match words.map(str::trim) {
        Some("") if matches!(said(content), Content::Text { .. }) => ONLY_A_CODE.to_owned(),
        Some(words) => words.to_owned(),
        None => text(content),
    }
}

/// What a person reads: the customer's own words where there are any, else one line that says what it is.
pub(super) fn text(content: &Content) -> String {
    match content {
        Content::Media { caption, .. } => caption.clone().unwrap_or_default(),
        Content::Reaction { emoji: Some(emoji), .. } => emoji.clone(),
        Content::Reaction { emoji: None, .. } => String::new(),
        Content::Edit { content, .. } => text(content),
        Content::Revoke { .. } => "The customer deleted a message.".to_owned(),
        Content::Call { .. } => "The customer called on WhatsApp. Calls are not answered here; write back.".to_owned(),
        Content::CallPermission { response, automatic: true, .. } => match response.as_str() {
            "accept" => "WhatsApp noted by itself that the customer may be called.".to_owned(),
            _ => "WhatsApp noted by itself that the customer may not be called.".to_owned(),
        },
        Content::CallPermission { response, permanent, .. } => match (response.as_str(), permanent) {
            ("accept", true) => "The customer allows calls until further notice.".to_owned(),
            ("accept", false) => "The customer allows calls for some days.".to_owned(),
            _ => "The customer does not want to be called.".to_owned(),
        },
        Content::System { event, body, .. } => account_change(event, body.as_deref()),
        Content::Unsupported { .. } | Content::Other { .. } => {
            format!("{} Ask the customer to send it in another way.", not_shown(content))
        }
        other => other.preview(),
    }
}

/// What became of the customer's account, in our words where Meta gives none.
fn account_change(event: &str, body: Option<&str>) -> String {
    match (event, body) {
        ("customer_identity_changed", _) => {
            "The customer's WhatsApp was set up anew, perhaps on another phone. Make sure \
            who it is before you share anything private."
                .to_owned()
        }
        (_, Some(body)) => body.to_owned(),
        ("user_changed_number", None) => "The customer has a new phone number.".to_owned(),
        ("user_changed_user_id", None) => "WhatsApp gave the customer a new id.".to_owned(),
        (other, None) => format!("WhatsApp says {other} about the customer."),
    }
}

/// Why a message cannot be shown.
fn not_shown(content: &Content) -> String {
    match content {
        Content::Unsupported { errors, .. } if errors.iter().any(|error| error.code == Some(131_052)) => {
            "A file that is too large to receive.".to_owned()
        }
        Content::Unsupported { name: Some(name), .. } => {
            format!("WhatsApp does not pass on messages of the type \u{201c}{name}\u{201d}.")
        }
        Content::Other { name } if !name.is_empty() => {
            format!("A message of a type that is not known here (\u{201c}{name}\u{201d}).")
        }
        Content::Unsupported { errors, .. } => reason(errors).unwrap_or(NOT_PASSED_ON).to_owned(),
        _ => NOT_PASSED_ON.to_owned(),
    }
}

/// What the first of the errors means that says more than that the type is not passed on.
fn reason(errors: &[GraphError]) -> Option<&'static str> {
    let others = errors.iter().filter(|error| error.code.is_some_and(|code| code != TYPE_NOT_PASSED_ON));
    others.map(GraphError::meaning).find(|meaning| meaning.class != ErrorClass::Unknown).map(|meaning| meaning.reason)
}

/// The provider's id of the message this one answers, reacts to or changes.
fn refers_to(message: &InboundMessage, content: &Content) -> Option<String> {
    match content {
        Content::Reaction { message_id: about, .. }
        | Content::Edit { original_message_id: about, .. }
        | Content::Revoke { original_message_id: about } => Some(about.clone()),
        _ => message.context().and_then(|context| context.message_id),
    }
}

/// What else was told: coordinates, cards, order lines, answers of a form, the id of a button, an advertisement.
fn details(message: &InboundMessage, content: &Content) -> MessageDetails {
    let mut details = MessageDetails::default();
    match content {
        Content::Location { latitude, longitude, name, address, .. } => {
            details.place = Some(SharedPlace {
                latitude: *latitude,
                longitude: *longitude,
                name: name.clone(),
                address: address.clone(),
            });
        }
        Content::Contacts { cards } => {
            details.cards = cards
                .iter()
                .map(|card| SharedCard {
                    name: card.name.clone(),
                    phones: card.phones.clone(),
                    emails: card.emails.clone(),
                    organisation: card.organisation.clone(),
                    own: card.requested,
                })
                .collect();
        }
        Content::Order { lines, .. } => {
            details.order = lines
                .iter()
                .map(|line| OrderedProduct {
                    product: line.product.clone(),
                    quantity: line.quantity,
                    price: line.price,
                    currency: line.currency.clone(),
                })
                .collect();
        }
        Content::ButtonReply { id, .. } => details.choice = Some(TappedChoice { id: id.clone(), description: None }),
        Content::ListReply { id, description, .. } => {
            details.choice = Some(TappedChoice { id: id.clone(), description: description.clone() });
        }
        Content::Button { payload: Some(payload), .. } => {
            details.choice = Some(TappedChoice { id: payload.clone(), description: None });
        }
        Content::FlowReply { response, .. } => details.form = answers(response),
        Content::Media { voice, .. } => details.voice = *voice,
        Content::Edit { .. } => details.edited = true,
        _ => {}
    }
    if let Some(context) = message.context() {
        (details.forwarded, details.product) = (context.forwarded, context.product);
    }
    details.came_from = message.referral().map(|referral| CameFrom {
        kind: referral.source_type,
        headline: referral.headline,
        body: referral.body,
        url: referral.source_url,
        source_id: referral.source_id,
        click_id: referral.click_id,
    });
    details
}

/// The answers of a form, field by field. What is not text is shown as JSON; the form's token is nobody's answer.
fn answers(response: &Value) -> Vec<FormAnswer> {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    };
    match response {
        Value::Object(fields) => fields
            .iter()
            .filter(|(field, value)| *field != "flow_token" && !value.is_null())
            .map(|(field, value)| FormAnswer { field: field.clone(), answer: shown(value) })
            .collect(),
        Value::Null => Vec::new(),
        other => vec![FormAnswer { field: String::new(), answer: shown(other) }],
    }
}

fn remote_media(tx: &mut Tx<'_>, desk: &Desk<'_>, content: &Content) -> Result<Option<MediaReference>, StoreError> {
    let Content::Media { id: provider_id, mime_type, sha256, filename, .. } = content else { return Ok(None) };
    let mime = mime_type.as_deref().map_or("application/octet-stream", |mime| mime.split(';').next().unwrap_or(mime));
    let media = RemoteMedia {
        id: desk.ctx.id::<MediaId>(),
        channel_id: desk.channel.id,
        provider_id: provider_id.clone(),
        mime: mime.trim().to_owned(),
        file_name: filename.clone(),
        sha256: sha256.as_deref().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default(),
    };
    tx.insert_remote_media(desk.workspace_id(), &media, desk.ctx)?;
    Ok(Some(MediaReference { id: media.id, mime: media.mime, file_name: media.file_name }))
}

/// The message as the bot hears it; `entry` is what was written of it.
pub(super) fn for_bot(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    (message, content): (&InboundMessage, &Content),
    entry: &NewMessage,
    provider_at: Timestamp,
) -> Result<Event, StoreError> {
    let context = || message.context().and_then(|context| context.message_id);
    let id = message.wamid.clone();
    Ok(match said(content) {
        // What the link had written for the customer answers nothing.
        Content::Text { .. } if entry.content.details.prefilled => Event { id, kind: EventKind::LinkOpened },
        Content::Text { .. } => Event { id, kind: EventKind::Text { text: entry.text.clone() } },
        Content::Button { payload, text } => {
            let reply_id = payload.clone().unwrap_or_else(|| text.clone());
            Event { id, kind: EventKind::Reply { id: reply_id, title: text.clone(), context: context() } }
        }
        Content::ButtonReply { id: reply_id, title } | Content::ListReply { id: reply_id, title, .. } => {
            Event { id, kind: EventKind::Reply { id: reply_id.clone(), title: title.clone(), context: context() } }
        }
        Content::FlowReply { response: Value::Object(answers), .. } => {
            let form = form_of(tx, desk, answers, entry)?;
            Event { id, kind: EventKind::Form { form, answers: answers.clone() } }
        }
        Content::Media { caption, .. } => {
            let id = album(tx, desk, entry)?.unwrap_or_else(|| format!("album:{provider_at}"));
            Event { id, kind: EventKind::Media { caption: caption.clone() } }
        }
        _ => Event { id, kind: EventKind::Media { caption: None } },
    })
}

/// The event that the first file of this one's album was: an album that opened the conversation is what the bot began with.
/// In the order in which they came, since the files of an album may overtake each other.
fn album(tx: &mut Tx<'_>, desk: &Desk<'_>, entry: &NewMessage) -> Result<Option<String>, StoreError> {
    let heard = tx.last_heard(desk.workspace_id(), entry.session_id, ALBUM_SIZE)?;
    let Some(place) = heard.iter().position(|each| each.id == entry.id) else { return Ok(None) };
    let begin = heard[..place].iter().rposition(|each| !each.is_file).map_or(0, |other| other + 1);
    let mut first = begin;
    for (next, each) in heard.iter().enumerate().take(place + 1).skip(begin) {
        if each.at.since(heard[first].at).abs() >= ALBUM {
            first = next;
        }
    }
    let is_opening = first == 0 && heard.len() < ALBUM_SIZE as usize;
    Ok(Some(if is_opening { BEGAN.to_owned() } else { format!("album:{}", heard[first].id) }))
}

/// The name of the form that was filled in: by the token it was offered with, which is our message's id, else by the
/// message that the answers point to. Empty for what was offered elsewhere, none when nothing tells it.
fn form_of(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    answers: &serde_json::Map<String, Value>,
    entry: &NewMessage,
) -> Result<Option<String>, StoreError> {
    let token = answers.get("flow_token").and_then(Value::as_str).and_then(|token| token.parse::<MessageId>().ok());
    let Some(offered_by) = token.or(entry.content.reply_to) else { return Ok(None) };
    let offer = tx.message_view(desk.workspace_id(), entry.session_id, offered_by)?;
    let form = offer.and_then(|offer| offer.details).and_then(|details| details.offers).map(|form| form.name);
    Ok(Some(form.unwrap_or_default()))
}
