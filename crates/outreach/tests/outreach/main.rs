//! Outreach on both engines.

mod campaign;
mod consent;
mod contact;
mod import;
mod keyword;
mod link;
mod opt_out;
mod programme;
mod world;
