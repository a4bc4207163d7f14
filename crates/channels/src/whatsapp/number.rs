//! A number's registration, its own webhook address, and the profile that customers see.
//!
//! Every request sets a state, so doing it twice is harmless; only codes are sent anew each time.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{GraphClient, GraphFailure},
    lenient::{field, list, text},
    management::LONGEST_CALLBACK,
    recipient::Bsuid,
};

const PROFILE_FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";

/// What customers see of the business.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BusinessProfile {
    /// The line under the name.
    pub about: String,
    pub address: String,
    pub description: String,
    pub email: String,
    /// At most two.
    pub websites: Vec<String>,
    /// The line of business, such as `RETAIL`.
    pub vertical: String,
    /// Where the picture is; WhatsApp's own address, and not for long.
    pub picture_url: Option<String>,
}

/// Where the webhooks of a number go: to its own address, else to that of the account, else to the app's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberWebhooks {
    pub number: Option<String>,
    pub account: Option<String>,
    pub app: Option<String>,
}

/// How a code to prove a number comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeMethod {
    Sms,
    Voice,
}

impl GraphClient {
    /// What customers see of the business.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn business_profile(&self) -> Result<BusinessProfile, GraphFailure> {
        let path = [self.config.phone_number_id.as_str(), "whatsapp_business_profile"];
        let answer = self.call(self.request_with(Method::GET, &path, &[("fields", PROFILE_FIELDS)])?).await?;
        Ok(BusinessProfile::of(&answer))
    }

    /// Changes what customers see. `picture` is what uploading a new one gave.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn set_business_profile(
        &self,
        profile: &BusinessProfile,
        picture: Option<&str>,
    ) -> Result<(), GraphFailure> {
        let path = [self.config.phone_number_id.as_str(), "whatsapp_business_profile"];
        let request = self.request(Method::POST, &path)?.json(&profile.body(picture));
        self.call(request).await.map(drop)
    }

    /// Registers the number for the Cloud API. `pin` is that of two-step verification; it is set when there was none.
    ///
    /// # Errors
    /// When WhatsApp refuses, which it does for another PIN than the one that is set and after ten attempts in three
    /// days, or does not answer.
    pub async fn register(&self, pin: &str) -> Result<(), GraphFailure> {
        let body = json!({"messaging_product": "whatsapp", "pin": pin});
        let request = self.request(Method::POST, &[&self.config.phone_number_id, "register"])?.json(&body);
        self.call(request).await.map(drop)
    }

    /// Sets the PIN of two-step verification.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn set_pin(&self, pin: &str) -> Result<(), GraphFailure> {
        let request = self.request(Method::POST, &[&self.config.phone_number_id])?.json(&json!({"pin": pin}));
        self.call(request).await.map(drop)
    }

    /// Asks WhatsApp for a code to prove that the number is ours.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn request_code(&self, method: CodeMethod, language: &str) -> Result<(), GraphFailure> {
        let method = match method {
            CodeMethod::Sms => "SMS",
            CodeMethod::Voice => "VOICE",
        };
        let body = json!({"code_method": method, "language": language});
        let request = self.request(Method::POST, &[&self.config.phone_number_id, "request_code"])?.json(&body);
        self.call(request).await.map(drop)
    }

    /// Proves that the number is ours.
    ///
    /// # Errors
    /// When WhatsApp refuses the code or does not answer.
    pub async fn verify_code(&self, code: &str) -> Result<(), GraphFailure> {
        let request = self.request(Method::POST, &[&self.config.phone_number_id, "verify_code"])?;
        self.call(request.json(&json!({"code": code}))).await.map(drop)
    }

    /// Lets WhatsApp forget a customer in the contact book that it keeps for the business.
    ///
    /// # Errors
    /// When WhatsApp refuses or does not answer.
    pub async fn forget_customer(&self, bsuid: &Bsuid) -> Result<(), GraphFailure> {
        let query = [("messaging_product", "whatsapp"), ("bsuid", bsuid.as_str())];
        let path = [self.config.phone_number_id.as_str(), "contact_book"];
        self.call(self.request_with(Method::DELETE, &path, &query)?).await.map(drop)
    }

    /// Gives the number a webhook address of its own, which goes before the account's, or takes it away. WhatsApp first
    /// asks the address for `verify_token`.
    ///
    /// # Errors
    /// When the address is too long or WhatsApp refuses, which it does when the address does not answer the check.
    pub async fn set_number_webhook(&self, callback: Option<&str>, verify_token: &str) -> Result<(), GraphFailure> {
        if callback.is_some_and(|callback| callback.is_empty() || callback.chars().count() > LONGEST_CALLBACK) {
            return Err(GraphFailure::Invalid("webhook address"));
        }
        let configuration = match callback {
            Some(callback) => json!({"override_callback_uri": callback, "verify_token": verify_token}),
            None => json!({"override_callback_uri": ""}),
        };
        let body = json!({"webhook_configuration": configuration});
        self.call(self.request(Method::POST, &[&self.config.phone_number_id])?.json(&body)).await.map(drop)
    }
}

impl BusinessProfile {
    /// The answer comes in two forms: flat, and one level deeper.
    fn of(answer: &Value) -> Self {
        let first = list(answer, "data").first().cloned().unwrap_or_default();
        let profile = field(&first, "business_profile").cloned().unwrap_or(first);
        let of = |name| text(&profile, name).unwrap_or_default();
        Self {
            about: of("about"),
            address: of("address"),
            description: of("description"),
            email: of("email"),
            websites: list(&profile, "websites").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            vertical: of("vertical"),
            picture_url: text(&profile, "profile_picture_url"),
        }
    }

    fn body(&self, picture: Option<&str>) -> Value {
        let mut body = json!({
            "messaging_product": "whatsapp",
            "address": self.address,
            "description": self.description,
            "email": self.email,
            "websites": self.websites,
        });
        // WhatsApp takes neither of these empty.
        for (name, value) in [("about", &self.about), ("vertical", &self.vertical)] {
            if !value.is_empty() {
                body[name] = json!(value);
            }
        }
        if let Some(picture) = picture {
            body["profile_picture_handle"] = json!(picture);
        }
        body
    }
}

impl NumberWebhooks {
    /// Reads `webhook_configuration`.
    pub(super) fn of(number: &Value) -> Self {
        let configuration = field(number, "webhook_configuration").cloned().unwrap_or_default();
        let of = |name| text(&configuration, name).filter(|url| !url.is_empty());
        Self { number: of("phone_number"), account: of("whatsapp_business_account"), app: of("application") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_in_both_forms_and_never_sent_with_what_whatsapp_refuses() {
        let inner = json!({"about": "Open", "vertical": "RETAIL", "websites": ["https://a.example"],
            "profile_picture_url": "https://pps.example/p"});
        let flat = BusinessProfile::of(&json!({"data": [inner]}));
        let deep = BusinessProfile::of(&json!({"data": [{"business_profile": inner}]}));
        assert_eq!(flat, deep);
        assert_eq!((flat.about.as_str(), flat.websites.len()), ("Open", 1));
        assert_eq!(BusinessProfile::of(&json!({})), BusinessProfile::default());
        let body = BusinessProfile::default().body(None);
        assert_eq!(
            body,
            json!({"messaging_product": "whatsapp", "address": "", "description": "", "email": "", "websites": []})
        );
        assert_eq!(flat.body(Some("4::h"))["profile_picture_handle"], "4::h");
    }
}
