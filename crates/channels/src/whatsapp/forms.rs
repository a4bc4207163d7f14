//! The forms of an account, which Meta calls flows.

use reqwest::Method;

use super::{
    client::{GraphClient, GraphFailure},
    lenient::{field, list, text},
};

/// Forms per page, and the most pages followed.
const PAGE: &str = "100";
const MOST_PAGES: usize = 50;

/// A form as WhatsApp knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountForm {
    /// Meta's id.
    pub id: String,
    /// The name it was given.
    pub name: String,
    /// `DRAFT`, `PUBLISHED`, `DEPRECATED`, `BLOCKED` or `THROTTLED`; only a published one can be offered.
    pub status: String,
    /// What it is for, in Meta's words.
    pub categories: Vec<String>,
}

impl GraphClient {
    /// All forms of the account, page by page.
    ///
    /// # Errors
    /// When any page fails; there is no half list.
    pub async fn list_forms(&self) -> Result<Vec<AccountForm>, GraphFailure> {
        let mut forms = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("fields", "id,name,status,categories"), ("limit", PAGE)];
            if let Some(after) = &after {
                query.push(("after", after.as_str()));
            }
            let request = self.request_with(Method::GET, &[&self.config.waba_id, "flows"], &query)?;
            let page = self.call(request).await?;
            forms.extend(list(&page, "data").iter().filter_map(|form| {
                let categories = list(form, "categories").iter().filter_map(|each| each.as_str().map(str::to_owned));
                Some(AccountForm {
                    id: text(form, "id")?,
                    name: text(form, "name")?,
                    status: text(form, "status")?.to_ascii_uppercase(),
                    categories: categories.collect(),
                })
            }));
            // The next page is asked for by its cursor; the address in the answer is not followed with the token.
            let paging = field(&page, "paging");
            let has_next = paging.is_some_and(|paging| field(paging, "next").is_some());
            let cursor = paging.and_then(|p| field(p, "cursors")).and_then(|cursors| text(cursors, "after"));
            match cursor {
                Some(cursor) if has_next && after.as_ref() != Some(&cursor) => after = Some(cursor),
                _ => break,
            }
        }
        Ok(forms)
    }
}
