//! What is known of a customer for a campaign by WhatsApp template: the address, what was agreed to, and whether a
//! conversation is going on.

use segue_model::{
    CampaignId, ChannelId, ContactId, MessageId, MessagingUserId, Timestamp, WorkspaceId,
    campaign::CampaignState,
    consent::{ConsentState, Medium, Purpose, TemplateConsent},
    template_rules::Conversation,
    window,
};

use crate::{
    StoreError, Tx,
    campaign::CampaignTemplate,
    customer_language::{self, CustomerLanguage},
    outbox::AddressKind,
    template_consent::TemplateKind,
};

/// A customer as a campaign by template sees him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRecipient {
    pub address: String,
    pub kind: AddressKind,
    /// The customer of the number, when there is one.
    pub user_id: Option<MessagingUserId>,
    /// The language of that customer, when it is known.
    pub language: Option<CustomerLanguage>,
    /// Agreement to marketing on WhatsApp.
    pub marketing: ConsentState,
    /// Agreement to anything on WhatsApp.
    pub is_opted_in: bool,
    /// What was said of the template and its category.
    pub of_template: TemplateConsent,
    pub is_suppressed: bool,
    pub conversation: Conversation,
    /// End of the service window, when the customer ever wrote.
    pub window_expires_at: Option<Timestamp>,
    /// Until when nothing promotional goes there, for the platform has held a promotion back; it may be over.
    pub rests_until: Option<Timestamp>,
}

/// What decides about all messages of a campaign by template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignGate {
    pub state: CampaignState,
    pub template: CampaignTemplate,
    /// Whether it is held, and until when.
    pub held: Option<Option<Timestamp>>,
}

impl CampaignGate {
    /// Whether nothing of it may leave now, whatever a message is like.
    #[must_use]
    pub fn is_closed(&self, now: Timestamp) -> bool {
        self.held.is_some_and(|until| until.is_none_or(|until| until > now))
    }
}

crate::sql! {
    GATE = "SELECT state, template, hold_rule, hold_until FROM campaigns
        WHERE workspace_id = $1 AND id = $2 AND template IS NOT NULL";
    USER_OF_CONTACT = "SELECT u.id, l.language, l.told_by, l.certainty, l.at FROM messaging_users u
            LEFT JOIN customer_languages l ON l.workspace_id = u.workspace_id AND l.messaging_user_id = u.id
        WHERE u.workspace_id = $1 AND u.contact_id = $2 AND u.contact_id IS NOT NULL AND u.channel_id = $3
            AND COALESCE(u.linked_by, '') <> 'email' -- anybody can type an e-mail address
        ORDER BY COALESCE(u.last_inbound_at, 0) DESC, u.id LIMIT 1";
    USER_OF_ADDRESS = "SELECT messaging_user_id FROM messaging_identifiers
        WHERE workspace_id = $1 AND channel_id = $2 AND kind IN ('phone', 'wa_id', 'bsuid', 'parent_bsuid')
            AND value IN ($3, $4) ORDER BY kind LIMIT 1";
    CONTACT_OF_MESSAGE = "SELECT r.contact_id FROM outbox o JOIN recipients r ON r.workspace_id = o.workspace_id
            AND r.campaign_id = o.campaign_id AND r.position = o.position
        WHERE o.workspace_id = $1 AND o.id = $2";
    /// The advertisement that the customer came by last, and the end of the last free entry point, of whichever sessions.
    REFERRED = "SELECT MAX(referred_at), MAX(free_entry_until) FROM sessions
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND referred_at IS NOT NULL";
    CONVERSATION = "SELECT u.last_inbound_at, s.state, s.agent_id IS NOT NULL FROM messaging_users u
        LEFT JOIN sessions s ON s.workspace_id = u.workspace_id AND s.channel_id = u.channel_id
            AND s.messaging_user_id = u.id AND s.state <> 'ended'
        WHERE u.workspace_id = $1 AND u.id = $2";
}

impl Tx<'_> {
    /// What decides about all messages of a campaign; `None` when it is not by template.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_gate(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<CampaignGate>, StoreError> {
        self.query_opt(&GATE, &[&workspace_id, &id], |row| {
            let (state, template) = (row.word()?, row.json()?);
            let (rule, until): (Option<String>, Option<Timestamp>) = (row.next()?, row.next()?);
            Ok(CampaignGate { state, template, held: rule.map(|_| until) })
        })
    }

    /// A contact as the recipient of a template from a number: at the address the customer writes from, else at the
    /// contact's phone number. `None` without any address.
    ///
    /// # Errors
    /// When the store fails.
    pub fn template_recipient(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (contact_id, phone): (ContactId, Option<&str>),
        (template, now): (TemplateKind<'_>, Timestamp),
    ) -> Result<Option<TemplateRecipient>, StoreError> {
        let found = self.query_opt(&USER_OF_CONTACT, &[&workspace_id, &contact_id, &channel_id], |row| {
            Ok((row.next::<MessagingUserId>()?, customer_language::read_optional(row)?))
        })?;
        let (user, language) = found.map_or((None, None), |(user, language)| (Some(user), language));
        let known = match user {
            Some(user) => self.address_of(workspace_id, user)?,
            None => None,
        };
        let (mut kind, mut address) = match (known, phone) {
            (Some(known), _) => known,
            (None, Some(phone)) => (AddressKind::Phone, phone.to_owned()),
            (None, None) => return Ok(None),
        };
        let (conversation, window_expires_at) = match user {
            Some(user) => self.conversation_of(workspace_id, user)?,
            None => self.conversation_at(workspace_id, channel_id, &address)?,
        };
        let (mut marketing, mut is_opted_in) = self.agreed(workspace_id, &address)?;
        let mut of_template = self.template_consent(workspace_id, &address, template, now)?;
        let mut is_suppressed = self.is_suppressed(workspace_id, &address)?;
        if let Some(phone) = phone.filter(|phone| *phone != address) {
            // Both are the same person's: a no at either counts at both, and without any word for one the other is taken.
            let (other, also) = self.agreed(workspace_id, phone)?;
            let other_of_template = self.template_consent(workspace_id, phone, template, now)?;
            is_suppressed |= self.is_suppressed(workspace_id, phone)?;
            let is_silent = matches!(marketing, ConsentState::None | ConsentState::Expired) && !is_opted_in;
            let is_silent = is_silent && !of_template.is_granted;
            of_template = match is_silent {
                true => other_of_template.beside(of_template),
                false => of_template.beside(other_of_template),
            };
            if is_silent {
                (kind, address) = (AddressKind::Phone, phone.to_owned());
                (marketing, is_opted_in) = (other, also);
            } else if matches!(other, ConsentState::Revoked | ConsentState::InReview) {
                marketing = other;
            }
        }
        let rests_until = self.marketing_rest(workspace_id, channel_id, &address)?;
        Ok(Some(TemplateRecipient {
            address,
            kind,
            user_id: user,
            language,
            marketing,
            is_opted_in,
            of_template,
            is_suppressed,
            conversation,
            window_expires_at,
            rests_until,
        }))
    }

    /// The contact that a message of a campaign is for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_of_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<ContactId>, StoreError> {
        self.query_opt(&CONTACT_OF_MESSAGE, &[&workspace_id, &id], |row| row.next())
    }

    /// Agreement to marketing and to anything, on WhatsApp.
    ///
    /// # Errors
    /// When the store fails.
    pub fn agreed(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(ConsentState, bool), StoreError> {
        let of = |tx: &mut Self, purpose| tx.consent_state(workspace_id, Medium::WhatsApp, address, purpose);
        let marketing = of(self, Purpose::Marketing)?.state;
        let service = of(self, Purpose::Service)?.state;
        Ok((marketing, [marketing, service].contains(&ConsentState::Granted)))
    }

    /// Whether a conversation with whoever has this address is going on, and the end of the service window.
    ///
    /// # Errors
    /// When the store fails.
    pub fn conversation_at(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
    ) -> Result<(Conversation, Option<Timestamp>), StoreError> {
        let digits = address.trim_start_matches('+');
        let user =
            self.query_opt(&USER_OF_ADDRESS, &[&workspace_id, &channel_id, &address, &digits], |row| row.next())?;
        match user {
            Some(user) => self.conversation_of(workspace_id, user),
            None => Ok((Conversation::None, None)),
        }
    }

    /// Whether a message to a customer is free because of an advertisement: the free entry point is open, or this message
    /// opens it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_free_entry(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (user, address): (Option<MessagingUserId>, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let digits = address.trim_start_matches('+');
        let user = match user {
            Some(user) => Some(user),
            None => {
                self.query_opt(&USER_OF_ADDRESS, &[&workspace_id, &channel_id, &address, &digits], |row| row.next())?
            }
        };
        let Some(user) = user else { return Ok(false) };
        let (referred_at, until) = self.query_one(&REFERRED, &[&workspace_id, &user], |row| {
            Ok((row.next::<Option<Timestamp>>()?, row.next::<Option<Timestamp>>()?))
        })?;
        let opens = window::unanswered(referred_at, until).and_then(|at| window::free_entry(at, now));
        Ok(opens.is_some() || until.is_some_and(|until| until > now))
    }

    fn conversation_of(
        &mut self,
        workspace_id: WorkspaceId,
        user: MessagingUserId,
    ) -> Result<(Conversation, Option<Timestamp>), StoreError> {
        let found = self.query_opt(&CONVERSATION, &[&workspace_id, &user], |row| {
            let (last, state, has_agent): (Option<Timestamp>, Option<String>, bool) =
                (row.next()?, row.next()?, row.next()?);
            // Who waits in a queue waits for an agent.
            let conversation = match state.as_deref() {
                None => Conversation::None,
                Some("waiting") => Conversation::WithAgent,
                Some(_) if has_agent => Conversation::WithAgent,
                Some(_) => Conversation::Open,
            };
            Ok((conversation, last.map(window::expires_at)))
        })?;
        Ok(found.unwrap_or((Conversation::None, None)))
    }
}
