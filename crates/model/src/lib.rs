//! The words and rules of Segue's domain. Pure: nothing here reads a clock, a file, a socket or a database.
//!
//! Functions take `now` as a parameter; whoever needs the time or a fresh id is handed a [`Ctx`]. States are enums
//! with a transition function, so an impossible change is an error value and never a row in the database.

pub mod actor;
pub mod attribute;
pub mod attribution;
pub mod bounce;
pub mod campaign;
pub mod capability;
pub mod charge;
pub mod code;
pub mod consent;
pub mod contact;
pub mod content;
pub mod conversation;
pub mod ctx;
pub mod delivery;
pub mod duplicate;
pub mod file_type;
pub mod frequency;
pub mod holiday;
pub mod id;
pub mod keyword;
pub mod language;
pub mod linking;
pub mod notice;
pub mod open_hours;
pub mod opt_out_line;
pub mod phone;
pub mod place;
pub mod plain;
pub mod policy;
pub mod pool;
pub mod programme;
pub mod quiet_hours;
pub mod rate;
pub mod rate_card;
pub mod registration;
pub mod revocation;
pub mod role;
pub mod routing;
pub mod rule_book;
pub mod schedule;
pub mod search;
pub mod sender;
pub mod session;
pub mod spreadsheet;
pub mod template;
mod template_components;
pub mod template_lint;
pub mod template_rules;
pub mod template_values;
pub mod text_enum;
pub mod text_lint;
pub mod time;
pub mod time_zone;
pub mod variant;
pub mod wake;
pub mod week_hours;
pub mod window;

pub use ctx::{Clock, Ctx, ManualClock, SystemClock};
pub use id::*;
pub use phone::PhoneNumber;
pub use place::{Place, place_of_phone};
pub use time::Timestamp;
pub use time_zone::zones_for_phone;
