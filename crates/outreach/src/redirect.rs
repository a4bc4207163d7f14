//! What happens when a short link is asked for.
//!
//! A code is decrypted without the database; one that was never issued costs nothing. Where a campaign's links lead is
//! kept in memory for a second, so of the many who follow them at once one looks it up; the click goes the way of
//! [`Clicks`]. So a redirect usually touches no database at all.
//!
//! What is kept is bounded ([`KEPT`] campaigns) and never the only copy. A link that is stopped or whose settings are
//! changed on this node is forgotten in the same moment ([`Redirects::forget`]); another node learns of it within
//! [`FRESH`]. A look-up that was under way while something was forgotten is not kept.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use segue_model::{
    CampaignId, ClickId, Ctx, Timestamp, WorkspaceId,
    actor::Actor,
    code::{CHAT_LINK, CodeTarget, LINKS, LinkCode, POSTER},
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    time,
};
use segue_store::{
    Store, Tx,
    channel::ChannelConfig,
    click::{Device, NewClick},
    consent::{ConsentError, NewConsentEvent},
    link::{Landing, LinkSettings},
};

use crate::{
    Links, OutreachError,
    clicks::Clicks,
    link::ChatForm,
    user_agent::{device, verdict},
};

/// How long links work after the campaign's end, when nobody has said otherwise.
pub const LINK_LIFE: i64 = 90 * time::DAY;
/// How long what was looked up counts as true.
pub const FRESH: i64 = time::SECOND;
/// Campaigns whose links are kept in memory at most.
const KEPT: usize = 1_024;
/// Entries of the ledger among which the last of the same words is looked for.
const LOOKED_AT: i64 = 100;
/// Longest user agent that is kept, in bytes.
const LONGEST_USER_AGENT: usize = 300;

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
    /// Show the page before the chat.
    Landing(Box<LandingPage>),
    /// Its time is over.
    Expired,
    /// Somebody has stopped it.
    Stopped,
    /// Never issued, or its campaign is gone.
    NotFound,
}

/// What the page before the chat shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingPage {
    pub workspace_id: WorkspaceId,
    /// The recipient's code, in its usual writing.
    pub code: String,
    /// Where the page's button leads.
    pub chat: String,
    pub brand: String,
    pub legal_text: String,
    /// What ticking the box agrees to; empty for no box.
    pub consent_wording: String,
    /// A computer shows a QR code for the phone.
    pub device: Device,
}

/// The box on the page before the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    Ticked,
    Empty,
}

type Resolved = (Arc<Known>, LinkCode);

/// Where a campaign's links lead, as it was a moment ago.
struct Known {
    workspace_id: WorkspaceId,
    campaign_id: CampaignId,
    planned: u32,
    expires_at: Option<Timestamp>,
    is_stopped: bool,
    links: HashMap<u8, KnownLink>,
    settings: LinkSettings,
    brand: String,
    loaded_at: AtomicI64,
}

struct KnownLink {
    target: Target,
    expires_at: Option<Timestamp>,
    is_stopped: bool,
}

enum Target {
    Chat(ChatForm),
    Address(String),
}

/// Answers requests for links. Cheap to clone.
#[derive(Clone)]
pub struct Redirects {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    ctx: Ctx,
    links: Links,
    clicks: Clicks,
    known: RwLock<HashMap<u32, Arc<Known>>>,
    /// Rises whenever something is forgotten.
    forgotten: AtomicU64,
}

impl Redirects {
    /// Redirects over this store. Clicks are stored one by one until [`Redirects::clicks`] are run.
    #[must_use]
    pub fn new(store: Store, ctx: Ctx, links: Links) -> Self {
        let clicks = Clicks::new(store.clone());
        let known = RwLock::new(HashMap::new());
        Self { inner: Arc::new(Inner { store, ctx, links, clicks, known, forgotten: AtomicU64::new(0) }) }
    }

    /// Where clicks gather.
    #[must_use]
    pub fn clicks(&self) -> &Clicks {
        &self.inner.clicks
    }

    /// Looks the campaign's links up anew at the next request. To be called after every change of them.
    pub fn forget(&self, campaign_number: u32) {
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        self.inner.forgotten.fetch_add(1, Ordering::AcqRel);
        known.remove(&campaign_number);
    }

    /// Counts the request and tells where it leads.
    ///
    /// # Errors
    /// When the store fails; the customer should then be asked to try again.
    pub async fn open(&self, code: &str, request: LinkRequest) -> Result<Opened, OutreachError> {
        let now = self.inner.ctx.now();
        let (known, code) = match self.resolve(code, now).await? {
            Ok(resolved) => resolved,
            Err(refused) => return Ok(refused),
        };
        let device = device(request.user_agent.as_deref().unwrap_or_default());
        let opened = match &known.links[&code.link].target {
            Target::Address(address) => Opened::Redirect(address.clone()),
            Target::Chat(form) => {
                let page = || Opened::Landing(Box::new(self.page(&known, form, code, device)));
                match known.settings.landing {
                    Landing::Always => page(),
                    Landing::Desktop if device == Device::Desktop => page(),
                    Landing::Desktop | Landing::None => Opened::Redirect(self.chat(form, code)),
                }
            }
        };
        if code.target.position > 0 {
            self.inner.clicks.take(self.click(&known, code, device, request, now)).await?;
        }
        Ok(opened)
    }

    /// The page before the chat, without counting anything; [`Opened::NotFound`] when this link has none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn landing(&self, code: &str) -> Result<Opened, OutreachError> {
        Ok(match self.resolve(code, self.inner.ctx.now()).await? {
            Err(refused) => refused,
            Ok((known, code)) => match &known.links[&code.link].target {
                Target::Chat(form) if known.settings.landing != Landing::None => {
                    Opened::Landing(Box::new(self.page(&known, form, code, Device::Other)))
                }
                _ => Opened::NotFound,
            },
        })
    }

    /// Goes on from the page before the chat. A ticked box is an opt-in to WhatsApp messages of the recipient's number,
    /// in the words beside the box; it is in the ledger when the answer is given. After a no of the person it changes
    /// nothing.
    ///
    /// # Errors
    /// When the store fails; nothing is recorded then.
    pub async fn enter(&self, code: &str, tick: Tick) -> Result<Opened, OutreachError> {
        let (known, code) = match self.resolve(code, self.inner.ctx.now()).await? {
            Ok(resolved) => resolved,
            Err(refused) => return Ok(refused),
        };
        // Whoever has the page open goes on from it, though it may have been turned off since.
        let Target::Chat(form) = &known.links[&code.link].target else { return Ok(Opened::NotFound) };
        let (target, wording) = (code.target, known.settings.consent_wording.clone());
        if tick == Tick::Ticked && !wording.is_empty() {
            let (ctx, workspace_id) = (self.inner.ctx.clone(), known.workspace_id);
            let recorded = move |tx: &mut Tx<'_>| record_tick(tx, &ctx, workspace_id, target, &wording);
            self.inner.store.write(recorded).await?;
        }
        Ok(Opened::Redirect(self.chat(form, code)))
    }

    /// What a code stands for while its link may be followed, or else why not.
    async fn resolve(&self, code: &str, now: Timestamp) -> Result<Result<Resolved, Opened>, OutreachError> {
        let Some(code) = self.inner.links.key().decode_link(code) else { return Ok(Err(Opened::NotFound)) };
        let Some(known) = self.known(code.target, now).await? else { return Ok(Err(Opened::NotFound)) };
        let Some(link) = known.links.get(&code.link) else { return Ok(Err(Opened::NotFound)) };
        if known.is_stopped || link.is_stopped {
            return Ok(Err(Opened::Stopped));
        }
        if [known.expires_at, link.expires_at].into_iter().flatten().any(|end| now > end) {
            return Ok(Err(Opened::Expired));
        }
        Ok(Ok((known, code)))
    }

    fn chat(&self, form: &ChatForm, code: LinkCode) -> String {
        form.with(&self.inner.links.key().encode(code.target))
    }

    fn page(&self, known: &Known, form: &ChatForm, code: LinkCode, device: Device) -> LandingPage {
        LandingPage {
            workspace_id: known.workspace_id,
            code: self.inner.links.key().encode_link(code),
            chat: self.chat(form, code),
            brand: known.brand.clone(),
            legal_text: known.settings.legal_text.clone(),
            consent_wording: known.settings.consent_wording.clone(),
            device,
        }
    }

    fn click(&self, known: &Known, code: LinkCode, device: Device, request: LinkRequest, now: Timestamp) -> NewClick {
        let verdict = verdict(&request);
        let mut user_agent = request.user_agent;
        if let Some(agent) = &mut user_agent {
            let end = (0..=LONGEST_USER_AGENT).rev().find(|end| agent.is_char_boundary(*end));
            agent.truncate(end.filter(|end| *end < agent.len()).unwrap_or(agent.len()));
        }
        NewClick {
            workspace_id: known.workspace_id,
            campaign_id: known.campaign_id,
            id: self.inner.ctx.id::<ClickId>(),
            position: code.target.position,
            link: code.link,
            verdict,
            device,
            user_agent,
            at: now,
        }
    }

    /// What is known of the target's campaign; `None` when nobody was ever sent such a code.
    async fn known(&self, target: CodeTarget, now: Timestamp) -> Result<Option<Arc<Known>>, OutreachError> {
        let kept = {
            let known = self.inner.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&target.campaign_number).map(Arc::clone)
        };
        if let Some(kept) = kept
            && is_issued(target.position, kept.planned)
        {
            let loaded_at = kept.loaded_at.load(Ordering::Acquire);
            let is_fresh = (0..FRESH).contains(&(now.0 - loaded_at));
            // One of those who find it old looks it up; the others take it as it is for that moment.
            let is_mine = || {
                let claimed = kept.loaded_at.compare_exchange(loaded_at, now.0, Ordering::AcqRel, Ordering::Acquire);
                claimed.is_ok()
            };
            if is_fresh || !is_mine() {
                return Ok(Some(kept));
            }
        }
        let found = self.look_up(target.campaign_number, now).await?;
        Ok(found.filter(|known| is_issued(target.position, known.planned)))
    }

    async fn look_up(&self, number: u32, now: Timestamp) -> Result<Option<Arc<Known>>, OutreachError> {
        let before = self.inner.forgotten.load(Ordering::Acquire);
        let links = self.inner.links.clone();
        let looked_up = self.inner.store.read(move |tx| load(tx, &links, number, now)).await;
        let found = match looked_up {
            Ok(found) => found.map(Arc::new),
            Err(error) => {
                // What was claimed to be fresh is not.
                self.forget(number);
                return Err(error);
            }
        };
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.inner.forgotten.load(Ordering::Acquire) != before {
            return Ok(found);
        }
        match &found {
            None => {
                known.remove(&number);
            }
            Some(found) => {
                if known.len() >= KEPT && !known.contains_key(&number) {
                    make_room(&mut known);
                }
                known.insert(number, Arc::clone(found));
            }
        }
        Ok(found)
    }
}

/// Whether there are links with this position: recipients', those to try out (0), and the QR code's.
const fn is_issued(position: u32, planned: u32) -> bool {
    position <= planned || position == POSTER
}

/// Records that a recipient ticked the box. A test link and a QR code have no recipient, so there is nobody to record
/// it for.
fn record_tick(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    target: CodeTarget,
    wording: &str,
) -> Result<(), OutreachError> {
    let Some(recipient) = tx.coded_recipient(workspace_id, target)? else { return Ok(()) };
    let Some(phone) = recipient.phone else { return Ok(()) };
    tx.lock_consents(workspace_id)?;
    if is_said(tx, workspace_id, phone.as_str(), wording)? {
        return Ok(());
    }
    let event = NewConsentEvent {
        medium: Medium::WhatsApp,
        address: phone.to_string(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Grant,
        method: ConsentMethod::WebForm,
        wording: Some(wording.to_owned()),
        proof: Some(format!(
            "box ticked on the page of campaign {}, recipient {}",
            recipient.campaign_id, target.position
        )),
        actor: Actor::System.reference(),
        occurred_at: ctx.now(),
    };
    match tx.record_consent(workspace_id, &event, ctx) {
        // Whoever has the link can tick the box, so it is no act of the person that could undo a no: nothing is recorded,
        // and what the customer writes in the chat counts.
        Ok(_) | Err(ConsentError::OptedOut) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the number's consent stands without an end by these very words, so that saying them again is no news.
fn is_said(tx: &mut Tx<'_>, workspace_id: WorkspaceId, address: &str, wording: &str) -> Result<bool, OutreachError> {
    let known = tx.consent_state(workspace_id, Medium::WhatsApp, address, Purpose::Marketing)?;
    if known.state != ConsentState::Granted || known.expires_at.is_some() {
        return Ok(false);
    }
    let entries = tx.consent_events(workspace_id, address, None, LOOKED_AT)?;
    let last = entries.iter().find(|entry| {
        (entry.medium, entry.purpose, &entry.scope) == (Medium::WhatsApp, Purpose::Marketing, &Scope::All)
    });
    Ok(last.is_some_and(|entry| entry.action.is_yes() && entry.wording.as_deref() == Some(wording.trim())))
}

/// Forgets the half that was looked up longest ago.
fn make_room(known: &mut HashMap<u32, Arc<Known>>) {
    let mut ages: Vec<i64> = known.values().map(|known| known.loaded_at.load(Ordering::Acquire)).collect();
    ages.sort_unstable();
    let middle = ages[ages.len() / 2];
    known.retain(|_, known| known.loaded_at.load(Ordering::Acquire) > middle);
}

fn load(tx: &mut Tx<'_>, links: &Links, number: u32, now: Timestamp) -> Result<Option<Known>, OutreachError> {
    let Some(campaign) = tx.linked_campaign(number)? else { return Ok(None) };
    let (workspace_id, campaign_id) = (campaign.workspace_id, campaign.id);
    let stored = tx.link_settings(workspace_id, campaign_id)?;
    let rows = tx.campaign_links(workspace_id, campaign_id)?;
    let chat = match campaign.whatsapp_channel_id {
        Some(id) => tx.channel(workspace_id, id)?,
        None => None,
    };
    let mut known = HashMap::new();
    if let Some(ChannelConfig::WhatsApp(chat)) = chat.map(|channel| channel.config) {
        let form = links.chat_form(&chat.display_phone_number, &campaign.prefilled_text);
        known.insert(CHAT_LINK, KnownLink { target: Target::Chat(form), expires_at: None, is_stopped: false });
    }
    for row in rows.into_iter().filter(|row| row.link < LINKS) {
        let (expires_at, is_stopped) = (row.expires_at, row.stopped_at.is_some());
        match row.target {
            Some(address) => {
                known.insert(row.link, KnownLink { target: Target::Address(address), expires_at, is_stopped });
            }
            None => {
                if let Some(link) = known.get_mut(&row.link) {
                    (link.expires_at, link.is_stopped) = (expires_at, is_stopped);
                }
            }
        }
    }
    let brand = match stored.settings.landing {
        Landing::None => String::new(),
        _ => tx.workspace(workspace_id)?.map(|workspace| workspace.settings.brand.clone()).unwrap_or_default(),
    };
    Ok(Some(Known {
        workspace_id,
        campaign_id,
        planned: campaign.planned,
        expires_at: stored.settings.expires_at.or_else(|| campaign.ended_at.map(|ended| ended.plus(LINK_LIFE))),
        is_stopped: stored.stopped_at.is_some(),
        links: known,
        settings: stored.settings,
        brand,
        loaded_at: AtomicI64::new(now.0),
    }))
}
