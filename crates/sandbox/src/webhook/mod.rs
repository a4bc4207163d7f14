//! Webhooks: what they look like, the queue they wait in, and the worker that posts them.

pub(crate) mod coexistence;
pub(crate) mod payload;
pub(crate) mod queue;
pub(crate) mod wire;
pub(crate) mod worker;
