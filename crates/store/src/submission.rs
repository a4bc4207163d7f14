//! One send of one message: what the decision needs to know, the durable `submitting` before bytes leave, and the
//! outcome.
//!
//! Every change here checks the claim's epoch and answers `false` when the claim is lost: the worker then drops the
//! message without doing anything further. [`Tx::mark_accepted`] alone does not check it: that the provider took the
//! message is a fact, and after a lost lease it turns `unknown` into `accepted`.

use segue_model::{
    CampaignId, Ctx, MessageId, SessionId, Timestamp, WorkspaceId,
    consent::{ConsentState, Medium, Purpose},
    content::Content,
    delivery::{MessageClass, OutboxState, Report},
    policy::{Permit, Rule},
    wake::Wake,
};
use serde_json::json;

use crate::{
    Row, StoreError, Tx,
    dead_letter::Source,
    event::NewEvent,
    message::{MessageError, MessageState},
    outbox::{Hold, OutboxMessage},
    report::ProviderReport,
    tx::json_text,
    value::{Bind as _, Param},
};

/// Why a message did not go out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// Word of the class of error, the same for all providers.
    pub class: String,
    /// The provider's code.
    pub code: Option<String>,
    /// Plain words, without personal data.
    pub reason: String,
}

/// What is on record of a recipient just before a message leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastLook {
    pub consent: ConsentState,
    /// Why the address is on the suppression list, when it is.
    pub suppression: Option<String>,
    /// The time zone of the contact with this number.
    pub contact_zone: Option<String>,
    /// How many senders or programmes the address has refused beside what it says of everything.
    pub narrow_refusals: i64,
}

/// A row that has just changed, as the statements here return it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub id: MessageId,
    pub session_id: Option<SessionId>,
    pub campaign_id: Option<CampaignId>,
    pub state: OutboxState,
    pub rule: Option<String>,
    pub failure: (Option<String>, Option<String>, Option<String>),
}

/// Reads `id, session_id, campaign_id, state, rule, error_class, error_code, error_reason`.
pub(crate) fn read_change(row: &mut Row<'_>) -> Result<Change, StoreError> {
    Ok(Change {
        id: row.next()?,
        session_id: row.next()?,
        campaign_id: row.next()?,
        state: row.word()?,
        rule: row.next()?,
        failure: (row.next()?, row.next()?, row.next()?),
    })
}

/// Reads the four columns of a [`LastLook`].
pub(crate) fn read_last_look(row: &mut Row<'_>) -> Result<LastLook, StoreError> {
    Ok(LastLook {
        consent: row.optional_word()?.unwrap_or(ConsentState::None),
        suppression: row.next()?,
        contact_zone: row.next()?,
        narrow_refusals: row.next()?,
    })
}

crate::sql! {
    SESSION_WINDOW = "SELECT window_expires_at FROM sessions WHERE workspace_id = $1 AND id = $2";
    CONTACT_ZONE = "SELECT time_zone FROM contacts WHERE workspace_id = $1 AND phone = $2";
    MARK_SUBMITTING = "UPDATE outbox SET state = 'submitting', submitted_at = $4, lease_until = $5, rule = NULL,
            parts = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'claimed' AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    PUT_TEXT = "UPDATE outbox SET payload = $4 WHERE workspace_id = $1 AND id = $2 AND lease_epoch = $3
        AND state IN ('queued', 'claimed')";
    SUBMIT_DUE = "UPDATE outbox SET state = 'submitting', submitted_at = $4, lease_owner = $5, lease_until = $6,
            lease_epoch = lease_epoch + 1, rule = NULL, parts = $7
        WHERE workspace_id = $1 AND id = $2 AND state = 'queued' AND lease_epoch = $3";
    /// What is over counts as over, whether or not its end is recorded yet.
    LAST_LOOK = "SELECT (SELECT CASE WHEN k.expires_at <= $5 AND k.state = 'granted' THEN 'expired' ELSE k.state END
                FROM consents k
                WHERE k.workspace_id = $1 AND k.medium = $2 AND k.address = $3 AND k.purpose = $4),
            (SELECT s.reason FROM suppressions s WHERE s.workspace_id = $1 AND s.address = $3),
            COALESCE((SELECT c.time_zone FROM contacts c WHERE c.workspace_id = $1 AND c.phone = $3),
                (SELECT c.time_zone FROM contact_addresses a JOIN contacts c ON c.workspace_id = a.workspace_id
                    AND c.id = a.contact_id WHERE a.workspace_id = $1 AND a.kind = 'phone' AND a.address = $3)),
            (SELECT COUNT(*) FROM scoped_consents n WHERE n.workspace_id = $1 AND n.address = $3 AND n.medium = $2
                AND n.purpose = $4 AND n.state = 'revoked')";
    HOLD = "UPDATE outbox SET state = 'queued', not_before = $4, rule = $5, lease_owner = NULL, lease_until = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = $6 AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    /// It may have left with an earlier attempt; then nobody can say, and the reason tells why it was not sent again.
    SUPPRESS = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE CAST($4 AS TEXT) END, rule = $5,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($7 AS TEXT) ELSE error_reason END,
            lease_owner = NULL, lease_until = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = $6 AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    PUT_BACK = "UPDATE outbox SET state = 'queued', lease_owner = NULL, lease_until = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = $4 AND lease_epoch = $3";
    REJECT_PAYLOAD = "UPDATE outbox SET state = 'failed', failed_at = $4, lease_owner = NULL, lease_until = NULL,
            error_class = 'content_invalid', error_reason = $5
        WHERE workspace_id = $1 AND id = $2 AND state = $6 AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    /// What was withdrawn while it was on the wire ends here, without its words; in doubt when it may have left.
    REQUEUE = "UPDATE outbox SET state = CASE WHEN withdrawn IS NULL THEN 'queued' WHEN $9 = 1 OR maybe_left = 1 THEN 'unknown'
                ELSE 'canceled' END,
            rule = CASE WHEN $9 = 1 OR maybe_left = 1 THEN rule ELSE COALESCE(withdrawn, rule) END,
            payload = CASE WHEN withdrawn IS NULL THEN payload ELSE '{\"text\":\"\"}' END,
            not_before = $4, attempts = attempts + $5, lease_owner = NULL,
            maybe_left = CASE WHEN $9 = 1 THEN 1 ELSE maybe_left END,
            lease_until = NULL, error_class = $6, error_code = $7, error_reason = $8
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    SUBMITTING_SINCE = "SELECT submitted_at FROM outbox
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3";
    /// It may have left with an earlier attempt; then nobody can say.
    MARK_FAILED = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'failed' END,
            failed_at = CASE WHEN maybe_left = 1 THEN NULL ELSE CAST($4 AS BIGINT) END,
            lease_owner = NULL, lease_until = NULL,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE CAST($5 AS TEXT) END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE CAST($6 AS TEXT) END, error_reason = $7
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    MAYBE_LEFT = "SELECT 1 FROM outbox WHERE workspace_id = $1 AND id = $2 AND maybe_left = 1";
    MARK_UNKNOWN = "UPDATE outbox SET state = 'unknown', lease_owner = NULL, lease_until = NULL,
            error_class = 'unknown', error_code = NULL, error_reason = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    MARK_ASSESSED = "UPDATE outbox SET state = 'unknown', rule = 'quality_assessment', lease_owner = NULL,
            lease_until = NULL, error_class = 'unknown', error_code = NULL, error_reason = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    /// Nothing else can have changed a row that is being submitted, so this is the fold of its first report.
    ACCEPT = "UPDATE outbox SET state = 'accepted', accepted_at = $4, provider_id = $5, lease_owner = NULL,
            lease_until = NULL, error_class = NULL, error_code = NULL, error_reason = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'submitting' AND lease_epoch = $3 AND accepted_at IS NULL
            AND delivered_at IS NULL AND read_at IS NULL AND failed_at IS NULL AND session_id IS NULL";
    /// However many there are: each has its id, which need not be another one's.
    ALL_PARTS_KNOWN = "UPDATE outbox SET parts = NULL WHERE workspace_id = $1 AND id = $2";
    SET_PROVIDER_ID = "UPDATE outbox SET provider_id = $3
        WHERE workspace_id = $1 AND id = $2 AND (provider_id IS NULL OR provider_id = $3) RETURNING parts";
}

segue_model::text_enum! {
    /// Whether an answer "not now" uses up one of the attempts.
    pub enum Cost {
        Attempt = "attempt",
        /// It does, and nobody can say whether the message left: its account sends it again all the same, and that it may
        /// have left stands on its row.
        Doubt = "doubt",
        /// The provider only asked to slow down.
        Free = "free",
    }
}

impl Tx<'_> {
    /// Until when free text may be sent in a session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_window(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found = self.query_opt(&SESSION_WINDOW, &[&workspace_id, &session_id], |row| row.next())?;
        Ok(found.flatten())
    }

    /// The time zone on record of the contact with this number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_zone(&mut self, workspace_id: WorkspaceId, phone: &str) -> Result<Option<String>, StoreError> {
        let found = self.query_opt(&CONTACT_ZONE, &[&workspace_id, &phone], |row| row.next())?;
        Ok(found.flatten())
    }

    /// Records that the message is about to leave. When this is on disk, and not before, bytes may leave.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_submitting(
        &mut self,
        message: &OutboxMessage,
        permit: Permit,
        lease_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = permit.decided_at();
        let change = self.query_opt(
            &MARK_SUBMITTING,
            &[&message.workspace_id, &message.id, &message.epoch, &at, &lease_until],
            read_change,
        )?;
        Ok(self.told(message.workspace_id, change, at))
    }

    /// Puts another text in the place of a message's own, before it leaves.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_text(&mut self, message: &OutboxMessage, text: &str) -> Result<(), StoreError> {
        let mut payload: serde_json::Map<String, serde_json::Value> = message
            .content()
            .map_err(|error| StoreError::Corrupt(format!("the payload of {} is no text: {error}", message.id)))?;
        payload.insert("text".to_owned(), json!(text));
        let keys: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id, &message.epoch, &json_text(&payload)?];
        self.execute(&PUT_TEXT, keys).map(|_| ())
    }

    /// Records that messages of [`Tx::due_outbox`] are about to leave, by the worker `owner`. When this is on disk, and
    /// not before, bytes may leave. Each comes with how many parts it leaves in. Gives each message as it is held then;
    /// `None` when it is not due any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn submit_due(
        &mut self,
        messages: Vec<(OutboxMessage, Permit, usize)>,
        owner: &str,
        lease_until: Timestamp,
    ) -> Result<Vec<Option<OutboxMessage>>, StoreError> {
        let changed = self.execute_each(&SUBMIT_DUE, &messages, |(message, permit, parts)| {
            let at = Param::Int(permit.decided_at().0);
            let (owner, until) = (Param::Text(owner), Param::Int(lease_until.0));
            let parts = i64::try_from(*parts).ok().filter(|parts| *parts > 1).map_or(Param::Null, Param::Int);
            [message.workspace_id.bind(), message.id.bind(), message.epoch.bind(), at, owner, until, parts]
        })?;
        let held = |(message, ..): (OutboxMessage, Permit, usize)| {
            let epoch = message.epoch + 1;
            OutboxMessage { epoch, hold: Hold::Claimed, ..message }
        };
        Ok(messages.into_iter().zip(changed).map(|(message, changed)| (changed == 1).then(|| held(message))).collect())
    }

    /// What the decision needs to know of the recipient, in one look.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_look(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<LastLook, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &medium.as_str(), &address, &purpose.as_str(), &now];
        self.query_one(&LAST_LOOK, keys, read_last_look)
    }

    /// Queues the message again for later, with the rule that holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_message(
        &mut self,
        message: &OutboxMessage,
        until: Timestamp,
        rule: Rule,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = self.query_opt(
            &HOLD,
            &[&message.workspace_id, &message.id, &message.epoch, &until, &rule.as_str(), &message.hold.as_str()],
            read_change,
        )?;
        Ok(self.told(message.workspace_id, change, now))
    }

    /// Ends the message with the rule that forbids it. One that may have left with an earlier attempt stays in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppress_message(
        &mut self,
        message: &OutboxMessage,
        rule: Rule,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let state = if rule == Rule::Expired { OutboxState::Expired } else { OutboxState::Suppressed };
        let in_doubt = format!("An earlier attempt may have left. It was not sent again: {}.", rule.label());
        let change = self.query_opt(
            &SUPPRESS,
            &[
                &message.workspace_id,
                &message.id,
                &message.epoch,
                &state.as_str(),
                &rule.as_str(),
                &message.hold.as_str(),
                &in_doubt,
            ],
            read_change,
        )?;
        let late = matches!(rule, Rule::WindowClosed | Rule::Expired);
        if late && let Some(session_id) = change.as_ref().and_then(|change| change.session_id) {
            self.keep_late(message.workspace_id, session_id, message.id, now)?;
        }
        Ok(self.told(message.workspace_id, change, now))
    }

    /// Gives a claimed message back as it was: its campaign does not run, or the worker shuts down.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_back_message(&mut self, message: &OutboxMessage) -> Result<bool, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id, &message.epoch, &message.hold.as_str()];
        Ok(self.execute(&PUT_BACK, keys)? == 1)
    }

    /// Ends a message whose payload nobody can send, with a dead letter.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reject_payload(&mut self, message: &OutboxMessage, reason: &str, ctx: &Ctx) -> Result<bool, StoreError> {
        let now = ctx.now();
        let change = self.query_opt(
            &REJECT_PAYLOAD,
            &[&message.workspace_id, &message.id, &message.epoch, &now, &reason, &message.hold.as_str()],
            read_change,
        )?;
        if change.is_some() {
            self.bury(message.workspace_id, Source::Outbox, message.id.0, reason, ctx)?;
        }
        Ok(self.told(message.workspace_id, change, now))
    }

    /// When the attempt that is going on was recorded; `None` when the claim is lost.
    ///
    /// # Errors
    /// When the store fails.
    pub fn submitting_since(&mut self, message: &OutboxMessage) -> Result<Option<Timestamp>, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id, &message.epoch];
        Ok(self.query_opt(&SUBMITTING_SINCE, keys, |row| row.next())?.flatten())
    }

    /// The provider certainly did not take it: it is queued again from `not_before` on, or canceled when its contact was
    /// deleted meanwhile. Of a message in doubt that is sent again all the same, the deletion leaves one in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn requeue_message(
        &mut self,
        message: &OutboxMessage,
        not_before: Timestamp,
        cost: Cost,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (used, in_doubt) = (i64::from(cost != Cost::Free), i64::from(cost == Cost::Doubt));
        let change = self.query_opt(
            &REQUEUE,
            &[
                &message.workspace_id,
                &message.id,
                &message.epoch,
                &not_before,
                &used,
                &failure.class,
                &failure.code,
                &failure.reason,
                &in_doubt,
            ],
            read_change,
        )?;
        if change.as_ref().is_none_or(|change| change.state != OutboxState::Unknown) {
            let for_good = change.as_ref().is_some_and(|change| change.state == OutboxState::Canceled);
            self.did_not_leave(message, (for_good, now))?;
        }
        Ok(self.told(message.workspace_id, change, now))
    }

    /// It will not be tried again: the provider said no for good, or said "not now" often enough. It has failed, or nobody
    /// can say when an earlier attempt was in doubt.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_failed(
        &mut self,
        message: &OutboxMessage,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = self.query_opt(
            &MARK_FAILED,
            &[&message.workspace_id, &message.id, &message.epoch, &now, &failure.class, &failure.code, &failure.reason],
            read_change,
        )?;
        if change.as_ref().is_some_and(|change| change.state == OutboxState::Unknown) {
            return Ok(self.told(message.workspace_id, change, now));
        }
        self.did_not_leave(message, (true, now))?;
        if change.is_some() {
            self.note_bounce(message.workspace_id, message.id, failure, now)?;
        }
        if failure.class == "window_closed"
            && let Some(session_id) = change.as_ref().and_then(|change| change.session_id)
        {
            self.window_refused(message.workspace_id, session_id, message.id, now)?;
        }
        Ok(self.told(message.workspace_id, change, now))
    }

    /// A promotional message that did not reach the provider counts against no frequency cap, and a template against no
    /// limit of customers.
    fn did_not_leave(&mut self, message: &OutboxMessage, (for_good, now): (bool, Timestamp)) -> Result<(), StoreError> {
        let key: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id];
        if self.query_opt(&MAYBE_LEFT, key, |row| row.next::<i64>())?.is_some() {
            // An earlier attempt counts.
            return Ok(());
        }
        if message.class == MessageClass::Marketing {
            self.uncount_marketing(message.workspace_id, &message.address, message.id)?;
        }
        if matches!(message.content(), Ok(Content::Template { .. })) {
            self.uncount_initiated_chat(message.workspace_id, message.id, (for_good, now))?;
        }
        Ok(())
    }

    /// Nobody can say whether it left. `provider_ids` are those of parts that certainly did; receipts of all its parts
    /// resolve it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_unknown(
        &mut self,
        message: &OutboxMessage,
        provider_ids: &[String],
        reason: &str,
        ctx: &Ctx,
    ) -> Result<bool, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id, &message.epoch, &reason];
        let change = self.query_opt(&MARK_UNKNOWN, keys, read_change)?;
        let marked = self.told(message.workspace_id, change, ctx.now());
        self.link_provider_ids(message.workspace_id, message.channel_id, message.id, provider_ids, ctx)?;
        Ok(marked)
    }

    /// The platform has taken it and holds it back while it looks at its template: it is not sent, is not sent again, and
    /// what the platform tells of it later says what became of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_assessed(
        &mut self,
        message: &OutboxMessage,
        provider_ids: &[String],
        ctx: &Ctx,
    ) -> Result<bool, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&message.workspace_id, &message.id, &message.epoch];
        let change = self.query_opt(&MARK_ASSESSED, keys, read_change)?;
        let marked = self.told(message.workspace_id, change, ctx.now());
        self.link_provider_ids(message.workspace_id, message.channel_id, message.id, provider_ids, ctx)?;
        Ok(marked)
    }

    /// The provider took it under these ids, one for each part. Reports that came before are applied.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_accepted(
        &mut self,
        message: &OutboxMessage,
        provider_ids: &[String],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        self.mark_all_accepted(&[(message, provider_ids)], ctx)
    }

    /// [`Tx::mark_accepted`] for several messages, each with its ids.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_all_accepted(&mut self, accepted: &[(&OutboxMessage, &[String])], ctx: &Ctx) -> Result<(), StoreError> {
        let now = ctx.now();
        let usual = accepted.iter().filter_map(|(message, provider_ids)| match provider_ids {
            [provider_id] if message.session_id.is_none() => Some((*message, provider_id)),
            _ => None,
        });
        let changed = self.execute_each(&ACCEPT, usual, |(message, provider_id)| {
            let at = Param::Int(now.0);
            [message.workspace_id.bind(), message.id.bind(), message.epoch.bind(), at, provider_id.bind()]
        })?;
        let mut changed = changed.into_iter();
        for (message, provider_ids) in accepted {
            let (workspace_id, id) = (message.workspace_id, message.id);
            if let (None, [provider_id]) = (message.session_id, *provider_ids)
                && changed.next() == Some(1)
            {
                if let Some(campaign_id) = message.campaign_id {
                    self.wake(Wake::Progress(workspace_id, campaign_id));
                    let to = (OutboxState::Accepted, None);
                    self.tally_move(workspace_id, campaign_id, OutboxState::Submitting, to, 1);
                }
                self.apply_parked(workspace_id, message.channel_id, id, provider_id, ctx)?;
                continue;
            }
            if provider_ids.len() > 1 {
                self.execute(&ALL_PARTS_KNOWN, &[&workspace_id, &id])?;
            }
            let report = ProviderReport { report: Report::Accepted, at: now, failure: None };
            self.fold_report(workspace_id, id, &report, now)?;
            self.link_provider_ids(workspace_id, message.channel_id, id, provider_ids, ctx)?;
        }
        Ok(())
    }

    /// Notes the first provider id of a message on its row; `false` when it has another one already, or is only that of a
    /// part.
    pub(crate) fn set_provider_id(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        provider_id: &str,
    ) -> Result<bool, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &id, &provider_id];
        Ok(self.query_opt(&SET_PROVIDER_ID, keys, |row| row.next::<Option<i64>>())? == Some(None))
    }

    /// Tells of a change, when there was one.
    fn told(&mut self, workspace_id: WorkspaceId, change: Option<Change>, now: Timestamp) -> bool {
        if let Some(change) = &change {
            // Before it had an outcome it was waiting or on its way, which is one count.
            self.tell_message_change(workspace_id, change, OutboxState::Submitting, now);
        }
        change.is_some()
    }

    /// Tells the screens of a session's message and the progress of a message's campaign, and moves it in the tallies.
    pub(crate) fn tell_message_change(
        &mut self,
        workspace_id: WorkspaceId,
        change: &Change,
        from: OutboxState,
        now: Timestamp,
    ) {
        if let Some(campaign_id) = change.campaign_id {
            self.tally_move(workspace_id, campaign_id, from, (change.state, change.rule.as_deref()), 1);
            self.wake(Wake::Progress(workspace_id, campaign_id));
        }
        let Some(session_id) = change.session_id else { return };
        let (class, code, reason) = &change.failure;
        let error = MessageError::of(
            change.state,
            change.rule.as_deref(),
            class.as_deref(),
            code.as_deref(),
            reason.as_deref(),
        );
        self.emit(
            workspace_id,
            NewEvent {
                kind: "message.status",
                entity: "message",
                entity_id: change.id.to_string(),
                audience: None,
                data: json!({
                    "session_id": session_id,
                    "message_id": change.id,
                    "state": MessageState::of(change.state),
                    "error": error,
                }),
                at: now,
            },
        );
    }
}
