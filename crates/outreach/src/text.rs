//! Campaign texts: merge fields, the footer with its link, and what the result costs.
//!
//! Merge fields are minijinja: `{{ first_name }}`, `{{ first_name | default("there") }}`. A field that a contact lacks is
//! empty; a field that no contact can have is told at writing. Texts are written by people, so the work of one rendering
//! is bounded.
//!
//! What a text looks up in tables ([`crate::look_up`]) is read before, for many people at once.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use minijinja::{Environment, Value};
use segue_channels::text::{Encoding, Segmentation, segment, segment_on, written_in};
use segue_model::{
    WorkspaceId,
    campaign::Footer,
    code::{CHAT_LINK, CodeTarget, LinkCode},
    contact::{ContactFields, STANDARD_FIELDS},
    language::{self, LocaleText},
    opt_out_line::{OptOutLine, OptOutLineWhen, OptOutNotice},
    sender::SenderAlphabet,
    sms_writing::SmsWriting,
    text_lint::SenderReach,
};
use segue_store::{StoreError, Tx, link::Shorten};

use crate::{
    Links, OutreachError,
    addresses::{self, PLACEHOLDER},
    link::ChatForm,
    look_up::{self, Person, Recording, Use},
    snippets,
    typed::{self, Kinds},
};

/// Most segments of one message: longer ones are refused or cut by carriers.
pub const MOST_SEGMENTS: usize = 10;
/// Steps of the template engine for one text.
const FUEL: u64 = 20_000;
/// Longest body, in characters.
pub(crate) const LONGEST_BODY: usize = 4_000;

/// A body with merge fields, ready to be filled in: the text itself, that in other languages, and what they include.
pub struct Body {
    environment: Environment<'static>,
    /// Every word of the texts that may be the name of a field: only those of a contact's fields are handed over.
    words: HashSet<String>,
    /// Languages that have a text of their own.
    locales: Vec<String>,
    /// What the texts look up in tables.
    uses: Arc<[Use]>,
    /// What the fields hold that are more than words in these texts.
    kinds: Kinds,
    /// Fields and look-ups that the texts treat as words.
    kept_as_words: HashSet<String>,
}

/// Name of the text itself. Snippets' names have no blank, so none can be taken for it.
const NAME: &str = " ";

impl Body {
    /// Reads a text with merge fields.
    ///
    /// # Errors
    /// When it is not well formed, with the line.
    pub fn parse(text: &str) -> Result<Self, OutreachError> {
        Self::with(text, &[], &BTreeMap::new())
    }

    /// Reads a text, what it is in other languages, and the snippets that they include, by their names.
    ///
    /// # Errors
    /// When one of them is not well formed, with the line.
    pub(crate) fn with(
        text: &str,
        others: &[LocaleText],
        snippets: &BTreeMap<String, String>,
    ) -> Result<Self, OutreachError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        let mut named = HashSet::new();
        let (mut uses, mut kept_as_words) = (Vec::new(), HashSet::new());
        let all = [text].into_iter().chain(others.iter().map(|other| other.body.as_str()));
        for text in all.chain(snippets.values().map(String::as_str)) {
            uses.extend(look_up::uses(text)?);
            typed::kept_as_words(text, &mut kept_as_words);
        }
        if !uses.is_empty() {
            look_up::add_functions(&mut environment);
        }
        look_up::print_as_written(&mut environment);
        let mut add = |name: String, text: &str| {
            named.extend(text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').map(str::to_owned));
            let added = environment.add_template_owned(name, text.to_owned());
            added.map_err(|error| OutreachError::TextSyntax(words(&error)))
        };
        add(NAME.to_owned(), text)?;
        for other in others {
            add(format!("{NAME}{}", other.locale), &other.body)?;
        }
        for (name, text) in snippets {
            add(name.clone(), text)?;
        }
        let locales = others.iter().map(|other| other.locale.clone()).collect();
        let (uses, kinds) = (uses.into(), Kinds::new());
        Ok(Self { environment, words: named, locales, uses, kinds, kept_as_words })
    }

    /// The same, knowing what fields hold: a number is one in conditions, and yes or no is true or false.
    #[must_use]
    pub(crate) fn typed(mut self, kinds: &Kinds) -> Self {
        if !self.words.contains("macro") {
            let is_used = |name: &String| self.words.contains(name) && !self.kept_as_words.contains(name);
            self.kinds =
                kinds.iter().filter(|(name, _)| is_used(name)).map(|(name, kind)| (name.clone(), *kind)).collect();
        }
        self
    }

    /// The fields that any of the texts uses, in alphabetical order.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        let used = self.environment.templates().flat_map(|(_, template)| template.undeclared_variables(false));
        let is_function = |field: &String| !self.uses.is_empty() && look_up::FUNCTIONS.contains(&field.as_str());
        used.filter(|field| !field.starts_with(PLACEHOLDER) && !is_function(field)).collect()
    }

    /// The text for a contact.
    ///
    /// # Errors
    /// When the text asks for too much work or fails for this contact.
    pub fn fill<'p>(&self, person: impl Into<Person<'p>>) -> Result<String, OutreachError> {
        let person = person.into();
        self.filled(person.fields, std::iter::empty(), &self.recording(person))
    }

    /// Whether the texts look anything up in tables.
    pub(crate) fn looks_up(&self) -> bool {
        !self.uses.is_empty()
    }

    /// What the texts look up in tables.
    pub(crate) const fn uses(&self) -> &Arc<[Use]> {
        &self.uses
    }

    pub(crate) fn recording(&self, person: Person<'_>) -> Recording {
        Recording::of(person.answers, &self.uses, &self.kept_as_words)
    }

    /// The language of the text that a contact gets; `None` for the text itself.
    fn locale_for(&self, contact: &ContactFields) -> Option<&str> {
        let wanted = contact.locale.as_deref()?;
        language::best(wanted, self.locales.iter().map(String::as_str)).map(|place| self.locales[place].as_str())
    }

    pub(crate) fn filled(
        &self,
        contact: &ContactFields,
        others: impl Iterator<Item = (String, String)>,
        recording: &Recording,
    ) -> Result<String, OutreachError> {
        let mut known: BTreeMap<String, Value> = others.map(|(name, text)| (name, Value::from(text))).collect();
        if self.looks_up() || !self.kinds.is_empty() {
            known.extend([recording.entry()]);
        }
        let names = contact.attributes.keys().map(String::as_str).chain(STANDARD_FIELDS.iter().copied());
        for name in names.filter(|name| self.words.contains(*name)) {
            if let Some(value) = contact.field(name).filter(|value| !value.trim().is_empty()) {
                let typed = self.kinds.get(name).map(|kind| recording.value(*kind, value));
                known.insert(name.to_owned(), typed.unwrap_or_else(|| Value::from(value)));
            }
        }
        let name = self.locale_for(contact).map_or_else(|| NAME.to_owned(), |locale| format!("{NAME}{locale}"));
        self.environment
            .get_template(&name)
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
    /// The body in other languages.
    pub texts: &'a [LocaleText],
    /// The snippets that the texts may include, by their names.
    pub snippets: &'a BTreeMap<String, String>,
    /// What the fields of contacts hold.
    pub kinds: &'a Kinds,
    /// The line that says how to stop, or where to from a sender that cannot be answered.
    pub opt_out_line: Option<&'a OptOutLine>,
    /// Whether people can answer the sender that is named: decides about the line where there is no recipient.
    pub reach: SenderReach,
    /// Addresses that have their numbers already, because another text of the campaign has them.
    pub targets: &'a [String],
}

/// A campaign's whole text: body, opt-out line and footer.
pub struct CampaignText {
    body: Body,
    opt_out_line: Option<OptOutLine>,
    reach: SenderReach,
    ending: Ending,
    links: Links,
    campaign_number: u32,
    targets: Vec<String>,
    is_crowded: bool,
    untracked: Vec<String>,
}

impl CampaignText {
    /// A body in its frame.
    ///
    /// # Errors
    /// When the body is not well formed, or the footer needs a chat and there is none.
    pub fn new(body: &str, frame: &Frame<'_>) -> Result<Self, OutreachError> {
        let (mut targets, mut is_crowded, mut untracked) = (frame.targets.to_vec(), false, Vec::new());
        let mut shorten = |text: &str| match frame.shorten {
            Shorten::Every => {
                let shortened = addresses::take_out(text, &mut targets);
                is_crowded |= shortened.is_crowded;
                untracked.extend(shortened.untracked);
                shortened.text
            }
            Shorten::None => text.to_owned(),
        };
        let texts = [body].into_iter().chain(frame.texts.iter().map(|other| other.body.as_str()));
        let used = snippets::included(texts, frame.snippets)?;
        let body = shorten(body);
        let others: Vec<LocaleText> = frame
            .texts
            .iter()
            .map(|other| LocaleText { locale: other.locale.clone(), body: shorten(&other.body) })
            .collect();
        let used = used.into_iter().map(|name| (name.to_owned(), shorten(&frame.snippets[name]))).collect();
        let body = Body::with(&body, &others, &used)?.typed(frame.kinds);
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
        Ok(Self {
            body,
            opt_out_line: frame.opt_out_line.cloned(),
            reach: frame.reach,
            ending,
            links: frame.links.clone(),
            campaign_number: frame.campaign_number,
            targets,
            is_crowded,
            untracked,
        })
    }

    /// The text with its merge fields.
    pub(crate) const fn body(&self) -> &Body {
        &self.body
    }

    /// Where short links lead, those of [`Frame::targets`] first; the first is that of link 1.
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Whether an address stays as it is written because there are too many for all to become links.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// Addresses that were to become links and stay as they are written, because of letters in them.
    pub(crate) fn untracked(&self) -> &[String] {
        &self.untracked
    }

    /// The fields the body uses.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        self.body.fields()
    }

    /// The languages there is a text for, and `None` for the text itself.
    pub fn locales(&self) -> impl Iterator<Item = Option<&str>> {
        [None].into_iter().chain(self.body.locales.iter().map(|locale| Some(locale.as_str())))
    }

    /// The language of the text that a contact gets; `None` for the text itself.
    #[must_use]
    pub fn locale_for(&self, contact: &ContactFields) -> Option<&str> {
        self.body.locale_for(contact)
    }

    /// Whether it matters for the text what a person was told before.
    #[must_use]
    pub fn asks_for_notice(&self) -> bool {
        self.opt_out_line.as_ref().is_some_and(|line| line.when == OptOutLineWhen::First)
    }

    /// The whole text for the recipient at `position`, who has not been told yet how to stop.
    ///
    /// # Errors
    /// When the body cannot be filled in for this contact.
    pub fn compose<'p>(&self, person: impl Into<Person<'p>>, position: u32) -> Result<Composed, OutreachError> {
        let notice = match self.reach {
            SenderReach::TwoWay => OptOutNotice::Due,
            SenderReach::OneWay => OptOutNotice::Unanswerable,
        };
        self.compose_after(person, position, notice)
    }

    /// The whole text for the recipient at `position`.
    ///
    /// # Errors
    /// As [`CampaignText::compose`].
    pub fn compose_after<'p>(
        &self,
        person: impl Into<Person<'p>>,
        position: u32,
        notice: OptOutNotice,
    ) -> Result<Composed, OutreachError> {
        let person = person.into();
        let contact = person.fields;
        let target = CodeTarget { campaign_number: self.campaign_number, position };
        let links = (CHAT_LINK + 1..)
            .zip(&self.targets)
            .map(|(link, _)| (format!("{PLACEHOLDER}{link}"), self.links.short(LinkCode { target, link })));
        let recording = self.body.recording(person);
        let mut text = self.body.filled(contact, links, &recording)?;
        let locale = self.body.locale_for(contact);
        let line = self.opt_out_line.as_ref().and_then(|line| line.line_for(&text, locale, notice)).map(str::to_owned);
        // Before the link: phones show a preview of a link only at the end of a text.
        if let Some(line) = &line {
            text.push('\n');
            text.push_str(line);
        }
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
        Ok(Composed { text, segmentation, opt_out_line: line, is_lacking: recording.is_lacking() })
    }
}

/// Why a text does not leave from a sender with a plain alphabet.
pub(crate) fn not_plain() -> OutreachError {
    let message = "The sender takes only characters of the GSM alphabet. Write the text without the others.";
    OutreachError::invalid("text", message)
}

/// A text with its segments.
pub struct Composed {
    pub text: String,
    pub segmentation: Segmentation,
    /// The opt-out line that was added.
    pub opt_out_line: Option<String>,
    /// It looks something up that is not there, and says nothing else instead.
    pub is_lacking: bool,
}

impl Composed {
    /// How many segments it takes.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segmentation.segments.len()
    }

    /// The text as a sender with this alphabet sends it on an account that writes like this; `None` when it cannot. A text
    /// that is fine costs nothing.
    #[must_use]
    pub fn written_in(self, alphabet: SenderAlphabet, writing: SmsWriting) -> Option<Self> {
        let is_fine = alphabet == SenderAlphabet::Any || self.segmentation.encoding == Encoding::Gsm7;
        if is_fine && writing == SmsWriting::default() {
            return Some(self);
        }
        let text = if is_fine { self.text } else { written_in(&self.text, alphabet)?.into_owned() };
        let segmentation = segment_on(&text, writing);
        Some(Self { text, segmentation, ..self })
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
    fn the_text_of_the_locale_or_its_language_or_the_text_itself() {
        let other = |locale: &str, body: &str| LocaleText { locale: locale.to_owned(), body: body.to_owned() };
        let others = [other("de", "Hallo {{ city }}"), other("pt-BR", "Oi")];
        let body = Body::with("Hi", &others, &BTreeMap::new()).unwrap();
        for (locale, expected) in [
            (Some("de"), "Hallo Bahía"),
            (Some("de_AT"), "Hallo Bahía"),
            (Some("pt-br"), "Oi"),
            (Some("pt"), "Hi"),
            (None, "Hi"),
        ] {
            let contact = ContactFields { locale: locale.map(str::to_owned), ..ana() };
            assert_eq!(body.fill(&contact).unwrap(), expected, "{locale:?}");
        }
        assert_eq!(body.fields().into_iter().collect::<Vec<_>>(), ["city"], "fields of every language");
    }

    #[test]
    fn snippets_are_included_and_their_fields_known() {
        let snippets = BTreeMap::from([
            ("end".to_owned(), "Bye {{ first_name }}. {% include 'legal' %}".to_owned()),
            ("legal".to_owned(), "STOP to end".to_owned()),
            ("other".to_owned(), "{{ shoe }}".to_owned()),
        ]);
        let body = |text: &str| {
            let used = snippets::included([text].into_iter(), &snippets)?;
            Body::with(text, &[], &used.into_iter().map(|name| (name.to_owned(), snippets[name].clone())).collect())
        };
        let good = body("Hi. {%- include \"end\" -%}").unwrap();
        assert_eq!(good.fill(&ana()).unwrap(), "Hi.Bye Ana. STOP to end");
        assert_eq!(good.fields().into_iter().collect::<Vec<_>>(), ["first_name"], "only what is included");
    }

    #[test]
    fn look_ups_and_conditions() {
        for (text, expected) in [
            ("{{ {\"Bahía\": \"10 %\"}[city] | default(\"5 %\") }}", "10 %"),
            ("{{ {\"Rio\": \"10 %\"}[city] | default(\"5 %\") }}", "5 %"),
            ("{% if first_name == 'Ana' and city %}a{% elif city %}b{% else %}c{% endif %}", "a"),
        ] {
            assert_eq!(Body::parse(text).unwrap().fill(&ana()).unwrap(), expected, "{text}");
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
