//! Campaigns by WhatsApp template: what is sent to whom, decided by the same rules at pre-flight and at planning.
//!
//! The values are written with the merge fields of texts and are fixed for each recipient when the campaign is planned.
//! A template that is paused, a stop for quality and the platform's limit hold the whole campaign
//! ([`segue_store::campaign_hold`]); they are no reason to leave a recipient out.

use segue_model::{
    CampaignId, MediaId, Place, Timestamp, WorkspaceId,
    code::{CHAT_LINK, CodeTarget, LINKS, LinkCode},
    consent::{ConsentState, TemplateConsent},
    contact::STANDARD_FIELDS,
    content::{Content, TemplateButtonValue, TemplateCardValue, TemplateHeaderValue, TemplateOfferValue},
    delivery::MessageClass,
    not_taken::takes_no_marketing,
    place_of_phone,
    policy::{self, Approval, Decision, Explanation, Known, Limits, Listed, Question, Rule},
    template::{TemplateButton, TemplateOffer, TemplateParts, filled},
    template_rules::TemplateFacts,
    template_values::{self, SlotKind, TemplateSlot},
    window,
};
use segue_store::{
    StoreError, Tx,
    campaign::{CampaignButton, CampaignInput, CampaignTemplate},
    channel::ChannelConfig,
    link::LinkSettings,
    outbox::AddressKind,
    recipient::{EMPTY_VALUE, TEXT_TOO_LONG},
    template::{APPROVED, AUTHENTICATION, MARKETING, Template, open_urls},
    template_consent::TemplateKind,
    template_recipient::TemplateRecipient,
    workspace::Workspace,
};

use super::{
    audience::{Asks, time_zones},
    members::Entry,
    timing,
    translations::{self, Translation, Translations},
};
use crate::{
    Links, OutreachError, addresses, domains,
    look_up::{self, Person},
    text::{Body, LONGEST_BODY, unknown_fields},
    typed::{self, Kinds},
};

/// Longest body of a template with its values, in characters.
const LONGEST_TEMPLATE: usize = 1_024;
/// Longest body beside an offer.
const LONGEST_BESIDE_OFFER: usize = 600;
/// Longest text of a card with its values.
const LONGEST_CARD: usize = 160;
/// Longest name or address of a place.
const LONGEST_PLACE: usize = 1_000;
/// Longest value of a heading.
const LONGEST_HEADING: usize = 60;
/// Longest code that a button copies.
const LONGEST_CODE: usize = 15;

/// What a button needs.
enum Ending {
    /// The end of each recipient's own short link.
    Link(u8),
    /// The end of its address.
    Text(Box<Body>),
    /// What it copies.
    Code(Box<Body>),
}

/// A card, ready to be filled in.
struct CardText {
    values: Vec<Body>,
    /// The picture or film in the campaign's language.
    file: MediaId,
    buttons: Vec<(u8, Ending)>,
}

/// A campaign's template, ready to be filled in.
pub(super) struct TemplateText {
    pub workspace: Workspace,
    pub template: Template,
    /// The portfolio whose limit counts.
    pub portfolio: String,
    pub translations: Translations,
    wanted: CampaignTemplate,
    /// What the fields of contacts hold.
    kinds: Kinds,
    values: Vec<Body>,
    heading: Option<Body>,
    /// The file above the text, in the campaign's language.
    file: Option<MediaId>,
    /// The place above the text.
    place: Option<TemplateHeaderValue>,
    buttons: Vec<(u8, Ending)>,
    cards: Vec<CardText>,
    offer: Option<TemplateOffer>,
    targets: Vec<String>,
    links: Links,
    campaign_number: u32,
}

impl TemplateText {
    /// Reads everything the messages are made of.
    ///
    /// # Errors
    /// When there is no such number or template, or the values do not fit it.
    pub fn of(
        tx: &mut Tx<'_>,
        links: &Links,
        workspace_id: WorkspaceId,
        id: Option<CampaignId>,
        (wanted, campaign_number): (&CampaignTemplate, u32),
    ) -> Result<Self, OutreachError> {
        let refuse = |message: String| OutreachError::invalid("template", message);
        let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
        let Some(ChannelConfig::WhatsApp(config)) =
            tx.channel(workspace_id, wanted.channel_id)?.map(|found| found.config)
        else {
            return Err(refuse("There is no such WhatsApp number. Choose one of the list.".to_owned()));
        };
        let found = tx.template_by_name(workspace_id, wanted.channel_id, &wanted.name, &wanted.language)?;
        let template = found.ok_or_else(|| {
            refuse(format!(
                "The number has no template {} in {}. Choose one of the list.",
                wanted.name, wanted.language
            ))
        })?;
        if template.category == AUTHENTICATION {
            return Err(refuse("One-time codes are not sent by campaigns. Choose another template.".to_owned()));
        }
        let Some(parts) = template.parts() else {
            return Err(refuse(
                "Campaigns cannot fill in what this template is made of. Choose another one.".to_owned(),
            ));
        };
        let slots = template_values::slots(&parts);
        let count = template.parameter_count();
        if wanted.values.len() != count {
            return Err(refuse(format!("The template takes {count} values; there are {}.", wanted.values.len())));
        }
        let settings = match id {
            Some(id) => tx.link_settings(workspace_id, id)?.settings,
            None => LinkSettings::default(),
        };
        let links = domains::links_of(tx, links, workspace_id, &settings)?;
        let file = translations::file_of(tx, workspace_id, wanted, (&template, parts.header.as_ref()))?;
        let card_files = translations::card_files_of(tx, workspace_id, wanted, &parts)?;
        let files = (file, card_files.as_slice());
        let translations = Translations::of(tx, workspace_id, wanted, (&template, &parts), files)?;
        let kinds = typed::kinds(tx, workspace_id)?;
        let mut text = Self {
            workspace,
            template,
            portfolio: config.portfolio().to_owned(),
            translations,
            wanted: wanted.clone(),
            values: Vec::new(),
            heading: heading_of(wanted, &slots, &kinds)?,
            file,
            kinds,
            place: place_of(wanted, &slots)?,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: offer_of(wanted, &parts)?,
            targets: Vec::new(),
            links,
            campaign_number,
        };
        for value in &wanted.values {
            text.values.push(value_of(value, &text.kinds)?);
        }
        text.buttons = text.read_buttons("", &parts.buttons, &wanted.buttons)?;
        text.read_cards(&parts, card_files)?;
        Ok(text)
    }

    fn read_cards(&mut self, parts: &TemplateParts, files: Vec<MediaId>) -> Result<(), OutreachError> {
        let refuse = |message: String| OutreachError::invalid("template", message);
        for (index, (card, file)) in parts.cards.iter().zip(files).enumerate() {
            let given = self.wanted.cards.get(index).cloned().unwrap_or_default();
            let (number, count) = (index + 1, card.variables().len());
            if given.values.len() != count {
                let there = given.values.len();
                return Err(refuse(format!("Card {number} takes {count} values; there are {there}.")));
            }
            let read = |value: &String| value_of(value, &self.kinds);
            let values = given.values.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let buttons = self.read_buttons(&format!(" of card {number}"), &card.buttons, &given.buttons)?;
            self.cards.push(CardText { values, file, buttons });
        }
        Ok(())
    }

    /// What the buttons end in; `on` says in words where they stand.
    fn read_buttons(
        &mut self,
        on: &str,
        buttons: &[TemplateButton],
        given: &[CampaignButton],
    ) -> Result<Vec<(u8, Ending)>, OutreachError> {
        let refuse = |message: String| OutreachError::invalid("template", message);
        let open = open_urls(buttons);
        let codes = buttons
            .iter()
            .zip(0_u8..)
            .filter_map(|(button, index)| matches!(button, TemplateButton::CopyCode { .. }).then_some(index));
        let codes: Vec<u8> = codes.collect();
        let takes = |index: u8| codes.contains(&index) || open.iter().any(|(open, _)| *open == index);
        if let Some(extra) = given.iter().find(|button| !takes(button.index)) {
            return Err(refuse(format!("Button {}{on} of the template takes no value.", extra.index + 1)));
        }
        let mut endings = Vec::new();
        for index in codes {
            let mut found = given.iter().filter(|button| button.index == index);
            let (Some(button), None) = (found.next(), found.next()) else {
                return Err(refuse(format!("Say once which code button {}{on} copies.", index + 1)));
            };
            endings.push((index, Ending::Code(Box::new(value_of(&button.value, &self.kinds)?))));
        }
        for (index, url) in open {
            let mut found = given.iter().filter(|button| button.index == index);
            let (Some(button), None) = (found.next(), found.next()) else {
                return Err(refuse(format!("Say once what the address of button {}{on} ends in.", index + 1)));
            };
            let Some(target) = &button.target else {
                endings.push((index, Ending::Text(Box::new(value_of(&button.value, &self.kinds)?))));
                continue;
            };
            let start = self.link_start();
            if url.split("{{").next() != Some(start.as_str()) {
                return Err(refuse(format!(
                    "For a link of each recipient's own the address of button {}{on} has to be {start}{{{{1}}}}; it is {url}.",
                    index + 1
                )));
            }
            self.targets.push(target.trim().to_owned());
            let link = u8::try_from(self.targets.len()).unwrap_or(u8::MAX).saturating_add(CHAT_LINK);
            if link >= LINKS {
                let most = LINKS - 1;
                let message =
                    format!("A campaign has at most {most} links of each recipient's own; this one has more.");
                return Err(refuse(message));
            }
            endings.push((index, Ending::Link(link)));
        }
        Ok(endings)
    }

    /// What short links begin with.
    fn link_start(&self) -> String {
        format!("{}/l/", self.links.config().link_base.trim_end_matches('/'))
    }

    /// Where the short links lead to; the first is that of link 1.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Promotions need an agreement to marketing; what is no promotion is asked for any agreement.
    pub fn class(&self) -> MessageClass {
        if self.template.category == MARKETING { MessageClass::Marketing } else { MessageClass::Service }
    }

    /// Everything that is filled in for each recipient.
    pub fn bodies(&self) -> Vec<&Body> {
        let all = self.buttons.iter().chain(self.cards.iter().flat_map(|card| &card.buttons));
        let endings = all.filter_map(|(_, ending)| match ending {
            Ending::Text(body) | Ending::Code(body) => Some(body.as_ref()),
            Ending::Link(_) => None,
        });
        let on_cards = self.cards.iter().flat_map(|card| &card.values);
        self.values.iter().chain(on_cards).chain(&self.heading).chain(endings).collect()
    }

    /// The files above the text and on the cards, in all languages.
    pub fn files(&self) -> Vec<MediaId> {
        let others =
            self.translations.usable.iter().flat_map(|translation| {
                translation.file.into_iter().chain(translation.cards.iter().map(|card| card.file))
            });
        let own = self.file.into_iter().chain(self.cards.iter().map(|card| card.file));
        let mut files: Vec<MediaId> = own.chain(others).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Notes that a campaign needs its files. To be called in the transaction that makes messages with them.
    ///
    /// # Errors
    /// When a file is gone.
    pub fn keep_files(&self, tx: &mut Tx<'_>, id: CampaignId) -> Result<(), OutreachError> {
        for file in self.files() {
            if !tx.keep_campaign_file(self.workspace.id, id, file)? {
                let message = "A file of the message is not here any more. Choose one.";
                return Err(OutreachError::invalid("template", message));
            }
        }
        Ok(())
    }

    /// The translation for a member; `None` for the campaign's own language.
    pub fn translation_for(&self, recipient: Option<&TemplateRecipient>, locale: Option<&str>) -> Option<&Translation> {
        if self.translations.usable.is_empty() {
            return None;
        }
        self.translations.for_language(&self.template.language, translations::language_of(recipient, locale))
    }

    /// Refuses fields that no contact has, and look-ups in what is not there.
    fn check_fields(&self, tx: &mut Tx<'_>) -> Result<(), OutreachError> {
        let bodies = self.bodies();
        look_up::check(tx, self.workspace.id, bodies.iter().flat_map(|body| body.uses().iter()))?;
        let fields = bodies.into_iter().flat_map(Body::fields).collect();
        let unknown = unknown_fields(tx, self.workspace.id, &fields)?;
        if unknown.is_empty() {
            return Ok(());
        }
        Err(OutreachError::UnknownFields { fields: unknown, known: STANDARD_FIELDS.join(", ") })
    }

    /// The template for the recipient at `position` in a language, or the rule that leaves him out.
    pub fn compose<'p>(
        &self,
        person: impl Into<Person<'p>>,
        position: u32,
        translation: Option<&Translation>,
    ) -> Result<Content, &'static str> {
        let person = person.into();
        let mut parameters = self.values.iter().map(|body| fill(body, person)).collect::<Result<Vec<_>, _>>()?;
        let (template, file) = match translation {
            Some(other) => {
                parameters = in_order(&parameters, &other.order);
                (&other.template, other.file)
            }
            None => (&self.template, self.file),
        };
        let heading =
            self.heading.as_ref().map(|heading| within(fill(heading, person)?, LONGEST_HEADING)).transpose()?;
        let header = match (heading, file) {
            (Some(text), _) => Some(TemplateHeaderValue::Text { text }),
            (None, Some(media_id)) => Some(TemplateHeaderValue::File { media_id }),
            (None, None) => self.place.clone(),
        };
        let buttons = self.endings(&self.buttons, person, position)?;
        let most = if self.offer.is_some() { LONGEST_BESIDE_OFFER } else { LONGEST_TEMPLATE };
        let text = within(template.rendered(&parameters), most)?;
        let cards = self.compose_cards(person, position, (template, translation))?;
        let offer = self.offer.as_ref().map(|own| {
            let its = template.parts().and_then(|parts| parts.offer);
            let code = self.buttons.iter().find(|(_, ending)| matches!(ending, Ending::Code(_)));
            let code = code.and_then(|(index, _)| buttons.iter().find(|value| value.index == *index));
            TemplateOfferValue {
                text: its.map_or_else(|| own.text.clone(), |offer| offer.text),
                code: code.map(|value| value.text.clone()),
                ends_at: self.wanted.offer_ends_at,
            }
        });
        let (name, language) = (template.name.clone(), template.language.clone());
        Ok(Content::Template { name, language, parameters, buttons, text, header, cards, offer })
    }

    fn compose_cards(
        &self,
        person: Person<'_>,
        position: u32,
        (template, translation): (&Template, Option<&Translation>),
    ) -> Result<Vec<TemplateCardValue>, &'static str> {
        if self.cards.is_empty() {
            return Ok(Vec::new());
        }
        let parts = template.parts().map(|parts| parts.cards).unwrap_or_default();
        let mut cards = Vec::with_capacity(self.cards.len());
        for (index, (card, part)) in self.cards.iter().zip(parts).enumerate() {
            let mut parameters = card.values.iter().map(|body| fill(body, person)).collect::<Result<Vec<_>, _>>()?;
            let mut media_id = card.file;
            if let Some(other) = translation.and_then(|translation| translation.cards.get(index)) {
                parameters = in_order(&parameters, &other.order);
                media_id = other.file;
            }
            let text = within(filled(&part.body, &parameters), LONGEST_CARD)?;
            let buttons = self.endings(&card.buttons, person, position)?;
            let labels = part.buttons.iter().filter_map(TemplateButton::text).map(str::to_owned).collect();
            cards.push(TemplateCardValue { media_id, parameters, buttons, text, labels });
        }
        Ok(cards)
    }

    fn endings(
        &self,
        buttons: &[(u8, Ending)],
        person: Person<'_>,
        position: u32,
    ) -> Result<Vec<TemplateButtonValue>, &'static str> {
        let target = CodeTarget { campaign_number: self.campaign_number, position };
        let ending = |(index, ending): &(u8, Ending)| {
            let text = match ending {
                Ending::Text(body) => fill(body, person)?,
                Ending::Code(body) => within(fill(body, person)?.split_whitespace().collect(), LONGEST_CODE)?,
                Ending::Link(link) => self.links.key().encode_link(LinkCode { target, link: *link }),
            };
            Ok(TemplateButtonValue { index: *index, text })
        };
        buttons.iter().map(ending).collect()
    }

    /// When its offer ends.
    pub fn offer_ends_at(&self) -> Option<Timestamp> {
        self.wanted.offer_ends_at
    }

    /// What the policy and the campaign's settings say to one member.
    pub fn judge(
        &self,
        tx: &mut Tx<'_>,
        input: &CampaignInput,
        entry: &Entry,
        (position, start, now): (u32, Timestamp, Timestamp),
    ) -> Result<Verdict, StoreError> {
        let Entry { member, barred, .. } = entry;
        let phone = member.fields.phone.as_ref();
        let found = tx.template_recipient(
            self.workspace.id,
            self.template.channel_id,
            (member.id, phone.map(|phone| phone.as_str())),
            (self.kind(), now),
        )?;
        let zones = time_zones(&member.fields, &self.workspace);
        let asks = Asks::of(tx, &self.workspace, &input.rules)?;
        let leaves_at = || timing::leaves_at(input, &zones, position, (start, now), &self.workspace.time_zone);
        let at = asks.moment(now, leaves_at);
        let to = (member.fields.phone.as_ref(), found.as_ref());
        let (decision, explanation) = self.decide(tx, to, &asks, (&zones, at))?;
        let decided = match decision {
            Decision::Send(_) => (Rule::Allowed.as_str(), Some(now)),
            Decision::Hold { until, rule } => (rule.as_str(), Some(until)),
            Decision::Suppress { rule } => (rule.as_str(), None),
        };
        let held = match (decision, &explanation) {
            (Decision::Hold { rule, .. }, Some(why)) => Some((rule, why.clone())),
            _ => None,
        };
        let (rule, not_before) = timing::refine(input, decided, *barred, &zones, position, (start, now));
        let detail = explanation.and_then(|why| why.detail);
        let left_out = |rule| Verdict { rule, detail: None, held: None, message: None };
        let (Some(recipient), Some(not_before)) = (found, not_before) else {
            return Ok(Verdict { detail, ..left_out(rule) });
        };
        let locale = member.fields.locale.as_deref();
        let translation = self.translation_for(Some(&recipient), locale);
        let content = match self.compose(entry.person(), position, translation) {
            Ok(content) => content,
            Err(rule) => return Ok(left_out(rule)),
        };
        let expires_at = timing::expires_at(input, &zones, start);
        Ok(Verdict { rule, detail, held, message: Some(Ready { recipient, content, not_before, expires_at }) })
    }

    /// The template as far as consent asks for it.
    pub fn kind(&self) -> TemplateKind<'_> {
        TemplateKind { name: &self.template.name, category: &self.template.category }
    }

    fn decide(
        &self,
        tx: &mut Tx<'_>,
        (phone, found): (Option<&segue_model::PhoneNumber>, Option<&TemplateRecipient>),
        asks: &Asks,
        (zones, now): (&[String], Timestamp),
    ) -> Result<(Decision, Option<Explanation>), StoreError> {
        let settings = &self.workspace.settings.policy;
        let class = self.class();
        let place = found.filter(|found| found.kind == AddressKind::Phone).and_then(|_| phone.and_then(place_of_phone));
        let (mut sends, mut series) = (Vec::new(), Vec::new());
        if let (MessageClass::Marketing, Some(found)) = (class, found) {
            let address = found.address.as_str();
            series = tx.counted_caps(self.workspace.id, address, asks.caps(), None, now)?;
            if let Some((millis, most)) = Limits::look_back(place, &settings.caps, now) {
                sends = tx.marketing_sends(self.workspace.id, address, now.plus(-millis), None, most)?;
            }
        }
        let consent = found.map_or(ConsentState::None, |found| found.marketing);
        let consent = asks.consent(tx, self.workspace.id, phone.map(|phone| phone.as_str()), consent)?;
        let yes = |is: bool| if is { Known::Yes } else { Known::No };
        let suppressed = found.is_some_and(|found| found.is_suppressed);
        Ok(policy::judge(&Question {
            now,
            class,
            content: policy::Content::Template,
            address: yes(found.is_some()),
            consent,
            of_template: found.map_or(TemplateConsent::NOTHING, |found| found.of_template),
            suppression: if suppressed { Listed::Yes } else { Listed::No },
            quiet_hours: self.workspace.quiet_hours,
            time_zones: zones,
            window_expires_at: None,
            template: Approval::Approved,
            sender: Approval::Approved,
            not_cleared: None,
            expires_at: None,
            limits: Limits {
                place,
                quiet_spans: &settings.quiet_spans,
                caps: &settings.caps,
                at_cap: settings.at_cap,
                sends: &sends,
                sender_hours: None,
                at_quiet: asks.at_quiet(),
                series: &series,
            },
            campaign_template: found.map(|found| TemplateFacts {
                // These hold the campaign and leave nobody out.
                template: Approval::Approved,
                is_over: Known::No,
                not_taken: yes(takes_no_marketing(place_at(found), now)),
                braked: Known::No,
                budget: None,
                sessions: self.wanted.sessions,
                conversation: found.conversation,
                opted_in: yes(found.is_opted_in),
                rests_until: found.rests_until.filter(|_| !window::is_open(found.window_expires_at, now)),
            }),
        }))
    }
}

/// Where the number belongs that a recipient is written to at.
fn place_at(recipient: &TemplateRecipient) -> Option<Place> {
    if recipient.kind != AddressKind::Phone {
        return None;
    }
    place_of_phone(&recipient.address.parse::<segue_model::PhoneNumber>().ok()?)
}

/// What a member comes to.
pub(super) struct Verdict {
    pub rule: &'static str,
    /// What is missing and what to do.
    pub detail: Option<String>,
    /// Why the message waits, when that can be explained.
    pub held: Option<(Rule, Explanation)>,
    pub message: Option<Ready>,
}

/// A message that may go out, at once or later.
pub(super) struct Ready {
    pub recipient: TemplateRecipient,
    pub content: Content,
    pub not_before: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Ready {
    /// Whether the customer counts against the limit: the business writes first.
    pub fn initiates(&self, now: Timestamp) -> bool {
        !window::is_open(self.recipient.window_expires_at, now)
    }
}

/// A value for somebody. WhatsApp takes no line break, tab or row of blanks in it.
fn fill(body: &Body, person: Person<'_>) -> Result<String, &'static str> {
    let text = body.fill(person).map_err(|_| EMPTY_VALUE)?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { Err(EMPTY_VALUE) } else { Ok(text) }
}

fn within(text: String, most: usize) -> Result<String, &'static str> {
    if text.chars().count() > most { Err(TEXT_TOO_LONG) } else { Ok(text) }
}

/// The values at these places.
fn in_order(values: &[String], order: &[usize]) -> Vec<String> {
    order.iter().filter_map(|place| values.get(*place).cloned()).collect()
}

/// The place above the text.
fn place_of(wanted: &CampaignTemplate, slots: &[TemplateSlot]) -> Result<Option<TemplateHeaderValue>, OutreachError> {
    let refuse = |message: &str| Err(OutreachError::invalid("template", message));
    let is_open = slots.iter().any(|slot| slot.kind == SlotKind::Place);
    match (is_open, &wanted.header_place) {
        (false, None) => Ok(None),
        (false, Some(_)) => refuse("No place stands above this template's text. Take the place out."),
        (true, None) => refuse("Give the place that stands above the text."),
        (true, Some(place)) => {
            let within = |text: &str, most: f64| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
            if !within(&place.latitude, 90.0) || !within(&place.longitude, 180.0) {
                return refuse("Give the place in degrees: latitude from -90 to 90, longitude from -180 to 180.");
            }
            let trimmed = |text: &str| text.trim().to_owned();
            let (name, address) = (trimmed(&place.name), trimmed(&place.address));
            let fits = |text: &str| (1..=LONGEST_PLACE).contains(&text.chars().count());
            if !fits(&name) || !fits(&address) {
                return refuse("Give the name and the address of the place, each with at most 1000 characters.");
            }
            let (latitude, longitude) = (trimmed(&place.latitude), trimmed(&place.longitude));
            Ok(Some(TemplateHeaderValue::Place { latitude, longitude, name, address }))
        }
    }
}

/// The template's offer, with its end where it has one.
fn offer_of(wanted: &CampaignTemplate, parts: &TemplateParts) -> Result<Option<TemplateOffer>, OutreachError> {
    let refuse = |message: &str| Err(OutreachError::invalid("template", message));
    let expires = parts.offer.as_ref().is_some_and(|offer| offer.expires);
    match (expires, wanted.offer_ends_at) {
        (true, None) => refuse("Say when the offer ends. What has not left by then is not sent any more."),
        (false, Some(_)) => refuse("This template has no offer that ends. Take the moment out."),
        _ => Ok(parts.offer.clone()),
    }
}

fn value_of(text: &str, kinds: &Kinds) -> Result<Body, OutreachError> {
    if text.trim().is_empty() {
        return Err(OutreachError::invalid("template", "Give a value for each placeholder of the template."));
    }
    if text.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("template", format!("A value is longer than {LONGEST_BODY} characters.")));
    }
    Ok(Body::parse(text)?.typed(kinds))
}

/// What fills the variable of the heading.
fn heading_of(wanted: &CampaignTemplate, slots: &[TemplateSlot], kinds: &Kinds) -> Result<Option<Body>, OutreachError> {
    let is_open = slots.iter().any(|slot| slot.key == "header" && slot.kind == SlotKind::Text);
    match (is_open, wanted.header_value.trim().is_empty()) {
        (true, true) => Err(OutreachError::invalid("template", "Give the value of the heading.")),
        (true, false) => value_of(&wanted.header_value, kinds).map(Some),
        (false, true) => Ok(None),
        (false, false) => {
            Err(OutreachError::invalid("template", "The heading of this template takes no value. Leave it empty."))
        }
    }
}

/// Checks a draft by template as far as that is possible without its audience.
pub(super) fn validate(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    input: &CampaignInput,
    wanted: &CampaignTemplate,
) -> Result<(), OutreachError> {
    if !(input.variants.is_empty() && input.texts.is_empty() && input.body.trim().is_empty()) {
        return Err(OutreachError::invalid("template", "A campaign by template has no texts of its own."));
    }
    let on_cards = wanted.cards.iter().flat_map(|card| &card.buttons);
    for target in wanted.buttons.iter().chain(on_cards).filter_map(|button| button.target.as_deref()) {
        if let Some(why) = addresses::no_target(target.trim()) {
            return Err(OutreachError::invalid("template", format!("A button's link cannot lead there. {why}")));
        }
    }
    TemplateText::of(tx, links, workspace_id, None, (wanted, 0))?.check_fields(tx)
}

/// Refuses to start with a template that cannot be sent, while marketing is stopped, or when its offer ends before it
/// begins.
pub(super) fn check_start(
    tx: &mut Tx<'_>,
    text: &TemplateText,
    input: &CampaignInput,
    begins: Timestamp,
) -> Result<(), OutreachError> {
    if let Some(ends_at) = text.wanted.offer_ends_at {
        if input.schedule.repeat.is_some() {
            let message = "Every run of a recurring campaign would offer the same until the same moment. Send an offer \
                           that ends by a campaign that is sent once.";
            return Err(OutreachError::invalid("template", message));
        }
        if ends_at <= begins {
            let message = "The offer ends before the campaign would begin. Choose a later moment.";
            return Err(OutreachError::invalid("template", message));
        }
    }
    if text.template.status != APPROVED {
        let message = format!(
            "WhatsApp has not approved the template, or has paused it: it is {}. Start when it is approved, or choose another.",
            text.template.status
        );
        return Err(OutreachError::invalid("template", message));
    }
    let stopped = text.class() == MessageClass::Marketing
        && tx.is_braked(text.workspace.id, text.template.channel_id, &text.template.name)?;
    if stopped {
        return Err(OutreachError::invalid(
            "template",
            "Marketing from this number or with this template is stopped because of its quality. Wait until it is back, or let it go on first.",
        ));
    }
    match text.translations.differing.first() {
        Some(why) => Err(OutreachError::invalid("template", why.clone())),
        None => Ok(()),
    }
}
