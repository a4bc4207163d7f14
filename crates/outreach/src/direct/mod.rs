//! Messages that programs send: to one person at once, or to many as a batch.
//!
//! Nothing here decides about consent for good: a message becomes a row of the outbox, and the submission asks the policy
//! with everything it knows, as for a campaign. What can be said at once (no opt-in, opted out, suppressed, a sender that
//! may not send) is said at once, so that a program learns it from the answer.
//!
//! # Why a crash at each point is safe
//! The wish, its outbox row and who wants to be told are one transaction. A wish has a key (the caller's reference, else
//! the `Idempotency-Key` of its request): made again after a crash, or twice at once, it is the same message. A reference
//! names its message for good; the key of a request only for as long as repeats of requests are answered.

pub mod batch;

use std::{collections::BTreeMap, fmt::Display};

use segue_model::{
    ApiKeyId, ContactId, Ctx, MediaId, MessageId, PhoneNumber, SenderId, SenderPoolId, Timestamp, WorkspaceId,
    consent::{ConsentState, Medium, Purpose},
    contact::ContactFields,
    delivery::MessageClass,
    policy::{Approval, Rule},
};
use segue_store::{
    Store, Tx,
    channel::{Registration, Sender},
    direct_message::{DirectMessageView, DirectQuery, NewDirectMessage, OfKey},
    idempotency::KEPT,
    outbox::{AddressKind, NewOutbox},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    OutreachError, files, look_up,
    origin::{Load, Origins},
    text::{Body, MOST_SEGMENTS, not_plain},
    typed,
    ways::Way,
};

/// What the keys of requests begin with.
const OF_REQUEST: &str = "request:";

segue_model::text_enum! {
    /// Why a program sends: decides about consent and quiet hours.
    pub enum DirectClass {
        /// Something the person asked for or must know: a code, a delivery. Suppression applies.
        Service = "service",
        /// Needs an opt-in, and keeps quiet hours.
        Marketing = "marketing",
    }
}

impl From<DirectClass> for MessageClass {
    fn from(class: DirectClass) -> Self {
        match class {
            DirectClass::Service => Self::Service,
            DirectClass::Marketing => Self::Marketing,
        }
    }
}

/// Which sender a message goes out from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderChoice {
    Id(SenderId),
    /// A number or name as the carrier knows it, with or without plus sign.
    Address(String),
    /// The sender of this pool that the number keeps.
    Pool(SenderPoolId),
}

/// Who gets a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    Contact(ContactId),
    /// In any writing; a national one is read in the workspace's country.
    Phone(String),
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Text {
    /// As it is.
    Verbatim(String),
    /// With merge fields, filled from the contact and the fields of the request.
    Template(String),
}

/// A message to send.
#[derive(Clone)]
pub struct DirectInput {
    pub sender: SenderChoice,
    pub to: Target,
    pub text: Text,
    /// Its files in their order; with any it is an MMS, and the text may be empty.
    pub media: Vec<MediaId>,
    /// How the request names its files, where that is not by `media`: what makes it another one.
    pub media_named: Vec<String>,
    pub fields: BTreeMap<String, String>,
    pub class: DirectClass,
    pub expires_at: Option<Timestamp>,
    /// The caller's name of this message: a second wish with it is the first message.
    pub client_reference: Option<String>,
    /// Whom to tell what becomes of it: the key that signs, and the address.
    pub callback: Option<(ApiKeyId, String)>,
}

/// Queues a message and gives it as it is now. `request_key` is the `Idempotency-Key` of the request.
///
/// # Errors
/// When the sender, the number or the text is not valid, or a rule forbids it already.
pub async fn send(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &str,
    request_key: Option<&str>,
    input: DirectInput,
) -> Result<DirectMessageView, OutreachError> {
    let (ctx, actor, request_key) = (ctx.clone(), actor.to_owned(), request_key.map(str::to_owned));
    store
        .write(move |tx| {
            let id = send_in(tx, &ctx, workspace_id, &actor, request_key.as_deref(), &input)?;
            tx.direct_message(workspace_id, id)?.ok_or(OutreachError::NotFound("message"))
        })
        .await
}

/// The message that a request with this key has made already; nothing when it is the first. The files of the request need
/// not be there yet.
///
/// # Errors
/// [`OutreachError::KeyReused`] when that request was another one, or when the store fails.
pub async fn sent_before(
    store: &Store,
    now: Timestamp,
    workspace_id: WorkspaceId,
    actor: &str,
    request_key: &str,
    input: DirectInput,
) -> Result<Option<DirectMessageView>, OutreachError> {
    let key = key_of_request(actor, request_key);
    store
        .read(move |tx| match of_key(tx, workspace_id, &key, &input, now)? {
            Some(id) => Ok(tx.direct_message(workspace_id, id)?),
            None => Ok(None),
        })
        .await
}

fn key_of_request(actor: &str, request_key: &str) -> String {
    format!("{OF_REQUEST}{actor}:{request_key}")
}

fn is_of_request(key: &str) -> bool {
    key.starts_with(OF_REQUEST)
}

fn send_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &str,
    request_key: Option<&str>,
    input: &DirectInput,
) -> Result<MessageId, OutreachError> {
    let now = ctx.now();
    let id: MessageId = ctx.id();
    let key = match (&input.client_reference, request_key) {
        (Some(reference), _) => reference_key(actor, reference)?,
        (None, Some(request)) => key_of_request(actor, request),
        (None, None) => format!("message:{id}"),
    };
    if let Some(known) = of_key(tx, workspace_id, &key, input, now)? {
        return Ok(known);
    }
    let origins = origins(tx, workspace_id, &input.sender, Load::of(&input.media))?;
    origins.check_load()?;
    files::of_text(tx, workspace_id, &input.media)?;
    let (phone, contact_id, contact) = recipient(tx, workspace_id, &input.to)?;
    check_rules(tx, workspace_id, input.class, &phone)?;
    let likely = origins.likely(tx, workspace_id, (Some(&phone), || None), now)?;
    if let Some(not_cleared) = likely.not_cleared(Some(&phone), now) {
        return Err(OutreachError::NotCleared(not_cleared));
    }
    let text = match &input.text {
        Text::Verbatim(text) => text.clone(),
        Text::Template(text) => {
            let body = Body::parse(text)?.typed(&typed::kinds(tx, workspace_id)?);
            look_up::check(tx, workspace_id, body.uses().iter())?;
            let fields = with_fields(contact, &input.fields);
            let answers = look_up::look_up_one(tx, workspace_id, &[&body], (contact_id, &fields))?;
            body.fill((&fields, &answers))?
        }
    };
    let message = NewDirectMessage {
        id,
        batch: None,
        key,
        actor: actor.to_owned(),
        client_reference: input.client_reference.clone(),
        address: phone.to_string(),
        fields: json!(input.fields),
        problem: None,
    };
    let mut is_new = tx.insert_direct_message(workspace_id, &message, now)?;
    if !is_new && is_of_request(&message.key) {
        let (until, other) = (now.plus(-KEPT), format!("before:{id}"));
        is_new = tx.free_key_of_message(workspace_id, &message.key, until, &other)?
            && tx.insert_direct_message(workspace_id, &message, now)?;
    }
    if !is_new {
        // Another request with this key was first, after it was looked for above.
        return of_key(tx, workspace_id, &message.key, input, now)?.ok_or(OutreachError::NotFound("message"));
    }
    if input.client_reference.is_none() && request_key.is_some() {
        tx.note_request_of_message(workspace_id, id, &hash_of(&id, &asked(input)))?;
    }
    let origin = origins.keep(tx, workspace_id, (&phone, &text), now)?;
    let outgoing = outgoing(id, origin, &phone, (text, &input.media), (input.class, input.expires_at), now)?;
    tx.enqueue(workspace_id, &outgoing, now)?;
    tx.put_message_media(workspace_id, id, &input.media)?;
    if let Some((api_key_id, url)) = &input.callback {
        tx.insert_callback(workspace_id, id, *api_key_id, url, now)?;
    }
    Ok(id)
}

/// The message that has the key already.
///
/// # Errors
/// [`OutreachError::KeyReused`] when its request was another one.
fn of_key(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    key: &str,
    input: &DirectInput,
    now: Timestamp,
) -> Result<Option<MessageId>, OutreachError> {
    let known = tx.direct_message_of_key(workspace_id, key)?;
    the_same(known, key, &asked(input), now)
}

/// What has the key already, unless it is that of a request which is long past.
///
/// # Errors
/// [`OutreachError::KeyReused`] when its request was another one.
fn the_same<I: Display>(
    known: Option<OfKey<I>>,
    key: &str,
    asked: &Value,
    now: Timestamp,
) -> Result<Option<I>, OutreachError> {
    match known {
        Some(known) if is_of_request(key) && known.created_at <= now.plus(-KEPT) => Ok(None),
        Some(known) => check_request(known.id, known.request_hash.as_deref(), asked).map(Some),
        None => Ok(None),
    }
}

/// What makes a request another one: to whom, and which text.
fn asked(input: &DirectInput) -> Value {
    let to = match &input.to {
        Target::Contact(id) => id.to_string(),
        Target::Phone(phone) => phone.clone(),
    };
    let (Text::Verbatim(text) | Text::Template(text)) = &input.text;
    if input.media_named.is_empty() {
        json!([to, text, input.fields, input.media])
    } else {
        json!([to, text, input.fields, input.media_named])
    }
}

/// Gives the id back when the request is the one that was noted with it, or none was.
fn check_request<I: Display>(id: I, noted: Option<&str>, asked: &Value) -> Result<I, OutreachError> {
    match noted {
        Some(noted) if noted != hash_of(&id, asked) => Err(OutreachError::KeyReused),
        _ => Ok(id),
    }
}

/// The hash of a request; the same text to the same person in another message has another one.
fn hash_of(id: &impl Display, asked: &Value) -> String {
    hex::encode(Sha256::digest(format!("{id} {asked}")))
}

/// The caller's own name of a message, apart from the names of other callers.
fn reference_key(actor: &str, reference: &str) -> Result<String, OutreachError> {
    if reference.is_empty() || reference.chars().count() > 200 {
        return Err(OutreachError::invalid("client_reference", "A client_reference has 1 to 200 characters."));
    }
    Ok(format!("reference:{actor}:{reference}"))
}

/// The sender that was chosen, or those of the pool, when it may send.
fn origins(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    choice: &SenderChoice,
    load: Load,
) -> Result<Origins, OutreachError> {
    let found = match choice {
        SenderChoice::Id(id) => tx.sender(workspace_id, *id)?,
        SenderChoice::Pool(id) => {
            let members = tx.pool_members(workspace_id, *id)?.ok_or(OutreachError::NotFound("sender pool"))?;
            match members.first() {
                Some(first) => tx.sender(workspace_id, *first)?,
                None => None,
            }
        }
        SenderChoice::Address(address) => {
            let bare = |text: &str| text.trim().trim_start_matches('+').to_ascii_lowercase();
            let all = tx.senders(workspace_id)?;
            // The same number on two channels: the one that may send.
            let mut fitting: Vec<Sender> =
                all.into_iter().filter(|sender| bare(&sender.address) == bare(address)).collect();
            fitting.sort_by_key(|sender| sender.registration != Registration::Active);
            fitting.into_iter().next()
        }
    };
    let sender = found.ok_or_else(|| {
        OutreachError::invalid("sender", "There is no such sender. Give the id, number or name of one of the list.")
    })?;
    let pool = if let SenderChoice::Pool(id) = choice { Some(*id) } else { None };
    let origins = Origins::of(tx, workspace_id, sender, pool, load)?;
    if origins.approval() == Approval::NotApproved {
        return Err(OutreachError::SenderNotActive);
    }
    Ok(origins)
}

/// The number, and what is known of the person.
fn recipient(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    target: &Target,
) -> Result<(PhoneNumber, Option<ContactId>, ContactFields), OutreachError> {
    match target {
        Target::Contact(id) => {
            let contact = tx.contact(workspace_id, *id)?.ok_or(OutreachError::NotFound("contact"))?;
            let fields = contact.fields();
            let phone = fields.phone.clone().ok_or(OutreachError::Refused(Rule::NoAddress))?;
            Ok((phone, Some(*id), fields))
        }
        Target::Phone(text) => {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            let phone = PhoneNumber::parse(text, Some(&workspace.country))?;
            let known = tx.contact_by_phone(workspace_id, &phone)?;
            let (id, fields) = known.map_or_else(Default::default, |contact| (Some(contact.id), contact.fields()));
            Ok((phone, id, fields))
        }
    }
}

/// What the submission would refuse for certain, told at once.
fn check_rules(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    class: DirectClass,
    phone: &PhoneNumber,
) -> Result<(), OutreachError> {
    if tx.is_suppressed(workspace_id, phone.as_str())? {
        return Err(OutreachError::Refused(Rule::Suppressed));
    }
    if class == DirectClass::Marketing {
        match tx.consent_state(workspace_id, Medium::Sms, phone.as_str(), Purpose::Marketing)?.state {
            ConsentState::None => return Err(OutreachError::Refused(Rule::NoConsent)),
            ConsentState::Expired => return Err(OutreachError::Refused(Rule::ConsentExpired)),
            ConsentState::Revoked => return Err(OutreachError::Refused(Rule::OptedOut)),
            _ => {}
        }
    }
    Ok(())
}

/// The fields of the request go before what is known of the contact.
fn with_fields(mut contact: ContactFields, fields: &BTreeMap<String, String>) -> ContactFields {
    for (name, value) in fields {
        let value = value.clone();
        match name.as_str() {
            "first_name" => contact.first_name = Some(value),
            "last_name" => contact.last_name = Some(value),
            "email" => contact.email = Some(value),
            _ => {
                contact.attributes.insert(name.clone(), value);
            }
        }
    }
    contact
}

/// The outbox row of a text.
fn outgoing(
    id: MessageId,
    origin: Way<'_>,
    phone: &PhoneNumber,
    (text, media): (String, &[MediaId]),
    (class, expires_at): (DirectClass, Option<Timestamp>),
    now: Timestamp,
) -> Result<NewOutbox, OutreachError> {
    if text.trim().is_empty() && media.is_empty() {
        return Err(OutreachError::invalid("text", "The text is empty."));
    }
    let origin = origin.carrying(&text, Some(phone), now);
    let text = segue_channels::text::written_in(&text, origin.facts.alphabet).ok_or_else(not_plain)?.into_owned();
    let segments = segue_channels::text::segment_on(&text, origin.writing).segments.len();
    if segments > MOST_SEGMENTS {
        return Err(OutreachError::TextTooLong { segments, most: MOST_SEGMENTS });
    }
    Ok(NewOutbox {
        id,
        channel_id: origin.sender.channel_id,
        class: class.into(),
        dedupe_key: format!("direct:{id}"),
        address: phone.to_string(),
        address_kind: AddressKind::Phone,
        payload: origin.payload(text, media)?,
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at,
        // Files and text are one message to carriers.
        segments: if media.is_empty() { u32::try_from(segments).ok() } else { Some(1) },
    })
}

/// One message.
///
/// # Errors
/// [`OutreachError::NotFound`], or when the store fails.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: MessageId) -> Result<DirectMessageView, OutreachError> {
    let found = store.read::<_, OutreachError, _>(move |tx| Ok(tx.direct_message(workspace_id, id)?)).await?;
    found.ok_or(OutreachError::NotFound("message"))
}

/// Single messages of one sender of them, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    query: DirectQuery,
) -> Result<Vec<DirectMessageView>, OutreachError> {
    store.read::<_, OutreachError, _>(move |tx| Ok(tx.direct_messages(workspace_id, &query)?)).await
}
