//! What the policy says to each contact of an audience; the same at preview and at planning.

use segue_model::{
    Timestamp, WorkspaceId,
    contact::ContactFields,
    delivery::MessageClass,
    place_of_phone,
    policy::{self, Approval, Content, Decision, Explanation, Known, Limits, Listed, Question},
    zones_for_phone,
};
use segue_store::{StoreError, Tx, audience::AudienceMember, workspace::Workspace};

use crate::origin::Origin;

/// The zones a contact may be in: its own, else those of its number, else the workspace's.
pub(crate) fn time_zones(fields: &ContactFields, workspace: &Workspace) -> Vec<String> {
    if let Some(zone) = &fields.time_zone {
        return vec![zone.clone()];
    }
    let zones = fields.phone.as_ref().map(zones_for_phone).unwrap_or_default();
    if zones.is_empty() { vec![workspace.time_zone.clone()] } else { zones }
}

/// What the policy says to one contact, and what explains it.
pub(crate) struct Judgement {
    pub decision: Decision,
    pub explanation: Option<Explanation>,
}

/// Whether, when and why (not) a promotional text may go to this contact; from any sender when none is given.
pub(crate) fn judge(
    tx: &mut Tx<'_>,
    member: &AudienceMember,
    workspace: &Workspace,
    origin: Option<&Origin>,
    now: Timestamp,
) -> Result<Judgement, StoreError> {
    judge_in(tx, member, workspace, origin, (&time_zones(&member.fields, workspace), now))
}

/// [`judge`] for a contact whose [`time_zones`] are known already.
pub(super) fn judge_in(
    tx: &mut Tx<'_>,
    member: &AudienceMember,
    workspace: &Workspace,
    origin: Option<&Origin>,
    (zones, now): (&[String], Timestamp),
) -> Result<Judgement, StoreError> {
    let place = member.fields.phone.as_ref().and_then(place_of_phone);
    let settings = &workspace.settings.policy;
    let phone = member.fields.phone.as_ref().map(|phone| phone.as_str());
    let sends = sends(tx, workspace.id, phone, Limits::look_back(place, &settings.caps, now), now)?;
    let not_cleared = origin.and_then(|origin| origin.not_cleared(member.fields.phone.as_ref(), now));
    let question = Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Sms,
        address: if member.fields.phone.is_some() { Known::Yes } else { Known::No },
        consent: member.sms_consent,
        suppression: if member.is_suppressed { Listed::Yes } else { Listed::No },
        quiet_hours: workspace.quiet_hours,
        time_zones: zones,
        window_expires_at: None,
        template: Approval::Approved,
        sender: origin.map_or(Approval::Approved, Origin::approval),
        not_cleared: not_cleared.as_ref(),
        expires_at: None,
        limits: Limits {
            place,
            quiet_spans: &settings.quiet_spans,
            caps: &settings.caps,
            at_cap: settings.at_cap,
            sends: &sends,
        },
        campaign_template: None,
    };
    let (decision, explanation) = policy::judge(&question);
    Ok(Judgement { decision, explanation })
}

/// Earlier promotional messages to a number, where a frequency cap applies. At planning they are a forecast: the count
/// that decides is read again in the moment of sending.
fn sends(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    phone: Option<&str>,
    look_back: Option<(i64, u32)>,
    now: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    match (phone, look_back) {
        (Some(phone), Some((millis, most))) => tx.marketing_sends(workspace_id, phone, now.plus(-millis), None, most),
        _ => Ok(Vec::new()),
    }
}
