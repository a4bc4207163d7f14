//! Campaigns: their states and what may follow what.

crate::text_enum! {
    /// State of a campaign.
    pub enum CampaignState {
        /// Being written; the only state in which it can be edited or deleted.
        Draft = "draft",
        /// Recipients are being written, one decision each.
        Planning = "planning",
        /// Messages leave.
        Running = "running",
        /// Nothing leaves; can go on.
        Paused = "paused",
        /// Ended by a person; what had not left never will.
        Canceled = "canceled",
        /// Every recipient has an end.
        Finished = "finished",
    }
}

crate::text_enum! {
    /// How the text points to the WhatsApp chat.
    pub enum Footer {
        /// A per-recipient short link on the product's own host.
        Tracked = "tracked",
        /// The transparent `wa.me/<number>` form.
        WaMe = "wa_me",
        /// No link.
        None = "none",
    }
}

crate::text_enum! {
    /// What a person can ask of a campaign.
    pub enum CampaignAction {
        Start = "start",
        Pause = "pause",
        Resume = "resume",
        Cancel = "cancel",
    }
}

/// The campaign is not in a state that allows the action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("A campaign that is {state} cannot be asked to {action}. {advice}")]
pub struct InvalidCampaignAction {
    /// State the campaign is in.
    pub state: CampaignState,
    /// What was asked.
    pub action: CampaignAction,
    /// What can be done instead.
    pub advice: &'static str,
}

impl CampaignState {
    /// The state after a person's action.
    ///
    /// A paused planning run resumes as `planning`: whoever plans goes on where the last recipient was written, and
    /// planning ends at once when all are.
    ///
    /// # Errors
    /// When the action makes no sense in this state, with words for the screen.
    pub fn after(self, action: CampaignAction) -> Result<Self, InvalidCampaignAction> {
        use CampaignAction::{Cancel, Pause, Resume, Start};
        use CampaignState::{Canceled, Draft, Finished, Paused, Planning, Running};
        let refuse = |advice| Err(InvalidCampaignAction { state: self, action, advice });
        match (self, action) {
            (Draft, Start) | (Paused, Resume) => Ok(Planning),
            (Planning | Running, Pause) => Ok(Paused),
            (Planning | Running | Paused, Cancel) => Ok(Canceled),
            (Planning | Running, Start) => refuse("It has been started already; watch its progress on its page."),
            (Paused, Start) => refuse("Resume it instead."),
            (Planning | Running, Resume) => refuse("It is not paused."),
            (Paused, Pause) => refuse("It is paused already."),
            (Draft, Pause | Resume | Cancel) => refuse("Start it first, or delete the draft."),
            (Canceled | Finished, _) => refuse("It has ended; make a new campaign for another send."),
        }
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Canceled | Self::Finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_is_refused_in_every_state_but_draft() {
        for state in CampaignState::ALL {
            assert_eq!(state.after(CampaignAction::Start).is_ok(), *state == CampaignState::Draft, "{state}");
        }
    }

    #[test]
    fn ended_campaigns_refuse_everything() {
        for state in CampaignState::ALL.iter().filter(|state| state.is_ended()) {
            for action in CampaignAction::ALL {
                assert!(state.after(*action).is_err());
            }
        }
    }

    #[test]
    fn pause_and_resume_lead_back_to_sending() {
        let paused = CampaignState::Running.after(CampaignAction::Pause).unwrap();
        assert_eq!(paused.after(CampaignAction::Resume), Ok(CampaignState::Planning));
    }
}
