//! The SMS carrier: text codecs, the network between carrier and handsets, and the SMPP 3.4 server.

pub(crate) mod carrier;
pub(crate) mod fast;
pub(crate) mod network;
pub(crate) mod receipt;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod text;
