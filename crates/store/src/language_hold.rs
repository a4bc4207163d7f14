//! Translations of a campaign's template that WhatsApp does not take (any more) while messages wait in them.
//!
//! Such messages do not hold their campaign: the other languages go on. What WhatsApp may take again (paused, being looked
//! at) waits for it, at the longest until it expires; what it will not (rejected, disabled, deleted) ends, each recipient
//! with the reason. That there were such messages is noted in the transaction that holds or ends the first of them, so a
//! crash leaves both or neither. What a page tells of it is read from the templates as they are now.

use segue_model::{CampaignId, ChannelId, Timestamp, WorkspaceId, template_rules::is_over};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    StoreError, Tx,
    template::{APPROVED, DELETED, Template},
};

/// A translation that keeps messages of a campaign back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LanguageHold {
    pub language: String,
    /// In words, with what becomes of the messages.
    pub reason: String,
    /// Whether they wait; else they are not sent.
    pub waits: bool,
    pub since: Timestamp,
}

/// What WhatsApp does with a translation that it does not take, in words.
#[must_use]
pub fn standing(language: &str, template: Option<&Template>) -> String {
    let status = template.map_or(DELETED, |template| template.status.as_str());
    let what = match status {
        "PAUSED" => format!("WhatsApp has paused the translation in {language}"),
        "REJECTED" => format!("WhatsApp has rejected the translation in {language}"),
        "DISABLED" => format!("WhatsApp has disabled the translation in {language}"),
        "PENDING" | "IN_APPEAL" => format!("WhatsApp is looking at the translation in {language}"),
        DELETED | "PENDING_DELETION" => format!("The translation in {language} was deleted"),
        other => format!("The translation in {language} is {} at WhatsApp", other.to_lowercase().replace('_', " ")),
    };
    match template.and_then(|template| template.reason.as_deref()).filter(|reason| !matches!(*reason, "" | "NONE")) {
        Some(reason) => format!("{what} ({reason})."),
        None => format!("{what}."),
    }
}

/// Whether nothing more is to be expected of a translation.
#[must_use]
pub fn is_given_up(template: Option<&Template>) -> bool {
    template.is_none_or(|template| is_over(&template.status))
}

crate::sql! {
    NOTE_LANGUAGE_HOLD = "INSERT INTO campaign_language_holds (workspace_id, campaign_id, language, since)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    LANGUAGE_HOLDS = "SELECT language, since FROM campaign_language_holds WHERE workspace_id = $1 AND campaign_id = $2
        ORDER BY language";
    CAMPAIGNS_IN_LANGUAGE = "SELECT h.campaign_id FROM campaign_language_holds h
            JOIN campaigns c ON c.workspace_id = h.workspace_id AND c.id = h.campaign_id
        WHERE h.workspace_id = $1 AND c.template_channel_id = $2 AND c.state IN ('planning', 'running', 'paused')
        GROUP BY h.campaign_id";
    LOOK_AGAIN = "UPDATE outbox SET not_before = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND channel_id = $3 AND state = 'queued'
            AND campaign_id IS NOT NULL AND not_before > $4 AND rule = 'template_paused'";
}

impl Tx<'_> {
    /// Notes that messages of a campaign wait in a language, or were not sent in it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_language_hold(
        &mut self,
        workspace_id: WorkspaceId,
        (campaign_id, language): (CampaignId, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&NOTE_LANGUAGE_HOLD, &[&workspace_id, &campaign_id, &language, &now]).map(|_| ())
    }

    /// The translations that keep messages of a campaign back now, or have ended some.
    ///
    /// # Errors
    /// When the store fails.
    pub fn language_holds(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<LanguageHold>, StoreError> {
        let noted: Vec<(String, Timestamp)> =
            self.query(&LANGUAGE_HOLDS, &[&workspace_id, &campaign_id], |row| Ok((row.next()?, row.next()?)))?;
        if noted.is_empty() {
            return Ok(Vec::new());
        }
        let Some(gate) = self.campaign_gate(workspace_id, campaign_id)? else { return Ok(Vec::new()) };
        let mut holds = Vec::with_capacity(noted.len());
        for (language, since) in noted {
            let of = &gate.template;
            let template = self.template_by_name(workspace_id, of.channel_id, &of.name, &language)?;
            let waits = !is_given_up(template.as_ref());
            let goes_on = template.as_ref().is_some_and(|template| template.status == APPROVED);
            if goes_on || (waits && gate.state.is_ended()) {
                continue;
            }
            let then = match waits {
                true => {
                    "Whoever gets that language waits until it is approved again, at the longest until the campaign ends."
                }
                false => "Whoever was to get that language and has not does not get it.",
            };
            let reason = format!("{} {then}", standing(&language, template.as_ref()));
            holds.push(LanguageHold { language, reason, waits, since });
        }
        Ok(holds)
    }

    /// Messages that wait for a translation are looked at now: WhatsApp has decided about one. To be called in the
    /// transaction of the change.
    pub(crate) fn look_again_in_languages(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let campaigns: Vec<CampaignId> =
            self.query(&CAMPAIGNS_IN_LANGUAGE, &[&workspace_id, &channel_id], |row| row.next())?;
        for id in campaigns {
            self.execute(&LOOK_AGAIN, &[&workspace_id, &id, &channel_id, &now])?;
        }
        Ok(())
    }
}
