//! What the product asks about its own number and account.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    client::{GraphClient, GraphFailure},
    lenient::{field, list, text},
    number::NumberWebhooks,
};

/// Templates per page, and the most pages followed: 6,000 templates are WhatsApp's own limit.
const PAGE: &str = "100";
const MOST_PAGES: usize = 100;
/// Longest callback address WhatsApp takes.
pub(super) const LONGEST_CALLBACK: usize = 200;

pub(super) const TEMPLATE_FIELDS: &str =
    "id,name,language,category,status,components,parameter_format,quality_score,rejected_reason";
const NUMBER_FIELDS: &str = "display_phone_number,verified_name,quality_rating,throughput,\
    whatsapp_business_manager_messaging_limit,name_status,code_verification_status,status,account_mode,\
    webhook_configuration";

/// A message template as WhatsApp knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// Meta's id.
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// Language with an underscore.
    pub language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`. Meta may have changed what was asked for.
    pub category: String,
    /// `APPROVED` is the only one that sends.
    pub status: String,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<String>,
    /// Why it was rejected.
    pub rejected_reason: Option<String>,
    /// Header, body, footer and buttons as they came.
    pub components: Value,
}

/// A number as WhatsApp knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhoneNumberInfo {
    /// Meta's id.
    pub id: String,
    /// As shown.
    pub display_phone_number: Option<String>,
    /// The approved name.
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `STANDARD` or `HIGH`.
    pub throughput: Option<String>,
    /// `TIER_250` and so on: customers a day outside their windows.
    pub messaging_limit: Option<String>,
    /// `CONNECTED` and others.
    pub status: Option<String>,
    /// Review of the name: `APPROVED`, `PENDING_REVIEW`, `DECLINED` and others.
    pub name_status: Option<String>,
    /// Whether the number was proven to be ours: `VERIFIED`, `NOT_VERIFIED` or `EXPIRED`.
    pub code_status: Option<String>,
    /// Everything as it came.
    pub raw: Value,
}

impl GraphClient {
    /// All templates of the account, page by page.
    ///
    /// # Errors
    /// When any page fails; there is no half list.
    pub async fn list_templates(&self) -> Result<Vec<MessageTemplate>, GraphFailure> {
        self.templates_where(&[]).await
    }

    /// The templates that these filters find, page by page.
    pub(super) async fn templates_where(&self, filters: &[(&str, &str)]) -> Result<Vec<MessageTemplate>, GraphFailure> {
        let mut templates = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("fields", TEMPLATE_FIELDS), ("limit", PAGE)];
            query.extend_from_slice(filters);
            if let Some(after) = &after {
                query.push(("after", after.as_str()));
            }
            let request = self.request_with(Method::GET, &[&self.config.waba_id, "message_templates"], &query)?;
            let page = self.call(request).await?;
            templates.extend(list(&page, "data").iter().filter_map(MessageTemplate::of));
            // The next page is asked for by its cursor; the address in the answer is not followed with the token.
            let paging = field(&page, "paging");
            let has_next = paging.is_some_and(|paging| field(paging, "next").is_some());
            let cursor = paging.and_then(|p| field(p, "cursors")).and_then(|cursors| text(cursors, "after"));
            match cursor {
                Some(cursor) if has_next && after.as_ref() != Some(&cursor) => after = Some(cursor),
                _ => return Ok(templates),
            }
        }
        Ok(templates)
    }

    /// The number this client sends from.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn phone_number(&self) -> Result<PhoneNumberInfo, GraphFailure> {
        let request = self.request_with(Method::GET, &[&self.config.phone_number_id], &[("fields", NUMBER_FIELDS)])?;
        let raw = self.call(request).await?;
        let nested = |name, inner| field(&raw, name).and_then(|value| text(value, inner)).or_else(|| text(&raw, name));
        Ok(PhoneNumberInfo {
            id: text(&raw, "id").unwrap_or_else(|| self.config.phone_number_id.clone()),
            display_phone_number: text(&raw, "display_phone_number"),
            verified_name: text(&raw, "verified_name"),
            quality_rating: text(&raw, "quality_rating"),
            throughput: nested("throughput", "level"),
            messaging_limit: text(&raw, "whatsapp_business_manager_messaging_limit"),
            status: text(&raw, "status"),
            name_status: text(&raw, "name_status"),
            code_status: text(&raw, "code_verification_status"),
            raw,
        })
    }

    /// Meta's id of the business portfolio that the account belongs to, when the token may see it. Accounts of one
    /// portfolio share its limit.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn portfolio_id(&self) -> Result<Option<String>, GraphFailure> {
        let fields = [("fields", "owner_business_info")];
        let account = self.call(self.request_with(Method::GET, &[&self.config.waba_id], &fields)?).await?;
        Ok(field(&account, "owner_business_info").and_then(|owner| text(owner, "id")))
    }

    /// Subscribes the app to the account's webhooks and sends them to `callback`. WhatsApp first asks that address for
    /// `verify_token`.
    ///
    /// # Errors
    /// When the address is too long or WhatsApp refuses, which it does when the address does not answer the check.
    pub async fn subscribe(&self, callback: &str, verify_token: &str) -> Result<(), GraphFailure> {
        if callback.is_empty() || callback.chars().count() > LONGEST_CALLBACK {
            return Err(GraphFailure::Invalid("webhook address"));
        }
        let body = json!({"override_callback_uri": callback, "verify_token": verify_token});
        let request = self.request(Method::POST, &[&self.config.waba_id, "subscribed_apps"])?.json(&body);
        self.call(request).await.map(drop)
    }

    /// Ends the subscription.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn unsubscribe(&self) -> Result<(), GraphFailure> {
        let request = self.request(Method::DELETE, &[&self.config.waba_id, "subscribed_apps"])?;
        self.call(request).await.map(drop)
    }
}

impl PhoneNumberInfo {
    /// Where the number's webhooks go.
    #[must_use]
    pub fn webhooks(&self) -> NumberWebhooks {
        NumberWebhooks::of(&self.raw)
    }
}

impl MessageTemplate {
    /// Reads an element of the list; `None` when it has no name, language or status.
    pub(super) fn of(template: &Value) -> Option<Self> {
        let quality = field(template, "quality_score");
        Some(Self {
            id: text(template, "id"),
            name: text(template, "name")?,
            language: text(template, "language")?.replace('-', "_"),
            category: text(template, "category").unwrap_or_default(),
            status: text(template, "status")?,
            parameter_format: text(template, "parameter_format"),
            quality: quality.and_then(|q| text(q, "score")).or_else(|| text(template, "quality_score")),
            rejected_reason: text(template, "rejected_reason").filter(|reason| reason != "NONE"),
            components: field(template, "components").cloned().unwrap_or_else(|| json!([])),
        })
    }
}
