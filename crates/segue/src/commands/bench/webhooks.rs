//! `segue bench webhooks`: text messages of WhatsApp customers, from the signed webhook to the conversation.
//!
//! A whole server on an empty database has one WhatsApp channel whose sessions go to a queue without agents. Nothing is
//! sent back: the channel has no bot, and the workspace no opt-in message. Webhooks of the shape that Meta sends come over
//! HTTP connections that stay open; each hundredth message comes twice. Every message is worked on as any other: Messaging
//! User, session, transcript, service window, link, queue, events. Signing is not measured.
//!
//! The figures of the processor are those of the whole process without the thread that posts, so they hold everything the
//! server does for a message, up to its conversation; what PostgreSQL uses is in its own processes and not among them. With
//! `--beside` they hold the campaign's work as well.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::bail;
use segue_model::{Ctx, WorkspaceId};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig},
    inbox::InboxCounts,
    routing::Queue,
};

use super::{
    beside::{self, Beside, BesideArguments},
    history::{self, Looks},
    poster::{Posted, Webhooks, post},
    setup::{self, Place, rounded},
    usage::{cpu_time, peak_memory_mb},
};
use crate::server::Server;

const APP_SECRET: &str = "the app secret of the benchmark";
const QUEUE: &str = "queue";
/// How often the inbox is looked at once everything is acknowledged.
const LOOK: Duration = Duration::from_millis(20);
/// How long nothing may get done before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many messages; each hundredth is delivered twice on top.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,
    /// How many customers write them, in turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=9_000_000))]
    customers: u64,
    /// How many connections, each with one request at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// How many messages stand in conversations of the past before; with any, the time to look into them is taken, too.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    stored: u64,
    #[command(flatten)]
    beside: BesideArguments,
    #[command(flatten)]
    place: Place,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// The figures of a run.
#[derive(Debug, serde::Serialize)]
struct Figures {
    /// Different messages.
    messages: u64,
    customers: u64,
    connections: u32,
    /// Deliveries answered 200 in a second, the repeated ones among them.
    acks_per_s: f64,
    ack_p50_ms: f64,
    ack_p99_ms: f64,
    /// Messages that are on disk: in transcripts, or in the inbox and not worked on.
    stored: u64,
    /// Messages in transcripts.
    processed: u64,
    /// Deliveries that were acknowledged and left nothing.
    duplicates: u64,
    /// Rows of the inbox that were given up.
    dead: u64,
    /// From the first request until the inbox was worked through.
    processed_s: f64,
    processed_per_s: f64,
    /// Processor time of the server.
    cpu_us_per_message: f64,
    /// Processor time of what posts.
    posting_us_per_message: f64,
    /// Of the whole process.
    peak_rss_mb: u64,
    engine: &'static str,
    #[serde(flatten)]
    looks: Option<Looks>,
    #[serde(flatten)]
    beside: Option<Beside>,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be set up, a webhook is not taken, or the inbox is not worked through.
pub async fn webhooks(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let ctx = arguments.beside.ctx();
    let (server, _directory) = arguments.place.start(ctx.clone()).await?;
    let figures = measure(&server, &ctx, &arguments).await;
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
    println!(
        "{} messages of {} customers over {} connections, {}",
        figures.messages, figures.customers, figures.connections, figures.engine
    );
    println!(
        "acknowledged {:>8.0} /s   half within {:.2} ms, 99 of 100 within {:.2} ms",
        figures.acks_per_s, figures.ack_p50_ms, figures.ack_p99_ms
    );
    println!("worked on    {:>8.0} /s   all within {:.2} s", figures.processed_per_s, figures.processed_s);
    println!(
        "stored {}, processed {}, duplicates {}, dead {}",
        figures.stored, figures.processed, figures.duplicates, figures.dead
    );
    println!(
        "processor    {:>8.1} us a message, {:.1} more for posting; most memory {} MB",
        figures.cpu_us_per_message, figures.posting_us_per_message, figures.peak_rss_mb
    );
    if let Some(looks) = &figures.looks {
        println!("{looks}");
    }
    if let Some(beside) = &figures.beside {
        println!("{beside}");
    }
}

async fn measure(server: &Server, ctx: &Ctx, arguments: &Arguments) -> anyhow::Result<Figures> {
    let channel = set_up(server, ctx).await?;
    let history = match arguments.stored {
        0 => None,
        stored => Some(history::fill(server, ctx, &channel, stored).await?),
    };
    let ready = beside::Ready::make(&arguments.beside, server, ctx, channel.workspace_id).await?;
    let webhooks = sign(ctx, arguments).await?;

    let going = match ready {
        Some(ready) => Some(ready.begin().await?),
        None => None,
    };
    let (cpu, started) = (cpu_time(), Instant::now());
    let (address, connections) = (server.address(), arguments.connections);
    let path = format!("/webhooks/whatsapp/{}", channel.id);
    let posted = tokio::task::spawn_blocking(move || post(address, &path, &webhooks, connections)).await??;
    let counts = work_through(server, channel.workspace_id).await?;
    let (worked, used) = (started.elapsed(), cpu_time().saturating_sub(cpu).saturating_sub(posted.cpu));

    let beside = match going {
        Some(going) => Some(going.end().await?),
        None => None,
    };
    let workspace_id = channel.workspace_id;
    let processed = server.store().read::<_, StoreError, _>(move |tx| tx.count_inbound(workspace_id)).await?;
    let looks = match &history {
        Some(history) => Some(history::look(server, ctx, &channel, history).await?),
        None => None,
    };
    let past = history.map_or(0, |history| history.inbound());
    Ok(Figures { looks, beside, ..figures(arguments, &posted, counts, processed - past, worked, used) })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn figures(
    arguments: &Arguments,
    posted: &Posted,
    counts: InboxCounts,
    processed: u64,
    worked: Duration,
    used: Duration,
) -> Figures {
    let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    let per_message = |time: Duration| rounded(time.as_secs_f64() * 1e6 / arguments.messages as f64);
    let stored = processed + counts.pending + counts.dead;
    Figures {
        messages: arguments.messages,
        customers: arguments.customers,
        connections: arguments.connections,
        acks_per_s: (posted.deliveries as f64 / posted.took.as_secs_f64()).round(),
        ack_p50_ms: milliseconds(posted.quantile(0.5)),
        ack_p99_ms: milliseconds(posted.quantile(0.99)),
        stored,
        processed,
        duplicates: posted.deliveries.saturating_sub(stored),
        dead: counts.dead,
        processed_s: rounded(worked.as_secs_f64()),
        processed_per_s: (processed as f64 / worked.as_secs_f64()).round(),
        cpu_us_per_message: per_message(used),
        posting_us_per_message: per_message(posted.cpu),
        peak_rss_mb: peak_memory_mb(),
        engine: arguments.place.engine(),
        looks: None,
        beside: None,
    }
}

/// A workspace that sends nothing by itself, with a channel whose sessions wait in a queue.
async fn set_up(server: &Server, ctx: &Ctx) -> anyhow::Result<Channel> {
    let store = server.store();
    let mut workspace = setup::workspace(store, ctx).await?;
    workspace.settings.opt_in_message = String::new();
    let id = workspace.id;
    let queue = Queue {
        id: ctx.id(),
        slug: QUEUE.to_owned(),
        name: QUEUE.to_owned(),
        offer_seconds: 45,
        created_at: ctx.now(),
    };
    store
        .write::<_, StoreError, _>(move |tx| {
            tx.update_workspace(&workspace)?;
            tx.upsert_queue(id, &queue)
        })
        .await?;
    setup::channel(store, ctx, id, "whatsapp", ChannelConfig::WhatsApp(setup::whatsapp(APP_SECRET)), Some(QUEUE)).await
}

async fn sign(ctx: &Ctx, arguments: &Arguments) -> anyhow::Result<Webhooks> {
    let (messages, customers) = (arguments.messages, arguments.customers);
    let (seconds, run) = (ctx.now().0 / 1_000, format!("{:X}", ctx.now().0));
    let signed = move || Webhooks::signed(messages, customers, seconds, run, APP_SECRET);
    Ok(tokio::task::spawn_blocking(signed).await?)
}

/// Waits until no row of the inbox is pending.
async fn work_through(server: &Server, workspace_id: WorkspaceId) -> anyhow::Result<InboxCounts> {
    let (mut pending, mut changed) = (u64::MAX, Instant::now());
    loop {
        let asked = Instant::now();
        let left = server.store().read::<_, StoreError, _>(|tx| tx.pending_inbox()).await?.0;
        if left == 0 {
            break;
        }
        if left != pending {
            (pending, changed) = (left, Instant::now());
        }
        if changed.elapsed() > PATIENCE {
            bail!("{left} messages wait and none is worked on any more");
        }
        // On PostgreSQL counting the rows costs milliseconds: it must not be a part of what is measured.
        tokio::time::sleep(LOOK.max(asked.elapsed() * 50)).await;
    }
    Ok(server.store().read::<_, StoreError, _>(move |tx| tx.inbox_counts(workspace_id)).await?)
}
