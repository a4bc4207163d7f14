//! What agents write.

use segue_channels::whatsapp::{MediaKind, Outbound, simple};
use segue_model::{
    ChannelId, Ctx, FormId, MediaId, MessageId, SessionId, TemplateId, Timestamp, WorkspaceId,
    actor::Actor,
    content::{Card, Choice, Content, OfferedForm, Place, Section, TemplateButtonValue, TemplateHeaderValue},
    delivery::MessageClass,
    session::{OptIn, SessionState},
};
use segue_store::{
    Store, Tx,
    media::Media,
    message::{AuthorKind, Direction, MessageContent, MessageKind, MessageView, NewMessage},
    session::Session,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    DeskError, compose,
    mentions::{self, Addressed},
    notice::Notices,
    say::{Outgoing, after_last, note, say},
    sessions::{self, Standing},
    shown, template_message,
};

/// What an agent sends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Draft {
    Text {
        text: String,
    },
    /// An approved template with a value for each placeholder; the only thing that can be sent outside the service
    /// window.
    Template {
        template_id: TemplateId,
        #[serde(default)]
        parameters: Vec<String>,
        /// What stands above the text, when it has to be given. A file of the template's own is taken when none is.
        #[serde(default)]
        header: Option<TemplateHeaderValue>,
        /// The ends of links and the codes of buttons.
        #[serde(default)]
        buttons: Vec<TemplateButtonValue>,
        /// What fills the cards, in their order.
        #[serde(default)]
        cards: Vec<DraftCard>,
        /// When the offer of the template ends; needed where it has one that ends.
        #[serde(default)]
        offer_ends_at: Option<Timestamp>,
    },
    /// A file that was uploaded before.
    Image {
        media_id: MediaId,
        #[serde(default)]
        caption: Option<String>,
    },
    /// A film that was uploaded before.
    Video {
        media_id: MediaId,
        #[serde(default)]
        caption: Option<String>,
    },
    /// Sound that was uploaded before.
    Audio {
        media_id: MediaId,
        /// Shown as a voice message; OGG with Opus only.
        #[serde(default)]
        voice: bool,
    },
    /// Any other file that was uploaded before; the customer sees its name.
    Document {
        media_id: MediaId,
        #[serde(default)]
        caption: Option<String>,
    },
    /// A WebP picture that was uploaded before.
    Sticker {
        media_id: MediaId,
    },
    Buttons {
        text: String,
        buttons: Vec<Choice>,
        /// Above the text, up to 60 characters.
        #[serde(default)]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
    },
    List {
        text: String,
        button: String,
        sections: Vec<Section>,
        /// Above the text, up to 60 characters.
        #[serde(default)]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
    },
    /// A place.
    Place(Place),
    /// A contact card.
    Card(Card),
    /// A button that opens a page.
    Link {
        text: String,
        label: String,
        url: String,
        /// Above the text, up to 60 characters.
        #[serde(default)]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
    },
    /// A button that opens a published form of the business; the answers come back into the conversation.
    Form {
        form_id: FormId,
        text: String,
        /// What the button says.
        label: String,
        /// Above the text, up to 60 characters.
        #[serde(default)]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
    },
    /// Asks for the customer's place, with a button of WhatsApp.
    RequestPlace {
        text: String,
    },
    /// Asks for the customer's phone number, with a button of WhatsApp. What comes back is kept with the customer.
    RequestContact {
        text: String,
    },
    /// A reaction to something the customer wrote; an empty emoji takes it back.
    Reaction {
        message_id: MessageId,
        emoji: String,
    },
    /// For colleagues; never sent.
    Note {
        /// `<@usr_…>` speaks to a colleague, who is told. 422 `mention_hidden` when the colleague may not see the session.
        text: String,
    },
}

/// What fills a card of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct DraftCard {
    /// The picture or film on it; the template's own is taken when none is given.
    #[serde(default)]
    pub media_id: Option<MediaId>,
    #[serde(default)]
    pub parameters: Vec<String>,
    /// The ends of links.
    #[serde(default)]
    pub buttons: Vec<TemplateButtonValue>,
}

impl Draft {
    /// The files it sends.
    #[must_use]
    pub fn files(&self) -> Vec<MediaId> {
        match self {
            Self::Image { media_id, .. }
            | Self::Video { media_id, .. }
            | Self::Audio { media_id, .. }
            | Self::Document { media_id, .. }
            | Self::Sticker { media_id } => vec![*media_id],
            Self::Template { header, cards, .. } => {
                let above = match header {
                    Some(TemplateHeaderValue::File { media_id }) => Some(*media_id),
                    _ => None,
                };
                above.into_iter().chain(cards.iter().filter_map(|card| card.media_id)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A message with what makes sending it twice harmless.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewReply {
    /// The console's own id of it; a second request with the same id gives the first one's message.
    pub client_id: String,
    #[serde(flatten)]
    pub draft: Draft,
    /// Up to which event the agent has seen the session; when somebody else replied after it, nothing is sent.
    #[serde(default)]
    pub seen_seq: Option<i64>,
}

/// Longest id of the console's own.
const CLIENT_ID: usize = 100;

/// Sends to the customer, or writes a note. Only the session's agent may reply; a supervisor takes it over first. Notes
/// may come from supervisors too.
///
/// # Errors
/// [`DeskError::WindowClosed`], [`DeskError::NotOwner`], [`DeskError::NewerReply`], [`DeskError::SessionEnded`],
/// [`DeskError::OptedOut`], [`DeskError::TextTooLong`], [`DeskError::InvalidContent`], those of templates, or when
/// there is no such session or file.
pub async fn send(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    reply: NewReply,
) -> Result<MessageView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store.write(move |tx| send_in(tx, &ctx, workspace_id, &actor, session_id, &reply)).await
}

fn send_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    reply: &NewReply,
) -> Result<MessageView, DeskError> {
    let mut session = sessions::to_change(tx, workspace_id, session_id)?;
    let mut notices = Notices::new(workspace_id);
    let id = match reply_in(tx, ctx, workspace_id, actor, &mut session, reply, &mut notices)? {
        Written::Before(sent) => return Ok(*sent),
        Written::Now(id) => id,
    };
    tx.save_session(workspace_id, &mut session)?;
    notices.tell(tx, ctx.now())?;
    tx.message_view(workspace_id, session_id, id)?.ok_or(DeskError::NotFound("message"))
}

/// What became of a reply.
pub(crate) enum Written {
    Now(MessageId),
    /// The console asked before; nothing was changed.
    Before(Box<MessageView>),
}

/// The console's own id of a message is not empty and not too long.
pub(crate) fn check_client_id(client_id: &str) -> Result<(), DeskError> {
    if client_id.is_empty() || client_id.chars().count() > CLIENT_ID {
        let message = format!("It must have 1 to {CLIENT_ID} characters.");
        return Err(DeskError::InvalidField { field: "client_id", message });
    }
    Ok(())
}

/// Writes a reply or a note into a session. The caller saves the session.
pub(crate) fn reply_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session: &mut Session,
    reply: &NewReply,
    notices: &mut Notices,
) -> Result<Written, DeskError> {
    check_client_id(&reply.client_id)?;
    if let Some(sent) = tx.message_of_client(workspace_id, session.id, &reply.client_id)? {
        return Ok(Written::Before(Box::new(sent)));
    }
    let id = if let Draft::Note { text } = &reply.draft {
        sessions::require(actor, session, Standing::OwnerOrSupervisor)?;
        let addressed = mentions::read(tx, workspace_id, session.id, text)?;
        compose::text(&addressed.text, compose::TEXT)?;
        let message = a_note(ctx, actor, session, addressed, &reply.client_id);
        note(tx, workspace_id, session, &message, notices)?;
        mentions::call(tx, ctx, workspace_id, &message, notices)?;
        message.id
    } else {
        let (content, class) = checked(tx, workspace_id, actor, (session, ctx.now()), reply)?;
        let outgoing = Outgoing {
            content: &content,
            author: AuthorKind::Agent,
            author_id: actor.user_id(),
            class,
            dedupe_key: format!("agent:{}:{}", session.id, reply.client_id),
            client_id: Some(reply.client_id.clone()),
        };
        say(tx, ctx, workspace_id, session, outgoing, notices)?.ok_or(DeskError::NotFound("message"))?
    };
    // The mark is the agent's; what somebody else notes beside the conversation leaves it alone.
    if session.unread > 0 && session.agent_id.is_some() && session.agent_id == actor.user_id() {
        session.unread = 0;
        shown::read(tx, ctx, workspace_id, session.id)?;
    }
    Ok(Written::Now(id))
}

/// The content and its class, when the agent may send it now.
fn checked(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    actor: &Actor,
    (session, now): (&Session, Timestamp),
    reply: &NewReply,
) -> Result<(Content, MessageClass), DeskError> {
    if session.state == SessionState::Ended {
        return Err(DeskError::SessionEnded);
    }
    sessions::require(actor, session, Standing::Owner)?;
    if session.opt_in == OptIn::Declined {
        return Err(DeskError::OptedOut);
    }
    if let (Some(seq), Some(me)) = (reply.seen_seq, actor.user_id())
        && tx.replies_of_others_since(workspace_id, session.id, seq, me)? > 0
    {
        return Err(DeskError::NewerReply);
    }
    if let Draft::Template { template_id, parameters, header, buttons, cards, offer_ends_at } = reply.draft.clone() {
        let given = template_message::Given { parameters, header, buttons, cards, offer_ends_at };
        let to = tx.address_of(workspace_id, session.messaging_user_id)?.map(|(_, address)| address);
        let to = (to.as_deref(), now);
        return template_message::content(tx, workspace_id, session.channel_id, template_id, to, given);
    }
    if let Draft::Reaction { message_id, emoji } = reply.draft.clone() {
        let provider_id = tx.provider_id_of(workspace_id, session.id, message_id)?;
        let provider_id = provider_id.ok_or(DeskError::NotFound("message of the customer"))?;
        compose::outbound(&Outbound::Reaction { message_id: provider_id.clone(), emoji: emoji.clone() })?;
        return Ok((Content::Reaction { message_id, provider_id, emoji }, MessageClass::Service));
    }
    Ok((composed(tx, workspace_id, session.channel_id, reply.draft.clone())?, MessageClass::Service))
}

/// Free-form content that WhatsApp takes from this number.
pub(crate) fn composed(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    draft: Draft,
) -> Result<Content, DeskError> {
    Ok(match draft {
        Draft::Text { text } => {
            compose::text(&text, compose::TEXT)?;
            Content::Text { text }
        }
        Draft::Image { media_id, caption } => {
            file(tx, workspace_id, MediaKind::Image, media_id)?;
            Content::Image { media_id, caption: compose::caption(caption)? }
        }
        Draft::Video { media_id, caption } => {
            file(tx, workspace_id, MediaKind::Video, media_id)?;
            Content::Video { media_id, caption: compose::caption(caption)? }
        }
        Draft::Audio { media_id, voice } => {
            let media = file(tx, workspace_id, MediaKind::Audio, media_id)?;
            if voice && media.mime != "audio/ogg" {
                let message = "A voice message has to be OGG with Opus. Send it as sound instead.".to_owned();
                return Err(DeskError::InvalidContent(message));
            }
            Content::Audio { media_id, voice }
        }
        Draft::Document { media_id, caption } => {
            file(tx, workspace_id, MediaKind::Document, media_id)?;
            Content::Document { media_id, caption: compose::caption(caption)? }
        }
        Draft::Sticker { media_id } => {
            file(tx, workspace_id, MediaKind::Sticker, media_id)?;
            Content::Sticker { media_id }
        }
        Draft::Buttons { text, buttons, header, footer } => {
            compose::text(&text, compose::SHORT_TEXT)?;
            compose::buttons(&buttons)?;
            let (header, footer) = compose::frame(header, footer)?;
            Content::Buttons { text, buttons, header, footer }
        }
        Draft::List { text, button, sections, header, footer } => {
            compose::text(&text, compose::TEXT)?;
            compose::list(&button, &sections)?;
            let (header, footer) = compose::frame(header, footer)?;
            Content::List { text, button, sections, header, footer }
        }
        Draft::Place(place) => {
            compose::outbound(&simple::place(&place))?;
            Content::Place(place)
        }
        Draft::Card(card) => {
            compose::outbound(&simple::card(card.clone()))?;
            Content::Card(card)
        }
        Draft::Link { text, label, url, header, footer } => {
            let (header, footer) = compose::frame(header, footer)?;
            compose::outbound(&simple::link(
                text.clone(),
                label.clone(),
                url.clone(),
                (header.clone(), footer.clone()),
            ))?;
            Content::Link { text, label, url, header, footer }
        }
        Draft::Form { form_id, text, label, header, footer } => {
            let form = tx.form(workspace_id, form_id)?.filter(|form| form.channel_id == channel_id);
            let form = form.ok_or(DeskError::NotFound("form of this number"))?;
            if !form.is_published() {
                let message = format!("The form '{}' is not published at WhatsApp. Choose another one.", form.name);
                return Err(DeskError::InvalidContent(message));
            }
            let (header, footer) = compose::frame(header, footer)?;
            let (provider_id, name) = (form.provider_id, form.name);
            let offered = OfferedForm { text, label, form_id, provider_id, name, header, footer };
            compose::outbound(&simple::form(offered.clone(), form_id.to_string()))?;
            Content::Form(offered)
        }
        Draft::RequestPlace { text } => {
            compose::text(&text, compose::SHORT_TEXT)?;
            Content::RequestPlace { text }
        }
        Draft::RequestContact { text } => {
            compose::text(&text, compose::SHORT_TEXT)?;
            Content::RequestContact { text }
        }
        Draft::Reaction { .. } => return Err(DeskError::InvalidContent("A reaction is sent at once.".to_owned())),
        Draft::Template { .. } => return Err(DeskError::InvalidContent("A template is sent at once.".to_owned())),
        Draft::Note { .. } => return Err(DeskError::InvalidContent("A note is not sent.".to_owned())),
    })
}

/// The file, when it can be sent as this kind.
fn file(tx: &mut Tx<'_>, workspace_id: WorkspaceId, kind: MediaKind, media_id: MediaId) -> Result<Media, DeskError> {
    let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
    compose::file(kind, &media)?;
    Ok(media)
}

fn a_note(ctx: &Ctx, actor: &Actor, session: &Session, said: Addressed, client_id: &str) -> NewMessage {
    NewMessage {
        id: ctx.id(),
        session_id: session.id,
        channel_id: session.channel_id,
        direction: Direction::System,
        author: AuthorKind::Agent,
        author_id: actor.user_id(),
        kind: MessageKind::Note,
        content: MessageContent { mentions: said.mentions, ..MessageContent::default() },
        text: said.text,
        provider_id: None,
        client_id: Some(client_id.to_owned()),
        at: after_last(session, ctx.now()),
    }
}
