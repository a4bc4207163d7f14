//! Rows to begin with.

use segue_model::{
    ChannelId, ContactId, PhoneNumber, RegistrationId, SenderId,
    consent::{ConsentState, Medium, Purpose},
    registration::{RegistrationKind, RegistrationState},
};
use segue_store::{
    Sql, StoreError,
    channel::{Channel, ChannelConfig, ChannelState, Registration, Sender, SenderKind, SmppConfig, WhatsAppConfig},
    registration::{RegistrationInput, RegistrationStep},
};

use crate::TestStore;

static INSERT_CONTACT: Sql = Sql::portable(
    "INSERT_CONTACT",
    "INSERT INTO contacts (workspace_id, id, phone, first_name, attributes, search, created_at, updated_at, version)
        VALUES ($1, $2, $3, $4, '{}', $5, $6, $6, 1)",
);
static SET_CONSENT: Sql = Sql::portable(
    "SET_CONSENT",
    "INSERT INTO consents (workspace_id, medium, address, purpose, state, since) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, medium, address, purpose) DO UPDATE SET state = excluded.state,
            since = excluded.since",
);

impl TestStore {
    /// An SMS channel that points at `port` of this machine, where nobody need listen.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn smpp_channel(&self, slug: &str, port: u16) -> Channel {
        self.channel(
            slug,
            ChannelConfig::Smpp(SmppConfig {
                segments_per_second: 1_000,
                ..SmppConfig::new("127.0.0.1", port, "segue", "secret")
            }),
        )
        .await
    }

    /// An SMS channel without anything behind it.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn sms_channel(&self, slug: &str) -> Channel {
        self.smpp_channel(slug, 1).await
    }

    /// A WhatsApp channel whose Graph API is at `base_url`; nothing is fetched from it here.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn whatsapp_channel(&self, slug: &str, base_url: &str) -> Channel {
        self.channel(
            slug,
            ChannelConfig::WhatsApp(WhatsAppConfig {
                base_url: base_url.to_owned(),
                graph_version: "v26.0".to_owned(),
                waba_id: "102290129340398".to_owned(),
                phone_number_id: "106540352242922".to_owned(),
                display_phone_number: "15550783881".to_owned(),
                access_token: "token".to_owned(),
                app_secrets: vec!["app-secret".to_owned()],
                verify_token: "verify".to_owned(),
                portfolio_id: String::new(),
            }),
        )
        .await
    }

    /// A channel with these settings.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn channel(&self, slug: &str, config: ChannelConfig) -> Channel {
        let channel = Channel {
            workspace_id: self.workspace.id,
            id: self.ctx.id(),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            config,
            flow_slug: None,
            queue_slug: None,
            state: ChannelState::Connecting,
            state_detail: None,
            refusal: None,
            last_inbound_at: None,
            created_at: self.now(),
            conversation: segue_store::shared::Shared::default(),
        };
        let row = channel.clone();
        self.store.write::<_, StoreError, _>(move |tx| tx.upsert_channel(&row)).await.expect("the channel is stored");
        channel
    }

    /// A registered long code.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn sender(&self, channel_id: ChannelId, address: &str) -> Sender {
        let sender = Sender {
            id: self.ctx.id(),
            channel_id,
            address: address.to_owned(),
            kind: SenderKind::LongCode,
            registration: Registration::Active,
            created_at: self.now(),
        };
        let (workspace_id, row) = (self.workspace.id, sender.clone());
        let stored = self.store.write::<_, StoreError, _>(move |tx| tx.upsert_sender(workspace_id, &row)).await;
        stored.expect("the sender is stored");
        sender
    }

    /// A sender of this kind that the carrier has activated.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn sender_of_kind(&self, channel_id: ChannelId, kind: SenderKind, address: &str) -> Sender {
        let sender = Sender { kind, ..self.sender(channel_id, address).await };
        let (workspace_id, row) = (self.workspace.id, sender.clone());
        let stored = self.store.write::<_, StoreError, _>(move |tx| tx.upsert_sender(workspace_id, &row)).await;
        stored.expect("the sender is stored");
        sender
    }

    /// Registrations of these kinds, approved and given to a sender.
    ///
    /// # Panics
    /// When they cannot be stored.
    pub async fn approve(&self, sender_id: SenderId, kinds: &[RegistrationKind]) -> Vec<RegistrationId> {
        use RegistrationState::{Approved, Draft, Submitted};
        let (workspace_id, ctx, kinds) = (self.workspace.id, self.ctx.clone(), kinds.to_vec());
        let stored = self.store.write::<_, StoreError, _>(move |tx| {
            let mut ids = Vec::new();
            for kind in &kinds {
                let input = RegistrationInput {
                    name: "Acme".to_owned(),
                    country: None,
                    parent_id: None,
                    reference: None,
                    details: serde_json::json!({}),
                    expires_at: None,
                };
                let id = tx.insert_registration(workspace_id, *kind, &input, "test", &ctx)?;
                for (from, to) in [(Draft, Submitted), (Submitted, Approved)] {
                    let step = RegistrationStep { from, to, note: None, expires_at: None, actor: "test".to_owned() };
                    tx.step_registration(workspace_id, id, &step, &ctx)?;
                }
                ids.push(id);
            }
            tx.link_sender(workspace_id, sender_id, &ids)?;
            Ok(ids)
        });
        stored.await.expect("the registrations are stored")
    }

    /// A contact with this number (E.164) and first name.
    ///
    /// # Panics
    /// When it cannot be stored, such as when the number is taken.
    pub async fn contact(&self, phone: &str, first_name: &str) -> ContactId {
        let (workspace_id, id, now) = (self.workspace.id, self.ctx.id::<ContactId>(), self.now());
        let phone = PhoneNumber::parse(phone, None).expect("a phone number");
        let first_name = first_name.to_owned();
        let search = format!("{} {phone}", first_name.to_lowercase());
        let stored = self.store.write::<_, StoreError, _>(move |tx| {
            tx.execute(&INSERT_CONTACT, &[&workspace_id, &id, &phone, &first_name, &search, &now])
        });
        stored.await.expect("the contact is stored");
        id
    }

    /// Sets what the consent ledger is taken to amount to for an address, without an entry in the ledger.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn set_consent(&self, medium: Medium, address: &str, purpose: Purpose, state: ConsentState) {
        let (workspace_id, address, now) = (self.workspace.id, address.to_owned(), self.now());
        let stored = self.store.write::<_, StoreError, _>(move |tx| {
            tx.execute(
                &SET_CONSENT,
                &[&workspace_id, &medium.as_str(), &address, &purpose.as_str(), &state.as_str(), &now],
            )
        });
        stored.await.expect("the consent is stored");
    }
}
