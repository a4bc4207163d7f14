//! Recipients: one row per campaign and contact, from the decision at planning to the sale.
//!
//! What was decided is written once, together with the message; what became of the message is in its outbox row; what
//! the person then did is stamped here, and the first stamp of each kind stands.

use segue_model::{
    CampaignId, ContactId, MessageId, PhoneNumber, SessionId, Timestamp, WorkspaceId, attribution::Attribution,
    code::CodeTarget, time,
};
use serde::Serialize;
use serde_json::json;

use crate::{StoreError, Tx, event::NewEvent};

/// How long after a tap a chat without a code is still taken as its consequence.
pub const INFERENCE_WINDOW: i64 = 48 * time::HOUR;

/// A decision to store.
#[derive(Debug, Clone)]
pub struct NewRecipient {
    pub position: u32,
    pub contact_id: ContactId,
    pub phone: Option<PhoneNumber>,
    /// `allowed`, `quiet_hours`, or why there is no message.
    pub rule: &'static str,
    pub message_id: Option<MessageId>,
}

/// Something the person did, or that was done for him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// The first tap of a person on the link.
    FirstTap,
    /// A chat opened that belongs to the recipient.
    Chat { session_id: SessionId },
    /// The bot had gathered what it asks for.
    BotFinished,
    /// An agent took the session.
    Agent,
    Case,
    Lead,
    Won,
}

/// A recipient as link codes and attribution know him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodedRecipient {
    pub campaign_id: CampaignId,
    pub campaign_name: String,
    pub position: u32,
    pub contact_id: ContactId,
    pub phone: Option<PhoneNumber>,
}

/// Whose recipient an inbound chat is, and how surely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    pub attribution: Attribution,
    pub recipient: Option<CodedRecipient>,
}

crate::sql! {
    INSERT_RECIPIENT = "INSERT INTO recipients (workspace_id, campaign_id, position, contact_id, phone, rule,
            message_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, campaign_id, contact_id) DO NOTHING";
    STAMP_FIRST_TAP = "UPDATE recipients SET first_tap_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND first_tap_at IS NULL";
    STAMP_CHAT = "UPDATE recipients SET chat_at = $4, session_id = $5
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND chat_at IS NULL";
    STAMP_BOT_FINISHED = "UPDATE recipients SET bot_finished_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND bot_finished_at IS NULL";
    STAMP_AGENT = "UPDATE recipients SET agent_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND agent_at IS NULL";
    STAMP_CASE = "UPDATE recipients SET case_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND case_at IS NULL";
    STAMP_LEAD = "UPDATE recipients SET lead_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND lead_at IS NULL";
    STAMP_WON = "UPDATE recipients SET won_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND won_at IS NULL";
    CODED_RECIPIENT = "SELECT c.id, c.name, r.position, r.contact_id, r.phone FROM campaigns c
        JOIN recipients r ON r.workspace_id = c.workspace_id AND r.campaign_id = c.id
        WHERE c.workspace_id = $1 AND c.number = $2 AND r.position = $3";
    RECENT_TAP = "SELECT c.id, c.name, r.position, r.contact_id, r.phone FROM recipients r
        JOIN clicks k ON k.workspace_id = r.workspace_id AND k.campaign_id = r.campaign_id AND k.position = r.position
        JOIN campaigns c ON c.workspace_id = r.workspace_id AND c.id = r.campaign_id
        WHERE r.workspace_id = $1 AND r.phone = $2 AND r.first_tap_at IS NOT NULL AND k.verdict = 'person'
            AND k.at >= $3 AND k.at <= $4
        ORDER BY k.at DESC, k.id DESC LIMIT 1";
}

fn read_coded(row: &mut crate::Row<'_>) -> Result<CodedRecipient, StoreError> {
    Ok(CodedRecipient {
        campaign_id: row.next()?,
        campaign_name: row.next()?,
        position: row.next()?,
        contact_id: row.next()?,
        phone: row.next()?,
    })
}

impl Tx<'_> {
    /// Stores a decision. `false` when the contact has one in this campaign already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        recipient: &NewRecipient,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_RECIPIENT,
            &[
                &workspace_id,
                &campaign_id,
                &recipient.position,
                &recipient.contact_id,
                &recipient.phone,
                &recipient.rule,
                &recipient.message_id,
            ],
        )?;
        Ok(written == 1)
    }

    /// Notes the first time something happened to a recipient; `true` when it was the first. The screens are told that
    /// the campaign's figures have changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stamp_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        position: u32,
        stamp: Stamp,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let written = match stamp {
            Stamp::Chat { session_id } => {
                self.execute(&STAMP_CHAT, &[&workspace_id, &campaign_id, &position, &at, &session_id])?
            }
            other => {
                let sql = match other {
                    Stamp::FirstTap => &STAMP_FIRST_TAP,
                    Stamp::BotFinished => &STAMP_BOT_FINISHED,
                    Stamp::Agent => &STAMP_AGENT,
                    Stamp::Case => &STAMP_CASE,
                    Stamp::Lead => &STAMP_LEAD,
                    Stamp::Won | Stamp::Chat { .. } => &STAMP_WON,
                };
                self.execute(sql, &[&workspace_id, &campaign_id, &position, &at])?
            }
        };
        if written == 1 {
            self.tell_campaign_progress(workspace_id, campaign_id, at);
        }
        Ok(written == 1)
    }

    /// Tells the screens that the campaign's figures have changed.
    pub fn tell_campaign_progress(&mut self, workspace_id: WorkspaceId, campaign_id: CampaignId, now: Timestamp) {
        self.emit(
            workspace_id,
            NewEvent {
                kind: "campaign.progress",
                entity: "campaign",
                entity_id: campaign_id.to_string(),
                audience: None,
                data: json!({ "campaign_id": campaign_id }),
                at: now,
            },
        );
    }

    /// The recipient a link code stands for, when the campaign belongs to this workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub fn coded_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        target: CodeTarget,
    ) -> Result<Option<CodedRecipient>, StoreError> {
        self.query_opt(&CODED_RECIPIENT, &[&workspace_id, &target.campaign_number, &target.position], read_coded)
    }

    /// The recipient whose link was last tapped by a person for this phone number within [`INFERENCE_WINDOW`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn recent_tap(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
        now: Timestamp,
    ) -> Result<Option<CodedRecipient>, StoreError> {
        self.query_opt(&RECENT_TAP, &[&workspace_id, phone, &now.plus(-INFERENCE_WINDOW), &now], read_coded)
    }

    /// Whose recipient an inbound chat is: *certain* with the recipient's code from the recipient's own number,
    /// *claimed* with a code from any other or an unknown number, *inferred* without a code shortly after a tap of this
    /// number, else *none*. A code of another workspace counts as no code.
    ///
    /// # Errors
    /// When the store fails.
    pub fn attribution_of(
        &mut self,
        workspace_id: WorkspaceId,
        code: Option<CodeTarget>,
        phone: Option<&PhoneNumber>,
        now: Timestamp,
    ) -> Result<Attributed, StoreError> {
        if let Some(target) = code
            && let Some(recipient) = self.coded_recipient(workspace_id, target)?
        {
            let own = phone.is_some() && recipient.phone.as_ref() == phone;
            let attribution = if own { Attribution::Certain } else { Attribution::Claimed };
            return Ok(Attributed { attribution, recipient: Some(recipient) });
        }
        let tapped = match phone {
            Some(phone) => self.recent_tap(workspace_id, phone, now)?,
            None => None,
        };
        let attribution = if tapped.is_some() { Attribution::Inferred } else { Attribution::None };
        Ok(Attributed { attribution, recipient: tapped })
    }
}
