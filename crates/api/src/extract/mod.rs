//! What handlers take from a request. Everything that cannot be read becomes a problem that names the field.

mod json;
mod path;
mod query;
mod upload;

pub(crate) use json::{Json, changed, read, read_inside, unreadable};
pub(crate) use path::{PathId, PathIds};
pub(crate) use query::Query;
pub(crate) use upload::{Form, Upload, spool};
