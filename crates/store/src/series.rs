//! What a campaign asks of the policy, and what caps of its series have counted.
//!
//! The counts are columns of the rows that count against every cap, written in the same statement: a crash leaves both
//! or neither, and what takes a message out of the one count takes it out of the other.

use segue_model::{
    CampaignId, MessageId, ProgrammeId, SenderId, Timestamp, WorkspaceId,
    campaign::CampaignState,
    consent::ConsentState,
    programme::{Covers, ProgrammeSettings},
    schedule::Schedule,
    sender_hours::SenderHours,
    series::{CampaignRules, CountedCap, Series, SeriesCap, caps_of, label_key},
};

use crate::{
    StoreError, Tx,
    campaign::{NOT_SENT_AGAIN, read_ended},
    tx::json_text,
    workspace::Workspace,
};

crate::sql! {
    CAMPAIGN_NOW = "SELECT state, rules, schedule, hold_rule FROM campaigns WHERE workspace_id = $1 AND id = $2";
    NAME_AND_SETTINGS = "SELECT name, settings FROM programmes WHERE workspace_id = $1 AND id = $2";
    SENDS_OF_LABEL = "SELECT sent_at FROM marketing_sends
        WHERE workspace_id = $1 AND address = $2 AND sent_at > $3 AND message_id <> $4 AND label = $5
        ORDER BY sent_at DESC LIMIT $6";
    SENDS_OF_PROGRAMME = "SELECT sent_at FROM marketing_sends
        WHERE workspace_id = $1 AND address = $2 AND sent_at > $3 AND message_id <> $4 AND programme_id = $5
        ORDER BY sent_at DESC LIMIT $6";
    COUNT_SERIES_SEND = "INSERT INTO marketing_sends (workspace_id, address, sent_at, message_id, label, programme_id)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, address, sent_at, message_id) DO NOTHING";
    LEFT_PROGRAMME = "SELECT 1 FROM scoped_consents WHERE workspace_id = $1 AND address = $2 AND scope_id = $3
        AND medium = 'sms' AND purpose = 'marketing' AND state = 'revoked'";
    CONSENT_TO_PROGRAMME = "SELECT s.state, p.covers FROM scoped_consents s
        LEFT JOIN programmes p ON p.workspace_id = s.workspace_id AND p.id = s.scope_id
        WHERE s.workspace_id = $1 AND s.address = $2 AND s.scope_id = $3 AND s.medium = 'sms' AND s.purpose = 'marketing'";
    /// Campaigns that may have something waiting: few.
    RULES_OF_OPEN_CAMPAIGNS = "SELECT id, rules FROM campaigns
        WHERE workspace_id = $1 AND state IN ('planning', 'running', 'paused')";
    CANCEL_WAITING_OF_CAMPAIGN = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = 'opted_out',
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id = $3 AND campaign_id IS NOT NULL
            AND state IN ('queued', 'claimed') AND class = 'marketing'
        RETURNING campaign_id, state";
    CANCEL_TEXTS_OF_PROGRAMME = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = 'opted_out',
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NULL AND (state = 'queued' OR state = 'claimed')
            AND class = 'keyword' AND dedupe_key LIKE $3";
    SENDER_HOURS = "SELECT id, hours FROM senders WHERE workspace_id = $1 AND hours IS NOT NULL ORDER BY id";
    SET_SENDER_HOURS = "UPDATE senders SET hours = $3 WHERE workspace_id = $1 AND id = $2";
}

/// What decides about a campaign's messages in the moment of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignNow {
    pub state: CampaignState,
    pub rules: CampaignRules,
    /// Most messages in a minute.
    pub per_minute: Option<u32>,
    /// Whether something holds it, which may be over.
    pub is_held: bool,
}

/// How the cause of what a programme asks and tells begins; what it answers follows. What begins with `programme:` is
/// canceled with a no and with the contact.
#[must_use]
pub fn programme_key(id: ProgrammeId) -> String {
    format!("programme:{id}:")
}

impl Tx<'_> {
    /// What decides about a campaign's messages now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_now(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<CampaignNow>, StoreError> {
        self.query_opt(&CAMPAIGN_NOW, &[&workspace_id, &id], |row| {
            let (state, rules) = (row.word()?, row.json()?);
            let per_minute = row.json::<Schedule>()?.per_minute;
            Ok(CampaignNow { state, rules, per_minute, is_held: row.next::<Option<String>>()?.is_some() })
        })
    }

    /// The caps that count a campaign's messages, as they are now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn series_caps(&mut self, workspace: &Workspace, rules: &CampaignRules) -> Result<Vec<SeriesCap>, StoreError> {
        let programme = match rules.programme_id {
            Some(id) => self.query_opt(&NAME_AND_SETTINGS, &[&workspace.id, &id], |row| {
                Ok((id, row.next::<String>()?, row.json::<ProgrammeSettings>()?))
            })?,
            None => None,
        };
        let programme = programme.as_ref().map(|(id, name, settings)| (*id, name.as_str(), settings.caps.as_slice()));
        Ok(caps_of(rules, &workspace.settings.policy.label_caps, programme))
    }

    /// What each of these caps has counted to an address, messages other than `except`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn counted_caps(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        caps: &[SeriesCap],
        except: Option<MessageId>,
        now: Timestamp,
    ) -> Result<Vec<CountedCap>, StoreError> {
        let except = except.unwrap_or(MessageId(uuid::Uuid::nil()));
        let mut counted = Vec::with_capacity(caps.len());
        for SeriesCap { series, name, cap } in caps {
            let after = now.plus(-cap.millis());
            let sends = match series {
                Series::Label(label) => self.query(
                    &SENDS_OF_LABEL,
                    &[&workspace_id, &address, &after, &except, label, &cap.messages],
                    |row| row.next(),
                )?,
                Series::Programme(id) => self.query(
                    &SENDS_OF_PROGRAMME,
                    &[&workspace_id, &address, &after, &except, id, &cap.messages],
                    |row| row.next(),
                )?,
            };
            counted.push(CountedCap { name: name.clone(), cap: *cap, sends });
        }
        Ok(counted)
    }

    /// Counts a promotional message that is being sent, with the series it belongs to.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_in_series(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        message_id: MessageId,
        rules: &CampaignRules,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let label = rules.label.as_deref().map(label_key).filter(|key| !key.is_empty());
        self.execute(&COUNT_SERIES_SEND, &[&workspace_id, &address, &now, &message_id, &label, &rules.programme_id])
            .map(|_| ())
    }

    /// The consent to SMS at an address as it counts for what is sent in the name of a programme, beside that to everything.
    ///
    /// A no to the programme is a no to what it sends. A yes to a programme that consents to its own messages is enough
    /// where nothing was said of everything, or what was said is over; it never undoes a no to everything, and a review
    /// that holds an address of the person holds it, too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consent_in_programme(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        id: ProgrammeId,
        everything: ConsentState,
    ) -> Result<ConsentState, StoreError> {
        let own = self.query_opt(&CONSENT_TO_PROGRAMME, &[&workspace_id, &address, &id], |row| {
            Ok((row.word::<ConsentState>()?, row.optional_word::<Covers>()?))
        })?;
        match own {
            Some((ConsentState::Revoked, _)) => Ok(ConsentState::Revoked),
            Some((ConsentState::Granted, Some(Covers::Programme)))
                if matches!(everything, ConsentState::None | ConsentState::Expired) =>
            {
                for (phone, _) in self.phones_beside(workspace_id, address)? {
                    if self.is_consent_held(workspace_id, &phone)? {
                        return Ok(ConsentState::InReview);
                    }
                }
                Ok(ConsentState::Granted)
            }
            _ => Ok(everything),
        }
    }

    /// Whether somebody has said no to a programme, and not yes since: nothing that is sent in its name is for them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_left_programme(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        id: ProgrammeId,
    ) -> Result<bool, StoreError> {
        let left = self.query_opt(&LEFT_PROGRAMME, &[&workspace_id, &address, &id], |row| row.next::<i64>())?;
        Ok(left.is_some())
    }

    /// Ends what waits for an address in the campaigns of a programme, and what it asks and tells it. Gives how many
    /// messages that were.
    pub(crate) fn cancel_waiting_of_programme(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        id: ProgrammeId,
    ) -> Result<u64, StoreError> {
        let open = self.query(&RULES_OF_OPEN_CAMPAIGNS, &[&workspace_id], |row| {
            Ok((row.next::<CampaignId>()?, row.json::<CampaignRules>()?))
        })?;
        let mut canceled = self.cancel_texts_of_programme(workspace_id, address, id)?;
        for (campaign, _) in open.into_iter().filter(|(_, rules)| rules.programme_id == Some(id)) {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &address, &campaign, &NOT_SENT_AGAIN];
            let ended = self.query(&CANCEL_WAITING_OF_CAMPAIGN, keys, read_ended)?;
            self.tally_ended(workspace_id, &ended);
            canceled += ended.len() as u64;
        }
        Ok(canceled)
    }

    /// Ends what a programme asks and tells an address and has not left yet. Gives how many messages that were.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_texts_of_programme(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        id: ProgrammeId,
    ) -> Result<u64, StoreError> {
        let own = format!("{}%", programme_key(id));
        self.execute(&CANCEL_TEXTS_OF_PROGRAMME, &[&workspace_id, &address, &own, &NOT_SENT_AGAIN])
    }

    /// The senders that keep hours of their own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_hours(&mut self, workspace_id: WorkspaceId) -> Result<Vec<(SenderId, SenderHours)>, StoreError> {
        self.query(&SENDER_HOURS, &[&workspace_id], |row| Ok((row.next()?, row.json()?)))
    }

    /// Sets the hours a sender keeps beside the workspace's; none: the workspace's alone. `false` when there is no such
    /// sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_sender_hours(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        hours: Option<&SenderHours>,
    ) -> Result<bool, StoreError> {
        let hours = hours.filter(|hours| !hours.is_empty()).map(json_text).transpose()?;
        Ok(self.execute(&SET_SENDER_HOURS, &[&workspace_id, &id, &hours])? == 1)
    }
}
