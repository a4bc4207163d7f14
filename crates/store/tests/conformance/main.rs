//! The store's machinery and the repositories that move messages, on both engines.

mod campaign_file;
mod carried;
mod commands;
mod contact_traces;
mod customer_language;
mod customer_link;
mod decision;
mod events;
mod flow_file;
mod form;
mod free_entry;
mod idempotency;
mod inbox;
mod job;
mod media;
mod messaging_limit;
mod outbox;
mod population;
mod rate;
mod registration;
mod report;
mod restored;
mod route;
mod schema;
mod sender_pool;
mod suppression;
mod table;
mod tally;
mod template;
mod withdrawal;

use segue_model::{
    MessageId, Timestamp,
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    policy::{Approval, Content, Decision, Known, Listed, Permit, Question, QuietHours},
};
use segue_store::{
    Sql, StoreError, Tx,
    channel::Channel,
    outbox::{AddressKind, Claim, NewOutbox, OutboxMessage, Payload},
};
use segue_testkit::TestStore;

/// Runs a command that must succeed.
async fn write<T: Send + 'static>(
    test: &TestStore,
    command: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    test.store.write(command).await.unwrap_or_else(|error| panic!("{}: {error}", test.engine))
}

/// A text to `address`, due now.
fn message(test: &TestStore, channel: &Channel, address: &str) -> NewOutbox {
    let id: MessageId = test.ctx.id();
    let content = SmsContent::of_text("+15550100".to_owned(), "Hello".to_owned());
    NewOutbox {
        id,
        channel_id: channel.id,
        class: MessageClass::Service,
        dedupe_key: id.to_string(),
        address: address.to_owned(),
        address_kind: AddressKind::Phone,
        payload: Payload::of(&content).unwrap(),
        campaign: None,
        session_id: None,
        not_before: test.now(),
        expires_at: None,
        segments: Some(1),
    }
}

async fn enqueue(test: &TestStore, message: &NewOutbox) -> bool {
    let (workspace_id, message, now) = (test.workspace_id(), message.clone(), test.now());
    write(test, move |tx| tx.enqueue(workspace_id, &message, now)).await
}

/// Claims for half a minute.
async fn claim(test: &TestStore, channel: &Channel, owner: &'static str, limit: u32) -> Vec<OutboxMessage> {
    let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
    write(test, move |tx| {
        tx.claim_outbox(workspace_id, channel_id, &Claim { owner, limit, lease_until: now.plus(30_000), now })
    })
    .await
}

/// Claims and marks as being submitted.
async fn submit(test: &TestStore, channel: &Channel, owner: &'static str) -> OutboxMessage {
    let claimed = claim(test, channel, owner, 1).await.pop().expect("a message is due");
    let (copy, permit) = (claimed.clone(), permit(test.now()));
    assert!(write(test, move |tx| tx.mark_submitting(&copy, permit, permit.decided_at().plus(30_000))).await);
    claimed
}

fn permit(now: Timestamp) -> Permit {
    let question = Question {
        now,
        class: MessageClass::Service,
        content: Content::Sms,
        address: Known::Yes,
        consent: segue_model::consent::ConsentState::None,
        of_template: segue_model::consent::TemplateConsent::NOTHING,
        suppression: Listed::No,
        quiet_hours: QuietHours::NONE,
        time_zones: &[],
        window_expires_at: None,
        template: Approval::Approved,
        sender: Approval::Approved,
        not_cleared: None,
        expires_at: None,
        limits: segue_model::policy::Limits::NONE,
        campaign_template: None,
    };
    match segue_model::policy::decide(&question) {
        Decision::Send(permit) => permit,
        other => panic!("{other:?}"),
    }
}

static STATE: Sql = Sql::portable("STATE", "SELECT state FROM outbox WHERE workspace_id = $1 AND id = $2");

async fn state(test: &TestStore, id: MessageId) -> OutboxState {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.query_one(&STATE, &[&workspace_id, &id], |row| row.word())).await
}
