//! A no of a person, as far as the workspace's setting lets it reach.
//!
//! SMS keywords, free text and chats all come here, so a STOP means the same wherever it is said. The entries of the
//! ledger, the end of subscriptions, of questions that wait for an answer and of what waits to be sent are one transaction
//! with the message that said it.
//!
//! A sender is its number or name on every account that has it: a no to one of them ends subscriptions and opt-ins of
//! programmes on the others, and the questions that the others have asked.

use std::collections::BTreeSet;

use segue_model::{
    Ctx, SenderId, Timestamp, WorkspaceId,
    consent::{ConsentAction, ConsentMethod, Medium, OptOutScope, Purpose, Scope},
    programme::{Covers, EndReason},
};

use crate::{
    Tx,
    consent::{ConsentError, ConsentExtent, NewConsentEvent},
};

/// A no and where it came from.
#[derive(Debug, Clone)]
pub struct OptOut {
    pub said_on: Medium,
    /// Every number of the person in every writing, E.164.
    pub phones: Vec<String>,
    /// The business-scoped ids of a WhatsApp customer who hides the number.
    pub hidden: BTreeSet<String>,
    /// The SMS sender it was said to, when it is one of ours.
    pub sender: Option<SenderId>,
    pub method: ConsentMethod,
    pub wording: Option<String>,
    pub proof: Option<String>,
    pub actor: String,
    pub occurred_at: Timestamp,
}

impl Tx<'_> {
    /// Records a no. A scope that finds nothing to end (no sender of ours, no programme) falls back to a wider one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn opt_out(
        &mut self,
        workspace_id: WorkspaceId,
        scope: OptOutScope,
        no: &OptOut,
        ctx: &Ctx,
    ) -> Result<(), ConsentError> {
        if let (Medium::Sms, Some(sender)) = (no.said_on, no.sender) {
            for phone in &no.phones {
                self.end_dialogues_on_accounts(workspace_id, sender, phone)?;
            }
        }
        match (scope, no.said_on, no.sender) {
            (OptOutScope::Programme, Medium::Sms, Some(sender)) => {
                if self.leave_programmes(workspace_id, no, Some(sender), ctx)? == 0 {
                    self.opt_out_of(workspace_id, OptOutScope::All, no, ctx)?;
                }
                Ok(())
            }
            (OptOutScope::Sender, Medium::Sms, Some(sender)) => {
                self.leave_programmes(workspace_id, no, Some(sender), ctx)?;
                for phone in &no.phones {
                    self.record_no(workspace_id, no, Medium::Sms, phone, Scope::Sender(sender), ctx)?;
                    self.cancel_waiting_from(workspace_id, phone, sender)?;
                }
                Ok(())
            }
            (OptOutScope::Sender | OptOutScope::Programme, Medium::Sms, None) => {
                self.opt_out_of(workspace_id, OptOutScope::All, no, ctx)
            }
            (scope, ..) => self.opt_out_of(workspace_id, scope, no, ctx),
        }
    }

    /// All marketing on the media that the scope has.
    fn opt_out_of(
        &mut self,
        workspace_id: WorkspaceId,
        scope: OptOutScope,
        no: &OptOut,
        ctx: &Ctx,
    ) -> Result<(), ConsentError> {
        let media = scope.media(no.said_on);
        if media.contains(&Medium::Sms) {
            self.leave_programmes(workspace_id, no, None, ctx)?;
        }
        for medium in media {
            for phone in &no.phones {
                self.record_no(workspace_id, no, *medium, phone, Scope::All, ctx)?;
            }
        }
        for hidden in no.hidden.iter().filter(|_| media.contains(&Medium::WhatsApp)) {
            self.record_no(workspace_id, no, Medium::WhatsApp, hidden, Scope::All, ctx)?;
        }
        Ok(())
    }

    /// Ends the person's subscriptions, those of one sender on all of its accounts, or all. Gives how many.
    fn leave_programmes(
        &mut self,
        workspace_id: WorkspaceId,
        no: &OptOut,
        sender: Option<SenderId>,
        ctx: &Ctx,
    ) -> Result<usize, ConsentError> {
        let mut left = 0;
        for phone in &no.phones {
            for (subscription, covers) in self.open_subscriptions(workspace_id, phone, sender)? {
                self.end_subscription(workspace_id, subscription.id, EndReason::Stopped, ctx.now())?;
                let scope = Scope::Programme(subscription.programme_id);
                self.record_no(workspace_id, no, Medium::Sms, phone, scope, ctx)?;
                // The consent that the programme gave goes with it.
                if covers == Covers::AllMarketing && sender.is_some() {
                    self.record_no(workspace_id, no, Medium::Sms, phone, Scope::All, ctx)?;
                }
                left += 1;
            }
        }
        Ok(left)
    }

    fn record_no(
        &mut self,
        workspace_id: WorkspaceId,
        no: &OptOut,
        medium: Medium,
        address: &str,
        scope: Scope,
        ctx: &Ctx,
    ) -> Result<(), ConsentError> {
        let event = NewConsentEvent {
            medium,
            address: address.to_owned(),
            purpose: Purpose::Marketing,
            action: ConsentAction::Revoke,
            method: no.method,
            wording: no.wording.clone(),
            proof: no.proof.clone(),
            actor: no.actor.clone(),
            occurred_at: no.occurred_at,
        };
        self.record_consent_within(workspace_id, &event, &ConsentExtent::of(scope), ctx).map(|_| ())
    }
}
