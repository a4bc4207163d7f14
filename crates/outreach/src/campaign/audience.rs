//! What the policy says to each contact of an audience; the same at preview and at planning.

use segue_model::{
    ProgrammeId, Timestamp, WorkspaceId,
    consent::{ConsentState, TemplateConsent},
    contact::ContactFields,
    delivery::MessageClass,
    place_of_phone,
    policy::{self, Approval, AtQuietHours, Content, Decision, Explanation, Known, Limits, Listed, Question},
    series::{CampaignRules, SeriesCap},
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

/// What a campaign asks of the policy, with the caps that count its messages.
#[derive(Debug, Clone)]
pub(crate) struct Asks {
    at_quiet: AtQuietHours,
    caps: Vec<SeriesCap>,
    programme: Option<ProgrammeId>,
}

impl Asks {
    /// What a campaign asks.
    pub(crate) fn of(tx: &mut Tx<'_>, workspace: &Workspace, rules: &CampaignRules) -> Result<Self, StoreError> {
        let at_quiet = rules.at_quiet_hours.unwrap_or(workspace.settings.policy.at_quiet_hours);
        Ok(Self { at_quiet, caps: tx.series_caps(workspace, rules)?, programme: rules.programme_id })
    }

    /// The consent as it counts for the campaign: whoever has left the programme it is sent for gets nothing of it.
    pub(super) fn consent(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        phone: Option<&str>,
        consent: ConsentState,
    ) -> Result<ConsentState, StoreError> {
        match (self.programme, phone) {
            (Some(id), Some(phone)) if tx.has_left_programme(workspace_id, phone, id)? => Ok(ConsentState::Revoked),
            _ => Ok(consent),
        }
    }

    /// The consent to texts as it counts for the campaign: as [`Asks::consent`], and whoever has joined a programme that
    /// consents to its own messages gets these, though nothing was said of everything.
    fn consent_to_texts(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        phone: Option<&str>,
        consent: ConsentState,
    ) -> Result<ConsentState, StoreError> {
        match (self.programme, phone) {
            (Some(id), Some(phone)) => tx.consent_in_programme(workspace_id, phone, id, consent),
            _ => Ok(consent),
        }
    }

    /// The moment at which the policy is asked about a message that leaves at `leaves_at`. What falls into quiet hours is
    /// discarded by the moment it would leave; what is held is asked about now, and again when it is due.
    pub(super) fn moment(&self, now: Timestamp, leaves_at: impl FnOnce() -> Timestamp) -> Timestamp {
        match self.at_quiet {
            AtQuietHours::Hold => now,
            AtQuietHours::Discard => leaves_at(),
        }
    }

    pub(super) const fn at_quiet(&self) -> AtQuietHours {
        self.at_quiet
    }

    pub(super) fn caps(&self) -> &[SeriesCap] {
        &self.caps
    }
}

/// Whether, when and why (not) a promotional text may go to this contact; from any sender when none is given.
pub(crate) fn judge(
    tx: &mut Tx<'_>,
    member: &AudienceMember,
    (workspace, asks): (&Workspace, &Asks),
    origin: Option<&Origin>,
    now: Timestamp,
) -> Result<Judgement, StoreError> {
    judge_in(tx, member, (workspace, asks), origin, (&time_zones(&member.fields, workspace), now))
}

/// [`judge`] for a contact whose [`time_zones`] are known already.
pub(super) fn judge_in(
    tx: &mut Tx<'_>,
    member: &AudienceMember,
    (workspace, asks): (&Workspace, &Asks),
    origin: Option<&Origin>,
    (zones, now): (&[String], Timestamp),
) -> Result<Judgement, StoreError> {
    let place = member.fields.phone.as_ref().and_then(place_of_phone);
    let settings = &workspace.settings.policy;
    let phone = member.fields.phone.as_ref().map(|phone| phone.as_str());
    let sends = sends(tx, workspace.id, phone, Limits::look_back(place, &settings.caps, now), now)?;
    let series = match phone {
        Some(phone) => tx.counted_caps(workspace.id, phone, &asks.caps, None, now)?,
        None => Vec::new(),
    };
    let consent = asks.consent_to_texts(tx, workspace.id, phone, member.sms_consent)?;
    let not_cleared = origin.and_then(|origin| origin.not_cleared(member.fields.phone.as_ref(), now));
    let question = Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Sms,
        address: if member.fields.phone.is_some() { Known::Yes } else { Known::No },
        consent,
        of_template: TemplateConsent::NOTHING,
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
            sender_hours: origin.and_then(|origin| origin.facts.hours.as_ref()),
            at_quiet: asks.at_quiet,
            series: &series,
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
