//! A carrier for benchmarks: `cargo run --release -p segue-benches --bin smsc -- --listen 127.0.0.1:2775`.
//!
//! Prints where it listens, and once a second, while anything moves, what it has seen. Ends with its parent's signal.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use clap::Parser;
use segue_benches::smsc::{Behaviour, Receipts, start};

/// A carrier that does nothing but answer.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Send no receipts.
    #[arg(long)]
    no_receipts: bool,
    /// End by itself after so many seconds.
    #[arg(long, default_value_t = 3_600)]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let receipts = if arguments.no_receipts { Receipts::Off } else { Receipts::On };
    let (address, counts) = start(arguments.listen, Behaviour { receipts })?;
    println!("listening on {address}");
    let mut known = 0;
    for _ in 0..arguments.seconds {
        std::thread::sleep(Duration::from_secs(1));
        let submits = counts.submits.load(Ordering::Relaxed);
        if submits != known {
            known = submits;
            let answered = counts.receipts_answered.load(Ordering::Relaxed);
            println!("submits {submits} ({:.0}/s), receipts answered {answered}", counts.submits_per_s());
        }
    }
    Ok(())
}
