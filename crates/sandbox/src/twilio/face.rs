//! What the Twilio face knows, and its webhooks.

use crate::core::Core;
use crate::faults::Receipts;
use crate::handset::{MediaView, WaitingSms};
use crate::ledger::{EntryNumber, Fact};
use crate::state::State;
use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Who obeys STOP and START.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OptOuts {
    /// The product alone; the provider passes everything on.
    #[default]
    Off,
    /// The provider blocks, and passes the text on as it is.
    Default,
    /// The provider blocks, and names the keyword in `OptOutType`.
    Advanced,
}

/// See the module documentation.
#[derive(Default)]
pub(crate) struct Face {
    inbound_url: Option<String>,
    opt_outs: OptOuts,
    /// Digits of the numbers that have sent through it.
    numbers: BTreeSet<String>,
    /// Number of the business and of the customer who has stopped it, in digits.
    stopped: BTreeSet<(String, String)>,
    /// SIDs of accepted messages by the key of their request.
    keys: HashMap<String, String>,
}

/// Where the product wants to hear of a message.
#[derive(Clone, Debug)]
pub(crate) struct CallbackOrder {
    url: String,
    from: String,
    to: String,
}

/// A message that passed the checks.
pub(crate) struct NewMessage {
    pub from: String,
    pub to: String,
    pub text: String,
    /// Where its pictures and files are.
    pub media_urls: Vec<String>,
    /// Those that were fetched.
    pub media: Vec<MediaView>,
    pub callback: Option<String>,
    pub answered: bool,
}

impl Face {
    pub fn forget(&mut self) {
        self.numbers.clear();
        self.stopped.clear();
        self.keys.clear();
    }

    /// The SID of the message that was accepted under this key.
    pub fn sid_of(&self, key: &str) -> Option<String> {
        self.keys.get(key).cloned()
    }

    pub fn remember(&mut self, key: &str, sid: &str) {
        self.keys.insert(key.to_owned(), sid.to_owned());
    }

    /// Whether texts to this number come here.
    pub fn takes(&self, digits: &str) -> bool {
        self.inbound_url.is_some() && self.numbers.contains(digits)
    }

    pub fn has_stopped(&self, business: &str, customer: &str) -> bool {
        self.stopped.contains(&(crate::config::digits(business), crate::config::digits(customer)))
    }
}

/// Settings of the face; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    inbound_url: Option<String>,
    opt_outs: Option<OptOuts>,
}

/// Says where inbound texts go and who obeys STOP.
pub(crate) async fn configure(Extract(core): Extract<Arc<Core>>, Json(settings): Json<Settings>) -> StatusCode {
    core.with(|state| {
        let Settings { inbound_url, opt_outs } = settings;
        state.twilio.inbound_url = inbound_url.or(state.twilio.inbound_url.take());
        state.twilio.opt_outs = opt_outs.unwrap_or(state.twilio.opt_outs);
    });
    StatusCode::NO_CONTENT
}

impl State {
    /// Takes a message and hands it to the phone if that is online. Returns its SID.
    pub fn accept_twilio(&mut self, message: NewMessage) -> String {
        let kind = if message.media.is_empty() { "SM" } else { "MM" };
        let sid = format!("{kind}{}", self.random_hex(32).to_ascii_lowercase());
        self.twilio.numbers.insert(crate::config::digits(&message.from));
        self.record(Fact::SmsAccepted {
            message_id: sid.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            text: message.text.clone(),
            part: 1,
            parts: 1,
            group: None,
            answered: message.answered,
        });
        let callback =
            message.callback.map(|url| CallbackOrder { url, from: message.from.clone(), to: message.to.clone() });
        if let Some(order) = &callback {
            self.tell(order, &sid, "sent", None, 0);
        }
        let handset_id = crate::config::digits(&message.to);
        let waiting = WaitingSms {
            message_id: sid.clone(),
            from: message.from,
            text: message.text,
            media: message.media,
            part: 1,
            parts: 1,
            group: None,
            receipt: None,
            callback,
        };
        let handset = self.handset_or_new(&handset_id);
        if handset.online {
            self.sms_reaches_handset(&handset_id, waiting);
        } else {
            handset.sms_waiting.push(waiting);
        }
        sid
    }

    /// Reports the end of a message; `state` is the carrier's word, or a code of the dialect.
    pub fn order_callback(&mut self, order: &CallbackOrder, sid: &str, state: &str) {
        if self.faults.receipts == Receipts::None {
            return;
        }
        let (status, code) = match state {
            "DELIVRD" => ("delivered", None),
            "UNDELIV" => ("undelivered", Some("30003")),
            "EXPIRED" => ("undelivered", Some("30036")),
            "REJECTD" => ("failed", Some("30007")),
            code if code.bytes().all(|byte| byte.is_ascii_digit()) => ("failed", Some(code)),
            _ => ("undelivered", Some("30008")),
        };
        self.tell(order, sid, status, code, self.faults.receipt_delay_ms);
    }

    fn tell(&mut self, order: &CallbackOrder, sid: &str, status: &str, code: Option<&str>, delay_ms: i64) {
        let entry =
            self.record(Fact::SmsReceipt { message_id: sid.to_owned(), state: code.unwrap_or(status).to_owned() });
        let mut fields = vec![
            ("SmsSid", sid.to_owned()),
            ("SmsStatus", status.to_owned()),
            ("MessageStatus", status.to_owned()),
            ("To", order.to.clone()),
            ("MessageSid", sid.to_owned()),
            ("AccountSid", self.config.twilio_account_sid.clone()),
            ("From", order.from.clone()),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        fields.extend(code.map(|code| ("ErrorCode", code.to_owned())));
        let due = self.now() + delay_ms;
        self.queue_form(&order.url, &fields, Some(entry), due);
    }

    /// Passes a customer's text on, and obeys it where that is the provider's business.
    pub fn twilio_text(
        &mut self,
        (id, entry): (&str, EntryNumber),
        (from, to): (&str, &str),
        (text, media): (&str, &[MediaView]),
        public_url: &str,
    ) {
        let Some(url) = self.twilio.inbound_url.clone() else { return };
        let word = text.trim().to_ascii_uppercase();
        let pair = (crate::config::digits(to), crate::config::digits(from));
        let mut kind = None;
        if self.twilio.opt_outs != OptOuts::Off {
            kind = match word.as_str() {
                "STOP" => Some("STOP"),
                "START" => Some("START"),
                "HELP" => Some("HELP"),
                _ => None,
            };
            match kind {
                Some("STOP") => drop(self.twilio.stopped.insert(pair)),
                Some("START") => drop(self.twilio.stopped.remove(&pair)),
                _ => {}
            }
        }
        let sid = format!("{}{id:0>32}", if media.is_empty() { "SM" } else { "MM" });
        let mut fields = vec![
            ("ToCountry", "US".to_owned()),
            ("SmsMessageSid", sid.clone()),
            ("NumMedia", media.len().to_string()),
            ("SmsStatus", "received".to_owned()),
            ("Body", text.to_owned()),
            ("To", to.to_owned()),
            ("NumSegments", "1".to_owned()),
            ("MessageSid", sid.clone()),
            ("AccountSid", self.config.twilio_account_sid.clone()),
            ("From", from.to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        if self.twilio.opt_outs == OptOuts::Advanced {
            fields.extend(kind.map(|kind| ("OptOutType", kind.to_owned())));
        }
        let account = &self.config.twilio_account_sid;
        let base = format!("{public_url}/2010-04-01/Accounts/{account}/Messages/{sid}/Media");
        let named: Vec<(String, String)> = (0..)
            .zip(media)
            .flat_map(|(place, file): (usize, &MediaView)| {
                let url = (format!("MediaUrl{place}"), format!("{base}/{}", file.id));
                [url, (format!("MediaContentType{place}"), file.mime.clone())]
            })
            .collect();
        fields.extend(named.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let now = self.now();
        self.queue_form(&url, &fields, Some(entry), now);
    }
}
