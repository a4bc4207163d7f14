//! What providers report of messages that left, and how a report finds its message.
//!
//! A report is matched by the provider's id, else by our own id that WhatsApp sends back, else, for an SMS whose
//! outcome is unknown, by its recipient when there is exactly one such message. One that waits to be sent again after an
//! attempt in doubt is such a message for the report that it arrived, and is then not sent again. What only looks like a
//! report is believed of messages to the number it came from. What cannot be matched is parked: the
//! message's id at the provider may be about to be stored. An id that is only another number's writing of the provider's
//! (hexadecimal for decimal) can be the id of another message: it is taken only where the recipient is the same, and of all
//! writings the one that leads to a message to the recipient comes first. Parked reports are looked at when provider ids are stored,
//! when a message becomes `unknown`, and by [`Tx::match_parked_reports`], which finds those that crossed with either in
//! another transaction.
//!
//! Reports come late, twice and in any order; [`Reports`] folds them so that none of it matters and the state never
//! falls.

use std::collections::HashSet;

use segue_model::{
    CampaignId, ChannelId, Ctx, MessageId, SessionId, Timestamp, WorkspaceId,
    delivery::{OutboxState, Report, Reports},
    id::Id as _,
    wake::Wake,
    window,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    event::NewEvent,
    message::MessageState,
    session::step,
    submission::{Change, Failure, read_change},
    tx::json_text,
    value::{Bind as _, Param},
};

/// What a provider told of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    pub report: Report,
    /// The provider's time of it.
    pub at: Timestamp,
    /// Why, for a failure.
    pub failure: Option<Failure>,
}

/// How to find the message a report is about.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTarget {
    /// The provider's id in every way it may have been written before, as it is first.
    pub provider_ids: Vec<String>,
    /// Our own id, when the provider sends it back.
    pub message_id: Option<MessageId>,
    /// E.164 of the recipient, where the provider offers no better way to find a message whose outcome is unknown.
    pub recipient: Option<String>,
    /// Nothing but its looks says that it is a report. Anybody can text such a thing, so it counts only for messages to the
    /// number it came from.
    #[serde(default)]
    pub is_by_looks: bool,
}

impl ReportTarget {
    /// Whether the report may be about a message to this address, as far as the number says that it came from: carriers
    /// leave out the country code here and there.
    fn may_be_to(&self, address: &str) -> bool {
        let digits = self.recipient.as_deref().unwrap_or_default().trim_start_matches(['+', '0']);
        !self.is_by_looks || (digits.len() >= 6 && address.ends_with(digits))
    }

    /// Whether the report names this address as the recipient, whole or as carriers shorten it, or names none.
    fn names(&self, address: &str) -> bool {
        self.recipient.as_deref().is_none_or(|recipient| {
            let digits = recipient.trim_start_matches(['+', '0']);
            recipient == address || (digits.len() >= 6 && address.ends_with(digits))
        })
    }

    /// Whether this is the provider's id in another number's writing, as against one with other zeros in front or in the
    /// other case.
    fn is_converted(&self, provider_id: &str) -> bool {
        let bare = |id: &str| id.trim_start_matches('0').to_ascii_lowercase();
        self.provider_ids.first().is_some_and(|first| bare(first) != bare(provider_id))
    }
}

impl std::fmt::Debug for ReportTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReportTarget({} ids, {:?})", self.provider_ids.len(), self.message_id)
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// It is in the message's state.
    Message(MessageId),
    /// It waits for its message.
    Parked,
}

/// Most parked reports that are looked at at once.
const AT_ONCE: usize = 200;

/// How far [`Tx::match_parked_reports`] has looked. What finds no message is passed over until all have been looked at, so
/// that it keeps nothing behind it from its message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParkedSweep([Uuid; 3]);

/// A report that waits for its message.
#[derive(Serialize, Deserialize)]
struct Parked {
    target: ReportTarget,
    report: ProviderReport,
}

crate::sql! {
    /// Carriers use their ids again after a while: the newest message is meant.
    MESSAGE_OF_PROVIDER_ID = "SELECT id FROM outbox WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3
            AND (CAST($4 AS TEXT) IS NULL OR address = $4)
        ORDER BY id DESC LIMIT 1";
    MESSAGE_OF_FURTHER_ID = "SELECT p.message_id FROM provider_messages p
        WHERE p.workspace_id = $1 AND p.channel_id = $2 AND p.provider_id = $3
            AND (CAST($4 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM outbox o
                WHERE o.workspace_id = p.workspace_id AND o.id = p.message_id AND o.address = $4))";
    /// A further id of a whole message, or the id of the next part of one whose parts are not all known.
    LINK_FURTHER_ID = "INSERT INTO provider_messages (workspace_id, channel_id, provider_id, message_id, part)
        SELECT o.workspace_id, o.channel_id, CAST($3 AS TEXT), o.id, CASE WHEN o.parts IS NULL THEN NULL ELSE 1 + (
                SELECT COUNT(*) FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL) END
        FROM outbox o WHERE o.workspace_id = $1 AND o.id = $2
        ON CONFLICT (workspace_id, channel_id, provider_id) DO NOTHING";
    /// An id that its carrier uses again is the newer message's from then on.
    LINK_PROVIDER_ID = "INSERT INTO provider_messages (workspace_id, channel_id, provider_id, message_id, part)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, channel_id, provider_id) DO UPDATE
            SET message_id = excluded.message_id, part = excluded.part, delivered_at = NULL
            WHERE provider_messages.message_id < excluded.message_id";
    /// A whole message of a campaign or of no session that the provider has, and of which nothing else is reported yet.
    WHOLE_MESSAGE = sqlite: "SELECT o.id, o.campaign_id, o.address FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.provider_id = $3
            AND o.session_id IS NULL AND o.state = 'accepted' AND o.delivered_at IS NULL AND o.read_at IS NULL
            AND o.failed_at IS NULL AND NOT EXISTS (SELECT 1 FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL)
        ORDER BY o.id DESC LIMIT 1",
        postgres: "SELECT o.id, o.campaign_id, o.address FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.provider_id = $3
            AND o.session_id IS NULL AND o.state = 'accepted' AND o.delivered_at IS NULL AND o.read_at IS NULL
            AND o.failed_at IS NULL AND NOT EXISTS (SELECT 1 FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL)
        ORDER BY o.id DESC LIMIT 1 FOR UPDATE OF o";
    DELIVERED = "UPDATE outbox SET state = 'delivered', delivered_at = $3 WHERE workspace_id = $1 AND id = $2";
    ANY_PARKED = "SELECT 1 FROM parked_reports WHERE workspace_id = $1 AND channel_id = $2 LIMIT 1";
    OWN_MESSAGE = "SELECT id FROM outbox WHERE workspace_id = $1 AND id = $2 AND channel_id = $3";
    UNCLEAR_TO = "SELECT o.id, o.state FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.address = $3 AND o.state IN ('submitting', 'unknown')
            AND (o.state = 'claimed' OR o.state = 'submitting' OR o.state = 'unknown')
            AND (o.provider_id IS NULL OR o.parts > (SELECT COUNT(*) FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL)) LIMIT 2";
    /// What waits to be sent again though an attempt may have arrived: whole messages, for a part says nothing of the rest.
    QUEUED_IN_DOUBT_TO = "SELECT o.id, o.state FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.address = $3 AND o.state = 'queued' AND o.maybe_left = 1
            AND o.provider_id IS NULL AND o.parts IS NULL LIMIT 2";
    PART_DELIVERED = "UPDATE provider_messages SET delivered_at = $4
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3 AND delivered_at IS NULL";
    PARTS_UNDELIVERED = "SELECT COUNT(*) FROM provider_messages
        WHERE workspace_id = $1 AND message_id = $2 AND delivered_at IS NULL AND part IS NOT NULL";
    /// Last how many of its parts nobody knows an id of.
    REPORTS = sqlite: "SELECT o.state, o.accepted_at, o.delivered_at, o.read_at, o.played_at, o.failed_at, o.session_id,
            o.submitted_at, CASE WHEN o.parts IS NULL THEN 0 ELSE o.parts - (SELECT COUNT(*) FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL) END
        FROM outbox o WHERE o.workspace_id = $1 AND o.id = $2",
        postgres: "SELECT o.state, o.accepted_at, o.delivered_at, o.read_at, o.played_at, o.failed_at, o.session_id,
            o.submitted_at, CASE WHEN o.parts IS NULL THEN 0 ELSE o.parts - (SELECT COUNT(*) FROM provider_messages p
                WHERE p.workspace_id = o.workspace_id AND p.message_id = o.id AND p.part IS NOT NULL) END
        FROM outbox o WHERE o.workspace_id = $1 AND o.id = $2 FOR UPDATE OF o";
    SET_REPORTS = "UPDATE outbox SET state = $3, accepted_at = $4, delivered_at = $5, read_at = $6, failed_at = $7,
            error_class = $8, error_code = $9, error_reason = $10, lease_owner = NULL, lease_until = NULL,
            submitted_at = COALESCE(submitted_at, $11), played_at = $12
        WHERE workspace_id = $1 AND id = $2
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    ADD_REPORTS = "UPDATE outbox SET accepted_at = $3, delivered_at = $4, read_at = $5, failed_at = $6, played_at = $7
        WHERE workspace_id = $1 AND id = $2";
    FAILURE_OF = "SELECT error_class, error_code, error_reason FROM outbox WHERE workspace_id = $1 AND id = $2";
    SUBMITTED_AT = "SELECT submitted_at FROM outbox WHERE workspace_id = $1 AND id = $2";
    CLOSE_WINDOW = "UPDATE sessions SET window_expires_at = $3, window_step = $5, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND window_expires_at > $3 AND window_expires_at <= $4";
    PARK = "INSERT INTO parked_reports (workspace_id, channel_id, provider_id, id, recipient, report, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    PARKED_FOR_ID = "SELECT id, report FROM parked_reports
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3 ORDER BY id";
    /// What came before the message left speaks of an earlier one.
    PARKED_FOR_RECIPIENT = "SELECT DISTINCT id, report FROM parked_reports
        WHERE workspace_id = $1 AND channel_id = $2 AND recipient = $3 AND received_at >= $4 ORDER BY id";
    PARKED_AND_ACCEPTED = "SELECT DISTINCT p.id, p.report FROM parked_reports p
        JOIN outbox o ON o.workspace_id = p.workspace_id AND o.channel_id = p.channel_id
            AND o.provider_id = p.provider_id
        WHERE p.workspace_id = $1 AND p.channel_id = $2 AND p.id > $3 ORDER BY p.id LIMIT 200";
    PARKED_AND_LINKED = "SELECT DISTINCT p.id, p.report FROM parked_reports p
        JOIN provider_messages m ON m.workspace_id = p.workspace_id AND m.channel_id = p.channel_id
            AND m.provider_id = p.provider_id
        WHERE p.workspace_id = $1 AND p.channel_id = $2 AND p.id > $3 ORDER BY p.id LIMIT 200";
    PARKED_AND_UNKNOWN = "SELECT DISTINCT p.id, p.report FROM parked_reports p
        JOIN outbox o ON o.workspace_id = p.workspace_id AND o.channel_id = p.channel_id AND o.address = p.recipient
        WHERE p.workspace_id = $1 AND p.channel_id = $2 AND p.id > $3 AND o.state = 'unknown'
            AND (o.state = 'claimed' OR o.state = 'submitting' OR o.state = 'unknown') ORDER BY p.id LIMIT 200";
    ADDRESS_OF = "SELECT address FROM outbox WHERE workspace_id = $1 AND id = $2";
    ADDRESS_SINCE = "SELECT address, COALESCE(submitted_at, 0) FROM outbox WHERE workspace_id = $1 AND id = $2";
    UNPARK = "DELETE FROM parked_reports WHERE workspace_id = $1 AND id = $2";
    DELETE_PARKED = "DELETE FROM parked_reports WHERE workspace_id = $1 AND received_at < $2";
    COUNT_PARKED = "SELECT COUNT(DISTINCT id) FROM parked_reports WHERE workspace_id = $1 AND channel_id = $2";
}

/// How far the clocks of two nodes may be apart.
const CLOCKS_DIFFER_BY: i64 = 5 * segue_model::time::SECOND;

impl Tx<'_> {
    /// Takes a provider's report in: folds it into its message's state, or parks it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn apply_report(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        target: &ReportTarget,
        report: &ProviderReport,
        ctx: &Ctx,
    ) -> Result<Matched, StoreError> {
        if let Some((id, part)) = self.find_target(workspace_id, channel_id, (target, report.report), ctx)? {
            self.report_part(workspace_id, channel_id, (id, part.as_deref()), report, ctx.now())?;
            return Ok(Matched::Message(id));
        }
        let parked = json_text(&Parked { target: target.clone(), report: report.clone() })?;
        let (id, recipient) = (ctx.uuid(), target.recipient.as_deref().unwrap_or_default());
        for provider_id in &target.provider_ids {
            self.nothing_parked = None;
            self.execute(&PARK, &[&workspace_id, &channel_id, provider_id, &id, &recipient, &parked, &ctx.now()])?;
        }
        Ok(Matched::Parked)
    }

    /// [`Tx::apply_report`] for several reports.
    ///
    /// # Errors
    /// When the store fails.
    pub fn apply_reports(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        reports: &[(ReportTarget, ProviderReport)],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        for index in self.apply_usual_reports(workspace_id, channel_id, reports)? {
            let (target, report) = &reports[index];
            self.apply_report(workspace_id, channel_id, target, report, ctx)?;
        }
        Ok(())
    }

    /// Takes in the usual ones among several reports, "delivered" for a message of one part of which nothing else was told,
    /// with two statements each, and gives the places of the others: those are for [`Tx::apply_report`]. Of a usual one the
    /// first id is enough.
    ///
    /// # Errors
    /// When the store fails.
    pub fn apply_usual_reports(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        reports: &[(ReportTarget, ProviderReport)],
    ) -> Result<Vec<usize>, StoreError> {
        let usual = reports.iter().filter_map(|(target, report)| {
            let provider_id = target.provider_ids.first()?;
            (report.report == Report::Delivered && !target.is_by_looks).then_some(provider_id)
        });
        let (workspace, channel) = (Param::Id(workspace_id.uuid()), Param::Id(channel_id.uuid()));
        let found = self.query_each(
            &WHOLE_MESSAGE,
            usual,
            |provider_id| [workspace, channel, provider_id.bind()],
            |row| Ok((row.next::<MessageId>()?, row.next::<Option<CampaignId>>()?, row.next::<String>()?)),
        )?;
        let (mut found, mut delivered, mut others) = (found.into_iter(), Vec::new(), Vec::new());
        let mut told = HashSet::new();
        for (index, (target, report)) in reports.iter().enumerate() {
            let is_usual = report.report == Report::Delivered && !target.is_by_looks && !target.provider_ids.is_empty();
            match if is_usual { found.next().flatten() } else { None } {
                // What is told twice is folded the second time, and what may be somebody else's is looked at closely.
                Some((id, campaign_id, address)) if target.names(&address) && told.insert(id) => {
                    delivered.push((id, report.at, campaign_id))
                }
                _ => others.push(index),
            }
        }
        self.execute_each(&DELIVERED, &delivered, |(id, at, _)| [workspace, id.bind(), at.bind()])?;
        for campaign_id in delivered.into_iter().filter_map(|(_, _, campaign_id)| campaign_id) {
            self.wake(Wake::Progress(workspace_id, campaign_id));
            let to = (OutboxState::Delivered, None);
            self.tally_move(workspace_id, campaign_id, OutboxState::Accepted, to, 1);
        }
        Ok(others)
    }

    /// The message of a report and the provider id it is known by.
    fn find_target(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (target, report): (&ReportTarget, Report),
        ctx: &Ctx,
    ) -> Result<Option<(MessageId, Option<String>)>, StoreError> {
        let recipient = target.recipient.as_deref();
        // First the messages to the recipient, by whichever writing of the id. What is only to somebody else is taken by
        // the id as the provider wrote it: some carriers write the recipient in ways of their own.
        let to_recipient = target.provider_ids.iter().filter(|_| recipient.is_some()).map(|id| (id, recipient));
        let as_written = target.provider_ids.iter().filter(|id| recipient.is_none() || !target.is_converted(id));
        for (provider_id, only_to) in to_recipient.chain(as_written.map(|id| (id, None))) {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, provider_id, &only_to];
            for sql in [&MESSAGE_OF_PROVIDER_ID, &MESSAGE_OF_FURTHER_ID] {
                let Some(id) = self.query_opt(sql, keys, |row| row.next())? else { continue };
                if !target.is_by_looks || self.is_to(workspace_id, id, target)? {
                    return Ok(Some((id, Some(provider_id.clone()))));
                }
            }
        }
        let own = match target.message_id {
            Some(id) => self.query_opt(&OWN_MESSAGE, &[&workspace_id, &id, &channel_id], |row| row.next())?,
            None => match &target.recipient {
                Some(recipient) => self.only_unknown_to(workspace_id, channel_id, (recipient, report))?,
                None => None,
            },
        };
        let Some(id) = own else { return Ok(None) };
        let first = target.provider_ids.first().cloned();
        self.link_provider_ids(workspace_id, channel_id, id, first.as_slice(), ctx)?;
        Ok(Some((id, first)))
    }

    /// Whether the report may be about a message with this address.
    fn is_to(&mut self, workspace_id: WorkspaceId, id: MessageId, target: &ReportTarget) -> Result<bool, StoreError> {
        let address: Option<String> = self.query_opt(&ADDRESS_OF, &[&workspace_id, &id], |row| row.next())?;
        Ok(address.is_some_and(|address| target.may_be_to(&address)))
    }

    /// The one message to this recipient whose outcome is unknown and whose provider id nobody has. None when there are
    /// several, or when one is being submitted: the report could be either's. That one arrived can also be told of one that
    /// waits to be sent again.
    fn only_unknown_to(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (recipient, report): (&str, Report),
    ) -> Result<Option<MessageId>, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &recipient];
        let mut found = Vec::new();
        for sql in [&UNCLEAR_TO, &QUEUED_IN_DOUBT_TO] {
            found.extend(self.query(sql, keys, |row| Ok((row.next::<MessageId>()?, row.word::<OutboxState>()?)))?);
        }
        Ok(match found.as_slice() {
            [(id, OutboxState::Unknown)] => Some(*id),
            [(id, OutboxState::Queued)] if report == Report::Delivered => Some(*id),
            _ => None,
        })
    }

    /// Folds a report about one part into its message: delivered is the message when all its parts are.
    fn report_part(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (id, part): (MessageId, Option<&str>),
        report: &ProviderReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let (Report::Delivered, Some(part)) = (report.report, part) {
            self.execute(&PART_DELIVERED, &[&workspace_id, &channel_id, &part, &report.at])?;
            let missing: i64 = self.query_one(&PARTS_UNDELIVERED, &[&workspace_id, &id], |row| row.next())?;
            if missing > 0 {
                let accepted = ProviderReport { report: Report::Accepted, ..report.clone() };
                return self.fold_report(workspace_id, id, &accepted, now);
            }
        }
        self.fold_report(workspace_id, id, report, now)
    }

    /// Folds a report into the message's state and tells of the change.
    pub(crate) fn fold_report(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        report: &ProviderReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let found = self.query_opt(&REPORTS, &[&workspace_id, &id], |row: &mut Row<'_>| {
            let state: OutboxState = row.word()?;
            let reports = Reports {
                accepted_at: row.next()?,
                delivered_at: row.next()?,
                read_at: row.next()?,
                played_at: row.next()?,
                failed_at: row.next()?,
            };
            Ok((state, reports, row.next::<Option<SessionId>>()?, row.next::<Option<Timestamp>>()?, row.next::<i64>()?))
        })?;
        let Some((state, reports, session_id, submitted_at, unknown_parts)) = found else { return Ok(()) };
        if unknown_parts > 0 && report.report != Report::Failed {
            // It is about a part, and of the others nobody knows whether they left.
            return Ok(());
        }
        if state.never_left() && report.report == Report::Failed {
            // Of an earlier attempt, or of nothing: what is to come decides.
            return Ok(());
        }
        let folded = reports.with(report.report, report.at);
        let next = folded.state().unwrap_or(state);
        let failure = report.failure.as_ref().filter(|_| next == OutboxState::Failed);
        let heard = session_id.filter(|_| reports.played_at.is_none() && folded.played_at.is_some());
        if next == state && failure.is_none() {
            let times: &[&dyn crate::Bind] = &[
                &workspace_id,
                &id,
                &folded.accepted_at,
                &folded.delivered_at,
                &folded.read_at,
                &folded.failed_at,
                &folded.played_at,
            ];
            self.execute(&ADD_REPORTS, times)?;
            self.tell_played(workspace_id, heard, id, now);
            return Ok(());
        }
        let (class, code, reason) = match failure {
            Some(failure) => (Some(failure.class.clone()), failure.code.clone(), Some(failure.reason.clone())),
            None if next == OutboxState::Failed || state == OutboxState::Failed => {
                self.query_one(&FAILURE_OF, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?, row.next()?)))?
            }
            None => (None, None, None),
        };
        let change: Change = self.query_one(
            &SET_REPORTS,
            &[
                &workspace_id,
                &id,
                &next.as_str(),
                &folded.accepted_at,
                &folded.delivered_at,
                &folded.read_at,
                &folded.failed_at,
                &class,
                &code,
                &reason,
                &now,
                &folded.played_at,
            ],
            read_change,
        )?;
        self.tell_message_change(workspace_id, &change, state, now);
        self.tell_played(workspace_id, heard, id, now);
        if let Some(failure) = failure.filter(|_| state != OutboxState::Failed) {
            self.note_bounce(workspace_id, id, failure, now)?;
        }
        if failure.is_some_and(|failure| failure.class == "window_closed")
            && let (Some(session_id), Some(submitted_at)) = (session_id, submitted_at)
        {
            let kept = state != OutboxState::Failed && self.keep_refused(workspace_id, session_id, id, now)?;
            let closed = self.close_window(workspace_id, session_id, submitted_at, now)?;
            if kept || closed {
                self.tell_session(workspace_id, session_id, now);
            }
        }
        Ok(())
    }

    /// Tells that a voice message was listened to. It is more than "read" to people, and the same to every rule.
    fn tell_played(&mut self, workspace_id: WorkspaceId, session_id: Option<SessionId>, id: MessageId, now: Timestamp) {
        let Some(session_id) = session_id else { return };
        let event = NewEvent {
            kind: "message.status",
            entity: "message",
            entity_id: id.to_string(),
            audience: None,
            data: json!({ "session_id": session_id, "message_id": id, "state": MessageState::Played, "error": null }),
            at: now,
        };
        self.emit(workspace_id, event);
    }

    /// The provider refused a message at once because the service window is closed: it closes here too, and what an
    /// agent wrote waits for the customer.
    pub(crate) fn window_refused(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let submitted_at: Option<Timestamp> =
            self.query_opt(&SUBMITTED_AT, &[&workspace_id, &id], |row| row.next())?.flatten();
        let kept = self.keep_refused(workspace_id, session_id, id, now)?;
        let closed = self.close_window(workspace_id, session_id, submitted_at.unwrap_or(now), now)?;
        if kept || closed {
            self.tell_session(workspace_id, session_id, now);
        }
        Ok(())
    }

    /// The provider says the service window is closed: it closes here too, unless the customer wrote after the refused
    /// message left.
    fn close_window(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        submitted_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let opened_before = window::expires_at(submitted_at);
        Ok(self.execute(&CLOSE_WINDOW, &[&workspace_id, &session_id, &now, &opened_before, &step(now)])? == 1)
    }

    /// Stores the provider's ids of a message and applies the reports that waited for them.
    pub(crate) fn link_provider_ids(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        id: MessageId,
        provider_ids: &[String],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        if let [provider_id] = provider_ids {
            if !self.set_provider_id(workspace_id, id, provider_id)? {
                self.execute(&LINK_FURTHER_ID, &[&workspace_id, &id, provider_id])?;
            }
            return self.apply_parked(workspace_id, channel_id, id, provider_id, ctx);
        }
        self.link_parts(workspace_id, channel_id, id, provider_ids, ctx)
    }

    /// Stores the provider's ids of a message's parts, which are counted from the first.
    pub(crate) fn link_parts(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        id: MessageId,
        provider_ids: &[String],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        for (part, provider_id) in (1_i64..).zip(provider_ids) {
            self.execute(&LINK_PROVIDER_ID, &[&workspace_id, &channel_id, provider_id, &id, &part])?;
        }
        if let Some(first) = provider_ids.first() {
            self.set_provider_id(workspace_id, id, first)?;
        }
        // All ids first: a message is delivered when all its parts are, so all must be known.
        for provider_id in provider_ids {
            self.apply_parked(workspace_id, channel_id, id, provider_id, ctx)?;
        }
        Ok(())
    }

    /// Applies the reports that waited for this id of a message.
    pub(crate) fn apply_parked(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        id: MessageId,
        provider_id: &str,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        if self.nothing_parked == Some(channel_id) {
            return Ok(());
        }
        if self.query_opt(&ANY_PARKED, &[&workspace_id, &channel_id], |row| row.next::<i64>())?.is_none() {
            self.nothing_parked = Some(channel_id);
            return Ok(());
        }
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &provider_id];
        let parked = self.query(&PARKED_FOR_ID, keys, |row| Ok((row.next::<Uuid>()?, row.json::<Parked>()?)))?;
        for (parked_id, Parked { target, report }) in parked {
            if target.is_by_looks && !self.is_to(workspace_id, id, &target)? {
                continue;
            }
            if let Some(recipient) = target.recipient.as_ref().filter(|_| target.is_converted(provider_id)) {
                let address: Option<String> = self.query_opt(&ADDRESS_OF, &[&workspace_id, &id], |row| row.next())?;
                if address.as_ref() != Some(recipient) {
                    continue;
                }
            }
            self.execute(&UNPARK, &[&workspace_id, &parked_id])?;
            self.report_part(workspace_id, channel_id, (id, Some(provider_id)), &report, ctx.now())?;
        }
        Ok(())
    }

    /// Looks whether a parked report is about this message, whose outcome has just become unknown, whether or not it is to
    /// be sent again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn match_parked_by_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        id: MessageId,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let sent: Option<(String, Timestamp)> =
            self.query_opt(&ADDRESS_SINCE, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))?;
        let Some((address, submitted_at)) = sent.filter(|(address, _)| !address.is_empty()) else { return Ok(()) };
        let since = submitted_at.plus(-CLOCKS_DIFFER_BY);
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &address, &since];
        self.try_parked(workspace_id, channel_id, &PARKED_FOR_RECIPIENT, keys, ctx).map(|_| ())
    }

    /// Applies parked reports whose message is known by now, the next of them after `sweep`. Gives how many, and where to go
    /// on. Call it from time to time: a report can cross with the storing of its message's id, or with the recovery that
    /// makes its message `unknown`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn match_parked_reports(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        sweep: ParkedSweep,
        ctx: &Ctx,
    ) -> Result<(usize, ParkedSweep), StoreError> {
        let (mut applied, mut next) = (0, ParkedSweep::default());
        let looks = [&PARKED_AND_ACCEPTED, &PARKED_AND_LINKED, &PARKED_AND_UNKNOWN];
        for ((sql, after), next) in looks.into_iter().zip(sweep.0).zip(&mut next.0) {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &after];
            let (more, last) = self.try_parked(workspace_id, channel_id, sql, keys, ctx)?;
            applied += more;
            *next = last;
        }
        Ok((applied, next))
    }

    /// Gives how many found their message, and the last that was looked at, where there may be more.
    fn try_parked(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        sql: &'static crate::Sql,
        keys: &[&dyn crate::Bind],
        ctx: &Ctx,
    ) -> Result<(usize, Uuid), StoreError> {
        let parked = self.query(sql, keys, |row| Ok((row.next::<Uuid>()?, row.json::<Parked>()?)))?;
        let last = parked.last().filter(|_| parked.len() >= AT_ONCE).map(|(id, _)| *id).unwrap_or_default();
        let mut applied = 0;
        for (parked_id, Parked { target, report }) in parked {
            let Some((id, part)) = self.find_target(workspace_id, channel_id, (&target, report.report), ctx)? else {
                continue;
            };
            if self.execute(&UNPARK, &[&workspace_id, &parked_id])? > 0 {
                self.report_part(workspace_id, channel_id, (id, part.as_deref()), &report, ctx.now())?;
            }
            applied += 1;
        }
        Ok((applied, last))
    }

    /// Removes parked reports older than `before`: of messages that are not ours.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_parked_reports(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_PARKED, &[&workspace_id, &before])
    }

    /// How many reports of a channel wait for their message.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_parked_reports(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
    ) -> Result<u64, StoreError> {
        self.query_one(&COUNT_PARKED, &[&workspace_id, &channel_id], |row| row.next())
    }
}
