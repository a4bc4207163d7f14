//! Many submits: nothing stalls, nothing is lost, the window is never exceeded, and a message costs little.
//!
//! `SEGUE_SMPP_MESSAGES=1000000 cargo test --release -p segue-channels --test smpp_load -- --nocapture` measures.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rusmpp::{
    Command, CommandStatus, Pdu,
    pdus::{BindTransceiverResp, SubmitSmResp},
    tokio_codec::CommandCodec,
    types::COctetString,
};
use segue_channels::smpp::{SessionState, SmppConfig, SmppSession, Submission, SubmitOutcome, SubmitSms};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::codec::Framed;

const MESSAGES: usize = 20_000;
const WINDOW: usize = 10;

/// Takes what is there, remembers how many were open at once, and answers in a random order.
async fn carrier(listener: TcpListener, most_open: Arc<AtomicUsize>) {
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut framed = Framed::new(stream, CommandCodec::new());
    let mut rng = StdRng::seed_from_u64(3);
    let mut open: Vec<u32> = Vec::new();
    let mut next_id = 0u64;
    loop {
        let command = if open.is_empty() {
            framed.next().await
        } else {
            futures::FutureExt::now_or_never(framed.next()).unwrap_or(None)
        };
        match command {
            Some(Ok(command)) => match command.pdu() {
                Some(Pdu::SubmitSm(_)) => {
                    open.push(command.sequence_number());
                    most_open.fetch_max(open.len(), Ordering::SeqCst);
                }
                Some(Pdu::BindTransceiver(_)) => {
                    let answer =
                        Command::new(CommandStatus::EsmeRok, command.sequence_number(), BindTransceiverResp::default());
                    framed.send(answer).await.unwrap();
                }
                _ => {}
            },
            Some(Err(_)) => return,
            None if open.is_empty() => return,
            None => {
                for _ in 0..rng.random_range(1..=open.len()) {
                    let sequence = open.swap_remove(rng.random_range(0..open.len()));
                    next_id += 1;
                    let id = COctetString::from_string(format!("{next_id:x}")).unwrap();
                    let answer = Command::new(CommandStatus::EsmeRok, sequence, SubmitSmResp::new(id, vec![]));
                    framed.feed(answer).await.unwrap();
                }
                SinkExt::<Command>::flush(&mut framed).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_thousand_submits_from_many_tasks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = SmppConfig::new("127.0.0.1", listener.local_addr().unwrap().port(), "segue", "sandbox");
    config.window = WINDOW;
    config.per_second = u32::MAX;
    let most_open = Arc::new(AtomicUsize::new(0));
    tokio::spawn(carrier(listener, Arc::clone(&most_open)));
    let (session, _deliveries) = SmppSession::spawn(config, StdRng::seed_from_u64(1));
    session.state().wait_for(|state| *state == SessionState::Bound).await.unwrap();

    let start = tokio::time::Instant::now();
    let outcomes = (0..MESSAGES).map(|number| {
        let session = session.clone();
        let sms = SubmitSms {
            source: "Acme".to_owned(),
            destination: format!("1555{number:07}"),
            text: "Hello".to_owned(),
            validity: None,
            reference: 0,
        };
        tokio::spawn(async move { session.submit(&sms).await })
    });
    let outcomes: Vec<_> = outcomes.collect();
    let mut ids = BTreeSet::new();
    for outcome in outcomes {
        match timeout(Duration::from_secs(60), outcome).await.expect("no stall").unwrap() {
            SubmitOutcome::Accepted { message_ids } => ids.extend(message_ids),
            other => panic!("{other:?}"),
        }
    }
    let took = start.elapsed();
    println!("{MESSAGES} submits in {took:?}: {:.0}/s", MESSAGES as f64 / took.as_secs_f64());
    assert_eq!(ids.len(), MESSAGES);
    assert!((2..=WINDOW).contains(&most_open.load(Ordering::SeqCst)), "{most_open:?}");
}

/// A carrier that costs next to nothing: it answers each submit with an id and at once with a receipt, and counts the
/// answers to the receipts. It leaves the operating system's delayed acknowledgements as they are. Returns how many
/// receipts were acknowledged and the most submits that came without an answer.
fn echo(listener: &std::net::TcpListener) -> u64 {
    let (mut stream, _) = listener.accept().unwrap();
    let (mut input, mut filled, mut out) = (vec![0u8; 1 << 20], 0, Vec::new());
    let (mut next_id, mut acknowledged) = (0u64, 0u64);
    let pdu = |out: &mut Vec<u8>, id: u32, sequence: u32, body: &[u8]| {
        let length = u32::try_from(16 + body.len()).unwrap();
        for word in [length, id, 0, sequence] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(body);
    };
    loop {
        let count = stream.read(&mut input[filled..]).unwrap();
        if count == 0 {
            return acknowledged;
        }
        filled += count;
        let mut at = 0;
        while filled - at >= 16 {
            let word = |at: usize| u32::from_be_bytes(input[at..at + 4].try_into().unwrap());
            let (length, id, sequence) = (word(at) as usize, word(at + 4), word(at + 12));
            if filled - at < length {
                break;
            }
            match id {
                0x04 => {
                    next_id += 1;
                    let message_id = format!("{next_id:010}");
                    pdu(&mut out, 0x8000_0004, sequence, format!("{message_id}\0").as_bytes());
                    let text = format!(
                        "id:{message_id} sub:001 dlvrd:001 submit date:2611231000 done date:2611231001 stat:DELIVRD \
                         err:000 text:Hello"
                    );
                    let mut body = b"\0\x01\x0115550001111\0\x01\x0115550783881\0\x04\0\0\0\0\0\0\0\0".to_vec();
                    body.push(u8::try_from(text.len()).unwrap());
                    body.extend(text.as_bytes());
                    let sequence = u32::try_from(next_id & 0x7FFF_FFFF).unwrap();
                    pdu(&mut out, 0x05, sequence, &body);
                }
                0x8000_0005 => acknowledged += 1,
                0x09 => pdu(&mut out, 0x8000_0009, sequence, b"echo\0"),
                0x06 => pdu(&mut out, 0x8000_0006, sequence, &[]),
                _ => {}
            }
            at += length;
        }
        input.copy_within(at..filled, 0);
        filled -= at;
        stream.write_all(&out).unwrap();
        out.clear();
    }
}

/// User and system time of this thread in seconds, in steps of a hundredth.
fn cpu() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let seconds = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    (seconds(11), seconds(12))
}

/// Submits with receipts, `messages` in all, never more than `ahead` without outcome. One thread does all of the client's
/// work, so its processor time is what a message costs.
async fn run_batches(port: u16, messages: usize, window: usize, ahead: usize) -> f64 {
    let mut config = SmppConfig::new("127.0.0.1", port, "segue", "sandbox");
    config.window = window;
    config.per_second = u32::MAX;
    let (session, mut deliveries) = SmppSession::spawn(config, StdRng::seed_from_u64(1));
    session.state().wait_for(|state| *state == SessionState::Bound).await.unwrap();
    let (outcomes, mut settled) = tokio::sync::mpsc::unbounded_channel();
    let (mut handed_over, mut accepted, mut receipts) = (0usize, 0usize, 0usize);
    let (start, cpu_before) = (std::time::Instant::now(), cpu());
    while accepted < messages || receipts < messages {
        let more = (ahead + accepted - handed_over).min(messages - handed_over);
        if more >= ahead / 2 || handed_over + more == messages && more > 0 {
            let batch = (handed_over..handed_over + more).map(|number| Submission {
                tag: number as u128,
                sms: SubmitSms {
                    source: "+15550783881".to_owned(),
                    destination: format!("1555{number:07}"),
                    text: "Hello Ana, your spring offer: https://acme.example/x7Ff9 Reply STOP to end.".to_owned(),
                    validity: Some(Duration::from_secs(3_600)),
                    reference: 0,
                },
            });
            session.submit_all(batch, &outcomes);
            handed_over += more;
        }
        tokio::select! {
            Some(batch) = settled.recv() => {
                assert!(batch.iter().all(|settled| matches!(settled.outcome, SubmitOutcome::Accepted { .. })));
                accepted += batch.len();
            }
            Some(delivery) = deliveries.recv() => {
                receipts += delivery.inbound.len();
                delivery.acknowledgement.ack();
            }
        }
    }
    let (took, cpu_after) = (start.elapsed().as_secs_f64(), cpu());
    let each = |before: f64, after: f64| (after - before) * 1e6 / messages as f64;
    println!(
        "window {window}: {:.0}/s, {:.2} us user and {:.2} us system each",
        messages as f64 / took,
        each(cpu_before.0, cpu_after.0),
        each(cpu_before.1, cpu_after.1)
    );
    session.shutdown().await;
    messages as f64 / took
}

#[test]
fn batches_with_receipts_never_wait_for_a_delayed_acknowledgement() {
    let messages = std::env::var("SEGUE_SMPP_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000);
    for (window, ahead) in [(10, 20), (100, 400)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let carrier = std::thread::spawn(move || echo(&listener));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rate = runtime.block_on(run_batches(port, messages, window, ahead));
        assert_eq!(carrier.join().unwrap(), messages as u64, "every receipt is acknowledged");
        // A stall of 40 ms for each window would allow 250 a second with a window of 10; a busy machine allows more.
        assert!(window > 10 || rate > 500.0, "{rate:.0}/s with window {window}");
    }
}
