//! SMS over SMPP 3.4: one durable-minded session engine.
//!
//! * [`SmppSession`] keeps the binds of an account alive and submits messages, many at a time; each submit ends in exactly
//!   one [`SubmitOutcome`].
//! * Inbound messages and receipts arrive as [`Delivery`] groups. The carrier is answered only when the consumer calls
//!   [`Acknowledgement::ack`] — after the items are on disk — so a crash before that makes the carrier deliver again.
//! * Nothing is buffered across a broken link: what was not fully written is `NotSent` (safe to send again), what was
//!   written and not answered is `Unknown` (never safe). The durable queue is the caller's.
//!
//! PDUs are written and read here: carriers break the field rules (long ids, missing bodies, odd dates) and one odd PDU
//! must not end the session; accounts want octets in submits that no typed form knows; and a message may cost no more
//! than a few microseconds. The tests check what is written with a PDU library that has never seen this code.

mod account;
mod address;
mod backoff;
mod config;
mod deliver;
mod encode;
mod form;
mod frame;
pub(crate) mod fuzz;
mod link;
mod outcome;
pub(crate) mod pace;
mod queue;
mod receipt;
mod references;
mod session;
mod stats;
mod status;
mod submit;
mod tls;
mod window;

pub use address::{AddressPlan, NumberingPlan};
pub use config::{BindKind, BindRole, SmppConfig};
pub use deliver::{Acknowledgement, Delivery, Inbound, MobileOriginated};
pub use form::{Alphabet, Display, FixedField, LongMessages, SubmitForm, UserReference};
pub use outcome::SubmitOutcome;
pub use queue::{Outcomes, Settled, Submission};
pub use receipt::{Receipt, ReceiptState, id_candidates};
pub use session::{SessionState, SmppSession};
pub use stats::SmppStats;
pub use status::{Meaning, Reaction, meaning};
pub use submit::{SubmitError, SubmitSms};
pub use tls::{Tls, TlsError, Trust};
