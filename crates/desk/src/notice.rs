//! Telling screens what a transaction changed.
//!
//! Changes are noted while they happen and become events once, at the end of the transaction: a session that changed ten
//! times is told once.

use segue_model::{MessageId, OfferId, SessionId, Timestamp, UserId, WorkspaceId, routing::OfferState};
use segue_store::{
    StoreError, Tx,
    crm::{CaseView, LeadView},
    event::NewEvent,
    mention::Mention,
    routing::Offer,
};
use serde_json::{Value, json};

/// What a transaction changed.
#[derive(Debug)]
#[must_use = "nothing is told before `tell`"]
pub struct Notices {
    workspace_id: WorkspaceId,
    created: Vec<SessionId>,
    updated: Vec<SessionId>,
    messages: Vec<(SessionId, MessageId)>,
    offered: Vec<Offer>,
    unoffered: Vec<(OfferId, SessionId, UserId, OfferState)>,
    presences: Vec<UserId>,
    leads: Vec<LeadView>,
    cases: Vec<CaseView>,
    mentions: Vec<Mention>,
    read_mentions: Vec<UserId>,
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Notices {
    /// Nothing yet.
    pub const fn new(workspace_id: WorkspaceId) -> Self {
        Self {
            workspace_id,
            created: Vec::new(),
            updated: Vec::new(),
            messages: Vec::new(),
            offered: Vec::new(),
            unoffered: Vec::new(),
            presences: Vec::new(),
            leads: Vec::new(),
            cases: Vec::new(),
            mentions: Vec::new(),
            read_mentions: Vec::new(),
        }
    }

    pub(crate) const fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    pub(crate) fn session_created(&mut self, id: SessionId) {
        add(&mut self.created, id);
    }

    pub(crate) fn session_updated(&mut self, id: SessionId) {
        add(&mut self.updated, id);
    }

    pub(crate) fn message_created(&mut self, session_id: SessionId, id: MessageId) {
        add(&mut self.messages, (session_id, id));
    }

    pub(crate) fn offer_created(&mut self, offer: Offer) {
        self.offered.push(offer);
    }

    pub(crate) fn offer_ended(&mut self, offer: &Offer, reason: OfferState) {
        self.unoffered.push((offer.id, offer.session_id, offer.user_id, reason));
    }

    pub(crate) fn presence_updated(&mut self, user_id: UserId) {
        add(&mut self.presences, user_id);
    }

    pub(crate) fn lead_created(&mut self, lead: LeadView) {
        self.leads.push(lead);
    }

    pub(crate) fn case_updated(&mut self, case: CaseView) {
        self.cases.push(case);
    }

    pub(crate) fn mentioned(&mut self, mention: Mention) {
        self.mentions.push(mention);
    }

    pub(crate) fn mentions_read(&mut self, user_id: UserId) {
        add(&mut self.read_mentions, user_id);
    }

    /// Writes the events.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tell(self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let workspace_id = self.workspace_id;
        let emit = |tx: &mut Tx<'_>, kind, entity, entity_id: String, audience: Option<UserId>, data: Value| {
            tx.emit(workspace_id, NewEvent { kind, entity, entity_id, audience, data, at: now });
        };
        for id in &self.created {
            tx.emit(workspace_id, NewEvent::of_session("session.created", *id, now));
        }
        for (session_id, id) in &self.messages {
            tx.emit(workspace_id, NewEvent::of_message(*session_id, *id, now));
        }
        // Both of the others tell the session's state as well.
        let is_told = |id: &SessionId| self.created.contains(id) || self.messages.iter().any(|(told, _)| told == id);
        for id in self.updated.iter().filter(|id| !is_told(id)) {
            tx.emit(workspace_id, NewEvent::of_session("session.updated", *id, now));
        }
        for (id, session_id, user_id, reason) in &self.unoffered {
            let data = json!({ "offer_id": id, "session_id": session_id, "reason": reason });
            emit(tx, "offer.ended", "offer", id.to_string(), Some(*user_id), data);
        }
        for Offer { id, user_id, session_id, .. } in self.offered {
            let data = json!({ "session_id": session_id });
            emit(tx, "offer.created", "offer", id.to_string(), Some(user_id), data);
        }
        for user_id in self.presences {
            let name = tx.user(workspace_id, user_id)?.map(|user| user.name);
            let presence = tx.known_presence(workspace_id, user_id)?.map(|presence| presence.view());
            let data = json!({ "user_id": user_id, "name": name, "presence": presence });
            emit(tx, "presence.updated", "user", user_id.to_string(), None, data);
        }
        for lead in self.leads {
            let data = json!({ "session_id": lead.session_id });
            emit(tx, "lead.created", "lead", lead.id.to_string(), None, data);
        }
        for mention in self.mentions {
            let unread = tx.unread_mentions(workspace_id, mention.user_id)?;
            let Mention { id, session_id, message_id, .. } = mention;
            let data =
                json!({ "mention_id": id, "session_id": session_id, "message_id": message_id, "unread_count": unread });
            emit(tx, "mention.created", "mention", id.to_string(), Some(mention.user_id), data);
        }
        for user_id in self.read_mentions {
            let unread = tx.unread_mentions(workspace_id, user_id)?;
            let data = json!({ "unread_count": unread });
            emit(tx, "mention.read", "user", user_id.to_string(), Some(user_id), data);
        }
        for case in self.cases {
            emit(tx, "case.updated", "case", case.id.to_string(), None, json!({}));
        }
        Ok(())
    }
}
