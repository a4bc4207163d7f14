//! Links and clicks: where a link leads, and every request for it.

use segue_model::{
    CampaignId, ChannelId, ClickId, ContactId, Timestamp, WorkspaceId, campaign::CampaignState, code::CodeTarget,
};

use crate::{StoreError, Tx};

segue_model::text_enum! {
    /// Who asked for a link, as far as the request tells.
    pub enum Verdict {
        /// Nothing speaks against a person.
        Person = "person",
        /// A crawler, scanner or script.
        Robot = "robot",
        /// A messenger or mail program that shows a preview, or a browser that loads ahead.
        Preview = "preview",
        /// A HEAD request: somebody looks whether the link works.
        Head = "head",
    }
}

/// A request for a link.
#[derive(Debug, Clone)]
pub struct NewClick {
    pub id: ClickId,
    pub campaign_id: CampaignId,
    pub position: u32,
    pub verdict: Verdict,
    pub user_agent: Option<String>,
}

/// Where a code leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub workspace_id: WorkspaceId,
    pub campaign_id: CampaignId,
    pub campaign_state: CampaignState,
    pub campaign_ended_at: Option<Timestamp>,
    pub whatsapp_channel_id: Option<ChannelId>,
    pub prefilled_text: String,
    /// `None` when no recipient has this position.
    pub contact_id: Option<ContactId>,
}

crate::sql! {
    /// Without a workspace: the code, which nobody can make up, is what binds the request to one.
    LINK = "SELECT c.workspace_id, c.id, c.state, c.ended_at, c.whatsapp_channel_id, c.prefilled_text, r.contact_id
        FROM campaigns c
        LEFT JOIN recipients r ON r.workspace_id = c.workspace_id AND r.campaign_id = c.id AND r.position = $2
        WHERE c.number = $1";
    INSERT_CLICK = "INSERT INTO clicks (workspace_id, id, campaign_id, position, verdict, user_agent, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

impl Tx<'_> {
    /// Where a decoded link leads.
    ///
    /// # Errors
    /// When the store fails.
    pub fn link(&mut self, target: CodeTarget) -> Result<Option<Link>, StoreError> {
        self.query_opt(&LINK, &[&target.campaign_number, &target.position], |row| {
            Ok(Link {
                workspace_id: row.next()?,
                campaign_id: row.next()?,
                campaign_state: row.word()?,
                campaign_ended_at: row.next()?,
                whatsapp_channel_id: row.next()?,
                prefilled_text: row.next()?,
                contact_id: row.next()?,
            })
        })
    }

    /// Stores a request for a link.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_click(
        &mut self,
        workspace_id: WorkspaceId,
        click: &NewClick,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            &INSERT_CLICK,
            &[
                &workspace_id,
                &click.id,
                &click.campaign_id,
                &click.position,
                &click.verdict.as_str(),
                &click.user_agent,
                &now,
            ],
        )
        .map(|_| ())
    }
}
