//! The desk on both engines.

mod bot;
mod cases;
mod changes;
mod closing_soon;
mod consent;
mod conversation;
mod crm;
mod customers;
mod forms;
mod identity;
mod inbound;
mod initiate;
mod language;
mod link;
mod linking;
mod mentions;
mod pending;
mod property;
mod recorded;
mod replies;
mod routing;
mod scene;
mod search;
mod sight;
mod templates;
mod transcripts;
