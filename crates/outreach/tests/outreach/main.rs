//! Outreach on both engines.

mod campaign;
mod consent;
mod contact;
mod import;
mod keyword;
mod launch;
mod link;
mod opt_out;
mod pace;
mod programme;
mod senders;
mod suppression;
mod texts;
mod world;
