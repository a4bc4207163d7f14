//! What customers write: from the handset into the chat and out as a webhook.

use super::forms::Form;
use super::media::StoredMedia;
use crate::config::digits;
use crate::handset::{Button, ChatMessage, Direction, Mark, MediaView, Progress, Section, TemplateName};
use crate::ledger::Fact;
use crate::state::State;
use crate::webhook::payload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A message a customer sends, as the headless API takes it.
#[derive(Debug, Deserialize)]
pub(crate) struct InboundMessage {
    #[serde(flatten)]
    pub content: InboundContent,
    /// The message it answers.
    pub context_id: Option<String>,
    /// It was written to somebody else before.
    #[serde(default)]
    pub forwarded: bool,
    /// The advertisement it was written from, as it stands in the webhook.
    pub referral: Option<Value>,
    /// Seconds or milliseconds; the sandbox clock when left out.
    pub timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum InboundContent {
    Text {
        text: String,
    },
    /// A tapped reply button of the message `reply_to`.
    ButtonReply {
        reply_to: String,
        id: String,
    },
    /// A chosen row of the list `reply_to`.
    ListReply {
        reply_to: String,
        id: String,
    },
    /// The filled-in form of the message `reply_to`.
    FormReply {
        reply_to: String,
        answers: Map<String, Value>,
    },
    /// A tapped quick reply of a template.
    Button {
        reply_to: String,
        text: String,
        payload: Option<String>,
    },
    Image {
        media_base64: String,
        mime: Option<String>,
        caption: Option<String>,
    },
    Video {
        media_base64: String,
        mime: Option<String>,
        caption: Option<String>,
    },
    Audio {
        media_base64: String,
        mime: Option<String>,
        /// Recorded in the chat, when it is left out.
        voice: Option<bool>,
    },
    Sticker {
        media_base64: String,
        mime: Option<String>,
        #[serde(default)]
        animated: bool,
    },
    Document {
        media_base64: String,
        mime: Option<String>,
        caption: Option<String>,
        filename: Option<String>,
    },
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    /// The card of somebody.
    Contact {
        name: String,
        phone: String,
    },
    /// The customer's own number, which the message `reply_to` asked for.
    ContactReply {
        reply_to: String,
    },
    /// An empty `emoji` takes the reaction back.
    Reaction {
        message_id: String,
        emoji: String,
    },
    /// Other words for a text that was sent before.
    Edit {
        message_id: String,
        text: String,
    },
    /// Deletes a message for everyone.
    Revoke {
        message_id: String,
    },
    /// Any other `messages[]` element: `type` and its member, as it stands in the webhook.
    Raw {
        message: Map<String, Value>,
    },
}

/// Why a handset cannot send.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InboundError {
    #[error("there is no handset with this id")]
    NoHandset,
    #[error("the handset is offline; put it online first")]
    Offline,
    #[error("the handset is not on WhatsApp; put it there first")]
    NotOnWhatsApp,
    #[error("the customer has blocked the business; unblock it first")]
    Blocked,
    #[error("reply_to names no message of this chat, or the message has no such button or row")]
    NoTarget,
    #[error("message_id names no message that the customer wrote in this chat and can still change")]
    NotOwn,
    #[error("the field {0} of the form has no answer, or one that does not fit")]
    Unanswered(String),
    #[error("media_base64 is not base64")]
    BadMedia,
}

/// The parts of a message for webhook and handset.
#[derive(Default)]
struct Parts {
    kind: String,
    content: Value,
    shown: String,
    context: Option<String>,
    media: Option<MediaView>,
    /// It changes a message that is there and is none of its own.
    is_change: bool,
}

impl State {
    /// A customer sends a message; it opens the service window. Returns the wamid.
    pub fn message_from_handset(&mut self, handset_id: &str, message: InboundMessage) -> Result<String, InboundError> {
        let handset = self.handsets.get(handset_id).ok_or(InboundError::NoHandset)?;
        if !handset.online {
            return Err(InboundError::Offline);
        }
        if !handset.on_whatsapp {
            return Err(InboundError::NotOnWhatsApp);
        }
        if handset.blocked {
            return Err(InboundError::Blocked);
        }
        let name = if handset.shares_phone { handset.id.clone() } else { handset.bsuid.clone() };
        let now = self.now();
        let at = message.timestamp.map_or(now, |given| if given < 100_000_000_000 { given * 1000 } else { given });
        let mut fields = Map::new();
        let parts = match message.content {
            InboundContent::Raw { message } => {
                let kind = message.get("type").and_then(Value::as_str).unwrap_or("unsupported").to_owned();
                fields = message;
                Parts { shown: format!("[{kind}]"), kind, ..Parts::default() }
            }
            content => self.parts(handset_id, content)?,
        };
        let context_id = parts.context.or(message.context_id);
        if !fields.contains_key("type") {
            fields.insert("type".to_owned(), json!(parts.kind));
            fields.insert(parts.kind.clone(), parts.content);
        }
        if message.forwarded {
            fields.insert("context".to_owned(), json!({"forwarded": true}));
        } else if let Some(context) = context_id.as_ref().filter(|_| parts.kind != "reaction") {
            let author = self.handsets.get(handset_id).filter(|handset| handset.wrote(context));
            fields.insert("context".to_owned(), payload::reply_context(&self.config, author, context));
        }
        if let Some(referral) = message.referral.filter(Value::is_object) {
            fields.insert("referral".to_owned(), referral);
        }
        let is_referred = fields.contains_key("referral");
        let wamid = self.new_wamid(&name, 0x12);
        let config = self.config.clone();
        let handset = self.handsets.get_mut(handset_id).ok_or(InboundError::NoHandset)?;
        if !parts.is_change {
            handset.chat.last_inbound_at = Some(handset.chat.last_inbound_at.map_or(at, |last| last.max(at)));
        }
        if is_referred {
            handset.chat.referred_at = Some(at);
        }
        if !parts.is_change {
            let new = shown(&wamid, &parts.kind, &parts.shown, parts.media, context_id, at);
            handset.chat.messages.push(ChatMessage { mark: message.forwarded.then_some(Mark::Forwarded), ..new });
        }
        if handset.blocked_by_business {
            // The business is told nothing; the customer sees one tick.
            self.chat_of.insert(wamid.clone(), handset_id.to_owned());
            self.page(Some(handset_id), "chat");
            return Ok(wamid);
        }
        let body = payload::inbound(&config, handset, &wamid, at / 1000, fields);
        let fact = Fact::WaInbound {
            wamid: wamid.clone(),
            handset_id: handset_id.to_owned(),
            from: handset.shares_phone.then(|| handset.id.clone()),
            user_id: handset.bsuid.clone(),
            kind: parts.kind,
            text: parts.shown,
        };
        let entry = self.record(fact);
        self.chat_of.insert(wamid.clone(), handset_id.to_owned());
        self.count_inbound();
        self.queue_webhook(&body, Some(entry));
        self.page(Some(handset_id), "chat");
        Ok(wamid)
    }

    fn parts(&mut self, handset_id: &str, content: InboundContent) -> Result<Parts, InboundError> {
        let media =
            |state: &mut Self,
             kind: &str,
             data: &str,
             mime: Option<String>,
             caption: Option<String>,
             filename: Option<String>| { state.received_media(kind, data, mime, caption, filename) };
        Ok(match content {
            InboundContent::Text { text } => {
                Parts { kind: "text".to_owned(), content: json!({"body": text}), shown: text, ..Parts::default() }
            }
            InboundContent::ButtonReply { reply_to, id } => {
                let buttons = &self.target(handset_id, &reply_to)?.buttons;
                let title = buttons.iter().find(|b| b.id == id).ok_or(InboundError::NoTarget)?.title.clone();
                let reply = json!({"type": "button_reply", "button_reply": {"id": id, "title": title}});
                Parts {
                    kind: "interactive".to_owned(),
                    content: reply,
                    shown: title,
                    context: Some(reply_to),
                    ..Parts::default()
                }
            }
            InboundContent::FormReply { reply_to, answers } => {
                let offered = self.target(handset_id, &reply_to)?.form.clone().ok_or(InboundError::NoTarget)?;
                let response = Form::answers(&offered, &answers).map_err(InboundError::Unanswered)?;
                let reply = json!({"name": "flow", "body": "Sent", "response_json": response});
                Parts {
                    kind: "interactive".to_owned(),
                    content: json!({"type": "nfm_reply", "nfm_reply": reply}),
                    shown: format!("{}: sent", offered.label),
                    context: Some(reply_to),
                    ..Parts::default()
                }
            }
            InboundContent::ListReply { reply_to, id } => {
                let rows = self.target(handset_id, &reply_to)?.sections.iter().flat_map(|s: &Section| &s.rows);
                let row = rows.clone().find(|row| row.id == id).ok_or(InboundError::NoTarget)?;
                let mut chosen = json!({"id": row.id, "title": row.title});
                if !row.description.is_empty() {
                    chosen["description"] = json!(row.description);
                }
                let shown = row.title.clone();
                let reply = json!({"type": "list_reply", "list_reply": chosen});
                Parts {
                    kind: "interactive".to_owned(),
                    content: reply,
                    shown,
                    context: Some(reply_to),
                    ..Parts::default()
                }
            }
            InboundContent::Button { reply_to, text, payload } => {
                let target = self.target(handset_id, &reply_to)?;
                let template: Option<&TemplateName> = target.template.as_ref();
                // Buttons of cards say the same; what comes back with them tells the cards apart.
                let on_cards = target.cards.iter().flat_map(|card| &card.buttons);
                let is_meant = |b: &&Button| b.title == text && payload.as_ref().is_none_or(|it| *it == b.id);
                let all = target.buttons.iter().filter(|b| b.title == text).chain(on_cards.filter(is_meant));
                let known = all.into_iter().next().filter(|_| template.is_some());
                let payload = payload.unwrap_or(known.ok_or(InboundError::NoTarget)?.id.clone());
                let content = json!({"payload": payload, "text": text});
                Parts { kind: "button".to_owned(), content, shown: text, context: Some(reply_to), ..Parts::default() }
            }
            InboundContent::Image { media_base64, mime, caption } => {
                media(self, "image", &media_base64, mime, caption, None)?
            }
            InboundContent::Video { media_base64, mime, caption } => {
                media(self, "video", &media_base64, mime, caption, None)?
            }
            InboundContent::Audio { media_base64, mime, voice } => {
                let mut parts = media(self, "audio", &media_base64, mime, None, None)?;
                let is_voice = voice.unwrap_or(true);
                parts.content["voice"] = json!(is_voice);
                parts.media = parts.media.map(|media| MediaView { voice: is_voice, ..media });
                parts
            }
            InboundContent::Sticker { media_base64, mime, animated } => {
                let mut parts = media(self, "sticker", &media_base64, mime, None, None)?;
                parts.content["animated"] = json!(animated);
                parts
            }
            InboundContent::Document { media_base64, mime, caption, filename } => {
                media(self, "document", &media_base64, mime, caption, filename)?
            }
            InboundContent::Location { latitude, longitude, name, address } => {
                let mut content = json!({"latitude": latitude, "longitude": longitude});
                if let Some(name) = &name {
                    content["name"] = json!(name);
                }
                if let Some(address) = &address {
                    content["address"] = json!(address);
                }
                let shown = name.unwrap_or_else(|| format!("{latitude}, {longitude}"));
                Parts { kind: "location".to_owned(), content, shown, ..Parts::default() }
            }
            InboundContent::Contact { name, phone } => {
                let first = name.split_whitespace().next().unwrap_or_default();
                let number = json!({"phone": phone, "type": "CELL", "wa_id": digits(&phone)});
                let card = json!({"name": {"formatted_name": name, "first_name": first}, "phones": [number],
                    "origin": "other"});
                Parts { kind: "contacts".to_owned(), content: json!([card]), shown: name, ..Parts::default() }
            }
            InboundContent::ContactReply { reply_to } => {
                let asked = self.target(handset_id, &reply_to)?.buttons.iter().any(|b| b.kind == "share_number");
                let handset = self.handsets.get(handset_id).filter(|_| asked).ok_or(InboundError::NoTarget)?;
                // Such a card has no name.
                let number = json!({"phone": handset.phone, "wa_id": handset.id, "type": "MOBILE"});
                Parts {
                    kind: "contacts".to_owned(),
                    content: json!([{"phones": [number], "origin": "contact_request"}]),
                    shown: handset.phone.clone(),
                    context: Some(reply_to),
                    ..Parts::default()
                }
            }
            InboundContent::Reaction { message_id, emoji } => Parts {
                kind: "reaction".to_owned(),
                content: json!({"message_id": message_id, "emoji": emoji}),
                shown: emoji,
                context: Some(message_id),
                ..Parts::default()
            },
            InboundContent::Edit { message_id, text } => {
                let message = self.own(handset_id, &message_id).filter(|message| message.kind == "text");
                let message = message.ok_or(InboundError::NotOwn)?;
                (message.text, message.mark) = (text.clone(), Some(Mark::Edited));
                let content = json!({"original_message_id": message_id,
                    "message": {"type": "text", "text": {"body": text}}});
                Parts { kind: "edit".to_owned(), content, shown: text, is_change: true, ..Parts::default() }
            }
            InboundContent::Revoke { message_id } => {
                let message = self.own(handset_id, &message_id).ok_or(InboundError::NotOwn)?;
                (message.text, message.media, message.mark) = (String::new(), None, Some(Mark::Deleted));
                let content = json!({"original_message_id": message_id});
                Parts { kind: "revoke".to_owned(), content, is_change: true, ..Parts::default() }
            }
            InboundContent::Raw { .. } => Parts::default(),
        })
    }

    /// A message of the customer that is not deleted.
    fn own(&mut self, handset_id: &str, wamid: &str) -> Option<&mut ChatMessage> {
        let message = self.handsets.get_mut(handset_id)?.chat.find_mut(wamid)?;
        let is_own = message.direction == Direction::Out && message.kind != "reaction";
        Some(message).filter(|message| is_own && message.mark != Some(Mark::Deleted))
    }

    fn target(&self, handset_id: &str, wamid: &str) -> Result<&ChatMessage, InboundError> {
        let handset = self.handsets.get(handset_id).ok_or(InboundError::NoHandset)?;
        handset.chat.visible().find(|message| message.id == wamid).ok_or(InboundError::NoTarget)
    }

    fn received_media(
        &mut self,
        kind: &str,
        data: &str,
        mime: Option<String>,
        caption: Option<String>,
        filename: Option<String>,
    ) -> Result<Parts, InboundError> {
        let bytes = STANDARD.decode(data.trim()).map_err(|_| InboundError::BadMedia)?;
        let mime = mime.unwrap_or_else(|| {
            let usual = match kind {
                "image" => "image/jpeg",
                "video" => "video/mp4",
                "audio" => "audio/ogg; codecs=opus",
                "sticker" => "image/webp",
                _ => "application/octet-stream",
            };
            usual.to_owned()
        });
        let now = self.now();
        let mut stored = StoredMedia::received(bytes, mime.clone(), now);
        stored.filename.clone_from(&filename);
        let mut content = json!({"mime_type": mime, "sha256": STANDARD.encode(stored.sha256)});
        let id = self.media.put(stored);
        content["id"] = json!(id);
        if let Some(caption) = &caption {
            content["caption"] = json!(caption);
        }
        if let Some(filename) = &filename {
            content["filename"] = json!(filename);
        }
        let shown = caption.clone().unwrap_or_default();
        let media = Some(MediaView { id, mime, caption, filename, voice: false });
        Ok(Parts { kind: kind.to_owned(), content, shown, media, ..Parts::default() })
    }
}

fn shown(
    wamid: &str,
    kind: &str,
    text: &str,
    media: Option<MediaView>,
    context_id: Option<String>,
    at: i64,
) -> ChatMessage {
    ChatMessage {
        id: wamid.to_owned(),
        direction: Direction::Out,
        kind: kind.to_owned(),
        text: text.to_owned(),
        header: None,
        footer: None,
        buttons: Vec::new(),
        list_button: None,
        sections: Vec::new(),
        form: None,
        template: None,
        cards: Vec::new(),
        offer: None,
        media,
        status: Some(Progress::Sent),
        at,
        context_id,
        mark: None,
        outbound: None,
    }
}
