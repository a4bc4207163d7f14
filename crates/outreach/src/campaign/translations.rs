//! The translations of a campaign's template, and the file above each of them.
//!
//! A translation is the template of the same name in another language. Only one that WhatsApp has approved and that takes
//! the same values is used: the check before the start tells of others, and the start is refused for one that takes other
//! values. What changes between the start and the plan leaves nobody out: whoever has no translation that fits gets the
//! campaign's own language. What becomes of planned messages whose translation WhatsApp does not take any more is said by
//! [`segue_store::language_hold`].

use segue_model::{
    MediaId, WorkspaceId,
    template::{TemplateHeader, TemplateParts, own_language, placeholders},
    template_file::refusal,
    template_values::{SlotKind, slots},
};
use segue_store::{
    StoreError, Tx,
    campaign::CampaignTemplate,
    customer_language::LanguageBy,
    media::FilePresence,
    template::{APPROVED, DRAFT, Template},
    template_recipient::TemplateRecipient,
};

use crate::OutreachError;

/// A template of the campaign's name in another language.
pub(super) struct Translation {
    pub template: Template,
    /// For each placeholder of its text the place of its value among the campaign's.
    pub order: Vec<usize>,
    /// What stands above the text.
    pub file: Option<MediaId>,
}

/// The translations that can be sent, and what is wrong with others in plain words.
#[derive(Default)]
pub(super) struct Translations {
    pub usable: Vec<Translation>,
    /// Approved ones that take other values.
    pub differing: Vec<String>,
    /// Those that WhatsApp has not approved.
    pub waiting: Vec<String>,
}

impl Translations {
    /// Reads them; none when the campaign has one language for all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        wanted: &CampaignTemplate,
        (own, parts, file): (&Template, &TemplateParts, Option<MediaId>),
    ) -> Result<Self, StoreError> {
        let mut all = Self::default();
        if !wanted.by_language {
            return Ok(all);
        }
        for template in tx.templates(workspace_id)? {
            let is_other = template.channel_id == own.channel_id
                && template.name == own.name
                && template.language != own.language
                && template.status != DRAFT;
            if !is_other {
                continue;
            }
            let (language, own_language) = (&template.language, &own.language);
            if template.status != APPROVED {
                all.waiting.push(format!(
                    "The translation in {language} is {} at WhatsApp; those people get it in {own_language}.",
                    template.status.to_lowercase()
                ));
                continue;
            }
            let order = match order((&template, template.parts().as_ref()), (own, parts)) {
                Ok(order) => order,
                Err(why) => {
                    all.differing.push(format!(
                        "The translation in {language} does not fit the one in {own_language}: {why}. Make them alike, \
                         or send one language to all."
                    ));
                    continue;
                }
            };
            let own_file = if wanted.header_media_id.is_some() { None } else { template.media_id };
            let header = template.parts().and_then(|parts| parts.header);
            let file = match (&header, own_file) {
                (Some(header), Some(own_file)) if file_fault(tx, workspace_id, header, own_file)?.is_none() => {
                    Some(own_file)
                }
                _ => file,
            };
            all.usable.push(Translation { template, order, file });
        }
        Ok(all)
    }

    /// The translation for somebody with this language; `None` for the campaign's own language.
    pub fn for_language(&self, own: &str, wanted: Option<&str>) -> Option<&Translation> {
        let there: Vec<&str> =
            [own].into_iter().chain(self.usable.iter().map(|it| it.template.language.as_str())).collect();
        let found = own_language(&there, wanted?)?;
        self.usable.iter().find(|translation| translation.template.language == found)
    }
}

/// The language of a recipient: what a person said of the customer, else the contact's own, else what was detected.
pub(super) fn language_of<'a>(recipient: Option<&'a TemplateRecipient>, locale: Option<&'a str>) -> Option<&'a str> {
    let known = recipient.and_then(|recipient| recipient.language.as_ref());
    let locale = locale.map(str::trim).filter(|locale| !locale.is_empty());
    match (known, locale) {
        (Some(known), _) if known.by == LanguageBy::Person => Some(&known.language),
        (_, Some(locale)) => Some(locale),
        (known, None) => known.map(|known| known.language.as_str()),
    }
}

/// For each placeholder of the translation the place of its value, or in words why it takes other values.
fn order(
    (template, parts): (&Template, Option<&TemplateParts>),
    (own, own_parts): (&Template, &TemplateParts),
) -> Result<Vec<usize>, String> {
    let parts = parts.ok_or("it is made of parts that campaigns cannot fill in")?;
    if !template.category.eq_ignore_ascii_case(&own.category) {
        let (its, others) = (template.category.to_lowercase(), own.category.to_lowercase());
        return Err(format!("WhatsApp takes it as {its} and the other as {others}"));
    }
    let format = |parts: &TemplateParts| parts.header.as_ref().map_or("none", TemplateHeader::format);
    if format(parts) != format(own_parts) {
        return Err(format!("its heading is of the kind {} and the other's {}", format(parts), format(own_parts)));
    }
    let (names, own_names) = (placeholders(&parts.body), placeholders(&own_parts.body));
    if names.len() != own_names.len() {
        return Err(format!("its text takes {} values and the other's {}", names.len(), own_names.len()));
    }
    let order: Option<Vec<usize>> =
        names.iter().map(|name| own_names.iter().position(|own_name| own_name == name)).collect();
    let order = order.ok_or_else(|| {
        let new = names.iter().find(|name| !own_names.contains(name)).map_or("", String::as_str);
        format!("its text has the value {{{{{new}}}}}, which the other has not")
    })?;
    let others = |parts: &TemplateParts| {
        let slots = slots(parts).into_iter().filter(|slot| !slot.key.starts_with("body."));
        slots.map(|slot| (slot.key, slot.kind)).collect::<Vec<(String, SlotKind)>>()
    };
    if others(parts) != others(own_parts) {
        return Err("its heading or buttons take other values".to_owned());
    }
    let stems = |template: &Template| {
        let urls = template.open_urls().into_iter();
        urls.map(|(index, url)| (index, url.split("{{").next().unwrap_or_default().to_owned())).collect::<Vec<_>>()
    };
    if stems(template) != stems(own) { Err("its buttons lead to other addresses".to_owned()) } else { Ok(order) }
}

/// What is wrong with a file for this header; `None` when it can stand there.
fn file_fault(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    header: &TemplateHeader,
    media_id: MediaId,
) -> Result<Option<String>, StoreError> {
    let media = tx.media(workspace_id, media_id)?;
    // What a customer sent is not the business's to send on.
    let Some(media) = media.filter(|media| media.channel_id.is_none() && media.presence == FilePresence::Stored) else {
        return Ok(Some("The file above the text is not here any more. Choose one.".to_owned()));
    };
    Ok(refusal(header, &media.mime, media.size))
}

/// The file above the text in the campaign's language.
///
/// # Errors
/// When one is needed and there is none that fits, or one is given and none is needed.
pub(super) fn file_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    wanted: &CampaignTemplate,
    (template, header): (&Template, Option<&TemplateHeader>),
) -> Result<Option<MediaId>, OutreachError> {
    let refuse = |message: String| OutreachError::invalid("template", message);
    let Some(header) = header.filter(|header| header.takes_file()) else {
        return match wanted.header_media_id {
            Some(_) => Err(refuse("No file stands above this template's text. Take the file out.".to_owned())),
            None => Ok(None),
        };
    };
    let media_id = wanted.header_media_id.or(template.media_id).ok_or_else(|| {
        let what = match header {
            TemplateHeader::Image { .. } => "picture",
            TemplateHeader::Video { .. } => "video",
            _ => "document",
        };
        refuse(format!("Choose the {what} that stands above the text."))
    })?;
    match file_fault(tx, workspace_id, header, media_id)? {
        Some(fault) => Err(refuse(fault)),
        None => Ok(Some(media_id)),
    }
}
