//! A workspace with a WhatsApp number, agents and customers.

use segue_channels::whatsapp::{Identity, InboundMessage, WebhookItem};
use segue_desk::{
    DeskError,
    closing::{CaseFate, EndSession},
    inbound::InboundError,
    messages::{Draft, NewReply},
};
use segue_model::conversation::{AutomaticMessage, ConversationSettings, Occasion};
use segue_model::{
    Ctx, OfferId, QueueId, SessionId, Timestamp, UserId, WorkspaceId, actor::Actor, role::Role, routing::PresenceStatus,
};
use segue_store::{
    Sql, Store, StoreError, Tx,
    access::User,
    channel::Channel,
    message::{MessageCursor, MessageView},
    routing::Queue,
    session::{SessionCursor, SessionFilter, SessionOutcome, SessionQuery, SessionView},
};
use segue_testkit::TestStore;
use serde_json::{Value, json};

/// Second of the provider's clock at which tests begin.
pub const START: Timestamp = segue_testkit::NOON;

pub struct Scene {
    pub test: TestStore,
    pub channel: Channel,
    pub queue: QueueId,
}

impl Scene {
    /// Sessions go straight to the queue `help`.
    pub async fn new(test: TestStore) -> Self {
        Self::with_flow(test, None).await
    }

    pub async fn with_flow(test: TestStore, flow: Option<&str>) -> Self {
        let mut channel = test.whatsapp_channel("shop", "http://127.0.0.1:1").await;
        channel.queue_slug = Some("help".to_owned());
        channel.flow_slug = flow.map(str::to_owned);
        let queue = Queue {
            id: test.ctx.id(),
            slug: "help".to_owned(),
            name: "Help".to_owned(),
            offer_seconds: 30,
            created_at: test.now(),
        };
        let (row, id) = (channel.clone(), queue.id);
        write(&test.store, move |tx| {
            tx.upsert_channel(&row)?;
            tx.upsert_queue(row.workspace_id, &queue)
        })
        .await;
        Self { test, channel, queue: id }
    }

    pub fn workspace(&self) -> WorkspaceId {
        self.test.workspace.id
    }

    pub fn store(&self) -> &Store {
        &self.test.store
    }

    pub fn ctx(&self) -> &Ctx {
        &self.test.ctx
    }

    /// Sets what the channel does by itself.
    pub async fn set(&mut self, change: impl FnOnce(&mut ConversationSettings)) {
        change(&mut self.channel.conversation);
        assert_eq!(self.channel.conversation.fault(), None);
        let channel = self.channel.clone();
        write(self.store(), move |tx| {
            tx.set_conversation_settings(channel.workspace_id, channel.id, &channel.conversation)
        })
        .await;
    }

    /// Switches an automatic message on.
    pub async fn say(&mut self, occasion: Occasion, text: &str) {
        let message = AutomaticMessage { enabled: true, text: text.to_owned(), texts: Vec::new() };
        self.set(|settings| drop(settings.messages.insert(occasion, message))).await;
    }

    /// What time brings about in conversations.
    pub async fn time_passes(&self) {
        let (ctx, workspace_id) = (self.ctx().clone(), self.workspace());
        let own = ctx.clone();
        write(self.store(), move |tx| segue_desk::sessions::go_quiet(tx, &own, workspace_id)).await;
        segue_desk::idle::sweep(self.store(), &ctx, workspace_id).await.unwrap();
        write(self.store(), move |tx| segue_desk::pending::expire(tx, &ctx, workspace_id)).await;
    }

    pub async fn end(&self, actor: &Actor, id: SessionId) {
        let end = EndSession { case: CaseFate::KeepOpen, outcome: SessionOutcome::None, reason: None };
        segue_desk::closing::end(self.store(), self.ctx(), self.workspace(), actor, id, end).await.unwrap();
    }

    /// A free text of an agent.
    pub async fn reply(
        &self,
        actor: &Actor,
        id: SessionId,
        client_id: &str,
        text: &str,
    ) -> Result<MessageView, DeskError> {
        let reply = NewReply { client_id: client_id.to_owned(), draft: text_draft(text), seen_seq: None };
        segue_desk::messages::send(self.store(), self.ctx(), self.workspace(), actor, id, reply).await
    }

    pub fn advance(&self, millis: i64) {
        self.test.clock.advance(millis);
    }

    /// Another queue, without members.
    pub async fn queue(&self, slug: &str) -> QueueId {
        let (id, created_at) = (self.ctx().id(), self.test.now());
        let queue = Queue { id, slug: slug.to_owned(), name: slug.to_owned(), offer_seconds: 30, created_at };
        let workspace_id = self.workspace();
        write(self.store(), move |tx| tx.upsert_queue(workspace_id, &queue)).await
    }

    /// An agent who is a member of the queue.
    pub async fn agent(&self, name: &str) -> Actor {
        self.user(name, Role::Agent).await
    }

    pub async fn user(&self, name: &str, role: Role) -> Actor {
        let user = User {
            id: self.ctx().id(),
            email: format!("{name}@example.com"),
            name: name.to_owned(),
            role,
            created_at: self.test.now(),
            disabled_at: None,
        };
        let actor = Actor::User { id: user.id, name: user.name.clone(), role };
        let (workspace_id, queue) = (self.workspace(), self.queue);
        write(self.store(), move |tx| {
            tx.insert_user(workspace_id, &user, "no password")?;
            let mut members: Vec<UserId> = tx
                .queue_views(workspace_id, Timestamp(0))?
                .into_iter()
                .filter(|view| view.id == queue)
                .flat_map(|view| view.members)
                .map(|member| member.user_id)
                .collect();
            if role == Role::Agent {
                members.push(user.id);
            }
            tx.set_queue_members(workspace_id, queue, &members)
        })
        .await;
        actor
    }

    /// Connected for a day and available.
    pub async fn available(&self, actor: &Actor) {
        let until = self.test.now().plus(86_400_000);
        let id = actor.user_id().unwrap();
        segue_desk::routing::seen(self.store(), self.ctx(), self.workspace(), id, until).await.unwrap();
        self.presence(actor, PresenceStatus::Available).await;
    }

    pub async fn presence(&self, actor: &Actor, status: PresenceStatus) {
        segue_desk::routing::set_presence(self.store(), self.ctx(), self.workspace(), actor, status).await.unwrap();
    }

    pub async fn sweep(&self) -> segue_desk::routing::Swept {
        let (ctx, workspace_id) = (self.ctx().clone(), self.workspace());
        write(self.store(), move |tx| segue_desk::routing::sweep(tx, &ctx, workspace_id)).await
    }

    pub async fn receive(&self, message: InboundMessage) {
        self.try_receive(WebhookItem::Message(Box::new(message))).await.unwrap();
    }

    pub async fn try_receive(&self, item: WebhookItem) -> Result<(), InboundError> {
        receive_in(self.store(), self.ctx(), &self.test.workspace, &self.channel, item).await
    }

    /// All sessions, newest first.
    pub async fn sessions(&self) -> Vec<SessionView> {
        let workspace_id = self.workspace();
        let query = SessionQuery {
            filter: SessionFilter::All,
            agent_id: None,
            member_id: None,
            search: None,
            after: SessionCursor::START,
            limit: 1_000,
        };
        write(self.store(), move |tx| tx.sessions(workspace_id, &query)).await
    }

    /// The only session.
    pub async fn session(&self) -> SessionView {
        let mut all = self.sessions().await;
        assert_eq!(all.len(), 1, "{}", self.test.engine);
        all.remove(0)
    }

    pub async fn transcript(&self, id: SessionId) -> Vec<MessageView> {
        let workspace_id = self.workspace();
        write(self.store(), move |tx| tx.messages_before(workspace_id, id, MessageCursor::END, 1_000)).await
    }

    /// Author and text of each entry.
    pub async fn lines(&self, id: SessionId) -> Vec<String> {
        self.transcript(id).await.iter().map(|entry| format!("{}: {}", entry.author.kind, entry.text)).collect()
    }

    /// The offers pending for an agent.
    pub async fn offers(&self, actor: &Actor) -> Vec<OfferId> {
        let (workspace_id, id) = (self.workspace(), actor.user_id().unwrap());
        let offers = write(self.store(), move |tx| tx.pending_offers_of_user(workspace_id, id)).await;
        offers.into_iter().map(|offer| offer.id).collect()
    }

    pub async fn accept(&self, actor: &Actor, offer: OfferId) -> Result<SessionView, DeskError> {
        segue_desk::routing::accept(self.store(), self.ctx(), self.workspace(), actor, offer).await
    }

    pub async fn decline(&self, actor: &Actor, offer: OfferId) -> Result<(), DeskError> {
        segue_desk::routing::decline(self.store(), self.ctx(), self.workspace(), actor, offer).await
    }

    /// Load of an agent in thousandths.
    pub async fn load(&self, actor: &Actor) -> u32 {
        let (workspace_id, id) = (self.workspace(), actor.user_id().unwrap());
        write(self.store(), move |tx| tx.known_presence(workspace_id, id)).await.map_or(0, |presence| presence.load)
    }

    /// A session that an agent has, with a message of the customer at `START`.
    pub async fn accepted(&self, actor: &Actor) -> SessionView {
        self.available(actor).await;
        self.receive(ana("wamid.1", START, "Hello")).await;
        self.sweep().await;
        let offer = self.offers(actor).await[0];
        self.accept(actor, offer).await.unwrap()
    }

    pub async fn count(&self, sql: &'static Sql) -> i64 {
        let workspace_id = self.workspace();
        write(self.store(), move |tx| tx.query_one(sql, &[&workspace_id], |row| row.next())).await
    }

    pub async fn texts(&self, sql: &'static Sql) -> Vec<String> {
        let workspace_id = self.workspace();
        write(self.store(), move |tx| tx.query(sql, &[&workspace_id], |row| row.next())).await
    }
}

pub fn text_draft(text: &str) -> Draft {
    Draft::Text { text: text.to_owned() }
}

pub async fn receive_in(
    store: &Store,
    ctx: &Ctx,
    workspace: &segue_store::workspace::Workspace,
    channel: &Channel,
    item: WebhookItem,
) -> Result<(), InboundError> {
    let (ctx, workspace, channel) = (ctx.clone(), workspace.clone(), channel.clone());
    store.write(move |tx| segue_desk::inbound::handle(tx, &ctx, &workspace, &channel, &item).map(|_| ())).await
}

pub async fn write<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write::<_, StoreError, _>(work).await.unwrap()
}

/// A customer whose number is visible.
pub fn phone(digits: &str) -> Identity {
    Identity {
        wa_id: Some(digits.to_owned()),
        phone: Some(format!("+{digits}")),
        profile_name: Some("Ana Lopez".to_owned()),
        ..Identity::default()
    }
}

/// A customer who hides the number.
pub fn hidden(bsuid: &str) -> Identity {
    Identity { bsuid: Some(bsuid.to_owned()), profile_name: Some("Ana Lopez".to_owned()), ..Identity::default() }
}

/// Provider's id of the channel's number.
const OUR_NUMBER: &str = "106540352242922";

pub fn message(identity: Identity, wamid: &str, at: Timestamp, message: Value) -> InboundMessage {
    InboundMessage {
        waba_id: "1".to_owned(),
        phone_number_id: OUR_NUMBER.to_owned(),
        display_phone_number: None,
        wamid: wamid.to_owned(),
        at: Some(at),
        identity,
        message,
    }
}

pub fn text(identity: Identity, wamid: &str, at: Timestamp, body: &str) -> InboundMessage {
    message(identity, wamid, at, json!({ "type": "text", "text": { "body": body } }))
}

pub const ANA: &str = "15550100001";

/// A text of the customer with the number [`ANA`].
pub fn ana(wamid: &str, at: Timestamp, body: &str) -> InboundMessage {
    text(phone(ANA), wamid, at, body)
}

pub static USERS: Sql = Sql::portable("USERS", "SELECT COUNT(*) FROM messaging_users WHERE workspace_id = $1");
pub static WORK_ITEMS: Sql = Sql::portable("WORK_ITEMS", "SELECT COUNT(*) FROM work_items WHERE workspace_id = $1");
pub static CONTACTS: Sql = Sql::portable("CONTACTS", "SELECT COUNT(*) FROM contacts WHERE workspace_id = $1");
pub static OUTBOX: Sql = Sql::portable("OUTBOX", "SELECT dedupe_key FROM outbox WHERE workspace_id = $1 ORDER BY id");
pub static EVENTS: Sql = Sql::portable("EVENTS", "SELECT kind FROM events WHERE workspace_id = $1 ORDER BY seq");
