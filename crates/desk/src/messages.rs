//! What agents write.

use segue_model::{
    Ctx, MediaId, SessionId, TemplateId, WorkspaceId,
    actor::Actor,
    content::{Choice, Content, Section},
    delivery::MessageClass,
    session::{OptIn, SessionState},
    window,
};
use segue_store::{
    Store, Tx,
    message::{AuthorKind, Direction, MessageContent, MessageKind, MessageView, NewMessage},
    session::Session,
    template,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    DeskError, compose,
    notice::Notices,
    say::{Outgoing, after_last, note, say},
    sessions::{self, Standing},
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
    },
    /// A file that was uploaded before.
    Image {
        media_id: MediaId,
        #[serde(default)]
        caption: Option<String>,
    },
    Buttons {
        text: String,
        buttons: Vec<Choice>,
    },
    List {
        text: String,
        button: String,
        sections: Vec<Section>,
    },
    /// For colleagues; never sent.
    Note {
        text: String,
    },
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
    if reply.client_id.is_empty() || reply.client_id.chars().count() > CLIENT_ID {
        let message = format!("It must have 1 to {CLIENT_ID} characters.");
        return Err(DeskError::InvalidField { field: "client_id", message });
    }
    let mut session = sessions::to_change(tx, workspace_id, session_id)?;
    if let Some(sent) = tx.message_of_client(workspace_id, session_id, &reply.client_id)? {
        return Ok(sent);
    }
    let mut notices = Notices::new(workspace_id);
    let id = if let Draft::Note { text } = &reply.draft {
        sessions::require(actor, &session, Standing::OwnerOrSupervisor)?;
        compose::text(text, compose::TEXT)?;
        let message = a_note(ctx, actor, &session, text, &reply.client_id);
        note(tx, workspace_id, &mut session, &message, &mut notices)?;
        message.id
    } else {
        let (content, class) = checked(tx, ctx, workspace_id, actor, &session, reply)?;
        let outgoing = Outgoing {
            content: &content,
            author: AuthorKind::Agent,
            author_id: actor.user_id(),
            class,
            dedupe_key: format!("agent:{}:{}", session.id, reply.client_id),
            client_id: Some(reply.client_id.clone()),
        };
        say(tx, ctx, workspace_id, &mut session, outgoing, &mut notices)?.ok_or(DeskError::NotFound("message"))?
    };
    session.unread = 0;
    tx.save_session(workspace_id, &mut session)?;
    notices.tell(tx, ctx.now())?;
    tx.message_view(workspace_id, session_id, id)?.ok_or(DeskError::NotFound("message"))
}

/// The content and its class, when the agent may send it now.
fn checked(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session: &Session,
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
    let content = match reply.draft.clone() {
        Draft::Template { template_id, parameters } => {
            return from_template(tx, workspace_id, session, template_id, parameters);
        }
        Draft::Text { text } => {
            compose::text(&text, compose::TEXT)?;
            Content::Text { text }
        }
        Draft::Image { media_id, caption } => {
            let caption = caption.filter(|caption| !caption.trim().is_empty());
            if let Some(caption) = &caption {
                compose::text(caption, compose::SHORT_TEXT)?;
            }
            let media = tx.media(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
            if !matches!(media.mime.as_str(), "image/jpeg" | "image/png") {
                let message = format!("WhatsApp takes JPEG and PNG images, not {}.", media.mime);
                return Err(DeskError::InvalidContent(message));
            }
            Content::Image { media_id, caption }
        }
        Draft::Buttons { text, buttons } => {
            compose::text(&text, compose::SHORT_TEXT)?;
            compose::buttons(&buttons)?;
            Content::Buttons { text, buttons }
        }
        Draft::List { text, button, sections } => {
            compose::text(&text, compose::TEXT)?;
            compose::list(&button, &sections)?;
            Content::List { text, button, sections }
        }
        Draft::Note { .. } => return Err(DeskError::InvalidContent("A note is not sent.".to_owned())),
    };
    // The one place where an agent's free text meets the service window; delivery asks the same rule again.
    if !window::is_open(session.window_expires_at, ctx.now()) {
        return Err(DeskError::WindowClosed);
    }
    Ok((content, MessageClass::Service))
}

fn from_template(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    id: TemplateId,
    parameters: Vec<String>,
) -> Result<(Content, MessageClass), DeskError> {
    let template = tx
        .template(workspace_id, id)?
        .filter(|template| template.channel_id == session.channel_id)
        .ok_or(DeskError::TemplateUnknown)?;
    if template.status != template::APPROVED {
        return Err(DeskError::TemplateNotApproved { status: template.status.to_lowercase() });
    }
    let expected = template.parameter_count();
    if parameters.len() != expected || parameters.iter().any(|value| value.trim().is_empty()) {
        let given = parameters.iter().filter(|value| !value.trim().is_empty()).count();
        return Err(DeskError::TemplateParameters { expected, given });
    }
    let is_marketing = template.category.eq_ignore_ascii_case("marketing");
    let class = if is_marketing { MessageClass::Marketing } else { MessageClass::Service };
    let text = template.rendered(&parameters);
    Ok((
        Content::Template { name: template.name, language: template.language, parameters, buttons: Vec::new(), text },
        class,
    ))
}

fn a_note(ctx: &Ctx, actor: &Actor, session: &Session, text: &str, client_id: &str) -> NewMessage {
    NewMessage {
        id: ctx.id(),
        session_id: session.id,
        channel_id: session.channel_id,
        direction: Direction::System,
        author: AuthorKind::Agent,
        author_id: actor.user_id(),
        kind: MessageKind::Note,
        content: MessageContent::default(),
        text: text.to_owned(),
        provider_id: None,
        client_id: Some(client_id.to_owned()),
        at: after_last(session, ctx.now()),
    }
}
