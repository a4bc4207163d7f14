//! A no of a person, as far as the workspace's setting lets it reach.
//!
//! SMS keywords, free text and chats all come here, so a STOP means the same wherever it is said. The entries of the
//! ledger, the end of subscriptions, of questions that wait for an answer and of what waits to be sent are one transaction
//! with the message that said it.
//!
//! A sender is its number or name on every account that has it: a no to one of them ends subscriptions and opt-ins of
//! programmes on the others, and the questions that the others have asked.
//!
//! A no to one sender is a no to its pools as they are in that moment, and is recorded for each number or name of them: a
//! pool that loses a sender later does not begin to text whoever said no to it. What counts by the pool alone, because it was
//! said before that was so or before the sender came to the pool, is recorded when the pool loses a sender or is deleted
//! ([`Tx::keep_noes_of_pool`]).

use std::collections::{BTreeMap, BTreeSet};

use segue_model::{
    ContactId, Ctx, ProgrammeId, SenderId, SenderPoolId, Timestamp, WorkspaceId,
    consent::{ConsentAction, ConsentMethod, Medium, OptOutScope, Purpose, Scope},
    programme::{Covers, EndReason, SubscriptionState},
};

use crate::{
    StoreError, Tx,
    consent::{ConsentError, ConsentExtent, NewConsentEvent},
    subscription::SubscriptionView,
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

/// What becomes of the consent to all marketing that a programme gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    TakenBack,
    Kept,
}

crate::sql! {
    /// The other numbers and names of a sender's pools; [`Tx::consent_state_from`] reads the same.
    POOL_MATES = "SELECT DISTINCT m.address, m.id FROM senders s
        JOIN senders t ON t.workspace_id = s.workspace_id AND t.address = s.address
        JOIN sender_pool_members a ON a.workspace_id = t.workspace_id AND a.sender_id = t.id
        JOIN sender_pool_members b ON b.workspace_id = a.workspace_id AND b.pool_id = a.pool_id
        JOIN senders m ON m.workspace_id = b.workspace_id AND m.id = b.sender_id AND m.address <> s.address
        WHERE s.workspace_id = $1 AND s.id = $2 ORDER BY m.address, m.id";
    /// The senders that have a no of the address which [`Tx::consent_state_from`] counts for this one.
    REFUSED_SENDERS = "SELECT n.id, r.since FROM senders s
        JOIN senders n ON n.workspace_id = s.workspace_id
        JOIN scoped_consents r ON r.workspace_id = n.workspace_id AND r.address = $3 AND r.scope_id = n.id
            AND r.medium = 'sms' AND r.purpose = 'marketing' AND r.state = 'revoked'
        WHERE s.workspace_id = $1 AND s.id = $2
            AND (n.address = s.address OR EXISTS (SELECT 1 FROM senders t
                    JOIN sender_pool_members a ON a.workspace_id = t.workspace_id AND a.sender_id = t.id
                    JOIN sender_pool_members b ON b.workspace_id = a.workspace_id AND b.pool_id = a.pool_id
                    JOIN senders m ON m.workspace_id = b.workspace_id AND m.id = b.sender_id
                WHERE t.workspace_id = n.workspace_id AND t.address = n.address AND m.address = s.address))
        ORDER BY n.id";
    /// What has a number or name of a pool, on whichever account.
    SENDERS_OF_POOL = "SELECT DISTINCT n.address, n.id FROM sender_pool_members m
        JOIN senders s ON s.workspace_id = m.workspace_id AND s.id = m.sender_id
        JOIN senders n ON n.workspace_id = s.workspace_id AND n.address = s.address
        WHERE m.workspace_id = $1 AND m.pool_id = $2 ORDER BY n.address, n.id";
    NOES_TO_POOL = "SELECT r.address, r.scope_id FROM scoped_consents r
        WHERE r.workspace_id = $1 AND r.medium = 'sms' AND r.purpose = 'marketing' AND r.state = 'revoked'
            AND r.scope_id IN (SELECT n.id FROM sender_pool_members m
                JOIN senders s ON s.workspace_id = m.workspace_id AND s.id = m.sender_id
                JOIN senders n ON n.workspace_id = s.workspace_id AND n.address = s.address
                WHERE m.workspace_id = $1 AND m.pool_id = $2)
        ORDER BY r.address, r.scope_id";
    NO_TO_SENDER = "SELECT method, wording, proof, actor, occurred_at FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = 'sms' AND purpose = 'marketing' AND scope = $3
            AND action = 'revoke' ORDER BY occurred_at DESC, id DESC LIMIT 1";
}

impl Tx<'_> {
    /// Records for every number or name of a pool what was said to another one of it and counts by the pool alone. To be
    /// called before the pool loses a sender or is deleted: what held for both goes on to hold for each. Stops after `most`
    /// entries, and gives how many it took; the next call goes on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_noes_of_pool(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderPoolId,
        ctx: &Ctx,
        most: usize,
    ) -> Result<usize, ConsentError> {
        self.lock_consents(workspace_id)?;
        let senders: Vec<(String, SenderId)> =
            self.query(&SENDERS_OF_POOL, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))?;
        let address_of: BTreeMap<SenderId, &str> =
            senders.iter().map(|(address, sender)| (*sender, address.as_str())).collect();
        let mut said: BTreeMap<String, Vec<SenderId>> = BTreeMap::new();
        for (phone, sender) in self
            .query(&NOES_TO_POOL, &[&workspace_id, &id], |row| Ok((row.next::<String>()?, row.next::<SenderId>()?)))?
        {
            said.entry(phone).or_default().push(sender);
        }
        let mut kept = 0;
        for (phone, said_to) in said {
            if kept >= most {
                break;
            }
            let refused: BTreeSet<&str> = said_to.iter().filter_map(|sender| address_of.get(sender).copied()).collect();
            let mut others =
                senders.iter().filter(|(address, _)| !refused.contains(address.as_str())).collect::<Vec<_>>();
            others.dedup_by(|(next, _), (address, _)| next == address);
            if others.is_empty() {
                continue;
            }
            let mut last: Option<NewConsentEvent> = None;
            for sender in said_to {
                let no = self.no_to_sender(workspace_id, &phone, sender)?;
                last = last.into_iter().chain(no).max_by_key(|no| no.occurred_at);
            }
            // Where another number of the person said it, that one's entry holds here as well.
            let Some(no) = last else { continue };
            for (_, sender) in others {
                self.record_consent_quietly(workspace_id, &no, &ConsentExtent::of(Scope::Sender(*sender)), ctx)?;
                kept += 1;
            }
        }
        Ok(kept)
    }

    /// The last no to one sender in the ledger of an address.
    fn no_to_sender(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender: SenderId,
    ) -> Result<Option<NewConsentEvent>, StoreError> {
        let said = Scope::Sender(sender).to_string();
        self.query_opt(&NO_TO_SENDER, &[&workspace_id, &address, &said], |row| {
            Ok(NewConsentEvent {
                medium: Medium::Sms,
                address: address.to_owned(),
                purpose: Purpose::Marketing,
                action: ConsentAction::Revoke,
                method: row.word()?,
                wording: row.next()?,
                proof: row.next()?,
                actor: row.next()?,
                occurred_at: row.next()?,
            })
        })
    }

    /// The senders that the address has said no to and of which that counts for this one: itself, its number or name on
    /// other accounts, and what shares a pool with one of those. With since when. A yes to one has to take back each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refused_senders(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        sender: SenderId,
    ) -> Result<Vec<(SenderId, Option<Timestamp>)>, StoreError> {
        self.query(&REFUSED_SENDERS, &[&workspace_id, &sender, &address], |row| Ok((row.next()?, row.next()?)))
    }

    /// One sender for each other number or name that shares a pool with this one's, on any of its accounts.
    fn pool_mates(&mut self, workspace_id: WorkspaceId, sender: SenderId) -> Result<Vec<SenderId>, StoreError> {
        let mut mates: Vec<(String, SenderId)> =
            self.query(&POOL_MATES, &[&workspace_id, &sender], |row| Ok((row.next()?, row.next()?)))?;
        mates.dedup_by(|(next, _), (address, _)| next == address);
        Ok(mates.into_iter().map(|(_, id)| id).collect())
    }

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
                let mates = self.pool_mates(workspace_id, sender)?;
                for phone in &no.phones {
                    for sender in std::iter::once(&sender).chain(&mates) {
                        self.record_no(workspace_id, no, Medium::Sms, phone, Scope::Sender(*sender), ctx)?;
                        self.cancel_waiting_from(workspace_id, phone, *sender)?;
                    }
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

    /// Ends the person's subscriptions, those of one sender on all of its accounts, or all. Gives how many there were. What
    /// the person has joined since the no was said stays.
    fn leave_programmes(
        &mut self,
        workspace_id: WorkspaceId,
        no: &OptOut,
        sender: Option<SenderId>,
        ctx: &Ctx,
    ) -> Result<usize, ConsentError> {
        let mut left = 0;
        for phone in &no.phones {
            for (subscription, _) in self.open_subscriptions(workspace_id, phone, sender)? {
                left += 1;
                let joined = Scope::Programme(subscription.programme_id);
                let yes = self.own_yes(workspace_id, Medium::Sms, phone, Purpose::Marketing, &joined)?;
                if yes > Some(no.occurred_at) {
                    continue;
                }
                // Without a sender all marketing ends, and that is recorded by whoever asks for it.
                let rest = if sender.is_some() { Rest::TakenBack } else { Rest::Kept };
                self.leave_programme(workspace_id, &subscription, (EndReason::Stopped, rest), no, ctx)?;
            }
        }
        Ok(left)
    }

    /// Ends a subscription with everything it gave: the consent to the programme and, where it covers all marketing, to
    /// that; the place on the programme's list; what waits to be sent in its name. `false` when it had ended already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leave_programme(
        &mut self,
        workspace_id: WorkspaceId,
        subscription: &SubscriptionView,
        (reason, rest): (EndReason, Rest),
        no: &OptOut,
        ctx: &Ctx,
    ) -> Result<bool, ConsentError> {
        if !self.end_subscription(workspace_id, subscription.id, reason, ctx.now())? {
            return Ok(false);
        }
        let (id, address) = (subscription.programme_id, subscription.address.as_str());
        self.record_no(workspace_id, no, Medium::Sms, address, Scope::Programme(id), ctx)?;
        let Some(programme) = self.programme(workspace_id, id)? else { return Ok(true) };
        if programme.covers == Covers::AllMarketing && rest == Rest::TakenBack {
            self.record_no(workspace_id, no, Medium::Sms, address, Scope::All, ctx)?;
        }
        if let (Some(list_id), Some(contact_id)) = (programme.list_id, subscription.contact_id)
            && !self.is_in_by_another_number(workspace_id, subscription, contact_id)?
        {
            self.remove_from_list(workspace_id, list_id, contact_id)?;
        }
        Ok(true)
    }

    fn is_in_by_another_number(
        &mut self,
        workspace_id: WorkspaceId,
        left: &SubscriptionView,
        contact_id: ContactId,
    ) -> Result<bool, ConsentError> {
        for (phone, _) in self.phones_of_contact(workspace_id, contact_id)? {
            let other = self.subscription_of(workspace_id, left.programme_id, &phone)?;
            if other.is_some_and(|other| other.state == SubscriptionState::Active) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records a no to a programme by somebody who is not in it (any more) and gets what is sent in its name all the same,
    /// from a list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refuse_programme(
        &mut self,
        workspace_id: WorkspaceId,
        id: ProgrammeId,
        no: &OptOut,
        ctx: &Ctx,
    ) -> Result<(), ConsentError> {
        for phone in &no.phones {
            if !self.has_left_programme(workspace_id, phone, id)? {
                self.record_no(workspace_id, no, Medium::Sms, phone, Scope::Programme(id), ctx)?;
            }
        }
        Ok(())
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
