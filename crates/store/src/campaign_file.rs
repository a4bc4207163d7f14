//! The files that campaigns send above their template, so that none of them is removed while a campaign needs it.
//!
//! A file is noted in the transaction that makes it needed: that of the draft, of the start, of the chunk that is
//! planned. A crash before its commit leaves neither the note nor what needs it. Notes are not taken back; a campaign
//! that has ended needs its files no more ([`crate::media_use`]).

use segue_model::{CampaignId, MediaId, WorkspaceId};

use crate::{StoreError, Tx, media::FilePresence};

crate::sql! {
    NOTE_CAMPAIGN_FILE = "INSERT INTO campaign_files (workspace_id, media_id, campaign_id) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
}

impl Tx<'_> {
    /// Notes that a campaign needs a file. `false` when the file is not here (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_campaign_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        media_id: MediaId,
    ) -> Result<bool, StoreError> {
        let media = self.media_to_use(workspace_id, media_id)?;
        if media.is_none_or(|media| media.presence != FilePresence::Stored) {
            return Ok(false);
        }
        self.execute(&NOTE_CAMPAIGN_FILE, &[&workspace_id, &media_id, &id])?;
        Ok(true)
    }
}
