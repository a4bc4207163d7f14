//! Creating, changing and deleting message templates, and uploading the examples of their headers.
//!
//! None of these requests has a key that would make a repeat harmless. A template is known again by its name and
//! language, so a lost answer is settled by looking for it ([`GraphClient::find_template`]).

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{
    client::{GraphClient, GraphFailure},
    lenient::{field, text},
    management::{MessageTemplate, TEMPLATE_FIELDS},
    media::transfer_time,
};

/// A template to create.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateForm {
    /// Name.
    pub name: String,
    /// Language with an underscore.
    pub language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: String,
    /// Header, body, footer and buttons.
    pub components: Vec<Value>,
}

/// What WhatsApp answered to a new template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTemplate {
    /// Meta's id.
    pub id: String,
    /// Mostly `PENDING`.
    pub status: String,
    /// The category it was taken in, which need not be the one that was asked for.
    pub category: Option<String>,
}

impl GraphClient {
    /// Submits a new template for review.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer; without an answer it may have been created.
    pub async fn create_template(&self, form: &TemplateForm) -> Result<CreatedTemplate, GraphFailure> {
        let body = json!({
            "name": form.name,
            "language": form.language,
            "category": form.category,
            "parameter_format": form.parameter_format,
            "components": form.components,
        });
        let request = self.request(Method::POST, &[&self.config.waba_id, "message_templates"])?.json(&body);
        let answer = self.call(request).await?;
        Ok(CreatedTemplate {
            id: text(&answer, "id").ok_or(GraphFailure::Unreadable { status: 200 })?,
            status: text(&answer, "status").unwrap_or_else(|| "PENDING".to_owned()).to_ascii_uppercase(),
            category: text(&answer, "category").map(|category| category.to_ascii_uppercase()),
        })
    }

    /// Changes a template; it is reviewed again. The category of an approved one cannot change, so it is only sent
    /// where it does.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn edit_template(
        &self,
        id: &str,
        category: Option<&str>,
        components: &[Value],
    ) -> Result<(), GraphFailure> {
        let mut body = json!({"components": components});
        if let Some(category) = category {
            body["category"] = json!(category);
        }
        self.call(self.request(Method::POST, &[id])?.json(&body)).await.map(drop)
    }

    /// Deletes a template: the one with this id, or all languages of the name when there is none.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn delete_template(&self, name: &str, id: Option<&str>) -> Result<(), GraphFailure> {
        let mut query = vec![("name", name)];
        query.extend(id.map(|id| ("hsm_id", id)));
        let request = self.request_with(Method::DELETE, &[&self.config.waba_id, "message_templates"], &query)?;
        self.call(request).await.map(drop)
    }

    /// One template by its id; `None` when there is none.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn template(&self, id: &str) -> Result<Option<MessageTemplate>, GraphFailure> {
        match self.call(self.request_with(Method::GET, &[id], &[("fields", TEMPLATE_FIELDS)])?).await {
            Ok(template) => Ok(MessageTemplate::of(&template)),
            Err(GraphFailure::Refused { status: 404, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The template of this name and language; `None` when there is none.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn find_template(&self, name: &str, language: &str) -> Result<Option<MessageTemplate>, GraphFailure> {
        // The name is a filter that also finds longer names, more of them than are on one page.
        let filters = [("name", name), ("language", language)];
        let all = self.templates_where(&filters).await?;
        Ok(all.into_iter().find(|template| template.name == name && template.language == language))
    }

    /// Uploads an example for a template's header in one piece and gives its handle.
    ///
    /// The upload belongs to the app, not to the number; which app that is, the token knows.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn upload_example(
        &self,
        mime_type: &str,
        filename: &str,
        content: Vec<u8>,
    ) -> Result<String, GraphFailure> {
        let app = self.app_id().await?;
        let length = content.len().to_string();
        let query = [("file_name", filename), ("file_length", length.as_str()), ("file_type", mime_type)];
        let session = self.call(self.request_with(Method::POST, &[&app, "uploads"], &query)?).await?;
        let session = text(&session, "id").ok_or(GraphFailure::Unreadable { status: 200 })?;
        let request = self.upload_request(&session)?.header("file_offset", "0");
        let request = request.timeout(transfer_time(content.len() as u64)).body(content);
        let answer = self.call(request).await?;
        text(&answer, "h").ok_or(GraphFailure::Unreadable { status: 200 })
    }

    async fn app_id(&self) -> Result<String, GraphFailure> {
        let query = [("input_token", self.config.access_token.as_str())];
        let answer = self.call(self.request_with(Method::GET, &["debug_token"], &query)?).await?;
        field(&answer, "data").and_then(|data| text(data, "app_id")).ok_or(GraphFailure::Unreadable { status: 200 })
    }

    /// A request to an upload's address. Its id (`upload:…?sig=…`) has marks that no other id has, and comes from an
    /// answer: only what keeps it on the same host and below the version is let through.
    fn upload_request(&self, session: &str) -> Result<reqwest::RequestBuilder, GraphFailure> {
        let invalid = GraphFailure::Invalid("upload's id");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.=?&%~+".contains(&byte);
        if !session.starts_with("upload:") || !session.bytes().all(is_plain) {
            return Err(invalid);
        }
        let base = self.config.base_url.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{}/{session}", self.config.version)).map_err(|_| invalid)?;
        let authorization = format!("OAuth {}", self.config.access_token);
        Ok(self.post(url).header("authorization", authorization))
    }
}
