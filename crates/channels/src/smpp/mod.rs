//! SMS over SMPP 3.4: one durable-minded session engine on top of the `rusmpp` PDU types.
//!
//! * [`SmppSession`] keeps one bind alive and submits messages; each submit ends in exactly one [`SubmitOutcome`].
//! * Inbound messages and receipts arrive as [`Delivery`] items. The carrier is answered only when the consumer calls
//!   [`Acknowledgement::ack`] — after the item is on disk — so a crash before that makes the carrier deliver again.
//! * Nothing is buffered across a broken link: what was not fully written is `NotSent` (safe to send again), what was
//!   written and not answered is `Unknown` (never safe). The durable queue is the caller's.
//!
//! PDUs are encoded by `rusmpp`. Incoming PDUs are framed and read here, because carriers break the field rules
//! (long ids, missing bodies, odd dates) and one odd PDU must not end the session.

mod address;
mod backoff;
mod config;
mod deliver;
mod frame;
mod link;
mod outcome;
pub(crate) mod pace;
mod receipt;
mod session;
mod status;
mod submit;
mod window;

pub use address::{AddressPlan, NumberingPlan};
pub use config::{BindKind, SmppConfig, UserReference};
pub use deliver::{Acknowledgement, Delivery, Inbound, MobileOriginated};
pub use outcome::SubmitOutcome;
pub use receipt::{Receipt, ReceiptState, id_candidates};
pub use session::{SessionState, SmppSession};
pub use status::{Meaning, Reaction, meaning};
pub use submit::{SubmitError, SubmitSms};
