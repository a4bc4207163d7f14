//! Workspaces and the secrets of the installation.

use segue_model::{
    Timestamp, WorkspaceId,
    bounce::BounceRules,
    linking::LinkingSettings,
    opt_out_line::OptOutLine,
    policy::{PolicySettings, QuietHours},
};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx, consent_settings::ConsentSettings, shared::Shared, tx::json_text};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    /// Stable name in configuration files.
    pub slug: String,
    /// IANA zone of the business.
    pub time_zone: String,
    /// ISO 3166 code, used for phone numbers without a country.
    pub country: String,
    pub quiet_hours: QuietHours,
    pub settings: Shared<WorkspaceSettings>,
    pub created_at: Timestamp,
}

/// What a workspace can set; every field has a default, so that new ones need no migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceSettings {
    /// Name in keyword replies and the opt-in message.
    pub brand: String,
    /// First message in a WhatsApp session; asks for agreement to the conversation.
    pub opt_in_message: String,
    /// Answer to STOP; nothing promotional may stand in it.
    pub stop_reply: String,
    pub start_reply: String,
    pub help_reply: String,
    /// Language of templates for customers whose own is not known or not there, such as `en_US`.
    pub language: String,
    /// Texts that agents insert with `/`.
    pub quick_replies: Vec<QuickReply>,
    /// Quiet times and frequency caps of promotional messages.
    pub policy: PolicySettings,
    /// What campaigns cost, and who has to agree to them.
    pub campaigns: CampaignSettings,
    /// Milliseconds an agent stays connected after his last event stream ended.
    pub disconnect_grace: i64,
    /// How opt-outs are read, how far they reach and how they are answered.
    pub consent: ConsentSettings,
    /// When a number that bounces is put on the suppression list.
    pub bounces: BounceRules,
    /// How customers who write are linked to contacts and leads.
    pub linking: LinkingSettings,
    /// Whether the conversations of a contact that is gone for good are emptied, files included.
    pub erase_transcripts: bool,
}

/// What campaigns cost, and who has to agree to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignSettings {
    /// Whether a second person has to approve each campaign.
    pub approval: ApprovalRule,
    /// ISO 4217 code of all prices.
    pub currency: String,
    pub prices: Vec<SegmentPrice>,
    /// Price of a thousand segments to any other country, in minor units; unknown when it is not given.
    pub other_price: Option<i64>,
    /// Price of a thousand messages with files (MMS), wherever they go, in minor units; unknown when it is not given.
    pub mms_price: Option<i64>,
    /// The line that tells people how to stop, and when it is added.
    pub opt_out_line: OptOutLine,
    /// What ends a stop of WhatsApp marketing that its quality caused.
    pub brake_ends: BrakeEnd,
    /// Time zone of the WhatsApp account: the days of price lists begin at midnight there.
    pub price_zone: String,
}

segue_model::text_enum! {
    /// What ends a stop of WhatsApp marketing that its quality caused.
    pub enum BrakeEnd {
        /// The quality is back.
        Quality = "quality",
        /// An admin lets it go on.
        Person = "person",
    }
}

segue_model::text_enum! {
    /// Whether a second person has to approve campaigns.
    pub enum ApprovalRule {
        NotNeeded = "not_needed",
        SecondPerson = "second_person",
    }
}

/// Price of segments to a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentPrice {
    /// ISO 3166 code.
    pub country: String,
    /// Price of a thousand segments, in minor units: one segment often costs less than one.
    pub per_thousand: i64,
}

impl Default for CampaignSettings {
    fn default() -> Self {
        Self {
            approval: ApprovalRule::NotNeeded,
            currency: "USD".to_owned(),
            prices: Vec::new(),
            other_price: None,
            mms_price: None,
            opt_out_line: OptOutLine::default(),
            brake_ends: BrakeEnd::Quality,
            price_zone: "UTC".to_owned(),
        }
    }
}

/// A text that agents insert by its title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuickReply {
    pub id: String,
    pub title: String,
    pub text: String,
}

impl Default for WorkspaceSettings {
    fn default() -> Self {
        Self {
            brand: "Our team".to_owned(),
            opt_in_message: "Thanks for writing to {brand}. By going on you agree that we answer you here on WhatsApp \
                             about your question. Reply STOP at any time to end it."
                .to_owned(),
            stop_reply: "{brand}: you are unsubscribed and will get no further messages. Reply START to come back."
                .to_owned(),
            start_reply: "{brand}: you are subscribed again. Reply HELP for help, STOP to end.".to_owned(),
            help_reply: "{brand}: reply STOP to end messages. Message and data rates may apply.".to_owned(),
            language: "en".to_owned(),
            quick_replies: Vec::new(),
            policy: PolicySettings::default(),
            campaigns: CampaignSettings::default(),
            disconnect_grace: 10_000,
            consent: ConsentSettings::default(),
            bounces: BounceRules::default(),
            linking: LinkingSettings::default(),
            erase_transcripts: false,
        }
    }
}

crate::sql! {
    INSERT_WORKSPACE = "INSERT INTO workspaces (id, name, slug, time_zone, country, quiet_start_minute,
            quiet_end_minute, settings, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (slug) DO NOTHING";
    BEGIN_EVENTS = "INSERT INTO event_sequences (workspace_id, seq) VALUES ($1, 0)";
    UPDATE_WORKSPACE = "UPDATE workspaces SET name = $2, time_zone = $3, country = $4, quiet_start_minute = $5,
            quiet_end_minute = $6, settings = $7 WHERE id = $1";
    WORKSPACE_BY_ID = "SELECT id, name, slug, time_zone, country, quiet_start_minute, quiet_end_minute, settings,
            created_at FROM workspaces WHERE id = $1";
    WORKSPACE_BY_SLUG = "SELECT id, name, slug, time_zone, country, quiet_start_minute, quiet_end_minute, settings,
            created_at FROM workspaces WHERE slug = $1";
    ALL_WORKSPACES = "SELECT id, name, slug, time_zone, country, quiet_start_minute, quiet_end_minute, settings,
            created_at FROM workspaces ORDER BY id";
    INSERT_SECRET = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    PROBE = "INSERT INTO installation (name, value) VALUES ('readiness_probe', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    SECRET = "SELECT value FROM installation WHERE name = $1";
}

fn read(row: &mut Row<'_>) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.next()?,
        name: row.next()?,
        slug: row.next()?,
        time_zone: row.next()?,
        country: row.next()?,
        quiet_hours: QuietHours { start_minute: row.next()?, end_minute: row.next()? },
        settings: row.settings()?,
        created_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a workspace. `false` when one with this slug exists.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_workspace(&mut self, workspace: &Workspace) -> Result<bool, StoreError> {
        let settings = json_text(&workspace.settings)?;
        let written = self.execute(
            &INSERT_WORKSPACE,
            &[
                &workspace.id,
                &workspace.name,
                &workspace.slug,
                &workspace.time_zone,
                &workspace.country,
                &workspace.quiet_hours.start_minute,
                &workspace.quiet_hours.end_minute,
                &settings,
                &workspace.created_at,
            ],
        )?;
        if written == 1 {
            self.execute(&BEGIN_EVENTS, &[&workspace.id])?;
        }
        Ok(written == 1)
    }

    /// Stores everything about a workspace that can change.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_workspace(&mut self, workspace: &Workspace) -> Result<bool, StoreError> {
        let settings = json_text(&workspace.settings)?;
        let written = self.execute(
            &UPDATE_WORKSPACE,
            &[
                &workspace.id,
                &workspace.name,
                &workspace.time_zone,
                &workspace.country,
                &workspace.quiet_hours.start_minute,
                &workspace.quiet_hours.end_minute,
                &settings,
            ],
        )?;
        Ok(written == 1)
    }

    /// A workspace by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn workspace(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.query_opt(&WORKSPACE_BY_ID, &[&id], read)
    }

    /// A workspace by its stable name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn workspace_by_slug(&mut self, slug: &str) -> Result<Option<Workspace>, StoreError> {
        self.query_opt(&WORKSPACE_BY_SLUG, &[&slug], read)
    }

    /// All workspaces of the installation, oldest first. For workers that look after each of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn workspaces(&mut self) -> Result<Vec<Workspace>, StoreError> {
        self.query(&ALL_WORKSPACES, &[], read)
    }

    /// Writes to a row that is there for nothing else, to see whether the database takes writes.
    ///
    /// # Errors
    /// When it does not.
    pub fn probe(&mut self, value: &[u8]) -> Result<(), StoreError> {
        self.execute(&PROBE, &[&value]).map(|_| ())
    }

    /// The secret of this name, when there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn secret(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.query_opt(&SECRET, &[&name], |row| row.next())
    }

    /// The secret of this name; when there is none yet, `fresh` becomes it. Two nodes that start at once agree.
    ///
    /// # Errors
    /// When the store fails.
    pub fn secret_or(&mut self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        if let Some(known) = self.secret(name)? {
            return Ok(known);
        }
        self.execute(&INSERT_SECRET, &[&name, &fresh])?;
        self.query_one(&SECRET, &[&name], |row| row.next())
    }
}
