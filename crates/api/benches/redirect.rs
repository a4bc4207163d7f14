//! How fast short links are followed, beside a handler that only answers with a redirect.
//!
//! ```text
//! cargo bench -p segue-api --bench redirect
//! ```
//!
//! Both serve the same requests over loopback: the bare handler knows its target, ours reads the code, finds where the
//! campaign's link leads, tells people from robots, and hands the click to the queue that stores it (SQLite,
//! `synchronous=FULL`) while the next requests come. Once each request has a connection of its own, as each customer's
//! phone has one and as a proxy hands it on that keeps none (nginx as it comes); once connections are kept, as by a proxy
//! that does (Caddy). Runs of the two take turns; of each kind the median is printed, with the CPU time of the server's
//! and the database's threads. At the end every click must be stored.
//!
//! Measure on a machine that does nothing else: what counts is the ratio, which is to be at least 0.8.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use http::{HeaderValue, StatusCode, header};
use segue_api::{ApiConfig, AppState};
use segue_model::{CampaignId, ContactId, Ctx, campaign::Footer, code::CodeTarget};
use segue_outreach::{LinkConfig, Links};
use segue_store::{
    Sql, StoreError,
    campaign::{Audience, CampaignInput},
    recipient::NewRecipient,
};
use segue_testkit::TestStore;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// Recipients of the campaign; each request follows the link of the next one.
const RECIPIENTS: u32 = 10_000;
const CONNECTIONS: usize = 32;
const RUNS: usize = 5;
const RUN: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_millis(500);
const AGENT: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 \
                     Mobile Safari/537.36";

static PLANNED: Sql = Sql::portable("PLANNED", "UPDATE campaigns SET planned = $3 WHERE workspace_id = $1 AND id = $2");
static CLICKS: Sql = Sql::portable("CLICKS", "SELECT COUNT(*) FROM clicks WHERE workspace_id = $1");

/// How many requests a connection carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connections {
    OnePerRequest,
    Kept,
}

fn main() {
    // `cargo test` runs benches too, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = |name: &str| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()
    };
    let server = runtime("server").expect("a runtime for the servers");
    let (test, links, number) = server.block_on(prepare());
    let state = AppState::new(test.store.clone(), Ctx::system(), test.bus.clone(), links.clone(), ApiConfig::default());
    let shutdown = CancellationToken::new();
    let (redirects, token) = (state.redirects.clone(), shutdown.clone());
    let clicks = server.spawn(async move { redirects.clicks().run(token).await });
    let ours = server.block_on(serve(segue_api::router(state)));
    let bare = server.block_on(serve(Router::new().route("/l/{code}", get(redirect_bare))));

    let client = runtime("client").expect("a runtime for the client");
    let mut followed = 0;
    for connections in [Connections::OnePerRequest, Connections::Kept] {
        let requests = Arc::new(requests(&links, number, connections));
        let mut measured: [Vec<Run>; 2] = [Vec::new(), Vec::new()];
        for run in 0..RUNS * 2 {
            let kind = run % 2;
            let taken = client.block_on(measure([bare, ours][kind], &requests, connections));
            followed += if kind == 1 { taken.all } else { 0 };
            measured[kind].push(taken);
        }
        print(connections, measured);
    }
    shutdown.cancel();
    server.block_on(clicks).expect("the clicks' task ends");
    let workspace_id = test.workspace_id();
    let stored = server.block_on(
        test.store.read::<_, StoreError, _>(move |tx| tx.query_one(&CLICKS, &[&workspace_id], |row| row.next::<u64>())),
    );
    println!("{{\"followed\":{followed},\"stored\":{}}}", stored.expect("clicks can be counted"));
}

fn print(connections: Connections, measured: [Vec<Run>; 2]) {
    let [bare, ours] = measured.map(|runs| {
        let rates = median(runs.iter().map(|run| run.per_second).collect());
        (rates, median(runs.iter().map(|run| run.cpu_us).collect()))
    });
    let name = match connections {
        Connections::OnePerRequest => "one per request",
        Connections::Kept => "kept",
    };
    println!(
        "{{\"connections\":\"{name}\",\"bare_per_s\":{:.0},\"bare_cpu_us\":{:.1},\"links_per_s\":{:.0},\
         \"links_cpu_us\":{:.1},\"ratio\":{:.2}}}",
        bare.0,
        bare.1,
        ours.0,
        ours.1,
        ours.0 / bare.0,
    );
}

/// A campaign with recipients; the links' key and the campaign's number.
async fn prepare() -> (TestStore, Links, u32) {
    let test = segue_testkit::sqlite_store().await;
    let links = Links::load(&test.store, &test.ctx, LinkConfig::new("https://go.example.com")).await;
    let links = links.expect("a key");
    let sms = test.sms_channel("sms").await;
    let chat = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let sender = test.sender(sms.id, "+15550101234").await;
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    let campaign_id: CampaignId = ctx.id();
    let input = CampaignInput {
        media: Vec::new(),
        name: "Speed".to_owned(),
        sender_id: Some(sender.id),
        audience: Audience::default(),
        body: "Hello".to_owned(),
        footer: Footer::Tracked,
        whatsapp_channel_id: Some(chat.id),
        prefilled_text: "Hi! I have a question about the June offer".to_owned(),
        schedule: Default::default(),
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        texts: Vec::new(),
        template: None,
        rules: Default::default(),
    };
    let written = test.store.write::<_, StoreError, _>(move |tx| {
        tx.insert_campaign(workspace_id, campaign_id, &input, None, ctx.now())?;
        tx.execute(&PLANNED, &[&workspace_id, &campaign_id, &RECIPIENTS])?;
        for position in 1..=RECIPIENTS {
            let contact_id: ContactId = ctx.id();
            let recipient = NewRecipient { position, contact_id, phone: None, rule: "allowed", message_id: None };
            tx.insert_recipient(workspace_id, campaign_id, &recipient)?;
        }
        tx.campaign(workspace_id, campaign_id)
    });
    let campaign = written.await.expect("a campaign").expect("it is there");
    (test, links, campaign.number)
}

/// Answers at the speed of the library.
async fn redirect_bare() -> (StatusCode, [(header::HeaderName, HeaderValue); 1]) {
    let target = "https://wa.me/15550783881?text=Hi%21%20I%20have%20a%20question%20about%20the%20June%20offer%20%28ref%20\
                  C3AC-QE54-744K-CRXF%29";
    (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_static(target))])
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

fn requests(links: &Links, number: u32, connections: Connections) -> Vec<Vec<u8>> {
    let connection = match connections {
        Connections::OnePerRequest => "Connection: close\r\n",
        Connections::Kept => "",
    };
    (1..=RECIPIENTS)
        .map(|position| {
            let code = links.key().encode(CodeTarget { campaign_number: number, position });
            format!(
                "GET /l/{code} HTTP/1.1\r\nHost: go.example.com\r\nUser-Agent: {AGENT}\r\nAccept: text/html\r\n\
                 Accept-Language: en-US,en;q=0.9\r\nSec-Fetch-Mode: navigate\r\n{connection}\r\n"
            )
            .into_bytes()
        })
        .collect()
}

struct Run {
    per_second: f64,
    /// Microseconds of the server's and the database's threads per request.
    cpu_us: f64,
    /// Requests in all, those of the warm-up included.
    all: u64,
}

async fn measure(address: SocketAddr, requests: &Arc<Vec<Vec<u8>>>, connections: Connections) -> Run {
    let (answered, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|first| {
            let (requests, answered, ended) = (Arc::clone(requests), Arc::clone(&answered), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut next = first * 313;
                let mut kept = None;
                while !ended.load(Ordering::Relaxed) {
                    let mut connection = match kept.take() {
                        Some(connection) => connection,
                        None => connect(address).await,
                    };
                    follow(&mut connection, &requests[next % requests.len()]).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    next += CONNECTIONS;
                    kept = (connections == Connections::Kept).then_some(connection);
                }
            })
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let (before, cpu, started) = (answered.load(Ordering::Relaxed), server_cpu(), Instant::now());
    tokio::time::sleep(RUN).await;
    let count = answered.load(Ordering::Relaxed) - before;
    let (cpu, seconds) = (server_cpu() - cpu, started.elapsed().as_secs_f64());
    ended.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("every request is answered with a redirect");
    }
    // What was handed over is stored before the other one's turn.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let count_f = count as f64;
    Run { per_second: count_f / seconds, cpu_us: cpu / 1_000.0 / count_f, all: answered.load(Ordering::Relaxed) }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(address).await.expect("a connection");
    connection.set_nodelay(true).expect("an option of the connection");
    connection
}

async fn follow(connection: &mut TcpStream, request: &[u8]) {
    let mut answer = [0; 4_096];
    connection.write_all(request).await.expect("a request goes out");
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\n") {
        let read = connection.read(&mut answer[length..]).await.expect("an answer comes in");
        assert!(read > 0, "the server hung up");
        length += read;
    }
    assert!(answer.starts_with(b"HTTP/1.1 302"), "{}", String::from_utf8_lossy(&answer[..length]));
}

/// Nanoseconds that the threads of the servers and the database have run.
fn server_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |path: std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        if !name.starts_with("server") && !name.starts_with("segue-") {
            return 0.0;
        }
        let times = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        times.split(' ').next().and_then(|time| time.parse::<f64>().ok()).unwrap_or_default()
    };
    tasks.map(|task| of(task.path())).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
