//! WhatsApp message templates as Meta last told of them.

use segue_model::{ChannelId, Ctx, TemplateId, Timestamp, WorkspaceId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx, event::NewEvent, tx::json_text};

/// The only status a template may be sent in.
pub const APPROVED: &str = "APPROVED";
/// The category of promotions.
pub const MARKETING: &str = "MARKETING";
/// The category of one-time codes.
pub const AUTHENTICATION: &str = "AUTHENTICATION";
/// Status of a template that Meta no longer lists.
pub const DELETED: &str = "DELETED";

/// A template as Meta lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTemplate {
    pub name: String,
    pub language: String,
    pub category: String,
    /// Meta's word, upper case.
    pub status: String,
    /// Meta's array of components.
    pub components: Value,
}

/// A template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub id: TemplateId,
    pub channel_id: ChannelId,
    pub name: String,
    pub language: String,
    pub category: String,
    /// Meta's word, upper case.
    pub status: String,
    pub components: Value,
    pub synced_at: Timestamp,
}

/// A button of a template as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateButton {
    #[serde(rename = "type")]
    pub kind: String,
    pub text: String,
    /// The address of a button that opens one.
    pub url: Option<String>,
}

/// A template as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateView {
    pub id: TemplateId,
    pub channel_id: ChannelId,
    pub name: String,
    pub language: String,
    pub category: String,
    pub status: String,
    pub body: String,
    /// Text of a text header.
    pub header: Option<String>,
    pub footer: Option<String>,
    pub buttons: Vec<TemplateButton>,
    /// How many values the body takes.
    pub parameter_count: usize,
}

impl Template {
    fn component(&self, kind: &str) -> Option<&Value> {
        let components = self.components.as_array()?;
        components.iter().find(|component| {
            component.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
        })
    }

    fn text_of(&self, kind: &str) -> Option<String> {
        self.component(kind)?.get("text")?.as_str().map(str::to_owned)
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
        let body = self.body();
        let names = placeholders(&body);
        let mut pieces = body.split("{{");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let value = piece.split_once("}}").and_then(|(name, rest)| {
                let index = names.iter().position(|known| known == name)?;
                Some((parameters.get(index)?, rest))
            });
            match value {
                Some((value, rest)) => text.extend([value, rest]),
                None => text.extend(["{{", piece]),
            }
        }
        text
    }

    /// The buttons whose address has a variable end: position among all buttons, and the address.
    #[must_use]
    pub fn open_urls(&self) -> Vec<(u8, String)> {
        let buttons = self.component("BUTTONS").and_then(|component| component.get("buttons")?.as_array());
        let buttons = buttons.into_iter().flatten().zip(0_u8..);
        buttons
            .filter_map(|(button, index)| {
                let url = button.get("url")?.as_str()?;
                url.contains("{{").then(|| (index, url.to_owned()))
            })
            .collect()
    }

    /// The form that screens show.
    #[must_use]
    pub fn view(&self) -> TemplateView {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let buttons = self.component("BUTTONS").and_then(|component| component.get("buttons")?.as_array());
        TemplateView {
            id: self.id,
            channel_id: self.channel_id,
            name: self.name.clone(),
            language: self.language.clone(),
            category: self.category.clone(),
            status: self.status.clone(),
            body: self.body(),
            header: self.text_of("HEADER"),
            footer: self.text_of("FOOTER"),
            buttons: buttons
                .into_iter()
                .flatten()
                .map(|button| TemplateButton {
                    kind: text(button, "type"),
                    text: text(button, "text"),
                    url: button.get("url").and_then(Value::as_str).map(str::to_owned),
                })
                .collect(),
            parameter_count: self.parameter_count(),
        }
    }
}

/// What stands between double braces: numbers in their order, or names in order of appearance; each once.
fn placeholders(body: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in body.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}")
            && !name.is_empty()
            && !found.iter().any(|seen| seen == name)
        {
            found.push(name.to_owned());
        }
    }
    if found.iter().all(|name| name.parse::<u32>().is_ok()) {
        found.sort_by_key(|name| name.parse::<u32>().unwrap_or_default());
    }
    found
}

crate::sql! {
    UPSERT_TEMPLATE = "INSERT INTO templates (workspace_id, id, channel_id, name, language, category, status,
            components, synced_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, channel_id, name, language) DO UPDATE SET category = excluded.category,
            status = excluded.status, components = excluded.components, synced_at = excluded.synced_at";
    DELETE_UNLISTED = "UPDATE templates SET status = 'DELETED'
        WHERE workspace_id = $1 AND channel_id = $2 AND synced_at < $3 AND status <> 'DELETED'";
    TEMPLATES = "SELECT id, channel_id, name, language, category, status, components, synced_at FROM templates
        WHERE workspace_id = $1 AND status <> 'DELETED' ORDER BY channel_id, name, language";
    TEMPLATE = "SELECT id, channel_id, name, language, category, status, components, synced_at FROM templates
        WHERE workspace_id = $1 AND id = $2";
    TEMPLATE_BY_NAME = "SELECT id, channel_id, name, language, category, status, components, synced_at FROM templates
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3 AND language = $4";
    SET_TEMPLATE_STATUS = "UPDATE templates SET status = $5, category = COALESCE(CAST($6 AS TEXT), category)
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4)
            AND (status <> $5 OR category <> COALESCE(CAST($6 AS TEXT), category))";
    SET_TEMPLATE_CATEGORY = "UPDATE templates SET category = $5
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3
            AND (CAST($4 AS TEXT) IS NULL OR language = $4) AND category <> $5";
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
    })
}

impl Tx<'_> {
    /// Stores the templates Meta lists for a channel; those it no longer lists become `DELETED`.
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
        let now = ctx.now();
        for template in listed {
            let id: TemplateId = ctx.id();
            let components = json_text(&template.components)?;
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
                ],
            )?;
        }
        self.execute(&DELETE_UNLISTED, &[&workspace_id, &channel_id, &now])?;
        self.tell_template_change(workspace_id, channel_id, now);
        self.refresh_holds(workspace_id, channel_id, now)
    }

    /// All templates of a workspace that exist at Meta, by channel and name.
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

    /// Stores what Meta decided about a template, in all languages when it names none. `true` when that changed
    /// anything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_status(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        name: &str,
        language: Option<&str>,
        decision: (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (status, category) = decision;
        let changed =
            self.execute(&SET_TEMPLATE_STATUS, &[&workspace_id, &channel_id, &name, &language, &status, &category])?;
        if changed > 0 {
            self.tell_template_change(workspace_id, channel_id, now);
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(changed > 0)
    }

    /// Stores the category Meta moved a template to, in all languages when it names none. `true` when that changed
    /// anything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_template_category(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (name, language): (&str, Option<&str>),
        category: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed =
            self.execute(&SET_TEMPLATE_CATEGORY, &[&workspace_id, &channel_id, &name, &language, &category])?;
        if changed > 0 {
            self.tell_template_change(workspace_id, channel_id, now);
            self.refresh_holds(workspace_id, channel_id, now)?;
        }
        Ok(changed > 0)
    }

    fn tell_template_change(&mut self, workspace_id: WorkspaceId, channel_id: ChannelId, now: Timestamp) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn template(body: &str) -> Template {
        Template {
            id: TemplateId(Uuid::nil()),
            channel_id: ChannelId(Uuid::nil()),
            name: "n".to_owned(),
            language: "en_US".to_owned(),
            category: "UTILITY".to_owned(),
            status: APPROVED.to_owned(),
            components: json!([
                {"type": "HEADER", "format": "IMAGE"},
                {"type": "body", "text": body},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]},
            ]),
            synced_at: Timestamp(0),
        }
    }

    #[test]
    fn numbered_placeholders_count_once_and_are_filled_in_their_order() {
        let numbered = template("{{2}} and {{1}} and {{2}}");
        assert_eq!(numbered.parameter_count(), 2);
        assert_eq!(numbered.parameter_names(), None);
        assert_eq!(numbered.rendered(&["one".to_owned(), "two".to_owned()]), "two and one and two");
        assert_eq!(numbered.rendered(&["{{2}}".to_owned(), "two".to_owned()]), "two and {{2}} and two");
        assert_eq!(numbered.rendered(&["one".to_owned()]), "{{2}} and one and {{2}}");
    }

    #[test]
    fn named_placeholders_keep_their_order_of_appearance() {
        let named = template("Hi {{name}}, {{day}}. Bye {{name}}");
        assert_eq!(named.parameter_names(), Some(vec!["name".to_owned(), "day".to_owned()]));
        assert_eq!(named.rendered(&["Ann".to_owned(), "Monday".to_owned()]), "Hi Ann, Monday. Bye Ann");
    }

    #[test]
    fn the_view_leaves_out_what_is_not_text() {
        let view = template("Hello").view();
        assert_eq!((view.header, view.footer, view.parameter_count), (None, None, 0));
        assert_eq!(
            view.buttons,
            [TemplateButton { kind: "QUICK_REPLY".to_owned(), text: "Yes".to_owned(), url: None }]
        );
    }
}
