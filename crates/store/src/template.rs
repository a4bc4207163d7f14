//! WhatsApp message templates: as Meta last told of them, what is written here and not submitted yet, and what is being
//! done at Meta.
//!
//! What is done at Meta is recorded before ([`Tx::begin_template_operation`]) and its outcome after
//! ([`Tx::save_template`]). A crash in between leaves the operation on the row; the job that was scheduled with it, or
//! the next sync, looks for the template by name and language and settles it. Every change of a channel's templates is
//! made under one lock, so that a decision that Meta tells meanwhile is never overwritten.

use segue_model::{
    ChannelId, Ctx, MediaId, TemplateId, Timestamp, WorkspaceId,
    template::{TemplateHeader, TemplateParts, filled, placeholders},
    template_components::ExampleHandles,
    template_rules::is_over,
    template_values::TemplateDefault,
    time,
};
use serde_json::{Value, json};

use crate::{Row, StoreError, Tx, event::NewEvent, job::NewJob, tx::json_text};

pub use crate::template_view::{TemplateButton, TemplateDetail, TemplateView};

/// The only status a template may be sent in.
pub const APPROVED: &str = "APPROVED";
/// The category of promotions.
pub const MARKETING: &str = "MARKETING";
/// The category of one-time codes.
pub const AUTHENTICATION: &str = "AUTHENTICATION";
/// Status of a template that Meta no longer lists.
pub const DELETED: &str = "DELETED";
/// Status of a template that Meta does not have yet.
pub const DRAFT: &str = "DRAFT";
/// Kind of the job that settles an operation whose outcome was not noted; its payload is `{"template_id": "tpl_…"}`.
pub const SETTLE_TEMPLATE: &str = "settle_template";
/// Kind of the job that reads a template again whose text was changed at Meta; its payload is as that of [`SETTLE_TEMPLATE`].
pub const READ_TEMPLATE: &str = "read_template";
/// How long an operation may take before somebody looks what became of it.
const SETTLE_AFTER: i64 = 2 * time::MINUTE;

segue_model::text_enum! {
    /// Something begun at Meta.
    pub enum TemplateOperation {
        Create = "create",
        Edit = "edit",
        Delete = "delete",
    }
}

/// A template as Meta lists it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedTemplate {
    pub name: String,
    pub language: String,
    pub category: String,
    /// Meta's word, upper case.
    pub status: String,
    /// Meta's array of components.
    pub components: Value,
    /// Meta's id.
    pub provider_id: Option<String>,
    /// Meta's word; numbered variables when it says none.
    pub parameter_format: Option<String>,
    pub quality: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
}

/// A template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub id: TemplateId,
    pub channel_id: ChannelId,
    pub name: String,
    pub language: String,
    /// What Meta took it as; for a draft what it is to be.
    pub category: String,
    /// Meta's word, upper case, or [`DRAFT`].
    pub status: String,
    pub components: Value,
    pub synced_at: Timestamp,
    /// Meta's id.
    pub provider_id: Option<String>,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: String,
    pub quality: Option<String>,
    /// Why it was rejected or stopped, as Meta said.
    pub reason: Option<String>,
    /// What it was submitted as.
    pub asked_category: Option<String>,
    /// What was written and is not submitted.
    pub draft: Option<TemplateParts>,
    /// The file of its header.
    pub media_id: Option<MediaId>,
    /// The files of its cards, in their order.
    pub card_media: Vec<Option<MediaId>>,
    /// Begun at Meta, its end not noted.
    pub operation: Option<TemplateOperation>,
    pub operation_at: Timestamp,
    /// Why the last operation failed.
    pub failure: Option<String>,
    /// When Meta last told a decision; 0 while it told none since the last operation began.
    pub decided_at: Timestamp,
    /// When Meta last told what it takes it as; 0 while it told nothing.
    pub category_told_at: Timestamp,
    /// When Meta last told its quality; 0 while it told nothing.
    pub quality_told_at: Timestamp,
    /// What fills the variables.
    pub defaults: Vec<TemplateDefault>,
}

impl Template {
    /// A draft that Meta knows nothing of.
    #[must_use]
    pub fn drafted(id: TemplateId, channel_id: ChannelId, parts: TemplateParts) -> Self {
        let mut template = Self {
            id,
            channel_id,
            name: String::new(),
            language: String::new(),
            category: String::new(),
            status: DRAFT.to_owned(),
            components: json!([]),
            synced_at: Timestamp(0),
            provider_id: None,
            parameter_format: String::new(),
            quality: None,
            reason: None,
            asked_category: None,
            draft: None,
            media_id: None,
            card_media: Vec::new(),
            operation: None,
            operation_at: Timestamp(0),
            failure: None,
            decided_at: Timestamp(0),
            category_told_at: Timestamp(0),
            quality_told_at: Timestamp(0),
            defaults: Vec::new(),
        };
        template.write(parts);
        template
    }

    /// Takes what was written as the draft. While Meta has nothing, the list shows the draft.
    pub fn write(&mut self, parts: TemplateParts) {
        if self.status == DRAFT {
            self.name.clone_from(&parts.name);
            self.language.clone_from(&parts.language);
            self.category = parts.category.as_str().to_ascii_uppercase();
            self.parameter_format = parts.parameter_format.as_str().to_ascii_uppercase();
            self.take_files(&parts);
            self.components = parts.components(&ExampleHandles::new()).into();
        }
        self.draft = Some(parts);
        self.failure = None;
    }

    /// Takes the files of what was written, above the text and on the cards.
    pub fn take_files(&mut self, parts: &TemplateParts) {
        self.media_id = parts.header.as_ref().and_then(TemplateHeader::media_id);
        self.card_media = parts.card_files();
    }

    pub(crate) fn component(&self, kind: &str) -> Option<&Value> {
        let components = self.components.as_array()?;
        components.iter().find(|component| {
            component.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
        })
    }

    pub(crate) fn text_of(&self, kind: &str) -> Option<String> {
        self.component(kind)?.get("text")?.as_str().map(str::to_owned)
    }

    /// Its parts as Meta has them; `None` when it has parts that cannot be written or filled in here.
    #[must_use]
    pub fn parts(&self) -> Option<TemplateParts> {
        let is_named = self.parameter_format.eq_ignore_ascii_case("NAMED");
        let parts = TemplateParts::of(&self.name, &self.language, &self.category, is_named, &self.components)?;
        Some(parts.with_files(self.media_id, &self.card_media))
    }

    /// Its buttons as Meta has them, also of a template with parts that cannot be written here.
    #[must_use]
    pub fn buttons(&self) -> Vec<segue_model::template::TemplateButton> {
        let category = segue_model::template::TemplateCategory::parse(&self.category.to_ascii_lowercase());
        TemplateParts::buttons_of(
            &self.components,
            category.unwrap_or(segue_model::template::TemplateCategory::Utility),
        )
    }

    /// The body with its placeholders.
    #[must_use]
    pub fn body(&self) -> String {
        self.text_of("BODY").unwrap_or_default()
    }

    /// How many different placeholders the body has.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        placeholders(&self.body()).len()
    }

    /// The names of the body's placeholders when they are named (`{{first_name}}`), in order of appearance; `None` for
    /// numbered ones.
    #[must_use]
    pub fn parameter_names(&self) -> Option<Vec<String>> {
        let names = placeholders(&self.body());
        let named = names.iter().any(|name| name.parse::<u32>().is_err());
        named.then_some(names)
    }

    /// The body with values in place of its placeholders, in their order; what a person reads.
    #[must_use]
    pub fn rendered(&self, parameters: &[String]) -> String {
        filled(&self.body(), parameters)
    }

    /// Notes how Meta has it, by what was asked for at `asked_at`. A decision that was told since the operation began is
    /// younger than what was read, and so are a category and a quality that were told since it was asked for.
    pub fn settle(&mut self, listed: ListedTemplate, (asked_at, now): (Timestamp, Timestamp)) {
        if self.decided_at == Timestamp(0) {
            self.status = listed.status;
            self.reason = listed.reason;
        }
        if self.category_told_at <= asked_at {
            self.category = listed.category;
        }
        self.components = listed.components;
        self.provider_id = listed.provider_id.or(self.provider_id.take());
        self.parameter_format = listed.parameter_format.unwrap_or_else(|| "POSITIONAL".to_owned());
        if self.quality_told_at <= asked_at {
            self.quality = listed.quality;
        }
        self.synced_at = now;
        self.operation = None;
        self.failure = None;
    }

    /// Whether it is shown in another category than it was submitted in.
    #[must_use]
    pub fn is_recategorised(&self) -> bool {
        self.status != DRAFT
            && self.asked_category.as_ref().is_some_and(|asked| !asked.eq_ignore_ascii_case(&self.category))
    }

    /// The buttons whose address has a variable end: position among all buttons, and the address.
    #[must_use]
    pub fn open_urls(&self) -> Vec<(u8, String)> {
        open_urls(&self.buttons())
    }
}

/// The buttons whose address has a variable end: position among all buttons, and the address.
#[must_use]
pub fn open_urls(buttons: &[segue_model::template::TemplateButton]) -> Vec<(u8, String)> {
    let open = buttons.iter().zip(0_u8..).filter_map(|(button, index)| match button {
        segue_model::template::TemplateButton::Url { url, .. } if url.contains("{{") => Some((index, url.clone())),
        _ => None,
    });
    open.collect()
}

crate::sql! {
    UPSERT_TEMPLATE = "INSERT INTO templates (workspace_id, id, channel_id, name, language, category, status,
            components, synced_at, provider_id, parameter_format, quality, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (workspace_id, channel_id, name, language) DO UPDATE SET
            category = CASE WHEN templates.category_told_at > $14 THEN templates.category ELSE excluded.category END,
            status = CASE WHEN templates.decided_at > $14 THEN templates.status ELSE excluded.status END,
            reason = CASE WHEN templates.decided_at > $14 THEN templates.reason ELSE excluded.reason END,
            components = excluded.components, synced_at = excluded.synced_at,
            provider_id = COALESCE(excluded.provider_id, templates.provider_id),
            parameter_format = excluded.parameter_format,
            quality = CASE WHEN templates.quality_told_at > $14 THEN templates.quality ELSE excluded.quality END";
    DELETE_UNLISTED = "UPDATE templates SET status = 'DELETED', operation = NULL
        WHERE workspace_id = $1 AND channel_id = $2 AND synced_at < $3 AND status NOT IN ('DELETED', 'DRAFT')";
    INSERT_DRAFT = "INSERT INTO templates (workspace_id, id, channel_id, name, language, category, status, components,
            synced_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, channel_id, name, language) DO NOTHING";
    SAVE_TEMPLATE = "UPDATE templates SET name = $3, language = $4, category = $5, status = $6, components = $7,
            synced_at = $8, provider_id = $9, parameter_format = $10, quality = $11, reason = $12,
            asked_category = $13, draft = $14, media_id = $15, operation = $16, operation_at = $17, failure = $18,
            decided_at = $19, defaults = $20, card_media = $21
        WHERE workspace_id = $1 AND id = $2";
    REMOVE_DRAFT = "DELETE FROM templates WHERE workspace_id = $1 AND id = $2 AND status = 'DRAFT'";
    TEMPLATES = "SELECT id, channel_id, name, language, category, status, components, synced_at, provider_id,
            parameter_format, quality, reason, asked_category, draft, media_id, operation, operation_at, failure,
            decided_at, defaults, card_media, category_told_at, quality_told_at FROM templates
        WHERE workspace_id = $1 AND status <> 'DELETED' ORDER BY channel_id, name, language";
    TEMPLATE = "SELECT id, channel_id, name, language, category, status, components, synced_at, provider_id,
            parameter_format, quality, reason, asked_category, draft, media_id, operation, operation_at, failure,
            decided_at, defaults, card_media, category_told_at, quality_told_at FROM templates
        WHERE workspace_id = $1 AND id = $2";
    TEMPLATE_BY_NAME = "SELECT id, channel_id, name, language, category, status, components, synced_at, provider_id,
            parameter_format, quality, reason, asked_category, draft, media_id, operation, operation_at, failure,
            decided_at, defaults, card_media, category_told_at, quality_told_at FROM templates
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3 AND language = $4";
    /// A category that was told later stands, whatever else an older decision changes.
    SET_TEMPLATE_STATUS = "UPDATE templates SET status = $5, decided_at = $7,
            category = CASE WHEN category_told_at > COALESCE(CAST($8 AS BIGINT), category_told_at) THEN category
                ELSE COALESCE(CAST($6 AS TEXT), category) END
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND told_at <= COALESCE(CAST($8 AS BIGINT), told_at)
            AND (status <> $5 OR (category <> COALESCE(CAST($6 AS TEXT), category)
                AND category_told_at <= COALESCE(CAST($8 AS BIGINT), category_told_at)))";
    TOLD_CATEGORY_WITH_STATUS = "UPDATE templates SET category_told_at = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND category_told_at < $5 AND told_at <= $5";
    /// What was decided then is the newest that is known, whether or not it changed anything.
    SET_TEMPLATE_REASON = "UPDATE templates SET reason = $5, provider_id = COALESCE(CAST($6 AS TEXT), provider_id),
            told_at = COALESCE(CAST($7 AS BIGINT), told_at)
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3 AND (CAST($4 AS TEXT) IS NULL OR language = $4)
            AND told_at <= COALESCE(CAST($7 AS BIGINT), told_at)";
    SET_TEMPLATE_CATEGORY = "UPDATE templates SET category = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND category <> $5 AND category_told_at <= $6";
    TOLD_TEMPLATE_CATEGORY = "UPDATE templates SET category_told_at = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND category_told_at < $5";
    SET_TEMPLATE_QUALITY = "UPDATE templates SET quality = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND COALESCE(quality, '') <> $5 AND quality_told_at <= $6";
    QUALITIES = "SELECT status, quality FROM templates WHERE workspace_id = $1 AND channel_id = $2 AND name = $3";
    TOLD_TEMPLATE_QUALITY = "UPDATE templates SET quality_told_at = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND quality_told_at < $5";
}

fn read(row: &mut Row<'_>) -> Result<Template, StoreError> {
    Ok(Template {
        id: row.next()?,
        channel_id: row.next()?,
        name: row.next()?,
        language: row.next()?,
        category: row.next()?,
        status: row.next()?,
        components: row.json()?,
        synced_at: row.next()?,
        provider_id: row.next()?,
        parameter_format: row.next()?,
        quality: row.next()?,
        reason: row.next()?,
        asked_category: row.next()?,
        draft: row.optional_json()?,
        media_id: row.next()?,
        operation: row.optional_word()?,
        operation_at: row.next()?,
        failure: row.next()?,
        decided_at: row.next()?,
        defaults: row.json()?,
        card_media: row.json()?,
        category_told_at: row.next()?,
        quality_told_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Makes whoever else changes templates of this channel wait.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lock_templates(&mut self, channel_id: ChannelId) -> Result<(), StoreError> {
        self.lock("templates", &channel_id)
    }

    /// Stores the templates that Meta listed when it was asked at `asked_at`; those it no longer lists become
    /// `DELETED`, and operations whose end was not noted are settled. Decisions told since count as younger.
    ///
    /// # Errors
    /// When the store fails.
    pub fn replace_templates_as_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        listed: &[ListedTemplate],
        asked_at: Timestamp,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        self.lock_templates(channel_id)?;
        let now = ctx.now();
        self.put_listed(workspace_id, channel_id, (listed, asked_at), ctx)?;
        self.execute(&DELETE_UNLISTED, &[&workspace_id, &channel_id, &asked_at])?;
        for mut missing in self.templates(workspace_id)? {
            let is_ours = missing.channel_id == channel_id && missing.operation_at.plus(SETTLE_AFTER) <= asked_at;
            if is_ours && missing.operation.is_some() && missing.synced_at < now {
                settle_missing(&mut missing);
                self.save_template(workspace_id, &missing)?;
            }
        }
        self.templates_changed(workspace_id, channel_id, now)
    }

    /// Stores a template as Meta had it when it was asked for it alone at `asked_at`. `false` when something else was stored
    /// of it since, or was begun: nobody knows which of the two is newer, so it is to be asked for again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_template_as_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (listed, asked_at): (&ListedTemplate, Timestamp),
        ctx: &Ctx,
    ) -> Result<bool, StoreError> {
        self.lock_templates(channel_id)?;
        let left_out = self.put_listed(workspace_id, channel_id, (std::slice::from_ref(listed), asked_at), ctx)?;
        if left_out == 0 {
            self.templates_changed(workspace_id, channel_id, ctx.now())?;
        }
        Ok(left_out == 0)
    }

    /// Tells of changes, and lets what waits for templates be decided anew.
    fn templates_changed(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.tell_template_change(workspace_id, channel_id, now);
        self.look_again_in_languages(workspace_id, channel_id, now)?;
        self.refresh_holds(workspace_id, channel_id, now)
    }

    /// Stores templates as Meta had them at `asked_at`. Gives how many were left as they are, for what is known of them may be
    /// newer.
    fn put_listed(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (listed, asked_at): (&[ListedTemplate], Timestamp),
        ctx: &Ctx,
    ) -> Result<usize, StoreError> {
        let (now, mut left_out) = (ctx.now(), 0);
        for template in listed {
            let known = self.template_by_name(workspace_id, channel_id, &template.name, &template.language)?;
            let known_at = known.as_ref().map(|known| known.synced_at);
            if let Some(mut known) = known.filter(|known| known.operation.is_some() || known.status == DRAFT) {
                if known.operation_at <= asked_at {
                    settle_found(&mut known, template.clone(), (asked_at, now));
                    self.save_template(workspace_id, &known)?;
                } else {
                    left_out += 1;
                }
                continue;
            }
            if known_at.is_some_and(|synced_at| synced_at > asked_at) {
                // Something begun here was finished while they were being listed; the list may be older.
                left_out += 1;
                continue;
            }
            let id: TemplateId = ctx.id();
            let components = json_text(&template.components)?;
            let format = template.parameter_format.as_deref().unwrap_or("POSITIONAL");
            self.execute(
                &UPSERT_TEMPLATE,
                &[
                    &workspace_id,
                    &id,
                    &channel_id,
                    &template.name,
                    &template.language,
                    &template.category,
                    &template.status,
                    &components,
                    &now,
                    &template.provider_id,
                    &format,
                    &template.quality,
                    &template.reason,
                    &asked_at,
                ],
            )?;
        }
        Ok(left_out)
    }

    /// Stores the templates Meta lists for a channel now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn replace_templates(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        listed: &[ListedTemplate],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        self.replace_templates_as_of(workspace_id, channel_id, listed, ctx.now(), ctx)
    }

    /// Adds a draft. `false` when there is a template of this name and language.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_template(&mut self, workspace_id: WorkspaceId, template: &Template) -> Result<bool, StoreError> {
        let components = json_text(&template.components)?;
        let written = self.execute(
            &INSERT_DRAFT,
            &[
                &workspace_id,
                &template.id,
                &template.channel_id,
                &template.name,
                &template.language,
                &template.category,
                &template.status,
                &components,
                &template.synced_at,
            ],
        )?;
        if written == 1 {
            self.save_template(workspace_id, template)?;
        }
        Ok(written == 1)
    }

    /// Stores a template that was read under [`Tx::lock_templates`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn save_template(&mut self, workspace_id: WorkspaceId, template: &Template) -> Result<(), StoreError> {
        let (components, defaults) = (json_text(&template.components)?, json_text(&template.defaults)?);
        let draft = template.draft.as_ref().map(json_text).transpose()?;
        let card_media = json_text(&template.card_media)?;
        self.execute(
            &SAVE_TEMPLATE,
            &[
                &workspace_id,
                &template.id,
                &template.name,
                &template.language,
                &template.category,
                &template.status,
                &components,
                &template.synced_at,
                &template.provider_id,
                &template.parameter_format,
                &template.quality,
                &template.reason,
                &template.asked_category,
                &draft,
                &template.media_id,
                &template.operation.map(TemplateOperation::as_str),
                &template.operation_at,
                &template.failure,
                &template.decided_at,
                &defaults,
                &card_media,
            ],
        )
        .map(|_| ())
    }

    /// Records that something is about to be done at Meta, with the job that looks what became of it when its end is
    /// not noted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_template_operation(
        &mut self,
        workspace_id: WorkspaceId,
        template: &mut Template,
        operation: TemplateOperation,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let now = ctx.now();
        template.operation = Some(operation);
        template.operation_at = now;
        template.decided_at = Timestamp(0);
        template.failure = None;
        self.save_template(workspace_id, template)?;
        let job = NewJob {
            id: ctx.id(),
            kind: SETTLE_TEMPLATE,
            dedupe_key: format!("{}:{}", template.id, now.0),
            payload: json!({ "template_id": template.id }),
            run_at: now.plus(SETTLE_AFTER),
        };
        self.schedule(workspace_id, &job, now)?;
        self.tell_template_change(workspace_id, template.channel_id, now);
        Ok(())
    }

    /// Settles an operation by what was found at Meta when it was asked for the template at `asked_at`; `None` when it has
    /// none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle_template(
        &mut self,
        workspace_id: WorkspaceId,
        template: &mut Template,
        found: Option<ListedTemplate>,
        (asked_at, now): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        match found {
            Some(listed) => settle_found(template, listed, (asked_at, now)),
            None => settle_missing(template),
        }
        self.save_template(workspace_id, template)?;
        self.tell_template_change(workspace_id, template.channel_id, now);
        Ok(())
    }

    /// Removes a draft that Meta has nothing of. `false` when it is no such.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_template_draft(&mut self, workspace_id: WorkspaceId, id: TemplateId) -> Result<bool, StoreError> {
        Ok(self.execute(&REMOVE_DRAFT, &[&workspace_id, &id])? == 1)
    }

    /// All templates of a workspace that exist at Meta or are being written, by channel and name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn templates(&mut self, workspace_id: WorkspaceId) -> Result<Vec<Template>, StoreError> {
        self.query(&TEMPLATES, &[&workspace_id], read)
    }

    /// One template.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template(&mut self, workspace_id: WorkspaceId, id: TemplateId) -> Result<Option<Template>, StoreError> {
        self.query_opt(&TEMPLATE, &[&workspace_id, &id], read)
    }

    /// The template of this name and language.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template_by_name(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        name: &str,
        language: &str,
    ) -> Result<Option<Template>, StoreError> {
        self.query_opt(&TEMPLATE_BY_NAME, &[&workspace_id, &channel_id, &name, &language], read)
    }

    /// Stores what Meta decided about a template at `told_at`, in all languages when it names none. What is older than
    /// the newest decision that was told changes nothing. `true` when it changed anything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_status(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (name, language): (&str, Option<&str>),
        (status, category): (&str, Option<&str>),
        (told_at, now): (Option<Timestamp>, Timestamp),
    ) -> Result<bool, StoreError> {
        self.lock_templates(channel_id)?;
        let changed = self.execute(
            &SET_TEMPLATE_STATUS,
            &[&workspace_id, &channel_id, &name, &language, &status, &category, &now, &told_at],
        )?;
        if let (Some(_), Some(told_at)) = (category, told_at) {
            let key: [&dyn crate::Bind; 5] = [&workspace_id, &channel_id, &name, &language, &told_at];
            self.execute(&TOLD_CATEGORY_WITH_STATUS, &key)?;
        }
        if changed > 0 {
            self.tell_template_change(workspace_id, channel_id, now);
            self.look_again_in_languages(workspace_id, channel_id, now)?;
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(changed > 0)
    }

    /// Stores why Meta decided so at `told_at`, and its id of the template, unless a newer decision was told.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_reason(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (name, language): (&str, Option<&str>),
        (reason, provider_id): (Option<&str>, Option<&str>),
        told_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.execute(
            &SET_TEMPLATE_REASON,
            &[&workspace_id, &channel_id, &name, &language, &reason, &provider_id, &told_at],
        )
        .map(|_| ())
    }

    /// Stores the category Meta moved a template to at `told_at`, in all languages when it names none, unless a newer one
    /// was told. `true` when that changed anything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_category(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (name, language): (&str, Option<&str>),
        category: &str,
        (told_at, now): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.lock_templates(channel_id)?;
        let key: [&dyn crate::Bind; 6] = [&workspace_id, &channel_id, &name, &language, &category, &told_at];
        let changed = self.execute(&SET_TEMPLATE_CATEGORY, &key)?;
        self.execute(&TOLD_TEMPLATE_CATEGORY, &[&workspace_id, &channel_id, &name, &language, &told_at])?;
        if changed > 0 {
            self.tell_template_change(workspace_id, channel_id, now);
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(changed > 0)
    }

    /// Stores how customers take a template, as Meta told at `told_at`, unless something newer was told.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_quality(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (name, language): (&str, Option<&str>),
        quality: &str,
        (told_at, now): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.lock_templates(channel_id)?;
        let key: [&dyn crate::Bind; 6] = [&workspace_id, &channel_id, &name, &language, &quality, &told_at];
        let changed = self.execute(&SET_TEMPLATE_QUALITY, &key)?;
        self.execute(&TOLD_TEMPLATE_QUALITY, &[&workspace_id, &channel_id, &name, &language, &told_at])?;
        if changed > 0 {
            self.tell_template_change(workspace_id, channel_id, now);
        }
        Ok(changed > 0)
    }

    /// Whether a template has a bad quality in a language that can be sent or may be again. `None` when no such template is
    /// known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_template_red(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        name: &str,
    ) -> Result<Option<bool>, StoreError> {
        let known = self.query(&QUALITIES, &[&workspace_id, &channel_id, &name], |row| {
            Ok((row.next::<String>()?, row.next::<Option<String>>()?))
        })?;
        let is_red =
            |(status, quality): &(String, Option<String>)| !is_over(status) && quality.as_deref() == Some("RED");
        Ok((!known.is_empty()).then(|| known.iter().any(is_red)))
    }

    /// Tells open consoles that a channel's templates changed.
    pub fn tell_template_change(&mut self, workspace_id: WorkspaceId, channel_id: ChannelId, now: Timestamp) {
        self.emit(
            workspace_id,
            NewEvent {
                kind: "template.updated",
                entity: "channel",
                entity_id: channel_id.to_string(),
                audience: None,
                data: json!({ "channel_id": channel_id }),
                at: now,
            },
        );
    }
}

/// Meta has it: what was begun is done, or, where it still has the old text, was not.
fn settle_found(template: &mut Template, listed: ListedTemplate, at: (Timestamp, Timestamp)) {
    let operation = template.operation;
    template.settle(listed, at);
    let Some(draft) = template.draft.clone() else { return };
    let without_file = |parts: TemplateParts| {
        let mut parts = parts.with_files(None, &[]);
        for card in &mut parts.cards {
            card.samples.clear();
        }
        // What it was taken as need not be what was asked for.
        TemplateParts { category: draft.category, samples: Vec::new(), ..parts }
    };
    let is_there = template.parts().map(without_file) == Some(without_file(draft.clone()));
    if operation == Some(TemplateOperation::Create) || is_there {
        template.take_files(&draft);
        template.draft = None;
    } else if operation == Some(TemplateOperation::Edit) {
        template.failure =
            Some("WhatsApp did not answer and still has the old text. Look at it and submit it again.".to_owned());
    }
}

/// Meta does not have it.
fn settle_missing(template: &mut Template) {
    if template.status == DRAFT {
        template.failure = Some("WhatsApp did not answer and does not have this template. Submit it again.".to_owned());
    } else {
        DELETED.clone_into(&mut template.status);
    }
    template.operation = None;
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
