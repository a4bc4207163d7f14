//! The product's story in one process on both engines: real SMPP, real HTTP, real webhooks, and clocks that only move
//! when the test moves them.

mod bad_input;
mod campaign;
mod conversation;
mod direct;
mod golden_path;
mod inbox;
mod routing;
mod together;
mod twilio;
mod upkeep;
mod world;
