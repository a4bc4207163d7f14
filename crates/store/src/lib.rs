//! The only SQL of the product: one set of repositories over SQLite and PostgreSQL.
//!
//! # How to use it
//! `store.write(|tx| …).await` and `store.read(|tx| …).await` run a *synchronous* closure on a thread that owns a
//! connection. No `await` can stand inside a transaction, so no I/O can either.
//!
//! - A closure that returns an error or panics is rolled back alone; others of the same group commit stay.
//! - When `write` has answered `Ok`, the change is on disk.
//! - A closure may run more than once (PostgreSQL serialization failures and deadlocks), so it must not consume what it
//!   captured and must not have effects outside the transaction.
//!
//! # How to add a repository
//! One file per aggregate with a `sql!` block and an `impl Tx<'_>` block; list its module in [`registry`]. Rules:
//! 1. SQL is the common subset of SQLite and PostgreSQL with `$n` parameters; the few statements that must differ are
//!    given twice. A test prepares all of them on both engines.
//! 2. Every statement is bound to its workspace.
//! 3. Look-ups return `Option`; what breaks a rule of the domain is prevented by a constraint and found by
//!    `ON CONFLICT DO NOTHING` or a conditional `UPDATE` that reports the rows it changed. A constraint that fires as an
//!    error would end the whole transaction on PostgreSQL.
//! 4. PostgreSQL runs `READ COMMITTED`: a check and the change that depends on it need a conditional update, a unique
//!    constraint, or [`Tx::lock`] on the aggregate first.
//! 5. `SUM` and `AVG` are cast to `BIGINT`; optional text parameters are written `CAST($n AS TEXT) IS NULL OR …`.
//!    Conditions of segments are the one exception to fixed statements: `built` puts them together from fixed pieces and
//!    bound values, and cannot be given any other text.
//! 6. Time and ids come from the caller's `Ctx`.

mod backup;
mod built;
mod copied;
mod database_url;
pub mod early_deletion;
pub mod erasure;
pub mod erasure_copies;
mod error;
mod migrate;
mod planner;
mod postgres;
mod private;
mod queue;
mod row;
mod smpp_account;
mod sql;
mod sqlite;
mod store;
mod tx;
mod value;

pub mod access;
pub mod advertisement;
pub mod attachment;
pub mod audience;
pub mod campaign;
pub mod campaign_file;
pub mod campaign_hold;
pub mod campaign_run;
pub mod carried;
pub mod channel;
pub mod channel_file;
pub mod channel_notice;
pub mod charge;
pub mod click;
pub mod consent;
pub mod consent_chain;
mod consent_event;
pub mod consent_review;
pub mod consent_settings;
mod consent_state;
pub mod contact;
pub mod contact_address;
pub mod contact_deletion;
pub mod contact_merge;
pub mod contact_page;
pub mod contact_traces;
pub mod contact_upsert;
pub mod contact_view;
pub mod crm;
pub mod customer_address;
pub mod customer_block;
pub mod customer_language;
pub mod customer_link;
pub mod customer_merge;
pub mod dead_letter;
pub mod decision;
pub mod direct_message;
pub mod duplicate;
pub mod event;
pub mod failover;
pub mod flight;
pub mod flow;
pub mod form;
pub mod idempotency;
pub mod import;
pub mod import_change;
pub mod import_file;
pub mod inbound_part;
pub mod inbound_text;
pub mod inbox;
pub mod job;
pub mod language_hold;
pub mod link;
pub mod list;
pub mod marketing_rest;
pub mod media;
pub mod media_use;
pub mod mention;
pub mod message;
pub mod message_change;
pub mod message_details;
pub mod messaging_limit;
pub mod messaging_user;
pub mod opt_out;
pub mod outbox;
pub mod pace;
pub mod pending_reply;
pub mod population;
pub mod presence;
pub mod programme;
pub mod rate;
pub mod rate_card;
pub mod recipient;
pub mod registration;
mod repeat;
pub mod report;
pub mod restored;
pub mod route;
pub mod routing;
pub mod search;
pub mod segment;
pub mod sender_pool;
pub mod series;
pub mod session;
pub mod shared;
pub mod shown;
pub mod snippet;
pub mod submission;
pub mod subscription;
pub mod suppression;
pub mod table;
pub mod table_import;
pub mod table_look_up;
pub mod table_page;
pub mod table_row;
pub mod tally;
pub mod template;
pub mod template_consent;
pub mod template_recipient;
pub mod template_view;
pub mod text_file;
pub mod thread;
pub mod transcript_export;
pub mod volume;
pub mod vote;
mod withdrawal;
pub mod workspace;

pub use copied::{check_copy, end_log};
pub use error::StoreError;
pub use migrate::{Migration, SCHEMA_VERSION, refuse_others, schema_version};
pub use private::{private_directory, private_file};
pub use row::{Column, Row};
pub use sql::Sql;
pub use store::{Engine, REMOVED_AT_ONCE, Store, StoreConfig};
pub use tx::Tx;
pub use value::{Bind, Param};

/// Every statement of the product, by module. The test of this crate prepares all of them on both engines, and checks
/// that no module with a `sql!` block is missing here.
#[must_use]
pub fn registry() -> Vec<(&'static str, &'static [&'static Sql])> {
    vec![
        ("access", access::STATEMENTS),
        ("advertisement", advertisement::STATEMENTS),
        ("attachment", attachment::STATEMENTS),
        ("audience", audience::STATEMENTS),
        ("campaign", campaign::STATEMENTS),
        ("campaign_file", campaign_file::STATEMENTS),
        ("campaign_hold", campaign_hold::STATEMENTS),
        ("campaign_run", campaign_run::STATEMENTS),
        ("carried", carried::STATEMENTS),
        ("language_hold", language_hold::STATEMENTS),
        ("marketing_rest", marketing_rest::STATEMENTS),
        ("messaging_limit", messaging_limit::STATEMENTS),
        ("rate_card", rate_card::STATEMENTS),
        ("template_consent", template_consent::STATEMENTS),
        ("template_recipient", template_recipient::STATEMENTS),
        ("channel", channel::STATEMENTS),
        ("channel_file", channel_file::STATEMENTS),
        ("channel_notice", channel_notice::STATEMENTS),
        ("charge", charge::STATEMENTS),
        ("click", click::STATEMENTS),
        ("consent", consent::STATEMENTS),
        ("consent_chain", consent_chain::STATEMENTS),
        ("consent_review", consent_review::STATEMENTS),
        ("opt_out", opt_out::STATEMENTS),
        ("consent_state", consent_state::STATEMENTS),
        ("contact", contact::STATEMENTS),
        ("contact_address", contact_address::STATEMENTS),
        ("contact_deletion", contact_deletion::STATEMENTS),
        ("contact_merge", contact_merge::STATEMENTS),
        ("contact_traces", contact_traces::STATEMENTS),
        ("contact_page", contact_page::STATEMENTS),
        ("contact_view", contact_view::STATEMENTS),
        ("crm", crm::STATEMENTS),
        ("customer_address", customer_address::STATEMENTS),
        ("customer_block", customer_block::STATEMENTS),
        ("customer_language", customer_language::STATEMENTS),
        ("customer_link", customer_link::STATEMENTS),
        ("customer_merge", customer_merge::STATEMENTS),
        ("dead_letter", dead_letter::STATEMENTS),
        ("decision", decision::STATEMENTS),
        ("direct_message", direct_message::STATEMENTS),
        ("duplicate", duplicate::STATEMENTS),
        ("early_deletion", early_deletion::STATEMENTS),
        ("erasure", erasure::STATEMENTS),
        ("erasure_copies", erasure_copies::STATEMENTS),
        ("event", event::STATEMENTS),
        ("failover", failover::STATEMENTS),
        ("flight", flight::STATEMENTS),
        ("flow", flow::STATEMENTS),
        ("form", form::STATEMENTS),
        ("idempotency", idempotency::STATEMENTS),
        ("import", import::STATEMENTS),
        ("import_change", import_change::STATEMENTS),
        ("import_file", import_file::STATEMENTS),
        ("inbound_part", inbound_part::STATEMENTS),
        ("inbound_text", inbound_text::STATEMENTS),
        ("inbox", inbox::STATEMENTS),
        ("job", job::STATEMENTS),
        ("link", link::STATEMENTS),
        ("list", list::STATEMENTS),
        ("media", media::STATEMENTS),
        ("media_use", media_use::STATEMENTS),
        ("mention", mention::STATEMENTS),
        ("message", message::STATEMENTS),
        ("message_change", message_change::STATEMENTS),
        ("messaging_user", messaging_user::STATEMENTS),
        ("outbox", outbox::STATEMENTS),
        ("pace", pace::STATEMENTS),
        ("pending_reply", pending_reply::STATEMENTS),
        ("population", population::STATEMENTS),
        ("presence", presence::STATEMENTS),
        ("programme", programme::STATEMENTS),
        ("rate", rate::STATEMENTS),
        ("recipient", recipient::STATEMENTS),
        ("registration", registration::STATEMENTS),
        ("repeat", repeat::STATEMENTS),
        ("registration", registration::STATEMENTS),
        ("report", report::STATEMENTS),
        ("restored", restored::STATEMENTS),
        ("route", route::STATEMENTS),
        ("routing", routing::STATEMENTS),
        ("search", search::STATEMENTS),
        ("segment", segment::STATEMENTS),
        ("sender_pool", sender_pool::STATEMENTS),
        ("series", series::STATEMENTS),
        ("session", session::STATEMENTS),
        ("snippet", snippet::STATEMENTS),
        ("submission", submission::STATEMENTS),
        ("table", table::STATEMENTS),
        ("table_import", table_import::STATEMENTS),
        ("table_page", table_page::STATEMENTS),
        ("table_row", table_row::STATEMENTS),
        ("tally", tally::STATEMENTS),
        ("subscription", subscription::STATEMENTS),
        ("suppression", suppression::STATEMENTS),
        ("template", template::STATEMENTS),
        ("text_file", text_file::STATEMENTS),
        ("thread", thread::STATEMENTS),
        ("transcript_export", transcript_export::STATEMENTS),
        ("volume", volume::STATEMENTS),
        ("vote", vote::STATEMENTS),
        ("withdrawal", withdrawal::STATEMENTS),
        ("workspace", workspace::STATEMENTS),
    ]
}
