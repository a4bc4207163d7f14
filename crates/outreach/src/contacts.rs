//! Contacts, lists and consent as people and programs change them.

use std::collections::BTreeMap;

use segue_model::{
    ConsentEventId, ContactId, Ctx, ListId, PhoneNumber, ProgrammeId, Timestamp, WorkspaceId,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Origin, Purpose, Scope},
    contact::{ContactFields, MOST_ATTRIBUTES, STANDARD_FIELDS},
    id::Id as _,
    programme::EndReason,
    quiet_hours,
    template::TemplateCategory,
};
use segue_store::{
    Store, Tx,
    consent::{ConsentContext, ConsentEventView, ConsentExtent, NewConsentEvent},
    contact::{ContactChange, ContactView},
    contact_view::AttributeDefinition,
    list::ContactListView,
};
use serde::{Deserialize, Deserializer};

use crate::{
    OutreachError,
    attributes::{checked, definition},
};

/// Longest name, e-mail address and so on, in characters.
const LONGEST_FIELD: usize = 300;
/// Longest attribute value, in characters.
const LONGEST_ATTRIBUTE: usize = 2_000;

/// Fields of a contact to set. An absent field stays as it is; `null` or an empty text clears it.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContactInput {
    /// In any usual writing; without a country code it is taken to be of the workspace's country.
    #[serde(deserialize_with = "present")]
    pub phone: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub first_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub last_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub email: Option<Option<String>>,
    /// BCP 47 language tag.
    #[serde(deserialize_with = "present")]
    pub locale: Option<Option<String>>,
    /// IANA time zone.
    #[serde(deserialize_with = "present")]
    pub time_zone: Option<Option<String>>,
    /// The person's key in another system.
    #[serde(deserialize_with = "present")]
    pub external_key: Option<Option<String>>,
    /// Attributes to set; `null` or an empty text removes one. Others stay.
    pub attributes: Option<BTreeMap<String, Option<String>>>,
}

/// Tells `null` from an absent field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// What a person said about being messaged, as it is recorded by hand or by a program.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentInput {
    /// Which medium it speaks of.
    #[serde(rename = "channel")]
    pub medium: Medium,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    #[serde(default)]
    pub wording: Option<String>,
    #[serde(default)]
    pub proof: Option<String>,
    /// Now when absent.
    #[serde(default)]
    pub occurred_at: Option<Timestamp>,
    /// When a grant that is given for a time only ends.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What it is about: `all`, when absent; `category:utility` and the like for WhatsApp templates of one category;
    /// `template:order_update` for one template in all its languages.
    #[serde(default)]
    pub scope: Option<String>,
    /// Where and how it was said.
    #[serde(default)]
    pub context: ConsentContext,
    /// Which of the contact's numbers it speaks of, in any usual writing. Its own when absent, else the further one that
    /// is tried first.
    #[serde(default)]
    pub address: Option<String>,
}

impl ConsentInput {
    /// What it is about.
    fn checked_scope(&self) -> Result<Scope, OutreachError> {
        let Some(text) = self.scope.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Scope::All);
        };
        let unknown =
            "Give all, category:marketing, category:utility, category:authentication, or template: and a name.";
        let scope = text.parse::<Scope>().map_err(|_| OutreachError::invalid("scope", unknown))?;
        match scope {
            Scope::All => Ok(scope),
            Scope::Sender(_) | Scope::Programme(_) => Err(OutreachError::invalid("scope", unknown)),
            Scope::Category(_) | Scope::Template(_) if self.medium != Medium::WhatsApp => {
                Err(OutreachError::invalid("scope", "Only WhatsApp has templates. Name the channel whatsapp."))
            }
            Scope::Category(_) | Scope::Template(_) if self.action == ConsentAction::Reassign => Err(
                OutreachError::invalid("scope", "A number that changed hands loses everything that was said with it."),
            ),
            Scope::Category(category) => {
                let purpose = match category {
                    TemplateCategory::Marketing => Purpose::Marketing,
                    TemplateCategory::Utility | TemplateCategory::Authentication => Purpose::Service,
                };
                if self.purpose == purpose {
                    return Ok(scope);
                }
                let message = format!("Messages of this category are for {purpose}. Name that purpose.");
                Err(OutreachError::invalid("purpose", message))
            }
            Scope::Template(_) => Ok(scope),
        }
    }
}

impl ContactInput {
    /// `known` with these changes.
    ///
    /// # Errors
    /// When a value is not valid, with the field's name.
    pub fn apply(
        &self,
        known: &ContactFields,
        country: &str,
        definitions: &[AttributeDefinition],
    ) -> Result<ContactFields, OutreachError> {
        let mut fields = known.clone();
        if let Some(phone) = &self.phone {
            let text = phone.as_deref().map(str::trim).filter(|text| !text.is_empty());
            fields.phone = text.map(|text| PhoneNumber::parse(text, Some(country))).transpose()?;
        }
        let texts = [
            ("first_name", &self.first_name, &mut fields.first_name),
            ("last_name", &self.last_name, &mut fields.last_name),
            ("email", &self.email, &mut fields.email),
            ("locale", &self.locale, &mut fields.locale),
            ("time_zone", &self.time_zone, &mut fields.time_zone),
            ("external_key", &self.external_key, &mut fields.external_key),
        ];
        for (field, change, slot) in texts {
            if let Some(value) = change {
                *slot = value.as_deref().and_then(|text| clean(text, LONGEST_FIELD));
                check_field(field, slot.as_deref())?;
            }
        }
        for (name, value) in self.attributes.iter().flatten() {
            let name = attribute_name(name).ok_or_else(|| {
                OutreachError::invalid("attributes", "Give every attribute a name of letters or digits.")
            })?;
            match value.as_deref().and_then(|text| clean(text, LONGEST_ATTRIBUTE)) {
                Some(value) => {
                    let value = match definition(definitions, &name) {
                        None => value,
                        Some(definition) => checked(definition, &value)
                            .map_err(|message| OutreachError::invalid("attributes", message))?,
                    };
                    fields.attributes.insert(name, value)
                }
                None => fields.attributes.remove(&name),
            };
        }
        let (now, before) = (fields.attributes.len(), known.attributes.len());
        if now > MOST_ATTRIBUTES && now > before {
            return Err(OutreachError::invalid(
                "attributes",
                format!(
                    "A contact has at most {MOST_ATTRIBUTES} attributes; this one has {before}. Clear others first."
                ),
            ));
        }
        Ok(fields)
    }
}

/// A text without blanks around it and control characters in it, cut to a length; `None` when nothing remains.
pub(crate) fn clean(text: &str, longest: usize) -> Option<String> {
    let text: String = text.trim().chars().filter(|letter| !letter.is_control()).take(longest).collect();
    (!text.is_empty()).then_some(text)
}

/// Whether the value can stand in the field.
pub(crate) fn check_field(field: &'static str, value: Option<&str>) -> Result<(), OutreachError> {
    match (field, value) {
        ("email", Some(email)) => {
            let whole = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.len() > 2);
            if !whole || email.contains(char::is_whitespace) {
                return Err(OutreachError::invalid("email", "This is not an e-mail address."));
            }
        }
        ("time_zone", Some(name)) if quiet_hours::zone(name).is_none() => {
            let message = "This time zone is not known. Use a name such as America/New_York.";
            return Err(OutreachError::invalid("time_zone", message));
        }
        _ => {}
    }
    Ok(())
}

/// The name under which an attribute is kept, fit for merge fields: `Order No.` becomes `order_no`. `None` when nothing
/// remains of it or it is the name of a standard field.
#[must_use]
pub fn attribute_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let mut name = name.trim_end_matches('_').chars().take(60).collect::<String>();
    if name.starts_with(|letter: char| letter.is_ascii_digit()) {
        name.insert(0, '_');
    }
    (!name.is_empty() && !STANDARD_FIELDS.contains(&name.as_str())).then_some(name)
}

fn country_of(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<String, OutreachError> {
    Ok(tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?.country)
}

/// Adds a contact.
///
/// # Errors
/// When a value is not valid or another contact has the phone number.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: ContactInput,
) -> Result<ContactView, OutreachError> {
    let (id, now) = (ctx.id::<ContactId>(), ctx.now());
    store
        .write(move |tx| {
            let country = country_of(tx, workspace_id)?;
            let definitions = tx.attribute_definitions(workspace_id)?;
            let fields = input.apply(&ContactFields::default(), &country, &definitions)?;
            if fields == ContactFields::default() {
                return Err(OutreachError::invalid(
                    "phone",
                    "Give at least a phone number, a name or an e-mail address.",
                ));
            }
            if !tx.insert_contact(workspace_id, id, &fields, now)? {
                let key = fields.external_key.as_deref();
                let has_key = key.map(|key| tx.contact_of_key(workspace_id, key)).transpose()?.flatten().is_some();
                return Err(if has_key { OutreachError::KeyTaken } else { OutreachError::PhoneTaken });
            }
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))
        })
        .await
}

/// One contact.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: ContactId) -> Result<ContactView, OutreachError> {
    store.read(move |tx| tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))).await
}

/// The contact with this external key, be it its own or that of a contact that was merged into it.
///
/// # Errors
/// When the store fails.
pub async fn of_key(
    store: &Store,
    workspace_id: WorkspaceId,
    key: String,
) -> Result<Option<ContactView>, OutreachError> {
    store
        .read(move |tx| match tx.contact_of_key(workspace_id, &key)? {
            Some(id) => Ok(tx.contact(workspace_id, id)?),
            None => Ok(None),
        })
        .await
}

/// Changes fields of a contact.
///
/// # Errors
/// When there is no such contact, a value is not valid, or another contact has the phone number.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ContactId,
    input: ContactInput,
) -> Result<ContactView, OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            let country = country_of(tx, workspace_id)?;
            if input.phone.is_some() {
                // A number that comes or goes may change what the person's consents amount to, and change places with a
                // further one. Consents and addresses come before the contact, as in an import.
                tx.lock_addresses(workspace_id)?;
            }
            let known = tx.contact_for_update(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            let definitions = tx.attribute_definitions(workspace_id)?;
            match tx.update_contact(workspace_id, id, &input.apply(&known, &country, &definitions)?, now)? {
                ContactChange::Changed => {}
                ContactChange::PhoneTaken => return Err(OutreachError::PhoneTaken),
                ContactChange::KeyTaken => return Err(OutreachError::KeyTaken),
                ContactChange::Missing => return Err(OutreachError::NotFound("contact")),
            }
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))
        })
        .await
}

/// Deletes a contact; what the person said about consent stays on record.
///
/// # Errors
/// When there is none.
pub async fn delete(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, id: ContactId) -> Result<(), OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            let deleted = tx.delete_contact(workspace_id, id, now)?;
            deleted.then_some(()).ok_or(OutreachError::NotFound("contact"))
        })
        .await
}

/// The number of the contact that an entry speaks of.
fn address_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: ContactId,
    named: Option<&str>,
) -> Result<PhoneNumber, OutreachError> {
    tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
    let numbers = tx.phones_of_contact(workspace_id, id)?;
    let (first, _) = numbers.first().ok_or(OutreachError::ContactWithoutPhone)?;
    let Some(named) = named.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(PhoneNumber::parse(first, None)?);
    };
    let country = country_of(tx, workspace_id)?;
    let phone = PhoneNumber::parse(named, Some(&country))
        .map_err(|error| OutreachError::invalid("address", error.to_string()))?;
    if numbers.iter().any(|(number, _)| number == phone.as_str()) {
        return Ok(phone);
    }
    Err(OutreachError::invalid("address", "The contact does not have this number. Name one of its numbers."))
}

/// What a contact said about being messaged with any of its numbers, newest first.
///
/// # Errors
/// When there is no such contact.
pub async fn consent_events(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ContactId,
    before: Option<ConsentEventId>,
    limit: i64,
) -> Result<Vec<ConsentEventView>, OutreachError> {
    store
        .read(move |tx| {
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            consent_events_of(tx, workspace_id, id, before, limit)
        })
        .await
}

/// The entries for all numbers of a contact, newest first.
pub(crate) fn consent_events_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: ContactId,
    before: Option<ConsentEventId>,
    limit: i64,
) -> Result<Vec<ConsentEventView>, OutreachError> {
    let mut events = Vec::new();
    for (phone, _) in tx.phones_of_contact(workspace_id, id)? {
        events.extend(tx.consent_events(workspace_id, &phone, before, limit)?);
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.id));
    events.truncate(limit as usize);
    Ok(events)
}

/// Records what a contact said. A revocation of marketing also ends what waits to be sent. A number that belongs to
/// somebody else now loses every consent and subscription.
///
/// # Errors
/// When there is no such contact, it has no phone number, a grant comes without evidence or after the person's own no, or
/// the entry is one that only the person or the product can make.
pub async fn record_consent(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: ContactId,
    input: ConsentInput,
) -> Result<ConsentEventView, OutreachError> {
    let (ctx, actor) = (ctx.clone(), actor.reference());
    if !input.action.can_be_recorded() {
        let message = "Record grant, revoke, reassign or correct; the rest is said by the person or by the product.";
        return Err(OutreachError::invalid("action", message));
    }
    if input.action == ConsentAction::Grant && Origin::of(input.action, input.method) == Origin::OwnAct {
        let message = "What people text or write in a chat is recorded when it comes in. Name how you know of it.";
        return Err(OutreachError::invalid("method", message));
    }
    if input.method == ConsentMethod::ImportUndo {
        let message = "The product itself says so when an import is undone. Name how you know of it.";
        return Err(OutreachError::invalid("method", message));
    }
    let scope = input.checked_scope()?;
    store
        .write(move |tx| {
            let phone = address_of(tx, workspace_id, id, input.address.as_deref())?;
            if input.action == ConsentAction::Reassign {
                reassign(tx, &ctx, workspace_id, &phone, &input, &actor)?;
                let newest = tx.consent_events(workspace_id, phone.as_str(), None, 1)?;
                return newest.into_iter().next().ok_or(OutreachError::NotFound("consent event"));
            }
            // A no counts for every writing of the line.
            let writings = if input.action.is_no() { phone.writings() } else { vec![phone.clone()] };
            for writing in writings {
                let event = NewConsentEvent {
                    medium: input.medium,
                    address: writing.to_string(),
                    purpose: input.purpose,
                    action: input.action,
                    method: input.method,
                    wording: input.wording.clone(),
                    proof: input.proof.clone(),
                    actor: actor.clone(),
                    occurred_at: input.occurred_at.unwrap_or_else(|| ctx.now()),
                };
                let (scope, context) = (scope.clone(), input.context.clone());
                let extent = ConsentExtent { scope, expires_at: input.expires_at, context };
                tx.record_consent_within(workspace_id, &event, &extent, &ctx)?;
            }
            let newest = tx.consent_events(workspace_id, phone.as_str(), None, 1)?;
            newest.into_iter().next().ok_or(OutreachError::NotFound("consent event"))
        })
        .await
}

/// The programmes to which a number has agreed, each with the moment since which it has.
pub(crate) fn programmes_agreed_to(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    phone: &str,
) -> Result<Vec<(ProgrammeId, Option<Timestamp>)>, OutreachError> {
    let mut agreed = Vec::new();
    for subscription in tx.subscriptions_of_address(workspace_id, phone)? {
        let id = subscription.programme_id;
        let state = tx.scoped_consent_state(workspace_id, Medium::Sms, phone, Purpose::Marketing, id.uuid())?;
        if state.state == ConsentState::Granted {
            agreed.push((id, state.since));
        }
    }
    Ok(agreed)
}

/// The number belongs to somebody else: nothing that was said with it counts for them.
pub(crate) fn reassign(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    phone: &PhoneNumber,
    input: &ConsentInput,
    actor: &str,
) -> Result<(), OutreachError> {
    for (subscription, _) in tx.open_subscriptions(workspace_id, phone.as_str(), None)? {
        tx.end_subscription(workspace_id, subscription.id, EndReason::Reassigned, ctx.now())?;
    }
    let everything = Medium::ALL.iter().flat_map(|medium| Purpose::ALL.iter().map(|purpose| (*medium, *purpose)));
    let mut ended: Vec<_> = everything.map(|(medium, purpose)| (medium, purpose, Scope::All)).collect();
    let of_templates = tx.template_consents_of(workspace_id, phone.as_str())?;
    ended.extend(of_templates.into_iter().map(|(medium, purpose, scope, _)| (medium, purpose, scope)));
    for (programme, _) in programmes_agreed_to(tx, workspace_id, phone.as_str())? {
        ended.push((Medium::Sms, Purpose::Marketing, Scope::Programme(programme)));
    }
    for (medium, purpose, scope) in ended {
        let event = NewConsentEvent {
            medium,
            address: phone.to_string(),
            purpose,
            action: ConsentAction::Reassign,
            method: input.method,
            wording: input.wording.clone(),
            proof: input.proof.clone(),
            actor: actor.to_owned(),
            occurred_at: input.occurred_at.unwrap_or_else(|| ctx.now()),
        };
        let extent = ConsentExtent { scope, context: input.context.clone(), ..ConsentExtent::default() };
        tx.record_consent_within(workspace_id, &event, &extent, ctx)?;
    }
    tx.cancel_waiting_marketing(workspace_id, phone.as_str(), "no_consent")?;
    Ok(())
}

/// Adds an empty list.
///
/// # Errors
/// When the name is empty or taken.
pub async fn create_list(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    name: &str,
) -> Result<ContactListView, OutreachError> {
    let name = clean(name, LONGEST_FIELD).ok_or_else(|| OutreachError::invalid("name", "Give the list a name."))?;
    let (id, now) = (ctx.id::<ListId>(), ctx.now());
    store
        .write(move |tx| {
            if !tx.insert_list(workspace_id, id, &name, now)? {
                return Err(OutreachError::ListTaken);
            }
            tx.list(workspace_id, id)?.ok_or(OutreachError::NotFound("list"))
        })
        .await
}

/// The lists of a workspace, newest first.
///
/// # Errors
/// When the store fails.
pub async fn lists(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<ContactListView>, OutreachError> {
    store.read(move |tx| Ok(tx.lists(workspace_id)?)).await
}
