//! What a campaign's texts are made of beside what was written: the opt-out line and the snippets.
//!
//! A draft follows the workspace. With the step by which it leaves the draft, whichever that is, the line and the newest
//! versions of its snippets are written down in the same transaction, and from then on it is made of these: what was
//! looked at and approved is what is sent. Back in the draft it follows the workspace again. A run of a recurring campaign
//! is made of what the campaign was started with.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, PhoneNumber, SnippetId, WorkspaceId,
    opt_out_line::{OptOutLine, OptOutNotice},
    text_lint::SenderReach,
};
use segue_store::{
    StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    channel::{Sender, SenderKind},
    workspace::Workspace,
};

use crate::{OutreachError, snippets, text::CampaignText};

/// The opt-out line and the snippets of a campaign.
pub(super) struct Parts {
    pub opt_out_line: OptOutLine,
    /// Texts by name.
    pub snippets: BTreeMap<String, String>,
}

impl Parts {
    /// Those that a campaign was started with, else those of the workspace.
    pub fn of(
        tx: &mut Tx<'_>,
        workspace: &Workspace,
        id: Option<CampaignId>,
        input: &CampaignInput,
    ) -> Result<Self, StoreError> {
        let pinned = match id {
            Some(id) => tx.pinned_opt_out_line(workspace.id, id)?.map(|line| (id, line)),
            None => None,
        };
        let includes = texts_of(input).any(|text| text.contains("include"));
        if let Some((id, opt_out_line)) = pinned {
            let snippets = if includes { tx.pinned_snippets(workspace.id, id)? } else { BTreeMap::new() };
            return Ok(Self { opt_out_line, snippets });
        }
        let snippets = if includes { snippets::texts(tx, workspace.id)? } else { BTreeMap::new() };
        Ok(Self { opt_out_line: workspace.settings.campaigns.opt_out_line.clone(), snippets })
    }
}

/// Everything of a campaign that may include snippets or look something up.
pub(crate) fn texts_of(input: &CampaignInput) -> impl Iterator<Item = &str> {
    let variants = input.variants.iter().flat_map(|variant| {
        [variant.body.as_str()].into_iter().chain(variant.texts.iter().map(|text| text.body.as_str()))
    });
    [input.body.as_str()].into_iter().chain(input.texts.iter().map(|text| text.body.as_str())).chain(variants)
}

/// The snippets of a campaign with their newest versions.
///
/// # Errors
/// When one is missing.
pub(super) fn newest(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    input: &CampaignInput,
) -> Result<Vec<(SnippetId, i64)>, OutreachError> {
    if !texts_of(input).any(|text| text.contains("include")) {
        return Ok(Vec::new());
    }
    let known = tx.snippets(workspace_id)?;
    let texts = known.iter().map(|snippet| (snippet.name.clone(), snippet.body.clone())).collect();
    let used = snippets::included(texts_of(input), &texts)?;
    Ok(known.iter().filter(|snippet| used.contains(&snippet.name.as_str())).map(|s| (s.id, s.version)).collect())
}

/// Writes down what the campaign is made of, unless that is written down already.
///
/// # Errors
/// When a snippet is missing.
pub(super) fn pin(tx: &mut Tx<'_>, workspace: &Workspace, campaign: &CampaignView) -> Result<(), OutreachError> {
    tx.lock_snippets(workspace.id)?;
    if tx.pinned_opt_out_line(workspace.id, campaign.id)?.is_some() {
        return Ok(());
    }
    let snippets = newest(tx, workspace.id, &campaign.input)?;
    Ok(tx.pin_texts(workspace.id, campaign.id, &workspace.settings.campaigns.opt_out_line, &snippets)?)
}

/// Whether people can answer the sender, so that a STOP reaches it.
pub(super) fn reach(sender: &Sender) -> SenderReach {
    if sender.kind == SenderKind::Alphanumeric { SenderReach::OneWay } else { SenderReach::TwoWay }
}

/// Whether a person has been told how to stop, as far as the text asks for it, or cannot be by this sender.
///
/// # Errors
/// When the store fails.
pub(super) fn notice(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    text: &CampaignText,
    (sender, phone): (&Sender, &PhoneNumber),
) -> Result<OptOutNotice, StoreError> {
    if reach(sender) == SenderReach::OneWay {
        return Ok(OptOutNotice::Unanswerable);
    }
    let given = text.asks_for_notice() && tx.has_opt_out_notice(workspace_id, phone.as_str())?;
    Ok(if given { OptOutNotice::Given } else { OptOutNotice::Due })
}

/// Whether a message tells a person how to stop, as far as the text asks for it to be noted.
pub(super) fn tells_how_to_stop(text: &CampaignText, notice: OptOutNotice) -> bool {
    text.asks_for_notice() && notice == OptOutNotice::Due
}
