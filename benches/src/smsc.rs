//! A carrier that does nothing but answer: SMPP 3.4 over blocking sockets, a thread for each connection.
//!
//! It binds anybody, accepts every `submit_sm`, and, when asked, sends a receipt "delivered" for each. Everything that a
//! read brought is answered by one write, so that it costs little beside what is measured. It leaves the kernel's delayed
//! acknowledgements as they are. For tests of behaviour there is the sandbox, which does everything else.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const BIND_RECEIVER: u32 = 0x01;
const BIND_TRANSMITTER: u32 = 0x02;
const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM: u32 = 0x05;
const UNBIND: u32 = 0x06;
const BIND_TRANSCEIVER: u32 = 0x09;
const ENQUIRE_LINK: u32 = 0x15;
const RESPONSE: u32 = 0x8000_0000;
/// Most receipts without an answer on a connection.
const RECEIPT_WINDOW: usize = 2_000;
/// Longest PDU taken.
const LONGEST: usize = 64 * 1024;

/// How the carrier behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// Whether each message gets a receipt.
    pub receipts: Receipts,
}

/// Whether receipts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipts {
    On,
    Off,
}

/// What the carrier has seen, over all connections.
#[derive(Debug, Default)]
pub struct Counts {
    pub submits: AtomicU64,
    pub receipts_answered: AtomicU64,
    /// Milliseconds since the start of the carrier: of the first and the last submit.
    first: AtomicU64,
    last: AtomicU64,
}

impl Counts {
    /// Submits for each second between the first and the last.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn submits_per_s(&self) -> f64 {
        let span = self.last.load(Ordering::Relaxed).saturating_sub(self.first.load(Ordering::Relaxed)).max(1);
        self.submits.load(Ordering::Relaxed) as f64 * 1_000.0 / span as f64
    }

    fn note(&self, submits: u64, started: Instant) {
        if submits == 0 {
            return;
        }
        let now = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        if self.submits.fetch_add(submits, Ordering::Relaxed) == 0 {
            self.first.store(now, Ordering::Relaxed);
        }
        self.last.store(now, Ordering::Relaxed);
    }
}

/// Listens and answers on threads of its own until the process ends. Gives the address and the counts.
///
/// # Errors
/// When it cannot listen.
pub fn start(address: SocketAddr, behaviour: Behaviour) -> std::io::Result<(SocketAddr, Arc<Counts>)> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let counts = Arc::new(Counts::default());
    let (own, started) = (Arc::clone(&counts), Instant::now());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counts = Arc::clone(&own);
            std::thread::spawn(move || {
                // The end of a connection is the end of a client; there is nobody to tell.
                let _ = Connection::new(stream, counts, behaviour, started).run();
            });
        }
    });
    Ok((address, counts))
}

struct Connection {
    stream: TcpStream,
    counts: Arc<Counts>,
    behaviour: Behaviour,
    started: Instant,
    out: Vec<u8>,
    /// Receipts that wait for room: id, source and destination of the message.
    waiting: std::collections::VecDeque<(u64, Vec<u8>, Vec<u8>)>,
    unanswered: usize,
    sequence: u32,
}

/// Ids are unique over all connections.
static NEXT_ID: AtomicU64 = AtomicU64::new(0x1000_0000);

impl Connection {
    fn new(stream: TcpStream, counts: Arc<Counts>, behaviour: Behaviour, started: Instant) -> Self {
        Self {
            stream,
            counts,
            behaviour,
            started,
            out: Vec::new(),
            waiting: std::collections::VecDeque::new(),
            unanswered: 0,
            sequence: 1,
        }
    }

    fn run(&mut self) -> std::io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(Duration::from_secs(600)))?;
        let mut buffer = vec![0_u8; 256 * 1024];
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut buffer[filled..])?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
            let (used, submits, goes_on) = self.answer(&buffer[..filled])?;
            buffer.copy_within(used..filled, 0);
            filled -= used;
            self.counts.note(submits, self.started);
            self.send_receipts();
            self.stream.write_all(&self.out)?;
            self.out.clear();
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Answers every whole PDU. Gives how many bytes they were, how many submits, and whether the connection goes on.
    fn answer(&mut self, bytes: &[u8]) -> std::io::Result<(usize, u64, bool)> {
        let (mut used, mut submits) = (0, 0);
        while bytes.len() - used >= 16 {
            let length = word(bytes, used) as usize;
            if !(16..=LONGEST).contains(&length) {
                return Err(std::io::Error::other("a PDU of an impossible length"));
            }
            if bytes.len() - used < length {
                break;
            }
            let pdu = &bytes[used..used + length];
            used += length;
            let (command, sequence) = (word(pdu, 4), word(pdu, 12));
            match command {
                BIND_RECEIVER | BIND_TRANSMITTER | BIND_TRANSCEIVER => {
                    self.pdu(command | RESPONSE, sequence, b"smsc\0")
                }
                SUBMIT_SM => {
                    submits += 1;
                    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
                    let text = format!("{id:08x}\0");
                    self.pdu(SUBMIT_SM | RESPONSE, sequence, text.as_bytes());
                    if self.behaviour.receipts == Receipts::On {
                        let (source, destination) = addresses(&pdu[16..]);
                        self.waiting.push_back((id, source.to_vec(), destination.to_vec()));
                    }
                }
                ENQUIRE_LINK => self.pdu(ENQUIRE_LINK | RESPONSE, sequence, &[]),
                UNBIND => {
                    self.pdu(UNBIND | RESPONSE, sequence, &[]);
                    return Ok((used, submits, false));
                }
                id if id == DELIVER_SM | RESPONSE => {
                    self.unanswered = self.unanswered.saturating_sub(1);
                    self.counts.receipts_answered.fetch_add(1, Ordering::Relaxed);
                }
                _ => {}
            }
        }
        Ok((used, submits, true))
    }

    fn send_receipts(&mut self) {
        while self.unanswered < RECEIPT_WINDOW {
            let Some((id, source, destination)) = self.waiting.pop_front() else { return };
            let text = format!(
                "id:{id:08x} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
            );
            let mut body = Vec::with_capacity(64 + text.len());
            body.extend_from_slice(b"\0\x01\x01");
            body.extend_from_slice(&destination);
            body.extend_from_slice(b"\0\x01\x01");
            body.extend_from_slice(&source);
            // End of the address, esm_class "receipt", and seven fields that say nothing.
            body.extend_from_slice(b"\0\x04\0\0\0\0\0\0\0\0");
            body.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            body.extend_from_slice(text.as_bytes());
            let sequence = self.sequence;
            self.sequence = self.sequence % 0x7FFF_FFFF + 1;
            self.pdu(DELIVER_SM, sequence, &body);
            self.unanswered += 1;
        }
    }

    fn pdu(&mut self, command: u32, sequence: u32, body: &[u8]) {
        let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
        for word in [length, command, 0, sequence] {
            self.out.extend_from_slice(&word.to_be_bytes());
        }
        self.out.extend_from_slice(body);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| (word << 8) | u32::from(*byte))
}

/// Source and destination address in the body of a `submit_sm`; empty where it ends too soon.
fn addresses(body: &[u8]) -> (&[u8], &[u8]) {
    let text = |from: usize| {
        let rest = body.get(from..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        (&rest[..length], from + length + 1)
    };
    let (_, after_service) = text(0);
    let (source, after_source) = text(after_service + 2);
    let (destination, _) = text(after_source + 2);
    (source, destination)
}
