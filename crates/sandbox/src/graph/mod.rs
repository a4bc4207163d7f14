//! The Graph face: the endpoints of the WhatsApp Cloud API that a business platform uses, with their rules and errors.

pub(crate) mod account;
mod blocking;
pub(crate) mod error;
pub(crate) mod forms;
pub(crate) mod inbound;
pub(crate) mod media;
pub(crate) mod messages;
pub(crate) mod number;
pub(crate) mod outgoing;
pub(crate) mod rendering;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod sending;
pub(crate) mod statuses;
mod template_edges;
mod template_extras;
mod template_rules;
pub(crate) mod templates;
pub(crate) mod uploads;

pub(crate) use routes::router;
pub(crate) use template_edges::{Decision, Reviewer};
