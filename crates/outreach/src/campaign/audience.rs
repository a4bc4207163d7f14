//! What the policy says to each contact of an audience; the same at preview and at planning.

use segue_model::{
    Timestamp,
    contact::ContactFields,
    delivery::MessageClass,
    policy::{Approval, Content, Decision, Known, Listed, Question, decide},
    zones_for_phone,
};
use segue_store::{
    channel::{Registration, Sender},
    contact::AudienceMember,
    workspace::Workspace,
};

/// The zones a contact may be in: its own, else those of its number, else the workspace's.
pub(super) fn time_zones(fields: &ContactFields, workspace: &Workspace) -> Vec<String> {
    if let Some(zone) = &fields.time_zone {
        return vec![zone.clone()];
    }
    let zones = fields.phone.as_ref().map(zones_for_phone).unwrap_or_default();
    if zones.is_empty() { vec![workspace.time_zone.clone()] } else { zones }
}

/// Whether the sender may send.
pub(super) fn approval(sender: &Sender) -> Approval {
    if sender.registration == Registration::Active { Approval::Approved } else { Approval::NotApproved }
}

/// Whether, when and why (not) a promotional text may go to this contact.
pub(super) fn decide_for(member: &AudienceMember, workspace: &Workspace, sender: &Sender, now: Timestamp) -> Decision {
    decide(&Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Sms,
        address: if member.fields.phone.is_some() { Known::Yes } else { Known::No },
        consent: member.sms_consent,
        suppression: if member.is_suppressed { Listed::Yes } else { Listed::No },
        quiet_hours: workspace.quiet_hours,
        time_zones: &time_zones(&member.fields, workspace),
        window_expires_at: None,
        template: Approval::Approved,
        sender: approval(sender),
        expires_at: None,
    })
}
