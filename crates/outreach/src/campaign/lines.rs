//! One line under two writings of its number (Brazil, Mexico, Argentina) gets a campaign once, as one number does.

use std::collections::HashSet;

use segue_model::{CampaignId, PhoneNumber, WorkspaceId};
use segue_store::{StoreError, Tx};

/// The lines that have a message already, of those whose number can be written in several ways. All others are told apart
/// by their number.
#[derive(Default, Clone)]
pub(super) struct Lines(HashSet<u64>);

impl Lines {
    /// Notes that a number gets a message. `false` when its line has one, under this or another writing.
    pub fn add(&mut self, address: &str) -> bool {
        several(address).is_none_or(|phone| phone.line_key().parse().is_ok_and(|line| self.0.insert(line)))
    }

    /// Whether the line of a number has a message.
    pub fn has(&self, address: &str) -> bool {
        several(address).is_some_and(|phone| phone.line_key().parse().is_ok_and(|line| self.0.contains(&line)))
    }

    /// [`Lines::has`] that also knows what was planned before.
    pub fn has_in(
        &self,
        tx: &mut Tx<'_>,
        (workspace_id, campaign_id): (WorkspaceId, CampaignId),
        address: &str,
    ) -> Result<bool, StoreError> {
        let mut has = self.has(address) || tx.has_message_of_campaign(workspace_id, campaign_id, address)?;
        for writing in several(address).iter().flat_map(PhoneNumber::writings) {
            has = has || tx.has_message_of_campaign(workspace_id, campaign_id, writing.as_str())?;
        }
        Ok(has)
    }

    /// [`Lines::add`] that also knows what was planned before.
    pub fn add_to(
        &mut self,
        tx: &mut Tx<'_>,
        (workspace_id, campaign_id): (WorkspaceId, CampaignId),
        address: &str,
    ) -> Result<bool, StoreError> {
        if !self.add(address) {
            return Ok(false);
        }
        for writing in several(address).iter().flat_map(PhoneNumber::writings) {
            if writing.as_str() != address && tx.has_message_of_campaign(workspace_id, campaign_id, writing.as_str())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The number, when it is written in several ways.
pub(super) fn several(address: &str) -> Option<PhoneNumber> {
    if !PhoneNumber::may_have_writings(address) {
        return None;
    }
    PhoneNumber::parse(address, None).ok().filter(|phone| phone.writings().len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once_and_a_number_with_one_writing_is_no_matter_here() {
        let mut lines = Lines::default();
        assert!(!lines.has("+5511999990000"));
        assert!(lines.add("+5511999990000"));
        assert!(lines.has("+551199990000"));
        assert!(!lines.add("+551199990000"), "without the ninth digit");
        assert!(lines.add("+551199990001"));
        assert!(lines.add("+15550100001") && lines.add("+15550100001"));
        assert!(lines.add("US.1234"), "no number at all");
    }
}
