//! Bots: a conversation written down as a graph of steps, and the interpreter that walks it.
//!
//! A [`Definition`] is YAML, checked by [`parse`] before it is published. [`step`] is the whole interpreter: a pure
//! function from (definition, state, event, now) to (state, effects). It does no I/O, reads no clock and keeps nothing
//! between calls, so the caller can store the new state and the effects in one transaction: a crash before the commit
//! leaves the old state, and the event is taken again; a crash after it leaves both, and the event's id is in the state,
//! so taking it again changes nothing. The caller keys effects by (run, turn, position in the list).
//!
//! Invariants: one turn takes at most [`MAX_HOPS`] steps; whatever fails ends with a person (a hand-over), never in
//! silence; after a hand-over the bot says nothing more. A form that cannot be offered counts as a question that was not
//! answered and leads to its `on_fail`; a file that is not here ends with a person.

pub mod answer;
pub mod conversation;
pub mod definition;
mod interpreter;
mod lint;
mod lint_text;
pub mod problem;
pub mod run;
mod source;
pub mod surroundings;
pub mod template;

pub use definition::Definition;
pub use interpreter::{MAX_HOPS, step, step_in};
pub use problem::Problem;
pub use run::{Context, Effect, Event, EventKind, Gathered, HandoverReason, RunState, RunStatus, StepResult};
pub use source::{located, parse, schema};
pub use surroundings::{FileKind, KnownForm, Named, Surroundings};
