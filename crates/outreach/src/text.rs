//! Campaign texts: merge fields, the footer with its link, and what the result costs.
//!
//! Merge fields are minijinja: `{{ first_name }}`, `{{ first_name | default("there") }}`. A field that a contact lacks is
//! empty; a field that no contact can have is told at writing. Texts are written by people, so the work of one rendering
//! is bounded.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use minijinja::Environment;
use segue_channels::text::{Segmentation, segment};
use segue_model::{
    WorkspaceId,
    campaign::Footer,
    code::{CHAT_LINK, CodeTarget, LinkCode},
    contact::{ContactFields, STANDARD_FIELDS},
};
use segue_store::{StoreError, Tx, link::Shorten};

use crate::{
    Links, OutreachError,
    addresses::{self, PLACEHOLDER},
    link::ChatForm,
};

/// Most segments of one message: longer ones are refused or cut by carriers.
pub const MOST_SEGMENTS: usize = 10;
/// Steps of the template engine for one text.
const FUEL: u64 = 20_000;
/// Longest body, in characters.
pub(crate) const LONGEST_BODY: usize = 4_000;

/// A body with merge fields, ready to be filled in.
pub struct Body {
    environment: Environment<'static>,
    /// Every word of the text that may be the name of a field: only those of a contact's fields are handed over.
    words: HashSet<String>,
}

const NAME: &str = "body";

impl Body {
    /// Reads a text with merge fields.
    ///
    /// # Errors
    /// When it is not well formed, with the line.
    pub fn parse(text: &str) -> Result<Self, OutreachError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment
            .add_template_owned(NAME, text.to_owned())
            .map_err(|error| OutreachError::TextSyntax(words(&error)))?;
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').map(str::to_owned).collect();
        Ok(Self { environment, words })
    }

    /// The fields the text uses, in alphabetical order.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        let template = self.environment.get_template(NAME);
        let used = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
        used.into_iter().filter(|field| !field.starts_with(PLACEHOLDER)).collect()
    }

    /// The text for a contact.
    ///
    /// # Errors
    /// When the text asks for too much work or fails for this contact.
    pub fn fill(&self, contact: &ContactFields) -> Result<String, OutreachError> {
        self.fill_with(contact, std::iter::empty())
    }

    fn fill_with(
        &self,
        contact: &ContactFields,
        others: impl Iterator<Item = (String, String)>,
    ) -> Result<String, OutreachError> {
        let mut known: BTreeMap<String, String> = others.collect();
        let names = contact.attributes.keys().map(String::as_str).chain(STANDARD_FIELDS.iter().copied());
        for name in names.filter(|name| self.words.contains(*name)) {
            if let Some(value) = contact.field(name).filter(|value| !value.trim().is_empty()) {
                known.insert(name.to_owned(), value.to_owned());
            }
        }
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(known))
            .map_err(|error| OutreachError::TextSyntax(words(&error)))
    }
}

fn words(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or(detail.clone(), |line| format!("{detail} (line {line})"))
}

/// Of `fields` those that no contact has.
///
/// # Errors
/// When the store fails.
pub fn unknown_fields(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    fields: &BTreeSet<String>,
) -> Result<Vec<String>, StoreError> {
    let mut unknown = Vec::new();
    for field in fields.iter().filter(|field| !STANDARD_FIELDS.contains(&field.as_str())) {
        if !tx.attribute_is_used(workspace_id, field)? {
            unknown.push(field.clone());
        }
    }
    Ok(unknown)
}

/// How a text ends.
#[derive(Debug, Clone)]
enum Ending {
    Nothing,
    /// A short link per recipient.
    Tracked,
    /// The chat's own link, with the recipient's reference in the text that stands ready.
    Chat(ChatForm),
}

/// What surrounds a campaign's body.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub footer: Footer,
    /// The number of the WhatsApp channel that the footer leads to, in any writing.
    pub chat: Option<&'a str>,
    pub prefilled_text: &'a str,
    /// What becomes of addresses in the body.
    pub shorten: Shorten,
    pub links: &'a Links,
    pub campaign_number: u32,
}

/// A campaign's whole text: body and footer.
pub struct CampaignText {
    body: Body,
    ending: Ending,
    links: Links,
    campaign_number: u32,
    targets: Vec<String>,
}

impl CampaignText {
    /// A body in its frame.
    ///
    /// # Errors
    /// When the body is not well formed, or the footer needs a chat and there is none.
    pub fn new(body: &str, frame: &Frame<'_>) -> Result<Self, OutreachError> {
        let mut targets = Vec::new();
        let body = match frame.shorten {
            Shorten::Every => Body::parse(&addresses::take_out(body, &mut targets).text)?,
            Shorten::None => Body::parse(body)?,
        };
        let ending = match (frame.footer, frame.chat) {
            (Footer::None, _) => Ending::Nothing,
            (Footer::Tracked | Footer::WaMe, None) => {
                return Err(OutreachError::invalid(
                    "whatsapp_channel_id",
                    "The footer leads to a WhatsApp chat: choose the WhatsApp channel, or a text without a footer.",
                ));
            }
            (Footer::WaMe, Some(chat)) => Ending::Chat(frame.links.chat_form(chat, frame.prefilled_text)),
            (Footer::Tracked, Some(_)) => Ending::Tracked,
        };
        Ok(Self { body, ending, links: frame.links.clone(), campaign_number: frame.campaign_number, targets })
    }

    /// Where the short links in the body lead; the first is that of link 1.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// The fields the body uses.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        self.body.fields()
    }

    /// The whole text for the recipient at `position`.
    ///
    /// # Errors
    /// When the body cannot be filled in for this contact.
    pub fn compose(&self, contact: &ContactFields, position: u32) -> Result<Composed, OutreachError> {
        let target = CodeTarget { campaign_number: self.campaign_number, position };
        let links = (CHAT_LINK + 1..)
            .zip(&self.targets)
            .map(|(link, _)| (format!("{PLACEHOLDER}{link}"), self.links.short(LinkCode { target, link })));
        let mut text = self.body.fill_with(contact, links)?;
        let link = match &self.ending {
            Ending::Nothing => None,
            Ending::Tracked => Some(self.links.tracked(target)),
            Ending::Chat(form) => Some(form.with(&self.links.key().encode(target))),
        };
        if let Some(link) = link {
            text.push('\n');
            text.push_str(&link);
        }
        let segmentation = segment(&text);
        Ok(Composed { text, segmentation })
    }
}

/// A text with its segments.
pub struct Composed {
    pub text: String,
    pub segmentation: Segmentation,
}

impl Composed {
    /// How many segments it takes.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segmentation.segments.len()
    }

    /// The text, when it is not too long to be sent.
    ///
    /// # Errors
    /// [`OutreachError::TextTooLong`] above [`MOST_SEGMENTS`].
    pub fn within_limit(self) -> Result<Self, OutreachError> {
        let segments = self.segments();
        if segments > MOST_SEGMENTS {
            return Err(OutreachError::TextTooLong { segments, most: MOST_SEGMENTS });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> ContactFields {
        ContactFields {
            first_name: Some("Ana".to_owned()),
            last_name: Some("  ".to_owned()),
            attributes: [("city".to_owned(), "Bahía".to_owned())].into(),
            ..ContactFields::default()
        }
    }

    #[test]
    fn merge_fields() {
        let nobody = ContactFields::default();
        for (text, for_ana, for_nobody) in [
            ("Hi {{ first_name }}!", "Hi Ana!", "Hi !"),
            ("Hi {{ first_name | default(\"there\") }}!", "Hi Ana!", "Hi there!"),
            ("{{ last_name | default('x') }}", "x", "x"),
            ("{{ city }} & <b>", "Bahía & <b>", " & <b>"),
            ("{% if city %}{{ city | upper }}{% else %}-{% endif %}", "BAHÍA", "-"),
            ("{{ missing }}", "", ""),
        ] {
            let body = Body::parse(text).unwrap();
            assert_eq!(body.fill(&ana()).unwrap(), for_ana, "{text}");
            assert_eq!(body.fill(&nobody).unwrap(), for_nobody, "{text}");
        }
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let contact = ContactFields { first_name: Some("{{ 7 * 6 }}".to_owned()), ..ContactFields::default() };
        assert_eq!(Body::parse("{{ first_name }}").unwrap().fill(&contact).unwrap(), "{{ 7 * 6 }}");
    }

    #[test]
    fn fields_used_are_known_without_filling_in() {
        let body = Body::parse("{{ first_name }} {{ city | default('x') }} {% set y = 1 %}{{ y }}").unwrap();
        assert_eq!(body.fields().into_iter().collect::<Vec<_>>(), ["city", "first_name"]);
    }

    #[test]
    fn errors_name_the_line_and_endless_work_is_stopped() {
        let Err(OutreachError::TextSyntax(words)) = Body::parse("a\n{{ first_name") else { panic!("no error") };
        assert!(words.contains("line 2"), "{words}");
        let endless = Body::parse("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
        assert!(endless.unwrap().fill(&ana()).is_err());
    }
}
