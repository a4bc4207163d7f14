//! One text to many people: the recipients of the request, or a list.
//!
//! A request of up to [`MOST_RECIPIENTS`] is one transaction that writes them down; a job then makes the messages,
//! [`CHUNK`] in one transaction with how far it came. A crash before a commit leaves the chunk unmade and the position
//! where it was; a crash after it goes on behind the chunk; two who run the same job take turns at the batch's lock.

use std::collections::{BTreeMap, BTreeSet};

use segue_model::{
    BatchId, Ctx, ListId, MessageId, PhoneNumber, Timestamp, WorkspaceId, contact::ContactFields,
    delivery::MessageClass,
};
use segue_store::{
    Store, StoreError, Tx,
    audience::AudienceMember,
    direct_message::{Batch, BatchState, DirectMessageView, DirectState, NewBatch, NewDirectMessage},
    idempotency::KEPT,
    job::NewJob,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    DirectClass, SenderChoice, hash_of, is_of_request, key_of_request, origins, outgoing, reference_key, the_same,
    with_fields,
};
use crate::{
    OutreachError,
    look_up::{self, Answers},
    origin::{Load, Origins},
    text::{Body, LONGEST_BODY, unknown_fields},
    typed,
};

/// Kind of the job that makes a batch's messages.
pub const SEND_BATCH: &str = "send_batch";
/// Most recipients of one request.
pub const MOST_RECIPIENTS: usize = 10_000;
/// Messages per transaction.
const CHUNK: i64 = 500;

/// One recipient of a request.
#[derive(Clone, Deserialize)]
pub struct Recipient {
    pub phone: String,
    pub fields: BTreeMap<String, String>,
    pub client_reference: Option<String>,
}

/// Who gets a batch.
#[derive(Clone)]
pub enum Recipients {
    Given(Vec<Recipient>),
    List(ListId),
}

/// A batch to begin.
#[derive(Clone)]
pub struct BatchInput {
    pub sender: SenderChoice,
    pub body: String,
    pub class: DirectClass,
    pub expires_at: Option<Timestamp>,
    pub recipients: Recipients,
}

/// A batch with its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MessageBatch)]
pub struct BatchView {
    /// The token to ask with.
    pub id: BatchId,
    pub state: BatchState,
    pub class: MessageClass,
    pub list_id: Option<ListId>,
    /// Recipients that are known so far; those of a list become known one after the other.
    pub total: u64,
    /// Messages by their state.
    pub counts: BTreeMap<String, u64>,
    pub created_at: Timestamp,
}

/// Writes a batch down and plans its work. The same request again gives the same batch.
///
/// # Errors
/// When the sender, the text or the number of recipients is not valid. A recipient that is not valid is no error of the
/// batch: it is one of its messages, rejected with the reason.
pub async fn begin(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &str,
    request_key: Option<&str>,
    input: BatchInput,
) -> Result<BatchView, OutreachError> {
    let (ctx, actor, request_key) = (ctx.clone(), actor.to_owned(), request_key.map(str::to_owned));
    store
        .write_bulk(move |tx| {
            let id = begin_in(tx, &ctx, workspace_id, &actor, request_key.as_deref(), &input)?;
            view(tx, workspace_id, id)
        })
        .await
}

fn begin_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &str,
    request_key: Option<&str>,
    input: &BatchInput,
) -> Result<BatchId, OutreachError> {
    let now = ctx.now();
    let id: BatchId = ctx.id();
    let key = request_key.map_or_else(|| format!("batch:{id}"), |request| key_of_request(actor, request));
    if let Some(known) = of_key(tx, workspace_id, &key, input, now)? {
        return Ok(known);
    }
    let origins = origins(tx, workspace_id, &input.sender, Load::Text)?;
    check(tx, workspace_id, input)?;
    let list_id = match &input.recipients {
        Recipients::List(list_id) => {
            tx.list(workspace_id, *list_id)?.ok_or(OutreachError::NotFound("list"))?;
            Some(*list_id)
        }
        Recipients::Given(_) => None,
    };
    let batch = NewBatch {
        id,
        key,
        actor: actor.to_owned(),
        sender_id: origins.first.sender.id,
        pool_id: origins.pool_id(),
        class: input.class.into(),
        body: input.body.clone(),
        list_id,
        expires_at: input.expires_at,
    };
    let mut is_new = tx.insert_batch(workspace_id, &batch, now)?;
    if !is_new && is_of_request(&batch.key) {
        let (until, other) = (now.plus(-KEPT), format!("before:{id}"));
        is_new = tx.free_key_of_batch(workspace_id, &batch.key, until, &other)?
            && tx.insert_batch(workspace_id, &batch, now)?;
    }
    if !is_new {
        return of_key(tx, workspace_id, &batch.key, input, now)?.ok_or(OutreachError::NotFound("batch"));
    }
    if request_key.is_some() {
        tx.note_request_of_batch(workspace_id, id, &hash_of(&id, &asked(input)))?;
    }
    if let Recipients::Given(recipients) = &input.recipients {
        write_down(tx, ctx, workspace_id, &batch, recipients)?;
    }
    let job = NewJob {
        id: ctx.id(),
        kind: SEND_BATCH,
        dedupe_key: id.to_string(),
        payload: json!({ "batch_id": id }),
        run_at: now,
    };
    tx.schedule(workspace_id, &job, now)?;
    Ok(id)
}

/// The batch that has the key already.
///
/// # Errors
/// [`OutreachError::KeyReused`] when its request was another one.
fn of_key(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    key: &str,
    input: &BatchInput,
    now: Timestamp,
) -> Result<Option<BatchId>, OutreachError> {
    let known = tx.batch_of_key(workspace_id, key)?;
    the_same(known, key, &asked(input), now)
}

/// What makes a request another one: to whom, and which text.
fn asked(input: &BatchInput) -> Value {
    match &input.recipients {
        Recipients::Given(recipients) => {
            let to = recipients.iter().map(|each| json!([each.phone, each.fields, each.client_reference]));
            json!([input.body, to.collect::<Vec<_>>()])
        }
        Recipients::List(list_id) => json!([input.body, list_id]),
    }
}

fn check(tx: &mut Tx<'_>, workspace_id: WorkspaceId, input: &BatchInput) -> Result<(), OutreachError> {
    if input.body.trim().is_empty() || input.body.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("text", format!("Give a text of 1 to {LONGEST_BODY} characters.")));
    }
    let body = Body::parse(&input.body)?;
    look_up::check(tx, workspace_id, body.uses().iter())?;
    let mut fields = body.fields();
    match &input.recipients {
        Recipients::Given(recipients) => {
            if recipients.is_empty() || recipients.len() > MOST_RECIPIENTS {
                let words = format!("Give 1 to {MOST_RECIPIENTS} recipients; send more in further requests.");
                return Err(OutreachError::invalid("recipients", words));
            }
            let given: BTreeSet<&String> = recipients.iter().flat_map(|recipient| recipient.fields.keys()).collect();
            fields.retain(|field| !given.contains(field));
        }
        Recipients::List(_) => {}
    }
    let unknown = unknown_fields(tx, workspace_id, &fields)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let known = segue_model::contact::STANDARD_FIELDS.join(", ");
    Err(OutreachError::UnknownFields { fields: unknown, known })
}

/// Writes the recipients of a request down, in its transaction. A number that comes twice gets the text once.
fn write_down(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    batch: &NewBatch,
    recipients: &[Recipient],
) -> Result<(), OutreachError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let mut seen = BTreeSet::new();
    for (position, recipient) in (1..).zip(recipients) {
        let parsed = PhoneNumber::parse(&recipient.phone, Some(&workspace.country));
        let mut problem = match &parsed {
            Err(error) => Some(("invalid_phone", error.to_string())),
            Ok(phone) if !seen.insert(phone.to_string()) => Some(duplicate()),
            Ok(_) => None,
        };
        let own_place = format!("{}:{position}", batch.id);
        let mut key = own_place.clone();
        if let Some(reference) = recipient.client_reference.as_ref().filter(|_| problem.is_none()) {
            match reference_key(&batch.actor, reference) {
                Ok(reference) if tx.direct_message_of_key(workspace_id, &reference)?.is_none() => key = reference,
                Ok(_) => problem = Some(reference_taken()),
                Err(error) => problem = Some(("invalid_field", error.to_string())),
            }
        }
        let mut message = NewDirectMessage {
            id: ctx.id(),
            batch: Some((batch.id, position)),
            key,
            actor: batch.actor.clone(),
            client_reference: recipient.client_reference.clone(),
            address: parsed.map_or_else(|_| recipient.phone.clone(), |phone| phone.to_string()),
            fields: json!(recipient.fields),
            problem,
        };
        if !tx.insert_direct_message(workspace_id, &message, ctx.now())? {
            // Another request took the reference after it was looked for.
            (message.key, message.problem) = (own_place, Some(reference_taken()));
            tx.insert_direct_message(workspace_id, &message, ctx.now())?;
        }
    }
    Ok(())
}

fn reference_taken() -> (&'static str, String) {
    let words = "A message with this client_reference was sent before; it is not sent again.";
    ("client_reference_taken", words.to_owned())
}

fn duplicate() -> (&'static str, String) {
    ("duplicate_phone", "This number stands in the batch before; it gets the text once.".to_owned())
}

/// Payload of a [`SEND_BATCH`] job.
#[derive(Deserialize)]
struct BatchJob {
    batch_id: BatchId,
}

/// Runs a [`SEND_BATCH`] job to its end. Running it again, or twice at once, changes nothing.
///
/// # Errors
/// When the store fails; the chunks before that stay.
pub async fn run(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, payload: &Value) -> Result<(), OutreachError> {
    let job: BatchJob = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("payload of a {SEND_BATCH} job: {error}")))?;
    loop {
        let (ctx, id) = (ctx.clone(), job.batch_id);
        let state = store.write_bulk::<_, OutreachError, _>(move |tx| step(tx, &ctx, workspace_id, id)).await?;
        if state == BatchState::Done {
            return Ok(());
        }
    }
}

/// Makes the next chunk of a batch's messages.
///
/// # Errors
/// When the store fails.
pub fn step(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, id: BatchId) -> Result<BatchState, OutreachError> {
    tx.lock("message_batch", &id)?;
    // Whose contact is deleted meanwhile is seen here, or their message there.
    tx.hold_consents(workspace_id)?;
    let Some(batch) = tx.batch(workspace_id, id)?.filter(|batch| batch.state == BatchState::Working) else {
        return Ok(BatchState::Done);
    };
    let Some(sender) = tx.sender(workspace_id, batch.sender_id)? else { return Ok(BatchState::Done) };
    // A pool that has lost its senders since then leaves the one that was named.
    let origins = Origins::of_some(tx, workspace_id, sender, batch.pool_id, Load::Text)?;
    let body = Body::parse(&batch.body)?.typed(&typed::kinds(tx, workspace_id)?);
    let maker = Maker { origins, body, batch };
    match maker.batch.list_id {
        None => maker.given(tx, ctx, workspace_id),
        Some(list_id) => maker.listed(tx, ctx, workspace_id, list_id),
    }
}

/// What the messages of a batch are made of.
struct Maker {
    batch: Batch,
    origins: Origins,
    body: Body,
}

impl Maker {
    fn given(&self, tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<BatchState, OutreachError> {
        let waiting = tx.waiting_of_batch(workspace_id, self.batch.id, self.batch.done_position, CHUNK)?;
        let mut people = Vec::new();
        for message in waiting.iter().filter(|message| !message.has_problem) {
            let phone = PhoneNumber::parse(&message.address, None)?;
            let known = tx.contact_by_phone(workspace_id, &phone)?;
            let (id, contact) = known.map_or_else(Default::default, |contact| (Some(contact.id), contact.fields()));
            let fields = serde_json::from_value(message.fields.clone()).unwrap_or_default();
            people.push((message.id, phone, id, with_fields(contact, &fields)));
        }
        let asking: Vec<_> = people.iter().map(|(_, _, id, fields)| (*id, fields)).collect();
        let answers = look_up::look_up(tx, workspace_id, &[&self.body], &asking)?;
        for ((message, phone, _, fields), answers) in people.iter().zip(&answers) {
            self.make(tx, ctx, (workspace_id, *message), phone, (fields, answers))?;
        }
        let done = waiting.last().map_or(self.batch.done_position, |last| last.position);
        self.advance(tx, workspace_id, (done, None), waiting.len())
    }

    fn listed(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        workspace_id: WorkspaceId,
        list_id: ListId,
    ) -> Result<BatchState, OutreachError> {
        let members = tx.audience_after(workspace_id, list_id, self.batch.done_contact, CHUNK)?;
        let (mut position, count) = (self.batch.done_position, members.len());
        let last = members.last().map(|member| member.id).or(self.batch.done_contact);
        let is_marketing = self.batch.class == MessageClass::Marketing;
        let members = members.into_iter();
        let members: Vec<AudienceMember> =
            members.map(|member| if is_marketing { member.with_number_to_text() } else { member }).collect();
        let asking: Vec<_> = members.iter().map(|member| (Some(member.id), &member.fields)).collect();
        let answers = look_up::look_up(tx, workspace_id, &[&self.body], &asking)?;
        for (member, answers) in members.iter().zip(&answers) {
            position += 1;
            self.make_listed(tx, ctx, workspace_id, position, (member, answers))?;
        }
        self.advance(tx, workspace_id, (position, last), count)
    }

    fn make_listed(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        workspace_id: WorkspaceId,
        position: u32,
        (member, answers): (&AudienceMember, &Answers),
    ) -> Result<(), OutreachError> {
        let id: MessageId = ctx.id();
        let phone = member.fields.phone.clone();
        let (key, problem) = match &phone {
            // A contact's number may change between two chunks: the number names the wish.
            Some(phone) => (format!("{}:{phone}", self.batch.id), None),
            None => {
                let words = "The contact has no phone number.".to_owned();
                (format!("{}:{}", self.batch.id, member.id), Some(("no_address", words)))
            }
        };
        let message = NewDirectMessage {
            id,
            batch: Some((self.batch.id, position)),
            key,
            actor: self.batch.actor.clone(),
            client_reference: None,
            address: phone.as_ref().map(ToString::to_string).unwrap_or_default(),
            fields: json!({}),
            problem,
        };
        let is_new = tx.insert_direct_message(workspace_id, &message, ctx.now())?;
        match phone.filter(|_| is_new) {
            Some(phone) => self.make(tx, ctx, (workspace_id, id), &phone, (&member.fields, answers)),
            None => Ok(()),
        }
    }

    /// Puts one message into the outbox, or notes why it cannot be made.
    fn make(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        (workspace_id, id): (WorkspaceId, MessageId),
        phone: &PhoneNumber,
        person: (&ContactFields, &Answers),
    ) -> Result<(), OutreachError> {
        let now = ctx.now();
        let class =
            if self.batch.class == MessageClass::Marketing { DirectClass::Marketing } else { DirectClass::Service };
        let filled = self.body.fill(person);
        let text = filled.as_deref().unwrap_or_default();
        let origin = self.origins.keep(tx, workspace_id, (phone, text), now)?;
        let made =
            filled.and_then(|text| outgoing(id, origin, phone, (text, &[]), (class, self.batch.expires_at), now));
        match made {
            Ok(message) => tx.enqueue(workspace_id, &message, now).map(|_| ())?,
            Err(OutreachError::Store(error)) => return Err(error.into()),
            Err(error) => tx.reject_direct_message(workspace_id, id, error.code(), &error.to_string())?,
        }
        Ok(())
    }

    fn advance(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        done: (u32, Option<segue_model::ContactId>),
        seen: usize,
    ) -> Result<BatchState, OutreachError> {
        let state = if (seen as i64) < CHUNK { BatchState::Done } else { BatchState::Working };
        tx.advance_batch(workspace_id, self.batch.id, done, state)?;
        Ok(state)
    }
}

/// A batch with its figures.
///
/// # Errors
/// [`OutreachError::NotFound`], or when the store fails.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: BatchId) -> Result<BatchView, OutreachError> {
    store.read(move |tx| view(tx, workspace_id, id)).await
}

fn view(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: BatchId) -> Result<BatchView, OutreachError> {
    let batch = tx.batch(workspace_id, id)?.ok_or(OutreachError::NotFound("batch"))?;
    let mut counts: BTreeMap<String, u64> = DirectState::ALL.iter().map(|state| (state.to_string(), 0)).collect();
    for (state, count) in tx.count_batch(workspace_id, id)? {
        *counts.entry(state.to_string()).or_default() += count;
    }
    Ok(BatchView {
        id,
        state: batch.state,
        class: batch.class,
        list_id: batch.list_id,
        total: counts.values().sum(),
        counts,
        created_at: batch.created_at,
    })
}

/// Messages of a batch above `after`, in the order of their positions.
///
/// # Errors
/// [`OutreachError::NotFound`], or when the store fails.
pub async fn messages(
    store: &Store,
    workspace_id: WorkspaceId,
    id: BatchId,
    after: u32,
    limit: i64,
) -> Result<Vec<DirectMessageView>, OutreachError> {
    store
        .read(move |tx| {
            tx.batch(workspace_id, id)?.ok_or(OutreachError::NotFound("batch"))?;
            Ok(tx.messages_of_batch(workspace_id, id, after, limit)?)
        })
        .await
}
