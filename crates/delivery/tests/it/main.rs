//! Delivery against an emulated carrier and an emulated WhatsApp, over the real protocols, on both databases. What
//! really arrived is read from their ledger, never from the product.

mod account_trouble;
mod bench;
mod campaign_files;
mod campaign_rules;
mod caps;
mod carriers;
mod crash;
mod failover;
mod files;
mod forms;
mod last_look;
mod long_text;
mod mms;
mod number;
mod number_limits;
mod senders;
mod sms;
mod spring;
mod template_campaign;
mod template_cards;
mod templates;
mod twilio;
mod virus_check;
mod whatsapp;
mod whatsapp_account;
