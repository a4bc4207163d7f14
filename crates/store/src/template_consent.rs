//! What people said of one WhatsApp template, or of one category of them, beside what they said of everything.
//!
//! The states are folded from the ledger like all others ([`crate::consent_state`]). Both purposes count: a template that
//! WhatsApp moves to another category stays refused. Whoever sends a template reads them in the transaction that writes
//! the message's next state, under the lock that a no takes, so a no that is on record wins.

use segue_model::{
    ChannelId, Ctx, Timestamp, WorkspaceId,
    consent::{Consent, ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope, TemplateConsent},
    template::TemplateCategory,
};

use crate::{
    StoreError, Tx,
    consent::{ConsentError, ConsentExtent, NewConsentEvent, read_scope},
    consent_state::scope_id,
};

/// A template as far as consent asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateKind<'a> {
    pub name: &'a str,
    /// As WhatsApp writes it.
    pub category: &'a str,
}

crate::sql! {
    OF_TEMPLATE = "SELECT state, expires_at FROM scoped_consents
        WHERE workspace_id = $1 AND address = $2 AND scope_id IN ($3, $4) AND medium = 'whatsapp'";
    OF_ADDRESS = "SELECT medium, purpose, scope, state, since, expires_at FROM scoped_consents
        WHERE workspace_id = $1 AND address = $2 AND scope IS NOT NULL ORDER BY scope, medium, purpose";
    ENDED = "SELECT medium, address, purpose, scope FROM scoped_consents
        WHERE workspace_id = $1 AND expires_at IS NOT NULL AND expires_at <= $2 AND scope IS NOT NULL
        ORDER BY expires_at LIMIT 500";
    PHONE_BEHIND = "SELECT c.phone FROM messaging_identifiers i
        JOIN messaging_users u ON u.workspace_id = i.workspace_id AND u.id = i.messaging_user_id
        JOIN contacts c ON c.workspace_id = u.workspace_id AND c.id = u.contact_id
        WHERE i.workspace_id = $1 AND i.channel_id = $2 AND i.kind IN ('phone', 'wa_id', 'bsuid', 'parent_bsuid')
            AND i.value IN ($3, $4) AND c.phone IS NOT NULL ORDER BY i.kind LIMIT 1";
}

impl Tx<'_> {
    /// What whoever has this address said of a template and its category. What is over counts as over, whether or not its
    /// end is recorded yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template_consent(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        template: TemplateKind<'_>,
        now: Timestamp,
    ) -> Result<TemplateConsent, StoreError> {
        let by_name = scope_id(&Scope::Template(template.name.to_owned()));
        let category = TemplateCategory::parse(&template.category.to_ascii_lowercase()).ok();
        let by_category = category.and_then(|category| scope_id(&Scope::Category(category)));
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &address, &by_name, &by_category];
        let states = self.query(&OF_TEMPLATE, keys, |row| {
            let (state, expires_at): (ConsentState, Option<Timestamp>) = (row.word()?, row.next()?);
            let is_over = state == ConsentState::Granted && expires_at.is_some_and(|end| end <= now);
            Ok(if is_over { ConsentState::Expired } else { state })
        })?;
        let said = TemplateConsent::of(states);
        // Words of theirs that a person has to read yet are no yes, whatever they agreed to before.
        let is_held = said.is_granted && self.is_consent_held(workspace_id, address)?;
        Ok(TemplateConsent { is_granted: said.is_granted && !is_held, ..said })
    }

    /// [`Tx::template_consent`] of a customer of a number: a no at the linked contact's own phone number counts, too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template_consent_of_customer(
        &mut self,
        workspace_id: WorkspaceId,
        (channel_id, address): (ChannelId, &str),
        template: TemplateKind<'_>,
        now: Timestamp,
    ) -> Result<TemplateConsent, StoreError> {
        let said = self.template_consent(workspace_id, address, template, now)?;
        let digits = address.trim_start_matches('+');
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &address, &digits];
        let phone: Option<String> = self.query_opt(&PHONE_BEHIND, keys, |row| row.next())?;
        Ok(match phone.filter(|phone| phone != address) {
            Some(phone) => {
                let is_held = said.is_granted && self.is_consent_held(workspace_id, &phone)?;
                let said = TemplateConsent { is_granted: said.is_granted && !is_held, ..said };
                said.beside(self.template_consent(workspace_id, &phone, template, now)?)
            }
            None => said,
        })
    }

    /// Everything an address said of templates and categories, by medium and purpose.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template_consents_of(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<(Medium, Purpose, Scope, Consent)>, StoreError> {
        self.query(&OF_ADDRESS, &[&workspace_id, &address], |row| {
            let (medium, purpose, scope) = (row.word()?, row.word()?, read_scope(row)?);
            Ok((medium, purpose, scope, Consent { state: row.word()?, since: row.next()?, expires_at: row.next()? }))
        })
    }

    /// Records the end of what was given for a time only. Gives how many there were.
    pub(crate) fn expire_template_consents(
        &mut self,
        workspace_id: WorkspaceId,
        ctx: &Ctx,
    ) -> Result<usize, ConsentError> {
        let due = self.query(&ENDED, &[&workspace_id, &ctx.now()], |row| {
            Ok((row.word::<Medium>()?, row.next::<String>()?, row.word::<Purpose>()?, read_scope(row)?))
        })?;
        let count = due.len();
        for (medium, address, purpose, scope) in due {
            let event = NewConsentEvent {
                medium,
                address,
                purpose,
                action: ConsentAction::Expire,
                method: ConsentMethod::Api,
                wording: None,
                proof: None,
                actor: "system".to_owned(),
                occurred_at: ctx.now(),
            };
            self.record_consent_within(workspace_id, &event, &ConsentExtent::of(scope), ctx)?;
        }
        Ok(count)
    }
}
