//! What holds a campaign though nobody has paused it: its template, the quality of its marketing, a limit of the platform,
//! or that the only sender of its texts is switched off.
//!
//! A hold is on the campaign's row and not on its messages: one change stops them all, and one lets them all go on where
//! they were. Whoever looks for messages to send passes by a campaign that is held, and a hold whose time has come is
//! tried again by the next of its messages, so a crash at any point leaves either the hold or the campaign as it was. The
//! end of a hold by the template is written in the transaction that takes in what the platform decided.

use segue_model::{CampaignId, ChannelId, MessageId, SenderId, Timestamp, WorkspaceId, policy::Rule, wake::Wake};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{StoreError, Tx, campaign::CampaignTemplate, outbox::Payload, template::APPROVED};

/// Why nothing of a campaign leaves now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CampaignHold {
    pub rule: String,
    /// In words, with what ends it.
    pub reason: String,
    pub since: Timestamp,
    /// When it is tried again; null while that depends on somebody else.
    pub until: Option<Timestamp>,
}

impl CampaignHold {
    pub(crate) fn of(rule: &str, since: Timestamp, until: Option<Timestamp>) -> Self {
        let reason = match Rule::parse(rule) {
            Ok(Rule::TemplatePaused) if until.is_some() => {
                "WhatsApp refuses the template for now. It is tried again by itself.".to_owned()
            }
            Ok(Rule::TemplatePaused) => {
                "The template cannot be sent now: WhatsApp has paused, disabled or not approved it. The campaign goes on by itself when it is approved again.".to_owned()
            }
            Ok(Rule::QualityBrake) => {
                "Marketing from this number or with this template is stopped because customers block or report it. Service messages go on. It goes on when the quality is back or an admin lets it.".to_owned()
            }
            Ok(Rule::MessagingLimit) => {
                "As many customers as WhatsApp allows in 24 hours have been written to. The campaign goes on by itself when there is room.".to_owned()
            }
            Ok(Rule::SpamLimit) => {
                "WhatsApp takes no more messages from this number for now: too many earlier ones were blocked or reported. It is tried again by itself.".to_owned()
            }
            Ok(Rule::AccountProblem) => {
                "WhatsApp refuses messages of the account; the channel\u{2019}s notices say why. Solve it in WhatsApp Manager. It is tried again by itself.".to_owned()
            }
            Ok(Rule::SenderNotActive) => {
                "Its sender is not active, so nothing leaves. Set it to active again, or cancel the campaign. It is tried again by itself.".to_owned()
            }
            Ok(other) => other.label().to_owned(),
            Err(_) => rule.to_owned(),
        };
        Self { rule: rule.to_owned(), reason, since, until }
    }
}

crate::sql! {
    HOLD_CAMPAIGN = "UPDATE campaigns SET hold_rule = $3, hold_until = $4,
            hold_since = CASE WHEN hold_rule = $3 THEN hold_since ELSE $5 END
        WHERE workspace_id = $1 AND id = $2 AND template IS NOT NULL AND state IN ('planning', 'running', 'paused')
            AND (hold_rule IS NULL OR hold_rule <> $3 OR COALESCE(hold_until, 0) <> COALESCE(CAST($4 AS BIGINT), 0))";
    HOLD_FOR_SENDER = "UPDATE campaigns SET hold_rule = 'sender_not_active', hold_until = $3,
            hold_since = CASE WHEN hold_rule = 'sender_not_active' THEN hold_since ELSE $4 END
        WHERE workspace_id = $1 AND id = $2 AND template IS NULL AND state IN ('planning', 'running', 'paused')
            AND (hold_rule IS NULL OR hold_rule <> 'sender_not_active' OR COALESCE(hold_until, 0) < CAST($3 AS BIGINT))";
    /// A campaign that sends from this sender alone: from no pool, and by no other account.
    SENDS_FROM_ALONE = "SELECT 1 FROM campaigns c
        JOIN senders s ON s.workspace_id = c.workspace_id AND s.id = c.sender_id
        WHERE c.workspace_id = $1 AND c.id = $2 AND s.channel_id = $3 AND s.address = $4 AND c.template IS NULL
            AND c.pool_id IS NULL AND NOT EXISTS (
                SELECT 1 FROM sender_routes r WHERE r.workspace_id = $1 AND r.sender_id = s.id)";
    HELD_FOR_SENDER = "SELECT c.id, s.channel_id FROM campaigns c
        JOIN senders s ON s.workspace_id = c.workspace_id AND s.id = c.sender_id
        WHERE c.workspace_id = $1 AND c.sender_id = $2 AND c.hold_rule = 'sender_not_active'";
    RELEASE_CAMPAIGN = "UPDATE campaigns SET hold_rule = NULL, hold_until = NULL, hold_since = NULL
        WHERE workspace_id = $1 AND id = $2 AND hold_rule IS NOT NULL";
    OF_CHANNEL = "SELECT id, template, hold_rule FROM campaigns
        WHERE workspace_id = $1 AND template_channel_id = $2 AND state IN ('planning', 'running', 'paused')";
    HOLD_OF = "SELECT hold_rule, hold_since, hold_until FROM campaigns WHERE workspace_id = $1 AND id = $2";
    PUT_BRAKE = "INSERT INTO marketing_brakes (workspace_id, channel_id, subject, reason, since)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, channel_id, subject) DO UPDATE SET over_at = NULL
            WHERE marketing_brakes.over_at IS NOT NULL";
    BRAKE_AGAIN = "UPDATE marketing_brakes SET released_at = NULL, reason = $4, since = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3 AND released_at <= $6";
    RELEASE_BRAKE = "UPDATE marketing_brakes SET released_at = $4
        WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3 AND released_at IS NULL";
    FORGET_BRAKE = "DELETE FROM marketing_brakes WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3
        AND released_at IS NOT NULL AND over_at IS NOT NULL";
    END_BRAKE = "DELETE FROM marketing_brakes WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3";
    QUALITY_IS_BACK = "UPDATE marketing_brakes SET over_at = $4
        WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3 AND over_at IS NULL";
    BRAKES = "SELECT subject, reason, since FROM marketing_brakes
        WHERE workspace_id = $1 AND channel_id = $2 AND released_at IS NULL ORDER BY subject";
    CAMPAIGN_OF_MESSAGE = "SELECT campaign_id, payload FROM outbox
        WHERE workspace_id = $1 AND id = $2 AND campaign_id IS NOT NULL";
    TOLD_NUMBER_QUALITY = "UPDATE channels SET quality_told_at = $3
        WHERE workspace_id = $1 AND id = $2 AND quality_told_at <= $3";
    IS_BRAKED = "SELECT 1 FROM marketing_brakes WHERE workspace_id = $1 AND channel_id = $2
        AND subject IN ('', $3) AND released_at IS NULL LIMIT 1";
}

/// Whether a hold ends when the template and its quality are well again; the limits have ends of their own.
const fn ends_with_its_cause(rule: Rule) -> bool {
    !matches!(rule, Rule::MessagingLimit | Rule::SpamLimit | Rule::AccountProblem)
}

/// Marketing that is stopped because of its quality.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MarketingBrake {
    /// Name of the template; empty for the whole number.
    pub template: String,
    /// In words.
    pub reason: String,
    pub since: Timestamp,
}

impl Tx<'_> {
    /// Holds a campaign. `true` when that is new, or holds for longer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        (rule, until): (Rule, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = self.execute(&HOLD_CAMPAIGN, &[&workspace_id, &id, &rule.as_str(), &until, &now])? == 1;
        if held {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(held)
    }

    /// Holds a campaign of texts whose sender, which this is, may not send now, until it is tried again. `false` when it
    /// sends from others too, which go on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_for_sender(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        (channel_id, address): (ChannelId, &str),
        (until, now): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &id, &channel_id, &address];
        if self.query_opt(&SENDS_FROM_ALONE, keys, |row| row.next::<i64>())?.is_none() {
            return Ok(false);
        }
        if self.execute(&HOLD_FOR_SENDER, &[&workspace_id, &id, &until, &now])? == 1 {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(true)
    }

    /// Lets the campaigns go on that were held because this sender was not active.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_for_sender(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let held = self.query(&HELD_FOR_SENDER, &[&workspace_id, &id], |row| {
            Ok((row.next::<CampaignId>()?, row.next::<ChannelId>()?))
        })?;
        for (campaign_id, channel_id) in held {
            self.release_campaign(workspace_id, campaign_id, now)?;
            self.wake(Wake::Outbox(channel_id));
        }
        Ok(())
    }

    /// The campaign of a message, with what the message says.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_of_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<(CampaignId, Payload)>, StoreError> {
        self.query_opt(&CAMPAIGN_OF_MESSAGE, &[&workspace_id, &id], |row| {
            Ok((row.next()?, Payload::from_text(row.next()?)))
        })
    }

    /// Lets a campaign go on. `true` when it was held.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let released = self.execute(&RELEASE_CAMPAIGN, &[&workspace_id, &id])? == 1;
        if released {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(released)
    }

    /// What holds a campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_hold(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<CampaignHold>, StoreError> {
        let found = self.query_opt(&HOLD_OF, &[&workspace_id, &id], |row| {
            let (rule, since, until) = (row.next::<Option<String>>()?, row.next::<Option<Timestamp>>()?, row.next()?);
            Ok(rule.zip(since).map(|(rule, since)| CampaignHold::of(&rule, since, until)))
        })?;
        Ok(found.flatten())
    }

    /// Holds the campaigns of a number whose template cannot be sent (any more) or whose marketing is stopped, and lets
    /// those go on that nothing of the kind holds any more. To be called in the transaction of the change.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refresh_holds(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let campaigns = self.query(&OF_CHANNEL, &[&workspace_id, &channel_id], |row| {
            Ok((row.next::<CampaignId>()?, row.json::<CampaignTemplate>()?, row.next::<Option<String>>()?))
        })?;
        for (id, template, held) in campaigns {
            match self.standing_hold(workspace_id, channel_id, &template)? {
                Some(rule) => {
                    self.hold_campaign(workspace_id, id, (rule, None), now)?;
                }
                None if held.as_deref().and_then(|held| Rule::parse(held).ok()).is_some_and(ends_with_its_cause) => {
                    self.release_campaign(workspace_id, id, now)?;
                }
                None => {}
            }
        }
        self.wake(Wake::Outbox(channel_id));
        Ok(())
    }

    /// What holds a campaign with this template for as long as nothing changes.
    ///
    /// # Errors
    /// When the store fails.
    pub fn standing_hold(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        template: &CampaignTemplate,
    ) -> Result<Option<Rule>, StoreError> {
        let known = self.template_by_name(workspace_id, channel_id, &template.name, &template.language)?;
        let Some(known) = known.filter(|known| known.status == APPROVED) else {
            return Ok(Some(Rule::TemplatePaused));
        };
        let stops = known.category == "MARKETING" && self.is_braked(workspace_id, channel_id, &template.name)?;
        Ok(stops.then_some(Rule::QualityBrake))
    }

    /// Stops marketing from a number, or with one of its templates. `false` when it is stopped already, or a person let it
    /// go on and the quality has not been back since.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_brake(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (template, reason): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let put = self.execute(&PUT_BRAKE, &[&workspace_id, &channel_id, &template, &reason, &now])? == 1;
        if put {
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(put)
    }

    /// Stops marketing that a person let go on, when that was before it was told at `told_at` that the quality is bad.
    ///
    /// # Errors
    /// When the store fails.
    pub fn brake_again(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (template, reason): (&str, &str),
        (told_at, now): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        let key: [&dyn crate::Bind; 6] = [&workspace_id, &channel_id, &template, &reason, &now, &told_at];
        let put = self.execute(&BRAKE_AGAIN, &key)? == 1;
        if put {
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(put)
    }

    /// Lets marketing go on, as a person says. It stays on record while the quality is bad. `false` when it was not stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_brake(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        template: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let released = self.execute(&RELEASE_BRAKE, &[&workspace_id, &channel_id, &template, &now])? == 1;
        if released {
            self.execute(&FORGET_BRAKE, &[&workspace_id, &channel_id, &template])?;
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(released)
    }

    /// The quality is back, which ends the brake where it `ends` it; else a person is to take it off. What a person let go
    /// on before is forgotten: the next bad quality stops marketing again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_quality_is_back(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (template, ends): (&str, bool),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if ends {
            if self.execute(&END_BRAKE, &[&workspace_id, &channel_id, &template])? == 1 {
                self.refresh_holds(workspace_id, channel_id, now)?;
            }
            return Ok(());
        }
        self.execute(&QUALITY_IS_BACK, &[&workspace_id, &channel_id, &template, &now])?;
        self.execute(&FORGET_BRAKE, &[&workspace_id, &channel_id, &template]).map(|_| ())
    }

    /// Notes when something was told of a number's quality. `false` when something newer was told before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_number_quality(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        told_at: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&TOLD_NUMBER_QUALITY, &[&workspace_id, &channel_id, &told_at])? == 1)
    }

    /// Whether marketing with a template of a number is stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_braked(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        template: &str,
    ) -> Result<bool, StoreError> {
        let found = self.query_opt(&IS_BRAKED, &[&workspace_id, &channel_id, &template], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// What of a number's marketing is stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub fn brakes(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
    ) -> Result<Vec<MarketingBrake>, StoreError> {
        self.query(&BRAKES, &[&workspace_id, &channel_id], |row| {
            Ok(MarketingBrake { template: row.next()?, reason: row.next()?, since: row.next()? })
        })
    }
}
