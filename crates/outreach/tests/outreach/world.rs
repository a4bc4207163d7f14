//! An installation with an SMS account, a WhatsApp number and what tests ask of them.

use segue_model::{
    CampaignId, PhoneNumber, Timestamp, WorkspaceId,
    actor::Actor,
    campaign::{CampaignAction, Footer},
    consent::{ConsentAction, ConsentMethod, Medium, Purpose},
};
use segue_outreach::{LinkConfig, Links, OutreachError, Redirects, campaign};
use segue_store::{
    Sql, StoreError, Tx,
    campaign::{Audience, CampaignInput, CampaignView},
    channel::{Channel, Sender},
    consent::NewConsentEvent,
};
use segue_testkit::TestStore;
use serde_json::{Value, json};

/// It is noon in New York and day all over the continent.
pub struct World {
    pub test: TestStore,
    pub links: Links,
    pub redirects: Redirects,
    pub sms: Channel,
    pub whatsapp: Channel,
    pub sender: Sender,
}

static MESSAGES: Sql = Sql::portable(
    "MESSAGES",
    "SELECT address, class, state, not_before, payload, dedupe_key FROM outbox WHERE workspace_id = $1 ORDER BY id",
);
static ALL_CAMPAIGNS: Sql = Sql::portable("ALL_CAMPAIGNS", "SELECT id FROM campaigns WHERE workspace_id = $1");
static SET_MESSAGE_STATE: Sql =
    Sql::portable("SET_MESSAGE_STATE", "UPDATE outbox SET state = $3 WHERE workspace_id = $1 AND address = $2");
static JOBS: Sql =
    Sql::portable("JOBS", "SELECT payload FROM jobs WHERE workspace_id = $1 AND kind = 'plan_campaign' ORDER BY id");

static JOBS_OF: Sql =
    Sql::portable("JOBS_OF", "SELECT payload FROM jobs WHERE workspace_id = $1 AND kind = $2 ORDER BY id");

/// A row of the outbox.
#[derive(Debug, Clone)]
pub struct Message {
    pub address: String,
    pub class: String,
    pub state: String,
    pub not_before: Timestamp,
    pub source: String,
    pub text: String,
    pub dedupe_key: Option<String>,
}

pub async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for test in segue_testkit::engines().await {
        let sms = test.sms_channel("carrier").await;
        let whatsapp = test.whatsapp_channel("whatsapp", "http://127.0.0.1:9").await;
        let sender = test.sender(sms.id, "+15550000000").await;
        let links = Links::load(&test.store, &test.ctx, LinkConfig::new("https://go.example.com")).await.unwrap();
        let redirects = Redirects::new(test.store.clone(), test.ctx.clone(), links.clone());
        worlds.push(World { test, links, redirects, sms, whatsapp, sender });
    }
    worlds
}

pub fn phone(number: u32) -> String {
    format!("+1212{:07}", 5_550_000 + number)
}

/// A number of Canada: WhatsApp takes no marketing to those of the United States.
pub fn canadian(number: u32) -> String {
    format!("+1416{:07}", 5_550_000 + number)
}

impl World {
    pub fn ws(&self) -> WorkspaceId {
        self.test.workspace.id
    }

    /// Runs a write that can only fail by the store.
    pub async fn write<T: Send + 'static>(
        &self,
        command: impl Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.test.store.write(command).await.unwrap()
    }

    pub fn said(&self, address: &str, action: ConsentAction) -> NewConsentEvent {
        NewConsentEvent {
            medium: Medium::Sms,
            address: address.to_owned(),
            purpose: Purpose::Marketing,
            action,
            method: ConsentMethod::WebForm,
            wording: Some("Yes, text me offers.".to_owned()),
            proof: None,
            actor: "test".to_owned(),
            occurred_at: self.test.now(),
        }
    }

    pub async fn consent(&self, address: &str, action: ConsentAction) {
        let (event, ctx, ws) = (self.said(address, action), self.test.ctx.clone(), self.ws());
        let recorded = self.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await;
        recorded.unwrap();
    }

    /// A contact who has opted in.
    pub async fn subscriber(&self, phone: &str, name: &str) -> segue_model::ContactId {
        let id = self.test.contact(phone, name).await;
        self.consent(phone, ConsentAction::Grant).await;
        id
    }

    /// This many subscribers, written in few transactions.
    pub async fn crowd(&self, count: u32) {
        let ws = self.ws();
        for start in (0..count).step_by(500) {
            let (ctx, end) = (self.test.ctx.clone(), count.min(start + 500));
            let events: Vec<_> = (start..end).map(|n| self.said(&phone(n), ConsentAction::Grant)).collect();
            self.write(move |tx| {
                for event in &events {
                    let fields = segue_model::contact::ContactFields {
                        phone: Some(event.address.parse::<PhoneNumber>().unwrap()),
                        first_name: Some("Ana".to_owned()),
                        ..Default::default()
                    };
                    tx.upsert_contact(ws, ctx.id(), &fields, ctx.now())?;
                    tx.record_consent_quietly(ws, event, &segue_store::consent::ConsentExtent::default(), &ctx)
                        .unwrap();
                }
                Ok(())
            })
            .await;
        }
    }

    pub fn input(&self) -> CampaignInput {
        CampaignInput {
            media: Vec::new(),
            name: "Spring".to_owned(),
            sender_id: Some(self.sender.id),
            audience: Audience::default(),
            body: "Hi {{ first_name | default(\"there\") }}, chat with us:".to_owned(),
            footer: Footer::Tracked,
            whatsapp_channel_id: Some(self.whatsapp.id),
            prefilled_text: "Hi! I saw your offer".to_owned(),
            schedule: Default::default(),
            variants: Vec::new(),
            held_out_percent: 0,
            pool_id: None,
            texts: Vec::new(),
            template: None,
            rules: Default::default(),
        }
    }

    pub async fn draft(&self, input: CampaignInput) -> Result<CampaignView, OutreachError> {
        campaign::create(&self.test.store, &self.test.ctx, &self.links, self.ws(), &Actor::System, input).await
    }

    pub async fn act(&self, id: CampaignId, action: CampaignAction) -> Result<CampaignView, OutreachError> {
        campaign::action::act(&self.test.store, &self.test.ctx, &self.links, self.ws(), id, action).await
    }

    pub async fn jobs(&self) -> Vec<Value> {
        let ws = self.ws();
        self.write(move |tx| tx.query(&JOBS, &[&ws], |row| row.json())).await
    }

    /// Payloads of the jobs of a kind.
    pub async fn jobs_of(&self, kind: &'static str) -> Vec<Value> {
        let ws = self.ws();
        self.write(move |tx| tx.query(&JOBS_OF, &[&ws, &kind], |row| row.json())).await
    }

    pub fn job(id: CampaignId) -> Value {
        json!({ "campaign_id": id })
    }

    pub async fn plan(&self, id: CampaignId) -> campaign::plan::Planned {
        campaign::plan::run(&self.test.store, &self.test.ctx, &self.links, self.ws(), &Self::job(id)).await.unwrap()
    }

    pub async fn step(&self, id: CampaignId) -> campaign::plan::Step {
        campaign::plan::step(&self.test.store, &self.test.ctx, &self.links, self.ws(), &Self::job(id)).await.unwrap()
    }

    /// A campaign that is started and planned.
    pub async fn sent(&self, input: CampaignInput) -> CampaignView {
        let campaign = self.draft(input).await.unwrap();
        self.act(campaign.id, CampaignAction::Start).await.unwrap();
        self.plan(campaign.id).await;
        campaign::get(&self.test.store, self.ws(), campaign.id).await.unwrap()
    }

    pub async fn messages(&self) -> Vec<Message> {
        let ws = self.ws();
        self.write(move |tx| {
            tx.query(&MESSAGES, &[&ws], |row| {
                let (address, class, state, not_before) = (row.next()?, row.next()?, row.next()?, row.next()?);
                // What is removed with a contact has no sender any more.
                let content: serde_json::Value = row.json()?;
                let field = |name: &str| content[name].as_str().unwrap_or_default().to_owned();
                Ok(Message {
                    address,
                    class,
                    state,
                    not_before,
                    source: field("source"),
                    text: field("text"),
                    dedupe_key: row.next()?,
                })
            })
        })
        .await
    }

    pub async fn in_state(&self, state: &str) -> usize {
        self.messages().await.iter().filter(|message| message.state == state).count()
    }

    pub async fn set_message_state(&self, address: &str, state: &'static str) {
        let (ws, address) = (self.ws(), address.to_owned());
        self.write(move |tx| tx.execute(&SET_MESSAGE_STATE, &[&ws, &address, &state])).await;
        self.recount().await;
    }

    /// Counts every campaign anew, after a test has changed messages behind the product's back.
    pub async fn recount(&self) {
        let ws = self.ws();
        self.write(move |tx| {
            let campaigns: Vec<segue_model::CampaignId> = tx.query(&ALL_CAMPAIGNS, &[&ws], |row| row.next())?;
            campaigns.iter().try_for_each(|id| tx.rebuild_tallies(ws, *id))
        })
        .await;
    }

    /// Kinds and data of all events so far.
    pub async fn events(&self) -> Vec<(String, Value)> {
        let ws = self.ws();
        let events = self.write(move |tx| tx.events_since(ws, 0, 100_000)).await;
        events.into_iter().map(|event| (event.kind, event.data)).collect()
    }
}
