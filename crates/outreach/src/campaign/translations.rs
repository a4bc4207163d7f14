//! The translations of a campaign's template, and the file above each of them.
//!
//! A translation is the template of the same name in another language. Only one that WhatsApp has approved and that takes
//! the same values is used: the check before the start tells of others, and the start is refused for one that takes other
//! values. What changes between the start and the plan leaves nobody out: whoever has no translation that fits gets the
//! campaign's own language. What becomes of planned messages whose translation WhatsApp does not take any more is said by
//! [`segue_store::language_hold`].

use segue_model::{
    MediaId, WorkspaceId,
    template::{TemplateButton, TemplateHeader, TemplateParts, own_language, placeholders},
    template_file::refusal,
    template_values::{SlotKind, TemplateSlot, slots},
};
use segue_store::{
    StoreError, Tx,
    campaign::CampaignTemplate,
    customer_language::LanguageBy,
    media::FilePresence,
    template::{APPROVED, DRAFT, Template, open_urls},
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
    /// Its cards, in their order.
    pub cards: Vec<TranslatedCard>,
}

/// A card of a translation.
pub(super) struct TranslatedCard {
    /// For each placeholder of its text the place of its value among the campaign's.
    pub order: Vec<usize>,
    /// The picture or film on it.
    pub file: MediaId,
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
        (own, parts): (&Template, &TemplateParts),
        (file, card_files): (Option<MediaId>, &[MediaId]),
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
            let its_parts = template.parts();
            let (order, card_orders) = match order((&template, its_parts.as_ref()), (own, parts)) {
                Ok(orders) => orders,
                Err(why) => {
                    all.differing.push(format!(
                        "The translation in {language} does not fit the one in {own_language}: {why}. Make them alike, \
                         or send one language to all."
                    ));
                    continue;
                }
            };
            let header = its_parts.as_ref().and_then(|parts| parts.header.as_ref());
            let file = own_file(tx, workspace_id, (wanted.header_media_id, header), file)?;
            let mut cards = Vec::with_capacity(card_files.len());
            let its_cards = its_parts.iter().flat_map(|parts| &parts.cards);
            for (index, ((order, card), file)) in card_orders.into_iter().zip(its_cards).zip(card_files).enumerate() {
                let chosen = wanted.cards.get(index).and_then(|card| card.media_id);
                let own = own_file(tx, workspace_id, (chosen, Some(&card.header)), Some(*file))?;
                cards.push(TranslatedCard { order, file: own.unwrap_or(*file) });
            }
            all.usable.push(Translation { template, order, file, cards });
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

/// The translation's own file, when none is chosen for the campaign and it can stand there; else `file`.
fn own_file(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    (chosen, header): (Option<MediaId>, Option<&TemplateHeader>),
    file: Option<MediaId>,
) -> Result<Option<MediaId>, StoreError> {
    let own = header.and_then(|header| Some((header, header.media_id()?))).filter(|_| chosen.is_none());
    Ok(match own {
        Some((header, own)) if file_fault(tx, workspace_id, header, own)?.is_none() => Some(own),
        _ => file,
    })
}

/// For each placeholder of the translation's text, and of those of its cards, the place of its value; or in words why it
/// takes other values.
fn order(
    (template, parts): (&Template, Option<&TemplateParts>),
    (own, own_parts): (&Template, &TemplateParts),
) -> Result<(Vec<usize>, Vec<Vec<usize>>), String> {
    let parts = parts.ok_or("it is made of parts that campaigns cannot fill in")?;
    if !template.category.eq_ignore_ascii_case(&own.category) {
        let (its, others) = (template.category.to_lowercase(), own.category.to_lowercase());
        return Err(format!("WhatsApp takes it as {its} and the other as {others}"));
    }
    let format = |parts: &TemplateParts| parts.header.as_ref().map_or("none", TemplateHeader::format);
    if format(parts) != format(own_parts) {
        return Err(format!("its heading is of the kind {} and the other's {}", format(parts), format(own_parts)));
    }
    let order = order_of(&parts.body, &own_parts.body, "its text")?;
    if parts.cards.len() != own_parts.cards.len() {
        return Err(format!("it has {} cards and the other {}", parts.cards.len(), own_parts.cards.len()));
    }
    let mut card_orders = Vec::with_capacity(parts.cards.len());
    for (index, (card, own_card)) in parts.cards.iter().zip(&own_parts.cards).enumerate() {
        let (number, kind, own_kind) = (index + 1, card.header.format(), own_card.header.format());
        if kind != own_kind {
            return Err(format!("on its card {number} stands a file of the kind {kind} and on the other's {own_kind}"));
        }
        card_orders.push(order_of(&card.body, &own_card.body, &format!("the text of its card {number}"))?);
        if stems(&card.buttons) != stems(&own_card.buttons) {
            return Err(format!("the buttons of its card {number} lead to other addresses"));
        }
    }
    let others = |parts: &TemplateParts| {
        let is_of_a_text = |slot: &TemplateSlot| slot.key.starts_with("body.") || slot.key.contains(".body.");
        let slots = slots(parts).into_iter().filter(|slot| !is_of_a_text(slot));
        slots.map(|slot| (slot.key, slot.kind)).collect::<Vec<(String, SlotKind)>>()
    };
    if others(parts) != others(own_parts) {
        return Err("its heading, offer or buttons take other values".to_owned());
    }
    if stems(&parts.buttons) != stems(&own_parts.buttons) {
        return Err("its buttons lead to other addresses".to_owned());
    }
    Ok((order, card_orders))
}

/// For each placeholder of a text the place of its value among those of the other.
fn order_of(body: &str, own_body: &str, what: &str) -> Result<Vec<usize>, String> {
    let (names, own_names) = (placeholders(body), placeholders(own_body));
    if names.len() != own_names.len() {
        return Err(format!("{what} takes {} values and the other's {}", names.len(), own_names.len()));
    }
    let order: Option<Vec<usize>> =
        names.iter().map(|name| own_names.iter().position(|own_name| own_name == name)).collect();
    order.ok_or_else(|| {
        let new = names.iter().find(|name| !own_names.contains(name)).map_or("", String::as_str);
        format!("{what} has the value {{{{{new}}}}}, which the other has not")
    })
}

/// What the addresses with a variable end begin with.
fn stems(buttons: &[TemplateButton]) -> Vec<(u8, String)> {
    let urls = open_urls(buttons).into_iter();
    urls.map(|(index, url)| (index, url.split("{{").next().unwrap_or_default().to_owned())).collect()
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
        return Ok(Some("The file is not here any more. Choose one.".to_owned()));
    };
    Ok(refusal(header, &media.mime, media.size))
}

/// The files on the cards in the campaign's language.
///
/// # Errors
/// When one is needed and there is none that fits.
pub(super) fn card_files_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    wanted: &CampaignTemplate,
    parts: &TemplateParts,
) -> Result<Vec<MediaId>, OutreachError> {
    let refuse = |message: String| OutreachError::invalid("template", message);
    let (there, given) = (parts.cards.len(), wanted.cards.len());
    // Cards that take nothing but their own files need not be named.
    if given != there && given != 0 {
        return Err(refuse(format!("The template has {there} cards; there are values for {given}.")));
    }
    let mut files = Vec::with_capacity(there);
    for (index, card) in parts.cards.iter().enumerate() {
        let chosen = wanted.cards.get(index).and_then(|card| card.media_id).or(card.header.media_id());
        let file = chosen.ok_or_else(|| {
            let what = if matches!(card.header, TemplateHeader::Video { .. }) { "video" } else { "picture" };
            refuse(format!("Choose the {what} of card {}.", index + 1))
        })?;
        if let Some(fault) = file_fault(tx, workspace_id, &card.header, file)? {
            return Err(refuse(format!("Card {}: {fault}", index + 1)));
        }
        files.push(file);
    }
    Ok(files)
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
