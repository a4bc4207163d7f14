//! From what a message says to what WhatsApp takes.

use segue_channels::whatsapp::{
    GraphClient, Outbound, Recipient, RecipientError, TemplateMessage, TemplateParameter,
    outbound::{LinkPreview, ListRow, ListSection, MediaSource, ReplyButton},
    template_message::TemplateButton,
};
use segue_model::content::{Choice, Content, Section, UrlEnd};
use segue_store::{
    StoreError,
    outbox::{AddressKind, OutboxMessage},
    template::Template,
};

use crate::{DeliveryError, supervisor::Env};

/// The recipient in the field that its kind of address belongs to.
pub(crate) fn recipient(message: &OutboxMessage) -> Result<Recipient, RecipientError> {
    match message.address_kind {
        AddressKind::Phone => Recipient::phone(&message.address),
        AddressKind::Bsuid => Recipient::bsuid(&message.address),
    }
}

/// What to send. A file is uploaded first, so that nothing of the message itself has left when that fails.
pub(crate) async fn outbound(
    env: &Env,
    client: &GraphClient,
    message: &OutboxMessage,
    content: Content,
) -> Result<Outbound, DeliveryError> {
    Ok(match content {
        Content::Text { text } => {
            let preview = if text.contains("https://") { LinkPreview::Show } else { LinkPreview::Hide };
            Outbound::Text { body: text, preview }
        }
        Content::Image { media_id, caption } => {
            let workspace_id = message.workspace_id;
            let (media, data) = env
                .store
                .read(move |tx| {
                    let media = tx.media(workspace_id, media_id)?.ok_or(DeliveryError::NoSuchMedia)?;
                    let data = tx.media_data(workspace_id, media_id)?.ok_or(DeliveryError::NoSuchMedia)?;
                    Ok::<_, DeliveryError>((media, data))
                })
                .await?;
            let name = media.file_name.unwrap_or_else(|| "image".to_owned());
            let id = client.upload_media(&media.mime, &name, data).await?;
            Outbound::Image { source: MediaSource::Id(id), caption }
        }
        Content::Buttons { text, buttons } => Outbound::Buttons {
            header: None,
            body: text,
            footer: None,
            buttons: buttons.into_iter().map(|Choice { id, title, .. }| ReplyButton { id, title }).collect(),
        },
        Content::List { text, button, sections } => Outbound::List {
            header: None,
            body: text,
            footer: None,
            button,
            sections: sections.into_iter().map(list_section).collect(),
        },
        Content::Template { name, language, parameters, buttons, .. } => {
            let (workspace_id, channel_id) = (message.workspace_id, message.channel_id);
            let (wanted, wanted_language) = (name.clone(), language.clone());
            let template = env
                .store
                .read(move |tx| tx.template_by_name(workspace_id, channel_id, &wanted, &wanted_language))
                .await
                .map_err(|error: StoreError| error)?;
            if let Some(template) = &template {
                check_template(message, template, parameters.len())?;
            }
            // Named placeholders are sent with their names, numbered ones by their order alone.
            let names = template.and_then(|template| template.parameter_names()).unwrap_or_default();
            let mut names = names.into_iter().map(Some).chain(std::iter::repeat(None));
            let body = parameters.into_iter().map(|text| TemplateParameter::text(names.next().flatten(), text));
            let buttons = buttons.into_iter().map(|UrlEnd { index, text }| TemplateButton::Url { index, text });
            let (body, buttons) = (body.collect(), buttons.collect());
            Outbound::Template(TemplateMessage { body, buttons, ..TemplateMessage::new(name, language) })
        }
    })
}

/// What WhatsApp would refuse for certain is told before anything is sent.
fn check_template(message: &OutboxMessage, template: &Template, values: usize) -> Result<(), DeliveryError> {
    // One-time codes go to phone numbers only (131062).
    if template.category == "AUTHENTICATION" && message.address_kind == AddressKind::Bsuid {
        return Err(DeliveryError::NeedsPhone);
    }
    let wanted = template.parameter_count();
    if wanted == values { Ok(()) } else { Err(DeliveryError::TemplateValues { wanted, given: values }) }
}

fn list_section(section: Section) -> ListSection {
    let rows =
        section.rows.into_iter().map(|Choice { id, title, description }| ListRow { id, title, description }).collect();
    ListSection { title: (!section.title.is_empty()).then_some(section.title), rows }
}
