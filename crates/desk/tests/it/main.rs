//! The desk on both engines.

mod bot;
mod closing_soon;
mod consent;
mod conversation;
mod crm;
mod identity;
mod inbound;
mod initiate;
mod link;
mod pending;
mod property;
mod recorded;
mod replies;
mod routing;
mod scene;
mod templates;
