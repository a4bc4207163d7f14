//! Outreach on both engines.

mod campaign;
mod consent;
mod contact;
mod grid;
mod import;
mod keyword;
mod launch;
mod link;
mod merge;
mod names;
mod one_person;
mod opt_out;
mod pace;
mod programme;
mod routes;
mod rules;
mod senders;
mod suppression;
mod tables;
mod template_campaign;
mod template_cards;
mod template_consent;
mod template_files;
mod texts;
mod vote;
mod world;
