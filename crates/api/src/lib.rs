//! The HTTP interface: REST with an OpenAPI description, the event stream, the providers' webhooks, short links, and
//! the console.
//!
//! A route is declared with its [`guard::Guard`]: who may call it is decided there and nowhere else, and the OpenAPI
//! document says the same. Handlers are short: authorise, call the crate of the domain, answer. Every refusal is a
//! [`Problem`] with a stable code and plain words.

mod arrivals;
mod caller;
mod client_address;
mod console;
mod errors;
mod events;
mod extract;
mod files_host;
mod guard;
mod headers;
mod idempotency;
mod link_host;
mod links;
mod observe;
mod openapi;
mod ops;
mod page;
mod problem;
mod room;
mod router;
mod same_origin;
mod serve_file;
mod state;
mod twilio;
mod v1;
mod webhook_channels;
mod webhooks;
pub mod whatsapp_items;

pub use console::is_embedded as console_is_embedded;
pub use events::{HEARTBEAT, POLL};
pub use guard::PERMISSION_EXTENSION;
pub use openapi::{openapi, operations};
pub use problem::{FieldProblem, Problem, ProblemDocument};
pub use router::router;
pub use state::{ApiConfig, AppState, Forwarded, MetricsAccess};
pub use twilio::StatusCallbacks;
