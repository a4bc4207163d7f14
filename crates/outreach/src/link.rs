//! Making links: the short ones, and those into a chat.

use std::fmt;

use segue_channels::whatsapp::whatsapp_link;
use segue_model::{
    Ctx,
    code::{CHAT_LINK, CodeKey, CodeTarget, LinkCode, grouped},
};
use segue_store::{Store, StoreError};

use crate::OutreachError;

/// Where links point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkConfig {
    /// The product's own host for short links, such as `https://go.example.com`.
    pub link_base: String,
    /// Such as `https://wa.me`.
    pub whatsapp_link_base: String,
}

impl LinkConfig {
    /// Links on this host, to WhatsApp itself.
    #[must_use]
    pub fn new(link_base: impl Into<String>) -> Self {
        Self { link_base: link_base.into(), whatsapp_link_base: "https://wa.me".to_owned() }
    }
}

/// Makes and reads links. Cheap to clone.
#[derive(Clone)]
pub struct Links {
    config: LinkConfig,
    key: CodeKey,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Links {
    /// Links with this key.
    #[must_use]
    pub const fn new(config: LinkConfig, key: CodeKey) -> Self {
        Self { config, key }
    }

    /// Links with the installation's key, which is made when there is none yet.
    ///
    /// # Errors
    /// When the store fails or the stored key is damaged.
    pub async fn load(store: &Store, ctx: &Ctx, config: LinkConfig) -> Result<Self, OutreachError> {
        let fresh: [u8; 32] = ctx.random_bytes();
        let secret = store.write::<_, StoreError, _>(move |tx| tx.secret_or("link_code_key", &fresh)).await?;
        let secret: [u8; 32] =
            secret.try_into().map_err(|_| StoreError::Corrupt("link_code_key is not 32 bytes long".to_owned()))?;
        Ok(Self::new(config, CodeKey::new(secret)))
    }

    /// Where links point to.
    #[must_use]
    pub const fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// The key of the codes, for those who look for codes in messages.
    #[must_use]
    pub const fn key(&self) -> &CodeKey {
        &self.key
    }

    /// The same links on another host, such as `https://go.brand.example`.
    #[must_use]
    pub fn on(&self, link_base: impl Into<String>) -> Self {
        let config = LinkConfig { link_base: link_base.into(), ..self.config.clone() };
        Self { config, key: self.key.clone() }
    }

    /// The short link of a recipient into the chat.
    #[must_use]
    pub fn tracked(&self, target: CodeTarget) -> String {
        self.short(LinkCode { target, link: CHAT_LINK })
    }

    /// The short link of a recipient to one of the addresses of his text.
    #[must_use]
    pub fn short(&self, code: LinkCode) -> String {
        format!("{}/l/{}", self.config.link_base.trim_end_matches('/'), self.key.encode_link(code))
    }

    /// The WhatsApp link that a short link leads to: the chat, the text, and the reference that ties the chat to the
    /// recipient.
    #[must_use]
    pub fn chat(&self, number: &str, prefilled_text: &str, target: CodeTarget) -> String {
        self.chat_form(number, prefilled_text).with(&self.key.encode(target))
    }

    /// What the chat links of a campaign have in common.
    #[must_use]
    pub fn chat_form(&self, number: &str, prefilled_text: &str) -> ChatForm {
        let (before, after) = (format!("{} (ref ", prefilled_text.trim()), ")");
        let start = whatsapp_link(&self.config.whatsapp_link_base, number, before.trim_start());
        let end = whatsapp_link("", "", after);
        let end = end.rsplit_once('=').map(|(_, end)| end.to_owned()).unwrap_or_default();
        ChatForm { start, end }
    }
}

/// A chat link of which only the recipient's reference is open. A redirect fills it in without encoding anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatForm {
    start: String,
    end: String,
}

impl ChatForm {
    /// The link with this code as the reference. A code has no character that a link would have to encode.
    #[must_use]
    pub fn with(&self, code: &str) -> String {
        format!("{}{}{}", self.start, grouped(code), self.end)
    }
}
