//! Many submits on many threads: nothing stalls, nothing is lost, the window is never exceeded.

use std::{
    collections::BTreeSet,
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
use segue_channels::smpp::{SessionState, SmppConfig, SmppSession, SubmitOutcome, SubmitSms};
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
