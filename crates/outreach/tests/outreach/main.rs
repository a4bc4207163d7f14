//! Outreach on both engines.

mod campaign;
mod consent;
mod contact;
mod import;
mod keyword;
mod launch;
mod link;
mod opt_out;
mod programme;
mod suppression;
mod texts;
mod world;
