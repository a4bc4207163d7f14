//! Channels (WhatsApp numbers and SMS accounts) and senders.

use segue_model::{
    ChannelId, SenderId, Timestamp, WorkspaceId, consent::Medium, conversation::ConversationSettings, wake::Wake,
};
use serde::{Deserialize, Serialize};

pub use segue_model::sender::SenderKind;
use segue_model::sms_writing::SmsWriting;

use crate::shared::Shared;

pub use crate::smpp_account::{
    BindMode, LongSms, ResendUnknown, SmppConfig, SmppField, SmsAlphabet, SmsDisplay, TlsMode,
};
use crate::{Row, StoreError, Tx, tx::json_text};

segue_model::text_enum! {
    /// What a channel speaks.
    pub enum ChannelKind {
        WhatsApp = "whatsapp",
        Smpp = "smpp",
        /// SMS over HTTP in Twilio's REST dialect.
        Twilio = "twilio",
    }
}

impl ChannelKind {
    /// What reaches people on it.
    #[must_use]
    pub const fn medium(self) -> Medium {
        match self {
            Self::WhatsApp => Medium::WhatsApp,
            Self::Smpp | Self::Twilio => Medium::Sms,
        }
    }

    /// Whether a text on it can have files, which makes it an MMS.
    #[must_use]
    pub const fn carries_files(self) -> bool {
        match self {
            Self::Twilio => true,
            // Short messages over SMPP are text alone, and messages of WhatsApp are no texts.
            Self::Smpp | Self::WhatsApp => false,
        }
    }
}

segue_model::text_enum! {
    /// How a channel is doing.
    pub enum ChannelState {
        Connecting = "connecting",
        Connected = "connected",
        Disconnected = "disconnected",
        Error = "error",
    }
}

/// Settings of a channel, secrets included: never shown or logged as a whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelConfig {
    WhatsApp(WhatsAppConfig),
    Smpp(SmppConfig),
    Twilio(TwilioConfig),
}

/// A WhatsApp number on the Cloud API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// Such as `https://graph.facebook.com`.
    pub base_url: String,
    /// Such as `v26.0`.
    pub graph_version: String,
    pub waba_id: String,
    pub phone_number_id: String,
    /// E.164 digits without plus sign, as in `wa.me` links.
    pub display_phone_number: String,
    pub access_token: String,
    /// More than one while a secret is being replaced.
    pub app_secrets: Vec<String>,
    pub verify_token: String,
    /// Meta's id of the business portfolio; empty when it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub portfolio_id: String,
}

impl WhatsAppConfig {
    /// What shares the limit of customers in 24 hours: the portfolio with all its business accounts; the business account
    /// where the portfolio is not known, as its numbers all belong to one.
    #[must_use]
    pub fn portfolio(&self) -> &str {
        if self.portfolio_id.is_empty() { &self.waba_id } else { &self.portfolio_id }
    }

    /// What messages are taken or refused by: the number, its business account and the access to it.
    fn account(&self) -> [&str; 3] {
        [&self.waba_id, &self.phone_number_id, &self.access_token]
    }
}

segue_model::text_enum! {
    /// What a provider makes of a second request under the same `Idempotency-Key`.
    pub enum Repeats {
        /// Another message: it does not read the key. So it is with Twilio itself.
        SentAgain = "sent_again",
        /// The same message, sent once: what is in doubt after a crash or a lost answer can be sent again without harm.
        SentOnce = "sent_once",
    }
}

/// An account at an SMS provider that speaks Twilio's REST dialect.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwilioConfig {
    /// Such as `https://api.twilio.com`.
    #[serde(default = "default_twilio_url")]
    pub base_url: String,
    /// `AC…`.
    pub account_sid: String,
    /// Sends, and proves that webhooks come from the provider.
    pub auth_token: String,
    /// Also proves webhooks, while the auth token is being replaced.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secondary_auth_token: String,
    /// `MG…`, when messages go out through a messaging service.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub messaging_service_sid: String,
    /// Where the provider reaches this server, such as `https://segue.example.com`: the part of webhook addresses before
    /// their path, exactly as the provider calls it.
    pub callback_base_url: String,
    /// Most segments per second.
    #[serde(default = "default_twilio_rate")]
    pub segments_per_second: u32,
    /// Ask the provider before you say that it sends repeats once.
    #[serde(default = "default_repeats")]
    pub repeats: Repeats,
}

impl TwilioConfig {
    /// The tokens that may sign webhooks.
    #[must_use]
    pub fn tokens(&self) -> [&str; 2] {
        [&self.auth_token, &self.secondary_auth_token]
    }
}

fn default_twilio_url() -> String {
    "https://api.twilio.com".to_owned()
}

const fn default_repeats() -> Repeats {
    Repeats::SentAgain
}

const fn default_twilio_rate() -> u32 {
    10
}

impl ChannelConfig {
    /// How its texts are written.
    #[must_use]
    pub fn writing(&self) -> SmsWriting {
        match self {
            Self::Smpp(config) => config.writing(),
            Self::WhatsApp(_) | Self::Twilio(_) => SmsWriting::default(),
        }
    }

    /// Which kind of channel these are settings of.
    #[must_use]
    pub const fn kind(&self) -> ChannelKind {
        match self {
            Self::WhatsApp(_) => ChannelKind::WhatsApp,
            Self::Smpp(_) => ChannelKind::Smpp,
            Self::Twilio(_) => ChannelKind::Twilio,
        }
    }

    /// What identifies the channel to a person: its number or its host.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::WhatsApp(config) => format!("+{}", config.display_phone_number.trim_start_matches('+')),
            Self::Smpp(config) => format!("{}:{}", config.host, config.port),
            Self::Twilio(config) => {
                let host = config.base_url.split("://").last().unwrap_or_default();
                format!("{} at {}", config.account_sid, host.trim_end_matches('/'))
            }
        }
    }
}

impl std::fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChannelConfig({})", self.kind())
    }
}

segue_model::text_enum! {
    /// Where a refusal was met.
    pub enum RefusedBy {
        /// In the answer to a message, so a message that is taken shows that it is over.
        Answer = "answer",
        /// In a report that came after the message was taken.
        Report = "report",
    }
}

/// Why a provider takes no message of a channel, for a reason that lies with the account and not with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: String,
    /// When it was met last.
    pub at: Timestamp,
    pub by: RefusedBy,
}

/// A configured WhatsApp number or SMS account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub workspace_id: WorkspaceId,
    pub id: ChannelId,
    /// Stable name in configuration files.
    pub slug: String,
    pub name: String,
    pub config: ChannelConfig,
    /// The bot that greets new sessions.
    pub flow_slug: Option<String>,
    /// Where sessions go that no bot takes.
    pub queue_slug: Option<String>,
    pub state: ChannelState,
    /// Why, in words.
    pub state_detail: Option<String>,
    /// What the provider refuses messages for, while nothing has shown that it is over. Stored by [`Tx::refuse_channel`]
    /// and [`Tx::end_refusal`] alone.
    pub refusal: Option<Refusal>,
    pub last_inbound_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// What it does in conversations by itself. Stored by [`Tx::set_conversation_settings`] alone.
    pub conversation: Shared<ConversationSettings>,
}

segue_model::text_enum! {
    /// Whether the carrier has activated the sender for this account. What registries and regulators must approve beside
    /// is in `registration`.
    pub enum Registration {
        Active = "active",
        Pending = "pending",
        Rejected = "rejected",
    }
}

/// A number or name that SMS goes out from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub id: SenderId,
    pub channel_id: ChannelId,
    pub address: String,
    pub kind: SenderKind,
    pub registration: Registration,
    pub created_at: Timestamp,
}

crate::sql! {
    UPSERT_CHANNEL = "INSERT INTO channels (workspace_id, id, kind, slug, name, config, flow_slug, queue_slug, state,
            state_detail, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (workspace_id, slug) DO UPDATE SET name = excluded.name, config = excluded.config,
            flow_slug = excluded.flow_slug, queue_slug = excluded.queue_slug
        RETURNING id";
    CHANNELS = "SELECT workspace_id, id, slug, name, config, flow_slug, queue_slug, state, state_detail,
            refusal, refused_at, refused_by, last_inbound_at, created_at, conversation FROM channels WHERE workspace_id = $1 ORDER BY id";
    ALL_CHANNELS = "SELECT workspace_id, id, slug, name, config, flow_slug, queue_slug, state, state_detail,
            refusal, refused_at, refused_by, last_inbound_at, created_at, conversation FROM channels ORDER BY workspace_id, id";
    CHANNEL = "SELECT workspace_id, id, slug, name, config, flow_slug, queue_slug, state, state_detail,
            refusal, refused_at, refused_by, last_inbound_at, created_at, conversation FROM channels WHERE workspace_id = $1 AND id = $2";
    CHANNEL_OF_WEBHOOK = "SELECT workspace_id, id, slug, name, config, flow_slug, queue_slug, state, state_detail,
            refusal, refused_at, refused_by, last_inbound_at, created_at, conversation FROM channels WHERE id = $1";
    CHANNEL_CONFIG = "SELECT config FROM channels WHERE workspace_id = $1 AND id = $2";
    SET_CHANNEL_STATE = "UPDATE channels SET state = $3, state_detail = $4
        WHERE workspace_id = $1 AND id = $2 AND (state <> $3 OR COALESCE(state_detail, '') <> COALESCE($4, ''))";
    REFUSE_CHANNEL = "UPDATE channels SET refusal = $3, refused_at = $4, refused_by = $5
        WHERE workspace_id = $1 AND id = $2 AND COALESCE(refused_at, 0) <= $4";
    END_REFUSAL = "UPDATE channels SET refusal = NULL, refused_at = NULL, refused_by = NULL
        WHERE workspace_id = $1 AND id = $2 AND refused_at <= $3 AND (refused_by = $4 OR $4 IS NULL)";
    SET_CONVERSATION = "UPDATE channels SET conversation = $3 WHERE workspace_id = $1 AND id = $2";
    TOUCH_CHANNEL = "UPDATE channels SET last_inbound_at = $3 WHERE workspace_id = $1 AND id = $2
        AND COALESCE(last_inbound_at, 0) < CAST($3 AS BIGINT) - 1000";
    LEASE_CHANNEL = "UPDATE channels SET lease_owner = $3, lease_until = $4,
            lease_epoch = lease_epoch + CASE WHEN lease_owner = $3 AND lease_until > $5 THEN 0 ELSE 1 END
        WHERE workspace_id = $1 AND id = $2 AND (lease_owner = $3 OR lease_owner IS NULL OR lease_until <= $5)
        RETURNING lease_epoch";
    UPSERT_SENDER = "INSERT INTO senders (workspace_id, id, channel_id, address, kind, registration, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, channel_id, address) DO UPDATE SET kind = excluded.kind,
            registration = excluded.registration
        RETURNING id";
    SENDERS = "SELECT id, channel_id, address, kind, registration, created_at FROM senders
        WHERE workspace_id = $1 AND kind <> 'whatsapp' ORDER BY id";
    SENDER = "SELECT id, channel_id, address, kind, registration, created_at FROM senders
        WHERE workspace_id = $1 AND id = $2 AND kind <> 'whatsapp'";
    ACCOUNTS_OF_SENDER = "SELECT t.id FROM senders s
        JOIN senders t ON t.workspace_id = s.workspace_id AND t.address = s.address
        WHERE s.workspace_id = $1 AND s.id = $2 ORDER BY t.id";
}

fn read_channel(row: &mut Row<'_>) -> Result<Channel, StoreError> {
    Ok(Channel {
        workspace_id: row.next()?,
        id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        config: row.json()?,
        flow_slug: row.next()?,
        queue_slug: row.next()?,
        state: row.word()?,
        state_detail: row.next()?,
        refusal: read_refusal(row)?,
        last_inbound_at: row.next()?,
        created_at: row.next()?,
        conversation: row.settings()?,
    })
}

fn read_refusal(row: &mut Row<'_>) -> Result<Option<Refusal>, StoreError> {
    let (reason, at, by): (Option<String>, Option<Timestamp>, _) = (row.next()?, row.next()?, row.optional_word()?);
    Ok(reason.zip(at).zip(by).map(|((reason, at), by)| Refusal { reason, at, by }))
}

fn read_sender(row: &mut Row<'_>) -> Result<Sender, StoreError> {
    Ok(Sender {
        id: row.next()?,
        channel_id: row.next()?,
        address: row.next()?,
        kind: row.word()?,
        registration: row.word()?,
        created_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a channel, or changes the one with the same slug. Gives the id it has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_channel(&mut self, channel: &Channel) -> Result<ChannelId, StoreError> {
        let config = json_text(&channel.config)?;
        self.wake(Wake::Configuration);
        let known = self.channels(channel.workspace_id)?.into_iter().find(|known| known.slug == channel.slug);
        if let Some(Channel { id, config: ChannelConfig::WhatsApp(before), .. }) = &known
            && let ChannelConfig::WhatsApp(after) = &channel.config
        {
            if before.account() != after.account() {
                // What the old access was refused for says nothing of the new one.
                self.end_refusal(channel.workspace_id, *id, (Timestamp(i64::MAX), None))?;
            }
            if before.portfolio() != after.portfolio() {
                self.join_portfolio(channel.workspace_id, before.portfolio(), after.portfolio())?;
                self.move_volumes(channel.workspace_id, *id, after.portfolio())?;
            }
        }
        self.query_one(
            &UPSERT_CHANNEL,
            &[
                &channel.workspace_id,
                &channel.id,
                &channel.config.kind().as_str(),
                &channel.slug,
                &channel.name,
                &config,
                &channel.flow_slug,
                &channel.queue_slug,
                &channel.state.as_str(),
                &channel.state_detail,
                &channel.created_at,
            ],
            |row| row.next(),
        )
    }

    /// Notes which business portfolio a WhatsApp channel's account belongs to. `true` when that was not known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_portfolio(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        portfolio_id: &str,
    ) -> Result<bool, StoreError> {
        let Some(mut channel) = self.channel(workspace_id, id)? else { return Ok(false) };
        let ChannelConfig::WhatsApp(config) = &mut channel.config else { return Ok(false) };
        if config.portfolio_id == portfolio_id {
            return Ok(false);
        }
        portfolio_id.clone_into(&mut config.portfolio_id);
        self.upsert_channel(&channel)?;
        Ok(true)
    }

    /// The channels of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channels(&mut self, workspace_id: WorkspaceId) -> Result<Vec<Channel>, StoreError> {
        self.query(&CHANNELS, &[&workspace_id], read_channel)
    }

    /// The channels of all workspaces, for the workers that hold their connections.
    ///
    /// # Errors
    /// When the store fails.
    pub fn all_channels(&mut self) -> Result<Vec<Channel>, StoreError> {
        self.query(&ALL_CHANNELS, &[], read_channel)
    }

    /// One channel.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel(&mut self, workspace_id: WorkspaceId, id: ChannelId) -> Result<Option<Channel>, StoreError> {
        self.query_opt(&CHANNEL, &[&workspace_id, &id], read_channel)
    }

    /// The channel a provider's webhook names. The one look-up without a workspace: the webhook's signature, checked
    /// with this channel's secret, is what binds the request to it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel_of_webhook(&mut self, id: ChannelId) -> Result<Option<Channel>, StoreError> {
        self.query_opt(&CHANNEL_OF_WEBHOOK, &[&id], read_channel)
    }

    /// The configuration as it is written in the store; `None` when there is no such channel. What was read of a channel
    /// is still true when this is still the same.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel_config(&mut self, workspace_id: WorkspaceId, id: ChannelId) -> Result<Option<String>, StoreError> {
        self.query_opt(&CHANNEL_CONFIG, &[&workspace_id, &id], |row| row.next())
    }

    /// Stores how a channel is doing. `true` when that changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_channel_state(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        state: ChannelState,
        detail: Option<&str>,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&SET_CHANNEL_STATE, &[&workspace_id, &id, &state.as_str(), &detail])? == 1)
    }

    /// Notes what the provider refuses messages for. `false` when a later refusal is known already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refuse_channel(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        refusal: &Refusal,
    ) -> Result<bool, StoreError> {
        let Refusal { reason, at, by } = refusal;
        Ok(self.execute(&REFUSE_CHANNEL, &[&workspace_id, &id, reason, at, &by.as_str()])? == 1)
    }

    /// Ends the refusal that was met at that time or before, and there, when that is told. `true` when there was one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_refusal(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        (at, by): (Timestamp, Option<RefusedBy>),
    ) -> Result<bool, StoreError> {
        let by = by.map(RefusedBy::as_str);
        Ok(self.execute(&END_REFUSAL, &[&workspace_id, &id, &at, &by])? == 1)
    }

    /// Stores what a channel does in conversations by itself. `false` when there is no such channel.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_conversation_settings(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        settings: &ConversationSettings,
    ) -> Result<bool, StoreError> {
        self.wake(Wake::Configuration);
        Ok(self.execute(&SET_CONVERSATION, &[&workspace_id, &id, &json_text(settings)?])? == 1)
    }

    /// Notes that something came in, at most once a second.
    ///
    /// # Errors
    /// When the store fails.
    pub fn touch_channel(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&TOUCH_CHANNEL, &[&workspace_id, &id, &now]).map(|_| ())
    }

    /// Takes or renews the right to hold the channel's provider connection. The epoch rises whenever the holder
    /// changes or let the lease run out; `None` when another node holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lease_channel(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        self.query_opt(&LEASE_CHANNEL, &[&workspace_id, &id, &owner, &until, &now], |row| row.next())
    }

    /// Adds a sender, or changes the one with the same address. Gives the id it has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_sender(&mut self, workspace_id: WorkspaceId, sender: &Sender) -> Result<SenderId, StoreError> {
        self.query_one(
            &UPSERT_SENDER,
            &[
                &workspace_id,
                &sender.id,
                &sender.channel_id,
                &sender.address,
                &sender.kind.as_str(),
                &sender.registration.as_str(),
                &sender.created_at,
            ],
            |row| row.next(),
        )
    }

    /// The senders of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn senders(&mut self, workspace_id: WorkspaceId) -> Result<Vec<Sender>, StoreError> {
        self.query(&SENDERS, &[&workspace_id], read_sender)
    }

    /// One sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender(&mut self, workspace_id: WorkspaceId, id: SenderId) -> Result<Option<Sender>, StoreError> {
        self.query_opt(&SENDER, &[&workspace_id, &id], read_sender)
    }

    /// A sender on every account that has its number or name, itself among them: people see one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn accounts_of_sender(&mut self, workspace_id: WorkspaceId, id: SenderId) -> Result<Vec<SenderId>, StoreError> {
        self.query(&ACCOUNTS_OF_SENDER, &[&workspace_id, &id], |row| row.next())
    }
}
