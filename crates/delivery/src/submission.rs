//! The decision, and the durable `submitting` that goes before every byte.
//!
//! The transaction reads everything that the policy engine needs, asks it, and writes what it answers. A STOP that was
//! committed before this transaction therefore wins, whenever the message was planned.

use segue_model::{
    Ctx, PhoneNumber, Place, Timestamp,
    consent::{ConsentState, Medium, Purpose},
    content::{Content, SmsContent},
    delivery::MessageClass,
    place_of_phone,
    policy::{self, Approval, Decision, Known, Limits, Listed, PolicySettings, Question},
    zones_for_phone,
};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, Registration},
    outbox::{AddressKind, OutboxMessage},
    template::APPROVED,
    workspace::Workspace,
};

/// Whether the message may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// `submitting` is recorded: when this transaction has committed, bytes may leave.
    Go,
    /// It does not leave now; what became of it is recorded, or the claim was lost.
    No,
}

/// Decides about a claimed message and records the outcome.
///
/// # Errors
/// When the store fails; nothing is recorded then and nothing may leave.
pub fn begin(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    message: &OutboxMessage,
    lease_until: Timestamp,
) -> Result<Begin, StoreError> {
    if matches!(message.class, MessageClass::Marketing | MessageClass::Test) {
        // A STOP waits for this transaction, or this one sees it: no message begins after a STOP is on record.
        tx.hold_consents(message.workspace_id)?;
    }
    let now = ctx.now();
    if let Some(campaign_id) = message.campaign_id {
        let state = tx.campaign_state(message.workspace_id, campaign_id)?;
        use segue_model::campaign::CampaignState::{Planning, Running};
        if !matches!(state, Some(Planning | Running)) {
            // Paused: it waits in the queue. Canceled: the row has been ended already, and this changes nothing.
            tx.put_back_message(message)?;
            return Ok(Begin::No);
        }
    }
    let Some(facts) = facts(tx, channel, message, now)? else {
        tx.reject_payload(message, "The message cannot be read, so nothing was sent.", ctx)?;
        return Ok(Begin::No);
    };
    let question = facts.question(message, now);
    let (decision, why) = policy::judge(&question);
    if let (Decision::Hold { rule, .. } | Decision::Suppress { rule }, Some(why)) = (decision, why) {
        tx.put_decision(message.workspace_id, message.id, rule, &why, now)?;
    }
    match decision {
        Decision::Send(permit) => {
            if facts.counts {
                tx.count_marketing(message.workspace_id, &message.address, message.id, now)?;
            }
            let marked = tx.mark_submitting(message, permit, lease_until)?;
            Ok(if marked { Begin::Go } else { Begin::No })
        }
        Decision::Hold { until, rule } => {
            tx.hold_message(message, until, rule, now)?;
            Ok(Begin::No)
        }
        Decision::Suppress { rule } => {
            tx.suppress_message(message, rule, now)?;
            Ok(Begin::No)
        }
    }
}

/// What the decision depends on, as the database has it now.
struct Facts {
    content: policy::Content,
    consent: ConsentState,
    suppression: Listed,
    quiet_hours: policy::QuietHours,
    time_zones: Vec<String>,
    window_expires_at: Option<Timestamp>,
    template: Approval,
    sender: Approval,
    place: Option<Place>,
    settings: PolicySettings,
    /// Whether a frequency cap applies, so that the message counts.
    counts: bool,
    sends: Vec<Timestamp>,
}

impl Facts {
    fn question(&self, message: &OutboxMessage, now: Timestamp) -> Question<'_> {
        Question {
            now,
            class: message.class,
            content: self.content,
            address: if message.address.is_empty() { Known::No } else { Known::Yes },
            consent: self.consent,
            suppression: self.suppression,
            quiet_hours: self.quiet_hours,
            time_zones: &self.time_zones,
            window_expires_at: self.window_expires_at,
            template: self.template,
            sender: self.sender,
            expires_at: message.expires_at,
            limits: Limits {
                place: self.place,
                quiet_spans: &self.settings.quiet_spans,
                caps: &self.settings.caps,
                at_cap: self.settings.at_cap,
                sends: &self.sends,
            },
        }
    }
}

/// `None` when the payload is not one of this channel, or the workspace is gone.
fn facts(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &OutboxMessage,
    now: Timestamp,
) -> Result<Option<Facts>, StoreError> {
    let (workspace_id, address) = (message.workspace_id, message.address.as_str());
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(None) };
    let medium = channel.config.kind().medium();
    let purpose = match message.class {
        MessageClass::Marketing | MessageClass::Test | MessageClass::Keyword => Purpose::Marketing,
        MessageClass::Service => Purpose::Service,
    };
    let mut facts = Facts {
        content: policy::Content::Sms,
        consent: tx.consent_state(workspace_id, medium, address, purpose)?.state,
        suppression: if tx.is_suppressed(workspace_id, address)? { Listed::Yes } else { Listed::No },
        quiet_hours: workspace.quiet_hours,
        time_zones: time_zones(tx, message, &workspace)?,
        window_expires_at: None,
        template: Approval::NotApproved,
        sender: Approval::Approved,
        place: place(message),
        settings: workspace.settings.policy,
        counts: false,
        sends: Vec::new(),
    };
    count_sends(tx, message, &mut facts, now)?;
    match medium {
        Medium::Sms => {
            let Ok(content) = serde_json::from_value::<SmsContent>(message.payload.clone()) else { return Ok(None) };
            let registration = tx.sender_registration(workspace_id, channel.id, &content.source)?;
            if registration != Some(Registration::Active) {
                facts.sender = Approval::NotApproved;
            }
        }
        Medium::WhatsApp => {
            let Ok(content) = serde_json::from_value::<Content>(message.payload.clone()) else { return Ok(None) };
            facts.content = policy::Content::FreeForm;
            if let Some(session_id) = message.session_id {
                facts.window_expires_at = tx.session_window(workspace_id, session_id)?;
            }
            if let Content::Template { name, language, .. } = &content {
                facts.content = policy::Content::Template;
                let template = tx.template_by_name(workspace_id, channel.id, name, language)?;
                if template.is_some_and(|template| template.status == APPROVED) {
                    facts.template = Approval::Approved;
                }
            }
        }
    }
    Ok(Some(facts))
}

/// Reads the earlier promotional messages to the same address when a frequency cap applies. Whoever else decides about
/// this address waits until this transaction has ended, so that no two messages take the same place under a cap.
fn count_sends(tx: &mut Tx<'_>, message: &OutboxMessage, facts: &mut Facts, now: Timestamp) -> Result<(), StoreError> {
    if message.class != MessageClass::Marketing {
        return Ok(());
    }
    let Some((millis, messages)) = Limits::look_back(facts.place, &facts.settings.caps, now) else { return Ok(()) };
    facts.counts = true;
    tx.lock_address_sends(message.workspace_id, &message.address)?;
    let (workspace_id, address) = (message.workspace_id, message.address.as_str());
    facts.sends = tx.marketing_sends(workspace_id, address, now.plus(-millis), Some(message.id), messages)?;
    Ok(())
}

/// Where a promotional message goes to, for the rule books; other messages are exempt from them.
fn place(message: &OutboxMessage) -> Option<Place> {
    if message.class != MessageClass::Marketing || message.address_kind != AddressKind::Phone {
        return None;
    }
    PhoneNumber::parse(&message.address, None).ok().and_then(|phone| place_of_phone(&phone))
}

/// The zones a recipient may be in, as planning sees them: the contact's own, else what the number tells, else the
/// workspace's. With none at all the message would be held for ever, and its campaign would never end.
fn time_zones(tx: &mut Tx<'_>, message: &OutboxMessage, workspace: &Workspace) -> Result<Vec<String>, StoreError> {
    if message.class != MessageClass::Marketing {
        return Ok(Vec::new());
    }
    if message.address_kind == AddressKind::Phone {
        if let Some(zone) = tx.contact_zone(message.workspace_id, &message.address)? {
            return Ok(vec![zone]);
        }
        let phone = PhoneNumber::parse(&message.address, None);
        let zones = phone.map(|phone| zones_for_phone(&phone)).unwrap_or_default();
        if !zones.is_empty() {
            return Ok(zones);
        }
    }
    Ok(vec![workspace.time_zone.clone()])
}
