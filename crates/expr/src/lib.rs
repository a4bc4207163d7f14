//! Conditions over contacts, written in CEL: `contact.city == "Berlin" && clicked(90) && !on_list("lst_…")`.
//!
//! [`Condition::read`] takes the text apart with the `cel` parser and keeps what has a meaning here as a small closed
//! tree; anything else is refused in words, with its place. So a condition always has an answer: a field that a contact
//! does not have reads as the empty text, and a comparison of numbers with something that is no number is false.
//! `segue-store` turns the tree into SQL; [`Condition::holds`] is the same meaning row by row, for what SQL has no
//! portable word for ([`Test::is_of_rows`]).
//!
//! | written | meaning |
//! |---|---|
//! | `contact.city == "Berlin"`, `contact["loyalty level"] in ["gold", "silver"]` | a standard field or attribute |
//! | `.contains()`, `.startsWith()`, `.endsWith()`, `.matches()`, `.lowerAscii()` | of a field |
//! | `has(contact.city)` | the field has any value |
//! | `int(contact.points) >= 100`, `double(contact.rating) > 4.5` | numbers |
//! | `clicked()`, `clicked(30)`, `clicked("cmp_…")`, `clicked("cmp_…", 30)` | ever, in the last days, in a campaign |
//! | `received`, `delivered`, `chatted`, `replied` | as `clicked` |
//! | `consent("sms") == "granted"` | consent to promotional messages |
//! | `on_list("lst_…")`, `suppressed()`, `created_within(30)` | membership, suppression list, age in days |
//!
//! | `has_row("orders")`, `has_row("orders", row.status == "open")` | a row of a table is linked to the contact |
//! | `count_rows("orders", double(row.total) >= 100) >= 3` | how many are |
//! | `day(row.due) < "2026-03-31"`, `within(row.due, 30)`, `ahead(row.due, 7)` | of a row: days, counted from today |
//!
//! Size and depth are bounded: [`LONGEST`], [`MOST_TESTS`], [`MOST_VALUES`], and the depth in `bounds`.

mod bounds;
mod condition;
mod problem;
mod read;
mod rows;
mod table;
mod write;

pub use condition::{Case, Compare, Condition, Event, FieldName, Order, Pattern, Side, Subject, TableName, Test};
pub use problem::{Place, ReadProblem};
pub use rows::{Group, Item, Join, Operator, Row, Topic};
pub use table::ColumnTest;

/// Most characters of a condition's text.
pub const LONGEST: usize = 8_000;
/// Most single tests in one condition.
pub const MOST_TESTS: usize = 100;
/// Most values in one `in [...]`.
pub const MOST_VALUES: usize = 500;
/// Most days a test may look back.
pub const MOST_DAYS: u32 = 3_650;
