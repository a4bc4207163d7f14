//! The only crate that knows providers: SMS carriers over SMPP, SMS providers over Twilio's REST dialect, the WhatsApp
//! Cloud API, file storage that speaks S3, and the virus checker.
//!
//! It turns the product's wishes (send this text to that number) into provider traffic, and provider traffic into
//! plain items the rest of the product stores and processes. It knows nothing of the database: every inbound item
//! carries what the inbox needs (an id against duplicates, the customer it belongs to), and every send ends in one
//! of four outcomes, the same for all providers:
//!
//! | outcome | meaning | what the caller may do |
//! |---|---|---|
//! | `Accepted` | the provider took it and named it | wait for receipts |
//! | `NotSent` | it certainly did not leave, or was answered "not now" | try again |
//! | `Refused` | the provider said no for good | show the reason |
//! | `Unknown` | it may have left; no answer came | never resend blindly; wait for a receipt |
//!
//! Phone numbers, names and texts never reach a log line from here: types that hold them have a `Debug` without contents.

pub mod bucket;
pub mod clamd;
mod debug;
pub mod error_class;
pub mod fuzz;
pub mod http;
pub mod outgoing;
pub mod smpp;
pub mod text;
pub mod twilio;
pub mod whatsapp;

pub use error_class::ErrorClass;
