//! Campaigns: their states and what may follow what.

crate::text_enum! {
    /// State of a campaign.
    pub enum CampaignState {
        /// Being written; the only state in which it can be edited or deleted.
        Draft = "draft",
        /// Submitted; a second person has to approve it.
        AwaitingApproval = "awaiting_approval",
        /// Starts by itself at its time; a recurring one starts each of its runs and stays here between them.
        Scheduled = "scheduled",
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
    #[derive(Default)]
    pub enum Footer {
        /// A per-recipient short link on the product's own host.
        Tracked = "tracked",
        /// The transparent `wa.me/<number>` form.
        WaMe = "wa_me",
        /// No link.
        #[default]
        None = "none",
    }
}

crate::text_enum! {
    /// What can be asked of a campaign: by a person, and the last two by time alone.
    pub enum CampaignAction {
        /// Ask a second person for approval.
        Submit = "submit",
        /// A second person agrees; it then starts at its time, or at once.
        Approve = "approve",
        /// A second person does not agree.
        Reject = "reject",
        /// Start now.
        Start = "start",
        /// Start at its time.
        Schedule = "schedule",
        /// Back to the draft before it has started.
        Withdraw = "withdraw",
        Pause = "pause",
        Resume = "resume",
        Cancel = "cancel",
        /// Its time has come.
        Launch = "launch",
        /// The last of its runs has begun.
        Complete = "complete",
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
        use CampaignAction::{
            Approve, Cancel, Complete, Launch, Pause, Reject, Resume, Schedule, Start, Submit, Withdraw,
        };
        use CampaignState::{AwaitingApproval, Canceled, Draft, Finished, Paused, Planning, Running, Scheduled};
        let refuse = |advice| Err(InvalidCampaignAction { state: self, action, advice });
        match (self, action) {
            (Draft, Submit) => Ok(AwaitingApproval),
            (AwaitingApproval, Approve) | (Draft | Paused, Schedule) => Ok(Scheduled),
            (AwaitingApproval, Reject | Withdraw) | (Scheduled, Withdraw) => Ok(Draft),
            (Draft, Start) | (Paused, Resume) | (Scheduled, Launch) => Ok(Planning),
            (Planning | Running | Scheduled, Pause) => Ok(Paused),
            (Planning | Running | Paused | Scheduled | AwaitingApproval, Cancel) => Ok(Canceled),
            (Scheduled, Complete) => Ok(Finished),
            (Draft, Approve | Reject) => refuse("Its author has to submit it first."),
            (Draft, _) => refuse("Start it first, or delete the draft."),
            (AwaitingApproval, Submit) => refuse("It has been submitted already."),
            (AwaitingApproval, _) => refuse("A second person has to approve it first."),
            (Scheduled, _) => refuse("It starts by itself at its time. Withdraw it to change it."),
            (Planning | Running, Start | Schedule | Submit | Approve | Reject | Launch) => {
                refuse("It has been started already; watch its progress on its page.")
            }
            (Planning | Running, Withdraw | Complete) => refuse("It has been started. Cancel it instead."),
            (Planning | Running, Resume) => refuse("It is not paused."),
            (Paused, Pause) => refuse("It is paused already."),
            (Paused, _) => refuse("Resume it instead."),
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
    fn nothing_is_sent_that_waits_for_approval_or_its_time() {
        use CampaignAction as Act;
        use CampaignState as State;
        let waiting = State::Draft.after(Act::Submit).unwrap();
        for action in [Act::Start, Act::Schedule, Act::Launch, Act::Resume, Act::Pause] {
            assert!(waiting.after(action).is_err(), "{action}");
        }
        let scheduled = waiting.after(Act::Approve).unwrap();
        assert_eq!((waiting.after(Act::Reject), scheduled.after(Act::Withdraw)), (Ok(State::Draft), Ok(State::Draft)));
        assert_eq!(scheduled.after(Act::Launch), Ok(State::Planning));
        // Only a draft can be changed, and it has lost its approval by then.
        assert!(State::Draft.after(Act::Approve).is_err() && State::Draft.after(Act::Launch).is_err());
        // What has begun to be sent never becomes a draft again.
        for state in [State::Planning, State::Running, State::Paused] {
            assert!(state.after(Act::Withdraw).is_err(), "{state}");
        }
    }

    #[test]
    fn pause_and_resume_lead_back_to_sending() {
        let paused = CampaignState::Running.after(CampaignAction::Pause).unwrap();
        assert_eq!(paused.after(CampaignAction::Resume), Ok(CampaignState::Planning));
    }
}
