//! What benchmarks need beside the product. Each program in `src/bin` says in its documentation how it is run.

pub mod smsc;
