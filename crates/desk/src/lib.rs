//! Conversations: what customers write, the bot that answers first, and the agents who take over.
//!
//! - [`inbound`] turns one item of the inbox into everything it means, in one transaction: Messaging User, session,
//!   transcript entry, service window, attribution, link to a contact, consent, bot turn, work item.
//! - [`routing`] offers waiting sessions to agents with free capacity.
//! - [`pending`] keeps replies until the customer answers; [`idle`] acts on silence; [`initiate`] is an agent who writes
//!   first. [`transcript`] takes conversations out as files.
//! - [`shown`] is what customers see of being attended to.
//! - [`messages`], [`mentions`], [`sessions`], [`closing`], [`leads`], [`cases`], [`linking`], [`flows`] and [`queues`] are what
//!   agents, supervisors and admins do, each function one transaction.
//!
//! Locks are always taken in this order: customer, session, routing. Every change of a session happens under its lock
//! ([`segue_store::Tx::session_to_change`]). Events are collected in [`notice::Notices`] and written once at the end,
//! so that all of them show the same, final state.

mod automatic;
pub mod blocks;
pub mod bootstrap;
pub mod bot;
mod bot_needs;
pub mod cases;
pub mod closing;
mod compose;
pub mod customers;
pub mod error;
pub mod flight;
pub mod flows;
pub mod idle;
pub mod inbound;
pub mod initiate;
pub mod language;
pub mod leads;
pub mod linking;
pub mod mentions;
pub mod messages;
pub mod notice;
pub mod panel;
pub mod pending;
pub mod queues;
pub mod routing;
mod say;
pub mod search;
pub mod sessions;
pub mod shown;
pub mod sight;
pub mod template_choice;
mod template_message;
pub mod transcript;

pub use error::DeskError;
