//! Links: where they lead, what is set about them, and the host names they stand on.
//!
//! A link is redirected to nothing but what stands here: the chat, made of the channel's own number, or an address that
//! was in the campaign's text. Each can be stopped at any time, alone or with all of its campaign.

use segue_model::{
    CampaignId, ChannelId, LinkDomainId, Timestamp, WorkspaceId, campaign::CampaignState, code::CHAT_LINK,
};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx};

segue_model::text_enum! {
    /// Whether a page stands between a link and the chat.
    pub enum Landing {
        /// The link leads straight into the chat.
        None = "none",
        /// On a computer a page shows a QR code for the phone.
        Desktop = "desktop",
        /// Everybody sees the page first.
        Always = "always",
    }
}

segue_model::text_enum! {
    /// What becomes of addresses in a campaign's text.
    pub enum Shorten {
        /// Each becomes a short link per recipient.
        Every = "every",
        /// They go out as they are written.
        None = "none",
    }
}

/// What a marketer sets about a campaign's links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkSettings {
    /// The host name the links stand on; the workspace's default one when none is chosen.
    #[serde(default)]
    pub domain_id: Option<LinkDomainId>,
    /// Whether the links stay on the installation's own host name where none is chosen: they stood there when the
    /// workspace got another default.
    #[serde(skip)]
    pub on_base: bool,
    /// What becomes of addresses in the text.
    pub shorten: Shorten,
    /// From then on the links lead nowhere. Without it they work until 90 days after the campaign's end.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Whether a page stands before the chat.
    pub landing: Landing,
    /// What the page says below the button: who the company is, and what it does with data.
    #[serde(default)]
    pub legal_text: String,
    /// What a customer agrees to by ticking the box on the page, word for word; empty for no box.
    #[serde(default)]
    pub consent_wording: String,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            domain_id: None,
            on_base: false,
            shorten: Shorten::Every,
            expires_at: None,
            landing: Landing::None,
            legal_text: String::new(),
            consent_wording: String::new(),
        }
    }
}

/// The settings and the kill switch of a campaign's links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredLinkSettings {
    pub settings: LinkSettings,
    pub stopped_at: Option<Timestamp>,
}

/// One link of a campaign's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignLink {
    /// [`CHAT_LINK`], or the number of an address in the text.
    pub link: u8,
    /// `None` for the chat.
    pub target: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
}

/// What a redirect needs to know of the campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedCampaign {
    pub workspace_id: WorkspaceId,
    pub id: CampaignId,
    pub state: CampaignState,
    pub ended_at: Option<Timestamp>,
    pub whatsapp_channel_id: Option<ChannelId>,
    pub prefilled_text: String,
    /// Positions up to this one belong to a recipient.
    pub planned: u32,
}

/// A host name of the workspace's own for short links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LinkDomain)]
pub struct LinkDomainView {
    pub id: LinkDomainId,
    /// In lower case, without a port.
    pub host: String,
    /// When a request that only the workspace's owner could know of came in under this name.
    pub verified_at: Option<Timestamp>,
    /// Whether links stand on it when their campaign chooses no other.
    pub is_default: bool,
    /// Last part of the address that verifies the name when it is opened.
    pub check_token: String,
    pub created_at: Timestamp,
}

crate::sql! {
    /// Without a workspace: the code, which nobody can make up, is what binds the request to one.
    LINKED_CAMPAIGN = "SELECT workspace_id, id, state, ended_at, whatsapp_channel_id, prefilled_text, planned
        FROM campaigns WHERE number = $1";
    LINK_SETTINGS = "SELECT domain_id, on_base, shorten, expires_at, landing, legal_text, consent_wording, stopped_at
        FROM link_settings WHERE workspace_id = $1 AND campaign_id = $2";
    PUT_LINK_SETTINGS = "INSERT INTO link_settings (workspace_id, campaign_id, domain_id, shorten, expires_at, landing,
            legal_text, consent_wording, on_base)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, campaign_id) DO UPDATE SET domain_id = excluded.domain_id,
            on_base = excluded.on_base, shorten = excluded.shorten, expires_at = excluded.expires_at, landing = excluded.landing,
            legal_text = excluded.legal_text, consent_wording = excluded.consent_wording";
    STOP_LINKS = "UPDATE link_settings SET stopped_at = $3 WHERE workspace_id = $1 AND campaign_id = $2";
    STOP_LINKS_OF_RUNS = "INSERT INTO link_settings (workspace_id, campaign_id, shorten, landing, legal_text,
            consent_wording, stopped_at)
        SELECT workspace_id, id, CAST($4 AS TEXT), CAST($5 AS TEXT), '', '', CAST($3 AS BIGINT) FROM campaigns
        WHERE workspace_id = $1 AND series_id = $2
        ON CONFLICT (workspace_id, campaign_id) DO UPDATE SET stopped_at = excluded.stopped_at";
    STOP_CHAT_LINK_OF_RUNS = "INSERT INTO campaign_links (workspace_id, campaign_id, link, stopped_at)
        SELECT workspace_id, id, CAST($4 AS BIGINT), CAST($3 AS BIGINT) FROM campaigns
        WHERE workspace_id = $1 AND series_id = $2
        ON CONFLICT (workspace_id, campaign_id, link) DO UPDATE SET stopped_at = excluded.stopped_at";
    STOP_LINK_OF_RUNS = "UPDATE campaign_links SET stopped_at = $3 WHERE workspace_id = $1 AND target = $4
        AND campaign_id IN (SELECT id FROM campaigns WHERE workspace_id = $1 AND series_id = $2)";
    CAMPAIGN_LINKS = "SELECT link, target, expires_at, stopped_at FROM campaign_links
        WHERE workspace_id = $1 AND campaign_id = $2 ORDER BY link";
    PUT_CAMPAIGN_LINK = "INSERT INTO campaign_links (workspace_id, campaign_id, link, target, expires_at, stopped_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, campaign_id, link) DO UPDATE SET target = excluded.target,
            expires_at = excluded.expires_at, stopped_at = excluded.stopped_at";
    DROP_LINKS_FROM = "DELETE FROM campaign_links WHERE workspace_id = $1 AND campaign_id = $2 AND link >= $3";
    COPY_LINK_SETTINGS = "INSERT INTO link_settings (workspace_id, campaign_id, domain_id, shorten, expires_at, landing,
            legal_text, consent_wording, stopped_at, on_base)
        SELECT workspace_id, $3, domain_id, shorten, expires_at, landing, legal_text, consent_wording, stopped_at, on_base
        FROM link_settings WHERE workspace_id = $1 AND campaign_id = $2";
    COPY_CAMPAIGN_LINKS = "INSERT INTO campaign_links (workspace_id, campaign_id, link, target, expires_at, stopped_at)
        SELECT workspace_id, $3, link, target, expires_at, stopped_at
        FROM campaign_links WHERE workspace_id = $1 AND campaign_id = $2";
    DROP_PAST_END = "UPDATE link_settings SET expires_at = NULL
        WHERE workspace_id = $1 AND campaign_id = $2 AND expires_at <= $3";
    DROP_PAST_ENDS_OF_LINKS = "UPDATE campaign_links SET expires_at = NULL
        WHERE workspace_id = $1 AND campaign_id = $2 AND expires_at <= $3";
    CHANGE_LINK = "UPDATE campaign_links SET expires_at = $4, stopped_at = $5
        WHERE workspace_id = $1 AND campaign_id = $2 AND link = $3";
    INSERT_DOMAIN = "INSERT INTO link_domains (workspace_id, id, host, check_token, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (host) DO NOTHING";
    DOMAINS = "SELECT id, host, verified_at, is_default, check_token, created_at FROM link_domains
        WHERE workspace_id = $1 ORDER BY host";
    SET_DEFAULT_DOMAIN = "UPDATE link_domains SET is_default = CASE WHEN id = $2 THEN 1 ELSE 0 END
        WHERE workspace_id = $1";
    /// Those whose links can still be followed, or are still to be written: that chose the name, or none where that comes
    /// to it.
    /// What of them keeps the name from being removed: their choice, and links that have left or will without another look.
    ON_DOMAIN = "SELECT c.id, c.name, CASE WHEN s.domain_id IS NOT NULL OR (c.state <> 'draft' AND EXISTS
            (SELECT 1 FROM campaign_links l WHERE l.workspace_id = c.workspace_id AND l.campaign_id = c.id)) THEN 1 ELSE 0 END
        FROM campaigns c
        LEFT JOIN link_settings s ON s.workspace_id = c.workspace_id AND s.campaign_id = c.id
        WHERE c.workspace_id = $1 AND (c.ended_at IS NULL OR COALESCE(s.expires_at, c.ended_at + $4) >= $5)
            AND (s.domain_id = $2 OR ($3 = 1 AND s.domain_id IS NULL AND COALESCE(s.on_base, 0) = 0))
        ORDER BY c.id";
    FORGET_DOMAIN = "UPDATE link_settings SET domain_id = NULL WHERE workspace_id = $1 AND domain_id = $2";
    DELETE_DOMAIN = "DELETE FROM link_domains WHERE workspace_id = $1 AND id = $2";
    /// For the door of the server, across all workspaces.
    VERIFIED_HOSTS = "SELECT host FROM link_domains WHERE verified_at IS NOT NULL";
    /// Without a workspace: the token is what binds the request to one.
    VERIFY_DOMAIN = "UPDATE link_domains SET verified_at = COALESCE(verified_at, $3)
        WHERE check_token = $1 AND host = $2";
}

fn read_domain(row: &mut Row<'_>) -> Result<LinkDomainView, StoreError> {
    Ok(LinkDomainView {
        id: row.next()?,
        host: row.next()?,
        verified_at: row.next()?,
        is_default: row.next()?,
        check_token: row.next()?,
        created_at: row.next()?,
    })
}

impl Tx<'_> {
    /// The campaign with this number, as far as its links need it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn linked_campaign(&mut self, number: u32) -> Result<Option<LinkedCampaign>, StoreError> {
        self.query_opt(&LINKED_CAMPAIGN, &[&number], |row| {
            Ok(LinkedCampaign {
                workspace_id: row.next()?,
                id: row.next()?,
                state: row.word()?,
                ended_at: row.next()?,
                whatsapp_channel_id: row.next()?,
                prefilled_text: row.next()?,
                planned: row.next()?,
            })
        })
    }

    /// What is set about a campaign's links; the defaults when nothing is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn link_settings(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<StoredLinkSettings, StoreError> {
        let stored = self.query_opt(&LINK_SETTINGS, &[&workspace_id, &campaign_id], |row| {
            let settings = LinkSettings {
                domain_id: row.next()?,
                on_base: row.next()?,
                shorten: row.word()?,
                expires_at: row.next()?,
                landing: row.word()?,
                legal_text: row.next()?,
                consent_wording: row.next()?,
            };
            Ok(StoredLinkSettings { settings, stopped_at: row.next()? })
        })?;
        Ok(stored.unwrap_or_default())
    }

    /// Sets everything about a campaign's links but the kill switch.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_link_settings(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        settings: &LinkSettings,
    ) -> Result<(), StoreError> {
        self.execute(
            &PUT_LINK_SETTINGS,
            &[
                &workspace_id,
                &campaign_id,
                &settings.domain_id,
                &settings.shorten.as_str(),
                &settings.expires_at,
                &settings.landing.as_str(),
                &settings.legal_text,
                &settings.consent_wording,
                &settings.on_base,
            ],
        )
        .map(|_| ())
    }

    /// Turns all links of a campaign off, or on again with `None`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stop_links(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        stopped_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let stored = self.link_settings(workspace_id, campaign_id)?;
        self.put_link_settings(workspace_id, campaign_id, &stored.settings)?;
        self.execute(&STOP_LINKS, &[&workspace_id, &campaign_id, &stopped_at]).map(|_| ())
    }

    /// The links of a campaign that something is stored about, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_links(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<CampaignLink>, StoreError> {
        self.query(&CAMPAIGN_LINKS, &[&workspace_id, &campaign_id], |row| {
            Ok(CampaignLink {
                link: row.next()?,
                target: row.next()?,
                expires_at: row.next()?,
                stopped_at: row.next()?,
            })
        })
    }

    /// Turns all links of the runs of a recurring campaign off, or on again with `None`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stop_links_of_runs(
        &mut self,
        workspace_id: WorkspaceId,
        series_id: CampaignId,
        stopped_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let nothing_set = LinkSettings::default();
        let (shorten, landing) = (nothing_set.shorten.as_str(), nothing_set.landing.as_str());
        self.execute(&STOP_LINKS_OF_RUNS, &[&workspace_id, &series_id, &stopped_at, &shorten, &landing]).map(|_| ())
    }

    /// Turns the link to this address, or without one that into the chat, off in the runs of a recurring campaign, or on
    /// again with `None`. It may have another number in each of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stop_link_of_runs(
        &mut self,
        workspace_id: WorkspaceId,
        series_id: CampaignId,
        target: Option<&str>,
        stopped_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        match target {
            Some(target) => self.execute(&STOP_LINK_OF_RUNS, &[&workspace_id, &series_id, &stopped_at, &target]),
            None => self.execute(&STOP_CHAT_LINK_OF_RUNS, &[&workspace_id, &series_id, &stopped_at, &CHAT_LINK]),
        }
        .map(|_| ())
    }

    /// Stores where the links of a campaign's text lead: `targets[0]` is that of link 1. Others there were are removed. An
    /// address that has another number now keeps its end and its switch, and one that is new has none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_campaign_links(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        targets: &[String],
    ) -> Result<(), StoreError> {
        let mut known = self.campaign_links(workspace_id, campaign_id)?;
        known.retain(|row| row.link != CHAT_LINK);
        if known.iter().map(|row| row.target.as_deref()).eq(targets.iter().map(|target| Some(target.as_str()))) {
            return Ok(());
        }
        let mut next = CHAT_LINK + 1;
        for target in targets {
            let before = known.iter().find(|row| row.target.as_ref() == Some(target));
            let (expires_at, stopped_at) = before.map_or((None, None), |row| (row.expires_at, row.stopped_at));
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &campaign_id, &next, target, &expires_at, &stopped_at];
            self.execute(&PUT_CAMPAIGN_LINK, keys)?;
            next += 1;
        }
        self.execute(&DROP_LINKS_FROM, &[&workspace_id, &campaign_id, &next]).map(|_| ())
    }

    /// Gives a campaign that has no links yet those of another one, with everything that is set about them: a link that
    /// was turned off stays off.
    ///
    /// # Errors
    /// When the store fails.
    pub fn copy_links(
        &mut self,
        workspace_id: WorkspaceId,
        from: CampaignId,
        to: CampaignId,
    ) -> Result<(), StoreError> {
        self.execute(&COPY_LINK_SETTINGS, &[&workspace_id, &from, &to])?;
        self.execute(&COPY_CAMPAIGN_LINKS, &[&workspace_id, &from, &to]).map(|_| ())
    }

    /// Takes away when a campaign's links end where that time has passed: nobody is to be sent a link that has ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drop_past_ends(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for drop in [&DROP_PAST_END, &DROP_PAST_ENDS_OF_LINKS] {
            self.execute(drop, &[&workspace_id, &campaign_id, &now])?;
        }
        Ok(())
    }

    /// Sets when one link of a campaign ends and whether it is stopped. `false` when there is no such link; the chat's
    /// link always is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn change_link(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        link: u8,
        expires_at: Option<Timestamp>,
        stopped_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        if link == CHAT_LINK {
            let target: Option<String> = None;
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &campaign_id, &link, &target, &expires_at, &stopped_at];
            self.execute(&PUT_CAMPAIGN_LINK, keys)?;
        }
        Ok(self.execute(&CHANGE_LINK, &[&workspace_id, &campaign_id, &link, &expires_at, &stopped_at])? == 1)
    }

    /// Adds a host name. `false` when it is somebody's already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_link_domain(
        &mut self,
        workspace_id: WorkspaceId,
        id: LinkDomainId,
        host: &str,
        check_token: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&INSERT_DOMAIN, &[&workspace_id, &id, &host, &check_token, &now])? == 1)
    }

    /// The workspace's host names, in the order of the alphabet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn link_domains(&mut self, workspace_id: WorkspaceId) -> Result<Vec<LinkDomainView>, StoreError> {
        self.query(&DOMAINS, &[&workspace_id], read_domain)
    }

    /// The verified host names of all workspaces.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verified_link_hosts(&mut self) -> Result<Vec<String>, StoreError> {
        self.query(&VERIFIED_HOSTS, &[], |row| row.next())
    }

    /// Makes this host name the one that links stand on, or with `None` the installation's own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_default_link_domain(
        &mut self,
        workspace_id: WorkspaceId,
        id: Option<LinkDomainId>,
    ) -> Result<(), StoreError> {
        self.execute(&SET_DEFAULT_DOMAIN, &[&workspace_id, &id]).map(|_| ())
    }

    /// Ids and names of the campaigns that chose this host name and, with `unchosen`, of those that chose none and stand on
    /// the default, and whether that keeps it from being removed: a draft that chose none takes another one. Left out are those whose links have ended, `life` milliseconds after the campaign where no other end
    /// is set.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaigns_on_domain(
        &mut self,
        workspace_id: WorkspaceId,
        (id, unchosen): (Option<LinkDomainId>, bool),
        life: i64,
        now: Timestamp,
    ) -> Result<Vec<(CampaignId, String, bool)>, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &id, &unchosen, &life, &now];
        self.query(&ON_DOMAIN, keys, |row| Ok((row.next()?, row.next()?, row.next()?)))
    }

    /// Removes a host name, also from what is set about links. `false` when there is no such one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_link_domain(&mut self, workspace_id: WorkspaceId, id: LinkDomainId) -> Result<bool, StoreError> {
        self.execute(&FORGET_DOMAIN, &[&workspace_id, &id])?;
        Ok(self.execute(&DELETE_DOMAIN, &[&workspace_id, &id])? == 1)
    }

    /// Notes that a host name leads here, since somebody asked for its token under it. `false` when they do not match.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verify_link_domain(&mut self, token: &str, host: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(&VERIFY_DOMAIN, &[&token, &host, &now])? == 1)
    }
}
