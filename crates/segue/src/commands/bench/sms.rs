//! `segue bench sms`: a campaign to as many recipients as asked for, against a carrier that speaks SMPP.
//!
//! A temporary workspace gets contacts with opt-ins, numbered upwards, and a whole server runs one campaign: plan, policy,
//! outbox, SMPP, receipts, settling, on disk with `synchronous=FULL`. The server's clock is set to the afternoon of all
//! US time zones, so that quiet hours hold nothing at whatever hour it runs. Planning and sending are timed one after the
//! other: the carrier's account is added when the plan stands. Making the contacts is not counted.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use segue_model::{
    CampaignId, ContactId, Ctx, ListId, PhoneNumber, Timestamp, WorkspaceId,
    actor::Actor,
    campaign::{CampaignAction, CampaignState, Footer},
    consent::{ConsentAction, ConsentMethod, Medium, Purpose},
    contact::ContactFields,
    ctx::{Clock, SystemClock},
    time,
};
use segue_outreach::campaign::{self, action};
use segue_store::{
    Store, StoreError,
    campaign::{Audience, CampaignInput},
    channel::{Channel, ChannelConfig, ChannelState, Registration, Sender, SenderKind, SmppConfig},
    consent::{ConsentError, NewConsentEvent},
};

use super::{
    setup::{self, Place, rounded},
    usage::{cpu_time, peak_memory_mb},
};

/// Contacts written in one transaction.
const CHUNK: u64 = 2_000;
/// How often the campaign is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long receipts may fail to come before no more are waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The hour at which it is day from Hawaii to New York, in hours of UTC.
const DAY_EVERYWHERE: i64 = 19;

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// The carrier: smpp://USER:PASSWORD@HOST:PORT
    #[arg(long, value_name = "URL")]
    smpp: String,
    /// How many recipients.
    #[arg(long, default_value_t = 100_000)]
    recipients: u64,
    /// The first recipient's number, digits with country code; the others follow.
    #[arg(long, default_value_t = 15_550_000_000)]
    first: u64,
    /// Most messages without an answer.
    #[arg(long, default_value_t = 1_000)]
    window: u16,
    #[command(flatten)]
    place: Place,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// The figures of a run.
#[derive(Debug, serde::Serialize)]
struct Figures {
    recipients: u64,
    planned_s: f64,
    send_s: f64,
    submits_per_s: f64,
    /// Messages that the carrier took, those delivered or failed since among them.
    accepted: i64,
    delivered: i64,
    failed: i64,
    unknown: i64,
    cpu_us_per_message: f64,
    peak_rss_mb: u64,
    /// Processor time of planning alone, in microseconds a recipient.
    plan_cpu_us: f64,
    /// From the first submit to the last receipt.
    receipts_s: f64,
    window: u16,
    engine: &'static str,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be set up, or does not come to its end.
pub async fn sms(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let account = account(&arguments.smpp, arguments.window)?;
    let ctx = Ctx::with_clock(Arc::new(Afternoon::today()));
    let (server, _directory) = arguments.place.start(ctx.clone()).await?;
    let run = Run { store: server.store().clone(), ctx, links: server.links().clone() };
    let figures = run.measure(&arguments, account).await;
    server.shutdown().await;
    let figures = figures?;
    if arguments.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        print(&figures);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(figures: &Figures) {
    println!("{} recipients, window {}, {}", figures.recipients, figures.window, figures.engine);
    println!("planned    {:>8.2} s", figures.planned_s);
    println!("sent       {:>8.2} s  {:>8.0} submits/s", figures.send_s, figures.submits_per_s);
    println!("receipts   {:>8.2} s  after the first submit", figures.receipts_s);
    println!(
        "accepted {}, delivered {}, failed {}, unknown {}",
        figures.accepted, figures.delivered, figures.failed, figures.unknown
    );
    println!(
        "processor  {:>8.1} us a message, {:.1} of it for the plan; most memory {} MB",
        figures.cpu_us_per_message, figures.plan_cpu_us, figures.peak_rss_mb
    );
}

/// The settings of an account at a carrier named by its URL.
///
/// # Errors
/// When it is no such URL.
pub(super) fn account(url: &str, window: u16) -> anyhow::Result<SmppConfig> {
    let example = "The carrier's address must look like smpp://user:password@127.0.0.1:2775";
    let rest = url.strip_prefix("smpp://").context(example)?;
    let (login, place) = rest.rsplit_once('@').context(example)?;
    let (system_id, password) = login.split_once(':').context(example)?;
    let (host, port) = place.trim_end_matches('/').rsplit_once(':').context(example)?;
    let settings = serde_json::json!({
        "host": host,
        "port": port.parse::<u16>().context(example)?,
        "system_id": system_id,
        "password": password,
        "window": window,
        "segments_per_second": 10_000_000,
    });
    Ok(serde_json::from_value(settings)?)
}

/// The machine's clock, moved so that it was a fixed hour when it was made.
pub(super) struct Afternoon {
    offset: i64,
}

impl Afternoon {
    pub fn today() -> Self {
        let now = SystemClock.now();
        let day = now.0.rem_euclid(24 * time::HOUR);
        Self { offset: DAY_EVERYWHERE * time::HOUR - day }
    }
}

impl Clock for Afternoon {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.offset)
    }
}

/// A server on which a campaign runs.
pub(super) struct Run {
    pub store: Store,
    pub ctx: Ctx,
    pub links: segue_outreach::Links,
}

impl Run {
    async fn measure(&self, arguments: &Arguments, account: SmppConfig) -> anyhow::Result<Figures> {
        let workspace_id = setup::workspace(&self.store, &self.ctx).await?.id;
        let (list_id, _) = self.contacts(workspace_id, "Everybody", arguments.first, arguments.recipients).await?;
        let campaign_id = self.campaign(workspace_id, list_id).await?;

        let (started, cpu) = (Instant::now(), cpu_time());
        let (store, ctx, links) = (&self.store, &self.ctx, &self.links);
        action::act(store, ctx, links, workspace_id, campaign_id, CampaignAction::Start).await?;
        while self.state(workspace_id, campaign_id).await? != CampaignState::Running {
            tokio::time::sleep(LOOK).await;
        }
        let (planned, planned_cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu));

        self.connect(workspace_id, account).await?;
        let sending = Instant::now();
        while self.state(workspace_id, campaign_id).await? != CampaignState::Finished {
            tokio::time::sleep(LOOK).await;
        }
        let sent = sending.elapsed();
        let (last, counts) = self.receipts(workspace_id, campaign_id, sending).await?;
        let used = cpu_time().saturating_sub(cpu);
        let count =
            |name: &str| counts.iter().filter(|(bucket, _)| bucket == name).map(|(_, count)| count).sum::<i64>();
        let reached = count("sent") + count("delivered") + count("failed");
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let per_message = |time: Duration| time.as_secs_f64() * 1e6 / arguments.recipients.max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let submits_per_s = (reached + count("unknown")) as f64 / sent.as_secs_f64();
        Ok(Figures {
            recipients: arguments.recipients,
            planned_s: rounded(planned.as_secs_f64()),
            send_s: rounded(sent.as_secs_f64()),
            submits_per_s: submits_per_s.round(),
            accepted: count("sent") + count("delivered"),
            delivered: count("delivered"),
            failed: count("failed"),
            unknown: count("unknown"),
            cpu_us_per_message: rounded(per_message(used)),
            peak_rss_mb: peak_memory_mb(),
            plan_cpu_us: rounded(per_message(planned_cpu)),
            receipts_s: rounded(last.as_secs_f64()),
            window: arguments.window,
            engine: arguments.place.engine(),
        })
    }

    /// Contacts that have opted in, with the record of it, on a list.
    ///
    /// # Errors
    /// When the store fails, or the numbers are none.
    pub async fn contacts(
        &self,
        workspace_id: WorkspaceId,
        list: &'static str,
        first: u64,
        count: u64,
    ) -> anyhow::Result<(ListId, Vec<ContactId>)> {
        let (list_id, now) = (self.ctx.id::<ListId>(), self.ctx.now());
        self.store.write::<_, StoreError, _>(move |tx| tx.insert_list(workspace_id, list_id, list, now)).await?;
        let last = first + count;
        let mut ids = Vec::new();
        for from in (first..last).step_by(usize::try_from(CHUNK)?) {
            let ctx = self.ctx.clone();
            let numbers = from..last.min(from + CHUNK);
            let made = self.store.write_bulk::<_, ConsentError, _>(move |tx| {
                numbers
                    .clone()
                    .map(|number| contact(tx, &ctx, workspace_id, list_id, number))
                    .collect::<Result<Vec<_>, _>>()
            });
            ids.extend(made.await?);
        }
        Ok((list_id, ids))
    }

    async fn channel(&self, workspace_id: WorkspaceId, slug: &str, config: ChannelConfig) -> anyhow::Result<Channel> {
        setup::channel(&self.store, &self.ctx, workspace_id, slug, config, None).await
    }

    /// Has the campaign's texts go to this account, and waits until it is connected.
    ///
    /// # Errors
    /// When the carrier cannot be reached.
    pub async fn connect(&self, workspace_id: WorkspaceId, account: SmppConfig) -> anyhow::Result<()> {
        let channel = self.channel(workspace_id, "sms", ChannelConfig::Smpp(account)).await?;
        self.connected(workspace_id, &channel).await
    }

    /// Recipients planned, and messages that the carrier has taken.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn progress(&self, workspace_id: WorkspaceId, id: CampaignId) -> anyhow::Result<(i64, i64)> {
        let counts = self.store.read::<_, StoreError, _>(move |tx| tx.tallies(workspace_id, id)).await?;
        let of = |names: &[&str]| {
            counts.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, count)| count).sum()
        };
        Ok((of(&["planned"]), of(&["sent", "delivered", "failed", "unknown"])))
    }

    /// A campaign to a list, over an account where nobody listens yet.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn campaign(&self, workspace_id: WorkspaceId, list_id: ListId) -> anyhow::Result<CampaignId> {
        let channel = self.channel(workspace_id, "sms", ChannelConfig::Smpp(nowhere())).await?;
        // What the footer's links lead to; nothing is sent there.
        let chat = self.channel(workspace_id, "chat", ChannelConfig::WhatsApp(setup::whatsapp("none"))).await?;
        let sender = Sender {
            id: self.ctx.id(),
            channel_id: channel.id,
            address: "+12125550100".to_owned(),
            kind: SenderKind::LongCode,
            registration: Registration::Active,
            created_at: self.ctx.now(),
        };
        let sender_id = self.store.write::<_, StoreError, _>(move |tx| tx.upsert_sender(workspace_id, &sender)).await?;
        let input = CampaignInput {
            media: Vec::new(),
            name: "Benchmark".to_owned(),
            sender_id: Some(sender_id),
            audience: Audience { list_id: Some(list_id), ..Audience::default() },
            body: "Hi {{ first_name }}, spring sale at Benchmark: 30% off today. Reply STOP to end.".to_owned(),
            footer: Footer::Tracked,
            whatsapp_channel_id: Some(chat.id),
            prefilled_text: "Hello".to_owned(),
            schedule: Default::default(),
            variants: Vec::new(),
            held_out_percent: 0,
            pool_id: None,
            template: None,
            rules: Default::default(),
            texts: Vec::new(),
        };
        Ok(campaign::create(&self.store, &self.ctx, &self.links, workspace_id, &Actor::System, input).await?.id)
    }

    async fn state(&self, workspace_id: WorkspaceId, id: CampaignId) -> anyhow::Result<CampaignState> {
        let state = self.store.read::<_, StoreError, _>(move |tx| tx.campaign_state(workspace_id, id)).await?;
        state.context("the campaign is gone")
    }

    async fn connected(&self, workspace_id: WorkspaceId, channel: &Channel) -> anyhow::Result<()> {
        let (id, started) = (channel.id, Instant::now());
        loop {
            let found = self.store.read::<_, StoreError, _>(move |tx| tx.channel(workspace_id, id)).await?;
            let found = found.context("the channel is gone")?;
            if found.state == ChannelState::Connected {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("The carrier cannot be reached: {}", found.state_detail.unwrap_or_default());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits for receipts until each message has one, or none comes any more. Gives when the last one was in, and the
    /// counts of the campaign.
    async fn receipts(
        &self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        since: Instant,
    ) -> anyhow::Result<(Duration, Vec<(String, i64)>)> {
        let mut known = Vec::new();
        let mut changed = Instant::now();
        loop {
            let counts = self.store.read::<_, StoreError, _>(move |tx| tx.tallies(workspace_id, id)).await?;
            if counts != known {
                (known, changed) = (counts, Instant::now());
            }
            let waits = known.iter().any(|(bucket, _)| bucket == "sent" || bucket == "unknown");
            if !waits || changed.elapsed() > PATIENCE {
                return Ok((changed.duration_since(since), known));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn contact(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    list_id: ListId,
    number: u64,
) -> Result<ContactId, ConsentError> {
    let phone = PhoneNumber::from_digits(&number.to_string())
        .map_err(|error| StoreError::Unsupported(format!("{number} is not a phone number: {error}")))?;
    let now = ctx.now();
    let id = ctx.id::<ContactId>();
    let fields = ContactFields {
        phone: Some(phone.clone()),
        first_name: Some("Ana".to_owned()),
        last_name: Some("Maria".to_owned()),
        ..ContactFields::default()
    };
    tx.upsert_contact(workspace_id, id, &fields, now)?;
    tx.add_to_list(workspace_id, list_id, id, now)?;
    let consent = NewConsentEvent {
        medium: Medium::Sms,
        address: phone.to_string(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Grant,
        method: ConsentMethod::Api,
        wording: Some("Send me offers.".to_owned()),
        proof: None,
        actor: Actor::System.reference(),
        occurred_at: now,
    };
    tx.record_consent_quietly(workspace_id, &consent, &segue_store::consent::ConsentExtent::default(), ctx)?;
    Ok(id)
}

/// An account where nobody listens, while the campaign is planned.
fn nowhere() -> SmppConfig {
    let settings = serde_json::json!({ "host": "127.0.0.1", "port": 9, "system_id": "none", "password": "none" });
    serde_json::from_value(settings).expect("the settings are complete")
}
