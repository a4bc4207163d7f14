//! Campaigns: what is to be sent, in which state it is, and how far its planning has come.
//!
//! Every change of state is a conditional update under [`Tx::lock_campaign`], so two people who press at once cannot
//! both succeed. The planning cursor moves in the same transaction as the recipients it stands for: a crash leaves both
//! or neither.

use segue_model::{
    CampaignId, ChannelId, ContactId, ListId, MediaId, SegmentId, SenderId, SenderPoolId, TableId, Timestamp, UserId,
    WorkspaceId,
    campaign::{CampaignState, Footer},
    delivery::OutboxState,
    id::Id as _,
    language::LocaleText,
    schedule::Schedule,
    series::CampaignRules,
    template_rules::SessionRule,
    variant::Variant,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx, audience::AudienceFilter, campaign_hold::CampaignHold, event::NewEvent, tx::json_text,
};

/// Who is meant: everybody on any of the lists, in any of the segments or with a row in any of the tables (or everybody,
/// when none is named), narrowed by a condition, without those who are excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    #[serde(default)]
    pub list_id: Option<ListId>,
    #[serde(default)]
    pub filter: Option<AudienceFilter>,
    #[serde(default)]
    pub lists: Vec<ListId>,
    #[serde(default)]
    pub segments: Vec<SegmentId>,
    /// Whoever a row of one of these tables is linked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableId>,
    #[serde(default)]
    pub exclude_lists: Vec<ListId>,
    #[serde(default)]
    pub exclude_segments: Vec<SegmentId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_tables: Vec<TableId>,
    /// Whoever was sent one of these campaigns.
    #[serde(default)]
    pub exclude_campaigns: Vec<CampaignId>,
}

/// What a person writes of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CampaignInput {
    pub name: String,
    /// Who texts; none in a campaign by WhatsApp template.
    #[serde(default)]
    pub sender_id: Option<SenderId>,
    pub audience: Audience,
    /// Text with merge fields such as `{{ first_name }}`, without the footer. Empty in a campaign by WhatsApp template.
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub footer: Footer,
    /// The chat the footer leads to.
    #[serde(default)]
    pub whatsapp_channel_id: Option<ChannelId>,
    /// What the customer finds ready to send in the chat.
    #[serde(default)]
    pub prefilled_text: String,
    /// When it starts, how often, and how fast.
    #[serde(default)]
    pub schedule: Schedule,
    /// Texts that are tried against each other; `body` when there are none.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Percent of those who could get it that get nothing, and are counted.
    #[serde(default)]
    pub held_out_percent: u32,
    /// The pool whose senders share the texts; `sender_id` is one of them then.
    #[serde(default)]
    pub pool_id: Option<SenderPoolId>,
    /// `body` in other languages: contacts get the text of their locale, or of its language, or `body`.
    #[serde(default)]
    pub texts: Vec<LocaleText>,
    /// The WhatsApp template that is sent in place of a text.
    #[serde(default)]
    pub template: Option<CampaignTemplate>,
    /// What it asks of the policy beside what the workspace sets.
    #[serde(default)]
    pub rules: CampaignRules,
    /// Pictures and other files beside the text, which makes each message an MMS; ids from `/api/v1/text-files`. None in a
    /// campaign by WhatsApp template.
    #[serde(default)]
    pub media: Vec<MediaId>,
}

/// A WhatsApp template and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignTemplate {
    /// The number it goes out from.
    pub channel_id: ChannelId,
    pub name: String,
    pub language: String,
    /// Values of the body's placeholders in their order, each with merge fields as texts have them.
    #[serde(default)]
    pub values: Vec<String>,
    /// What the buttons with a variable address end in.
    #[serde(default)]
    pub buttons: Vec<CampaignButton>,
    /// Whom to leave alone because a conversation is going on.
    #[serde(default)]
    pub sessions: SessionRule,
    /// The picture, film or document above the text; the template's own when none is chosen.
    #[serde(default)]
    pub header_media_id: Option<MediaId>,
    /// What fills the variable of the heading, with merge fields.
    #[serde(default)]
    pub header_value: String,
    /// Contacts get the approved translation in their language; those without one get it in `language`.
    #[serde(default)]
    pub by_language: bool,
    /// The place above the text.
    #[serde(default)]
    pub header_place: Option<CampaignPlace>,
    /// What fills the cards, in their order.
    #[serde(default)]
    pub cards: Vec<CampaignCard>,
    /// When its offer ends. What has not left by then expires.
    #[serde(default)]
    pub offer_ends_at: Option<Timestamp>,
}

/// A place above the text of a template, the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignPlace {
    /// Degrees north, as text.
    pub latitude: String,
    /// Degrees east, as text.
    pub longitude: String,
    pub name: String,
    pub address: String,
}

/// What fills a card of a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignCard {
    /// The picture or film on it; the template's own when none is chosen.
    #[serde(default)]
    pub media_id: Option<MediaId>,
    /// Values of its text's placeholders in their order, with merge fields.
    #[serde(default)]
    pub values: Vec<String>,
    /// What its buttons with a variable address end in.
    #[serde(default)]
    pub buttons: Vec<CampaignButton>,
}

impl CampaignTemplate {
    /// The files that somebody chose for it.
    #[must_use]
    pub fn chosen_files(&self) -> Vec<MediaId> {
        self.header_media_id.into_iter().chain(self.cards.iter().filter_map(|card| card.media_id)).collect()
    }
}

/// The variable end of the address of a template's button, or the code that it copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignButton {
    /// Position among all buttons of the template, from 0.
    pub index: u8,
    /// With merge fields; not looked at with a `target`.
    #[serde(default)]
    pub value: String,
    /// Where a short link of each recipient's own leads to; the button's address is that of short links then.
    #[serde(default)]
    pub target: Option<String>,
}

/// A campaign as the API and the events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignView {
    pub id: CampaignId,
    /// Unique in the installation; part of every link code.
    pub number: u32,
    #[serde(flatten)]
    pub input: CampaignInput,
    pub state: CampaignState,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Name of the person, or `system`.
    pub created_by: String,
    /// When the next run starts, of one that is scheduled.
    pub next_run_at: Option<Timestamp>,
    /// Number of runs that have begun, of a recurring one.
    pub runs: u32,
    /// The recurring campaign this is a run of.
    pub series_id: Option<CampaignId>,
    /// Why it stands still, when that is not a person's wish.
    pub attention: Option<String>,
    /// What holds it though nobody has paused it.
    pub hold: Option<CampaignHold>,
    /// Who asked for approval.
    pub submitted_by: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// What was said at the last approval or rejection.
    pub review_comment: Option<String>,
    /// Rises with every change.
    pub version: i64,
}

/// How far planning has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanCursor {
    pub state: CampaignState,
    /// The contact up to which recipients are written.
    pub after: Option<ContactId>,
    /// Recipients written so far; the next one gets the position after it.
    pub planned: u32,
    /// Whether all are written.
    pub is_complete: bool,
}

crate::sql! {
    /// Numbers are given out for the whole installation, and none of them twice: links may be printed.
    NEXT_CAMPAIGN_NUMBER = "UPDATE campaign_numbers SET last_number = 1 + CASE
            WHEN last_number < (SELECT COALESCE(MAX(number), 0) FROM campaigns) THEN (SELECT MAX(number) FROM campaigns)
            ELSE last_number END
        RETURNING last_number";
    INSERT_CAMPAIGN = "INSERT INTO campaigns (workspace_id, id, number, name, state, sender_id, audience, body, footer,
            whatsapp_channel_id, prefilled_text, created_by, created_at, schedule, variants, held_out_percent, pool_id,
            texts, template, template_channel_id, rules, media, version)
        VALUES ($1, $2, $3, $4, 'draft', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 1)";
    /// The number as the origin of its campaigns: every campaign has one, and this one is on no list of senders.
    INSERT_NUMBER_AS_SENDER = "INSERT INTO senders (workspace_id, id, channel_id, address, kind, registration, created_at)
        VALUES ($1, $2, $3, 'whatsapp', 'whatsapp', 'active', $4) ON CONFLICT DO NOTHING";
    UPDATE_DRAFT = "UPDATE campaigns SET name = $3, sender_id = $4, audience = $5, body = $6, footer = $7,
            whatsapp_channel_id = $8, prefilled_text = $9, schedule = $10, variants = $11, held_out_percent = $12,
            pool_id = $13, texts = $14, template = $15, template_channel_id = $16, rules = $17, media = $18,
            approved_by = NULL, attention = NULL, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND state = 'draft'";
    DELETE_DRAFT = "DELETE FROM campaigns WHERE workspace_id = $1 AND id = $2 AND state = 'draft'";
    CAMPAIGN = "SELECT c.id, c.number, c.name, CASE WHEN c.template IS NULL THEN c.sender_id END, c.audience, c.body, c.footer, c.whatsapp_channel_id,
            c.prefilled_text, c.schedule, c.variants, c.held_out_percent, c.pool_id, c.texts, c.template, c.rules, c.media, c.hold_rule, c.hold_since, c.hold_until, c.state, c.created_at, c.started_at, c.ended_at,
            COALESCE(u.name, 'system'), c.next_run_at, c.runs, c.series_id, c.attention,
            (SELECT x.name FROM users x WHERE x.workspace_id = c.workspace_id AND x.id = c.submitted_by),
            (SELECT x.name FROM users x WHERE x.workspace_id = c.workspace_id AND x.id = c.approved_by),
            c.review_comment, c.version
        FROM campaigns c LEFT JOIN users u ON u.workspace_id = c.workspace_id AND u.id = c.created_by
        WHERE c.workspace_id = $1 AND c.id = $2";
    CAMPAIGNS = "SELECT c.id, c.number, c.name, CASE WHEN c.template IS NULL THEN c.sender_id END, c.audience, c.body, c.footer, c.whatsapp_channel_id,
            c.prefilled_text, c.schedule, c.variants, c.held_out_percent, c.pool_id, c.texts, c.template, c.rules, c.media, c.hold_rule, c.hold_since, c.hold_until, c.state, c.created_at, c.started_at, c.ended_at,
            COALESCE(u.name, 'system'), c.next_run_at, c.runs, c.series_id, c.attention,
            (SELECT x.name FROM users x WHERE x.workspace_id = c.workspace_id AND x.id = c.submitted_by),
            (SELECT x.name FROM users x WHERE x.workspace_id = c.workspace_id AND x.id = c.approved_by),
            c.review_comment, c.version
        FROM campaigns c LEFT JOIN users u ON u.workspace_id = c.workspace_id AND u.id = c.created_by
        WHERE c.workspace_id = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT $3";
    CAMPAIGN_STATE = "SELECT state FROM campaigns WHERE workspace_id = $1 AND id = $2";
    MOVE_CAMPAIGN = "UPDATE campaigns SET state = $4, ended_at = $6, attention = NULL,
            started_at = CASE WHEN CAST($4 AS TEXT) = 'planning' THEN COALESCE(started_at, $5) ELSE started_at END,
            version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND state = $3";
    PLAN_CURSOR = "SELECT state, plan_after, planned, planned_all FROM campaigns WHERE workspace_id = $1 AND id = $2";
    ADVANCE_PLAN = "UPDATE campaigns SET plan_after = $3, planned = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'planning'";
    COMPLETE_PLAN = "UPDATE campaigns SET planned_all = 1, state = 'running', version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND state = 'planning'";
    CANCEL_CAMPAIGN_MESSAGES = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = 'campaign_canceled',
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND campaign_id IS NOT NULL AND state = 'queued' AND id IN (
            SELECT o.id FROM outbox o WHERE o.workspace_id = $1 AND o.campaign_id = $2 AND o.campaign_id IS NOT NULL
                AND o.state = 'queued' LIMIT $3)
        RETURNING campaign_id, state";
    /// What was too much for the request that canceled its campaign, or on the wire then, and came back as not sent.
    CANCEL_LEFT_BEHIND = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = 'campaign_canceled',
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($3 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND campaign_id IS NOT NULL AND state = 'queued' AND id IN (
            SELECT o.id FROM outbox o WHERE o.workspace_id = $1 AND o.state = 'queued' AND o.campaign_id IS NOT NULL
                AND o.campaign_id IN (SELECT c.id FROM campaigns c WHERE c.workspace_id = $1 AND c.state = 'canceled')
            LIMIT $2)
        RETURNING campaign_id, state";
    HAS_WAITING_MESSAGE = "SELECT 1 FROM outbox WHERE workspace_id = $1 AND campaign_id = $2
        AND campaign_id IS NOT NULL AND state = 'queued' LIMIT 1";
    /// The CASE keeps SQLite from going through all messages of the campaign: few are on their way out.
    FINISH_CAMPAIGN = "UPDATE campaigns SET state = 'finished', ended_at = $3, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND planned_all = 1 AND NOT EXISTS (
            SELECT 1 FROM outbox o WHERE o.workspace_id = $1 AND o.campaign_id = $2 AND o.campaign_id IS NOT NULL
                AND o.state = 'queued')
            AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.workspace_id = $1 AND o.state IN ('claimed', 'submitting')
                AND (o.state = 'claimed' OR o.state = 'submitting' OR o.state = 'unknown') AND CASE WHEN o.campaign_id = $2 THEN 1 END = 1)";
    RUNNING_CAMPAIGNS = "SELECT id FROM campaigns WHERE workspace_id = $1 AND state = 'running' AND planned_all = 1";
}

/// Most messages of canceled campaigns that one transaction ends.
pub const CANCELED_AT_ONCE: u32 = 2_000;
/// Why a message is in doubt that was canceled after an attempt that may have reached the provider.
pub(crate) const NOT_SENT_AGAIN: &str = "An earlier attempt may have left. It was canceled before it was sent again.";

/// A message of a campaign that was to be canceled: what may have left with an earlier attempt is in doubt instead.
pub(crate) fn read_ended(row: &mut Row<'_>) -> Result<(CampaignId, OutboxState), StoreError> {
    Ok((row.next()?, row.word()?))
}

fn read_campaign(row: &mut Row<'_>) -> Result<CampaignView, StoreError> {
    let (id, number) = (row.next()?, row.next()?);
    let input = CampaignInput {
        name: row.next()?,
        sender_id: row.next()?,
        audience: row.json()?,
        body: row.next()?,
        footer: row.word()?,
        whatsapp_channel_id: row.next()?,
        prefilled_text: row.next()?,
        schedule: row.json()?,
        variants: row.json()?,
        held_out_percent: row.next()?,
        pool_id: row.next()?,
        texts: row.json()?,
        template: row.optional_json()?,
        rules: row.json()?,
        media: row.json()?,
    };
    let (rule, since): (Option<String>, Option<Timestamp>) = (row.next()?, row.next()?);
    let until = row.next()?;
    let hold = rule.zip(since).map(|(rule, since)| CampaignHold::of(&rule, since, until));
    let state: CampaignState = row.word()?;
    Ok(CampaignView {
        id,
        number,
        input,
        state,
        hold: hold.filter(|_| !state.is_ended()),
        created_at: row.next()?,
        started_at: row.next()?,
        ended_at: row.next()?,
        created_by: row.next()?,
        next_run_at: row.next()?,
        runs: row.next()?,
        series_id: row.next()?,
        attention: row.next()?,
        submitted_by: row.next()?,
        approved_by: row.next()?,
        review_comment: row.next()?,
        version: row.next()?,
    })
}

impl Tx<'_> {
    /// Makes everything that changes this campaign's state or plan wait for each other. Take it before reading them.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_campaign(&mut self, id: CampaignId) -> Result<(), StoreError> {
        self.lock("campaign", &id)
    }

    /// Adds a draft under the next number, and tells the screens.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        input: &CampaignInput,
        created_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.lock("campaign_number", &"installation")?;
        let number: i64 = self.query_one(&NEXT_CAMPAIGN_NUMBER, &[], |row| row.next())?;
        let (audience, schedule) = (json_text(&input.audience)?, json_text(&input.schedule)?);
        let (variants, texts) = (json_text(&input.variants)?, json_text(&input.texts)?);
        let (sender, template) = self.origin_of(workspace_id, input, now)?;
        let channel = input.template.as_ref().map(|template| template.channel_id);
        self.execute(
            &INSERT_CAMPAIGN,
            &[
                &workspace_id,
                &id,
                &number,
                &input.name,
                &sender,
                &audience,
                &input.body,
                &input.footer.as_str(),
                &input.whatsapp_channel_id,
                &input.prefilled_text,
                &created_by,
                &now,
                &schedule,
                &variants,
                &input.held_out_percent,
                &input.pool_id,
                &texts,
                &template,
                &channel,
                &json_text(&input.rules)?,
                &json_text(&input.media)?,
            ],
        )?;
        self.keep_chosen_file(workspace_id, id, input)?;
        self.tell_campaign(workspace_id, id, now)
    }

    /// The files that somebody chose for a draft stay; whether they are (still) there is found by the start.
    fn keep_chosen_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        input: &CampaignInput,
    ) -> Result<(), StoreError> {
        self.put_campaign_media(workspace_id, id, &input.media)?;
        for media_id in input.template.iter().flat_map(CampaignTemplate::chosen_files) {
            self.keep_campaign_file(workspace_id, id, media_id)?;
        }
        Ok(())
    }

    /// What the campaign goes out from, and its template as it is stored.
    fn origin_of(
        &mut self,
        workspace_id: WorkspaceId,
        input: &CampaignInput,
        now: Timestamp,
    ) -> Result<(SenderId, Option<String>), StoreError> {
        let Some(template) = &input.template else {
            let sender = input.sender_id.ok_or_else(|| StoreError::Corrupt("a campaign without sender".to_owned()))?;
            return Ok((sender, None));
        };
        let number = SenderId::from_uuid(template.channel_id.uuid());
        self.execute(&INSERT_NUMBER_AS_SENDER, &[&workspace_id, &number, &template.channel_id, &now])?;
        Ok((number, Some(json_text(template)?)))
    }

    /// Stores what was written of a draft, and tells the screens. `false` when it is no draft (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_draft(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        input: &CampaignInput,
        edited_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (audience, schedule) = (json_text(&input.audience)?, json_text(&input.schedule)?);
        let (variants, texts) = (json_text(&input.variants)?, json_text(&input.texts)?);
        let (sender, template) = self.origin_of(workspace_id, input, now)?;
        let channel = input.template.as_ref().map(|template| template.channel_id);
        let written = self.execute(
            &UPDATE_DRAFT,
            &[
                &workspace_id,
                &id,
                &input.name,
                &sender,
                &audience,
                &input.body,
                &input.footer.as_str(),
                &input.whatsapp_channel_id,
                &input.prefilled_text,
                &schedule,
                &variants,
                &input.held_out_percent,
                &input.pool_id,
                &texts,
                &template,
                &channel,
                &json_text(&input.rules)?,
                &json_text(&input.media)?,
            ],
        )?;
        if written == 1 {
            self.add_campaign_editor(workspace_id, id, edited_by)?;
            self.keep_chosen_file(workspace_id, id, input)?;
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(written == 1)
    }

    /// Deletes a draft. `false` when it is no draft (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_draft(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<bool, StoreError> {
        let deleted = self.execute(&DELETE_DRAFT, &[&workspace_id, &id])? == 1;
        if deleted {
            self.take_campaign_media(workspace_id, id)?;
        }
        Ok(deleted)
    }

    /// One campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<Option<CampaignView>, StoreError> {
        self.query_opt(&CAMPAIGN, &[&workspace_id, &id], read_campaign)
    }

    /// Campaigns, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaigns(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<CampaignId>,
        limit: i64,
    ) -> Result<Vec<CampaignView>, StoreError> {
        let before = before.unwrap_or_else(|| CampaignId::from_uuid(Uuid::max()));
        self.query(&CAMPAIGNS, &[&workspace_id, &before, &limit], read_campaign)
    }

    /// State of a campaign: its messages may leave while it is `planning` or `running`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_state(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<CampaignState>, StoreError> {
        self.query_opt(&CAMPAIGN_STATE, &[&workspace_id, &id], |row| row.word())
    }

    /// Moves a campaign from one state to the next and tells the screens. `false` when it is not in `from` (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn move_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        from: CampaignState,
        to: CampaignState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended_at = to.is_ended().then_some(now);
        let moved =
            self.execute(&MOVE_CAMPAIGN, &[&workspace_id, &id, &from.as_str(), &to.as_str(), &now, &ended_at])? == 1;
        if moved {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(moved)
    }

    /// Ends messages of a campaign that wait, at most [`CANCELED_AT_ONCE`]: nobody waits for long. The rest of a canceled
    /// campaign leaves no more, with what a worker holds, and is ended by [`Tx::cancel_left_behind`]. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_campaign_messages(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<u64, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &id, &CANCELED_AT_ONCE, &NOT_SENT_AGAIN];
        let canceled = self.query(&CANCEL_CAMPAIGN_MESSAGES, keys, read_ended)?;
        self.tally_ended(workspace_id, &canceled);
        Ok(canceled.len() as u64)
    }

    /// Notes that these messages that waited have ended, each in the state that [`read_ended`] has read.
    pub(crate) fn tally_ended(&mut self, workspace_id: WorkspaceId, ended: &[(CampaignId, OutboxState)]) {
        for (id, state) in ended {
            self.tally_move(workspace_id, *id, OutboxState::Queued, (*state, None), 1);
        }
    }

    /// How far planning has come.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plan_cursor(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<Option<PlanCursor>, StoreError> {
        self.query_opt(&PLAN_CURSOR, &[&workspace_id, &id], |row| {
            Ok(PlanCursor { state: row.word()?, after: row.next()?, planned: row.next()?, is_complete: row.next()? })
        })
    }

    /// Moves the planning cursor; `planned` is the number of recipients written in all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance_plan(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        after: ContactId,
        planned: u32,
    ) -> Result<(), StoreError> {
        self.execute(&ADVANCE_PLAN, &[&workspace_id, &id, &after, &planned]).map(|_| ())
    }

    /// Notes that all recipients are written: the campaign is now running, or finished when nothing is left to send.
    ///
    /// # Errors
    /// When the store fails.
    pub fn complete_plan(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.execute(&COMPLETE_PLAN, &[&workspace_id, &id])? == 1 && !self.finish_if_done(workspace_id, id, now)? {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(())
    }

    /// Ends a running campaign when every recipient is written and no message waits or is on its way out. `true` when
    /// it ended now. Call it when a message of the campaign has come to rest; [`Tx::finish_done_campaigns`] finds what
    /// two such calls at the same moment each left to the other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn finish_if_done(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // Most calls end here, without the lock that would make the senders of one campaign wait for each other.
        let waits = self.query_opt(&HAS_WAITING_MESSAGE, &[&workspace_id, &id], |row| row.next::<i64>())?;
        if waits.is_some() {
            return Ok(false);
        }
        self.lock_campaign(id)?;
        let finished = self.execute(&FINISH_CAMPAIGN, &[&workspace_id, &id, &now])? == 1;
        if finished {
            self.tell_campaign(workspace_id, id, now)?;
        }
        Ok(finished)
    }

    /// Ends messages of canceled campaigns that were too many for [`Tx::cancel_campaign_messages`], or that were being sent
    /// when their campaign was canceled and that the provider did not take: nobody would claim them, and they would wait
    /// for ever. At most [`CANCELED_AT_ONCE`]; gives how many. To be called from time to time, until there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_left_behind(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<usize, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &CANCELED_AT_ONCE, &NOT_SENT_AGAIN];
        let canceled = self.query(&CANCEL_LEFT_BEHIND, keys, read_ended)?;
        self.tally_ended(workspace_id, &canceled);
        for id in canceled.iter().map(|(id, _)| id).collect::<std::collections::BTreeSet<_>>() {
            self.tell_campaign_progress(workspace_id, *id, now);
        }
        Ok(canceled.len())
    }

    /// [`Tx::finish_if_done`] for every running campaign of the workspace; to be called from time to time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn finish_done_campaigns(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<usize, StoreError> {
        let running: Vec<CampaignId> = self.query(&RUNNING_CAMPAIGNS, &[&workspace_id], |row| row.next())?;
        let mut finished = 0;
        for id in running {
            finished += usize::from(self.finish_if_done(workspace_id, id, now)?);
        }
        Ok(finished)
    }

    /// Tells the screens what the campaign looks like now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tell_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(campaign) = self.campaign(workspace_id, id)? else { return Ok(()) };
        self.emit(
            workspace_id,
            NewEvent {
                kind: "campaign.updated",
                entity: "campaign",
                entity_id: id.to_string(),
                audience: None,
                data: serde_json::json!({ "campaign": campaign }),
                at: now,
            },
        );
        Ok(())
    }
}
