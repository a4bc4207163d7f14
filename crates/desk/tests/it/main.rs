//! The desk on both engines.

mod bot;
mod consent;
mod crm;
mod customers;
mod identity;
mod inbound;
mod link;
mod linking;
mod property;
mod recorded;
mod replies;
mod routing;
mod scene;
mod search;
