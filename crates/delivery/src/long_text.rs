//! Long texts that people send: a carrier delivers each part by itself, and what counts is the whole.
//!
//! A part is kept in the transaction that marks its inbox row as done, and whoever brings the last one reads the text
//! there and then. The first part of a text also writes a job that reads it as far as it came once [`WAIT`] is over. So:
//!
//! - a crash before a commit leaves the part's inbox row to be worked on again; after it the part is kept;
//! - a part that is delivered again is known by its octets and changes nothing, for a day after the text was read;
//! - parts that come at once, and the job, take turns at the text's lock, and only the first to find it complete, or the
//!   wait over, reads it;
//! - another text under the same reference, which phones count from 0 to 255, is told by its octets: the one before is
//!   read as far as it came, and the new one begins.
//!
//! The wait is much shorter than the day for which carriers try: a STOP must not lie unread for a day because another
//! part of its text was lost. A part that comes after the wait is read by itself.

use segue_channels::{
    smpp::MobileOriginated,
    text::{Charset, ReceivedPart, assemble, decode},
};
use segue_model::{Ctx, InboxId, Timestamp, WorkspaceId, time};
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    inbound_part::{InboundPart, InboundTextKey},
    job::NewJob,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of the job that reads a text whose parts did not all come.
pub const READ_LONG_TEXT: &str = "read_long_text";
/// How long a text waits for its missing parts.
pub const WAIT: i64 = 10 * time::MINUTE;
/// How long parts are kept, so that one that is delivered again is known.
pub const KEEP_PARTS: i64 = time::DAY;
/// Stands for parts that did not come.
const GAP: &str = " … ";

/// A text to be read.
#[derive(Clone, PartialEq, Eq)]
pub struct LongText {
    /// The inbox row of its last part, as the proof of what was said.
    pub inbox_id: InboxId,
    /// As the carrier writes it.
    pub from: String,
    /// Whether the carrier calls that a national number. Of joined parts it is not kept; their digits alone tell.
    pub is_national: bool,
    pub to: String,
    pub text: String,
    /// When the last of its parts came.
    pub received_at: Timestamp,
}

/// Hides what people wrote.
impl std::fmt::Debug for LongText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LongText({}, {} characters)", self.inbox_id, self.text.chars().count())
    }
}

/// Payload of a [`READ_LONG_TEXT`] job.
#[derive(Serialize, Deserialize)]
struct Payload {
    key: InboundTextKey,
    /// The inbox row of the part that came first, which tells this text from a later one of the same reference.
    first: InboxId,
}

/// Why nobody can read a message, in words, when it is whole and no text.
#[must_use]
pub fn unreadable(message: &MobileOriginated) -> Option<String> {
    let is_whole = message.concatenation.is_none();
    (is_whole && message.text.is_none()).then(|| {
        format!(
            "A message that came is no text: the carrier gives its coding as {:#04x}, and its {} octets are not readable \
             characters. If people write texts from there, ask the carrier for a coding of texts, such as 0x00 or 0x08.",
            message.data_coding,
            message.part.octets.len()
        )
    })
}

/// Takes a message of a person in and gives the texts that can be read now: mostly the message itself, nothing while parts
/// are missing, and two when another text has come under the reference of one that waits.
///
/// # Errors
/// When the store fails.
pub fn take_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (inbox_id, received_at): (InboxId, Timestamp),
    message: &MobileOriginated,
) -> Result<Vec<LongText>, StoreError> {
    let alone = || LongText {
        inbox_id,
        from: message.from.clone(),
        is_national: message.is_national,
        to: message.to.clone(),
        text: message.text.clone().unwrap_or_default(),
        received_at,
    };
    let Some(concatenation) = message.concatenation else {
        return Ok(message.text.iter().map(|_| alone()).collect());
    };
    let workspace_id = channel.workspace_id;
    let key = InboundTextKey {
        channel_id: channel.id,
        sender: message.from.clone(),
        recipient: message.to.clone(),
        reference: concatenation.reference,
        total: concatenation.total,
    };
    tx.lock_inbound_text(workspace_id, &key)?;
    let mut kept = tx.inbound_parts(workspace_id, &key)?;
    let part = json(&message.part)?;
    let mut texts = Vec::new();
    match kept.iter().find(|kept| kept.number == concatenation.number) {
        Some(known) if known.part == part => return Ok(texts),
        Some(_) => {
            if kept.iter().all(|kept| kept.read_at.is_none()) {
                texts.extend(read(&key, &kept)?);
            }
            tx.delete_inbound_parts(workspace_id, &key)?;
            kept.clear();
        }
        None => {}
    }
    let is_late = kept.iter().any(|kept| kept.read_at.is_some());
    let is_first = kept.is_empty();
    let fresh = InboundPart { number: concatenation.number, part, inbox_id, received_at, read_at: None };
    tx.keep_inbound_part(workspace_id, &key, &fresh)?;
    kept.push(fresh);
    if is_late {
        tx.mark_parts_read(workspace_id, &key, ctx.now())?;
        texts.extend(message.text.iter().map(|_| alone()));
    } else if kept.len() == usize::from(concatenation.total) {
        tx.mark_parts_read(workspace_id, &key, ctx.now())?;
        texts.extend(read(&key, &kept)?);
    } else if is_first {
        let payload = serde_json::to_value(Payload { key, first: inbox_id })
            .map_err(|error| StoreError::Statement(error.to_string()))?;
        let job = NewJob {
            id: ctx.id(),
            kind: READ_LONG_TEXT,
            dedupe_key: inbox_id.to_string(),
            payload,
            run_at: ctx.now().plus(WAIT),
        };
        tx.schedule(workspace_id, &job, ctx.now())?;
    }
    Ok(texts)
}

/// Runs a [`READ_LONG_TEXT`] job: gives the text as far as it came. Nothing when it was read meanwhile, so running it
/// again changes nothing.
///
/// # Errors
/// When the store fails or the payload is not one of such a job.
pub fn read_what_came(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    payload: &Value,
) -> Result<Option<(InboundTextKey, LongText)>, StoreError> {
    let Payload { key, first } = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("payload of a {READ_LONG_TEXT} job: {error}")))?;
    tx.lock_inbound_text(workspace_id, &key)?;
    let kept = tx.inbound_parts(workspace_id, &key)?;
    let is_this = kept.iter().any(|kept| kept.inbox_id == first) && kept.iter().all(|kept| kept.read_at.is_none());
    if !is_this {
        return Ok(None);
    }
    tx.mark_parts_read(workspace_id, &key, ctx.now())?;
    Ok(read(&key, &kept)?.map(|text| (key, text)))
}

fn json(part: &ReceivedPart) -> Result<String, StoreError> {
    serde_json::to_string(part).map_err(|error| StoreError::Statement(error.to_string()))
}

/// The text of these parts; gaps are marked. Nothing when none of it is text.
fn read(key: &InboundTextKey, kept: &[InboundPart]) -> Result<Option<LongText>, StoreError> {
    let mut parts: Vec<ReceivedPart> = Vec::with_capacity(kept.len());
    for kept in kept {
        parts.push(serde_json::from_str(&kept.part).map_err(|error| StoreError::Corrupt(error.to_string()))?);
    }
    parts.sort_by_key(|part| part.number);
    let text = assemble(&parts).or_else(|| as_far_as_it_came(&parts));
    if text.is_none() {
        tracing::warn!(channel_id = %key.channel_id, parts = parts.len(), "a message in parts is no text and was not read");
    }
    let last = kept.iter().max_by_key(|kept| (kept.received_at, kept.inbox_id));
    Ok(text.zip(last).map(|(text, last)| LongText {
        inbox_id: last.inbox_id,
        from: key.sender.clone(),
        is_national: false,
        to: key.recipient.clone(),
        text,
        received_at: last.received_at,
    }))
}

/// Neighbours are joined before they are read, because some phones split a letter between two parts.
fn as_far_as_it_came(parts: &[ReceivedPart]) -> Option<String> {
    let neighbours = parts.chunk_by(|one, next| one.number + 1 == next.number && one.charset == next.charset);
    let texts: Vec<String> = neighbours
        .filter_map(|run| {
            let octets: Vec<u8> = run.iter().flat_map(|part| part.octets.iter().copied()).collect();
            decode(&octets, run.first().map_or(Charset::Binary, |part| part.charset))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(GAP))
}
