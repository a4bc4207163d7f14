//! What a bot needs of its workspace: files that were uploaded, and forms that are published at WhatsApp.
//!
//! A flow is published only when everything it names is here, and its files then stay for as long as somebody may get
//! them ([`segue_store::media_use`]). What is here is looked at again in each turn, in the transaction that stores the
//! turn: forms are WhatsApp's and can be withdrawn there at any time, which leads the flow on as if the question had not
//! been answered.

use std::collections::BTreeMap;

use segue_channels::whatsapp::{MediaKind, media::media_limit};
use segue_flow::{Definition, FileKind, KnownForm, Named, Problem, Surroundings};
use segue_model::{ChannelId, MediaId, WorkspaceId};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelKind},
    contact_view::AttributeDefinition,
    media::{FilePresence, Media},
};

use crate::compose;

/// What is here, as far as one flow asks for it.
pub(crate) struct Here {
    attributes: Vec<AttributeDefinition>,
    files: BTreeMap<MediaId, FileKind>,
    forms: BTreeMap<String, KnownForm>,
}

impl Here {
    pub(crate) fn look(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        definition: &Definition,
    ) -> Result<Self, StoreError> {
        let attributes = if definition.saves_fields() { tx.attribute_definitions(workspace_id)? } else { Vec::new() };
        let mut here = Self { attributes, files: BTreeMap::new(), forms: BTreeMap::new() };
        for id in definition.files() {
            let stored = tx.media(workspace_id, id)?.filter(|media| media.presence == FilePresence::Stored);
            if let Some((_, kind)) = stored.as_ref().and_then(kinds) {
                here.files.insert(id, kind);
            }
        }
        for name in definition.forms() {
            if let Some(form) = tx.published_form(workspace_id, channel_id, name)? {
                here.forms.insert(name.to_owned(), KnownForm { id: form.id, provider_id: form.provider_id });
            }
        }
        Ok(here)
    }
}

impl Surroundings for Here {
    fn fits(&self, field: &str, value: &str) -> Option<String> {
        let name = field.strip_prefix("contact.").unwrap_or_default();
        match self.attributes.iter().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.kind.checked(&attribute.label, &attribute.choices, value).ok(),
            None => Some(value.to_owned()),
        }
    }

    fn file(&self, id: MediaId) -> Option<FileKind> {
        self.files.get(&id).copied()
    }

    fn form(&self, name: &str) -> Option<KnownForm> {
        self.forms.get(name).cloned()
    }
}

/// What a file is, in the words of the channel and in those of flows.
fn kinds(media: &Media) -> Option<(MediaKind, FileKind)> {
    let (kind, _) = media_limit(&media.mime)?;
    let same = match kind {
        MediaKind::Image => FileKind::Picture,
        MediaKind::Video => FileKind::Film,
        MediaKind::Audio => FileKind::Sound,
        MediaKind::Document => FileKind::Document,
        MediaKind::Sticker => FileKind::Sticker,
    };
    Some((kind, same))
}

/// What a definition names and is not here, with its lines. The files that are here stay until the end of the
/// transaction. Of numbers that were only just added (`new`) nobody knows the forms yet: they count as having them all.
///
/// # Errors
/// When the store fails.
pub(crate) fn missing(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    (source, definition): (&str, &Definition),
    new: &[ChannelId],
) -> Result<Vec<Problem>, StoreError> {
    let mut found = Vec::new();
    let names = definition.names();
    let numbers = if names.iter().any(|(_, named)| matches!(named, Named::Form(_))) {
        numbers_of(tx, workspace_id, &definition.flow)?
    } else {
        Vec::new()
    };
    for (place, named) in names {
        let fault = match &named {
            Named::File { id, has_caption, voice } => {
                let media = tx.media_to_use(workspace_id, *id)?;
                file_fault(*id, media.as_ref(), *has_caption, *voice)
            }
            Named::Form(name) => form_fault(tx, workspace_id, (&numbers, new), &definition.flow, name)?,
        };
        found.extend(fault.map(|words| (place, words)));
    }
    Ok(if found.is_empty() { Vec::new() } else { segue_flow::located(source, found) })
}

/// Why a file cannot be sent like this.
fn file_fault(id: MediaId, media: Option<&Media>, has_caption: bool, voice: bool) -> Option<String> {
    let Some((media, (channels, kind))) = media.and_then(|media| Some((media, kinds(media)?))) else {
        return Some(format!("There is no file {id} in this workspace. Upload it first and write its new id here."));
    };
    if let Err(error) = compose::file(channels, media) {
        return Some(error.to_string());
    }
    if has_caption && !kind.takes_caption() {
        return Some("WhatsApp shows no text below sound and stickers. Take the caption out and say it.".to_owned());
    }
    if voice && media.mime != "audio/ogg" {
        return Some("A voice message has to be OGG with Opus. Take voice out to send it as sound.".to_owned());
    }
    None
}

/// The WhatsApp numbers whose conversations a flow leads.
fn numbers_of(tx: &mut Tx<'_>, workspace_id: WorkspaceId, slug: &str) -> Result<Vec<Channel>, StoreError> {
    let mut numbers = tx.channels(workspace_id)?;
    numbers.retain(|channel| channel.config.kind() == ChannelKind::WhatsApp);
    Ok(if numbers.iter().any(|channel| channel.flow_slug.as_deref() == Some(slug)) {
        numbers.into_iter().filter(|channel| channel.flow_slug.as_deref() == Some(slug)).collect()
    } else {
        numbers
    })
}

/// Why a form cannot be offered: each number that the flow is used at has to have it, or any when it is used nowhere.
fn form_fault(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    (numbers, new): (&[Channel], &[ChannelId]),
    slug: &str,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let mut without = Vec::new();
    for number in numbers {
        if !new.contains(&number.id) && tx.published_form(workspace_id, number.id, name)?.is_none() {
            without.push(number);
        }
    }
    let is_used = numbers.iter().any(|number| number.flow_slug.as_deref() == Some(slug));
    if without.is_empty() && !numbers.is_empty() || !is_used && without.len() < numbers.len() {
        return Ok(None);
    }
    let whose = match without.first().filter(|_| is_used) {
        Some(number) => format!("'{}' has", number.name),
        None => "No number has".to_owned(),
    };
    let no = if is_used { "no" } else { "a" };
    Ok(Some(format!(
        "{whose} {no} published form named '{name}'. Publish it at WhatsApp and take the forms over in Setup, Templates, \
         or correct the name."
    )))
}

/// The first form that a published flow offers and that a number has not published.
///
/// # Errors
/// When the store fails.
pub fn form_missing_at(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    slug: &str,
) -> Result<Option<String>, StoreError> {
    let Some(version) = tx.published_flow_of_slug(workspace_id, slug)? else { return Ok(None) };
    let Ok(definition) = segue_flow::parse(&version.source) else { return Ok(None) };
    for name in definition.forms() {
        if tx.published_form(workspace_id, channel_id, name)?.is_none() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}
