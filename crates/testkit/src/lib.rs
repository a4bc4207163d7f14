//! What the tests of the other crates stand on: open stores on both engines, a clock that is moved by hand, and rows
//! to begin with.
//!
//! ```no_run
//! # async fn example() {
//! for test in segue_testkit::engines().await {
//!     let channel = test.sms_channel("carrier").await;
//!     test.store.write(move |tx| tx.channels(channel.workspace_id)).await.unwrap();
//! }
//! # }
//! ```

pub mod bucket;
pub mod clamd;
mod fixture;
mod port;
mod postgres;
mod store;

pub use crate::{
    port::Port,
    postgres::Cluster,
    store::{NOON, TestStore, engines, postgres_database, postgres_store, sqlite_store, store_on},
};
