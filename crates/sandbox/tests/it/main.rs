//! The sandbox from outside: an SMPP client, a webhook receiver and HTTP requests against a running one.

mod bench;
mod chat;
mod clock;
mod coexistence;
mod depth;
mod faults;
mod forms;
mod handset;
mod limits;
mod pages;
mod receiver;
mod shapes;
mod smpp;
mod sms;
mod templates;
