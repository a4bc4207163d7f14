//! Who is in which programme, who was asked, and the chains of questions that are under way.
//!
//! A number has one row per programme, so there is never more than one pending opt-in for it; the row changes its state
//! under the lock of the workspace's consents, together with the entry of the ledger that says the same.

use segue_model::{
    ContactId, KeywordId, ProgrammeId, SenderId, SubscriptionId, Timestamp, WorkspaceId,
    consent::ConsentMethod,
    id::Id as _,
    programme::{Asked, Awaits, Covers, EndReason, SubscriptionState},
    time,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    campaign::{NOT_SENT_AGAIN, read_ended},
    tx::optional_word,
};

/// A person's place in a programme as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionView {
    pub id: SubscriptionId,
    pub programme_id: ProgrammeId,
    pub programme_name: String,
    /// E.164.
    pub address: String,
    pub contact_id: Option<ContactId>,
    pub contact_name: Option<String>,
    pub state: SubscriptionState,
    /// How it was asked for.
    pub method: ConsentMethod,
    /// What a pending one waits for.
    pub awaits: Option<Awaits>,
    pub requested_at: Timestamp,
    /// When a pending one ends without an answer.
    pub expires_at: Option<Timestamp>,
    pub confirmed_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub end_reason: Option<EndReason>,
    /// Unreadable answers so far.
    #[serde(skip)]
    pub tries: u32,
    #[serde(skip)]
    pub asked: Option<Asked>,
}

/// The question of a chain that a number was asked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    pub keyword_id: KeywordId,
    /// Which of its questions, from 0 on.
    pub question: u32,
    /// Answers to this question so far that did not fit.
    pub tries: u32,
    pub expires_at: Timestamp,
}

impl Dialogue {
    /// How long a question waits for its answer.
    pub const ANSWER_WITHIN: i64 = 24 * time::HOUR;

    /// When the question was asked.
    #[must_use]
    pub const fn asked_at(&self) -> Timestamp {
        self.expires_at.plus(-Self::ANSWER_WITHIN)
    }
}

crate::sql! {
    PUT_SUBSCRIPTION = "INSERT INTO subscriptions (workspace_id, id, programme_id, address, state, method, awaits, tries,
            asked_times, asked_since, asked_at, requested_at, expires_at, confirmed_at, ended_at, end_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (workspace_id, programme_id, address) DO UPDATE SET state = excluded.state,
            method = excluded.method, awaits = excluded.awaits, tries = excluded.tries,
            asked_times = excluded.asked_times, asked_since = excluded.asked_since, asked_at = excluded.asked_at,
            requested_at = excluded.requested_at, expires_at = excluded.expires_at,
            confirmed_at = excluded.confirmed_at, ended_at = excluded.ended_at, end_reason = excluded.end_reason";
    SUBSCRIPTION_OF = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state, s.method,
            s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries, s.asked_times,
            s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.programme_id = $2 AND s.address = $3";
    SUBSCRIPTION = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state, s.method,
            s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries, s.asked_times,
            s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.id = $2";
    SUBSCRIPTIONS_OF_ADDRESS = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state,
            s.method, s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries,
            s.asked_times, s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.address = $2 ORDER BY s.id DESC";
    SUBSCRIPTIONS_OF_PROGRAMME = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name,
            s.state, s.method, s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries,
            s.asked_times, s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.programme_id = $2 AND s.id < $3 ORDER BY s.id DESC LIMIT $4";
    /// The question that was asked last is the one that is answered; what came in before it answers another.
    PENDING_AT_SENDER = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state,
            s.method, s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries,
            s.asked_times, s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.address = $2 AND s.state = 'pending' AND s.expires_at > $3
            AND s.asked_at <= $3 AND p.sender_id IN (SELECT t.id FROM senders n
                JOIN senders t ON t.workspace_id = n.workspace_id AND t.address = n.address
                WHERE n.workspace_id = $1 AND n.id = $4)
        ORDER BY s.asked_at DESC LIMIT 1";
    /// Questions that nobody has answered: what waits at the sender, and what was ended by hand before the person had joined,
    /// whichever sender had asked: the programme may be another one's by now.
    ASKED_AT_SENDER = "SELECT s.programme_id, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        WHERE s.workspace_id = $1 AND s.address = $2 AND s.asked_at <= $3 AND s.confirmed_at IS NULL
            AND ((s.state = 'ended' AND s.end_reason = 'removed') OR (s.state = 'pending'
                AND p.sender_id IN (SELECT t.id FROM senders n
                    JOIN senders t ON t.workspace_id = n.workspace_id AND t.address = n.address
                    WHERE n.workspace_id = $1 AND n.id = $4)))
        ORDER BY s.asked_at DESC LIMIT 1";
    PENDING_OF_PROGRAMME = "SELECT s.id, s.address, s.method FROM subscriptions s
        WHERE s.workspace_id = $1 AND s.programme_id = $2 AND s.state = 'pending' ORDER BY s.address";
    OPEN_SUBSCRIPTIONS = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state,
            s.method, s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries,
            s.asked_times, s.asked_since, s.asked_at, p.covers, p.sender_id
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.address = $2 AND s.state <> 'ended' ORDER BY s.id";
    END_SUBSCRIPTION = "UPDATE subscriptions SET state = 'ended', awaits = NULL, expires_at = NULL, ended_at = $3,
            end_reason = $4
        WHERE workspace_id = $1 AND id = $2 AND state <> 'ended'";
    DUE_SUBSCRIPTIONS = "SELECT s.id, s.programme_id, p.name, s.address, c.id, c.first_name, c.last_name, s.state,
            s.method, s.awaits, s.requested_at, s.expires_at, s.confirmed_at, s.ended_at, s.end_reason, s.tries,
            s.asked_times, s.asked_since, s.asked_at
        FROM subscriptions s JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.programme_id
        LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = COALESCE(
            (SELECT o.id FROM contacts o WHERE o.workspace_id = s.workspace_id AND o.phone = s.address),
            (SELECT a.contact_id FROM contact_addresses a WHERE a.workspace_id = s.workspace_id AND a.kind = 'phone'
                AND a.address = s.address))
        WHERE s.workspace_id = $1 AND s.state = 'pending' AND s.expires_at <= $2 ORDER BY s.expires_at LIMIT 500";
    CANCEL_WAITING_FROM = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = 'opted_out',
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NOT NULL AND state IN ('queued', 'claimed')
            AND class = 'marketing' AND campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused') AND c.sender_id IN (SELECT t.id FROM senders s
                    JOIN senders t ON t.workspace_id = s.workspace_id AND t.address = s.address
                    WHERE s.workspace_id = $1 AND s.id = $3))
        RETURNING campaign_id, state";
    PUT_DIALOGUE = "INSERT INTO keyword_dialogues (workspace_id, sender_id, address, keyword_id, question, expires_at, tries)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, sender_id, address) DO UPDATE SET keyword_id = excluded.keyword_id,
            question = excluded.question, expires_at = excluded.expires_at, tries = excluded.tries";
    DIALOGUE = "SELECT keyword_id, question, tries, expires_at FROM keyword_dialogues
        WHERE workspace_id = $1 AND sender_id = $2 AND address = $3 AND expires_at > $4";
    END_DIALOGUE = "DELETE FROM keyword_dialogues WHERE workspace_id = $1 AND sender_id = $2 AND address = $3";
    END_DIALOGUES_ON_ACCOUNTS = "DELETE FROM keyword_dialogues WHERE workspace_id = $1 AND address = $3
        AND sender_id IN (SELECT t.id FROM senders n
            JOIN senders t ON t.workspace_id = n.workspace_id AND t.address = n.address
            WHERE n.workspace_id = $1 AND n.id = $2)";
    DELETE_OLD_DIALOGUES = "DELETE FROM keyword_dialogues WHERE workspace_id = $1 AND expires_at <= $2";
}

fn read_subscription(row: &mut Row<'_>) -> Result<SubscriptionView, StoreError> {
    let (id, programme_id, programme_name, address, contact_id) =
        (row.next()?, row.next()?, row.next()?, row.next()?, row.next()?);
    let (first, last): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let name = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut view = SubscriptionView {
        id,
        programme_id,
        programme_name,
        address,
        contact_id,
        contact_name: (!name.is_empty()).then_some(name),
        state: row.word()?,
        method: row.word()?,
        awaits: row.optional_word()?,
        requested_at: row.next()?,
        expires_at: row.next()?,
        confirmed_at: row.next()?,
        ended_at: row.next()?,
        end_reason: row.optional_word()?,
        tries: row.next()?,
        asked: None,
    };
    let times: u32 = row.next()?;
    let (since, last): (Option<Timestamp>, Option<Timestamp>) = (row.next()?, row.next()?);
    view.asked = since.zip(last).map(|(since, last)| Asked { times, since, last });
    Ok(view)
}

impl Tx<'_> {
    /// Stores a subscription; the row of its number and programme is changed when there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_subscription(&mut self, workspace_id: WorkspaceId, view: &SubscriptionView) -> Result<(), StoreError> {
        let asked = view.asked;
        self.execute(
            &PUT_SUBSCRIPTION,
            &[
                &workspace_id,
                &view.id,
                &view.programme_id,
                &view.address,
                &view.state.as_str(),
                &view.method.as_str(),
                &optional_word(view.awaits),
                &view.tries,
                &asked.map_or(0, |asked| asked.times),
                &asked.map(|asked| asked.since),
                &asked.map(|asked| asked.last),
                &view.requested_at,
                &view.expires_at,
                &view.confirmed_at,
                &view.ended_at,
                &optional_word(view.end_reason),
            ],
        )
        .map(|_| ())
    }

    /// The subscription of a number to a programme.
    ///
    /// # Errors
    /// When the store fails.
    pub fn subscription_of(
        &mut self,
        workspace_id: WorkspaceId,
        programme_id: ProgrammeId,
        address: &str,
    ) -> Result<Option<SubscriptionView>, StoreError> {
        self.query_opt(&SUBSCRIPTION_OF, &[&workspace_id, &programme_id, &address], read_subscription)
    }

    /// One subscription.
    ///
    /// # Errors
    /// When the store fails.
    pub fn subscription(
        &mut self,
        workspace_id: WorkspaceId,
        id: SubscriptionId,
    ) -> Result<Option<SubscriptionView>, StoreError> {
        self.query_opt(&SUBSCRIPTION, &[&workspace_id, &id], read_subscription)
    }

    /// All subscriptions of a number, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn subscriptions_of_address(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<SubscriptionView>, StoreError> {
        self.query(&SUBSCRIPTIONS_OF_ADDRESS, &[&workspace_id, &address], read_subscription)
    }

    /// The subscriptions to a programme, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn subscriptions_of_programme(
        &mut self,
        workspace_id: WorkspaceId,
        programme_id: ProgrammeId,
        before: Option<SubscriptionId>,
        limit: i64,
    ) -> Result<Vec<SubscriptionView>, StoreError> {
        let before = before.unwrap_or_else(|| SubscriptionId::from_uuid(Uuid::max()));
        self.query(&SUBSCRIPTIONS_OF_PROGRAMME, &[&workspace_id, &programme_id, &before, &limit], read_subscription)
    }

    /// The opt-in at a sender, on whichever of its accounts, that a number was asked about last before
    /// `now` and had time to answer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_subscription(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender_id: SenderId,
        now: Timestamp,
    ) -> Result<Option<SubscriptionView>, StoreError> {
        self.query_opt(&PENDING_AT_SENDER, &[&workspace_id, &address, &now, &sender_id], read_subscription)
    }

    /// Which programme a number was asked about last at a sender, on whichever of its accounts, and when, where the
    /// question was not answered: it waits, or was ended by hand.
    ///
    /// # Errors
    /// When the store fails.
    pub fn asked_last(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender_id: SenderId,
        now: Timestamp,
    ) -> Result<Option<(ProgrammeId, Timestamp)>, StoreError> {
        self.query_opt(&ASKED_AT_SENDER, &[&workspace_id, &address, &now, &sender_id], |row| {
            Ok((row.next()?, row.next()?))
        })
    }

    /// The opt-ins to a programme that wait for an answer: of which number, and how they were asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_of_programme(
        &mut self,
        workspace_id: WorkspaceId,
        programme_id: ProgrammeId,
    ) -> Result<Vec<(SubscriptionId, String, ConsentMethod)>, StoreError> {
        self.query(&PENDING_OF_PROGRAMME, &[&workspace_id, &programme_id], |row| {
            Ok((row.next()?, row.next()?, row.word()?))
        })
    }

    /// The pending and active subscriptions of a number, with what each consents to: at one sender, on whichever of its
    /// accounts, or at all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_subscriptions(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender_id: Option<SenderId>,
    ) -> Result<Vec<(SubscriptionView, Covers)>, StoreError> {
        let all = self.query(&OPEN_SUBSCRIPTIONS, &[&workspace_id, &address], |row| {
            Ok((read_subscription(row)?, row.word::<Covers>()?, row.next::<SenderId>()?))
        })?;
        let accounts = match sender_id.filter(|_| !all.is_empty()) {
            Some(id) => self.accounts_of_sender(workspace_id, id)?,
            None => Vec::new(),
        };
        let wanted = all.into_iter().filter(|(_, _, sender)| sender_id.is_none() || accounts.contains(sender));
        Ok(wanted.map(|(subscription, covers, _)| (subscription, covers)).collect())
    }

    /// Ends a subscription. `false` when it has ended already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_subscription(
        &mut self,
        workspace_id: WorkspaceId,
        id: SubscriptionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&END_SUBSCRIPTION, &[&workspace_id, &id, &now, &reason.as_str()])? == 1)
    }

    /// Pending subscriptions that nobody answered in time, 500 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due_subscriptions(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<SubscriptionView>, StoreError> {
        self.query(&DUE_SUBSCRIPTIONS, &[&workspace_id, &now], read_subscription)
    }

    /// Ends what the campaigns of a sender have waiting for an address.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn cancel_waiting_from(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender_id: SenderId,
    ) -> Result<(), StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &address, &sender_id, &NOT_SENT_AGAIN];
        let of_campaigns = self.query(&CANCEL_WAITING_FROM, keys, read_ended)?;
        self.tally_ended(workspace_id, &of_campaigns);
        Ok(())
    }

    /// Notes the question a number was asked; an earlier one is no longer waited for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_dialogue(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        address: &str,
        dialogue: &Dialogue,
    ) -> Result<(), StoreError> {
        self.execute(
            &PUT_DIALOGUE,
            &[
                &workspace_id,
                &sender_id,
                &address,
                &dialogue.keyword_id,
                &dialogue.question,
                &dialogue.expires_at,
                &dialogue.tries,
            ],
        )
        .map(|_| ())
    }

    /// The question that a number has time to answer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dialogue(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        address: &str,
        now: Timestamp,
    ) -> Result<Option<Dialogue>, StoreError> {
        self.query_opt(&DIALOGUE, &[&workspace_id, &sender_id, &address, &now], |row| {
            Ok(Dialogue { keyword_id: row.next()?, question: row.next()?, tries: row.next()?, expires_at: row.next()? })
        })
    }

    /// Forgets the question that a number was asked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_dialogue(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        address: &str,
    ) -> Result<(), StoreError> {
        self.execute(&END_DIALOGUE, &[&workspace_id, &sender_id, &address]).map(|_| ())
    }

    /// Forgets the questions that a number was asked by a sender, on whichever of its accounts.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn end_dialogues_on_accounts(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        address: &str,
    ) -> Result<(), StoreError> {
        self.execute(&END_DIALOGUES_ON_ACCOUNTS, &[&workspace_id, &sender_id, &address]).map(|_| ())
    }

    /// Forgets all questions that nobody answered in time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_dialogues(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_DIALOGUES, &[&workspace_id, &now])
    }
}
