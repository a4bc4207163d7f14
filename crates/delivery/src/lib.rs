//! Delivery: the one way out for every message, whoever wrote it, and what providers report of it.
//!
//! claim → decide and record `submitting` ([`submission`]) → bytes leave → settle. One supervisor runs one worker per
//! channel: [`sms`] holds an SMPP session and works in [`turns`]; [`whatsapp`] and [`twilio`] call an HTTP service. What
//! carriers send us is on disk before it is acknowledged ([`inbound`]), long texts are joined ([`long_text`]), and [`reports`] folds receipts into the messages.
//!
//! # Why a crash is safe at each point
//! - *Before the claim commits*: the row is still queued.
//! - *Claimed, nothing recorded* (over SMPP the claim and the record are one transaction): nothing has left. The claim runs out, or the node takes it back when it starts again,
//!   and the row is queued.
//! - *`submitting` is recorded, before, while or after bytes leave*: nobody can know. The row becomes `unknown`, is shown
//!   as such and is never sent again by itself. A later report with the provider's id, or with our own id where the
//!   provider sends it back, resolves it.
//! - *After the answer, before it is stored*: the same; the report resolves it.
//!
//! No more messages can be in doubt than are `submitting`, and that is at most the channel's window.

mod account;
mod account_health;
mod alerts;
mod blocks;
mod channel_state;
mod check;
mod client;
mod condition;
pub mod erasure;
mod failover;
pub mod file_address;
mod files;
mod forms;
mod holds;
mod inbound;
pub mod long_text;
mod marketing_rest;
mod media;
mod meta_stop;
pub mod notices;
pub mod number_settings;
mod numbers;
mod progress;
mod rates;
mod reading;
pub mod reports;
mod room;
mod settle;
mod sms;
mod submission;
mod supervisor;
pub mod template_admin;
mod templates;
mod translate;
mod turns;
mod twilio;
mod uploads;
mod whatsapp;
mod window;

pub use blocks::tell as tell_block;
pub use check::{Check, check_channel, note_check, subscribe_webhook};
pub use client::DeliveryError;
pub use files::{FileStream, Files, FilesError};
pub use forms::sync as sync_forms;
pub use inbound::read_inbound;
pub use media::fetch as fetch_media;
pub use reading::{mark_read, show_customer};
pub use segue_channels::whatsapp::client::Typing;
pub use submission::{Begin, begin};
pub use supervisor::{Delivery, DeliveryConfig};
pub use templates::{apply_status as apply_template_status, read_again as read_template_again, sync as sync_templates};
