//! Fault knobs: what the emulated carrier and platform do wrong on purpose. All off by default.

use crate::sms::carrier::CarrierFaults;
use serde::{Deserialize, Serialize};

/// The switches of misbehaviour. Counting ones (`times`, `n`) run down to zero and then stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Share of webhooks (0..=100) that is delivered a second time after it was acknowledged.
    pub webhook_duplicate_percent: u8,
    /// Gather webhooks for a moment and deliver them in random order.
    pub webhook_reorder: bool,
    /// Deliver nothing until it is cleared or `webhook/flush` is called.
    pub webhook_hold: bool,
    /// The first so many attempts of every webhook get lost on the way and count as failed.
    pub webhook_drop_first_attempts: u32,
    /// Webhooks of messages name nobody in `contacts`.
    pub webhook_without_contacts: bool,
    /// Contacts of webhooks have no profile.
    pub webhook_without_profile: bool,
    /// Webhooks write `@` as `\u0040`, which is the same JSON and other bytes.
    pub webhook_escapes_at: bool,
    /// Sign with a wrong secret.
    pub webhook_wrong_signature: bool,
    /// How long after the event a webhook leaves for the first time (sandbox time).
    pub webhook_delay_ms: i64,
    /// At most so many webhooks that are due leave in one body, as the platform batches them; 0 and 1 both mean each by itself.
    pub webhook_batch: u16,
    /// How many webhooks may be under way at the same time; 0 and 1 both mean one after the other.
    pub webhook_concurrency: u16,
    /// The status webhooks of a send are acknowledged before its HTTP response leaves.
    pub status_before_response: bool,
    /// The next `times` sends are refused with this Graph error code and not accepted.
    pub graph_error: Option<GraphFault>,
    /// The next so many sends are never answered and not accepted.
    pub graph_hang: u32,
    /// The next `times` uploads of files are refused with this Graph error code.
    pub upload_error: Option<CodeTimes<i64>>,
    /// The next messages that were taken fail with this code after a status of their own.
    pub fail_after: Option<FailAfter>,
    /// The next so many messages reach their handset without the status that tells it; what is told next is that they are
    /// read.
    pub skip_delivered: u32,
    /// How long an upload of a file takes (machine time).
    pub upload_delay_ms: u64,
    /// The next so many sends are accepted but never answered.
    pub graph_hang_after_accept: u32,
    /// The next so many sends are accepted but answered with HTTP 500.
    pub graph_error_after_accept: u32,
    /// The next so many templates are created or changed but answered with HTTP 500.
    pub template_error_after_accept: u32,
    /// Free text outside the service window is refused at once (131047) instead of failing later.
    pub window_closed_at_once: bool,
    /// Customers whom the number may write to first in 24 hours, by templates outside of the window; the next one is refused
    /// with 131048. 0 is no limit.
    pub messaging_limit: u32,
    /// What the account tells as the quality of the number; `GREEN` when it is left out.
    pub quality_rating: Option<String>,
    /// The next so many templates are accepted and held for quality assessment: nothing reaches the handset, and no status
    /// comes, until `hold_for_quality_ends` is set.
    pub hold_for_quality: u32,
    /// What becomes of the templates that were held, when these faults are set: `send` or `drop` (132015).
    pub hold_for_quality_ends: Option<HeldEnd>,
    /// The next so many addresses of files are over as soon as they are told.
    pub media_urls_expired: u32,
    /// The next so many marketing templates fail afterwards with 131049: enough marketing for this customer.
    pub marketing_limit: u32,
    /// The next `times` submit_sm are answered with this command status and not accepted.
    pub smpp_status: Option<CodeTimes<u32>>,
    /// The next so many submit_sm are accepted but not answered.
    pub smpp_swallow_responses: u32,
    /// How long the carrier takes to process a submit_sm (machine time).
    pub smpp_response_delay_ms: u64,
    /// How long after the delivery to the handset the receipt is sent (sandbox time).
    pub receipt_delay_ms: i64,
    /// Whether receipts are sent at all.
    pub receipts: Receipts,
    /// The next `times` messages end in this state (`UNDELIV`, `EXPIRED`, `REJECTD` ...) instead of `DELIVRD`.
    pub receipt_state: Option<StateTimes>,
    /// The receipt leaves before the submit_sm_resp.
    pub smpp_receipt_before_response: bool,
    /// What else the carrier does wrong.
    pub carrier: CarrierFaults,
    /// The next `times` sends to the Twilio face are refused with this code and not accepted; 20429 answers HTTP 429.
    pub twilio_error: Option<CodeTimes<u32>>,
    /// The next so many sends are answered with HTTP 500 and not accepted.
    pub twilio_server_error: u32,
    /// The next so many requests for files of customers are answered with HTTP 500.
    pub twilio_media_error: u32,
    /// The next so many sends are accepted but answered with HTTP 500.
    pub twilio_error_after_accept: u32,
    /// The next so many sends are never answered and not accepted.
    pub twilio_hang: u32,
    /// The next so many sends are accepted but never answered.
    pub twilio_hang_after_accept: u32,
    /// A send with the `Idempotency-Key` of an accepted one is answered as that one was, and is no message of its own.
    /// No fault, but what Twilio itself does not do.
    pub twilio_honours_key: bool,
}

/// A code and how often it is still to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeTimes<C> {
    /// Graph error code or SMPP command status.
    pub code: C,
    /// How often.
    pub times: u32,
}

/// Sends that are refused at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphFault {
    /// Graph error code.
    pub code: i64,
    /// How often.
    pub times: u32,
    /// Only to this number, in digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only with this template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Only so many of 100, by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

impl GraphFault {
    /// A refusal of whatever comes.
    #[must_use]
    pub fn of_all(code: i64, times: u32) -> Self {
        Self { code, times, to: None, template: None, percent: None }
    }
}

/// Messages that are taken and fail afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailAfter {
    /// Graph error code.
    pub code: i64,
    /// The last status before.
    pub after: LastStatus,
    /// How often.
    pub times: u32,
    /// Only to this number, in digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The status after which a message fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastStatus {
    /// The platform had it.
    Sent,
    /// The handset had it.
    Delivered,
}

/// A final receipt state and how often it is still to be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateTimes {
    /// As in the receipt text, for example `UNDELIV`.
    pub state: String,
    /// How often.
    pub times: u32,
}

/// What becomes of templates that were held for quality assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldEnd {
    /// They go out.
    Send,
    /// They fail with 132015.
    Drop,
}

/// Which receipts are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// Every receipt that was asked for.
    #[default]
    All,
    /// None.
    None,
}

impl Faults {
    /// The code with which a send to `to` is refused. `chance` is a number from 0 to 99.
    pub(crate) fn take_graph_error(&mut self, to: Option<&str>, template: Option<&str>, chance: u8) -> Option<i64> {
        let fault = self.graph_error.as_mut()?;
        let is_meant = fault.to.as_ref().is_none_or(|only| Some(crate::config::digits(only).as_str()) == to)
            && fault.template.as_ref().is_none_or(|only| Some(only.as_str()) == template)
            && fault.percent.is_none_or(|percent| chance < percent);
        if !is_meant {
            return None;
        }
        let (code, left) = (fault.code, fault.times.checked_sub(1));
        match left {
            Some(left @ 1..) => fault.times = left,
            _ => self.graph_error = None,
        }
        left.map(|_| code)
    }

    /// When a message to this handset fails after it was taken, and with which code.
    pub(crate) fn take_fail_after(&mut self, handset_id: &str) -> Option<(LastStatus, i64)> {
        let fault = self.fail_after.as_mut()?;
        if fault.to.as_ref().is_some_and(|to| crate::config::digits(to) != handset_id) {
            return None;
        }
        fault.times = fault.times.checked_sub(1)?;
        let found = (fault.after, fault.code);
        if fault.times == 0 {
            self.fail_after = None;
        }
        Some(found)
    }

    pub(crate) fn take_upload_error(&mut self) -> Option<i64> {
        take_code(&mut self.upload_error)
    }

    pub(crate) fn take_smpp_status(&mut self) -> Option<u32> {
        take_code(&mut self.smpp_status)
    }

    pub(crate) fn take_twilio_error(&mut self) -> Option<u32> {
        take_code(&mut self.twilio_error)
    }

    /// The status the next bind is refused with.
    pub(crate) fn take_bind_status(&mut self) -> Option<u32> {
        take_code(&mut self.carrier.refuse_binds)
    }

    pub(crate) fn take_receipt_state(&mut self) -> Option<String> {
        let fault = self.receipt_state.as_mut()?;
        fault.times = fault.times.checked_sub(1)?;
        let state = fault.state.clone();
        if fault.times == 0 {
            self.receipt_state = None;
        }
        Some(state)
    }
}

fn take_code<C: Copy>(fault: &mut Option<CodeTimes<C>>) -> Option<C> {
    let CodeTimes { code, times } = (*fault)?;
    match times.checked_sub(1) {
        None => {
            *fault = None;
            None
        }
        Some(0) => {
            *fault = None;
            Some(code)
        }
        Some(left) => {
            *fault = Some(CodeTimes { code, times: left });
            Some(code)
        }
    }
}

/// Takes one from a counting knob; true when there was one.
pub(crate) fn take_one(counter: &mut u32) -> bool {
    match counter.checked_sub(1) {
        Some(left) => {
            *counter = left;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counting_fault_runs_exactly_as_often_as_asked() {
        let mut faults =
            Faults { graph_error: Some(GraphFault::of_all(131056, 2)), smpp_swallow_responses: 1, ..Faults::default() };
        assert_eq!(faults.take_graph_error(None, None, 0), Some(131056));
        assert_eq!(faults.take_graph_error(None, None, 0), Some(131056));
        assert_eq!(faults.take_graph_error(None, None, 0), None);
        assert!(take_one(&mut faults.smpp_swallow_responses));
        assert!(!take_one(&mut faults.smpp_swallow_responses));
    }

    #[test]
    fn a_refusal_may_be_meant_for_one_number_one_template_or_a_share() {
        let (to, template) = (Some("+49 151 12345678".to_owned()), Some("order_update".to_owned()));
        let fault = GraphFault { to, template, percent: Some(30), ..GraphFault::of_all(131_026, 1) };
        let mut faults = Faults { graph_error: Some(fault), ..Faults::default() };
        let (ann, order) = (Some("4915112345678"), Some("order_update"));
        for (to, template, chance) in
            [(None, order, 0), (Some("15550110001"), order, 0), (ann, None, 0), (ann, order, 30)]
        {
            assert_eq!(faults.take_graph_error(to, template, chance), None);
        }
        assert_eq!(faults.take_graph_error(ann, order, 29), Some(131_026));
        assert_eq!(faults.graph_error, None);
    }
}
