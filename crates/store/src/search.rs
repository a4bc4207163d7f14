//! The search over everything that was written: FTS5 on SQLite, a GIN index of words on PostgreSQL.
//!
//! # How it is filled
//! Behind the messages, from the event log: its sequence follows the order of commits, so everything up to the mark has
//! been seen. A batch's entries and the new mark are one transaction that fails when somebody else has moved the mark, so
//! a crash or a second node costs work and never an entry. Nothing is added to what a message costs when it comes in.
//! Sessions of which everything is to be added or taken out (after a migration, a gap in the log, the deletion of a
//! contact, or two customers that are parted) stand in `search_tasks`; until that is done, what is to go is hidden from the answers. What of a session was
//! written before its contact was deleted stands in `search_hidden`: a gap in the log does not bring it back.
//!
//! # How it is read
//! An entry's number is made of its time, so the index gives the latest first without sorting. Workspace, channel and
//! customer are words of the index, too, which makes them cost nothing; the answer is checked against the tables all the
//! same. Who may see little is given what is found among the next [`SCAN`] matches, and a cursor to go on.

use std::fmt::Write as _;

use segue_model::{
    ChannelId, ContactId, MessageId, MessagingUserId, SessionId, Timestamp, UserId, WorkspaceId,
    id::Id,
    search::{Term, first_number, places, words},
};

use crate::{
    StoreError, Tx,
    built::Dialect,
    message::{Direction, MessageKind},
};

/// Most matches that are looked at for one page.
pub const SCAN: u32 = 1_000;
/// Most entries of the event log that one batch reads.
const BATCH: i64 = 250;
/// Messages of a session that are worked on at once.
const TASK_BATCH: u32 = 150;

/// What to look for.
#[derive(Debug, Clone)]
pub struct SearchQuery {
    pub terms: Vec<Term>,
    /// Only these customers; all when it is `None`.
    pub customers: Option<Vec<MessagingUserId>>,
    pub channel_id: Option<ChannelId>,
    /// Only in sessions of this agent.
    pub agent_id: Option<UserId>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only what this agent may read; everything when it is `None`.
    pub viewer: Option<UserId>,
    /// The number of the last hit of the page before.
    pub before: Option<i64>,
    pub limit: u32,
}

/// A message that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub number: i64,
    pub session_id: SessionId,
    pub message_id: MessageId,
}

/// One page of what was found, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundPage {
    pub found: Vec<Found>,
    /// Where to go on; the page may be empty and still have one.
    pub next: Option<i64>,
}

/// A message to be indexed.
#[derive(Debug, Clone)]
struct Entry {
    message_id: MessageId,
    session_id: SessionId,
    channel_id: ChannelId,
    messaging_user_id: MessagingUserId,
    text: String,
    at: Timestamp,
}

/// What a batch of the event log brings.
#[derive(Debug)]
pub struct SearchBatch {
    mark: i64,
    upto: i64,
    has_gap: bool,
    entries: Vec<Entry>,
}

/// What a batch of a session brings.
#[derive(Debug)]
pub struct SearchTask {
    session_id: SessionId,
    is_removal: bool,
    /// Whether what is there is written anew: the conversation is another customer's now.
    is_again: bool,
    after_seq: i64,
    entries: Vec<Entry>,
}

crate::sql! {
    MARK = "SELECT COALESCE((SELECT m.event_seq FROM search_marks m WHERE m.workspace_id = $1), 0), q.seq,
            COALESCE((SELECT MIN(e.seq) FROM events e WHERE e.workspace_id = $1), q.seq + 1)
        FROM event_sequences q WHERE q.workspace_id = $1";
    NEW_MESSAGES = "SELECT entity_id, data FROM events
        WHERE workspace_id = $1 AND seq > $2 AND seq <= $3 AND kind = 'message.created' ORDER BY seq";
    BEGIN_MARK = "INSERT INTO search_marks (workspace_id, event_seq) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    MOVE_MARK = "UPDATE search_marks SET event_seq = $3 WHERE workspace_id = $1 AND event_seq = $2";
    ENTRY = "SELECT m.id, m.session_id, m.channel_id, s.messaging_user_id, m.text, m.at, m.direction, m.kind
        FROM messages m JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.id = $3";
    ENTRIES_OF_SESSION = "SELECT m.id, m.session_id, m.channel_id, s.messaging_user_id, m.text, m.at, m.direction, m.kind
        FROM messages m JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.id > $3 ORDER BY m.id LIMIT $4";
    /// An entry as it is now; nobody changes it before the transaction ends.
    ENTRY_NOW = sqlite: "SELECT m.id, m.session_id, m.channel_id, s.messaging_user_id, m.text, m.at, m.direction, m.kind
        FROM messages m JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.id = $3",
        postgres: "SELECT m.id, m.session_id, m.channel_id, s.messaging_user_id, m.text, m.at, m.direction, m.kind
        FROM messages m JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.id = $3 FOR SHARE OF m";
    HIDDEN_TO = "SELECT hidden_to FROM search_hidden WHERE workspace_id = $1 AND session_id = $2";
    INSERT_ENTRY = "INSERT INTO search_entries (number, workspace_id, session_id, message_id) VALUES ($2, $1, $3, $4)
        ON CONFLICT DO NOTHING";
    ENTRY_AT = "SELECT message_id FROM search_entries WHERE workspace_id = $1 AND number = $2";
    DELETE_ENTRY = "DELETE FROM search_entries WHERE workspace_id = $1 AND number = $2";
    // The number is that of an entry of the workspace, which was written or deleted just before.
    INSERT_WORDS = sqlite: "INSERT INTO search_words (rowid, words) VALUES ($1, $2)",
        postgres: "INSERT INTO search_words (number, words) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))";
    DELETE_WORDS = sqlite: "DELETE FROM search_words WHERE rowid = $1",
        postgres: "DELETE FROM search_words WHERE number = $1";
    NEXT_TASK = "SELECT t.session_id, t.task, t.done_to, t.after_seq FROM search_tasks t
        WHERE t.workspace_id = $1 AND t.after_seq <= $2 ORDER BY t.session_id LIMIT 1";
    ADVANCE_TASK = "UPDATE search_tasks SET done_to = $4
        WHERE workspace_id = $1 AND session_id = $2 AND after_seq = $3";
    END_TASK = "DELETE FROM search_tasks WHERE workspace_id = $1 AND session_id = $2 AND after_seq = $3";
    COUNT_TASKS = "SELECT COUNT(*) FROM search_tasks WHERE workspace_id = $1";
    // Of what is hidden only what came later.
    ADD_ALL_SESSIONS = "INSERT INTO search_tasks (workspace_id, session_id, task, after_seq, done_to)
        SELECT s.workspace_id, s.id, 'add', 0, h.hidden_to FROM sessions s
        LEFT JOIN search_hidden h ON h.workspace_id = s.workspace_id AND h.session_id = s.id
        WHERE s.workspace_id = $1 ON CONFLICT DO NOTHING";
    HIDE_SESSIONS = "INSERT INTO search_hidden (workspace_id, session_id, hidden_to)
        SELECT s.workspace_id, s.id, (SELECT m.id FROM messages m
            WHERE m.workspace_id = s.workspace_id AND m.session_id = s.id ORDER BY m.id DESC LIMIT 1)
        FROM messaging_users u
        JOIN sessions s ON s.workspace_id = u.workspace_id AND s.messaging_user_id = u.id
        WHERE u.workspace_id = $1 AND u.contact_id = $2 AND EXISTS (SELECT 1 FROM messages m
            WHERE m.workspace_id = s.workspace_id AND m.session_id = s.id)
        ON CONFLICT (workspace_id, session_id) DO UPDATE SET hidden_to = EXCLUDED.hidden_to";
    SHOW_SESSIONS = "DELETE FROM search_hidden WHERE workspace_id = $1 AND session_id IN (SELECT s.id
        FROM messaging_users u JOIN sessions s ON s.workspace_id = u.workspace_id AND s.messaging_user_id = u.id
        WHERE u.workspace_id = $1 AND u.contact_id = $2)";
    TASK_FOR_CONTACT = "INSERT INTO search_tasks (workspace_id, session_id, task, after_seq)
        SELECT s.workspace_id, s.id, $3, q.seq FROM messaging_users u
        JOIN sessions s ON s.workspace_id = u.workspace_id AND s.messaging_user_id = u.id
        JOIN event_sequences q ON q.workspace_id = u.workspace_id
        WHERE u.workspace_id = $1 AND u.contact_id = $2
        ON CONFLICT (workspace_id, session_id) DO UPDATE SET task = EXCLUDED.task, done_to = NULL,
            after_seq = EXCLUDED.after_seq";
    TASK_FOR_SESSION = "INSERT INTO search_tasks (workspace_id, session_id, task, after_seq)
        SELECT q.workspace_id, $2, 'remove', q.seq FROM event_sequences q WHERE q.workspace_id = $1
        ON CONFLICT (workspace_id, session_id) DO UPDATE SET task = EXCLUDED.task, done_to = NULL,
            after_seq = EXCLUDED.after_seq";
    TASK_AGAIN = "INSERT INTO search_tasks (workspace_id, session_id, task, after_seq, done_to)
        SELECT q.workspace_id, $2, 'again', q.seq, (SELECT h.hidden_to FROM search_hidden h
            WHERE h.workspace_id = q.workspace_id AND h.session_id = $2)
        FROM event_sequences q WHERE q.workspace_id = $1
        ON CONFLICT (workspace_id, session_id) DO UPDATE SET task = EXCLUDED.task, done_to = EXCLUDED.done_to,
            after_seq = EXCLUDED.after_seq WHERE search_tasks.task <> 'remove'";
    CUSTOMERS_OF_CONTACT = "SELECT id FROM messaging_users WHERE workspace_id = $1 AND contact_id = $2 ORDER BY id";
    MERGED_CUSTOMERS = "SELECT merged_id FROM messaging_user_merges WHERE workspace_id = $1 AND kept_id = $2
        AND unmerged_at IS NULL";
    SEARCH = sqlite: "SELECT f.number, e.session_id, e.message_id, s.messaging_user_id, CASE WHEN s.id IS NOT NULL
                AND ($7 IS NULL OR s.agent_id = $7)
                AND NOT EXISTS (SELECT 1 FROM search_tasks t WHERE t.workspace_id = $1 AND t.session_id = e.session_id
                    AND t.task = 'remove')
                AND ($6 IS NULL OR s.agent_id = $6 OR EXISTS (SELECT 1 FROM sessions o WHERE o.workspace_id = $1
                    AND o.channel_id = s.channel_id AND o.messaging_user_id = s.messaging_user_id AND o.state <> 'ended'
                    AND (o.agent_id = $6 OR (o.agent_id IS NULL AND o.state IN ('waiting', 'error') AND EXISTS (
                        SELECT 1 FROM queue_members q WHERE q.workspace_id = $1 AND q.queue_id = o.queue_id
                            AND q.user_id = $6)))))
                THEN 1 ELSE 0 END
            FROM (SELECT rowid AS number FROM search_words WHERE search_words MATCH $2 AND rowid < $3 AND rowid >= $4
                ORDER BY rowid DESC LIMIT $5) f
            LEFT JOIN search_entries e ON e.number = f.number AND e.workspace_id = $1
            LEFT JOIN sessions s ON s.workspace_id = $1 AND s.id = e.session_id
            ORDER BY f.number DESC",
        postgres: "SELECT f.number, e.session_id, e.message_id, s.messaging_user_id, CASE WHEN s.id IS NOT NULL
                AND (CAST($7 AS UUID) IS NULL OR s.agent_id = $7)
                AND NOT EXISTS (SELECT 1 FROM search_tasks t WHERE t.workspace_id = $1 AND t.session_id = e.session_id
                    AND t.task = 'remove')
                AND (CAST($6 AS UUID) IS NULL OR s.agent_id = $6 OR EXISTS (SELECT 1 FROM sessions o
                    WHERE o.workspace_id = $1 AND o.channel_id = s.channel_id
                    AND o.messaging_user_id = s.messaging_user_id AND o.state <> 'ended'
                    AND (o.agent_id = $6 OR (o.agent_id IS NULL AND o.state IN ('waiting', 'error') AND EXISTS (
                        SELECT 1 FROM queue_members q WHERE q.workspace_id = $1 AND q.queue_id = o.queue_id
                            AND q.user_id = $6)))))
                THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END
            FROM (SELECT number FROM search_words WHERE words @@ CAST(CAST($2 AS TEXT) AS TSQUERY) AND number < $3
                AND number >= $4 ORDER BY number DESC LIMIT $5) f
            LEFT JOIN search_entries e ON e.number = f.number AND e.workspace_id = $1
            LEFT JOIN sessions s ON s.workspace_id = $1 AND s.id = e.session_id
            ORDER BY f.number DESC";
}

/// A word that no text has: texts are indexed in words of at most 40 letters.
fn scope(letter: char, id: impl Id) -> String {
    format!("{letter}{}{:032x}", "0".repeat(12), id.uuid().as_u128())
}

/// The condition of the index, in the words of its engine. Words are letters and digits and need no escaping.
fn condition(dialect: Dialect, workspace_id: WorkspaceId, query: &SearchQuery) -> String {
    let (and, or) = match dialect {
        Dialect::Sqlite => (" AND ", " OR "),
        Dialect::Postgres => (" & ", " | "),
    };
    let whole = |word: &str| match dialect {
        Dialect::Sqlite => format!("\"{word}\""),
        Dialect::Postgres => format!("'{word}'"),
    };
    let mut parts: Vec<String> = query
        .terms
        .iter()
        .map(|term| match (term, dialect) {
            (Term::Whole(word), _) => whole(word),
            (Term::Beginning(word), Dialect::Sqlite) => format!("{} *", whole(word)),
            (Term::Beginning(word), Dialect::Postgres) => format!("{}:*", whole(word)),
        })
        .collect();
    parts.push(whole(&scope('w', workspace_id)));
    parts.extend(query.channel_id.map(|id| whole(&scope('c', id))));
    if let Some(customers) = &query.customers {
        let any: Vec<String> = customers.iter().map(|id| whole(&scope('u', *id))).collect();
        parts.push(format!("({})", any.join(or)));
    }
    parts.join(and)
}

impl Tx<'_> {
    /// Looks for messages, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn search_messages(&mut self, workspace_id: WorkspaceId, query: &SearchQuery) -> Result<FoundPage, StoreError> {
        if query.customers.as_ref().is_some_and(Vec::is_empty) {
            return Ok(FoundPage::default());
        }
        let condition = condition(self.dialect(), workspace_id, query);
        let from = query.from.map_or(i64::MIN, first_number);
        let until = query.until.map_or(i64::MAX, first_number);
        let before = query.before.unwrap_or(i64::MAX).min(until);
        let narrow = query.viewer.is_some() || query.agent_id.is_some();
        let scan = if narrow { SCAN } else { query.limit + 1 };
        let params: [&dyn crate::Bind; 7] =
            [&workspace_id, &condition, &before, &from, &scan, &query.viewer, &query.agent_id];
        let rows = self.query(&SEARCH, &params, |row| {
            let (number, session_id, message_id): (i64, Option<SessionId>, Option<MessageId>) =
                (row.next()?, row.next()?, row.next()?);
            let customer: Option<MessagingUserId> = row.next()?;
            // The words of one who was parted from another may still name that one.
            let is_theirs = query.customers.as_ref().is_none_or(|all| customer.is_some_and(|id| all.contains(&id)));
            let is_shown = row.next::<i64>()? == 1;
            Ok((number, session_id.zip(message_id).filter(|_| is_shown && is_theirs)))
        })?;
        let mut page = FoundPage::default();
        for (number, shown) in &rows {
            let Some((session_id, message_id)) = *shown else { continue };
            if page.found.len() == query.limit as usize {
                page.next = page.found.last().map(|last| last.number);
                return Ok(page);
            }
            page.found.push(Found { number: *number, session_id, message_id });
        }
        if rows.len() == scan as usize {
            page.next = rows.last().map(|(number, _)| *number);
        }
        Ok(page)
    }

    /// Every customer identity that is or was one of the contact's: also those that were merged into others.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customers_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
    ) -> Result<Vec<MessagingUserId>, StoreError> {
        let customers = self.query(&CUSTOMERS_OF_CONTACT, &[&workspace_id, &contact_id], |row| row.next())?;
        self.with_merged_customers(workspace_id, customers)
    }

    /// The customers and all that were ever merged into them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn with_merged_customers(
        &mut self,
        workspace_id: WorkspaceId,
        mut all: Vec<MessagingUserId>,
    ) -> Result<Vec<MessagingUserId>, StoreError> {
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            next += 1;
            for merged in self.query(&MERGED_CUSTOMERS, &[&workspace_id, &id], |row| row.next::<MessagingUserId>())? {
                if !all.contains(&merged) {
                    all.push(merged);
                }
            }
        }
        Ok(all)
    }

    /// The next messages of the event log that are not in the search yet. `None` when it is up to date.
    ///
    /// # Errors
    /// When the store fails.
    pub fn search_batch(&mut self, workspace_id: WorkspaceId) -> Result<Option<SearchBatch>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Created {
            message_id: Option<MessageId>,
        }
        let bounds = self.query_opt(&MARK, &[&workspace_id], |row| {
            Ok((row.next::<i64>()?, row.next::<i64>()?, row.next::<i64>()?))
        })?;
        let Some((mark, newest, oldest)) = bounds else { return Ok(None) };
        if mark >= newest {
            return Ok(None);
        }
        let has_gap = oldest > mark + 1;
        let upto = newest.min(mark.max(oldest - 1) + BATCH);
        let created = self.query(&NEW_MESSAGES, &[&workspace_id, &mark, &upto], |row| {
            Ok((row.next::<String>()?.parse::<SessionId>().ok(), row.json::<Created>()?.message_id))
        })?;
        let mut entries = Vec::new();
        for (session_id, message_id) in created.into_iter().filter_map(|(session, message)| session.zip(message)) {
            entries.extend(self.search_entry(workspace_id, session_id, message_id)?);
        }
        Ok(Some(SearchBatch { mark, upto, has_gap, entries }))
    }

    fn search_entry(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<Option<Entry>, StoreError> {
        self.query_opt(&ENTRY, &[&workspace_id, &session_id, &id], read_entry).map(Option::flatten)
    }

    /// Adds a batch to the search. `false` when somebody else has added it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn apply_search_batch(&mut self, workspace_id: WorkspaceId, batch: &SearchBatch) -> Result<bool, StoreError> {
        self.execute(&BEGIN_MARK, &[&workspace_id])?;
        if self.execute(&MOVE_MARK, &[&workspace_id, &batch.mark, &batch.upto])? == 0 {
            return Ok(false);
        }
        if batch.has_gap {
            self.add_all_to_search(workspace_id)?;
        }
        let entries = self.as_they_are(workspace_id, &batch.entries)?;
        self.add_to_search(workspace_id, &entries)?;
        Ok(true)
    }

    /// The next messages of a session that is to be added or taken out as a whole.
    ///
    /// # Errors
    /// When the store fails.
    pub fn search_task(&mut self, workspace_id: WorkspaceId) -> Result<Option<SearchTask>, StoreError> {
        let bounds = self.query_opt(&MARK, &[&workspace_id], |row| row.next::<i64>())?;
        let Some(mark) = bounds else { return Ok(None) };
        let task = self.query_opt(&NEXT_TASK, &[&workspace_id, &mark], |row| {
            let (session_id, task, done_to, after_seq) =
                (row.next()?, row.next::<String>()?, row.next::<Option<MessageId>>()?, row.next()?);
            Ok((session_id, task, done_to.unwrap_or(MessageId(uuid::Uuid::nil())), after_seq))
        })?;
        let Some((session_id, task, done_to, after_seq)) = task else { return Ok(None) };
        let (is_removal, is_again) = (task == "remove", task == "again");
        let params: [&dyn crate::Bind; 4] = [&workspace_id, &session_id, &done_to, &TASK_BATCH];
        let entries = self.query(&ENTRIES_OF_SESSION, &params, read_any)?;
        Ok(Some(SearchTask { session_id, is_removal, is_again, after_seq, entries }))
    }

    /// Works on a batch of a session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn apply_search_task(&mut self, workspace_id: WorkspaceId, task: &SearchTask) -> Result<(), StoreError> {
        let key: [&dyn crate::Bind; 3] = [&workspace_id, &task.session_id, &task.after_seq];
        let moved = match task.entries.last().filter(|_| task.entries.len() == TASK_BATCH as usize) {
            Some(last) => {
                self.execute(&ADVANCE_TASK, &[&workspace_id, &task.session_id, &task.after_seq, &last.message_id])?
            }
            None => self.execute(&END_TASK, &key)?,
        };
        if moved == 0 {
            // Something else is to be done with the session now.
            return Ok(());
        }
        let entries = self.as_they_are(workspace_id, &task.entries)?;
        if task.is_removal {
            let hidden_to: Option<MessageId> =
                self.query_opt(&HIDDEN_TO, &[&workspace_id, &task.session_id], |row| row.next())?;
            // What came later is none of it.
            let going: Vec<Entry> = entries
                .into_iter()
                .filter(|entry| entry.text.trim().is_empty() || hidden_to.is_some_and(|last| entry.message_id <= last))
                .collect();
            return self.take_out_of_search(workspace_id, &going).map(|_| ());
        }
        if task.is_again {
            self.take_out_of_search(workspace_id, &entries)?;
        }
        self.add_to_search(workspace_id, &entries)
    }

    /// Entries as they stand in this transaction: a customer may have changed or deleted one since it was read.
    fn as_they_are(&mut self, workspace_id: WorkspaceId, read: &[Entry]) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::with_capacity(read.len());
        for entry in read {
            let key: [&dyn crate::Bind; 3] = [&workspace_id, &entry.session_id, &entry.message_id];
            entries.extend(self.query_opt(&ENTRY_NOW, &key, read_any)?);
        }
        Ok(entries)
    }

    fn add_to_search(&mut self, workspace_id: WorkspaceId, entries: &[Entry]) -> Result<(), StoreError> {
        // In the order of the index, which writes a batch at once then.
        let mut entries: Vec<(Option<i64>, &Entry)> = entries
            .iter()
            .filter(|entry| !entry.text.trim().is_empty())
            .map(|entry| (places(entry.at, entry.message_id).next(), entry))
            .collect();
        entries.sort_by_key(|(place, _)| *place);
        for (_, entry) in entries {
            if let Some(place) = self.take_place(workspace_id, entry)? {
                let text = indexed(workspace_id, entry);
                self.execute(&INSERT_WORDS, &[&place, &text])?;
            }
        }
        Ok(())
    }

    /// Takes the first free place of an entry. `None` when it has one.
    fn take_place(&mut self, workspace_id: WorkspaceId, entry: &Entry) -> Result<Option<i64>, StoreError> {
        for place in places(entry.at, entry.message_id) {
            if self.execute(&INSERT_ENTRY, &[&workspace_id, &place, &entry.session_id, &entry.message_id])? == 1 {
                return Ok(Some(place));
            }
            if self.message_at(workspace_id, place)? == Some(entry.message_id) {
                return Ok(None);
            }
        }
        Err(StoreError::Corrupt("the search has no place for a message".to_owned()))
    }

    /// Gives how many were there.
    fn take_out_of_search(&mut self, workspace_id: WorkspaceId, entries: &[Entry]) -> Result<usize, StoreError> {
        let mut taken = 0;
        for entry in entries {
            for place in places(entry.at, entry.message_id) {
                if self.message_at(workspace_id, place)? == Some(entry.message_id) {
                    self.execute(&DELETE_ENTRY, &[&workspace_id, &place])?;
                    self.execute(&DELETE_WORDS, &[&place])?;
                    taken += 1;
                    break;
                }
            }
        }
        Ok(taken)
    }

    /// An entry says something else now: it is found by that, and no longer by what it said. One that the search has not
    /// come to yet is read as it is when it does.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn search_again(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<(), StoreError> {
        let Some(entry) = self.query_opt(&ENTRY, &[&workspace_id, &session_id, &id], read_any)? else { return Ok(()) };
        if self.take_out_of_search(workspace_id, std::slice::from_ref(&entry))? == 0 || entry.text.trim().is_empty() {
            return Ok(());
        }
        self.add_to_search(workspace_id, &[entry])
    }

    fn message_at(&mut self, workspace_id: WorkspaceId, place: i64) -> Result<Option<MessageId>, StoreError> {
        self.query_opt(&ENTRY_AT, &[&workspace_id, &place], |row| row.next())
    }

    /// Makes the search read every conversation anew; what is in it stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_all_to_search(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.execute(&ADD_ALL_SESSIONS, &[&workspace_id]).map(|_| ())
    }

    /// Conversations that are yet to be added or taken out as a whole.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_search_tasks(&mut self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        self.query_one(&COUNT_TASKS, &[&workspace_id], |row| row.next())
    }

    /// What a contact's conversations hold is taken out of the search. From the commit on nobody finds it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn forget_in_search(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<(), StoreError> {
        self.execute(&HIDE_SESSIONS, &[&workspace_id, &id])?;
        self.execute(&TASK_FOR_CONTACT, &[&workspace_id, &id, &"remove"]).map(|_| ())
    }

    /// What a conversation holds is taken out of the search. From the commit on nobody finds it.
    pub(crate) fn take_session_out_of_search(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<(), StoreError> {
        self.execute(&TASK_FOR_SESSION, &[&workspace_id, &session_id]).map(|_| ())
    }

    /// What a conversation holds is found by the customer it belongs to now.
    pub(crate) fn find_by_customer_again(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<(), StoreError> {
        self.execute(&TASK_AGAIN, &[&workspace_id, &session_id]).map(|_| ())
    }

    /// What a contact's conversations hold is found again.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn find_again_in_search(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<(), StoreError> {
        self.execute(&SHOW_SESSIONS, &[&workspace_id, &id])?;
        self.execute(&TASK_FOR_CONTACT, &[&workspace_id, &id, &"add"]).map(|_| ())
    }
}

fn indexed(workspace_id: WorkspaceId, entry: &Entry) -> String {
    let mut text = words(&entry.text).join(" ");
    let scopes =
        [scope('w', workspace_id), scope('c', entry.channel_id), scope('u', entry.messaging_user_id)].join(" ");
    let _ = write!(text, " {scopes}");
    text.trim().to_owned()
}

/// An entry when it has words of people.
fn read_entry(row: &mut crate::Row<'_>) -> Result<Option<Entry>, StoreError> {
    let entry = read_any(row)?;
    Ok(Some(entry).filter(|entry| !entry.text.trim().is_empty()))
}

/// An entry, with no text when it is a line of the product.
fn read_any(row: &mut crate::Row<'_>) -> Result<Entry, StoreError> {
    let mut entry = Entry {
        message_id: row.next()?,
        session_id: row.next()?,
        channel_id: row.next()?,
        messaging_user_id: row.next()?,
        text: row.next()?,
        at: row.next()?,
    };
    let (direction, kind): (Direction, MessageKind) = (row.word()?, row.word()?);
    if direction == Direction::System && kind != MessageKind::Note {
        entry.text.clear();
    }
    Ok(entry)
}
