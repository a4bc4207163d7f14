//! A template with its values, checked before anything of it leaves.

use segue_model::{
    ChannelId, TemplateId, Timestamp, WorkspaceId,
    content::{Content, TemplateButtonValue, TemplateHeaderValue},
    delivery::MessageClass,
    template::TemplateParts,
    template_file::refusal,
    template_values::{SlotKind, slots},
};
use segue_store::{
    Tx,
    template::{APPROVED, Template},
    template_consent::TemplateKind,
};

use crate::DeskError;

/// What somebody filled in.
pub(crate) struct Given {
    pub parameters: Vec<String>,
    pub header: Option<TemplateHeaderValue>,
    pub buttons: Vec<TemplateButtonValue>,
}

/// The content and its class, when the template may be sent with these values to whoever has this address.
pub(crate) fn content(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    id: TemplateId,
    (to, now): (Option<&str>, Timestamp),
    given: Given,
) -> Result<(Content, MessageClass), DeskError> {
    let template = tx
        .template(workspace_id, id)?
        .filter(|template| template.channel_id == channel_id)
        .ok_or(DeskError::TemplateUnknown)?;
    if template.status != APPROVED {
        return Err(DeskError::TemplateNotApproved { status: template.status.to_lowercase() });
    }
    if let Some(address) = to {
        // The submission asks again; the agent learns it before anything is written.
        let kind = TemplateKind { name: &template.name, category: &template.category };
        if tx.template_consent_of_customer(workspace_id, (channel_id, address), kind, now)?.is_refused {
            return Err(DeskError::TemplateRefused);
        }
    }
    let Given { parameters, header, buttons } = given;
    let expected = template.parameter_count();
    if parameters.len() != expected || parameters.iter().any(|value| value.trim().is_empty()) {
        let given = parameters.iter().filter(|value| !value.trim().is_empty()).count();
        return Err(DeskError::TemplateParameters { expected, given });
    }
    let Some(parts) = template.parts() else {
        let message = "This template has parts that cannot be filled in here, such as a carousel. Choose another one.";
        return Err(DeskError::InvalidContent(message.to_owned()));
    };
    let header = checked_header(tx, workspace_id, &template, &parts, header)?;
    check_buttons(&parts, &buttons)?;
    let is_marketing = template.category.eq_ignore_ascii_case("marketing");
    let class = if is_marketing { MessageClass::Marketing } else { MessageClass::Service };
    let text = template.rendered(&parameters);
    Ok((
        Content::Template { name: template.name, language: template.language, parameters, text, header, buttons },
        class,
    ))
}

fn header_error(message: impl Into<String>) -> DeskError {
    DeskError::InvalidField { field: "header", message: message.into() }
}

fn checked_header(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    template: &Template,
    parts: &TemplateParts,
    given: Option<TemplateHeaderValue>,
) -> Result<Option<TemplateHeaderValue>, DeskError> {
    let wanted = slots(parts).into_iter().find(|slot| slot.key == "header").map(|slot| slot.kind);
    match (wanted, given) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(header_error("Nothing has to be filled in above this template's text.")),
        (Some(SlotKind::Text), Some(TemplateHeaderValue::Text { text })) if !text.trim().is_empty() => {
            Ok(Some(TemplateHeaderValue::Text { text }))
        }
        (Some(SlotKind::Text), _) => Err(header_error("Give the value of the heading.")),
        (Some(SlotKind::Place), Some(TemplateHeaderValue::Place { latitude, longitude, name, address })) => {
            let within = |text: &str, most: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
            if !within(&latitude, 90.0) || !within(&longitude, 180.0) {
                return Err(header_error("Give the place in degrees: latitude to 90, longitude to 180."));
            }
            if name.trim().is_empty() || address.trim().is_empty() {
                return Err(header_error("Give the name and the address of the place."));
            }
            Ok(Some(TemplateHeaderValue::Place { latitude, longitude, name, address }))
        }
        (Some(SlotKind::Place), _) => Err(header_error("Give the place.")),
        (Some(_), given) => {
            let chosen = match given {
                Some(TemplateHeaderValue::File { media_id }) => Some(media_id),
                None => template.media_id,
                Some(_) => None,
            };
            let media_id = chosen.ok_or_else(|| header_error("Choose the file that stands above the text."))?;
            let media = tx.media_to_use(workspace_id, media_id)?.ok_or(DeskError::NotFound("file"))?;
            let refusal = parts.header.as_ref().and_then(|header| refusal(header, &media.mime, media.size));
            if let Some(refusal) = refusal {
                return Err(header_error(refusal));
            }
            Ok(Some(TemplateHeaderValue::File { media_id }))
        }
    }
}

fn check_buttons(parts: &TemplateParts, given: &[TemplateButtonValue]) -> Result<(), DeskError> {
    let error = |message: String| Err(DeskError::InvalidField { field: "buttons", message });
    let slots = slots(parts);
    let wanted: Vec<_> = slots.iter().filter(|slot| slot.key.starts_with("button.")).collect();
    for slot in &wanted {
        let value = given.iter().find(|value| slot.key == format!("button.{}", value.index));
        let most = if slot.kind == SlotKind::Code { 15 } else { 2_000 };
        match value.map(|value| value.text.trim()) {
            None | Some("") => return error(format!("Give a value: {}.", slot.label)),
            Some(text) if text.chars().count() > most || text.contains(char::is_whitespace) => {
                return error(format!("{} takes up to {most} characters without spaces.", slot.label));
            }
            Some(_) => {}
        }
    }
    if given.len() > wanted.len() {
        return error("There is a value for a button that takes none.".to_owned());
    }
    Ok(())
}
