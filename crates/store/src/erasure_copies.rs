//! Copies of what was written in conversations, which stay for some days: what came in, until nobody delivers it again
//! ([`crate::inbox`]), and the answers to requests ([`crate::idempotency`]). With a conversation that is emptied their words
//! go as well. That something came in and that a request was done stays, so that neither is done again.
//!
//! Nothing reads the words of what is done, a dead letter with the words gone is closed, and no index leads to them, so they are looked for in one read for many
//! customers ([`Tx::copies_of`]) and emptied by their keys ([`Tx::empty_copies`]).

use std::collections::{HashMap, HashSet};

use segue_model::{ChannelId, InboxId, SessionId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx, inbox::InboxKind};

/// Whose copies are looked for.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    /// The channel of each customer's conversations by what the customer is known by, and until when what was written goes.
    by_address: HashMap<String, Vec<(ChannelId, Timestamp)>>,
    sessions: HashSet<SessionId>,
}

/// Keys of copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    inbox: Vec<InboxId>,
    /// Actor and key.
    answers: Vec<(String, String)>,
}

crate::sql! {
    DONE_ITEMS = "SELECT id, channel_id, kind, subject, received_at FROM inbox
        WHERE workspace_id = $1 AND state IN ('done', 'dead') AND received_at <= $2 AND payload <> '{}'";
    ANSWERS_ABOUT_SESSIONS = "SELECT actor, key, body FROM idempotency_keys
        WHERE workspace_id = $1 AND status IS NOT NULL AND created_at <= $2 AND body LIKE '%ses_%'";
    /// A dead letter without its words cannot be replayed: it is done.
    EMPTY_ITEM = "UPDATE inbox SET payload = '{}', state = 'done'
        WHERE workspace_id = $1 AND id = $2 AND state IN ('done', 'dead')";
    CLOSE_LETTER = "UPDATE dead_letters SET resolution = 'discarded', resolved_by = 'system', resolved_at = $3,
            resolution_reason = 'The customer was erased, and with that what was written.'
        WHERE workspace_id = $1 AND source = 'inbox' AND source_id = $2 AND resolution IS NULL";
    EMPTY_ANSWER = "UPDATE idempotency_keys SET body = ''
        WHERE workspace_id = $1 AND actor = $2 AND key = $3 AND status IS NOT NULL";
}

impl Erased {
    /// Adds a customer: its channel, its ids and numbers, its conversations, and until when what was written goes.
    pub fn add(
        &mut self,
        channel_id: ChannelId,
        addresses: impl IntoIterator<Item = String>,
        sessions: impl IntoIterator<Item = SessionId>,
        until: Timestamp,
    ) {
        for address in addresses {
            let address = address.trim_start_matches('+').to_owned();
            self.by_address.entry(address).or_default().push((channel_id, until));
        }
        self.add_sessions(sessions);
    }

    /// Adds conversations alone.
    pub fn add_sessions(&mut self, sessions: impl IntoIterator<Item = SessionId>) {
        self.sessions.extend(sessions);
    }

    /// Whether nobody is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty() && self.sessions.is_empty()
    }

    /// Whether what came in is one of these customers'. A text of the same number is, whatever account it came to.
    fn wrote(&self, channel_id: ChannelId, kind: InboxKind, subject: &str, at: Timestamp) -> bool {
        let address = subject.rsplit(':').next().unwrap_or(subject).trim_start_matches('+');
        let is_of = |of: &(ChannelId, Timestamp)| at <= of.1 && (kind != InboxKind::WhatsApp || channel_id == of.0);
        self.by_address.get(address).is_some_and(|known| known.iter().any(is_of))
    }

    /// Whether an answer shows one of these conversations.
    fn is_shown_in(&self, body: &str) -> bool {
        let ids = body.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        ids.filter(|word| word.starts_with("ses_"))
            .filter_map(|word| word.parse().ok())
            .any(|id: SessionId| self.sessions.contains(&id))
    }
}

impl Copies {
    /// The same in parts of so many of each kind, for a transaction each.
    #[must_use]
    pub fn parts(&self, most: usize) -> Vec<Self> {
        let inbox = self.inbox.chunks(most).map(|inbox| Self { inbox: inbox.to_vec(), answers: Vec::new() });
        let answers = self.answers.chunks(most).map(|answers| Self { inbox: Vec::new(), answers: answers.to_vec() });
        inbox.chain(answers).collect()
    }
}

impl Tx<'_> {
    /// The copies of what these customers wrote, and was written to them, until then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn copies_of(
        &mut self,
        workspace_id: WorkspaceId,
        erased: &Erased,
        until: Timestamp,
    ) -> Result<Copies, StoreError> {
        let mut found = Copies::default();
        self.each(&DONE_ITEMS, &[&workspace_id, &until], |row| {
            let (id, channel_id, kind): (InboxId, ChannelId, InboxKind) = (row.next()?, row.next()?, row.word()?);
            let (subject, at): (String, Timestamp) = (row.next()?, row.next()?);
            if erased.wrote(channel_id, kind, &subject, at) {
                found.inbox.push(id);
            }
            Ok(())
        })?;
        self.each(&ANSWERS_ABOUT_SESSIONS, &[&workspace_id, &until], |row| {
            let (actor, key, body): (String, String, String) = (row.next()?, row.next()?, row.next()?);
            if erased.is_shown_in(&body) {
                found.answers.push((actor, key));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Empties copies. The dead letters among them are closed, as of when it was asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn empty_copies(
        &mut self,
        workspace_id: WorkspaceId,
        copies: &Copies,
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        for id in &copies.inbox {
            self.execute(&EMPTY_ITEM, &[&workspace_id, id])?;
            self.execute(&CLOSE_LETTER, &[&workspace_id, id, &asked_at])?;
        }
        for (actor, key) in &copies.answers {
            self.execute(&EMPTY_ANSWER, &[&workspace_id, actor, key])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn parts_are_no_larger_than_they_may_be_and_hold_everything() {
        let inbox: Vec<InboxId> = (0..5).map(|number| InboxId(Uuid::from_u128(number))).collect();
        let copies = Copies { inbox: inbox.clone(), answers: vec![("a".to_owned(), "k".to_owned())] };
        let parts = copies.parts(2);
        assert_eq!(parts.iter().map(|part| part.inbox.len()).collect::<Vec<_>>(), [2, 2, 1, 0]);
        assert_eq!(parts.iter().flat_map(|part| part.inbox.clone()).collect::<Vec<_>>(), inbox);
        assert_eq!(parts.iter().flat_map(|part| part.answers.clone()).collect::<Vec<_>>(), copies.answers);
        assert!(Copies::default().parts(2).is_empty());
    }
}
