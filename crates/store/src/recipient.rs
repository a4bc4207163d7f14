//! Recipients: one row per campaign and contact, from the decision at planning to the sale.
//!
//! What was decided is written once, together with the message; what became of the message is in its outbox row; what
//! the person then did is stamped here, and the first stamp of each kind stands.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, ChannelId, ContactId, MessageId, PhoneNumber, SessionId, Timestamp, WorkspaceId,
    attribution::{Attribution, CodeOwner, INFERENCE_WINDOW, RecentTap, attribute},
    code::{CodeTarget, POSTER},
    contact::ContactFields,
    id::Id as _,
    policy::{Explanation, Rule},
    route::RouteNote,
    time,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    StoreError, Tx,
    click::Device,
    contact::{like_pattern, number_pattern},
    event::NewEvent,
    language_hold::LanguageHold,
    tally::{CHATS_OF_TIER, NOT_PLANNED, PLANNED, REFUSED},
    value::{Bind as _, Param},
};

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
    Chat {
        session_id: SessionId,
        /// How surely it is his.
        tier: Attribution,
    },
    /// The bot had gathered what it asks for.
    BotFinished,
    /// An agent took the session.
    Agent,
    Case,
    Lead,
    Won,
}

impl Stamp {
    /// The count it belongs to.
    pub(crate) const fn tally(self) -> &'static str {
        match self {
            Self::FirstTap => "tapped",
            Self::Chat { .. } => "chats",
            Self::BotFinished => "bot_finished",
            Self::Agent => "agent",
            Self::Case => "cases",
            Self::Lead => "leads",
            Self::Won => "won",
        }
    }
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

/// What points from an inbound message to a campaign.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pointers<'a> {
    pub code: Option<CodeTarget>,
    /// The recipient whose message it answers.
    pub answered: Option<&'a CodedRecipient>,
    pub phone: Option<&'a PhoneNumber>,
    /// The addresses that a template may have gone to, and the number it came from.
    pub sent_to: Option<(ChannelId, &'a [String])>,
}

/// Whose recipient an inbound chat is, and how surely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    pub attribution: Attribution,
    pub recipient: Option<CodedRecipient>,
}

segue_model::text_enum! {
    /// What became of a recipient's message, as the campaign's page shows it.
    pub enum RecipientState {
        Planned = "planned",
        /// There is no message, or the policy refused it at the last look.
        Excluded = "excluded",
        Queued = "queued",
        /// Waits for a later hour.
        Held = "held",
        Submitting = "submitting",
        Sent = "sent",
        Delivered = "delivered",
        Failed = "failed",
        Unknown = "unknown",
        Canceled = "canceled",
    }
}

/// A recipient as the campaign's page shows him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Recipient)]
pub struct RecipientView {
    pub position: u32,
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub phone: Option<PhoneNumber>,
    pub state: RecipientState,
    /// The rule that excludes or holds the message.
    pub rule: Option<String>,
    /// The rule or the failure in words.
    pub reason: Option<String>,
    /// What of a rule decided: the rule of a rule book and its version, the time zone, the cap.
    pub explanation: Option<Explanation>,
    pub text: Option<String>,
    pub segments: Option<u32>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub first_tap_at: Option<Timestamp>,
    /// On what that tap was made.
    pub first_tap_device: Option<Device>,
    /// Which link it was of: 0 is the chat, from 1 on the addresses in the text.
    pub first_tap_link: Option<u8>,
    pub session_id: Option<SessionId>,
    /// When the last attempt to send it began; no later word of the recipient could stop that.
    pub submitted_at: Option<Timestamp>,
    /// The account the message leaves by.
    pub channel_id: Option<ChannelId>,
    /// Why by that account, where the sender has several.
    pub route: Option<RouteNote>,
}

/// Which recipients to show, in the order of their positions.
#[derive(Debug, Clone, Default)]
pub struct RecipientQuery {
    pub state: Option<RecipientState>,
    /// Part of a name or phone number.
    pub search: String,
    /// Only positions above this one.
    pub after: u32,
    pub limit: i64,
}

/// How many recipients a rule excludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleCount {
    pub rule: String,
    /// The rule in words.
    pub label: String,
    pub count: i64,
}

/// How many chats are how sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TierCount {
    pub tier: Attribution,
    pub count: i64,
}

/// How many messages failed with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FailureCount {
    pub code: String,
    /// The failure in words.
    pub label: String,
    pub count: i64,
}

/// From the plan to the sale. `planned` = `excluded` + `queued` + `sent` + `failed` + `unknown` + `canceled` + `assessed`; those
/// delivered are among those sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Funnel {
    pub planned: i64,
    pub excluded: i64,
    pub queued: i64,
    pub sent: i64,
    pub delivered: i64,
    pub failed: i64,
    pub unknown: i64,
    pub canceled: i64,
    /// Taken by WhatsApp and held back by it while it looks at the template's quality; not sent.
    pub assessed: i64,
    /// Recipients with at least one tap of a person.
    pub tapped: i64,
    /// Taps of people; scans of the QR code are not among them.
    pub tapped_filtered: i64,
    /// Requests of any kind for the recipients' links.
    pub taps_raw: i64,
    /// Recipients whose chat was opened: the confirmed taps.
    pub chats: i64,
    /// Those among them by how surely they came from the campaign, the surest first; and beside them, as `qr`, those from
    /// the campaign's QR code, which are nobody's.
    pub chats_by_tier: Vec<TierCount>,
    pub bot_finished: i64,
    pub agent: i64,
    pub cases: i64,
    pub leads: i64,
    pub won: i64,
    pub excluded_by_rule: Vec<RuleCount>,
    pub failures: Vec<FailureCount>,
    /// Translations that keep messages back.
    pub languages: Vec<LanguageHold>,
}

/// What became of the recipients of one bucket; see `segue_model::variant`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketCount {
    pub bucket: u32,
    /// Recipients with a message.
    pub messages: i64,
    pub held_out: i64,
    pub sent: i64,
    pub delivered: i64,
    pub tapped: i64,
    pub chats: i64,
    pub won: i64,
}

/// How long ago a campaign may have started of which something may still have left lately.
const LONGEST_CAMPAIGN: i64 = 60 * time::DAY;

/// Rule of a recipient whose phone number has a message of this campaign already.
pub const DUPLICATE_PHONE: &str = "duplicate_phone";
/// Rule of a recipient whose text has characters that its sender does not take.
pub const NOT_PLAIN: &str = "not_plain";
/// Rule of a recipient whose text would take too many segments.
pub const TEXT_TOO_LONG: &str = "text_too_long";

/// Rule of a recipient who is on a list that the audience excludes.
pub const ON_EXCLUDED_LIST: &str = "on_excluded_list";
/// Rule of a recipient who is in a segment that the audience excludes.
pub const IN_EXCLUDED_SEGMENT: &str = "in_excluded_segment";
/// A row of a table that the campaign excludes is linked to the contact.
pub const IN_EXCLUDED_TABLE: &str = "in_excluded_table";
/// Rule of a recipient who was sent a campaign that the audience excludes.
pub const HAD_CAMPAIGN: &str = "had_campaign";
/// Rule of a recipient who could get the message and is held out to compare with.
pub const HELD_OUT: &str = "held_out";
/// Rule of a recipient whose local time to send at is past.
pub const SEND_TIME_PASSED: &str = "send_time_passed";

/// Rule of a message that the platform has taken and holds back while it looks at its template's quality.
pub const QUALITY_ASSESSMENT: &str = "quality_assessment";
/// Rule of a recipient for whom a placeholder of the template would stay empty.
pub const EMPTY_VALUE: &str = "empty_value";

/// A stored rule in words: one of the policy's, or one of planning and canceling.
#[must_use]
pub fn rule_label(rule: &str) -> String {
    match rule {
        DUPLICATE_PHONE => "Same phone number as another recipient".to_owned(),
        NOT_PLAIN => "The sender cannot send characters of the text".to_owned(),
        TEXT_TOO_LONG => "The text is too long for this recipient".to_owned(),
        ON_EXCLUDED_LIST => "On an excluded list".to_owned(),
        IN_EXCLUDED_SEGMENT => "In an excluded segment".to_owned(),
        IN_EXCLUDED_TABLE => "In an excluded table".to_owned(),
        HAD_CAMPAIGN => "Was sent an excluded campaign".to_owned(),
        HELD_OUT => "Held out to compare with".to_owned(),
        SEND_TIME_PASSED => "The time of day to send at has passed there".to_owned(),
        QUALITY_ASSESSMENT => "WhatsApp holds it back while it looks at the template's quality".to_owned(),
        EMPTY_VALUE => "A placeholder of the template would stay empty".to_owned(),
        "campaign_canceled" => "The campaign was canceled".to_owned(),
        "contact_deleted" => "The contact was deleted".to_owned(),
        other => Rule::parse(other).map_or_else(|_| other.replace('_', " "), |rule| rule.label().to_owned()),
    }
}

crate::sql! {
    INSERT_RECIPIENT = "INSERT INTO recipients (workspace_id, campaign_id, position, contact_id, phone, rule,
            message_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, campaign_id, contact_id) DO NOTHING";
    STAMP_FIRST_TAP = "UPDATE recipients SET first_tap_at = $4
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND first_tap_at IS NULL";
    PLANNED_BETWEEN = "SELECT contact_id FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND contact_id >= $3 AND contact_id <= $4";
    STAMP_CHAT = "UPDATE recipients SET chat_at = $4, session_id = $5, chat_tier = $6
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND chat_at IS NULL";
    /// A tap that seemed too early to be a person's was one after all.
    STAMP_CONFIRMED_TAP = "UPDATE recipients SET first_tap_at = early_tap_at, first_tap_device = early_tap_device,
            first_tap_link = early_tap_link
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND first_tap_at IS NULL
            AND early_tap_at IS NOT NULL";
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
    CODED_CAMPAIGN = "SELECT id FROM campaigns WHERE workspace_id = $1 AND number = $2";
    ANSWERED_RECIPIENT = "SELECT c.id, c.name, r.position, r.contact_id, r.phone FROM outbox o
        JOIN campaigns c ON c.workspace_id = o.workspace_id AND c.id = o.campaign_id
        JOIN recipients r ON r.workspace_id = o.workspace_id AND r.campaign_id = o.campaign_id AND r.position = o.position
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.provider_id = $3 AND o.campaign_id IS NOT NULL
        ORDER BY o.id DESC LIMIT 1";
    /// Of the campaigns by template that may still have sent something lately.
    RECENTLY_SENT = "SELECT c.id, c.name, r.position, r.contact_id, r.phone, o.submitted_at FROM campaigns c
        JOIN outbox o ON o.workspace_id = c.workspace_id AND o.campaign_id = c.id AND o.campaign_id IS NOT NULL
            AND o.address = $3
        JOIN recipients r ON r.workspace_id = c.workspace_id AND r.campaign_id = c.id AND r.position = o.position
        WHERE c.workspace_id = $1 AND c.template IS NOT NULL AND c.started_at >= $6 AND o.channel_id = $2
            AND o.submitted_at >= $4 AND o.submitted_at <= $5 AND o.state IN ('accepted', 'delivered', 'read')
        ORDER BY o.submitted_at DESC LIMIT 1";
    RECENT_TAPS = "SELECT c.id, c.name, r.position, r.contact_id, r.phone, r.last_chat_tap_at FROM recipients r
        JOIN campaigns c ON c.workspace_id = r.workspace_id AND c.id = r.campaign_id
        WHERE r.workspace_id = $1 AND r.phone = $2 AND r.first_tap_at IS NOT NULL
            AND r.last_chat_tap_at >= $3 AND r.last_chat_tap_at <= $4";
    RECIPIENTS = "SELECT q.position, q.contact_id, q.first_name, q.last_name, q.phone, q.shown, q.rule, q.reason,
            q.payload, q.segments, q.sent_at, q.delivered_at, q.first_tap_at, q.session_id, q.explanation,
            q.submitted_at, q.channel_id, q.first_tap_device, q.first_tap_link
        FROM (SELECT r.position AS position, r.contact_id AS contact_id, c.first_name AS first_name,
                c.last_name AS last_name, r.phone AS phone,
                CASE WHEN r.message_id IS NULL THEN 'excluded' WHEN o.id IS NULL THEN 'planned'
                    WHEN o.state = 'queued' AND (o.not_before > $3 OR CAST($8 AS TEXT) <> '') THEN 'held'
                    WHEN o.state = 'unknown' AND o.rule = 'quality_assessment' THEN 'held'
                    WHEN o.state IN ('queued', 'claimed') THEN 'queued'
                    WHEN o.state = 'accepted' THEN 'sent'
                    WHEN o.state IN ('delivered', 'read') THEN 'delivered'
                    WHEN o.state IN ('suppressed', 'expired') THEN 'excluded'
                    ELSE o.state END AS shown,
                CASE WHEN o.state = 'queued' AND o.not_before <= $3 AND CAST($8 AS TEXT) <> '' THEN $8
                    ELSE COALESCE(o.rule, r.rule) END AS rule, o.error_reason AS reason, o.payload AS payload,
                o.segments AS segments, COALESCE(o.accepted_at, o.delivered_at, o.read_at) AS sent_at,
                COALESCE(o.delivered_at, o.read_at) AS delivered_at, r.first_tap_at AS first_tap_at,
                r.session_id AS session_id, d.explanation AS explanation, o.submitted_at AS submitted_at,
                o.channel_id AS channel_id, r.first_tap_device AS first_tap_device, r.first_tap_link AS first_tap_link
            FROM recipients r
            LEFT JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id
            LEFT JOIN contacts c ON c.workspace_id = r.workspace_id AND c.id = r.contact_id
            LEFT JOIN decisions d ON d.workspace_id = r.workspace_id AND d.message_id = r.message_id
                AND d.rule = COALESCE(o.rule, r.rule)
            WHERE r.workspace_id = $1 AND r.campaign_id = $2 AND r.position > $4
                AND (COALESCE(c.search, r.phone, '') LIKE $5 ESCAPE '\\'
                    OR COALESCE(c.search, r.phone, '') LIKE $9 ESCAPE '\\')) q
        WHERE CAST($6 AS TEXT) = '' OR q.shown = $6 ORDER BY q.position LIMIT $7";
    FAILURE_COUNTS = "SELECT COALESCE(error_code, ''), COALESCE(MAX(error_reason), ''), COUNT(*) FROM outbox
        WHERE workspace_id = $1 AND campaign_id = $2 AND state = 'failed'
        GROUP BY COALESCE(error_code, '') ORDER BY 3 DESC, 1";
    BUCKET_COUNTS = "SELECT (r.position * $4) % $3, COUNT(r.message_id),
            COUNT(CASE WHEN r.rule = 'held_out' THEN 1 END),
            COUNT(CASE WHEN o.state IN ('accepted', 'delivered', 'read') THEN 1 END),
            COUNT(CASE WHEN o.state IN ('delivered', 'read') THEN 1 END),
            COUNT(r.first_tap_at), COUNT(r.chat_at), COUNT(r.won_at)
        FROM recipients r LEFT JOIN outbox o ON o.workspace_id = r.workspace_id AND o.id = r.message_id
        WHERE r.workspace_id = $1 AND r.campaign_id = $2 GROUP BY (r.position * $4) % $3";
    CLICK_COUNTS = "SELECT COUNT(*), COUNT(CASE WHEN verdict = 'person' THEN 1 END) FROM clicks
        WHERE workspace_id = $1 AND campaign_id = $2 AND position <> $3";
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
        Ok(self.insert_recipients(workspace_id, campaign_id, std::slice::from_ref(recipient))? == 1)
    }

    /// Which contacts between two ids (both included) are recipients of a campaign already: after a merge one can be that
    /// before the planning has come to it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn planned_between(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        (first, last): (ContactId, ContactId),
    ) -> Result<Vec<ContactId>, StoreError> {
        self.query(&PLANNED_BETWEEN, &[&workspace_id, &campaign_id, &first, &last], |row| row.next())
    }

    /// Stores the decisions about several contacts. Gives how many had none in this campaign yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_recipients(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        recipients: &[NewRecipient],
    ) -> Result<usize, StoreError> {
        let (workspace, campaign) = (Param::Id(workspace_id.uuid()), Param::Id(campaign_id.uuid()));
        let written = self.execute_each(&INSERT_RECIPIENT, recipients, |recipient| {
            [
                workspace,
                campaign,
                recipient.position.bind(),
                recipient.contact_id.bind(),
                recipient.phone.bind(),
                Param::Text(recipient.rule),
                recipient.message_id.bind(),
            ]
        })?;
        let mut count = 0;
        for (recipient, _) in recipients.iter().zip(written).filter(|(_, written)| *written == 1) {
            count += 1;
            self.tally(workspace_id, campaign_id, PLANNED, 1);
            if recipient.message_id.is_none() {
                self.tally(workspace_id, campaign_id, format!("{NOT_PLANNED}{}", recipient.rule), 1);
            }
        }
        Ok(count)
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
            Stamp::Chat { session_id, tier } => {
                self.execute(&STAMP_CHAT, &[&workspace_id, &campaign_id, &position, &at, &session_id, &tier.as_str()])?
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
            self.tally(workspace_id, campaign_id, stamp.tally(), 1);
            if let Stamp::Chat { tier, .. } = stamp {
                self.tally(workspace_id, campaign_id, format!("{CHATS_OF_TIER}{tier}"), 1);
                let confirmed = self.execute(&STAMP_CONFIRMED_TAP, &[&workspace_id, &campaign_id, &position])?;
                self.tally(workspace_id, campaign_id, Stamp::FirstTap.tally(), i64::from(confirmed == 1));
            }
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

    /// The campaign with this number, when it belongs to this workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub fn coded_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_number: u32,
    ) -> Result<Option<CampaignId>, StoreError> {
        self.query_opt(&CODED_CAMPAIGN, &[&workspace_id, &campaign_number], |row| row.next())
    }

    /// Notes that a chat from the campaign's QR code is counted with it (1), or not any more (-1).
    pub fn count_poster_chat(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        change: i64,
        now: Timestamp,
    ) {
        self.tally(workspace_id, campaign_id, format!("{CHATS_OF_TIER}{}", Attribution::Qr), change);
        self.tell_campaign_progress(workspace_id, campaign_id, now);
    }

    /// The recipient of the campaign's message that has this id at the provider.
    ///
    /// # Errors
    /// When the store fails.
    pub fn answered_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<Option<CodedRecipient>, StoreError> {
        self.query_opt(&ANSWERED_RECIPIENT, &[&workspace_id, &channel_id, &provider_id], read_coded)
    }

    /// Whose recipient an inbound chat is: *certain* with an answer to the recipient's message, or the recipient's code
    /// from the recipient's own number, *claimed* with a code from any other or an unknown number, *inferred* without
    /// either shortly after a tap for this number or a template to it, else *none*. A code of another workspace counts as
    /// no code.
    ///
    /// # Errors
    /// When the store fails.
    pub fn attribution_of(
        &mut self,
        workspace_id: WorkspaceId,
        pointers: Pointers<'_>,
        now: Timestamp,
    ) -> Result<Attributed, StoreError> {
        let Pointers { code, answered, phone, sent_to } = pointers;
        let coded = match code {
            Some(target) => self.coded_recipient(workspace_id, target)?,
            None => None,
        };
        let is_named = coded.is_some() || answered.is_some();
        let mut tapped = match phone {
            Some(phone) if !is_named => self.recent_taps(workspace_id, phone, now)?,
            _ => Vec::new(),
        };
        if let (Some((channel_id, addresses)), false) = (sent_to, is_named) {
            for address in addresses {
                tapped.extend(self.recently_sent(workspace_id, channel_id, address, now)?);
            }
        }
        if phone.is_none() && answered.is_none() && coded.is_none() {
            // Nothing but the address tells who it is, and that is who got it.
            let last = tapped.into_iter().max_by_key(|(_, at)| *at).map(|(recipient, _)| recipient);
            let attribution = if last.is_some() { Attribution::Inferred } else { Attribution::None };
            return Ok(Attributed { attribution, recipient: last });
        }
        let taps = tapped.iter().filter_map(|(recipient, tapped_at)| {
            // A template may have gone to another number of the contact: it is the customer's own.
            let phone = recipient.phone.as_ref().filter(|own| phone.is_some_and(|phone| own.is_same_line(phone)));
            Some(RecentTap { recipient, phone: phone.or(pointers.phone)?, tapped_at: *tapped_at })
        });
        let taps = taps.collect::<Vec<_>>();
        let owner = coded.as_ref().and_then(|recipient| {
            let phone = recipient.phone.as_ref()?;
            Some(CodeOwner { recipient, phone })
        });
        let found = attribute(answered, owner, phone, &taps, now);
        Ok(Attributed { attribution: found.certainty, recipient: found.recipient.cloned() })
    }

    /// Recipients with this phone number whose links people have tapped within [`INFERENCE_WINDOW`], with their last tap,
    /// which is exact to [`crate::click::TAP_ACCURACY`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn recent_taps(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
        now: Timestamp,
    ) -> Result<Vec<(CodedRecipient, Timestamp)>, StoreError> {
        self.query(&RECENT_TAPS, &[&workspace_id, phone, &now.plus(-INFERENCE_WINDOW), &now], |row| {
            Ok((read_coded(row)?, row.next()?))
        })
    }

    /// The recipient of a campaign by template whose message went to this address within [`INFERENCE_WINDOW`], and when.
    fn recently_sent(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
        now: Timestamp,
    ) -> Result<Option<(CodedRecipient, Timestamp)>, StoreError> {
        let (from, started) = (now.plus(-INFERENCE_WINDOW), now.plus(-LONGEST_CAMPAIGN));
        let params: [&dyn crate::Bind; 6] = [&workspace_id, &channel_id, &address, &from, &now, &started];
        self.query_opt(&RECENTLY_SENT, &params, |row| Ok((read_coded(row)?, row.next()?)))
    }

    /// Recipients of a campaign with what became of their messages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recipients(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        query: &RecipientQuery,
        now: Timestamp,
    ) -> Result<Vec<RecipientView>, StoreError> {
        let shown = query.state.map_or("", RecipientState::as_str);
        let hold = self.campaign_hold(workspace_id, campaign_id)?.map(|hold| hold.rule).unwrap_or_default();
        let (search, number) = (like_pattern(&query.search), number_pattern(&query.search));
        self.query(
            &RECIPIENTS,
            &[&workspace_id, &campaign_id, &now, &query.after, &search, &shown, &query.limit, &hold, &number],
            read_recipient,
        )
    }

    /// What became of the campaign's recipients, by bucket.
    ///
    /// # Errors
    /// When the store fails.
    pub fn bucket_counts(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        buckets: u32,
        stride: u32,
    ) -> Result<Vec<BucketCount>, StoreError> {
        self.query(&BUCKET_COUNTS, &[&workspace_id, &campaign_id, &buckets, &stride], |row| {
            Ok(BucketCount {
                bucket: row.next()?,
                messages: row.next()?,
                held_out: row.next()?,
                sent: row.next()?,
                delivered: row.next()?,
                tapped: row.next()?,
                chats: row.next()?,
                won: row.next()?,
            })
        })
    }

    /// The campaign's figures.
    ///
    /// # Errors
    /// When the store fails.
    pub fn funnel(&mut self, workspace_id: WorkspaceId, campaign_id: CampaignId) -> Result<Funnel, StoreError> {
        let key: [&dyn crate::Bind; 2] = [&workspace_id, &campaign_id];
        let (mut funnel, mut rules) = (Funnel::default(), BTreeMap::<String, i64>::new());
        for (bucket, count) in self.tallies(workspace_id, campaign_id)? {
            if let Some(rule) = bucket.strip_prefix(NOT_PLANNED).or_else(|| bucket.strip_prefix(REFUSED)) {
                funnel.excluded += count;
                *rules.entry(rule.to_owned()).or_default() += count;
                continue;
            }
            if let Some(tier) = bucket.strip_prefix(CHATS_OF_TIER).and_then(|tier| Attribution::parse(tier).ok()) {
                funnel.chats_by_tier.push(TierCount { tier, count });
                continue;
            }
            match bucket.as_str() {
                PLANNED => funnel.planned = count,
                "queued" => funnel.queued = count,
                "sent" => funnel.sent += count,
                "delivered" => {
                    funnel.sent += count;
                    funnel.delivered = count;
                }
                "failed" => funnel.failed = count,
                "unknown" => funnel.unknown = count,
                "canceled" => funnel.canceled = count,
                "assessed" => funnel.assessed = count,
                "tapped" => funnel.tapped = count,
                "chats" => funnel.chats = count,
                "bot_finished" => funnel.bot_finished = count,
                "agent" => funnel.agent = count,
                "cases" => funnel.cases = count,
                "leads" => funnel.leads = count,
                "won" => funnel.won = count,
                other => return Err(StoreError::Corrupt(format!("a campaign has a count named {other}"))),
            }
        }
        funnel.chats_by_tier.sort_by_key(|each| Attribution::ALL.iter().position(|tier| *tier == each.tier));
        (funnel.taps_raw, funnel.tapped_filtered) =
            self.query_one(&CLICK_COUNTS, &[&workspace_id, &campaign_id, &POSTER], |row| {
                Ok((row.next()?, row.next()?))
            })?;
        funnel.excluded_by_rule =
            rules.into_iter().map(|(rule, count)| RuleCount { label: rule_label(&rule), rule, count }).collect();
        funnel.excluded_by_rule.sort_by_key(|rule| -rule.count);
        funnel.failures = self.query(&FAILURE_COUNTS, &key, |row| {
            let (code, reason): (String, String) = (row.next()?, row.next()?);
            let label = match (reason.is_empty(), code.is_empty()) {
                (false, _) => reason,
                (true, false) => format!("The carrier refused it with code {code}"),
                (true, true) => "The carrier gave no reason".to_owned(),
            };
            Ok(FailureCount { code, label, count: row.next()? })
        })?;
        funnel.languages = self.language_holds(workspace_id, campaign_id)?;
        Ok(funnel)
    }
}

/// What a person reads of a message of any medium.
#[derive(Deserialize)]
struct Readable {
    text: String,
    #[serde(default)]
    route: Option<RouteNote>,
}

fn read_recipient(row: &mut crate::Row<'_>) -> Result<RecipientView, StoreError> {
    let (position, contact_id) = (row.next()?, row.next()?);
    let person = ContactFields { first_name: row.next()?, last_name: row.next()?, ..ContactFields::default() };
    let phone = row.next()?;
    let state: RecipientState = row.word()?;
    // A message that was held for the night and has left since no longer shows why it waited.
    let explains = matches!(state, RecipientState::Excluded | RecipientState::Held | RecipientState::Canceled);
    let rule = row.next::<Option<String>>()?.filter(|rule| explains && rule != Rule::Allowed.as_str());
    let failure: Option<String> = row.next()?;
    let content: Option<Readable> = row.optional_json()?;
    let route = content.as_ref().and_then(|content| content.route);
    let mut view = RecipientView {
        position,
        contact_id,
        name: person.full_name(),
        phone,
        state,
        reason: failure.filter(|_| state != RecipientState::Held).or_else(|| rule.as_deref().map(rule_label)),
        rule,
        text: content.map(|content| content.text),
        segments: row.next()?,
        sent_at: row.next()?,
        delivered_at: row.next()?,
        first_tap_at: row.next()?,
        first_tap_device: None,
        first_tap_link: None,
        session_id: row.next()?,
        explanation: row.optional_json()?,
        submitted_at: row.next()?,
        channel_id: row.next()?,
        route,
    };
    (view.first_tap_device, view.first_tap_link) = (row.optional_word()?, row.next()?);
    match view.rule.as_deref().map(Rule::parse) {
        Some(Ok(rule)) if view.explanation.is_some() => {
            let words = view.explanation.as_ref().map(|why| why.words(rule));
            view.reason = words.or(view.reason);
        }
        _ => view.explanation = None,
    }
    Ok(view)
}
