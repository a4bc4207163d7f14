//! The endpoints, one file per resource. A handler authorises by its route's guard, calls the crate of the domain, and
//! answers; what things mean and when they are allowed is decided there.

mod advertisements;
mod api_keys;
mod attachments;
mod bootstrap;
mod campaign_actions;
mod campaign_files;
mod campaign_links;
mod campaigns;
mod cases;
mod channel_actions;
mod channel_notices;
mod channel_number;
mod channel_prices;
mod channels;
mod consent_events;
mod consent_reviews;
mod consent_settings;
mod contact_bulk;
mod contact_consent;
mod contact_views;
mod contacts;
mod conversation_settings;
mod customers;
mod dead_letters;
mod direct_messages;
mod file_check;
mod flows;
mod forms;
mod imports;
mod keywords;
mod leads;
mod link_domains;
mod linking_rules;
mod lists;
mod login;
mod marketing;
mod media;
mod mentions;
mod merges;
mod message_batches;
mod message_search;
mod messages;
mod offers;
mod panel;
mod pending_replies;
mod policy;
mod presence;
mod programmes;
mod queues;
mod quick_replies;
mod recipients;
mod registrations;
mod segments;
mod sender_pools;
mod sender_routes;
mod senders;
mod sessions;
mod setup_status;
mod sight;
mod snippets;
mod suppressions;
mod tables;
mod templates;
pub(crate) mod text_files;
mod transcripts;
mod users;
mod votes;
mod workspace;

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

/// All endpoints below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    [
        login::router(),
        users::router(),
        api_keys::router(),
        workspace::router(),
        policy::router(),
        setup_status::router(),
        channels::router(),
        channel_prices::router(),
        channel_actions::router(),
        channel_notices::router(),
        channel_number::router(),
        advertisements::router(),
        conversation_settings::router(),
        marketing::router(),
        senders::router(),
        sender_routes::router(),
        sender_pools::router(),
        registrations::router(),
        link_domains::router(),
        linking_rules::router(),
        queues::router(),
        file_check::router(),
        flows::router(),
        forms::router(),
        templates::router(),
        contacts::router(),
        contact_bulk::router(),
        contact_views::router(),
        merges::router(),
        consent_events::router(),
        contact_consent::router(),
        consent_reviews::router(),
        consent_settings::router(),
        programmes::router(),
        keywords::router(),
        votes::router(),
        lists::router(),
        segments::router(),
        imports::router(),
        tables::router(),
        campaigns::router(),
        campaign_actions::router(),
        campaign_files::router(),
        text_files::router(),
        campaign_links::router(),
        snippets::router(),
        suppressions::router(),
        recipients::router(),
        bootstrap::router(),
        sessions::router(),
        direct_messages::router(),
        message_batches::router(),
        messages::router(),
        pending_replies::router(),
        mentions::router(),
        message_search::router(),
        attachments::router(),
        transcripts::router(),
        media::router(),
        panel::router(),
        customers::router(),
        leads::router(),
        cases::router(),
        presence::router(),
        offers::router(),
        quick_replies::router(),
        dead_letters::router(),
    ]
    .into_iter()
    .fold(OpenApiRouter::new(), OpenApiRouter::merge)
}
