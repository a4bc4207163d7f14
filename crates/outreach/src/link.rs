//! Short links: making them, and what happens when one is asked for.
//!
//! A code is decoded without the database; one that was never issued costs nothing. A known one is looked up and its
//! request stored in one transaction, then the customer is sent on: what the redirect waits for is that one commit.

use std::fmt;

use segue_channels::whatsapp::whatsapp_link;
use segue_model::{
    ClickId, Ctx, Timestamp,
    code::{CodeKey, CodeTarget, grouped},
    time,
};
use segue_store::{
    Store, StoreError, Tx,
    channel::ChannelConfig,
    click::{NewClick, Verdict},
    recipient::Stamp,
};

use crate::{OutreachError, user_agent::verdict};

/// How long links work after the campaign's end.
pub const LINK_LIFE: i64 = 90 * time::DAY;
/// Longest user agent that is kept, in characters.
const LONGEST_USER_AGENT: usize = 300;

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

    /// The short link of a recipient.
    #[must_use]
    pub fn tracked(&self, target: CodeTarget) -> String {
        format!("{}/l/{}", self.config.link_base.trim_end_matches('/'), self.key.encode(target))
    }

    /// The WhatsApp link that a short link leads to: the chat, the text, and the reference that ties the chat to the
    /// recipient.
    #[must_use]
    pub fn chat(&self, number: &str, prefilled_text: &str, target: CodeTarget) -> String {
        let text = format!("{} (ref {})", prefilled_text.trim(), grouped(&self.key.encode(target)).to_uppercase());
        whatsapp_link(&self.config.whatsapp_link_base, number, text.trim_start())
    }
}

/// How a link is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

/// A request for a link, as far as it matters.
#[derive(Debug, Clone)]
pub struct LinkRequest {
    pub method: Method,
    pub user_agent: Option<String>,
    /// `Sec-Purpose`, `Purpose`, `X-Purpose` or `X-Moz`, whichever is there.
    pub purpose: Option<String>,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Send the customer on.
    Redirect(String),
    /// The campaign ended more than [`LINK_LIFE`] ago.
    Expired,
    /// Never issued, or its campaign is gone.
    NotFound,
}

/// Stores the request and tells where it leads.
///
/// # Errors
/// When the store fails; the customer should then be asked to try again.
pub async fn open(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    code: &str,
    request: &LinkRequest,
) -> Result<Opened, OutreachError> {
    let Some(target) = links.key.decode(code) else { return Ok(Opened::NotFound) };
    let (now, click_id, links) = (ctx.now(), ctx.id::<ClickId>(), links.clone());
    let verdict = verdict(request);
    let user_agent = request.user_agent.as_ref().map(|text| text.chars().take(LONGEST_USER_AGENT).collect::<String>());
    store.write(move |tx| open_in(tx, &links, target, click_id, verdict, user_agent.as_ref(), now)).await
}

fn open_in(
    tx: &mut Tx<'_>,
    links: &Links,
    target: CodeTarget,
    click_id: ClickId,
    verdict: Verdict,
    user_agent: Option<&String>,
    now: Timestamp,
) -> Result<Opened, OutreachError> {
    let Some(link) = tx.link(target)? else { return Ok(Opened::NotFound) };
    let is_test = target.position == 0;
    if link.contact_id.is_none() && !is_test {
        return Ok(Opened::NotFound);
    }
    if link.campaign_ended_at.is_some_and(|ended| now.since(ended) > LINK_LIFE) {
        return Ok(Opened::Expired);
    }
    let channel = match link.whatsapp_channel_id {
        Some(id) => tx.channel(link.workspace_id, id)?,
        None => None,
    };
    let Some(ChannelConfig::WhatsApp(chat)) = channel.map(|channel| channel.config) else {
        return Ok(Opened::NotFound);
    };
    if !is_test {
        let click = NewClick {
            id: click_id,
            campaign_id: link.campaign_id,
            position: target.position,
            verdict,
            user_agent: user_agent.cloned(),
        };
        tx.insert_click(link.workspace_id, &click, now)?;
        if verdict == Verdict::Person {
            tx.stamp_recipient(link.workspace_id, link.campaign_id, target.position, Stamp::FirstTap, now)?;
        }
    }
    Ok(Opened::Redirect(links.chat(&chat.display_phone_number, &link.prefilled_text, target)))
}
