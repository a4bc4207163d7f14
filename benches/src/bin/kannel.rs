//! Side by side with Kannel, against the same carrier with receipts on:
//! `cargo run --release -p segue-benches --bin kannel -- --recipients 20000`.
//!
//! Needs Kannel (Debian: `apt-get install kannel`) and a release build of Segue beside it
//! (`cargo build --release -p segue`). Everything listens on loopback, is ended by its process id, and the load stops by
//! itself. Kannel runs twice: as one would run it for durable sending (messages spooled to disk, one message a request),
//! and as fast as it goes (nothing stored, fifty messages a request, a larger window). Segue runs its whole campaign path
//! with `synchronous=FULL` at the same windows. Compare ratios: machines differ, and this one may be busy.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Parser;
use segue_benches::smsc::{Behaviour, Counts, Receipts, start};

/// How long Kannel may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// HTTP connections that hand messages to Kannel.
const CONNECTIONS: u64 = 32;

/// What to run.
#[derive(Parser)]
struct Arguments {
    /// Messages of each run.
    #[arg(long, default_value_t = 20_000)]
    recipients: u64,
    /// Runs of each configuration; medians are printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// The built program.
    #[arg(long, default_value = "target/release/segue")]
    segue: std::path::PathBuf,
}

/// A way of running Kannel.
struct Setting {
    name: &'static str,
    window: u16,
    store: &'static str,
    /// Recipients in one HTTP request.
    at_once: u64,
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
struct Result1 {
    submits_per_s: f64,
    cpu_us: f64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!("{} messages a run, receipts on, medians of {} runs", arguments.recipients, arguments.runs);
    let durable = Setting { name: "Kannel, spooled, one a request", window: 10, store: "spool", at_once: 1 };
    let fastest = Setting { name: "Kannel, nothing stored, 50 a request", window: 100, store: "none", at_once: 50 };
    for setting in [&durable, &fastest] {
        let kannel = median(arguments.runs, || run_kannel(setting, arguments.recipients))?;
        report(setting.name, setting.window, kannel);
        let segue = median(arguments.runs, || run_segue(&arguments, setting.window))?;
        report("Segue, whole campaign, on disk", setting.window, segue);
        println!(
            "  ratio: {:.1} times the rate, {:.3} of the processor time",
            segue.submits_per_s / kannel.submits_per_s,
            segue.cpu_us / kannel.cpu_us
        );
    }
    Ok(())
}

fn report(name: &str, window: u16, result: Result1) {
    println!(
        "{name:<38} window {window:>4}  {:>8.0} submits/s  {:>7.1} us a message",
        result.submits_per_s, result.cpu_us
    );
}

fn median(runs: usize, run: impl Fn() -> anyhow::Result<Result1>) -> anyhow::Result<Result1> {
    let all = (0..runs.max(1)).map(|_| run()).collect::<anyhow::Result<Vec<_>>>()?;
    let middle = |value: fn(&Result1) -> f64| {
        let mut values: Vec<f64> = all.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Ok(Result1 { submits_per_s: middle(|result| result.submits_per_s), cpu_us: middle(|result| result.cpu_us) })
}

fn carrier() -> anyhow::Result<(SocketAddr, Arc<Counts>)> {
    Ok(start((Ipv4Addr::LOCALHOST, 0).into(), Behaviour { receipts: Receipts::On })?)
}

fn run_segue(arguments: &Arguments, window: u16) -> anyhow::Result<Result1> {
    let (address, _) = carrier()?;
    let output = Command::new(&arguments.segue)
        .args(["bench", "sms", "--json", "--smpp", &format!("smpp://bench:bench@{address}")])
        .args(["--recipients", &arguments.recipients.to_string(), "--window", &window.to_string()])
        .output()
        .with_context(|| format!("{} cannot be started; build it first", arguments.segue.display()))?;
    let line: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("segue bench: {}", String::from_utf8_lossy(&output.stderr)))?;
    let figure = |name: &str| line[name].as_f64().with_context(|| format!("no {name} in {line}"));
    Ok(Result1 { submits_per_s: figure("submits_per_s")?, cpu_us: figure("cpu_us_per_message")? })
}

fn run_kannel(setting: &Setting, messages: u64) -> anyhow::Result<Result1> {
    let (address, counts) = carrier()?;
    let directory = tempfile::TempDir::new()?;
    let [admin, boxes, http, sink] = free_ports()?;
    let config = kannel_config(setting, directory.path(), address, [admin, boxes, http]);
    let path = directory.path().join("kannel.conf");
    std::fs::write(&path, config)?;
    receipt_sink(sink)?;
    let mut bearerbox = Process::start("bearerbox", &path)?;
    wait_for(boxes)?;
    let mut smsbox = Process::start("smsbox", &path)?;
    wait_for(http)?;
    std::thread::sleep(Duration::from_secs(1));

    let started = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (next, at_once) = (Arc::clone(&next), setting.at_once);
            std::thread::spawn(move || feed(http, sink, &next, messages, at_once))
        })
        .collect();
    let (mut known, mut moved) = (0, Instant::now());
    loop {
        let submits = counts.submits.load(Ordering::Relaxed);
        if submits >= messages {
            break;
        }
        if submits != known {
            (known, moved) = (submits, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            bail!("Kannel stands still at {submits} of {messages} messages");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = started.elapsed();
    for worker in workers {
        worker.join().map_err(|_| anyhow::anyhow!("a feeder failed"))??;
    }
    // Receipts that are still under way belong to the cost.
    let settled = Instant::now();
    while counts.receipts_answered.load(Ordering::Relaxed) < messages && settled.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let cpu = bearerbox.cpu_time() + smsbox.cpu_time();
    smsbox.end();
    bearerbox.end();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    Ok(Result1 {
        submits_per_s: messages as f64 / took.as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / messages as f64,
    })
}

fn kannel_config(setting: &Setting, directory: &Path, carrier: SocketAddr, [admin, boxes, http]: [u16; 3]) -> String {
    let store = match setting.store {
        "none" => String::new(),
        store => format!("store-type = {store}\nstore-location = {}\n", directory.display()),
    };
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = bench\nadmin-interface = 127.0.0.1\nsmsbox-port = {boxes}\n\
         smsbox-interface = 127.0.0.1\nlog-level = 4\ndlr-storage = internal\n{store}\n\
         group = smsc\nsmsc = smpp\nsmsc-id = bench\nhost = {}\nport = {}\nsmsc-username = bench\nsmsc-password = bench\n\
         system-type = bench\ntransceiver-mode = true\nmax-pending-submits = {}\nsource-addr-ton = 1\nsource-addr-npi = 1\n\
         dest-addr-ton = 1\ndest-addr-npi = 1\nmsg-id-type = 0x01\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = {boxes}\nsendsms-port = {http}\n\
         sendsms-interface = 127.0.0.1\nlog-level = 4\nmax-pending-requests = 4096\n\n\
         group = sendsms-user\nusername = bench\npassword = bench\nmax-messages = 10\nconcatenation = true\n",
        carrier.ip(),
        carrier.port(),
        setting.window,
    )
}

/// Hands messages over until all are.
fn feed(http: u16, sink: u16, next: &AtomicU64, messages: u64, at_once: u64) -> anyhow::Result<()> {
    let mut stream: Option<BufReader<TcpStream>> = None;
    loop {
        let from = next.fetch_add(at_once, Ordering::Relaxed);
        if from >= messages {
            return Ok(());
        }
        let to = (from..messages.min(from + at_once)).fold(String::new(), |mut to, position| {
            let _ = write!(to, "{}%2B{}", if to.is_empty() { "" } else { "+" }, 15_550_000_000_u64 + position);
            to
        });
        let request = format!(
            "GET /cgi-bin/sendsms?username=bench&password=bench&from=12125550100&dlr-mask=31&to={to}\
             &dlr-url=http%3A%2F%2F127.0.0.1%3A{sink}%2F&text=Hi+Ana%2C+spring+sale+at+Benchmark%3A+30%25+off+today.+Reply+STOP+to+end. \
             HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        );
        let mut connection = match stream.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, http))?),
        };
        connection.get_mut().write_all(request.as_bytes())?;
        stream = read_response(&mut connection)?.then_some(connection);
    }
}

/// Reads a response to its end; whether the connection goes on.
fn read_response(connection: &mut BufReader<TcpStream>) -> anyhow::Result<bool> {
    let (mut length, mut goes_on, mut line) = (0, true, String::new());
    connection.read_line(&mut line)?;
    if !line.contains(" 200") && !line.contains(" 202") {
        bail!("Kannel answers {}", line.trim());
    }
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        goes_on &= lower != "connection: close";
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(goes_on)
}

/// Takes the receipts that Kannel hands on over HTTP, as its user would.
fn receipt_sink(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut connection = BufReader::new(stream);
                let mut line = String::new();
                while matches!(connection.read_line(&mut line), Ok(count) if count > 0) {
                    if line.trim().is_empty() {
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                        if connection.get_mut().write_all(answer).is_err() {
                            return;
                        }
                    }
                    line.clear();
                }
            });
        }
    });
    Ok(())
}

fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let listeners = (0..N).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

fn wait_for(port: u16) -> anyhow::Result<()> {
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if started.elapsed() > PATIENCE {
            bail!("Kannel does not start; is it installed, and is its configuration readable?");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A program that is ended with this one.
struct Process(Child);

impl Process {
    fn start(name: &str, config: &Path) -> anyhow::Result<Self> {
        let program = format!("/usr/sbin/{name}");
        let child = Command::new(&program).arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("{program} cannot be started; install Kannel"))?))
    }

    /// Processor time so far, in user and kernel mode.
    fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u32 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Duration::from_millis(10) * ticks
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
