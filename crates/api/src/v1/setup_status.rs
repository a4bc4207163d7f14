//! How far the workspace is set up.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::queues;
use segue_store::{
    StoreError,
    access::User,
    channel::{Channel, ChannelConfig, ChannelKind, ChannelState, Registration, Sender},
    flow::FlowView,
    routing::QueueView,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{channels::ChannelBody, senders::SenderBody};
use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
}

/// One thing to do before the first campaign.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct ChecklistItem {
    key: &'static str,
    label: &'static str,
    done: bool,
    /// What to do.
    hint: &'static str,
}

#[derive(Serialize, ToSchema)]
struct SetupStatus {
    channels: Vec<ChannelBody>,
    senders: Vec<SenderBody>,
    queues: Vec<QueueView>,
    users: Vec<User>,
    flows: Vec<FlowView>,
    checklist: Vec<ChecklistItem>,
}

/// Channels, senders, queues, users and flows, and what is still to be done.
#[utoipa::path(get, path = "/api/v1/setup-status", operation_id = "get_setup_status", tag = "setup",
    responses((status = 200, body = SetupStatus)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<SetupStatus>, Problem> {
    let workspace_id = caller.workspace_id;
    let queues = queues::list(&state.store, &state.ctx, workspace_id).await?;
    let read = state.store.read::<_, StoreError, _>(move |tx| {
        let approved = tx.templates(workspace_id)?.iter().any(|template| template.status == "APPROVED");
        Ok((
            tx.channels(workspace_id)?,
            tx.senders(workspace_id)?,
            tx.users(workspace_id)?,
            tx.flows(workspace_id)?,
            approved,
        ))
    });
    let (channels, senders, users, flows, has_template) = read.await?;
    let checklist = checklist(&channels, &senders, &queues, &flows, has_template);
    // Who else works here is for those who manage access; the rest see themselves.
    let sees_users = caller.may(Permission::ManageAccess);
    let users = users.into_iter().filter(|user| sees_users || Some(user.id) == caller.user_id()).collect();
    Ok(Json(SetupStatus {
        channels: channels.into_iter().map(ChannelBody::from).collect(),
        senders: senders.into_iter().map(SenderBody::from).collect(),
        queues,
        users,
        flows,
        checklist,
    }))
}

fn checklist(
    channels: &[Channel],
    senders: &[Sender],
    queues: &[QueueView],
    flows: &[FlowView],
    has_template: bool,
) -> Vec<ChecklistItem> {
    let of = |kind| channels.iter().filter(move |channel| channel.config.kind() == kind);
    let connected = |kind| of(kind).any(|channel| channel.state == ChannelState::Connected);
    let heard = of(ChannelKind::WhatsApp).any(|channel| channel.last_inbound_at.is_some());
    let greeted = of(ChannelKind::WhatsApp).any(|channel| channel.flow_slug.is_some() || channel.queue_slug.is_some());
    let keys = channels.iter().any(|channel| matches!(&channel.config, ChannelConfig::WhatsApp(_)));
    let item = |key, label, done, hint| ChecklistItem { key, label, done, hint };
    vec![
        item(
            "sms_channel",
            "SMS account connected",
            connected(ChannelKind::Smpp) || connected(ChannelKind::Twilio),
            "Add the account of your SMS carrier, by SMPP or by HTTP in Twilio's dialect.",
        ),
        item(
            "sender",
            "Sender registered",
            senders.iter().any(|sender| sender.registration == Registration::Active),
            "Add the number or name that your texts go out from, as the carrier registered it.",
        ),
        item(
            "whatsapp_channel",
            "WhatsApp number added",
            keys,
            "Add the number with its access token and app secret from Meta's app dashboard.",
        ),
        item(
            "webhook",
            "Webhook receives",
            heard,
            "Register the channel's webhook address and verify token at Meta, then send the number a message.",
        ),
        item(
            "template",
            "Template approved",
            has_template,
            "Synchronise the templates; without an approved one nobody can be answered after 24 hours.",
        ),
        item(
            "queue",
            "Queue with agents",
            queues.iter().any(|queue| !queue.members.is_empty()),
            "Create a queue and put the agents into it who answer its conversations.",
        ),
        item(
            "flow",
            "Bot published",
            flows.iter().any(|flow| flow.published_version.is_some()),
            "Publish a bot that greets customers and asks what they need. It can be left out.",
        ),
        item(
            "greeting",
            "Conversations have a way",
            greeted,
            "Give the WhatsApp channel a bot or a queue, so that new conversations do not wait unseen.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_workspace_has_everything_to_do() {
        let list = checklist(&[], &[], &[], &[], false);
        assert!(list.iter().all(|item| !item.done && item.hint.len() > 20));
        assert!(checklist(&[], &[], &[], &[], true).iter().any(|item| item.key == "template" && item.done));
    }
}
