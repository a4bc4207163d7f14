//! The ledger: ground truth of what happened, in order. Append-only.
//!
//! A fact that the product must acknowledge (receipt, inbound message, status) is one entry when it happens and one `ack` entry when
//! the product has acknowledged it; the first is shown with `acked`, joined from the second, so either way of reading is exact.

use serde::Serialize;
use serde_json::Value;

/// Number of a ledger entry, from 1 without gaps.
pub(crate) type EntryNumber = u64;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Fact {
    /// One submit_sm was accepted. `group` is the same for all parts of one concatenated message.
    SmsAccepted {
        message_id: String,
        from: String,
        to: String,
        text: String,
        part: u8,
        parts: u8,
        group: Option<String>,
        /// False when the answer was swallowed on purpose.
        answered: bool,
    },
    SmsRefused {
        from: String,
        to: String,
        code: u32,
    },
    /// The joined message reached the handset.
    SmsDelivered {
        message_ids: Vec<String>,
        from: String,
        to: String,
        text: String,
        parts: u8,
    },
    SmsReceipt {
        message_id: String,
        state: String,
    },
    SmsInbound {
        id: String,
        from: String,
        to: String,
        text: String,
    },
    /// Somebody at the business wrote in the WhatsApp Business app.
    WaEcho {
        wamid: String,
        handset_id: String,
        text: String,
    },
    /// The business uploaded a file to send it.
    WaFileUploaded {
        media_id: String,
        mime: String,
    },
    WaAccepted {
        wamid: String,
        /// The handset it goes to, none when it is lost (an identifier in the wrong field).
        handset_id: Option<String>,
        to: Option<String>,
        recipient: Option<String>,
        #[serde(rename = "type")]
        kind: String,
        text: String,
        template: Option<String>,
        biz_opaque_callback_data: Option<String>,
        answered: bool,
    },
    WaStatus {
        wamid: String,
        status: &'static str,
        code: Option<i64>,
    },
    WaInbound {
        wamid: String,
        handset_id: String,
        from: Option<String>,
        user_id: String,
        #[serde(rename = "type")]
        kind: String,
        text: String,
    },
    /// The business marked a message of the customer as read.
    WaRead {
        wamid: String,
    },
    GraphRefused {
        code: i64,
    },
    TemplateStatus {
        name: String,
        language: String,
        status: String,
    },
    /// A webhook was given up after its last attempt.
    WebhookAbandoned {
        attempts: u32,
    },
    Ack {
        of: EntryNumber,
    },
}

impl Fact {
    fn is_acknowledged_by_product(&self) -> bool {
        matches!(
            self,
            Self::SmsReceipt { .. }
                | Self::SmsInbound { .. }
                | Self::WaStatus { .. }
                | Self::WaInbound { .. }
                | Self::TemplateStatus { .. }
        )
    }
}

/// How much of each kind has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Accepted submit_sm, parts counted singly.
    pub sms_accepted: u64,
    /// Refused submit_sm.
    pub sms_refused: u64,
    /// Whole messages on handsets.
    pub sms_delivered: u64,
    /// Receipts sent at least once.
    pub sms_receipts: u64,
    /// Receipts the product answered with ESME_ROK.
    pub sms_receipts_acked: u64,
    /// Texts written on handsets.
    pub sms_inbound: u64,
    /// ... and acknowledged by the product.
    pub sms_inbound_acked: u64,
    /// Accepted WhatsApp sends.
    pub wa_accepted: u64,
    /// Statuses produced.
    pub wa_statuses: u64,
    /// ... and acknowledged.
    pub wa_statuses_acked: u64,
    /// WhatsApp messages written on handsets.
    pub wa_inbound: u64,
    /// ... and acknowledged.
    pub wa_inbound_acked: u64,
    /// Graph requests to /messages that were refused.
    pub graph_refused: u64,
}

struct Entry {
    at: i64,
    fact: Fact,
    acked: bool,
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    counters: Counters,
}

impl Ledger {
    pub fn append(&mut self, at: i64, fact: Fact) -> EntryNumber {
        let c = &mut self.counters;
        match &fact {
            Fact::SmsAccepted { .. } => c.sms_accepted += 1,
            Fact::SmsRefused { .. } => c.sms_refused += 1,
            Fact::SmsDelivered { .. } => c.sms_delivered += 1,
            Fact::SmsReceipt { .. } => c.sms_receipts += 1,
            Fact::SmsInbound { .. } => c.sms_inbound += 1,
            Fact::WaAccepted { .. } => c.wa_accepted += 1,
            Fact::WaStatus { .. } => c.wa_statuses += 1,
            Fact::WaInbound { .. } => c.wa_inbound += 1,
            Fact::GraphRefused { .. } => c.graph_refused += 1,
            Fact::TemplateStatus { .. }
            | Fact::WaEcho { .. }
            | Fact::WaRead { .. }
            | Fact::WebhookAbandoned { .. }
            | Fact::WaFileUploaded { .. }
            | Fact::Ack { .. } => {}
        }
        self.entries.push(Entry { at, fact, acked: false });
        self.entries.len() as EntryNumber
    }

    /// Records that the product acknowledged entry `n`. A second acknowledgement (of a duplicate) changes nothing.
    pub fn acknowledge(&mut self, at: i64, n: EntryNumber) {
        let Some(entry) =
            usize::try_from(n).ok().and_then(|n| n.checked_sub(1)).and_then(|index| self.entries.get_mut(index))
        else {
            return;
        };
        if entry.acked {
            return;
        }
        entry.acked = true;
        let c = &mut self.counters;
        match &entry.fact {
            Fact::SmsReceipt { .. } => c.sms_receipts_acked += 1,
            Fact::SmsInbound { .. } => c.sms_inbound_acked += 1,
            Fact::WaStatus { .. } => c.wa_statuses_acked += 1,
            Fact::WaInbound { .. } => c.wa_inbound_acked += 1,
            _ => {}
        }
        self.append(at, Fact::Ack { of: n });
    }

    /// Counts what a carrier under load did, which has no entries.
    pub fn count(&mut self, accepted: u64, receipts: u64, acknowledged: u64) {
        self.counters.sms_accepted += accepted;
        self.counters.sms_receipts += receipts;
        self.counters.sms_receipts_acked += acknowledged;
    }

    pub fn fact(&self, n: EntryNumber) -> Option<&Fact> {
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        self.entries.get(index).map(|entry| &entry.fact)
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The entries after number `after`, at most `limit`, as JSON objects.
    pub fn after(&self, after: EntryNumber, limit: usize) -> Vec<Value> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let numbered = self.entries.iter().enumerate().skip(skip).take(limit);
        numbered.map(|(index, entry)| entry.to_json(index as u64 + 1)).collect()
    }
}

impl Entry {
    fn to_json(&self, n: EntryNumber) -> Value {
        let mut json = serde_json::to_value(&self.fact).unwrap_or_default();
        if let Value::Object(fields) = &mut json {
            fields.insert("n".to_owned(), n.into());
            fields.insert("at".to_owned(), self.at.into());
            if self.fact.is_acknowledged_by_product() {
                fields.insert("acked".to_owned(), self.acked.into());
            }
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_counted_once_and_is_an_entry_of_its_own() {
        let mut ledger = Ledger::default();
        let n = ledger.append(1, Fact::SmsReceipt { message_id: "7".to_owned(), state: "DELIVRD".to_owned() });
        ledger.acknowledge(2, n);
        ledger.acknowledge(3, n);
        let entries = ledger.after(0, 10);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0]["acked"], true);
        assert_eq!((entries[1]["kind"].as_str(), entries[1]["of"].as_u64()), (Some("ack"), Some(n)));
        assert_eq!(ledger.counters().sms_receipts_acked, 1);
        assert_eq!(ledger.after(1, 10).len(), 1);
    }
}
