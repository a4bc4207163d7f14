//! The HTTP interface from outside, in process, on both engines where state matters.

mod access;
mod cross_site;
mod openapi;
mod problems;
mod support;
