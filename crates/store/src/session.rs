//! Messaging Sessions: the row with its rules, and the view that screens and events share.
//!
//! One session per customer and channel is not ended: the partial unique index `sessions_one_open` says so, and
//! [`Tx::open_session`] relies on it instead of looking first.

use segue_model::{
    CampaignId, CaseId, ChannelId, ContactId, LeadId, MessagingUserId, PhoneNumber, QueueId, SessionId, Timestamp,
    UserId, WorkspaceId,
    attribution::Attribution,
    conversation::{self, IdleRules},
    session::{EndedBy, OptIn, SessionNumbers, SessionOrigin, SessionState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, built::Dialect, message::Direction, tx::json_text, tx::optional_word, value::Bind};

segue_model::text_enum! {
    /// What a session led to.
    pub enum SessionOutcome {
        Won = "won",
        Lost = "lost",
        None = "none",
    }
}

/// One thing the bot gathered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gathered {
    /// The variable of the flow.
    pub name: String,
    /// What the screen calls it.
    pub label: String,
    pub value: String,
}

/// What indexes of sessions have: state, customer, queue, agent, case, and the steps of the last entry and of the window.
type Place = (SessionState, MessagingUserId, Option<QueueId>, Option<UserId>, Option<CaseId>, (Step, Option<Step>));

/// A time in steps of ten seconds since the epoch, as indexes of sessions have it.
type Step = i64;

/// The step in which a time is.
pub(crate) const fn step(at: Timestamp) -> Step {
    at.0.div_euclid(10_000)
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub channel_id: ChannelId,
    pub messaging_user_id: MessagingUserId,
    pub state: SessionState,
    /// The campaign and the recipient's position in it that the chat came from.
    pub campaign: Option<(CampaignId, u32)>,
    pub attribution: Attribution,
    pub opt_in: OptIn,
    pub opt_in_at: Option<Timestamp>,
    /// Until when free text may be sent; from the provider's time of the customer's last message.
    pub window_expires_at: Option<Timestamp>,
    pub queue_id: Option<QueueId>,
    /// The one agent who talks with the customer.
    pub agent_id: Option<UserId>,
    pub case_id: Option<CaseId>,
    pub gathered: Vec<Gathered>,
    pub unread: u32,
    pub last_text: Option<String>,
    pub last_direction: Option<Direction>,
    pub last_at: Timestamp,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<EndedBy>,
    pub outcome: Option<SessionOutcome>,
    pub origin: SessionOrigin,
    /// When the customer came by an advertisement; the provider's time.
    pub referred_at: Option<Timestamp>,
    /// Until when messages are free of charge because of that.
    pub free_entry_until: Option<Timestamp>,
    /// How many replies wait for the customer ([`crate::pending_reply`]).
    pub pending: u32,
    pub numbers: SessionNumbers,
    /// Rises with every change.
    pub version: i64,
    /// Its place as it is in the store.
    stored: Place,
}

impl Session {
    fn place(&self) -> Place {
        let steps = (step(self.last_at), self.window_expires_at.map(step));
        (self.state, self.messaging_user_id, self.queue_id, self.agent_id, self.case_id, steps)
    }
}

/// Who the customer of a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerView {
    pub messaging_user_id: MessagingUserId,
    /// The best name known: contact, lead, WhatsApp profile, user name, phone number.
    pub name: String,
    pub phone: Option<PhoneNumber>,
    pub username: Option<String>,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
}

/// The campaign a session came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionCampaign {
    pub id: CampaignId,
    pub name: String,
}

/// The agent a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionAgent {
    pub id: UserId,
    pub name: String,
}

/// The customer's agreement to this conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OptInView {
    pub state: OptIn,
    pub at: Option<Timestamp>,
}

/// The latest entry of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastMessage {
    pub text: String,
    pub at: Timestamp,
    pub direction: Direction,
}

/// Who wrote how much in a session, and how fast people answered. Kept while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SessionNumbers)]
pub struct NumbersView {
    pub customer_messages: u32,
    pub agent_messages: u32,
    /// Of bots and automatic ones.
    pub bot_messages: u32,
    /// Milliseconds until a person answered for the first time.
    pub first_response: Option<i64>,
    /// Milliseconds an answer of a person took on average.
    pub average_response: Option<i64>,
    /// Since when the customer waits for a person.
    pub waits_since: Option<Timestamp>,
}

/// A session as screens and events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    pub id: SessionId,
    pub channel_id: ChannelId,
    pub state: SessionState,
    pub customer: CustomerView,
    pub campaign: Option<SessionCampaign>,
    pub attribution: Attribution,
    pub queue_id: Option<QueueId>,
    pub agent: Option<SessionAgent>,
    /// Whether the bot answers what the customer writes.
    pub bot_active: bool,
    pub opt_in: OptInView,
    pub window_expires_at: Option<Timestamp>,
    pub unread_count: u32,
    pub last_message: Option<LastMessage>,
    /// Of the latest entry, also when its words were removed; lists go by it.
    #[serde(skip)]
    pub last_at: Timestamp,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<EndedBy>,
    pub case_id: Option<CaseId>,
    pub gathered: Vec<Gathered>,
    pub origin: SessionOrigin,
    /// Until when messages are free of charge, for a customer who came by an advertisement.
    pub free_entry_until: Option<Timestamp>,
    /// How many replies wait until the customer answers.
    pub pending_count: u32,
    pub numbers: NumbersView,
    pub version: i64,
}

/// Who the text went to that a session came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub contact_id: ContactId,
    pub phone: Option<PhoneNumber>,
}

segue_model::text_enum! {
    /// Which sessions a list shows.
    pub enum SessionFilter {
        /// Open ones of one agent.
        Mine = "mine",
        /// Those that wait for an agent, and those that a person has to look at.
        Waiting = "waiting",
        Open = "open",
        Ended = "ended",
        All = "all",
    }
}

/// Where a page of sessions ended: its last row. Shown as `<milliseconds>.<session id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCursor {
    pub last_at: Timestamp,
    pub id: SessionId,
}

impl SessionCursor {
    /// Before every session.
    pub const START: Self = Self { last_at: Timestamp(i64::MAX), id: SessionId(Uuid::max()) };

    /// Reads the shown form; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (last_at, id) = text.split_once('.')?;
        Some(Self { last_at: Timestamp(last_at.parse().ok()?), id: id.parse().ok()? })
    }
}

impl std::fmt::Display for SessionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.last_at.0, self.id)
    }
}

segue_model::text_enum! {
    /// In which order a list shows sessions.
    pub enum SessionOrder {
        /// The latest entry first.
        Latest = "latest",
        /// Only those whose service window is open; the one that closes next first.
        Closing = "closing",
    }
}

/// Open sessions whose service window closes soon, to be listed in that order.
#[derive(Debug, Clone)]
pub struct ClosingQuery {
    /// Only those of this agent.
    pub agent_id: Option<UserId>,
    pub search: Option<String>,
    /// Only those that close before.
    pub until: Timestamp,
    /// The last row of the page before: here its time is when the window closes.
    pub after: SessionCursor,
    pub limit: u32,
}

/// Which sessions to list.
#[derive(Debug, Clone)]
pub struct SessionQuery {
    pub filter: SessionFilter,
    /// Only those of this agent.
    pub agent_id: Option<UserId>,
    /// Only those in queues of this user.
    pub member_id: Option<UserId>,
    /// Part of the customer's name, phone number or user name.
    pub search: Option<String>,
    pub after: SessionCursor,
    pub limit: u32,
}

crate::sql! {
    OPEN_SESSION = "INSERT INTO sessions (workspace_id, id, channel_id, messaging_user_id, state, attribution, opt_in,
            gathered, last_at, last_step, started_at, version)
        VALUES ($1, $2, $3, $4, 'new', 'none', 'none', '[]', $5, $6, $5, 1) ON CONFLICT DO NOTHING";
    LAST_ENDED_SESSION = "SELECT id FROM sessions WHERE workspace_id = $1 AND messaging_user_id = $2
            AND channel_id = $3 AND state = 'ended' ORDER BY started_at DESC, id DESC LIMIT 1";
    IDLE_SESSIONS = "SELECT id FROM sessions WHERE workspace_id = $1 AND channel_id = $2
            AND state IN ('active', 'inactive') AND idle_since <= $3 AND waits_since IS NULL
            AND (idle_since <= CAST($4 AS BIGINT) OR (state = 'active' AND idle_since <= CAST($5 AS BIGINT))
                OR (idle_warned = 0 AND idle_since <= CAST($6 AS BIGINT)))
            AND (pending = 0 OR idle_since > CAST($4 AS BIGINT))
        ORDER BY idle_since LIMIT $7";
    UNAGREED_SESSIONS = "SELECT id FROM sessions WHERE workspace_id = $1 AND channel_id = $2 AND state = 'new'
            AND idle_since <= $3 AND opt_in IN ('asked', 'confirming') AND waits_since IS NULL AND pending = 0
        ORDER BY idle_since LIMIT $4";
    CLOSING_SESSIONS = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1 AND v.state <> 'ended'
            AND v.window_step BETWEEN $8 AND $9 AND v.window_expires_at < $2 AND (v.window_expires_at, v.id) > ($3, $4)
            AND (CAST($5 AS UUID) IS NULL OR v.agent_id = $5)
            AND (CAST($6 AS TEXT) IS NULL OR v.search LIKE $6 ESCAPE '!' OR v.phone LIKE $6 ESCAPE '!')
        ORDER BY v.window_step, v.window_expires_at, v.id LIMIT $7";
    OPEN_SESSION_OF = "SELECT id FROM sessions
        WHERE workspace_id = $1 AND channel_id = $2 AND messaging_user_id = $3 AND state <> 'ended'";
    SESSION = "SELECT id, channel_id, messaging_user_id, state, campaign_id, position, attribution, opt_in, opt_in_at,
            window_expires_at, queue_id, agent_id, case_id, gathered, unread, last_text, last_direction, last_at,
            started_at, ended_at, ended_by, outcome, origin, referred_at, free_entry_until, pending, customer_messages,
            agent_messages, bot_messages, answers, answers_took, first_answer_took, waits_since, idle_since, idle_warned,
            version
        FROM sessions WHERE workspace_id = $1 AND id = $2";
    OPEN_SESSION_TO_CHANGE = "SELECT id, channel_id, messaging_user_id, state, campaign_id, position, attribution, opt_in,
            opt_in_at, window_expires_at, queue_id, agent_id, case_id, gathered, unread, last_text, last_direction,
            last_at, started_at, ended_at, ended_by, outcome, origin, referred_at, free_entry_until, pending, customer_messages,
            agent_messages, bot_messages, answers, answers_took, first_answer_took, waits_since, idle_since, idle_warned,
            version
        FROM sessions WHERE workspace_id = $1 AND channel_id = $2 AND messaging_user_id = $3 AND state <> 'ended'";
    /// Like `SAVE_SESSION`, without the columns that indexes have. SQLite writes each index that has a column of the
    /// statement, changed or not.
    SAVE_SAME_SESSION = "UPDATE sessions SET campaign_id = $4, position = $5, attribution = $6, opt_in = $7,
            opt_in_at = $8, window_expires_at = $9, gathered = $10, unread = $11, last_text = $12, last_direction = $13,
            last_at = $14, ended_at = $15, ended_by = $16, outcome = $17, origin = $18, referred_at = $19,
            free_entry_until = $20, pending = $21, customer_messages = $22, agent_messages = $23, bot_messages = $24,
            answers = $25, answers_took = $26, first_answer_took = $27, waits_since = $28, idle_since = $29,
            idle_warned = $30, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND version = $3";
    SAVE_SESSION = "UPDATE sessions SET campaign_id = $4, position = $5, attribution = $6, opt_in = $7, opt_in_at = $8,
            window_expires_at = $9, gathered = $10, unread = $11, last_text = $12, last_direction = $13,
            last_at = $14, ended_at = $15, ended_by = $16, outcome = $17, origin = $18, referred_at = $19,
            free_entry_until = $20, pending = $21, customer_messages = $22, agent_messages = $23, bot_messages = $24,
            answers = $25, answers_took = $26, first_answer_took = $27, waits_since = $28, idle_since = $29,
            idle_warned = $30, queue_id = $31, agent_id = $32, case_id = $33, state = $34, messaging_user_id = $35,
            last_step = $36, window_step = $37, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND version = $3";
    ORIGIN = "SELECT contact_id, phone FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3";
    QUIET_SESSIONS = "SELECT id FROM sessions
        WHERE workspace_id = $1 AND state = 'active' AND window_step <= $4 AND window_expires_at <= $2
        ORDER BY id LIMIT $3";
    SESSION_VIEW = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1 AND v.id = $2";
    SESSIONS_OF_USER = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1 AND v.messaging_user_id = $2
        AND v.id <> $3 ORDER BY v.started_at DESC, v.id DESC LIMIT $4";
    SESSION_IDS_OF_USER = "SELECT id FROM sessions WHERE workspace_id = $1 AND messaging_user_id = $2 ORDER BY id";
    SESSIONS_IN_SIGHT = "SELECT id FROM sessions WHERE workspace_id = $1 AND state <> 'ended' AND agent_id = $2
        UNION SELECT id FROM sessions WHERE workspace_id = $1 AND state <> 'ended' AND state IN ('waiting', 'error')
            AND agent_id IS NULL AND queue_id IN (SELECT m.queue_id FROM queue_members m WHERE m.workspace_id = $1 AND m.user_id = $2)";
    OPEN_SESSIONS = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1 AND v.state <> 'ended'
            AND (CAST($2 AS TEXT) IS NULL OR v.state IN ('waiting', 'error'))
            AND ((CAST($3 AS UUID) IS NULL AND CAST($4 AS UUID) IS NULL) OR v.agent_id = $3
                OR (v.agent_id IS NULL AND v.state IN ('waiting', 'error') AND v.queue_id IN
                    (SELECT m.queue_id FROM queue_members m WHERE m.workspace_id = $1 AND m.user_id = $4)))
            AND (CAST($5 AS TEXT) IS NULL OR v.search LIKE $5 ESCAPE '!' OR v.phone LIKE $5 ESCAPE '!')
            AND v.last_step <= $9 AND (v.last_at, v.id) < ($6, $7)
        ORDER BY v.last_step DESC, v.last_at DESC, v.id DESC LIMIT $8";
    LONGEST_WAITING = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1 AND v.state <> 'ended'
            AND v.agent_id IS NULL AND v.state IN ('waiting', 'error')
            AND (CAST($2 AS UUID) IS NULL OR v.queue_id IN
                (SELECT m.queue_id FROM queue_members m WHERE m.workspace_id = $1 AND m.user_id = $2))
        ORDER BY v.started_at, v.id LIMIT $3";
    ALL_SESSIONS = "SELECT v.* FROM session_details v WHERE v.workspace_id = $1
            AND (CAST($2 AS TEXT) IS NULL OR v.state = $2)
            AND ((CAST($3 AS UUID) IS NULL AND CAST($4 AS UUID) IS NULL) OR v.agent_id = $3
                OR (v.agent_id IS NULL AND v.state IN ('waiting', 'error') AND v.queue_id IN
                    (SELECT m.queue_id FROM queue_members m WHERE m.workspace_id = $1 AND m.user_id = $4)))
            AND (CAST($5 AS TEXT) IS NULL OR v.search LIKE $5 ESCAPE '!' OR v.phone LIKE $5 ESCAPE '!')
            AND v.last_step <= $9 AND (v.last_at, v.id) < ($6, $7)
        ORDER BY v.last_step DESC, v.last_at DESC, v.id DESC LIMIT $8";
}

fn read_session(row: &mut Row<'_>) -> Result<Session, StoreError> {
    let (id, channel_id, messaging_user_id, state) = (row.next()?, row.next()?, row.next()?, row.word()?);
    let mut session = Session {
        id,
        channel_id,
        messaging_user_id,
        state,
        stored: (state, messaging_user_id, None, None, None, (0, None)),
        campaign: {
            let (campaign_id, position): (Option<CampaignId>, Option<u32>) = (row.next()?, row.next()?);
            campaign_id.zip(position)
        },
        attribution: row.word()?,
        opt_in: row.word()?,
        opt_in_at: row.next()?,
        window_expires_at: row.next()?,
        queue_id: row.next()?,
        agent_id: row.next()?,
        case_id: row.next()?,
        gathered: row.json()?,
        unread: row.next()?,
        last_text: row.next()?,
        last_direction: row.optional_word()?,
        last_at: row.next()?,
        started_at: row.next()?,
        ended_at: row.next()?,
        ended_by: row.optional_word()?,
        outcome: row.optional_word()?,
        origin: row.word()?,
        referred_at: row.next()?,
        free_entry_until: row.next()?,
        pending: row.next()?,
        numbers: SessionNumbers {
            customer_messages: row.next()?,
            agent_messages: row.next()?,
            bot_messages: row.next()?,
            answers: row.next()?,
            answers_took: row.next()?,
            first_answer_took: row.next()?,
            waits_since: row.next()?,
            idle_since: row.next()?,
            idle_warned: row.next::<i64>()? != 0,
        },
        version: row.next()?,
    };
    session.stored = session.place();
    Ok(session)
}

fn read_view(row: &mut Row<'_>) -> Result<SessionView, StoreError> {
    let _workspace_id: WorkspaceId = row.next()?;
    let (id, channel_id, state) = (row.next()?, row.next()?, row.word()?);
    let messaging_user_id = row.next()?;
    let (profile_name, username): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let (contact_id, lead_id) = (row.next()?, row.next()?);
    let (first_name, last_name): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let lead_name: Option<String> = row.next()?;
    let phone: Option<PhoneNumber> = row.next()?;
    let full_name = [first_name, last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = [Some(full_name), lead_name, profile_name, username.clone()]
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty())
        .or_else(|| phone.as_ref().map(ToString::to_string))
        .unwrap_or_else(|| "WhatsApp customer".to_owned());
    let (campaign_id, campaign_name): (Option<CampaignId>, Option<String>) = (row.next()?, row.next()?);
    let (attribution, queue_id) = (row.word()?, row.next()?);
    let (agent_id, agent_name): (Option<UserId>, Option<String>) = (row.next()?, row.next()?);
    let bot_status: Option<crate::flow::RunStatus> = row.optional_word()?;
    let opt_in = OptInView { state: row.word()?, at: row.next()? };
    let (window_expires_at, unread_count) = (row.next()?, row.next()?);
    let (last_text, last_direction): (Option<String>, Option<Direction>) = (row.next()?, row.optional_word()?);
    let last_at = row.next()?;
    Ok(SessionView {
        id,
        channel_id,
        state,
        customer: CustomerView { messaging_user_id, name, phone, username, contact_id, lead_id },
        campaign: campaign_id.zip(campaign_name).map(|(id, name)| SessionCampaign { id, name }),
        attribution,
        queue_id,
        agent: agent_id.zip(agent_name).map(|(id, name)| SessionAgent { id, name }),
        bot_active: state != SessionState::Ended && bot_status.is_some_and(crate::flow::RunStatus::is_active),
        opt_in,
        window_expires_at,
        unread_count,
        last_message: last_text.zip(last_direction).map(|(text, direction)| LastMessage {
            text,
            at: last_at,
            direction,
        }),
        last_at,
        started_at: row.next()?,
        ended_at: row.next()?,
        ended_by: row.optional_word()?,
        case_id: row.next()?,
        gathered: row.json()?,
        version: row.next()?,
        origin: row.word()?,
        free_entry_until: row.next()?,
        pending_count: row.next()?,
        numbers: read_numbers(row)?,
    })
}

fn read_numbers(row: &mut Row<'_>) -> Result<NumbersView, StoreError> {
    let numbers = SessionNumbers {
        customer_messages: row.next()?,
        agent_messages: row.next()?,
        bot_messages: row.next()?,
        answers: row.next()?,
        answers_took: row.next()?,
        first_answer_took: row.next()?,
        waits_since: row.next()?,
        ..SessionNumbers::default()
    };
    Ok(NumbersView {
        customer_messages: numbers.customer_messages,
        agent_messages: numbers.agent_messages,
        bot_messages: numbers.bot_messages,
        first_response: numbers.first_answer_took,
        average_response: numbers.average_answer(),
        waits_since: numbers.waits_since,
    })
}

/// A pattern for `LIKE … ESCAPE '!'` that finds the text anywhere.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

impl Tx<'_> {
    /// Opens a session for a customer unless one is open already. `false` when one is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_session(
        &mut self,
        workspace_id: WorkspaceId,
        id: SessionId,
        channel_id: ChannelId,
        messaging_user_id: MessagingUserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&OPEN_SESSION, &[&workspace_id, &id, &channel_id, &messaging_user_id, &at, &step(at)])? == 1)
    }

    /// The customer's session that is not ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_session_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        messaging_user_id: MessagingUserId,
    ) -> Result<Option<SessionId>, StoreError> {
        self.query_opt(&OPEN_SESSION_OF, &[&workspace_id, &channel_id, &messaging_user_id], |row| row.next())
    }

    /// The customer's session that is not ended, held until the transaction ends.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_session_to_change(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        messaging_user_id: MessagingUserId,
    ) -> Result<Option<Session>, StoreError> {
        let open =
            self.query_opt(&OPEN_SESSION_TO_CHANGE, &[&workspace_id, &channel_id, &messaging_user_id], read_session)?;
        match open {
            // Another transaction may have changed it before the lock was granted.
            Some(session) if self.dialect() == Dialect::Postgres => {
                let held = self.session_to_change(workspace_id, session.id)?;
                Ok(held.filter(|session| session.state != SessionState::Ended))
            }
            open => Ok(open),
        }
    }

    /// A session to be changed: nobody else changes it until this transaction ends.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_to_change(
        &mut self,
        workspace_id: WorkspaceId,
        id: SessionId,
    ) -> Result<Option<Session>, StoreError> {
        self.lock("session", &id)?;
        self.session(workspace_id, id)
    }

    /// A session as it is stored.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session(&mut self, workspace_id: WorkspaceId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.query_opt(&SESSION, &[&workspace_id, &id], read_session)
    }

    /// Stores a changed session that [`Tx::session_to_change`] gave, and raises its version.
    ///
    /// # Errors
    /// When the store fails, or when somebody changed the session without its lock.
    pub fn save_session(&mut self, workspace_id: WorkspaceId, session: &mut Session) -> Result<(), StoreError> {
        let gathered = json_text(&session.gathered)?;
        let (last_step, window_step) = (step(session.last_at), session.window_expires_at.map(step));
        let all: [&dyn Bind; 37] = [
            &workspace_id,
            &session.id,
            &session.version,
            &session.campaign.map(|(campaign_id, _)| campaign_id),
            &session.campaign.map(|(_, position)| position),
            &session.attribution.as_str(),
            &session.opt_in.as_str(),
            &session.opt_in_at,
            &session.window_expires_at,
            &gathered,
            &session.unread,
            &session.last_text,
            &optional_word(session.last_direction),
            &session.last_at,
            &session.ended_at,
            &optional_word(session.ended_by),
            &optional_word(session.outcome),
            &session.origin.as_str(),
            &session.referred_at,
            &session.free_entry_until,
            &session.pending,
            &session.numbers.customer_messages,
            &session.numbers.agent_messages,
            &session.numbers.bot_messages,
            &session.numbers.answers,
            &session.numbers.answers_took,
            &session.numbers.first_answer_took,
            &session.numbers.waits_since,
            &session.numbers.idle_since,
            &i64::from(session.numbers.idle_warned),
            &session.queue_id,
            &session.agent_id,
            &session.case_id,
            &session.state.as_str(),
            &session.messaging_user_id,
            &last_step,
            &window_step,
        ];
        let is_same = session.stored == session.place();
        let written =
            if is_same { self.execute(&SAVE_SAME_SESSION, &all[..30])? } else { self.execute(&SAVE_SESSION, &all)? };
        if written != 1 {
            return Err(StoreError::Unavailable("the session was changed at the same time".to_owned()));
        }
        session.version += 1;
        session.stored = session.place();
        Ok(())
    }

    /// The campaign's recipient that a session came from.
    ///
    /// # Errors
    /// When the store fails.
    pub fn origin(
        &mut self,
        workspace_id: WorkspaceId,
        (campaign_id, position): (CampaignId, u32),
    ) -> Result<Option<Origin>, StoreError> {
        self.query_opt(&ORIGIN, &[&workspace_id, &campaign_id, &position], |row| {
            Ok(Origin { contact_id: row.next()?, phone: row.next()? })
        })
    }

    /// Active sessions whose service window has closed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn quiet_sessions(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.query(&QUIET_SESSIONS, &[&workspace_id, &now, &limit, &step(now)], |row| row.next())
    }

    /// The customer's session on a channel that ended last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_ended_session(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        messaging_user_id: MessagingUserId,
    ) -> Result<Option<Session>, StoreError> {
        let found: Option<SessionId> =
            self.query_opt(&LAST_ENDED_SESSION, &[&workspace_id, &messaging_user_id, &channel_id], |row| row.next())?;
        match found {
            Some(id) => self.session(workspace_id, id),
            None => Ok(None),
        }
    }

    /// Sessions of a channel in which the customer's silence has become long enough to mean something. While the customer
    /// waits for a person, it is not they who are silent.
    ///
    /// # Errors
    /// When the store fails.
    pub fn idle_sessions(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        rules: &IdleRules,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        let Some(shortest) = rules.shortest() else { return Ok(Vec::new()) };
        let before = |minutes: Option<u32>| minutes.map(|minutes| now.plus(-conversation::millis(minutes)));
        self.query(
            &IDLE_SESSIONS,
            &[
                &workspace_id,
                &channel_id,
                &now.plus(-shortest),
                &before(rules.end_minutes).unwrap_or(Timestamp(i64::MIN)),
                &before(rules.inactive_minutes),
                &before(rules.warn_minutes),
                &limit,
            ],
            |row| row.next(),
        )
    }

    /// Sessions of a channel in which the customer was asked to agree to the conversation, and has been silent for as long
    /// as ends one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unagreed_sessions(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        rules: &IdleRules,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        let Some(minutes) = rules.end_minutes else { return Ok(Vec::new()) };
        let before = now.plus(-conversation::millis(minutes));
        self.query(&UNAGREED_SESSIONS, &[&workspace_id, &channel_id, &before, &limit], |row| row.next())
    }

    /// One page of open sessions by the end of their service window, the next one to close first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn closing_sessions(
        &mut self,
        workspace_id: WorkspaceId,
        query: &ClosingQuery,
    ) -> Result<Vec<SessionView>, StoreError> {
        let search = query.search.as_deref().filter(|search| !search.trim().is_empty()).map(pattern);
        self.query(
            &CLOSING_SESSIONS,
            &[
                &workspace_id,
                &query.until,
                &query.after.last_at,
                &query.after.id,
                &query.agent_id,
                &search,
                &query.limit,
                &step(query.after.last_at),
                &step(query.until),
            ],
            read_view,
        )
    }

    /// A session as screens show it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_view(
        &mut self,
        workspace_id: WorkspaceId,
        id: SessionId,
    ) -> Result<Option<SessionView>, StoreError> {
        self.query_opt(&SESSION_VIEW, &[&workspace_id, &id], read_view)
    }

    /// Other sessions of the same customer, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn other_sessions_of(
        &mut self,
        workspace_id: WorkspaceId,
        messaging_user_id: MessagingUserId,
        except: SessionId,
        limit: u32,
    ) -> Result<Vec<SessionView>, StoreError> {
        self.query(&SESSIONS_OF_USER, &[&workspace_id, &messaging_user_id, &except, &limit], read_view)
    }

    /// All sessions of a customer, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_ids_of(
        &mut self,
        workspace_id: WorkspaceId,
        messaging_user_id: MessagingUserId,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.query(&SESSION_IDS_OF_USER, &[&workspace_id, &messaging_user_id], |row| row.next())
    }

    /// The open sessions an agent has on the screen: the agent's own and those that wait in the agent's queues.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions_in_sight(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.query(&SESSIONS_IN_SIGHT, &[&workspace_id, &user_id], |row| row.next())
    }

    /// The sessions without an agent that wait for one or that a person has to look at, the longest first: those in queues
    /// of this user, or all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn longest_waiting_sessions(
        &mut self,
        workspace_id: WorkspaceId,
        member_id: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<SessionView>, StoreError> {
        self.query(&LONGEST_WAITING, &[&workspace_id, &member_id, &limit], read_view)
    }

    /// One page of sessions, latest entry first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions(
        &mut self,
        workspace_id: WorkspaceId,
        query: &SessionQuery,
    ) -> Result<Vec<SessionView>, StoreError> {
        let search = query.search.as_deref().filter(|search| !search.trim().is_empty()).map(pattern);
        let (sql, state) = match query.filter {
            SessionFilter::Mine | SessionFilter::Open => (&OPEN_SESSIONS, None),
            SessionFilter::Waiting => (&OPEN_SESSIONS, Some("waiting")),
            SessionFilter::Ended => (&ALL_SESSIONS, Some("ended")),
            SessionFilter::All => (&ALL_SESSIONS, None),
        };
        self.query(
            sql,
            &[
                &workspace_id,
                &state,
                &query.agent_id,
                &query.member_id,
                &search,
                &query.after.last_at,
                &query.after.id,
                &query.limit,
                &step(query.after.last_at),
            ],
            read_view,
        )
    }
}
