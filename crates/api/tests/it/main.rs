//! The HTTP interface from outside, in process, on both engines where state matters.

mod access;
mod consent;
mod console;
mod contacts;
mod cross_site;
mod direct_messages;
mod imports;
mod links;
mod media;
mod openapi;
mod operations;
mod paging;
mod policy;
mod problems;
mod roles;
mod sample;
mod segments;
mod setup;
mod sight;
mod stream;
mod support;
mod twilio_server;
mod twilio_webhooks;
mod webhooks;
mod workspaces;
