//! Campaigns by WhatsApp template: what is sent to whom, decided by the same rules at pre-flight and at planning.
//!
//! The values are written with the merge fields of texts and are fixed for each recipient when the campaign is planned.
//! A template that is paused, a stop for quality and the platform's limit hold the whole campaign
//! ([`segue_store::campaign_hold`]); they are no reason to leave a recipient out.

use segue_model::{
    CampaignId, MediaId, Timestamp, WorkspaceId,
    code::{CHAT_LINK, CodeTarget, LinkCode},
    consent::{ConsentState, TemplateConsent},
    contact::STANDARD_FIELDS,
    content::{Content, TemplateButtonValue, TemplateHeaderValue},
    delivery::MessageClass,
    place_of_phone,
    policy::{self, Approval, Decision, Explanation, Known, Limits, Listed, Question, Rule},
    template::TemplateParts,
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
    template::{APPROVED, AUTHENTICATION, MARKETING, Template},
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
    Links, OutreachError, domains,
    look_up::{self, Person},
    text::{Body, LONGEST_BODY, unknown_fields},
};

/// Longest body of a template with its values, in characters.
const LONGEST_TEMPLATE: usize = 1_024;
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

/// A campaign's template, ready to be filled in.
pub(super) struct TemplateText {
    pub workspace: Workspace,
    pub template: Template,
    /// The portfolio whose limit counts.
    pub portfolio: String,
    pub translations: Translations,
    wanted: CampaignTemplate,
    values: Vec<Body>,
    heading: Option<Body>,
    /// The file above the text, in the campaign's language.
    file: Option<MediaId>,
    buttons: Vec<(u8, Ending)>,
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
        if let Some(slot) = slots.iter().find(|slot| slot.kind == SlotKind::Place) {
            let message = format!(
                "Campaigns cannot fill in \u{201c}{}\u{201d} of this template. Choose another one.",
                slot.label
            );
            return Err(refuse(message));
        }
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
        let translations = Translations::of(tx, workspace_id, wanted, (&template, &parts, file))?;
        let mut text = Self {
            workspace,
            template,
            portfolio: config.portfolio().to_owned(),
            translations,
            wanted: wanted.clone(),
            values: Vec::new(),
            heading: heading_of(wanted, &slots)?,
            file,
            buttons: Vec::new(),
            targets: Vec::new(),
            links,
            campaign_number,
        };
        for value in &wanted.values {
            text.values.push(value_of(value)?);
        }
        text.read_buttons(&parts, &wanted.buttons)?;
        Ok(text)
    }

    fn read_buttons(&mut self, parts: &TemplateParts, given: &[CampaignButton]) -> Result<(), OutreachError> {
        let refuse = |message: String| OutreachError::invalid("template", message);
        let open = self.template.open_urls();
        let codes: Vec<u8> = parts
            .buttons
            .iter()
            .zip(0_u8..)
            .filter_map(|(button, index)| {
                matches!(button, segue_model::template::TemplateButton::CopyCode { .. }).then_some(index)
            })
            .collect();
        let takes = |index: u8| codes.contains(&index) || open.iter().any(|(open, _)| *open == index);
        if let Some(extra) = given.iter().find(|button| !takes(button.index)) {
            return Err(refuse(format!("Button {} of the template takes no value.", extra.index + 1)));
        }
        for index in codes {
            let mut found = given.iter().filter(|button| button.index == index);
            let (Some(button), None) = (found.next(), found.next()) else {
                return Err(refuse(format!("Say once which code button {} copies.", index + 1)));
            };
            self.buttons.push((index, Ending::Code(Box::new(value_of(&button.value)?))));
        }
        for (index, url) in open {
            let mut found = given.iter().filter(|button| button.index == index);
            let (Some(button), None) = (found.next(), found.next()) else {
                return Err(refuse(format!("Say once what the address of button {} ends in.", index + 1)));
            };
            let Some(target) = &button.target else {
                self.buttons.push((index, Ending::Text(Box::new(value_of(&button.value)?))));
                continue;
            };
            if !(target.starts_with("https://") || target.starts_with("http://")) || target.len() > 2_000 {
                return Err(refuse("A button's link leads to an address that begins with https://.".to_owned()));
            }
            let start = self.link_start();
            if url.split("{{").next() != Some(start.as_str()) {
                return Err(refuse(format!(
                    "For a link of each recipient's own the address of button {} has to be {start}{{{{1}}}}; it is {url}.",
                    index + 1
                )));
            }
            self.targets.push(target.clone());
            let link = u8::try_from(self.targets.len()).unwrap_or(u8::MAX).saturating_add(CHAT_LINK);
            self.buttons.push((index, Ending::Link(link)));
        }
        Ok(())
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
        let endings = self.buttons.iter().filter_map(|(_, ending)| match ending {
            Ending::Text(body) | Ending::Code(body) => Some(body.as_ref()),
            Ending::Link(_) => None,
        });
        self.values.iter().chain(&self.heading).chain(endings).collect()
    }

    /// The files above the text, in all languages.
    pub fn files(&self) -> Vec<MediaId> {
        let others = self.translations.usable.iter().filter_map(|translation| translation.file);
        let mut files: Vec<MediaId> = self.file.into_iter().chain(others).collect();
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
                let message = "The file above the text is not here any more. Choose one.";
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
        let fill = |body: &Body| {
            let text = body.fill(person).map_err(|_| EMPTY_VALUE)?;
            // WhatsApp takes no line break, tab or row of blanks in a value.
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if text.is_empty() { Err(EMPTY_VALUE) } else { Ok(text) }
        };
        let within = |text: String, most: usize| match text.chars().count() > most {
            true => Err(TEXT_TOO_LONG),
            false => Ok(text),
        };
        let mut parameters = self.values.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
        let (template, file) = match translation {
            Some(other) => {
                parameters = other.order.iter().filter_map(|place| parameters.get(*place).cloned()).collect();
                (&other.template, other.file)
            }
            None => (&self.template, self.file),
        };
        let heading = self.heading.as_ref().map(|heading| within(fill(heading)?, LONGEST_HEADING)).transpose()?;
        let header = match (heading, file) {
            (Some(text), _) => Some(TemplateHeaderValue::Text { text }),
            (None, Some(media_id)) => Some(TemplateHeaderValue::File { media_id }),
            (None, None) => None,
        };
        let target = CodeTarget { campaign_number: self.campaign_number, position };
        let mut buttons = Vec::with_capacity(self.buttons.len());
        for (index, ending) in &self.buttons {
            let text = match ending {
                Ending::Text(body) => fill(body)?,
                Ending::Code(body) => {
                    let code = fill(body)?;
                    within(code.split_whitespace().collect(), LONGEST_CODE)?
                }
                Ending::Link(link) => self.links.key().encode_link(LinkCode { target, link: *link }),
            };
            buttons.push(TemplateButtonValue { index: *index, text });
        }
        let text = within(template.rendered(&parameters), LONGEST_TEMPLATE)?;
        let (name, language) = (template.name.clone(), template.language.clone());
        Ok(Content::Template { name, language, parameters, buttons, text, header })
    }

    /// When a campaign that has not begun will.
    pub fn begins(&self, input: &CampaignInput, now: Timestamp) -> Timestamp {
        timing::begins(input, &self.workspace.time_zone, now)
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
        let leaves_at =
            || timing::leaves_at(input, &zones, position, (start, now.max(start)), &self.workspace.time_zone);
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
        let (rule, not_before) = timing::refine(input, decided, *barred, &zones, position, (start.min(now), now));
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
                braked: Known::No,
                budget: None,
                sessions: self.wanted.sessions,
                conversation: found.conversation,
                opted_in: yes(found.is_opted_in),
            }),
        }))
    }
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

fn value_of(text: &str) -> Result<Body, OutreachError> {
    if text.trim().is_empty() {
        return Err(OutreachError::invalid("template", "Give a value for each placeholder of the template."));
    }
    if text.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("template", format!("A value is longer than {LONGEST_BODY} characters.")));
    }
    Body::parse(text)
}

/// What fills the variable of the heading.
fn heading_of(wanted: &CampaignTemplate, slots: &[TemplateSlot]) -> Result<Option<Body>, OutreachError> {
    let is_open = slots.iter().any(|slot| slot.key == "header" && slot.kind == SlotKind::Text);
    match (is_open, wanted.header_value.trim().is_empty()) {
        (true, true) => Err(OutreachError::invalid("template", "Give the value of the heading.")),
        (true, false) => value_of(&wanted.header_value).map(Some),
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
    TemplateText::of(tx, links, workspace_id, None, (wanted, 0))?.check_fields(tx)
}

/// Refuses to start with a template that cannot be sent, or while marketing is stopped.
pub(super) fn check_start(tx: &mut Tx<'_>, text: &TemplateText) -> Result<(), OutreachError> {
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
