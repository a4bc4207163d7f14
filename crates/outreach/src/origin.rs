//! Who a text goes out from, and where that sender may send.
//!
//! Which sender of a pool a number keeps is written in the transaction that queues its message: a crash leaves both or
//! neither, and whoever does the work again finds the same sender. By which of a sender's routes the message leaves is
//! decided from what was read once for all messages of a transaction ([`crate::ways`]).

use segue_channels::text::written_in;
use segue_model::{
    MediaId, PhoneNumber, SenderId, SenderPoolId, Timestamp, WorkspaceId, place_of_phone,
    policy::Approval,
    pool::choose,
    sender::{NotCleared, SenderFacts, clear, clear_files, sends_files},
    sms_writing::SmsWriting,
};
use segue_store::{
    StoreError, Tx,
    channel::{Registration, Sender},
};

use crate::{
    OutreachError,
    ways::{Way, Ways},
};

/// What the messages carry that a sender is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    Text,
    /// Pictures or other files, with or without a text.
    Files,
}

impl Load {
    /// Of messages with these files.
    pub(crate) const fn of(media: &[MediaId]) -> Self {
        if media.is_empty() { Self::Text } else { Self::Files }
    }
}

/// A sender with what decides where it may send.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub sender: Sender,
    pub facts: SenderFacts,
    /// How its account writes.
    pub writing: SmsWriting,
    load: Load,
    /// Whether its account carries files at all.
    carries_files: bool,
    /// The accounts it can leave by, where it has several.
    ways: Option<Box<Ways>>,
}

impl Origin {
    /// Reads what decides about a sender and its routes.
    pub(crate) fn of(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        sender: Sender,
        load: Load,
    ) -> Result<Self, StoreError> {
        let ways = Ways::of(tx, workspace_id, sender.id, load)?.map(Box::new);
        Ok(Self { ways, ..Self::alone(tx, workspace_id, sender, load)? })
    }

    /// Reads what decides about a sender on its own account.
    pub(crate) fn alone(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        sender: Sender,
        load: Load,
    ) -> Result<Self, StoreError> {
        let facts = tx.facts_of_sender(workspace_id, &sender)?;
        let channel = tx.channel(workspace_id, sender.channel_id)?;
        let carries_files = channel.as_ref().is_some_and(|channel| channel.config.kind().carries_files());
        let writing = channel.map(|channel| channel.config.writing()).unwrap_or_default();
        Ok(Self { sender, facts, writing, load, carries_files, ways: None })
    }

    /// How a text from it reaches this number: by the route that is chosen for it. Where it has no routes, or none may
    /// send there, by its own account, and then the reason is that account's.
    pub(crate) fn way(&self, phone: Option<&PhoneNumber>, now: Timestamp) -> Way<'_> {
        let chosen = match (&self.ways, phone) {
            (Some(ways), Some(phone)) => ways.choose(phone, now, |_| true),
            _ => None,
        };
        match chosen {
            Some((origin, note)) => Way { named: self, origin, note: Some(note) },
            None => Way { named: self, origin: self, note: None },
        }
    }

    /// The accounts it can leave by, where it has several.
    pub(crate) fn ways(&self) -> Option<&Ways> {
        self.ways.as_deref()
    }

    /// It and what it leaves by.
    fn accounts(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.ways.iter().flat_map(|ways| ways.origins()))
    }

    /// Whether any of its accounts may send to this number.
    fn is_able(&self, phone: &PhoneNumber, now: Timestamp) -> bool {
        let way = self.way(Some(phone), now);
        way.approval() == Approval::Approved && way.not_cleared(Some(phone), now).is_none()
    }

    /// Whether any of its accounts takes the characters of a text to this number.
    fn takes(&self, text: &str, phone: &PhoneNumber, now: Timestamp) -> bool {
        let way = self.way(Some(phone), now).carrying(text, Some(phone), now);
        written_in(text, way.facts.alphabet).is_some()
    }

    /// Whether the carrier has activated it.
    pub(crate) fn approval(&self) -> Approval {
        if self.sender.registration == Registration::Active { Approval::Approved } else { Approval::NotApproved }
    }

    /// Why it may not send to this number, when it may not.
    pub(crate) fn not_cleared(&self, phone: Option<&PhoneNumber>, now: Timestamp) -> Option<NotCleared> {
        let place = phone.and_then(place_of_phone);
        clear(&self.facts, place, now).err().or_else(|| match self.load {
            Load::Text => None,
            Load::Files if !self.carries_files => Some(NotCleared::Closed { why: TEXTS_ALONE.to_owned() }),
            Load::Files => clear_files(&self.facts, place).err(),
        })
    }
}

/// Why a text from these senders has no files.
const NO_FILES: &str = "This sender sends texts without files: pictures and files go out from numbers that carry MMS, on an \
    account in Twilio's dialect. Choose such a sender, or put a link into the text.";

/// Why no files leave by an account.
const TEXTS_ALONE: &str = "Accounts over SMPP carry texts and no files. Choose a sender on an account in Twilio's dialect, \
    or put a link into the text.";

/// Who the texts of a campaign or batch go out from: one sender, or the senders of a pool.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    /// The sender that is named; with a pool, the one that stands for it where there is no recipient.
    pub first: Origin,
    pool: Option<(SenderPoolId, Vec<Origin>)>,
}

impl Origins {
    /// Reads the senders.
    ///
    /// # Errors
    /// When there is no such pool, or the sender that is named does not belong to it.
    pub(crate) fn of(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        sender: Sender,
        pool_id: Option<SenderPoolId>,
        load: Load,
    ) -> Result<Self, OutreachError> {
        let Some(pool_id) = pool_id else {
            return Ok(Self { first: Origin::of(tx, workspace_id, sender, load)?, pool: None });
        };
        let members = tx
            .pool_members(workspace_id, pool_id)?
            .ok_or_else(|| OutreachError::invalid("pool_id", "There is no such pool. Choose one of the list."))?;
        if !members.contains(&sender.id) {
            return Err(OutreachError::invalid("sender_id", "The sender does not belong to the pool."));
        }
        let mut origins = Vec::with_capacity(members.len());
        for id in members {
            if let Some(member) = tx.sender(workspace_id, id)? {
                origins.push(Origin::of(tx, workspace_id, member, load)?);
            }
        }
        Ok(Self { first: Origin::of(tx, workspace_id, sender, load)?, pool: Some((pool_id, origins)) })
    }

    /// The same of a pool that may be gone, or have lost the sender: that one alone is left then.
    pub(crate) fn of_some(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        sender: Sender,
        pool_id: Option<SenderPoolId>,
        load: Load,
    ) -> Result<Self, OutreachError> {
        match Self::of(tx, workspace_id, sender.clone(), pool_id, load) {
            Err(OutreachError::Invalid { .. }) => Self::of(tx, workspace_id, sender, None, load),
            origins => origins,
        }
    }

    /// Refuses files that no account of any of the senders carries, wherever the recipients are.
    ///
    /// # Errors
    /// When they carry texts alone.
    pub(crate) fn check_load(&self) -> Result<(), OutreachError> {
        let carries = |origin: &Origin| origin.carries_files && sends_files(&origin.facts);
        let is_able = self.first.load == Load::Text || self.all().any(carries);
        if is_able { Ok(()) } else { Err(OutreachError::invalid("media", NO_FILES)) }
    }

    /// The pool, when it is one.
    pub(crate) fn pool_id(&self) -> Option<SenderPoolId> {
        self.pool.as_ref().map(|(id, _)| *id)
    }

    /// Every sender of it, on each account it can leave by.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Origin> {
        let of_pool = self.pool.as_ref().map(|(_, origins)| origins.as_slice());
        of_pool.unwrap_or(std::slice::from_ref(&self.first)).iter().flat_map(Origin::accounts)
    }

    /// Whether the carrier has activated any of them.
    pub(crate) fn approval(&self) -> Approval {
        let any = self.all().any(|origin| origin.approval() == Approval::Approved);
        if any { Approval::Approved } else { Approval::NotApproved }
    }

    /// Who would text this number: the sender it keeps while that may send to it and takes the characters of the text, else
    /// one of those that do both. Where none does, one that may; where none may, the one that is named, and with it the
    /// reason. The text is asked for only where there is a choice.
    pub(crate) fn likely(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        (phone, text): (Option<&PhoneNumber>, impl FnOnce() -> Option<String>),
        now: Timestamp,
    ) -> Result<Way<'_>, StoreError> {
        let (Some((pool_id, origins)), Some(known)) = (&self.pool, phone) else {
            return Ok(self.first.way(phone, now));
        };
        let kept = tx.kept_sender(workspace_id, *pool_id, known.as_str())?;
        Ok(self.pick(origins, kept, (known, &text().unwrap_or_default()), now).way(phone, now))
    }

    fn pick<'a>(
        &'a self,
        origins: &'a [Origin],
        kept: Option<SenderId>,
        (phone, text): (&PhoneNumber, &str),
        now: Timestamp,
    ) -> &'a Origin {
        let able = |origin: &&Origin| origin.is_able(phone, now);
        let takes = |origin: &&Origin| origin.takes(text, phone, now);
        let of = |id: SenderId| origins.iter().find(|origin| origin.sender.id == id);
        let kept = kept.and_then(of).filter(able);
        if let Some(origin) = kept.filter(takes) {
            return origin;
        }
        let ids = |origin: &'a Origin| origin.sender.id;
        let chosen = choose(phone.as_str(), origins.iter().filter(able).filter(takes).map(ids)).and_then(of);
        let any = || choose(phone.as_str(), origins.iter().filter(able).map(ids)).and_then(of);
        chosen.or(kept).or_else(any).unwrap_or(&self.first)
    }

    /// Who texts this number, kept for it from now on. A text that the one it keeps cannot write leaves from another one,
    /// and the number keeps its own. Call it in the transaction that queues the message.
    pub(crate) fn keep(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        (phone, text): (&PhoneNumber, &str),
        now: Timestamp,
    ) -> Result<Way<'_>, StoreError> {
        let Some((pool_id, origins)) = &self.pool else { return Ok(self.first.way(Some(phone), now)) };
        let wanted = self.pick(origins, None, (phone, text), now);
        let kept = tx.keep_sender(workspace_id, *pool_id, phone.as_str(), wanted.sender.id, now)?;
        let origin = self.pick(origins, Some(kept), (phone, text), now);
        let stays = origins.iter().any(|origin| origin.sender.id == kept && origin.is_able(phone, now));
        if origin.sender.id != kept && !stays {
            tx.replace_sender(workspace_id, *pool_id, phone.as_str(), origin.sender.id, now)?;
        }
        Ok(origin.way(Some(phone), now))
    }

    /// What writes a text that is shown to nobody's number: the account of the sender that is named, or another one where
    /// that one does not take its characters.
    pub(crate) fn writer_of(&self, text: &str) -> &Origin {
        let takes = |origin: &&Origin| written_in(text, origin.facts.alphabet).is_some();
        std::iter::once(&self.first).chain(self.all()).find(takes).unwrap_or(&self.first)
    }
}
